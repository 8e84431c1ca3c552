/* SPDX-License-Identifier: BSD-2-Clause */
/** Random stations at a switch beside an oracle of IEEE Std 802.1Q-2018, 6.9 and 8.6 to 8.8, that knows lists only:
 *  who was heard where and when, who is still to get which frame. It does not say in which order receivers get it;
 *  all else must agree: each delivery and its bytes, each answer, each count, each call of resume(). */
#include <stdlib.h>
#include <string.h>

#include <testkit/cmocka.h>
#include <testkit/seed.h>

#include <libbase/errors.h>

#include "vdev/vswitch.h"

#define STATIONS  12U
#define MACS      60U /* the stations' own, then strangers */
#define HEARD     4096U
#define SIZE_MAX_ 200U
#define FREQUENCY UINT64_C(1000000)
#define AGEING    (UINT64_C(10) * FREQUENCY)
#define PATIENCE  (FREQUENCY / 100U)
#define RATE      10000U /* bytes a second: 100 ticks each */
#define FLOODS    20U    /* a second: 50000 ticks each */
#define BURST     (FREQUENCY / 50U)

static struct test_rng rng;

static unsigned below(unsigned bound)
{
    return (unsigned)test_rng_below(&rng, bound);
}

struct station {
    struct hv_vswitch_port port;
    struct hv_vswitch_port_config config;
    bool plugged;
    /* What its driver is like. */
    unsigned room;
    int error;
    /* What the switch did. */
    unsigned resumed;
    /* What it is sending. */
    bool sending;
    unsigned char frame[SIZE_MAX_];
    uint32_t size;
    /* The oracle's. */
    bool link, stuck, is_flood, is_waiting;
    bool to_get[STATIONS];    /* who is still to get its frame */
    bool waits_for[STATIONS]; /* and for whom that waits */
    uint64_t give_up_at;
    uint64_t debt, flood_debt; /* ticks until what it sent is paid for at its limits' pace */
    uint64_t paid_at;
    unsigned char expected[SIZE_MAX_];
    uint32_t expected_size;
    uint64_t counts[HV_VSWITCH_COUNTS];
    unsigned resumes;
};

struct heard {
    bool is, own;
    uint16_t vlan;
    uint8_t mac[6];
    unsigned at;
    uint64_t when;
};

static struct model {
    struct hv_vswitch sw;
    struct station at[STATIONS];
    struct heard heard[HEARD];
    uint64_t now;
    unsigned sender; /* of the call that is under way */
    unsigned deliveries, served, short_of_room;
    uint64_t aged, total[HV_VSWITCH_COUNTS], resumed, cancelled, partial;
} * m;

static void mac_of(unsigned n, uint8_t *mac)
{
    const uint8_t bytes[] = {0x02, 0x10, 0, 0, (uint8_t)(n / 7U), (uint8_t)n};

    memcpy(mac, bytes, 6);
}

/* ---- The stations' side ------------------------------------------------------------------------------- */

static int deliver(void *ctx, const struct hv_vswitch_frame *frame)
{
    struct station *to = (struct station *)ctx, *from = &m->at[m->sender];
    const unsigned number = (unsigned)(to - m->at);
    unsigned char bytes[SIZE_MAX_];

    assert_true(to->plugged && to->link);
    assert_true(from->to_get[number]); /* for whom it is, and once */
    m->served++;
    if (to->error != ASH_OK) {
        from->to_get[number] = false;
        to->counts[to->error == ASH_EBUSY ? HV_VSWITCH_ABSENT : HV_VSWITCH_REFUSED]++;
        return to->error;
    }
    if (to->room == 0U) {
        m->short_of_room++;
        if (from->is_flood || to->stuck) {
            from->to_get[number] = false;
            to->counts[HV_VSWITCH_FULL]++;
        }
        return ASH_ENOSPC;
    }
    assert_int_equal(frame->size, from->expected_size);
    assert_int_equal(frame->cut, from->size - from->expected_size);
    for (uint32_t at = 0, piece; at < frame->size; at += piece) {
        piece = 1U + below(frame->size - at);
        assert_int_equal(frame->copy(frame->ctx, at, bytes + at, piece), ASH_OK);
    }
    assert_memory_equal(bytes, from->expected, frame->size);
    to->room--;
    to->stuck = false;
    to->counts[HV_VSWITCH_OUT]++;
    to->counts[HV_VSWITCH_OUT_BYTES] += frame->size;
    from->to_get[number] = false;
    m->deliveries++;
    return ASH_OK;
}

