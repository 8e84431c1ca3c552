/* SPDX-License-Identifier: BSD-2-Clause */
/* Back to the driver through the used ring, and the notifications both ways. */
#include "internal.h"

#include <libbase/nospec.h>

int ash_virtq_stage(struct ash_virtq *q, uint64_t token, uint32_t written)
{
    const uint64_t serial = token >> VIRTQ_TOKEN_HEAD_BITS;
    uint32_t head = (uint32_t)(token & ((1U << VIRTQ_TOKEN_HEAD_BITS) - 1U));
    struct ash_virtq_slot *slot;
    unsigned char *entry;

    if (head >= q->config.max_size || serial < q->first_serial) {
        return ASH_ENOENT;
    }
    head = (uint32_t)ash_index_nospec(head, q->config.max_size);
    slot = &q->config.slots[head];
    if (slot->serial != serial) {
        return ASH_ENOENT;
    }
    if (q->state != ASH_VIRTQ_READY) {
        return ASH_EGUEST;
    }
    if (written > slot->writable) {
        return ASH_ERANGE; /* the driver would take its own stale bytes for data (2.7.8) */
    }
    entry = q->device + VIRTQ_USED_RING + (size_t)VIRTQ_USED_ENTRY * virtq_ring_index_(q, q->next_used);
    guest_store32_(entry, head);
    guest_store32_(entry + 4, written);
    slot->serial = 0;
    q->next_used++;
    q->in_flight--;
    return ASH_OK;
}

void ash_virtq_publish(struct ash_virtq *q)
{
    const uint16_t count = (uint16_t)(q->next_used - q->used_idx);

    if (q->state != ASH_VIRTQ_READY || count == 0U) {
        return;
    }
    /* Release: entries and the buffers' bytes are before the index (2.7.8.2). */
    guest_store16_release_(q->device + VIRTQ_USED_IDX, q->next_used);
    q->used_idx = q->next_used;
    q->unsignalled += count;
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
    if (virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
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
    if (virtq_has_(q, ASH_VIRTQ_F_EVENT_IDX)) {
        q->kicks_enabled = false; /* a value that the driver has passed is quiet for the next 65535 entries */
    } else {
        ash_virtq_arm_(q, false);
    }
}

bool ash_virtq_enable_kicks(struct ash_virtq *q)
{
    if (q->state != ASH_VIRTQ_READY) {
        return false;
    }
    ash_virtq_arm_(q, true);
    return guest_load16_acquire_(q->driver + VIRTQ_AVAIL_IDX) != q->next_avail;
}
