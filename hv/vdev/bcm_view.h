/* SPDX-License-Identifier: BSD-2-Clause */
/** The interrupts of a BCM2837 as somebody who looks from outside sees them.
 *
 *  Lock domain: the VM's devices. Pure.
 */
#ifndef HV_VDEV_BCM_VIEW_H
#define HV_VDEV_BCM_VIEW_H

#include "vdev/bcm2837.h"

#define HV_BCM_VIEWS                                                                                         \
    105U /* of each core 8 local ones, the local timer, then the GPU's 64 and the 8 basic ones */

struct hv_bcm_view {
    const char
        *kind; /* whose number: "local" of a core's sources (QA7), "gpu" or "basic" of BCM2835 chapter 7 */
    uint32_t number;
    uint32_t core; /* that gets it */
    bool enabled;  /* as IRQ or as FIQ */
    bool pending;
    const char *device; /* "": none of the machine's */
};

/** Interrupt @index, below HV_BCM_VIEWS, of a machine with @cores cores. False: there is none, or nothing to tell: no
 *  device of the machine's has it, and it is not enabled. */
bool hv_bcm_view(const struct hv_bcm2837 *soc, uint32_t index, uint32_t cores, struct hv_bcm_view *view);

#endif
