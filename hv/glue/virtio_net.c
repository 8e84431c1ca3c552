/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices, and the switches that they are plugged into. All devices of a switch are one lock domain, so that a
 * frame goes from its sender's buffers into its receiver's in one go, on the sender's CPU and for its account. */
#include "glue/virtio_net.h"

#include <libbase/mem.h>
#include <libvirtio/net.h>

#include "core/format.h"
#include "core/hv.h"
#include "core/place.h"
#include "glue/virtio.h"
#include "vdev/segment.h"

#define QUEUE_SIZE  256U
#define PAIRS       1U /* all queues of a device have one lock: more would gain nothing */
#define TRANSMIT    1U
#define MERGE       64U
#define MTU         1500U
#define BATCH_BYTES 0x8000U /* moved or counted as moved (HV_VSWITCH_EACH), then it is the guest's turn */

#define PATIENCE_PER_SECOND 100U   /* a frame waits for room at its receiver for 10 ms */
#define FLOODS_PER_SECOND   20000U /* of a port: what each costs is its peers', too */

/** A switch, from its first port to its last. */
struct hv_virtio_lan {
    struct hv_virtio_domain domain;
    struct hv_vswitch sw;
    uint32_t ports;                         /* Lock domain: the VM list */
    struct ash_virtio_request merge[MERGE]; /* of the one frame that is being delivered */
};

struct nic {
    struct ash_virtio_net net;
    struct hv_virtio_device *device;
    struct hv_virtio_lan *lan;
    struct hv_vswitch_port port;
    bool is_plugged;    /* as commanded; outlives the guest's life */
    uint32_t moved;     /* bytes in this batch */
    uint64_t cut;       /* frames delivered to it that were cut out of larger ones */
    uint64_t cut_short; /* of those larger ones: the rest was lost, for lack of room */
    /* The frame that has not been delivered to all yet; the queue is held meanwhile. */
    bool is_sending;
    bool is_at_once; /* it can go on as soon as others had their turn */
    struct ash_virtio_request frame;
    struct ash_virtio_net_header header;
};

/* ---- From the guest to the switch -------------------------------------------------------------------------------- */

struct sent {
    struct nic *nic;
    const struct ash_virtio_request *frame;
};

static int copy_sent(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct sent *sent = (const struct sent *)ctx;

    return ash_virtio_copy_in(&sent->nic->net.device, sent->frame, offset, to, size);
}

/** True: done with. False: it has to wait, and somebody will see to it that it goes on. */
static bool send(struct nic *nic, const struct ash_virtio_request *frame,
                 const struct ash_virtio_net_header *header)
{
    struct sent sent = {.nic = nic, .frame = frame};
    const struct hv_vswitch_frame out = {
        .size = (uint32_t)frame->readable_bytes, .copy = copy_sent, .ctx = &sent, .header = header};
    const uint32_t left = nic->moved < BATCH_BYTES ? BATCH_BYTES - nic->moved : 1U;
    struct hv_vswitch_turn turn = {.now = hv_arch_ticks(), .bytes = left};
    const int error = hv_vswitch_send(&nic->port, &out, &turn);

    nic->moved += left - turn.bytes;
    nic->is_at_once = error != ASH_OK && turn.again_at <= turn.now;
    if (nic->is_at_once) {
        hv_virtio_post(nic->device);
    } else if (error != ASH_OK) {
        hv_virtio_wake_at(nic->device, turn.again_at);
    }
    return error == ASH_OK;
}

static void transmit(void *ctx, const struct ash_virtio_request *frame,
                     const struct ash_virtio_net_header *header)
{
    struct nic *nic = (struct nic *)ctx;

    if (send(nic, frame, header)) {
        ASH_DISCARD(
            ash_virtio_net_complete(&nic->net, frame->queue, frame->token)); /* stale or broken: told */
    } else {
        nic->frame = *frame;
        nic->header = *header;
        nic->is_sending = true;
        ash_virtio_net_hold(&nic->net, frame->queue);
    }
    if (nic->moved >= BATCH_BYTES) {
        nic->moved = 0;
        ash_virtio_net_pause(&nic->net);
    }
}

