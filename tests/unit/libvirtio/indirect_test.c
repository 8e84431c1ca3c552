/* SPDX-License-Identifier: BSD-2-Clause */
/* Indirect tables: 2.7.5.3. */
#include "rig.h"

static void fill(struct ash_virtq_segment *segments, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        segments[i] = rig_segment(MOCK_RAM_BASE + 0x100 * i, i + 1, i >= count / 2);
    }
}

static void expect_filled(const struct rig *rig, unsigned count)
{
    assert_int_equal(rig->chain.segment_count, count);
    assert_int_equal(rig->chain.readable_count, count / 2);
    for (unsigned i = 0; i < count; i++) {
        rig_expect_segment(rig, i, MOCK_RAM_BASE + 0x100 * i, i + 1, i >= count / 2);
    }
}

static void a_table_gives_its_chain(void **state)
{
    struct rig rig;
    struct ash_virtq_segment in[16];

    (void)state;
    rig_open(&rig, 16, ASH_VIRTQ_F_INDIRECT_DESC);
    for (unsigned count = 1; count <= 16; count++) {
        const uint64_t table = mock_memory_alloc(&rig.mem, 16 * count, 0);
        struct mock_used used;

        fill(in, count);
        assert_true(mock_driver_add_indirect(&rig.drv, table, in, count) >= 0);
        mock_driver_publish(&rig.drv);
        rig_serve(&rig, count / 2);
        expect_filled(&rig, count);
        assert_int_equal(rig.mem.mapped, 3);
        assert_true(mock_driver_take_used(&rig.drv, &used));
        assert_int_equal(used.written, count / 2);
    }
    rig_close(&rig);
}

static void a_table_may_lie_at_any_address(void **state)
{
    struct rig rig;
    struct ash_virtq_segment in[3];

    (void)state;
    rig_open(&rig, 16, ASH_VIRTQ_F_INDIRECT_DESC);
    fill(in, 3);
    for (unsigned skew = 0; skew < 16; skew++) {
        assert_true(mock_driver_add_indirect(&rig.drv, mock_memory_alloc(&rig.mem, 48, skew), in, 3) >= 0);
        mock_driver_publish(&rig.drv);
        assert_int_equal(rig_pop(&rig), ASH_OK);
        expect_filled(&rig, 3);
    }
    rig_close(&rig);
}

static void the_order_in_the_table_is_that_of_next(void **state)
{
    struct rig rig;
    uint64_t ipa;
    unsigned char *table;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    ipa = mock_memory_alloc(&rig.mem, 16 * 1000, 0); /* more entries than the queue, most not in the chain */
    table = mock_memory_at(&rig.mem, ipa, 16 * 1000);
    mock_descriptor(table, 0, MOCK_RAM_BASE, 1, MOCK_NEXT, 999);
    mock_descriptor(table, 999, MOCK_RAM_BASE, 2, MOCK_NEXT, 7);
    mock_descriptor(table, 7, MOCK_RAM_BASE, 3, 0, 0xFFFF);
    mock_descriptor(rig.drv.desc, 2, ipa, 16 * 1000, MOCK_INDIRECT, 0xFFFF);
    mock_driver_offer(&rig.drv, 2);
    mock_driver_publish(&rig.drv);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.segment_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        rig_expect_segment(&rig, i, MOCK_RAM_BASE, i + 1, false);
    }
    rig_close(&rig);
}

/* 2.7.5.3.2: normal descriptors before the one with the table; and its WRITE flag means nothing. */
static void a_table_may_end_a_direct_chain(void **state)
{
    struct rig rig;
    uint64_t ipa;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    ipa = mock_memory_alloc(&rig.mem, 32, 0);
    mock_descriptor(mock_memory_at(&rig.mem, ipa, 32), 0, MOCK_RAM_BASE, 3, MOCK_NEXT, 1);
    mock_descriptor(mock_memory_at(&rig.mem, ipa, 32), 1, MOCK_RAM_BASE, 4, MOCK_WRITE, 0);
    mock_descriptor(rig.drv.desc, 3, MOCK_RAM_BASE, 1, MOCK_NEXT, 1);
    mock_descriptor(rig.drv.desc, 1, MOCK_RAM_BASE, 2, MOCK_NEXT, 0);
    mock_descriptor(rig.drv.desc, 0, ipa, 32, MOCK_INDIRECT | MOCK_WRITE, 0);
    mock_driver_offer(&rig.drv, 3);
    mock_driver_publish(&rig.drv);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.segment_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        rig_expect_segment(&rig, i, MOCK_RAM_BASE, i + 1, i == 3);
    }
    rig_close(&rig);
}

