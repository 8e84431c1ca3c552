/* SPDX-License-Identifier: BSD-2-Clause */
/** An independent stage-2 walker, 4 KiB granule, written from Arm ARM DDI 0487 D8.2 (address translation), D8.3
 *  (descriptor formats), D8.4 (permissions), D8.5 (memory attributes) and the VTCR_EL2, VTTBR_EL2 descriptions.
 *  It knows nothing of libstage2 but the names of the attributes. Assumed: no LPA2 (DS = 0), no FEAT_S2FWB, no
 *  FEAT_XNX use, no hardware AF or dirty state, FEAT_BBM level 0.
 *  Functions that return a string return NULL where all is well, else what is wrong.
 */
#ifndef MODEL_STAGE2_WALKER_H
#define MODEL_STAGE2_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum s2_kind { S2_INVALID, S2_TABLE, S2_LEAF };

/** What VTCR_EL2 and VTTBR_EL2 say. */
struct s2_regime {
    unsigned ia_bits;
    unsigned oa_bits;
    unsigned start_level;
    unsigned root_pages; /* concatenated */
    uint64_t root;
    uint16_t vmid;
};

/** How to read physical memory: the 512 descriptors at @pa, or NULL where no table memory is. */
struct s2_memory {
    const uint64_t *(*at)(void *ctx, uint64_t pa);
    void *ctx;
};

/** One leaf or hole. */
struct s2_leaf {
    uint64_t ipa, size;
    uint64_t pa, descriptor;
    unsigned level;
    uint32_t attr; /* ASH_STAGE2_* */
    bool valid;
    bool contiguous;
};

/** What a scan met. */
struct s2_census {
    unsigned tables[4]; /* table pages by level, roots included */
    unsigned leaves[4];
    unsigned contiguous[4];
    unsigned empty;     /* tables below the root without a valid descriptor */
    unsigned mergeable; /* tables below the root that one block could replace */
};

/** Size in bytes of what one descriptor of @level covers. */
uint64_t s2_span(unsigned level);

enum s2_kind s2_kind(uint64_t descriptor, unsigned level);

/** Output address of a leaf, or of a table descriptor the next table's. */
uint64_t s2_address(uint64_t descriptor, unsigned level);
bool s2_is_contiguous(uint64_t descriptor);

/** The bits that decide whether two leaves are the same but for permissions: memory type, shareability. */
uint64_t s2_memory_bits(uint64_t descriptor);

/** Decode a leaf's attributes; complains about reserved, unsupported or contradictory fields. */
const char *s2_leaf_attr(uint64_t descriptor, uint32_t *attr);

/** PARange of ID_AA64MMFR0_EL1 in bits, as far as the 4 KiB granule without LPA2 reaches (48). */
unsigned s2_pa_bits(uint64_t id_aa64mmfr0);

/** Does this CPU have the 4 KiB granule at stage 2? (TGran4_2, TGran4) */
bool s2_has_4k(uint64_t id_aa64mmfr0);

const char *s2_regime_decode(uint64_t vtcr, uint64_t vttbr, uint64_t id_aa64mmfr0, uint64_t id_aa64mmfr1,
                             struct s2_regime *regime);

const char *s2_walk(const struct s2_regime *regime, const struct s2_memory *memory, uint64_t ipa,
                    struct s2_leaf *leaf);

/** Visit every leaf and hole that touches [lo, hi) in ascending order and check every descriptor met; @visit may
 *  be NULL, and stops the scan by returning non-NULL. */
const char *s2_scan(const struct s2_regime *regime, const struct s2_memory *memory, uint64_t lo, uint64_t hi,
                    const char *(*visit)(void *arg, const struct s2_leaf *leaf), void *arg,
                    struct s2_census *census);

#endif
