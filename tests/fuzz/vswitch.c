/* SPDX-License-Identifier: BSD-2-Clause */
/* A switch whose ports are all hostile: frames of any bytes, which change while they are read, receivers that say what
 * they like, ports that come and go with a frame half-way. Input: a program of such steps. */
#include "fuzz.h"

#include <libbase/errors.h>

#include "vdev/vswitch.h"

#define PORTS     7U
#define SIZE_MAX_ 96U
#define PATIENCE  1000U

static struct {
    struct hv_vswitch sw;
    struct port {
        unsigned char before[32];
        struct hv_vswitch_port port;
        unsigned char behind[32];
        uint16_t vlan;
        bool isolated, plugged, link, sending;
        unsigned char frame[SIZE_MAX_];
        uint32_t size;
        uint8_t answer;
    } port[PORTS];
    uint64_t now;
    unsigned sender, reads;
    unsigned char first[HV_VSWITCH_HEAD]; /* what was read of the frame first */
} b;

static int copy(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    struct port *port = (struct port *)ctx;

    FUZZ_CHECK(size > 0U && offset <= port->size && size <= port->size - offset);
    if (port->size % 16U == 15U) {
        return ASH_ENOENT;
    }
    memcpy(to, port->frame + offset, size);
    port->frame[(offset + b.reads) % SIZE_MAX_] ^= (unsigned char)(1U + b.reads); /* its other CPU writes */
    b.reads++;
    return ASH_OK;
}

static int deliver(void *ctx, const struct hv_vswitch_frame *frame)
{
    struct port *to = (struct port *)ctx, *from = &b.port[b.sender];
    unsigned char *bytes = malloc(frame->size);
    int error = ASH_OK;

    FUZZ_CHECK(bytes != NULL && to != from && to->plugged && to->link);
    FUZZ_CHECK(to->vlan == from->vlan && !(to->isolated && from->isolated));
    FUZZ_CHECK(frame->size >= 14U && frame->size + frame->cut == from->size && frame->header == &b);
    if (to->answer % 8U == 7U) {
        const int others[] = {ASH_EBUSY, ASH_ENOTSUP, ASH_EGUEST, 17};

        free(bytes);
        return others[to->answer / 8U % 4U];
    }
    if (to->answer % 8U == 6U) {
        free(bytes);
        return ASH_ENOSPC;
    }
    for (uint32_t at = 0, piece; at < frame->size && error == ASH_OK; at += piece) {
        piece = 1U + to->answer % (frame->size - at);
        error = frame->copy(frame->ctx, at, bytes + at, piece);
    }
    /* An access port never sees what was not judged: a VLAN's tag, a bridge's address, a group that speaks. */
    FUZZ_CHECK(error != ASH_OK || (bytes[6] & 1U) == 0U);
    FUZZ_CHECK(error != ASH_OK || memcmp(bytes, "\x01\x80\xC2\0\0", 5) != 0 || bytes[5] > 15U);
    FUZZ_CHECK(error != ASH_OK || from->vlan == 0U || frame->cut != 0U || bytes[12] != 0x81U ||
               bytes[13] != 0U);
    free(bytes);
    return error;
}

static void resume(void *ctx)
{
    const struct port *port = (const struct port *)ctx;

    FUZZ_CHECK(port->plugged && port->sending);
}

static const struct hv_vswitch_ops ops = {deliver, resume};

/* Tables and sets are whole. */
static void check(void)
{
    unsigned entries = 0, in_buckets = 0;

    for (unsigned i = 0; i < PORTS; i++) {
        const struct port *port = &b.port[i];
        struct hv_vswitch_station station;

        for (unsigned k = 0; k < 32U; k++) {
            FUZZ_CHECK(port->before[k] == 0xA5U && port->behind[k] == 0xA5U);
        }
        if (!port->plugged) {
            FUZZ_CHECK(port->port.on == NULL);
            continue;
        }
        FUZZ_CHECK(b.sw.ports[port->port.number] == &port->port);
        FUZZ_CHECK((port->port.way.targets & ~b.sw.attached) == 0U &&
                   (port->port.waiting & ~b.sw.attached) == 0U);
        FUZZ_CHECK(port->port.way.is_busy == port->sending);
        FUZZ_CHECK(port->sending || port->port.way.targets == 0U);
        FUZZ_CHECK(hv_vswitch_station(&port->port, 0, &station) && station.is_own &&
                   station.mac[5] == i + 1U);
        entries += 1U;
        for (uint32_t k = 0; k < HV_VSWITCH_LEARNED; k++) {
            entries += port->port.learned[k].port != NULL ? 1U : 0U;
            FUZZ_CHECK(port->port.learned[k].port == NULL || port->port.learned[k].port == &port->port);
        }
    }
    for (unsigned i = 0; i < HV_VSWITCH_BUCKETS; i++) {
        for (const struct hv_vswitch_address *entry = b.sw.buckets[i]; entry != NULL; entry = entry->next) {
            in_buckets++;
            FUZZ_CHECK(in_buckets <= entries);
        }
    }
    FUZZ_CHECK(in_buckets == entries);
}

