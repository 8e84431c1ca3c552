/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU interface of a GICv2 without Security Extensions, where there are no list registers: GICC_*, IHI 0048B 4.4.
 * Its registers are lrs.vmcr and lrs.apr0, in the image's format; what it would take from the distributor is in the
 * vCPU's queue. While vcpu->lines is not 0 and no work is left, vcpu->best is what GICC_IAR gives. */
#include "internal.h"

#define GICC_IAR  0x0CU
#define GICC_EOIR 0x10U

#define CTLR_ACKCTL (UINT32_C(1) << 2)
#define CTLR_BITS                                                                                            \
    UINT32_C(0x3FF) /* 4.4.1 without Security Extensions; lrs.vmcr has them at the same places */

#define SPURIOUS    UINT32_C(1023)
#define OTHER_GROUP UINT32_C(1022) /* Group 1 is highest, and has registers of its own (AckCtl = 0) */
#define NO_INTID    UINT32_C(1020) /* from here on: none */
#define IDLE        0x100U         /* a running priority below all others */

/* ---- What is signalled ------------------------------------------------------------------------- */

/* The bits of a priority that count for preemption: 3.3.3, of Group 1 by GICC_ABPR unless CBPR is set. */
static uint32_t group_mask(uint32_t vmcr, bool group1)
{
    uint32_t shift = ((vmcr >> ASH_ICH_VMCR_VBPR0_SHIFT) & 7U) + 1U;

    if (group1 && (vmcr & ASH_ICH_VMCR_VCBPR) == 0U) {
        shift = (vmcr >> ASH_ICH_VMCR_VBPR1_SHIFT) & 7U;
    }
    return (0xFFU << shift) & 0xFFU;
}

static bool takes_group_of(const struct ash_vgic_vcpu *vcpu, const struct ash_vgic_irq *irq)
{
    return (vcpu->lrs.vmcr & ((irq->state & GROUP1) != 0U ? ASH_ICH_VMCR_VENG1 : ASH_ICH_VMCR_VENG0)) != 0U;
}

/* The highest priority pending interrupt, of equal ones that with the lowest INTID. What was left to be deactivated
 * on this CPU, is. */
static struct ash_vgic_irq *search(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_irq *best = NULL;
    struct ash_vgic_irq *next;

    for (struct ash_vgic_irq *irq = vcpu->queue; irq != NULL; irq = next) {
        next = irq->next;
        if ((irq->state & RELEASE) != 0U) {
            ash_vgic_release_here_(vcpu, irq);
        }
        if ((irq->state & (QUEUED | ACTIVE)) == QUEUED && ash_vgic_is_open_(vcpu->vgic, irq, vcpu) &&
            takes_group_of(vcpu, irq) &&
            (best == NULL || irq->priority < best->priority ||
             (irq->priority == best->priority && irq->intid < best->intid))) {
            best = irq;
        }
    }
    return best;
}

bool ash_vgic_soft_signals_(const struct ash_vgic_vcpu *vcpu, const struct ash_vgic_irq *irq,
                            unsigned running)
{
    uint32_t vmcr = vcpu->lrs.vmcr;
    uint32_t mask = group_mask(vmcr, (irq->state & GROUP1) != 0U);

    return takes_group_of(vcpu, irq) && irq->priority < vmcr >> ASH_ICH_VMCR_VPMR_SHIFT &&
           (irq->priority & mask) < (running & (mask | IDLE));
}

/* Decide anew what is signalled. All that others have asked for is done with that. */
static void look(struct ash_vgic_vcpu *vcpu)
{
    struct ash_vgic_irq *best = search(vcpu);
    uint32_t lines = 0;

    if (best != NULL && ash_vgic_soft_signals_(vcpu, best, vcpu->running)) {
        bool fiq = (best->state & GROUP1) == 0U && (vcpu->lrs.vmcr & ASH_ICH_VMCR_VFIQEN) != 0U;
        lines = fiq ? ASH_VGIC_LINE_FIQ : ASH_VGIC_LINE_IRQ;
    }
    vcpu->best = best;
    vcpu->lines = lines;
    __atomic_store_n(&vcpu->work, 0U, __ATOMIC_RELAXED);
}

/* What runs: the highest active priority. 4.4.18: bit b of GICC_APR<r> is preemption level 32 r + b. */
static void find_running(struct ash_vgic_vcpu *vcpu)
{
    const uint32_t *apr = vcpu->lrs.apr0;
    unsigned shift = 8U - vcpu->vgic->preemption_bits;
    unsigned r = 0;

    while (r < 3U && apr[r] == 0U && shift < 3U) { /* up to five bits the first word is all there is */
        r++;
    }
    uint32_t running = apr[r] != 0U ? (32U * r + ash_lowest_bit(apr[r])) << shift : IDLE;
    vcpu->running = (uint16_t)running;
}

