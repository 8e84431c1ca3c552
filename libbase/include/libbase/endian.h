/* SPDX-License-Identifier: BSD-2-Clause */
/** Loads and stores of a stated byte order, at any alignment. */
#ifndef LIBBASE_ENDIAN_H
#define LIBBASE_ENDIAN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint16_t ash_load_le16(const void *from)
{
    const uint8_t *p = (const uint8_t *)from;
    return (uint16_t)(p[0] | ((unsigned)p[1] << 8));
}

static inline uint32_t ash_load_le32(const void *from)
{
    const uint8_t *p = (const uint8_t *)from;
    return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

static inline uint64_t ash_load_le64(const void *from)
{
    const uint8_t *p = (const uint8_t *)from;
    return (uint64_t)ash_load_le32(p) | ((uint64_t)ash_load_le32(p + 4) << 32);
}

static inline uint32_t ash_load_be32(const void *from)
{
    return __builtin_bswap32(ash_load_le32(from));
}

static inline uint64_t ash_load_be64(const void *from)
{
    return __builtin_bswap64(ash_load_le64(from));
}

#ifdef __cplusplus
}
#endif

#endif
