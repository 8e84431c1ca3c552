/* SPDX-License-Identifier: BSD-2-Clause */
/** A switch with stations at its ports. A station has room for so many frames, keeps what it got, and asks for the
 *  bytes in pieces of odd sizes. */
#ifndef VSWITCH_BENCH_H
#define VSWITCH_BENCH_H

#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"
#include "vdev/vswitch.h"

#define STATIONS  66U
#define KEPT      8U
#define FRAME_MAX 2048U

#define FREQUENCY UINT64_C(1000000)
#define AGEING    (300U * FREQUENCY)
#define PATIENCE  (FREQUENCY / 100U)

struct station {
    struct hv_vswitch_port port;
    unsigned room;                        /* frames that it still takes */
    int error;                            /* else what it says to a frame */
    uint32_t extra;                       /* what it is to be charged with */
    unsigned got, resumed;                /* since it was looked at */
    unsigned char frame[KEPT][FRAME_MAX]; /* the first that it got since */
    uint32_t size[KEPT], cut[KEPT];
    const void *header[KEPT];
};

/* What a station sends. */
struct sent {
    unsigned char bytes[FRAME_MAX];
    uint32_t size;
    unsigned copies;
    int error;
    bool lies; /* the first bytes are others when they are read again */
};

static struct bench {
    struct hv_vswitch sw;
    struct station at[STATIONS];
    uint64_t now;
    uint64_t again_at;
} bench;

static inline int station_deliver(void *ctx, const struct hv_vswitch_frame *frame)
{
    struct station *station = (struct station *)ctx;
    uint32_t piece = 1;
    const unsigned slot = station->got % KEPT;

    assert_int_equal(*frame->extra, 0);
    *frame->extra = station->extra;
    if (station->error != ASH_OK) {
        return station->error;
    }
    if (station->room == 0U) {
        return ASH_ENOSPC;
    }
    assert_true(frame->size <= FRAME_MAX);
    for (uint32_t at = 0; at < frame->size; at += piece, piece = piece * 2U + 1U) {
        piece = piece < frame->size - at ? piece : frame->size - at;
        if (frame->copy(frame->ctx, at, station->frame[slot] + at, piece) != ASH_OK) {
            return ASH_ENOENT;
        }
    }
    station->size[slot] = frame->size;
    station->cut[slot] = frame->cut;
    station->header[slot] = frame->header;
    station->room--;
    station->got++;
    return ASH_OK;
}

static inline void station_resume(void *ctx)
{
    ((struct station *)ctx)->resumed++;
}

static const struct hv_vswitch_ops station_ops = {station_deliver, station_resume};

static inline int copy_sent(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    struct sent *sent = (struct sent *)ctx;

    assert_true(size > 0U && offset <= sent->size && size <= sent->size - offset);
    if (sent->error != ASH_OK) {
        return sent->error;
    }
    memcpy(to, sent->bytes + offset, size);
    if (sent->lies && offset < 18U && sent->copies > 0U) {
        memset(to, 0xEE, size);
    }
    sent->copies++;
    return ASH_OK;
}

/* Station n's own address. */
static inline void mac_of(unsigned n, uint8_t *mac)
{
    const uint8_t bytes[] = {0x52, 0x54, 0, 0, 0, (uint8_t)(n + 1U)};

    memcpy(mac, bytes, sizeof(bytes));
}

static inline struct hv_vswitch_port_config config_of(unsigned n, uint16_t vlan)
{
    struct hv_vswitch_port_config config = {.vlan = vlan, .ops = &station_ops, .ctx = &bench.at[n]};

    mac_of(n, config.mac);
    return config;
}

static inline void plug_in(unsigned n, uint16_t vlan)
{
    const struct hv_vswitch_port_config config = config_of(n, vlan);

    bench.at[n].room = 1000000;
    assert_int_equal(hv_vswitch_attach(&bench.sw, &bench.at[n].port, &config), ASH_OK);
}

static inline void make_switch(void)
{
    const struct hv_vswitch_config config = {FREQUENCY, AGEING, PATIENCE, UINT64_C(0x9E3779B97F4A7C15)};

    memset(&bench, 0, sizeof(bench));
    bench.now = 1000;
    assert_int_equal(hv_vswitch_init(&bench.sw, &config), ASH_OK);
}

/* From @from to @to, addresses, with @size bytes in all. */
static inline struct sent frame_of(const uint8_t *to, const uint8_t *from, uint32_t size)
{
    struct sent sent = {.size = size};

    for (unsigned i = 0; i < FRAME_MAX; i++) {
        sent.bytes[i] = (unsigned char)(i * 7U + from[5]);
    }
    memcpy(sent.bytes, to, 6);
    memcpy(sent.bytes + 6, from, 6);
    sent.bytes[12] = 0x08;
    sent.bytes[13] = 0x00;
    return sent;
}

static inline void put_tag(struct sent *sent, uint16_t type, uint16_t tci)
{
    memmove(sent->bytes + 16, sent->bytes + 12, FRAME_MAX - 16U);
    sent->bytes[12] = (unsigned char)(type >> 8);
    sent->bytes[13] = (unsigned char)type;
    sent->bytes[14] = (unsigned char)(tci >> 8);
    sent->bytes[15] = (unsigned char)tci;
    sent->size += 4U;
}

static inline int send_for(unsigned n, struct sent *sent, uint32_t bytes)
{
    const struct hv_vswitch_frame frame = {
        .size = sent->size, .copy = copy_sent, .ctx = sent, .header = sent->bytes};
    struct hv_vswitch_turn turn = {.now = bench.now, .bytes = bytes};
    const int error = hv_vswitch_send(&bench.at[n].port, &frame, &turn);

    assert_true(error == ASH_OK || error == ASH_EBUSY);
    assert_true(turn.bytes <= bytes);
    bench.again_at = turn.again_at;
    return error;
}

static inline int send_from(unsigned n, struct sent *sent)
{
    return send_for(n, sent, UINT32_MAX);
}

/* What station n got since it was looked at last. */
static inline unsigned got(unsigned n)
{
    const unsigned count = bench.at[n].got;

    bench.at[n].got = 0;
    return count;
}

static inline uint64_t counted(unsigned n, enum hv_vswitch_count what)
{
    return bench.at[n].port.counts[what];
}

#endif
