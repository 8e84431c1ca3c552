/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver that is an enemy: to each device of the VM, one malformed ring after the other, then everything at random
 * with a second vCPU that writes into the rings, then floods; and at random again, until three seconds are over. After
 * each the device must work as before, a disk is read. In bootargs: `siege-seconds=0x…`, `siege-seed=0x…`. */
#include "virtio/siege.h"

#include "common/check.h"
#include "common/gic.h"
#include "common/mmu.h"

#define CPU_ON  UINT64_C(0xc4000003)
#define ROUNDS  300U
#define SECONDS 3U
#define FLOODS  300U

volatile uint64_t interrupts;

#define NET_CTRL      (UINT64_C(1) << 17) /* VIRTIO_NET_F_CTRL_VQ (5.1.3) */
#define CONSOLE_PORTS (UINT64_C(1) << 1)  /* VIRTIO_CONSOLE_F_MULTIPORT (5.3.3) */

/* Every queue of every kind. */
static const struct target targets[] = {
    {VIRTIO_BLK, 0, TARGET_READS | TARGET_WRITES, 0, 0},
    {VIRTIO_RNG, 0, TARGET_WRITES, 0, 0},
    {VIRTIO_NET, 0, TARGET_WRITES | TARGET_IS_FED, 0, 1},
    {VIRTIO_NET, 1, TARGET_READS, 0, 0},
    {VIRTIO_NET, 2, TARGET_READS | TARGET_WRITES, NET_CTRL, 0},
    {VIRTIO_CONSOLE, 0, TARGET_WRITES | TARGET_IS_FED, CONSOLE_PORTS, 0},
    {VIRTIO_CONSOLE, 1, TARGET_READS, 0, 0},
    {VIRTIO_CONSOLE, 2, TARGET_WRITES | TARGET_IS_FED, CONSOLE_PORTS, 3},
    {VIRTIO_CONSOLE, 3, TARGET_READS, CONSOLE_PORTS, 0},
    {VIRTIO_CONSOLE, 5, TARGET_READS, CONSOLE_PORTS, 0},
    {VIRTIO_VSOCK, 0, TARGET_WRITES | TARGET_IS_FED, 0, 1},
    {VIRTIO_VSOCK, 1, TARGET_READS, 0, 0},
    {VIRTIO_VSOCK, 2, TARGET_WRITES | TARGET_IS_FED, 0, 0},
};

void guest_secondary(uint64_t number)
{
    (void)number;
    mmu_on();
    scribble();
}

/* "name0x…" somewhere in the device tree, whose strings are strings. 0: not there. */
static uint64_t option(uint64_t tree, const char *name)
{
    const char *bytes = (const char *)(uintptr_t)tree;
    uint32_t size = __builtin_bswap32(((const uint32_t *)(uintptr_t)tree)[1]);
    uint64_t value = 0;
    uint32_t same = 0;

    for (uint32_t at = 0; at < size && name[same] != '\0'; at++) {
        same = bytes[at] == name[same] ? same + 1U : 0U;
        tree = (uint64_t)(uintptr_t)&bytes[at + 1U];
    }
    for (const char *digit = (const char *)(uintptr_t)tree; name[same] == '\0'; digit++) {
        if (*digit >= '0' && *digit <= '9') {
            value = value * 16U + (uint64_t)(*digit - '0');
        } else if (*digit >= 'a' && *digit <= 'f') {
            value = value * 16U + (uint64_t)(*digit - 'a') + 10U;
        } else {
            break;
        }
    }
    return value;
}

static void check_still_works(uint64_t base, uint32_t device_id)
{
    if (device_id == VIRTIO_BLK && disk_open(base, 0, 0)) {
        check_equal("a disk works after all that", disk_do(BLK_IN, 0, blocks[0], SECTOR, true), BLK_OK);
    } else if (device_id == VIRTIO_RNG) {
        check_rng(base);
    }
    virtio_reset(base);
}

static void besiege(uint64_t base, const struct target *target)
{
    if ((target->what & TARGET_IS_FED) == 0U) {
        attack_rings(base, target);
        check_still_works(base, target->device_id);
    }
    check_feeder(base, target);
    attack_layouts(base, target);
    check_still_works(base, target->device_id);
    attack_at_random(base, target, ROUNDS);
    check_still_works(base, target->device_id);
    flood(base, target, FLOODS);
    check_still_works(base, target->device_id);
    check_feeder(base, target);
    check_no_fault("a device that is attacked");
}

static void harass(uint64_t base, const struct target *target)
{
    attack_at_random(base, target, ROUNDS);
    flood(base, target, FLOODS / 10U);
    check_still_works(base, target->device_id);
}

static unsigned each_device(void (*attack)(uint64_t base, const struct target *target))
{
    unsigned found = 0;

    for (unsigned n = 0; n < sizeof(targets) / sizeof(targets[0]); n++) {
        uint64_t base;

        for (unsigned nth = 0; (base = virtio_find(targets[n].device_id, nth)) != 0U; nth++) {
            attack(base, &targets[n]);
            found++;
        }
    }
    return found;
}

void guest_main(uint64_t device_tree)
{
    uint64_t seconds = option(device_tree, "siege-seconds=0x");
    uint64_t start = guest_sysreg_read(cntvct_el0);
    unsigned found;

    seconds = seconds != 0U ? seconds : SECONDS;
    siege_seed = option(device_tree, "siege-seed=0x");
    gic_v3 = guest_gic_version() == 3U;
    guest_gic_init();
    mmu_build();
    mmu_on();
    (void)guest_hvc(CPU_ON, 1, (uint64_t)(uintptr_t)guest_secondary_start, 1);
    found = each_device(besiege); /* a console says meanwhile whatever it is told */
    guest_print("\nsiege: queues ");
    guest_print_number(found);
    guest_print("\n");
    while (guest_sysreg_read(cntvct_el0) - start < seconds * guest_sysreg_read(cntfrq_el0) &&
           each_device(harass) > 0U) {
    }
    guest_print("\n");
    (void)check_end("SIEGE");
}
