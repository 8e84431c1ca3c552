/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>

#include <libbase/bits.h>
#include <libbase/endian.h>

#include "internal.h"

/* Devicetree Specification v0.4, 5.2: the header of version 17, the first with size_dt_struct. */
#define HEADER_SIZE 40U
#define VERSION     17U
#define ALIGNMENT   8U

static int refuse(struct ash_boot_fault *fault, int code, const char *property, uint64_t value,
                  const char *problem, const char *allowed)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ number;

    ash_boot_text_begin_(&number, text, sizeof(text));
    ash_boot_text_number_(&number, value);
    return ash_boot_fault_set(fault, code, NULL, NULL, NULL, property, text, problem, allowed);
}

static const char past_the_end[] = "a tag reaches past the end";

/** Apart: what it needs of the stack is not taken for every tag. */
static __attribute__((noinline)) int malformed(const struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault,
                                               const char *problem)
{
    return refuse(fault, ASH_EFORMAT, "structure block, byte", (uint64_t)(fdt->at - fdt->structure), problem,
                  "what the device tree compiler makes");
}

int ash_boot_fdt_open_(struct ash_boot_fdt_ *fdt, const void *data, size_t size, struct ash_boot_fault *fault)
{
    struct ash_boot_fdt_ fresh = {.tree = data};

    if (!ash_is_aligned((uint64_t)(uintptr_t)data, ALIGNMENT)) {
        return refuse(fault, ASH_EINVAL, "address", (uint64_t)(uintptr_t)data, "is not aligned",
                      "a multiple of 8");
    }
    if (size < HEADER_SIZE) {
        return refuse(fault, ASH_ETRUNC, "size", size, "is too small for a device tree", "40 bytes or more");
    }
    if (fdt_magic(data) != FDT_MAGIC) {
        return refuse(fault, ASH_EFORMAT, "magic", fdt_magic(data), "is not a device tree's", "0xd00dfeed");
    }
    if (fdt_version(data) < VERSION || fdt_last_comp_version(data) > VERSION) {
        return refuse(fault, ASH_EFORMAT, "version", fdt_version(data), "is not supported",
                      "17 or compatible");
    }
    if (fdt_totalsize(data) > size) {
        return refuse(fault, ASH_ETRUNC, "totalsize", fdt_totalsize(data), "is more than there is", NULL);
    }
    /* From here on totalsize <= INT_MAX, and the blocks lie inside it. */
    if (fdt_check_header(data) != 0) {
        return refuse(fault, ASH_EFORMAT, "off_dt_struct", fdt_off_dt_struct(data),
                      "or another field of the header contradicts the rest",
                      "what the device tree compiler makes");
    }
    if (fdt_off_dt_struct(data) % FDT_TAGSIZE != 0U) {
        return refuse(fault, ASH_EFORMAT, "off_dt_struct", fdt_off_dt_struct(data), "is not aligned",
                      "a multiple of 4");
    }
    fresh.structure = (const uint8_t *)data + fdt_off_dt_struct(data);
    fresh.end = &fresh.structure[fdt_size_dt_struct(data)];
    fresh.at = fresh.structure;
    fresh.strings = (const char *)data + fdt_off_dt_strings(data);
    fresh.strings_size = fdt_size_dt_strings(data);
    while (fresh.strings_size > 0U && fresh.strings[fresh.strings_size - 1U] != '\0') {
        fresh.strings_size--;
    }
    *fdt = fresh;
    return ASH_OK;
}

/** Is one of the four bytes 0? Taking 1 from each borrows into its highest bit, unless that was set before. */
static bool has_nul(uint32_t bytes)
{
    return ((bytes - 0x01010101U) & ~bytes & 0x80808080U) != 0U;
}

