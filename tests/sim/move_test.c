/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that move between CPUs: where they go, that nothing of theirs is lost on the way, and that they end and begin
 * again wherever they are. Each under many seeds; the simulated CPUs refuse to load one that is loaded elsewhere. */
#include <string.h>

#include <libvcpu/psci.h>

#include "core/move.h"
#include "rig.h"

#define SEEDS 40U
#define SGI   6U
#define ENTRY (SIM_RAM_BASE + 0x80000U)

static struct sim sim;
static uint64_t moved; /* in all runs of a test */

static uint64_t moves_of(const struct hv_vcpu *vcpu)
{
    return vcpu->turn.moves;
}

/* ---- Where they go ----------------------------------------------------------------------------------------------- */

#define LONG 1000000U

static struct {
    uint64_t begin;
    bool over;
    uint64_t had;
    uint64_t moves;
    uint32_t seen; /* CPUs that it was on */
} mover;

/** The mover never waits. The others are urgent, one on each CPU, and are busy at times, never both at once. */
static enum hv_verdict in_turn(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t now = hv_arch_ticks();
    unsigned phase = (unsigned)(now / 20000U % 2U);

    if (sim_is(vcpu, "mover")) {
        mover.begin = mover.begin == 0U ? now : mover.begin;
        mover.seen |= 1U << cpu->index;
        mover.moves = moves_of(vcpu);
        mover.had = hv_host_ran(vcpu->vm->slot, 0);
        mover.over = now - mover.begin > LONG;
    }
    if (mover.over) {
        return sim_off(cpu, vcpu);
    }
    if (sim_is(vcpu, "mover")) {
        return HV_RESUME;
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    (void)sim_acknowledge(cpu, vcpu);
    if (phase == cpu->index) {
        return HV_RESUME;
    }
    sim_set_timer(vcpu, (now / 20000U + 1U) * 20000U);
    return hv_sched_wait(cpu);
}

static void run_in_turn(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "even", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 200, .has_affinity = true},
        {.name = "odd",
         .vcpus = 1,
         .memory = 2U * SIM_MIB,
         .priority = 200,
         .has_affinity = true,
         .affinity = {1}},
        {.name = "mover", .vcpus = 1, .memory = 2U * SIM_MIB, .cpus = 3},
    };

    memset(&mover, 0, sizeof(mover));
    sim_board(&sim, 2, vms, 3);
    sim_run(&sim, in_turn, seed);
    assert_int_equal(mover.seen, 3);
    /* Each time that one of them begins, it goes where the other one has just ended. */
    assert_in_range(mover.moves, LONG / 20000U - 5U, LONG / 20000U * 2U);
    assert_true(mover.had > LONG / 5U * 4U);
    sim_assert_says(&sim, "mover: its vCPUs moved ");
}

static void who_would_wait_goes_where_nobody_runs(void **state)
{
    (void)state;
    sim_under_seeds("in turn", SEEDS, run_in_turn);
}

static enum hv_verdict all_busy(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "mover")) {
        mover.moves = moves_of(vcpu);
        mover.seen |= 1U << cpu->index;
    }
    return round < 2000U ? HV_RESUME : sim_off(cpu, vcpu);
}

static void run_pinned(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "mover", .vcpus = 1, .memory = 2U * SIM_MIB, .cpus = 6},
        {.name = "zero", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true},
        {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
        {.name = "two", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {2}},
    };

    memset(&mover, 0, sizeof(mover));
    sim_board(&sim, 3, vms, 4);
    sim_run(&sim, all_busy, seed);
    assert_int_equal(mover.seen & 1U, 0);
    assert_in_range(mover.moves, 0,
                    3); /* until the last of the others has come, and when the first has gone */
}

static void nobody_leaves_its_set_or_moves_for_nothing(void **state)
{
    (void)state;
    sim_under_seeds("pinned", SEEDS, run_pinned);
}

/* ---- Waking ------------------------------------------------------------------------------------------------------ */

static struct {
    unsigned balls; /* sent */
    unsigned got[2];
} game;

#define BALLS 150U

/** Two vCPUs throw an SGI to and fro, and wait for it. One that is lost ends the game. */
static enum hv_verdict player(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    unsigned me = vcpu->index;
    bool serves = false;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        if (me == 0U) {
            return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
        }
        serves = true;
    }
    if (serves || sim_acknowledge(cpu, vcpu) == SGI) {
        game.got[me]++;
        if (++game.balls >= BALLS) {
            return sim_off(cpu, vcpu);
        }
        sim_send_sgi(cpu, vcpu, SGI, 1U << (1U - me));
    }
    moved += me == 0U && game.balls == BALLS - 2U ? moves_of(vcpu) : 0U;
    return hv_sched_wait(cpu);
}

static enum hv_verdict players(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "players")) {
        return player(cpu, vcpu, round);
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    (void)sim_acknowledge(cpu, vcpu);
    if (round % 7U != 6U) {
        return HV_RESUME;
    }
    sim_set_timer(vcpu, hv_arch_ticks() + 300U + round % 5U * 200U);
    return hv_sched_wait(cpu);
}

static void run_players(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "players", .vcpus = 2, .memory = 2U * SIM_MIB, .cpus = 3},
        {.name = "busy",
         .vcpus = 2,
         .memory = 2U * SIM_MIB,
         .background = true,
         .has_affinity = true,
         .affinity = {0, 1},
         .priority = 150},
        {.name = "other",
         .vcpus = 1,
         .memory = 2U * SIM_MIB,
         .background = true,
         .has_affinity = true,
         .affinity = {1},
         .priority = 128,
         .slice_us = 1000},
    };

    memset(&game, 0, sizeof(game));
    sim_board(&sim, 2, vms, 3);
    sim_run(&sim, players, seed);
    assert_true(game.balls >= BALLS);
}

