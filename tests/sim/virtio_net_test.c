/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs on a switch, with drivers that write real rings: frames arrive whole and in order, whatever becomes of the
 * others; nobody waits for long for a peer that does not read; nothing is left behind. */
#include <string.h>

#include <libfdt.h>

#include <libbase/endian.h>
#include <libvcpu/psci.h>

#include "core/command.h"
#include "core/guest_memory.h"
#include "core/place.h"
#include "driver.h"
#include "glue/virtio_net.h"
#include "shortage.h"

#define SEEDS   25U
#define RINGS   UINT64_C(0x100000) /* of RAM: rings of the two queues, ... */
#define BUFFERS UINT64_C(0x140000) /* ... buffers to receive into, ... */
#define SENDING UINT64_C(0x200000) /* ... and those of what is sent */
#define BUFFER  UINT64_C(0x800)
#define LONG    UINT64_C(0x10000)
#define HEADER  12U
#define TIMEOUT 60000U

enum { ALICE, BOB, EVE, BOSS, VMS };

/* 5.1.3 */
#define MERGEABLE UINT64_C(0x8000)
#define OFFLOADS  UINT64_C(0x7f83)
#define ALL       (MERGEABLE | OFFLOADS)

static struct sim sim;

/* ---- The board --------------------------------------------------------------------------------------------------- */

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

static void mac_of(unsigned vm, uint8_t *mac)
{
    const uint8_t bytes[] = {0x52, 0x54, 0, 0, 7, (uint8_t)(vm + 1U)};

    memcpy(mac, bytes, sizeof(bytes));
}

static void nic(void *tree, unsigned vm)
{
    uint8_t mac[6];

    mac_of(vm, mac);
    fdt_ok(fdt_begin_node(tree, "virtio_net"));
    fdt_ok(fdt_property(tree, "switch", "lan", 4));
    fdt_ok(fdt_property(tree, "mac", mac, sizeof(mac)));
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

static void nic_of_eve(void *tree)
{
    nic(tree, EVE);
}

static void a_switch(void *tree)
{
    fdt_ok(fdt_begin_node(tree, "switches"));
    fdt_ok(fdt_begin_node(tree, "lan"));
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_end_node(tree));
}

#define ONE_CPU(n)      .vcpus = 1, .has_affinity = true, .affinity = {(n)}
#define RESTARTS_ALWAYS .on_reset = "restart", .restart_limit = {16, 86400}

static const struct sim_vm vms[VMS] = {
    {.name = "alice", ONE_CPU(0), .memory = 4U * SIM_MIB, .nodes = nic_of_alice},
    {.name = "bob", ONE_CPU(1), .memory = 4U * SIM_MIB, .nodes = nic_of_bob, RESTARTS_ALWAYS},
    {.name = "eve", ONE_CPU(2), .memory = 4U * SIM_MIB, .nodes = nic_of_eve, .background = true},
    {.name = "boss", ONE_CPU(3), .memory = 2U * SIM_MIB},
};

/* ---- A driver ---------------------------------------------------------------------------------------------------- */

/* One VM's, and what it has seen. */
static struct station {
    unsigned vm;
    bool is_open;
    struct sim_queue rx, tx;
    unsigned in_flight; /* frames, each a chain of two */
    unsigned buffers;   /* for the device to write */
    uint64_t features;
    uint32_t sent;      /* frames, and their number */
    uint32_t got;       /* of frames that were meant for it */
    uint32_t last[VMS]; /* the number of the newest of each sender */
    unsigned merged;    /* chains still to come of the frame that is arriving */
    unsigned char frame[LONG + 32U];
    uint32_t frame_at, frame_size;
    unsigned longest;
} stations[VMS];

static void open_station(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned vm, uint64_t features)
{
    struct station *station = &stations[vm];
    const uint64_t device = sim_virtio(0);

    station->vm = vm;
    station->features = features;
    station->in_flight = 0;
    station->buffers = 0;
    station->merged = 0;
    sim_driver_begin(cpu, vcpu, device, features);
    assert_int_equal(sim_device(cpu, vcpu, device + SIM_DEVICE_ID, false, 0), 1);
    sim_driver_queue(cpu, vcpu, &station->rx, device, 0, RINGS);
    sim_driver_queue(cpu, vcpu, &station->tx, device, 1, RINGS + SIM_QUEUE_BYTES);
    sim_driver_ok(cpu, vcpu, device);
    station->is_open = true;
}

static void give_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, unsigned most)
{
    const unsigned before = station->buffers;

    while (station->buffers < most) {
        const struct sim_segment segment = {sim_ram(vcpu, BUFFERS + BUFFER * station->rx.next), BUFFER, true};

        (void)sim_queue_add(vcpu, &station->rx, &segment, 1);
        station->buffers++;
    }
    if (station->buffers != before) {
        sim_queue_kick(cpu, vcpu, &station->rx);
    }
}

static unsigned char byte_of(unsigned from, uint32_t number, uint32_t at)
{
    return (unsigned char)(at * 13U + number * 5U + from + (at >> 8));
}

