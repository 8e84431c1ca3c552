/* SPDX-License-Identifier: BSD-2-Clause */
/* The relay (802.1Q 8.6). A frame is judged once, when it is first sent, and what remains to be done then is a set of
 * ports; so it can stop between any two of them. */
#include "vdev/vswitch.h"

#include <libbase/bits.h>
#include <libbase/errors.h>
#include <libbase/mem.h>

#define SOURCE_AT   6U
#define TYPE_AT     12U
#define HEADER_SIZE 14U
#define TAG_SIZE    4U
#define TPID        0x8100U /* of a C-tag (9.4, table 9-1) */
#define VID         0xFFFU  /* of the tag control information (9.6) */

#define BURST_PER_SECOND 50U /* a limit lets through at once what it does in a 50th of a second */
#define RATE_MAX         (UINT64_C(1) << 40)
#define FLOODS_MAX       (UINT64_C(1) << 20)
#define FREQUENCY_MAX    (UINT64_C(1) << 32)
#define FRAME_MAX        0x20000U /* bytes; times FREQUENCY_MAX it fits 64 bits */

const char *hv_vswitch_count_name(enum hv_vswitch_count count)
{
    static const char *const names[HV_VSWITCH_COUNTS] = {
        "sent",      "sent-bytes", "received", "received-bytes", "floods",  "delays", "waits",
        "malformed", "tagged",     "spoofed",  "reserved",       "nowhere", "storm",  "unplugged",
        "full",      "absent",     "refused",  "moved",          "evicted"};

    return names[count];
}

static void count(struct hv_vswitch_port *port, enum hv_vswitch_count what)
{
    port->counts[what]++;
}

/* ---- Limits ------------------------------------------------------------------------------------------ */

/* When may it go on? A limit's debt is at most its burst, then one thing more goes. */
static uint64_t limit_opens_at(const struct hv_vswitch *sw, const struct hv_vswitch_limit *limit)
{
    const uint64_t burst = sw->config.frequency / BURST_PER_SECOND;

    return limit->per_second != 0U && limit->due > burst ? limit->due - burst : 0U;
}

static void limit_charge(const struct hv_vswitch *sw, struct hv_vswitch_limit *limit, uint64_t units)
{
    const uint64_t from = limit->due > sw->now ? limit->due : sw->now;

    if (limit->per_second != 0U) {
        limit->due = from + (units * sw->config.frequency + limit->per_second - 1U) / limit->per_second;
    }
}

/* ---- What is delivered ------------------------------------------------------------------------------- */

/* The first bytes are those that were judged, the rest is the sender's to change until it is copied. */
struct parcel {
    const struct hv_vswitch_port *from;
    const struct hv_vswitch_frame *frame;
};

static int copy_parcel(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct parcel *parcel = (const struct parcel *)ctx;
    const uint32_t kept = parcel->from->way.head_size;
    unsigned char *at = (unsigned char *)to;

    if (offset < kept) {
        const uint32_t part = size < kept - offset ? size : kept - offset;

        (void)memcpy(at, parcel->from->way.head + offset, part);
        at += part;
        offset += part;
        size -= part;
    }
    return size == 0U ? ASH_OK
                      : parcel->frame->copy(parcel->frame->ctx, offset + parcel->from->way.cut, at, size);
}

/* False: it waits for room there. */
static bool deliver(struct hv_vswitch_port *from, struct hv_vswitch_port *to,
                    const struct hv_vswitch_frame *frame, struct hv_vswitch_turn *turn)
{
    struct parcel parcel = {.from = from, .frame = frame};
    uint32_t extra = 0;
    const struct hv_vswitch_frame out = {.size = frame->size - from->way.cut,
                                         .cut = from->way.cut,
                                         .extra = &extra,
                                         .copy = copy_parcel,
                                         .ctx = &parcel,
                                         .header = frame->header};
    const int error = to->is_up ? to->config.ops->deliver(to->config.ctx, &out) : ASH_EBUSY;
    const uint32_t cost = out.size + HV_VSWITCH_EACH + extra;

    turn->bytes -= cost < turn->bytes ? cost : turn->bytes;
    switch (error) {
    case ASH_OK:
        to->is_stuck = false;
        count(to, HV_VSWITCH_OUT);
        to->counts[HV_VSWITCH_OUT_BYTES] += out.size;
        return true;
    case ASH_ENOSPC:
        if (!from->way.is_flood && !to->is_stuck) {
            return false;
        }
        count(to, HV_VSWITCH_FULL);
        return true;
    case ASH_EBUSY:
        count(to, HV_VSWITCH_ABSENT);
        return true;
    default:
        count(to, HV_VSWITCH_REFUSED);
        return true;
    }
}

