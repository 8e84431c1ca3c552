/* SPDX-License-Identifier: BSD-2-Clause */
/* A BCM2837 as a whole: mailboxes and properties, clocks, wires, and a guest that writes anywhere anything. */
#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "vdev/bcm2837.h"
#include "vdev/bcm_view.h"

#define HZ       UINT64_C(62500000)
#define RAM_SIZE 0x10000U

static struct {
    struct hv_bcm2837 soc;
    struct hv_vpl011 pl011;
    uint8_t ram[RAM_SIZE];
    unsigned reads; /* of RAM */
    int changes;    /* after so many reads of it another core writes to its first word; -1: never */
    uint64_t now;
    int emitted;
} b;

static void emit(void *ctx, uint8_t byte)
{
    (void)ctx;
    b.emitted = byte;
}

static void set_irq(void *ctx, bool level)
{
    (void)ctx;
    hv_bcm2837_pl011_irq(&b.soc, level);
}

static int copy_in(void *ctx, uint64_t ipa, void *to, size_t size)
{
    (void)ctx;
    if (ipa > RAM_SIZE || size > RAM_SIZE - ipa) {
        return ASH_ERANGE;
    }
    memcpy(to, &b.ram[ipa], size);
    b.reads++;
    if ((int)b.reads == b.changes) {
        memset(&b.ram[ipa], 0xff, 4);
    }
    return ASH_OK;
}

static int copy_out(void *ctx, uint64_t ipa, const void *from, size_t size)
{
    (void)ctx;
    if (ipa > RAM_SIZE || size > RAM_SIZE - ipa) {
        return ASH_ERANGE;
    }
    memcpy(&b.ram[ipa], from, size);
    return ASH_OK;
}

static uint32_t random_word(void *ctx)
{
    (void)ctx;
    return 0x12345678;
}

static int set_up(void **state)
{
    static const struct hv_vpl011_ops ops = {.emit = emit, .set_irq = set_irq};
    const struct hv_bcm2837_config config = {
        .hz = HZ,
        .board = {.ram_size = 0x1000000,
                  .serial = 0x1122334455667788,
                  .mac = {2, 1, 2, 3, 4, 5},
                  .command_line = "quiet"},
        .memory = {copy_in, copy_out, NULL},
        .random = random_word,
    };

    (void)state;
    memset(&b, 0, sizeof(b));
    b.changes = -1;
    b.emitted = -1;
    b.now = 1000 * HZ;
    hv_vpl011_init(&b.pl011, &ops, NULL);
    hv_bcm2837_init(&b.soc, &config, &b.pl011, b.now);
    return 0;
}

static uint32_t rd(uint64_t offset)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hv_bcm2837_access(&b.soc, b.now, offset, 4, false, &value), ASH_OK);
    assert_true(value <= UINT32_MAX);
    return (uint32_t)value;
}

static void wr(uint64_t offset, uint32_t value)
{
    uint64_t wide = value;

    assert_int_equal(hv_bcm2837_access(&b.soc, b.now, offset, 4, true, &wide), ASH_OK);
}

static void wr_local(uint64_t offset, uint32_t value)
{
    uint64_t wide = value;

    assert_int_equal(hv_bcm2837_access_local(&b.soc, b.now, offset, 4, true, &wide), ASH_OK);
}

/* ---- The mailbox ------------------------------------------------------------------------------------------------- */

enum {
    READ0 = 0xb880,
    PEEK0 = 0xb890,
    STATUS0 = 0xb898,
    CONFIG0 = 0xb89c,
    WRITE1 = 0xb8a0,
    STATUS1 = 0xb8b8
};
#define EMPTY (1U << 30)
#define FULL  (1U << 31)
#define AT    0x1000U

static void put(unsigned index, uint32_t word)
{
    memcpy(&b.ram[AT + 4U * index], &word, 4);
}

static uint32_t get(unsigned index)
{
    uint32_t word;

    memcpy(&word, &b.ram[AT + 4U * index], 4);
    return word;
}

