/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between VMs: the hub hands on what is for somebody, refuses the rest, loses nothing, and tells an end whose
 * peer is gone. The drivers write packets by hand (VIRTIO 1.2, 5.10.6). Each under many seeds. */
#include <stdio.h>
#include <stdlib.h>

#include "sockets.h"

static unsigned char byte_at(uint32_t at)
{
    return (unsigned char)(at * 31U + at / 251U);
}

/* ---- A stream ---------------------------------------------------------------------------------------------------- */

/** Sends as fast as its queue takes, whatever the credit: what has no room waits. */
static enum hv_verdict stream_out(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest)
{
    unsigned char payload[1500];
    struct packet packet;

    if (guest->step == 0U) {
        packet = make(guest, 4, REQUEST, 0);
        guest->step += send(cpu, vcpu, guest, &packet, NULL) ? 1U : 0U;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        assert_true(guest->last.src == 4U && guest->last.src_port == 2000U && guest->last.dst_port == 1000U);
        guest->step += guest->last.op == RESPONSE ? 1U : 0U;
    }
    if (guest->step == 2U && guest->sent < STREAM) {
        uint32_t length = 1U + guest->sent * 7U % 1499U;

        length = length < STREAM - guest->sent ? length : STREAM - guest->sent;
        for (uint32_t i = 0; i < length; i++) {
            payload[i] = byte_at(guest->sent + i);
        }
        packet = make(guest, 4, RW, length);
        guest->sent += send(cpu, vcpu, guest, &packet, payload) ? length : 0U;
    } else if (guest->step == 2U) {
        packet = make(guest, 4, SHUTDOWN, 0);
        packet.flags = 3;
        guest->step += send(cpu, vcpu, guest, &packet, NULL) ? 1U : 0U;
    }
    return guest->resets > 0U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static enum hv_verdict stream_in(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest,
                                 uint64_t round)
{
    struct packet answer = {.op = 0};

    if (round % 3U != 0U || !receive(cpu, vcpu, guest, 300)) {
        return HV_RESUME;
    }
    if (guest->last.op == REQUEST) {
        answer = make(guest, 3, RESPONSE, 0);
    } else if (guest->last.op == SHUTDOWN) {
        answer = make(guest, 3, RST, 0);
    }
    answer.src_port = 2000;
    answer.dst_port = 1000;
    if (answer.op != 0U) {
        assert_true(send(cpu, vcpu, guest, &answer, NULL));
    }
    return answer.op == RST ? sim_off(cpu, vcpu) : HV_RESUME;
}

static enum hv_verdict stream(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[0] ? 4U : 6U, guest == &guests[0] ? 64U : 300U);
    }
    /* The one that is asked has to be there. */
    if (guest == &guests[0] && !guests[1].up) {
        return HV_RESUME;
    }
    return guest == &guests[0] ? stream_out(cpu, vcpu, guest) : stream_in(cpu, vcpu, guest, round);
}

static void run_stream(uint64_t seed)
{
    run(2, stream, seed);
    assert_int_equal(guests[1].got, STREAM);
    for (uint32_t i = 0; i < STREAM; i++) {
        assert_int_equal(guests[1].bytes[i], byte_at(i));
    }
    assert_int_equal(guests[0].resets, 1);
}

static void a_stream_arrives_whole_however_slow_its_reader(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_stream);
}

/* ---- Nobody there ------------------------------------------------------------------------------------------------ */

