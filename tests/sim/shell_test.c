/* SPDX-License-Identifier: BSD-2-Clause */
/* hv's shell and the console on a simulated machine: somebody types, VMs run and flood. Each under many seeds. */
#include <stdio.h>
#include <string.h>

#include <libbase/compiler.h>

#include "arch/arch.h"
#include "rig.h"

#define SEEDS 30U
#define LINES 400U

static struct sim sim;

static const struct sim_vm two_vms[] = {
    {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB, .console_buffer = 4096},
    {.name = "two", .vcpus = 1, .memory = 2U * SIM_MIB, .console_buffer = 4096},
};

static void run(const struct hv_host_console *console, hv_host_guest *guest, uint64_t seed)
{
    sim_board(&sim, 2, two_vms, 2);
    hv_host_console_plug(console);
    sim_run(&sim, guest, seed);
}

/** Runs until a 'q' is typed. */
static enum hv_verdict wait(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t uart = vcpu->vm->machine.layout.uart.base.value;

    (void)round;
    return (sim_device(cpu, vcpu, uart, false, 0) & 0xffU) == 'q' ? sim_off(cpu, vcpu) : HV_RESUME;
}

/* ---- The shell --------------------------------------------------------------------------------------------------- */

static const char to_shell[] = "\x1d"
                               "0";

static void answer_commands(uint64_t seed)
{
    const struct hv_host_step script[] = {
        {"VM 2 two", to_shell},
        {"shell;", "vm list\r"},
        {"two", "vm show tw\to\x7f\r"}, /* completed, spoilt, mended */
        {"memory_bytes", "stats --json\r"},
        {"\"vm\": \"two\"", "irq two\r"},
        {"PL061", "mem\r"},
        {"bundle", "mem pool\r"},
        {"ashlar> ", "cpu\r"},
        {"runs", "log level errors\r"},
        {"errors", "log level\r"},
        {"level", "help vm\r"},
        {"vm attach VM", "vm of one\r"},
        {"allowed: list", "vm off three\r"},
        {"there is no VM three; allowed: one two", "nonsense --json\r"},
        {"{\"error\": \"there is no command nonsense\", \"allowed\": \"vm stats", "vm off one now\r"},
        {"now is too much; allowed: --json", "vm off one --jsn\r"},
        {"there is no option --jsn; allowed: --json", "vm off one --json\r"},
        {"\"asked\": \"power-off\"", "\x1d"
                                     "2q"},
    };
    const struct hv_host_console console = {.script = script, .steps = ASH_ARRAY_SIZE(script)};

    run(&console, wait, seed);
    sim_assert_says(&sim, "vm  name              state       vcpus     mib  cpus\r\n"
                          " 1  one               running         1       2  ");
    sim_assert_says(&sim, "{\"name\": \"one\", \"asked\": \"power-off\", \"state\": \"");
    sim_assert_says_not(&sim, "one is off"); /* the log level */
    sim_assert_exit(&sim, "ok", NULL);
}

static void a_user_asks_and_is_answered(void **state)
{
    (void)state;
    sim_under_seeds("shell", SEEDS, answer_commands);
}

static void cancel_a_long_answer(uint64_t seed)
{
    const struct hv_host_step script[] = {
        {"VM 2 two", to_shell},
        {"shell;", "help\r"},
        {"vm show VM", "\x03"},
        {"^C", "vm off one\r"},
        {"power-off", "\x1d"
                      "2q"},
    };
    const struct hv_host_console console = {
        .fifo = 16, .turns_per_byte = 1, .script = script, .steps = ASH_ARRAY_SIZE(script)};

    run(&console, wait, seed);
    sim_assert_exit(&sim, "ok", NULL);
}

static void an_answer_ends_at_ctrl_c(void **state)
{
    (void)state;
    sim_under_seeds("shell", SEEDS, cancel_a_long_answer);
}

/* ---- A slow terminal --------------------------------------------------------------------------------------------- */

static unsigned waits;

