/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket device (VIRTIO 1.2, 5.10): two guests with a hub between that forwards packets as they are, or
 * answers. */
#include "guest.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <libvirtio/vsock.h>

enum { RECEIVE, TRANSMIT, EVENTS };
enum { HEADER = 44, LENGTH = 24, TYPE = 28, OP = 30, FLAGS = 32 };

struct end {
    struct guest guest;
    struct ash_virtio_vsock vsock;
    struct end *peer; /* NULL: nobody is there */
    struct ash_virtio_vsock_header seen;
    uint64_t seen_bytes;
    unsigned packets, rooms, resets;
    bool keep;
    struct ash_virtio_request kept;
    int last;
};

struct wire {
    struct end *from;
    const struct ash_virtio_request *payload;
    bool fails;
};

static int copy(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    struct wire *wire = ctx;

    return wire->fails ? ASH_ENOMEM
                       : ash_virtio_copy_in(&wire->from->vsock.device, wire->payload, offset, to, size);
}

static int forward(struct end *end, struct end *to, const struct ash_virtio_request *payload,
                   const struct ash_virtio_vsock_header *header, uint32_t from, uint32_t *taken, bool fails)
{
    struct wire wire = {.from = end, .payload = payload, .fails = fails};
    const struct ash_virtio_source source = {(uint32_t)payload->readable_bytes, copy, &wire};
    const int error = ash_virtio_vsock_receive(&to->vsock, header, &source, from, taken);

    ash_virtio_signal(&to->vsock.device, RECEIVE);
    return error;
}

static void transmit(void *ctx, const struct ash_virtio_request *payload,
                     const struct ash_virtio_vsock_header *header)
{
    struct end *end = ctx;
    struct ash_virtio_vsock_header answer;
    uint32_t taken;

    end->packets++;
    end->seen = *header;
    end->seen_bytes = payload->readable_bytes;
    if (end->keep) {
        end->kept = *payload;
        return;
    }
    if (end->peer != NULL) {
        end->last = forward(end, end->peer, payload, header, 0, &taken, false);
    } else if (ash_virtio_vsock_refuse(header, &answer)) {
        const struct ash_virtio_source nothing = {.size = 0};

        end->last = ash_virtio_vsock_receive(&end->vsock, &answer, &nothing, 0, &taken);
        ash_virtio_signal(&end->vsock.device, RECEIVE);
    }
    assert_int_equal(ash_virtio_push(&end->vsock.device, TRANSMIT, payload->token, 0), ASH_OK);
}

static void receive_room(void *ctx)
{
    ((struct end *)ctx)->rooms++;
}

static void reset(void *ctx, uint32_t queue)
{
    assert_true(queue <= EVENTS);
    ((struct end *)ctx)->resets++;
}

static const struct ash_virtio_vsock_backend backend = {
    .size = sizeof(backend), .transmit = transmit, .receive_room = receive_room, .reset = reset};
static const struct ash_virtio_vsock_backend least = {.size = sizeof(least), .transmit = transmit};

static void open_end(struct end *end, const struct ash_virtio_vsock_backend *how, uint64_t cid,
                     uint64_t features)
{
    const struct ash_virtio_vsock_config config = {
        .backend = how, .backend_ctx = end, .cid = cid, .has_seqpacket = true};

    memset(end, 0, sizeof(*end));
    guest_prepare(&end->guest, ASH_VIRTIO_VSOCK_QUEUES, ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_vsock_init(&end->vsock, &config, &end->guest.site), ASH_OK);
    guest_attach(&end->guest, &end->vsock.device);
    guest_start(&end->guest, features);
}

/* What a driver writes: cut as it likes. */
struct packet {
    uint64_t src, dst;
    uint32_t length;
    uint16_t type, op;
    uint32_t flags;
};

