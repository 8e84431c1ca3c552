/* SPDX-License-Identifier: BSD-2-Clause */
/* What a sender leaves to its receivers, done for those who did not agree to it: checksums and segments. */
#include <string.h>

#include <libbase/compiler.h>

#include "core/guest_memory.h"
#include "stations.h"

/* ---- Checksums --------------------------------------------------------------------------------------------------- */

static uint32_t sum_of(const unsigned char *bytes, uint32_t size)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < size; i++) {
        sum += i % 2U == 0U ? (uint32_t)bytes[i] << 8 : bytes[i];
    }
    while (sum > 0xFFFFU) {
        sum = (sum & 0xFFFFU) + (sum >> 16);
    }
    return sum;
}

#define SUM_START 34U
#define SUM_AT    (SUM_START + 6U) /* UDP's */

static unsigned sums_seen;

/** Frames whose sum is left to Bob, who never said that he can. */
static enum hv_verdict leave_sums_out(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const unsigned char header[HEADER] = {1, 0, 0, 0, 0, 0, SUM_START, 0, 6, 0};
    const unsigned me = who_is(vcpu);
    struct station *station = &stations[me];
    uint32_t head, length;

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, me == ALICE ? ALL : 0U);
        give_buffers(cpu, vcpu, station, 48);
        return HV_RESUME;
    }
    if (me == ALICE && stations[BOB].is_open && station->sent < 20U) {
        uint8_t to[6];

        mac_of(BOB, to);
        make_frame(scratch, ALICE, to, station->sent, 500);
        if (station->sent == 0U) { /* the sum of nothing is 0, which says that there is none */
            memset(scratch + SUM_START, 0, 500U - SUM_START);
            scratch[SUM_AT] = 0xFF;
            scratch[SUM_AT + 1U] = 0xFF;
        }
        add_frame(vcpu, station, header, scratch, 60U + 7U * station->sent++);
        sim_queue_kick(cpu, vcpu, &station->tx);
    }
    while (me == BOB && sim_queue_used(vcpu, &station->rx, &head, &length)) {
        unsigned char got[HEADER + 500], sent[500];
        uint32_t number, sum;

        assert_int_equal(
            hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, BUFFERS + BUFFER * head)), got, length), ASH_OK);
        assert_int_equal(got[0], 0); /* nothing is left to do */
        memcpy(&number, got + HEADER + 16, 4);
        make_frame(sent, ALICE, got + HEADER, number, 500);
        sum = (uint32_t)sent[SUM_AT] << 8 | sent[SUM_AT + 1U]; /* the pseudo header's, so to say */
        if (number == 0U) {
            assert_int_equal(got[HEADER + SUM_AT], 0xFF);
            assert_int_equal(got[HEADER + SUM_AT + 1U], 0xFF);
        } else {
            sum += sum_of(got + HEADER + SUM_START, length - HEADER - SUM_START);
            assert_int_equal((sum & 0xFFFFU) + (sum >> 16), 0xFFFF);
        }
        sums_seen++;
    }
    return sums_seen == 20U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void a_sum_that_is_left_out_is_filled_in_for_who_cannot(void **state)
{
    (void)state;
    sums_seen = 0;
    board(2);
    sim_run(&sim, leave_sums_out, 1);
    sim_assert_exit(&sim, "ok", NULL);
    assert_int_equal(counted(BOB, HV_VSWITCH_OUT), 20);
}

/* ---- Segments that are still to be cut --------------------------------------------------------------------------- */

#define TCP_AT      34U
#define PAYLOAD_AT  54U
#define PAYLOAD     6000U
#define EACH        1448U
#define TCP_PIECES  5U
#define TCP_SENDERS 3U

static struct {
    uint64_t features; /* of Bob */
    unsigned got;
    uint32_t bytes;
} cutting;

static void make_tcp(unsigned char *bytes)
{
    for (uint32_t i = 0; i < PAYLOAD_AT + PAYLOAD; i++) {
        bytes[i] = (unsigned char)(i * 3U + (i >> 8));
    }
    mac_of(BOB, bytes);
    mac_of(ALICE, bytes + 6);
    bytes[12] = 0x08;
    bytes[13] = 0;
    bytes[14] = 0x45;
    bytes[14 + 9] = 6;
    memset(bytes + TCP_AT + 4U, 0, 4);
    bytes[TCP_AT + 12U] = 0x50;
}

