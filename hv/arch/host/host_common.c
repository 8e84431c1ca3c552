/* SPDX-License-Identifier: BSD-2-Clause */
/* What a PC has in an architecture's place, however its CPUs are simulated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "arch/host/host_internal.h"
#include "core/lock.h"
#include "core/place.h"
#include "core/report.h"
#include "glue/bcm2837.h"

static struct hv_recorder recorders[HV_MAX_CPUS + 1U];
static bool is_warm;

struct hv_recorder *hv_arch_recorders(void)
{
    return recorders;
}

void hv_host_next_is_warm(void)
{
    is_warm = true;
}

static struct {
    uint32_t life;
    uint64_t rounds;
    bool loaded; /* its CPU's own: whoever loads it next has what the one before wrote */
} vcpus[HV_MAX_VMS][HV_MACHINE_MAX_VCPUS];
static uint64_t vttbr[HV_MAX_CPUS]; /* of the VM whose vCPU is loaded, 0: none. Atomic */

void hv_host_begin(void)
{
    memset(vcpus, 0, sizeof(vcpus));
    memset(vttbr, 0, sizeof(vttbr));
    memset(recorders, 0, is_warm ? 0U : sizeof(recorders));
    is_warm = false;
}

void hv_host_enter(struct hv_cpu *cpu)
{
    if (cpu->index == 0U) {
        hv_read_options(cpu->hv);
        hv_boot(cpu->hv, cpu);
    }
    hv_cpu_main(cpu);
}

uint64_t hv_host_next_round(const struct hv_vcpu *vcpu)
{
    uint32_t slot = vcpu->vm->slot;
    uint32_t life = vcpu->vm->place->created << 16 | vcpu->life;

    if (vcpus[slot][vcpu->index].life != life) {
        vcpus[slot][vcpu->index].life = life;
        vcpus[slot][vcpu->index].rounds = 0;
    }
    return vcpus[slot][vcpu->index].rounds++;
}

/* ---- vCPUs ------------------------------------------------------------------------------------------------------- */

/** What a CPU's TLBs would be asked under: VMID 0 is hv's own, and two VMs under one VMID share entries. Who gives
 *  a VMID back has let go of it before, and that is before the next one gets it: what is read here of another CPU is
 *  not older. */
static void check_vmid(const struct hv_cpu *cpu, uint64_t mine)
{
    bool wrong = mine >> 48 == 0U;

    for (uint32_t i = 0; i < cpu->hv->cpus; i++) {
        uint64_t other = __atomic_load_n(&vttbr[i], __ATOMIC_RELAXED);

        wrong = wrong || (i != cpu->index && other != 0U && other != mine && other >> 48 == mine >> 48);
    }
    if (wrong) {
        fprintf(stderr, "CPU %u runs under VMID %u, which is not its VM's alone\n", (unsigned)cpu->index,
                (unsigned)(mine >> 48));
        abort();
    }
}

void hv_host_load(struct hv_cpu *cpu)
{
    struct hv_machine *machine = &cpu->vcpu->vm->machine;
    uint64_t mine = ash_stage2_vttbr(&machine->stage2);

    if (vcpus[cpu->vcpu->vm->slot][cpu->vcpu->index].loaded) {
        fprintf(stderr, "CPU %u loads a vCPU that is loaded elsewhere\n", (unsigned)cpu->index);
        abort();
    }
    vcpus[cpu->vcpu->vm->slot][cpu->vcpu->index].loaded = true;
    __atomic_store_n(&vttbr[cpu->index], mine, __ATOMIC_RELAXED);
    check_vmid(cpu, mine);
    hv_machine_lock(cpu, machine);
    ash_vgic_load(&cpu->vcpu->vgic);
    hv_machine_unlock(machine);
    if (machine->bcm != NULL) {
        hv_bcm2837_loaded(cpu);
    }
}

void hv_host_put(struct hv_cpu *cpu)
{
    struct hv_machine *machine = &cpu->vcpu->vm->machine;

    hv_machine_lock(cpu, machine);
    ash_vgic_put(&cpu->vcpu->vgic);
    hv_machine_unlock(machine);
    __atomic_store_n(&vttbr[cpu->index], 0U, __ATOMIC_RELAXED);
    vcpus[cpu->vcpu->vm->slot][cpu->vcpu->index].loaded = false;
}

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

uint64_t hv_host_timer(const struct hv_vcpu *vcpu, uint64_t now)
{
    uint64_t deadline;

    if (vcpu == NULL || hv_machine_active_ppis(vcpu) != 0U ||
        !ash_vtimer_next_deadline(&vcpu->arch.vtimer, now, &deadline)) {
        return UINT64_MAX;
    }
    return deadline;
}

void hv_host_inject_timer(struct hv_cpu *cpu)
{
    struct hv_machine *machine = &cpu->vcpu->vm->machine;

    if (machine->bcm != NULL) {
        hv_machine_lock(cpu, machine);
        hv_bcm2837_timer_fired(cpu, ASH_VTIMER_VIRTUAL);
        hv_machine_unlock(machine);
        return;
    }
    hv_machine_lock(cpu, machine);
    ASH_DISCARD(
        ash_vgic_inject_hw(&machine->vgic, cpu->vcpu->index, 16U + machine->layout.timer_virtual_ppi));
    hv_machine_unlock(machine);
}

