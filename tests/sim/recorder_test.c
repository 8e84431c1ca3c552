/* SPDX-License-Identifier: BSD-2-Clause */
/* The flight recorder: what it has of a run, over a warm reset, and of memory that was none of its. */
#include <stdio.h>
#include <string.h>

#include <libvcpu/psci.h>

#include "arch/arch.h"
#include "core/command.h"
#include "core/recorder.h"
#include "rig.h"

#define ENTRY (SIM_RAM_BASE + 0x80000U)

static struct sim sim;
static struct hv_recorder ring; /* one of our own */

static void fresh(void)
{
    memset(&ring, 0, sizeof(ring));
}

static void record(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        hv_record_at(&ring, 1000U + i, HV_EVENT_EXIT, i, UINT64_C(0x100000000) + i);
    }
}

static void events_come_in_their_order(void **state)
{
    struct hv_event event;
    uint32_t cursor = 0;

    (void)state;
    fresh();
    ring.who = 0x102;
    record(0, 5);
    for (unsigned i = 0; i < 5U; i++) {
        assert_true(hv_recorder_next(&ring, &cursor, &event));
        assert_int_equal(event.ticks, 1000U + i);
        assert_int_equal(event.number & 0xffU, HV_EVENT_EXIT);
        assert_int_equal(event.a, i);
        assert_int_equal(event.b, UINT64_C(0x100000000) + i);
        assert_int_equal(event.who, 0x102);
    }
    assert_false(hv_recorder_next(&ring, &cursor, &event));
    record(5, 1);
    assert_true(hv_recorder_next(&ring, &cursor, &event));
    assert_int_equal(event.a, 5);
}

static void of_more_than_there_is_room_for_the_last_are_kept(void **state)
{
    struct hv_event event;
    uint32_t cursor = 0;

    (void)state;
    fresh();
    record(0, 3U * HV_RECORDER_EVENTS + 7U);
    for (unsigned i = 2U * HV_RECORDER_EVENTS + 7U; i < 3U * HV_RECORDER_EVENTS + 7U; i++) {
        assert_true(hv_recorder_next(&ring, &cursor, &event));
        assert_int_equal(event.a, i);
    }
    assert_false(hv_recorder_next(&ring, &cursor, &event));
}

static void a_reader_that_was_overtaken_goes_on_with_what_is_there(void **state)
{
    struct hv_event event;
    uint32_t cursor = 0;

    (void)state;
    fresh();
    record(0, 3);
    assert_true(hv_recorder_next(&ring, &cursor, &event));
    record(3, 2U * HV_RECORDER_EVENTS);
    assert_true(hv_recorder_next(&ring, &cursor, &event));
    assert_int_equal(event.a, HV_RECORDER_EVENTS + 3U);
}

static void an_event_that_is_being_written_is_left_out(void **state)
{
    struct hv_event event;
    uint32_t cursor = 0;

    (void)state;
    fresh();
    record(0, HV_RECORDER_EVENTS);
    ring.event[3].number =
        (HV_RECORDER_EVENTS + 3U) << 8 | HV_EVENT_EXIT; /* the next lap's, the rest still this one's */
    ring.event[4].number = 4U << 8 | 0xeeU;             /* no kind of ours */
    for (unsigned i = 0; i < HV_RECORDER_EVENTS; i++) {
        if (i != 3U && i != 4U) {
            assert_true(hv_recorder_next(&ring, &cursor, &event));
            assert_int_equal(event.a, i);
        }
    }
    assert_false(hv_recorder_next(&ring, &cursor, &event));
}

static void numbers_may_wrap(void **state)
{
    struct hv_event event;
    uint32_t cursor;

    (void)state;
    fresh();
    ring.head = (1U << 24) - 2U; /* of the number of an event 24 bits are kept */
    cursor = ring.head;
    record(0, 5);
    for (unsigned i = 0; i < 5U; i++) {
        assert_true(hv_recorder_next(&ring, &cursor, &event));
        assert_int_equal(event.a, i);
    }
}

