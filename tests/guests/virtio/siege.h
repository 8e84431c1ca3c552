/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_VIRTIO_SIEGE_H
#define TESTS_GUESTS_VIRTIO_SIEGE_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/topic.h"

#define RAM_BASE UINT64_C(0x40000000)

/** What a device may write into. Behind it lies what it may not, whatever is asked of it. */
#define SCRATCH 0x10000U
#define SLACK   0x2000U /* the longest length that is not longer than RAM */
struct siege_memory {
    uint8_t scratch[SCRATCH + SLACK];
    uint8_t canary[4096];
};
extern struct siege_memory memory;
extern struct virtio_queue victim;

/** What a device does with a queue. */
enum {
    TARGET_WRITES = 1, /* buffers that it writes, ... */
    TARGET_READS = 2,  /* ... or reads, when it is kicked */
    TARGET_IS_FED = 4  /* when something comes for it: as what the guest sends, by queue @feeder */
};

/** A queue to attack. */
struct target {
    uint32_t device_id;
    uint32_t queue;
    unsigned what;
    uint64_t features; /* the device has the queue with these alone */
    uint32_t
        feeder; /* of the same device; of a network device, of the other one on its switch; 0: none comes */
};

/** Each malformed ring by itself: DEVICE_NEEDS_RESET, and the driver is told. Of a queue that is read when kicked. */
void attack_rings(uint64_t base, const struct target *target);
void attack_layouts(uint64_t base, const struct target *target);
/** Everything at once, at random, while another vCPU writes into the rings. */
void attack_at_random(uint64_t base, const struct target *target, unsigned rounds);
/** More notifications than anybody can serve, with rings full of requests; one that is fed has chains without a byte,
 *  as long as chains can be. */
void flood(uint64_t base, const struct target *target, unsigned rounds);

/** What a fed queue is to be fed by, once its device is open; then so much of it. */
void feeder_open(uint64_t base, const struct target *target, uint64_t features);
void feed(const struct target *target, unsigned messages);
/** And does it come? */
void check_feeder(uint64_t base, const struct target *target);
/** vCPU 1: writes into the victim's rings while @scribbling. */
_Noreturn void scribble(void);
extern volatile uint64_t scribbling;

uint64_t siege_random(void);
extern uint64_t siege_seed;

#endif
