/* SPDX-License-Identifier: BSD-2-Clause */
/* SYSTEM_RESET starts the VM again from its pristine image: `lives` must be 0 each time, and only the RTC, whose time a
 * reset does not change, can tell how often that was. The guest sets its clock to a number of its own and counts
 * there. */
#include "common/guest.h"

#define PSCI_SYSTEM_RESET UINT64_C(0x84000009)
#define RTCDR             0x000U
#define RTCLR             0x008U
#define FIRST_LIFE        UINT32_C(0x40000000)
#define LIFE              UINT32_C(0x100000) /* far more seconds than the test lasts */

static volatile uint32_t lives;
static volatile uint32_t pristine = 0x600d600dU;

void guest_main(uint64_t device_tree)
{
    uint32_t clock = guest_read32(GUEST_RTC + RTCDR);
    uint32_t life =
        clock >= FIRST_LIFE && clock < FIRST_LIFE + 16U * LIFE ? (clock - FIRST_LIFE) / LIFE + 1U : 0U;

    (void)device_tree;
    guest_print("life ");
    guest_print_number(life);
    guest_print(lives == 0U && pristine == 0x600d600dU ? ": pristine\n" : ": NOT pristine\n");
    lives = 1;
    pristine = 0xdeadU;
    if (life < 3U) {
        guest_write32(GUEST_RTC + RTCLR, FIRST_LIFE + life * LIFE);
        (void)guest_hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
        guest_print("SYSTEM_RESET returned\n");
    }
}
