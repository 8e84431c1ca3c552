/* SPDX-License-Identifier: BSD-2-Clause */
/* Random guests and devices against a GIC as the manual describes it: no list registers, no queues, every
 * interrupt looked at every time (IHI 0069 chapters 4.1 "interrupt states", 4.8 "prioritization"). Since the
 * machine settles after each step, the virtual GIC may not be told from it. */
#include <string.h>

#include "machine.h"

#define VCPUS      2U
#define INTIDS     48U /* SGIs, PPIs, 16 SPIs */
#define LINKED_PPI 27U
#define LINKED_SPI 44U
#define LINKED_TO  90U
#define STEPS      30000U

struct model_irq {
    bool enabled, latch, line, active, soft_active, edge, phys;
    bool two; /* it fired while active: which end is the physical one's is open, but it may not stay */
    uint8_t priority;
    uint32_t target; /* SPI */
    uint32_t taken_by;
};

static struct model {
    struct model_irq irq[VCPUS][INTIDS]; /* SPIs: [0] */
    bool enabled;
    uint8_t pmr[VCPUS];
    uint32_t stack[VCPUS][64]; /* INTIDs taken and not ended */
    unsigned depth[VCPUS];
} model;

enum kind {
    TAKEN,
    NOTHING_TO_TAKE,
    PREEMPTED,
    DEEPER_THAN_LRS,
    ENDED,
    DEACTIVATED,
    LEVEL_AGAIN,
    OVERFLOWED,
    SGI_SENT,
    FIRED,
    REFIRED_REFUSED,
    MOVED,
    CLEARED,
    SET,
    KINDS
};
static const char *const kind_names[KINDS] = {"taken",
                                              "nothing to take",
                                              "preempted",
                                              "deeper than LRs",
                                              "ended",
                                              "deactivated by DIR",
                                              "level came again",
                                              "more pending than LRs",
                                              "SGI sent",
                                              "linked one fired",
                                              "linked one still active",
                                              "moved while pending",
                                              "pending cleared",
                                              "active set"};
static unsigned count[KINDS];

static struct machine m;
static struct test_rng rng;
static bool eoi_mode_1;
static unsigned lr_count;

static uint32_t below(uint32_t bound)
{
    return (uint32_t)test_rng_below(&rng, bound);
}

static struct model_irq *irq_of(uint32_t vcpu, uint32_t intid)
{
    return &model.irq[intid < 32U ? vcpu : 0U][intid];
}

static bool pending(const struct model_irq *irq)
{
    return irq->latch || (!irq->edge && irq->line);
}

static bool wants(uint32_t vcpu, uint32_t intid)
{
    const struct model_irq *irq = irq_of(vcpu, intid);
    return model.enabled && irq->enabled && pending(irq) && !irq->active &&
           (intid < 32U || irq->target == vcpu);
}

static unsigned best_priority(uint32_t vcpu)
{
    unsigned best = 0x100;
    for (uint32_t i = 0; i < INTIDS; i++) {
        if (wants(vcpu, i) && irq_of(vcpu, i)->priority < best) {
            best = irq_of(vcpu, i)->priority;
        }
    }
    return best;
}

/* The running priority; in EOI mode 1 it drops at the EOI already, which this guest does at once. */
static unsigned running(uint32_t vcpu)
{
    unsigned depth = model.depth[vcpu];
    return depth == 0U || eoi_mode_1 ? 0x100U : irq_of(vcpu, model.stack[vcpu][depth - 1U])->priority;
}

static void end(struct model_irq *irq)
{
    irq->active = irq->soft_active = irq->phys = false;
}

static void take(uint32_t vcpu)
{
    if (model.depth[vcpu] == 64U) {
        return;
    }
    unsigned best = best_priority(vcpu);
    bool expect = best < model.pmr[vcpu] && best < running(vcpu);
    uint32_t intid = iar(&m, vcpu);

    if (!expect) {
        assert_int_equal(intid, FAKE_ICH_SPURIOUS);
        count[NOTHING_TO_TAKE]++;
        return;
    }
    if (intid >= INTIDS || !wants(vcpu, intid) || irq_of(vcpu, intid)->priority != best) {
        fail_msg("vCPU %u took %u, not one of priority %#x", (unsigned)vcpu, (unsigned)intid, best);
    }
    struct model_irq *irq = irq_of(vcpu, intid);
    count[PREEMPTED] += model.depth[vcpu] != 0U && !eoi_mode_1 ? 1U : 0U;
    count[DEEPER_THAN_LRS] += model.depth[vcpu] >= lr_count ? 1U : 0U;
    count[TAKEN]++;
    irq->active = true;
    irq->soft_active = false;
    irq->latch = false;
    model.stack[vcpu][model.depth[vcpu]++] = intid;
    if (eoi_mode_1) {
        eoir(&m, vcpu, intid);
    }
}

