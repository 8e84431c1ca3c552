/* SPDX-License-Identifier: BSD-2-Clause */
/* The network device (VIRTIO 1.2, 5.1): two of them with a wire between, which copies from one guest's
 * buffers into the other's. */
#include "guest.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <libvirtio/net.h>

#include <testkit/seed.h>

#define PAIRS  2U
#define MERGE  40U
#define HEADER 12U

enum { RX0, TX0, RX1, TX1, CONTROL };

struct host {
    struct guest guest;
    struct ash_virtio_net net;
    struct ash_virtio_request merge[MERGE];
    struct host *peer;
    unsigned frames, rooms, resets;
    int last; /* what the peer's receive said */
    struct ash_virtio_net_header header;
    bool keep; /* do not complete */
    bool pauses, holds;
    struct ash_virtio_request kept;
};

/* The wire: from one guest's memory into the other's. */
struct wire {
    struct host *from;
    const struct ash_virtio_request *frame;
    unsigned calls;
    unsigned fail_at; /* this call fails, if not 0 */
};

static int copy(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    struct wire *wire = ctx;

    if (++wire->calls == wire->fail_at) {
        return ASH_ENOMEM;
    }
    return ash_virtio_copy_in(&wire->from->net.device, wire->frame, offset, to, size);
}

static int to_peer(struct host *host, const struct ash_virtio_request *frame,
                   const struct ash_virtio_net_header *header, unsigned fail_at)
{
    struct wire wire = {.from = host, .frame = frame, .fail_at = fail_at};
    const struct ash_virtio_source source = {
        .size = (uint32_t)frame->readable_bytes, .copy = copy, .ctx = &wire};

    host->last = ash_virtio_net_receive(&host->peer->net, frame->queue / 2, header, &source);
    ash_virtio_net_receive_done(&host->peer->net, frame->queue / 2);
    return host->last;
}

static void transmit(void *ctx, const struct ash_virtio_request *frame,
                     const struct ash_virtio_net_header *header)
{
    struct host *host = ctx;

    assert_true(frame->readable_bytes >= ASH_VIRTIO_NET_FRAME_MIN);
    host->frames++;
    host->header = *header;
    if (host->pauses) {
        ash_virtio_net_pause(&host->net);
    }
    if (host->holds) {
        ash_virtio_net_hold(&host->net, frame->queue);
    }
    if (host->keep) {
        host->kept = *frame;
        return;
    }
    if (host->peer != NULL) {
        (void)to_peer(host, frame, header, 0);
    }
    assert_int_equal(ash_virtio_net_complete(&host->net, frame->queue, frame->token), ASH_OK);
}

static void receive_room(void *ctx, uint32_t pair)
{
    assert_true(pair < PAIRS);
    ((struct host *)ctx)->rooms++;
}

static void reset(void *ctx, uint32_t queue)
{
    assert_true(queue <= CONTROL);
    ((struct host *)ctx)->resets++;
}

static const struct ash_virtio_net_backend backend = {
    .size = sizeof(backend), .transmit = transmit, .receive_room = receive_room, .reset = reset};
static const struct ash_virtio_net_backend least = {.size = sizeof(least), .transmit = transmit};

static struct ash_virtio_net_config usual(struct host *host)
{
    return (struct ash_virtio_net_config){.backend = &backend,
                                          .backend_ctx = host,
                                          .merge = host->merge,
                                          .merge_count = MERGE,
                                          .pair_count = PAIRS,
                                          .offloads = ASH_VIRTIO_NET_OFFLOADS,
                                          .mtu = 1500,
                                          .mac = {2, 0, 0, 0, 0, 1},
                                          .link_up = true};
}

static void open_with(struct host *host, const struct ash_virtio_net_config *config, uint64_t features)
{
    memset(host, 0, sizeof(*host));
    guest_prepare(&host->guest, ASH_VIRTIO_NET_QUEUES(config->pair_count), ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_net_init(&host->net, config, &host->guest.site), ASH_OK);
    guest_attach(&host->guest, &host->net.device);
    guest_start(&host->guest, features);
}

static void open_host(struct host *host, uint64_t features)
{
    const struct ash_virtio_net_config config = usual(host);

    open_with(host, &config, features);
}

#define ALL_OF_NET (ASH_MASK(23, 0))

static void open_two(struct host *a, struct host *b, uint64_t a_features, uint64_t b_features)
{
    open_host(a, a_features);
    open_host(b, b_features);
    a->peer = b;
    b->peer = a;
}

static void close_two(struct host *a, struct host *b)
{
    guest_close(&a->guest);
    guest_close(&b->guest);
}

/* A frame of @size bytes behind its header, in @parts buffers. */
static struct ash_virtq_segment send_frame(struct host *host, unsigned queue, const unsigned char to[6],
                                           uint32_t size, const unsigned char header[10])
{
    const struct ash_virtq_segment buffer = guest_buffer(&host->guest, HEADER + size, false);
    unsigned char *bytes = guest_bytes(&host->guest, buffer);
    struct mock_used used;

    if (header != NULL) {
        memcpy(bytes, header, 10);
    }
    for (uint32_t i = 0; i < size; i++) {
        bytes[HEADER + i] = (unsigned char)(i * 7 + i / 256);
    }
    memcpy(bytes + HEADER, to, size < 6 ? size : 6);
    guest_send(&host->guest, queue, &buffer, 1);
    guest_run(&host->guest, 4);
    assert_int_equal(guest_has_used(&host->guest, queue, &used), !host->keep);
    return buffer;
}

static struct ash_virtq_segment give_buffer(struct host *host, unsigned queue, uint32_t size)
{
    const struct ash_virtq_segment buffer = guest_buffer(&host->guest, size, true);

    guest_send(&host->guest, queue, &buffer, 1);
    guest_run(&host->guest, 4);
    return buffer;
}

static const unsigned char everyone[6] = {255, 255, 255, 255, 255, 255};

