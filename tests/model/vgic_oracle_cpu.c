/* SPDX-License-Identifier: BSD-2-Clause */
/* The oracle: a CPU interface, and what it may and must be given. */
#include "vgic_oracle.h"

#include <stddef.h>

bool oracle_is_candidate(struct oracle *oracle, unsigned vcpu, uint32_t intid)
{
    const struct oracle_irq *irq = oracle_irq(oracle, vcpu, intid);

    return irq != NULL && oracle_is_pending(irq) && !irq->active && irq->enabled &&
           oracle->group_enabled[irq->group1] && !oracle->cpu[vcpu].asleep &&
           (oracle_targets(oracle, vcpu, intid) & (UINT32_C(1) << vcpu)) != 0U;
}

static uint32_t group_mask(const struct oracle_cpu *cpu, unsigned group)
{
    uint32_t low = group == 0U || cpu->cbpr ? cpu->bpr[0] + 1U : cpu->bpr[1];

    return (UINT32_C(0xFF) << low) & 0xFFU;
}

uint32_t oracle_running_priority(const struct oracle *oracle, unsigned vcpu)
{
    const struct oracle_cpu *cpu = &oracle->cpu[vcpu];

    for (unsigned level = 0; level < ORACLE_LEVELS; level++) {
        if (cpu->active_priority[0][level] || cpu->active_priority[1][level]) {
            return level << (8U - oracle->preemption_bits);
        }
    }
    return ORACLE_IDLE;
}

/* IHI 0069 4.8.5, 4.8.6: the priority mask, and preemption by group priority. Where the binary points of the
 * groups differ, it is open whether the running priority is cut to the new one's group bits too: then @sure
 * and not differ. */
static bool is_sufficient(struct oracle *oracle, unsigned vcpu, const struct oracle_irq *irq, bool sure)
{
    const struct oracle_cpu *cpu = &oracle->cpu[vcpu];
    uint32_t running = oracle_running_priority(oracle, vcpu);
    uint32_t mask = group_mask(cpu, irq->group1);

    return irq->priority < cpu->pmr &&
           (running == ORACLE_IDLE || (irq->priority & mask) < (sure ? running & mask : running));
}

static bool is_source(const struct oracle *oracle, const struct oracle_irq *irq, uint32_t intid,
                      uint32_t value)
{
    uint32_t source = value >> 10;

    if (oracle->version == 3U || intid >= 16U) {
        return value == intid;
    }
    return (value & 0x3FFU) == intid && source < 8U && ((irq->sources >> source) & 1U) != 0U;
}

/* A visit to everything that may be the highest priority pending interrupt. */
struct search {
    unsigned best;   /* the best priority of those that come to this vCPU alone */
    bool must, may;  /* every, some choice is signalled */
    bool hppir, iar; /* the value is one of those allowed */
};

static bool goes_here_only(struct oracle *oracle, unsigned vcpu, uint32_t intid)
{
    return (intid < 32U || oracle->spi[intid].elsewhere == 0U) &&
           oracle_targets(oracle, vcpu, intid) == UINT32_C(1) << vcpu &&
           (intid < 32U || oracle->version == 2U || (oracle->spi[intid].route & ORACLE_IRM) == 0U);
}

static bool is_eligible(struct oracle *oracle, unsigned vcpu, uint32_t intid)
{
    return oracle_is_candidate(oracle, vcpu, intid) &&
           oracle->cpu[vcpu].enabled[oracle_irq(oracle, vcpu, intid)->group1];
}

static void consider(struct oracle *oracle, unsigned vcpu, uint32_t intid, unsigned group, uint32_t value,
                     struct search *search)
{
    const struct oracle_irq *irq = oracle_irq(oracle, vcpu, intid);
    bool must = is_sufficient(oracle, vcpu, irq, true);
    bool may = is_sufficient(oracle, vcpu, irq, false);
    bool right_group = irq->group1 == (group != 0U);
    bool is_value = is_source(oracle, irq, intid, value);

    search->must &= must;
    search->may |= may;
    search->hppir |= right_group ? is_value : value == ORACLE_SPURIOUS;
    search->iar |= right_group && may && is_value;
    search->iar |= !(right_group && must) && value == ORACLE_SPURIOUS;
}

static struct search find(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value)
{
    struct search search = {.best = 256, .must = true};