static void finish(uint32_t vcpu)
{
    unsigned depth = model.depth[vcpu];

    if (depth == 0U) {
        return;
    }
    unsigned which = eoi_mode_1 ? below(depth) : depth - 1U;
    uint32_t intid = model.stack[vcpu][which];
    memmove(&model.stack[vcpu][which], &model.stack[vcpu][which + 1U],
            (depth - 1U - which) * sizeof(uint32_t));
    model.depth[vcpu]--;
    end(irq_of(vcpu, intid));
    count[LEVEL_AGAIN] += pending(irq_of(vcpu, intid)) && !irq_of(vcpu, intid)->edge ? 1U : 0U;
    count[eoi_mode_1 ? DEACTIVATED : ENDED]++;
    if (eoi_mode_1) {
        dir(&m, vcpu, intid);
    } else {
        eoir(&m, vcpu, intid);
    }
}

static void write_register(uint32_t vcpu, uint32_t intid)
{
    struct model_irq *irq = irq_of(vcpu, intid);

    switch (below(8)) {
    case 0:
        irq->enabled = true;
        set_bit(&m, vcpu, GICD_ISENABLER, intid);
        break;
    case 1:
        irq->enabled = below(4) != 0U;
        set_bit(&m, vcpu, irq->enabled ? GICD_ISENABLER : GICD_ICENABLER, intid);
        break;
    case 2:
        irq->latch = true;
        set_bit(&m, vcpu, GICD_ISPENDR, intid);
        break;
    case 3:
        irq->latch = false;
        irq->phys = irq->phys && irq->active;
        set_bit(&m, vcpu, GICD_ICPENDR, intid);
        count[CLEARED]++;
        break;
    case 4: /* only what no handler runs for: the end of that would be another's */
        if (!irq->active) {
            irq->active = irq->soft_active = true;
            irq->two = irq->two || irq->phys; /* it waits behind this one */
            set_bit(&m, vcpu, GICD_ISACTIVER, intid);
            count[SET]++;
        }
        break;
    case 5:
        if (irq->soft_active) {
            end(irq);
            set_bit(&m, vcpu, GICD_ICACTIVER, intid);
        }
        break;
    case 6:
        if (!irq->active) {
            irq->priority = (uint8_t)(below(28) << 3);
            set_priority(&m, vcpu, intid, irq->priority);
        }
        break;
    default:
        if (intid >= 32U) {
            uint32_t target = below(VCPUS);
            count[MOVED] += target != irq->target && pending(irq) ? 1U : 0U;
            irq->target = target;
            dist_write(&m, vcpu, GICD_IROUTER + 8U * intid, 8, target);
        }
        break;
    }
}

static void device(uint32_t vcpu, uint32_t intid)
{
    struct model_irq *irq = irq_of(vcpu, intid);

    if (intid == LINKED_PPI || intid == LINKED_SPI) {
        uint32_t pintid = intid == LINKED_PPI ? LINKED_PPI : LINKED_TO;
        if (irq->two) {
            irq->phys = is_phys_active(&m, vcpu, pintid);
            irq->two = irq->active || irq->phys;
        }
        irq->two = irq->two || (irq->active && !irq->phys);
        bool fired = fire_hw(&m, vcpu, intid, pintid);
        assert_int_equal(fired, !irq->phys);
        count[fired ? FIRED : REFIRED_REFUSED]++;
        irq->latch = irq->latch || fired;
        irq->phys = true;
    } else if (below(2) != 0U) {
        bool level = below(2) != 0U;
        irq->latch = irq->latch || (irq->edge && level && !irq->line);
        irq->line = level;
        set_level(&m, vcpu, intid, level);
    } else {
        irq->latch = irq->latch || irq->edge;
        pulse(&m, vcpu, intid);
    }
}

