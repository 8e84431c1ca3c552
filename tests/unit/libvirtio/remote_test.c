/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk whose back end lives in another VM: it hears of requests, and gets and puts their bytes, as messages over a
 * port of its virtio console. What stands between them has requests and tokens, and no pointer into either guest for
 * longer than a call. The back end may be late, answer in any order, lie, or be gone. */
#include "guest.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <libvirtio/blk.h>
#include <libvirtio/console.h>

#include <testkit/seed.h>

#define SECTORS  64U
#define DISK     (SECTORS * 512U)
#define PORT     1U
#define PIECE    300U /* bytes of a message's data at most: no divisor of anything */
#define QUEUE    8U   /* requests of the client's that are out */
#define RECEIVE  4U   /* the port's queues (5.3.2) */
#define TRANSMIT 5U

/* ---- The messages ------------------------------------------------------------------------------------- */

enum { ASK = 1, GET, DATA, PUT, DONE };

struct message {
    uint32_t op;
    uint32_t size;  /* ASK: of the request; else of the bytes, which follow DATA and PUT */
    uint64_t token; /* of the request */
    uint64_t place; /* ASK: the first byte on the disk; DONE: the status; else an offset in the request */
    uint64_t type;  /* ASK */
};

/** A stream of them. */
struct stream {
    unsigned char bytes[4096];
    uint32_t size;
};

static bool has_room(const struct stream *stream)
{
    return sizeof(stream->bytes) - stream->size >= sizeof(struct message) + PIECE;
}

static void append(struct stream *stream, const void *bytes, uint32_t size)
{
    assert_true(size <= sizeof(stream->bytes) - stream->size);
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
}

static void drop(struct stream *stream, uint32_t size)
{
    memmove(stream->bytes, stream->bytes + size, stream->size - size);
    stream->size -= size;
}

/** The first message and the bytes behind it; false: it is not all there yet. *@size: of both. */
static bool first(const struct stream *stream, struct message *message, uint32_t *size)
{
    if (stream->size < sizeof(*message)) {
        return false;
    }
    memcpy(message, stream->bytes, sizeof(*message));
    *size = sizeof(*message);
    if (message->op == DATA || message->op == PUT) {
        *size += message->size < PIECE ? message->size : PIECE; /* it cannot claim more */
    }
    return stream->size >= *size;
}

/* ---- Between the VMs ---------------------------------------------------------------------------------- */

struct between {
    struct ash_virtio_blk *blk;
    struct ash_virtio_console *console;
    struct ash_virtio_request kept[GUEST_SIZE]; /* token 0: free */
    bool told[GUEST_SIZE];
    struct stream to, from;
    unsigned stale, refused;
};

static void flush(struct between *b)
{
    for (unsigned i = 0; i < GUEST_SIZE; i++) {
        const struct ash_virtio_request *request = &b->kept[i];
        struct message ask = {.op = ASK, .token = request->token, .type = request->type};

        if (request->token != 0U && !b->told[i] && has_room(&b->to)) {
            ask.size = (uint32_t)(request->readable_bytes + request->writable_bytes);
            ask.place = request->argument * 512U;
            append(&b->to, &ask, sizeof(ask));
            b->told[i] = true;
        }
    }
    drop(&b->to, ash_virtio_console_input(b->console, PORT, b->to.bytes, b->to.size));
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    struct between *b = ctx;

    (void)sectors;
    (void)unmap;
    for (unsigned i = 0; i < GUEST_SIZE; i++) {
        if (b->kept[i].token == 0U || !ash_virtio_is_live(&b->blk->device, 0, b->kept[i].token)) {
            b->kept[i] = *request;
            b->told[i] = false;
            flush(b);
            return;
        }
    }
    fail_msg("more requests than the queue has entries");
}

static void done(struct between *b, struct ash_virtio_request *request, uint64_t status)
{
    const enum ash_virtio_blk_status how = status == 0U ? ASH_VIRTIO_BLK_OK : ASH_VIRTIO_BLK_IOERR;
    const int error = ash_virtio_blk_complete(b->blk, request->queue, request->token, how);

    assert_true(error == ASH_OK || error == ASH_ENOENT);
    b->stale += error == ASH_ENOENT;
    request->token = 0;
    ash_virtio_signal(&b->blk->device, request->queue);
}

static void get(struct between *b, const struct ash_virtio_request *request, const struct message *message)
{
    struct message data = {.op = DATA, .token = message->token, .place = message->place};
    unsigned char bytes[PIECE];

    if (message->size > PIECE ||
        ash_virtio_copy_in(&b->blk->device, request, message->place, bytes, message->size) != ASH_OK) {
        b->refused++;
        return;
    }
    data.size = message->size;
    append(&b->to, &data, sizeof(data));
    append(&b->to, bytes, data.size);
}

