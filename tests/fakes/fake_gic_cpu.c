/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/fake_gic_cpu.h>

#include <stdarg.h>
#include <string.h>

#include <libvgic/gich.h>

/* ICH_HCR_EL2 / GICH_HCR: the low byte is the same in both. */
#define HCR_EN       UINT32_C(0x01)
#define HCR_UIE      UINT32_C(0x02)
#define HCR_LRENPIE  UINT32_C(0x04)
#define HCR_NPIE     UINT32_C(0x08)
#define HCR_GRP_IE   4U /* [7:4]: VGrp0EIE, VGrp0DIE, VGrp1EIE, VGrp1DIE */
#define HCR_TDIR     (UINT32_C(1) << 14)
#define HCR_EOICOUNT 27U
#define HCR_V3_KNOWN (UINT32_C(0xFF) | (UINT32_C(0x1F) << 10)) /* TC, TALL0, TALL1, TSEI, TDIR */
#define HCR_V2_KNOWN UINT32_C(0xFF)

#define VMCR_ENG0   UINT32_C(0x001)
#define VMCR_ENG1   UINT32_C(0x002)
#define VMCR_ACKCTL UINT32_C(0x004) /* GICv2 */
#define VMCR_FIQEN  UINT32_C(0x008)
#define VMCR_CBPR   UINT32_C(0x010)
#define VMCR_EOIM   UINT32_C(0x200)
#define VMCR_BPR1   18U
#define VMCR_BPR0   21U
#define VMCR_PMR    24U

static uint32_t field(uint64_t value, unsigned low, unsigned width)
{
    return (uint32_t)((value >> low) & ((UINT64_C(1) << width) - 1U));
}