static void a_line_has_cpu_time_event_and_what_it_is_about(void **state)
{
    const struct hv_event event = {
        .ticks = 5000001, .b = 0xffff0000, .number = HV_EVENT_EXIT, .a = 0x93810006, .who = 0x203};
    char line[120];

    (void)state;
    hv_recorder_line(line, sizeof(line), 2, 1000000, &event);
    assert_string_equal(line, "trace 2 5000001000 exit 203 93810006 ffff0000");
}

/* ---- A whole machine --------------------------------------------------------------------------------------------- */

static enum hv_verdict live(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 1U) {
        return round < 3U ? HV_RESUME : sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    }
    if (round == 0U) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    return round < 50U ? HV_RESUME : sim_off(cpu, vcpu);
}

static void run(void)
{
    static const struct sim_vm vm = {.name = "lives", .vcpus = 2, .memory = 2U * SIM_MIB};

    sim_board(&sim, 2, &vm, 1);
    sim_run(&sim, live, 1);
    sim_assert_exit(&sim, "ok", "lives");
}

static unsigned count(unsigned cpu, enum hv_event_kind kind)
{
    struct hv_event event;
    uint32_t cursor = 0;
    unsigned n = 0;
    uint64_t last = 0;

    while (hv_recorder_next(&hv_arch_recorders()[cpu], &cursor, &event)) {
        n += (event.number & 0xffU) == (unsigned)kind ? 1U : 0U;
        assert_true(event.ticks >= last);
        last = event.ticks;
    }
    return n;
}

static unsigned both(enum hv_event_kind kind)
{
    return count(0, kind) + count(1, kind);
}

static void a_run_is_recorded(void **state)
{
    (void)state;
    run();
    assert_int_equal(both(HV_EVENT_CPU_ON), 1);
    assert_int_equal(both(HV_EVENT_CPU_OFF), 2);
    assert_int_equal(both(HV_EVENT_STATE), 2);
    assert_int_equal(both(HV_EVENT_LOAD), 2);
    assert_int_equal(both(HV_EVENT_PUT), 2);
    assert_true(both(HV_EVENT_JOB) >= 2U); /* its images were loaded */
    sim_assert_says_not(&sim, "the last events before");
}

static void a_warm_reset_leaves_the_last_events_to_the_next_boot(void **state)
{
    (void)state;
    run();
    hv_host_next_is_warm();
    run();
    sim_assert_says(&sim, "ashlar: the last events before the reset:");
    sim_assert_says(&sim, "put 101 0 0");
    assert_int_equal(both(HV_EVENT_STATE), 2); /* and begins anew */
    run();
    sim_assert_says_not(&sim, "the last events before");
}

static void memory_that_is_not_whole_is_not_believed(void **state)
{
    struct hv_recorder *found = hv_arch_recorders();

    (void)state;
    run();
    for (unsigned byte = 8; byte < offsetof(struct hv_recorder, reserved); byte++) {
        struct hv_recorder before = found[0];

        assert_true(hv_recorder_is_whole(&found[0], 0));
        assert_false(hv_recorder_is_whole(&found[0], 1));
        ((uint8_t *)&found[0])[byte] ^= 0x10U;
        assert_false(hv_recorder_is_whole(&found[0], 0));
        found[0] = before;
    }
    memset(found, 0xa5, 2U * sizeof(*found));
    hv_host_next_is_warm();
    run();
    sim_assert_says_not(&sim, "the last events before");
}

static unsigned lines;

static void take(void *ctx, const char *line)
{
    char *last = (char *)ctx;

    lines++;
    assert_int_equal(strncmp(line, "trace ", 6), 0);
    (void)snprintf(last, 120, "%s", line);
}

