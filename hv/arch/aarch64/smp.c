/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs on, machine off: PSCI of the firmware (DEN0022) by SMC, and SGIs between CPUs. */
#include <libbase/bits.h>
#include <libbase/errors.h>

#include "arch/aarch64/cache.h"
#include "arch/aarch64/image.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/platform.h"
#include "arch/aarch64/spin_table.h"
#include "arch/aarch64/sysreg.h"
#include "arch/arch.h"
#include "core/cpu.h"
#include "core/hv.h"
#include "drivers/bcm2835_pm.h"

#define PSCI_CPU_ON64     UINT64_C(0xc4000003)
#define PSCI_SYSTEM_OFF   UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET UINT64_C(0x84000009)
#define SMCCC_64          UINT64_C(0x40000000)

extern struct hv_boot_registers hv_boot_registers;

/** SMCCC 1.0: x0..x3 are results, x4..x17 may be clobbered (DEN0028 2.6). */
int64_t hv_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "memory");
    return (int64_t)x0;
}

/** Without it SMC is UNDEFINED (DDI 0487 C6.2 "SMC"); an emulator may answer PSCI's numbers all the same. */
static bool has_el3(void)
{
    return ash_field(hv_sysreg_read(id_aa64pfr0_el1), 15, 12) != 0U;
}

void hv_arch_smc(uint64_t x[18])
{
    register uint64_t *registers __asm__("x19") = x;

    if (!has_el3() || !hv_platform.has_psci) { /* what answers SMCs at all answers PSCI's */
        x[0] = (x[0] & SMCCC_64) != 0U ? UINT64_MAX
                                       : UINT32_MAX; /* NOT_SUPPORTED, as from a firmware that is there */
        return;
    }
    __asm__ volatile("ldp x0, x1, [%0]\n\t"
                     "ldp x2, x3, [%0, #16]\n\t"
                     "ldp x4, x5, [%0, #32]\n\t"
                     "ldp x6, x7, [%0, #48]\n\t"
                     "ldp x8, x9, [%0, #64]\n\t"
                     "ldp x10, x11, [%0, #80]\n\t"
                     "ldp x12, x13, [%0, #96]\n\t"
                     "ldp x14, x15, [%0, #112]\n\t"
                     "ldp x16, x17, [%0, #128]\n\t"
                     "smc #0\n\t"
                     "stp x0, x1, [%0]\n\t"
                     "stp x2, x3, [%0, #16]\n\t"
                     "stp x4, x5, [%0, #32]\n\t"
                     "stp x6, x7, [%0, #48]\n\t"
                     "stp x8, x9, [%0, #64]\n\t"
                     "stp x10, x11, [%0, #80]\n\t"
                     "stp x12, x13, [%0, #96]\n\t"
                     "stp x14, x15, [%0, #112]\n\t"
                     "stp x16, x17, [%0, #128]"
                     :
                     : "r"(registers)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "memory");
}

int hv_arch_cpu_start(struct hv_cpu *cpu)
{
    int64_t result;

    /* It starts with its MMU off: what it reads until then is in memory, not in this CPU's cache. */
    hv_cache_clean_invalidate(&hv_boot_registers, sizeof(hv_boot_registers));
    hv_cache_clean_invalidate(cpu, sizeof(*cpu));
#if HV_DRIVER_SPIN_TABLE
    if (cpu->release_address != 0U) {
        return hv_spin_table_start(cpu);
    }
#endif
    if (!hv_platform.has_psci) {
        return ASH_ENOTSUP;
    }
    result =
        hv_smc(PSCI_CPU_ON64, cpu->mpidr, (uint64_t)(uintptr_t)hv_secondary_entry, (uint64_t)(uintptr_t)cpu);
    switch (result) {
    case 0:
        return ASH_OK;
    case -2: /* INVALID_PARAMETERS */
        return ASH_EINVAL;
    case -4: /* ALREADY_ON */
    case -5: /* ON_PENDING */
        return ASH_EBUSY;
    default:
        return ASH_EPERM;
    }
}

void hv_arch_power_off(void)
{
    hv_uart_flush(&hv_platform.uart);
    if (hv_platform.has_psci) {
        (void)hv_smc(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
#if HV_DRIVER_BCM2835_PM
    hv_bcm2835_pm_power_off(hv_platform.bcm_pm);
#endif
}

void hv_arch_reset(void)
{
    hv_uart_flush(&hv_platform.uart);
    if (hv_platform.has_psci) {
        (void)hv_smc(PSCI_SYSTEM_RESET, 0, 0, 0);
    }
#if HV_DRIVER_BCM2835_PM
    hv_bcm2835_pm_reset(hv_platform.bcm_pm);
    for (uint64_t end = hv_arch_ticks() + hv_arch_ticks_per_second(); hv_arch_ticks() < end;) {
        hv_arch_relax(); /* it takes effect when the watchdog has counted down */
    }
#endif
}

void hv_arch_halt(void)
{
    for (;;) {
        __asm__ volatile("wfi" : : : "memory");
    }
}

void hv_arch_kick(struct hv_cpu *cpu)
{
    hv_gic_send_sgi(&hv_platform.gic, cpu, HV_GIC_SGI_KICK);
}

void hv_arch_stop_others(struct hv_cpu *cpu)
{
    for (uint32_t i = 0; i < cpu->hv->cpus; i++) {
        struct hv_cpu *other = cpu->hv->cpu[i];
        if (other != cpu && other->online != 0U) {
            hv_cpu_post(other, HV_REQUEST_HALT);
        }
    }
}

void hv_arch_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}

uint64_t hv_arch_ticks(void)
{
    /* Not before earlier instructions ("The Generic Timer in AArch64 state"). */
    hv_isb();
    return hv_sysreg_read(cntpct_el0);
}

uint64_t hv_arch_ticks_per_second(void)
{
    return hv_sysreg_read(cntfrq_el0);
}
