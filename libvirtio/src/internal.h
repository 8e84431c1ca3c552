/* SPDX-License-Identifier: BSD-2-Clause */
/* The rings' formats (VIRTIO 1.2, 2.7.5, 2.7.6, 2.7.8, 2.8) and what the library's files share. */
#ifndef LIBVIRTIO_INTERNAL_H
#define LIBVIRTIO_INTERNAL_H

#include <libvirtio/device.h>

#include <libbase/checked.h>
#include <libbase/nospec.h>

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

/* struct pvirtq_desc: le64 addr, le32 len, le16 id, le16 flags (2.8.13). AVAIL and USED besides those
 * above. */
#define PACKED_DESC_LEN     8U
#define PACKED_DESC_ID      12U
#define PACKED_DESC_FLAGS   14U
#define PACKED_DESC_F_AVAIL 0x80U
#define PACKED_DESC_F_USED  0x8000U
/* A position: the wrap counter above the index. Both start at 0 and with the counter at 1. */
#define PACKED_WRAP 0x8000U

/* struct pvirtq_event_suppress: le16 desc (a position), le16 flags (2.8.14). Here as one le32. */
#define PACKED_EVENT_FLAGS_SHIFT 16U
#define PACKED_EVENT_ENABLE      0U
#define PACKED_EVENT_DISABLE     1U
#define PACKED_EVENT_DESC        2U

/* What every request passes through. */
#define VIRTQ_HOT static inline __attribute__((always_inline))

/* No slot. There are at most 32768. */
#define VIRTQ_NO_SLOT UINT16_MAX

/* One descriptor, copied. */
struct virtq_descriptor_ {
    uint64_t ipa;
    uint32_t length;
    uint16_t flags;
    uint16_t next; /* packed: Buffer ID */
};

/* The way through one chain. */
struct virtq_walk_ {
    struct ash_virtq *q;
    const unsigned char
        *table;       /* where the next descriptor is: the queue's own table, then an indirect one */
    uint32_t entries; /* of that table */
    uint32_t elements;
    uint32_t elements_max;
    bool seen_writable;
    bool is_indirect;       /* the table is an indirect one */
    void *indirect;         /* as map() gave it, NULL if it did not */
    uint64_t indirect_size; /* bytes */
    uint64_t base, size;    /* the guest's first region */

    struct ash_virtq_segment *segments;
    uint32_t capacity;
    uint32_t count;          /* segments, more than @capacity if they do not fit */
    uint32_t readable_count; /* of them, and their bytes: those before the first writable one */
    uint64_t bytes;
    uint64_t readable_bytes;
};

/* A token: the request's serial number above its slot. At 10^6 requests a second the numbers last for 8
 * years. */
#define VIRTQ_TOKEN_SLOT_BITS 16U

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

static inline bool virtq_is_packed_(const struct ash_virtq *q)
{
    return virtq_has_(q, ASH_VIRTQ_F_PACKED);
}

/* The entry of the packed ring at @position, which is the device's own and in range. */
static inline unsigned char *virtq_packed_entry_(const struct ash_virtq *q, uint16_t position)
{
    return q->desc + (size_t)VIRTQ_DESC_SIZE * (position & (PACKED_WRAP - 1U));
}

/* @count <= Queue Size entries on. */
static inline uint16_t virtq_packed_add_(const struct ash_virtq *q, uint16_t position, uint32_t count)
{
    const uint32_t index = (position & (PACKED_WRAP - 1U)) + count;
    const uint32_t wrap = position & PACKED_WRAP;

    return (uint16_t)(index < q->layout.size ? wrap | index
                                             : (wrap ^ PACKED_WRAP) | (index - q->layout.size));
}

/* Descriptor @index of the walk's table. */
void ash_virtq_copy_descriptor_(const unsigned char *from, struct virtq_descriptor_ *to);

/* A descriptor that names a buffer, or an indirect table (2.7.5.3, 2.8.7). */
int ash_virtq_add_element_(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d);
int ash_virtq_enter_table_(struct virtq_walk_ *walk, uint32_t index, const struct virtq_descriptor_ *d);

