/* SPDX-License-Identifier: BSD-2-Clause */
/** The generic timer of a vCPU: EL1's virtual timer (CNTV) and its physical one (CNTP).
 *
 *  Time comes in as an argument: `now` is CNTPCT_EL0, physical ticks. A VM has one offset; what its guests read as
 *  CNTVCT is now - offset, modulo 2^64. It can be paused: then its time stands still, and goes on from there.
 *  Lock domain: the vCPU, but for struct ash_vtimer_vm: written before the VM's first vCPU runs, changed only with all
 *  of them stopped.
 *
 *  While the vCPU is loaded the hardware holds the state of CNTV (<libvtimer/el2.h>) and the fields here are stale.
 *  Manual: Arm ARM DDI 0487, "The Generic Timer in AArch64 state"; D17.11 (registers).
 */
#ifndef LIBVTIMER_VTIMER_H
#define LIBVTIMER_VTIMER_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** CNTV_CTL_EL0 and CNTP_CTL_EL0. */
#define ASH_VTIMER_CTL_ENABLE  ASH_BIT(0)
#define ASH_VTIMER_CTL_IMASK   ASH_BIT(1)
#define ASH_VTIMER_CTL_ISTATUS ASH_BIT(2) /* read-only */

enum ash_vtimer_id {
    ASH_VTIMER_VIRTUAL = 0, /* CNTV: compares CNTVCT */
    ASH_VTIMER_PHYSICAL =
        1, /* CNTP: compares the guest's CNTPCT, which has the same offset when it is emulated */
    ASH_VTIMER_COUNT = 2
};

enum ash_vtimer_register { ASH_VTIMER_CTL, ASH_VTIMER_CVAL, ASH_VTIMER_TVAL };

/** What all vCPUs of a VM share. Zero-initialise it; then ash_vtimer_set_count(). */
struct ash_vtimer_vm {
    uint64_t offset;    /* CNTVOFF_EL2, ticks */
    uint64_t paused_at; /* physical ticks, while paused; private */
    bool paused;        /* its time stands still: no vCPU of it is loaded */
};

struct ash_vtimer_hal {
    size_t size; /* sizeof(struct ash_vtimer_hal) */

    /** The interrupt output of @timer changed to @level. Context: that of the call that found it, the vCPU's lock
     *  held; it may take the lock of an interrupt controller, and must not call back. Cannot fail. */
    void (*set_line)(void *ctx, enum ash_vtimer_id timer, bool level);
};

struct ash_vtimer_regs {
    uint64_t cval;
    uint32_t ctl; /* ENABLE and IMASK */
    bool line;    /* as last told to set_line(); private */
};

/** One vCPU's timers. Allocated by the caller; a struct ash_vtimer_vm of zeros is a VM whose counter is the physical
 *  one. */
struct ash_vtimer {
    const struct ash_vtimer_hal *hal;
    void *ctx;
    const struct ash_vtimer_vm *vm;
    struct ash_vtimer_regs timer[ASH_VTIMER_COUNT];
};

/** Timers of a CPU out of reset: disabled, unmasked, compare value 0, lines low (not told).
 *  vm: outlives @vtimer. Returns ASH_OK, or ASH_EINVAL (a NULL, the size field, a missing op). */
int ash_vtimer_init(struct ash_vtimer *vtimer, const struct ash_vtimer_vm *vm,
                    const struct ash_vtimer_hal *hal, void *ctx) ASH_NODISCARD;

/** The vCPU is reset (PSCI CPU_ON): as after init; lines that were high are told low. */
void ash_vtimer_reset(struct ash_vtimer *vtimer);

/** The VM's counter shows @count at physical time @now; paused, from when it is resumed on. All its vCPUs are
 *  stopped. */
void ash_vtimer_set_count(struct ash_vtimer_vm *vm, uint64_t now, uint64_t count);

/** The VM's time stands still from @now on: its counter keeps its value, no timer's condition changes, and what is not
 *  asserted has no deadline. Paused already: nothing. All its vCPUs are stopped. */
