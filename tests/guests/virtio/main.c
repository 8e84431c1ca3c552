/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of our own for virtio's devices: what the specification promises it. Disks are known by their serial:
 * "disk" is written to, "readonly" is not, "lives" outlives the guest. On any device that keeps to VIRTIO 1.2: what is
 * left open there is checked of hv's alone. */
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

static void check_disks(void)
{
    uint64_t base;
    unsigned n;

    for (n = 0; (base = virtio_find(VIRTIO_BLK, n)) != 0U; n++) {
        check_registers(base);
        check_negotiation(base);
        if (disk_is(base, "lives")) {
            check_lives(base);
        } else if (disk_is(base, "disk")) {
            listen_to(base);
            check_disk(base);
            listen_no_more();
        } else {
            check("a disk with a serial that we know", disk_is(base, "readonly"));
            check_read_only(base);
        }
        check_no_fault("a disk");
    }
    check_equal("there are three disks", n, 3);
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
