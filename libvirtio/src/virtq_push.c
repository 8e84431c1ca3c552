/* SPDX-License-Identifier: BSD-2-Clause */
/* Back to the driver through the used ring, and the notifications both ways. */
#include "internal.h"

bool ash_virtq_is_live(const struct ash_virtq *q, uint64_t token)
{
    return q->state == ASH_VIRTQ_READY && virtq_slot_(q, token) != NULL;
}

uint64_t ash_virtq_cookie(const struct ash_virtq *q, uint64_t token)
{
    const struct ash_virtq_slot *slot = virtq_slot_(q, token);

    return slot != NULL ? slot->cookie : 0U;
}

void ash_virtq_set_cookie(struct ash_virtq *q, uint64_t token, uint64_t cookie)
{
    struct ash_virtq_slot *slot = virtq_slot_(q, token);

    if (slot != NULL) {
        slot->cookie = cookie;
    }
}

uint64_t ash_virtq_next_live(const struct ash_virtq *q, uint32_t *at)
{
    const uint32_t size = q->state == ASH_VIRTQ_READY ? q->layout.size : 0U;

    while (*at < size) {
        const uint32_t index = (*at)++;
        const uint64_t token = (q->config.slots[index].serial << VIRTQ_TOKEN_SLOT_BITS) | index;

        if (ash_virtq_is_live(q, token)) {
            return token;
        }
    }
    return 0;
}

/* Out of the list of those in order: the youngest, which begin with slot @first. */
static void forget_youngest(struct ash_virtq *q, uint16_t first)
{
    uint16_t at = q->oldest;

    if (at == first) {
        q->oldest = VIRTQ_NO_SLOT;
        return;
    }
    while (q->config.slots[at].next != first) {
        at = q->config.slots[at].next;
    }
    q->config.slots[at].next = VIRTQ_NO_SLOT;
    q->youngest = at;
}

/* The packed ring's position goes back by @count entries. */
static uint16_t packed_back(const struct ash_virtq *q, uint16_t position, uint32_t count)
{
    /* Two laps on is where it was. */
    return virtq_packed_add_(q, virtq_packed_add_(q, position, q->layout.size), q->layout.size - count);
}

int ash_virtq_unpop(struct ash_virtq *q, const uint64_t *tokens, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t serial = tokens[i] >> VIRTQ_TOKEN_SLOT_BITS;

        if (virtq_slot_(q, tokens[i]) == NULL || serial != q->next_serial - count + i) {
            return ASH_EINVAL;
        }
    }
    if (q->state != ASH_VIRTQ_READY) {
        return ASH_EGUEST;
    }
    if (count > 0U && virtq_has_(q, ASH_VIRTQ_F_IN_ORDER)) {
        forget_youngest(q, (uint16_t)tokens[0]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t index = (uint16_t)tokens[i]; /* it is live, so in range */
        struct ash_virtq_slot *slot = &q->config.slots[index];

        slot->serial = 0;
        q->in_flight--;
        if (virtq_is_packed_(q)) {
            q->held -= slot->count;
            q->next_avail = packed_back(q, q->next_avail, slot->count);
            slot->next = q->free_slot;
            q->free_slot = index;
        } else {
            q->next_avail--;
        }
    }
    return ASH_OK;
}

VIRTQ_HOT void use(struct ash_virtq *q, struct ash_virtq_slot *slot, uint32_t written)
{
    const uint32_t index = (uint32_t)(slot - q->config.slots);

    slot->serial = 0;
    if (virtq_is_packed_(q)) {
        ash_virtq_packed_use_(q, index, written);
    } else {
        unsigned char *entry =
            q->device + VIRTQ_USED_RING + (size_t)VIRTQ_USED_ENTRY * virtq_ring_index_(q, q->next_used);

        guest_store32_(entry, index);
        guest_store32_(entry + 4, written);
        q->next_used++;
    }
}

/* All that are given back and have none before them (2.7.9, 2.8.8). */
static void use_in_order(struct ash_virtq *q)
{
    while (q->oldest != VIRTQ_NO_SLOT && q->config.slots[q->oldest].done != 0U) {
        struct ash_virtq_slot *slot = &q->config.slots[q->oldest];

        q->oldest = slot->next;
        use(q, slot, slot->written);
    }
}

