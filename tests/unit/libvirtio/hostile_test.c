/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings that no driver should write: each breaks the queue, says why, and is forgotten at the next reset. */
#include "rig.h"

static void offer_head(struct rig *rig, uint16_t head)
{
    mock_driver_offer(&rig->drv, head);
    mock_driver_publish(&rig->drv);
}

static void an_available_index_that_jumps_breaks_the_queue(void **state)
{
    static const uint16_t jumps[] = {5, 6, 100, 0x7FFF, 0x8000, 0xFFFF}; /* the last is a step back */

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(jumps); i++) {
        struct rig rig;

        rig_open(&rig, 4, 0);
        rig_offer_any(&rig);
        rig_serve(&rig, 0);
        mock_write16(rig.drv.avail + 2, (uint16_t)(1 + jumps[i]));
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_AVAIL_INDEX, 1, (uint16_t)(1 + jumps[i]));
        rig_close(&rig);
    }
}

static void an_available_index_may_run_as_far_as_the_ring(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    for (uint16_t head = 0; head < 4; head++) {
        mock_descriptor(rig.drv.desc, head, MOCK_RAM_BASE, 1, 0, 0);
        mock_driver_offer(&rig.drv, head);
    }
    mock_driver_publish(&rig.drv);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rig_pop(&rig), ASH_OK);
    }
    assert_int_equal(rig_pop(&rig), ASH_ENOENT);
    rig_close(&rig);
}

static void an_index_that_jumps_under_event_idx_breaks_the_queue(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    rig_offer_any(&rig);
    rig_serve(&rig, 0);
    mock_write16(rig.drv.avail + 2, 77);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_AVAIL_INDEX, 1, 77);
    rig_close(&rig);
}

static void a_head_beyond_the_table_breaks_the_queue(void **state)
{
    static const uint16_t heads[] = {4, 5, 0x7FFF, 0x8000, 0xFFFF};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(heads); i++) {
        struct rig rig;

        rig_open(&rig, 4, RIG_SPLIT_FEATURES);
        offer_head(&rig, heads[i]);
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_HEAD, 0, heads[i]);
        rig_close(&rig);
    }
}

static void a_head_that_the_device_holds_breaks_the_queue(void **state)
{
    struct rig rig;
    int head;

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer_any(&rig);
    head = rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    offer_head(&rig, (uint16_t)head);
    rig_expect_broken(&rig, ASH_VIRTQ_HEAD_IN_USE, 2, (uint64_t)head);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_EGUEST);
    rig_close(&rig);
}

static void loops_break_the_queue(void **state)
{
    (void)state;
    for (unsigned period = 1; period <= 8; period++) {
        for (unsigned length = 0; length < 2; length++) {
            struct rig rig;

            rig_open(&rig, 8, 0);
            for (unsigned i = 0; i < period; i++) {
                mock_descriptor(rig.drv.desc, i, MOCK_RAM_BASE, length, MOCK_NEXT, (i + 1) % period);
            }
            offer_head(&rig, 0);
            rig_expect_broken(&rig, ASH_VIRTQ_CHAIN_TOO_LONG, 8 % period, 8);
            rig_close(&rig);
        }
    }
}

static void next_beyond_the_table_breaks_the_queue(void **state)
{
    static const uint16_t wrong[] = {4, 5, 0x7FFF, 0x8000, 0xFFFF};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct rig rig;

        rig_open(&rig, 4, 0);
        mock_descriptor(rig.drv.desc, 1, MOCK_RAM_BASE, 1, MOCK_NEXT, 3);
        mock_descriptor(rig.drv.desc, 3, MOCK_RAM_BASE, 1, MOCK_NEXT, wrong[i]);
        offer_head(&rig, 1);
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_NEXT, 3, wrong[i]);
        rig_close(&rig);
    }
}

