/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated PL011 against Arm DDI 0183: what a driver sees, offset by offset. */
#include "vpl011_bench.h"

/* ---- Registers ---- */

/** What a register reads out of reset, and which bits it keeps: tables 3-1 and following, by hand. */
static const struct {
    uint64_t offset;
    uint32_t reset;
    uint32_t writable;
} table[] = {
    {ECR, 0, 0},      {FR, 0x97, 0},       {ILPR, 0, 0xff},    {IBRD, 0, 0xffff},      {FBRD, 0, 0x3f},
    {LCR_H, 0, 0xff}, {CR, 0x300, 0xff87}, {IFLS, 0x12, 0x3f}, {IMSC, 0, 0x7ff},       {RIS, 0, 0},
    {MIS, 0, 0},      {ICR, 0, 0},         {DMACR, 0, 0x7},    {0x008, 0, 0},          {0x014, 0, 0},
    {0x01c, 0, 0},    {0x04c, 0, 0},       {0x080, 0, 0},      {0xfdc, 0, 0},          {0xfe0, 0x11, 0},
    {0xfe4, 0x10, 0}, {0xfe8, 0x34, 0},    {0xfec, 0x00, 0},   {0xff0, 0x0d, 0},       {0xff4, 0xf0, 0},
    {0xff8, 0x05, 0}, {0xffc, 0xb1, 0},    {0x1000, 0, 0},     {0xfe0 + 0x1000, 0, 0}, {UINT64_MAX - 3, 0, 0},
};

static void every_register_reads_its_reset_value(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, table[i].offset), table[i].reset);
    }
    assert_int_equal(rd(b, DR), 0);
    assert_int_equal(b->changes, 0);
}

static void every_register_keeps_the_bits_that_exist_and_no_others(void **state)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, table[i].offset, UINT32_MAX);
        if (table[i].writable != 0U) {
            assert_int_equal(rd(b, table[i].offset), table[i].writable);
            wr(b, table[i].offset, 0);
            assert_int_equal(rd(b, table[i].offset), 0);
        } else {
            assert_int_equal(rd(b, table[i].offset), table[i].reset);
        }
        assert_int_equal(b->sent_size, 0);
    }
}

static void narrow_reads_see_the_low_bits(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IBRD, 0x1234);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        uint64_t value = UINT64_MAX;
        uint32_t word = rd(b, table[i].offset);

        hv_vpl011_access(&b->uart, table[i].offset, 1, false, &value);
        assert_int_equal(value, word & 0xffU);
        value = UINT64_MAX;
        hv_vpl011_access(&b->uart, table[i].offset, 2, false, &value);
        assert_int_equal(value, word & 0xffffU);
    }
}

static void narrow_writes_are_zero_extended(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t value = 0xffffffffffff1234;

    wr(b, IBRD, 0xffff);
    hv_vpl011_access(&b->uart, IBRD, 1, true, &value);
    assert_int_equal(rd(b, IBRD), 0x34);
    hv_vpl011_access(&b->uart, IBRD, 2, true, &value);
    assert_int_equal(rd(b, IBRD), 0x1234);
    hv_vpl011_access(&b->uart, DR, 1, true, &value);
    hv_vpl011_access(&b->uart, DR, 2, true, &value);
    hv_vpl011_access(&b->uart, DR, 4, true, &value);
    assert_int_equal(b->sent_size, 3);
    assert_memory_equal(b->sent, "444", 3);
}

