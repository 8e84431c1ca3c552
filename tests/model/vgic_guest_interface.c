/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest at its CPU interface. */
#include "vgic_guest_parts.h"

static bool has_lr(struct machine *machine, unsigned vcpu, uint32_t intid)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

    for (unsigned n = 0; n < hardware->lr_count; n++) {
        if (hardware->lr[n].active && hardware->lr[n].vintid == intid) {
            return true;
        }
    }
    return false;
}

/* Where DIR does not trap, which of several active interrupts beyond the list registers is deactivated goes
 * by their priority: so there is only one. */
static bool may_acknowledge(const struct machine *machine, unsigned vcpu)
{
    const struct machine_vcpu *guest = &machine->guest[vcpu];

    if (!machine->config->has_tdir && machine->config->lrs != 0U && machine->oracle.cpu[vcpu].eoimode) {
        return guest->acks == 0U;
    }
    return guest->acks < MACHINE_ACKS;
}

/* What an old list register gives must have been right when it was filled, and is so still but for its line.
 * */
static void check_old(struct machine *machine, unsigned vcpu, uint32_t value)
{
    if (machine->guest[vcpu].touched[value & 0x3FFU] == TOUCH_NONE &&
        !oracle_is_candidate(&machine->oracle, vcpu, value & 0x3FFU)) {
        machine_fail(machine, "vCPU %u acknowledged INTID %u from an old list register", vcpu,
                     value & 0x3FFU);
    }
}

void guest_clear_message(struct machine *machine, unsigned vcpu, uint32_t intid)
{
    const struct oracle_access access = {
        .frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = 0x48, .size = 4};

    guest_write_register(machine, &access, intid);
}

static void acknowledged(struct machine *machine, unsigned vcpu, unsigned group, uint32_t value, bool was_old)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    uint32_t intid = value & 0x3FFU;

    if (was_old) {
        check_old(machine, vcpu, value);
        machine_count(machine, MACHINE_ACKNOWLEDGED_OLD);
    }
    if (guest->acks != 0U) {
        machine_count(machine, MACHINE_ACKNOWLEDGED_NESTED);
    }
    machine_count(machine, MACHINE_ACKNOWLEDGED);
    oracle_acknowledge(&machine->oracle, vcpu, value);
    guest->ack[guest->acks++] = (struct machine_ack){value, (uint8_t)group, false};
    if (intid >= 16U && machine_link(machine, intid) < 0 && machine_percent(machine, 60)) {
        guest_set_line(machine, vcpu, intid, false);
    }
    if (intid >= 32U && machine->oracle.spi[intid].message && machine_percent(machine, 60)) {
        guest_clear_message(machine, vcpu, intid);
    }
}

/* False: nothing was there. */
bool guest_do_acknowledge(struct machine *machine, unsigned vcpu, unsigned group, bool may_be_old)
{
    struct fake_gic_cpu *hardware;
    uint32_t value;
    bool old;

    machine_enter(machine, vcpu, may_be_old);
    if (!may_acknowledge(machine, vcpu)) {
        return false;
    }
    hardware = machine_hardware(machine, vcpu);
    old = machine->config->lrs != 0U && machine_wants_exit(machine, vcpu); /* software looks first */
    value = fake_gic_cpu_hppir(hardware, group) & 0x3FFU;
    if (old && value < 1020U && machine->guest[vcpu].touched[value] > TOUCH_LINE) {
        machine_exit(machine, vcpu);
        old = false;
    }
    machine_mark_old(machine);
    value = is_v2(machine) ? fake_gic_cpu_read_gicv(hardware, group != 0U ? 0x20U : 0x0CU)
                           : fake_gic_cpu_iar(hardware, group);
    machine_say(machine, "vCPU %u reads IAR%u: %u%s", vcpu, group, value, old ? " (old)" : "");
    if (!old && !oracle_allows_iar(&machine->oracle, vcpu, group, value == 1022U ? 1023U : value)) {
        machine_fail(machine, "vCPU %u: not what a GIC would give", vcpu);
    }
    if ((value & 0x3FFU) >= 1020U) {
        machine_count(machine, MACHINE_SPURIOUS);
        return false;
    }
    acknowledged(machine, vcpu, group, value, old);
    return true;
}

static struct machine_ack *last_not_dropped(struct machine_vcpu *guest)
{
    for (unsigned n = guest->acks; n > 0U; n--) {
        if (!guest->ack[n - 1U].dropped) {
            return &guest->ack[n - 1U];
        }
    }
    return NULL;
}

bool guest_do_eoi(struct machine *machine, unsigned vcpu)
{
    struct machine_ack *ack = last_not_dropped(&machine->guest[vcpu]);
    struct fake_gic_cpu *hardware;

    if (ack == NULL) {
        return false;
    }
    machine_enter(machine, vcpu, true);
    if (machine->guest[vcpu].touched[ack->value & 0x3FFU] == TOUCH_ACTIVE) {
        machine_exit(machine, vcpu);
    }
    hardware = machine_hardware(machine, vcpu);
    machine_say(machine, "vCPU %u writes %u to EOIR%u", vcpu, ack->value, ack->group);
    machine_count(machine, MACHINE_EOI);
    if (!machine->oracle.cpu[vcpu].eoimode && machine->config->lrs != 0U &&
        !has_lr(machine, vcpu, ack->value & 0x3FFU)) {
        machine_count(machine, MACHINE_EOI_OVERFLOW);
        machine->guest[vcpu].ended[ack->value & 0x3FFU] = true;
    }
    if (is_v2(machine)) {
        fake_gic_cpu_write_gicv(hardware, ack->group != 0U ? 0x24U : 0x10U, ack->value);
    } else {
        fake_gic_cpu_eoir(hardware, ack->group, ack->value);
    }
    oracle_eoi(&machine->oracle, vcpu, ack->value);
    if (machine->oracle.cpu[vcpu].eoimode) {
        ack->dropped = true;
    } else {
        guest_forget_ack(machine, vcpu, ack);
    }
    return true;
}

