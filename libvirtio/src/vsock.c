/* SPDX-License-Identifier: BSD-2-Clause */
/* VIRTIO 1.2, 5.10. */
#include <libvirtio/state.h>
#include <libvirtio/vsock.h>

#include "internal.h"

#include <libbase/endian.h>

#define DEVICE_ID 19U

#define RECEIVE  0U
#define TRANSMIT 1U
#define EVENTS   2U

/* struct virtio_vsock_hdr (5.10.6). */
#define HEADER_BYTES 44U
#define SRC_CID      0U
#define DST_CID      8U
#define SRC_PORT     16U
#define DST_PORT     20U
#define LENGTH       24U
#define TYPE         28U
#define OP           30U
#define FLAGS        32U
#define BUF_ALLOC    36U
#define FWD_CNT      40U

/* struct virtio_vsock_event: le32 id; 0 is TRANSPORT_RESET. */
#define EVENT_BYTES 4U

/* ---- From the driver ---------------------------------------------------------------------------------- */

static bool read_header(struct ash_virtio_vsock *vsock, struct ash_virtio_request *request,
                        struct ash_virtio_vsock_header *header)
{
    unsigned char bytes[HEADER_BYTES];
    uint32_t length;

    if (ash_virtio_copy_in(&vsock->device, request, 0, bytes, HEADER_BYTES) != ASH_OK) {
        return false;
    }
    header->src_cid = ash_load_le64(bytes + SRC_CID);
    header->dst_cid = ash_load_le64(bytes + DST_CID);
    header->src_port = ash_load_le32(bytes + SRC_PORT);
    header->dst_port = ash_load_le32(bytes + DST_PORT);
    header->type = ash_load_le16(bytes + TYPE);
    header->op = ash_load_le16(bytes + OP);
    header->flags = ash_load_le32(bytes + FLAGS);
    header->buf_alloc = ash_load_le32(bytes + BUF_ALLOC);
    header->fwd_cnt = ash_load_le32(bytes + FWD_CNT);
    length = ash_load_le32(bytes + LENGTH);
    ash_virtio_trim_readable(request, HEADER_BYTES);
    return length == request->readable_bytes && length <= ASH_VIRTIO_VSOCK_PACKET_MAX;
}

static bool is_type_known(const struct ash_virtio_vsock *vsock, uint16_t type)
{
    return type == ASH_VIRTIO_VSOCK_STREAM || (type == ASH_VIRTIO_VSOCK_SEQPACKET &&
                                               ash_virtio_has(&vsock->device, ASH_VIRTIO_VSOCK_F_SEQPACKET));
}

static bool is_op_ok(const struct ash_virtio_vsock_header *header, uint64_t length)
{
    return header->op > ASH_VIRTIO_VSOCK_INVALID && header->op < ASH_VIRTIO_VSOCK_OP_COUNT &&
           (length == 0U || header->op == ASH_VIRTIO_VSOCK_RW);
}

/* What is of a type that there is not is answered by RST (5.10.6.4.2). False: there is no room for that now. */
static bool reset_unknown(struct ash_virtio_vsock *vsock, const struct ash_virtio_vsock_header *header)
{
    const struct ash_virtio_source nothing = {.size = 0};
    struct ash_virtio_vsock_header answer;
    uint32_t taken;
    int error = ASH_OK;

    if (ash_virtio_vsock_refuse(header, &answer)) {
        error = ash_virtio_vsock_receive(vsock, &answer, &nothing, 0, &taken);
        ash_virtio_signal(&vsock->device, RECEIVE);
    }
    return error != ASH_ENOSPC;
}

/* False: it is to be looked at again when there is room for the answer. */
static bool take(struct ash_virtio_vsock *vsock, struct ash_virtio_request *request)
{
    const struct ash_virtio_vsock_config *config = &vsock->config;
    struct ash_virtio_vsock_header header;
    const bool is_whole = read_header(vsock, request, &header) && header.src_cid == config->cid;
    const bool is_known = is_whole && is_type_known(vsock, header.type);

    if (is_known && is_op_ok(&header, request->readable_bytes)) {
        config->backend->transmit(config->backend_ctx, request, &header);
        return true;
    }
    if (is_whole && !is_known && !reset_unknown(vsock, &header)) {
        vsock->is_held = ash_virtio_put_back(&vsock->device, TRANSMIT, request->token);
        return !vsock->is_held;
    }
    vsock->malformed++;
    ASH_DISCARD(ash_virtio_push(&vsock->device, TRANSMIT, request->token, 0));
    return true;
}