/* Addresses, a type for experiments, sender, number, size; the rest follows from these. */
static void make_frame(unsigned char *bytes, unsigned from, const uint8_t *to, uint32_t number, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = byte_of(from, number, i);
    }
    memcpy(bytes, to, 6);
    mac_of(from, bytes + 6);
    bytes[12] = 0x88;
    bytes[13] = 0xB5;
    bytes[14] = (unsigned char)from;
    memcpy(bytes + 16, &number, 4);
    memcpy(bytes + 20, &size, 4);
}

static bool is_whole(const unsigned char *bytes, uint32_t size)
{
    uint32_t number, said;

    memcpy(&number, bytes + 16, 4);
    memcpy(&said, bytes + 20, 4);
    for (uint32_t i = 24; i < size; i++) {
        if (bytes[i] != byte_of(bytes[14], number, i)) {
            return false;
        }
    }
    return said == size;
}

/* Put it into a buffer and make it available, behind @header. */
static void add_frame(struct hv_vcpu *vcpu, struct station *station, const unsigned char *header,
                      const unsigned char *bytes, uint32_t size)
{
    const uint64_t at = sim_ram(vcpu, SENDING + LONG * (station->tx.next / 2U % 16U));
    const struct sim_segment segments[2] = {{at, HEADER, false}, {at + 64U, size, false}};

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), header, HEADER), ASH_OK);
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at + 64U), bytes, size), ASH_OK);
    (void)sim_queue_add(vcpu, &station->tx, segments, 2);
    station->in_flight++;
}

static const unsigned char plain[HEADER];
static unsigned char scratch[LONG];

static void reap(struct hv_vcpu *vcpu, struct station *station)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &station->tx, &head, &length)) {
        assert_true(station->in_flight > 0U);
        station->in_flight--;
    }
}

/* A frame to @to if there is room for it in the ring. */
static bool send_to(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, const uint8_t *to,
                    uint32_t size)
{
    /* 5.1.6.2: TCP over IPv4, to be cut into segments of 1448 bytes, sums left out. */
    static const unsigned char segmented[HEADER] = {1, 1, 54, 0, 0xA8, 5, 34, 0, 16, 0};

    reap(vcpu, station);
    if (station->in_flight >= 8U) {
        return false;
    }
    make_frame(scratch, station->vm, to, station->sent, size);
    add_frame(vcpu, station, size > 1514U ? segmented : plain, scratch, size);
    station->sent++;
    sim_queue_kick(cpu, vcpu, &station->tx);
    return true;
}

/* What is in station->frame: if it comes from Alice or Bob, is it as they sent it, and newer than all before? Nobody
 * else can send with their addresses, so nothing else bears them. */
static void judge(struct station *station)
{
    const unsigned char *bytes = station->frame + HEADER;
    const uint32_t size = station->frame_size - HEADER;
    uint8_t mac[6];
    uint32_t number;

    assert_true(size >= 14U);
    for (unsigned from = ALICE; from <= BOB; from++) {
        mac_of(from, mac);
        if (memcmp(bytes + 6, mac, 6) == 0) {
            assert_true(size >= 24U && bytes[14] == from && is_whole(bytes, size));
            memcpy(&number, bytes + 16, 4);
            assert_true(number >= station->last[from]);
            station->last[from] = number + 1U;
            station->longest = size > station->longest ? size : station->longest;
            station->got++;
        }
    }
}

static void receive(struct hv_vcpu *vcpu, struct station *station)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &station->rx, &head, &length)) {
        assert_true(station->buffers > 0U && length <= BUFFER && head < SIM_QUEUE_SIZE);
        station->buffers--;
        if (station->merged == 0U) {
            station->frame_size = 0;
        }
        assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, BUFFERS + BUFFER * head)),
                                       station->frame + station->frame_size, length),
                         ASH_OK);
        if (station->merged == 0U) {
            station->merged = ash_load_le16(station->frame + 10);
            assert_true(station->merged > 0U);
        }
        station->frame_size += length;
        if (--station->merged == 0U) {
            judge(station);
        }
    }
}

/** Of VM @vm's port: what is counted. */
static uint64_t counted(unsigned vm, enum hv_vswitch_count what)
{
    struct hv_virtio_net_port port;

    return hv_virtio_net_look(NULL, sim.hv.vm[vm], 0, &port) ? port.counts[what] : 0U;
}

static void board(unsigned count)
{
    memset(stations, 0, sizeof(stations));
    sim_fails_in = 0;
    sim_beside_vms(a_switch);
    sim_board(&sim, 4, vms, count);
    sim_beside_vms(NULL);
}

/* ---- Frames in both directions ----------------------------------------------------------------------------------- */

static struct {
    uint64_t features[2];
    uint32_t frames;
    uint32_t size_most;
} talk;

static bool all_is_said(void)
{
    uint64_t arrived[2];

    for (unsigned i = 0; i < 2U; i++) {
        if (stations[i].sent < talk.frames) {
            return false;
        }
        arrived[i] = stations[i].got + counted(i, HV_VSWITCH_FULL) + counted(i, HV_VSWITCH_ABSENT) +
                     counted(i, HV_VSWITCH_REFUSED);
    }
    return arrived[ALICE] >= talk.frames && arrived[BOB] >= talk.frames;
}

