/* SPDX-License-Identifier: BSD-2-Clause */
/* WFI and WFE (DDI 0487 D1.6). */
#include "common/check.h"
#include "common/guest.h"
#include "cpu/cpu.h"

static volatile uint64_t taken;
static volatile uint64_t event;

void guest_interrupt(uint32_t intid)
{
    if (intid == GUEST_VTIMER_INTID) {
        guest_sysreg_write(cntv_ctl_el0, 0);
        taken = taken + 1U;
    }
}

static uint64_t arm_timer(uint64_t *begin)
{
    uint64_t ticks = guest_sysreg_read(cntfrq_el0) / 50U;

    *begin = guest_sysreg_read(cntvct_el0);
    guest_sysreg_write(cntv_cval_el0, *begin + ticks);
    guest_sysreg_write(cntv_ctl_el0, 1);
    return ticks;
}

static bool is_expired(void)
{
    return (guest_sysreg_read(cntv_ctl_el0) & 4U) != 0U;
}

/* A pending interrupt ends WFI though PSTATE.I masks it. WFI may end early, so in a loop; it must end. */
static void check_wfi(void)
{
    uint64_t begin;
    uint64_t ticks;

    __asm__ volatile("msr daifset, #2" : : : "memory");
    for (unsigned n = 0; n < 5U; n++) {
        ticks = arm_timer(&begin);
        while (!is_expired()) {
            __asm__ volatile("wfi" : : : "memory");
        }
        check("WFI ends with a masked interrupt, in time",
              guest_sysreg_read(cntvct_el0) - begin >= ticks &&
                  guest_sysreg_read(cntvct_el0) - begin < 50U * ticks);
        check_equal("... which is not taken", taken, n);
        __asm__ volatile("wfi" : : : "memory"); /* pending already: no wait */
        guest_irq_unmask();
        check("... until it is unmasked", check_wait(&taken, n + 1U));
        __asm__ volatile("msr daifset, #2" : : : "memory");
    }
}

void waiting_secondary(uint64_t request)
{
    if (request == ASK_SEV) {
        uint64_t until = guest_sysreg_read(cntvct_el0) + guest_sysreg_read(cntfrq_el0) / 100U;

        while (guest_sysreg_read(cntvct_el0) < until) {
            __asm__ volatile("yield");
        }
        event = 1;
        __asm__ volatile("dsb ish\n\tsev" : : : "memory");
    }
}

/* SEVL: the next WFE does not wait. SEV by the other vCPU ends one that does: nothing else would, and the
 * test would run out of time. */
static void check_wfe(void)
{
    for (unsigned n = 0; n < 100U; n++) {
        __asm__ volatile("sevl\n\twfe" : : : "memory");
    }
    check("SEVL, WFE goes on", true);
    for (unsigned n = 0; n < 100U; n++) {
        __asm__ volatile("sev\n\twfe" : : : "memory");
    }
    check("so does SEV, WFE", true);
    cpu_post(ASK_SEV);
    while (event == 0U) {
        __asm__ volatile("wfe" : : : "memory");
    }
    check_equal("the other vCPU's SEV ends a WFE", event, 1);
}

void check_waiting(void)
{
    guest_gic_init();
    guest_gic_enable(GUEST_VTIMER_INTID);
    check_wfi();
    check_wfe();
}