/** What the back end says is believed no more than what a guest writes. */
static void handle(struct between *b, const struct message *message, const unsigned char *bytes)
{
    struct ash_virtio_request *request = NULL;

    for (unsigned i = 0; i < GUEST_SIZE; i++) {
        if (message->token != 0U && b->kept[i].token == message->token) {
            request = &b->kept[i];
        }
    }
    if (request == NULL) {
        b->refused++;
    } else if (message->op == GET) {
        get(b, request, message);
    } else if (message->op == PUT) {
        b->refused += message->size > PIECE || ash_virtio_copy_out(&b->blk->device, request, message->place,
                                                                   bytes, message->size) != ASH_OK;
    } else if (message->op == DONE) {
        done(b, request, message->place);
    } else {
        b->refused++;
    }
}

static uint32_t output(void *ctx, uint32_t port, const void *bytes, uint32_t size)
{
    struct between *b = ctx;
    const uint32_t room = (uint32_t)sizeof(b->from.bytes) - b->from.size;
    const uint32_t taken = size < room ? size : room;
    struct message message;
    uint32_t whole;

    if (port != PORT) {
        return size;
    }
    append(&b->from, bytes, taken);
    while (has_room(&b->to) && first(&b->from, &message, &whole)) {
        handle(b, &message, b->from.bytes + sizeof(message));
        drop(&b->from, whole);
        flush(b);
    }
    return taken;
}

static void input_room(void *ctx, uint32_t port)
{
    if (port == PORT) {
        flush(ctx);
    }
}

/* ---- The back end's VM -------------------------------------------------------------------------------- */

/** All that its program knows comes by its own rings. */
struct server {
    struct guest guest;
    struct ash_virtio_console console;
    struct ash_virtio_console_port ports[2];
    struct ash_virtq_segment in[4], out;
    int in_head[4];
    bool is_sending;
    struct stream heard, said;
    unsigned char disk[DISK];
    struct {
        struct message ask;
        uint32_t moved;
        bool waits; /* for DATA */
    } work[GUEST_SIZE];
    unsigned served;
};

static void tell(struct server *s, uint32_t id, uint16_t event)
{
    const struct ash_virtq_segment segment = guest_buffer(&s->guest, 8, false);
    unsigned char *bytes = guest_bytes(&s->guest, segment);
    int head;

    memcpy(bytes, &(uint32_t){htole32(id)}, 4);
    memcpy(bytes + 4, &(uint16_t){htole16(event)}, 2);
    memcpy(bytes + 6, &(uint16_t){htole16(1)}, 2);
    head = guest_send(&s->guest, 3, &segment, 1);
    guest_run(&s->guest, 4);
    assert_int_equal(guest_take(&s->guest, 3, head), 0);
}

static void server_boot(struct server *s)
{
    enum { DEVICE_READY = 0, PORT_READY = 3, PORT_OPEN = 6 };

    guest_start(&s->guest, UINT64_MAX);
    tell(s, 0, DEVICE_READY);
    tell(s, PORT, PORT_READY);
    tell(s, PORT, PORT_OPEN);
    s->heard.size = s->said.size = 0;
    s->is_sending = false;
    memset(s->work, 0, sizeof(s->work));
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(s->in); i++) {
        s->in[i] = guest_buffer(&s->guest, 200, true);
        s->in_head[i] = guest_send(&s->guest, RECEIVE, &s->in[i], 1);
    }
    s->out = guest_buffer(&s->guest, 256, false);
    guest_run(&s->guest, 4);
}

static void listen(struct server *s)
{
    struct mock_used used;

    while (has_room(&s->heard) && guest_has_used(&s->guest, RECEIVE, &used)) {
        for (unsigned i = 0; i < ASH_ARRAY_SIZE(s->in); i++) {
            if (s->in_head[i] == (int)used.head) {
                append(&s->heard, guest_bytes(&s->guest, s->in[i]), used.written);
                s->in_head[i] = guest_send(&s->guest, RECEIVE, &s->in[i], 1);
                break;
            }
        }
    }
}

