/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICv2: GICD_* by IHI 0048B 4.3, SGIs with their source CPUs, delivery through GICH_*, through ICH_* and in
 * software. All of it runs with each. */
#include "machine.h"

static struct machine m;
static enum machine_way way;

static void start(uint32_t vcpus, unsigned lrs)
{
    struct machine_config config = {vcpus, 96, lrs, 5, 5, false, NULL, false};
    machine_init_v2(&m, &config, way);
}

static int setup(void **state)
{
    (void)state;
    start(4, 4);
    return 0;
}

static void sgir(uint32_t from, uint32_t filter, uint32_t list, uint32_t intid)
{
    dist_write(&m, from, GICD_SGIR, 4, filter << 24 | list << 16 | intid);
}

#define FROM(cpu, intid) ((uint32_t)(cpu) << 10 | (uint32_t)(intid))

/* ---- registers ---- */

static void the_identification_registers_name_a_gicv2(void **state)
{
    (void)state;
    static const uint8_t cidr[4] = {0x0D, 0xF0, 0x05, 0xB1};

    assert_int_equal(dist_read(&m, 0, 0xFE8, 4) & 0xF0U, 0x20);
    for (uint32_t i = 0; i < 4U; i++) {
        assert_int_equal(dist_read(&m, 0, 0xFF0U + 4U * i, 4), cidr[i]);
    }
    assert_int_equal(dist_read(&m, 0, GICD_IIDR, 4) & 0xFFFU, 0x43B);
    /* ITLinesNumber, CPUNumber; no Security Extensions, no lockable SPIs */
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4), 3U | 3U << 5);
    start(1, 4);
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4), 3U);
    start(8, 4);
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4), 3U | 7U << 5);
}

static void ctlr_enables_two_groups_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4), 3);
    dist_write(&m, 0, GICD_CTLR, 4, 0xFFFFFFFE);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4), 2);
}

static void there_is_no_frame_beyond_4_kib_no_redistributor_and_no_sgi_register(void **state)
{
    (void)state;
    uint64_t value = 0;

    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, 0x1000, 4, false, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, 0, 4, false, &value), ASH_ERANGE);
    ash_vgic_sgi(&m.vgic, 0, 0x0100000FU, ASH_VGIC_SGI1R);
    ash_vgic_sgi(&m.vgic, 0, UINT64_C(1) << 40, ASH_VGIC_SGI0R);
    machine_settle(&m);
    for (uint32_t n = 0; n < 4U; n++) {
        assert_int_equal(iar(&m, n), FAKE_ICH_SPURIOUS);
    }
}

static void after_reset_all_is_group_0_and_targets_nobody(void **state)
{
    (void)state;
    for (uint32_t word = 0; word < 4U; word++) {
        assert_int_equal(dist_read(&m, 1, GICD_IGROUPR + 4U * word, 4), 0);
    }
    assert_int_equal(dist_read(&m, 1, GICD_ITARGETSR + 32, 4), 0);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_level(&m, 0, 40, true);
    for (uint32_t n = 0; n < 4U; n++) {
        assert_int_equal(iar(&m, n), FAKE_ICH_SPURIOUS);
    }
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
}

static void sgis_are_always_enabled_edges_and_pend_by_their_own_registers_only(void **state)
{
    (void)state;
    assert_int_equal(dist_read(&m, 2, GICD_ISENABLER, 4), 0xFFFF);
    dist_write(&m, 2, GICD_ICENABLER, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 2, GICD_ICENABLER, 4), 0xFFFF);
    dist_write(&m, 2, GICD_ISPENDR, 4, 0xFFFF);
    assert_int_equal(dist_read(&m, 2, GICD_ISPENDR, 4), 0);
    dist_write(&m, 2, GICD_SPENDSGIR, 4, 0x04);
    assert_int_equal(dist_read(&m, 2, GICD_ISPENDR, 4), 1);
    dist_write(&m, 2, GICD_ICPENDR, 4, 0xFFFF);
    assert_int_equal(dist_read(&m, 2, GICD_ICPENDR, 4), 1);
    dist_write(&m, 2, GICD_ICFGR, 4, 0);
    assert_int_equal(dist_read(&m, 2, GICD_ICFGR, 4), 0xAAAAAAAA);
}

