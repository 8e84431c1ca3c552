/* SPDX-License-Identifier: BSD-2-Clause */
/** A virtual machine and its vCPUs: their life.
 *
 *      READY ── start ──▶ RUNNING ── SYSTEM_OFF, SYSTEM_RESET, fault ──▶ STOPPING ── last vCPU has left ──▶ ENDED
 *                            ▲                                                              │ reset
 *                            └──────────────────────────────────────────────────────────────┘
 *  Lock domain: the VM, except where a line says otherwise. Nothing here waits for another CPU: stopping is posted to
 *  the vCPUs' CPUs, and the last one to leave finishes it.
 */
#ifndef HV_CORE_VM_H
#define HV_CORE_VM_H

#include <libboot/config.h>
#include <libvcpu/context.h>

#include "core/account.h"
#include "core/lock.h"
#include "core/verdict.h"
#include "glue/machine.h"

struct hv;
struct hv_cpu;

enum hv_vm_state { HV_VM_READY, HV_VM_RUNNING, HV_VM_STOPPING, HV_VM_ENDED };

enum hv_vm_end {
    HV_END_OFF,   /* the guest asked: PSCI SYSTEM_OFF, or every vCPU is off */
    HV_END_RESET, /* the guest asked: PSCI SYSTEM_RESET; starts again from pristine images */
    HV_END_FAULT  /* stopped for what it did, with a report on the console */
};

struct hv_vcpu {
    struct ash_vcpu_context context; /* first: SP_EL2 points here while the guest runs */
    struct hv_account account;       /* next: assembly counts */
    struct hv_vm *vm;
    struct hv_cpu *cpu; /* that runs it */
    uint32_t index;
    uint32_t on;   /* 1: to be run by its CPU. Read without the lock by that CPU only */
    bool restarts; /* it begins again at restart_entry when it is loaded next. Its CPU's own */
    ash_ipa_t restart_entry;
    uint64_t restart_x0;
    struct ash_vgic_vcpu vgic;
    struct hv_turn turn;
    uint32_t life; /* how often it began */
    struct hv_vcpu_arch arch;
};

struct hv_vm {
    struct hv *hv;
    uint32_t slot;
    uint32_t vcpus;
    const char *name;

    struct hv_lock lock;
    enum hv_vm_state state;
    enum hv_vm_end end;
    uint32_t vcpus_on;
    bool ran;         /* once at least: its machine is not as it was made */
    uint32_t reports; /* faults reported so far: a guest cannot flood the console with them */

    struct hv_vcpu *vcpu[HV_MACHINE_MAX_VCPUS];
    struct hv_machine machine; /* its own locks: glue/machine.h */
    struct ash_boot_vm config;
    struct ash_boot_vm_images images;
    bool spent; /* its images were in memory, and it has run: they are not pristine any more */
};

/** Build the VM that @plan has CPUs, memory and images for: READY. On an error a line on the console says what, and
 *  what it had been given is the plan's to drop. Lock domain: boot. */
int hv_vm_create(struct hv *hv, const struct hv_plan_vm *plan);

/** Load pristine images and turn vCPU 0 on. READY only; on any CPU that has no vCPU loaded. Takes the lock. */
int hv_vm_start(struct hv_cpu *cpu, struct hv_vm *vm);

/** hv_vm_start() failed: account for a VM that ended before it began. */
void hv_vm_never_started(struct hv_vm *vm);

/** If no VM is left that keeps the machine up, stop the others (`background` in vms.dts). */
void hv_vms_stop_background(struct hv *hv);

/** End the VM: post STOP to the CPUs of its vCPUs. The first cause counts. Takes the lock; may be called from the
 *  VM's own vCPU, which then returns HV_LEAVE. */
void hv_vm_stop(struct hv_vm *vm, enum hv_vm_end end);

/** vCPU @index begins at @entry with @x0 (PSCI CPU_ON, start). Wants the lock; the vCPU is off. */
void hv_vm_vcpu_on(struct hv_vm *vm, uint32_t index, ash_ipa_t entry, uint64_t x0);

/** The vCPU has left its CPU and is put: it is off, and the VM may have ended with that. Takes the lock. */
void hv_vm_vcpu_left(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** May @vcpu's CPU run it now? If its VM is stopping it is turned off instead. Takes the lock. */
bool hv_vm_vcpu_may_run(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** Is @vm on its way to its end? Without the lock, by a CPU on which one of its vCPUs is loaded. */
static inline bool hv_vm_is_stopping(const struct hv_vm *vm)
{
    return __atomic_load_n(&vm->state, __ATOMIC_RELAXED) == HV_VM_STOPPING;
}

/** Print @format as a report about @vm, limited in number. Any context without the console lock. */
void hv_vm_report(struct hv_vm *vm, const char *format, ...) ASH_PRINTF(2, 3);

#endif