/* The packed ring's half of ash_virtq_pop(): is there a chain (its head's flags), and what is in it? */
int ash_virtq_packed_find_(struct ash_virtq *q, uint16_t *flags);
int ash_virtq_packed_walk_(struct virtq_walk_ *walk, uint16_t flags, uint16_t *id, uint16_t *count);
bool ash_virtq_packed_is_available_(const struct ash_virtq *q, uint16_t *flags);

/* Is there a chain at @position, which was the next one's when all before it were taken? Nothing is taken. True
 * also of a queue that is not READY: who tries will be told. */
bool ash_virtq_has_at_(const struct ash_virtq *q, uint16_t position);
bool ash_virtq_packed_has_at_(const struct ash_virtq *q, uint16_t position, uint16_t *flags);

/* A slot for a request of the packed ring. There is one, as each holds a descriptor of the ring. */
uint32_t ash_virtq_packed_slot_(struct ash_virtq *q);

/* Its half of stage, publish (returns the entries), should_notify and arm. */
void ash_virtq_packed_use_(struct ash_virtq *q, uint32_t index, uint32_t written);
uint32_t ash_virtq_packed_publish_(struct ash_virtq *q);
bool ash_virtq_packed_wants_(const struct ash_virtq *q, uint32_t count);
void ash_virtq_packed_arm_(struct ash_virtq *q, bool enabled);

/* Does [ipa, ipa+size) lie in one of the guest's regions? Inline, as every element of every chain is asked. */
static inline bool virtq_is_guest_memory_(const struct ash_virtq_region *regions, uint32_t count,
                                          uint64_t ipa, uint64_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ash_range_within(ipa, size, regions[i].base.value, regions[i].size)) {
            return true;
        }
    }
    return false;
}

/* Can map() be asked for it whole? */
static inline bool virtq_is_in_one_piece_(const struct ash_virtq_hal *memory, uint64_t at, uint64_t size)
{
    return memory->piece == 0U || size <= memory->piece - (at & (memory->piece - 1U));
}

/* Where byte @skip, below @size, of [ipa, ipa+size) is, if all of that lies in a region that needs no map(). NULL: it
 * does not. Inline, as every request asks several times. */
static inline void *virtq_direct_(const struct ash_virtq_region *regions, uint32_t count, uint64_t ipa,
                                  uint64_t size, uint64_t skip)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t offset = ipa - regions[i].base.value; /* below the base: beyond every region's size */

        if (offset < regions[i].size && size <= regions[i].size - offset) {
            unsigned char *bytes = regions[i].bytes;

            return bytes == NULL ? NULL : bytes + ash_index_nospec(offset + skip, regions[i].size);
        }
    }
    return NULL;
}

/* The slot of a live request, NULL if @token names none. */
static inline struct ash_virtq_slot *virtq_slot_(const struct ash_virtq *q, uint64_t token)
{
    const uint64_t serial = token >> VIRTQ_TOKEN_SLOT_BITS;
    uint32_t index = (uint32_t)(token & ((1U << VIRTQ_TOKEN_SLOT_BITS) - 1U));
    struct ash_virtq_slot *slot;

    if (index >= q->config.max_size || serial < q->first_serial) {
        return NULL;
    }
    index = (uint32_t)ash_index_nospec(index, q->config.max_size);
    slot = &q->config.slots[index];
    return slot->serial == serial && slot->done == 0U ? slot : NULL;
}

/* The slot of a request that was popped just now: the number is the library's own. */
static inline struct ash_virtq_slot *virtq_popped_slot_(const struct ash_virtq *q, uint64_t token)
{
    return &q->config.slots[token & ((1U << VIRTQ_TOKEN_SLOT_BITS) - 1U)];
}

/* The queue is broken. Returns ASH_EGUEST. */
__attribute__((cold)) int ash_virtq_fail_(struct ash_virtq *q, enum ash_virtq_reason reason, uint32_t index,
                                          uint64_t value);

/* Give back what the HAL mapped; a NULL is skipped. */
void ash_virtq_unmap_(const struct ash_virtq *q, void *address, uint64_t size);

