/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver of a Raspberry Pi 3's interrupt controllers against a model written from QA7 rev 3.4 and from BCM2835 ARM
 * Peripherals, chapter 7: levels in, sources out. */
#include <string.h>

#include <testkit/cmocka.h>

#include "core/cpu.h"
#include "drivers/bcm2836.h"
#include "drivers/mmio.h"

#define LOCAL 0x40000000U
#define ARM   0x3F00B200U
#define CPUS  4U

#define CNTPS  (1U << 0)
#define CNTPNS (1U << 1)
#define CNTHP  (1U << 2)
#define CNTV   (1U << 3)

static struct {
    uint32_t timer_lines[CPUS]; /* what the CPU's timers assert */
    uint32_t timer_control[CPUS];
    uint32_t mailbox_control[CPUS];
    uint32_t mailbox[CPUS][4];
    uint32_t routing;
    uint32_t lines[3]; /* what devices assert: two words and the Arm's own eight */
    uint32_t enable[3];
    uint32_t fiq_control;
    bool shows_masked; /* sources of masked timers are seen all the same */
    unsigned publishes;
    unsigned completes;
    unsigned strays;
} chip;

static struct hv_gic gic;
static struct hv_cpu cpus[CPUS];

static uint32_t source_of(uint32_t n)
{
    uint32_t source = chip.timer_lines[n] & (chip.shows_masked ? 0xfU : chip.timer_control[n]);

    for (uint32_t m = 0; m < 4U; m++) {
        if (chip.mailbox[n][m] != 0U && (chip.mailbox_control[n] >> m & 1U) != 0U) {
            source |= 1U << (4U + m);
        }
    }
    for (uint32_t w = 0; w < 3U; w++) {
        if ((chip.lines[w] & chip.enable[w]) != 0U && (chip.routing & 3U) == n) {
            source |= 1U << 8;
        }
    }
    return source;
}

uint32_t hv_mmio_read32(uint64_t address)
{
    uint64_t at = address - LOCAL;

    if (address >= ARM && address < ARM + 0x28U) {
        switch (address - ARM) {
        case 0x00: /* 10..20 repeat some of the others: whatever stands there is not to be believed */
            return (chip.lines[2] & chip.enable[2]) | 0x1ffc00U;
        case 0x04:
            return chip.lines[0] & chip.enable[0];
        case 0x08:
            return chip.lines[1] & chip.enable[1];
        default:
            break;
        }
    } else if (at >= 0x60U && at < 0x70U) {
        return source_of((uint32_t)(at - 0x60U) / 4U);
    } else if (at >= 0xc0U && at < 0x100U) {
        return chip.mailbox[(at - 0xc0U) / 16U][at / 4U % 4U];
    }
    chip.strays++;
    return 0;
}

static bool write_local(uint64_t at, uint32_t value)
{
    if (at == 0x0cU) {
        chip.routing = value;
    } else if (at >= 0x40U && at < 0x50U) {
        chip.timer_control[(at - 0x40U) / 4U] = value;
    } else if (at >= 0x50U && at < 0x60U) {
        chip.mailbox_control[(at - 0x50U) / 4U] = value;
    } else if (at >= 0x80U && at < 0xc0U) {
        chip.mailbox[(at - 0x80U) / 16U][at / 4U % 4U] |= value;
    } else if (at >= 0xc0U && at < 0x100U) {
        chip.mailbox[(at - 0xc0U) / 16U][at / 4U % 4U] &= ~value;
    } else {
        return at == 0x14U || at == 0x34U;
    }
    return true;
}

void hv_mmio_write32(uint64_t address, uint32_t value)
{
    uint64_t at = address - ARM;

    if (at == 0x0cU) {
        chip.fiq_control = value;
    } else if (at >= 0x10U && at < 0x1cU) {
        chip.enable[(at - 0x10U) / 4U] |= value;
    } else if (at >= 0x1cU && at < 0x28U) {
        chip.enable[(at - 0x1cU) / 4U] &= ~value;
    } else if (!write_local(address - LOCAL, value)) {
        chip.strays++;
    }
}

void hv_mmio_publish(void)
{
    chip.publishes++;
}

void hv_mmio_complete(void)
{
    chip.completes++;
}

