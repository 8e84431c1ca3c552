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
VIRTQ_HOT uint64_t load_field(const unsigned char *from, bool is_aligned)
{
    unsigned char bytes[8];

    if (is_aligned) {
        return guest_load64_(from);
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = guest_load8_(from + i);
    }
    return ash_load_le64(bytes);
}

VIRTQ_HOT void copy_descriptor(const unsigned char *from, struct virtq_descriptor_ *to)
{
    const bool is_aligned = ((uintptr_t)from & 7U) == 0U;
    uint64_t rest;

    to->ipa = load_field(from, is_aligned);
    rest = load_field(from + 8, is_aligned);
    to->length = (uint32_t)rest;
    to->flags = (uint16_t)(rest >> 32);
    to->next = (uint16_t)(rest >> 48);
}

void ash_virtq_copy_descriptor_(const unsigned char *from, struct virtq_descriptor_ *to)
{
    copy_descriptor(from, to);
}

/* Of a region that map() is asked for, or of none. */
__attribute__((cold)) static int map_table(struct ash_virtq *q, uint32_t index, uint64_t ipa, uint32_t length,
                                           void **table)
{
    if (!virtq_is_guest_memory_(q->config.regions, q->config.region_count, ipa, length)) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_TABLE_ADDRESS, index, ipa);
    }
    *table = q->hal->map(q->ctx, ash_ipa(ipa), length, false);
    if (*table == NULL && !virtq_is_in_one_piece_(q->hal, ipa, length)) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_TABLE_ADDRESS, index, ipa); /* nor will it ever be */
    }
    return *table != NULL ? ASH_OK : ASH_ENOMEM;
}

/* 2.7.5.3: from here on the descriptors are in a table of their own. */
VIRTQ_HOT int enter_table(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    struct ash_virtq *q = walk->q;
    void *mapped = NULL; /* of its own: nobody is to know where the walk is */
    int error = ASH_OK;

    if (!virtq_has_(q, ASH_VIRTQ_F_INDIRECT_DESC) || walk->is_indirect ||
        (d->flags & VIRTQ_DESC_F_NEXT) != 0U) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_INDIRECT, index, d->flags);
    }
    if (d->length == 0U || d->length % VIRTQ_DESC_SIZE != 0U ||
        d->length / VIRTQ_DESC_SIZE > TABLE_ENTRIES_MAX) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_TABLE_LENGTH, index, d->length);
    }
    walk->table = virtq_direct_(q->config.regions, q->config.region_count, d->ipa, d->length, 0);
    if (walk->table == NULL) {
        error = map_table(q, index, d->ipa, d->length, &mapped);
        walk->table = mapped;
        walk->indirect = mapped;
    }
    walk->is_indirect = true;
    walk->indirect_size = d->length;
    walk->entries = d->length / VIRTQ_DESC_SIZE;
    return error;
}

int ash_virtq_enter_table_(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    return enter_table(walk, index, d);
}

/* The readable ones come first, so that the last of them has all before it. */
VIRTQ_HOT void keep_segment(struct virtq_walk_ *walk, const struct virtq_descriptor_ *d, bool writable)
{
    if (walk->count < walk->capacity) {
        struct ash_virtq_segment *segment = &walk->segments[walk->count];

        segment->ipa = ash_ipa(d->ipa);
        segment->length = d->length;
        segment->writable = writable;
    }
    walk->count++;
    walk->bytes += d->length;
    walk->readable_count = writable ? walk->readable_count : walk->count;
    walk->readable_bytes = writable ? walk->readable_bytes : walk->bytes;
}

/* size > 0. Of most guests it is the first region. */
VIRTQ_HOT bool is_guest_memory(const struct virtq_walk_ *walk, uint64_t ipa, uint64_t size)
{
    const uint64_t offset = ipa - walk->base; /* below the base: beyond every region's size */

    return (offset < walk->size && size <= walk->size - offset) ||
           virtq_is_guest_memory_(walk->q->config.regions, walk->q->config.region_count, ipa, size);
}

VIRTQ_HOT int add_element(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    struct ash_virtq *q = walk->q;
    const bool writable = (d->flags & VIRTQ_DESC_F_WRITE) != 0U;

    /* Loops end here as well. */
    if (++walk->elements > walk->elements_max) {
        return ash_virtq_fail_(q, ASH_VIRTQ_CHAIN_TOO_LONG, index, walk->elements_max);
    }
    if (walk->seen_writable && !writable) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_DIRECTION, index, d->flags);
    }
    walk->seen_writable = writable;
    if (d->length == 0U) {
        return ASH_OK; /* nothing will be accessed, so the address means nothing */
    }
    if (!is_guest_memory(walk, d->ipa, d->length)) {
        return ash_virtq_fail_(q, ASH_VIRTQ_BAD_ADDRESS, index, d->ipa);
    }
    if (walk->bytes + d->length > CHAIN_BYTES_MAX) {
        return ash_virtq_fail_(q, ASH_VIRTQ_TOO_MANY_BYTES, index, walk->bytes + d->length);
    }
    keep_segment(walk, d, writable);
    return ASH_OK;
}

int ash_virtq_add_element_(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d)
{
    return add_element(walk, index, d);
}

/* From the element @d, descriptor *@index, on to the chain's end, or to the descriptor of an indirect table;
 * @d, *@index: that last one. It calls nothing but in its end, so that all of the walk is in registers. */
