/* SPDX-License-Identifier: BSD-2-Clause */
/** This CPU's virtual CPU interface, by whichever registers the board has: ICH_* (libvgic/el2.h) or GICH
 *  (libvgic/gich.h). Their rules hold: on the vCPU's own CPU, interrupts masked. No lock, and better without: a
 *  GICH's registers are a device's, and nobody shall wait for that. */
#ifndef HV_ARCH_AARCH64_VIRTUAL_INTERFACE_H
#define HV_ARCH_AARCH64_VIRTUAL_INTERFACE_H

#include <libvgic/el2.h>
#include <libvgic/gich.h>

#include "arch/aarch64/platform.h"
#include "arch/aarch64/sysreg.h"
#include "arch/arch.h"

/** Is there one at all? */
static inline bool hv_vif_exists(void)
{
    return !hv_gic_is_bcm2836(&hv_platform.gic);
}

static inline bool hv_vif_is_gich(void)
{
    return hv_platform.gic.version == 2U;
}

static inline uintptr_t hv_vif_gich(void)
{
    return (uintptr_t)hv_platform.gic.interface_control;
}

static inline void hv_vif_cpu_init(void)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_cpu_init(hv_vif_gich());
    } else {
        ash_vgic_el2_cpu_init();
    }
}

/* TC, TALL0, TALL1: every access of EL1 to the CPU interface's registers traps. */
#define HV_VIF_ICH_HCR_HIDDEN UINT64_C(0x1c00)

/** For a vCPU that has none: a GICv3's system registers would otherwise be those of the vCPU before it, a GICv2's
 *  frame is not mapped. Then undo that. */
static inline void hv_vif_hide(void)
{
    if (hv_platform.gic.version == 3U) {
        hv_sysreg_write(ICH_HCR_EL2, HV_VIF_ICH_HCR_HIDDEN);
    }
}

static inline void hv_vif_show(void)
{
    if (hv_platform.gic.version == 3U) {
        hv_sysreg_write(ICH_HCR_EL2, 0);
    }
}

/** What it can do. After hv_vif_cpu_init(). */
static inline struct ash_vgic_vtr hv_vif_read_vtr(void)
{
    if (!hv_vif_exists()) {
        return (struct ash_vgic_vtr){.lr_count = 0};
    }
    return hv_vif_is_gich() ? ash_vgic_decode_gich_vtr(ash_vgic_gich_read_vtr(hv_vif_gich()))
                            : ash_vgic_decode_vtr(ash_vgic_el2_read_vtr());
}

static inline void hv_vif_load(struct ash_vgic_lrs *lrs)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_load(hv_vif_gich(), lrs);
    } else {
        hv_sysreg_write(ICC_SRE_EL1,
                        ICC_SRE_ON); /* where it is no RAO/WI, the last guest may have turned it off */
        ash_vgic_el2_load(lrs, hv_arch_features()->preemption_bits);
    }
}

static inline void hv_vif_save(struct ash_vgic_lrs *lrs)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_save(hv_vif_gich(), lrs);
    } else {
        ash_vgic_el2_save(lrs, hv_arch_features()->preemption_bits);
    }
}

static inline void hv_vif_fetch(struct ash_vgic_lrs *lrs)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_fetch(hv_vif_gich(), lrs);
    } else {
        ash_vgic_el2_fetch(lrs);
    }
}

static inline void hv_vif_apply(struct ash_vgic_lrs *lrs)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_apply(hv_vif_gich(), lrs);
    } else {
        ash_vgic_el2_apply(lrs);
    }
}

static inline void hv_vif_fetch_interface(struct ash_vgic_lrs *lrs)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_fetch_interface(hv_vif_gich(), lrs);
    } else {
        ash_vgic_el2_fetch_interface(lrs, hv_arch_features()->preemption_bits);
    }
}

static inline uint32_t hv_vif_read_elrsr(void)
{
    if (!hv_vif_exists()) {
        return 0;
    }
    return hv_vif_is_gich() ? ash_vgic_gich_read_elrsr(hv_vif_gich()) : ash_vgic_el2_read_elrsr();
}

static inline void hv_vif_write_lr(unsigned n, uint64_t value)
{
    if (!hv_vif_exists()) {
        return;
    }
    if (hv_vif_is_gich()) {
        ash_vgic_gich_write_lr(hv_vif_gich(), n, value);
    } else {
        ash_vgic_el2_write_lr(n, value);
    }
}

#endif
