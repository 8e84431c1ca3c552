/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk whose requests another VM answers, by a pipe (docs/disk-server.md). What stands here between the two has
 * requests and tokens; the server has tokens and bytes. It is believed no more than a guest's ring: it may be late,
 * answer in any order, lie, or be gone, and comes to nothing but the data of requests that it was asked for.
 *
 * What was asked and not answered when the server goes is asked again when one is there again. What the server may
 * still do, though the client does not want it any more (it has reset its device, or was told of an error), must not
 * come behind what the client asks next: nothing is asked before that is answered, or the server gone. */
#include <libbase/bits.h>
#include <libbase/mem.h>
#include <libvirtio/blk.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "glue/virtio.h"
#include "glue/virtio_pipe.h"

#define QUEUE_SIZE    32U
#define SEGMENT_BYTES 4096U
#define SEGMENTS      16U
#define REQUEST_BYTES (SEGMENTS * SEGMENT_BYTES) /* HV_JOB_BYTES: what one step may move */
#define BATCH_BYTES   0x8000U                    /* then it is somebody else's turn */
#define ANSWERS       16U                        /* likewise */

#define MAGIC 0x314b5344U /* "DSK1" */

/** A message's head; data follows. Little-endian, as all that hv runs on. */
struct head {
    uint32_t magic;
    uint32_t type; /* of a request: READ, WRITE, FLUSH; of an answer: 0, or it failed */
    uint64_t token;
    uint64_t sector; /* of a request */
    uint32_t size;   /* bytes: of a request's range; of an answer's data */
    uint32_t zero;
};
ASH_STATIC_ASSERT(sizeof(struct head) == 32, "no holes");
ASH_STATIC_ASSERT(ASH_VIRTIO_BLK_READ == 0 && ASH_VIRTIO_BLK_WRITE == 1 && ASH_VIRTIO_BLK_FLUSH == 2,
                  "the protocol's numbers");

#define HEAD_BYTES ((uint32_t)sizeof(struct head))

struct asked {
    struct ash_virtio_request request; /* token 0: none */
    uint64_t order;
    uint64_t since; /* ticks */
    bool is_sent;   /* or on its way */
    bool is_lost;   /* what came for it could not be put there */
};

struct served {
    struct ash_virtio_blk blk;
    struct hv_virtio_device *device;
    struct hv_pipe_end end;
    struct asked asked[QUEUE_SIZE];
    uint64_t order;
    uint64_t orphan[QUEUE_SIZE]; /* tokens of what was sent and is not wanted any more */
    uint32_t orphans;
    bool is_broken; /* the server does not keep to the protocol: until it closes its port */

    /* To the server: the message of which a part went out. */
    uint32_t out_size, out_done;
    uint8_t out[HEAD_BYTES + REQUEST_BYTES];

    /* From it: the head of which a part came in, and the data behind it. */
    uint32_t in_size;
    uint8_t in_bytes[HEAD_BYTES];
    struct head in; /* that, when it is whole */
    uint32_t data_at, data_left;

    uint64_t requests[ASH_VIRTIO_BLK_WRITE_ZEROES + 1]; /* by type */
    uint64_t failed, again, breaches;
};

static bool is_up(const struct served *served)
{
    return ash_virtio_is_running(&served->blk.device);
}

static struct asked *find(struct served *served, uint64_t token)
{
    for (uint32_t i = 0; i < QUEUE_SIZE; i++) {
        if (served->asked[i].request.token == token) {
            return &served->asked[i];
        }
    }
    return NULL;
}

/** @asked is over here. Of what was sent and is not over there as many as the queue has entries are the most. */
static void abandon(struct served *served, struct asked *asked)
{
    if (asked->request.token != 0U && asked->is_sent && served->orphans < QUEUE_SIZE) {
        served->orphan[served->orphans++] = asked->request.token;
    }
    asked->request.token = 0;
}

/** The server is done with it. True: it was the last such. */
static bool bury(struct served *served, uint64_t token)
{
    for (uint32_t i = 0; i < served->orphans; i++) {
        if (served->orphan[i] == token) {
            served->orphan[i] = served->orphan[--served->orphans];
            return served->orphans == 0U;
        }
    }
    return false;
}

