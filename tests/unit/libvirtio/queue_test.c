/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains to the device and back: order, tokens, batches, index wrap. */
#include "rig.h"

#include <string.h>

static void a_chain_comes_out_as_the_driver_wrote_it(void **state)
{
    struct rig rig;
    const struct ash_virtq_segment in[] = {{ash_ipa(MOCK_RAM_BASE + 0x1001), 16, false},
                                           {ash_ipa(MOCK_RAM_BASE + 0x2000), 0xFFFFFFFF - 100, false},
                                           {ash_ipa(MOCK_RAM_BASE + MOCK_RAM_SIZE - 1), 1, true}};

    (void)state;
    rig_open(&rig, 8, 0);
    assert_int_equal(rig_pop(&rig), ASH_ENOENT);
    rig_offer(&rig, in, 3);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.segment_count, 3);
    assert_int_equal(rig.chain.readable_count, 2);
    assert_int_equal(rig.chain.readable_bytes, UINT64_C(0xFFFFFFFF) - 84);
    assert_int_equal(rig.chain.writable_bytes, 1);
    assert_int_not_equal(rig.chain.token, 0);
    for (unsigned i = 0; i < 3; i++) {
        rig_expect_segment(&rig, i, in[i].ipa.value, in[i].length, in[i].writable);
    }
    assert_int_equal(rig_pop(&rig), ASH_ENOENT);
    rig_close(&rig);
}

static void an_unpublished_chain_is_not_seen(void **state)
{
    struct rig rig;
    const struct ash_virtq_segment segment = rig_segment(MOCK_RAM_BASE, 1, false);

    (void)state;
    rig_open(&rig, 4, 0);
    mock_driver_add(&rig.drv, &segment, 1);
    assert_int_equal(rig_pop(&rig), ASH_ENOENT);
    mock_driver_publish(&rig.drv);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    rig_close(&rig);
}

static void requests_go_back_in_any_order(void **state)
{
    static const unsigned order[] = {2, 0, 3, 1};
    struct rig rig;
    uint64_t tokens[4];
    int heads[4];
    struct mock_used used;

    (void)state;
    rig_open(&rig, 4, 0);
    for (unsigned i = 0; i < 4; i++) {
        heads[i] = rig_offer_any(&rig);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rig_pop(&rig), ASH_OK);
        tokens[i] = rig.chain.token;
        assert_int_equal(ash_virtq_in_flight(&rig.q), i + 1);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ash_virtq_push(&rig.q, tokens[order[i]], order[i] + 10), ASH_OK);
        assert_int_equal(ash_virtq_in_flight(&rig.q), 3 - i);
        assert_true(mock_driver_take_used(&rig.drv, &used));
        assert_int_equal(used.head, heads[order[i]]);
        assert_int_equal(used.written, order[i] + 10);
    }
    assert_false(mock_driver_take_used(&rig.drv, &used));
    rig_close(&rig);
}

static void staged_requests_appear_together(void **state)
{
    struct rig rig;
    struct mock_used used;

    (void)state;
    rig_open(&rig, 4, 0);
    for (unsigned i = 0; i < 3; i++) {
        rig_offer_any(&rig);
        assert_int_equal(rig_pop(&rig), ASH_OK);
        assert_int_equal(ash_virtq_stage(&rig.q, rig.chain.token, i), ASH_OK);
        assert_int_equal(mock_read16(rig.drv.used + 2), 0);
        assert_false(ash_virtq_should_notify(&rig.q));
    }
    ash_virtq_publish(&rig.q);
    assert_int_equal(mock_read16(rig.drv.used + 2), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(mock_driver_take_used(&rig.drv, &used));
        assert_int_equal(used.written, i);
    }
    assert_true(ash_virtq_should_notify(&rig.q));
    ash_virtq_publish(&rig.q);
    assert_false(ash_virtq_should_notify(&rig.q));
    rig_close(&rig);
}

