/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/vpl011.h"

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/mem.h>
#include <libbase/nospec.h>

/* Word indices of the registers: offset / 4. DDI 0183 3.2, table 3-1. */
enum {
    DR = 0x00 / 4,
    RSR = 0x04 / 4, /* ECR when written */
    FR = 0x18 / 4,
    ILPR = 0x20 / 4,
    IBRD = 0x24 / 4,
    FBRD = 0x28 / 4,
    LCR_H = 0x2c / 4,
    CR = 0x30 / 4,
    IFLS = 0x34 / 4,
    IMSC = 0x38 / 4,
    RIS = 0x3c / 4,
    MIS = 0x40 / 4,
    ICR = 0x44 / 4,
    DMACR = 0x48 / 4,
    ID = 0xfe0 / 4 /* UARTPeriphID0 to UARTPCellID3 */
};

/* 3.3.1, 3.3.2: UARTDR [11] and UARTRSR [3]. */
#define DR_OE  (1U << 11)
#define RSR_OE (1U << 3)

/* 3.3.3 */
#define FR_CTS       (1U << 0)
#define FR_DSR       (1U << 1)
#define FR_DCD       (1U << 2)
#define FR_BUSY      (1U << 3)
#define FR_RXFE      (1U << 4)
#define FR_TXFF      (1U << 5)
#define FR_RXFF      (1U << 6)
#define FR_TXFE      (1U << 7)
#define FR_RI        (1U << 8)
#define FR_MODEM     (FR_CTS | FR_DSR | FR_DCD | FR_RI)
#define FR_CABLE     (FR_CTS | FR_DSR | FR_DCD)
#define FR_RX_STATUS (FR_RXFE | FR_RXFF)

/* 3.3.7, 3.3.8 */
#define LCR_H_FEN (1U << 4)
#define CR_LBE    (1U << 7)
#define CR_TXE    (1U << 8)
#define CR_RXE    (1U << 9)
#define CR_DTR    (1U << 10)
#define CR_RTS    (1U << 11)
#define CR_OUT1   (1U << 12)
#define CR_OUT2   (1U << 13)

/* 3.3.10 to 3.3.13 have the same layout. */
#define INT_RI  (1U << 0)
#define INT_CTS (1U << 1)
#define INT_DCD (1U << 2)
#define INT_DSR (1U << 3)
#define INT_RX  (1U << 4)
#define INT_TX  (1U << 5)
#define INT_RT  (1U << 6)
#define INT_OE  (1U << 10)
#define INT_ALL 0x7ffU

static void tell_line(struct hv_vpl011 *uart)
{
    bool level = (uart->reg[RIS] & uart->reg[IMSC]) != 0U;

    if (level != uart->line) {
        uart->line = level;
        uart->ops->set_irq(uart->ctx, level);
    }
}

/* ---- Receiving ---- */

static unsigned depth(const struct hv_vpl011 *uart)
{
    return (uart->reg[LCR_H] & LCR_H_FEN) != 0U ? HV_VPL011_FIFO_SIZE : 1U;
}

/** Bytes in the receive FIFO from which on UARTRXINTR is asserted. UARTIFLS [5:3]; reserved values as the
 *  highest. */
static unsigned receive_level(const struct hv_vpl011 *uart)
{
    static const uint8_t eighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};

    return depth(uart) == 1U ? 1U : HV_VPL011_FIFO_SIZE / 8U * eighths[(uart->reg[IFLS] >> 3) & 7U];
}

static void fifo_changed(struct hv_vpl011 *uart)
{
    uint32_t status = uart->count == 0U ? FR_RXFE : 0U;

    if (uart->count >= depth(uart)) {
        status |= FR_RXFF;
    }
    uart->reg[FR] = (uart->reg[FR] & ~FR_RX_STATUS) | status;
}

/** A byte is at the end of the shift register, from outside or in loopback. */
static void shift_in(struct hv_vpl011 *uart, uint8_t byte)
{
    if (uart->count >= depth(uart)) {
        /* The byte is lost; the status of the next one that finds room tells of it. 2.4.3 "Overrun bit". */
        uart->overrun = true;
        uart->reg[RSR] |= RSR_OE;
        uart->reg[RIS] |= INT_OE;
        return;
    }
    uart->fifo[(uart->head + uart->count) % HV_VPL011_FIFO_SIZE] =
        (uint16_t)(byte | (uart->overrun ? DR_OE : 0U));
    uart->overrun = false;
    uart->count++;
    uart->reg[RIS] |= uart->count >= receive_level(uart) ? INT_RX : INT_RT;
    fifo_changed(uart);
}

