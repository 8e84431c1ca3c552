/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest changes between two reads of the device. The library is compiled against hooked_access.h here,
 * and the HAL hands out addresses without any memory behind them: an access that goes past the hooks faults.
 * The hooks count what is read and overwrite each field as soon as it has been. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hooked_access.h"

/* Guest memory as the library sees it: nothing. */
#define SHADOW_SIZE (UINT64_C(1) << 20)

static struct {
    unsigned char *shadow; /* PROT_NONE, SHADOW_SIZE bytes from MOCK_RAM_BASE on */
    struct mock_memory *mem;
    unsigned char reads[SHADOW_SIZE]; /* of each byte, in the current call */
    bool overwrite;                   /* each byte that was read, by its complement */
    unsigned loads;
    unsigned act_at;              /* before this load, if not 0, ... */
    void (*act)(struct rig *rig); /* ... the guest does this */
    struct rig *rig;
} hook;

static unsigned char *real(const void *at, unsigned size)
{
    const uint64_t offset = (uint64_t)((const unsigned char *)at - hook.shadow);
    unsigned char *bytes = mock_memory_at(hook.mem, MOCK_RAM_BASE + offset, size);

    assert_true(offset < SHADOW_SIZE);
    assert_non_null(bytes);
    return bytes;
}

uint64_t hooked_load(const void *at, unsigned size)
{
    const uint64_t offset = (uint64_t)((const unsigned char *)at - hook.shadow);
    unsigned char *bytes = real(at, size);
    uint64_t value = 0;

    assert_true((uintptr_t)at % size == 0);
    if (++hook.loads == hook.act_at) {
        hook.act(hook.rig);
    }
    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
        hook.reads[offset + i]++;
        if (hook.overwrite) {
            bytes[i] = (unsigned char)~bytes[i];
        }
    }
    return value;
}

void hooked_store(void *at, unsigned size, uint64_t value)
{
    unsigned char *bytes = real(at, size);

    assert_true((uintptr_t)at % size == 0);
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(value >> 8 * i);
    }
}

static void *map_nothing(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    (void)write;
    assert_non_null(mock_memory_at(ctx, ipa.value, size));
    assert_true(ipa.value + size <= MOCK_RAM_BASE + SHADOW_SIZE);
    return hook.shadow + (ipa.value - MOCK_RAM_BASE);
}

static const struct ash_virtq_hal hooked_hal = {.size = sizeof(hooked_hal), .map = map_nothing};

static void open_hooked(struct rig *rig, uint64_t features)
{
    void *shadow = mmap(NULL, SHADOW_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(shadow != MAP_FAILED);
    rig_prepare(rig, 8, features);
    memset(&hook, 0, sizeof(hook));
    hook.shadow = shadow;
    hook.mem = &rig->mem;
    hook.rig = rig;
    assert_int_equal(ash_virtq_init(&rig->q, &rig->config, &hooked_hal, &rig->mem), ASH_OK);
    assert_int_equal(ash_virtq_setup(&rig->q, &rig->drv.layout), ASH_OK);
}

static void close_hooked(struct rig *rig)
{
    rig_close(rig);
    assert_int_equal(munmap(hook.shadow, SHADOW_SIZE), 0);
}

/* @times: how often each byte of [ipa, ipa+size) was read. */
static void expect_reads(uint64_t ipa, unsigned size, unsigned times)
{
    for (unsigned i = 0; i < size; i++) {
        assert_int_equal(hook.reads[ipa - MOCK_RAM_BASE + i], times);
    }
}

static void expect_nothing_twice(void)
{
    for (unsigned i = 0; i < SHADOW_SIZE; i++) {
        assert_true(hook.reads[i] <= 1);
    }
}

static const struct ash_virtq_segment three[] = {{{MOCK_RAM_BASE + 0x100}, 0x11223344, false},
                                                 {{MOCK_RAM_BASE + 0x200}, 0x01020304, true},
                                                 {{MOCK_RAM_BASE + 0x300}, 7, true}};

static void expect_three(const struct rig *rig)
{
    assert_int_equal(rig->chain.segment_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        rig_expect_segment(rig, i, three[i].ipa.value, three[i].length, three[i].writable);
    }
}

static void each_field_of_a_chain_is_read_once(void **state)
{
    struct rig rig;

    (void)state;
    open_hooked(&rig, 0);
    rig_offer(&rig, three, 3);
    hook.overwrite = true;
    assert_int_equal(rig_pop(&rig), ASH_OK);
    expect_three(&rig);
    expect_nothing_twice();
    expect_reads(rig.drv.layout.desc.value, 48, 1);
    expect_reads(rig.drv.layout.desc.value + 48, 16 * 5, 0);
    expect_reads(rig.drv.layout.driver.value + 2, 4, 1); /* idx, ring[0] */
    expect_reads(rig.drv.layout.driver.value + 6, 2 * 7 + 2, 0);
    expect_reads(rig.drv.layout.device.value, 6 + 8 * 8, 0);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0x01020304 + 7), ASH_OK);
    expect_nothing_twice();
    close_hooked(&rig);
}

