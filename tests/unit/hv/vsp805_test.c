/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated SP805 against Arm DDI 0270, and against a counter that counts one clock at a time. */
#include "testkit/seed.h"
#include "vdev/vsp805.h"
#include "vdev_bench.h"

/* DDI 0270 3.2, table 3-1. */
enum { LOAD = 0x00, VALUE = 0x04, CONTROL = 0x08, INTCLR = 0x0c, RIS = 0x10, MIS = 0x14, LOCK = 0xc00 };

#define INTEN  1U
#define RESEN  2U
#define UNLOCK 0x1acce551U
#define NOW    UINT64_C(0x123456789a)

VDEV_BENCH(vsp805, wdog)
VDEV_CLOCKED_ACCESS(vsp805, wdog)

static const struct {
    uint64_t offset;
    uint32_t reset;
    uint32_t writable;
} table[] = {
    {LOAD, UINT32_MAX, UINT32_MAX},
    {VALUE, UINT32_MAX, 0},
    {CONTROL, 0, 3},
    {INTCLR, 0, 0},
    {RIS, 0, 0},
    {MIS, 0, 0},
    {0x18, 0, 0},
    {0xbfc, 0, 0},
    {0xc04, 0, 0},
    {0xf00, 0, 0},
    {0xf04, 0, 0},
    {0xfdc, 0, 0},
    {0xfe0, 0x05, 0},
    {0xfe4, 0x18, 0},
    {0xfe8, 0x14, 0},
    {0xfec, 0x00, 0},
    {0xff0, 0x0d, 0},
    {0xff4, 0xf0, 0},
    {0xff8, 0x05, 0},
    {0xffc, 0xb1, 0},
    {0x1000, 0, 0},
    {0x1c00, 0, 0},
    {UINT64_MAX - 3, 0, 0},
};

static void every_register_reads_its_reset_value(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, NOW, table[i].offset), table[i].reset);
    }
    assert_int_equal(rd(b, NOW, LOCK), 0);
}

static void every_register_keeps_the_bits_that_exist_and_no_others(void **state)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, NOW, table[i].offset, 0x5a5aa5a5);
        assert_int_equal(rd(b, NOW, table[i].offset),
                         table[i].writable != 0U ? 0x5a5aa5a5U & table[i].writable : table[i].reset);
        wr(b, NOW, table[i].offset, UINT32_MAX);
        assert_int_equal(rd(b, NOW, table[i].offset),
                         table[i].writable != 0U ? table[i].writable : table[i].reset);
    }
}

static void locked_nothing_but_the_lock_can_be_written(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, LOAD, 100);
    wr(b, NOW, CONTROL, INTEN);
    wr(b, NOW, LOCK, 1);
    assert_int_equal(rd(b, NOW, LOCK), 1);
    wr(b, NOW, LOAD, 7);
    wr(b, NOW, CONTROL, 0);
    assert_int_equal(rd(b, NOW, LOAD), 100);
    assert_int_equal(rd(b, NOW, CONTROL), INTEN);
    assert_int_equal(rd(b, NOW + 100U, RIS), 1);
    wr(b, NOW + 100U, INTCLR, 1);
    assert_int_equal(rd(b, NOW + 100U, RIS), 1);
    wr(b, NOW + 100U, LOCK, UNLOCK);
    assert_int_equal(rd(b, NOW + 100U, LOCK), 0);
    wr(b, NOW + 100U, INTCLR, 0); /* any value */
    assert_int_equal(rd(b, NOW + 100U, RIS), 0);
    wr(b, NOW + 100U, LOCK, UNLOCK + 1U);
    assert_int_equal(rd(b, NOW + 100U, LOCK), 1);
}

static void odd_accesses_read_zero_and_change_nothing(void **state)
{
    struct bench *b = (struct bench *)*state;
    static const unsigned sizes[] = {0, 1, 2, 3, 4, 8, 16, UINT32_MAX};

    wr(b, NOW, LOAD, 0x12345678);
    for (uint64_t offset = 0; offset < 0x1008U; offset++) {
        for (size_t i = 0; i < ASH_ARRAY_SIZE(sizes); i++) {
            bool is_good = offset % 4U == 0U && (sizes[i] == 1U || sizes[i] == 2U || sizes[i] == 4U);
            uint64_t mask = is_good ? UINT64_MAX >> (64U - 8U * sizes[i]) : 0U;
            uint64_t word = rd(b, NOW, offset & ~UINT64_C(3));
            uint64_t value = UINT64_MAX;

            assert_int_equal(hv_vsp805_access(&b->wdog, NOW, offset, sizes[i], false, &value), ASH_OK);
            assert_int_equal(value, word & mask);
            if (!is_good) {
                struct hv_vsp805 before = b->wdog;
                value = UINT64_MAX;
                assert_int_equal(hv_vsp805_access(&b->wdog, NOW, offset, sizes[i], true, &value), ASH_OK);
                assert_memory_equal(&b->wdog, &before, sizeof(before));
            }
        }
    }
}

