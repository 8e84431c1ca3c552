/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest guest: one line, then off. */
#include "common/guest.h"

void guest_main(uint64_t device_tree)
{
    guest_print("hello from EL1, device tree at ");
    guest_print_hex(device_tree);
    guest_print("\n");
}