static enum hv_verdict talk_to_each_other(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : BOB;
    struct station *station = &stations[me];
    uint8_t to[6];

    assert_true(round < TIMEOUT);
    mac_of(1U - me, to);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, talk.features[me]);
        give_buffers(cpu, vcpu, station, 48);
        return HV_RESUME;
    }
    receive(vcpu, station);
    if (round % 3U == 0U) {
        give_buffers(cpu, vcpu, station, 48);
    }
    if (stations[1U - me].is_open && station->sent < talk.frames) {
        const uint32_t number = station->sent;

        (void)send_to(cpu, vcpu, station, to,
                      24U + number * 331U % (number % 8U == 7U ? talk.size_most - 24U : 1490U));
    }
    return all_is_said() ? sim_off(cpu, vcpu) : HV_RESUME;
}

static uint64_t frames_lost, frames_waited, longest;

static void talk_under_seed(uint64_t seed)
{
    board(2);
    sim_run(&sim, talk_to_each_other, seed);
    sim_assert_exit(&sim, "ok", NULL);
    for (unsigned i = 0; i < 2U; i++) {
        frames_lost += talk.frames - stations[i].got;
        frames_waited += counted(i, HV_VSWITCH_WAITS);
        longest = stations[i].longest > longest ? stations[i].longest : longest;
        assert_int_equal(counted(i, HV_VSWITCH_REFUSED), 0);
        assert_int_equal(counted(i, HV_VSWITCH_MALFORMED), 0);
        assert_int_equal(counted(i, HV_VSWITCH_IN), talk.frames);
    }
}

static void frames_arrive_whole_both_ways(void **state)
{
    static const uint64_t features[][2] = {{0, 0}, {ALL, ALL}, {MERGEABLE, ALL}};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(features); i++) {
        frames_lost = 0;
        frames_waited = 0;
        longest = 0;
        talk.features[0] = features[i][0];
        talk.features[1] = features[i][1];
        talk.frames = 120;
        talk.size_most = i == 1U ? 60000U : 1514U;
        sim_under_seeds("virtio-net", SEEDS, talk_under_seed);
        printf("%llu lost, %llu waited, the longest %llu bytes\n", (unsigned long long)frames_lost,
               (unsigned long long)frames_waited, (unsigned long long)longest);
        assert_true(longest > (i == 1U ? 30000U : 1400U));
        assert_int_equal(frames_lost, 0); /* who reads loses nothing */
    }
}

/* ---- A peer that does not read ----------------------------------------------------------------------------------- */

static struct {
    uint64_t sent_at, done_at;
    uint64_t buffers_at; /* when Bob gives one; UINT64_MAX: never */
    bool gave;
    unsigned outcomes[2]; /* lost, arrived */
    unsigned for_eve;     /* frames to her, behind Bob's */
} slow;

static uint64_t patience(void)
{
    return hv_arch_ticks_per_second() / 100U;
}

static enum hv_verdict alice_waits(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    uint8_t bob[6], eve[6];

    mac_of(BOB, bob);
    mac_of(EVE, eve);
    if (!stations[BOB].is_open || !stations[EVE].is_open) {
        return HV_RESUME;
    }
    if (slow.sent_at == 0U) {
        slow.sent_at = hv_arch_ticks();
        assert_true(send_to(cpu, vcpu, station, bob, 100));
        for (unsigned i = 0; i < 3U; i++) {
            assert_true(send_to(cpu, vcpu, station, eve, 200));
        }
    }
    reap(vcpu, station);
    if (station->in_flight == 0U && slow.done_at == 0U) {
        slow.done_at = hv_arch_ticks();
    }
    return slow.done_at != 0U && stations[EVE].got == 3U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static enum hv_verdict be_slow(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : sim_is(vcpu, "bob") ? BOB : EVE;
    struct station *station = &stations[me];

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, 0);
        if (me != BOB) {
            give_buffers(cpu, vcpu, station, 16);
        }
        return HV_RESUME;
    }
    if (me == ALICE) {
        return alice_waits(cpu, vcpu, station);
    }
    receive(vcpu, station);
    if (me == BOB && !slow.gave && slow.sent_at != 0U && slow.buffers_at != UINT64_MAX &&
        hv_arch_ticks() > slow.sent_at + slow.buffers_at) {
        give_buffers(cpu, vcpu, station, 1);
        slow.gave = true;
    }
    return hv_life_state(cpu->hv, ALICE) == HV_LIFE_OFF ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void be_slow_under_seed(uint64_t seed)
{
    struct test_rng rng = {seed * 2U + 1U};
    uint64_t lost;

    memset(&slow, 0, offsetof(__typeof__(slow), outcomes));
    board(3);
    slow.buffers_at = seed % 3U == 0U ? UINT64_MAX : test_rng_below(&rng, 2U * patience());
    sim_run(&sim, be_slow, seed);
    sim_assert_exit(&sim, "ok", NULL);
    lost = counted(BOB, HV_VSWITCH_FULL);
    assert_int_equal(lost + counted(BOB, HV_VSWITCH_OUT), 1);
    assert_int_equal(counted(EVE, HV_VSWITCH_OUT), 3);
    assert_true(lost == 0U || slow.done_at - slow.sent_at >= patience());
    assert_true(slow.done_at - slow.sent_at < 2U * patience());
    slow.outcomes[lost == 0U ? 1 : 0]++;
}

