/* SPDX-License-Identifier: BSD-2-Clause */
/* The console device (VIRTIO 1.2, 5.3). */
#include "guest.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <libvirtio/console.h>

#define PORTS 3U

enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

struct terminal {
    struct guest guest;
    struct ash_virtio_console console;
    struct ash_virtio_console_port ports[PORTS];
    unsigned char out[PORTS][20000];
    uint32_t out_count[PORTS], room[PORTS]; /* room: bytes that output() still takes */
    unsigned input_rooms[PORTS], opened[PORTS], closed[PORTS];
    unsigned char emergency;
    uint32_t longest; /* of one call */
};

static uint32_t output(void *ctx, uint32_t port, const void *bytes, uint32_t size)
{
    struct terminal *t = ctx;
    const uint32_t take = size < t->room[port] ? size : t->room[port];

    assert_true(t->out_count[port] + take <= sizeof(t->out[port]));
    memcpy(t->out[port] + t->out_count[port], bytes, take);
    t->out_count[port] += take;
    t->room[port] -= take;
    t->longest = size > t->longest ? size : t->longest;
    return take;
}

static void input_room(void *ctx, uint32_t port)
{
    ((struct terminal *)ctx)->input_rooms[port]++;
}

static void opened(void *ctx, uint32_t port, bool is_open)
{
    struct terminal *t = ctx;

    *(is_open ? &t->opened[port] : &t->closed[port]) += 1;
}

static void emergency(void *ctx, unsigned char byte)
{
    ((struct terminal *)ctx)->emergency = byte;
}

static const struct ash_virtio_console_backend backend = {.size = sizeof(backend),
                                                          .output = output,
                                                          .input_room = input_room,
                                                          .opened = opened,
                                                          .emergency = emergency};
static const struct ash_virtio_console_backend least = {.size = sizeof(least), .output = output};

static void prepare(struct terminal *t, const struct ash_virtio_console_backend *how, bool has_ports)
{
    const struct ash_virtio_console_config config = {.backend = how,
                                                     .backend_ctx = t,
                                                     .ports = t->ports,
                                                     .port_count = has_ports ? PORTS : 1,
                                                     .has_ports = has_ports,
                                                     .columns = 80,
                                                     .rows = 25};

    memset(t, 0, sizeof(*t));
    for (unsigned i = 0; i < PORTS; i++) {
        t->room[i] = 1000000;
    }
    t->ports[0].is_console = true;
    t->ports[0].is_open = true;
    t->ports[1].name = "org.ashlar.manager";
    guest_prepare(&t->guest, ASH_VIRTIO_CONSOLE_QUEUES(config.port_count, has_ports),
                  ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_console_init(&t->console, &config, &t->guest.site), ASH_OK);
    guest_attach(&t->guest, &t->console.device);
}

static void open_terminal(struct terminal *t, bool has_ports, uint64_t features)
{
    prepare(t, &backend, has_ports);
    guest_start(&t->guest, features | ASH_MASK(23, 0));
}

static int say(struct terminal *t, unsigned queue, const char *text)
{
    const struct ash_virtq_segment segment = guest_buffer(&t->guest, (uint32_t)strlen(text), false);

    memcpy(guest_bytes(&t->guest, segment), text, strlen(text));
    return guest_send(&t->guest, queue, &segment, 1);
}

static void what_the_guest_says_comes_out(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTIO_RING_FEATURES};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct terminal t;
        int head;

        open_terminal(&t, false, features[f]);
        assert_int_equal(guest_read(&t.guest, 8), 3);
        head = say(&t, 1, "Linux");
        guest_run(&t.guest, 4);
        assert_int_equal(guest_take(&t.guest, 1, head), 0);
        assert_int_equal(t.out_count[0], 5);
        assert_memory_equal(t.out[0], "Linux", 5);
        guest_close(&t.guest);
    }
}

