/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated PL011 under a driver that does what Linux's does, and under one that does anything. */
#include "testkit/seed.h"
#include "vpl011_bench.h"

/* ---- A driver in the order of Linux's amba-pl011 ---- */

struct driver {
    uint32_t mask;
    unsigned fifo;
    const char *out;
    size_t out_size;
    size_t out_at;
    char in[256];
    size_t in_size;
};

static void driver_probe(struct bench *b, struct driver *d)
{
    uint32_t id = 0;
    uint32_t cell = 0;

    for (unsigned i = 0; i < 4U; i++) {
        id |= (rd(b, 0xfe0 + 4U * i) & 0xffU) << (8U * i);
        cell |= (rd(b, 0xff0 + 4U * i) & 0xffU) << (8U * i);
    }
    assert_int_equal(cell, 0xb105f00d);
    assert_int_equal(id & 0x000fffffU, 0x00041011); /* part and designer */
    d->fifo = (id >> 20 & 0xfU) < 3U ? 16 : 32;
    assert_int_equal(d->fifo, HV_VPL011_FIFO_SIZE);
}

static void driver_start(struct bench *b, struct driver *d)
{
    wr(b, IMSC, 0);
    wr(b, ICR, 0x7ff);
    wr(b, IFLS, 0x12); /* receive and transmit at half */
    wr(b, FBRD, 4);
    wr(b, IBRD, 39);
    wr(b, LCR_H, 0x70);
    wr(b, CR, UARTEN | TXE | RXE | RTS | 0x400U);
    wr(b, ECR, 0);
    wr(b, ICR, INT_RT | INT_RX);
    for (unsigned i = 0; i < 2U * d->fifo && (rd(b, FR) & RXFE) == 0U; i++) {
        (void)rd(b, DR);
    }
    d->mask = INT_RT | INT_RX;
    wr(b, IMSC, d->mask);
}

static void driver_stop_sending(struct bench *b, struct driver *d)
{
    d->mask &= ~(uint32_t)INT_TX;
    wr(b, IMSC, d->mask);
}

/** From the interrupt it fills half a FIFO blindly and waits to be called again: it never clears TX by UARTICR. */
static void driver_send(struct bench *b, struct driver *d)
{
    for (unsigned i = 0; i < d->fifo / 2U && d->out_at < d->out_size; i++) {
        wr(b, DR, (uint8_t)d->out[d->out_at++]);
    }
    if (d->out_at == d->out_size) {
        driver_stop_sending(b, d);
    }
}

static void driver_interrupt(struct bench *b, struct driver *d)
{
    uint32_t status = rd(b, RIS) & d->mask;

    for (unsigned passes = 0; status != 0U; passes++) {
        assert_true(passes < 256U); /* a status that never goes away hangs the guest */
        wr(b, ICR, status & ~(uint32_t)(INT_TX | INT_RT | INT_RX));
        if ((status & (INT_RT | INT_RX)) != 0U) {
            while ((rd(b, FR) & RXFE) == 0U) {
                uint32_t data = rd(b, DR);
                assert_int_equal(data & 0xf00U, 0);
                assert_true(d->in_size < sizeof(d->in));
                d->in[d->in_size++] = (char)data;
            }
        }
        if ((status & INT_TX) != 0U) {
            driver_send(b, d);
        }
        status = rd(b, RIS) & d->mask;
    }
}

static void the_linux_driver_sends_a_long_text_by_interrupts(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct driver d = {0};
    char text[1000];

    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(' ' + i % 90U);
    }
    driver_probe(b, &d);
    driver_start(b, &d);
    assert_false(b->line);
    d.out = text;
    d.out_size = sizeof(text);
    /* start_tx: prime the FIFO while there is room, which there always is, but let the interrupt do the rest. */
    wr(b, DR, (uint8_t)text[d.out_at++]);
    d.mask |= INT_TX;
    wr(b, IMSC, d.mask);
    while (b->line) {
        driver_interrupt(b, &d);
    }
    assert_int_equal(b->sent_size, sizeof(text));
    assert_memory_equal(b->sent, text, sizeof(text));
    assert_int_equal(d.mask, INT_RT | INT_RX);
}

