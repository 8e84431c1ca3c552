/* SPDX-License-Identifier: BSD-2-Clause */
/** Console device (VIRTIO 1.2, 5.3): one port, or several with names.
 *
 *  Output is handed to the back end as it lies in the guest's memory; what it has no room for stays there
 *  until it says so. Input goes as far as the driver has buffers. Nothing is kept in between, nothing is
 *  lost.
 *
 *  Queues: two for a console of one port; with ports (has_ports) two more than two for each port.
 */
#ifndef LIBVIRTIO_CONSOLE_H
#define LIBVIRTIO_CONSOLE_H

#include <libvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_CONSOLE_PORTS_MAX    31U
#define ASH_VIRTIO_CONSOLE_NAME_MAX     56U /* bytes */
#define ASH_VIRTIO_CONSOLE_CONFIG_BYTES 12U
/** Output is handed over in pieces of at most this; one is one of ash_virtio_run()'s budget. */
#define ASH_VIRTIO_CONSOLE_PIECE 4096U
/** Buffers of the driver's that one ash_virtio_console_input() fills at most. */
#define ASH_VIRTIO_CONSOLE_BUFFERS 16U

/** Features (5.3.3). */
#define ASH_VIRTIO_CONSOLE_F_SIZE        ASH_BIT(0)
#define ASH_VIRTIO_CONSOLE_F_MULTIPORT   ASH_BIT(1)
#define ASH_VIRTIO_CONSOLE_F_EMERG_WRITE ASH_BIT(2)

/** All within a call of the guest's or of ash_virtio_run(), the device's lock held. Those after output()
 *  may be NULL. */
struct ash_virtio_console_backend {
    size_t size; /* sizeof(struct ash_virtio_console_backend) */

    /** Up to @size bytes of the guest's output; returns how many were taken. Fewer: no room; say so when
     *  there is with ash_virtio_console_room(). @bytes are the guest's own, which it may be changing: read
     *  each once. */
    uint32_t (*output)(void *ctx, uint32_t port, const void *bytes, uint32_t size);

    /** The driver has (new) buffers for input. */
    void (*input_room)(void *ctx, uint32_t port);

    /** The guest opened or closed a port. */
    void (*opened)(void *ctx, uint32_t port, bool is_open);

    /** One byte, also before the driver is up (5.3.4). NULL: EMERG_WRITE is not offered. */
    void (*emergency)(void *ctx, unsigned char byte);
};

/** One port. The first three are the caller's to set, the others private. */
struct ash_virtio_console_port {
    const char *name; /* for the guest; at most NAME_MAX bytes count. NULL: none */
    bool is_console;  /* else a plain channel */
    bool is_open;     /* at our end; ash_virtio_console_set_open() */

    bool guest_open;
    bool ready;
    uint32_t pending;               /* control messages to send, by bit */
    uint16_t columns, rows;         /* of the RESIZE to send */
    struct ash_virtio_request held; /* output that the back end has no room for; token 0: none */
    uint64_t taken;                 /* bytes of held, or of the next output, that went out already */
};

struct ash_virtio_console_config {
    const struct ash_virtio_console_backend *backend;
    void *backend_ctx;
    struct ash_virtio_console_port *ports; /* outlive the device */
    uint32_t port_count;                   /* 1..ASH_VIRTIO_CONSOLE_PORTS_MAX; without has_ports 1 */
    bool has_ports;                        /* offer MULTIPORT */
    uint16_t columns, rows;                /* 0, 0: not known */
};

struct ash_virtio_console {
    struct ash_virtio_device device; /* for the transport and ash_virtio_run() */
    struct ash_virtio_console_config config;
    unsigned char space[ASH_VIRTIO_CONSOLE_CONFIG_BYTES];
};

/** How many queues the site must have. */
#define ASH_VIRTIO_CONSOLE_QUEUES(port_count, has_ports) ((has_ports) ? 2U * (port_count) + 2U : 2U)

/** Returns ASH_OK or ASH_EINVAL: as ash_virtio_device_init(); a value out of its range. */
int ash_virtio_console_init(struct ash_virtio_console *console,
                            const struct ash_virtio_console_config *config,
                            const struct ash_virtio_site *site) ASH_NODISCARD;

/** Input for the guest; returns how many bytes went into the driver's buffers, of which
 *  ASH_VIRTIO_CONSOLE_BUFFERS are filled at most: call again until it returns 0, as it does while driver or
 *  port are not up. The rest is the caller's, who hears of room by input_room(). port: in range, else 0.
 *  Cost: O(size), however small the driver's buffers are. */
uint32_t ash_virtio_console_input(struct ash_virtio_console *console, uint32_t port, const void *bytes,
                                  uint32_t size);

/** There is room for output of @port again: then ash_virtio_run(). */
void ash_virtio_console_room(struct ash_virtio_console *console, uint32_t port);

/** Has all output of @port that the driver has told of been taken? port: any number. */
bool ash_virtio_console_is_drained(const struct ash_virtio_console *console, uint32_t port);

/** Nobody is there to take the output of @port that the driver has queued so far: it ends as if it had been
 *  taken, without being looked at. port: any number. Cost: O(Queue Size). */
void ash_virtio_console_discard(struct ash_virtio_console *console, uint32_t port);

/** The size of a console port has changed; the driver is told. */
void ash_virtio_console_resize(struct ash_virtio_console *console, uint32_t port, uint16_t columns,
                               uint16_t rows);

/** Our end of a port is open or closed; the driver is told (has_ports). */
void ash_virtio_console_set_open(struct ash_virtio_console *console, uint32_t port, bool is_open);

#ifdef __cplusplus
}
#endif

#endif
