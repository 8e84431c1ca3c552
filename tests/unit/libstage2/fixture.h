/* SPDX-License-Identifier: BSD-2-Clause */
/** A 40-bit table on the fake HAL, as a Cortex-A53 would have it. */
#ifndef TESTS_UNIT_LIBSTAGE2_FIXTURE_H
#define TESTS_UNIT_LIBSTAGE2_FIXTURE_H

#include <string.h>

#include "testkit/fake_stage2.h"
#include "testkit/cmocka.h"

#define PAGE  ASH_STAGE2_PAGE_SIZE
#define MEGA2 ASH_STAGE2_BLOCK2_SIZE
#define GIGA  ASH_STAGE2_BLOCK1_SIZE

#define RW  (ASH_STAGE2_READ | ASH_STAGE2_WRITE | ASH_STAGE2_NORMAL)
#define RO  (ASH_STAGE2_READ | ASH_STAGE2_NORMAL)
#define RWX (RW | ASH_STAGE2_EXEC)

#define PARANGE_40 UINT64_C(2)

struct fixture {
    struct fake_stage2 fake;
    struct ash_stage2 s2;
};

static inline struct ash_stage2_config config_of(unsigned ipa_bits, uint64_t mmfr0, bool contiguous)
{
    struct ash_stage2_config config = {
        .size = sizeof(config), .id_aa64mmfr0_el1 = mmfr0, .ipa_bits = ipa_bits, .contiguous = contiguous};
    return config;
}

static inline void begin(struct fixture *f, bool contiguous)
{
    struct ash_stage2_config config = config_of(40, PARANGE_40, contiguous);

    fake_stage2_init(&f->fake);
    assert_int_equal(ash_stage2_init(&f->s2, &config, &fake_stage2_hal, &f->fake), ASH_OK);
    ash_stage2_set_vmid(&f->s2, 7);
}

static inline void end(struct fixture *f)
{
    ash_stage2_destroy(&f->s2);
    fake_stage2_fini(&f->fake);
}

static inline struct ash_stage2_mapping at(struct fixture *f, uint64_t ipa)
{
    struct ash_stage2_mapping mapping;

    assert_int_equal(ash_stage2_lookup(&f->s2, ash_ipa(ipa), &mapping), ASH_OK);
    return mapping;
}

static inline int map(struct fixture *f, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t attr)
{
    return ash_stage2_map(&f->s2, ash_ipa(ipa), ash_pa(pa), size, attr);
}

static inline void expect(struct fixture *f, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t attr)
{
    struct ash_stage2_mapping mapping = at(f, ipa);

    assert_true(mapping.valid);
    assert_int_equal(mapping.size, size);
    assert_int_equal(mapping.pa.value + (ipa - mapping.ipa.value), pa);
    assert_int_equal(mapping.attr, attr);
}

#endif
