/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that share a CPU: turns, priorities, waiting and waking, the end of a VM that does not run. Each under many
 * seeds. The simulated clock goes on by 100 ticks of a microsecond an exit. */
#include <stdio.h>
#include <string.h>

#include <libvcpu/psci.h>

#include "arch/arch.h"
#include "rig.h"

#define SEEDS 60U
#define SGI   6U
#define ENTRY (SIM_RAM_BASE + 0x80000U)

static struct sim sim;

static void stop_timer(struct hv_vcpu *vcpu)
{
    vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = 0;
}

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned rounds[3];
    unsigned switches;
    unsigned last;
    unsigned longest; /* rounds of one turn */
    unsigned turn;
} turns;

static enum hv_verdict never_waits(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    unsigned me = vcpu->vm->slot;

    (void)round;
    turns.turn = me == turns.last ? turns.turn + 1U : 1U;
    turns.switches += me == turns.last ? 0U : 1U;
    turns.longest = turns.turn > turns.longest ? turns.turn : turns.longest;
    turns.last = me;
    return ++turns.rounds[me] < 1000U ? HV_RESUME : sim_off(cpu, vcpu);
}

static void run_turns(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "a", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 5000},
        {.name = "b", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 5000},
        {.name = "c", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 5000},
    };

    memset(&turns, 0, sizeof(turns));
    turns.last = 9;
    sim_board(&sim, 1, vms, 3);
    sim_run(&sim, never_waits, seed);
    assert_int_equal(turns.rounds[0] + turns.rounds[1] + turns.rounds[2], 3000);
    /* 50 exits a slice, and an exit may come late by what hv itself takes. 20 turns each, but for the last ones. */
    assert_in_range(turns.switches, 58, 90);
    sim_assert_exit(&sim, "ok", NULL);
}

static void equal_ones_take_turns(void **state)
{
    (void)state;
    sim_under_seeds("turns", SEEDS, run_turns);
}

/* ---- Priorities -------------------------------------------------------------------------------------------------- */

static struct {
    unsigned high, low;
    unsigned low_while_high_could;
    bool waiting;
    uint64_t due;
    uint64_t latest;
} prio;

#define PERIODS 20U
#define PERIOD  7000U /* ticks */

/** Waits for its timer, is busy for a while, waits again. */
static enum hv_verdict periodic(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t now = hv_arch_ticks();

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        prio.due = now + PERIOD;
    } else if (prio.waiting) {
        prio.waiting = false;
        assert_true(now >= prio.due);
        prio.latest = now - prio.due > prio.latest ? now - prio.due : prio.latest;
        prio.due = now + PERIOD;
        stop_timer(vcpu);
        assert_int_equal(sim_acknowledge(cpu, vcpu), SIM_TIMER);
        prio.high++;
    } else if (round % 10U == 0U) {
        if (prio.high == PERIODS) {
            return sim_off(cpu, vcpu);
        }
        sim_set_timer(vcpu, prio.due);
        prio.waiting = true;
        return hv_sched_wait(cpu);
    }
    return HV_RESUME;
}

static enum hv_verdict two_priorities(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "high")) {
        return periodic(cpu, vcpu, round);
    }
    prio.low++;
    prio.low_while_high_could += prio.waiting && hv_arch_ticks() < prio.due ? 0U : 1U;
    return prio.high == PERIODS && !prio.waiting && prio.low % 64U == 0U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_priorities(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "low", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 10},
        {.name = "high", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 11},
    };

    memset(&prio, 0, sizeof(prio));
    sim_board(&sim, 1, vms, 2);
    sim_run(&sim, two_priorities, seed);
    assert_int_equal(prio.high, PERIODS);
    /* An exit is under way when the timer is due, and the switch takes its time. */
    assert_in_range(prio.latest, 0, 2500);
    assert_true(prio.low > 200U);
}

static void the_higher_one_runs_when_its_timer_is_due(void **state)
{
    (void)state;
    sim_under_seeds("priorities", SEEDS, run_priorities);
}

/* ---- Waking ------------------------------------------------------------------------------------------------------ */

static struct {
    unsigned waits, wakes, sent;
} wake;

/** vCPU 0 waits for SGIs that vCPU 1 sends; both share their CPU, or CPUs, with one that never waits. */
static enum hv_verdict sleeper(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    if (sim_acknowledge(cpu, vcpu) == SGI) {
        wake.wakes++;
    }
    if (wake.wakes == 30U) {
        return sim_off(cpu, vcpu);
    }
    wake.waits++;
    return hv_sched_wait(cpu);
}

static enum hv_verdict waker(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    } else if (round % 5U == 0U && wake.sent == wake.wakes) {
        wake.sent++;
        sim_send_sgi(cpu, vcpu, SGI, 1);
    }
    return HV_RESUME;
}

static enum hv_verdict wakers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (!sim_is(vcpu, "pair")) {
        return HV_RESUME; /* in the background, for ever */
    }
    return vcpu->index == 0U ? sleeper(cpu, vcpu, round) : waker(cpu, vcpu, round);
}

