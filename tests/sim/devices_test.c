/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated devices in time: the power key, the watchdog. Each under many seeds. */
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
    return key.ups != 0U ? sim_off(cpu, vcpu) : sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
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
    return key.ups != 0U ? sim_off(cpu, vcpu) : HV_RESUME;
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
    sim_under_seeds("key", SEEDS, run_press);
    assert_true(key.held >= 200000U && key.held < 1000000U);
}

static void a_guest_that_is_late_still_finds_the_key_down(void **state)
{
    (void)state;
    key.is_lazy = true;
    sim_under_seeds("late", SEEDS, run_press);
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
    return sim_off(cpu, vcpu);
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
        return sim_off(cpu, vcpu);
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

/* ---- The watchdog ------------------------------------------------------------------------------------------------ */

#define DOG 42U /* SPI 10 */

/* DDI 0270 3.2, table 3-1. WDOGCLK has 24 MHz. */
enum { WDOGLOAD = 0x00, WDOGCONTROL = 0x08, WDOGINTCLR = 0x0c };
#define DOG_MS    24000U
#define DOG_LOAD  (100U * DOG_MS)
#define TICKS_100 100000U /* as many of the simulation's */

static struct {
    unsigned kicks; /* how often it is kicked */
    bool sleeps;    /* it waits for the dog's interrupt, else it spins */
    bool resets;
    bool freezes;
    unsigned woken;
    uint64_t last, over;
} dog;

static void set_dog(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t offset, uint32_t value)
{
    (void)sim_device(cpu, vcpu, vcpu->vm->machine.layout.wdog.base.value + offset, true, value);
}

static void let_the_dog_loose(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint64_t gicd = vcpu->vm->machine.layout.gicd.value;

    sim_gic_enable(cpu, vcpu);
    (void)sim_device(cpu, vcpu, gicd + 0x084U, true, ~0U);               /* GICD_IGROUPR1 */
    (void)sim_device(cpu, vcpu, gicd + 0x104U, true, 1U << (DOG - 32U)); /* GICD_ISENABLER1 */
    dog.last = hv_arch_ticks();
    set_dog(cpu, vcpu, WDOGLOAD, DOG_LOAD);
    set_dog(cpu, vcpu, WDOGCONTROL, 3);
}

static enum hv_verdict keep_a_dog(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "other")) {
        return round < 100U ? HV_RESUME : sim_off(cpu, vcpu);
    }
    if (round == 0U) {
        if (vcpu->life > 1U) {
            return sim_off(cpu, vcpu); /* after a reset: nothing is loose */
        }
        let_the_dog_loose(cpu, vcpu);
        if (dog.resets) {
            return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
        }
    }
    dog.over = hv_arch_ticks();
    if (dog.sleeps && sim_acknowledge(cpu, vcpu) == DOG) {
        dog.woken++;
        assert_true(dog.over - dog.last >= TICKS_100);
        if (dog.kicks > 0U && --dog.kicks > 0U) {
            dog.last = hv_arch_ticks();
            set_dog(cpu, vcpu, WDOGINTCLR, 1);
        } else {
            dog.sleeps = false; /* its line stays high */
        }
    }
    return dog.sleeps ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0) : HV_RESUME;
}

static void run_dog(uint64_t seed, unsigned kicks, bool sleeps)
{
    static const struct sim_vm vms[] = {{.name = "keeper", .vcpus = 1, .memory = 2U * SIM_MIB},
                                        {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB}};

    memset(&dog, 0, sizeof(dog));
    dog.kicks = kicks;
    dog.sleeps = sleeps;
    sim_board(&sim, 1U + (unsigned)(seed / 2U % 2U), vms, 2);
    sim_run(&sim, keep_a_dog, seed);
    assert_int_equal(sim_count(&sim, "keeper: its watchdog expired"), 1);
    assert_int_equal(sim_count(&sim, "other: its watchdog expired"), 0);
    sim_assert_exit(&sim, "vm-fault", "keeper");
    assert_true(dog.over - dog.last >= 2U * TICKS_100 - 5000U &&
                dog.over - dog.last < 2U * TICKS_100 + 5000U);
}

static void run_a_dog_that_is_not_kicked(uint64_t seed)
{
    run_dog(seed, 0, true);
    assert_int_equal(dog.woken, 1);
    run_dog(seed, 0, false);
}

static void a_watchdog_stops_a_vm_that_does_not_kick_it(void **state)
{
    (void)state;
    sim_under_seeds("dog", SEEDS, run_a_dog_that_is_not_kicked);
}

static void run_a_dog_that_is_kicked(uint64_t seed)
{
    run_dog(seed, 5, true);
    assert_int_equal(dog.woken, 5);
}

static void a_watchdog_that_is_kicked_waits_for_the_next_kick(void **state)
{
    (void)state;
    sim_under_seeds("kicks", SEEDS, run_a_dog_that_is_kicked);
}

static void a_reset_ties_the_dog_up(void **state)
{
    static const struct sim_vm vm = {.name = "keeper", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    memset(&dog, 0, sizeof(dog));
    dog.resets = true;
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, keep_a_dog, 1);
    sim_assert_exit(&sim, "ok", "keeper");
}

static enum hv_verdict keep_a_frozen_dog(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        let_the_dog_loose(cpu, vcpu);
        hv_machine_freeze(cpu, vcpu->vm);
        assert_true(hv_machine_alarm_time(vcpu->vm) == UINT64_MAX);
    }
    if (!dog.freezes && hv_arch_ticks() - dog.last > 10U * TICKS_100) {
        dog.freezes = true;
        dog.last = hv_arch_ticks();
        hv_machine_alarm(cpu, vcpu->vm);
        hv_machine_thaw(cpu, vcpu->vm);
        hv_machine_thaw(cpu, vcpu->vm);
    }
    dog.over = hv_arch_ticks();
    return HV_RESUME;
}

static void time_while_its_vm_is_frozen_does_not_count_for_the_dog(void **state)
{
    static const struct sim_vm vm = {.name = "keeper", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    memset(&dog, 0, sizeof(dog));
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, keep_a_frozen_dog, 1);
    assert_true(dog.freezes);
    sim_assert_exit(&sim, "vm-fault", "keeper");
    assert_true(dog.over - dog.last >= 2U * TICKS_100 - 5000U &&
                dog.over - dog.last < 2U * TICKS_100 + 5000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pressed_key_wakes_its_vm_and_comes_up_again),
        cmocka_unit_test(a_guest_that_is_late_still_finds_the_key_down),
        cmocka_unit_test(nobody_holds_the_key_for_ever),
        cmocka_unit_test(a_reset_finds_the_key_up),
        cmocka_unit_test(a_watchdog_stops_a_vm_that_does_not_kick_it),
        cmocka_unit_test(a_watchdog_that_is_kicked_waits_for_the_next_kick),
        cmocka_unit_test(a_reset_ties_the_dog_up),
        cmocka_unit_test(time_while_its_vm_is_frozen_does_not_count_for_the_dog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