/** A chain in a table of its own, at any alignment. */
static void read_a_table(uint64_t features)
{
    for (unsigned skew = 0; skew < 16; skew++) {
        struct rig rig;
        uint64_t table;

        open_hooked(&rig, features);
        table = mock_memory_alloc(&rig.mem, 48, skew);
        assert_true(mock_driver_add_indirect(&rig.drv, table, three, 3) >= 0);
        mock_driver_publish(&rig.drv);
        hook.overwrite = true;
        assert_int_equal(rig_pop(&rig), ASH_OK);
        expect_three(&rig);
        expect_nothing_twice();
        expect_reads(rig.drv.layout.desc.value, 16, 1);
        expect_reads(table, 48, 1);
        close_hooked(&rig);
    }
}

static void each_field_of_an_indirect_table_is_read_once(void **state)
{
    (void)state;
    read_a_table(ASH_VIRTQ_F_INDIRECT_DESC);
}

static void each_field_of_a_packed_chain_is_read_once(void **state)
{
    struct rig rig;

    (void)state;
    open_hooked(&rig, ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX);
    rig_offer(&rig, three, 3);
    hook.overwrite = true;
    assert_int_equal(rig_pop(&rig), ASH_OK);
    expect_three(&rig);
    expect_nothing_twice();
    expect_reads(rig.drv.layout.desc.value, 48, 1);
    expect_reads(rig.drv.layout.desc.value + 48, 16 * 5, 0);
    expect_reads(rig.drv.layout.device.value, 4, 0);
    assert_int_equal(ash_virtq_push(&rig.q, rig.chain.token, 0x01020304 + 7), ASH_OK);
    (void)ash_virtq_should_notify(&rig.q);
    expect_nothing_twice();
    expect_reads(rig.drv.layout.driver.value, 4, 1);
    close_hooked(&rig);
}

static void each_field_of_a_packed_ring_s_table_is_read_once(void **state)
{
    (void)state;
    read_a_table(ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_INDIRECT_DESC);
}

static void a_rejected_chain_is_read_once(void **state)
{
    static const unsigned flags[] = {MOCK_NEXT, MOCK_INDIRECT, MOCK_INDIRECT | MOCK_NEXT};

    (void)state;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(flags); i++) {
        struct rig rig;

        open_hooked(&rig, ASH_VIRTQ_F_INDIRECT_DESC);
        mock_descriptor(rig.drv.desc, 0, MOCK_RAM_BASE, 17, flags[i], 8);
        mock_driver_offer(&rig.drv, 0);
        mock_driver_publish(&rig.drv);
        hook.overwrite = true;
        assert_int_equal(rig_pop(&rig), ASH_EGUEST);
        expect_nothing_twice();
        memset(hook.reads, 0, sizeof(hook.reads));
        assert_int_equal(rig_pop(&rig), ASH_EGUEST);
        assert_false(ash_virtq_enable_kicks(&rig.q));
        expect_reads(MOCK_RAM_BASE, SHADOW_SIZE, 0); /* a broken queue reads nothing */
        close_hooked(&rig);
    }
}

