/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's RAM as hv reaches it: no byte outside, whatever the address and the size. */
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "core/guest_memory.h"
#include "core/vm.h"
#include "testkit/cmocka.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(8192)

/** What was published, one run of bytes a call. */
static struct {
    const void *from;
    size_t size;
} published[4];
static unsigned publications;

void hv_arch_publish_to_guest(const void *from, size_t size)
{
    assert_true(publications < 4U);
    published[publications].from = from;
    published[publications++].size = size;
}

struct rig {
    struct hv_vm vm;
    uint8_t *ram; /* a heap block: AddressSanitizer watches both ends */
};

static int make(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->ram = malloc(RAM_SIZE);
    assert_non_null(rig->ram);
    for (size_t i = 0; i < RAM_SIZE; i++) {
        rig->ram[i] = (uint8_t)(i * 7U);
    }
    rig->vm.machine.parts = 1;
    rig->vm.machine.part[0] = (struct hv_ram_part){RAM_BASE, (uint64_t)(uintptr_t)rig->ram, RAM_SIZE};
    *state = rig;
    return 0;
}

static int unmake(void **state)
{
    struct rig *rig = (struct rig *)*state;

    free(rig->ram);
    free(rig);
    return 0;
}

static void ram_is_found_where_it_lies(void **state)
{
    struct rig *rig = (struct rig *)*state;

    assert_ptr_equal(hv_guest_map(&rig->vm, ash_ipa(RAM_BASE), RAM_SIZE), rig->ram);
    assert_ptr_equal(hv_guest_map(&rig->vm, ash_ipa(RAM_BASE + 100U), RAM_SIZE - 100U), rig->ram + 100);
    assert_ptr_equal(hv_guest_map(&rig->vm, ash_ipa(RAM_BASE + RAM_SIZE - 1U), 1), rig->ram + RAM_SIZE - 1U);
}

/** Each is refused by all three, and nothing is copied. */
static void what_is_not_all_ram_is_refused(void **state)
{
    static const struct {
        uint64_t ipa;
        uint64_t size;
    } bad[] = {
        {RAM_BASE - 1U, 1},
        {RAM_BASE - 1U, 2},
        {RAM_BASE - 1U, RAM_SIZE},
        {RAM_BASE, RAM_SIZE + 1U},
        {RAM_BASE + 1U, RAM_SIZE},
        {RAM_BASE + RAM_SIZE, 1},
        {RAM_BASE + RAM_SIZE - 1U, 2},
        {RAM_BASE + RAM_SIZE + 1U, 0},
        {0, 0},
        {0, 1},
        {0, UINT64_MAX},
        {0, RAM_BASE + 1U},
        {1, UINT64_MAX},                                /* wraps to 0 */
        {RAM_BASE, UINT64_MAX},                         /* wraps to just below */
        {RAM_BASE, UINT64_MAX - RAM_BASE + 1U},         /* ends at 2^64 */
        {RAM_BASE + 1U, UINT64_MAX - RAM_BASE},         /* likewise */
        {RAM_BASE + 8U, 0U - UINT64_C(8)},              /* wraps to the base itself */
        {RAM_BASE + RAM_SIZE - 1U, 0U - RAM_SIZE + 1U}, /* likewise from the last byte */
        {UINT64_MAX, 1},
        {UINT64_MAX, RAM_BASE + 2U}, /* wraps into RAM */
        {UINT64_MAX - RAM_SIZE, RAM_BASE + 2U * RAM_SIZE},
        {UINT64_C(1) << 63, UINT64_C(1) << 63},
        {RAM_BASE | UINT64_C(1) << 32, 1}, /* equal in its low half */
        {RAM_BASE | UINT64_C(1) << 63, 1},
    };
    struct rig *rig = (struct rig *)*state;
    uint8_t other[16];
    uint8_t before[RAM_SIZE];

    memcpy(before, rig->ram, sizeof(before));
    memset(other, 0xEE, sizeof(other));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(hv_guest_map(&rig->vm, ash_ipa(bad[i].ipa), bad[i].size));
        /* @other is smaller than most of the sizes: a copy would be seen by AddressSanitizer. */
        assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(bad[i].ipa), other, (size_t)bad[i].size),
                         ASH_ERANGE);
        assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(bad[i].ipa), other, (size_t)bad[i].size),
                         ASH_ERANGE);
    }
    assert_memory_equal(rig->ram, before, sizeof(before));
    for (size_t i = 0; i < sizeof(other); i++) {
        assert_int_equal(other[i], 0xEE);
    }
}

static void a_write_reaches_its_bytes_and_no_other(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint8_t before[RAM_SIZE];

    memcpy(before, rig->ram, sizeof(before));
    assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(RAM_BASE + RAM_SIZE - 4U), "wxyz", 4), ASH_OK);
    assert_memory_equal(rig->ram, before, RAM_SIZE - 4U);
    assert_memory_equal(rig->ram + RAM_SIZE - 4U, "wxyz", 4);
    assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(RAM_BASE), "ab", 2), ASH_OK);
    assert_memory_equal(rig->ram, "ab", 2);
    assert_memory_equal(rig->ram + 2, before + 2, RAM_SIZE - 6U);
}

static void a_read_gives_what_is_there(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint8_t *copy = malloc(RAM_SIZE);

    assert_non_null(copy);
    assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(RAM_BASE), copy, RAM_SIZE), ASH_OK);
    assert_memory_equal(copy, rig->ram, RAM_SIZE);
    assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(RAM_BASE + 3U), copy, 5), ASH_OK);
    assert_memory_equal(copy, rig->ram + 3, 5);
    free(copy);
}

