/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the interrupts' state and the list register image. IHI 0069 chapter 6 "Virtual interrupt handling
 * and prioritization" and ICH_LR<n>_EL2. */
#include "internal.h"

/* ---- sync: image -> state ---- */

/* What happens to the physical interrupt behind @irq, whose LR was @lr. @ended: an active state to which the
 * physical one belongs may have ended. */
static void fold_physical(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq, uint64_t lr, bool ended)
{
    struct ash_vgic *vgic = vcpu->vgic;

    if ((irq->state & PHYS_ACTIVE) == 0U) {
        return;
    }
    if ((lr & (ASH_ICH_LR_HW | ASH_ICH_LR_STATE)) == ASH_ICH_LR_HW) {
        irq->state &= ~PHYS_ACTIVE; /* the guest's deactivation did it */
        return;
    }
    /* Its pending state may have been taken back, too. */
    uint32_t keeps = (irq->state & PHYS_NEXT) != 0U ? LATCH : ACTIVE | LATCH;
    if ((irq->state & keeps) == 0U || (ended && (irq->state & ACTIVE) == 0U)) {
        irq->state &= ~(PHYS_ACTIVE | PHYS_NEXT | RELEASE);
        vgic->hal->hw_deactivate(vgic->ctx, vcpu->index, irq->pintid);
    }
    irq->state &= (irq->state & ACTIVE) != 0U ? ~UINT32_C(0) : ~PHYS_NEXT;
}

/* What register writes asked for while it was in an LR. Returns the state after them. */
static uint32_t fold_requests(uint32_t state)
{
    if ((state & (SET_ACTIVE | ACTIVE)) == SET_ACTIVE) {
        state |= ACTIVE | SOFT_ACTIVE | ((state & PHYS_ACTIVE) != 0U ? PHYS_NEXT : 0U);
    }
    return (state & CLEAR_ACTIVE) != 0U ? state & ~(ACTIVE | SOFT_ACTIVE | RECONFIGURED) : state;
}

/* The state of @irq after its LR was @lr. */
static void fold_state(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq, uint64_t lr)
{
    uint32_t state = irq->state;

    if ((state & LR_LATCH) != 0U) {
        if ((lr & ASH_ICH_LR_PENDING) == 0U) {
            state &= ~SOFT_ACTIVE; /* acknowledged, so the active one is the guest's by now */
        } else if ((state & CLEAR_PENDING) == 0U) {
            state |= LATCH;
            if (ash_vgic_has_sources_(vcpu->vgic, irq)) {
                irq->sources |= (uint8_t)(1U << irq->source);
            }
        }
    }
    state = (lr & ASH_ICH_LR_ACTIVE) != 0U ? state | ACTIVE : state & ~(ACTIVE | SOFT_ACTIVE | RECONFIGURED);
    if ((state & REQUESTS) != 0U) {
        state = fold_requests(state);
    }
    state &= (state & SOFT_ACTIVE) != 0U ? ~RECONFIGURED : ~UINT32_C(0);
    irq->state = state & ~(LR_LATCH | LR_PHYS | REQUESTS);
    irq->source = (lr & ASH_ICH_LR_ACTIVE) != 0U && (state & ACTIVE) != 0U ? irq->source : 0;
}

static void fold(struct ash_vgic_vcpu *vcpu, unsigned n)
{
    struct ash_vgic_irq *irq = vcpu->lr_irq[n];
    uint64_t lr = vcpu->lrs.lr[n];
    bool acknowledged = (irq->state & LR_LATCH) != 0U && (lr & ASH_ICH_LR_PENDING) == 0U;
    bool was_active = (irq->state & ACTIVE) != 0U || (lr & ASH_ICH_LR_ACTIVE) != 0U || acknowledged;
    bool physical = (irq->state & LR_PHYS) != 0U;

    if (physical && acknowledged) {
        irq->state &= ~PHYS_NEXT; /* that one is the active one by now, or has been */
    }
    physical = physical && (irq->state & PHYS_NEXT) == 0U;
    fold_state(vcpu, irq, lr);
    fold_physical(vcpu, irq, lr, was_active && physical);

    if ((lr & ASH_ICH_LR_STATE) == 0U && (irq->route & IROUTER_IRM) != 0U) {
        irq->target = ASH_VGIC_NO_VCPU; /* one of N had it; the next time it may be another */
    }
    irq->lr_hint = (uint8_t)n;
    irq->lr = ASH_VGIC_NO_LR;
    ash_vgic_place_(vcpu->vgic, irq, (uint16_t)vcpu->index);
}

