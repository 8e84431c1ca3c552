/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices with several queue pairs: a conversation's frames come where its driver sent last, in order and
 * whole; one queue's frame that has to wait, or its reset, is no matter of the others'. */
#include <string.h>

#include <libfdt.h>

#include <libbase/endian.h>

#include "core/guest_memory.h"
#include "driver.h"
#include "glue/virtio_net.h"

#define SEEDS   25U
#define PAIRS   4U
#define FLOWS   16U
#define RINGS   UINT64_C(0x80000)  /* of RAM: rings of all queues, ... */
#define BUFFERS UINT64_C(0x100000) /* ... buffers to receive into, of each pair, ... */
#define SENDING UINT64_C(0x200000) /* ... and those of what is sent */
#define BUFFER  0x800U
#define PLACE   0x8000U
#define PLACES  8U /* frames of a queue on their way */
#define HEADER  12U
#define TIMEOUT 60000U

/* 5.1.3, 6 */
#define MERGEABLE  UINT64_C(0x8000)
#define OFFLOADS   UINT64_C(0x7f83)
#define CONTROL    UINT64_C(0x20000)
#define MULTIQUEUE UINT64_C(0x400000)
#define RING_RESET (UINT64_C(1) << 40)
#define ALL        (MERGEABLE | OFFLOADS | CONTROL | MULTIQUEUE | RING_RESET)
#define QUEUE_SEL  0x030U
#define RESET      0x0C0U

/* A frame: Ethernet, IPv4, UDP's ports, and what it says of itself. */
#define SAYS_AT 38U
#define LEAST   64U

enum { ALICE, BOB, VMS };

static struct sim sim;

static struct host {
    bool is_open;
    struct sim_queue rx[PAIRS], tx[PAIRS], control;
    unsigned in_flight[PAIRS], buffers[PAIRS];
    uint32_t sent[FLOWS];        /* frames of each conversation */
    uint32_t got[FLOWS];         /* and of the other's */
    uint32_t last[FLOWS][PAIRS]; /* the newest of those, + 1, in each queue */
    unsigned pair[FLOWS];        /* where it sent last */
    unsigned merged;             /* chains still to come of the frame that is arriving, */
    unsigned arriving;           /* in this pair */
    unsigned char frame[PLACE];
    uint32_t size;
    unsigned resets;
} hosts[VMS];

static struct {
    uint32_t frames; /* of each conversation, each way */
    uint32_t size_most;
    unsigned buffers; /* that Bob gives to a pair */
    bool moves;       /* conversations go from pair to pair */
    bool resets;      /* Alice resets queues amid all that */
} talk;
static struct test_rng rng;
static uint64_t waits, strays;

/* ---- The board --------------------------------------------------------------------------------------------------- */

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

static void mac_of(unsigned vm, uint8_t *mac)
{
    const uint8_t bytes[] = {0x52, 0x54, 0, 0, 8, (uint8_t)(vm + 1U)};

    memcpy(mac, bytes, sizeof(bytes));
}

static void nic(void *tree, unsigned vm)
{
    uint8_t mac[6];

    mac_of(vm, mac);
    fdt_ok(fdt_begin_node(tree, "virtio_net"));
    fdt_ok(fdt_property(tree, "switch", "lan", 4));
    fdt_ok(fdt_property(tree, "mac", mac, sizeof(mac)));
    fdt_ok(fdt_property_u32(tree, "queue-pairs", PAIRS));
    fdt_ok(fdt_end_node(tree));
}

static void nic_of_alice(void *tree)
{
    nic(tree, ALICE);
}

static void nic_of_bob(void *tree)
{
    nic(tree, BOB);
}

static void a_switch(void *tree)
{
    fdt_ok(fdt_begin_node(tree, "switches"));
    fdt_ok(fdt_begin_node(tree, "lan"));
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_end_node(tree));
}

static const struct sim_vm vms[VMS] = {
    {.name = "alice",
     .vcpus = 1,
     .has_affinity = true,
     .affinity = {0},
     .memory = 4U * SIM_MIB,
     .nodes = nic_of_alice},
    {.name = "bob",
     .vcpus = 1,
     .has_affinity = true,
     .affinity = {1},
     .memory = 4U * SIM_MIB,
     .nodes = nic_of_bob},
};

static struct hv_virtio_net_port ports[VMS];

/** At the end, while nobody can be cut off with the device's lock in his hands. */
static void look_at_ports(struct hv_cpu *cpu)
{
    hv_lock(&cpu->hv->vms_lock);
    for (unsigned i = 0; i < VMS; i++) {
        assert_true(hv_virtio_net_look(cpu, cpu->hv->vm[i], 0, &ports[i]));
    }
    hv_unlock(&cpu->hv->vms_lock);
}

