/* SPDX-License-Identifier: BSD-2-Clause */
/* VIRTIO 1.2, 5.1: frames. */
#include <libvirtio/net.h>

#include "internal.h"

#include <libbase/endian.h>
#include <libbase/mem.h>

#define DEVICE_ID    1U
#define HEADER_BYTES 12U /* num_buffers is always there with VERSION_1 (5.1.6) */
#define NUM_BUFFERS  10U
#define MERGE_MAX    64U
#define TAG_BYTES    4U
#define PEEK_BYTES   18U

/* Configuration space (5.1.4). */
#define CONFIG_MAC    0U
#define CONFIG_STATUS 6U
#define CONFIG_PAIRS  8U
#define CONFIG_MTU    10U
#define STATUS_LINK   1U

/* 5.1.3.1: what cannot be had without one of the others. */
static const struct {
    uint64_t feature;
    uint64_t needs;
} requirements[] = {
    {ASH_VIRTIO_NET_F_GUEST_TSO4, ASH_VIRTIO_NET_F_GUEST_CSUM},
    {ASH_VIRTIO_NET_F_GUEST_TSO6, ASH_VIRTIO_NET_F_GUEST_CSUM},
    {ASH_VIRTIO_NET_F_GUEST_UFO, ASH_VIRTIO_NET_F_GUEST_CSUM},
    {ASH_VIRTIO_NET_F_GUEST_ECN, ASH_VIRTIO_NET_F_GUEST_TSO4 | ASH_VIRTIO_NET_F_GUEST_TSO6},
    {ASH_VIRTIO_NET_F_HOST_TSO4, ASH_VIRTIO_NET_F_CSUM},
    {ASH_VIRTIO_NET_F_HOST_TSO6, ASH_VIRTIO_NET_F_CSUM},
    {ASH_VIRTIO_NET_F_HOST_UFO, ASH_VIRTIO_NET_F_CSUM},
    {ASH_VIRTIO_NET_F_HOST_ECN, ASH_VIRTIO_NET_F_HOST_TSO4 | ASH_VIRTIO_NET_F_HOST_TSO6},
    {ASH_VIRTIO_NET_F_CTRL_RX, ASH_VIRTIO_NET_F_CTRL_VQ},
    {ASH_VIRTIO_NET_F_CTRL_VLAN, ASH_VIRTIO_NET_F_CTRL_VQ},
    {ASH_VIRTIO_NET_F_CTRL_RX_EXTRA, ASH_VIRTIO_NET_F_CTRL_VQ},
    {ASH_VIRTIO_NET_F_CTRL_MAC_ADDR, ASH_VIRTIO_NET_F_CTRL_VQ},
    {ASH_VIRTIO_NET_F_MQ, ASH_VIRTIO_NET_F_CTRL_VQ},
};

static bool accept(void *ctx, uint64_t features)
{
    (void)ctx;
    for (uint32_t i = 0; i < ASH_ARRAY_SIZE(requirements); i++) {
        if ((features & requirements[i].feature) != 0U && (features & requirements[i].needs) == 0U) {
            return false;
        }
    }
    return true;
}

/* The features that a header asks for: of the sender's, or of the receiver's. All ones: it makes no sense. */
static uint64_t needs_of(const struct ash_virtio_net_header *header, bool receiver)
{
    const bool sums = (header->flags & ASH_VIRTIO_NET_NEEDS_CSUM) != 0U;
    uint64_t needs = !sums ? 0U : receiver ? ASH_VIRTIO_NET_F_GUEST_CSUM : ASH_VIRTIO_NET_F_CSUM;
    const uint32_t type = header->gso_type & ~ASH_VIRTIO_NET_GSO_ECN;

    if ((header->gso_type & ASH_VIRTIO_NET_GSO_ECN) != 0U) {
        needs |= receiver ? ASH_VIRTIO_NET_F_GUEST_ECN : ASH_VIRTIO_NET_F_HOST_ECN;
    }
    if (type == ASH_VIRTIO_NET_GSO_NONE) {
        return header->gso_type == type ? needs : UINT64_MAX;
    }
    if (!sums || header->gso_size == 0U) {
        return UINT64_MAX; /* 5.1.6.2.1: the checksum of each segment is missing, too */
    }
    if (type == ASH_VIRTIO_NET_GSO_TCPV4) {
        return needs | (receiver ? ASH_VIRTIO_NET_F_GUEST_TSO4 : ASH_VIRTIO_NET_F_HOST_TSO4);
    }
    if (type == ASH_VIRTIO_NET_GSO_TCPV6) {
        return needs | (receiver ? ASH_VIRTIO_NET_F_GUEST_TSO6 : ASH_VIRTIO_NET_F_HOST_TSO6);
    }
    if (header->gso_type == ASH_VIRTIO_NET_GSO_UDP) {
        return needs | (receiver ? ASH_VIRTIO_NET_F_GUEST_UFO : ASH_VIRTIO_NET_F_HOST_UFO);
    }
    return UINT64_MAX;
}