static void a_peer_that_does_not_read_holds_a_frame_for_10_ms_at_most(void **state)
{
    (void)state;
    memset(&slow, 0, sizeof(slow));
    sim_under_seeds("virtio-net-slow", 60, be_slow_under_seed);
    printf("%u lost, %u arrived\n", slow.outcomes[0], slow.outcomes[1]);
    assert_true(slow.outcomes[0] > 0U && slow.outcomes[1] > 0U);
}

/* ---- Frames that are more than a batch --------------------------------------------------------------------------- */

#define SHOUTS 6U

/** One kick for all of Alice's frames, each a batch for each of those that are to have it. */
static enum hv_verdict shout(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const unsigned char segmented[HEADER] = {1, 1, 54, 0, 0xA8, 5, 34, 0, 16, 0};
    static const uint8_t everybody[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : sim_is(vcpu, "bob") ? BOB : EVE;
    struct station *station = &stations[me];

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, ALL);
        return HV_RESUME;
    }
    receive(vcpu, station);
    give_buffers(cpu, vcpu, station, 60);
    if (me != ALICE) {
        return hv_life_state(cpu->hv, ALICE) == HV_LIFE_OFF ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (station->sent == 0U && stations[BOB].is_open && stations[EVE].is_open) {
        for (unsigned i = 0; i < SHOUTS; i++) {
            make_frame(scratch, ALICE, everybody, station->sent++, 33000);
            add_frame(vcpu, station, segmented, scratch, 33000);
        }
        sim_queue_kick(cpu, vcpu, &station->tx);
    }
    reap(vcpu, station);
    return station->sent > 0U && station->in_flight == 0U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void shout_under_seed(uint64_t seed)
{
    board(3);
    sim_run(&sim, shout, seed);
    sim_assert_exit(&sim, "ok", NULL);
    assert_int_equal(counted(ALICE, HV_VSWITCH_FLOODS), SHOUTS);
    for (unsigned i = BOB; i <= EVE; i++) {
        assert_int_equal(counted(i, HV_VSWITCH_OUT) + counted(i, HV_VSWITCH_FULL), SHOUTS);
    }
}

static void what_is_too_much_for_a_batch_is_done_by_and_by(void **state)
{
    (void)state;
    sim_under_seeds("virtio-net-shout", SEEDS, shout_under_seed);
}

/* ---- Peers that are cut off, paused, restarted ------------------------------------------------------------------- */

static struct {
    unsigned disturbances, most;
    bool is_down, is_over;
    uint32_t got_at_the_end;
    unsigned links_seen_down;
} rough;

/** What the shell answers. */
static const char *answer(struct hv_cpu *cpu, const char *line)
{
    static struct hv_call call;
    static struct hv_record record;
    static char text[64U * 1024U];
    size_t size = 0;

    assert_true(hv_call_begin(&call, cpu, line));
    text[0] = '\0';
    do {
        size += strlen(text + size);
        assert_true(size + HV_RECORD_MOST < sizeof(text));
    } while (hv_call_step(&call, &record, text + size));
    return text;
}

static void ask_about_the_switch(struct hv_cpu *cpu)
{
    const char *text = answer(cpu, "switch ports");

    assert_non_null(strstr(text, "lan           alice              0  52:54:00:00:07:01     0  up    yes"));
    assert_non_null(strstr(text, "lan           eve                0  52:54:00:00:07:03     0  up    no"));
    text = answer(cpu, "switch counts bob --json");
    assert_non_null(strstr(text, "\"vm\": \"bob\", \"device\": 0, \"what\": \"received\", \"count\": "));
    assert_null(strstr(text, "alice"));
    assert_null(strstr(text, "\"count\": 0"));
    text = answer(cpu, "switch addresses alice");
    assert_non_null(strstr(text, "52:54:00:00:07:01"));
    assert_null(strstr(text, "bob"));
    assert_non_null(strstr(answer(cpu, "switch link-down boss"), "boss has no network device"));
    assert_non_null(strstr(answer(cpu, "switch link-down eve"), "down"));
    assert_non_null(strstr(answer(cpu, "switch ports eve"), "0  down  no"));
    assert_non_null(strstr(answer(cpu, "switch link-up eve"), "up"));
}

/** The boss disturbs Bob, and mends it. */
static enum hv_verdict disturb(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv *hv = cpu->hv;
    const char *why;
    const bool pulls = rough.disturbances % 3U == 0U;

    if (rough.is_over) {
        return stations[BOB].got > rough.got_at_the_end + 20U ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (round % 8U != 0U || !stations[BOB].is_open) {
        return HV_RESUME;
    }
    if (rough.disturbances % 3U == 2U) {
        ASH_DISCARD(hv_life_ask(cpu, BOB, HV_LIFE_RESTART, &why));
        stations[BOB].is_open = false;
        rough.disturbances++;
    } else if (!rough.is_down) {
        if (pulls) {
            hv_lock(&hv->vms_lock);
            assert_int_equal(hv_virtio_net_set_link(cpu, hv->vm[BOB], false), 1);
            hv_unlock(&hv->vms_lock);
        } else if (hv_life_ask(cpu, BOB, HV_LIFE_PAUSE, &why) != ASH_OK) {
            return HV_RESUME;
        }
        rough.is_down = true;
    } else if (pulls || hv_life_state(hv, BOB) == HV_LIFE_PAUSED) {
        if (pulls) {
            hv_lock(&hv->vms_lock);
            assert_int_equal(hv_virtio_net_set_link(cpu, hv->vm[BOB], true), 1);
            hv_unlock(&hv->vms_lock);
        } else {
            assert_int_equal(hv_life_ask(cpu, BOB, HV_LIFE_RESUME, &why), ASH_OK);
        }
        rough.is_down = false;
        rough.disturbances++;
    }
    if (rough.disturbances == rough.most) {
        ask_about_the_switch(cpu);
        rough.is_over = true;
        rough.got_at_the_end = stations[BOB].got;
    }
    return HV_RESUME;
}

static enum hv_verdict go_on_talking(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = sim_is(vcpu, "alice") ? ALICE
                        : sim_is(vcpu, "bob") ? BOB
                        : sim_is(vcpu, "eve") ? EVE
                                              : BOSS;
    struct station *station = &stations[me];
    uint8_t to[6];

    if (me == BOSS) {
        return disturb(cpu, vcpu, round);
    }
    if (me == EVE || (rough.is_over && hv_life_state(cpu->hv, BOSS) == HV_LIFE_OFF)) {
        return sim_off(cpu, vcpu);
    }
    mac_of(1U - me, to);
    if (round == 0U || !station->is_open) {
        open_station(cpu, vcpu, me, ALL);
    }
    if (me == BOB && (sim_device(cpu, vcpu, sim_virtio(0) + SIM_CONFIG + 4U, false, 0) >> 16 & 1U) == 0U) {
        rough.links_seen_down++;
    }
    receive(vcpu, station);
    give_buffers(cpu, vcpu, station, 48);
    (void)send_to(cpu, vcpu, station, to, 24U + station->sent * 331U % 30000U);
    return HV_RESUME;
}

static void rough_under_seed(uint64_t seed)
{
    board(4);
    memset(&rough, 0, offsetof(__typeof__(rough), links_seen_down));
    rough.most = 9;
    sim_run(&sim, go_on_talking, seed);
    sim_assert_exit(&sim, "ok", NULL);
    frames_lost += counted(BOB, HV_VSWITCH_ABSENT) + counted(BOB, HV_VSWITCH_UNPLUGGED);
}

static void peers_that_are_cut_off_paused_and_restarted_are_talked_to_again(void **state)
{
    (void)state;
    frames_lost = 0;
    rough.links_seen_down = 0;
    sim_under_seeds("virtio-net-rough", SEEDS, rough_under_seed);
    assert_true(frames_lost > 0U && rough.links_seen_down > 0U);
}

/* ---- A hostile peer ---------------------------------------------------------------------------------------------- */

static struct test_rng evil;

static uint32_t any(uint32_t bound)
{
    return (uint32_t)test_rng_below(&evil, bound);
}

/** Floods, lies about who it is, and tears at its own device. */
static void be_evil(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station)
{
    uint8_t to[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    unsigned char header[HEADER];
    const uint64_t registers = sim_virtio(0);

    if (!station->is_open || any(200) == 0U) {
        open_station(cpu, vcpu, EVE, any(2) == 0U ? ALL : 0U);
    }
    if (any(2) == 0U) {
        mac_of(any(2), to);
    }
    if (any(2) == 0U) {
        for (unsigned i = 0; i < HEADER; i++) {
            header[i] = any(3) == 0U ? (unsigned char)any(256) : 0U;
        }
        make_frame(scratch, EVE, to, 0, 24U + any(1490));
        mac_of(any(VMS), scratch + 6);
        add_frame(vcpu, station, header, scratch, any(2000));
    }
    if (any(3) == 0U) {
        sim_poke(vcpu, (unsigned)(RINGS / 4U) + any(SIM_QUEUE_BYTES / 2U), any(UINT32_MAX));
    }
    if (any(4) == 0U) {
        (void)sim_device(cpu, vcpu, registers + 4U * any(0x44), true,
                         any(8) == 0U ? any(UINT32_MAX) : any(4));
    }
    (void)sim_queue_kick_once(cpu, vcpu, any(2) == 0U ? &station->tx : &station->rx);
}

static enum hv_verdict talk_beside_an_enemy(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (!sim_is(vcpu, "eve")) {
        return talk_to_each_other(cpu, vcpu, round);
    }
    stations[EVE].vm = EVE;
    be_evil(cpu, vcpu, &stations[EVE]);
    return HV_RESUME;
}

static uint64_t spoofed, flooded;

static void enemy_under_seed(uint64_t seed)
{
    struct hv_virtio_net_port port;

    evil = (struct test_rng){seed * 77U + 1U};
    board(3);
    sim_run(&sim, talk_beside_an_enemy, seed);
    sim_assert_exit(&sim, "ok", NULL);
    for (unsigned i = 0; i < 2U; i++) {
        assert_int_equal(counted(i, HV_VSWITCH_IN), talk.frames);
        frames_lost += counted(i, HV_VSWITCH_FULL);
    }
    assert_true(hv_virtio_net_look(NULL, sim.hv.vm[EVE], 0, &port));
    spoofed += port.counts[HV_VSWITCH_SPOOFED];
    flooded += port.counts[HV_VSWITCH_FLOODS];
}

static void an_enemy_on_the_switch_changes_no_frame_of_others(void **state)
{
    (void)state;
    talk.features[0] = ALL;
    talk.features[1] = ALL;
    talk.frames = 120;
    talk.size_most = 1514;
    sim_under_seeds("virtio-net-enemy", SEEDS, enemy_under_seed);
    assert_true(spoofed > 0U && flooded > 0U);
}

/* ---- Checksums --------------------------------------------------------------------------------------------------- */

static uint32_t sum_of(const unsigned char *bytes, uint32_t size)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < size; i++) {
        sum += i % 2U == 0U ? (uint32_t)bytes[i] << 8 : bytes[i];
    }
    while (sum > 0xFFFFU) {
        sum = (sum & 0xFFFFU) + (sum >> 16);
    }
    return sum;
}

#define SUM_START 34U
#define SUM_AT    (SUM_START + 6U) /* UDP's */

static unsigned sums_seen;

/** Frames whose sum is left to Bob, who never said that he can. */
static enum hv_verdict leave_sums_out(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const unsigned char header[HEADER] = {1, 0, 0, 0, 0, 0, SUM_START, 0, 6, 0};
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : BOB;
    struct station *station = &stations[me];
    uint32_t head, length;

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, me == ALICE ? ALL : 0U);
        give_buffers(cpu, vcpu, station, 48);
        return HV_RESUME;
    }
    if (me == ALICE && stations[BOB].is_open && station->sent < 20U) {
        uint8_t to[6];

        mac_of(BOB, to);
        make_frame(scratch, ALICE, to, station->sent, 500);
        if (station->sent == 0U) { /* the sum of nothing is 0, which says that there is none */
            memset(scratch + SUM_START, 0, 500U - SUM_START);
            scratch[SUM_AT] = 0xFF;
            scratch[SUM_AT + 1U] = 0xFF;
        }
        add_frame(vcpu, station, header, scratch, 60U + 7U * station->sent++);
        sim_queue_kick(cpu, vcpu, &station->tx);
    }
    while (me == BOB && sim_queue_used(vcpu, &station->rx, &head, &length)) {
        unsigned char got[HEADER + 500], sent[500];
        uint32_t number, sum;

        assert_int_equal(
            hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, BUFFERS + BUFFER * head)), got, length), ASH_OK);
        assert_int_equal(got[0], 0); /* nothing is left to do */
        memcpy(&number, got + HEADER + 16, 4);
        make_frame(sent, ALICE, got + HEADER, number, 500);
        sum = (uint32_t)sent[SUM_AT] << 8 | sent[SUM_AT + 1U]; /* the pseudo header's, so to say */
        if (number == 0U) {
            assert_int_equal(got[HEADER + SUM_AT], 0xFF);
            assert_int_equal(got[HEADER + SUM_AT + 1U], 0xFF);
        } else {
            sum += sum_of(got + HEADER + SUM_START, length - HEADER - SUM_START);
            assert_int_equal((sum & 0xFFFFU) + (sum >> 16), 0xFFFF);
        }
        sums_seen++;
    }
    return sums_seen == 20U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void a_sum_that_is_left_out_is_filled_in_for_who_cannot(void **state)
{
    (void)state;
    sums_seen = 0;
    board(2);
    sim_run(&sim, leave_sums_out, 1);
    sim_assert_exit(&sim, "ok", NULL);
    assert_int_equal(counted(BOB, HV_VSWITCH_OUT), 20);
}

