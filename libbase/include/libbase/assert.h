/* SPDX-License-Identifier: BSD-2-Clause */
/** ASH_ASSERT: cannot happen unless the library or its caller is wrong. Never a guest's or a file's value.
 *  Compiled in where ASH_ASSERTIONS is 1 (tests); define ASH_ASSERT_FAIL for something softer than a trap. */
#ifndef LIBBASE_ASSERT_H
#define LIBBASE_ASSERT_H

#ifndef ASH_ASSERTIONS
#define ASH_ASSERTIONS 0
#endif

#ifndef ASH_ASSERT_FAIL
#define ASH_ASSERT_FAIL() __builtin_trap()
#endif

#if ASH_ASSERTIONS
#define ASH_ASSERT(condition) ((condition) ? (void)0 : (void)(ASH_ASSERT_FAIL()))
#else
#define ASH_ASSERT(condition) ((void)sizeof(!(condition)))
#endif

#endif
