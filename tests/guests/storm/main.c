/* SPDX-License-Identifier: BSD-2-Clause */
/* A storm: one vCPU sends SGIs to the other for four seconds, as fast as that takes them; the other does nothing else.
 * Then both rest for a second, and say how many there were. */
#include "common/gic.h"
#include "common/guest.h"

#define CPU_ON  UINT64_C(0xc4000003)
#define SECONDS 4U

static volatile uint64_t taken;
static volatile uint64_t is_up;

void guest_interrupt(uint32_t intid)
{
    taken = taken + (intid < 16U ? 1U : 0U);
}

void guest_secondary(uint64_t number)
{
    (void)number;
    guest_gic_init();
    guest_gic_enable(6);
    guest_irq_unmask();
    is_up = 1;
    for (;;) {
        __asm__ volatile("yield");
    }
}

static void send(void)
{
    if (guest_gic_version() == 3U) {
        guest_sysreg_write(S3_0_C12_C11_5, (UINT64_C(6) << 24) | (UINT64_C(1) << 1)); /* ICC_SGI1R_EL1 */
    } else {
        guest_write32(GUEST_GICD + 0xf00U, (2U << 16) | 6U); /* GICD_SGIR */
    }
}

void guest_main(uint64_t device_tree)
{
    uint64_t second = guest_sysreg_read(cntfrq_el0);
    uint64_t start;

    (void)device_tree;
    guest_gic_init();
    (void)guest_hvc(CPU_ON, 1, (uint64_t)(uintptr_t)guest_secondary_start, 1);
    while (is_up == 0U) {
        __asm__ volatile("yield");
    }
    start = guest_sysreg_read(cntvct_el0);
    while (guest_sysreg_read(cntvct_el0) - start < SECONDS * second) {
        uint64_t before = taken;

        send();
        while (taken == before && guest_sysreg_read(cntvct_el0) - start < SECONDS * second) {
            __asm__ volatile("yield");
        }
    }
    guest_print(taken > SECONDS * 10000U ? "STORM PASS\n" : "STORM is none: this machine is too slow\n");
}
