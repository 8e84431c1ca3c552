/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM as the device tree has it: the first and the last bytes of each range are there, the bytes around it are not,
 * and each 2 MiB of it is memory of its own, zero at entry. With the MMU off: an address is an IPA. Runs anywhere. */
#include "common/check.h"
#include "common/guest.h"

#define BLOCK    UINT64_C(0x200000)
#define RANGES   8U
#define DABORT   0x25U
#define EXTERNAL 0x10U
#define WNR      0x40U

/* Devicetree Specification 0.4, 5.4.1: tokens of the structure block. */
enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

struct range {
    uint64_t base;
    uint64_t end;
};

static struct range ranges[RANGES];
static unsigned range_count;
static uint64_t tree;
static uint64_t tree_end;

static uint32_t be32(uint64_t at)
{
    return __builtin_bswap32(guest_read32(at));
}

static bool starts_with(uint64_t at, const char *text)
{
    for (; *text != '\0'; text++, at++) {
        if (*(const volatile char *)(uintptr_t)at != *text) {
            return false;
        }
    }
    return true;
}

static uint64_t after_string(uint64_t at)
{
    while (*(const volatile char *)(uintptr_t)at != '\0') {
        at++;
    }
    return (at + 4U) & ~UINT64_C(3);
}

/* "reg" of a memory node: address and size of two cells each. */
static void add_ranges(uint64_t value, uint32_t size)
{
    for (uint32_t at = 0; at + 16U <= size && range_count < RANGES; at += 16U) {
        struct range *r = &ranges[range_count++];

        r->base = ((uint64_t)be32(value + at) << 32) | be32(value + at + 4U);
        r->end = r->base + (((uint64_t)be32(value + at + 8U) << 32) | be32(value + at + 12U));
    }
}

static void find_ranges(void)
{
    uint64_t strings = tree + be32(tree + 12U);
    uint64_t at = tree + be32(tree + 8U);
    bool memory = false;

    tree_end = tree + be32(tree + 4U);
    for (;;) {
        uint32_t token = be32(at);

        at += 4U;
        if (token == BEGIN_NODE) {
            memory = starts_with(at, "memory@");
            at = after_string(at);
        } else if (token == PROP) {
            uint32_t size = be32(at);

            if (memory && starts_with(strings + be32(at + 4U), "reg")) {
                add_ranges(at + 8U, size);
            }
            at += 8U + ((size + 3U) & ~3U);
        } else if (token == END_NODE) {
            memory = false;
        } else if (token != NOP) {
            return;
        }
    }
}

static bool is_ram(uint64_t address)
{
    for (unsigned n = 0; n < range_count; n++) {
        if (address >= ranges[n].base && address < ranges[n].end) {
            return true;
        }
    }
    return false;
}

/* Our image, stacks included, and the device tree stay as they are. */
static bool is_ours(uint64_t block)
{
    uint64_t self = (uint64_t)(uintptr_t)guest_main & ~(BLOCK - 1U);

    return block == self || (block < tree_end && block + BLOCK > tree);
}

static volatile uint64_t *word(uint64_t address)
{
    return (volatile uint64_t *)(uintptr_t)address;
}

static volatile uint8_t *byte(uint64_t address)
{
    return (volatile uint8_t *)(uintptr_t)address;
}

static void check_byte_there(uint64_t address)
{
    uint8_t before = *byte(address);

    *byte(address) = (uint8_t)~before;
    check_equal_at("a byte of RAM", address, *byte(address), (uint8_t)~before);
    *byte(address) = before;
    check_no_fault("... without a fault");
}

static void check_byte_absent(uint64_t address)
{
    (void)*byte(address);
    check_equal_at("a read beside RAM: FAR", address, check_last.far, address);
    check_fault("... an external abort", DABORT, 0x200007fU, (1U << 25) | EXTERNAL);
    *byte(address) = 1;
    check_equal_at("a write beside RAM: FAR", address, check_last.far, address);
    check_fault("... an external abort of a write", DABORT, 0x200007fU, (1U << 25) | EXTERNAL | WNR);
}

static void check_edges(const struct range *r)
{
    check_byte_there(r->base);
    check_byte_there(r->end - 1U);
    if (!is_ram(r->end)) {
        check_byte_absent(r->end);
    }
    if (!is_ram(r->base - 1U)) {
        check_byte_absent(r->base - 1U);
    }
}

/* The first and last word of each 2 MiB get their own addresses, and hold them when all have been written. */
static uint64_t walk(const struct range *r, bool write)
{
    uint64_t wrong = 0;

    for (uint64_t block = r->base; block < r->end; block += BLOCK) {
        uint64_t first = block;
        uint64_t last = block + BLOCK - 8U;

        if (is_ours(block)) {
            continue;
        }
        if (write) {
            wrong += *word(first) != 0U || *word(last) != 0U ? 1U : 0U;
            *word(first) = ~first;
            *word(last) = ~last;
        } else {
            wrong += *word(first) != ~first || *word(last) != ~last ? 1U : 0U;
        }
    }
    return wrong;
}

void guest_main(uint64_t device_tree)
{
    uint64_t total = 0;

    tree = device_tree;
    find_ranges();
    check("the tree has memory", range_count > 0U);
    for (unsigned n = 0; n < range_count; n++) {
        check_edges(&ranges[n]);
        check_equal_at("each 2 MiB is zero at entry", ranges[n].base, walk(&ranges[n], true), 0);
        total += ranges[n].end - ranges[n].base;
        guest_print("ram ");
        guest_print_hex(ranges[n].base);
        guest_print(" ");
        guest_print_hex(ranges[n].end);
        guest_print("\n");
    }
    for (unsigned n = 0; n < range_count; n++) {
        check_equal_at("each 2 MiB is memory of its own", ranges[n].base, walk(&ranges[n], false), 0);
    }
    check_no_fault("no fault on the way");
    guest_print_number(total >> 20);
    guest_print(" MiB\n");
    (void)check_end("MEMORY");
}
