/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_walker.h"

#include <string.h>

#include <libbase/bits.h>
#include <libstage2/stage2.h>

#define ENTRIES 512U
#define GROUP   16U /* entries under one Contiguous hint, 4 KiB granule, every level: D8.7 "Contiguous bit" */

uint64_t s2_span(unsigned level)
{
    return ASH_BIT(39U - 9U * level);
}

/* D8.3.1: bit 0 valid; bit 1 tells table from block. At level 3 only 0b11 is valid (a page), at level 0 there is
 * no block without LPA2: both reserved encodings are treated as invalid. */
enum s2_kind s2_kind(uint64_t descriptor, unsigned level)
{
    switch (descriptor & 3U) {
    case 3:
        return level == 3U ? S2_LEAF : S2_TABLE;
    case 1:
        return level == 1U || level == 2U ? S2_LEAF : S2_INVALID;
    default:
        return S2_INVALID;
    }
}

uint64_t s2_address(uint64_t descriptor, unsigned level)
{
    if (s2_kind(descriptor, level) == S2_LEAF) {
        return descriptor & ASH_MASK(47, 12) & ~(s2_span(level) - 1U);
    }
    return descriptor & ASH_MASK(47, 12);
}

bool s2_is_contiguous(uint64_t descriptor)
{
    return (descriptor & ASH_BIT(52)) != 0U;
}

uint64_t s2_memory_bits(uint64_t descriptor)
{
    return descriptor & (ASH_MASK(5, 2) | ASH_MASK(9, 8));
}

/* D8.5.5, stage 2 without FWB: MemAttr[3:0]. Returns false for what the library has no name for. */
static bool memory_type(uint64_t descriptor, uint32_t *type)
{
    switch (ash_field(descriptor, 5, 2)) {
    case 0xF:
        *type = ASH_STAGE2_NORMAL;
        return true;
    case 0x5:
        *type = ASH_STAGE2_NORMAL_NC;
        return true;
    case 0x1:
        *type = ASH_STAGE2_DEVICE;
        return true;
    case 0x0:
        *type = ASH_STAGE2_DEVICE_NGNRNE;
        return true;
    default:
        return false;
    }
}

const char *s2_leaf_attr(uint64_t descriptor, uint32_t *attr)
{
    uint64_t s2ap = ash_field(descriptor, 7, 6);
    uint64_t shareability = ash_field(descriptor, 9, 8);

    if (!memory_type(descriptor, attr)) {
        return "MemAttr is none of the four documented types";
    }
    if (shareability == 1U) {
        return "SH is the reserved 0b01";
    }
    if (*attr == ASH_STAGE2_NORMAL && shareability != 3U) {
        return "Normal Write-Back memory is not Inner Shareable";
    }
    if (s2ap == 0U || s2ap == 2U) {
        return "S2AP gives no read access";
    }
    *attr |= s2ap == 3U ? ASH_STAGE2_READ | ASH_STAGE2_WRITE : ASH_STAGE2_READ;
    if ((descriptor & ASH_BIT(54)) == 0U) {
        *attr |= ASH_STAGE2_EXEC;
    }
    return NULL;
}

/* Bits that are RES0 here: [50:48] high address bits without LPA2 and GP; [51] DBM without HD; [53] XN[0] without
 * FEAT_XNX; [11] nG/FnXS. [58:55] and [63:59] are software's or IGNORED: hypervisors that know no PBHA leave [62:59]
 * alone, so they count as wrong here. */
#define LEAF_RES0  (ASH_MASK(50, 48) | ASH_BIT(51) | ASH_BIT(53) | ASH_MASK(63, 59) | ASH_BIT(11))
#define TABLE_RES0 (ASH_MASK(63, 59) | ASH_MASK(50, 48))

static const char *check_leaf(const struct s2_regime *regime, uint64_t descriptor, unsigned level)
{
    uint32_t attr;

    if ((descriptor & LEAF_RES0) != 0U) {
        return "a RES0 bit is set in a leaf descriptor";
    }
    if ((descriptor & ASH_MASK(47, 12) & (s2_span(level) - 1U)) != 0U) {
        return "a block's output address is not aligned to its size";
    }
    if (s2_address(descriptor, level) >= ASH_BIT(regime->oa_bits)) {
        return "an output address is beyond VTCR_EL2.PS";
    }
    if ((descriptor & ASH_BIT(10)) == 0U) {
        return "AF is 0 in a valid descriptor";
    }
    return s2_leaf_attr(descriptor, &attr);
}

