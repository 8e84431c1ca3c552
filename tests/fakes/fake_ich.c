/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <string.h>

#include "fake_ich.h"

/* Field positions, from the register descriptions of ICH_LR<n>_EL2, ICH_HCR_EL2, ICH_VMCR_EL2; on purpose not
 * those of libvgic/ich.h. */
#define BIT64(n)      (UINT64_C(1) << (n))
#define LR_PENDING    BIT64(62)
#define LR_ACTIVE     BIT64(63)
#define LR_STATE      (LR_PENDING | LR_ACTIVE)
#define LR_HW         BIT64(61)
#define LR_GROUP      BIT64(60)
#define LR_EOI        BIT64(41)
#define HCR_EN        0x1U
#define HCR_UIE       0x2U
#define HCR_LRENPIE   0x4U
#define HCR_NPIE      0x8U
#define HCR_EOI_SHIFT 27
#define VMCR_EOIM     0x200U
#define VMCR_CBPR     0x10U

static uint32_t lr_intid(uint64_t lr)
{
    return (uint32_t)lr;
}

static uint32_t lr_pintid(uint64_t lr)
{
    return (uint32_t)(lr >> 32) & 0x1FFFU;
}

static unsigned lr_priority(uint64_t lr)
{
    return (unsigned)(lr >> 48) & 0xFFU;
}

static unsigned lr_group(uint64_t lr)
{
    return (lr & LR_GROUP) != 0U ? 1U : 0U;
}

/* Without the source CPU of a GICv2's SGI. */
static uint32_t plain_intid(const struct fake_ich *ich, uint32_t intid)
{
    return ich->v2 && (intid & 0x3FFU) < 16U ? intid & ~UINT32_C(0x1C00) : intid;
}

static void violate(struct fake_ich *ich, const char *what)
{
    if (ich->violation == NULL) {
        ich->violation = what;
    }
}

static uint64_t next_poison(struct fake_ich *ich)
{
    ich->poison = ich->poison * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ich->poison;
}

static bool is_valid(uint64_t lr)
{
    return (lr & LR_STATE) != 0U;
}

void fake_ich_init(struct fake_ich *ich, unsigned lr_count, unsigned priority_bits, unsigned preemption_bits)
{
    memset(ich, 0, sizeof(*ich));
    ich->lr_count = lr_count;
    ich->priority_bits = priority_bits;
    ich->preemption_bits = preemption_bits;
    ich->poison = 0x5DEECE66DU + lr_count;
}

/* ---- the hypervisor's side ---- */

void fake_ich_check(struct fake_ich *ich)
{
    for (unsigned i = 0; i < ich->lr_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (is_valid(ich->lr[i]) && is_valid(ich->lr[j]) &&
                lr_intid(ich->lr[i]) == lr_intid(ich->lr[j])) {
                violate(ich, "two list registers hold the same INTID");
            }
        }
    }
}

void fake_ich_write_lr(struct fake_ich *ich, unsigned n, uint64_t value)
{
    if (n >= ich->lr_count) {
        violate(ich, "a list register that is not there");
        return;
    }
    if (is_valid(value)) {
        unsigned unused = 0xFFU >> ich->priority_bits;
        if ((value & LR_HW) != 0U && (value & LR_STATE) == LR_STATE) {
            violate(ich, "HW = 1 with pending and active");
        }
        if ((value & LR_HW) != 0U && (lr_pintid(value) < 16U || lr_pintid(value) > 1019U)) {
            violate(ich, "HW = 1 with a physical INTID that is no PPI or SPI");
        }
        if (plain_intid(ich, lr_intid(value)) > 1019U) {
            violate(ich, "a virtual INTID that is special or an LPI");
        }
        if ((lr_priority(value) & unused) != 0U) {
            violate(ich, "priority bits that are not implemented");
        }
    }
    ich->lr[n] = value;
    ich->lr_writes++;
}

void fake_ich_check_empty(struct fake_ich *ich)
{
    for (unsigned n = 0; n < ich->lr_count; n++) {
        if (is_valid(ich->lr[n])) {
            violate(ich, "a list register of another vCPU");
        }
    }
}

void fake_ich_load(struct fake_ich *ich, struct ash_vgic_lrs *lrs)
{
    for (unsigned n = 0; n < ich->lr_count; n++) {
        if (is_valid(ich->lr[n])) {
            violate(ich, "loaded over another vCPU's list register");
        }
        if ((__atomic_load_n(&lrs->used, __ATOMIC_RELAXED) >> n & 1U) != 0U) {
            fake_ich_write_lr(ich, n, lrs->lr[n]);
        }
    }
    if ((lrs->used >> ich->lr_count) != 0U) {
        violate(ich, "a list register that is not there");
    }
    memcpy(ich->apr0, lrs->apr0, sizeof(ich->apr0));
    memcpy(ich->apr1, lrs->apr1, sizeof(ich->apr1));
    ich->vmcr = lrs->vmcr;
    ich->hcr = lrs->hcr;
    lrs->changed = 0;
    fake_ich_check(ich);
}

