/* SPDX-License-Identifier: BSD-2-Clause */
/** Network device (VIRTIO 1.2, 5.1): what the driver sends is checked and handed on, what it is to receive
 *  is filtered and put into its buffers, straight from where it lies. What is between, a wire or a switch,
 *  is the caller's.
 *
 *  Queues: receive and transmit of each pair, then control. Frames are Ethernet's, from the destination
 *  address on, without frame check sequence.
 */
#ifndef LIBVIRTIO_NET_H
#define LIBVIRTIO_NET_H

#include <libvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_NET_PAIRS_MAX    31U
#define ASH_VIRTIO_NET_MACS         16U /* addresses of either table; a longer table lets all of its kind pass */
#define ASH_VIRTIO_NET_CONFIG_BYTES 12U
#define ASH_VIRTIO_NET_MTU_MIN      68U
#define ASH_VIRTIO_NET_FRAME_MIN    14U    /* bytes of a frame */
#define ASH_VIRTIO_NET_FRAME_MAX    65553U /* one that is still to be cut into segments */
#define ASH_VIRTIO_NET_ELEMENTS_MAX                                                                          \
    128U /* of the buffers for one frame, and one chain more: two for each of those that Linux needs for 64 KiB */

/** Features (5.1.3). Those of ASH_VIRTIO_NET_OFFLOADS can be offered; the others here are. */
#define ASH_VIRTIO_NET_F_CSUM          ASH_BIT(0)
#define ASH_VIRTIO_NET_F_GUEST_CSUM    ASH_BIT(1)
#define ASH_VIRTIO_NET_F_MTU           ASH_BIT(3)
#define ASH_VIRTIO_NET_F_MAC           ASH_BIT(5)
#define ASH_VIRTIO_NET_F_GUEST_TSO4    ASH_BIT(7)
#define ASH_VIRTIO_NET_F_GUEST_TSO6    ASH_BIT(8)
#define ASH_VIRTIO_NET_F_GUEST_ECN     ASH_BIT(9)
#define ASH_VIRTIO_NET_F_GUEST_UFO     ASH_BIT(10)
#define ASH_VIRTIO_NET_F_HOST_TSO4     ASH_BIT(11)
#define ASH_VIRTIO_NET_F_HOST_TSO6     ASH_BIT(12)
#define ASH_VIRTIO_NET_F_HOST_ECN      ASH_BIT(13)
#define ASH_VIRTIO_NET_F_HOST_UFO      ASH_BIT(14)
#define ASH_VIRTIO_NET_F_MRG_RXBUF     ASH_BIT(15)
#define ASH_VIRTIO_NET_F_STATUS        ASH_BIT(16)
#define ASH_VIRTIO_NET_F_CTRL_VQ       ASH_BIT(17)
#define ASH_VIRTIO_NET_F_CTRL_RX       ASH_BIT(18)
#define ASH_VIRTIO_NET_F_CTRL_VLAN     ASH_BIT(19)
#define ASH_VIRTIO_NET_F_CTRL_RX_EXTRA ASH_BIT(20)
#define ASH_VIRTIO_NET_F_MQ            ASH_BIT(22)
#define ASH_VIRTIO_NET_F_CTRL_MAC_ADDR ASH_BIT(23)

/** Checksums and segmentation that are left to whoever receives. Offer them where frames stay between
 *  virtio devices, or where the back end can do it: a frame is handed on as it is, with what is left to do
 *  in its header. */
#define ASH_VIRTIO_NET_OFFLOADS (ASH_VIRTIO_NET_F_CSUM | ASH_VIRTIO_NET_F_GUEST_CSUM | ASH_MASK(14, 7))

/** What is still to be done to a frame (5.1.6). */
struct ash_virtio_net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_length; /* bytes of headers; a hint */
    uint16_t gso_size;      /* bytes of each segment's payload */
    uint16_t csum_start;    /* with NEEDS_CSUM: sum from here to the end ... */
    uint16_t csum_offset;   /* ... goes this far behind csum_start */
};

#define ASH_VIRTIO_NET_NEEDS_CSUM 1U /* flags */
#define ASH_VIRTIO_NET_DATA_VALID 2U /* flags; only to the driver */
#define ASH_VIRTIO_NET_GSO_NONE   0U
#define ASH_VIRTIO_NET_GSO_TCPV4  1U
#define ASH_VIRTIO_NET_GSO_UDP    3U
#define ASH_VIRTIO_NET_GSO_TCPV6  4U
#define ASH_VIRTIO_NET_GSO_ECN    0x80U /* with TCPV4 or TCPV6 */

/** All with the device's lock held. Those after transmit() may be NULL. */
struct ash_virtio_net_backend {
    size_t size; /* sizeof(struct ash_virtio_net_backend) */

    /** A frame of FRAME_MIN bytes or more: the readable part of @frame. What @header asks for is something
     *  that was offered, inside the frame. Copy both if they are to be kept; ash_virtio_net_complete()
     *  gives the buffer back, from within this call or later.
     *  Context: within ash_virtio_run(), this device's lock held: whoever delivers to another device from here
     *  takes its lock inside this one, and needs an order of the two, or one lock for all of a switch. */
    void (*transmit)(void *ctx, const struct ash_virtio_request *frame,
                     const struct ash_virtio_net_header *header);

