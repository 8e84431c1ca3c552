/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch against IEEE Std 802.1Q-2018, clauses 6.9, 8.6 to 8.8, and against hostile ports. */
#include "vswitch_bench.h"

static const uint8_t broadcast[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
static const uint8_t stranger[] = {0x02, 0, 0, 0, 0, 0x99};

/* Four stations: 0, 1, 2 in VLAN 0, 3 in VLAN 7. */
static int set_up(void **state)
{
    (void)state;
    make_switch();
    for (unsigned i = 0; i < 4U; i++) {
        plug_in(i, i == 3U ? 7 : 0);
    }
    return 0;
}

static struct sent from_to(unsigned from, unsigned to)
{
    uint8_t source[6], destination[6];

    mac_of(from, source);
    mac_of(to, destination);
    return frame_of(destination, source, 100);
}

static struct sent from_to_all(unsigned from)
{
    uint8_t source[6];

    mac_of(from, source);
    return frame_of(broadcast, source, 100);
}

/* Says @to from @who, an address of no port. */
static void hear(unsigned at, const uint8_t *who)
{
    uint8_t to[6];
    struct sent sent;

    mac_of(at == 0U ? 1U : 0U, to);
    sent = frame_of(to, who, 60);
    assert_int_equal(send_from(at, &sent), ASH_OK);
}

static void forget_all(void)
{
    for (unsigned i = 0; i < STATIONS; i++) {
        (void)got(i);
    }
}

static void a_frame_goes_to_whom_its_address_belongs_and_to_no_other(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_int_equal(bench.at[1].size[0], 100);
    assert_int_equal(bench.at[1].cut[0], 0);
    assert_ptr_equal(bench.at[1].header[0], sent.bytes);
    assert_memory_equal(bench.at[1].frame[0], sent.bytes, 100);
    assert_int_equal(got(0) + got(2) + got(3), 0);
    assert_int_equal(counted(0, HV_VSWITCH_IN), 1);
    assert_int_equal(counted(0, HV_VSWITCH_IN_BYTES), 100);
    assert_int_equal(counted(0, HV_VSWITCH_FLOODS), 0);
    assert_int_equal(counted(1, HV_VSWITCH_OUT), 1);
    assert_int_equal(counted(1, HV_VSWITCH_OUT_BYTES), 100);
}

static void a_group_is_all_others_of_the_vlan(void **state)
{
    static const uint8_t groups[][6] = {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
                                        {0x01, 0x00, 0x5E, 0x00, 0x00, 0x01},
                                        {0x33, 0x33, 0x00, 0x00, 0x00, 0x01}};
    uint8_t source[6];

    (void)state;
    mac_of(0, source);
    for (unsigned i = 0; i < 3U; i++) {
        struct sent sent = frame_of(groups[i], source, 64);

        assert_int_equal(send_from(0, &sent), ASH_OK);
        assert_int_equal(got(1), 1);
        assert_int_equal(got(2), 1);
        assert_int_equal(got(0) + got(3), 0);
    }
    assert_int_equal(counted(0, HV_VSWITCH_FLOODS), 3);
}

static void an_unknown_address_is_everywhere_until_it_was_heard(void **state)
{
    uint8_t source[6];
    struct sent sent;

    (void)state;
    mac_of(0, source);
    sent = frame_of(stranger, source, 64);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1) + got(2), 2);
    hear(2, stranger);
    forget_all();
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(2), 1);
    assert_int_equal(got(1) + got(0) + got(3), 0);
}

static void an_address_is_forgotten_when_it_was_not_heard_for_long(void **state)
{
    uint8_t source[6];
    struct sent sent;

    (void)state;
    mac_of(0, source);
    sent = frame_of(stranger, source, 64);
    hear(2, stranger);
    bench.now += AGEING;
    hear(2, stranger); /* refreshed at the last moment */
    forget_all();
    bench.now += AGEING;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(2), 1);
    assert_int_equal(got(1), 0);
    bench.now++;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1) + got(2), 2);
}

static void an_own_address_is_never_forgotten(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.now += 1000U * AGEING;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_int_equal(got(2), 0);
}

static void a_station_that_moves_is_found_where_it_spoke_last(void **state)
{
    uint8_t source[6];
    struct sent sent;

    (void)state;
    mac_of(0, source);
    sent = frame_of(stranger, source, 64);
    hear(1, stranger);
    hear(2, stranger);
    forget_all();
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(2), 1);
    assert_int_equal(got(1), 0);
    assert_int_equal(counted(2, HV_VSWITCH_MOVED), 1);
    assert_int_equal(counted(1, HV_VSWITCH_MOVED), 0);
}

