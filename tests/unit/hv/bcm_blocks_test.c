/* SPDX-License-Identifier: BSD-2-Clause */
/* The blocks of a BCM2837, each by its manual: BCM2835 ARM Peripherals; QA7 rev 3.4; the firmware's mailbox pages. */
#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "vdev/bcm_aux.h"
#include "vdev/bcm_blocks.h"
#include "vdev/bcm_intc.h"
#include "vdev/bcm_local.h"
#include "vdev/bcm_systimer.h"

/* ---- The ARM interrupt controller: 7.5 --------------------------------------------------------------------------- */

enum { BASIC, PENDING_1, PENDING_2, FIQ, ENABLE_1, ENABLE_2, ENABLE_B, DISABLE_1, DISABLE_2, DISABLE_B };

static struct hv_bcm_intc intc;

static void nothing_is_pending_that_is_not_enabled(void **state)
{
    (void)state;
    hv_bcm_intc_reset(&intc);
    intc.gpu = UINT64_MAX;
    intc.basic = 0xff;
    assert_int_equal(hv_bcm_intc_read(&intc, BASIC), 0);
    assert_int_equal(hv_bcm_intc_read(&intc, PENDING_1), 0);
    assert_int_equal(hv_bcm_intc_read(&intc, PENDING_2), 0);
    assert_false(hv_bcm_intc_irq(&intc));
    assert_false(hv_bcm_intc_fiq(&intc));
}

static void enable_sets_and_disable_clears_single_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64U; i++) {
        uint32_t bit = 1U << (i % 32U);

        hv_bcm_intc_reset(&intc);
        intc.gpu = UINT64_MAX;
        hv_bcm_intc_write(&intc, i < 32U ? ENABLE_1 : ENABLE_2, bit);
        assert_int_equal(hv_bcm_intc_read(&intc, PENDING_1), i < 32U ? bit : 0U);
        assert_int_equal(hv_bcm_intc_read(&intc, PENDING_2), i < 32U ? 0U : bit);
        assert_int_equal(hv_bcm_intc_read(&intc, i < 32U ? ENABLE_1 : ENABLE_2), bit);
        assert_true(hv_bcm_intc_irq(&intc));
        hv_bcm_intc_write(&intc, i < 32U ? ENABLE_1 : ENABLE_2, 0);
        assert_true(hv_bcm_intc_irq(&intc));
        hv_bcm_intc_write(&intc, i < 32U ? DISABLE_1 : DISABLE_2, ~bit);
        assert_true(hv_bcm_intc_irq(&intc));
        hv_bcm_intc_write(&intc, i < 32U ? DISABLE_1 : DISABLE_2, bit);
        assert_false(hv_bcm_intc_irq(&intc));
        assert_int_equal(hv_bcm_intc_read(&intc, i < 32U ? DISABLE_1 : DISABLE_2), 0);
    }
    for (unsigned i = 0; i < 8U; i++) {
        hv_bcm_intc_reset(&intc);
        intc.basic = (uint8_t)(1U << i);
        hv_bcm_intc_write(&intc, ENABLE_B, 0xffffff00U | 1U << i);
        assert_int_equal(hv_bcm_intc_read(&intc, BASIC), 1U << i);
        assert_int_equal(hv_bcm_intc_read(&intc, ENABLE_B), 1U << i);
        assert_true(hv_bcm_intc_irq(&intc));
        hv_bcm_intc_write(&intc, DISABLE_B, 1U << i);
        assert_false(hv_bcm_intc_irq(&intc));
    }
}

/* 7.5 "Basic pending register": which GPU interrupts have a bit there. */
static void basic_pending_shows_shortcuts_and_whether_there_are_others(void **state)
{
    static const struct {
        unsigned irq, bit;
    } shortcuts[] = {{7, 10},  {9, 11},  {10, 12}, {18, 13}, {19, 14}, {53, 15},
                     {54, 16}, {55, 17}, {56, 18}, {57, 19}, {62, 20}};

    (void)state;
    for (unsigned i = 0; i < 64U; i++) {
        uint32_t wanted = i < 32U ? 1U << 8 : 1U << 9;

        for (size_t s = 0; s < ASH_ARRAY_SIZE(shortcuts); s++) {
            wanted = shortcuts[s].irq == i ? 1U << shortcuts[s].bit : wanted;
        }
        hv_bcm_intc_reset(&intc);
        intc.gpu = UINT64_C(1) << i;
        intc.gpu_enabled = UINT64_MAX;
        assert_int_equal(hv_bcm_intc_read(&intc, BASIC), wanted);
    }
}