static void output_waits_for_room(void **state)
{
    struct terminal t;
    struct mock_used used;
    int heads[2];

    (void)state;
    open_terminal(&t, false, 0);
    t.room[0] = 3;
    heads[0] = say(&t, 1, "abcdef");
    heads[1] = say(&t, 1, "ghi");
    guest_run(&t.guest, 4);
    assert_int_equal(t.out_count[0], 3);
    assert_false(guest_has_used(&t.guest, 1, &used));
    t.room[0] = 4;
    ash_virtio_console_room(&t.console, 0);
    ash_virtio_console_room(&t.console, 1); /* there is none */
    guest_run(&t.guest, 4);
    assert_int_equal(guest_take(&t.guest, 1, heads[0]), 0);
    assert_false(guest_has_used(&t.guest, 1, &used));
    t.room[0] = 100;
    ash_virtio_console_room(&t.console, 0);
    guest_run(&t.guest, 4);
    assert_int_equal(guest_take(&t.guest, 1, heads[1]), 0);
    assert_memory_equal(t.out[0], "abcdefghi", 9);
    guest_close(&t.guest);
}

static void held_output_is_forgotten_by_a_reset(void **state)
{
    struct terminal t;

    (void)state;
    for (unsigned how = 0; how < 2; how++) {
        open_terminal(&t, true, ASH_VIRTIO_F_RING_RESET);
        t.room[0] = 1;
        say(&t, 1, "old");
        guest_run(&t.guest, 4);
        if (how == 0) {
            guest_start(&t.guest, 0);
        } else {
            guest_write(&t.guest, 0x30, 1);
            guest_write(&t.guest, 0xC0, 1);
            mock_driver_fini(&t.guest.drivers[1]);
            guest_set_up_queue(&t.guest, 1);
        }
        t.room[0] = 100;
        say(&t, 1, "new");
        guest_run(&t.guest, 4);
        assert_int_equal(t.out_count[0], 4);
        assert_memory_equal(t.out[0], "onew", 4);
        guest_close(&t.guest);
    }
}

static void a_long_buffer_goes_out_in_pieces(void **state)
{
    struct terminal t;
    struct ash_virtq_segment segment;
    int head;

    (void)state;
    open_terminal(&t, false, 0);
    segment = guest_buffer(&t.guest, 4 * ASH_VIRTIO_CONSOLE_PIECE + 1, false);
    head = guest_send(&t.guest, 1, &segment, 1);
    assert_true(ash_virtio_run(&t.console.device, 2));
    assert_int_equal(t.out_count[0], 2 * ASH_VIRTIO_CONSOLE_PIECE);
    assert_int_equal(t.longest, ASH_VIRTIO_CONSOLE_PIECE);
    guest_run(&t.guest, 2);
    assert_int_equal(t.out_count[0], 4 * ASH_VIRTIO_CONSOLE_PIECE + 1);
    assert_int_equal(guest_take(&t.guest, 1, head), 0);
    guest_close(&t.guest);
}

static void output_that_cannot_be_mapped_waits(void **state)
{
    struct terminal t;
    int head;

    (void)state;
    open_terminal(&t, false, 0);
    guest_fail_map(&t.guest, 0);
    head = say(&t, 1, "x");
    assert_true(ash_virtio_run(&t.console.device, 4));
    assert_true(ash_virtio_run(&t.console.device, 4));
    guest_fail_map(&t.guest, -1);
    guest_run(&t.guest, 4);
    assert_int_equal(guest_take(&t.guest, 1, head), 0);
    assert_int_equal(t.out_count[0], 1);
    guest_close(&t.guest);
}

static void what_came_before_a_piece_that_cannot_be_mapped_goes_out_once(void **state)
{
    struct terminal t;
    struct ash_virtq_segment part[3];
    int head;

    (void)state;
    for (int before = 0; before < 3; before++) {
        open_terminal(&t, false, 0);
        for (unsigned i = 0; i < 3; i++) {
            part[i] = guest_buffer(&t.guest, 4, false);
            memcpy(guest_bytes(&t.guest, part[i]), &"abcdefghijkl"[4 * i], 4);
        }
        head = guest_send(&t.guest, 1, part, 3);
        guest_fail_map(&t.guest, before);
        assert_true(ash_virtio_run(&t.console.device, 4));
        guest_fail_map(&t.guest, -1);
        guest_run(&t.guest, 4);
        assert_int_equal(guest_take(&t.guest, 1, head), 0);
        assert_int_equal(t.out_count[0], 12);
        assert_memory_equal(t.out[0], "abcdefghijkl", 12);
        guest_close(&t.guest);
    }
}

