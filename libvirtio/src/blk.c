/* SPDX-License-Identifier: BSD-2-Clause */
/* VIRTIO 1.2, 5.2. A request: a header of 16 bytes to read, data, one byte of status to write. Where
 * segments end means nothing (2.7.4.1). */
#include <libvirtio/blk.h>

#include "internal.h"

#include <libbase/checked.h>
#include <libbase/endian.h>
#include <libbase/mem.h>

#define DEVICE_ID    2U
#define HEADER_BYTES 16U /* le32 type, le32 reserved, le64 sector */

/* Types, 5.2.6. */
#define T_IN           0U
#define T_OUT          1U
#define T_FLUSH        4U
#define T_GET_ID       8U
#define T_DISCARD      11U
#define T_WRITE_ZEROES 13U

/* struct virtio_blk_discard_write_zeroes: le64 sector, le32 num_sectors, le32 flags. */
#define RANGE_BYTES 16U
#define RANGE_UNMAP 1U

/* Configuration space, 5.2.4. */
#define CONFIG_CAPACITY         0U
#define CONFIG_SIZE_MAX         8U
#define CONFIG_SEG_MAX          12U
#define CONFIG_BLK_SIZE         20U
#define CONFIG_NUM_QUEUES       34U
#define CONFIG_DISCARD_SECTORS  36U
#define CONFIG_DISCARD_SEG      40U
#define CONFIG_DISCARD_ALIGN    44U
#define CONFIG_ZEROES_SECTORS   48U
#define CONFIG_ZEROES_SEG       52U
#define CONFIG_ZEROES_MAY_UNMAP 56U

/* The request's cookie: where its status goes. That byte was checked when it was popped, and is again when
 * written. */

/* In a region that map() is asked for, or in none. */
static int map_status(const struct ash_virtio_site *site, uint64_t ipa, uint8_t status)
{
    const struct ash_virtq_hal *memory = site->hal->memory;
    unsigned char *at;

    if (!virtq_is_guest_memory_(site->regions, site->region_count, ipa, 1)) {
        return ASH_EINVAL;
    }
    at = memory->map(site->ctx, ash_ipa(ipa), 1, true);
    if (at == NULL) {
        return ASH_ENOMEM;
    }
    *at = status;
    if (memory->unmap != NULL) {
        memory->unmap(site->ctx, at, 1);
    }
    return ASH_OK;
}

static inline int write_status(const struct ash_virtio_blk *blk, uint64_t ipa, uint8_t status)
{
    const struct ash_virtio_site *site = &blk->device.site;
    unsigned char *at = virtq_direct_(site->regions, site->region_count, ipa, 1, 0);

    if (at == NULL) {
        return map_status(site, ipa, status);
    }
    *at = status;
    return ASH_OK;
}

int ash_virtio_blk_complete(struct ash_virtio_blk *blk, uint32_t queue, uint64_t token,
                            enum ash_virtio_blk_status status)
{
    struct ash_virtq_slot *slot = virtio_slot_(&blk->device, queue, token);
    int error;

    if (slot == NULL) {
        return ASH_ENOENT;
    }
    error = write_status(blk, slot->cookie, (uint8_t)status);
    if (error != ASH_OK) {
        return error;
    }
    /* `written` counts from the first writable byte on: where data is missing before it, the status cannot
     * count. */
    return ash_virtq_stage_slot_(&blk->device.site.queues[queue].ring, slot,
                                 status == ASH_VIRTIO_BLK_OK ? slot->writable : 0U);
}

static void end(struct ash_virtio_blk *blk, const struct ash_virtio_request *request,
                enum ash_virtio_blk_status status)
{
    if (ash_virtio_blk_complete(blk, request->queue, request->token, status) == ASH_ENOMEM) {
        ash_virtio_refuse(&blk->device, request->queue, 0); /* it would never be answered */
    }
}

