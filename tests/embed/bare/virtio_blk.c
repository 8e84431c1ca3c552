/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk in bare firmware, from libvirtio alone: the device below, its driver at the end, in one program.
 * The driver finds the device by its registers, negotiates, sets up a queue, writes a sector and reads it
 * (VIRTIO 1.2, 3.1.1, 4.2.3). */
#include <libbase/mem.h>
#include <libvirtio/blk.h>
#include <libvirtio/mmio.h>

#include "bare.h"

/* ---- What the driver knows by address only
 * ---------------------------------------------------------------- */

#define QUEUE   8U
#define RAM_IPA UINT64_C(0x40000000)

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static struct {
    struct desc desc[QUEUE];
    uint16_t avail[3 + QUEUE];
    uint16_t pad[3];
    uint32_t used[1 + 2 * QUEUE + 1];
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    unsigned char data[512];
    unsigned char status;
} ram __attribute__((aligned(4096)));

#define IPA_OF(what) (RAM_IPA + (uint64_t)((uintptr_t)(what) - (uintptr_t)&ram))

/* ---- The firmware's side: memory, the interrupt, a disk
 * ---------------------------------------------------- */

#define SECTORS 16U

static unsigned char disk[SECTORS * ASH_VIRTIO_BLK_SECTOR];
static struct ash_virtio_blk blk;
static struct ash_virtio_mmio mmio;
static bool line;

static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    (void)ctx;
    (void)size;
    (void)write;
    return (char *)&ram + (ipa.value - RAM_IPA);
}

static void interrupt(void *ctx, bool level)
{
    (void)ctx;
    line = level;
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    unsigned char *at = disk + request->argument * ASH_VIRTIO_BLK_SECTOR;
    const uint32_t size = (uint32_t)sectors * ASH_VIRTIO_BLK_SECTOR;
    int error = ASH_OK;

    (void)ctx;
    (void)unmap;
    if (request->type == ASH_VIRTIO_BLK_READ) {
        error = ash_virtio_copy_out(&blk.device, request, 0, at, size);
    } else if (request->type == ASH_VIRTIO_BLK_WRITE) {
        error = ash_virtio_copy_in(&blk.device, request, 0, at, size);
    }
    expect(ash_virtio_blk_complete(&blk, request->queue, request->token,
                                   error == ASH_OK ? ASH_VIRTIO_BLK_OK : ASH_VIRTIO_BLK_IOERR) == ASH_OK,
           "completed");
}

static void plug_in(void)
{
    static const struct ash_virtq_hal memory = {.size = sizeof(memory), .map = map};
    static const struct ash_virtio_hal hal = {.size = sizeof(hal), .memory = &memory, .interrupt = interrupt};
    static const struct ash_virtq_region region = {{RAM_IPA}, sizeof(ram), NULL};
    static const struct ash_virtio_blk_backend backend = {.size = sizeof(backend), .submit = submit};
    static struct ash_virtq_slot slots[QUEUE];
    static struct ash_virtio_queue queues[1] = {{.max_size = QUEUE, .slots = slots}};
    const struct ash_virtio_site site = {
        .hal = &hal, .regions = &region, .region_count = 1, .queues = queues, .queue_count = 1};
    const struct ash_virtio_blk_config config = {.backend = &backend,
                                                 .sectors = SECTORS,
                                                 .block_size = 512,
                                                 .segments_max = 1,
                                                 .queue_count = 1,
                                                 .serial = "bare"};

    expect(ash_virtio_blk_init(&blk, &config, &site) == ASH_OK, "init");
    ash_virtio_mmio_init(&mmio, &blk.device);
}

/* ---- The driver's side
 * ------------------------------------------------------------------------------------ */

/* A guest's access that trapped. */
static void io_write(uint32_t offset, uint32_t value)
{
    ash_virtio_mmio_write(&mmio, offset, 4, value);
    while (ash_virtio_has_work(&blk.device)) {
        (void)ash_virtio_run(&blk.device, 4);
    }
}

static uint32_t io_read(uint32_t offset)
{
    return (uint32_t)ash_virtio_mmio_read(&mmio, offset, 4);
}

static void write_address(uint32_t offset, uint64_t address)
{
    io_write(offset, (uint32_t)address);
    io_write(offset + 4U, (uint32_t)(address >> 32));
}

static void probe(void)
{
    expect(io_read(0x000) == 0x74726976U && io_read(0x004) == 2U && io_read(0x008) == 2U, "a block device");
    io_write(0x070, 0);
    io_write(0x070, 1);
    io_write(0x070, 3);
    io_write(0x024, 1);
    io_write(0x020, 1); /* VIRTIO_F_VERSION_1 */
    io_write(0x070, 11);
    expect_equal(io_read(0x070), 11, "FEATURES_OK");
    expect_equal(io_read(0x100), SECTORS, "the capacity");
    io_write(0x038, QUEUE);
    write_address(0x080, IPA_OF(ram.desc));
    write_address(0x090, IPA_OF(ram.avail));
    write_address(0x0A0, IPA_OF(ram.used));
    io_write(0x044, 1);
    io_write(0x070, 15);
}

static unsigned transfer(uint32_t type, uint64_t sector)
{
    const uint16_t index = ram.avail[1];

    ram.header.type = type;
    ram.header.sector = sector;
    ram.status = 0xFF;
    ram.desc[0] = (struct desc){IPA_OF(&ram.header), 16, 1, 1};
    ram.desc[1] = (struct desc){IPA_OF(ram.data), 512, type == 0U ? 3U : 1U, 2};
    ram.desc[2] = (struct desc){IPA_OF(&ram.status), 1, 2, 0};
    ram.avail[2U + index % QUEUE] = 0;
    __atomic_store_n(&ram.avail[1], (uint16_t)(index + 1U), __ATOMIC_RELEASE);
    io_write(0x050, 0);
    expect(line, "an interrupt");
    expect_equal(ram.used[0] >> 16, index + 1U, "the used index");
    io_write(0x064, io_read(0x060));
    expect(!line, "acknowledged");
    return ram.status;
}

void program(void)
{
    plug_in();
    probe();
    for (unsigned i = 0; i < 512U; i++) {
        ram.data[i] = (unsigned char)(i * 3U);
    }
    expect_equal(transfer(1, 5), 0, "a write");
    expect(disk[5 * 512 + 7] == 21U && disk[4 * 512] == 0U, "is on the disk");
    (void)memset(ram.data, 0, sizeof(ram.data));
    expect_equal(transfer(0, 5), 0, "a read");
    expect(ram.data[7] == 21U && ram.data[511] == (unsigned char)(511U * 3U), "gives it back");
    expect_equal(transfer(0, SECTORS), 1, "behind the end: an error");
    expect_equal(transfer(99, 0), 2, "no such request");
}
