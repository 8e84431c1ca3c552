/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/pl011.h"

#include "arch/arch.h"
#include "drivers/mmio.h"

/* DDI 0183 3.2, table 3-1. */
#define UARTDR   0x000U
#define UARTFR   0x018U
#define UARTLCRH 0x02cU
#define UARTCR   0x030U
#define UARTIFLS 0x034U
#define UARTIMSC 0x038U
#define UARTICR  0x044U

#define FR_BUSY (1U << 3)
#define FR_RXFE (1U << 4)
#define FR_TXFF (1U << 5)

#define LCRH_FEN    (1U << 4)
#define LCRH_WLEN_8 (3U << 5)
#define CR_UARTEN   (1U << 0)
#define CR_TXE      (1U << 8)
#define CR_RXE      (1U << 9)
#define INT_RX      (1U << 4)
#define INT_TX      (1U << 5)
#define INT_RT      (1U << 6)
#define INT_ALL     0x7ffU

void hv_pl011_init(struct hv_pl011 *uart, uint64_t base)
{
    uart->base = base;
    uart->interrupts = 0;
    if (base == 0U) {
        return;
    }
    hv_mmio_write32(base + UARTIMSC, 0);
    hv_mmio_write32(base + UARTICR, INT_ALL);
    /* A write of LCR_H also latches the divisors, which stay as they are (3.3.7). */
    hv_mmio_write32(base + UARTLCRH, LCRH_WLEN_8 | LCRH_FEN);
    hv_mmio_write32(base + UARTIFLS, 0); /* interrupts: receive FIFO 1/8 full, transmit FIFO 1/8 full */
    hv_mmio_write32(base + UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
}

void hv_pl011_write(const struct hv_pl011 *uart, const char *bytes, size_t size)
{
    if (uart->base == 0U) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        while ((hv_mmio_read32(uart->base + UARTFR) & FR_TXFF) != 0U) {
            hv_arch_relax();
        }
        hv_mmio_write32(uart->base + UARTDR, (uint8_t)bytes[i]);
    }
}

size_t hv_pl011_offer(const struct hv_pl011 *uart, const char *bytes, size_t size)
{
    size_t i = 0;

    if (uart->base == 0U) {
        return size;
    }
    /* Before the FIFO fills: falling through its level again is what interrupts next (2.8.3). */
    if ((uart->interrupts & INT_TX) != 0U) {
        hv_mmio_write32(uart->base + UARTICR, INT_TX);
    }
    for (; i < size && (hv_mmio_read32(uart->base + UARTFR) & FR_TXFF) == 0U; i++) {
        hv_mmio_write32(uart->base + UARTDR, (uint8_t)bytes[i]);
    }
    return i;
}

void hv_pl011_flush(const struct hv_pl011 *uart)
{
    while (uart->base != 0U && (hv_mmio_read32(uart->base + UARTFR) & FR_BUSY) != 0U) {
        hv_arch_relax();
    }
}

int hv_pl011_read(const struct hv_pl011 *uart)
{
    if (uart->base == 0U || (hv_mmio_read32(uart->base + UARTFR) & FR_RXFE) != 0U) {
        return -1;
    }
    return (int)(hv_mmio_read32(uart->base + UARTDR) & 0xffU);
}

static void set_interrupts(struct hv_pl011 *uart, uint32_t which, bool enable)
{
    uart->interrupts = enable ? uart->interrupts | which : uart->interrupts & ~which;
    if (uart->base != 0U) {
        hv_mmio_write32(uart->base + UARTIMSC, uart->interrupts);
    }
}

void hv_pl011_listen(struct hv_pl011 *uart, bool listen)
{
    set_interrupts(uart, INT_RX | INT_RT, listen);
}

void hv_pl011_want_room(struct hv_pl011 *uart, bool wanted)
{
    set_interrupts(uart, INT_TX, wanted);
}
