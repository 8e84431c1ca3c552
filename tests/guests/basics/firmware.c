/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting by firmware call, and what else the firmware says beyond starting CPUs. The other vCPU is off. */
#include "basics/basics.h"
#include "common/guest.h"

#define PSCI_CPU_SUSPEND    UINT64_C(0xc4000001)
#define PSCI_DEFAULT        UINT64_C(0xc400000c)
#define PSCI_SYSTEM_SUSPEND UINT64_C(0xc400000e)
#define PSCI_FEATURES       UINT64_C(0x8400000a)
#define TRNG_VERSION        UINT64_C(0x84000050)
#define TRNG_RND64          UINT64_C(0xc4000053)
#define HYPERVISOR_UID      UINT64_C(0x8600ff01)
#define ARCH_FEATURES       UINT64_C(0x80000001)
#define WORKAROUND_1        UINT64_C(0x80008000)
#define POWER_DOWN          0x10000U
#define INVALID_ADDRESS     (-9)
#define INVALID_PARAMETERS  (-2)
#define CONTEXT             INT64_C(0x5aa5123456789abc)
#define RTC_INTID           34U

int64_t basics_suspend(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
void basics_resume(void);

static const uint64_t resume_at = (uint64_t)(uintptr_t)basics_resume;

static uint64_t set_timer(uint64_t *start)
{
    uint64_t ticks = guest_sysreg_read(cntfrq_el0) / 50U;

    *start = guest_sysreg_read(cntvct_el0);
    guest_sysreg_write(cntv_cval_el0, *start + ticks);
    guest_sysreg_write(cntv_ctl_el0, 1);
    return ticks;
}

/** A call that waits for the timer, with IRQs masked: it takes as long, and the interrupt is taken afterwards. */
static bool waits_for_the_timer(uint64_t function, uint64_t a, uint64_t b, uint64_t c, int64_t expected)
{
    uint64_t fired = timer_interrupts();
    uint64_t start;
    uint64_t ticks;
    bool in_time;

    __asm__ volatile("msr daifset, #2");
    ticks = set_timer(&start);
    in_time = basics_suspend(function, a, b, c) == expected &&
              guest_sysreg_read(cntvct_el0) - start >= ticks && timer_interrupts() == fired;
    __asm__ volatile("msr daifclr, #2\n\tisb");
    while (in_time && timer_interrupts() == fired) {
        __asm__ volatile("yield" : : : "memory");
    }
    guest_sysreg_write(cntv_ctl_el0, 0);
    return in_time;
}

static void check_cpu_suspend(void)
{
    check("CPU_SUSPEND stands by until the timer's interrupt",
          waits_for_the_timer(PSCI_CPU_SUSPEND, 0, 0, 0, 0));
    check("CPU_SUSPEND powers down and begins at its entry",
          waits_for_the_timer(PSCI_CPU_SUSPEND, POWER_DOWN, resume_at, (uint64_t)CONTEXT, CONTEXT));
    check("CPU_DEFAULT_SUSPEND does too",
          waits_for_the_timer(PSCI_DEFAULT, resume_at, (uint64_t)CONTEXT, 0, CONTEXT));
    check("CPU_SUSPEND to outside RAM",
          guest_hvc(PSCI_CPU_SUSPEND, POWER_DOWN, 0x1000, 0) == INVALID_ADDRESS);
    check("CPU_SUSPEND with reserved bits",
          guest_hvc(PSCI_CPU_SUSPEND, 1U << 20, 0, 0) == INVALID_PARAMETERS);
}

static void check_clock(void)
{
    guest_gic_enable(RTC_INTID);
    guest_write32(GUEST_RTC + 0x1cU, 1);
    guest_write32(GUEST_RTC + 0x10U, 1);
    guest_write32(GUEST_RTC + 4U, guest_read32(GUEST_RTC) + 2U);
    while (clock_interrupts() == 0U) {
        __asm__ volatile("wfi" : : : "memory");
    }
    check("the clock's alarm ends a WFI", guest_read32(GUEST_RTC) == guest_read32(GUEST_RTC + 4U));
}

static void check_system_suspend(void)
{
    uint32_t match;

    check("SYSTEM_SUSPEND is offered", guest_hvc(PSCI_FEATURES, PSCI_SYSTEM_SUSPEND, 0, 0) == 0);
    check("SYSTEM_SUSPEND to outside RAM", guest_hvc(PSCI_SYSTEM_SUSPEND, 0x1000, 0, 0) == INVALID_ADDRESS);
    __asm__ volatile("msr daifset, #2");
    match = guest_read32(GUEST_RTC) + 2U;
    guest_write32(GUEST_RTC + 4U, match);
    check("SYSTEM_SUSPEND ends at its entry",
          basics_suspend(PSCI_SYSTEM_SUSPEND, resume_at, (uint64_t)CONTEXT, 0) == CONTEXT);
    check("... with the clock's alarm", guest_read32(GUEST_RTC) >= match && clock_interrupts() == 1U);
    check("... at EL1 with everything masked",
          guest_sysreg_read(currentel) == 4U && guest_sysreg_read(daif) == 0x3c0U);
    __asm__ volatile("msr daifclr, #2\n\tisb");
    while (clock_interrupts() == 1U) {
        __asm__ volatile("yield" : : : "memory");
    }
    check("... which is an interrupt then", true);
}

static int64_t call(uint64_t function, uint64_t argument, uint64_t result[3])
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = argument;
    register uint64_t x2 __asm__("x2") = 0;
    register uint64_t x3 __asm__("x3") = 0;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    result[0] = x1;
    result[1] = x2;
    result[2] = x3;
    return (int64_t)x0;
}

static void check_trng(void)
{
    uint64_t a[3] = {0, 0, 0};
    uint64_t b[3] = {0, 0, 0};

    check("TRNG 1.0", guest_hvc(TRNG_VERSION, 0, 0, 0) == 0x10000);
    check("TRNG_RND64 of 192 bits", call(TRNG_RND64, 192, a) == 0 && call(TRNG_RND64, 192, b) == 0);
    check("... never the same", a[0] != b[0] && a[1] != b[1] && a[2] != b[2] && a[0] != a[1] && a[1] != a[2]);
    check("TRNG_RND64 of one bit", call(TRNG_RND64, 1, a) == 0 && a[0] == 0U && a[1] == 0U && a[2] <= 1U);
    check("TRNG_RND64 of none", call(TRNG_RND64, 0, a) == INVALID_PARAMETERS);
    check("the hypervisor's UID", call(HYPERVISOR_UID, 0, a) == 0xf02f1c9b && a[2] == 0x219e1f3cU);
    check("an answer about ARCH_WORKAROUND_1", (int32_t)guest_hvc(ARCH_FEATURES, WORKAROUND_1, 0, 0) >= -1);
}

void check_firmware_calls(void)
{
    check_cpu_suspend();
    check_clock();
    check_system_suspend();
    check_trng();
}