/** Says numbered lines as fast as it can, by polling UARTFR's TXFF as a driver does, and is off. */
static enum hv_verdict flood(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t uart = vcpu->vm->machine.layout.uart.base.value;
    uint32_t at = sim_peek(vcpu, 0);
    char line[40];

    (void)round;
    (void)snprintf(line, sizeof(line), "line %u of %s.\n", (unsigned)(at / 64U), vcpu->vm->name);
    if (at / 64U == LINES) {
        return sim_off(cpu, vcpu);
    }
    if ((sim_device(cpu, vcpu, uart + 0x018U, false, 0) & (1U << 5)) != 0U) {
        waits++;
        return HV_RESUME; /* full: this vCPU comes back, and nobody else waits */
    }
    (void)sim_device(cpu, vcpu, uart, true, (uint8_t)line[at % 64U]);
    at++;
    sim_poke(vcpu, 0, line[at % 64U] != '\0' ? at : (at / 64U + 1U) * 64U);
    return HV_RESUME;
}

static void flood_a_slow_terminal(uint64_t seed)
{
    const struct hv_host_console console = {.fifo = 16, .turns_per_byte = 12};
    char line[64];

    waits = 0;
    run(&console, flood, seed);
    assert_true(waits > 0U);
    for (unsigned i = 0; i < LINES; i++) {
        for (unsigned v = 0; v < 2U; v++) {
            (void)snprintf(line, sizeof(line), "[%s] line %u of %s.\r\n", two_vms[v].name, i,
                           two_vms[v].name);
            assert_in_range(sim_count(&sim, line), 1,
                            v == 0U ? UINT32_MAX : 1U); /* the front's may be drawn again */
        }
    }
    sim_assert_exit(&sim, "ok", NULL);
}

static void two_vms_flood_a_slow_terminal_and_nothing_is_lost(void **state)
{
    (void)state;
    sim_under_seeds("shell", 4, flood_a_slow_terminal);
}

/* ---- Answers beside a flood of hv's own lines -------------------------------------------------------------------- */

#define ANSWERS 12U

static enum hv_verdict reset_at_once(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "one")) {
        return wait(cpu, vcpu, round);
    }
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
}

/** From @at on, where an answer in JSON begins, to its end: no line of hv's is in it. */
static const char *assert_whole(const char *at)
{
    const char *begin = strstr(at, "[{\"vm\": ");
    const char *end = begin != NULL ? strstr(begin, "]\r\n") : NULL;
    const char *line = begin != NULL ? strstr(begin, "ashlar: ") : NULL;

    assert_non_null(end);
    assert_true(line == NULL || line > end);
    return end;
}

static void answer_beside_a_flood(uint64_t seed)
{
    struct hv_host_step script[ANSWERS + 3U] = {{"VM 2 two", to_shell}};
    const struct hv_host_console console = {
        .fifo = 16, .turns_per_byte = 1, .script = script, .steps = ASH_ARRAY_SIZE(script)};
    const char *at = sim.result.log;

    for (unsigned i = 1; i <= ANSWERS; i++) {
        script[i] = (struct hv_host_step){"ashlar> ", "stats --json\r"};
    }
    script[ANSWERS + 1U] = (struct hv_host_step){"ashlar> ", "vm off two\r"};
    script[ANSWERS + 2U] = (struct hv_host_step){"state  ", "\x1d"
                                                            "1q"};
    run(&console, reset_at_once, seed);
    for (unsigned i = 0; i < ANSWERS; i++) {
        at = assert_whole(at);
    }
    assert_true(sim_count(&sim, "ashlar: two resets") > ANSWERS);
}

static void an_answer_in_json_is_whole_whatever_hv_has_to_say(void **state)
{
    (void)state;
    sim_under_seeds("answers", SEEDS, answer_beside_a_flood);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_asks_and_is_answered),
        cmocka_unit_test(an_answer_ends_at_ctrl_c),
        cmocka_unit_test(an_answer_in_json_is_whole_whatever_hv_has_to_say),
        cmocka_unit_test(two_vms_flood_a_slow_terminal_and_nothing_is_lost),
    };

    return cmocka_run_group_tests_name("shell", tests, NULL, NULL);
}
