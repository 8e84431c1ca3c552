/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs that come and go by command. A guest ("boss") plays whoever sits at the shell: between two of its exits it asks,
 * as the shell does, with its own vCPU loaded. Everything under many seeds. */
#include <stdlib.h>
#include <string.h>

#include <libvcpu/psci.h>

#include "core/guest_memory.h"
#include "core/place.h"
#include "rig.h"

#define SEEDS 8U
#define ENTRY (SIM_RAM_BASE + 0x80000U)
#define BOSS  0U
#define VM    1U /* whom it is about */

static struct sim sim;

/* ---- What the boss does, step by step ---------------------------------------------------------------------------- */

struct step {
    enum { ASK, UNTIL, DO, PASS } what;
    enum hv_life_command command;
    int error;                /* of ASK */
    enum hv_life_state state; /* of UNTIL */
    void (*act)(struct hv_cpu *cpu);
    unsigned exits; /* of PASS */
};

#define ASKS(command_, error_)                                                                               \
    {                                                                                                        \
        .what = ASK, .command = HV_LIFE_##command_, .error = (error_)                                        \
    }
#define IS(state_)                                                                                           \
    {                                                                                                        \
        .what = UNTIL, .state = HV_LIFE_##state_                                                             \
    }
#define DOES(function)                                                                                       \
    {                                                                                                        \
        .what = DO, .act = (function)                                                                        \
    }
#define PASSES(n)                                                                                            \
    {                                                                                                        \
        .what = PASS, .exits = (n)                                                                           \
    }

static struct {
    const struct step *steps;
    size_t count;
    size_t at;
    unsigned passed;
    hv_host_guest *other;
    unsigned rounds; /* that the other one has had */
} script;

static enum hv_verdict boss_step(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const struct step *step = &script.steps[script.at];
    const char *why = "?";
    int error;

    if (script.at == script.count) {
        return sim_off(cpu, vcpu);
    }
    switch (step->what) {
    case ASK:
        error = hv_life_ask(cpu, VM, step->command, &why);
        if (error != step->error) {
            fail_msg("step %zu: %s: %d, not %d: %s", script.at, hv_life_command_name(step->command), error,
                     step->error, why);
        }
        assert_true((error == ASH_OK) == (why[0] == '\0'));
        break;
    case UNTIL:
        if (hv_life_state(cpu->hv, VM) != step->state) {
            return HV_RESUME;
        }
        break;
    case PASS:
        if (script.passed++ < step->exits) {
            return HV_RESUME;
        }
        script.passed = 0;
        break;
    case DO:
    default:
        step->act(cpu);
        break;
    }
    script.at++;
    return HV_RESUME;
}

static enum hv_verdict guests(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "boss")) {
        return boss_step(cpu, vcpu);
    }
    script.rounds++;
    return script.other(cpu, vcpu, round);
}

static enum hv_verdict busy(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)cpu;
    (void)vcpu;
    (void)round;
    return HV_RESUME;
}

/** Like sim_run(), but a VM that a command ended need not be over. */
static void run(unsigned cpus, const struct sim_vm *vms, unsigned count, const struct step *steps,
                size_t step_count, hv_host_guest *other, uint64_t seed)
{
    script.steps = steps;
    script.count = step_count;
    script.at = 0;
    script.passed = 0;
    script.rounds = 0;
    script.other = other;
    sim_board(&sim, cpus, vms, count);
    hv_host_run(&sim.hv, guests, seed, 400000, &sim.result);
    if (script.at != step_count) {
        fail_msg("seed 0x%llx: not beyond step %zu; the console:\n%s", (unsigned long long)seed, script.at,
                 sim.result.log);
    }
    sim_assert_says_not(&sim, "PANIC");
}

#define RUN(cpus, vms, steps, other, seed)                                                                   \
    run(cpus, vms, sizeof(vms) / sizeof((vms)[0]), steps, sizeof(steps) / sizeof((steps)[0]), other, seed)