void fake_ich_fetch_interface(const struct fake_ich *ich, struct ash_vgic_lrs *lrs)
{
    memcpy(lrs->apr0, ich->apr0, sizeof(ich->apr0));
    memcpy(lrs->apr1, ich->apr1, sizeof(ich->apr1));
    __atomic_store_n(&lrs->vmcr, ich->vmcr, __ATOMIC_RELAXED);
}

/* An LR that has become invalid keeps HW and EOI (ICH_EISR_EL2 and ICH_ELRSR_EL2 are defined by them);
 * nothing says what the other fields hold. */
static uint64_t read_lr(struct fake_ich *ich, unsigned n)
{
    uint64_t lr = ich->lr[n];
    uint64_t keep = LR_STATE | LR_HW;

    ich->lr_reads++;
    if (is_valid(lr)) {
        return lr;
    }
    keep |= (lr & LR_HW) == 0U ? LR_EOI : 0U;
    return (lr & keep) | (next_poison(ich) & ~keep);
}

static void read_used(struct fake_ich *ich, struct ash_vgic_lrs *lrs)
{
    for (unsigned n = 0; n < ich->lr_count; n++) {
        if ((__atomic_load_n(&lrs->used, __ATOMIC_RELAXED) >> n & 1U) != 0U) {
            __atomic_store_n(&lrs->lr[n], read_lr(ich, n), __ATOMIC_RELAXED); /* others look on: vgic.h */
        } else if (is_valid(ich->lr[n]) && (lrs->changed >> n & 1U) == 0U) {
            violate(ich, "a valid list register that the image has forgotten");
        }
    }
}

void fake_ich_save(struct fake_ich *ich, struct ash_vgic_lrs *lrs)
{
    read_used(ich, lrs);
    for (unsigned n = 0; n < ich->lr_count; n++) {
        if (((lrs->used | lrs->changed) >> n & 1U) != 0U) {
            ich->lr[n] = 0;
        }
    }
    fake_ich_fetch_interface(ich, lrs);
    lrs->hcr = ich->hcr;
    ich->hcr = 0;
}

void fake_ich_fetch(struct fake_ich *ich, struct ash_vgic_lrs *lrs)
{
    read_used(ich, lrs);
    __atomic_store_n(&lrs->vmcr, ich->vmcr, __ATOMIC_RELAXED);
    if ((lrs->hcr & HCR_LRENPIE) != 0U) {
        lrs->hcr = ich->hcr;
    }
}

void fake_ich_apply(struct fake_ich *ich, struct ash_vgic_lrs *lrs)
{
    for (unsigned n = 0; n < 16U; n++) {
        if ((lrs->changed >> n & 1U) != 0U) {
            fake_ich_write_lr(ich, n, lrs->lr[n]);
        }
    }
    if ((lrs->changed & ASH_VGIC_CHANGED_HCR) != 0U) {
        ich->hcr = lrs->hcr;
    }
    lrs->changed = 0;
    fake_ich_check(ich);
}

uint32_t fake_ich_elrsr(const struct fake_ich *ich)
{
    uint32_t empty = 0;

    for (unsigned n = 0; n < ich->lr_count; n++) {
        bool done = !is_valid(ich->lr[n]) && ((ich->lr[n] & LR_HW) != 0U || (ich->lr[n] & LR_EOI) == 0U);
        empty |= done ? 1U << n : 0U;
    }
    return empty;
}

uint32_t fake_ich_eisr(const struct fake_ich *ich)
{
    uint32_t eoi = 0;

    for (unsigned n = 0; n < ich->lr_count; n++) {
        eoi |= !is_valid(ich->lr[n]) && (ich->lr[n] & (LR_HW | LR_EOI)) == LR_EOI ? 1U << n : 0U;
    }
    return eoi;
}

uint32_t fake_ich_misr(const struct fake_ich *ich)
{
    unsigned valid = 0;
    unsigned pending = 0;
    uint32_t groups;

    if ((ich->hcr & HCR_EN) == 0U) {
        return 0;
    }
    for (unsigned n = 0; n < ich->lr_count; n++) {
        valid += is_valid(ich->lr[n]) ? 1U : 0U;
        pending += (ich->lr[n] & LR_STATE) == LR_PENDING ? 1U : 0U;
    }
    /* VGrp0E, VGrp0D, VGrp1E, VGrp1D [7:4], enabled by the same bits of HCR. */
    groups = (ich->vmcr & 1U) != 0U ? 0x10U : 0x20U;
    groups |= (ich->vmcr & 2U) != 0U ? 0x40U : 0x80U;
    groups &= ich->hcr;
    return (fake_ich_eisr(ich) != 0U ? 1U : 0U) | ((ich->hcr & HCR_UIE) != 0U && valid <= 1U ? 2U : 0U) |
           ((ich->hcr & HCR_LRENPIE) != 0U && ich->hcr >> HCR_EOI_SHIFT != 0U ? 4U : 0U) |
           ((ich->hcr & HCR_NPIE) != 0U && pending == 0U ? 8U : 0U) | groups;
}

