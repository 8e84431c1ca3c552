/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/console_glue.h"

#include "arch/arch.h"
#include "core/hv.h"

static void write_terminal(void *ctx, const char *bytes, size_t size)
{
    (void)ctx;
    hv_arch_console_write(bytes, size);
}

static bool deliver(void *ctx, uint32_t slot, uint8_t byte)
{
    struct hv *hv = (struct hv *)ctx;
    bool taken = slot < hv->vms && hv_machine_offer_input(hv->vm[slot], byte);

    if (!taken) {
        __atomic_store_n(&hv->input_waits, 1U, __ATOMIC_RELAXED);
    }
    return taken;
}

void hv_console_create(struct hv *hv)
{
    static const struct hv_console_ops ops = {.write = write_terminal, .deliver = deliver};

    hv->held_input = -1;
    hv_console_init(&hv->console, &ops, hv);
}

/** Read the board's UART dry, or until a VM that reads its own takes no more: then stop listening until it does.
 *  The console lock is held. */
static void read_terminal(struct hv *hv)
{
    for (;;) {
        int byte = hv->held_input >= 0 ? hv->held_input : hv_arch_console_read();

        hv->held_input = -1;
        if (byte < 0) {
            hv_arch_console_listen(true);
            return;
        }
        if (!hv_console_input(&hv->console, (uint8_t)byte)) {
            struct hv_vm *vm = hv->console.focus < hv->vms ? hv->vm[hv->console.focus] : NULL;

            hv->held_input = byte;
            if (vm != NULL && __atomic_load_n(&vm->machine.reads_uart, __ATOMIC_RELAXED) != 0U) {
                hv_arch_console_listen(false);
                return;
            }
            hv_console_discard_input(
                &hv->console); /* nobody will ever read it, and Ctrl-] must get through */
        }
    }
}

static void pump_vms(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    for (uint32_t i = 0; i < hv->vms; i++) {
        if (hv_machine_has_input(hv->vm[i])) {
            hv_machine_pump_input(cpu, hv->vm[i]);
        }
    }
}

void hv_console_received(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    hv_lock(&hv->console_lock);
    read_terminal(hv);
    hv_unlock(&hv->console_lock);
    pump_vms(cpu);
}

void hv_console_room(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    if (__atomic_load_n(&hv->input_waits, __ATOMIC_RELAXED) == 0U) {
        return;
    }
    hv_lock(&hv->console_lock);
    __atomic_store_n(&hv->input_waits, 0U, __ATOMIC_RELAXED);
    if (!hv_console_pump(&hv->console)) {
        read_terminal(hv);
    }
    hv_unlock(&hv->console_lock);
    pump_vms(cpu);
}

void hv_console_emitted(struct hv_vm *vm, uint8_t byte)
{
    hv_lock(&vm->hv->console_lock);
    hv_console_output(&vm->hv->console, vm->slot, byte);
    hv_unlock(&vm->hv->console_lock);
}

void hv_console_vm_over(struct hv_vm *vm)
{
    hv_lock(&vm->hv->console_lock);
    hv_console_vm_ended(&vm->hv->console, vm->slot);
    /* It reads no more: what it left of the input must not keep Ctrl-] from getting through. */
    __atomic_store_n(&vm->machine.reads_uart, 0U, __ATOMIC_RELAXED);
    if (vm->hv->held_input >= 0) {
        read_terminal(vm->hv);
    }
    hv_unlock(&vm->hv->console_lock);
}