static void resync(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    if (ash_vgic_needs_flush(&vcpu->vgic)) {
        hv_machine_lock(cpu, &vcpu->vm->machine);
        ash_vgic_sync(&vcpu->vgic);
        ash_vgic_flush(&vcpu->vgic);
        hv_machine_unlock(&vcpu->vm->machine);
    }
}

/** As hv_exit_finish(). */
enum hv_verdict hv_host_before_entry(struct hv_cpu *cpu)
{
    enum hv_verdict verdict = HV_RESUME;
    uint32_t requests;

    resync(cpu);
    requests = hv_cpu_take_requests(cpu);
    if (requests != 0U) {
        verdict = hv_sched_look(cpu, requests);
    }
    if (verdict == HV_RESUME && requests != 0U) {
        resync(cpu);
        if (__atomic_load_n(&cpu->requests, __ATOMIC_RELAXED) != 0U) {
            hv_arch_kick(cpu);
        }
    }
    return verdict;
}

void hv_arch_apply_lines(const struct hv_vcpu *vcpu)
{
    (void)vcpu; /* what a guest is, here, looks at the word itself */
}

uint32_t hv_arch_timers_asserted(const struct hv_vcpu *vcpu)
{
    uint64_t now = hv_arch_ticks();
    uint32_t timers = 0;

    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        timers |= ash_vtimer_is_asserted(&vcpu->arch.vtimer, (enum ash_vtimer_id)t, now) ? 1U << t : 0U;
    }
    return timers;
}

uint64_t hv_arch_timer_cval(const struct hv_vcpu *vcpu, uint32_t timer)
{
    return vcpu->arch.vtimer.timer[timer].cval;
}

uint64_t hv_arch_guest_pstate(const struct hv_vcpu *vcpu)
{
    return vcpu->context.pstate;
}

bool hv_arch_interrupt_waits(struct hv_cpu *cpu)
{
    struct hv_machine *machine = &cpu->vcpu->vm->machine;
    bool waits;

    if (machine->bcm != NULL) {
        hv_bcm2837_look_at_timers(cpu, 0);
    }
    hv_machine_lock(cpu, machine);
    ash_vgic_sync(&cpu->vcpu->vgic);
    ash_vgic_flush(&cpu->vcpu->vgic);
    waits = ash_vgic_has_deliverable(&cpu->vcpu->vgic) || cpu->vcpu->arch.lines != 0U;
    hv_machine_unlock(machine);
    return waits;
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

uint64_t hv_arch_ticks_per_second(void)
{
    return 1000000;
}

void hv_arch_publish_to_guest(const void *from, size_t size)
{
    (void)from;
    (void)size;
    hv_arch_interleave();
}

void hv_arch_publish_data(const void *from, size_t size)
{
    hv_arch_publish_to_guest(from, size);
}

void hv_arch_publish_instructions(void)
{
}

void hv_arch_zero_pages(void *pages, size_t size)
{
    memset(pages, 0, size);
}

void hv_arch_zero_and_publish(void *pages, size_t size)
{
    hv_arch_zero_pages(pages, size);
    hv_arch_publish_to_guest(pages, size);
}

void hv_arch_map_flash(struct hv_cpu *cpu, uint64_t base, uint64_t size)
{
    (void)cpu;
    (void)base;
    (void)size;
}

const void *hv_arch_flash(uint64_t base)
{
    return (const void *)(uintptr_t)base;
}

const struct hv_arch_features *hv_arch_features(void)
{
    static const struct hv_arch_features features = {
        .gic_version = 3,
        .id = {.reg = {[ASH_VCPU_ID_AA64MMFR0] = 0x2, [ASH_VCPU_ID_AA64PFR0] = 0x01001111}},
        .midr = 0x410fd034,
        .ipa_bits = 40,
        .vmid_bits = 8,
        .lr_count = 4,
        .priority_bits = 5,
        .preemption_bits = 5,
    };

    return &features;
}

void hv_arch_stage2_publish(const uint64_t *first, size_t count)
{
    (void)first;
    (void)count;
}

void hv_arch_stage2_invalidate(const struct ash_stage2 *table, const struct ash_stage2_invalidation *what)
{
    (void)table;
    (void)what;
}

void hv_arch_invalidate_everything(void)
{
}

void hv_arch_provoke_serror(void)
{
}

void hv_arch_deactivate(struct hv_vcpu *vcpu, uint32_t intid)
{
    (void)vcpu;
    (void)intid;
}

void hv_arch_fp_borrow(struct hv_cpu *cpu)
{
    (void)cpu;
}

void hv_arch_fp_return(struct hv_cpu *cpu)
{
    (void)cpu;
}

void hv_arch_reset(void)
{
}

/* The board's firmware: it adds one to each register. */
void hv_arch_smc(uint64_t x[18])
{
    for (unsigned i = 0; i < 18U; i++) {
        x[i]++;
    }
}

void hv_arch_stop_others(struct hv_cpu *cpu)
{
    (void)cpu;
}

uint64_t hv_report_image_base(void)
{
    return 0;
}

bool hv_report_frame(uint64_t *frame_pointer, uint64_t *return_address)
{
    (void)frame_pointer;
    (void)return_address;
    return false;
}
