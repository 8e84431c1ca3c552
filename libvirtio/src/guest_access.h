/* SPDX-License-Identifier: BSD-2-Clause */
/* Every access of the library to guest memory, and nothing else. The guest writes concurrently, so each is
 * one atomic access of its size: it cannot be torn, repeated or invented by the compiler. Fields are
 * little-endian (VIRTIO 1.2, 1.4). A test replaces this file by its own functions of these names. */
#ifndef LIBVIRTIO_GUEST_ACCESS_H
#define LIBVIRTIO_GUEST_ACCESS_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define GUEST_LE16(value) __builtin_bswap16(value)
#define GUEST_LE32(value) __builtin_bswap32(value)
#define GUEST_LE64(value) __builtin_bswap64(value)
#else
#define GUEST_LE16(value) (value)
#define GUEST_LE32(value) (value)
#define GUEST_LE64(value) (value)
#endif

static inline uint8_t guest_load8_(const void *at)
{
    return __atomic_load_n((const uint8_t *)at, __ATOMIC_RELAXED);
}

static inline uint16_t guest_load16_(const void *at)
{
    return GUEST_LE16(__atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED));
}

static inline uint32_t guest_load32_(const void *at)
{
    return GUEST_LE32(__atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED));
}

static inline uint64_t guest_load64_(const void *at)
{
    return GUEST_LE64(__atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED));
}

static inline uint16_t guest_load16_acquire_(const void *at)
{
    return GUEST_LE16(__atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE));
}

static inline void guest_store16_(void *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)at, GUEST_LE16(value), __ATOMIC_RELAXED);
}

static inline void guest_store32_(void *at, uint32_t value)
{
    __atomic_store_n((uint32_t *)at, GUEST_LE32(value), __ATOMIC_RELAXED);
}

static inline void guest_store16_release_(void *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)at, GUEST_LE16(value), __ATOMIC_RELEASE);
}

static inline void guest_fence_(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
