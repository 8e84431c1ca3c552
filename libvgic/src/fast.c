/* SPDX-License-Identifier: BSD-2-Clause */
/* The short ways: one interrupt into one LR, and "is anything signalled". */
#include "internal.h"

/* LR @n is known to be empty: what was in it is done. */
static void retire(struct ash_vgic_vcpu *vcpu, unsigned n)
{
    struct ash_vgic_irq *irq = vcpu->lr_irq[n];

    irq->state &= ~(ACTIVE | SOFT_ACTIVE | LR_LATCH | LR_PHYS | PHYS_NEXT | RECONFIGURED);
    irq->source = 0;
    if ((vcpu->lrs.lr[n] & ASH_ICH_LR_HW) != 0U) {
        irq->state &= ~PHYS_ACTIVE;
    }
    irq->lr_hint = (uint8_t)n;
    irq->lr = ASH_VGIC_NO_LR;
    vcpu->lrs.lr[n] = 0;
    vcpu->lrs.used &= ~(UINT32_C(1) << n);
}

/* An LR for @irq, which is idle or in an LR that is empty by now; or none. */
static unsigned find_lr(struct ash_vgic_vcpu *vcpu, const struct ash_vgic_irq *irq, uint32_t empty)
{
    uint32_t all = (uint32_t)ASH_MASK(vcpu->vgic->lr_count - 1, 0);
    uint32_t unused = all & ~vcpu->lrs.used;

    if (irq->lr != ASH_VGIC_NO_LR) {
        bool hw = (vcpu->lrs.lr[irq->lr] & ASH_ICH_LR_HW) != 0U && irq->pintid != ASH_VGIC_NO_PINTID;
        return hw || (empty & (1U << irq->lr)) != 0U ? irq->lr : ASH_VGIC_NO_LR;
    }
    if ((irq->state & QUEUED) != 0U) {
        return ASH_VGIC_NO_LR; /* an SPI that another vCPU still has active */
    }
    if (unused != 0U) {
        return ash_lowest_bit(unused);
    }
    /* An SPI that ended may have more to be done than retire() does (1 of N). */
    for (uint32_t left = vcpu->lrs.used & empty; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        if (vcpu->lr_irq[n]->intid < ASH_VGIC_PRIVATE_IRQS) {
            return n;
        }
    }
    return ASH_VGIC_NO_LR;
}

int ash_vgic_inject_fast(struct ash_vgic_vcpu *vcpu, uint32_t intid, uint32_t elrsr)
{
    struct ash_vgic *vgic = vcpu->vgic;
    struct ash_vgic_irq *irq = ash_vgic_irq_(vgic, vcpu->index, intid);

    if (irq == NULL) {
        return ASH_ENOENT;
    }
    bool linked = irq->pintid != ASH_VGIC_NO_PINTID;
    /* An empty queue and no work: nothing competes for LRs, and no request of anybody is under way. */
    if (!vcpu->resident || ash_vgic_needs_flush(vcpu) || vcpu->queue != NULL ||
        !(linked || (irq->state & EDGE)) || (irq->lr != ASH_VGIC_NO_LR && irq->owner != vcpu->index) ||
        !ash_vgic_is_open_(vgic, irq, vcpu)) {
        return ASH_EBUSY;
    }
    unsigned n = find_lr(vcpu, irq, elrsr);
    if (n == ASH_VGIC_NO_LR) {
        return ASH_EBUSY;
    }
    if ((vcpu->lrs.used & (1U << n)) != 0U) {
        retire(vcpu, n);
    }
    irq->state |= LATCH | (linked ? PHYS_ACTIVE : 0U);
    if (ash_vgic_has_sources_(vgic, irq)) {
        irq->sources |= (uint8_t)(1U << vcpu->index);
    }
    uint32_t changed = vcpu->lrs.changed;
    ash_vgic_fill_(vcpu, irq, n, false);
    vcpu->lrs.changed = changed;
    return (int)n;
}

/* All that its state may say when it fires again: pending by its latch in an LR with HW = 1, nothing asked of it since.
 * Filled once more, it says the same. */
#define AGAIN     (ENABLED | LR_LATCH | PHYS_ACTIVE | LR_PHYS)
#define NOT_AGAIN (LATCH | HIGH | ACTIVE | SOFT_ACTIVE | QUEUED | RELEASE | PHYS_NEXT | REQUESTS)
#define LR_AGAIN  (ASH_ICH_LR_HW | ASH_ICH_LR_PENDING)