static void send(struct end *end, const struct packet *packet, uint32_t bytes)
{
    const struct ash_virtq_segment buffer = guest_buffer(&end->guest, HEADER + bytes, false);
    unsigned char *at = guest_bytes(&end->guest, buffer);
    struct mock_used used;

    memcpy(at, &(uint64_t){htole64(packet->src)}, 8);
    memcpy(at + 8, &(uint64_t){htole64(packet->dst)}, 8);
    memcpy(at + 16, "\1\0\0\0\2\0\0\0", 8);
    memcpy(at + LENGTH, &(uint32_t){htole32(packet->length)}, 4);
    memcpy(at + TYPE, &(uint16_t){htole16(packet->type)}, 2);
    memcpy(at + OP, &(uint16_t){htole16(packet->op)}, 2);
    memcpy(at + FLAGS, &(uint32_t){htole32(packet->flags)}, 4);
    memcpy(at + 36, "\0\0\4\0\7\0\0\0", 8);
    for (uint32_t i = 0; i < bytes; i++) {
        at[HEADER + i] = (unsigned char)(i * 5);
    }
    guest_send(&end->guest, TRANSMIT, &buffer, 1);
    guest_run(&end->guest, 4);
    assert_int_equal(guest_has_used(&end->guest, TRANSMIT, &used), !end->keep);
}

static struct ash_virtq_segment give_buffer(struct end *end, uint32_t size)
{
    const struct ash_virtq_segment buffer = guest_buffer(&end->guest, size, true);

    guest_send(&end->guest, RECEIVE, &buffer, 1);
    guest_run(&end->guest, 4);
    return buffer;
}

static void a_packet_goes_from_guest_to_guest(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTIO_RING_FEATURES};
    static struct end a, b;

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        const struct packet packet = {3, 4, 100, ASH_VIRTIO_VSOCK_STREAM, ASH_VIRTIO_VSOCK_RW, 0};
        struct ash_virtq_segment in;
        struct mock_used used;
        const unsigned char *bytes;

        open_end(&a, &backend, 3, features[f]);
        open_end(&b, &backend, 4, features[f]);
        a.peer = &b;
        assert_int_equal(guest_read(&a.guest, 8), 19);
        assert_int_equal(guest_read(&a.guest, 0x100), 3);
        in = give_buffer(&b, 4096);
        assert_true(b.rooms > 0);
        send(&a, &packet, 100);
        assert_int_equal(a.last, ASH_OK);
        assert_true(guest_has_used(&b.guest, RECEIVE, &used));
        assert_int_equal(used.written, HEADER + 100);
        bytes = guest_bytes(&b.guest, in);
        assert_memory_equal(
            bytes,
            "\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\x64\0\0\0\1\0\5\0\0\0\0\0\0\0\4\0\7\0\0\0",
            HEADER);
        assert_int_equal(bytes[HEADER + 99], (unsigned char)(99 * 5));
        guest_close(&a.guest);
        guest_close(&b.guest);
    }
}

static void who_is_not_there_resets(void **state)
{
    const struct packet request = {3, 99, 0, ASH_VIRTIO_VSOCK_STREAM, ASH_VIRTIO_VSOCK_REQUEST, 0};
    const struct packet rst = {3, 99, 0, ASH_VIRTIO_VSOCK_STREAM, ASH_VIRTIO_VSOCK_RST, 0};
    struct ash_virtq_segment in;
    struct mock_used used;
    static struct end a;

    (void)state;
    open_end(&a, &backend, 3, 0);
    in = give_buffer(&a, 100);
    send(&a, &request, 0);
    assert_true(guest_has_used(&a.guest, RECEIVE, &used));
    assert_int_equal(used.written, HEADER);
    assert_memory_equal(guest_bytes(&a.guest, in),
                        "\x63\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0\1\0\3\0", 32);
    give_buffer(&a, 100);
    send(&a, &rst, 0); /* and there it ends */
    assert_int_equal(a.packets, 2);
    assert_false(guest_has_used(&a.guest, RECEIVE, &used));
    guest_close(&a.guest);
}

