/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated PL061 against Arm DDI 0190, and against eight pins that are looked at one by one. */
#include "testkit/seed.h"
#include "vdev/vpl061.h"
#include "vdev_bench.h"

/* DDI 0190 3.2, table 3-1. */
enum {
    DATA = 0x3fc, /* all eight pins */
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IEV = 0x40c,
    IE = 0x410,
    RIS = 0x414,
    MIS = 0x418,
    IC = 0x41c,
    AFSEL = 0x420
};

#define KEY 3U

VDEV_BENCH(vpl061, gpio)

static uint32_t rd(struct bench *b, uint64_t offset)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hv_vpl061_access(&b->gpio, offset, 4, false, &value), ASH_OK);
    assert_true(value <= UINT8_MAX);
    return (uint32_t)value;
}

static void wr(struct bench *b, uint64_t offset, uint32_t value)
{
    uint64_t v = value;

    assert_int_equal(hv_vpl061_access(&b->gpio, offset, 4, true, &v), ASH_OK);
}

static const struct {
    uint64_t offset;
    uint32_t reset;
    uint32_t writable;
} table[] = {
    {DATA, 0, 0},     {DIR, 0, 0xff},   {IS, 0, 0xff},    {IBE, 0, 0xff},   {IEV, 0, 0xff},
    {IE, 0, 0xff},    {RIS, 0, 0},      {MIS, 0, 0},      {IC, 0, 0},       {AFSEL, 0, 0xff},
    {0x424, 0, 0},    {0x600, 0, 0},    {0x604, 0, 0},    {0xfdc, 0, 0},    {0xfe0, 0x61, 0},
    {0xfe4, 0x10, 0}, {0xfe8, 0x04, 0}, {0xfec, 0x00, 0}, {0xff0, 0x0d, 0}, {0xff4, 0xf0, 0},
    {0xff8, 0x05, 0}, {0xffc, 0xb1, 0}, {0x1000, 0, 0},   {0x1400, 0, 0},   {UINT64_MAX - 3, 0, 0},
};

static void every_register_reads_its_reset_value(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, table[i].offset), table[i].reset);
    }
}

static void every_register_keeps_the_bits_that_exist_and_no_others(void **state)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, table[i].offset, UINT32_MAX);
        assert_int_equal(rd(b, table[i].offset),
                         table[i].writable != 0U ? table[i].writable : table[i].reset);
        wr(b, table[i].offset, 0x5a);
        assert_int_equal(rd(b, table[i].offset),
                         table[i].writable != 0U ? 0x5a & table[i].writable : table[i].reset);
    }
}

static void odd_accesses_read_zero_and_change_nothing(void **state)
{
    struct bench *b = (struct bench *)*state;
    static const unsigned sizes[] = {0, 1, 2, 3, 4, 8, 16, UINT32_MAX};

    wr(b, DIR, 0xf0);
    wr(b, DATA, 0xa5);
    hv_vpl061_drive(&b->gpio, KEY, true);
    for (uint64_t offset = 0; offset < 0x1008U; offset++) {
        for (size_t i = 0; i < ASH_ARRAY_SIZE(sizes); i++) {
            bool is_good = offset % 4U == 0U && (sizes[i] == 1U || sizes[i] == 2U || sizes[i] == 4U);
            uint64_t word = rd(b, offset & ~UINT64_C(3));
            uint64_t value = UINT64_MAX;

            assert_int_equal(hv_vpl061_access(&b->gpio, offset, sizes[i], false, &value), ASH_OK);
            assert_int_equal(value, is_good ? word : 0U);
            if (!is_good) {
                struct hv_vpl061 before = b->gpio;
                value = UINT64_MAX;
                assert_int_equal(hv_vpl061_access(&b->gpio, offset, sizes[i], true, &value), ASH_OK);
                assert_memory_equal(&b->gpio, &before, sizeof(before));
            }
        }
    }
}

static void the_address_says_which_pins_a_data_access_is_about(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, DIR, 0xff);
    wr(b, DATA, 0x00);
    wr(b, 0x098, 0xfb); /* the manual's example (3.3.1): pins 1, 2 and 5 */
    assert_int_equal(rd(b, DATA), 0x22);
    wr(b, DATA, 0xfe);
    assert_int_equal(rd(b, 0x0c4), 0x30); /* pins 0, 4 and 5 */
    wr(b, 0x000, 0xff);
    assert_int_equal(rd(b, 0x000), 0);
    assert_int_equal(rd(b, DATA), 0xfe);
}

