/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests that keep to nothing: every offset of every emulated device by every width in both directions, and random
 * sequences of them. Nothing but an answer may come of it: the sanitizers watch. */
#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "vdev/vpl011.h"
#include "vdev/vpl031.h"
#include "vdev/vpl061.h"
#include "vdev/vsp805.h"

#define FRAME 0x1000U

static struct {
    struct hv_vpl011 uart;
    struct hv_vpl031 rtc;
    struct hv_vpl061 gpio;
    struct hv_vsp805 wdog;
    uint64_t now;
    bool line[4];
} m;

static void set_irq(void *ctx, bool level)
{
    bool *line = (bool *)ctx;

    assert_int_not_equal(level, *line); /* told on a change only: no guest makes a storm of it */
    *line = level;
}

static void emit(void *ctx, uint8_t byte)
{
    (void)ctx;
    (void)byte;
}

static const struct hv_vpl011_ops uart_ops = {.emit = emit, .set_irq = set_irq};
static const struct hv_vpl031_ops rtc_ops = {.set_irq = set_irq};
static const struct hv_vpl061_ops gpio_ops = {.set_irq = set_irq};
static const struct hv_vsp805_ops wdog_ops = {.set_irq = set_irq};

static int set_up(void **state)
{
    (void)state;
    memset(&m, 0, sizeof(m));
    m.now = 1000;
    hv_vpl011_init(&m.uart, &uart_ops, &m.line[0]);
    hv_vpl031_init(&m.rtc, &rtc_ops, &m.line[1]);
    hv_vpl061_init(&m.gpio, &gpio_ops, &m.line[2]);
    hv_vsp805_init(&m.wdog, &wdog_ops, &m.line[3]);
    return 0;
}

static int access(unsigned device, uint64_t offset, unsigned size, bool is_write, uint64_t *value)
{
    switch (device) {
    case 0:
        return hv_vpl011_access(&m.uart, offset, size, is_write, value);
    case 1:
        return hv_vpl031_access(&m.rtc, m.now, offset, size, is_write, value);
    case 2:
        return hv_vpl061_access(&m.gpio, offset, size, is_write, value);
    default:
        return hv_vsp805_access(&m.wdog, m.now, offset, size, is_write, value);
    }
}

static void read_fits(unsigned device, uint64_t offset, unsigned size)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(access(device, offset, size, false, &value), ASH_OK);
    assert_true(size == 8U || value >> (8U * size) == 0U);
    if (offset % size != 0U || size == 8U) {
        assert_int_equal(value, 0); /* no register is read so */
    }
}

static void every_offset_by_every_width_has_an_answer(void **state)
{
    static const uint64_t values[] = {0, UINT64_MAX, UINT64_C(0x8000000080000000), 1};

    for (unsigned device = 0; device < 4U; device++) {
        (void)set_up(state);
        for (uint64_t offset = 0; offset < FRAME; offset++) {
            for (unsigned size = 1; size <= 8U; size *= 2U) {
                read_fits(device, offset, size);
                for (unsigned n = 0; n < ASH_ARRAY_SIZE(values); n++) {
                    uint64_t value = values[n];

                    assert_int_equal(access(device, offset, size, true, &value), ASH_OK);
                    assert_int_equal(value, values[n]);
                    read_fits(device, offset, size);
                }
            }
        }
    }
}

/* What else happens to it. */
static void outside(struct test_rng *rng)
{
    uint64_t deadline;

    switch (test_rng_below(rng, 8)) {
    case 0:
        (void)hv_vpl011_receive(&m.uart, (uint8_t)test_rng_next(rng));
        break;
    case 1:
        hv_vpl061_drive(&m.gpio, (unsigned)test_rng_below(rng, 8), test_rng_below(rng, 2) != 0U);
        break;
    case 2:
        hv_vpl031_update(&m.rtc, m.now);
        hv_vsp805_update(&m.wdog, m.now);
        break;
    case 3:
        if (hv_vsp805_deadline(&m.wdog, &deadline)) {
            assert_true(deadline > 0U);
        }
        break;
    case 4:
        m.now += test_rng_next(rng) >> test_rng_below(rng, 64) >> 1;
        m.now &= UINT64_MAX >> 2; /* centuries */
        break;
    default:
        m.now += test_rng_below(rng, 1000);
        break;
    }
}

static void random_sequences_do_no_harm(void **state)
{
    struct test_rng rng;
    bool seen[4] = {false};

    (void)state;
    (void)test_rng_init(&rng, "vdev_hostile");
    for (unsigned i = 0; i < 400000U; i++) {
        unsigned device = (unsigned)test_rng_below(&rng, 4);
        uint64_t offset = test_rng_below(&rng, test_rng_below(&rng, 2) != 0U ? 0x60U : FRAME);
        unsigned size = 1U << test_rng_below(&rng, 4);
        uint64_t value = test_rng_next(&rng) >> test_rng_below(&rng, 64);

        if (test_rng_below(&rng, 4) != 0U) {
            offset &= ~UINT64_C(3);
            size = 4;
        }
        if (test_rng_below(&rng, 2) != 0U) {
            assert_int_equal(access(device, offset, size, true, &value), ASH_OK);
        } else {
            read_fits(device, offset, size);
        }
        outside(&rng);
        for (unsigned n = 0; n < 4U; n++) {
            seen[n] |= m.line[n];
        }
    }
    for (unsigned n = 0; n < 4U; n++) {
        assert_true(seen[n]); /* each has raised its interrupt */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_offset_by_every_width_has_an_answer, set_up),
        cmocka_unit_test_setup(random_sequences_do_no_harm, set_up),
    };

    return cmocka_run_group_tests_name("vdev_hostile", tests, NULL, NULL);
}
