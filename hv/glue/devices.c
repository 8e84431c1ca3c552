/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/devices.h"

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "glue/bcm2837.h"
#include "glue/console_glue.h"
#include "glue/virtio.h"

/* A press is as long as a finger's: longer than any driver's debouncing. A guest that has not looked by then, because
 * others have its CPU, would find the key up again and nothing pressed: for it the press goes on. */
#define KEY_PRESS_MS 200U
#define KEY_HOLD_MS  5000U

#define NONE_PENDING 1023U /* the INTID that is none: by now it was taken */

static void set_level(struct hv_vm *vm, const struct ash_boot_guest_device *device, bool level)
{
    /* An SPI that this machine has: cannot fail. */
    ASH_DISCARD(ash_vgic_set_level(&vm->machine.vgic, 0, 32U + device->spi, level));
}

static void rtc_irq(void *ctx, bool level)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    set_level(vm, &vm->machine.layout.rtc, level);
}

static void gpio_irq(void *ctx, bool level)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    set_level(vm, &vm->machine.layout.gpio, level);
}

static void wdog_irq(void *ctx, bool level)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    set_level(vm, &vm->machine.layout.wdog, level);
}

static uint64_t ticks_of_ms(uint64_t ms)
{
    return hv_arch_ticks_per_second() * ms / 1000U;
}

/* ---- The alarm --------------------------------------------------------------------------------------------------- */

/** Note when the first of them wants to be looked at. */
void hv_machine_note_alarm(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    uint64_t first = machine->rtc_due < machine->key.up_at ? machine->rtc_due : machine->key.up_at;

    first = first < machine->wdog_due ? first : machine->wdog_due;
    first = first < machine->storm.due ? first : machine->storm.due;
    first = first < machine->virtio_due ? first : machine->virtio_due;
    if (machine->bcm != NULL) {
        uint64_t due = hv_bcm2837_due(vm);

        first = first < due ? first : due;
    }
    __atomic_store_n(&machine->alarm, first, __ATOMIC_RELAXED);
}

static void note_clock(struct hv_vm *vm, uint64_t now)
{
    uint64_t second;

    vm->machine.rtc_due =
        hv_vpl031_deadline(&vm->machine.rtc, now, &second) ? hv_ticks_at_second(vm->hv, second) : UINT64_MAX;
    hv_machine_note_alarm(vm);
}

/** @value of one clock in another's, both counting from 0: without overflow for any that a machine lives to see. */
static uint64_t convert(uint64_t value, uint64_t from_hz, uint64_t to_hz, bool round_up)
{
    uint64_t rest = value % from_hz * to_hz;

    return value / from_hz * to_hz + (rest + (round_up ? from_hz - 1U : 0U)) / from_hz;
}

/** The watchdog's clock now. */
static uint64_t wdog_clocks(const struct hv_vm *vm)
{
    return convert(hv_arch_ticks(), hv_arch_ticks_per_second(), vm->machine.layout.clock_hz, false);
}

static void note_wdog(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    uint64_t zero;

    if (machine->is_frozen || machine->is_bitten) {
        machine->wdog_due = UINT64_MAX; /* nobody waits for it */
    } else if (hv_vsp805_has_expired(&machine->wdog)) {
        machine->wdog_due = hv_arch_ticks();
    } else {
        bool runs = hv_vsp805_deadline(&machine->wdog, &zero);

        machine->wdog_due =
            runs ? convert(zero, machine->layout.clock_hz, hv_arch_ticks_per_second(), true) : UINT64_MAX;
    }
    hv_machine_note_alarm(vm);
}

uint64_t hv_machine_alarm_time(const struct hv_vm *vm)
{
    return __atomic_load_n(&vm->machine.alarm, __ATOMIC_RELAXED);
}

static void look_at_key(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    uint64_t now = hv_arch_ticks();

    if (now < machine->key.up_at) {
        return;
    }
    if (now < machine->key.last_at && hv_vpl061_is_pending(&machine->gpio, machine->layout.power_key)) {
        machine->key.up_at = now + ticks_of_ms(KEY_PRESS_MS);
        return;
    }
    machine->key.up_at = UINT64_MAX;
    hv_vpl061_drive(&machine->gpio, machine->layout.power_key, false);
}

/** True: a virtio device wants to be looked at, which has a lock of its own. */
static bool take_virtio(struct hv_vm *vm)
{
    bool is_due = vm->machine.virtio_due <= hv_arch_ticks();

    vm->machine.virtio_due = is_due ? UINT64_MAX : vm->machine.virtio_due;
    return is_due;
}