static void odd_widths_and_lanes_read_zero_and_write_nothing(void **state)
{
    struct bench *b = (struct bench *)*state;
    static const unsigned sizes[] = {0, 1, 2, 3, 4, 5, 8, 16, 64, UINT32_MAX};

    wr(b, IBRD, 0xffff);
    assert_int_equal(feed(b, 1), 1);
    for (uint64_t offset = 0; offset < 0x1010U; offset++) {
        for (size_t i = 0; i < ASH_ARRAY_SIZE(sizes); i++) {
            struct bench before = *b;
            uint64_t value = UINT64_MAX;

            if (offset % 4U == 0U && (sizes[i] == 1U || sizes[i] == 2U || sizes[i] == 4U)) {
                continue;
            }
            assert_int_equal(hv_vpl011_access(&b->uart, offset, sizes[i], false, &value), ASH_OK);
            assert_int_equal(value, 0);
            value = UINT64_MAX;
            assert_int_equal(hv_vpl011_access(&b->uart, offset, sizes[i], true, &value), ASH_OK);
            assert_memory_equal(b, &before, sizeof(before));
        }
    }
}

/* ---- Sending ---- */

static void a_byte_is_sent_at_once_and_there_is_always_room(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (unsigned i = 0; i < 1000U; i++) {
        wr(b, DR, 0xf00U | (i & 0xffU));
        assert_int_equal(rd(b, FR) & (TXFE | TXFF | BUSY), TXFE);
        assert_int_equal((uint8_t)b->sent[i], i & 0xffU);
    }
    assert_int_equal(b->sent_size, 1000);
}

static void a_guest_without_firmware_can_send_before_it_sets_anything_up(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, CR, 0);
    wr(b, DR, 'x');
    assert_int_equal(b->sent_size, 1);
}

static void enabling_the_transmit_interrupt_does_not_assert_it(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, CR, UARTEN | TXE | RXE);
    wr(b, LCR_H, 0x70);
    wr(b, IMSC, INT_TX);
    assert_int_equal(rd(b, RIS), 0);
    assert_false(b->line);
}

static void a_sent_byte_asserts_the_transmit_interrupt_until_it_is_cleared(void **state)
{
    for (unsigned fen = 0; fen <= FEN; fen += FEN) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, LCR_H, 0x60U | fen);
        wr(b, IMSC, INT_TX);
        wr(b, DR, 'x');
        assert_int_equal(rd(b, RIS), INT_TX);
        assert_int_equal(rd(b, MIS), INT_TX);
        assert_true(b->line);
        wr(b, ICR, INT_TX);
        assert_int_equal(rd(b, RIS), 0);
        assert_false(b->line);
        wr(b, DR, 'y');
        assert_true(b->line);
        wr(b, IMSC, 0);
        assert_int_equal(rd(b, RIS), INT_TX);
        assert_int_equal(rd(b, MIS), 0);
        assert_false(b->line);
    }
}

/* ---- Receiving ---- */

static void without_fifos_there_is_room_for_one_byte(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, IMSC, INT_RX | INT_RT);
    assert_int_equal(hv_vpl011_space(&b->uart), 1);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFE);
    assert_int_equal(feed(b, 2), 1);
    assert_int_equal(hv_vpl011_space(&b->uart), 0);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFF);
    assert_int_equal(rd(b, MIS), INT_RX);
    assert_true(b->line);
    assert_int_equal(rd(b, DR), 'a');
    assert_int_equal(rd(b, RIS), 0);
    assert_false(b->line);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFE);
}

static void with_fifos_there_is_room_for_32_bytes_in_order(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    for (unsigned round = 0; round < 3U; round++) {
        assert_int_equal(feed(b, 100), 32);
        assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFF);
        assert_int_equal(hv_vpl011_space(&b->uart), 0);
        for (unsigned i = 0; i < 32U; i++) {
            assert_int_equal(rd(b, FR) & RXFE, 0);
            assert_int_equal(rd(b, DR), 'a' + i % 26U);
            assert_int_equal(rd(b, FR) & RXFF, 0);
        }
        assert_int_equal(rd(b, FR) & RXFE, RXFE);
        assert_int_equal(rd(b, DR), 0);
        assert_int_equal(rd(b, ECR), 0);
    }
}

static void the_host_cannot_overrun_the_fifo(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    (void)feed(b, 32);
    assert_false(hv_vpl011_receive(&b->uart, 'x'));
    assert_int_equal(rd(b, RIS) & INT_OE, 0);
    assert_int_equal(rd(b, ECR), 0);
}