static void a_fiq_is_one_source_and_needs_no_enable(void **state)
{
    (void)state;
    for (unsigned source = 0; source < 128U; source++) {
        for (unsigned on = 0; on < 2U; on++) {
            hv_bcm_intc_reset(&intc);
            intc.gpu = source < 64U ? UINT64_C(1) << source : 0U;
            intc.basic = (uint8_t)(source >= 64U && source < 72U ? 1U << (source - 64U) : 0U);
            hv_bcm_intc_write(&intc, FIQ, (on != 0U ? 0x80U : 0U) | source);
            assert_int_equal(hv_bcm_intc_read(&intc, FIQ), (on != 0U ? 0x80U : 0U) | source);
            assert_int_equal(hv_bcm_intc_fiq(&intc), on != 0U && source < 72U);
            assert_false(hv_bcm_intc_irq(&intc));
            intc.gpu = ~intc.gpu;
            intc.basic = (uint8_t)~intc.basic;
            assert_false(hv_bcm_intc_fiq(&intc));
            assert_int_equal(hv_bcm_intc_listens(&intc, source % 64U), on != 0U && source < 64U);
        }
    }
}

static void pending_registers_cannot_be_written_and_others_are_not_there(void **state)
{
    struct hv_bcm_intc before;

    (void)state;
    hv_bcm_intc_reset(&intc);
    intc.gpu = 5;
    before = intc;
    for (uint64_t index = 0; index < 0x100U; index++) {
        if (index >= FIQ && index <= DISABLE_B) {
            continue;
        }
        hv_bcm_intc_write(&intc, index, UINT32_MAX);
        assert_memory_equal(&intc, &before, sizeof(intc));
        assert_int_equal(hv_bcm_intc_read(&intc, index), 0);
    }
    hv_bcm_intc_write(&intc, UINT64_MAX, UINT32_MAX);
    assert_int_equal(hv_bcm_intc_read(&intc, UINT64_MAX), 0);
}

/* ---- The system timer: 12.1 -------------------------------------------------------------------------------------- */

enum { CS = 0x00, CLO = 0x04, CHI = 0x08, C0 = 0x0c, C3 = 0x18 };

static struct hv_bcm_systimer timer;

static void the_counter_is_the_time(void **state)
{
    (void)state;
    hv_bcm_systimer_reset(&timer, 0);
    assert_int_equal(hv_bcm_systimer_read(&timer, UINT64_C(0x123456789abcdef0), CLO), 0x9abcdef0U);
    assert_int_equal(hv_bcm_systimer_read(&timer, UINT64_C(0x123456789abcdef0), CHI), 0x12345678U);
    hv_bcm_systimer_write(&timer, 5, CLO, 1);
    hv_bcm_systimer_write(&timer, 5, CHI, 1);
    assert_int_equal(hv_bcm_systimer_read(&timer, 5, CLO), 5);
}

/** A counter that counts one at a time, and compares each time. */
static uint32_t matches_one_by_one(const uint32_t *compare, uint64_t from, uint64_t to)
{
    uint32_t matched = 0;

    for (uint64_t t = from + 1U; t <= to; t++) {
        for (unsigned i = 0; i < 4U; i++) {
            matched |= (uint32_t)t == compare[i] ? 1U << i : 0U;
        }
    }
    return matched;
}

static void matches_are_those_of_a_counter_that_compares_each_time(void **state)
{
    static const uint64_t starts[] = {0, 100, UINT32_MAX - 20U, UINT64_C(0x1fffffff0), UINT64_C(0x7fffffff8)};
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "systimer");
    for (unsigned round = 0; round < 3000U; round++) {
        uint64_t now = starts[test_rng_below(&rng, ASH_ARRAY_SIZE(starts))] + test_rng_below(&rng, 8);
        uint64_t then = now + test_rng_below(&rng, 40);
        uint32_t compare[4];
        uint32_t wanted = 0;

        hv_bcm_systimer_reset(&timer, now);
        for (unsigned i = 0; i < 4U; i++) {
            compare[i] = (uint32_t)(now + test_rng_below(&rng, 50) - 8U);
            wanted |= compare[i] == (uint32_t)now ? 1U << i : 0U;
            hv_bcm_systimer_write(&timer, now, C0 + 4U * i, compare[i]);
            assert_int_equal(hv_bcm_systimer_read(&timer, now, C0 + 4U * i), compare[i]);
        }
        assert_int_equal(hv_bcm_systimer_read(&timer, now, CS), wanted);
        wanted |= matches_one_by_one(compare, now, then);
        hv_bcm_systimer_update(&timer, then);
        assert_int_equal(hv_bcm_systimer_read(&timer, then, CS), wanted);
    }
}