/* Do size and positions make sense, and is it something that was negotiated? */
static bool is_frame_ok(const struct ash_virtio_net *net, const struct ash_virtio_net_header *header,
                        uint64_t size, bool receiver)
{
    const uint64_t needs = needs_of(header, receiver);
    const bool whole = header->gso_type == ASH_VIRTIO_NET_GSO_NONE;
    const uint64_t most =
        whole ? net->config.mtu + ASH_VIRTIO_NET_FRAME_MIN + TAG_BYTES : ASH_VIRTIO_NET_FRAME_MAX;
    const uint32_t sum_end = (uint32_t)header->csum_start + header->csum_offset + 2U;

    return size >= ASH_VIRTIO_NET_FRAME_MIN && size <= most && (needs & ~net->device.features) == 0U &&
           ((header->flags & ASH_VIRTIO_NET_NEEDS_CSUM) == 0U || sum_end <= size);
}

/* ---- From the driver ---------------------------------------------------------------------------------- */

int ash_virtio_net_complete(struct ash_virtio_net *net, uint32_t queue, uint64_t token)
{
    return ash_virtio_push(&net->device, queue, token, 0);
}

static bool read_header(struct ash_virtio_net *net, struct ash_virtio_request *frame,
                        struct ash_virtio_net_header *header)
{
    ASH_ALIGNED(8) unsigned char bytes[HEADER_BYTES];
    const void *direct = virtio_popped_bytes_(&net->device, frame, false, 0, HEADER_BYTES);

    if (direct != NULL) {
        (void)memcpy(bytes, direct, HEADER_BYTES);
    } else if (ash_virtio_copy_in(&net->device, frame, 0, bytes, HEADER_BYTES) != ASH_OK) {
        return false;
    }
    header->flags = bytes[0] & ASH_VIRTIO_NET_NEEDS_CSUM; /* 5.1.6.2.2: others are ignored */
    header->gso_type = bytes[1];
    header->header_length = ash_load_le16(bytes + 2);
    header->gso_size = ash_load_le16(bytes + 4);
    header->csum_start = ash_load_le16(bytes + 6);
    header->csum_offset = ash_load_le16(bytes + 8);
    ash_virtio_trim_readable(frame, HEADER_BYTES);
    return true;
}

static bool is_held(const struct ash_virtio_net *net, uint32_t queue)
{
    return (net->held & ASH_BIT(queue)) != 0U;
}

void ash_virtio_net_pause(struct ash_virtio_net *net)
{
    net->paused = true;
}

void ash_virtio_net_hold(struct ash_virtio_net *net, uint32_t queue)
{
    net->held |= queue < ASH_VIRTIO_QUEUES_MAX ? ASH_BIT(queue) : 0U;
}

void ash_virtio_net_resume(struct ash_virtio_net *net, uint32_t queue)
{
    if (queue < ASH_VIRTIO_QUEUES_MAX && is_held(net, queue)) {
        net->held &= ~ASH_BIT(queue);
        ash_virtio_kick(&net->device, queue);
    }
}

static bool serve_transmit(struct ash_virtio_net *net, uint32_t queue, uint32_t budget)
{
    const struct ash_virtio_net_config *config = &net->config;
    struct ash_virtio_request frame;
    int error = ASH_OK;

    net->paused = false;
    while (budget > 0U && !net->paused && !is_held(net, queue) &&
           (error = ash_virtio_pop(&net->device, queue, &frame)) == ASH_OK) {
        struct ash_virtio_net_header header;

        if (read_header(net, &frame, &header) && is_frame_ok(net, &header, frame.readable_bytes, false)) {
            config->backend->transmit(config->backend_ctx, &frame, &header);
        } else {
            net->malformed++;
            ASH_DISCARD(ash_virtio_net_complete(net, queue, frame.token));
        }
        budget--;
    }
    ash_virtio_signal(&net->device, queue);
    return !is_held(net, queue) && (budget == 0U || net->paused || error == ASH_ENOMEM);
}