/* ---- Waiting ----------------------------------------------------------------------------------------- */

static uint64_t bit(const struct hv_vswitch_port *port)
{
    return ASH_BIT(port->number);
}

static int put_off(struct hv_vswitch_turn *turn, uint64_t until)
{
    turn->again_at = until;
    return ASH_EBUSY;
}

/* True: it goes on waiting. A receiver is waited for until one frame has waited in vain: a driver that gives no buffers
 * delays its peers once, and again only after it has given some. */
static bool wait_for(struct hv_vswitch_port *to, struct hv_vswitch_port *from)
{
    const struct hv_vswitch *sw = from->on;

    if (!from->way.is_waiting) {
        from->way.is_waiting = true;
        from->way.give_up_at = sw->now + sw->config.patience_ticks;
        count(from, HV_VSWITCH_WAITS);
    }
    if (sw->now >= from->way.give_up_at) {
        to->is_stuck = true;
        count(to, HV_VSWITCH_FULL);
        return false;
    }
    to->waiting |= bit(from);
    return true;
}

void hv_vswitch_room(struct hv_vswitch_port *port)
{
    struct hv_vswitch *sw = port->on;
    uint64_t waiting = port->waiting;

    port->is_stuck = false;
    port->waiting = 0;
    for (; waiting != 0U; waiting &= waiting - 1U) {
        struct hv_vswitch_port *from = sw->ports[__builtin_ctzll(waiting)];

        from->config.ops->resume(from->config.ctx);
    }
}

void hv_vswitch_cancel(struct hv_vswitch_port *port)
{
    struct hv_vswitch *sw = port->on;

    if (sw == NULL) {
        return;
    }
    for (uint64_t rest = port->way.targets; rest != 0U; rest &= rest - 1U) {
        sw->ports[__builtin_ctzll(rest)]->waiting &= ~bit(port);
    }
    port->way.is_busy = false;
    port->way.targets = 0;
}

/* ---- Where to ---------------------------------------------------------------------------------------- */

static bool is_group(const uint8_t *mac)
{
    return (mac[0] & 1U) != 0U;
}

/* Addresses that no bridge forwards (8.6.3, table 8-1): 01-80-C2-00-00-00 to -0F. */
static bool is_reserved(const uint8_t *mac)
{
    static const uint8_t block[] = {0x01, 0x80, 0xC2, 0x00, 0x00};

    return memcmp(mac, block, sizeof(block)) == 0 && mac[5] < 0x10U;
}

static bool is_individual(const uint8_t *mac)
{
    static const uint8_t none[HV_VSWITCH_MAC];

    return !is_group(mac) && memcmp(mac, none, HV_VSWITCH_MAC) != 0;
}

static bool may_pass(const struct hv_vswitch_port *from, const struct hv_vswitch_port *to)
{
    return to != from && to->config.vlan == from->config.vlan &&
           !(from->config.is_isolated && to->config.is_isolated);
}

/* Every port of the VLAN (8.6.2) that is neither the sender nor isolated from it. */
static uint64_t all_from(const struct hv_vswitch_port *from)
{
    const struct hv_vswitch *sw = from->on;
    uint64_t targets = 0;

    for (uint64_t rest = sw->attached; rest != 0U; rest &= rest - 1U) {
        const struct hv_vswitch_port *to = sw->ports[__builtin_ctzll(rest)];

        targets |= may_pass(from, to) ? bit(to) : 0U;
    }
    return targets;
}

