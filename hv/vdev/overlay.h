/* SPDX-License-Identifier: BSD-2-Clause */
/** A disk that shares an image and keeps what is written to it in blocks of its own, so that many boot from one.
 *  Lock domain: the disk, of everything here. Plain data, any context. */
#ifndef HV_VDEV_OVERLAY_H
#define HV_VDEV_OVERLAY_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HV_OVERLAY_BLOCK 4096U

struct hv_overlay {
    const uint8_t *image; /* shared, never written */
    uint64_t size;        /* bytes of it */
    uint32_t *index;   /* of each block: 0 the image's, HV_OVERLAY_ZERO all zero, else its own's number + 1 */
    uint8_t *own;      /* blocks of its own */
    uint32_t capacity; /* of them */
    uint32_t fresh;    /* from here on they were never used */
    uint32_t free;     /* those given back: a list through their first bytes, number + 1 */
    uint32_t used;
};

#define HV_OVERLAY_ZERO UINT32_MAX

/** Blocks of an image of @size bytes. */
static inline uint64_t hv_overlay_blocks(uint64_t size)
{
    return size / HV_OVERLAY_BLOCK + (size % HV_OVERLAY_BLOCK != 0U ? 1U : 0U);
}

/** Memory for the index of an image of @size bytes: a multiple of a block. It is to be zeroed. */
static inline uint64_t hv_overlay_index_bytes(uint64_t size)
{
    return ash_align_up(hv_overlay_blocks(size) * sizeof(uint32_t), HV_OVERLAY_BLOCK);
}

/** index: hv_overlay_index_bytes(size), zeroed; own: @own_bytes, a multiple of a block; both aligned to a block. More
 *  than the image has are not used. */
void hv_overlay_init(struct hv_overlay *overlay, const uint8_t *image, uint64_t size, void *index, void *own,
                     uint64_t own_bytes);

/** Bytes [offset, offset+size), inside the image. write(), zero(): ASH_OK, or ASH_ENOSPC: no block is left; what comes
 *  before the block that there was none for is done. Cost: O(size). */
void hv_overlay_read(const struct hv_overlay *overlay, uint64_t offset, void *to, size_t size);
int hv_overlay_write(struct hv_overlay *overlay, uint64_t offset, const void *from,
                     size_t size) ASH_NODISCARD;
int hv_overlay_zero(struct hv_overlay *overlay, uint64_t offset, uint64_t size) ASH_NODISCARD;

/** What lies there is not needed any more: whole blocks of it read as zero, and their memory is free. Cost: O(blocks).
 */
void hv_overlay_discard(struct hv_overlay *overlay, uint64_t offset, uint64_t size);

#endif
