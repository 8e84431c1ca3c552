/* SPDX-License-Identifier: BSD-2-Clause */
/* A Raspberry Pi's mini-UART, mailbox and power block, each against a model of its registers. */
#include <string.h>

#include <testkit/cmocka.h>

#include "arch/arch.h"
#include "drivers/bcm2835_aux.h"
#include "drivers/bcm2835_mailbox.h"
#include "drivers/bcm2835_pm.h"
#include "drivers/bcm2835_rng.h"
#include "drivers/mmio.h"

#define AUX     0x3F215000U
#define UART    (AUX + 0x40U)
#define MAILBOX 0x3F00B880U
#define PM      0x3F100000U
#define RNG     0x3F104000U
#define FIFO    8U

static struct {
    uint32_t enables, ier, lcr, cntl, baud;
    char sent[64];
    size_t sent_size;
    unsigned transmit;     /* bytes in the FIFO */
    unsigned drains_after; /* reads of LSR until a byte has gone; 0: none goes */
    const char *received;
} uart;

static struct {
    uint32_t rate;
    uint32_t clock; /* the one that it knows */
    bool silent;
    bool foreign_first; /* an answer of somebody else's comes before ours */
    uint32_t pending[4];
    unsigned count;
} firmware;

static struct {
    uint32_t rstc, rsts, wdog;
    unsigned refused;
} pm;

static struct {
    uint32_t ctrl;
    uint32_t warmup;
    uint32_t word;
    unsigned gives; /* so many words, then no more */
    unsigned asked; /* reads of its status: every second one finds a word */
} rng;

static uint64_t now;
static unsigned published;
static uint32_t *message; /* where the driver has it: a bus address has 32 bits, a PC's more */

uint64_t hv_arch_ticks(void)
{
    return now++;
}

uint64_t hv_arch_ticks_per_second(void)
{
    return 10000;
}

void hv_arch_relax(void)
{
    if (uart.drains_after == 1U && uart.transmit > 0U) {
        uart.transmit--;
    }
}

void hv_arch_publish_data(const void *from, size_t size)
{
    assert_int_equal((uintptr_t)from % 64U, 0);
    assert_int_equal(size, 64);
    published++;
    message = (uint32_t *)(uintptr_t)from;
}

void hv_mmio_publish(void)
{
}

void hv_mmio_complete(void)
{
}

static uint32_t read_uart(uint64_t at)
{
    switch (at) {
    case 0x04:
        return uart.enables;
    case 0x40:
        return (uint8_t)*uart.received++;
    case 0x54:
        return (*uart.received != '\0' ? 1U : 0U) | (uart.transmit < FIFO ? 1U << 5 : 0U) |
               (uart.transmit == 0U ? 1U << 6 : 0U);
    case 0x68:
        return uart.baud;
    default:
        fail_msg("a read of 0x%x", (unsigned)at);
        return 0;
    }
}

uint32_t hv_mmio_read32(uint64_t address)
{
    if (address >= AUX && address < AUX + 0x80U) {
        return read_uart(address - AUX);
    }
    switch (address) {
    case MAILBOX:
        return firmware.pending[--firmware.count];
    case MAILBOX + 0x18U:
        return firmware.count == 0U ? 1U << 30 : 0U;
    case MAILBOX + 0x38U:
        return 0;
    case PM + 0x1cU:
        return pm.rstc;
    case PM + 0x20U:
        return pm.rsts;
    case RNG:
        return rng.ctrl;
    case RNG + 0x04U:
        return rng.gives > 0U && rng.ctrl == 1U && rng.asked++ % 2U != 0U ? 0x01000000U : 0x00000001U;
    case RNG + 0x08U:
        assert_true(rng.gives-- > 0U);
        return ++rng.word;
    default:
        fail_msg("a read of 0x%x", (unsigned)address);
        return 0;
    }
}

/** The property interface answers in place: the bit 31 of a request's codes says that it is answered. */
static void answer(uint32_t word)
{
    static const uint32_t question[] = {32, 0, 0x00030002, 8, 0};

    if (firmware.silent) {
        return;
    }
    assert_int_equal(word, ((uint32_t)(uintptr_t)message | 0xc0000000U) | 8U);
    assert_memory_equal(message, question, sizeof(question));
    assert_int_equal(message[7], 0);
    message[1] = 0x80000000;
    if (message[5] == firmware.clock) {
        message[4] = 0x80000008;
        message[6] = firmware.rate;
    }
    firmware.pending[firmware.count++] = word;
    if (firmware.foreign_first) {
        firmware.pending[firmware.count++] = 0x12340008;
    }
}