/* 5.3.6.1. And the driver is told once (2.1.2), however often somebody comes to what is broken. */
static void a_buffer_of_the_wrong_direction_breaks_its_queue(void **state)
{
    static const struct {
        unsigned queue;
        uint32_t size;
        bool writable;
    } wrong[] = {{0, 8, false}, {0, 0, true}, {1, 8, true}};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct terminal t;
        struct ash_virtq_segment segment;
        struct mock_used used;

        open_terminal(&t, false, 0);
        segment = guest_buffer(&t.guest, wrong[i].size, wrong[i].writable);
        guest_send(&t.guest, wrong[i].queue, &segment, 1);
        guest_run(&t.guest, 4);
        for (unsigned times = 0; times < 3; times++) {
            assert_int_equal(ash_virtio_console_input(&t.console, 0, "x", 1), 0);
            assert_int_equal(guest_read(&t.guest, 0x70), 0x4f);
            assert_int_equal(guest_read(&t.guest, 0x60), times == 0U ? 2 : 0);
            guest_write(&t.guest, 0x64, 2);
            ash_virtio_console_room(&t.console, 0);
            guest_run(&t.guest, 4);
        }
        assert_false(guest_has_used(&t.guest, wrong[i].queue, &used));
        assert_int_equal(t.out_count[0], 0);
        guest_close(&t.guest);
    }
}

static void input_goes_as_far_as_there_are_buffers(void **state)
{
    struct terminal t;
    struct ash_virtq_segment in[2];
    int heads[2];

    (void)state;
    prepare(&t, &backend, false);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, "x", 1), 0); /* nobody is there */
    guest_start(&t.guest, 0);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, "x", 1), 0);
    assert_int_equal(ash_virtio_console_input(&t.console, 1, "x", 1), 0);
    for (unsigned i = 0; i < 2; i++) {
        in[i] = guest_buffer(&t.guest, 4, true);
        heads[i] = guest_send(&t.guest, 0, &in[i], 1);
    }
    guest_run(&t.guest, 4);
    assert_true(t.input_rooms[0] > 0);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, "abcdefghij", 10), 8);
    assert_true(t.guest.line);
    assert_int_equal(guest_take(&t.guest, 0, heads[0]), 4);
    assert_int_equal(guest_take(&t.guest, 0, heads[1]), 4);
    assert_memory_equal(guest_bytes(&t.guest, in[1]), "efgh", 4);
    t.input_rooms[0] = 0;
    heads[0] = guest_send(&t.guest, 0, &in[0], 1);
    guest_run(&t.guest, 4);
    assert_int_equal(t.input_rooms[0], 1);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, "ij", 2), 2);
    assert_int_equal(guest_take(&t.guest, 0, heads[0]), 2);
    /* A buffer that cannot be reached now stays where it is, and nothing is lost. */
    heads[0] = guest_send(&t.guest, 0, &in[0], 1);
    guest_fail_map(&t.guest, 0);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, "k", 1), 0);
    guest_fail_map(&t.guest, -1);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, "k", 1), 1);
    assert_int_equal(guest_take(&t.guest, 0, heads[0]), 1);
    guest_close(&t.guest);
}

static void a_call_fills_so_many_buffers_and_no_more(void **state)
{
    enum { MOST = ASH_VIRTIO_CONSOLE_BUFFERS };
    struct terminal t;
    struct ash_virtq_segment in;
    char text[2U * MOST];

    (void)state;
    open_terminal(&t, false, 0);
    in = guest_buffer(&t.guest, 1, true);
    memset(text, 'a', sizeof(text));
    for (unsigned i = 0; i < MOST + 3U; i++) {
        (void)guest_send(&t.guest, 0, &in, 1);
    }
    assert_int_equal(ash_virtio_console_input(&t.console, 0, text, sizeof(text)), MOST);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, text, sizeof(text)), 3);
    assert_int_equal(ash_virtio_console_input(&t.console, 0, text, sizeof(text)), 0);
    guest_close(&t.guest);
}

