/* SPDX-License-Identifier: BSD-2-Clause */
/* What a frame costs those who share the switch: what its receiver's buffers are made of, and how finely it is to be
 * cut, is its parties' choice, and has a bound. */
#include <string.h>

#include <libvirtio/net.h>

#include "core/guest_memory.h"
#include "glue/virtio.h"
#include "stations.h"

#define TABLES  UINT64_C(0x180000) /* of RAM: an indirect table for each of Bob's buffers */
#define CONTROL (RINGS + 2U * SIM_QUEUE_BYTES)

static struct {
    uint64_t features; /* of Bob */
    void (*prepare)(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station);
    void (*send)(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station);
    bool is_said;
} plan;

static const struct ash_virtio_net *device_of(unsigned vm)
{
    return (const struct ash_virtio_net *)(void *)sim.hv.vm[vm]->machine.virtio->device[0].virtio;
}

/* Bob's driver, whose buffers are there before the device looks. */
static void open_bob(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    const uint64_t device = sim_virtio(0);

    station->vm = BOB;
    sim_driver_begin(cpu, vcpu, device, plan.features);
    sim_driver_queue(cpu, vcpu, &station->rx, device, 0, RINGS);
    sim_driver_queue(cpu, vcpu, &station->tx, device, 1, RINGS + SIM_QUEUE_BYTES);
    plan.prepare(cpu, vcpu, station);
    station->is_open = true;
}

/** Alice sends what is planned, once, and it has come to an end. */
static enum hv_verdict carry_out(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = who_is(vcpu);
    struct station *station = &stations[me];

    assert_true(round < TIMEOUT);
    if (!station->is_open && me == BOB) {
        open_bob(cpu, vcpu, station);
    } else if (!station->is_open) {
        open_station(cpu, vcpu, me, ALL);
    } else if (me == ALICE && stations[BOB].is_open && !plan.is_said) {
        plan.send(cpu, vcpu, station);
        plan.is_said = true;
    }
    reap(vcpu, station);
    return plan.is_said && stations[ALICE].in_flight == 0U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void run_plan(void)
{
    plan.is_said = false;
    board(2);
    sim_run(&sim, carry_out, 1);
    sim_assert_exit(&sim, "ok", NULL);
}

/* ---- Buffers of nothing ------------------------------------------------------------------------------------------ */

/* VIRTIO 1.2, 2.7.5. */
struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

#define HOLLOW   64U /* elements of a chain: all empty but the last */
#define NEXT     1U
#define WRITE    2U
#define INDIRECT 4U

static void give_hollow_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    struct descriptor table[HOLLOW];

    for (unsigned i = 0; i < HOLLOW; i++) {
        table[i] = (struct descriptor){.flags = NEXT | WRITE, .next = (uint16_t)(i + 1U)};
    }
    table[HOLLOW - 1U] = (struct descriptor){sim_ram(vcpu, BUFFERS), HEADER, WRITE, 0};
    for (unsigned n = 0; n < SIM_QUEUE_SIZE; n++) {
        const uint64_t at = sim_ram(vcpu, TABLES + sizeof(table) * n);
        const struct descriptor one = {at, sizeof(table), INDIRECT, 0};
        const struct sim_segment segment = {at, sizeof(table), false};

        assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), table, sizeof(table)), ASH_OK);
        sim_queue_offer(vcpu, &station->rx, n, &segment, 1);
        assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(station->rx.at + 16U * n), &one, sizeof(one)),
                         ASH_OK);
    }
    sim_driver_ok(cpu, vcpu, sim_virtio(0));
}

