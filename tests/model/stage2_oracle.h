/* SPDX-License-Identifier: BSD-2-Clause */
/** What a stage-2 table means: for each 4 KiB page its output address and attributes, or a hole. Slow and obvious;
 *  the only concession is that 512 pages that follow from their first are stored once. It tells the result that the
 *  contract in <libstage2/stage2.h> promises for each call, and applies the call when that is ASH_OK.
 *
 *  Pages exist in windows of the IPA space (a 48-bit space has 2^36 pages); all else is holes for ever.
 */
#ifndef MODEL_STAGE2_ORACLE_H
#define MODEL_STAGE2_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libstage2/stage2.h>

#define ORACLE_WINDOWS 4U
#define ORACLE_CHUNK   UINT64_C(0x200000)

/** A page: its output address | ORACLE_VALID | ASH_STAGE2_* attributes; 0 is a hole. */
#define ORACLE_VALID UINT64_C(0x800)
#define ORACLE_ATTR  UINT64_C(0x3F)

struct oracle_chunk {
    uint64_t first;  /* page 0; the others follow from it */
    uint64_t *pages; /* or all 512, if they do not */
};

struct oracle_window {
    uint64_t base, size; /* bytes, multiples of 2 MiB */
    struct oracle_chunk *chunks;
};

struct oracle {
    unsigned ipa_bits, pa_bits;
    unsigned windows;
    struct oracle_window window[ORACLE_WINDOWS]; /* ascending, apart */
};

void oracle_init(struct oracle *oracle, unsigned ipa_bits, unsigned pa_bits);
void oracle_add_window(struct oracle *oracle, uint64_t base, uint64_t size);
void oracle_clear(struct oracle *oracle);
void oracle_fini(struct oracle *oracle);

/** The page at @ipa (any address). */
uint64_t oracle_page(const struct oracle *oracle, uint64_t ipa);

/** Is [ipa, ipa+size) exactly @page and its followers (or all holes, if @page is 0)? */
bool oracle_is(const struct oracle *oracle, uint64_t ipa, uint64_t size, uint64_t page);

/** Are all pages of [ipa, ipa+size) holes? Or: is none a hole? */
bool oracle_is_hole(const struct oracle *oracle, uint64_t ipa, uint64_t size);
bool oracle_is_full(const struct oracle *oracle, uint64_t ipa, uint64_t size);

/** The results that the header promises. */
int oracle_init_result(const struct ash_stage2_config *config, const struct ash_stage2_hal *hal);
int oracle_map(struct oracle *oracle, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t attr);
int oracle_unmap(struct oracle *oracle, uint64_t ipa, uint64_t size);
int oracle_protect(struct oracle *oracle, uint64_t ipa, uint64_t size, uint32_t attr);
int oracle_range(const struct oracle *oracle, uint64_t ipa, uint64_t size);
int oracle_fault(const struct oracle *oracle, uint64_t ipa, uint32_t access);

#endif
