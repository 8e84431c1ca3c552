/* SPDX-License-Identifier: BSD-2-Clause */
/* A device's queues: what the driver does to them through the transport, and what the device type takes
 * from them. */
#include "internal.h"

#include <libbase/nospec.h>

/* NULL: there is none of that number. */
static struct ash_virtio_queue *queue_of(const struct ash_virtio_device *device, uint32_t queue)
{
    if (queue >= device->site.queue_count) {
        return NULL;
    }
    return &device->site.queues[ash_index_nospec(queue, device->site.queue_count)];
}

uint32_t ash_virtio_queue_max(const struct ash_virtio_device *device, uint32_t queue)
{
    const struct ash_virtio_queue *q = queue_of(device, queue);

    return q != NULL ? q->max_size : 0U;
}

bool ash_virtio_queue_is_enabled(const struct ash_virtio_device *device, uint32_t queue)
{
    const struct ash_virtio_queue *q = queue_of(device, queue);

    return q != NULL && ash_virtq_state(&q->ring) != ASH_VIRTQ_OFF;
}

struct ash_virtq_layout *ash_virtio_queue_layout(struct ash_virtio_device *device, uint32_t queue)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    return q != NULL && ash_virtq_state(&q->ring) == ASH_VIRTQ_OFF ? &q->layout : NULL;
}

void ash_virtio_queue_enable(struct ash_virtio_device *device, uint32_t queue)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    /* The rings' format is a feature: nothing can be enabled before they are final (3.1.1, step 7). */
    if (q == NULL || ash_virtq_state(&q->ring) != ASH_VIRTQ_OFF ||
        (device->status & (ASH_VIRTIO_FEATURES_OK | ASH_VIRTIO_FAILED)) != ASH_VIRTIO_FEATURES_OK) {
        return;
    }
    q->layout.features = device->features;
    if (ash_virtq_setup(&q->ring, &q->layout) != ASH_OK) {
        ash_virtio_needs_reset_(device);
    } else {
        ash_virtio_kick(device, queue); /* chains may be there before its first kick (2.6.1.2) */
    }
}

void ash_virtio_queue_disable(struct ash_virtio_device *device, uint32_t queue)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    if (q == NULL || ash_virtq_state(&q->ring) == ASH_VIRTQ_OFF) {
        return;
    }
    ash_virtq_reset(&q->ring);
    q->layout = (struct ash_virtq_layout){.size = q->max_size};
    device->kicked &= ~ASH_BIT(queue);
    if (device->ops->queue_reset != NULL) {
        device->ops->queue_reset(device->ops_ctx, queue);
    }
}

void ash_virtio_kick(struct ash_virtio_device *device, uint32_t queue)
{
    const struct ash_virtio_queue *q = queue_of(device, queue);

    if (q != NULL && virtio_is_running_(device) && ash_virtq_state(&q->ring) == ASH_VIRTQ_READY) {
        device->kicked |= ASH_BIT(queue);
    }
}

void ash_virtio_notify(struct ash_virtio_device *device, uint32_t queue)
{
    ash_virtio_kick(device, queue);
}

bool ash_virtio_has_work(const struct ash_virtio_device *device)
{
    return device->kicked != 0U;
}

/* True: once more. */
static bool serve(struct ash_virtio_device *device, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_queue *q = &device->site.queues[queue];

    q->drained = false;
    ash_virtq_disable_kicks(&q->ring);
    if (device->ops->serve(device->ops_ctx, queue, budget)) {
        return true;
    }
    /* Of a queue whose chains wait for their use (a receive queue) the driver need not be told to add more,
     * but how much a device type leaves behind is not known here: kicks are enabled, and only what came
     * behind the last look is served again. */
    return ash_virtq_enable_kicks(&q->ring) && q->drained;
}

bool ash_virtio_run(struct ash_virtio_device *device, uint32_t budget)
{
    const uint64_t behind = device->kicked & ~ASH_MASK(device->last_served, 0);
    uint32_t queue;

    if (device->kicked == 0U) {
        return false;
    }
    queue = ash_lowest_bit(behind != 0U ? behind : device->kicked);
    device->last_served = queue;
    device->kicked &= ~ASH_BIT(queue);
    if (serve(device, queue, budget)) {
        ash_virtio_kick(device, queue);
    }
    return device->kicked != 0U;
}

void ash_virtio_refuse(struct ash_virtio_device *device, uint32_t queue, uint64_t value)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    if (q != NULL && ash_virtq_break(&q->ring, value) == ASH_EGUEST) {
        ash_virtio_needs_reset_(device);
    }
}

int ash_virtio_pop(struct ash_virtio_device *device, uint32_t queue, struct ash_virtio_request *request)
{
    struct ash_virtio_queue *q = queue_of(device, queue);
    struct ash_virtq_chain chain;
    int error;

    if (q == NULL || !virtio_is_running_(device)) {
        return ASH_EBUSY;
    }
    error = ash_virtq_pop(&q->ring, request->segments, ASH_VIRTIO_SEGMENTS, &chain);
    if (error == ASH_EGUEST) {
        ash_virtio_needs_reset_(device);
    }
    if (error != ASH_OK) {
        q->drained = error == ASH_ENOENT;
        return error;
    }
    request->token = chain.token;
    request->argument = 0;
    request->queue = queue;
    request->type = 0;
    request->readable_bytes = chain.readable_bytes;
    request->writable_bytes = chain.writable_bytes;
    request->readable_count = chain.readable_count;
    request->segment_count = chain.segment_count;
    return ASH_OK;
}

bool ash_virtio_is_live(const struct ash_virtio_device *device, uint32_t queue, uint64_t token)
{
    const struct ash_virtio_queue *q = queue_of(device, queue);

    return q != NULL && ash_virtq_is_live(&q->ring, token);
}

bool ash_virtio_put_back(struct ash_virtio_device *device, uint32_t queue, uint64_t token)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    return q != NULL && ash_virtq_unpop(&q->ring, &token, 1) == ASH_OK;
}

int ash_virtio_push(struct ash_virtio_device *device, uint32_t queue, uint64_t token, uint32_t written)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    return q != NULL ? ash_virtq_stage(&q->ring, token, written) : ASH_ENOENT;
}

void ash_virtio_signal(struct ash_virtio_device *device, uint32_t queue)
{
    struct ash_virtio_queue *q = queue_of(device, queue);

    if (q == NULL) {
        return;
    }
    ash_virtq_publish(&q->ring);
    if (ash_virtq_should_notify(&q->ring)) {
        ash_virtio_interrupt_(device, ASH_VIRTIO_ISR_QUEUE);
    }
}

void ash_virtio_cancel_all(struct ash_virtio_device *device, uint32_t queue)
{
    struct ash_virtio_queue *q = queue_of(device, queue);
    uint32_t at = 0;
    uint64_t token;

    if (q == NULL) {
        return;
    }
    while ((token = ash_virtq_next_live(&q->ring, &at)) != 0U) {
        ASH_DISCARD(ash_virtq_stage(&q->ring, token, 0)); /* it is live */
    }
    ash_virtio_signal(device, queue);
}