static void a_frame_goes_from_guest_to_guest(void **state)
{
    static const uint64_t features[] = {0, ALL_OF_NET | ASH_VIRTIO_RING_FEATURES};
    static struct host a, b;

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct ash_virtq_segment in, out;
        struct mock_used used;
        const unsigned char *bytes;

        open_two(&a, &b, 0, features[f]);
        in = give_buffer(&b, RX0, 2000);
        assert_true(b.rooms > 0);
        out = send_frame(&a, TX0, everyone, 60, NULL);
        assert_int_equal(a.last, ASH_OK);
        assert_true(guest_has_used(&b.guest, RX0, &used));
        assert_int_equal(used.written, HEADER + 60);
        assert_true(b.guest.line);
        bytes = guest_bytes(&b.guest, in);
        assert_memory_equal(bytes + HEADER, (unsigned char *)guest_bytes(&a.guest, out) + HEADER, 60);
        assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0\0\0\1\0", HEADER);
        close_two(&a, &b);
    }
}

static void a_long_frame_fills_several_buffers(void **state)
{
    static const unsigned char gso[10] = {1, 1, 54, 0, 0xB4, 5, 34, 0, 16, 0};
    static struct host a, b;

    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct ash_virtq_segment in[20];
        struct ash_virtq_segment out;
        struct mock_used used;
        const unsigned char *sent;
        uint32_t at = HEADER;

        open_two(&a, &b, ALL_OF_NET, ALL_OF_NET | (packed ? ASH_VIRTQ_F_PACKED : ASH_VIRTQ_F_IN_ORDER));
        for (unsigned i = 0; i < 5; i++) {
            in[i] = give_buffer(&b, RX0, 1500);
        }
        out = send_frame(&a, TX0, everyone, 9000, gso);
        assert_int_equal(a.last, ASH_ENOSPC); /* 7,500 bytes of room: nothing was taken */
        assert_false(guest_has_used(&b.guest, RX0, &used));
        in[5] = give_buffer(&b, RX0, 1500);
        in[6] = give_buffer(&b, RX0, 1500);
        in[7] = give_buffer(&b, RX0, 1500);
        out = send_frame(&a, TX0, everyone, 9000, gso);
        assert_int_equal(a.last, ASH_OK);
        sent = guest_bytes(&a.guest, out);
        for (unsigned i = 0; i < 7; i++) {
            const unsigned char *bytes = guest_bytes(&b.guest, in[i]);
            const uint32_t skip = i == 0 ? HEADER : 0;
            const uint32_t size = i < 6 ? 1500 : 12;

            assert_true(guest_has_used(&b.guest, RX0, &used));
            assert_int_equal(used.written, size);
            if (i == 0) {
                assert_memory_equal(bytes, gso, 10);
                assert_int_equal(bytes[10], 7);
            }
            assert_memory_equal(bytes + skip, sent + at, size - skip);
            at += size - skip;
        }
        assert_false(guest_has_used(&b.guest, RX0, &used));
        assert_int_equal(at, HEADER + 9000);
        close_two(&a, &b);
    }
}

static void without_merging_a_frame_needs_one_buffer(void **state)
{
    static struct host a, b;
    struct mock_used used;

    (void)state;
    open_two(&a, &b, 0, 0);
    give_buffer(&b, RX0, 50);
    give_buffer(&b, RX0, 50);
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.last, ASH_ENOSPC);
    send_frame(&a, TX0, everyone, 38, NULL);
    assert_int_equal(a.last, ASH_OK);
    assert_true(guest_has_used(&b.guest, RX0, &used));
    assert_int_equal(used.written, 50);
    close_two(&a, &b);
}

static void a_source_that_fails_delivers_nothing(void **state)
{
    static struct host a, b;
    struct ash_virtio_net_header header = {0};
    struct mock_used used;

    (void)state;
    open_two(&a, &b, 0, ALL_OF_NET);
    a.keep = true;
    send_frame(&a, TX0, everyone, 100, NULL);
    for (unsigned i = 0; i < 4; i++) {
        give_buffer(&b, RX0, 40);
    }
    for (unsigned at = 1; at <= 4; at++) {
        assert_int_equal(to_peer(&a, &a.kept, &header, at), ASH_ENOMEM);
        assert_false(guest_has_used(&b.guest, RX0, &used));
    }
    guest_fail_map(&b.guest, 0);
    assert_int_equal(to_peer(&a, &a.kept, &header, 0), ASH_ENOMEM);
    guest_fail_map(&b.guest, -1);
    assert_int_equal(to_peer(&a, &a.kept, &header, 0), ASH_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(guest_has_used(&b.guest, RX0, &used));
        assert_int_equal(used.written, i < 2 ? 40 : 32);
    }
    guest_start(&a.guest, 0); /* the sender is gone: its frame is */
    assert_int_equal(to_peer(&a, &a.kept, &header, 0), ASH_ENOENT);
    assert_int_equal(ash_virtio_net_complete(&a.net, TX0, a.kept.token), ASH_ENOENT);
    close_two(&a, &b);
}

