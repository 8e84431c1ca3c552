/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about VMs. A VM that exists is looked at under the VM list's lock: it is not destroyed meanwhile. */
#include "core/command.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/life.h"
#include "glue/bcm2837.h"
#include "glue/virtio.h"
#include "glue/virtio_console.h"
#include "vdev/bcm_view.h"

/** VM @number as it stands, with the VM list's lock held until hv_unlock(); NULL: it does not exist now. */
static struct hv_vm *lock_vm(struct hv *hv, uint32_t number)
{
    hv_lock(&hv->vms_lock);
    return number < hv->vms ? hv->vm[number] : NULL;
}

/** The CPUs of its vCPUs, in their order. */
static void put_cpus(struct hv_record *record, const struct hv_vm *vm)
{
    char cpus[48] = "";
    size_t length = 0;

    for (uint32_t i = 0; vm != NULL && i < vm->vcpus && length < sizeof(cpus); i++) {
        length += hv_format(&cpus[length], sizeof(cpus) - length, "%s%u", i > 0U ? " " : "",
                            __atomic_load_n(&vm->vcpu[i]->cpu, __ATOMIC_RELAXED)->index);
    }
    hv_record_text(record, "cpus", 8, "%s", cpus);
}

static void put_head(struct hv_record *record, struct hv *hv, uint32_t number)
{
    hv_record_number(record, "vm", 2, number + 1U);
    hv_record_text(record, "name", 16, "%s", hv_life_vm_name(hv, number));
    hv_record_text(record, "state", 10, "%s", hv_life_state_name(hv_life_state(hv, number)));
}

enum hv_command_step hv_command_vm_list(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    const struct hv_vm *vm;

    while (call->at[0] < hv_life_count(hv) && hv_life_vm_name(hv, call->at[0]) == NULL) {
        call->at[0]++;
    }
    if (call->at[0] >= hv_life_count(hv)) {
        return HV_STEP_END;
    }
    put_head(record, hv, call->at[0]);
    vm = lock_vm(hv, call->at[0]);
    hv_record_number(record, "vcpus", 5, vm != NULL ? vm->vcpus : 0U);
    hv_record_number(record, "mib", 6, vm != NULL ? vm->config.memory_size / (1024U * 1024U) : 0U);
    put_cpus(record, vm);
    hv_unlock(&hv->vms_lock);
    call->at[0]++;
    return HV_STEP_ROW;
}

static void put_vm(struct hv_record *record, struct hv_vm *vm)
{
    uint32_t on;

    hv_lock(&vm->lock);
    on = vm->vcpus_on;
    hv_unlock(&vm->lock);
    hv_record_number(record, "vmid", 0, vm->config.vmid);
    hv_record_number(record, "vcpus", 0, vm->vcpus);
    hv_record_number(record, "vcpus_on", 0, on);
    put_cpus(record, vm);
    hv_record_number(record, "priority", 0, vm->config.priority);
    hv_record_number(record, "time_slice_us", 0, vm->config.time_slice_us);
    hv_record_number(record, "memory_bytes", 0, vm->config.memory_size);
    hv_record_address(record, "memory_at", vm->machine.part[0].pa);
    hv_record_number(record, "memory_parts", 0, vm->machine.parts);
    hv_record_bool(record, "background", 0, vm->config.background);
    hv_record_number(record, "reports", 0, __atomic_load_n(&vm->reports, __ATOMIC_RELAXED));
    hv_record_number(record, "interrupt_storms", 0,
                     __atomic_load_n(&vm->machine.storm.seen, __ATOMIC_RELAXED));
    hv_record_number(record, "console_buffer_bytes", 0, vm->config.console_buffer);
    if (vm->config.kernel != NULL) {
        hv_record_text(record, "kernel", 0, "%s", vm->config.kernel);
    }
}

enum hv_command_step hv_command_vm_show(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    struct hv_vm *vm;

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    put_head(record, hv, call->vm);
    vm = lock_vm(hv, call->vm);
    if (vm != NULL) {
        put_vm(record, vm);
    }
    hv_unlock(&hv->vms_lock);
    return HV_STEP_ROW;
}

