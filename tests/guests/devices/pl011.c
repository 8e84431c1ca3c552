/* SPDX-License-Identifier: BSD-2-Clause */
/* DDI 0183 G. What is sent in loopback is received; a check prints, so results of loopback are judged after it. */
#include "common/check.h"
#include "common/guest.h"
#include "devices/devices.h"

#define DR    (GUEST_UART + 0x00U)
#define RSR   (GUEST_UART + 0x04U)
#define FR    (GUEST_UART + 0x18U)
#define LCR_H (GUEST_UART + 0x2cU)
#define CR    (GUEST_UART + 0x30U)
#define IFLS  (GUEST_UART + 0x34U)
#define IMSC  (GUEST_UART + 0x38U)
#define RIS   (GUEST_UART + 0x3cU)
#define MIS   (GUEST_UART + 0x40U)
#define ICR   (GUEST_UART + 0x44U)

#define FR_BUSY 0x08U
#define FR_RXFE 0x10U
#define FR_TXFF 0x20U
#define FR_RXFF 0x40U
#define FR_TXFE 0x80U
#define FR_FIFO (FR_BUSY | FR_RXFE | FR_TXFF | FR_RXFF | FR_TXFE)
#define FR_IDLE (FR_TXFE | FR_RXFE)

#define FEN      0x10U
#define ON       0x301U /* UARTEN, TXE, RXE */
#define LOOPBACK 0x381U

#define INT_RX 0x010U
#define INT_TX 0x020U
#define INT_RT 0x040U
#define INT_OE 0x400U

#define FIFO 32U /* r1p5: UARTPeriphID2 [7:4] is 3 */