/** Bob's: each frame's sum is right, its number says where it belongs. */
static void take_piece(const unsigned char *got, uint32_t size)
{
    const unsigned char *ip = got + HEADER + 14U, *tcp = got + HEADER + TCP_AT;
    const uint32_t number = (uint32_t)tcp[6] << 8 | tcp[7], segment = size - HEADER - TCP_AT;
    uint32_t sum;

    make_tcp(scratch);
    assert_memory_equal(got, plain, 10);
    assert_memory_equal(got + HEADER + PAYLOAD_AT, scratch + PAYLOAD_AT + number, size - HEADER - PAYLOAD_AT);
    sum = sum_of(ip + 12, 8) + 6U + segment + sum_of(tcp, segment);
    assert_int_equal((sum & 0xFFFFU) + (sum >> 16), 0xFFFF);
    assert_int_equal(sum_of(ip, 20), 0xFFFF);
    cutting.got++;
    cutting.bytes += size - HEADER - PAYLOAD_AT;
}

static enum hv_verdict send_to_who_cannot_cut(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const unsigned char header[HEADER] = {1,         1,      PAYLOAD_AT, 0,  EACH & 0xFFU,
                                                 EACH >> 8, TCP_AT, 0,          16, 0};
    const unsigned me = who_is(vcpu);
    struct station *station = &stations[me];
    uint32_t head, length;

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, me == ALICE ? ALL : cutting.features);
        give_buffers(cpu, vcpu, station, 48);
        return HV_RESUME;
    }
    if (me == ALICE && stations[BOB].is_open && station->sent < TCP_SENDERS) {
        make_tcp(scratch);
        add_frame(vcpu, station, header, scratch, PAYLOAD_AT + PAYLOAD);
        station->sent++;
        sim_queue_kick(cpu, vcpu, &station->tx);
    }
    while (me == BOB && sim_queue_used(vcpu, &station->rx, &head, &length)) {
        unsigned char got[BUFFER];

        assert_int_equal(
            hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, BUFFERS + BUFFER * head)), got, length), ASH_OK);
        take_piece(got, length);
    }
    return cutting.bytes == TCP_SENDERS * PAYLOAD ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void a_segment_is_cut_for_who_cannot(void **state)
{
    static const uint64_t features[] = {0, MERGEABLE, UINT64_C(2), MERGEABLE | UINT64_C(0x102)};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(features); i++) {
        memset(&cutting, 0, sizeof(cutting));
        cutting.features = features[i];
        board(2);
        sim_run(&sim, send_to_who_cannot_cut, 1);
        sim_assert_exit(&sim, "ok", NULL);
        assert_int_equal(cutting.got, TCP_SENDERS * TCP_PIECES);
        assert_int_equal(counted(BOB, HV_VSWITCH_OUT), TCP_SENDERS);
        assert_int_equal(counted(BOB, HV_VSWITCH_REFUSED), 0);
    }
}

/* ---- What nobody could finish ------------------------------------------------------------------------------------ */

#define UFO UINT64_C(0x4400) /* GUEST_UFO, HOST_UFO */

/** A driver that sends what it was not offered: a large datagram, left to whoever receives. */
static enum hv_verdict send_a_datagram_to_be_cut(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const unsigned char header[HEADER] = {1, 3, 42, 0, 0xC8, 5, 34, 0, 6, 0}; /* GSO_UDP */
    const unsigned me = who_is(vcpu);
    struct station *station = &stations[me];
    uint8_t to[6];

    assert_true(round < TIMEOUT);
    if (!station->is_open) {
        open_station(cpu, vcpu, me, ALL);
        give_buffers(cpu, vcpu, station, 48);
        (void)sim_device(cpu, vcpu, sim_virtio(0) + 0x014U, true, 0); /* DeviceFeaturesSel */
        assert_int_equal(sim_device(cpu, vcpu, sim_virtio(0) + 0x010U, false, 0) & OFFLOADS, OFFLOADS & ~UFO);
        return HV_RESUME;
    }
    if (me == ALICE && stations[BOB].is_open && station->sent == 0U) {
        mac_of(BOB, to);
        make_frame(scratch, ALICE, to, station->sent++, 5000);
        add_frame(vcpu, station, header, scratch, 5000);
        sim_queue_kick(cpu, vcpu, &station->tx);
        (void)send_to(cpu, vcpu, station, to, 100);
    }
    receive(vcpu, station);
    return stations[BOB].got == 1U ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void what_could_not_be_cut_is_neither_offered_nor_taken(void **state)
{
    struct hv_virtio_net_port port;

    (void)state;
    board(2);
    sim_run(&sim, send_a_datagram_to_be_cut, 1);
    sim_assert_exit(&sim, "ok", NULL);
    assert_true(hv_virtio_net_look(NULL, sim.hv.vm[ALICE], 0, &port));
    assert_int_equal(port.malformed, 1);
    assert_int_equal(counted(BOB, HV_VSWITCH_OUT), 1);
    assert_int_equal(counted(BOB, HV_VSWITCH_REFUSED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_that_is_left_out_is_filled_in_for_who_cannot),
        cmocka_unit_test(a_segment_is_cut_for_who_cannot),
        cmocka_unit_test(what_could_not_be_cut_is_neither_offered_nor_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