int ash_vgic_inject_again(const struct ash_vgic_vcpu *vcpu, uint32_t intid)
{
    if (intid >= ASH_VGIC_PRIVATE_IRQS) {
        return ASH_EBUSY;
    }
    const struct ash_vgic_irq *irq = &vcpu->irqs[ash_index_nospec(intid, ASH_VGIC_PRIVATE_IRQS)];
    unsigned n = irq->lr;

    /* Without work, what is pending in an LR may be delivered with that priority and group: whatever changes that,
     * wants a flush. */
    if (n >= ASH_VGIC_MAX_LRS || (irq->state & (AGAIN | NOT_AGAIN)) != AGAIN || ash_vgic_needs_flush(vcpu) ||
        vcpu->queue != NULL || (vcpu->lrs.lr[n] & (LR_AGAIN | ASH_ICH_LR_ACTIVE)) != LR_AGAIN) {
        return ASH_EBUSY;
    }
    ASH_ASSERT(vcpu->resident && vcpu->lr_irq[n] == irq && (vcpu->lrs.used & (1U << n)) != 0U);
    ASH_ASSERT(ash_vgic_is_open_(vcpu->vgic, irq, vcpu));
    ASH_ASSERT(ash_field(vcpu->lrs.lr[n], 55, 48) == irq->priority &&
               ((vcpu->lrs.lr[n] & ASH_ICH_LR_GROUP1) != 0U) == ((irq->state & GROUP1) != 0U));
    return (int)n;
}

/* The priority at which the CPU interface runs: the highest active one, 0x100 if none. IHI 0069
 * ICH_AP1R<n>_EL2: bit b of register r is preemption level 32 r + b. */
static unsigned running_priority(const struct ash_vgic_vcpu *vcpu)
{
    unsigned shift = 8U - vcpu->vgic->preemption_bits;

    for (unsigned r = 0; r < 4U; r++) {
        uint32_t active = vcpu->lrs.apr0[r] | vcpu->lrs.apr1[r];
        if (active != 0U) {
            return (32U * r + ash_lowest_bit(active)) << shift;
        }
    }
    return 0x100U;
}

/* The bits of a priority that count for preemption. IHI 0069 "Priority grouping": Group 1 with its own binary
 * point has one bit less of subpriority. */
static unsigned group_mask(uint32_t vmcr, bool group1)
{
    unsigned bpr0 = (vmcr >> ASH_ICH_VMCR_VBPR0_SHIFT) & 7U;
    unsigned bpr1 = (vmcr >> ASH_ICH_VMCR_VBPR1_SHIFT) & 7U;

    if (group1 && (vmcr & ASH_ICH_VMCR_VCBPR) == 0U) {
        return (0xFFU << bpr1) & 0xFFU;
    }
    return (0xFFU << (bpr0 + 1U)) & 0xFFU;
}

static bool is_signalled(const struct ash_vgic_vcpu *vcpu, const struct ash_vgic_irq *irq, unsigned running)
{
    uint32_t vmcr = vcpu->lrs.vmcr;
    bool group1 = (irq->state & GROUP1) != 0U;

    if (ash_vgic_is_soft_(vcpu->vgic)) {
        return ash_vgic_soft_signals_(vcpu, irq, running);
    }
    return (vmcr & (group1 ? ASH_ICH_VMCR_VENG1 : ASH_ICH_VMCR_VENG0)) != 0U &&
           irq->priority < (vmcr >> ASH_ICH_VMCR_VPMR_SHIFT) &&
           (irq->priority & group_mask(vmcr, group1)) < running;
}

static bool wakes_redistributor(const struct ash_vgic *vgic, const struct ash_vgic_irq *irq)
{
    return (irq->state & (ENABLED | ACTIVE)) == ENABLED && ash_vgic_is_pending_(irq) &&
           (vgic->ctlr & ((irq->state & GROUP1) != 0U ? 2U : 1U)) != 0U;
}

bool ash_vgic_has_deliverable(const struct ash_vgic_vcpu *vcpu)
{
    unsigned running = running_priority(vcpu);

    for (const struct ash_vgic_irq *irq = vcpu->queue; irq != NULL; irq = irq->next) {
        if (vcpu->asleep ? wakes_redistributor(vcpu->vgic, irq)
                         : (irq->state & ACTIVE) == 0U && ash_vgic_is_open_(vcpu->vgic, irq, vcpu) &&
                               is_signalled(vcpu, irq, running)) {
            return true;
        }
    }
    for (uint32_t left = vcpu->lrs.used; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        if ((vcpu->lrs.lr[n] & ASH_ICH_LR_STATE) == ASH_ICH_LR_PENDING &&
            ash_vgic_is_open_(vcpu->vgic, vcpu->lr_irq[n], vcpu) &&
            is_signalled(vcpu, vcpu->lr_irq[n], running)) {
            return true;
        }
    }
    return false;
}
