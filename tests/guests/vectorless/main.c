/* SPDX-License-Identifier: BSD-2-Clause */
/* The fault that no guest can handle: its exception vectors lie where nothing is. */
#include "common/guest.h"

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_print("jumping to nowhere, with the vectors nowhere\n");
    guest_sysreg_write(vbar_el1, 0);
    ((void (*)(void))(uintptr_t)0x10000000U)();
}
