/* SPDX-License-Identifier: BSD-2-Clause */
/* What one flipped operator would change and nothing else shows: resets, choices, the last register, who
 * deactivates. */
#include <string.h>

#include <libvgic/ich.h>
#include <libvgic/state.h>

#include "machine.h"

static struct machine m;
static uint64_t words[ASH_VGIC_STATE_SIZE(MACHINE_MAX_VCPUS, MACHINE_MAX_SPIS) / 8U];

static const struct machine_config four_lrs = {2, 96, 4, 5, 5, false, NULL, false};

static void put_all(void)
{
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        machine_put(&m, n);
    }
}

static const struct ash_vgic_state *exported(void)
{
    struct ash_vgic_state *state = (struct ash_vgic_state *)words;

    assert_int_equal(ash_vgic_export(&m.vgic, state, ASH_VGIC_STATE_SIZE(m.vcpu_count, m.vgic.spi_count)),
                     ASH_OK);
    return state;
}

static void route(uint32_t intid, uint64_t value)
{
    dist_write(&m, 0, GICD_IROUTER + 8U * intid, 8, value);
}

/* ---- resets ---- */

static void what_waits_for_a_vcpu_outlives_its_reset(void **state)
{
    (void)state;
    machine_init(&m);
    machine_put(&m, 1);
    for (uint32_t intid = 40; intid < 43U; intid++) {
        route(intid, 1);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_level(&m, 0, intid, true);
    }
    ash_vgic_vcpu_reset(&m.vgic, 1);
    machine_load(&m, 1);
    fake_ich_set_pmr(&m.ich[1], 0xF0);
    fake_ich_set_igrpen(&m.ich[1], 1, true);
    for (uint32_t intid = 40; intid < 43U; intid++) {
        assert_int_equal(iar(&m, 1), intid);
        set_level(&m, 0, intid, false);
        eoir(&m, 1, intid);
    }
}

static void a_reset_leaves_the_first_vcpu_alone_there(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3U; version++) {
        if (version == 2U) {
            machine_init_v2(&m, &four_lrs, MACHINE_GICH);
            dist_write(&m, 0, GICD_ITARGETSR + 40U, 1, 3);
        } else {
            machine_init(&m);
            route(40, 0x80000000U);
        }
        set_bit(&m, 0, GICD_ISENABLER, 40);
        set_level(&m, 0, 40, true);
        set_level(&m, 0, 40, false);
        put_all();
        ash_vgic_reset(&m.vgic);
        const struct ash_vgic_state *s = exported();
        assert_int_equal(s->next_1ofn, 0);
        for (uint32_t n = 0; n < m.vcpu_count; n++) {
            const struct ash_vgic_vcpu_state *v = ash_vgic_state_vcpu((struct ash_vgic_state *)words, n);
            assert_int_equal(v->flags, n == 0U ? ASH_VGIC_STATE_ONLINE : 0U);
            assert_int_equal(v->vmcr & ASH_ICH_VMCR_VFIQEN,
                             version == 3U ? ASH_ICH_VMCR_VFIQEN : 0U); /* RES1 */
        }
        ash_vgic_vcpu_offline(&m.vgic, m.vcpu_count); /* there is none */
    }
}

static void an_sgi_that_a_reset_took_names_its_source_no_more(void **state)
{
    (void)state;
    static const struct machine_config config = {4, 96, 4, 5, 5, false, NULL, false};

    machine_init_v2(&m, &config, MACHINE_GICH);
    machine_put(&m, 0);
    dist_write(&m, 1, GICD_SGIR, 4, 0x00010005);
    dist_write(&m, 3, GICD_SGIR, 4, 0x00010005);
    ash_vgic_vcpu_reset(&m.vgic, 0);
    machine_load(&m, 0);
    fake_ich_set_pmr(&m.ich[0], 0xF0);
    fake_ich_set_igrpen(&m.ich[0], 0, true);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    dist_write(&m, 2, GICD_SGIR, 4, 0x00010005);
    assert_int_equal(iar(&m, 0), 2U << 10 | 5U);
    eoir(&m, 0, 2U << 10 | 5U);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

/* ---- choices ---- */

static void all_four_levels_of_an_affinity_count(void **state)
{
    (void)state;
    static const uint32_t affinity[] = {0x85020301, 0x00000000, 0x05020301, 0x8502030F};
    static const struct machine_config config = {4, 96, 4, 5, 5, false, affinity, false};

    machine_init_as(&m, &config);
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4) & (1U << 24 | 1U << 26),
                     1U << 24); /* A3V; Aff0 below 16 */
    assert_int_equal(dist_read(&m, 0, GICD_IROUTER + 8U * 40U, 8),
                     UINT64_C(0x8500020301)); /* the first vCPU */
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_edge(&m, 0, 40, true);
    for (uint32_t n = 0; n < 4U; n++) {
        if (n != 0U) {
            route(40, (uint64_t)(affinity[n] >> 24) << 32 | (affinity[n] & 0xFFFFFFU));
        }
        pulse(&m, 0, 40);
        for (uint32_t i = 0; i < 4U; i++) {
            assert_int_equal(iar(&m, i), i == n ? 40U : FAKE_ICH_SPURIOUS);
        }
        eoir(&m, n, 40);
    }
}