static void what_a_driver_did_not_ask_for_is_not_sent(void **state)
{
    static const struct {
        uint64_t features;
        unsigned char header[10];
        uint32_t size;
        bool passes;
    } cases[] = {
        {0, {0}, 14, true},
        {0, {0}, 13, false},
        {0, {0}, 1518, true},
        {0, {0}, 1519, false},
        {0, {2}, 60, true}, /* DATA_VALID means nothing here */
        {0, {1, 0, 0, 0, 0, 0, 14, 0, 2, 0}, 60, false},
        {ASH_VIRTIO_NET_F_CSUM, {1, 0, 0, 0, 0, 0, 14, 0, 2, 0}, 60, true},
        {ASH_VIRTIO_NET_F_CSUM, {1, 0, 0, 0, 0, 0, 56, 0, 2, 0}, 60, true},
        {ASH_VIRTIO_NET_F_CSUM, {1, 0, 0, 0, 0, 0, 57, 0, 2, 0}, 60, false},
        {ASH_VIRTIO_NET_F_CSUM, {1, 0, 0, 0, 0, 0, 255, 255, 255, 255}, 60, false},
        {ASH_VIRTIO_NET_F_CSUM, {1, 1, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET, {1, 1, 0, 0, 100, 0, 14, 0, 2, 0}, 60000, true},
        {ALL_OF_NET, {1, 1, 0, 0, 100, 0, 14, 0, 2, 0}, 65553, true},
        {ALL_OF_NET, {1, 1, 0, 0, 100, 0, 14, 0, 2, 0}, 65554, false},
        {ALL_OF_NET, {1, 0x81, 0, 0, 100, 0, 14, 0, 2, 0}, 60, true},
        {ALL_OF_NET, {1, 4, 0, 0, 100, 0, 14, 0, 2, 0}, 60, true},
        {ALL_OF_NET, {1, 3, 0, 0, 100, 0, 14, 0, 2, 0}, 60, true},
        {ALL_OF_NET, {1, 0x83, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET, {1, 0x80, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET, {1, 2, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET, {1, 1, 0, 0, 0, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET, {0, 1, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET & ~ASH_VIRTIO_NET_F_HOST_ECN, {1, 0x81, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET & ~ASH_VIRTIO_NET_F_HOST_TSO6, {1, 4, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
        {ALL_OF_NET & ~ASH_VIRTIO_NET_F_HOST_UFO, {1, 3, 0, 0, 100, 0, 14, 0, 2, 0}, 60, false},
    };
    static struct host a;

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(cases); i++) {
        open_host(&a, cases[i].features);
        send_frame(&a, TX0, everyone, cases[i].size, cases[i].header);
        assert_int_equal(a.frames, cases[i].passes);
        assert_int_equal(a.net.malformed, !cases[i].passes);
        assert_int_equal(guest_read(&a.guest, 0x70), 15);
        guest_close(&a.guest);
    }
    open_host(&a, 0); /* not even a header */
    {
        const struct ash_virtq_segment runt = guest_buffer(&a.guest, 11, false);

        guest_send(&a.guest, TX0, &runt, 1);
        guest_run(&a.guest, 1);
        assert_int_equal(a.net.malformed, 1);
    }
    guest_close(&a.guest);
}

static void what_a_driver_cannot_do_is_not_given_to_it(void **state)
{
    static const struct {
        uint64_t feature; /* that it lacks */
        struct ash_virtio_net_header header;
    } cases[] = {
        {ASH_VIRTIO_NET_F_GUEST_CSUM, {.flags = 1, .csum_start = 14, .csum_offset = 2}},
        {ASH_VIRTIO_NET_F_GUEST_TSO4, {.flags = 1, .gso_type = 1, .gso_size = 100}},
        {ASH_VIRTIO_NET_F_GUEST_TSO6, {.flags = 1, .gso_type = 4, .gso_size = 100}},
        {ASH_VIRTIO_NET_F_GUEST_UFO, {.flags = 1, .gso_type = 3, .gso_size = 100}},
        {ASH_VIRTIO_NET_F_GUEST_ECN, {.flags = 1, .gso_type = 0x81, .gso_size = 100}},
    };
    static struct host a, b;

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(cases); i++) {
        const uint64_t without = i == 0 ? ~ASH_MASK(10, 7) & ~cases[i].feature : ~cases[i].feature;

        open_two(&a, &b, 0, ALL_OF_NET & without);
        a.keep = true;
        send_frame(&a, TX0, everyone, 60, NULL);
        give_buffer(&b, RX0, 100);
        assert_int_equal(to_peer(&a, &a.kept, &cases[i].header, 0), ASH_ENOTSUP);
        guest_start(&b.guest, ALL_OF_NET);
        give_buffer(&b, RX0, 100);
        assert_int_equal(to_peer(&a, &a.kept, &cases[i].header, 0), ASH_OK);
        close_two(&a, &b);
    }
}

static void a_valid_checksum_is_a_hint(void **state)
{
    const struct ash_virtio_net_header header = {.flags = ASH_VIRTIO_NET_DATA_VALID};
    static struct host a, b;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct ash_virtq_segment in;

        open_two(&a, &b, 0, i == 0 ? 0 : ASH_VIRTIO_NET_F_GUEST_CSUM);
        a.keep = true;
        send_frame(&a, TX0, everyone, 60, NULL);
        in = give_buffer(&b, RX0, 100);
        assert_int_equal(to_peer(&a, &a.kept, &header, 0), ASH_OK);
        assert_int_equal(*(unsigned char *)guest_bytes(&b.guest, in), i == 0 ? 0 : 2);
        close_two(&a, &b);
    }
}

static void features_need_each_other(void **state)
{
    const uint64_t v1 = ASH_VIRTIO_F_VERSION_1;
    static struct host a;

    (void)state;
    open_host(&a, 0);
    for (unsigned bit = 0; bit < 24; bit++) {
        const bool alone =
            ((ASH_BIT(0) | ASH_BIT(1) | ASH_BIT(3) | ASH_BIT(5) | ASH_BIT(15) | ASH_BIT(16) | ASH_BIT(17)) &
             ASH_BIT(bit)) != 0;

        assert_int_equal(guest_negotiate(&a.guest, v1 | ASH_BIT(bit)), alone);
    }
    assert_true(guest_negotiate(&a.guest, guest_offered(&a.guest)));
    guest_close(&a.guest);
}

/* ---- Control ------------------------------------------------------------------------------------------ */

static unsigned command(struct host *host, unsigned queue, unsigned class, unsigned which, const void *data,
                        uint32_t size)
{
    struct ash_virtq_segment chain[2] = {guest_buffer(&host->guest, 2 + size, false),
                                         guest_buffer(&host->guest, 1, true)};
    unsigned char *bytes = guest_bytes(&host->guest, chain[0]);
    int head;

    bytes[0] = (unsigned char)class;
    bytes[1] = (unsigned char)which;
    if (size > 0) {
        memcpy(bytes + 2, data, size);
    }
    *(unsigned char *)guest_bytes(&host->guest, chain[1]) = 0xEE;
    head = guest_send(&host->guest, queue, chain, 2);
    guest_run(&host->guest, 2);
    assert_int_equal(guest_take(&host->guest, queue, head), 1);
    return *(unsigned char *)guest_bytes(&host->guest, chain[1]);
}

static bool wants(const struct host *host, const unsigned char mac[6])
{
    unsigned char frame[18] = {0};

    memcpy(frame, mac, 6);
    return ash_virtio_net_wants(&host->net, frame, 14);
}

static const unsigned char own[6] = {2, 0, 0, 0, 0, 1}, other[6] = {2, 0, 0, 0, 0, 2},
                           group[6] = {1, 0, 94, 0, 0, 1};

static void the_filter_does_as_it_is_told(void **state)
{
    static struct host a;
    unsigned char on = 1, off = 0;

    (void)state;
    open_host(&a, ALL_OF_NET);
    assert_true(wants(&a, other)); /* until the driver says otherwise */
    assert_int_equal(command(&a, CONTROL, 0, 0, &off, 1), 0);
    assert_false(wants(&a, other) || wants(&a, group));
    assert_true(wants(&a, own) && wants(&a, everyone));
    command(&a, CONTROL, 0, 1, &on, 1);
    assert_true(wants(&a, group) && !wants(&a, other));
    command(&a, CONTROL, 0, 2, &on, 1);
    assert_true(wants(&a, other));
    command(&a, CONTROL, 0, 3, &on, 1);
    assert_false(wants(&a, group));
    command(&a, CONTROL, 0, 4, &on, 1);
    assert_false(wants(&a, other) || wants(&a, own));
    command(&a, CONTROL, 0, 5, &on, 1);
    assert_false(wants(&a, everyone));
    command(&a, CONTROL, 0, 5, &off, 1);
    assert_true(wants(&a, everyone));
    assert_int_equal(command(&a, CONTROL, 0, 6, &on, 1), 1);
    assert_int_equal(command(&a, CONTROL, 0, 0, &on, 0), 1);
    assert_int_equal(command(&a, CONTROL, 9, 0, &on, 1), 1);
    guest_start(&a.guest, ALL_OF_NET);
    assert_true(wants(&a, other)); /* forgotten */
    guest_close(&a.guest);
}

static void frames_that_nobody_wants_take_no_buffer(void **state)
{
    static struct host a, b;
    unsigned char off = 0;
    struct mock_used used;

    (void)state;
    open_two(&a, &b, 0, ALL_OF_NET);
    command(&b, CONTROL, 0, 0, &off, 1);
    give_buffer(&b, RX0, 100);
    send_frame(&a, TX0, other, 60, NULL);
    assert_int_equal(a.last, ASH_OK);
    assert_int_equal(b.net.filtered, 1);
    assert_false(guest_has_used(&b.guest, RX0, &used));
    send_frame(&a, TX0, own, 60, NULL);
    assert_true(guest_has_used(&b.guest, RX0, &used));
    close_two(&a, &b);
}

/* Two tables, of @unicast and @multicast entries; the last of each is @other and @group. */
static unsigned set_tables(struct host *host, unsigned unicast, unsigned multicast, int missing)
{
    unsigned char data[1000] = {0};
    unsigned at = 4;

    data[0] = (unsigned char)unicast;
    at += 6 * unicast;
    memcpy(data + at - 6, other, unicast > 0 ? 6 : 0);
    data[at] = (unsigned char)multicast;
    at += 4 + 6 * multicast;
    memcpy(data + at - 6, group, multicast > 0 ? 6 : 0);
    return command(host, CONTROL, 1, 0, data, (uint32_t)((int)at - missing));
}

static void address_tables_are_kept(void **state)
{
    static struct host a;
    unsigned char off = 0, huge[8] = {0xFF, 0xFF, 0xFF, 0xFF};

    (void)state;
    open_host(&a, ALL_OF_NET);
    command(&a, CONTROL, 0, 0, &off, 1);
    assert_int_equal(set_tables(&a, 3, 2, 0), 0);
    assert_true(wants(&a, other) && wants(&a, group));
    assert_false(wants(&a, (const unsigned char[]){2, 9, 9, 9, 9, 9}));
    assert_int_equal(set_tables(&a, 0, 0, 0), 0);
    assert_false(wants(&a, other) || wants(&a, group));
    assert_int_equal(set_tables(&a, 16, 16, 0), 0);
    assert_true(wants(&a, other) && !wants(&a, (const unsigned char[]){3, 9, 9, 9, 9, 9}));
    assert_int_equal(set_tables(&a, 1, 1, 1), 1); /* cut off: nothing changes */
    assert_int_equal(set_tables(&a, 17, 17, 5), 1);
    assert_true(wants(&a, other) && !wants(&a, (const unsigned char[]){3, 9, 9, 9, 9, 9}));
    assert_int_equal(command(&a, CONTROL, 1, 0, huge, 8), 1);
    assert_int_equal(command(&a, CONTROL, 1, 0, huge, 3), 1);
    assert_int_equal(set_tables(&a, 0, 17, 0), 0);
    assert_int_equal(set_tables(&a, 17, 0, 0), 0); /* more than are kept: all of the kind */
    assert_true(wants(&a, (const unsigned char[]){2, 9, 9, 9, 9, 9}) && !wants(&a, group));
    assert_int_equal(command(&a, CONTROL, 1, 2, huge, 8), 1);
    guest_close(&a.guest);
}

static void the_address_can_be_changed(void **state)
{
    static struct host a;
    unsigned char off = 0;
    uint32_t generation;

    (void)state;
    open_host(&a, ALL_OF_NET);
    command(&a, CONTROL, 0, 0, &off, 1);
    generation = guest_read(&a.guest, 0xFC);
    assert_int_equal(command(&a, CONTROL, 1, 1, other, 6), 0);
    assert_int_not_equal(guest_read(&a.guest, 0xFC), generation); /* 4.2.2.1: it tells of each change */
    assert_true(wants(&a, other) && !wants(&a, own));
    assert_int_equal(ash_virtio_mmio_read(&a.guest.mmio, 0x105, 1), 2);
    assert_int_equal(command(&a, CONTROL, 1, 1, group, 6), 1);
    assert_int_equal(command(&a, CONTROL, 1, 1, own, 5), 1);
    guest_start(&a.guest, ALL_OF_NET);
    assert_int_equal(ash_virtio_mmio_read(&a.guest.mmio, 0x105, 1), 1);
    guest_close(&a.guest);
}

static void vlans_pass_one_by_one(void **state)
{
    unsigned char frame[18] = {2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x81, 0, 0xE1, 0x23};
    static struct host a;

    (void)state;
    open_host(&a, ALL_OF_NET);
    assert_true(ash_virtio_net_wants(&a.net, frame, 18)); /* until the driver says otherwise */
    assert_int_equal(command(&a, CONTROL, 0, 0, "\0", 1), 0);
    assert_false(ash_virtio_net_wants(&a.net, frame, 18));
    assert_int_equal(command(&a, CONTROL, 0, 0, "\1", 1), 0);
    assert_true(ash_virtio_net_wants(&a.net, frame, 18)); /* all there are (5.1.6.5.1) */
    assert_int_equal(command(&a, CONTROL, 0, 0, "\0", 1), 0);
    assert_int_equal(command(&a, CONTROL, 2, 0, "\x23\x01", 2), 0);
    assert_true(ash_virtio_net_wants(&a.net, frame, 18));
    frame[15] = 0x24;
    assert_false(ash_virtio_net_wants(&a.net, frame, 18));
    frame[15] = 0x23;
    assert_int_equal(command(&a, CONTROL, 2, 1, "\x23\x01", 2), 0);
    assert_false(ash_virtio_net_wants(&a.net, frame, 18));
    assert_int_equal(command(&a, CONTROL, 2, 0, "\x00\x10", 2), 1); /* 4096 */
    assert_int_equal(command(&a, CONTROL, 2, 0, "\xFF\xFF", 2), 1);
    assert_int_equal(command(&a, CONTROL, 2, 2, "\1\0", 2), 1);
    assert_int_equal(command(&a, CONTROL, 2, 0, "\1", 1), 1);
    frame[13] = 1;
    assert_true(ash_virtio_net_wants(&a.net, frame, 18)); /* no tag */
    guest_start(&a.guest, 0);
    frame[13] = 0;
    assert_true(ash_virtio_net_wants(&a.net, frame, 18)); /* no filter */
    guest_close(&a.guest);
}

static void queues_come_in_pairs(void **state)
{
    static struct host a, b;
    struct mock_used used;

    (void)state;
    open_two(&a, &b, ALL_OF_NET, ALL_OF_NET);
    give_buffer(&b, RX0, 100);
    give_buffer(&b, RX1, 100);
    send_frame(&a, TX1, everyone, 60, NULL);
    assert_true(guest_has_used(&b.guest, RX0, &used)); /* one pair is in use until the driver says so */
    assert_int_equal(command(&b, CONTROL, 4, 0, "\2\0", 2), 0);
    send_frame(&a, TX1, everyone, 60, NULL);
    assert_true(guest_has_used(&b.guest, RX1, &used));
    assert_int_equal(command(&b, CONTROL, 4, 0, "\0\0", 2), 1);
    assert_int_equal(command(&b, CONTROL, 4, 0, "\3\0", 2), 1);
    assert_int_equal(command(&b, CONTROL, 4, 1, "\1\0", 2), 1);
    assert_int_equal(command(&b, CONTROL, 4, 0, "\1", 1), 1);
    close_two(&a, &b);
}

static void without_mq_control_is_the_third_queue(void **state)
{
    static struct host a;
    unsigned char off = 0;

    (void)state;
    open_host(&a, ALL_OF_NET & ~ASH_VIRTIO_NET_F_MQ);
    assert_int_equal(command(&a, 2, 0, 0, &off, 1), 0);
    assert_false(wants(&a, other));
    assert_int_equal(command(&a, 2, 4, 0, "\1\0", 2), 1);
    guest_close(&a.guest);
    open_host(&a, ASH_VIRTIO_NET_F_CTRL_VQ);
    for (unsigned class = 0; class < 5; class ++) {
        assert_int_equal(command(&a, 2, class, class == 1, own, 6), 1); /* none of it was negotiated */
    }
    assert_int_equal(command(&a, 2, 1, 0, "\0\0\0\0\0\0\0\0", 8), 1);
    guest_close(&a.guest);
}

static void a_command_that_cannot_be_answered_wants_a_reset(void **state)
{
    static struct host a;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct ash_virtq_segment chain[2];

        open_host(&a, ALL_OF_NET);
        chain[0] = guest_buffer(&a.guest, i == 0 ? 1 : 3, false);
        chain[1] = guest_buffer(&a.guest, 1, true);
        guest_send(&a.guest, CONTROL, chain, i == 0 ? 2 : 1);
        guest_run(&a.guest, 1);
        assert_int_equal(guest_read(&a.guest, 0x70), 0x4F);
        guest_close(&a.guest);
    }
}

static void the_link_goes_up_and_down(void **state)
{
    static struct host a, b;
    struct mock_used used;

    (void)state;
    open_two(&a, &b, 0, ALL_OF_NET);
    assert_int_equal(ash_virtio_mmio_read(&b.guest.mmio, 0x106, 2), 1);
    assert_int_equal(ash_virtio_mmio_read(&b.guest.mmio, 0x108, 2), PAIRS);
    assert_int_equal(ash_virtio_mmio_read(&b.guest.mmio, 0x10A, 2), 1500);
    give_buffer(&b, RX0, 100);
    ash_virtio_net_set_link(&b.net, false);
    ash_virtio_net_set_link(&b.net, false);
    assert_int_equal(guest_read(&b.guest, 0xFC), 1);
    assert_int_equal(guest_read(&b.guest, 0x60), 2);
    assert_int_equal(ash_virtio_mmio_read(&b.guest.mmio, 0x106, 2), 0);
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.last, ASH_EBUSY);
    ash_virtio_net_set_link(&b.net, true);
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_true(guest_has_used(&b.guest, RX0, &used));
    guest_reset(&b.guest);
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.last, ASH_EBUSY);
    assert_true(b.resets >= 5);
    close_two(&a, &b);
}

static void frames_have_sizes(void **state)
{
    const struct ash_virtio_net_header header = {0};
    struct ash_virtio_source source = {.size = 13, .copy = copy};
    static struct host b;

    (void)state;
    open_host(&b, 0);
    assert_int_equal(ash_virtio_net_receive(&b.net, 0, &header, &source), ASH_ERANGE);
    source.size = 65554;
    assert_int_equal(ash_virtio_net_receive(&b.net, 0, &header, &source), ASH_ERANGE);
    guest_close(&b.guest);
}

static void a_broken_receive_queue_is_told(void **state)
{
    const struct ash_virtq_segment nowhere = {ash_ipa(4), 100, true};
    static struct host a, b;

    (void)state;
    open_two(&a, &b, 0, ALL_OF_NET);
    give_buffer(&b, RX0, 20);
    guest_send(&b.guest, RX0, &nowhere, 1);
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.last, ASH_EGUEST);
    assert_int_equal(guest_read(&b.guest, 0x70), 0x4F);
    guest_start(&b.guest, 0);
    give_buffer(&b, RX0, 11); /* not even room for the header */
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.last, ASH_EGUEST);
    assert_int_equal(guest_read(&b.guest, 0x70), 0x4F);
    close_two(&a, &b);
}

/* ---- What a receiver's buffers cost those who send to it ----------------------------------------------- */

/* A chain of @count elements that hold nothing and one of @size bytes. */
static void give_hollow_buffer(struct host *host, unsigned count, uint32_t size)
{
    struct ash_virtq_segment chain[ASH_VIRTIO_SEGMENTS];
    const uint64_t table = mock_memory_alloc(&host->guest.mem, 16U * ASH_VIRTIO_SEGMENTS, 0);

    for (unsigned i = 0; i < count; i++) {
        chain[i] = (struct ash_virtq_segment){.writable = true};
    }
    chain[count] = guest_buffer(&host->guest, size, true);
    assert_true(mock_driver_add_indirect(&host->guest.drivers[RX0], table, chain, count + 1U) >= 0);
    mock_driver_publish(&host->guest.drivers[RX0]);
}

static const uint64_t rings[] = {0, ASH_VIRTQ_F_EVENT_IDX, ASH_VIRTQ_F_PACKED,
                                 ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX | ASH_VIRTQ_F_IN_ORDER};

static void kick(struct host *host)
{
    guest_write(&host->guest, 0x50, RX0);
    guest_run(&host->guest, 4);
}

static void hollow_buffers_cost_a_sender_one_short_look(void **state)
{
    static struct host a, b;

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(rings); i++) {
        unsigned rooms;

        open_two(&a, &b, 0, ALL_OF_NET | ASH_VIRTQ_F_INDIRECT_DESC | rings[i]);
        for (unsigned n = 0; n < GUEST_SIZE - 1U; n++) {
            give_hollow_buffer(&b, ASH_VIRTIO_SEGMENTS - 1U, HEADER);
        }
        kick(&b);
        send_frame(&a, TX0, everyone, 60, NULL);
        assert_int_equal(a.last, ASH_ENOSPC);
        assert_int_equal(b.net.elements, ASH_VIRTIO_NET_ELEMENTS_MAX);
        rooms = b.rooms;
        for (unsigned n = 0; n < 10U;
             n++) { /* and it is no use to say that there is more, or that there is something */
            send_frame(&a, TX0, everyone, 60 + n, NULL);
            assert_int_equal(a.last, ASH_ENOSPC);
            kick(&b);
        }
        give_hollow_buffer(&b, ASH_VIRTIO_SEGMENTS - 1U, HEADER);
        kick(&b);
        send_frame(&a, TX0, everyone, 1400, NULL);
        assert_int_equal(b.net.elements, ASH_VIRTIO_NET_ELEMENTS_MAX);
        assert_int_equal(b.rooms, rooms);
        guest_start(&b.guest, ALL_OF_NET); /* another driver */
        give_buffer(&b, RX0, 100);
        send_frame(&a, TX0, everyone, 60, NULL);
        assert_int_equal(a.last, ASH_OK);
        close_two(&a, &b);
    }
}

