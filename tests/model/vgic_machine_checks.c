/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds after every step, and what a register access gives. */
#include "vgic_machine.h"

/* ---- What holds after every step ----------------------------------------------------------------------- */

static void check_list_registers(struct machine *machine, unsigned vcpu)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

    for (unsigned n = 0; n < hardware->lr_count; n++) {
        const struct fake_gic_lr *lr = &hardware->lr[n];

        if (lr->pending && !lr->active && !oracle_is_candidate(&machine->oracle, vcpu, lr->vintid)) {
            machine_fail(machine, "vCPU %u: LR%u offers INTID %u, which it may not have", vcpu, n,
                         lr->vintid);
        }
        if (lr->active && !oracle_irq(&machine->oracle, vcpu, lr->vintid)->active) {
            machine_fail(machine, "vCPU %u: LR%u has INTID %u active, which is not", vcpu, n, lr->vintid);
        }
    }
}

/* Nothing is under way: the guest would take the very interrupt that a GIC would give it. */
static void check_current(struct machine *machine, unsigned vcpu)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);
    bool signalled = fake_gic_cpu_signals(hardware, 0) || fake_gic_cpu_signals(hardware, 1);

    check_list_registers(machine, vcpu);
    for (unsigned group = 0; group < 2U; group++) {
        uint32_t value = fake_gic_cpu_hppir(hardware, group);

        if (!oracle_allows_hppir(&machine->oracle, vcpu, group, value)) {
            machine_fail(machine, "vCPU %u: HPPIR%u = %u is not the highest priority pending interrupt", vcpu,
                         group, value);
        }
    }
    if (signalled ? !oracle_may_signal(&machine->oracle, vcpu) : oracle_must_signal(&machine->oracle, vcpu)) {
        machine_fail(machine, "vCPU %u: an interrupt is %s", vcpu, signalled ? "signalled" : "not signalled");
    }
}

static void check_loaded(struct machine *machine, unsigned vcpu, unsigned actor)
{
    machine_check_hardware(machine, machine_hardware(machine, vcpu));
    if (machine_wants_exit(machine, vcpu)) {
        if (ash_vgic_needs_flush(&machine->vcpu[vcpu]) && vcpu != actor && !machine->guest[vcpu].kicked &&
            !fake_gic_cpu_has_maintenance(machine_hardware(machine, vcpu))) {
            machine_fail(machine, "vCPU %u has work and was not kicked", vcpu);
        }
        return;
    }
    check_current(machine, vcpu);
    machine_forget_touches(machine, vcpu);
}

/* A PPI's physical interrupt whose virtual one is over: until this vCPU runs and deactivates it, it cannot
 * fire and wake it, so the vCPU had better run. */
static bool owes_deactivation(struct machine *machine, unsigned vcpu)
{
    for (unsigned link = 0; link < 2U; link++) {
        const struct oracle_irq *irq = oracle_irq(&machine->oracle, vcpu, machine_link_intid(machine, link));

        if (machine_physical(machine, vcpu, link)->active && !oracle_is_pending(irq) && !irq->active) {
            return true;
        }
    }
    return false;
}

static void check_waiting(struct machine *machine, unsigned vcpu, unsigned actor)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    bool asleep = machine->oracle.cpu[vcpu].asleep;
    bool must =
        asleep ? oracle_has_wake_up(&machine->oracle, vcpu) : oracle_must_signal(&machine->oracle, vcpu);
    bool may = asleep || oracle_may_wake(&machine->oracle, vcpu) || owes_deactivation(machine, vcpu);
    bool has = ash_vgic_has_deliverable(&machine->vcpu[vcpu]);

    if ((must && !has) || (has && !may)) {
        machine_fail(machine, "vCPU %u, not loaded: ash_vgic_has_deliverable() is %d", vcpu, has);
    }
    /* The hypervisor asks when the vCPU is kicked, put, or did this itself; what it heard then holds. (What must be
     * signalled may also come about because a choice that the architecture leaves open is no choice any more.) */
    bool asks = guest->kicked || vcpu == actor;
    if (must && !guest->was_signalled && !asks) {
        machine_fail(machine, "vCPU %u, not loaded, got an interrupt and was not kicked", vcpu);
    }
    guest->was_signalled = has && (asks || guest->was_signalled);
    guest->kicked = false;
}

static bool is_current(struct machine *machine, unsigned vcpu)
{
    return machine->guest[vcpu].pcpu >= 0 && !machine_wants_exit(machine, vcpu);
}

static void check_link(struct machine *machine, unsigned vcpu, unsigned link)
{
    const struct oracle_irq *irq = oracle_irq(&machine->oracle, vcpu, machine_link_intid(machine, link));
    bool active = machine_physical(machine, vcpu, link)->active;

    if (irq != NULL && irq->fired && !active) {
        machine_fail(machine, "INTID %u waits and its physical interrupt is not active",
                     machine_link_intid(machine, link));
    }
    if (irq != NULL && active && !oracle_is_pending(irq) && !irq->active) {
        machine_fail(machine, "INTID %u is over and its physical interrupt is still active",
                     machine_link_intid(machine, link));
    }
}

/* A linked physical interrupt is active exactly as long as its virtual one is not over; a PPI's is
 * deactivated by its vCPU's own CPU. */
static void check_links(struct machine *machine)
{
    bool all = true;

    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        all &= machine->guest[vcpu].pcpu < 0 || !machine_wants_exit(machine, vcpu);
        if (is_current(machine, vcpu)) {
            check_link(machine, vcpu, 0);
            check_link(machine, vcpu, 1);
        }
    }
    for (unsigned link = 2; all && link < MACHINE_LINKS; link++) {
        check_link(machine, 0, link);
    }
}

