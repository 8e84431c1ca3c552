/* SPDX-License-Identifier: BSD-2-Clause */
/* The packed ring (VIRTIO 1.2, 2.8). One ring of descriptors that both sides write: the driver marks an
 * entry as available, the device overwrites the next one in line with a used one, which skips as many as
 * the chain had. */
#include "internal.h"

bool ash_virtq_packed_is_available_(const struct ash_virtq *q, uint16_t *flags)
{
    return ash_virtq_packed_has_at_(q, q->next_avail, flags);
}

bool ash_virtq_packed_has_at_(const struct ash_virtq *q, uint16_t position, uint16_t *flags)
{
    const bool wrap = (position & PACKED_WRAP) != 0U;

    /* Acquire: what the driver wrote into the descriptors comes before the head's flags (2.8.21.1). */
    *flags = guest_load16_acquire_(virtq_packed_entry_(q, position) + PACKED_DESC_FLAGS);
    return ((*flags & PACKED_DESC_F_AVAIL) != 0U) == wrap && ((*flags & PACKED_DESC_F_USED) != 0U) != wrap;
}

int ash_virtq_packed_find_(struct ash_virtq *q, uint16_t *flags)
{
    if (ash_virtq_packed_is_available_(q, flags)) {
        return ASH_OK;
    }
    /* As in the split ring: say where we are, and look again. */
    if (q->kicks_enabled && q->armed_at != q->next_avail && virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        ash_virtq_arm_(q, true);
        return ash_virtq_packed_is_available_(q, flags) ? ASH_OK : ASH_ENOENT;
    }
    return ASH_ENOENT;
}

/* The head, but for its flags, which are read already. */
static void copy_head(const unsigned char *from, uint16_t flags, struct virtq_descriptor_ *to)
{
    to->ipa = guest_load64_(from);
    to->length = guest_load32_(from + PACKED_DESC_LEN);
    to->next = guest_load16_(from + PACKED_DESC_ID);
    to->flags = flags;
}

/* Not a head: its flags need no order of their own. A packed descriptor has id and flags where a split one
 * has flags and next. */
static void copy_packed(const unsigned char *from, struct virtq_descriptor_ *to)
{
    uint16_t id;

    ash_virtq_copy_descriptor_(from, to);
    id = to->flags;
    to->flags = to->next;
    to->next = id;
}

/* 2.8.7: the whole table, in order; of the flags WRITE alone means something, Buffer ID nothing. */
static int walk_table(struct virtq_walk_ *walk)
{
    struct virtq_descriptor_ d;
    int error = ASH_OK;

    for (uint32_t i = 0; i < walk->entries && error == ASH_OK; i++) {
        copy_packed(walk->table + (size_t)VIRTQ_DESC_SIZE * i, &d);
        error = ash_virtq_add_element_(walk, i, &d);
    }
    return error;
}

static int add_descriptor(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    int error;

    if ((d->flags & VIRTQ_DESC_F_INDIRECT) == 0U) {
        return ash_virtq_add_element_(walk, index, d);
    }
    error = ash_virtq_enter_table_(walk, index, d);
    return error == ASH_OK ? walk_table(walk) : error;
}

int ash_virtq_packed_walk_(struct virtq_walk_ *walk, uint16_t flags, uint16_t *id, uint16_t *count)
{
    struct ash_virtq *q = walk->q;
    uint16_t at = q->next_avail;
    struct virtq_descriptor_ d;
    uint32_t taken = 1;
    int error;

    copy_head(virtq_packed_entry_(q, at), flags, &d);
    error = add_descriptor(walk, at & (PACKED_WRAP - 1U), &d);
    while (error == ASH_OK && (d.flags & VIRTQ_DESC_F_NEXT) != 0U) {
        at = virtq_packed_add_(q, at, 1);
        copy_packed(virtq_packed_entry_(q, at), &d);
        error = add_descriptor(walk, at & (PACKED_WRAP - 1U), &d);
        taken++;
    }
    if (error == ASH_OK && taken > q->layout.size - q->held) {
        error = ash_virtq_fail_(q, ASH_VIRTQ_BAD_AVAIL_INDEX, q->next_avail & (PACKED_WRAP - 1U), taken);
    }
    *id = d.next; /* of the last descriptor (2.8.6) */
    *count = (uint16_t)taken;
    return error;
}