static void a_second_push_of_a_request_is_refused(void **state)
{
    struct rig rig;
    struct mock_used used;
    uint64_t first;

    (void)state;
    rig_open(&rig, 1, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    first = rig.chain.token;
    assert_int_equal(ash_virtq_push(&rig.q, first, 0), ASH_OK);
    assert_int_equal(ash_virtq_push(&rig.q, first, 0), ASH_ENOENT);
    assert_true(mock_driver_take_used(&rig.drv, &used));
    /* Not even when its head is in use again. */
    assert_int_equal(rig_offer_any(&rig), 0);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_not_equal(rig.chain.token, first);
    assert_int_equal(ash_virtq_push(&rig.q, first, 0), ASH_ENOENT);
    assert_int_equal(mock_read16(rig.drv.used + 2), 1);
    assert_int_equal(ash_virtq_in_flight(&rig.q), 1);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_OK);
    rig_close(&rig);
}

static void a_token_is_stale_after_a_reset(void **state)
{
    struct rig rig;
    uint64_t old;

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    old = rig.chain.token;
    ash_virtq_reset(&rig.q);
    assert_int_equal(rig.mem.mapped, 0);
    assert_int_equal(ash_virtq_in_flight(&rig.q), 0);
    assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_OFF);
    assert_int_equal(ash_virtq_push(&rig.q, old, 0), ASH_ENOENT);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    assert_int_equal(ash_virtq_push(&rig.q, old, 0), ASH_ENOENT);
    /* The driver's index still stands at 1: the same head again, another request. */
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_not_equal(rig.chain.token, old);
    assert_int_equal(ash_virtq_push(&rig.q, old, 0), ASH_ENOENT);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0), ASH_OK);
    rig_close(&rig);
}

static void a_token_that_never_was_is_refused(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(ash_virtq_push(&rig.q, 0, 0), ASH_ENOENT);
    assert_int_equal(ash_virtq_push(&rig.q, UINT64_MAX, 0), ASH_ENOENT);
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token ^ (UINT64_C(1) << bit), 0), ASH_ENOENT);
    }
    assert_int_equal(mock_read16(rig.drv.used + 2), 0);
    rig_close(&rig);
}

static void more_bytes_than_the_chain_holds_are_not_reported(void **state)
{
    struct rig rig;
    const struct ash_virtq_segment in[] = {{ash_ipa(MOCK_RAM_BASE), 100, false},
                                           {ash_ipa(MOCK_RAM_BASE), 7, true}};

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer(&rig, in, 2);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 8), ASH_ERANGE);
    assert_int_equal(ash_virtq_in_flight(&rig.q), 1);
    assert_int_equal(mock_read16(rig.drv.used + 2), 0);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 7), ASH_OK);
    rig_close(&rig);
}

static void a_chain_of_exactly_4_gib_is_taken(void **state)
{
    struct rig rig;
    const struct ash_virtq_segment in[] = {{ash_ipa(MOCK_RAM_BASE), 0xFFFFFFFF, true},
                                           {ash_ipa(MOCK_RAM_BASE), 1, true}};

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer(&rig, in, 2);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.writable_bytes, UINT64_C(1) << 32);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, UINT32_MAX), ASH_OK);
    rig_close(&rig);
}

static void a_chain_beyond_the_callers_room_waits(void **state)
{
    struct rig rig;
    struct ash_virtq_segment in[4];
    struct ash_virtq_segment *small = test_malloc(2 * sizeof(*small)); /* cmocka guards both ends */

    (void)state;
    rig_open(&rig, 4, 0);
    for (unsigned i = 0; i < 4; i++) {
        in[i] = rig_segment(MOCK_RAM_BASE + i, 1 + i, i >= 2);
    }
    rig_offer(&rig, in, 4);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        assert_int_equal(ash_virtq_pop(&rig.q, small, 2, &rig.chain), ASH_ENOSPC);
        assert_int_equal(rig.chain.segment_count, 4);
        assert_int_equal(rig.chain.token, 0);
        assert_int_equal(ash_virtq_in_flight(&rig.q), 0);
    }
    assert_int_equal(ash_virtq_pop(&rig.q, NULL, 0, &rig.chain), ASH_ENOSPC);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    rig_expect_segment(&rig, 3, MOCK_RAM_BASE + 3, 4, true);
    test_free(small);
    rig_close(&rig);
}

