/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between VMs (VIRTIO 1.2, 5.10): a hub, to which every VM's socket device belongs, hands a packet from the
 * sender's buffer to the receiver's as it is. Connections and credit are the two ends'. A packet that its receiver has
 * no buffer for stays in its sender's, which holds up that sender and nobody else, and not for longer than PATIENCE_S:
 * then it is refused, and with it the connection. Refused at once is what is for nobody.
 *
 * The hub notes who is connected to whom, so that an end whose peer is gone hears of it (RST). It notes LINKS
 * connections of each VM and forgets the oldest first: of those an end hears when it sends next.
 *
 * One lock, the hub's domain, for all these devices. */
#include <libbase/mem.h>
#include <libvirtio/vsock.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "glue/virtio.h"
#include "glue/virtio_vsock_shell.h"

#define QUEUE_SIZE 32U
#define LINKS      64U
#define PATIENCE_S 10U

enum { RECEIVE, TRANSMIT };

struct sock;

/** One half of a connection, at the end that has it. */
struct link {
    uint64_t peer; /* its CID; 0: none */
    uint32_t port;
    uint32_t peer_port;
    uint16_t type;
    bool is_over; /* the peer is gone, and this end is to be told */
};

/** A packet that waits in its sender's buffer. */
struct packet {
    struct ash_virtio_request payload;
    struct ash_virtio_vsock_header header;
    uint32_t done;    /* bytes of it that went out */
    uint64_t give_up; /* ticks */
};

struct hv_virtio_hub {
    struct hv_virtio_domain domain;
    struct sock *first;
    uint32_t members; /* created and not destroyed. Lock domain: the VM list */
};

