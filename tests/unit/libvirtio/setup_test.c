/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue's life: init, setup, reset, export and import; what each refuses. */
#include "rig.h"

#include <string.h>

static void init_refuses_what_it_cannot_use(void **state)
{
    static const struct ash_virtq_hal no_map = {.size = sizeof(no_map)};
    struct ash_virtq_hal short_hal = mock_memory_hal;
    struct ash_virtq_region region = {ash_ipa(MOCK_RAM_BASE), 4096, NULL};
    struct ash_virtq_slot slots[4];
    const struct ash_virtq_config good = {
        .regions = &region, .region_count = 1, .max_size = 4, .slots = slots};
    struct ash_virtq_config bad;
    struct ash_virtq q;

    (void)state;
    short_hal.size--;
    assert_int_equal(ash_virtq_init(&q, &good, &mock_memory_hal, NULL), ASH_OK);
    assert_int_equal(ash_virtq_state(&q), ASH_VIRTQ_OFF);
    assert_int_equal(ash_virtq_init(NULL, &good, &mock_memory_hal, NULL), ASH_EINVAL);
    assert_int_equal(ash_virtq_init(&q, NULL, &mock_memory_hal, NULL), ASH_EINVAL);
    assert_int_equal(ash_virtq_init(&q, &good, NULL, NULL), ASH_EINVAL);
    assert_int_equal(ash_virtq_init(&q, &good, &no_map, NULL), ASH_EINVAL);
    assert_int_equal(ash_virtq_init(&q, &good, &short_hal, NULL), ASH_EINVAL);
#define REFUSE(field, wrong)                                                                                 \
    bad = good;                                                                                              \
    bad.field = (wrong);                                                                                     \
    assert_int_equal(ash_virtq_init(&q, &bad, &mock_memory_hal, NULL), ASH_EINVAL)
    REFUSE(slots, NULL);
    REFUSE(regions, NULL);
    REFUSE(region_count, 0);
    REFUSE(max_size, 0);
    REFUSE(max_size, ASH_VIRTQ_SIZE_MAX + 1);
    region.size = 0;
    assert_int_equal(ash_virtq_init(&q, &good, &mock_memory_hal, NULL), ASH_EINVAL);
    region.size = UINT64_MAX - MOCK_RAM_BASE + 1;
    assert_int_equal(ash_virtq_init(&q, &good, &mock_memory_hal, NULL), ASH_EINVAL);
}

static void an_off_queue_does_nothing(void **state)
{
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 4, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_EBUSY);
    assert_int_equal(ash_virtq_push(&rig.q, UINT64_C(1) << 16, 0), ASH_ENOENT);
    assert_int_equal(ash_virtq_break(&rig.q, 1), ASH_EGUEST);
    assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_OFF);
    assert_false(ash_virtq_enable_kicks(&rig.q));
    assert_false(ash_virtq_should_notify(&rig.q));
    ash_virtq_disable_kicks(&rig.q);
    ash_virtq_publish(&rig.q);
    assert_int_equal(rig.mem.maps, 0);
    rig_close(&rig);
}

/* @layout is refused for @reason and leaves nothing behind. */
static void refuse_layout(struct rig *rig, const struct ash_virtq_layout *layout,
                          enum ash_virtq_reason reason, uint32_t index, uint64_t value)
{
    assert_int_equal(ash_virtq_setup(&rig->q, layout), ASH_EGUEST);
    assert_int_equal(ash_virtq_state(&rig->q), ASH_VIRTQ_OFF);
    assert_int_equal(ash_virtq_fault(&rig->q)->reason, reason);
    assert_int_equal(ash_virtq_fault(&rig->q)->index, index);
    assert_int_equal(ash_virtq_fault(&rig->q)->value, value);
    assert_int_equal(rig->mem.maps, 0);
}

