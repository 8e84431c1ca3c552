/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device (VIRTIO 1.2, 5.2) over a disk in memory that answers at once, later, out of order or
 * never. */
#include "guest.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <libvirtio/blk.h>

#include <testkit/seed.h>

#define SECTORS 64U
#define KEPT    64U

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };

struct kept {
    struct ash_virtio_request request;
    uint64_t sectors;
};

struct disk {
    struct guest guest;
    struct ash_virtio_blk blk;
    unsigned char bytes[SECTORS * 512];
    bool defer;
    struct kept kept[KEPT];
    unsigned kept_count, submits, flushes, resets;
    bool unmap;
};

static enum ash_virtio_blk_status perform(struct disk *disk, const struct ash_virtio_request *request,
                                          uint64_t sectors)
{
    unsigned char *at = disk->bytes + request->argument * 512;
    int error = ASH_OK;

    assert_true(request->argument <= SECTORS && sectors <= SECTORS - request->argument);
    switch ((enum ash_virtio_blk_type)request->type) {
    case ASH_VIRTIO_BLK_READ:
        assert_int_equal(request->writable_bytes, sectors * 512);
        error = ash_virtio_copy_out(&disk->blk.device, request, 0, at, (uint32_t)sectors * 512);
        break;
    case ASH_VIRTIO_BLK_WRITE:
        assert_int_equal(request->readable_bytes, sectors * 512);
        error = ash_virtio_copy_in(&disk->blk.device, request, 0, at, (uint32_t)sectors * 512);
        break;
    case ASH_VIRTIO_BLK_FLUSH:
        disk->flushes++;
        break;
    case ASH_VIRTIO_BLK_DISCARD:
        memset(at, 0xDD, sectors * 512);
        break;
    case ASH_VIRTIO_BLK_WRITE_ZEROES:
        memset(at, 0, sectors * 512);
        break;
    }
    return error == ASH_OK ? ASH_VIRTIO_BLK_OK : ASH_VIRTIO_BLK_IOERR;
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    struct disk *disk = ctx;

    disk->submits++;
    disk->unmap = unmap;
    if (disk->defer) {
        assert_true(disk->kept_count < KEPT);
        disk->kept[disk->kept_count++] = (struct kept){*request, sectors};
        return;
    }
    assert_int_equal(
        ash_virtio_blk_complete(&disk->blk, request->queue, request->token, perform(disk, request, sectors)),
        ASH_OK);
}

static void reset(void *ctx, uint32_t queue)
{
    struct disk *disk = ctx;

    (void)queue;
    disk->resets++;
}

static const struct ash_virtio_blk_backend backend = {
    .size = sizeof(backend), .submit = submit, .reset = reset};
static const struct ash_virtio_blk_backend least = {.size = sizeof(least), .submit = submit};

static struct ash_virtio_blk_config usual(struct disk *disk)
{
    return (struct ash_virtio_blk_config){.backend = &backend,
                                          .backend_ctx = disk,
                                          .sectors = SECTORS,
                                          .block_size = 4096,
                                          .segments_max = 20,
                                          .segment_size_max = 65536,
                                          .discard_max = 16,
                                          .zeroes_max = 8,
                                          .has_flush = true,
                                          .queue_count = 2,
                                          .serial = "ASHLAR-0001"};
}

static void disk_open_with(struct disk *disk, const struct ash_virtio_blk_config *config, uint64_t features)
{
    memset(disk, 0, sizeof(*disk));
    guest_prepare(&disk->guest, config->queue_count, ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_blk_init(&disk->blk, config, &disk->guest.site), ASH_OK);
    guest_attach(&disk->guest, &disk->blk.device);
    guest_start(&disk->guest, features);
    for (unsigned i = 0; i < sizeof(disk->bytes); i++) {
        disk->bytes[i] = (unsigned char)(i / 512 + i);
    }
}

static void disk_open(struct disk *disk, uint64_t features)
{
    const struct ash_virtio_blk_config config = usual(disk);

    disk_open_with(disk, &config, features | ASH_MASK(23, 0));
}

/* One request: its parts in guest memory. */
struct io {
    struct ash_virtq_segment header, data, status;
    int head;
};

static struct ash_virtq_segment header_of(struct disk *disk, uint32_t type, uint64_t sector)
{
    const struct ash_virtq_segment header = guest_buffer(&disk->guest, 16, false);
    const uint64_t where = htole64(sector);

