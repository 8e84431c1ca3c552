/* SPDX-License-Identifier: BSD-2-Clause */
/* The ICH_* registers, by their generic names S<op0>_<op1>_C<n>_C<m>_<op2>, which every assembler takes.
 * Encodings: IHI 0069 12.4, 12.2 (ICC_SRE_EL2). */
#include <libvgic/el2.h>
#include <libvgic/ich.h>

#define ICC_SRE_EL2   S3_4_C12_C9_5
#define ICH_HCR_EL2   S3_4_C12_C11_0
#define ICH_VTR_EL2   S3_4_C12_C11_1
#define ICH_ELRSR_EL2 S3_4_C12_C11_5
#define ICH_VMCR_EL2  S3_4_C12_C11_7

#define NAME_(reg) #reg
#define READ(reg)                                                                                            \
    __extension__({                                                                                          \
        uint64_t value_;                                                                                     \
        __asm__ volatile("mrs %0, " NAME_(reg) : "=r"(value_));                                              \
        value_;                                                                                              \
    })
#define WRITE(reg, value) __asm__ volatile("msr " NAME_(reg) ", %x0" : : "rZ"((uint64_t)(value)))

/* X(n, AP0R<n>, AP1R<n>) and X(n, LR<n>) */
#define APRS(X)                                                                                              \
    X(0, S3_4_C12_C8_0, S3_4_C12_C9_0)                                                                       \
    X(1, S3_4_C12_C8_1, S3_4_C12_C9_1)                                                                       \
    X(2, S3_4_C12_C8_2, S3_4_C12_C9_2)                                                                       \
    X(3, S3_4_C12_C8_3, S3_4_C12_C9_3)
#define LRS(X)                                                                                               \
    X(0, S3_4_C12_C12_0)                                                                                     \
    X(1, S3_4_C12_C12_1)                                                                                     \
    X(2, S3_4_C12_C12_2)                                                                                     \
    X(3, S3_4_C12_C12_3)                                                                                     \
    X(4, S3_4_C12_C12_4)                                                                                     \
    X(5, S3_4_C12_C12_5)                                                                                     \
    X(6, S3_4_C12_C12_6)                                                                                     \
    X(7, S3_4_C12_C12_7)                                                                                     \
    X(8, S3_4_C12_C13_0)                                                                                     \
    X(9, S3_4_C12_C13_1)                                                                                     \
    X(10, S3_4_C12_C13_2)                                                                                    \
    X(11, S3_4_C12_C13_3)                                                                                    \
    X(12, S3_4_C12_C13_4)                                                                                    \
    X(13, S3_4_C12_C13_5)                                                                                    \
    X(14, S3_4_C12_C13_6)                                                                                    \
    X(15, S3_4_C12_C13_7)

static uint64_t read_lr(unsigned n)
{
    switch (n) {
#define CASE(i, reg)                                                                                         \
    case i:                                                                                                  \
        return READ(reg);
        LRS(CASE)
#undef CASE
    default:
        return 0;
    }
}

void ash_vgic_el2_write_lr(unsigned n, uint64_t value)
{
    switch (n) {
#define CASE(i, reg)                                                                                         \
    case i:                                                                                                  \
        WRITE(reg, value);                                                                                   \
        break;
        LRS(CASE)
#undef CASE
    default:
        break;
    }
}

/* The registers beyond those that the preemption bits need do not exist: accesses are UNDEFINED
 * (ICH_AP1R<n>_EL2). */
static unsigned apr_count(unsigned preemption_bits)
{
    return preemption_bits <= 5U ? 1U : 1U << (preemption_bits - 5U);
}

static void write_aprs(const struct ash_vgic_lrs *lrs, unsigned count)
{
#define WRITE_APR(i, ap0r, ap1r)                                                                             \
    if (i < count) {                                                                                         \
        WRITE(ap0r, lrs->apr0[i]);                                                                           \
        WRITE(ap1r, lrs->apr1[i]);                                                                           \
    }
    APRS(WRITE_APR)
#undef WRITE_APR
}

