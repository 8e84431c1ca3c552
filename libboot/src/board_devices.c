/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/checked.h>
#include <libbase/compiler.h>
#include <libbase/endian.h>

#include <libboot/board.h>

#include "internal.h"

/* Bindings arm,gic.yaml and arm,gic-v3.yaml: the first cell of an interrupt. */
#define GIC_SPI   0U
#define GIC_PPI   1U
#define GIC_ESPI  2U
#define GIC_EPPI  3U
#define GIC_CELLS 3U

#define BCM_INTERRUPT_SIZE (4U * ASH_BOOT_BCM_CELLS_) /* bytes */

enum outcome { ABSENT, FOUND }; /* or a negative ASH_E* */

/** A number of up to 4 cells that fits 64 bits. */
static bool read_number(const uint8_t *at, uint32_t cells, uint64_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < cells; i++) {
        if ((*number >> 32) != 0U) {
            return false;
        }
        *number = (*number << 32) | ash_load_be32(&at[4U * (size_t)i]);
    }
    return true;
}

/** [*base, *base+size) from the bus below @bus to the one above it, by @bus's `ranges`. */
static bool translate(const struct ash_boot_bus_ *bus, uint32_t parent_cells, uint64_t *base, uint64_t size)
{
    const uint8_t *at = (const uint8_t *)bus->ranges.data;
    size_t stride = 4U * ((size_t)bus->address_cells + parent_cells + bus->size_cells);

    if (at == NULL || bus->ranges.size == 0U) {
        return at != NULL;
    }
    for (size_t left = bus->ranges.size; stride != 0U && left >= stride; left -= stride, at += stride) {
        uint64_t child;
        uint64_t parent;
        uint64_t length;

        if (read_number(at, bus->address_cells, &child) &&
            read_number(&at[4U * (size_t)bus->address_cells], parent_cells, &parent) &&
            read_number(&at[4U * ((size_t)bus->address_cells + parent_cells)], bus->size_cells, &length) &&
            ash_range_within(*base, size, child, length)) {
            return ash_add_ok(parent, *base - child, base);
        }
    }
    return false;
}

/** Range @index of the current node's `reg`, as its parent counts. */
static int read_reg(struct ash_boot_board_pass_ *pass, unsigned index, struct ash_boot_region *region)
{
    const struct ash_boot_bus_ *bus = &pass->buses[pass->depth - 1U];
    struct ash_boot_span reg = ash_boot_slot_(pass, ASH_BOOT_SLOT_REG_);
    size_t stride = 4U * ((size_t)bus->address_cells + bus->size_cells);
    const uint8_t *at;
    uint64_t base;
    uint64_t size;

    if (reg.data == NULL) {
        return ABSENT;
    }
    if (stride == 0U || reg.size % stride != 0U) {
        return ash_boot_board_refuse_(
            pass, ASH_EFORMAT, "reg", reg, "has a wrong number of cells",
            "pairs of address and size, in the parent's #address-cells and #size-cells");
    }
    if (index >= reg.size / stride) {
        return ABSENT;
    }
    at = (const uint8_t *)reg.data + index * stride;
    if (!read_number(at, bus->address_cells, &base) ||
        !read_number(&at[4U * (size_t)bus->address_cells], bus->size_cells, &size) ||
        (size != 0U && !ash_range_ok(base, size))) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, "reg", reg, "has a range that reaches past 2^64",
                                      "ranges below 2^64");
    }
    region->base = ash_pa(base);
    region->size = size;
    return FOUND;
}

/** The same as the CPU sees it; ABSENT also for what the CPU cannot reach. */
static int read_device_reg(struct ash_boot_board_pass_ *pass, unsigned index, struct ash_boot_region *region)
{
    struct ash_boot_region found = {0};
    int outcome = read_reg(pass, index, &found);
    uint64_t end;

    if (outcome != FOUND || found.size == 0U) {
        return outcome == FOUND ? (int)ABSENT : outcome;
    }
    for (unsigned level = pass->depth - 1U; level >= 1U; level--) {
        if (!translate(&pass->buses[level], pass->buses[level - 1U].address_cells, &found.base.value,
                       found.size)) {
            return ABSENT;
        }
    }
    if (!ash_add_ok(found.base.value, found.size, &end)) {
        return ABSENT;
    }
    *region = found;
    return FOUND;
}

