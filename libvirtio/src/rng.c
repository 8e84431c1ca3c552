/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvirtio/rng.h>

#define DEVICE_ID 4U /* VIRTIO 1.2, 5.4.1 */

/* What is still to fill of one request, and who fills it. */
struct filling {
    struct ash_virtio_rng *rng;
    uint32_t done;
};

static bool fill_run(void *cookie, void *bytes, uint32_t size)
{
    struct filling *filling = cookie;
    const struct ash_virtio_rng_config *config = &filling->rng->config;
    const uint32_t got = config->backend->fill(config->backend_ctx, bytes, size);

    filling->done += got < size ? got : size;
    return got >= size;
}

/* ASH_OK; ASH_EBUSY: there is no entropy now; ASH_ENOMEM: the buffer cannot be mapped now. A device must not give a
 * buffer back empty (5.4.6.2). */
static int answer(struct ash_virtio_rng *rng)
{
    struct ash_virtio_request *request = &rng->held;
    struct filling filling = {.rng = rng};
    uint64_t size = request->writable_bytes;
    int error;

    size = size < rng->config.bytes_max ? size : rng->config.bytes_max;
    error = ash_virtio_visit(&rng->device, request, true, 0, size, fill_run, &filling);
    if (filling.done == 0U) {
        return error != ASH_OK ? error : ASH_EBUSY;
    }
    ASH_DISCARD(ash_virtio_push(&rng->device, request->queue, request->token, filling.done));
    request->token = 0;
    return ASH_OK;
}

/* The next buffer: for the device to write (5.4.6.1). */
static int take(struct ash_virtio_rng *rng, uint32_t queue)
{
    const int error = ash_virtio_pop(&rng->device, queue, &rng->held);

    if (error == ASH_OK && (rng->held.readable_bytes > 0U || rng->held.writable_bytes == 0U)) {
        ash_virtio_refuse(&rng->device, queue, rng->held.readable_bytes);
        return ASH_EGUEST;
    }
    return error;
}

static bool serve(void *ctx, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_rng *rng = ctx;
    int error = ASH_OK;

    while (budget > 0U && error == ASH_OK) {
        error = rng->held.token != 0U ? ASH_OK : take(rng, queue);
        if (error != ASH_OK) {
            rng->held.token = 0;
            break;
        }
        error = answer(rng);
        budget -= error == ASH_OK ? 1U : 0U;
    }
    ash_virtio_signal(&rng->device, queue);
    return budget == 0U || error == ASH_ENOMEM;
}

static void queue_reset(void *ctx, uint32_t queue)
{
    struct ash_virtio_rng *rng = ctx;

    (void)queue;
    rng->held.token = 0;
}

static void reset(void *ctx)
{
    queue_reset(ctx, 0);
}

/* Nothing of the request was answered yet. */
static void save(void *ctx, void *state)
{
    struct ash_virtio_rng *rng = ctx;

    (void)state;
    ASH_DISCARD(ash_virtio_put_back(&rng->device, 0, rng->held.token));
    rng->held.token = 0;
}

void ash_virtio_rng_ready(struct ash_virtio_rng *rng)
{
    ash_virtio_kick(&rng->device, 0);
}

int ash_virtio_rng_init(struct ash_virtio_rng *rng, const struct ash_virtio_rng_config *config,
                        const struct ash_virtio_site *site)
{
    static const struct ash_virtio_ops ops = {.size = sizeof(ops),
                                              .device_id = DEVICE_ID,
                                              .serve = serve,
                                              .queue_reset = queue_reset,
                                              .reset = reset,
                                              .save = save};

    if (rng == NULL || config == NULL || config->backend == NULL ||
        config->backend->size != sizeof(*config->backend) || config->backend->fill == NULL ||
        config->bytes_max == 0U) {
        return ASH_EINVAL;
    }
    rng->config = *config;
    rng->held.token = 0;
    return ash_virtio_device_init(&rng->device, site, &ops, rng, ASH_VIRTIO_RNG_QUEUES, 0, NULL, 0);
}