static void nobody_speaks_with_the_address_of_another_port(void **state)
{
    uint8_t source[6];
    struct sent sent;

    (void)state;
    mac_of(1, source);
    sent = frame_of(broadcast, source, 64);
    assert_int_equal(send_from(2, &sent), ASH_OK);
    assert_int_equal(counted(2, HV_VSWITCH_SPOOFED), 1);
    assert_int_equal(counted(2, HV_VSWITCH_IN), 0);
    assert_int_equal(got(0) + got(1) + got(2), 0);
    sent = from_to(0, 1);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_int_equal(got(2), 0);
    /* In another VLAN it is another address. */
    mac_of(1, source);
    sent = frame_of(broadcast, source, 64);
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(counted(3, HV_VSWITCH_SPOOFED), 0);
}

static void who_is_plugged_in_later_gets_his_address_back(void **state)
{
    uint8_t who[6];
    struct sent sent = from_to(0, 4);

    (void)state;
    mac_of(4, who);
    hear(2, who);
    plug_in(4, 0);
    forget_all();
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(4), 1);
    assert_int_equal(got(2), 0);
}

static void a_port_of_many_addresses_forgets_its_own_and_nobody_elses(void **state)
{
    uint8_t who[6] = {0x02, 0, 0, 0, 1, 0}, source[6];
    struct sent sent;

    (void)state;
    mac_of(0, source);
    hear(1, stranger);
    for (unsigned i = 0; i < 5U * HV_VSWITCH_LEARNED; i++) {
        who[5] = (uint8_t)i;
        bench.now++;
        hear(2, who);
    }
    assert_int_equal(counted(2, HV_VSWITCH_EVICTED), 4U * HV_VSWITCH_LEARNED);
    forget_all();
    sent = frame_of(stranger, source, 64);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_int_equal(got(2), 0);
    for (unsigned i = 0; i < 5U * HV_VSWITCH_LEARNED; i++) { /* the newest are known */
        who[5] = (uint8_t)i;
        sent = frame_of(who, source, 64);
        assert_int_equal(send_from(0, &sent), ASH_OK);
        assert_int_equal(got(2), 1);
        assert_int_equal(got(1), i < 4U * HV_VSWITCH_LEARNED ? 1 : 0);
    }
}

static void what_is_stale_makes_room_without_a_loss(void **state)
{
    uint8_t who[6] = {0x02, 0, 0, 0, 1, 0};

    (void)state;
    for (unsigned i = 0; i < 2U * HV_VSWITCH_LEARNED; i++) {
        bench.now += i == HV_VSWITCH_LEARNED ? AGEING + 1U : 0U;
        who[5] = (uint8_t)i;
        hear(2, who);
    }
    assert_int_equal(counted(2, HV_VSWITCH_EVICTED), 0);
}

static void a_frame_to_its_own_sender_goes_nowhere(void **state)
{
    struct sent sent = from_to(0, 0);

    (void)state;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(0) + got(1) + got(2), 0);
    assert_int_equal(counted(0, HV_VSWITCH_NOWHERE), 1);
    sent = from_to_all(3); /* alone in its VLAN */
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(counted(3, HV_VSWITCH_NOWHERE), 1);
}

static void vlans_do_not_hear_each_other(void **state)
{
    uint8_t source[6];
    struct sent sent = from_to(0, 3);

    (void)state;
    plug_in(4, 7);
    plug_in(5, HV_VSWITCH_VLAN_MAX);
    assert_int_equal(send_from(0, &sent), ASH_OK); /* in VLAN 0 nobody has that address */
    assert_int_equal(got(3) + got(4) + got(5), 0);
    assert_int_equal(got(1) + got(2), 2);
    sent = from_to_all(3);
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(got(4), 1);
    assert_int_equal(got(0) + got(1) + got(2) + got(5), 0);
    /* What was heard in one is unknown in the other. */
    hear(1, stranger);
    forget_all();
    mac_of(3, source);
    sent = frame_of(stranger, source, 64);
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(got(1), 0);
    assert_int_equal(got(4), 1);
}

