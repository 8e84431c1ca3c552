/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/mmu.h"

#include <stdbool.h>
#include <stddef.h>

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/endian.h>
#include <libbase/errors.h>

#include "arch/arch.h"
#include "core/ownership.h"

#include "arch/aarch64/asm.h"
#include "arch/aarch64/image.h"
#include "arch/aarch64/sysreg.h"

/* Stage 1 descriptors, 4 KiB granule (DDI 0487 D8.3.1, D8.3.2). */
#define DESC_VALID    ASH_BIT(0)
#define DESC_TABLE    ASH_BIT(1) /* levels 0..2: a table; level 3: a page */
#define DESC_ATTR(n)  ((uint64_t)(n) << 2)
#define DESC_AP_RES1  ASH_BIT(6) /* AP[1] is RES1 in a regime of one privilege level (D8.4.1) */
#define DESC_AP_RO    ASH_BIT(7)
#define DESC_SH_INNER (UINT64_C(3) << 8)
#define DESC_AF       ASH_BIT(10)
#define DESC_XN       ASH_BIT(54)
#define DESC_ADDRESS  ASH_MASK(47, 12)

#define ENTRIES 512U

/* Attr0 Normal Write-Back Read- and Write-Allocate, Attr1 Device-nGnRE, Attr2 Normal Non-cacheable (D17.2). */
#define MAIR_VALUE UINT64_C(0x4404ff)

#define TABLE_POOL 24U
static uint64_t table_pool[TABLE_POOL][ENTRIES] __attribute__((aligned(4096), section(".bss.noinit.tables")));

/* Written before bss is cleared. */
#define EARLY_DATA __attribute__((section(".data.early")))
static unsigned tables_used EARLY_DATA;
struct hv_boot_registers hv_boot_registers EARLY_DATA;

static const uint64_t attr_bits[] = {
    [HV_EL2_TEXT] = DESC_ATTR(0) | DESC_SH_INNER | DESC_AP_RO,
    [HV_EL2_RODATA] = DESC_ATTR(0) | DESC_SH_INNER | DESC_AP_RO | DESC_XN,
    [HV_EL2_DATA] = DESC_ATTR(0) | DESC_SH_INNER | DESC_XN,
    [HV_EL2_DEVICE] = DESC_ATTR(1) | DESC_XN,
    [HV_EL2_FLASH] = DESC_ATTR(2) | DESC_AP_RO | DESC_XN,
};

void hv_early_zero_page(void *page); /* boot.S */

static unsigned level_shift(unsigned level)
{
    return 39U - 9U * level;
}

static uint64_t *new_table(void)
{
    uint64_t *table;

    if (tables_used == TABLE_POOL) {
        return NULL;
    }
    table = table_pool[tables_used++];
    if ((hv_sysreg_read(sctlr_el2) & 1U) != 0U) {
        hv_arch_zero_pages(table, sizeof(table_pool[0]));
    } else {
        hv_early_zero_page(table);
    }
    return table;
}

/** The table below @entry, made if there is none. NULL: a block is in the way, or no memory. */
static uint64_t *table_below(uint64_t *entry, int *error)
{
    uint64_t *table;

    if ((*entry & DESC_VALID) != 0U) {
        if ((*entry & DESC_TABLE) == 0U) {
            *error = ASH_EEXIST;
            return NULL;
        }
        return (uint64_t *)(uintptr_t)(*entry & DESC_ADDRESS);
    }
    table = new_table();
    if (table == NULL) {
        *error = ASH_ENOMEM;
        return NULL;
    }
    /* The walker must see an empty table before it sees the way to it: DSB (D8.2.7 "ordering of walks"). */
    hv_dsb(ishst);
    *entry = (uint64_t)(uintptr_t)table | DESC_TABLE | DESC_VALID;
    return table;
}

/** Largest of 1 GiB, 2 MiB, 4 KiB that fits at both addresses: its level. */
static unsigned best_level(uint64_t va, uint64_t pa, uint64_t size)
{
    unsigned level;

    for (level = 1; level < 3U; level++) {
        uint64_t block = UINT64_C(1) << level_shift(level);
        if (ash_is_aligned(va | pa, block) && size >= block) {
            break;
        }
    }
    return level;
}

