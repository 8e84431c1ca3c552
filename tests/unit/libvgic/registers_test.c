/* SPDX-License-Identifier: BSD-2-Clause */
/* GICD_* and GICR_* by offset, width and direction. Expectations from IHI 0069 12.8, 12.10, 12.11. */
#include "machine.h"

static struct machine m;

static int setup(void **state)
{
    (void)state;
    machine_init(&m);
    return 0;
}

static void the_identification_registers_name_a_gicv3(void **state)
{
    (void)state;
    assert_int_equal(dist_read(&m, 0, GICD_PIDR2, 4) & 0xF0U, 0x30);
    assert_int_equal(redist_read(&m, 0, 1, GICD_PIDR2, 4) & 0xF0U, 0x30);
    static const uint8_t cidr[4] = {0x0D, 0xF0, 0x05, 0xB1};
    for (uint32_t i = 0; i < 4U; i++) {
        assert_int_equal(dist_read(&m, 0, 0xFFF0U + 4U * i, 4), cidr[i]);
        assert_int_equal(redist_read(&m, 0, 0, 0xFFF0U + 4U * i, 4), cidr[i]);
    }
    assert_int_equal(dist_read(&m, 0, GICD_IIDR, 4) & 0xFFFU, 0x43B);
    dist_write(&m, 0, GICD_PIDR2, 4, 0);
    assert_int_equal(dist_read(&m, 0, GICD_PIDR2, 4) & 0xF0U, 0x30);
}

static void ctlr_has_one_security_state_and_affinity_routing_that_cannot_be_cleared(void **state)
{
    (void)state;
    dist_write(&m, 0, GICD_CTLR, 4, 0);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4), 0x50); /* DS, ARE */
    dist_write(&m, 0, GICD_CTLR, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4), 0x53);
}

static void typer_counts_interrupts(void **state)
{
    (void)state;
    uint64_t typer = dist_read(&m, 0, GICD_TYPER, 4);

    assert_int_equal(typer & 0x1FU, 3);       /* 128 INTIDs */
    assert_int_equal(typer >> 19 & 0x1FU, 9); /* 10 bits */
    assert_int_equal(typer & (1U << 10), 0);  /* SecurityExtn */
    assert_int_equal(typer >> 16 & 1U, 1);    /* MBIS */
    assert_int_equal(typer & (1U << 17), 0);  /* LPIS */
    assert_int_equal(typer & (1U << 25), 0);  /* No1N: 1 of N works */
    assert_int_equal(typer & (1U << 8), 0);   /* ESPI */
    dist_write(&m, 0, GICD_TYPER, 4, 0);
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4), typer);
}

static void affinities_above_the_usual_show_in_typer(void **state)
{
    (void)state;
    static const uint32_t affinity[2] = {0x01000000, 0x00000110};
    static const struct machine_config config = {2, 32, 4, 5, 5, false, affinity, false};

    machine_init_as(&m, &config);
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4) >> 24 & 1U, 1); /* A3V */
    assert_int_equal(dist_read(&m, 0, GICD_TYPER, 4) >> 26 & 1U, 1); /* RSS */
    assert_int_equal(redist_read(&m, 0, 0, GICR_TYPER, 8), UINT64_C(0x01000000) << 32);
}

static void every_redistributor_says_whose_it_is_and_the_last_says_so(void **state)
{
    (void)state;
    assert_int_equal(redist_read(&m, 0, 0, GICR_TYPER, 8), 0);
    assert_int_equal(redist_read(&m, 0, 1, GICR_TYPER, 8), (UINT64_C(1) << 32) | (1U << 8) | (1U << 4));
    assert_int_equal(redist_read(&m, 0, 1, GICR_TYPER, 4), (1U << 8) | (1U << 4));
    assert_int_equal(redist_read(&m, 0, 1, GICR_TYPER + 4U, 4), 1);
}

