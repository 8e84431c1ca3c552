/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LINUX_MEM_H
#define LINUX_MEM_H

#include <stddef.h>

void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);

#endif
