/* SPDX-License-Identifier: BSD-2-Clause */
/* The control queue of a network device (VIRTIO 1.2, 5.1.6.5), and what it sets: the filter. */
#include <libvirtio/state.h>

#include "internal.h"

#include <libbase/endian.h>
#include <libbase/mem.h>

/* A command: u8 class, u8 command, data; then u8 ack to write. */
#define COMMAND_BYTES 2U
#define ACK_OK        0U
#define ACK_ERR       1U

enum class { CLASS_RX, CLASS_MAC, CLASS_VLAN, CLASS_ANNOUNCE, CLASS_MQ };
enum mode { PROMISC, ALLMULTI, ALLUNI, NOMULTI, NOUNI, NOBCAST, MODE_COUNT };

#define MODE(mode) (1U << (unsigned)(mode))

#define MAC_TABLE_SET 0U
#define MAC_ADDR_SET  1U
#define VLAN_ADD      0U
#define VLAN_DEL      1U
#define MQ_PAIRS_SET  0U

#define MAC_BYTES 6U
#define UNICAST   0U
#define MULTICAST 1U

/* Bytes of data, from @offset on; false: there are not as many. */
static bool data_of(struct ash_virtio_net *net, const struct ash_virtio_request *request, uint64_t offset,
                    void *to, uint32_t size)
{
    return ash_virtio_copy_in(&net->device, request, offset, to, size) == ASH_OK;
}

static bool set_mode(struct ash_virtio_net *net, const struct ash_virtio_request *request, uint32_t command)
{
    const uint64_t feature = command > ALLMULTI ? ASH_VIRTIO_NET_F_CTRL_RX_EXTRA : ASH_VIRTIO_NET_F_CTRL_RX;
    unsigned char on;

    if (command >= MODE_COUNT || !ash_virtio_has(&net->device, feature) ||
        !data_of(net, request, 0, &on, 1)) {
        return false;
    }
    net->modes = on != 0U ? net->modes | MODE(command) : net->modes & ~MODE(command);
    return true;
}

/* One table: le32 entries, then as many addresses. *@offset goes behind it. */
static bool read_table(struct ash_virtio_net *net, const struct ash_virtio_request *request, uint64_t *offset,
                       unsigned char macs[ASH_VIRTIO_NET_MACS][MAC_BYTES], uint32_t *count)
{
    unsigned char entries[4];
    uint32_t kept;

    if (!data_of(net, request, *offset, entries, sizeof(entries))) {
        return false;
    }
    *count = ash_load_le32(entries);
    kept = *count <= ASH_VIRTIO_NET_MACS ? *count : 0U; /* of a longer one only its length matters */
    if (!data_of(net, request, *offset + sizeof(entries), macs, kept * MAC_BYTES)) {
        return false;
    }
    *offset += sizeof(entries) + (uint64_t)*count * MAC_BYTES;
    return *offset <= request->readable_bytes;
}

static bool set_table(struct ash_virtio_net *net, const struct ash_virtio_request *request)
{
    unsigned char macs[2][ASH_VIRTIO_NET_MACS][MAC_BYTES];
    uint32_t counts[2];
    uint64_t offset = 0;

    (void)memset(macs, 0, sizeof(macs));
    if (!ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_CTRL_RX) ||
        !read_table(net, request, &offset, macs[UNICAST], &counts[UNICAST]) ||
        !read_table(net, request, &offset, macs[MULTICAST], &counts[MULTICAST])) {
        return false;
    }
    (void)memcpy(net->macs, macs, sizeof(macs));
    net->mac_count[UNICAST] = counts[UNICAST];
    net->mac_count[MULTICAST] = counts[MULTICAST];
    return true;
}

