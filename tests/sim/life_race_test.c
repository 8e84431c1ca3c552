/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands against each other, against guests that end as they like, and against a page pool that has nothing left at
 * any moment. Two guests play two people at two shells; three others are what they quarrel about. However it goes, in
 * the end everything can be destroyed, and then it is as it was. */
#include <stdlib.h>
#include <string.h>

#include <libvcpu/psci.h>

#include "core/place.h"
#include "rig.h"

#define ENTRY    (SIM_RAM_BASE + 0x80000U)
#define BOSSES   2U
#define VMS      5U
#define COMMANDS 60U /* of each boss */

static struct sim sim;
static struct test_rng rng;

/* ---- Allocations that fail --------------------------------------------------------------------------------------- */

static struct {
    uint32_t in;     /* so many allocations from now on one fails; 0: none does */
    unsigned one_of; /* one of so many fails, at random; 0: none does */
    unsigned failed;
} shortage;

void *__real_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__real_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);
void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);

static bool is_short(void)
{
    bool fails = (shortage.one_of != 0U && test_rng_below(&rng, shortage.one_of) == 0U) || shortage.in == 1U;

    shortage.in -= shortage.in > 0U ? 1U : 0U;
    shortage.failed += fails ? 1U : 0U;
    return fails;
}

void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request)
{
    return is_short() ? NULL : __real_hv_pages_alloc(pool, request);
}

void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages)
{
    return is_short() ? NULL : __real_hv_pages_alloc_zeroed(pool, pages);
}

/* ---- The board --------------------------------------------------------------------------------------------------- */

static const struct sim_vm vms[VMS] = {
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {0}},
    {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
    {.name = "alpha",
     .vcpus = 3,
     .memory = 4U * SIM_MIB,
     .has_affinity = true,
     .affinity = {2, 0, 1},
     .pause_stops_time = true,
     .on_poweroff = "destroy",
     .shutdown_timeout_ms = 2},
    {.name = "beta",
     .vcpus = 2,
     .memory = 2U * SIM_MIB,
     .has_affinity = true,
     .affinity = {2, 2},
     .on_crash = "restart",
     .no_autostart = true},
    {.name = "gamma",
     .vcpus = 1,
     .memory = 2U * SIM_MIB,
     .on_poweroff = "restart",
     .restart_limit = {2, 1},
     .background = true},
};

static struct {
    enum { CLEARING, QUARRELLING, CLEARED } phase;
    unsigned given[BOSSES];
    struct sim_account without;
} run;

static unsigned accepted[HV_LIFE_COMMANDS];
static unsigned refused[HV_LIFE_COMMANDS];
static unsigned seen[HV_LIFE_STATES];

static void command_at_random(struct hv_cpu *cpu, unsigned boss)
{
    uint32_t number = BOSSES + (uint32_t)test_rng_below(&rng, VMS - BOSSES);
    enum hv_life_command command = (enum hv_life_command)test_rng_below(&rng, HV_LIFE_COMMANDS);
    const char *why = NULL;
    int error = hv_life_ask(cpu, number, command, &why);

    assert_true(error == ASH_OK || error == ASH_EBUSY);
    assert_true((error == ASH_OK) == (why[0] == '\0'));
    (error == ASH_OK ? accepted : refused)[command]++;
    seen[hv_life_state(cpu->hv, number)]++;
    run.given[boss]++;
}

static enum hv_verdict boss(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned which)
{
    if (run.phase == QUARRELLING) {
        if (run.given[which] < COMMANDS && test_rng_below(&rng, 6) == 0U) {
            command_at_random(cpu, which);
        }
        if (run.given[0] == COMMANDS && run.given[1] == COMMANDS) {
            run.phase = CLEARED;
        }
        return HV_RESUME;
    }
    if (which == 0U && sim_destroy_all(cpu, BOSSES, VMS)) {
        if (run.phase == CLEARED) {
            sim_assert_same_account(cpu->hv, &run.without);
            return sim_off(cpu, vcpu);
        }
        sim_account(cpu->hv, &run.without);
        run.phase = QUARRELLING;
        shortage.one_of = 24;
    }
    return run.phase == CLEARED && which == 1U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static enum hv_verdict restless(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    switch (test_rng_below(&rng, 24)) {
    case 0:
        return sim_off(cpu, vcpu);
    case 1:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    case 2:
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    case 3:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    case 4:
    case 5:
    case 6:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, test_rng_below(&rng, vcpu->vm->vcpus), ENTRY, 0);
    case 7:
        sim_print(cpu, vcpu, "x");
        return HV_RESUME;
    case 8:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 1U << 30, ENTRY, 0);
    default:
        return HV_RESUME;
    }
}