/* IHI 0069 "1 of N": a PE that takes the group, as far as the last sync tells. */
static void one_of_n_goes_to_a_vcpu_that_takes_its_group(void **state)
{
    (void)state;
    machine_init(&m);
    fake_ich_set_igrpen(&m.ich[0], 1, false);
    fake_ich_set_igrpen(&m.ich[1], 0, false);
    for (uint32_t n = 0; n < 2U; n++) {
        ash_vgic_request_flush(&m.vcpu[n]);
        machine_exit(&m, n);
    }
    dist_write(&m, 0, GICD_IGROUPR + 4U, 4, 0xFFFFFFFFU & ~UINT32_C(0x00FF0000)); /* 48..55: Group 0 */
    for (uint32_t intid = 40; intid < 56U; intid++) {
        route(intid, 0x80000000U);
        set_edge(&m, 0, intid, true);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        pulse(&m, 0, intid);
        uint32_t group = intid < 48U ? 1U : 0U;
        assert_int_equal(fake_ich_iar(&m.ich[group], group), intid);
        fake_ich_eoir(&m.ich[group], group, intid);
        machine_settle(&m);
    }
}

static void the_first_spi_too_finds_whoever_comes(void **state)
{
    (void)state;
    machine_init(&m);
    put_all();
    ash_vgic_vcpu_offline(&m.vgic, 0);
    ash_vgic_vcpu_offline(&m.vgic, 1);
    route(32, 0x80000000U);
    set_bit(&m, 0, GICD_ISENABLER, 32);
    set_level(&m, 0, 32, true);
    ash_vgic_vcpu_reset(&m.vgic, 1);
    machine_load(&m, 1);
    fake_ich_set_pmr(&m.ich[1], 0xF0);
    fake_ich_set_igrpen(&m.ich[1], 1, true);
    assert_int_equal(iar(&m, 1), 32);
}

/* ---- registers ---- */

static void two_interrupts_called_back_from_one_vcpu_are_one_write_in_progress(void **state)
{
    (void)state;
    uint64_t value;

    machine_init(&m);
    for (uint32_t intid = 40; intid < 42U; intid++) {
        route(intid, 1);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_level(&m, 0, intid, true);
    }
    for (uint32_t intid = 40; intid < 42U; intid++) {
        value = UINT64_C(1) << (intid - 32U);
        assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_ICENABLER + 4U, 4, true, &value), ASH_OK);
    }
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_CTLR, 4, false, &value), ASH_OK);
    assert_int_equal(value >> 31, 1);
    machine_settle(&m);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4) >> 31, 0);
}

static void the_last_register_has_the_last_28_interrupts(void **state)
{
    (void)state;
    static const struct machine_config config = {1, 988, 4, 5, 5, false, NULL, false};

    machine_init_as(&m, &config);
    dist_write(&m, 0, GICD_ISENABLER + 124U, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_ISENABLER + 124U, 4), 0x0FFFFFFF);
    dist_write(&m, 0, GICD_IPRIORITYR + 1016U, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 1016U, 4), 0xF8F8F8F8);
    dist_write(&m, 0, GICD_IPRIORITYR + 1020U, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 1020U, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_ISPENDR + 124U, 4), 0);
}

