/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU interface in software: GICC_* of a GICv2 without Security Extensions, by IHI 0048B 4.4 and 3. What it has in
 * common with hardware's is in gicv2_test.c, state_test.c, hostile_test.c and the model. */
#include <string.h>

#include <libvgic/state.h>

#include "machine.h"

#define CTLR_GRP0   0x001U
#define CTLR_GRP1   0x002U
#define CTLR_ACKCTL 0x004U
#define CTLR_FIQEN  0x008U
#define CTLR_CBPR   0x010U
#define CTLR_BYPASS 0x1E0U
#define CTLR_EOIM   0x200U

#define IDLE     0xFFU
#define SPURIOUS 1023U
#define OTHER    1022U

static struct machine m;

static void start_with(uint32_t vcpus, unsigned priority_bits, unsigned preemption_bits)
{
    struct machine_config config = {vcpus, 96, 0, priority_bits, preemption_bits, false, NULL, false};

    machine_init_v2(&m, &config, MACHINE_SOFT);
    for (uint32_t intid = 40; intid < 50U; intid++) {
        dist_write(&m, 0, GICD_ITARGETSR + intid, 1, 1);
        set_edge(&m, 0, intid, true);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_priority(&m, 0, intid, 0x80);
    }
}

static int setup(void **state)
{
    (void)state;
    start_with(2, 5, 5);
    return 0;
}

static uint32_t rd(uint32_t offset)
{
    return gicc_read(&m, 0, offset);
}

static void wr(uint32_t offset, uint32_t value)
{
    gicc_write(&m, 0, offset, value);
}

static uint32_t lines(void)
{
    return ash_vgic_lines(&m.vcpu[0]);
}

static void to_group1(uint32_t intid)
{
    uint32_t at = GICD_IGROUPR + intid / 32U * 4U;

    dist_write(&m, 0, at, 4, dist_read(&m, 0, at, 4) | UINT64_C(1) << intid % 32U);
}

/* ---- registers ---- */

static void a_reset_interface_is_closed(void **state)
{
    (void)state;
    machine_put(&m, 0);
    ash_vgic_vcpu_reset(&m.vgic, 0);
    machine_load(&m, 0);
    assert_int_equal(rd(FAKE_GICC_CTLR), 0);
    assert_int_equal(rd(FAKE_GICC_PMR), 0);
    assert_int_equal(rd(FAKE_GICC_BPR), 2); /* five bits: the smallest */
    assert_int_equal(rd(FAKE_GICC_ABPR), 3);
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    assert_int_equal(rd(FAKE_GICC_HPPIR), SPURIOUS);
    assert_int_equal(rd(FAKE_GICC_AHPPIR), SPURIOUS);
    assert_int_equal(rd(FAKE_GICC_APR), 0);
    assert_int_equal(lines(), 0);
}

static void each_register_keeps_what_it_has_and_no_more(void **state)
{
    (void)state;
    wr(FAKE_GICC_CTLR, UINT32_MAX);
    assert_int_equal(rd(FAKE_GICC_CTLR),
                     CTLR_GRP0 | CTLR_GRP1 | CTLR_ACKCTL | CTLR_FIQEN | CTLR_CBPR | CTLR_BYPASS | CTLR_EOIM);
    wr(FAKE_GICC_CTLR, 0);
    wr(FAKE_GICC_PMR, 0xFF);
    assert_int_equal(rd(FAKE_GICC_PMR), 0xF8);
    for (uint32_t value = 0; value < 16U; value++) {
        uint32_t kept = value & 7U;
        wr(FAKE_GICC_BPR, value);
        assert_int_equal(rd(FAKE_GICC_BPR), kept < 2U ? 2U : kept);
        wr(FAKE_GICC_ABPR, value);
        assert_int_equal(rd(FAKE_GICC_ABPR), kept < 3U ? 3U : kept);
    }
    assert_int_equal(rd(FAKE_GICC_PMR), 0xF8);
    assert_int_equal(rd(FAKE_GICC_IIDR) & 0xF0FFFU, 0x2043B); /* architecture 2, Arm's */
    wr(FAKE_GICC_IIDR, 0);
    assert_int_equal(rd(FAKE_GICC_IIDR) & 0xF0FFFU, 0x2043B);
    wr(FAKE_GICC_NSAPR, UINT32_MAX); /* Security Extensions */
    assert_int_equal(rd(FAKE_GICC_NSAPR), 0);
    assert_int_equal(rd(FAKE_GICC_EOIR) | rd(FAKE_GICC_AEOIR) | rd(FAKE_GICC_DIR), 0);
    assert_int_equal(
        rd(0x2C) | rd(0x80) | rd(0xCC) | rd(0xF0) | rd(0x100) | rd(0xFFC) | rd(0x1004) | rd(0x1FFC), 0);
}

