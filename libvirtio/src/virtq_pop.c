/* SPDX-License-Identifier: BSD-2-Clause */
/* From the split available ring to a checked list of segments; what packed shares with it. */
#include "internal.h"

#include <libbase/endian.h>
#include <libbase/nospec.h>

/* 2.7.5.2: the most that a chain may hold. */
#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)
/* `next` has 16 bits: what lies behind could never be reached, and need not be mapped. */
#define TABLE_ENTRIES_MAX 65536U

/* An indirect table lies at any address, so bytes may be all that can be loaded. Each is read once. */
void ash_virtq_copy_descriptor_(const unsigned char *from, struct virtq_descriptor_ *to)
{
    uint64_t rest;

    if (((uintptr_t)from & 7U) == 0U) {
        to->ipa = guest_load64_(from);
        rest = guest_load64_(from + 8);
    } else {
        unsigned char bytes[VIRTQ_DESC_SIZE];

        for (unsigned i = 0; i < VIRTQ_DESC_SIZE; i++) {
            bytes[i] = guest_load8_(from + i);
        }
        to->ipa = ash_load_le64(bytes);
        rest = ash_load_le64(bytes + 8);
    }
    to->length = (uint32_t)rest;
    to->flags = (uint16_t)(rest >> 32);
    to->next = (uint16_t)(rest >> 48);
}

/* 2.7.5.3: from here on the descriptors are in a table of their own. */
int ash_virtq_enter_table_(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    struct ash_virtq *q = walk->q;

    if (!virtq_has_(q, ASH_VIRTQ_F_INDIRECT_DESC) || walk->indirect != NULL ||
        (d->flags & VIRTQ_DESC_F_NEXT) != 0U) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_INDIRECT, index, d->flags);
    }
    if (d->length == 0U || d->length % VIRTQ_DESC_SIZE != 0U ||
        d->length / VIRTQ_DESC_SIZE > TABLE_ENTRIES_MAX) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_TABLE_LENGTH, index, d->length);
    }
    if (!virtq_is_guest_memory_(q->config.regions, q->config.region_count, d->ipa, d->length)) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_TABLE_ADDRESS, index, d->ipa);
    }
    walk->indirect = q->hal->map(q->ctx, ash_ipa(d->ipa), d->length, false);
    if (walk->indirect == NULL) {
        return virtq_is_in_one_piece_(q->hal, d->ipa, d->length)
                   ? ASH_ENOMEM
                   : ash_virtq_fail_(q, ASH_VIRTQ_BAD_TABLE_ADDRESS, index, d->ipa); /* nor will it ever be */
    }
    walk->indirect_size = d->length;
    walk->table = walk->indirect;
    walk->entries = d->length / VIRTQ_DESC_SIZE;
    return ASH_OK;
}

static void keep_segment(struct virtq_walk_ *walk, const struct virtq_descriptor_ *d, bool writable)
{
    struct ash_virtq_chain *found = &walk->found;

    if (found->segment_count < walk->capacity) {
        struct ash_virtq_segment *segment = &walk->segments[found->segment_count];

        segment->ipa = ash_ipa(d->ipa);
        segment->length = d->length;
        segment->writable = writable;
    }
    found->segment_count++;
    if (writable) {
        found->writable_bytes += d->length;
    } else {
        found->readable_bytes += d->length;
        found->readable_count++;
    }
}

int ash_virtq_add_element_(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    struct ash_virtq *q = walk->q;
    const bool writable = (d->flags & VIRTQ_DESC_F_WRITE) != 0U;
    const uint64_t bytes = walk->found.readable_bytes + walk->found.writable_bytes + d->length;

    /* Loops end here as well. */
    if (++walk->elements > q->elements_max) {
        return ash_virtq_fail_(q, ASH_VIRTQ_CHAIN_TOO_LONG, index, q->elements_max);
    }
    if (walk->seen_writable && !writable) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_DIRECTION, index, d->flags);
    }
    walk->seen_writable = writable;
    if (d->length == 0U) {
        return ASH_OK; /* nothing will be accessed, so the address means nothing */
    }
    if (!virtq_is_guest_memory_(q->config.regions, q->config.region_count, d->ipa, d->length)) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_ADDRESS, index, d->ipa);
    }
    if (bytes > CHAIN_BYTES_MAX) {
        return ash_virtq_fail_(q, ASH_VIRTQ_TOO_MANY_BYTES, index, bytes);
    }
    keep_segment(walk, d, writable);
    return ASH_OK;
}