/* ---- A driver ---------------------------------------------------------------------------------------------------- */

static uint64_t rings_of(unsigned queue)
{
    return RINGS + (uint64_t)queue * SIM_QUEUE_BYTES;
}

/** VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET (5.1.6.5.6). The device's answer. */
static unsigned set_pairs(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct host *host, unsigned pairs)
{
    const uint8_t command[] = {4, 0, (uint8_t)pairs, 0};
    const uint64_t at = sim_ram(vcpu, SENDING);
    const struct sim_segment segments[] = {{at, sizeof(command), false}, {at + 16U, 1, true}};
    uint32_t head, length;
    uint8_t ack = 0xFF;

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), command, sizeof(command)), ASH_OK);
    (void)sim_queue_add(vcpu, &host->control, segments, 2);
    sim_queue_kick(cpu, vcpu, &host->control);
    assert_true(sim_queue_used(vcpu, &host->control, &head, &length) && length == 1U);
    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(at + 16U), &ack, 1), ASH_OK);
    return ack;
}

static void open_host(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct host *host)
{
    const uint64_t device = sim_virtio(0);

    sim_driver_begin(cpu, vcpu, device, ALL);
    assert_int_equal(sim_device(cpu, vcpu, device + SIM_CONFIG + 8U, false, 0) & 0xFFFFU, PAIRS);
    for (unsigned i = 0; i < PAIRS; i++) {
        sim_driver_queue(cpu, vcpu, &host->rx[i], device, 2U * i, rings_of(2U * i));
        sim_driver_queue(cpu, vcpu, &host->tx[i], device, 2U * i + 1U, rings_of(2U * i + 1U));
    }
    sim_driver_queue(cpu, vcpu, &host->control, device, 2U * PAIRS, rings_of(2U * PAIRS));
    sim_driver_ok(cpu, vcpu, device);
    assert_int_equal(set_pairs(cpu, vcpu, host, 0), 1);
    assert_int_equal(set_pairs(cpu, vcpu, host, PAIRS + 1U), 1);
    assert_int_equal(set_pairs(cpu, vcpu, host, PAIRS), 0);
    host->is_open = true;
}

static void give_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct host *host, unsigned pair,
                         unsigned most)
{
    const unsigned before = host->buffers[pair];

    for (; host->buffers[pair] < most; host->buffers[pair]++) {
        const uint64_t at = BUFFERS + (uint64_t)BUFFER * (SIM_QUEUE_SIZE * pair + host->rx[pair].next);
        const struct sim_segment segment = {sim_ram(vcpu, at), BUFFER, true};

        (void)sim_queue_add(vcpu, &host->rx[pair], &segment, 1);
    }
    if (host->buffers[pair] != before) {
        sim_queue_kick(cpu, vcpu, &host->rx[pair]);
    }
}

static unsigned char byte_of(unsigned flow, uint32_t number, uint32_t at)
{
    return (unsigned char)(at * 13U + number * 5U + flow + (at >> 8));
}

/** Frame @number of conversation @flow: UDP between ports that are its own. @knows: the sender has heard of it. */
static void make_frame(unsigned char *bytes, unsigned from, unsigned flow, uint32_t number, uint32_t size,
                       bool knows)
{
    const uint8_t ip[20] = {0x45,
                            0,
                            (uint8_t)flow,
                            (uint8_t)number,
                            0,
                            0,
                            0x40,
                            0,
                            64,
                            17,
                            0,
                            0,
                            10,
                            0,
                            0,
                            (uint8_t)from,
                            10,
                            0,
                            0,
                            (uint8_t)(1U - from)};
    const uint8_t client[2] = {0x90, (uint8_t)flow}, server[2] = {0, 53};

    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = byte_of(flow, number, i);
    }
    mac_of(1U - from, bytes);
    mac_of(from, bytes + 6);
    bytes[12] = 8;
    bytes[13] = 0;
    memcpy(bytes + 14, ip, sizeof(ip));
    memcpy(bytes + 34, from == ALICE ? client : server, 2);
    memcpy(bytes + 36, from == ALICE ? server : client, 2);
    bytes[SAYS_AT] = (unsigned char)flow;
    bytes[SAYS_AT + 1U] = knows ? 1U : 0U;
    memcpy(bytes + SAYS_AT + 2U, &number, 4);
    memcpy(bytes + SAYS_AT + 6U, &size, 4);
}

static void reap(struct hv_vcpu *vcpu, struct host *host, unsigned pair)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &host->tx[pair], &head, &length)) {
        assert_true(host->in_flight[pair] > 0U);
        host->in_flight[pair]--;
    }
}

