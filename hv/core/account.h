/* SPDX-License-Identifier: BSD-2-Clause */
/** What a vCPU and a CPU spend: exits by reason, time.
 *
 *  A vCPU's counters are its CPU's own while it is loaded, so plain adds; anybody may read them, each as it stood at
 *  some moment of the call. They begin when the VM is created, and go on over its resets.
 *  An exit costs three instructions. Time is taken where a vCPU comes to a CPU, leaves it, or waits on it, never on an
 *  exit. A vCPU that has its CPU for itself waits for interrupts in hardware, without an exit: that is run time of its.
 */
#ifndef HV_CORE_ACCOUNT_H
#define HV_CORE_ACCOUNT_H

#include <stdint.h>

struct hv_cpu;
struct hv_vcpu;

/** Known to assembly up to ABORT (arch/aarch64/asm.h). */
enum hv_exit_reason {
    HV_EXIT_INTERRUPT, /* a physical one: a timer of the guest's, a kick, a device of hv's */
    HV_EXIT_HVC,
    HV_EXIT_SMC,
    HV_EXIT_SYSREG,
    HV_EXIT_ABORT, /* a data abort: a device, or nothing there */
    HV_EXIT_WFX,   /* WFI and WFE, where they trap */
    HV_EXIT_FETCH, /* an instruction abort */
    HV_EXIT_UNDEF, /* what is hidden from the guest */
    HV_EXIT_SERROR,
    HV_EXIT_OTHER, /* all of which end the VM */
    HV_EXIT_REASONS
};

/** A vCPU's part. Ticks. */
struct hv_account {
    uint64_t exits[HV_EXIT_REASONS];
    uint64_t loads; /* how often it came to a CPU */
    uint64_t ran;
    uint64_t stolen;   /* it was ready, and not loaded */
    uint64_t on;       /* how long it was on before @on_since */
    uint64_t on_since; /* 0: it is off */
};

/** A CPU's part. Ticks; its own. */
struct hv_cpu_account {
    uint64_t idle;
    uint64_t idle_since; /* 0: it is not */
};

/** How things stand. Times in ns. */
struct hv_account_view {
    uint64_t exits[HV_EXIT_REASONS];
    uint64_t exits_in_all;
    uint64_t loads;
    uint64_t on;    /* since CPU_ON: the three below */
    uint64_t run;   /* on a CPU, its exits included */
    uint64_t steal; /* it wanted to run, and others did, or its budget was used up */
    uint64_t idle;  /* it waited for an interrupt, or its VM was paused */
};

/** Of @vcpu. Any CPU, no lock; while the VM is not destroyed. */
void hv_account_read(const struct hv_vcpu *vcpu, struct hv_account_view *view);

/** How long @cpu has had no vCPU to run since hv began, in ns. Any CPU. */
uint64_t hv_account_cpu_idle(const struct hv_cpu *cpu);

/** "hvc"; never NULL. */
const char *hv_exit_reason_name(enum hv_exit_reason reason);

/** What its CPU alone writes and others read: in one piece, and no more than that. */
static inline void hv_account_set(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline void hv_account_add(uint64_t *counter, uint64_t by)
{
    hv_account_set(counter, *counter + by);
}

/** On its CPU. */
static inline void hv_account_exit(struct hv_account *account, enum hv_exit_reason reason)
{
    hv_account_add(&account->exits[reason], 1);
}

/** @vcpu is on from now on; it is off; by whom it is turned so. */
void hv_account_on(struct hv_account *account);
void hv_account_off(struct hv_account *account);

/** This CPU goes to sleep; it woke. */
void hv_account_sleep(struct hv_cpu_account *account);
void hv_account_wake(struct hv_cpu_account *account);

#endif
