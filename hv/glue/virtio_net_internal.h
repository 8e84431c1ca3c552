/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the network devices share. */
#ifndef HV_GLUE_VIRTIO_NET_INTERNAL_H
#define HV_GLUE_VIRTIO_NET_INTERNAL_H

#include <libvirtio/net.h>

#include "glue/virtio.h"
#include "glue/virtio_net.h"
#include "vdev/flow.h"

#define HV_VIRTIO_NET_MERGE 64U
#define HV_VIRTIO_NO_PAIR   UINT32_MAX

/** A switch, from its first port to its last. */
struct hv_virtio_lan {
    struct hv_virtio_domain domain;
    struct hv_vswitch sw;
    uint32_t ports;                                       /* Lock domain: the VM list */
    struct ash_virtio_request merge[HV_VIRTIO_NET_MERGE]; /* of the one frame that is being delivered */
};

/** A frame of a queue that is held until it has been delivered to all. */
struct hv_virtio_outgoing_ {
    struct ash_virtio_request frame;
    struct ash_virtio_net_header header;
};

struct hv_virtio_nic_ {
    struct ash_virtio_net net;
    struct hv_virtio_device *device;
    struct hv_virtio_lan *lan;
    struct hv_vswitch_port port;
    bool is_plugged;    /* as commanded; outlives the guest's life */
    bool is_at_once;    /* the frame on its way can go on as soon as others had their turn */
    uint32_t moved;     /* bytes in this batch */
    uint64_t cut;       /* frames delivered to it that were cut out of larger ones */
    uint64_t cut_short; /* of those larger ones: the rest was lost, for lack of room */
    uint32_t
        on_its_way; /* the pair whose frame the switch has, and not delivered yet; HV_VIRTIO_NO_PAIR: none */
    uint32_t waiting;                /* bits: pairs with a frame in @out, that one among them */
    struct hv_virtio_outgoing_ *out; /* of each pair */
    struct hv_flows *flows;          /* NULL: there is one pair */
    uint32_t last;                   /* the pair whose waiting frame went last */
};

/** A frame for this device, of whichever port of its switch: hv_vswitch_ops.deliver. */
int hv_virtio_net_deliver_(void *ctx, const struct hv_vswitch_frame *frame);

#endif
