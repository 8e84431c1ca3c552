/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvirtio/state.h>

#include "internal.h"

#include <libbase/checked.h>
#include <libbase/mem.h>

ASH_STATIC_ASSERT(sizeof(struct ash_virtio_state) == 40U, "no padding");
ASH_STATIC_ASSERT(sizeof(struct ash_virtio_queue_state) == sizeof(struct ash_virtq_image) + 32U,
                  "no padding");
ASH_STATIC_ASSERT(sizeof(struct ash_virtio_net_state) == 24U + 192U + 512U, "no padding");
ASH_STATIC_ASSERT(sizeof(struct ash_virtio_console_port_state) == 16U, "no padding");

#define STATUS_BITS                                                                                          \
    (ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_DRIVER | ASH_VIRTIO_DRIVER_OK | ASH_VIRTIO_FEATURES_OK |            \
     ASH_VIRTIO_NEEDS_RESET | ASH_VIRTIO_FAILED)
#define ISR_BITS (ASH_VIRTIO_ISR_QUEUE | ASH_VIRTIO_ISR_CONFIG)

static uint32_t type_bytes(const struct ash_virtio_device *device)
{
    return device->ops->state_bytes != NULL ? device->ops->state_bytes(device->ops_ctx) : 0U;
}

size_t ash_virtio_state_size(const struct ash_virtio_device *device)
{
    return sizeof(struct ash_virtio_state) +
           (size_t)device->site.queue_count * sizeof(struct ash_virtio_queue_state) + type_bytes(device);
}

static struct ash_virtio_queue_state *queues_of(struct ash_virtio_state *state)
{
    return (struct ash_virtio_queue_state *)(state + 1);
}

static int export_queue(const struct ash_virtio_queue *queue, struct ash_virtio_queue_state *state)
{
    *state = (struct ash_virtio_queue_state){.desc = queue->layout.desc.value,
                                             .driver = queue->layout.driver.value,
                                             .device = queue->layout.device.value,
                                             .size = queue->layout.size};
    return ash_virtq_export(&queue->ring, &state->ring);
}

int ash_virtio_device_export(struct ash_virtio_device *device, struct ash_virtio_state *state, size_t size)
{
    int error = ASH_OK;

    if (size != ash_virtio_state_size(device)) {
        return ASH_EINVAL;
    }
    *state = (struct ash_virtio_state){
        .version = ASH_VIRTIO_STATE_VERSION,
        .device_id = device->ops->device_id,
        .queue_count = device->site.queue_count,
        .type_bytes = type_bytes(device),
        .features = device->features,
        .status = device->status,
        .isr = device->isr,
        .generation = device->generation,
    };
    if (device->ops->save != NULL) {
        device->ops->save(device->ops_ctx, queues_of(state) + device->site.queue_count);
    }
    for (uint32_t i = 0; i < device->site.queue_count && error == ASH_OK; i++) {
        error = export_queue(&device->site.queues[i], queues_of(state) + i);
        ash_virtio_kick(device, i); /* what was put back is to be taken again */
    }
    return error;
}

/* ---- Import ------------------------------------------------------------------------------------------- */

/* As ash_virtio_write_status() lets them come about. */
static bool is_status_ok(const struct ash_virtio_state *state)
{
    const uint32_t status = state->status;
    const uint32_t found = ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_DRIVER;

    return (status & ~STATUS_BITS) == 0U &&
           ((status & ASH_VIRTIO_FEATURES_OK) == 0U || (status & found) == found) &&
           ((status & ASH_VIRTIO_DRIVER_OK) == 0U || (status & ASH_VIRTIO_FEATURES_OK) != 0U);
}

static bool is_queue_ok(const struct ash_virtio_state *state, const struct ash_virtio_queue_state *queue)
{
    const struct ash_virtq_image *ring = &queue->ring;

    if (queue->reserved != 0U) {
        return false;
    }
    if (ring->state == ASH_VIRTQ_OFF) {
        return true;
    }
    if ((state->status & ASH_VIRTIO_FEATURES_OK) == 0U || ring->features != state->features) {
        return false;
    }
    if (ring->state == ASH_VIRTQ_BROKEN) {
        return (state->status & ASH_VIRTIO_NEEDS_RESET) != 0U;
    }
    return ring->desc == queue->desc && ring->driver == queue->driver && ring->device == queue->device &&
           ring->size == queue->size;
}

