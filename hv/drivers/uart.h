/* SPDX-License-Identifier: BSD-2-Clause */
/** The board's console: a PL011, or where the image has it and the device tree names it, a mini-UART. */
#ifndef HV_DRIVERS_UART_H
#define HV_DRIVERS_UART_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/bcm2835_aux.h"
#include "drivers/drivers.h"
#include "drivers/pl011.h"

struct hv_uart {
    struct hv_pl011 pl011; /* base 0: it is not the console */
#if HV_DRIVER_BCM2835_AUX
    struct hv_bcm2835_aux aux; /* likewise; one of the two is 0 */
#endif
};

static inline void hv_uart_write(const struct hv_uart *uart, const char *bytes, size_t size)
{
    hv_pl011_write(&uart->pl011, bytes, size);
#if HV_DRIVER_BCM2835_AUX
    hv_bcm2835_aux_write(&uart->aux, bytes, size);
#endif
}

static inline size_t hv_uart_offer(const struct hv_uart *uart, const char *bytes, size_t size)
{
#if HV_DRIVER_BCM2835_AUX
    if (uart->aux.base != 0U) {
        return hv_bcm2835_aux_offer(&uart->aux, bytes, size);
    }
#endif
    return hv_pl011_offer(&uart->pl011, bytes, size);
}

static inline void hv_uart_flush(const struct hv_uart *uart)
{
    hv_pl011_flush(&uart->pl011);
#if HV_DRIVER_BCM2835_AUX
    hv_bcm2835_aux_flush(&uart->aux);
#endif
}

static inline int hv_uart_read(const struct hv_uart *uart)
{
#if HV_DRIVER_BCM2835_AUX
    if (uart->aux.base != 0U) {
        return hv_bcm2835_aux_read(&uart->aux);
    }
#endif
    return hv_pl011_read(&uart->pl011);
}

static inline void hv_uart_listen(struct hv_uart *uart, bool listen)
{
    hv_pl011_listen(&uart->pl011, listen);
#if HV_DRIVER_BCM2835_AUX
    hv_bcm2835_aux_listen(&uart->aux, listen);
#endif
}

static inline void hv_uart_want_room(struct hv_uart *uart, bool wanted)
{
    hv_pl011_want_room(&uart->pl011, wanted);
#if HV_DRIVER_BCM2835_AUX
    hv_bcm2835_aux_want_room(&uart->aux, wanted);
#endif
}

#endif