static int walk_chain(struct virtq_walk_ *walk, uint32_t index)
{
    struct virtq_descriptor_ d;
    int error;

    do {
        ash_virtq_copy_descriptor_(walk->table + (size_t)VIRTQ_DESC_SIZE * index, &d);
        if ((d.flags & VIRTQ_DESC_F_INDIRECT) != 0U) {
            error = ash_virtq_enter_table_(walk, index, &d);
            d.flags = VIRTQ_DESC_F_NEXT;
            d.next = 0;
        } else {
            error = ash_virtq_add_element_(walk, index, &d);
        }
        if (error == ASH_OK && (d.flags & VIRTQ_DESC_F_NEXT) != 0U && d.next >= walk->entries) {
            error = ash_virtq_fail_(walk->q, ASH_VIRTQ_BAD_NEXT, index, d.next);
        }
        index = (uint32_t)ash_index_nospec(d.next, walk->entries);
    } while (error == ASH_OK && (d.flags & VIRTQ_DESC_F_NEXT) != 0U);
    return error;
}

static int reload_avail_idx(struct ash_virtq *q)
{
    const uint16_t idx = guest_load16_acquire_(q->driver + VIRTQ_AVAIL_IDX);

    if ((uint16_t)(idx - q->next_avail) > q->layout.size) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_AVAIL_INDEX, q->next_avail, idx);
    }
    q->avail_idx = idx;
    return ASH_OK;
}

bool ash_virtq_has_at_(const struct ash_virtq *q, uint16_t position)
{
    uint16_t flags;

    if (q->state != ASH_VIRTQ_READY) {
        return true;
    }
    return virtq_is_packed_(q) ? ash_virtq_packed_has_at_(q, position, &flags)
                               : guest_load16_acquire_(q->driver + VIRTQ_AVAIL_IDX) != position;
}

/* Is there an entry to take? ASH_OK, ASH_ENOENT or ASH_EGUEST. */
static int find_entry(struct ash_virtq *q)
{
    int error = ASH_OK;

    /* Acquire: the driver's writes to ring and descriptors come before its write of idx (2.7.13, step 4). The
     * entries up to an index that was read so need no more barriers. */
    if (q->avail_idx == q->next_avail) {
        error = reload_avail_idx(q);
    }
    /* Under EVENT_IDX the driver kicks only when it passes avail_event, so it has to say where we are.
     * And look again: the driver may have added an entry and read the old value in between (2.7.10). */
    if (error == ASH_OK && q->avail_idx == q->next_avail && q->kicks_enabled &&
        q->armed_at != q->next_avail && virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        ash_virtq_arm_(q, true);
        error = reload_avail_idx(q);
    }
    return error == ASH_OK && q->avail_idx == q->next_avail ? ASH_ENOENT : error;
}

/* The head of the next chain: in range, and not one that the device holds. */
static int read_head(struct ash_virtq *q, uint32_t *head)
{
    const uint16_t at = virtq_ring_index_(q, q->next_avail);
    const uint32_t value = guest_load16_(q->driver + VIRTQ_AVAIL_RING + 2U * at);

    if (value >= q->layout.size) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_HEAD, at, value);
    }
    *head = (uint32_t)ash_index_nospec(value, q->layout.size);
    if (q->config.slots[*head].serial >= q->first_serial) {
        return ash_virtq_fail_(q, ASH_VIRTQ_HEAD_IN_USE, at, value);
    }
    return ASH_OK;
}

