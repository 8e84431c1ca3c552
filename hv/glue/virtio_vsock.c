/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between VMs (VIRTIO 1.2, 5.10): a hub, to which every VM's socket device belongs, hands a packet from the
 * sender's buffer to the receiver's as it is. Connections and credit are the two ends'. A packet that its receiver has
 * no buffer for stays in its sender's, which holds up that sender and nobody else, and not for longer than PATIENCE_S,
 * or CROWD_S where it is one of so many that the sender's queue is short of room for what is for others: then it is
 * refused, and both ends are told that the connection is over, before anything that was sent behind it comes.
 * Refused at once is what is for nobody. Of what waits for one receiver the oldest goes first, whoever sent it.
 *
 * The hub notes who is connected to whom, so that an end whose peer is gone hears of it (RST). Of those that it had to
 * forget (virtio_vsock_links.h) an end hears when it sends next.
 *
 * One lock, the hub's domain, for all these devices. It is held for TURN deliveries at a time: how small a packet is
 * cut is the receiver's doing, so the rest is its job's. */
#include <libbase/mem.h>
#include <libvirtio/vsock.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "glue/virtio.h"
#include "glue/virtio_vsock_links.h"
#include "glue/virtio_vsock_shell.h"

#define QUEUE_SIZE 32U
#define PATIENCE_S 10U
#define CROWD_S    4U /* a VM that a busy machine leaves out for a second or two loses nothing */
#define TURN       8U

enum { RECEIVE, TRANSMIT };

struct sock;

/** A packet that waits in its sender's buffer. */
struct packet {
    struct ash_virtio_request payload;
    struct ash_virtio_vsock_header header;
    uint32_t done;  /* bytes of it that went out */
    uint64_t since; /* ticks */
};

struct hv_virtio_hub {
    struct hv_virtio_domain domain;
    struct sock *first;
    uint32_t turn;    /* deliveries left of it */
    uint32_t members; /* created and not destroyed. Lock domain: the VM list */
};

struct sock {
    struct ash_virtio_vsock vsock;
    struct hv_virtio_device *device;
    struct hv_virtio_hub *hub;
    struct sock *next;
    struct hv_vsock_links links;
    uint32_t waiting;                 /* packets, oldest first */
    uint64_t sent, received, refused; /* packets */
    struct packet packet[QUEUE_SIZE];
    struct hv_vsock_shell shell;
};

static struct sock *find(const struct hv_virtio_hub *hub, uint64_t cid)
{
    struct sock *sock = hub->first;

    while (sock != NULL && sock->device->config->cid != cid) {
        sock = sock->next;
    }
    return sock;
}

static uint64_t cid_of(const struct sock *sock)
{
    return sock->device->config->cid;
}

/* ---- Who is connected to whom ------------------------------------------------------------------------------------ */

/** @sock's guest, if there is one, is to be told that its connection with @peer is over. */
static void end_link(struct sock *sock, uint64_t peer, uint32_t port, uint32_t peer_port)
{
    if (sock != NULL && hv_vsock_links_end(&sock->links, peer, port, peer_port)) {
        hv_virtio_post(sock->device);
    }
}

/** @header went from @from to @to. */
static void follow(struct sock *from, struct sock *to, const struct ash_virtio_vsock_header *header)
{
    if (header->op == ASH_VIRTIO_VSOCK_REQUEST) {
        hv_vsock_links_note(&from->links, header->dst_cid, header->src_port, header->dst_port, header->type);
        hv_vsock_links_note(&to->links, header->src_cid, header->dst_port, header->src_port, header->type);
    } else if (header->op == ASH_VIRTIO_VSOCK_RST) {
        hv_vsock_links_forget(&from->links, header->dst_cid, header->src_port, header->dst_port);
        hv_vsock_links_forget(&to->links, header->src_cid, header->dst_port, header->src_port);
    }
}

/** @sock has no connection any more: whoever had one with it is to be told. */
static void end_links(struct sock *sock)
{
    for (uint32_t i = 0; i < HV_VSOCK_LINKS; i++) {
        const struct hv_vsock_link link = sock->links.link[i];
        struct sock *peer = link.peer != 0U ? find(sock->hub, link.peer) : NULL;

        if (peer != sock) {
            end_link(peer, cid_of(sock), link.peer_port, link.port);
        }
    }
    sock->links = (struct hv_vsock_links){.owes_end = false};
    /* Those that have something for it: it will be refused. */
    for (struct sock *other = sock->hub->first; other != NULL; other = other->next) {
        if (other != sock && other->waiting > 0U) {
            hv_virtio_post(other->device);
        }
    }
}

/* ---- Packets ----------------------------------------------------------------------------------------------------- */

struct wire {
    struct sock *from;
    const struct ash_virtio_request *payload;
};