static uint32_t read_dr(struct hv_vpl011 *uart)
{
    uint16_t data;

    if (uart->count == 0U) {
        return 0;
    }
    data = uart->fifo[uart->head % HV_VPL011_FIFO_SIZE];
    uart->head = (uint8_t)((uart->head + 1U) % HV_VPL011_FIFO_SIZE);
    uart->count--;
    if (uart->count < receive_level(uart)) {
        uart->reg[RIS] &= ~INT_RX;
        uart->reg[RIS] |= uart->count > 0U ? INT_RT : 0U;
    }
    if (uart->count == 0U) {
        uart->reg[RIS] &= ~INT_RT;
    }
    fifo_changed(uart);
    return data;
}

static void empty_fifo(struct hv_vpl011 *uart)
{
    uart->head = 0;
    uart->count = 0;
    uart->overrun = false;
    uart->reg[RIS] &= ~(INT_RX | INT_RT);
    fifo_changed(uart);
}

static bool takes_input(const struct hv_vpl011 *uart)
{
    return (uart->reg[CR] & (CR_RXE | CR_LBE)) == CR_RXE;
}

bool hv_vpl011_receive(struct hv_vpl011 *uart, uint8_t byte)
{
    if (hv_vpl011_space(uart) == 0U) {
        return false;
    }
    shift_in(uart, byte);
    tell_line(uart);
    return true;
}

unsigned hv_vpl011_space(const struct hv_vpl011 *uart)
{
    return takes_input(uart) ? depth(uart) - uart->count : 0U;
}

/* ---- Sending ---- */

void hv_vpl011_set_room(struct hv_vpl011 *uart, bool has_room)
{
    bool had_room = (uart->reg[FR] & FR_TXFF) == 0U;

    if (has_room == had_room) {
        return;
    }
    if (has_room) {
        uart->reg[FR] = (uart->reg[FR] & ~(FR_TXFF | FR_BUSY)) | FR_TXFE;
        uart->reg[RIS] |= INT_TX;
    } else {
        uart->reg[FR] = (uart->reg[FR] & ~FR_TXFE) | FR_TXFF | FR_BUSY;
    }
    tell_line(uart);
}

/* ---- Registers with effects ---- */

static void write_dr(struct hv_vpl011 *uart, uint32_t value)
{
    if ((uart->reg[CR] & CR_LBE) == 0U) {
        uart->ops->emit(uart->ctx, (uint8_t)value);
    } else if ((uart->reg[CR] & CR_RXE) != 0U) {
        shift_in(uart, (uint8_t)value);
    }
    uart->reg[RIS] |= INT_TX; /* the byte has left: the fall through the trigger level (2.8.3) */
}

static void write_ecr(struct hv_vpl011 *uart, uint32_t value)
{
    (void)value; /* any value clears (3.3.2) */
    uart->reg[RSR] = 0;
}

static void write_lcr_h(struct hv_vpl011 *uart, uint32_t value)
{
    uint32_t changed = uart->reg[LCR_H] ^ value;

    uart->reg[LCR_H] = value;
    if ((changed & LCR_H_FEN) != 0U) {
        empty_fifo(uart);
    }
}

/** What the modem inputs show under control register @cr: the cable, or in loopback our own outputs. 3.3.8,
 *  LBE. */
static uint32_t modem_inputs(uint32_t cr)
{
    if ((cr & CR_LBE) == 0U) {
        return FR_CABLE;
    }
    return ((cr & CR_RTS) != 0U ? FR_CTS : 0U) | ((cr & CR_DTR) != 0U ? FR_DSR : 0U) |
           ((cr & CR_OUT1) != 0U ? FR_DCD : 0U) | ((cr & CR_OUT2) != 0U ? FR_RI : 0U);
}

static void write_cr(struct hv_vpl011 *uart, uint32_t value)
{
    uint32_t inputs = modem_inputs(value);
    uint32_t changed = (uart->reg[FR] ^ inputs) & FR_MODEM;

    uart->reg[CR] = value;
    uart->reg[FR] = (uart->reg[FR] & ~FR_MODEM) | inputs;
    /* UARTMSINTR: any change of a modem line, to either side (2.8.4). */
    uart->reg[RIS] |= ((changed & FR_CTS) != 0U ? INT_CTS : 0U) | ((changed & FR_DSR) != 0U ? INT_DSR : 0U) |
                      ((changed & FR_DCD) != 0U ? INT_DCD : 0U) | ((changed & FR_RI) != 0U ? INT_RI : 0U);
}

static uint32_t read_mis(struct hv_vpl011 *uart)
{
    return uart->reg[RIS] & uart->reg[IMSC];
}

static void write_icr(struct hv_vpl011 *uart, uint32_t value)
{
    uart->reg[RIS] &= ~value;
}

static void ignore_write(struct hv_vpl011 *uart, uint32_t value)
{
    (void)uart;
    (void)value;
}

/* ---- The register table ---- */

