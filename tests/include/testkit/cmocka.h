/* SPDX-License-Identifier: BSD-2-Clause */
/** cmocka with the headers it wants before it. Include this, not <cmocka.h>. */
#ifndef TESTKIT_CMOCKA_H
#define TESTKIT_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