static int copy(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct wire *wire = (const struct wire *)ctx;

    return ash_virtio_copy_in(&wire->from->vsock.device, wire->payload, offset, to, size);
}

/** A packet without a payload to @to's guest. */
static int send_header(struct sock *to, const struct ash_virtio_vsock_header *header)
{
    const struct ash_virtio_source nothing = {.size = 0};
    uint32_t taken;
    int error = ash_virtio_vsock_receive(&to->vsock, header, &nothing, 0, &taken);

    if (error == ASH_OK) {
        to->received++;
        ash_virtio_signal(&to->vsock.device, RECEIVE);
    }
    return error;
}

/** What is left of @packet into @to's buffers, as far as the turn goes. ASH_OK: all of it. ASH_ENOSPC: not yet. */
static int forward(struct sock *from, struct sock *to, struct packet *packet)
{
    struct wire wire = {from, &packet->payload};
    const struct ash_virtio_source source = {(uint32_t)packet->payload.readable_bytes, copy, &wire};
    uint32_t taken = 0;
    bool goes_on = true;
    int error = ASH_OK;

    while (error == ASH_OK && goes_on && from->hub->turn > 0U) {
        from->hub->turn--;
        error = ash_virtio_vsock_receive(&to->vsock, &packet->header, &source, packet->done, &taken);
        packet->done += error == ASH_OK ? taken : 0U;
        goes_on = packet->done < source.size;
    }
    ash_virtio_signal(&to->vsock.device, RECEIVE);
    if (error != ASH_OK || !goes_on) {
        return error;
    }
    hv_virtio_post(to->device);
    return ASH_ENOSPC;
}

/** Nobody is there, or will be. False: there is no room for the answer now. */
static bool refuse(struct sock *from, const struct packet *packet)
{
    const struct ash_virtio_vsock_header *header = &packet->header;
    struct ash_virtio_vsock_header answer;

    if (ash_virtio_vsock_refuse(header, &answer)) {
        int error = send_header(from, &answer);

        if (error == ASH_ENOSPC || error == ASH_ENOMEM) {
            return false;
        }
    }
    from->refused++;
    hv_vsock_links_forget(&from->links, header->dst_cid, header->src_port, header->dst_port);
    end_link(find(from->hub, header->dst_cid), header->src_cid, header->dst_port, header->src_port);
    return true;
}

/** How many packets before @at wait for the same receiver. */
static uint32_t count_ahead(const struct sock *sock, uint32_t at)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < at; i++) {
        count += sock->packet[i].header.dst_cid == sock->packet[at].header.dst_cid ? 1U : 0U;
    }
    return count;
}

/** When @at is refused, if it still waits. A quarter of the queue may wait for one receiver and half of it for any. */
static uint64_t deadline(const struct sock *sock, uint32_t at)
{
    const uint32_t size = sock->vsock.device.site.queues[TRANSMIT].layout.size;
    const bool is_crowded = count_ahead(sock, at) * 4U >= size || at * 2U >= size;

    return sock->packet[at].since + (is_crowded ? CROWD_S : PATIENCE_S) * hv_arch_ticks_per_second();
}

/** Is @to's guest to be told first that the connection of @header is over? */
static bool is_over(const struct sock *to, const struct ash_virtio_vsock_header *header)
{
    return hv_vsock_links_is_over(&to->links, header->src_cid, header->dst_port, header->src_port);
}

/** True: it is done with, one way or the other. */
static bool pass(struct sock *from, uint32_t at)
{
    struct packet *packet = &from->packet[at];
    struct sock *to = find(from->hub, packet->header.dst_cid);
    int error = ASH_EBUSY;

    if (packet->header.dst_cid == ASH_VIRTIO_VSOCK_CID_HOST &&
        hv_vsock_shell_take(&from->shell, &from->vsock, &packet->payload, &packet->header)) {
        hv_virtio_post(from->device);
        return true;
    }
    if (to != NULL && ash_virtio_is_running(&to->vsock.device)) {
        error = to->device->frozen || is_over(to, &packet->header) ? ASH_ENOSPC : forward(from, to, packet);
    }
    if (error == ASH_OK) {
        from->sent++;
        to->received++;
        follow(from, to, &packet->header);
        return true;
    }
    if ((error == ASH_ENOSPC || error == ASH_ENOMEM) && hv_arch_ticks() < deadline(from, at)) {
        return false;
    }
    return refuse(from, packet);
}

static void remove_packet(struct sock *sock, uint32_t at)
{
    sock->waiting--;
    memmove(&sock->packet[at], &sock->packet[at + 1U], (sock->waiting - at) * sizeof(sock->packet[0]));
}

