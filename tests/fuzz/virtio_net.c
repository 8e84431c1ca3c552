/* SPDX-License-Identifier: BSD-2-Clause */
/* A network device under a hostile driver. What it sends is kept, and delivered to itself. */
#include "virtio_guest.h"

#include <libvirtio/net.h>

#define KEPT  8U
#define MERGE 4U

static struct {
    struct ash_virtio_net net;
    struct ash_virtio_request merge[MERGE];
    struct ash_virtio_request kept[KEPT];
    struct ash_virtio_net_header headers[KEPT];
    unsigned kept_count;
    uint8_t mode;
} dev;

static void transmit(void *ctx, const struct ash_virtio_request *frame,
                     const struct ash_virtio_net_header *header)
{
    (void)ctx;
    FUZZ_CHECK(frame->readable_bytes >= ASH_VIRTIO_NET_FRAME_MIN &&
               frame->readable_bytes <= ASH_VIRTIO_NET_FRAME_MAX);
    FUZZ_CHECK((header->flags & 1U) == 0U ||
               (uint32_t)header->csum_start + header->csum_offset + 2U <= frame->readable_bytes);
    FUZZ_CHECK(header->gso_type == 0U || header->gso_size > 0U);
    if (dev.mode % 2U == 0U && dev.kept_count < KEPT) {
        dev.kept[dev.kept_count] = *frame;
        dev.headers[dev.kept_count++] = *header;
        return;
    }
    FUZZ_CHECK(ash_virtio_net_complete(&dev.net, frame->queue, frame->token) == ASH_OK);
}

static int copy_kept(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    return ash_virtio_copy_in(&dev.net.device, ctx, offset, to, size);
}

static int copy_bytes(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    (void)offset;
    memset(to, *(uint8_t *)ctx, size);
    return *(uint8_t *)ctx == 252U ? ASH_ENOMEM : ASH_OK;
}

static void receive(const struct ash_virtio_net_header *header, const struct ash_virtio_source *source,
                    uint8_t pair)
{
    const struct ash_virtq *ring = &dev.net.device.site.queues[0].ring;
    const uint32_t in_flight = ash_virtq_in_flight(ring);
    const uint64_t elements = dev.net.elements;
    const int error = ash_virtio_net_receive(&dev.net, pair, header, source);

    FUZZ_CHECK(error == ASH_OK || error == ASH_EBUSY || error == ASH_ENOSPC || error == ASH_ENOTSUP ||
               error == ASH_ENOENT || error == ASH_ENOMEM || error == ASH_ERANGE || error == ASH_EGUEST);
    /* The sender's time. */
    FUZZ_CHECK(dev.net.elements - elements < ASH_VIRTIO_NET_ELEMENTS_MAX + ASH_VIRTIO_SEGMENTS);
    /* What was taken was given back, one way or the other. */
    FUZZ_CHECK(error == ASH_EGUEST || ash_virtq_in_flight(ring) == in_flight);
    ash_virtio_net_receive_done(&dev.net, pair);
}

static void room(void *ctx, uint32_t pair)
{
    (void)ctx;
    FUZZ_CHECK(pair < 2U);
}

static void backend_reset(void *ctx, uint32_t queue)
{
    (void)ctx;
    FUZZ_CHECK(queue < QUEUES);
}

/* A MAC address that means something to the filter. */
static void mac(struct fuzz_input *in, unsigned char *bytes)
{
    const uint8_t kind = fuzz_u8(in);

    memset(bytes, kind % 4U == 0U ? 0xFF : 0, 6);
    bytes[0] = kind % 4U == 1U ? 0x33 : kind % 4U == 0U ? 0xFF : 2;
    bytes[5] = kind % 4U == 0U ? 0xFF : kind / 64U;
}

