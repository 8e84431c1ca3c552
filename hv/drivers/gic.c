/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/gic.h"

#include "core/cpu.h"
#include "drivers/mmio.h"

/** 32 interrupts, from INTID 32 * @word on: disabled, inactive, in hv's group: 1 on a GICv3. On a GICv2 it is the one
 *  that bit 0 of the CTLRs enables, 0 where there are no Security Extensions; where there are, none is to choose. */
static void quieten(const struct hv_gic *gic, uint64_t frame, uint32_t word)
{
    hv_mmio_write32(frame + GICD_ICENABLER + 4U * (uint64_t)word, UINT32_MAX);
    hv_mmio_write32(frame + GICD_ICACTIVER + 4U * (uint64_t)word, UINT32_MAX);
    hv_mmio_write32(frame + GICD_IGROUPR + 4U * (uint64_t)word, gic->version == 3U ? UINT32_MAX : 0U);
    for (uint32_t intid = 32U * word; intid < 32U * (word + 1U); intid += 4U) {
        hv_mmio_write32(frame + GICD_IPRIORITYR + intid, HV_GIC_PRIORITY * 0x01010101U);
    }
}

void hv_gic_init_distributor(struct hv_gic *gic, const struct hv_cpu *cpu)
{
    uint32_t lines;

    if (hv_gic_is_bcm2836(gic)) {
        hv_bcm2836_init_distributor(gic, cpu);
        return;
    }
    lines = (hv_mmio_read32(gic->distributor + GICD_TYPER) & 0x1fU) + 1U;
    gic->spis = lines * 32U - 32U < 988U ? lines * 32U - 32U : 988U;
    hv_mmio_write32(gic->distributor + GICD_CTLR, 0);
    if (gic->version == 3U) {
        hv_gicv3_wait_distributor(gic);
    }
    for (uint32_t word = 1; word < lines; word++) {
        quieten(gic, gic->distributor, word);
    }
    if (gic->version == 3U) {
        hv_gicv3_wait_distributor(gic);
        hv_gicv3_turn_on(gic);
    } else {
        gic->forgets = hv_gicv2_forgets(gic);
        hv_gicv2_turn_on(gic);
    }
}

int hv_gic_init_cpu(const struct hv_gic *gic, struct hv_cpu *cpu)
{
    int error;

    if (hv_gic_is_bcm2836(gic)) {
        hv_bcm2836_init_cpu(gic, cpu);
        return ASH_OK;
    }
    if (gic->version != 3U) {
        quieten(gic, gic->distributor, 0);
        hv_gicv2_init_cpu_interface(gic, cpu);
        return ASH_OK;
    }
    error = hv_gicv3_find_redistributor(gic, cpu);
    if (error == ASH_OK) {
        hv_gicv3_wake(cpu);
        quieten(gic, cpu->redistributor + GICR_SGI_BASE, 0);
        hv_gicv3_wait_redistributor(cpu);
        hv_gicv3_init_cpu_interface();
    }
    return error;
}

/** Where the registers of @intid are. */
static uint64_t frame_of(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    return gic->version == 3U && intid < 32U ? cpu->redistributor + GICR_SGI_BASE : gic->distributor;
}

static uint64_t word_of(uint32_t intid)
{
    return 4U * (uint64_t)(intid / 32U);
}

static void route(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    if (gic->version == 3U) {
        hv_gicv3_route(gic, cpu, intid);
    } else {
        hv_gicv2_route(gic, cpu, intid);
    }
}

void hv_gic_enable(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t intid, bool enable)
{
    uint64_t frame;

    if (hv_gic_is_bcm2836(gic)) {
        hv_bcm2836_enable(gic, cpu, intid, enable);
        return;
    }
    frame = frame_of(gic, cpu, intid);
    if (enable && intid >= 32U) {
        route(gic, cpu, intid); /* whatever the reset or a boot loader left there */
    }
    hv_mmio_write32(frame + (enable ? GICD_ISENABLER : GICD_ICENABLER) + word_of(intid), 1U << (intid % 32U));
    if (enable || gic->version != 3U) {
        return;
    }
    /* Disabled means: not signalled any more once RWP is clear (IHI 0069 12.9.7). */
    if (intid < 32U) {
        hv_gicv3_wait_redistributor(cpu);
    } else {
        hv_gicv3_wait_distributor(gic);
    }
}

void hv_gic_clear_active(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t intid)
{
    if (hv_gic_is_bcm2836(gic)) {
        hv_bcm2836_set_active_ppis(gic, cpu, intid < 32U ? 1U << intid : 0U, false);
        return;
    }
    hv_mmio_write32(frame_of(gic, cpu, intid) + GICD_ICACTIVER + word_of(intid), 1U << (intid % 32U));
}

void hv_gic_set_active_ppis(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t ppis, bool active)
{
    if (hv_gic_is_bcm2836(gic)) {
        hv_bcm2836_set_active_ppis(gic, cpu, ppis, active);
        return;
    }
    hv_mmio_write32(frame_of(gic, cpu, 16) + (active ? GICD_ISACTIVER : GICD_ICACTIVER), ppis);
}
