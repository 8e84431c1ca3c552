/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/bcm2835_aux.h"

#include "arch/arch.h"
#include "drivers/mmio.h"

/* BCM2835 ARM Peripherals 2.2, from AUX_MU_IO_REG on; AUX_ENABLES, shared with two SPI masters, lies before it. */
#define AUX_ENABLES(base) ((base)-0x3cU)
#define MU_IO             0x00U
#define MU_IER            0x04U
#define MU_IIR            0x08U
#define MU_LCR            0x0cU
#define MU_MCR            0x10U
#define MU_LSR            0x14U
#define MU_CNTL           0x20U
#define MU_BAUD           0x28U

#define ENABLES_MU 1U
/* Errata: receive is bit 0 and transmit bit 1; without bit 2, as of a 16550's line status, receive does not signal. */
#define IER_RX      (1U << 0 | 1U << 2)
#define IER_TX      (1U << 1)
#define LCR_8_BITS  3U /* errata: both bits */
#define LSR_DATA    (1U << 0)
#define LSR_ROOM    (1U << 5) /* the transmit FIFO takes a byte */
#define LSR_IDLE    (1U << 6)
#define CNTL_RX_TX  3U
#define BAUD_FACTOR 8U

bool hv_bcm2835_aux_has_rate(uint64_t base)
{
    return (hv_mmio_read32(AUX_ENABLES(base)) & ENABLES_MU) != 0U && hv_mmio_read32(base + MU_BAUD) != 0U;
}

void hv_bcm2835_aux_init(struct hv_bcm2835_aux *uart, uint64_t base, uint32_t core_clock)
{
    uart->base = base;
    uart->interrupts = 0;
    if (base == 0U) {
        return;
    }
    if (!hv_bcm2835_aux_has_rate(base)) {
        /* Registers can be written only once it is enabled (2.1.1). */
        hv_mmio_write32(AUX_ENABLES(base), hv_mmio_read32(AUX_ENABLES(base)) | ENABLES_MU);
        hv_mmio_write32(base + MU_BAUD, core_clock / (BAUD_FACTOR * HV_BCM2835_AUX_RATE) - 1U); /* 2.2.1 */
    }
    hv_mmio_write32(base + MU_IER, 0);
    hv_mmio_write32(base + MU_LCR, LCR_8_BITS);
    hv_mmio_write32(base + MU_MCR, 0);
    hv_mmio_write32(base + MU_CNTL, CNTL_RX_TX);
}

void hv_bcm2835_aux_write(const struct hv_bcm2835_aux *uart, const char *bytes, size_t size)
{
    if (uart->base == 0U) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        while ((hv_mmio_read32(uart->base + MU_LSR) & LSR_ROOM) == 0U) {
            hv_arch_relax();
        }
        hv_mmio_write32(uart->base + MU_IO, (uint8_t)bytes[i]);
    }
}

size_t hv_bcm2835_aux_offer(const struct hv_bcm2835_aux *uart, const char *bytes, size_t size)
{
    size_t i = 0;

    if (uart->base == 0U) {
        return size;
    }
    for (; i < size && (hv_mmio_read32(uart->base + MU_LSR) & LSR_ROOM) != 0U; i++) {
        hv_mmio_write32(uart->base + MU_IO, (uint8_t)bytes[i]);
    }
    return i;
}

void hv_bcm2835_aux_flush(const struct hv_bcm2835_aux *uart)
{
    while (uart->base != 0U && (hv_mmio_read32(uart->base + MU_LSR) & LSR_IDLE) == 0U) {
        hv_arch_relax();
    }
}

int hv_bcm2835_aux_read(const struct hv_bcm2835_aux *uart)
{
    if (uart->base == 0U || (hv_mmio_read32(uart->base + MU_LSR) & LSR_DATA) == 0U) {
        return -1;
    }
    return (int)(hv_mmio_read32(uart->base + MU_IO) & 0xffU);
}

static void set_interrupts(struct hv_bcm2835_aux *uart, uint32_t which, bool enable)
{
    uart->interrupts = enable ? uart->interrupts | which : uart->interrupts & ~which;
    if (uart->base != 0U) {
        hv_mmio_write32(uart->base + MU_IER, uart->interrupts);
    }
}

void hv_bcm2835_aux_listen(struct hv_bcm2835_aux *uart, bool listen)
{
    set_interrupts(uart, IER_RX, listen);
}

void hv_bcm2835_aux_want_room(struct hv_bcm2835_aux *uart, bool wanted)
{
    set_interrupts(uart, IER_TX, wanted);
}