static void call(uint32_t address)
{
    wr(WRITE1, address | 8U);
    assert_int_equal(rd(STATUS0), 1);
    assert_int_equal(rd(PEEK0), address | 8U);
    assert_int_equal(rd(READ0), address | 8U);
    assert_int_equal(rd(STATUS0), EMPTY);
    assert_int_equal(rd(READ0), 0xf);
}

/** One tag with @words words of value; its code. */
static uint32_t ask(uint32_t tag, unsigned words, uint32_t first, uint32_t second)
{
    put(0, 4U * (6U + words));
    put(1, 0);
    put(2, tag);
    put(3, 4U * words);
    put(4, 0);
    for (unsigned i = 0; i < words; i++) {
        put(5U + i, i == 0U ? first : (i == 1U ? second : 0xeeeeeeeeU));
    }
    put(5U + words, 0);
    call(AT);
    assert_int_equal(get(1), 0x80000000U);
    assert_int_equal(get(2), tag);
    return get(4);
}

static void what_a_program_asks_first_is_answered(void **state)
{
    (void)state;
    assert_int_equal(ask(0x00010002, 1, 0, 0), 0x80000004U);
    assert_int_equal(get(5), 0xa02082);
    assert_int_equal(ask(0x00010003, 2, 0, 0xffffffff), 0x80000006U);
    assert_int_equal(get(5), 0x03020102);
    assert_int_equal(get(6), 0xffff0504U); /* six bytes, no more */
    assert_int_equal(ask(0x00010004, 2, 0, 0), 0x80000008U);
    assert_int_equal(get(5), 0x55667788);
    assert_int_equal(get(6), 0x11223344);
    assert_int_equal(ask(0x00010005, 2, 1, 1), 0x80000008U);
    assert_int_equal(get(5), 0);
    assert_int_equal(get(6), 0x1000000);
    assert_int_equal(ask(0x00010006, 2, 1, 1), 0x80000008U);
    assert_int_equal(get(5), 0x1000000);
    assert_int_equal(get(6), 0);
    assert_int_equal(ask(0x00030006, 2, 0, 0), 0x80000008U);
    assert_int_equal(get(6), 45000);
    assert_int_equal(ask(0x00050001, 4, 0, 0), 0x80000006U);
    assert_string_equal((const char *)&b.ram[AT + 20U], "quiet");
    assert_int_equal(ask(0x00010007, 24, 0, 0), 0x80000060U);
    assert_int_equal(get(6), 1);
    assert_int_equal(get(28), 12);
}

static void an_answer_that_does_not_fit_is_cut_and_says_how_long_it_is(void **state)
{
    (void)state;
    assert_int_equal(ask(0x00010004, 1, 7, 0), 0x80000008U);
    assert_int_equal(get(5), 0x55667788);
    assert_int_equal(get(6), 0);
    assert_int_equal(ask(0x00010004, 0, 7, 0), 0x80000008U);
    assert_int_equal(get(5), 0);
}

static void clocks_and_power_remember_what_was_set(void **state)
{
    (void)state;
    assert_int_equal(ask(0x00030002, 2, 2, 0), 0x80000008U);
    assert_int_equal(get(6), 48000000);
    assert_int_equal(ask(0x00038002, 3, 3, 700000000), 0x80000008U);
    assert_int_equal(get(6), 700000000);
    assert_int_equal(ask(0x00030002, 2, 3, 0), 0x80000008U);
    assert_int_equal(get(6), 700000000);
    (void)ask(0x00038002, 3, 3, UINT32_MAX);
    assert_int_equal(get(6), 1200000000);
    (void)ask(0x00038002, 3, 3, 1);
    assert_int_equal(get(6), 600000000);
    (void)ask(0x00030004, 2, 3, 0);
    assert_int_equal(get(6), 1200000000);
    (void)ask(0x00030007, 2, 3, 0);
    assert_int_equal(get(6), 600000000);
    for (uint32_t none = 13; none != 0U; none = none == 13U ? 255U : (none == 255U ? UINT32_MAX : 0U)) {
        (void)ask(0x00030002, 2, none, 0);
        assert_int_equal(get(5), none);
        assert_int_equal(get(6), 0);
        (void)ask(0x00038001, 2, none, 1);
        assert_int_equal(get(6), 2);
        (void)ask(0x00028001, 2, none + 3U, 1); /* devices are 16 */
        assert_int_equal(get(6), none + 3U < 16U ? 1U : 2U);
    }
    (void)ask(0x00038001, 2, 4, 0);
    assert_int_equal(get(6), 0);
    (void)ask(0x00030001, 2, 4, 0);
    assert_int_equal(get(6), 0);
    (void)ask(0x00030001, 2, 5, 0);
    assert_int_equal(get(6), 1);
    (void)ask(0x00028001, 2, 3, 3);
    assert_int_equal(get(6), 1);
    (void)ask(0x00020001, 2, 3, 0);
    assert_int_equal(get(6), 1);
    (void)ask(0x00020001, 2, 4, 0);
    assert_int_equal(get(6), 0);
    (void)ask(0x00038009, 2, 0, 1);
    (void)ask(0x00030009, 2, 0, 0);
    assert_int_equal(get(6), 1);
}

