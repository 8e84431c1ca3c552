/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks in memory: an image of the bundle, shared or copied or with an overlay, or a range of the board's memory. A
 * request is done when it is submitted, and what is written is where it stays: there is no cache to flush. */
#include <libbase/mem.h>
#include <libbase/nospec.h>
#include <libvirtio/blk.h>

#include "core/format.h"
#include "core/hv.h"
#include "core/place.h"
#include "glue/virtio.h"
#include "vdev/overlay.h"

#define QUEUE_SIZE    128U
#define SEGMENT_BYTES 4096U
#define SEGMENTS      16U
#define REQUEST_BYTES (SEGMENTS * SEGMENT_BYTES) /* HV_JOB_BYTES: what one step may move */
#define BATCH_BYTES   0x8000U                    /* then it is the guest's turn */
/* Of one request, sectors. To free blocks of an overlay takes no more than a look at each. */
#define CLEAR_SECTORS   (REQUEST_BYTES / ASH_VIRTIO_BLK_SECTOR)
#define DISCARD_SECTORS 2048U

struct disk {
    struct ash_virtio_blk blk;
    struct hv_virtio_device *device;
    uint8_t *bytes; /* NULL: @overlay has them */
    struct hv_overlay overlay;
    uint64_t size;
    uint64_t filled;
    uint32_t moved;                                     /* bytes in this batch */
    uint64_t requests[ASH_VIRTIO_BLK_WRITE_ZEROES + 1]; /* by type */
    uint64_t refused;
};

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

/** On its way through a request's runs. */
struct transfer {
    struct disk *disk;
    uint64_t offset;
    bool writes;
    int error;
};

static bool move(void *cookie, void *bytes, uint32_t size)
{
    struct transfer *transfer = (struct transfer *)cookie;
    struct disk *disk = transfer->disk;

    if (disk->bytes == NULL && transfer->writes) {
        transfer->error = hv_overlay_write(&disk->overlay, transfer->offset, bytes, size);
    } else if (disk->bytes == NULL) {
        hv_overlay_read(&disk->overlay, transfer->offset, bytes, size);
    } else if (transfer->writes) {
        memcpy(disk->bytes + transfer->offset, bytes, size);
    } else {
        memcpy(bytes, disk->bytes + transfer->offset, size);
    }
    transfer->offset += size;
    return transfer->error == ASH_OK;
}

static int transfer(struct disk *disk, const struct ash_virtio_request *request, uint64_t offset,
                    uint64_t size)
{
    bool writes = request->type == (uint32_t)ASH_VIRTIO_BLK_WRITE;
    struct transfer transfer = {.disk = disk, .offset = offset, .writes = writes};
    int error = ash_virtio_visit(&disk->blk.device, request, !writes, 0, size, move, &transfer);

    return error == ASH_OK ? transfer.error : error;
}

/** Discarded or to be zero: a driver finds zeroes in either case. */
static int clear(struct disk *disk, enum ash_virtio_blk_type type, uint64_t offset, uint64_t size)
{
    if (disk->bytes != NULL) {
        memset(disk->bytes + offset, 0, size);
        return ASH_OK;
    }
    if (type == ASH_VIRTIO_BLK_DISCARD) {
        hv_overlay_discard(&disk->overlay, offset, size);
        return ASH_OK;
    }
    return hv_overlay_zero(&disk->overlay, offset, size);
}

