/* SPDX-License-Identifier: BSD-2-Clause */
#include "pi/pi.h"

#define PM_PASSWORD 0x5a000000U
#define RSTS_HALT   0x555U
#define RSTC_FULL   0x20U

static bool is_mini;

/* ---- UARTs ------------------------------------------------------------------------------------------------------- */

static void wait_cycles(unsigned count)
{
    while (count-- > 0U) {
        __asm__ volatile("nop");
    }
}

/** Pins 14 and 15 to @function, without pulls. */
static void set_pins(uint32_t function)
{
    uint32_t select = get32(GPFSEL1);

    select &= ~((7U << 12) | (7U << 15));
    put32(GPFSEL1, select | function << 12 | function << 15);
    put32(GPPUD, 0);
    wait_cycles(150);
    put32(GPPUDCLK0, (1U << 14) | (1U << 15));
    wait_cycles(150);
    put32(GPPUDCLK0, 0);
}

void pi_use_mini_uart(void)
{
    is_mini = true;
    set_pins(2); /* ALT5 */
    put32(AUX_ENB, 1);
    put32(AUX_CNTL, 0);
    put32(AUX_IER, 0);
    put32(AUX_LCR, 3);
    put32(AUX_MCR, 0);
    put32(AUX_BAUD, 270); /* 115200 of 250 MHz */
    put32(AUX_CNTL, 3);
}

void pi_use_pl011(void)
{
    is_mini = false;
    put32(UART_CR, 0);
    set_pins(4); /* ALT0 */
    put32(UART_ICR, 0x7ff);
    put32(UART_IBRD, 26);
    put32(UART_FBRD, 3);
    put32(UART_LCRH, 0x70);
    put32(UART_CR, 0x301);
}

void pi_put(char c)
{
    if (is_mini) {
        while ((get32(AUX_LSR) & 0x20U) == 0U) {
        }
        put32(AUX_IO, (uint8_t)c);
    } else {
        while ((get32(UART_FR) & 0x20U) != 0U) {
        }
        put32(UART_DR, (uint8_t)c);
    }
}

void pi_print(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            pi_put('\r');
        }
        pi_put(*text);
    }
}

void pi_number(uint64_t value)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + value % 10U);
        value /= 10U;
    } while (value != 0U);
    while (count > 0U) {
        pi_put(digits[--count]);
    }
}

void pi_hex(uint64_t value)
{
    pi_print("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        pi_put("0123456789abcdef"[value >> shift & 0xfU]);
    }
}

/* ---- Cores and exceptions ---------------------------------------------------------------------------------------- */

void pi_start_core(uint64_t core)
{
    volatile uint64_t *release = (volatile uint64_t *)(uintptr_t)(0xd8U + 8U * core);

    *release = (uint64_t)(uintptr_t)pi_secondary;
    __asm__ volatile("dc civac, %0\n\tdsb sy\n\tsev" : : "r"(release) : "memory");
}

/** ISB: one that is pending is taken here (DDI 0487 D1.3.5 "asynchronous exceptions"). */
void pi_irq_on(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

void pi_irq_off(void)
{
    __asm__ volatile("msr daifset, #2" : : : "memory");
}

__attribute__((weak)) void pi_core(uint64_t core)
{
    (void)core;
}

static void die(const char *what, struct pi_frame *frame)
{
    pi_print(what);
    pi_print(" esr ");
    pi_hex(pi_read(esr_el1));
    pi_print(" elr ");
    pi_hex(frame->elr);
    pi_print(" far ");
    pi_hex(pi_read(far_el1));
    pi_print("\n");
    pi_off();
}

__attribute__((weak)) struct pi_frame *pi_irq(struct pi_frame *frame)
{
    die("pi: IRQ", frame);
    return frame;
}

__attribute__((weak)) struct pi_frame *pi_fiq(struct pi_frame *frame)
{
    die("pi: FIQ", frame);
    return frame;
}

__attribute__((weak)) struct pi_frame *pi_sync(struct pi_frame *frame)
{
    die("pi: exception", frame);
    return frame;
}

struct pi_frame *pi_exception(uint64_t kind, struct pi_frame *frame)
{
    switch (kind % 4U) {
    case 0:
        return pi_sync(frame);
    case 1:
        return pi_irq(frame);
    case 2:
        return pi_fiq(frame);
    default:
        die("pi: SError", frame);
        return frame;
    }
}

void pi_off(void)
{
    put32(PM_RSTS, PM_PASSWORD | RSTS_HALT);
    put32(PM_WDOG, PM_PASSWORD | 10U);
    put32(PM_RSTC, PM_PASSWORD | RSTC_FULL);
    for (;;) {
        __asm__ volatile("wfe");
    }
}

/* What the compiler calls by itself. */
void *memset(void *to, int value, size_t size);
void *memset(void *to, int value, size_t size)
{
    volatile uint8_t *bytes = (volatile uint8_t *)to;

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)value;
    }
    return to;
}
