/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_view.h"

#include <libbase/compiler.h>

/* QA7, a core's interrupt source register: four timers, four mailboxes; for one of the cores, the local timer. PMU and
 * AXI never interrupt; what comes from the GPU is told of by itself. */
#define LOCALS      8U
#define MAILBOX     4U
#define LOCAL_TIMER 11U
#define GPU         64U
ASH_STATIC_ASSERT(HV_BCM_VIEWS == HV_BCM_CORES * LOCALS + 1U + GPU + 8U, "there is a view for each");

static void view_local(const struct hv_bcm_local *local, uint32_t core, uint32_t number,
                       struct hv_bcm_view *view)
{
    uint32_t control = number < MAILBOX ? local->timer_control[core] : local->mailbox_control[core];
    uint32_t bit = number % 4U;

    view->number = number;
    view->core = core;
    view->enabled = ((control | control >> 4) >> bit & 1U) != 0U;
    view->pending =
        number < MAILBOX ? (local->timers[core] >> bit & 1U) != 0U : local->mailbox[core][bit] != 0U;
    view->device = number == 1U ? "physical timer" : number == 3U ? "virtual timer" : "";
}

static void view_local_timer(const struct hv_bcm_local *local, struct hv_bcm_view *view)
{
    view->number = LOCAL_TIMER;
    view->core = local->local_routing & 3U;
    view->enabled = (local->local_timer >> 29 & 1U) != 0U;
    view->pending = local->local_flag;
    view->device = "local timer";
}

static const char *gpu_device(uint32_t number)
{
    if (number <= HV_BCM_IRQ_SYSTIMER + 3U) {
        return "system timer";
    }
    return number == HV_BCM_IRQ_AUX ? "AUX" : number == HV_BCM_IRQ_PL011 ? "PL011" : "";
}

static void view_gpu(const struct hv_bcm2837 *soc, uint32_t number, struct hv_bcm_view *view)
{
    const struct hv_bcm_intc *intc = &soc->intc;
    bool is_basic = number >= GPU;
    uint32_t bit = is_basic ? number - GPU : number;
    bool is_fiq = (intc->fiq >> 7) != 0U && (intc->fiq & 0x7fU) == number;
    uint64_t enabled = is_basic ? intc->basic_enabled : intc->gpu_enabled;

    view->kind = is_basic ? "basic" : "gpu";
    view->number = bit;
    view->core = is_fiq ? soc->local.gpu_routing >> 2 & 3U : soc->local.gpu_routing & 3U;
    view->enabled = is_fiq || (enabled >> bit & 1U) != 0U;
    view->pending = ((is_basic ? intc->basic : intc->gpu) >> bit & 1U) != 0U;
    view->device = !is_basic ? gpu_device(bit) : bit == HV_BCM_BASIC_MAILBOX ? "mailbox" : "";
}

bool hv_bcm_view(const struct hv_bcm2837 *soc, uint32_t index, uint32_t cores, struct hv_bcm_view *view)
{
    view->kind = "local";
    if (index < HV_BCM_CORES * LOCALS) {
        view_local(&soc->local, index / LOCALS, index % LOCALS, view);
    } else if (index == HV_BCM_CORES * LOCALS) {
        view_local_timer(&soc->local, view);
    } else {
        view_gpu(soc, index - HV_BCM_CORES * LOCALS - 1U, view);
    }
    return (view->enabled || view->device[0] != '\0') &&
           (index >= HV_BCM_CORES * LOCALS || view->core < cores);
}