static void an_input_reads_its_pin_and_cannot_be_written(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_vpl061_drive(&b->gpio, KEY, true);
    hv_vpl061_drive(&b->gpio, 7, true);
    assert_int_equal(rd(b, DATA), 0x88);
    wr(b, DATA, 0x77);
    assert_int_equal(rd(b, DATA), 0x88);
    wr(b, DIR, 1U << KEY); /* an output now: what was last written to one */
    assert_int_equal(rd(b, DATA), 0x80);
    wr(b, DATA, 0xff);
    assert_int_equal(rd(b, DATA), 0x88);
    hv_vpl061_drive(&b->gpio, KEY, false);
    assert_int_equal(rd(b, DATA), 0x88);
    wr(b, DIR, 0);
    assert_int_equal(rd(b, DATA), 0x80);
}

static void a_rising_edge_is_kept_until_it_is_cleared(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IEV, 1U << KEY);
    wr(b, IE, 1U << KEY);
    hv_vpl061_drive(&b->gpio, KEY, true);
    assert_true(b->line);
    assert_true(hv_vpl061_is_pending(&b->gpio, KEY));
    hv_vpl061_drive(&b->gpio, KEY, false);
    assert_int_equal(rd(b, RIS), 1U << KEY);
    assert_int_equal(rd(b, MIS), 1U << KEY);
    assert_true(b->line);
    wr(b, IC, (uint32_t) ~(1U << KEY));
    assert_true(b->line);
    wr(b, IC, 1U << KEY);
    assert_false(b->line);
    assert_false(hv_vpl061_is_pending(&b->gpio, KEY));
    hv_vpl061_drive(&b->gpio, KEY, false); /* no change, no edge */
    assert_int_equal(rd(b, RIS), 0);
    assert_int_equal(b->changes, 2);
}

static void a_falling_edge_is_one_where_the_event_bit_is_clear(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IE, 0xff);
    hv_vpl061_drive(&b->gpio, 0, true);
    assert_int_equal(rd(b, RIS), 0);
    hv_vpl061_drive(&b->gpio, 0, false);
    assert_int_equal(rd(b, RIS), 1);
    assert_true(b->line);
}

static void both_edges_are_two_interrupts(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IBE, 1U << KEY);
    wr(b, IE, 1U << KEY);
    hv_vpl061_drive(&b->gpio, KEY, true);
    assert_true(b->line);
    wr(b, IC, 0xff);
    assert_false(b->line);
    hv_vpl061_drive(&b->gpio, KEY, false);
    assert_true(b->line);
}

static void a_level_lasts_as_long_as_it_is_there(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IS, 1U << KEY);
    wr(b, IEV, 1U << KEY);
    wr(b, IE, 1U << KEY);
    assert_false(b->line);
    hv_vpl061_drive(&b->gpio, KEY, true);
    assert_true(b->line);
    wr(b, IC, 0xff);
    assert_true(b->line); /* 3.3.9: GPIOIC clears edges */
    hv_vpl061_drive(&b->gpio, KEY, false);
    assert_false(b->line);
    wr(b, IEV, 0); /* low is the event */
    assert_true(b->line);
}

static void a_masked_edge_is_raw_only_and_comes_out_when_unmasked(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IBE, 1U << KEY);
    hv_vpl061_drive(&b->gpio, KEY, true);
    assert_int_equal(rd(b, RIS), 1U << KEY);
    assert_int_equal(rd(b, MIS), 0);
    assert_false(hv_vpl061_is_pending(&b->gpio, KEY));
    assert_false(b->line);
    wr(b, IE, 1U << KEY);
    assert_true(b->line);
}

static void a_reset_keeps_the_pins_and_lowers_the_output(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (uint64_t offset = DIR; offset <= AFSEL; offset += 4U) {
        wr(b, offset, 0xff);
    }
    wr(b, DIR, 0);
    hv_vpl061_drive(&b->gpio, KEY, true);
    assert_true(b->line);
    hv_vpl061_reset(&b->gpio);
    assert_false(b->line);
    assert_int_equal(rd(b, DATA), 1U << KEY);
    for (size_t i = 1; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, table[i].offset), table[i].reset);
    }
    hv_vpl061_reset(&b->gpio); /* low already: not told again */
    assert_int_equal(b->changes, 2);
}

/** One pin, by 3.3.1 to 3.3.9. */
struct pin {
    bool in, out, is_output, level_triggered, both, event, enabled, edge;
};