static int walk_table(struct virtq_walk_ *at, uint32_t *index, struct virtq_descriptor_ *d)
{
    struct virtq_walk_ walk = *at;
    struct virtq_descriptor_ next = *d;
    int error;

    do {
        error = add_element(&walk, *index, &next);
        if (error != ASH_OK || (next.flags & VIRTQ_DESC_F_NEXT) == 0U) {
            break;
        }
        if (next.next >= walk.entries) {
            return ash_virtq_fail_(walk.q, ASH_VIRTQ_BAD_NEXT, *index, next.next);
        }
        *index = (uint32_t)ash_index_nospec(next.next, walk.entries);
        copy_descriptor(walk.table + (size_t)VIRTQ_DESC_SIZE * *index, &next);
    } while ((next.flags & VIRTQ_DESC_F_INDIRECT) == 0U);
    at->elements = walk.elements;
    at->seen_writable = walk.seen_writable;
    at->count = walk.count;
    at->readable_count = walk.readable_count;
    at->bytes = walk.bytes;
    at->readable_bytes = walk.readable_bytes;
    *d = next;
    return error;
}

static int walk_chain(struct virtq_walk_ *walk, uint32_t index)
{
    struct virtq_descriptor_ d;
    int error;

    copy_descriptor(walk->table + (size_t)VIRTQ_DESC_SIZE * index, &d);
    for (;;) {
        if ((d.flags & VIRTQ_DESC_F_INDIRECT) == 0U) {
            error = walk_table(walk, &index, &d);
            if (error != ASH_OK || (d.flags & VIRTQ_DESC_F_INDIRECT) == 0U) {
                return error;
            }
        }
        error = enter_table(walk, index, &d);
        if (error != ASH_OK) {
            return error;
        }
        index = 0;
        copy_descriptor(walk->table, &d);
    }
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

VIRTQ_HOT uint64_t take(struct ash_virtq *q, uint32_t index, uint64_t writable_bytes)
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

/* Field by field: an initializer is a call to memset(), and this is for every request. A split ring's. */
VIRTQ_HOT void begin_walk(struct virtq_walk_ *walk, struct ash_virtq *q, struct ash_virtq_segment *segments,
                          uint32_t capacity)
{
    walk->q = q;
    walk->table = q->desc;
    walk->entries = q->layout.size;
    walk->elements = 0;
    walk->elements_max = q->elements_max;
    walk->seen_writable = false;
    walk->is_indirect = false;
    walk->indirect = NULL;
    walk->indirect_size = 0;
    walk->base = q->config.regions[0].base.value;
    walk->size = q->config.regions[0].size;
    walk->segments = segments;
    walk->capacity = capacity;
    walk->count = 0;
    walk->readable_count = 0;
    walk->bytes = 0;
    walk->readable_bytes = 0;
}

/* What was found goes to *@chain; its token is still to come. */
VIRTQ_HOT int end_walk(const struct virtq_walk_ *walk, int error, struct ash_virtq_chain *chain)
{
    walk->q->elements += walk->elements;
    if (walk->indirect != NULL) {
        ash_virtq_unmap_(walk->q, walk->indirect, walk->indirect_size);
    }
    if (error != ASH_OK) {
        return error;
    }
    chain->token = 0;
    chain->segment_count = walk->count;
    chain->readable_count = walk->readable_count;
    chain->readable_bytes = walk->readable_bytes;
    chain->writable_bytes = walk->bytes - walk->readable_bytes;
    return walk->count > walk->capacity ? ASH_ENOSPC : ASH_OK;
}

static int pop_packed(struct ash_virtq *q, struct ash_virtq_segment *segments, uint32_t capacity,
                      struct ash_virtq_chain *chain)
{
    struct virtq_walk_ walk;
    uint16_t flags = 0, id = 0, count = 0;
    int error = ash_virtq_packed_find_(q, &flags);

    if (error != ASH_OK) {
        return error;
    }
    begin_walk(&walk, q, segments, capacity);
    error = end_walk(&walk, ash_virtq_packed_walk_(&walk, flags, &id, &count), chain);
    if (error == ASH_OK) {
        chain->token = take_packed(q, id, count, chain->writable_bytes);
    }
    return error;
}

/* Nothing that is called from here sees the walk, so that it is kept in registers. */
static int pop_split(struct ash_virtq *q, struct ash_virtq_segment *segments, uint32_t capacity,
                     struct ash_virtq_chain *chain)
{
    struct virtq_walk_ walk;
    uint32_t head = 0;
    int error = find_entry(q);

    error = error != ASH_OK ? error : read_head(q, &head);
    if (error != ASH_OK) {
        return error;
    }
    begin_walk(&walk, q, segments, capacity);
    error = end_walk(&walk, walk_chain(&walk, head), chain);
    if (error == ASH_OK) {
        chain->token = take_split(q, head, chain->writable_bytes);
    }
    return error;
}

int ash_virtq_pop(struct ash_virtq *q, struct ash_virtq_segment *segments, uint32_t capacity,
                  struct ash_virtq_chain *chain)
{
    if (q->state != ASH_VIRTQ_READY) {
        return q->state == ASH_VIRTQ_OFF ? ASH_EBUSY : ASH_EGUEST;
    }
    return virtq_is_packed_(q) ? pop_packed(q, segments, capacity, chain)
                               : pop_split(q, segments, capacity, chain);
}
