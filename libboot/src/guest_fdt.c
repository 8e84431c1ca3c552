/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/mem.h>

#include <libboot/guest_fdt.h>

#include "internal.h"

#define PHANDLE_GIC   1U
#define PHANDLE_CLOCK 2U
#define PHANDLE_GPIO  3U

/* Bindings arm,gic-v3.yaml: the cells of an interrupt. */
#define GIC_SPI        0U
#define GIC_PPI        1U
#define LEVEL_HIGH     4U
#define NODE_NAME_SIZE 32U

#define KEY_POWER 116U /* binding input/linux,code */

/** libfdt's writer with the first error kept: every step after it does nothing. */
struct writer {
    void *tree;
    int error; /* 0 or -FDT_ERR_* */
};

static void note(struct writer *w, int result)
{
    if (w->error == 0) {
        w->error = result;
    }
}

static void begin_node(struct writer *w, const char *name)
{
    if (w->error == 0) {
        note(w, fdt_begin_node(w->tree, name));
    }
}

/** lead + "@" + @address as a unit address is written: hexadecimal without 0x. */
static void unit_name(char text[NODE_NAME_SIZE], const char *lead, uint64_t address)
{
    struct ash_boot_text_ writer;

    ash_boot_text_begin_(&writer, text, NODE_NAME_SIZE);
    ash_boot_text_literal_(&writer, lead);
    ash_boot_text_char_(&writer, '@');
    ash_boot_text_hex_(&writer, address);
}

static void begin_node_at(struct writer *w, const char *name, uint64_t address)
{
    char text[NODE_NAME_SIZE];

    unit_name(text, name, address);
    begin_node(w, text);
}

static void end_node(struct writer *w)
{
    if (w->error == 0) {
        note(w, fdt_end_node(w->tree));
    }
}

static void put_bytes(struct writer *w, const char *name, const void *data, size_t size)
{
    if (w->error == 0) {
        note(w, size <= INT32_MAX ? fdt_property(w->tree, name, data, (int)size) : -FDT_ERR_NOSPACE);
    }
}

static void put_flag(struct writer *w, const char *name)
{
    put_bytes(w, name, "", 0);
}

static void put_string(struct writer *w, const char *name, const char *string)
{
    put_bytes(w, name, string, ash_boot_string_length_(string) + 1U);
}

/** A list of strings: a literal with NULs between them; sizeof counts the last one. */
#define put_strings(w, name, literal) put_bytes(w, name, literal, sizeof(literal))

static void put_cells(struct writer *w, const char *name, const uint32_t *cells, unsigned count)
{
    fdt32_t big_endian[16];

    for (unsigned i = 0; i < count; i++) {
        big_endian[i] = cpu_to_fdt32(cells[i]);
    }
    put_bytes(w, name, big_endian, sizeof(big_endian[0]) * count);
}

static void put_cell(struct writer *w, const char *name, uint32_t cell)
{
    put_cells(w, name, &cell, 1);
}

static void put_u64(struct writer *w, const char *name, uint64_t value)
{
    const uint32_t cells[] = {(uint32_t)(value >> 32), (uint32_t)value};

    put_cells(w, name, cells, ASH_ARRAY_SIZE(cells));
}