void machine_mark_old(struct machine *machine)
{
    for (uint32_t intid = 32; intid < 32U + machine->config->spis; intid++) {
        machine->oracle.spi[intid].elsewhere = 0;
    }
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

        for (unsigned n = 0; hardware != NULL && n < hardware->lr_count; n++) {
            const struct fake_gic_lr *lr = &hardware->lr[n];

            if (lr->vintid >= 32U && lr->vintid < ORACLE_INTIDS && machine_wants_exit(machine, vcpu)) {
                machine->oracle.spi[lr->vintid].elsewhere = 1;
            }
        }
        for (uint32_t intid = 32;
             hardware != NULL && machine_wants_exit(machine, vcpu) && intid < ORACLE_INTIDS; intid++) {
            machine->oracle.spi[intid].elsewhere |= machine->guest[vcpu].ended[intid] ? 1U : 0U;
        }
    }
}

void machine_check(struct machine *machine, unsigned actor)
{
    machine_mark_old(machine);
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (machine->guest[vcpu].pcpu >= 0) {
            check_loaded(machine, vcpu, actor);
        } else if (machine->oracle.cpu[vcpu].online) {
            check_waiting(machine, vcpu, actor);
        }
    }
    check_links(machine);
}

/* ---- Registers ----------------------------------------------------------------------------------------- */

int machine_access(struct machine *machine, const struct oracle_access *access, bool is_write,
                   uint64_t *value)
{
    if (access->frame == ORACLE_DISTRIBUTOR) {
        return ash_vgic_dist_access(&machine->gic, access->vcpu, access->offset, access->size, is_write,
                                    value);
    }
    return ash_vgic_redist_access(&machine->gic, access->vcpu,
                                  access->which * ASH_VGIC_REDIST_SIZE + access->offset, access->size,
                                  is_write, value);
}

/* GICD_CTLR.RWP, GICR_CTLR.RWP = 0: no disabled interrupt can be taken any more. IHI 0069 12.9.4, 12.11.x. */
static void check_rwp(struct machine *machine, const struct oracle_access *access, uint64_t value)
{
    bool dist = access->frame == ORACLE_DISTRIBUTOR;
    bool rwp = (value & (dist ? UINT64_C(1) << 31 : UINT64_C(8))) != 0U;
    bool under_way = false;

    if (access->offset != 0U || access->size != 4U || machine->config->version != 3U) {
        return;
    }
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

        for (unsigned n = 0; hardware != NULL && n < hardware->lr_count; n++) {
            const struct fake_gic_lr *lr = &hardware->lr[n];
            const struct oracle_irq *irq = oracle_irq(&machine->oracle, vcpu, lr->vintid % 1020U);

            if (lr->pending && !lr->active && irq != NULL && !rwp &&
                (dist ? lr->vintid >= 32U && !irq->enabled
                      : vcpu == access->which && lr->vintid < 32U && !irq->enabled)) {
                machine_fail(machine, "RWP = 0, and vCPU %u can still take INTID %u", vcpu, lr->vintid);
            }
        }
        under_way |= hardware != NULL && machine_wants_exit(machine, vcpu);
    }
    if (rwp && !under_way) {
        machine_fail(machine, "RWP = 1 and no vCPU has to exit");
    }
    if (rwp) {
        machine_count(machine, MACHINE_RWP);
    }
}

void machine_wait(struct machine *machine)
{
    bool anyone = false;

    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (machine->guest[vcpu].pcpu >= 0 && machine_wants_exit(machine, vcpu)) {
            anyone = true;
            machine_exit(machine, vcpu);
        }
    }
    if (!anyone) {
        machine_fail(machine, "the read says ASH_EBUSY and nobody has work");
    }
    machine_count(machine, MACHINE_READ_BUSY);
}

uint64_t machine_read(struct machine *machine, const struct oracle_access *access)
{
    uint64_t value = UINT64_C(0xBAD0BAD0BAD0BAD0);
    uint64_t known, expected;
    int error = machine_access(machine, access, false, &value);

    if (error == ASH_EBUSY) {
        machine_wait(machine);
        error = machine_access(machine, access, false, &value);
    }
    if (error != ASH_OK) {
        machine_fail(machine, "the read says %s", ash_error_name(error));
    }
    expected = oracle_read(&machine->oracle, access, &known);
    if (access->size < 8U) {
        if ((value >> (access->size * 8U)) != 0U) {
            machine_fail(machine, "0x%llx: not zero-extended", (unsigned long long)value);
        }
        known &= (UINT64_C(1) << (access->size * 8U)) - 1U;
    }
    if (((value ^ expected) & known) != 0U) {
        machine_fail(machine, "read 0x%llx, expected 0x%llx (known bits 0x%llx)", (unsigned long long)value,
                     (unsigned long long)expected, (unsigned long long)known);
    }
    check_rwp(machine, access, value);
    machine_count(machine, MACHINE_READ);
    return value;
}

void machine_write(struct machine *machine, const struct oracle_access *access, uint64_t value)
{
    uint64_t written = value;
    int error = machine_access(machine, access, true, &written);

    if (error != ASH_OK || written != value) {
        machine_fail(machine, "the write says %s", ash_error_name(error));
    }
    oracle_write(&machine->oracle, access, value);
    machine_count(machine, MACHINE_WRITE);
}
