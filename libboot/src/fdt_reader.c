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

static int malformed(const struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault, const char *problem)
{
    return refuse(fault, ASH_EFORMAT, "structure block, byte", (uint64_t)fdt->offset, problem,
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
    *fdt = fresh;
    return ASH_OK;
}

static int begin_node(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    if (fdt->nesting == 0U && fdt->root_seen) {
        return malformed(fdt, fault, "a second root node");
    }
    /* fdt_next_tag() has found the name's NUL. */
    fdt->name = (const char *)fdt_offset_ptr(fdt->tree, fdt->offset + (int)FDT_TAGSIZE, 1);
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
    return ASH_BOOT_FDT_END_;
}

static int property(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    const struct fdt_property *header =
        (const struct fdt_property *)fdt_offset_ptr(fdt->tree, fdt->offset, sizeof(struct fdt_property));

    if (header == NULL || !fdt->properties_may_follow) {
        return malformed(fdt, fault, "a property outside a node or after a sub-node");
    }
    fdt->name = fdt_get_string(fdt->tree, (int)fdt32_ld(&header->nameoff), NULL);
    if (fdt->name == NULL) {
        return malformed(fdt, fault, "a property whose name lies outside the strings block");
    }
    fdt->value.data = header->data;
    fdt->value.size = fdt32_ld(&header->len);
    fdt->depth = fdt->nesting - 1U;
    return ASH_BOOT_FDT_PROPERTY_;
}

/** libfdt before 1.7.0 adds a property's length to the offset without looking for an overflow, and then walks in
 *  circles: a length is checked here before fdt_next_tag() sees it. */
static bool tag_fits(const struct ash_boot_fdt_ *fdt)
{
    const fdt32_t *tag = (const fdt32_t *)fdt_offset_ptr(fdt->tree, fdt->offset, sizeof(*tag));
    const struct fdt_property *header;

    if (tag == NULL || fdt32_ld(tag) != FDT_PROP) {
        return tag != NULL;
    }
    header = (const struct fdt_property *)fdt_offset_ptr(fdt->tree, fdt->offset, sizeof(*header));
    return header != NULL && fdt32_ld(&header->len) <= fdt_size_dt_struct(fdt->tree) &&
           fdt_offset_ptr(fdt->tree, fdt->offset, (unsigned)sizeof(*header) + fdt32_ld(&header->len)) != NULL;
}

int ash_boot_fdt_next_(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    for (;;) {
        int next = 0;
        int event = -1;
        uint32_t tag;

        if (!tag_fits(fdt)) {
            return malformed(fdt, fault, "a tag reaches past the end");
        }
        tag = fdt_next_tag(fdt->tree, fdt->offset, &next);
        if (next < 0) {
            return malformed(fdt, fault, "not a tag, or one that reaches past the end");
        }
        if (tag == FDT_BEGIN_NODE) {
            event = begin_node(fdt, fault);
        } else if (tag == FDT_END_NODE) {
            event = end_node(fdt, fault);
        } else if (tag == FDT_PROP) {
            event = property(fdt, fault);
        } else if (tag == FDT_END) {
            return fdt->nesting == 0U && fdt->root_seen ? (int)ASH_BOOT_FDT_DONE_
                                                        : malformed(fdt, fault, "the end inside a node");
        } else {
            fdt->offset = next; /* FDT_NOP */
            continue;
        }
        if (event >= 0) {
            fdt->offset = next;
        }
        return event;
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
    bool at_start = true;

    if (list.size == 0U || bytes[list.size - 1U] != '\0') {
        return false;
    }
    for (size_t i = 0; i < list.size; i++) {
        if (at_start && ash_boot_strings_equal_(&bytes[i], string)) {
            return true;
        }
        at_start = bytes[i] == '\0';
    }
    return false;
}
