/* SPDX-License-Identifier: BSD-2-Clause */
/** Hand-made stage-2 tables on the machine that watches: 39 bits of IPA from level 1, IPA 0 with an empty level 3
 *  table, and helpers that change them as a library would, rightly or wrongly. */
#ifndef MODEL_STAGE2_FIXTURE_H
#define MODEL_STAGE2_FIXTURE_H

#include <libbase/bits.h>

#include "stage2_machine.h"
#include "stage2_oracle.h"
#include "stage2_walker.h"

#define BASE_PA UINT64_C(0x40000000)
#define VMID    7U
#define MMFR0   UINT64_C(0x2) /* 40-bit PA, 4 KiB granule */
/* T0SZ = 25 (39 bits), SL0 = 1 (level 1), walks WBWA Inner Shareable, PS = 40 bits. */
#define VTCR (UINT64_C(0x80000000) | (UINT64_C(2) << 16) | (UINT64_C(0x35) << 8) | (UINT64_C(1) << 6) | 25U)
/* AF, Inner Shareable, S2AP read and write, Normal Write-Back, execute-never. */
#define ATTR       (ASH_BIT(54) | ASH_BIT(10) | (UINT64_C(3) << 8) | (UINT64_C(3) << 6) | (UINT64_C(0xF) << 2))
#define READ_ONLY  (ATTR & ~ASH_BIT(7))
#define PAGE(pa)   ((pa) | ATTR | 3U)
#define BLOCK(pa)  ((pa) | ATTR | 1U)
#define TABLE(t)   ((t).pa | 3U)
#define CONTIGUOUS ASH_BIT(52)
#define MIB        UINT64_C(0x100000)

struct table {
    uint64_t pa, *entry;
};

struct fixture {
    struct stage2_machine machine;
    struct oracle oracle;
    struct s2_regime regime;
    struct table root, level2, level3; /* IPA 0: linked, empty */
};

struct table new_table(struct fixture *f);
void publish(struct fixture *f, const uint64_t *first, size_t count);
void put(struct fixture *f, uint64_t *slot, uint64_t descriptor);
void invalidate(struct fixture *f, uint64_t ipa, uint64_t size, bool leaf_only);
void settle(struct fixture *f);
void expect_clean(struct fixture *f);
void expect_caught(struct fixture *f, enum tlb_violation expected);
int fixture_setup(void **state);
int fixture_teardown(void **state);
void map_page(struct fixture *f, unsigned slot);
void map_group(struct fixture *f, unsigned first);
void map_block(struct fixture *f);
void forget(struct fixture *f, uint64_t ipa, uint64_t size);

#endif
