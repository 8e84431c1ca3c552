/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICH_* registers, IHI 0048B 5.3. Loads and stores of Device memory: one peripheral's are in program order. */
#include <libvgic/gich.h>

static volatile uint32_t *reg(uintptr_t base, uint32_t offset)
{
    return (volatile uint32_t *)(base + offset); /* NOLINT(performance-no-int-to-ptr): a device's address */
}

static uint32_t read_reg(uintptr_t base, uint32_t offset)
{
    return *reg(base, offset);
}

static void write_reg(uintptr_t base, uint32_t offset, uint32_t value)
{
    *reg(base, offset) = value;
}

uint32_t ash_vgic_gich_read_vtr(uintptr_t base)
{
    return read_reg(base, ASH_GICH_VTR);
}

uint32_t ash_vgic_gich_read_misr(uintptr_t base)
{
    return read_reg(base, ASH_GICH_MISR);
}

uint32_t ash_vgic_gich_read_elrsr(uintptr_t base)
{
    return read_reg(base, ASH_GICH_ELRSR) & 0xFFFFU;
}

uint32_t ash_vgic_gich_read_eisr(uintptr_t base)
{
    return read_reg(base, ASH_GICH_EISR0) & 0xFFFFU;
}

void ash_vgic_gich_write_lr(uintptr_t base, unsigned n, uint64_t value)
{
    if (n < ASH_VGIC_MAX_LRS) {
        write_reg(base, ASH_GICH_LR + 4U * n, ash_vgic_gich_lr(value));
    }
}

void ash_vgic_gich_cpu_init(uintptr_t base)
{
    unsigned count = (unsigned)ash_field(ash_vgic_gich_read_vtr(base), 5, 0) + 1U;

    write_reg(base, ASH_GICH_HCR, 0);
    write_reg(base, ASH_GICH_VMCR, 0);
    write_reg(base, ASH_GICH_APR, 0);
    for (unsigned n = 0; n < count; n++) {
        write_reg(base, ASH_GICH_LR + 4U * n, 0);
    }
}

void ash_vgic_gich_load(uintptr_t base, struct ash_vgic_lrs *lrs)
{
    for (uint32_t left = lrs->used; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        ash_vgic_gich_write_lr(base, n, lrs->lr[n]);
    }
    lrs->changed = 0;
    write_reg(base, ASH_GICH_APR, lrs->apr0[0] | lrs->apr1[0]);
    write_reg(base, ASH_GICH_VMCR, lrs->vmcr);
    write_reg(base, ASH_GICH_HCR, lrs->hcr);
}

void ash_vgic_gich_fetch_interface(uintptr_t base, struct ash_vgic_lrs *lrs)
{
    lrs->apr0[0] = read_reg(base, ASH_GICH_APR);
    lrs->apr1[0] = 0;
    __atomic_store_n(&lrs->vmcr, read_reg(base, ASH_GICH_VMCR), __ATOMIC_RELAXED);
}

/* Atomic: without the lock, other CPUs look on (vgic.h, "Who calls what when"). */
static void fetch_lrs(uintptr_t base, struct ash_vgic_lrs *lrs)
{
    for (uint32_t left = __atomic_load_n(&lrs->used, __ATOMIC_RELAXED); left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        __atomic_store_n(&lrs->lr[n], ash_vgic_lr_of_gich(read_reg(base, ASH_GICH_LR + 4U * n)),
                         __ATOMIC_RELAXED);
    }
}

void ash_vgic_gich_save(uintptr_t base, struct ash_vgic_lrs *lrs)
{
    fetch_lrs(base, lrs);
    /* changed: an LR that was taken out of use, but not yet overwritten. */
    for (uint32_t left = (lrs->used | lrs->changed) & 0xFFFFU; left != 0U; left &= left - 1U) {
        write_reg(base, ASH_GICH_LR + 4U * ash_lowest_bit(left), 0);
    }
    ash_vgic_gich_fetch_interface(base, lrs);
    lrs->hcr = read_reg(base, ASH_GICH_HCR);
    write_reg(base, ASH_GICH_HCR, 0);
}

void ash_vgic_gich_fetch(uintptr_t base, struct ash_vgic_lrs *lrs)
{
    fetch_lrs(base, lrs);
    __atomic_store_n(&lrs->vmcr, read_reg(base, ASH_GICH_VMCR), __ATOMIC_RELAXED);
    if ((lrs->hcr & ASH_ICH_HCR_LRENPIE) != 0U) {
        lrs->hcr = read_reg(base, ASH_GICH_HCR);
    }
}

void ash_vgic_gich_apply(uintptr_t base, struct ash_vgic_lrs *lrs)
{
    for (uint32_t left = lrs->changed & 0xFFFFU; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        ash_vgic_gich_write_lr(base, n, lrs->lr[n]);
    }
    if ((lrs->changed & ASH_VGIC_CHANGED_HCR) != 0U) {
        write_reg(base, ASH_GICH_HCR, lrs->hcr);
    }
    lrs->changed = 0;
}
