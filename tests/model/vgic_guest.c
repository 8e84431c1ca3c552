/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that come and go, and which of everything is next. */
#include "vgic_guest_parts.h"

/* A vCPU that runs guest code: on, and awake. vCPU 0 always is. */
static unsigned some_vcpu(struct machine *machine)
{
    unsigned vcpu = (unsigned)machine_below(machine, machine->config->vcpus);

    return machine->oracle.cpu[vcpu].online && !machine->oracle.cpu[vcpu].asleep ? vcpu : 0U;
}

/* Few interrupts meet each other often; sometimes any. */
static uint32_t some_spi(struct machine *machine)
{
    uint32_t count =
        machine_percent(machine, 85) && machine->config->spis > 12U ? 12U : machine->config->spis;

    return 32U + (uint32_t)machine_below(machine, count);
}

uint32_t guest_some_intid(struct machine *machine)
{
    static const uint32_t ppis[] = {16, 20, 26, 27, 31};
    uint64_t dice = machine_below(machine, 100);

    if (dice < 20U) {
        return (uint32_t)machine_below(machine, machine_percent(machine, 80) ? 4 : 16);
    }
    if (dice < 45U || machine->config->spis == 0U) {
        return ppis[machine_below(machine, 5)];
    }
    return some_spi(machine);
}

/* ---- vCPUs come and go --------------------------------------------------------------------------------- */

/* What a vCPU that ends had active nobody will end: an operating system clears it. */
static void clear_orphans(struct machine *machine, unsigned vcpu)
{
    for (uint32_t intid = 32; intid < 32U + machine->config->spis; intid++) {
        unsigned owner;

        if (machine->oracle.spi[intid].active && guest_find_ack(machine, 0, intid, &owner) == NULL) {
            guest_write_bit(machine, vcpu, vcpu, intid, ICACTIVER);
        }
    }
}

static void start_interface(struct machine *machine, unsigned vcpu)
{
    machine_load(machine, vcpu);
    guest_compare_interface(machine, vcpu);
    guest_set_pmr(machine, vcpu, 0xFF);
    guest_enable_group(machine, vcpu, 0, machine_percent(machine, 80));
    guest_enable_group(machine, vcpu, 1, true);
    guest_set_modes(machine, vcpu, machine_percent(machine, 20), machine_percent(machine, 40));
}

static void set_up_irq(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid)
{
    guest_write_priority(machine, vcpu, owner, intid, guest_some_priority(machine));
    if (machine_percent(machine, 25)) { /* the other group */
        struct oracle_access access = guest_access_of(machine, vcpu, owner, intid, IGROUPR, 1);
        uint64_t known;

        guest_write_register(machine, &access,
                             oracle_read(&machine->oracle, &access, &known) ^ (UINT64_C(1) << (intid % 32U)));
    }
    if (machine_percent(machine, 85)) {
        guest_write_bit(machine, vcpu, owner, intid, ISENABLER);
    }
}

static void boot_vcpu(struct machine *machine, unsigned vcpu)
{
    for (uint32_t intid = 0; intid < 32U; intid++) {
        set_up_irq(machine, vcpu, vcpu, intid);
    }
    start_interface(machine, vcpu);
}

static void do_cpu_on_off(struct machine *machine)
{
    unsigned vcpu = (unsigned)machine_below(machine, machine->config->vcpus);

    if (vcpu == 0U) {
        return;
    }
    if (machine->oracle.cpu[vcpu].online && machine_percent(machine, 50)) {
        machine_say(machine, "vCPU %u is switched off", vcpu);
        if (machine->guest[vcpu].acks == 0U) {
            machine_cpu_off(machine, vcpu);
        }
        return;
    }
    machine_say(machine, "vCPU %u is reset", vcpu);
    machine_cpu_on(machine, vcpu);
    clear_orphans(machine, 0);
    boot_vcpu(machine, vcpu);
}

static void write_waker(struct machine *machine, unsigned vcpu, unsigned which, bool sleep)
{
    const struct oracle_access access = {
        .frame = ORACLE_REDISTRIBUTOR, .vcpu = vcpu, .which = which, .offset = 0x14, .size = 4};

    machine_say(machine, "vCPU %u: redistributor %u sleeps: %d", vcpu, which, sleep);
    machine_touch_all(machine, TOUCH_PENDING);
    machine_write(machine, &access, sleep ? 2U : 0U);
    (void)machine_read(machine, &access);
}