static const struct sim_vm boss_and_one[] = {
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {0}},
    {.name = "one",
     .vcpus = 2,
     .memory = 4U * SIM_MIB,
     .has_affinity = true,
     .affinity = {1, 0},
     .no_autostart = true},
};

/* ---- The whole way ----------------------------------------------------------------------------------------------- */

static struct sim_account with_it;
static struct sim_account without;
static uint64_t its_memory;
static unsigned beginnings;

static void note_with(struct hv_cpu *cpu)
{
    sim_account(cpu->hv, &with_it);
    its_memory = cpu->hv->vm[VM]->machine.part[0].pa;
}

static void note_without(struct hv_cpu *cpu)
{
    sim_account(cpu->hv, &without);
}

static void is_as_without(struct hv_cpu *cpu)
{
    sim_assert_same_account(cpu->hv, &without);
}

static void is_as_with(struct hv_cpu *cpu)
{
    sim_assert_same_account(cpu->hv, &with_it);
}

static void its_memory_is_clear(struct hv_cpu *cpu)
{
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)its_memory;

    (void)cpu;
    for (size_t i = 0; i < 4U * SIM_MIB; i++) {
        if (bytes[i] != 0U) {
            fail_msg("byte %zu is 0x%02x", i, bytes[i]);
        }
    }
}

/** Finds its images as they were each time, and leaves nothing of them. */
static enum hv_verdict spoil(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv_vm *vm = vcpu->vm;

    if (vcpu->index == 0U && round == 0U) {
        const struct ash_vcpu_ipa_range *ram = &vm->machine.ram[0];
        uint8_t *bytes = (uint8_t *)hv_guest_map(vm, ram->base, ram->size);

        assert_non_null(bytes);
        assert_memory_equal(bytes + 0x80000, sim_kernel, sizeof(sim_kernel));
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[ram->size - 1U], 0);
        memset(bytes, 0xEE, ram->size);
        beginnings++;
        (void)sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
        assert_int_equal(sim_x0(vcpu), ASH_VCPU_PSCI_SUCCESS);
    }
    return HV_RESUME;
}

static void run_whole_way(uint64_t seed)
{
    static const struct step steps[] = {
        IS(OFF),
        DOES(note_with),
        ASKS(START, ASH_OK),
        IS(RUNNING),
        PASSES(30),
        ASKS(PAUSE, 0),
        IS(PAUSED),
        ASKS(RESUME, ASH_OK),
        IS(RUNNING),
        PASSES(5),
        ASKS(RESTART, 0),
        IS(RUNNING),
        PASSES(30),
        ASKS(POWER_OFF, 0),
        IS(OFF),
        DOES(is_as_with),
        ASKS(DESTROY, 0),
        IS(ABSENT),
        DOES(note_without),
        DOES(its_memory_is_clear),
        ASKS(CREATE, 0),
        IS(OFF),
        DOES(is_as_with),
        ASKS(START, 0),
        IS(RUNNING),
        PASSES(30),
        ASKS(DESTROY, 0),
        IS(ABSENT),
        DOES(is_as_without),
        DOES(its_memory_is_clear),
    };

    beginnings = 0;
    RUN(2, boss_and_one, steps, spoil, seed);
    assert_true(beginnings >= 3U);
    sim_assert_says(&sim, "one is paused");
    sim_assert_says(&sim, "one was turned off");
    sim_assert_says(&sim, "one is destroyed");
    sim_assert_says(&sim, "one is created");
    sim_assert_exit(&sim, "ok", "boss"); /* and what a command ended had not ended the machine */
}

static void a_vm_lives_and_ends_and_lives_again_by_command(void **state)
{
    (void)state;
    sim_under_seeds("the whole way", SEEDS, run_whole_way);
}

/* ---- Given up ---------------------------------------------------------------------------------------------------- */

static void it_never_ran(struct hv_cpu *cpu)
{
    (void)cpu;
    assert_int_equal(script.rounds, 0);
}

