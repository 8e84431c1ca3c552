/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated PL031 against Arm DDI 0224, and against a counter that counts one second at a time. */
#include "testkit/seed.h"
#include "vdev/vpl031.h"
#include "vdev_bench.h"

/* DDI 0224 3.2, table 3-1. */
enum { DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14, MIS = 0x18, ICR = 0x1c };

#define NOW UINT64_C(1700000000) /* November 2023 */

VDEV_BENCH(vpl031, rtc)
VDEV_CLOCKED_ACCESS(vpl031, rtc)

/** Reset value (of all but RTCDR, which is the time) and the bits that a write keeps. */
static const struct {
    uint64_t offset;
    uint32_t reset;
    uint32_t writable;
} table[] = {
    {MR, 0, UINT32_MAX}, {LR, 0, UINT32_MAX}, {CR, 1, 0},
    {IMSC, 0, 1},        {RIS, 0, 0},         {MIS, 0, 0},
    {ICR, 0, 0},         {0x20, 0, 0},        {0x24, 0, 0},
    {0xfdc, 0, 0},       {0xfe0, 0x31, 0},    {0xfe4, 0x10, 0},
    {0xfe8, 0x04, 0},    {0xfec, 0x00, 0},    {0xff0, 0x0d, 0},
    {0xff4, 0xf0, 0},    {0xff8, 0x05, 0},    {0xffc, 0xb1, 0},
    {0x1000, 0, 0},      {0x1004, 0, 0},      {UINT64_MAX - 3, 0, 0},
};

static void every_register_reads_its_reset_value(void **state)
{
    struct bench *b = (struct bench *)*state;

    assert_int_equal(rd(b, NOW, DR), NOW);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, NOW, table[i].offset), table[i].reset);
    }
}

static void every_register_keeps_the_bits_that_exist_and_no_others(void **state)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, NOW, table[i].offset, UINT32_MAX);
        assert_int_equal(rd(b, NOW, table[i].offset),
                         table[i].writable != 0U ? table[i].writable : table[i].reset);
        wr(b, NOW, table[i].offset, 0);
        assert_int_equal(rd(b, NOW, table[i].offset), table[i].writable != 0U ? 0U : table[i].reset);
    }
}

static void the_data_register_cannot_be_written(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, DR, 5);
    assert_int_equal(rd(b, NOW + 1U, DR), NOW + 1U);
}

static void narrow_accesses_use_the_low_bits_and_odd_ones_nothing(void **state)
{
    struct bench *b = (struct bench *)*state;
    static const unsigned sizes[] = {0, 1, 2, 3, 4, 8, 16, UINT32_MAX};

    wr(b, NOW, MR, 0x12345678);
    for (uint64_t offset = 0; offset < 0x1008U; offset++) {
        for (size_t i = 0; i < ASH_ARRAY_SIZE(sizes); i++) {
            bool is_good = offset % 4U == 0U && (sizes[i] == 1U || sizes[i] == 2U || sizes[i] == 4U);
            uint64_t mask = is_good ? UINT64_MAX >> (64U - 8U * sizes[i]) : 0U;
            uint64_t word = rd(b, NOW, offset & ~UINT64_C(3));
            uint64_t value = UINT64_MAX;

            assert_int_equal(hv_vpl031_access(&b->rtc, NOW, offset, sizes[i], false, &value), ASH_OK);
            assert_int_equal(value, word & mask);
            if (!is_good) {
                struct hv_vpl031 before = b->rtc;
                value = UINT64_MAX;
                assert_int_equal(hv_vpl031_access(&b->rtc, NOW, offset, sizes[i], true, &value), ASH_OK);
                assert_memory_equal(&b->rtc, &before, sizeof(before));
            }
        }
    }
    uint64_t value = UINT64_MAX;
    hv_vpl031_access(&b->rtc, NOW, MR, 2, true, &value);
    assert_int_equal(rd(b, NOW, MR), 0xffff);
}

static void the_clock_can_be_set_and_runs_on(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, LR, 1000);
    assert_int_equal(rd(b, NOW, DR), 1000);
    assert_int_equal(rd(b, NOW + 50U, DR), 1050);
    assert_int_equal(rd(b, NOW + 50U, LR), 1000);
    wr(b, NOW + 60U, LR, UINT32_MAX);
    assert_int_equal(rd(b, NOW + 61U, DR), 0); /* 32 bits: 2106 is 1970 */
}