void ash_virtio_blk_cancel_all(struct ash_virtio_blk *blk, enum ash_virtio_blk_status status)
{
    for (uint32_t i = 0; i < blk->config.queue_count; i++) {
        struct ash_virtio_request request = {.queue = i};
        uint32_t at = 0;

        while ((request.token = ash_virtq_next_live(&blk->device.site.queues[i].ring, &at)) != 0U) {
            end(blk, &request, status);
        }
        ash_virtio_signal(&blk->device, i);
    }
}

static bool is_in_device(const struct ash_virtio_blk *blk, uint64_t sector, uint64_t sectors)
{
    return ash_range_within(sector, sectors, 0, blk->config.sectors);
}

static void submit(struct ash_virtio_blk *blk, struct ash_virtio_request *request,
                   enum ash_virtio_blk_type type, uint64_t sectors, bool unmap)
{
    request->type = (uint32_t)type;
    blk->config.backend->submit(blk->config.backend_ctx, request, sectors, unmap);
}

static void transfer(struct ash_virtio_blk *blk, struct ash_virtio_request *request, bool write)
{
    const uint64_t bytes = write ? request->readable_bytes : request->writable_bytes;
    const uint64_t others = write ? request->writable_bytes : request->readable_bytes;

    if (bytes % ASH_VIRTIO_BLK_SECTOR != 0U || others != 0U || (write && blk->config.read_only) ||
        !is_in_device(blk, request->argument, bytes / ASH_VIRTIO_BLK_SECTOR)) {
        end(blk, request, ASH_VIRTIO_BLK_IOERR);
    } else {
        submit(blk, request, write ? ASH_VIRTIO_BLK_WRITE : ASH_VIRTIO_BLK_READ,
               bytes / ASH_VIRTIO_BLK_SECTOR, false);
    }
}

static void get_id(struct ash_virtio_blk *blk, struct ash_virtio_request *request)
{
    const uint64_t room = request->writable_bytes;
    const uint32_t size = room < ASH_VIRTIO_BLK_SERIAL_BYTES ? (uint32_t)room : ASH_VIRTIO_BLK_SERIAL_BYTES;
    const bool fits = room == ASH_VIRTIO_BLK_SERIAL_BYTES; /* 5.2.6.1: 20 bytes */

    if (!fits || ash_virtio_copy_out(&blk->device, request, 0, blk->config.serial, size) != ASH_OK) {
        end(blk, request, ASH_VIRTIO_BLK_IOERR);
    } else {
        end(blk, request, ASH_VIRTIO_BLK_OK);
    }
}

/* Discard and write-zeroes name their range in the data; one range a request is what is offered. */
static void change_range(struct ash_virtio_blk *blk, struct ash_virtio_request *request, bool zeroes)
{
    const uint32_t most = zeroes ? blk->config.zeroes_max : blk->config.discard_max;
    unsigned char bytes[RANGE_BYTES];
    uint32_t sectors, flags;

    if (most == 0U) {
        end(blk, request, ASH_VIRTIO_BLK_UNSUPP);
        return;
    }
    if (request->readable_bytes != RANGE_BYTES || request->writable_bytes != 0U || blk->config.read_only ||
        ash_virtio_copy_in(&blk->device, request, 0, bytes, RANGE_BYTES) != ASH_OK) {
        end(blk, request, ASH_VIRTIO_BLK_IOERR);
        return;
    }
    request->argument = ash_load_le64(bytes);
    sectors = ash_load_le32(bytes + 8);
    flags = ash_load_le32(bytes + 12);
    if ((flags & ~(zeroes ? RANGE_UNMAP : 0U)) != 0U) {
        end(blk, request, ASH_VIRTIO_BLK_UNSUPP); /* 5.2.6.2 */
    } else if (sectors > most || !is_in_device(blk, request->argument, sectors)) {
        end(blk, request, ASH_VIRTIO_BLK_IOERR);
    } else {
        ash_virtio_trim_readable(request, RANGE_BYTES);
        submit(blk, request, zeroes ? ASH_VIRTIO_BLK_WRITE_ZEROES : ASH_VIRTIO_BLK_DISCARD, sectors,
               (flags & RANGE_UNMAP) != 0U);
    }
}

