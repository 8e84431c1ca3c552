/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/virtio_vsock_links.h"

/** Its index, or LINKS. */
static uint32_t find(const struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port)
{
    uint32_t i = 0;

    while (i < HV_VSOCK_LINKS && (links->link[i].peer != peer || links->link[i].port != port ||
                                  links->link[i].peer_port != peer_port)) {
        i++;
    }
    return i;
}

static uint32_t count(const struct hv_vsock_links *links, uint64_t peer)
{
    uint32_t has = 0;

    for (uint32_t i = 0; i < HV_VSOCK_LINKS; i++) {
        has += links->link[i].peer == peer ? 1U : 0U;
    }
    return has;
}

/** Who has most; of those with as many as @peer, @peer. */
static uint64_t find_most(const struct hv_vsock_links *links, uint64_t peer)
{
    uint32_t most = count(links, peer);

    for (uint32_t i = 0; i < HV_VSOCK_LINKS; i++) {
        const uint32_t has = count(links, links->link[i].peer);

        if (has > most) {
            most = has;
            peer = links->link[i].peer;
        }
    }
    return peer;
}

static uint32_t find_oldest(const struct hv_vsock_links *links, uint64_t peer)
{
    uint32_t oldest = 0;
    uint32_t age = 0;

    for (uint32_t i = 0; i < HV_VSOCK_LINKS; i++) {
        const struct hv_vsock_link *link = &links->link[i];

        if (link->peer == peer && links->noted - link->noted >= age) {
            oldest = i;
            age = links->noted - link->noted;
        }
    }
    return oldest;
}

void hv_vsock_links_note(struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port,
                         uint16_t type)
{
    uint32_t at = find(links, peer, port, peer_port);

    if (at == HV_VSOCK_LINKS) {
        at = find(links, 0, 0, 0);
    }
    if (at == HV_VSOCK_LINKS) {
        at = find_oldest(links, find_most(links, peer));
    }
    links->link[at] = (struct hv_vsock_link){peer, port, peer_port, ++links->noted, type, false};
}

void hv_vsock_links_forget(struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port)
{
    const uint32_t at = find(links, peer, port, peer_port);

    if (at < HV_VSOCK_LINKS) {
        links->link[at] = (struct hv_vsock_link){.peer = 0};
    }
}

bool hv_vsock_links_end(struct hv_vsock_links *links, uint64_t peer, uint32_t port, uint32_t peer_port)
{
    const uint32_t at = find(links, peer, port, peer_port);

    if (at == HV_VSOCK_LINKS) {
        return false;
    }
    links->link[at].is_over = true;
    links->owes_end = true;
    return true;
}

bool hv_vsock_links_is_over(const struct hv_vsock_links *links, uint64_t peer, uint32_t port,
                            uint32_t peer_port)
{
    const uint32_t at = links->owes_end ? find(links, peer, port, peer_port) : HV_VSOCK_LINKS;

    return at < HV_VSOCK_LINKS && links->link[at].is_over;
}