static void shout_many_times(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    static const uint8_t everybody[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

    for (unsigned i = 0; i < 100U; i++) {
        assert_true(send_to(cpu, vcpu, station, everybody, 1500));
        reap(vcpu, station);
    }
}

static void a_receivers_hollow_buffers_are_looked_at_once(void **state)
{
    (void)state;
    plan.features = MERGEABLE | UINT64_C(1) << 28;
    plan.prepare = give_hollow_buffers;
    plan.send = shout_many_times;
    run_plan();
    assert_int_equal(counted(BOB, HV_VSWITCH_FULL), 100);
    assert_int_equal(device_of(BOB)->elements, ASH_VIRTIO_NET_ELEMENTS_MAX);
}

/* Each smaller than the one before, so that each is worth a look: one kick for all. */
static void shout_ever_smaller(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    static const uint8_t everybody[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

    for (unsigned i = 0; i < 12U; i++) {
        make_frame(scratch, ALICE, everybody, i, 1000U - i);
        add_frame(vcpu, station, plain, scratch, 1000U - i);
    }
    sim_queue_kick(cpu, vcpu, &station->tx);
}

static void each_look_counts(void **state)
{
    (void)state;
    plan.features = MERGEABLE | UINT64_C(1) << 28;
    plan.prepare = give_hollow_buffers;
    plan.send = shout_ever_smaller;
    run_plan();
    assert_int_equal(counted(BOB, HV_VSWITCH_FULL), 12);
    assert_int_equal(device_of(BOB)->elements, 12U * ASH_VIRTIO_NET_ELEMENTS_MAX);
    assert_true(stations[ALICE].tx.notices >= 3U); /* 8 KiB of looks each: four are a turn */
}

/* ---- Frames in crumbs -------------------------------------------------------------------------------------------- */

#define TCP_AT     34U
#define PAYLOAD_AT 54U
#define CRUMBS     60U /* bytes of payload, each to be a frame */
#define FRAMES     2U

static void make_tcp(unsigned char *bytes)
{
    memset(bytes, 0, PAYLOAD_AT + CRUMBS);
    mac_of(BOB, bytes);
    mac_of(ALICE, bytes + 6);
    bytes[12] = 0x08;
    bytes[14] = 0x45;
    bytes[14 + 9] = 6;
    bytes[TCP_AT + 12U] = 0x50;
}

/* One kick for them; how often its instruction runs is how many turns it takes. */
static void send_crumbs(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    static const unsigned char header[HEADER] = {1, 1, PAYLOAD_AT, 0, 1, 0, TCP_AT, 0, 16, 0};

    make_tcp(scratch);
    for (unsigned i = 0; i < FRAMES; i++) {
        add_frame(vcpu, station, header, scratch, PAYLOAD_AT + CRUMBS);
    }
    sim_queue_kick(cpu, vcpu, &station->tx);
}

static void give_many_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    sim_driver_ok(cpu, vcpu, sim_virtio(0));
    give_buffers(cpu, vcpu, station, FRAMES * CRUMBS);
}

static void each_frame_that_is_cut_out_counts(void **state)
{
    (void)state;
    plan.features = 0;
    plan.prepare = give_many_buffers;
    plan.send = send_crumbs;
    run_plan();
    assert_int_equal(counted(BOB, HV_VSWITCH_OUT), FRAMES);
    assert_int_equal(device_of(BOB)->elements, FRAMES * CRUMBS);
    assert_true(stations[ALICE].tx.notices >= FRAMES); /* 60 x 512 bytes and more are a turn */
}

/* 5.1.6.5.1: class 0 is the filter's modes. */
static void set_mode(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *control, unsigned char mode,
                     unsigned char on)
{
    const unsigned char command[3] = {0, mode, on};
    const uint64_t at = sim_ram(vcpu, SENDING);
    const struct sim_segment segments[2] = {{at, sizeof(command), false}, {at + 16U, 1, true}};
    uint32_t head, length;

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), command, sizeof(command)), ASH_OK);
    (void)sim_queue_add(vcpu, control, segments, 2);
    sim_queue_kick(cpu, vcpu, control);
    assert_true(sim_queue_used(vcpu, control, &head, &length));
}

static void want_nothing(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    struct sim_queue control;

    sim_driver_queue(cpu, vcpu, &control, sim_virtio(0), 2, CONTROL);
    give_many_buffers(cpu, vcpu, station);
    set_mode(cpu, vcpu, &control, 0, 0); /* not promiscuous */
    set_mode(cpu, vcpu, &control, 4, 1); /* no unicast */
}

static void what_nobody_wants_is_not_cut(void **state)
{
    (void)state;
    plan.features = UINT64_C(0x160000); /* CTRL_VQ, CTRL_RX, CTRL_RX_EXTRA */
    plan.prepare = want_nothing;
    plan.send = send_crumbs;
    run_plan();
    assert_int_equal(device_of(BOB)->filtered, FRAMES);
    assert_int_equal(device_of(BOB)->elements, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receivers_hollow_buffers_are_looked_at_once),
        cmocka_unit_test(each_look_counts),
        cmocka_unit_test(each_frame_that_is_cut_out_counts),
        cmocka_unit_test(what_nobody_wants_is_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
