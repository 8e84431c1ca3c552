/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/gic.h"

#include "common/guest.h"

bool gic_v3;

uint32_t gic_iar(void)
{
    return gic_v3 ? (uint32_t)guest_sysreg_read(S3_0_C12_C12_0) : guest_read32(GUEST_GICC + 0x0cU);
}

void gic_eoir(uint32_t iar)
{
    if (gic_v3) {
        guest_sysreg_write(S3_0_C12_C12_1, iar);
    } else {
        guest_write32(GUEST_GICC + 0x10U, iar);
    }
}

void gic_dir(uint32_t iar)
{
    if (gic_v3) {
        guest_sysreg_write(S3_0_C12_C11_1, iar);
    } else {
        guest_write32(GUEST_GICC + 0x1000U, iar);
    }
}

uint32_t gic_rpr(void)
{
    return gic_v3 ? (uint32_t)guest_sysreg_read(S3_0_C12_C11_3) & 0xffU : guest_read32(GUEST_GICC + 0x14U);
}

uint32_t gic_hppir(void)
{
    return gic_v3 ? (uint32_t)guest_sysreg_read(S3_0_C12_C12_2) : guest_read32(GUEST_GICC + 0x18U);
}

void gic_set_pmr(uint32_t priority)
{
    if (gic_v3) {
        guest_sysreg_write(S3_0_C4_C6_0, priority);
    } else {
        guest_write32(GUEST_GICC + 0x04U, priority);
    }
}

uint32_t gic_pmr(void)
{
    return gic_v3 ? (uint32_t)guest_sysreg_read(S3_0_C4_C6_0) : guest_read32(GUEST_GICC + 0x04U);
}

void gic_set_bpr(uint32_t point)
{
    if (gic_v3) {
        guest_sysreg_write(S3_0_C12_C12_3, point);
    } else {
        guest_write32(GUEST_GICC + 0x08U, point);
    }
}

uint32_t gic_bpr(void)
{
    return gic_v3 ? (uint32_t)guest_sysreg_read(S3_0_C12_C12_3) : guest_read32(GUEST_GICC + 0x08U);
}

void gic_set_split(bool split)
{
    if (gic_v3) {
        guest_sysreg_write(S3_0_C12_C12_4, split ? 2U : 0U); /* ICC_CTLR_EL1.EOImode */
    } else {
        guest_write32(GUEST_GICC, split ? 0x201U : 1U); /* GICC_CTLR.EOImode, EnableGrp0 */
    }
}

bool gic_signalled(void)
{
    __asm__ volatile("isb");
    return (guest_sysreg_read(isr_el1) & 0x80U) != 0U;
}

static uint64_t frame(uint32_t intid)
{
    uint64_t own = GUEST_GICR + 0x10000U + (guest_sysreg_read(mpidr_el1) & 0xffU) * 0x20000U;

    return gic_v3 && intid < 32U ? own : GUEST_GICD;
}

/** The redistributor or distributor has done what was written (IHI 0069 12.9.4, 12.11.2: RWP), and a state has come to
 *  the CPU interface as far as this vCPU is concerned: the manuals only promise "in finite time", so a read back. */
static void settle(uint64_t base)
{
    if (gic_v3) {
        uint64_t ctlr = base == GUEST_GICD ? base : base - 0x10000U;
        uint32_t rwp = base == GUEST_GICD ? UINT32_C(1) << 31 : UINT32_C(1) << 3;

        while ((guest_read32(ctlr) & rwp) != 0U) {
            __asm__ volatile("yield");
        }
    }
    __asm__ volatile("dsb sy\n\tisb" : : : "memory");
}

void gic_bit(uint32_t offset, uint32_t intid)
{
    guest_write32(frame(intid) + offset + 4U * (intid / 32U), 1U << (intid % 32U));
    settle(frame(intid));
}

bool gic_reads(uint32_t offset, uint32_t intid)
{
    return ((guest_read32(frame(intid) + offset + 4U * (intid / 32U)) >> (intid % 32U)) & 1U) != 0U;
}

void gic_set_priority(uint32_t intid, uint32_t priority)
{
    *(volatile uint8_t *)(uintptr_t)(frame(intid) + 0x400U + intid) = (uint8_t)priority;
}

void gic_set_edge(uint32_t intid, bool edge)
{
    uint64_t at = frame(intid) + 0xc00U + 4U * (intid / 16U);
    uint32_t bit = 2U << (2U * (intid % 16U));

    guest_write32(at, edge ? guest_read32(at) | bit : guest_read32(at) & ~bit);
}

void gic_quiet(void)
{
    for (uint32_t intid = GIC_SPIS; intid < GIC_END; intid++) {
        gic_bit(GIC_DISABLE, intid);
        gic_bit(GIC_UNPEND, intid);
        gic_bit(GIC_RETIRE, intid);
        gic_set_edge(intid, true);
        if (gic_v3) {
            *(volatile uint64_t *)(uintptr_t)(GUEST_GICD + 0x6000U + 8U * intid) = 0;
        } else {
            *(volatile uint8_t *)(uintptr_t)(GUEST_GICD + 0x800U + intid) = 1;
        }
    }
    for (uint32_t n = GIC_SPIS / 32U; n < GIC_END / 32U && gic_v3; n++) {
        guest_write32(GUEST_GICD + 0x80U + 4U * n, UINT32_MAX);
    }
}
