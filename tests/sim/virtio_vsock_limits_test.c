/* SPDX-License-Identifier: BSD-2-Clause */
/* What one VM's sockets cost another's: receivers that do not read, or piecemeal, senders that flood, strangers that
 * knock. Each under many seeds. */
#include "glue/virtio.h"
#include "sockets.h"

/* ---- A stranger knocks: a connection that it has nothing to do with is not to be forgotten ----------------------- */

#define KNOCKS 80U /* more than the hub notes of a VM */

static enum answer { REFUSES, IGNORES, ANSWERS } answer;

/** "three" is connected to "four". "five" knocks, and knocks. "four" goes: "three" is to hear of it. */
static enum hv_verdict knock(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet;

    if (round == 0U) {
        start(cpu, vcpu, guest, 6, 64);
    }
    if (guest != &guests[0] && guests[0].done) {
        return sim_off(cpu, vcpu);
    }
    if (guest == &guests[2]) {
        if (guests[0].step == 2U && guest->step < KNOCKS) {
            packet = make(guest, 3, REQUEST, 0);
            packet.src_port = 5000U + guest->step;
            guest->step += send(cpu, vcpu, guest, &packet, NULL) ? 1U : 0U;
        }
        (void)receive(cpu, vcpu, guest, 64);
        return HV_RESUME;
    }
    if (guest == &guests[1]) {
        if (receive(cpu, vcpu, guest, 64) && guest->last.op == REQUEST) {
            packet = make(guest, 3, RESPONSE, 0);
            packet.src_port = 2000;
            packet.dst_port = 1000;
            assert_true(send(cpu, vcpu, guest, &packet, NULL));
        }
        if (guests[0].from == KNOCKS && !guest->done) {
            sim_driver_write(cpu, vcpu, &guest->drv, STATUS, 0);
            guest->done = true;
        }
        return HV_RESUME;
    }
    if (guest->step == 0U && guests[1].up) {
        packet = make(guest, 4, REQUEST, 0);
        guest->step += send(cpu, vcpu, guest, &packet, NULL) ? 1U : 0U;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        if (guest->last.src == 4U) {
            guest->step += guest->last.op == RESPONSE ? 1U : 0U;
            guest->done = guest->last.op == RST;
        } else {
            packet = make(guest, 5, answer == REFUSES ? RST : RESPONSE, 0);
            packet.src_port = guest->last.dst_port;
            packet.dst_port = guest->last.src_port;
            while (answer != IGNORES && !send(cpu, vcpu, guest, &packet, NULL)) {
            }
            guest->from++;
        }
    }
    if (guests[1].done && !guest->done && ++guest->lives > 20000U) {
        fail_msg("\"four\" is gone, and \"three\" does not hear of it");
    }
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_knock(uint64_t seed)
{
    run(3, knock, seed);
}

static void no_stranger_makes_a_connection_be_forgotten(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= ANSWERS; i++) {
        answer = (enum answer)i;
        sim_under_seeds("virtio-vsock", SEEDS / 2U, run_knock);
    }
}

/* ---- A receiver that does not read ------------------------------------------------------------------------------- */

static uint64_t began;

/** "four" gives a buffer and never another. "three" fills its queue with what is for it, then has one for "five". */
static enum hv_verdict crowd(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet;

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[1] ? 1U : 4U, 64);
    }
    if (guest == &guests[1]) {
        return guests[2].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (guest == &guests[2]) {
        (void)receive(cpu, vcpu, guest, 64);
        if (guest->got == 5U) {
            guest->done = true;
            assert_true(hv_arch_ticks() - began < 6U * hv_arch_ticks_per_second()); /* and not ten */
        }
        return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (!guests[1].up || !guests[2].up) {
        return HV_RESUME;
    }
    began = guest->step == 0U ? hv_arch_ticks() : began;
    packet = make(guest, guest->step < SIM_VIRTIO_SIZE + 1U ? 4U : 5U, RW, 5);
    packet.dst_port = guest->step;
    if (guest->step <= SIM_VIRTIO_SIZE + 1U) {
        guest->step += send(cpu, vcpu, guest, &packet, "hello") ? 1U : 0U;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        assert_true(guest->last.op == RST && guest->last.src == 4U);
        assert_int_not_equal(guest->last.src_port, 0); /* that one had a buffer */
    }
    return guests[2].done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_crowd(uint64_t seed)
{
    run(3, crowd, seed);
}

static void a_reader_that_does_not_read_cannot_fill_its_senders_queue(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS / 4U, run_crowd);
}

/** "three" says numbers to "four", which gives no buffers until some were refused. What it reads then is without a gap,
 *  until it is told that the connection is over. */
static enum hv_verdict count_up(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 4, guest->step == 0U ? REQUEST : RW, guest->step == 0U ? 0U : 4U);

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[1] ? 1U : 4U, 64);
    }
    if (guest == &guests[0]) {
        if (guests[1].up && guest->step < 40U) {
            guest->step += send(cpu, vcpu, guest, &packet, &guest->step) ? 1U : 0U;
        }
        (void)receive(cpu, vcpu, guest, 64);
        return guests[1].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (guests[0].resets == 0U) {
        return HV_RESUME;
    }
    if (guest->step == 0U) {
        for (guest->step = 1; guest->step < 8U; guest->step++) {
            sim_driver_offer(vcpu, &guest->drv, RECEIVE, guest->step, buffer(RECEIVE, guest->step), 64, true);
        }
        sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
    }
    if (receive(cpu, vcpu, guest, 64)) {
        uint32_t number = 0;

        if (guest->last.op == RW) {
            memcpy(&number, guest->bytes + guest->got - 4U, sizeof(number));
            assert_int_equal(number, ++guest->from);
        }
        guest->done = guest->last.op == RST;
    }
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_count_up(uint64_t seed)
{
    run(2, count_up, seed);
    assert_true(guests[1].done);
}

static void what_is_refused_leaves_no_gap_in_what_comes_behind_it(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS / 2U, run_count_up);
}