static void with_a_common_binary_point_the_other_one_shows_it(void **state)
{
    (void)state;
    wr(FAKE_GICC_ABPR, 6);
    wr(FAKE_GICC_CTLR, CTLR_CBPR);
    for (uint32_t value = 2; value < 8U; value++) {
        wr(FAKE_GICC_BPR, value);
        assert_int_equal(rd(FAKE_GICC_ABPR), value < 7U ? value + 1U : 7U);
    }
    wr(FAKE_GICC_ABPR, 3); /* ignored */
    wr(FAKE_GICC_CTLR, 0);
    assert_int_equal(rd(FAKE_GICC_ABPR), 6);
}

static void active_priorities_are_read_and_written_with_the_levels_there_are(void **state)
{
    (void)state;
    static const struct {
        unsigned priority_bits, preemption_bits;
        uint32_t words[4];
    } cases[] = {{4, 4, {0xFFFF, 0, 0, 0}},
                 {5, 5, {UINT32_MAX, 0, 0, 0}},
                 {6, 6, {UINT32_MAX, UINT32_MAX, 0, 0}},
                 {8, 7, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}}};

    for (size_t c = 0; c < 4U; c++) {
        start_with(1, cases[c].priority_bits, cases[c].preemption_bits);
        for (uint32_t r = 0; r < 4U; r++) {
            wr(FAKE_GICC_APR + 4U * r, UINT32_MAX);
            assert_int_equal(rd(FAKE_GICC_APR + 4U * r), cases[c].words[r]);
        }
        assert_int_equal(rd(FAKE_GICC_RPR), 0);
        wr(FAKE_GICC_APR, 0x100);
        assert_int_equal(rd(FAKE_GICC_RPR), 8U << (8U - cases[c].preemption_bits));
        for (uint32_t r = 0; r < 4U; r++) {
            wr(FAKE_GICC_APR + 4U * r, 0);
        }
        assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    }
}

static void other_widths_and_places_do_nothing(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 2, 8};
    uint64_t value;

    pulse(&m, 0, 40);
    for (size_t i = 0; i < 3U; i++) {
        value = 7;
        assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, FAKE_GICC_IAR, sizes[i], false, &value), ASH_OK);
        assert_int_equal(value, 0);
        value = 0;
        assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, FAKE_GICC_PMR, sizes[i], true, &value), ASH_OK);
    }
    value = 7;
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, FAKE_GICC_IAR + 1U, 4, false, &value), ASH_OK);
    assert_int_equal(value, 0);
    value = 40;
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, FAKE_GICC_IAR, 4, true, &value), ASH_OK);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
}

static void what_is_no_access_to_it_is_refused(void **state)
{
    (void)state;
    struct machine_config config = {2, 96, 4, 5, 5, false, NULL, false};
    uint64_t value = 0;

    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, 0x2000, 4, false, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, UINT64_MAX, 1, true, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 2, FAKE_GICC_IAR, 4, false, &value), ASH_EINVAL);
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, UINT32_MAX, FAKE_GICC_EOIR, 4, true, &value), ASH_EINVAL);
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, 0, 3, false, &value), ASH_EINVAL);
    machine_init_v2(&m, &config, MACHINE_GICH); /* hardware has it */
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, FAKE_GICC_IAR, 4, false, &value), ASH_EINVAL);
    machine_init_as(&m, &config);
    assert_int_equal(ash_vgic_cpu_access(&m.vgic, 0, FAKE_GICC_IAR, 4, false, &value), ASH_EINVAL);
}