    /** The driver has (new) buffers for frames; not called for a kick without any after a frame had no room.
     *  Context: within ash_virtio_run(). */
    void (*receive_room)(void *ctx, uint32_t pair);

    /** All requests of @queue are stale; of all queues the filters, too. Must not call back. */
    void (*reset)(void *ctx, uint32_t queue);
};

struct ash_virtio_net_config {
    const struct ash_virtio_net_backend *backend;
    void *backend_ctx;
    struct ash_virtio_request
        *merge;           /* room for the buffers of one frame on its way in; outlives the device */
    uint32_t merge_count; /* 1: frames are not spread over buffers, MRG_RXBUF is not offered. At most 64 */
    uint32_t pair_count;  /* 1..ASH_VIRTIO_NET_PAIRS_MAX */
    uint64_t offloads;    /* of ASH_VIRTIO_NET_OFFLOADS */
    uint16_t mtu;         /* MTU_MIN..65535 */
    unsigned char mac[6];
    bool link_up;
};

/** A frame that found no room; private. */
struct ash_virtio_net_shortage {
    uint32_t bytes; /* with its header; 0: none */
    uint16_t end;   /* where the driver's next buffer will be */
    bool is_final;  /* more buffers do not help */
};

struct ash_virtio_net {
    struct ash_virtio_device device; /* for the transport and ash_virtio_run() */
    struct ash_virtio_net_config config;
    unsigned char space[ASH_VIRTIO_NET_CONFIG_BYTES];

    /* What the driver set. */
    uint32_t pairs_used;
    uint32_t modes; /* of the filter, by command */
    unsigned char macs[2][ASH_VIRTIO_NET_MACS][6];
    uint32_t mac_count[2]; /* above ASH_VIRTIO_NET_MACS: all pass */
    unsigned char vlans[4096 / 8];

    bool paused;   /* private: ash_virtio_net_pause() */
    uint64_t held; /* likewise: transmit queues, by number */
    struct ash_virtio_net_shortage shortage[ASH_VIRTIO_NET_PAIRS_MAX + 1U]; /* likewise: by pair */

    uint64_t malformed; /* frames of the driver's that were not handed on */
    uint64_t filtered;  /* frames that it did not want */
    uint64_t
        elements; /* of its receive buffers that were looked at, in vain as well: what they cost who sends */
};

#define ASH_VIRTIO_NET_QUEUES(pair_count) (2U * (pair_count) + 1U)

/** Returns ASH_OK or ASH_EINVAL: as ash_virtio_device_init(); a value out of its range. */
int ash_virtio_net_init(struct ash_virtio_net *net, const struct ash_virtio_net_config *config,
                        const struct ash_virtio_site *site) ASH_NODISCARD;

/** A frame that was transmitted is done with; the driver sees it with ash_virtio_signal(), within
 *  transmit() that follows by itself. Returns as ash_virtio_push(). */
int ash_virtio_net_complete(struct ash_virtio_net *net, uint32_t queue, uint64_t token) ASH_NODISCARD;

/** Within transmit(): this one is the last of its batch, though the budget has not been used up. ash_virtio_run()
 *  returns true, and goes on when it is called again. For frames that differ in cost more than in number. */
void ash_virtio_net_pause(struct ash_virtio_net *net);

/** No more frames of @queue, a transmit queue, are handed out, however often the driver kicks, until ..._resume() or a
 *  reset of the queue: for a back end that keeps a frame until it can go on, and has room for no other. Out of range:
 *  nothing. Context: also within transmit(). */
void ash_virtio_net_hold(struct ash_virtio_net *net, uint32_t queue);
void ash_virtio_net_resume(struct ash_virtio_net *net, uint32_t queue);

/** A frame for the driver, into the buffers of receive queue @pair (modulo those in use). The driver sees
 *  it with ash_virtio_net_receive_done(), so that many can be one interrupt. Returns ASH_OK, also where the
 *  driver's filter does not want it; else nothing was delivered:
 *  ASH_EBUSY: driver not up, or no link; ASH_ENOSPC: not enough buffers now (receive_room() will tell), or the first
 *  merge_count of them, or those of the first ASH_VIRTIO_NET_ELEMENTS_MAX elements, are too small for it;
 *  ASH_ENOTSUP: the driver cannot do what @header leaves to it; ASH_ERANGE: size; ASH_EGUEST: the queue is
 *  broken, also by a buffer that has no room for a header; ASH_ENOMEM, or the source's error.
 *  Cost: O(bytes + elements), as bounded. */
int ash_virtio_net_receive(struct ash_virtio_net *net, uint32_t pair,
                           const struct ash_virtio_net_header *header,
                           const struct ash_virtio_source *source) ASH_NODISCARD;
void ash_virtio_net_receive_done(struct ash_virtio_net *net, uint32_t pair);

/** Does the driver's filter want a frame that begins with these bytes? size: 14 or more; 18 see a VLAN tag.
 *  Pure. */
bool ash_virtio_net_wants(const struct ash_virtio_net *net, const unsigned char *frame, uint32_t size);

/** The link goes up or down; the driver is told. */
void ash_virtio_net_set_link(struct ash_virtio_net *net, bool is_up);

#ifdef __cplusplus
}
#endif

#endif