static void a_pending_one_changes_its_group_in_the_list_register(void **state)
{
    (void)state;
    machine_init(&m);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_level(&m, 0, 40, true);
    dist_write(&m, 0, GICD_IGROUPR + 4U, 4, 0xFFFFFFFFU ^ 1U << 8);
    assert_int_equal(fake_ich_iar(&m.ich[0], 1), FAKE_ICH_SPURIOUS);
    assert_int_equal(fake_ich_iar(&m.ich[0], 0), 40);
}

static void an_end_that_is_only_counted_shows_in_another_vcpus_read(void **state)
{
    (void)state;
    static const struct machine_config config = {2, 96, 1, 5, 5, false, NULL, false};

    machine_init_as(&m, &config);
    for (uint32_t intid = 40; intid < 42U; intid++) {
        set_edge(&m, 0, intid, true);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_priority(&m, 0, intid, (uint8_t)(0x80U + 0x10U * (intid - 40U)));
    }
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 41); /* has the one list register */
    fake_ich_eoir(&m.ich[0], 1, 40);
    assert_false(get_bit(&m, 1, GICD_ISACTIVER, 40));
}

static void an_answer_for_one_redistributor_is_none_for_another(void **state)
{
    (void)state;
    static const struct machine_config config = {3, 96, 4, 5, 5, false, NULL, false};
    const uint64_t at = GICR_SGI + GICD_ISPENDR;
    uint64_t value;

    machine_init_as(&m, &config);
    for (uint32_t n = 1; n < 3U; n++) {
        set_edge(&m, n, 20, true);
        set_bit(&m, n, GICD_ISENABLER, 20);
        pulse(&m, n, 20);
    }
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, ASH_VGIC_REDIST_SIZE + at, 4, false, &value),
                     ASH_EBUSY);
    ash_vgic_request_flush(&m.vcpu[2]);
    machine_exit(&m, 2);
    assert_int_equal(fake_ich_iar(&m.ich[2], 1), 20); /* since its last sync */
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, 2U * ASH_VGIC_REDIST_SIZE + at, 4, false, &value),
                     ASH_EBUSY);
    assert_int_equal(redist_read(&m, 0, 2, GICR_SGI + GICD_ISPENDR, 4), 0);
}

static void an_active_state_by_register_is_the_targets_and_stays_where_it_is(void **state)
{
    (void)state;
    machine_init(&m);
    route(40, 1);
    set_bit(&m, 0, GICD_ISACTIVER, 40);
    fake_ich_set_eoimode(&m.ich[1], true);
    fake_ich_dir(&m.ich[1], 40); /* in a list register of its own */
    machine_settle(&m);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    set_bit(&m, 0, GICD_ISACTIVER, 40);
    machine_put(&m, 1); /* in its queue */
    route(40, 0);
    set_bit(&m, 0, GICD_ISACTIVER, 40);
    machine_load(&m, 1);
    fake_ich_dir(&m.ich[1], 40);
    machine_settle(&m);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    set_bit(&m, 1, GICD_ISENABLER, 3); /* nothing is left in its queue: the short way is open */
    assert_in_range(ash_vgic_inject_fast(&m.vcpu[1], 3, fake_ich_elrsr(&m.ich[1])), 0, 3);
}

static void what_a_list_register_offers_would_be_signalled(void **state)
{
    (void)state;
    machine_init(&m);
    fake_ich_fetch_interface(&m.ich[0], &m.vcpu[0].lrs);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0]));
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_level(&m, 0, 40, true);
    assert_true(ash_vgic_has_deliverable(&m.vcpu[0])); /* loaded, not synced: by its image */
}

/* An SPI that is active on one vCPU and in no list register waits in that one's queue. */
static void the_short_way_leaves_alone_what_waits_with_another_vcpu(void **state)
{
    (void)state;
    static const struct machine_config config = {2, 96, 1, 5, 5, false, NULL, false};

    machine_init_as(&m, &config);
    for (uint32_t intid = 40; intid < 42U; intid++) {
        set_edge(&m, 0, intid, true);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_priority(&m, 0, intid, (uint8_t)(0x80U + 0x10U * (intid - 40U)));
    }
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 41); /* has vCPU 0's one list register */
    route(40, 1);
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[1], 40, fake_ich_elrsr(&m.ich[1])), ASH_EBUSY);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 1), 40);
    assert_int_equal(iar(&m, 0), 41);
    eoir(&m, 1, 40);
    eoir(&m, 0, 41);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
}