void ash_vtimer_pause(struct ash_vtimer_vm *vm, uint64_t now);

/** It goes on from where it stood: the offset grows by as long as it stood still. Not paused: nothing. */
void ash_vtimer_resume(struct ash_vtimer_vm *vm, uint64_t now);

/** May CNTPCT and CNTP be given to the guest directly (CNTHCTL_EL2.EL1PCTEN and EL1PCEN)? Only where its counter is the
 *  physical one, and its vCPUs never leave their CPUs (@is_pinned). Else both trap, and are emulated with the offset of
 *  CNTVCT. */
bool ash_vtimer_physical_is_direct(const struct ash_vtimer_vm *vm, bool is_pinned);

/** What the guest reads as CNTVCT_EL0 at @now, and as CNTPCT_EL0 where that is emulated. */
uint64_t ash_vtimer_count(const struct ash_vtimer *vtimer, uint64_t now);

/** The timer condition: enabled and CNTVCT >= CVAL, 64-bit unsigned. DDI 0487 "The Generic Timer in AArch64 state". */
bool ash_vtimer_is_met(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer, uint64_t now);

/** The interrupt output: met and not masked. */
bool ash_vtimer_is_asserted(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer, uint64_t now);

/** When does the first of the timers assert its output? For the sleep of a vCPU in WFI.
 *  Returns true and *@deadline in physical ticks (@now if one asserts already), or false: none ever will before the
 *  physical counter wraps, or before the VM is resumed; *@deadline is UINT64_MAX. */
bool ash_vtimer_next_deadline(const struct ash_vtimer *vtimer, uint64_t now, uint64_t *deadline);

/** A trapped read or write of CTL, CVAL or TVAL at @now: the registers' exact semantics. TVAL is the low 32 bits of
 *  CVAL - CNTVCT, and writing it sets CVAL to CNTVCT plus its signed value. Reserved bits are RES0; while disabled
 *  ISTATUS reads 0. Total: an unknown register reads 0 and ignores writes. Neither moves the line: follow with
 *  ash_vtimer_update(). */
uint64_t ash_vtimer_read(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer,
                         enum ash_vtimer_register reg, uint64_t now);
void ash_vtimer_write(struct ash_vtimer *vtimer, enum ash_vtimer_id timer, enum ash_vtimer_register reg,
                      uint64_t now, uint64_t value);

/** Tell set_line() about each output that changed since the last time. HAL: set_line. */
void ash_vtimer_update(struct ash_vtimer *vtimer, uint64_t now);

/** The timers of a vCPU that is not loaded, independent of when and where. */
#define ASH_VTIMER_IMAGE_VERSION 1U

struct ash_vtimer_image {
    uint32_t version; /* ASH_VTIMER_IMAGE_VERSION */
    uint32_t ctl[ASH_VTIMER_COUNT];
    uint32_t reserved;               /* 0 */
    uint64_t cval[ASH_VTIMER_COUNT]; /* on the guest's counter */
};

/** The VM's time, likewise: what its counter shows. */
struct ash_vtimer_vm_image {
    uint32_t version; /* ASH_VTIMER_IMAGE_VERSION */
    uint32_t paused;  /* 0, 1 */
    uint64_t count;   /* CNTVCT */
};

void ash_vtimer_vm_export(const struct ash_vtimer_vm *vm, uint64_t now, struct ash_vtimer_vm_image *image);

/** The VM's counter goes on, or stands still, at @now with what it showed when it was exported. All its vCPUs are
 *  stopped. Returns ASH_OK, or ASH_EFORMAT: nothing changed. */
int ash_vtimer_vm_import(struct ash_vtimer_vm *vm, uint64_t now,
                         const struct ash_vtimer_vm_image *image) ASH_NODISCARD;

void ash_vtimer_export(const struct ash_vtimer *vtimer, struct ash_vtimer_image *image);

/** Returns ASH_OK, or ASH_EFORMAT (version, reserved bits): nothing changed. Follow with ash_vtimer_update(). */
int ash_vtimer_import(struct ash_vtimer *vtimer, const struct ash_vtimer_image *image) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
