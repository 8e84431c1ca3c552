/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs on a switch, with drivers that write real rings: frames arrive whole and in order, whatever becomes of the
 * others; nobody waits for long for a peer that does not read; nothing is left behind. */
#include <string.h>

#include <libfdt.h>

#include <libbase/endian.h>
#include <libvcpu/psci.h>

#include "core/guest_memory.h"
#include "core/place.h"
#include "driver.h"
#include "glue/virtio_net.h"

#define SEEDS   25U
#define RINGS   UINT64_C(0x100000) /* of RAM: rings of the two queues, ... */
#define BUFFERS UINT64_C(0x140000) /* ... buffers to receive into, ... */
#define SENDING UINT64_C(0x200000) /* ... and those of what is sent */
#define BUFFER  UINT64_C(0x800)
#define LONG    UINT64_C(0x10000)
#define HEADER  12U
#define TIMEOUT 60000U

enum { ALICE, BOB, EVE, BOSS, VMS };

/* 5.1.3 */
#define MERGEABLE UINT64_C(0x8000)
#define OFFLOADS  UINT64_C(0x7f83)
#define ALL       (MERGEABLE | OFFLOADS)

static struct sim sim;

/* ---- Allocations that fail --------------------------------------------------------------------------------------- */

static uint32_t fails_in; /* so many allocations from now on one fails; 0: none does */

void *__real_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__real_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);
void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);

static bool fails(void)
{
    fails_in -= fails_in > 0U ? 1U : 0U;
    return fails_in == 0U;
}

void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request)
{
    return fails_in != 0U && fails() ? NULL : __real_hv_pages_alloc(pool, request);
}

void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages)
{
    return fails_in != 0U && fails() ? NULL : __real_hv_pages_alloc_zeroed(pool, pages);
}

/* ---- The board --------------------------------------------------------------------------------------------------- */

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

static void mac_of(unsigned vm, uint8_t *mac)
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

/* One VM's, and what it has seen. */
static struct station {
    unsigned vm;
    bool is_open;
    struct sim_queue rx, tx;
    unsigned in_flight; /* frames, each a chain of two */
    unsigned buffers;   /* for the device to write */
    uint64_t features;
    uint32_t sent;      /* frames, and their number */
    uint32_t got;       /* of frames that were meant for it */
    uint32_t last[VMS]; /* the number of the newest of each sender */
    unsigned merged;    /* chains still to come of the frame that is arriving */
    unsigned char frame[LONG + 32U];
    uint32_t frame_at, frame_size;
    unsigned longest;
} stations[VMS];

static void open_station(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned vm, uint64_t features)
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

static void give_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, unsigned most)
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

/* Addresses, a type for experiments, sender, number, size; the rest follows from these. */
static void make_frame(unsigned char *bytes, unsigned from, const uint8_t *to, uint32_t number, uint32_t size)
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

/* Put it into a buffer and make it available, behind @header. */
static void add_frame(struct hv_vcpu *vcpu, struct station *station, const unsigned char *header,
                      const unsigned char *bytes, uint32_t size)
{
    const uint64_t at = sim_ram(vcpu, SENDING + LONG * (station->tx.next / 2U % 16U));
    const struct sim_segment segments[2] = {{at, HEADER, false}, {at + 64U, size, false}};

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at), header, HEADER), ASH_OK);
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(at + 64U), bytes, size), ASH_OK);
    (void)sim_queue_add(vcpu, &station->tx, segments, 2);
    station->in_flight++;
}

static const unsigned char plain[HEADER];
static unsigned char scratch[LONG];

static void reap(struct hv_vcpu *vcpu, struct station *station)
{
    uint32_t head, length;

    while (sim_queue_used(vcpu, &station->tx, &head, &length)) {
        assert_true(station->in_flight > 0U);
        station->in_flight--;
    }
}

