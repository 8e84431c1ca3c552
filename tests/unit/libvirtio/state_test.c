/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of devices as plain data (state.h): out of one object, into a new one over the same guest memory, and
 * the driver sees no difference; what no device wrote is refused, and nothing has changed then. */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

#include <libvirtio/blk.h>
#include <libvirtio/console.h>
#include <libvirtio/rng.h>
#include <libvirtio/state.h>
#include <libvirtio/vsock.h>

enum { QUEUE_SEL = 0x30, INTERRUPT_STATUS = 0x60, INTERRUPT_ACK = 0x64, STATUS = 0x70 };
enum { RANDOM = 0x5A };

/* One of each kind; what is used is named by `device`. */
struct bench {
    struct guest guest;
    struct ash_virtio_device *device;
    struct ash_virtio_rng rng;
    struct ash_virtio_blk blk;
    struct ash_virtio_console console;
    struct ash_virtio_console_port ports[2];
    struct ash_virtio_net net;
    struct ash_virtio_request merge[4];
    struct ash_virtio_vsock vsock;
    struct ash_virtio_request kept; /* by the disk's back end */
    uint32_t room;                  /* of the console's back end; entropy */
    unsigned char text[400];
    uint32_t text_size;
    bool open[2];
    void (*make)(struct bench *bench); /* a new object */
    struct ash_virtio_state *state;
    size_t size;
};

static uint32_t fill(void *ctx, void *bytes, uint32_t size)
{
    struct bench *bench = ctx;
    const uint32_t got = size < bench->room ? size : bench->room;

    memset(bytes, RANDOM, got);
    bench->room -= got;
    return got;
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    struct bench *bench = ctx;

    (void)sectors;
    (void)unmap;
    bench->kept = *request;
}

static uint32_t output(void *ctx, uint32_t port, const void *bytes, uint32_t size)
{
    struct bench *bench = ctx;
    const uint32_t took = size < bench->room ? size : bench->room;

    (void)port;
    assert_true(took <= sizeof(bench->text) - bench->text_size);
    memcpy(bench->text + bench->text_size, bytes, took);
    bench->text_size += took;
    bench->room -= took;
    return took;
}

static void opened(void *ctx, uint32_t port, bool is_open)
{
    struct bench *bench = ctx;

    assert_int_not_equal(bench->open[port], is_open);
    bench->open[port] = is_open;
}

static void transmit(void *ctx, const struct ash_virtio_request *frame,
                     const struct ash_virtio_net_header *header)
{
    struct bench *bench = ctx;

    (void)header;
    assert_int_equal(ash_virtio_net_complete(&bench->net, frame->queue, frame->token), ASH_OK);
}

static void transmit_packet(void *ctx, const struct ash_virtio_request *payload,
                            const struct ash_virtio_vsock_header *header)
{
    struct bench *bench = ctx;

    (void)header;
    assert_int_equal(ash_virtio_push(&bench->vsock.device, 1, payload->token, 0), ASH_OK);
}

static void make_rng(struct bench *bench)
{
    static const struct ash_virtio_rng_backend backend = {.size = sizeof(backend), .fill = fill};
    const struct ash_virtio_rng_config config = {&backend, bench, 64};

    memset(&bench->rng, 0xA5, sizeof(bench->rng));
    assert_int_equal(ash_virtio_rng_init(&bench->rng, &config, &bench->guest.site), ASH_OK);
    bench->device = &bench->rng.device;
}

static void make_blk(struct bench *bench)
{
    static const struct ash_virtio_blk_backend backend = {.size = sizeof(backend), .submit = submit};
    const struct ash_virtio_blk_config config = {.backend = &backend,
                                                 .backend_ctx = bench,
                                                 .sectors = 8,
                                                 .block_size = 512,
                                                 .segments_max = 4,
                                                 .queue_count = 2,
                                                 .serial = "state"};

    memset(&bench->blk, 0xA5, sizeof(bench->blk));
    assert_int_equal(ash_virtio_blk_init(&bench->blk, &config, &bench->guest.site), ASH_OK);
    bench->device = &bench->blk.device;
}