static void registers_of_private_interrupts_are_banked_by_cpu(void **state)
{
    (void)state;
    static const uint32_t registers[] = {GICD_IGROUPR, GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER};

    dist_write(&m, 0, GICD_CTLR, 4, 0);
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        uint64_t before = dist_read(&m, 3, registers[i], 4);
        dist_write(&m, 1, registers[i], 4, 0xA5A50000U | before);
        assert_int_equal(dist_read(&m, 1, registers[i], 4), 0xA5A50000U | before);
        assert_int_equal(dist_read(&m, 3, registers[i], 4), before);
    }
    dist_write(&m, 1, GICD_IPRIORITYR + 17, 1, 0x88);
    assert_int_equal(dist_read(&m, 1, GICD_IPRIORITYR + 16, 4), 0x8800);
    assert_int_equal(dist_read(&m, 3, GICD_IPRIORITYR + 16, 4), 0);
    dist_write(&m, 1, GICD_ICFGR + 4, 4, 0x80000000);
    assert_int_equal(dist_read(&m, 1, GICD_ICFGR + 4, 4), 0x80000000);
    assert_int_equal(dist_read(&m, 3, GICD_ICFGR + 4, 4), 0);
}

static void targets_of_private_interrupts_are_the_reader_and_read_only(void **state)
{
    (void)state;
    for (uint32_t cpu = 0; cpu < 4U; cpu++) {
        for (uint32_t word = 0; word < 8U; word++) {
            dist_write(&m, cpu, GICD_ITARGETSR + 4U * word, 4, 0);
            assert_int_equal(dist_read(&m, cpu, GICD_ITARGETSR + 4U * word, 4), 0x01010101U << cpu);
            assert_int_equal(dist_read(&m, cpu, GICD_ITARGETSR + 4U * word + 3U, 1), 1U << cpu);
        }
    }
}

static void targets_of_spis_keep_the_cpus_there_are(void **state)
{
    (void)state;
    dist_write(&m, 0, GICD_ITARGETSR + 32, 4, 0xFF10A503);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 32, 4), 0x0F000503);
    dist_write(&m, 0, GICD_ITARGETSR + 33, 1, 0xF8);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 32, 4), 0x0F000803);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 33, 1), 0x08);
    dist_write(&m, 0, GICD_ITARGETSR + 128, 4, 0xFFFFFFFF); /* no such INTID */
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 128, 4), 0);
    start(8, 4);
    dist_write(&m, 0, GICD_ITARGETSR + 127, 1, 0xFF);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 127, 1), 0xFF);
}

static void one_processor_alone_has_no_targets_and_gets_everything(void **state)
{
    (void)state;
    start(1, 4);
    dist_write(&m, 0, GICD_ITARGETSR + 40, 1, 0xFF);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 40, 1), 0);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR, 4), 0);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    eoir(&m, 0, 40);
    sgir(0, 0, 0x01, 3);
    set_level(&m, 0, 40, false);
    assert_int_equal(iar(&m, 0), 3);
}

/* ---- SPIs ---- */

static void an_spi_goes_to_its_one_target_and_moves_with_it(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 50);
    for (uint32_t cpu = 0; cpu < 4U; cpu++) {
        dist_write(&m, 0, GICD_ITARGETSR + 50, 1, 1U << cpu);
        set_level(&m, 0, 50, true);
        for (uint32_t n = 0; n < 4U; n++) {
            assert_int_equal(iar(&m, n), n == cpu ? 50U : FAKE_ICH_SPURIOUS);
        }
        set_level(&m, 0, 50, false);
        eoir(&m, cpu, 50);
    }
    set_level(&m, 0, 50, true); /* pending in CPU 3's list register: a new target takes it from there */
    dist_write(&m, 0, GICD_ITARGETSR + 50, 1, 2);
    assert_int_equal(iar(&m, 3), FAKE_ICH_SPURIOUS);
    dist_write(&m, 0, GICD_ITARGETSR + 50, 1, 0);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
    dist_write(&m, 0, GICD_ITARGETSR + 50, 1, 4);
    assert_int_equal(iar(&m, 2), 50);
}