static void an_interrupt_finds_who_waits_wherever_it_has_gone(void **state)
{
    (void)state;
    moved = 0;
    sim_under_seeds("players", SEEDS, run_players);
    assert_true(moved > SEEDS);
}

static bool has_moved; /* a player is not where it was at first */

/** The players' game goes on when nothing else happens any more: no turn, no timer, only their own interrupts. */
static enum hv_verdict until_one_has_moved(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "players")) {
        if (!has_moved && vcpu->index == 0U && moves_of(vcpu) != 0U && cpu->index != 0U && game.balls > 4U) {
            has_moved = true;
            game.balls = 4;
        }
        return player(cpu, vcpu, round);
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    (void)sim_acknowledge(cpu, vcpu);
    if (!has_moved) {
        if (round % 7U != 6U) {
            return HV_RESUME;
        }
        sim_set_timer(vcpu, hv_arch_ticks() + 300U + round % 5U * 200U);
    }
    return hv_sched_wait(cpu);
}

static void run_alone_at_last(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "players", .vcpus = 2, .memory = 2U * SIM_MIB, .cpus = 7},
        {.name = "busy",
         .vcpus = 2,
         .memory = 2U * SIM_MIB,
         .background = true,
         .has_affinity = true,
         .affinity = {0, 1},
         .priority = 150},
    };

    memset(&game, 0, sizeof(game));
    has_moved = false;
    sim_board(&sim, 3, vms, 2);
    sim_run(&sim, until_one_has_moved, seed);
    assert_true(game.balls >= BALLS);
    moved += has_moved ? 1U : 0U;
}

static void where_nothing_else_happens_an_interrupt_still_finds_it(void **state)
{
    (void)state;
    moved = 0;
    sim_under_seeds("alone at last", SEEDS, run_alone_at_last);
    assert_true(moved > SEEDS / 2U);
}

/* ---- Anything ---------------------------------------------------------------------------------------------------- */

static struct {
    struct test_rng rng;
    unsigned left[4]; /* things that a VM has still to do */
    uint64_t moves[4][HV_MACHINE_MAX_VCPUS];
} any;

static enum hv_verdict anything(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    unsigned *left = &any.left[vcpu->vm->slot];

    any.moves[vcpu->vm->slot][vcpu->index] = moves_of(vcpu);
    assert_true(!sim_is(vcpu, "two") || cpu->index < 2U);
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    if (sim_acknowledge(cpu, vcpu) == SIM_TIMER) {
        vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = 0;
    }
    if (*left == 0U) {
        return sim_off(cpu, vcpu);
    }
    (*left)--;
    switch (test_rng_below(&any.rng, 10)) {
    case 0:
    case 1:
        sim_set_timer(vcpu, hv_arch_ticks() + test_rng_below(&any.rng, 2000));
        return hv_sched_wait(cpu);
    case 2:
        sim_send_sgi(cpu, vcpu, SGI, 1U + (unsigned)test_rng_below(&any.rng, 7));
        return HV_RESUME;
    case 3:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, test_rng_below(&any.rng, 3), ENTRY, 0);
    case 4:
        sim_set_timer(vcpu, hv_arch_ticks() + test_rng_below(&any.rng, 3000));
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, test_rng_below(&any.rng, 2) << 16, ENTRY, 0);
    case 5:
        return vcpu->index != 0U && test_rng_below(&any.rng, 4) == 0U
                   ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0)
                   : HV_RESUME;
    case 6:
        return test_rng_below(&any.rng, 20) == 0U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0)
                                                  : HV_RESUME;
    default:
        return HV_RESUME;
    }
}

static void run_anything(uint64_t seed)
{
    struct sim_vm vms[] = {
        {.name = "one", .vcpus = 3, .memory = 2U * SIM_MIB, .cpus = 7},
        {.name = "two", .vcpus = 3, .memory = 2U * SIM_MIB, .cpus = 3},
        {.name = "three", .vcpus = 2, .memory = 2U * SIM_MIB},
        {.name = "four", .vcpus = 2, .memory = 2U * SIM_MIB, .budget_us = 2000, .period_us = 8000},
    };

    any.rng.state = seed;
    memset(any.moves, 0, sizeof(any.moves));
    for (unsigned i = 0; i < 4U; i++) {
        vms[i].priority = 1U + (unsigned)test_rng_below(&any.rng, 2);
        vms[i].slice_us = 500U << test_rng_below(&any.rng, 4);
        any.left[i] = 700;
    }
    sim_board(&sim, 3, vms, 4);
    sim_run(&sim, anything, seed);
    sim_assert_exit(&sim, "ok", NULL);
    for (unsigned i = 0; i < 4U; i++) {
        for (unsigned v = 0; v < HV_MACHINE_MAX_VCPUS; v++) {
            assert_true(i < 2U || any.moves[i][v] == 0U);
            moved += any.moves[i][v];
        }
    }
}

static void whatever_guests_do_they_move_thousands_of_times_and_all_end(void **state)
{
    (void)state;
    moved = 0;
    sim_under_seeds("anything", SEEDS, run_anything);
    assert_true(moved > 3000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_would_wait_goes_where_nobody_runs),
        cmocka_unit_test(nobody_leaves_its_set_or_moves_for_nothing),
        cmocka_unit_test(an_interrupt_finds_who_waits_wherever_it_has_gone),
        cmocka_unit_test(where_nothing_else_happens_an_interrupt_still_finds_it),
        cmocka_unit_test(whatever_guests_do_they_move_thousands_of_times_and_all_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
