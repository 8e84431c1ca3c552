/* SPDX-License-Identifier: BSD-2-Clause */
/* Entropy for a guest: a generator of the device's own, which hv's seeds. */
#include <libvirtio/rng.h>

#include "core/hv.h"
#include "glue/virtio.h"

#define QUEUE_SIZE    16U
#define REQUEST_BYTES 256U /* of one; a driver that wants more asks again */

struct rng {
    struct ash_virtio_rng rng;
    struct hv_rng generator;
};

static uint32_t fill(void *ctx, void *bytes, uint32_t size)
{
    struct rng *state = (struct rng *)ctx;

    hv_rng_bytes(&state->generator, bytes, size);
    return size;
}

static size_t size(const struct ash_boot_virtio *config)
{
    (void)config;
    return sizeof(struct rng) + hv_virtio_queue_bytes(ASH_VIRTIO_RNG_QUEUES, QUEUE_SIZE);
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    static const struct ash_virtio_rng_backend backend = {.size = sizeof(backend), .fill = fill};
    struct rng *state = (struct rng *)device->state;
    const struct ash_virtio_rng_config config = {
        .backend = &backend, .backend_ctx = state, .bytes_max = REQUEST_BYTES};
    struct hv *hv = device->vm->hv;
    struct ash_virtio_site site;

    (void)plan;
    if (!hv->has_entropy) {
        return hv_virtio_refuse(device, ASH_ENOTSUP, NULL,
                                "has nothing to give: the board gave hv no entropy",
                                "leaving it out, or rng-seed in the board's /chosen");
    }
    hv_lock(&hv->vms_lock);
    hv_rng_bytes(&hv->rng, &state->generator.key, sizeof(state->generator.key));
    hv_unlock(&hv->vms_lock);
    hv_virtio_site(device, state + 1, ASH_VIRTIO_RNG_QUEUES, QUEUE_SIZE, &site);
    device->virtio = &state->rng.device;
    return ash_virtio_rng_init(&state->rng, &config, &site);
}

const struct hv_virtio_ops hv_virtio_rng_ops = {.batch = 4, .size = size, .create = create};
