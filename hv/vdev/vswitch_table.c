/* SPDX-License-Identifier: BSD-2-Clause */
/* Which address is where: the filtering database (802.1Q 8.8). An entry lies in the port that it names, so that a port
 * that speaks for a thousand addresses forgets its own and nobody else's. */
#include "vdev/vswitch.h"

#include <stddef.h>

#define MAC_BITS 48U

uint64_t hv_vswitch_key_(uint16_t vlan, const uint8_t *mac)
{
    uint64_t key = vlan;

    for (unsigned i = 0; i < HV_VSWITCH_MAC; i++) {
        key = key << 8 | mac[i];
    }
    return key;
}

/* Ports choose addresses; what they cannot choose is the multiplier. */
static struct hv_vswitch_address **bucket_of(struct hv_vswitch *sw, uint64_t key)
{
    return &sw->buckets[(key * (sw->config.hash_key | 1U)) >> 58];
}

static struct hv_vswitch_address *look_up(struct hv_vswitch *sw, uint64_t key)
{
    struct hv_vswitch_address *entry = *bucket_of(sw, key);

    while (entry != NULL && entry->key != key) {
        entry = entry->next;
    }
    return entry;
}

static bool is_own(const struct hv_vswitch_address *entry)
{
    return entry == &entry->port->own;
}

static bool is_stale(const struct hv_vswitch *sw, const struct hv_vswitch_address *entry)
{
    return !is_own(entry) && sw->now - entry->seen > sw->config.ageing_ticks;
}

struct hv_vswitch_port *hv_vswitch_find_(struct hv_vswitch *sw, uint64_t key)
{
    const struct hv_vswitch_address *entry = look_up(sw, key);

    return entry != NULL && !is_stale(sw, entry) ? entry->port : NULL;
}

static void put_in(struct hv_vswitch_port *port, struct hv_vswitch_address *entry, uint64_t key)
{
    struct hv_vswitch_address **bucket = bucket_of(port->on, key);

    *entry = (struct hv_vswitch_address){.next = *bucket, .port = port, .key = key, .seen = port->on->now};
    *bucket = entry;
}

/* An entry that is none: nothing happens. */
static void take_out(struct hv_vswitch *sw, struct hv_vswitch_address *entry)
{
    struct hv_vswitch_address **at;

    if (entry->port == NULL) {
        return;
    }
    for (at = bucket_of(sw, entry->key); *at != entry; at = &(*at)->next) {
    }
    *at = entry->next;
    entry->port = NULL;
}

/* A free one, or the one that was not heard for the longest time. */
static struct hv_vswitch_address *make_room(struct hv_vswitch_port *port)
{
    struct hv_vswitch_address *oldest = &port->learned[0];

    for (uint32_t i = 0; i < HV_VSWITCH_LEARNED; i++) {
        struct hv_vswitch_address *entry = &port->learned[i];

        if (entry->port == NULL) {
            return entry;
        }
        oldest = entry->seen < oldest->seen ? entry : oldest;
    }
    port->counts[HV_VSWITCH_EVICTED] += is_stale(port->on, oldest) ? 0U : 1U;
    take_out(port->on, oldest);
    return oldest;
}

bool hv_vswitch_claim_(struct hv_vswitch_port *port, uint64_t key)
{
    struct hv_vswitch_address *entry = look_up(port->on, key);

    if (entry != NULL && is_own(entry)) {
        return false;
    }
    if (entry != NULL) {
        take_out(port->on, entry);
    }
    put_in(port, &port->own, key);
    return true;
}

bool hv_vswitch_learn_(struct hv_vswitch_port *port, uint64_t key)
{
    struct hv_vswitch_address *entry = look_up(port->on, key);

    if (entry != NULL && entry->port == port) {
        entry->seen = port->on->now;
        return true;
    }
    if (entry != NULL) {
        if (is_own(entry)) {
            return false;
        }
        port->counts[HV_VSWITCH_MOVED] += is_stale(port->on, entry) ? 0U : 1U;
        take_out(port->on, entry);
    }
    put_in(port, make_room(port), key);
    return true;
}

void hv_vswitch_forget_(struct hv_vswitch_port *port, bool own)
{
    for (uint32_t i = 0; i < HV_VSWITCH_LEARNED; i++) {
        take_out(port->on, &port->learned[i]);
    }
    if (own) {
        take_out(port->on, &port->own);
    }
}

bool hv_vswitch_station(const struct hv_vswitch_port *port, uint32_t index,
                        struct hv_vswitch_station *station)
{
    const struct hv_vswitch_address *entry;

    if (port->on == NULL || index > HV_VSWITCH_LEARNED) {
        return false;
    }
    entry = index == 0U ? &port->own : &port->learned[index - 1U];
    if (entry->port == NULL || is_stale(port->on, entry)) {
        return false;
    }
    *station = (struct hv_vswitch_station){.vlan = (uint16_t)(entry->key >> MAC_BITS),
                                           .is_own = is_own(entry),
                                           .age_ticks = is_own(entry) ? 0U : port->on->now - entry->seen};
    for (unsigned i = 0; i < HV_VSWITCH_MAC; i++) {
        station->mac[i] = (uint8_t)(entry->key >> (MAC_BITS - 8U - 8U * i));
    }
    return true;
}