static void there_is_no_display(void **state)
{
    (void)state;
    assert_int_equal(ask(0x00040001, 2, 16, 0), 0x80000008U);
    assert_int_equal(get(5) | get(6), 0);
    assert_int_equal(ask(0x00048003, 2, 640, 480), 0x80000008U);
    assert_int_equal(get(5) | get(6), 0);
    assert_int_equal(ask(0x00040008, 1, 5, 0), 0x80000004U);
    assert_int_equal(get(5), 0);
    wr(WRITE1, AT | 1U); /* the old channel */
    assert_int_not_equal(rd(READ0) & ~0xfU, 0);
}

static void a_tag_that_nobody_knows_is_left_and_the_next_one_answered(void **state)
{
    (void)state;
    put(0, 44);
    put(1, 0);
    put(2, 0x0badbad0);
    put(3, 5); /* counts as 8 */
    put(4, 0);
    put(5, 0x11111111);
    put(6, 0x22222222);
    put(7, 0x00010002);
    put(8, 0);
    put(9, 0);
    put(10, 0);
    call(AT | 0xc0000000U); /* a bus address */
    assert_int_equal(get(1), 0x80000000U);
    assert_int_equal(get(4), 0);
    assert_int_equal(get(5), 0x11111111);
    assert_int_equal(get(9), 0x80000004U);
}

static void a_broken_message_is_refused_and_nothing_outside_is_touched(void **state)
{
    static const struct {
        uint32_t size, tag, value;
    } bad[] = {{0, 0, 0},
               {8, 0, 0},
               {11, 0, 0},
               {13, 0x10002, 4},
               {1028, 0x10002, 4},
               {UINT32_MAX, 0, 0},
               {12, 0x10002, 4},
               {16, 0x10002, 0},
               {20, 0x10002, 4},
               {24, 0x10002, 5},
               {24, 0x10002, UINT32_MAX},
               {24, 0x10002, UINT32_MAX - 3U},
               {24, 0x10002, 4}};

    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(bad); i++) {
        memset(b.ram, 0xa5, sizeof(b.ram));
        put(0, bad[i].size);
        put(1, 0);
        put(2, bad[i].tag);
        put(3, bad[i].value);
        put(4, 0);
        call(AT);
        assert_int_equal(get(1), 0x80000001U); /* the last one has no end */
        for (size_t at = 0; at < RAM_SIZE; at++) {
            assert_true((at >= AT && at < AT + 24U) || b.ram[at] == 0xa5U);
        }
    }
    call(0x3fffff0U); /* not RAM: only the answer comes */
    call(RAM_SIZE - 16U);
}

static void a_message_that_changes_meanwhile_is_what_it_was_first(void **state)
{
    (void)state;
    put(0, 32);
    put(2, 0x00010002);
    put(3, 4);
    put(5, 0);
    put(6, 0);
    b.changes = 1; /* its size */
    call(AT);
    assert_int_equal(get(0), 32);
    assert_int_equal(get(1), 0x80000000U);
}

