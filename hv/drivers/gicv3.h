/* SPDX-License-Identifier: BSD-2-Clause */
/** GICv3: distributor, redistributors, CPU interface by system registers (IHI 0069). Used through gic.h. */
#ifndef HV_DRIVERS_GICV3_H
#define HV_DRIVERS_GICV3_H

#include <stdint.h>

#include "arch/aarch64/sysreg.h"
#include "drivers/gic_common.h"

#define GICR_SGI_BASE 0x10000U /* the second 64 KiB frame */

/** Affinity routing and the distributor on. */
void hv_gicv3_turn_on(const struct hv_gic *gic);
/** SPI @intid, which is disabled, goes to @cpu. */
void hv_gicv3_route(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid);
/** Set cpu->redistributor. ASH_ENOENT: no frame has this CPU's affinity. */
int hv_gicv3_find_redistributor(const struct hv_gic *gic, struct hv_cpu *cpu);
/** This CPU's redistributor out of its sleep; its CPU interface on. */
void hv_gicv3_wake(const struct hv_cpu *cpu);
void hv_gicv3_init_cpu_interface(void);

/** Wait until a change to the distributor, to @cpu's redistributor, is in force (RWP). */
void hv_gicv3_wait_distributor(const struct hv_gic *gic);
void hv_gicv3_wait_redistributor(const struct hv_cpu *cpu);

void hv_gicv3_send_sgi(const struct hv_cpu *cpu, uint32_t intid);

static inline uint32_t hv_gicv3_acknowledge(void)
{
    uint32_t acknowledged = (uint32_t)hv_sysreg_read(ICC_IAR1_EL1) & 0xffffffU;

    /* The acknowledge is done before what the interrupt was about is looked at (IHI 0069 12.1.3). */
    hv_dsb(sy);
    return acknowledged;
}

static inline void hv_gicv3_drop(uint32_t acknowledged)
{
    hv_sysreg_write(ICC_EOIR1_EL1, acknowledged);
}

static inline void hv_gicv3_deactivate(uint32_t acknowledged)
{
    hv_sysreg_write(ICC_DIR_EL1, acknowledged);
}

#endif