static void a_shortage_ends_with_the_next_buffer(void **state)
{
    static struct host a, b;

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(rings); i++) {
        unsigned rooms;

        open_two(&a, &b, 0, ALL_OF_NET | rings[i]);
        give_buffer(&b, RX0, 100);
        send_frame(&a, TX0, everyone, 200, NULL);
        assert_int_equal(a.last, ASH_ENOSPC);
        rooms = b.rooms;
        kick(&b);
        kick(&b);
        assert_int_equal(b.rooms, rooms);
        send_frame(&a, TX0, everyone, 200, NULL);
        assert_int_equal(a.last, ASH_ENOSPC);
        assert_int_equal(b.net.elements, 1);
        send_frame(&a, TX0, everyone, 199, NULL); /* it is not known of smaller ones */
        assert_int_equal(a.last, ASH_ENOSPC);
        assert_int_equal(b.net.elements, 2);
        give_buffer(&b, RX0, 112);
        assert_int_equal(b.rooms, rooms + 1U);
        send_frame(&a, TX0, everyone, 200, NULL);
        assert_int_equal(a.last, ASH_OK);
        send_frame(&a, TX0, everyone, 60, NULL);
        assert_int_equal(a.last, ASH_ENOSPC);
        give_buffer(&b, RX0, 100);
        send_frame(&a, TX0, everyone, 60, NULL);
        assert_int_equal(a.last, ASH_OK);
        close_two(&a, &b);
    }
}