/* ---- Segments that are still to be cut --------------------------------------------------------------------------- */

#define TCP_AT      34U
#define PAYLOAD_AT  54U
#define PAYLOAD     6000U
#define EACH        1448U
#define TCP_PIECES  5U
#define TCP_SENDERS 3U

static struct {
    uint64_t features; /* of Bob */
    unsigned got;
    uint32_t bytes;
} cutting;

static void make_tcp(unsigned char *bytes)
{
    for (uint32_t i = 0; i < PAYLOAD_AT + PAYLOAD; i++) {
        bytes[i] = (unsigned char)(i * 3U + (i >> 8));
    }
    mac_of(BOB, bytes);
    mac_of(ALICE, bytes + 6);
    bytes[12] = 0x08;
    bytes[13] = 0;
    bytes[14] = 0x45;
    bytes[14 + 9] = 6;
    memset(bytes + TCP_AT + 4U, 0, 4);
    bytes[TCP_AT + 12U] = 0x50;
}

/** Bob's: each frame's sum is right, its number says where it belongs. */
static void take_piece(const unsigned char *got, uint32_t size)
{
    const unsigned char *ip = got + HEADER + 14U, *tcp = got + HEADER + TCP_AT;
    const uint32_t number = (uint32_t)tcp[6] << 8 | tcp[7], segment = size - HEADER - TCP_AT;
    uint32_t sum;

    make_tcp(scratch);
    assert_memory_equal(got, plain, 10);
    assert_memory_equal(got + HEADER + PAYLOAD_AT, scratch + PAYLOAD_AT + number, size - HEADER - PAYLOAD_AT);
    sum = sum_of(ip + 12, 8) + 6U + segment + sum_of(tcp, segment);
    assert_int_equal((sum & 0xFFFFU) + (sum >> 16), 0xFFFF);
    assert_int_equal(sum_of(ip, 20), 0xFFFF);
    cutting.got++;
    cutting.bytes += size - HEADER - PAYLOAD_AT;
}