static void make_console(struct bench *bench)
{
    static const struct ash_virtio_console_backend backend = {
        .size = sizeof(backend), .output = output, .opened = opened};
    const struct ash_virtio_console_config config = {.backend = &backend,
                                                     .backend_ctx = bench,
                                                     .ports = bench->ports,
                                                     .port_count = 2,
                                                     .has_ports = true,
                                                     .columns = 80,
                                                     .rows = 25};

    memset(bench->ports, 0xA5, sizeof(bench->ports));
    bench->ports[0] = (struct ash_virtio_console_port){.is_console = true, .is_open = true};
    bench->ports[1] = (struct ash_virtio_console_port){.name = "x", .is_open = true};
    memset(bench->open, 0, sizeof(bench->open));
    assert_int_equal(ash_virtio_console_init(&bench->console, &config, &bench->guest.site), ASH_OK);
    bench->device = &bench->console.device;
}

static void make_net(struct bench *bench)
{
    static const struct ash_virtio_net_backend backend = {.size = sizeof(backend), .transmit = transmit};
    const struct ash_virtio_net_config config = {.backend = &backend,
                                                 .backend_ctx = bench,
                                                 .merge = bench->merge,
                                                 .merge_count = 4,
                                                 .pair_count = 2,
                                                 .mtu = 1500,
                                                 .mac = {2, 0, 0, 0, 0, 1},
                                                 .link_up = true};

    memset(&bench->net, 0xA5, sizeof(bench->net));
    assert_int_equal(ash_virtio_net_init(&bench->net, &config, &bench->guest.site), ASH_OK);
    bench->device = &bench->net.device;
}

static void make_vsock(struct bench *bench)
{
    static const struct ash_virtio_vsock_backend backend = {.size = sizeof(backend),
                                                            .transmit = transmit_packet};
    const struct ash_virtio_vsock_config config = {.backend = &backend, .backend_ctx = bench, .cid = 3};

    memset(&bench->vsock, 0xA5, sizeof(bench->vsock));
    assert_int_equal(ash_virtio_vsock_init(&bench->vsock, &config, &bench->guest.site), ASH_OK);
    bench->device = &bench->vsock.device;
}

static const struct {
    void (*make)(struct bench *bench);
    unsigned queues;
} kinds[] = {{make_rng, 1},
             {make_blk, 2},
             {make_console, ASH_VIRTIO_CONSOLE_QUEUES(2, true)},
             {make_net, ASH_VIRTIO_NET_QUEUES(2)},
             {make_vsock, ASH_VIRTIO_VSOCK_QUEUES}};

#define KINDS ASH_ARRAY_SIZE(kinds)
enum { RNG, BLK, CONSOLE, NET, VSOCK };

static void open_bench(struct bench *bench, unsigned kind)
{
    memset(bench, 0, sizeof(*bench));
    bench->make = kinds[kind].make;
    guest_prepare(&bench->guest, kinds[kind].queues, ASH_VIRTIO_RING_FEATURES);
    bench->make(bench);
    guest_attach(&bench->guest, bench->device);
    bench->size = ash_virtio_state_size(bench->device);
    bench->state = malloc(bench->size);
    assert_non_null(bench->state);
}

static void close_bench(struct bench *bench)
{
    free(bench->state);
    guest_close(&bench->guest);
}

static void export(struct bench *bench)
{
    assert_int_equal(ash_virtio_device_export(bench->device, bench->state, bench->size), ASH_OK);
}

/* The object is gone, its mappings with it; a new one stands there. */
static void replace(struct bench *bench)
{
    struct ash_virtio_mmio_state selected;

    ash_virtio_mmio_export(&bench->guest.mmio, &selected);
    ash_virtio_device_reset(bench->device);
    assert_int_equal(bench->guest.mem.mapped, 0);
    bench->make(bench);
    ash_virtio_mmio_init(&bench->guest.mmio, bench->device);
    ash_virtio_mmio_import(&bench->guest.mmio, &selected);
}

