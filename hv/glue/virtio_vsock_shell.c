/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/virtio_vsock_shell.h"

#include <libbase/mem.h>

#include "core/format.h"
#include "core/hv.h"
#include "core/life.h"
#include "glue/virtio.h"

#define PROMPT "ashlar> "
/* Flags of SHUTDOWN (5.10.6.5): its sender receives, or sends, no more. */
#define NO_RECEIVE 1U
#define NO_SEND    2U

enum { RECEIVE };

/* ---- From the guest ---------------------------------------------------------------------------------------------- */

void hv_vsock_shell_reset(struct hv_vsock_shell *shell)
{
    shell->is_open = false;
    shell->text_at = 0;
    shell->text_size = 0;
}

static void open(struct hv_vsock_shell *shell, const struct ash_virtio_vsock_header *header)
{
    hv_vsock_shell_reset(shell);
    shell->is_open = true;
    shell->serial++;
    shell->peer_port = header->src_port;
    shell->owes_response = true;
    shell->owes_credit = false;
    shell->hears_no_more = false;
    shell->owes_end = false;
    shell->sent = 0;
    shell->input_head = 0;
    shell->input_tail = 0;
    shell->told_tail = 0;
}

/** False: more than the guest was told that there is room for. */
static bool take_bytes(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock,
                       const struct ash_virtio_request *payload)
{
    const uint32_t room = HV_VSOCK_SHELL_INPUT - (shell->input_head - shell->input_tail);
    uint32_t at = 0;

    if (payload->readable_bytes > room) {
        return false;
    }
    while (at < payload->readable_bytes) {
        const uint32_t left = (uint32_t)payload->readable_bytes - at;
        const uint32_t straight = HV_VSOCK_SHELL_INPUT - shell->input_head % HV_VSOCK_SHELL_INPUT;
        const uint32_t size = left < straight ? left : straight;

        if (ash_virtio_copy_in(&vsock->device, payload, at,
                               &shell->input[shell->input_head % HV_VSOCK_SHELL_INPUT], size) != ASH_OK) {
            return false;
        }
        shell->input_head += size;
        at += size;
    }
    return true;
}

bool hv_vsock_shell_take(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock,
                         const struct ash_virtio_request *payload,
                         const struct ash_virtio_vsock_header *header)
{
    if (header->dst_port != HV_VSOCK_SHELL_PORT || header->type != ASH_VIRTIO_VSOCK_STREAM) {
        return false;
    }
    if (header->op == ASH_VIRTIO_VSOCK_REQUEST) {
        if (shell->is_open) {
            return false; /* one at a time */
        }
        open(shell, header);
    } else if (!shell->is_open || header->src_port != shell->peer_port) {
        return false;
    }
    shell->peer_forwarded = header->fwd_cnt;
    shell->peer_room = header->buf_alloc;
    shell->owes_credit = shell->owes_credit || header->op == ASH_VIRTIO_VSOCK_CREDIT_REQUEST;
    if (header->op == ASH_VIRTIO_VSOCK_RST) {
        hv_vsock_shell_reset(shell);
        return true;
    }
    if (header->op == ASH_VIRTIO_VSOCK_SHUTDOWN && (header->flags & NO_RECEIVE) == 0U) {
        shell->hears_no_more = (header->flags & NO_SEND) != 0U;
        return true;
    }
    /* A whole SHUTDOWN is answered by RST (5.10.6.5), and so is what does not keep to the credit. */
    if (header->op == ASH_VIRTIO_VSOCK_SHUTDOWN ||
        (header->op == ASH_VIRTIO_VSOCK_RW && !take_bytes(shell, vsock, payload))) {
        hv_vsock_shell_reset(shell);
        return false;
    }
    return true;
}

/* ---- To the guest ------------------------------------------------------------------------------------------------ */

static int copy_text(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    memcpy(to, (const char *)ctx + offset, size);
    return ASH_OK;
}

/** @size bytes of text as one packet, or a packet without. Returns as ash_virtio_vsock_receive(). */
static int send(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock, enum ash_virtio_vsock_op op,
                uint32_t size, uint32_t *taken)
{
    const struct ash_virtio_vsock_header header = {
        .src_cid = ASH_VIRTIO_VSOCK_CID_HOST,
        .dst_cid = vsock->config.cid,
        .src_port = HV_VSOCK_SHELL_PORT,
        .dst_port = shell->peer_port,
        .type = ASH_VIRTIO_VSOCK_STREAM,
        .op = (uint16_t)op,
        .flags = op == ASH_VIRTIO_VSOCK_SHUTDOWN ? NO_RECEIVE | NO_SEND : 0U,
        .buf_alloc = HV_VSOCK_SHELL_INPUT,
        .fwd_cnt = shell->input_tail};
    const struct ash_virtio_source source = {
        .size = size, .copy = copy_text, .ctx = &shell->text[shell->text_at]};
    int error = ash_virtio_vsock_receive(vsock, &header, &source, 0, taken);

    if (error == ASH_OK) {
        shell->told_tail = shell->input_tail;
    }
    return error;
}

static bool send_plain(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock,
                       enum ash_virtio_vsock_op op)
{
    uint32_t taken;

    return send(shell, vsock, op, 0, &taken) == ASH_OK;
}

/** Text, as far as credit and buffers go, @most packets. True: that many it was. */
static bool send_text(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock, uint32_t most)
{
    int error = ASH_OK;

    while (error == ASH_OK && shell->text_at < shell->text_size && most > 0U) {
        const uint32_t under_way = shell->sent - shell->peer_forwarded;
        const uint32_t credit = shell->peer_room > under_way ? shell->peer_room - under_way : 0U;
        const uint32_t left = shell->text_size - shell->text_at;
        uint32_t taken = 0;

        if (credit == 0U) {
            return false; /* its CREDIT_UPDATE brings us here again */
        }
        error = send(shell, vsock, ASH_VIRTIO_VSOCK_RW, left < credit ? left : credit, &taken);
        shell->text_at += error == ASH_OK ? taken : 0U;
        shell->sent += error == ASH_OK ? taken : 0U;
        most--;
    }
    return error == ASH_OK && shell->text_at < shell->text_size;
}