/* ---- acknowledge and end ---- */

static void an_interrupt_is_signalled_taken_once_and_ended(void **state)
{
    (void)state;
    assert_int_equal(lines(), 0);
    pulse(&m, 0, 40);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_HPPIR), 40);
    assert_int_equal(rd(FAKE_GICC_HPPIR), 40); /* a look takes nothing */
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    assert_int_equal(lines(), 0);
    assert_int_equal(rd(FAKE_GICC_RPR), 0x80);
    assert_int_equal(rd(FAKE_GICC_APR), 1U << 16);
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    assert_false(get_bit(&m, 0, GICD_ISPENDR, 40));
    wr(FAKE_GICC_EOIR, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    assert_int_equal(rd(FAKE_GICC_APR), 0);
}

static void higher_priorities_preempt_and_end_in_reverse(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10U; i++) {
        set_priority(&m, 0, 40 + i, (uint8_t)(0xE0U - 0x10U * i));
        pulse(&m, 0, 40 + i);
        assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
        assert_int_equal(rd(FAKE_GICC_IAR), 40 + i);
        assert_int_equal(rd(FAKE_GICC_RPR), 0xE0U - 0x10U * i);
    }
    for (uint32_t i = 10; i-- > 0U;) {
        assert_int_equal(rd(FAKE_GICC_RPR), 0xE0U - 0x10U * i);
        wr(FAKE_GICC_EOIR, 40 + i);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40 + i));
    }
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
}

static void with_more_than_32_levels_what_runs_is_found_in_any_word(void **state)
{
    (void)state;
    for (unsigned bits = 6; bits < 8U; bits++) {
        start_with(1, 8, bits);
        for (uint32_t i = 0; i < 4U; i++) {
            set_priority(&m, 0, 40 + i, (uint8_t)(0xE0U - 0x40U * i));
            pulse(&m, 0, 40 + i);
            assert_int_equal(rd(FAKE_GICC_IAR), 40 + i);
        }
        for (uint32_t i = 4; i-- > 0U;) {
            assert_int_equal(rd(FAKE_GICC_RPR), 0xE0U - 0x40U * i);
            wr(FAKE_GICC_EOIR, 40 + i);
        }
        assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    }
}

static void equal_and_lower_priorities_wait(void **state)
{
    (void)state;
    set_priority(&m, 0, 42, 0xA0);
    pulse(&m, 0, 41);
    pulse(&m, 0, 40); /* equal: the lower INTID is first */
    pulse(&m, 0, 42);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    assert_int_equal(lines(), 0);
    assert_int_equal(rd(FAKE_GICC_HPPIR), 41);
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
    wr(FAKE_GICC_EOIR, 40);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_IAR), 41);
    wr(FAKE_GICC_EOIR, 41);
    assert_int_equal(rd(FAKE_GICC_IAR), 42);
    wr(FAKE_GICC_EOIR, 42);
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
}

static void the_binary_point_says_what_preempts(void **state)
{
    (void)state;
    for (uint32_t point = 2; point < 8U; point++) {
        for (uint32_t step = 3; step < 8U; step++) {
            bool preempts = point < 7U && (0x80U - (1U << step)) >> (point + 1U) != 0x80U >> (point + 1U);
            bool in_group = point == 7U;

            start_with(2, 5, 5);
            wr(FAKE_GICC_BPR, point);
            set_priority(&m, 0, 41, (uint8_t)(0x80U - (1U << step)));
            pulse(&m, 0, 40);
            assert_int_equal(rd(FAKE_GICC_IAR), 40);
            assert_int_equal(rd(FAKE_GICC_RPR), in_group ? 0U : 0x80U & (0xFFU << (point + 1U)));
            pulse(&m, 0, 41);
            assert_int_equal(lines(), preempts ? ASH_VGIC_LINE_IRQ : 0U);
            assert_int_equal(rd(FAKE_GICC_IAR), preempts ? 41U : SPURIOUS);
        }
    }
}

