/* SPDX-License-Identifier: BSD-2-Clause */
/* The split ring's format (VIRTIO 1.2, 2.7.5, 2.7.6, 2.7.8) and what the library's files share. */
#ifndef LIBVIRTIO_INTERNAL_H
#define LIBVIRTIO_INTERNAL_H

#include <libvirtio/virtq.h>

#include "guest_access.h"

/* struct virtq_desc: le64 addr, le32 len, le16 flags, le16 next. */
#define VIRTQ_DESC_SIZE       16U
#define VIRTQ_DESC_F_NEXT     1U
#define VIRTQ_DESC_F_WRITE    2U
#define VIRTQ_DESC_F_INDIRECT 4U

/* struct virtq_avail: le16 flags, le16 idx, le16 ring[size], le16 used_event. */
#define VIRTQ_AVAIL_FLAGS          0U
#define VIRTQ_AVAIL_IDX            2U
#define VIRTQ_AVAIL_RING           4U
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1U

/* struct virtq_used: le16 flags, le16 idx, {le32 id, le32 len} ring[size], le16 avail_event. */
#define VIRTQ_USED_FLAGS       0U
#define VIRTQ_USED_IDX         2U
#define VIRTQ_USED_RING        4U
#define VIRTQ_USED_ENTRY       8U
#define VIRTQ_USED_F_NO_NOTIFY 1U

/* A token: the request's serial number above its head. At 10^6 requests a second the numbers last for 8
 * years. */
#define VIRTQ_TOKEN_HEAD_BITS 16U

static inline bool virtq_has_(const struct ash_virtq *q, uint64_t feature)
{
    return (q->layout.features & feature) != 0U;
}

static inline uint16_t virtq_ring_index_(const struct ash_virtq *q, uint16_t index)
{
    return (uint16_t)(index & (q->layout.size - 1U));
}

static inline void *virtq_used_event_(const struct ash_virtq *q)
{
    return q->driver + VIRTQ_AVAIL_RING + 2U * q->layout.size;
}

static inline void *virtq_avail_event_(const struct ash_virtq *q)
{
    return q->device + VIRTQ_USED_RING + (size_t)VIRTQ_USED_ENTRY * q->layout.size;
}

/* As many entries as 16-bit indices can tell apart, and one more: then a notification is due. */
#define VIRTQ_UNSIGNALLED_MAX 0x10000U

/* Does [ipa, ipa+size) lie in one of the guest's regions? */
bool ash_virtq_is_guest_memory_(const struct ash_virtq *q, uint64_t ipa, uint64_t size);

/* The queue is broken. Returns ASH_EGUEST. */
int ash_virtq_fail_(struct ash_virtq *q, enum ash_virtq_reason reason, uint32_t index, uint64_t value);

/* Give back what the HAL mapped; a NULL is skipped. */
void ash_virtq_unmap_(const struct ash_virtq *q, void *address, uint64_t size);

/* As ash_virtq_setup(), with both rings at @index. */
int ash_virtq_start_(struct ash_virtq *q, const struct ash_virtq_layout *layout, uint16_t index,
                     bool kicks_enabled);

/* Tell the driver whether to kick, from the next entry on; what it adds after this is not missed if the
 * caller reads its index afterwards. */
void ash_virtq_arm_(struct ash_virtq *q, bool enabled);

#endif
