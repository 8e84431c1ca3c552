/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets: who has one gets it, whatever others do, and no more of it, whatever it does itself. Each under many seeds.
 * What a VM got is measured by the simulated CPUs. */
#include <string.h>

#include <libvcpu/psci.h>

#include "rig.h"

#define SEEDS 25U
#define ENTRY (SIM_RAM_BASE + 0x80000U)
#define VMS   4U
#define LONG  2000000U /* ticks of a microsecond: a run */
#define EXIT                                                                                                 \
    1000U /* an exit is under way when the budget ends, then the switch: what a period may be over or under */

static struct sim sim;

/* ---- The measure ------------------------------------------------------------------------------------------------- */

#define SAMPLES 32768U

static struct {
    uint64_t begin;      /* the first exit of VM 0 */
    uint64_t end;        /* the last one measured */
    unsigned vcpu;       /* of it: the one that is measured */
    uint64_t total[VMS]; /* ticks that each VM has had since */
    unsigned samples;
    struct {
        uint64_t at;
        uint64_t had; /* by VM 0 until then */
    } sample[SAMPLES];
} got;

static void measure(const struct hv_vcpu *vcpu)
{
    if (got.begin == 0U && vcpu->vm->slot == 0U && vcpu->index == got.vcpu) {
        got.begin = hv_arch_ticks();
        got.end = got.begin;
    }
    if (got.begin == 0U || got.end - got.begin > LONG) {
        return; /* not yet, or it is over and VMs end */
    }
    got.end = hv_arch_ticks();
    for (unsigned i = 0; i < VMS; i++) {
        got.total[i] = hv_host_ran(i, i == 0U ? got.vcpu : 0U);
    }
    assert_true(got.samples < SAMPLES);
    got.sample[got.samples].at = got.end;
    got.sample[got.samples++].had = got.total[0];
}

/** The most that VM 0 had in any @window ticks. */
static uint64_t most_in(uint64_t window)
{
    uint64_t most = 0;

    for (unsigned from = 0, to = 0; to < got.samples; to++) {
        uint64_t had;

        while (got.sample[to].at - got.sample[from].at > window) {
            from++;
        }
        had = got.sample[to].had - got.sample[from].had;
        most = had > most ? had : most;
    }
    return most;
}

/** The least that VM 0 had in any @window ticks. */
static uint64_t least_in(uint64_t window)
{
    uint64_t least = UINT64_MAX;

    for (unsigned from = 0, to = 0; to < got.samples; to++) {
        while (from < to && got.sample[to].at - got.sample[from + 1U].at >= window) {
            from++;
        }
        if (got.sample[to].at - got.sample[from].at >= window &&
            got.sample[to].had - got.sample[from].had < least) {
            least = got.sample[to].had - got.sample[from].had;
        }
    }
    return least;
}

static bool is_over(void)
{
    return got.begin != 0U && got.end - got.begin > LONG;
}

/** Of VM 0's vCPU @vcpu is measured what it gets. */
static void run(unsigned vcpu, unsigned cpus, const struct sim_vm *vms, unsigned count, hv_host_guest *guest,
                uint64_t seed)
{
    memset(&got, 0, sizeof(got));
    got.vcpu = vcpu;
    sim_board(&sim, cpus, vms, count);
    sim_run(&sim, guest, seed);
}

/* ---- Who never waits --------------------------------------------------------------------------------------------- */

static enum hv_verdict never_waits(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    measure(vcpu);
    return is_over() ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_beside_the_most_urgent(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "rt",
         .vcpus = 1,
         .memory = 2U * SIM_MIB,
         .priority = 1,
         .budget_us = 10000,
         .period_us = 50000},
        {.name = "urgent", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 255},
        {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 255, .slice_us = 1000},
    };

    run(0, 1, vms, 3, never_waits, seed);
    assert_in_range(most_in(50000), 10000 - EXIT, 10000 + EXIT);
    assert_in_range(least_in(50000), 10000 - 2U * EXIT, 10000);
    /* What a period had too much the next one has less: nothing adds up. */
    assert_in_range(got.total[0], LONG / 5U - LONG / 50000U * EXIT, LONG / 5U + 10000U + EXIT);
}

static void it_gets_its_budget_beside_one_of_the_highest_priority_and_no_more(void **state)
{
    (void)state;
    sim_under_seeds("beside the most urgent", SEEDS, run_beside_the_most_urgent);
}

/** Of each two ticks that it gets somebody else works one for it. */
static enum hv_verdict has_others_work(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static uint64_t before;

    if (vcpu->vm->slot == 0U) {
        uint64_t had = hv_host_ran(0, 0);

        hv_sched_owe(vcpu, round == 0U ? 0U : had - before);
        before = had;
    }
    return never_waits(cpu, vcpu, round);
}

