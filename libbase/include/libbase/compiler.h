/* SPDX-License-Identifier: BSD-2-Clause */
/** What differs between C11 and C++17, and between compilers. */
#ifndef LIBBASE_COMPILER_H
#define LIBBASE_COMPILER_H

#ifdef __cplusplus
#define ASH_STATIC_ASSERT(condition, message) static_assert(condition, message)
#define ASH_ALIGNED(bytes)                    alignas(bytes)
#else
#define ASH_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#define ASH_ALIGNED(bytes)                    _Alignas(bytes)
#endif

#define ASH_NODISCARD __attribute__((warn_unused_result))
/** Drop the result of a call that cannot fail here; the reason stands beside it. */
#define ASH_DISCARD(result)    ((void)((result) == 0))
#define ASH_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ASH_ARRAY_SIZE(array)  (sizeof(array) / sizeof((array)[0]))

#endif