static void put_reg(struct writer *w, uint64_t base, uint64_t size)
{
    const uint32_t cells[] = {(uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size};

    put_cells(w, "reg", cells, ASH_ARRAY_SIZE(cells));
}

static void write_chosen(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    begin_node(w, "chosen");
    if (machine->uart.size != 0U) {
        char path[NODE_NAME_SIZE];

        unit_name(path, "/pl011", machine->uart.base.value);
        put_string(w, "stdout-path", path);
    }
    if (machine->bootargs != NULL) {
        put_string(w, "bootargs", machine->bootargs);
    }
    if (machine->initrd_size != 0U) {
        put_u64(w, "linux,initrd-start", machine->initrd.value);
        put_u64(w, "linux,initrd-end", machine->initrd.value + machine->initrd_size);
    }
    if (machine->rng_seed.size != 0U) {
        put_bytes(w, "rng-seed", machine->rng_seed.data, machine->rng_seed.size);
    }
    if (machine->has_kaslr_seed) {
        put_u64(w, "kaslr-seed", machine->kaslr_seed);
    }
    end_node(w);
}

static void write_memory(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    for (unsigned i = 0; i < machine->ram_count; i++) {
        begin_node_at(w, "memory", machine->ram[i].base.value);
        put_string(w, "device_type", "memory");
        put_reg(w, machine->ram[i].base.value, machine->ram[i].size);
        end_node(w);
    }
}

static void write_cpus(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    begin_node(w, "cpus");
    put_cell(w, "#address-cells", 2); /* MPIDR_EL1.Aff3 needs the second */
    put_cell(w, "#size-cells", 0);
    for (unsigned i = 0; i < machine->vcpus; i++) {
        begin_node_at(w, "cpu", machine->mpidr[i]);
        put_string(w, "device_type", "cpu");
        put_string(w, "compatible", "arm,armv8");
        put_u64(w, "reg", machine->mpidr[i]);
        put_string(w, "enable-method", "psci");
        end_node(w);
    }
    end_node(w);
}

static void write_psci(struct writer *w)
{
    begin_node(w, "psci");
    put_strings(w, "compatible", "arm,psci-1.0\0arm,psci-0.2");
    put_string(w, "method", "hvc");
    end_node(w);
}

static void write_gic(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    bool v3 = machine->gic_version == 3U;
    const uint64_t ranges[] = {machine->gicd.value, machine->gicd_size,
                               v3 ? machine->gicr.value : machine->gicc.value,
                               v3 ? machine->gicr_size_per_vcpu * machine->vcpus : machine->gicc_size};
    uint32_t reg[2U * ASH_ARRAY_SIZE(ranges)];

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(ranges); i++) {
        reg[2U * i] = (uint32_t)(ranges[i] >> 32);
        reg[2U * i + 1U] = (uint32_t)ranges[i];
    }
    begin_node_at(w, "intc", machine->gicd.value);
    put_string(w, "compatible", v3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
    put_cells(w, "reg", reg, ASH_ARRAY_SIZE(reg));
    put_flag(w, "interrupt-controller");
    put_cell(w, "#interrupt-cells", 3);
    put_cell(w, "#address-cells", 0);
    put_cell(w, "phandle", PHANDLE_GIC);
    end_node(w);
}

/** Binding arm,arch_timer.yaml: secure, physical, virtual, hypervisor timer. */
static void write_timer(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    /* Binding arm,gic.yaml: bits 15:8 say which CPUs have the PPI. */
    uint32_t cpus = machine->gic_version == 2U ? ((1U << machine->vcpus) - 1U) << 8 : 0U;
    uint32_t flags = cpus | LEVEL_HIGH;
    const uint32_t cells[] = {
        GIC_PPI, machine->timer_secure_ppi,  flags, GIC_PPI, machine->timer_physical_ppi, flags,
        GIC_PPI, machine->timer_virtual_ppi, flags, GIC_PPI, machine->timer_hyp_ppi,      flags};

    begin_node(w, "timer");
    put_string(w, "compatible", "arm,armv8-timer");
    put_cells(w, "interrupts", cells, ASH_ARRAY_SIZE(cells));
    put_flag(w, "always-on");
    end_node(w);
}

static void write_clock(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    begin_node(w, "apb-pclk");
    put_string(w, "compatible", "fixed-clock");
    put_cell(w, "#clock-cells", 0);
    put_cell(w, "clock-frequency", machine->clock_hz);
    put_string(w, "clock-output-names", "clk24mhz");
    put_cell(w, "phandle", PHANDLE_CLOCK);
    end_node(w);
}

/** What all devices share; the caller adds the clocks and ends the node. */
static void begin_device(struct writer *w, const char *name, const struct ash_boot_guest_device *device)
{
    const uint32_t interrupt[] = {GIC_SPI, device->spi, LEVEL_HIGH};

    begin_node_at(w, name, device->base.value);
    put_reg(w, device->base.value, device->size);
    put_cells(w, "interrupts", interrupt, ASH_ARRAY_SIZE(interrupt));
}

static void write_uart(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    static const uint32_t clocks[] = {PHANDLE_CLOCK, PHANDLE_CLOCK};

    if (machine->uart.size == 0U) {
        return;
    }
    begin_device(w, "pl011", &machine->uart);
    put_strings(w, "compatible", "arm,pl011\0arm,primecell");
    put_cells(w, "clocks", clocks, ASH_ARRAY_SIZE(clocks));
    put_strings(w, "clock-names", "uartclk\0apb_pclk");
    end_node(w);
}

static void write_rtc(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    if (machine->rtc.size == 0U) {
        return;
    }
    begin_device(w, "pl031", &machine->rtc);
    put_strings(w, "compatible", "arm,pl031\0arm,primecell");
    put_cell(w, "clocks", PHANDLE_CLOCK);
    put_string(w, "clock-names", "apb_pclk");
    end_node(w);
}

/** Bindings arm,pl061.yaml, gpio-keys.yaml. */
static void write_gpio(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    const uint32_t pin[] = {PHANDLE_GPIO, machine->power_key, 0}; /* active high */

    if (machine->gpio.size == 0U) {
        return;
    }
    begin_device(w, "pl061", &machine->gpio);
    put_strings(w, "compatible", "arm,pl061\0arm,primecell");
    put_cell(w, "clocks", PHANDLE_CLOCK);
    put_string(w, "clock-names", "apb_pclk");
    put_flag(w, "gpio-controller");
    put_cell(w, "#gpio-cells", 2);
    put_cell(w, "phandle", PHANDLE_GPIO);
    end_node(w);
    begin_node(w, "gpio-keys");
    put_string(w, "compatible", "gpio-keys");
    begin_node(w, "poweroff");
    put_string(w, "label", "GPIO Key Poweroff");
    put_cell(w, "linux,code", KEY_POWER);
    put_cells(w, "gpios", pin, ASH_ARRAY_SIZE(pin));
    end_node(w);
    end_node(w);
}

/** Binding arm,sp805.yaml. */
static void write_wdog(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    static const uint32_t clocks[] = {PHANDLE_CLOCK, PHANDLE_CLOCK};

    if (machine->wdog.size == 0U) {
        return;
    }
    begin_device(w, "watchdog", &machine->wdog);
    put_strings(w, "compatible", "arm,sp805\0arm,primecell");
    put_cells(w, "clocks", clocks, ASH_ARRAY_SIZE(clocks));
    put_strings(w, "clock-names", "wdog_clk\0apb_pclk");
    end_node(w);
}

/** Binding virtio/mmio.yaml. Its memory accesses are hv's, by the guest's own attributes. */
static void write_virtio(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    for (unsigned i = 0; i < machine->virtio_count; i++) {
        begin_device(w, "virtio_mmio", &machine->virtio[i]);
        put_string(w, "compatible", "virtio,mmio");
        put_flag(w, "dma-coherent");
        end_node(w);
    }
}

static void write_root(struct writer *w, const struct ash_boot_guest_machine *machine)
{
    begin_node(w, "");
    put_string(w, "compatible", "linux,dummy-virt");
    put_string(w, "model", "linux,dummy-virt");
    put_cell(w, "#address-cells", 2);
    put_cell(w, "#size-cells", 2);
    put_cell(w, "interrupt-parent", PHANDLE_GIC);
    write_chosen(w, machine);
    write_memory(w, machine);
    write_cpus(w, machine);
    write_psci(w);
    write_gic(w, machine);
    write_timer(w, machine);
    write_clock(w, machine);
    write_uart(w, machine);
    write_rtc(w, machine);
    write_gpio(w, machine);
    write_wdog(w, machine);
    write_virtio(w, machine);
    end_node(w);
}

void ash_boot_guest_machine_default(struct ash_boot_guest_machine *machine)
{
    memset(machine, 0, sizeof(*machine));
    machine->ram_count = 1;
    machine->ram[0].base = ash_ipa(0x40000000);
    machine->vcpus = 1;
    for (unsigned i = 0; i < ASH_BOOT_VCPUS_MAX; i++) {
        machine->mpidr[i] = i;
    }
    machine->gic_version = 3;
    machine->gicd = ash_ipa(0x08000000);
    machine->gicd_size = 0x10000;
    machine->gicr = ash_ipa(0x080A0000);
    machine->gicr_size_per_vcpu = 0x20000;
    machine->timer_secure_ppi = 13;
    machine->timer_physical_ppi = 14;
    machine->timer_virtual_ppi = 11;
    machine->timer_hyp_ppi = 10;
    machine->uart.base = ash_ipa(0x09000000);
    machine->uart.size = 0x1000;
    machine->uart.spi = 1;
    machine->rtc.base = ash_ipa(0x09010000);
    machine->rtc.size = 0x1000;
    machine->rtc.spi = 2;
    machine->gpio.base = ash_ipa(0x09030000);
    machine->gpio.size = 0x1000;
    machine->gpio.spi = 7;
    machine->power_key = 3;
    machine->wdog.base = ash_ipa(0x090F0000);
    machine->wdog.size = 0x1000;
    machine->wdog.spi = 10;
    machine->clock_hz = 24000000;
}

void ash_boot_guest_machine_gicv2(struct ash_boot_guest_machine *machine)
{
    machine->gic_version = 2;
    machine->gicd_size = 0x1000;
    machine->gicc = ash_ipa(0x08010000);
    machine->gicc_size = 0x2000;
    machine->gicr = ash_ipa(0);
    machine->gicr_size_per_vcpu = 0;
}

void ash_boot_guest_machine_virtio(struct ash_boot_guest_machine *machine, unsigned count)
{
    machine->virtio_count = count;
    for (unsigned i = 0; i < count; i++) {
        machine->virtio[i].base = ash_ipa(UINT64_C(0x0A000000) + UINT64_C(0x200) * i);
        machine->virtio[i].size = 0x200;
        machine->virtio[i].spi = 16U + i;
    }
}

static bool has_ram(const struct ash_boot_guest_machine *machine)
{
    if (machine->ram_count < 1U || machine->ram_count > ASH_BOOT_MEMORY_MAX) {
        return false;
    }
    for (unsigned i = 0; i < machine->ram_count; i++) {
        if (machine->ram[i].size == 0U) {
            return false;
        }
    }
    return true;
}

int ash_boot_guest_fdt_write(const struct ash_boot_guest_machine *machine, void *buffer, size_t size,
                             size_t *used)
{
    struct writer w = {.tree = buffer};
    size_t usable = size <= INT32_MAX ? size : INT32_MAX;

    if (machine->virtio_count > ASH_BOOT_VIRTIO_MAX || machine->vcpus < 1U ||
        machine->vcpus > ASH_BOOT_VCPUS_MAX || !has_ram(machine) ||
        (machine->gic_version != 2U && machine->gic_version != 3U) ||
        !ash_is_aligned((uint64_t)(uintptr_t)buffer, 8)) {
        return ASH_EINVAL;
    }
    /* It clears the buffer, so the padding between tags does not depend on what it held. A name is not looked for among
     * those that are there: that would cost more than all the rest, for a few hundred bytes less. */
    note(&w, fdt_create_with_flags(buffer, (int)usable, FDT_CREATE_FLAG_NO_NAME_DEDUP));
    if (w.error == 0) {
        note(&w, fdt_finish_reservemap(buffer));
    }
    write_root(&w, machine);
    if (w.error == 0) {
        note(&w, fdt_finish(buffer));
    }
    if (w.error != 0) {
        return w.error == -FDT_ERR_NOSPACE ? ASH_ENOSPC : ASH_EINTERNAL;
    }
    *used = fdt_totalsize(buffer);
    return ASH_OK;
}