static void a_priority_tag_is_taken_off_on_an_access_port(void **state)
{
    struct sent sent = from_to(3, 4), plain = sent;

    (void)state;
    plug_in(4, 7);
    put_tag(&sent, 0x8100, 0xF000); /* priority 7, drop eligible, VID 0 */
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(got(4), 1);
    assert_int_equal(bench.at[4].size[0], 100);
    assert_int_equal(bench.at[4].cut[0], 4);
    assert_memory_equal(bench.at[4].frame[0], plain.bytes, 100);
    assert_int_equal(counted(3, HV_VSWITCH_IN_BYTES), 104);
    assert_int_equal(counted(4, HV_VSWITCH_OUT_BYTES), 100);
}

static void the_smallest_tagged_frame_is_its_headers(void **state)
{
    struct sent sent = from_to(3, 4);

    (void)state;
    plug_in(4, 7);
    put_tag(&sent, 0x8100, 0);
    sent.size = 18;
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(got(4), 1);
    assert_int_equal(bench.at[4].size[0], 14);
    for (uint32_t size = 14; size < 18U; size++) {
        sent.size = size;
        assert_int_equal(send_from(3, &sent), ASH_OK);
    }
    assert_int_equal(got(4), 0);
    assert_int_equal(counted(3, HV_VSWITCH_MALFORMED), 4);
}

static void a_vlans_tag_does_not_enter_an_access_port(void **state)
{
    static const uint16_t vids[] = {1, 7, 8, 0xFFE, 0xFFF};

    (void)state;
    plug_in(4, 7);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(vids); i++) {
        struct sent sent = from_to(3, 4);

        put_tag(&sent, 0x8100, vids[i]);
        assert_int_equal(send_from(3, &sent), ASH_OK);
        assert_int_equal(counted(3, HV_VSWITCH_TAGGED), i + 1U);
    }
    assert_int_equal(got(4), 0);
    assert_int_equal(counted(3, HV_VSWITCH_IN), 0);
}

static void a_services_tag_is_payload(void **state)
{
    struct sent sent = from_to(3, 4);

    (void)state;
    plug_in(4, 7);
    put_tag(&sent, 0x88A8, 5);
    assert_int_equal(send_from(3, &sent), ASH_OK);
    assert_int_equal(got(4), 1);
    assert_memory_equal(bench.at[4].frame[0], sent.bytes, 104);
}

static void tags_pass_where_there_are_no_vlans(void **state)
{
    static const uint16_t vids[] = {0, 5, 7, 0xFFF};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(vids); i++) {
        struct sent sent = from_to(0, 1);

        put_tag(&sent, 0x8100, vids[i]);
        assert_int_equal(send_from(0, &sent), ASH_OK);
        assert_int_equal(got(1), 1);
        assert_int_equal(bench.at[1].size[0], 104);
        assert_memory_equal(bench.at[1].frame[0], sent.bytes, 104);
    }
    assert_int_equal(got(3), 0);
}

static void what_bridges_say_to_each_other_ends_here(void **state)
{
    uint8_t to[6] = {0x01, 0x80, 0xC2, 0, 0, 0}, source[6];

    (void)state;
    mac_of(0, source);
    for (unsigned last = 0; last < 0x20U; last++) {
        struct sent sent;

        to[5] = (uint8_t)last;
        sent = frame_of(to, source, 64);
        assert_int_equal(send_from(0, &sent), ASH_OK);
        assert_int_equal(got(1), last < 0x10U ? 0 : 1);
    }
    assert_int_equal(counted(0, HV_VSWITCH_RESERVED), 16);
}

static void isolated_ports_reach_the_others_only(void **state)
{
    struct hv_vswitch_port_config config;
    struct sent sent;

    (void)state;
    for (unsigned i = 4; i < 6U; i++) {
        config = config_of(i, 0);
        config.is_isolated = true;
        bench.at[i].room = 100;
        assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[i].port, &config), ASH_OK);
    }
    sent = from_to(4, 5);
    assert_int_equal(send_from(4, &sent), ASH_OK);
    assert_int_equal(counted(4, HV_VSWITCH_NOWHERE), 1);
    sent = from_to(5, 4);
    assert_int_equal(send_from(5, &sent), ASH_OK);
    assert_int_equal(counted(5, HV_VSWITCH_NOWHERE), 1);
    sent = from_to_all(4);
    assert_int_equal(send_from(4, &sent), ASH_OK);
    assert_int_equal(got(5), 0);
    assert_int_equal(got(0) + got(1) + got(2), 3);
    sent = from_to(4, 0);
    assert_int_equal(send_from(4, &sent), ASH_OK);
    assert_int_equal(got(0), 1);
    sent = from_to(0, 4);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(4), 1);
    sent = from_to_all(0);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(4) + got(5), 2);
}