/* A frame to @to if there is room for it in the ring. */
static bool send_to(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, const uint8_t *to,
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

/* What is in station->frame: is it as it was sent, and newer than all before? */
static void judge(struct station *station)
{
    const unsigned char *bytes = station->frame + HEADER;
    const uint32_t size = station->frame_size - HEADER;
    uint32_t number;

    assert_true(size >= 24U);
    assert_true(bytes[14] < VMS && is_whole(bytes, size));
    memcpy(&number, bytes + 16, 4);
    assert_true(number >= station->last[bytes[14]]);
    station->last[bytes[14]] = number + 1U;
    station->longest = size > station->longest ? size : station->longest;
    station->got++;
}

static void receive(struct hv_vcpu *vcpu, struct station *station)
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

/** Of VM @vm's port: what is counted. */
static uint64_t counted(unsigned vm, enum hv_vswitch_count what)
{
    struct hv_virtio_net_port port;

    return hv_virtio_net_look(NULL, sim.hv.vm[vm], 0, &port) ? port.counts[what] : 0U;
}

static void board(unsigned count)
{
    memset(stations, 0, sizeof(stations));
    fails_in = 0;
    sim_beside_vms(a_switch);
    sim_board(&sim, 4, vms, count);
    sim_beside_vms(NULL);
}

/* ---- Frames in both directions ----------------------------------------------------------------------------------- */

static struct {
    uint64_t features[2];
    uint32_t frames;
    uint32_t size_most;
} talk;

static bool all_is_said(void)
{
    uint64_t arrived[2];

    for (unsigned i = 0; i < 2U; i++) {
        if (stations[i].sent < talk.frames) {
            return false;
        }
        arrived[i] = stations[i].got + counted(i, HV_VSWITCH_FULL) + counted(i, HV_VSWITCH_ABSENT) +
                     counted(i, HV_VSWITCH_REFUSED);
    }
    return arrived[ALICE] >= talk.frames && arrived[BOB] >= talk.frames;
}

static enum hv_verdict talk_to_each_other(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const unsigned me = sim_is(vcpu, "alice") ? ALICE : BOB;
    struct station *station = &stations[me];
    uint8_t to[6];

    assert_true(round < TIMEOUT);
    mac_of(1U - me, to);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, talk.features[me]);
        give_buffers(cpu, vcpu, station, 48);
        return HV_RESUME;
    }
    receive(vcpu, station);
    if (round % 3U == 0U) {
        give_buffers(cpu, vcpu, station, 48);
    }
    if (stations[1U - me].is_open && station->sent < talk.frames) {
        const uint32_t number = station->sent;

        (void)send_to(cpu, vcpu, station, to,
                      24U + number * 331U % (number % 8U == 7U ? talk.size_most - 24U : 1490U));
    }
    return all_is_said() ? sim_off(cpu, vcpu) : HV_RESUME;
}

static uint64_t frames_lost, frames_waited, longest;

static void talk_under_seed(uint64_t seed)
{
    board(2);
    sim_run(&sim, talk_to_each_other, seed);
    sim_assert_exit(&sim, "ok", NULL);
    for (unsigned i = 0; i < 2U; i++) {
        frames_lost += talk.frames - stations[i].got;
        frames_waited += counted(i, HV_VSWITCH_WAITS);
        longest = stations[i].longest > longest ? stations[i].longest : longest;
        assert_int_equal(counted(i, HV_VSWITCH_REFUSED), 0);
        assert_int_equal(counted(i, HV_VSWITCH_MALFORMED), 0);
        assert_int_equal(counted(i, HV_VSWITCH_IN), talk.frames);
    }
}

static void frames_arrive_whole_both_ways(void **state)
{
    static const uint64_t features[][2] = {{0, 0}, {ALL, ALL}, {MERGEABLE, ALL}};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(features); i++) {
        frames_lost = 0;
        frames_waited = 0;
        longest = 0;
        talk.features[0] = features[i][0];
        talk.features[1] = features[i][1];
        talk.frames = 120;
        talk.size_most = i == 1U ? 60000U : 1514U;
        sim_under_seeds("virtio-net", SEEDS, talk_under_seed);
        printf("%llu lost, %llu waited, the longest %llu bytes\n", (unsigned long long)frames_lost,
               (unsigned long long)frames_waited, (unsigned long long)longest);
        assert_true(longest > (i == 1U ? 30000U : 1400U));
        assert_int_equal(frames_lost, 0); /* who reads loses nothing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_whole_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
