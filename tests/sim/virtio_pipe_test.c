/* SPDX-License-Identifier: BSD-2-Clause */
/* Two VMs whose consoles share a pipe: nothing is lost or invented, an end that goes is seen to close when what it said
 * has arrived, whatever either does to its rings or is made to do. Each under many seeds. */
#include <string.h>

#include <libfdt.h>

#include "arch/arch.h"
#include "port.h"

#define SEEDS  20U
#define STREAM 20000U

static struct sim sim;

static void a_pipe(void *tree)
{
    assert_int_equal(fdt_begin_node(tree, "virtio_console"), 0);
    assert_int_equal(fdt_property_string(tree, "pipes", "wire"), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

/** "boss" has none, and orders the others about. */
static const struct sim_vm three_vms[] = {
    {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = a_pipe},
    {.name = "two", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = a_pipe},
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB},
};

/** What a guest knows; over all of its lives. */
static struct guest {
    struct sim_port port;
    struct test_rng rng;
    uint32_t said, heard;
    unsigned step, lives;
    bool done;
} guests[2];

static struct guest *guest_of(const struct hv_vcpu *vcpu)
{
    return &guests[sim_is(vcpu, "one") ? 0 : 1];
}

/** Byte @at of what guest @who says. */
static uint8_t byte_of(unsigned who, uint32_t at)
{
    return (uint8_t)(at * 31U + at / 251U + who * 99U);
}

static void run(unsigned vms, hv_host_guest *guest, uint64_t seed)
{
    memset(guests, 0, sizeof(guests));
    for (unsigned i = 0; i < 2U; i++) {
        guests[i].rng.state = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) + 1U;
    }
    sim_board(&sim, 2, three_vms, vms);
    sim_run(&sim, guest, seed);
}

static void say_some(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, uint32_t end)
{
    const unsigned me = (unsigned)(guest - guests);
    const uint32_t most = 1U + (uint32_t)test_rng_below(&guest->rng, 700);
    const uint32_t size = most < end - guest->said ? most : end - guest->said;
    uint8_t bytes[700];

    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = byte_of(me, guest->said + i);
    }
    if (size > 0U && sim_port_say(cpu, vcpu, &guest->port, bytes, size)) {
        guest->said += size;
    }
}

/** It is what the other one said, in its order. */
static void hear_some(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest)
{
    const unsigned other = guest == &guests[0] ? 1U : 0U;
    uint8_t bytes[SIM_PORT_BUFFER];
    uint32_t size = sim_port_hear(cpu, vcpu, &guest->port, bytes);

    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(bytes[i], byte_of(other, guest->heard + i));
    }
    guest->heard += size;
}

/* ---- A stream ---------------------------------------------------------------------------------------------------- */