static void a_table_that_cannot_be_mapped_now_can_be_later(void **state)
{
    struct rig rig;
    struct ash_virtq_segment in[2];

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    fill(in, 2);
    assert_true(mock_driver_add_indirect(&rig.drv, mock_memory_alloc(&rig.mem, 32, 0), in, 2) >= 0);
    mock_driver_publish(&rig.drv);
    rig.region.bytes = NULL;
    rig.mem.maps_until_failure = 0;
    assert_int_equal(rig_pop(&rig), ASH_ENOMEM);
    assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_READY);
    assert_int_equal(ash_virtq_in_flight(&rig.q), 0);
    rig.mem.maps_until_failure = -1;
    assert_int_equal(rig_pop(&rig), ASH_OK);
    expect_filled(&rig, 2);
    rig_close(&rig);
}

/* A table across two pieces that are not next to each other will never be mapped: nobody tries for ever. */
static void a_table_across_pieces_that_is_not_given_breaks_the_queue(void **state)
{
    (void)state;
    for (unsigned across = 0; across < 2; across++) {
        struct rig rig;
        struct ash_virtq_hal hal = mock_memory_hal;
        struct ash_virtq_segment in[2];
        uint64_t table;

        rig_prepare(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
        hal.piece = 4096;
        assert_int_equal(ash_virtq_init(&rig.q, &rig.config, &hal, &rig.mem), ASH_OK);
        assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
        fill(in, 2);
        table = mock_memory_alloc(&rig.mem, 32, across != 0U ? 4080 : 4064);
        assert_true(mock_driver_add_indirect(&rig.drv, table, in, 2) >= 0);
        mock_driver_publish(&rig.drv);
        rig.region.bytes = NULL;
        rig.mem.maps_until_failure = 0;
        if (across != 0U) {
            rig_expect_broken(&rig, ASH_VIRTQ_BAD_TABLE_ADDRESS, 0, table);
        } else {
            assert_int_equal(rig_pop(&rig), ASH_ENOMEM);
            rig.mem.maps_until_failure = -1;
            assert_int_equal(rig_pop(&rig), ASH_OK);
        }
        rig_close(&rig);
    }
}

/* One descriptor with a table of @length bytes at @table. */
static void offer_table(struct rig *rig, uint64_t table, uint32_t length, unsigned flags)
{
    mock_descriptor(rig->drv.desc, 1, table, length, MOCK_INDIRECT | flags, 1);
    mock_driver_offer(&rig->drv, 1);
    mock_driver_publish(&rig->drv);
}

static void a_table_without_the_feature_breaks_the_queue(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    offer_table(&rig, mock_memory_alloc(&rig.mem, 16, 0), 16, 0);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_INDIRECT, 1, MOCK_INDIRECT);
    rig_close(&rig);
}

static void a_table_with_next_breaks_the_queue(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    offer_table(&rig, mock_memory_alloc(&rig.mem, 16, 0), 16, MOCK_NEXT);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_INDIRECT, 1, MOCK_INDIRECT | MOCK_NEXT);
    rig_close(&rig);
}

static void a_nested_table_breaks_the_queue(void **state)
{
    struct rig rig;
    uint64_t table;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    table = mock_memory_alloc(&rig.mem, 16, 0);
    mock_descriptor(mock_memory_at(&rig.mem, table, 16), 0, table, 16, MOCK_INDIRECT, 0);
    offer_table(&rig, table, 16, 0);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_INDIRECT, 0, MOCK_INDIRECT);
    rig_close(&rig);
}

static void a_table_of_a_wrong_length_breaks_the_queue(void **state)
{
    static const uint32_t wrong[] = {0, 1, 8, 15, 17, 31, 4097, 16 * 65537, 0xFFFFFFF0, 0xFFFFFFFF};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct rig rig;

        rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
        offer_table(&rig, mock_memory_alloc(&rig.mem, 64, 0), wrong[i], 0);
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_TABLE_LENGTH, 1, wrong[i]);
        rig_close(&rig);
    }
}

