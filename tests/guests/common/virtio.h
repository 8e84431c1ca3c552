/* SPDX-License-Identifier: BSD-2-Clause */
/** A driver's side of virtio-mmio (VIRTIO 1.2): registers, split and packed rings. The device is trusted: what it
 *  writes is checked by who asks. Ring memory stands open, for guests that write into it what no driver may. */
#ifndef TESTS_GUESTS_COMMON_VIRTIO_H
#define TESTS_GUESTS_COMMON_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/guest.h"

#define VIRTIO_BASE  UINT64_C(0x0a000000)
#define VIRTIO_STEP  0x200U
#define VIRTIO_SLOTS 8U
#define VIRTIO_INTID 48U /* of slot 0 */
#define VIRTIO_QEMU  0x554d4551U

/* Registers (4.2.2). */
#define VIRTIO_MAGIC        0x000U
#define VIRTIO_VERSION      0x004U
#define VIRTIO_DEVICE_ID    0x008U
#define VIRTIO_VENDOR       0x00cU
#define VIRTIO_OFFERED      0x010U
#define VIRTIO_OFFERED_SEL  0x014U
#define VIRTIO_ACCEPTED     0x020U
#define VIRTIO_ACCEPTED_SEL 0x024U
#define VIRTIO_QUEUE_SEL    0x030U
#define VIRTIO_QUEUE_MAX    0x034U
#define VIRTIO_QUEUE_SIZE   0x038U
#define VIRTIO_QUEUE_READY  0x044U
#define VIRTIO_NOTIFY       0x050U
#define VIRTIO_ISR          0x060U
#define VIRTIO_ACK          0x064U
#define VIRTIO_STATUS       0x070U
#define VIRTIO_QUEUE_DESC   0x080U
#define VIRTIO_QUEUE_DRIVER 0x090U
#define VIRTIO_QUEUE_DEVICE 0x0a0U
#define VIRTIO_SHM_SEL      0x0acU
#define VIRTIO_SHM_LENGTH   0x0b0U
#define VIRTIO_QUEUE_RESET  0x0c0U
#define VIRTIO_GENERATION   0x0fcU
#define VIRTIO_CONFIG       0x100U

/* Status (2.1). */
#define VIRTIO_ACKNOWLEDGE 1U
#define VIRTIO_DRIVER      2U
#define VIRTIO_DRIVER_OK   4U
#define VIRTIO_FEATURES_OK 8U
#define VIRTIO_NEEDS_RESET 64U
#define VIRTIO_FAILED      128U

/* Features (6). */
#define VIRTIO_F_INDIRECT        (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT           (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1       (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)
#define VIRTIO_F_PACKED          (UINT64_C(1) << 34)
#define VIRTIO_F_IN_ORDER        (UINT64_C(1) << 35)
#define VIRTIO_F_RING_RESET      (UINT64_C(1) << 40)
/* Those that say how rings look. */
#define VIRTIO_RING_FEATURES (VIRTIO_F_INDIRECT | VIRTIO_F_EVENT | VIRTIO_F_PACKED)

#define VIRTIO_NET     1U
#define VIRTIO_BLK     2U
#define VIRTIO_CONSOLE 3U
#define VIRTIO_RNG     4U
#define VIRTIO_VSOCK   19U

/* Descriptors (2.7.5, 2.8.13). */
#define VIRTIO_D_NEXT     1U
#define VIRTIO_D_WRITE    2U
#define VIRTIO_D_INDIRECT 4U
#define VIRTIO_D_AVAIL    0x80U
#define VIRTIO_D_USED     0x8000U

#define VIRTIO_RING  64U /* the largest queue of this driver */
#define VIRTIO_TABLE 16U /* the largest indirect table */

struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags; /* of a packed ring: Buffer ID */
    uint16_t next;  /* of a packed ring: flags */
};