static void the_deadline_is_the_microsecond_of_the_match(void **state)
{
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "systimer deadline");
    for (unsigned round = 0; round < 1000U; round++) {
        uint64_t now = ((uint64_t)(uint32_t)test_rng_next(&rng) << 8) + (uint32_t)test_rng_next(&rng);
        unsigned channel = (unsigned)test_rng_below(&rng, 4);
        uint64_t at;

        hv_bcm_systimer_reset(&timer, now);
        hv_bcm_systimer_write(&timer, now, C0 + 4U * channel, (uint32_t)test_rng_next(&rng) | 1U);
        hv_bcm_systimer_write(&timer, now, CS, 0xf);
        at = hv_bcm_systimer_deadline(&timer, channel);
        assert_true(at > now && at - now <= UINT64_C(1) << 32);
        hv_bcm_systimer_update(&timer, at - 1U);
        assert_int_equal(hv_bcm_systimer_read(&timer, at, CS) >> channel & 1U, 0);
        hv_bcm_systimer_update(&timer, at);
        assert_int_equal(hv_bcm_systimer_read(&timer, at, CS) >> channel & 1U, 1);
        assert_true(hv_bcm_systimer_deadline(&timer, channel) == UINT64_MAX);
    }
}

static void a_match_stays_until_one_is_written_to_its_bit(void **state)
{
    (void)state;
    hv_bcm_systimer_reset(&timer, 10);
    for (unsigned i = 0; i < 4U; i++) {
        hv_bcm_systimer_write(&timer, 10, C0 + 4U * i, 10);
    }
    hv_bcm_systimer_write(&timer, 10, CS, 0xfffffff2U);
    assert_int_equal(hv_bcm_systimer_read(&timer, 10, CS), 0xd);
    hv_bcm_systimer_write(&timer, 10, CS, 0);
    assert_int_equal(hv_bcm_systimer_read(&timer, 10, CS), 0xd);
    hv_bcm_systimer_update(&timer, 5); /* time does not run backwards */
    assert_int_equal(hv_bcm_systimer_read(&timer, 10, CS), 0xd);
    hv_bcm_systimer_reset(&timer, 20);
    assert_int_equal(hv_bcm_systimer_read(&timer, 20, CS), 0);
    assert_int_equal(hv_bcm_systimer_read(&timer, 20, C3), 0);
    assert_int_equal(hv_bcm_systimer_read(&timer, 20, C3 + 4U), 0);
}

/* ---- The local block: QA7, chapter 4 ----------------------------------------------------------------------------- */

static struct hv_bcm_local local;

static uint32_t irqs(unsigned core)
{
    uint32_t value = hv_bcm_local_read(&local, 0, 0x60U + 4U * core);

    assert_int_equal(value, hv_bcm_local_sources(&local, core, false));
    return value;
}

static uint32_t fiqs(unsigned core)
{
    uint32_t value = hv_bcm_local_read(&local, 0, 0x70U + 4U * core);

    assert_int_equal(value, hv_bcm_local_sources(&local, core, true));
    return value;
}

static void a_cores_timers_come_as_their_control_says(void **state)
{
    (void)state;
    for (unsigned control = 0; control < 256U; control++) {
        for (unsigned core = 0; core < 4U; core++) {
            hv_bcm_local_reset(&local);
            local.timers[core] = HV_BCM_LOCAL_CNTP | HV_BCM_LOCAL_CNTV;
            hv_bcm_local_write(&local, 0, 0x40U + 4U * core, 0xffffff00U | control);
            assert_int_equal(hv_bcm_local_read(&local, 0, 0x40U + 4U * core), control);
            /* FIQ "overrides the IRQ bit". */
            assert_int_equal(fiqs(core), control >> 4 & 0xaU);
            assert_int_equal(irqs(core), control & ~(control >> 4) & 0xaU);
            assert_int_equal(irqs((core + 1U) % 4U) | fiqs((core + 1U) % 4U), 0);
            local.timers[core] = 0;
            assert_int_equal(irqs(core) | fiqs(core), 0);
        }
    }
}