static void nothing_is_copied_for_a_size_of_0(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint8_t byte = 0xEE;

    assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(RAM_BASE + RAM_SIZE), &byte, 0),
                     ASH_OK); /* the very end */
    assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(RAM_BASE), &byte, 0), ASH_OK);
    assert_int_equal(byte, 0xEE);
    assert_int_equal(rig->ram[0], 0);
}

/* ---- RAM in several pieces --------------------------------------------------------------------------------------- */

/** The second half of the RAM lies before the first; behind a hole there is more. */
static void in_pieces(struct rig *rig)
{
    uint64_t pa = (uint64_t)(uintptr_t)rig->ram;

    rig->vm.machine.parts = 3;
    rig->vm.machine.part[0] = (struct hv_ram_part){RAM_BASE, pa + 4096U, 2048};
    rig->vm.machine.part[1] = (struct hv_ram_part){RAM_BASE + 2048U, pa, 2048};
    rig->vm.machine.part[2] = (struct hv_ram_part){RAM_BASE + 8192U, pa + 6144U, 2048};
}

static void pieces_that_adjoin_are_written_and_read_as_one(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint8_t data[4096];
    uint8_t again[4096];

    in_pieces(rig);
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 13U + 1U);
    }
    assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(RAM_BASE), data, sizeof(data)), ASH_OK);
    assert_memory_equal(rig->ram + 4096, data, 2048);
    assert_memory_equal(rig->ram, data + 2048, 2048);
    assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(RAM_BASE), again, sizeof(again)), ASH_OK);
    assert_memory_equal(again, data, sizeof(data));
    assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(RAM_BASE + 2046U), again, 4), ASH_OK);
    assert_memory_equal(again, data + 2046, 4);
}

static void what_is_published_is_published_piece_by_piece(void **state)
{
    struct rig *rig = (struct rig *)*state;

    in_pieces(rig);
    publications = 0;
    assert_int_equal(hv_guest_publish(&rig->vm, ash_ipa(RAM_BASE + 2000U), 100), ASH_OK);
    assert_int_equal(publications, 2);
    assert_ptr_equal(published[0].from, rig->ram + 4096 + 2000);
    assert_int_equal(published[0].size, 48);
    assert_ptr_equal(published[1].from, rig->ram);
    assert_int_equal(published[1].size, 52);
    assert_int_equal(hv_guest_publish(&rig->vm, ash_ipa(RAM_BASE + 4000U), 200), ASH_ERANGE);
    assert_int_equal(publications, 2);
}

static void a_hole_between_pieces_is_not_ram(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint8_t data[4097];
    uint8_t before[RAM_SIZE];

    in_pieces(rig);
    memset(data, 0x77, sizeof(data));
    memcpy(before, rig->ram, sizeof(before));
    assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(RAM_BASE), data, 4097), ASH_ERANGE);
    assert_int_equal(hv_guest_write(&rig->vm, ash_ipa(RAM_BASE + 8190U), data, 4), ASH_ERANGE);
    assert_int_equal(hv_guest_read(&rig->vm, ash_ipa(RAM_BASE + 4096U), data, 1), ASH_ERANGE);
    assert_memory_equal(rig->ram, before, sizeof(before));
    assert_int_equal(data[0], 0x77);
    assert_null(hv_guest_map(&rig->vm, ash_ipa(RAM_BASE + 2047U), 2)); /* RAM, but in two pieces */
    assert_ptr_equal(hv_guest_map(&rig->vm, ash_ipa(RAM_BASE + 2048U), 2048), rig->ram);
    assert_ptr_equal(hv_guest_map(&rig->vm, ash_ipa(RAM_BASE + 8192U), 2048), rig->ram + 6144);
}

static void all_ram_is_gone_through_in_order(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint64_t size = 1000;

    in_pieces(rig);
    assert_ptr_equal(hv_guest_ram_at(&rig->vm, 0, &size), rig->ram + 4096);
    assert_int_equal(size, 1000);
    assert_ptr_equal(hv_guest_ram_at(&rig->vm, 2000, &size), rig->ram + 4096 + 2000);
    assert_int_equal(size, 48);
    size = 5000;
    assert_ptr_equal(hv_guest_ram_at(&rig->vm, 2048, &size), rig->ram);
    assert_int_equal(size, 2048);
    assert_ptr_equal(hv_guest_ram_at(&rig->vm, 4096 + 2047, &size), rig->ram + 6144 + 2047);
    assert_int_equal(size, 1);
    assert_null(hv_guest_ram_at(&rig->vm, 6144, &size));
    assert_null(hv_guest_ram_at(&rig->vm, UINT64_MAX, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ram_is_found_where_it_lies, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_not_all_ram_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(a_write_reaches_its_bytes_and_no_other, make, unmake),
        cmocka_unit_test_setup_teardown(a_read_gives_what_is_there, make, unmake),
        cmocka_unit_test_setup_teardown(nothing_is_copied_for_a_size_of_0, make, unmake),
        cmocka_unit_test_setup_teardown(pieces_that_adjoin_are_written_and_read_as_one, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_published_is_published_piece_by_piece, make, unmake),
        cmocka_unit_test_setup_teardown(a_hole_between_pieces_is_not_ram, make, unmake),
        cmocka_unit_test_setup_teardown(all_ram_is_gone_through_in_order, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