/** The driver sees it with the next ash_virtio_signal(). A status that cannot be written leaves the request with the
 *  driver, as a disk would that hangs. */
static void complete(struct served *served, struct asked *asked, bool is_ok)
{
    served->failed += is_ok ? 0U : 1U;
    ASH_DISCARD(ash_virtio_blk_complete(&served->blk, 0, asked->request.token,
                                        is_ok ? ASH_VIRTIO_BLK_OK : ASH_VIRTIO_BLK_IOERR));
}

/* ---- To the server ----------------------------------------------------------------------------------------------- */

/** What was asked first of what is not sent; NULL: all is. */
static struct asked *next_to_send(struct served *served)
{
    struct asked *next = NULL;

    for (uint32_t i = 0; i < QUEUE_SIZE; i++) {
        struct asked *asked = &served->asked[i];

        if (asked->request.token != 0U && !asked->is_sent && (next == NULL || asked->order < next->order)) {
            next = asked;
        }
    }
    return next;
}

/** The message is made as a whole: what the client does to its memory or device from now on changes nothing of it. */
static void make_message(struct served *served, struct asked *asked)
{
    const struct ash_virtio_request *request = &asked->request;
    const bool is_write = request->type == (uint32_t)ASH_VIRTIO_BLK_WRITE;
    const struct head head = {
        .magic = MAGIC,
        .type = request->type,
        .token = request->token,
        .sector = request->argument,
        .size = (uint32_t)(is_write ? request->readable_bytes : request->writable_bytes),
    };

    if (is_write &&
        ash_virtio_copy_in(&served->blk.device, request, 0, served->out + HEAD_BYTES, head.size) != ASH_OK) {
        complete(served, asked, false);
        abandon(served, asked);
        ash_virtio_signal(&served->blk.device, 0);
        return;
    }
    memcpy(served->out, &head, HEAD_BYTES);
    served->out_size = HEAD_BYTES + (is_write ? head.size : 0U);
    served->out_done = 0;
    asked->is_sent = true;
}

/** True: that is enough for now. False: all is sent, or room() comes. */
static bool send(struct served *served)
{
    uint32_t moved = 0;

    while (hv_pipe_is_open(&served->end) && !served->is_broken) {
        struct asked *next = served->out_done == served->out_size ? next_to_send(served) : NULL;
        const uint32_t left = served->out_size - served->out_done;
        uint32_t taken;

        if (left == 0U && (next == NULL || served->orphans > 0U)) {
            return false;
        }
        if (moved >= BATCH_BYTES) {
            return true;
        }
        if (left == 0U) {
            make_message(served, next);
            moved += served->out_size;
            continue;
        }
        taken = hv_pipe_put(&served->end, served->out + served->out_done,
                            left < BATCH_BYTES ? left : BATCH_BYTES);
        served->out_done += taken;
        moved += taken;
        if (taken == 0U) {
            return false;
        }
    }
    return false;
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    struct served *served = (struct served *)ctx;
    struct asked *asked = find(served, 0); /* as many as the queue has entries */
    const uint64_t ticks = served->device->config->timeout_ms * hv_arch_ticks_per_second() / 1000U;

    (void)unmap;
    served->requests[request->type]++;
    if (asked == NULL || sectors > REQUEST_BYTES / ASH_VIRTIO_BLK_SECTOR) {
        served->failed++;
        ASH_DISCARD(ash_virtio_blk_complete(&served->blk, 0, request->token, ASH_VIRTIO_BLK_IOERR));
        return;
    }
    *asked = (struct asked){.request = *request, .order = served->order++, .since = hv_arch_ticks()};
    if (ticks != 0U && served->device->wake_at == 0U) {
        hv_virtio_wake_at(served->device, asked->since + ticks);
    }
    if (send(served)) {
        ash_virtio_blk_pause(&served->blk);
        hv_virtio_post(served->device);
    }
}

static void reset_queue(void *ctx, uint32_t queue)
{
    struct served *served = (struct served *)ctx;

    (void)queue;
    for (uint32_t i = 0; i < QUEUE_SIZE; i++) {
        abandon(served, &served->asked[i]);
    }
}

/* ---- From it ----------------------------------------------------------------------------------------------------- */

