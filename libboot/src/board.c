/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>

#include <libbase/bits.h>
#include <libbase/checked.h>
#include <libbase/compiler.h>
#include <libbase/endian.h>
#include <libbase/mem.h>

#include <libboot/board.h>

#include "internal.h"

/* Devicetree Specification v0.4, 2.3.5: what holds where #address-cells and #size-cells are missing. */
#define DEFAULT_ADDRESS_CELLS 2U
#define DEFAULT_SIZE_CELLS    1U
#define MOST_CELLS            4U

static const char file_name[] = "device tree";
static const char not_a_string[] = "is not one string";
static const char wrong_length[] = "has a wrong length";

/* In the order of INDEX(name), so that a new name is compared with few. */
static const struct {
    char name[24]; /* not a pointer: no relocation */
    enum ash_boot_slot_ slot;
} slot_names[] = {
    {"#address-cells", ASH_BOOT_SLOT_ADDRESS_CELLS_},
    {"#interrupt-cells", ASH_BOOT_SLOT_INTERRUPT_CELLS_},
    {"#redistributor-regions", ASH_BOOT_SLOT_REGIONS_},
    {"#size-cells", ASH_BOOT_SLOT_SIZE_CELLS_},
    {"clock-frequency", ASH_BOOT_SLOT_CLOCK_},
    {"compatible", ASH_BOOT_SLOT_COMPATIBLE_},
    {"cpu-release-addr", ASH_BOOT_SLOT_RELEASE_},
    {"device_type", ASH_BOOT_SLOT_DEVICE_TYPE_},
    {"enable-method", ASH_BOOT_SLOT_ENABLE_METHOD_},
    {"interrupt-parent", ASH_BOOT_SLOT_INTERRUPT_PARENT_},
    {"interrupts", ASH_BOOT_SLOT_INTERRUPTS_},
    {"method", ASH_BOOT_SLOT_METHOD_},
    {"model", ASH_BOOT_SLOT_MODEL_},
    {"no-map", ASH_BOOT_SLOT_NO_MAP_},
    {"phandle", ASH_BOOT_SLOT_PHANDLE_},
    {"ranges", ASH_BOOT_SLOT_RANGES_},
    {"redistributor-stride", ASH_BOOT_SLOT_STRIDE_},
    {"reg", ASH_BOOT_SLOT_REG_},
    {"status", ASH_BOOT_SLOT_STATUS_},
};

/* Of each first character: how many of them come before the first one that has it. */
#define INDEX(name) ((uint8_t) * (name) % 32U)
static const uint8_t slots_before[33] = {0,  0,  0,  0,  7,  8,  9,  9,  9,  9,  11, 11, 11, 11, 13, 14, 14,
                                         15, 15, 18, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19};

void ash_boot_board_path_(const struct ash_boot_board_pass_ *pass, char *path, size_t size)
{
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, path, size);
    for (unsigned i = 1; i <= pass->depth; i++) {
        ash_boot_text_char_(&text, '/');
        ash_boot_text_string_(&text, pass->buses[i].name);
    }
    if (pass->depth == 0U) {
        ash_boot_text_char_(&text, '/');
    }
}

int ash_boot_board_refuse_(struct ash_boot_board_pass_ *pass, int code, const char *property,
                           struct ash_boot_span value, const char *problem, const char *allowed)
{
    char path[ASH_BOOT_FAULT_NODE_SIZE];
    char text[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ writer;

    ash_boot_board_path_(pass, path, sizeof(path));
    ash_boot_text_begin_(&writer, text, sizeof(text));
    ash_boot_text_property_(&writer, value);
    return ash_boot_fault_set(pass->fault, code, file_name, NULL, path, property, text, problem, allowed);
}

/** #address-cells or #size-cells of the current node, if it has that. */
static int read_cells(struct ash_boot_board_pass_ *pass, enum ash_boot_slot_ slot, const char *name,
                      uint32_t *cells)
{
    struct ash_boot_span value = ash_boot_slot_(pass, slot);

    if (value.data == NULL) {
        return ASH_OK;
    }
    if (value.size != 4U || ash_load_be32(value.data) > MOST_CELLS) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, name, value, "is no number of cells",
                                      "one cell, 0..4");
    }
    *cells = ash_load_be32(value.data);
    return ASH_OK;
}

/* What makes a node another bus than most are. */
#define BUS_SLOTS                                                                                            \
    (1U << ASH_BOOT_SLOT_RANGES_ | 1U << ASH_BOOT_SLOT_STATUS_ | 1U << ASH_BOOT_SLOT_INTERRUPT_PARENT_ |     \
     1U << ASH_BOOT_SLOT_ADDRESS_CELLS_ | 1U << ASH_BOOT_SLOT_SIZE_CELLS_)