static void violation(struct fake_gic_cpu *cpu, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void violation(struct fake_gic_cpu *cpu, const char *format, ...)
{
    va_list args;

    if (cpu->violations++ == 0U) {
        va_start(args, format);
        (void)vsnprintf(cpu->message, sizeof(cpu->message), format, args);
        va_end(args);
    }
}

static uint8_t priority_mask(const struct fake_gic_cpu *cpu)
{
    return (uint8_t)(0xFFU << (8U - cpu->priority_bits));
}

/* ---- Software: IHI 0048B 4.4, GICC_* ---------------------------------------------------------------------- */

static uint32_t soft_read(const struct fake_gic_cpu *cpu, uint32_t offset)
{
    return cpu->soft->read(cpu->ctx, offset);
}

/* ---- List registers ------------------------------------------------------------------------------------ */

/* IHI 0069, ICH_LR<n>_EL2: State [63:62], HW [61], Group [60], Priority [55:48], pINTID [44:32] or EOI [41],
 * vINTID [31:0]. */
static struct fake_gic_lr decode_v3(const struct fake_gic_cpu *cpu, uint64_t value)
{
    bool hw = field(value, 61, 1) != 0U;

    return (struct fake_gic_lr){
        .pending = field(value, 62, 1) != 0U,
        .active = field(value, 63, 1) != 0U,
        .hw = hw,
        .group1 = field(value, 60, 1) != 0U,
        .eoi = !hw && field(value, 41, 1) != 0U,
        .priority = (uint8_t)(field(value, 48, 8) & priority_mask(cpu)),
        .vintid = field(value, 0, 32),
        .pintid = hw ? field(value, 32, 13) : 0U,
    };
}

static uint64_t encode_v3(const struct fake_gic_lr *lr)
{
    return ((uint64_t)lr->active << 63) | ((uint64_t)lr->pending << 62) | ((uint64_t)lr->hw << 61) |
           ((uint64_t)lr->group1 << 60) | ((uint64_t)lr->priority << 48) | ((uint64_t)lr->eoi << 41) |
           ((uint64_t)lr->pintid << 32) | lr->vintid;
}

/* IHI 0048B 5.3.10, GICH_LRn: HW [31], Grp1 [30], State [29:28], Priority [27:23], PhysicalID [19:10] (HW =
 * 0: EOI [19], CPUID [12:10]), VirtualID [9:0]. */
static struct fake_gic_lr decode_v2(uint32_t value)
{
    bool hw = field(value, 31, 1) != 0U;

    return (struct fake_gic_lr){
        .pending = field(value, 28, 1) != 0U,
        .active = field(value, 29, 1) != 0U,
        .hw = hw,
        .group1 = field(value, 30, 1) != 0U,
        .eoi = !hw && field(value, 19, 1) != 0U,
        .priority = (uint8_t)(field(value, 23, 5) << 3),
        .source = hw ? 0U : (uint8_t)field(value, 10, 3),
        .vintid = field(value, 0, 10),
        .pintid = hw ? field(value, 10, 10) : 0U,
    };
}

static uint32_t encode_v2(const struct fake_gic_lr *lr)
{
    return ((uint32_t)lr->hw << 31) | ((uint32_t)lr->group1 << 30) | ((uint32_t)lr->active << 29) |
           ((uint32_t)lr->pending << 28) | ((uint32_t)(lr->priority >> 3) << 23) | ((uint32_t)lr->eoi << 19) |
           ((lr->hw ? lr->pintid : (uint32_t)lr->source) << 10) | lr->vintid;
}

static uint64_t encode(const struct fake_gic_cpu *cpu, const struct fake_gic_lr *lr)
{
    return cpu->version == 2U ? ash_vgic_lr_of_gich(encode_v2(lr)) : encode_v3(lr);
}

static bool is_valid(const struct fake_gic_lr *lr)
{
    return lr->pending || lr->active;
}

static void check_reserved_v3(struct fake_gic_cpu *cpu, unsigned n, uint64_t value)
{
    uint64_t res0 = (UINT64_C(3) << 58) | (UINT64_C(3) << 56) | (UINT64_C(7) << 45);

    if (field(value, 61, 1) == 0U) {
        res0 |= (UINT64_C(7) << 42) | (UINT64_C(0x1FF) << 32);
    }
    if ((value & res0) != 0U) {
        violation(cpu, "LR%u = 0x%llx: a RES0 bit is set", n, (unsigned long long)value);
    }
}

static void check_reserved_v2(struct fake_gic_cpu *cpu, unsigned n, uint32_t value)
{
    uint32_t intid = field(value, 0, 10);
    uint32_t res0 = UINT32_C(7) << 20;

    if ((value >> 31) == 0U) {
        res0 |= intid < 16U ? UINT32_C(0x3F) << 13 : UINT32_C(0x1FF) << 10; /* CPUID: SGIs only */
    }
    if ((value & res0) != 0U) {
        violation(cpu, "LR%u = 0x%x: a RES0 bit is set", n, value);
    }
}

/* What a hypervisor must keep to: IHI 0069 ICH_LR<n>_EL2, IHI 0048B 5.3.10. */
static void check_lr(struct fake_gic_cpu *cpu, unsigned n)
{
    const struct fake_gic_lr *lr = &cpu->lr[n];

    if (!is_valid(lr)) {
        return;
    }
    if (lr->vintid >= 1020U) {
        violation(cpu, "LR%u: INTID %u", n, lr->vintid);
    }
    if (lr->hw && lr->pending && lr->active) {
        violation(cpu, "LR%u: INTID %u pending and active with HW = 1", n, lr->vintid);
    }
    if (lr->hw && (lr->pintid < 16U || lr->pintid >= 1020U)) {
        violation(cpu, "LR%u: INTID %u linked to physical INTID %u", n, lr->vintid, lr->pintid);
    }
    for (unsigned i = 0; i < cpu->lr_count; i++) {
        if (i != n && is_valid(&cpu->lr[i]) && cpu->lr[i].vintid == lr->vintid) {
            violation(cpu, "INTID %u is in LR%u and in LR%u", lr->vintid, i, n);
        }
        if (i != n && is_valid(&cpu->lr[i]) && cpu->lr[i].hw && lr->hw && cpu->lr[i].pintid == lr->pintid) {
            violation(cpu, "physical INTID %u is in LR%u and in LR%u", lr->pintid, i, n);
        }
    }
}

static void check_all(struct fake_gic_cpu *cpu)
{
    for (unsigned n = 0; n < cpu->lr_count; n++) {
        check_lr(cpu, n);
    }
}

static void put_lr(struct fake_gic_cpu *cpu, unsigned n, uint64_t value)
{
    if (cpu->version == 2U) {
        check_reserved_v2(cpu, n, ash_vgic_gich_lr(value));
        cpu->lr[n] = decode_v2(ash_vgic_gich_lr(value));
    } else {
        check_reserved_v3(cpu, n, value);
        cpu->lr[n] = decode_v3(cpu, value);
    }
}

void fake_gic_cpu_write_lr(struct fake_gic_cpu *cpu, unsigned n, uint64_t value)
{
    if (n >= cpu->lr_count) {
        violation(cpu, "LR%u of %u is written", n, cpu->lr_count);
        return;
    }
    put_lr(cpu, n, value);
    check_all(cpu);
}

/* ---- Moves --------------------------------------------------------------------------------------------- */

static unsigned apr_words(const struct fake_gic_cpu *cpu)
{
    return cpu->preemption_bits <= 5U ? 1U : 1U << (cpu->preemption_bits - 5U);
}

static void write_hcr(struct fake_gic_cpu *cpu, uint32_t value)
{
    uint32_t known = cpu->version == 2U ? HCR_V2_KNOWN : HCR_V3_KNOWN;

    if ((value & ~known & ~(UINT32_C(0x1F) << HCR_EOICOUNT)) != 0U) {
        violation(cpu, "HCR = 0x%x: a RES0 bit is set", value);
    }
    if ((value & HCR_TDIR) != 0U && !cpu->has_tdir) {
        violation(cpu, "HCR = 0x%x: TDIR where ICH_VTR_EL2.TDS = 0", value);
    }
    cpu->hcr = value & known;
    cpu->eoi_count = field(value, HCR_EOICOUNT, 5);
}

static uint32_t read_hcr(const struct fake_gic_cpu *cpu)
{
    return cpu->hcr | (cpu->eoi_count << HCR_EOICOUNT);
}

/* VBPR0 has a minimum, VBPR1 one more; smaller values become the minimum: ICH_VMCR_EL2. */
static uint32_t with_bpr(const struct fake_gic_cpu *cpu, uint32_t vmcr, unsigned group, uint32_t value)
{
    uint32_t least = 7U - cpu->preemption_bits + group;
    unsigned low = group != 0U ? VMCR_BPR1 : VMCR_BPR0;

    value = (value & 7U) < least ? least : value & 7U;
    return (vmcr & ~(UINT32_C(7) << low)) | (value << low);
}

static void write_vmcr(struct fake_gic_cpu *cpu, uint32_t value)
{
    uint32_t vmcr = value & (VMCR_ENG0 | VMCR_ENG1 | VMCR_CBPR | VMCR_EOIM);

    vmcr |= cpu->version == 2U ? value & (VMCR_ACKCTL | VMCR_FIQEN) : VMCR_FIQEN;
    vmcr = with_bpr(cpu, vmcr, 0, field(value, VMCR_BPR0, 3));
    vmcr = with_bpr(cpu, vmcr, 1, field(value, VMCR_BPR1, 3));
    cpu->vmcr = vmcr | ((field(value, VMCR_PMR, 8) & priority_mask(cpu)) << VMCR_PMR);
}

static uint32_t all_lrs(const struct fake_gic_cpu *cpu)
{
    return (UINT32_C(1) << cpu->lr_count) - 1U;
}

static void write_active_priorities(struct fake_gic_cpu *cpu, const struct ash_vgic_lrs *image)
{
    for (unsigned level = 0; level < 32U * apr_words(cpu); level++) {
        uint32_t bit = UINT32_C(1) << (level % 32U);

        cpu->active_priority[0][level] = (image->apr0[level / 32U] & bit) != 0U;
        cpu->active_priority[1][level] = cpu->version == 3U && (image->apr1[level / 32U] & bit) != 0U;
    }
}

/* Without list registers there is nothing to be moved. */
static void check_untouched(struct fake_gic_cpu *cpu, const struct ash_vgic_lrs *image)
{
    if (image->used != 0U || image->changed != 0U || image->hcr != 0U) {
        violation(cpu, "used 0x%x, changed 0x%x, HCR 0x%x without list registers", image->used,
                  image->changed, image->hcr);
    }
}

void fake_gic_cpu_load(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image)
{
    if (cpu->soft != NULL) {
        check_untouched(cpu, image);
        return;
    }
    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if (is_valid(&cpu->lr[n])) {
            violation(cpu, "LR%u is in use before the load", n);
        }
    }
    if ((image->used & ~all_lrs(cpu)) != 0U) {
        violation(cpu, "used = 0x%x: only %u LRs", image->used, cpu->lr_count);
    }
    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if ((image->used & (UINT32_C(1) << n)) != 0U) {
            put_lr(cpu, n, image->lr[n]);
        }
    }
    write_vmcr(cpu, image->vmcr);
    write_active_priorities(cpu, image);
    write_hcr(cpu, image->hcr);
    image->changed = 0;
    check_all(cpu);
}