void ash_vgic_soft_import_(struct ash_vgic_vcpu *vcpu)
{
    for (unsigned r = 0; r < 4U; r++) { /* of list registers that keep the groups apart */
        vcpu->lrs.apr0[r] |= vcpu->lrs.apr1[r];
        vcpu->lrs.apr1[r] = 0;
    }
    find_running(vcpu);
}

void ash_vgic_soft_flush_(struct ash_vgic_vcpu *vcpu)
{
    look(vcpu);
}

/* ---- Acknowledge, end ------------------------------------------------------------------------- */

static uint32_t reported(const struct ash_vgic_irq *irq, unsigned source)
{
    return irq->intid | (uint32_t)source << 10;
}

/* @irq, which is signalled, is active by now. Nothing is signalled then: what is left has no higher priority. */
static uint32_t take(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq)
{
    unsigned shift = 8U - vcpu->vgic->preemption_bits;
    uint32_t priority = irq->priority & group_mask(vcpu->lrs.vmcr, (irq->state & GROUP1) != 0U);
    uint32_t level = priority >> shift;

    vcpu->lrs.apr0[(level >> 5) & 3U] |= UINT32_C(1) << (level & 31U);
    vcpu->running = (uint16_t)(level << shift);
    vcpu->lines = 0;
    irq->state = (irq->state | ACTIVE) & ~(SOFT_ACTIVE | PHYS_NEXT | LATCH);
    if (irq->sources != 0U) { /* an SGI: of one source CPU at a time */
        irq->source = (uint8_t)ash_lowest_bit(irq->sources);
        irq->sources &= (uint8_t)(irq->sources - 1U);
        irq->state |= irq->sources != 0U ? LATCH : 0U;
    }
    if ((irq->route & IROUTER_IRM) != 0U) {
        irq->target = ASH_VGIC_NO_VCPU; /* one of N has it; the next time it may be another */
    }
    return reported(irq, irq->source);
}

/* Somebody else has changed something since the last look. */
static __attribute__((noinline)) uint32_t look_and_acknowledge(struct ash_vgic_vcpu *vcpu)
{
    look(vcpu);
    return ash_vgic_acknowledge(vcpu);
}

uint32_t ash_vgic_acknowledge(struct ash_vgic_vcpu *vcpu)
{
    if (ash_vgic_needs_flush(vcpu)) {
        return look_and_acknowledge(vcpu);
    }
    if (vcpu->lines == 0U) {
        return SPURIOUS;
    }
    if ((vcpu->best->state & GROUP1) != 0U && (vcpu->lrs.vmcr & CTLR_ACKCTL) == 0U) {
        return OTHER_GROUP;
    }
    return take(vcpu, vcpu->best);
}

/* Priority drop: the highest active priority goes. */
static void drop(struct ash_vgic_vcpu *vcpu)
{
    uint32_t level;

    if (vcpu->running == IDLE) {
        return;
    }
    level = (uint32_t)vcpu->running >> (8U - vcpu->vgic->preemption_bits);
    vcpu->lrs.apr0[(level >> 5) & 3U] &= ~(UINT32_C(1) << (level & 31U));
    find_running(vcpu);
}

/* @value, as GICC_IAR gave it, is not active any more. On the vCPU's own CPU, so what is linked ends now. */
static void deactivate(struct ash_vgic_vcpu *vcpu, uint32_t value)
{
    struct ash_vgic *vgic = vcpu->vgic;
    struct ash_vgic_irq *irq = (value & 0x3E0U) == 0U ? &vcpu->irqs[value & (ASH_VGIC_PRIVATE_IRQS - 1U)]
                                                      : ash_vgic_irq_(vgic, vcpu->index, value & 0x3FFU);

    if (irq == NULL || (irq->state & ACTIVE) == 0U || irq->owner != vcpu->index ||
        (irq->intid < SGI_COUNT && irq->source != ((value >> 10) & 7U))) {
        return; /* not what this CPU interface acknowledged: UNPREDICTABLE (4.4.5), nothing here */
    }
    uint32_t state = irq->state & ~(ACTIVE | SOFT_ACTIVE | PHYS_NEXT | RECONFIGURED | REQUESTS);
    if ((irq->state & (PHYS_ACTIVE | PHYS_NEXT)) == PHYS_ACTIVE) {
        state &= ~(PHYS_ACTIVE | RELEASE);
        vgic->hal->hw_deactivate(vgic->ctx, vcpu->index, irq->pintid);
    }
    irq->state = state;
    irq->source = 0;
    if ((state & (LATCH | HIGH | RELEASE)) == 0U) {
        ash_vgic_unqueue_(vgic, irq);
    } else {
        ash_vgic_place_(vgic, irq, (uint16_t)vcpu->index); /* pending again, and maybe elsewhere by now */
    }
}

