/* SPDX-License-Identifier: BSD-2-Clause */
/* What the oracles of both ring formats know of memory. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include <libvirtio/virtq.h>

__extension__ typedef unsigned __int128 oracle_wide; /* nothing wraps */

/* Does it lie in one of the two? */
static inline bool oracle_in_ram(const struct ash_virtq_region regions[2], uint64_t ipa, uint64_t length)
{
    for (unsigned i = 0; i < 2; i++) {
        const oracle_wide begin = ipa, end = begin + length;
        const oracle_wide base = regions[i].base.value;

        if (begin >= base && end <= base + regions[i].size) {
            return true;
        }
    }
    return false;
}

/* Little-endian, of @size bytes. */
static inline uint64_t oracle_field(const unsigned char *at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

#endif
