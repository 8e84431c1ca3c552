/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices, and the switches that they are plugged into. All devices of a switch are one lock domain, so that a
 * frame goes from its sender's buffers into its receiver's in one go, on the sender's CPU and for its account. */
#include "glue/virtio_net.h"

#include <libbase/mem.h>

#include "core/format.h"
#include "core/hv.h"
#include "core/place.h"
#include "glue/virtio_net_internal.h"

#define QUEUE_SIZE 256U
#define MTU        1500U
/* Of what is left to the receiver that which hv can do for one who cannot (glue/virtio_net_receive.c): a large datagram
 * of UDP would have to become fragments, so that its sender makes them. */
#define OFFLOADS    (ASH_VIRTIO_NET_OFFLOADS & ~(ASH_VIRTIO_NET_F_GUEST_UFO | ASH_VIRTIO_NET_F_HOST_UFO))
#define BATCH_BYTES 0x8000U /* moved or counted as moved (HV_VSWITCH_EACH), then it is the guest's turn */

#define PATIENCE_PER_SECOND 100U /* a frame waits for room at its receiver for 10 ms */

/* ---- From the guest to the switch -------------------------------------------------------------------------------- */

struct sent {
    struct hv_virtio_nic_ *nic;
    const struct ash_virtio_request *frame;
};

static int copy_sent(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct sent *sent = (const struct sent *)ctx;

    return ash_virtio_copy_in(&sent->nic->net.device, sent->frame, offset, to, size);
}

/** True: done with. False: it has to wait, and somebody will see to it that it goes on. */
static bool send(struct hv_virtio_nic_ *nic, const struct ash_virtio_request *frame,
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

static void note_flow(struct hv_virtio_nic_ *nic, const struct ash_virtio_request *frame)
{
    const uint32_t size =
        frame->readable_bytes < HV_FLOW_HEAD ? (uint32_t)frame->readable_bytes : HV_FLOW_HEAD;
    uint8_t head[HV_FLOW_HEAD];

    if (ash_virtio_copy_in(&nic->net.device, frame, 0, head, size) == ASH_OK) {
        hv_flow_sent(nic->flows, hv_flow_of(head, size), frame->queue / 2U);
    }
}

/** It waits, and its queue is held. */
static void keep(struct hv_virtio_nic_ *nic, const struct ash_virtio_request *frame,
                 const struct ash_virtio_net_header *header)
{
    const uint32_t pair = frame->queue / 2U;

    nic->out[pair] = (struct hv_virtio_outgoing_){.frame = *frame, .header = *header};
    nic->waiting |= 1U << pair;
    ash_virtio_net_hold(&nic->net, frame->queue);
    if (nic->on_its_way == HV_VIRTIO_NO_PAIR) {
        nic->on_its_way = pair;
    }
}

static void transmit(void *ctx, const struct ash_virtio_request *frame,
                     const struct ash_virtio_net_header *header)
{
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)ctx;

    if (nic->flows != NULL) {
        note_flow(nic, frame);
    }
    if (nic->on_its_way == HV_VIRTIO_NO_PAIR && send(nic, frame, header)) {
        ASH_DISCARD(
            ash_virtio_net_complete(&nic->net, frame->queue, frame->token)); /* stale or broken: told */
    } else {
        keep(nic, frame, header);
    }
    if (nic->moved >= BATCH_BYTES) {
        nic->moved = 0;
        ash_virtio_net_pause(&nic->net);
    }
}

/** The one that the switch has; else each in turn. Some pair waits. */
static uint32_t next_pair(const struct hv_virtio_nic_ *nic)
{
    const uint32_t behind = nic->waiting & ~((2U << nic->last) - 1U);

    if (nic->on_its_way != HV_VIRTIO_NO_PAIR) {
        return nic->on_its_way;
    }
    return (uint32_t)__builtin_ctz(behind != 0U ? behind : nic->waiting);
}

/** The frames that waited, a batch of them. */
static bool work(struct hv_virtio_device *device)
{
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)device->state;

    nic->moved = 0;
    while (nic->waiting != 0U && nic->moved < BATCH_BYTES) {
        const uint32_t pair = next_pair(nic);
        const struct ash_virtio_request *frame = &nic->out[pair].frame;

        nic->on_its_way = pair;
        nic->last = pair;
        if (!send(nic, frame, &nic->out[pair].header)) {
            return nic->is_at_once;
        }
        nic->on_its_way = HV_VIRTIO_NO_PAIR;
        nic->waiting &= ~(1U << pair);
        ASH_DISCARD(ash_virtio_net_complete(&nic->net, frame->queue, frame->token)); /* as above */
        ash_virtio_signal(&nic->net.device, frame->queue);
        ash_virtio_net_resume(&nic->net, frame->queue);
    }
    nic->moved = 0;
    return nic->waiting != 0U;
}

static void resume(void *ctx)
{
    hv_virtio_post(((struct hv_virtio_nic_ *)ctx)->device);
}