/** To the host, to nobody, to a VM whose driver is not up, with a source that is not its own; an RST. */
static enum hv_verdict knock(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const uint64_t doors[] = {2, 77, 4, 2}; /* of the host's only port 1 is anybody's */
    struct guest *guest = guest_of(vcpu);
    struct packet packet;

    if (guest == &guests[1]) {
        return guests[0].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (round == 0U) {
        start(cpu, vcpu, guest, 4, 64);
        packet = make(guest, 77, RST, 0); /* unanswered */
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
        packet = make(guest, 77, REQUEST, 0);
        packet.src = 5; /* not its own: unanswered */
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
    }
    if (guest->step < ASH_ARRAY_SIZE(doors)) {
        packet =
            make(guest, doors[guest->step], guest->step == 3U ? RW : REQUEST, guest->step == 3U ? 5U : 0U);
        packet.dst_port = 70U + guest->step;
        guest->step += send(cpu, vcpu, guest, &packet, "hello") ? 1U : 0U;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        assert_int_equal(guest->last.op, RST);
        assert_int_equal(guest->last.src, doors[guest->resets - 1U]);
        assert_int_equal(guest->last.src_port, 70U + guest->resets - 1U);
        assert_int_equal(guest->last.dst_port, 1000);
    }
    guest->done = guest->resets == ASH_ARRAY_SIZE(doors);
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_knock(uint64_t seed)
{
    run(2, knock, seed);
    assert_int_equal(guests[0].resets, 4);
}

static void what_is_for_nobody_is_refused_once(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_knock);
}

/* ---- A peer that goes -------------------------------------------------------------------------------------------- */

static enum how_it_goes { RESETS, IS_OFF, IS_DESTROYED, HOWS } how;

/** "three" is connected to "four", says nothing, and hears that it is gone. */
static enum hv_verdict lose_a_peer(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet;

    if (round == 0U) {
        start(cpu, vcpu, guest, 4, 64);
    }
    if (guest == &guests[1]) {
        if (receive(cpu, vcpu, guest, 64) && guest->last.op == REQUEST) {
            packet = make(guest, 3, RESPONSE, 0);
            packet.src_port = 2000;
            packet.dst_port = 1000;
            assert_true(send(cpu, vcpu, guest, &packet, NULL));
        }
        if (guests[0].step == 2U && !guest->done && how == RESETS) {
            sim_driver_write(cpu, vcpu, &guest->drv, STATUS, 0);
            guest->done = true;
        }
        return (guests[0].step == 2U && how == IS_OFF) || guests[0].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (guest->step == 0U && guests[1].up) {
        packet = make(guest, 4, REQUEST, 0);
        guest->step += send(cpu, vcpu, guest, &packet, NULL) ? 1U : 0U;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        assert_true(guest->last.src == 4U && guest->last.src_port == 2000U && guest->last.dst_port == 1000U);
        guest->step += guest->last.op == RESPONSE ? 1U : 0U;
    }
    if (guest->step == 2U && how == IS_DESTROYED && !guest->done) {
        ASH_DISCARD(hv_life_ask(cpu, 1, HV_LIFE_DESTROY, NULL)); /* or it is on its way */
    }
    guest->done = guest->done || guest->resets > 0U;
    if (guest->done && how == IS_DESTROYED) {
        ASH_DISCARD(hv_life_ask(cpu, 1, HV_LIFE_CREATE, NULL)); /* to have everything that it had at first */
        return hv_life_state(cpu->hv, 1) == HV_LIFE_OFF ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_lose(uint64_t seed)
{
    run(2, lose_a_peer, seed);
    assert_int_equal(guests[0].resets, 1);
}

static void an_end_hears_that_its_peer_is_gone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOWS; i++) {
        how = (enum how_it_goes)i;
        sim_under_seeds("virtio-vsock", SEEDS, run_lose);
    }
}

/* ---- A reader that does not read --------------------------------------------------------------------------------- */

/** "four" has one buffer and never another; "three" writes to it, and to "five", which answers. */
static enum hv_verdict ignore(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet;

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[1] ? 1U : 4U, 64);
        if (guest == &guests[0]) {
            sim_gic_enable(cpu, vcpu);
            (void)sim_device(cpu, vcpu, vcpu->vm->machine.layout.gicd.value + 0x084U, true,
                             ~0U); /* GICD_IGROUPR1 */
            (void)sim_device(cpu, vcpu, vcpu->vm->machine.layout.gicd.value + 0x104U, true,
                             1U << (VSOCK - 32U));
        }
    }
    if (guest == &guests[1] && guests[0].done) {
        return sim_off(cpu, vcpu);
    }
    if (guest == &guests[1]) {
        sim_gic_enable(cpu, vcpu);
        (void)sim_acknowledge(cpu, vcpu);
        sim_set_timer(vcpu, hv_arch_ticks() + 2U * hv_arch_ticks_per_second());
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
    }
    if (guest == &guests[2]) {
        (void)receive(cpu, vcpu, guest, 64);
        return guest->got >= 5U ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (!guests[1].up || !guests[2].up) {
        return HV_RESUME;
    }
    if (guest->step < 6U) {
        packet = make(guest, guest->step < 5U ? 4U : 5U, RW, 5);
        packet.dst_port = guest->step;
        guest->step += send(cpu, vcpu, guest, &packet, "hello") ? 1U : 0U;
        return HV_RESUME;
    }
    (void)sim_acknowledge(cpu, vcpu);
    while (receive(cpu, vcpu, guest, 64)) {
        assert_true(guest->last.op == RST && guest->last.src == 4U);
        assert_int_equal(guest->last.src_port,
                         guest->resets); /* the first one found a buffer, then in their order */
    }
    if (guest->resets == 4U) {
        guest->done = true;
        return sim_off(cpu, vcpu);
    }
    sim_driver_write(cpu, vcpu, &guest->drv, 0x64, 3);
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
}

static void run_ignore(uint64_t seed)
{
    run(3, ignore, seed);
    assert_int_equal(guests[2].got, 5);
    assert_int_equal(guests[0].resets, 4);
}

static void a_reader_that_does_not_read_holds_up_nobody_else_and_not_for_ever(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_ignore);
}