static void read_aprs(struct ash_vgic_lrs *lrs, unsigned count)
{
#define READ_APR(i, ap0r, ap1r)                                                                              \
    if (i < count) {                                                                                         \
        lrs->apr0[i] = (uint32_t)READ(ap0r);                                                                 \
        lrs->apr1[i] = (uint32_t)READ(ap1r);                                                                 \
    }
    APRS(READ_APR)
#undef READ_APR
}

uint64_t ash_vgic_el2_read_vtr(void)
{
    return READ(ICH_VTR_EL2);
}

uint32_t ash_vgic_el2_read_elrsr(void)
{
    return (uint32_t)READ(ICH_ELRSR_EL2);
}

void ash_vgic_el2_cpu_init(void)
{
    static const struct ash_vgic_lrs nothing;

    /* Enable (EL1 may use ICC_SRE_EL1), DIB, DFB, SRE. ISB: the ICH_* registers are UNDEFINED until SRE is
     * seen. */
    WRITE(ICC_SRE_EL2, 0xF);
    __asm__ volatile("isb" ::: "memory");
    struct ash_vgic_vtr vtr = ash_vgic_decode_vtr(ash_vgic_el2_read_vtr());
    WRITE(ICH_HCR_EL2, 0);
    WRITE(ICH_VMCR_EL2, 0);
    write_aprs(&nothing, apr_count(vtr.preemption_bits));
    for (unsigned n = 0; n < vtr.lr_count; n++) {
        ash_vgic_el2_write_lr(n, 0);
    }
    __asm__ volatile("isb" ::: "memory");
}

void ash_vgic_el2_load(struct ash_vgic_lrs *lrs, unsigned preemption_bits)
{
    for (uint32_t left = lrs->used; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        ash_vgic_el2_write_lr(n, lrs->lr[n]);
    }
    lrs->changed = 0;
    write_aprs(lrs, apr_count(preemption_bits));
    WRITE(ICH_VMCR_EL2, lrs->vmcr);
    WRITE(ICH_HCR_EL2, lrs->hcr);
}

void ash_vgic_el2_fetch_interface(struct ash_vgic_lrs *lrs, unsigned preemption_bits)
{
    read_aprs(lrs, apr_count(preemption_bits));
    __atomic_store_n(&lrs->vmcr, (uint32_t)READ(ICH_VMCR_EL2), __ATOMIC_RELAXED);
}

/* Atomic: without the lock, other CPUs look on (vgic.h, "Who calls what when"). */
static void fetch_lrs(struct ash_vgic_lrs *lrs)
{
    for (uint32_t left = __atomic_load_n(&lrs->used, __ATOMIC_RELAXED); left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        __atomic_store_n(&lrs->lr[n], read_lr(n), __ATOMIC_RELAXED);
    }
}

void ash_vgic_el2_save(struct ash_vgic_lrs *lrs, unsigned preemption_bits)
{
    fetch_lrs(lrs);
    /* changed: an LR that was taken out of use, but not yet overwritten. */
    for (uint32_t left = (lrs->used | lrs->changed) & 0xFFFFU; left != 0U; left &= left - 1U) {
        ash_vgic_el2_write_lr(ash_lowest_bit(left), 0);
    }
    ash_vgic_el2_fetch_interface(lrs, preemption_bits);
    lrs->hcr = (uint32_t)READ(ICH_HCR_EL2);
    WRITE(ICH_HCR_EL2, 0);
}

void ash_vgic_el2_fetch(struct ash_vgic_lrs *lrs)
{
    fetch_lrs(lrs);
    __atomic_store_n(&lrs->vmcr, (uint32_t)READ(ICH_VMCR_EL2), __ATOMIC_RELAXED);
    if ((lrs->hcr & ASH_ICH_HCR_LRENPIE) != 0U) {
        lrs->hcr = (uint32_t)READ(ICH_HCR_EL2);
    }
}

void ash_vgic_el2_apply(struct ash_vgic_lrs *lrs)
{
    for (uint32_t left = lrs->changed & 0xFFFFU; left != 0U; left &= left - 1U) {
        unsigned n = ash_lowest_bit(left);
        ash_vgic_el2_write_lr(n, lrs->lr[n]);
    }
    if ((lrs->changed & ASH_VGIC_CHANGED_HCR) != 0U) {
        WRITE(ICH_HCR_EL2, lrs->hcr);
    }
    lrs->changed = 0;
}