static void what_was_queued_can_be_discarded(void **state)
{
    struct terminal t;
    int heads[3];

    (void)state;
    open_terminal(&t, false, 0);
    t.room[0] = 2;
    heads[0] = say(&t, 1, "held");
    guest_run(&t.guest, 4);
    heads[1] = say(&t, 1, "queued");
    t.room[0] = 100;
    ash_virtio_console_discard(&t.console, 7); /* none */
    assert_true(ash_virtio_console_is_drained(&t.console, 7));
    assert_false(ash_virtio_console_is_drained(&t.console, 0));
    ash_virtio_console_discard(&t.console, 0);
    for (unsigned i = 0; i < 2U; i++) {
        assert_int_equal(guest_take(&t.guest, 1, heads[i]), 0);
    }
    assert_int_equal(t.out_count[0], 2);
    guest_run(&t.guest, 4);
    assert_true(ash_virtio_console_is_drained(&t.console, 0));
    heads[2] = say(&t, 1, "whole");
    assert_false(ash_virtio_console_is_drained(&t.console, 0));
    guest_run(&t.guest, 4);
    assert_true(ash_virtio_console_is_drained(&t.console, 0));
    assert_int_equal(guest_take(&t.guest, 1, heads[2]), 0);
    assert_int_equal(t.out_count[0], 7);
    assert_memory_equal(t.out[0], "hewhole", 7);
    guest_close(&t.guest);
}

static void size_and_emergency_are_in_the_configuration(void **state)
{
    struct terminal t;

    (void)state;
    open_terminal(&t, false, 0);
    assert_int_equal(guest_read(&t.guest, 0x100), 80 | 25 << 16);
    assert_int_equal(guest_read(&t.guest, 0x104), 1);
    ash_virtio_console_resize(&t.console, 0, 100, 40);
    ash_virtio_console_resize(&t.console, 1, 1, 1);
    assert_int_equal(guest_read(&t.guest, 0x100), 100 | 40 << 16);
    assert_int_equal(guest_read(&t.guest, 0x60), 2);
    guest_reset(&t.guest);
    guest_write(&t.guest, 0x104, 'N');
    assert_int_equal(t.emergency, 0);
    guest_write(&t.guest, 0x108, 'E'); /* without a driver */
    assert_int_equal(t.emergency, 'E');
    guest_close(&t.guest);
}

static void a_resize_gives_the_configuration_a_new_generation(void **state)
{
    (void)state;
    for (unsigned ports = 0; ports < 2; ports++) {
        struct terminal t;
        uint32_t generation;

        open_terminal(&t, ports != 0U, 0);
        generation = guest_read(&t.guest, 0xfc);
        ash_virtio_console_resize(&t.console, 0, 100, 40);
        assert_int_not_equal(guest_read(&t.guest, 0xfc), generation);
        guest_close(&t.guest);
    }
}

/* ---- Ports -------------------------------------------------------------------------------------------- */

static void tell(struct terminal *t, uint32_t id, uint16_t event, uint16_t value)
{
    const struct ash_virtq_segment segment = guest_buffer(&t->guest, 8, false);
    unsigned char *bytes = guest_bytes(&t->guest, segment);
    int head;

    memcpy(bytes, &(uint32_t){htole32(id)}, 4);
    memcpy(bytes + 4, &(uint16_t){htole16(event)}, 2);
    memcpy(bytes + 6, &(uint16_t){htole16(value)}, 2);
    head = guest_send(&t->guest, 3, &segment, 1);
    guest_run(&t->guest, 4);
    assert_int_equal(guest_take(&t->guest, 3, head), 0);
}

struct heard {
    struct ash_virtq_segment buffer;
    int head;
};

static struct heard listen(struct terminal *t, uint32_t size)
{
    struct heard heard = {.buffer = guest_buffer(&t->guest, size, true)};

    heard.head = guest_send(&t->guest, 2, &heard.buffer, 1);
    guest_run(&t->guest, 4);
    return heard;
}

static void expect_message(struct terminal *t, const struct heard *heard, uint32_t id, unsigned event,
                           unsigned value, const char *rest, uint32_t rest_size)
{
    const unsigned char *bytes = guest_bytes(&t->guest, heard->buffer);

    assert_int_equal(guest_take(&t->guest, 2, heard->head), 8 + rest_size);
    assert_int_equal(bytes[0] | bytes[3] << 24, id);
    assert_int_equal(bytes[4], event);
    assert_int_equal(bytes[6], value);
    assert_memory_equal(bytes + 8, rest, rest_size);
}