/* ---- To the driver ------------------------------------------------------------------------------------ */

/* A frame of as many bytes, or of fewer, has found no room, and nothing has changed since: a driver that gives no
 * buffers, or hopeless ones, costs those who send to it one look. */
static bool is_known_short(const struct ash_virtio_net *net, uint32_t queue, uint64_t bytes)
{
    const struct ash_virtio_net_shortage *shortage = &net->shortage[queue / 2U];

    return shortage->bytes != 0U && bytes >= shortage->bytes &&
           (shortage->is_final || !ash_virtq_has_at_(&net->device.site.queues[queue].ring, shortage->end));
}

static int note_shortage(struct ash_virtio_net *net, uint32_t queue, uint64_t bytes, bool is_final)
{
    net->shortage[queue / 2U] =
        (struct ash_virtio_net_shortage){.bytes = (uint32_t)bytes,
                                         .end = net->device.site.queues[queue].ring.next_avail,
                                         .is_final = is_final};
    return ASH_ENOSPC;
}

/* One more buffer. A header fits into each (5.1.6.3.1), and the first has it whole (5.1.6.3.2). */
static int take_buffer(struct ash_virtio_net *net, uint32_t queue, struct ash_virtio_request *buffer)
{
    const int error = ash_virtio_pop(&net->device, queue, buffer);

    if (error != ASH_OK || buffer->writable_bytes >= HEADER_BYTES) {
        return error;
    }
    ash_virtio_refuse(&net->device, queue, buffer->writable_bytes);
    return ASH_EGUEST;
}

/* Take buffers until @bytes fit; how many in *@count. Their chains are as long as their driver pleases, and the time
 * is that of whoever sends. */
static int take_buffers(struct ash_virtio_net *net, uint32_t queue, uint64_t bytes, uint32_t *count)
{
    const struct ash_virtq *ring = &net->device.site.queues[queue].ring;
    const uint64_t enough = ring->elements + ASH_VIRTIO_NET_ELEMENTS_MAX;
    const uint32_t most =
        ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_MRG_RXBUF) ? net->config.merge_count : 1U;
    uint64_t room = 0;
    int error = ASH_OK;

    *count = 0;
    if (is_known_short(net, queue, bytes)) {
        return ASH_ENOSPC;
    }
    for (; room < bytes; (*count)++) {
        if (*count == most || ring->elements >= enough) {
            return note_shortage(net, queue, bytes, true);
        }
        error = take_buffer(net, queue, &net->config.merge[*count]);
        if (error != ASH_OK) {
            return error == ASH_ENOENT ? note_shortage(net, queue, bytes, false) : error;
        }
        room += net->config.merge[*count].writable_bytes;
    }
    return ASH_OK;
}

static void put_back(struct ash_virtio_net *net, uint32_t queue, uint32_t count)
{
    uint64_t tokens[MERGE_MAX];

    for (uint32_t i = 0; i < count; i++) {
        tokens[i] = net->config.merge[i].token;
    }
    ASH_DISCARD(ash_virtq_unpop(&net->device.site.queues[queue].ring, tokens, count));
}

static int write_header(struct ash_virtio_net *net, const struct ash_virtio_net_header *header,
                        uint32_t count)
{
    ASH_ALIGNED(8) unsigned char bytes[HEADER_BYTES];
    void *direct = virtio_popped_bytes_(&net->device, &net->config.merge[0], true, 0, HEADER_BYTES);

    bytes[0] = ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_GUEST_CSUM)
                   ? header->flags & (ASH_VIRTIO_NET_NEEDS_CSUM | ASH_VIRTIO_NET_DATA_VALID)
                   : 0U;
    bytes[1] = header->gso_type;
    store_le16_(bytes + 2, header->header_length);
    store_le16_(bytes + 4, header->gso_size);
    store_le16_(bytes + 6, header->csum_start);
    store_le16_(bytes + 8, header->csum_offset);
    store_le16_(bytes + NUM_BUFFERS, (uint16_t)count);
    if (direct != NULL) {
        (void)memcpy(direct, bytes, HEADER_BYTES);
        return ASH_OK;
    }
    return ash_virtio_copy_out(&net->device, &net->config.merge[0], 0, bytes, HEADER_BYTES);
}