static void sixteen_mailboxes_hold_what_was_set_until_it_is_cleared(void **state)
{
    (void)state;
    for (unsigned m = 0; m < 16U; m++) {
        unsigned core = m / 4U;

        hv_bcm_local_reset(&local);
        hv_bcm_local_write(&local, 0, 0x80U + 4U * m, 0x5);
        hv_bcm_local_write(&local, 0, 0x80U + 4U * m, 0xa0);
        assert_int_equal(hv_bcm_local_read(&local, 0, 0x80U + 4U * m), 0);
        for (unsigned other = 0; other < 16U; other++) {
            assert_int_equal(hv_bcm_local_read(&local, 0, 0xc0U + 4U * other), other == m ? 0xa5U : 0U);
        }
        assert_int_equal(irqs(core), 0);
        hv_bcm_local_write(&local, 0, 0x50U + 4U * core, 1U << (m % 4U));
        assert_int_equal(irqs(core), 0x10U << (m % 4U));
        hv_bcm_local_write(&local, 0, 0x50U + 4U * core, 0x11U << (m % 4U));
        assert_int_equal(irqs(core), 0);
        assert_int_equal(fiqs(core), 0x10U << (m % 4U));
        hv_bcm_local_write(&local, 0, 0xc0U + 4U * m, 0xa1);
        assert_int_equal(hv_bcm_local_read(&local, 0, 0xc0U + 4U * m), 0x4);
        assert_int_equal(fiqs(core), 0x10U << (m % 4U));
        hv_bcm_local_write(&local, 0, 0xc0U + 4U * m, 0xff);
        assert_int_equal(fiqs(core), 0);
    }
}

static void the_gpu_interrupts_one_core_as_irq_and_one_as_fiq(void **state)
{
    (void)state;
    for (unsigned routing = 0; routing < 16U; routing++) {
        hv_bcm_local_reset(&local);
        local.gpu_irq = true;
        local.gpu_fiq = true;
        hv_bcm_local_write(&local, 0, 0x0c, routing | 0xf0U);
        assert_int_equal(hv_bcm_local_read(&local, 0, 0x0c), routing);
        for (unsigned core = 0; core < 4U; core++) {
            assert_int_equal(irqs(core), (routing & 3U) == core ? 0x100U : 0U);
            assert_int_equal(fiqs(core), (routing >> 2) == core ? 0x100U : 0U);
        }
    }
}

static void the_local_timer_counts_down_and_again(void **state)
{
    (void)state;
    for (unsigned to = 0; to < 8U; to++) {
        hv_bcm_local_reset(&local);
        hv_bcm_local_write(&local, 0, 0x24, to);
        hv_bcm_local_write(&local, 1000, 0x34, 1U << 28 | 100U);
        assert_true(hv_bcm_local_deadline(&local) == UINT64_MAX); /* nobody listens */
        hv_bcm_local_write(&local, 1010, 0x34, 3U << 28 | 100U);
        assert_int_equal(hv_bcm_local_deadline(&local), 1100);
        hv_bcm_local_update(&local, 1099);
        assert_int_equal(hv_bcm_local_read(&local, 0, 0x34), 3U << 28 | 100U);
        hv_bcm_local_update(&local, 1350);
        assert_int_equal(hv_bcm_local_read(&local, 0, 0x34), 0xb0000064U);
        for (unsigned core = 0; core < 4U; core++) {
            assert_int_equal(irqs(core), to == core ? 0x800U : 0U);
            assert_int_equal(fiqs(core), to == core + 4U ? 0x800U : 0U);
        }
        assert_true(hv_bcm_local_deadline(&local) == UINT64_MAX);
        hv_bcm_local_write(&local, 1350, 0x38, 1U << 31);
        assert_int_equal(irqs(to % 4U) | fiqs(to % 4U), 0);
        assert_int_equal(hv_bcm_local_deadline(&local), 1400);
        hv_bcm_local_write(&local, 1360, 0x38, 1U << 30);
        assert_int_equal(hv_bcm_local_deadline(&local), 1460);
        assert_int_equal(hv_bcm_local_read(&local, 0, 0x38), 0);
    }
}

static void a_local_timer_of_nothing_is_one_of_one(void **state)
{
    (void)state;
    hv_bcm_local_reset(&local);
    hv_bcm_local_write(&local, 10, 0x34, 3U << 28);
    assert_int_equal(hv_bcm_local_deadline(&local), 11);
    hv_bcm_local_update(&local, UINT64_C(1) << 40);
    hv_bcm_local_write(&local, UINT64_C(1) << 40, 0x38, 1U << 31);
    assert_true(hv_bcm_local_deadline(&local) == (UINT64_C(1) << 40) + 1U);
}