static void run_given_up(uint64_t seed)
{
    static const struct step steps[] = {
        IS(OFF),    ASKS(START, ASH_OK), ASKS(POWER_OFF, ASH_OK), IS(OFF),    DOES(it_never_ran),
        PASSES(20), ASKS(START, ASH_OK), ASKS(DESTROY, ASH_OK),   IS(ABSENT), DOES(it_never_ran),
    };

    RUN(2, boss_and_one, steps, busy, seed);
}

static void a_start_that_is_given_up_runs_nothing(void **state)
{
    (void)state;
    sim_under_seeds("given up", SEEDS, run_given_up);
}

/* ---- The machine's end ------------------------------------------------------------------------------------------- */

static void run_last_one(uint64_t seed)
{
    struct sim_vm vms[2];
    static const struct step steps[] = {
        IS(RUNNING),
        ASKS(POWER_OFF, ASH_OK),
        IS(OFF),
        PASSES(50),
        ASKS(START, ASH_OK),
        IS(RUNNING),
        ASKS(DESTROY, ASH_OK),
        IS(ABSENT),
        PASSES(50),
        ASKS(CREATE, ASH_OK),
        IS(OFF),
        PASSES(50),
        ASKS(START, ASH_OK),
    };

    memcpy(vms, boss_and_one, sizeof(vms));
    vms[0].background = true;
    vms[1].no_autostart = false;
    RUN(2, vms, steps, busy, seed);
}

static void the_last_vm_does_not_take_the_machine_with_it_when_a_command_ends_it(void **state)
{
    (void)state;
    sim_under_seeds("the last one", SEEDS / 4U, run_last_one);
}

/* ---- What is allowed when ---------------------------------------------------------------------------------------- */

static void run_refusals(uint64_t seed)
{
    static const struct step steps[] = {
        IS(OFF),
        ASKS(CREATE, ASH_EBUSY),
        ASKS(PAUSE, ASH_EBUSY),
        ASKS(RESUME, ASH_EBUSY),
        ASKS(SHUTDOWN, ASH_EBUSY),
        ASKS(POWER_OFF, ASH_EBUSY),
        ASKS(RESTART, ASH_OK), /* of one that is off: a start */
        IS(RUNNING),
        ASKS(CREATE, ASH_EBUSY),
        ASKS(START, ASH_EBUSY),
        ASKS(RESUME, ASH_EBUSY),
        ASKS(PAUSE, ASH_OK),
        IS(PAUSED),
        ASKS(CREATE, ASH_EBUSY),
        ASKS(START, ASH_EBUSY),
        ASKS(PAUSE, ASH_EBUSY),
        ASKS(SHUTDOWN, ASH_EBUSY),
        ASKS(RESTART, ASH_OK), /* of one that is paused */
        IS(RUNNING),
        ASKS(PAUSE, ASH_OK),
        IS(PAUSED),
        ASKS(DESTROY, ASH_OK),
        IS(ABSENT),
        ASKS(START, ASH_EBUSY),
        ASKS(PAUSE, ASH_EBUSY),
        ASKS(RESUME, ASH_EBUSY),
        ASKS(RESTART, ASH_EBUSY),
        ASKS(SHUTDOWN, ASH_EBUSY),
        ASKS(POWER_OFF, ASH_EBUSY),
        ASKS(DESTROY, ASH_EBUSY),
    };

    RUN(2, boss_and_one, steps, busy, seed);
    sim_assert_exit(&sim, "ok", "boss");
}

static void a_command_in_the_wrong_state_changes_nothing_and_says_why(void **state)
{
    (void)state;
    sim_under_seeds("refusals", SEEDS / 2U, run_refusals);
}