    memcpy(guest_bytes(&disk->guest, header), &(uint32_t){htole32(type)}, 4);
    memcpy((char *)guest_bytes(&disk->guest, header) + 8, &where, 8);
    return header;
}

static struct io start(struct disk *disk, unsigned queue, uint32_t type, uint64_t sector, const void *from,
                       uint32_t size, bool write)
{
    struct io io = {.header = header_of(disk, type, sector), .status = guest_buffer(&disk->guest, 1, true)};
    struct ash_virtq_segment chain[3] = {io.header, io.status, io.status};

    *(unsigned char *)guest_bytes(&disk->guest, io.status) = 0xEE;
    if (size > 0) {
        io.data = guest_buffer(&disk->guest, size, !write);
        if (from != NULL) {
            memcpy(guest_bytes(&disk->guest, io.data), from, size);
        }
        chain[1] = io.data;
    }
    io.head = guest_send(&disk->guest, queue, chain, size > 0 ? 3 : 2);
    guest_run(&disk->guest, 4);
    return io;
}

static unsigned status_of(const struct disk *disk, const struct io *io)
{
    return *(unsigned char *)guest_bytes(&disk->guest, io->status);
}

/* One that is answered at once; the result is its status. */
static unsigned perform_one(struct disk *disk, uint32_t type, uint64_t sector, const void *from,
                            uint32_t size, bool write)
{
    const struct io io = start(disk, 0, type, sector, from, size, write);
    const uint32_t written = guest_take(&disk->guest, 0, io.head);
    const unsigned status = status_of(disk, &io);

    assert_int_equal(written, status != 0 ? 0 : 1 + (write ? 0 : size));
    return status;
}

static void what_is_written_is_read(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTIO_RING_FEATURES};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        unsigned char bytes[1536];
        struct disk disk;
        struct io io;

        disk_open(&disk, features[f]);
        memset(bytes, 0x5A, sizeof(bytes));
        assert_int_equal(perform_one(&disk, T_OUT, 7, bytes, sizeof(bytes), true), 0);
        assert_memory_equal(disk.bytes + 7 * 512, bytes, sizeof(bytes));
        assert_int_equal(disk.bytes[7 * 512 - 1], (unsigned char)(6 + 7 * 512 - 1));
        io = start(&disk, 1, T_IN, 6, NULL, 2048, false);
        assert_int_equal(guest_take(&disk.guest, 1, io.head), 2049);
        assert_int_equal(status_of(&disk, &io), 0);
        assert_memory_equal(guest_bytes(&disk.guest, io.data), disk.bytes + 6 * 512, 2048);
        guest_close(&disk.guest);
    }
}

static void requests_stay_inside_the_device(void **state)
{
    static const struct {
        uint64_t sector;
        uint32_t size;
    } bad[] = {{64, 512}, {63, 1024}, {UINT64_MAX, 512}, {UINT64_MAX / 512, 512},
               {65, 512}, {0, 511},   {0, 513},          {1, 1}};
    struct disk disk;

    (void)state;
    disk_open(&disk, 0);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(bad); i++) {
        assert_int_equal(perform_one(&disk, T_IN, bad[i].sector, NULL, bad[i].size, false), 1);
        assert_int_equal(perform_one(&disk, T_OUT, bad[i].sector, NULL, bad[i].size, true), 1);
    }
    assert_int_equal(disk.submits, 0);
    assert_int_equal(perform_one(&disk, T_IN, 63, NULL, 512, false), 0);
    assert_int_equal(perform_one(&disk, T_IN, 0, NULL, SECTORS * 512, false), 0);
    /* Data in the wrong direction. */
    assert_int_equal(perform_one(&disk, T_IN, 0, NULL, 512, true), 1);
    assert_int_equal(perform_one(&disk, T_OUT, 0, NULL, 512, false), 1);
    guest_close(&disk.guest);
}

static void flush_and_id_and_the_unknown(void **state)
{
    struct disk disk;
    struct io io;

    (void)state;
    disk_open(&disk, 0);
    assert_int_equal(perform_one(&disk, T_FLUSH, 0, NULL, 0, true), 0);
    assert_int_equal(disk.flushes, 1);
    io = start(&disk, 0, T_GET_ID, 0, NULL, 20, false);
    assert_int_equal(guest_take(&disk.guest, 0, io.head), 21);
    assert_memory_equal(guest_bytes(&disk.guest, io.data), "ASHLAR-0001\0\0\0\0\0\0\0\0\0", 20);
    assert_int_equal(perform_one(&disk, T_GET_ID, 0, NULL, 19, false), 1);
    assert_int_equal(perform_one(&disk, T_GET_ID, 0, NULL, 21, false), 1);
    assert_int_equal(perform_one(&disk, 2, 0, NULL, 0, true), 2);
    assert_int_equal(perform_one(&disk, UINT32_MAX, 0, NULL, 512, true), 2);
    guest_close(&disk.guest);
}