static void plug(struct fuzz_input *in, unsigned n)
{
    const uint8_t how = fuzz_u8(in);
    struct port *port = &b.port[n];
    const struct hv_vswitch_port_config config = {.mac = {2, 0, 0, 0, 0, (uint8_t)(n + 1U)},
                                                  .vlan = how % 4U == 0U   ? 0U
                                                          : how % 4U == 1U ? 7U
                                                          : how % 4U == 2U ? 4094U
                                                                           : 4095U,
                                                  .is_isolated = (how & 4U) != 0U,
                                                  .bytes_per_second =
                                                      (how & 8U) != 0U ? fuzz_edge(in) >> 24 : 0U,
                                                  .floods_per_second = (how & 16U) != 0U ? fuzz_u16(in) : 0U,
                                                  .ops = &ops,
                                                  .ctx = port};
    const int error = hv_vswitch_attach(&b.sw, &port->port, &config);

    FUZZ_CHECK(error == (port->plugged ? ASH_EBUSY : ASH_OK) ||
               (error == ASH_EINVAL && config.vlan == 4095U) || (error == ASH_EINVAL && (how & 8U) != 0U));
    if (error == ASH_OK) {
        port->plugged = true;
        port->link = true;
        port->sending = false;
        port->vlan = config.vlan;
        port->isolated = config.is_isolated;
    }
}

/* Addresses that matter, and a type. */
static void write_frame(struct fuzz_input *in, struct port *port)
{
    const uint8_t kind = fuzz_u8(in);
    const uint8_t group[6] = {0x01, 0x80, 0xC2, 0, 0, kind};
    uint8_t to[6] = {2, 0, 0, 0, 0, kind}, from[6] = {2, 0, 0, 0, 0, fuzz_u8(in)};

    port->size = fuzz_below(in, SIZE_MAX_ + 1U);
    memset(port->frame, kind, SIZE_MAX_);
    memcpy(port->frame, kind >= 224U ? group : to, 6);
    memcpy(port->frame + 6, from, 6);
    if ((kind & 32U) != 0U) {
        port->frame[12] = 0x81;
        port->frame[13] = 0;
        port->frame[14] = fuzz_u8(in);
        port->frame[15] = fuzz_u8(in);
    }
}

static void send(struct fuzz_input *in, unsigned n)
{
    struct port *port = &b.port[n];
    const struct hv_vswitch_frame frame = {.size = port->size, .copy = copy, .ctx = port, .header = &b};
    struct hv_vswitch_turn turn = {.now = b.now, .bytes = fuzz_u16(in)};
    const uint32_t bytes = turn.bytes;
    int error;

    b.sender = n;
    error = hv_vswitch_send(&port->port, &frame, &turn);
    FUZZ_CHECK(error == ASH_OK || (error == ASH_EBUSY && port->plugged));
    FUZZ_CHECK(turn.bytes <= bytes);
    if (error == ASH_EBUSY) {
        FUZZ_CHECK(turn.again_at > b.now || turn.bytes == 0U || turn.again_at == b.sw.now);
        FUZZ_CHECK(turn.again_at <= b.sw.now + PATIENCE || port->port.config.bytes_per_second != 0U);
    }
    port->sending = port->port.way.is_busy;
}

static void set_link(unsigned n, bool is_up)
{
    struct port *port = &b.port[n];

    hv_vswitch_set_link(&port->port, is_up);
    port->link = port->plugged && is_up;
    port->sending = port->sending && port->link;
}

static void step(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);
    const unsigned n = op / 16U % PORTS;
    struct port *port = &b.port[n];

    switch (op % 16U) {
    case 0:
        plug(in, n);
        break;
    case 1:
        hv_vswitch_detach(&port->port);
        port->plugged = false;
        port->sending = false;
        break;
    case 2:
        set_link(n, (op & 128U) != 0U);
        break;
    case 3:
        hv_vswitch_cancel(&port->port);
        port->sending = false;
        break;
    case 4:
        b.now += fuzz_edge(in) >> 20;
        break;
    case 5:
        b.now += fuzz_u16(in);
        break;
    case 6:
    case 7:
        port->answer = fuzz_u8(in);
        break;
    case 8:
        hv_vswitch_room(&port->port);
        break;
    case 9:
        send(in, n);
        break;
    default:
        if (!port->sending) {
            write_frame(in, port);
        }
        send(in, n);
        break;
    }
    check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hv_vswitch_config config = {1000000, 50000, PATIENCE, 77};
    struct fuzz_input in = {data, size};

    memset(&b, 0, sizeof(b));
    FUZZ_CHECK(hv_vswitch_init(&b.sw, &config) == ASH_OK);
    for (unsigned i = 0; i < PORTS; i++) {
        memset(b.port[i].before, 0xA5, 32);
        memset(b.port[i].behind, 0xA5, 32);
    }
    while (fuzz_more(&in)) {
        step(&in);
    }
    for (unsigned i = 0; i < PORTS; i++) {
        hv_vswitch_detach(&b.port[i].port);
        b.port[i].plugged = false;
    }
    check();
    return 0;
}
