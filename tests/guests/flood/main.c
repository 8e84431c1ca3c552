/* SPDX-License-Identifier: BSD-2-Clause */
/* 2,000 numbered lines as fast as they go: nothing of them may be lost, and nobody else is to wait for them. */
#include "common/guest.h"

#define LINES 2000U

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    for (uint64_t n = 0; n < LINES; n++) {
        guest_print("line ");
        guest_print_number(n);
        guest_print(" of a flood.\n");
    }
    guest_print("FLOOD PASS\n");
}