static void other(uint32_t vcpu)
{
    static const uint8_t pmr[] = {0xF0, 0xF0, 0x80, 0x40};
    uint32_t intid = below(16);
    uint32_t to = below(VCPUS);

    switch (below(8)) {
    case 0:
        model.pmr[vcpu] = pmr[below(4)];
        fake_ich_set_pmr(&m.ich[vcpu], model.pmr[vcpu]);
        break;
    case 1:
        model.enabled = below(8) != 0U;
        dist_write(&m, vcpu, GICD_CTLR, 4, model.enabled ? 3 : 0);
        break;
    case 2:
        machine_put(&m, vcpu);
        assert_int_equal(ash_vgic_has_deliverable(&m.vcpu[vcpu]),
                         best_priority(vcpu) < model.pmr[vcpu] && best_priority(vcpu) < running(vcpu));
        machine_load(&m, vcpu);
        break;
    default:
        irq_of(to, intid)->latch = true;
        send_sgi(&m, vcpu, ((uint64_t)intid << 24) | UINT64_C(1) << to);
        count[SGI_SENT]++;
        break;
    }
}

static void compare(uint32_t vcpu)
{
    for (uint32_t i = 0; i < INTIDS; i++) {
        const struct model_irq *irq = irq_of(vcpu, i);
        if (i == LINKED_PPI || i == LINKED_SPI) {
            bool active = is_phys_active(&m, vcpu, i == LINKED_PPI ? LINKED_PPI : LINKED_TO);
            assert_true(irq->two ? !active || irq->active || irq->latch : active == irq->phys);
        }
        if (get_bit(&m, vcpu, GICD_ISPENDR, i) != pending(irq) ||
            get_bit(&m, vcpu, GICD_ISACTIVER, i) != irq->active) {
            fail_msg("vCPU %u, INTID %u: not pending %d, active %d", (unsigned)vcpu, (unsigned)i,
                     pending(irq), irq->active);
        }
    }
}

static void step(void)
{
    uint32_t vcpu = below(VCPUS);
    uint32_t intid = below(INTIDS);
    unsigned waiting = 0;

    switch (below(10)) {
    case 0:
    case 1:
        write_register(vcpu, intid);
        break;
    case 2:
    case 3:
        device(vcpu, 16U + below(INTIDS - 16U));
        break;
    case 4:
        other(vcpu);
        break;
    case 5:
    case 6:
    case 7:
        finish(vcpu);
        break;
    default:
        take(vcpu);
        break;
    }
    for (uint32_t i = 0; i < INTIDS; i++) {
        waiting += wants(vcpu, i) ? 1U : 0U;
    }
    count[OVERFLOWED] += waiting > lr_count ? 1U : 0U;
}

static void start(unsigned lrs, bool mode_1)
{
    struct machine_config config = {VCPUS, 32, lrs, 5, 5, mode_1, NULL, false};

    machine_init_as(&m, &config);
    memset(&model, 0, sizeof(model));
    model.enabled = true;
    eoi_mode_1 = mode_1;
    lr_count = lrs;
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, LINKED_SPI, LINKED_TO), ASH_OK);
    for (uint32_t n = 0; n < VCPUS; n++) {
        model.pmr[n] = 0xF0;
        fake_ich_set_eoimode(&m.ich[n], mode_1);
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, n, LINKED_PPI, LINKED_PPI), ASH_OK);
        for (uint32_t i = 0; i < INTIDS; i++) {
            struct model_irq *irq = irq_of(n, i);
            if (n != 0U && i >= 32U) {
                continue;
            }
            irq->edge = i < 16U || i % 3U == 0U;
            irq->enabled = below(2) != 0U;
            irq->priority = (uint8_t)(below(28) << 3);
            if (i >= 16U) {
                set_edge(&m, n, i, irq->edge);
            }
            set_priority(&m, n, i, irq->priority);
            if (irq->enabled) {
                set_bit(&m, n, GICD_ISENABLER, i);
            }
        }
    }
}

static void the_virtual_gic_cannot_be_told_from_one_without_list_registers(void **state)
{
    (void)state;
    static const unsigned lrs[] = {1, 2, 4, 16};

    (void)test_rng_init(&rng, "oracle_test");
    for (unsigned run = 0; run < 8U; run++) {
        start(lrs[run % 4U], run >= 4U);
        for (unsigned i = 0; i < STEPS; i++) {
            step();
            if (i % 64U == 0U) {
                compare(0);
                compare(1);
            }
        }
    }
    for (unsigned k = 0; k < KINDS; k++) {
        printf("%s: %u\n", kind_names[k], count[k]);
        assert_int_not_equal(count[k], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_virtual_gic_cannot_be_told_from_one_without_list_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