/** The frame that waited. */
static bool work(struct hv_virtio_device *device)
{
    struct nic *nic = (struct nic *)device->state;

    nic->moved = 0;
    if (!nic->is_sending) {
        return false;
    }
    if (!send(nic, &nic->frame, &nic->header)) {
        return nic->is_at_once;
    }
    nic->is_sending = false;
    nic->moved = 0;
    ASH_DISCARD(ash_virtio_net_complete(&nic->net, nic->frame.queue, nic->frame.token)); /* as above */
    ash_virtio_signal(&nic->net.device, nic->frame.queue);
    ash_virtio_net_resume(&nic->net, nic->frame.queue);
    return false;
}

static void resume(void *ctx)
{
    hv_virtio_post(((struct nic *)ctx)->device);
}

static void receive_room(void *ctx, uint32_t pair)
{
    (void)pair;
    hv_vswitch_room(&((struct nic *)ctx)->port);
}

/** The driver's requests are stale: what waited is no more, and who waits for its buffers shall see that. */
static void queue_reset(void *ctx, uint32_t queue)
{
    struct nic *nic = (struct nic *)ctx;

    if (queue == TRANSMIT) {
        nic->is_sending = false;
        nic->moved = 0;
        hv_vswitch_cancel(&nic->port);
    } else {
        hv_vswitch_room(&nic->port);
    }
}

/* ---- From the switch to the guest -------------------------------------------------------------------------------- */

/** A frame whose checksum the sender has left to a receiver who never agreed to that. */
struct summed {
    const struct hv_vswitch_frame *frame;
    uint32_t at;
    uint8_t sum[2];
};

static int copy_summed(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct summed *summed = (const struct summed *)ctx;
    const int error = summed->frame->copy(summed->frame->ctx, offset, to, size);

    for (uint32_t i = 0; i < sizeof(summed->sum); i++) {
        if (error == ASH_OK && summed->at + i >= offset && summed->at + i - offset < size) {
            ((uint8_t *)to)[summed->at + i - offset] = summed->sum[i];
        }
    }
    return error;
}

/** What lies in the checksum's place is the pseudo header's sum (VIRTIO 1.2, 5.1.6.2): it is part of the whole. */
static int sum_up(struct summed *summed, const struct ash_virtio_net_header *header)
{
    const struct hv_vswitch_frame *frame = summed->frame;
    uint64_t total = 0;
    const int error = hv_sum_frame(frame->copy, frame->ctx, header->csum_start, frame->size, &total);
    const uint16_t sum = hv_sum_finish(total);

    summed->at = (uint32_t)header->csum_start + header->csum_offset;
    summed->sum[0] = (uint8_t)(sum >> 8);
    summed->sum[1] = (uint8_t)sum;
    return error;
}

/** Positions behind a tag that was taken off. False: they lay in it. */
static bool move_positions(struct ash_virtio_net_header *header, uint32_t cut)
{
    if (cut == 0U) {
        return true;
    }
    header->header_length = header->header_length > cut ? (uint16_t)(header->header_length - cut) : 0U;
    if ((header->flags & ASH_VIRTIO_NET_NEEDS_CSUM) != 0U) {
        if (header->csum_start < ASH_VIRTIO_NET_FRAME_MIN + cut) {
            return false;
        }
        header->csum_start = (uint16_t)(header->csum_start - cut);
    }
    return true;
}

static int receive_summed(struct nic *nic, const struct hv_vswitch_frame *frame,
                          struct ash_virtio_net_header *header)
{
    struct summed summed = {.frame = frame};
    const struct ash_virtio_source source = {.size = frame->size, .copy = copy_summed, .ctx = &summed};
    const int error = sum_up(&summed, header);

    header->flags = 0;
    return error == ASH_OK ? ash_virtio_net_receive(&nic->net, 0, header, &source) : error;
}

