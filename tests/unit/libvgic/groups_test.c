/* SPDX-License-Identifier: BSD-2-Clause */
/* Two groups, a CPU interface that takes one, both or none, and too few list registers; messages instead of lines;
 * sleeping targets; 512 vCPUs. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static struct machine m;

static void start(unsigned lrs)
{
    struct machine_config config = {2, 96, lrs, 5, 5, false, NULL, false};

    machine_init_as(&m, &config);
    m.ich[0].by_intid = true;
    for (uint32_t word = 1; word <= 3U; word++) {
        dist_write(&m, 0, GICD_ISENABLER + 4U * word, 4, 0xFFFFFFFF);
    }
    redist_write(&m, 0, 0, GICR_SGI + GICD_ISENABLER, 4, 0xFFFF);
}

/* ---- a group that the guest does not take does not stand before the other ---- */

static void a_closed_group_keeps_no_list_register_from_the_open_one(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 2, 4};

    for (size_t i = 0; i < 3U; i++) {
        for (unsigned closed = 0; closed <= 1U; closed++) {
            uint32_t of_group[2] = {32, 64};

            start(counts[i]);
            dist_write(&m, 0, GICD_IGROUPR + 4, 4, 0);          /* 32..63: Group 0 */
            dist_write(&m, 0, GICD_IGROUPR + 8, 4, 0xFFFFFFFF); /* 64..95: Group 1 */
            fake_ich_set_igrpen(&m.ich[0], closed, false);
            for (uint32_t n = 0; n < 8U; n++) {
                set_priority(&m, 0, of_group[closed] + n, 0x10);
                set_priority(&m, 0, of_group[1U - closed] + n, 0x80);
                set_level(&m, 0, of_group[closed] + n, true);
            }
            for (uint32_t n = 0; n < 8U; n++) {
                set_level(&m, 0, of_group[1U - closed] + n, true);
            }
            for (uint32_t n = 0; n < 8U; n++) {
                uint32_t intid = fake_ich_iar(&m.ich[0], 1U - closed);
                machine_settle(&m);
                assert_int_equal(intid, of_group[1U - closed] + n);
                set_level(&m, 0, intid, false);
                fake_ich_eoir(&m.ich[0], 1U - closed, intid);
                machine_settle(&m);
            }
            /* Opened, the better ones come at once: by the maintenance interrupt, not by any other exit. */
            set_level(&m, 0, of_group[1U - closed], true);
            fake_ich_set_igrpen(&m.ich[0], closed, true);
            machine_settle(&m);
            assert_in_range(fake_ich_iar(&m.ich[0], closed), of_group[closed], of_group[closed] + 7U);
        }
    }
}

static void closing_a_group_lets_the_other_one_through(void **state)
{
    (void)state;
    start(1);
    dist_write(&m, 0, GICD_IGROUPR + 4, 4, 0xFFFFFFFE); /* 32: Group 0 */
    set_priority(&m, 0, 32, 0x80);
    set_priority(&m, 0, 40, 0x10);
    set_level(&m, 0, 32, true);
    set_level(&m, 0, 40, true);
    assert_true(fake_ich_is_signalled(&m.ich[0], 1));
    fake_ich_set_igrpen(&m.ich[0], 1, false);
    machine_settle(&m);
    assert_true(fake_ich_is_signalled(&m.ich[0], 0));
    fake_ich_set_igrpen(&m.ich[0], 1, true);
    machine_settle(&m);
    assert_int_equal(iar(&m, 0), 40);
}

static void with_both_groups_closed_nothing_storms_and_nothing_is_lost(void **state)
{
    (void)state;
    start(2);
    fake_ich_set_igrpen(&m.ich[0], 0, false);
    fake_ich_set_igrpen(&m.ich[0], 1, false);
    for (uint32_t intid = 32; intid < 40U; intid++) {
        set_level(&m, 0, intid, true);
    }
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    fake_ich_set_igrpen(&m.ich[0], 1, true);
    machine_settle(&m);
    for (uint32_t intid = 32; intid < 40U; intid++) {
        assert_int_equal(iar(&m, 0), intid);
        set_level(&m, 0, intid, false);
        eoir(&m, 0, intid);
    }
}

/* ---- GICD_SETSPI_NSR, GICD_CLRSPI_NSR ---- */

#define SETSPI 0x40U
#define CLRSPI 0x48U

static void a_message_is_an_edge_or_a_level_as_configured(void **state)
{
    (void)state;
    static const unsigned widths[] = {2, 4};

    for (size_t w = 0; w < 2U; w++) {
        start(4);
        set_edge(&m, 0, 50, true);
        dist_write(&m, 0, SETSPI, widths[w], 50);
        assert_int_equal(iar(&m, 0), 50);
        eoir(&m, 0, 50);
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
        dist_write(&m, 0, SETSPI, widths[w], 50);
        dist_write(&m, 0, CLRSPI, widths[w], 50);
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);

        dist_write(&m, 0, SETSPI, widths[w], 60);
        assert_int_equal(iar(&m, 0), 60);
        assert_true(get_bit(&m, 0, GICD_ISPENDR, 60));
        eoir(&m, 0, 60);
        assert_int_equal(iar(&m, 0), 60); /* still */
        dist_write(&m, 0, GICD_ICPENDR + 4, 4, 0xFFFFFFFF);
        dist_write(&m, 0, CLRSPI, widths[w], 60);
        eoir(&m, 0, 60);
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    }
}