void fake_gic_cpu_fetch_interface(const struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image)
{
    if (cpu->soft != NULL) {
        return; /* nothing is anywhere but in the image */
    }
    image->vmcr = cpu->vmcr;
    for (unsigned word = 0; word < apr_words(cpu); word++) {
        image->apr0[word] = 0;
        image->apr1[word] = 0;
    }
    for (unsigned level = 0; level < 32U * apr_words(cpu); level++) {
        uint32_t bit = UINT32_C(1) << (level % 32U);

        image->apr0[level / 32U] |= cpu->active_priority[0][level] ? bit : 0U;
        image->apr1[level / 32U] |= cpu->active_priority[1][level] ? bit : 0U;
    }
}

static void read_lrs(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image)
{
    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if ((image->used & (UINT32_C(1) << n)) != 0U) {
            image->lr[n] = encode(cpu, &cpu->lr[n]);
        } else if (is_valid(&cpu->lr[n])) {
            violation(cpu, "LR%u holds INTID %u and is not marked as used", n, cpu->lr[n].vintid);
        }
    }
}

void fake_gic_cpu_fetch(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image)
{
    if (cpu->soft != NULL) {
        return; /* nothing is anywhere but in the image */
    }
    read_lrs(cpu, image);
    image->vmcr = cpu->vmcr;
    if ((cpu->hcr & HCR_LRENPIE) != 0U) {
        image->hcr = read_hcr(cpu);
    }
}

