/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbered lines as fast as they go, for four seconds and 2,000 lines at least: nothing of them may be lost, and nobody
 * else is to wait for them. */
#include "common/guest.h"

#define LINES   2000U
#define SECONDS 4U

void guest_main(uint64_t device_tree)
{
    uint64_t begin = guest_sysreg_read(cntvct_el0);
    uint64_t length = SECONDS * guest_sysreg_read(cntfrq_el0);
    uint64_t n = 0;

    (void)device_tree;
    while (n < LINES || guest_sysreg_read(cntvct_el0) - begin < length) {
        guest_print("line ");
        guest_print_number(n++);
        guest_print(" of a flood.\n");
    }
    guest_print("FLOOD PASS, lines: ");
    guest_print_number(n);
    guest_print("\n");
}