static void the_mask_holds_back_what_is_not_above_it(void **state)
{
    (void)state;
    pulse(&m, 0, 40);
    wr(FAKE_GICC_PMR, 0x80);
    assert_int_equal(lines(), 0);
    assert_int_equal(rd(FAKE_GICC_HPPIR), 40); /* pending all the same */
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
    wr(FAKE_GICC_PMR, 0x88);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
}

static void in_eoi_mode_1_the_drop_and_the_deactivation_are_two_things(void **state)
{
    (void)state;
    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_GRP1 | CTLR_EOIM);
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    wr(FAKE_GICC_EOIR, 40);
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    pulse(&m, 0, 40); /* active and pending: not again before it is deactivated */
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
    pulse(&m, 0, 41); /* of the same priority */
    assert_int_equal(rd(FAKE_GICC_IAR), 41);
    wr(FAKE_GICC_EOIR, 41);
    wr(FAKE_GICC_DIR, 40); /* in any order */
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    wr(FAKE_GICC_EOIR, 40);
    wr(FAKE_GICC_DIR, 40);
    wr(FAKE_GICC_DIR, 41);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40) || get_bit(&m, 0, GICD_ISACTIVER, 41));
}

static void in_eoi_mode_0_dir_does_nothing(void **state)
{
    (void)state;
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    wr(FAKE_GICC_DIR, 40);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    wr(FAKE_GICC_EOIR, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
}

static void the_end_of_nothing_changes_nothing(void **state)
{
    (void)state;
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    for (uint32_t intid = 1020; intid < 1024U; intid++) {
        wr(FAKE_GICC_EOIR, intid);
        wr(FAKE_GICC_AEOIR, intid);
        assert_int_equal(rd(FAKE_GICC_RPR), 0x80);
    }
    wr(FAKE_GICC_EOIR, 40);
    wr(FAKE_GICC_EOIR, 40);
    wr(FAKE_GICC_EOIR, 1019); /* not there */
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
}

static void another_cpu_does_not_end_what_this_one_took(void **state)
{
    (void)state;
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    gicc_write(&m, 1, FAKE_GICC_EOIR, 40);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    wr(FAKE_GICC_EOIR, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
}

static void an_sgi_is_ended_with_its_source(void **state)
{
    (void)state;
    dist_write(&m, 1, GICD_SGIR, 4, 0x00010003);
    assert_int_equal(rd(FAKE_GICC_HPPIR), 1U << 10 | 3U);
    assert_int_equal(rd(FAKE_GICC_IAR), 1U << 10 | 3U);
    wr(FAKE_GICC_EOIR, 3); /* of CPU 0, which it is not */
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 3));
    wr(FAKE_GICC_EOIR, 1U << 10 | 3U);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 3));
}

static void a_level_that_stays_high_comes_again(void **state)
{
    (void)state;
    set_edge(&m, 0, 40, false);
    set_level(&m, 0, 40, true);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40)); /* active and pending */
    wr(FAKE_GICC_EOIR, 40);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    set_level(&m, 0, 40, false);
    wr(FAKE_GICC_EOIR, 40);
    assert_int_equal(lines(), 0);
    set_level(&m, 0, 40, true);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    set_level(&m, 0, 40, false); /* quiet before it was taken */
    assert_int_equal(lines(), 0);
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
}

/* ---- groups ---- */

static void group_1_wants_its_own_registers_unless_ackctl_says_so(void **state)
{
    (void)state;
    to_group1(40);
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_HPPIR), OTHER);
    assert_int_equal(rd(FAKE_GICC_IAR), OTHER);
    assert_int_equal(rd(FAKE_GICC_AHPPIR), 40);
    assert_int_equal(rd(FAKE_GICC_AIAR), 40);
    assert_int_equal(rd(FAKE_GICC_AIAR), SPURIOUS);
    wr(FAKE_GICC_AEOIR, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_GRP1 | CTLR_ACKCTL);
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_HPPIR), 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    wr(FAKE_GICC_EOIR, 40);
    pulse(&m, 0, 41); /* Group 0 */
    assert_int_equal(rd(FAKE_GICC_AHPPIR), SPURIOUS);
    assert_int_equal(rd(FAKE_GICC_AIAR), SPURIOUS);
    assert_int_equal(rd(FAKE_GICC_IAR), 41);
}

