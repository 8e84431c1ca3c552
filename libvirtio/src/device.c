/* SPDX-License-Identifier: BSD-2-Clause */
/* Status, features, configuration space (VIRTIO 1.2, 2.1 to 2.5, 3.1). */
#include "internal.h"

#include <libbase/checked.h>
#include <libbase/endian.h>
#include <libbase/nospec.h>

/* What a driver sets; the rest of the byte is the device's or reserved. */
#define DRIVER_BITS                                                                                          \
    (ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_DRIVER | ASH_VIRTIO_DRIVER_OK | ASH_VIRTIO_FEATURES_OK |            \
     ASH_VIRTIO_FAILED)
/* Feature bits for device types (6). */
#define TYPE_FEATURES (ASH_MASK(23, 0) | ASH_MASK(63, 50))

static bool site_is_ok(const struct ash_virtio_site *site, uint32_t queue_count)
{
    return site->hal != NULL && site->hal->size == sizeof(*site->hal) && site->hal->interrupt != NULL &&
           site->queues != NULL && queue_count > 0U && queue_count <= ASH_VIRTIO_QUEUES_MAX &&
           site->queue_count == queue_count && (site->ring_features & ~ASH_VIRTIO_RING_FEATURES) == 0U;
}

static int init_queues(const struct ash_virtio_site *site)
{
    int error = ASH_OK;

    for (uint32_t i = 0; i < site->queue_count && error == ASH_OK; i++) {
        struct ash_virtio_queue *queue = &site->queues[i];
        const struct ash_virtq_config config = {.regions = site->regions,
                                                .region_count = site->region_count,
                                                .max_size = queue->max_size,
                                                .slots = queue->slots,
                                                .chain_max = ASH_VIRTIO_SEGMENTS};

        error = ash_virtq_init(&queue->ring, &config, site->hal->memory, site->ctx);
        queue->layout = (struct ash_virtq_layout){.size = queue->max_size};
        queue->drained = false;
    }
    return error;
}

int ash_virtio_device_init(struct ash_virtio_device *device, const struct ash_virtio_site *site,
                           const struct ash_virtio_ops *ops, void *ops_ctx, uint32_t queue_count,
                           uint64_t features, const void *config, uint32_t config_size)
{
    if (device == NULL || site == NULL || ops == NULL || ops->size != sizeof(*ops) || ops->serve == NULL ||
        !site_is_ok(site, queue_count) || (features & ~TYPE_FEATURES) != 0U ||
        (config == NULL && config_size > 0U)) {
        return ASH_EINVAL;
    }
    *device = (struct ash_virtio_device){
        .ops = ops,
        .ops_ctx = ops_ctx,
        .site = *site,
        .offered = features | site->ring_features | ASH_VIRTIO_F_VERSION_1,
        .config = config,
        .config_size = config_size,
        .last_served = ASH_VIRTIO_QUEUES_MAX - 1U,
    };
    return init_queues(site);
}

void ash_virtio_device_set_shm(struct ash_virtio_device *device, const struct ash_virtio_shm *shm,
                               uint32_t count)
{
    device->shm = shm;
    device->shm_count = count;
}

const struct ash_virtio_shm *ash_virtio_shm(const struct ash_virtio_device *device, uint32_t number)
{
    const struct ash_virtio_shm *shm;

    if (number >= device->shm_count) {
        return NULL;
    }
    shm = &device->shm[ash_index_nospec(number, device->shm_count)];
    return shm->size > 0U ? shm : NULL;
}

static void set_isr(struct ash_virtio_device *device, uint32_t isr)
{
    const bool was = device->isr != 0U;

    device->isr = isr;
    if ((isr != 0U) != was) {
        device->site.hal->interrupt(device->site.ctx, isr != 0U);
    }
}

void ash_virtio_interrupt_(struct ash_virtio_device *device, uint32_t cause)
{
    set_isr(device, device->isr | cause);
}

void ash_virtio_acknowledge(struct ash_virtio_device *device, uint32_t isr)
{
    set_isr(device, device->isr & ~isr);
}

void ash_virtio_device_reset(struct ash_virtio_device *device)
{
    for (uint32_t i = 0; i < device->site.queue_count; i++) {
        struct ash_virtio_queue *queue = &device->site.queues[i];

        ash_virtq_reset(&queue->ring);
        queue->layout = (struct ash_virtq_layout){.size = queue->max_size};
    }
    device->kicked = 0;
    device->last_served = ASH_VIRTIO_QUEUES_MAX - 1U;
    device->status = 0;
    device->features = 0;
    if (device->ops->reset != NULL) {
        device->ops->reset(device->ops_ctx);
    }
    set_isr(device, 0);
}

