/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

#include <libbase/checked.h>

#define IPA_BITS_MIN 32U
#define IPA_BITS_MAX 48U

/** ID_AA64MMFR0_EL1.PARange [3:0] (DDI 0487 D17.2); 52 bits need a format that is not used here. */
static unsigned pa_bits_of(uint64_t mmfr0)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t range = ash_field(mmfr0, 3, 0);

    return range < sizeof(bits) ? bits[range] : 48U;
}

/** TGran4_2 [43:40]: 0 says "as TGran4", 1 no, 2 and up yes; TGran4 [31:28]: 15 says no. */
static bool has_4k_at_stage2(uint64_t mmfr0)
{
    uint64_t at_stage2 = ash_field(mmfr0, 43, 40);

    if (at_stage2 == 0U) {
        return ash_field(mmfr0, 31, 28) != 0xfU;
    }
    return at_stage2 >= 2U;
}

/** The start level with the fewest levels: up to 16 root tables are concatenated (DDI 0487 D8.2.7 "VMSAv8-64
 *  translation using the 4KB granule"). */
static void choose_start(struct ash_stage2 *s2)
{
    unsigned bits = s2->ipa_bits;
    unsigned level = bits <= 34U ? 2U : (bits <= 43U ? 1U : 0U);
    unsigned covered = ash_stage2_shift_(level) + 9U; /* by one table */

    s2->start_level = (uint8_t)level;
    s2->root_pages = (uint8_t)(bits > covered ? 1U << (bits - covered) : 1U);
}

/** VTCR_EL2 (DDI 0487 D17.2). Walks: Normal Write-Back Read- and Write-Allocate, Inner Shareable; no hardware AF or
 *  dirty state. SL0 for 4 KiB: 0 starts at level 2, 1 at level 1, 2 at level 0. */
static uint64_t vtcr_of(const struct ash_stage2 *s2, const struct ash_stage2_config *config)
{
    uint64_t range = ash_field(config->id_aa64mmfr0_el1, 3, 0);
    uint64_t ps = range < 5U ? range : 5U; /* encoded like PARange; 48 bits at most */
    uint64_t vmid16 = ash_field(config->id_aa64mmfr1_el1, 7, 4) == 2U ? 1U : 0U;

    return (64U - s2->ipa_bits) | ((2U - s2->start_level) << 6) | (1U << 8) | (1U << 10) | (3U << 12) |
           (ps << 16) | (vmid16 << 19) | ASH_BIT(31);
}

int ash_stage2_geometry_(const struct ash_stage2_config *config, struct ash_stage2 *s2)
{
    unsigned pa_bits = pa_bits_of(config->id_aa64mmfr0_el1);

    if (config->ipa_bits < IPA_BITS_MIN || config->ipa_bits > IPA_BITS_MAX || config->ipa_bits > pa_bits) {
        return ASH_EINVAL;
    }
    if (!has_4k_at_stage2(config->id_aa64mmfr0_el1)) {
        return ASH_ENOTSUP;
    }
    s2->ipa_bits = (uint8_t)config->ipa_bits;
    s2->pa_bits = (uint8_t)pa_bits;
    s2->contiguous = config->contiguous;
    choose_start(s2);
    s2->vtcr = vtcr_of(s2, config);
    return ASH_OK;
}

int ash_stage2_range_(const struct ash_stage2 *s2, uint64_t ipa, uint64_t size)
{
    if (!ash_is_aligned(ipa | size, ASH_STAGE2_PAGE_SIZE) || !ash_range_ok(ipa, size)) {
        return ASH_EINVAL;
    }
    return ash_range_within(ipa, size, 0, UINT64_C(1) << s2->ipa_bits) ? ASH_OK : ASH_ERANGE;
}
