/* SPDX-License-Identifier: BSD-2-Clause */
/** Who a VM's sockets are connected to: LINKS connections. Where there is no room for one more, the oldest of the peer
 *  that has most of them gives way: no VM makes another one's connection be forgotten that has fewer than itself.
 *
 *  Lock domain: the device. Zeroed: none. Cost: O(LINKS), of a note that finds no room O(LINKS^2). */
#ifndef HV_GLUE_VIRTIO_VSOCK_LINKS_H
#define HV_GLUE_VIRTIO_VSOCK_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#define HV_VSOCK_LINKS 64U

/** One half of a connection, at the end that has it. All zero: free. */
struct hv_vsock_link {
    uint64_t peer; /* its CID */
    uint32_t port;
    uint32_t peer_port;
    uint32_t noted; /* the how manieth */
    uint16_t type;
    bool is_over; /* and this end is to be told */
};

struct hv_vsock_links {
    struct hv_vsock_link link[HV_VSOCK_LINKS];
    uint32_t noted;
    bool owes_end; /* one of them is over, and the guest not told */
};

/** A connection; the same again is noted once, as not over. */
void hv_vsock_links_note(struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port,
                         uint16_t type);

void hv_vsock_links_forget(struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port);

/** It is over, and the guest is to be told. False: it is not noted. */
bool hv_vsock_links_end(struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port);

/** Is the guest to be told of it? */
bool hv_vsock_links_is_over(const struct hv_vsock_links *links, uint64_t peer, uint32_t port,
                            uint32_t peer_port);

#endif
