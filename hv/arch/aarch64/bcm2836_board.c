/* SPDX-License-Identifier: BSD-2-Clause */
/* What a Raspberry Pi 3 has in place of other boards' devices: found in its tree, mapped, handed to the drivers. */
#include <libbase/bits.h>
#include <libboot/board.h>

#include "arch/aarch64/platform.h"
#include "drivers/bcm2835_aux.h"
#include "drivers/bcm2835_mailbox.h"
#include "drivers/bcm2835_rng.h"

/** Map @region's page, once: the mailbox and the interrupt controller share one. */
static void map_once(struct hv_cpu *cpu, const struct ash_boot_region *region, const char *what)
{
    static uint64_t last = UINT64_MAX;

    if (ash_align_down(region->base.value, 4096) != last) {
        hv_map_device(cpu, region->base.value, region->size, what);
        last = ash_align_down(region->base.value, 4096);
    }
}

void hv_bcm_open_console(struct hv_cpu *cpu, const struct ash_boot_board *board)
{
    uint64_t base = board->console_region.base.value;
    uint32_t clock = 0;

    hv_map_device(cpu, base, board->console_region.size, "the console");
    if (!hv_bcm2835_aux_has_rate(base) && board->bcm_mailbox.size != 0U) {
        map_once(cpu, &board->bcm_mailbox, "the firmware's mailbox");
        clock = hv_bcm2835_clock_rate(board->bcm_mailbox.base.value, HV_BCM2835_CLOCK_CORE);
    }
    hv_bcm2835_aux_init(&hv_platform.uart.aux, base, clock != 0U ? clock : HV_BCM2835_AUX_CORE_CLOCK);
}

void hv_bcm_open_interrupts(struct hv_cpu *cpu, const struct ash_boot_board *board)
{
    hv_platform.gic.version = HV_GIC_BCM2836;
    hv_platform.gic.bcm_local = board->bcm_local.base.value;
    hv_platform.gic.bcm_arm = board->bcm_arm.base.value;
    map_once(cpu, &board->bcm_arm, "the interrupt controller");
    hv_map_device(cpu, board->bcm_local.base.value, board->bcm_local.size, "the CPUs' interrupt controller");
    hv_platform.bcm_pm = board->bcm_pm.size != 0U ? board->bcm_pm.base.value : 0U;
    hv_map_device(cpu, hv_platform.bcm_pm, board->bcm_pm.size, "the power block");
}

bool hv_bcm_random(struct hv_cpu *cpu, const struct ash_boot_board *board, uint32_t words[8])
{
    if (board->bcm_rng.size == 0U) {
        return false;
    }
    hv_map_device(cpu, board->bcm_rng.base.value, board->bcm_rng.size, "the random number generator");
    return hv_bcm2835_rng_read(board->bcm_rng.base.value, words, 8);
}