static void an_spi_with_several_targets_is_taken_once_by_one_of_them(void **state)
{
    (void)state;
    unsigned taken[4] = {0};

    for (uint32_t n = 0; n < 4U; n++) { /* their interfaces are known to be open: as of the last sync */
        machine_put(&m, n);
        machine_load(&m, n);
    }
    set_bit(&m, 0, GICD_ISENABLER, 60);
    set_edge(&m, 0, 60, true);
    dist_write(&m, 0, GICD_ITARGETSR + 60, 1, 0x0B);
    for (unsigned i = 0; i < 30U; i++) {
        unsigned takers = 0;
        pulse(&m, 0, 60);
        for (uint32_t n = 0; n < 4U; n++) {
            if (iar(&m, n) == 60U) {
                taken[n]++;
                takers++;
                eoir(&m, n, 60);
            }
        }
        assert_int_equal(takers, 1);
    }
    assert_int_equal(taken[2], 0);
    assert_true(taken[0] != 0U && taken[1] != 0U && taken[3] != 0U);
    assert_int_equal(dist_read(&m, 0, GICD_ITARGETSR + 60, 1), 0x0B);
}

static void one_of_several_targets_that_goes_offline_leaves_it_to_the_others(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 60);
    dist_write(&m, 0, GICD_ITARGETSR + 60, 1, 0x0A);
    for (uint32_t n = 0; n < 4U; n++) {
        machine_put(&m, n);
    }
    assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 60, true), ASH_OK);
    ash_vgic_vcpu_offline(&m.vgic, 1);
    machine_load(&m, 3);
    assert_int_equal(iar(&m, 3), 60);
    set_level(&m, 0, 60, false);
    eoir(&m, 3, 60);
    machine_put(&m, 3);
    ash_vgic_vcpu_offline(&m.vgic, 3);
    assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 60, true), ASH_OK); /* nobody */
    ash_vgic_vcpu_reset(&m.vgic, 1);
    fake_ich_set_pmr(&m.ich[1], 0);
    machine_load(&m, 1);
    fake_ich_set_pmr(&m.ich[1], 0xF0);
    fake_ich_set_igrpen(&m.ich[1], 0, true);
    assert_int_equal(iar(&m, 1), 60);
}

static void a_group_1_interrupt_has_its_own_acknowledge_and_enable(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 33);
    dist_write(&m, 0, GICD_ITARGETSR + 33, 1, 1);
    dist_write(&m, 0, GICD_IGROUPR + 4, 4, 2);
    set_level(&m, 0, 33, true);
    assert_int_equal(fake_ich_iar(&m.ich[0], 0), FAKE_ICH_SPURIOUS);
    dist_write(&m, 0, GICD_CTLR, 4, 1);
    assert_int_equal(fake_ich_iar(&m.ich[0], 1), FAKE_ICH_SPURIOUS);
    dist_write(&m, 0, GICD_CTLR, 4, 2);
    assert_int_equal(fake_ich_iar(&m.ich[0], 1), 33);
}

static void a_linked_interrupt_is_deactivated_by_the_guests_eoi(void **state)
{
    (void)state;
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 27, 27), ASH_OK);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 70, 900), ASH_OK);
    set_bit(&m, 0, GICD_ISENABLER, 27);
    set_bit(&m, 0, GICD_ISENABLER, 70);
    dist_write(&m, 0, GICD_ITARGETSR + 70, 1, 1);
    set_priority(&m, 0, 70, 0x40);
    for (unsigned i = 0; i < 3U; i++) {
        assert_true(fire_hw(&m, 0, 27, 27));
        assert_true(fire_hw(&m, 0, 70, 900));
        assert_int_equal(iar(&m, 0), 27);
        assert_true(is_phys_active(&m, 0, 27));
        eoir(&m, 0, 27);
        assert_false(is_phys_active(&m, 0, 27));
        assert_int_equal(iar(&m, 0), 70);
        eoir(&m, 0, 70);
        assert_false(is_phys_active(&m, 0, 900));
    }
    assert_int_equal(m.deactivations,
                     way == MACHINE_SOFT ? 6 : 0); /* hardware's, where there is such hardware */
}

/* ---- SGIs ---- */

