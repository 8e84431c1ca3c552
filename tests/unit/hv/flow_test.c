/* SPDX-License-Identifier: BSD-2-Clause */
/* Which conversation a frame is part of: both directions are one, others are others, and no bytes lead astray. */
#include <stdbool.h>
#include <string.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "vdev/flow.h"

#define MAC_BYTES 12U

static struct test_rng rng;

/** What a frame is made of: from one to the other. */
struct talk {
    unsigned type; /* 0x0800, 0x86DD, or another */
    bool is_tagged;
    unsigned options;  /* bytes of them, of IPv4 */
    unsigned fragment; /* flags and offset, of IPv4 */
    unsigned protocol;
    uint8_t from[16], to[16];
    uint8_t from_port[2], to_port[2];
};

static uint32_t put(uint8_t *frame, uint32_t at, const void *bytes, uint32_t size)
{
    memcpy(frame + at, bytes, size);
    return at + size;
}

static uint32_t put16(uint8_t *frame, uint32_t at, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

    return put(frame, at, bytes, 2);
}

static uint32_t flow_of(const struct talk *talk)
{
    uint8_t frame[128];
    uint32_t at = 0;

    memset(frame, 0xEE, sizeof(frame));
    at = put(frame, at, talk->to, 6);
    at = put(frame, at, talk->from, 6);
    if (talk->is_tagged) {
        at = put16(frame, at, 0x8100);
        at = put16(frame, at, 7);
    }
    at = put16(frame, at, talk->type);
    if (talk->type == 0x0800U) {
        frame[at] = (uint8_t)(0x45U + talk->options / 4U);
        put16(frame, at + 6U, talk->fragment);
        frame[at + 9U] = (uint8_t)talk->protocol;
        put(frame, at + 12U, talk->from, 4);
        put(frame, at + 16U, talk->to, 4);
        at += 20U + talk->options;
    } else {
        frame[at + 6U] = (uint8_t)talk->protocol;
        put(frame, at + 8U, talk->from, 16);
        put(frame, at + 24U, talk->to, 16);
        at += 40U;
    }
    at = put(frame, at, talk->from_port, 2);
    at = put(frame, at, talk->to_port, 2);
    return hv_flow_of(frame, at + 20U);
}

static struct talk tcp(unsigned type)
{
    struct talk talk = {.type = type, .protocol = 6, .from_port = {0x80, 1}, .to_port = {0, 80}};

    for (unsigned i = 0; i < 16U; i++) {
        talk.from[i] = (uint8_t)(2U * i);
        talk.to[i] = (uint8_t)(3U * i + 2U);
    }
    return talk;
}

static struct talk back(const struct talk *talk)
{
    struct talk answer = *talk;

    memcpy(answer.from, talk->to, 16);
    memcpy(answer.to, talk->from, 16);
    memcpy(answer.from_port, talk->to_port, 2);
    memcpy(answer.to_port, talk->from_port, 2);
    return answer;
}

static const unsigned types[] = {0x0800, 0x86DD};

static void both_directions_are_one_conversation(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        for (unsigned tagged = 0; tagged < 2U; tagged++) {
            struct talk talk = tcp(types[i]);
            struct talk answer;

            talk.is_tagged = tagged != 0U;
            answer = back(&talk);
            assert_int_equal(flow_of(&talk), flow_of(&answer));
        }
    }
}

static void a_tag_and_options_make_no_other_conversation(void **state)
{
    const struct talk plain = tcp(0x0800);

    (void)state;
    for (unsigned options = 0; options <= 40U; options += 4U) {
        struct talk talk = plain;

        talk.options = options;
        talk.is_tagged = options % 8U == 0U;
        assert_int_equal(flow_of(&talk), flow_of(&plain));
    }
}

static void other_addresses_and_other_ports_are_other_conversations(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        const struct talk talk = tcp(types[i]);
        struct talk other = talk;

        other.from[types[i] == 0x0800U ? 3 : 15] ^= 1U;
        assert_int_not_equal(flow_of(&other), flow_of(&talk));
        other = talk;
        other.to_port[1] ^= 1U;
        assert_int_not_equal(flow_of(&other), flow_of(&talk));
        other.protocol = 17;
        assert_int_not_equal(flow_of(&other), flow_of(&talk));
    }
}