/** Who has waited for @cid's buffers for longest, and with which packet. NULL: nobody. */
static struct sock *find_longest(const struct hv_virtio_hub *hub, uint64_t cid, uint32_t *at)
{
    struct sock *longest = NULL;

    for (struct sock *sock = hub->first; sock != NULL; sock = sock->next) {
        uint32_t i = 0;

        while (i < sock->waiting && sock->packet[i].header.dst_cid != cid) {
            i++;
        }
        if (i < sock->waiting && hv_virtio_may_work(sock->device) &&
            (longest == NULL || sock->packet[i].since < longest->packet[*at].since)) {
            longest = sock;
            *at = i;
        }
    }
    return longest;
}

/** Is it @at's turn, of what waits for the same receiver? */
static bool is_next(const struct sock *from, uint32_t at)
{
    const uint64_t cid = from->packet[at].header.dst_cid;
    const struct sock *to, *longest;
    uint32_t other;

    if (count_ahead(from, at) > 0U) {
        return false;
    }
    longest = find_longest(from->hub, cid, &other);
    if (longest == NULL || longest == from || longest->packet[other].since >= from->packet[at].since) {
        return true;
    }
    to = find(from->hub, cid);
    return to == NULL || !ash_virtio_is_running(&to->vsock.device);
}

/** True: @at is done with. */
static bool settle(struct sock *from, uint32_t at)
{
    const uint64_t token = from->packet[at].payload.token;

    if (count_ahead(from, at) > 0U ? !refuse(from, &from->packet[at]) : !pass(from, at)) {
        return false;
    }
    ASH_DISCARD(ash_virtio_push(&from->vsock.device, TRANSMIT, token, 0));
    ash_virtio_signal(&from->vsock.device, TRANSMIT);
    remove_packet(from, at);
    return true;
}

/** The first of what waits at @from that can go on, or is to be refused. True: one was done with. */
static bool resume(struct sock *from)
{
    const uint64_t now = hv_arch_ticks();

    for (uint32_t at = 0; at < from->waiting; at++) {
        if ((is_next(from, at) || deadline(from, at) <= now) && settle(from, at)) {
            return true;
        }
    }
    return false;
}

/** The job is to be there at @ticks, or before. */
static void wake_by(struct sock *sock, uint64_t ticks)
{
    if (sock->device->wake_at == 0U || ticks < sock->device->wake_at) {
        hv_virtio_wake_at(sock->device, ticks);
    }
}

/** At the first deadline to come. What is overdue waits for room for its refusal. */
static void wake_in_time(struct sock *sock)
{
    const uint64_t now = hv_arch_ticks();
    uint64_t first = UINT64_MAX;

    for (uint32_t at = 0; at < sock->waiting; at++) {
        const uint64_t end = deadline(sock, at);

        first = end > now && end < first ? end : first;
    }
    if (first != UINT64_MAX) {
        wake_by(sock, first);
    }
}

static void transmit(void *ctx, const struct ash_virtio_request *payload,
                     const struct ash_virtio_vsock_header *header)
{
    struct sock *sock = (struct sock *)ctx;
    const uint32_t at = sock->waiting; /* there are as many as the queue has entries */

    sock->packet[at] = (struct packet){.payload = *payload, .header = *header, .since = hv_arch_ticks()};
    sock->hub->turn = TURN;
    if (!is_next(sock, at) || !pass(sock, at)) {
        sock->waiting++;
        wake_by(sock, deadline(sock, at));
        return;
    }
    ASH_DISCARD(ash_virtio_push(&sock->vsock.device, TRANSMIT, payload->token, 0));
}

/* ---- The device's job -------------------------------------------------------------------------------------------- */

/** Ends that are to be told that their peer is gone, TURN of them. True: there are more, and there is room. */
static bool tell_ends(struct sock *sock)
{
    struct hv_vsock_links *links = &sock->links;
    const bool owes_end = links->owes_end;
    uint32_t left = TURN;
    int error = ASH_OK;

    links->owes_end = false;
    for (uint32_t i = 0; owes_end && i < HV_VSOCK_LINKS; i++) {
        struct hv_vsock_link *link = &links->link[i];
        const struct ash_virtio_vsock_header header = {.src_cid = link->peer,
                                                       .dst_cid = cid_of(sock),
                                                       .src_port = link->peer_port,
                                                       .dst_port = link->port,
                                                       .type = link->type,
                                                       .op = ASH_VIRTIO_VSOCK_RST};

        if (!link->is_over) {
            continue;
        }
        if (left > 0U && error == ASH_OK && (error = send_header(sock, &header)) == ASH_OK) {
            *link = (struct hv_vsock_link){.peer = 0};
            left--;
        }
        links->owes_end = links->owes_end || link->is_over;
    }
    return links->owes_end && error == ASH_OK;
}