static bool set_address(struct ash_virtio_net *net, const struct ash_virtio_request *request)
{
    unsigned char mac[MAC_BYTES];

    if (!ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_CTRL_MAC_ADDR) ||
        !data_of(net, request, 0, mac, MAC_BYTES) || (mac[0] & 1U) != 0U) {
        return false; /* nobody's own address is a group's */
    }
    /* The driver knows; but whoever reads the space in several pieces meanwhile shall see that it changed (2.5.3). */
    net->device.generation += memcmp(net->space, mac, MAC_BYTES) != 0 ? 1U : 0U;
    (void)memcpy(net->space, mac, MAC_BYTES);
    return true;
}

static bool set_vlan(struct ash_virtio_net *net, const struct ash_virtio_request *request, bool add)
{
    unsigned char bytes[2];
    uint32_t vlan;

    if (!ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_CTRL_VLAN) || !data_of(net, request, 0, bytes, 2)) {
        return false;
    }
    vlan = ash_load_le16(bytes);
    if (vlan >= 4096U) {
        return false;
    }
    vlan &= 4095U; /* under speculation, too */
    if (add) {
        net->vlans[vlan / 8U] |= (unsigned char)(1U << vlan % 8U);
    } else {
        net->vlans[vlan / 8U] &= (unsigned char)~(1U << vlan % 8U);
    }
    return true;
}

static bool set_pairs(struct ash_virtio_net *net, const struct ash_virtio_request *request)
{
    unsigned char bytes[2];
    uint32_t pairs;

    if (!ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_MQ) || !data_of(net, request, 0, bytes, 2)) {
        return false;
    }
    pairs = ash_load_le16(bytes);
    if (pairs == 0U || pairs > net->config.pair_count) {
        return false;
    }
    net->pairs_used = pairs;
    return true;
}

static bool perform(struct ash_virtio_net *net, const struct ash_virtio_request *request, uint32_t class,
                    uint32_t command)
{
    if (class == CLASS_RX) {
        return set_mode(net, request, command);
    }
    if (class == CLASS_MAC && command == MAC_TABLE_SET) {
        return set_table(net, request);
    }
    if (class == CLASS_MAC && command == MAC_ADDR_SET) {
        return set_address(net, request);
    }
    if (class == CLASS_VLAN && (command == VLAN_ADD || command == VLAN_DEL)) {
        return set_vlan(net, request, command == VLAN_ADD);
    }
    return class == CLASS_MQ && command == MQ_PAIRS_SET && set_pairs(net, request);
}

static void handle(struct ash_virtio_net *net, struct ash_virtio_request *request)
{
    unsigned char command[COMMAND_BYTES], ack;

    /* Without room for an acknowledgement it cannot be answered. */
    if (request->writable_bytes == 0U || !data_of(net, request, 0, command, COMMAND_BYTES)) {
        ash_virtio_refuse(&net->device, request->queue, request->readable_bytes);
        return;
    }
    ash_virtio_trim_readable(request, COMMAND_BYTES);
    ack = (unsigned char)(perform(net, request, command[0], command[1]) ? ACK_OK : ACK_ERR);
    ASH_DISCARD(ash_virtio_push(&net->device, request->queue, request->token,
                                ash_virtio_copy_out(&net->device, request, 0, &ack, 1) == ASH_OK ? 1U : 0U));
}

bool ash_virtio_net_serve_control_(struct ash_virtio_net *net, uint32_t queue, uint32_t budget)
{
    struct ash_virtio_request request;
    int error = ASH_OK;

    while (budget > 0U && (error = ash_virtio_pop(&net->device, queue, &request)) == ASH_OK) {
        handle(net, &request);
        budget--;
    }
    ash_virtio_signal(&net->device, queue);
    return budget == 0U || error == ASH_ENOMEM;
}

void ash_virtio_net_reset_filter_(struct ash_virtio_net *net)
{
    /* A driver that knows no filter gets everything; one that does turns this off. */
    net->modes = MODE(PROMISC);
    net->mac_count[UNICAST] = 0;
    net->mac_count[MULTICAST] = 0;
    net->pairs_used = 1;
    (void)memset(net->vlans, 0, sizeof(net->vlans));
    (void)memcpy(net->space, net->config.mac, MAC_BYTES);
}