static void oracle_drive(struct pin *p, bool level)
{
    bool rose = level && !p->in;
    bool fell = !level && p->in;

    if (!p->is_output && !p->level_triggered) {
        p->edge = p->edge || (p->both ? rose || fell : (p->event ? rose : fell));
    }
    p->in = level;
}

static void oracle_write(struct pin *p, uint64_t offset, bool bit)
{
    switch (offset) {
    case DATA:
        p->out = p->is_output ? bit : p->out;
        break;
    case DIR:
        p->is_output = bit;
        break;
    case IS:
        p->level_triggered = bit;
        break;
    case IBE:
        p->both = bit;
        break;
    case IEV:
        p->event = bit;
        break;
    case IE:
        p->enabled = bit;
        break;
    case IC:
        p->edge = p->edge && !bit;
        break;
    default:
        break;
    }
}

static bool is_raw(const struct pin *p)
{
    return p->level_triggered ? !p->is_output && p->in == p->event : p->edge;
}

static void check_pins(struct bench *b, const struct pin pins[8])
{
    uint32_t data = 0, raw = 0, masked = 0;

    for (unsigned i = 0; i < 8U; i++) {
        data |= (pins[i].is_output ? pins[i].out : pins[i].in) ? 1U << i : 0U;
        raw |= is_raw(&pins[i]) ? 1U << i : 0U;
        masked |= is_raw(&pins[i]) && pins[i].enabled ? 1U << i : 0U;
        assert_int_equal(hv_vpl061_is_pending(&b->gpio, i), (masked >> i) & 1U);
    }
    assert_int_equal(rd(b, DATA), data);
    assert_int_equal(rd(b, RIS), raw);
    assert_int_equal(rd(b, MIS), masked);
    assert_int_equal(b->line, masked != 0U);
}

static void random_accesses_agree_with_eight_pins(void **state)
{
    static const uint64_t offsets[] = {DATA, DIR, IS, IBE, IEV, IE, IC, AFSEL};
    struct bench *b = (struct bench *)*state;
    struct pin pins[8] = {0};
    struct test_rng rng;
    unsigned raised = 0;

    (void)test_rng_init(&rng, "vpl061");
    for (unsigned n = 0; n < 100000U; n++) {
        uint64_t offset = offsets[test_rng_below(&rng, ASH_ARRAY_SIZE(offsets))];
        uint32_t value = (uint32_t)test_rng_next(&rng);
        unsigned pin = (unsigned)test_rng_below(&rng, 8);

        if (test_rng_below(&rng, 2) != 0U) {
            hv_vpl061_drive(&b->gpio, pin, (value & 1U) != 0U);
            oracle_drive(&pins[pin], (value & 1U) != 0U);
        } else {
            value &= test_rng_below(&rng, 3) == 0U ? 0xffU : (uint32_t)test_rng_next(&rng);
            wr(b, offset, value);
            for (unsigned i = 0; i < 8U; i++) {
                oracle_write(&pins[i], offset, ((value >> i) & 1U) != 0U);
            }
        }
        check_pins(b, pins);
        raised += b->line ? 1U : 0U;
    }
    assert_true(raised > 1000U && raised < 99000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_register_reads_its_reset_value, set_up),
        cmocka_unit_test_setup(every_register_keeps_the_bits_that_exist_and_no_others, set_up),
        cmocka_unit_test_setup(odd_accesses_read_zero_and_change_nothing, set_up),
        cmocka_unit_test_setup(the_address_says_which_pins_a_data_access_is_about, set_up),
        cmocka_unit_test_setup(an_input_reads_its_pin_and_cannot_be_written, set_up),
        cmocka_unit_test_setup(a_rising_edge_is_kept_until_it_is_cleared, set_up),
        cmocka_unit_test_setup(a_falling_edge_is_one_where_the_event_bit_is_clear, set_up),
        cmocka_unit_test_setup(both_edges_are_two_interrupts, set_up),
        cmocka_unit_test_setup(a_level_lasts_as_long_as_it_is_there, set_up),
        cmocka_unit_test_setup(a_masked_edge_is_raw_only_and_comes_out_when_unmasked, set_up),
        cmocka_unit_test_setup(a_reset_keeps_the_pins_and_lowers_the_output, set_up),
        cmocka_unit_test_setup(random_accesses_agree_with_eight_pins, set_up),
    };

    return cmocka_run_group_tests_name("vpl061", tests, NULL, NULL);
}
