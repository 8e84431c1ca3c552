/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket device under a hostile driver. What it sends is refused, kept, or comes back to it. */
#include "virtio_guest.h"

#include <libvirtio/vsock.h>

#define CID          3U
#define HEADER_BYTES 44U
#define KEPT         8U

static struct {
    struct ash_virtio_vsock vsock;
    struct ash_virtio_request kept[KEPT];
    struct ash_virtio_vsock_header headers[KEPT];
    unsigned kept_count;
    unsigned resets;
    uint8_t mode;
} dev;

static int copy_kept(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    return ash_virtio_copy_in(&dev.vsock.device, ctx, offset, to, size);
}

static int copy_bytes(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    (void)offset;
    memset(to, *(uint8_t *)ctx, size);
    return *(uint8_t *)ctx == 252U ? ASH_ENOMEM : ASH_OK;
}

/* All of a packet, in as many pieces as the driver's buffers make of it. */
static void receive(const struct ash_virtio_vsock_header *header, const struct ash_virtio_source *source,
                    uint32_t from)
{
    const struct ash_virtq *ring = &dev.vsock.device.site.queues[0].ring;
    int error = ASH_OK;

    while (error == ASH_OK) {
        const uint32_t in_flight = ash_virtq_in_flight(ring);
        uint32_t taken = UINT32_MAX;

        error = ash_virtio_vsock_receive(&dev.vsock, header, source, from, &taken);
        FUZZ_CHECK(error == ASH_EGUEST || ash_virtq_in_flight(ring) == in_flight);
        if (error == ASH_OK) {
            FUZZ_CHECK(taken <= source->size - from && (taken > 0U || from == source->size));
            from += taken;
            error = from < source->size ? ASH_OK : ASH_ENOENT;
        }
    }
    FUZZ_CHECK(error == ASH_ENOENT || error == ASH_EBUSY || error == ASH_ENOSPC || error == ASH_EINVAL ||
               error == ASH_ENOMEM || error == ASH_EGUEST);
    ash_virtio_signal(&dev.vsock.device, 0);
}

static void transmit(void *ctx, const struct ash_virtio_request *payload,
                     const struct ash_virtio_vsock_header *header)
{
    struct ash_virtio_vsock_header answer;
    uint8_t none = 0;
    const struct ash_virtio_source source = {0, copy_bytes, &none};

    (void)ctx;
    FUZZ_CHECK(header->src_cid == dev.vsock.config.cid && header->op > 0U &&
               header->op < ASH_VIRTIO_VSOCK_OP_COUNT);
    FUZZ_CHECK(payload->readable_bytes <= ASH_VIRTIO_VSOCK_PACKET_MAX);
    FUZZ_CHECK(payload->readable_bytes == 0U || header->op == ASH_VIRTIO_VSOCK_RW);
    if (dev.mode % 2U != 0U && dev.kept_count < KEPT) {
        dev.kept[dev.kept_count] = *payload;
        dev.headers[dev.kept_count++] = *header;
        return;
    }
    if (ash_virtio_vsock_refuse(header, &answer)) {
        receive(&answer, &source, 0);
    }
    FUZZ_CHECK(ash_virtio_push(&dev.vsock.device, payload->queue, payload->token, 0) == ASH_OK);
}

static void receive_room(void *ctx)
{
    (void)ctx;
}

static void backend_reset(void *ctx, uint32_t queue)
{
    (void)ctx;
    FUZZ_CHECK(queue < ASH_VIRTIO_VSOCK_QUEUES);
    dev.resets++;
}

/* A kept packet goes back to the guest that sent it, and its buffer is given back. */
static void bounce(void)
{
    struct ash_virtio_request *payload = &dev.kept[--dev.kept_count];
    struct ash_virtio_vsock_header header = dev.headers[dev.kept_count];
    const struct ash_virtio_source source = {(uint32_t)payload->readable_bytes, copy_kept, payload};
    const bool live = ash_virtio_is_live(&dev.vsock.device, payload->queue, payload->token);

    header.dst_cid = dev.vsock.config.cid;
    if (live || source.size > 0U) {
        receive(&header, &source, 0);
    }
    FUZZ_CHECK(!live || ash_virtio_push(&dev.vsock.device, payload->queue, payload->token, 0) != ASH_ENOENT);
    ash_virtio_signal(&dev.vsock.device, payload->queue);
}

static void act(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);

    if (op % 4U == 0U) {
        uint8_t byte = op;
        const struct ash_virtio_source source = {fuzz_below(in, 5000), copy_bytes, &byte};
        const struct ash_virtio_vsock_header header = {.src_cid = 2,
                                                       .dst_cid = op >= 16U ? CID : op,
                                                       .type = 1U + op / 4U % 2U,
                                                       .op = ASH_VIRTIO_VSOCK_RW,
                                                       .flags = op / 8U};

        receive(&header, &source, op >= 240U ? fuzz_u16(in) : 0U);
    } else if (op % 4U == 1U && dev.kept_count > 0U) {
        bounce();
    } else if (op % 4U == 2U) {
        dev.mode = op / 4U;
    } else if (op >= 200U) {
        ash_virtio_vsock_transport_reset(&dev.vsock, op >= 240U ? 4 : CID);
    }
}

/* A header as a socket layer writes it, the payload behind it. */
static unsigned content(struct fuzz_input *in, unsigned queue, unsigned char *bytes)
{
    const uint8_t how = fuzz_u8(in);

    (void)queue;
    bytes[0] = how % 16U == 15U ? how : CID;
    bytes[8] = 2U + how / 16U % 4U;
    bytes[16] = fuzz_u8(in);
    bytes[20] = fuzz_u8(in);
    bytes[28] = how >= 224U ? how % 4U : 1U + how % 2U;
    bytes[30] = fuzz_u8(in) % (ASH_VIRTIO_VSOCK_OP_COUNT + 1U);
    bytes[24] = bytes[30] == ASH_VIRTIO_VSOCK_RW || how >= 248U ? fuzz_u8(in) : 0U;
    bytes[32] = how % 4U;
    return HEADER_BYTES + bytes[24] + (how == 64U ? 1U : 0U);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ash_virtio_vsock_backend backend = {
        .size = sizeof(backend), .transmit = transmit, .receive_room = receive_room, .reset = backend_reset};
    struct fuzz_input in = {data, size};
    const uint8_t how = fuzz_u8(&in);
    const struct ash_virtio_vsock_config config = {
        .backend = &backend, .cid = CID, .has_seqpacket = how % 2U != 0U};
    struct ash_virtio_site site;

    vm_begin(size);
    memset(&dev, 0, sizeof(dev));
    site = vm_site(ASH_VIRTIO_VSOCK_QUEUES);
    FUZZ_CHECK(ash_virtio_vsock_init(&dev.vsock, &config, &site) == ASH_OK);
    vm.content = content;
    vm_run(&in, &dev.vsock.device, act);
    FUZZ_CHECK(dev.resets >= ASH_VIRTIO_VSOCK_QUEUES);
    return 0;
}