/** A range that is in the disk. */
static int serve(struct disk *disk, const struct ash_virtio_request *request, uint64_t offset, uint64_t size)
{
    switch ((enum ash_virtio_blk_type)request->type) {
    case ASH_VIRTIO_BLK_READ:
    case ASH_VIRTIO_BLK_WRITE:
        /* More than a driver was told that it may ask for: it shall not keep this CPU for longer. */
        return size <= REQUEST_BYTES ? transfer(disk, request, offset, size) : ASH_ERANGE;
    case ASH_VIRTIO_BLK_DISCARD:
    case ASH_VIRTIO_BLK_WRITE_ZEROES:
        return clear(disk, (enum ash_virtio_blk_type)request->type, offset, size);
    case ASH_VIRTIO_BLK_FLUSH:
    default:
        return ASH_OK;
    }
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    struct disk *disk = (struct disk *)ctx;
    uint64_t size = sectors * ASH_VIRTIO_BLK_SECTOR;
    uint64_t offset = ash_index_nospec(request->argument * ASH_VIRTIO_BLK_SECTOR, disk->size);
    int error = serve(disk, request, offset, size);

    (void)unmap;
    disk->requests[request->type]++;
    disk->refused += error != ASH_OK ? 1U : 0U;
    disk->moved += size < REQUEST_BYTES ? (uint32_t)size : REQUEST_BYTES;
    if (disk->moved >= BATCH_BYTES) {
        disk->moved = 0;
        ash_virtio_blk_pause(&disk->blk);
    }
    /* A status that cannot be written leaves the request with the driver, as a disk would that hangs; its queue can be
     * reset. */
    ASH_DISCARD(ash_virtio_blk_complete(&disk->blk, request->queue, request->token,
                                        error == ASH_OK ? ASH_VIRTIO_BLK_OK : ASH_VIRTIO_BLK_IOERR));
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static size_t size_of(const struct ash_boot_virtio *config)
{
    return sizeof(struct disk) + hv_virtio_queue_bytes(config->queues, QUEUE_SIZE);
}

/** What the configuration names: a file of the bundle, or a range of memory or flash. */
static const uint8_t *source_of(const struct hv_plan_vm *plan, const struct hv_virtio_device *device,
                                uint64_t *size)
{
    const struct ash_boot_span *image = &plan->images.disk[device->index];
    const struct ash_boot_vm_memory *range = &device->config->range;
    bool is_range = hv_plan_is_range(device->config);

    *size = is_range ? range->size : image->size;
    if (!is_range) {
        return (const uint8_t *)image->data;
    }
    return plan->disk[device->index].in_flash ? (const uint8_t *)hv_arch_flash(range->base)
                                              : (const uint8_t *)(uintptr_t)range->base;
}

/** Where the bytes are. */
static void place(struct disk *disk, const struct hv_plan_vm *plan)
{
    const struct hv_plan_disk *own = &plan->disk[disk->device->index];
    const uint8_t *source = source_of(plan, disk->device, &disk->size);
    uint8_t *memory = (uint8_t *)(uintptr_t)own->base; /* hv's map is the identity */

    if (disk->device->config->read_only) {
        disk->bytes =
            (uint8_t *)(uintptr_t)source; /* never written: libvirtio refuses it, and move() is told */
    } else if (disk->device->config->overlay) {
        uint64_t index_bytes = hv_overlay_index_bytes(disk->size);

        hv_overlay_init(&disk->overlay, source, disk->size, memory, memory + index_bytes,
                        own->size - index_bytes);
    } else {
        disk->bytes = memory; /* a copy, or the range itself */
    }
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    static const struct ash_virtio_blk_backend backend = {.size = sizeof(backend), .submit = submit};
    struct disk *disk = (struct disk *)device->state;
    struct ash_virtio_blk_config config = {
        .backend = &backend,
        .backend_ctx = disk,
        .block_size = device->config->block_size,
        .segments_max = SEGMENTS,
        .segment_size_max = SEGMENT_BYTES,
        .read_only = device->config->read_only,
        .queue_count = device->config->queues,
    };
    struct ash_virtio_site site;

    disk->device = device;
    place(disk, plan);
    config.sectors = disk->size / ASH_VIRTIO_BLK_SECTOR;
    if (!config.read_only) {
        config.discard_max = disk->bytes == NULL ? DISCARD_SECTORS : CLEAR_SECTORS;
        config.discard_align = disk->bytes == NULL ? HV_OVERLAY_BLOCK / ASH_VIRTIO_BLK_SECTOR : 0U;
        config.zeroes_max = CLEAR_SECTORS;
    }
    memcpy(config.serial, device->config->serial, sizeof(config.serial));
    hv_virtio_site(device, disk + 1, config.queue_count, QUEUE_SIZE, &site);
    device->virtio = &disk->blk.device;
    return ash_virtio_blk_init(&disk->blk, &config, &site);
}

/** A private copy: the image, and nothing behind it. An overlay: an empty index. A range in RAM is as it is. */
static bool fill(struct hv_virtio_device *device)
{
    struct disk *disk = (struct disk *)device->state;
    const struct hv_plan_vm *plan = device->vm->place->plan;
    const struct hv_plan_disk *own = &plan->disk[device->index];
    const struct ash_boot_span *image = &plan->images.disk[device->index];
    bool has_overlay = disk->bytes == NULL;
    uint64_t end = has_overlay ? hv_overlay_index_bytes(disk->size) : image->size;
    uint64_t size = end - disk->filled < HV_JOB_BYTES ? end - disk->filled : HV_JOB_BYTES;
    uint8_t *to = (uint8_t *)(uintptr_t)own->base + disk->filled;

    if ((hv_plan_is_range(device->config) && !has_overlay) || device->config->read_only || size == 0U) {
        return false;
    }
    if (has_overlay) {
        memset(to, 0, size);
    } else {
        memcpy(to, (const uint8_t *)image->data + disk->filled, size);
    }
    disk->filled += size;
    return true;
}

static void reset(struct hv_virtio_device *device)
{
    struct disk *disk = (struct disk *)device->state;

    disk->moved = 0; /* what is on it stays: a disk is no RAM */
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t size)
{
    struct disk *disk = (struct disk *)device->state;
    const struct ash_boot_virtio *config = device->config;
    size_t length = hv_format(text, size, "%lu KiB, %s", disk->size / 1024U,
                              config->read_only          ? "read-only"
                              : config->overlay          ? "overlay"
                              : hv_plan_is_range(config) ? "memory range"
                                                         : "private");

    if (device->vm->place->plan->disk[device->index].in_flash) {
        length += hv_format(text + length, size - length, " of flash");
    }
    if (config->overlay) {
        length += hv_format(text + length, size - length, ", %u of %u KiB written", disk->overlay.used * 4U,
                            disk->overlay.capacity * 4U);
    }
    return length + hv_format(text + length, size - length, "; %lu reads, %lu writes, %lu failed",
                              disk->requests[ASH_VIRTIO_BLK_READ], disk->requests[ASH_VIRTIO_BLK_WRITE],
                              disk->refused);
}

const struct hv_virtio_ops hv_virtio_blk_ops = {
    .batch = 16,
    .size = size_of,
    .create = create,
    .fill = fill,
    .reset = reset,
    .describe = describe,
};