/* The frame's bytes, buffer by buffer, from behind the header on. */
static int write_frame(struct ash_virtio_net *net, const struct ash_virtio_source *source, uint32_t count)
{
    uint32_t done = 0;
    int error = ASH_OK;

    for (uint32_t i = 0; i < count && error == ASH_OK; i++) {
        const struct ash_virtio_request *buffer = &net->config.merge[i];
        const uint32_t skip = i == 0U ? HEADER_BYTES : 0U;
        const uint64_t room = buffer->writable_bytes - skip;
        const uint32_t size = room < source->size - done ? (uint32_t)room : source->size - done;

        void *direct = size > 0U ? virtio_popped_bytes_(&net->device, buffer, true, skip, size) : NULL;

        error = direct != NULL ? source->copy(source->ctx, done, direct, size)
                               : ash_virtio_copy_from_(&net->device, buffer, skip, source, done, size);
        done += size;
    }
    return error;
}

static void give_buffers(struct ash_virtio_net *net, uint32_t queue, uint32_t size, uint32_t count)
{
    uint64_t left = (uint64_t)size + HEADER_BYTES;

    net->shortage[queue / 2U].bytes = 0; /* others are the first now */
    for (uint32_t i = 0; i < count; i++) {
        const struct ash_virtio_request *buffer = &net->config.merge[i];
        const uint64_t written = left < buffer->writable_bytes ? left : buffer->writable_bytes;

        ASH_DISCARD(ash_virtio_push(&net->device, queue, buffer->token, (uint32_t)written));
        left -= written;
    }
}

static int deliver(struct ash_virtio_net *net, uint32_t queue, const struct ash_virtio_net_header *header,
                   const struct ash_virtio_source *source)
{
    const struct ash_virtq *ring = &net->device.site.queues[queue].ring;
    const uint64_t before = ring->elements;
    uint32_t count = 0;
    int error = take_buffers(net, queue, (uint64_t)source->size + HEADER_BYTES, &count);

    net->elements += ring->elements - before;
    error = error != ASH_OK ? error : write_header(net, header, count);
    error = error != ASH_OK ? error : write_frame(net, source, count);
    if (error != ASH_OK) {
        put_back(net, queue, count);
        return error;
    }
    give_buffers(net, queue, source->size, count);
    return ASH_OK;
}

static bool is_link_up(const struct ash_virtio_net *net)
{
    return (net->space[CONFIG_STATUS] & STATUS_LINK) != 0U;
}

static uint32_t receive_queue(const struct ash_virtio_net *net, uint32_t pair)
{
    return 2U * (pair % net->pairs_used);
}

int ash_virtio_net_receive(struct ash_virtio_net *net, uint32_t pair,
                           const struct ash_virtio_net_header *header, const struct ash_virtio_source *source)
{
    unsigned char peek[PEEK_BYTES];
    const uint32_t peeked = source->size < PEEK_BYTES ? source->size : PEEK_BYTES;
    int error;

    if (!virtio_is_running_(&net->device) || !is_link_up(net)) {
        return ASH_EBUSY;
    }
    if (source->size < ASH_VIRTIO_NET_FRAME_MIN || source->size > ASH_VIRTIO_NET_FRAME_MAX) {
        return ASH_ERANGE;
    }
    if (!is_frame_ok(net, header, source->size, true)) {
        return ASH_ENOTSUP;
    }
    error = source->copy(source->ctx, 0, peek, peeked);
    if (error != ASH_OK) {
        return error;
    }
    if (!ash_virtio_net_wants(net, peek, peeked)) {
        net->filtered++;
        return ASH_OK;
    }
    return deliver(net, receive_queue(net, pair), header, source);
}

void ash_virtio_net_receive_done(struct ash_virtio_net *net, uint32_t pair)
{
    ash_virtio_signal(&net->device, receive_queue(net, pair));
}

/* ---- The device --------------------------------------------------------------------------------------- */

/* 5.1.2: behind the pairs that the driver knows of. */
static uint32_t control_queue(const struct ash_virtio_net *net)
{
    return ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_MQ) ? 2U * net->config.pair_count : 2U;
}