/** Where it can have the first of the frames only, the others are lost: TCP sends them again. */
static int receive_cut(struct nic *nic, const struct hv_vswitch_frame *frame,
                       const struct ash_virtio_net_header *header)
{
    static const struct ash_virtio_net_header nothing_to_do = {.flags = 0};
    const bool is_v6 = (header->gso_type & ~ASH_VIRTIO_NET_GSO_ECN) == ASH_VIRTIO_NET_GSO_TCPV6;
    struct hv_segmenter cut;
    struct ash_virtio_source source = {.copy = hv_segment_read, .ctx = &cut};
    uint32_t count = 0;
    int error = hv_segment_begin(&cut, frame->copy, frame->ctx, frame->size, is_v6, header->csum_start,
                                 header->gso_size, &count);

    for (uint32_t i = 0; i < count && error == ASH_OK; i++) {
        error = hv_segment_make(&cut, i, &source.size);
        error = error == ASH_OK ? ash_virtio_net_receive(&nic->net, 0, &nothing_to_do, &source) : error;
        nic->cut += error == ASH_OK ? 1U : 0U;
        if (error != ASH_OK && i > 0U) {
            nic->cut_short++;
            return ASH_OK;
        }
    }
    return error;
}

/** As it is, or with what its driver did not agree to do itself done for it. */
static int receive(struct nic *nic, const struct hv_vswitch_frame *frame,
                   struct ash_virtio_net_header *header)
{
    const struct ash_virtio_source source = {.size = frame->size, .copy = frame->copy, .ctx = frame->ctx};
    const uint32_t type = header->gso_type & ~ASH_VIRTIO_NET_GSO_ECN;
    const bool is_v4 = type == ASH_VIRTIO_NET_GSO_TCPV4;
    uint64_t needs = is_v4 ? ASH_VIRTIO_NET_F_GUEST_TSO4 : ASH_VIRTIO_NET_F_GUEST_TSO6;

    needs |= header->gso_type != type ? ASH_VIRTIO_NET_F_GUEST_ECN : 0U;
    if ((is_v4 || type == ASH_VIRTIO_NET_GSO_TCPV6) && (nic->net.device.features & needs) != needs &&
        ash_virtio_is_running(&nic->net.device)) {
        return receive_cut(nic, frame, header);
    }
    if ((header->flags & ASH_VIRTIO_NET_NEEDS_CSUM) != 0U && type == ASH_VIRTIO_NET_GSO_NONE &&
        !ash_virtio_has(&nic->net.device, ASH_VIRTIO_NET_F_GUEST_CSUM)) {
        return receive_summed(nic, frame, header);
    }
    return ash_virtio_net_receive(&nic->net, 0, header, &source);
}

static int deliver(void *ctx, const struct hv_vswitch_frame *frame)
{
    struct nic *nic = (struct nic *)ctx;
    struct ash_virtio_net_header header = *(const struct ash_virtio_net_header *)frame->header;
    int error;

    if (!hv_virtio_may_work(nic->device)) {
        return ASH_EBUSY;
    }
    if (!move_positions(&header, frame->cut)) {
        return ASH_EFORMAT;
    }
    error = receive(nic, frame, &header);
    if (error == ASH_OK) {
        ash_virtio_net_receive_done(&nic->net, 0);
    }
    return error;
}

/* ---- Switches ---------------------------------------------------------------------------------------------------- */

static const struct ash_boot_switch *switch_of(const struct hv_virtio_device *device)
{
    return &device->vm->hv->configured->switches[device->config->switch_number];
}

/** The switch that @device is to be plugged into. NULL: no memory. */
static struct hv_virtio_lan *take_lan(struct hv_virtio_device *device)
{
    struct hv *hv = device->vm->hv;
    struct hv_virtio_lan **at = &hv->lan[device->config->switch_number];
    struct hv_vswitch_config config = {.frequency = hv_arch_ticks_per_second()};
    struct hv_virtio_lan *lan;

    config.ageing_ticks = switch_of(device)->ageing_seconds * config.frequency;
    config.patience_ticks = config.frequency / PATIENCE_PER_SECOND;
    hv_lock(&hv->vms_lock);
    if (*at == NULL) {
        *at = (struct hv_virtio_lan *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(**at)));
        hv_rng_bytes(&hv->rng, &config.hash_key, sizeof(config.hash_key));
        if (*at != NULL) {
            ASH_DISCARD(hv_vswitch_init(&(*at)->sw, &config)); /* values of our own */
        }
    }
    lan = *at;
    if (lan != NULL) {
        lan->ports++;
    }
    hv_unlock(&hv->vms_lock);
    return lan;
}