static void flush(struct ash_virtio_blk *blk, struct ash_virtio_request *request)
{
    if (!blk->config.has_flush) {
        end(blk, request, ASH_VIRTIO_BLK_OK); /* what is completed is stable */
    } else {
        request->argument = 0;
        submit(blk, request, ASH_VIRTIO_BLK_FLUSH, 0, false);
    }
}

/* Of a request that was popped just now, which need not be asked again whether it is what it says. Most
 * headers lie in one piece. Trimmed off. */
static inline int take_header(struct ash_virtio_blk *blk, struct ash_virtio_request *request,
                              unsigned char header[HEADER_BYTES])
{
    struct ash_virtq_segment *first = &request->segments[0];
    const void *bytes = virtio_popped_bytes_(&blk->device, request, false, 0, HEADER_BYTES);
    int error;

    if (bytes == NULL) {
        error = ash_virtio_copy_in(&blk->device, request, 0, header, HEADER_BYTES);
        ash_virtio_trim_readable(request, HEADER_BYTES);
        return error;
    }
    (void)memcpy(header, bytes, HEADER_BYTES);
    first->ipa.value += HEADER_BYTES;
    first->length -= HEADER_BYTES;
    request->readable_bytes -= HEADER_BYTES;
    return ASH_OK;
}

/* Of a request that was popped just now and has a writable byte: of its last segment, as no segment is empty. */
static inline void take_status_place(const struct ash_virtq *ring, struct ash_virtio_request *request)
{
    struct ash_virtq_segment *last = &request->segments[request->segment_count - 1U];

    last->length--;
    request->writable_bytes--;
    virtq_popped_slot_(ring, request->token)->cookie = last->ipa.value + last->length;
}

/* A request without room for header and status cannot be answered (5.2.6.1): the queue is broken. */
static void handle(struct ash_virtio_blk *blk, struct ash_virtio_request *request)
{
    ASH_ALIGNED(8) unsigned char header[HEADER_BYTES];
    uint32_t type;

    if (request->writable_bytes == 0U || take_header(blk, request, header) != ASH_OK) {
        ash_virtio_refuse(&blk->device, request->queue, request->readable_bytes);
        return;
    }
    take_status_place(&blk->device.site.queues[request->queue].ring, request);
    type = ash_load_le32(header);
    request->argument = ash_load_le64(header + 8);
    if (type == T_IN || type == T_OUT) {
        transfer(blk, request, type == T_OUT);
    } else if (type == T_DISCARD || type == T_WRITE_ZEROES) {
        change_range(blk, request, type == T_WRITE_ZEROES);
    } else if (type == T_FLUSH) {
        flush(blk, request);
    } else if (type == T_GET_ID) {
        get_id(blk, request);
    } else {
        end(blk, request, ASH_VIRTIO_BLK_UNSUPP);
    }
}

static bool serve(void *ctx, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_blk *blk = ctx;
    struct ash_virtio_request request;
    int error = ASH_OK;

    blk->paused = false;
    while (budget > 0U && !blk->paused && (error = ash_virtio_pop(&blk->device, queue, &request)) == ASH_OK) {
        handle(blk, &request);
        budget--;
    }
    ash_virtio_signal(&blk->device, queue);
    return budget == 0U || blk->paused || error == ASH_ENOMEM;
}

void ash_virtio_blk_pause(struct ash_virtio_blk *blk)
{
    blk->paused = true;
}

static void queue_reset(void *ctx, uint32_t queue)
{
    const struct ash_virtio_blk *blk = ctx;

    if (blk->config.backend->reset != NULL) {
        blk->config.backend->reset(blk->config.backend_ctx, queue);
    }
}

static void reset(void *ctx)
{
    const struct ash_virtio_blk *blk = ctx;

    for (uint32_t i = 0; i < blk->config.queue_count; i++) {
        queue_reset(ctx, i);
    }
}

