/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/bcm2837.h"

#include <libbase/bits.h>
#include <libbase/mem.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/guest_memory.h"
#include "core/hv.h"

#define UART_PAGE  UINT64_C(0x201000)
#define AUX_PAGE   UINT64_C(0x215000)
#define PAGE       UINT64_C(0x1000)
#define UARTDR     UINT64_C(0x201000)
#define AUX_MU_IO  UINT64_C(0x215040)
#define PSTATE_I   ASH_BIT(7)
#define PSTATE_F   ASH_BIT(6)
#define LOOK_FIRST 10U    /* microseconds: longer than most handlers take to quiet a timer */
#define LOOK_LAST  1000U  /* and no longer than a tick */
#define SEEN_LAST  10000U /* microseconds: no handler takes as long to quiet a timer of which it has read */

/* A Raspberry Pi 3's name to the firmware's clients: ours to choose, the MAC address locally administered. */
#define SERIAL UINT64_C(0x0000000041534c52)
#define MAC                                                                                                  \
    {                                                                                                        \
        0x02, 0x41, 0x53, 0x4c, 0x52, 0x00                                                                   \
    }

static struct hv_bcm2837_machine *bcm_of(const struct hv_vm *vm)
{
    return vm->machine.bcm;
}

/** What the guest reads as its counter. */
static uint64_t counter_of(const struct hv_vm *vm)
{
    return ash_vtimer_count(&vm->vcpu[0]->arch.vtimer, hv_arch_ticks());
}

static uint64_t ticks_of_us(uint64_t us)
{
    return hv_arch_ticks_per_second() * us / 1000000U;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static void set_lines_of(struct hv_vm *vm, uint32_t index)
{
    struct hv_bcm2837_machine *bcm = bcm_of(vm);
    uint32_t seen = bcm->core[index].seen;

    hv_machine_set_lines(vm->vcpu[index],
                         (hv_bcm2837_line(&bcm->soc, index, false, seen) ? HV_LINE_IRQ : 0U) |
                             (hv_bcm2837_line(&bcm->soc, index, true, seen) ? HV_LINE_FIQ : 0U));
}

static void set_lines(struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        set_lines_of(vm, i);
    }
}

/* ---- Timers ------------------------------------------------------------------------------------------------------ */

static const uint8_t timer_bits[ASH_VTIMER_COUNT] = {
    [ASH_VTIMER_VIRTUAL] = HV_BCM_LOCAL_CNTV,
    [ASH_VTIMER_PHYSICAL] = HV_BCM_LOCAL_CNTP,
};

static uint8_t bits_of(uint32_t timers)
{
    uint8_t bits = 0;

    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        bits |= (timers >> t & 1U) != 0U ? timer_bits[t] : 0U;
    }
    return bits;
}

/** The timers of @core that the guest would take as an interrupt, if it took any: those of @timers that @pstate
 *  masks. */
static uint8_t masked(const struct hv_bcm2837 *soc, uint32_t core, uint64_t pstate, uint8_t timers)
{
    uint32_t irqs = (pstate & PSTATE_I) != 0U ? hv_bcm_local_sources(&soc->local, core, false) : 0U;
    uint32_t fiqs = (pstate & PSTATE_F) != 0U ? hv_bcm_local_sources(&soc->local, core, true) : 0U;

    return (uint8_t)(timers & (irqs | fiqs));
}

/** Of the timers that the guest has seen, those of which it still knows: not of one that it has set again since, nor,
 *  in the end, of any. */
static uint8_t still_seen(const struct hv_bcm2837_machine *bcm, const struct hv_vcpu *vcpu, uint64_t pstate)
{
    const struct hv_bcm2837_core *core = &bcm->core[vcpu->index];
    uint8_t seen = masked(&bcm->soc, vcpu->index, pstate, core->seen & core->held);

    if (seen == 0U || hv_arch_ticks() >= core->seen_until) {
        return 0;
    }
    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        if (hv_arch_timer_cval(vcpu, t) != core->seen_cval[t]) {
            seen &= (uint8_t)~timer_bits[t];
        }
    }
    return seen;
}

