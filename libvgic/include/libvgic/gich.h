/* SPDX-License-Identifier: BSD-2-Clause */
/** GICv2's virtual interface control registers, GICH_*: their formats, and the list register image (vgic.h) to
 *  and from them. IHI 0048B, chapter 5.3.
 *
 *  GICH_HCR and GICH_VMCR have the fields of ICH_HCR_EL2 and ICH_VMCR_EL2 at the same bits; GICH_APR is the
 *  image's apr0[0], for both groups. Only list registers are packed differently.
 *
 *  The moves (library vgic_el2; plain loads and stores, so the tests run them on a PC) follow the rules of
 *  those of libvgic/el2.h: by the vCPU's own CPU at EL2, interrupts masked, no lock. @base: where this CPU's
 *  GICH frame (its banked one) is mapped, as Device-nGnRE: accesses to one peripheral are then in program
 *  order, and no other barrier is needed. Between two loads the hardware's list registers hold nothing valid:
 *  ash_vgic_gich_cpu_init() begins so, ash_vgic_gich_save() leaves it so.
 */
#ifndef LIBVGIC_GICH_H
#define LIBVGIC_GICH_H

#include <libbase/bits.h>
#include <libvgic/el2.h>
#include <libvgic/ich.h>
#include <libvgic/vgic.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Offsets, bytes. */
#define ASH_GICH_HCR   0x000U
#define ASH_GICH_VTR   0x004U
#define ASH_GICH_VMCR  0x008U
#define ASH_GICH_MISR  0x010U
#define ASH_GICH_EISR0 0x020U
#define ASH_GICH_ELRSR 0x030U
#define ASH_GICH_APR   0x0F0U
#define ASH_GICH_LR    0x100U /* + 4 n */

#define ASH_GICH_SIZE 0x1000U

/* GICH_LR<n>, 5.3.11. */
#define ASH_GICH_LR_VIRTUALID_BITS   10 /* [9:0] */
#define ASH_GICH_LR_PHYSICALID_SHIFT 10 /* [19:10] if HW = 1; else CPUID [12:10] and EOI [19] */
#define ASH_GICH_LR_EOI              (UINT32_C(1) << 19)
#define ASH_GICH_LR_PRIORITY_SHIFT   23 /* [27:23]: the upper five bits of a priority */
#define ASH_GICH_LR_STATE_SHIFT      28 /* [29:28]: active, pending */
#define ASH_GICH_LR_GROUP1           (UINT32_C(1) << 30)
#define ASH_GICH_LR_HW               (UINT32_C(1) << 31)

/** A list register of the image as GICH_LR<n>. What a GICH cannot hold is cut off: priority bits below the
 *  fifth, INTIDs above 1023. Pure. */
static inline uint32_t ash_vgic_gich_lr(uint64_t lr)
{
    uint32_t value = (uint32_t)ash_field(lr, 9, 0) | ((uint32_t)ash_field(lr, 55, 51) << 23) |
                     ((uint32_t)ash_field(lr, 63, 62) << 28) | ((uint32_t)ash_field(lr, 60, 60) << 30);

    if ((lr & ASH_ICH_LR_HW) != 0U) {
        return value | ASH_GICH_LR_HW | ((uint32_t)ash_field(lr, 41, 32) << 10);
    }
    return value | ((uint32_t)ash_field(lr, 12, 10) << 10) |
           ((lr & ASH_ICH_LR_EOI) != 0U ? ASH_GICH_LR_EOI : 0U);
}

/** The reverse: GICH_LR<n> as the image has it. Pure. */
static inline uint64_t ash_vgic_lr_of_gich(uint32_t gich)
{
    uint64_t lr = ash_field(gich, 9, 0) | (ash_field(gich, 27, 23) << 51) | (ash_field(gich, 29, 28) << 62) |
                  (ash_field(gich, 30, 30) << 60);

    if ((gich & ASH_GICH_LR_HW) != 0U) {
        return lr | ASH_ICH_LR_HW | (ash_field(gich, 19, 10) << 32);
    }
    return lr | (ash_field(gich, 12, 10) << 10) | ((gich & ASH_GICH_LR_EOI) != 0U ? ASH_ICH_LR_EOI : 0U);
}

/** What GICH_VTR says, in the terms of struct ash_vgic_config: PRIbits [31:29], PREbits [28:26], ListRegs
 *  [5:0] (the image uses 16 of them). Nothing can be trapped. Pure. */
static inline struct ash_vgic_vtr ash_vgic_decode_gich_vtr(uint32_t vtr)
{
    unsigned count = (unsigned)ash_field(vtr, 5, 0) + 1U;
    struct ash_vgic_vtr decoded = {
        count < ASH_VGIC_MAX_LRS ? count : ASH_VGIC_MAX_LRS,
        (unsigned)ash_field(vtr, 31, 29) + 1U,
        (unsigned)ash_field(vtr, 28, 26) + 1U,
        false,
        false,
    };
    return decoded;
}

/** GICH_VTR; GICH_MISR (why the maintenance interrupt is asserted: ASH_ICH_MISR_*). */
uint32_t ash_vgic_gich_read_vtr(uintptr_t base);
uint32_t ash_vgic_gich_read_misr(uintptr_t base);

/** Once per CPU: virtual interface off, all list registers and the active priorities 0. */
void ash_vgic_gich_cpu_init(uintptr_t base);

/** Image -> hardware: list registers in use, VMCR, active priorities, HCR. After ash_vgic_load(). */
void ash_vgic_gich_load(uintptr_t base, struct ash_vgic_lrs *lrs);

/** Hardware -> image, all of the above; the hardware's list registers and HCR are 0 afterwards. Before
 *  ash_vgic_put(). */
void ash_vgic_gich_save(uintptr_t base, struct ash_vgic_lrs *lrs);

/** Before ash_vgic_sync(): list registers in use, VMCR; HCR if EOIcount matters. */
void ash_vgic_gich_fetch(uintptr_t base, struct ash_vgic_lrs *lrs);

/** After ash_vgic_flush(): what it changed. */
void ash_vgic_gich_apply(uintptr_t base, struct ash_vgic_lrs *lrs);

/** Before ash_vgic_has_deliverable() on a loaded vCPU: VMCR and active priorities. */
void ash_vgic_gich_fetch_interface(uintptr_t base, struct ash_vgic_lrs *lrs);

/** For ash_vgic_inject_fast(): the empty ones of the first 16 list registers (GICH_ELRSR0), those whose EOI
 *  raised the maintenance interrupt (GICH_EISR0), and one list register, given as the image has it; n: < 16. */
uint32_t ash_vgic_gich_read_elrsr(uintptr_t base);
uint32_t ash_vgic_gich_read_eisr(uintptr_t base);
void ash_vgic_gich_write_lr(uintptr_t base, unsigned n, uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
