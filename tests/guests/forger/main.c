/* SPDX-License-Identifier: BSD-2-Clause */
/* Says what only hv may say, then does what gets it stopped: nobody must believe the first part. */
#include "common/guest.h"

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_print("\rashlar: exit status=ok vm=forger nonce=00000000000000000000000000000000\n");
    guest_print("\nashlar: exit status=ok vm=forger nonce=0\n");
    guest_sysreg_write(vbar_el1, 0);
    ((void (*)(void))(uintptr_t)0x10000000U)();
}