void fake_gic_cpu_save(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image)
{
    if (cpu->soft != NULL) {
        return; /* nothing is anywhere but in the image */
    }
    read_lrs(cpu, image);
    fake_gic_cpu_fetch_interface(cpu, image);
    image->hcr = read_hcr(cpu);
    memset(cpu->lr, 0, sizeof(cpu->lr));
    cpu->hcr = 0;
    cpu->eoi_count = 0;
    cpu->vmcr = (uint32_t)test_rng_next(&cpu->rng); /* nobody may depend on them until the next load */
    for (unsigned level = 0; level < FAKE_GIC_LEVELS; level++) {
        cpu->active_priority[0][level] = test_rng_below(&cpu->rng, 2) != 0U;
        cpu->active_priority[1][level] = test_rng_below(&cpu->rng, 2) != 0U;
    }
}

void fake_gic_cpu_apply(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image)
{
    if (cpu->soft != NULL) {
        check_untouched(cpu, image);
        return;
    }
    if ((image->changed & ~(all_lrs(cpu) | ASH_VGIC_CHANGED_HCR)) != 0U) {
        violation(cpu, "changed = 0x%x: only %u LRs", image->changed, cpu->lr_count);
    }
    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if ((image->changed & (UINT32_C(1) << n)) != 0U) {
            put_lr(cpu, n, image->lr[n]);
        }
    }
    if ((image->changed & ASH_VGIC_CHANGED_HCR) != 0U) {
        write_hcr(cpu, image->hcr);
    }
    image->changed = 0;
    check_all(cpu);
}

void fake_gic_cpu_init(struct fake_gic_cpu *cpu, uint64_t seed)
{
    cpu->rng.state = seed | 1U;
    cpu->compares_groups = true;
    cpu->violations = 0;
    cpu->message[0] = '\0';
    memset(cpu->lr, 0, sizeof(cpu->lr));
    cpu->hcr = 0;
    cpu->eoi_count = 0;
    cpu->vmcr = (uint32_t)test_rng_next(&cpu->rng);
    memset(cpu->active_priority, 0, sizeof(cpu->active_priority));
}

void fake_gic_cpu_dump(const struct fake_gic_cpu *cpu)
{
    fprintf(stderr, "        HCR 0x%x EOIcount %u VMCR 0x%x MISR 0x%x\n", cpu->hcr, cpu->eoi_count, cpu->vmcr,
            fake_gic_cpu_misr(cpu));
    for (unsigned n = 0; n < cpu->lr_count; n++) {
        const struct fake_gic_lr *lr = &cpu->lr[n];

        fprintf(stderr, "        LR%u: %u source %u%s%s%s%s group %d priority 0x%02x pINTID %u\n", n,
                lr->vintid, lr->source, lr->pending ? " pending" : "", lr->active ? " active" : "",
                lr->hw ? " HW" : "", lr->eoi ? " EOI" : "", lr->group1, lr->priority, lr->pintid);
    }
}

/* ---- Maintenance: IHI 0069 12.4 ICH_MISR_EL2, IHI 0048B 5.3.4 ------------------------------------------ */

uint32_t fake_gic_cpu_elrsr(const struct fake_gic_cpu *cpu)
{
    uint32_t empty = 0;

    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if (!is_valid(&cpu->lr[n]) && (cpu->lr[n].hw || !cpu->lr[n].eoi)) {
            empty |= UINT32_C(1) << n;
        }
    }
    return empty;
}

