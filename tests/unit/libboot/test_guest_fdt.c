/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <unistd.h>

#include <libboot/board.h>
#include <libboot/guest_fdt.h>

#include "fixture.h"

static uint64_t buffer[ASH_BOOT_GUEST_FDT_SIZE / 8U];

static struct ash_boot_guest_machine linux_machine(void)
{
    struct ash_boot_guest_machine machine;

    ash_boot_guest_machine_default(&machine);
    machine.ram[0].size = UINT64_C(0x120000000);
    machine.vcpus = 2;
    machine.bootargs = "console=ttyAMA0 quiet";
    machine.initrd = ash_ipa(0x48000000);
    machine.initrd_size = 0x123456;
    machine.rng_seed.data = "0123456789abcdef0123456789abcdef";
    machine.rng_seed.size = 32;
    machine.has_kaslr_seed = true;
    machine.kaslr_seed = UINT64_C(0x1122334455667788);
    return machine;
}

static size_t write_ok(const struct ash_boot_guest_machine *machine)
{
    size_t used = 0;

    assert_int_equal(ash_boot_guest_fdt_write(machine, buffer, sizeof(buffer), &used), ASH_OK);
    assert_int_equal(used, fdt_totalsize(buffer));
    assert_int_equal(fdt_check_full(buffer, used), 0);
    return used;
}

static void assert_prop(const char *path, const char *name, const void *expected, size_t size)
{
    int at = fdt_path_offset(buffer, path);
    int length = -1;
    const void *value = fdt_getprop(buffer, at, name, &length);

    assert_true(at >= 0);
    assert_non_null(value);
    assert_int_equal(length, size);
    assert_memory_equal(value, expected, size);
}

static void assert_cells_of(const char *path, const char *name, const uint32_t *values, size_t count)
{
    fdt32_t big_endian[32];

    assert_true(count <= 32U);
    for (size_t i = 0; i < count; i++) {
        big_endian[i] = cpu_to_fdt32(values[i]);
    }
    assert_prop(path, name, big_endian, 4U * count);
}

#define assert_cells(path, name, ...)                                                                        \
    assert_cells_of(path, name, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4U)
#define assert_strings(path, name, literal) assert_prop(path, name, literal, sizeof(literal))

static bool has(const char *path, const char *name)
{
    return fdt_getprop(buffer, fdt_path_offset(buffer, path), name, NULL) != NULL;
}