static void group_0_is_an_fiq_where_fiqen_says_so(void **state)
{
    (void)state;
    to_group1(41);
    set_priority(&m, 0, 41, 0x90);
    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_GRP1 | CTLR_FIQEN);
    pulse(&m, 0, 41);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    pulse(&m, 0, 40);
    assert_int_equal(lines(), ASH_VGIC_LINE_FIQ); /* the highest alone */
    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_GRP1);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    wr(FAKE_GICC_CTLR, CTLR_GRP1 | CTLR_FIQEN); /* what is not taken is not the highest */
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_AIAR), 41);
    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_FIQEN);
    assert_int_equal(lines(), ASH_VGIC_LINE_FIQ); /* and preempts */
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
}

static void each_enable_closes_its_group(void **state)
{
    (void)state;
    to_group1(41);
    for (uint32_t enables = 0; enables < 4U; enables++) {
        for (uint32_t dist = 0; dist < 4U; dist++) {
            uint32_t open = enables & dist;

            wr(FAKE_GICC_CTLR, enables);
            dist_write(&m, 0, GICD_CTLR, 4, dist);
            pulse(&m, 0, 40);
            pulse(&m, 0, 41);
            assert_int_equal(lines(), open != 0U ? ASH_VGIC_LINE_IRQ : 0U);
            assert_int_equal(rd(FAKE_GICC_HPPIR), (open & 1U) != 0U   ? 40U
                                                  : (open & 2U) != 0U ? OTHER
                                                                      : SPURIOUS);
            dist_write(&m, 0, GICD_ICPENDR + 4U, 4, 3U << 8);
            assert_int_equal(lines(), 0);
        }
    }
}

static void the_groups_have_binary_points_of_their_own(void **state)
{
    (void)state;
    for (uint32_t common = 0; common < 2U; common++) {
        start_with(2, 5, 5);
        to_group1(40);
        to_group1(41);
        set_priority(&m, 0, 41, 0x70);
        wr(FAKE_GICC_BPR, 7);
        wr(FAKE_GICC_ABPR, 3);
        wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_GRP1 | (common != 0U ? CTLR_CBPR : 0U));
        pulse(&m, 0, 40);
        assert_int_equal(rd(FAKE_GICC_AIAR), 40);
        pulse(&m, 0, 41);
        assert_int_equal(lines(), common != 0U ? 0U : ASH_VGIC_LINE_IRQ);
    }
}

/* ---- others look and meddle ---- */

static void what_another_cpu_takes_away_is_not_signalled_any_more(void **state)
{
    (void)state;
    static const uint32_t registers[] = {GICD_ICENABLER, GICD_ICPENDR};

    for (size_t i = 0; i < 2U; i++) {
        pulse(&m, 0, 40);
        pulse(&m, 0, 41);
        m.kicked[0] = false;
        set_bit(&m, 1, registers[i], 40);
        assert_int_equal(lines(), ASH_VGIC_LINE_IRQ); /* the other one */
        set_bit(&m, 1, registers[i], 41);
        assert_int_equal(lines(), 0);
        assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
        set_bit(&m, 1, GICD_ISENABLER, 40);
        set_bit(&m, 1, GICD_ISENABLER, 41);
        set_bit(&m, 1, GICD_ICPENDR, 40);
        set_bit(&m, 1, GICD_ICPENDR, 41);
    }
    pulse(&m, 0, 40);
    dist_write(&m, 1, GICD_ITARGETSR + 40, 1, 2); /* it moves away */
    assert_int_equal(lines(), 0);
    assert_int_equal(iar(&m, 1), 40);
}

/* The kick is late: the guest reads GICC_IAR first. */
static void an_acknowledge_before_the_kick_gives_what_is_true(void **state)
{
    (void)state;
    uint64_t bit = 1U << 8;

    pulse(&m, 0, 40);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_ICENABLER + 4U, 4, true, &bit), ASH_OK);
    assert_true(ash_vgic_needs_flush(&m.vcpu[0]));
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
    assert_int_equal(lines(), 0);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    assert_int_equal(ash_vgic_pulse(&m.vgic, 0, 41), ASH_OK);
    set_priority(&m, 0, 41, 0x40);
    assert_int_equal(rd(FAKE_GICC_IAR), 41);
    assert_false(ash_vgic_needs_flush(&m.vcpu[0]));
    machine_settle(&m);
}