static void write_uart(uint64_t at, uint32_t value)
{
    if (at != 0x04U && (uart.enables & 1U) == 0U) {
        fail_msg("a write of 0x%x while it is off", (unsigned)at);
    }
    switch (at) {
    case 0x04:
        uart.enables = value;
        break;
    case 0x40:
        assert_true(uart.transmit < FIFO);
        uart.transmit++;
        uart.sent[uart.sent_size++] = (char)value;
        break;
    case 0x44:
        uart.ier = value;
        break;
    case 0x4c:
        uart.lcr = value;
        break;
    case 0x50:
        break;
    case 0x60:
        uart.cntl = value;
        break;
    case 0x68:
        uart.baud = value;
        break;
    default:
        fail_msg("a write of 0x%x", (unsigned)at);
    }
}

static void write_pm(uint32_t *which, uint32_t value)
{
    if (value >> 24 != 0x5aU) {
        pm.refused++;
    } else {
        *which = value & 0xffffffU;
    }
}

void hv_mmio_write32(uint64_t address, uint32_t value)
{
    if (address >= AUX && address < AUX + 0x80U) {
        write_uart(address - AUX, value);
    } else if (address == MAILBOX + 0x20U) {
        assert_int_equal(value & 0xfU, 8);
        assert_true(value >= 0xc0000000U);
        answer(value);
    } else if (address == PM + 0x1cU) {
        write_pm(&pm.rstc, value);
    } else if (address == PM + 0x20U) {
        write_pm(&pm.rsts, value);
    } else if (address == RNG) {
        rng.ctrl = value;
    } else if (address == RNG + 0x04U) {
        rng.warmup = value;
    } else if (address == PM + 0x24U) {
        write_pm(&pm.wdog, value);
    } else {
        fail_msg("a write of 0x%x", (unsigned)address);
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(&uart, 0, sizeof(uart));
    uart.received = "";
    memset(&firmware, 0, sizeof(firmware));
    memset(&pm, 0, sizeof(pm));
    memset(&rng, 0, sizeof(rng));
    now = 0;
    published = 0;
    return 0;
}

static void a_mini_uart_that_is_off_is_set_to_its_rate(void **state)
{
    struct hv_bcm2835_aux aux;

    (void)state;
    uart.enables = 6; /* the SPI masters */
    assert_false(hv_bcm2835_aux_has_rate(UART));
    hv_bcm2835_aux_init(&aux, UART, 250000000);
    assert_int_equal(uart.enables, 7);
    assert_int_equal(uart.baud, 270); /* 250 MHz / (8 * 271) = 115,313 */
    assert_int_equal(uart.lcr, 3);
    assert_int_equal(uart.cntl, 3);
    assert_int_equal(uart.ier, 0);
}

static void a_rate_that_the_firmware_has_set_stays(void **state)
{
    struct hv_bcm2835_aux aux;

    (void)state;
    uart.enables = 1;
    uart.baud = 541;
    uart.ier = 3;
    assert_true(hv_bcm2835_aux_has_rate(UART));
    hv_bcm2835_aux_init(&aux, UART, 250000000);
    assert_int_equal(uart.baud, 541);
    assert_int_equal(uart.ier, 0);
}

static void the_fifo_takes_what_it_has_room_for(void **state)
{
    struct hv_bcm2835_aux aux;

    (void)state;
    hv_bcm2835_aux_init(&aux, UART, 250000000);
    assert_int_equal(hv_bcm2835_aux_offer(&aux, "0123456789", 10), FIFO);
    assert_int_equal(hv_bcm2835_aux_offer(&aux, "89", 2), 0);
    uart.drains_after = 1;
    hv_bcm2835_aux_write(&aux, "89", 2); /* waits */
    assert_memory_equal(uart.sent, "0123456789", 10);
    hv_bcm2835_aux_flush(&aux);
    assert_int_equal(uart.transmit, 0);
}

static void what_is_received_is_read_in_order(void **state)
{
    struct hv_bcm2835_aux aux;

    (void)state;
    hv_bcm2835_aux_init(&aux, UART, 250000000);
    uart.received = "a\xff";
    assert_int_equal(hv_bcm2835_aux_read(&aux), 'a');
    assert_int_equal(hv_bcm2835_aux_read(&aux), 0xff);
    assert_int_equal(hv_bcm2835_aux_read(&aux), -1);
}

static void each_interrupt_has_its_bits(void **state)
{
    struct hv_bcm2835_aux aux;

    (void)state;
    hv_bcm2835_aux_init(&aux, UART, 250000000);
    hv_bcm2835_aux_listen(&aux, true);
    assert_int_equal(uart.ier, 5);
    hv_bcm2835_aux_want_room(&aux, true);
    assert_int_equal(uart.ier, 7);
    hv_bcm2835_aux_listen(&aux, false);
    assert_int_equal(uart.ier, 2);
    hv_bcm2835_aux_want_room(&aux, false);
    assert_int_equal(uart.ier, 0);
}

static void without_a_mini_uart_nothing_is_touched(void **state)
{
    struct hv_bcm2835_aux aux;

    (void)state;
    hv_bcm2835_aux_init(&aux, 0, 0);
    hv_bcm2835_aux_write(&aux, "x", 1);
    assert_int_equal(hv_bcm2835_aux_offer(&aux, "xy", 2), 2);
    assert_int_equal(hv_bcm2835_aux_read(&aux), -1);
    hv_bcm2835_aux_listen(&aux, true);
    hv_bcm2835_aux_want_room(&aux, true);
    hv_bcm2835_aux_flush(&aux);
}

static void the_firmware_tells_a_clocks_rate(void **state)
{
    (void)state;
    firmware.clock = HV_BCM2835_CLOCK_CORE;
    firmware.rate = 400000000;
    assert_int_equal(hv_bcm2835_clock_rate(MAILBOX, HV_BCM2835_CLOCK_CORE), 400000000);
    assert_int_equal(published, 2); /* before the question, and again before the answer is read */
    firmware.foreign_first = true;
    assert_int_equal(hv_bcm2835_clock_rate(MAILBOX, HV_BCM2835_CLOCK_CORE), 400000000);
    assert_int_equal(firmware.count, 0);
}

static void a_firmware_that_is_silent_or_knows_no_such_clock_costs_no_more_than_a_moment(void **state)
{
    (void)state;
    assert_int_equal(hv_bcm2835_clock_rate(0, HV_BCM2835_CLOCK_CORE), 0);
    assert_int_equal(published, 0);
    firmware.silent = true;
    assert_int_equal(hv_bcm2835_clock_rate(MAILBOX, HV_BCM2835_CLOCK_CORE), 0);
    assert_true(now < 2100); /* 100 ms a wait, and ticks of the waiting itself */
    firmware.silent = false;
    firmware.clock = 3;
    assert_int_equal(hv_bcm2835_clock_rate(MAILBOX, HV_BCM2835_CLOCK_CORE), 0);
}

static void a_reset_goes_to_the_first_partition(void **state)
{
    (void)state;
    pm.rsts = 0x1555;
    pm.rstc = 0x112;
    hv_bcm2835_pm_reset(PM);
    assert_int_equal(pm.rsts, 0x1000);
    assert_int_equal(pm.wdog, 10);
    assert_int_equal(pm.rstc, 0x122);
    assert_int_equal(pm.refused, 0);
}

static void power_off_is_a_reset_into_partition_63(void **state)
{
    (void)state;
    pm.rsts = 0x1000;
    hv_bcm2835_pm_power_off(PM);
    assert_int_equal(pm.rsts, 0x1555);
    assert_int_equal(pm.rstc, 0x20);
    hv_bcm2835_pm_power_off(0);
    hv_bcm2835_pm_reset(0);
}

static void random_words_are_waited_for(void **state)
{
    uint32_t words[9] = {0};

    (void)state;
    rng.gives = 8;
    assert_true(hv_bcm2835_rng_read(RNG, words, 8));
    assert_int_equal(rng.warmup, 0x40000);
    for (uint32_t i = 0; i < 8U; i++) {
        assert_int_equal(words[i], i + 1U);
    }
    assert_int_equal(words[8], 0);
    assert_false(hv_bcm2835_rng_read(RNG, words, 1));
    assert_true(now < 2000);
    rng.gives = 1;
    rng.warmup = 0; /* it runs already */
    assert_true(hv_bcm2835_rng_read(RNG, words, 1));
    assert_int_equal(rng.warmup, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mini_uart_that_is_off_is_set_to_its_rate),
        TEST(a_rate_that_the_firmware_has_set_stays),
        TEST(the_fifo_takes_what_it_has_room_for),
        TEST(what_is_received_is_read_in_order),
        TEST(each_interrupt_has_its_bits),
        TEST(without_a_mini_uart_nothing_is_touched),
        TEST(the_firmware_tells_a_clocks_rate),
        TEST(a_firmware_that_is_silent_or_knows_no_such_clock_costs_no_more_than_a_moment),
        TEST(random_words_are_waited_for),
        TEST(a_reset_goes_to_the_first_partition),
        TEST(power_off_is_a_reset_into_partition_63),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