static bool work(struct hv_virtio_device *device)
{
    struct sock *sock = (struct sock *)device->state;
    struct sock *from;
    bool more = tell_ends(sock);
    uint32_t at;

    sock->hub->turn = TURN;
    more = hv_vsock_shell_send(&sock->shell, &sock->vsock, TURN) || more;
    if (resume(sock)) {
        return true;
    }
    from = find_longest(sock->hub, cid_of(sock), &at);
    if (from != NULL && settle(from, at)) {
        return true;
    }
    wake_in_time(sock);
    return more;
}

static bool outside(struct hv_cpu *cpu, struct hv_virtio_device *device)
{
    return hv_vsock_shell_run(cpu, device, &((struct sock *)device->state)->shell);
}

static void receive_room(void *ctx)
{
    const struct sock *sock = (const struct sock *)ctx;

    hv_virtio_post(sock->device);
}

/** The driver has reset @queue; if it is not running, all of it. */
static void forget(void *ctx, uint32_t queue)
{
    struct sock *sock = (struct sock *)ctx;

    if (queue == TRANSMIT) {
        sock->waiting = 0;
    }
    if (!ash_virtio_is_running(&sock->vsock.device)) {
        end_links(sock);
        hv_vsock_shell_reset(&sock->shell);
    }
}

/* ---- Its life ---------------------------------------------------------------------------------------------------- */

static struct hv_virtio_hub *take_hub(struct hv *hv)
{
    struct hv_virtio_hub *hub;

    hv_lock(&hv->vms_lock);
    if (hv->hub == NULL) {
        hv->hub = (struct hv_virtio_hub *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*hub)));
    }
    hub = hv->hub;
    if (hub != NULL) {
        hub->members++;
    }
    hv_unlock(&hv->vms_lock);
    return hub;
}

static void drop_hub(struct hv *hv)
{
    hv_lock(&hv->vms_lock);
    if (--hv->hub->members == 0U) {
        hv_pages_free(&hv->pages, hv->hub, hv_pages_for(sizeof(*hv->hub)));
        hv->hub = NULL;
    }
    hv_unlock(&hv->vms_lock);
}

static size_t size(const struct ash_boot_virtio *config)
{
    (void)config;
    return sizeof(struct sock) + hv_virtio_queue_bytes(ASH_VIRTIO_VSOCK_QUEUES, QUEUE_SIZE);
}

static int make_device(struct hv_virtio_device *device)
{
    static const struct ash_virtio_vsock_backend backend = {
        .size = sizeof(backend), .transmit = transmit, .receive_room = receive_room, .reset = forget};
    struct sock *sock = (struct sock *)device->state;
    const struct ash_virtio_vsock_config config = {
        .backend = &backend, .backend_ctx = sock, .cid = device->config->cid, .has_seqpacket = true};
    struct ash_virtio_site site;

    hv_virtio_site(device, sock + 1, ASH_VIRTIO_VSOCK_QUEUES, QUEUE_SIZE, &site);
    device->virtio = &sock->vsock.device;
    return ash_virtio_vsock_init(&sock->vsock, &config, &site);
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    struct sock *sock = (struct sock *)device->state;
    int error;

    (void)plan;
    sock->device = device;
    sock->hub = take_hub(device->vm->hv);
    if (sock->hub == NULL) {
        return ASH_ENOMEM;
    }
    device->domain = &sock->hub->domain;
    error = make_device(device);
    if (error != ASH_OK) {
        drop_hub(device->vm->hv);
        return error;
    }
    hv_virtio_lock(NULL, device);
    sock->next = sock->hub->first;
    sock->hub->first = sock;
    hv_virtio_unlock(device);
    return ASH_OK;
}

static void detach(struct hv_virtio_device *device)
{
    struct sock *sock = (struct sock *)device->state;
    struct sock **at = &sock->hub->first;

    while (*at != sock) {
        at = &(*at)->next;
    }
    *at = sock->next;
    sock->waiting = 0;
    end_links(sock);
}

static void destroy(struct hv_virtio_device *device)
{
    device->domain = &device->own;
    drop_hub(device->vm->hv);
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t room)
{
    const struct sock *sock = (const struct sock *)device->state;

    return hv_format(text, room, "cid %u, %lu packets out, %lu in, %lu refused, %u waiting",
                     device->config->cid, (unsigned long)sock->sent, (unsigned long)sock->received,
                     (unsigned long)sock->refused, sock->waiting);
}

const struct hv_virtio_ops hv_virtio_vsock_ops = {.batch = 1,
                                                  .size = size,
                                                  .create = create,
                                                  .work = work,
                                                  .outside = outside,
                                                  .detach = detach,
                                                  .destroy = destroy,
                                                  .describe = describe};
