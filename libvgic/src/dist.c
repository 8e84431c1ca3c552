/* SPDX-License-Identifier: BSD-2-Clause */
/* GICD_*: the distributor's frame. IHI 0069 12.8, one security state, affinity routing always on. */
#include "internal.h"

#define CTLR_ARE ASH_BIT(4) /* RAO/WI: no legacy operation */
#define CTLR_DS  ASH_BIT(6) /* RAO/WI: one security state */
#define CTLR_RWP ASH_BIT(31)

static uint64_t read_ctlr(struct ash_vgic_access_ *a)
{
    uint64_t value = a->vgic->ctlr | CTLR_ARE | CTLR_DS;

    /* A disabled interrupt may still sit in the LR of a running vCPU: the write is in progress until that one
     * has flushed. */
    for (uint32_t n = 0; n < a->vgic->vcpu_count; n++) {
        value |= a->vgic->vcpus[n]->recall ? CTLR_RWP : 0U;
    }
    return value;
}

static void write_ctlr(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic *vgic = a->vgic;
    uint32_t ctlr = (uint32_t)value & GICD_CTLR_ENABLES;

    if (vgic->ctlr == ctlr) {
        return;
    }
    bool closes = (vgic->ctlr & ~ctlr) != 0U;
    vgic->ctlr = ctlr;
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        struct ash_vgic_vcpu *vcpu = vgic->vcpus[n];
        if (vcpu->queue != NULL || vcpu->lrs.used != 0U) {
            vcpu->recall = vcpu->recall || (closes && vcpu->lrs.used != 0U);
            ash_vgic_post_(vgic, vcpu);
        }
    }
}

static uint64_t read_typer(struct ash_vgic_access_ *a)
{
    return a->vgic->typer;
}

static struct ash_vgic_irq *routed(struct ash_vgic_access_ *a)
{
    uint32_t intid = a->at / 8U;
    return intid >= ASH_VGIC_PRIVATE_IRQS ? ash_vgic_irq_(a->vgic, 0, intid) : NULL;
}

static uint64_t read_irouter(struct ash_vgic_access_ *a)
{
    const struct ash_vgic_irq *irq = routed(a);
    return irq != NULL ? ash_vgic_half_read_(a, irq->route) : 0U;
}

static void write_irouter(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irq = routed(a);

    if (irq == NULL) {
        return;
    }
    /* Aff3 [39:32], Interrupt_Routing_Mode [31], Aff2..Aff0 [23:0]. */
    uint64_t route = ash_vgic_half_write_(a, irq->route, value) & UINT64_C(0xFF80FFFFFF);
    if (route != irq->route) {
        irq->route = route;
        ash_vgic_route_(a->vgic, irq);
        ash_vgic_update_(a->vgic, irq);
    }
}

static const struct ash_vgic_region_ regions[] = {
    {0x0000, 0x0003, 4, read_ctlr, write_ctlr},
    {0x0004, 0x0007, 4, read_typer, WI},
    {0x0008, 0x000B, 4, ash_vgic_read_iidr_, WI},
    /* GICD_TYPER2 0xC: GICv4.1. GICD_STATUSR 0x10: optional. SETSPI/CLRSPI 0x40..0x5F: GICD_TYPER.MBIS = 0.
     */
    {0x000C, 0x007F, 4, RAZ, WI},
    {0x0080, 0x00FF, 4, ash_vgic_read_group_, ash_vgic_write_group_},
    {0x0100, 0x017F, 4, ash_vgic_read_enable_, ash_vgic_write_isenabler_},
    {0x0180, 0x01FF, 4, ash_vgic_read_enable_, ash_vgic_write_icenabler_},
    {0x0200, 0x027F, 4, ash_vgic_read_pending_, ash_vgic_write_ispendr_},
    {0x0280, 0x02FF, 4, ash_vgic_read_pending_, ash_vgic_write_icpendr_},
    {0x0300, 0x037F, 4, ash_vgic_read_active_, ash_vgic_write_isactiver_},
    {0x0380, 0x03FF, 4, ash_vgic_read_active_, ash_vgic_write_icactiver_},
    {0x0400, 0x07FF, 1 | 4, ash_vgic_read_priority_, ash_vgic_write_priority_},
    /* GICD_ITARGETSR: RES0 with affinity routing. */
    {0x0800, 0x0BFF, 1 | 4, RAZ, WI},
    {0x0C00, 0x0CFF, 4, ash_vgic_read_config_, ash_vgic_write_config_},
    /* GICD_IGRPMODR, GICD_NSACR: RES0 with one security state. GICD_SGIR, CPENDSGIR, SPENDSGIR: RES0 with
     * affinity routing. 0x1000..0x60FF: GICD_*nE of the extended SPI range: GICD_TYPER.ESPI = 0. */
    {0x0D00, 0x5FFF, 1 | 4 | 8, RAZ, WI},
    {0x6000, 0x7FFF, 4 | 8, read_irouter, write_irouter},
    {0xFFD0, 0xFFFF, 4, ash_vgic_read_id_, WI},
};

int ash_vgic_dist_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size, bool is_write,
                         uint64_t *value)
{
    if (vcpu >= vgic->vcpu_count || !(size == 1U || size == 2U || size == 4U || size == 8U)) {
        return ASH_EINVAL;
    }
    if (offset >= ASH_VGIC_DIST_SIZE) {
        return ASH_ERANGE;
    }
    struct ash_vgic_access_ a = {
        .vgic = vgic, .self = vgic->vcpus[vcpu], .offset = (uint32_t)offset, .size = size};
    return ash_vgic_mmio_(&a, regions, ASH_ARRAY_SIZE(regions), is_write, value);
}