void ash_vgic_end(struct ash_vgic_vcpu *vcpu, uint32_t value)
{
    if ((value & 0x3FFU) >= NO_INTID) {
        return;
    }
    drop(vcpu);
    if ((vcpu->lrs.vmcr & ASH_ICH_VMCR_VEOIM) == 0U) {
        deactivate(vcpu, value);
    }
    if (vcpu->queue != NULL) {
        look(vcpu);
    } else { /* mostly */
        vcpu->lines = 0;
        __atomic_store_n(&vcpu->work, 0U, __ATOMIC_RELAXED);
    }
}

/* ---- The other registers ---------------------------------------------------------------------- */

static uint64_t read_ctlr(struct ash_vgic_access_ *a)
{
    return a->self->lrs.vmcr & CTLR_BITS;
}

static void write_ctlr(struct ash_vgic_access_ *a, uint64_t value)
{
    a->self->lrs.vmcr = (a->self->lrs.vmcr & ~CTLR_BITS) | ((uint32_t)value & CTLR_BITS);
    look(a->self);
}

static uint64_t read_pmr(struct ash_vgic_access_ *a)
{
    return a->self->lrs.vmcr >> ASH_ICH_VMCR_VPMR_SHIFT;
}

static void write_pmr(struct ash_vgic_access_ *a, uint64_t value)
{
    uint32_t mask = (uint32_t)value & a->vgic->priority_mask;

    a->self->lrs.vmcr = (uint32_t)ash_with_field(a->self->lrs.vmcr, 31, 24, mask);
    look(a->self);
}

static uint64_t read_bpr(struct ash_vgic_access_ *a)
{
    return (a->self->lrs.vmcr >> ASH_ICH_VMCR_VBPR0_SHIFT) & 7U;
}

/* A binary point has a minimum, which takes the place of what is smaller: 4.4.3. */
static void write_point(struct ash_vgic_access_ *a, unsigned shift, uint32_t least, uint64_t value)
{
    uint32_t point = (uint32_t)value & 7U;

    point = point < least ? least : point;
    a->self->lrs.vmcr = (a->self->lrs.vmcr & ~(UINT32_C(7) << shift)) | point << shift;
    look(a->self);
}

static void write_bpr(struct ash_vgic_access_ *a, uint64_t value)
{
    write_point(a, ASH_ICH_VMCR_VBPR0_SHIFT, 7U - a->vgic->preemption_bits, value);
}

/* With CBPR it shows what counts for Group 1, and cannot be written: as GICV_ABPR does. */
static uint64_t read_abpr(struct ash_vgic_access_ *a)
{
    uint64_t common = read_bpr(a);

    if ((a->self->lrs.vmcr & ASH_ICH_VMCR_VCBPR) != 0U) {
        return common < 7U ? common + 1U : common;
    }
    return (a->self->lrs.vmcr >> ASH_ICH_VMCR_VBPR1_SHIFT) & 7U;
}

static void write_abpr(struct ash_vgic_access_ *a, uint64_t value)
{
    if ((a->self->lrs.vmcr & ASH_ICH_VMCR_VCBPR) == 0U) {
        write_point(a, ASH_ICH_VMCR_VBPR1_SHIFT, 8U - a->vgic->preemption_bits, value);
    }
}

static uint64_t read_iar(struct ash_vgic_access_ *a)
{
    return ash_vgic_acknowledge(a->self);
}

static void write_eoir(struct ash_vgic_access_ *a, uint64_t value)
{
    ash_vgic_end(a->self, (uint32_t)value);
}

static uint64_t read_rpr(struct ash_vgic_access_ *a)
{
    return a->self->running != IDLE ? a->self->running : 0xFFU;
}

static uint64_t pending(struct ash_vgic_access_ *a, bool group1)
{
    const struct ash_vgic_irq *irq = search(a->self);
    bool is_group1 = irq != NULL && (irq->state & GROUP1) != 0U;

    if (irq == NULL || (group1 && !is_group1)) {
        return SPURIOUS;
    }
    if (is_group1 && !group1 && (a->self->lrs.vmcr & CTLR_ACKCTL) == 0U) {
        return OTHER_GROUP;
    }
    return reported(irq, irq->sources != 0U ? ash_lowest_bit(irq->sources) : 0U);
}