static void malformed_packets_are_dropped(void **state)
{
    static const struct {
        struct packet packet;
        uint32_t bytes;
        bool passes;
    } cases[] = {
        {{3, 4, 10, 1, 5, 0}, 10, true},        {{3, 4, 0, 1, 7, 0}, 0, true},
        {{4, 4, 10, 1, 5, 0}, 10, false},       {{3, 4, 11, 1, 5, 0}, 10, false},
        {{3, 4, 9, 1, 5, 0}, 10, false},        {{3, 4, UINT32_MAX, 1, 5, 0}, 10, false},
        {{3, 4, 0, 1, 0, 0}, 0, false},         {{3, 4, 0, 1, 8, 0}, 0, false},
        {{3, 4, 10, 1, 1, 0}, 10, false},       {{3, 4, 65536, 1, 5, 0}, 65536, true},
        {{3, 4, 65537, 1, 5, 0}, 65537, false},
    };
    struct ash_virtq_segment runt;
    static struct end a;

    (void)state;
    open_end(&a, &backend, 3, 0);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(cases); i++) {
        a.packets = 0;
        a.vsock.malformed = 0;
        send(&a, &cases[i].packet, cases[i].bytes);
        assert_int_equal(a.packets, cases[i].passes);
        assert_int_equal(a.vsock.malformed, !cases[i].passes);
        assert_true(!cases[i].passes || a.seen_bytes == cases[i].bytes);
    }
    a.vsock.malformed = 0;
    runt = guest_buffer(&a.guest, HEADER - 1, false);
    guest_send(&a.guest, TRANSMIT, &runt, 1);
    guest_run(&a.guest, 1);
    assert_int_equal(a.vsock.malformed, 1);
    guest_start(&a.guest, ASH_VIRTIO_VSOCK_F_SEQPACKET);
    a.packets = 0;
    send(&a, &(struct packet){3, 4, 10, 2, 5, 0}, 10);
    assert_int_equal(a.packets, 1);
    guest_close(&a.guest);
}

/* 5.10.6.4.2, and seqpacket without its feature is none (5.10.3). An RST is not answered. */
static void what_is_of_no_known_type_is_reset(void **state)
{
    static const uint16_t types[] = {0, 2, 3, UINT16_MAX};
    static struct end a;

    (void)state;
    open_end(&a, &backend, 3, ASH_VIRTIO_VSOCK_F_STREAM);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(types); i++) {
        const struct packet packet = {3, 4, 10, types[i], i % 2U == 0U ? 1 : 5, 0};
        const struct packet rst = {3, 4, 0, types[i], ASH_VIRTIO_VSOCK_RST, 0};
        const struct packet not_its_own = {5, 4, 0, types[i], 1, 0};
        const struct ash_virtq_segment in = give_buffer(&a, 100);
        const unsigned char *bytes = guest_bytes(&a.guest, in);
        struct mock_used used;

        send(&a, &rst, 0);
        send(&a, &not_its_own, 0);
        assert_false(guest_has_used(&a.guest, RECEIVE, &used));
        send(&a, &packet, 10);
        assert_true(guest_has_used(&a.guest, RECEIVE, &used));
        assert_int_equal(used.written, HEADER);
        assert_memory_equal(bytes, "\4\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0", TYPE);
        assert_memory_equal(bytes + TYPE, &(uint16_t){htole16(types[i])}, 2);
        assert_memory_equal(bytes + OP, "\3\0", 2);
    }
    assert_int_equal(a.packets, 0);
    guest_close(&a.guest);
}

static void that_answer_waits_for_room_and_what_comes_behind_it_with_it(void **state)
{
    const struct packet unknown = {3, 4, 0, 9, ASH_VIRTIO_VSOCK_REQUEST, 0};
    const struct packet known = {3, 4, 0, ASH_VIRTIO_VSOCK_STREAM, ASH_VIRTIO_VSOCK_REQUEST, 0};
    struct mock_used used;
    static struct end a;

    (void)state;
    open_end(&a, &backend, 3, ASH_VIRTIO_F_RING_RESET);
    a.keep = true; /* neither comes back at once */
    send(&a, &unknown, 0);
    send(&a, &known, 0);
    assert_int_equal(a.packets, 0);
    give_buffer(&a, 100);
    assert_true(guest_has_used(&a.guest, RECEIVE, &used));
    assert_true(guest_has_used(&a.guest, TRANSMIT, &used));
    assert_int_equal(a.packets, 1);
    assert_int_equal(a.vsock.malformed, 1);
    guest_start(&a.guest, 0);
    send(&a, &unknown, 0);
    guest_start(&a.guest, 0);
    give_buffer(&a, 100); /* of before the reset: not answered */
    assert_false(guest_has_used(&a.guest, RECEIVE, &used));
    guest_close(&a.guest);
}