/* The priority that @irq, which is in no LR, has in one. */
static uint8_t lr_priority(const struct ash_vgic_irq *irq)
{
    return (uint8_t)(ash_vgic_lr_as_(irq) & AS_PRIORITY);
}

/* The guest ended an active interrupt that was in no LR: by the rules of nesting the one of the highest
 * priority (EOI mode 0). In EOI mode 1 deactivation comes in any order, which is why flush traps ICV_DIR_EL1
 * where it can. */
static void fold_eoi_without_lr(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_irq *ended = NULL;

    for (struct ash_vgic_irq *irq = vcpu->queue; irq != NULL; irq = irq->next) {
        if (ash_vgic_is_acked_(irq) && (ended == NULL || lr_priority(irq) < lr_priority(ended))) {
            ended = irq;
        }
    }
    if (ended != NULL) {
        bool physical = (ended->state & PHYS_NEXT) == 0U;
        ended->state &= ~(ACTIVE | PHYS_NEXT | RECONFIGURED);
        ended->source = 0;
        fold_physical(vcpu, ended, 0, physical);
        ended->state = fold_requests(ended->state) & ~REQUESTS; /* written after the EOI */
        ash_vgic_place_(vcpu->vgic, ended, (uint16_t)vcpu->index);
    }
}

/* What register writes asked for of active ones in no LR, now that it is known which of them the guest has ended. */
static void fold_requests_without_lr(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_irq *next;

    for (struct ash_vgic_irq *irq = vcpu->queue; irq != NULL; irq = next) {
        next = irq->next;
        if ((irq->state & CLEAR_ACTIVE) != 0U) {
            ash_vgic_deactivate_(vcpu->vgic, irq);
            ash_vgic_place_(vcpu->vgic, irq, (uint16_t)vcpu->index);
        }
        irq->state &= ~SET_ACTIVE; /* it is active */
    }
}

void ash_vgic_sync(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_lrs *lrs = &vcpu->lrs;
    uint32_t ended = lrs->hcr >> ASH_ICH_HCR_EOICOUNT_SHIFT;

    vcpu->synced_at = ++vcpu->vgic->epoch;
    if (ended != 0U) {
        lrs->hcr &= (UINT32_C(1) << ASH_ICH_HCR_EOICOUNT_SHIFT) - 1U;
        lrs->changed |= ASH_VGIC_CHANGED_HCR;
    }
    for (; ended != 0U; ended--) {
        fold_eoi_without_lr(vcpu);
    }
    if ((lrs->hcr & ASH_ICH_HCR_LRENPIE) != 0U) {
        fold_requests_without_lr(vcpu);
    }
    while (lrs->used != 0U) {
        unsigned n = ash_lowest_bit(lrs->used);
        lrs->used &= lrs->used - 1U;
        fold(vcpu, n);
    }
}

/* ---- flush: state -> image ---- */

struct selection {
    uint32_t vmcr;                              /* the guest's group enables */
    struct ash_vgic_irq *irq[ASH_VGIC_MAX_LRS]; /* in the order of is_before() */
    struct ash_vgic_irq *top_pending;
    unsigned count;
    unsigned active; /* of all candidates, selected or not */
    unsigned pending;
};

static bool group_is_open(const struct selection *s, const struct ash_vgic_irq *irq)
{
    return (s->vmcr & ((irq->state & GROUP1) != 0U ? ASH_ICH_VMCR_VENG1 : ASH_ICH_VMCR_VENG0)) != 0U;
}