/* 2.2.2: a subset of what is offered, and version 1, as a transport of version 2 knows nothing older. */
bool ash_virtio_are_features_ok_(const struct ash_virtio_device *device)
{
    return (device->features & ~device->offered) == 0U && ash_virtio_has(device, ASH_VIRTIO_F_VERSION_1) &&
           (device->ops->accept == NULL || device->ops->accept(device->ops_ctx, device->features));
}

/* Those of @fresh that may be set now (3.1.1). */
static uint32_t allowed_bits(const struct ash_virtio_device *device, uint32_t fresh)
{
    const uint32_t found = ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_DRIVER;
    const uint32_t status = device->status | fresh;

    if ((device->status & ASH_VIRTIO_FAILED) != 0U) {
        return 0;
    }
    if ((fresh & ASH_VIRTIO_FEATURES_OK) != 0U &&
        ((status & found) != found || !ash_virtio_are_features_ok_(device))) {
        fresh &= ~ASH_VIRTIO_FEATURES_OK;
    }
    if (((device->status | fresh) & ASH_VIRTIO_FEATURES_OK) == 0U) {
        fresh &= ~ASH_VIRTIO_DRIVER_OK;
    }
    return fresh;
}

void ash_virtio_write_status(struct ash_virtio_device *device, uint32_t value)
{
    uint32_t fresh;

    if (value == 0U) {
        ash_virtio_device_reset(device);
        return;
    }
    fresh =
        allowed_bits(device, value & ~device->status & DRIVER_BITS); /* a driver never clears one (2.1.1) */
    device->status |= fresh;
    if ((fresh & ASH_VIRTIO_DRIVER_OK) == 0U) {
        return;
    }
    /* Queues may hold chains already, and no kick came for them before now (3.1.1). */
    for (uint32_t i = 0; i < device->site.queue_count; i++) {
        ash_virtio_kick(device, i);
    }
    if (device->ops->start != NULL) {
        device->ops->start(device->ops_ctx);
    }
}

void ash_virtio_needs_reset_(struct ash_virtio_device *device)
{
    const bool is_new = (device->status & ASH_VIRTIO_NEEDS_RESET) == 0U;

    device->status |= ASH_VIRTIO_NEEDS_RESET;
    if (is_new && ash_virtio_is_running(device)) {
        ash_virtio_interrupt_(device, ASH_VIRTIO_ISR_CONFIG); /* 2.1.2 */
    }
}

bool ash_virtio_is_running(const struct ash_virtio_device *device)
{
    return (device->status & ASH_VIRTIO_DRIVER_OK) != 0U;
}

bool ash_virtio_has(const struct ash_virtio_device *device, uint64_t feature)
{
    return (device->features & feature) != 0U;
}

void ash_virtio_write_features(struct ash_virtio_device *device, uint32_t sel, uint32_t value)
{
    if ((device->status & (ASH_VIRTIO_FEATURES_OK | ASH_VIRTIO_FAILED)) != 0U) {
        return;
    }
    if (sel == 0U) {
        device->features = ash_with_field(device->features, 31, 0, value);
    } else if (sel == 1U) {
        device->features = ash_with_field(device->features, 63, 32, value);
    }
}

uint32_t ash_virtio_read_features(const struct ash_virtio_device *device, uint32_t sel)
{
    return sel < 2U ? (uint32_t)(device->offered >> (32U * sel)) : 0U;
}

void ash_virtio_config_rewritten_(struct ash_virtio_device *device)
{
    device->generation++;
}

void ash_virtio_config_changed(struct ash_virtio_device *device)
{
    ash_virtio_config_rewritten_(device);
    if (ash_virtio_is_running(device)) {
        ash_virtio_interrupt_(device, ASH_VIRTIO_ISR_CONFIG);
    }
}

static bool is_in_config(const struct ash_virtio_device *device, uint32_t offset, uint32_t size)
{
    return (size == 1U || size == 2U || size == 4U) && ash_is_aligned(offset, size) &&
           ash_range_within(offset, size, 0, device->config_size);
}

uint32_t ash_virtio_config_read(const struct ash_virtio_device *device, uint32_t offset, uint32_t size)
{
    const unsigned char *at;

    if (!is_in_config(device, offset, size)) {
        return 0;
    }
    at = device->config + ash_index_nospec(offset, device->config_size);
    return size == 4U ? ash_load_le32(at) : size == 2U ? ash_load_le16(at) : *at;
}

void ash_virtio_config_write(struct ash_virtio_device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    if (device->ops->config_write != NULL && is_in_config(device, offset, size)) {
        device->ops->config_write(device->ops_ctx, offset, size, value);
    }
}
