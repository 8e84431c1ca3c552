/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/gicv3.h"

#include <libbase/bits.h>
#include <libbase/errors.h>

#include "arch/aarch64/sysreg.h"
#include "arch/arch.h"
#include "core/cpu.h"
#include "drivers/mmio.h"

/* IHI 0069 12.9 (distributor), 12.10, 12.11 (redistributor RD_base and SGI_base frames). */
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
#define GICR_FRAMES       0x20000U
#define GICR_FRAMES_VLPIS 0x40000U

void hv_gicv3_wait_distributor(const struct hv_gic *gic)
{
    while ((hv_mmio_read32(gic->distributor + GICD_CTLR) & GICD_CTLR_RWP) != 0U) {
        hv_arch_relax();
    }
}

void hv_gicv3_wait_redistributor(const struct hv_cpu *cpu)
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

void hv_gicv3_turn_on(const struct hv_gic *gic)
{
    hv_mmio_write32(gic->distributor + GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_GRP1NS);
    hv_gicv3_wait_distributor(gic);
}

void hv_gicv3_route(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    /* IROUTER is there only with ARE on (12.9.22). */
    hv_mmio_write64(gic->distributor + GICD_IROUTER + 8U * (uint64_t)intid, affinity(cpu->mpidr));
}

int hv_gicv3_find_redistributor(const struct hv_gic *gic, struct hv_cpu *cpu)
{
    uint64_t aff = affinity(cpu->mpidr);
    uint64_t wanted = (aff & ASH_MASK(23, 0)) | ((aff >> 8) & ASH_MASK(31, 24));

    for (uint32_t r = 0; r < gic->redistributors; r++) {
        const struct hv_gic_region *region = &gic->redistributor[r];
        uint64_t frame = region->base;
        uint64_t typer;

        do {
            typer = hv_mmio_read64(frame + GICR_TYPER);
            if ((typer >> 32) == wanted) {
                cpu->redistributor = frame;
                return ASH_OK;
            }
            frame += gic->redistributor_stride != 0U    ? gic->redistributor_stride
                     : (typer & GICR_TYPER_VLPIS) != 0U ? GICR_FRAMES_VLPIS
                                                        : GICR_FRAMES;
        } while ((typer & GICR_TYPER_LAST) == 0U && frame - region->base < region->size);
    }
    return ASH_ENOENT;
}

void hv_gicv3_wake(const struct hv_cpu *cpu)
{
    hv_mmio_write32(cpu->redistributor + GICR_WAKER,
                    hv_mmio_read32(cpu->redistributor + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
    while ((hv_mmio_read32(cpu->redistributor + GICR_WAKER) & WAKER_CHILDREN) != 0U) {
        hv_arch_relax();
    }
}

void hv_gicv3_init_cpu_interface(void)
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

void hv_gicv3_send_sgi(const struct hv_cpu *cpu, uint32_t intid)
{
    /* ICC_SGI1R_EL1: Aff3 [55:48], Aff2 [39:32], Aff1 [23:16], RS [47:44] = Aff0 / 16, list bit Aff0 % 16. */
    uint64_t mpidr = cpu->mpidr;
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