static void drop_lan(struct hv_virtio_device *device)
{
    struct hv *hv = device->vm->hv;
    struct hv_virtio_lan **at = &hv->lan[device->config->switch_number];
    struct hv_virtio_lan *lan;

    hv_lock(&hv->vms_lock);
    lan = *at;
    lan->ports--;
    if (lan->ports == 0U) {
        *at = NULL;
        hv_pages_free(&hv->pages, lan, hv_pages_for(sizeof(*lan)));
    }
    hv_unlock(&hv->vms_lock);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static size_t size_of(const struct ash_boot_virtio *config)
{
    (void)config;
    return sizeof(struct nic) + hv_virtio_queue_bytes(ASH_VIRTIO_NET_QUEUES(PAIRS), QUEUE_SIZE);
}

static int make_device(struct hv_virtio_device *device)
{
    static const struct ash_virtio_net_backend backend = {
        .size = sizeof(backend), .transmit = transmit, .receive_room = receive_room, .reset = queue_reset};
    struct nic *nic = (struct nic *)device->state;
    struct ash_virtio_net_config config = {.backend = &backend,
                                           .backend_ctx = nic,
                                           .merge = nic->lan->merge,
                                           .merge_count = MERGE,
                                           .pair_count = PAIRS,
                                           .offloads = ASH_VIRTIO_NET_OFFLOADS,
                                           .mtu = MTU,
                                           .link_up = true};
    struct ash_virtio_site site;

    memcpy(config.mac, device->config->mac, sizeof(config.mac));
    hv_virtio_site(device, nic + 1, ASH_VIRTIO_NET_QUEUES(PAIRS), QUEUE_SIZE, &site);
    device->virtio = &nic->net.device;
    return ash_virtio_net_init(&nic->net, &config, &site);
}

static int plug_in(struct hv_virtio_device *device)
{
    static const struct hv_vswitch_ops ops = {.deliver = deliver, .resume = resume};
    struct nic *nic = (struct nic *)device->state;
    const uint32_t kbps =
        device->config->rate_kbps != 0U ? device->config->rate_kbps : switch_of(device)->rate_kbps;
    struct hv_vswitch_port_config config = {.vlan = (uint16_t)device->config->vlan,
                                            .is_isolated =
                                                device->config->isolated || switch_of(device)->isolated,
                                            .bytes_per_second = kbps * UINT64_C(125),
                                            .floods_per_second = FLOODS_PER_SECOND,
                                            .ops = &ops,
                                            .ctx = nic};
    int error;

    memcpy(config.mac, device->config->mac, sizeof(config.mac));
    hv_virtio_lock(NULL, device);
    error = hv_vswitch_attach(&nic->lan->sw, &nic->port, &config);
    hv_virtio_unlock(device);
    return error;
}

static int create(struct hv_virtio_device *device, const struct hv_plan_vm *plan)
{
    struct nic *nic = (struct nic *)device->state;
    int error;

    (void)plan;
    nic->device = device;
    nic->is_plugged = true;
    nic->lan = take_lan(device);
    if (nic->lan == NULL) {
        return ASH_ENOMEM;
    }
    device->domain = &nic->lan->domain;
    error = make_device(device);
    error = error == ASH_OK ? plug_in(device) : error;
    if (error == ASH_ENOSPC) {
        error = hv_virtio_refuse(device, error, "switch", "has no port left", "64 ports");
    }
    if (error != ASH_OK) {
        device->domain = &device->own;
        drop_lan(device);
    }
    return error;
}

static void reset(struct hv_virtio_device *device)
{
    struct nic *nic = (struct nic *)device->state;

    hv_vswitch_set_link(&nic->port, false); /* what it was heard to speak for is another life's */
    hv_vswitch_set_link(&nic->port, nic->is_plugged);
}

static void detach(struct hv_virtio_device *device)
{
    hv_vswitch_detach(&((struct nic *)device->state)->port);
}

static void destroy(struct hv_virtio_device *device)
{
    drop_lan(device);
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t size)
{
    const struct nic *nic = (const struct nic *)device->state;
    const uint8_t *mac = device->config->mac;
    size_t length = hv_format(text, size, "switch %s, %02x:%02x:%02x:%02x:%02x:%02x", switch_of(device)->name,
                              mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);

    if (device->config->vlan != 0U) {
        length += hv_format(text + length, size - length, ", vlan %u", device->config->vlan);
    }
    return length + hv_format(text + length, size - length, ", link %s; %lu sent, %lu received",
                              nic->is_plugged ? "up" : "down", nic->port.counts[HV_VSWITCH_IN],
                              nic->port.counts[HV_VSWITCH_OUT]);
}

const struct hv_virtio_ops hv_virtio_net_ops = {
    .batch = 32,
    .size = size_of,
    .create = create,
    .work = work,
    .reset = reset,
    .detach = detach,
    .destroy = destroy,
    .describe = describe,
};

/* ---- From outside ------------------------------------------------------------------------------------------------ */

/** NULL: @device is none. */
static struct hv_virtio_device *net_device(struct hv_vm *vm, uint32_t device)
{
    struct hv_virtio *virtio = vm->machine.virtio;

    return virtio != NULL && device < virtio->count && virtio->device[device].ops == &hv_virtio_net_ops
               ? &virtio->device[device]
               : NULL;
}

static void look(struct hv_cpu *cpu, struct hv_virtio_device *device, struct hv_virtio_net_port *port)
{
    const struct nic *nic = (const struct nic *)device->state;

    hv_virtio_lock(cpu, device);
    *port = (struct hv_virtio_net_port){.switch_name = switch_of(device)->name,
                                        .device = device->index,
                                        .vlan = (uint16_t)device->config->vlan,
                                        .is_up = nic->is_plugged,
                                        .has_driver = ash_virtio_is_running(&nic->net.device),
                                        .malformed = nic->net.malformed,
                                        .filtered = nic->net.filtered,
                                        .cut = nic->cut,
                                        .cut_short = nic->cut_short};
    memcpy(port->mac, device->config->mac, sizeof(port->mac));
    memcpy(port->counts, nic->port.counts, sizeof(port->counts));
    hv_virtio_unlock(device);
}

bool hv_virtio_net_look(struct hv_cpu *cpu, struct hv_vm *vm, uint32_t device,
                        struct hv_virtio_net_port *port)
{
    for (; device < ASH_BOOT_VIRTIO_MAX; device++) {
        if (net_device(vm, device) != NULL) {
            look(cpu, net_device(vm, device), port);
            return true;
        }
    }
    return false;
}

bool hv_virtio_net_station(struct hv_cpu *cpu, struct hv_vm *vm, uint32_t device, uint32_t index,
                           struct hv_vswitch_station *station)
{
    struct hv_virtio_device *net = net_device(vm, device);
    bool is_one;

    if (net == NULL) {
        return false;
    }
    hv_virtio_lock(cpu, net);
    is_one = hv_vswitch_station(&((struct nic *)net->state)->port, index, station);
    hv_virtio_unlock(net);
    return is_one;
}

static void set_link(struct hv_cpu *cpu, struct hv_virtio_device *device, bool is_up)
{
    struct nic *nic = (struct nic *)device->state;

    hv_virtio_lock(cpu, device);
    nic->is_plugged = is_up;
    ash_virtio_net_set_link(&nic->net, is_up);
    hv_vswitch_set_link(&nic->port, is_up);
    hv_virtio_post(device); /* a frame that waited is sent anew, to nobody while the link is down */
    hv_virtio_unlock(device);
}

uint32_t hv_virtio_net_set_link(struct hv_cpu *cpu, struct hv_vm *vm, uint32_t device, bool is_up)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ASH_BOOT_VIRTIO_MAX; i++) {
        if (net_device(vm, i) != NULL && (device == UINT32_MAX || device == i)) {
            set_link(cpu, net_device(vm, i), is_up);
            count++;
        }
    }
    return count;
}