static void linux_finds_its_machine(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();

    (void)state;
    (void)write_ok(&machine);
    assert_cells("/", "#address-cells", 2);
    assert_cells("/", "#size-cells", 2);
    assert_strings("/memory@40000000", "device_type", "memory");
    assert_cells("/memory@40000000", "reg", 0, 0x40000000, 1, 0x20000000);
    assert_strings("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2");
    assert_strings("/psci", "method", "hvc");
    assert_strings("/cpus/cpu@0", "enable-method", "psci");
    assert_cells("/cpus/cpu@1", "reg", 0, 1);
    assert_true(fdt_path_offset(buffer, "/cpus/cpu@2") < 0);
    assert_strings("/timer", "compatible", "arm,armv8-timer");
    assert_cells("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
    assert_int_equal(fdt_num_mem_rsv(buffer), 0);
}

static void the_devices_are_where_virt_has_them(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    uint32_t gic;
    uint32_t clock;

    (void)state;
    (void)write_ok(&machine);
    gic = fdt_get_phandle(buffer, fdt_path_offset(buffer, "/intc@8000000"));
    clock = fdt_get_phandle(buffer, fdt_path_offset(buffer, "/apb-pclk"));
    assert_int_not_equal(gic, 0);
    assert_int_not_equal(clock, 0);
    assert_int_not_equal(gic, clock);
    assert_cells("/", "interrupt-parent", gic);
    assert_strings("/intc@8000000", "compatible", "arm,gic-v3");
    assert_cells("/intc@8000000", "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0x40000);
    assert_cells("/intc@8000000", "#interrupt-cells", 3);
    assert_strings("/pl011@9000000", "compatible", "arm,pl011\0arm,primecell");
    assert_cells("/pl011@9000000", "reg", 0, 0x09000000, 0, 0x1000);
    assert_cells("/pl011@9000000", "interrupts", 0, 1, 4);
    assert_cells("/pl011@9000000", "clocks", clock, clock);
    assert_strings("/pl011@9000000", "clock-names", "uartclk\0apb_pclk");
    assert_strings("/pl031@9010000", "compatible", "arm,pl031\0arm,primecell");
    assert_cells("/pl031@9010000", "reg", 0, 0x09010000, 0, 0x1000);
    assert_cells("/pl031@9010000", "interrupts", 0, 2, 4);
    assert_cells("/pl031@9010000", "clocks", clock);
    assert_strings("/apb-pclk", "compatible", "fixed-clock");
    assert_cells("/apb-pclk", "clock-frequency", 24000000);
}

static void the_power_key_is_a_pin_of_the_gpio_as_virt_has_it(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    uint32_t gpio;

    (void)state;
    (void)write_ok(&machine);
    gpio = fdt_get_phandle(buffer, fdt_path_offset(buffer, "/pl061@9030000"));
    assert_int_not_equal(gpio, 0);
    assert_int_not_equal(gpio, fdt_get_phandle(buffer, fdt_path_offset(buffer, "/intc@8000000")));
    assert_int_not_equal(gpio, fdt_get_phandle(buffer, fdt_path_offset(buffer, "/apb-pclk")));
    assert_strings("/pl061@9030000", "compatible", "arm,pl061\0arm,primecell");
    assert_cells("/pl061@9030000", "reg", 0, 0x09030000, 0, 0x1000);
    assert_cells("/pl061@9030000", "interrupts", 0, 7, 4);
    assert_cells("/pl061@9030000", "#gpio-cells", 2);
    assert_true(has("/pl061@9030000", "gpio-controller"));
    assert_cells("/pl061@9030000", "clocks", fdt_get_phandle(buffer, fdt_path_offset(buffer, "/apb-pclk")));
    assert_strings("/pl061@9030000", "clock-names", "apb_pclk");
    assert_strings("/gpio-keys", "compatible", "gpio-keys");
    assert_strings("/gpio-keys/poweroff", "label", "GPIO Key Poweroff");
    assert_cells("/gpio-keys/poweroff", "linux,code", 116);
    assert_cells("/gpio-keys/poweroff", "gpios", gpio, 3, 0);
    machine.gpio.size = 0;
    (void)write_ok(&machine);
    assert_true(fdt_path_offset(buffer, "/pl061") < 0);
    assert_true(fdt_path_offset(buffer, "/gpio-keys") < 0);
}

static void the_watchdog_has_its_two_clocks(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    uint32_t clock;

    (void)state;
    (void)write_ok(&machine);
    clock = fdt_get_phandle(buffer, fdt_path_offset(buffer, "/apb-pclk"));
    assert_strings("/watchdog@90f0000", "compatible", "arm,sp805\0arm,primecell");
    assert_cells("/watchdog@90f0000", "reg", 0, 0x090F0000, 0, 0x1000);
    assert_cells("/watchdog@90f0000", "interrupts", 0, 10, 4);
    assert_cells("/watchdog@90f0000", "clocks", clock, clock);
    assert_strings("/watchdog@90f0000", "clock-names", "wdog_clk\0apb_pclk");
    machine.wdog.size = 0;
    (void)write_ok(&machine);
    assert_true(fdt_path_offset(buffer, "/watchdog") < 0);
}

static void virtio_devices_stand_where_virt_has_them(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();

    (void)state;
    (void)write_ok(&machine);
    assert_true(fdt_path_offset(buffer, "/virtio_mmio") < 0);
    ash_boot_guest_machine_virtio(&machine, 2);
    (void)write_ok(&machine);
    assert_strings("/virtio_mmio@a000000", "compatible", "virtio,mmio");
    assert_cells("/virtio_mmio@a000000", "reg", 0, 0x0A000000, 0, 0x200);
    assert_cells("/virtio_mmio@a000000", "interrupts", 0, 16, 4);
    assert_true(has("/virtio_mmio@a000000", "dma-coherent"));
    assert_cells("/virtio_mmio@a000200", "reg", 0, 0x0A000200, 0, 0x200);
    assert_cells("/virtio_mmio@a000200", "interrupts", 0, 17, 4);
    assert_true(fdt_path_offset(buffer, "/virtio_mmio@a000400") < 0);
    machine.virtio_count = ASH_BOOT_VIRTIO_MAX + 1U;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &(size_t){0}), ASH_EINVAL);
}

