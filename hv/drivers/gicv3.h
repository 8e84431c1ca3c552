/* SPDX-License-Identifier: BSD-2-Clause */
/** The board's GICv3: distributor, redistributors, CPU interface by system registers (IHI 0069).
 *  hv runs with EOImode 1: an acknowledge is followed by a priority drop at once; what hv consumes it deactivates
 *  itself, a HW-linked interrupt is deactivated by the guest's EOI (ICC_CTLR_EL1.EOImode, IHI 0069 12.2). */
#ifndef HV_DRIVERS_GICV3_H
#define HV_DRIVERS_GICV3_H

#include <stdbool.h>
#include <stdint.h>

#include <libbase/errors.h>

struct hv_cpu;

struct hv_gicv3_region {
    uint64_t base;
    uint64_t size;
};

struct hv_gicv3 {
    uint64_t distributor;
    const struct hv_gicv3_region *redistributor; /* regions of frames */
    uint32_t redistributors;
    uint32_t spis;
};

#define HV_GIC_SGI_KICK 0U
#define HV_GIC_SPURIOUS 1020U /* 1020..1023: nothing to handle */
#define HV_GIC_PRIORITY 0x80U

/** Boot CPU: every SPI disabled, Group 1, routed to the boot CPU; affinity routing and Group 1 on. */
void hv_gicv3_init_distributor(struct hv_gicv3 *gic, uint64_t boot_mpidr);

/** This CPU's redistributor and CPU interface. ASH_ENOENT: no frame has this CPU's affinity. */
int hv_gicv3_init_cpu(const struct hv_gicv3 *gic, struct hv_cpu *cpu);

/** Enable or disable an interrupt; @cpu's own for SGIs and PPIs (on that CPU). */
void hv_gicv3_enable(const struct hv_gicv3 *gic, const struct hv_cpu *cpu, uint32_t intid, bool enable);

/** Level-sensitive or edge-triggered; SPIs only. */
void hv_gicv3_configure_edge(const struct hv_gicv3 *gic, uint32_t intid, bool edge);

/** Clear the active state of an SPI, or of a PPI or SGI of @cpu. Any CPU. */
void hv_gicv3_clear_active(const struct hv_gicv3 *gic, const struct hv_cpu *cpu, uint32_t intid);

/** Send SGI @intid to the CPU with @mpidr. */
void hv_gicv3_send_sgi(uint64_t mpidr, uint32_t intid);

/** Acknowledge the highest pending interrupt: its INTID, or >= HV_GIC_SPURIOUS. */
uint32_t hv_gicv3_acknowledge(void);
/** Priority drop. */
void hv_gicv3_drop(uint32_t intid);
/** Deactivate. */
void hv_gicv3_deactivate(uint32_t intid);

#endif
