/* SPDX-License-Identifier: BSD-2-Clause */
/** A ring of bytes in the caller's memory: one end writes, the other reads, both in one lock domain. */
#ifndef HV_CORE_RING_H
#define HV_CORE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_ring {
    char *bytes;   /* NULL: size is 0, and everything is refused */
    uint32_t size; /* a power of two, or 0 */
    uint32_t head; /* free running: where the next byte goes */
    uint32_t tail;
};

static inline uint32_t hv_ring_used(const struct hv_ring *ring)
{
    return ring->head - ring->tail;
}

static inline uint32_t hv_ring_free(const struct hv_ring *ring)
{
    return ring->size - hv_ring_used(ring);
}

/** False: it is full, nothing changed. */
static inline bool hv_ring_put(struct hv_ring *ring, char byte)
{
    if (hv_ring_free(ring) == 0U) {
        return false;
    }
    ring->bytes[ring->head++ & (ring->size - 1U)] = byte;
    return true;
}

/** The oldest byte, or -1. */
static inline int hv_ring_get(struct hv_ring *ring)
{
    return ring->head == ring->tail ? -1 : (int)(uint8_t)ring->bytes[ring->tail++ & (ring->size - 1U)];
}

/** The newest byte, or -1. */
static inline int hv_ring_last(const struct hv_ring *ring)
{
    return ring->head == ring->tail ? -1 : (int)(uint8_t)ring->bytes[(ring->head - 1U) & (ring->size - 1U)];
}

/** The oldest bytes that lie in one piece: *@bytes, and how many. hv_ring_skip() takes them out. */
static inline uint32_t hv_ring_piece(const struct hv_ring *ring, const char **bytes)
{
    uint32_t at = ring->size > 0U ? ring->tail & (ring->size - 1U) : 0U;
    uint32_t used = hv_ring_used(ring);

    *bytes = used > 0U ? &ring->bytes[at] : NULL;
    return used < ring->size - at ? used : ring->size - at;
}

static inline void hv_ring_skip(struct hv_ring *ring, uint32_t count)
{
    ring->tail += count;
}

#endif