static void the_longest_table_can_be_reached_to_its_end(void **state)
{
    struct rig rig;
    uint64_t table;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    table = mock_memory_alloc(&rig.mem, 16 * 65536, 0);
    mock_descriptor(mock_memory_at(&rig.mem, table, 16), 0, MOCK_RAM_BASE, 1, MOCK_NEXT, 65535);
    mock_descriptor(mock_memory_at(&rig.mem, table, 16 * 65536), 65535, MOCK_RAM_BASE, 2, 0, 0);
    offer_table(&rig, table, 16 * 65536, 0);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    rig_expect_segment(&rig, 1, MOCK_RAM_BASE, 2, false);
    rig_close(&rig);
}

static void a_table_outside_guest_memory_breaks_the_queue(void **state)
{
    static const uint64_t wrong[] = {0,
                                     MOCK_RAM_BASE - 1,
                                     MOCK_RAM_BASE + MOCK_RAM_SIZE - 31,
                                     MOCK_RAM_BASE + MOCK_RAM_SIZE,
                                     UINT64_MAX - 31,
                                     UINT64_MAX};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct rig rig;
        int maps;

        rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
        maps = rig.mem.maps;
        offer_table(&rig, wrong[i], 32, 0);
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_TABLE_ADDRESS, 1, wrong[i]);
        assert_int_equal(rig.mem.maps, maps);
        rig_close(&rig);
    }
}

static void next_beyond_the_table_breaks_the_queue(void **state)
{
    static const uint16_t wrong[] = {2, 3, 4, 0x7FFF, 0xFFFF}; /* 2 and 3 are in the queue's own table */

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct rig rig;
        uint64_t table;

        rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
        table = mock_memory_alloc(&rig.mem, 32, 0);
        mock_descriptor(mock_memory_at(&rig.mem, table, 16), 0, MOCK_RAM_BASE, 1, MOCK_NEXT, wrong[i]);
        offer_table(&rig, table, 32, 0);
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_NEXT, 0, wrong[i]);
        rig_close(&rig);
    }
}

static void a_chain_longer_than_the_queue_breaks_it_in_a_table_too(void **state)
{
    struct rig rig;
    struct ash_virtq_segment in[5];

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    fill(in, 5);
    assert_true(mock_driver_add_indirect(&rig.drv, mock_memory_alloc(&rig.mem, 80, 0), in, 5) >= 0);
    mock_driver_publish(&rig.drv);
    rig_expect_broken(&rig, ASH_VIRTQ_CHAIN_TOO_LONG, 4, 4);
    rig_close(&rig);
}

static void a_loop_in_a_table_breaks_the_queue(void **state)
{
    struct rig rig;
    uint64_t table;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    table = mock_memory_alloc(&rig.mem, 16, 0);
    mock_descriptor(mock_memory_at(&rig.mem, table, 16), 0, MOCK_RAM_BASE, 0, MOCK_NEXT, 0);
    offer_table(&rig, table, 16, 0);
    rig_expect_broken(&rig, ASH_VIRTQ_CHAIN_TOO_LONG, 0, 4);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_gives_its_chain),
        cmocka_unit_test(a_table_may_lie_at_any_address),
        cmocka_unit_test(the_order_in_the_table_is_that_of_next),
        cmocka_unit_test(a_table_may_end_a_direct_chain),
        cmocka_unit_test(a_table_that_cannot_be_mapped_now_can_be_later),
        cmocka_unit_test(a_table_across_pieces_that_is_not_given_breaks_the_queue),
        cmocka_unit_test(a_table_without_the_feature_breaks_the_queue),
        cmocka_unit_test(a_table_with_next_breaks_the_queue),
        cmocka_unit_test(a_nested_table_breaks_the_queue),
        cmocka_unit_test(a_table_of_a_wrong_length_breaks_the_queue),
        cmocka_unit_test(the_longest_table_can_be_reached_to_its_end),
        cmocka_unit_test(a_table_outside_guest_memory_breaks_the_queue),
        cmocka_unit_test(next_beyond_the_table_breaks_the_queue),
        cmocka_unit_test(a_chain_longer_than_the_queue_breaks_it_in_a_table_too),
        cmocka_unit_test(a_loop_in_a_table_breaks_the_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