static int judge_memory(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    struct ash_boot_region region = {0};

    for (unsigned i = 0;; i++) {
        int outcome = read_reg(pass, i, &region);

        if (outcome != FOUND) {
            return outcome; /* ABSENT is ASH_OK */
        }
        if (region.size == 0U) {
            continue; /* a place that the firmware did not fill in */
        }
        if (board->memory_count == ASH_BOOT_BOARD_MEMORY_MAX) {
            return ash_boot_board_refuse_(pass, ASH_ENOSPC, "reg", ash_boot_slot_(pass, ASH_BOOT_SLOT_REG_),
                                          "is one memory range too many", "16 in all");
        }
        board->memory[board->memory_count++] = region;
    }
}

static int judge_reserved(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    struct ash_boot_region region = {0};

    for (unsigned i = 0;; i++) {
        int outcome = read_reg(pass, i, &region);

        if (outcome != FOUND) {
            return outcome;
        }
        if (region.size == 0U) {
            continue;
        }
        if (board->reserved_count == ASH_BOOT_BOARD_RESERVED_MAX) {
            return ash_boot_board_refuse_(pass, ASH_ENOSPC, "reg", ash_boot_slot_(pass, ASH_BOOT_SLOT_REG_),
                                          "is one reserved range too many", "32 in all");
        }
        board->reserved[board->reserved_count].region = region;
        board->reserved[board->reserved_count].no_map =
            ash_boot_slot_(pass, ASH_BOOT_SLOT_NO_MAP_).data != NULL;
        board->reserved_count++;
    }
}

static int judge_cpu(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    uint32_t cells = pass->buses[pass->depth - 1U].address_cells;
    struct ash_boot_span reg = ash_boot_slot_(pass, ASH_BOOT_SLOT_REG_);
    struct ash_boot_span method = ash_boot_slot_(pass, ASH_BOOT_SLOT_ENABLE_METHOD_);
    struct ash_boot_span release = ash_boot_slot_(pass, ASH_BOOT_SLOT_RELEASE_);
    struct ash_boot_cpu *cpu = &board->cpus[board->cpu_count];

    if (cells < 1U || cells > 2U || reg.size != 4U * (size_t)cells) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, "reg", reg, "is no MPIDR",
                                      "as many cells as #address-cells of /cpus, 1 or 2");
    }
    if (board->cpu_count == ASH_BOOT_BOARD_CPUS_MAX) {
        board->cpus_left_out++;
        return ASH_OK;
    }
    cpu->mpidr = ash_boot_fdt_cells_((const uint8_t *)reg.data, cells);
    if (ash_boot_fdt_list_has_(method, "psci")) {
        cpu->enable = ASH_BOOT_ENABLE_PSCI;
    } else if (ash_boot_fdt_list_has_(method, "spin-table")) {
        if (release.size != 4U && release.size != 8U) {
            return ash_boot_board_refuse_(pass, ASH_EFORMAT, "cpu-release-addr", release,
                                          "does not tell where the CPU waits", "one or two cells");
        }
        cpu->enable = ASH_BOOT_ENABLE_SPIN_TABLE;
        cpu->release =
            ash_pa(ash_boot_fdt_cells_((const uint8_t *)release.data, (unsigned)(release.size / 4U)));
    }
    board->cpu_count++;
    return ASH_OK;
}

static int judge_gic_v2(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    struct ash_boot_region *const regions[] = {&board->gicd, &board->gicc, &board->gich, &board->gicv};
    int outcome = FOUND;

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(regions) && outcome == FOUND; i++) {
        outcome = read_device_reg(pass, i, regions[i]);
    }
    board->gic = board->gicd.size != 0U && board->gicc.size != 0U ? ASH_BOOT_GIC_V2 : ASH_BOOT_GIC_NONE;
    return outcome < 0 ? outcome : ASH_OK;
}

/** One cell or two; @otherwise where the property is missing. */
static int read_optional(struct ash_boot_board_pass_ *pass, enum ash_boot_slot_ which, const char *name,
                         uint64_t otherwise, uint64_t *number)
{
    struct ash_boot_span value = ash_boot_slot_(pass, which);

    *number = otherwise;
    if (value.data == NULL) {
        return ASH_OK;
    }
    if (value.size != 4U && value.size != 8U) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, name, value, "has a wrong length",
                                      "one or two cells");
    }
    *number = ash_boot_fdt_cells_((const uint8_t *)value.data, (unsigned)(value.size / 4U));
    return ASH_OK;
}

