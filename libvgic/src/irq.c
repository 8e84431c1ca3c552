/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

struct ash_vgic_irq *ash_vgic_irq_(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid)
{
    if (intid < ASH_VGIC_PRIVATE_IRQS) {
        return &vgic->vcpus[vcpu]->irqs[ash_index_nospec(intid, ASH_VGIC_PRIVATE_IRQS)];
    }
    intid -= ASH_VGIC_PRIVATE_IRQS;
    return intid < vgic->spi_count ? &vgic->spis[ash_index_nospec(intid, vgic->spi_count)] : NULL;
}

uint16_t ash_vgic_find_affinity_(const struct ash_vgic *vgic, uint32_t affinity)
{
    /* The default numbering first; a search is for the others. */
    uint32_t guess = ((affinity >> 8) & 0xFFU) * 16U + (affinity & 0xFFU);

    if (guess < vgic->vcpu_count) {
        guess = (uint32_t)ash_index_nospec(guess, vgic->vcpu_count);
        if (vgic->vcpus[guess]->affinity == affinity) {
            return (uint16_t)guess;
        }
    }
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        if (vgic->vcpus[n]->affinity == affinity) {
            return (uint16_t)n;
        }
    }
    return ASH_VGIC_NO_VCPU;
}

void ash_vgic_post_(struct ash_vgic *vgic, struct ash_vgic_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->work, 1U, __ATOMIC_RELAXED);
    vgic->hal->kick(vgic->ctx, vcpu->index);
}

static void enqueue(struct ash_vgic_irq *irq, struct ash_vgic_vcpu *vcpu)
{
    irq->owner = (uint16_t)vcpu->index;
    irq->state |= QUEUED;
    irq->prev = NULL;
    irq->next = vcpu->queue;
    if (irq->next != NULL) {
        irq->next->prev = irq;
    }
    vcpu->queue = irq;
}

void ash_vgic_unqueue_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if (irq->prev != NULL) {
        irq->prev->next = irq->next;
    } else {
        ash_vgic_owner_(vgic, irq)->queue = irq->next;
    }
    if (irq->next != NULL) {
        irq->next->prev = irq->prev;
    }
    irq->state &= ~QUEUED;
}

static bool takes_1ofn(const struct ash_vgic_vcpu *vcpu)
{
    return vcpu->online && !vcpu->asleep;
}

static uint16_t choose_1ofn(struct ash_vgic *vgic, const struct ash_vgic_irq *irq)
{
    uint32_t group = (irq->state & GROUP1) != 0U ? ASH_ICH_VMCR_VENG1 : ASH_ICH_VMCR_VENG0;
    uint16_t second = ASH_VGIC_NO_VCPU;

    /* IHI 0069 "1 of N": any PE that takes interrupts of the group. A loaded vCPU's vmcr is as old as its
     * last sync, so one that seems closed is second choice, not out. */
    uint32_t n = vgic->next_1ofn;
    for (uint32_t i = 0; i < vgic->vcpu_count; i++, n++) {
        n = n < vgic->vcpu_count ? n : 0U;
        const struct ash_vgic_vcpu *vcpu = vgic->vcpus[n];

        if (!takes_1ofn(vcpu) || (vgic->version == 2U && (irq->route & ASH_BIT(n & 7U)) == 0U)) {
            continue;
        }
        if ((__atomic_load_n(&vcpu->lrs.vmcr, __ATOMIC_RELAXED) & group) != 0U) {
            vgic->next_1ofn = n + 1U;
            return (uint16_t)n;
        }
        second = second == ASH_VGIC_NO_VCPU ? (uint16_t)n : second;
    }
    return second;
}

uint16_t ash_vgic_target_of_(const struct ash_vgic *vgic, uint64_t route)
{
    if ((route & IROUTER_IRM) != 0U) {
        return ASH_VGIC_NO_VCPU;
    }
    if (vgic->version == 2U) {
        return route != 0U ? (uint16_t)ash_lowest_bit(route) : ASH_VGIC_NO_VCPU;
    }
    return ash_vgic_find_affinity_(vgic, ((uint32_t)ash_field(route, 39, 32) << 24) |
                                             (uint32_t)ash_field(route, 23, 0));
}

/* Where an interrupt in no LR has to wait: an active one with the vCPU that has it, a deliverable one with
 * its target. */
static uint16_t wanted_by(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if ((irq->state & ACTIVE) != 0U && (irq->route & IROUTER_IRM) != 0U) {
        irq->target = ASH_VGIC_NO_VCPU; /* one of N has it; the next time it may be another */
    }
    if ((irq->state & (ACTIVE | RELEASE)) != 0U) {
        return irq->owner;
    }
    bool deliverable = (irq->state & ENABLED) != 0U && ash_vgic_is_pending_(irq);
    if ((irq->route & IROUTER_IRM) != 0U) {
        /* One choice for as long as it is pending, or it would wander from vCPU to vCPU with every sync. */
        bool chosen = irq->target != ASH_VGIC_NO_VCPU && takes_1ofn(vgic->vcpus[irq->target]);
        if (!deliverable || !chosen) {
            irq->target = deliverable ? choose_1ofn(vgic, irq) : ASH_VGIC_NO_VCPU;
        }
    }
    return deliverable ? irq->target : ASH_VGIC_NO_VCPU;
}

/* Without LRs: @irq has left its owner's queue. If it is what is signalled there, that ends. */
static void withdraw(struct ash_vgic *vgic, const struct ash_vgic_irq *irq, uint16_t self)
{
    struct ash_vgic_vcpu *owner = ash_vgic_owner_(vgic, irq);

    if (owner->lines != 0U && owner->best == irq && irq->owner != self) {
        ash_vgic_post_(vgic, owner);
    }
}