static void receive_room(void *ctx, uint32_t pair)
{
    (void)pair;
    hv_vswitch_room(&((struct hv_virtio_nic_ *)ctx)->port);
}

/** The driver's requests are stale: what waited is no more, and who waits for its buffers shall see that. */
static void queue_reset(void *ctx, uint32_t queue)
{
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)ctx;
    const uint32_t pair = queue / 2U;

    if (queue % 2U == 0U) {
        hv_vswitch_room(&nic->port);
        return;
    }
    nic->waiting &= ~(1U << pair);
    if (nic->on_its_way == pair) {
        nic->on_its_way = HV_VIRTIO_NO_PAIR;
        hv_vswitch_cancel(&nic->port);
        hv_virtio_post(nic->device); /* for those that waited behind it */
    }
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

/** Behind the device: its flows, if it has pairs to choose of; the frames that wait; the queues. */
static size_t flow_bytes(const struct ash_boot_virtio *config)
{
    return config->queues > 1U ? sizeof(struct hv_flows) : 0U;
}

static size_t size_of(const struct ash_boot_virtio *config)
{
    return sizeof(struct hv_virtio_nic_) + flow_bytes(config) +
           config->queues * sizeof(struct hv_virtio_outgoing_) +
           hv_virtio_queue_bytes(ASH_VIRTIO_NET_QUEUES(config->queues), QUEUE_SIZE);
}

static int make_device(struct hv_virtio_device *device)
{
    static const struct ash_virtio_net_backend backend = {
        .size = sizeof(backend), .transmit = transmit, .receive_room = receive_room, .reset = queue_reset};
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)device->state;
    const uint32_t pairs = device->config->queues;
    struct ash_virtio_net_config config = {.backend = &backend,
                                           .backend_ctx = nic,
                                           .merge = nic->lan->merge,
                                           .merge_count = HV_VIRTIO_NET_MERGE,
                                           .pair_count = pairs,
                                           .offloads = OFFLOADS,
                                           .mtu = MTU,
                                           .link_up = true};
    struct ash_virtio_site site;

    nic->flows = pairs > 1U ? (struct hv_flows *)(void *)(nic + 1) : NULL;
    nic->out = (struct hv_virtio_outgoing_ *)(void *)((char *)(nic + 1) + flow_bytes(device->config));
    nic->on_its_way = HV_VIRTIO_NO_PAIR;
    memcpy(config.mac, device->config->mac, sizeof(config.mac));
    hv_virtio_site(device, &nic->out[pairs], ASH_VIRTIO_NET_QUEUES(pairs), QUEUE_SIZE, &site);
    device->virtio = &nic->net.device;
    return ash_virtio_net_init(&nic->net, &config, &site);
}

static int plug_in(struct hv_virtio_device *device)
{
    static const struct hv_vswitch_ops ops = {.deliver = hv_virtio_net_deliver_, .resume = resume};
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)device->state;
    const uint32_t kbps =
        device->config->rate_kbps != 0U ? device->config->rate_kbps : switch_of(device)->rate_kbps;
    struct hv_vswitch_port_config config = {.vlan = (uint16_t)device->config->vlan,
                                            .is_isolated =
                                                device->config->isolated || switch_of(device)->isolated,
                                            .bytes_per_second = kbps * UINT64_C(125),
                                            .floods_per_second = switch_of(device)->floods,
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
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)device->state;
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
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)device->state;

    hv_vswitch_set_link(&nic->port, false); /* what it was heard to speak for is another life's */
    hv_vswitch_set_link(&nic->port, nic->is_plugged);
}

static void detach(struct hv_virtio_device *device)
{
    hv_vswitch_detach(&((struct hv_virtio_nic_ *)device->state)->port);
}

static void destroy(struct hv_virtio_device *device)
{
    drop_lan(device);
}

static size_t describe(struct hv_virtio_device *device, char *text, size_t size)
{
    const struct hv_virtio_nic_ *nic = (const struct hv_virtio_nic_ *)device->state;
    const uint8_t *mac = device->config->mac;
    size_t length = hv_format(text, size, "switch %s, %02x:%02x:%02x:%02x:%02x:%02x", switch_of(device)->name,
                              mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);

    if (device->config->vlan != 0U) {
        length += hv_format(text + length, size - length, ", vlan %u", device->config->vlan);
    }
    if (device->config->queues > 1U) {
        length += hv_format(text + length, size - length, ", %u queue pairs", device->config->queues);
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
    const struct hv_virtio_nic_ *nic = (const struct hv_virtio_nic_ *)device->state;

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
    is_one = hv_vswitch_station(&((struct hv_virtio_nic_ *)net->state)->port, index, station);
    hv_virtio_unlock(net);
    return is_one;
}

static void set_link(struct hv_cpu *cpu, struct hv_virtio_device *device, bool is_up)
{
    struct hv_virtio_nic_ *nic = (struct hv_virtio_nic_ *)device->state;

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
