/* SPDX-License-Identifier: BSD-2-Clause */
/* A beat a second from the virtual timer's interrupt, for ever: a neighbour that must not be disturbed. */
#include "common/guest.h"

static uint64_t period;
static uint64_t deadline;
static volatile uint64_t beats;
static volatile uint64_t late; /* beats that came when the next one was due */

void guest_interrupt(uint32_t intid)
{
    if (intid == GUEST_VTIMER_INTID) {
        beats = beats + 1U;
        late = late + (guest_sysreg_read(cntvct_el0) - deadline >= period ? 1U : 0U);
        deadline += period;
        guest_sysreg_write(cntv_cval_el0, deadline);
    }
}

void guest_main(uint64_t device_tree)
{
    uint64_t seen = 0;

    (void)device_tree;
    period = guest_sysreg_read(cntfrq_el0);
    guest_gic_init();
    guest_gic_enable(GUEST_VTIMER_INTID);
    deadline = guest_sysreg_read(cntvct_el0) + period;
    guest_sysreg_write(cntv_cval_el0, deadline);
    guest_sysreg_write(cntv_ctl_el0, 1);
    guest_irq_unmask();
    for (;;) {
        __asm__ volatile("wfi" : : : "memory");
        if (beats != seen) {
            seen = beats;
            guest_print("beat ");
            guest_print_number(seen);
            if (late != 0U) {
                guest_print(", late ");
                guest_print_number(late);
            }
            guest_print("\n");
        }
    }
}