/** Bits that a write of ones leaves, per register; what is not here is read-only or not there. */
static void the_other_registers_are_storage_of_the_bits_that_exist(void **state)
{
    static const struct {
        unsigned offset;
        uint32_t bits;
    } kept[] = {{0x00, 0x300},      {0x08, UINT32_MAX}, {0x0c, 0xf},  {0x10, 0xff}, {0x24, 7},
                {0x34, 0x3fffffff}, {0x40, 0xff},       {0x44, 0xff}, {0x48, 0xff}, {0x4c, 0xff},
                {0x50, 0xff},       {0x54, 0xff},       {0x58, 0xff}, {0x5c, 0xff}};

    (void)state;
    for (unsigned offset = 0; offset < 0x80U; offset += 4U) {
        uint32_t wanted = 0;

        for (size_t i = 0; i < ASH_ARRAY_SIZE(kept); i++) {
            wanted = kept[i].offset == offset ? kept[i].bits : wanted;
        }
        hv_bcm_local_reset(&local);
        assert_int_equal(hv_bcm_local_read(&local, 0, offset), 0);
        hv_bcm_local_write(&local, 0, offset, UINT32_MAX);
        assert_int_equal(hv_bcm_local_read(&local, 0, offset), wanted);
    }
    hv_bcm_local_write(&local, 0, 0x10, 0xff);
    hv_bcm_local_write(&local, 0, 0x14, 0xf);
    assert_int_equal(hv_bcm_local_read(&local, 0, 0x10), 0xf0);
    assert_int_equal(hv_bcm_local_read(&local, UINT64_C(0x123456789abc), 0x1c), 0x56789abc);
    assert_int_equal(hv_bcm_local_read(&local, UINT64_C(0x123456789abc), 0x20), 0x1234);
    for (uint64_t offset = 0x100; offset < 0x1000U; offset += 4U) {
        hv_bcm_local_write(&local, 0, offset, UINT32_MAX);
        assert_int_equal(hv_bcm_local_read(&local, 0, offset), 0);
    }
    for (uint64_t offset = 0; offset < 0x100U; offset += 4U) {
        bool is_source = offset >= 0x60U && offset < 0x80U;

        assert_int_equal(hv_bcm_local_source_core(offset), is_source ? offset / 4U % 4U : 4U);
    }
}

/* ---- The mini-UART: 2.2 and its errata --------------------------------------------------------------------------- */

enum {
    AIRQ = 0,
    ENB = 4,
    IO = 0x40,
    IER = 0x44,
    IIR = 0x48,
    LCR = 0x4c,
    MCR = 0x50,
    LSR = 0x54,
    MSR = 0x58,
    SCRATCH = 0x5c,
    CNTL = 0x60,
    STAT = 0x64,
    BAUD = 0x68
};

static struct hv_bcm_aux aux;

static int aux_write(uint64_t offset, uint32_t value)
{
    int sent = 77;

    assert_int_equal(hv_bcm_aux_write(&aux, offset, value, &sent), ASH_OK);
    return sent;
}

static void a_byte_written_is_sent_unless_the_divisor_is_there(void **state)
{
    (void)state;
    hv_bcm_aux_reset(&aux);
    assert_int_equal(aux_write(IO, 0x141), 0x41);
    assert_int_equal(aux_write(LCR, 0x83), -1);
    assert_int_equal(aux_write(IO, 0x0e), -1);
    assert_int_equal(aux_write(IER, 0x01), -1);
    assert_int_equal(hv_bcm_aux_read(&aux, BAUD), 0x10e);
    assert_int_equal(hv_bcm_aux_read(&aux, IO), 0x0e);
    assert_int_equal(hv_bcm_aux_read(&aux, IER), 0x01);
    assert_int_equal(aux_write(LCR, 0x03), -1);
    assert_int_equal(hv_bcm_aux_read(&aux, IER), 0);
    assert_int_equal(aux_write(IO, 0), 0);
}

static void what_arrives_is_read_in_order_and_no_more_than_fits(void **state)
{
    (void)state;
    hv_bcm_aux_reset(&aux);
    assert_int_equal(hv_bcm_aux_read(&aux, IO), 0);
    for (unsigned round = 0; round < 5U; round++) {
        for (unsigned i = 0; i < HV_BCM_AUX_FIFO; i++) {
            assert_int_equal(hv_bcm_aux_space(&aux), HV_BCM_AUX_FIFO - i);
            assert_true(hv_bcm_aux_receive(&aux, (uint8_t)(16U * round + i)));
        }
        assert_false(hv_bcm_aux_receive(&aux, 0xff));
        assert_int_equal(hv_bcm_aux_read(&aux, STAT) >> 16 & 0xfU, 8);
        for (unsigned i = 0; i < HV_BCM_AUX_FIFO - 3U; i++) {
            assert_int_equal(hv_bcm_aux_read(&aux, LSR), 0x61);
            assert_int_equal(hv_bcm_aux_read(&aux, IO), 16U * round + i);
        }
        aux_write(IIR, 0xc6); /* empties it */
        assert_int_equal(hv_bcm_aux_read(&aux, LSR), 0x60);
        assert_int_equal(hv_bcm_aux_read(&aux, STAT) & 1U, 0);
    }
    aux_write(CNTL, 2);
    assert_false(hv_bcm_aux_receive(&aux, 1));
    assert_int_equal(hv_bcm_aux_space(&aux), 0);
}

