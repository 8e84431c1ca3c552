/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's console as a virtio device. Port 0 is the VM's slot of hv's console, which its PL011 is too: what either says
 * is seen there, and what is typed goes to the one that said something last (glue/machine.h). Neither direction
 * loses a byte: output that the terminal has no room for stays in the guest's memory, input that the driver has no
 * buffer for stays in the machine's ring and behind it in the console's. The ports behind it are pipes' ends, or
 * nobody's. */
#include "glue/virtio_console.h"

#include <libbase/nospec.h>
#include <libvirtio/console.h>

#include "core/format.h"
#include "core/hv.h"
#include "glue/console_glue.h"
#include "glue/virtio.h"
#include "glue/virtio_pipe.h"

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
    struct hv_pipe_end ends[ASH_BOOT_PIPES_MAX];
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

/** What @port is an end of; NULL: nothing. */
static struct hv_pipe_end *end_of(struct console *state, uint32_t port)
{
    return port > 0U && port - 1U < state->device->config->pipe_count
               ? &state->ends[ash_index_nospec(port - 1U, ASH_BOOT_PIPES_MAX)]
               : NULL;
}

/** Bytes of another port to its pipe. */
static uint32_t put(struct console *state, uint32_t port, const uint8_t *bytes, uint32_t size)
{
    struct hv_pipe_end *end = end_of(state, port);
    uint32_t count;

    if (end == NULL) {
        return 0; /* nobody is at its other end, and the guest is told so: PORT_OPEN is 0 */
    }
    count = hv_pipe_put(end, bytes, size);
    if (count > 0U && count < size) {
        ash_virtio_console_room(&state->console, port); /* there may be more room: asked in the next go */
    }
    return count;
}