/** True: it has expired, and nobody was told yet. */
static bool look_at_wdog(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    bool bites;

    if (machine->is_frozen) {
        return false;
    }
    hv_vsp805_update(&machine->wdog, wdog_clocks(vm));
    bites = hv_vsp805_has_expired(&machine->wdog) && !machine->is_bitten;
    machine->is_bitten = machine->is_bitten || bites;
    note_wdog(vm);
    return bites;
}

/* ---- Storms of interrupts ---------------------------------------------------------------------------------------- */

/** An interrupt that is pending for vCPU @vcpu: its INTID. SGIs first, whose rate nothing but a guest limits. */
static uint32_t pending_for(struct hv_vm *vm, uint32_t vcpu)
{
    struct ash_vgic_view view;

    for (uint32_t intid = 0; intid < 32U + HV_MACHINE_SPIS; intid++) {
        if (ash_vgic_view(&vm->machine.vgic, vcpu, intid, &view) == ASH_OK && view.enabled && view.pending &&
            view.target == vcpu) {
            return intid;
        }
    }
    return NONE_PENDING;
}

void hv_devices_note_storm(struct hv_vm *vm, uint32_t vcpu)
{
    struct hv_machine_storm *storm = &vm->machine.storm;
    uint64_t now = hv_arch_ticks();
    uint64_t took = now - storm->since;

    storm->count = 0;
    storm->since = now;
    if (took > hv_arch_ticks_per_second()) {
        return;
    }
    __atomic_store_n(&storm->seen, storm->seen + 1U, __ATOMIC_RELAXED);
    if (now < storm->quiet_until) {
        return;
    }
    storm->quiet_until = now + HV_MACHINE_STORM_QUIET_S * hv_arch_ticks_per_second();
    storm->rate = (uint32_t)(HV_MACHINE_STORM * hv_arch_ticks_per_second() / (took + 1U));
    storm->vcpu = vcpu;
    storm->intid = pending_for(vm, vcpu);
    storm->due = now; /* not here: locks are held, and the console may have to be waited for */
    hv_machine_note_alarm(vm);
    hv_sched_new_alarm(vm->vcpu[0]->cpu, vm->machine.locked_by);
}

/** True: a line is due, *@storm is what it is to say. */
static bool take_storm(struct hv_vm *vm, struct hv_machine_storm *storm)
{
    *storm = vm->machine.storm;
    vm->machine.storm.due = UINT64_MAX;
    return storm->due != UINT64_MAX;
}

/** Whatever the log level is. */
static void say_storm(struct hv_vm *vm, const struct hv_machine_storm *storm)
{
    char line[120];
    const char *kind = storm->intid < 16U ? "SGI" : storm->intid < 32U ? "PPI" : "SPI";
    uint32_t number = storm->intid < 16U ? storm->intid : storm->intid - (storm->intid < 32U ? 16U : 32U);
    size_t length =
        hv_format(line, sizeof(line), "%s: interrupt storm: %u a second, ", vm->name, storm->rate);

    if (storm->intid != NONE_PENDING) {
        length += hv_format(line + length, sizeof(line) - length, "last %s %u ", kind, number);
    }
    (void)hv_format(line + length, sizeof(line) - length, "for vCPU %u; it slows itself", storm->vcpu);
    hv_console_say(vm->hv, line);
}

/* ---- The alarm rings --------------------------------------------------------------------------------------------- */

void hv_machine_alarm(struct hv_cpu *cpu, struct hv_vm *vm)
{
    enum hv_vm_end end = HV_END_FAULT;
    bool ends = false;
    struct hv_machine_storm storm;
    bool storms;
    bool virtio;
    uint64_t now;
    bool bites;

    if (hv_machine_alarm_time(vm) > hv_arch_ticks()) {
        return;
    }
    hv_machine_lock(cpu, &vm->machine);
    now = hv_seconds_since_epoch(vm->hv);
    hv_vpl031_update(&vm->machine.rtc, now);
    look_at_key(vm);
    storms = take_storm(vm, &storm);
    virtio = take_virtio(vm);
    if (vm->machine.bcm != NULL) {
        ends = hv_bcm2837_look(vm, &end);
    }
    note_clock(vm, now);
    bites = look_at_wdog(vm);
    hv_machine_unlock(&vm->machine);
    if (storms) {
        say_storm(vm, &storm);
    }
    if (virtio) {
        hv_virtio_ring(cpu, vm);
    }
    if (ends) {
        hv_vm_stop(vm, end);
    }
    if (bites) {
        hv_log(vm->hv, "%s: its watchdog expired", vm->name);
        hv_vm_stop(vm, HV_END_FAULT);
    }
}

