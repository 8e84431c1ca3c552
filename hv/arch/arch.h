/* SPDX-License-Identifier: BSD-2-Clause */
/** What hv/core needs of an architecture: hv/arch/aarch64 on a board, hv/arch/host on a PC.
 *  A "CPU" here is always given: no function asks which one it runs on. */
#ifndef HV_ARCH_ARCH_H
#define HV_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libbase/types.h>
#include <libstage2/stage2.h>
#include <libvcpu/id.h>
#include <libvcpu/psci.h>

struct hv_cpu;
struct hv_recorder;
struct hv_vcpu;
struct hv_vm;

/** The counter that guests see too, in ticks, and its frequency in Hz. */
uint64_t hv_arch_ticks(void);
uint64_t hv_arch_ticks_per_second(void);

/** HV_MAX_CPUS flight recorders and one for what is thrown away. A warm reset leaves them as they are. */
struct hv_recorder *hv_arch_recorders(void);

/** In a loop that waits for a device: lets others run. */
void hv_arch_relax(void);

/** Sleep until *@word is @value; acquire. The store that makes it so wakes the waiter, without a call. Inline where
 *  that can be: a lock that is free has then no call behind it that registers would have to be saved for. */
#if defined(__aarch64__) && !defined(HV_ARCH_INTERLEAVES)
#include "arch/aarch64/wait.h"
#else
void hv_arch_wait_equal(const uint32_t *word, uint32_t value);
#endif

/** Make @cpu leave its guest or its idle wait and look at its requests. Any context; does not wait. */
void hv_arch_kick(struct hv_cpu *cpu);

/** Sleep until an interrupt is pending for this CPU, take it, return. From the idle loop, or from an exit whose vCPU
 *  waits (it stays loaded). */
void hv_arch_idle(struct hv_cpu *cpu);

/** Take what is pending for this CPU, without sleeping. Likewise. */
void hv_arch_take_interrupts(struct hv_cpu *cpu);

/** Would an interrupt be signalled to @cpu->vcpu now, which is loaded: does its WFI end? */
bool hv_arch_interrupt_waits(struct hv_cpu *cpu);

/** arch.lines of @vcpu, which is loaded on the CPU that this runs on, are other ones: the guest's next instruction sees
 *  them. See hv_machine_set_lines(), which is what to call. */
void hv_arch_apply_lines(const struct hv_vcpu *vcpu);

/** Of the timers of @vcpu, which is loaded on the CPU that this runs on, those that assert their interrupt now: 1 <<
 *  enum ash_vtimer_id each. The compare value of one of them, by its id. And PSTATE, with DAIF. */
uint32_t hv_arch_timers_asserted(const struct hv_vcpu *vcpu);
uint64_t hv_arch_timer_cval(const struct hv_vcpu *vcpu, uint32_t timer);
uint64_t hv_arch_guest_pstate(const struct hv_vcpu *vcpu);

/** Call hv_sched_alarm() on @cpu, the CPU that this runs on, when hv_arch_ticks() reaches @deadline; UINT64_MAX:
 *  never. Takes the place of an earlier one. */
void hv_arch_set_alarm(struct hv_cpu *cpu, uint64_t deadline);

/** Bytes [from, from+size) were written by hv and will be read by a guest with its caches off, or executed: clean and
 *  invalidate to the point of coherency, and the instruction caches with it. */
void hv_arch_publish_to_guest(const void *from, size_t size);

/** The same in pieces: each piece of data, and the instruction caches once behind the last one. */
void hv_arch_publish_data(const void *from, size_t size);
void hv_arch_publish_instructions(void);

/** Zero @size bytes (a multiple of 4 KiB, aligned) of Normal memory. */
void hv_arch_zero_pages(void *pages, size_t size);

/** Zero and hv_arch_publish_data(), on pages (a multiple of 4 KiB, aligned), in one pass. */
void hv_arch_zero_and_publish(void *pages, size_t size);

/** A bank of flash at physical [base, base+size), which nobody writes while hv runs: hv can read it from now on. Boot,
 *  by the boot CPU, once a bank; panics where hv's map has no place for it. */
