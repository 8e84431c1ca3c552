/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated devices in time: the power key. Each under many seeds. */
#include <string.h>

#include <libvcpu/psci.h>

#include "arch/arch.h"
#include "rig.h"

#define SEEDS 100U
#define GPIO  39U /* SPI 7 */
#define KEY   3U
#define BIT   (1U << KEY)

/* DDI 0190 3.2, table 3-1. */
enum { GPIODATA = 0x3fc, GPIOIBE = 0x408, GPIOIE = 0x410, GPIOIC = 0x41c };

static struct sim sim;

static void under_seeds(const char *name, void (*test)(uint64_t seed))
{
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, name);

    for (unsigned i = 0; i < SEEDS; i++) {
        test(first + 2U * i);
    }
}

static uint32_t gpio(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t offset)
{
    return sim_device(cpu, vcpu, vcpu->vm->machine.layout.gpio.base.value + offset, false, 0);
}

static void set_gpio(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t offset, uint32_t value)
{
    (void)sim_device(cpu, vcpu, vcpu->vm->machine.layout.gpio.base.value + offset, true, value);
}

/* ---- The power key ----------------------------------------------------------------------------------------------- */

static struct {
    bool is_ready; /* the guest waits for the key */
    bool is_lazy;  /* it does not look at the key for a second */
    uint64_t at;   /* when it was pressed, and how often */
    unsigned count;
    unsigned downs, ups;
    uint64_t held;
} key;

static enum hv_verdict off(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0, 0);
}

static enum hv_verdict wait_for_the_key(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t gicd = vcpu->vm->machine.layout.gicd.value;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        (void)sim_device(cpu, vcpu, gicd + 0x084U, true, ~0U);                /* GICD_IGROUPR1 */
        (void)sim_device(cpu, vcpu, gicd + 0x104U, true, 1U << (GPIO - 32U)); /* GICD_ISENABLER1 */
        set_gpio(cpu, vcpu, GPIOIBE, BIT);
        set_gpio(cpu, vcpu, GPIOIE, BIT);
        key.is_ready = true;
    } else if (key.is_lazy && key.count != 0U && hv_arch_ticks() - key.at < 1000000U) {
        return HV_RESUME;
    } else if (sim_acknowledge(cpu, vcpu) == GPIO) {
        bool is_down = (gpio(cpu, vcpu, GPIODATA) & BIT) != 0U;

        set_gpio(cpu, vcpu, GPIOIC, BIT);
        key.downs += is_down ? 1U : 0U;
        key.ups += is_down ? 0U : 1U;
        key.held = hv_arch_ticks() - key.at;
    }
    return key.ups != 0U ? off(cpu, vcpu) : sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
}

static enum hv_verdict press(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    if (sim_is(vcpu, "pressed")) {
        return wait_for_the_key(cpu, vcpu, round);
    }
    if (key.is_ready && key.count == 0U) {
        key.count++;
        key.at = hv_arch_ticks();
        hv_machine_press_power(cpu, vcpu->vm->hv->vm[0]);
    }
    return key.ups != 0U ? off(cpu, vcpu) : HV_RESUME;
}

static void run_press(uint64_t seed)
{
    static const struct sim_vm vms[] = {{.name = "pressed", .vcpus = 1, .memory = 2U * SIM_MIB},
                                        {.name = "presses", .vcpus = 1, .memory = 2U * SIM_MIB}};
    bool is_lazy = key.is_lazy;

    memset(&key, 0, sizeof(key));
    key.is_lazy = is_lazy;
    sim_board(&sim, 1U + (unsigned)(seed / 2U % 2U), vms, 2); /* shared, or each its own */
    sim_run(&sim, press, seed);
    sim_assert_exit(&sim, "ok", NULL);
    assert_int_equal(key.downs, 1);
    assert_int_equal(key.ups, 1);
}

static void a_pressed_key_wakes_its_vm_and_comes_up_again(void **state)
{
    (void)state;
    key.is_lazy = false;
    under_seeds("key", run_press);
    assert_true(key.held >= 200000U && key.held < 1000000U);
}

static void a_guest_that_is_late_still_finds_the_key_down(void **state)
{
    (void)state;
    key.is_lazy = true;
    under_seeds("late", run_press);
    assert_true(key.held >= 1000000U && key.held < 2000000U);
}

static enum hv_verdict ignore(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        set_gpio(cpu, vcpu, GPIOIBE, BIT);
        set_gpio(cpu, vcpu, GPIOIE, BIT);
        key.at = hv_arch_ticks();
        hv_machine_press_power(cpu, vcpu->vm);
    }
    if ((gpio(cpu, vcpu, GPIODATA) & BIT) != 0U) {
        return HV_RESUME;
    }
    key.held = hv_arch_ticks() - key.at;
    return off(cpu, vcpu);
}

static void nobody_holds_the_key_for_ever(void **state)
{
    static const struct sim_vm vm = {.name = "ignores", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, ignore, 1);
    assert_true(key.held >= 4800000U && key.held < 5500000U);
}

static enum hv_verdict reset_while_pressed(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round > 0U) {
        return HV_RESUME;
    }
    assert_int_equal(gpio(cpu, vcpu, GPIODATA), 0);
    assert_true(hv_machine_alarm_time(vcpu->vm) == UINT64_MAX);
    if (vcpu->life > 1U) {
        return off(cpu, vcpu);
    }
    hv_machine_press_power(cpu, vcpu->vm);
    assert_int_equal(gpio(cpu, vcpu, GPIODATA), BIT);
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
}

static void a_reset_finds_the_key_up(void **state)
{
    static const struct sim_vm vm = {.name = "resets", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, reset_while_pressed, 1);
    assert_int_equal(sim_count(&sim, "resets resets"), 1);
    sim_assert_exit(&sim, "ok", "resets");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pressed_key_wakes_its_vm_and_comes_up_again),
        cmocka_unit_test(a_guest_that_is_late_still_finds_the_key_down),
        cmocka_unit_test(nobody_holds_the_key_for_ever),
        cmocka_unit_test(a_reset_finds_the_key_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