static void reads_of_the_distributor_never_wait(void **state)
{
    (void)state;
    uint64_t value = 0;

    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_ISACTIVER + 4U, 4, false, &value), ASH_OK);
    assert_int_equal(value, 1U << 8);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_ISPENDR + 4U, 4, false, &value), ASH_OK);
    assert_int_equal(value, 0);
}

static void one_of_several_targets_takes_it_and_the_next_time_another_may(void **state)
{
    (void)state;
    uint32_t taken[2] = {0, 0};

    dist_write(&m, 0, GICD_ITARGETSR + 40, 1, 3);
    for (unsigned i = 0; i < 8U; i++) {
        pulse(&m, 0, 40);
        uint32_t by = (ash_vgic_lines(&m.vcpu[0]) != 0U) ? 0U : 1U;
        assert_int_equal(ash_vgic_lines(&m.vcpu[by]), ASH_VGIC_LINE_IRQ);
        assert_int_equal(ash_vgic_lines(&m.vcpu[1U - by]), 0);
        assert_int_equal(iar(&m, by), 40);
        assert_int_equal(iar(&m, 1U - by), SPURIOUS);
        eoir(&m, by, 40);
        taken[by]++;
    }
    assert_true(taken[0] != 0U && taken[1] != 0U);
}

/* ---- linked interrupts ---- */

static void link_timer(void)
{
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 27, 27), ASH_OK);
    set_bit(&m, 0, GICD_ISENABLER, 27);
}

static void a_linked_interrupt_ends_with_the_eoi_or_with_the_dir(void **state)
{
    (void)state;
    link_timer();
    for (unsigned mode = 0; mode < 2U; mode++) {
        wr(FAKE_GICC_CTLR, CTLR_GRP0 | (mode != 0U ? CTLR_EOIM : 0U));
        m.deactivations = 0;
        assert_true(fire_hw(&m, 0, 27, 27));
        assert_int_equal(rd(FAKE_GICC_IAR), 27);
        assert_true(ash_vgic_hw_is_active(&m.vcpu[0], 27));
        assert_int_equal(m.deactivations, 0);
        wr(FAKE_GICC_EOIR, 27);
        assert_int_equal(m.deactivations, mode != 0U ? 0 : 1);
        wr(FAKE_GICC_DIR, 27);
        assert_int_equal(m.deactivations, 1);
        assert_false(is_phys_active(&m, 0, 27));
        assert_false(ash_vgic_hw_is_active(&m.vcpu[0], 27));
    }
}

static void one_that_fires_behind_an_active_state_of_the_guests_own_ends_with_its_own_end(void **state)
{
    (void)state;
    link_timer();
    set_bit(&m, 0, GICD_ISPENDR, 27);
    assert_int_equal(rd(FAKE_GICC_IAR), 27);
    assert_true(fire_hw(&m, 0, 27, 27));
    wr(FAKE_GICC_EOIR, 27);
    assert_true(is_phys_active(&m, 0, 27));
    assert_int_equal(rd(FAKE_GICC_IAR), 27);
    wr(FAKE_GICC_EOIR, 27);
    assert_false(is_phys_active(&m, 0, 27));
}

static void one_that_is_taken_back_is_let_go_on_its_own_cpu(void **state)
{
    (void)state;
    link_timer();
    assert_true(fire_hw(&m, 0, 27, 27));
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    set_level(&m, 0, 27, false);
    assert_false(is_phys_active(&m, 0, 27));
    assert_int_equal(lines(), 0);
    assert_true(fire_hw(&m, 0, 27, 27));
    assert_int_equal(rd(FAKE_GICC_IAR), 27);
    set_bit(&m, 1, GICD_ICACTIVER, 33); /* somebody else's */
    set_bit(&m, 0, GICD_ICACTIVER, 27);
    assert_false(is_phys_active(&m, 0, 27));
}

