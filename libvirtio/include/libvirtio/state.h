/* SPDX-License-Identifier: BSD-2-Clause */
/** The state of a device as plain data: what a driver could tell of it, and nothing of what it is made of. For
 *  pausing, moving and looking at a guest; the rings are in the guest's memory and are not part of it.
 *
 *  One block: a struct ash_virtio_state, then queue_count x struct ash_virtio_queue_state, then type_bytes of the
 *  device type's own (below; 0 of the entropy device, of the block device and of those that have no state). No
 *  pointers, no padding, integers in the byte order of the machine; reserved fields are 0.
 *
 *  Lock domain: the device. Facts of the machine are not part of it and are configured anew before: features that
 *  are offered, queues and their largest sizes, capacity, link, identifiers, what the back end is.
 */
#ifndef LIBVIRTIO_STATE_H
#define LIBVIRTIO_STATE_H

#include <libvirtio/mmio.h>
#include <libvirtio/net.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_STATE_VERSION 1U

struct ash_virtio_queue_state {
    struct ash_virtq_image ring;
    uint64_t desc; /* as the driver wrote them; of a ring that is not OFF those of the ring */
    uint64_t driver;
    uint64_t device;
    uint32_t size;
    uint32_t reserved;
};

struct ash_virtio_state {
    uint32_t version; /* ASH_VIRTIO_STATE_VERSION */
    uint32_t device_id;
    uint32_t queue_count;
    uint32_t type_bytes; /* a multiple of 8 */
    uint64_t features;   /* the driver's */
    uint32_t status;
    uint32_t isr;
    uint32_t generation;
    uint32_t reserved;
};

/** Of a network device: the filter (5.1.6.5). */
struct ash_virtio_net_state {
    uint32_t pairs_used;
    uint32_t modes;
    uint32_t mac_count[2];
    unsigned char mac[8]; /* the last two are 0 */
    unsigned char macs[2][ASH_VIRTIO_NET_MACS][6];
    unsigned char vlans[4096 / 8];
};

/** Of a console: one for each port. */
struct ash_virtio_console_port_state {
    uint64_t taken;      /* bytes of the oldest output that went out already; the rest is handed over later */
    uint32_t pending;    /* control messages to send */
    uint16_t guest_open; /* 0 or 1 */
    uint16_t ready;      /* 0 or 1 */
};

/** Of a socket device. */
struct ash_virtio_vsock_state {
    uint32_t event_pending; /* 0 or 1 */
    uint32_t reserved;
};

/** What a transport has selected. */
struct ash_virtio_mmio_state {
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint32_t queue_sel;
    uint32_t shm_sel;
};

/** Bytes of the block. */
size_t ash_virtio_state_size(const struct ash_virtio_device *device);

/** Write @device's state to @state: @size = ash_virtio_state_size() bytes, aligned as uint64_t. What a device type
 *  keeps for itself (output without room, a wait for entropy) is put back into its queue, to be taken again.
 *  Returns ASH_OK; ASH_EINVAL: @size; ASH_EBUSY: a back end has requests: complete or cancel them, and signal. */
int ash_virtio_device_export(struct ash_virtio_device *device, struct ash_virtio_state *state,
                             size_t size) ASH_NODISCARD;

/** Take a state that ash_virtio_device_export() wrote, here or elsewhere, into a device that is as initialised or
 *  reset. The state is not trusted: after ASH_OK it is one that a driver could have brought about. Every queue is
 *  to be served, as after a kick; expect a spurious notification each way. HAL: map, unmap, interrupt.
 *  Returns ASH_OK; ASH_EBUSY: it is not reset; ASH_EINVAL: @size; ASH_ENOTSUP: another version, device type or
 *  number of queues, features that are not offered here; ASH_EFORMAT: a value that no export writes; or as
 *  ash_virtq_setup(). On an error it stays reset. */
int ash_virtio_device_import(struct ash_virtio_device *device, const struct ash_virtio_state *state,
                             size_t size) ASH_NODISCARD;

/** The transport's; every value is one that a driver can write. */
void ash_virtio_mmio_export(const struct ash_virtio_mmio *mmio, struct ash_virtio_mmio_state *state);
void ash_virtio_mmio_import(struct ash_virtio_mmio *mmio, const struct ash_virtio_mmio_state *state);

#ifdef __cplusplus
}
#endif

#endif