static void ports_are_announced_one_by_one(void **state)
{
    struct terminal t;
    struct heard heard[8];

    (void)state;
    open_terminal(&t, true, ASH_VIRTQ_F_PACKED);
    assert_int_equal(guest_read(&t.guest, 0x104), PORTS);
    for (unsigned i = 0; i < 2; i++) {
        heard[i] = listen(&t, 64);
    }
    tell(&t, 0, DEVICE_READY, 1);
    expect_message(&t, &heard[0], 0, PORT_ADD, 1, "", 0);
    expect_message(&t, &heard[1], 1, PORT_ADD, 1, "", 0);
    heard[2] = listen(&t, 64); /* there was no buffer for the third */
    expect_message(&t, &heard[2], 2, PORT_ADD, 1, "", 0);
    for (unsigned i = 0; i < 6; i++) {
        heard[i] = listen(&t, 64);
    }
    tell(&t, 0, PORT_READY, 1);
    expect_message(&t, &heard[0], 0, CONSOLE_PORT, 1, "", 0);
    expect_message(&t, &heard[1], 0, PORT_OPEN, 1, "", 0);
    expect_message(&t, &heard[2], 0, RESIZE, 1, "\120\0\31\0", 4);
    tell(&t, 1, PORT_READY, 1);
    expect_message(&t, &heard[3], 1, PORT_NAME, 1, "org.ashlar.manager", 18);
    expect_message(&t, &heard[4], 1, PORT_OPEN, 0, "", 0);
    ash_virtio_console_set_open(&t.console, 1, true);
    ash_virtio_console_set_open(&t.console, 1, true);
    expect_message(&t, &heard[5], 1, PORT_OPEN, 1, "", 0);
    heard[0] = listen(&t, 64);
    ash_virtio_console_resize(&t.console, 0, 3, 4);
    expect_message(&t, &heard[0], 0, RESIZE, 1, "\3\0\4\0", 4);
    ash_virtio_console_resize(&t.console, 1, 3, 4); /* no console */
    ash_virtio_console_set_open(&t.console, 7, true);
    assert_int_equal(t.ports[1].pending, 0);
    guest_close(&t.guest);
}

static void ports_have_queues_of_their_own(void **state)
{
    struct terminal t;
    struct ash_virtq_segment in;
    int head;

    (void)state;
    open_terminal(&t, true, 0);
    in = guest_buffer(&t.guest, 4, true);
    head = guest_send(&t.guest, 4, &in, 1);
    guest_run(&t.guest, 4);
    assert_true(t.input_rooms[1] > 0);
    assert_int_equal(ash_virtio_console_input(&t.console, 1, "hi", 2), 0); /* the port is closed */
    tell(&t, 1, PORT_OPEN, 1);
    tell(&t, 1, PORT_OPEN, 1);
    assert_int_equal(t.opened[1], 1);
    assert_int_equal(ash_virtio_console_input(&t.console, 1, "hi", 2), 2);
    assert_int_equal(guest_take(&t.guest, 4, head), 2);
    head = say(&t, 5, "yes");
    guest_run(&t.guest, 4);
    assert_int_equal(guest_take(&t.guest, 5, head), 0);
    assert_memory_equal(t.out[1], "yes", 3);
    assert_int_equal(t.out_count[0] + t.out_count[2], 0);
    tell(&t, 1, PORT_OPEN, 0);
    assert_int_equal(t.closed[1], 1);
    tell(&t, 2, PORT_OPEN, 1);
    guest_reset(&t.guest);
    assert_int_equal(t.closed[2], 1);
    guest_close(&t.guest);
}

static void senseless_messages_are_ignored(void **state)
{
    struct terminal t;
    struct ash_virtq_segment runt;
    int head;

    (void)state;
    open_terminal(&t, true, 0);
    tell(&t, PORTS, PORT_READY, 1);
    tell(&t, UINT32_MAX, PORT_OPEN, 1);
    tell(&t, 0, PORT_READY, 0);
    tell(&t, 0, DEVICE_READY, 0);
    tell(&t, 0, 99, 1);
    tell(&t, 0, PORT_ADD, 1);
    for (unsigned i = 0; i < PORTS; i++) {
        assert_int_equal(t.ports[i].pending, 0);
    }
    runt = guest_buffer(&t.guest, 7, false);
    head = guest_send(&t.guest, 3, &runt, 1);
    guest_run(&t.guest, 1);
    assert_int_equal(guest_take(&t.guest, 3, head), 0);
    assert_int_equal(guest_read(&t.guest, 0x70), 15);
    (void)listen(&t, 7); /* too small for any message */
    tell(&t, 0, DEVICE_READY, 1);
    assert_int_equal(guest_read(&t.guest, 0x70), 0x4F);
    guest_close(&t.guest);
}

