/* SPDX-License-Identifier: BSD-2-Clause */
/** The board's PL011 as hv's console (Arm DDI 0183). Baud rate and pins are as the firmware left them.
 *  Lock domain: the console. In a panic it is used without. */
#ifndef HV_DRIVERS_PL011_H
#define HV_DRIVERS_PL011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_pl011 {
    uint64_t base;       /* 0: there is none, and everything below does nothing */
    uint32_t interrupts; /* UARTIMSC */
};

/** Enable it, FIFOs on, interrupts off. */
void hv_pl011_init(struct hv_pl011 *uart, uint64_t base);

/** Write @size bytes, waiting for room in the FIFO. */
void hv_pl011_write(const struct hv_pl011 *uart, const char *bytes, size_t size);

/** Write as many of @size bytes as the FIFO takes now. Returns how many. */
size_t hv_pl011_offer(const struct hv_pl011 *uart, const char *bytes, size_t size);

/** Wait until the last byte is out of the shift register. */
void hv_pl011_flush(const struct hv_pl011 *uart);

/** The next received byte, or -1. */
int hv_pl011_read(const struct hv_pl011 *uart);

/** Receive interrupts on or off (receive level and receive timeout). */
void hv_pl011_listen(struct hv_pl011 *uart, bool listen);

/** The transmit interrupt on or off: comes when the FIFO, full at the last hv_pl011_offer(), is nearly empty. */
void hv_pl011_want_room(struct hv_pl011 *uart, bool wanted);

#endif