/** Binding arm,gic-v3.yaml: reg is GICD, then the redistributor regions, then GICC, GICH, GICV. */
static int judge_gic_v3(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    struct ash_boot_region *const legacy[] = {&board->gicc, &board->gich, &board->gicv};
    uint64_t regions = 1;
    int result = read_optional(pass, ASH_BOOT_SLOT_REGIONS_, "#redistributor-regions", 1, &regions);
    int outcome;

    if (result == ASH_OK) {
        result = read_optional(pass, ASH_BOOT_SLOT_STRIDE_, "redistributor-stride", 0, &board->gicr_stride);
    }
    if (result != ASH_OK) {
        return result;
    }
    if (regions < 1U || regions > ASH_BOOT_BOARD_GICR_MAX) {
        return ash_boot_board_refuse_(pass, ASH_ENOSPC, "#redistributor-regions",
                                      ash_boot_slot_(pass, ASH_BOOT_SLOT_REGIONS_), "is out of range",
                                      "1..4");
    }
    outcome = read_device_reg(pass, 0, &board->gicd);
    for (unsigned i = 0; i < regions && outcome == FOUND; i++) {
        outcome = read_device_reg(pass, 1U + i, &board->gicr[i]);
        board->gicr_count += outcome == FOUND ? 1U : 0U;
    }
    board->gic = board->gicr_count == regions ? ASH_BOOT_GIC_V3 : ASH_BOOT_GIC_NONE;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(legacy) && outcome == FOUND; i++) {
        outcome = read_device_reg(pass, 1U + (unsigned)regions + i, legacy[i]);
    }
    return outcome < 0 ? outcome : ASH_OK;
}

static int judge_gic(struct ash_boot_board_pass_ *pass, int version)
{
    struct ash_boot_span cells = ash_boot_slot_(pass, ASH_BOOT_SLOT_INTERRUPT_CELLS_);

    if (pass->board->gic != ASH_BOOT_GIC_NONE) {
        return ASH_OK; /* the first is the CPUs' own */
    }
    if (cells.size != 4U || ash_load_be32(cells.data) < GIC_CELLS || ash_load_be32(cells.data) > 4U) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, "#interrupt-cells", cells, "does not suit a GIC",
                                      "3 or 4");
    }
    pass->interrupt_cells = ash_load_be32(cells.data);
    pass->board->gic_cells = pass->interrupt_cells;
    if (ash_boot_slot_(pass, ASH_BOOT_SLOT_PHANDLE_).size == 4U) {
        pass->board->gic_phandle = ash_load_be32(ash_boot_slot_(pass, ASH_BOOT_SLOT_PHANDLE_).data);
    }
    pass->gic_interrupts = ash_boot_slot_(pass, ASH_BOOT_SLOT_INTERRUPTS_);
    return version == 2 ? judge_gic_v2(pass) : judge_gic_v3(pass);
}

/** Binding brcm,bcm2835-armctrl-ic.txt: a bank and a number in it. */
static bool bcm_interrupt(struct ash_boot_span interrupts, unsigned index,
                          struct ash_boot_interrupt *interrupt)
{
    static const struct {
        uint32_t first;
        uint32_t count;
    } banks[] = {{96, 8}, {32, 32}, {64, 32}};
    const uint8_t *at = (const uint8_t *)interrupts.data;
    uint32_t bank;
    uint32_t number;

    if (interrupts.size % BCM_INTERRUPT_SIZE != 0U || index >= interrupts.size / BCM_INTERRUPT_SIZE) {
        return false;
    }
    at += index * BCM_INTERRUPT_SIZE;
    bank = ash_load_be32(at);
    number = ash_load_be32(&at[4]);
    if (bank >= ASH_ARRAY_SIZE(banks) || number >= banks[bank].count) {
        return false;
    }
    interrupt->intid = banks[bank].first + number;
    interrupt->flags = 4;
    return true;
}

/** Binding brcm,bcm2836-l1-intc.yaml: a number and flags. 0..3 are the timers, in the order of the sources' bits. */
void ash_boot_board_bcm_timer_(const struct ash_boot_board_pass_ *pass, unsigned index,
                               struct ash_boot_interrupt *interrupt)
{
    static const uint8_t ppis[] = {29, 30, 26, 27}; /* CNTPS, CNTPNS, CNTHP, CNTV */
    struct ash_boot_span interrupts = pass->timer_interrupts;
    const uint8_t *at = (const uint8_t *)interrupts.data;
    uint32_t number;

