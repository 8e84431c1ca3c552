/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers with a field per interrupt. IHI 0069 12.8 (GICD_*) and 12.10 (GICR_*). */
#include "internal.h"

/* The interrupt behind field @n of an access whose fields are @bits wide. In the distributor the private ones
 * read as zero and ignore writes: with affinity routing they are the redistributors'. */
static struct ash_vgic_irq *irq_at(struct ash_vgic_access_ *a, unsigned bits, unsigned n)
{
    uint32_t intid = a->at * 8U / bits + n;

    if (a->bank != NULL) {
        return intid < ASH_VGIC_PRIVATE_IRQS ? ash_vgic_irq_(a->vgic, a->bank->index, intid) : NULL;
    }
    return intid >= ASH_VGIC_PRIVATE_IRQS ? ash_vgic_irq_(a->vgic, 0, intid) : NULL;
}

static uint64_t read_state(struct ash_vgic_access_ *a, uint32_t bit)
{
    uint64_t value = 0;

    for (unsigned n = 0; n < 32U; n++) {
        const struct ash_vgic_irq *irq = irq_at(a, 1, n);
        if (irq != NULL && (irq->state & bit) != 0U) {
            value |= ASH_BIT(n);
        }
    }
    return value;
}

/* ---- group, enable ---- */

uint64_t ash_vgic_read_group_(struct ash_vgic_access_ *a)
{
    return read_state(a, GROUP1);
}

void ash_vgic_write_group_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (unsigned n = 0; n < 32U; n++) {
        struct ash_vgic_irq *irq = irq_at(a, 1, n);
        if (irq != NULL && ((irq->state & GROUP1) != 0U) != ((value & ASH_BIT(n)) != 0U)) {
            irq->state ^= GROUP1;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

uint64_t ash_vgic_read_enable_(struct ash_vgic_access_ *a)
{
    return read_state(a, ENABLED);
}

void ash_vgic_write_isenabler_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = irq_at(a, 1, ash_lowest_bit(value));
        if (irq != NULL && (irq->state & ENABLED) == 0U) {
            irq->state |= ENABLED;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

void ash_vgic_write_icenabler_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = irq_at(a, 1, ash_lowest_bit(value));
        if (irq != NULL && (irq->state & ENABLED) != 0U) {
            irq->state &= ~ENABLED;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

/* ---- pending, active ---- */

/* The LR of @irq as this read may use it: the image, if it was taken since the guest began to ask. Otherwise
 * the vCPU is made to take it. */
static uint64_t look_at_lr(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq)
{
    struct ash_vgic_vcpu *owner = ash_vgic_owner_(a->vgic, irq);

    if (!a->self->snooping || owner->synced_at <= a->self->snoop_since) {
        a->stale = true;
        ash_vgic_post_(a->vgic, owner);
    }
    return owner->lrs.lr[irq->lr];
}

static bool shows_pending(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq)
{
    if (ash_vgic_is_pending_(irq)) {
        return true;
    }
    return irq->lr != ASH_VGIC_NO_LR && (look_at_lr(a, irq) & ASH_ICH_LR_PENDING) != 0U;
}

static bool shows_active(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq)
{
    if (irq->lr == ASH_VGIC_NO_LR) {
        return (irq->state & ACTIVE) != 0U;
    }
    return (look_at_lr(a, irq) & ASH_ICH_LR_ACTIVE) != 0U;
}

uint64_t ash_vgic_read_pending_(struct ash_vgic_access_ *a)
{
    uint64_t value = 0;

    for (unsigned n = 0; n < 32U; n++) {
        const struct ash_vgic_irq *irq = irq_at(a, 1, n);
        value |= irq != NULL && shows_pending(a, irq) ? ASH_BIT(n) : 0U;
    }
    return value;
}

uint64_t ash_vgic_read_active_(struct ash_vgic_access_ *a)
{
    uint64_t value = 0;

    for (unsigned n = 0; n < 32U; n++) {
        const struct ash_vgic_irq *irq = irq_at(a, 1, n);
        value |= irq != NULL && shows_active(a, irq) ? ASH_BIT(n) : 0U;
    }
    return value;
}

void ash_vgic_write_ispendr_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = irq_at(a, 1, ash_lowest_bit(value));
        if (irq != NULL) {
            irq->state |= LATCH;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

void ash_vgic_write_icpendr_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = irq_at(a, 1, ash_lowest_bit(value));
        if (irq == NULL) {
            continue;
        }
        irq->state &= ~LATCH;
        if (irq->lr != ASH_VGIC_NO_LR) {
            irq->state |= CLEAR_PENDING;
        } else if ((irq->state & ACTIVE) == 0U) {
            ash_vgic_release_(a->vgic,
                              irq); /* a level that is still high fires again, as it does on hardware */
        }
        ash_vgic_update_(a->vgic, irq);
    }
}

void ash_vgic_write_isactiver_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = irq_at(a, 1, ash_lowest_bit(value));
        if (irq == NULL) {
            continue;
        }
        if (irq->lr != ASH_VGIC_NO_LR) {
            irq->state = (irq->state & ~CLEAR_ACTIVE) | SET_ACTIVE;
        } else {
            if ((irq->state & (QUEUED | ACTIVE)) == 0U && irq->target != ASH_VGIC_NO_VCPU) {
                irq->owner = irq->target;
            }
            irq->state |= (irq->state & ACTIVE) != 0U ? 0U : ACTIVE | SOFT_ACTIVE;
        }
        ash_vgic_update_(a->vgic, irq);
    }
}

void ash_vgic_write_icactiver_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = irq_at(a, 1, ash_lowest_bit(value));
        if (irq == NULL) {
            continue;
        }
        if (irq->lr != ASH_VGIC_NO_LR) {
            irq->state |= CLEAR_ACTIVE; /* wins over SET_ACTIVE */
        } else if ((irq->state & ACTIVE) != 0U) {
            irq->state &= ~(ACTIVE | SOFT_ACTIVE);
            ash_vgic_release_(a->vgic, irq);
        }
        ash_vgic_update_(a->vgic, irq);
    }
}

