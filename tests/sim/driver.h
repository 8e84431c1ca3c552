/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's virtio driver on the simulated machine: registers by the real access path, split rings in the guest's RAM.
 *  Written from VIRTIO 1.2, 2.7 and 4.2, not from libvirtio. Nothing here waits. */
#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include "rig.h"

#define SIM_QUEUE_SIZE  128U
#define SIM_QUEUE_BYTES 0x2000U /* of RAM, for one's rings */

/* VIRTIO 1.2, 4.2.2. */
enum {
    SIM_MAGIC = 0x000,
    SIM_DEVICE_ID = 0x008,
    SIM_QUEUE_NOTIFY = 0x050,
    SIM_INTERRUPT_STATUS = 0x060,
    SIM_INTERRUPT_ACK = 0x064,
    SIM_STATUS = 0x070,
    SIM_CONFIG = 0x100
};

struct sim_queue {
    uint64_t device;  /* IPA of its registers */
    unsigned queue;   /* which of its */
    uint64_t at;      /* IPA of the rings */
    uint16_t size;    /* entries: SIM_QUEUE_SIZE, or as many as the device has */
    uint16_t added;   /* chains, ever */
    uint16_t seen;    /* of them, those found used */
    uint16_t next;    /* the descriptor that the next chain begins with */
    unsigned notices; /* how often the instruction that kicks was run */
};

struct sim_segment {
    uint64_t ipa;
    uint32_t length;
    bool writable;
};

/** IPA of @offset bytes into RAM, and of the registers of virtio device @index. */
uint64_t sim_ram(const struct hv_vcpu *vcpu, uint64_t offset);
uint64_t sim_virtio(unsigned index);

/** Does the device offer feature @bit? */
bool sim_offers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t device, unsigned bit);
/** Reset the device, take VERSION_1 and @features of what it offers, FEATURES_OK. */
void sim_driver_begin(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t device, uint64_t features);
/** Lay queue @number out at @offset bytes into RAM, zeroed, and make it ready. */
void sim_driver_queue(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue, uint64_t device,
                      unsigned number, uint64_t offset);
/** DRIVER_OK. */
void sim_driver_ok(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t device);

/** Make a chain available whose descriptors begin with @head. */
void sim_queue_offer(struct hv_vcpu *vcpu, struct sim_queue *queue, unsigned head,
                     const struct sim_segment *segments, unsigned count);
/** The same wherever the last one ended: its head. At most queue->size descriptors are in use. */
unsigned sim_queue_add(struct hv_vcpu *vcpu, struct sim_queue *queue, const struct sim_segment *segments,
                       unsigned count);
/** QueueNotify, again for as long as hv says so. */
void sim_queue_kick(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue);
/** The same once. True: it is done, false: run it again. */
bool sim_queue_kick_once(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue);
/** The next used chain's head and length. */
bool sim_queue_used(struct hv_vcpu *vcpu, struct sim_queue *queue, uint32_t *head, uint32_t *length);

#endif
