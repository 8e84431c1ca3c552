/* SPDX-License-Identifier: BSD-2-Clause */
/* A storm: for four seconds vCPU 0 sends fifteen SGIs to vCPU 1, which answers the last of them with one, and so on.
 * Then it says how many there were. */
#include "common/gic.h"
#include "common/guest.h"

#define CPU_ON  UINT64_C(0xc4000003)
#define SECONDS 4U
#define LAST    14U /* of those that are sent */

static volatile uint64_t taken[2];
static volatile uint64_t is_up;

static void send(uint64_t sgi, uint64_t to)
{
    if (guest_gic_version() == 3U) {
        guest_sysreg_write(S3_0_C12_C11_5, (sgi << 24) | (UINT64_C(1) << to)); /* ICC_SGI1R_EL1 */
    } else {
        guest_write32(GUEST_GICD + 0xf00U, (uint32_t)((UINT64_C(0x10000) << to) | sgi)); /* GICD_SGIR */
    }
}

static void send_all(void)
{
    for (uint64_t sgi = 0; sgi <= LAST; sgi++) {
        send(sgi, 1);
    }
}

void guest_interrupt(uint32_t intid)
{
    uint64_t self = guest_sysreg_read(mpidr_el1) & 1U;

    taken[self] = taken[self] + 1U;
    if (self == 0U) {
        send_all();
    } else if ((intid & 0x3ffU) == LAST) {
        send(LAST, 0);
    }
}

static void start(void)
{
    guest_gic_init();
    for (uint32_t sgi = 0; sgi <= LAST; sgi++) {
        guest_gic_enable(sgi);
    }
    guest_irq_unmask();
}

void guest_secondary(uint64_t number)
{
    (void)number;
    start();
    is_up = 1;
    for (;;) {
        __asm__ volatile("wfi" : : : "memory");
    }
}

void guest_main(uint64_t device_tree)
{
    uint64_t second = guest_sysreg_read(cntfrq_el0);
    uint64_t begin;

    (void)device_tree;
    start();
    (void)guest_hvc(CPU_ON, 1, (uint64_t)(uintptr_t)guest_secondary_start, 1);
    while (is_up == 0U) {
        __asm__ volatile("yield");
    }
    begin = guest_sysreg_read(cntvct_el0);
    send_all();
    while (guest_sysreg_read(cntvct_el0) - begin < SECONDS * second) {
        __asm__ volatile("wfi" : : : "memory");
    }
    guest_print("SGIs: ");
    guest_print_number(taken[0] + taken[1]);
    guest_print("\n");
}