static void of_fragments_and_of_other_protocols_ports_are_not_read(void **state)
{
    static const unsigned fragments[] = {0x2000, 0x00B9, 0x3FFF};

    (void)state;
    for (unsigned i = 0; i < 4U; i++) {
        struct talk talk = tcp(0x0800);
        uint32_t before;

        talk.fragment = i < 3U ? fragments[i] : 0x4000U; /* do not fragment: it is whole */
        talk.protocol = i < 3U ? 17 : 1;
        before = flow_of(&talk);
        talk.from_port[0] ^= 0x55U;
        assert_int_equal(flow_of(&talk), before);
    }
}

static void of_what_is_no_ip_the_ethernet_addresses_count(void **state)
{
    struct talk talk = tcp(0x88B5);
    struct talk answer = back(&talk);

    (void)state;
    assert_int_equal(flow_of(&talk), flow_of(&answer));
    answer.from[5] ^= 1U;
    assert_int_not_equal(flow_of(&talk), flow_of(&answer));
}

static void any_bytes_of_any_size_are_some_conversation(void **state)
{
    uint8_t *bytes = NULL;

    (void)state;
    for (unsigned round = 0; round < 20000U; round++) {
        const uint32_t size = (uint32_t)test_rng_below(&rng, 100);
        const bool is_ip = test_rng_below(&rng, 2) == 0U;

        bytes = (uint8_t *)test_malloc(size + 1U); /* the sanitizer sees a byte read behind them */
        for (uint32_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)test_rng_below(&rng, 256);
        }
        if (is_ip && size > 14U) {
            put16(bytes, MAC_BYTES, types[test_rng_below(&rng, 2)]);
        }
        (void)hv_flow_of(bytes, size);
        test_free(bytes);
    }
}

static void a_conversation_is_where_it_was_last_sent(void **state)
{
    struct hv_flows flows = {0};

    (void)state;
    assert_int_equal(hv_flow_pair(&flows, 77, 4), hv_flow_pair(&flows, 77, 4));
    hv_flow_sent(&flows, 77, 3);
    assert_int_equal(hv_flow_pair(&flows, 77, 4), 3);
    hv_flow_sent(&flows, 77, 2);
    assert_int_equal(hv_flow_pair(&flows, 77, 4), 2);
    assert_int_equal(hv_flow_pair(&flows, 77 + HV_FLOWS, 4),
                     (77 + HV_FLOWS) % 4U);           /* in its place, but another */
    assert_int_equal(hv_flow_pair(&flows, 77, 2), 0); /* fewer are in use now */
}

static void conversations_spread_over_the_pairs(void **state)
{
    const struct hv_flows flows = {0};
    unsigned count[4] = {0};

    (void)state;
    for (unsigned port = 0; port < 400U; port++) {
        struct talk talk = tcp(0x0800);

        talk.from_port[0] = (uint8_t)(0x80U + (port >> 8));
        talk.from_port[1] = (uint8_t)port;
        count[hv_flow_pair(&flows, flow_of(&talk), 4)]++;
    }
    for (unsigned i = 0; i < 4U; i++) {
        assert_in_range(count[i], 50, 150);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_are_one_conversation),
        cmocka_unit_test(a_tag_and_options_make_no_other_conversation),
        cmocka_unit_test(other_addresses_and_other_ports_are_other_conversations),
        cmocka_unit_test(of_fragments_and_of_other_protocols_ports_are_not_read),
        cmocka_unit_test(of_what_is_no_ip_the_ethernet_addresses_count),
        cmocka_unit_test(any_bytes_of_any_size_are_some_conversation),
        cmocka_unit_test(a_conversation_is_where_it_was_last_sent),
        cmocka_unit_test(conversations_spread_over_the_pairs),
    };

    (void)test_rng_init(&rng, "flow");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