/** RX and RT by trigger level and fill: 2.8.2, 3.3.9. */
static void the_receive_interrupts_follow_the_trigger_level(void **state)
{
    static const unsigned levels[8] = {4, 8, 16, 24, 28, 28, 28, 28};

    for (unsigned ifls = 0; ifls < 8U; ifls++) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, LCR_H, FEN);
        wr(b, IFLS, ifls << 3);
        for (unsigned n = 1; n <= 32U; n++) {
            assert_int_equal(feed(b, 1), 1);
            /* A timeout that has once passed stays; below the level it has always passed. */
            assert_int_equal(rd(b, RIS), n >= levels[ifls] ? INT_RX | INT_RT : INT_RT);
        }
        for (unsigned n = 31; n > 0U; n--) {
            (void)rd(b, DR);
            assert_int_equal(rd(b, RIS), n >= levels[ifls] ? INT_RX | INT_RT : INT_RT);
        }
        (void)rd(b, DR);
        assert_int_equal(rd(b, RIS), 0);
    }
}

static void data_left_below_the_level_times_out_again_after_a_clear(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    wr(b, IMSC, INT_RT);
    (void)feed(b, 3);
    wr(b, ICR, INT_RT);
    assert_false(b->line);
    (void)rd(b, DR);
    assert_true(b->line); /* two are left: the driver hears of them */
}

static void a_receiver_that_is_off_leaves_the_bytes_with_the_host(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, CR, UARTEN | TXE);
    assert_int_equal(hv_vpl011_space(&b->uart), 0);
    assert_int_equal(feed(b, 1), 0);
    wr(b, CR, UARTEN | TXE | RXE);
    assert_int_equal(feed(b, 1), 1);
    assert_int_equal(rd(b, DR), 'a');
}

static void turning_the_fifos_on_or_off_empties_them(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    wr(b, IMSC, INT_RX | INT_RT);
    (void)feed(b, 20);
    wr(b, LCR_H, FEN | 0x60); /* FEN as before: nothing is lost */
    assert_int_equal(hv_vpl011_space(&b->uart), 12);
    wr(b, LCR_H, 0x60);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFE);
    assert_int_equal(rd(b, RIS), 0);
    assert_false(b->line);
    assert_int_equal(hv_vpl011_space(&b->uart), 1);
}

static void a_word_behind_the_registers_is_not_the_data_register(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    (void)feed(b, 2);
    for (uint64_t offset = 0x4c; offset < 0x2000U; offset += 4U) {
        (void)rd(b, offset);
        wr(b, offset, 'x');
    }
    assert_int_equal(b->sent_size, 0);
    assert_int_equal(rd(b, DR), 'a');
    assert_int_equal(rd(b, DR), 'b');
}

/* ---- Loopback: 3.3.8 ---- */

static void loopback_brings_sent_bytes_back_and_nothing_out(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    wr(b, CR, UARTEN | TXE | RXE | LBE);
    wr(b, DR, 'x');
    assert_int_equal(b->sent_size, 0);
    assert_int_equal(hv_vpl011_space(&b->uart), 0); /* the wire is not connected */
    assert_int_equal(feed(b, 1), 0);
    assert_int_equal(rd(b, DR), 'x');
    wr(b, CR, UARTEN | TXE | LBE); /* receiver off: gone */
    wr(b, DR, 'y');
    assert_int_equal(rd(b, FR) & RXFE, RXFE);
}