/** As a boot loader may have left it: everything on, mail of old. */
static int set_up(void **state)
{
    (void)state;
    memset(&chip, 0xff, sizeof(chip));
    chip.shows_masked = false;
    chip.publishes = 0;
    chip.completes = 0;
    chip.strays = 0;
    memset(chip.timer_lines, 0, sizeof(chip.timer_lines));
    memset(chip.lines, 0, sizeof(chip.lines));
    memset(cpus, 0, sizeof(cpus));
    gic = (struct hv_gic){.version = HV_GIC_BCM2836, .bcm_local = LOCAL, .bcm_arm = ARM};
    for (uint32_t i = 0; i < CPUS; i++) {
        cpus[i].index = i;
        cpus[i].mpidr = i;
    }
    hv_bcm2836_init_distributor(&gic, &cpus[0]);
    for (uint32_t i = 0; i < CPUS; i++) {
        hv_bcm2836_init_cpu(&gic, &cpus[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(chip.strays, 0);
    return 0;
}

static void nothing_is_pending_at_first(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CPUS; i++) {
        chip.timer_lines[i] = 0xf;
    }
    memset(chip.lines, 0xff, sizeof(chip.lines));
    for (uint32_t i = 0; i < CPUS; i++) {
        assert_int_equal(source_of(i), 0);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[i]), HV_GIC_SPURIOUS);
    }
    assert_int_equal(chip.fiq_control, 0);
    assert_int_equal(gic.spis, 72);
}

static void an_sgi_reaches_the_cpu_that_it_is_for_once(void **state)
{
    (void)state;
    for (uint32_t to = 0; to < CPUS; to++) {
        hv_bcm2836_send_sgi(&gic, &cpus[to], 0);
        for (uint32_t i = 0; i < CPUS; i++) {
            assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[i]), i == to ? 0U : HV_GIC_SPURIOUS);
        }
        assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[to]), HV_GIC_SPURIOUS);
    }
    assert_int_equal(chip.publishes, CPUS); /* before it is sent */
    assert_int_equal(chip.completes, CPUS); /* before it is acted on */
}

static void two_sgis_to_one_cpu_are_two(void **state)
{
    (void)state;
    hv_bcm2836_send_sgi(&gic, &cpus[2], 5);
    hv_bcm2836_send_sgi(&gic, &cpus[2], 15);
    hv_bcm2836_send_sgi(&gic, &cpus[2], 5); /* pending already */
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[2]), 5);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[2]), 15);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[2]), HV_GIC_SPURIOUS);
}

static void a_guests_timer_is_masked_when_it_fires_and_unmasked_when_it_is_deactivated(void **state)
{
    static const struct {
        uint32_t intid;
        uint32_t line;
    } timers[] = {{27, CNTV}, {30, CNTPNS}};

    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        struct hv_cpu *cpu = &cpus[1 + i];

        hv_bcm2836_enable(&gic, cpu, timers[i].intid, true);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, cpu), HV_GIC_SPURIOUS);
        chip.timer_lines[1 + i] = timers[i].line;
        assert_int_equal(hv_bcm2836_acknowledge(&gic, cpu), timers[i].intid);
        assert_int_equal(source_of(1 + i), 0); /* it is asserted still, and does not interrupt */
        assert_int_equal(hv_bcm2836_acknowledge(&gic, cpu), HV_GIC_SPURIOUS);
        hv_bcm2836_set_active_ppis(&gic, cpu, 1U << timers[i].intid, false);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, cpu), timers[i].intid);
        assert_int_equal(chip.timer_control[0], 0); /* the others are left alone */
    }
}

static void a_masked_source_that_is_still_seen_is_not_taken_twice(void **state)
{
    (void)state;
    chip.shows_masked = true;
    chip.timer_lines[3] = CNTV | CNTPS;
    hv_bcm2836_enable(&gic, &cpus[3], 27, true);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[3]), 27);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[3]), HV_GIC_SPURIOUS);
}