/* ---- put, load, states ---- */

static void the_interface_goes_with_the_vcpu(void **state)
{
    (void)state;
    set_priority(&m, 0, 41, 0x40);
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    machine_put(&m, 0);
    assert_int_equal(lines(), 0);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0]));
    assert_int_equal(ash_vgic_pulse(&m.vgic, 0, 42), ASH_OK);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0])); /* it does not preempt */
    assert_int_equal(ash_vgic_pulse(&m.vgic, 0, 41), ASH_OK);
    assert_true(ash_vgic_has_deliverable(&m.vcpu[0]));
    machine_load(&m, 0);
    assert_int_equal(lines(), ASH_VGIC_LINE_IRQ);
    assert_int_equal(rd(FAKE_GICC_IAR), 41);
    assert_true(!ash_vgic_has_deliverable(&m.vcpu[0]));
    wr(FAKE_GICC_EOIR, 41);
    wr(FAKE_GICC_EOIR, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 42);
}

/* A state is the guest's, not the machine's: hardware's list registers take it, and give it back. */
static void a_state_moves_to_list_registers_and_back(void **state)
{
    (void)state;
    static struct machine hardware;
    static uint64_t words[ASH_VGIC_STATE_SIZE(2, 96) / 8U], again[ASH_VGIC_STATE_SIZE(2, 96) / 8U];
    const struct machine_config config = {2, 96, 2, 5, 5, false, NULL, false};

    set_priority(&m, 0, 41, 0x40);
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 40);
    pulse(&m, 0, 41);
    machine_put(&m, 0);
    machine_put(&m, 1);
    assert_int_equal(ash_vgic_export(&m.vgic, (void *)words, sizeof(words)), ASH_OK);
    machine_init_v2(&hardware, &config, MACHINE_GICH);
    machine_put(&hardware, 0);
    machine_put(&hardware, 1);
    assert_int_equal(ash_vgic_import(&hardware.vgic, (void *)words, sizeof(words)), ASH_OK);
    assert_int_equal(ash_vgic_export(&hardware.vgic, (void *)again, sizeof(again)), ASH_OK);
    assert_memory_equal(words, again, sizeof(words));
    machine_load(&hardware, 0);
    assert_int_equal(iar(&hardware, 0), 41);
    machine_put(&hardware, 0);
    assert_int_equal(ash_vgic_export(&hardware.vgic, (void *)again, sizeof(again)), ASH_OK);
    machine_init_v2(&m, &config, MACHINE_SOFT);
    machine_put(&m, 0);
    machine_put(&m, 1);
    assert_int_equal(ash_vgic_import(&m.vgic, (void *)again, sizeof(again)), ASH_OK);
    machine_load(&m, 0);
    assert_int_equal(rd(FAKE_GICC_RPR), 0x40);
    wr(FAKE_GICC_EOIR, 41);
    assert_int_equal(rd(FAKE_GICC_RPR), 0x80);
    wr(FAKE_GICC_EOIR, 40);
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40) || get_bit(&m, 0, GICD_ISACTIVER, 41));
}

static void the_bypass_bits_are_part_of_the_state_here_and_no_state_of_hardware(void **state)
{
    (void)state;
    static struct machine hardware;
    static uint64_t words[ASH_VGIC_STATE_SIZE(2, 96) / 8U];
    const struct machine_config config = {2, 96, 2, 5, 5, false, NULL, false};

    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_BYPASS);
    machine_put(&m, 0);
    machine_put(&m, 1);
    assert_int_equal(ash_vgic_export(&m.vgic, (void *)words, sizeof(words)), ASH_OK);
    ash_vgic_reset(&m.vgic);
    assert_int_equal(ash_vgic_import(&m.vgic, (void *)words, sizeof(words)), ASH_OK);
    machine_load(&m, 0);
    assert_int_equal(rd(FAKE_GICC_CTLR), CTLR_GRP0 | CTLR_BYPASS);
    assert_int_equal(ash_vgic_import(&m.vgic, (void *)words, sizeof(words)), ASH_EBUSY);
    machine_init_v2(&hardware, &config, MACHINE_GICH);
    machine_put(&hardware, 0);
    machine_put(&hardware, 1);
    assert_int_equal(ash_vgic_import(&hardware.vgic, (void *)words, sizeof(words)), ASH_EINVAL);
}