static void move(struct bench *bench)
{
    export(bench);
    replace(bench);
    assert_int_equal(ash_virtio_device_import(bench->device, bench->state, bench->size), ASH_OK);
    assert_int_equal(bench->guest.line, bench->state->isr != 0);
}

static uint64_t features(unsigned i)
{
    return (i & 1U ? ASH_VIRTQ_F_PACKED : 0) | (i & 2U ? ASH_VIRTQ_F_EVENT_IDX : 0) |
           (i & 4U ? ASH_VIRTQ_F_IN_ORDER : 0) | ASH_MASK(23, 0);
}

/* What a test says of every combination of ring features. */
static void for_each_ring(unsigned kind, void (*test)(struct bench *bench))
{
    for (unsigned i = 0; i < 8; i++) {
        static struct bench bench;

        open_bench(&bench, kind);
        guest_start(&bench.guest, features(i));
        test(&bench);
        close_bench(&bench);
    }
}

static void wait_for_entropy(struct bench *bench)
{
    struct guest *guest = &bench->guest;
    const struct ash_virtq_segment first = guest_buffer(guest, 16, true),
                                   second = guest_buffer(guest, 16, true);
    const int a = guest_send(guest, 0, &first, 1), b = guest_send(guest, 0, &second, 1);

    (void)guest_run(guest, 8);
    assert_int_not_equal(bench->rng.held.token, 0);
    move(bench);
    bench->room = 100;
    (void)guest_run(guest, 8);
    assert_int_equal(guest_take(guest, 0, a), 16);
    assert_int_equal(guest_take(guest, 0, b), 16);
    assert_int_equal(((unsigned char *)guest_bytes(guest, second))[15], RANDOM);
    assert_true(guest->line);
}

static void a_wait_for_entropy_goes_on(void **state)
{
    (void)state;
    for_each_ring(RNG, wait_for_entropy);
}

static void say(struct bench *bench, uint32_t port, uint16_t event, uint16_t value)
{
    const struct ash_virtq_segment buffer = guest_buffer(&bench->guest, 8, false);
    unsigned char *message = guest_bytes(&bench->guest, buffer);
    int head;

    memset(message, 0, 8);
    message[0] = (unsigned char)port;
    message[4] = (unsigned char)event;
    message[6] = (unsigned char)value;
    head = guest_send(&bench->guest, 3, &buffer, 1);
    (void)guest_run(&bench->guest, 8);
    assert_int_equal(guest_take(&bench->guest, 3, head), 0);
}

/* Output of port 1 that the back end took half of, and messages that the driver has no buffer for. */
static void output_in_pieces(struct bench *bench)
{
    struct guest *guest = &bench->guest;
    const struct ash_virtq_segment first = guest_buffer(guest, 100, false),
                                   second = guest_buffer(guest, 50, false);
    const struct ash_virtq_segment input = guest_buffer(guest, 64, true);
    const unsigned char *message = guest_bytes(guest, input);
    struct mock_used used;
    int a, b;

    say(bench, 0, 0, 1); /* DEVICE_READY */
    say(bench, 1, 3, 1); /* PORT_READY */
    say(bench, 1, 6, 1); /* PORT_OPEN */
    for (unsigned i = 0; i < 100; i++) {
        ((unsigned char *)guest_bytes(guest, first))[i] = (unsigned char)i;
    }
    memset(guest_bytes(guest, second), 200, 50);
    a = guest_send(guest, 5, &first, 1);
    b = guest_send(guest, 5, &second, 1);
    bench->room = 30;
    (void)guest_run(guest, 8);
    assert_int_equal(bench->text_size, 30);
    move(bench);
    assert_true(bench->open[1] && !bench->open[0]);
    bench->room = 50;
    (void)guest_run(guest, 8);
    assert_int_equal(bench->text_size, 80);
    move(bench);
    bench->room = 100;
    (void)guest_run(guest, 8);
    assert_int_equal(guest_take(guest, 5, a), 0);
    assert_int_equal(guest_take(guest, 5, b), 0);
    assert_int_equal(bench->text_size, 150);
    for (unsigned i = 0; i < 150; i++) {
        assert_int_equal(bench->text[i], i < 100 ? i : 200);
    }
    (void)guest_send(guest, 2, &input, 1);
    (void)guest_run(guest, 8);
    assert_true(guest_has_used(guest, 2, &used));
    assert_int_equal(message[0] | message[4] << 8, 1 << 8); /* PORT_ADD of port 0 is still to come */
}

