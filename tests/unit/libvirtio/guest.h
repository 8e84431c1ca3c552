/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest with one virtio-mmio device: a driver that finds it, negotiates and sets up its queues by the
 * registers (VIRTIO 1.2, 3.1.1 and 4.2.3), and a mock driver for each queue. */
#ifndef GUEST_H
#define GUEST_H

#include <testkit/cmocka.h>

#include <libvirtio/mmio.h>

#include "../../fakes/mock_virtio_driver.h"

#define GUEST_QUEUES 12U
#define GUEST_SIZE   128U /* of each queue */

struct guest {
    struct mock_memory mem;
    struct ash_virtq_region region;
    struct ash_virtio_hal hal;
    struct ash_virtio_queue queues[GUEST_QUEUES];
    struct ash_virtq_slot *slots; /* of all, on the heap */
    struct ash_virtio_site site;
    struct ash_virtio_mmio mmio;
    struct mock_driver drivers[GUEST_QUEUES];
    bool driver_up[GUEST_QUEUES];
    uint64_t features;
    bool line; /* the interrupt */
    unsigned edges;
};

/* Everything for a device of @queues queues: then the device's own init with guest->site, then
 * guest_attach(). */
void guest_prepare(struct guest *guest, unsigned queues, uint64_t ring_features);
void guest_attach(struct guest *guest, struct ash_virtio_device *device);
void guest_close(struct guest *guest);

/* After so many calls of map() from now on it fails, and every use of the guest's memory asks it; < 0: never. */
void guest_fail_map(struct guest *guest, int after);

uint32_t guest_read(const struct guest *guest, uint64_t offset);
void guest_write(struct guest *guest, uint64_t offset, uint32_t value);

/* From reset to DRIVER_OK with those of @wanted that the device offers. */
void guest_start(struct guest *guest, uint64_t wanted);
/* Its parts: until FEATURES_OK (true: it stayed set), one queue, a reset. */
bool guest_negotiate(struct guest *guest, uint64_t features);
uint64_t guest_offered(struct guest *guest);
void guest_set_up_queue(struct guest *guest, unsigned queue);
void guest_reset(struct guest *guest);

/* A buffer in guest memory, zeroed; its bytes. */
struct ash_virtq_segment guest_buffer(struct guest *guest, uint32_t size, bool writable);
void *guest_bytes(const struct guest *guest, struct ash_virtq_segment segment);

/* Offer a chain and kick. Returns its head. */
int guest_send(struct guest *guest, unsigned queue, const struct ash_virtq_segment *segments, unsigned count);
/* Run the device until it has nothing to do; returns the number of calls of ash_virtio_run(). */
unsigned guest_run(struct guest *guest, uint32_t budget);
/* The next used chain, which must be there; what was written. */
uint32_t guest_take(struct guest *guest, unsigned queue, int head);
bool guest_has_used(struct guest *guest, unsigned queue, struct mock_used *used);

#endif