static int read_bus(struct ash_boot_board_pass_ *pass, struct ash_boot_bus_ *bus)
{
    struct ash_boot_span status = ash_boot_slot_(pass, ASH_BOOT_SLOT_STATUS_);
    struct ash_boot_span parent = ash_boot_slot_(pass, ASH_BOOT_SLOT_INTERRUPT_PARENT_);
    int result;

    bus->ranges = ash_boot_slot_(pass, ASH_BOOT_SLOT_RANGES_);
    if (status.data != NULL && !ash_boot_fdt_list_has_(status, "okay") &&
        !ash_boot_fdt_list_has_(status, "ok")) {
        bus->disabled = true;
    }
    if (parent.size == 4U) {
        bus->interrupt_parent = ash_load_be32(parent.data);
    }
    result = read_cells(pass, ASH_BOOT_SLOT_ADDRESS_CELLS_, "#address-cells", &bus->address_cells);
    if (result == ASH_OK) {
        result = read_cells(pass, ASH_BOOT_SLOT_SIZE_CELLS_, "#size-cells", &bus->size_cells);
    }
    return result;
}

/** The current node has all its properties: it becomes a bus, and is judged. */
static int complete(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_bus_ *bus = &pass->buses[pass->depth];

    pass->gathering = ASH_BOOT_GATHERING_NONE_;
    if (ash_boot_has_slot_(pass, BUS_SLOTS)) {
        int result = read_bus(pass, bus);

        if (result != ASH_OK) {
            return result;
        }
    }
    if (bus->disabled) {
        return ASH_OK;
    }
    return pass->visit != NULL ? ash_boot_board_visit_(pass) : ash_boot_board_judge_(pass);
}

static int begin(struct ash_boot_board_pass_ *pass)
{
    int result = pass->gathering != ASH_BOOT_GATHERING_NONE_ ? complete(pass) : ASH_OK;
    unsigned depth = pass->fdt.depth;
    struct ash_boot_bus_ *bus;

    if (result != ASH_OK || depth >= ASH_BOOT_BOARD_DEPTH_) {
        return result;
    }
    bus = &pass->buses[depth];
    pass->depth = depth;
    pass->gathering = ASH_BOOT_GATHERING_NODE_;
    pass->filled = 0;
    bus->name = pass->fdt.name;
    bus->ranges = (struct ash_boot_span){NULL, 0};
    bus->address_cells = DEFAULT_ADDRESS_CELLS;
    bus->size_cells = DEFAULT_SIZE_CELLS;
    bus->interrupt_parent = depth != 0U ? pass->buses[depth - 1U].interrupt_parent : 0U;
    bus->disabled = depth != 0U && pass->buses[depth - 1U].disabled;
    if (depth == 1U && ash_boot_strings_equal_(bus->name, "chosen") && pass->visit == NULL) {
        pass->gathering = ASH_BOOT_GATHERING_CHOSEN_;
    } else if (depth == 1U && ash_boot_strings_equal_(bus->name, "aliases")) {
        pass->aliases = pass->fdt;
    }
    return ASH_OK;
}

static int chosen_property(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    const char *name = pass->fdt.name;
    struct ash_boot_span value = pass->fdt.value;
    size_t offset = (size_t)((const uint8_t *)value.data - (const uint8_t *)pass->fdt.tree);

    if (ash_boot_strings_equal_(name, "bootargs")) {
        if (!ash_boot_fdt_is_string_(value)) {
            return ash_boot_board_refuse_(pass, ASH_EFORMAT, name, value, not_a_string, "one string");
        }
        board->bootargs = (const char *)value.data;
    } else if (ash_boot_strings_equal_(name, "stdout-path")) {
        if (!ash_boot_fdt_is_string_(value)) {
            return ash_boot_board_refuse_(pass, ASH_EFORMAT, name, value, not_a_string, "one string");
        }
        pass->stdout_path = value;
    } else if (ash_boot_strings_equal_(name, "linux,initrd-start")) {
        pass->initrd_start = value;
    } else if (ash_boot_strings_equal_(name, "linux,initrd-end")) {
        pass->initrd_end = value;
    } else if (ash_boot_strings_equal_(name, "rng-seed")) {
        board->rng_seed = value;
        board->rng_seed_offset = offset;
    } else if (ash_boot_strings_equal_(name, "kaslr-seed")) {
        board->kaslr_seed = value;
        board->kaslr_seed_offset = offset;
    }
    return ASH_OK;
}