static void output_that_is_half_taken_goes_on_at_the_next_byte(void **state)
{
    (void)state;
    for_each_ring(CONSOLE, output_in_pieces);
}

static void a_request_at_work(struct bench *bench)
{
    struct guest *guest = &bench->guest;
    const struct ash_virtq_segment chain[] = {guest_buffer(guest, 16, false), guest_buffer(guest, 513, true)};
    struct ash_virtio_request request;
    int head;

    memset(guest_bytes(guest, chain[0]), 0, 16);
    head = guest_send(guest, 1, chain, 2);
    (void)guest_run(guest, 8);
    request = bench->kept;
    assert_int_equal(ash_virtio_device_export(bench->device, bench->state, bench->size), ASH_EBUSY);
    assert_true(ash_virtio_is_live(bench->device, 1, request.token));
    assert_int_equal(ash_virtio_blk_complete(&bench->blk, 1, request.token, ASH_VIRTIO_BLK_OK), ASH_OK);
    assert_int_equal(ash_virtio_device_export(bench->device, bench->state, bench->size), ASH_EBUSY);
    ash_virtio_signal(bench->device, 1);
    move(bench);
    assert_int_equal(guest_read(guest, INTERRUPT_STATUS), ASH_VIRTIO_ISR_QUEUE);
    guest_write(guest, INTERRUPT_ACK, ASH_VIRTIO_ISR_QUEUE);
    assert_false(guest->line);
    assert_int_equal(guest_take(guest, 1, head), 513);
    head = guest_send(guest, 1, chain, 2);
    (void)guest_run(guest, 8);
    assert_int_equal(ash_virtio_blk_complete(&bench->blk, 1, bench->kept.token, ASH_VIRTIO_BLK_IOERR),
                     ASH_OK);
    ash_virtio_signal(bench->device, 1);
    assert_int_equal(guest_take(guest, 1, head), 0);
}

static void a_disk_at_work_is_not_exported_and_goes_on_afterwards(void **state)
{
    (void)state;
    for_each_ring(BLK, a_request_at_work);
}

static void filter(struct bench *bench)
{
    static const unsigned char commands[][5] = {{0, 0, 0}, {0, 5, 1}, {2, 0, 7, 0}, {4, 0, 2, 0}};
    const unsigned char tagged[18] = {2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 7};
    unsigned char other[18];
    struct guest *guest = &bench->guest;

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(commands); i++) {
        const struct ash_virtq_segment chain[] = {guest_buffer(guest, i < 2 ? 3 : 4, false),
                                                  guest_buffer(guest, 1, true)};

        memcpy(guest_bytes(guest, chain[0]), commands[i], chain[0].length);
        (void)guest_send(guest, 4, chain, 2);
    }
    (void)guest_run(guest, 8);
    move(bench);
    memcpy(other, tagged, sizeof(other));
    other[15] = 8;
    assert_true(ash_virtio_net_wants(&bench->net, tagged, 18));
    assert_false(ash_virtio_net_wants(&bench->net, other, 18));
    memset(other, 0xFF, 14);
    assert_false(ash_virtio_net_wants(&bench->net, other, 14)); /* NOBCAST */
    assert_int_equal(bench->net.pairs_used, 2);
}