/** Write @count entries of an empty table, the first @desc and each @block further. */
static void fill_empty(uint64_t *entry, unsigned count, uint64_t desc, uint64_t block)
{
    uint64_t *end = entry + count;

    for (; (count & 3U) != 0U; count--, desc += block) {
        *entry++ = desc;
    }
    for (; entry != end; entry += 4U, desc += 4U * block) {
        entry[0] = desc;
        entry[1] = desc + block;
        entry[2] = desc + 2U * block;
        entry[3] = desc + 3U * block;
    }
}

/** The same in one that may have some, as far as none is taken: how many. */
static unsigned fill(uint64_t *entry, unsigned count, uint64_t desc, uint64_t block)
{
    unsigned done = 0;

    /* By fours: a tree or an archive in memory has whole tables of 4 KiB pages around it. */
    for (; count - done >= 4U; done += 4U, entry += 4U) {
        if (((entry[0] | entry[1] | entry[2] | entry[3]) & DESC_VALID) != 0U) {
            break;
        }
        entry[0] = desc;
        entry[1] = desc + block;
        entry[2] = desc + 2U * block;
        entry[3] = desc + 3U * block;
        desc += 4U * block;
    }
    for (; done < count && (*entry & DESC_VALID) == 0U; done++, entry++, desc += block) {
        *entry = desc;
    }
    return done;
}

/** Entries of one table at @level from @va on: as much of [va, va+size) as it covers and nothing else takes, *@done
 *  bytes. Where a table ends, a larger block may fit: the caller looks. */
static int map_run(uint64_t va, uint64_t pa, uint64_t size, unsigned level, uint64_t bits, uint64_t *done)
{
    uint64_t block = UINT64_C(1) << level_shift(level);
    uint64_t desc = pa | bits | DESC_AP_RES1 | DESC_AF | (level == 3U ? DESC_TABLE : 0U) | DESC_VALID;
    uint64_t *table = table_pool[0];
    int error = ASH_OK;
    unsigned before = tables_used;
    unsigned at;
    unsigned end;

    for (unsigned above = 0; above < level; above++) {
        table = table_below(&table[(va >> level_shift(above)) % ENTRIES], &error);
        if (table == NULL) {
            return error;
        }
    }
    at = (unsigned)((va >> level_shift(level)) % ENTRIES);
    end = size / block < ENTRIES - at ? at + (unsigned)(size / block) : ENTRIES;
    if (tables_used != before) { /* it was made just now */
        fill_empty(&table[at], end - at, desc, block);
    } else if ((table[at] & DESC_VALID) != 0U) {
        return ASH_EEXIST;
    } else {
        end = at + fill(&table[at], end - at, desc, block);
    }
    *done = (uint64_t)(end - at) * block;
    return ASH_OK;
}

int hv_el2_map(uint64_t va, ash_pa_t pa, uint64_t size, enum hv_el2_attr attr)
{
    uint64_t done = 0;

    if (!ash_is_aligned(va | pa.value | size, 4096) || size == 0U) {
        return ASH_EINVAL;
    }
    if (tables_used == 0U) {
        (void)new_table(); /* the root */
    }
    while (done < size) {
        unsigned level = best_level(va + done, pa.value + done, size - done);
        uint64_t run = 0;
        int error = map_run(va + done, pa.value + done, size - done, level, attr_bits[attr], &run);

        /* A finer table stands there already (the image's own GiB): fill it with finer entries. */
        while (error == ASH_EEXIST && level < 3U) {
            level++;
            error = map_run(va + done, pa.value + done, size - done, level, attr_bits[attr], &run);
        }
        if (error != ASH_OK) {
            return error;
        }
        done += run;
    }
    /* Invalid to valid needs no TLBI, only the order of the stores against the next access (D8.12); the ISB is
     * for this CPU's own fetches and accesses. */
    hv_dsb(ishst);
    hv_isb();
    return ASH_OK;
}

ASH_STATIC_ASSERT(HV_MEMORY_END == HV_EL2_STACKS_VA, "nothing of the machine's at hv's own addresses");