static const char *check_table(const struct s2_regime *regime, const struct s2_memory *memory,
                               uint64_t descriptor, unsigned level)
{
    uint64_t next = s2_address(descriptor, level);

    if ((descriptor & TABLE_RES0) != 0U) {
        return "a RES0 bit is set in a table descriptor";
    }
    if (next >= ASH_BIT(regime->oa_bits)) {
        return "a table's address is beyond VTCR_EL2.PS";
    }
    return memory->at(memory->ctx, next) == NULL ? "a table descriptor leads to memory that is no table"
                                                 : NULL;
}

static const char *check_descriptor(const struct s2_regime *regime, const struct s2_memory *memory,
                                    uint64_t descriptor, unsigned level)
{
    switch (s2_kind(descriptor, level)) {
    case S2_LEAF:
        return check_leaf(regime, descriptor, level);
    case S2_TABLE:
        return check_table(regime, memory, descriptor, level);
    case S2_INVALID:
    default:
        return (descriptor & 1U) != 0U ? "a reserved encoding with bit 0 set" : NULL;
    }
}

/* D8.7.1: the 16 entries are contiguous and aligned in both addresses, all carry the hint, and are alike in
 * everything but the address. The table of a start level with fewer entries than a group cannot carry it. */
static const char *check_group(const struct s2_regime *regime, const uint64_t *group, unsigned level)
{
    bool wanted = false;

    for (unsigned i = 0; i < GROUP; i++) {
        wanted |= s2_kind(group[i], level) == S2_LEAF && s2_is_contiguous(group[i]);
    }
    if (!wanted) {
        return NULL;
    }
    if (ASH_BIT(regime->ia_bits) < GROUP * s2_span(level)) {
        return "Contiguous at a level with fewer entries than a group";
    }
    if ((s2_address(group[0], level) & (GROUP * s2_span(level) - 1U)) != 0U) {
        return "a contiguous group's output address is not aligned to the group";
    }
    for (unsigned i = 0; i < GROUP; i++) {
        if (s2_kind(group[i], level) != S2_LEAF || group[i] != group[0] + i * s2_span(level)) {
            return "a contiguous group does not line up";
        }
    }
    return NULL;
}

unsigned s2_pa_bits(uint64_t id_aa64mmfr0)
{
    static const uint8_t bits[16] = {32, 36, 40, 42, 44, 48, 48, 48};

    return bits[ash_field(id_aa64mmfr0, 3, 0)];
}

bool s2_has_4k(uint64_t id_aa64mmfr0)
{
    uint64_t stage2 = ash_field(id_aa64mmfr0, 43, 40);
    uint64_t stage1 = ash_field(id_aa64mmfr0, 31, 28);

    return stage2 == 0U ? stage1 != 0xFU : stage2 >= 2U;
}

static const char *check_vtcr(uint64_t vtcr, uint64_t id_aa64mmfr0, uint64_t id_aa64mmfr1)
{
    uint64_t parange = ash_field(id_aa64mmfr0, 3, 0);

    if ((vtcr & ASH_BIT(31)) == 0U) {
        return "VTCR_EL2[31] is RES1";
    }
    if ((vtcr & ~(ASH_MASK(19, 0) | ASH_BIT(31))) != 0U) {
        return "VTCR_EL2 sets what this library does not use (HA, HD, DS, SL2, NSA, NSW, HWU)";
    }
    if (ash_field(vtcr, 15, 14) != 0U) {
        return "VTCR_EL2.TG0 is not 4 KiB";
    }
    if (ash_field(vtcr, 18, 16) != (parange > 5U ? 5U : parange)) {
        return "VTCR_EL2.PS is not what ID_AA64MMFR0_EL1.PARange gives";
    }
    if (ash_field(vtcr, 13, 8) != 0x35U) {
        return "VTCR_EL2: walks are not Inner Shareable, Write-Back Write-Allocate";
    }
    if (ash_field(vtcr, 19, 19) != (ash_field(id_aa64mmfr1, 7, 4) == 2U ? 1U : 0U)) {
        return "VTCR_EL2.VS is not what ID_AA64MMFR1_EL1.VMIDBits gives";
    }
    return NULL;
}