static void a_reset_ends_everything(void **state)
{
    (void)state;
    link_timer();
    assert_true(fire_hw(&m, 0, 27, 27));
    pulse(&m, 0, 40);
    assert_int_equal(rd(FAKE_GICC_IAR), 27);
    machine_put(&m, 0);
    machine_put(&m, 1);
    ash_vgic_reset(&m.vgic);
    assert_false(is_phys_active(&m, 0, 27));
    machine_load(&m, 0);
    assert_int_equal(lines(), 0);
    wr(FAKE_GICC_PMR, 0xFF);
    wr(FAKE_GICC_CTLR, CTLR_GRP0 | CTLR_GRP1);
    assert_int_equal(rd(FAKE_GICC_RPR), IDLE);
    assert_int_equal(rd(FAKE_GICC_HPPIR), SPURIOUS);
    assert_int_equal(rd(FAKE_GICC_IAR), SPURIOUS);
}

static void a_gicv3_has_none(void **state)
{
    (void)state;
    struct ash_vgic_config config = {.size = sizeof(config),
                                     .version = 3,
                                     .vcpu_count = 2,
                                     .lr_count = 0,
                                     .priority_bits = 5,
                                     .preemption_bits = 5,
                                     .vcpus = m.vcpus};

    assert_int_equal(ash_vgic_init(&m.vgic, &config, m.vgic.hal, &m), ASH_ENOTSUP);
    config.version = 2;
    assert_int_equal(ash_vgic_init(&m.vgic, &config, m.vgic.hal, &m), ASH_OK);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        RUN(a_reset_interface_is_closed),
        RUN(each_register_keeps_what_it_has_and_no_more),
        RUN(with_a_common_binary_point_the_other_one_shows_it),
        RUN(active_priorities_are_read_and_written_with_the_levels_there_are),
        RUN(other_widths_and_places_do_nothing),
        RUN(what_is_no_access_to_it_is_refused),
        RUN(an_interrupt_is_signalled_taken_once_and_ended),
        RUN(higher_priorities_preempt_and_end_in_reverse),
        RUN(with_more_than_32_levels_what_runs_is_found_in_any_word),
        RUN(equal_and_lower_priorities_wait),
        RUN(the_binary_point_says_what_preempts),
        RUN(the_mask_holds_back_what_is_not_above_it),
        RUN(in_eoi_mode_1_the_drop_and_the_deactivation_are_two_things),
        RUN(in_eoi_mode_0_dir_does_nothing),
        RUN(the_end_of_nothing_changes_nothing),
        RUN(another_cpu_does_not_end_what_this_one_took),
        RUN(an_sgi_is_ended_with_its_source),
        RUN(a_level_that_stays_high_comes_again),
        RUN(group_1_wants_its_own_registers_unless_ackctl_says_so),
        RUN(group_0_is_an_fiq_where_fiqen_says_so),
        RUN(each_enable_closes_its_group),
        RUN(the_groups_have_binary_points_of_their_own),
        RUN(what_another_cpu_takes_away_is_not_signalled_any_more),
        RUN(an_acknowledge_before_the_kick_gives_what_is_true),
        RUN(reads_of_the_distributor_never_wait),
        RUN(one_of_several_targets_takes_it_and_the_next_time_another_may),
        RUN(a_linked_interrupt_ends_with_the_eoi_or_with_the_dir),
        RUN(one_that_fires_behind_an_active_state_of_the_guests_own_ends_with_its_own_end),
        RUN(one_that_is_taken_back_is_let_go_on_its_own_cpu),
        RUN(the_interface_goes_with_the_vcpu),
        RUN(a_state_moves_to_list_registers_and_back),
        RUN(the_bypass_bits_are_part_of_the_state_here_and_no_state_of_hardware),
        RUN(a_reset_ends_everything),
        RUN(a_gicv3_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