/* ---- the guest's side ---- */

/* The bits of a priority of @group that count for preemption: 4.8.4 "Priority grouping", with the minimum
 * that ICV_BPR<n>_EL1 has. */
static unsigned group_mask(const struct fake_ich *ich, unsigned group)
{
    unsigned least = 7U - ich->preemption_bits;
    unsigned bpr0 = ich->vmcr >> 21 & 7U;
    unsigned bpr1 = ich->vmcr >> 18 & 7U;

    bpr0 = bpr0 < least ? least : bpr0;
    bpr1 = bpr1 < least + 1U ? least + 1U : bpr1;
    if (group == 1U && (ich->vmcr & VMCR_CBPR) == 0U) {
        return 0xFFU & ~((1U << bpr1) - 1U);
    }
    return 0xFFU & ~((1U << (bpr0 + 1U)) - 1U);
}

/* The highest active level, or -1. */
static int active_level(const struct fake_ich *ich)
{
    unsigned levels = 1U << ich->preemption_bits;

    for (unsigned level = 0; level < levels; level++) {
        if (((ich->apr0[level / 32U] | ich->apr1[level / 32U]) >> (level % 32U) & 1U) != 0U) {
            return (int)level;
        }
    }
    return -1;
}

static unsigned running(const struct fake_ich *ich)
{
    int level = active_level(ich);
    return level < 0 ? 0x100U : (unsigned)level << (8U - ich->preemption_bits);
}

/* The LR with the highest-priority pending interrupt of an enabled group, or -1. */
static int highest_pending(const struct fake_ich *ich)
{
    int best = -1;

    if ((ich->hcr & HCR_EN) == 0U) {
        return -1;
    }
    for (unsigned n = 0; n < ich->lr_count; n++) {
        uint64_t lr = ich->lr[n];
        if ((lr & LR_STATE) != LR_PENDING || (ich->vmcr >> lr_group(lr) & 1U) == 0U) {
            continue;
        }
        bool equal = best >= 0 && lr_priority(lr) == lr_priority(ich->lr[best]);
        if (best < 0 || lr_priority(lr) < lr_priority(ich->lr[best]) ||
            (equal && ich->by_intid && lr_intid(lr) < lr_intid(ich->lr[best]))) {
            best = (int)n;
        }
    }
    return best;
}

static int signalled_lr(const struct fake_ich *ich)
{
    int n = highest_pending(ich);

    if (n < 0) {
        return -1;
    }
    unsigned priority = lr_priority(ich->lr[n]);
    bool passes =
        priority < ich->vmcr >> 24 && (priority & group_mask(ich, lr_group(ich->lr[n]))) < running(ich);
    return passes ? n : -1;
}

bool fake_ich_is_signalled(const struct fake_ich *ich, unsigned group)
{
    if (ich->soft != NULL) {
        return ich->soft->signals(ich->ctx, group == 0U);
    }
    int n = signalled_lr(ich);
    return n >= 0 && lr_group(ich->lr[n]) == group;
}

uint32_t fake_ich_hppir(const struct fake_ich *ich, unsigned group)
{
    if (ich->soft != NULL) {
        return fake_gic_soft_intid(ich->soft, ich->ctx, group == 1U ? FAKE_GICC_AHPPIR : FAKE_GICC_HPPIR);
    }
    int n = highest_pending(ich);
    return n >= 0 && lr_group(ich->lr[n]) == group ? lr_intid(ich->lr[n]) : FAKE_ICH_SPURIOUS;
}

uint32_t fake_ich_iar(struct fake_ich *ich, unsigned group)
{
    if (ich->soft != NULL) {
        return fake_gic_soft_intid(ich->soft, ich->ctx, group == 1U ? FAKE_GICC_AIAR : FAKE_GICC_IAR);
    }
    int n = signalled_lr(ich);

    if (n < 0 || lr_group(ich->lr[n]) != group) {
        return FAKE_ICH_SPURIOUS;
    }
    unsigned level = (lr_priority(ich->lr[n]) & group_mask(ich, group)) >> (8U - ich->preemption_bits);
    uint32_t *apr = group == 1U && !ich->v2 ? ich->apr1 : ich->apr0;
    apr[level / 32U] |= 1U << (level % 32U);
    ich->lr[n] = (ich->lr[n] & ~LR_STATE) | LR_ACTIVE;
    return lr_intid(ich->lr[n]);
}