/** The guest reads of @timers now, which are held. */
static void see(struct hv_bcm2837_core *core, const struct hv_vcpu *vcpu, uint8_t timers)
{
    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        if ((timers & timer_bits[t]) != 0U) {
            core->seen_cval[t] = hv_arch_timer_cval(vcpu, t);
            core->seen_until = hv_arch_ticks() + ticks_of_us(SEEN_LAST);
        }
    }
    core->seen |= timers;
}

/** Look again, in a while that grows from time to time, while a timer that the guest listens to is held. */
static void note_look(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_bcm2837_machine *bcm = bcm_of(vcpu->vm);
    struct hv_bcm2837_core *core = &bcm->core[vcpu->index];
    uint32_t sources = hv_bcm_local_sources(&bcm->soc.local, vcpu->index, false) |
                       hv_bcm_local_sources(&bcm->soc.local, vcpu->index, true);
    uint64_t now = hv_arch_ticks();
    uint64_t last = ticks_of_us(LOOK_LAST);

    if ((core->held & sources) == 0U) {
        core->look_at = UINT64_MAX;
        return;
    }
    if (core->look_at != UINT64_MAX && core->look_at > now) {
        return;
    }
    core->look_step = core->look_step * 2U < last ? core->look_step * 2U : last;
    core->look_at = now + core->look_step;
    hv_sched_new_alarm(cpu, cpu);
}

/** What the timers of cpu->vcpu assert by now; which of them are not held any more. */
static void refresh(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t pstate)
{
    struct hv_bcm2837_machine *bcm = bcm_of(vcpu->vm);
    struct hv_bcm2837_core *core = &bcm->core[vcpu->index];
    uint32_t timers = hv_arch_timers_asserted(vcpu);
    uint8_t asserted = bits_of(timers);

    bcm->soc.local.timers[vcpu->index] = asserted;
    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        if ((core->held & timer_bits[t] & ~asserted) != 0U) {
            hv_arch_deactivate(vcpu, hv_machine_timer_intid(&vcpu->vm->machine, (enum ash_vtimer_id)t));
        }
    }
    core->held &= asserted;
    core->seen = still_seen(bcm, vcpu, pstate);
    note_look(cpu, vcpu);
}

void hv_bcm2837_timer_fired(struct hv_cpu *cpu, enum ash_vtimer_id timer)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    struct hv_bcm2837_core *core = &bcm_of(vcpu->vm)->core[vcpu->index];

    core->held |= timer_bits[timer];
    core->look_at = UINT64_MAX;
    core->look_step = ticks_of_us(LOOK_FIRST) / 2U;
    refresh(cpu, vcpu, hv_arch_guest_pstate(vcpu));
    set_lines_of(vcpu->vm, vcpu->index);
}

uint32_t hv_bcm2837_held(const struct hv_vcpu *vcpu)
{
    struct hv_bcm2837_core *core = &bcm_of(vcpu->vm)->core[vcpu->index];
    uint64_t now = hv_arch_ticks();
    uint32_t timers = 0;

    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        if (ash_vtimer_is_asserted(&vcpu->arch.vtimer, (enum ash_vtimer_id)t, now)) {
            timers |= (core->held & timer_bits[t]) != 0U ? 1U << t : 0U;
        }
    }
    core->held &= bits_of(timers);
    core->seen &= core->held;
    return timers;
}

void hv_bcm2837_look_at_timers(struct hv_cpu *cpu, uint64_t pstate)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    hv_machine_lock(cpu, &vcpu->vm->machine);
    refresh(cpu, vcpu, pstate);
    set_lines_of(vcpu->vm, vcpu->index);
    hv_machine_unlock(&vcpu->vm->machine);
}

void hv_bcm2837_loaded(struct hv_cpu *cpu)
{
    hv_bcm2837_look_at_timers(cpu, cpu->vcpu->context.pstate);
    if (hv_bcm2837_look_time(cpu->vcpu) != UINT64_MAX) {
        hv_cpu_post(cpu, HV_REQUEST_ALARM); /* with a kick: nobody looks at requests before the guest runs */
    }
}

uint64_t hv_bcm2837_look_time(const struct hv_vcpu *vcpu)
{
    return bcm_of(vcpu->vm)->core[vcpu->index].look_at;
}

/* ---- Accesses ---------------------------------------------------------------------------------------------------- */