static void a_driver_without_ports_has_port_0(void **state)
{
    struct terminal t;
    int head;

    (void)state;
    prepare(&t, &backend, true);
    guest_start(&t.guest, 0);
    head = say(&t, 1, "x");
    guest_run(&t.guest, 1);
    assert_int_equal(guest_take(&t.guest, 1, head), 0);
    ash_virtio_console_resize(&t.console, 0, 7, 8);
    assert_int_equal(guest_read(&t.guest, 0x60) & 2, 2);
    ash_virtio_console_set_open(&t.console, 0, false);
    guest_close(&t.guest);
}

static void a_back_end_of_one_op_will_do(void **state)
{
    struct terminal t;

    (void)state;
    prepare(&t, &least, true);
    assert_int_equal(guest_offered(&t.guest) & ASH_VIRTIO_CONSOLE_F_EMERG_WRITE, 0);
    guest_start(&t.guest, ASH_MASK(23, 0));
    tell(&t, 0, PORT_OPEN, 1);
    guest_write(&t.guest, 0x108, 'E');
    guest_close(&t.guest);
}

static void init_refuses_what_it_cannot_use(void **state)
{
    struct ash_virtio_console_backend bad = backend;
    struct ash_virtio_console_config config;
    static struct terminal t;

    (void)state;
    guest_prepare(&t.guest, 2, 0);
#define REFUSE(what)                                                                                         \
    config = (struct ash_virtio_console_config){.backend = &backend, .ports = t.ports, .port_count = 1};     \
    what;                                                                                                    \
    assert_int_equal(ash_virtio_console_init(&t.console, &config, &t.guest.site), ASH_EINVAL)
    REFUSE(config.backend = NULL);
    REFUSE((config.backend = &bad, bad.size = 1));
    REFUSE((config.backend = &bad, bad = backend, bad.output = NULL));
    REFUSE(config.ports = NULL);
    REFUSE(config.port_count = 0);
    REFUSE(config.port_count = 2);
    REFUSE((config.has_ports = true, config.port_count = ASH_VIRTIO_CONSOLE_PORTS_MAX + 1));
    REFUSE(config.has_ports = true);
    config.has_ports = false;
    assert_int_equal(ash_virtio_console_init(NULL, &config, &t.guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_console_init(&t.console, NULL, &t.guest.site), ASH_EINVAL);
    mock_memory_fini(&t.guest.mem);
    free(t.guest.slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_guest_says_comes_out),
        cmocka_unit_test(output_waits_for_room),
        cmocka_unit_test(held_output_is_forgotten_by_a_reset),
        cmocka_unit_test(a_long_buffer_goes_out_in_pieces),
        cmocka_unit_test(output_that_cannot_be_mapped_waits),
        cmocka_unit_test(what_came_before_a_piece_that_cannot_be_mapped_goes_out_once),
        cmocka_unit_test(a_buffer_of_the_wrong_direction_breaks_its_queue),
        cmocka_unit_test(a_resize_gives_the_configuration_a_new_generation),
        cmocka_unit_test(input_goes_as_far_as_there_are_buffers),
        cmocka_unit_test(a_call_fills_so_many_buffers_and_no_more),
        cmocka_unit_test(what_was_queued_can_be_discarded),
        cmocka_unit_test(size_and_emergency_are_in_the_configuration),
        cmocka_unit_test(ports_are_announced_one_by_one),
        cmocka_unit_test(ports_have_queues_of_their_own),
        cmocka_unit_test(senseless_messages_are_ignored),
        cmocka_unit_test(a_driver_without_ports_has_port_0),
        cmocka_unit_test(a_back_end_of_one_op_will_do),
        cmocka_unit_test(init_refuses_what_it_cannot_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