static void what_is_no_frame_is_lost_and_counted(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    for (uint32_t size = 0; size < 14U; size++) {
        sent.size = size;
        assert_int_equal(send_from(0, &sent), ASH_OK);
    }
    assert_int_equal(counted(0, HV_VSWITCH_MALFORMED), 14);
    sent.size = 14;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    sent.size = 0x20001;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    sent = from_to(0, 1);
    sent.bytes[6] |= 1U; /* a group does not speak */
    assert_int_equal(send_from(0, &sent), ASH_OK);
    memset(sent.bytes + 6, 0, 6);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    sent = from_to(0, 1);
    sent.error = ASH_ENOENT; /* the sender takes it back */
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(counted(0, HV_VSWITCH_MALFORMED), 18);
    assert_int_equal(got(1) + got(2), 0);
}

static void what_is_delivered_is_what_was_judged(void **state)
{
    struct sent sent = from_to(0, 1), tagged = from_to(3, 4), plain = tagged;

    (void)state;
    sent.lies = true;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_memory_equal(bench.at[1].frame[0], sent.bytes, 100);
    plug_in(4, 7);
    put_tag(&tagged, 0x8100, 0);
    tagged.lies = true;
    assert_int_equal(send_from(3, &tagged), ASH_OK);
    assert_memory_equal(bench.at[4].frame[0], plain.bytes, 100);
}

static void what_a_receiver_says_is_counted(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.at[1].error = ASH_EBUSY;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    bench.at[1].error = ASH_ENOTSUP;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    bench.at[1].error = ASH_EGUEST;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(counted(1, HV_VSWITCH_ABSENT), 1);
    assert_int_equal(counted(1, HV_VSWITCH_REFUSED), 2);
    assert_int_equal(counted(1, HV_VSWITCH_OUT), 0);
    assert_int_equal(counted(0, HV_VSWITCH_IN), 3);
}

/* ---- Waiting for room --------------------------------------------------------------------------------- */

static void a_frame_waits_for_room_and_goes_on_when_there_is(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    assert_int_equal(bench.again_at, bench.now + PATIENCE);
    bench.now += PATIENCE - 1U;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    assert_int_equal(bench.again_at, bench.now + 1U);
    assert_int_equal(bench.at[0].resumed, 0);
    bench.at[1].room = 1;
    hv_vswitch_room(&bench.at[1].port);
    assert_int_equal(bench.at[0].resumed, 1);
    hv_vswitch_room(&bench.at[1].port); /* told once */
    assert_int_equal(bench.at[0].resumed, 1);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_memory_equal(bench.at[1].frame[0], sent.bytes, 100);
    assert_int_equal(counted(0, HV_VSWITCH_WAITS), 1);
    assert_int_equal(counted(0, HV_VSWITCH_IN), 1);
    assert_int_equal(counted(1, HV_VSWITCH_FULL), 0);
}

static void a_frame_that_waited_in_vain_is_lost_and_the_next_do_not_wait(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    bench.now += PATIENCE;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(counted(1, HV_VSWITCH_FULL), 1);
    for (unsigned i = 0; i < 5U; i++) {
        assert_int_equal(send_from(0, &sent), ASH_OK);
        assert_int_equal(counted(1, HV_VSWITCH_FULL), i + 2U);
    }
    sent = from_to(2, 1); /* nor those of others */
    assert_int_equal(send_from(2, &sent), ASH_OK);
    hv_vswitch_room(&bench.at[1].port); /* it shows life: once more */
    assert_int_equal(send_from(2, &sent), ASH_EBUSY);
    bench.at[1].room = 1;
    assert_int_equal(send_from(2, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
}

static void a_delivery_is_a_sign_of_life(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    bench.now += PATIENCE;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    bench.at[1].room = 1;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
}

static void all_who_wait_are_told(void **state)
{
    struct sent first = from_to(0, 1), second = from_to(2, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &first), ASH_EBUSY);
    assert_int_equal(send_from(2, &second), ASH_EBUSY);
    bench.at[1].room = 1;
    hv_vswitch_room(&bench.at[1].port);
    assert_int_equal(bench.at[0].resumed + bench.at[2].resumed, 2);
    assert_int_equal(send_from(2, &second), ASH_OK);
    assert_int_equal(send_from(0, &first), ASH_EBUSY); /* too late, and it waits on */
    bench.at[1].room = 1;
    hv_vswitch_room(&bench.at[1].port);
    assert_int_equal(bench.at[0].resumed, 2);
    assert_int_equal(bench.at[2].resumed, 1);
    assert_int_equal(send_from(0, &first), ASH_OK);
    assert_int_equal(got(1), 2);
}

static void a_flood_waits_for_nobody(void **state)
{
    struct sent sent = from_to_all(0);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(2), 1);
    assert_int_equal(counted(1, HV_VSWITCH_FULL), 1);
    assert_int_equal(counted(0, HV_VSWITCH_WAITS), 0);
}

