/* SPDX-License-Identifier: BSD-2-Clause */
/* Notification suppression, both ways, with the flags and with the event index. */
#include "rig.h"

static void serve_one(struct rig *rig)
{
    struct mock_used used;

    rig_offer_any(rig);
    rig_serve(rig, 0);
    assert_true(mock_driver_take_used(&rig->drv, &used));
}

static void the_drivers_flag_suppresses_notifications(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    assert_false(ash_virtq_should_notify(&rig.q));
    serve_one(&rig);
    assert_true(ash_virtq_should_notify(&rig.q));
    assert_false(ash_virtq_should_notify(&rig.q));
    assert_false(mock_driver_set_interrupts(&rig.drv, false));
    serve_one(&rig);
    assert_false(ash_virtq_should_notify(&rig.q));
    assert_false(mock_driver_set_interrupts(&rig.drv, true));
    /* What was published while the driver did not want to know is not announced later. */
    assert_false(ash_virtq_should_notify(&rig.q));
    serve_one(&rig);
    assert_true(ash_virtq_should_notify(&rig.q));
    rig_close(&rig);
}

static void the_flag_is_ignored_under_event_idx(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    mock_write16(rig.drv.avail, 1);
    serve_one(&rig);
    assert_true(ash_virtq_should_notify(&rig.q));
    rig_close(&rig);
}

static void the_event_index_is_ignored_without_its_feature(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_INDIRECT_DESC);
    mock_write16(rig.drv.avail + 4 + 2 * 4, 1000);
    serve_one(&rig);
    assert_true(ash_virtq_should_notify(&rig.q));
    ash_virtq_disable_kicks(&rig.q);
    assert_false(ash_virtq_enable_kicks(&rig.q));
    assert_int_equal(mock_read16(rig.drv.used + 4 + 8 * 4), 0);
    rig_close(&rig);
}

/* 2.7.7.2: due if one of the entries [first, first+count) had the index @event. */
static bool is_due(uint16_t first, unsigned count, uint16_t event)
{
    for (unsigned i = 0; i < count; i++) {
        if ((uint16_t)(first + i) == event) {
            return true;
        }
    }
    return false;
}

static void a_batch_that_passes_used_event_is_announced(void **state)
{
    struct rig rig;
    uint16_t index = 0;
    unsigned due = 0, not_due = 0;

    (void)state;
    rig_open(&rig, 16, ASH_VIRTQ_F_EVENT_IDX);
    /* Once around 2^16, in batches of 0 to 16, with the event from 20 before to 20 behind. */
    for (unsigned batch = 0; batch < 9000; batch++) {
        const unsigned count = batch % 17;
        const uint16_t event = (uint16_t)(index + (int)(batch % 41) - 20);

        mock_write16(rig.drv.avail + 4 + 2 * 16, event);
        for (unsigned i = 0; i < count; i++) {
            serve_one(&rig);
        }
        assert_int_equal(ash_virtq_should_notify(&rig.q), is_due(index, count, event));
        *(is_due(index, count, event) ? &due : &not_due) += 1;
        index = (uint16_t)(index + count);
    }
    assert_true(due > 1000 && not_due > 1000);
    rig_close(&rig);
}

static void the_event_index_holds_at_both_ends_of_a_lap(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 16, ASH_VIRTQ_F_EVENT_IDX);
    /* 65535 entries since the last question: all indices but one. */
    mock_write16(rig.drv.avail + 4 + 2 * 16, 65535);
    for (unsigned i = 0; i < 65535; i++) {
        serve_one(&rig);
    }
    assert_false(ash_virtq_should_notify(&rig.q));
    serve_one(&rig);
    assert_true(ash_virtq_should_notify(&rig.q));
    /* 65536 and more: every index was among them. */
    for (unsigned more = 0; more < 3; more++) {
        mock_write16(rig.drv.avail + 4 + 2 * 16, (uint16_t)(more * 77));
        for (unsigned i = 0; i < 65536 + more * 40000; i++) {
            serve_one(&rig);
        }
        assert_true(ash_virtq_should_notify(&rig.q));
    }
    rig_close(&rig);
}