static void resume(void *ctx)
{
    ((struct station *)ctx)->resumed++;
}

static int copy(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct station *station = (const struct station *)ctx;

    assert_true(offset <= station->size && size <= station->size - offset);
    memcpy(to, station->frame + offset, size);
    return ASH_OK;
}

static const struct hv_vswitch_ops ops = {deliver, resume};

/* ---- The oracle --------------------------------------------------------------------------------------- */

static struct heard *recall(uint16_t vlan, const uint8_t *mac)
{
    for (unsigned i = 0; i < HEARD; i++) {
        if (m->heard[i].is && m->heard[i].vlan == vlan && memcmp(m->heard[i].mac, mac, 6) == 0) {
            return &m->heard[i];
        }
    }
    return NULL;
}

static bool is_old(const struct heard *heard)
{
    return !heard->own && m->now - heard->when > AGEING;
}

static void note(uint16_t vlan, const uint8_t *mac, unsigned at, bool own)
{
    unsigned i = 0;

    while (m->heard[i].is) {
        i++;
        assert_true(i < HEARD);
    }
    m->heard[i] = (struct heard){.is = true, .own = own, .vlan = vlan, .at = at, .when = m->now};
    memcpy(m->heard[i].mac, mac, 6);
}

/* A port holds HV_VSWITCH_LEARNED of them; whom it did not hear for the longest time goes. Of two of the same time
 * either may: time never stands still between two frames here. */
static void make_room_for_one(unsigned at)
{
    struct heard *oldest = NULL;
    unsigned count = 0;

    for (unsigned i = 0; i < HEARD; i++) {
        struct heard *heard = &m->heard[i];

        if (heard->is && !heard->own && heard->at == at) {
            count++;
            oldest = oldest == NULL || heard->when < oldest->when ? heard : oldest;
        }
    }
    if (count == HV_VSWITCH_LEARNED) {
        m->at[at].counts[HV_VSWITCH_EVICTED] += is_old(oldest) ? 0U : 1U;
        oldest->is = false;
    }
}

static void forget(unsigned at, bool own)
{
    for (unsigned i = 0; i < HEARD; i++) {
        if (m->heard[i].at == at && (own || !m->heard[i].own)) {
            m->heard[i].is = false;
        }
    }
}

/* False: it is not its to use. */
static bool hear(unsigned at, const uint8_t *mac)
{
    struct station *station = &m->at[at];
    struct heard *heard = recall(station->config.vlan, mac);

    if (heard != NULL && heard->own && heard->at != at) {
        return false;
    }
    if (heard != NULL && heard->at == at) {
        heard->when = m->now;
        return true;
    }
    if (heard != NULL) {
        station->counts[HV_VSWITCH_MOVED] += is_old(heard) ? 0U : 1U;
        heard->is = false;
    }
    make_room_for_one(at);
    note(station->config.vlan, mac, at, false);
    return true;
}

static bool may_hear(const struct station *from, const struct station *to)
{
    return to->plugged && to != from && to->config.vlan == from->config.vlan &&
           (!to->config.is_isolated || !from->config.is_isolated);
}

/* Time pays. Who owes more than the burst does not send. */
static void pay(struct station *from)
{
    uint64_t ticks = m->now - from->paid_at, part;

    from->paid_at = m->now;
    part = ticks < from->debt ? ticks : from->debt;
    from->debt -= part;
    part = ticks < from->flood_debt ? ticks : from->flood_debt;
    from->flood_debt -= part;
}