static void disabled_it_does_not_count(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline = 0;

    wr(b, NOW, LOAD, 50);
    assert_int_equal(rd(b, NOW + 1000U, VALUE), 50);
    assert_int_equal(rd(b, NOW + 1000U, RIS), 0);
    assert_false(hv_vsp805_deadline(&b->wdog, &deadline));
    assert_true(deadline == UINT64_MAX);
}

static void it_interrupts_when_the_counter_is_zero(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, LOAD, 50);
    wr(b, NOW + 7U, CONTROL, INTEN); /* enabling loads the counter */
    assert_true(hv_vsp805_deadline(&b->wdog, &deadline));
    assert_int_equal(deadline, NOW + 57U);
    assert_int_equal(rd(b, NOW + 56U, VALUE), 1);
    assert_false(b->line);
    hv_vsp805_update(&b->wdog, NOW + 57U);
    assert_true(b->line);
    assert_int_equal(rd(b, NOW + 57U, VALUE), 0);
    assert_int_equal(rd(b, NOW + 57U, MIS), 1);
    assert_int_equal(rd(b, NOW + 58U, VALUE), 50);
    assert_true(hv_vsp805_deadline(&b->wdog, &deadline));
    assert_int_equal(deadline, NOW + 57U + 51U);
    wr(b, NOW + 60U, INTCLR, 1);
    assert_false(b->line);
    assert_int_equal(rd(b, NOW + 60U, VALUE), 50); /* a kick */
    assert_false(hv_vsp805_has_expired(&b->wdog));
}

static void nobody_clears_it_and_it_expires(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, LOAD, 50);
    wr(b, NOW, CONTROL, INTEN | RESEN);
    hv_vsp805_update(&b->wdog, NOW + 100U);
    assert_false(hv_vsp805_has_expired(&b->wdog));
    hv_vsp805_update(&b->wdog, NOW + 101U);
    assert_true(hv_vsp805_has_expired(&b->wdog));
    assert_false(hv_vsp805_deadline(&b->wdog, &deadline));
    wr(b, NOW + 102U, INTCLR, 1); /* too late */
    wr(b, NOW + 102U, CONTROL, 0);
    assert_true(hv_vsp805_has_expired(&b->wdog));
    hv_vsp805_reset(&b->wdog);
    assert_false(hv_vsp805_has_expired(&b->wdog));
}

static void both_zeros_may_be_found_by_one_late_look(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, LOAD, 50);
    wr(b, NOW, CONTROL, INTEN | RESEN);
    assert_int_equal(rd(b, NOW + 100000U, RIS), 1);
    assert_true(hv_vsp805_has_expired(&b->wdog));
}

static void without_a_reset_enabled_it_never_expires(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, LOAD, 50);
    wr(b, NOW, CONTROL, INTEN);
    hv_vsp805_update(&b->wdog, NOW + 51000U);
    assert_true(b->line);
    assert_false(hv_vsp805_has_expired(&b->wdog));
    wr(b, NOW + 51000U, CONTROL, INTEN | RESEN); /* from the next zero on */
    assert_false(hv_vsp805_has_expired(&b->wdog));
    hv_vsp805_update(&b->wdog, NOW + 51051U);
    assert_true(hv_vsp805_has_expired(&b->wdog));
}

static void the_least_and_the_longest_load_count_right(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, CONTROL, INTEN);
    assert_true(hv_vsp805_deadline(&b->wdog, &deadline));
    assert_int_equal(deadline, NOW + UINT32_MAX);
    hv_vsp805_update(&b->wdog, deadline);
    assert_int_equal(rd(b, deadline, VALUE), 0);
    assert_int_equal(rd(b, deadline + 1U, VALUE), UINT32_MAX);
    wr(b, deadline + 1U, LOAD, 0);
    assert_true(hv_vsp805_deadline(&b->wdog, &deadline));
    assert_int_equal(deadline, NOW + UINT32_MAX + 2U);
}

static void time_that_is_skipped_does_not_count(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t deadline;

    wr(b, NOW, LOAD, 50);
    wr(b, NOW, CONTROL, INTEN | RESEN);
    hv_vsp805_update(&b->wdog, NOW + 20U);
    hv_vsp805_skip(&b->wdog, NOW + 20000U);
    assert_int_equal(rd(b, NOW + 20000U, VALUE), 30);
    assert_true(hv_vsp805_deadline(&b->wdog, &deadline));
    assert_int_equal(deadline, NOW + 20030U);
    hv_vsp805_skip(&b->wdog, NOW); /* backwards: not at all */
    assert_int_equal(rd(b, NOW, VALUE), 30);
}

static void a_reset_lowers_the_output_and_opens_the_lock(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, NOW, LOAD, 5);
    wr(b, NOW, CONTROL, INTEN);
    wr(b, NOW, LOCK, 0);
    hv_vsp805_update(&b->wdog, NOW + 5U);
    assert_true(b->line);
    hv_vsp805_reset(&b->wdog);
    assert_false(b->line);
    assert_int_equal(rd(b, NOW + 6U, LOCK), 0);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, NOW + 6U, table[i].offset), table[i].reset);
    }
    hv_vsp805_reset(&b->wdog); /* low already: not told again */
    assert_int_equal(b->changes, 2);
}

