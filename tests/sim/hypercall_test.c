/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/hypercalls.md: each call by the manager and by another guest, about itself, another VM and none; and what the
 * manager's commands do. Under many seeds. */
#include <string.h>

#include "core/life.h"
#include "glue/hypercall.h"
#include "rig.h"

#define SEEDS 60U

/* hv's numbers, as the document has them. */
#define CALL(number) (UINT32_C(0xc6000000) + (number))
enum { VERSION, FEATURES, SELF, WRITE, YIELD, COUNT = 0x10, STATE, NAME, COMMAND };
enum { OK = 0, NOT_SUPPORTED = -1, INVALID = -3, DENIED = -4, BUSY = -5, NO_VM = -6 };
enum { CREATE, START, PAUSE, RESUME, RESTART, SHUTDOWN, POWER_OFF, DESTROY, COMMANDS };
enum { ABSENT, CREATING, OFF, STARTING, RUNNING, PAUSING, PAUSED };

enum { MANAGER, GUEST, VICTIM };

static struct sim sim;

static int64_t call(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned number, uint64_t a, uint64_t b)
{
    /* YIELD aside, no call here makes its vCPU leave. */
    assert_int_equal(sim_hvc(cpu, vcpu, CALL(number), a, b, 0x3333), HV_RESUME);
    return sim_x0(vcpu);
}

/* ---- The matrix -------------------------------------------------------------------------------------------------- */

static const uint64_t bad_ids[] = {3, 15, 16, UINT32_MAX, UINT64_C(0x100000000), UINT64_MAX};

static void everybody_may(struct hv_cpu *cpu, struct hv_vcpu *vcpu, bool manager)
{
    assert_int_equal(call(cpu, vcpu, VERSION, 7, 8), 0x10000);
    assert_int_equal(vcpu->context.x[1], 7);
    assert_int_equal(vcpu->context.x[2], 8);
    assert_int_equal(vcpu->context.x[3], 0x3333);
    assert_int_equal(call(cpu, vcpu, SELF, 7, 8), OK);
    assert_int_equal(vcpu->context.x[1], manager ? MANAGER : GUEST);
    assert_int_equal(vcpu->context.x[2], manager ? 2 : 1);
    assert_int_equal(vcpu->context.x[3], manager);
    for (unsigned number = 0; number < 0x20U; number++) {
        bool is_call = number <= YIELD || (number >= COUNT && number <= COMMAND);
        int64_t expected = !is_call ? NOT_SUPPORTED : (number >= COUNT && !manager ? DENIED : OK);

        assert_int_equal(call(cpu, vcpu, FEATURES, CALL(number), 0), expected);
        if (!is_call) {
            assert_int_equal(call(cpu, vcpu, number, 1, 2), NOT_SUPPORTED);
        }
    }
    assert_int_equal(call(cpu, vcpu, FEATURES, UINT64_C(0x100000000) | CALL(VERSION), 0), NOT_SUPPORTED);
    assert_int_equal(call(cpu, vcpu, FEATURES, 0x84000000, 0), NOT_SUPPORTED);
}

static void writing(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint64_t ram = vcpu->vm->machine.ram[0].base.value;
    uint64_t end = ram + vcpu->vm->machine.ram[0].size;

    sim_poke(vcpu, 0, 0x0a216968); /* "hi!\n" */
    assert_int_equal(call(cpu, vcpu, WRITE, ram, 4), 4);
    assert_int_equal(call(cpu, vcpu, WRITE, ram, 0), 0);
    assert_int_equal(call(cpu, vcpu, WRITE, end - 3U, 4), INVALID);
    assert_int_equal(call(cpu, vcpu, WRITE, end, 1), INVALID);
    assert_int_equal(call(cpu, vcpu, WRITE, ram - 1U, 2), INVALID);
    assert_int_equal(call(cpu, vcpu, WRITE, UINT64_MAX, 64), INVALID);
    assert_int_equal(call(cpu, vcpu, WRITE, 0x09000000, 4), INVALID); /* a device */
    assert_int_equal(call(cpu, vcpu, WRITE, end - 10U, UINT64_MAX), INVALID);
}