/** After whatever may have changed when the devices want to be looked at. */
static void note_due(struct hv_cpu *cpu, struct hv_vm *vm)
{
    uint64_t due = hv_bcm2837_due(vm);

    if (due != __atomic_load_n(&vm->machine.alarm, __ATOMIC_RELAXED)) {
        hv_machine_note_alarm(vm);
        hv_sched_new_alarm(vm->vcpu[0]->cpu, cpu);
    }
}

static bool is_uart(uint64_t offset)
{
    return offset - UART_PAGE < PAGE || offset - AUX_PAGE < PAGE;
}

static int access_peripherals(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                              uint64_t *value)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    struct hv_machine *machine = &vm->machine;
    struct hv_bcm2837 *soc = &machine->bcm->soc;
    int error;

    machine->emitted = -1;
    error = hv_bcm2837_access(soc, counter_of(vm), offset, size, is_write, value);
    vcpu->arch.emitted = soc->sent >= 0 ? soc->sent : machine->emitted;
    if (is_uart(offset)) {
        if (!is_write && (offset == UARTDR || offset == AUX_MU_IO)) {
            __atomic_store_n(&machine->reads_uart, 1U, __ATOMIC_RELAXED);
        }
        hv_machine_pump_locked(vm);
    }
    set_lines(vm);
    note_due(vcpu->cpu, vm);
    return error == ASH_OK && is_uart(offset) ? HV_MMIO_TALKED : error;
}

static int access_local(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                        uint64_t *value)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    struct hv_bcm2837_machine *bcm = bcm_of(vm);
    struct hv_bcm2837_core *core = &bcm->core[vcpu->index];
    uint64_t pstate = hv_arch_guest_pstate(vcpu);
    int error;

    refresh(vcpu->cpu, vcpu, pstate);
    error = hv_bcm2837_access_local(&bcm->soc, counter_of(vm), offset, size, is_write, value);
    if (!is_write && hv_bcm_local_source_core(offset) == vcpu->index) {
        see(core, vcpu, masked(&bcm->soc, vcpu->index, pstate, (uint8_t)(core->held & *value)));
    }
    note_look(vcpu->cpu, vcpu);
    set_lines(vm);
    note_due(vcpu->cpu, vm);
    return error;
}

/* ---- Console ----------------------------------------------------------------------------------------------------- */

unsigned hv_bcm2837_input_space(struct hv_vm *vm)
{
    return hv_bcm2837_space(&bcm_of(vm)->soc);
}

void hv_bcm2837_input(struct hv_vm *vm, uint8_t byte)
{
    (void)hv_bcm2837_receive(&bcm_of(vm)->soc, byte);
    set_lines(vm);
}

void hv_bcm2837_room(struct hv_vm *vm, bool has_room)
{
    hv_bcm2837_set_room(&bcm_of(vm)->soc, has_room);
    set_lines(vm);
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

uint64_t hv_bcm2837_due(const struct hv_vm *vm)
{
    const struct hv_bcm2837 *soc = &bcm_of(vm)->soc;
    uint64_t deadline = hv_bcm2837_deadline(soc);

    if (vm->machine.is_frozen || vm->machine.is_bitten) {
        return UINT64_MAX;
    }
    if (soc->pm.power != HV_BCM_POWER_ON) {
        return soc->now + vm->machine.time.offset; /* it is over, and nobody was told */
    }
    return deadline != UINT64_MAX ? deadline + vm->machine.time.offset : UINT64_MAX;
}

bool hv_bcm2837_look(struct hv_vm *vm, enum hv_vm_end *end)
{
    struct hv_bcm2837 *soc = &bcm_of(vm)->soc;
    bool ends;

    if (vm->machine.is_frozen) {
        return false;
    }
    hv_bcm2837_update(soc, counter_of(vm));
    set_lines(vm);
    ends = soc->pm.power != HV_BCM_POWER_ON && !vm->machine.is_bitten;
    *end = soc->pm.power == HV_BCM_POWER_HALT ? HV_END_OFF : HV_END_RESET;
    vm->machine.is_bitten = vm->machine.is_bitten || ends;
    return ends;
}

void hv_bcm2837_freeze(struct hv_vm *vm)
{
    bcm_of(vm)->frozen_at = counter_of(vm);
}

void hv_bcm2837_thaw(struct hv_vm *vm)
{
    hv_bcm2837_skip(&bcm_of(vm)->soc, counter_of(vm) - bcm_of(vm)->frozen_at);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static int copy_in(void *ctx, uint64_t ipa, void *to, size_t size)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    /* Past a line that hv's speculation left in the caches while the guest wrote with its own off. */
    int error = hv_guest_publish(vm, ash_ipa(ipa), size);

    return error == ASH_OK ? hv_guest_read(vm, ash_ipa(ipa), to, size) : error;
}

static int copy_out(void *ctx, uint64_t ipa, const void *from, size_t size)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    int error = hv_guest_write(vm, ash_ipa(ipa), from, size);

    return error == ASH_OK ? hv_guest_publish(vm, ash_ipa(ipa), size) : error;
}