/** "three" has no buffer for a refusal either: that is no reason to look again and again. */
static enum hv_verdict hear_nothing(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    const struct packet packet = make(guest, 4, REQUEST, 0);
    const uint64_t second = hv_arch_ticks_per_second();

    if (round == 0U) {
        start(cpu, vcpu, guest, 0, 64);
        sim_gic_enable(cpu, vcpu);
    }
    if (guest == &guests[0] && guests[1].up && guest->step == 0U) {
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
        guest->step = 1;
        began = hv_arch_ticks();
    }
    if (guest == &guests[0] && guest->step == 1U && hv_arch_ticks() > began + 20U * second) {
        assert_true(vcpu->vm->machine.virtio->device[0].jobs < 10U);
        sim_driver_offer(vcpu, &guest->drv, RECEIVE, 0, buffer(RECEIVE, 0), 64, true);
        sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
        guest->step = 2;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        assert_int_equal(guest->last.op, RST);
        guest->done = true;
    }
    if (guests[0].done) {
        return sim_off(cpu, vcpu);
    }
    if (guest == &guests[0] && guest->step != 1U) {
        return HV_RESUME;
    }
    (void)sim_acknowledge(cpu, vcpu);
    sim_set_timer(vcpu, hv_arch_ticks() + second);
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
}

static void run_hear_nothing(uint64_t seed)
{
    run(2, hear_nothing, seed);
    assert_true(guests[0].done);
}

static void a_refusal_that_finds_no_room_waits_for_it(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS / 4U, run_hear_nothing);
}

/* ---- A receiver that reads piecemeal ----------------------------------------------------------------------------- */

#define PIECES    14U /* of a packet, a byte each */
#define IN_A_TURN 8U

static struct hv_vcpu *reader;