static void a_frame_that_fits_lets_a_larger_one_try_again(void **state)
{
    static struct host a, b;

    (void)state;
    open_two(&a, &b, 0, 0);
    give_buffer(&b, RX0, 100);
    give_buffer(&b, RX0, 300);
    send_frame(&a, TX0, everyone, 200, NULL);
    assert_int_equal(a.last, ASH_ENOSPC); /* the first alone is looked at */
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.last, ASH_OK);
    send_frame(&a, TX0, everyone, 200, NULL);
    assert_int_equal(a.last, ASH_OK);
    close_two(&a, &b);
}

static void a_queue_that_starts_anew_is_short_of_nothing(void **state)
{
    static struct host a, b;

    (void)state;
    open_two(&a, &b, 0, ALL_OF_NET | ASH_VIRTIO_F_RING_RESET);
    give_buffer(&b, RX0, 20);
    give_buffer(&b, RX0, 20);
    send_frame(&a, TX0, everyone, 200, NULL);
    assert_int_equal(a.last, ASH_ENOSPC);
    ash_virtio_queue_disable(&b.net.device, RX0);
    mock_driver_fini(&b.guest.drivers[RX0]);
    guest_set_up_queue(&b.guest, RX0);
    give_buffer(&b, RX0, 150);
    give_buffer(&b, RX0, 150); /* as many as before */
    send_frame(&a, TX0, everyone, 200, NULL);
    assert_int_equal(a.last, ASH_OK);
    close_two(&a, &b);
}