static void a_message_and_a_line_hold_an_interrupt_each_for_itself(void **state)
{
    (void)state;
    start(4);
    set_level(&m, 0, 60, true);
    dist_write(&m, 0, SETSPI, 4, 60);
    dist_write(&m, 0, CLRSPI, 4, 60);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 60));
    dist_write(&m, 0, SETSPI, 4, 60);
    set_level(&m, 0, 60, false);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 60));
    dist_write(&m, 0, GICD_ICPENDR + 4, 4, 0xFFFFFFFF); /* does not silence it */
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 60));
    dist_write(&m, 0, CLRSPI, 4, 60);
    assert_false(get_bit(&m, 0, GICD_ISPENDR, 60));
}

static void a_message_for_no_spi_is_ignored(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0, 15, 16, 31, 128, 1019, 1020, 1023, 4096, 8191, 0xFFFFFFFF};

    start(4);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        dist_write(&m, 0, SETSPI, 4, wrong[i]);
        dist_write(&m, 0, CLRSPI, 4, wrong[i]);
    }
    dist_write(&m, 0, SETSPI + 2U, 2, 50);
    dist_write(&m, 0, 0x50, 4, 50); /* GICD_SETSPI_SR: one security state */
    for (uint32_t word = 1; word < 4U; word++) {
        assert_int_equal(dist_read(&m, 0, GICD_ISPENDR + 4U * word, 4), 0);
    }
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ISPENDR, 4), 0);
}

/* ---- 1 of N and GICR_WAKER ---- */

static void one_of_n_leaves_a_vcpu_that_goes_to_sleep(void **state)
{
    (void)state;
    start(4);
    machine_put(&m, 1);
    machine_load(&m, 1);
    dist_write(&m, 0, GICD_IROUTER + 8U * 60U, 8, 0x80000000U);
    redist_write(&m, 0, 1, GICR_WAKER, 4, 2);
    set_level(&m, 0, 60, true); /* so it is vCPU 0's */
    redist_write(&m, 0, 1, GICR_WAKER, 4, 0);
    redist_write(&m, 0, 0, GICR_WAKER, 4, 2);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_true(fake_ich_is_signalled(&m.ich[1], 1));
    redist_write(&m, 0, 1, GICR_WAKER, 4, 2); /* nobody is awake: it waits */
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
    redist_write(&m, 0, 0, GICR_WAKER, 4, 0);
    assert_int_equal(iar(&m, 0), 60);
}

/* ---- as many as there can be ---- */

#define MANY ASH_VGIC_MAX_VCPUS

static struct ash_vgic big;
static struct ash_vgic_irq big_spis[ASH_VGIC_MAX_SPIS];
static struct ash_vgic_vcpu *big_vcpus[MANY];
static uint32_t big_affinity[MANY];
static uint8_t kicked[MANY];

static void on_kick(void *ctx, uint32_t vcpu)
{
    (void)ctx;
    kicked[vcpu] = 1;
}

static void on_deactivate(void *ctx, uint32_t vcpu, uint32_t pintid)
{
    (void)ctx;
    (void)vcpu;
    (void)pintid;
}

static void start_many(bool by_range)
{
    static const struct ash_vgic_hal hal = {sizeof(hal), on_kick, on_deactivate};
    struct ash_vgic_config config = {
        .size = sizeof(config),
        .version = 3,
        .vcpu_count = MANY,
        .spi_count = ASH_VGIC_MAX_SPIS,
        .lr_count = 4,
        .priority_bits = 5,
        .preemption_bits = 5,
        .affinity = by_range ? big_affinity : NULL,
        .vcpus = big_vcpus,
        .spis = big_spis,
    };

    for (uint32_t n = 0; n < MANY; n++) {
        big_vcpus[n] = big_vcpus[n] != NULL ? big_vcpus[n] : malloc(sizeof(*big_vcpus[n]));
        assert_non_null(big_vcpus[n]);
        big_affinity[n] = (n / 256U) << 24 | (n % 256U); /* 256 in a cluster: sixteen ranges */
    }
    assert_int_equal(ash_vgic_init(&big, &config, &hal, NULL), ASH_OK);
    uint64_t enable = 2;
    uint64_t all = 0xFFFFFFFF;
    assert_int_equal(ash_vgic_dist_access(&big, 0, GICD_CTLR, 4, true, &enable), ASH_OK);
    for (uint32_t n = 0; n < MANY; n++) {
        uint64_t at = n * ASH_VGIC_REDIST_SIZE + GICR_SGI + GICD_ISENABLER;
        ash_vgic_vcpu_reset(&big, n);
        assert_int_equal(ash_vgic_redist_access(&big, MANY - 1U, at, 4, true, &all), ASH_OK);
    }
    memset(kicked, 0, sizeof(kicked));
}