static void an_overrun_in_loopback_is_told_and_travels_with_the_next_byte(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    wr(b, CR, UARTEN | TXE | RXE | LBE);
    wr(b, IMSC, INT_OE);
    for (unsigned i = 0; i < 32U; i++) {
        wr(b, DR, i);
    }
    assert_int_equal(rd(b, RIS) & INT_OE, 0);
    wr(b, DR, 0xee); /* lost */
    assert_true(b->line);
    assert_int_equal(rd(b, ECR), 8);
    wr(b, ICR, INT_OE);
    assert_false(b->line);
    assert_int_equal(rd(b, DR), 0);
    wr(b, DR, 0x55);
    for (unsigned i = 1; i < 32U; i++) {
        assert_int_equal(rd(b, DR), i);
    }
    assert_int_equal(rd(b, DR), 0x855);
    wr(b, ECR, 0);
    assert_int_equal(rd(b, ECR), 0);
    wr(b, DR, 0x56);
    assert_int_equal(rd(b, DR), 0x56);
    for (unsigned i = 0; i < 33U; i++) {
        wr(b, DR, i);
    }
    wr(b, LCR_H, 0); /* emptied: nothing is left to tell */
    wr(b, DR, 0x57);
    assert_int_equal(rd(b, DR), 0x57);
}

static void loopback_connects_the_modem_lines(void **state)
{
    static const struct {
        uint32_t cr, fr, changed; /* changed: against the cable's CTS, DSR, DCD */
    } rows[] = {
        {0, 0x000, 0x00e},      {0x400, 0x002, 0x006},  {0x800, 0x001, 0x00c},
        {0x1000, 0x004, 0x00a}, {0x2000, 0x100, 0x00f}, {0x3c00, 0x107, 0x001},
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(rows); i++) {
        struct bench *b = (struct bench *)*state;

        set_up(state);
        wr(b, IMSC, 0xf);
        wr(b, CR, LBE | rows[i].cr);
        assert_int_equal(rd(b, FR) & 0x107U, rows[i].fr);
        assert_int_equal(rd(b, RIS), rows[i].changed);
        assert_true(b->line);
        wr(b, ICR, 0xf);
        assert_false(b->line);
        wr(b, CR, 0);
        assert_int_equal(rd(b, FR) & 0x107U, 0x7);
        assert_int_equal(rd(b, RIS), rows[i].changed);
    }
}

/* ---- Interrupts, life ---- */

/** Every raw status against every mask bit: UARTMIS and the output are raw AND mask. */
static void the_output_is_raw_status_and_mask(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    (void)feed(b, 32);
    wr(b, DR, 'x');
    assert_int_equal(rd(b, RIS), INT_RX | INT_RT | INT_TX);
    for (uint32_t mask = 0; mask <= 0x7ffU; mask++) {
        wr(b, IMSC, mask);
        assert_int_equal(rd(b, MIS), mask & (INT_RX | INT_RT | INT_TX));
        assert_int_equal(b->line, (mask & (INT_RX | INT_RT | INT_TX)) != 0U);
    }
}

static void clearing_takes_the_written_bits_only(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    (void)feed(b, 32);
    wr(b, DR, 'x');
    wr(b, ICR, 0);
    assert_int_equal(rd(b, RIS), INT_RX | INT_RT | INT_TX);
    wr(b, ICR, INT_TX | INT_CTS);
    assert_int_equal(rd(b, RIS), INT_RX | INT_RT);
    wr(b, ICR, 0x7ff);
    assert_int_equal(rd(b, RIS), 0);
    assert_int_equal(rd(b, FR) & RXFF, RXFF); /* the data is still there */
}

static void a_reset_is_power_on_and_lowers_the_output(void **state)
{
    struct bench *b = (struct bench *)*state;

    wr(b, LCR_H, FEN);
    wr(b, IMSC, 0x7ff);
    wr(b, CR, 0);
    wr(b, CR, RXE);
    (void)feed(b, 9);
    assert_true(b->line);
    hv_vpl011_reset(&b->uart);
    assert_false(b->line);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        assert_int_equal(rd(b, table[i].offset), table[i].reset);
    }
    assert_int_equal(b->changes, 2);
}

