/* SPDX-License-Identifier: BSD-2-Clause */
/* Export and import. What is exported is what a guest could tell, in a normal form: two GICs that a guest cannot
 * tell apart export the same bytes. */
#include <libvgic/state.h>

#include "internal.h"

#define VMCR_BITS                                                                                            \
    (ASH_MASK(31, 24) | ASH_MASK(23, 21) | ASH_MASK(20, 18) | ASH_ICH_VMCR_VEOIM | ASH_MASK(4, 0))
#define BYPASS_BITS   ASH_MASK(8, 5) /* of GICC_CTLR, where the CPU interface is libvgic's */
#define V3_ROUTE_BITS UINT64_C(0xFF80FFFFFF)

static const struct {
    uint32_t state;
    uint32_t flag;
} flag_map[] = {
    {ENABLED, ASH_VGIC_STATE_ENABLED}, {LATCH, ASH_VGIC_STATE_LATCH},
    {LINE, ASH_VGIC_STATE_LINE},       {MESSAGE, ASH_VGIC_STATE_MESSAGE},
    {ACTIVE, ASH_VGIC_STATE_ACTIVE},   {SOFT_ACTIVE, ASH_VGIC_STATE_SOFT_ACTIVE},
    {GROUP1, ASH_VGIC_STATE_GROUP1},   {EDGE, ASH_VGIC_STATE_EDGE},
};

static bool any_is_loaded(const struct ash_vgic *vgic)
{
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        if (vgic->vcpus[n]->loaded) {
            return true;
        }
    }
    return false;
}

static uint32_t vmcr_bits(const struct ash_vgic *vgic)
{
    return (uint32_t)(VMCR_BITS | (ash_vgic_is_soft_(vgic) ? BYPASS_BITS : 0U));
}

/* ---- export ---- */

static bool waits_as_1ofn(const struct ash_vgic_irq *irq)
{
    return (irq->route & IROUTER_IRM) != 0U && (irq->state & (ENABLED | ACTIVE)) == ENABLED &&
           ash_vgic_is_pending_(irq);
}

static void export_irq(const struct ash_vgic *vgic, const struct ash_vgic_irq *irq,
                       struct ash_vgic_irq_state *s)
{
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < ASH_ARRAY_SIZE(flag_map); i++) {
        s->flags |= (irq->state & flag_map[i].state) != 0U ? flag_map[i].flag : 0U;
    }
    s->route = vgic->version == 2U ? irq->route & 0xFFU : irq->route;
    s->owner = (irq->state & ACTIVE) != 0U ? irq->owner : 0U;
    s->target = waits_as_1ofn(irq) ? irq->target : ASH_VGIC_NO_VCPU;
    s->priority = irq->priority;
    s->sources = irq->sources;
    s->source = irq->source;
    if (ash_vgic_is_acked_(irq)) {
        uint16_t as = ash_vgic_lr_as_(irq);
        s->active_priority = (uint8_t)(as & AS_PRIORITY);
        s->flags |= (as & AS_GROUP1) != 0U ? ASH_VGIC_STATE_ACKED_AS_1 : 0U;
    }
}

static void export_vcpu(const struct ash_vgic_vcpu *vcpu, struct ash_vgic_vcpu_state *s)
{
    memset(s, 0, sizeof(*s));
    s->affinity = vcpu->affinity;
    s->flags = (vcpu->online ? ASH_VGIC_STATE_ONLINE : 0U) | (vcpu->asleep ? ASH_VGIC_STATE_ASLEEP : 0U);
    s->vmcr = vcpu->lrs.vmcr & vmcr_bits(vcpu->vgic);
    memcpy(s->apr0, vcpu->lrs.apr0, sizeof(s->apr0));
    memcpy(s->apr1, vcpu->lrs.apr1, sizeof(s->apr1));
    for (uint32_t n = 0; n < ASH_VGIC_PRIVATE_IRQS; n++) {
        export_irq(vcpu->vgic, &vcpu->irqs[n], &s->irqs[n]);
    }
}

static uint8_t priority_bits(const struct ash_vgic *vgic)
{
    return (uint8_t)(8U - ash_lowest_bit(vgic->priority_mask));
}