static void a_frame_that_is_taken_back_waits_no_more(void **state)
{
    struct sent sent = from_to(0, 1), other = from_to(0, 2);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    hv_vswitch_cancel(&bench.at[0].port);
    hv_vswitch_cancel(&bench.at[0].port);
    hv_vswitch_room(&bench.at[1].port);
    assert_int_equal(bench.at[0].resumed, 0);
    assert_int_equal(send_from(0, &other), ASH_OK);
    assert_int_equal(got(2), 1);
    assert_memory_equal(bench.at[2].frame[0], other.bytes, 100);
}

static void a_receiver_that_goes_away_is_not_waited_for(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    hv_vswitch_detach(&bench.at[1].port);
    assert_int_equal(bench.at[0].resumed, 1);
    plug_in(5, 0); /* takes the number over, not the frame */
    assert_int_equal(bench.at[5].port.number, 1);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1) + got(5), 0);
}

static void a_link_that_goes_down_lets_nobody_wait(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    hv_vswitch_set_link(&bench.at[1].port, false);
    assert_int_equal(bench.at[0].resumed, 1);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(counted(1, HV_VSWITCH_ABSENT), 1);
}

static void a_sender_that_goes_away_leaves_nothing_behind(void **state)
{
    struct sent sent = from_to(0, 1), other = from_to(5, 1);

    (void)state;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_EBUSY);
    hv_vswitch_detach(&bench.at[0].port);
    hv_vswitch_detach(&bench.at[0].port);
    hv_vswitch_room(&bench.at[1].port);
    assert_int_equal(bench.at[0].resumed, 0);
    assert_int_equal(send_from(0, &sent), ASH_OK); /* nobody listens */
    hv_vswitch_cancel(&bench.at[0].port);
    hv_vswitch_room(&bench.at[0].port);
    hv_vswitch_set_link(&bench.at[0].port, false);
    plug_in(5, 0);
    assert_int_equal(bench.at[5].port.number, 0);
    bench.at[1].room = 1;
    assert_int_equal(send_from(5, &other), ASH_OK);
    assert_int_equal(got(1), 1);
    plug_in(0, 0); /* and comes back */
    assert_int_equal(counted(0, HV_VSWITCH_IN), 0);
}

static void no_patience_is_no_waiting(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    bench.sw.config.patience_ticks = 0;
    bench.at[1].room = 0;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(counted(1, HV_VSWITCH_FULL), 1);
}

/* ---- Bounds ------------------------------------------------------------------------------------------- */

/* Also for what was not delivered in the end. */
static void what_receivers_make_of_it_is_charged(void **state)
{
    static const int errors[] = {ASH_OK, ASH_ENOSPC, ASH_ENOTSUP};

    (void)state;
    for (unsigned i = 4; i < 10U; i++) {
        plug_in(i, 0);
    }
    for (unsigned e = 0; e < ASH_ARRAY_SIZE(errors); e++) {
        struct sent sent = from_to_all(0);
        unsigned calls = 1;

        for (unsigned i = 1; i < 10U; i++) {
            bench.at[i].error = errors[e];
            bench.at[i].extra = 3000;
        }
        while (send_for(0, &sent, 2U * (100U + HV_VSWITCH_EACH) + 3001U) != ASH_OK) {
            assert_int_equal(bench.again_at, bench.now);
            calls++;
        }
        assert_int_equal(calls, 4); /* 8 ports, two at a time */
    }
}

static void a_flood_stops_between_two_ports_and_goes_on(void **state)
{
    struct sent sent = from_to_all(0);
    unsigned calls = 1;

    (void)state;
    for (unsigned i = 4; i < 20U; i++) {
        plug_in(i, 0);
    }
    while (send_for(0, &sent, 100U + HV_VSWITCH_EACH + 1U) != ASH_OK) { /* two at a time */
        assert_int_equal(bench.again_at, bench.now);
        calls++;
    }
    assert_int_equal(calls, 9);
    for (unsigned i = 1; i < 20U; i++) {
        assert_int_equal(got(i), i == 3U ? 0 : 1);
    }
    assert_int_equal(counted(0, HV_VSWITCH_IN), 1);
    assert_int_equal(counted(0, HV_VSWITCH_FLOODS), 1);
}