static void a_match_raises_the_interrupt_until_it_is_cleared(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, MR, (uint32_t)NOW + 10U);
    wr(b, NOW, IMSC, 1);
    assert_true(hv_vpl031_deadline(&b->rtc, NOW, &deadline));
    assert_int_equal(deadline, NOW + 10U);
    hv_vpl031_update(&b->rtc, NOW + 9U);
    assert_false(b->line);
    hv_vpl031_update(&b->rtc, NOW + 10U);
    assert_true(b->line);
    assert_int_equal(rd(b, NOW + 10U, RIS), 1);
    assert_int_equal(rd(b, NOW + 10U, MIS), 1);
    assert_false(hv_vpl031_deadline(&b->rtc, NOW + 10U, &deadline));
    assert_true(deadline == UINT64_MAX);
    wr(b, NOW + 10U, ICR, 0);
    assert_true(b->line);
    wr(b, NOW + 10U, ICR, 1);
    assert_false(b->line); /* in the same second, as Linux does */
    assert_int_equal(rd(b, NOW + 10U, RIS), 0);
    assert_true(hv_vpl031_deadline(&b->rtc, NOW + 10U, &deadline));
    assert_int_equal(deadline, NOW + 10U + (UINT64_C(1) << 32));
}

static void a_match_that_nobody_watched_is_found_by_the_next_access(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, MR, (uint32_t)NOW + 10U);
    wr(b, NOW, IMSC, 1);
    assert_int_equal(rd(b, NOW + 1000U, RIS), 1);
    assert_true(b->line);
}

static void a_masked_match_is_raw_only_and_comes_out_when_unmasked(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, MR, (uint32_t)NOW + 1U);
    assert_false(hv_vpl031_deadline(&b->rtc, NOW, &deadline));
    hv_vpl031_update(&b->rtc, NOW + 1U);
    assert_int_equal(rd(b, NOW + 1U, RIS), 1);
    assert_int_equal(rd(b, NOW + 1U, MIS), 0);
    assert_false(b->line);
    wr(b, NOW + 2U, IMSC, 1);
    assert_true(b->line);
    wr(b, NOW + 2U, IMSC, 0);
    assert_false(b->line);
}

static void a_match_value_in_the_past_waits_for_the_counter_to_wrap(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, IMSC, 1);
    wr(b, NOW, MR, (uint32_t)NOW - 1U);
    assert_true(hv_vpl031_deadline(&b->rtc, NOW, &deadline));
    assert_int_equal(deadline, NOW + UINT32_MAX);
    hv_vpl031_update(&b->rtc, deadline - 1U);
    assert_false(b->line);
    hv_vpl031_update(&b->rtc, deadline);
    assert_true(b->line);
}

static void setting_either_register_to_the_other_matches_at_once(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, MR, (uint32_t)NOW);
    assert_int_equal(rd(b, NOW, RIS), 1);
    wr(b, NOW, ICR, 1);
    wr(b, NOW, MR, 77);
    assert_int_equal(rd(b, NOW, RIS), 0);
    wr(b, NOW, LR, 77);
    assert_int_equal(rd(b, NOW, RIS), 1);
}

static void time_that_runs_backwards_stands_still(void **state)
{
    struct bench *b = (struct bench *)*state;

    assert_int_equal(rd(b, NOW, DR), NOW);
    assert_int_equal(rd(b, NOW - 100U, DR), NOW);
    wr(b, NOW, MR, (uint32_t)NOW + 1U);
    hv_vpl031_update(&b->rtc, 0);
    assert_int_equal(rd(b, 0, RIS), 0);
    assert_int_equal(rd(b, NOW + 1U, RIS), 1);
}

static void the_first_call_finds_no_match_in_the_time_before_it(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_vpl031_update(&b->rtc, UINT64_C(0x7fffffffff));
    assert_int_equal(rd(b, UINT64_C(0x7fffffffff), RIS), 0);
}

static void a_reset_keeps_the_time_that_was_set_and_lowers_the_output(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, IMSC, 1);
    wr(b, NOW, LR, 5);
    wr(b, NOW, MR, 5);
    assert_true(b->line);
    hv_vpl031_reset(&b->rtc);
    assert_false(b->line);
    assert_int_equal(rd(b, NOW + 3U, DR), 8);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, NOW + 3U, table[i].offset), table[i].offset == LR ? 5U : table[i].reset);
    }
    hv_vpl031_reset(&b->rtc); /* low already: not told again */
    assert_int_equal(b->changes, 2);
}

