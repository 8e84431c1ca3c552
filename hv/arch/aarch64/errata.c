/* SPDX-License-Identifier: BSD-2-Clause */
/* From Arm's Software Developer Errata Notices for Cortex-A53 (EPM-048406) and Cortex-A72 (EPM-012079). */
#include "arch/aarch64/errata.h"

#include <libbase/bits.h>
#include <libbase/compiler.h>

#define CORTEX_A53             UINT32_C(0x410d03)
#define CORTEX_A72             UINT32_C(0x410d08)
#define REV(variant, revision) (uint8_t)(((variant) << 4) | (revision))

/* By the build: -mfix-cortex-a53-835769, --fix-cortex-a53-843419. By hv: of the A53, caches are cleaned by
 * clean+invalidate only (cache.c; 855873: EL3 may set CPUACTLR.ENDCCASCI instead); of the A72, EL1's walks are off
 * while a vCPU's registers change (world.c). */
static const struct hv_erratum errata[] = {
    {CORTEX_A53, REV(0, 0), REV(0, 4), 835769, "build"}, {CORTEX_A53, REV(0, 0), REV(0, 4), 843419, "build"},
    {CORTEX_A53, REV(0, 0), REV(0, 1), 819472, "hv"},    {CORTEX_A53, REV(0, 0), REV(0, 2), 824069, "hv"},
    {CORTEX_A53, REV(0, 0), REV(0, 2), 827319, "hv"},    {CORTEX_A53, REV(0, 0), REV(0, 2), 826319, "hv"},
    {CORTEX_A53, REV(0, 3), REV(0, 4), 855873, "hv"},    {CORTEX_A72, REV(0, 0), REV(1, 0), 1319367, "hv"},
};

static bool is_of(const struct hv_erratum *erratum, uint64_t midr)
{
    uint32_t part = (uint32_t)((ash_field(midr, 31, 24) << 16) | ash_field(midr, 15, 4));
    uint8_t revision = REV((unsigned)ash_field(midr, 23, 20), (unsigned)ash_field(midr, 3, 0));

    return erratum->part == part && revision >= erratum->first && revision <= erratum->last;
}

bool hv_errata_has(uint64_t midr, uint32_t number)
{
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(errata); i++) {
        if (errata[i].number == number && is_of(&errata[i], midr)) {
            return true;
        }
    }
    return false;
}

void hv_errata_visit(uint64_t midr, void (*visit)(void *arg, const struct hv_erratum *erratum), void *arg)
{
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(errata); i++) {
        if (is_of(&errata[i], midr)) {
            visit(arg, &errata[i]);
        }
    }
}
