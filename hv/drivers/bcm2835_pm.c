/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/bcm2835_pm.h"

#include "drivers/mmio.h"

/* Not in "BCM2835 ARM Peripherals". Names, bits and the meaning of partition 63 as the binding brcm,bcm2835-pm and the
 * firmware's boot loader use them. A write without the password in [31:24] is ignored. */
#define PM_RSTC            0x1cU
#define PM_RSTS            0x20U
#define PM_WDOG            0x24U
#define PASSWORD           UINT32_C(0x5a000000)
#define RSTC_CONFIG        UINT32_C(0x30)
#define RSTC_FULL_RESET    UINT32_C(0x20)
#define RSTS_PARTITION     UINT32_C(0x555) /* its six bits are 0, 2, 4, 6, 8, 10 */
#define RSTS_PARTITION_OFF UINT32_C(0x555)
#define WDOG_TICKS         10U /* of 1/65536 s */

static void reset_into(uint64_t base, uint32_t partition)
{
    uint32_t status;
    uint32_t control;

    if (base == 0U) {
        return;
    }
    hv_mmio_complete(); /* what is to survive, in memory too */
    status = hv_mmio_read32(base + PM_RSTS) & ~(RSTS_PARTITION | UINT32_C(0xff000000));
    hv_mmio_write32(base + PM_RSTS, PASSWORD | status | partition);
    hv_mmio_write32(base + PM_WDOG, PASSWORD | WDOG_TICKS);
    control = hv_mmio_read32(base + PM_RSTC) & ~(RSTC_CONFIG | UINT32_C(0xff000000));
    hv_mmio_write32(base + PM_RSTC, PASSWORD | control | RSTC_FULL_RESET);
}

void hv_bcm2835_pm_reset(uint64_t base)
{
    reset_into(base, 0);
}

void hv_bcm2835_pm_power_off(uint64_t base)
{
    reset_into(base, RSTS_PARTITION_OFF);
}
