/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_fixture.h"

#include <string.h>

#include <testkit/cmocka.h>

struct table new_table(struct fixture *f)
{
    struct table table;
    ash_pa_t pa;

    assert_int_equal(machine_hal.table_alloc(&f->machine, 1, &pa), ASH_OK);
    table.pa = pa.value;
    table.entry = machine_hal.table_at(&f->machine, pa);
    memset(table.entry, 0, 4096);
    return table;
}

void publish(struct fixture *f, const uint64_t *first, size_t count)
{
    machine_hal.publish(&f->machine, first, count);
}

void put(struct fixture *f, uint64_t *slot, uint64_t descriptor)
{
    *slot = descriptor;
    publish(f, slot, 1);
}

void invalidate(struct fixture *f, uint64_t ipa, uint64_t size, bool leaf_only)
{
    struct ash_stage2_invalidation what = {VMID, false, leaf_only, ash_ipa(ipa), size};

    machine_hal.invalidate(&f->machine, &what);
}

static bool agrees(void *ctx, uint64_t ipa, uint64_t size, uint64_t descriptor, unsigned level)
{
    struct fixture *f = ctx;
    uint32_t attr;

    return s2_leaf_attr(descriptor, &attr) == NULL &&
           oracle_is(&f->oracle, ipa, size, s2_address(descriptor, level) | ORACLE_VALID | attr);
}

/* The end of a call. */
void settle(struct fixture *f)
{
    tlb_settle(&f->machine.tlb, agrees, f);
}

void expect_clean(struct fixture *f)
{
    settle(f);
    if (f->machine.tlb.violations != 0U) {
        fail_msg("%s", f->machine.tlb.message);
    }
}

void expect_caught(struct fixture *f, enum tlb_violation expected)
{
    settle(f);
    if (f->machine.tlb.violation[expected] == 0U) {
        fail_msg("not caught: %s (but: %s)", tlb_violation_name(expected), f->machine.tlb.message);
    }
}

int fixture_setup(void **state)
{
    static struct fixture f;
    const char *wrong;

    memset(&f, 0, sizeof(f));
    machine_init(&f.machine, BASE_PA, 1);
    oracle_init(&f.oracle, 39, 40);
    oracle_add_window(&f.oracle, 0, 1024U * MIB);
    f.root = new_table(&f);
    publish(&f, f.root.entry, 512);
    wrong = s2_regime_decode(VTCR, f.root.pa | ((uint64_t)VMID << 48), MMFR0, 0, &f.regime);
    assert_null(wrong);
    tlb_load(&f.machine.tlb, &f.regime);
    f.level3 = new_table(&f);
    f.level2 = new_table(&f);
    f.level2.entry[0] = TABLE(f.level3);
    publish(&f, f.level3.entry, 512);
    publish(&f, f.level2.entry, 512);
    put(&f, &f.root.entry[0], TABLE(f.level2));
    *state = &f;
    expect_clean(&f);
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    oracle_fini(&f->oracle);
    machine_fini(&f->machine);
    return 0;
}

void map_page(struct fixture *f, unsigned slot)
{
    uint64_t pa = 0x80000000U + slot * UINT64_C(4096);

    put(f, &f->level3.entry[slot], PAGE(pa));
    assert_int_equal(
        oracle_map(&f->oracle, slot * UINT64_C(4096), pa, 4096, ASH_STAGE2_READ | ASH_STAGE2_WRITE), ASH_OK);
}

void map_group(struct fixture *f, unsigned first)
{
    for (unsigned i = 0; i < 16U; i++) {
        f->level3.entry[first + i] = PAGE(0x80000000U + (first + i) * UINT64_C(4096)) | CONTIGUOUS;
    }
    publish(f, &f->level3.entry[first], 16);
    assert_int_equal(oracle_map(&f->oracle, first * UINT64_C(4096), 0x80000000U + first * UINT64_C(4096),
                                0x10000, ASH_STAGE2_READ | ASH_STAGE2_WRITE),
                     ASH_OK);
}

void map_block(struct fixture *f)
{
    put(f, &f->level2.entry[1], BLOCK(0x80200000U));
    assert_int_equal(
        oracle_map(&f->oracle, 2U * MIB, 0x80200000U, 2U * MIB, ASH_STAGE2_READ | ASH_STAGE2_WRITE), ASH_OK);
}

void forget(struct fixture *f, uint64_t ipa, uint64_t size)
{
    assert_int_equal(oracle_unmap(&f->oracle, ipa, size), ASH_OK);
}