static void a_buffer_of_the_wrong_direction_breaks_its_queue(void **state)
{
    const struct packet packet = {3, 4, 0, ASH_VIRTIO_VSOCK_STREAM, ASH_VIRTIO_VSOCK_REQUEST, 0};
    const struct ash_virtio_source nothing = {.size = 0};
    struct ash_virtio_vsock_header header = {.dst_cid = 3, .type = ASH_VIRTIO_VSOCK_STREAM};
    static struct end a;
    uint32_t taken;

    (void)state;
    open_end(&a, &backend, 3, 0);
    for (unsigned i = 0; i < 4; i++) {
        struct ash_virtq_segment parts[2];

        guest_start(&a.guest, 0);
        parts[0] = guest_buffer(&a.guest, i == 2U ? HEADER - 1U : HEADER, i >= 2U);
        parts[1] = guest_buffer(&a.guest, 100, true);
        assert_int_equal(guest_read(&a.guest, 0x70), 15);
        if (i == 3U) { /* a packet, and behind it bytes to write */
            parts[0].writable = false;
            memcpy(guest_bytes(&a.guest, parts[0]), "\3\0\0\0\0\0\0\0\4", 9);
            guest_send(&a.guest, TRANSMIT, parts, 2);
            guest_run(&a.guest, 1);
        } else { /* to read; to read and to write; too small */
            guest_send(&a.guest, RECEIVE, parts, i == 1U ? 2 : 1);
            guest_run(&a.guest, 1);
            assert_int_equal(ash_virtio_vsock_receive(&a.vsock, &header, &nothing, 0, &taken), ASH_EGUEST);
            assert_int_equal(ash_virtio_vsock_receive(&a.vsock, &header, &nothing, 0, &taken), ASH_EGUEST);
        }
        assert_int_equal(guest_read(&a.guest, 0x70), 0x4F);
    }
    guest_start(&a.guest, 0);
    send(&a, &packet, 0);
    assert_int_equal(a.packets, 1);
    guest_close(&a.guest);
}

static void a_payload_is_cut_to_the_buffers(void **state)
{
    const struct packet packet = {3, 4, 100, ASH_VIRTIO_VSOCK_SEQPACKET, ASH_VIRTIO_VSOCK_RW, 3};
    static struct end a, b;
    uint32_t taken = 0;

    (void)state;
    open_end(&a, &backend, 3, ASH_VIRTIO_VSOCK_F_SEQPACKET);
    open_end(&b, &backend, 4, ASH_VIRTIO_VSOCK_F_SEQPACKET);
    a.keep = true;
    send(&a, &packet, 100);
    assert_int_equal(forward(&a, &b, &a.kept, &a.seen, 0, &taken, false), ASH_ENOSPC);
    for (uint32_t from = 0; from < 100; from += taken) {
        const struct ash_virtq_segment in = give_buffer(&b, HEADER + 40);
        const unsigned char *bytes = guest_bytes(&b.guest, in);
        struct mock_used used;

        assert_int_equal(forward(&a, &b, &a.kept, &a.seen, from, &taken, true), ASH_ENOMEM);
        assert_int_equal(forward(&a, &b, &a.kept, &a.seen, from, &taken, false), ASH_OK);
        assert_int_equal(taken, from < 80 ? 40 : 20);
        assert_true(guest_has_used(&b.guest, RECEIVE, &used));
        assert_int_equal(bytes[LENGTH], taken);
        assert_int_equal(bytes[FLAGS], from < 80 ? 0 : 3); /* the message ends with its last packet */
        assert_int_equal(bytes[HEADER], (unsigned char)(from * 5));
    }
    assert_int_equal(forward(&a, &b, &a.kept, &a.seen, 101, &taken, false), ASH_EINVAL);
    give_buffer(&b, HEADER); /* room for a header only: no payload would ever end */
    assert_int_equal(forward(&a, &b, &a.kept, &a.seen, 0, &taken, false), ASH_ENOSPC);
    a.seen.dst_cid = 5;
    assert_int_equal(forward(&a, &b, &a.kept, &a.seen, 0, &taken, false), ASH_EINVAL);
    a.seen.dst_cid = 4;
    guest_start(&a.guest, 0); /* the sender is gone */
    guest_start(&b.guest, 0);
    give_buffer(&b, HEADER + 40);
    assert_int_equal(forward(&a, &b, &a.kept, &a.seen, 0, &taken, false), ASH_ENOENT);
    guest_reset(&b.guest);
    assert_int_equal(forward(&a, &b, &a.kept, &a.seen, 0, &taken, false), ASH_EBUSY);
    assert_true(b.resets >= 3);
    guest_close(&a.guest);
    guest_close(&b.guest);
}

