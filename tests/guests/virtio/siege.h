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

/** A device to attack, and its queue that is read when it is kicked. */
struct target {
    uint32_t device_id;
    uint32_t queue;
};

/** Each malformed ring by itself: DEVICE_NEEDS_RESET, and the driver is told. */
void attack_rings(uint64_t base, uint32_t queue);
void attack_layouts(uint64_t base, uint32_t queue);
/** Everything at once, at random, while another vCPU writes into the rings. */
void attack_at_random(uint64_t base, uint32_t queue, unsigned rounds);
/** More notifications than anybody can serve, with rings full of requests. */
void flood(uint64_t base, uint32_t queue, unsigned rounds);
/** vCPU 1: writes into the victim's rings while @scribbling. */
_Noreturn void scribble(void);
extern volatile uint64_t scribbling;

uint64_t siege_random(void);
extern uint64_t siege_seed;

#endif
