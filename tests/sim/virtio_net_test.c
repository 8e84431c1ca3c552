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
#include "lives.h"
#include "stations.h"

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
    const unsigned me = who_is(vcpu);
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
    const unsigned me = who_is(vcpu);
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
    const unsigned me = who_is(vcpu);
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
            assert_int_equal(hv_virtio_net_set_link(cpu, hv->vm[BOB], UINT32_MAX, false), 1);
            hv_unlock(&hv->vms_lock);
        } else if (hv_life_ask(cpu, BOB, HV_LIFE_PAUSE, &why) != ASH_OK) {
            return HV_RESUME;
        }
        rough.is_down = true;
    } else if (pulls || hv_life_state(hv, BOB) == HV_LIFE_PAUSED) {
        if (pulls) {
            hv_lock(&hv->vms_lock);
            assert_int_equal(hv_virtio_net_set_link(cpu, hv->vm[BOB], UINT32_MAX, true), 1);
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
    const unsigned me = who_is(vcpu);
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

/* ---- A VM's life ------------------------------------------------------------------------------------------------- */

static struct sim_lives lives;

static enum hv_verdict cycle(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    if (hv_life_state(cpu->hv, lives.who) == HV_LIFE_ABSENT) {
        stations[lives.who].is_open = false;
    }
    return sim_lives_cycle(cpu, vcpu, &lives);
}

static enum hv_verdict talk_to_who_comes_and_goes(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = who_is(vcpu);
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
        lives.used = lives.used || me == lives.who;
    }
    receive(vcpu, station);
    give_buffers(cpu, vcpu, station, me == BOB ? 3U : 48U); /* Bob is short of them: there is waiting */
    (void)send_to(cpu, vcpu, station, to, 24U + station->sent * 331U % 8000U);
    return HV_RESUME;
}

static void cycle_under_seed(uint64_t seed)
{
    lives.is_known = false;
    lives.cycles = 0;
    lives.used = false;
    board(4);
    hv_host_run(&sim.hv, talk_to_who_comes_and_goes, seed, 4000000, &sim.result);
    assert_true(sim.result.powered_off && !sim.result.stuck);
    sim_assert_says_not(&sim, "PANIC");
    sim_assert_says_not(&sim, "has no port left");
    assert_int_equal(lives.cycles, lives.most + 1U);
}

static void two_thousand_peers_that_come_and_go_leave_nothing_behind(void **state)
{
    (void)state;
    for (unsigned who = ALICE; who <= BOB; who++) {
        lives = (struct sim_lives){.who = who, .most = 100, .haste = 30};
        sim_under_seeds("virtio-net-life", 10, cycle_under_seed);
        assert_true(lives.in_use > 500U);
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
    return sim_lives_fail(cpu, vcpu, &lives);
}

static void each_allocation_that_fails_gives_everything_back(void **state)
{
    (void)state;
    lives = (struct sim_lives){.who = ALICE, .most = 5};
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
        cmocka_unit_test(each_allocation_that_fails_gives_everything_back),
        cmocka_unit_test(two_thousand_peers_that_come_and_go_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