static bool is_listed(const struct ash_virtio_net *net, uint32_t table, const unsigned char *mac)
{
    if (net->mac_count[table] > ASH_VIRTIO_NET_MACS) {
        return true;
    }
    for (uint32_t i = 0; i < net->mac_count[table]; i++) {
        if (memcmp(net->macs[table][i], mac, MAC_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static bool wants_address(const struct ash_virtio_net *net, const unsigned char *mac)
{
    static const unsigned char broadcast[MAC_BYTES] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

    if (memcmp(mac, broadcast, MAC_BYTES) == 0) {
        return (net->modes & MODE(NOBCAST)) == 0U;
    }
    if ((mac[0] & 1U) != 0U) {
        return (net->modes & MODE(NOMULTI)) == 0U &&
               ((net->modes & MODE(ALLMULTI)) != 0U || is_listed(net, MULTICAST, mac));
    }
    return (net->modes & MODE(NOUNI)) == 0U &&
           ((net->modes & MODE(ALLUNI)) != 0U || memcmp(mac, net->space, MAC_BYTES) == 0 ||
            is_listed(net, UNICAST, mac));
}

bool ash_virtio_net_wants(const struct ash_virtio_net *net, const unsigned char *frame, uint32_t size)
{
    /* "All incoming packets" (5.1.6.5.1.1), whatever their tag. */
    if ((net->modes & MODE(PROMISC)) != 0U) {
        return true;
    }
    if (!wants_address(net, frame)) {
        return false;
    }
    /* IEEE 802.1Q: 0x8100, then priority and the VLAN's 12 bits. */
    if (ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_CTRL_VLAN) && size >= 16U && frame[12] == 0x81U &&
        frame[13] == 0U) {
        const uint32_t vlan = ((uint32_t)frame[14] & 15U) << 8 | frame[15];

        return (net->vlans[vlan / 8U] >> vlan % 8U & 1U) != 0U;
    }
    return true;
}

uint32_t ash_virtio_net_state_bytes_(const void *ctx)
{
    (void)ctx;
    return sizeof(struct ash_virtio_net_state);
}

void ash_virtio_net_save_(void *ctx, void *state)
{
    const struct ash_virtio_net *net = ctx;
    struct ash_virtio_net_state *to = state;

    (void)memset(to, 0, sizeof(*to));
    to->pairs_used = net->pairs_used;
    to->modes = net->modes;
    (void)memcpy(to->mac_count, net->mac_count, sizeof(to->mac_count));
    (void)memcpy(to->mac, net->space, MAC_BYTES);
    (void)memcpy(to->macs, net->macs, sizeof(to->macs));
    (void)memcpy(to->vlans, net->vlans, sizeof(to->vlans));
}

bool ash_virtio_net_load_(void *ctx, const void *state)
{
    struct ash_virtio_net *net = ctx;
    const struct ash_virtio_net_state *from = state;
    const uint32_t most = ash_virtio_has(&net->device, ASH_VIRTIO_NET_F_MQ) ? net->config.pair_count : 1U;

    if (from->pairs_used == 0U || from->pairs_used > most || (from->modes & ~(MODE(MODE_COUNT) - 1U)) != 0U ||
        (from->mac[0] & 1U) != 0U || from->mac[6] != 0U || from->mac[7] != 0U) {
        return false;
    }
    net->pairs_used = from->pairs_used;
    net->modes = from->modes;
    (void)memcpy(net->mac_count, from->mac_count, sizeof(net->mac_count));
    (void)memcpy(net->space, from->mac, MAC_BYTES);
    (void)memcpy(net->macs, from->macs, sizeof(net->macs));
    (void)memcpy(net->vlans, from->vlans, sizeof(net->vlans));
    return true;
}
