/* SPDX-License-Identifier: BSD-2-Clause */
/** Between a list register image (vgic.h) and the ICH_* registers of this CPU. Library vgic_el2; only the
 * pure ash_vgic_decode_vtr() exists on a host.
 *
 *  All by the vCPU's own CPU at EL2, interrupts masked; no lock. No barrier is needed around them: list
 * registers take effect at the ERET, which synchronizes context (Arm ARM DDI 0487 D1, IHI 0069 12.1.4).
 * Between two loads the list registers of a CPU hold nothing valid: ash_vgic_el2_cpu_init() begins so,
 * ash_vgic_el2_save() leaves it so. So only list registers in use are ever moved.
 */
#ifndef LIBVGIC_EL2_H
#define LIBVGIC_EL2_H

#include <libbase/bits.h>
#include <libvgic/vgic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What ICH_VTR_EL2 says, in the terms of struct ash_vgic_config. */
struct ash_vgic_vtr {
    unsigned lr_count;
    unsigned priority_bits;
    unsigned preemption_bits;
    bool has_tdir;
    bool has_a3v; /* non-zero Aff3 in ICC_SGI1R_EL1 */
};

/** IHI 0069, ICH_VTR_EL2: PRIbits [31:29], PREbits [28:26], A3V [21], TDS [19], ListRegs [4:0]. Pure. */
static inline struct ash_vgic_vtr ash_vgic_decode_vtr(uint64_t vtr)
{
    struct ash_vgic_vtr decoded = {
        (unsigned)ash_field(vtr, 4, 0) + 1U,
        (unsigned)ash_field(vtr, 31, 29) + 1U,
        (unsigned)ash_field(vtr, 28, 26) + 1U,
        (vtr & ASH_BIT(19)) != 0U,
        (vtr & ASH_BIT(21)) != 0U,
    };
    return decoded;
}

/** ICH_VTR_EL2 of this CPU. After ash_vgic_el2_cpu_init(). */
uint64_t ash_vgic_el2_read_vtr(void);

/** Once per CPU: system register access at EL2 and EL1 (ICC_SRE_EL2, ISB), virtual interface off, its list
 * and active priority registers 0 (they are UNKNOWN after reset). */
void ash_vgic_el2_cpu_init(void);

/** Image -> hardware: list registers in use, ICH_VMCR_EL2, active priorities, ICH_HCR_EL2. After
 * ash_vgic_load(). preemption_bits: of the configuration; says how many active priority registers there are.
 * ICC_SRE_EL1, which a guest may write and few CPUs have as RAO/WI, is the caller's to set before. */
void ash_vgic_el2_load(struct ash_vgic_lrs *lrs, unsigned preemption_bits);

/** Hardware -> image, all of the above; the hardware's list registers and ICH_HCR_EL2 are 0 afterwards.
 * Before ash_vgic_put(). */
void ash_vgic_el2_save(struct ash_vgic_lrs *lrs, unsigned preemption_bits);

/** Before ash_vgic_sync(): list registers in use, ICH_VMCR_EL2; ICH_HCR_EL2 if EOIcount matters. */
void ash_vgic_el2_fetch(struct ash_vgic_lrs *lrs);

/** After ash_vgic_flush(): what it changed. */
void ash_vgic_el2_apply(struct ash_vgic_lrs *lrs);

/** Before ash_vgic_has_deliverable() on a loaded vCPU: ICH_VMCR_EL2 and active priorities. */
void ash_vgic_el2_fetch_interface(struct ash_vgic_lrs *lrs, unsigned preemption_bits);

/** For ash_vgic_inject_fast(): the empty list registers, and one list register. n: < 16. */
uint32_t ash_vgic_el2_read_elrsr(void);
void ash_vgic_el2_write_lr(unsigned n, uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
