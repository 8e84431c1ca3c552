/* SPDX-License-Identifier: BSD-2-Clause */
#include "vgic_machine.h"

#include <testkit/cmocka.h>

#include <string.h>

#include <libvgic/state.h>

#define HCR_OVERFLOW (UINT32_C(2) | UINT32_C(4) | UINT32_C(8)) /* UIE, LRENPIE, NPIE */

void machine_say(struct machine *machine, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(machine->last, sizeof(machine->last), format, args);
    va_end(args);
    if (getenv("ASH_TEST_TRACE") != NULL) {
        print_message("%8llu %s\n", (unsigned long long)machine->operations, machine->last);
    }
}

static void dump_irq(const struct machine *machine, const struct oracle_irq *irq, uint32_t intid)
{
    if (oracle_is_pending(irq) || irq->active) {
        print_error("        %u:%s%s%s%s%s%s%s%s group %d priority 0x%02x route 0x%llx targets 0x%x\n", intid,
                    irq->enabled ? "" : " disabled", irq->edge ? " edge" : "", irq->latch ? " latched" : "",
                    irq->fired ? " fired" : "", irq->line ? " high" : "", irq->message ? " message" : "",
                    irq->sources != 0U ? " sources" : "", irq->active ? " active" : "", irq->group1,
                    irq->priority, (unsigned long long)irq->route, irq->targets);
    }
    (void)machine;
}

static void dump(const struct machine *machine)
{
    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        const struct oracle_cpu *cpu = &machine->oracle.cpu[i];
        int pcpu = machine->guest[i].pcpu;

        print_error("    vCPU %u: on CPU %d%s%s, PMR 0x%02x running 0x%02x enabled %d %d EOImode %d CBPR %d, "
                    "work %d\n",
                    i, pcpu, cpu->online ? "" : ", off", cpu->asleep ? ", asleep" : "", cpu->pmr,
                    oracle_running_priority(&machine->oracle, i), cpu->enabled[0], cpu->enabled[1],
                    cpu->eoimode, cpu->cbpr, ash_vgic_needs_flush(&machine->vcpu[i]));
        for (uint32_t intid = 0; intid < 32U; intid++) {
            dump_irq(machine, &machine->oracle.private_irq[i][intid], intid);
        }
        if (pcpu >= 0) {
            fake_gic_cpu_dump(&machine->pcpu[pcpu].hardware);
        }
    }
    print_error("    GICD_CTLR: %d %d\n", machine->oracle.group_enabled[0], machine->oracle.group_enabled[1]);
    for (uint32_t intid = 32; intid < 32U + machine->config->spis; intid++) {
        dump_irq(machine, &machine->oracle.spi[intid], intid);
    }
}

void machine_fail(const struct machine *machine, const char *format, ...)
{
    char text[240];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    print_error("%s, operation %llu: %s\n    %s\n", machine->config->name,
                (unsigned long long)machine->operations, machine->last, text);
    dump(machine);
    fail();
    abort();
}

void machine_count(struct machine *machine, enum machine_event event)
{
    machine->events[event]++;
}

uint64_t machine_below(struct machine *machine, uint64_t bound)
{
    return test_rng_below(machine->rng, bound);
}

bool machine_percent(struct machine *machine, unsigned chance)
{
    return machine_below(machine, 100) < chance;
}

/* ---- Links: PPIs 27 and 26 to the same physical ones, two SPIs to others ------------------------------- */

static const struct {
    uint32_t intid, pintid;
} links[MACHINE_LINKS] = {{27, 27}, {26, 26}, {33, 100}, {38, 64}};