enum hv_command_step hv_command_vm_life(struct hv_call *call, struct hv_record *record)
{
    enum hv_life_command command = (enum hv_life_command)call->command->detail;
    struct hv *hv = call->cpu->hv;
    const char *why;
    int error;

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    error = hv_life_ask(call->cpu, call->vm, command, &why);
    if (error != ASH_OK) {
        return hv_call_fail(call, why[0] != '\0' ? why : NULL, "%s: %s is refused: it is %s",
                            hv_life_vm_name(hv, call->vm), hv_life_command_name(command),
                            hv_life_state_name(hv_life_state(hv, call->vm)));
    }
    hv_record_text(record, "name", 0, "%s", hv_life_vm_name(hv, call->vm));
    hv_record_text(record, "asked", 0, "%s", hv_life_command_name(command));
    hv_record_text(record, "state", 0, "%s", hv_life_state_name(hv_life_state(hv, call->vm)));
    return HV_STEP_ROW;
}

enum hv_command_step hv_command_vm_attach(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    int error;

    (void)record;
    hv_lock(&hv->console_lock);
    error = hv_console_attach(&hv->console, call->vm);
    hv_unlock(&hv->console_lock);
    if (error == ASH_OK) {
        return HV_STEP_END;
    }
    return hv_call_fail(call, error == ASH_EBUSY ? "a moment later" : "a VM that is created",
                        "%s cannot be attached to", hv_life_vm_name(hv, call->vm));
}

enum hv_command_step hv_command_vm_resize(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    struct hv_vm *vm;
    int error;

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    vm = lock_vm(hv, call->vm);
    error = vm != NULL
                ? hv_virtio_console_resize(call->cpu, vm, (uint16_t)call->columns, (uint16_t)call->rows)
                : ASH_ENOENT;
    hv_unlock(&hv->vms_lock);
    if (error != ASH_OK) {
        return hv_call_fail(call, "a VM with virtio_console", "%s has no terminal with a size",
                            hv_life_vm_name(hv, call->vm));
    }
    hv_record_text(record, "name", 0, "%s", hv_life_vm_name(hv, call->vm));
    hv_record_number(record, "columns", 0, call->columns);
    hv_record_number(record, "rows", 0, call->rows);
    return HV_STEP_ROW;
}

/* ---- Of each vCPU ------------------------------------------------------------------------------------------------ */

/** The next vCPU of those that the call is about, with the VM list's lock held until hv_unlock(); NULL: no more. */
static const struct hv_vcpu *lock_next_vcpu(struct hv_call *call)
{
    struct hv *hv = call->cpu->hv;

    hv_lock(&hv->vms_lock);
    if (call->vm != UINT32_MAX && call->at[0] < call->vm) {
        call->at[0] = call->vm;
    }
    for (; call->at[0] < hv->vms && (call->vm == UINT32_MAX || call->at[0] == call->vm); call->at[0]++) {
        const struct hv_vm *vm = hv->vm[call->at[0]];

        if (vm != NULL && call->at[1] < vm->vcpus) {
            return vm->vcpu[call->at[1]++];
        }
        call->at[1] = 0;
    }
    return NULL;
}

enum hv_command_step hv_command_stats(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    const struct hv_vcpu *vcpu = lock_next_vcpu(call);
    struct hv_account_view view;

    if (vcpu == NULL) {
        hv_unlock(&hv->vms_lock);
        return HV_STEP_END;
    }
    hv_account_read(vcpu, &view);
    hv_record_text(record, "vm", 12, "%s", vcpu->vm->name);
    hv_record_number(record, "vcpu", 4, vcpu->index);
    hv_record_number(record, "run_ms", 8, view.run / 1000000U);
    hv_record_number(record, "steal_ms", 8, view.steal / 1000000U);
    hv_record_number(record, "idle_ms", 8, view.idle / 1000000U);
    hv_record_number(record, "loads", 7, view.loads);
    hv_record_number(record, "exits", 8, view.exits_in_all);
    for (unsigned i = 0; i < HV_EXIT_REASONS; i++) {
        hv_record_number(record, hv_exit_reason_name((enum hv_exit_reason)i), 7, view.exits[i]);
    }
    hv_unlock(&hv->vms_lock);
    return HV_STEP_ROW;
}