static bool is_bridges_own(const uint8_t *mac)
{
    return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xC2 && mac[3] == 0 && mac[4] == 0 && mac[5] <= 0x0F;
}

/* 6.9 for access ports. What is to be delivered in expected; a count if nothing is. */
static int ingress(struct station *from)
{
    const unsigned type = (unsigned)from->frame[12] << 8 | from->frame[13];
    static const uint8_t zero[6];

    if (from->size < 14U || (from->frame[6] & 1U) != 0U || memcmp(from->frame + 6, zero, 6) == 0) {
        return HV_VSWITCH_MALFORMED;
    }
    memcpy(from->expected, from->frame, from->size);
    from->expected_size = from->size;
    if (from->config.vlan == 0U || type != 0x8100U) {
        return -1;
    }
    if (from->size < 18U) {
        return HV_VSWITCH_MALFORMED;
    }
    if ((from->frame[14] & 0x0FU) != 0U || from->frame[15] != 0U) {
        return HV_VSWITCH_TAGGED;
    }
    memmove(from->expected + 12, from->expected + 16, from->size - 16U);
    from->expected_size -= 4U;
    return -1;
}

/* Who is to get it, 8.6.3. */
static unsigned address(struct station *from)
{
    const bool group = (from->expected[0] & 1U) != 0U;
    const struct heard *heard = group ? NULL : recall(from->config.vlan, from->expected);
    unsigned count = 0;

    if (heard != NULL && is_old(heard)) {
        m->aged++;
        heard = NULL;
    }
    from->is_flood = heard == NULL;
    for (unsigned i = 0; i < STATIONS; i++) {
        from->to_get[i] = may_hear(from, &m->at[i]) && (heard == NULL || heard->at == i);
        count += from->to_get[i] ? 1U : 0U;
    }
    return count;
}

/* What becomes of a new frame: a count, or -1 and it is on its way. */
static int judge(unsigned n)
{
    struct station *from = &m->at[n];
    const int fault = ingress(from);

    if (fault >= 0) {
        return fault;
    }
    if (!hear(n, from->expected + 6)) {
        return HV_VSWITCH_SPOOFED;
    }
    if (is_bridges_own(from->expected)) {
        return HV_VSWITCH_RESERVED;
    }
    if (address(from) == 0U) {
        return HV_VSWITCH_NOWHERE;
    }
    if (from->is_flood) {
        if (from->config.floods_per_second != 0U && from->flood_debt > BURST) {
            memset(from->to_get, 0, sizeof(from->to_get));
            return HV_VSWITCH_STORM;
        }
        from->flood_debt += from->config.floods_per_second != 0U ? FREQUENCY / FLOODS : 0U;
        from->counts[HV_VSWITCH_FLOODS]++;
    }
    from->counts[HV_VSWITCH_IN]++;
    from->counts[HV_VSWITCH_IN_BYTES] += from->size;
    return -1;
}

static unsigned still_to_get(const struct station *from)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STATIONS; i++) {
        count += from->to_get[i] ? 1U : 0U;
    }
    return count;
}

/* Nobody waits for @n any more; those who did are told. */
static void release(unsigned n)
{
    m->at[n].stuck = false;
    for (unsigned i = 0; i < STATIONS; i++) {
        if (m->at[i].waits_for[n]) {
            m->at[i].waits_for[n] = false;
            m->at[i].resumes++;
        }
    }
}

static void drop(unsigned n)
{
    m->at[n].sending = false;
    m->at[n].is_waiting = false;
    memset(m->at[n].to_get, 0, sizeof(m->at[n].to_get));
    memset(m->at[n].waits_for, 0, sizeof(m->at[n].waits_for));
}

/* ---- Operations --------------------------------------------------------------------------------------- */