static void run_with_help(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "rt", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 10000, .period_us = 50000},
        {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 255, .slice_us = 1000},
    };

    run(0, 1, vms, 2, has_others_work, seed);
    /* What it has too much it pays in the next period. */
    assert_in_range(most_in(100000), 10000 - EXIT, 10000 + 2U * EXIT);
    assert_in_range(got.total[0], LONG / 10U - LONG / 50000U * EXIT, LONG / 10U + 10000U + EXIT);
}

static void what_others_do_for_it_is_of_its_budget(void **state)
{
    (void)state;
    sim_under_seeds("helped", SEEDS, run_with_help);
}

static void run_alone(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "rt", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 15000, .period_us = 35000},
    };

    run(0, 1, vms, 1, never_waits, seed);
    assert_in_range(got.total[0], LONG / 7U * 3U - LONG / 35000U * EXIT, LONG / 7U * 3U + 15000U + EXIT);
    assert_in_range(most_in(35000), 15000 - EXIT, 15000 + EXIT);
}

static void it_gets_no_more_where_nobody_else_wants_the_cpu(void **state)
{
    (void)state;
    sim_under_seeds("alone", SEEDS, run_alone);
}

static void run_all_of_it(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "fast", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 7500, .period_us = 30000},
        {.name = "slow", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 50000, .period_us = 100000},
        {.name = "third", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 50000, .period_us = 200000},
        {.name = "rest", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 255, .background = true},
    };

    run(0, 1, vms, 4, never_waits, seed);
    assert_in_range(got.total[0], LONG / 4U - LONG / 30000U * EXIT - 7500U, LONG / 4U + 7500U + EXIT);
    assert_in_range(got.total[1], LONG / 2U - LONG / 10000U * EXIT - 50000U, LONG / 2U + 50000U + EXIT);
    assert_in_range(got.total[2], LONG / 4U - LONG / 10000U * EXIT - 50000U, LONG / 4U + 50000U + EXIT);
    assert_in_range(got.total[3], 0, LONG / 20U);
    /* In each period by its end: in any two periods' time one of them is whole. */
    assert_true(least_in(60000) >= 7500U - 2U * EXIT);
}

static void budgets_of_a_whole_cpu_are_all_had_in_time(void **state)
{
    (void)state;
    sim_under_seeds("all of it", SEEDS, run_all_of_it);
}

/* ---- Who tries to get more --------------------------------------------------------------------------------------- */

#define BUDGET 15000U
#define PERIOD 50000U

static struct {
    struct test_rng rng;
    enum { JUST_BEFORE_THE_END, ALL_THE_TIME, AT_RANDOM, OFF_AND_ON, RESETS } how;
    uint64_t until; /* it is busy until then */
    unsigned tricks;
} evil;

static uint64_t nap(void)
{
    if (evil.how == JUST_BEFORE_THE_END) {
        return PERIOD - BUDGET + test_rng_below(&evil.rng, 2000);
    }
    return 1U + test_rng_below(&evil.rng, evil.how == ALL_THE_TIME ? 300U : 2U * PERIOD);
}

static uint64_t work(void)
{
    if (evil.how == JUST_BEFORE_THE_END) {
        return BUDGET - 100U - test_rng_below(&evil.rng, 400);
    }
    return test_rng_below(&evil.rng, evil.how == ALL_THE_TIME ? 200U : 2U * BUDGET);
}

/** Busy for a while, then what it hopes to get a new budget by. */
static enum hv_verdict trick(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    evil.tricks++;
    evil.until = 0;
    if (evil.how == OFF_AND_ON) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    }
    if (evil.how == RESETS) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    sim_set_timer(vcpu, hv_arch_ticks() + nap());
    return hv_sched_wait(cpu);
}

static enum hv_verdict evil_one(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    if (sim_acknowledge(cpu, vcpu) == SIM_TIMER) {
        vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = 0;
    }
    if (evil.until == 0U) {
        evil.until = hv_arch_ticks() + work();
    }
    return hv_arch_ticks() < evil.until ? HV_RESUME : trick(cpu, vcpu);
}

/** VM 0 is the evil one; with OFF_AND_ON its vCPU 1, which vCPU 0 on another CPU turns on again and again. */
static enum hv_verdict against_an_evil_one(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (cpu->index == 0U) {
        measure(vcpu);
        if (is_over()) {
            return sim_off(cpu, vcpu);
        }
        return sim_is(vcpu, "evil") ? evil_one(cpu, vcpu, round) : HV_RESUME;
    }
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
}

