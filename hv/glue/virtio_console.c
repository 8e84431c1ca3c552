/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's console as a virtio device. Port 0 is the VM's slot of hv's console, which its PL011 is too: what either says
 * is seen there, and what is typed goes to the one that said something last (glue/machine.h). Neither direction
 * loses a byte: output that the terminal has no room for stays in the guest's memory, input that the driver has no
 * buffer for stays in the machine's ring and behind it in the console's. */
#include "glue/virtio_console.h"

#include <libvirtio/console.h>

#include "core/format.h"
#include "core/hv.h"
#include "glue/console_glue.h"
#include "glue/virtio.h"

#define QUEUE_SIZE 64U
#define TAKE       64U /* bytes of output in one go, of some 160 instructions each with the console's lock held */
#define MOVE       64U /* bytes of input */
#define COLUMNS    80U /* until somebody says what the terminal has */
#define ROWS       24U

struct console {
    struct ash_virtio_console console;
    struct ash_virtio_console_port ports[ASH_BOOT_CONSOLE_PORTS_MAX];
    struct hv_virtio_device *device;
    uint64_t out, in; /* bytes of port 0 since the VM was made */
};

/** @vm's device, whose port 0 is its console; NULL: it has none. It stays as long as @vm. */
static struct hv_virtio_device *find(const struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;

    for (uint32_t i = 0; virtio != NULL && i < virtio->count; i++) {
        if (virtio->device[i].config->kind == ASH_BOOT_VIRTIO_CONSOLE) {
            return &virtio->device[i];
        }
    }
    return NULL;
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

/** Bytes of port 0 to the VM's slot; how many were taken. */
static uint32_t say(struct console *state, const uint8_t *bytes, uint32_t size)
{
    struct hv_vm *vm = state->device->vm;
    struct hv *hv = vm->hv;
    bool has_room;
    uint32_t count = 0;

    hv_lock(&hv->console_lock);
    vm->machine.talker = HV_TALKER_VIRTIO;
    has_room = hv_console_room_of(&hv->console, vm->slot) > 0U;
    while (count < size && has_room) {
        has_room = hv_console_output(&hv->console, vm->slot, bytes[count]);
        count++;
    }
    if (!has_room) {
        /* Noted with the lock held: whoever makes room finds it noted, and comes by hv_virtio_console_room(). */
        (void)hv_console_has_room(&hv->console, vm->slot);
    }
    hv_unlock(&hv->console_lock);
    state->out += count;
    return count;
}

static uint32_t output(void *ctx, uint32_t port, const void *bytes, uint32_t size)
{
    struct console *state = (struct console *)ctx;
    uint32_t most = size < TAKE ? size : TAKE;
    uint32_t count;

    if (port != 0U) {
        return 0; /* nobody is at its other end, and the guest is told so: PORT_OPEN is 0 */
    }
    count = say(state, (const uint8_t *)bytes, most);
    if (count == most && most < size) {
        ash_virtio_console_room(&state->console,
                                port); /* it was enough for one go, and goes on in the next */
    }
    return count;
}

static void emergency(void *ctx, unsigned char byte)
{
    (void)say((struct console *)ctx, &byte, 1);
}

void hv_virtio_console_room(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio_device *device = find(vm);

    if (device == NULL) {
        return;
    }
    hv_virtio_lock(cpu, device);
    ash_virtio_console_room(&((struct console *)device->state)->console, 0);
    if (ash_virtio_has_work(device->virtio)) {
        hv_virtio_post(device);
    }
    hv_virtio_unlock(device);
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

static bool takes_input(const struct console *state)
{
    return ash_virtio_is_running(&state->console.device) &&
           (!ash_virtio_has(&state->console.device, ASH_VIRTIO_CONSOLE_F_MULTIPORT) ||
            state->ports[0].guest_open);
}

/** The driver is gone: what was typed for it is the UART's. */
static void leave_to_uart(struct hv_virtio_device *device)
{
    struct hv_vm *vm = device->vm;

    hv_lock(&vm->hv->console_lock);
    vm->machine.talker = HV_TALKER_UART;
    hv_machine_redirect_input(vm);
    hv_unlock(&vm->hv->console_lock);
    hv_machine_pump_input(device->domain->holder, vm);
}

/** As much as the driver has buffers for. The device's lock is held. */
static void move_input(struct console *state)
{
    struct hv_vm *vm = state->device->vm;
    char bytes[MOVE];
    uint32_t size, taken;
    uint64_t before = state->in;

    if (!takes_input(state)) {
        if (hv_machine_peek_input(vm, HV_TALKER_VIRTIO, bytes, 1) > 0U) {
            leave_to_uart(state->device);
        }
        return;
    }
    do {
        size = hv_machine_peek_input(vm, HV_TALKER_VIRTIO, bytes, sizeof(bytes));
        taken = ash_virtio_console_input(&state->console, 0, bytes, size);
        hv_machine_drop_input(vm, taken);
        state->in += taken;
    } while (taken == sizeof(bytes));
    if (state->in != before) {
        hv_console_input_taken(vm->hv);
    }
}

static void input_room(void *ctx, uint32_t port)
{
    if (port == 0U) {
        move_input((struct console *)ctx);
    }
}

/** What was typed for the life that is over. */
static void reset(struct hv_virtio_device *device)
{
    char bytes[HV_MACHINE_INPUT];

    hv_machine_drop_input(device->vm,
                          hv_machine_peek_input(device->vm, HV_TALKER_VIRTIO, bytes, sizeof(bytes)));
}

static bool work(struct hv_virtio_device *device)
{
    move_input((struct console *)device->state);
    return false;
}

void hv_virtio_console_input(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio_device *device = find(vm);

    if (device == NULL || __atomic_load_n(&vm->machine.input_for, __ATOMIC_RELAXED) != HV_TALKER_VIRTIO) {
        return;
    }
    hv_virtio_lock(cpu, device);
    hv_virtio_post(device);
    hv_virtio_unlock(device);
}

/* ---- The device -------------------------------------------------------------------------------------------------- */

static bool has_ports(const struct ash_boot_virtio *config)
{
    return config->ports > 1U;
}

static size_t size(const struct ash_boot_virtio *config)
{
    return sizeof(struct console) +
           hv_virtio_queue_bytes(ASH_VIRTIO_CONSOLE_QUEUES(config->ports, has_ports(config)), QUEUE_SIZE);
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    static const struct ash_virtio_console_backend backend = {
        .size = sizeof(backend), .output = output, .input_room = input_room, .emergency = emergency};
    struct console *state = (struct console *)device->state;
    const struct ash_virtio_console_config config = {
        .backend = &backend,
        .backend_ctx = state,
        .ports = state->ports,
        .port_count = device->config->ports,
        .has_ports = has_ports(device->config),
        .columns = COLUMNS,
        .rows = ROWS,
    };
    struct ash_virtio_site site;

    (void)plan;
    if (find(device->vm) != NULL) {
        return hv_virtio_refuse(device, ASH_ENOTSUP, NULL, "is a second console; a VM has one", "ports");
    }
    state->device = device;
    state->ports[0].is_console = true;
    state->ports[0].is_open = true;
    hv_virtio_site(device, state + 1, ASH_VIRTIO_CONSOLE_QUEUES(config.port_count, config.has_ports),
                   QUEUE_SIZE, &site);
    device->virtio = &state->console.device;
    return ash_virtio_console_init(&state->console, &config, &site);
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t room)
{
    struct console *state = (struct console *)device->state;

    return hv_format(text, room, "%ux%u, %u port%s, %s, %lu bytes out, %lu in", state->ports[0].columns,
                     state->ports[0].rows, device->config->ports, device->config->ports == 1U ? "" : "s",
                     takes_input(state) ? "open" : "not open", (unsigned long)state->out,
                     (unsigned long)state->in);
}

int hv_virtio_console_resize(struct hv_cpu *cpu, struct hv_vm *vm, uint16_t columns, uint16_t rows)
{
    struct hv_virtio_device *device = find(vm);

    if (device == NULL) {
        return ASH_ENOENT;
    }
    hv_virtio_lock(cpu, device);
    if (!device->gone) {
        ash_virtio_console_resize(&((struct console *)device->state)->console, 0, columns, rows);
    }
    hv_virtio_unlock(device);
    return ASH_OK;
}

const struct hv_virtio_ops hv_virtio_console_ops = {
    .batch = 2, .size = size, .create = create, .work = work, .reset = reset, .describe = describe};
