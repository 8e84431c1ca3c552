/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

/* MemAttr[3:0] without FEAT_S2FWB (DDI 0487 D8.5.5). */
#define MEMATTR_NORMAL_WB     UINT64_C(0xf)
#define MEMATTR_NORMAL_NC     UINT64_C(0x5)
#define MEMATTR_DEVICE_nGnRE  UINT64_C(0x1)
#define MEMATTR_DEVICE_nGnRnE UINT64_C(0x0)

#define S2AP_READ  UINT64_C(1)
#define S2AP_WRITE UINT64_C(2)

/* Inner Shareable. Device and Non-cacheable are Outer Shareable whatever it says. */
#define SH_INNER UINT64_C(3)

static const uint64_t memattr_of_type[] = {MEMATTR_NORMAL_WB, MEMATTR_NORMAL_NC, MEMATTR_DEVICE_nGnRE,
                                           MEMATTR_DEVICE_nGnRnE};

bool ash_stage2_encode_attr_(uint32_t attr, uint64_t *bits)
{
    uint64_t memattr = memattr_of_type[(attr & ASH_STAGE2_TYPE) >> 4];

    if ((attr & ~(ASH_STAGE2_RIGHTS | ASH_STAGE2_TYPE)) != 0U || (attr & ASH_STAGE2_READ) == 0U) {
        return false;
    }
    *bits = (memattr << 2) | ((S2AP_READ | ((attr & ASH_STAGE2_WRITE) != 0U ? S2AP_WRITE : 0U)) << 6) |
            (SH_INNER << 8) | DESC_AF_ | ((attr & ASH_STAGE2_EXEC) != 0U ? 0U : DESC_XN_);
    return true;
}

uint32_t ash_stage2_decode_attr_(uint64_t descriptor)
{
    uint64_t memattr = ash_field(descriptor, 5, 2);
    uint64_t s2ap = ash_field(descriptor, 7, 6);
    uint32_t attr = ((s2ap & S2AP_READ) != 0U ? ASH_STAGE2_READ : 0U) |
                    ((s2ap & S2AP_WRITE) != 0U ? ASH_STAGE2_WRITE : 0U) |
                    ((descriptor & DESC_XN_) == 0U ? ASH_STAGE2_EXEC : 0U);

    for (uint32_t type = 0; type < ASH_ARRAY_SIZE(memattr_of_type); type++) {
        if (memattr_of_type[type] == memattr) {
            attr |= type << 4;
        }
    }
    return attr;
}