struct virtio_queue {
    volatile struct virtio_descriptor desc[VIRTIO_RING] __attribute__((aligned(16)));
    volatile struct virtio_descriptor tables[VIRTIO_RING][VIRTIO_TABLE] __attribute__((aligned(16)));
    volatile uint16_t avail[3U + VIRTIO_RING] __attribute__((aligned(4))); /* flags, idx, ring, used_event */
    volatile uint32_t used[2U + 2U * VIRTIO_RING]
        __attribute__((aligned(4))); /* flags and idx, ring, avail_event */
    uint64_t base;
    uint64_t features;
    uint32_t number;
    uint16_t size;
    uint16_t free_count; /* of descriptors */
    uint16_t free[VIRTIO_RING];
    uint16_t ids_free; /* packed: of Buffer IDs */
    uint16_t ids[VIRTIO_RING];
    uint16_t counts[VIRTIO_RING]; /* descriptors of each chain, by its head or ID */
    uint16_t next;                /* split: idx; packed: index, with @wrap */
    uint16_t kicked;              /* @next at the last kick */
    uint16_t taken;               /* split: of the used ring; packed: index, with @taken_wrap */
    bool wrap;
    bool taken_wrap;
    bool kicked_wrap;
    bool wants_interrupts;
};

/** One piece of a request; those that the device writes last. */
struct virtio_piece {
    const volatile void *at;
    uint32_t length;
    bool writable;
};

static inline uint32_t virtio_read(uint64_t base, uint32_t offset)
{
    return guest_read32(base + offset);
}

static inline void virtio_write(uint64_t base, uint32_t offset, uint32_t value)
{
    guest_write32(base + offset, value);
}

/** The base of the @nth device of that kind; 0: there is none. */
uint64_t virtio_find(uint32_t device_id, unsigned nth);
static inline uint32_t virtio_intid(uint64_t base)
{
    return VIRTIO_INTID + (uint32_t)((base - VIRTIO_BASE) / VIRTIO_STEP);
}

/** Status 0, and until it reads so. */
void virtio_reset(uint64_t base);
uint64_t virtio_offered(uint64_t base);
void virtio_accept(uint64_t base, uint64_t features);
/** Reset, ACKNOWLEDGE, DRIVER, and of @wanted what is offered, with VERSION_1. False: FEATURES_OK is refused. */
bool virtio_open(uint64_t base, uint64_t wanted, uint64_t *features);
/** Queue @number of @size entries (0: the most that both have), empty, READY; its interrupts wanted. */
bool virtio_queue_open(struct virtio_queue *q, uint64_t base, uint32_t number, uint32_t size,
                       uint64_t features);
/** As virtio_queue_open() without the registers, and the registers without it. */
void virtio_queue_clear(struct virtio_queue *q, uint64_t base, uint32_t number, uint32_t size,
                        uint64_t features);
void virtio_queue_tell(const struct virtio_queue *q, uint32_t size, uint64_t desc, uint64_t driver,
                       uint64_t device);
/** DRIVER_OK. */
void virtio_start(uint64_t base);

/** A request of @count pieces, offered at once; in an indirect table if that is negotiated and there are more than one.
 *  *id names it when it comes back. False: no room. */
bool virtio_add(struct virtio_queue *q, const struct virtio_piece *pieces, unsigned count, uint16_t *id);
/** Tell the device of what was added since, if it wants to know. True: told. */
bool virtio_kick(struct virtio_queue *q);
static inline void virtio_notify(const struct virtio_queue *q)
{
    virtio_write(q->base, VIRTIO_NOTIFY, q->number);
}

/** The next one that the device gave back; false: none. */
bool virtio_take(struct virtio_queue *q, uint16_t *id, uint32_t *written);
/** The same, for 20 s at most. */
bool virtio_wait(struct virtio_queue *q, uint16_t *id, uint32_t *written);
/** Interrupts for what is used from now on, or none. */
void virtio_interrupts(struct virtio_queue *q, bool wanted);

/** Writes of a device or a driver before this are seen before those after it. */
static inline void virtio_barrier(void)
{
    __asm__ volatile("dmb ish" : : : "memory");
}

#endif
