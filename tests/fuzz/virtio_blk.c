/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk under a hostile driver, with a back end that answers at once, later, twice, or never. */
#include "virtio_guest.h"

#include <libvirtio/blk.h>

#define SECTORS 16U
#define KEPT    16U

static struct {
    struct ash_virtio_blk blk;
    unsigned char bytes[SECTORS * 512U];
    struct ash_virtio_request kept[KEPT];
    uint64_t sectors[KEPT];
    unsigned kept_count;
    uint8_t mode; /* what happens to the next request */
} disk;

static enum ash_virtio_blk_status perform(const struct ash_virtio_request *request, uint64_t sectors)
{
    int error = ASH_OK;

    FUZZ_CHECK(request->argument <= SECTORS && sectors <= SECTORS - request->argument);
    if (request->type == ASH_VIRTIO_BLK_READ) {
        FUZZ_CHECK(request->writable_bytes == sectors * 512U && request->readable_bytes == 0U);
        error = ash_virtio_copy_out(&disk.blk.device, request, 0, disk.bytes + request->argument * 512U,
                                    (uint32_t)sectors * 512U);
    } else if (request->type == ASH_VIRTIO_BLK_WRITE) {
        FUZZ_CHECK(request->readable_bytes == sectors * 512U && request->writable_bytes == 0U);
        error = ash_virtio_copy_in(&disk.blk.device, request, 0, disk.bytes + request->argument * 512U,
                                   (uint32_t)sectors * 512U);
    } else {
        FUZZ_CHECK(request->type <= ASH_VIRTIO_BLK_WRITE_ZEROES);
    }
    return error == ASH_OK ? ASH_VIRTIO_BLK_OK : ASH_VIRTIO_BLK_IOERR;
}

/* A status that cannot be written now (vm.starve) leaves it so. */
static void complete(const struct ash_virtio_request *request, enum ash_virtio_blk_status status)
{
    const bool live = ash_virtio_is_live(&disk.blk.device, request->queue, request->token);
    int error = ash_virtio_blk_complete(&disk.blk, request->queue, request->token, status);

    if (error == ASH_ENOMEM) {
        error = ash_virtio_blk_complete(&disk.blk, request->queue, request->token, status);
    }
    FUZZ_CHECK(error == (live ? ASH_OK : ASH_ENOENT));
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    (void)ctx;
    FUZZ_CHECK(request->token != 0U && request->queue < 2U);
    FUZZ_CHECK(!unmap || request->type == ASH_VIRTIO_BLK_WRITE_ZEROES);
    if (disk.mode % 2U != 0U && disk.kept_count < KEPT) {
        disk.kept[disk.kept_count] = *request;
        disk.sectors[disk.kept_count++] = sectors;
        return;
    }
    complete(request, perform(request, sectors));
}

/* A request as a back end that is not to be trusted sends it back: nothing outside the guest's memory moves. */
static void forge(struct fuzz_input *in, unsigned how)
{
    struct ash_virtio_request forged = disk.kept[0];
    const uint32_t offset = fuzz_below(in, 600);
    unsigned char byte = 0;

    switch (how % 6U) {
    case 0:
        forged.segment_count = ASH_VIRTIO_SEGMENTS + 1U;
        break;
    case 1:
        forged.segments[0].ipa.value += RAM_SIZE;
        break;
    case 2:
        forged.segments[0].writable = !forged.segments[0].writable;
        break;
    case 3:
        forged.readable_bytes += 4096U;
        break;
    case 4:
        if (how / 6U % 2U == 0U) {
            ash_virtio_trim_writable(&forged, offset);
        } else {
            ash_virtio_trim_writable_end(&forged, offset);
        }
        break;
    default:
        ((uint8_t *)&forged)[fuzz_below(in, sizeof(forged))] ^= fuzz_u8(in);
        break;
    }
    if (how % 2U == 0U) {
        ASH_DISCARD(ash_virtio_copy_in(&disk.blk.device, &forged, offset, &byte, 1));
    } else {
        ASH_DISCARD(ash_virtio_copy_out(&disk.blk.device, &forged, offset, &byte, 1));
    }
}

static void act(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);

    if (op % 4U == 0U) {
        disk.mode = op / 4U;
    } else if (op % 4U == 1U && disk.kept_count > 0U) {
        const unsigned i = op / 4U % disk.kept_count;
        const struct ash_virtio_request request = disk.kept[i];
        const enum ash_virtio_blk_status status = perform(&request, disk.sectors[i]);

        complete(&request, status);
        FUZZ_CHECK(ash_virtio_blk_complete(&disk.blk, request.queue, request.token, status) == ASH_ENOENT);
        ash_virtio_signal(&disk.blk.device, request.queue);
        disk.kept[i] = disk.kept[--disk.kept_count];
        disk.sectors[i] = disk.sectors[disk.kept_count];
    } else if (op % 4U == 2U && disk.kept_count > 0U) {
        forge(in, op / 4U);
    } else if (op >= 250U) {
        ash_virtio_blk_cancel_all(&disk.blk, ASH_VIRTIO_BLK_IOERR);
    } else if (op >= 240U) {
        ash_virtio_blk_resize(&disk.blk, SECTORS);
    }
}

/* A header, and of a discard its range. */
static unsigned content(struct fuzz_input *in, unsigned queue, unsigned char *bytes)
{
    static const unsigned char types[] = {0, 1, 4, 8, 11, 13, 11, 13, 8, 5};
    const uint8_t how = fuzz_u8(in);

    (void)queue;
    bytes[0] = types[how % sizeof(types)];
    bytes[8] = fuzz_u8(in) % (SECTORS + 2U);
    if (bytes[0] != 11U && bytes[0] != 13U) {
        return bytes[0] == 1U && how >= 128U ? 16U + 512U * (how / 64U) : 16U;
    }
    bytes[16] = bytes[8];
    bytes[24] = fuzz_u8(in) % 12U;
    bytes[28] = how >= 128U ? how % 4U : 0U;
    return 32;
}

static void backend_reset(void *ctx, uint32_t queue)
{
    (void)ctx;
    FUZZ_CHECK(queue < 2U);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ash_virtio_blk_backend backend = {
        .size = sizeof(backend), .submit = submit, .reset = backend_reset};
    struct fuzz_input in = {data, size};
    const uint8_t how = fuzz_u8(&in);
    const struct ash_virtio_blk_config config = {.backend = &backend,
                                                 .sectors = SECTORS,
                                                 .block_size = 512,
                                                 .segments_max = 4,
                                                 .discard_max = how & 4U,
                                                 .zeroes_max = how & 8U,
                                                 .read_only = (how & 16U) != 0U,
                                                 .has_flush = (how & 32U) != 0U,
                                                 .queue_count = 1U + how % 2U,
                                                 .serial = "fuzz"};
    struct ash_virtio_site site;

    vm_begin(size);
    memset(&disk, 0, sizeof(disk));
    site = vm_site(config.queue_count);
    FUZZ_CHECK(ash_virtio_blk_init(&disk.blk, &config, &site) == ASH_OK);
    vm.content = content;
    vm_run(&in, &disk.blk.device, act);
    return 0;
}