int ash_vgic_export(const struct ash_vgic *vgic, struct ash_vgic_state *state, size_t size)
{
    if (size != ASH_VGIC_STATE_SIZE(vgic->vcpu_count, vgic->spi_count)) {
        return ASH_EINVAL;
    }
    if (any_is_loaded(vgic)) {
        return ASH_EBUSY;
    }
    memset(state, 0, sizeof(*state));
    state->version = ASH_VGIC_STATE_VERSION;
    state->size = (uint32_t)size;
    state->gic_version = vgic->version;
    state->vcpu_count = vgic->vcpu_count;
    state->spi_count = vgic->spi_count;
    state->ctlr = vgic->ctlr;
    state->next_1ofn = vgic->next_1ofn;
    state->priority_bits = priority_bits(vgic);
    state->preemption_bits = vgic->preemption_bits;
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        export_vcpu(vgic->vcpus[n], ash_vgic_state_vcpu(state, n));
    }
    for (uint32_t n = 0; n < vgic->spi_count; n++) {
        export_irq(vgic, &vgic->spis[n], ash_vgic_state_spi(state, n));
    }
    return ASH_OK;
}

/* ---- import: what an export can have written ---- */

static bool all_zero(const uint8_t *bytes, size_t count)
{
    uint8_t any = 0;

    for (size_t i = 0; i < count; i++) {
        any |= bytes[i];
    }
    return any == 0U;
}

static bool route_is_ok(const struct ash_vgic *vgic, const struct ash_vgic_irq_state *s, bool spi)
{
    uint64_t cpus = ASH_MASK((vgic->vcpu_count - 1U) & 7U, 0);

    if (!spi) {
        return s->route == 0U;
    }
    if (vgic->version == 3U) {
        return (s->route & ~V3_ROUTE_BITS) == 0U;
    }
    return vgic->vcpu_count == 1U ? s->route == 1U : (s->route & ~cpus) == 0U;
}

/* May a 1-of-N interrupt with this route be vCPU @n's? */
static bool takes_1ofn(const struct ash_vgic *vgic, struct ash_vgic_state *state,
                       const struct ash_vgic_irq_state *s, uint32_t n)
{
    uint32_t flags = ash_vgic_state_vcpu(state, n)->flags & (ASH_VGIC_STATE_ONLINE | ASH_VGIC_STATE_ASLEEP);

    return flags == ASH_VGIC_STATE_ONLINE && (vgic->version == 3U || (s->route & ASH_BIT(n)) != 0U);
}

static bool target_is_ok(const struct ash_vgic *vgic, struct ash_vgic_state *state,
                         const struct ash_vgic_irq_state *s)
{
    bool several = vgic->version == 2U ? (s->route & (s->route - 1U)) != 0U : (s->route & IROUTER_IRM) != 0U;
    bool pending = (s->flags & ASH_VGIC_STATE_LATCH) != 0U ||
                   ((s->flags & ASH_VGIC_STATE_EDGE) == 0U &&
                    (s->flags & (ASH_VGIC_STATE_LINE | ASH_VGIC_STATE_MESSAGE)) != 0U);
    bool waits = several && pending &&
                 (s->flags & (ASH_VGIC_STATE_ENABLED | ASH_VGIC_STATE_ACTIVE)) == ASH_VGIC_STATE_ENABLED;

    if (s->target != ASH_VGIC_NO_VCPU) {
        return waits && s->target < vgic->vcpu_count && takes_1ofn(vgic, state, s, s->target);
    }
    /* One that waits has been given to somebody if there is anybody. */
    for (uint32_t n = 0; waits && n < vgic->vcpu_count; n++) {
        if (takes_1ofn(vgic, state, s, n)) {
            return false;
        }
    }
    return true;
}

static bool sources_are_ok(const struct ash_vgic *vgic, const struct ash_vgic_irq_state *s, bool sgi)
{
    bool active = (s->flags & ASH_VGIC_STATE_ACTIVE) != 0U;

    if (!sgi || vgic->version == 3U) {
        return s->sources == 0U && s->source == 0U;
    }
    return (s->flags & ASH_VGIC_STATE_ENABLED) != 0U &&
           ((s->flags & ASH_VGIC_STATE_LATCH) != 0U) == (s->sources != 0U) &&
           ((uint32_t)s->sources >> vgic->vcpu_count) == 0U &&
           (active ? s->source < vgic->vcpu_count : s->source == 0U);
}