/* IHI 0069 11.1: the CPU interface is quiet before its redistributor sleeps. */
static void do_sleep(struct machine *machine)
{
    unsigned vcpu = (unsigned)machine_below(machine, machine->config->vcpus);

    if (is_v2(machine) || vcpu == 0U || !machine->oracle.cpu[vcpu].online) {
        return;
    }
    if (machine->oracle.cpu[vcpu].asleep) {
        write_waker(machine, vcpu, vcpu, false);
        machine_enter(machine, vcpu, false);
        guest_enable_group(machine, vcpu, 0, true);
        guest_enable_group(machine, vcpu, 1, true);
    } else if (machine->guest[vcpu].acks == 0U) {
        machine_enter(machine, vcpu, false);
        guest_enable_group(machine, vcpu, 0, false);
        guest_enable_group(machine, vcpu, 1, false);
        write_waker(machine, vcpu, vcpu, true);
        machine_exit_all(machine);
        machine_count(machine, MACHINE_SLEEP);
    }
}

static void do_put_or_load(struct machine *machine)
{
    unsigned vcpu = (unsigned)machine_below(machine, machine->config->vcpus);

    if (machine->guest[vcpu].pcpu >= 0) {
        machine_say(machine, "vCPU %u is put", vcpu);
        machine_put(machine, vcpu);
    } else if (machine->oracle.cpu[vcpu].online) {
        machine_say(machine, "vCPU %u is loaded", vcpu);
        machine_load(machine, vcpu);
    }
}

/* ---- Everything ---------------------------------------------------------------------------------------- */

void guest_boot(struct machine *machine)
{
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (vcpu != 0U && machine_percent(machine, 90)) {
            machine_cpu_on(machine, vcpu);
        }
        if (machine->oracle.cpu[vcpu].online) {
            boot_vcpu(machine, vcpu);
        }
    }
    for (uint32_t intid = 32; intid < 32U + machine->config->spis; intid++) {
        if (intid < 50U || machine_percent(machine, 10)) {
            guest_write_target(machine, 0, intid);
            set_up_irq(machine, 0, 0, intid);
        }
    }
    guest_write_ctlr(machine, 0, 3);
}

static unsigned step(struct machine *machine)
{
    unsigned vcpu = some_vcpu(machine);
    uint64_t dice = machine_below(machine, 1000);

    if (dice < 170U) {
        (void)guest_do_acknowledge(machine, vcpu, (unsigned)machine_below(machine, 4) != 0U ? 1U : 0U, true);
    } else if (dice < 320U) {
        (void)guest_do_eoi(machine, vcpu);
    } else if (dice < 380U) {
        (void)guest_do_deactivate(machine, vcpu);
    } else if (dice < 430U) {
        guest_do_interface(machine, vcpu);
    } else if (dice < 530U) {
        guest_do_write(machine, vcpu);
    } else if (dice < 600U) {
        guest_do_read(machine, vcpu);
    } else if (dice < 610U) {
        guest_do_message(machine, vcpu);
    } else if (dice < 635U) {
        guest_do_wild_access(machine, vcpu);
    } else if (dice < 700U) {
        guest_do_sgi(machine, vcpu);
    } else if (dice < 720U) {
        guest_do_self_sgi(machine, vcpu);
    } else if (dice < 800U) {
        guest_do_line(machine);
        return MACHINE_NOBODY;
    } else if (dice < 850U) {
        guest_do_pulse(machine);
        return MACHINE_NOBODY;
    } else if (dice < 910U) {
        guest_do_fire(machine);
        return MACHINE_NOBODY;
    } else if (dice < 940U) {
        machine_enter(machine, vcpu, false);
    } else if (dice < 960U) {
        machine_load(machine, vcpu);
        machine_exit_idle(machine, vcpu);
    } else if (dice < 980U) {
        do_put_or_load(machine);
    } else if (dice < 990U) {
        guest_do_configure(machine, vcpu);
    } else if (dice < 992U) {
        do_cpu_on_off(machine);
    } else if (dice < 995U) {
        machine_move(machine);
    } else {
        do_sleep(machine);
    }
    return vcpu;
}