/* VTCR_EL2.SL0 for 4 KiB: 0b00 level 2, 0b01 level 1, 0b10 level 0, and that only where the PA has 44 bits or more.
 * The start table resolves 1..9 bits, and up to 4 more by concatenation (D8.2.2); at level 0 the IPA ends at 48. */
static const char *check_start(uint64_t vtcr, unsigned pa_bits, struct s2_regime *regime)
{
    uint64_t sl0 = ash_field(vtcr, 7, 6);
    unsigned below;

    if (sl0 == 3U) {
        return "VTCR_EL2.SL0 = 0b11 without FEAT_TTST";
    }
    if (sl0 == 2U && pa_bits < 44U) {
        return "VTCR_EL2.SL0: level 0 on a CPU with fewer than 44 PA bits";
    }
    regime->start_level = 2U - (unsigned)sl0;
    regime->ia_bits = 64U - (unsigned)ash_field(vtcr, 5, 0);
    below = 39U - 9U * regime->start_level;
    if (regime->ia_bits < below + 1U || regime->ia_bits > below + 13U || regime->ia_bits > 48U) {
        return "VTCR_EL2.SL0 and T0SZ are inconsistent";
    }
    regime->root_pages = regime->ia_bits > below + 9U ? 1U << (regime->ia_bits - below - 9U) : 1U;
    return NULL;
}

const char *s2_regime_decode(uint64_t vtcr, uint64_t vttbr, uint64_t id_aa64mmfr0, uint64_t id_aa64mmfr1,
                             struct s2_regime *regime)
{
    const char *wrong = check_vtcr(vtcr, id_aa64mmfr0, id_aa64mmfr1);

    if (wrong == NULL) {
        wrong = check_start(vtcr, s2_pa_bits(id_aa64mmfr0), regime);
    }
    if (wrong != NULL) {
        return wrong;
    }
    regime->oa_bits = s2_pa_bits(id_aa64mmfr0);
    regime->root = vttbr & ASH_MASK(47, 1);
    regime->vmid = (uint16_t)ash_field(vttbr, 63, 48);
    if ((vttbr & 1U) != 0U) {
        return "VTTBR_EL2.CnP is set";
    }
    if ((regime->root & (regime->root_pages * UINT64_C(4096) - 1U)) != 0U) {
        return "VTTBR_EL2.BADDR is not aligned to the concatenated tables";
    }
    if (regime->root >= ASH_BIT(regime->oa_bits)) {
        return "VTTBR_EL2.BADDR is beyond the PA size";
    }
    if (ash_field(vtcr, 19, 19) == 0U && regime->vmid > 255U) {
        return "VTTBR_EL2.VMID[15:8] is RES0 with 8-bit VMIDs";
    }
    return NULL;
}

static void fill_leaf(uint64_t descriptor, unsigned level, uint64_t ipa, struct s2_leaf *leaf)
{
    memset(leaf, 0, sizeof(*leaf));
    leaf->ipa = ipa & ~(s2_span(level) - 1U);
    leaf->size = s2_span(level);
    leaf->level = level;
    leaf->descriptor = descriptor;
    leaf->valid = s2_kind(descriptor, level) == S2_LEAF;
    if (leaf->valid) {
        leaf->pa = s2_address(descriptor, level);
        leaf->contiguous = s2_is_contiguous(descriptor);
        (void)s2_leaf_attr(descriptor, &leaf->attr);
    }
}

const char *s2_walk(const struct s2_regime *regime, const struct s2_memory *memory, uint64_t ipa,
                    struct s2_leaf *leaf)
{
    uint64_t index = ipa / s2_span(regime->start_level);
    uint64_t table = regime->root + (index / ENTRIES) * 4096U;

    for (unsigned level = regime->start_level;; level++) {
        const uint64_t *entries = memory->at(memory->ctx, table);
        unsigned slot = (unsigned)(ipa / s2_span(level) % ENTRIES);
        uint64_t descriptor;
        const char *wrong;

        if (entries == NULL) {
            return "the root is in memory that is no table";
        }
        descriptor = entries[slot];
        wrong = check_descriptor(regime, memory, descriptor, level);
        if (wrong == NULL) {
            wrong = check_group(regime, &entries[slot & ~(GROUP - 1U)], level);
        }
        if (wrong != NULL) {
            return wrong;
        }
        if (s2_kind(descriptor, level) != S2_TABLE) {
            fill_leaf(descriptor, level, ipa, leaf);
            return NULL;
        }
        table = s2_address(descriptor, level);
    }
}

