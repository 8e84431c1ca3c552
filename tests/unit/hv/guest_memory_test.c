/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's RAM as hv reaches it: no byte outside, whatever the address and the size. */
#include <stdlib.h>
#include <string.h>

#include "core/guest_memory.h"
#include "core/vm.h"
#include "testkit/cmocka.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(8192)

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
    rig->vm.machine.ram = (struct ash_vcpu_ipa_range){ash_ipa(RAM_BASE), RAM_SIZE};
    rig->vm.machine.ram_pa = (uint64_t)(uintptr_t)rig->ram;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ram_is_found_where_it_lies, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_not_all_ram_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(a_write_reaches_its_bytes_and_no_other, make, unmake),
        cmocka_unit_test_setup_teardown(a_read_gives_what_is_there, make, unmake),
        cmocka_unit_test_setup_teardown(nothing_is_copied_for_a_size_of_0, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
