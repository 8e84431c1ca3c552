/* SPDX-License-Identifier: BSD-2-Clause */
/* How late its virtual timer's interrupt comes: a tick every 20 ms at fixed times, so that what is missed is counted.
 * Each second: `ticks 50, late 0, worst 37 us`, since the start. Late: when the next one was due already. The ticks are
 * those that were due, handled or not. For ever. */
#include "common/guest.h"

#define TICKS 50U /* a second */

static uint64_t period;
static uint64_t deadline;
static volatile uint64_t ticks;
static volatile uint64_t late;
static volatile uint64_t worst;

void guest_interrupt(uint32_t intid)
{
    uint64_t now = guest_sysreg_read(cntvct_el0);

    if (intid != GUEST_VTIMER_INTID || now < deadline) {
        return;
    }
    worst = now - deadline > worst ? now - deadline : worst;
    ticks = ticks + 1U;
    deadline += period;
    while (deadline <= now) {
        ticks = ticks + 1U;
        late = late + 1U;
        deadline += period;
    }
    guest_sysreg_write(cntv_cval_el0, deadline);
}

void guest_main(uint64_t device_tree)
{
    uint64_t frequency = guest_sysreg_read(cntfrq_el0);
    uint64_t second = 1;

    (void)device_tree;
    period = frequency / TICKS;
    guest_gic_init();
    guest_gic_enable(GUEST_VTIMER_INTID);
    deadline = guest_sysreg_read(cntvct_el0) + period;
    guest_sysreg_write(cntv_cval_el0, deadline);
    guest_sysreg_write(cntv_ctl_el0, 1);
    guest_irq_unmask();
    for (;;) {
        __asm__ volatile("wfi" : : : "memory");
        if (ticks >= second * TICKS) {
            second = ticks / TICKS + 1U;
            guest_print("ticks ");
            guest_print_number(ticks);
            guest_print(", late ");
            guest_print_number(late);
            guest_print(", worst ");
            guest_print_number(worst * 1000000U / frequency);
            guest_print(" us\n");
        }
    }
}