struct scan {
    const struct s2_regime *regime;
    const struct s2_memory *memory;
    uint64_t lo, hi;
    const char *(*visit)(void *arg, const struct s2_leaf *leaf);
    void *arg;
    struct s2_census *census;
};

/* Could one block descriptor of the level above say the same as this whole table? */
static bool is_mergeable(const uint64_t *entries, unsigned level, const struct s2_regime *regime)
{
    uint64_t span = s2_span(level);
    uint64_t first = entries[0] & ~ASH_BIT(52);

    if (level < 2U || level == regime->start_level || s2_kind(first, level) != S2_LEAF ||
        (s2_address(first, level) & (s2_span(level - 1U) - 1U)) != 0U) {
        return false;
    }
    for (unsigned i = 1; i < ENTRIES; i++) {
        if ((entries[i] & ~ASH_BIT(52)) != first + i * span) {
            return false;
        }
    }
    return true;
}

static bool is_empty(const uint64_t *entries)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        if ((entries[i] & 1U) != 0U) {
            return false;
        }
    }
    return true;
}

static const char *scan_table(struct scan *scan, uint64_t table, unsigned level, uint64_t base);

static const char *scan_slot(struct scan *scan, uint64_t descriptor, unsigned level, uint64_t ipa)
{
    struct s2_leaf leaf;

    if (s2_kind(descriptor, level) == S2_TABLE) {
        return scan_table(scan, s2_address(descriptor, level), level + 1U, ipa);
    }
    fill_leaf(descriptor, level, ipa, &leaf);
    scan->census->leaves[level] += leaf.valid ? 1U : 0U;
    scan->census->contiguous[level] += leaf.contiguous ? 1U : 0U;
    return scan->visit != NULL ? scan->visit(scan->arg, &leaf) : NULL;
}

/* One table page that covers [base, base + 512 spans). Whole groups are checked even where only a part is asked
 * for. A start table with fewer entries than 512 (or than 16) ends with the input address range. */
static const char *scan_table(struct scan *scan, uint64_t table, unsigned level, uint64_t base)
{
    const uint64_t *entries = scan->memory->at(scan->memory->ctx, table);
    uint64_t span = s2_span(level);
    uint64_t end = ASH_BIT(scan->regime->ia_bits);
    unsigned last = end - base < ENTRIES * span ? (unsigned)((end - base) / span) : ENTRIES;
    bool root = level == scan->regime->start_level;

    if (entries == NULL) {
        return "a table is in memory that is no table";
    }
    scan->census->tables[level]++;
    scan->census->empty += !root && is_empty(entries) ? 1U : 0U;
    scan->census->mergeable += is_mergeable(entries, level, scan->regime) ? 1U : 0U;
    for (unsigned i = 0; i < last; i++) {
        uint64_t ipa = base + i * span;
        uint64_t group = ipa & ~(GROUP * span - 1U);
        const char *wrong = NULL;

        if (group >= scan->hi || group + GROUP * span <= scan->lo) {
            continue;
        }
        wrong = check_descriptor(scan->regime, scan->memory, entries[i], level);
        if (wrong == NULL && i % GROUP == 0U) {
            wrong = check_group(scan->regime, &entries[i], level);
        }
        if (wrong == NULL && ipa < scan->hi && ipa + span > scan->lo) {
            wrong = scan_slot(scan, entries[i], level, ipa);
        }
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

const char *s2_scan(const struct s2_regime *regime, const struct s2_memory *memory, uint64_t lo, uint64_t hi,
                    const char *(*visit)(void *arg, const struct s2_leaf *leaf), void *arg,
                    struct s2_census *census)
{
    struct scan scan = {regime, memory, lo, hi, visit, arg, census};
    uint64_t page_span = ENTRIES * s2_span(regime->start_level);

    memset(census, 0, sizeof(*census));
    for (unsigned i = 0; i < regime->root_pages; i++) {
        const char *wrong;

        /* Every root page is there whether asked for or not, so that pages can be counted. */
        if (i * page_span >= hi || (i + 1U) * page_span <= lo) {
            census->tables[regime->start_level]++;
            continue;
        }
        wrong = scan_table(&scan, regime->root + i * UINT64_C(4096), regime->start_level, i * page_span);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}