static void set_and_clear_registers_work_bit_by_bit(void **state)
{
    (void)state;
    static const struct {
        uint32_t set, clear;
    } pairs[] = {
        {GICD_ISENABLER, GICD_ICENABLER}, {GICD_ISPENDR, GICD_ICPENDR}, {GICD_ISACTIVER, GICD_ICACTIVER}};

    for (size_t i = 0; i < 3U; i++) {
        for (uint32_t word = 1; word <= 3U; word++) {
            uint32_t at = word * 4U;
            dist_write(&m, 0, pairs[i].set + at, 4, 0x80000005);
            dist_write(&m, 0, pairs[i].set + at, 4, 0x00010000);
            assert_int_equal(dist_read(&m, 0, pairs[i].set + at, 4), 0x80010005);
            assert_int_equal(dist_read(&m, 0, pairs[i].clear + at, 4), 0x80010005);
            dist_write(&m, 0, pairs[i].clear + at, 4, 0x80000000);
            assert_int_equal(dist_read(&m, 0, pairs[i].set + at, 4), 0x00010005);
            dist_write(&m, 0, pairs[i].clear + at, 4, 0xFFFFFFFF);
            assert_int_equal(dist_read(&m, 0, pairs[i].clear + at, 4), 0);
        }
        redist_write(&m, 0, 1, GICR_SGI + pairs[i].set, 4, 0x80010005);
        assert_int_equal(redist_read(&m, 0, 1, GICR_SGI + pairs[i].clear, 4), 0x80010005);
        assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + pairs[i].clear, 4), 0); /* banked */
        redist_write(&m, 0, 1, GICR_SGI + pairs[i].clear, 4, 0xFFFFFFFF);
        assert_int_equal(redist_read(&m, 0, 1, GICR_SGI + pairs[i].set, 4), 0);
    }
}

static void the_distributors_fields_of_private_interrupts_read_as_zero(void **state)
{
    (void)state;
    static const uint32_t registers[] = {
        GICD_IGROUPR,         GICD_ISENABLER, GICD_ICENABLER,       GICD_ISPENDR, GICD_ICPENDR,
        GICD_ISACTIVER,       GICD_ICACTIVER, GICD_IPRIORITYR,      GICD_ICFGR,   GICD_ICFGR + 4,
        GICD_IPRIORITYR + 28, GICD_IROUTER,   GICD_IROUTER + 8 * 31};

    redist_write(&m, 0, 0, GICR_SGI + GICD_ISENABLER, 4, 0xFFFFFFFF);
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        dist_write(&m, 0, registers[i], 4, 0xFFFFFFFF);
        assert_int_equal(dist_read(&m, 0, registers[i], 4), 0);
    }
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ISACTIVER, 4), 0);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ISENABLER, 4), 0xFFFFFFFF);
}

static void priorities_keep_the_implemented_bits_by_byte_and_by_word(void **state)
{
    (void)state;
    dist_write(&m, 0, GICD_IPRIORITYR + 32, 4, 0xFF07A4B9);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 32, 4), 0xF800A0B8);
    dist_write(&m, 0, GICD_IPRIORITYR + 33, 1, 0x17);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 32, 4), 0xF80010B8);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 35, 1), 0xF8);
    redist_write(&m, 0, 1, GICR_SGI + GICD_IPRIORITYR + 27, 1, 0xFF);
    assert_int_equal(redist_read(&m, 0, 1, GICR_SGI + GICD_IPRIORITYR + 24, 4), 0xF8000000);

    for (unsigned bits = 4; bits <= 8U; bits++) {
        struct machine_config config = {1, 32, 4, bits, bits > 7U ? 7U : bits, false, NULL, false};
        machine_init_as(&m, &config);
        dist_write(&m, 0, GICD_IPRIORITYR + 40, 1, 0xFF);
        assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 40, 1), (0xFFU << (8U - bits)) & 0xFFU);
    }
}

static void configuration_has_one_bit_each_and_sgis_are_always_edges(void **state)
{
    (void)state;
    dist_write(&m, 0, GICD_ICFGR + 8, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_ICFGR + 8, 4), 0xAAAAAAAA);
    dist_write(&m, 0, GICD_ICFGR + 8, 4, 0x00000008);
    assert_int_equal(dist_read(&m, 0, GICD_ICFGR + 8, 4), 0x00000008);
    redist_write(&m, 0, 0, GICR_SGI + GICD_ICFGR, 4, 0);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ICFGR, 4), 0xAAAAAAAA);
    redist_write(&m, 0, 0, GICR_SGI + GICD_ICFGR + 4, 4, 0x80000000);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ICFGR + 4, 4), 0x80000000);
}

