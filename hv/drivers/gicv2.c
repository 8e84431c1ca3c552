/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/gicv2.h"

#include <libbase/bits.h>

#include "arch/aarch64/sysreg.h"
#include "core/cpu.h"
#include "drivers/mmio.h"

/* IHI 0048B 4.4, CPU interface. */
#define GICC_CTLR 0x0000U
#define GICC_PMR  0x0004U
#define GICC_BPR  0x0008U
#define GICC_IAR  0x000cU
#define GICC_EOIR 0x0010U
#define GICC_IIDR 0x00fcU
#define GICC_DIR  0x1000U

#define IIDR_NO_PRODUCT 0x0002043bU /* implementer Arm, architecture 2, product 0 (4.4.14) */

/* Bit 0 is EnableGrp1 for Non-secure software, EnableGrp0 on a GIC without Security Extensions, where hv leaves all
 * interrupts in Group 0: hv's interrupts either way. Bit 9 is EOImode in both (4.4.1). */
#define CTLR_ENABLE  ASH_BIT(0)
#define CTLR_EOIMODE ASH_BIT(9)

/** The bit of this CPU's interface in GICD_ITARGETSR and GICD_SGIR: the registers of INTIDs 0..31 read so (4.3.12). */
static uint32_t read_own_target(const struct hv_gic *gic)
{
    uint32_t targets = hv_mmio_read32(gic->distributor + GICD_ITARGETSR) & 0xffU;

    return targets != 0U ? targets : 1U; /* RAZ on a uniprocessor */
}

bool hv_gicv2_forgets(const struct hv_gic *gic)
{
    return hv_mmio_read32(gic->cpu_interface + GICC_IIDR) == IIDR_NO_PRODUCT;
}

void hv_gicv2_turn_on(const struct hv_gic *gic)
{
    hv_mmio_write32(gic->distributor + GICD_CTLR, CTLR_ENABLE);
}

void hv_gicv2_route(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    uint64_t word = gic->distributor + GICD_ITARGETSR + ash_align_down(intid, 4);
    unsigned shift = 8U * (intid % 4U);

    hv_mmio_write32(word, (hv_mmio_read32(word) & ~(0xffU << shift)) | (cpu->gic_target << shift));
}

void hv_gicv2_init_cpu_interface(const struct hv_gic *gic, struct hv_cpu *cpu)
{
    cpu->gic_target = read_own_target(gic);
    hv_mmio_write32(gic->cpu_interface + GICC_PMR, 0xff);
    hv_mmio_write32(gic->cpu_interface + GICC_BPR, 0);
    hv_mmio_write32(gic->cpu_interface + GICC_CTLR, CTLR_ENABLE | CTLR_EOIMODE);
}

void hv_gicv2_send_sgi(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    /* What was written for the other CPU is seen before the interrupt: memory and a device are not ordered by
     * themselves (DDI 0487 B2.3 "Ordering of device accesses"). */
    hv_dsb(ishst);
    hv_mmio_write32(gic->distributor + GICD_SGIR, (cpu->gic_target << 16) | intid);
}

uint32_t hv_gicv2_acknowledge(const struct hv_gic *gic)
{
    uint32_t acknowledged = hv_mmio_read32(gic->cpu_interface + GICC_IAR);

    /* What the interrupt is about is looked at after the acknowledge, also by loads from memory. */
    hv_dsb(ld);
    return acknowledged;
}

void hv_gicv2_drop(const struct hv_gic *gic, uint32_t acknowledged)
{
    hv_mmio_write32(gic->cpu_interface + GICC_EOIR, acknowledged);
}

void hv_gicv2_deactivate(const struct hv_gic *gic, uint32_t acknowledged)
{
    hv_mmio_write32(gic->cpu_interface + GICC_DIR, acknowledged);
}