/* ---- A sender that resets its driver ---------------------------------------------------------------------------- */

/** What "three" sent before found no buffer; "four" gives one when that driver has come up again and has sent more. */
static enum hv_verdict think_again(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 4, REQUEST, 0);

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[0] ? 4U : 0U, 64);
    }
    if (guest == &guests[0] && guests[1].up && guest->step < 2U) {
        packet.src_port = 10U + guest->step;
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
        if (guest->step++ == 0U) {
            start(cpu, vcpu, guest, 4, 64);
        }
    }
    if (guest == &guests[1] && guests[0].step == 2U && !guest->done) {
        guest->done = true;
        sim_driver_offer(vcpu, &guest->drv, RECEIVE, 0, buffer(RECEIVE, 0), 64, true);
        sim_driver_offer(vcpu, &guest->drv, RECEIVE, 1, buffer(RECEIVE, 1), 64, true);
        sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
    }
    if (guest == &guests[1] && receive(cpu, vcpu, guest, 64)) {
        assert_int_equal(guest->last.src_port, 11);
        guest->step = 1;
    }
    return guests[1].step == 1U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_think_again(uint64_t seed)
{
    run(2, think_again, seed);
}

static void a_packet_of_before_a_reset_is_not_seen(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_think_again);
}

/* ---- hv's shell -------------------------------------------------------------------------------------------------- */

#define CREDIT 100U /* bytes of the shell's that the guest takes at a time */

/** What is sent, and the last of what is to come back. */
static const struct talk {
    const char *say, *hear;
} mine[] = {{NULL, "ashlar> "},
            {"vm show three\r\n", "state                 running"},
            {"vm devices three --json\n", "virtio_vsock"},
            {"\n", "ashlar> "},
            {"vm list\n", "that is for the manager; allowed: help version;"},
            {"vm off four\n", "that is for the manager"},
            {"vm pause three\n", "that is for the manager"},
            {"vm attach three\n", "that is for the manager"},
            {"log level errors\n", "that is for the manager"},
            {"help\n", "vm show VM"},
            {"nonsense\n", "there is no command nonsense"}},
  managers[] = {{NULL, "ashlar> "},
                {"vm list --json\n", "\"name\": \"four\""},
                {"vm pause four\n", "asked                 pause"},
                {"vm resume four\n", "state"}};

static const struct talk *talk;
static unsigned talks;

