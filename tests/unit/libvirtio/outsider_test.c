/* SPDX-License-Identifier: BSD-2-Clause */
/* The device of docs/virtio-device.md, as it stands there, under a driver. */
#include "guest.h"

#include <string.h>

#define ADDER_ID     63U
#define ADDER_F_WIDE ASH_BIT(0)
#define BYTES_MAX    64U

/* As the page has it. */
struct adder {
    struct ash_virtio_device device;
    unsigned char space[4];
};

int adder_init(struct adder *adder, const struct ash_virtio_site *site, uint32_t bytes_max);
void adder_set_max(struct adder *adder, uint32_t bytes_max);

struct bench {
    struct guest guest;
    struct adder adder;
};

static void bench_open(struct bench *bench, uint64_t features)
{
    memset(bench, 0, sizeof(*bench));
    guest_prepare(&bench->guest, 1, ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(adder_init(&bench->adder, &bench->guest.site, BYTES_MAX), ASH_OK);
    guest_attach(&bench->guest, &bench->adder.device);
    guest_start(&bench->guest, features);
}

/* 7 + 0xfffffffe, cut in the middle of words; the sum's first bytes in the low ones of the result. */
static uint64_t add(struct bench *bench, uint32_t room, uint32_t *written)
{
    static const unsigned char words[8] = {7, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff};
    struct ash_virtq_segment segments[] = {guest_buffer(&bench->guest, 3, false),
                                           guest_buffer(&bench->guest, 5, false),
                                           guest_buffer(&bench->guest, room, true)};
    uint64_t sum = 0;
    int head;

    memcpy(guest_bytes(&bench->guest, segments[0]), words, 3);
    memcpy(guest_bytes(&bench->guest, segments[1]), words + 3, 5);
    head = guest_send(&bench->guest, 0, segments, 3);
    guest_run(&bench->guest, 4);
    *written = guest_take(&bench->guest, 0, head);
    memcpy(&sum, guest_bytes(&bench->guest, segments[2]), room);
    return sum;
}

static void it_adds_with_rings_of_either_format(void **state)
{
    static const uint64_t rings[] = {0, ASH_VIRTQ_F_PACKED, ASH_VIRTIO_RING_FEATURES};
    uint32_t written;

    (void)state;
    for (unsigned i = 0; i < 3U; i++) {
        struct bench bench;

        bench_open(&bench, rings[i] | ADDER_F_WIDE);
        assert_int_equal(guest_read(&bench.guest, 8), ADDER_ID);
        assert_true(add(&bench, 8, &written) == UINT64_C(0x100000005));
        assert_int_equal(written, 8);
        guest_close(&bench.guest);
        bench_open(&bench, rings[i]);
        assert_true(add(&bench, 8, &written) == 5); /* 32 bits of it, and no byte more */
        assert_int_equal(written, 4);
        guest_close(&bench.guest);
    }
}

static void its_configuration_changes_and_is_held_to(void **state)
{
    struct bench bench;
    uint32_t written, generation;

    (void)state;
    bench_open(&bench, ASH_VIRTQ_F_PACKED);
    assert_int_equal(guest_read(&bench.guest, 0x100), BYTES_MAX);
    generation = guest_read(&bench.guest, 0xFC);
    adder_set_max(&bench.adder, 0x10203);
    assert_int_equal(guest_read(&bench.guest, 0x100), 0x10203);
    assert_int_not_equal(guest_read(&bench.guest, 0xFC), generation);
    assert_int_equal(guest_read(&bench.guest, 0x60), ASH_VIRTIO_ISR_CONFIG);
    assert_true(add(&bench, 4, &written) == 5);
    guest_close(&bench.guest);
}

/* Too much to add, or no room for a sum. */
static void what_cannot_be_answered_breaks_the_queue_and_a_reset_mends_it(void **state)
{
    uint32_t written;

    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        struct bench bench;
        struct ash_virtq_segment segments[2];
        struct mock_used used;

        bench_open(&bench, 0);
        segments[0] = guest_buffer(&bench.guest, i == 0U ? BYTES_MAX + 4U : 4U, false);
        segments[1] = guest_buffer(&bench.guest, i == 0U ? 4U : 3U, true);
        (void)guest_send(&bench.guest, 0, segments, 2);
        guest_run(&bench.guest, 4);
        assert_false(guest_has_used(&bench.guest, 0, &used));
        assert_true((guest_read(&bench.guest, 0x70) & ASH_VIRTIO_NEEDS_RESET) != 0U);
        guest_start(&bench.guest, 0);
        assert_true(add(&bench, 4, &written) == 5);
        guest_close(&bench.guest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_adds_with_rings_of_either_format),
        cmocka_unit_test(its_configuration_changes_and_is_held_to),
        cmocka_unit_test(what_cannot_be_answered_breaks_the_queue_and_a_reset_mends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