void hv_arch_map_flash(struct hv_cpu *cpu, uint64_t base, uint64_t size);

/** Where hv reads what lies at physical @base of a bank that is mapped. */
const void *hv_arch_flash(uint64_t base);

/** What the CPUs can do: the boot CPU, and the others are like it. Read once at boot. */
struct hv_arch_features {
    struct ash_vcpu_id id; /* raw */
    uint64_t midr;
    unsigned ipa_bits;    /* of a guest */
    unsigned vmid_bits;   /* 8 or 16 */
    unsigned gic_version; /* the board's, and so the guests': 2 or 3 */
    ash_pa_t gicv;        /* GICv2: what a guest's CPU interface is */
    unsigned lr_count;    /* of the virtual CPU interface: 0 without one */
    unsigned priority_bits;
    unsigned preemption_bits;
    bool has_tdir;
    bool deactivate_by_hal; /* see struct ash_vgic_config */
    bool has_pauth;
    bool has_ras;
    enum ash_vcpu_workaround
        workaround[3]; /* ARCH_WORKAROUND_1, 2, 3: what these CPUs need, and the firmware has */
};
const struct hv_arch_features *hv_arch_features(void);

/** libstage2's publish and invalidate, and what a VMID rollover wants. See <libstage2/stage2.h>. */
void hv_arch_stage2_publish(const uint64_t *first, size_t count);
void hv_arch_stage2_invalidate(const struct ash_stage2 *table, const struct ash_stage2_invalidation *what);
void hv_arch_invalidate_everything(void);

/** Deactivate physical interrupt @intid, which was acknowledged for @vcpu, on the CPU where @vcpu last ran. */
void hv_arch_deactivate(struct hv_vcpu *vcpu, uint32_t intid);

/** Have this CPU do what it does on an SError of hv's own: for tests, which cannot make the memory system fail. */
void hv_arch_provoke_serror(void);

/** The FP registers are hv's (libfdt's) in between: a loaded vCPU's are saved and put back. Not nested. */
void hv_arch_fp_borrow(struct hv_cpu *cpu);
void hv_arch_fp_return(struct hv_cpu *cpu);

/** Load @cpu->vcpu's state (EL1, stage 2, timers, vGIC, FP) onto this CPU. Its stage 2 has a VMID. */
void hv_arch_vcpu_load(struct hv_cpu *cpu);
/** Save it, and leave nothing of it that could raise an interrupt or be seen by another. */
void hv_arch_vcpu_put(struct hv_cpu *cpu);
/** Run @cpu->vcpu, loaded. Comes back through hv_vcpu_left() on an empty stack. */
_Noreturn void hv_arch_enter(struct hv_cpu *cpu);

/** Start CPU @cpu in hv_cpu_main(). Returns ASH_OK or the firmware's refusal as ASH_E*. */
int hv_arch_cpu_start(struct hv_cpu *cpu);

/** The console device: give it as many of @size bytes as it takes without waiting, and say how many (one that cannot
 *  interrupt waits and takes all); the next received byte or -1; interrupts for received bytes, for room, on or off. */
size_t hv_arch_console_write(const char *bytes, size_t size);
int hv_arch_console_read(void);
void hv_arch_console_listen(bool listen);
void hv_arch_console_want_room(bool wanted);

/** Begin again, with what is in memory: a warm reset where the firmware's is one. Returns only if nothing can. */
void hv_arch_reset(void);

/** Turn the machine off. Returns only if nothing can. */
void hv_arch_power_off(void);
/** Stop this CPU for good. */
_Noreturn void hv_arch_halt(void);

/** An SMC to the board's firmware with x0..x17 of @x, which it leaves there (DEN0028, SMCCC 1.2). Without an EL3 the
 *  answer is NOT_SUPPORTED. */
void hv_arch_smc(uint64_t x[18]);

/** Ask the other CPUs to stop, for a panic: no answer is waited for. */
void hv_arch_stop_others(struct hv_cpu *cpu);

#endif