/* A command of the control queue: class, command, data. */
static unsigned command(struct fuzz_input *in, unsigned char *bytes)
{
    const uint8_t how = fuzz_u8(in);

    bytes[0] = how % 5U;
    bytes[1] = (unsigned char)(how / 2U % 8U | (how >= 192U ? 0x80U : 0U));
    if (bytes[0] == 0U) {
        bytes[2] = how / 64U % 2U;
        return 3;
    }
    if (bytes[0] == 1U && bytes[1] == 1U) {
        mac(in, &bytes[2]);
        return 8;
    }
    if (bytes[0] != 1U) {
        bytes[2] = fuzz_u8(in) % 8U;
        bytes[3] = how >= 192U ? how % 32U : 0U;
        return 4;
    }
    bytes[2] = how < 64U ? 1U : how % 32U; /* addresses of the first table, then of the second */
    mac(in, &bytes[6]);
    bytes[12] = how < 128U ? 1U : 17U;
    mac(in, &bytes[16]);
    return how < 128U ? 22U : CONTENT_BYTES;
}

static unsigned frame(struct fuzz_input *in, unsigned char *bytes)
{
    const uint8_t how = fuzz_u8(in);

    bytes[0] = how % 2U;
    bytes[1] = how / 2U % 8U | (how >= 192U ? 0x80U : 0U);
    bytes[4] = fuzz_u8(in);
    bytes[6] = how / 16U;
    mac(in, &bytes[12]);
    mac(in, &bytes[18]);
    bytes[24] = 0x81;
    bytes[27] = fuzz_u8(in) % 8U;
    return 12U + 14U + fuzz_u8(in);
}

static unsigned content(struct fuzz_input *in, unsigned queue, unsigned char *bytes)
{
    return queue % 2U == 0U ? command(in, bytes) : frame(in, bytes);
}

static void act(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);

    if (op % 4U == 0U) {
        uint8_t byte = op;
        const struct ash_virtio_net_header header = {
            .flags = fuzz_u8(in), .gso_type = fuzz_u8(in), .gso_size = op};
        const struct ash_virtio_source source = {13U + fuzz_below(in, 3000), copy_bytes, &byte};

        receive(&header, &source, op / 4U);
    } else if (op % 4U == 1U && dev.kept_count > 0U) {
        struct ash_virtio_request *frame = &dev.kept[--dev.kept_count];
        const struct ash_virtio_source source = {(uint32_t)frame->readable_bytes, copy_kept, frame};
        const bool live = ash_virtio_is_live(&dev.net.device, frame->queue, frame->token);

        receive(&dev.headers[dev.kept_count], &source, op / 4U);
        FUZZ_CHECK(!live || ash_virtio_net_complete(&dev.net, frame->queue, frame->token) != ASH_ENOENT);
        ash_virtio_signal(&dev.net.device, frame->queue);
    } else if (op % 4U == 2U) {
        dev.mode = op / 4U;
    } else {
        ash_virtio_net_set_link(&dev.net, op >= 32U);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ash_virtio_net_backend backend = {
        .size = sizeof(backend), .transmit = transmit, .receive_room = room, .reset = backend_reset};
    struct fuzz_input in = {data, size};
    const uint8_t how = fuzz_u8(&in);
    const struct ash_virtio_net_config config = {.backend = &backend,
                                                 .merge = dev.merge,
                                                 .merge_count = how & 4U ? MERGE : 1U,
                                                 .pair_count = 1U + how % 2U,
                                                 .offloads = ASH_VIRTIO_NET_OFFLOADS,
                                                 .mtu = 1500,
                                                 .mac = {2, 0, 0, 0, 0, 1},
                                                 .link_up = true};
    struct ash_virtio_site site;

    vm_begin(size);
    memset(&dev, 0, sizeof(dev));
    site = vm_site(ASH_VIRTIO_NET_QUEUES(config.pair_count));
    FUZZ_CHECK(ash_virtio_net_init(&dev.net, &config, &site) == ASH_OK);
    vm.content = content;
    vm_run(&in, &dev.net.device, act);
    return 0;
}
