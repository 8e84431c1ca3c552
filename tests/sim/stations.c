/* SPDX-License-Identifier: BSD-2-Clause */
#include "stations.h"

#include <string.h>

#include <libfdt.h>

#include <libbase/endian.h>

#include "core/guest_memory.h"
#include "lives.h"

struct sim sim;

/* ---- The board --------------------------------------------------------------------------------------------------- */

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

void mac_of(unsigned vm, uint8_t *mac)
{
    const uint8_t bytes[] = {0x52, 0x54, 0, 0, 7, (uint8_t)(vm + 1U)};

    memcpy(mac, bytes, sizeof(bytes));
}

static void nic(void *tree, unsigned vm)
{
    uint8_t mac[6];

    mac_of(vm, mac);
    fdt_ok(fdt_begin_node(tree, "virtio_net"));
    fdt_ok(fdt_property(tree, "switch", "lan", 4));
    fdt_ok(fdt_property(tree, "mac", mac, sizeof(mac)));
    fdt_ok(fdt_end_node(tree));
}

static void nic_of_alice(void *tree)
{
    nic(tree, ALICE);
}

static void nic_of_bob(void *tree)
{
    nic(tree, BOB);
}

static void nic_of_eve(void *tree)
{
    nic(tree, EVE);
}

static void a_switch(void *tree)
{
    fdt_ok(fdt_begin_node(tree, "switches"));
    fdt_ok(fdt_begin_node(tree, "lan"));
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_end_node(tree));
}

#define ONE_CPU(n)      .vcpus = 1, .has_affinity = true, .affinity = {(n)}
#define RESTARTS_ALWAYS .on_reset = "restart", .restart_limit = {16, 86400}

static const struct sim_vm vms[VMS] = {
    {.name = "alice", ONE_CPU(0), .memory = 4U * SIM_MIB, .nodes = nic_of_alice},
    {.name = "bob", ONE_CPU(1), .memory = 4U * SIM_MIB, .nodes = nic_of_bob, RESTARTS_ALWAYS},
    {.name = "eve", ONE_CPU(2), .memory = 4U * SIM_MIB, .nodes = nic_of_eve, .background = true},
    {.name = "boss", ONE_CPU(3), .memory = 2U * SIM_MIB},
};

/* ---- A driver ---------------------------------------------------------------------------------------------------- */

struct station stations[VMS];

void open_station(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned vm, uint64_t features)
{
    struct station *station = &stations[vm];
    const uint64_t device = sim_virtio(0);

    station->vm = vm;
    station->features = features;
    station->in_flight = 0;
    station->buffers = 0;
    station->merged = 0;
    sim_driver_begin(cpu, vcpu, device, features);
    assert_int_equal(sim_device(cpu, vcpu, device + SIM_DEVICE_ID, false, 0), 1);
    sim_driver_queue(cpu, vcpu, &station->rx, device, 0, RINGS);
    sim_driver_queue(cpu, vcpu, &station->tx, device, 1, RINGS + SIM_QUEUE_BYTES);
    sim_driver_ok(cpu, vcpu, device);
    station->is_open = true;
}

void give_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, unsigned most)
{
    const unsigned before = station->buffers;

    while (station->buffers < most) {
        const struct sim_segment segment = {sim_ram(vcpu, BUFFERS + BUFFER * station->rx.next), BUFFER, true};

        (void)sim_queue_add(vcpu, &station->rx, &segment, 1);
        station->buffers++;
    }
    if (station->buffers != before) {
        sim_queue_kick(cpu, vcpu, &station->rx);
    }
}

static unsigned char byte_of(unsigned from, uint32_t number, uint32_t at)
{
    return (unsigned char)(at * 13U + number * 5U + from + (at >> 8));
}

void make_frame(unsigned char *bytes, unsigned from, const uint8_t *to, uint32_t number, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = byte_of(from, number, i);
    }
    memcpy(bytes, to, 6);
    mac_of(from, bytes + 6);
    bytes[12] = 0x88;
    bytes[13] = 0xB5;
    bytes[14] = (unsigned char)from;
    memcpy(bytes + 16, &number, 4);
    memcpy(bytes + 20, &size, 4);
}