static int begin_node(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    const uint8_t *name = &fdt->at[FDT_TAGSIZE];
    const uint8_t *end = name;
    uint32_t bytes;

    if (fdt->nesting == 0U && fdt->root_seen) {
        return malformed(fdt, fault, "a second root node");
    }
    do { /* by cells: the padding behind the NUL ends with its own (Devicetree Specification v0.4, 5.4.1) */
        if (fdt->end - end < (ptrdiff_t)FDT_TAGSIZE) {
            return malformed(fdt, fault, past_the_end);
        }
        bytes = *(const uint32_t *)(const void *)end;
        end += FDT_TAGSIZE;
    } while (!has_nul(bytes));
    fdt->name = (const char *)name;
    fdt->at = end;
    fdt->root_seen = true;
    fdt->properties_may_follow = true;
    fdt->depth = fdt->nesting++;
    return ASH_BOOT_FDT_BEGIN_;
}

static int end_node(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    if (fdt->nesting == 0U) {
        return malformed(fdt, fault, "the end of a node that never began");
    }
    fdt->properties_may_follow = false;
    fdt->depth = --fdt->nesting;
    fdt->at += FDT_TAGSIZE;
    return ASH_BOOT_FDT_END_;
}

/** A property that was not taken. */
static int refuse_property(const struct ash_boot_fdt_ *fdt, const uint8_t *at, size_t left,
                           struct ash_boot_fault *fault)
{
    if (left < ASH_BOOT_FDT_PROPERTY_SIZE_ ||
        ash_boot_fdt_cell_(&at[4]) > left - ASH_BOOT_FDT_PROPERTY_SIZE_) {
        return malformed(fdt, fault, past_the_end);
    }
    if (!fdt->properties_may_follow) {
        return malformed(fdt, fault, "a property outside a node or after a sub-node");
    }
    if (ash_boot_fdt_cell_(&at[8]) >= fdt->strings_size) {
        return malformed(fdt, fault, "a property whose name lies outside the strings block");
    }
    return malformed(fdt, fault, past_the_end); /* its padding */
}

int ash_boot_fdt_next_any_(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    for (;;) {
        const uint8_t *at = fdt->at;
        size_t left = (size_t)(fdt->end - at);

        if (left < FDT_TAGSIZE) {
            return malformed(fdt, fault, past_the_end);
        }
        switch (ash_boot_fdt_cell_(at)) {
        case FDT_PROP:
            return ash_boot_fdt_take_property_(fdt) ? (int)ASH_BOOT_FDT_PROPERTY_
                                                    : refuse_property(fdt, at, left, fault);
        case FDT_BEGIN_NODE:
            return begin_node(fdt, fault);
        case FDT_END_NODE:
            return end_node(fdt, fault);
        case FDT_NOP:
            fdt->at += FDT_TAGSIZE;
            break;
        case FDT_END:
            return fdt->nesting == 0U && fdt->root_seen ? (int)ASH_BOOT_FDT_DONE_
                                                        : malformed(fdt, fault, "the end inside a node");
        default:
            return malformed(fdt, fault, "not a tag");
        }
    }
}

uint64_t ash_boot_fdt_cells_(const uint8_t *at, unsigned cells)
{
    return cells == 2U ? ash_load_be64(at) : ash_load_be32(at);
}

bool ash_boot_fdt_is_string_(struct ash_boot_span value)
{
    const char *bytes = (const char *)value.data;

    for (size_t i = 0; i < value.size; i++) {
        if (bytes[i] == '\0') {
            return i + 1U == value.size;
        }
    }
    return false;
}

bool ash_boot_fdt_list_has_(struct ash_boot_span list, const char *string)
{
    const char *bytes = (const char *)list.data;
    const char *end;

    if (list.size == 0U || bytes[list.size - 1U] != '\0') {
        return false;
    }
    for (end = bytes + list.size; bytes < end; bytes++) {
        if (*bytes == *string && ash_boot_strings_equal_(bytes, string)) {
            return true;
        }
        while (*bytes != '\0') {
            bytes++;
        }
    }
    return false;
}