static void speak(struct server *s)
{
    struct ash_virtq_segment piece = s->out;
    struct mock_used used;

    if (s->is_sending && guest_has_used(&s->guest, TRANSMIT, &used)) {
        s->is_sending = false;
    }
    if (!s->is_sending && s->said.size > 0U) {
        piece.length = s->said.size < piece.length ? s->said.size : piece.length;
        memcpy(guest_bytes(&s->guest, piece), s->said.bytes, piece.length);
        drop(&s->said, piece.length);
        guest_send(&s->guest, TRANSMIT, &piece, 1);
        s->is_sending = true;
    }
    guest_run(&s->guest, 4);
}

/** A message came: a new request, or bytes of one that is being written. */
static void understand(struct server *s, const struct message *message, const unsigned char *bytes)
{
    for (unsigned i = 0; i < GUEST_SIZE; i++) {
        if (message->op == ASK && s->work[i].ask.op == 0U) {
            s->work[i].ask = *message;
            s->work[i].moved = 0;
            s->work[i].waits = false;
            return;
        }
        if (message->op == DATA && s->work[i].ask.op != 0U && s->work[i].ask.token == message->token) {
            memcpy(s->disk + s->work[i].ask.place + message->place, bytes, message->size);
            s->work[i].moved += message->size;
            s->work[i].waits = false;
            return;
        }
    }
}

/** The next step of request @i. */
static void go_on(struct server *s, unsigned i)
{
    const struct message *ask = &s->work[i].ask;
    const uint32_t left = ask->size - s->work[i].moved;
    struct message message = {.token = ask->token, .place = s->work[i].moved};

    message.size = left < PIECE ? left : PIECE;
    if (left == 0U) {
        message = (struct message){.op = DONE, .token = ask->token};
        append(&s->said, &message, sizeof(message));
        s->work[i].ask.op = 0;
        s->served++;
    } else if (ask->type == ASH_VIRTIO_BLK_READ) {
        message.op = PUT;
        append(&s->said, &message, sizeof(message));
        append(&s->said, s->disk + ask->place + message.place, message.size);
        s->work[i].moved += message.size;
    } else {
        message.op = GET;
        append(&s->said, &message, sizeof(message));
        s->work[i].waits = true;
    }
}

/** A turn of its CPU: it listens, works a little on any of its requests, speaks. */
static void server_turn(struct server *s, struct test_rng *rng)
{
    const unsigned start = (unsigned)test_rng_below(rng, GUEST_SIZE);
    struct message message;
    uint32_t whole;

    listen(s);
    while (first(&s->heard, &message, &whole)) {
        understand(s, &message, s->heard.bytes + sizeof(message));
        drop(&s->heard, whole);
    }
    for (unsigned n = 0; n < GUEST_SIZE && has_room(&s->said); n++) {
        const unsigned i = (start + n) % GUEST_SIZE;

        if (s->work[i].ask.op != 0U && !s->work[i].waits) {
            go_on(s, i);
            break;
        }
    }
    speak(s);
}

/* ---- The client's VM, and all of it ------------------------------------------------------------------- */

struct io {
    bool is_out, is_write;
    int head;
    uint32_t sector, sectors;
    struct ash_virtq_segment header, data, status;
};

struct world {
    struct guest client;
    struct ash_virtio_blk blk;
    struct between between;
    struct server server;
    struct test_rng rng;
    unsigned char oracle[DISK];
    struct io io[QUEUE];
    unsigned reads, writes;
};

static void open_world(struct world *w, const char *name)
{
    static const struct ash_virtio_blk_backend disk = {.size = sizeof(disk), .submit = submit};
    static const struct ash_virtio_console_backend port = {
        .size = sizeof(port), .output = output, .input_room = input_room};
    const struct ash_virtio_blk_config blk = {.backend = &disk,
                                              .backend_ctx = &w->between,
                                              .sectors = SECTORS,
                                              .block_size = 512,
                                              .segments_max = 4,
                                              .queue_count = 1};
    const struct ash_virtio_console_config console = {.backend = &port,
                                                      .backend_ctx = &w->between,
                                                      .ports = w->server.ports,
                                                      .port_count = 2,
                                                      .has_ports = true};

    memset(w, 0, sizeof(*w));
    test_rng_init(&w->rng, name);
    w->between.blk = &w->blk;
    w->between.console = &w->server.console;
    w->server.ports[PORT] = (struct ash_virtio_console_port){.name = "org.ashlar.disk", .is_open = true};
    guest_prepare(&w->client, 1, ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_blk_init(&w->blk, &blk, &w->client.site), ASH_OK);
    guest_attach(&w->client, &w->blk.device);
    guest_start(&w->client, UINT64_MAX);
    guest_prepare(&w->server.guest, 6, ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_console_init(&w->server.console, &console, &w->server.guest.site), ASH_OK);
    guest_attach(&w->server.guest, &w->server.console.device);
    server_boot(&w->server);
    for (unsigned i = 0; i < DISK; i++) {
        w->server.disk[i] = w->oracle[i] = (unsigned char)(i / 512U * 7U + i);
    }
    for (unsigned i = 0; i < QUEUE; i++) {
        w->io[i].header = guest_buffer(&w->client, 16, false);
        w->io[i].status = guest_buffer(&w->client, 1, true);
    }
}