static bool serve_transmit(struct ash_virtio_vsock *vsock, uint32_t budget)
{
    struct ash_virtio_request request;
    int error = ASH_OK;

    vsock->is_held = false;
    while (budget > 0U && !vsock->is_held &&
           (error = ash_virtio_pop(&vsock->device, TRANSMIT, &request)) == ASH_OK) {
        if (request.readable_count != request.segment_count) {
            ash_virtio_refuse(&vsock->device, TRANSMIT, request.writable_bytes);
        } else if (take(vsock, &request)) {
            budget--;
        }
    }
    ash_virtio_signal(&vsock->device, TRANSMIT);
    return budget == 0U || error == ASH_ENOMEM;
}

/* ---- To the driver ------------------------------------------------------------------------------------ */

static int write_packet(struct ash_virtio_vsock *vsock, const struct ash_virtio_request *request,
                        const struct ash_virtio_vsock_header *header, const struct ash_virtio_source *source,
                        uint32_t from, uint32_t size)
{
    const bool is_cut = size < source->size - from && header->type == ASH_VIRTIO_VSOCK_SEQPACKET;
    const uint32_t ends = is_cut ? ASH_VIRTIO_VSOCK_SEQ_EOM | ASH_VIRTIO_VSOCK_SEQ_EOR : 0U;
    unsigned char bytes[HEADER_BYTES];
    int error;

    store_le64_(bytes + SRC_CID, header->src_cid);
    store_le64_(bytes + DST_CID, header->dst_cid);
    store_le32_(bytes + SRC_PORT, header->src_port);
    store_le32_(bytes + DST_PORT, header->dst_port);
    store_le32_(bytes + LENGTH, size);
    store_le16_(bytes + TYPE, header->type);
    store_le16_(bytes + OP, header->op);
    store_le32_(bytes + FLAGS, header->flags & ~ends);
    store_le32_(bytes + BUF_ALLOC, header->buf_alloc);
    store_le32_(bytes + FWD_CNT, header->fwd_cnt);
    error = ash_virtio_copy_out(&vsock->device, request, 0, bytes, HEADER_BYTES);
    return error != ASH_OK ? error
                           : ash_virtio_copy_from_(&vsock->device, request, HEADER_BYTES, source, from, size);
}

static int deliver(struct ash_virtio_vsock *vsock, const struct ash_virtio_request *request,
                   const struct ash_virtio_vsock_header *header, const struct ash_virtio_source *source,
                   uint32_t from, uint32_t *taken)
{
    const uint32_t left = source->size - from;
    uint64_t room = request->writable_bytes;
    int error;

    /* The driver's buffers are for the device to write, and a header fits: else none of them can be relied on. */
    if (request->readable_count > 0U || room < HEADER_BYTES) {
        ash_virtio_refuse(&vsock->device, RECEIVE, request->readable_bytes + room);
        return ASH_EGUEST;
    }
    /* Room for a header and, where there is a payload, for some of it: else there is no end to it. */
    if (room < HEADER_BYTES + (left > 0U ? 1U : 0U)) {
        return ASH_ENOSPC;
    }
    room -= HEADER_BYTES;
    *taken = room < left ? (uint32_t)room : left;
    error = write_packet(vsock, request, header, source, from, *taken);
    return error != ASH_OK ? error
                           : ash_virtio_push(&vsock->device, RECEIVE, request->token, HEADER_BYTES + *taken);
}

int ash_virtio_vsock_receive(struct ash_virtio_vsock *vsock, const struct ash_virtio_vsock_header *header,
                             const struct ash_virtio_source *source, uint32_t from, uint32_t *taken)
{
    struct ash_virtio_request request;
    int error;

    if (header->dst_cid != vsock->config.cid || from > source->size) {
        return ASH_EINVAL;
    }
    error = ash_virtio_pop(&vsock->device, RECEIVE, &request);
    if (error != ASH_OK) {
        return error == ASH_ENOENT ? ASH_ENOSPC : error;
    }
    error = deliver(vsock, &request, header, source, from, taken);
    if (error != ASH_OK) {
        ASH_DISCARD(ash_virtq_unpop(&vsock->device.site.queues[RECEIVE].ring, &request.token, 1));
    }
    return error;
}

bool ash_virtio_vsock_refuse(const struct ash_virtio_vsock_header *packet,
                             struct ash_virtio_vsock_header *answer)
{
    if (packet->op == ASH_VIRTIO_VSOCK_RST) {
        return false;
    }
    *answer = (struct ash_virtio_vsock_header){.src_cid = packet->dst_cid,
                                               .dst_cid = packet->src_cid,
                                               .src_port = packet->dst_port,
                                               .dst_port = packet->src_port,
                                               .type = packet->type,
                                               .op = ASH_VIRTIO_VSOCK_RST};
    return true;
}