    if (interrupts.size % BCM_INTERRUPT_SIZE != 0U || index >= interrupts.size / BCM_INTERRUPT_SIZE) {
        return;
    }
    number = ash_load_be32(&at[index * BCM_INTERRUPT_SIZE]);
    if (number < ASH_ARRAY_SIZE(ppis)) {
        interrupt->intid = ppis[number];
        interrupt->flags = 4;
    }
}

bool ash_boot_board_interrupt_(const struct ash_boot_board_pass_ *pass, struct ash_boot_span interrupts,
                               unsigned index, struct ash_boot_interrupt *interrupt)
{
    static const struct {
        uint32_t first; /* INTID of number 0: IHI 0069, 2.2.1 */
        uint32_t count;
    } kinds[] = {
        [GIC_SPI] = {32, 988}, [GIC_PPI] = {16, 16}, [GIC_ESPI] = {4096, 1024}, [GIC_EPPI] = {1056, 64}};
    size_t stride = 4U * (size_t)pass->interrupt_cells;
    const uint8_t *at = (const uint8_t *)interrupts.data;
    uint32_t kind;
    uint32_t number;

    if (pass->board->gic == ASH_BOOT_GIC_BCM2836) {
        return bcm_interrupt(interrupts, index, interrupt);
    }
    if (pass->board->gic == ASH_BOOT_GIC_NONE || interrupts.size % stride != 0U ||
        index >= interrupts.size / stride) {
        return false;
    }
    at += index * stride;
    kind = ash_load_be32(at);
    number = ash_load_be32(&at[4]);
    if (kind >= ASH_ARRAY_SIZE(kinds) || number >= kinds[kind].count) {
        return false;
    }
    interrupt->intid = kinds[kind].first + number;
    interrupt->flags = ash_load_be32(&at[8]) & 0xFU;
    return true;
}

static int judge_timer(struct ash_boot_board_pass_ *pass, int unused)
{
    struct ash_boot_span hz = ash_boot_slot_(pass, ASH_BOOT_SLOT_CLOCK_);

    (void)unused;
    pass->timer_interrupts = ash_boot_slot_(pass, ASH_BOOT_SLOT_INTERRUPTS_);
    pass->board->timer_hz = hz.size == 4U ? ash_load_be32(hz.data) : 0U;
    return ASH_OK;
}

static int judge_psci(struct ash_boot_board_pass_ *pass, int unused)
{
    struct ash_boot_span method = ash_boot_slot_(pass, ASH_BOOT_SLOT_METHOD_);

    (void)unused;
    if (ash_boot_fdt_list_has_(method, "smc")) {
        pass->board->psci = ASH_BOOT_PSCI_SMC;
    } else if (ash_boot_fdt_list_has_(method, "hvc")) {
        pass->board->psci = ASH_BOOT_PSCI_HVC;
    } else {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, "method", method, "is no way to call PSCI",
                                      "\"smc\", \"hvc\"");
    }
    return ASH_OK;
}

static int judge_uart(struct ash_boot_board_pass_ *pass, int kind)
{
    struct ash_boot_uart_candidate_ *uart = &pass->uarts[pass->uart_count];
    int outcome;

    if (pass->uart_count == ASH_BOOT_BOARD_UARTS_) {
        return ASH_OK;
    }
    outcome = read_device_reg(pass, 0, &uart->region);
    if (outcome != FOUND) {
        return outcome;
    }
    uart->kind = (enum ash_boot_uart)kind;
    uart->interrupts = ash_boot_slot_(pass, ASH_BOOT_SLOT_INTERRUPTS_);
    ash_boot_board_path_(pass, uart->path, sizeof(uart->path));
    pass->uart_count++;
    return ASH_OK;
}

/* Devices of which hv knows one, the first: where its registers are. */
enum one { ONE_RTC, ONE_BCM_LOCAL, ONE_BCM_ARM, ONE_BCM_PM, ONE_BCM_RNG, ONE_BCM_MAILBOX };