/* ---- Virtio devices ---------------------------------------------------------------------------------------------- */

/** The next device of those that the call is about, with the VM list's lock held until hv_unlock(); NULL: no more. */
static struct hv_virtio_device *lock_next_device(struct hv_call *call)
{
    struct hv *hv = call->cpu->hv;

    hv_lock(&hv->vms_lock);
    if (call->vm != UINT32_MAX && call->at[0] < call->vm) {
        call->at[0] = call->vm;
    }
    for (; call->at[0] < hv->vms && (call->vm == UINT32_MAX || call->at[0] == call->vm); call->at[0]++) {
        struct hv_virtio *virtio = hv->vm[call->at[0]] != NULL ? hv->vm[call->at[0]]->machine.virtio : NULL;

        if (virtio != NULL && call->at[1] < virtio->count) {
            return &virtio->device[call->at[1]++];
        }
        call->at[1] = 0;
    }
    return NULL;
}

enum hv_command_step hv_command_vm_devices(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    struct hv_virtio_device *device = lock_next_device(call);
    char text[HV_RECORD_TEXT] = "";

    if (device == NULL) {
        hv_unlock(&hv->vms_lock);
        return HV_STEP_END;
    }
    hv_record_text(record, "vm", 12, "%s", device->vm->name);
    hv_record_text(record, "device", 16, "%s", device->config->node);
    hv_virtio_lock(call->cpu, device);
    hv_record_text(record, "driver", 6, "%s", hv_virtio_driver_state(device));
    hv_record_number(record, "kicks", 9, device->kicks);
    hv_record_number(record, "jobs", 7, device->jobs);
    if (device->ops->describe != NULL) {
        (void)device->ops->describe(device, text, sizeof(text));
    }
    hv_virtio_unlock(device);
    hv_record_text(record, "what", 0, "%s", text);
    hv_unlock(&hv->vms_lock);
    return HV_STEP_ROW;
}

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

#define PRIVATE 32U /* SGIs and PPIs, of each vCPU its own */

/** Whose @intid is, in @vm; "": nobody's. */
static const char *device_of(const struct hv_vm *vm, uint32_t intid)
{
    const struct ash_boot_guest_machine *layout = &vm->machine.layout;
    const struct {
        uint32_t intid;
        const char *device;
    } lines[] = {
        {16U + layout->timer_virtual_ppi, "virtual timer"},
        {16U + layout->timer_physical_ppi, "physical timer"},
        {PRIVATE + layout->uart.spi, "PL011"},
        {PRIVATE + layout->rtc.spi, "PL031"},
        {PRIVATE + layout->gpio.spi, "PL061"},
        {PRIVATE + layout->wdog.spi, "SP805"},
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(lines); i++) {
        if (lines[i].intid == intid) {
            return lines[i].device;
        }
    }
    for (unsigned i = 0; i < layout->virtio_count; i++) {
        if (intid == PRIVATE + layout->virtio[i].spi) {
            return vm->config.virtio[i].node;
        }
    }
    return "";
}

/** The number as vms.dts has it. */
static void put_interrupt(struct hv_record *record, uint32_t intid)
{
    if (intid < 16U) {
        hv_record_text(record, "interrupt", 9, "sgi:%u", intid);
    } else if (intid < PRIVATE) {
        hv_record_text(record, "interrupt", 9, "ppi:%u", intid - 16U);
    } else {
        hv_record_text(record, "interrupt", 9, "spi:%u", intid - PRIVATE);
    }
    hv_record_number(record, "intid", 5, intid);
}

