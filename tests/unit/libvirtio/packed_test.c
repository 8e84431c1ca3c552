/* SPDX-License-Identifier: BSD-2-Clause */
/* The packed ring (VIRTIO 1.2, 2.8): what is its own. That both rings behave alike under random drivers is in
 * model_test.c. */
#include "rig.h"

#include <string.h>

enum { AVAIL = 0x80, USED = 0x8000 };

/* Entry @at of the ring as a driver in its first lap offers it. */
static void offer_raw(struct rig *rig, unsigned at, uint64_t ipa, uint32_t length, unsigned flags)
{
    mock_packed_descriptor(rig->drv.desc, at, ipa, length, 7);
    mock_write16(rig->drv.desc + 16UL * at + 14, (uint16_t)(flags | AVAIL));
}

static void open_packed(struct rig *rig, unsigned size, uint64_t features)
{
    rig_open(rig, size, features | ASH_VIRTQ_F_PACKED);
}

static void any_size_will_do(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= 9; size++) {
        struct rig rig;
        struct mock_used used;

        open_packed(&rig, size, 0);
        for (unsigned i = 0; i < 5 * size; i++) {
            const int head = rig_offer_any(&rig);

            assert_int_equal(rig_pop(&rig), ASH_OK);
            assert_int_equal(rig.chain.writable_bytes, 64);
            assert_int_equal(rig_pop(&rig), ASH_ENOENT);
            assert_false(mock_driver_take_used(&rig.drv, &used));
            assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, i % 65), ASH_OK);
            assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_ENOENT);
            assert_true(mock_driver_take_used(&rig.drv, &used));
            assert_int_equal(used.head, head);
            assert_int_equal(used.written, i % 65);
        }
        rig_close(&rig);
    }
}

static void refuse(uint64_t features, unsigned size, uint64_t driver_skew, uint64_t device_skew,
                   enum ash_virtq_reason reason)
{
    struct ash_virtq_layout layout;
    struct rig rig;

    rig_prepare(&rig, 8, features);
    layout = rig.drv.layout;
    layout.size = size;
    layout.driver.value += driver_skew;
    layout.device.value += device_skew;
    assert_int_equal(ash_virtq_setup(&rig.q, &layout), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, reason);
    rig_close(&rig);
}

static void sizes_and_places_are_checked(void **state)
{
    (void)state;
    refuse(ASH_VIRTQ_F_PACKED, 0, 0, 0, ASH_VIRTQ_BAD_SIZE);
    refuse(ASH_VIRTQ_F_PACKED, 9, 0, 0, ASH_VIRTQ_BAD_SIZE);
    refuse(0, 7, 0, 0, ASH_VIRTQ_BAD_SIZE);
    for (unsigned skew = 1; skew < 4; skew++) {
        refuse(ASH_VIRTQ_F_PACKED, 8, skew, 0, ASH_VIRTQ_BAD_ALIGNMENT);
        refuse(ASH_VIRTQ_F_PACKED, 8, 0, skew, ASH_VIRTQ_BAD_ALIGNMENT);
    }
    refuse(ASH_VIRTQ_F_PACKED, 8, MOCK_RAM_SIZE, 0, ASH_VIRTQ_BAD_AREA);
}

static void several_become_used_at_once(void **state)
{
    struct rig rig;
    struct mock_used used;
    uint64_t tokens[3];

    (void)state;
    open_packed(&rig, 4, 0);
    for (unsigned lap = 0; lap < 6; lap++) {
        for (unsigned i = 0; i < 3; i++) {
            rig_offer_any(&rig);
            assert_int_equal(rig_pop(&rig), ASH_OK);
            tokens[i] = rig.chain.token;
        }
        for (unsigned i = 3; i-- > 0;) {
            assert_int_equal(ash_virtq_stage(&rig.q, tokens[i], i), ASH_OK);
            assert_false(mock_driver_take_used(&rig.drv, &used));
        }
        ash_virtq_publish(&rig.q);
        for (unsigned i = 3; i-- > 0;) {
            assert_true(mock_driver_take_used(&rig.drv, &used));
            assert_int_equal(used.written, i);
        }
        assert_false(mock_driver_take_used(&rig.drv, &used));
    }
    rig_close(&rig);
}

