/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/gicv3.h"

#include <libbase/bits.h>

#include "arch/aarch64/sysreg.h"
#include "arch/arch.h"
#include "core/cpu.h"
#include "drivers/mmio.h"

/* IHI 0069 12.8 (distributor), 12.10, 12.11 (redistributor RD_base and SGI_base frames). */
#define GICD_CTLR       0x0000U
#define GICD_TYPER      0x0004U
#define GICD_IGROUPR    0x0080U
#define GICD_ISENABLER  0x0100U
#define GICD_ICENABLER  0x0180U
#define GICD_ICACTIVER  0x0380U
#define GICD_IPRIORITYR 0x0400U
#define GICD_ICFGR      0x0c00U
#define GICD_IROUTER    0x6000U

#define GICD_CTLR_ENABLE_GRP1NS ASH_BIT(1)
#define GICD_CTLR_ARE_NS        ASH_BIT(4)
#define GICD_CTLR_RWP           ASH_BIT(31)

#define GICR_CTLR         0x0000U
#define GICR_CTLR_RWP     ASH_BIT(3)
#define GICR_TYPER        0x0008U
#define GICR_TYPER_LAST   ASH_BIT(4)
#define GICR_TYPER_VLPIS  ASH_BIT(1)
#define GICR_WAKER        0x0014U
#define WAKER_SLEEP       ASH_BIT(1)
#define WAKER_CHILDREN    ASH_BIT(2)
#define GICR_SGI_BASE     0x10000U /* the second 64 KiB frame */
#define GICR_FRAMES       0x20000U
#define GICR_FRAMES_VLPIS 0x40000U

static void wait_distributor(const struct hv_gicv3 *gic)
{
    while ((hv_mmio_read32(gic->distributor + GICD_CTLR) & GICD_CTLR_RWP) != 0U) {
        hv_arch_relax();
    }
}

static void wait_redistributor(const struct hv_cpu *cpu)
{
    while ((hv_mmio_read32(cpu->redistributor + GICR_CTLR) & GICR_CTLR_RWP) != 0U) {
        hv_arch_relax();
    }
}

/** Affinity as GICD_IROUTER and GICR_TYPER[63:32] order it: Aff3 in [39:32]. */
static uint64_t affinity(uint64_t mpidr)
{
    return mpidr & (ASH_MASK(39, 32) | ASH_MASK(23, 0));
}

void hv_gicv3_init_distributor(struct hv_gicv3 *gic, uint64_t boot_mpidr)
{
    uint32_t lines = (hv_mmio_read32(gic->distributor + GICD_TYPER) & 0x1fU) + 1U;

    gic->spis = lines * 32U - 32U;
    if (gic->spis > 988U) {
        gic->spis = 988U;
    }
    hv_mmio_write32(gic->distributor + GICD_CTLR, 0);
    wait_distributor(gic);
    for (uint32_t word = 1; word < lines; word++) {
        hv_mmio_write32(gic->distributor + GICD_ICENABLER + 4U * word, UINT32_MAX);
        hv_mmio_write32(gic->distributor + GICD_ICACTIVER + 4U * word, UINT32_MAX);
        hv_mmio_write32(gic->distributor + GICD_IGROUPR + 4U * word, UINT32_MAX);
    }
    for (uint32_t intid = 32; intid < 32U + gic->spis; intid += 4U) {
        hv_mmio_write32(gic->distributor + GICD_IPRIORITYR + intid, HV_GIC_PRIORITY * 0x01010101U);
    }
    wait_distributor(gic);
    hv_mmio_write32(gic->distributor + GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_GRP1NS);
    wait_distributor(gic);
    /* IROUTER is there only with ARE on (12.9.22). */
    for (uint32_t intid = 32; intid < 32U + gic->spis; intid++) {
        hv_mmio_write64(gic->distributor + GICD_IROUTER + 8U * (uint64_t)intid, affinity(boot_mpidr));
    }
}

static int find_redistributor(const struct hv_gicv3 *gic, struct hv_cpu *cpu)
{
    uint64_t aff = affinity(cpu->mpidr);
    uint64_t wanted = (aff & ASH_MASK(23, 0)) | ((aff >> 8) & ASH_MASK(31, 24));

    for (uint32_t r = 0; r < gic->redistributors; r++) {
        const struct hv_gicv3_region *region = &gic->redistributor[r];
        uint64_t frame = region->base;
        uint64_t typer;

        do {
            typer = hv_mmio_read64(frame + GICR_TYPER);
            if ((typer >> 32) == wanted) {
                cpu->redistributor = frame;
                return ASH_OK;
            }
            frame += (typer & GICR_TYPER_VLPIS) != 0U ? GICR_FRAMES_VLPIS : GICR_FRAMES;
        } while ((typer & GICR_TYPER_LAST) == 0U && frame - region->base < region->size);
    }
    return ASH_ENOENT;
}