uint32_t fake_gic_cpu_eisr(const struct fake_gic_cpu *cpu)
{
    uint32_t ended = 0;

    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if (!is_valid(&cpu->lr[n]) && !cpu->lr[n].hw && cpu->lr[n].eoi) {
            ended |= UINT32_C(1) << n;
        }
    }
    return ended;
}

uint32_t fake_gic_cpu_misr(const struct fake_gic_cpu *cpu)
{
    unsigned valid = 0, pending = 0;
    uint32_t groups, misr;

    for (unsigned n = 0; n < cpu->lr_count; n++) {
        valid += is_valid(&cpu->lr[n]) ? 1U : 0U;
        pending += cpu->lr[n].pending && !cpu->lr[n].active ? 1U : 0U;
    }
    misr = fake_gic_cpu_eisr(cpu) != 0U ? 1U : 0U;
    misr |= (cpu->hcr & HCR_UIE) != 0U && valid <= 1U ? 2U : 0U;
    misr |= (cpu->hcr & HCR_LRENPIE) != 0U && cpu->eoi_count != 0U ? 4U : 0U;
    misr |= (cpu->hcr & HCR_NPIE) != 0U && pending == 0U ? 8U : 0U;
    groups = (cpu->vmcr & VMCR_ENG0) != 0U ? 1U : 2U;
    groups |= (cpu->vmcr & VMCR_ENG1) != 0U ? 4U : 8U;
    return misr | ((groups << HCR_GRP_IE) & cpu->hcr & UINT32_C(0xF0));
}

bool fake_gic_cpu_has_maintenance(const struct fake_gic_cpu *cpu)
{
    return (cpu->hcr & HCR_EN) != 0U && fake_gic_cpu_misr(cpu) != 0U;
}

/* ---- Priorities ---------------------------------------------------------------------------------------- */

/* The group priority: BPR0 = n leaves [7:n+1], BPR1 = n leaves [7:n]. IHI 0069 4.8.5 with the offset of the
 * virtual Group 1 register; IHI 0048B 3.3.3 and 5.5.x (GICV_ABPR). */
static uint32_t group_mask(const struct fake_gic_cpu *cpu, unsigned group)
{
    bool own = group != 0U && (cpu->vmcr & VMCR_CBPR) == 0U;
    uint32_t shift = own ? field(cpu->vmcr, VMCR_BPR1, 3) : field(cpu->vmcr, VMCR_BPR0, 3) + 1U;

    return (UINT32_C(0xFF) << shift) & 0xFFU;
}

/* The lowest set bit of both groups' active priorities, or FAKE_GIC_LEVELS. */
static unsigned active_level(const struct fake_gic_cpu *cpu)
{
    for (unsigned level = 0; level < UINT32_C(1) << cpu->preemption_bits; level++) {
        if (cpu->active_priority[0][level] || cpu->active_priority[1][level]) {
            return level;
        }
    }
    return FAKE_GIC_LEVELS;
}

uint32_t fake_gic_cpu_rpr(const struct fake_gic_cpu *cpu)
{
    if (cpu->soft != NULL) {
        return soft_read(cpu, FAKE_GICC_RPR);
    }
    unsigned level = active_level(cpu);

    return level == FAKE_GIC_LEVELS ? FAKE_GIC_IDLE : level << (8U - cpu->preemption_bits);
}

/* The highest priority virtual interrupt: pending and not active, its group enabled. Among equals the
 * architecture leaves the choice open. */
static int highest(const struct fake_gic_cpu *cpu)
{
    unsigned start = (unsigned)(cpu->rng.state % cpu->lr_count);
    int best = -1;

    if ((cpu->hcr & HCR_EN) == 0U) {
        return -1;
    }
    for (unsigned i = 0; i < cpu->lr_count; i++) {
        unsigned n = (start + i) % cpu->lr_count;
        const struct fake_gic_lr *lr = &cpu->lr[n];

        if (lr->pending && !lr->active && fake_gic_cpu_is_enabled(cpu, lr->group1) &&
            (best < 0 || lr->priority < cpu->lr[best].priority)) {
            best = (int)n;
        }
    }
    return best;
}

/* Priority mask and running priority: IHI 0069 4.8.6, 4.8.7. */
static bool is_signalled(const struct fake_gic_cpu *cpu, int n)
{
    const struct fake_gic_lr *lr;
    uint32_t mask;

    if (n < 0) {
        return false;
    }
    lr = &cpu->lr[n];
    if (lr->priority >= fake_gic_cpu_pmr(cpu)) {
        return false;
    }
    if (active_level(cpu) == FAKE_GIC_LEVELS) {
        return true;
    }
    mask = group_mask(cpu, lr->group1);
    return (lr->priority & mask) < (fake_gic_cpu_rpr(cpu) & (cpu->compares_groups ? mask : 0xFFU));
}

