/* SPDX-License-Identifier: BSD-2-Clause */
/* Stays in its timer's handler for a second before it ends the interrupt, and does so three times: who shares its CPU
 * is to have timer interrupts meanwhile, and it is to have its own afterwards. */
#include "common/guest.h"

static volatile uint64_t taken;

void guest_interrupt(uint32_t intid)
{
    uint64_t second = guest_sysreg_read(cntfrq_el0);
    uint64_t start = guest_sysreg_read(cntvct_el0);

    if (intid != GUEST_VTIMER_INTID) {
        return;
    }
    while (guest_sysreg_read(cntvct_el0) - start < second) {
        __asm__ volatile("yield");
    }
    guest_sysreg_write(cntv_cval_el0, guest_sysreg_read(cntvct_el0) + second / 100U);
    taken = taken + 1U;
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_gic_init();
    guest_gic_enable(GUEST_VTIMER_INTID);
    guest_sysreg_write(cntv_cval_el0, guest_sysreg_read(cntvct_el0));
    guest_sysreg_write(cntv_ctl_el0, 1);
    guest_irq_unmask();
    while (taken < 3U) {
        __asm__ volatile("wfi" : : : "memory");
    }
    guest_print("HOG PASS\n");
}