static enum hv_verdict send_to_who_cannot_cut(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const unsigned char header[HEADER] = {1,         1,      PAYLOAD_AT, 0,  EACH & 0xFFU,
                                                 EACH >> 8, TCP_AT, 0,          16, 0};
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : BOB;
    struct station *station = &stations[me];
    uint32_t head, length;

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, me == ALICE ? ALL : cutting.features);
        give_buffers(cpu, vcpu, station, 48);
        return HV_RESUME;
    }
    if (me == ALICE && stations[BOB].is_open && station->sent < TCP_SENDERS) {
        make_tcp(scratch);
        add_frame(vcpu, station, header, scratch, PAYLOAD_AT + PAYLOAD);
        station->sent++;
        sim_queue_kick(cpu, vcpu, &station->tx);
    }
    while (me == BOB && sim_queue_used(vcpu, &station->rx, &head, &length)) {
        unsigned char got[BUFFER];

        assert_int_equal(
            hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, BUFFERS + BUFFER * head)), got, length), ASH_OK);
        take_piece(got, length);
    }
    return cutting.bytes == TCP_SENDERS * PAYLOAD ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void a_segment_is_cut_for_who_cannot(void **state)
{
    static const uint64_t features[] = {0, MERGEABLE, UINT64_C(2), MERGEABLE | UINT64_C(0x102)};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(features); i++) {
        memset(&cutting, 0, sizeof(cutting));
        cutting.features = features[i];
        board(2);
        sim_run(&sim, send_to_who_cannot_cut, 1);
        sim_assert_exit(&sim, "ok", NULL);
        assert_int_equal(cutting.got, TCP_SENDERS * TCP_PIECES);
        assert_int_equal(counted(BOB, HV_VSWITCH_OUT), TCP_SENDERS);
        assert_int_equal(counted(BOB, HV_VSWITCH_REFUSED), 0);
    }
}