static void a_mailbox_holds_eight_and_interrupts_while_it_holds_any(void **state)
{
    (void)state;
    put(0, 12);
    wr(CONFIG0, 1);
    wr(0xb218, 2); /* enable basic: ARM mailbox */
    assert_int_equal(rd(CONFIG0), 1);
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    for (unsigned i = 0; i < 8U; i++) {
        assert_int_equal(rd(STATUS1), EMPTY);
        wr(WRITE1, AT | 8U);
    }
    assert_int_equal(rd(STATUS0), FULL | 8U);
    assert_int_equal(rd(STATUS1), FULL);
    wr(WRITE1, AT | 8U);
    wr(WRITE1, AT | 2U);
    assert_int_equal(rd(CONFIG0), 0x11);
    assert_int_equal(rd(0xb200), 2);
    for (unsigned i = 0; i < 8U; i++) {
        assert_true(hv_bcm2837_line(&b.soc, 0, false, 0));
        assert_int_equal(rd(READ0), AT | 8U);
    }
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    for (uint32_t channel = 0; channel < 16U; channel++) {
        wr(WRITE1, AT | channel);
        assert_int_equal(rd(STATUS0), channel == 8U || channel == 1U ? 1U : EMPTY);
        (void)rd(READ0);
    }
}

/* ---- Wires and clocks -------------------------------------------------------------------------------------------- */

static void the_system_timer_interrupts_at_its_microsecond(void **state)
{
    uint32_t at = rd(0x3004) + 1000U;
    uint64_t deadline;

    (void)state;
    wr(0x3010, at);
    assert_true(hv_bcm2837_deadline(&b.soc) == UINT64_MAX); /* nobody listens */
    wr(0xb210, 2);
    deadline = hv_bcm2837_deadline(&b.soc);
    assert_true(deadline == (UINT64_C(1000000000) + 1000U) * HZ / 1000000U);
    hv_bcm2837_update(&b.soc, deadline - 1U);
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    hv_bcm2837_update(&b.soc, deadline);
    assert_true(hv_bcm2837_line(&b.soc, 0, false, 0));
    assert_true(hv_bcm2837_line(&b.soc, 0, false, ~0x100U));
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0x100));
    assert_false(hv_bcm2837_line(&b.soc, 1, false, 0));
    b.now = deadline;
    assert_int_equal(rd(0x3004), at);
    assert_int_equal(rd(0xb204), 2);
    wr(0x3000, 2);
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    wr(0xb20c, 0x81); /* as FIQ, of core 3 */
    wr(0xb21c, 2);
    wr_local(0x0c, 0xc);
    wr(0x3010, at + 1U);
    b.now += HZ;
    (void)rd(0);
    assert_true(hv_bcm2837_line(&b.soc, 3, true, 0));
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
}

static void both_uarts_interrupt_by_their_own_numbers(void **state)
{
    (void)state;
    wr(0x215044, 1);
    assert_int_equal(b.soc.console, HV_BCM_CONSOLE_AUX);
    assert_true(hv_bcm2837_receive(&b.soc, 'a'));
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    wr(0xb210, 1U << 29);
    assert_true(hv_bcm2837_line(&b.soc, 0, false, 0));
    assert_int_equal(rd(0x215040), 'a');
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    wr(0x201038, 0x50);
    assert_int_equal(b.soc.console, HV_BCM_CONSOLE_PL011);
    assert_true(hv_bcm2837_receive(&b.soc, 'b'));
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
    wr(0xb214, 1U << 25);
    assert_true(hv_bcm2837_line(&b.soc, 0, false, 0));
    assert_int_equal(rd(0xb208), 1U << 25);
    assert_int_equal(rd(0x201000), 'b');
    assert_false(hv_bcm2837_line(&b.soc, 0, false, 0));
}

static void what_is_typed_waits_until_a_uart_was_touched(void **state)
{
    (void)state;
    assert_int_equal(hv_bcm2837_space(&b.soc), 0);
    assert_false(hv_bcm2837_receive(&b.soc, 'x'));
    (void)rd(0x200000);
    assert_int_equal(hv_bcm2837_space(&b.soc), 0);
    (void)rd(0x215054);
    assert_int_equal(hv_bcm2837_space(&b.soc), 8);
    (void)rd(0x201018);
    assert_int_equal(hv_bcm2837_space(&b.soc), 1);
    hv_bcm2837_soc_reset(&b.soc, b.now);
    assert_int_equal(hv_bcm2837_space(&b.soc), 0);
}

