/* SPDX-License-Identifier: BSD-2-Clause */
/** A VM that is a Raspberry Pi 3 (docs/bcm2837.md): vdev/bcm2837.h wired to a VM's vCPUs, memory and console. Every
 *  function is for such a VM, machine->bcm not NULL.
 *
 *  Lock domain: the distributor lock, which the caller holds, but where a line says otherwise.
 *
 *  The generic timers are the hardware's, and their interrupts level-sensitive, with no EOI to see. When one fires,
 *  its physical interrupt is *held*: active, so that it does not fire again. It is let go as soon as the timer is
 *  seen not to assert: when the guest's accesses come here, when it waits, and by an alarm of the CPU. Between the
 *  guest's read of its source register and that, the timer is *seen*: its vCPU's line does not show it, for the
 *  guest most likely is about to quiet it, which nobody else notices. A timer that was set again meanwhile is not
 *  seen any more, nor is one after 10 ms. docs/adr/0011.
 */
#ifndef HV_GLUE_BCM2837_H
#define HV_GLUE_BCM2837_H

#include "core/vm.h"
#include "vdev/bcm2837.h"

struct hv_bcm2837_core {
    uint8_t held; /* of its timers, HV_BCM_LOCAL_CNTP and CNTV: the physical interrupt is active */
    uint8_t seen; /* of those: the guest knows. The vCPU's CPU's own, as all here */
    uint64_t seen_cval[ASH_VTIMER_COUNT]; /* of what deadline: behind another one is another interrupt */
    uint64_t seen_until;                  /* ticks: whatever it knew, it is told again */
    uint64_t look_at;   /* when to look at them again, in ticks; UINT64_MAX: not by time alone */
    uint64_t look_step; /* ticks: how long that was put off */
};

struct hv_bcm2837_machine {
    struct hv_bcm2837 soc;
    struct hv_bcm2837_core core[HV_BCM_CORES];
    struct hv_rng rng;
    uint64_t frozen_at; /* the VM's counter when it was frozen */
    char command_line[ASH_BOOT_BOOTARGS_SIZE];
};

/** Where the firmware's loop begins, in which the other cores wait. */
#define HV_BCM2837_STUB UINT64_C(0)

/** Make and wire it, as at power-on, in place of the default machine's devices. ASH_OK or ASH_ENOMEM. Nobody else
 *  knows @vm; takes the page pool's lock and the VM list's. hv_bcm2837_destroy(): a machine without one is welcome. */
int hv_bcm2837_create(struct hv_vm *vm) ASH_NODISCARD;
void hv_bcm2837_destroy(struct hv_vm *vm);
void hv_bcm2837_reset(struct hv_vm *vm);
void hv_bcm2837_vcpu_reset(struct hv_vcpu *vcpu);

/** The firmware's part of the RAM: spin table, stub, ATAGs with @bootargs; published. No vCPU is on, no lock is held.
 *  ASH_OK or ASH_ERANGE. */
int hv_bcm2837_write_firmware(struct hv_vm *vm, const char *bootargs) ASH_NODISCARD;

/** Typed input, and room for output. */
unsigned hv_bcm2837_input_space(struct hv_vm *vm);
void hv_bcm2837_input(struct hv_vm *vm, uint8_t byte);
void hv_bcm2837_room(struct hv_vm *vm, bool has_room);

/** When one of its devices wants to be looked at, in ticks; UINT64_MAX: never. */
uint64_t hv_bcm2837_due(const struct hv_vm *vm);
/** Look at them. *@end, if true is returned: the VM is to end, and how. */
bool hv_bcm2837_look(struct hv_vm *vm, enum hv_vm_end *end);
void hv_bcm2837_freeze(struct hv_vm *vm);
void hv_bcm2837_thaw(struct hv_vm *vm);

/** Physical timer @timer fired while @cpu->vcpu is loaded: acknowledged, and active until it is let go. */
void hv_bcm2837_timer_fired(struct hv_cpu *cpu, enum ash_vtimer_id timer);

/** Of @vcpu, which is not loaded: the held timers, as ash_vtimer ids, a bit each. */
uint32_t hv_bcm2837_held(const struct hv_vcpu *vcpu);

/** Look at the timers of cpu->vcpu, which is loaded and whose PSTATE is @pstate: by an alarm at
 *  hv_bcm2837_look_time(), and when it waits for an interrupt (@pstate 0: a WFI ends with any that is asserted).
 *  Takes the lock. */
void hv_bcm2837_look_at_timers(struct hv_cpu *cpu, uint64_t pstate);
uint64_t hv_bcm2837_look_time(const struct hv_vcpu *vcpu);

/** cpu->vcpu was loaded just now. Takes the lock. */
void hv_bcm2837_loaded(struct hv_cpu *cpu);

#endif