/* ---- Events ------------------------------------------------------------------------------------------- */

static void send_event(struct ash_virtio_vsock *vsock)
{
    static const unsigned char transport_reset[EVENT_BYTES] = {0};
    struct ash_virtio_request request;

    if (!vsock->event_pending || ash_virtio_pop(&vsock->device, EVENTS, &request) != ASH_OK) {
        return;
    }
    if (ash_virtio_copy_out(&vsock->device, &request, 0, transport_reset, EVENT_BYTES) != ASH_OK) {
        ash_virtio_refuse(&vsock->device, EVENTS, request.writable_bytes);
        return;
    }
    vsock->event_pending = false;
    ASH_DISCARD(ash_virtio_push(&vsock->device, EVENTS, request.token, EVENT_BYTES));
    ash_virtio_signal(&vsock->device, EVENTS);
}

void ash_virtio_vsock_transport_reset(struct ash_virtio_vsock *vsock, uint64_t cid)
{
    vsock->config.cid = cid;
    store_le64_(vsock->space, cid);
    vsock->event_pending = ash_virtio_is_running(&vsock->device);
    send_event(vsock);
}

/* ---- The device --------------------------------------------------------------------------------------- */

static bool serve(void *ctx, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_vsock *vsock = ctx;
    const struct ash_virtio_vsock_config *config = &vsock->config;

    if (queue == TRANSMIT) {
        return serve_transmit(vsock, budget);
    }
    if (queue == EVENTS) {
        send_event(vsock);
        return false;
    }
    if (vsock->is_held) {
        ash_virtio_kick(&vsock->device, TRANSMIT);
    }
    if (config->backend->receive_room != NULL) {
        config->backend->receive_room(config->backend_ctx);
    }
    return false;
}

static void queue_reset(void *ctx, uint32_t queue)
{
    const struct ash_virtio_vsock *vsock = ctx;

    if (vsock->config.backend->reset != NULL) {
        vsock->config.backend->reset(vsock->config.backend_ctx, queue);
    }
}

static void reset(void *ctx)
{
    struct ash_virtio_vsock *vsock = ctx;

    vsock->event_pending = false;
    vsock->is_held = false;
    for (uint32_t i = 0; i < ASH_VIRTIO_VSOCK_QUEUES; i++) {
        queue_reset(ctx, i);
    }
}

static uint32_t state_bytes(const void *ctx)
{
    (void)ctx;
    return sizeof(struct ash_virtio_vsock_state);
}

static void save(void *ctx, void *state)
{
    const struct ash_virtio_vsock *vsock = ctx;

    *(struct ash_virtio_vsock_state *)state =
        (struct ash_virtio_vsock_state){.event_pending = vsock->event_pending};
}

static bool load(void *ctx, const void *state)
{
    struct ash_virtio_vsock *vsock = ctx;
    const struct ash_virtio_vsock_state *from = state;

    if (from->event_pending > 1U || from->reserved != 0U) {
        return false;
    }
    vsock->event_pending = from->event_pending != 0U;
    return true;
}

int ash_virtio_vsock_init(struct ash_virtio_vsock *vsock, const struct ash_virtio_vsock_config *config,
                          const struct ash_virtio_site *site)
{
    static const struct ash_virtio_ops ops = {.size = sizeof(ops),
                                              .device_id = DEVICE_ID,
                                              .serve = serve,
                                              .queue_reset = queue_reset,
                                              .reset = reset,
                                              .state_bytes = state_bytes,
                                              .save = save,
                                              .load = load};

    if (vsock == NULL || config == NULL || config->backend == NULL ||
        config->backend->size != sizeof(*config->backend) || config->backend->transmit == NULL ||
        config->cid <= ASH_VIRTIO_VSOCK_CID_HOST || config->cid >= UINT32_MAX) {
        return ASH_EINVAL;
    }
    vsock->config = *config;
    vsock->event_pending = false;
    vsock->is_held = false;
    vsock->malformed = 0;
    store_le64_(vsock->space, config->cid);
    return ash_virtio_device_init(&vsock->device, site, &ops, vsock, ASH_VIRTIO_VSOCK_QUEUES,
                                  ASH_VIRTIO_VSOCK_F_STREAM |
                                      (config->has_seqpacket ? ASH_VIRTIO_VSOCK_F_SEQPACKET : 0U),
                                  vsock->space, sizeof(vsock->space));
}