static void ask_for_nobody(struct hv_cpu *cpu)
{
    const char *why = NULL;

    for (int command = 0; command < HV_LIFE_COMMANDS; command++) {
        assert_int_equal(hv_life_ask(cpu, 2, (enum hv_life_command)command, &why), ASH_ENOTSUP);
        assert_non_null(strstr(why, "mistake"));
        assert_int_equal(hv_life_ask(cpu, 3, (enum hv_life_command)command, &why), ASH_ENOENT);
        assert_int_equal(hv_life_ask(cpu, UINT32_MAX, (enum hv_life_command)command, NULL), ASH_ENOENT);
    }
    assert_int_equal(hv_life_ask(cpu, VM, HV_LIFE_COMMANDS, NULL), ASH_ENOENT);
    assert_int_equal(hv_life_count(cpu->hv), 3);
    assert_string_equal(hv_life_vm_name(cpu->hv, VM), "one");
    assert_null(hv_life_vm_name(cpu->hv, 2));
    assert_null(hv_life_vm_name(cpu->hv, 3));
    assert_int_equal(hv_life_state(cpu->hv, 2), HV_LIFE_ABSENT);
    assert_int_equal(hv_life_state(cpu->hv, 3), HV_LIFE_ABSENT);
}

static void what_is_not_there_cannot_be_commanded(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "bad", .vcpus = 9, .memory = 2U * SIM_MIB},
    };
    static const struct step steps[] = {DOES(ask_for_nobody)};

    (void)state;
    RUN(2, vms, steps, busy, 1);
    for (unsigned i = 0; i < HV_LIFE_STATES + 1U; i++) {
        assert_true(hv_life_state_name((enum hv_life_state)i)[0] != '\0');
    }
    assert_string_equal(hv_life_command_name(HV_LIFE_POWER_OFF), "power-off");
    assert_string_equal(hv_life_command_name(HV_LIFE_COMMANDS), "?");
}

/* ---- Pause ------------------------------------------------------------------------------------------------------- */

static unsigned rounds_before;
static uint64_t count_before;

static uint64_t count_of(struct hv_cpu *cpu)
{
    return ash_vtimer_count(&cpu->hv->vm[VM]->vcpu[0]->arch.vtimer, hv_arch_ticks());
}

static void note_standing(struct hv_cpu *cpu)
{
    rounds_before = script.rounds;
    count_before = count_of(cpu);
}

static void nothing_ran(struct hv_cpu *cpu)
{
    (void)cpu;
    assert_int_equal(script.rounds, rounds_before);
}

static void time_stood(struct hv_cpu *cpu)
{
    assert_int_equal(count_of(cpu), count_before);
}

static void time_went_on(struct hv_cpu *cpu)
{
    assert_true(count_of(cpu) > count_before + 1000U);
}

static void something_ran(struct hv_cpu *cpu)
{
    (void)cpu;
    assert_true(script.rounds > rounds_before);
}

static enum hv_verdict two_busy(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 0U && round == 0U) {
        (void)sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    return HV_RESUME;
}

static void run_pause(uint64_t seed, bool stops)
{
    struct sim_vm vms[2];
    const struct step steps[] = {
        IS(OFF),
        ASKS(START, ASH_OK),
        IS(RUNNING),
        PASSES(40),
        ASKS(PAUSE, ASH_OK),
        IS(PAUSED),
        DOES(note_standing),
        PASSES(100),
        DOES(nothing_ran),
        DOES(stops ? time_stood : time_went_on),
        ASKS(RESUME, ASH_OK),
        PASSES(100),
        DOES(something_ran),
        ASKS(PAUSE, ASH_OK),
        ASKS(RESUME, ASH_OK),
        IS(RUNNING),
        DOES(note_standing),
        PASSES(100),
        DOES(something_ran),
        DOES(time_went_on),
    };

    memcpy(vms, boss_and_one, sizeof(vms));
    vms[1].pause_stops_time = stops;
    RUN(2, vms, steps, two_busy, seed);
}

static void run_pause_with_time(uint64_t seed)
{
    run_pause(seed, false);
    run_pause(seed, true);
}