/** The next message begins with a head again. */
static void forget_streams(struct served *served)
{
    served->out_size = 0;
    served->out_done = 0;
    served->in_size = 0;
    served->data_left = 0;
}

/** It says what no server says: nothing of what it says is heard until it begins anew. */
static void break_off(struct served *served)
{
    served->breaches++;
    served->is_broken = true;
    forget_streams(served);
    hv_pipe_set_open(&served->end, false);
}

static void end_answer(struct served *served)
{
    struct asked *asked = served->in.token != 0U ? find(served, served->in.token) : NULL;

    served->in_size = 0;
    if (asked == NULL && bury(served, served->in.token)) {
        hv_virtio_post(served->device); /* what waited for that */
    }
    if (asked != NULL) {
        complete(served, asked, served->in.type == 0U && !asked->is_lost);
        asked->request.token = 0;
    }
}

/** A head is there. An answer to what is not asked any more is skipped. */
static void begin_answer(struct served *served)
{
    const struct head *in = &served->in;
    struct asked *asked = in->token != 0U ? find(served, in->token) : NULL;
    uint64_t expected = in->size;

    if (asked != NULL) {
        const bool has_data = in->type == 0U && asked->request.type == (uint32_t)ASH_VIRTIO_BLK_READ;

        expected = has_data ? asked->request.writable_bytes : 0U;
        asked->is_lost = false;
    }
    if (in->magic != MAGIC || in->size != expected || in->size > REQUEST_BYTES ||
        (asked != NULL && !asked->is_sent)) {
        break_off(served);
        return;
    }
    served->data_at = 0;
    served->data_left = in->size;
    if (in->size == 0U) {
        end_answer(served);
    }
}

static uint32_t take_head(struct served *served, const uint8_t *bytes, uint32_t size)
{
    const uint32_t left = HEAD_BYTES - served->in_size;
    const uint32_t taken = size < left ? size : left;

    memcpy(served->in_bytes + served->in_size, bytes, taken);
    served->in_size += taken;
    if (served->in_size == HEAD_BYTES) {
        memcpy(&served->in, served->in_bytes, HEAD_BYTES);
        begin_answer(served);
    }
    return taken;
}

/** Straight to where the client wants it, if it still does. */
static uint32_t take_data(struct served *served, const uint8_t *bytes, uint32_t size)
{
    const uint32_t taken = size < served->data_left ? size : served->data_left;
    struct asked *asked = served->in.token != 0U ? find(served, served->in.token) : NULL;

    if (asked != NULL &&
        ash_virtio_copy_out(&served->blk.device, &asked->request, served->data_at, bytes, taken) != ASH_OK) {
        asked->is_lost = true;
    }
    served->data_at += taken;
    served->data_left -= taken;
    if (served->data_left == 0U) {
        end_answer(served);
    }
    return taken;
}

static uint32_t take(struct hv_pipe_end *end, const uint8_t *bytes, uint32_t size)
{
    struct served *served = (struct served *)end->device->state;
    uint32_t done = 0;

    for (uint32_t heads = 0; done < size && heads < ANSWERS && !served->is_broken;) {
        if (served->in_size < HEAD_BYTES) {
            done += take_head(served, bytes + done, size - done);
            heads++;
        } else {
            done += take_data(served, bytes + done, size - done);
        }
    }
    ash_virtio_signal(&served->blk.device, 0);
    return served->is_broken ? size : done;
}

static void room(struct hv_pipe_end *end)
{
    if (is_up((const struct served *)end->device->state)) {
        hv_virtio_post(end->device);
    }
}

/** A server that went: what it had said is nobody's, what it was asked it will be asked again. */
static void changed(struct hv_pipe_end *end, bool is_closed)
{
    struct served *served = (struct served *)end->device->state;

    if (is_closed) {
        forget_streams(served);
        hv_pipe_drop(end);
        for (uint32_t i = 0; i < QUEUE_SIZE; i++) {
            served->again += served->asked[i].request.token != 0U && served->asked[i].is_sent ? 1U : 0U;
            served->asked[i].is_sent = false;
        }
        served->orphans = 0;
        if (served->is_broken) {
            served->is_broken = false;
            hv_pipe_set_open(end, true);
        }
    }
    room(end);
}