static void the_index_is_read_once_for_a_batch(void **state)
{
    struct rig rig;
    const struct ash_virtq_segment one = rig_segment(MOCK_RAM_BASE, 1, true);

    (void)state;
    open_hooked(&rig, ASH_VIRTQ_F_EVENT_IDX);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(mock_driver_add(&rig.drv, &one, 1) >= 0);
    }
    mock_driver_publish(&rig.drv);
    for (unsigned i = 0; i < 8; i++) {
        rig_serve(&rig, 1);
    }
    expect_nothing_twice();
    expect_reads(rig.drv.layout.driver.value + 2, 2, 1);
    assert_true(ash_virtq_should_notify(&rig.q));
    expect_nothing_twice();
    expect_reads(rig.drv.layout.driver.value, 2, 0); /* flags mean nothing under EVENT_IDX */
    expect_reads(rig.drv.layout.driver.value + 4 + 2 * 8, 2, 1);
    close_hooked(&rig);
}

static void add_one_without_a_kick(struct rig *rig)
{
    rig_offer_any(rig);
    assert_false(mock_driver_should_kick(&rig->drv));
}

static void add_one(struct rig *rig)
{
    rig_offer_any(rig);
}

static void jump(struct rig *rig)
{
    mock_write16(rig->drv.avail + 2, 1000);
}

static void retract(struct rig *rig)
{
    mock_write16(rig->drv.avail + 2, 0);
}

/* Serve one, so that the next pop finds nothing, arms the event index and looks again: the guest acts in
 * between. */
static int pop_with_act_at_second_look(struct rig *rig, void (*act)(struct rig *))
{
    open_hooked(rig, ASH_VIRTQ_F_EVENT_IDX);
    rig_offer_any(rig);
    (void)mock_driver_should_kick(&rig->drv);
    rig_serve(rig, 0);
    hook.loads = 0;
    hook.act_at = 2;
    hook.act = act;
    return rig_pop(rig);
}

static void a_chain_added_while_the_device_arms_is_found(void **state)
{
    struct rig rig;

    (void)state;
    assert_int_equal(pop_with_act_at_second_look(&rig, add_one), ASH_OK);
    close_hooked(&rig);
}

static void an_index_that_jumps_while_the_device_arms_breaks_the_queue(void **state)
{
    struct rig rig;

    (void)state;
    assert_int_equal(pop_with_act_at_second_look(&rig, jump), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_BAD_AVAIL_INDEX);
    close_hooked(&rig);
    assert_int_equal(pop_with_act_at_second_look(&rig, retract), ASH_EGUEST);
    assert_int_equal(ash_virtq_fault(&rig.q)->reason, ASH_VIRTQ_BAD_AVAIL_INDEX);
    close_hooked(&rig);
}

/* The classic race: the driver adds between our last look and the enabling, and is told not to kick. */
static void a_chain_added_before_kicks_are_enabled_is_told(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTQ_F_EVENT_IDX};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct rig rig;

        open_hooked(&rig, features[f]);
        rig_offer_any(&rig);
        (void)mock_driver_should_kick(&rig.drv);
        ash_virtq_disable_kicks(&rig.q);
        rig_serve(&rig, 0);
        assert_int_equal(rig_pop(&rig), ASH_ENOENT);
        add_one_without_a_kick(&rig);
        assert_true(ash_virtq_enable_kicks(&rig.q));
        rig_serve(&rig, 0);
        close_hooked(&rig);
    }
}

static void an_index_taken_back_changes_nothing_that_was_seen(void **state)
{
    struct rig rig;

    (void)state;
    open_hooked(&rig, 0);
    rig_offer_any(&rig);
    rig_offer_any(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    retract(&rig);
    assert_int_equal(rig_pop(&rig), ASH_OK);
    assert_int_equal(rig_pop(&rig), ASH_EGUEST);
    close_hooked(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_of_a_chain_is_read_once),
        cmocka_unit_test(each_field_of_an_indirect_table_is_read_once),
        cmocka_unit_test(each_field_of_a_packed_chain_is_read_once),
        cmocka_unit_test(each_field_of_a_packed_ring_s_table_is_read_once),
        cmocka_unit_test(a_rejected_chain_is_read_once),
        cmocka_unit_test(the_index_is_read_once_for_a_batch),
        cmocka_unit_test(a_chain_added_while_the_device_arms_is_found),
        cmocka_unit_test(an_index_that_jumps_while_the_device_arms_breaks_the_queue),
        cmocka_unit_test(a_chain_added_before_kicks_are_enabled_is_told),
        cmocka_unit_test(an_index_taken_back_changes_nothing_that_was_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