static void make_frame(unsigned n)
{
    static const uint8_t special[][6] = {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
                                         {0x01, 0x80, 0xC2, 0, 0, 0x0F},
                                         {0x01, 0x80, 0xC2, 0, 0, 0x10},
                                         {0x33, 0x33, 0, 0, 0, 1}};
    struct station *from = &m->at[n];

    from->size = below(20) == 0U ? below(20) : 14U + below(SIZE_MAX_ - 14U);
    for (unsigned i = 0; i < SIZE_MAX_; i++) {
        from->frame[i] = (unsigned char)below(256);
    }
    if (below(4) == 0U) {
        memcpy(from->frame, special[below(4)], 6);
    } else {
        mac_of(below(below(2) == 0U ? STATIONS : MACS), from->frame);
    }
    if (below(3) != 0U) {
        memcpy(from->frame + 6, from->config.mac, 6);
    } else if (below(20) != 0U) {
        mac_of(below(MACS), from->frame + 6);
    } else {
        memset(from->frame + 6, below(2) == 0U ? 0 : 0xFF, 6);
    }
    from->frame[12] = 0x81;
    from->frame[13] = below(3) == 0U ? 0x00 : 0x37;
    from->frame[14] = below(2) == 0U ? 0xE0 : from->frame[14];
    from->frame[15] = below(2) == 0U ? 0 : from->frame[15];
}

static void check_answer(struct station *from, int answer, const struct hv_vswitch_turn *turn, uint32_t bytes)
{
    const unsigned left = still_to_get(from);

    if (answer == ASH_OK) {
        assert_int_equal(left, 0);
        from->sending = false;
        from->is_waiting = false;
        return;
    }
    assert_int_equal(answer, ASH_EBUSY);
    assert_true(left > 0U);
    if (turn->again_at == m->now) { /* the turn is used up */
        assert_int_equal(turn->bytes, 0);
        assert_true((uint64_t)m->served * (from->expected_size + HV_VSWITCH_EACH) >= bytes);
        m->partial++;
        return;
    }
    assert_int_equal(turn->again_at, from->give_up_at);
    assert_true(!from->is_flood && left == 1U && m->short_of_room == 1U);
    for (unsigned i = 0; i < STATIONS; i++) {
        from->waits_for[i] = from->to_get[i];
    }
}

/* Its one receiver is there and has no room: it starts to wait. */
static void foresee(struct station *from)
{
    for (unsigned i = 0; i < STATIONS; i++) {
        const struct station *to = &m->at[i];

        if (from->to_get[i] && to->link && !from->is_flood && !from->is_waiting && to->room == 0U &&
            !to->stuck && to->error == ASH_OK) {
            from->is_waiting = true;
            from->give_up_at = m->now + PATIENCE;
            from->counts[HV_VSWITCH_WAITS]++;
        }
    }
}

/* Afterwards: who has no link, and who was waited for in vain, does not get it. */
static void settle(struct station *from, int answer)
{
    for (unsigned i = 0; i < STATIONS; i++) {
        struct station *to = &m->at[i];

        if (!from->to_get[i]) {
            continue;
        }
        if (!to->link && answer == ASH_OK) {
            to->counts[HV_VSWITCH_ABSENT]++;
            from->to_get[i] = false;
        } else if (from->is_waiting && m->now >= from->give_up_at && m->short_of_room > 0U) {
            to->counts[HV_VSWITCH_FULL]++;
            to->stuck = true;
            from->to_get[i] = false;
        }
    }
}

/* To a port without a link the switch does not try: of a flood that stops half-way the oracle could not tell whether
 * that port's turn had come. */
static bool everybody_has_a_link(const struct station *from)
{
    for (unsigned i = 0; i < STATIONS; i++) {
        if (may_hear(from, &m->at[i]) && !m->at[i].link) {
            return false;
        }
    }
    return true;
}