static void run_evil(uint64_t seed)
{
    struct sim_vm vms[] = {
        {.name = "evil", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = BUDGET, .period_us = PERIOD},
        {.name = "good", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true},
    };
    unsigned cpus = evil.how == OFF_AND_ON ? 2U : 1U;
    uint64_t share;

    vms[0].has_affinity = true;
    vms[0].vcpus = cpus;
    vms[0].affinity[0] = cpus - 1U;
    evil.rng.state = seed;
    evil.until = 0;
    evil.tricks = 0;
    run(cpus - 1U, cpus, vms, 2, against_an_evil_one, seed);
    assert_true(evil.tricks > 15U);
    share = (got.end - got.begin) * BUDGET / PERIOD;
    assert_in_range(got.total[0], 0, share + 2U * BUDGET + EXIT);
    /* Twice its budget in a row, where two periods meet; else its share. */
    assert_in_range(most_in(PERIOD), 0, 2U * BUDGET + 3U * EXIT);
    assert_in_range(most_in(10U * PERIOD), 0, 12U * BUDGET + EXIT);
}

static void run_evil_just_before_the_end(uint64_t seed)
{
    evil.how = JUST_BEFORE_THE_END;
    run_evil(seed);
}

static void run_evil_all_the_time(uint64_t seed)
{
    evil.how = ALL_THE_TIME;
    run_evil(seed);
}

static void run_evil_at_random(uint64_t seed)
{
    evil.how = AT_RANDOM;
    run_evil(seed);
}

static void run_evil_off_and_on(uint64_t seed)
{
    evil.how = OFF_AND_ON;
    run_evil(seed);
}

static void run_evil_resets(uint64_t seed)
{
    evil.how = RESETS;
    run_evil(seed);
}

static void sleeping_just_before_the_budget_ends_gives_no_more(void **state)
{
    (void)state;
    sim_under_seeds("just before the end", SEEDS, run_evil_just_before_the_end);
}

static void sleeping_and_waking_all_the_time_gives_no_more(void **state)
{
    (void)state;
    sim_under_seeds("all the time", SEEDS, run_evil_all_the_time);
    sim_under_seeds("at random", SEEDS, run_evil_at_random);
}

static void turning_off_and_on_and_resetting_gives_no_more(void **state)
{
    (void)state;
    sim_under_seeds("off and on", SEEDS, run_evil_off_and_on);
    sim_under_seeds("resets", SEEDS, run_evil_resets);
}

/* ---- Who waits --------------------------------------------------------------------------------------------------- */

static struct {
    uint64_t due;
    uint64_t done_by; /* the latest that a job of its was done, after it was due */
    unsigned jobs;
    unsigned left; /* exits that this job still takes */
} control;

#define JOB_EXITS 40U

/** Wakes up now and then, and has a job of less than its budget to do. */
static enum hv_verdict control_loop(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t now = hv_arch_ticks();

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        control.due = now;
    } else if (sim_acknowledge(cpu, vcpu) == SIM_TIMER) {
        vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = 0;
        control.left = JOB_EXITS;
    }
    if (control.left > 1U) {
        control.left--;
        return HV_RESUME;
    }
    if (control.left == 1U) {
        control.left = 0;
        control.jobs++;
        control.done_by = now - control.due > control.done_by ? now - control.due : control.done_by;
    }
    control.due = now + 20000U + test_rng_below(&evil.rng, 15000);
    sim_set_timer(vcpu, control.due);
    return hv_sched_wait(cpu);
}

static enum hv_verdict a_control_loop(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    measure(vcpu);
    if (is_over()) {
        return sim_off(cpu, vcpu);
    }
    return sim_is(vcpu, "control") ? control_loop(cpu, vcpu, round) : HV_RESUME;
}

static void run_control(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "control", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 10000, .period_us = 20000},
        {.name = "urgent", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 255},
        {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB, .budget_us = 20000, .period_us = 50000},
    };

    memset(&control, 0, sizeof(control));
    evil.rng.state = seed;
    run(0, 1, vms, 3, a_control_loop, seed);
    assert_true(control.jobs > 30U);
    assert_in_range(control.done_by, 0, 20000 + EXIT);
}

static void who_wakes_up_has_its_budget_within_a_period(void **state)
{
    (void)state;
    sim_under_seeds("control", SEEDS, run_control);
}

/* ---- Slices ------------------------------------------------------------------------------------------------------ */