uint32_t ash_virtq_packed_slot_(struct ash_virtq *q)
{
    const uint16_t slot = q->free_slot;

    if (slot == VIRTQ_NO_SLOT) {
        return q->fresh_slots++;
    }
    q->free_slot = q->config.slots[slot].next;
    return slot;
}

void ash_virtq_packed_use_(struct ash_virtq *q, uint32_t index, uint32_t written)
{
    struct ash_virtq_slot *slot = &q->config.slots[index];
    unsigned char *entry = virtq_packed_entry_(q, q->next_used);
    const uint16_t mark =
        (q->next_used & PACKED_WRAP) != 0U ? (uint16_t)(PACKED_DESC_F_AVAIL | PACKED_DESC_F_USED) : 0U;
    const uint16_t flags = (uint16_t)(mark | (written != 0U ? VIRTQ_DESC_F_WRITE : 0U));

    guest_store32_(entry + PACKED_DESC_LEN, written);
    guest_store16_(entry + PACKED_DESC_ID, slot->id);
    /* The driver looks no further than the first that is not used: that one is written when they are
     * published. */
    if (q->next_used == q->used_idx) {
        q->used_flags = flags;
    } else {
        guest_store16_(entry + PACKED_DESC_FLAGS, flags);
    }
    q->next_used = virtq_packed_add_(q, q->next_used, slot->count);
    q->held -= slot->count;
    slot->next = q->free_slot;
    q->free_slot = (uint16_t)index;
}

/* Entries from @old to @now. */
static uint32_t distance(const struct ash_virtq *q, uint16_t old, uint16_t now)
{
    const uint32_t lap = ((old ^ now) & PACKED_WRAP) != 0U ? q->layout.size : 0U;

    return (now & (PACKED_WRAP - 1U)) + lap - (old & (PACKED_WRAP - 1U));
}

uint32_t ash_virtq_packed_publish_(struct ash_virtq *q)
{
    /* Release: what was written to the buffers and to the other entries is before these flags (2.8.21). */
    guest_store16_release_(virtq_packed_entry_(q, q->used_idx) + PACKED_DESC_FLAGS, q->used_flags);
    return distance(q, q->used_idx, q->next_used);
}

/* The driver's event suppression structure (2.8.10): was the entry that it names among the last @count? */
bool ash_virtq_packed_wants_(const struct ash_virtq *q, uint32_t count)
{
    const uint32_t event = guest_load32_(q->driver);
    const uint32_t flags = event >> PACKED_EVENT_FLAGS_SHIFT & 3U;
    const uint16_t position = (uint16_t)event;
    uint32_t back;

    if (flags != PACKED_EVENT_DESC || !virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        return flags != PACKED_EVENT_DISABLE;
    }
    if ((position & (PACKED_WRAP - 1U)) >= q->layout.size) {
        return true;
    }
    /* From it to what comes next, 1..2 * size: two laps are what the wrap counter tells apart. */
    if (position == q->used_idx) {
        return count >= 2U * q->layout.size;
    }
    if (((position ^ q->used_idx) & PACKED_WRAP) == 0U &&
        (position & (PACKED_WRAP - 1U)) > (q->used_idx & (PACKED_WRAP - 1U))) {
        back = 2U * q->layout.size - distance(q, q->used_idx, position);
    } else {
        back = distance(q, position, q->used_idx);
    }
    return back <= count;
}

void ash_virtq_packed_arm_(struct ash_virtq *q, bool enabled)
{
    uint32_t event = PACKED_EVENT_ENABLE << PACKED_EVENT_FLAGS_SHIFT;

    if (!enabled) {
        event = PACKED_EVENT_DISABLE << PACKED_EVENT_FLAGS_SHIFT;
    } else if (virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        event = PACKED_EVENT_DESC << PACKED_EVENT_FLAGS_SHIFT | q->next_avail;
        q->armed_at = q->next_avail;
    }
    guest_store32_(q->device, event);
}