static int judge_one(struct ash_boot_board_pass_ *pass, int which)
{
    struct ash_boot_board *board = pass->board;
    struct ash_boot_region *const regions[] = {
        [ONE_RTC] = &board->rtc,         [ONE_BCM_LOCAL] = &board->bcm_local,
        [ONE_BCM_ARM] = &board->bcm_arm, [ONE_BCM_PM] = &board->bcm_pm,
        [ONE_BCM_RNG] = &board->bcm_rng, [ONE_BCM_MAILBOX] = &board->bcm_mailbox};
    struct ash_boot_region *region = regions[which];
    int outcome = region->size == 0U ? read_device_reg(pass, 0, region) : (int)ABSENT;

    if (outcome == FOUND && which == ONE_BCM_ARM && ash_boot_slot_(pass, ASH_BOOT_SLOT_PHANDLE_).size == 4U) {
        pass->bcm_arm_phandle = ash_load_be32(ash_boot_slot_(pass, ASH_BOOT_SLOT_PHANDLE_).data);
    }
    return outcome < 0 ? outcome : ASH_OK;
}

/** Binding mtd-physmap.yaml: each range of reg is a chip, or some side by side; read, it is memory. hv can do without:
 *  what makes no sense is left out. */
static int judge_flash(struct ash_boot_board_pass_ *pass, int unused)
{
    struct ash_boot_board *board = pass->board;
    int outcome = FOUND;

    (void)unused;
    for (unsigned i = 0; outcome == FOUND && board->flash_count < ASH_BOOT_BOARD_FLASH_MAX; i++) {
        outcome = read_device_reg(pass, i, &board->flash[board->flash_count]);
        board->flash_count += outcome == FOUND ? 1U : 0U;
    }
    ash_boot_fault_clear(pass->fault);
    return ASH_OK;
}

/* What the names in `compatible` that are read here begin with. Most devices of a board are of another vendor. */
enum vendor { ARM, BRCM, CFI, VENDORS };
static const char vendors[VENDORS][8] = {[ARM] = "arm,", [BRCM] = "brcm,", [CFI] = "cfi-"};

static const struct {
    enum vendor vendor;
    char model[20];
    int (*judge)(struct ash_boot_board_pass_ *pass, int argument);
    int argument;
} devices[] = {
    {ARM, "gic-v3", judge_gic, 3},
    {ARM, "gic-400", judge_gic, 2},
    {ARM, "cortex-a15-gic", judge_gic, 2},
    {ARM, "cortex-a7-gic", judge_gic, 2},
    {ARM, "armv8-timer", judge_timer, 0},
    {ARM, "armv7-timer", judge_timer, 0},
    {ARM, "psci-1.0", judge_psci, 0},
    {ARM, "psci-0.2", judge_psci, 0},
    {ARM, "psci", judge_psci, 0},
    {ARM, "pl011", judge_uart, ASH_BOOT_UART_PL011},
    {ARM, "sbsa-uart", judge_uart, ASH_BOOT_UART_PL011},
    {BRCM, "bcm2835-aux-uart", judge_uart, ASH_BOOT_UART_BCM2835_AUX},
    {ARM, "pl031", judge_one, ONE_RTC},
    {BRCM, "bcm2836-l1-intc", judge_one, ONE_BCM_LOCAL},
    {BRCM, "bcm2836-armctrl-ic", judge_one, ONE_BCM_ARM},
    {BRCM, "bcm2835-pm-wdt", judge_one, ONE_BCM_PM},
    {BRCM, "bcm2835-rng", judge_one, ONE_BCM_RNG},
    {BRCM, "bcm2835-mbox", judge_one, ONE_BCM_MAILBOX},
    {CFI, "flash", judge_flash, 0},
};

static void judge_root(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_span model = ash_boot_slot_(pass, ASH_BOOT_SLOT_MODEL_);
    struct ash_boot_span compatible = ash_boot_slot_(pass, ASH_BOOT_SLOT_COMPATIBLE_);

    if (ash_boot_fdt_is_string_(model)) {
        pass->board->model = (const char *)model.data;
    }
    if (compatible.size != 0U && ((const char *)compatible.data)[compatible.size - 1U] == '\0') {
        pass->board->compatible = (const char *)compatible.data;
    }
}

/** The vendor of @name, one of `compatible`, and the @model behind it. */
static enum vendor split(const char *name, const char **model)
{
    unsigned vendor = 0;

