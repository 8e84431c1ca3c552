/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/overlay.h"

#include <libbase/mem.h>
#include <libbase/nospec.h>

void hv_overlay_init(struct hv_overlay *overlay, const uint8_t *image, uint64_t size, void *index, void *own,
                     uint64_t own_bytes)
{
    uint64_t blocks = hv_overlay_blocks(size);
    uint64_t capacity = own_bytes / HV_OVERLAY_BLOCK;

    capacity = capacity < blocks ? capacity : blocks;
    *overlay = (struct hv_overlay){
        .image = image,
        .size = size,
        .index = (uint32_t *)index,
        .own = (uint8_t *)own,
        .capacity = capacity < HV_OVERLAY_ZERO - 1U ? (uint32_t)capacity : HV_OVERLAY_ZERO - 2U,
    };
}

static uint8_t *own_block(const struct hv_overlay *overlay, uint32_t number)
{
    return overlay->own + (uint64_t)number * HV_OVERLAY_BLOCK;
}

/** Of the image's block @block: how many bytes there are. The last one may be short. */
static size_t bytes_of(const struct hv_overlay *overlay, uint64_t block)
{
    uint64_t left = overlay->size - block * HV_OVERLAY_BLOCK;

    return left < HV_OVERLAY_BLOCK ? (size_t)left : HV_OVERLAY_BLOCK;
}

/** A guest says which. */
static uint32_t *entry_of(const struct hv_overlay *overlay, uint64_t block)
{
    return &overlay->index[ash_index_nospec(block, hv_overlay_blocks(overlay->size))];
}

/** A block's number + 1; 0: there is none. Its contents as they were. */
static uint32_t take(struct hv_overlay *overlay)
{
    uint32_t taken = overlay->free;

    if (taken != 0U) {
        memcpy(&overlay->free, own_block(overlay, taken - 1U), sizeof(overlay->free));
    } else if (overlay->fresh < overlay->capacity) {
        taken = ++overlay->fresh;
    }
    overlay->used += taken != 0U ? 1U : 0U;
    return taken;
}

/** Block @block reads as zero; a block of its own that it had is free. */
static void drop(struct hv_overlay *overlay, uint64_t block)
{
    uint32_t *entry = entry_of(overlay, block);

    if (*entry != 0U && *entry != HV_OVERLAY_ZERO) {
        memcpy(own_block(overlay, *entry - 1U), &overlay->free, sizeof(overlay->free));
        overlay->free = *entry;
        overlay->used--;
    }
    *entry = HV_OVERLAY_ZERO;
}

/** Bytes of block @block to be written: NULL, no memory is left. @whole: all of them will be. */
static uint8_t *writable(struct hv_overlay *overlay, uint64_t block, bool whole)
{
    uint32_t *entry = entry_of(overlay, block);
    bool zero = *entry == HV_OVERLAY_ZERO;
    uint32_t taken;

    if (*entry != 0U && !zero) {
        return own_block(overlay, *entry - 1U);
    }
    taken = take(overlay);
    if (taken == 0U) {
        return NULL;
    }
    *entry = taken;
    if (zero && !whole) {
        memset(own_block(overlay, taken - 1U), 0, HV_OVERLAY_BLOCK);
    } else if (!whole) {
        memcpy(own_block(overlay, taken - 1U), overlay->image + block * HV_OVERLAY_BLOCK,
               bytes_of(overlay, block));
    }
    return own_block(overlay, taken - 1U);
}

/** From @offset on, up to @size bytes that lie in one block. */
static size_t piece_at(uint64_t offset, uint64_t size)
{
    uint64_t left = HV_OVERLAY_BLOCK - offset % HV_OVERLAY_BLOCK;

    return (size_t)(size < left ? size : left);
}

void hv_overlay_read(const struct hv_overlay *overlay, uint64_t offset, void *to, size_t size)
{
    uint8_t *at = (uint8_t *)to;

    while (size > 0U) {
        size_t piece = piece_at(offset, size);
        uint32_t entry = *entry_of(overlay, offset / HV_OVERLAY_BLOCK);

        if (entry == HV_OVERLAY_ZERO) {
            memset(at, 0, piece);
        } else if (entry == 0U) {
            memcpy(at, overlay->image + offset, piece);
        } else {
            memcpy(at, own_block(overlay, entry - 1U) + offset % HV_OVERLAY_BLOCK, piece);
        }
        at += piece;
        offset += piece;
        size -= piece;
    }
}

int hv_overlay_write(struct hv_overlay *overlay, uint64_t offset, const void *from, size_t size)
{
    const uint8_t *at = (const uint8_t *)from;

    while (size > 0U) {
        size_t piece = piece_at(offset, size);
        uint64_t block = offset / HV_OVERLAY_BLOCK;
        uint8_t *bytes = writable(overlay, block, piece == bytes_of(overlay, block));

        if (bytes == NULL) {
            return ASH_ENOSPC;
        }
        memcpy(bytes + offset % HV_OVERLAY_BLOCK, at, piece);
        at += piece;
        offset += piece;
        size -= piece;
    }
    return ASH_OK;
}

/** Whole blocks of it are given back; @all: what is left of the first and the last one is zeroed. */
static int clear(struct hv_overlay *overlay, uint64_t offset, uint64_t size, bool all)
{
    while (size > 0U) {
        size_t piece = piece_at(offset, size);
        uint64_t block = offset / HV_OVERLAY_BLOCK;

        if (piece == bytes_of(overlay, block)) {
            drop(overlay, block);
        } else if (all && *entry_of(overlay, block) != HV_OVERLAY_ZERO) {
            uint8_t *bytes = writable(overlay, block, false);

            if (bytes == NULL) {
                return ASH_ENOSPC;
            }
            memset(bytes + offset % HV_OVERLAY_BLOCK, 0, piece);
        }
        offset += piece;
        size -= piece;
    }
    return ASH_OK;
}

int hv_overlay_zero(struct hv_overlay *overlay, uint64_t offset, uint64_t size)
{
    return clear(overlay, offset, size, true);
}

void hv_overlay_discard(struct hv_overlay *overlay, uint64_t offset, uint64_t size)
{
    (void)clear(overlay, offset, size, false); /* takes no memory: cannot fail */
}