static void both_uarts_send_and_wait_for_room(void **state)
{
    uint64_t value = 'p';

    (void)state;
    wr(0x215040, 'm');
    assert_int_equal(b.soc.sent, 'm');
    wr(0x201000, 'p');
    assert_int_equal(b.emitted, 'p');
    assert_int_equal(b.soc.sent, -1);
    hv_bcm2837_set_room(&b.soc, false);
    assert_int_equal(hv_bcm2837_access(&b.soc, b.now, 0x215040, 4, true, &value), ASH_EBUSY);
    assert_int_equal(hv_bcm2837_access(&b.soc, b.now, 0x201000, 4, true, &value), ASH_EBUSY);
    assert_int_equal(b.soc.sent, -1);
    hv_bcm2837_set_room(&b.soc, true);
    wr(0x215040, 'm');
    assert_int_equal(b.soc.sent, 'm');
}

static void a_reset_is_due_to_the_tick(void **state)
{
    uint64_t deadline;

    (void)state;
    wr(0x100024, 0x5a000000U | 10U);
    wr(0x10001c, 0x5a000020U);
    deadline = hv_bcm2837_deadline(&b.soc);
    assert_true(deadline == ((1000U * 65536U + 10U) * HZ + 65535U) / 65536U);
    hv_bcm2837_update(&b.soc, deadline - 1U);
    assert_int_equal(b.soc.pm.power, HV_BCM_POWER_ON);
    hv_bcm2837_skip(&b.soc, HZ);
    hv_bcm2837_update(&b.soc, deadline);
    assert_int_equal(b.soc.pm.power, HV_BCM_POWER_ON);
    hv_bcm2837_update(&b.soc, deadline + HZ);
    assert_int_equal(b.soc.pm.power, HV_BCM_POWER_RESET);
    hv_bcm2837_soc_reset(&b.soc, deadline + HZ);
    assert_int_equal(b.soc.pm.power, HV_BCM_POWER_ON);
}

static void the_local_timer_has_its_own_frequency(void **state)
{
    (void)state;
    wr_local(0x34, 3U << 28 | 38400000U);
    assert_true(hv_bcm2837_deadline(&b.soc) == b.now + HZ);
}

/* ---- Anything ---------------------------------------------------------------------------------------------------- */

static bool is_there(uint64_t offset)
{
    static const struct {
        uint64_t base, size;
    } there[] = {{0x3000, 0x1c},   {0xb200, 0x28},   {0xb880, 0x40},     {0x10001c, 0xc},
                 {0x104000, 0x14}, {0x200000, 0xa4}, {0x201000, 0x1000}, {0x215000, 0x6c}};

    for (size_t i = 0; i < ASH_ARRAY_SIZE(there); i++) {
        if (offset - there[i].base < there[i].size) {
            return true;
        }
    }
    return false;
}

static void where_nothing_is_reads_zero_and_ignores_writes(void **state)
{
    struct hv_bcm2837 before;

    (void)state;
    (void)rd(0);
    before = b.soc;
    for (uint64_t offset = 0; offset < HV_BCM2837_PERIPHERALS_SIZE;
         offset += offset < 0x220000U ? 4U : 0x1004U) {
        if (!is_there(offset) && offset - 0x215000U >= 0x100U) {
            wr(offset, UINT32_MAX);
            assert_int_equal(rd(offset), 0);
        }
    }
    assert_memory_equal(&b.soc, &before, sizeof(before));
}