/* @vcpu: whose it is, if it is private. */
static bool irq_is_ok(const struct ash_vgic *vgic, struct ash_vgic_state *state,
                      const struct ash_vgic_irq_state *s, uint32_t intid, uint32_t vcpu)
{
    bool spi = intid >= ASH_VGIC_PRIVATE_IRQS;
    bool sgi = intid < SGI_COUNT;
    bool active = (s->flags & ASH_VGIC_STATE_ACTIVE) != 0U;
    bool acked = active && (s->flags & ASH_VGIC_STATE_SOFT_ACTIVE) == 0U;

    if ((s->flags & ~ASH_VGIC_STATE_FLAGS) != 0U || !all_zero(s->reserved, sizeof(s->reserved)) ||
        ((s->priority | s->active_priority) & ~vgic->priority_mask & 0xFFU) != 0U) {
        return false;
    }
    if (!acked && ((s->flags & ASH_VGIC_STATE_ACKED_AS_1) != 0U || s->active_priority != 0U)) {
        return false;
    }
    if ((!active && (s->flags & ASH_VGIC_STATE_SOFT_ACTIVE) != 0U) ||
        ((!spi || vgic->version == 2U) && (s->flags & ASH_VGIC_STATE_MESSAGE) != 0U) ||
        (sgi && (s->flags & (ASH_VGIC_STATE_EDGE | ASH_VGIC_STATE_LINE)) != ASH_VGIC_STATE_EDGE)) {
        return false;
    }
    if (active ? (spi ? s->owner >= vgic->vcpu_count : s->owner != vcpu) : s->owner != 0U) {
        return false;
    }
    return route_is_ok(vgic, s, spi) && target_is_ok(vgic, state, s) && sources_are_ok(vgic, s, sgi);
}

static bool vcpu_is_ok(const struct ash_vgic *vgic, struct ash_vgic_state *state, uint32_t vcpu)
{
    const struct ash_vgic_vcpu_state *s = ash_vgic_state_vcpu(state, vcpu);
    unsigned levels = 1U << vgic->preemption_bits;
    uint32_t outside = (s->flags & ~(ASH_VGIC_STATE_ONLINE | ASH_VGIC_STATE_ASLEEP)) | s->reserved |
                       (s->vmcr & ~vmcr_bits(vgic));

    outside |= vgic->version == 2U ? s->flags & ASH_VGIC_STATE_ASLEEP : 0U;
    for (unsigned r = 0; r < 4U; r++) {
        uint32_t there = levels >= 32U * (r + 1U) ? UINT32_MAX : 0U;
        there = r == 0U && levels < 32U ? (UINT32_C(1) << levels) - 1U : there;
        outside |= (s->apr0[r] | s->apr1[r]) & ~there;
    }
    for (uint32_t n = 0; n < ASH_VGIC_PRIVATE_IRQS; n++) {
        outside |= irq_is_ok(vgic, state, &s->irqs[n], n, vcpu) ? 0U : 1U;
    }
    return outside == 0U;
}

/* ---- import ---- */

static int check_state(const struct ash_vgic *vgic, struct ash_vgic_state *state, size_t size)
{
    bool ok = state->size == size && (state->ctlr & ~GICD_CTLR_ENABLES) == 0U &&
              state->next_1ofn <= vgic->vcpu_count && all_zero(state->reserved, sizeof(state->reserved));

    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        if (ash_vgic_state_vcpu(state, n)->affinity != vgic->vcpus[n]->affinity) {
            return ASH_ENOTSUP;
        }
        ok = ok && vcpu_is_ok(vgic, state, n);
    }
    for (uint32_t n = 0; n < vgic->spi_count; n++) {
        ok = ok && irq_is_ok(vgic, state, ash_vgic_state_spi(state, n), ASH_VGIC_PRIVATE_IRQS + n, 0);
    }
    return ok ? ASH_OK : ASH_EINVAL;
}