static void a_frame_to_send_may_be_in_many_pieces(void **state)
{
    static struct host a;
    struct ash_virtq_segment out[ASH_VIRTIO_SEGMENTS];
    struct mock_used used;

    (void)state;
    open_host(&a, ALL_OF_NET);
    for (unsigned i = 0; i < ASH_VIRTIO_SEGMENTS; i++) {
        out[i] = guest_buffer(&a.guest, 20, false);
    }
    guest_send(&a.guest, TX0, out, ASH_VIRTIO_SEGMENTS);
    guest_run(&a.guest, 4);
    assert_true(guest_has_used(&a.guest, TX0, &used));
    assert_int_equal(a.frames, 1);
    guest_close(&a.guest);
}

static void a_back_end_of_one_op_will_do(void **state)
{
    struct ash_virtio_net_config config;
    static struct host a;

    (void)state;
    config = usual(&a);
    config.backend = &least;
    config.pair_count = 1;
    config.merge_count = 1;
    config.offloads = 0;
    open_with(&a, &config, UINT64_MAX);
    assert_true((guest_offered(&a.guest) &
                 (ASH_VIRTIO_NET_F_MQ | ASH_VIRTIO_NET_F_MRG_RXBUF | ASH_VIRTIO_NET_OFFLOADS)) == 0);
    give_buffer(&a, RX0, 100);
    send_frame(&a, TX0, everyone, 60, NULL);
    assert_int_equal(a.frames, 1);
    guest_close(&a.guest);
}