static void a_guest_may_not(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    assert_int_equal(call(cpu, vcpu, COUNT, 0, 0), DENIED);
    for (uint64_t id = 0; id < 4U; id++) { /* the manager, its own, another one, none */
        assert_int_equal(call(cpu, vcpu, STATE, id, 0), DENIED);
        assert_int_equal(vcpu->context.x[1], id);
        assert_int_equal(call(cpu, vcpu, NAME, id, 0), DENIED);
        for (uint64_t command = 0; command <= COMMANDS; command++) {
            assert_int_equal(call(cpu, vcpu, COMMAND, id, command), DENIED);
        }
    }
}

static void the_manager_may(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    static const char *const names[] = {"manager", "guest", "victim-with-a-long-name-of-31."};

    assert_int_equal(call(cpu, vcpu, COUNT, 0, 0), 3);
    for (uint64_t id = 0; id < 3U; id++) {
        char name[49] = "";

        assert_int_equal(call(cpu, vcpu, STATE, id, 0), OK);
        assert_int_not_equal(vcpu->context.x[1], ABSENT);
        assert_int_equal(call(cpu, vcpu, NAME, id, 0), strlen(names[id]));
        memcpy(name, &vcpu->context.x[1], 24);
        assert_int_equal(call(cpu, vcpu, NAME, id, 24), strlen(names[id]));
        memcpy(name + 24, &vcpu->context.x[1], 24);
        assert_string_equal(name, names[id]);
        assert_int_equal(call(cpu, vcpu, NAME, id, UINT64_MAX), strlen(names[id]));
        assert_int_equal(vcpu->context.x[1], 0);
        assert_int_equal(call(cpu, vcpu, COMMAND, id, COMMANDS), INVALID);
        assert_int_equal(call(cpu, vcpu, COMMAND, id, UINT64_MAX), INVALID);
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(bad_ids); i++) {
        assert_int_equal(call(cpu, vcpu, STATE, bad_ids[i], 0), NO_VM);
        assert_int_equal(call(cpu, vcpu, NAME, bad_ids[i], 0), NO_VM);
        for (uint64_t command = 0; command <= COMMANDS; command++) {
            assert_int_equal(call(cpu, vcpu, COMMAND, bad_ids[i], command), NO_VM);
        }
    }
    assert_int_equal(call(cpu, vcpu, COMMAND, MANAGER, CREATE), BUSY);
    assert_int_equal(call(cpu, vcpu, COMMAND, MANAGER, START), BUSY);
    assert_int_equal(call(cpu, vcpu, COMMAND, MANAGER, RESUME), BUSY);
}

/* ---- What the commands do ---------------------------------------------------------------------------------------- */

/* In this order, each once the victim is in the state before it. */
static const struct step {
    uint64_t from;
    uint64_t command;
} steps[] = {
    {RUNNING, PAUSE},     {PAUSED, RESUME}, {RUNNING, RESTART}, {RUNNING, SHUTDOWN}, {OFF, START},
    {RUNNING, POWER_OFF}, {OFF, DESTROY},   {ABSENT, CREATE},   {OFF, START},        {RUNNING, POWER_OFF},
};

static struct {
    unsigned step;
    unsigned lives;  /* of the victim */
    unsigned before; /* it begins: when RESTART and START were commanded */
    bool is_pressed;
    bool is_again; /* the manager */
    bool matrix[2];
} m;