/* ---- The device's job -------------------------------------------------------------------------------------------- */

/** What nobody answered for too long is an error. */
static void expire(struct served *served)
{
    const uint64_t ticks = served->device->config->timeout_ms * hv_arch_ticks_per_second() / 1000U;
    const uint64_t now = hv_arch_ticks();
    uint64_t next = UINT64_MAX;

    for (uint32_t i = 0; i < QUEUE_SIZE && ticks != 0U; i++) {
        struct asked *asked = &served->asked[i];

        if (asked->request.token != 0U && served->end.is_due) {
            asked->since = now; /* the VM was paused, and the answers wait */
        }
        if (asked->request.token != 0U && now - asked->since >= ticks) {
            complete(served, asked, false);
            abandon(served, asked);
        }
        if (asked->request.token != 0U && asked->since + ticks < next) {
            next = asked->since + ticks;
        }
    }
    if (next != UINT64_MAX) {
        hv_virtio_wake_at(served->device, next);
    }
    ash_virtio_signal(&served->blk.device, 0);
}

static bool work(struct hv_virtio_device *device)
{
    struct served *served = (struct served *)device->state;

    expire(served);
    hv_pipe_room(&served->end);
    return send(served);
}

/* ---- Its life ---------------------------------------------------------------------------------------------------- */

static size_t size_of(const struct ash_boot_virtio *config)
{
    (void)config;
    return sizeof(struct served) + hv_virtio_queue_bytes(1, QUEUE_SIZE);
}

static int make_device(struct hv_virtio_device *device)
{
    static const struct ash_virtio_blk_backend backend = {
        .size = sizeof(backend), .submit = submit, .reset = reset_queue};
    struct served *served = (struct served *)device->state;
    struct ash_virtio_blk_config config = {
        .backend = &backend,
        .backend_ctx = served,
        .sectors = ash_align_down(device->config->size, device->config->block_size) / ASH_VIRTIO_BLK_SECTOR,
        .block_size = device->config->block_size,
        .segments_max = SEGMENTS,
        .segment_size_max = SEGMENT_BYTES,
        .read_only = device->config->read_only,
        .has_flush = true,
        .queue_count = 1,
    };
    struct ash_virtio_site site;

    memcpy(config.serial, device->config->serial, sizeof(config.serial));
    hv_virtio_site(device, served + 1, 1, QUEUE_SIZE, &site);
    device->virtio = &served->blk.device;
    return ash_virtio_blk_init(&served->blk, &config, &site);
}

static void attach(struct hv_virtio_device *device)
{
    static const struct hv_pipe_ops ops = {.take = take, .room = room, .changed = changed};
    struct served *served = (struct served *)device->state;

    served->end.ops = &ops;
    served->end.device = device;
    served->end.name = ash_boot_pipe_name(device->config, 0);
    served->end.is_open = true;
    hv_virtio_lock(NULL, device);
    hv_pipe_attach(&served->end);
    hv_virtio_unlock(device);
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    int error = hv_pipe_join(device);

    (void)plan;
    if (error != ASH_OK) {
        return error;
    }
    ((struct served *)device->state)->device = device;
    error = make_device(device);
    if (error != ASH_OK) {
        hv_pipe_leave(device);
        return error;
    }
    attach(device);
    return ASH_OK;
}

static void detach(struct hv_virtio_device *device)
{
    hv_pipe_detach(&((struct served *)device->state)->end);
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t most)
{
    const struct served *served = (const struct served *)device->state;

    return hv_format(text, most, "%lu KiB, served by %s, %s; %lu reads, %lu writes, %lu failed, %lu again",
                     device->config->size / 1024U, served->end.name,
                     served->is_broken               ? "broken"
                     : hv_pipe_is_open(&served->end) ? "connected"
                                                     : "waits",
                     served->requests[ASH_VIRTIO_BLK_READ], served->requests[ASH_VIRTIO_BLK_WRITE],
                     served->failed, served->again);
}

const struct hv_virtio_ops hv_virtio_served_ops = {
    .batch = 16,
    .size = size_of,
    .create = create,
    .work = work,
    .detach = detach,
    .destroy = hv_pipe_leave,
    .describe = describe,
};