/* ---- priority, configuration ---- */

uint64_t ash_vgic_read_priority_(struct ash_vgic_access_ *a)
{
    uint64_t value = 0;

    for (unsigned n = 0; n < a->size; n++) {
        const struct ash_vgic_irq *irq = irq_at(a, 8, n);
        value |= irq != NULL ? (uint64_t)irq->priority << (8U * n) : 0U;
    }
    return value;
}

void ash_vgic_write_priority_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (unsigned n = 0; n < a->size; n++) {
        struct ash_vgic_irq *irq = irq_at(a, 8, n);
        uint8_t priority = (uint8_t)((value >> (8U * n)) & a->vgic->priority_mask);
        if (irq != NULL && irq->priority != priority) {
            irq->priority = priority;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

/* GICx_ICFGR: bit 1 of each pair: edge-triggered. Bit 0 is RES0. */
uint64_t ash_vgic_read_config_(struct ash_vgic_access_ *a)
{
    uint64_t value = 0;

    for (unsigned n = 0; n < 16U; n++) {
        const struct ash_vgic_irq *irq = irq_at(a, 2, n);
        value |= irq != NULL && (irq->state & EDGE) != 0U ? ASH_BIT(2U * n + 1U) : 0U;
    }
    return value;
}

void ash_vgic_write_config_(struct ash_vgic_access_ *a, uint64_t value)
{
    for (unsigned n = 0; n < 16U; n++) {
        struct ash_vgic_irq *irq = irq_at(a, 2, n);
        bool edge = (value & ASH_BIT(2U * n + 1U)) != 0U;
        if (irq != NULL && irq->intid >= SGI_COUNT && ((irq->state & EDGE) != 0U) != edge) {
            irq->state ^= EDGE;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}