static unsigned change(struct disk *disk, uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    unsigned char range[16];

    memcpy(range, &(uint64_t){htole64(sector)}, 8);
    memcpy(range + 8, &(uint32_t){htole32(sectors)}, 4);
    memcpy(range + 12, &(uint32_t){htole32(flags)}, 4);
    return perform_one(disk, type, 99, range, 16, true);
}

static void ranges_are_discarded_and_zeroed(void **state)
{
    struct disk disk;

    (void)state;
    disk_open(&disk, 0);
    assert_int_equal(change(&disk, T_DISCARD, 4, 2, 0), 0);
    assert_int_equal(disk.bytes[4 * 512], 0xDD);
    assert_int_equal(disk.bytes[6 * 512 - 1], 0xDD);
    assert_int_equal(disk.bytes[6 * 512], 6);
    assert_int_equal(change(&disk, T_WRITE_ZEROES, 10, 8, 0), 0);
    assert_false(disk.unmap);
    assert_int_equal(disk.bytes[18 * 512 - 1], 0);
    assert_int_equal(change(&disk, T_WRITE_ZEROES, 10, 8, 1), 0);
    assert_true(disk.unmap);
    disk.submits = 0;
    assert_int_equal(change(&disk, T_DISCARD, 0, 1, 1), 2);      /* unmap is not for discard */
    assert_int_equal(change(&disk, T_WRITE_ZEROES, 0, 1, 2), 2); /* reserved */
    assert_int_equal(change(&disk, T_DISCARD, 0, 17, 0), 1);     /* more than offered */
    assert_int_equal(change(&disk, T_WRITE_ZEROES, 0, 9, 0), 1);
    assert_int_equal(change(&disk, T_DISCARD, 60, 5, 0), 1);
    assert_int_equal(change(&disk, T_DISCARD, UINT64_MAX, 1, 0), 1);
    assert_int_equal(perform_one(&disk, T_DISCARD, 0, NULL, 32, true), 1); /* two ranges */
    assert_int_equal(perform_one(&disk, T_DISCARD, 0, NULL, 8, true), 1);
    assert_int_equal(perform_one(&disk, T_DISCARD, 0, NULL, 16, false), 1);
    assert_int_equal(disk.submits, 0);
    guest_close(&disk.guest);
}

static void what_a_disk_has_not_it_does_not_offer(void **state)
{
    struct disk disk;
    struct ash_virtio_blk_config config = usual(&disk);

    (void)state;
    config.backend = &least;
    config.discard_max = config.zeroes_max = config.segment_size_max = 0;
    config.has_flush = false;
    config.read_only = true;
    config.queue_count = 1;
    disk_open_with(&disk, &config, UINT64_MAX);
    assert_int_equal(guest_offered(&disk.guest) & ASH_MASK(23, 0),
                     ASH_VIRTIO_BLK_F_RO | ASH_VIRTIO_BLK_F_SEG_MAX | ASH_VIRTIO_BLK_F_BLK_SIZE);
    assert_int_equal(perform_one(&disk, T_FLUSH, 0, NULL, 0, true), 0);
    assert_int_equal(change(&disk, T_DISCARD, 0, 1, 0), 2);
    assert_int_equal(change(&disk, T_WRITE_ZEROES, 0, 1, 0), 2);
    assert_int_equal(perform_one(&disk, T_OUT, 0, NULL, 512, true), 1);
    assert_int_equal(disk.submits, 0);
    assert_int_equal(perform_one(&disk, T_IN, 0, NULL, 512, false), 0);
    guest_write(&disk.guest, 0x30, 0);
    guest_write(&disk.guest, 0x44, 0);
    config = usual(&disk);
    guest_close(&disk.guest);
    config.read_only = true;
    disk_open_with(&disk, &config, UINT64_MAX);
    assert_int_equal(change(&disk, T_DISCARD, 0, 1, 0), 1);
    assert_int_equal(change(&disk, T_WRITE_ZEROES, 0, 1, 0), 1);
    guest_close(&disk.guest);
}

