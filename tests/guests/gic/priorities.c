/* SPDX-License-Identifier: BSD-2-Clause */
/* Priority mask, order, preemption, binary point, and more pending and active interrupts than list registers.
 * IHI 0069 4.8, IHI 0048B 3.3. PSTATE.I is set: what is signalled is read from ISR_EL1. */
#include "common/check.h"
#include "common/gic.h"
#include "common/guest.h"
#include "gic/topic.h"

#define FIRST 48U /* an SPI */
#define NEXT  49U

static uint32_t mask; /* the implemented bits of a priority */
static uint32_t step;

static void one(uint32_t intid, uint32_t priority)
{
    gic_set_priority(intid, priority);
    gic_bit(GIC_ENABLE, intid);
    gic_bit(GIC_PEND, intid);
}

static void take(const char *name, uint32_t intid)
{
    check_equal(name, gic_iar(), intid);
}

/** Ended in both senses. */
static void end(uint32_t intid)
{
    gic_eoir(intid);
    gic_bit(GIC_DISABLE, intid);
}

/* Signalled only if its priority is higher, so its value smaller, than the mask. */
static void check_mask(void)
{
    one(FIRST, 0x80U & mask);
    for (uint32_t pmr = 0; pmr < 0x100U; pmr += step) {
        gic_set_pmr(pmr);
        check_equal_at("PMR's high bits", pmr, gic_pmr() & 0xf0U, pmr & 0xf0U);
        check_equal_at("signalled under PMR", pmr, gic_signalled(), 0x80U < gic_pmr());
        if (0x80U >= gic_pmr()) {
            check_equal_at("IAR under PMR", pmr, gic_iar(), GIC_SPURIOUS);
        }
    }
    gic_set_pmr(0xff);
    check_equal("HPPIR", gic_hppir(), FIRST);
    check_equal("no running priority", gic_rpr(), GIC_IDLE);
    take("acknowledged", FIRST);
    check_equal("running priority", gic_rpr(), 0x80);
    check_equal("nothing more", gic_iar(), GIC_SPURIOUS);
    end(FIRST);
    check_equal("no running priority afterwards", gic_rpr(), GIC_IDLE);
    /* GICC_PMR, ICC_PMR_EL1 have a priority's bits only: 0xff is the lowest priority, which is never signalled. */
    one(FIRST, 0xff);
    check_equal("the lowest priority is never signalled", gic_signalled(), 0);
    gic_bit(GIC_UNPEND, FIRST);
    gic_bit(GIC_DISABLE, FIRST);
}

/** Does @priority preempt @running under this binary point? The group priority's bits: IHI 0069 4.8.4, IHI 0048B 3.3.3.
 *  ICC_BPR1: [7:point], GICC_BPR: [7:point + 1]. */
static void check_preemption(uint32_t point, uint32_t running, uint32_t priority)
{
    uint32_t group = 0xffU & ~((gic_v3 ? (1U << point) : (2U << point)) - 1U);
    bool preempts = (priority & group) < (running & group);
    uint64_t at = ((uint64_t)point << 16) | (running << 8) | priority;

    one(FIRST, running);
    take("the running one", FIRST);
    check_equal_at("RPR is its group priority", at, gic_rpr(), running & group);
    one(NEXT, priority);
    check_equal_at("preempts", at, gic_signalled(), preempts);
    check_equal_at("IAR", at, gic_iar(), preempts ? NEXT : GIC_SPURIOUS);
    if (preempts) {
        check_equal_at("RPR in the nested one", at, gic_rpr(), priority & group);
        gic_eoir(NEXT);
        check_equal_at("RPR after the nested one", at, gic_rpr(), running & group);
    }
    gic_eoir(FIRST);
    if (!preempts) {
        check_equal_at("after the running one", at, gic_iar(), NEXT);
        gic_eoir(NEXT);
    }
}

static void check_binary_point(void)
{
    static const uint8_t others[] = {0x00, 0x40, 0x60, 0x68, 0x70, 0x78, 0x80, 0x88, 0xf0};
    uint32_t least;

    gic_set_bpr(0);
    least = gic_bpr();
    for (uint32_t point = 0; point < 8U; point++) {
        gic_set_bpr(point);
        check_equal_at("BPR reads as written, or its minimum", point, gic_bpr(),
                       point < least ? least : point);
    }
    for (uint32_t point = least; point < 8U; point++) {
        gic_set_bpr(point);
        for (unsigned i = 0; i < sizeof(others); i++) {
            check_preemption(point, 0x70, others[i] & mask);
        }
    }
    gic_set_bpr(0);
}

static uint32_t scattered(uint32_t intid)
{
    return ((intid * 7U) % 16U * 0x10U) & mask;
}