/** Which slot a property named @name fills. The same few names, at the same places, stand in every node. */
static unsigned slot_of(struct ash_boot_board_pass_ *pass, const char *name)
{
    size_t at = (size_t)(uintptr_t)name % ASH_BOOT_KNOWN_NAMES_;

    if (pass->known[at].name != name) {
        pass->known[at].name = name;
        pass->known[at].slot = ASH_BOOT_SLOTS_;
        for (unsigned i = slots_before[INDEX(name)]; i < slots_before[INDEX(name) + 1U]; i++) {
            if (ash_boot_strings_equal_(slot_names[i].name, name)) {
                pass->known[at].slot = slot_names[i].slot;
                break;
            }
        }
    }
    return pass->known[at].slot;
}

static int property(struct ash_boot_board_pass_ *pass)
{
    unsigned slot;

    if (pass->gathering != ASH_BOOT_GATHERING_NODE_) {
        return pass->gathering == ASH_BOOT_GATHERING_CHOSEN_ ? chosen_property(pass) : ASH_OK;
    }
    slot = slot_of(pass, pass->fdt.name);
    if (slot < ASH_BOOT_SLOTS_) {
        pass->slots[slot] = pass->fdt.value;
        pass->filled |= 1U << slot;
    }
    return ASH_OK;
}

static int walk(struct ash_boot_board_pass_ *pass)
{
    for (;;) {
        int event = ash_boot_fdt_next_(&pass->fdt, pass->fault);
        int result;

        if (event == ASH_BOOT_FDT_PROPERTY_) {
            result = property(pass);
        } else if (event == ASH_BOOT_FDT_BEGIN_) {
            result = begin(pass);
        } else if (event == ASH_BOOT_FDT_END_) {
            result = pass->gathering != ASH_BOOT_GATHERING_NONE_ ? complete(pass) : ASH_OK;
        } else {
            return event == ASH_BOOT_FDT_DONE_ ? ASH_OK : event;
        }
        if (result != ASH_OK) {
            return result;
        }
    }
}

/** /memreserve: pairs of address and size up to a pair with size 0. */
static int read_memreserve(struct ash_boot_board_pass_ *pass)
{
    static const struct ash_boot_span none = {NULL, 0};
    struct ash_boot_board *board = pass->board;

    pass->depth = 0;
    for (int i = 0;; i++) {
        struct ash_boot_reserved *entry = &board->reserved[board->reserved_count];
        uint64_t base = 0;
        uint64_t size = 0;

        if (fdt_get_mem_rsv(pass->fdt.tree, i, &base, &size) != 0 ||
            (size != 0U && !ash_range_ok(base, size))) {
            return ash_boot_board_refuse_(pass, ASH_EFORMAT, "/memreserve", none, "is malformed",
                                          "ranges below 2^64, the last one of size 0");
        }
        if (size == 0U) {
            return ASH_OK;
        }
        if (board->reserved_count == ASH_BOOT_BOARD_RESERVED_MAX) {
            return ash_boot_board_refuse_(pass, ASH_ENOSPC, "/memreserve", none, "has too many ranges",
                                          "32 in all");
        }
        entry->region.base = ash_pa(base);
        entry->region.size = size;
        entry->no_map = false;
        board->reserved_count++;
    }
}

static bool address(struct ash_boot_span value, uint64_t *number)
{
    if (value.size != 4U && value.size != 8U) {
        return false;
    }
    *number = ash_boot_fdt_cells_((const uint8_t *)value.data, (unsigned)(value.size / 4U));
    return true;
}

static int finish_initrd(struct ash_boot_board_pass_ *pass)
{
    uint64_t start = 0;
    uint64_t end = 0;

    if (pass->initrd_start.data == NULL && pass->initrd_end.data == NULL) {
        return ASH_OK;
    }
    if (!address(pass->initrd_start, &start)) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, "/chosen linux,initrd-start", pass->initrd_start,
                                      wrong_length, "one or two cells");
    }
    if (!address(pass->initrd_end, &end) || end < start) {
        return ash_boot_board_refuse_(pass, ASH_EFORMAT, "/chosen linux,initrd-end", pass->initrd_end,
                                      "is no end for linux,initrd-start",
                                      "one or two cells, not below the start");
    }
    pass->board->initrd.base = ash_pa(start);
    pass->board->initrd.size = end - start;
    return ASH_OK;
}

static void finish_interrupts(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;

    if (board->gic == ASH_BOOT_GIC_NONE && board->bcm_local.size != 0U && board->bcm_arm.size != 0U) {
        board->gic = ASH_BOOT_GIC_BCM2836;
        board->gic_cells = ASH_BOOT_BCM_CELLS_;
        board->gic_phandle = pass->bcm_arm_phandle;
        pass->interrupt_cells = ASH_BOOT_BCM_CELLS_;
    }
    for (unsigned i = 0; i < ASH_BOOT_TIMER_COUNT; i++) {
        if (board->gic == ASH_BOOT_GIC_BCM2836) {
            ash_boot_board_bcm_timer_(pass, i, &board->timer[i]);
        } else {
            (void)ash_boot_board_interrupt_(pass, pass->timer_interrupts, i, &board->timer[i]);
        }
    }
    if (board->gic != ASH_BOOT_GIC_BCM2836) {
        (void)ash_boot_board_interrupt_(pass, pass->gic_interrupts, 0, &board->maintenance);
    }
}