/** "often" cuts the others' slices short, many times in each. */
static enum hv_verdict slices(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    measure(vcpu);
    if (is_over()) {
        return sim_off(cpu, vcpu);
    }
    if (!sim_is(vcpu, "often")) {
        return HV_RESUME;
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    (void)sim_acknowledge(cpu, vcpu);
    sim_set_timer(vcpu, hv_arch_ticks() + 4000U);
    return hv_sched_wait(cpu);
}

static void run_slices(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "a", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "b", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "often", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 200},
    };

    run(0, 1, vms, 3, slices, seed);
    assert_true(got.total[0] + got.total[1] > LONG / 2U);
    assert_true(got.total[0] > (got.total[0] + got.total[1]) / 5U * 2U);
    assert_true(got.total[1] > (got.total[0] + got.total[1]) / 5U * 2U);
}

static void a_slice_that_was_cut_short_goes_on_where_it_was(void **state)
{
    (void)state;
    sim_under_seeds("slices", SEEDS, run_slices);
}

/* ---- What is stolen ---------------------------------------------------------------------------------------------- */

/** What the guest reads, in the simulated clock's microseconds. */
static uint64_t stolen(const struct hv_vcpu *vcpu)
{
    return vcpu->vm->machine.stolen_time[vcpu->index].stolen_ns / 1000U;
}

static struct {
    uint64_t begin[VMS]; /* each VM's first exit */
    unsigned resets;
} life;

/** Both never wait: what one of them has the other one has not. "again" resets itself now and then. */
static enum hv_verdict is_told(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t now = hv_arch_ticks();
    unsigned slot = vcpu->vm->slot;

    measure(vcpu);
    if (round == 0U) {
        assert_in_range(stolen(vcpu), 0, 12000); /* the wait for its first turn */
        life.begin[slot] = now - stolen(vcpu) - hv_host_ran(slot, 0);
        if (life.resets != 0U && sim_is(vcpu, "again")) {
            life.begin[slot] = 0; /* what it ran in its earlier lives counts here and not there */
        }
    }
    if (life.begin[slot] != 0U) {
        assert_in_range(life.begin[slot] + stolen(vcpu) + hv_host_ran(slot, 0), now - now / 50U - EXIT, now);
    }
    if (sim_is(vcpu, "again") && round == 3000U && life.resets++ < 3U) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    return is_over() ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_told(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "again", .vcpus = 1, .memory = 2U * SIM_MIB},
    };

    memset(&life, 0, sizeof(life));
    run(0, 1, vms, 2, is_told, seed);
    assert_true(life.resets >= 2U);
}

static void what_a_vcpu_ran_and_what_was_stolen_is_all_the_time(void **state)
{
    (void)state;
    sim_under_seeds("told", SEEDS, run_told);
}

static uint64_t most_stolen;

/** Waits and is urgent: that it waits is no theft. Alone on CPU 1: nothing is ever. */
static enum hv_verdict is_not_stolen_from(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    measure(vcpu);
    if (!sim_is(vcpu, "busy")) {
        most_stolen = stolen(vcpu) > most_stolen ? stolen(vcpu) : most_stolen;
    }
    if (is_over()) {
        return sim_off(cpu, vcpu);
    }
    if (!sim_is(vcpu, "urgent")) {
        return HV_RESUME;
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    (void)sim_acknowledge(cpu, vcpu);
    sim_set_timer(vcpu, hv_arch_ticks() + 20000U);
    return hv_sched_wait(cpu);
}

static void run_not_stolen(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "urgent", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 200, .has_affinity = true},
        {.name = "busy", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true},
        {.name = "alone", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
    };

    most_stolen = 0;
    run(0, 2, vms, 3, is_not_stolen_from, seed);
    assert_in_range(most_stolen, 0, LONG / 20000U * EXIT);
}

static void who_waits_or_is_alone_is_not_stolen_from(void **state)
{
    (void)state;
    sim_under_seeds("not stolen", SEEDS, run_not_stolen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_do_for_it_is_of_its_budget),
        cmocka_unit_test(it_gets_its_budget_beside_one_of_the_highest_priority_and_no_more),
        cmocka_unit_test(it_gets_no_more_where_nobody_else_wants_the_cpu),
        cmocka_unit_test(budgets_of_a_whole_cpu_are_all_had_in_time),
        cmocka_unit_test(sleeping_just_before_the_budget_ends_gives_no_more),
        cmocka_unit_test(sleeping_and_waking_all_the_time_gives_no_more),
        cmocka_unit_test(turning_off_and_on_and_resetting_gives_no_more),
        cmocka_unit_test(who_wakes_up_has_its_budget_within_a_period),
        cmocka_unit_test(a_slice_that_was_cut_short_goes_on_where_it_was),
        cmocka_unit_test(what_a_vcpu_ran_and_what_was_stolen_is_all_the_time),
        cmocka_unit_test(who_waits_or_is_alone_is_not_stolen_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