static void the_configuration_space_is_that_of_the_specification(void **state)
{
    struct disk disk;
    struct ash_virtio_blk_config config = usual(&disk);

    (void)state;
    disk_open(&disk, 0);
    assert_int_equal(guest_read(&disk.guest, 8), 2);
    assert_int_equal(guest_read(&disk.guest, 0x100), SECTORS);
    assert_int_equal(guest_read(&disk.guest, 0x108), 65536);
    assert_int_equal(guest_read(&disk.guest, 0x10C), 20);
    assert_int_equal(guest_read(&disk.guest, 0x114), 4096);
    assert_int_equal(ash_virtio_mmio_read(&disk.guest.mmio, 0x122, 2), 2);
    assert_int_equal(guest_read(&disk.guest, 0x124), 16);
    assert_int_equal(guest_read(&disk.guest, 0x128), 1);
    assert_int_equal(guest_read(&disk.guest, 0x12C), 8); /* a block */
    assert_int_equal(guest_read(&disk.guest, 0x130), 8);
    assert_int_equal(guest_read(&disk.guest, 0x134), 1);
    assert_int_equal(ash_virtio_mmio_read(&disk.guest.mmio, 0x138, 1), 1);
    ash_virtio_blk_resize(&disk.blk, UINT64_C(0x300000010));
    assert_int_equal(guest_read(&disk.guest, 0x100), 16);
    assert_int_equal(guest_read(&disk.guest, 0x104), 3);
    assert_int_equal(guest_read(&disk.guest, 0x60), 2);
    guest_close(&disk.guest);
    config.discard_align = 128;
    disk_open_with(&disk, &config, UINT64_MAX);
    assert_int_equal(guest_read(&disk.guest, 0x12C), 128);
    guest_close(&disk.guest);
    config.discard_max = 0; /* then there is nothing to align */
    disk_open_with(&disk, &config, UINT64_MAX);
    assert_int_equal(guest_read(&disk.guest, 0x12C), 0);
    guest_close(&disk.guest);
}

static void requests_complete_in_any_order(void **state)
{
    struct disk disk;
    struct io io[8];

    (void)state;
    disk_open(&disk, ASH_VIRTQ_F_PACKED);
    disk.defer = true;
    for (unsigned i = 0; i < 8; i++) {
        io[i] = start(&disk, i % 2, T_IN, i, NULL, 512, false);
    }
    for (unsigned i = 8; i-- > 0;) {
        const struct ash_virtio_request *request = &disk.kept[i].request;

        assert_int_equal(ash_virtio_blk_complete(&disk.blk, request->queue, request->token,
                                                 perform(&disk, request, disk.kept[i].sectors)),
                         ASH_OK);
        assert_int_equal(
            ash_virtio_blk_complete(&disk.blk, request->queue, request->token, ASH_VIRTIO_BLK_OK),
            ASH_ENOENT);
        ash_virtio_signal(&disk.blk.device, request->queue);
        assert_int_equal(guest_take(&disk.guest, i % 2, io[i].head), 513);
        assert_memory_equal(guest_bytes(&disk.guest, io[i].data), disk.bytes + i * 512UL, 512);
    }
    guest_close(&disk.guest);
}

static void what_comes_after_a_reset_touches_nothing(void **state)
{
    struct disk disk;
    struct io io;

    (void)state;
    for (unsigned how = 0; how < 2; how++) {
        disk_open(&disk, ASH_VIRTIO_F_RING_RESET);
        disk.defer = true;
        disk.resets = 0;
        io = start(&disk, 1, T_IN, 3, NULL, 512, false);
        if (how == 0) {
            guest_reset(&disk.guest);
            assert_int_equal(disk.resets, 2);
        } else {
            guest_write(&disk.guest, 0x30, 1);
            guest_write(&disk.guest, 0xC0, 1);
            assert_int_equal(disk.resets, 1);
        }
        assert_int_equal(perform(&disk, &disk.kept[0].request, 1), ASH_VIRTIO_BLK_IOERR);
        assert_int_equal(ash_virtio_blk_complete(&disk.blk, 1, disk.kept[0].request.token, ASH_VIRTIO_BLK_OK),
                         ASH_ENOENT);
        assert_int_equal(
            ash_virtio_blk_complete(&disk.blk, 99, disk.kept[0].request.token, ASH_VIRTIO_BLK_OK),
            ASH_ENOENT);
        assert_int_equal(status_of(&disk, &io), 0xEE);
        assert_int_equal(*(unsigned char *)guest_bytes(&disk.guest, io.data), 0);
        guest_start(&disk.guest, 0);
        disk.defer = false;
        assert_int_equal(perform_one(&disk, T_IN, 3, NULL, 512, false), 0);
        guest_close(&disk.guest);
    }
}