static void chosen_holds_what_was_asked_for_and_no_more(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();

    (void)state;
    (void)write_ok(&machine);
    assert_strings("/chosen", "stdout-path", "/pl011@9000000");
    assert_strings("/chosen", "bootargs", "console=ttyAMA0 quiet");
    assert_cells("/chosen", "linux,initrd-start", 0, 0x48000000);
    assert_cells("/chosen", "linux,initrd-end", 0, 0x48123456);
    assert_prop("/chosen", "rng-seed", "0123456789abcdef0123456789abcdef", 32);
    assert_cells("/chosen", "kaslr-seed", 0x11223344, 0x55667788);
    ash_boot_guest_machine_default(&machine);
    machine.ram[0].size = 0x200000;
    (void)write_ok(&machine);
    assert_false(has("/chosen", "bootargs"));
    assert_false(has("/chosen", "linux,initrd-start"));
    assert_false(has("/chosen", "linux,initrd-end"));
    assert_false(has("/chosen", "rng-seed"));
    assert_false(has("/chosen", "kaslr-seed"));
}

static void the_numbers_come_from_the_machine(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();

    (void)state;
    machine.ram[0].base = ash_ipa(UINT64_C(0x880000000));
    machine.gicd = ash_ipa(0x2F000000);
    machine.gicr = ash_ipa(0x2F100000);
    machine.uart.base = ash_ipa(0x1C090000);
    machine.uart.spi = 5;
    machine.rtc.size = 0;
    machine.mpidr[1] = UINT64_C(0x100000100);
    machine.timer_virtual_ppi = 9;
    machine.clock_hz = 1000;
    (void)write_ok(&machine);
    assert_cells("/memory@880000000", "reg", 8, 0x80000000, 1, 0x20000000);
    assert_cells("/intc@2f000000", "reg", 0, 0x2F000000, 0, 0x10000, 0, 0x2F100000, 0, 0x40000);
    assert_cells("/pl011@1c090000", "interrupts", 0, 5, 4);
    assert_strings("/chosen", "stdout-path", "/pl011@1c090000");
    assert_true(fdt_path_offset(buffer, "/pl031") < 0);
    assert_cells("/cpus/cpu@100000100", "reg", 1, 0x100);
    assert_cells("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 9, 4, 1, 10, 4);
    assert_cells("/apb-pclk", "clock-frequency", 1000);
    machine.uart.size = 0;
    (void)write_ok(&machine);
    assert_false(has("/chosen", "stdout-path"));
    assert_true(fdt_path_offset(buffer, "/pl011") < 0);
}

static void the_same_machine_gives_the_same_bytes(void **state)
{
    static uint64_t other[ASH_BOOT_GUEST_FDT_SIZE / 8U];
    struct ash_boot_guest_machine machine = linux_machine();
    size_t used;
    size_t again = 0;

    (void)state;
    memset(buffer, 0x00, sizeof(buffer));
    used = write_ok(&machine);
    memset(other, 0xA5, sizeof(other));
    assert_int_equal(ash_boot_guest_fdt_write(&machine, other, sizeof(other), &again), ASH_OK);
    assert_int_equal(again, used);
    assert_memory_equal(other, buffer, used);
    memset(other, 0x5A, sizeof(other));
    assert_int_equal(ash_boot_guest_fdt_write(&machine, other, 4096, &again),
                     ASH_OK); /* its size is no input */
    assert_int_equal(again, used);
    assert_memory_equal(other, buffer, used);
    machine.kaslr_seed++;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, other, sizeof(other), &again), ASH_OK);
    assert_memory_not_equal(other, buffer, used);
}