static void a_network_filter_goes_on(void **state)
{
    (void)state;
    for_each_ring(NET, filter);
}

static void event(struct bench *bench)
{
    struct guest *guest = &bench->guest;
    const struct ash_virtq_segment buffer = guest_buffer(guest, 4, true);
    int head;

    ash_virtio_vsock_transport_reset(&bench->vsock, 3);
    move(bench);
    head = guest_send(guest, 2, &buffer, 1);
    (void)guest_run(guest, 8);
    assert_int_equal(guest_take(guest, 2, head), 4);
    move(bench);
    (void)guest_send(guest, 2, &buffer, 1);
    (void)guest_run(guest, 8);
    assert_false(bench->vsock.event_pending);
}

static void an_event_that_waits_for_a_buffer_goes_on(void **state)
{
    (void)state;
    for_each_ring(VSOCK, event);
}

static void a_driver_on_its_way_up_goes_on(void **state)
{
    static struct bench bench;
    struct guest *guest = &bench.guest;

    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        open_bench(&bench, kind);
        move(&bench);
        assert_true(guest_negotiate(guest, guest_offered(guest)));
        guest_write(guest, QUEUE_SEL, 0);
        guest_write(guest, 0x38, 32);
        move(&bench);
        assert_int_equal(guest_read(guest, STATUS), 11);
        assert_int_equal(bench.guest.queues[0].layout.size, 32);
        guest_set_up_queue(guest, 0);
        move(&bench);
        guest_write(guest, STATUS, 15);
        assert_int_equal(guest_read(guest, STATUS), 15);
        close_bench(&bench);
    }
}

static void break_queue(struct bench *bench)
{
    const struct ash_virtq_segment nowhere = {ash_ipa(16), 8, true};

    (void)guest_send(&bench->guest, 0, &nowhere, 1);
    (void)guest_run(&bench->guest, 8);
    assert_int_equal(guest_read(&bench->guest, STATUS), 15 | ASH_VIRTIO_NEEDS_RESET);
    move(bench);
    assert_int_equal(guest_read(&bench->guest, STATUS), 15 | ASH_VIRTIO_NEEDS_RESET);
    assert_int_equal(ash_virtq_fault(&bench->guest.queues[0].ring)->reason, ASH_VIRTQ_BAD_ADDRESS);
    assert_int_equal(bench->guest.mem.mapped, 0);
}

static void a_broken_queue_stays_broken(void **state)
{
    (void)state;
    for_each_ring(RNG, break_queue);
}

static void no_import_without_a_reset(struct bench *bench)
{
    export(bench);
    assert_int_equal(ash_virtio_device_import(bench->device, bench->state, bench->size), ASH_EBUSY);
    assert_int_equal(ash_virtio_device_export(bench->device, bench->state, bench->size - 1), ASH_EINVAL);
    replace(bench);
    assert_int_equal(ash_virtio_device_import(bench->device, bench->state, bench->size + 8), ASH_EINVAL);
}

static void sizes_and_a_device_at_work_are_refused(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for_each_ring(kind, no_import_without_a_reset);
    }
}

static void a_map_that_fails_leaves_the_device_reset(void **state)
{
    static struct bench bench;

    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        int maps;

        open_bench(&bench, kind);
        guest_start(&bench.guest, features(3));
        export(&bench);
        replace(&bench);
        for (maps = 0;; maps++) {
            bench.guest.mem.maps_until_failure = maps;
            if (ash_virtio_device_import(bench.device, bench.state, bench.size) == ASH_OK) {
                break;
            }
            assert_int_equal(bench.device->status, 0);
            assert_int_equal(bench.guest.mem.mapped, 0);
        }
        assert_int_equal(maps, 3 * (int)kinds[kind].queues);
        guest_fail_map(&bench.guest, -1);
        close_bench(&bench);
    }
}