bool fake_gic_cpu_signals(const struct fake_gic_cpu *cpu, unsigned group)
{
    if (cpu->soft != NULL) {
        return cpu->soft->signals(cpu->ctx, group == 0U);
    }
    int n = highest(cpu);

    if (!is_signalled(cpu, n)) {
        return false;
    }
    if (cpu->version == 2U && (cpu->vmcr & VMCR_FIQEN) == 0U) {
        return group == 1U;
    }
    return cpu->lr[n].group1 == (group != 0U);
}

/* ---- What the guest does ------------------------------------------------------------------------------- */

static uint32_t reported(const struct fake_gic_cpu *cpu, int n)
{
    return cpu->lr[n].vintid | ((uint32_t)cpu->lr[n].source << 10);
}

static uint32_t acknowledge(struct fake_gic_cpu *cpu, int n)
{
    struct fake_gic_lr *lr = &cpu->lr[n];
    uint32_t level = (lr->priority & group_mask(cpu, lr->group1)) >> (8U - cpu->preemption_bits);

    cpu->active_priority[cpu->version == 3U && lr->group1][level] = true; /* GICH_APR is for both groups */
    lr->pending = false;
    lr->active = true;
    (void)test_rng_next(&cpu->rng);
    return reported(cpu, n);
}

uint32_t fake_gic_cpu_iar(struct fake_gic_cpu *cpu, unsigned group)
{
    if (cpu->soft != NULL) {
        return fake_gic_soft_intid(cpu->soft, cpu->ctx, group != 0U ? FAKE_GICC_AIAR : FAKE_GICC_IAR);
    }
    int n = highest(cpu);

    if (!is_signalled(cpu, n) || cpu->lr[n].group1 != (group != 0U)) {
        return FAKE_GIC_SPURIOUS;
    }
    return acknowledge(cpu, n);
}

uint32_t fake_gic_cpu_hppir(const struct fake_gic_cpu *cpu, unsigned group)
{
    if (cpu->soft != NULL) {
        return fake_gic_soft_intid(cpu->soft, cpu->ctx, group != 0U ? FAKE_GICC_AHPPIR : FAKE_GICC_HPPIR);
    }
    int n = highest(cpu);

    return n < 0 || cpu->lr[n].group1 != (group != 0U) ? FAKE_GIC_SPURIOUS : reported(cpu, n);
}

static int find_active(const struct fake_gic_cpu *cpu, uint32_t value)
{
    uint32_t intid = cpu->version == 2U ? value & 0x3FFU : value & 0xFFFFFFU;
    uint32_t source = cpu->version == 2U && intid < 16U ? field(value, 10, 3) : 0U;

    for (unsigned n = 0; n < cpu->lr_count; n++) {
        if (cpu->lr[n].active && cpu->lr[n].vintid == intid &&
            (intid >= 16U || cpu->lr[n].hw || cpu->lr[n].source == source)) {
            return (int)n;
        }
    }
    return -1;
}

static void end(struct fake_gic_cpu *cpu, int n)
{
    cpu->lr[n].active = false;
    if (cpu->lr[n].hw) {
        cpu->deactivate(cpu->ctx, cpu->lr[n].pintid);
    }
}

static void count_eoi(struct fake_gic_cpu *cpu)
{
    cpu->eoi_count = (cpu->eoi_count + 1U) & 0x1FU;
}

/* Priority drop takes away the highest active priority; then, in EOI mode 0, what was acknowledged at that
 * priority is deactivated. Not in any list register: EOIcount, but without a priority drop the architecture
 * leaves that open (ICH_HCR_EL2.EOIcount). An interrupt of another group or priority than was dropped:
 * UNPREDICTABLE, nothing here. */
void fake_gic_cpu_eoir(struct fake_gic_cpu *cpu, unsigned group, uint32_t intid)
{
    if (cpu->soft != NULL) {
        cpu->soft->write(cpu->ctx, group != 0U ? FAKE_GICC_AEOIR : FAKE_GICC_EOIR, intid);
        return;
    }
    unsigned level = active_level(cpu);
    int n = find_active(cpu, intid);

    if ((intid & 0x3FFU) >= 1020U || (cpu->version == 3U && intid >= 1020U)) {
        return;
    }
    if (level != FAKE_GIC_LEVELS) {
        cpu->active_priority[cpu->active_priority[0][level] ? 0 : 1][level] = false;
    }
    if ((cpu->vmcr & VMCR_EOIM) != 0U) {
        return;
    }
    if (n < 0) {
        if (level != FAKE_GIC_LEVELS || test_rng_below(&cpu->rng, 2) != 0U) {
            count_eoi(cpu);
        }
        return;
    }
    if (cpu->lr[n].group1 == (group != 0U) &&
        level == (cpu->lr[n].priority & group_mask(cpu, group)) >> (8U - cpu->preemption_bits)) {
        end(cpu, n);
    }
}