static void init_cpu_interface(void)
{
    /* SRE first: the other ICC registers are there only with it (12.2.26). Enable: EL1 may use its own. */
    hv_sysreg_write(ICC_SRE_EL2, 0xf);
    hv_isb();
    hv_sysreg_write(ICC_PMR_EL1, 0xff);
    hv_sysreg_write(ICC_BPR1_EL1, 0);
    hv_sysreg_write(ICC_CTLR_EL1, ASH_BIT(1)); /* EOImode: EOIR drops priority, DIR deactivates */
    hv_sysreg_write(ICC_IGRPEN1_EL1, 1);
    hv_isb();
}

int hv_gicv3_init_cpu(const struct hv_gicv3 *gic, struct hv_cpu *cpu)
{
    int error = find_redistributor(gic, cpu);
    uint64_t sgi = cpu->redistributor + GICR_SGI_BASE;

    if (error != ASH_OK) {
        return error;
    }
    hv_mmio_write32(cpu->redistributor + GICR_WAKER,
                    hv_mmio_read32(cpu->redistributor + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
    while ((hv_mmio_read32(cpu->redistributor + GICR_WAKER) & WAKER_CHILDREN) != 0U) {
        hv_arch_relax();
    }
    hv_mmio_write32(sgi + GICD_ICENABLER, UINT32_MAX);
    hv_mmio_write32(sgi + GICD_ICACTIVER, UINT32_MAX);
    hv_mmio_write32(sgi + GICD_IGROUPR, UINT32_MAX);
    for (uint32_t intid = 0; intid < 32U; intid += 4U) {
        hv_mmio_write32(sgi + GICD_IPRIORITYR + intid, HV_GIC_PRIORITY * 0x01010101U);
    }
    wait_redistributor(cpu);
    init_cpu_interface();
    return ASH_OK;
}

void hv_gicv3_enable(const struct hv_gicv3 *gic, const struct hv_cpu *cpu, uint32_t intid, bool enable)
{
    uint64_t base = intid < 32U ? cpu->redistributor + GICR_SGI_BASE : gic->distributor;

    hv_mmio_write32(base + (enable ? GICD_ISENABLER : GICD_ICENABLER) + 4U * (intid / 32U),
                    1U << (intid % 32U));
    if (!enable) {
        /* Disabled means: not signalled any more once RWP is clear (12.9.7). */
        if (intid < 32U) {
            wait_redistributor(cpu);
        } else {
            wait_distributor(gic);
        }
    }
}

void hv_gicv3_configure_edge(const struct hv_gicv3 *gic, uint32_t intid, bool edge)
{
    uint64_t address = gic->distributor + GICD_ICFGR + 4U * (intid / 16U);
    uint32_t shift = 2U * (intid % 16U);
    uint32_t value = hv_mmio_read32(address) & ~(3U << shift);

    hv_mmio_write32(address, value | ((edge ? 2U : 0U) << shift));
}

void hv_gicv3_clear_active(const struct hv_gicv3 *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    uint64_t base = intid < 32U ? cpu->redistributor + GICR_SGI_BASE : gic->distributor;

    hv_mmio_write32(base + GICD_ICACTIVER + 4U * (intid / 32U), 1U << (intid % 32U));
}

void hv_gicv3_send_sgi(uint64_t mpidr, uint32_t intid)
{
    /* ICC_SGI1R_EL1: Aff3 [55:48], Aff2 [39:32], Aff1 [23:16], RS [47:44] = Aff0 / 16, list bit Aff0 % 16. */
    uint64_t aff0 = ash_field(mpidr, 7, 0);
    uint64_t value = (ash_field(mpidr, 39, 32) << 48) | (ash_field(mpidr, 23, 16) << 32) |
                     (ash_field(mpidr, 15, 8) << 16) | ((aff0 >> 4) << 44) | (UINT64_C(1) << (aff0 & 0xfU)) |
                     ((uint64_t)intid << 24);

    /* What was written for the other CPU is seen before the interrupt: a system register write is not ordered with
     * stores by itself (IHI 0069 12.1.3, DDI 0487 "DSB"). */
    hv_dsb(ishst);
    hv_sysreg_write(ICC_SGI1R_EL1, value);
    hv_isb();
}

uint32_t hv_gicv3_acknowledge(void)
{
    uint32_t intid = (uint32_t)hv_sysreg_read(ICC_IAR1_EL1) & 0xffffffU;

    /* The acknowledge is done before what the interrupt was about is looked at (IHI 0069 12.1.3). */
    hv_dsb(sy);
    return intid;
}

void hv_gicv3_drop(uint32_t intid)
{
    hv_sysreg_write(ICC_EOIR1_EL1, intid);
}

void hv_gicv3_deactivate(uint32_t intid)
{
    hv_sysreg_write(ICC_DIR_EL1, intid);
}