int machine_link(const struct machine *machine, uint32_t intid)
{
    for (unsigned i = 0; i < MACHINE_LINKS; i++) {
        if (links[i].intid == intid && (intid < 32U || machine->config->spis != 0U)) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t machine_link_intid(const struct machine *machine, unsigned link)
{
    (void)machine;
    return links[link].intid;
}

struct machine_physical *machine_physical(struct machine *machine, unsigned vcpu, unsigned link)
{
    return link < 2U ? &machine->ppi[vcpu][link] : &machine->spi[link - 2U];
}

static void end_physical(struct machine *machine, unsigned vcpu, uint32_t pintid, enum machine_event event)
{
    for (unsigned i = 0; i < MACHINE_LINKS; i++) {
        if (links[i].pintid == pintid) {
            if (!machine_physical(machine, vcpu, i)->active) {
                machine_fail(machine, "%s deactivates physical INTID %u of vCPU %u, which is not active",
                             event == MACHINE_LIBRARY_END ? "the library" : "the guest's EOI", pintid, vcpu);
            }
            machine_physical(machine, vcpu, i)->active = false;
            machine_count(machine, event);
            if (getenv("ASH_TEST_TRACE") != NULL) {
                print_message("         physical INTID %u of vCPU %u ends by %s\n", pintid, vcpu,
                              event == MACHINE_LIBRARY_END ? "the library" : "the guest");
            }
            return;
        }
    }
    machine_fail(machine, "physical INTID %u is not linked", pintid);
}

static void hardware_end(void *ctx, uint32_t pintid)
{
    const struct machine_pcpu *pcpu = ctx;

    end_physical(pcpu->machine, (unsigned)pcpu->vcpu, pintid, MACHINE_HARDWARE_END);
}

static void kick(void *ctx, uint32_t vcpu)
{
    struct machine *machine = ctx;

    if (vcpu >= machine->config->vcpus) {
        machine_fail(machine, "kick of vCPU %u", vcpu);
    }
    machine->guest[vcpu].kicked = true;
    machine_count(machine, MACHINE_KICK);
}

static void library_end(void *ctx, uint32_t vcpu, uint32_t pintid)
{
    struct machine *machine = ctx;

    if (vcpu >= machine->config->vcpus) {
        machine_fail(machine, "hw_deactivate for vCPU %u", vcpu);
    }
    end_physical(machine, vcpu, pintid, MACHINE_LIBRARY_END);
}

/* ---- The CPU interface in software ---------------------------------------------------------------------- */

static uint32_t soft_read(void *ctx, uint32_t offset)
{
    const struct machine_pcpu *pcpu = ctx;
    uint64_t value = UINT64_C(0xBAD0BAD0BAD0BAD0);

    if (ash_vgic_cpu_access(&pcpu->machine->gic, (uint32_t)pcpu->vcpu, offset, 4, false, &value) != ASH_OK ||
        value > UINT32_MAX) {
        machine_fail(pcpu->machine, "a read of GICC + 0x%x: 0x%llx", offset, (unsigned long long)value);
    }
    return (uint32_t)value;
}

static void soft_write(void *ctx, uint32_t offset, uint32_t value)
{
    const struct machine_pcpu *pcpu = ctx;
    uint64_t written = value;

    if (ash_vgic_cpu_access(&pcpu->machine->gic, (uint32_t)pcpu->vcpu, offset, 4, true, &written) != ASH_OK) {
        machine_fail(pcpu->machine, "a write to GICC + 0x%x failed", offset);
    }
}

static bool soft_signals(void *ctx, bool fiq)
{
    const struct machine_pcpu *pcpu = ctx;
    uint32_t lines = ash_vgic_lines(&pcpu->machine->vcpu[pcpu->vcpu]);

    return (lines & (fiq ? ASH_VGIC_LINE_FIQ : ASH_VGIC_LINE_IRQ)) != 0U;
}

static const struct fake_gic_soft soft = {soft_read, soft_write, soft_signals};

static const struct ash_vgic_hal hal = {
    .size = sizeof(hal),
    .kick = kick,
    .hw_deactivate = library_end,
};

/* ---- Setting up ---------------------------------------------------------------------------------------- */

static void init_oracle(struct machine *machine)
{
    const struct machine_config *config = machine->config;
    struct oracle *oracle = &machine->oracle;

    memset(oracle, 0, sizeof(*oracle));
    oracle->version = config->version;
    oracle->vcpus = config->vcpus;
    oracle->spis = config->spis;
    oracle->priority_bits = config->priority_bits;
    oracle->preemption_bits = config->preemption_bits;
    for (unsigned i = 0; i < config->vcpus; i++) {
        oracle->cpu[i].affinity =
            config->clusters ? ((i % 2U) << 16) | ((i / 2U) << 8) | (i == 3U ? 17U : i) : i;
    }
    oracle_reset(oracle);
}

static void init_library(struct machine *machine)
{
    const struct machine_config *config = machine->config;
    uint32_t affinity[ORACLE_VCPUS];
    uint64_t typer = 0;
    const struct ash_vgic_config library = {
        .size = sizeof(library),
        .version = config->version,
        .vcpu_count = config->vcpus,
        .spi_count = config->spis,
        .lr_count = config->lrs,
        .priority_bits = config->priority_bits,
        .preemption_bits = config->preemption_bits,
        .has_tdir = config->has_tdir && config->version == 3U,
        .deactivate_by_hal = config->by_hal,
        .affinity = config->version == 3U ? affinity : NULL,
        .vcpus = machine->pointers,
        .spis = machine->spis,
    };

    memset(&machine->gic, 0xA5, sizeof(machine->gic));
    memset(machine->vcpu, 0xA5, sizeof(machine->vcpu));
    memset(machine->spis, 0xA5, sizeof(machine->spis));
    for (unsigned i = 0; i < config->vcpus; i++) {
        machine->pointers[i] = &machine->vcpu[i];
        affinity[i] = machine->oracle.cpu[i].affinity;
    }
    assert_int_equal(ash_vgic_init(&machine->gic, &library, &hal, machine), ASH_OK);
    assert_int_equal(ash_vgic_dist_access(&machine->gic, 0, 4, 4, false, &typer), ASH_OK);
    machine->oracle.has_messages = config->version == 3U && (typer & ASH_BIT(16)) != 0U;
    for (unsigned link = 0; link < MACHINE_LINKS; link++) {
        for (unsigned i = 0; i < (link < 2U ? config->vcpus : 1U); i++) {
            if (links[link].intid < 32U + config->spis) {
                assert_int_equal(ash_vgic_connect_hw(&machine->gic, i, links[link].intid, links[link].pintid),
                                 ASH_OK);
            }
        }
    }
}

void machine_init(struct machine *machine, const struct machine_config *config, struct test_rng *rng,
                  uint64_t *events)
{
    uint64_t operations = machine->operations;

    memset(machine, 0, sizeof(*machine));
    machine->config = config;
    machine->operations = operations;
    machine->rng = rng;
    machine->events = events;
    machine_say(machine, "init");
    init_oracle(machine);
    init_library(machine);
    for (unsigned i = 0; i < config->vcpus; i++) {
        machine->guest[i].pcpu = -1;
        machine->pcpu[i] = (struct machine_pcpu){
            .machine = machine,
            .vcpu = -1,
            .hardware = {.version = config->version,
                         .lr_count = config->lrs,
                         .soft = config->lrs == 0U ? &soft : NULL,
                         .priority_bits = config->priority_bits,
                         .preemption_bits = config->preemption_bits,
                         .has_tdir = config->has_tdir && config->version == 3U,
                         .deactivate = hardware_end,
                         .ctx = &machine->pcpu[i]},
        };
        fake_gic_cpu_init(&machine->pcpu[i].hardware, test_rng_next(rng));
    }
}

/* What is linked is a fact of the machine: a firing that the guest has not seen yet stays pending, but
 * nothing physical is active any more. */
static void forget_physical(struct machine *machine, bool by_library)
{
    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        for (unsigned link = 0; link < MACHINE_LINKS; link++) {
            struct oracle_irq *irq = oracle_irq(&machine->oracle, i, links[link].intid);

            if (irq == NULL) {
                continue;
            }
            irq->latch |= irq->fired;
            irq->fired = false;
            if (by_library && machine_physical(machine, i, link)->active) {
                machine_fail(machine, "after an import physical INTID %u is active", links[link].pintid);
            }
            machine_physical(machine, i, link)->active = false;
        }
    }
}

void machine_move(struct machine *machine)
{
    static uint64_t first[ASH_VGIC_STATE_SIZE(ORACLE_VCPUS, ASH_VGIC_MAX_SPIS) / 8U];
    static uint64_t second[ASH_ARRAY_SIZE(first)];
    size_t size = ASH_VGIC_STATE_SIZE(machine->config->vcpus, machine->config->spis);
    bool same = machine_percent(machine, 30);

    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        machine_put(machine, i);
    }
    machine_say(machine, "the state is exported and imported by %s", same ? "the same" : "a new one");
    memset(first, 0x5A, sizeof(first));
    memset(second, 0xA5, sizeof(second));
    if (ash_vgic_export(&machine->gic, (void *)first, size) != ASH_OK) {
        machine_fail(machine, "export failed");
    }
    if (!same) {
        forget_physical(machine, false);
        init_library(machine);
    }
    if (ash_vgic_import(&machine->gic, (const void *)first, size) != ASH_OK ||
        ash_vgic_export(&machine->gic, (void *)second, size) != ASH_OK) {
        machine_fail(machine, "import, or the export after it, failed");
    }
    if (memcmp(first, second, size) != 0) {
        machine_fail(machine, "what was imported is exported differently");
    }
    forget_physical(machine, true);
    machine_count(machine, MACHINE_MOVED);
}