static void elements_without_a_byte_give_no_segment(void **state)
{
    struct rig rig;
    const struct ash_virtq_segment in[] = {{ash_ipa(0), 0, false},
                                           {ash_ipa(MOCK_RAM_BASE), 5, false},
                                           {ash_ipa(UINT64_MAX), 0, true},
                                           {ash_ipa(MOCK_RAM_BASE), 6, true}};

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer(&rig, in, 4);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.segment_count, 2);
    rig_expect_segment(&rig, 0, MOCK_RAM_BASE, 5, false);
    rig_expect_segment(&rig, 1, MOCK_RAM_BASE, 6, true);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 6), ASH_OK);
    rig_close(&rig);
    rig_open(&rig, 4, 0);
    rig_offer(&rig, in, 1);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.segment_count, 0);
    rig_close(&rig);
}

static void a_chain_as_long_as_the_queue_is_taken(void **state)
{
    struct rig rig;
    struct ash_virtq_segment in[8];

    (void)state;
    rig_open(&rig, 8, 0);
    for (unsigned i = 0; i < 8; i++) {
        in[i] = rig_segment(MOCK_RAM_BASE + i, 1, false);
    }
    rig_offer(&rig, in, 8);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig.chain.segment_count, 8);
    rig_close(&rig);
}

/* @total requests through a queue of @size, up to @depth of them at once. */
static void run_many(unsigned size, unsigned depth, unsigned total, uint64_t features)
{
    struct rig rig;
    struct mock_used used;

    rig_open(&rig, size, features);
    for (unsigned done = 0; done < total;) {
        uint64_t tokens[8];
        unsigned n = 1 + done % depth;

        for (unsigned i = 0; i < n; i++) {
            const struct ash_virtq_segment in = rig_segment(MOCK_RAM_BASE + done + i, 1 + i, true);

            assert_true(mock_driver_add(&rig.drv, &in, 1) >= 0);
        }
        mock_driver_publish(&rig.drv);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(rig_pop(&rig), ASH_OK);
            rig_expect_segment(&rig, 0, MOCK_RAM_BASE + done + i, 1 + i, true);
            tokens[i] = rig.chain.token;
        }
        assert_int_equal(rig_pop(&rig), ASH_ENOENT);
        for (unsigned i = n; i-- > 0;) {
            assert_int_equal(ash_virtq_push(&rig.q, tokens[i], 1 + i), ASH_OK);
            assert_true(mock_driver_take_used(&rig.drv, &used));
            assert_int_equal(used.written, 1 + i);
        }
        done += n;
    }
    rig_close(&rig);
}

static void the_indices_wrap_at_65536(void **state)
{
    (void)state;
    run_many(8, 8, 140000, 0);
    run_many(1, 1, 70000, ASH_VIRTQ_F_EVENT_IDX);
}

static void the_largest_queue_can_be_full(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, ASH_VIRTQ_SIZE_MAX, RIG_SPLIT_FEATURES);
    for (unsigned round = 0; round < 3; round++) {
        const struct ash_virtq_segment in = rig_segment(MOCK_RAM_BASE, 1, true);
        struct mock_used used;

        for (unsigned i = 0; i < ASH_VIRTQ_SIZE_MAX; i++) {
            assert_true(mock_driver_add(&rig.drv, &in, 1) >= 0);
        }
        mock_driver_publish(&rig.drv);
        for (unsigned i = 0; i < ASH_VIRTQ_SIZE_MAX; i++) {
            rig_serve(&rig, 1);
        }
        assert_int_equal(rig_pop(&rig), ASH_ENOENT);
        while (mock_driver_take_used(&rig.drv, &used)) {
        }
        assert_int_equal(rig.drv.free_count, ASH_VIRTQ_SIZE_MAX);
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_comes_out_as_the_driver_wrote_it),
        cmocka_unit_test(an_unpublished_chain_is_not_seen),
        cmocka_unit_test(requests_go_back_in_any_order),
        cmocka_unit_test(staged_requests_appear_together),
        cmocka_unit_test(a_second_push_of_a_request_is_refused),
        cmocka_unit_test(a_token_is_stale_after_a_reset),
        cmocka_unit_test(a_token_that_never_was_is_refused),
        cmocka_unit_test(more_bytes_than_the_chain_holds_are_not_reported),
        cmocka_unit_test(a_chain_of_exactly_4_gib_is_taken),
        cmocka_unit_test(a_chain_beyond_the_callers_room_waits),
        cmocka_unit_test(elements_without_a_byte_give_no_segment),
        cmocka_unit_test(a_chain_as_long_as_the_queue_is_taken),
        cmocka_unit_test(the_indices_wrap_at_65536),
        cmocka_unit_test(the_largest_queue_can_be_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