/* @irq is in its reset state. */
static void import_irq(struct ash_vgic *vgic, struct ash_vgic_irq *irq, const struct ash_vgic_irq_state *s)
{
    irq->state = 0;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(flag_map); i++) {
        irq->state |= (s->flags & flag_map[i].flag) != 0U ? flag_map[i].state : 0U;
    }
    irq->priority = s->priority;
    irq->sources = s->sources;
    irq->source = s->source;
    if (ash_vgic_is_acked_(irq)) {
        irq->active_as = s->active_priority;
        irq->active_as |= (s->flags & ASH_VGIC_STATE_ACKED_AS_1) != 0U ? AS_GROUP1 : 0U;
        irq->state |= irq->active_as != ash_vgic_configured_as_(irq) ? RECONFIGURED : 0U;
    }
    if ((irq->state & ACTIVE) != 0U) {
        irq->owner = s->owner;
    }
    if (irq->intid >= ASH_VGIC_PRIVATE_IRQS) {
        bool several = vgic->version == 2U && (s->route & (s->route - 1U)) != 0U;
        irq->route = s->route | (several ? IROUTER_IRM : 0U);
        irq->target = ash_vgic_target_of_(vgic, irq->route);
        irq->target = (irq->route & IROUTER_IRM) != 0U ? s->target : irq->target;
    }
}

static void import_vcpu(struct ash_vgic_vcpu *vcpu, const struct ash_vgic_vcpu_state *s)
{
    vcpu->online = (s->flags & ASH_VGIC_STATE_ONLINE) != 0U;
    vcpu->asleep = (s->flags & ASH_VGIC_STATE_ASLEEP) != 0U;
    vcpu->lrs.vmcr = s->vmcr;
    memcpy(vcpu->lrs.apr0, s->apr0, sizeof(s->apr0));
    memcpy(vcpu->lrs.apr1, s->apr1, sizeof(s->apr1));
    if (ash_vgic_is_soft_(vcpu->vgic)) {
        ash_vgic_soft_import_(vcpu);
    }
    for (uint32_t n = 0; n < ASH_VGIC_PRIVATE_IRQS; n++) {
        import_irq(vcpu->vgic, &vcpu->irqs[n], &s->irqs[n]);
    }
}

int ash_vgic_import(struct ash_vgic *vgic, const struct ash_vgic_state *const_state, size_t size)
{
    /* The accessors are for both uses; nothing is written. */
    struct ash_vgic_state *state = (struct ash_vgic_state *)(uintptr_t)const_state;

    if (any_is_loaded(vgic)) {
        return ASH_EBUSY;
    }
    if (size < sizeof(*state)) {
        return ASH_EINVAL;
    }
    if (state->version != ASH_VGIC_STATE_VERSION || state->gic_version != vgic->version ||
        state->vcpu_count != vgic->vcpu_count || state->spi_count != vgic->spi_count ||
        state->priority_bits != priority_bits(vgic) || state->preemption_bits != vgic->preemption_bits) {
        return ASH_ENOTSUP;
    }
    if (size != ASH_VGIC_STATE_SIZE(vgic->vcpu_count, vgic->spi_count)) {
        return ASH_EINVAL;
    }
    int error = check_state(vgic, state, size);
    if (error != ASH_OK) {
        return error;
    }
    ash_vgic_reset(vgic);
    vgic->ctlr = state->ctlr;
    vgic->next_1ofn = state->next_1ofn;
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        import_vcpu(vgic->vcpus[n], ash_vgic_state_vcpu(state, n));
    }
    for (uint32_t n = 0; n < vgic->spi_count; n++) {
        import_irq(vgic, &vgic->spis[n], ash_vgic_state_spi(state, n));
    }
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        for (uint32_t i = 0; i < ASH_VGIC_PRIVATE_IRQS; i++) {
            ash_vgic_update_(vgic, &vgic->vcpus[n]->irqs[i]);
        }
    }
    for (uint32_t n = 0; n < vgic->spi_count; n++) {
        ash_vgic_update_(vgic, &vgic->spis[n]);
    }
    return ASH_OK;
}