static void a_chain_that_does_not_end_breaks_the_queue(void **state)
{
    struct rig rig;

    (void)state;
    open_packed(&rig, 4, 0);
    for (unsigned i = 0; i < 4; i++) {
        offer_raw(&rig, i, MOCK_RAM_BASE, 8, MOCK_NEXT);
    }
    rig_expect_broken(&rig, ASH_VIRTQ_CHAIN_TOO_LONG, 0, 4);
    rig_close(&rig);
}

static void descriptors_that_the_device_holds_cannot_be_offered(void **state)
{
    struct rig rig;

    (void)state;
    open_packed(&rig, 4, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    for (unsigned i = 1; i < 4; i++) {
        offer_raw(&rig, i, MOCK_RAM_BASE, 8, MOCK_NEXT);
    }
    offer_raw(&rig, 0, MOCK_RAM_BASE, 8, 0);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_AVAIL_INDEX, 1, 4);
    ash_virtq_reset(&rig.q);
    mock_driver_fini(&rig.drv);
    mock_driver_init(&rig.drv, &rig.mem, 4, ASH_VIRTQ_F_PACKED);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    rig_offer_any(&rig);
    rig_serve(&rig, 64);
    rig_close(&rig);
}

static void break_by(uint64_t features, uint64_t ipa, uint32_t length, unsigned flags,
                     enum ash_virtq_reason reason, uint64_t value)
{
    struct rig rig;

    open_packed(&rig, 4, features);
    offer_raw(&rig, 0, ipa, length, flags);
    rig_expect_broken(&rig, reason, 0, value);
    rig_close(&rig);
}

static void what_no_driver_may_write_breaks_the_queue(void **state)
{
    const uint64_t indirect = ASH_VIRTQ_F_INDIRECT_DESC;
    const uint64_t end = MOCK_RAM_BASE + MOCK_RAM_SIZE;

    (void)state;
    break_by(0, end - 7, 8, 0, ASH_VIRTQ_BAD_ADDRESS, end - 7);
    break_by(0, UINT64_MAX, 1, MOCK_WRITE, ASH_VIRTQ_BAD_ADDRESS, UINT64_MAX);
    break_by(0, MOCK_RAM_BASE, 16, MOCK_INDIRECT, ASH_VIRTQ_BAD_INDIRECT, MOCK_INDIRECT | AVAIL);
    break_by(indirect, MOCK_RAM_BASE, 16, MOCK_INDIRECT | MOCK_NEXT, ASH_VIRTQ_BAD_INDIRECT,
             MOCK_INDIRECT | MOCK_NEXT | AVAIL);
    break_by(indirect, MOCK_RAM_BASE, 0, MOCK_INDIRECT, ASH_VIRTQ_BAD_TABLE_LENGTH, 0);
    break_by(indirect, MOCK_RAM_BASE, 24, MOCK_INDIRECT, ASH_VIRTQ_BAD_TABLE_LENGTH, 24);
    break_by(indirect, end - 15, 16, MOCK_INDIRECT, ASH_VIRTQ_BAD_TABLE_ADDRESS, end - 15);
}

static void a_readable_after_a_writable_breaks_the_queue(void **state)
{
    struct rig rig;

    (void)state;
    open_packed(&rig, 4, 0);
    offer_raw(&rig, 1, MOCK_RAM_BASE, 8, 0);
    offer_raw(&rig, 0, MOCK_RAM_BASE, 8, MOCK_WRITE | MOCK_NEXT);
    rig_expect_broken(&rig, ASH_VIRTQ_BAD_DIRECTION, 1, AVAIL);
    rig_close(&rig);
}