static void every_buffer_that_is_too_small_is_said_so(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    size_t used = write_ok(&machine);
    size_t shortest = 0;

    (void)state;
    for (size_t size = 0; size <= used + 64U; size++) {
        size_t written = 4711;
        uint64_t *exact = malloc(size != 0U ? size : 1U);
        int result;

        assert_non_null(exact);
        result = ash_boot_guest_fdt_write(&machine, exact, size, &written);
        if (result == ASH_OK) {
            assert_int_equal(written, used);
            assert_memory_equal(exact, buffer, used);
            shortest = shortest == 0U ? size : shortest;
        } else {
            assert_int_equal(result, ASH_ENOSPC);
            assert_int_equal(written, 4711);
            assert_int_equal(shortest, 0);
        }
        free(exact);
    }
    assert_true(shortest >= used && shortest <= used + 64U);
}

static void the_documented_size_is_enough_for_the_largest_guest(void **state)
{
    char bootargs[ASH_BOOT_BOOTARGS_SIZE];
    static const uint8_t seed[ASH_BOOT_RNG_SEED_MAX];
    struct ash_boot_guest_machine machine = linux_machine();

    (void)state;
    memset(bootargs, 'x', sizeof(bootargs));
    bootargs[sizeof(bootargs) - 1U] = '\0';
    machine.bootargs = bootargs;
    machine.vcpus = ASH_BOOT_VCPUS_MAX;
    machine.rng_seed.data = seed;
    machine.rng_seed.size = sizeof(seed);
    for (unsigned i = 0; i < ASH_BOOT_VCPUS_MAX; i++) {
        machine.mpidr[i] = UINT64_C(0xFF00FFFF00) + i;
    }
    machine.ram_count = ASH_BOOT_MEMORY_MAX;
    for (unsigned i = 0; i < ASH_BOOT_MEMORY_MAX; i++) {
        machine.ram[i] = (struct ash_boot_guest_ram){ash_ipa(UINT64_C(0xFFFFFFFF00000) + i), UINT64_MAX};
    }
    machine.uart.base = ash_ipa(UINT64_C(0xFFFFFFFF00000));
    ash_boot_guest_machine_virtio(&machine, ASH_BOOT_VIRTIO_MAX);
    (void)write_ok(&machine);
}

static void each_range_of_ram_is_a_memory_node(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();

    (void)state;
    machine.ram_count = 3;
    machine.ram[0] = (struct ash_boot_guest_ram){ash_ipa(0x40000000), 0x200000};
    machine.ram[1] =
        (struct ash_boot_guest_ram){ash_ipa(0x40200000), 0x400000}; /* adjoins, and is not joined */
    machine.ram[2] = (struct ash_boot_guest_ram){ash_ipa(UINT64_C(0x880000000)), 0x200000};
    (void)write_ok(&machine);
    assert_cells("/memory@40000000", "reg", 0, 0x40000000, 0, 0x200000);
    assert_cells("/memory@40200000", "reg", 0, 0x40200000, 0, 0x400000);
    assert_cells("/memory@880000000", "reg", 8, 0x80000000, 0, 0x200000);
    assert_strings("/memory@880000000", "device_type", "memory");
}

static void impossible_machines_are_refused(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    size_t used = 4711;

    (void)state;
    machine.vcpus = 0;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    machine.vcpus = ASH_BOOT_VCPUS_MAX + 1U;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    machine.vcpus = 1;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, (uint8_t *)buffer + 4, 4096, &used), ASH_EINVAL);
    machine.ram[0].size = 0;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    machine.ram[0].size = 4096;
    machine.ram_count = 0;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    machine.ram_count = 2; /* the second has no size */
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    machine.ram_count = ASH_BOOT_MEMORY_MAX + 1U;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    assert_int_equal(used, 4711);
}

