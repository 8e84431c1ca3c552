/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio's devices, if there are any: brought up as a driver would, or half so, with rings of anything. A device that
 * does what they say writes into scratch memory alone, or is told to write where nothing may be written. */
#include "chaos/chaos.h"
#include "common/guest.h"

#define BASE    UINT64_C(0x0a000000)
#define STEP    0x200U
#define SLOTS   8U
#define ENTRIES 16U
#define SHORT   256U /* what chaos_address() leaves room for */

/* Registers (VIRTIO 1.2, 4.2.2). */
#define FEATURES     0x020U
#define FEATURES_SEL 0x024U
#define QUEUE_SEL    0x030U
#define QUEUE_SIZE   0x038U
#define QUEUE_READY  0x044U
#define NOTIFY       0x050U
#define ACK          0x064U
#define STATUS       0x070U
#define DESC         0x080U
#define DRIVER       0x090U
#define DEVICE       0x0a0U

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

static volatile struct {
    struct descriptor desc[ENTRIES];
    uint16_t avail[3U + ENTRIES];
    uint32_t used[2U + 2U * ENTRIES] __attribute__((aligned(4)));
} ring __attribute__((aligned(16)));

static uint32_t length(void)
{
    return chaos_one_in(8) ? 0x1000000U + (uint32_t)chaos_below(0xf0000000U) : (uint32_t)chaos_below(SHORT);
}

static void fill_ring(void)
{
    for (unsigned n = 0; n < ENTRIES; n++) {
        ring.desc[n].address = chaos_address();
        ring.desc[n].length = length();
        ring.desc[n].flags = (uint16_t)(chaos_one_in(8) ? chaos_random() : chaos_below(4));
        ring.desc[n].next = (uint16_t)(chaos_one_in(8) ? chaos_random() : chaos_below(ENTRIES));
        ring.avail[2U + n] = (uint16_t)chaos_below(ENTRIES);
    }
    ring.avail[0] = (uint16_t)chaos_below(2);
    ring.avail[1] = (uint16_t)(ring.avail[1] + chaos_below(ENTRIES));
    __asm__ volatile("dmb ish" : : : "memory");
}

static void write_address(uint64_t base, uint32_t offset, const volatile void *usual)
{
    uint64_t address = chaos_one_in(16) ? chaos_address() : (uint64_t)(uintptr_t)usual;

    guest_write32(base + offset, (uint32_t)address);
    guest_write32(base + offset + 4U, (uint32_t)(address >> 32));
}

static void bring_up(uint64_t base, uint32_t queue)
{
    guest_write32(base + STATUS, 0);
    guest_write32(base + STATUS, 3);
    guest_write32(base + FEATURES_SEL, 0);
    guest_write32(base + FEATURES, chaos_one_in(2) ? 0U : (uint32_t)chaos_random() & 0x30000000U);
    guest_write32(base + FEATURES_SEL, 1);
    guest_write32(base + FEATURES, 1U + 4U * (uint32_t)chaos_below(2)); /* VERSION_1, PACKED */
    guest_write32(base + STATUS, 0xb);
    ring.avail[1] = 0;
    ring.used[0] = 0;
    guest_write32(base + QUEUE_SEL, queue);
    guest_write32(base + QUEUE_SIZE, chaos_one_in(16) ? (uint32_t)chaos_value() : ENTRIES);
    write_address(base, DESC, ring.desc);
    write_address(base, DRIVER, ring.avail);
    write_address(base, DEVICE, ring.used);
    guest_write32(base + QUEUE_READY, 1);
    guest_write32(base + STATUS, 0xf);
}

void chaos_virtio(void)
{
    const uint64_t base = BASE + STEP * chaos_below(SLOTS);
    const uint32_t queue = (uint32_t)chaos_below(3);

    if (chaos_one_in(3)) {
        bring_up(base, queue);
    }
    for (uint64_t n = chaos_below(8); n > 0U; n--) {
        fill_ring();
        guest_write32(base + NOTIFY, chaos_one_in(8) ? (uint32_t)chaos_value() : queue);
        guest_write32(base + ACK, (uint32_t)chaos_below(4));
    }
    if (chaos_one_in(8)) {
        guest_write32(base + 4U * chaos_below(STEP / 4U), (uint32_t)chaos_value());
    }
}