static void a_table_longer_than_the_queue_breaks_it(void **state)
{
    struct rig rig;
    struct ash_virtq_segment segments[5];
    uint64_t table;

    (void)state;
    open_packed(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    table = mock_memory_alloc(&rig.mem, 16 * 5, 3);
    for (unsigned i = 0; i < 5; i++) {
        segments[i] = rig_segment(MOCK_RAM_BASE + 16 * i, 16, i >= 2);
    }
    assert_true(mock_driver_add_indirect(&rig.drv, table, segments, 4) >= 0);
    mock_driver_publish(&rig.drv);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    for (unsigned i = 0; i < 4; i++) {
        rig_expect_segment(&rig, i, MOCK_RAM_BASE + 16 * i, 16, i >= 2);
    }
    assert_true(mock_driver_add_indirect(&rig.drv, table, segments, 5) >= 0);
    mock_driver_publish(&rig.drv);
    rig_expect_broken(&rig, ASH_VIRTQ_CHAIN_TOO_LONG, 4, 4);
    rig_close(&rig);
}

static void a_chain_without_room_stays_the_next(void **state)
{
    const struct ash_virtq_segment two[] = {{{MOCK_RAM_BASE}, 8, false}, {{MOCK_RAM_BASE}, 8, true}};
    struct rig rig;

    (void)state;
    open_packed(&rig, 4, 0);
    rig_offer(&rig, two, 2);
    assert_int_equal(ash_virtq_pop(&rig.q, rig.segments, 1, &rig.chain), ASH_ENOSPC);
    assert_int_equal(rig.chain.segment_count, 2);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    rig_close(&rig);
}

static void a_moved_ring_goes_on_where_it_was(void **state)
{
    struct rig rig;
    struct ash_virtq_image image;
    struct mock_used used;

    (void)state;
    open_packed(&rig, 5, ASH_VIRTQ_F_EVENT_IDX);
    for (unsigned i = 0; i < 23; i++) {
        assert_int_equal(ash_virtq_export(&rig.q, &image), ASH_OK);
        ash_virtq_reset(&rig.q);
        image.index ^= 5; /* an index beyond this ring */
        if ((image.index & 0x7FFF) >= 5) {
            assert_int_equal(ash_virtq_import(&rig.q, &image), ASH_EFORMAT);
        }
        image.index ^= 5;
        assert_int_equal(ash_virtq_import(&rig.q, &image), ASH_OK);
        rig_offer_any(&rig);
        rig_serve(&rig, 0);
        assert_true(mock_driver_take_used(&rig.drv, &used));
    }
    rig_close(&rig);
}

/* Three requests, given back newest first. */
static void give_back_in_reverse(uint64_t features)
{
    struct rig rig;
    struct mock_used used;
    uint64_t tokens[3];
    int heads[3];

    rig_open(&rig, 4, features | ASH_VIRTQ_F_IN_ORDER);
    for (unsigned lap = 0; lap < 5; lap++) {
        for (unsigned i = 0; i < 3; i++) {
            heads[i] = rig_offer_any(&rig);
            assert_int_equal(rig_pop(&rig), ASH_OK);
            tokens[i] = rig.chain.token;
        }
        for (unsigned i = 3; i-- > 1;) {
            assert_true(ash_virtq_is_live(&rig.q, tokens[i]));
            assert_int_equal(ash_virtq_push(&rig.q, tokens[i], 10 + i), ASH_OK);
            assert_false(ash_virtq_is_live(&rig.q, tokens[i]));
            assert_int_equal(ash_virtq_push(&rig.q, tokens[i], 0), ASH_ENOENT);
            assert_int_equal(ash_virtq_in_flight(&rig.q), i);
            assert_false(mock_driver_take_used(&rig.drv, &used));
            assert_false(ash_virtq_should_notify(&rig.q));
        }
        assert_int_equal(ash_virtq_push(&rig.q, tokens[0], 10), ASH_OK);
        assert_true(ash_virtq_should_notify(&rig.q));
        for (unsigned i = 0; i < 3; i++) {
            assert_true(mock_driver_take_used(&rig.drv, &used));
            assert_int_equal(used.head, heads[i]);
            assert_int_equal(used.written, 10 + i);
        }
    }
    rig_close(&rig);
}

static void in_order_means_the_drivers_order(void **state)
{
    (void)state;
    give_back_in_reverse(0);
    give_back_in_reverse(ASH_VIRTQ_F_PACKED);
}

static void a_head_stays_in_use_until_those_before_it_are_back(void **state)
{
    struct rig rig;
    int head;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_IN_ORDER);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    head = rig_offer_any(&rig);
    rig_serve(&rig, 0);
    mock_driver_offer(&rig.drv, (uint16_t)head);
    mock_driver_publish(&rig.drv);
    rig_expect_broken(&rig, ASH_VIRTQ_HEAD_IN_USE, 2, (uint64_t)head);
    rig_close(&rig);
}