static uint32_t output(void *ctx, uint32_t port, const void *bytes, uint32_t size)
{
    struct console *state = (struct console *)ctx;
    uint32_t most = size < TAKE ? size : TAKE;
    uint32_t count;

    if (port != 0U) {
        return put(state, port, (const uint8_t *)bytes, size);
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
    struct console *state = (struct console *)ctx;
    struct hv_pipe_end *end = end_of(state, port);

    if (port == 0U) {
        move_input(state);
    } else if (end != NULL) {
        hv_pipe_room(end);
    }
}

/* ---- Pipes ------------------------------------------------------------------------------------------------------- */

static struct console *console_of(const struct hv_pipe_end *end)
{
    return (struct console *)end->device->state;
}

static uint32_t take(struct hv_pipe_end *end, const uint8_t *bytes, uint32_t size)
{
    return ash_virtio_console_input(&console_of(end)->console, end->port, bytes, size);
}

/** A device whose driver is not up has no job: its VM may not be made yet. */
static bool is_up(const struct hv_pipe_end *end)
{
    return ash_virtio_is_running(end->device->virtio);
}

static void room(struct hv_pipe_end *end)
{
    if (is_up(end)) {
        ash_virtio_console_room(&console_of(end)->console, end->port);
        hv_virtio_post(end->device);
    }
}

static void changed(struct hv_pipe_end *end, bool is_closed)
{
    if (is_up(end)) {
        end->close_due = end->close_due || is_closed;
        hv_virtio_post(end->device);
    } else {
        end->close_due = false;
        ash_virtio_console_set_open(&console_of(end)->console, end->port, hv_pipe_is_open(end));
    }
}

static bool is_drained(const struct hv_pipe_end *end)
{
    return ash_virtio_console_is_drained(&console_of(end)->console, end->port);
}

static void drop(struct hv_pipe_end *end)
{
    if (is_up(end)) {
        ash_virtio_console_discard(&console_of(end)->console, end->port);
    }
}

/** The guest opened or closed a port. */
static void opened(void *ctx, uint32_t port, bool is_open)
{
    struct hv_pipe_end *end = end_of((struct console *)ctx, port);

    if (end != NULL) {
        hv_pipe_set_open(end, is_open);
    }
}

/** The guest is told what became of the other end; that it was closed, to who may read what was said there before, when
 *  all of that is here. */
static void tell(struct hv_pipe_end *end)
{
    struct ash_virtio_console *console = &console_of(end)->console;
    const bool is_open = hv_pipe_is_open(end);

    if (end->close_due && !is_open && end->is_open && !hv_pipe_is_drained(end)) {
        hv_virtio_post(end->peer->device);
        return;
    }
    if (end->close_due) {
        end->close_due = false;
        ash_virtio_console_set_open(console, end->port,
                                    true); /* it was, though perhaps for too short a time */
        ash_virtio_console_set_open(console, end->port, false);
    }
    ash_virtio_console_set_open(console, end->port, is_open);
}

/** True: again, when the queues were served. */
static bool work_on(struct hv_pipe_end *end)
{
    tell(end);
    hv_pipe_room(end); /* it was paused */
    if (end->peer == NULL || !end->peer->close_due) {
        return false;
    }
    if (is_drained(end)) {
        hv_virtio_post(end->peer->device);
        return false;
    }
    return console_of(end)->ports[end->port].held.token ==
           0U; /* else there is no room, and it comes by that */
}

/* ---- The VM's life ----------------------------------------------------------------------------------------------- */

/** What was typed for the life that is over. */
static void reset(struct hv_virtio_device *device)
{
    char bytes[HV_MACHINE_INPUT];

    hv_machine_drop_input(device->vm,
                          hv_machine_peek_input(device->vm, HV_TALKER_VIRTIO, bytes, sizeof(bytes)));
}

static bool work(struct hv_virtio_device *device)
{
    struct console *state = (struct console *)device->state;

    bool again = false;

    move_input(state);
    for (uint32_t i = 0; i < device->config->pipe_count; i++) {
        again = work_on(&state->ends[i]) || again;
    }
    return again;
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

static void attach(struct hv_virtio_device *device)
{
    static const struct hv_pipe_ops ops = {
        .take = take, .room = room, .changed = changed, .drop = drop, .is_drained = is_drained};
    struct console *state = (struct console *)device->state;

    hv_virtio_lock(NULL, device);
    for (uint32_t i = 0; i < device->config->pipe_count; i++) {
        struct hv_pipe_end *end = &state->ends[i];

        end->ops = &ops;
        end->device = device;
        end->name = ash_boot_pipe_name(device->config, i);
        end->port = i + 1U;
        hv_pipe_attach(end);
        state->ports[end->port].is_open = hv_pipe_is_open(end); /* as the driver will find it */
    }
    hv_virtio_unlock(device);
}

static void detach(struct hv_virtio_device *device)
{
    struct console *state = (struct console *)device->state;

    for (uint32_t i = 0; i < device->config->pipe_count; i++) {
        hv_pipe_detach(&state->ends[i]);
    }
}

static void destroy(struct hv_virtio_device *device)
{
    if (device->config->pipe_count > 0U) {
        hv_pipe_leave(device);
    }
}

static int make_device(struct hv_virtio_device *device)
{
    static const struct ash_virtio_console_backend backend = {.size = sizeof(backend),
                                                              .output = output,
                                                              .input_room = input_room,
                                                              .opened = opened,
                                                              .emergency = emergency};
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

    state->device = device;
    state->ports[0].is_console = true;
    state->ports[0].is_open = true;
    for (uint32_t i = 0; i < device->config->pipe_count; i++) {
        state->ports[i + 1U].name = ash_boot_pipe_name(device->config, i);
    }
    hv_virtio_site(device, state + 1, ASH_VIRTIO_CONSOLE_QUEUES(config.port_count, config.has_ports),
                   QUEUE_SIZE, &site);
    device->virtio = &state->console.device;
    return ash_virtio_console_init(&state->console, &config, &site);
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    int error = ASH_OK;

    (void)plan;
    if (find(device->vm) != NULL) {
        return hv_virtio_refuse(device, ASH_ENOTSUP, NULL, "is a second console; a VM has one", "ports");
    }
    if (device->config->pipe_count > 0U) {
        error = hv_pipe_join(device);
    }
    if (error != ASH_OK) {
        return error;
    }
    error = make_device(device);
    if (error != ASH_OK) {
        destroy(device);
    } else {
        attach(device);
    }
    return error;
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t most)
{
    struct console *state = (struct console *)device->state;

    size_t length = hv_format(
        text, most, "%ux%u, %u port%s, %s, %lu bytes out, %lu in", state->ports[0].columns,
        state->ports[0].rows, device->config->ports, device->config->ports == 1U ? "" : "s",
        takes_input(state) ? "open" : "not open", (unsigned long)state->out, (unsigned long)state->in);

    for (uint32_t i = 0; i < device->config->pipe_count && length < most; i++) {
        const struct hv_pipe_end *end = &state->ends[i];

        length += hv_format(text + length, most - length, ", %s %s", end->name,
                            end->is_open && hv_pipe_is_open(end) ? "connected"
                            : end->is_open                       ? "waits"
                                                                 : "closed");
    }
    return length;
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
    .batch = 2,
    .size = size,
    .create = create,
    .work = work,
    .reset = reset,
    .detach = detach,
    .destroy = destroy,
    .describe = describe,
};