static uint32_t random_word(void *ctx)
{
    uint32_t word;

    hv_rng_bytes((struct hv_rng *)ctx, &word, sizeof(word));
    return word;
}

/* Where the cores other than 0 are when core 0 begins, and their release addresses behind it (0xd8 is core 0's
 * own). */
static const uint32_t stub[] = {
    0xd53800a6, /*    mrs x6, mpidr_el1     */
    0x924004c6, /*    and x6, x6, #3        */
    0xd2801b05, /*    mov x5, #0xd8         */
    0x8b060ca5, /*    add x5, x5, x6, lsl 3 */
    0xd503205f, /* 1: wfe                   */
    0xf94000a4, /*    ldr x4, [x5]          */
    0xb4ffffc4, /*    cbz x4, 1b            */
    0xaa1f03e0, /*    mov x0, xzr           */
    0xaa1f03e1, /*    mov x1, xzr           */
    0xaa1f03e2, /*    mov x2, xzr           */
    0xaa1f03e3, /*    mov x3, xzr           */
    0xd61f0080, /*    br  x4                */
};
ASH_STATIC_ASSERT(sizeof(stub) <= 0xd8, "the spin table is behind it");

/* "ARM Linux boot", ATAGs: size in words, tag, and what it holds. */
#define ATAG_NONE    0x00000000U
#define ATAG_CORE    0x54410001U
#define ATAG_MEM     0x54410002U
#define ATAG_CMDLINE 0x54410009U

/** At @at of @size bytes that are zero. The text with its end is behind the tag's two words. */
static void write_atags(uint32_t *at, uint32_t ram_size, const char *bootargs)
{
    const uint32_t head[] = {5, ATAG_CORE, 1, 0x1000, 0, 4, ATAG_MEM, ram_size, 0};
    size_t length = hv_text_length(bootargs);

    memcpy(at, head, sizeof(head));
    at += sizeof(head) / sizeof(head[0]);
    if (length > 0U) {
        at[0] = (uint32_t)(2U + (length + 4U) / 4U);
        at[1] = ATAG_CMDLINE;
        memcpy(&at[2], bootargs, length + 1U);
        at += at[0];
    }
    at[0] = 0;
    at[1] = ATAG_NONE;
}

int hv_bcm2837_write_firmware(struct hv_vm *vm, const char *bootargs)
{
    struct hv_bcm2837_machine *bcm = bcm_of(vm);
    uint8_t *page = (uint8_t *)hv_guest_map(vm, ash_ipa(0), ASH_BOOT_BCM2837_FIRST);
    size_t length = hv_text_length(bootargs);

    if (page == NULL) {
        return ASH_ERANGE;
    }
    memcpy(bcm->command_line, bootargs, length + 1U); /* as long as a bootargs may be */
    memset(page, 0, ASH_BOOT_BCM2837_FIRST);
    memcpy(page, stub, sizeof(stub));
    if (vm->images.dtb.size == 0U) {
        write_atags((uint32_t *)(void *)(page + ASH_BOOT_BCM2837_ATAGS), bcm->soc.config.board.ram_size,
                    bootargs);
    }
    return hv_guest_publish(vm, ash_ipa(0), ASH_BOOT_BCM2837_FIRST);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void pl011_emit(void *ctx, uint8_t byte)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    vm->machine.emitted = byte;
}

static void pl011_irq(void *ctx, bool level)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    hv_bcm2837_pl011_irq(&bcm_of(vm)->soc, level);
}

