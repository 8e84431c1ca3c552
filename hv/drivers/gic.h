/* SPDX-License-Identifier: BSD-2-Clause */
/** The board's interrupt controller: a GICv2 (IHI 0048B) or a GICv3 (IHI 0069), whichever its device tree names; or the
 *  two of a BCM2836, which hv drives as if they were one (bcm2836.h). A board's image has what its BSP_DRIVERS name.
 *  hv runs with EOImode 1: an acknowledge is followed by a priority drop at once; what hv consumes it deactivates
 *  itself, a HW-linked interrupt is deactivated by the guest's EOI (IHI 0069 ICC_CTLR_EL1, IHI 0048B GICC_CTLR). */
#ifndef HV_DRIVERS_GIC_H
#define HV_DRIVERS_GIC_H

#include <stdbool.h>
#include <stdint.h>

#include <libbase/errors.h>

#include "drivers/bcm2836.h"
#include "drivers/drivers.h"
#include "drivers/gicv2.h"
#include "drivers/gicv3.h"

static inline bool hv_gic_is_bcm2836(const struct hv_gic *gic)
{
    /* Known while it is compiled, as on every board so far, it leaves what it does not choose out of the image. */
    return HV_DRIVER_BCM2836 != 0 && (HV_DRIVER_GIC == 0 || gic->version == HV_GIC_BCM2836);
}

/** On @cpu, the boot CPU, before any other function: every SPI disabled, and in hv's group. */
void hv_gic_init_distributor(struct hv_gic *gic, const struct hv_cpu *cpu);

/** This CPU's part of it. ASH_ENOENT: a GICv3 without a redistributor for this CPU's affinity. */
int hv_gic_init_cpu(const struct hv_gic *gic, struct hv_cpu *cpu);

/** Enable or disable an interrupt. SGIs and PPIs: @cpu's own, on that CPU. An SPI, which is disabled so far: it goes to
 *  @cpu, on any CPU that no other one of these runs beside. A BCM2836's SPIs all go to the boot CPU. */
void hv_gic_enable(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t intid, bool enable);

/** Clear the active state of an SPI, or of a PPI of @cpu: on that CPU with a GICv2, where its registers are banked. */
void hv_gic_clear_active(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t intid);

/** Set or clear the active state of PPIs, a bit each (1 << INTID), of @cpu, which this runs on. */
void hv_gic_set_active_ppis(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t ppis, bool active);

/** Send SGI @intid to @cpu. What was stored before is seen by whoever takes it. */
static inline void hv_gic_send_sgi(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    if (hv_gic_is_bcm2836(gic)) {
        hv_bcm2836_send_sgi(gic, cpu, intid);
    } else if (gic->version == 3U) {
        hv_gicv3_send_sgi(cpu, intid);
    } else {
        hv_gicv2_send_sgi(gic, cpu, intid);
    }
}

/** Acknowledge the highest pending interrupt of @cpu, which this runs on: the word that drop and deactivate want. */
static inline uint32_t hv_gic_acknowledge(const struct hv_gic *gic, struct hv_cpu *cpu)
{
    if (hv_gic_is_bcm2836(gic)) {
        return hv_bcm2836_acknowledge(gic, cpu);
    }
    return gic->version == 3U ? hv_gicv3_acknowledge() : hv_gicv2_acknowledge(gic);
}

/** The INTID in what hv_gic_acknowledge() gave; HV_GIC_SPURIOUS or above: none. GICv2: bits 12:10 are the source. */
static inline uint32_t hv_gic_intid(const struct hv_gic *gic, uint32_t acknowledged)
{
    return gic->version == 3U ? acknowledged : acknowledged & 0x3ffU;
}

/** Priority drop. */
static inline void hv_gic_drop(const struct hv_gic *gic, uint32_t acknowledged)
{
    if (hv_gic_is_bcm2836(gic)) {
        return; /* it has no priorities */
    }
    if (gic->version == 3U) {
        hv_gicv3_drop(acknowledged);
    } else {
        hv_gicv2_drop(gic, acknowledged);
    }
}

/** Deactivate what was acknowledged on @cpu, which this runs on. */
static inline void hv_gic_deactivate(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t acknowledged)
{
    if (hv_gic_is_bcm2836(gic)) {
        hv_gic_clear_active(gic, cpu, acknowledged);
    } else if (gic->version == 3U) {
        hv_gicv3_deactivate(acknowledged);
    } else {
        hv_gicv2_deactivate(gic, acknowledged);
    }
}

#endif