static void our_own_board_reader_understands_it(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    struct ash_boot_board board;
    struct ash_boot_fault fault;
    size_t used = write_ok(&machine);

    (void)state;
    assert_int_equal(ash_boot_board_read(&board, buffer, used, &fault), ASH_OK);
    assert_int_equal(board.cpu_count, 2);
    assert_int_equal(board.psci, ASH_BOOT_PSCI_HVC);
    assert_int_equal(board.gic, ASH_BOOT_GIC_V3);
    assert_int_equal(board.gicr[0].size, 0x40000);
    assert_int_equal(board.timer[ASH_BOOT_TIMER_VIRTUAL].intid, 27);
    assert_int_equal(board.console, ASH_BOOT_UART_PL011);
    assert_int_equal(board.console_interrupt.intid, 33);
    assert_int_equal(board.rtc.base.value, 0x09010000);
    assert_int_equal(board.initrd.size, 0x123456);
}

static void a_gicv2_has_an_interface_and_says_which_cpus_have_the_timers(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    struct ash_boot_board board;
    struct ash_boot_fault fault;
    size_t used;

    (void)state;
    ash_boot_guest_machine_gicv2(&machine);
    used = write_ok(&machine);
    assert_strings("/intc@8000000", "compatible", "arm,cortex-a15-gic");
    assert_cells("/intc@8000000", "reg", 0, 0x08000000, 0, 0x1000, 0, 0x08010000, 0, 0x2000);
    assert_cells("/timer", "interrupts", 1, 13, 0x304, 1, 14, 0x304, 1, 11, 0x304, 1, 10, 0x304);
    assert_cells("/pl011@9000000", "interrupts", 0, 1, 4);
    assert_int_equal(ash_boot_board_read(&board, buffer, used, &fault), ASH_OK);
    assert_int_equal(board.gic, ASH_BOOT_GIC_V2);
    assert_int_equal(board.gicc.base.value, 0x08010000);
    assert_int_equal(board.timer[ASH_BOOT_TIMER_VIRTUAL].intid, 27);
}

static void a_gic_of_another_version_is_refused(void **state)
{
    struct ash_boot_guest_machine machine = linux_machine();
    size_t used = 4711;

    (void)state;
    machine.gic_version = 4;
    assert_int_equal(ash_boot_guest_fdt_write(&machine, buffer, sizeof(buffer), &used), ASH_EINVAL);
    assert_int_equal(used, 4711);
}

/** dtc knows the specification and the common bindings better than a test could repeat them. */
static void dtc_reads_it_without_a_warning(void **state)
{
#ifdef ASHLAR_DTC
    struct ash_boot_guest_machine machine = linux_machine();
    char name[] = "/tmp/ashlar-guest-fdt-XXXXXX";
    char command[256];
    char said[512] = "";
    size_t used = write_ok(&machine);
    int file = mkstemp(name);
    FILE *dtc;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, buffer, used), used);
    close(file);
    snprintf(command, sizeof(command), "%s -I dtb -O dts -o /dev/null %s 2>&1", ASHLAR_DTC, name);
    dtc = popen(command, "r");
    assert_non_null(dtc);
    (void)fread(said, 1, sizeof(said) - 1U, dtc);
    assert_int_equal(pclose(dtc), 0);
    unlink(name);
    assert_string_equal(said, "");
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_finds_its_machine),
        cmocka_unit_test(the_devices_are_where_virt_has_them),
        cmocka_unit_test(the_power_key_is_a_pin_of_the_gpio_as_virt_has_it),
        cmocka_unit_test(the_watchdog_has_its_two_clocks),
        cmocka_unit_test(virtio_devices_stand_where_virt_has_them),
        cmocka_unit_test(chosen_holds_what_was_asked_for_and_no_more),
        cmocka_unit_test(the_numbers_come_from_the_machine),
        cmocka_unit_test(the_same_machine_gives_the_same_bytes),
        cmocka_unit_test(every_buffer_that_is_too_small_is_said_so),
        cmocka_unit_test(the_documented_size_is_enough_for_the_largest_guest),
        cmocka_unit_test(each_range_of_ram_is_a_memory_node),
        cmocka_unit_test(impossible_machines_are_refused),
        cmocka_unit_test(our_own_board_reader_understands_it),
        cmocka_unit_test(a_gicv2_has_an_interface_and_says_which_cpus_have_the_timers),
        cmocka_unit_test(a_gic_of_another_version_is_refused),
        cmocka_unit_test(dtc_reads_it_without_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
