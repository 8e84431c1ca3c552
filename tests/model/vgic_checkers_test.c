/* SPDX-License-Identifier: BSD-2-Clause */
/** The model of the virtual CPU interface by itself: what hardware does, case by case, and that it notices
 *  what a hypervisor must not write. IHI 0069 chapters 4.8, 6 and 12.4, IHI 0048B chapter 5. */
#include <testkit/cmocka.h>
#include <testkit/fake_gic_cpu.h>

#include <string.h>

#include <libbase/bits.h>
#include <libvgic/ich.h>

#define PENDING ASH_ICH_LR_PENDING
#define ACTIVE  ASH_ICH_LR_ACTIVE
#define G1      ASH_ICH_LR_GROUP1
#define EN      ASH_ICH_HCR_EN

static unsigned ended;
static uint32_t ended_pintid;

static void deactivate(void *ctx, uint32_t pintid)
{
    (void)ctx;
    ended++;
    ended_pintid = pintid;
}

static uint64_t lr(uint32_t intid, uint64_t priority, uint64_t bits)
{
    return intid | (priority << ASH_ICH_LR_PRIORITY_SHIFT) | bits;
}

/* Both groups open, nothing masked, EOI mode @eoimode. */
static struct fake_gic_cpu *loaded(unsigned version, uint32_t hcr, bool eoimode, unsigned count,
                                   const uint64_t *lrs)
{
    static struct fake_gic_cpu cpu;
    struct ash_vgic_lrs image;

    memset(&cpu, 0, sizeof(cpu));
    memset(&image, 0, sizeof(image));
    cpu.version = version;
    cpu.lr_count = 4;
    cpu.priority_bits = 5;
    cpu.preemption_bits = 5;
    cpu.has_tdir = version == 3U;
    cpu.deactivate = deactivate;
    fake_gic_cpu_init(&cpu, 5);
    memcpy(image.lr, lrs, count * sizeof(*lrs));
    image.used = (1U << count) - 1U;
    image.hcr = hcr;
    image.vmcr = ASH_ICH_VMCR_VENG0 | ASH_ICH_VMCR_VENG1 | (eoimode ? ASH_ICH_VMCR_VEOIM : 0U) |
                 (UINT32_C(0xFF) << ASH_ICH_VMCR_VPMR_SHIFT);
    fake_gic_cpu_load(&cpu, &image);
    ended = 0;
    return &cpu;
}

static void the_highest_priority_is_acknowledged_and_preempts(void **state)
{
    const uint64_t lrs[] = {lr(40, 0x80, PENDING | G1), lr(41, 0x40, PENDING | G1)};
    struct fake_gic_cpu *cpu = loaded(3, EN, false, 2, lrs);

    (void)state;
    assert_true(fake_gic_cpu_signals(cpu, 1));
    assert_int_equal(fake_gic_cpu_iar(cpu, 0), 1023);
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 41);
    assert_int_equal(fake_gic_cpu_rpr(cpu), 0x40);
    assert_int_equal(fake_gic_cpu_hppir(cpu, 1),
                     40); /* pending, and not signalled: 0x80 does not preempt 0x40 */
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 1023);
    fake_gic_cpu_eoir(cpu, 1, 41);
    assert_int_equal(fake_gic_cpu_rpr(cpu), 0xFF);
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 40);
}

static void mask_and_group_enable_hold_back(void **state)
{
    const uint64_t lrs[] = {lr(40, 0x80, PENDING | G1), lr(41, 0x40, PENDING)};
    struct fake_gic_cpu *cpu = loaded(3, EN, false, 2, lrs);

    (void)state;
    fake_gic_cpu_set_pmr(cpu, 0x40); /* only what is lower than the mask is signalled */
    assert_int_equal(fake_gic_cpu_iar(cpu, 0), 1023);
    assert_int_equal(fake_gic_cpu_hppir(cpu, 0), 41);
    fake_gic_cpu_enable(cpu, 0, false);
    assert_int_equal(fake_gic_cpu_hppir(cpu, 0), 1023);
    assert_int_equal(fake_gic_cpu_hppir(cpu, 1), 40);
    fake_gic_cpu_set_pmr(cpu, 0xFF);
    assert_int_equal(fake_gic_cpu_pmr(cpu), 0xF8);
    assert_true(fake_gic_cpu_signals(cpu, 1));
    assert_false(fake_gic_cpu_signals(cpu, 0));
}

static void ends_reach_the_physical_interrupt(void **state)
{
    const uint64_t lrs[] = {
        lr(27, 0x80, PENDING | G1 | ASH_ICH_LR_HW | (UINT64_C(30) << ASH_ICH_LR_PINTID_SHIFT))};
    struct fake_gic_cpu *cpu = loaded(3, EN, false, 1, lrs);

    (void)state;
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 27);
    assert_int_equal(ended, 0);
    fake_gic_cpu_eoir(cpu, 1, 27);
    assert_int_equal(ended, 1);
    assert_int_equal(ended_pintid, 30);
    cpu = loaded(3, EN, true, 1, lrs);
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 27);
    fake_gic_cpu_eoir(cpu, 1, 27);
    assert_int_equal(ended, 0);
    assert_true(fake_gic_cpu_dir(cpu, 27));
    assert_int_equal(ended, 1);
}

