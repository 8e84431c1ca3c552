/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting by firmware call. DEN0022 5.4, 5.11, 5.20, 6.2. The other vCPUs are off. */
#include "common/check.h"
#include "common/guest.h"
#include "psci/psci.h"

#define POWER_DOWN 0x10000U
#define CONTEXT    INT64_C(0x5aa5123456789abc)

int64_t psci_suspend(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
void psci_resume(void);

static const uint64_t resume_at = (uint64_t)(uintptr_t)psci_resume;

static uint64_t set_timer(uint64_t *start)
{
    uint64_t ticks = guest_sysreg_read(cntfrq_el0) / 50U;

    *start = guest_sysreg_read(cntvct_el0);
    guest_sysreg_write(cntv_cval_el0, *start + ticks);
    guest_sysreg_write(cntv_ctl_el0, 1);
    return ticks;
}

/** A call that waits for the timer, with IRQs masked: it takes as long, and the interrupt is taken afterwards. */
static void check_waits(const char *name, uint64_t function, uint64_t a, uint64_t b, uint64_t c,
                        int64_t wanted)
{
    uint64_t fired = psci_taken(GUEST_VTIMER_INTID);
    uint64_t start;
    uint64_t ticks;

    __asm__ volatile("msr daifset, #2");
    ticks = set_timer(&start);
    check_equal(name, (uint64_t)psci_suspend(function, a, b, c), (uint64_t)wanted);
    check("... for the timer", guest_sysreg_read(cntvct_el0) - start >= ticks);
    check("... whose interrupt comes afterwards", psci_taken(GUEST_VTIMER_INTID) == fired);
    __asm__ volatile("msr daifclr, #2\n\tisb");
    while (psci_taken(GUEST_VTIMER_INTID) == fired) {
        __asm__ volatile("yield" : : : "memory");
    }
    guest_sysreg_write(cntv_ctl_el0, 0);
}

/** An interrupt that is pending already: no waiting at all. */
static void check_pending(void)
{
    uint64_t taken = psci_taken(PSCI_SGI);

    __asm__ volatile("msr daifset, #2");
    guest_sgi(PSCI_SGI, 1);
    check_equal("standby with an SGI pending", (uint64_t)psci_suspend(PSCI_CPU_SUSPEND, 0, 0, 0), SUCCESS);
    check_equal("power-down with an SGI pending",
                (uint64_t)psci_suspend(PSCI_CPU_SUSPEND, POWER_DOWN, resume_at, 77), 77);
    check("it is still pending", psci_taken(PSCI_SGI) == taken);
    __asm__ volatile("msr daifclr, #2\n\tisb");
    while (psci_taken(PSCI_SGI) == taken) {
        __asm__ volatile("yield" : : : "memory");
    }
}

static void check_cpu_suspend(void)
{
    check_waits("CPU_SUSPEND, standby", PSCI_CPU_SUSPEND, 0, 0, 0, SUCCESS);
    check_waits("CPU_SUSPEND by its 32-bit id, standby", PSCI(1), 0, 0, 0, SUCCESS);
    check_waits("CPU_SUSPEND, power-down: at its entry", PSCI_CPU_SUSPEND, POWER_DOWN, resume_at,
                (uint64_t)CONTEXT, CONTEXT);
    check_waits("CPU_SUSPEND by its 32-bit id, power-down", PSCI(1), POWER_DOWN, resume_at, (uint64_t)CONTEXT,
                CONTEXT & UINT32_MAX);
    check_waits("CPU_DEFAULT_SUSPEND: at its entry", PSCI_DEFAULT, resume_at, (uint64_t)CONTEXT, 0, CONTEXT);
    check_equal("CPU_SUSPEND to outside RAM",
                (uint64_t)guest_hvc(PSCI_CPU_SUSPEND, POWER_DOWN, PSCI_OUTSIDE, 0),
                (uint64_t)INVALID_ADDRESS);
    check_equal("CPU_SUSPEND with a reserved bit", (uint64_t)guest_hvc(PSCI_CPU_SUSPEND, 1U << 20, 0, 0),
                (uint64_t)INVALID_PARAMETERS);
    check_equal("CPU_DEFAULT_SUSPEND to outside RAM", (uint64_t)guest_hvc(PSCI_DEFAULT, PSCI_OUTSIDE, 0, 0),
                (uint64_t)INVALID_ADDRESS);
    check_pending();
}

static void check_system_suspend(void)
{
    uint64_t alarms = PSCI_ALARMS;
    uint32_t match;

    check_equal("SYSTEM_SUSPEND to outside RAM", (uint64_t)guest_hvc(PSCI_SYSTEM_SUSPEND, PSCI_OUTSIDE, 0, 0),
                (uint64_t)INVALID_ADDRESS);
    __asm__ volatile("msr daifset, #2");
    guest_gic_enable(PSCI_RTC_IRQ);
    guest_write32(GUEST_RTC + 0x1cU, 1);
    guest_write32(GUEST_RTC + 0x10U, 1);
    match = guest_read32(GUEST_RTC) + 2U;
    guest_write32(GUEST_RTC + 4U, match);
    check_equal("SYSTEM_SUSPEND ends at its entry",
                (uint64_t)psci_suspend(PSCI_SYSTEM_SUSPEND, resume_at, (uint64_t)CONTEXT, 0),
                (uint64_t)CONTEXT);
    check("... with the clock's alarm", guest_read32(GUEST_RTC) >= match && PSCI_ALARMS == alarms);
    check_equal("... at EL1", guest_sysreg_read(currentel), 4);
    check_equal("... with everything masked", guest_sysreg_read(daif), 0x3c0);
    __asm__ volatile("msr daifclr, #2\n\tisb");
    while (PSCI_ALARMS == alarms) {
        __asm__ volatile("yield" : : : "memory");
    }
}

void psci_check_suspend(void)
{
    check_cpu_suspend();
    check_system_suspend();
}