/* ---- links ---- */

/* Writes that were to be done to an interrupt in its list register are over with it. */
static void a_request_does_not_reach_the_next_firing(void **state)
{
    (void)state;
    uint64_t value = 1U << (50U - 32U);

    machine_init(&m);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 50, 70), ASH_OK);
    set_bit(&m, 0, GICD_ISENABLER, 50);
    set_priority(&m, 0, 50, 0x80);
    assert_true(fire_hw(&m, 0, 50, 70));
    assert_int_equal(fake_ich_iar(&m.ich[0], 1), 50);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_ICPENDR + 4U, 4, true, &value), ASH_OK);
    value = 0x40;
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_IPRIORITYR + 50U, 1, true, &value), ASH_OK);
    fake_ich_eoir(&m.ich[0], 1, 50); /* by hardware; the vCPU has not been to its sync */
    assert_false(is_phys_active(&m, 0, 70));
    assert_true(fire_hw(&m, 0, 50, 70));
    assert_int_equal(iar(&m, 0), 50);
    assert_int_equal(fake_ich_rpr(&m.ich[0]), 0x40);
    eoir(&m, 0, 50);
    assert_false(is_phys_active(&m, 0, 70));
}

/* An SPI's physical interrupt is let go at once, by whichever CPU; a PPI's by its own, at the next flush. */
static void a_withdrawn_spi_is_let_go_at_once_and_a_ppi_on_its_own_cpu(void **state)
{
    (void)state;
    machine_init(&m);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 1, 27, 27), ASH_OK);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 50, 70), ASH_OK);
    route(50, 1);
    set_bit(&m, 0, GICD_ISENABLER, 50);
    set_bit(&m, 1, GICD_ISENABLER, 27);
    machine_put(&m, 1);
    assert_true(fire_hw(&m, 1, 27, 27));
    assert_true(fire_hw(&m, 1, 50, 70));
    set_bit(&m, 0, GICD_ICPENDR, 50);
    assert_false(is_phys_active(&m, 1, 70));
    redist_write(&m, 0, 1, GICR_SGI + GICD_ICPENDR, 4, UINT32_C(1) << 27);
    assert_true(is_phys_active(&m, 1, 27));
    machine_load(&m, 1);
    assert_false(is_phys_active(&m, 1, 27));
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
    redist_write(&m, 0, 1, GICR_SGI + GICD_ICENABLER, 4,
                 UINT32_C(1) << 27); /* now loaded, in no list register */
    assert_true(fire_hw(&m, 1, 27, 27));
    redist_write(&m, 0, 1, GICR_SGI + GICD_ICPENDR, 4, UINT32_C(1) << 27);
    assert_false(is_phys_active(&m, 1, 27)); /* by its own CPU, after a kick: the machine watches that */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_for_a_vcpu_outlives_its_reset),
        cmocka_unit_test(a_reset_leaves_the_first_vcpu_alone_there),
        cmocka_unit_test(an_sgi_that_a_reset_took_names_its_source_no_more),
        cmocka_unit_test(all_four_levels_of_an_affinity_count),
        cmocka_unit_test(one_of_n_goes_to_a_vcpu_that_takes_its_group),
        cmocka_unit_test(the_first_spi_too_finds_whoever_comes),
        cmocka_unit_test(two_interrupts_called_back_from_one_vcpu_are_one_write_in_progress),
        cmocka_unit_test(the_last_register_has_the_last_28_interrupts),
        cmocka_unit_test(a_pending_one_changes_its_group_in_the_list_register),
        cmocka_unit_test(an_end_that_is_only_counted_shows_in_another_vcpus_read),
        cmocka_unit_test(the_short_way_leaves_alone_what_waits_with_another_vcpu),
        cmocka_unit_test(an_answer_for_one_redistributor_is_none_for_another),
        cmocka_unit_test(an_active_state_by_register_is_the_targets_and_stays_where_it_is),
        cmocka_unit_test(what_a_list_register_offers_would_be_signalled),
        cmocka_unit_test(a_request_does_not_reach_the_next_firing),
        cmocka_unit_test(a_withdrawn_spi_is_let_go_at_once_and_a_ppi_on_its_own_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
