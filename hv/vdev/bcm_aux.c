/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_aux.h"

#include <stddef.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/nospec.h>

/* BCM2835 ARM Peripherals 2.1: word numbers of the registers. */
enum {
    IRQ = 0x00 / 4,
    ENB = 0x04 / 4,
    IO = 0x40 / 4,
    IER = 0x44 / 4,
    IIR = 0x48 / 4,
    LCR = 0x4c / 4,
    MCR = 0x50 / 4,
    LSR = 0x54 / 4,
    MSR = 0x58 / 4,
    SCRATCH = 0x5c / 4,
    CNTL = 0x60 / 4,
    STAT = 0x64 / 4,
    BAUD = 0x68 / 4
};

#define IER_RX      0x1U
#define IER_TX      0x2U
#define IIR_NONE    0x1U
#define IIR_TX      0x2U
#define IIR_RX      0x4U
#define IIR_FIFOS   0xc0U
#define IIR_CLEAR   0x2U /* written: empty the receive FIFO */
#define LCR_DLAB    0x80U
#define LCR_BITS    0xc3U
#define MCR_BITS    0x02U
#define LSR_DATA    0x01U
#define LSR_ROOM    0x20U
#define LSR_IDLE    0x40U
#define MSR_CTS     0x20U
#define CNTL_RX     0x1U
#define STAT_DATA   0x001U
#define STAT_ROOM   0x002U
#define STAT_RXIDLE 0x004U
#define STAT_TXIDLE 0x008U
#define STAT_TXFULL 0x020U
#define STAT_CTS    0x080U
#define STAT_EMPTY  0x100U
#define STAT_DONE   0x200U

void hv_bcm_aux_reset(struct hv_bcm_aux *aux)
{
    *aux = (struct hv_bcm_aux){.cntl = 3};
}

static bool asks_for_rx(const struct hv_bcm_aux *aux)
{
    return (aux->ier & IER_RX) != 0U && aux->count > 0U;
}

static bool asks_for_tx(const struct hv_bcm_aux *aux)
{
    return (aux->ier & IER_TX) != 0U && !aux->is_full;
}

bool hv_bcm_aux_irq(const struct hv_bcm_aux *aux)
{
    return asks_for_rx(aux) || asks_for_tx(aux);
}

unsigned hv_bcm_aux_space(const struct hv_bcm_aux *aux)
{
    return (aux->cntl & CNTL_RX) != 0U ? HV_BCM_AUX_FIFO - aux->count : 0U;
}

bool hv_bcm_aux_receive(struct hv_bcm_aux *aux, uint8_t byte)
{
    if (hv_bcm_aux_space(aux) == 0U) {
        return false;
    }
    aux->fifo[(aux->head + aux->count) % HV_BCM_AUX_FIFO] = byte;
    aux->count++;
    return true;
}