/** On one CPU, so that nothing of "four" runs before the sender's instruction is over. */
static enum hv_verdict cut_small(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 4, RW, PIECES);
    uint32_t id, written;

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[1] ? PIECES : 4U, HEADER + 1U);
    }
    if (guest == &guests[1]) {
        reader = vcpu;
        return guest->got + guest->from == PIECES || guests[0].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (guests[1].up && guest->step == 0U) {
        guest->step = 1;
        assert_true(send(cpu, vcpu, guest, &packet, "fourteen bytes"));
        while (sim_driver_used(reader, &guests[1].drv, RECEIVE, &id, &written)) {
            guests[1].from++;
        }
        assert_int_equal(guests[1].from, IN_A_TURN);
    }
    if (guest->step == 1U && sim_driver_used(vcpu, &guest->drv, TRANSMIT, &id, &written)) {
        while (sim_driver_used(reader, &guests[1].drv, RECEIVE, &id, &written)) {
            guests[1].from++;
        }
        assert_int_equal(guests[1].from, PIECES);
        guest->done = true;
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static void a_packet_that_is_cut_small_is_its_receivers_work(void **state)
{
    (void)state;
    memset(guests, 0, sizeof(guests));
    sim_board(&sim, 1, vms, 2);
    sim_run(&sim, cut_small, 1);
    sim_assert_exit(&sim, "ok", NULL);
    assert_true(guests[0].done);
}

/** hv's shell is asked for a long answer, which has a byte's room in each of PIECES buffers. Between two instructions
 *  of the guest's the device's job makes a step at most. */
static enum hv_verdict ask_much(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 2, guest->step == 0U ? REQUEST : RW, guest->step == 0U ? 0U : 5U);
    uint32_t id, written, count = 0;

    packet.dst_port = 1;
    if (round == 0U) {
        start(cpu, vcpu, guest, PIECES, HEADER + 1U);
        assert_true(send(cpu, vcpu, guest, &packet, NULL));
        guest->step = 1;
    } else if (guest->step == 1U && receive(cpu, vcpu, guest, HEADER + 1U)) {
        if (guest->got == sizeof("ashlar> ") - 1U) { /* all of its greeting: as many buffers as at first */
            assert_true(send(cpu, vcpu, guest, &packet, "help\n"));
            guest->step = 2;
        }
    } else if (guest->step == 2U) {
        while (sim_driver_used(vcpu, &guest->drv, RECEIVE, &id, &written)) {
            count++;
        }
        assert_true(count <= IN_A_TURN);
        guest->from += count;
        guest->done = guest->from == PIECES;
    }
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void an_answer_that_is_cut_small_takes_turns(void **state)
{
    (void)state;
    memset(guests, 0, sizeof(guests));
    sim_board(&sim, 1, vms, 1);
    sim_run(&sim, ask_much, 1);
    assert_true(guests[0].done);
}

/* ---- A sender that floods ---------------------------------------------------------------------------------------- */

/** "five" keeps "four" without buffers; what "three" has for it comes through all the same, and soon. */
static enum hv_verdict flood(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    struct packet packet = make(guest, 4, RW, 5);

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[1] ? 1U : 4U, 64);
    }
    if (guest != &guests[1] && guests[1].done) {
        return sim_off(cpu, vcpu);
    }
    if (guest == &guests[2]) {
        while (guests[1].up && send(cpu, vcpu, guest, &packet, "flood")) {
            guest->step++;
        }
        return HV_RESUME;
    }
    if (guest == &guests[0]) {
        if (guest->step < 20U && guests[2].step > 100U && guests[1].step == guest->step &&
            send(cpu, vcpu, guest, &packet, "hello")) {
            guest->step++;
            guest->from = guests[1].lives;
        }
        return HV_RESUME;
    }
    if (receive(cpu, vcpu, guest, 64)) {
        guest->got = 0;
        guest->lives++;
        if (guest->last.src == 3U) {
            guest->step++;
        }
    }
    if (guests[0].step > guest->step) {
        assert_true(guest->lives - guests[0].from <= 2U * SIM_VIRTIO_SIZE + 2U);
    }
    guest->done = guest->step == 20U;
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_flood(uint64_t seed)
{
    run(3, flood, seed);
}

static void who_floods_a_receiver_does_not_keep_others_from_it(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_flood);
}

/** "three" waits, "four" offers buffers and does not say so yet, "five" sends. */
static enum hv_verdict queue_up(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    const struct packet packet = make(guest, 4, REQUEST, 0);

    if (round == 0U) {
        start(cpu, vcpu, guest, guest == &guests[1] ? 0U : 4U, 64);
    }
    if (guest != &guests[1]) {
        const bool may = guest == &guests[0] ? guests[1].up : guests[1].step == 1U;

        guest->step += may && guest->step == 0U && send(cpu, vcpu, guest, &packet, NULL) ? 1U : 0U;
        return guests[1].done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (guest->step == 0U && guests[0].step == 1U) {
        sim_driver_offer(vcpu, &guest->drv, RECEIVE, 0, buffer(RECEIVE, 0), 64, true);
        sim_driver_offer(vcpu, &guest->drv, RECEIVE, 1, buffer(RECEIVE, 1), 64, true);
        guest->step = 1;
    } else if (guest->step == 1U && guests[2].step == 1U) {
        sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
        guest->step = 2;
    } else if (guest->step >= 2U && receive(cpu, vcpu, guest, 64)) {
        assert_int_equal(guest->last.src, guest->step == 2U ? 3 : 5);
        guest->done = ++guest->step == 4U;
    }
    return guest->done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_queue_up(uint64_t seed)
{
    run(3, queue_up, seed);
}

static void who_has_waited_for_longest_goes_first(void **state)
{
    (void)state;
    sim_under_seeds("virtio-vsock", SEEDS, run_queue_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stranger_makes_a_connection_be_forgotten),
        cmocka_unit_test(a_reader_that_does_not_read_cannot_fill_its_senders_queue),
        cmocka_unit_test(what_is_refused_leaves_no_gap_in_what_comes_behind_it),
        cmocka_unit_test(a_refusal_that_finds_no_room_waits_for_it),
        cmocka_unit_test(a_packet_that_is_cut_small_is_its_receivers_work),
        cmocka_unit_test(an_answer_that_is_cut_small_takes_turns),
        cmocka_unit_test(who_floods_a_receiver_does_not_keep_others_from_it),
        cmocka_unit_test(who_has_waited_for_longest_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
