/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers with a field per interrupt. IHI 0069 12.8 (GICD_*), 12.10 (GICR_*); IHI 0048B 4.3. */
#include "internal.h"

struct ash_vgic_block_ ash_vgic_block_(const struct ash_vgic_access_ *a, uint32_t first, unsigned wanted)
{
    struct ash_vgic_block_ block = {NULL, 0};
    uint32_t size = ASH_VGIC_PRIVATE_IRQS;

    /* A GICv3's distributor has no private interrupts: with affinity routing they are the redistributors'. */
    if (first < ASH_VGIC_PRIVATE_IRQS) {
        block.irq = a->bank != NULL ? a->bank->irqs : NULL;
    } else {
        first -= ASH_VGIC_PRIVATE_IRQS;
        size = a->vgic->spi_count;
        block.irq = first < size ? a->vgic->spis : NULL;
    }
    if (block.irq != NULL) {
        first = (uint32_t)ash_index_nospec(first, size);
        block.irq += first;
        block.count = size - first < wanted ? size - first : wanted;
    }
    return block;
}

/* The 32 interrupts of a register with one bit each. */
static struct ash_vgic_block_ bits_of(const struct ash_vgic_access_ *a)
{
    return ash_vgic_block_(a, a->at * 8U, 32);
}

/* The same for a write: *@value loses the bits of interrupts that are not there. */
static struct ash_vgic_irq *written_bits(const struct ash_vgic_access_ *a, uint64_t *value)
{
    struct ash_vgic_block_ block = bits_of(a);

    *value &= (UINT64_C(1) << block.count) - 1U;
    return block.irq;
}

/* GICv2: what is read-only for SGIs. */
static uint64_t without_v2_sgis(const struct ash_vgic_access_ *a, uint64_t value)
{
    return a->vgic->version == 2U && a->at == 0U ? value & ~UINT64_C(0xFFFF) : value;
}

/* @bit: one bit. Four at a time: every block has a multiple of them (988 SPIs, too). */
static inline uint64_t read_state(const struct ash_vgic_access_ *a, uint32_t bit)
{
    struct ash_vgic_block_ block = bits_of(a);
    const struct ash_vgic_irq *irq = block.irq;
    uint32_t value = 0;

    irq = block.count != 0U ? irq + block.count : irq;
    for (unsigned n = block.count; n != 0U; n -= 4U) {
        irq -= 4;
        value = value << 1 | ((irq[3].state & bit) != 0U);
        value = value << 1 | ((irq[2].state & bit) != 0U);
        value = value << 1 | ((irq[1].state & bit) != 0U);
        value = value << 1 | ((irq[0].state & bit) != 0U);
    }
    return value;
}

/* Before a change of priority or group. */
static void keep_as(struct ash_vgic_irq *irq)
{
    if ((irq->lr != ASH_VGIC_NO_LR || ash_vgic_is_acked_(irq)) && (irq->state & RECONFIGURED) == 0U) {
        irq->active_as = ash_vgic_configured_as_(irq);
        irq->state |= RECONFIGURED;
    }
}

/* ---- group, enable ---- */

uint64_t ash_vgic_read_group_(struct ash_vgic_access_ *a)
{
    return read_state(a, GROUP1);
}