/* 8.6.3: the ports that shall have it. */
static void choose_targets(struct hv_vswitch_port *from, const uint8_t *to_mac)
{
    const struct hv_vswitch_port *to =
        is_group(to_mac) ? NULL : hv_vswitch_find_(from->on, hv_vswitch_key_(from->config.vlan, to_mac));

    from->way.is_flood = to == NULL;
    if (to == NULL) {
        from->way.targets = all_from(from);
    } else {
        from->way.targets = may_pass(from, to) ? bit(to) : 0U;
    }
}

/* ---- A new frame ------------------------------------------------------------------------------------- */

/* A tag on an access port: a priority's goes, any other is not for here (6.9). False: lost. */
static bool take_off_tag(struct hv_vswitch_port *port, uint32_t size)
{
    unsigned char *head = port->way.head;

    if (port->config.vlan == 0U || (head[TYPE_AT] << 8 | head[TYPE_AT + 1U]) != TPID) {
        return true;
    }
    if (size < HEADER_SIZE + TAG_SIZE) {
        count(port, HV_VSWITCH_MALFORMED);
        return false;
    }
    if ((((unsigned)head[TYPE_AT + 2U] << 8 | head[TYPE_AT + 3U]) & VID) != 0U) {
        count(port, HV_VSWITCH_TAGGED);
        return false;
    }
    port->way.cut = TAG_SIZE;
    port->way.head_size = HEADER_SIZE;
    head[TYPE_AT] = head[TYPE_AT + TAG_SIZE];
    head[TYPE_AT + 1U] = head[TYPE_AT + TAG_SIZE + 1U];
    return true;
}

static bool read_head(struct hv_vswitch_port *port, const struct hv_vswitch_frame *frame)
{
    port->way.cut = 0;
    port->way.head_size = frame->size < HV_VSWITCH_HEAD ? frame->size : HV_VSWITCH_HEAD;
    if (frame->size < HEADER_SIZE || frame->size > FRAME_MAX ||
        frame->copy(frame->ctx, 0, port->way.head, port->way.head_size) != ASH_OK ||
        !is_individual(port->way.head + SOURCE_AT)) {
        count(port, HV_VSWITCH_MALFORMED);
        return false;
    }
    return take_off_tag(port, frame->size);
}

/* Frames for more than one, above their limit. */
static bool is_storm(struct hv_vswitch_port *port)
{
    if (!port->way.is_flood) {
        return false;
    }
    if (limit_opens_at(port->on, &port->floods) > port->on->now) {
        count(port, HV_VSWITCH_STORM);
        port->way.targets = 0;
        return true;
    }
    limit_charge(port->on, &port->floods, 1);
    count(port, HV_VSWITCH_FLOODS);
    return false;
}

/* False: lost, and counted. */
static bool judge(struct hv_vswitch_port *port, const struct hv_vswitch_frame *frame)
{
    const unsigned char *head = port->way.head;

    if (!read_head(port, frame)) {
        return false;
    }
    if (!hv_vswitch_learn_(port, hv_vswitch_key_(port->config.vlan, head + SOURCE_AT))) {
        count(port, HV_VSWITCH_SPOOFED);
        return false;
    }
    if (is_reserved(head)) {
        count(port, HV_VSWITCH_RESERVED);
        return false;
    }
    choose_targets(port, head);
    if (port->way.targets == 0U) {
        count(port, HV_VSWITCH_NOWHERE);
        return false;
    }
    if (is_storm(port)) {
        return false;
    }
    count(port, HV_VSWITCH_IN);
    port->counts[HV_VSWITCH_IN_BYTES] += frame->size;
    return true;
}

/* ---- Sending ----------------------------------------------------------------------------------------- */

static int carry_on(struct hv_vswitch_port *port, const struct hv_vswitch_frame *frame,
                    struct hv_vswitch_turn *turn)
{
    while (port->way.targets != 0U) {
        struct hv_vswitch_port *to = port->on->ports[__builtin_ctzll(port->way.targets)];

        if (turn->bytes == 0U) {
            return put_off(turn, port->on->now);
        }
        if (!deliver(port, to, frame, turn) && wait_for(to, port)) {
            return put_off(turn, port->way.give_up_at);
        }
        to->waiting &= ~bit(port);
        port->way.targets &= ~bit(to);
    }
    port->way.is_busy = false;
    return ASH_OK;
}