/* Any byte may be wrong in any way: either it is refused, or it is a state that can be exported again. */
static void wrong_bytes(struct bench *bench)
{
    static const unsigned char masks[] = {0x01, 0x02, 0x40, 0x80, 0xFF};
    struct ash_virtio_state *again = malloc(bench->size), *third = malloc(bench->size);
    unsigned refused = 0, taken = 0;

    assert_true(again != NULL && third != NULL);
    export(bench);
    for (size_t at = 0; at < bench->size; at++) {
        for (unsigned i = 0; i < ASH_ARRAY_SIZE(masks); i++) {
            int error;

            replace(bench);
            ((unsigned char *)bench->state)[at] ^= masks[i];
            error = ash_virtio_device_import(bench->device, bench->state, bench->size);
            ((unsigned char *)bench->state)[at] ^= masks[i];
            if (error == ASH_OK) {
                taken++;
                assert_int_equal(ash_virtio_device_export(bench->device, again, bench->size), ASH_OK);
                replace(bench);
                assert_int_equal(ash_virtio_device_import(bench->device, again, bench->size), ASH_OK);
                assert_int_equal(ash_virtio_device_export(bench->device, third, bench->size), ASH_OK);
                assert_memory_equal(again, third, bench->size);
                (void)ash_virtio_run(bench->device, 8); /* and nothing faults */
                bench->room = 64;
                (void)ash_virtio_run(bench->device, 8);
            } else {
                refused++;
                assert_true(error == ASH_ENOTSUP || error == ASH_EFORMAT || error == ASH_EGUEST ||
                            error == ASH_ENOMEM);
                assert_int_equal(bench->device->status, 0);
                assert_int_equal(bench->guest.mem.mapped, 0);
                assert_false(bench->guest.line || bench->open[0] || bench->open[1]);
            }
        }
    }
    assert_true(refused > 40 && taken > 4);
    free(again);
    free(third);
}

static void what_no_device_wrote_is_refused_or_harmless(void **state)
{
    static struct bench bench;

    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < 4; i++) {
            open_bench(&bench, kind);
            guest_start(&bench.guest, features(i));
            wrong_bytes(&bench);
            close_bench(&bench);
        }
    }
}