void machine_reset(struct machine *machine)
{
    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        machine_put(machine, i);
    }
    ash_vgic_reset(&machine->gic);
    oracle_reset(&machine->oracle);
    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        machine->guest[i].acks = 0;
        machine->guest[i].was_signalled = false;
        for (unsigned link = 0; link < MACHINE_LINKS; link++) {
            if (machine_physical(machine, i, link)->active) {
                machine_fail(machine, "after a reset physical INTID %u is active", links[link].pintid);
            }
        }
    }
    machine_count(machine, MACHINE_RESET);
}

void machine_cpu_on(struct machine *machine, unsigned vcpu)
{
    machine_put(machine, vcpu);
    ash_vgic_vcpu_reset(&machine->gic, vcpu);
    oracle_reset_cpu(&machine->oracle, vcpu);
    machine->guest[vcpu].acks = 0;
    for (unsigned link = 0; link < 2U; link++) {
        if (machine->ppi[vcpu][link].active) {
            machine_fail(machine, "after a vCPU's reset its physical INTID %u is active", links[link].pintid);
        }
    }
    machine_count(machine, MACHINE_CPU_RESET);
}

void machine_cpu_off(struct machine *machine, unsigned vcpu)
{
    machine_put(machine, vcpu);
    ash_vgic_vcpu_offline(&machine->gic, vcpu);
    machine->oracle.cpu[vcpu].online = false;
    machine_count(machine, MACHINE_OFFLINE);
}

