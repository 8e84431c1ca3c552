/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "fake_gich.h"

/* GICH_LR<n>: HW 31, Grp1 30, State 29:28, Priority 27:23, PhysicalID 19:10 (HW) or EOI 19 and CPUID 12:10, VirtualID
 * 9:0. ICH_LR<n>_EL2: State 63:62, HW 61, Group 60, Priority 55:48, pINTID 44:32 (HW) or EOI 41, vINTID 31:0. */
static uint32_t pack(uint64_t lr)
{
    uint32_t hw = (uint32_t)(lr >> 61 & 1U);
    uint32_t middle =
        hw != 0U ? (uint32_t)(lr >> 32 & 0x3FFU) : (uint32_t)(lr >> 41 & 1U) << 9 | (uint32_t)(lr >> 10 & 7U);

    return hw << 31 | (uint32_t)(lr >> 60 & 1U) << 30 | (uint32_t)(lr >> 62 & 3U) << 28 |
           (uint32_t)(lr >> 51 & 0x1FU) << 23 | middle << 10 | (uint32_t)(lr & 0x3FFU);
}

static uint64_t unpack(uint32_t word)
{
    uint64_t lr = (uint64_t)(word >> 28 & 3U) << 62 | (uint64_t)(word >> 31) << 61 |
                  (uint64_t)(word >> 30 & 1U) << 60 | (uint64_t)(word >> 23 & 0x1FU) << 51 | (word & 0x3FFU);

    if (word >> 31 != 0U) {
        return lr | (uint64_t)(word >> 10 & 0x3FFU) << 32;
    }
    return lr | (uint64_t)(word >> 19 & 1U) << 41 | (word >> 10 & 7U) << 10;
}

static uint32_t show(struct fake_ich *ich, unsigned n)
{
    uint32_t word = pack(ich->lr[n]);
    uint32_t keep = UINT32_C(0xB0000000) | (word >> 31 != 0U ? 0U : UINT32_C(1) << 19);

    if ((word >> 28 & 3U) != 0U) {
        return word;
    }
    ich->poison = ich->poison * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (word & keep) | ((uint32_t)(ich->poison >> 32) & ~keep);
}

void fake_gich_open(struct fake_gich *gich, struct fake_ich *ich)
{
    memset(gich, 0xEE, sizeof(*gich));
    gich->reg[0x00] = ich->hcr;
    gich->reg[0x01] =
        (ich->priority_bits - 1U) << 29 | (ich->preemption_bits - 1U) << 26 | (ich->lr_count - 1U);
    gich->reg[0x02] = ich->vmcr;
    gich->reg[0x04] = fake_ich_misr(ich);
    gich->reg[0x08] = fake_ich_eisr(ich);
    gich->reg[0x0C] = fake_ich_elrsr(ich);
    gich->reg[0x3C] = ich->apr0[0];
    for (unsigned n = 0; n < 64U; n++) {
        gich->before[n] = n < ich->lr_count ? show(ich, n) : 0U;
        gich->reg[0x40U + n] = gich->before[n];
    }
}

void fake_gich_close(struct fake_gich *gich, struct fake_ich *ich)
{
    ich->hcr = gich->reg[0x00];
    ich->vmcr = gich->reg[0x02];
    ich->apr0[0] = gich->reg[0x3C];
    for (unsigned n = 0; n < 64U; n++) {
        if (gich->reg[0x40U + n] != gich->before[n]) {
            fake_ich_write_lr(ich, n, unpack(gich->reg[0x40U + n])); /* a violation where there is none */
        }
    }
    for (unsigned w = 0x80; w < 0x400U; w++) {
        if (gich->reg[w] != UINT32_C(0xEEEEEEEE) && ich->violation == NULL) {
            ich->violation = "a write outside the registers";
        }
    }
    fake_ich_check(ich);
}