    for (; vendor < VENDORS; vendor++) {
        size_t n = 0;

        while (vendors[vendor][n] != '\0' && name[n] == vendors[vendor][n]) {
            n++;
        }
        if (vendors[vendor][n] == '\0') {
            *model = &name[n];
            break;
        }
    }
    return (enum vendor)vendor;
}

/** The first of devices[] that @compatible has; one past the last: none. */
static size_t find_device(struct ash_boot_span compatible)
{
    const char *at = (const char *)compatible.data;
    size_t found = ASH_ARRAY_SIZE(devices);

    if (compatible.size == 0U || at[compatible.size - 1U] != '\0') {
        return found;
    }
    for (const char *end = at + compatible.size; at < end; at++) {
        const char *model = at;
        enum vendor vendor = split(at, &model);

        for (size_t i = 0; vendor != VENDORS && i < found; i++) {
            if (devices[i].vendor == vendor && ash_boot_strings_equal_(devices[i].model, model)) {
                found = i;
            }
        }
        while (*at != '\0') {
            at++;
        }
    }
    return found;
}

int ash_boot_board_judge_(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_span type = ash_boot_slot_(pass, ASH_BOOT_SLOT_DEVICE_TYPE_);
    size_t device;

    if (pass->depth == 0U) {
        judge_root(pass);
        return ASH_OK;
    }
    if (pass->depth == 1U && type.size != 0U && ash_boot_fdt_list_has_(type, "memory")) {
        return judge_memory(pass);
    }
    if (pass->depth == 2U && ash_boot_strings_equal_(pass->buses[1].name, "reserved-memory")) {
        return judge_reserved(pass);
    }
    if (pass->depth == 2U && ash_boot_strings_equal_(pass->buses[1].name, "cpus") &&
        ash_boot_fdt_list_has_(type, "cpu")) {
        return judge_cpu(pass);
    }
    device = find_device(ash_boot_slot_(pass, ASH_BOOT_SLOT_COMPATIBLE_));
    return device < ASH_ARRAY_SIZE(devices) ? devices[device].judge(pass, devices[device].argument) : ASH_OK;
}

/** Memory and CPUs have registers of another kind, and what stands below /reserved-memory too. */
static bool is_device(const struct ash_boot_board_pass_ *pass)
{
    const char *top = pass->buses[1].name;

    return pass->depth != 0U && !ash_boot_strings_equal_(top, "cpus") &&
           !ash_boot_strings_equal_(top, "reserved-memory") && !ash_boot_strings_equal_(top, "vms") &&
           !ash_boot_fdt_list_has_(ash_boot_slot_(pass, ASH_BOOT_SLOT_DEVICE_TYPE_), "memory");
}

/** A device that no driver here reads may have registers of a kind of its own (a bus of another sort): it then has
 *  none. */
static void note_regions(struct ash_boot_board_pass_ *pass, struct ash_boot_device *device)
{
    for (unsigned i = 0; device->region_count < ASH_BOOT_DEVICE_REGIONS_MAX; i++) {
        struct ash_boot_region region = {0};
        int outcome = read_reg(pass, i, &region);

        if (outcome != FOUND) {
            ash_boot_fault_clear(pass->fault);
            return;
        }
        if (read_device_reg(pass, i, &region) == FOUND) {
            device->region[device->region_count++] = region;
        }
    }
}

int ash_boot_board_visit_(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_device device = {.region_count = 0};
    struct ash_boot_span compatible = ash_boot_slot_(pass, ASH_BOOT_SLOT_COMPATIBLE_);
    uint32_t parent = pass->buses[pass->depth].interrupt_parent;

    if (!is_device(pass)) {
        return ASH_OK;
    }
    ash_boot_board_path_(pass, device.path, sizeof(device.path));
    if (compatible.size != 0U && ((const char *)compatible.data)[compatible.size - 1U] == '\0') {
        device.compatible = (const char *)compatible.data;
    }
    note_regions(pass, &device);
    if (parent == pass->board->gic_phandle) {
        while (device.interrupt_count < ASH_BOOT_DEVICE_INTERRUPTS_MAX &&
               ash_boot_board_interrupt_(pass, ash_boot_slot_(pass, ASH_BOOT_SLOT_INTERRUPTS_),
                                         device.interrupt_count, &device.interrupt[device.interrupt_count])) {
            device.interrupt_count++;
        }
    }
    if (device.region_count == 0U && device.interrupt_count == 0U) {
        return ASH_OK;
    }
    return pass->visit(pass->visit_arg, &device);
}