int hv_el2_map_identity(uint64_t base, uint64_t size, enum hv_el2_attr attr)
{
    if (size > HV_MEMORY_END || base > HV_MEMORY_END - size) {
        return ASH_EINVAL;
    }
    return hv_el2_map(base, ash_pa(base), size, attr);
}

static int map_section(const char *start, const char *end, enum hv_el2_attr attr)
{
    uint64_t base = (uint64_t)(uintptr_t)start;

    return end == start ? ASH_OK : hv_el2_map_identity(base, (uint64_t)(uintptr_t)end - base, attr);
}

void hv_el2_tree_extent(uint64_t tree, uint64_t size, uint64_t *base, uint64_t *end)
{
    uint64_t image = (uint64_t)(uintptr_t)_start;
    uint64_t image_end = (uint64_t)(uintptr_t)__image_end;

    /* What lies in the same 2 MiB must not want other attributes (Linux, Documentation/arm64/booting.rst, 2): one block
     * in place of 512 pages. The image may be there, and does want others. */
    *base = ash_align_down(tree, 0x200000);
    *end = ash_align_up(tree + size, 0x200000);
    if (*base < image_end && image < *end) {
        *base = ash_align_down(tree, 4096);
        *end = ash_align_up(tree + size, 4096);
    }
}

/** Called by assembly with MMU and caches off: map the image and the device tree, and compute what every CPU loads.
 *  A failure leaves a hole, and the first access to it faults into the vectors. */
const struct hv_boot_registers *hv_early_map(uint64_t dtb);
ASH_STATIC_ASSERT(offsetof(struct hv_boot_registers, vbar) == 32, "enable_mmu");
ASH_STATIC_ASSERT(offsetof(struct hv_boot_registers, tables) == 40, "primary_entry");
const struct hv_boot_registers *hv_early_map(uint64_t dtb)
{
    uint64_t pa_range = hv_sysreg_read(id_aa64mmfr0_el1) & 0xfU;

    (void)map_section(__text_start, __text_end, HV_EL2_TEXT);
    (void)map_section(__rodata_start, __rodata_end, HV_EL2_RODATA);
    (void)map_section(__data_start, __bss_end, HV_EL2_DATA);
    /* Big-endian magic, then totalsize (Devicetree Specification 5.2); a tree is at most 2 MiB. */
    if (dtb != 0U && ash_is_aligned(dtb, 8) && ash_load_be32((const void *)(uintptr_t)dtb) == 0xd00dfeedU) {
        uint64_t size = ash_load_be32((const void *)(uintptr_t)(dtb + 4U));
        if (size <= 0x200000U) {
            uint64_t base;
            uint64_t end;
            hv_el2_tree_extent(dtb, size, &base, &end);
            (void)hv_el2_map_identity(base, end - base, HV_EL2_DATA);
        }
    }

    hv_boot_registers.tables = (uint64_t)(uintptr_t)table_pool[0];
    hv_boot_registers.tables_end = (uint64_t)(uintptr_t)table_pool[tables_used];
    hv_boot_registers.ttbr0 = (uint64_t)(uintptr_t)table_pool[0];
    /* T0SZ 16, walks Write-Back Inner Shareable, 4 KiB; PS as the CPU has it, 48 bits at most; bits 31 and 23 RES1
     * (D17.2). */
    hv_boot_registers.tcr = 16U | (1U << 8) | (1U << 10) | (3U << 12) |
                            ((pa_range > 5U ? 5U : pa_range) << 16) | ASH_BIT(31) | ASH_BIT(23);
    hv_boot_registers.mair = MAIR_VALUE;
    /* M, C, SA, I, WXN. A stays 0: libfdt is compiled by others and may use unaligned accesses to Normal memory. */
    hv_boot_registers.sctlr =
        SCTLR_EL2_RES1 | ASH_BIT(0) | ASH_BIT(2) | ASH_BIT(3) | ASH_BIT(12) | ASH_BIT(19);
    hv_boot_registers.vbar = (uint64_t)(uintptr_t)hv_vectors;
    return &hv_boot_registers;
}