static void a_transport_reset_is_an_event(void **state)
{
    struct ash_virtq_segment event;
    struct mock_used used;
    static struct end a;

    (void)state;
    open_end(&a, &backend, 3, 0);
    ash_virtio_vsock_transport_reset(&a.vsock, 7);
    assert_int_equal(guest_read(&a.guest, 0x100), 7);
    event = guest_buffer(&a.guest, 4, true);
    memset(guest_bytes(&a.guest, event), 0xEE, 4);
    guest_send(&a.guest, EVENTS, &event, 1); /* it waited for a buffer */
    guest_run(&a.guest, 1);
    assert_true(guest_has_used(&a.guest, EVENTS, &used));
    assert_int_equal(used.written, 4);
    assert_memory_equal(guest_bytes(&a.guest, event), "\0\0\0\0", 4);
    event = guest_buffer(&a.guest, 3, true);
    guest_send(&a.guest, EVENTS, &event, 1);
    guest_run(&a.guest, 1);
    assert_int_equal(guest_read(&a.guest, 0x70), 15);
    ash_virtio_vsock_transport_reset(&a.vsock, 7); /* into a buffer that is too small */
    assert_int_equal(guest_read(&a.guest, 0x70), 0x4F);
    guest_reset(&a.guest);
    ash_virtio_vsock_transport_reset(&a.vsock, 8);
    assert_false(a.vsock.event_pending);
    guest_close(&a.guest);
}

static void a_back_end_of_one_op_will_do(void **state)
{
    static struct end a;

    (void)state;
    open_end(&a, &least, 3, ASH_VIRTIO_F_RING_RESET);
    give_buffer(&a, 100);
    guest_write(&a.guest, 0x30, 0);
    guest_write(&a.guest, 0xC0, 1);
    guest_close(&a.guest);
}

static void init_refuses_what_it_cannot_use(void **state)
{
    struct ash_virtio_vsock_backend bad = backend;
    struct ash_virtio_vsock_config config;
    static struct end a;

    (void)state;
    guest_prepare(&a.guest, 3, 0);
#define REFUSE(what)                                                                                         \
    config = (struct ash_virtio_vsock_config){.backend = &backend, .cid = 3};                                \
    what;                                                                                                    \
    assert_int_equal(ash_virtio_vsock_init(&a.vsock, &config, &a.guest.site), ASH_EINVAL)
    REFUSE(config.backend = NULL);
    REFUSE((config.backend = &bad, bad.size = 1));
    REFUSE((config.backend = &bad, bad = backend, bad.transmit = NULL));
    REFUSE(config.cid = 2);
    REFUSE(config.cid = UINT32_MAX);
    config.cid = 3;
    assert_int_equal(ash_virtio_vsock_init(NULL, &config, &a.guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_vsock_init(&a.vsock, NULL, &a.guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_vsock_init(&a.vsock, &config, &a.guest.site), ASH_OK);
    mock_memory_fini(&a.guest.mem);
    free(a.guest.slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_goes_from_guest_to_guest),
        cmocka_unit_test(who_is_not_there_resets),
        cmocka_unit_test(malformed_packets_are_dropped),
        cmocka_unit_test(what_is_of_no_known_type_is_reset),
        cmocka_unit_test(that_answer_waits_for_room_and_what_comes_behind_it_with_it),
        cmocka_unit_test(a_buffer_of_the_wrong_direction_breaks_its_queue),
        cmocka_unit_test(a_payload_is_cut_to_the_buffers),
        cmocka_unit_test(a_transport_reset_is_an_event),
        cmocka_unit_test(a_back_end_of_one_op_will_do),
        cmocka_unit_test(init_refuses_what_it_cannot_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
