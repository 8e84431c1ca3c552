/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/console_glue.h"

#include "arch/arch.h"
#include "core/hv.h"
#include "glue/virtio_console.h"

static size_t write_terminal(void *ctx, const char *bytes, size_t size)
{
    (void)ctx;
    return hv_arch_console_write(bytes, size);
}

static void want_room(void *ctx, bool wanted)
{
    (void)ctx;
    hv_arch_console_want_room(wanted);
}

static bool deliver(void *ctx, uint32_t slot, uint8_t byte)
{
    struct hv *hv = (struct hv *)ctx;
    /* A VM that is not there takes what it is sent, and nobody sees it again: it must not keep others from theirs. */
    bool taken = slot >= hv->vms || hv->vm[slot] == NULL || hv_machine_offer_input(hv->vm[slot], byte);

    if (!taken) {
        __atomic_store_n(&hv->input_waits, 1U, __ATOMIC_RELAXED);
    }
    return taken;
}

void hv_console_create(struct hv *hv)
{
    static const struct hv_console_ops ops = {
        .write = write_terminal, .want_room = want_room, .deliver = deliver};

    hv->held_input = -1;
    hv_shell_init(&hv->shell);
    hv_console_init(&hv->console, &ops, hv);
}

void hv_console_open_shell(struct hv *hv, struct hv_cpu *cpu)
{
    const struct hv_page_request request = {.pages = hv_pages_for(HV_SHELL_RING)};
    char *ring = (char *)hv_pages_alloc(&hv->pages, &request);

    if (ring == NULL) {
        return; /* so there is no shell: the key says so */
    }
    hv_lock(&hv->console_lock);
    ASH_DISCARD(hv_console_add(&hv->console, HV_CONSOLE_SHELL, "shell", ring, HV_SHELL_RING)); /* once */
    hv_unlock(&hv->console_lock);
    hv_shell_greet(&hv->shell, hv);
    __atomic_store_n(&hv->console_cpu, cpu, __ATOMIC_RELEASE);
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

/** A byte found no room: will there be some, so that it can wait and nothing is read meanwhile? */
static bool waits_for_room(const struct hv *hv, enum hv_console_input how)
{
    const struct hv_vm *vm = hv->console.focus < hv->vms ? hv->vm[hv->console.focus] : NULL;

    return how == HV_CONSOLE_BUSY || hv->console.focus == HV_CONSOLE_SHELL ||
           (vm != NULL && (vm->machine.talker == HV_TALKER_VIRTIO ||
                           __atomic_load_n(&vm->machine.reads_uart, __ATOMIC_RELAXED) != 0U));
}

/** Read the board's UART dry, or until a VM that reads its own takes no more: then stop listening until it does.
 *  The console lock is held. */
static void read_terminal(struct hv *hv)
{
    for (;;) {
        int byte = hv->held_input >= 0 ? hv->held_input : hv_arch_console_read();
        enum hv_console_input how;

        hv->held_input = -1;
        if (byte < 0) {
            hv_arch_console_listen(true);
            return;
        }
        how = hv_console_input(&hv->console, (uint8_t)byte);
        if (how != HV_CONSOLE_TAKEN) {
            hv->held_input = byte;
            if (waits_for_room(hv, how)) {
                hv_arch_console_listen(false);
                return;
            }
            hv_console_discard_input(
                &hv->console); /* nobody will ever read it, and the lead-in must get through */
        }
    }
}

static void pump_vms(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    hv_lock(&hv->vms_lock); /* none of them goes meanwhile */
    for (uint32_t i = 0; i < hv->vms; i++) {
        if (hv->vm[i] != NULL && hv_machine_has_input(hv->vm[i])) {
            hv_machine_pump_input(cpu, hv->vm[i]);
            hv_virtio_console_input(cpu, hv->vm[i]);
        }
    }
    hv_unlock(&hv->vms_lock);
}

/** Something may have been typed for the shell, or its answer may go on. */
static void call_shell(struct hv_cpu *cpu)
{
    struct hv_cpu *home = __atomic_load_n(&cpu->hv->console_cpu, __ATOMIC_ACQUIRE);

    if (home == NULL) {
        return;
    }
    if (home != cpu || hv_shell_step(&cpu->hv->shell, cpu)) {
        hv_cpu_post(home, HV_REQUEST_CONSOLE);
    }
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
    call_shell(cpu);
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

/** Tell @vm's UART whether it may send. Both under their locks, so that the last word is the true one. */
static void tell_room(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv *hv = cpu->hv;
    bool has_room;

    hv_machine_lock(cpu, &vm->machine);
    hv_lock(&hv->console_lock);
    has_room = hv_console_has_room(&hv->console, vm->slot);
    hv_unlock(&hv->console_lock);
    hv_machine_set_room(vm, has_room);
    hv_machine_unlock(&vm->machine);
    if (has_room) {
        hv_virtio_console_room(cpu, vm);
    }
}

void hv_console_step(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;
    uint32_t resumed;
    bool more;

    hv_lock(&hv->console_lock);
    more = hv_console_drain(&hv->console);
    resumed = hv_console_may_resume(&hv->console);
    if (hv->held_input >= 0) {
        read_terminal(hv);
    }
    hv_unlock(&hv->console_lock);
    if (resumed != 0U) {
        hv_lock(&hv->vms_lock); /* none of them goes meanwhile */
        for (uint32_t slot = 0; slot < hv->vms; slot++) {
            if ((resumed >> slot & 1U) != 0U && hv->vm[slot] != NULL) {
                tell_room(cpu, hv->vm[slot]);
            }
        }
        hv_unlock(&hv->vms_lock);
    }
    if (more) {
        hv_cpu_post(cpu, HV_REQUEST_CONSOLE); /* the guest of this CPU runs in between */
    }
    if ((resumed >> HV_CONSOLE_SHELL & 1U) != 0U ||
        cpu == __atomic_load_n(&hv->console_cpu, __ATOMIC_ACQUIRE)) {
        call_shell(cpu);
    }
    hv_console_room(cpu);
}

void hv_console_input_taken(struct hv *hv)
{
    struct hv_cpu *home = __atomic_load_n(&hv->console_cpu, __ATOMIC_ACQUIRE);

    if (__atomic_load_n(&hv->input_waits, __ATOMIC_RELAXED) != 0U) {
        hv_cpu_post(home != NULL ? home : hv->cpu[0], HV_REQUEST_CONSOLE);
    }
}

void hv_console_interrupt(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    hv_lock(&hv->console_lock);
    read_terminal(hv);
    hv_unlock(&hv->console_lock);
    hv_console_step(cpu);
    pump_vms(cpu);
}

void hv_console_emitted(struct hv_cpu *cpu, struct hv_vm *vm, uint8_t byte)
{
    bool may_go_on;

    hv_lock(&vm->hv->console_lock);
    may_go_on = hv_console_output(&vm->hv->console, vm->slot, byte);
    vm->machine.talker = HV_TALKER_UART;
    hv_unlock(&vm->hv->console_lock);
    if (!may_go_on) {
        tell_room(cpu, vm);
    }
}

void hv_console_say(struct hv *hv, const char *line)
{
    bool said;

    do {
        hv_lock(&hv->console_lock);
        said = hv_console_log_line(&hv->console, line);
        hv_unlock(&hv->console_lock);
        if (!said) {
            hv_arch_relax(); /* whoever has a line waits for the device, and nobody else does */
        }
    } while (!said);
}

void hv_console_finish(struct hv *hv, const char *line)
{
    bool is_over;

    do {
        hv_lock(&hv->console_lock);
        hv_console_answer(&hv->console, false); /* nobody is left to end it */
        (void)hv_console_drain(&hv->console);
        is_over = !hv_console_is_pending(&hv->console) && hv_console_close(&hv->console, line);
        hv_unlock(&hv->console_lock);
        hv_arch_relax();
    } while (!is_over);
    do {
        hv_lock(&hv->console_lock);
        (void)hv_console_drain(&hv->console);
        is_over = !hv_console_is_pending(&hv->console);
        hv_unlock(&hv->console_lock);
        hv_arch_relax();
    } while (!is_over);
}

/* ---- VMs --------------------------------------------------------------------------------------------------------- */

void hv_console_vm_over(struct hv_vm *vm)
{
    hv_lock(&vm->hv->console_lock);
    hv_console_vm_ended(&vm->hv->console, vm->slot);
    /* It reads no more: what it left of the input must not keep the lead-in from getting through. */
    __atomic_store_n(&vm->machine.reads_uart, 0U, __ATOMIC_RELAXED);
    vm->machine.talker = HV_TALKER_UART;
    if (vm->hv->held_input >= 0) {
        read_terminal(vm->hv);
    }
    hv_unlock(&vm->hv->console_lock);
}

int hv_console_vm_created(struct hv_vm *vm)
{
    struct hv *hv = vm->hv;
    const struct hv_page_request request = {.pages = hv_pages_for(vm->config.console_buffer)};
    char *ring = (char *)hv_pages_alloc(&hv->pages, &request);
    int error;

    if (ring == NULL) {
        return ASH_ENOMEM;
    }
    hv_lock(&hv->console_lock);
    error = hv_console_add(&hv->console, vm->slot, vm->name, ring, vm->config.console_buffer);
    hv_unlock(&hv->console_lock);
    if (error != ASH_OK) {
        hv_pages_free(&hv->pages, ring, request.pages);
    }
    return error;
}

void hv_console_vm_gone(struct hv_vm *vm)
{
    struct hv *hv = vm->hv;
    char *ring;

    hv_lock(&hv->console_lock);
    ring = hv_console_remove(&hv->console, vm->slot);
    hv_unlock(&hv->console_lock);
    if (ring != NULL) {
        hv_pages_free(&hv->pages, ring, hv_pages_for(vm->config.console_buffer));
    }
}