/** One line after the other, each when the answer of the last has come with its prompt. */
static enum hv_verdict converse(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 2, REQUEST, 0);
    uint32_t before = guest->got;

    if (guest == &guests[1]) {
        return guests[0].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    packet.dst_port = 1;
    packet.buf_alloc = CREDIT;
    if (round == 0U) {
        start(cpu, vcpu, guest, 8, 200);
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
    }
    if (receive(cpu, vcpu, guest, 200)) {
        assert_true(guest->last.src == 2U && guest->last.src_port == 1U && guest->last.dst_port == 1000U);
        assert_true(guest->step > 0U || guest->last.op == RESPONSE);
        assert_int_not_equal(guest->last.op, RST);
        guest->step = 1;
        assert_true(guest->got - guest->sent <= CREDIT); /* sent: what it was told that we have */
    }
    if (guest->got != before && guest->got - guest->sent >= CREDIT / 2U) {
        packet = make(guest, 2, CREDIT_UPDATE, 0);
        packet.dst_port = 1;
        packet.buf_alloc = CREDIT;
        guest->sent = send(cpu, vcpu, guest, &packet, NULL) ? guest->got : guest->sent;
    }
    if (guest->got >= guest->from + 8U && memcmp(guest->bytes + guest->got - 8U, "ashlar> ", 8) == 0) {
        guest->bytes[guest->got] = '\0';
        if (strstr((const char *)guest->bytes + guest->from, talk[guest->lives].hear) == NULL) {
            fail_msg("not in the answer: %s\n%s", talk[guest->lives].hear,
                     (const char *)guest->bytes + guest->from);
        }
        if (++guest->lives == talks) {
            guest->done = true;
            return sim_off(cpu, vcpu);
        }
        packet = make(guest, 2, RW, (uint32_t)strlen(talk[guest->lives].say));
        packet.dst_port = 1;
        packet.buf_alloc = CREDIT;
        assert_true(send(cpu, vcpu, guest, &packet, talk[guest->lives].say));
        guest->sent = guest->got;
        guest->from = guest->got;
    }
    return HV_RESUME;
}

static void run_conversation(uint64_t seed)
{
    struct sim_vm two[2] = {vms[0], vms[1]};

    two[0].manager = talk == managers;
    memset(guests, 0, sizeof(guests));
    sim_board(&sim, 2, two, 2);
    sim_run(&sim, converse, seed);
    assert_int_equal(guests[0].lives, talks);
}

static void a_vm_asks_about_itself_and_no_more(void **state)
{
    (void)state;
    talk = mine;
    talks = ASH_ARRAY_SIZE(mine);
    sim_under_seeds("virtio-vsock", SEEDS, run_conversation);
}

static void the_manager_may_all(void **state)
{
    (void)state;
    talk = managers;
    talks = ASH_ARRAY_SIZE(managers);
    sim_under_seeds("virtio-vsock", SEEDS, run_conversation);
}

/** A command and nothing more (shutdown() of the sending side): the answer comes, and then the end. */
static enum hv_verdict ask_once(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 2, REQUEST, 0);

    packet.dst_port = 1;
    if (round == 0U) {
        start(cpu, vcpu, guest, 3, 70);
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
    }
    if (receive(cpu, vcpu, guest, 70) && guest->last.op == RESPONSE) {
        packet.op = RW;
        packet.length = 24;
        assert_true(send(cpu, vcpu, guest, &packet, "vm show three\nvm show 77"));
        packet.op = SHUTDOWN;
        packet.length = 0;
        packet.flags = 2;
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
    }
    if (guest->last.op != SHUTDOWN) {
        return HV_RESUME;
    }
    assert_int_equal(guest->last.flags, 3);
    assert_non_null(strstr((const char *)guest->bytes, "name                  three"));
    assert_non_null(strstr((const char *)guest->bytes, "there is no VM 77"));
    packet.op = RST;
    assert_true(send(cpu, vcpu, guest, &packet, NULL));
    return sim_off(cpu, vcpu);
}

static void run_ask_once(uint64_t seed)
{
    run(1, ask_once, seed);
}

static void who_says_no_more_is_answered_and_then_it_ends(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_ask_once);
}

/** More than there is credit for, a second connection, another port, SHUTDOWN: RST, and the next connection is good. */
static enum hv_verdict misbehave(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const uint16_t ops[] = {REQUEST, REQUEST, RW, RW, REQUEST, SHUTDOWN, RW, REQUEST};
    static const uint32_t ports[] = {1, 1, 9, 1, 1, 1, 1, 1};
    static const uint32_t own[] = {1000, 1001, 1000, 1000, 1000, 1000, 1000, 1000};
    static const uint32_t lengths[] = {0, 0, 1, 1025, 0, 0, 1, 0};
    static const bool refused[] = {false, true, true, true, false, true, true, false};
    static const char text[1025];
    struct guest *guest = guest_of(vcpu);
    struct packet packet;

    if (round == 0U) {
        start(cpu, vcpu, guest, 8, 64);
    }
    if (guest->step < ASH_ARRAY_SIZE(ops) && guest->sent == guest->step) {
        packet = make(guest, 2, ops[guest->step], lengths[guest->step]);
        packet.dst_port = ports[guest->step];
        packet.src_port = own[guest->step];
        packet.flags = packet.op == SHUTDOWN ? 3U : 0U;
        guest->sent += send(cpu, vcpu, guest, &packet, text) ? 1U : 0U;
    }
    if (receive(cpu, vcpu, guest, 64) && guest->last.op != RW) {
        assert_int_equal(guest->last.op, refused[guest->step] ? RST : RESPONSE);
        assert_int_equal(guest->last.dst_port, own[guest->step]);
        guest->step++;
    }
    return guest->step == ASH_ARRAY_SIZE(ops) ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_misbehave(uint64_t seed)
{
    run(1, misbehave, seed);
}

static void who_does_not_keep_to_the_rules_is_reset_and_may_come_again(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_misbehave);
}