/** All SPIs pending: more than any number of list registers; and some more while they are taken. */
static void check_overflow(bool split)
{
    uint64_t seen[2] = {0, 0};
    uint32_t last = 0;
    uint32_t taken = 0;

    gic_set_split(split);
    gic_set_pmr(0);
    for (uint32_t intid = GIC_SPIS; intid < GIC_END; intid++) {
        one(intid, scattered(intid) | (0x10U & mask));
    }
    gic_set_pmr(0xff);
    for (uint32_t intid = gic_iar(); intid < 1020U && taken < 100U; intid = gic_iar()) {
        uint32_t priority = scattered(intid) | 0x10U;

        check_equal_at("in the order of priorities", intid, priority >= last, 1);
        check_equal_at("once", intid, (seen[intid / 64U] >> (intid % 64U)) & 1U, 0);
        seen[intid / 64U] |= UINT64_C(1) << (intid % 64U);
        last = priority;
        if (taken++ == 20U) { /* one of the first, again and above all: it is the next */
            gic_set_priority(FIRST, 0);
            gic_bit(GIC_PEND, FIRST);
            take("a new one of the highest priority comes first", FIRST);
            gic_eoir(FIRST);
            if (split) {
                gic_dir(FIRST);
            }
        }
        gic_eoir(intid);
        if (split) {
            gic_dir(intid);
        }
    }
    check_equal("all of them", taken, GIC_END - GIC_SPIS);
    check_equal("none is signalled", gic_signalled(), 0);
    for (uint32_t intid = GIC_SPIS; intid < GIC_END; intid++) {
        check_equal_at("none is left pending", intid, gic_reads(GIC_PEND, intid), 0);
        check_equal_at("none is left active", intid, gic_reads(GIC_ACTIVATE, intid), 0);
        gic_bit(GIC_DISABLE, intid);
    }
    gic_set_split(false);
}

/** Nested as deep as there are priorities of preemption: more active ones than list registers. With EOImode 1 only as
 *  deep as four list registers: QEMU 7.2 counts the EOIR of one that is in none as a deactivation, against IHI 0069's
 *  ICH_HCR_EL2.EOIcount. */
static void check_nested(bool split)
{
    const uint32_t deepest = split ? 4U : 16U;
    uint32_t depth = 0;

    gic_set_split(split);
    while (depth < deepest) {
        uint32_t intid = FIRST + depth;
        uint32_t priority = 0xf0U - 0x10U * depth;

        one(intid, priority);
        check_equal_at("the next one preempts", intid, gic_iar(), intid);
        check_equal_at("RPR", intid, gic_rpr(), priority);
        depth++;
    }
    for (uint32_t n = 0; n < depth; n++) {
        check_equal_at("active", FIRST + n, gic_reads(GIC_ACTIVATE, FIRST + n), 1);
    }
    while (depth-- > 0U) {
        gic_eoir(FIRST + depth);
        check_equal_at("RPR after EOIR", FIRST + depth, gic_rpr(),
                       depth == 0U ? GIC_IDLE : 0x100U - 0x10U * depth);
        check_equal_at("active after EOIR", FIRST + depth, gic_reads(GIC_ACTIVATE, FIRST + depth), split);
    }
    for (uint32_t n = deepest; split && n-- > 0U;) {
        gic_dir(FIRST + n);
        check_equal_at("not active after DIR", FIRST + n, gic_reads(GIC_ACTIVATE, FIRST + n), 0);
    }
    for (uint32_t n = 0; n < deepest; n++) {
        gic_bit(GIC_DISABLE, FIRST + n);
    }
    gic_set_split(false);
}

/** EOImode 1: three dropped, deactivated in another order; an active one does not come again. */
static void check_split(void)
{
    static const uint8_t order[] = {1, 2, 0};

    gic_set_split(true);
    for (uint32_t n = 0; n < 3U; n++) {
        one(FIRST + n, 0x80);
        take("one after the other", FIRST + n);
        gic_eoir(FIRST + n);
        check_equal("the priority is dropped", gic_rpr(), GIC_IDLE);
    }
    gic_bit(GIC_PEND, FIRST);
    check_equal("active and pending is not signalled", gic_signalled(), 0);
    for (unsigned i = 0; i < 3U; i++) {
        uint32_t intid = FIRST + order[i];
        check_equal_at("active before DIR", intid, gic_reads(GIC_ACTIVATE, intid), 1);
        gic_dir(intid);
        check_equal_at("not active after DIR", intid, gic_reads(GIC_ACTIVATE, intid), 0);
    }
    take("then it comes again", FIRST);
    gic_eoir(FIRST);
    gic_dir(FIRST);
    for (uint32_t n = 0; n < 3U; n++) {
        gic_bit(GIC_DISABLE, FIRST + n);
    }
    gic_set_split(false);
}

void gic_check_priorities(void)
{
    gic_set_priority(FIRST, 0xff);
    mask = *(volatile uint8_t *)(uintptr_t)(GUEST_GICD + 0x400U + FIRST);
    step = mask & (~mask + 1U);
    check_mask();
    check_binary_point();
    check_overflow(false);
    check_overflow(true);
    check_nested(false);
    check_nested(true);
    check_split();
}