static void a_queue_size_must_be_a_power_of_two_in_range(void **state)
{
    static const uint32_t wrong[] = {0, 3, 5, 6, 7, 9, 12, 16, 32768, 65536, UINT32_C(1) << 31, UINT32_MAX};
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 8, 0);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        struct ash_virtq_layout layout = rig.drv.layout;

        layout.size = wrong[i];
        refuse_layout(&rig, &layout, ASH_VIRTQ_BAD_SIZE, 0, wrong[i]);
    }
    for (uint32_t size = 1; size <= 8; size *= 2) {
        struct ash_virtq_layout layout = rig.drv.layout;

        layout.size = size;
        assert_int_equal(ash_virtq_setup(&rig.q, &layout), ASH_OK);
        assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_FINE);
        ash_virtq_reset(&rig.q);
    }
    rig_close(&rig);
    rig_prepare(&rig, 1, 0);
    rig.drv.layout.size = 2;
    refuse_layout(&rig, &rig.drv.layout, ASH_VIRTQ_BAD_SIZE, 0, 2);
    rig_close(&rig);
}

static ash_ipa_t *area_of(struct ash_virtq_layout *layout, unsigned i)
{
    return i == 0 ? &layout->desc : i == 1 ? &layout->driver : &layout->device;
}

static void each_area_must_be_aligned(void **state)
{
    static const unsigned alignment[] = {16, 2, 4};
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 8, 0);
    for (unsigned area = 0; area < 3; area++) {
        for (unsigned off = 1; off < alignment[area]; off++) {
            struct ash_virtq_layout layout = rig.drv.layout;

            area_of(&layout, area)->value += off;
            refuse_layout(&rig, &layout, ASH_VIRTQ_BAD_ALIGNMENT, area, area_of(&layout, area)->value);
        }
    }
    rig_close(&rig);
}

static void each_area_must_lie_in_guest_memory_to_its_last_byte(void **state)
{
    static const unsigned alignment[] = {16, 2, 4};
    static const unsigned size[] = {16 * 8, 6 + 2 * 8, 6 + 8 * 8};
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 8, 0);
    for (unsigned area = 0; area < 3; area++) {
        const uint64_t end = MOCK_RAM_BASE + MOCK_RAM_SIZE;
        const uint64_t last_good = (end - size[area]) / alignment[area] * alignment[area];
        const uint64_t wrong[] = {last_good + alignment[area], end, MOCK_RAM_BASE - alignment[area], 0,
                                  UINT64_MAX / 16 * 16};
        struct ash_virtq_layout layout = rig.drv.layout;

        for (unsigned i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
            area_of(&layout, area)->value = wrong[i];
            refuse_layout(&rig, &layout, ASH_VIRTQ_BAD_AREA, area, wrong[i]);
        }
        /* Inside, but the mock has no bytes there. */
        area_of(&layout, area)->value = last_good;
        assert_int_equal(ash_virtq_setup(&rig.q, &layout), ASH_ENOMEM);
        rig.mem.maps = 0;
        assert_int_equal(rig.mem.mapped, 0);
    }
    rig_close(&rig);
}

static void an_area_must_not_span_two_regions(void **state)
{
    struct rig rig;
    struct ash_virtq_region two[2];

    (void)state;
    rig_prepare(&rig, 8, 0);
    two[0] = (struct ash_virtq_region){ash_ipa(MOCK_RAM_BASE), rig.drv.layout.desc.value + 16 - MOCK_RAM_BASE,
                                       NULL};
    two[1] = (struct ash_virtq_region){ash_ipa(rig.drv.layout.desc.value + 16), MOCK_RAM_SIZE / 2, NULL};
    rig.config.regions = two;
    rig.config.region_count = 2;
    assert_int_equal(ash_virtq_init(&rig.q, &rig.config, &mock_memory_hal, &rig.mem), ASH_OK);
    refuse_layout(&rig, &rig.drv.layout, ASH_VIRTQ_BAD_AREA, 0, rig.drv.layout.desc.value);
    /* All in the second one is good. */
    two[0].size = 16;
    two[1].base = ash_ipa(rig.drv.layout.desc.value);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    rig_close(&rig);
}

static void a_failed_map_gives_everything_back(void **state)
{
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 8, 0);
    for (int i = 0; i < 3; i++) {
        rig.mem.maps_until_failure = i;
        assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_ENOMEM);
        assert_int_equal(rig.mem.mapped, 0);
        assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_OFF);
    }
    rig.mem.maps_until_failure = -1;
    rig.mem.skew = 1;
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_EINVAL);
    assert_int_equal(rig.mem.mapped, 0);
    rig.mem.skew = 0;
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_EBUSY);
    assert_int_equal(rig.mem.mapped, 3);
    rig_close(&rig);
}