static void a_paused_vm_does_not_run_and_its_time_stands_still_if_configured(void **state)
{
    (void)state;
    sim_under_seeds("pause", SEEDS / 2U, run_pause_with_time);
}

/** Sets its timer and waits; the interrupt comes when it should, as the guest counts. */
static struct {
    unsigned naps;
    uint64_t slept; /* the longest, in its own ticks */
} napper;

#define NAP 3000U

static enum hv_verdict nap(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static uint64_t began;
    struct ash_vtimer *timers = &vcpu->arch.vtimer;
    uint64_t now = ash_vtimer_count(timers, hv_arch_ticks());

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    } else if (sim_acknowledge(cpu, vcpu) == SIM_TIMER) {
        assert_true(now - began >= NAP);
        napper.slept = now - began > napper.slept ? now - began : napper.slept;
        napper.naps++;
        timers->timer[ASH_VTIMER_VIRTUAL].ctl = 0;
    } else if (timers->timer[ASH_VTIMER_VIRTUAL].ctl != 0U) {
        return hv_sched_wait(cpu); /* a wake-up for nothing */
    }
    began = now;
    timers->timer[ASH_VTIMER_VIRTUAL].cval = now + NAP;
    timers->timer[ASH_VTIMER_VIRTUAL].ctl = ASH_VTIMER_CTL_ENABLE;
    return hv_sched_wait(cpu);
}

static void it_napped(struct hv_cpu *cpu)
{
    (void)cpu;
    assert_true(napper.naps > 5U);
    assert_true(napper.slept < NAP + 20000U); /* the pause does not count */
}

static void note_naps(struct hv_cpu *cpu)
{
    (void)cpu;
    rounds_before = napper.naps;
}

static void no_more_naps(struct hv_cpu *cpu)
{
    (void)cpu;
    assert_int_equal(napper.naps, rounds_before);
    napper.naps = 0;
}

static void run_naps(uint64_t seed)
{
    struct sim_vm vms[2];
    static const struct step steps[] = {
        IS(OFF),         ASKS(START, ASH_OK), IS(RUNNING),     PASSES(800),        DOES(it_napped),
        ASKS(PAUSE, 0),  IS(PAUSED),          DOES(note_naps), PASSES(1000),       DOES(no_more_naps),
        ASKS(RESUME, 0), PASSES(1000),        DOES(it_napped), ASKS(POWER_OFF, 0), IS(OFF),
    };

    memcpy(vms, boss_and_one, sizeof(vms));
    vms[1].pause_stops_time = true;
    vms[1].vcpus = 1;
    vms[1].affinity[0] = (unsigned)(seed / 2U % 2U); /* alone on its CPU, or beside the boss */
    memset(&napper, 0, sizeof(napper));
    RUN(2, vms, steps, nap, seed);
}

static void who_waits_while_paused_is_woken_when_its_own_time_has_come(void **state)
{
    (void)state;
    sim_under_seeds("naps", SEEDS / 2U, run_naps);
}

/* ---- Shutdown ---------------------------------------------------------------------------------------------------- */