static void groups_are_written_whole(void **state)
{
    (void)state;
    assert_int_equal(dist_read(&m, 0, GICD_IGROUPR + 4, 4), 0xFFFFFFFF); /* our reset value */
    dist_write(&m, 0, GICD_IGROUPR + 4, 4, 0x0F0F0F0F);
    assert_int_equal(dist_read(&m, 0, GICD_IGROUPR + 4, 4), 0x0F0F0F0F);
    redist_write(&m, 0, 1, GICR_SGI + GICD_IGROUPR, 4, 0xFFFF0000);
    assert_int_equal(redist_read(&m, 0, 1, GICR_SGI + GICD_IGROUPR, 4), 0xFFFF0000);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_IGROUPR, 4), 0xFFFFFFFF);
}

static void routes_take_64_bits_or_two_halves(void **state)
{
    (void)state;
    uint32_t at = GICD_IROUTER + 8U * 40U;

    dist_write(&m, 0, at, 8, UINT64_MAX);
    assert_int_equal(dist_read(&m, 0, at, 8), UINT64_C(0xFF80FFFFFF));
    dist_write(&m, 0, at + 4U, 4, 0x12345678);
    assert_int_equal(dist_read(&m, 0, at, 8), UINT64_C(0x7880FFFFFF));
    dist_write(&m, 0, at, 4, 0x00000001);
    assert_int_equal(dist_read(&m, 0, at, 8), UINT64_C(0x7800000001));
    assert_int_equal(dist_read(&m, 0, at + 4U, 4), 0x78);
}

static void waker_shows_children_asleep_as_the_processor_says(void **state)
{
    (void)state;
    assert_int_equal(redist_read(&m, 1, 1, GICR_WAKER, 4), 0);
    redist_write(&m, 1, 1, GICR_WAKER, 4, 2);
    assert_int_equal(redist_read(&m, 1, 1, GICR_WAKER, 4), 6);
    assert_int_equal(redist_read(&m, 1, 0, GICR_WAKER, 4), 0);
    redist_write(&m, 1, 1, GICR_WAKER, 4, 4); /* ChildrenAsleep is read-only */
    assert_int_equal(redist_read(&m, 1, 1, GICR_WAKER, 4), 0);
}

/* Is @offset of the distributor readable by a width that is not allowed there? */
static bool allows(uint32_t offset, unsigned size)
{
    if (offset % size != 0U) {
        return false;
    }
    if (offset >= GICD_IPRIORITYR && offset < 0x800U) {
        return size == 1U || size == 4U;
    }
    if (offset >= GICD_IROUTER && offset < 0x8000U) {
        return size == 4U || size == 8U;
    }
    return size == 4U;
}

static void widths_that_a_register_does_not_have_read_as_zero_and_change_nothing(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 2, 4, 8};

    /* Something everywhere. */
    dist_write(&m, 0, GICD_ISENABLER + 4, 4, 0xFFFFFFFF);
    dist_write(&m, 0, GICD_ISACTIVER + 4, 4, 0x0);
    for (uint32_t i = 32; i < 64U; i++) {
        set_priority(&m, 0, i, 0xF8);
        dist_write(&m, 0, GICD_IROUTER + 8U * i, 8, UINT64_C(0xFF80FFFFFF));
    }
    for (uint32_t offset = 0; offset < 0x10000U; offset++) {
        for (unsigned i = 0; i < 4U; i++) {
            if (!allows(offset, sizes[i])) {
                uint64_t ones = UINT64_MAX;
                assert_int_equal(dist_read(&m, 0, offset, sizes[i]), 0);
                assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, offset, sizes[i], true, &ones), ASH_OK);
            }
        }
    }
    assert_int_equal(dist_read(&m, 0, GICD_ISENABLER + 4, 4), 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_ISENABLER + 8, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_ISPENDR + 4, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_ISACTIVER + 8, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 64, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4), 0x53);
}

