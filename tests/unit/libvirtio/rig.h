/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue between a mock driver and a test that plays the device. */
#ifndef RIG_H
#define RIG_H

#include <testkit/cmocka.h>

#include "../../fakes/mock_virtio_driver.h"

#define RIG_SEGMENTS 64U

/* All that the split ring has and that leaves the order of completions free. */
#define RIG_SPLIT_FEATURES (ASH_VIRTQ_F_INDIRECT_DESC | ASH_VIRTQ_F_EVENT_IDX)

struct rig {
    struct mock_memory mem;
    struct mock_driver drv;
    struct ash_virtq_region region;
    struct ash_virtq_slot *slots;
    struct ash_virtq_config config;
    struct ash_virtq q;
    struct ash_virtq_segment segments[RIG_SEGMENTS];
    struct ash_virtq_chain chain;
};

/* A queue that is OFF, at most @size long, and a driver with its rings written. */
void rig_prepare(struct rig *rig, unsigned size, uint64_t features);
/* The same, set up. */
void rig_open(struct rig *rig, unsigned size, uint64_t features);
void rig_close(struct rig *rig);

struct ash_virtq_segment rig_segment(uint64_t ipa, uint32_t length, bool writable);

/* Add one chain and publish it; returns its head. */
int rig_offer(struct rig *rig, const struct ash_virtq_segment *segments, unsigned count);
/* The same with one device-writable buffer of 64 bytes somewhere. */
int rig_offer_any(struct rig *rig);

/* ash_virtq_pop() into the rig's own segments and chain. */
int rig_pop(struct rig *rig);
/* Pop one that must be there, and push it back. */
void rig_serve(struct rig *rig, uint32_t written);

void rig_expect_segment(const struct rig *rig, unsigned i, uint64_t ipa, uint32_t length, bool writable);
/* The next pop breaks the queue for @reason, and so do all calls after it. */
void rig_expect_broken(struct rig *rig, enum ash_virtq_reason reason, uint32_t index, uint64_t value);

#endif
