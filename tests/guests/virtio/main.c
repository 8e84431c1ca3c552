/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of our own for virtio's devices: what the specification promises it. Disks are known by their serial:
 * "disk" is written to, "readonly" is not. On any device that keeps to VIRTIO 1.2: what is left open there is checked
 * of hv's alone. */
#include "virtio/topic.h"

#include "common/check.h"
#include "common/gic.h"
#include "common/mmu.h"

volatile uint64_t interrupts;
static uint64_t interrupting; /* the device */

void guest_interrupt(uint32_t intid)
{
    if (interrupting != 0U && intid == virtio_intid(interrupting)) {
        virtio_write(interrupting, VIRTIO_ACK, virtio_read(interrupting, VIRTIO_ISR));
        interrupts = interrupts + 1U;
    }
}

static void listen_to(uint64_t base)
{
    const uint32_t group = 0x80U + 4U * (virtio_intid(base) / 32U);

    interrupting = base;
    if (gic_v3) { /* QEMU's interrupts begin in Group 0 */
        guest_write32(GUEST_GICD + group, UINT32_MAX);
    }
    guest_gic_enable(virtio_intid(base));
    guest_irq_unmask();
}

static void listen_no_more(void)
{
    __asm__ volatile("msr daifset, #2" : : : "memory");
    gic_bit(GIC_DISABLE, virtio_intid(interrupting));
    interrupting = 0;
}

void check_rng(uint64_t base)
{
    static struct virtio_queue q;
    uint64_t features;
    uint32_t written = 0;
    uint16_t id = 0;
    const struct virtio_piece piece = {blocks[0], 64, true};
    uint64_t last = 0;

    for (unsigned mode = 0; mode < RING_MODES; mode++) {
        uint64_t all = 0;

        check("an entropy device comes up",
              virtio_open(base, ring_modes[mode], &features) && virtio_queue_open(&q, base, 0, 0, features));
        virtio_start(base);
        mark(blocks[0], BLOCK, 0);
        (void)virtio_add(&q, &piece, 1, &id);
        (void)virtio_kick(&q);
        check("entropy comes", virtio_wait(&q, &id, &written));
        check("some, and no more than asked for", written > 0U && written <= 64U);
        for (unsigned n = 0; n < 8U; n++) {
            all ^= ((uint64_t *)(uintptr_t)blocks[0])[n];
        }
        check("it is another one each time", all != last);
        last = all;
        check("behind it nothing changes", is_marked(blocks[0] + 64, BLOCK - 64U, 8));
    }
    virtio_reset(base);
}

static void check_disks(void)
{
    uint64_t base;
    unsigned n;

    for (n = 0; (base = virtio_find(VIRTIO_BLK, n)) != 0U; n++) {
        check_registers(base);
        check_negotiation(base);
        if (disk_is(base, "disk")) {
            listen_to(base);
            check_disk(base);
            listen_no_more();
        } else {
            check("a disk with a serial that we know", disk_is(base, "readonly"));
            check_read_only(base);
        }
        check_no_fault("a disk");
    }
    check_equal("there are two disks", n, 2);
}

void guest_main(uint64_t device_tree)
{
    uint64_t base;

    (void)device_tree;
    gic_v3 = guest_gic_version() == 3U;
    guest_gic_init();
    mmu_build();
    mmu_on();
    check_disks();
    base = virtio_find(VIRTIO_RNG, 0);
    check("there is an entropy device", base != 0U);
    if (base != 0U) {
        check_registers(base);
        check_negotiation(base);
        check_rng(base);
    }
    check_no_fault("an entropy device");
    for (uint64_t slot = 0; slot < VIRTIO_SLOTS; slot++) {
        base = VIRTIO_BASE + slot * VIRTIO_STEP;
        if (virtio_read(base, VIRTIO_DEVICE_ID) == 0U) {
            check_empty_slot(base);
        }
    }
    (void)check_end("VIRTIO");
}
