/* SPDX-License-Identifier: BSD-2-Clause */
/** Where a vCPU has no virtual CPU interface in hardware: how the models of one reach the one in software, so that the
 *  same guests use either. IHI 0048B 4.4: offsets are GICC_*'s. */
#ifndef TESTKIT_FAKE_GIC_SOFT_H
#define TESTKIT_FAKE_GIC_SOFT_H

#include <stdbool.h>
#include <stdint.h>

struct fake_gic_soft {
    uint32_t (*read)(void *ctx, uint32_t offset);
    void (*write)(void *ctx, uint32_t offset, uint32_t value);
    bool (*signals)(void *ctx, bool fiq);
};

#define FAKE_GICC_CTLR   UINT32_C(0x0000)
#define FAKE_GICC_PMR    UINT32_C(0x0004)
#define FAKE_GICC_BPR    UINT32_C(0x0008)
#define FAKE_GICC_IAR    UINT32_C(0x000C)
#define FAKE_GICC_EOIR   UINT32_C(0x0010)
#define FAKE_GICC_RPR    UINT32_C(0x0014)
#define FAKE_GICC_HPPIR  UINT32_C(0x0018)
#define FAKE_GICC_ABPR   UINT32_C(0x001C)
#define FAKE_GICC_AIAR   UINT32_C(0x0020)
#define FAKE_GICC_AEOIR  UINT32_C(0x0024)
#define FAKE_GICC_AHPPIR UINT32_C(0x0028)
#define FAKE_GICC_APR    UINT32_C(0x00D0)
#define FAKE_GICC_NSAPR  UINT32_C(0x00E0)
#define FAKE_GICC_IIDR   UINT32_C(0x00FC)
#define FAKE_GICC_DIR    UINT32_C(0x1000)

/** As the registers of one group say it: 1022 is "not of mine". */
static inline uint32_t fake_gic_soft_intid(const struct fake_gic_soft *soft, void *ctx, uint32_t offset)
{
    uint32_t value = soft->read(ctx, offset);

    return value == 1022U ? 1023U : value;
}

static inline void fake_gic_soft_set(const struct fake_gic_soft *soft, void *ctx, uint32_t bits, bool set)
{
    uint32_t ctlr = soft->read(ctx, FAKE_GICC_CTLR);

    soft->write(ctx, FAKE_GICC_CTLR, set ? ctlr | bits : ctlr & ~bits);
}

#endif