static void what_the_architecture_reserves_reads_as_zero_and_ignores_writes(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, last;
    } holes[] = {{0x00C, 0x07C}, {0x800, 0xBFC}, {0xD00, 0x5FFC}, {0x8000, 0xFFCC}};

    for (size_t h = 0; h < 4U; h++) {
        for (uint32_t offset = holes[h].first; offset <= holes[h].last; offset += 4U) {
            dist_write(&m, 0, offset, 4, 0xFFFFFFFF);
            assert_int_equal(dist_read(&m, 0, offset, 4), 0);
        }
    }
    /* Interrupts beyond the 128 there are: all registers that could show them. */
    for (uint32_t reg = GICD_IGROUPR; reg < GICD_IPRIORITYR; reg += 0x80U) {
        for (uint32_t word = 4; word < 32U; word++) {
            dist_write(&m, 0, reg + 4U * word, 4, 0xFFFFFFFF);
            assert_int_equal(dist_read(&m, 0, reg + 4U * word, 4), 0);
        }
    }
    dist_write(&m, 0, GICD_IPRIORITYR + 128, 4, 0xFFFFFFFF);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 128, 4), 0);
    dist_write(&m, 0, GICD_IROUTER + 8 * 128, 8, UINT64_MAX);
    assert_int_equal(dist_read(&m, 0, GICD_IROUTER + 8 * 128, 8), 0);
    assert_int_equal(dist_read(&m, 0, GICD_IROUTER + 8 * 1020, 8), 0);
    assert_int_equal(m.vcpu[0].lrs.used, 0);
}

static void the_lpi_registers_of_the_redistributor_are_not_there(void **state)
{
    (void)state;
    static const uint32_t registers[] = {0x10, 0x20, 0x40, 0x48,    0x70,   0x78,
                                         0xA0, 0xB0, 0xC0, 0x10D00, 0x10E00};

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        redist_write(&m, 0, 0, registers[i], 4, 0xFFFFFFFF);
        assert_int_equal(redist_read(&m, 0, 0, registers[i], 4), 0);
    }
    redist_write(&m, 0, 0, 0x70, 8, UINT64_MAX);
    assert_int_equal(redist_read(&m, 0, 0, 0x70, 8), 0);
    redist_write(&m, 0, 0, GICR_CTLR, 4, 1); /* EnableLPIs */
    assert_int_equal(redist_read(&m, 0, 0, GICR_CTLR, 4), 0);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ISENABLER + 4, 4), 0); /* no extended PPIs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_identification_registers_name_a_gicv3, setup),
        cmocka_unit_test_setup(ctlr_has_one_security_state_and_affinity_routing_that_cannot_be_cleared,
                               setup),
        cmocka_unit_test_setup(typer_counts_interrupts, setup),
        cmocka_unit_test_setup(affinities_above_the_usual_show_in_typer, setup),
        cmocka_unit_test_setup(every_redistributor_says_whose_it_is_and_the_last_says_so, setup),
        cmocka_unit_test_setup(set_and_clear_registers_work_bit_by_bit, setup),
        cmocka_unit_test_setup(the_distributors_fields_of_private_interrupts_read_as_zero, setup),
        cmocka_unit_test_setup(priorities_keep_the_implemented_bits_by_byte_and_by_word, setup),
        cmocka_unit_test_setup(configuration_has_one_bit_each_and_sgis_are_always_edges, setup),
        cmocka_unit_test_setup(groups_are_written_whole, setup),
        cmocka_unit_test_setup(routes_take_64_bits_or_two_halves, setup),
        cmocka_unit_test_setup(waker_shows_children_asleep_as_the_processor_says, setup),
        cmocka_unit_test_setup(widths_that_a_register_does_not_have_read_as_zero_and_change_nothing, setup),
        cmocka_unit_test_setup(what_the_architecture_reserves_reads_as_zero_and_ignores_writes, setup),
        cmocka_unit_test_setup(the_lpi_registers_of_the_redistributor_are_not_there, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
