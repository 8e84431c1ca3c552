/* SPDX-License-Identifier: BSD-2-Clause */
/** An emulated PrimeCell UART (PL011), revision r1p5: Arm DDI 0183 issue G. Register offsets and bits are
 *  its chapter 3.
 *
 *  Sending takes no time: a byte written to UARTDR is with emit() before the access returns. The transmit FIFO is
 *  empty, or it is full because the outside takes no more (hv_vpl011_set_room()). Where the manual leaves room, and
 *  where this differs from it:
 *  - A byte written while the FIFO is full is not lost: the write waits.
 *  - The transmit interrupt follows transitions, not the level (2.8.3, "UARTTXINTR"): it is not asserted by
 *    enabling it, but by data having left. With no time between, every byte sent counts as a fall through
 *    the trigger level. UARTICR clears it.
 *  - A byte is sent whatever UARTEN, TXE, the word length and the baud rate are: this machine has no
 *    firmware that would have set them, and guests that rely on firmware write at once (Linux's earlycon).
 *  - Receiving asks for RXE only, which is set at reset, for the same reason.
 *  - The receive timeout (32 bit periods without data) passes at once: UARTRTINTR is asserted as soon as the
 *    receive FIFO holds something below its trigger level.
 *  - CTS, DSR and DCD are asserted, RI is not: a cable is plugged in. In loopback they follow RTS, DTR,
 *    Out1, Out2.
 *  - Changing LCR_H.FEN empties the receive FIFO.
 *  - Break, parity and framing errors never happen; IrDA and DMA registers are storage.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_VPL011_H
#define HV_VDEV_VPL011_H

#include <stdbool.h>
#include <stdint.h>

#define HV_VPL011_FIFO_SIZE 32U /* r1p5; UARTPeriphID2 says so to drivers */
#define HV_VPL011_REGISTERS 19U /* UARTDR to UARTDMACR, one word each */

struct hv_vpl011_ops {
    /** The guest sent @byte. Context: inside hv_vpl011_access(), at most once a call. Cannot fail. */
    void (*emit)(void *ctx, uint8_t byte);

    /** The combined interrupt output UARTINTR changed to @level. Context: inside any call below but init.
     *  Must not call back. Cannot fail. */
    void (*set_irq)(void *ctx, bool level);
};

/** One UART. Allocated by the caller; private. */
struct hv_vpl011 {
    const struct hv_vpl011_ops *ops;
    void *ctx;
    uint32_t reg[HV_VPL011_REGISTERS];  /* by offset / 4; UARTFR, UARTRIS always as they read */
    uint16_t fifo[HV_VPL011_FIFO_SIZE]; /* as UARTDR reads them */
    uint8_t head;                       /* the next to read */
    uint8_t count;
    bool overrun; /* to be told with the next byte received */
    bool line;    /* as last told to set_irq() */
};

/** A UART out of reset, its output low (not told). ops, ctx: outlive it, both ops present. */
void hv_vpl011_init(struct hv_vpl011 *uart, const struct hv_vpl011_ops *ops, void *ctx);

/** As out of reset: FIFO empty; an output that was high is told low. HAL: set_irq. */
void hv_vpl011_reset(struct hv_vpl011 *uart);

/** A guest's access of @size bytes at @offset from the UART's base.
 *  A register takes accesses of 1, 2 and 4 bytes at its own offset; narrow writes are zero-extended.
 *  Everything else (8 bytes, other byte lanes, unaligned, no register there) reads as zero and ignores
 *  writes, as do reserved bits.
 *  value: in for a write, out for a read (zero-extended).
 *  Returns ASH_OK; ASH_EBUSY: a byte to send while there is no room, nothing happened, do it again later.
 *  HAL: emit, set_irq. */
int hv_vpl011_access(struct hv_vpl011 *uart, uint64_t offset, unsigned size, bool is_write, uint64_t *value);

/** @byte arrives on the wire. False: the FIFO is full, or the guest has turned the receiver off or around
 *  (RXE=0, loopback); nothing changed, offer it again later. So the host never causes an overrun. HAL:
 *  set_irq. */
bool hv_vpl011_receive(struct hv_vpl011 *uart, uint8_t byte);

/** The outside takes no more bytes (the transmit FIFO is full and busy), or takes them again (it is empty, and has
 *  fallen through its trigger level). HAL: set_irq. */
void hv_vpl011_set_room(struct hv_vpl011 *uart, bool has_room);

/** How many bytes hv_vpl011_receive() would take now. */
unsigned hv_vpl011_space(const struct hv_vpl011 *uart);

#endif