static void a_turn_that_is_used_up_touches_nothing(void **state)
{
    struct sent sent = from_to(0, 1);

    (void)state;
    assert_int_equal(send_for(0, &sent, 0), ASH_EBUSY);
    assert_int_equal(bench.again_at, bench.now);
    assert_int_equal(sent.copies, 0);
    assert_int_equal(send_for(0, &sent, 1), ASH_OK);
    assert_int_equal(got(1), 1);
}

static void a_port_that_comes_in_mid_flood_is_left_out(void **state)
{
    struct sent sent = from_to_all(0);

    (void)state;
    assert_int_equal(send_for(0, &sent, 1), ASH_EBUSY);
    plug_in(5, 0);
    hv_vswitch_detach(&bench.at[2].port);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 1);
    assert_int_equal(got(2) + got(5), 0);
}

static void a_rate_holds_over_any_time(void **state)
{
    static const uint64_t rates[] = {1000, 12345, 1000000, 125000000};

    (void)state;
    for (unsigned r = 0; r < ASH_ARRAY_SIZE(rates); r++) {
        struct hv_vswitch_port_config config = config_of(10U + r, 0);
        struct sent sent = from_to(10U + r, 1);
        const uint64_t start = bench.now, burst = rates[r] / 50U;
        uint64_t bytes = 0;

        config.bytes_per_second = rates[r];
        assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[10U + r].port, &config), ASH_OK);
        for (unsigned i = 0; i < 2000U; i++) {
            sent.size = 14U + i % 1400U;
            while (send_from(10U + r, &sent) != ASH_OK) {
                assert_true(bench.again_at > bench.now);
                bench.now = bench.again_at - 1U; /* not a tick too early */
                assert_int_equal(send_from(10U + r, &sent), ASH_EBUSY);
                bench.now++;
            }
            bytes += sent.size;
            assert_true(bytes <= burst + 1U + FRAME_MAX + rates[r] * (bench.now - start) / FREQUENCY);
        }
        /* And it is no less: but for what rounding up costs, a tick a frame. */
        assert_true(bytes * FREQUENCY / rates[r] + 2000U >= bench.now - start);
    }
}

static void silence_earns_no_more_than_the_burst(void **state)
{
    struct hv_vswitch_port_config config = config_of(4, 0);
    struct sent sent = from_to(4, 1);
    unsigned sent_at_once = 0;

    (void)state;
    config.bytes_per_second = 100000; /* 2000 in a burst */
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[4].port, &config), ASH_OK);
    bench.now += 3600U * FREQUENCY;
    while (send_from(4, &sent) == ASH_OK) {
        sent_at_once++;
    }
    assert_int_equal(sent_at_once, 21); /* the burst, and one that finds it not yet above */
    assert_int_equal(counted(4, HV_VSWITCH_DELAYS), 1);
    bench.now = bench.again_at;
    assert_int_equal(send_from(4, &sent), ASH_OK);
}

static void a_storm_is_cut_and_the_rest_goes_on(void **state)
{
    struct hv_vswitch_port_config config = config_of(4, 0);
    struct sent flood = from_to_all(4), sent = from_to(4, 1);

    (void)state;
    config.floods_per_second = 100;
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[4].port, &config), ASH_OK);
    for (unsigned i = 0; i < 10000U; i++) { /* a second */
        bench.now += FREQUENCY / 10000U;
        assert_int_equal(send_from(4, &flood), ASH_OK);
        assert_int_equal(send_from(4, &sent), ASH_OK);
    }
    assert_in_range(got(2), 100, 104);
    assert_in_range(got(1), 10100, 10104);
    assert_int_equal(counted(4, HV_VSWITCH_STORM) + counted(4, HV_VSWITCH_FLOODS), 10000);
}

static void time_that_runs_backwards_stands_still(void **state)
{
    uint8_t source[6];
    struct sent sent;

    (void)state;
    mac_of(0, source);
    hear(2, stranger);
    bench.now -= 500;
    sent = frame_of(stranger, source, 64);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    forget_all();
    bench.now += 500U + AGEING;
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(2), 1);
    assert_int_equal(got(1), 0);
}