static void each_filter_of_sgir_reaches_whom_it_says(void **state)
{
    (void)state;
    static const uint32_t reached[4] = {0x0A, 0x0B, 0x04,
                                        0x00}; /* the list, all but CPU 2, CPU 2, reserved */

    for (uint32_t filter = 0; filter < 4U; filter++) {
        for (uint32_t intid = 0; intid < 16U; intid++) {
            sgir(2, filter, 0xFA, intid);
            for (uint32_t n = 0; n < 4U; n++) {
                bool hit = (reached[filter] >> n & 1U) != 0U;
                assert_int_equal(iar(&m, n), hit ? FROM(2, intid) : FAKE_ICH_SPURIOUS);
                eoir(&m, n, FROM(2, intid));
            }
        }
    }
    assert_int_equal(dist_read(&m, 0, GICD_SGIR, 4), 0);
}

static void an_sgi_from_each_cpu_is_taken_on_its_own(void **state)
{
    (void)state;
    static const unsigned lrs[] = {1, 2, 4, 16};

    for (size_t l = 0; l < 4U; l++) {
        start(8, lrs[l]);
        for (uint32_t from = 8; from-- > 0U;) {
            sgir(from, 0, 0x20, 7);
            sgir(from, 0, 0x20, 7); /* twice is once */
        }
        assert_int_equal(dist_read(&m, 5, GICD_SPENDSGIR + 7, 1), 0xFF);
        for (uint32_t from = 0; from < 8U; from++) {
            assert_int_equal(iar(&m, 5), FROM(from, 7));
            assert_int_equal(dist_read(&m, 5, GICD_CPENDSGIR + 4, 4), (0xFEULL << from & 0xFFU) << 24);
            assert_true(get_bit(&m, 5, GICD_ISACTIVER, 7));
            eoir(&m, 5, FROM(from, 7));
        }
        assert_int_equal(iar(&m, 5), FAKE_ICH_SPURIOUS);
        assert_false(get_bit(&m, 5, GICD_ISACTIVER, 7));
    }
}

static void an_sgi_that_comes_while_one_is_active_comes_after_it(void **state)
{
    (void)state;
    sgir(1, 0, 1, 4);
    assert_int_equal(iar(&m, 0), FROM(1, 4));
    sgir(1, 0, 1, 4); /* the same CPU again */
    sgir(3, 0, 1, 4);
    assert_int_equal(dist_read(&m, 0, GICD_SPENDSGIR + 4, 1), 0x0A);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    eoir(&m, 0, FROM(1, 4));
    assert_int_equal(iar(&m, 0), FROM(1, 4));
    eoir(&m, 0, FROM(1, 4));
    assert_int_equal(iar(&m, 0), FROM(3, 4));
    eoir(&m, 0, FROM(3, 4));
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void the_source_survives_that_the_vcpu_leaves_its_cpu(void **state)
{
    (void)state;
    sgir(3, 0, 1, 4);
    assert_int_equal(iar(&m, 0), FROM(3, 4));
    sgir(2, 0, 1, 4);
    machine_put(&m, 0);
    machine_load(&m, 0);
    eoir(&m, 0, FROM(3, 4));
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 4));
    machine_put(&m, 0);
    machine_load(&m, 0);
    assert_int_equal(iar(&m, 0), FROM(2, 4));
}

static void pending_sgis_are_set_and_cleared_source_by_source(void **state)
{
    (void)state;
    static const uint32_t start_with[] = {0x0F, 0x01, 0x08, 0x06};
    static const uint32_t clear[] = {0x01, 0x08, 0x0F, 0x06};

    for (size_t s = 0; s < 4U; s++) {
        for (size_t c = 0; c < 4U; c++) {
            uint32_t left = start_with[s] & ~clear[c];
            start(4, 2);
            dist_write(&m, 1, GICD_SPENDSGIR + 12, 4, (uint64_t)start_with[s] << 16 | 0xF0U);
            assert_int_equal(dist_read(&m, 1, GICD_SPENDSGIR + 12, 4), start_with[s] << 16);
            assert_int_equal(dist_read(&m, 0, GICD_SPENDSGIR + 12, 4), 0); /* banked */
            dist_write(&m, 1, GICD_CPENDSGIR + 14, 1, clear[c]);
            assert_int_equal(dist_read(&m, 1, GICD_CPENDSGIR + 14, 1), left);
            for (uint32_t from = 0; from < 4U; from++) {
                if ((left >> from & 1U) != 0U) {
                    assert_int_equal(iar(&m, 1), FROM(from, 14));
                    eoir(&m, 1, FROM(from, 14));
                }
            }
            assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
        }
    }
}