void guest_step(struct machine *machine)
{
    unsigned actor;

    machine->operations++;
    actor = step(machine);
    machine_check(machine, actor);
}

static void end_all(struct machine *machine, unsigned vcpu)
{
    while (guest_do_eoi(machine, vcpu)) {
        machine_check(machine, vcpu);
    }
    while (machine->guest[vcpu].acks != 0U) {
        (void)guest_do_deactivate(machine, vcpu);
        machine_check(machine, vcpu);
    }
}

static bool take_all(struct machine *machine, unsigned vcpu)
{
    bool any = false, again;

    machine_enter(machine, vcpu, false);
    end_all(machine, vcpu);
    machine_enter(machine, vcpu, false);
    guest_set_pmr(machine, vcpu, 0xFF);
    guest_enable_group(machine, vcpu, 0, true);
    guest_enable_group(machine, vcpu, 1, true);
    do {
        again = false;
        for (unsigned group = 0; group < 2U; group++) {
            while (guest_do_acknowledge(machine, vcpu, group, false)) {
                uint32_t intid = machine->guest[vcpu].ack[machine->guest[vcpu].acks - 1U].value & 0x3FFU;

                again = true;
                if (intid >= 16U && machine_link(machine, intid) < 0) {
                    guest_set_line(machine, vcpu, intid, false);
                }
                if (intid >= 32U && machine->oracle.spi[intid].message) {
                    guest_clear_message(machine, vcpu, intid);
                }
                end_all(machine, vcpu);
            }
        }
        any |= again;
    } while (again);
    return any;
}

/* A timer that ticks where nothing else happens; now and then its registers are written between two ticks. */
static void tick(struct machine *machine, unsigned vcpu)
{
    static const uint32_t bits[] = {ISENABLER, ICENABLER, ISPENDR, ICPENDR};
    unsigned link = (unsigned)machine_below(machine, 2);
    uint32_t intid = machine_link_intid(machine, link);
    const struct oracle_irq *irq = oracle_irq(&machine->oracle, vcpu, intid);

    for (unsigned n = 0; n < 8U; n++) {
        guest_fire(machine, link, vcpu);
        (void)guest_do_acknowledge(machine, vcpu, irq->group1 ? 1U : 0U, true);
        end_all(machine, vcpu);
        machine_check(machine, vcpu);
        if (machine_percent(machine, 10)) {
            guest_write_bit(machine, vcpu, vcpu, intid, bits[machine_below(machine, 4)]);
        } else if (machine_percent(machine, 5)) {
            guest_write_priority(machine, vcpu, vcpu, intid, guest_some_priority(machine));
        }
    }
}

static void settle(struct machine *machine)
{
    unsigned rounds = 2; /* what ends on one vCPU may, as 1 of N, begin again on one that was asked before */
    bool any;

    do {
        any = false;
        for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
            if (machine->oracle.cpu[vcpu].asleep) {
                write_waker(machine, vcpu, vcpu, false);
            }
            if (machine->oracle.cpu[vcpu].online) {
                any |= take_all(machine, vcpu);
                machine_check(machine, vcpu);
            }
        }
        machine_exit_all(machine);
        rounds = any ? 2U : rounds - 1U;
    } while (rounds != 0U);
}

void guest_quiesce(struct machine *machine)
{
    settle(machine);
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (machine->oracle.cpu[vcpu].online) {
            tick(machine, vcpu);
        }
    }
    settle(machine);
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (machine->oracle.cpu[vcpu].online && oracle_may_signal(&machine->oracle, vcpu)) {
            machine_fail(machine, "an interrupt for vCPU %u was never delivered", vcpu);
        }
    }
    guest_compare_everything(machine);
    machine_check(machine, MACHINE_NOBODY);
    machine_count(machine, MACHINE_QUIESCED);
    if (machine_percent(machine, 50)) {
        machine_move(machine);
        guest_compare_everything(machine);
    }
    if (machine_percent(machine, 10)) {
        guest_rampage(machine, machine_percent(machine, 50) ? 0U : 400U);
        guest_compare_everything(machine);
        guest_boot(machine);
    }
}