static void a_back_end_that_goes_leaves_errors(void **state)
{
    struct disk disk;
    struct io io[4];

    (void)state;
    disk_open(&disk, 0);
    disk.defer = true;
    for (unsigned i = 0; i < 4; i++) {
        io[i] = start(&disk, i % 2, T_OUT, i, NULL, 512, true);
    }
    ash_virtio_blk_cancel_all(&disk.blk, ASH_VIRTIO_BLK_IOERR);
    assert_true(disk.guest.line);
    for (unsigned i = 0; i < 4; i++) {
        struct mock_used used;

        assert_true(guest_has_used(&disk.guest, i % 2, &used));
        assert_int_equal(status_of(&disk, &io[i]), 1);
    }
    guest_close(&disk.guest);
}

static void a_request_that_cannot_be_answered_wants_a_reset(void **state)
{
    struct disk disk;

    (void)state;
    for (unsigned what = 0; what < 4; what++) {
        struct ash_virtq_segment chain[2];

        disk_open(&disk, 0);
        chain[0] = guest_buffer(&disk.guest, what == 0 ? 15 : 16, false);
        chain[1] = guest_buffer(&disk.guest, 1, true);
        if (what == 2) {
            chain[0] = (struct ash_virtq_segment){ash_ipa(0), 0, false};
            chain[1].length = 0; /* nothing at all */
        }
        if (what == 3) {
            guest_fail_map(&disk.guest, 0);
        }
        guest_send(&disk.guest, 0, chain, what == 1 ? 1 : 2);
        guest_run(&disk.guest, 1);
        assert_int_equal(guest_read(&disk.guest, 0x70), 0x4F);
        assert_int_equal(disk.submits, 0);
        guest_fail_map(&disk.guest, -1);
        guest_start(&disk.guest, 0);
        assert_int_equal(perform_one(&disk, T_IN, 0, NULL, 512, false), 0);
        guest_close(&disk.guest);
    }
}

static void a_status_that_cannot_be_written_wants_a_reset(void **state)
{
    struct disk disk;

    (void)state;
    disk_open(&disk, 0);
    guest_fail_map(&disk.guest, 1); /* the header's */
    (void)start(&disk, 0, 99, 0, NULL, 0, true);
    assert_int_equal(guest_read(&disk.guest, 0x70), 0x4F);
    guest_fail_map(&disk.guest, -1);
    guest_close(&disk.guest);
}

static void header_and_status_may_be_cut_anywhere(void **state)
{
    struct disk disk;

    (void)state;
    disk_open(&disk, ASH_VIRTQ_F_INDIRECT_DESC);
    for (unsigned cut = 1; cut < 16; cut++) {
        const struct ash_virtq_segment header = header_of(&disk, T_IN, cut);
        struct ash_virtq_segment chain[4] = {header, header, guest_buffer(&disk.guest, cut * 32, true),
                                             guest_buffer(&disk.guest, 513 - cut * 32, true)};
        const unsigned char *bytes;
        int head;

        chain[0].length = cut;
        chain[1].ipa.value += cut;
        chain[1].length = 16 - cut;
        head = guest_send(&disk.guest, 0, chain, 4); /* the status is the last byte of the data's buffer */
        guest_run(&disk.guest, 1);
        assert_int_equal(guest_take(&disk.guest, 0, head), 513);
        bytes = guest_bytes(&disk.guest, chain[3]);
        assert_int_equal(bytes[512 - cut * 32], 0);
        assert_memory_equal(bytes, disk.bytes + cut * 512 + cut * 32, 512 - cut * 32);
    }
    guest_close(&disk.guest);
}