/** The manual's clock, one tick at a time (2.1, 3.3). */
struct oracle {
    uint64_t now;
    uint32_t counter, match;
    bool raw, mask;
};

static void tick_to(struct oracle *o, uint64_t now)
{
    for (; o->now < now; o->now++) {
        o->counter++;
        o->raw = o->raw || o->counter == o->match;
    }
}

static void oracle_write(struct oracle *o, uint64_t offset, uint32_t value)
{
    if (offset == MR || offset == LR) {
        o->match = offset == MR ? value : o->match;
        o->counter = offset == LR ? value : o->counter;
        o->raw = o->raw || o->counter == o->match;
    } else if (offset == IMSC) {
        o->mask = (value & 1U) != 0U;
    } else if (offset == ICR) {
        o->raw = o->raw && (value & 1U) == 0U;
    }
}

/** Does the oracle's output rise within 200 s, and when? */
static bool rises(struct oracle o, uint64_t *when)
{
    if (o.raw || !o.mask) {
        return false;
    }
    for (uint64_t end = o.now + 200U; o.now < end;) {
        tick_to(&o, o.now + 1U);
        if (o.raw) {
            *when = o.now;
            return true;
        }
    }
    return false;
}

static void random_accesses_agree_with_a_clock_that_ticks(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct test_rng rng;
    struct oracle o = {.now = NOW, .counter = (uint32_t)NOW};
    unsigned raised = 0;
    unsigned foreseen = 0;

    (void)test_rng_init(&rng, "vpl031");
    hv_vpl031_update(&b->rtc, NOW);
    for (unsigned i = 0; i < 100000U; i++) {
        uint64_t offset = test_rng_below(&rng, 9) * 4U;
        uint32_t value = (uint32_t)(o.counter + test_rng_below(&rng, 100) - 20U);
        uint64_t expected, told;

        value = test_rng_below(&rng, 50) == 0U ? (uint32_t)test_rng_next(&rng) : value;
        tick_to(&o, o.now + (test_rng_below(&rng, 3) == 0U ? test_rng_below(&rng, 60) : 0U));
        if (test_rng_below(&rng, 2) != 0U) {
            wr(b, o.now, offset, value);
            oracle_write(&o, offset, value);
        }
        assert_int_equal(rd(b, o.now, DR), o.counter);
        assert_int_equal(rd(b, o.now, MR), o.match);
        assert_int_equal(rd(b, o.now, RIS), o.raw);
        assert_int_equal(rd(b, o.now, MIS), o.raw && o.mask);
        assert_int_equal(b->line, o.raw && o.mask);
        raised += b->line ? 1U : 0U;
        if (rises(o, &expected)) {
            assert_true(hv_vpl031_deadline(&b->rtc, o.now, &told));
            assert_int_equal(told, expected);
            foreseen++;
        } else if (hv_vpl031_deadline(&b->rtc, o.now, &told)) {
            assert_true(told > o.now + 200U && !o.raw && o.mask);
        }
    }
    assert_true(raised > 0U && foreseen > 0U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_register_reads_its_reset_value, set_up),
        cmocka_unit_test_setup(every_register_keeps_the_bits_that_exist_and_no_others, set_up),
        cmocka_unit_test_setup(the_data_register_cannot_be_written, set_up),
        cmocka_unit_test_setup(narrow_accesses_use_the_low_bits_and_odd_ones_nothing, set_up),
        cmocka_unit_test_setup(the_clock_can_be_set_and_runs_on, set_up),
        cmocka_unit_test_setup(a_match_raises_the_interrupt_until_it_is_cleared, set_up),
        cmocka_unit_test_setup(a_match_that_nobody_watched_is_found_by_the_next_access, set_up),
        cmocka_unit_test_setup(a_masked_match_is_raw_only_and_comes_out_when_unmasked, set_up),
        cmocka_unit_test_setup(a_match_value_in_the_past_waits_for_the_counter_to_wrap, set_up),
        cmocka_unit_test_setup(setting_either_register_to_the_other_matches_at_once, set_up),
        cmocka_unit_test_setup(time_that_runs_backwards_stands_still, set_up),
        cmocka_unit_test_setup(the_first_call_finds_no_match_in_the_time_before_it, set_up),
        cmocka_unit_test_setup(a_reset_keeps_the_time_that_was_set_and_lowers_the_output, set_up),
        cmocka_unit_test_setup(random_accesses_agree_with_a_clock_that_ticks, set_up),
    };

    return cmocka_run_group_tests_name("vpl031", tests, NULL, NULL);
}