static int active_lr(const struct fake_ich *ich, uint32_t intid)
{
    for (unsigned n = 0; n < ich->lr_count; n++) {
        if ((ich->lr[n] & LR_ACTIVE) != 0U && lr_intid(ich->lr[n]) == intid) {
            return (int)n;
        }
    }
    return -1;
}

static void deactivate(struct fake_ich *ich, uint32_t intid)
{
    int n = active_lr(ich, intid);

    if (n < 0) {
        uint32_t count = ((ich->hcr >> HCR_EOI_SHIFT) + 1U) & 0x1FU;
        ich->hcr = (ich->hcr & ((1U << HCR_EOI_SHIFT) - 1U)) | count << HCR_EOI_SHIFT;
        return;
    }
    ich->lr[n] &= ~LR_ACTIVE;
    if ((ich->lr[n] & LR_HW) != 0U && ich->deactivate != NULL) {
        ich->deactivate(ich->ctx, lr_pintid(ich->lr[n]));
    }
}

/* IHI 0069 ICV_EOIR<g>_EL1, virtual priority drop: what is in a list register is deactivated if the dropped priority
 * is that of its own group and group priority. */
static bool agrees(const struct fake_ich *ich, unsigned group, uint32_t intid, unsigned level)
{
    int n = active_lr(ich, intid);

    return n < 0 ||
           (lr_group(ich->lr[n]) == group &&
            (lr_priority(ich->lr[n]) & group_mask(ich, group)) >> (8U - ich->preemption_bits) == level);
}

void fake_ich_eoir(struct fake_ich *ich, unsigned group, uint32_t intid)
{
    if (ich->soft != NULL) {
        ich->soft->write(ich->ctx, group == 1U ? FAKE_GICC_AEOIR : FAKE_GICC_EOIR, intid);
        return;
    }
    int level = active_level(ich);

    if (plain_intid(ich, intid) >= 1020U || level < 0) {
        return;
    }
    uint32_t *apr = group == 1U && !ich->v2 ? ich->apr1 : ich->apr0;
    uint32_t bit = 1U << ((unsigned)level % 32U);
    if ((apr[(unsigned)level / 32U] & bit) == 0U) {
        return; /* the highest active priority is of the other group */
    }
    apr[(unsigned)level / 32U] &= ~bit;
    if ((ich->vmcr & VMCR_EOIM) == 0U && agrees(ich, group, intid, (unsigned)level)) {
        deactivate(ich, intid);
    }
}

void fake_ich_dir(struct fake_ich *ich, uint32_t intid)
{
    if (ich->soft != NULL) {
        ich->soft->write(ich->ctx, FAKE_GICC_DIR, intid);
        return;
    }
    if ((ich->vmcr & VMCR_EOIM) != 0U && plain_intid(ich, intid) < 1020U) {
        deactivate(ich, intid);
    }
}

uint32_t fake_ich_rpr(const struct fake_ich *ich)
{
    if (ich->soft != NULL) {
        return ich->soft->read(ich->ctx, FAKE_GICC_RPR);
    }
    unsigned priority = running(ich);
    return priority > 0xFFU ? 0xFFU : priority;
}

void fake_ich_set_pmr(struct fake_ich *ich, uint8_t priority)
{
    if (ich->soft != NULL) {
        ich->soft->write(ich->ctx, FAKE_GICC_PMR, priority);
        return;
    }
    unsigned kept = priority & (0xFFU << (8U - ich->priority_bits)) & 0xFFU;
    ich->vmcr = (ich->vmcr & 0x00FFFFFFU) | kept << 24;
}

void fake_ich_set_igrpen(struct fake_ich *ich, unsigned group, bool enabled)
{
    if (ich->soft != NULL) {
        fake_gic_soft_set(ich->soft, ich->ctx, 1U << group, enabled);
        return;
    }
    ich->vmcr = (ich->vmcr & ~(1U << group)) | (enabled ? 1U << group : 0U);
}

void fake_ich_set_bpr(struct fake_ich *ich, unsigned group, unsigned value)
{
    if (ich->soft != NULL) {
        ich->soft->write(ich->ctx, group == 1U ? FAKE_GICC_ABPR : FAKE_GICC_BPR, value);
        return;
    }
    unsigned shift = group == 1U ? 18U : 21U;
    ich->vmcr = (ich->vmcr & ~(7U << shift)) | (value & 7U) << shift;
}

void fake_ich_set_eoimode(struct fake_ich *ich, bool split)
{
    if (ich->soft != NULL) {
        fake_gic_soft_set(ich->soft, ich->ctx, VMCR_EOIM, split);
        return;
    }
    ich->vmcr = split ? ich->vmcr | VMCR_EOIM : ich->vmcr & ~VMCR_EOIM;
}