static void an_sgi_to_self_takes_the_short_way_with_its_source(void **state)
{
    (void)state;
    int lr = ash_vgic_inject_fast(&m.vcpu[2], 9, fake_ich_elrsr(&m.ich[2]));

    if (way == MACHINE_SOFT) {
        assert_int_equal(lr, ASH_EBUSY); /* there is no shorter way than the ordinary one */
        return;
    }
    assert_true(lr >= 0);
    fake_ich_write_lr(&m.ich[2], (unsigned)lr, m.vcpu[2].lrs.lr[lr]);
    assert_int_equal(dist_read(&m, 2, GICD_SPENDSGIR + 9, 1), 0x04);
    assert_int_equal(iar(&m, 2), FROM(2, 9));
    eoir(&m, 2, FROM(2, 9));
    assert_int_equal(dist_read(&m, 2, GICD_SPENDSGIR + 9, 1), 0);
}

static void in_eoi_mode_1_a_trapped_dir_ends_an_sgi_whatever_its_source(void **state)
{
    (void)state;
    fake_ich_set_eoimode(&m.ich[0], true);
    sgir(1, 0, 1, 4);
    sgir(2, 0, 1, 4);
    assert_int_equal(iar(&m, 0), FROM(1, 4));
    eoir(&m, 0, FROM(1, 4));
    ash_vgic_dir(&m.vgic, 0, FROM(1, 4));
    machine_exit(&m, 0);
    machine_settle(&m);
    assert_int_equal(iar(&m, 0), FROM(2, 4));
    eoir(&m, 0, FROM(2, 4));
    dir(&m, 0, FROM(2, 4));
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 4));
}

static void the_interface_begins_closed_with_the_smallest_binary_points(void **state)
{
    (void)state;
    machine_put(&m, 1);
    ash_vgic_vcpu_reset(&m.vgic, 1);
    assert_int_equal(m.vcpu[1].lrs.vmcr, 2U << 21 | 3U << 18);
}

#define TESTS(run)                                                                                           \
    run(the_identification_registers_name_a_gicv2), run(ctlr_enables_two_groups_and_nothing_else),           \
        run(there_is_no_frame_beyond_4_kib_no_redistributor_and_no_sgi_register),                            \
        run(after_reset_all_is_group_0_and_targets_nobody),                                                  \
        run(sgis_are_always_enabled_edges_and_pend_by_their_own_registers_only),                             \
        run(registers_of_private_interrupts_are_banked_by_cpu),                                              \
        run(targets_of_private_interrupts_are_the_reader_and_read_only),                                     \
        run(targets_of_spis_keep_the_cpus_there_are),                                                        \
        run(one_processor_alone_has_no_targets_and_gets_everything),                                         \
        run(an_spi_goes_to_its_one_target_and_moves_with_it),                                                \
        run(an_spi_with_several_targets_is_taken_once_by_one_of_them),                                       \
        run(one_of_several_targets_that_goes_offline_leaves_it_to_the_others),                               \
        run(a_group_1_interrupt_has_its_own_acknowledge_and_enable),                                         \
        run(a_linked_interrupt_is_deactivated_by_the_guests_eoi),                                            \
        run(each_filter_of_sgir_reaches_whom_it_says), run(an_sgi_from_each_cpu_is_taken_on_its_own),        \
        run(an_sgi_that_comes_while_one_is_active_comes_after_it),                                           \
        run(the_source_survives_that_the_vcpu_leaves_its_cpu),                                               \
        run(pending_sgis_are_set_and_cleared_source_by_source),                                              \
        run(an_sgi_to_self_takes_the_short_way_with_its_source),                                             \
        run(in_eoi_mode_1_a_trapped_dir_ends_an_sgi_whatever_its_source),                                    \
        run(the_interface_begins_closed_with_the_smallest_binary_points)

int main(void)
{
#define RUN(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {TESTS(RUN)};
    int failed = cmocka_run_group_tests_name("through ICH", tests, NULL, NULL);

    way = MACHINE_GICH;
    failed += cmocka_run_group_tests_name("through GICH", tests, NULL, NULL);
    way = MACHINE_SOFT;
    return failed + cmocka_run_group_tests_name("in software", tests, NULL, NULL);
}