static void hvs_own_timer_stays_open(void **state)
{
    (void)state;
    hv_bcm2836_enable(&gic, &cpus[0], 26, true);
    chip.timer_lines[0] = CNTHP;
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), 26);
    assert_int_equal(chip.timer_control[0], CNTHP);
    hv_bcm2836_set_active_ppis(&gic, &cpus[0], 1U << 26, true); /* it has no such state */
    assert_int_equal(chip.timer_control[0], CNTHP);
    chip.timer_lines[0] = 0; /* its handler has seen to it */
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), HV_GIC_SPURIOUS);
}

static void the_active_state_moves_with_a_vcpu(void **state)
{
    const uint32_t timers = 1U << 27 | 1U << 30;

    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        hv_bcm2836_enable(&gic, &cpus[i], 26, true);
        hv_bcm2836_enable(&gic, &cpus[i], 27, true);
        hv_bcm2836_enable(&gic, &cpus[i], 30, true);
    }
    chip.timer_lines[0] = CNTV;
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), 27);
    chip.timer_lines[0] = 0;
    hv_bcm2836_set_active_ppis(&gic, &cpus[0], timers, false); /* put */
    assert_int_equal(chip.timer_control[0], CNTV | CNTPNS | CNTHP);
    hv_bcm2836_set_active_ppis(&gic, &cpus[1], 1U << 27, true); /* load */
    assert_int_equal(chip.timer_control[1], CNTPNS | CNTHP);
    chip.timer_lines[1] = CNTV;
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[1]), HV_GIC_SPURIOUS);
}

static void disabled_and_active_are_two_things(void **state)
{
    (void)state;
    hv_bcm2836_enable(&gic, &cpus[0], 27, true);
    chip.timer_lines[0] = CNTV;
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), 27);
    hv_bcm2836_enable(&gic, &cpus[0], 27, false);
    hv_bcm2836_set_active_ppis(&gic, &cpus[0], 1U << 27, false);
    assert_int_equal(chip.timer_control[0], 0);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), HV_GIC_SPURIOUS);
    hv_bcm2836_enable(&gic, &cpus[0], 27, true);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), 27);
}

static void each_device_interrupts_the_boot_cpu_by_its_number(void **state)
{
    (void)state;
    for (uint32_t spi = 0; spi < 72U; spi++) {
        memset(chip.lines, 0, sizeof(chip.lines));
        chip.lines[spi / 32U] = 1U << (spi % 32U);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), HV_GIC_SPURIOUS);
        hv_bcm2836_enable(&gic, &cpus[0], 32U + spi, true);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[1]), HV_GIC_SPURIOUS);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), 32U + spi);
        hv_bcm2836_enable(&gic, &cpus[0], 32U + spi, false);
        assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), HV_GIC_SPURIOUS);
    }
}

static void numbers_that_nothing_has_write_nothing(void **state)
{
    (void)state;
    hv_bcm2836_enable(&gic, &cpus[0], 32U + 72U, true);
    hv_bcm2836_enable(&gic, &cpus[0], 1023, true);
    hv_bcm2836_enable(&gic, &cpus[0], 25, true);
    for (uint32_t w = 0; w < 3U; w++) {
        assert_int_equal(chip.enable[w], 0);
    }
    assert_int_equal(chip.timer_control[0], 0);
}

static void the_boot_cpu_may_be_any(void **state)
{
    (void)state;
    hv_bcm2836_init_distributor(&gic, &cpus[2]);
    hv_bcm2836_enable(&gic, &cpus[2], 32U + 57U, true);
    chip.lines[1] = 1U << 25;
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[0]), HV_GIC_SPURIOUS);
    assert_int_equal(hv_bcm2836_acknowledge(&gic, &cpus[2]), 32U + 57U);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_pending_at_first),
        TEST(an_sgi_reaches_the_cpu_that_it_is_for_once),
        TEST(two_sgis_to_one_cpu_are_two),
        TEST(a_guests_timer_is_masked_when_it_fires_and_unmasked_when_it_is_deactivated),
        TEST(a_masked_source_that_is_still_seen_is_not_taken_twice),
        TEST(hvs_own_timer_stays_open),
        TEST(the_active_state_moves_with_a_vcpu),
        TEST(disabled_and_active_are_two_things),
        TEST(each_device_interrupts_the_boot_cpu_by_its_number),
        TEST(numbers_that_nothing_has_write_nothing),
        TEST(the_boot_cpu_may_be_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