/* ---- Any packet at any time, in every life ----------------------------------------------------------------------- */

static uint32_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525U + 1013904223U;
    return (dice >> 8) % sides;
}

static enum hv_verdict rampage(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const enum hv_life_command lives[] = {HV_LIFE_PAUSE,     HV_LIFE_RESUME,  HV_LIFE_RESTART,
                                                 HV_LIFE_POWER_OFF, HV_LIFE_DESTROY, HV_LIFE_CREATE,
                                                 HV_LIFE_START};
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 2U + roll(4), (uint16_t)roll(9), 0);

    if (guest == &guests[2] && guest->step >= 60U) {
        guest->done = guest->done || sim_destroy_all(cpu, 0, 2);
        if (!guest->done) {
            return HV_RESUME;
        }
        ASH_DISCARD(hv_life_ask(cpu, 0, HV_LIFE_CREATE, NULL));
        ASH_DISCARD(hv_life_ask(cpu, 1, HV_LIFE_CREATE, NULL));
        return hv_life_state(cpu->hv, 0) == HV_LIFE_OFF && hv_life_state(cpu->hv, 1) == HV_LIFE_OFF
                   ? sim_off(cpu, vcpu)
                   : HV_RESUME;
    }
    if (round == 0U || roll(60) == 0U) {
        guest->lives++;
        guest->got = 0;
        start(cpu, vcpu, guest, 1U + roll(8), 44U + roll(300));
    }
    packet.length = packet.op == RW ? roll(1000) : 0U;
    packet.src_port = roll(3);
    packet.dst_port = roll(3);
    packet.type = (uint16_t)(1U + roll(2));
    (void)send(cpu, vcpu, guest, &packet, guest->bytes);
    if (roll(2) == 0U) {
        uint32_t id, written;

        if (sim_driver_used(vcpu, &guest->drv, RECEIVE, &id, &written)) {
            sim_driver_offer(vcpu, &guest->drv, RECEIVE, id, buffer(RECEIVE, id), 44U + roll(300), true);
            sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
        }
    }
    if (guest == &guests[2] && roll(8) == 0U) {
        ASH_DISCARD(
            hv_life_ask(cpu, roll(2), lives[roll(ASH_ARRAY_SIZE(lives))], NULL)); /* or it may not be */
        guest->step++;
    }
    return HV_RESUME;
}

static uint32_t lives_seen;

static void run_rampage(uint64_t seed)
{
    dice = (uint32_t)seed;
    run(3, rampage, seed);
    lives_seen += guests[0].lives + guests[1].lives;
}

static void any_packet_in_every_life_harms_nobody(void **state)
{
    (void)state;
    lives_seen = 0;
    sim_under_seeds("virtio-vsock", SEEDS, run_rampage);
    assert_true(lives_seen > 100U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_arrives_whole_however_slow_its_reader),
        cmocka_unit_test(what_is_for_nobody_is_refused_once),
        cmocka_unit_test(an_end_hears_that_its_peer_is_gone),
        cmocka_unit_test(a_reader_that_does_not_read_holds_up_nobody_else_and_not_for_ever),
        cmocka_unit_test(a_packet_of_before_a_reset_is_not_seen),
        cmocka_unit_test(a_vm_asks_about_itself_and_no_more),
        cmocka_unit_test(the_manager_may_all),
        cmocka_unit_test(who_says_no_more_is_answered_and_then_it_ends),
        cmocka_unit_test(who_does_not_keep_to_the_rules_is_reset_and_may_come_again),
        cmocka_unit_test(any_packet_in_every_life_harms_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