/* ---- The hypervisor ------------------------------------------------------------------------------------ */

struct fake_gic_cpu *machine_hardware(struct machine *machine, unsigned vcpu)
{
    return machine->guest[vcpu].pcpu < 0 ? NULL : &machine->pcpu[machine->guest[vcpu].pcpu].hardware;
}

void machine_check_hardware(const struct machine *machine, const struct fake_gic_cpu *hardware)
{
    if (hardware->violations != 0U) {
        machine_fail(machine, "%s", hardware->message);
    }
}

void machine_forget_touches(struct machine *machine, unsigned vcpu)
{
    memset(machine->guest[vcpu].touched, 0, sizeof(machine->guest[vcpu].touched));
    memset(machine->guest[vcpu].ended, 0, sizeof(machine->guest[vcpu].ended));
}

static void check_calm(struct machine *machine, unsigned vcpu)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

    machine_check_hardware(machine, hardware);
    if (ash_vgic_needs_flush(&machine->vcpu[vcpu])) {
        machine_fail(machine, "vCPU %u needs a flush after its flush", vcpu);
    }
    if (fake_gic_cpu_has_maintenance(hardware)) {
        machine_fail(machine, "vCPU %u: maintenance interrupt 0x%x after the flush, HCR 0x%x", vcpu,
                     fake_gic_cpu_misr(hardware), hardware->hcr);
    }
    if ((hardware->hcr & HCR_OVERFLOW) != 0U) {
        machine_count(machine, MACHINE_OVERFLOW);
    }
}

void machine_load(struct machine *machine, unsigned vcpu)
{
    unsigned pcpu = (unsigned)machine_below(machine, machine->config->vcpus);

    if (machine->guest[vcpu].pcpu >= 0) {
        return;
    }
    while (machine->pcpu[pcpu].vcpu >= 0) {
        pcpu = (pcpu + 1U) % machine->config->vcpus;
    }
    machine->pcpu[pcpu].vcpu = (int)vcpu;
    machine->guest[vcpu].pcpu = (int)pcpu;
    ash_vgic_load(&machine->vcpu[vcpu]);
    fake_gic_cpu_load(&machine->pcpu[pcpu].hardware, &machine->vcpu[vcpu].lrs);
    machine->guest[vcpu].kicked = false;
    machine_forget_touches(machine, vcpu);
    check_calm(machine, vcpu);
    machine_count(machine, MACHINE_LOAD);
}