static void close_world(struct world *w)
{
    guest_close(&w->client);
    guest_close(&w->server.guest);
    free(w);
}

static struct world *new_world(const char *name)
{
    struct world *w = malloc(sizeof(*w));

    assert_non_null(w);
    open_world(w, name);
    return w;
}

/** Each request has eight sectors of its own, so that their order is nobody's business. */
static void client_asks(struct world *w, unsigned i, bool is_write)
{
    struct io *io = &w->io[i];
    struct ash_virtq_segment chain[3];
    unsigned char *header = guest_bytes(&w->client, io->header);

    io->is_out = true;
    io->is_write = is_write;
    io->sectors = 1U + (uint32_t)test_rng_below(&w->rng, 4);
    io->sector = i * 8U + (uint32_t)test_rng_below(&w->rng, 4);
    io->data = guest_buffer(&w->client, io->sectors * 512U, !is_write);
    for (unsigned n = 0; is_write && n < io->data.length; n++) {
        unsigned char byte = (unsigned char)test_rng_next(&w->rng);

        ((unsigned char *)guest_bytes(&w->client, io->data))[n] = byte;
        w->oracle[io->sector * 512U + n] = byte;
    }
    memset(header, 0, 16);
    header[0] = is_write ? 1 : 0;
    header[8] = (unsigned char)io->sector;
    *(unsigned char *)guest_bytes(&w->client, io->status) = 0xEE;
    chain[0] = io->header;
    chain[1] = io->data;
    chain[2] = io->status;
    io->head = guest_send(&w->client, 0, chain, 3);
    guest_run(&w->client, 4);
}

/** What has been answered: @status each, and a read that is well has what is on the disk. */
static void client_looks(struct world *w, unsigned status)
{
    struct mock_used used;

    while (guest_has_used(&w->client, 0, &used)) {
        struct io *io = NULL;

        for (unsigned i = 0; i < QUEUE; i++) {
            io = w->io[i].is_out && w->io[i].head == (int)used.head ? &w->io[i] : io;
        }
        assert_non_null(io);
        assert_int_equal(*(unsigned char *)guest_bytes(&w->client, io->status), status);
        if (!io->is_write && status == 0U) {
            assert_int_equal(used.written, io->data.length + 1U);
            assert_memory_equal(guest_bytes(&w->client, io->data), w->oracle + io->sector * 512U,
                                io->data.length);
        }
        w->reads += !io->is_write;
        w->writes += io->is_write;
        mock_memory_free(&w->client.mem, io->data.ipa.value);
        io->is_out = false;
    }
}

static unsigned out(const struct world *w)
{
    unsigned count = 0;

    for (unsigned i = 0; i < QUEUE; i++) {
        count += w->io[i].is_out;
    }
    return count;
}

static void settle(struct world *w)
{
    for (unsigned turn = 0; out(w) > 0U; turn++) {
        assert_true(turn < 100000U);
        server_turn(&w->server, &w->rng);
        ash_virtio_console_room(&w->server.console, PORT);
        client_looks(w, 0);
    }
}

static void play(struct world *w, unsigned requests)
{
    for (unsigned asked = 0; asked < requests;) {
        const unsigned i = (unsigned)test_rng_below(&w->rng, QUEUE);

        if (!w->io[i].is_out) {
            client_asks(w, i, test_rng_below(&w->rng, 2) != 0U);
            asked++;
        }
        server_turn(&w->server, &w->rng);
        ash_virtio_console_room(&w->server.console, PORT);
        client_looks(w, 0);
    }
    settle(w);
}

static void a_disk_is_served_by_another_vm(void **state)
{
    struct world *w = new_world("remote");

    (void)state;
    play(w, 400);
    assert_int_equal(w->server.served, 400);
    assert_true(w->reads > 100U && w->writes > 100U);
    assert_memory_equal(w->server.disk, w->oracle, DISK);
    assert_int_equal(w->between.refused + w->between.stale, 0);
    close_world(w);
}

