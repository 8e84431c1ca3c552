/* SPDX-License-Identifier: BSD-2-Clause */
/** An emulated PrimeCell real-time clock (PL031): Arm DDI 0224 issue C, chapter 3.
 *
 *  Time comes in as an argument: @now is in seconds since 1970, from hv, and never runs backwards (if it does, time
 *  stands still here). Out of reset the counter shows @now and runs: RTCCR reads 1, as if firmware had started it.
 *  Nothing happens between calls: a match that lies in the past is found by the next call, so that the interrupt is in
 *  time only if somebody calls hv_vpl031_update() at hv_vpl031_deadline().
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_VPL031_H
#define HV_VDEV_VPL031_H

#include <stdbool.h>
#include <stdint.h>

struct hv_vpl031_ops {
    /** The interrupt output RTCINTR changed to @level. Context: inside any call below but init. Must not call back.
     *  Cannot fail. */
    void (*set_irq)(void *ctx, bool level);
};

/** One clock. Allocated by the caller; private. */
struct hv_vpl031 {
    const struct hv_vpl031_ops *ops;
    void *ctx;
    uint64_t seen;   /* the time up to which matches have been looked for */
    uint32_t offset; /* counter - now, modulo 2^32 */
    uint32_t match;
    uint32_t load;
    bool has_seen; /* false until the first call that brings a time */
    bool mask;     /* RTCIMSC[0]: 1 lets the interrupt out */
    bool raw;      /* RTCRIS[0] */
    bool line;     /* as last told to set_irq() */
};

/** A clock out of reset, its output low (not told). ops, ctx: outlive it, the op present. */
void hv_vpl031_init(struct hv_vpl031 *rtc, const struct hv_vpl031_ops *ops, void *ctx);

/** As out of reset, but for the time that the guest has set: a reset does not stop a clock. An output that was high is
 *  told low. HAL: set_irq. */
void hv_vpl031_reset(struct hv_vpl031 *rtc);

/** A guest's access of @size bytes at @offset from the clock's base at time @now.
 *  Widths, lanes and unknown registers: as hv_vpl011_access(). RTCCR cannot be cleared but by a reset (3.3.4).
 *  value: in for a write, out for a read (zero-extended).
 *  Returns ASH_OK, always. HAL: set_irq. */
int hv_vpl031_access(struct hv_vpl031 *rtc, uint64_t now, uint64_t offset, unsigned size, bool is_write,
                     uint64_t *value);

/** Look for a match up to @now, and tell the output. HAL: set_irq. */
void hv_vpl031_update(struct hv_vpl031 *rtc, uint64_t now);

/** When will the output rise? True: at *@deadline, seconds, > @now. False: not before the guest changes something
 *  (masked, or asserted already); *@deadline is UINT64_MAX. Follows a call that brought @now. */
bool hv_vpl031_deadline(const struct hv_vpl031 *rtc, uint64_t now, uint64_t *deadline);

#endif