void ash_vgic_place_(struct ash_vgic *vgic, struct ash_vgic_irq *irq, uint16_t self)
{
    uint16_t wanted = wanted_by(vgic, irq);

    if ((irq->state & QUEUED) != 0U && wanted != irq->owner) {
        ash_vgic_unqueue_(vgic, irq);
        withdraw(vgic, irq, self);
    }
    if (wanted == ASH_VGIC_NO_VCPU) {
        return;
    }
    struct ash_vgic_vcpu *vcpu = vgic->vcpus[wanted];
    if ((irq->state & QUEUED) == 0U) {
        enqueue(irq, vcpu);
    }
    if (wanted != self) {
        ash_vgic_post_(vgic, vcpu);
    }
}

void ash_vgic_retarget_all_(struct ash_vgic *vgic)
{
    for (uint32_t n = 0; n < vgic->spi_count; n++) {
        struct ash_vgic_irq *irq = &vgic->spis[n];
        if ((irq->route & IROUTER_IRM) != 0U && irq->target == ASH_VGIC_NO_VCPU) {
            ash_vgic_update_(vgic, irq);
        }
    }
}

void ash_vgic_retarget_queue_(struct ash_vgic *vgic, struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_irq *next;

    for (struct ash_vgic_irq *irq = vcpu->queue; irq != NULL; irq = next) {
        next = irq->next;
        if ((irq->route & IROUTER_IRM) != 0U) {
            ash_vgic_place_(vgic, irq, ASH_VGIC_NO_VCPU);
        }
    }
}

void ash_vgic_recall_(struct ash_vgic_vcpu *vcpu)
{
    if (!vcpu->recall) {
        vcpu->recall = true;
        vcpu->vgic->recalls++;
    }
}

void ash_vgic_recalled_(struct ash_vgic_vcpu *vcpu)
{
    if (vcpu->recall) {
        vcpu->recall = false;
        vcpu->vgic->recalls--;
    }
}

/* Would a flush now write something else for @irq than @lr says (as far as memory knows)? */
static bool lr_is_outdated(const struct ash_vgic_irq *irq, uint64_t lr)
{
    if ((irq->state & REQUESTS) != 0U || (lr & ASH_ICH_LR_PENDING) != 0U) {
        return true;
    }
    /* Active only: the EOI bit has to agree with "something follows". */
    bool eoi = (lr & (ASH_ICH_LR_EOI | ASH_ICH_LR_HW)) == ASH_ICH_LR_EOI;
    return ash_vgic_is_pending_(irq) != eoi;
}

void ash_vgic_update_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if (irq->lr == ASH_VGIC_NO_LR) {
        ash_vgic_place_(vgic, irq, ASH_VGIC_NO_VCPU);
        return;
    }
    struct ash_vgic_vcpu *owner = ash_vgic_owner_(vgic, irq);
    uint64_t lr = ash_vgic_image_of_(owner, irq);
    if (lr_is_outdated(irq, lr)) {
        if ((lr & ASH_ICH_LR_PENDING) != 0U && !ash_vgic_is_open_(vgic, irq, owner)) {
            ash_vgic_recall_(owner);
        }
        ash_vgic_post_(vgic, owner);
    }
}

void ash_vgic_drop_hw_lr_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if (irq->lr == ASH_VGIC_NO_LR) {
        return;
    }
    struct ash_vgic_vcpu *owner = ash_vgic_owner_(vgic, irq);
    if ((ash_vgic_image_of_(owner, irq) & ASH_ICH_LR_HW) == 0U) {
        return;
    }
    /* Its CPU may be reading hardware into the image just now. */
    __atomic_store_n(&owner->lrs.used, owner->lrs.used & ~(UINT32_C(1) << irq->lr), __ATOMIC_RELAXED);
    __atomic_store_n(&owner->lrs.lr[irq->lr], 0U, __ATOMIC_RELAXED);
    irq->lr_hint = irq->lr;
    irq->lr = ASH_VGIC_NO_LR;
    irq->state &= ~(ACTIVE | SOFT_ACTIVE | LR_LATCH | LR_PHYS | PHYS_ACTIVE | RECONFIGURED | REQUESTS);
}

void ash_vgic_release_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    irq->state &= ~PHYS_NEXT;
    if ((irq->state & PHYS_ACTIVE) == 0U) {
        return;
    }
    if (irq->intid < ASH_VGIC_PRIVATE_IRQS) {
        irq->state |= RELEASE; /* a physical PPI's active state is its own CPU's: the flush there does it */
        return;
    }
    irq->state &= ~PHYS_ACTIVE;
    vgic->hal->hw_deactivate(vgic->ctx, irq->owner, irq->pintid);
}

void ash_vgic_release_here_(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq)
{
    struct ash_vgic *vgic = vcpu->vgic;

    irq->state &= ~(RELEASE | PHYS_ACTIVE);
    vgic->hal->hw_deactivate(vgic->ctx, vcpu->index, irq->pintid);
    ash_vgic_place_(vgic, irq, (uint16_t)vcpu->index);
}

void ash_vgic_deactivate_(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if ((irq->state & ACTIVE) == 0U) {
        return;
    }
    irq->source = 0;
    if ((irq->state & PHYS_NEXT) == 0U) {
        ash_vgic_release_(vgic, irq);
    }
    irq->state &= ~(ACTIVE | SOFT_ACTIVE | PHYS_NEXT | RECONFIGURED | REQUESTS);
}
