/* SPDX-License-Identifier: BSD-2-Clause */
/** The auxiliary block of a BCM2837 with its mini-UART: BCM2835 ARM Peripherals, chapter 2, and the published
 *  errata of that chapter (IER: bit 0 is the receive, bit 1 the transmit interrupt; LCR: 8 bits are value 3). The
 *  two SPI masters are not there: they read 0.
 *
 *  Sending takes no time, so the transmit FIFO is empty, or it is full because the outside takes no more
 *  (hv_bcm_aux_set_room()): a byte written then is not lost, the write waits. Where this differs from the manual:
 *  - Registers and sending work whatever AUXENB and CNTL say, receiving unless CNTL.0 is 0: a program may rely on
 *    firmware that has turned the mini-UART on (enable_uart=1).
 *  - IER [3:2] need not be set.
 *  - Break, framing and auto flow control never happen; what belongs to them is storage.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_AUX_H
#define HV_VDEV_BCM_AUX_H

#include <stdbool.h>
#include <stdint.h>

#define HV_BCM_AUX_FIFO 8U

struct hv_bcm_aux {
    uint8_t enables; /* AUXENB */
    uint8_t ier;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t scratch;
    uint8_t cntl;
    uint16_t baud;
    uint8_t fifo[HV_BCM_AUX_FIFO];
    uint8_t head; /* the next to read */
    uint8_t count;
    bool is_full; /* nothing can be sent */
};

void hv_bcm_aux_reset(struct hv_bcm_aux *aux);

/** Register at @offset from the block's base. A write of a byte to send puts it to *@sent, else that is -1.
 *  hv_bcm_aux_write() returns ASH_OK, or ASH_EBUSY: a byte to send while there is no room; nothing happened. */
uint32_t hv_bcm_aux_read(struct hv_bcm_aux *aux, uint64_t offset);
int hv_bcm_aux_write(struct hv_bcm_aux *aux, uint64_t offset, uint32_t value, int *sent);

/** Its interrupt, AUX (GPU 29). */
bool hv_bcm_aux_irq(const struct hv_bcm_aux *aux);

/** @byte arrives. False: no room, or the receiver is off; nothing changed. */
bool hv_bcm_aux_receive(struct hv_bcm_aux *aux, uint8_t byte);
unsigned hv_bcm_aux_space(const struct hv_bcm_aux *aux);

/** The outside takes no more bytes, or takes them again. */
void hv_bcm_aux_set_room(struct hv_bcm_aux *aux, bool has_room);

#endif