static void a_readable_element_after_a_writable_one_breaks_the_queue(void **state)
{
    (void)state;
    for (uint32_t length = 0; length < 2; length++) {
        struct rig rig;

        rig_open(&rig, 4, 0);
        mock_descriptor(rig.drv.desc, 0, MOCK_RAM_BASE, 1, MOCK_NEXT, 1);
        mock_descriptor(rig.drv.desc, 1, MOCK_RAM_BASE, length, MOCK_NEXT | MOCK_WRITE, 2);
        mock_descriptor(rig.drv.desc, 2, MOCK_RAM_BASE, length, 0, 0);
        offer_head(&rig, 0);
        rig_expect_broken(&rig, ASH_VIRTQ_BAD_DIRECTION, 2, 0);
        rig_close(&rig);
    }
}

static void a_buffer_outside_guest_memory_breaks_the_queue(void **state)
{
    static const struct {
        uint64_t ipa;
        uint32_t length;
    } wrong[] = {
        {0, 1},
        {MOCK_RAM_BASE - 1, 1},
        {MOCK_RAM_BASE - 1, 2},
        {MOCK_RAM_BASE + MOCK_RAM_SIZE, 1},
        {MOCK_RAM_BASE + MOCK_RAM_SIZE - 1, 2},
        {MOCK_RAM_BASE + MOCK_RAM_SIZE - 0xFFFFFFFE, 0xFFFFFFFF},
        {UINT64_MAX, 1},
        {UINT64_MAX, UINT32_MAX},
        {UINT64_MAX - UINT32_MAX + 1, UINT32_MAX},
        {UINT64_C(0) - 0x40000000, 0x80000000}, /* wraps into the guest's memory */
        {UINT64_C(1) << 63, 16},
    };

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        for (unsigned flags = 0; flags <= MOCK_WRITE; flags += MOCK_WRITE) {
            struct rig rig;

            rig_open(&rig, 4, 0);
            mock_descriptor(rig.drv.desc, 2, wrong[i].ipa, wrong[i].length, flags, 0);
            offer_head(&rig, 2);
            rig_expect_broken(&rig, ASH_VIRTQ_BAD_ADDRESS, 2, wrong[i].ipa);
            rig_close(&rig);
        }
    }
}

static void a_buffer_across_two_regions_breaks_the_queue(void **state)
{
    struct rig rig;
    struct ash_virtq_region regions[3];

    (void)state;
    rig_prepare(&rig, 4, 0);
    regions[0] = (struct ash_virtq_region){ash_ipa(0x1000), 0x1000, NULL};
    regions[1] = (struct ash_virtq_region){ash_ipa(0x3000), 0x1000, NULL};
    regions[2] = rig.region;
    rig.config.regions = regions;
    rig.config.region_count = 3;
    assert_int_equal(ash_virtq_init(&rig.q, &rig.config, &mock_memory_hal, &rig.mem), ASH_OK);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    mock_descriptor(rig.drv.desc, 0, 0x1000, 0x1000, MOCK_NEXT, 1);
    mock_descriptor(rig.drv.desc, 1, 0x3FFF, 1, 0, 0);
    offer_head(&rig, 0);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    mock_descriptor(rig.drv.desc, 2, 0x1FFF, 0x1002, 0, 0);
    offer_head(&rig, 2);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_ADDRESS, 2, 0x1FFF);
    rig_close(&rig);
}

static void a_chain_above_4_gib_breaks_the_queue(void **state)
{
    static const struct {
        uint32_t first, second, third;
        unsigned culprit;
    } wrong[] = {
        {0xFFFFFFFF, 2, 1, 1},
        {0xFFFFFFFF, 1, 1, 2},
        {0x80000000, 0x80000000, 1, 2},
        {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 1},
    };

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct rig rig;
        const uint64_t two = (uint64_t)wrong[i].first + wrong[i].second;

        rig_open(&rig, 4, 0);
        mock_descriptor(rig.drv.desc, 0, MOCK_RAM_BASE, wrong[i].first, MOCK_NEXT, 1);
        mock_descriptor(rig.drv.desc, 1, MOCK_RAM_BASE, wrong[i].second, MOCK_NEXT | MOCK_WRITE, 2);
        mock_descriptor(rig.drv.desc, 2, MOCK_RAM_BASE, wrong[i].third, MOCK_WRITE, 3);
        offer_head(&rig, 0);
        rig_expect_broken(&rig, ASH_VIRTQ_TOO_MANY_BYTES, wrong[i].culprit,
                          wrong[i].culprit == 1 ? two : two + wrong[i].third);
        rig_close(&rig);
    }
}