/* Kicks as the driver sees them. */
static void kicks_can_be_suppressed(uint64_t features)
{
    struct rig rig;

    rig_open(&rig, 4, features);
    rig_offer_any(&rig);
    assert_true(mock_driver_should_kick(&rig.drv));
    ash_virtq_disable_kicks(&rig.q);
    ash_virtq_disable_kicks(&rig.q);
    rig_serve(&rig, 0);
    assert_int_equal(rig_pop(&rig), ASH_ENOENT);
    rig_offer_any(&rig);
    assert_false(mock_driver_should_kick(&rig.drv));
    /* Enabling tells of what came in without a kick. */
    assert_true(ash_virtq_enable_kicks(&rig.q));
    rig_serve(&rig, 0);
    assert_false(ash_virtq_enable_kicks(&rig.q));
    rig_offer_any(&rig);
    assert_true(mock_driver_should_kick(&rig.drv));
    rig_close(&rig);
}

static void kicks_can_be_suppressed_with_flags(void **state)
{
    struct rig rig;

    (void)state;
    kicks_can_be_suppressed(0);
    rig_open(&rig, 4, 0);
    ash_virtq_disable_kicks(&rig.q);
    assert_int_equal(mock_read16(rig.drv.used), 1);
    assert_false(ash_virtq_enable_kicks(&rig.q));
    assert_int_equal(mock_read16(rig.drv.used), 0);
    rig_close(&rig);
}

static void kicks_can_be_suppressed_with_the_event_index(void **state)
{
    struct rig rig;

    (void)state;
    kicks_can_be_suppressed(ASH_VIRTQ_F_EVENT_IDX);
    rig_open(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    ash_virtq_disable_kicks(&rig.q);
    assert_int_equal(mock_read16(rig.drv.used), 0); /* 2.7.10.2: MUST be 0 */
    rig_close(&rig);
}

/* Suppressed by the event index, for a whole lap but for the one entry that was asked for before. */
static void kicks_stay_suppressed_for_a_lap(void **state)
{
    struct rig rig;
    unsigned kicks = 0;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    ash_virtq_disable_kicks(&rig.q);
    for (unsigned i = 0; i < 65536; i++) {
        serve_one(&rig);
        kicks += mock_driver_should_kick(&rig.drv);
    }
    assert_int_equal(kicks, 1);
    rig_close(&rig);
}

/* A device that knows nothing of suppression: pops until empty, then sleeps until kicked. */
static void a_device_that_never_asks_is_always_kicked(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTQ_F_EVENT_IDX};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct rig rig;
        unsigned left_over = 0;

        rig_open(&rig, 16, features[f]);
        for (unsigned i = 0; i < 30000; i++) {
            struct mock_used used;

            for (unsigned n = 0; n < 1 + i % 5; n++) {
                rig_offer_any(&rig);
                left_over++;
            }
            assert_true(mock_driver_should_kick(&rig.drv));
            while (rig_pop(&rig) == ASH_OK) {
                assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_OK);
                assert_true(mock_driver_take_used(&rig.drv, &used));
                left_over--;
            }
            assert_int_equal(left_over, 0);
        }
        rig_close(&rig);
    }
}

static void setup_overwrites_what_a_former_life_left(void **state)
{
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    mock_write16(rig.drv.used, 0xFFFF);
    mock_write16(rig.drv.used + 4 + 8 * 4, 0xFFFF);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    assert_int_equal(mock_read16(rig.drv.used), 0);
    assert_int_equal(mock_read16(rig.drv.used + 4 + 8 * 4), 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drivers_flag_suppresses_notifications),
        cmocka_unit_test(the_flag_is_ignored_under_event_idx),
        cmocka_unit_test(the_event_index_is_ignored_without_its_feature),
        cmocka_unit_test(a_batch_that_passes_used_event_is_announced),
        cmocka_unit_test(the_event_index_holds_at_both_ends_of_a_lap),
        cmocka_unit_test(kicks_can_be_suppressed_with_flags),
        cmocka_unit_test(kicks_can_be_suppressed_with_the_event_index),
        cmocka_unit_test(kicks_stay_suppressed_for_a_lap),
        cmocka_unit_test(a_device_that_never_asks_is_always_kicked),
        cmocka_unit_test(setup_overwrites_what_a_former_life_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
