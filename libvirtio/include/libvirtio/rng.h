/* SPDX-License-Identifier: BSD-2-Clause */
/** Entropy device (VIRTIO 1.2, 5.4): fills the driver's buffers with random bytes. The smallest device
 *  there is; docs/virtio-device.md walks through its source. */
#ifndef LIBVIRTIO_RNG_H
#define LIBVIRTIO_RNG_H

#include <libvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_RNG_QUEUES 1U

struct ash_virtio_rng_backend {
    size_t size; /* sizeof(struct ash_virtio_rng_backend) */

    /** Up to @size random bytes to @bytes; returns how many, 0: none now (say so with
     *  ash_virtio_rng_ready() later).
     *  Context: within ash_virtio_run(), the device's lock held; must not call back. */
    uint32_t (*fill)(void *ctx, void *bytes, uint32_t size);
};

struct ash_virtio_rng_config {
    const struct ash_virtio_rng_backend *backend;
    void *backend_ctx;
    uint32_t bytes_max; /* of one request; the driver asks again for more. > 0 */
};

struct ash_virtio_rng {
    struct ash_virtio_device device; /* for the transport and ash_virtio_run() */
    struct ash_virtio_rng_config config;
    struct ash_virtio_request held; /* taken when there was no entropy; token 0: none */
};

/** Returns ASH_OK or ASH_EINVAL: as ash_virtio_device_init(); a NULL, the size field, bytes_max. */
int ash_virtio_rng_init(struct ash_virtio_rng *rng, const struct ash_virtio_rng_config *config,
                        const struct ash_virtio_site *site) ASH_NODISCARD;

/** There is entropy again: then ash_virtio_run(). Lock domain: the device. */
void ash_virtio_rng_ready(struct ash_virtio_rng *rng);

#ifdef __cplusplus
}
#endif

#endif