static bool serve(void *ctx, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_net *net = ctx;
    const struct ash_virtio_net_config *config = &net->config;

    if (queue == control_queue(net) && ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_CTRL_VQ)) {
        return ash_virtio_net_serve_control_(net, queue, budget);
    }
    if (queue % 2U != 0U) {
        return serve_transmit(net, queue, budget);
    }
    if (queue < 2U * net->pairs_used && config->backend->receive_room != NULL &&
        !is_known_short(net, queue, UINT64_MAX)) {
        config->backend->receive_room(config->backend_ctx, queue / 2U);
    }
    return false;
}

static void queue_reset(void *ctx, uint32_t queue)
{
    struct ash_virtio_net *net = ctx;

    net->held &= ~ASH_BIT(queue);
    net->shortage[queue / 2U].bytes = 0;
    if (net->config.backend->reset != NULL) {
        net->config.backend->reset(net->config.backend_ctx, queue);
    }
}

static void reset(void *ctx)
{
    struct ash_virtio_net *net = ctx;

    ash_virtio_net_reset_filter_(net);
    for (uint32_t i = 0; i < ASH_VIRTIO_NET_QUEUES(net->config.pair_count); i++) {
        queue_reset(ctx, i);
    }
}

void ash_virtio_net_set_link(struct ash_virtio_net *net, bool is_up)
{
    if (is_link_up(net) != is_up) {
        store_le16_(net->space + CONFIG_STATUS, is_up ? STATUS_LINK : 0U);
        ash_virtio_config_changed(&net->device);
    }
}

static bool config_is_ok(const struct ash_virtio_net_config *config)
{
    return config->backend != NULL && config->backend->size == sizeof(*config->backend) &&
           config->backend->transmit != NULL && config->merge != NULL && config->merge_count > 0U &&
           config->merge_count <= MERGE_MAX && config->pair_count > 0U &&
           config->pair_count <= ASH_VIRTIO_NET_PAIRS_MAX &&
           (config->offloads & ~ASH_VIRTIO_NET_OFFLOADS) == 0U && config->mtu >= ASH_VIRTIO_NET_MTU_MIN &&
           (config->mac[0] & 1U) == 0U;
}

int ash_virtio_net_init(struct ash_virtio_net *net, const struct ash_virtio_net_config *config,
                        const struct ash_virtio_site *site)
{
    static const struct ash_virtio_ops ops = {.size = sizeof(ops),
                                              .device_id = DEVICE_ID,
                                              .serve = serve,
                                              .accept = accept,
                                              .queue_reset = queue_reset,
                                              .reset = reset,
                                              .state_bytes = ash_virtio_net_state_bytes_,
                                              .save = ash_virtio_net_save_,
                                              .load = ash_virtio_net_load_};
    const uint64_t always = ASH_VIRTIO_NET_F_MTU | ASH_VIRTIO_NET_F_MAC | ASH_VIRTIO_NET_F_STATUS |
                            ASH_VIRTIO_NET_F_CTRL_VQ | ASH_VIRTIO_NET_F_CTRL_RX | ASH_VIRTIO_NET_F_CTRL_VLAN |
                            ASH_VIRTIO_NET_F_CTRL_RX_EXTRA | ASH_VIRTIO_NET_F_CTRL_MAC_ADDR;

    if (net == NULL || config == NULL || !config_is_ok(config)) {
        return ASH_EINVAL;
    }
    net->config = *config;
    net->paused = false;
    net->held = 0;
    net->malformed = 0;
    net->filtered = 0;
    net->elements = 0;
    (void)memset(net->shortage, 0, sizeof(net->shortage));
    (void)memset(net->space, 0, sizeof(net->space));
    store_le16_(net->space + CONFIG_STATUS, config->link_up ? STATUS_LINK : 0U);
    store_le16_(net->space + CONFIG_PAIRS, (uint16_t)config->pair_count);
    store_le16_(net->space + CONFIG_MTU, config->mtu);
    ash_virtio_net_reset_filter_(net);
    return ash_virtio_device_init(&net->device, site, &ops, net, ASH_VIRTIO_NET_QUEUES(config->pair_count),
                                  always | config->offloads |
                                      (config->pair_count > 1U ? ASH_VIRTIO_NET_F_MQ : 0U) |
                                      (config->merge_count > 1U ? ASH_VIRTIO_NET_F_MRG_RXBUF : 0U),
                                  net->space, sizeof(net->space));
}