static void what_is_in_no_list_register_is_counted(void **state)
{
    const uint64_t lrs[] = {lr(40, 0x80, PENDING | G1)};
    struct fake_gic_cpu *cpu = loaded(3, EN | ASH_ICH_HCR_LRENPIE, true, 1, lrs);

    (void)state;
    assert_false(fake_gic_cpu_has_maintenance(cpu));
    assert_true(fake_gic_cpu_dir(cpu, 77));
    assert_int_equal(fake_gic_cpu_misr(cpu), ASH_ICH_MISR_LRENP);
    cpu = loaded(3, EN | ASH_ICH_HCR_TDIR, true, 1, lrs);
    assert_false(fake_gic_cpu_dir(cpu, 77)); /* trapped */
    assert_int_equal(cpu->eoi_count, 0);
}

static void maintenance_is_what_was_asked_for(void **state)
{
    const uint64_t lrs[] = {lr(40, 0x80, PENDING | G1 | ASH_ICH_LR_EOI), lr(41, 0x90, PENDING | G1)};
    struct fake_gic_cpu *cpu =
        loaded(3, EN | ASH_ICH_HCR_UIE | ASH_ICH_HCR_NPIE | ASH_ICH_HCR_VGRP0DIE, false, 2, lrs);

    (void)state;
    assert_int_equal(fake_gic_cpu_misr(cpu), 0);
    fake_gic_cpu_enable(cpu, 0, false);
    assert_int_equal(fake_gic_cpu_misr(cpu), ASH_ICH_MISR_VGRP0D);
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 40);
    fake_gic_cpu_eoir(cpu, 1, 40);
    assert_int_equal(fake_gic_cpu_misr(cpu), ASH_ICH_MISR_VGRP0D | ASH_ICH_MISR_EOI | ASH_ICH_MISR_U);
    assert_int_equal(fake_gic_cpu_eisr(cpu), 1);
    assert_int_equal(fake_gic_cpu_elrsr(cpu), 0xC); /* not LR 0: its EOI has not been seen */
    assert_int_equal(fake_gic_cpu_iar(cpu, 1), 41);
    assert_int_equal(fake_gic_cpu_misr(cpu) & ASH_ICH_MISR_NP, ASH_ICH_MISR_NP);
}

static void a_gicv2_tells_groups_and_sources(void **state)
{
    const uint64_t lrs[] = {lr(3U | (5U << ASH_ICH_LR_SOURCE_SHIFT), 0x80, PENDING | G1),
                            lr(40, 0x90, PENDING)};
    struct fake_gic_cpu *cpu = loaded(2, EN, false, 2, lrs);

    (void)state;
    assert_int_equal(fake_gic_cpu_read_gicv(cpu, 0x0C), 1022); /* GICV_IAR without AckCtl */
    assert_int_equal(fake_gic_cpu_read_gicv(cpu, 0x18), 1022); /* GICV_HPPIR */
    assert_int_equal(fake_gic_cpu_read_gicv(cpu, 0x20), 3U | (5U << 10));
    fake_gic_cpu_write_gicv(cpu, 0x24, 3U | (4U << 10)); /* another source: not this one */
    assert_true(cpu->lr[0].active);
    assert_int_equal(cpu->eoi_count, 1);
    assert_int_equal(fake_gic_cpu_read_gicv(cpu, 0x0C), 40);
    fake_gic_cpu_write_gicv(cpu, 0x10, 40);
    assert_false(cpu->lr[1].active);
    assert_int_equal(cpu->violations, 0);
}

static void wrong_list_registers_are_noticed(void **state)
{
    static const uint64_t wrong[][2] = {
        {PENDING | 40U, ACTIVE | 40U}, /* twice */
        {PENDING | 1020U, 0},          /* reserved INTID */
        {PENDING | ACTIVE | ASH_ICH_LR_HW | (UINT64_C(30) << ASH_ICH_LR_PINTID_SHIFT) | 27U,
         0},                                                                           /* both, HW */
        {PENDING | ASH_ICH_LR_HW | (UINT64_C(5) << ASH_ICH_LR_PINTID_SHIFT) | 27U, 0}, /* physical SGI */
        {PENDING | 40U | ASH_BIT(56), 0},                                              /* RES0 */
        {PENDING | 40U | ASH_BIT(33), 0},                                              /* pINTID, HW = 0 */
    };
    const uint64_t right[] = {PENDING | 40U, ACTIVE | 41U};

    (void)state;
    assert_int_equal(loaded(3, EN, false, 2, right)->violations, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_not_equal(loaded(3, EN, false, 2, wrong[i])->violations, 0);
    }
    assert_int_not_equal(loaded(2, EN | ASH_ICH_HCR_TDIR, false, 2, right)->violations,
                         0); /* GICH_HCR has none */
}

static void list_registers_left_behind_are_noticed(void **state)
{
    const uint64_t lrs[] = {PENDING | 40U};
    struct fake_gic_cpu *cpu = loaded(3, EN, false, 1, lrs);
    struct ash_vgic_lrs image = {.used = 0};

    (void)state;
    fake_gic_cpu_fetch(cpu, &image);
    assert_int_not_equal(cpu->violations, 0);
    cpu = loaded(3, EN, false, 1, lrs);
    fake_gic_cpu_load(cpu, &image);
    assert_int_not_equal(cpu->violations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_priority_is_acknowledged_and_preempts),
        cmocka_unit_test(mask_and_group_enable_hold_back),
        cmocka_unit_test(ends_reach_the_physical_interrupt),
        cmocka_unit_test(what_is_in_no_list_register_is_counted),
        cmocka_unit_test(maintenance_is_what_was_asked_for),
        cmocka_unit_test(a_gicv2_tells_groups_and_sources),
        cmocka_unit_test(wrong_list_registers_are_noticed),
        cmocka_unit_test(list_registers_left_behind_are_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
