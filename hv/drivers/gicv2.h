/* SPDX-License-Identifier: BSD-2-Clause */
/** GICv2: distributor, and the CPU interface as a device (IHI 0048B). Used through gic.h. */
#ifndef HV_DRIVERS_GICV2_H
#define HV_DRIVERS_GICV2_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/gic_common.h"

/** Does this GIC forget to signal an interrupt that its device asks for before the guest's EOI deactivates it
 *  (GICH_LR.HW = 1)? QEMU's does (7.2, hw/intc/arm_gic.c: only the virtual side is looked at then): the next tick of a
 *  guest's timer may never come. It is told by the product number 0 in GICC_IIDR. */
bool hv_gicv2_forgets(const struct hv_gic *gic);

/** The distributor on. */
void hv_gicv2_turn_on(const struct hv_gic *gic);
/** SPI @intid, which is disabled, goes to @cpu. */
void hv_gicv2_route(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid);
/** Set cpu->gic_target of this CPU, turn its interface on. */
void hv_gicv2_init_cpu_interface(const struct hv_gic *gic, struct hv_cpu *cpu);

void hv_gicv2_send_sgi(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid);
uint32_t hv_gicv2_acknowledge(const struct hv_gic *gic);
void hv_gicv2_drop(const struct hv_gic *gic, uint32_t acknowledged);
void hv_gicv2_deactivate(const struct hv_gic *gic, uint32_t acknowledged);

#endif
