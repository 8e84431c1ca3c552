/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

void rig_prepare(struct rig *rig, unsigned size, uint64_t features)
{
    memset(rig, 0xA5, sizeof(*rig));
    mock_memory_init(&rig->mem);
#ifdef MOCK_DIRECT
    mock_memory_make_direct(&rig->mem);
#endif
    mock_driver_init(&rig->drv, &rig->mem, size, features);
    rig->region = (struct ash_virtq_region){ash_ipa(MOCK_RAM_BASE), MOCK_RAM_SIZE, rig->mem.direct};
    rig->slots = malloc(size * sizeof(*rig->slots));
    assert_non_null(rig->slots);
    memset(rig->slots, 0xA5, size * sizeof(*rig->slots));
    rig->config = (struct ash_virtq_config){
        .regions = &rig->region, .region_count = 1, .max_size = size, .slots = rig->slots};
    assert_int_equal(ash_virtq_init(&rig->q, &rig->config, &mock_memory_hal, &rig->mem), ASH_OK);
}

void rig_open(struct rig *rig, unsigned size, uint64_t features)
{
    rig_prepare(rig, size, features);
    assert_int_equal(ash_virtq_setup(&rig->q, &rig->drv.layout), ASH_OK);
}

void rig_close(struct rig *rig)
{
    ash_virtq_reset(&rig->q);
    assert_int_equal(rig->mem.mapped, 0);
    mock_driver_fini(&rig->drv);
    mock_memory_fini(&rig->mem);
    free(rig->slots);
}

struct ash_virtq_segment rig_segment(uint64_t ipa, uint32_t length, bool writable)
{
    return (struct ash_virtq_segment){ash_ipa(ipa), length, writable};
}

int rig_offer(struct rig *rig, const struct ash_virtq_segment *segments, unsigned count)
{
    const int head = mock_driver_add(&rig->drv, segments, count);

    assert_true(head >= 0);
    mock_driver_publish(&rig->drv);
    return head;
}

int rig_offer_any(struct rig *rig)
{
    const struct ash_virtq_segment segment = rig_segment(MOCK_RAM_BASE, 64, true);

    return rig_offer(rig, &segment, 1);
}

int rig_pop(struct rig *rig)
{
    return ash_virtq_pop(&rig->q, rig->segments, RIG_SEGMENTS, &rig->chain);
}

void rig_serve(struct rig *rig, uint32_t written)
{
    assert_int_equal(rig_pop(rig), ASH_OK);
    assert_int_equal(ash_virtq_push(&rig->q, rig->chain.token, written), ASH_OK);
}

void rig_expect_segment(const struct rig *rig, unsigned i, uint64_t ipa, uint32_t length, bool writable)
{
    assert_true(i < rig->chain.segment_count);
    assert_int_equal(rig->segments[i].ipa.value, ipa);
    assert_int_equal(rig->segments[i].length, length);
    assert_int_equal(rig->segments[i].writable, writable);
}

void rig_expect_broken(struct rig *rig, enum ash_virtq_reason reason, uint32_t index, uint64_t value)
{
    const uint32_t in_flight = ash_virtq_in_flight(&rig->q);

    assert_int_equal(rig_pop(rig), ASH_EGUEST);
    assert_int_equal(ash_virtq_state(&rig->q), ASH_VIRTQ_BROKEN);
    assert_string_equal(ash_virtq_reason_name(ash_virtq_fault(&rig->q)->reason),
                        ash_virtq_reason_name(reason));
    assert_int_equal(ash_virtq_fault(&rig->q)->index, index);
    assert_int_equal(ash_virtq_fault(&rig->q)->value, value);
    assert_int_equal(ash_virtq_in_flight(&rig->q), in_flight);
    assert_int_equal(rig->mem.mapped, 3);
    assert_int_equal(rig_pop(rig), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig->q)->reason, reason);
    assert_false(ash_virtq_enable_kicks(&rig->q));
    assert_false(ash_virtq_should_notify(&rig->q));
}