/* Each of these alone, in a state that is good otherwise. */
static void each_rule_is_looked_at(void **state)
{
    static struct bench bench;

    (void)state;
#define REFUSED(kind, change, expected)                                                                      \
    do {                                                                                                     \
        struct ash_virtio_queue_state *queue;                                                                \
        void *own;                                                                                           \
                                                                                                             \
        open_bench(&bench, kind);                                                                            \
        guest_start(&bench.guest, features(0));                                                              \
        export(&bench);                                                                                      \
        replace(&bench);                                                                                     \
        queue = (struct ash_virtio_queue_state *)(bench.state + 1);                                          \
        own = queue + kinds[kind].queues;                                                                    \
        (void)own;                                                                                           \
        change;                                                                                              \
        assert_int_equal(ash_virtio_device_import(bench.device, bench.state, bench.size), expected);         \
        assert_int_equal(bench.device->status, 0);                                                           \
        close_bench(&bench);                                                                                 \
    } while (0)
    REFUSED(RNG, bench.state->version++, ASH_ENOTSUP);
    REFUSED(RNG, bench.state->device_id = 2, ASH_ENOTSUP);
    REFUSED(RNG, bench.state->queue_count = 2, ASH_ENOTSUP);
    REFUSED(RNG, bench.state->type_bytes = 8, ASH_ENOTSUP);
    REFUSED(RNG, bench.state->features |= ASH_VIRTIO_F_ACCESS_PLATFORM, ASH_EFORMAT); /* the ring's differ */
    REFUSED(
        RNG,
        (bench.state->features |= ASH_VIRTIO_F_ACCESS_PLATFORM, queue->ring.features = bench.state->features),
        ASH_ENOTSUP);
    REFUSED(RNG, (bench.state->features = 0, queue->ring.features = 0), ASH_ENOTSUP);
    REFUSED(RNG, bench.state->status |= 16, ASH_EFORMAT);
    REFUSED(RNG, bench.state->status = 12, ASH_EFORMAT);
    REFUSED(RNG, bench.state->status = 7, ASH_EFORMAT);
    REFUSED(RNG, bench.state->status = 3, ASH_EFORMAT);
    REFUSED(RNG, (queue->ring.state = ASH_VIRTQ_OFF, bench.state->status = 7), ASH_EFORMAT);
    REFUSED(RNG, (queue->ring.state = ASH_VIRTQ_OFF, bench.state->status = 8), ASH_EFORMAT);
    REFUSED(RNG, bench.state->isr = 4, ASH_EFORMAT);
    REFUSED(RNG, bench.state->reserved = 1, ASH_EFORMAT);
    REFUSED(RNG, (queue->ring.state = ASH_VIRTQ_OFF, bench.state->status = 0), ASH_EFORMAT);
    REFUSED(RNG, queue->reserved = 1, ASH_EFORMAT);
    REFUSED(RNG, queue->desc += 4096, ASH_EFORMAT);
    REFUSED(RNG, queue->size = 8, ASH_EFORMAT);
    REFUSED(RNG, (queue->ring.state = ASH_VIRTQ_BROKEN, queue->ring.fault_reason = ASH_VIRTQ_REFUSED),
            ASH_EFORMAT);
    REFUSED(RNG, (queue->ring.desc = UINT64_MAX - 15, queue->desc = UINT64_MAX - 15), ASH_EGUEST);
    REFUSED(CONSOLE, ((struct ash_virtio_console_port_state *)own)[1].guest_open = 2, ASH_EFORMAT);
    REFUSED(CONSOLE, ((struct ash_virtio_console_port_state *)own)[1].ready = 2, ASH_EFORMAT);
    REFUSED(CONSOLE, ((struct ash_virtio_console_port_state *)own)[0].pending = 1U << 2, ASH_EFORMAT);
    REFUSED(CONSOLE, ((struct ash_virtio_console_port_state *)own)[0].pending = 1U << 7, ASH_EFORMAT);
    REFUSED(CONSOLE, ((struct ash_virtio_console_port_state *)own)[1].pending = 1U << 5, ASH_EFORMAT);
    REFUSED(NET, ((struct ash_virtio_net_state *)own)->pairs_used = 3, ASH_EFORMAT);
    REFUSED(NET, ((struct ash_virtio_net_state *)own)->pairs_used = 0, ASH_EFORMAT);
    REFUSED(NET, ((struct ash_virtio_net_state *)own)->modes = 64, ASH_EFORMAT);
    REFUSED(NET, ((struct ash_virtio_net_state *)own)->mac[0] = 1, ASH_EFORMAT);
    REFUSED(NET, ((struct ash_virtio_net_state *)own)->mac[7] = 1, ASH_EFORMAT);
    REFUSED(VSOCK, ((struct ash_virtio_vsock_state *)own)->event_pending = 2, ASH_EFORMAT);
    REFUSED(VSOCK, ((struct ash_virtio_vsock_state *)own)->reserved = 2, ASH_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_for_entropy_goes_on),
        cmocka_unit_test(output_that_is_half_taken_goes_on_at_the_next_byte),
        cmocka_unit_test(a_disk_at_work_is_not_exported_and_goes_on_afterwards),
        cmocka_unit_test(a_network_filter_goes_on),
        cmocka_unit_test(an_event_that_waits_for_a_buffer_goes_on),
        cmocka_unit_test(a_driver_on_its_way_up_goes_on),
        cmocka_unit_test(a_broken_queue_stays_broken),
        cmocka_unit_test(sizes_and_a_device_at_work_are_refused),
        cmocka_unit_test(a_map_that_fails_leaves_the_device_reset),
        cmocka_unit_test(what_no_device_wrote_is_refused_or_harmless),
        cmocka_unit_test(each_rule_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