/** Without `read` and `write` a register is the storage in reg[]. Where nothing is, the mask is 0. */
struct vpl011_register {
    uint32_t mask; /* bits that exist */
    uint32_t (*read)(struct hv_vpl011 *uart);
    void (*write)(struct hv_vpl011 *uart, uint32_t value);
};

static const struct vpl011_register registers[HV_VPL011_REGISTERS] = {
    [DR] = {0xfffU, read_dr, write_dr},    [RSR] = {0x00fU, NULL, write_ecr},
    [FR] = {0x1ffU, NULL, ignore_write},   [ILPR] = {0x0ffU, NULL, NULL},
    [IBRD] = {0xffffU, NULL, NULL},        [FBRD] = {0x03fU, NULL, NULL},
    [LCR_H] = {0x0ffU, NULL, write_lcr_h}, [CR] = {0xff87U, NULL, write_cr},
    [IFLS] = {0x03fU, NULL, NULL},         [IMSC] = {INT_ALL, NULL, NULL},
    [RIS] = {INT_ALL, NULL, ignore_write}, [MIS] = {INT_ALL, read_mis, ignore_write},
    [ICR] = {INT_ALL, NULL, write_icr}, /* its storage stays 0 */
    [DMACR] = {0x007U, NULL, NULL},
};

/* 3.3.15, 3.3.16: part 0x011, designer 0x41 (Arm), revision 3: r1p5, the first with FIFOs of 32. */
static const uint8_t identification[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static uint32_t read_register(struct hv_vpl011 *uart, uint64_t word)
{
    const struct vpl011_register *reg;

    if (word - ID < ASH_ARRAY_SIZE(identification)) {
        return identification[ash_index_nospec(word - ID, ASH_ARRAY_SIZE(identification))];
    }
    if (word >= HV_VPL011_REGISTERS) {
        return 0;
    }
    word = ash_index_nospec(word, HV_VPL011_REGISTERS);
    reg = &registers[word];
    return (reg->read != NULL ? reg->read(uart) : uart->reg[word]) & reg->mask;
}

static void write_register(struct hv_vpl011 *uart, uint64_t word, uint32_t value)
{
    const struct vpl011_register *reg;

    if (word >= HV_VPL011_REGISTERS) {
        return;
    }
    word = ash_index_nospec(word, HV_VPL011_REGISTERS);
    reg = &registers[word];
    if (reg->write != NULL) {
        reg->write(uart, value & reg->mask);
    } else {
        uart->reg[word] = value & reg->mask;
    }
}

/** The guest's byte to send: most writes of a boot. */
static int send(struct hv_vpl011 *uart, uint32_t value)
{
    if ((uart->reg[FR] & FR_TXFF) != 0U && (uart->reg[CR] & CR_LBE) == 0U) {
        return ASH_EBUSY;
    }
    write_dr(uart, value);
    tell_line(uart);
    return ASH_OK;
}

static __attribute__((noinline)) int access_any(struct hv_vpl011 *uart, uint64_t offset, unsigned size,
                                                bool is_write, uint64_t *value)
{
    bool has_register = offset % 4U == 0U && (size == 1U || size == 2U || size == 4U);
    uint64_t bits = has_register ? UINT64_MAX >> (64U - 8U * size) : 0U;

    if (!has_register) {
        *value = is_write ? *value : 0U;
    } else if (is_write) {
        write_register(uart, offset / 4U, (uint32_t)(*value & bits));
        tell_line(uart);
    } else {
        *value = read_register(uart, offset / 4U) & bits;
        tell_line(uart);
    }
    return ASH_OK;
}

int hv_vpl011_access(struct hv_vpl011 *uart, uint64_t offset, unsigned size, bool is_write, uint64_t *value)
{
    /* Nearly all accesses of a boot are these two: "is there room?" and "send". */
    if (offset == FR * 4U && !is_write && size == 4U) {
        *value = uart->reg[FR];
        return ASH_OK;
    }
    if (offset == DR * 4U && is_write && (size == 1U || size == 2U || size == 4U)) {
        return send(uart, (uint32_t)*value);
    }
    return access_any(uart, offset, size, is_write, value);
}

/* ---- Life ---- */

static void power_on(struct hv_vpl011 *uart)
{
    memset(uart->reg, 0, sizeof(uart->reg));
    uart->reg[CR] = CR_TXE | CR_RXE;
    uart->reg[IFLS] = 0x12U; /* half full, half empty */
    uart->reg[FR] = FR_TXFE | FR_CABLE;
    empty_fifo(uart);
}

void hv_vpl011_init(struct hv_vpl011 *uart, const struct hv_vpl011_ops *ops, void *ctx)
{
    memset(uart, 0, sizeof(*uart));
    uart->ops = ops;
    uart->ctx = ctx;
    power_on(uart);
}

void hv_vpl011_reset(struct hv_vpl011 *uart)
{
    power_on(uart);
    tell_line(uart);
}
