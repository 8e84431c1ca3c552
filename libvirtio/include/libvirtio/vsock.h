/* SPDX-License-Identifier: BSD-2-Clause */
/** Socket device (VIRTIO 1.2, 5.10): packets between a guest's sockets and whoever has the other context
 *  identifiers.
 *
 *  The library checks packets and moves them. Connections and credit are the business of the two ends: between
 *  two guests a hub forwards packets as they are, and holds them (by completing later) while the other has no
 *  buffers. Whoever is an end itself keeps account of buf_alloc and fwd_cnt. Nobody there:
 *  ash_virtio_vsock_refuse(). A packet of a type that there is not, or that was not negotiated, is answered by RST
 *  here (5.10.6.4.2). Receive buffers that are not for writing, or smaller than a header, and transmit buffers that
 *  are, break their queue.
 */
#ifndef LIBVIRTIO_VSOCK_H
#define LIBVIRTIO_VSOCK_H

#include <libvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_VSOCK_QUEUES       3U /* receive, transmit, events */
#define ASH_VIRTIO_VSOCK_CONFIG_BYTES 8U
#define ASH_VIRTIO_VSOCK_PACKET_MAX   65536U /* bytes of a payload */
#define ASH_VIRTIO_VSOCK_CID_HOST     2U

/** Features (5.10.3). */
#define ASH_VIRTIO_VSOCK_F_STREAM    ASH_BIT(0)
#define ASH_VIRTIO_VSOCK_F_SEQPACKET ASH_BIT(1)

enum ash_virtio_vsock_type { ASH_VIRTIO_VSOCK_STREAM = 1, ASH_VIRTIO_VSOCK_SEQPACKET = 2 };

/** Operations (5.10.6). */
enum ash_virtio_vsock_op {
    ASH_VIRTIO_VSOCK_INVALID,
    ASH_VIRTIO_VSOCK_REQUEST,
    ASH_VIRTIO_VSOCK_RESPONSE,
    ASH_VIRTIO_VSOCK_RST,
    ASH_VIRTIO_VSOCK_SHUTDOWN,
    ASH_VIRTIO_VSOCK_RW,
    ASH_VIRTIO_VSOCK_CREDIT_UPDATE,
    ASH_VIRTIO_VSOCK_CREDIT_REQUEST,
    ASH_VIRTIO_VSOCK_OP_COUNT
};

/** Flags of a SEQPACKET's RW: the last packet of a message, of a record (5.10.6.6). */
#define ASH_VIRTIO_VSOCK_SEQ_EOM 1U
#define ASH_VIRTIO_VSOCK_SEQ_EOR 2U

/** A packet's header, but for its length. */
struct ash_virtio_vsock_header {
    uint64_t src_cid;
    uint64_t dst_cid;
    uint32_t src_port;
    uint32_t dst_port;
    uint16_t type;
    uint16_t op;
    uint32_t flags;
    uint32_t buf_alloc;
    uint32_t fwd_cnt;
};

/** All with the device's lock held; see <libvirtio/net.h>, transmit(), on the locks of two devices. */
struct ash_virtio_vsock_backend {
    size_t size; /* sizeof(struct ash_virtio_vsock_backend) */

    /** A packet: the payload is the readable part of @payload, at most PACKET_MAX bytes, none but of an RW.
     *  src_cid is the guest's own, type and op are known ones. ash_virtio_push() on the device with nothing
     *  written gives it back, from within this call or later. Context: within ash_virtio_run(). */
    void (*transmit)(void *ctx, const struct ash_virtio_request *payload,
                     const struct ash_virtio_vsock_header *header);

    /** The driver has (new) buffers. May be NULL. Context: within ash_virtio_run(). */
    void (*receive_room)(void *ctx);

    /** All requests of @queue are stale; of all queues: every connection is gone. May be NULL; must not call
     *  back. */
    void (*reset)(void *ctx, uint32_t queue);
};

struct ash_virtio_vsock_config {
    const struct ash_virtio_vsock_backend *backend;
    void *backend_ctx;
    uint64_t cid;       /* the guest's: 3..2^32-2 */
    bool has_seqpacket; /* offer SEQPACKET */
};

struct ash_virtio_vsock {
    struct ash_virtio_device device; /* for the transport and ash_virtio_run() */
    struct ash_virtio_vsock_config config;
    unsigned char space[ASH_VIRTIO_VSOCK_CONFIG_BYTES];
    bool event_pending; /* a transport reset to tell of */
    bool is_held;       /* a packet of an unknown type is to be answered when there is room */
    uint64_t malformed; /* packets that were not handed on */
};

/** Returns ASH_OK or ASH_EINVAL: as ash_virtio_device_init(); a value out of its range. */
int ash_virtio_vsock_init(struct ash_virtio_vsock *vsock, const struct ash_virtio_vsock_config *config,
                          const struct ash_virtio_site *site) ASH_NODISCARD;

/** A packet for the driver, into one of its buffers: of the payload [from, source->size) as much as there is
 *  room for, *@taken bytes. The rest goes with the next call; flags that mark an end are kept for the last one.
 *  The driver sees it with ash_virtio_signal() of queue 0.
 *  Returns ASH_OK; ASH_ENOSPC: no buffer; ASH_EBUSY: driver not up; ASH_EINVAL: dst_cid is not the guest's,
 *  from; ASH_EGUEST: the queue is broken, or is now; ASH_ENOMEM, or the source's error. */
int ash_virtio_vsock_receive(struct ash_virtio_vsock *vsock, const struct ash_virtio_vsock_header *header,
                             const struct ash_virtio_source *source, uint32_t from,
                             uint32_t *taken) ASH_NODISCARD;

/** The answer to a packet for which nobody is there: RST. False: that was one itself, and must not be answered.
 *  Pure. */
bool ash_virtio_vsock_refuse(const struct ash_virtio_vsock_header *packet,
                             struct ash_virtio_vsock_header *answer);

/** The other ends are not what they were (a guest was moved): the driver is told to drop its connections, and
 *  to read its identifier anew (5.10.6.7). cid: as in the configuration. */
void ash_virtio_vsock_transport_reset(struct ash_virtio_vsock *vsock, uint64_t cid);

#ifdef __cplusplus
}
#endif

#endif