static void send(unsigned n)
{
    struct station *from = &m->at[n];
    const struct hv_vswitch_frame frame = {.size = from->size, .copy = copy, .ctx = from};
    const uint32_t bytes = everybody_has_a_link(from) && below(3) == 0U ? 1U + below(3000) : UINT32_MAX;
    struct hv_vswitch_turn turn = {.now = m->now, .bytes = bytes};
    int fault = -1, answer;

    m->sender = n;
    m->served = 0;
    m->short_of_room = 0;
    memset(from->waits_for, 0, sizeof(from->waits_for));
    if (!from->sending) {
        pay(from);
        if (!from->plugged) {
            assert_int_equal(hv_vswitch_send(&from->port, &frame, &turn), ASH_OK);
            return;
        }
        if (!from->link) {
            from->counts[HV_VSWITCH_UNPLUGGED]++;
            assert_int_equal(hv_vswitch_send(&from->port, &frame, &turn), ASH_OK);
            return;
        }
        if (from->config.bytes_per_second != 0U && from->debt > BURST) {
            from->counts[HV_VSWITCH_DELAYS]++;
            assert_int_equal(hv_vswitch_send(&from->port, &frame, &turn), ASH_EBUSY);
            assert_int_equal(turn.again_at, m->now + from->debt - BURST);
            return;
        }
        from->debt += from->config.bytes_per_second != 0U ? from->size * (FREQUENCY / RATE) : 0U;
        fault = judge(n);
        if (fault >= 0) {
            from->counts[fault]++;
            assert_int_equal(hv_vswitch_send(&from->port, &frame, &turn), ASH_OK);
            assert_int_equal(m->served, 0);
            return;
        }
        from->sending = true;
    }
    foresee(from);
    answer = hv_vswitch_send(&from->port, &frame, &turn);
    settle(from, answer);
    check_answer(from, answer, &turn, bytes);
}

static void plug(unsigned n)
{
    static const uint16_t vlans[] = {0, 0, 7, 7, 4094};
    struct station *station = &m->at[n];
    struct hv_vswitch_port_config config = {.vlan = vlans[below(5)],
                                            .is_isolated = below(3) == 0U,
                                            .bytes_per_second = below(3) == 0U ? RATE : 0U,
                                            .floods_per_second = below(3) == 0U ? FLOODS : 0U,
                                            .ops = &ops,
                                            .ctx = station};
    struct heard *heard;

    mac_of(below(10) == 0U ? below(STATIONS) : n, config.mac);
    heard = recall(config.vlan, config.mac);
    if (heard != NULL && heard->own) {
        assert_int_equal(hv_vswitch_attach(&m->sw, &station->port, &config), ASH_EEXIST);
        return;
    }
    assert_int_equal(hv_vswitch_attach(&m->sw, &station->port, &config), ASH_OK);
    if (heard != NULL) {
        heard->is = false;
    }
    note(config.vlan, config.mac, n, true);
    station->config = config;
    station->plugged = true;
    station->link = true;
    station->stuck = false;
    station->debt = 0;
    station->flood_debt = 0;
    station->paid_at = m->now;
    memset(station->counts, 0, sizeof(station->counts));
}

static void check_counts(unsigned n)
{
    for (unsigned i = 0; i < HV_VSWITCH_COUNTS; i++) {
        if (m->at[n].port.counts[i] != m->at[n].counts[i]) {
            fail_msg("%s of station %u: %llu, not %llu", hv_vswitch_count_name((enum hv_vswitch_count)i), n,
                     (unsigned long long)m->at[n].port.counts[i], (unsigned long long)m->at[n].counts[i]);
        }
    }
}

static void unplug(unsigned n)
{
    check_counts(n);
    for (unsigned i = 0; i < HV_VSWITCH_COUNTS; i++) {
        m->total[i] += m->at[n].counts[i];
    }
    hv_vswitch_detach(&m->at[n].port);
    drop(n);
    forget(n, true);
    for (unsigned i = 0; i < STATIONS; i++) {
        m->at[i].to_get[n] = false;
    }
    release(n);
    m->at[n].plugged = false;
    m->at[n].link = false;
}

static void set_link(unsigned n, bool up)
{
    struct station *station = &m->at[n];

    hv_vswitch_set_link(&station->port, up);
    if (station->plugged && station->link && !up) {
        drop(n);
        forget(n, false);
        release(n);
    }
    station->link = station->plugged && up;
}