void ash_vgic_write_group_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_block_ block = bits_of(a);

    for (unsigned n = 0; n < block.count; n++) {
        struct ash_vgic_irq *irq = &block.irq[n];
        if (((irq->state & GROUP1) != 0U) != ((value & ASH_BIT(n)) != 0U)) {
            keep_as(irq);
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
    struct ash_vgic_irq *irqs = written_bits(a, &value);

    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = &irqs[ash_lowest_bit(value)];
        if ((irq->state & ENABLED) == 0U) {
            irq->state |= ENABLED;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

void ash_vgic_write_icenabler_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irqs = written_bits(a, &value);

    value = without_v2_sgis(a, value);
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = &irqs[ash_lowest_bit(value)];
        if ((irq->state & ENABLED) != 0U) {
            irq->state &= ~ENABLED;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

/* ---- pending, active ---- */

/* Not if the image was taken since the guest began to ask. */
void ash_vgic_want_sync_(struct ash_vgic_access_ *a, struct ash_vgic_vcpu *owner)
{
    if (!a->self->snooping || owner->synced_at <= a->self->snoop_since) {
        a->stale = true;
        ash_vgic_post_(a->vgic, owner);
    }
}

uint64_t ash_vgic_look_at_lr_(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq)
{
    struct ash_vgic_vcpu *owner = ash_vgic_owner_(a->vgic, irq);

    ash_vgic_want_sync_(a, owner);
    return ash_vgic_image_of_(owner, irq);
}

static bool shows_pending(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq)
{
    if (ash_vgic_is_pending_(irq)) {
        return true;
    }
    return irq->lr != ASH_VGIC_NO_LR && (ash_vgic_look_at_lr_(a, irq) & ASH_ICH_LR_PENDING) != 0U;
}

static bool shows_active(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq)
{
    if (irq->lr == ASH_VGIC_NO_LR) {
        struct ash_vgic_vcpu *owner = ash_vgic_owner_(a->vgic, irq);
        if (ash_vgic_is_acked_(irq) && owner->resident) {
            ash_vgic_want_sync_(a, owner); /* EOIcount may have ended it */
        }
        return (irq->state & ACTIVE) != 0U;
    }
    return (ash_vgic_look_at_lr_(a, irq) & ASH_ICH_LR_ACTIVE) != 0U;
}

uint64_t ash_vgic_read_pending_(struct ash_vgic_access_ *a)
{
    struct ash_vgic_block_ block = bits_of(a);
    uint64_t value = 0;

    for (unsigned n = 0; n < block.count; n++) {
        value |= (uint64_t)shows_pending(a, &block.irq[n]) << n;
    }
    return value;
}

uint64_t ash_vgic_read_active_(struct ash_vgic_access_ *a)
{
    struct ash_vgic_block_ block = bits_of(a);
    uint64_t value = 0;

    for (unsigned n = 0; n < block.count; n++) {
        value |= (uint64_t)shows_active(a, &block.irq[n]) << n;
    }
    return value;
}

void ash_vgic_write_ispendr_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irqs = written_bits(a, &value);

    value = without_v2_sgis(a, value);
    for (; value != 0U; value &= value - 1U) {
        struct ash_vgic_irq *irq = &irqs[ash_lowest_bit(value)];
        irq->state |= LATCH;
        ash_vgic_update_(a->vgic, irq);
    }
}

void ash_vgic_clear_pending_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    irq->state &= ~LATCH;
    if (irq->lr != ASH_VGIC_NO_LR) {
        irq->state |= CLEAR_PENDING;
    } else if ((irq->state & ACTIVE) == 0U || (irq->state & PHYS_NEXT) != 0U) {
        ash_vgic_release_(vgic, irq); /* a level that is still high fires again, as it does on hardware */
    }
    ash_vgic_update_(vgic, irq);
}

void ash_vgic_write_icpendr_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irqs = written_bits(a, &value);

    value = without_v2_sgis(a, value);
    for (; value != 0U; value &= value - 1U) {
        ash_vgic_clear_pending_(a->vgic, &irqs[ash_lowest_bit(value)]);
    }
}

/* Is it in an LR, or may the guest have ended it by an EOI that its CPU has only counted so far? Then a write to
 * its active state takes effect at the sync, after what the guest did before it. */
static bool waits_for_sync(const struct ash_vgic *vgic, const struct ash_vgic_irq *irq)
{
    return irq->lr != ASH_VGIC_NO_LR || (ash_vgic_is_acked_(irq) && ash_vgic_owner_(vgic, irq)->resident);
}

static void set_active(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if (waits_for_sync(vgic, irq)) {
        irq->state = (irq->state & ~CLEAR_ACTIVE) | SET_ACTIVE;
    } else {
        if ((irq->state & (QUEUED | ACTIVE)) == 0U && irq->target != ASH_VGIC_NO_VCPU) {
            irq->owner = irq->target;
        }
        if ((irq->state & ACTIVE) == 0U) { /* one that fired waits behind it */
            irq->state |= ACTIVE | SOFT_ACTIVE | ((irq->state & PHYS_ACTIVE) != 0U ? PHYS_NEXT : 0U);
        }
    }
    ash_vgic_update_(vgic, irq);
}

void ash_vgic_write_isactiver_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irqs = written_bits(a, &value);

    for (; value != 0U; value &= value - 1U) {
        set_active(a->vgic, &irqs[ash_lowest_bit(value)]);
    }
}

void ash_vgic_clear_active_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if (waits_for_sync(vgic, irq)) {
        irq->state |= CLEAR_ACTIVE; /* wins over SET_ACTIVE */
    } else {
        ash_vgic_deactivate_(vgic, irq);
    }
    ash_vgic_update_(vgic, irq);
}

void ash_vgic_write_icactiver_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irqs = written_bits(a, &value);

    for (; value != 0U; value &= value - 1U) {
        ash_vgic_clear_active_(a->vgic, &irqs[ash_lowest_bit(value)]);
    }
}

/* ---- priority, configuration ---- */

uint64_t ash_vgic_read_priority_(struct ash_vgic_access_ *a)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);
    uint64_t value = 0;

    for (unsigned n = 0; n < block.count; n++) {
        value |= (uint64_t)block.irq[n].priority << (8U * n);
    }
    return value;
}

void ash_vgic_write_priority_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at, a->size);

    for (unsigned n = 0; n < block.count; n++) {
        struct ash_vgic_irq *irq = &block.irq[n];
        uint8_t priority = (uint8_t)((value >> (8U * n)) & a->vgic->priority_mask);
        if (irq->priority != priority) {
            keep_as(irq);
            irq->priority = priority;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}

/* GICx_ICFGR: bit 1 of each pair: edge-triggered. Bit 0 is RES0. */
uint64_t ash_vgic_read_config_(struct ash_vgic_access_ *a)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at * 4U, 16);
    uint64_t value = 0;

    for (unsigned n = 0; n < block.count; n++) {
        value |= (uint64_t)((block.irq[n].state & EDGE) != 0U) << (2U * n + 1U);
    }
    return value;
}

void ash_vgic_write_config_(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_block_ block = ash_vgic_block_(a, a->at * 4U, 16);

    for (unsigned n = 0; n < block.count; n++) {
        struct ash_vgic_irq *irq = &block.irq[n];
        bool edge = (value & ASH_BIT(2U * n + 1U)) != 0U;
        if (irq->intid >= SGI_COUNT && ((irq->state & EDGE) != 0U) != edge) {
            irq->state ^= EDGE;
            ash_vgic_update_(a->vgic, irq);
        }
    }
}
