/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/flow.h"

#include <stdbool.h>
#include <stddef.h>

#define MAC_SIZE 6U
#define TYPE_AT  12U
#define ETHERNET 14U
#define TAG      4U

#define TYPE_IPV4 0x0800U
#define TYPE_IPV6 0x86DDU
#define TYPE_TAG  0x8100U

/* RFC 791 3.1, RFC 8200 3: where what is. */
#define V4_FRAGMENT 6U
#define V4_PROTOCOL 9U
#define V4_FROM     12U
#define V4_LEAST    20U
#define V4_ADDRESS  4U
#define V6_NEXT     6U
#define V6_FROM     8U
#define V6_SIZE     40U
#define V6_ADDRESS  16U
#define TCP         6U
#define UDP         17U
#define PORT_SIZE   2U

static uint32_t load16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

/* FNV-1a (the 32-bit one), going on from @hash. */
static uint32_t mix(uint32_t hash, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 16777619U;
    }
    return hash;
}

/* Of two ends, whichever comes first: an address of @address_size bytes at @from and one behind it, and ports at
 * @ports if they are not NULL. */
static uint32_t of_ends(const uint8_t *from, uint32_t address_size, const uint8_t *ports)
{
    uint32_t one = mix(2166136261U, from, address_size);
    uint32_t other = mix(2166136261U, from + address_size, address_size);
    uint32_t both;

    if (ports != NULL) {
        one = mix(one, ports, PORT_SIZE);
        other = mix(other, ports + PORT_SIZE, PORT_SIZE);
    }
    both = one + other;
    return both ^ both >> 16; /* the low bits choose a place, and FNV's are its worst */
}

static const uint8_t *ports_of(const uint8_t *head, uint32_t size, uint32_t at, uint32_t protocol)
{
    return (protocol == TCP || protocol == UDP) && at + 2U * PORT_SIZE <= size ? head + at : NULL;
}

static uint32_t of_v4(const uint8_t *head, uint32_t size, uint32_t at)
{
    const uint32_t length = (uint32_t)(head[at] & 15U) * 4U;
    const bool is_whole =
        (load16(head + at + V4_FRAGMENT) & 0x3FFFU) == 0U; /* no more to come, none before */

    return of_ends(head + at + V4_FROM, V4_ADDRESS,
                   is_whole ? ports_of(head, size, at + length, head[at + V4_PROTOCOL]) : NULL);
}

uint32_t hv_flow_of(const uint8_t *head, uint32_t size)
{
    uint32_t at = ETHERNET;
    uint32_t type;

    size = size < HV_FLOW_HEAD ? size : HV_FLOW_HEAD;
    if (size < ETHERNET) {
        return 0;
    }
    type = load16(head + TYPE_AT);
    if (type == TYPE_TAG && size >= ETHERNET + TAG) {
        type = load16(head + TYPE_AT + TAG);
        at += TAG;
    }
    if (type == TYPE_IPV4 && size >= at + V4_LEAST) {
        return of_v4(head, size, at);
    }
    if (type == TYPE_IPV6 && size >= at + V6_SIZE) {
        return of_ends(head + at + V6_FROM, V6_ADDRESS,
                       ports_of(head, size, at + V6_SIZE, head[at + V6_NEXT]));
    }
    return of_ends(head, MAC_SIZE, NULL);
}

void hv_flow_sent(struct hv_flows *flows, uint32_t flow, uint32_t pair)
{
    flows->of[flow % HV_FLOWS].flow = flow;
    flows->of[flow % HV_FLOWS].pair = (uint8_t)(pair + 1U);
}

uint32_t hv_flow_pair(const struct hv_flows *flows, uint32_t flow, uint32_t pairs)
{
    const uint32_t at = flow % HV_FLOWS;

    return (flows->of[at].pair != 0U && flows->of[at].flow == flow ? flows->of[at].pair - 1U : flow) % pairs;
}