static void what_was_asked_before_a_reset_is_not_answered(void **state)
{
    struct world *w = new_world("remote reset");

    (void)state;
    for (unsigned round = 0; round < 20U; round++) {
        unsigned char *bytes;

        for (unsigned i = 0; i < QUEUE; i++) {
            client_asks(w, i, false);
        }
        for (unsigned turn = 0; turn < round; turn++) {
            server_turn(&w->server, &w->rng);
        }
        client_looks(w, 0);
        guest_reset(&w->client);
        for (unsigned i = 0; i < QUEUE; i++) {
            if (w->io[i].is_out) {
                bytes = guest_bytes(&w->client, w->io[i].data);
                memset(bytes, 0xA5, w->io[i].data.length);
            }
        }
        guest_start(&w->client, UINT64_MAX);
        for (unsigned turn = 0; turn < 200U; turn++) { /* it answers all the same */
            server_turn(&w->server, &w->rng);
        }
        for (unsigned i = 0; i < QUEUE; i++) {
            bytes = w->io[i].is_out ? guest_bytes(&w->client, w->io[i].data) : NULL;
            for (unsigned n = 0; bytes != NULL && n < w->io[i].data.length; n++) {
                assert_int_equal(bytes[n], 0xA5);
            }
            w->io[i].is_out = false;
        }
        play(w, 4);
    }
    assert_true(w->between.stale > 0U && w->between.refused > 0U);
    close_world(w);
}

/** It knows the tokens of what it was asked, and guesses others. */
static void a_back_end_that_lies_reaches_nothing_but_its_requests(void **state)
{
    struct world *w = new_world("remote lies");
    unsigned char *secret;
    struct ash_virtq_segment other;

    (void)state;
    other = guest_buffer(&w->client, 4096, true);
    secret = guest_bytes(&w->client, other);
    memset(secret, 0x5C, 4096);
    client_asks(w, 0, false);
    client_asks(w, 1, true);
    for (unsigned n = 0; n < 20000U; n++) {
        static unsigned char junk[PIECE];
        const uint64_t token = w->between.kept[test_rng_below(&w->rng, 2)].token;
        struct message lie = {.op = (uint32_t)test_rng_below(&w->rng, DONE), /* not DONE itself */
                              .token =
                                  token ^ (test_rng_below(&w->rng, 4) == 0U ? test_rng_next(&w->rng) : 0U),
                              .place = test_rng_next(&w->rng) >> test_rng_below(&w->rng, 64),
                              .size = (uint32_t)(test_rng_next(&w->rng) >> test_rng_below(&w->rng, 64))};

        if (has_room(&w->server.said)) {
            append(&w->server.said, &lie, sizeof(lie));
            append(&w->server.said, junk,
                   lie.op == DATA || lie.op == PUT ? (lie.size < PIECE ? lie.size : PIECE) : 0U);
        }
        listen(&w->server);
        w->server.heard.size = 0;
        speak(&w->server);
        ash_virtio_console_room(&w->server.console, PORT);
    }
    assert_true(w->between.refused > 1000U);
    assert_int_equal(out(w), 2);
    for (unsigned n = 0; n < 4096U; n++) {
        assert_int_equal(secret[n], 0x5C);
    }
    assert_memory_equal(guest_bytes(&w->client, w->io[1].data), w->oracle + w->io[1].sector * 512U,
                        w->io[1].data.length); /* what it was to read it did not write */
    assert_true(ash_virtio_is_running(&w->blk.device));
    close_world(w);
}

static void the_back_end_is_gone_and_comes_again(void **state)
{
    struct world *w = new_world("remote gone");

    (void)state;
    for (unsigned round = 0; round < 10U; round++) {
        for (unsigned i = 0; i < QUEUE; i++) {
            client_asks(w, i, false);
        }
        for (unsigned turn = 0; turn < 3U * round; turn++) {
            server_turn(&w->server, &w->rng);
        }
        client_looks(w, 0);
        guest_reset(&w->server.guest);
        ash_virtio_blk_cancel_all(&w->blk, ASH_VIRTIO_BLK_IOERR);
        client_looks(w, 1);
        assert_int_equal(out(w), 0);
        w->between.to.size = w->between.from.size = 0;
        memset(w->between.kept, 0, sizeof(w->between.kept));
        server_boot(&w->server);
        play(w, 10);
    }
    close_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_is_served_by_another_vm),
        cmocka_unit_test(what_was_asked_before_a_reset_is_not_answered),
        cmocka_unit_test(a_back_end_that_lies_reaches_nothing_but_its_requests),
        cmocka_unit_test(the_back_end_is_gone_and_comes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
