/* SPDX-License-Identifier: BSD-2-Clause */
/** The peripherals of a BCM2837 as one machine, for programs that were written for a bare Raspberry Pi 3: the
 *  blocks of the bcm_*.h next to this one, wired to one another. What is not among them reads 0 and ignores writes.
 *
 *  Time comes in as an argument: @now is what the VM's counter (CNTVCT_EL0) shows, config.hz of them a second, and
 *  it never runs backwards (if it does, time stands still here). Nothing happens between calls: interrupts and
 *  resets are in time if somebody calls hv_bcm2837_update() at hv_bcm2837_deadline().
 *  Registers take accesses of 1, 2 and 4 bytes at their own offset; narrow writes are zero-extended. Everything
 *  else (8 bytes, other byte lanes, unaligned) reads as zero and ignores writes.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM2837_H
#define HV_VDEV_BCM2837_H

#include "vdev/bcm_aux.h"
#include "vdev/bcm_blocks.h"
#include "vdev/bcm_intc.h"
#include "vdev/bcm_local.h"
#include "vdev/bcm_mailbox.h"
#include "vdev/bcm_systimer.h"
#include "vdev/vpl011.h"

#define HV_BCM2837_PERIPHERALS      UINT64_C(0x3f000000)
#define HV_BCM2837_PERIPHERALS_SIZE UINT64_C(0x01000000)
#define HV_BCM2837_LOCAL            UINT64_C(0x40000000)
#define HV_BCM2837_LOCAL_SIZE       UINT64_C(0x1000)

struct hv_bcm2837_config {
    uint64_t hz;
    struct hv_bcm_board board;
    struct hv_bcm_memory memory;
    /** A random number. Context: inside an access. */
    uint32_t (*random)(void *ctx);
    void *ctx; /* of @random */
};

enum hv_bcm_console { HV_BCM_CONSOLE_NONE, HV_BCM_CONSOLE_PL011, HV_BCM_CONSOLE_AUX };

/** Allocated by the caller; private but for the results. */
struct hv_bcm2837 {
    struct hv_bcm2837_config config;
    struct hv_vpl011 *pl011;
    uint64_t now; /* the time of the last call */
    struct hv_bcm_intc intc;
    struct hv_bcm_local local;
    struct hv_bcm_systimer systimer;
    struct hv_bcm_aux aux;
    struct hv_bcm_gpio gpio;
    struct hv_bcm_pm pm;
    struct hv_bcm_rng rng;
    struct hv_bcm_firmware firmware;
    struct hv_bcm_mailbox mailbox;
    bool pl011_irq;

    /* Results. */
    int sent;                    /* what the mini-UART sent during the last access, or -1 */
    enum hv_bcm_console console; /* the UART that the guest touched last: it gets what is typed */
};

/** A machine at power-on. @pl011: the caller's, initialised by it with hv_bcm2837_pl011_irq() behind its set_irq().
 *  Both it and what config points to outlive it. */
void hv_bcm2837_init(struct hv_bcm2837 *soc, const struct hv_bcm2837_config *config, struct hv_vpl011 *pl011,
                     uint64_t now);
void hv_bcm2837_soc_reset(struct hv_bcm2837 *soc, uint64_t now);
void hv_bcm2837_pl011_irq(struct hv_bcm2837 *soc, bool level);

/** A guest's access of @size bytes, @offset bytes behind HV_BCM2837_PERIPHERALS or HV_BCM2837_LOCAL.
 *  value: in for a write, out for a read (zero-extended).
 *  Returns ASH_OK; ASH_EBUSY: a byte to send while there is no room, nothing happened, do it again later. */
int hv_bcm2837_access(struct hv_bcm2837 *soc, uint64_t now, uint64_t offset, unsigned size, bool is_write,
                      uint64_t *value);
int hv_bcm2837_access_local(struct hv_bcm2837 *soc, uint64_t now, uint64_t offset, unsigned size,
                            bool is_write, uint64_t *value);

/** Time has passed, or an input has changed. */
void hv_bcm2837_update(struct hv_bcm2837 *soc, uint64_t now);

/** When it wants that next, on the clock of @now; UINT64_MAX: never. Follows a call that brought a time. */
uint64_t hv_bcm2837_deadline(const struct hv_bcm2837 *soc);

/** Does core @core, 0..3, have an IRQ (@fiq: a FIQ) pending? @without: bits of its sources that do not count. */
static inline bool hv_bcm2837_line(const struct hv_bcm2837 *soc, unsigned core, bool fiq, uint32_t without)
{
    return (hv_bcm_local_sources(&soc->local, core, fiq) & ~without) != 0U;
}

/** The machine was stopped from outside for @ticks that its counter went on: the watchdog was, too. */
void hv_bcm2837_skip(struct hv_bcm2837 *soc, uint64_t ticks);

/** @byte is typed. False: no room in the UART that gets it, or none gets it yet. */
bool hv_bcm2837_receive(struct hv_bcm2837 *soc, uint8_t byte);
unsigned hv_bcm2837_space(const struct hv_bcm2837 *soc);
/** For both UARTs. */
void hv_bcm2837_set_room(struct hv_bcm2837 *soc, bool has_room);

#endif
