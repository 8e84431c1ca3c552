/* SPDX-License-Identifier: BSD-2-Clause */
/** The four functions that compilers call on their own, and the only ones an archive may leave undefined. */
#ifndef LIBBASE_MEM_H
#define LIBBASE_MEM_H

#include <stddef.h>

#if defined(__cplusplus) && __STDC_HOSTED__
/* Whether these four are noexcept is the C library's choice, and a C++ declaration must repeat it. */
#include <string.h>
#else

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *dest, const void *src, size_t n);
void *memmove(void *dest, const void *src, size_t n);
void *memset(void *s, int c, size_t n);
int memcmp(const void *s1, const void *s2, size_t n);

#ifdef __cplusplus
}
#endif

#endif

#endif