/** Both ways at once; one end has small buffers and is slow to read them. */
static enum hv_verdict talk(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    const bool is_slow = guest == &guests[1];

    if (round == 0U) {
        sim_port_start(cpu, vcpu, &guest->port, 0, is_slow ? 3 : 8, is_slow ? 37 : 512);
    }
    sim_port_look(cpu, vcpu, &guest->port);
    if (test_rng_below(&guest->rng, 3) != 0U) {
        say_some(cpu, vcpu, guest, STREAM);
    }
    for (unsigned i = 0; i < (is_slow ? 2U : 8U); i++) {
        hear_some(cpu, vcpu, guest);
    }
    if (guest->said == STREAM && guest->heard == STREAM && sim_port_is_said(vcpu, &guest->port)) {
        assert_int_equal(guest->port.opens, 1);
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static void talk_both_ways(uint64_t seed)
{
    run(2, talk, seed);
    sim_assert_exit(&sim, "ok", NULL);
}

static void a_stream_each_way_arrives_whole_and_in_order(void **state)
{
    (void)state;
    sim_under_seeds("virtio-pipe", SEEDS, talk_both_ways);
}

/* ---- Closing ----------------------------------------------------------------------------------------------------- */

/** "one" says something, closes and opens again, and so on; "two" reads slowly and finds each closing behind all that
 *  was said before it. */
static enum hv_verdict close_behind(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    enum { EACH = 900, TIMES = 5 };
    struct guest *guest = guest_of(vcpu);
    struct sim_port *port = &guest->port;

    if (round == 0U) {
        sim_port_start(cpu, vcpu, port, 0, 2, 50);
    }
    sim_port_look(cpu, vcpu, port);
    if (guest == &guests[0]) {
        const unsigned closed = guests[1].step;

        if (guest->step == 2U * TIMES) {
            return closed == TIMES ? sim_off(cpu, vcpu) : HV_RESUME;
        }
        if (guest->step % 2U == 0U && guest->said < (guest->step / 2U + 1U) * EACH) {
            say_some(cpu, vcpu, guest, (guest->step / 2U + 1U) * EACH);
        } else if (guest->step % 2U == 0U && port->is_open) {
            sim_port_set_open(cpu, vcpu, port, false);
            guest->step++;
        } else if (guest->step % 2U != 0U && closed == guest->step / 2U + 1U) {
            sim_port_set_open(cpu, vcpu, port, true);
            guest->step++;
        }
        return HV_RESUME;
    }
    if (port->closes > guest->step) {
        hear_some(cpu, vcpu, guest); /* what was in the buffers before */
        hear_some(cpu, vcpu, guest);
        assert_int_equal(guest->heard, (guest->step + 1U) * EACH);
        guest->step++;
    }
    if (round % 3U == 0U) {
        hear_some(cpu, vcpu, guest);
    }
    return guest->step == TIMES ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void close_many_times(uint64_t seed)
{
    run(2, close_behind, seed);
    sim_assert_exit(&sim, "ok", NULL);
    assert_int_equal(guests[1].port.closes, 5);
}

static void that_it_was_closed_comes_behind_what_was_said(void **state)
{
    (void)state;
    sim_under_seeds("virtio-pipe", SEEDS, close_many_times);
}

/** Both close with much on the way that nobody reads: each hears of it at once, and nothing goes on and on. */
static enum hv_verdict hang_up(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    uint8_t bytes[64] = {0};

    if (round == 0U) {
        sim_port_start(cpu, vcpu, &guest->port, 0, 0, 50);
    }
    sim_port_look(cpu, vcpu, &guest->port);
    if (guest->step < 5U) {
        guest->step++;
        (void)sim_port_say(cpu, vcpu, &guest->port, bytes, sizeof(bytes));
    } else if (guest->step == 5U && (guest->port.is_open || guests[guest == &guests[0]].done)) {
        sim_port_set_open(cpu, vcpu, &guest->port, false);
        guest->step++;
        guest->done = true;
    }
    if (guests[0].done && guests[1].done && guest->step < 40U) {
        guest->step++;
    }
    return guest->step == 40U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void both_hang_up(uint64_t seed)
{
    run(2, hang_up, seed);
    sim_assert_exit(&sim, "ok", NULL);
}

static void two_that_close_with_much_unread_are_done(void **state)
{
    (void)state;
    sim_under_seeds("virtio-pipe", SEEDS, both_hang_up);
}

/* ---- Lives ------------------------------------------------------------------------------------------------------- */

static unsigned lives_seen, closes_seen;

/** Each life says its stream anew; who hears it may come in the middle, and knows by the first byte where. */
static void live(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, uint64_t round)
{
    uint8_t bytes[SIM_PORT_BUFFER];

    if (round == 0U) {
        closes_seen += guest->port.closes;
        sim_port_start(cpu, vcpu, &guest->port, 0, 4, 100);
        guest->lives++;
        guest->said = 0;
    }
    sim_port_look(cpu, vcpu, &guest->port);
    say_some(cpu, vcpu, guest, UINT32_MAX);
    (void)sim_port_hear(cpu, vcpu, &guest->port, bytes);
    if (test_rng_below(&guest->rng, 40) == 0U) {
        sim_port_set_open(cpu, vcpu, &guest->port, test_rng_below(&guest->rng, 3) != 0U);
    }
}

static enum hv_verdict order_about(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const enum hv_life_command commands[] = {
        HV_LIFE_PAUSE,   HV_LIFE_RESUME, HV_LIFE_RESTART, HV_LIFE_RESTART, HV_LIFE_POWER_OFF,
        HV_LIFE_DESTROY, HV_LIFE_CREATE, HV_LIFE_CREATE,  HV_LIFE_START,   HV_LIFE_START};
    static unsigned asked;
    static bool gone;

    if (!sim_is(vcpu, "boss")) {
        live(cpu, vcpu, guest_of(vcpu), round);
        return HV_RESUME;
    }
    if (round == 0U) {
        asked = 0;
        gone = false;
    }
    if (asked < 80U) {
        if (round % 12U == 0U) { /* it may not be now */
            ASH_DISCARD(hv_life_ask(cpu, (uint32_t)test_rng_below(&guests[0].rng, 2),
                                    commands[test_rng_below(&guests[0].rng, ASH_ARRAY_SIZE(commands))],
                                    NULL));
            asked++;
        }
        return HV_RESUME;
    }
    if (!gone) {
        gone = sim_destroy_all(cpu, 0, 2);
        return HV_RESUME;
    }
    /* There again, so that what they take can be compared with what they took at first. */
    for (uint32_t i = 0; i < 2U; i++) {
        ASH_DISCARD(hv_life_ask(cpu, i, HV_LIFE_CREATE, NULL));
    }
    return hv_life_state(cpu->hv, 0) == HV_LIFE_OFF && hv_life_state(cpu->hv, 1) == HV_LIFE_OFF
               ? sim_off(cpu, vcpu)
               : HV_RESUME;
}

static void lives_go_by(uint64_t seed)
{
    run(3, order_about, seed);
    lives_seen += guests[0].lives + guests[1].lives;
}

static void either_end_can_be_paused_restarted_and_destroyed(void **state)
{
    (void)state;
    lives_seen = closes_seen = 0;
    sim_under_seeds("virtio-pipe", SEEDS, lives_go_by);
    assert_true(lives_seen > 100U && closes_seen > 20U);
}

/** "two" goes and comes; "one", which is up all the time, sees each of its lives. */
static enum hv_verdict outlive(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    uint8_t bytes[SIM_PORT_BUFFER];

    if (round == 0U) {
        sim_port_start(cpu, vcpu, &guest->port, 0, 4, 100);
        guest->lives++;
    }
    sim_port_look(cpu, vcpu, &guest->port);
    if (guest == &guests[1]) {
        (void)sim_port_say(cpu, vcpu, &guest->port, "alive", 5);
        return guests[0].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (sim_port_hear(cpu, vcpu, &guest->port, bytes) > 0U && guest->port.opens > guest->step) {
        guest->step++;
        if (guest->step == 4U) {
            assert_int_equal(guest->port.closes, 3);
            guest->done = true;
            return sim_off(cpu, vcpu);
        }
        assert_int_equal(hv_life_ask(cpu, 1, HV_LIFE_RESTART, NULL), ASH_OK);
    }
    return HV_RESUME;
}

static void lives_are_seen(uint64_t seed)
{
    run(2, outlive, seed);
    assert_int_equal(guests[1].lives, 4);
}

static void a_restart_is_a_close_and_an_open_to_the_other(void **state)
{
    (void)state;
    sim_under_seeds("virtio-pipe", SEEDS, lives_are_seen);
}

/* ---- Enemies ----------------------------------------------------------------------------------------------------- */

/** Messages that mean nothing, buffers of a byte, many of them empty; "two" is one, and "one" gets what is said. */
static enum hv_verdict annoy(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    uint8_t byte[SIM_PORT_BUFFER];

    if (round == 0U) {
        sim_port_start(cpu, vcpu, &guest->port, 0, 12, guest == &guests[0] ? 64 : 1);
    }
    sim_port_look(cpu, vcpu, &guest->port);
    if (guest == &guests[0]) {
        say_some(cpu, vcpu, guest, STREAM);
        (void)sim_port_hear(cpu, vcpu, &guest->port, byte);
        return guests[1].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (test_rng_below(&guest->rng, 4) == 0U) {
        sim_port_tell(cpu, vcpu, &guest->port, (uint32_t)test_rng_below(&guest->rng, 4),
                      (uint16_t)test_rng_below(&guest->rng, 10), (uint16_t)test_rng_below(&guest->rng, 2));
    }
    if (test_rng_below(&guest->rng, 30) == 0U) {
        sim_port_start(cpu, vcpu, &guest->port, 0, 12, 1); /* the driver begins again, in mid-byte */
        guest->lives++;
    }
    (void)sim_port_say(cpu, vcpu, &guest->port, byte, 1);
    guest->heard += sim_port_hear(cpu, vcpu, &guest->port, byte);
    if (guest->heard > 300U && guest->lives > 20U) {
        guest->done = true;
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static void be_annoyed(uint64_t seed)
{
    run(2, annoy, seed);
    sim_assert_exit(&sim, "ok", NULL);
}

static void an_enemy_at_the_other_end_does_no_harm(void **state)
{
    (void)state;
    sim_under_seeds("virtio-pipe", SEEDS, be_annoyed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_each_way_arrives_whole_and_in_order),
        cmocka_unit_test(that_it_was_closed_comes_behind_what_was_said),
        cmocka_unit_test(two_that_close_with_much_unread_are_done),
        cmocka_unit_test(either_end_can_be_paused_restarted_and_destroyed),
        cmocka_unit_test(a_restart_is_a_close_and_an_open_to_the_other),
        cmocka_unit_test(an_enemy_at_the_other_end_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