static void odd_widths_and_lanes_read_zero_and_ignore_writes(void **state)
{
    static const uint64_t bases[] = {0x3000,   0xb200,   0xb880,   0x100000,
                                     0x104000, 0x200000, 0x201000, 0x215000};
    static const unsigned sizes[] = {0, 1, 2, 3, 4, 5, 8, 16};
    struct hv_bcm2837 before;

    (void)state;
    (void)rd(0);
    before = b.soc;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(bases); i++) {
        for (uint64_t offset = bases[i]; offset < bases[i] + 0x80U; offset++) {
            for (size_t s = 0; s < ASH_ARRAY_SIZE(sizes); s++) {
                uint64_t value = UINT64_MAX;

                if (offset % 4U == 0U && (sizes[s] == 1U || sizes[s] == 2U || sizes[s] == 4U)) {
                    continue;
                }
                assert_int_equal(hv_bcm2837_access(&b.soc, b.now, offset, sizes[s], true, &value), ASH_OK);
                assert_int_equal(hv_bcm2837_access(&b.soc, b.now, offset, sizes[s], false, &value), ASH_OK);
                assert_int_equal(value, 0);
                value = UINT64_MAX;
                assert_int_equal(
                    hv_bcm2837_access_local(&b.soc, b.now, offset % 0x100U, sizes[s], true, &value), ASH_OK);
                assert_int_equal(
                    hv_bcm2837_access_local(&b.soc, b.now, offset % 0x100U, sizes[s], false, &value), ASH_OK);
                assert_int_equal(value, 0);
            }
        }
    }
    assert_memory_equal(&b.soc, &before, sizeof(before));
}

static void a_narrow_access_has_the_low_bits(void **state)
{
    uint64_t value = UINT64_C(0xffffffffffff0134);

    (void)state;
    assert_int_equal(hv_bcm2837_access(&b.soc, b.now, 0x215068, 2, true, &value), ASH_OK);
    assert_int_equal(rd(0x215068), 0x134);
    assert_int_equal(hv_bcm2837_access(&b.soc, b.now, 0x215068, 1, false, &value), ASH_OK);
    assert_int_equal(value, 0x34);
    value = UINT64_C(0xffffffffffffffff);
    assert_int_equal(hv_bcm2837_access_local(&b.soc, b.now, 0x40, 1, true, &value), ASH_OK);
    assert_int_equal(hv_bcm2837_access_local(&b.soc, b.now, 0x40, 4, false, &value), ASH_OK);
    assert_int_equal(value, 0xff);
}

static void a_guest_that_writes_anywhere_anything_has_a_machine_that_answers(void **state)
{
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "bcm2837");
    for (unsigned round = 0; round < 200000U; round++) {
        static const uint64_t bases[] = {0x3000,   0xb200,   0xb880,   0x100000, 0x104000,
                                         0x200000, 0x201000, 0x215000, 0};
        uint64_t offset = bases[test_rng_below(&rng, ASH_ARRAY_SIZE(bases))] + 4U * test_rng_below(&rng, 48);
        uint64_t value = test_rng_next(&rng) >> test_rng_below(&rng, 64);
        bool is_write = test_rng_below(&rng, 2) != 0U;
        uint64_t deadline = hv_bcm2837_deadline(&b.soc);
        int error;

        if (test_rng_below(&rng, 8) == 0U && deadline != UINT64_MAX) {
            b.now = deadline > b.now ? deadline : b.now;
        }
        b.now += test_rng_below(&rng, 10000);
        if (test_rng_below(&rng, 4) == 0U) {
            error = hv_bcm2837_access_local(&b.soc, b.now, offset % 0x200U, 4, is_write, &value);
        } else {
            error = hv_bcm2837_access(&b.soc, b.now, offset, 4, is_write, &value);
        }
        assert_true(error == ASH_OK);
        assert_true(is_write || value <= UINT32_MAX);
        if (b.soc.pm.power != HV_BCM_POWER_ON) {
            hv_bcm2837_soc_reset(&b.soc, b.now);
        }
        for (unsigned core = 0; core < 4U; core++) {
            assert_int_equal(hv_bcm2837_line(&b.soc, core, false, 0),
                             hv_bcm_local_sources(&b.soc.local, core, false) != 0U);
        }
        assert_true(hv_bcm2837_space(&b.soc) <= HV_VPL011_FIFO_SIZE);
        assert_true(b.soc.mailbox.count <= HV_BCM_MAILBOX_DEPTH && b.soc.aux.count <= HV_BCM_AUX_FIFO);
    }
}