static uint64_t sgi_to(uint32_t affinity, uint32_t list)
{
    uint64_t value = (uint64_t)(affinity >> 24) << 48 | (uint64_t)(affinity >> 16 & 0xFFU) << 32 |
                     (uint64_t)(affinity >> 8 & 0xFFU) << 16 | (uint64_t)(affinity >> 4 & 0xFU) << 44;
    return value | 5U << 24 | list;
}

static void five_hundred_and_twelve_vcpus_are_reached_each_by_its_affinity(void **state)
{
    (void)state;
    for (unsigned by_range = 0; by_range <= 1U; by_range++) {
        start_many(by_range != 0U);
        for (uint32_t n = 0; n < MANY; n++) {
            uint32_t affinity = big_vcpus[n]->affinity;
            uint64_t typer = 0;
            uint64_t at = n * ASH_VGIC_REDIST_SIZE + GICR_TYPER;
            assert_int_equal(ash_vgic_redist_access(&big, 0, at, 8, false, &typer), ASH_OK);
            assert_int_equal(typer >> 32, affinity);
            assert_int_equal(typer >> 8 & 0xFFFFU, n);
            assert_int_equal(typer >> 4 & 1U, n == MANY - 1U);
            ash_vgic_sgi(&big, (n + 1U) % MANY, sgi_to(affinity, 1U << (affinity & 15U)), ASH_VGIC_SGI1R);
            for (uint32_t other = 0; other < MANY; other++) {
                assert_int_equal(kicked[other], other == n);
            }
            kicked[n] = 0;
        }
    }
}

static void a_target_list_is_sixteen_vcpus_of_one_range(void **state)
{
    (void)state;
    start_many(true);
    ash_vgic_sgi(&big, 0, sgi_to(0x01000070U, 0xFFFF), ASH_VGIC_SGI1R);
    for (uint32_t n = 0; n < MANY; n++) {
        assert_int_equal(kicked[n], n >= 256U + 0x70U && n < 256U + 0x80U);
    }
    memset(kicked, 0, sizeof(kicked));
    ash_vgic_sgi(&big, 300, UINT64_C(1) << 40 | 5U << 24, ASH_VGIC_SGI1R);
    for (uint32_t n = 0; n < MANY; n++) {
        assert_int_equal(kicked[n], n != 300U);
    }
    for (uint32_t n = 0; n < MANY; n++) {
        free(big_vcpus[n]);
    }
}

/* ---- an exit that changed nothing ---- */

static void an_exit_that_changed_no_interrupt_writes_nothing(void **state)
{
    (void)state;
    static struct machine before;

    start(4);
    set_level(&m, 0, 40, true);
    set_level(&m, 0, 41, true);
    assert_int_equal(iar(&m, 0), 40);
    memcpy(&before, &m, sizeof(m));
    for (unsigned i = 0; i < 100U; i++) {
        machine_exit(&m, 0);
        machine_exit(&m, 1);
    }
    assert_memory_equal(&before, &m, sizeof(m));
}

static void a_flush_without_a_cause_moves_no_list_register(void **state)
{
    (void)state;
    unsigned writes;

    start(4);
    for (uint32_t intid = 40; intid < 46U; intid++) {
        set_level(&m, 0, intid, true);
    }
    assert_int_equal(iar(&m, 0), 40);
    ash_vgic_request_flush(&m.vcpu[0]);
    machine_exit(&m, 0);
    writes = m.ich[0].lr_writes;
    for (unsigned i = 0; i < 10U; i++) {
        ash_vgic_request_flush(&m.vcpu[0]);
        machine_exit(&m, 0);
    }
    assert_int_equal(m.ich[0].lr_writes, writes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_group_keeps_no_list_register_from_the_open_one),
        cmocka_unit_test(closing_a_group_lets_the_other_one_through),
        cmocka_unit_test(with_both_groups_closed_nothing_storms_and_nothing_is_lost),
        cmocka_unit_test(a_message_is_an_edge_or_a_level_as_configured),
        cmocka_unit_test(a_message_and_a_line_hold_an_interrupt_each_for_itself),
        cmocka_unit_test(a_message_for_no_spi_is_ignored),
        cmocka_unit_test(one_of_n_leaves_a_vcpu_that_goes_to_sleep),
        cmocka_unit_test(five_hundred_and_twelve_vcpus_are_reached_each_by_its_affinity),
        cmocka_unit_test(a_target_list_is_sixteen_vcpus_of_one_range),
        cmocka_unit_test(an_exit_that_changed_no_interrupt_writes_nothing),
        cmocka_unit_test(a_flush_without_a_cause_moves_no_list_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
