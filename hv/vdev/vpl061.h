/* SPDX-License-Identifier: BSD-2-Clause */
/** An emulated PrimeCell general purpose I/O (PL061): Arm DDI 0190 issue B, chapter 3. Eight pins.
 *
 *  A pin that is an input has the level that hv gives it (hv_vpl061_drive(), low at first); one that is an output
 *  drives nothing here, and only inputs are looked at for interrupts. No alternate function is wired: GPIOAFSEL keeps
 *  what is written and changes nothing. The integration test registers (chapter 4) are not there.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_VPL061_H
#define HV_VDEV_VPL061_H

#include <stdbool.h>
#include <stdint.h>

#define HV_VPL061_PINS 8U

struct hv_vpl061_ops {
    /** The combined interrupt output GPIOINTR changed to @level. Context: inside any call below but init. Must not call
     *  back. Cannot fail. */
    void (*set_irq)(void *ctx, bool level);
};

/** One block of eight pins. Allocated by the caller; private. A bit each. */
struct hv_vpl061 {
    const struct hv_vpl061_ops *ops;
    void *ctx;
    uint8_t pins;  /* the levels that hv gives */
    uint8_t edges; /* detected on edge-triggered pins and not cleared */
    uint8_t data;  /* what outputs were last written */
    uint8_t direction, sense, both_edges, event, enable, function; /* GPIODIR, IS, IBE, IEV, IE, AFSEL */
    bool line;                                                     /* as last told to set_irq() */
};

/** As out of reset, every pin low, the output low (not told). ops, ctx: outlive it, the op present. */
void hv_vpl061_init(struct hv_vpl061 *gpio, const struct hv_vpl061_ops *ops, void *ctx);

/** As out of reset; the pins keep the levels that hv gives them. An output that was high is told low. HAL: set_irq. */
void hv_vpl061_reset(struct hv_vpl061 *gpio);

/** A guest's access of @size bytes at @offset from the block's base.
 *  Widths, lanes and unknown registers: as hv_vpl011_access(). GPIODATA: offset [9:2] says which pins (3.3.1).
 *  value: in for a write, out for a read (zero-extended).
 *  Returns ASH_OK, always. HAL: set_irq. */
int hv_vpl061_access(struct hv_vpl061 *gpio, uint64_t offset, unsigned size, bool is_write, uint64_t *value);

/** Pin @pin, 0..7, has @level from now on. HAL: set_irq. */
void hv_vpl061_drive(struct hv_vpl061 *gpio, unsigned pin, bool level);

/** Has pin @pin, 0..7, an interrupt that the guest lets out and has not cleared? */
bool hv_vpl061_is_pending(const struct hv_vpl061 *gpio, unsigned pin);

#endif
