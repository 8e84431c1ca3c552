/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines, edges, linked physical interrupts; and the short ways in. */
#include "vgic_guest_parts.h"

void guest_set_line(struct machine *machine, unsigned owner, uint32_t intid, bool level)
{
    machine_say(machine, "line of INTID %u (vCPU %u): %d", intid, owner, level);
    machine_touch(machine, intid,
                  oracle_irq(&machine->oracle, owner, intid)->edge ? TOUCH_PENDING : TOUCH_LINE);
    oracle_set_line(&machine->oracle, owner, intid, level);
    if (ash_vgic_set_level(&machine->gic, owner, intid, level) != ASH_OK) {
        machine_fail(machine, "set_level failed");
    }
    machine_count(machine, level ? MACHINE_LINE_UP : MACHINE_LINE_DOWN);
}

static unsigned some_owner(struct machine *machine)
{
    return (unsigned)machine_below(machine, machine->config->vcpus);
}

void guest_do_line(struct machine *machine)
{
    unsigned owner = some_owner(machine);
    uint32_t intid = guest_some_intid(machine);

    if (intid >= 16U && machine_link(machine, intid) < 0) {
        guest_set_line(machine, owner, intid, machine_percent(machine, 60));
    }
}

/* The short way first, if @vcpu is on a CPU: false if it was refused. */
static bool inject_fast(struct machine *machine, unsigned vcpu, uint32_t intid)
{
    struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);
    int n;

    if (hardware == NULL || machine_percent(machine, 50)) {
        return false;
    }
    n = ASH_EBUSY;
    if (machine_link(machine, intid) >= 0 && machine_percent(machine, 80)) {
        n = ash_vgic_inject_again(&machine->vcpu[vcpu], intid);
        machine_count(machine, n >= 0 ? MACHINE_AGAIN : MACHINE_AGAIN_REFUSED);
    }
    if (n < 0) {
        n = ash_vgic_inject_fast(&machine->vcpu[vcpu], intid, fake_gic_cpu_elrsr(hardware));
    }
    if (n < 0) {
        if (n != ASH_EBUSY) {
            machine_fail(machine, "inject_fast says %s", ash_error_name(n));
        }
        machine_count(machine, MACHINE_FAST_REFUSED);
        return false;
    }
    if (hardware->lr_count <= (unsigned)n || hardware->lr[n].pending || hardware->lr[n].active) {
        machine_fail(machine, "inject_fast takes LR%d, which is in use", n);
    }
    fake_gic_cpu_write_lr(hardware, (unsigned)n, machine->vcpu[vcpu].lrs.lr[n]);
    machine_count(machine, MACHINE_FAST);
    return true;
}

void guest_do_pulse(struct machine *machine)
{
    unsigned owner = some_owner(machine);
    uint32_t intid = guest_some_intid(machine);

    if (intid < 16U || machine_link(machine, intid) >= 0) {
        return;
    }
    machine_say(machine, "an edge of INTID %u (vCPU %u)", intid, owner);
    machine_touch(machine, intid, TOUCH_PENDING);
    oracle_pulse(&machine->oracle, owner, intid);
    if (oracle_irq(&machine->oracle, owner, intid)->edge && inject_fast(machine, owner, intid)) {
        return;
    }
    if (ash_vgic_pulse(&machine->gic, owner, intid) != ASH_OK) {
        machine_fail(machine, "pulse failed");
    }
    machine_count(machine, MACHINE_PULSE);
}

/* An SGI from a vCPU to itself may go the short way. */
void guest_do_self_sgi(struct machine *machine, unsigned vcpu)
{
    uint32_t intid = (uint32_t)machine_below(machine, 16);

    machine_enter(machine, vcpu, true);
    machine_say(machine, "vCPU %u sends SGI %u to itself", vcpu, intid);
    if (is_v2(machine) || !inject_fast(machine, vcpu, intid)) {
        return;
    }
    machine_touch(machine, intid, TOUCH_PENDING);
    machine->oracle.private_irq[vcpu][intid].latch = true;
    machine_count(machine, MACHINE_SGI);
}

/* A linked physical interrupt fires if it is not active; sometimes its device thinks better of it. */
void guest_fire(struct machine *machine, unsigned link, unsigned owner)
{
    uint32_t intid = machine_link_intid(machine, link);
    struct machine_physical *physical = machine_physical(machine, owner, link);
    struct oracle_irq *irq = oracle_irq(&machine->oracle, owner, intid);

    if (irq == NULL) {
        return;
    }
    if (physical->active) {
        if (irq->fired && !irq->latch && !irq->active && machine_percent(machine, 30)) {
            machine_say(machine, "INTID %u (vCPU %u) is taken back", intid, owner);
            machine_touch(machine, intid, TOUCH_PENDING);
            irq->fired = false;
            if (ash_vgic_set_level(&machine->gic, owner, intid, false) != ASH_OK) {
                machine_fail(machine, "set_level failed");
            }
            machine_count(machine, MACHINE_TAKEN_BACK);
        }
        return;
    }
    machine_say(machine, "INTID %u (vCPU %u) fires", intid, owner);
    machine_touch(machine, intid, TOUCH_PENDING);
    physical->active = true;
    irq->fired = true;
    if (!inject_fast(machine, owner, intid) && ash_vgic_inject_hw(&machine->gic, owner, intid) != ASH_OK) {
        machine_fail(machine, "inject_hw failed");
    }
    machine_count(machine, MACHINE_FIRED);
}

void guest_do_fire(struct machine *machine)
{
    unsigned link = (unsigned)machine_below(machine, MACHINE_LINKS);

    guest_fire(machine, link, some_owner(machine));
}