void hv_bcm_aux_set_room(struct hv_bcm_aux *aux, bool has_room)
{
    aux->is_full = !has_room;
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

static uint32_t read_irq(struct hv_bcm_aux *aux)
{
    return hv_bcm_aux_irq(aux) ? 1U : 0U;
}

static uint32_t read_enables(struct hv_bcm_aux *aux)
{
    return aux->enables;
}

static uint32_t read_io(struct hv_bcm_aux *aux)
{
    uint8_t byte = 0;

    if ((aux->lcr & LCR_DLAB) != 0U) {
        return aux->baud & 0xffU;
    }
    if (aux->count > 0U) {
        byte = aux->fifo[aux->head % HV_BCM_AUX_FIFO];
        aux->head = (uint8_t)((aux->head + 1U) % HV_BCM_AUX_FIFO);
        aux->count--;
    }
    return byte;
}

static uint32_t read_ier(struct hv_bcm_aux *aux)
{
    return (aux->lcr & LCR_DLAB) != 0U ? (uint32_t)aux->baud >> 8 : aux->ier;
}

static uint32_t read_iir(struct hv_bcm_aux *aux)
{
    if (asks_for_rx(aux)) {
        return IIR_FIFOS | IIR_RX;
    }
    return IIR_FIFOS | (asks_for_tx(aux) ? IIR_TX : IIR_NONE);
}

static uint32_t read_lcr(struct hv_bcm_aux *aux)
{
    return aux->lcr;
}

static uint32_t read_mcr(struct hv_bcm_aux *aux)
{
    return aux->mcr;
}

static uint32_t read_lsr(struct hv_bcm_aux *aux)
{
    return (aux->count > 0U ? LSR_DATA : 0U) | (aux->is_full ? 0U : LSR_ROOM | LSR_IDLE);
}

static uint32_t read_msr(struct hv_bcm_aux *aux)
{
    (void)aux;
    return MSR_CTS;
}

static uint32_t read_scratch(struct hv_bcm_aux *aux)
{
    return aux->scratch;
}

static uint32_t read_cntl(struct hv_bcm_aux *aux)
{
    return aux->cntl;
}

static uint32_t read_stat(struct hv_bcm_aux *aux)
{
    uint32_t sends =
        aux->is_full ? STAT_TXFULL | HV_BCM_AUX_FIFO << 24 : STAT_ROOM | STAT_TXIDLE | STAT_EMPTY | STAT_DONE;

    return sends | STAT_RXIDLE | STAT_CTS | (aux->count > 0U ? STAT_DATA : 0U) | (uint32_t)aux->count << 16;
}

static uint32_t read_baud(struct hv_bcm_aux *aux)
{
    return aux->baud;
}

static void write_nothing(struct hv_bcm_aux *aux, uint32_t value)
{
    (void)aux;
    (void)value;
}

static void write_enables(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->enables = value & 7U;
}

/** The low byte of the divisor; a byte to send does not come here. */
static void write_io(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->baud = (uint16_t)((aux->baud & 0xff00U) | (value & 0xffU));
}

static void write_ier(struct hv_bcm_aux *aux, uint32_t value)
{
    if ((aux->lcr & LCR_DLAB) != 0U) {
        aux->baud = (uint16_t)((aux->baud & 0xffU) | (value & 0xffU) << 8);
    } else {
        aux->ier = (uint8_t)(value & 0xfU);
    }
}

static void write_iir(struct hv_bcm_aux *aux, uint32_t value)
{
    if ((value & IIR_CLEAR) != 0U) {
        aux->head = 0;
        aux->count = 0;
    }
}

static void write_lcr(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->lcr = (uint8_t)(value & LCR_BITS);
}

static void write_mcr(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->mcr = (uint8_t)(value & MCR_BITS);
}

static void write_scratch(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->scratch = (uint8_t)value;
}

static void write_cntl(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->cntl = (uint8_t)value;
}

static void write_baud(struct hv_bcm_aux *aux, uint32_t value)
{
    aux->baud = (uint16_t)value;
}

static const struct {
    uint32_t (*read)(struct hv_bcm_aux *aux); /* NULL: nothing is there */
    void (*write)(struct hv_bcm_aux *aux, uint32_t value);
} registers[] = {
    [IRQ] = {read_irq, write_nothing}, [ENB] = {read_enables, write_enables},
    [IO] = {read_io, write_io},        [IER] = {read_ier, write_ier},
    [IIR] = {read_iir, write_iir},     [LCR] = {read_lcr, write_lcr},
    [MCR] = {read_mcr, write_mcr},     [LSR] = {read_lsr, write_nothing},
    [MSR] = {read_msr, write_nothing}, [SCRATCH] = {read_scratch, write_scratch},
    [CNTL] = {read_cntl, write_cntl},  [STAT] = {read_stat, write_nothing},
    [BAUD] = {read_baud, write_baud},
};

/** Its number, or the table's size: there is none. */
static uint64_t register_at(uint64_t offset)
{
    uint64_t word = offset / 4U;

    if (offset % 4U != 0U || word >= ASH_ARRAY_SIZE(registers)) {
        return ASH_ARRAY_SIZE(registers);
    }
    word = ash_index_nospec(word, ASH_ARRAY_SIZE(registers));
    return registers[word].read != NULL ? word : ASH_ARRAY_SIZE(registers);
}

uint32_t hv_bcm_aux_read(struct hv_bcm_aux *aux, uint64_t offset)
{
    uint64_t word = register_at(offset);

    return word < ASH_ARRAY_SIZE(registers) ? registers[word].read(aux) : 0U;
}

int hv_bcm_aux_write(struct hv_bcm_aux *aux, uint64_t offset, uint32_t value, int *sent)
{
    uint64_t word = register_at(offset);

    *sent = -1;
    if (word == IO && (aux->lcr & LCR_DLAB) == 0U) {
        if (aux->is_full) {
            return ASH_EBUSY;
        }
        *sent = (int)(value & 0xffU);
    } else if (word < ASH_ARRAY_SIZE(registers)) {
        registers[word].write(aux, value);
    }
    return ASH_OK;
}