int ash_virtq_stage_slot_(struct ash_virtq *q, struct ash_virtq_slot *slot, uint32_t written)
{
    if (written > slot->writable) {
        return ASH_ERANGE; /* the driver would take its own stale bytes for data (2.7.8) */
    }
    q->in_flight--;
    if (!virtq_has_(q, ASH_VIRTQ_F_IN_ORDER)) {
        use(q, slot, written);
        return ASH_OK;
    }
    slot->written = written;
    slot->done = 1;
    use_in_order(q);
    return ASH_OK;
}

int ash_virtq_stage(struct ash_virtq *q, uint64_t token, uint32_t written)
{
    struct ash_virtq_slot *slot = virtq_slot_(q, token);

    if (slot == NULL) {
        return ASH_ENOENT;
    }
    return q->state == ASH_VIRTQ_READY ? ash_virtq_stage_slot_(q, slot, written) : ASH_EGUEST;
}

/* Release: entries and the buffers' bytes are before the index (2.7.8.2). */
static uint32_t split_publish(struct ash_virtq *q)
{
    const uint16_t count = (uint16_t)(q->next_used - q->used_idx);

    guest_store16_release_(q->device + VIRTQ_USED_IDX, q->next_used);
    return count;
}

void ash_virtq_publish(struct ash_virtq *q)
{
    if (q->state != ASH_VIRTQ_READY || q->next_used == q->used_idx) {
        return;
    }
    q->unsignalled += virtq_is_packed_(q) ? ash_virtq_packed_publish_(q) : split_publish(q);
    q->used_idx = q->next_used;
    if (q->unsignalled > VIRTQ_UNSIGNALLED_MAX) {
        q->unsignalled = VIRTQ_UNSIGNALLED_MAX;
    }
}

int ash_virtq_push(struct ash_virtq *q, uint64_t token, uint32_t written)
{
    const int error = ash_virtq_stage(q, token, written);

    if (error == ASH_OK) {
        ash_virtq_publish(q);
    }
    return error;
}

bool ash_virtq_should_notify(struct ash_virtq *q)
{
    const uint32_t count = q->unsignalled;

    q->unsignalled = 0;
    if (q->state != ASH_VIRTQ_READY || count == 0U) {
        return false;
    }
    /* Full barrier between our store of idx and the load of what the driver wants. The driver stores that and
     * then loads idx behind a barrier of its own, so that one of the two sees the other's (2.7.7, 2.7.14). */
    guest_fence_();
    if (virtq_is_packed_(q)) {
        return ash_virtq_packed_wants_(q, count);
    }
    if (virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        const uint16_t event = guest_load16_(virtq_used_event_(q));

        /* Was the entry with the index `event` among the last `count` (2.7.7.2)? All of them wrap at 2^16. */
        return (uint16_t)(q->used_idx - 1U - event) < count;
    }
    return (guest_load16_(q->driver + VIRTQ_AVAIL_FLAGS) & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0U;
}

void ash_virtq_arm_(struct ash_virtq *q, bool enabled)
{
    q->kicks_enabled = enabled;
    if (virtq_is_packed_(q)) {
        ash_virtq_packed_arm_(q, enabled);
    } else if (virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        q->armed_at = q->next_avail;
        guest_store16_(q->device + VIRTQ_USED_FLAGS, 0); /* MUST be 0 (2.7.10.2) */
        guest_store16_(virtq_avail_event_(q), q->next_avail);
    } else {
        guest_store16_(q->device + VIRTQ_USED_FLAGS, (uint16_t)(enabled ? 0U : VIRTQ_USED_F_NO_NOTIFY));
    }
    /* Full barrier between this store and the caller's load of the driver's idx. It has one between its
     * store of idx and its load of this (2.7.13.4.1). */
    guest_fence_();
}

void ash_virtq_disable_kicks(struct ash_virtq *q)
{
    if (q->state != ASH_VIRTQ_READY || !q->kicks_enabled) {
        return;
    }
    if (virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX) && !virtq_is_packed_(q)) {
        q->kicks_enabled = false; /* a value that the driver has passed is quiet for the next 65535 entries */
    } else {
        ash_virtq_arm_(q, false);
    }
}

bool ash_virtq_enable_kicks(struct ash_virtq *q)
{
    uint16_t flags;

    if (q->state != ASH_VIRTQ_READY) {
        return false;
    }
    ash_virtq_arm_(q, true);
    if (virtq_is_packed_(q)) {
        return ash_virtq_packed_is_available_(q, &flags);
    }
    return guest_load16_acquire_(q->driver + VIRTQ_AVAIL_IDX) != q->next_avail;
}