static void a_dump_names_the_vms_and_has_everything(void **state)
{
    char last[120];

    (void)state;
    run();
    lines = 0;
    hv_recorder_dump(&sim.hv, take, last);
    assert_int_equal(both(HV_EVENT_BOOT), 2);
    assert_int_equal(lines, 3U + both(HV_EVENT_CPU_ON) + both(HV_EVENT_CPU_OFF) + both(HV_EVENT_STATE) +
                                both(HV_EVENT_LOAD) + both(HV_EVENT_PUT) + both(HV_EVENT_WAIT) +
                                both(HV_EVENT_WAKE) + both(HV_EVENT_JOB));
    lines = 0;
    hv_recorder_tail(&sim.cpu[0], 3, take, last);
    assert_int_equal(lines, 3);
}

static void switched_off_it_keeps_what_it_has(void **state)
{
    uint32_t head;

    (void)state;
    run();
    head = hv_arch_recorders()[0].head;
    hv_recorder_switch(&sim.hv, false);
    hv_record(&sim.cpu[0], HV_EVENT_PANIC, 0, 0);
    assert_int_equal(hv_arch_recorders()[0].head, head);
    hv_recorder_switch(&sim.hv, true);
    hv_record(&sim.cpu[0], HV_EVENT_PANIC, 0, 0);
    assert_int_equal(hv_arch_recorders()[0].head, head + 1U);
    assert_int_equal(count(0, HV_EVENT_PANIC), 1);
}

/** Of the shell's answer to "trace". */
static unsigned rows_of_trace(void)
{
    static char text[HV_RECORD_MOST];
    static struct hv_record row;
    static struct hv_call call;
    unsigned rows = 0;

    assert_true(hv_call_begin(&call, &sim.cpu[0], "trace"));
    while (hv_call_step(&call, &row, text)) {
        assert_non_null(strstr(text, rows == 0U ? "event\r\n" : "trace "));
        rows++;
    }
    return rows;
}

static void switched_off_the_shell_still_shows_what_it_has(void **state)
{
    unsigned rows;

    (void)state;
    run();
    rows = rows_of_trace();
    assert_true(rows > 10U);
    hv_recorder_switch(&sim.hv, false);
    hv_record(&sim.cpu[0], HV_EVENT_PANIC, 0, 0);
    assert_int_equal(rows_of_trace(), rows);
}

static void who_is_loaded_while_it_is_off_is_known_when_it_is_on(void **state)
{
    static struct hv_vm vm = {.slot = 3};
    static struct hv_vcpu vcpu = {.vm = &vm, .index = 1};
    struct hv_recorder *ring0;

    (void)state;
    run();
    ring0 = &hv_arch_recorders()[0];
    hv_recorder_switch(&sim.hv, false);
    sim.cpu[0].vcpu = &vcpu;
    hv_record_load(&sim.cpu[0], true, true);
    hv_recorder_switch(&sim.hv, true);
    hv_record(&sim.cpu[0], HV_EVENT_WAIT, 0, 0);
    assert_int_equal(ring0->event[(ring0->head - 1U) % HV_RECORDER_EVENTS].who, 0x401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_their_order),
        cmocka_unit_test(of_more_than_there_is_room_for_the_last_are_kept),
        cmocka_unit_test(a_reader_that_was_overtaken_goes_on_with_what_is_there),
        cmocka_unit_test(an_event_that_is_being_written_is_left_out),
        cmocka_unit_test(numbers_may_wrap),
        cmocka_unit_test(a_line_has_cpu_time_event_and_what_it_is_about),
        cmocka_unit_test(a_run_is_recorded),
        cmocka_unit_test(a_warm_reset_leaves_the_last_events_to_the_next_boot),
        cmocka_unit_test(memory_that_is_not_whole_is_not_believed),
        cmocka_unit_test(a_dump_names_the_vms_and_has_everything),
        cmocka_unit_test(switched_off_it_keeps_what_it_has),
        cmocka_unit_test(switched_off_the_shell_still_shows_what_it_has),
        cmocka_unit_test(who_is_loaded_while_it_is_off_is_known_when_it_is_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