static void a_hal_without_unmap_will_do(void **state)
{
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 8, 0);
    assert_int_equal(ash_virtq_init(&rig.q, &rig.config, &mock_memory_hal_without_unmap, &rig.mem), ASH_OK);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    rig_offer_any(&rig);
    rig_serve(&rig, 0);
    ash_virtq_reset(&rig.q);
    assert_int_equal(rig.mem.mapped, 3);
    rig.mem.mapped = 0;
    rig_close(&rig);
}

static void a_reset_queue_starts_again_at_zero(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, ASH_VIRTQ_F_EVENT_IDX);
    for (unsigned i = 0; i < 3; i++) {
        rig_offer_any(&rig);
        rig_serve(&rig, 0);
    }
    ash_virtq_reset(&rig.q);
    ash_virtq_reset(&rig.q);
    mock_driver_fini(&rig.drv);
    mock_driver_init(&rig.drv, &rig.mem, 2, 0);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    assert_int_equal(rig_pop(&rig), ASH_ENOENT);
    rig_offer_any(&rig);
    rig_serve(&rig, 9);
    assert_int_equal(mock_read16(rig.drv.used + 2), 1);
    rig_close(&rig);
}

static void the_device_can_refuse_a_chain(void **state)
{
    struct rig rig;
    uint64_t token;

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    token = rig.chain.token;
    assert_int_equal(ash_virtq_stage(&rig.q, token, 0), ASH_OK);
    assert_int_equal(ash_virtq_break(&rig.q, 77), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_REFUSED);
    assert_int_equal(ash_virtq_fault(&rig.q)->value, 77);
    assert_int_equal(ash_virtq_break(&rig.q, 78), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig.q)->value, 77);
    ash_virtq_publish(&rig.q);
    assert_int_equal(mock_read16(rig.drv.used + 2), 0);
    ash_virtq_disable_kicks(&rig.q);
    assert_int_equal(mock_read16(rig.drv.used), 0);
    rig_close(&rig);
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ASH_VIRTQ_REASON_COUNT; i++) {
        assert_non_null(ash_virtq_reason_name((enum ash_virtq_reason)i));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(ash_virtq_reason_name((enum ash_virtq_reason)i),
                                    ash_virtq_reason_name((enum ash_virtq_reason)j));
        }
    }
    assert_string_equal(ash_virtq_reason_name(ASH_VIRTQ_REASON_COUNT), "?");
}

/* Out of @rig's queue, into another one over the same memory, and back in its place. */
static void move(struct rig *rig)
{
    struct ash_virtq_image image;

    memset(&image, 0x5A, sizeof(image));
    assert_int_equal(ash_virtq_export(&rig->q, &image), ASH_OK);
    ash_virtq_reset(&rig->q);
    assert_int_equal(ash_virtq_init(&rig->q, &rig->config, &mock_memory_hal, &rig->mem), ASH_OK);
    assert_int_equal(ash_virtq_import(&rig->q, &image), ASH_OK);
}

static void a_moved_queue_goes_on_where_it_was(void **state)
{
    static const uint64_t features[] = {0, RIG_SPLIT_FEATURES};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct rig rig;
        struct mock_used used;

        rig_open(&rig, 4, features[f]);
        for (unsigned i = 0; i < 70000; i++) {
            const int head = rig_offer_any(&rig);

            if (i % 1000 == 0) {
                move(&rig);
            }
            rig_serve(&rig, i % 64);
            if (i % 1000 == 0) {
                assert_true(ash_virtq_should_notify(&rig.q));
            }
            assert_true(mock_driver_take_used(&rig.drv, &used));
            assert_int_equal(used.head, head);
            assert_int_equal(used.written, i % 64);
        }
        rig_close(&rig);
    }
}

static void suppressed_kicks_stay_suppressed_in_a_moved_queue(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 4, 0);
    ash_virtq_disable_kicks(&rig.q);
    move(&rig);
    rig_offer_any(&rig);
    assert_false(mock_driver_should_kick(&rig.drv));
    assert_true(ash_virtq_enable_kicks(&rig.q));
    move(&rig);
    rig_offer_any(&rig);
    assert_true(mock_driver_should_kick(&rig.drv));
    rig_close(&rig);
}