static void receive_counts_more_than_transmit_and_nothing_asks_unasked(void **state)
{
    (void)state;
    hv_bcm_aux_reset(&aux);
    assert_true(hv_bcm_aux_receive(&aux, 'x'));
    assert_false(hv_bcm_aux_irq(&aux));
    assert_int_equal(hv_bcm_aux_read(&aux, IIR), 0xc1);
    aux_write(IER, 2);
    assert_true(hv_bcm_aux_irq(&aux));
    assert_int_equal(hv_bcm_aux_read(&aux, IIR), 0xc2);
    assert_int_equal(hv_bcm_aux_read(&aux, AIRQ), 1);
    aux_write(IER, 3);
    assert_int_equal(hv_bcm_aux_read(&aux, IIR), 0xc4);
    aux_write(IER, 1);
    assert_int_equal(hv_bcm_aux_read(&aux, IIR), 0xc4);
    assert_int_equal(hv_bcm_aux_read(&aux, IO), 'x');
    assert_false(hv_bcm_aux_irq(&aux));
    assert_int_equal(hv_bcm_aux_read(&aux, AIRQ), 0);
}

static void without_room_nothing_is_sent_and_nothing_is_lost(void **state)
{
    int sent = 0;

    (void)state;
    hv_bcm_aux_reset(&aux);
    aux_write(IER, 2);
    hv_bcm_aux_set_room(&aux, false);
    assert_false(hv_bcm_aux_irq(&aux));
    assert_int_equal(hv_bcm_aux_read(&aux, LSR), 0);
    assert_int_equal(hv_bcm_aux_read(&aux, STAT), 0x080000a4U);
    assert_int_equal(hv_bcm_aux_write(&aux, IO, 'x', &sent), ASH_EBUSY);
    assert_int_equal(sent, -1);
    hv_bcm_aux_set_room(&aux, true);
    assert_true(hv_bcm_aux_irq(&aux));
    assert_int_equal(hv_bcm_aux_read(&aux, STAT), 0x38e);
    assert_int_equal(aux_write(IO, 'x'), 'x');
}

static void the_auxiliary_registers_keep_the_bits_that_exist(void **state)
{
    static const struct {
        unsigned offset;
        uint32_t reset, ones;
    } regs[] = {{ENB, 0, 7},        {IER, 0, 0xf},     {LCR, 0, 0xc3},    {MCR, 0, 2},
                {SCRATCH, 0, 0xff}, {CNTL, 3, 0xff},   {BAUD, 0, 0xffff}, {MSR, 0x20, 0x20},
                {LSR, 0x60, 0x60},  {IIR, 0xc1, 0xc1}, {AIRQ, 0, 0}};

    (void)state;
    for (uint64_t offset = 0; offset < 0x200U; offset++) {
        uint32_t reset = 0, ones = 0;

        if (offset == IO || offset == STAT) {
            continue;
        }
        for (size_t i = 0; i < ASH_ARRAY_SIZE(regs); i++) {
            reset = regs[i].offset == offset ? regs[i].reset : reset;
            ones = regs[i].offset == offset ? regs[i].ones : ones;
        }
        hv_bcm_aux_reset(&aux);
        assert_int_equal(hv_bcm_aux_read(&aux, offset), reset);
        assert_int_equal(aux_write(offset, UINT32_MAX), -1);
        if (offset == LCR) { /* with DLAB: the others are the divisor */
            assert_int_equal(hv_bcm_aux_read(&aux, LCR), ones);
        } else {
            assert_int_equal(hv_bcm_aux_read(&aux, offset), ones);
        }
    }
}

/* ---- GPIO: 6.1 --------------------------------------------------------------------------------------------------- */

static struct hv_bcm_gpio gpio;

