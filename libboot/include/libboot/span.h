/* SPDX-License-Identifier: BSD-2-Clause */
/** Bytes that somebody else owns. */
#ifndef LIBBOOT_SPAN_H
#define LIBBOOT_SPAN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @size bytes at @data; {NULL, 0} is "not there". Valid as long as the input it was found in. */
struct ash_boot_span {
    const void *data;
    size_t size; /* bytes */
};

#ifdef __cplusplus
}
#endif

#endif