static enum hv_verdict manage(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint64_t state;

    assert_int_equal(call(cpu, vcpu, STATE, VICTIM, 0), OK);
    state = vcpu->context.x[1];
    if (m.step == ASH_ARRAY_SIZE(steps)) {
        if (state == OFF && !m.is_again) { /* about itself */
            m.is_again = true;
            assert_int_equal(call(cpu, vcpu, COMMAND, MANAGER, RESTART), OK);
        }
        return HV_RESUME;
    }
    if (state == steps[m.step].from && m.lives > m.before) {
        uint64_t command = steps[m.step].command;

        if (command == RESTART || command == START) {
            m.before = m.lives;
        }
        assert_int_equal(call(cpu, vcpu, COMMAND, VICTIM, command), OK);
        if (command == DESTROY || command == CREATE || command == POWER_OFF) {
            assert_int_equal(call(cpu, vcpu, COMMAND, VICTIM, PAUSE), BUSY);
        }
        m.before = command == POWER_OFF || command == SHUTDOWN || command == DESTROY ? 0U : m.before;
        m.step++;
    }
    return HV_RESUME;
}

static enum hv_verdict suffer(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t gpio = vcpu->vm->machine.layout.gpio.base.value;

    m.lives += round == 0U ? 1U : 0U;
    if ((sim_device(cpu, vcpu, gpio + 0x3fcU, false, 0) & 8U) != 0U) {
        m.is_pressed = true;
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static enum hv_verdict live(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->vm->slot == VICTIM) {
        return suffer(cpu, vcpu, round);
    }
    if (m.is_again && round == 0U) {
        return sim_off(cpu, vcpu);
    }
    if (round == 0U) {
        everybody_may(cpu, vcpu, vcpu->vm->slot == MANAGER);
        writing(cpu, vcpu);
        m.matrix[vcpu->vm->slot] = true;
    }
    if (vcpu->vm->slot == GUEST) {
        a_guest_may_not(cpu, vcpu);
        return round < 20U ? HV_RESUME : sim_off(cpu, vcpu);
    }
    if (round == 0U) {
        the_manager_may(cpu, vcpu);
    }
    return manage(cpu, vcpu);
}

static void run(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "manager", .vcpus = 2, .memory = 2U * SIM_MIB, .manager = true},
        {.name = "guest", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "victim-with-a-long-name-of-31.", .vcpus = 1, .memory = 2U * SIM_MIB}};

    memset(&m, 0, sizeof(m));
    sim_board(&sim, 1U + (unsigned)(seed / 2U % 4U), vms, 3);
    sim_run(&sim, live, seed);
    assert_true(m.matrix[MANAGER] && m.matrix[GUEST]);
    assert_int_equal(m.step, ASH_ARRAY_SIZE(steps));
    assert_true(m.is_pressed && m.is_again);
    assert_true(m.lives >= 3U);
    sim_assert_says(&sim, "hi!");
}

static void each_call_does_for_whom_and_about_whom_it_should(void **state)
{
    (void)state;
    sim_under_seeds("hypercalls", SEEDS, run);
}

/* ---- Yield ------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned turns;
    uint32_t last;
    unsigned alternations;
} yields;

static enum hv_verdict take_turns(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    yields.alternations += yields.last != vcpu->vm->slot ? 1U : 0U;
    yields.last = vcpu->vm->slot;
    yields.turns++;
    if (round >= 100U) {
        return sim_off(cpu, vcpu);
    }
    return sim_hvc(cpu, vcpu, CALL(YIELD), 1, 2, 3);
}

static void run_yields(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "a", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 1000000},
        {.name = "b", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 1000000}};

    memset(&yields, 0, sizeof(yields));
    sim_board(&sim, 1, vms, 2);
    sim_run(&sim, take_turns, seed);
    assert_true(yields.alternations >= 180U);
}

static void who_yields_lets_an_equal_one_run(void **state)
{
    (void)state;
    sim_under_seeds("yield", SEEDS, run_yields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_does_for_whom_and_about_whom_it_should),
        cmocka_unit_test(who_yields_lets_an_equal_one_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