struct sock {
    struct ash_virtio_vsock vsock;
    struct hv_virtio_device *device;
    struct hv_virtio_hub *hub;
    struct sock *next;
    struct link links[LINKS];
    uint32_t next_link;
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

static struct link *find_link(struct sock *sock, uint64_t peer, uint32_t port, uint32_t peer_port)
{
    for (uint32_t i = 0; i < LINKS; i++) {
        struct link *link = &sock->links[i];

        if (link->peer == peer && link->port == port && link->peer_port == peer_port) {
            return link;
        }
    }
    return NULL;
}

static void note_link(struct sock *sock, uint64_t peer, uint32_t port, uint32_t peer_port, uint16_t type)
{
    struct link *link = find_link(sock, peer, port, peer_port);

    if (link == NULL) {
        link = &sock->links[sock->next_link++ % LINKS];
    }
    *link = (struct link){.peer = peer, .port = port, .peer_port = peer_port, .type = type};
}

static void forget_link(struct sock *sock, uint64_t peer, uint32_t port, uint32_t peer_port)
{
    struct link *link = sock != NULL ? find_link(sock, peer, port, peer_port) : NULL;

    if (link != NULL) {
        link->peer = 0;
    }
}

/** @header went from @from to @to. */
static void follow(struct sock *from, struct sock *to, const struct ash_virtio_vsock_header *header)
{
    if (header->op == ASH_VIRTIO_VSOCK_REQUEST) {
        note_link(from, header->dst_cid, header->src_port, header->dst_port, header->type);
        note_link(to, header->src_cid, header->dst_port, header->src_port, header->type);
    } else if (header->op == ASH_VIRTIO_VSOCK_RST) {
        forget_link(from, header->dst_cid, header->src_port, header->dst_port);
        forget_link(to, header->src_cid, header->dst_port, header->src_port);
    }
}

/** @sock has no connection any more: whoever had one with it is to be told. */
static void end_links(struct sock *sock)
{
    for (uint32_t i = 0; i < LINKS; i++) {
        struct link *link = &sock->links[i];
        struct sock *peer = link->peer != 0U ? find(sock->hub, link->peer) : NULL;
        struct link *other = peer != NULL ? find_link(peer, cid_of(sock), link->peer_port, link->port) : NULL;

        link->peer = 0;
        if (other != NULL && peer != sock) {
            other->is_over = true;
            hv_virtio_post(peer->device);
        }
    }
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

/** What is left of @packet into @to's buffers. ASH_OK: all of it. */
static int forward(struct sock *from, struct sock *to, struct packet *packet)
{
    struct wire wire = {from, &packet->payload};
    const struct ash_virtio_source source = {(uint32_t)packet->payload.readable_bytes, copy, &wire};
    uint32_t taken = 0;
    int error;

    do {
        error = ash_virtio_vsock_receive(&to->vsock, &packet->header, &source, packet->done, &taken);
        packet->done += error == ASH_OK ? taken : 0U;
    } while (error == ASH_OK && packet->done < source.size);
    ash_virtio_signal(&to->vsock.device, RECEIVE);
    return error;
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
    forget_link(from, header->dst_cid, header->src_port, header->dst_port);
    forget_link(find(from->hub, header->dst_cid), header->src_cid, header->dst_port, header->src_port);
    return true;
}

/** True: it is done with, one way or the other. */
static bool pass(struct sock *from, struct packet *packet)
{
    struct sock *to = find(from->hub, packet->header.dst_cid);
    int error = ASH_EBUSY;

    if (packet->header.dst_cid == ASH_VIRTIO_VSOCK_CID_HOST &&
        hv_vsock_shell_take(&from->shell, &from->vsock, &packet->payload, &packet->header)) {
        hv_virtio_post(from->device);
        return true;
    }
    if (to != NULL && ash_virtio_is_running(&to->vsock.device)) {
        error = to->device->frozen ? ASH_ENOSPC : forward(from, to, packet);
    }
    if (error == ASH_OK) {
        from->sent++;
        to->received++;
        follow(from, to, &packet->header);
        return true;
    }
    if ((error == ASH_ENOSPC || error == ASH_ENOMEM) && hv_arch_ticks() < packet->give_up) {
        return false;
    }
    return refuse(from, packet);
}

static void remove_packet(struct sock *sock, uint32_t at)
{
    sock->waiting--;
    memmove(&sock->packet[at], &sock->packet[at + 1U], (sock->waiting - at) * sizeof(sock->packet[0]));
}

/** Has a packet before @at the same receiver? Then @at is not to overtake it. */
static bool is_behind_another(const struct sock *sock, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (sock->packet[i].header.dst_cid == sock->packet[at].header.dst_cid) {
            return true;
        }
    }
    return false;
}

/** The first of what waits at @from that can go on; @cid: to this one only, 0: to anybody. True: one was done with. */
static bool resume(struct sock *from, uint64_t cid)
{
    for (uint32_t at = 0; at < from->waiting; at++) {
        struct packet *packet = &from->packet[at];

        if ((cid != 0U && packet->header.dst_cid != cid) || is_behind_another(from, at) ||
            !pass(from, packet)) {
            continue;
        }
        ASH_DISCARD(ash_virtio_push(&from->vsock.device, TRANSMIT, packet->payload.token, 0));
        ash_virtio_signal(&from->vsock.device, TRANSMIT);
        remove_packet(from, at);
        return true;
    }
    return false;
}

static void transmit(void *ctx, const struct ash_virtio_request *payload,
                     const struct ash_virtio_vsock_header *header)
{
    struct sock *sock = (struct sock *)ctx;
    struct packet *packet = &sock->packet[sock->waiting]; /* as many as the queue has entries */
    const uint64_t patience = PATIENCE_S * hv_arch_ticks_per_second();

    *packet = (struct packet){.payload = *payload, .header = *header, .give_up = hv_arch_ticks() + patience};
    if (is_behind_another(sock, sock->waiting) || !pass(sock, packet)) {
        if (sock->waiting++ == 0U) { /* the job has it again when that is over */
            hv_virtio_wake_at(sock->device, packet->give_up);
        }
        return;
    }
    ASH_DISCARD(ash_virtio_push(&sock->vsock.device, TRANSMIT, payload->token, 0));
}

/* ---- The device's job -------------------------------------------------------------------------------------------- */

/** Ends that are to be told that their peer is gone. */
static void tell_ends(struct sock *sock)
{
    for (uint32_t i = 0; i < LINKS; i++) {
        struct link *link = &sock->links[i];
        const struct ash_virtio_vsock_header header = {.src_cid = link->peer,
                                                       .dst_cid = cid_of(sock),
                                                       .src_port = link->peer_port,
                                                       .dst_port = link->port,
                                                       .type = link->type,
                                                       .op = ASH_VIRTIO_VSOCK_RST};

        if (link->peer != 0U && link->is_over && send_header(sock, &header) == ASH_OK) {
            link->peer = 0;
        }
    }
}

static bool work(struct hv_virtio_device *device)
{
    struct sock *sock = (struct sock *)device->state;

    tell_ends(sock);
    hv_vsock_shell_send(&sock->shell, &sock->vsock);
    if (resume(sock, 0)) {
        return true;
    }
    for (struct sock *from = sock->hub->first; from != NULL; from = from->next) {
        if (from != sock && hv_virtio_may_work(from->device) && resume(from, cid_of(sock))) {
            return true;
        }
    }
    if (sock->waiting > 0U) {
        hv_virtio_wake_at(device, sock->packet[0].give_up);
    }
    return false;
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