static int check(const struct ash_virtio_device *device, const struct ash_virtio_state *state)
{
    const struct ash_virtio_queue_state *queues = (const struct ash_virtio_queue_state *)(state + 1);

    if (state->version != ASH_VIRTIO_STATE_VERSION || state->device_id != device->ops->device_id ||
        state->queue_count != device->site.queue_count || state->type_bytes != type_bytes(device)) {
        return ASH_ENOTSUP;
    }
    if (!is_status_ok(state) || (state->isr & ~ISR_BITS) != 0U || state->reserved != 0U ||
        (state->status == 0U && (state->isr != 0U || state->features != 0U))) {
        return ASH_EFORMAT;
    }
    for (uint32_t i = 0; i < device->site.queue_count; i++) {
        if (!is_queue_ok(state, &queues[i])) {
            return ASH_EFORMAT;
        }
    }
    return ASH_OK;
}

static int import_queue(struct ash_virtio_queue *queue, const struct ash_virtio_queue_state *state)
{
    queue->layout = (struct ash_virtq_layout){.desc = ash_ipa(state->desc),
                                              .driver = ash_ipa(state->driver),
                                              .device = ash_ipa(state->device),
                                              .size = state->size,
                                              .features = state->ring.features};
    return ash_virtq_import(&queue->ring, &state->ring);
}

/* Everything but the interrupt. */
static int load(struct ash_virtio_device *device, const struct ash_virtio_state *state)
{
    const struct ash_virtio_queue_state *queues = (const struct ash_virtio_queue_state *)(state + 1);
    int error = ASH_OK;

    device->features = state->features;
    if ((state->status & ASH_VIRTIO_FEATURES_OK) != 0U && !ash_virtio_are_features_ok_(device)) {
        return ASH_ENOTSUP;
    }
    device->status = state->status;
    if (device->ops->load != NULL && !device->ops->load(device->ops_ctx, queues + state->queue_count)) {
        return ASH_EFORMAT;
    }
    for (uint32_t i = 0; i < state->queue_count && error == ASH_OK; i++) {
        error = import_queue(&device->site.queues[i], &queues[i]);
    }
    return error;
}

int ash_virtio_device_import(struct ash_virtio_device *device, const struct ash_virtio_state *state,
                             size_t size)
{
    const uint32_t generation = device->generation;
    int error;

    if (device->status != 0U) {
        return ASH_EBUSY;
    }
    if (size != ash_virtio_state_size(device)) {
        return ASH_EINVAL;
    }
    error = check(device, state);
    if (error != ASH_OK) {
        return error;
    }
    device->generation = state->generation;
    error = load(device, state);
    if (error != ASH_OK) {
        ash_virtio_device_reset(device);
        device->generation = generation;
        return error;
    }
    for (uint32_t i = 0; i < device->site.queue_count; i++) {
        ash_virtio_kick(device, i);
    }
    if (ash_virtio_is_running(device) && device->ops->start != NULL) {
        device->ops->start(device->ops_ctx);
    }
    if (state->isr != 0U) {
        ash_virtio_interrupt_(device, state->isr);
    }
    return ASH_OK;
}

void ash_virtio_mmio_export(const struct ash_virtio_mmio *mmio, struct ash_virtio_mmio_state *state)
{
    *state = (struct ash_virtio_mmio_state){.device_features_sel = mmio->device_features_sel,
                                            .driver_features_sel = mmio->driver_features_sel,
                                            .queue_sel = mmio->queue_sel,
                                            .shm_sel = mmio->shm_sel};
}

void ash_virtio_mmio_import(struct ash_virtio_mmio *mmio, const struct ash_virtio_mmio_state *state)
{
    mmio->device_features_sel = state->device_features_sel;
    mmio->driver_features_sel = state->driver_features_sel;
    mmio->queue_sel = state->queue_sel;
    mmio->shm_sel = state->shm_sel;
}
