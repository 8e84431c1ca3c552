/* SPDX-License-Identifier: BSD-2-Clause */
/** The four functions that compilers call on their own, and the only ones an archive may leave undefined. */
#ifndef LIBBASE_MEM_H
#define LIBBASE_MEM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *dest, const void *src, size_t size);
void *memmove(void *dest, const void *src, size_t size);
void *memset(void *dest, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);

#ifdef __cplusplus
}
#endif

#endif