static int split_pop(struct virtq_walk_ *walk, uint32_t *slot)
{
    struct ash_virtq *q = walk->q;
    int error = find_entry(q);

    error = error != ASH_OK ? error : read_head(q, slot);
    if (error != ASH_OK) {
        return error;
    }
    walk->table = q->desc;
    walk->entries = q->layout.size;
    return walk_chain(walk, *slot);
}

static void link_youngest(struct ash_virtq *q, uint32_t index)
{
    q->config.slots[index].next = VIRTQ_NO_SLOT;
    if (q->oldest == VIRTQ_NO_SLOT) {
        q->oldest = (uint16_t)index;
    } else {
        q->config.slots[q->youngest].next = (uint16_t)index;
    }
    q->youngest = (uint16_t)index;
}

static uint64_t take(struct ash_virtq *q, uint32_t index, uint64_t writable_bytes)
{
    struct ash_virtq_slot *slot = &q->config.slots[index];

    slot->serial = q->next_serial++;
    slot->cookie = 0;
    slot->done = 0;
    slot->writable = writable_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)writable_bytes;
    q->in_flight++;
    if (virtq_has_(q, ASH_VIRTQ_F_IN_ORDER)) {
        link_youngest(q, index);
    }
    return (slot->serial << VIRTQ_TOKEN_SLOT_BITS) | index;
}

static uint64_t take_split(struct ash_virtq *q, uint32_t head, uint64_t writable_bytes)
{
    q->next_avail++;
    return take(q, head, writable_bytes);
}

static uint64_t take_packed(struct ash_virtq *q, uint16_t id, uint16_t count, uint64_t writable_bytes)
{
    const uint32_t index = ash_virtq_packed_slot_(q);

    q->config.slots[index].id = id;
    q->config.slots[index].count = count;
    q->held += count;
    q->next_avail = virtq_packed_add_(q, q->next_avail, count);
    return take(q, index, writable_bytes);
}

/* Field by field: an initializer is a call to memset(), and this is for every request. */
static void begin_walk(struct virtq_walk_ *walk, struct ash_virtq *q, struct ash_virtq_segment *segments,
                       uint32_t capacity)
{
    walk->q = q;
    walk->segments = segments;
    walk->capacity = capacity;
    walk->elements = 0;
    walk->found.token = 0;
    walk->found.readable_bytes = 0;
    walk->found.writable_bytes = 0;
    walk->found.readable_count = 0;
    walk->found.segment_count = 0;
    walk->seen_writable = false;
    walk->table = NULL;
    walk->entries = 0;
    walk->indirect = NULL;
    walk->indirect_size = 0;
}

int ash_virtq_pop(struct ash_virtq *q, struct ash_virtq_segment *segments, uint32_t capacity,
                  struct ash_virtq_chain *chain)
{
    struct virtq_walk_ walk;
    uint32_t head = 0;
    uint16_t flags = 0, id = 0, count = 0;
    int error;

    if (q->state != ASH_VIRTQ_READY) {
        return q->state == ASH_VIRTQ_OFF ? ASH_EBUSY : ASH_EGUEST;
    }
    begin_walk(&walk, q, segments, capacity);
    if (!virtq_is_packed_(q)) {
        error = split_pop(&walk, &head);
    } else {
        error = ash_virtq_packed_find_(q, &flags);
        error = error != ASH_OK ? error : ash_virtq_packed_walk_(&walk, flags, &id, &count);
    }
    ash_virtq_unmap_(q, walk.indirect, walk.indirect_size);
    q->elements += walk.elements;
    if (error != ASH_OK) {
        return error;
    }
    *chain = walk.found;
    if (walk.found.segment_count > capacity) {
        return ASH_ENOSPC;
    }
    chain->token = virtq_is_packed_(q) ? take_packed(q, id, count, walk.found.writable_bytes)
                                       : take_split(q, head, walk.found.writable_bytes);
    return ASH_OK;
}