/** Put into a queue; kicked later, so that several are seen at once. */
static void send_frame(struct hv_vcpu *vcpu, unsigned me, unsigned pair, unsigned flow)
{
    /* 5.1.6.2: TCP over IPv4, to be cut into segments of 1448 bytes, sums left out. */
    static const unsigned char segmented[HEADER] = {1, 1, 54, 0, 0xA8, 5, 34, 0, 16, 0};
    static const unsigned char plain[HEADER];
    static unsigned char bytes[PLACE];
    struct host *host = &hosts[me];
    const uint32_t size = LEAST + (uint32_t)test_rng_below(&rng, talk.size_most - LEAST);
    const uint64_t at =
        sim_ram(vcpu, SENDING + (uint64_t)PLACE * (PLACES * pair + host->tx[pair].next / 2U % PLACES));
    const struct sim_segment segments[2] = {{at, HEADER, false}, {at + 64U, size, false}};

    make_frame(bytes, me, flow, host->sent[flow]++, size, host->got[flow] > 0U);
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), size > 1514U ? segmented : plain, HEADER), ASH_OK);
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at + 64U), bytes, size), ASH_OK);
    (void)sim_queue_add(vcpu, &host->tx[pair], segments, 2);
    host->in_flight[pair]++;
    host->pair[flow] = pair;
}

/** It is as it was sent, newer than all before of its conversation in this queue, and where that is at home. */
static void judge(struct host *host, unsigned pair)
{
    const unsigned char *bytes = host->frame + HEADER;
    const uint32_t size = host->size - HEADER;
    const unsigned flow = bytes[SAYS_AT];
    uint32_t number, said;

    assert_true(size >= LEAST && flow < FLOWS);
    memcpy(&number, bytes + SAYS_AT + 2U, 4);
    memcpy(&said, bytes + SAYS_AT + 6U, 4);
    assert_int_equal(said, size);
    assert_true(bytes[16] == flow &&
                bytes[17] == (uint8_t)number); /* of what the switch keeps of a frame on its way */
    for (uint32_t i = SAYS_AT + 10U; i < size; i++) {
        assert_int_equal(bytes[i], byte_of(flow, number, i));
    }
    if (!talk.moves) {
        assert_true(number >= host->last[flow][pair]);
        assert_true(bytes[SAYS_AT + 1U] == 0U || pair == host->pair[flow]);
        strays += pair != host->pair[flow] ? 1U : 0U;
    }
    host->last[flow][pair] = number + 1U;
    host->got[flow]++;
}

static void receive(struct hv_vcpu *vcpu, struct host *host, unsigned pair)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &host->rx[pair], &head, &length)) {
        const uint64_t at = BUFFERS + (uint64_t)BUFFER * (SIM_QUEUE_SIZE * pair + head);

        assert_true(host->buffers[pair] > 0U && length <= BUFFER && head < SIM_QUEUE_SIZE);
        host->buffers[pair]--;
        host->size = host->merged == 0U ? 0U : host->size;
        assert_true(host->merged == 0U || host->arriving == pair); /* all of a frame is in one queue */
        assert_int_equal(
            hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, at)), host->frame + host->size, length), ASH_OK);
        if (host->merged == 0U) {
            host->merged = ash_load_le16(host->frame + 10);
            host->arriving = pair;
        }
        host->size += length;
        if (--host->merged == 0U) {
            judge(host, pair);
        }
    }
}

/* ---- Conversations ----------------------------------------------------------------------------------------------- */

static bool is_all_sent(const struct host *host)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        if (host->sent[i] < talk.frames) {
            return false;
        }
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        if (host->in_flight[i] > 0U) {
            return false;
        }
    }
    return true;
}

/** A queue's reset (2.6.1): what was in it is lost, what is in the others is not. */
static void reset_queue(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct host *host, unsigned pair)
{
    const uint64_t device = sim_virtio(0);

    (void)sim_device(cpu, vcpu, device + QUEUE_SEL, true, 2U * pair + 1U);
    (void)sim_device(cpu, vcpu, device + RESET, true, 1);
    assert_int_equal(sim_device(cpu, vcpu, device + RESET, false, 0), 0);
    sim_driver_queue(cpu, vcpu, &host->tx[pair], device, 2U * pair + 1U, rings_of(2U * pair + 1U));
    host->in_flight[pair] = 0;
    host->resets++;
}

static void say_something(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned me)
{
    struct host *host = &hosts[me];
    bool kicks[PAIRS] = {false};

    for (unsigned n = 0; n < 8U; n++) {
        const unsigned flow = (unsigned)test_rng_below(&rng, FLOWS);
        const unsigned home = me == ALICE ? flow % PAIRS : flow / PAIRS;
        const unsigned pair = talk.moves ? (unsigned)test_rng_below(&rng, PAIRS) : home;

        if (host->sent[flow] < talk.frames && host->in_flight[pair] < PLACES) {
            send_frame(vcpu, me, pair, flow);
            kicks[pair] = true;
        }
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        if (kicks[i]) {
            sim_queue_kick(cpu, vcpu, &host->tx[i]);
        }
    }
}

