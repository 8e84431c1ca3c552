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

#define FR_RXFE (1U << 4)
#define FR_TXFF (1U << 5)

#define LCRH_FEN    (1U << 4)
#define LCRH_WLEN_8 (3U << 5)
#define CR_UARTEN   (1U << 0)
#define CR_TXE      (1U << 8)
#define CR_RXE      (1U << 9)
#define INT_RX      (1U << 4)
#define INT_RT      (1U << 6)
#define INT_ALL     0x7ffU

void hv_pl011_init(struct hv_pl011 *uart, uint64_t base)
{
    uart->base = base;
    if (base == 0U) {
        return;
    }
    hv_mmio_write32(base + UARTIMSC, 0);
    hv_mmio_write32(base + UARTICR, INT_ALL);
    /* A write of LCR_H also latches the divisors, which stay as they are (3.3.7). */
    hv_mmio_write32(base + UARTLCRH, LCRH_WLEN_8 | LCRH_FEN);
    hv_mmio_write32(base + UARTIFLS, 0); /* receive interrupt at 1/8 full */
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

int hv_pl011_read(const struct hv_pl011 *uart)
{
    if (uart->base == 0U || (hv_mmio_read32(uart->base + UARTFR) & FR_RXFE) != 0U) {
        return -1;
    }
    return (int)(hv_mmio_read32(uart->base + UARTDR) & 0xffU);
}

void hv_pl011_enable_receive_interrupt(const struct hv_pl011 *uart, bool enable)
{
    if (uart->base != 0U) {
        hv_mmio_write32(uart->base + UARTIMSC, enable ? INT_RX | INT_RT : 0U);
    }
}