static enum hv_verdict guests(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    if (vcpu->vm->slot < BOSSES) {
        return boss(cpu, vcpu, vcpu->vm->slot);
    }
    return restless(cpu, vcpu);
}

static void quarrel(uint64_t seed)
{
    rng.state = seed * UINT64_C(0x9E3779B97F4A7C15) | 1U;
    memset(&run, 0, sizeof(run));
    memset(&shortage, 0, sizeof(shortage));
    sim_board(&sim, 3, vms, VMS);
    hv_host_run(&sim.hv, guests, seed, 2000000, &sim.result);
    if (!sim.result.powered_off || sim.result.stuck) {
        fail_msg("seed 0x%llx: phase %d after %llu turns; the console:\n%s", (unsigned long long)seed,
                 (int)run.phase, (unsigned long long)sim.result.turns, sim.result.log);
    }
    sim_assert_says_not(&sim, "PANIC");
}

static void whatever_is_commanded_all_can_be_destroyed_and_is_as_it_was(void **state)
{
    struct test_rng seeds;
    uint64_t first = test_rng_init(&seeds, "quarrels");
    unsigned failed = 0;

    (void)state;
    for (unsigned i = 0; i < 200U; i++) {
        quarrel(first + 2U * i);
        failed += shortage.failed;
    }
    for (int i = 0; i < HV_LIFE_COMMANDS; i++) {
        print_message("%s: %u times, and %u refused\n", hv_life_command_name((enum hv_life_command)i),
                      accepted[i], refused[i]);
        assert_true(accepted[i] > 0U && refused[i] > 0U);
    }
    for (int i = 0; i < HV_LIFE_STATES; i++) {
        print_message("%s: seen %u times\n", hv_life_state_name((enum hv_life_state)i), seen[i]);
        assert_true(seen[i] > 0U);
    }
    print_message("allocations that failed: %u\n", failed);
    assert_true(failed > 100U);
}

/* ---- Each allocation once ---------------------------------------------------------------------------------------- */

#define ALPHA 2U

static struct {
    uint32_t point;
    bool asked;
    bool done;
    struct sim_account without;
} each;

/** CREATE with allocation @each.point failing, again and again, until it needs fewer than that. */
static enum hv_verdict fail_each(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    enum hv_life_state state = hv_life_state(cpu->hv, ALPHA);

    (void)round;
    if (vcpu->vm->slot != 0U) {
        return HV_RESUME;
    }
    if (each.done) {
        return sim_off(cpu, vcpu);
    }
    if (each.point == 0U) { /* first away with what the boot made */
        if (state != HV_LIFE_ABSENT) {
            ASH_DISCARD(hv_life_ask(cpu, ALPHA, HV_LIFE_DESTROY, NULL));
            return HV_RESUME;
        }
        sim_account(cpu->hv, &each.without);
        each.point = 1;
    }
    if (!each.asked) {
        shortage.in = each.point;
        assert_int_equal(hv_life_ask(cpu, ALPHA, HV_LIFE_CREATE, NULL), ASH_OK);
        each.asked = true;
    } else if (state == HV_LIFE_ABSENT) {
        assert_int_equal(shortage.in, 0);
        sim_assert_same_account(cpu->hv, &each.without);
        each.asked = false;
        each.point++;
    } else if (state == HV_LIFE_OFF) {
        assert_true(shortage.in > 0U); /* it did not need so many */
        each.done = true;
    }
    return HV_RESUME;
}

static void a_create_that_finds_no_page_at_any_point_takes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 9U; seed += 2U) {
        memset(&each, 0, sizeof(each));
        memset(&shortage, 0, sizeof(shortage));
        sim_board(&sim, 3, vms, 3);
        hv_host_run(&sim.hv, fail_each, seed, 2000000, &sim.result);
        assert_true(each.done);
        print_message("a VM of 3 vCPUs: %u allocations\n", each.point - 1U);
        assert_true(each.point > 6U); /* itself, 3 vCPUs, tables, stolen time, its ring */
        sim_assert_says(&sim, "alpha was not created");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_create_that_finds_no_page_at_any_point_takes_nothing),
        cmocka_unit_test(whatever_is_commanded_all_can_be_destroyed_and_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