/** A target as text; "-": no vCPU gets it now. */
static void put_target(struct hv_record *record, uint32_t target)
{
    if (target == ASH_VGIC_NO_VCPU) {
        hv_record_text(record, "vcpu", 4, "-");
    } else {
        hv_record_text(record, "vcpu", 4, "%u", target);
    }
}

/** Interrupt @index of @vm's, the private ones of each vCPU first. False: there is nothing to tell of it. */
static bool put_irq(struct hv_record *record, struct hv_vm *vm, uint32_t index)
{
    uint32_t vcpu = index < vm->vcpus * PRIVATE ? index / PRIVATE : 0U;
    uint32_t intid = index < vm->vcpus * PRIVATE ? index % PRIVATE : index - vm->vcpus * PRIVATE + PRIVATE;
    const char *device = device_of(vm, intid);
    struct ash_vgic_view view;

    if (ash_vgic_view(&vm->machine.vgic, vcpu, intid, &view) != ASH_OK ||
        (device[0] == '\0' && !view.pending && !view.active && (intid < 16U || !view.enabled))) {
        return false;
    }
    hv_record_text(record, "vm", 12, "%s", vm->name);
    put_target(record, view.target);
    put_interrupt(record, intid);
    hv_record_bool(record, "enabled", 7, view.enabled);
    hv_record_bool(record, "pending", 7, view.pending);
    hv_record_bool(record, "active", 6, view.active);
    hv_record_number(record, "priority", 8, view.priority);
    hv_record_bool(record, "linked", 6, view.linked); /* to the physical one of the same number */
    hv_record_text(record, "device", 16, "%s", device);
    return true;
}

/** The same of a Raspberry Pi's interrupts, which know neither priorities nor an end. */
static bool put_pi_irq(struct hv_record *record, struct hv_vm *vm, uint32_t index)
{
    struct hv_bcm_view view;

    if (!hv_bcm_view(&vm->machine.bcm->soc, index, vm->vcpus, &view)) {
        return false;
    }
    hv_record_text(record, "vm", 12, "%s", vm->name);
    put_target(record, view.core);
    hv_record_text(record, "interrupt", 9, "%s:%u", view.kind, view.number);
    hv_record_number(record, "intid", 5, view.number);
    hv_record_bool(record, "enabled", 7, view.enabled);
    hv_record_bool(record, "pending", 7, view.pending);
    hv_record_bool(record, "active", 6, false);
    hv_record_number(record, "priority", 8, 0);
    hv_record_bool(record, "linked", 6, false);
    hv_record_text(record, "device", 16, "%s", view.device);
    return true;
}

/** The next one of @vm's, from *@index on. */
static bool put_next_irq(struct hv_cpu *cpu, struct hv_record *record, struct hv_vm *vm, uint32_t *index)
{
    bool is_pi = vm->machine.bcm != NULL;
    uint32_t end = is_pi ? HV_BCM_VIEWS : vm->vcpus * PRIVATE + HV_MACHINE_SPIS;
    bool is_row = false;

    hv_machine_lock(cpu, &vm->machine);
    while (!is_row && *index < end) {
        is_row = is_pi ? put_pi_irq(record, vm, (*index)++) : put_irq(record, vm, (*index)++);
    }
    hv_machine_unlock(&vm->machine);
    return is_row;
}

enum hv_command_step hv_command_irq(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    bool is_row = false;

    hv_lock(&hv->vms_lock);
    if (call->vm != UINT32_MAX && call->at[0] < call->vm) {
        call->at[0] = call->vm;
    }
    while (!is_row && call->at[0] < hv->vms && (call->vm == UINT32_MAX || call->at[0] == call->vm)) {
        struct hv_vm *vm = hv->vm[call->at[0]];

        is_row = vm != NULL && put_next_irq(call->cpu, record, vm, &call->at[1]);
        if (!is_row) {
            call->at[0]++;
            call->at[1] = 0;
        }
    }
    hv_unlock(&hv->vms_lock);
    return is_row ? HV_STEP_ROW : HV_STEP_END;
}
