/* SPDX-License-Identifier: BSD-2-Clause */
/* GICD_* of a GICv2 without Security Extensions. IHI 0048B 4.3. */
#include "internal.h"

static uint64_t read_ctlr(struct ash_vgic_access_ *a)
{
    return a->vgic->ctlr;
}

static void write_ctlr(struct ash_vgic_access_ *a, uint64_t value)
{
    ash_vgic_write_enables_(a->vgic, (uint32_t)value & GICD_CTLR_ENABLES);
}

/* ---- GICD_ITARGETSR<n>: a byte of CPU interfaces per interrupt, 4.3.12 ---- */

static uint64_t read_targets(struct ash_vgic_access_ *a)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);
    uint64_t value = 0;

    if (a->vgic->vcpu_count == 1U) {
        return 0; /* one processor: RAZ/WI */
    }
    for (unsigned n = 0; n < block.count; n++) {
        const struct ash_vgic_irq *irq = &block.irq[n];
        /* Private: the number of the processor that reads. */
        uint64_t targets = irq->intid < ASH_VGIC_PRIVATE_IRQS ? ASH_BIT(a->self->index) : irq->route & 0xFFU;
        value |= targets << (8U * n);
    }
    return value;
}

static void write_targets(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);
    uint64_t there = ASH_MASK(a->vgic->vcpu_count - 1U, 0);

    if (a->vgic->vcpu_count == 1U) {
        return;
    }
    for (unsigned n = 0; n < block.count; n++) {
        struct ash_vgic_irq *irq = &block.irq[n];
        uint64_t route = (value >> (8U * n)) & there;
        route |= (route & (route - 1U)) != 0U ? IROUTER_IRM : 0U;
        if (irq->intid >= ASH_VGIC_PRIVATE_IRQS && irq->route != route) {
            irq->route = route;
            irq->target = ash_vgic_target_of_(a->vgic, irq->route);
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

/* ---- SGIs, 4.3.15..4.3.17 ---- */

static void pend_sgi(struct ash_vgic *vgic, struct ash_vgic_irq *irq, uint64_t sources)
{
    if (sources != 0U) {
        irq->sources |= (uint8_t)sources;
        irq->state |= LATCH;
        ash_vgic_update_(vgic, irq);
    }
}

static void write_sgir(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic *vgic = a->vgic;
    uint64_t self = ASH_BIT(a->self->index);
    uint64_t all = ASH_MASK(vgic->vcpu_count - 1U, 0);
    /* TargetListFilter [25:24]: the list [23:16], all but this one, this one; 3 is reserved. */
    const uint64_t filtered[4] = {ash_field(value, 23, 16) & all, all & ~self, self, 0};
    uint32_t intid = (uint32_t)ash_field(value, 3, 0);

    for (uint64_t to = filtered[ash_field(value, 25, 24)]; to != 0U; to &= to - 1U) {
        pend_sgi(vgic, ash_vgic_irq_(vgic, ash_lowest_bit(to), intid), self);
    }
}

static uint64_t read_sgi_sources(struct ash_vgic_access_ *a)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);
    uint64_t value = 0;

    for (unsigned n = 0; n < block.count; n++) {
        const struct ash_vgic_irq *irq = &block.irq[n];
        uint64_t sources = irq->sources;
        if (irq->lr != ASH_VGIC_NO_LR && (ash_vgic_look_at_lr_(a, irq) & ASH_ICH_LR_PENDING) != 0U) {
            sources |= ASH_BIT(irq->source);
        }
        value |= sources << (8U * n);
    }
    return value;
}

static void write_spendsgir(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);
    uint64_t there = ASH_MASK(a->vgic->vcpu_count - 1U, 0);

    for (unsigned n = 0; n < block.count; n++) {
        pend_sgi(a->vgic, &block.irq[n], (value >> (8U * n)) & there);
    }
}

static void write_cpendsgir(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);

    for (unsigned n = 0; n < block.count; n++) {
        struct ash_vgic_irq *irq = &block.irq[n];
        uint8_t sources = (uint8_t)(value >> (8U * n));
        if (sources == 0U) {
            continue;
        }
        irq->sources &= (uint8_t)~sources;
        irq->state &= irq->sources != 0U ? ~UINT32_C(0) : ~LATCH;
        if (irq->lr != ASH_VGIC_NO_LR && (sources & (1U << irq->source)) != 0U) {
            irq->state |= CLEAR_PENDING;
        }
        ash_vgic_update_(a->vgic, irq);
    }
}

/* Not here, so RAZ/WI: GICD_PPISR, GICD_SPISR 0xD00 (implementation defined); GICD_NSACR 0xE00 (Security
 * Extensions). */
const struct ash_vgic_frame_ ash_vgic_dist2_frame_ = {
    .size = ASH_VGIC_V2_DIST_SIZE,
    .paged = 0,
    .other = 0,
    .at = {0,  1,  2,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,
           3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3, /* words */
           0,  3,  4,  5,  6,  7,  8,  9,  10, 10, 10, 10, 10, 10, 10, 10,
           11, 11, 11, 11, 11, 11, 11, 11, 12, 12, 13, 13, 13, 13, 13, 16},
    .regions =
        {
            {0x000, 0x003, 4, read_ctlr, write_ctlr},
            {0x004, 0x007, 4, ash_vgic_read_typer_, WI},
            {0x008, 0x00B, 4, ash_vgic_read_iidr_, WI},
            {0x080, 0x0FF, 4, ash_vgic_read_group_, ash_vgic_write_group_},
            {0x100, 0x17F, 4, ash_vgic_read_enable_, ash_vgic_write_isenabler_},
            {0x180, 0x1FF, 4, ash_vgic_read_enable_, ash_vgic_write_icenabler_},
            {0x200, 0x27F, 4, ash_vgic_read_pending_, ash_vgic_write_ispendr_},
            {0x280, 0x2FF, 4, ash_vgic_read_pending_, ash_vgic_write_icpendr_},
            {0x300, 0x37F, 4, ash_vgic_read_active_, ash_vgic_write_isactiver_},
            {0x380, 0x3FF, 4, ash_vgic_read_active_, ash_vgic_write_icactiver_},
            {0x400, 0x7FF, 1 | 4, ash_vgic_read_priority_, ash_vgic_write_priority_},
            {0x800, 0xBFF, 1 | 4, read_targets, write_targets},
            {0xC00, 0xCFF, 4, ash_vgic_read_config_, ash_vgic_write_config_},
            {0xF00, 0xF03, 4, RAZ, write_sgir},
            {0xF10, 0xF1F, 1 | 4, read_sgi_sources, write_cpendsgir},
            {0xF20, 0xF2F, 1 | 4, read_sgi_sources, write_spendsgir},
            {0xFD0, 0xFFF, 4, ash_vgic_read_id_, WI},
        },
};