static void an_output_shows_what_was_set_and_an_input_is_low(void **state)
{
    (void)state;
    for (unsigned pin = 0; pin < 54U; pin++) {
        unsigned bank = pin / 32U;
        uint32_t bit = 1U << (pin % 32U);

        hv_bcm_gpio_reset(&gpio);
        hv_bcm_gpio_write(&gpio, 0x1c + 4U * bank, bit);
        assert_int_equal(hv_bcm_gpio_read(&gpio, 0x34 + 4U * bank), 0);
        hv_bcm_gpio_write(&gpio, 4U * (pin / 10U), 1U << (3U * (pin % 10U)));
        assert_int_equal(hv_bcm_gpio_read(&gpio, 0x34 + 4U * bank), bit);
        assert_int_equal(hv_bcm_gpio_read(&gpio, 0x38 - 4U * bank), 0);
        hv_bcm_gpio_write(&gpio, 0x28 + 4U * bank, ~bit);
        assert_int_equal(hv_bcm_gpio_read(&gpio, 0x34 + 4U * bank), bit);
        hv_bcm_gpio_write(&gpio, 0x28 + 4U * bank, bit);
        assert_int_equal(hv_bcm_gpio_read(&gpio, 0x34 + 4U * bank), 0);
        hv_bcm_gpio_write(&gpio, 0x1c + 4U * bank, bit);
        hv_bcm_gpio_write(&gpio, 4U * (pin / 10U), 4U << (3U * (pin % 10U)));
        assert_int_equal(hv_bcm_gpio_read(&gpio, 0x34 + 4U * bank), 0);
    }
}

static void functions_pulls_and_enables_read_back(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset < 0x1000U; offset += 4U) {
        uint32_t wanted = 0;

        hv_bcm_gpio_reset(&gpio);
        hv_bcm_gpio_write(&gpio, offset, UINT32_MAX);
        if (offset < 0x18U) {
            wanted = offset < 0x14U ? 0x3fffffffU : 0xfffU;
        } else if (offset == 0x94U) {
            wanted = 3;
        } else if (offset == 0x98U || offset == 0x9cU) {
            wanted = offset == 0x98U ? UINT32_MAX : 0x3fffffU;
        } else if (offset >= 0x4cU && offset < 0x90U && (offset - 0x4cU) % 12U != 8U) {
            wanted = (offset - 0x4cU) % 12U == 0U ? UINT32_MAX : 0x3fffffU;
        }
        assert_int_equal(hv_bcm_gpio_read(&gpio, offset), wanted);
    }
}

/* ---- Power management -------------------------------------------------------------------------------------------- */

enum { RSTC = 0x1c, RSTS = 0x20, WDOG = 0x24 };
#define PASSWORD 0x5a000000U

static struct hv_bcm_pm pm;

static void nothing_is_written_without_the_password(void **state)
{
    struct hv_bcm_pm before;

    (void)state;
    hv_bcm_pm_reset(&pm, 100);
    before = pm;
    for (uint32_t first = 0; first < 256U; first++) {
        if (first != PASSWORD >> 24) {
            for (uint64_t offset = 0; offset < 0x100U; offset += 4U) {
                hv_bcm_pm_write(&pm, 100, offset, first << 24 | 0xffffffU);
            }
        }
    }
    assert_memory_equal(&pm, &before, sizeof(pm));
    assert_int_equal(hv_bcm_pm_read(&pm, 100, RSTC), 0x102);
    assert_int_equal(hv_bcm_pm_read(&pm, 100, RSTS), 0x1000);
    assert_int_equal(hv_bcm_pm_read(&pm, 100, WDOG), 0);
    assert_int_equal(hv_bcm_pm_read(&pm, 100, 0), 0);
}

static void the_watchdog_resets_at_its_tick_and_not_before(void **state)
{
    (void)state;
    hv_bcm_pm_reset(&pm, 100);
    hv_bcm_pm_write(&pm, 100, WDOG, PASSWORD | 50U);
    assert_true(hv_bcm_pm_deadline(&pm) == UINT64_MAX);
    hv_bcm_pm_write(&pm, 110, RSTC, PASSWORD | 0x20U);
    assert_int_equal(hv_bcm_pm_deadline(&pm), 150);
    assert_int_equal(hv_bcm_pm_read(&pm, 110, WDOG), 40);
    hv_bcm_pm_update(&pm, 149);
    assert_int_equal(pm.power, HV_BCM_POWER_ON);
    hv_bcm_pm_write(&pm, 149, WDOG, PASSWORD | 0xfffffU); /* fed */
    hv_bcm_pm_update(&pm, 149U + 0xffffeU);
    assert_int_equal(pm.power, HV_BCM_POWER_ON);
    hv_bcm_pm_skip(&pm, 7);
    hv_bcm_pm_update(&pm, 149U + 0xfffffU + 6U);
    assert_int_equal(pm.power, HV_BCM_POWER_ON);
    hv_bcm_pm_write(&pm, 149U + 0xfffffU, RSTC, PASSWORD | 0x102U); /* off again */
    hv_bcm_pm_update(&pm, UINT64_MAX);
    assert_int_equal(pm.power, HV_BCM_POWER_ON);
    hv_bcm_pm_write(&pm, 149U + 0xfffffU, RSTC, PASSWORD | 0x20U);
    hv_bcm_pm_update(&pm, 149U + 0xfffffU + 7U);
    assert_int_equal(pm.power, HV_BCM_POWER_RESET);
    assert_true(hv_bcm_pm_deadline(&pm) == UINT64_MAX);
}

