/* SPDX-License-Identifier: BSD-2-Clause */
/* As many vCPUs as a VM may have: each comes, by its own affinity, and is interrupted by vCPU 0. */
#include "common/guest.h"

#define VCPUS       8U
#define SGI         3U
#define PSCI_CPU_ON UINT64_C(0xc4000003)

static volatile uint64_t here[VCPUS];        /* MPIDR_EL1 */
static volatile uint64_t interrupted[VCPUS]; /* by the SGI */

static uint64_t self(void)
{
    return guest_sysreg_read(mpidr_el1) & 0xffU;
}

void guest_interrupt(uint32_t intid)
{
    if (intid == SGI) {
        interrupted[self()] = 1;
    }
}

static void until_all_but(uint64_t first, const volatile uint64_t *words)
{
    for (uint64_t n = first; n < VCPUS; n++) {
        while (words[n] == 0U) {
            __asm__ volatile("yield" : : : "memory");
        }
    }
}

static void come(void)
{
    guest_gic_init();
    guest_gic_enable(SGI);
    guest_irq_unmask();
    here[self()] = guest_sysreg_read(mpidr_el1);
}

void guest_secondary(uint64_t number)
{
    (void)number;
    come(); /* and wait, for ever */
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    come();
    for (uint64_t n = 1; n < VCPUS; n++) {
        if (guest_hvc(PSCI_CPU_ON, n, (uint64_t)(uintptr_t)guest_secondary_start, n) != 0) {
            guest_print("CPU_ON failed\n");
        }
    }
    until_all_but(0, here);
    guest_sgi(SGI, 0xfeU);
    until_all_but(1, interrupted);
    guest_print("8 vCPUs are here, and listen\n");
}