static enum hv_verdict obeys_its_key(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t gpio = vcpu->vm->machine.layout.gpio.base.value;

    (void)round;
    /* GPIODATA, the key's line alone (DDI 0190 3.3.1) */
    if ((sim_device(cpu, vcpu, gpio + (4U << vcpu->vm->machine.layout.power_key), false, 0) != 0U)) {
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static void run_shutdown(uint64_t seed)
{
    struct sim_vm vms[2];
    static const struct step steps[] = {
        IS(OFF), ASKS(START, ASH_OK), IS(RUNNING), PASSES(10), ASKS(SHUTDOWN, ASH_OK), ASKS(PAUSE, ASH_EBUSY),
        IS(OFF), PASSES(100),         IS(OFF),
    };

    memcpy(vms, boss_and_one, sizeof(vms));
    vms[1].on_poweroff = "restart"; /* not for one that was told to */
    RUN(2, vms, steps, obeys_its_key, seed);
    sim_assert_says(&sim, "one is off");
    sim_assert_says_not(&sim, "did not shut down");
    vms[1].shutdown_timeout_ms = 10;
    RUN(2, vms, steps, busy, seed);
    sim_assert_says(&sim, "one did not shut down in 10 ms");
    sim_assert_says(&sim, "one was turned off");
    sim_assert_exit(&sim, "ok", "boss");
}

static void shutdown_presses_the_power_key_and_then_turns_off(void **state)
{
    (void)state;
    sim_under_seeds("shutdown", SEEDS / 4U, run_shutdown);
}

/* ---- Policies ---------------------------------------------------------------------------------------------------- */

static enum { HOW_OFF, HOW_RESET, HOW_FAULT } how;

static enum hv_verdict ends_itself(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        beginnings++;
    }
    if (round < 3U) {
        return HV_RESUME;
    }
    if (how == HOW_FAULT) {
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    }
    return sim_hvc(cpu, vcpu, how == HOW_OFF ? ASH_VCPU_PSCI_SYSTEM_OFF : ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0,
                   0);
}

static void note_beginnings(struct hv_cpu *cpu)
{
    (void)cpu;
    assert_true(beginnings > 2U);
}

static const char *policy_word[3]; /* on-poweroff, on-reset, on-crash */
static unsigned limit[2];

static void run_policy(uint64_t seed, const struct step *steps, size_t count)
{
    struct sim_vm vms[2];

    memcpy(vms, boss_and_one, sizeof(vms));
    vms[1].on_poweroff = policy_word[HOW_OFF];
    vms[1].on_reset = policy_word[HOW_RESET];
    vms[1].on_crash = policy_word[HOW_FAULT];
    vms[1].restart_limit[0] = limit[0];
    vms[1].restart_limit[1] = limit[1];
    vms[1].no_autostart = false;
    beginnings = 0;
    run(2, vms, 2, steps, count, ends_itself, seed);
}

static void run_policies(uint64_t seed)
{
    static const struct step to_off[] = {IS(OFF), PASSES(200), IS(OFF)};
    static const struct step to_nothing[] = {IS(ABSENT), PASSES(20), ASKS(CREATE, ASH_OK), IS(OFF)};
    static const struct step again_and_again[] = {PASSES(3000), DOES(note_beginnings),
                                                  ASKS(POWER_OFF, ASH_OK)};

    for (int i = 0; i < 3; i++) {
        how = i;
        policy_word[i] = "stop";
        limit[1] = 0;
        run_policy(seed, to_off, 3);
        assert_int_equal(beginnings, 1);
        sim_assert_exit(&sim, how == HOW_FAULT ? "vm-fault" : "ok", how == HOW_FAULT ? "one" : "boss");
        policy_word[i] = "destroy";
        run_policy(seed, to_nothing, 4);
        assert_int_equal(beginnings, 1);
        policy_word[i] = "restart";
        limit[0] = 3;
        limit[1] = 60;
        run_policy(seed, to_off, 3);
        assert_int_equal(beginnings, 4);
        sim_assert_says(&sim, "one: it was restarted too often and stays off (restart-limit)");
        sim_assert_exit(&sim, "vm-fault", "one");
        limit[0] = 0;
        run_policy(seed, to_off, 3);
        assert_int_equal(beginnings, 1);
        policy_word[i] = NULL;
    }
    how = HOW_RESET; /* no limit if none is given */
    limit[1] = 0;
    run_policy(seed, again_and_again, 3);
    how = HOW_FAULT; /* 5 in 60 s */
    policy_word[how] = "restart";
    run_policy(seed, to_off, 3);
    assert_int_equal(beginnings, 6);
    policy_word[how] = NULL;
}

static void what_follows_an_end_is_what_the_configuration_says(void **state)
{
    (void)state;
    sim_under_seeds("policies", SEEDS / 8U, run_policies);
}

/* ---- Many times -------------------------------------------------------------------------------------------------- */

static struct {
    unsigned cycles;
    unsigned wanted;
    unsigned step;
    struct test_rng rng;
} cycle;

/** One command after the other, each as soon as it is allowed; how it runs in between is drawn. */
static enum hv_verdict cycle_step(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    static const enum hv_life_command commands[] = {HV_LIFE_CREATE, HV_LIFE_START, HV_LIFE_POWER_OFF,
                                                    HV_LIFE_DESTROY};
    static const enum hv_life_state after[] = {HV_LIFE_OFF, HV_LIFE_RUNNING, HV_LIFE_OFF, HV_LIFE_ABSENT};

    if (cycle.cycles == cycle.wanted) {
        return sim_off(cpu, vcpu);
    }
    if (cycle.step % 2U == 0U) {
        assert_int_equal(hv_life_ask(cpu, VM, commands[cycle.step / 2U], NULL), ASH_OK);
        cycle.step++;
    } else if (hv_life_state(cpu->hv, VM) == after[cycle.step / 2U]) {
        cycle.step++;
    }
    if (cycle.step == 8U) {
        cycle.step = 0;
        cycle.cycles++;
        sim_assert_same_account(cpu->hv, &without);
    }
    return HV_RESUME;
}

static enum hv_verdict cycle_guests(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (!sim_is(vcpu, "boss")) {
        return two_busy(cpu, vcpu, round);
    }
    if (round < 2000U && cycle.step == 0U && cycle.cycles == 0U) { /* first away with what the boot made */
        enum hv_life_state state = hv_life_state(cpu->hv, VM);

        if (state == HV_LIFE_OFF) {
            assert_int_equal(hv_life_ask(cpu, VM, HV_LIFE_DESTROY, NULL), ASH_OK);
        }
        if (state != HV_LIFE_ABSENT) {
            return HV_RESUME;
        }
        sim_account(cpu->hv, &without);
    }
    return cycle_step(cpu, vcpu);
}

static void run_cycles(unsigned cpus, unsigned wanted, uint64_t seed)
{
    struct sim_vm vms[2];

    memcpy(vms, boss_and_one, sizeof(vms));
    vms[1].memory = 2U * SIM_MIB;
    vms[1].affinity[0] = cpus - 1U;
    vms[1].affinity[1] = cpus - 1U;
    memset(&cycle, 0, sizeof(cycle));
    cycle.wanted = wanted;
    sim_board(&sim, cpus, vms, 2);
    hv_host_run(&sim.hv, cycle_guests, seed, UINT64_C(2000) * wanted + 100000U, &sim.result);
    if (cycle.cycles != wanted) {
        fail_msg("%u cycles; the end of the console:\n%s", cycle.cycles,
                 sim.result.log + (sim.result.log_size > 2000U ? sim.result.log_size - 2000U : 0U));
    }
}

static void ten_thousand_lives_leave_everything_as_it_was(void **state)
{
    struct test_rng rng;

    (void)state;
    run_cycles(2, 100, test_rng_init(&rng, "cycles"));
    run_cycles(1, 10000, rng.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_lives_and_ends_and_lives_again_by_command),
        cmocka_unit_test(a_start_that_is_given_up_runs_nothing),
        cmocka_unit_test(the_last_vm_does_not_take_the_machine_with_it_when_a_command_ends_it),
        cmocka_unit_test(a_command_in_the_wrong_state_changes_nothing_and_says_why),
        cmocka_unit_test(what_is_not_there_cannot_be_commanded),
        cmocka_unit_test(a_paused_vm_does_not_run_and_its_time_stands_still_if_configured),
        cmocka_unit_test(who_waits_while_paused_is_woken_when_its_own_time_has_come),
        cmocka_unit_test(shutdown_presses_the_power_key_and_then_turns_off),
        cmocka_unit_test(what_follows_an_end_is_what_the_configuration_says),
        cmocka_unit_test(ten_thousand_lives_leave_everything_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