bool hv_vsock_shell_send(struct hv_vsock_shell *shell, struct ash_virtio_vsock *vsock, uint32_t most)
{
    bool more = false;

    if (!shell->is_open) {
        return false;
    }
    if (shell->owes_response) {
        shell->owes_response = !send_plain(shell, vsock, ASH_VIRTIO_VSOCK_RESPONSE);
    }
    if (!shell->owes_response) {
        more = send_text(shell, vsock, most);
        /* The guest is told of room when it may need it, not of each byte. */
        if ((shell->owes_credit || shell->input_tail - shell->told_tail >= HV_VSOCK_SHELL_INPUT / 2U) &&
            send_plain(shell, vsock, ASH_VIRTIO_VSOCK_CREDIT_UPDATE)) {
            shell->owes_credit = false;
        }
        if (shell->owes_end && send_plain(shell, vsock, ASH_VIRTIO_VSOCK_SHUTDOWN)) {
            hv_vsock_shell_reset(shell); /* its RST finds nobody, and is not answered */
        }
    }
    ash_virtio_signal(&vsock->device, RECEIVE);
    return more;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

/** The next line, without its end; of one that is too long the beginning. False: it is not whole yet. */
static bool take_line(struct hv_vsock_shell *shell)
{
    uint32_t at = shell->input_tail;
    uint32_t size = 0;
    bool ends = false;

    while (at != shell->input_head && !ends) {
        const char byte = shell->input[at++ % HV_VSOCK_SHELL_INPUT];

        ends = byte == '\n';
        if (!ends && byte != '\r' && size < HV_VSOCK_SHELL_LINE - 1U) {
            shell->line[size++] = byte >= ' ' && byte < 0x7f ? byte : '?';
        }
    }
    ends = ends || (shell->hears_no_more && size > 0U);
    if (!ends && at - shell->input_tail < HV_VSOCK_SHELL_INPUT) {
        return false;
    }
    shell->line[size] = '\0';
    shell->input_tail = at;
    return true;
}

/** May @vm do what @call asks for? */
static bool is_allowed(const struct hv_vm *vm, const struct hv_call *call)
{
    const struct hv_command *command = call->command;

    if (vm->config.manager || command == NULL || command->step == hv_command_help ||
        command->step == hv_command_version) {
        return true;
    }
    if (call->vm != vm->slot) {
        return false;
    }
    if (command->step == hv_command_vm_life) {
        return command->detail == HV_LIFE_RESTART || command->detail == HV_LIFE_SHUTDOWN ||
               command->detail == HV_LIFE_POWER_OFF;
    }
    return command->step == hv_command_vm_show || command->step == hv_command_vm_devices ||
           command->step == hv_command_vm_resize || command->step == hv_command_stats ||
           command->step == hv_command_irq;
}

static void fail(struct hv_vsock_shell *shell, const char *problem, const char *allowed)
{
    shell->runs = false;
    (void)hv_form_error(&shell->call.form, problem, allowed[0] != '\0' ? allowed : NULL, shell->text);
}

static void begin(struct hv_cpu *cpu, const struct hv_vm *vm, struct hv_vsock_shell *shell)
{
    shell->text[0] = '\0';
    if (!hv_call_begin(&shell->call, cpu, shell->line)) {
        fail(shell, shell->call.problem, shell->call.allowed);
    } else if (!is_allowed(vm, &shell->call)) {
        fail(shell, "that is for the manager",
             "help version; of this VM: vm show, vm off, stats and the like");
    } else {
        shell->runs = shell->call.command != NULL;
    }
}

enum todo { NOTHING, GREET, BEGIN, GO_ON, END };

/** What there is to do now; with the device's lock held. */
static enum todo look(struct hv_virtio_device *device, struct hv_vsock_shell *shell)
{
    if (!hv_virtio_may_work(device) || !shell->is_open || shell->text_at < shell->text_size) {
        return NOTHING;
    }
    if (shell->served != shell->serial) {
        shell->served = shell->serial;
        shell->runs = false;
        return GREET;
    }
    if (shell->runs) {
        return GO_ON;
    }
    if (take_line(shell)) {
        return BEGIN;
    }
    if (!shell->hears_no_more || shell->owes_end) {
        return NOTHING;
    }
    shell->owes_end = true;
    return END;
}

bool hv_vsock_shell_run(struct hv_cpu *cpu, struct hv_virtio_device *device, struct hv_vsock_shell *shell)
{
    enum todo todo;
    size_t size;

    hv_virtio_lock(cpu, device);
    todo = look(device, shell);
    hv_virtio_unlock(device);
    if (todo == NOTHING || todo == END) {
        return todo == END; /* which is sent with the next step */
    }
    shell->text[0] = '\0';
    if (todo == BEGIN) {
        begin(cpu, device->vm, shell);
    } else if (todo == GO_ON) {
        shell->runs = hv_call_step(&shell->call, &shell->record, shell->text);
    }
    size = hv_text_length(shell->text);
    if (!shell->runs) {
        size += hv_format(&shell->text[size], sizeof(shell->text) - size, "%s", PROMPT);
    }
    hv_virtio_lock(cpu, device);
    if (shell->is_open && shell->served == shell->serial) {
        shell->text_at = 0;
        shell->text_size = (uint32_t)size;
    }
    hv_virtio_unlock(device);
    return true;
}