static enum hv_verdict converse(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : BOB;
    struct host *host = &hosts[me];

    assert_true(round < TIMEOUT);
    if (!host->is_open) {
        open_host(cpu, vcpu, host);
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        reap(vcpu, host, i);
        receive(vcpu, host, i);
        if (me == ALICE || round % 4U == i) {
            give_buffers(cpu, vcpu, host, i, me == ALICE ? 48U : talk.buffers);
        }
    }
    if (hosts[1U - me].is_open) {
        say_something(cpu, vcpu, me);
    }
    if (talk.resets && me == ALICE && host->resets < 20U && round % 5U == 4U) {
        reset_queue(cpu, vcpu, host, (unsigned)test_rng_below(&rng, PAIRS));
    }
    if (!is_all_sent(&hosts[ALICE]) || !is_all_sent(&hosts[BOB])) {
        return HV_RESUME;
    }
    look_at_ports(cpu);
    return sim_off(cpu, vcpu);
}

static void converse_under_seed(uint64_t seed)
{
    memset(hosts, 0, sizeof(hosts));
    rng.state = seed * 2U + 1U;
    sim_beside_vms(a_switch);
    sim_board(&sim, 4, vms, VMS);
    sim_beside_vms(NULL);
    sim_run(&sim, converse, seed);
    sim_assert_exit(&sim, "ok", NULL);
    for (unsigned i = 0; i < VMS; i++) {
        waits += ports[i].counts[HV_VSWITCH_WAITS];
        assert_int_equal(ports[i].counts[HV_VSWITCH_MALFORMED], 0);
        assert_int_equal(ports[i].counts[HV_VSWITCH_REFUSED], 0);
    }
}

/** Nothing was lost but what a full receiver lost, or a reset. */
static void whole_under_seed(uint64_t seed)
{
    converse_under_seed(seed);
    assert_int_equal(ports[ALICE].counts[HV_VSWITCH_IN], FLOWS * talk.frames);
    assert_int_equal(ports[BOB].counts[HV_VSWITCH_IN], FLOWS * talk.frames);
    assert_int_equal(ports[BOB].counts[HV_VSWITCH_OUT] + ports[BOB].counts[HV_VSWITCH_FULL],
                     FLOWS * talk.frames);
    assert_int_equal(ports[ALICE].counts[HV_VSWITCH_OUT] + ports[ALICE].counts[HV_VSWITCH_FULL],
                     FLOWS * talk.frames);
}

static void a_conversation_comes_where_its_driver_sent_last(void **state)
{
    (void)state;
    strays = 0;
    talk = (__typeof__(talk)){.frames = 12, .size_most = 1514, .buffers = 48};
    sim_under_seeds("virtio-net-pairs", SEEDS, whole_under_seed);
    assert_true(strays > 0U); /* of those in which nothing had been sent yet */
}

static void large_frames_of_all_queues_get_on_together(void **state)
{
    (void)state;
    waits = 0;
    talk = (__typeof__(talk)){.frames = 4, .size_most = 30000, .buffers = 20};
    sim_under_seeds("virtio-net-pairs-large", SEEDS, whole_under_seed);
    assert_true(waits > 0U); /* Bob is short of buffers: all four queues have had to wait */
    talk.buffers = 120;
    sim_under_seeds("virtio-net-pairs-batch", SEEDS, whole_under_seed);
}

static void conversations_that_change_their_queue_lose_nothing(void **state)
{
    (void)state;
    talk = (__typeof__(talk)){.frames = 12, .size_most = 4000, .buffers = 8, .moves = true};
    sim_under_seeds("virtio-net-pairs-moving", SEEDS, whole_under_seed);
}

static void a_queue_that_is_reset_takes_nothing_of_the_others_along(void **state)
{
    unsigned resets = 0;

    (void)state;
    talk = (__typeof__(talk)){.frames = 8, .size_most = 20000, .buffers = 16, .resets = true};
    sim_under_seeds("virtio-net-pairs-reset", SEEDS, converse_under_seed);
    resets += hosts[ALICE].resets;
    assert_true(resets > 0U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_comes_where_its_driver_sent_last),
        cmocka_unit_test(large_frames_of_all_queues_get_on_together),
        cmocka_unit_test(conversations_that_change_their_queue_lose_nothing),
        cmocka_unit_test(a_queue_that_is_reset_takes_nothing_of_the_others_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
