/* SPDX-License-Identifier: BSD-2-Clause */
/** A virtual machine and its vCPUs. core/life.h has the states and who brings one from each to the next; here is what
 *  happens to the vCPUs on the way.
 *  Lock domain: the VM, except where a line says otherwise. Nothing here waits for another CPU: to stop and to pause
 *  are posted to the vCPUs' CPUs, and the last one to leave finishes it.
 */
#ifndef HV_CORE_VM_H
#define HV_CORE_VM_H

#include <libboot/config.h>
#include <libvcpu/context.h>

#include "core/account.h"
#include "core/life.h"
#include "core/lock.h"
#include "core/mail.h"
#include "core/verdict.h"
#include "glue/machine.h"

struct hv;
struct hv_cpu;
struct hv_place;

/** Why it ended. */
enum hv_vm_end {
    HV_END_OFF,     /* the guest asked: PSCI SYSTEM_OFF, or every vCPU is off */
    HV_END_RESET,   /* the guest asked: PSCI SYSTEM_RESET */
    HV_END_FAULT,   /* stopped for what it did, or its watchdog did it, with a report on the console */
    HV_END_COMMAND, /* somebody commanded it (core/life.h) */
    HV_END_MACHINE  /* nobody is left that keeps the machine up */
};

/** What follows. */
enum hv_vm_then {
    HV_THEN_POLICY, /* what vms.dts says for this end */
    HV_THEN_STOP,
    HV_THEN_RESTART,
    HV_THEN_DESTROY
};

struct hv_vcpu {
    struct ash_vcpu_context context; /* first: SP_EL2 points here while the guest runs */
    struct hv_account account;       /* next: assembly counts */
    struct hv_vm *vm;
    struct hv_cpu
        *cpu; /* that runs it. One that may move: by core/move.h; read with the VM's or distributor's lock */
    struct hv_cpu *home; /* where it was at first; of vCPU 0: where its VM's devices' alarms ring */
    uint32_t index;
    uint32_t on;   /* 1: to be run by its CPU. Read without the lock by that CPU only */
    uint32_t held; /* 1: its VM is paused, and it is not on its CPU. Likewise */
    bool restarts; /* it begins again at restart_entry when it is loaded next. Its CPU's own */
    ash_ipa_t restart_entry;
    uint64_t restart_x0;
    struct ash_vgic_vcpu vgic;
    struct hv_turn turn;
    uint32_t life;       /* how often it began */
    struct hv_mail mail; /* to its CPU, which takes it into its list or out of it */
    struct hv_vcpu_arch arch;
};

struct hv_vm {
    struct hv *hv;
    struct hv_place *place; /* in the configuration */
    uint32_t slot;          /* its number */
    uint32_t vcpus;
    const char *name;

    struct hv_lock lock;
    enum hv_life_state state; /* OFF to DESTROYING. Atomic: its vCPUs' CPUs look without the lock */
    enum hv_vm_end end;
    enum hv_vm_then then; /* when it has ended */
    uint32_t vcpus_on;
    uint32_t vcpus_held;
    bool ran;         /* once at least: its machine is not as it was made */
    uint64_t off_at;  /* when a shutdown turns into a power-off, in ticks; UINT64_MAX: never. Atomic */
    uint32_t reports; /* faults reported so far: a guest cannot flood the console with them */
    struct hv_cpu *commander; /* on which the last command was given */

    struct hv_vcpu *vcpu[HV_MACHINE_MAX_VCPUS];
    struct hv_machine machine; /* its own locks: glue/machine.h */
    struct ash_boot_vm config;
    struct ash_boot_vm_images images;
};

/* ---- Making: core/vm_create.c ------------------------------------------------------------------------------------ */

/** The VM of @place, which has a plan: vCPUs (in no CPU's list yet) and machine (without RAM). *@vm, OFF; or an error,
 *  a line on the console that says what, and nothing has changed. Takes the VM list's lock and the page pool's. */
int hv_vm_make(struct hv_place *place, struct hv_vm **vm) ASH_NODISCARD;

/** What hv_machine_destroy() leaves: @vm itself and its vCPUs. No CPU has one of them in its list. Likewise. */
void hv_vm_free(struct hv_vm *vm);

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/** Where it stands, without the lock: by a CPU that has one of its vCPUs. */
static inline enum hv_life_state hv_vm_state(const struct hv_vm *vm)
{
    /* Acquire: what was done to the vCPUs before it came to this state is seen. */
    return (enum hv_life_state)__atomic_load_n(&vm->state, __ATOMIC_ACQUIRE);
}

/** Its images are loaded: vCPU 0 begins. Wants the lock; STARTING. */
void hv_vm_begin(struct hv_vm *vm, ash_ipa_t entry, uint64_t x0);

/** End the VM, if it runs, is paused, or starts: its vCPUs' CPUs are told. The first cause counts. Takes the lock; may
 *  be called from the VM's own vCPU, which then returns HV_LEAVE. */
void hv_vm_stop(struct hv_vm *vm, enum hv_vm_end end);
/** The same with the lock held. */
void hv_vm_stop_locked(struct hv_vm *vm, enum hv_vm_end end);

/** Its vCPUs leave their CPUs and stay on. Wants the lock; RUNNING. */
void hv_vm_pause(struct hv_vm *vm);
/** They may run again. Wants the lock; PAUSING, PAUSED. */
void hv_vm_resume(struct hv_cpu *cpu, struct hv_vm *vm);

/** vCPU @index begins at @entry with @x0 (PSCI CPU_ON, start). Wants the lock; the vCPU is off. */
void hv_vm_vcpu_on(struct hv_vm *vm, uint32_t index, ash_ipa_t entry, uint64_t x0);

/** The vCPU has left its CPU and is put: it is off, and the VM may have ended with that. Takes the lock. */
void hv_vm_vcpu_left(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** May @vcpu's CPU run it now? If its VM is stopping it is turned off instead, and if that is to be paused, held. Takes
 *  the lock. */
bool hv_vm_vcpu_may_run(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** Is @vcpu held? Of a VM that is paused or is to be, by its CPU. */
static inline bool hv_vm_vcpu_is_held(const struct hv_vcpu *vcpu)
{
    /* Acquire: whoever lets it go has written when it is to wake up. */
    return __atomic_load_n(&vcpu->held, __ATOMIC_ACQUIRE) != 0U;
}

/** Is @vm on its way to its end? Without the lock, by a CPU on which one of its vCPUs is loaded. */
static inline bool hv_vm_is_stopping(const struct hv_vm *vm)
{
    return hv_vm_state(vm) == HV_LIFE_STOPPING;
}

/** When something of @vm's wants to be looked at, in ticks; UINT64_MAX: never. Any context. */
uint64_t hv_vm_alarm_time(const struct hv_vm *vm);
/** If that is now, look. On @cpu, whose alarm rang: that of vCPU 0. No lock is held. */
void hv_vm_alarm(struct hv_cpu *cpu, struct hv_vm *vm);

/** Print @format as a report about @vm, limited in number. Any context without the console lock. */
void hv_vm_report(struct hv_vm *vm, const char *format, ...) ASH_PRINTF(2, 3);

#endif
