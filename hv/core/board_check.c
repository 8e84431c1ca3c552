/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/board_check.h"

#include <libbase/bits.h>
#include <libbase/errors.h>

#include "core/format.h"

#define PPI_VIRTUAL_TIMER    27U /* Arm BSA, "PPI assignments"; a guest's timers have the same INTIDs */
#define PPI_PHYSICAL_TIMER   30U
#define PAGE                 4096U
#define GICV2_INTERFACE_SIZE 0x2000U /* GICC and GICV: GICC_DIR has the second page (IHI 0048B 4.4) */

static int check_gic(const struct ash_boot_board *board, char *why, size_t size)
{
    if (board->gic == ASH_BOOT_GIC_NONE) {
        (void)hv_format(
            why, size,
            "device tree: no interrupt controller; allowed: arm,gic-v3, arm,gic-400, arm,cortex-a15-gic, "
            "brcm,bcm2836-l1-intc with brcm,bcm2836-armctrl-ic");
        return ASH_ENOENT;
    }
    if (board->gic == ASH_BOOT_GIC_V2 &&
        (board->gicc.size < GICV2_INTERFACE_SIZE || board->gich.size == 0U ||
         board->gicv.size < GICV2_INTERFACE_SIZE || !ash_is_aligned(board->gicv.base.value, PAGE))) {
        (void)hv_format(
            why, size,
            "device tree: the GICv2's reg gives GICC 0x%lx bytes, GICH 0x%lx, GICV 0x%lx at 0x%lx; "
            "allowed: 0x2000, some, 0x2000 at a page",
            board->gicc.size, board->gich.size, board->gicv.size, board->gicv.base.value);
        return ASH_ENOTSUP;
    }
    return ASH_OK;
}

/** Interrupts that hv cannot do without, or that another register would be written for. An absent one reads as 0. */
static int check_interrupts(const struct ash_boot_board *board, char *why, size_t size)
{
    uint32_t virtual_timer = board->timer[ASH_BOOT_TIMER_VIRTUAL].intid;
    uint32_t physical_timer = board->timer[ASH_BOOT_TIMER_PHYSICAL].intid;

    if (virtual_timer != PPI_VIRTUAL_TIMER || physical_timer != PPI_PHYSICAL_TIMER) {
        (void)hv_format(
            why, size,
            "device tree: the timers' INTIDs are %u (virtual) and %u (physical); allowed: %u and %u",
            virtual_timer, physical_timer, PPI_VIRTUAL_TIMER, PPI_PHYSICAL_TIMER);
        return ASH_ENOTSUP;
    }
    if (board->gic == ASH_BOOT_GIC_BCM2836) {
        return ASH_OK; /* nothing virtual that would want maintenance */
    }
    if (board->maintenance.intid < 16U || board->maintenance.intid > 31U) {
        (void)hv_format(why, size,
                        "device tree: the GIC's maintenance interrupt has INTID %u; allowed: 16 to 31, a PPI",
                        board->maintenance.intid);
        return ASH_ENOTSUP;
    }
    return ASH_OK;
}

int hv_board_check(const struct ash_boot_board *board, char *why, size_t size)
{
    int error;

    if (board->cpu_count == 0U) {
        (void)hv_format(why, size,
                        "device tree: no CPU in /cpus; allowed: one node a CPU with reg = its affinity");
        return ASH_ENOENT;
    }
    error = check_gic(board, why, size);
    return error == ASH_OK ? check_interrupts(board, why, size) : error;
}
