/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices, from the switch to the guest: a frame as it is, or with what its driver did not agree to do itself
 * done for it. */
#include <libbase/mem.h>

#include "glue/virtio_net_internal.h"
#include "vdev/segment.h"

/** A frame whose checksum the sender has left to a receiver who never agreed to that. */
struct summed {
    const struct hv_vswitch_frame *frame;
    uint32_t at;
    uint8_t sum[2];
};

static int copy_summed(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct summed *summed = (const struct summed *)ctx;
    const int error = summed->frame->copy(summed->frame->ctx, offset, to, size);

    for (uint32_t i = 0; i < sizeof(summed->sum); i++) {
        if (error == ASH_OK && summed->at + i >= offset && summed->at + i - offset < size) {
            ((uint8_t *)to)[summed->at + i - offset] = summed->sum[i];
        }
    }
    return error;
}

/** What lies in the checksum's place is the pseudo header's sum (VIRTIO 1.2, 5.1.6.2): it is part of the whole. */
static int sum_up(struct summed *summed, const struct ash_virtio_net_header *header)
{
    const struct hv_vswitch_frame *frame = summed->frame;
    uint64_t total = 0;
    const int error = hv_sum_frame(frame->copy, frame->ctx, header->csum_start, frame->size, &total);
    const uint16_t sum = hv_sum_finish(total);

    summed->at = (uint32_t)header->csum_start + header->csum_offset;
    summed->sum[0] = (uint8_t)(sum >> 8);
    summed->sum[1] = (uint8_t)sum;
    return error;
}

/** Positions behind a tag that was taken off. False: they lay in it. */
static bool move_positions(struct ash_virtio_net_header *header, uint32_t cut)
{
    if (cut == 0U) {
        return true;
    }
    header->header_length = header->header_length > cut ? (uint16_t)(header->header_length - cut) : 0U;
    if ((header->flags & ASH_VIRTIO_NET_NEEDS_CSUM) != 0U) {
        if (header->csum_start < ASH_VIRTIO_NET_FRAME_MIN + cut) {
            return false;
        }
        header->csum_start = (uint16_t)(header->csum_start - cut);
    }
    return true;
}

static int receive_summed(struct hv_virtio_nic_ *nic, uint32_t pair, const struct hv_vswitch_frame *frame,
                          struct ash_virtio_net_header *header)
{
    struct summed summed = {.frame = frame};
    const struct ash_virtio_source source = {.size = frame->size, .copy = copy_summed, .ctx = &summed};
    const int error = sum_up(&summed, header);

    header->flags = 0;
    return error == ASH_OK ? ash_virtio_net_receive(&nic->net, pair, header, &source) : error;
}

/** Where it can have the first of the frames only, the others are lost: TCP sends them again. Each counts as one; its
 *  driver's filter wants all of them or none. */
static int receive_cut(struct hv_virtio_nic_ *nic, uint32_t pair, const struct hv_vswitch_frame *frame,
                       const struct ash_virtio_net_header *header)
{
    static const struct ash_virtio_net_header nothing_to_do = {.flags = 0};
    const bool is_v6 = (header->gso_type & ~ASH_VIRTIO_NET_GSO_ECN) == ASH_VIRTIO_NET_GSO_TCPV6;
    struct hv_segmenter cut;
    struct ash_virtio_source source = {.copy = hv_segment_read, .ctx = &cut};
    uint32_t count = 0;
    int error = hv_segment_begin(&cut, frame->copy, frame->ctx, frame->size, is_v6, header->csum_start,
                                 header->gso_size, &count);

    if (error == ASH_OK && !ash_virtio_net_wants(&nic->net, cut.original, cut.headers)) {
        nic->net.filtered++;
        return ASH_OK;
    }
    for (uint32_t i = 0; i < count && error == ASH_OK; i++) {
        *frame->extra += i > 0U ? HV_VSWITCH_EACH + cut.headers : 0U;
        error = hv_segment_make(&cut, i, &source.size);
        error = error == ASH_OK ? ash_virtio_net_receive(&nic->net, pair, &nothing_to_do, &source) : error;
        nic->cut += error == ASH_OK ? 1U : 0U;
        if (error != ASH_OK && i > 0U) {
            nic->cut_short++;
            return ASH_OK;
        }
    }
    return error;
}

/** As it is, or with what its driver did not agree to do itself done for it. */
static int receive(struct hv_virtio_nic_ *nic, uint32_t pair, const struct hv_vswitch_frame *frame,
                   struct ash_virtio_net_header *header)
{
    const struct ash_virtio_source source = {.size = frame->size, .copy = frame->copy, .ctx = frame->ctx};
    const uint32_t type = header->gso_type & ~ASH_VIRTIO_NET_GSO_ECN;
    const bool is_v4 = type == ASH_VIRTIO_NET_GSO_TCPV4;
    uint64_t needs = is_v4 ? ASH_VIRTIO_NET_F_GUEST_TSO4 : ASH_VIRTIO_NET_F_GUEST_TSO6;

    needs |= header->gso_type != type ? ASH_VIRTIO_NET_F_GUEST_ECN : 0U;
    if ((is_v4 || type == ASH_VIRTIO_NET_GSO_TCPV6) && (nic->net.device.features & needs) != needs &&
        ash_virtio_is_running(&nic->net.device)) {
        return receive_cut(nic, pair, frame, header);
    }
    if ((header->flags & ASH_VIRTIO_NET_NEEDS_CSUM) != 0U && type == ASH_VIRTIO_NET_GSO_NONE &&
        !ash_virtio_has(&nic->net.device, ASH_VIRTIO_NET_F_GUEST_CSUM)) {
        return receive_summed(nic, pair, frame, header);
    }
    return ash_virtio_net_receive(&nic->net, pair, header, &source);
}

/** Where the driver last sent of this conversation. A frame that cannot be read is for receive() to refuse. */
static uint32_t pair_for(const struct hv_virtio_nic_ *nic, const struct hv_vswitch_frame *frame)
{
    const uint32_t size = frame->size < HV_FLOW_HEAD ? frame->size : HV_FLOW_HEAD;
    uint8_t head[HV_FLOW_HEAD];

    if (frame->copy(frame->ctx, 0, head, size) != ASH_OK) {
        return 0;
    }
    return hv_flow_pair(nic->flows, hv_flow_of(head, size), nic->net.pairs_used);
}

int hv_virtio_net_deliver_(void *ctx, const struct hv_vswitch_frame *frame)
{
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)ctx;
    const uint64_t before = nic->net.elements;
    struct ash_virtio_net_header header = *(const struct ash_virtio_net_header *)frame->header;
    uint32_t pair, looked_at;
    int error;

    if (!hv_virtio_may_work(nic->device)) {
        return ASH_EBUSY;
    }
    if (!move_positions(&header, frame->cut)) {
        return ASH_EFORMAT;
    }
    pair = nic->net.pairs_used > 1U ? pair_for(nic, frame) : 0U;
    error = receive(nic, pair, frame, &header);
    looked_at = (uint32_t)(nic->net.elements - before);
    *frame->extra += looked_at > 1U ? (looked_at - 1U) * HV_VSWITCH_ELEMENT : 0U;
    if (error == ASH_OK) {
        ash_virtio_net_receive_done(&nic->net, pair);
    }
    return error;
}