/* Active ones first: their EOI wants an LR. Then those whose group the guest takes (IHI 0069 4.8: the others do
 * not count for the highest priority pending interrupt); then by priority; equal ones by INTID. */
static bool is_before(const struct selection *s, const struct ash_vgic_irq *a, const struct ash_vgic_irq *b)
{
    uint32_t differ = a->state ^ b->state;

    if ((differ & ACTIVE) != 0U) {
        return (a->state & ACTIVE) != 0U;
    }
    if ((differ & GROUP1) != 0U && group_is_open(s, a) != group_is_open(s, b)) {
        return group_is_open(s, a);
    }
    uint8_t a_priority = lr_priority(a);
    uint8_t b_priority = lr_priority(b);
    return a_priority != b_priority ? a_priority < b_priority : a->intid < b->intid;
}

static void select_one(struct selection *s, struct ash_vgic_irq *irq, unsigned lr_count)
{
    if ((irq->state & ACTIVE) != 0U) {
        s->active++;
    } else {
        s->pending++;
        if (s->top_pending == NULL || is_before(s, irq, s->top_pending)) {
            s->top_pending = irq;
        }
    }
    if (s->count == lr_count) {
        /* Never empty: a flush without LRs is soft.c. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
        if (!is_before(s, irq, s->irq[lr_count - 1U])) {
            return;
        }
        s->count--;
    }
    unsigned at = s->count++;
    for (; at > 0U && is_before(s, irq, s->irq[at - 1U]); at--) {
        s->irq[at] = s->irq[at - 1U];
    }
    s->irq[at] = irq;
}

/* Does @irq, of the queue, want an LR? What was left to be deactivated here, is. */
static bool wants_lr(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq)
{
    struct ash_vgic *vgic = vcpu->vgic;

    if ((irq->state & RELEASE) != 0U) {
        ash_vgic_release_here_(vcpu, irq);
    }
    return (irq->state & QUEUED) != 0U && ((irq->state & ACTIVE) != 0U || ash_vgic_is_open_(vgic, irq, vcpu));
}

/* Take the best lr_count of the queue. */
static void select_all(struct ash_vgic_vcpu *vcpu, struct selection *s)
{
    struct ash_vgic *vgic = vcpu->vgic;
    struct ash_vgic_irq *next;

    s->vmcr = vcpu->lrs.vmcr;
    s->count = s->active = s->pending = 0;
    s->top_pending = NULL;
    for (struct ash_vgic_irq *irq = vcpu->queue; irq != NULL; irq = next) {
        next = irq->next;
        if (wants_lr(vcpu, irq)) {
            select_one(s, irq, vgic->lr_count);
        }
    }
    /* One LR is always the best pending one's: it may preempt. The active one that gives way is the last that
     * the guest will EOI. */
    if (s->pending != 0U && s->count == vgic->lr_count && (s->irq[s->count - 1U]->state & ACTIVE) != 0U) {
        s->irq[s->count - 1U] = s->top_pending;
    }
}

/* The pending state in the LR takes the latch with it; of a GICv2's SGI, that of one source. */
static void take_latch(struct ash_vgic_irq *irq)
{
    irq->state |= LR_LATCH;
    if (irq->sources != 0U) {
        irq->source = (uint8_t)ash_lowest_bit(irq->sources);
        irq->sources &= (uint8_t)(irq->sources - 1U);
    }
    irq->state &= irq->sources != 0U ? ~UINT32_C(0) : ~LATCH;
}

/* The LR for @irq; see "Level-sensitive interrupts" in vgic.h for the EOI bit. */
static uint64_t encode(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq, bool crowded)
{
    bool active = (irq->state & ACTIVE) != 0U;
    bool level = (irq->state & EDGE) == 0U && (irq->state & HIGH) != 0U;
    bool again = active && ash_vgic_is_pending_(irq);
    bool physical = (irq->state & PHYS_ACTIVE) != 0U;
    bool pending = !active;
    uint64_t lr = irq->intid | ((uint64_t)irq->priority << ASH_ICH_LR_PRIORITY_SHIFT);

    /* A level is not made active and pending: it is sampled when the guest is done. Neither is an edge while
     * better ones may wait for an LR: once deactivated it would go before them; nor an SGI with sources: the LR
     * has room for one of them; nor one that has another priority by now. */
    if (again && !crowded && (irq->state & (EDGE | RECONFIGURED)) == EDGE && irq->sources == 0U &&
        ash_vgic_is_open_(vcpu->vgic, irq, vcpu)) {
        pending = true;
    }
    if (pending && (irq->state & LATCH) != 0U) {
        take_latch(irq);
    }
    lr |= (uint64_t)irq->source << ASH_ICH_LR_SOURCE_SHIFT;
    if (physical && !again && !level && !vcpu->vgic->deactivate_by_hal) {
        lr |= ASH_ICH_LR_HW | ((uint64_t)irq->pintid << ASH_ICH_LR_PINTID_SHIFT);
    } else if (level || physical || (irq->state & LATCH) != 0U) {
        /* More follows. Or: HW = 1 has no maintenance interrupt and no active-and-pending, or is not wanted, so
         * we deactivate it ourselves. */
        lr |= ASH_ICH_LR_EOI;
    }
    lr |= (irq->state & GROUP1) != 0U ? ASH_ICH_LR_GROUP1 : 0U;
    if ((irq->state & RECONFIGURED) != 0U) {
        lr = (lr & ~((uint64_t)(AS_PRIORITY | AS_GROUP1) << AS_SHIFT)) | (uint64_t)irq->active_as << AS_SHIFT;
    }
    return lr | (active ? ASH_ICH_LR_ACTIVE : 0U) | (pending ? ASH_ICH_LR_PENDING : 0U);
}

void ash_vgic_fill_(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq, unsigned n, bool crowded)
{
    struct ash_vgic_lrs *lrs = &vcpu->lrs;
    uint64_t lr = encode(vcpu, irq, crowded);

    if (lrs->lr[n] != lr) {
        lrs->lr[n] = lr;
        lrs->changed |= UINT32_C(1) << n;
    }
    lrs->used |= UINT32_C(1) << n;
    vcpu->filled |= UINT32_C(1) << n;
    vcpu->lr_irq[n] = irq;
    irq->lr = (uint8_t)n;
    irq->state |= (irq->state & PHYS_ACTIVE) != 0U ? LR_PHYS : 0U;
    irq->owner = (uint16_t)vcpu->index;
}

/* What stays where it was costs no write, so old places first. */
static void assign(struct ash_vgic_vcpu *vcpu, struct selection *s, bool crowded)
{
    uint32_t all = (uint32_t)ASH_MASK(vcpu->vgic->lr_count - 1, 0);
    unsigned left = 0;

    for (unsigned i = 0; i < s->count; i++) {
        struct ash_vgic_irq *irq = s->irq[i];
        unsigned hint = irq->lr_hint;

        ash_vgic_unqueue_(vcpu->vgic, irq);
        if (hint < vcpu->vgic->lr_count && (vcpu->lrs.used & (1U << hint)) == 0U) {
            ash_vgic_fill_(vcpu, irq, hint, crowded);
        } else {
            s->irq[left++] = irq;
        }
    }
    for (unsigned i = 0; i < left; i++) {
        ash_vgic_fill_(vcpu, s->irq[i], ash_lowest_bit(all & ~vcpu->lrs.used), crowded);
    }
}

/* An empty LR is written only if hardware would still take it for something: valid, or "EOI" with its
 * interrupt. */
static void clear_unused(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_lrs *lrs = &vcpu->lrs;

    for (uint32_t left = vcpu->filled & ~lrs->used; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        uint64_t lr = lrs->lr[n];
        if ((lr & ASH_ICH_LR_STATE) != 0U || (lr & (ASH_ICH_LR_HW | ASH_ICH_LR_EOI)) == ASH_ICH_LR_EOI) {
            lrs->changed |= UINT32_C(1) << n;
        }
        lrs->lr[n] = 0;
    }
    vcpu->filled = lrs->used;
}

/* When to come back, since not all of them are in LRs. */
static uint32_t maintenance_of(const struct ash_vgic_vcpu *vcpu, const struct selection *s)
{
    uint32_t vmcr = vcpu->lrs.vmcr;
    uint32_t hcr = 0;
    unsigned active = 0;

    for (unsigned i = 0; i < s->count; i++) {
        active += (s->irq[i]->state & ACTIVE) != 0U ? 1U : 0U;
    }
    if (s->pending > s->count - active) {
        /* When those in LRs are taken (there is one, so this is no storm), or when the guest opens or closes a
         * group, so that others are the best. */
        hcr |= ASH_ICH_HCR_NPIE;
        hcr |= (vmcr & ASH_ICH_VMCR_VENG0) != 0U ? ASH_ICH_HCR_VGRP0DIE : ASH_ICH_HCR_VGRP0EIE;
        hcr |= (vmcr & ASH_ICH_VMCR_VENG1) != 0U ? ASH_ICH_HCR_VGRP1DIE : ASH_ICH_HCR_VGRP1EIE;
    }
    if (s->active > active) {
        /* When the guest ends one of those outside. TDIR in either EOI mode: it may change without an exit. */
        hcr |= ASH_ICH_HCR_LRENPIE;
        hcr |= vcpu->vgic->has_tdir ? ASH_ICH_HCR_TDIR : 0U;
    }
    return hcr;
}

/* The usual case: nothing to choose from. */
static void flush_one(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq)
{
    if (wants_lr(vcpu, irq)) {
        ash_vgic_unqueue_(vcpu->vgic, irq);
        ash_vgic_fill_(vcpu, irq, irq->lr_hint < vcpu->vgic->lr_count ? irq->lr_hint : 0U, false);
    }
}

/* The best of several. Returns the maintenance interrupts that are wanted. */
static uint32_t flush_several(struct ash_vgic_vcpu *vcpu)
{
    struct selection s;
    uint32_t hcr = 0;

    select_all(vcpu, &s);
    if (s.active + s.pending > s.count) {
        hcr = maintenance_of(vcpu, &s);
    }
    assign(vcpu, &s, (hcr & ASH_ICH_HCR_NPIE) != 0U);
    return hcr;
}

void ash_vgic_flush(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_lrs *lrs = &vcpu->lrs;
    struct ash_vgic_irq *first = vcpu->queue;
    uint32_t hcr = ASH_ICH_HCR_EN;

    if (ash_vgic_is_soft_(vcpu->vgic)) {
        ash_vgic_soft_flush_(vcpu);
        return;
    }
    ASH_ASSERT(lrs->used == 0U);
    __atomic_store_n(&vcpu->work, 0U, __ATOMIC_RELAXED);
    ash_vgic_recalled_(vcpu);
    if (first != NULL && first->next != NULL) {
        hcr |= flush_several(vcpu);
    } else if (first != NULL) {
        flush_one(vcpu, first);
    }
    clear_unused(vcpu);
    if (lrs->hcr != hcr) {
        lrs->hcr = hcr;
        lrs->changed |= ASH_VGIC_CHANGED_HCR;
    }
}

void ash_vgic_load(struct ash_vgic_vcpu *vcpu)
{
    ASH_ASSERT(!vcpu->loaded);
    vcpu->loaded = true;
    vcpu->resident = !ash_vgic_is_soft_(vcpu->vgic);
    ash_vgic_flush(vcpu);
}

void ash_vgic_put(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_lrs *lrs = &vcpu->lrs;

    ash_vgic_sync(vcpu);
    vcpu->loaded = vcpu->resident = false;
    vcpu->lines = 0;
    ash_vgic_recalled_(vcpu);
    lrs->changed = 0;
    lrs->hcr = 0;
}