static void check_tables(void)
{
    for (unsigned n = 0; n < STATIONS; n++) {
        struct hv_vswitch_station station;
        unsigned known = 0, expected = 0;

        for (uint32_t i = 0; i <= HV_VSWITCH_LEARNED; i++) {
            if (hv_vswitch_station(&m->at[n].port, i, &station)) {
                const struct heard *heard = recall(station.vlan, station.mac);

                assert_true(heard != NULL && heard->at == n && heard->own == station.is_own);
                assert_int_equal(station.age_ticks, heard->own ? 0 : m->sw.now - heard->when);
                known++;
            }
        }
        for (unsigned i = 0; i < HEARD; i++) {
            expected += m->heard[i].is && m->heard[i].at == n &&
                                (m->heard[i].own || m->sw.now - m->heard[i].when <= AGEING)
                            ? 1U
                            : 0U;
        }
        assert_int_equal(known, expected);
    }
}

static void step(void)
{
    const unsigned n = below(STATIONS);
    struct station *station = &m->at[n];
    const unsigned dice = below(1000);

    m->now += 1U + (dice == 0U        ? below((unsigned)AGEING)
                    : below(10) == 0U ? below((unsigned)PATIENCE)
                                      : below(50));
    if (dice < 850U) {
        if (!station->sending) {
            make_frame(n);
        }
        send(n);
    } else if (dice < 940U) {
        station->room = below(10);
        if (station->plugged) {
            hv_vswitch_room(&station->port);
            release(n);
        }
    } else if (dice < 955U) {
        station->error = below(4) == 0U ? ASH_EBUSY : below(4) == 0U ? ASH_ENOTSUP : ASH_OK;
    } else if (dice < 970U) {
        set_link(n, below(3) != 0U);
    } else if (dice < 985U) {
        hv_vswitch_cancel(&station->port);
        m->cancelled += station->sending ? 1U : 0U;
        drop(n);
    } else if (station->plugged) {
        unplug(n);
    } else {
        plug(n);
    }
    for (unsigned i = 0; i < STATIONS; i++) {
        assert_int_equal(m->at[i].resumed, m->at[i].resumes);
    }
}

static void live(unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        step();
        if (i % 256U == 0U) {
            check_tables();
            for (unsigned n = 0; n < STATIONS; n++) {
                if (m->at[n].plugged) {
                    check_counts(n);
                }
            }
        }
    }
    for (unsigned n = 0; n < STATIONS; n++) {
        m->resumed += m->at[n].resumed;
        if (m->at[n].plugged) {
            unplug(n);
        }
    }
    assert_int_equal(m->sw.attached, 0);
    for (unsigned i = 0; i < HV_VSWITCH_BUCKETS; i++) {
        assert_null(m->sw.buckets[i]);
    }
}

static void a_switch_does_what_its_oracle_says(void **state)
{
    static struct model model;
    const struct hv_vswitch_config config = {FREQUENCY, AGEING, PATIENCE, test_rng_next(&rng)};

    (void)state;
    m = &model;
    m->now = 1;
    assert_int_equal(hv_vswitch_init(&m->sw, &config), ASH_OK);
    for (unsigned n = 0; n < STATIONS; n++) {
        plug(n);
    }
    live(300000);
    printf("%u deliveries, %llu partial floods, %llu resumed, %llu aged, %llu cancelled\n", m->deliveries,
           (unsigned long long)m->partial, (unsigned long long)m->resumed, (unsigned long long)m->aged,
           (unsigned long long)m->cancelled);
    for (unsigned i = 0; i < HV_VSWITCH_COUNTS; i++) {
        printf("%s %llu\n", hv_vswitch_count_name((enum hv_vswitch_count)i), (unsigned long long)m->total[i]);
        assert_true(m->total[i] > 0U);
    }
    assert_true(m->partial > 0U && m->resumed > 0U && m->aged > 0U && m->cancelled > 0U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_switch_does_what_its_oracle_says)};

    (void)test_rng_init(&rng, "vswitch_model_test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