/* Frames that the driver has put there, two of them, before the device runs. */
static void two_frames_lie_there(struct host *host, unsigned queue)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct ash_virtq_segment buffer = guest_buffer(&host->guest, HEADER + 60, false);

        memcpy((unsigned char *)guest_bytes(&host->guest, buffer) + HEADER, everyone, 6);
        guest_send(&host->guest, queue, &buffer, 1);
    }
}

static void a_pause_is_the_end_of_a_batch(void **state)
{
    static struct host a;

    (void)state;
    open_host(&a, ALL_OF_NET);
    (void)ash_virtio_run(&a.net.device, 9);
    a.pauses = true;
    two_frames_lie_there(&a, TX0);
    assert_true(ash_virtio_run(&a.net.device, 9));
    assert_int_equal(a.frames, 1);
    a.pauses = false;
    assert_false(ash_virtio_run(&a.net.device, 9));
    assert_int_equal(a.frames, 2);
    guest_close(&a.guest);
}

static void a_queue_that_is_held_hands_nothing_out(void **state)
{
    static struct host a;
    struct mock_used used;

    (void)state;
    open_host(&a, ALL_OF_NET);
    (void)ash_virtio_run(&a.net.device, 9);
    a.holds = true;
    two_frames_lie_there(&a, TX0);
    assert_false(ash_virtio_run(&a.net.device, 9));
    assert_int_equal(a.frames, 1);
    assert_true(guest_has_used(&a.guest, TX0, &used)); /* what was done is told */
    two_frames_lie_there(&a, TX0);
    ash_virtio_kick(&a.net.device, TX0);
    assert_false(ash_virtio_run(&a.net.device, 9));
    assert_int_equal(a.frames, 1);
    two_frames_lie_there(&a, TX1); /* the other pair goes on */
    a.holds = false;
    assert_false(ash_virtio_run(&a.net.device, 9));
    assert_int_equal(a.frames, 3);
    ash_virtio_net_resume(&a.net, TX0);
    ash_virtio_net_resume(&a.net, TX0);
    assert_false(ash_virtio_run(&a.net.device, 9));
    assert_int_equal(a.frames, 6);
    ash_virtio_net_resume(&a.net, 64);
    ash_virtio_net_hold(&a.net, 64);
    assert_int_equal(a.net.held, 0);
    guest_close(&a.guest);
}

static void a_reset_ends_a_hold(void **state)
{
    static struct host a;

    (void)state;
    open_host(&a, ALL_OF_NET);
    ash_virtio_net_hold(&a.net, TX0);
    ash_virtio_net_hold(&a.net, TX1);
    ash_virtio_queue_disable(&a.net.device, TX1);
    assert_int_equal(a.net.held, 1U << TX0);
    ash_virtio_device_reset(&a.net.device);
    assert_int_equal(a.net.held, 0);
    guest_close(&a.guest);
}