static void partition_63_is_to_halt(void **state)
{
    (void)state;
    hv_bcm_pm_reset(&pm, 0);
    hv_bcm_pm_write(&pm, 0, RSTS, PASSWORD | 0x555U);
    assert_int_equal(hv_bcm_pm_read(&pm, 0, RSTS), 0x555);
    hv_bcm_pm_write(&pm, 0, RSTC, PASSWORD | 0x20U); /* the watchdog does not count: at once */
    hv_bcm_pm_update(&pm, 0);
    assert_int_equal(pm.power, HV_BCM_POWER_HALT);
    hv_bcm_pm_write(&pm, 0, RSTS, PASSWORD);
    hv_bcm_pm_update(&pm, 10);
    assert_int_equal(pm.power, HV_BCM_POWER_HALT); /* too late */
}

static void random_numbers_come_when_they_are_turned_on(void **state)
{
    struct hv_bcm_rng rng = {.runs = false};

    (void)state;
    assert_int_equal(hv_bcm_rng_read(&rng, 4, 99), 0);
    assert_int_equal(hv_bcm_rng_read(&rng, 8, 99), 0);
    hv_bcm_rng_write(&rng, 0, 1);
    assert_int_equal(hv_bcm_rng_read(&rng, 0, 99), 1);
    assert_int_equal(hv_bcm_rng_read(&rng, 4, 99) >> 24, 1);
    assert_int_equal(hv_bcm_rng_read(&rng, 8, 99), 99);
    hv_bcm_rng_write(&rng, 0x10, UINT32_MAX);
    assert_int_equal(hv_bcm_rng_read(&rng, 0x10, 99), 1);
    hv_bcm_rng_write(&rng, 0, 0);
    assert_int_equal(hv_bcm_rng_read(&rng, 8, 99), 0);
    assert_int_equal(hv_bcm_rng_read(&rng, 0x14, 99), 0);
    assert_true(hv_bcm_rng_is_data(8));
    assert_false(hv_bcm_rng_is_data(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_pending_that_is_not_enabled),
        cmocka_unit_test(enable_sets_and_disable_clears_single_bits),
        cmocka_unit_test(basic_pending_shows_shortcuts_and_whether_there_are_others),
        cmocka_unit_test(a_fiq_is_one_source_and_needs_no_enable),
        cmocka_unit_test(pending_registers_cannot_be_written_and_others_are_not_there),
        cmocka_unit_test(the_counter_is_the_time),
        cmocka_unit_test(matches_are_those_of_a_counter_that_compares_each_time),
        cmocka_unit_test(the_deadline_is_the_microsecond_of_the_match),
        cmocka_unit_test(a_match_stays_until_one_is_written_to_its_bit),
        cmocka_unit_test(a_cores_timers_come_as_their_control_says),
        cmocka_unit_test(sixteen_mailboxes_hold_what_was_set_until_it_is_cleared),
        cmocka_unit_test(the_gpu_interrupts_one_core_as_irq_and_one_as_fiq),
        cmocka_unit_test(the_local_timer_counts_down_and_again),
        cmocka_unit_test(a_local_timer_of_nothing_is_one_of_one),
        cmocka_unit_test(the_other_registers_are_storage_of_the_bits_that_exist),
        cmocka_unit_test(a_byte_written_is_sent_unless_the_divisor_is_there),
        cmocka_unit_test(what_arrives_is_read_in_order_and_no_more_than_fits),
        cmocka_unit_test(receive_counts_more_than_transmit_and_nothing_asks_unasked),
        cmocka_unit_test(without_room_nothing_is_sent_and_nothing_is_lost),
        cmocka_unit_test(the_auxiliary_registers_keep_the_bits_that_exist),
        cmocka_unit_test(an_output_shows_what_was_set_and_an_input_is_low),
        cmocka_unit_test(functions_pulls_and_enables_read_back),
        cmocka_unit_test(nothing_is_written_without_the_password),
        cmocka_unit_test(the_watchdog_resets_at_its_tick_and_not_before),
        cmocka_unit_test(partition_63_is_to_halt),
        cmocka_unit_test(random_numbers_come_when_they_are_turned_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