/* ---- Ports -------------------------------------------------------------------------------------------- */

static void without_a_link_nothing_comes_nor_goes(void **state)
{
    uint8_t source[6];
    struct sent sent = from_to(0, 1);

    (void)state;
    mac_of(0, source);
    hear(1, stranger);
    forget_all();
    hv_vswitch_set_link(&bench.at[1].port, false);
    hv_vswitch_set_link(&bench.at[1].port, false);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1), 0);
    assert_int_equal(got(2), 0); /* the address is still its own */
    assert_int_equal(counted(1, HV_VSWITCH_ABSENT), 1);
    sent = from_to(1, 0);
    assert_int_equal(send_from(1, &sent), ASH_OK);
    assert_int_equal(got(0), 0);
    assert_int_equal(counted(1, HV_VSWITCH_UNPLUGGED), 1);
    hv_vswitch_set_link(&bench.at[1].port, true);
    assert_int_equal(send_from(1, &sent), ASH_OK);
    assert_int_equal(got(0), 1);
    sent = frame_of(stranger, source, 64); /* what it spoke for is forgotten */
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(1) + got(2), 2);
}

static void a_link_that_goes_down_loses_what_is_on_its_way(void **state)
{
    struct sent sent = from_to_all(0), other = from_to(0, 1);

    (void)state;
    assert_int_equal(send_for(0, &sent, 1), ASH_EBUSY);
    hv_vswitch_set_link(&bench.at[0].port, false);
    hv_vswitch_set_link(&bench.at[0].port, true);
    assert_int_equal(send_from(0, &other), ASH_OK);
    assert_int_equal(got(1), 2);
    assert_int_equal(got(2), 0);
}

static void sixty_four_ports_are_all(void **state)
{
    struct hv_vswitch_port_config config = config_of(64, 0);
    struct sent sent = from_to_all(0);

    (void)state;
    for (unsigned i = 4; i < 64U; i++) {
        plug_in(i, 0);
    }
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[64].port, &config), ASH_ENOSPC);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    for (unsigned i = 1; i < 64U; i++) {
        assert_int_equal(got(i), i == 3U ? 0 : 1);
    }
    sent = from_to(0, 63);
    assert_int_equal(send_from(0, &sent), ASH_OK);
    assert_int_equal(got(63), 1);
    hv_vswitch_detach(&bench.at[20].port);
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[64].port, &config), ASH_OK);
    assert_int_equal(bench.at[64].port.number, 20);
}

static void a_wrong_port_is_refused_and_changes_nothing(void **state)
{
    const struct hv_vswitch_ops no_deliver = {NULL, station_resume}, no_resume = {station_deliver, NULL};
    const struct hv_vswitch_port_config good = config_of(4, 0);
    struct hv_vswitch_port_config bad[8];

    (void)state;
    for (unsigned i = 0; i < 8U; i++) {
        bad[i] = good;
    }
    bad[0].mac[0] = 0x53;
    memset(bad[1].mac, 0, 6);
    bad[2].vlan = 4095;
    bad[3].ops = NULL;
    bad[4].ops = &no_deliver;
    bad[5].ops = &no_resume;
    bad[6].bytes_per_second = (UINT64_C(1) << 40) + 1U;
    bad[7].floods_per_second = (UINT64_C(1) << 20) + 1U;
    for (unsigned i = 0; i < 8U; i++) {
        assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[4].port, &bad[i]), ASH_EINVAL);
    }
    bad[0] = good;
    mac_of(1, bad[0].mac);
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[4].port, &bad[0]), ASH_EEXIST);
    assert_null(bench.at[4].port.on);
    assert_int_equal(bench.sw.attached, 0xF);
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[4].port, &good), ASH_OK);
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[4].port, &good), ASH_EBUSY);
    bad[0].vlan = 9; /* in another VLAN it may be */
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[5].port, &bad[0]), ASH_OK);
}

static void a_wrong_switch_is_refused(void **state)
{
    const struct hv_vswitch_config good = {FREQUENCY, AGEING, PATIENCE, 0};
    struct hv_vswitch_config bad[3] = {good, good, good};
    struct hv_vswitch sw;

    (void)state;
    bad[0].frequency = 0;
    bad[1].frequency = (UINT64_C(1) << 32) + 1U;
    bad[2].ageing_ticks = 0;
    for (unsigned i = 0; i < 3U; i++) {
        assert_int_equal(hv_vswitch_init(&sw, &bad[i]), ASH_EINVAL);
    }
    assert_int_equal(hv_vswitch_init(&sw, &good), ASH_OK);
    assert_int_equal(sw.attached, 0);
}