bool guest_do_deactivate(struct machine *machine, unsigned vcpu)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    struct machine_ack *ack;

    if (guest->acks == 0U || !machine->oracle.cpu[vcpu].eoimode) {
        return false;
    }
    ack = &guest->ack[machine_below(machine, guest->acks)];
    if (!ack->dropped) {
        return false;
    }
    machine_enter(machine, vcpu, true);
    if (guest->touched[ack->value & 0x3FFU] == TOUCH_ACTIVE) {
        machine_exit(machine, vcpu);
    }
    machine_say(machine, "vCPU %u writes %u to DIR", vcpu, ack->value);
    machine_count(machine, MACHINE_DEACTIVATED);
    oracle_deactivate(&machine->oracle, vcpu, ack->value);
    if (is_v2(machine) && !machine->config->has_tdir) {
        fake_gic_cpu_write_gicv(machine_hardware(machine, vcpu), 0x1000, ack->value);
    } else if (is_v2(machine) || !fake_gic_cpu_dir(machine_hardware(machine, vcpu), ack->value)) {
        machine_count(machine, MACHINE_DEACTIVATED_TRAPPED);
        ash_vgic_dir(&machine->gic, vcpu, ack->value);
    }
    guest_forget_ack(machine, vcpu, ack);
    return true;
}

static bool has_dropped(const struct machine_vcpu *guest)
{
    for (unsigned n = 0; n < guest->acks; n++) {
        if (guest->ack[n].dropped) {
            return true;
        }
    }
    return false;
}

void guest_enable_group(struct machine *machine, unsigned vcpu, unsigned group, bool enable)
{
    machine_say(machine, "vCPU %u: group %u enable %d", vcpu, group, enable);
    fake_gic_cpu_enable(machine_hardware(machine, vcpu), group, enable);
    machine->oracle.cpu[vcpu].enabled[group] = enable;
}

void guest_set_pmr(struct machine *machine, unsigned vcpu, uint32_t value)
{
    machine_say(machine, "vCPU %u: PMR 0x%x", vcpu, value);
    fake_gic_cpu_set_pmr(machine_hardware(machine, vcpu), value);
    oracle_set_pmr(&machine->oracle, vcpu, value);
}

static void set_bpr(struct machine *machine, unsigned vcpu, unsigned group, uint32_t value)
{
    machine_say(machine, "vCPU %u: BPR%u %u", vcpu, group, value);
    fake_gic_cpu_set_bpr(machine_hardware(machine, vcpu), group, value);
    oracle_set_bpr(&machine->oracle, vcpu, group, value);
}

void guest_set_modes(struct machine *machine, unsigned vcpu, bool cbpr, bool eoimode)
{
    machine_say(machine, "vCPU %u: CBPR %d EOImode %d", vcpu, cbpr, eoimode);
    fake_gic_cpu_set_modes(machine_hardware(machine, vcpu), cbpr, eoimode);
    machine->oracle.cpu[vcpu].cbpr = cbpr;
    machine->oracle.cpu[vcpu].eoimode = eoimode;
}

void guest_compare_interface(struct machine *machine, unsigned vcpu)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);
    const struct oracle_cpu *cpu = &machine->oracle.cpu[vcpu];

    if (fake_gic_cpu_pmr(hardware) != cpu->pmr ||
        fake_gic_cpu_rpr(hardware) != oracle_running_priority(&machine->oracle, vcpu) ||
        fake_gic_cpu_bpr(hardware, 0) != oracle_bpr(&machine->oracle, vcpu, 0) ||
        fake_gic_cpu_bpr(hardware, 1) != oracle_bpr(&machine->oracle, vcpu, 1) ||
        fake_gic_cpu_is_enabled(hardware, 0) != cpu->enabled[0] ||
        fake_gic_cpu_is_enabled(hardware, 1) != cpu->enabled[1] || fake_gic_cpu_cbpr(hardware) != cpu->cbpr ||
        fake_gic_cpu_eoimode(hardware) != cpu->eoimode) {
        machine_fail(machine, "vCPU %u: its CPU interface differs, VMCR 0x%x RPR 0x%x", vcpu, hardware->vmcr,
                     fake_gic_cpu_rpr(hardware));
    }
}

void guest_do_interface(struct machine *machine, unsigned vcpu)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    uint64_t dice = machine_below(machine, 100);

    machine_enter(machine, vcpu, true);
    machine_count(machine, MACHINE_INTERFACE);
    if (dice < 40U) {
        guest_set_pmr(machine, vcpu,
                      machine_percent(machine, 60) ? 0xFFU : (uint32_t)machine_below(machine, 256));
    } else if (dice < 65U) {
        guest_enable_group(machine, vcpu, (unsigned)machine_below(machine, 2), machine_percent(machine, 75));
    } else if (guest->acks == 0U) {
        if (dice < 80U) {
            set_bpr(machine, vcpu, (unsigned)machine_below(machine, 2), (uint32_t)machine_below(machine, 7));
        } else {
            guest_set_modes(machine, vcpu, machine_percent(machine, 30), machine_percent(machine, 50));
        }
    } else if (!has_dropped(guest) && (machine->config->has_tdir || machine->config->lrs == 0U)) {
        guest_set_modes(machine, vcpu, machine->oracle.cpu[vcpu].cbpr, machine_percent(machine, 50));
    }
    guest_compare_interface(machine, vcpu);
}