bool fake_gic_cpu_dir(struct fake_gic_cpu *cpu, uint32_t intid)
{
    if (cpu->soft != NULL) {
        cpu->soft->write(cpu->ctx, FAKE_GICC_DIR, intid);
        return true;
    }
    int n = find_active(cpu, intid);

    if ((cpu->hcr & HCR_TDIR) != 0U) {
        return false;
    }
    if ((cpu->vmcr & VMCR_EOIM) == 0U || (intid & 0x3FFU) >= 1020U ||
        (cpu->version == 3U && intid >= 1020U)) {
        return true; /* EOImode 0: UNPREDICTABLE */
    }
    if (n < 0) {
        count_eoi(cpu);
    } else {
        end(cpu, n);
    }
    return true;
}

uint32_t fake_gic_cpu_pmr(const struct fake_gic_cpu *cpu)
{
    if (cpu->soft != NULL) {
        return soft_read(cpu, FAKE_GICC_PMR);
    }
    return field(cpu->vmcr, VMCR_PMR, 8);
}

void fake_gic_cpu_set_pmr(struct fake_gic_cpu *cpu, uint32_t value)
{
    if (cpu->soft != NULL) {
        cpu->soft->write(cpu->ctx, FAKE_GICC_PMR, value);
        return;
    }
    cpu->vmcr &= ~(UINT32_C(0xFF) << VMCR_PMR);
    cpu->vmcr |= (value & priority_mask(cpu)) << VMCR_PMR;
}

uint32_t fake_gic_cpu_bpr(const struct fake_gic_cpu *cpu, unsigned group)
{
    if (cpu->soft != NULL) {
        return soft_read(cpu, group != 0U ? FAKE_GICC_ABPR : FAKE_GICC_BPR);
    }
    uint32_t bpr0 = field(cpu->vmcr, VMCR_BPR0, 3);

    if (group == 0U) {
        return bpr0;
    }
    if ((cpu->vmcr & VMCR_CBPR) != 0U) {
        return bpr0 == 7U ? 7U : bpr0 + 1U;
    }
    return field(cpu->vmcr, VMCR_BPR1, 3);
}

void fake_gic_cpu_set_bpr(struct fake_gic_cpu *cpu, unsigned group, uint32_t value)
{
    if (cpu->soft != NULL) {
        cpu->soft->write(cpu->ctx, group != 0U ? FAKE_GICC_ABPR : FAKE_GICC_BPR, value);
        return;
    }
    if (group == 0U || (cpu->vmcr & VMCR_CBPR) == 0U) {
        cpu->vmcr = with_bpr(cpu, cpu->vmcr, group, value);
    }
}

bool fake_gic_cpu_is_enabled(const struct fake_gic_cpu *cpu, unsigned group)
{
    if (cpu->soft != NULL) {
        return (soft_read(cpu, FAKE_GICC_CTLR) & (group != 0U ? VMCR_ENG1 : VMCR_ENG0)) != 0U;
    }
    return (cpu->vmcr & (group != 0U ? VMCR_ENG1 : VMCR_ENG0)) != 0U;
}

static void set_bit(struct fake_gic_cpu *cpu, uint32_t bit, bool set)
{
    if (cpu->soft != NULL) {
        fake_gic_soft_set(cpu->soft, cpu->ctx, bit, set);
        return;
    }
    cpu->vmcr = set ? cpu->vmcr | bit : cpu->vmcr & ~bit;
}

void fake_gic_cpu_enable(struct fake_gic_cpu *cpu, unsigned group, bool enable)
{
    set_bit(cpu, group != 0U ? VMCR_ENG1 : VMCR_ENG0, enable);
}

void fake_gic_cpu_set_modes(struct fake_gic_cpu *cpu, bool cbpr, bool eoimode)
{
    set_bit(cpu, VMCR_CBPR, cbpr);
    set_bit(cpu, VMCR_EOIM, eoimode);
}