    for (uint32_t intid = 0; intid < 32U + oracle->spis; intid++) {
        if (is_eligible(oracle, vcpu, intid) && goes_here_only(oracle, vcpu, intid) &&
            oracle_irq(oracle, vcpu, intid)->priority < search.best) {
            search.best = oracle_irq(oracle, vcpu, intid)->priority;
        }
    }
    if (search.best == 256U) {
        search.must = false;
        search.hppir = value == ORACLE_SPURIOUS;
        search.iar = value == ORACLE_SPURIOUS;
    }
    for (uint32_t intid = 0; intid < 32U + oracle->spis; intid++) {
        if (is_eligible(oracle, vcpu, intid) && oracle_irq(oracle, vcpu, intid)->priority <= search.best) {
            consider(oracle, vcpu, intid, group, value, &search);
        }
    }
    return search;
}

bool oracle_allows_hppir(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value)
{
    return find(oracle, vcpu, group, value).hppir;
}

bool oracle_allows_iar(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value)
{
    return find(oracle, vcpu, group, value).iar;
}

bool oracle_must_signal(struct oracle *oracle, unsigned vcpu)
{
    return find(oracle, vcpu, 0, 0).must;
}

bool oracle_may_signal(struct oracle *oracle, unsigned vcpu)
{
    return find(oracle, vcpu, 0, 0).may;
}

bool oracle_may_wake(struct oracle *oracle, unsigned vcpu)
{
    for (uint32_t intid = 0; intid < 32U + oracle->spis; intid++) {
        if (is_eligible(oracle, vcpu, intid) &&
            is_sufficient(oracle, vcpu, oracle_irq(oracle, vcpu, intid), false)) {
            return true;
        }
    }
    return false;
}

/* IHI 0069 11.1: a sleeping redistributor asks for the PE when an interrupt is pending for it. */
bool oracle_has_wake_up(struct oracle *oracle, unsigned vcpu)
{
    bool asleep = oracle->cpu[vcpu].asleep;
    bool found = false;

    oracle->cpu[vcpu].asleep = false;
    for (uint32_t intid = 0; intid < 32U + oracle->spis; intid++) {
        found |= oracle_is_candidate(oracle, vcpu, intid) && goes_here_only(oracle, vcpu, intid);
    }
    oracle->cpu[vcpu].asleep = asleep;
    return found;
}

void oracle_acknowledge(struct oracle *oracle, unsigned vcpu, uint32_t value)
{
    struct oracle_irq *irq = oracle_irq(oracle, vcpu, value & 0x3FFU);
    uint32_t level =
        (irq->priority & group_mask(&oracle->cpu[vcpu], irq->group1)) >> (8U - oracle->preemption_bits);

    oracle->cpu[vcpu].active_priority[irq->group1][level] = true;
    if (oracle->version == 2U && (value & 0x3FFU) < 16U) {
        irq->sources &= (uint8_t) ~(1U << (value >> 10));
    }
    irq->latch = false;
    irq->fired = false;
    irq->active = true;
}

void oracle_eoi(struct oracle *oracle, unsigned vcpu, uint32_t value)
{
    struct oracle_cpu *cpu = &oracle->cpu[vcpu];

    for (unsigned level = 0; level < ORACLE_LEVELS; level++) {
        if (cpu->active_priority[0][level] || cpu->active_priority[1][level]) {
            cpu->active_priority[0][level] = false;
            cpu->active_priority[1][level] = false;
            break;
        }
    }
    if (!cpu->eoimode) {
        oracle_deactivate(oracle, vcpu, value);
    }
}

void oracle_deactivate(struct oracle *oracle, unsigned vcpu, uint32_t value)
{
    struct oracle_irq *irq = oracle_irq(oracle, vcpu, value & 0x3FFU);

    if (irq != NULL) {
        irq->active = false;
    }
}

void oracle_set_pmr(struct oracle *oracle, unsigned vcpu, uint32_t value)
{
    oracle->cpu[vcpu].pmr = value & oracle_priority_mask(oracle);
}

void oracle_set_bpr(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value)
{
    uint32_t least = 7U - oracle->preemption_bits + group;

    if (group == 0U || !oracle->cpu[vcpu].cbpr) {
        oracle->cpu[vcpu].bpr[group] = (value & 7U) < least ? least : value & 7U;
    }
}

uint32_t oracle_bpr(const struct oracle *oracle, unsigned vcpu, unsigned group)
{
    const struct oracle_cpu *cpu = &oracle->cpu[vcpu];

    if (group != 0U && cpu->cbpr) {
        return cpu->bpr[0] == 7U ? 7U : cpu->bpr[0] + 1U;
    }
    return cpu->bpr[group];
}
