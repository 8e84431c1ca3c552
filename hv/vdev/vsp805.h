/* SPDX-License-Identifier: BSD-2-Clause */
/** An emulated Arm watchdog (SP805): Arm DDI 0270 issue B, chapter 3.
 *
 *  Time comes in as an argument: @now counts the watchdog's clock WDOGCLK, and never runs backwards (if it does, time
 *  stands still here). The counter runs while WdogControl.INTEN is set, from WdogLoad to 0 and again: at the first 0 it
 *  interrupts, and at the next one, if that was not cleared and RESEN is set, the watchdog has expired and stops.
 *  Nothing happens between calls: interrupt and expiry are in time only if somebody calls hv_vsp805_update() at
 *  hv_vsp805_deadline(). The integration test registers (chapter 4) are not there.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_VSP805_H
#define HV_VDEV_VSP805_H

#include <stdbool.h>
#include <stdint.h>

struct hv_vsp805_ops {
    /** The interrupt output WDOGINT changed to @level. Context: inside any call below but init. Must not call back.
     *  Cannot fail. */
    void (*set_irq)(void *ctx, bool level);
};

/** One watchdog. Allocated by the caller; private. */
struct hv_vsp805 {
    const struct hv_vsp805_ops *ops;
    void *ctx;
    uint64_t seen;    /* the time up to which zeros have been looked for */
    uint64_t zero_at; /* running: when the counter is 0 next */
    uint32_t load;
    uint32_t value;   /* not running: where the counter stands */
    uint32_t control; /* WdogControl: INTEN, RESEN */
    bool raw;         /* WdogRIS[0] */
    bool is_locked;
    bool has_expired; /* WDOGRES */
    bool line;        /* as last told to set_irq() */
};

/** A watchdog out of reset, its output low (not told). ops, ctx: outlive it, the op present. */
void hv_vsp805_init(struct hv_vsp805 *wdog, const struct hv_vsp805_ops *ops, void *ctx);

/** As out of reset. An output that was high is told low. HAL: set_irq. */
void hv_vsp805_reset(struct hv_vsp805 *wdog);

/** A guest's access of @size bytes at @offset from the watchdog's base at time @now.
 *  Widths, lanes and unknown registers: as hv_vpl011_access(). A WdogLoad of 0 counts as 1, the least (3.3.1).
 *  value: in for a write, out for a read (zero-extended).
 *  Returns ASH_OK, always. HAL: set_irq. */
int hv_vsp805_access(struct hv_vsp805 *wdog, uint64_t now, uint64_t offset, unsigned size, bool is_write,
                     uint64_t *value);

/** Look for zeros up to @now, and tell the output. HAL: set_irq. */
void hv_vsp805_update(struct hv_vsp805 *wdog, uint64_t now);

/** When is the counter 0 next? True: at *@deadline, > the time of the last call. False: it does not run; *@deadline is
 *  UINT64_MAX. */
bool hv_vsp805_deadline(const struct hv_vsp805 *wdog, uint64_t *deadline);

/** Time stood still for the watchdog from the last call's @now to this one's: its VM was paused. */
void hv_vsp805_skip(struct hv_vsp805 *wdog, uint64_t now);

/** Has it asserted its reset output? Until the next reset. */
static inline bool hv_vsp805_has_expired(const struct hv_vsp805 *wdog)
{
    return wdog->has_expired;
}

#endif