/** The path that the alias of @length characters at @name means, or NULL. Reads the one node again. */
static const char *find_alias(struct ash_boot_fdt_ fdt, const char *name, size_t length)
{
    struct ash_boot_fault unused;

    while (fdt.tree != NULL && ash_boot_fdt_next_(&fdt, &unused) == ASH_BOOT_FDT_PROPERTY_) {
        if (ash_boot_string_length_(fdt.name) == length && memcmp(fdt.name, name, length) == 0) {
            return ash_boot_fdt_is_string_(fdt.value) ? (const char *)fdt.value.data : NULL;
        }
    }
    return NULL;
}

/** Does @path mean the node at @full? A unit address may be left out in @path. */
static bool same_node(const char *path, const char *full)
{
    for (; *full != '\0'; full++) {
        if (*path == *full) {
            path++;
        } else if (*full == '@' && (*path == '/' || *path == '\0')) {
            while (full[1] != '\0' && full[1] != '/') {
                full++;
            }
        } else {
            return false;
        }
    }
    return *path == '\0';
}

/** stdout-path is a path or an alias, with ":115200n8" or so behind it (Devicetree Specification v0.4, 3.6). */
static void finish_console(struct ash_boot_board_pass_ *pass)
{
    struct ash_boot_board *board = pass->board;
    const char *path = (const char *)pass->stdout_path.data;
    struct ash_boot_text_ text;

    /* The Raspberry Pi's firmware and its trees leave stdout-path out and keep serial0 on the pins of the header. */
    path = path != NULL ? path : "serial0";
    if (path[0] != '/') {
        size_t length = 0;

        while (path[length] != '\0' && path[length] != ':') {
            length++;
        }
        path = find_alias(pass->aliases, path, length);
    }
    ash_boot_text_begin_(&text, board->console_path, sizeof(board->console_path));
    for (; path != NULL && *path != '\0' && *path != ':'; path++) {
        ash_boot_text_char_(&text, *path);
    }
    for (unsigned i = 0; i < pass->uart_count && text.length != 0U; i++) {
        const struct ash_boot_uart_candidate_ *uart = &pass->uarts[i];

        if (same_node(board->console_path, uart->path)) {
            board->console = uart->kind;
            board->console_region = uart->region;
            (void)ash_boot_board_interrupt_(pass, uart->interrupts, 0, &board->console_interrupt);
            return;
        }
    }
}

int ash_boot_board_read(struct ash_boot_board *board, const void *data, size_t size,
                        struct ash_boot_fault *fault)
{
    struct ash_boot_board_pass_ pass;
    int result;

    memset(board, 0, sizeof(*board));
    memset(&pass, 0, sizeof(pass));
    ash_boot_fault_clear(fault);
    pass.board = board;
    pass.fault = fault;
    result = ash_boot_fdt_open_(&pass.fdt, data, size, fault);
    if (result == ASH_OK) {
        board->tree_size = fdt_totalsize(data);
        result = walk(&pass);
    }
    if (result == ASH_OK) {
        result = read_memreserve(&pass);
    }
    if (result == ASH_OK) {
        result = finish_initrd(&pass);
    }
    if (result == ASH_OK) {
        finish_interrupts(&pass);
        finish_console(&pass);
    }
    if (result != ASH_OK) {
        fault->file = file_name;
    }
    return result;
}

int ash_boot_board_devices(const struct ash_boot_board *board, const void *data, size_t size,
                           int (*visit)(void *arg, const struct ash_boot_device *device), void *arg,
                           struct ash_boot_fault *fault)
{
    struct ash_boot_board copy = *board;
    struct ash_boot_board_pass_ pass;
    int result;

    memset(&pass, 0, sizeof(pass));
    ash_boot_fault_clear(fault);
    pass.board = &copy; /* read only, but the pass that fills it is the same */
    pass.fault = fault;
    pass.visit = visit;
    pass.visit_arg = arg;
    pass.interrupt_cells = board->gic_cells;
    result = ash_boot_fdt_open_(&pass.fdt, data, size, fault);
    if (result == ASH_OK) {
        result = walk(&pass);
    }
    if (fault->code != ASH_OK) {
        fault->file = file_name;
    }
    return result;
}