static void the_linux_driver_receives_every_byte_typed(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct driver d = {0};
    unsigned typed = 0;

    driver_probe(b, &d);
    driver_start(b, &d);
    while (typed < 200U) {
        unsigned burst = 1U + typed % 40U;
        while (burst-- > 0U && typed < 200U && hv_vpl011_receive(&b->uart, (uint8_t)('a' + typed % 26U))) {
            typed++;
        }
        assert_true(b->line); /* one byte or many: the driver is called */
        driver_interrupt(b, &d);
        assert_false(b->line);
    }
    assert_int_equal(d.in_size, 200);
    for (unsigned i = 0; i < 200U; i++) {
        assert_int_equal(d.in[i], 'a' + i % 26U);
    }
}

static void the_linux_driver_shuts_down_and_opens_again(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct driver d = {0};

    driver_probe(b, &d);
    for (unsigned round = 0; round < 3U; round++) {
        driver_start(b, &d);
        assert_int_equal(feed(b, 3), 3);
        driver_interrupt(b, &d);
        wr(b, IMSC, 0);
        wr(b, ICR, 0xffff);
        wr(b, CR, (rd(b, CR) & (RTS | 0x400U)) | UARTEN | TXE);
        wr(b, LCR_H, rd(b, LCR_H) & ~(uint32_t)(1U | FEN));
        assert_int_equal(feed(b, 1), 0);
        wr(b, DR, '.'); /* a console on the same port still prints */
    }
    assert_int_equal(d.in_size, 9);
    assert_int_equal(b->sent_size, 3);
    assert_false(b->line);
}

/* ---- A hostile guest ---- */

static void check_invariants(struct bench *b)
{
    uint32_t fr = rd(b, FR);
    uint32_t ris = rd(b, RIS);

    assert_true(b->uart.head < HV_VPL011_FIFO_SIZE);
    assert_true(b->uart.count <= ((rd(b, LCR_H) & FEN) != 0U ? HV_VPL011_FIFO_SIZE : 1U));
    assert_int_equal((fr & RXFE) != 0U, b->uart.count == 0U);
    assert_int_equal(fr & (TXFE | TXFF | BUSY), TXFE);
    assert_int_equal(ris & ~0x7ffU, 0);
    assert_int_equal(rd(b, MIS), ris & rd(b, IMSC));
    assert_int_equal(b->line, rd(b, MIS) != 0U);
    assert_int_equal(rd(b, IMSC) & ~0x7ffU, 0);
    if (b->uart.count == 0U) {
        assert_int_equal(ris & (INT_RX | INT_RT), 0);
    }
}

static void random_accesses_never_break_an_invariant(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct test_rng rng;
    unsigned overruns = 0;
    unsigned full = 0;
    unsigned raised = 0;

    (void)test_rng_init(&rng, "vpl011");
    for (unsigned i = 0; i < 200000U; i++) {
        uint64_t random = test_rng_next(&rng);
        uint64_t value = test_rng_next(&rng) >> test_rng_below(&rng, 64);
        uint64_t offset = (random & 15U) == 0U ? test_rng_next(&rng) >> test_rng_below(&rng, 64)
                                               : test_rng_below(&rng, 20) * 4U;
        bool is_write = (random & 16U) != 0U;

        b->sent_size = 0;
        /* Modes stay for a while, as they must for a FIFO to fill. */
        if (is_write && (offset == CR || offset == LCR_H) && test_rng_below(&rng, 40) != 0U) {
            offset = DR;
        }
        if (!is_write && offset == DR && (i & 0x400U) != 0U) {
            offset = FR;
        }
        if ((random & 32U) != 0U) {
            (void)hv_vpl011_receive(&b->uart, (uint8_t)random);
        } else {
            unsigned size = (random & 0x3c0U) == 0U ? (unsigned)test_rng_below(&rng, 17) : 4U;
            assert_int_equal(hv_vpl011_access(&b->uart, offset, size, is_write, &value), ASH_OK);
        }
        check_invariants(b);
        overruns += (rd(b, RIS) & INT_OE) != 0U ? 1U : 0U;
        full += b->uart.count == HV_VPL011_FIFO_SIZE ? 1U : 0U;
        raised += b->line ? 1U : 0U;
    }
    assert_true(overruns > 0U && full > 0U && raised > 0U && b->changes > 10U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_linux_driver_sends_a_long_text_by_interrupts, set_up),
        cmocka_unit_test_setup(the_linux_driver_receives_every_byte_typed, set_up),
        cmocka_unit_test_setup(the_linux_driver_shuts_down_and_opens_again, set_up),
        cmocka_unit_test_setup(random_accesses_never_break_an_invariant, set_up),
    };

    return cmocka_run_group_tests_name("vpl011_driver", tests, NULL, NULL);
}