static void init_refuses_what_it_cannot_use(void **state)
{
    struct ash_virtio_net_backend bad = backend;
    struct ash_virtio_net_config config;
    static struct host a;

    (void)state;
    guest_prepare(&a.guest, 5, 0);
#define REFUSE(what)                                                                                         \
    config = usual(&a);                                                                                      \
    what;                                                                                                    \
    assert_int_equal(ash_virtio_net_init(&a.net, &config, &a.guest.site), ASH_EINVAL)
    REFUSE(config.backend = NULL);
    REFUSE((config.backend = &bad, bad.size = 1));
    REFUSE((config.backend = &bad, bad = backend, bad.transmit = NULL));
    REFUSE(config.merge = NULL);
    REFUSE(config.merge_count = 0);
    REFUSE(config.merge_count = 65);
    REFUSE(config.pair_count = 0);
    REFUSE(config.pair_count = ASH_VIRTIO_NET_PAIRS_MAX + 1);
    REFUSE(config.pair_count = 1);
    REFUSE(config.offloads = ASH_VIRTIO_NET_F_MQ);
    REFUSE(config.mtu = 67);
    REFUSE(config.mac[0] = 1);
    config = usual(&a);
    assert_int_equal(ash_virtio_net_init(NULL, &config, &a.guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_net_init(&a.net, NULL, &a.guest.site), ASH_EINVAL);
    mock_memory_fini(&a.guest.mem);
    free(a.guest.slots);
}

/* Many frames of random sizes into random buffers: each arrives whole, once, in order. */
static void a_stream_arrives_whole(void **state)
{
    static const unsigned char gso[10] = {1, 1, 54, 0, 0xB4, 5, 34, 0, 16, 0};
    static struct host a, b;
    static unsigned char got[70000];
    struct test_rng rng;
    unsigned delivered = 0, refused = 0;

    (void)state;
    test_rng_init(&rng, "virtio-net");
    open_two(&a, &b, ALL_OF_NET, ALL_OF_NET | ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX);
    for (unsigned i = 0; i < 1500; i++) {
        const uint32_t size =
            52 + (uint32_t)test_rng_below(&rng, test_rng_below(&rng, 4) == 0 ? 20000 : 1400);
        static struct ash_virtq_segment in[GUEST_SIZE]; /* by head */
        struct ash_virtq_segment out;
        struct mock_used used;
        uint32_t have = 0, buffers = 0, count = 0;

        while (b.guest.drivers[RX0].free_count > GUEST_SIZE - 12) {
            const struct ash_virtq_segment buffer =
                guest_buffer(&b.guest, 100 + (uint32_t)test_rng_below(&rng, 2000), true);

            in[guest_send(&b.guest, RX0, &buffer, 1)] = buffer;
        }
        out = send_frame(&a, TX0, everyone, size, gso);
        while (guest_has_used(&b.guest, RX0, &used)) {
            const unsigned char *bytes = guest_bytes(&b.guest, in[used.head]);

            memcpy(got + have, bytes, used.written);
            have += used.written;
            buffers = buffers == 0 ? bytes[10] : buffers;
            count++;
            mock_memory_free(&b.guest.mem, in[used.head].ipa.value);
        }
        delivered += a.last == ASH_OK;
        refused += a.last == ASH_ENOSPC;
        assert_int_equal(have, a.last == ASH_OK ? HEADER + size : 0);
        assert_int_equal(count, buffers);
        if (have > 0) {
            assert_memory_equal(got + HEADER, (unsigned char *)guest_bytes(&a.guest, out) + HEADER, size);
        }
        mock_memory_free(&a.guest.mem, out.ipa.value);
    }
    assert_true(delivered > 500 && refused > 10);
    close_two(&a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_goes_from_guest_to_guest),
        cmocka_unit_test(a_long_frame_fills_several_buffers),
        cmocka_unit_test(without_merging_a_frame_needs_one_buffer),
        cmocka_unit_test(a_source_that_fails_delivers_nothing),
        cmocka_unit_test(what_a_driver_did_not_ask_for_is_not_sent),
        cmocka_unit_test(what_a_driver_cannot_do_is_not_given_to_it),
        cmocka_unit_test(a_valid_checksum_is_a_hint),
        cmocka_unit_test(features_need_each_other),
        cmocka_unit_test(the_filter_does_as_it_is_told),
        cmocka_unit_test(frames_that_nobody_wants_take_no_buffer),
        cmocka_unit_test(address_tables_are_kept),
        cmocka_unit_test(the_address_can_be_changed),
        cmocka_unit_test(vlans_pass_one_by_one),
        cmocka_unit_test(queues_come_in_pairs),
        cmocka_unit_test(without_mq_control_is_the_third_queue),
        cmocka_unit_test(a_command_that_cannot_be_answered_wants_a_reset),
        cmocka_unit_test(the_link_goes_up_and_down),
        cmocka_unit_test(frames_have_sizes),
        cmocka_unit_test(a_broken_receive_queue_is_told),
        cmocka_unit_test(hollow_buffers_cost_a_sender_one_short_look),
        cmocka_unit_test(a_shortage_ends_with_the_next_buffer),
        cmocka_unit_test(a_frame_that_fits_lets_a_larger_one_try_again),
        cmocka_unit_test(a_queue_that_starts_anew_is_short_of_nothing),
        cmocka_unit_test(a_frame_to_send_may_be_in_many_pieces),
        cmocka_unit_test(a_back_end_of_one_op_will_do),
        cmocka_unit_test(a_pause_is_the_end_of_a_batch),
        cmocka_unit_test(a_queue_that_is_held_hands_nothing_out),
        cmocka_unit_test(a_reset_ends_a_hold),
        cmocka_unit_test(init_refuses_what_it_cannot_use),
        cmocka_unit_test(a_stream_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