int hv_vswitch_send(struct hv_vswitch_port *port, const struct hv_vswitch_frame *frame,
                    struct hv_vswitch_turn *turn)
{
    struct hv_vswitch *sw = port->on;

    if (sw == NULL) {
        return ASH_OK;
    }
    sw->now = turn->now > sw->now ? turn->now : sw->now;
    if (port->way.is_busy) {
        return carry_on(port, frame, turn);
    }
    if (!port->is_up) {
        count(port, HV_VSWITCH_UNPLUGGED);
        return ASH_OK;
    }
    if (turn->bytes == 0U) {
        return put_off(turn, sw->now);
    }
    if (limit_opens_at(sw, &port->bytes) > sw->now) {
        count(port, HV_VSWITCH_DELAYS);
        return put_off(turn, limit_opens_at(sw, &port->bytes));
    }
    limit_charge(sw, &port->bytes, frame->size < FRAME_MAX ? frame->size : FRAME_MAX);
    if (!judge(port, frame)) {
        return ASH_OK;
    }
    port->way.is_busy = true;
    port->way.is_waiting = false;
    return carry_on(port, frame, turn);
}

/* ---- Ports ------------------------------------------------------------------------------------------- */

int hv_vswitch_init(struct hv_vswitch *sw, const struct hv_vswitch_config *config)
{
    if (config->frequency == 0U || config->frequency > FREQUENCY_MAX || config->ageing_ticks == 0U) {
        return ASH_EINVAL;
    }
    *sw = (struct hv_vswitch){.config = *config};
    return ASH_OK;
}

static bool is_config_ok(const struct hv_vswitch_port_config *config)
{
    return is_individual(config->mac) && config->vlan <= HV_VSWITCH_VLAN_MAX &&
           config->bytes_per_second <= RATE_MAX && config->floods_per_second <= FLOODS_MAX &&
           config->ops != NULL && config->ops->deliver != NULL && config->ops->resume != NULL;
}

int hv_vswitch_attach(struct hv_vswitch *sw, struct hv_vswitch_port *port,
                      const struct hv_vswitch_port_config *config)
{
    if (!is_config_ok(config)) {
        return ASH_EINVAL;
    }
    if (port->on != NULL) {
        return ASH_EBUSY;
    }
    if (sw->attached == UINT64_MAX) {
        return ASH_ENOSPC;
    }
    *port = (struct hv_vswitch_port){.on = sw,
                                     .config = *config,
                                     .number = (uint32_t)__builtin_ctzll(~sw->attached),
                                     .is_up = true,
                                     .bytes.per_second = config->bytes_per_second,
                                     .floods.per_second = config->floods_per_second};
    if (!hv_vswitch_claim_(port, hv_vswitch_key_(config->vlan, config->mac))) {
        port->on = NULL;
        return ASH_EEXIST;
    }
    sw->attached |= bit(port);
    sw->ports[port->number] = port;
    return ASH_OK;
}

void hv_vswitch_detach(struct hv_vswitch_port *port)
{
    struct hv_vswitch *sw = port->on;

    if (sw == NULL) {
        return;
    }
    hv_vswitch_cancel(port);
    hv_vswitch_forget_(port, true);
    sw->attached &= ~bit(port);
    sw->ports[port->number] = NULL;
    for (uint64_t rest = sw->attached; rest != 0U; rest &= rest - 1U) {
        sw->ports[__builtin_ctzll(rest)]->way.targets &= ~bit(port);
    }
    hv_vswitch_room(port);
    port->on = NULL;
}

void hv_vswitch_set_link(struct hv_vswitch_port *port, bool is_up)
{
    if (port->on == NULL || port->is_up == is_up) {
        return;
    }
    port->is_up = is_up;
    if (!is_up) {
        hv_vswitch_cancel(port);
        hv_vswitch_forget_(port, false);
        hv_vswitch_room(port);
    }
}