static void unknown_flags_are_ignored(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, RIG_SPLIT_FEATURES);
    mock_descriptor(rig.drv.desc, 0, MOCK_RAM_BASE, 1, 0xFFF8, 0xFFFF);
    offer_head(&rig, 0);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    rig_expect_segment(&rig, 0, MOCK_RAM_BASE, 1, false);
    rig_close(&rig);
}

static void a_broken_chain_is_never_a_matter_of_room(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    mock_descriptor(rig.drv.desc, 0, MOCK_RAM_BASE, 1, MOCK_NEXT, 1);
    mock_descriptor(rig.drv.desc, 1, MOCK_RAM_BASE, 1, MOCK_NEXT, 4);
    offer_head(&rig, 0);
    assert_int_equal(ash_virtq_pop(&rig.q, NULL, 0, &rig.chain), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_BAD_NEXT);
    rig_close(&rig);
}

static void chains_before_the_broken_one_are_served(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer_any(&rig);
    offer_head(&rig, 9);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_OK);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_HEAD, 1, 9);
    assert_int_equal(mock_read16(rig.drv.used + 2), 1);
    rig_close(&rig);
}

static void a_reset_mends_a_broken_queue(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    offer_head(&rig, 9);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_HEAD, 0, 9);
    ash_virtq_reset(&rig.q);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_FINE);
    mock_driver_fini(&rig.drv);
    mock_driver_init(&rig.drv, &rig.mem, 4, 0);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    rig_offer_any(&rig);
    rig_serve(&rig, 1);
    rig_close(&rig);
}

/* The areas are the guest's to choose: even all at one place, where what we write is what we read next. */
static void rings_that_overlap_do_no_harm(void **state)
{
    struct rig rig;
    struct ash_virtq_layout layout;

    (void)state;
    rig_open(&rig, 8, RIG_SPLIT_FEATURES);
    ash_virtq_reset(&rig.q);
    layout = rig.drv.layout;
    layout.driver = layout.desc;
    layout.device = layout.desc;
    assert_int_equal(ash_virtq_setup(&rig.q, &layout), ASH_OK);
    for (unsigned i = 0; i < 1000 && ash_virtq_state(&rig.q) == ASH_VIRTQ_READY; i++) {
        mock_write16(rig.drv.desc + 2, (uint16_t)(mock_read16(rig.drv.desc + 2) + 1));
        while (rig_pop(&rig) == ASH_OK) {
            assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_OK);
        }
    }
    assert_int_equal(ash_virtq_in_flight(&rig.q), 0);
    ash_virtq_reset(&rig.q);
    mock_driver_fini(&rig.drv);
    mock_driver_init(&rig.drv, &rig.mem, 8, 0);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    rig_offer_any(&rig);
    rig_serve(&rig, 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_available_index_that_jumps_breaks_the_queue),
        cmocka_unit_test(an_available_index_may_run_as_far_as_the_ring),
        cmocka_unit_test(an_index_that_jumps_under_event_idx_breaks_the_queue),
        cmocka_unit_test(a_head_beyond_the_table_breaks_the_queue),
        cmocka_unit_test(a_head_that_the_device_holds_breaks_the_queue),
        cmocka_unit_test(loops_break_the_queue),
        cmocka_unit_test(next_beyond_the_table_breaks_the_queue),
        cmocka_unit_test(a_readable_element_after_a_writable_one_breaks_the_queue),
        cmocka_unit_test(a_buffer_outside_guest_memory_breaks_the_queue),
        cmocka_unit_test(a_buffer_across_two_regions_breaks_the_queue),
        cmocka_unit_test(a_chain_above_4_gib_breaks_the_queue),
        cmocka_unit_test(unknown_flags_are_ignored),
        cmocka_unit_test(a_broken_chain_is_never_a_matter_of_room),
        cmocka_unit_test(chains_before_the_broken_one_are_served),
        cmocka_unit_test(a_reset_mends_a_broken_queue),
        cmocka_unit_test(rings_that_overlap_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