/* As ash_virtq_setup(), with both rings at @index. */
int ash_virtq_start_(struct ash_virtq *q, const struct ash_virtq_layout *layout, uint16_t index,
                     bool kicks_enabled);

/* Tell the driver whether to kick, from the next entry on; what it adds after this is not missed if the
 * caller reads its index afterwards. */
void ash_virtq_arm_(struct ash_virtq *q, bool enabled);

/* ---- Devices ------------------------------------------------------------------------------------------ */

/* A reason for an interrupt more. */
void ash_virtio_interrupt_(struct ash_virtio_device *device, uint32_t cause);

/* The configuration space has changed (2.5.1); ash_virtio_config_changed() without telling the driver. */
void ash_virtio_config_rewritten_(struct ash_virtio_device *device);

/* Something is beyond repair: DEVICE_NEEDS_RESET. */
void ash_virtio_needs_reset_(struct ash_virtio_device *device);

/* Could the driver have these features (FEATURES_OK)? */
bool ash_virtio_are_features_ok_(const struct ash_virtio_device *device);

/* The control queue of a network device, and what it sets. */
struct ash_virtio_net;
bool ash_virtio_net_serve_control_(struct ash_virtio_net *net, uint32_t queue, uint32_t budget);
void ash_virtio_net_reset_filter_(struct ash_virtio_net *net);
uint32_t ash_virtio_net_state_bytes_(const void *ctx);
void ash_virtio_net_save_(void *ctx, void *state);
bool ash_virtio_net_load_(void *ctx, const void *state);

static inline bool virtio_is_running_(const struct ash_virtio_device *device)
{
    return (device->status & ASH_VIRTIO_DRIVER_OK) != 0U;
}

/* The same of a device's queue, any number; NULL also if the queue is not READY. */
static inline struct ash_virtq_slot *virtio_slot_(const struct ash_virtio_device *device, uint32_t queue,
                                                  uint64_t token)
{
    const struct ash_virtq *q;

    if (queue >= device->site.queue_count) {
        return NULL;
    }
    q = &device->site.queues[ash_index_nospec(queue, device->site.queue_count)].ring;
    return q->state == ASH_VIRTQ_READY ? virtq_slot_(q, token) : NULL;
}

/* ash_virtq_stage() of a live request of a READY queue, by its slot. */
int ash_virtq_stage_slot_(struct ash_virtq *q, struct ash_virtq_slot *slot, uint32_t written);

/* Bytes [skip, skip+size), size > 0, of one part of a request that was popped in this call and has been nowhere since,
 * if they lie in the part's first segment and need no map(): what it says was checked when it was popped. NULL: ask
 * for them like anybody else. */
static inline void *virtio_popped_bytes_(const struct ash_virtio_device *device,
                                         const struct ash_virtio_request *request, bool writable,
                                         uint32_t skip, uint32_t size)
{
    const struct ash_virtio_site *site = &device->site;
    const uint32_t first = writable ? request->readable_count : 0U;
    const uint32_t end = writable ? request->segment_count : request->readable_count;
    const struct ash_virtq_segment *segment = &request->segments[first];

    if (first == end || (uint64_t)skip + size > segment->length) {
        return NULL;
    }
    return virtq_direct_(site->regions, site->region_count, segment->ipa.value, segment->length, skip);
}

/* Bytes [from, from+size) of @source to the writable part of @request at @offset. */
int ash_virtio_copy_from_(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                          uint64_t offset, const struct ash_virtio_source *source, uint32_t from,
                          uint32_t size);

/* Fields of configuration spaces and headers: little-endian (1.4), at any alignment. */
static inline void store_le16_(unsigned char *to, uint16_t value)
{
    to[0] = (unsigned char)value;
    to[1] = (unsigned char)(value >> 8);
}

static inline void store_le32_(unsigned char *to, uint32_t value)
{
    store_le16_(to, (uint16_t)value);
    store_le16_(to + 2, (uint16_t)(value >> 16));
}

static inline void store_le64_(unsigned char *to, uint64_t value)
{
    store_le32_(to, (uint32_t)value);
    store_le32_(to + 4, (uint32_t)(value >> 32));
}

#endif