/** Two stretches of devices; what an access is likely for is found by the number of its page, as in any machine. */
static void add_regions(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    const struct hv_mmio_region regions[] = {
        {.base = HV_BCM2837_PERIPHERALS,
         .size = (uint32_t)HV_BCM2837_PERIPHERALS_SIZE,
         .handler = access_peripherals,
         .ctx = vm,
         .name = "BCM2837"},
        {.base = HV_BCM2837_LOCAL,
         .size = (uint32_t)HV_BCM2837_LOCAL_SIZE,
         .handler = access_local,
         .ctx = vm,
         .name = "BCM2836 local"},
    };

    machine->regions = 2;
    memcpy(machine->region, regions, sizeof(regions));
    memset(machine->region_at, 2, sizeof(machine->region_at));
    for (uint64_t i = 0; i < HV_BCM2837_PERIPHERALS_SIZE >> HV_MACHINE_PAGE_SHIFT; i++) {
        machine
            ->region_at[((HV_BCM2837_PERIPHERALS >> HV_MACHINE_PAGE_SHIFT) + i) % HV_MACHINE_WINDOW_PAGES] =
            0;
    }
    machine->region_at[(HV_BCM2837_LOCAL >> HV_MACHINE_PAGE_SHIFT) % HV_MACHINE_WINDOW_PAGES] = 1;
}

static void reset_cores(struct hv_bcm2837_machine *bcm)
{
    for (unsigned i = 0; i < HV_BCM_CORES; i++) {
        bcm->core[i] = (struct hv_bcm2837_core){.look_at = UINT64_MAX};
    }
}

int hv_bcm2837_create(struct hv_vm *vm)
{
    static const struct hv_vpl011_ops pl011_ops = {.emit = pl011_emit, .set_irq = pl011_irq};
    static const uint8_t mac[] = MAC;
    struct hv_machine *machine = &vm->machine;
    struct hv_bcm2837_machine *bcm = (struct hv_bcm2837_machine *)hv_pages_alloc_zeroed(
        &vm->hv->pages, hv_pages_for(sizeof(struct hv_bcm2837_machine)));
    struct hv_bcm2837_config config = {
        .hz = hv_arch_ticks_per_second(),
        .board = {.ram_size = (uint32_t)vm->config.memory_size, .serial = SERIAL},
        .memory = {.copy_in = copy_in, .copy_out = copy_out, .ctx = vm},
        .random = random_word,
    };

    if (bcm == NULL) {
        return ASH_ENOMEM;
    }
    memcpy(config.board.mac, mac, sizeof(mac));
    config.board.mac[sizeof(mac) - 1U] = (uint8_t)vm->config.vmid;
    config.board.command_line = bcm->command_line;
    config.ctx = &bcm->rng;
    hv_lock(&vm->hv->vms_lock);
    hv_rng_bytes(&vm->hv->rng, &bcm->rng.key, sizeof(bcm->rng.key));
    hv_unlock(&vm->hv->vms_lock);
    machine->bcm = bcm;
    machine->delivery = HV_DELIVERY_LINES;
    hv_vpl011_init(&machine->uart, &pl011_ops, vm);
    hv_bcm2837_init(&bcm->soc, &config, &machine->uart, counter_of(vm));
    reset_cores(bcm);
    add_regions(vm);
    return ASH_OK;
}

void hv_bcm2837_destroy(struct hv_vm *vm)
{
    if (vm->machine.bcm != NULL) {
        hv_pages_free(&vm->hv->pages, vm->machine.bcm, hv_pages_for(sizeof(struct hv_bcm2837_machine)));
        vm->machine.bcm = NULL;
    }
}

void hv_bcm2837_reset(struct hv_vm *vm)
{
    hv_bcm2837_soc_reset(&bcm_of(vm)->soc, counter_of(vm));
    reset_cores(bcm_of(vm));
    set_lines(vm);
}

void hv_bcm2837_vcpu_reset(struct hv_vcpu *vcpu)
{
    struct hv_bcm2837_machine *bcm = bcm_of(vcpu->vm);

    bcm->core[vcpu->index] = (struct hv_bcm2837_core){.look_at = UINT64_MAX};
    bcm->soc.local.timers[vcpu->index] = 0;
}