/* ---- A VM's life ------------------------------------------------------------------------------------------------- */

static struct {
    unsigned who; /* is made and taken away */
    struct sim_account without;
    bool is_known, used;
    unsigned cycles, most, in_use, wait;
    uint32_t next_failure;
} cycling;

static enum hv_verdict cycle(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const char *why;

    switch ((unsigned)hv_life_state(cpu->hv, cycling.who)) {
    case HV_LIFE_ABSENT:
        if (!cycling.is_known) {
            sim_account(cpu->hv, &cycling.without);
            cycling.is_known = true;
        }
        sim_assert_same_account(cpu->hv, &cycling.without);
        cycling.in_use += cycling.used ? 1U : 0U;
        cycling.used = false;
        stations[cycling.who].is_open = false;
        if (cycling.cycles++ == cycling.most) {
            return sim_off(cpu, vcpu);
        }
        cycling.wait = (unsigned)(hv_arch_ticks() % 30U);
        assert_int_equal(hv_life_ask(cpu, cycling.who, HV_LIFE_CREATE, &why), ASH_OK);
        break;
    case HV_LIFE_OFF:
        ASH_DISCARD(hv_life_ask(cpu, cycling.who,
                                cycling.is_known && cycling.wait != 0U ? HV_LIFE_START : HV_LIFE_DESTROY,
                                &why));
        break;
    case HV_LIFE_RUNNING:
        if (!cycling.is_known || (cycling.used && cycling.wait-- == 0U)) {
            cycling.wait = 0;
            ASH_DISCARD(hv_life_ask(cpu, cycling.who, HV_LIFE_DESTROY, &why));
        }
        break;
    default:
        break;
    }
    return HV_RESUME;
}