static void what_is_known_can_be_listed(void **state)
{
    struct hv_vswitch_station station;
    uint8_t own[6];
    unsigned known = 0;

    (void)state;
    mac_of(2, own);
    hear(2, stranger);
    bench.now += 77;
    hear(1, own + 0); /* spoofed: not listed */
    assert_true(hv_vswitch_station(&bench.at[2].port, 0, &station));
    assert_memory_equal(station.mac, own, 6);
    assert_true(station.is_own);
    for (uint32_t i = 1; i < 100U; i++) {
        if (hv_vswitch_station(&bench.at[2].port, i, &station)) {
            assert_memory_equal(station.mac, stranger, 6);
            assert_false(station.is_own);
            assert_int_equal(station.age_ticks, 77);
            known++;
        }
        assert_false(hv_vswitch_station(&bench.at[1].port, i, &station));
    }
    assert_int_equal(known, 1);
    assert_true(hv_vswitch_station(&bench.at[3].port, 0, &station));
    assert_int_equal(station.vlan, 7);
    assert_false(hv_vswitch_station(&bench.at[9].port, 0, &station));
    bench.now += AGEING;
    hear(1, own);
    assert_false(hv_vswitch_station(&bench.at[2].port, 1, &station));
}

static void every_count_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HV_VSWITCH_COUNTS; i++) {
        assert_non_null(hv_vswitch_count_name((enum hv_vswitch_count)i));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(hv_vswitch_count_name((enum hv_vswitch_count)i),
                                    hv_vswitch_count_name((enum hv_vswitch_count)j));
        }
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        T(a_frame_goes_to_whom_its_address_belongs_and_to_no_other),
        T(a_group_is_all_others_of_the_vlan),
        T(an_unknown_address_is_everywhere_until_it_was_heard),
        T(an_address_is_forgotten_when_it_was_not_heard_for_long),
        T(an_own_address_is_never_forgotten),
        T(a_station_that_moves_is_found_where_it_spoke_last),
        T(nobody_speaks_with_the_address_of_another_port),
        T(who_is_plugged_in_later_gets_his_address_back),
        T(a_port_of_many_addresses_forgets_its_own_and_nobody_elses),
        T(what_is_stale_makes_room_without_a_loss),
        T(a_frame_to_its_own_sender_goes_nowhere),
        T(vlans_do_not_hear_each_other),
        T(a_priority_tag_is_taken_off_on_an_access_port),
        T(the_smallest_tagged_frame_is_its_headers),
        T(a_vlans_tag_does_not_enter_an_access_port),
        T(a_services_tag_is_payload),
        T(tags_pass_where_there_are_no_vlans),
        T(what_bridges_say_to_each_other_ends_here),
        T(isolated_ports_reach_the_others_only),
        T(what_is_no_frame_is_lost_and_counted),
        T(what_is_delivered_is_what_was_judged),
        T(what_a_receiver_says_is_counted),
        T(a_frame_waits_for_room_and_goes_on_when_there_is),
        T(a_frame_that_waited_in_vain_is_lost_and_the_next_do_not_wait),
        T(a_delivery_is_a_sign_of_life),
        T(all_who_wait_are_told),
        T(a_flood_waits_for_nobody),
        T(a_frame_that_is_taken_back_waits_no_more),
        T(a_receiver_that_goes_away_is_not_waited_for),
        T(a_link_that_goes_down_lets_nobody_wait),
        T(a_sender_that_goes_away_leaves_nothing_behind),
        T(no_patience_is_no_waiting),
        T(what_receivers_make_of_it_is_charged),
        T(a_flood_stops_between_two_ports_and_goes_on),
        T(a_turn_that_is_used_up_touches_nothing),
        T(a_port_that_comes_in_mid_flood_is_left_out),
        T(a_rate_holds_over_any_time),
        T(silence_earns_no_more_than_the_burst),
        T(a_storm_is_cut_and_the_rest_goes_on),
        T(time_that_runs_backwards_stands_still),
        T(without_a_link_nothing_comes_nor_goes),
        T(a_link_that_goes_down_loses_what_is_on_its_way),
        T(sixty_four_ports_are_all),
        T(a_wrong_port_is_refused_and_changes_nothing),
        T(a_wrong_switch_is_refused),
        T(what_is_known_can_be_listed),
        T(every_count_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
