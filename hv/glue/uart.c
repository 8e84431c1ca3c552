/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine's UART, and what is typed for it on its way there. */
#include "core/hv.h"
#include "glue/bcm2837.h"
#include "glue/console_glue.h"
#include "glue/devices.h"

#define UARTDR 0x000U

/* ---- The UART ---------------------------------------------------------------------------------------------------- */

static void emit(void *ctx, uint8_t byte)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    vm->machine.emitted = byte; /* at most one an access; it goes to the console after the lock is released */
}

static void set_irq(void *ctx, bool level)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    /* An SPI that this machine has: cannot fail. */
    ASH_DISCARD(ash_vgic_set_level(&vm->machine.vgic, 0, 32U + vm->machine.layout.uart.spi, level));
}

void hv_devices_create_uart(struct hv_vm *vm)
{
    static const struct hv_vpl011_ops ops = {.emit = emit, .set_irq = set_irq};

    hv_vpl011_init(&vm->machine.uart, &ops, vm);
}

int hv_devices_access_uart(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                           uint64_t *value)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    struct hv_machine *machine = &vm->machine;
    int error;

    machine->emitted = -1;
    error = hv_vpl011_access(&machine->uart, offset, size, is_write, value);
    vcpu->arch.emitted = machine->emitted;

    if (!is_write && offset == UARTDR) {
        __atomic_store_n(&machine->reads_uart, 1U, __ATOMIC_RELAXED);
    }
    /* A read of UARTDR has made room, a write of UARTCR may have turned the receiver on. */
    if (is_write == (offset != UARTDR) && hv_machine_has_input(vm)) {
        hv_machine_pump_locked(vm);
    }
    return error == ASH_OK ? HV_MMIO_TALKED : error;
}

void hv_machine_talked(struct hv_cpu *cpu, struct hv_vcpu *vcpu, bool is_write)
{
    if (vcpu->arch.emitted >= 0) {
        hv_console_emitted(cpu, vcpu->vm, (uint8_t)vcpu->arch.emitted);
    } else if (!is_write) {
        hv_console_room(cpu); /* a load and a branch where nothing waits */
    }
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

bool hv_machine_offer_input(struct hv_vm *vm, uint8_t byte)
{
    struct hv_machine *machine = &vm->machine;
    uint32_t tail = __atomic_load_n(&machine->input_tail, __ATOMIC_ACQUIRE);

    if (machine->input_head - tail == HV_MACHINE_INPUT) {
        return false;
    }
    if (machine->input_head == tail) { /* before the byte is seen: whose it is, is known by then */
        __atomic_store_n(&machine->input_for, machine->talker, __ATOMIC_RELAXED);
    }
    machine->input[machine->input_head % HV_MACHINE_INPUT] = (char)byte;
    __atomic_store_n(&machine->input_head, machine->input_head + 1U, __ATOMIC_RELEASE);
    return true;
}

uint32_t hv_machine_peek_input(const struct hv_vm *vm, enum hv_talker who, char *bytes, uint32_t size)
{
    const struct hv_machine *machine = &vm->machine;
    uint32_t head = __atomic_load_n(&machine->input_head, __ATOMIC_ACQUIRE);
    uint32_t count = 0;

    if (__atomic_load_n(&machine->input_for, __ATOMIC_RELAXED) != (uint32_t)who) {
        return 0;
    }
    while (count < size && machine->input_tail + count != head) {
        bytes[count] = machine->input[(machine->input_tail + count) % HV_MACHINE_INPUT];
        count++;
    }
    return count;
}

void hv_machine_drop_input(struct hv_vm *vm, uint32_t count)
{
    struct hv_machine *machine = &vm->machine;

    __atomic_store_n(&machine->input_tail, machine->input_tail + count, __ATOMIC_RELEASE);
}

void hv_machine_redirect_input(struct hv_vm *vm)
{
    __atomic_store_n(&vm->machine.input_for, HV_TALKER_UART, __ATOMIC_RELAXED);
}

void hv_machine_pump_input(struct hv_cpu *cpu, struct hv_vm *vm)
{
    hv_machine_lock(cpu, &vm->machine);
    hv_machine_pump_locked(vm);
    hv_machine_unlock(&vm->machine);
}

static unsigned input_space(struct hv_vm *vm)
{
    return vm->machine.bcm == NULL ? hv_vpl011_space(&vm->machine.uart) : hv_bcm2837_input_space(vm);
}

void hv_machine_pump_locked(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    uint32_t head = __atomic_load_n(&machine->input_head, __ATOMIC_ACQUIRE);

    if (__atomic_load_n(&machine->input_for, __ATOMIC_RELAXED) != HV_TALKER_UART) {
        return;
    }
    while (machine->input_tail != head && input_space(vm) > 0U) {
        uint8_t byte = (uint8_t)machine->input[machine->input_tail % HV_MACHINE_INPUT];

        if (machine->bcm == NULL) {
            (void)hv_vpl011_receive(&machine->uart, byte);
        } else {
            hv_bcm2837_input(vm, byte);
        }
        __atomic_store_n(&machine->input_tail, machine->input_tail + 1U, __ATOMIC_RELEASE);
    }
}

bool hv_machine_has_input(const struct hv_vm *vm)
{
    return __atomic_load_n(&vm->machine.input_head, __ATOMIC_RELAXED) !=
           __atomic_load_n(&vm->machine.input_tail, __ATOMIC_RELAXED);
}

void hv_machine_set_room(struct hv_vm *vm, bool has_room)
{
    if (vm->machine.bcm == NULL) {
        hv_vpl011_set_room(&vm->machine.uart, has_room);
    } else {
        hv_bcm2837_room(vm, has_room);
    }
}