static void run_waking(unsigned cpus, uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "pair", .vcpus = 2, .memory = 2U * SIM_MIB},
        {.name = "busy", .vcpus = 2, .memory = 2U * SIM_MIB, .background = true, .slice_us = 2000},
    };

    memset(&wake, 0, sizeof(wake));
    sim_board(&sim, cpus, vms, 2);
    sim_run(&sim, wakers, seed);
    assert_int_equal(wake.wakes, 30);
    sim_assert_exit(&sim, "ok", "busy");
}

static void run_waking_on_one(uint64_t seed)
{
    run_waking(1, seed);
}

static void run_waking_on_two(uint64_t seed)
{
    run_waking(2, seed);
}

static void who_waits_is_woken_by_an_interrupt_from_the_same_cpu_and_from_another(void **state)
{
    (void)state;
    sim_under_seeds("one CPU", SEEDS, run_waking_on_one);
    sim_under_seeds("two CPUs", SEEDS, run_waking_on_two);
}

/* ---- A storm ----------------------------------------------------------------------------------------------------- */

#define STORM 3000U /* SGIs */

static struct {
    unsigned sent;
    uint64_t kicks; /* of the CPU while "victim" runs there, by SGIs to who does not */
    unsigned turns; /* of "victim" */
    const struct hv_vcpu *last;
} storm;

/** "storm" sends from CPU 0, as fast as it can, SGIs to its vCPU on CPU 1, where "victim" has its turns, too. */
static enum hv_verdict storms(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "victim") || vcpu->index == 1U) {
        if (round == 0U && vcpu->index == 1U) {
            sim_gic_enable(cpu, vcpu);
        }
        (void)sim_acknowledge(cpu, vcpu);
        storm.turns += vcpu != storm.last && sim_is(vcpu, "victim") ? 1U : 0U;
        storm.last = vcpu;
        return storm.sent < STORM ? HV_RESUME : sim_off(cpu, vcpu);
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    const struct hv_vcpu *before = sim.cpu[1].vcpu;
    uint64_t kicks = hv_host_kicks(1);

    sim_send_sgi(cpu, vcpu, storm.sent % 16U, 2);
    if (before != NULL && before == sim.cpu[1].vcpu && sim_is(before, "victim")) {
        storm.kicks += hv_host_kicks(1) - kicks;
    }
    return ++storm.sent < STORM ? HV_RESUME : hv_sched_wait(cpu);
}

static void run_storm(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "storm",
         .vcpus = 2,
         .affinity = {0, 1},
         .has_affinity = true,
         .memory = 2U * SIM_MIB,
         .slice_us = 5000},
        {.name = "victim",
         .vcpus = 1,
         .affinity = {1},
         .has_affinity = true,
         .memory = 2U * SIM_MIB,
         .slice_us = 5000},
    };

    memset(&storm, 0, sizeof(storm));
    sim_board(&sim, 2, vms, 2);
    sim_run(&sim, storms, seed);
    assert_int_equal(storm.sent, STORM);
    assert_true(storm.turns > 5U);
    /* It may be told once that there is something, and not with each one that comes besides. */
    assert_in_range(storm.kicks, 0, 2U * storm.turns);
}

static void a_storm_to_a_vcpu_that_waits_for_its_turn_does_not_interrupt_who_has_it(void **state)
{
    (void)state;
    sim_under_seeds("storm", SEEDS, run_storm);
}

/* ---- What is said of one ----------------------------------------------------------------------------------------- */

static struct {
    unsigned weight; /* simulated CPUs are slow: so many interrupts each of theirs stands for */
    uint64_t length; /* ticks */
    uint64_t begin;
} told;

/** vCPU 0 sends SGIs, vCPU 1 acknowledges whatever there is. */
static enum hv_verdict sends_many(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        told.begin = hv_arch_ticks();
        return vcpu->index == 0U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0) : HV_RESUME;
    }
    if (vcpu->index == 1U) {
        while (sim_acknowledge(cpu, vcpu) != 1023U) {
        }
        return HV_RESUME;
    }
    hv_machine_lock(cpu, &vcpu->vm->machine);
    vcpu->vm->machine.storm.count += told.weight - 1U;
    hv_machine_unlock(&vcpu->vm->machine);
    sim_send_sgi(cpu, vcpu, SGI, 2);
    return hv_arch_ticks() - told.begin < told.length ? HV_RESUME : sim_off(cpu, vcpu);
}

static void run_told(unsigned weight, uint64_t length)
{
    static const struct sim_vm vm = {.name = "stormy", .vcpus = 2, .memory = 2U * SIM_MIB};

    told.weight = weight;
    told.length = length;
    sim_board(&sim, 2, &vm, 1);
    sim_run(&sim, sends_many, 1);
    sim_assert_exit(&sim, "ok", "stormy"); /* it goes on as if nothing were */
}