static void a_byte_that_finds_no_room_waits_and_is_not_lost(void **state)
{
    struct bench *b = (struct bench *)*state;
    uint64_t value = 'x';

    wr(b, IMSC, INT_TX);
    hv_vpl011_set_room(&b->uart, false);
    assert_int_equal(rd(b, FR) & (TXFF | TXFE | BUSY), TXFF | BUSY);
    assert_int_equal(hv_vpl011_access(&b->uart, DR, 1, true, &value), ASH_EBUSY);
    assert_int_equal(hv_vpl011_access(&b->uart, DR, 8, true, &value), ASH_OK); /* no register takes 8 bytes */
    assert_int_equal(b->sent_size, 0);
    assert_false(b->line);
    hv_vpl011_set_room(&b->uart, false); /* again: nothing */
    wr(b, CR, UARTEN | TXE | RXE | LBE); /* in loopback the outside is not asked */
    wr(b, DR, 'l');
    assert_int_equal(rd(b, DR), 'l');
    wr(b, CR, UARTEN | TXE | RXE);
    wr(b, ICR, INT_TX | INT_RX | INT_RT);
    assert_false(b->line);
    hv_vpl011_set_room(&b->uart, true);
    assert_int_equal(rd(b, FR) & (TXFF | TXFE | BUSY), TXFE);
    assert_true(b->line); /* the FIFO has fallen through its level (2.8.3) */
    assert_int_equal(hv_vpl011_access(&b->uart, DR, 1, true, &value), ASH_OK);
    assert_int_equal(b->sent_size, 1);
    hv_vpl011_set_room(&b->uart, false);
    hv_vpl011_reset(&b->uart);
    assert_int_equal(rd(b, FR) & (TXFF | TXFE | BUSY), TXFE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_register_reads_its_reset_value, set_up),
        cmocka_unit_test_setup(every_register_keeps_the_bits_that_exist_and_no_others, set_up),
        cmocka_unit_test_setup(narrow_reads_see_the_low_bits, set_up),
        cmocka_unit_test_setup(narrow_writes_are_zero_extended, set_up),
        cmocka_unit_test_setup(odd_widths_and_lanes_read_zero_and_write_nothing, set_up),
        cmocka_unit_test_setup(a_byte_is_sent_at_once_and_there_is_always_room, set_up),
        cmocka_unit_test_setup(a_guest_without_firmware_can_send_before_it_sets_anything_up, set_up),
        cmocka_unit_test_setup(enabling_the_transmit_interrupt_does_not_assert_it, set_up),
        cmocka_unit_test_setup(a_sent_byte_asserts_the_transmit_interrupt_until_it_is_cleared, set_up),
        cmocka_unit_test_setup(without_fifos_there_is_room_for_one_byte, set_up),
        cmocka_unit_test_setup(with_fifos_there_is_room_for_32_bytes_in_order, set_up),
        cmocka_unit_test_setup(the_host_cannot_overrun_the_fifo, set_up),
        cmocka_unit_test_setup(the_receive_interrupts_follow_the_trigger_level, set_up),
        cmocka_unit_test_setup(data_left_below_the_level_times_out_again_after_a_clear, set_up),
        cmocka_unit_test_setup(a_receiver_that_is_off_leaves_the_bytes_with_the_host, set_up),
        cmocka_unit_test_setup(turning_the_fifos_on_or_off_empties_them, set_up),
        cmocka_unit_test_setup(a_word_behind_the_registers_is_not_the_data_register, set_up),
        cmocka_unit_test_setup(loopback_brings_sent_bytes_back_and_nothing_out, set_up),
        cmocka_unit_test_setup(an_overrun_in_loopback_is_told_and_travels_with_the_next_byte, set_up),
        cmocka_unit_test_setup(loopback_connects_the_modem_lines, set_up),
        cmocka_unit_test_setup(the_output_is_raw_status_and_mask, set_up),
        cmocka_unit_test_setup(clearing_takes_the_written_bits_only, set_up),
        cmocka_unit_test_setup(a_reset_is_power_on_and_lowers_the_output, set_up),
        cmocka_unit_test_setup(a_byte_that_finds_no_room_waits_and_is_not_lost, set_up),
    };

    return cmocka_run_group_tests_name("vpl011", tests, NULL, NULL);
}