static bool is_whole(const unsigned char *bytes, uint32_t size)
{
    uint32_t number, said;

    memcpy(&number, bytes + 16, 4);
    memcpy(&said, bytes + 20, 4);
    for (uint32_t i = 24; i < size; i++) {
        if (bytes[i] != byte_of(bytes[14], number, i)) {
            return false;
        }
    }
    return said == size;
}

void add_frame(struct hv_vcpu *vcpu, struct station *station, const unsigned char *header,
               const unsigned char *bytes, uint32_t size)
{
    const uint64_t at = sim_ram(vcpu, SENDING + LONG * (station->tx.next / 2U % 16U));
    const struct sim_segment segments[2] = {{at, HEADER, false}, {at + 64U, size, false}};

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), header, HEADER), ASH_OK);
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at + 64U), bytes, size), ASH_OK);
    (void)sim_queue_add(vcpu, &station->tx, segments, 2);
    station->in_flight++;
}

const unsigned char plain[HEADER];
unsigned char scratch[LONG];

void reap(struct hv_vcpu *vcpu, struct station *station)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &station->tx, &head, &length)) {
        assert_true(station->in_flight > 0U);
        station->in_flight--;
    }
}

bool send_to(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, const uint8_t *to,
             uint32_t size)
{
    /* 5.1.6.2: TCP over IPv4, to be cut into segments of 1448 bytes, sums left out. */
    static const unsigned char segmented[HEADER] = {1, 1, 54, 0, 0xA8, 5, 34, 0, 16, 0};

    reap(vcpu, station);
    if (station->in_flight >= 8U) {
        return false;
    }
    make_frame(scratch, station->vm, to, station->sent, size);
    add_frame(vcpu, station, size > 1514U ? segmented : plain, scratch, size);
    station->sent++;
    sim_queue_kick(cpu, vcpu, &station->tx);
    return true;
}

/* What is in station->frame: if it comes from Alice or Bob, is it as they sent it, and newer than all before? Nobody
 * else can send with their addresses, so nothing else bears them. */
static void judge(struct station *station)
{
    const unsigned char *bytes = station->frame + HEADER;
    const uint32_t size = station->frame_size - HEADER;
    uint8_t mac[6];
    uint32_t number;

    assert_true(size >= 14U);
    for (unsigned from = ALICE; from <= BOB; from++) {
        mac_of(from, mac);
        if (memcmp(bytes + 6, mac, 6) == 0) {
            assert_true(size >= 24U && bytes[14] == from && is_whole(bytes, size));
            memcpy(&number, bytes + 16, 4);
            assert_true(number >= station->last[from]);
            station->last[from] = number + 1U;
            station->longest = size > station->longest ? size : station->longest;
            station->got++;
        }
    }
}

void receive(struct hv_vcpu *vcpu, struct station *station)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &station->rx, &head, &length)) {
        assert_true(station->buffers > 0U && length <= BUFFER && head < SIM_QUEUE_SIZE);
        station->buffers--;
        if (station->merged == 0U) {
            station->frame_size = 0;
        }
        assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, BUFFERS + BUFFER * head)),
                                       station->frame + station->frame_size, length),
                         ASH_OK);
        if (station->merged == 0U) {
            station->merged = ash_load_le16(station->frame + 10);
            assert_true(station->merged > 0U);
        }
        station->frame_size += length;
        if (--station->merged == 0U) {
            judge(station);
        }
    }
}

unsigned who_is(const struct hv_vcpu *vcpu)
{
    return sim_is(vcpu, "alice") ? ALICE : sim_is(vcpu, "bob") ? BOB : sim_is(vcpu, "eve") ? EVE : BOSS;
}

uint64_t counted(unsigned vm, enum hv_vswitch_count what)
{
    struct hv_virtio_net_port port;

    return hv_virtio_net_look(NULL, sim.hv.vm[vm], 0, &port) ? port.counts[what] : 0U;
}

void board(unsigned count)
{
    memset(stations, 0, sizeof(stations));
    sim_fails_in = 0;
    sim_beside_vms(a_switch);
    sim_board(&sim, 4, vms, count);
    sim_beside_vms(NULL);
}