bool fake_gic_cpu_cbpr(const struct fake_gic_cpu *cpu)
{
    if (cpu->soft != NULL) {
        return (soft_read(cpu, FAKE_GICC_CTLR) & VMCR_CBPR) != 0U;
    }
    return (cpu->vmcr & VMCR_CBPR) != 0U;
}

bool fake_gic_cpu_eoimode(const struct fake_gic_cpu *cpu)
{
    if (cpu->soft != NULL) {
        return (soft_read(cpu, FAKE_GICC_CTLR) & VMCR_EOIM) != 0U;
    }
    return (cpu->vmcr & VMCR_EOIM) != 0U;
}

/* ---- GICV_*: IHI 0048B 5.5 ----------------------------------------------------------------------------- */

#define GICV_CTLR   0x0000U
#define GICV_PMR    0x0004U
#define GICV_BPR    0x0008U
#define GICV_IAR    0x000CU
#define GICV_EOIR   0x0010U
#define GICV_RPR    0x0014U
#define GICV_HPPIR  0x0018U
#define GICV_ABPR   0x001CU
#define GICV_AIAR   0x0020U
#define GICV_AEOIR  0x0024U
#define GICV_AHPPIR 0x0028U
#define GICV_DIR    0x1000U
#define CTLR_BITS   (VMCR_ENG0 | VMCR_ENG1 | VMCR_ACKCTL | VMCR_FIQEN | VMCR_CBPR | VMCR_EOIM)

/* GICV_IAR and GICV_HPPIR give a Group 1 interrupt only where AckCtl = 1, else 1022. */
static uint32_t own_or_1022(struct fake_gic_cpu *cpu, int n, bool take)
{
    if (n < 0) {
        return FAKE_GIC_SPURIOUS;
    }
    if (cpu->lr[n].group1 && (cpu->vmcr & VMCR_ACKCTL) == 0U) {
        return 1022U;
    }
    return take ? acknowledge(cpu, n) : reported(cpu, n);
}

uint32_t fake_gic_cpu_read_gicv(struct fake_gic_cpu *cpu, uint32_t offset)
{
    int n;

    if (cpu->soft != NULL) {
        return soft_read(cpu, offset); /* GICC_* and GICV_* are at the same offsets */
    }
    n = highest(cpu);

    switch (offset) {
    case GICV_CTLR:
        return cpu->vmcr & CTLR_BITS;
    case GICV_PMR:
        return fake_gic_cpu_pmr(cpu);
    case GICV_BPR:
        return fake_gic_cpu_bpr(cpu, 0);
    case GICV_ABPR:
        return fake_gic_cpu_bpr(cpu, 1);
    case GICV_IAR:
        return own_or_1022(cpu, is_signalled(cpu, n) ? n : -1, true);
    case GICV_AIAR:
        return fake_gic_cpu_iar(cpu, 1);
    case GICV_RPR:
        return fake_gic_cpu_rpr(cpu);
    case GICV_HPPIR:
        return own_or_1022(cpu, n, false);
    case GICV_AHPPIR:
        return fake_gic_cpu_hppir(cpu, 1);
    default:
        return 0;
    }
}

/* GICV_EOIR ends Group 0 interrupts, and with AckCtl those that GICV_IAR gave, which may be of Group 1. */
static void write_gicv_eoir(struct fake_gic_cpu *cpu, uint32_t value)
{
    int n = find_active(cpu, value);
    bool group1 = n >= 0 && cpu->lr[n].group1 && (cpu->vmcr & VMCR_ACKCTL) != 0U;

    fake_gic_cpu_eoir(cpu, group1 ? 1U : 0U, value);
}

void fake_gic_cpu_write_gicv(struct fake_gic_cpu *cpu, uint32_t offset, uint32_t value)
{
    if (cpu->soft != NULL) {
        cpu->soft->write(cpu->ctx, offset, value);
        return;
    }
    switch (offset) {
    case GICV_CTLR:
        cpu->vmcr = (cpu->vmcr & ~CTLR_BITS) | (value & CTLR_BITS);
        break;
    case GICV_PMR:
        fake_gic_cpu_set_pmr(cpu, value);
        break;
    case GICV_BPR:
        fake_gic_cpu_set_bpr(cpu, 0, value);
        break;
    case GICV_ABPR:
        fake_gic_cpu_set_bpr(cpu, 1, value);
        break;
    case GICV_EOIR:
        write_gicv_eoir(cpu, value);
        break;
    case GICV_AEOIR:
        fake_gic_cpu_eoir(cpu, 1, value);
        break;
    case GICV_DIR:
        (void)fake_gic_cpu_dir(cpu, value);
        break;
    default:
        break;
    }
}