/* Table 3-1. UARTDR, UARTRSR and UARTICR have their own checks. */
static const struct devices_register registers[] = {
    {"UARTRSR", 0x04, UINT32_MAX, 0, 0},      {"UARTFR", 0x18, FR_FIFO, FR_IDLE, 0},
    {"UARTILPR", 0x20, UINT32_MAX, 0, 0xff},  {"UARTIBRD", 0x24, UINT32_MAX, 0, 0xffff},
    {"UARTFBRD", 0x28, UINT32_MAX, 0, 0x3f},  {"UARTLCR_H", 0x2c, UINT32_MAX, 0, 0xff},
    {"UARTCR", 0x30, UINT32_MAX, 0x300, 0},   {"UARTIFLS", 0x34, UINT32_MAX, 0x12, 0x3f},
    {"UARTIMSC", 0x38, UINT32_MAX, 0, 0x7ff}, {"UARTRIS", 0x3c, 0x7f0, 0, 0},
    {"UARTMIS", 0x40, UINT32_MAX, 0, 0},      {"UARTDMACR", 0x48, UINT32_MAX, 0, 0x7},
};
static const uint8_t ids[8] = {0x11, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/* Bytes in a FIFO of 32 by UARTIFLS.RXIFLSEL: 1/8, 1/4, 1/2, 3/4, 7/8 (3.3.9). */
static const uint8_t trigger[] = {4, 8, 16, 24, 28};

static void begin_loopback(uint32_t lcr_h)
{
    guest_write32(CR, LOOPBACK);
    guest_write32(LCR_H, lcr_h & ~FEN); /* a change of FEN empties the FIFOs */
    guest_write32(LCR_H, lcr_h ^ FEN);
    guest_write32(LCR_H, lcr_h);
    while ((guest_read32(FR) & FR_RXFE) == 0U) {
        (void)guest_read32(DR);
    }
    guest_write32(RSR, 0);
    guest_write32(ICR, 0x7ff);
}

static void end_loopback(void)
{
    guest_write32(CR, ON);
    guest_write32(LCR_H, 0);
    guest_write32(IFLS, 0x12);
    guest_write32(IMSC, 0);
    guest_write32(ICR, 0x7ff);
}

static void send(unsigned count, unsigned first)
{
    for (unsigned n = 0; n < count; n++) {
        guest_write32(DR, (first + n * 37U) & 0xffU);
        while ((guest_read32(FR) & FR_BUSY) != 0U) {
            __asm__ volatile("yield");
        }
    }
}

static unsigned receive(unsigned count, unsigned first)
{
    unsigned wrong = 0;

    for (unsigned n = 0; n < count; n++) {
        wrong += guest_read32(DR) != ((first + n * 37U) & 0xffU) ? 1U : 0U;
    }
    return wrong;
}

static void check_character_mode(void)
{
    uint32_t flags[3];
    uint32_t raw[3];
    uint32_t data;

    begin_loopback(0);
    flags[0] = guest_read32(FR) & FR_FIFO;
    send(1, 0xc3);
    flags[1] = guest_read32(FR) & FR_FIFO;
    raw[0] = guest_read32(RIS) & INT_RX;
    data = guest_read32(DR);
    flags[2] = guest_read32(FR) & FR_FIFO;
    raw[1] = guest_read32(RIS) & (INT_RX | INT_RT | INT_OE);
    send(1, 0x3c);
    guest_write32(ICR, INT_RX);
    raw[2] = guest_read32(RIS) & INT_RX;
    end_loopback();
    check_equal("nothing received: TXFE, RXFE", flags[0], FR_IDLE);
    check_equal("FIFOs off: one byte is full", flags[1], FR_TXFE | FR_RXFF);
    check_equal("... and UARTRXINTR", raw[0], INT_RX);
    check_equal("the byte in loopback, eight bits, no error", data, 0xc3);
    check_equal("read: empty again", flags[2], FR_IDLE);
    check_equal("... and no interrupt", raw[1], 0);
    check_equal("UARTICR clears UARTRXINTR though the byte is there", raw[2], 0);
}

static void check_level(unsigned select)
{
    unsigned level = trigger[select];
    uint32_t below;
    uint32_t at;
    uint32_t under;
    uint32_t flags;
    unsigned wrong;

    begin_loopback(FEN);
    guest_write32(IFLS, select << 3);
    send(level - 1U, 5);
    below = guest_read32(RIS) & INT_RX;
    send(1, 5U + (level - 1U) * 37U);
    at = guest_read32(RIS) & INT_RX;
    flags = guest_read32(FR) & FR_FIFO;
    wrong = receive(1, 5);
    under = guest_read32(RIS) & INT_RX;
    wrong += receive(level - 1U, 5U + 37U);
    end_loopback();
    check_equal_at("below the level: no UARTRXINTR", level, below, 0);
    check_equal_at("at the level: UARTRXINTR", level, at, INT_RX);
    check_equal_at("... neither full nor empty", level, flags, FR_TXFE);
    check_equal_at("read to below the level: cleared", level, under, 0);
    check_equal_at("the bytes come in their order", level, wrong, 0);
}

static void check_timeout(void)
{
    uint32_t raw[3];

    begin_loopback(FEN);
    raw[0] = guest_read32(RIS) & INT_RT;
    send(2, 9);
    for (unsigned n = 0; n < 1000U && (guest_read32(RIS) & INT_RT) == 0U; n++) { /* 32 bit times */
        __asm__ volatile("yield");
    }
    raw[1] = guest_read32(RIS) & (INT_RT | INT_RX);
    (void)receive(2, 9);
    raw[2] = guest_read32(RIS) & INT_RT;
    end_loopback();
    check_equal("an empty FIFO has no timeout", raw[0], 0);
    check_equal("two bytes that nobody reads: UARTRTINTR alone", raw[1], INT_RT);
    check_equal("the FIFO read empty clears it", raw[2], 0);
}

static void check_overrun(void)
{
    uint32_t full;
    uint32_t before;
    uint32_t status;
    uint32_t raw;
    uint32_t cleared;
    uint32_t still;
    unsigned wrong;

    begin_loopback(FEN);
    send(FIFO, 1);
    full = guest_read32(FR) & FR_FIFO;
    before = (guest_read32(RSR) & 0xfU) | (guest_read32(RIS) & INT_OE);
    send(1, 0xee);
    status = guest_read32(RSR);
    raw = guest_read32(RIS) & INT_OE;
    guest_write32(RSR, 0);
    cleared = guest_read32(RSR);
    still = guest_read32(RIS) & INT_OE;
    guest_write32(ICR, INT_OE);
    still |= (guest_read32(RIS) & INT_OE) << 1;
    wrong = receive(FIFO, 1);
    wrong += (guest_read32(FR) & FR_RXFE) == 0U ? 100U : 0U;
    end_loopback();
    check_equal("32 bytes fill the FIFO", full, FR_TXFE | FR_RXFF);
    check_equal("... without an overrun", before, 0);
    check_equal("one more: UARTRSR.OE", status, 8);
    check_equal("... and UARTOEINTR", raw, INT_OE);
    check_equal("any write to UARTECR clears it", cleared, 0);
    check_equal("UARTOEINTR waits for UARTICR", still, INT_OE);
    check_equal("the 32 bytes are as they were", wrong, 0);
}

/* Outputs at their inputs: RTS CTS, DTR DSR, Out1 DCD, Out2 RI. UARTCR, UARTFR, UARTRIS. */
static void check_modem(void)
{
    static const uint32_t lines[][3] = {
        {0x800, 0x001, 0x2}, {0x400, 0x002, 0x8}, {0x1000, 0x004, 0x4}, {0x2000, 0x100, 0x1}};
    uint32_t got[4][3];

    for (unsigned n = 0; n < 4U; n++) {
        guest_write32(CR, LOOPBACK);
        guest_write32(ICR, 0x7ff);
        got[n][0] = guest_read32(FR) & 0x107U;
        guest_write32(CR, LOOPBACK | lines[n][0]);
        got[n][1] = guest_read32(FR) & 0x107U;
        got[n][2] = guest_read32(RIS) & 0xfU;
    }
    end_loopback();
    for (unsigned n = 0; n < 4U; n++) {
        check_equal_at("loopback: no output, no input", lines[n][0], got[n][0], 0);
        check_equal_at("... an output is an input", lines[n][0], got[n][1], lines[n][1]);
        check_equal_at("... and a modem interrupt", lines[n][0], got[n][2], lines[n][2]);
    }
}

/* UARTMIS is RIS and IMSC, bit by bit; UARTICR clears its bits and no other. */
static void check_masks(void)
{
    uint32_t wrong = 0;
    uint32_t raw;
    uint32_t after;

    begin_loopback(FEN);
    guest_write32(CR, LOOPBACK | 0x3c00U);
    send(FIFO + 1U, 1);
    raw = guest_read32(RIS);
    for (uint32_t bit = 1; bit <= INT_OE; bit <<= 1) {
        guest_write32(IMSC, bit);
        wrong |= guest_read32(MIS) != (guest_read32(RIS) & bit) ? bit : 0U;
    }
    guest_write32(IMSC, 0);
    guest_write32(RIS, 0);
    guest_write32(MIS, 0);
    after = guest_read32(RIS);
    for (uint32_t bit = 1; bit <= INT_OE; bit <<= 1) {
        uint32_t before = guest_read32(RIS);

        guest_write32(ICR, bit);
        wrong |= guest_read32(RIS) != (before & ~bit) ? bit << 16 : 0U;
    }
    end_loopback();
    check_equal("RI, CTS, DCD, DSR, RX, OE are raw interrupts", raw & 0x41fU, 0x41f);
    check_equal("UARTMIS is UARTRIS and UARTIMSC; UARTICR clears what it names", wrong, 0);
    check_equal("UARTRIS and UARTMIS are read-only", after, raw);
    check_equal("UARTICR is write-only", guest_read32(ICR), 0);
}

/* What the line does with one byte waiting: raw, not masked, masked again, cleared, read. */
static void check_line(void)
{
    unsigned up = 0;

    begin_loopback(0);
    send(1, 0x55);
    up |= devices_line(UART_INTID) ? 1U : 0U;
    guest_write32(IMSC, INT_RX);
    up |= devices_line(UART_INTID) ? 2U : 0U;
    guest_write32(IMSC, 0);
    up |= devices_line(UART_INTID) ? 4U : 0U;
    guest_write32(IMSC, INT_RX);
    up |= devices_line(UART_INTID) ? 8U : 0U;
    guest_write32(ICR, INT_RX);
    up |= devices_line(UART_INTID) ? 16U : 0U;
    (void)guest_read32(DR);
    send(1, 0xaa);
    up |= devices_line(UART_INTID) ? 32U : 0U;
    (void)guest_read32(DR);
    up |= devices_line(UART_INTID) ? 64U : 0U;
    end_loopback();
    check_equal("the line is UARTMIS: up by IMSC, down by IMSC, ICR, a read", up, 2U | 8U | 32U);
}

void pl011_interrupt(uint64_t times)
{
    if (times == 3U) {
        guest_write32(ICR, INT_RX); /* till then the line stays up, and the interrupt comes again */
    }
}

static void check_interrupt(void)
{
    guest_write32(CR, LOOPBACK);
    guest_write32(IMSC, INT_RX);
    guest_irq_unmask();
    send(1, 0x66);
    (void)check_wait(&devices_taken[0], 3);
    for (unsigned n = 0; n < 100U; n++) {
        __asm__ volatile("isb");
    }
    __asm__ volatile("msr daifset, #2" : : : "memory");
    (void)guest_read32(DR);
    end_loopback();
    check_equal("a level interrupt comes until its source is cleared", devices_taken[0], 3);
}

static void check_transmit(void)
{
    guest_write32(ICR, 0x7ff);
    guest_print("\n");
    check("what was sent leaves TXFE, and not BUSY", (guest_read32(FR) & (FR_TXFE | FR_BUSY)) == FR_TXFE);
    check("... and UARTTXINTR", (guest_read32(RIS) & INT_TX) != 0U);
    guest_write32(ICR, INT_TX);
    check("... which UARTICR clears", (guest_read32(RIS) & INT_TX) == 0U);
}

static void check_narrow(void)
{
    uint8_t byte = *(const volatile uint8_t *)(uintptr_t)(GUEST_UART + 0xfe0U);
    uint16_t half = *(const volatile uint16_t *)(uintptr_t)(GUEST_UART + 0xff0U);

    check_equal("a byte of UARTPeriphID0", byte, 0x11);
    check_equal("a halfword of UARTPCellID0", half, 0x0d);
    *(volatile uint16_t *)(uintptr_t)(GUEST_UART + 0x24U) = 0x1234;
    check_equal("a halfword into UARTIBRD", guest_read32(GUEST_UART + 0x24U), 0x1234);
    guest_write32(GUEST_UART + 0x24U, 0);
}

void check_pl011(void)
{
    check_reset_values(GUEST_UART, registers, sizeof(registers) / sizeof(registers[0]));
    check_storage(GUEST_UART, registers, sizeof(registers) / sizeof(registers[0]));
    check_identification("UARTPeriphID, UARTPCellID", GUEST_UART, ids, 0xf0);
    check_reserved("0x008 to 0x014 is reserved", GUEST_UART, 0x08, 0x18);
    check_reserved("0x01c is reserved", GUEST_UART, 0x1c, 0x20);
    check_reserved("0x04c to 0x07c is reserved", GUEST_UART, 0x4c, 0x80);
    check_reserved("0x090 to 0xfcc is reserved", GUEST_UART, 0x90, 0xfd0);
    check_narrow();
    check_transmit();
    check_character_mode();
    for (unsigned n = 0; n < sizeof(trigger); n++) {
        check_level(n);
    }
    check_timeout();
    check_overrun();
    check_modem();
    check_masks();
    check_line();
    check_interrupt();
}
