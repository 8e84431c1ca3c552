/* SPDX-License-Identifier: BSD-2-Clause */
/* VIRTIO 1.2, 5.3. */
#include <libvirtio/console.h>
#include <libvirtio/state.h>

#include "internal.h"

#include <libbase/endian.h>
#include <libbase/mem.h>
#include <libbase/nospec.h>

#define DEVICE_ID 3U

/* Queues (5.3.2): of port 0, of control, of the other ports. Input first, then output. */
#define CONTROL_IN  2U
#define CONTROL_OUT 3U

/* Configuration space (5.3.4). */
#define CONFIG_COLUMNS   0U
#define CONFIG_ROWS      2U
#define CONFIG_PORTS     4U
#define CONFIG_EMERGENCY 8U

/* struct virtio_console_control: le32 id, le16 event, le16 value; then what the event has (5.3.6.2). */
#define MESSAGE_BYTES 8U
#define RESIZE_BYTES  4U

enum event { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

#define PENDING(event) (1U << (unsigned)(event))

static uint32_t input_queue(uint32_t port)
{
    return port == 0U ? 0U : 2U + 2U * port;
}

static uint32_t output_queue(uint32_t port)
{
    return input_queue(port) + 1U;
}

/* Of a queue that is not one of control. */
static uint32_t port_of(uint32_t queue)
{
    return queue < 2U ? 0U : queue / 2U - 1U;
}

static struct ash_virtio_console_port *find_port(const struct ash_virtio_console *console, uint32_t port)
{
    if (port >= console->config.port_count) {
        return NULL;
    }
    return &console->config.ports[ash_index_nospec(port, console->config.port_count)];
}

static bool has_ports(const struct ash_virtio_console *console)
{
    return ash_virtio_has(&console->device, ASH_VIRTIO_CONSOLE_F_MULTIPORT);
}

/* ---- Output ------------------------------------------------------------------------------------------- */

struct output {
    const struct ash_virtio_console *console;
    uint32_t port;
    uint32_t taken;
};

static bool output_run(void *cookie, void *bytes, uint32_t size)
{
    struct output *output = cookie;
    const struct ash_virtio_console_config *config = &output->console->config;
    const uint32_t took = config->backend->output(config->backend_ctx, output->port, bytes, size);

    output->taken += took < size ? took : size;
    return took >= size;
}

/* A piece of what is held. ASH_OK; ASH_EBUSY: there is no room for all of it; ASH_ENOMEM. */
static int output_piece(struct ash_virtio_console *console, uint32_t port)
{
    struct ash_virtio_console_port *p = &console->config.ports[port];
    struct ash_virtio_request *held = &p->held;
    struct output output = {.console = console, .port = port};
    uint64_t size = held->readable_bytes;
    int error;

    size = size < ASH_VIRTIO_CONSOLE_PIECE ? size : ASH_VIRTIO_CONSOLE_PIECE;
    error = ash_virtio_visit(&console->device, held, false, 0, size, output_run, &output);
    ash_virtio_trim_readable(held, output.taken); /* whatever came behind it */
    p->taken += output.taken;
    if (held->readable_bytes == 0U) {
        ASH_DISCARD(ash_virtio_push(&console->device, held->queue, held->token, 0));
        held->token = 0;
        p->taken = 0;
    }
    return error == ASH_OK && output.taken < size ? ASH_EBUSY : error;
}

/* The next output; of one that was put back when the state was exported only what was not taken. A buffer of a
 * transmit queue is for the device to read (5.3.6.1). */
static int take_output(struct ash_virtio_console *console, uint32_t port)
{
    struct ash_virtio_console_port *p = &console->config.ports[port];
    const int error = ash_virtio_pop(&console->device, output_queue(port), &p->held);

    if (error == ASH_OK && p->held.writable_bytes > 0U) {
        ash_virtio_refuse(&console->device, output_queue(port), p->held.writable_bytes);
        return ASH_EGUEST;
    }
    if (error == ASH_OK) {
        ash_virtio_trim_readable(&p->held, p->taken);
    }
    return error;
}

static bool serve_output(struct ash_virtio_console *console, uint32_t port, uint32_t budget)
{
    struct ash_virtio_request *held = &console->config.ports[port].held;
    int error = ASH_OK;

    while (budget > 0U && error == ASH_OK) {
        error = held->token != 0U ? ASH_OK : take_output(console, port);
        if (error != ASH_OK) {
            held->token = 0;
            break;
        }
        error = output_piece(console, port);
        budget -= error == ASH_OK ? 1U : 0U;
    }
    ash_virtio_signal(&console->device, output_queue(port));
    return budget == 0U || error == ASH_ENOMEM;
}

void ash_virtio_console_room(struct ash_virtio_console *console, uint32_t port)
{
    if (find_port(console, port) != NULL) {
        ash_virtio_kick(&console->device, output_queue(port));
    }
}

bool ash_virtio_console_is_drained(const struct ash_virtio_console *console, uint32_t port)
{
    const struct ash_virtio_console_port *p = find_port(console, port);

    return p == NULL || (p->held.token == 0U && (console->device.kicked & ASH_BIT(output_queue(port))) == 0U);
}

void ash_virtio_console_discard(struct ash_virtio_console *console, uint32_t port)
{
    struct ash_virtio_console_port *p = find_port(console, port);
    const uint32_t queue = output_queue(port);
    uint32_t left;

    if (p == NULL) {
        return;
    }
    /* What the driver adds meanwhile is not what it had queued. */
    left = ash_virtio_queue_max(&console->device, queue);
    while (left-- > 0U && (p->held.token != 0U || take_output(console, port) == ASH_OK)) {
        ASH_DISCARD(ash_virtio_push(&console->device, queue, p->held.token, 0));
        p->held.token = 0;
        p->taken = 0;
    }
    ash_virtio_signal(&console->device, queue);
}

/* ---- Input -------------------------------------------------------------------------------------------- */

static bool takes_input(const struct ash_virtio_console *console, const struct ash_virtio_console_port *port)
{
    return ash_virtio_is_running(&console->device) && (!has_ports(console) || port->guest_open);
}

uint32_t ash_virtio_console_input(struct ash_virtio_console *console, uint32_t port, const void *bytes,
                                  uint32_t size)
{
    const struct ash_virtio_console_port *p = find_port(console, port);
    const uint32_t queue = input_queue(port);
    struct ash_virtio_request request;
    uint32_t buffers = 0;
    uint32_t done = 0;

    if (p == NULL || !takes_input(console, p)) {
        return 0;
    }
    while (done < size && buffers++ < ASH_VIRTIO_CONSOLE_BUFFERS &&
           ash_virtio_pop(&console->device, queue, &request) == ASH_OK) {
        const uint32_t left = size - done;
        const uint32_t fits = request.writable_bytes < left ? (uint32_t)request.writable_bytes : left;

        /* Each buffer takes a byte at least, so there is an end, however fast the driver adds more. */
        if (fits == 0U || request.readable_bytes > 0U) { /* 5.3.6.1 */
            ash_virtio_refuse(&console->device, queue, request.readable_bytes);
            break;
        }
        if (ash_virtio_copy_out(&console->device, &request, 0, (const unsigned char *)bytes + done, fits) !=
            ASH_OK) {
            ASH_DISCARD(
                ash_virtio_put_back(&console->device, queue, request.token)); /* the newest there is */
            break;
        }
        ASH_DISCARD(ash_virtio_push(&console->device, queue, request.token, fits));
        done += fits;
    }
    ash_virtio_signal(&console->device, queue);
    return done;
}

/* ---- Control ------------------------------------------------------------------------------------------ */

/* The message; its length. */
static uint32_t encode(const struct ash_virtio_console_port *port, uint32_t id, enum event event,
                       unsigned char message[MESSAGE_BYTES + ASH_VIRTIO_CONSOLE_NAME_MAX])
{
    uint32_t length = MESSAGE_BYTES;

    store_le32_(message, id);
    store_le16_(message + 4, (uint16_t)event);
    store_le16_(message + 6, (uint16_t)(event == PORT_OPEN && !port->is_open ? 0U : 1U));
    if (event == RESIZE) {
        store_le16_(message + MESSAGE_BYTES, port->columns);
        store_le16_(message + MESSAGE_BYTES + 2U, port->rows);
        length += RESIZE_BYTES;
    }
    for (uint32_t i = 0; event == PORT_NAME && i < ASH_VIRTIO_CONSOLE_NAME_MAX && port->name[i] != '\0';
         i++) {
        message[length++] = (unsigned char)port->name[i];
    }
    return length;
}

/* False: the driver has no buffer for it now, or never will. */
static bool send(struct ash_virtio_console *console, uint32_t id, enum event event)
{
    unsigned char message[MESSAGE_BYTES + ASH_VIRTIO_CONSOLE_NAME_MAX];
    const uint32_t length = encode(&console->config.ports[id], id, event, message);
    struct ash_virtio_request request;

    if (ash_virtio_pop(&console->device, CONTROL_IN, &request) != ASH_OK) {
        return false;
    }
    if (ash_virtio_copy_out(&console->device, &request, 0, message, length) != ASH_OK) {
        ash_virtio_refuse(&console->device, CONTROL_IN, request.writable_bytes);
        return false;
    }
    return ash_virtio_push(&console->device, CONTROL_IN, request.token, length) == ASH_OK;
}

/* In the order in which a driver needs them. */
static bool send_pending_of(struct ash_virtio_console *console, uint32_t id)
{
    static const enum event order[] = {PORT_ADD, CONSOLE_PORT, PORT_NAME, PORT_OPEN, RESIZE};
    struct ash_virtio_console_port *port = &console->config.ports[id];

    for (uint32_t i = 0; i < ASH_ARRAY_SIZE(order); i++) {
        if ((port->pending & PENDING(order[i])) == 0U) {
            continue;
        }
        if (!send(console, id, order[i])) {
            return false;
        }
        port->pending &= ~PENDING(order[i]);
    }
    return true;
}

static void send_pending(struct ash_virtio_console *console)
{
    uint32_t id = 0;

    if (!has_ports(console)) {
        return;
    }
    while (id < console->config.port_count && send_pending_of(console, id)) {
        id++;
    }
    ash_virtio_signal(&console->device, CONTROL_IN);
}

static void port_is_ready(struct ash_virtio_console_port *port)
{
    port->ready = true;
    port->pending |= (port->is_console ? PENDING(CONSOLE_PORT) : 0U) |
                     (port->name != NULL ? PENDING(PORT_NAME) : 0U) | PENDING(PORT_OPEN) |
                     (port->is_console && port->columns != 0U ? PENDING(RESIZE) : 0U);
}

static void set_guest_open(struct ash_virtio_console *console, uint32_t id, bool is_open)
{
    const struct ash_virtio_console_config *config = &console->config;
    struct ash_virtio_console_port *port = &config->ports[id];

    if (port->guest_open == is_open) {
        return;
    }
    port->guest_open = is_open;
    if (config->backend->opened != NULL) {
        config->backend->opened(config->backend_ctx, id, is_open);
    }
}

/* What a driver has no reason to say is ignored. */
static void handle_message(struct ash_virtio_console *console, const unsigned char message[MESSAGE_BYTES])
{
    const uint32_t event = ash_load_le16(message + 4);
    const bool value = ash_load_le16(message + 6) != 0U;
    const uint32_t id = ash_load_le32(message);
    struct ash_virtio_console_port *port = find_port(console, id);

    if (event == DEVICE_READY) {
        for (uint32_t i = 0; i < console->config.port_count && value; i++) {
            console->config.ports[i].pending |= PENDING(PORT_ADD);
        }
    } else if (event == PORT_READY && port != NULL && value) {
        port_is_ready(port);
    } else if (event == PORT_OPEN && port != NULL) {
        set_guest_open(console, (uint32_t)(port - console->config.ports), value);
    }
}

static bool serve_control(struct ash_virtio_console *console, uint32_t budget)
{
    struct ash_virtio_request request;
    int error = ASH_OK;

    while (budget > 0U && (error = ash_virtio_pop(&console->device, CONTROL_OUT, &request)) == ASH_OK) {
        unsigned char message[MESSAGE_BYTES];

        if (ash_virtio_copy_in(&console->device, &request, 0, message, MESSAGE_BYTES) == ASH_OK) {
            handle_message(console, message);
        }
        ASH_DISCARD(ash_virtio_push(&console->device, CONTROL_OUT, request.token, 0));
        budget--;
    }
    ash_virtio_signal(&console->device, CONTROL_OUT);
    send_pending(console);
    return budget == 0U || error == ASH_ENOMEM;
}

/* ---- The device --------------------------------------------------------------------------------------- */

static bool serve(void *ctx, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_console *console = ctx;
    const struct ash_virtio_console_config *config = &console->config;

    if (queue == CONTROL_IN || queue == CONTROL_OUT) {
        return serve_control(console, budget);
    }
    if (queue % 2U != 0U) {
        return serve_output(console, port_of(queue), budget);
    }
    if (config->backend->input_room != NULL) {
        config->backend->input_room(config->backend_ctx, port_of(queue));
    }
    return false;
}

static void queue_reset(void *ctx, uint32_t queue)
{
    const struct ash_virtio_console *console = ctx;

    if (queue % 2U != 0U && queue != CONTROL_OUT) {
        console->config.ports[port_of(queue)].held.token = 0;
        console->config.ports[port_of(queue)].taken = 0;
    }
}

static void reset(void *ctx)
{
    struct ash_virtio_console *console = ctx;

    for (uint32_t i = 0; i < console->config.port_count; i++) {
        struct ash_virtio_console_port *port = &console->config.ports[i];

        port->held.token = 0;
        port->taken = 0;
        port->pending = 0;
        port->ready = false;
        set_guest_open(console, i, false);
    }
}

static void config_write(void *ctx, uint32_t offset, uint32_t size, uint32_t value)
{
    const struct ash_virtio_console *console = ctx;

    (void)size;
    if (offset == CONFIG_EMERGENCY && console->config.backend->emergency != NULL) {
        console->config.backend->emergency(console->config.backend_ctx, (unsigned char)value);
    }
}

void ash_virtio_console_resize(struct ash_virtio_console *console, uint32_t port, uint16_t columns,
                               uint16_t rows)
{
    struct ash_virtio_console_port *p = find_port(console, port);

    if (p == NULL) {
        return;
    }
    p->columns = columns;
    p->rows = rows;
    if (port == 0U) {
        store_le16_(console->space + CONFIG_COLUMNS, columns);
        store_le16_(console->space + CONFIG_ROWS, rows);
    }
    if (has_ports(console)) {
        ash_virtio_config_rewritten_(&console->device);
        p->pending |= p->ready && p->is_console ? PENDING(RESIZE) : 0U;
        send_pending(console);
    } else if (port == 0U) {
        ash_virtio_config_changed(&console->device);
    }
}

void ash_virtio_console_set_open(struct ash_virtio_console *console, uint32_t port, bool is_open)
{
    struct ash_virtio_console_port *p = find_port(console, port);

    if (p == NULL || p->is_open == is_open) {
        return;
    }
    p->is_open = is_open;
    p->pending |= p->ready ? PENDING(PORT_OPEN) : 0U;
    send_pending(console);
}

/* ---- State -------------------------------------------------------------------------------------------- */

/* What may be pending: never a PORT_REMOVE. */
#define PENDING_ALL                                                                                          \
    (PENDING(PORT_ADD) | PENDING(CONSOLE_PORT) | PENDING(RESIZE) | PENDING(PORT_OPEN) | PENDING(PORT_NAME))

static uint32_t state_bytes(const void *ctx)
{
    const struct ash_virtio_console *console = ctx;

    return console->config.port_count * (uint32_t)sizeof(struct ash_virtio_console_port_state);
}

static void save(void *ctx, void *state)
{
    struct ash_virtio_console *console = ctx;
    struct ash_virtio_console_port_state *to = state;

    for (uint32_t i = 0; i < console->config.port_count; i++) {
        struct ash_virtio_console_port *port = &console->config.ports[i];

        ASH_DISCARD(ash_virtio_put_back(&console->device, output_queue(i), port->held.token));
        port->held.token = 0;
        to[i] = (struct ash_virtio_console_port_state){.taken = port->taken,
                                                       .pending = port->pending,
                                                       .guest_open = port->guest_open,
                                                       .ready = port->ready};
    }
}

/* A message can be sent only of what there is: encode() believes it. */
static bool is_port_ok(const struct ash_virtio_console_port *port,
                       const struct ash_virtio_console_port_state *from)
{
    return (from->pending & ~PENDING_ALL) == 0U && from->guest_open <= 1U && from->ready <= 1U &&
           ((from->pending & PENDING(PORT_NAME)) == 0U || port->name != NULL) &&
           ((from->pending & (PENDING(CONSOLE_PORT) | PENDING(RESIZE))) == 0U || port->is_console);
}

static bool load(void *ctx, const void *state)
{
    struct ash_virtio_console *console = ctx;
    const struct ash_virtio_console_port_state *from = state;

    for (uint32_t i = 0; i < console->config.port_count; i++) {
        if (!is_port_ok(&console->config.ports[i], &from[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < console->config.port_count; i++) {
        struct ash_virtio_console_port *port = &console->config.ports[i];

        port->taken = from[i].taken;
        port->pending = from[i].pending;
        port->ready = from[i].ready != 0U;
        set_guest_open(console, i, from[i].guest_open != 0U);
    }
    return true;
}

static bool config_is_ok(const struct ash_virtio_console_config *config)
{
    return config->backend != NULL && config->backend->size == sizeof(*config->backend) &&
           config->backend->output != NULL && config->ports != NULL && config->port_count > 0U &&
           config->port_count <= (config->has_ports ? ASH_VIRTIO_CONSOLE_PORTS_MAX : 1U);
}

static uint64_t features_of(const struct ash_virtio_console_config *config)
{
    return (config->columns != 0U ? ASH_VIRTIO_CONSOLE_F_SIZE : 0U) |
           (config->has_ports ? ASH_VIRTIO_CONSOLE_F_MULTIPORT : 0U) |
           (config->backend->emergency != NULL ? ASH_VIRTIO_CONSOLE_F_EMERG_WRITE : 0U);
}

int ash_virtio_console_init(struct ash_virtio_console *console,
                            const struct ash_virtio_console_config *config,
                            const struct ash_virtio_site *site)
{
    static const struct ash_virtio_ops ops = {.size = sizeof(ops),
                                              .device_id = DEVICE_ID,
                                              .serve = serve,
                                              .queue_reset = queue_reset,
                                              .reset = reset,
                                              .config_write = config_write,
                                              .state_bytes = state_bytes,
                                              .save = save,
                                              .load = load};

    if (console == NULL || config == NULL || !config_is_ok(config)) {
        return ASH_EINVAL;
    }
    console->config = *config;
    for (uint32_t i = 0; i < config->port_count; i++) {
        struct ash_virtio_console_port *port = &config->ports[i];

        port->guest_open = false;
        port->ready = false;
        port->pending = 0;
        port->columns = i == 0U ? config->columns : 0U;
        port->rows = i == 0U ? config->rows : 0U;
        port->held.token = 0;
        port->taken = 0;
    }
    (void)memset(console->space, 0, sizeof(console->space));
    store_le16_(console->space + CONFIG_COLUMNS, config->columns);
    store_le16_(console->space + CONFIG_ROWS, config->rows);
    store_le32_(console->space + CONFIG_PORTS, config->port_count);
    return ash_virtio_device_init(&console->device, site, &ops, console,
                                  ASH_VIRTIO_CONSOLE_QUEUES(config->port_count, config->has_ports),
                                  features_of(config), console->space, sizeof(console->space));
}