/* ---- What a guest and a user do ---------------------------------------------------------------------------------- */

int hv_devices_access_rtc(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                          uint64_t *value)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    uint64_t now = hv_seconds_since_epoch(vm->hv);
    int error = hv_vpl031_access(&vm->machine.rtc, now, offset, size, is_write, value);

    if (is_write) {
        note_clock(vm, now);
        hv_sched_new_alarm(vm->vcpu[0]->cpu, vcpu->cpu);
    }
    return error;
}

int hv_devices_access_gpio(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                           uint64_t *value)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    (void)vcpu;
    return hv_vpl061_access(&vm->machine.gpio, offset, size, is_write, value);
}

int hv_devices_access_wdog(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                           uint64_t *value)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    struct hv_machine *machine = &vm->machine;
    int error = hv_vsp805_access(&machine->wdog, wdog_clocks(vm), offset, size, is_write, value);

    /* If this access found it expired, the alarm, which is due at once, stops the VM: not with the lock held. */
    if (is_write || hv_vsp805_has_expired(&machine->wdog)) {
        note_wdog(vm);
        hv_sched_new_alarm(vm->vcpu[0]->cpu, vcpu->cpu);
    }
    return error;
}

void hv_machine_freeze(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;

    hv_machine_lock(cpu, machine);
    hv_vsp805_update(&machine->wdog, wdog_clocks(vm));
    if (machine->bcm != NULL) {
        hv_bcm2837_freeze(vm);
    }
    machine->is_frozen = true;
    note_wdog(vm);
    hv_machine_unlock(machine);
    hv_sched_new_alarm(vm->vcpu[0]->cpu, cpu);
}

void hv_machine_thaw(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;

    hv_machine_lock(cpu, machine);
    if (machine->is_frozen) {
        hv_vsp805_skip(&machine->wdog, wdog_clocks(vm));
        machine->is_frozen = false;
        if (machine->bcm != NULL) {
            hv_bcm2837_thaw(vm);
        }
        note_wdog(vm);
    }
    hv_machine_unlock(machine);
    hv_sched_new_alarm(vm->vcpu[0]->cpu, cpu);
}

void hv_machine_press_power(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    uint64_t now = hv_arch_ticks();

    hv_machine_lock(cpu, machine);
    hv_vpl061_drive(&machine->gpio, machine->layout.power_key, true);
    machine->key.up_at = now + ticks_of_ms(KEY_PRESS_MS);
    machine->key.last_at = now + ticks_of_ms(KEY_HOLD_MS);
    hv_machine_note_alarm(vm);
    hv_machine_unlock(machine);
    hv_sched_new_alarm(vm->vcpu[0]->cpu, cpu);
}

/* ---- Power ------------------------------------------------------------------------------------------------------- */

void hv_devices_create(struct hv_vm *vm)
{
    static const struct hv_vpl031_ops rtc_ops = {.set_irq = rtc_irq};
    static const struct hv_vpl061_ops gpio_ops = {.set_irq = gpio_irq};
    static const struct hv_vsp805_ops wdog_ops = {.set_irq = wdog_irq};
    struct hv_machine *machine = &vm->machine;

    hv_vpl031_init(&machine->rtc, &rtc_ops, vm);
    hv_vpl061_init(&machine->gpio, &gpio_ops, vm);
    hv_vsp805_init(&machine->wdog, &wdog_ops, vm);
    machine->rtc_due = UINT64_MAX;
    machine->key.up_at = UINT64_MAX;
    machine->storm.due = UINT64_MAX;
    machine->virtio_due = UINT64_MAX;
    note_wdog(vm);
}

void hv_devices_reset(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;

    hv_vpl031_reset(&machine->rtc);
    hv_vpl061_drive(&machine->gpio, machine->layout.power_key, false);
    hv_vpl061_reset(&machine->gpio);
    hv_vsp805_reset(&machine->wdog);
    machine->rtc_due = UINT64_MAX;
    machine->key.up_at = UINT64_MAX;
    machine->storm.due = UINT64_MAX;
    machine->is_bitten = false;
    machine->is_frozen = false;
    note_wdog(vm);
}