static enum hv_verdict talk_to_who_comes_and_goes(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = sim_is(vcpu, "alice") ? ALICE
                        : sim_is(vcpu, "bob") ? BOB
                        : sim_is(vcpu, "eve") ? EVE
                                              : BOSS;
    struct station *station = &stations[me];
    uint8_t to[6];

    if (me == BOSS) {
        return cycle(cpu, vcpu);
    }
    if (me == EVE || hv_life_state(cpu->hv, BOSS) == HV_LIFE_OFF) {
        return sim_off(cpu, vcpu);
    }
    mac_of(1U - me, to);
    if (round == 0U || !station->is_open) {
        open_station(cpu, vcpu, me, ALL);
        station->last[1U - me] = 0;
        cycling.used = cycling.used || me == cycling.who;
    }
    receive(vcpu, station);
    give_buffers(cpu, vcpu, station, me == BOB ? 3U : 48U); /* Bob is short of them: there is waiting */
    (void)send_to(cpu, vcpu, station, to, 24U + station->sent * 331U % 8000U);
    return HV_RESUME;
}

static void cycle_under_seed(uint64_t seed)
{
    cycling.is_known = false;
    cycling.cycles = 0;
    cycling.used = false;
    board(4);
    hv_host_run(&sim.hv, talk_to_who_comes_and_goes, seed, 4000000, &sim.result);
    assert_true(sim.result.powered_off && !sim.result.stuck);
    sim_assert_says_not(&sim, "PANIC");
    sim_assert_says_not(&sim, "has no port left");
    assert_int_equal(cycling.cycles, cycling.most + 1U);
}

static void two_thousand_peers_that_come_and_go_leave_nothing_behind(void **state)
{
    (void)state;
    for (unsigned who = ALICE; who <= BOB; who++) {
        memset(&cycling, 0, sizeof(cycling));
        cycling.who = who;
        cycling.most = 100;
        sim_under_seeds("virtio-net-life", 10, cycle_under_seed);
        assert_true(cycling.in_use > 500U);
    }
}

/** The first port makes its switch, too: each of its allocations fails once. */
static enum hv_verdict be_short_of_memory(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const char *why;

    (void)round;
    if (!sim_is(vcpu, "boss")) {
        return sim_is(vcpu, "alice") ? HV_RESUME : sim_off(cpu, vcpu);
    }
    for (unsigned i = BOB; i <= EVE; i++) { /* so that nobody is on the switch */
        if (hv_life_state(cpu->hv, i) != HV_LIFE_ABSENT) {
            ASH_DISCARD(hv_life_ask(cpu, i, HV_LIFE_DESTROY, &why));
            return HV_RESUME;
        }
    }
    switch ((unsigned)hv_life_state(cpu->hv, ALICE)) {
    case HV_LIFE_ABSENT:
        sim_fails_in = 0;
        if (!cycling.is_known) {
            sim_account(cpu->hv, &cycling.without);
            cycling.is_known = true;
        }
        sim_assert_same_account(cpu->hv, &cycling.without);
        sim_fails_in = ++cycling.next_failure;
        assert_int_equal(hv_life_ask(cpu, ALICE, HV_LIFE_CREATE, &why), ASH_OK);
        break;
    case HV_LIFE_OFF: /* it is made for all that: none was left to fail */
        if (cycling.next_failure > 0U) {
            assert_true(sim_fails_in > 0U && cycling.next_failure > 5U);
            sim_fails_in = 0;
            return sim_off(cpu, vcpu);
        }
        ASH_DISCARD(hv_life_ask(cpu, ALICE, HV_LIFE_DESTROY, &why));
        break;
    case HV_LIFE_RUNNING:
        ASH_DISCARD(hv_life_ask(cpu, ALICE, HV_LIFE_DESTROY, &why));
        break;
    default:
        break;
    }
    return HV_RESUME;
}

static void each_allocation_that_fails_gives_everything_back(void **state)
{
    (void)state;
    memset(&cycling, 0, sizeof(cycling));
    board(4);
    hv_host_run(&sim.hv, be_short_of_memory, 1, SIM_MAX_TURNS, &sim.result);
    assert_true(sim.result.powered_off && !sim.result.stuck);
    sim_assert_says_not(&sim, "PANIC");
    sim_assert_says(&sim, "finds hv's page pool empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_whole_both_ways),
        cmocka_unit_test(a_peer_that_does_not_read_holds_a_frame_for_10_ms_at_most),
        cmocka_unit_test(what_is_too_much_for_a_batch_is_done_by_and_by),
        cmocka_unit_test(peers_that_are_cut_off_paused_and_restarted_are_talked_to_again),
        cmocka_unit_test(an_enemy_on_the_switch_changes_no_frame_of_others),
        cmocka_unit_test(a_sum_that_is_left_out_is_filled_in_for_who_cannot),
        cmocka_unit_test(a_segment_is_cut_for_who_cannot),
        cmocka_unit_test(each_allocation_that_fails_gives_everything_back),
        cmocka_unit_test(two_thousand_peers_that_come_and_go_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
