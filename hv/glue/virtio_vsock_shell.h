/* SPDX-License-Identifier: BSD-2-Clause */
/** hv's shell at CID 2, port 1: one connection of each VM with sockets, a stream of lines. Each line is a command of
 *  the one table (core/command.h), its answer text or JSON and then the prompt. No echo, no editing: what is typed at
 *  is on the guest's side.
 *
 *  Authority. The manager's: all commands. Any other VM's: `help`, `version`, and those about itself that look at it,
 *  or do what it could do by itself: vm show, devices, resize, restart, shutdown, off; stats, irq.
 *
 *  Lock domain: the device, but for hv_vsock_shell_run(), which takes that lock itself and runs commands without any.
 */
#ifndef HV_GLUE_VIRTIO_VSOCK_SHELL_H
#define HV_GLUE_VIRTIO_VSOCK_SHELL_H

#include <libvirtio/vsock.h>

#include "core/command.h"

#define HV_VSOCK_SHELL_PORT  1U
#define HV_VSOCK_SHELL_LINE  256U
#define HV_VSOCK_SHELL_INPUT 1024U /* bytes that the guest may send ahead; a power of two */

struct hv_virtio_device;

struct hv_vsock_shell {
    bool is_open;
    uint32_t serial; /* of the connection */
    uint32_t peer_port;
    bool owes_response;
    bool owes_credit;
    bool hears_no_more; /* the guest sends no more: when all is answered, that is the end */
    bool owes_end;
    uint32_t sent;                      /* bytes to the guest ... */
    uint32_t peer_forwarded, peer_room; /* ... which has so many of them, and room for so many (5.10.6.3) */
    uint32_t input_head, input_tail;    /* free running; the tail is what the guest is told as fwd_cnt */
    uint32_t told_tail;
    char input[HV_VSOCK_SHELL_INPUT];
    uint32_t text_at, text_size; /* of text: to be sent. While there is any, text is not written */

    /* The job's own, without the lock. */
    uint32_t served; /* the connection that the rest is about */
    bool runs;
    char line[HV_VSOCK_SHELL_LINE];
    struct hv_call call;
    struct hv_record record;
    char text[HV_RECORD_MOST + 16U];
};

/** A packet for CID 2. False: it is to be refused. */
bool hv_vsock_shell_take(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock,
                         const struct ash_virtio_request *payload,
                         const struct ash_virtio_vsock_header *header);

/** What is to be sent, as far as the guest has room, of a long text @most packets. True: there is more, and room. */
bool hv_vsock_shell_send(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock, uint32_t most);

/** The driver is gone. */
void hv_vsock_shell_reset(struct hv_vsock_shell *shell);

/** A step of what there is to do: take a line, begin a command, a row of its answer. In the device's job, no lock is
 *  held. True: there may be more. */
bool hv_vsock_shell_run(struct hv_cpu *cpu, struct hv_virtio_device *device, struct hv_vsock_shell *shell);

#endif