/** The interrupt of @kind and @number as it is seen from outside. */
static struct hv_bcm_view view_of(const char *kind, uint32_t number, uint32_t core)
{
    struct hv_bcm_view view;

    for (uint32_t i = 0; i < HV_BCM_VIEWS; i++) {
        if (hv_bcm_view(&b.soc, i, 2, &view) && strcmp(view.kind, kind) == 0 && view.number == number &&
            view.core == core) {
            return view;
        }
    }
    return (struct hv_bcm_view){.kind = NULL};
}

static void each_interrupt_is_seen_from_outside(void **state)
{
    struct hv_bcm_view view = view_of("local", 3, 1);

    (void)state;
    assert_string_equal(view.device, "virtual timer");
    assert_false(view.enabled || view.pending);
    assert_null(view_of("local", 3, 2).kind); /* a machine with two cores */
    assert_null(view_of("local", 5, 0).kind); /* a mailbox that nobody listens to */
    wr_local(0x44, 0x80);                     /* core 1: CNTV as FIQ */
    wr_local(0x50, 0x2);                      /* core 0: mailbox 1 */
    wr_local(0x84, 0x10);
    wr_local(0x24, 1); /* the local timer is core 1's */
    b.soc.local.timers[1] = HV_BCM_LOCAL_CNTV;
    view = view_of("local", 3, 1);
    assert_true(view.enabled && view.pending);
    assert_false(view_of("local", 1, 1).enabled || view_of("local", 1, 1).pending);
    view = view_of("local", 5, 0);
    assert_true(view.enabled && view.pending);
    assert_string_equal(view_of("local", 11, 1).device, "local timer");

    assert_string_equal(view_of("gpu", 3, 0).device, "system timer");
    assert_string_equal(view_of("gpu", HV_BCM_IRQ_AUX, 0).device, "AUX");
    assert_null(view_of("gpu", 40, 0).kind);
    wr(0xb214, 1U << 8); /* GPU interrupt 40 */
    wr(0xb20c, 0x83);    /* the system timer's C3 as FIQ ... */
    wr_local(0x0c, 0x4); /* ... for core 1 */
    assert_true(view_of("gpu", 40, 0).enabled && !view_of("gpu", 40, 0).pending);
    assert_true(view_of("gpu", 3, 1).enabled && !view_of("gpu", 2, 0).enabled);
    b.soc.intc.gpu = UINT64_C(1) << 3;
    assert_true(view_of("gpu", 3, 1).pending && !view_of("gpu", 2, 0).pending);
    assert_string_equal(view_of("basic", HV_BCM_BASIC_MAILBOX, 0).device, "mailbox");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_program_asks_first_is_answered),
        TEST(an_answer_that_does_not_fit_is_cut_and_says_how_long_it_is),
        TEST(clocks_and_power_remember_what_was_set),
        TEST(there_is_no_display),
        TEST(a_tag_that_nobody_knows_is_left_and_the_next_one_answered),
        TEST(a_broken_message_is_refused_and_nothing_outside_is_touched),
        TEST(a_message_that_changes_meanwhile_is_what_it_was_first),
        TEST(a_mailbox_holds_eight_and_interrupts_while_it_holds_any),
        TEST(the_system_timer_interrupts_at_its_microsecond),
        TEST(both_uarts_interrupt_by_their_own_numbers),
        TEST(what_is_typed_waits_until_a_uart_was_touched),
        TEST(both_uarts_send_and_wait_for_room),
        TEST(a_reset_is_due_to_the_tick),
        TEST(the_local_timer_has_its_own_frequency),
        TEST(where_nothing_is_reads_zero_and_ignores_writes),
        TEST(odd_widths_and_lanes_read_zero_and_ignore_writes),
        TEST(a_narrow_access_has_the_low_bits),
        TEST(each_interrupt_is_seen_from_outside),
        TEST(a_guest_that_writes_anywhere_anything_has_a_machine_that_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