static void each_request_carries_a_cookie(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTQ_F_PACKED};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct rig rig;
        uint64_t tokens[3], seen = 0;
        uint32_t at = 0, count = 0;

        rig_open(&rig, 4, features[f]);
        for (unsigned i = 0; i < 3; i++) {
            rig_offer_any(&rig);
            assert_int_equal(rig_pop(&rig), ASH_OK);
            tokens[i] = rig.chain.token;
            assert_int_equal(ash_virtq_cookie(&rig.q, tokens[i]), 0);
            ash_virtq_set_cookie(&rig.q, tokens[i], 100 + i);
        }
        assert_int_equal(ash_virtq_push(&rig.q, tokens[1], 0), ASH_OK);
        ash_virtq_set_cookie(&rig.q, tokens[1], 5);
        assert_int_equal(ash_virtq_cookie(&rig.q, tokens[0]), 100);
        assert_int_equal(ash_virtq_cookie(&rig.q, tokens[1]), 0);
        for (uint64_t token; (token = ash_virtq_next_live(&rig.q, &at)) != 0; count++) {
            seen += ash_virtq_cookie(&rig.q, token);
        }
        assert_int_equal(count, 2);
        assert_int_equal(seen, 202);
        ash_virtq_reset(&rig.q);
        at = 0;
        assert_int_equal(ash_virtq_next_live(&rig.q, &at), 0);
        assert_false(ash_virtq_is_live(&rig.q, tokens[0]));
        rig_close(&rig);
    }
}

static void a_position_beyond_the_ring_brings_a_notification(void **state)
{
    struct rig rig;

    (void)state;
    open_packed(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    for (uint32_t position = 4; position < 6; position++) {
        rig_offer_any(&rig);
        rig_serve(&rig, 0);
        memcpy(rig.drv.avail, &(uint32_t){2U << 16 | 0x8000U | position}, 4);
        assert_true(ash_virtq_should_notify(&rig.q));
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_size_will_do),
        cmocka_unit_test(sizes_and_places_are_checked),
        cmocka_unit_test(several_become_used_at_once),
        cmocka_unit_test(a_chain_that_does_not_end_breaks_the_queue),
        cmocka_unit_test(descriptors_that_the_device_holds_cannot_be_offered),
        cmocka_unit_test(what_no_driver_may_write_breaks_the_queue),
        cmocka_unit_test(a_readable_after_a_writable_breaks_the_queue),
        cmocka_unit_test(a_table_longer_than_the_queue_breaks_it),
        cmocka_unit_test(a_chain_without_room_stays_the_next),
        cmocka_unit_test(a_moved_ring_goes_on_where_it_was),
        cmocka_unit_test(in_order_means_the_drivers_order),
        cmocka_unit_test(a_head_stays_in_use_until_those_before_it_are_back),
        cmocka_unit_test(each_request_carries_a_cookie),
        cmocka_unit_test(a_position_beyond_the_ring_brings_a_notification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