/** The manual's counter, one clock at a time (2.1, 3.3). */
struct oracle {
    uint64_t now;
    uint32_t load, value, control;
    bool raw, expired, locked;
};

static void tick_to(struct oracle *o, uint64_t now)
{
    for (; o->now < now; o->now++) {
        if ((o->control & INTEN) == 0U || o->expired) {
            continue;
        }
        o->value = o->value == 0U ? o->load : o->value - 1U;
        if (o->value == 0U) {
            o->expired = o->raw && (o->control & RESEN) != 0U;
            o->raw = true;
        }
    }
}

static void oracle_write(struct oracle *o, uint64_t offset, uint32_t value)
{
    if (offset == LOCK) {
        o->locked = value != UNLOCK;
    } else if (o->locked) {
        return;
    } else if (offset == LOAD) {
        o->load = value;
        o->value = value;
    } else if (offset == CONTROL) {
        o->value = (o->control & INTEN) == 0U && (value & INTEN) != 0U ? o->load : o->value;
        o->control = value & 3U;
    } else if (offset == INTCLR) {
        o->raw = false;
        o->value = o->load;
    }
}

/** When is the oracle's counter 0 next? */
static bool is_zero_next(struct oracle o, uint64_t *when)
{
    if ((o.control & INTEN) == 0U || o.expired) {
        return false;
    }
    do {
        tick_to(&o, o.now + 1U);
    } while (o.value != 0U);
    *when = o.now;
    return true;
}

static void random_accesses_agree_with_a_counter_that_ticks(void **state)
{
    static const uint64_t offsets[] = {LOAD, CONTROL, INTCLR, LOCK, VALUE, RIS};
    struct bench *b = (struct bench *)*state;
    struct test_rng rng;
    struct oracle o = {.now = NOW, .load = 20, .value = 20};
    unsigned raised = 0, expired = 0;

    (void)test_rng_init(&rng, "vsp805");
    hv_vsp805_update(&b->wdog, NOW);
    wr(b, NOW, LOAD, 20);
    for (unsigned i = 0; i < 200000U; i++) {
        uint64_t offset = offsets[test_rng_below(&rng, ASH_ARRAY_SIZE(offsets))];
        uint32_t value = 1U + (uint32_t)test_rng_below(&rng, 40);
        uint64_t told = 0, expected = 0;

        value = offset == LOCK && test_rng_below(&rng, 2) != 0U ? UNLOCK : value;
        tick_to(&o, o.now + test_rng_below(&rng, 30));
        if (test_rng_below(&rng, 2) != 0U) {
            hv_vsp805_update(&b->wdog, o.now);
            if (!o.expired) {
                wr(b, o.now, offset, value);
                oracle_write(&o, offset, value);
            }
        }
        assert_int_equal(rd(b, o.now, VALUE), o.value);
        assert_int_equal(rd(b, o.now, RIS), o.raw);
        assert_int_equal(rd(b, o.now, MIS), o.raw && (o.control & INTEN) != 0U);
        assert_int_equal(rd(b, o.now, LOCK), o.locked);
        assert_int_equal(b->line, o.raw && (o.control & INTEN) != 0U);
        assert_int_equal(hv_vsp805_has_expired(&b->wdog), o.expired);
        assert_int_equal(hv_vsp805_deadline(&b->wdog, &told), is_zero_next(o, &expected));
        assert_true(told == expected || told == UINT64_MAX);
        raised += b->line ? 1U : 0U;
        if (o.expired && test_rng_below(&rng, 4) == 0U) {
            expired++;
            hv_vsp805_reset(&b->wdog);
            wr(b, o.now, LOAD, 20);
            o = (struct oracle){.now = o.now, .load = 20, .value = 20};
        }
    }
    assert_true(raised > 1000U && expired > 100U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_register_reads_its_reset_value, set_up),
        cmocka_unit_test_setup(every_register_keeps_the_bits_that_exist_and_no_others, set_up),
        cmocka_unit_test_setup(locked_nothing_but_the_lock_can_be_written, set_up),
        cmocka_unit_test_setup(odd_accesses_read_zero_and_change_nothing, set_up),
        cmocka_unit_test_setup(disabled_it_does_not_count, set_up),
        cmocka_unit_test_setup(it_interrupts_when_the_counter_is_zero, set_up),
        cmocka_unit_test_setup(nobody_clears_it_and_it_expires, set_up),
        cmocka_unit_test_setup(both_zeros_may_be_found_by_one_late_look, set_up),
        cmocka_unit_test_setup(without_a_reset_enabled_it_never_expires, set_up),
        cmocka_unit_test_setup(the_least_and_the_longest_load_count_right, set_up),
        cmocka_unit_test_setup(time_that_is_skipped_does_not_count, set_up),
        cmocka_unit_test_setup(a_reset_lowers_the_output_and_opens_the_lock, set_up),
        cmocka_unit_test_setup(random_accesses_agree_with_a_counter_that_ticks, set_up),
    };

    return cmocka_run_group_tests_name("vsp805", tests, NULL, NULL);
}
