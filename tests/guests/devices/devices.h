/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_DEVICES_DEVICES_H
#define TESTS_GUESTS_DEVICES_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#define UART_INTID 33U
#define RTC_INTID  34U
#define GPIO_INTID 39U
#define WDOG_INTID 42U

/** A register as its manual's summary table has it. */
struct devices_register {
    const char *name;
    uint32_t offset;
    uint32_t known;    /* bits that have a reset value */
    uint32_t reset;    /* that value */
    uint32_t writable; /* bits that read as they were written */
};

/** Is the line of @intid up at the distributor? GICD_ISPENDR shows the input of a level interrupt. */
bool devices_line(uint32_t intid);
/** Interrupts taken of each device. The handler turns the source off by devices_quiet when @count is reached. */
extern volatile uint64_t devices_taken[4];

void check_identification(const char *name, uint64_t base, const uint8_t ids[8], uint8_t revision);
void check_reset_values(uint64_t base, const struct devices_register *registers, unsigned count);
void check_storage(uint64_t base, const struct devices_register *registers, unsigned count);
/** Reserved offsets [from, to) read as zero, and a write neither faults nor leaves anything. */
void check_reserved(const char *name, uint64_t base, uint32_t from, uint32_t to);

void check_pl011(void);
/** In the handler: the source, so often taken. */
void pl011_interrupt(uint64_t times);
void check_pl031(void);
void pl031_interrupt(uint64_t times);
void check_pl061(void);
void pl061_interrupt(uint64_t times);
void check_sp805(void);
void sp805_interrupt(uint64_t times);

#endif