static void init_refuses_what_it_cannot_use(void **state)
{
    struct ash_virtio_blk_backend bad = backend;
    struct ash_virtio_blk_config config;
    static struct disk disk;

    (void)state;
    guest_prepare(&disk.guest, 2, 0);
#define REFUSE(what)                                                                                         \
    config = usual(&disk);                                                                                   \
    what;                                                                                                    \
    assert_int_equal(ash_virtio_blk_init(&disk.blk, &config, &disk.guest.site), ASH_EINVAL)
    REFUSE(config.backend = NULL);
    REFUSE((config.backend = &bad, bad.size = 0));
    REFUSE((config.backend = &bad, bad = backend, bad.submit = NULL));
    REFUSE(config.segments_max = 0);
    REFUSE(config.segments_max = ASH_VIRTIO_BLK_SEGMENTS_MAX + 1);
    REFUSE(config.block_size = 256);
    REFUSE(config.block_size = 1536);
    REFUSE(config.discard_align = 12);
    REFUSE(config.queue_count = 1);
    config = usual(&disk);
    assert_int_equal(ash_virtio_blk_init(NULL, &config, &disk.guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_blk_init(&disk.blk, NULL, &disk.guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_blk_init(&disk.blk, &config, NULL), ASH_EINVAL);
    mock_memory_fini(&disk.guest.mem);
    free(disk.guest.slots);
}

/* Random reads and writes at random depth, answered in random order, with resets in the middle: beside a
 * plain array. */
static void a_disk_beside_an_array(void **state)
{
    static unsigned char shadow[SECTORS * 512];
    struct test_rng rng;
    static struct disk disk;
    unsigned completed = 0;

    (void)state;
    test_rng_init(&rng, "virtio-blk");
    disk_open(&disk, ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX);
    memcpy(shadow, disk.bytes, sizeof(shadow));
    disk.defer = true;
    for (unsigned i = 0; i < 3000; i++) {
        const uint32_t sectors = 1 + (uint32_t)test_rng_below(&rng, 4);
        const uint64_t sector = test_rng_below(&rng, SECTORS - sectors + 1);
        const bool write = test_rng_below(&rng, 2) == 0;
        struct mock_used used;
        unsigned char bytes[2048];

        memset(bytes, (int)test_rng_below(&rng, 256), sizeof(bytes));
        if (disk.kept_count < 12) {
            (void)start(&disk, 0, write ? T_OUT : T_IN, sector, bytes, sectors * 512, write);
        }
        if (disk.kept_count > 0 && test_rng_below(&rng, 2) == 0) {
            const unsigned which = (unsigned)test_rng_below(&rng, disk.kept_count);
            const struct kept kept = disk.kept[which];
            const bool was_write = kept.request.type == ASH_VIRTIO_BLK_WRITE;
            const enum ash_virtio_blk_status status = perform(&disk, &kept.request, kept.sectors);

            if (was_write) {
                memcpy(shadow + kept.request.argument * 512, disk.bytes + kept.request.argument * 512,
                       kept.sectors * 512);
            }
            assert_int_equal(ash_virtio_blk_complete(&disk.blk, 0, kept.request.token, status), ASH_OK);
            ash_virtio_signal(&disk.blk.device, 0);
            disk.kept[which] = disk.kept[--disk.kept_count];
            assert_true(guest_has_used(&disk.guest, 0, &used));
            assert_int_equal(used.written, was_write ? 1 : kept.sectors * 512 + 1);
            completed++;
        }
        if (test_rng_below(&rng, 300) == 0) {
            guest_start(&disk.guest, ASH_VIRTQ_F_PACKED);
            for (unsigned k = 0; k < disk.kept_count; k++) {
                assert_int_equal(perform(&disk, &disk.kept[k].request, disk.kept[k].sectors),
                                 ASH_VIRTIO_BLK_IOERR);
            }
            disk.kept_count = 0;
        }
        assert_memory_equal(shadow, disk.bytes, sizeof(shadow));
    }
    assert_true(completed > 1000);
    guest_close(&disk.guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(requests_stay_inside_the_device),
        cmocka_unit_test(flush_and_id_and_the_unknown),
        cmocka_unit_test(ranges_are_discarded_and_zeroed),
        cmocka_unit_test(what_a_disk_has_not_it_does_not_offer),
        cmocka_unit_test(the_configuration_space_is_that_of_the_specification),
        cmocka_unit_test(requests_complete_in_any_order),
        cmocka_unit_test(what_comes_after_a_reset_touches_nothing),
        cmocka_unit_test(a_back_end_that_goes_leaves_errors),
        cmocka_unit_test(a_request_that_cannot_be_answered_wants_a_reset),
        cmocka_unit_test(a_status_that_cannot_be_written_wants_a_reset),
        cmocka_unit_test(header_and_status_may_be_cut_anywhere),
        cmocka_unit_test(init_refuses_what_it_cannot_use),
        cmocka_unit_test(a_disk_beside_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