static uint64_t read_hppir(struct ash_vgic_access_ *a)
{
    return pending(a, false);
}

static uint64_t read_ahppir(struct ash_vgic_access_ *a)
{
    return pending(a, true);
}

static uint64_t read_aiar(struct ash_vgic_access_ *a)
{
    look(a->self);
    if (a->self->lines == 0U || (a->self->best->state & GROUP1) == 0U) {
        return SPURIOUS;
    }
    return take(a->self, a->self->best);
}

/* The preemption levels that word @r of GICC_APR has. */
static uint32_t levels_of(const struct ash_vgic *vgic, uint32_t r)
{
    uint32_t levels = UINT32_C(1) << vgic->preemption_bits;

    if (levels < 32U) {
        return r == 0U ? (UINT32_C(1) << levels) - 1U : 0U;
    }
    return levels > 32U * r ? UINT32_MAX : 0U;
}

static uint64_t read_apr(struct ash_vgic_access_ *a)
{
    uint64_t r = ash_index_nospec(a->at / 4U, 4);

    return a->self->lrs.apr0[r];
}

static void write_apr(struct ash_vgic_access_ *a, uint64_t value)
{
    uint64_t r = ash_index_nospec(a->at / 4U, 4);

    a->self->lrs.apr0[r] = (uint32_t)value & levels_of(a->vgic, (uint32_t)r);
    find_running(a->self);
    look(a->self);
}

/* Implementer Arm's, architecture 2, a product that is none of Arm's: as GICD_IIDR. */
static uint64_t read_iidr(struct ash_vgic_access_ *a)
{
    (void)a;
    return UINT32_C(0x4102043B);
}

/* 4.4.17: with EOImode 0 it is UNPREDICTABLE; nothing here. */
static void write_dir(struct ash_vgic_access_ *a, uint64_t value)
{
    if ((a->self->lrs.vmcr & ASH_ICH_VMCR_VEOIM) != 0U && (value & 0x3FFU) < NO_INTID) {
        ash_vgic_dir(a->vgic, a->self->index, (uint32_t)value);
        look(a->self);
    }
}

/* Not here, so RAZ/WI: GICC_NSAPR<n> 0xE0 (Security Extensions; GICC_APR<n> is for both groups, as GICV_APR<n>). */
static const struct ash_vgic_frame_ frame = {
    .size = ASH_VGIC_V2_CPU_SIZE,
    .paged = 0,
    .other = 13,
    .at = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 11, 11, 11, 11, /* words */
           11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 0,  11, 13, 13, 13, 13, 13, 13,
           13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13},
    .regions =
        {
            {0x0000, 0x0003, 4, read_ctlr, write_ctlr},
            {0x0004, 0x0007, 4, read_pmr, write_pmr},
            {0x0008, 0x000B, 4, read_bpr, write_bpr},
            {0x000C, 0x000F, 4, read_iar, WI},
            {0x0010, 0x0013, 4, RAZ, write_eoir},
            {0x0014, 0x0017, 4, read_rpr, WI},
            {0x0018, 0x001B, 4, read_hppir, WI},
            {0x001C, 0x001F, 4, read_abpr, write_abpr},
            {0x0020, 0x0023, 4, read_aiar, WI},
            {0x0024, 0x0027, 4, RAZ,
             write_eoir}, /* GICC_AEOIR: an INTID says of itself which group it is of */
            {0x0028, 0x002B, 4, read_ahppir, WI},
            {0x00D0, 0x00DF, 4, read_apr, write_apr},
            {0x00FC, 0x00FF, 4, read_iidr, WI},
            {0x1000, 0x1003, 4, RAZ, write_dir},
        },
};

int ash_vgic_cpu_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size, bool is_write,
                        uint64_t *value)
{
    if (vcpu >= vgic->vcpu_count || vgic->lr_count != 0U) {
        return ASH_EINVAL;
    }
    struct ash_vgic_vcpu *self = vgic->vcpus[vcpu];
    if (size == 4U && offset == GICC_IAR && !is_write) {
        *value = ash_vgic_acknowledge(self);
        return ASH_OK;
    }
    if (size == 4U && offset == GICC_EOIR && is_write) {
        ash_vgic_end(self, (uint32_t)*value);
        return ASH_OK;
    }
    return ash_vgic_mmio_(vgic, self, self, &frame, 0, offset, size, is_write, value);
}