void machine_put(struct machine *machine, unsigned vcpu)
{
    struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

    if (hardware == NULL) {
        return;
    }
    fake_gic_cpu_save(hardware, &machine->vcpu[vcpu].lrs);
    ash_vgic_put(&machine->vcpu[vcpu]);
    machine_check_hardware(machine, hardware);
    machine->pcpu[machine->guest[vcpu].pcpu].vcpu = -1;
    machine->guest[vcpu].pcpu = -1;
    machine->guest[vcpu].kicked = true; /* who puts it asks ash_vgic_has_deliverable() */
    machine_count(machine, MACHINE_PUT);
}

bool machine_wants_exit(struct machine *machine, unsigned vcpu)
{
    return ash_vgic_needs_flush(&machine->vcpu[vcpu]) ||
           fake_gic_cpu_has_maintenance(machine_hardware(machine, vcpu));
}

static void fold_and_fill(struct machine *machine, unsigned vcpu)
{
    if (getenv("ASH_TEST_TRACE") != NULL) {
        print_message("         vCPU %u syncs and flushes\n", vcpu);
    }
    fake_gic_cpu_fetch(machine_hardware(machine, vcpu), &machine->vcpu[vcpu].lrs);
    ash_vgic_sync(&machine->vcpu[vcpu]);
    ash_vgic_flush(&machine->vcpu[vcpu]);
}

void machine_exit(struct machine *machine, unsigned vcpu)
{
    struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

    if (fake_gic_cpu_has_maintenance(hardware)) {
        ash_vgic_request_flush(&machine->vcpu[vcpu]);
        machine_count(machine, MACHINE_MAINTENANCE);
    }
    machine->guest[vcpu].kicked = false;
    if (ash_vgic_needs_flush(&machine->vcpu[vcpu])) {
        fold_and_fill(machine, vcpu);
        fake_gic_cpu_apply(hardware, &machine->vcpu[vcpu].lrs);
        machine_count(machine, MACHINE_EXIT);
    }
    machine_forget_touches(machine, vcpu);
    check_calm(machine, vcpu);
}

void machine_exit_all(struct machine *machine)
{
    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        if (machine->guest[i].pcpu >= 0) {
            machine_exit(machine, i);
        }
    }
}

void machine_exit_idle(struct machine *machine, unsigned vcpu)
{
    struct ash_vgic_lrs *lrs = &machine->vcpu[vcpu].lrs;

    ash_vgic_request_flush(&machine->vcpu[vcpu]);
    machine_exit(machine, vcpu); /* list registers that the guest has emptied are filled here */
    ash_vgic_request_flush(&machine->vcpu[vcpu]);
    fold_and_fill(machine, vcpu);
    if (lrs->changed != 0U) {
        machine_fail(machine, "vCPU %u: nothing happened and changed = 0x%x", vcpu, lrs->changed);
    }
    check_calm(machine, vcpu);
    machine_count(machine, MACHINE_EXIT_EMPTY);
}

void machine_touch(struct machine *machine, uint32_t intid, enum machine_touch touch)
{
    for (unsigned i = 0; intid < ORACLE_INTIDS && i < machine->config->vcpus; i++) {
        if (machine->guest[i].touched[intid] < (uint8_t)touch) {
            machine->guest[i].touched[intid] = (uint8_t)touch;
        }
    }
}

void machine_touch_all(struct machine *machine, enum machine_touch touch)
{
    for (uint32_t intid = 0; intid < 32U + machine->config->spis; intid++) {
        machine_touch(machine, intid, touch);
    }
}

void machine_enter(struct machine *machine, unsigned vcpu, bool may_be_old)
{
    machine_load(machine, vcpu);
    if (!may_be_old || machine_percent(machine, 70)) {
        machine_exit(machine, vcpu);
    }
}
