/* SPDX-License-Identifier: BSD-2-Clause */
/** What a GICv2, a GICv3 and what stands in for one have in common: the board's data and the distributor's registers
 *  (IHI 0048B 4.3, IHI 0069 12.9). A GICv3 redistributor's SGI_base frame has those of INTIDs 0..31 at the same
 *  offsets. */
#ifndef HV_DRIVERS_GIC_COMMON_H
#define HV_DRIVERS_GIC_COMMON_H

#include <stdbool.h>
#include <stdint.h>

struct hv_cpu;

struct hv_gic_region {
    uint64_t base;
    uint64_t size;
};

struct hv_gic {
    uint32_t version; /* 2, 3 or HV_GIC_BCM2836 */
    uint32_t spis;    /* INTIDs 32 .. 31 + spis */
    bool forgets;     /* see hv_gicv2_forgets() */
    uint64_t distributor;
    uint64_t cpu_interface;                    /* GICv2: GICC */
    uint64_t interface_control;                /* GICv2: GICH */
    const struct hv_gic_region *redistributor; /* GICv3: regions of frames */
    uint32_t redistributors;
    uint64_t
        redistributor_stride; /* bytes from one to the next where the tree says so; 0: as each one says */
    uint64_t bcm_local;       /* HV_GIC_BCM2836: the CPUs' controller, */
    uint64_t bcm_arm;         /* and the devices' */
};

#define HV_GIC_BCM2836 1U /* no GIC at all: drivers/bcm2836.h */

#define HV_GIC_SGI_KICK 0U
#define HV_GIC_SPURIOUS 1020U /* 1020..1023: nothing to handle */

#define HV_GIC_PRIORITY 0x80U /* of every physical interrupt: none preempts another */

#define GICD_CTLR       0x0000U
#define GICD_TYPER      0x0004U
#define GICD_IGROUPR    0x0080U
#define GICD_ISENABLER  0x0100U
#define GICD_ICENABLER  0x0180U
#define GICD_ISACTIVER  0x0300U
#define GICD_ICACTIVER  0x0380U
#define GICD_IPRIORITYR 0x0400U
#define GICD_ITARGETSR  0x0800U
#define GICD_SGIR       0x0f00U
#define GICD_IROUTER    0x6000U

#endif