static void a_queue_at_work_is_not_exported(void **state)
{
    struct rig rig;
    struct ash_virtq_image image;

    (void)state;
    rig_open(&rig, 4, 0);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(ash_virtq_export(&rig.q, &image), ASH_EBUSY);
    assert_int_equal(ash_virtq_stage(&rig.q, rig.chain.token, 0), ASH_OK);
    assert_int_equal(ash_virtq_export(&rig.q, &image), ASH_EBUSY);
    ash_virtq_publish(&rig.q);
    assert_int_equal(ash_virtq_export(&rig.q, &image), ASH_OK);
    assert_int_equal(image.index, 1);
    assert_int_equal(ash_virtq_import(&rig.q, &image), ASH_EBUSY);
    rig_close(&rig);
}

static void off_and_broken_queues_move_too(void **state)
{
    struct rig rig;

    (void)state;
    rig_prepare(&rig, 4, 0);
    rig.drv.layout.size = 3; /* the fault of a failed setup is no part of the image */
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_EGUEST);
    rig.drv.layout.size = 4;
    move(&rig);
    assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_OFF);
    assert_int_equal(ash_virtq_setup(&rig.q, &rig.drv.layout), ASH_OK);
    assert_int_equal(ash_virtq_break(&rig.q, 5), ASH_EGUEST);
    move(&rig);
    assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_BROKEN);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_REFUSED);
    assert_int_equal(ash_virtq_fault(&rig.q)->value, 5);
    assert_int_equal(rig_pop(&rig), ASH_EGUEST);
    rig_close(&rig);
}

static void import_refuses_what_no_export_wrote(void **state)
{
    struct rig rig;
    struct ash_virtq_image good, bad;

    (void)state;
    rig_open(&rig, 4, 0);
    assert_int_equal(ash_virtq_export(&rig.q, &good), ASH_OK);
    ash_virtq_reset(&rig.q);
    rig.mem.maps = 0;
#define REFUSE_IMAGE(field, wrong, error)                                                                    \
    bad = good;                                                                                              \
    bad.field = (wrong);                                                                                     \
    assert_int_equal(ash_virtq_import(&rig.q, &bad), error);                                                 \
    assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_OFF)
    REFUSE_IMAGE(version, ASH_VIRTQ_IMAGE_VERSION + 1, ASH_EFORMAT);
    REFUSE_IMAGE(state, ASH_VIRTQ_STATE_COUNT, ASH_EFORMAT);
    REFUSE_IMAGE(state, ASH_VIRTQ_BROKEN, ASH_EFORMAT);
    REFUSE_IMAGE(index, 65536, ASH_EFORMAT);
    REFUSE_IMAGE(kicks_enabled, 2, ASH_EFORMAT);
    REFUSE_IMAGE(fault_reason, ASH_VIRTQ_REASON_COUNT, ASH_EFORMAT);
    REFUSE_IMAGE(fault_reason, ASH_VIRTQ_BAD_HEAD, ASH_EFORMAT);
    REFUSE_IMAGE(reserved, 1, ASH_EFORMAT);
    REFUSE_IMAGE(size, 3, ASH_EGUEST);
    REFUSE_IMAGE(desc, good.desc + 1, ASH_EGUEST);
    REFUSE_IMAGE(driver, good.driver + 1, ASH_EGUEST);
    REFUSE_IMAGE(device, 0, ASH_EGUEST);
    assert_int_equal(rig.mem.maps, 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_refuses_what_it_cannot_use),
        cmocka_unit_test(an_off_queue_does_nothing),
        cmocka_unit_test(a_queue_size_must_be_a_power_of_two_in_range),
        cmocka_unit_test(each_area_must_be_aligned),
        cmocka_unit_test(each_area_must_lie_in_guest_memory_to_its_last_byte),
        cmocka_unit_test(an_area_must_not_span_two_regions),
        cmocka_unit_test(a_failed_map_gives_everything_back),
        cmocka_unit_test(a_hal_without_unmap_will_do),
        cmocka_unit_test(a_reset_queue_starts_again_at_zero),
        cmocka_unit_test(the_device_can_refuse_a_chain),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        cmocka_unit_test(a_moved_queue_goes_on_where_it_was),
        cmocka_unit_test(suppressed_kicks_stay_suppressed_in_a_moved_queue),
        cmocka_unit_test(a_queue_at_work_is_not_exported),
        cmocka_unit_test(off_and_broken_queues_move_too),
        cmocka_unit_test(import_refuses_what_no_export_wrote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