void ash_virtio_blk_resize(struct ash_virtio_blk *blk, uint64_t sectors)
{
    blk->config.sectors = sectors;
    store_le64_(blk->space + CONFIG_CAPACITY, sectors);
    ash_virtio_config_changed(&blk->device);
}

static uint64_t features_of(const struct ash_virtio_blk_config *config)
{
    return ASH_VIRTIO_BLK_F_SEG_MAX | ASH_VIRTIO_BLK_F_BLK_SIZE |
           (config->segment_size_max != 0U ? ASH_VIRTIO_BLK_F_SIZE_MAX : 0U) |
           (config->read_only ? ASH_VIRTIO_BLK_F_RO : 0U) |
           (config->has_flush ? ASH_VIRTIO_BLK_F_FLUSH : 0U) |
           (config->queue_count > 1U ? ASH_VIRTIO_BLK_F_MQ : 0U) |
           (config->discard_max != 0U ? ASH_VIRTIO_BLK_F_DISCARD : 0U) |
           (config->zeroes_max != 0U ? ASH_VIRTIO_BLK_F_WRITE_ZEROES : 0U);
}

static void fill_space(struct ash_virtio_blk *blk)
{
    const struct ash_virtio_blk_config *config = &blk->config;
    const uint32_t block_sectors = config->block_size / ASH_VIRTIO_BLK_SECTOR;
    const uint32_t align = config->discard_align != 0U ? config->discard_align : block_sectors;

    (void)memset(blk->space, 0, sizeof(blk->space));
    store_le64_(blk->space + CONFIG_CAPACITY, config->sectors);
    store_le32_(blk->space + CONFIG_SIZE_MAX, config->segment_size_max);
    store_le32_(blk->space + CONFIG_SEG_MAX, config->segments_max);
    store_le32_(blk->space + CONFIG_BLK_SIZE, config->block_size);
    store_le16_(blk->space + CONFIG_NUM_QUEUES, (uint16_t)config->queue_count);
    store_le32_(blk->space + CONFIG_DISCARD_SECTORS, config->discard_max);
    store_le32_(blk->space + CONFIG_DISCARD_SEG, config->discard_max != 0U ? 1U : 0U);
    store_le32_(blk->space + CONFIG_DISCARD_ALIGN, config->discard_max != 0U ? align : 0U);
    store_le32_(blk->space + CONFIG_ZEROES_SECTORS, config->zeroes_max);
    store_le32_(blk->space + CONFIG_ZEROES_SEG, config->zeroes_max != 0U ? 1U : 0U);
    blk->space[CONFIG_ZEROES_MAY_UNMAP] = config->zeroes_max != 0U ? 1U : 0U;
}

static bool config_is_ok(const struct ash_virtio_blk_config *config)
{
    return config->backend != NULL && config->backend->size == sizeof(*config->backend) &&
           config->backend->submit != NULL && config->segments_max > 0U &&
           config->segments_max <= ASH_VIRTIO_BLK_SEGMENTS_MAX &&
           config->block_size >= ASH_VIRTIO_BLK_SECTOR && ash_is_power_of_two(config->block_size) &&
           config->discard_align % (config->block_size / ASH_VIRTIO_BLK_SECTOR) == 0U;
}

int ash_virtio_blk_init(struct ash_virtio_blk *blk, const struct ash_virtio_blk_config *config,
                        const struct ash_virtio_site *site)
{
    static const struct ash_virtio_ops ops = {.size = sizeof(ops),
                                              .device_id = DEVICE_ID,
                                              .serve = serve,
                                              .queue_reset = queue_reset,
                                              .reset = reset};

    if (blk == NULL || config == NULL || !config_is_ok(config)) {
        return ASH_EINVAL;
    }
    blk->config = *config;
    blk->paused = false;
    fill_space(blk);
    return ash_virtio_device_init(&blk->device, site, &ops, blk, config->queue_count, features_of(config),
                                  blk->space, sizeof(blk->space));
}
