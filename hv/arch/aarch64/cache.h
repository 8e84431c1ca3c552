/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HV_ARCH_AARCH64_CACHE_H
#define HV_ARCH_AARCH64_CACHE_H

#include <stddef.h>

/** Clean and invalidate to the point of coherency, and wait for it. */
void hv_cache_clean_invalidate(const void *from, size_t size);

#endif
