/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets itself ten times a second, for ever: hv makes the VM anew each time, its device tree included. */
#include "common/guest.h"

#define PSCI_SYSTEM_RESET UINT64_C(0x84000009)

void guest_main(uint64_t device_tree)
{
    uint64_t start = guest_sysreg_read(cntvct_el0);

    (void)device_tree;
    guest_print("again\n");
    while (guest_sysreg_read(cntvct_el0) - start < guest_sysreg_read(cntfrq_el0) / 10U) {
        __asm__ volatile("yield");
    }
    (void)guest_hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
    guest_print("SYSTEM_RESET returned\n");
}