static void a_storm_is_told_of_with_vm_interrupt_and_rate_and_not_too_often(void **state)
{
    const char *line;
    unsigned rate = 0;
    unsigned sgi = 99;

    (void)state;
    run_told(100, 15000000);
    assert_int_equal(sim_count(&sim, "ashlar: stormy: interrupt storm: "), 2);
    line = strstr(sim.result.log, "ashlar: stormy: interrupt storm: ");
    assert_non_null(line);
    assert_int_equal(
        sscanf(line, "ashlar: stormy: interrupt storm: %u a second, last SGI %u for vCPU 1;", &rate, &sgi),
        2);
    assert_in_range(rate, 10000, 1000000);
    assert_int_equal(sgi, SGI);
    assert_true(sim.hv.vm[0]->machine.storm.seen > 10U);
}

static void what_is_no_storm_is_not_told_of(void **state)
{
    (void)state;
    run_told(1, 5000000);
    sim_assert_says_not(&sim, "storm:");
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

/** "patient" waits for what never comes, and "end" resets it by turning it off through its other vCPU. */
static enum hv_verdict one_waits_for_ever(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 1U) {
        return hv_sched_wait(cpu);
    }
    if (round == 0U) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    if (round < 40U) {
        return HV_RESUME;
    }
    if (sim_is(vcpu, "patient") && turns.turn++ < 5U) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    return sim_off(cpu, vcpu);
}

static void run_ends(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "patient", .vcpus = 2, .memory = 2U * SIM_MIB},
        {.name = "other", .vcpus = 2, .memory = 2U * SIM_MIB, .priority = 200},
    };

    turns.turn = 0;
    sim_board(&sim, 1 + seed / 2U % 2U, vms, 2);
    sim_run(&sim, one_waits_for_ever, seed);
    assert_int_equal(sim_count(&sim, "patient resets"), 5);
    sim_assert_exit(&sim, "ok", NULL);
}

static void a_vm_ends_and_begins_again_while_its_vcpu_waits(void **state)
{
    (void)state;
    sim_under_seeds("ends", SEEDS, run_ends);
}

/* ---- Anything ---------------------------------------------------------------------------------------------------- */

static struct {
    struct test_rng rng;
    unsigned left[3]; /* things that a VM has still to do */
} any;

static enum hv_verdict anything(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    unsigned *left = &any.left[vcpu->vm->slot];

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    if (sim_acknowledge(cpu, vcpu) == SIM_TIMER) {
        stop_timer(vcpu);
    }
    if (*left == 0U) {
        return sim_off(cpu, vcpu);
    }
    (*left)--;
    switch (test_rng_below(&any.rng, 9)) {
    case 0:
        sim_set_timer(vcpu, hv_arch_ticks() + test_rng_below(&any.rng, 5000));
        return hv_sched_wait(cpu);
    case 1:
        sim_send_sgi(cpu, vcpu, SGI, 1U + (unsigned)test_rng_below(&any.rng, 7));
        return HV_RESUME;
    case 2:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, test_rng_below(&any.rng, 3), ENTRY, 0);
    case 3:
        sim_set_timer(vcpu, hv_arch_ticks() + test_rng_below(&any.rng, 3000));
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, test_rng_below(&any.rng, 2) << 16, ENTRY, 0);
    case 4:
        return vcpu->index != 0U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0) : HV_RESUME;
    case 5:
        return test_rng_below(&any.rng, 8) == 0U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0)
                                                 : HV_RESUME;
    default:
        return HV_RESUME;
    }
}

static void run_anything(uint64_t seed)
{
    struct sim_vm vms[] = {
        {.name = "one", .vcpus = 3, .memory = 2U * SIM_MIB},
        {.name = "two", .vcpus = 2, .memory = 2U * SIM_MIB},
        {.name = "three", .vcpus = 3, .memory = 2U * SIM_MIB},
    };

    any.rng.state = seed;
    for (unsigned i = 0; i < 3U; i++) {
        vms[i].priority = 1U + (unsigned)test_rng_below(&any.rng, 2);
        vms[i].slice_us = 500U << test_rng_below(&any.rng, 5);
        any.left[i] = 400;
    }
    sim_board(&sim, 1U + (unsigned)test_rng_below(&any.rng, 3), vms, 3);
    sim_run(&sim, anything, seed);
    sim_assert_exit(&sim, "ok", NULL);
}

static void whatever_guests_do_all_come_to_their_end(void **state)
{
    (void)state;
    sim_under_seeds("anything", SEEDS, run_anything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ones_take_turns),
        cmocka_unit_test(the_higher_one_runs_when_its_timer_is_due),
        cmocka_unit_test(who_waits_is_woken_by_an_interrupt_from_the_same_cpu_and_from_another),
        cmocka_unit_test(a_storm_to_a_vcpu_that_waits_for_its_turn_does_not_interrupt_who_has_it),
        cmocka_unit_test(a_storm_is_told_of_with_vm_interrupt_and_rate_and_not_too_often),
        cmocka_unit_test(what_is_no_storm_is_not_told_of),
        cmocka_unit_test(a_vm_ends_and_begins_again_while_its_vcpu_waits),
        cmocka_unit_test(whatever_guests_do_all_come_to_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
