/* SPDX-License-Identifier: BSD-2-Clause */
/** The hypervisor: everything that there is one of. */
#ifndef HV_CORE_HV_H
#define HV_CORE_HV_H

#include <libboot/board.h>
#include <libboot/bundle.h>
#include <libbase/compiler.h>

#include "core/console.h"
#include "core/cpu.h"
#include "core/lock.h"
#include "core/pages.h"
#include "core/plan.h"
#include "core/ranges.h"
#include "core/rng.h"
#include "core/shell.h"
#include "core/vm.h"

#define HV_NONCE_MAX 64U

struct hv {
    struct ash_boot_board board;
    struct ash_boot_span board_tree;    /* the board's device tree itself; size 0: none */
    struct ash_boot_span linked_bundle; /* part of hv's image; size 0: none */
    struct ash_boot_bundle bundle;      /* archive.size 0: there is none */
    struct hv_ranges ranges;
    struct hv_pages pages;
    struct hv_rng rng;
    bool has_entropy; /* the board gave a seed: what @rng makes cannot be guessed */

    ASH_ALIGNED(64) struct ash_vmid_pool vmids; /* each switch reads it; by vms_lock where it wants one */
    ASH_ALIGNED(64) struct hv_lock vms_lock;    /* VM list: count, foreground, exit status; VMIDs; rng */
    struct hv_configured *configured;           /* what stays of the configuration; NULL: there is none */
    uint32_t vms;                               /* places in it */
    /* The VM of each place; NULL: there is none now. Lock domain: written with the VM list's and the console's lock
     * held, read with either. */
    struct hv_vm *vm[HV_MAX_VMS];
    struct hv_virtio_hub *hub;                        /* glue/virtio_vsock.c; NULL: no VM has sockets */
    struct hv_virtio_pipes *pipes;                    /* glue/virtio_pipe.c; NULL: no VM has an end of one */
    struct hv_virtio_lan *lan[ASH_BOOT_SWITCHES_MAX]; /* glue/virtio_net.c; NULL: nobody is plugged in */
    uint32_t live;                                    /* VMs that have not ended */
    uint32_t foreground;                              /* of those, the ones that keep the machine up */
    bool ending;                              /* none of those is left, and the last one ended by itself */
    bool over;                                /* and nobody at all: the machine ends */
    bool front_refused;                       /* a VM that would have kept the machine up was refused */
    const char *faulted;                      /* the first VM that was stopped for a fault, or refused */
    const char *ended;                        /* the last VM that ended */
    char refused_name[ASH_BOOT_VM_NAME_SIZE]; /* what @faulted points to when that VM was never built */

    struct hv_lock console_lock; /* of console, below */
    uint32_t input_waits;        /* a VM did not take a byte: look again when it has room. Atomic */
    int held_input;              /* a typed byte that nobody takes yet, or -1 */
    struct hv_cpu *console_cpu;  /* that takes the UART's interrupts, and runs the shell; NULL: none yet */
    bool log_errors_only; /* of hv's own lines only those about mistakes and faults are shown. Atomic */

    struct hv_cpu *cpu[HV_MAX_CPUS];
    uint32_t cpus;

    uint64_t epoch_seconds; /* the board's RTC at boot, and the counter then */
    uint64_t epoch_ticks;

    uint32_t panicking;
    bool is_after_reset;   /* the flight recorder held what was before a warm reset */
    bool dumps_recorder;   /* it is printed when the machine ends (hv's option ashlar.trace) */
    bool vgic_in_software; /* also where hardware could deliver (hv's option ashlar.vgic=software) */
    char nonce[HV_NONCE_MAX];
    const char
        *guest_args; /* appended to every VM's bootargs (hv's option ashlar.guest-args), not NUL-terminated */
    size_t guest_args_size;

    /* Large, and last: hv_console_create() makes them out of whatever was here, all before has to be zero. */
    struct hv_console console;
    struct hv_shell shell;
};

/** A line of hv's own on the console: "ashlar: …". Takes the console lock. */
void hv_log(struct hv *hv, const char *format, ...) ASH_PRINTF(2, 3);

/** A mistake in an input, as one line of hv's own, whole. Takes the console lock. */
void hv_log_fault(struct hv *hv, const struct ash_boot_fault *fault);

/** Now, in seconds since 1970, by the board's RTC at boot and the counter since. */
uint64_t hv_seconds_since_epoch(const struct hv *hv);

/** hv_arch_ticks() when that becomes @second; UINT64_MAX: never. */
uint64_t hv_ticks_at_second(const struct hv *hv, uint64_t second);

/** The last VM is gone: the exit line, then power off. */
_Noreturn void hv_finish(struct hv *hv);

/** @tree at an address that libfdt takes; NULL: no memory. */
const void *hv_align_tree(struct hv *hv, const struct ash_boot_span *tree);

/** hv's own options, out of the board's /chosen/bootargs. As early as there is a board: a panic's exit line has the
 *  nonce too. */
void hv_read_options(struct hv *hv);

/** Boot, on the boot CPU with everything mapped: bundle, VMs, then the CPUs run. The
 *  options have been read. */
_Noreturn void hv_boot(struct hv *hv, struct hv_cpu *cpu);

#endif
