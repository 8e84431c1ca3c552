/* SPDX-License-Identifier: BSD-2-Clause */
/** What the sources of libboot share. */
#ifndef LIBBOOT_INTERNAL_H
#define LIBBOOT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libfdt.h>

#include <libbase/bits.h>

#include <libboot/board.h>
#include <libboot/config.h>
#include <libboot/fault.h>
#include <libboot/span.h>

/* text.c: text into a buffer of fixed size, cut where it ends, always terminated. */

struct ash_boot_text_ {
    char *buffer;
    size_t size;
    size_t length; /* of the whole text, also of what was cut */
};

void ash_boot_text_begin_(struct ash_boot_text_ *text, char *buffer, size_t size);
void ash_boot_text_char_(struct ash_boot_text_ *text, char c);
/** As it is. @string may be NULL (nothing). */
void ash_boot_text_literal_(struct ash_boot_text_ *text, const char *string);
/** What is not printable ASCII becomes '?'. @string may be NULL (nothing). */
void ash_boot_text_string_(struct ash_boot_text_ *text, const char *string);
/** Decimal up to 9999, hexadecimal with 0x above. */
void ash_boot_text_number_(struct ash_boot_text_ *text, uint64_t number);
/** Hexadecimal without 0x. */
void ash_boot_text_hex_(struct ash_boot_text_ *text, uint64_t number);
/** A property's bytes as one would write them in a .dts. */
void ash_boot_text_property_(struct ash_boot_text_ *text, struct ash_boot_span value);
/** Copy @from, printable, into [to, to+size); what does not fit ends in "...". @from may be NULL. */
void ash_boot_copy_text_(char *to, size_t size, const char *from);

size_t ash_boot_string_length_(const char *string);
bool ash_boot_same_rest_(const char *a, const char *b);

/** Most strings differ in their first two characters: no call for these. */
static inline bool ash_boot_strings_equal_(const char *a, const char *b)
{
    return a[0] == b[0] && (a[0] == '\0' || (a[1] == b[1] && ash_boot_same_rest_(&a[1], &b[1])));
}

/* fdt_reader.c: a flattened tree, tag by tag, every byte checked before it is used. */

enum ash_boot_fdt_event_ {
    ASH_BOOT_FDT_BEGIN_,    /* a node: name, depth (the root is 0) */
    ASH_BOOT_FDT_PROPERTY_, /* name, value; of the node at depth */
    ASH_BOOT_FDT_END_,      /* of the node at depth */
    ASH_BOOT_FDT_DONE_
};

struct ash_boot_fdt_ {
    const void *tree;
    const uint8_t *structure; /* the blocks: inside the tree, by the header as it was when it was checked */
    const uint8_t *end;       /* of that one */
    const uint8_t *at;        /* the next tag in it */
    const char *strings;
    size_t strings_size; /* up to the last NUL: what begins below it ends in it */
    const char *name;
    struct ash_boot_span value;
    unsigned depth;   /* of the event's node */
    unsigned nesting; /* nodes open now */
    bool properties_may_follow;
    bool root_seen;
};

/** Check the header. Returns ASH_OK, ASH_EINVAL (alignment), ASH_ETRUNC, ASH_EFORMAT; @fault without a file. */
int ash_boot_fdt_open_(struct ash_boot_fdt_ *fdt, const void *data, size_t size,
                       struct ash_boot_fault *fault);

/* Devicetree Specification v0.4, 5.4.1: FDT_PROP, length, offset of the name; then the value. */
#define ASH_BOOT_FDT_PROPERTY_SIZE_ 12U

/** A cell of the structure block, which is aligned (ash_boot_fdt_open_()). */
static inline uint32_t ash_boot_fdt_cell_(const uint8_t *at)
{
    return fdt32_to_cpu(*(const fdt32_t *)(const void *)at);
}

/** Go behind the next tag if it is a well-formed property where one may stand. */
static inline bool ash_boot_fdt_take_property_(struct ash_boot_fdt_ *fdt)
{
    const uint8_t *at = fdt->at;
    size_t left = (size_t)(fdt->end - at);
    uint64_t size;
    uint32_t name;

    if (left < ASH_BOOT_FDT_PROPERTY_SIZE_ || ash_boot_fdt_cell_(at) != FDT_PROP ||
        !fdt->properties_may_follow) {
        return false;
    }
    fdt->value.size = ash_boot_fdt_cell_(&at[4]);
    fdt->value.data = &at[ASH_BOOT_FDT_PROPERTY_SIZE_];
    size = ash_align_up(ASH_BOOT_FDT_PROPERTY_SIZE_ + (uint64_t)fdt->value.size, FDT_TAGSIZE);
    name = ash_boot_fdt_cell_(&at[8]);
    if (size > left || name >= fdt->strings_size) {
        return false;
    }
    fdt->name = &fdt->strings[name];
    fdt->at = &at[size];
    return true; /* depth: that of the node's begin */
}

/** ash_boot_fdt_next_(), whatever the next tag is. */
int ash_boot_fdt_next_any_(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault);

/** The next event, or ASH_EFORMAT or ASH_ETRUNC. Most tags of a tree are properties: for those there is no call. */
static inline int ash_boot_fdt_next_(struct ash_boot_fdt_ *fdt, struct ash_boot_fault *fault)
{
    return ash_boot_fdt_take_property_(fdt) ? (int)ASH_BOOT_FDT_PROPERTY_
                                            : ash_boot_fdt_next_any_(fdt, fault);
}

/** The number in @cells (1 or 2) cells at @at. */
uint64_t ash_boot_fdt_cells_(const uint8_t *at, unsigned cells);

/** Is @value one string: not empty of bytes, one NUL, at its end? */
bool ash_boot_fdt_is_string_(struct ash_boot_span value);

/** Is @string in the string list @list? A list that does not end is none. */
bool ash_boot_fdt_list_has_(struct ash_boot_span list, const char *string);

/* config_properties.c: the properties of one VM's node. */

#define ASH_BOOT_VM_PROPERTIES_ 40U /* their numbers are below */

struct ash_boot_vm_reader_ {
    struct ash_boot_vm *vm;
    const char *node_name;                               /* not cut */
    uint64_t seen;                                       /* bits by the property table's @same */
    struct ash_boot_span value[ASH_BOOT_VM_PROPERTIES_]; /* likewise; as it stands in the tree */
    struct ash_boot_virtio *device;                      /* whose node is open; NULL: none */
    uint32_t device_seen;                                /* its properties so far */
};

/** A VM's or a pipe's: 1..31 letters, digits, '-', '_', '.'. */
bool ash_boot_is_name_(const char *name);

/** A text of at most @most bytes, NUL included, without control characters: NULL, or what is wrong with @value. */
const char *ash_boot_parse_text_(struct ash_boot_span value, size_t most, const char **text);

/** @value as one would write it, cut where @size ends; of no value an empty text. */
void ash_boot_value_text_(char *to, size_t size, struct ash_boot_span value);

/** One property of the VM's node: into the VM, or its fault. */
void ash_boot_vm_property_(struct ash_boot_vm_reader_ *reader, const char *name, struct ash_boot_span value);

/** Does @range overlap one of @vm's? */
bool ash_boot_vm_memory_meets_(const struct ash_boot_vm *vm, const struct ash_boot_vm_memory *range);

/** The node has ended: defaults, what is missing, what contradicts. @cpus as in struct ash_boot_config. */
void ash_boot_vm_finish_(struct ash_boot_vm_reader_ *reader, unsigned cpus);

/* config_life.c: of those, the ones that say how it lives. NULL, or what is wrong with @value. */

const char *ash_boot_parse_on_poweroff_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_on_reset_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_on_crash_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_restart_limit_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_pause_stops_time_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_shutdown_timeout_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_autostart_(struct ash_boot_vm *vm, struct ash_boot_span value);

/* config_machine.c. NULL, or what is wrong with @value; and what contradicts the machine. */

const char *ash_boot_parse_machine_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_parse_dtb_(struct ash_boot_vm *vm, struct ash_boot_span value);
void ash_boot_vm_check_machine_(struct ash_boot_vm *vm);

/* config_console.c. NULL, or what is wrong with @value; then *@allowed says what is not. */

const char *ash_boot_parse_console_buffer_(struct ash_boot_vm *vm, struct ash_boot_span value);
const char *ash_boot_console_property_(struct ash_boot_config *config, const char *name,
                                       struct ash_boot_span value, const char **allowed);

/* config_virtio.c: the nodes below a VM's, and those of switches. */

void ash_boot_virtio_begin_(struct ash_boot_vm_reader_ *reader, const char *name);
void ash_boot_virtio_property_(struct ash_boot_vm_reader_ *reader, const char *name,
                               struct ash_boot_span value);
void ash_boot_virtio_end_(struct ash_boot_vm_reader_ *reader);

/** All of @vm's are read. Then: against those of an earlier VM. */
void ash_boot_virtio_finish_(struct ash_boot_vm *vm);
void ash_boot_virtio_compare_(struct ash_boot_vm *vm, const struct ash_boot_vm *other);

/** NULL, or what is wrong with @value; then *@allowed says what is not. */
const char *ash_boot_switch_property_(struct ash_boot_switch *to, const char *name,
                                      struct ash_boot_span value, const char **allowed);

/** All is read: each port finds its switch. */
void ash_boot_virtio_connect_(struct ash_boot_config *config);

/* config_pipes.c */

/** A list of at most @most names: NULL, or what is wrong with it. */
const char *ash_boot_parse_pipes_(struct ash_boot_span value, unsigned most, struct ash_boot_virtio *device);

/** All is read: each pipe has two ends. */
void ash_boot_pipes_connect_(struct ash_boot_config *config);

/* board.c: the pass over the board's tree; board_devices.c: what its nodes mean. */

#define ASH_BOOT_BOARD_DEPTH_ 12U /* deeper nodes are skipped */
#define ASH_BOOT_BOARD_UARTS_ 16U /* candidates for stdout-path */
#define ASH_BOOT_KNOWN_NAMES_ 64U /* property names looked up lately, by their place */

/** The properties that are kept of the node being read. */
enum ash_boot_slot_ {
    ASH_BOOT_SLOT_COMPATIBLE_,
    ASH_BOOT_SLOT_REG_,
    ASH_BOOT_SLOT_DEVICE_TYPE_,
    ASH_BOOT_SLOT_INTERRUPTS_,
    ASH_BOOT_SLOT_INTERRUPT_CELLS_,
    ASH_BOOT_SLOT_METHOD_,
    ASH_BOOT_SLOT_ENABLE_METHOD_,
    ASH_BOOT_SLOT_RELEASE_,
    ASH_BOOT_SLOT_NO_MAP_,
    ASH_BOOT_SLOT_REGIONS_,
    ASH_BOOT_SLOT_STRIDE_,
    ASH_BOOT_SLOT_CLOCK_,
    ASH_BOOT_SLOT_MODEL_,
    ASH_BOOT_SLOT_STATUS_,
    ASH_BOOT_SLOT_ADDRESS_CELLS_,
    ASH_BOOT_SLOT_SIZE_CELLS_,
    ASH_BOOT_SLOT_RANGES_,
    ASH_BOOT_SLOT_PHANDLE_,
    ASH_BOOT_SLOT_INTERRUPT_PARENT_,
    ASH_BOOT_SLOTS_
};

/** An open node, as a bus for those below. */
struct ash_boot_bus_ {
    const char *name;
    struct ash_boot_span ranges; /* data NULL: no such property; size 0: the identity */
    uint32_t address_cells;
    uint32_t size_cells;
    uint32_t interrupt_parent; /* phandle, inherited; 0: none */
    bool disabled;             /* this node or one above */
};

struct ash_boot_uart_candidate_ {
    enum ash_boot_uart kind;
    char path[ASH_BOOT_PATH_SIZE];
    struct ash_boot_region region;
    struct ash_boot_span interrupts;
};

/** Whose properties come now. */
enum ash_boot_gathering_ {
    ASH_BOOT_GATHERING_NONE_, /* of a node that is skipped, or that is complete */
    ASH_BOOT_GATHERING_NODE_,
    ASH_BOOT_GATHERING_CHOSEN_
};

/** The state of the pass. */
struct ash_boot_board_pass_ {
    struct ash_boot_board *board;
    struct ash_boot_fault *fault;
    int (*visit)(void *arg, const struct ash_boot_device *device); /* NULL: the nodes are judged instead */
    void *visit_arg;
    struct ash_boot_fdt_ fdt;
    struct ash_boot_fdt_ aliases; /* where the properties of /aliases begin; tree NULL: none */
    enum ash_boot_gathering_ gathering;
    unsigned depth; /* of that node; buses[depth] is its own */
    struct ash_boot_bus_ buses[ASH_BOOT_BOARD_DEPTH_];
    struct ash_boot_span slots[ASH_BOOT_SLOTS_]; /* of the current node: ash_boot_slot_() */
    uint32_t filled;                             /* which of them it has, a bit each */
    struct {
        const char *name; /* where it stands in the strings block; NULL: none yet */
        unsigned slot;    /* ASH_BOOT_SLOTS_: none of ours */
    } known[ASH_BOOT_KNOWN_NAMES_];

    /* For the end, when the interrupt controller and the console's path are known. */
    struct ash_boot_span stdout_path;
    struct ash_boot_span initrd_start;
    struct ash_boot_span initrd_end;
    struct ash_boot_span timer_interrupts;
    struct ash_boot_span gic_interrupts;
    uint32_t bcm_arm_phandle;
    uint32_t interrupt_cells;
    unsigned uart_count;
    struct ash_boot_uart_candidate_ uarts[ASH_BOOT_BOARD_UARTS_];
};

/** Has the current node one of these properties? @slots: a bit each. */
static inline bool ash_boot_has_slot_(const struct ash_boot_board_pass_ *pass, uint32_t slots)
{
    return (pass->filled & slots) != 0U;
}

/** The current node's property; data NULL: it has none. */
static inline struct ash_boot_span ash_boot_slot_(const struct ash_boot_board_pass_ *pass,
                                                  enum ash_boot_slot_ which)
{
    static const struct ash_boot_span none = {NULL, 0};

    return ash_boot_has_slot_(pass, 1U << which) ? pass->slots[which] : none;
}

/** The fault of the current node's @property. Returns @code. */
int ash_boot_board_refuse_(struct ash_boot_board_pass_ *pass, int code, const char *property,
                           struct ash_boot_span value, const char *problem, const char *allowed);

/** The path of the current node, cut where @size ends. */
void ash_boot_board_path_(const struct ash_boot_board_pass_ *pass, char *path, size_t size);

/** All properties of the current node are in slots: what does it mean? */
int ash_boot_board_judge_(struct ash_boot_board_pass_ *pass);

/** The same where devices are visited: what visit() returned, or an error. */
int ash_boot_board_visit_(struct ash_boot_board_pass_ *pass);

#define ASH_BOOT_BCM_CELLS_ 2U /* #interrupt-cells of both controllers */

/** Interrupt @index of the timer's node, which is the BCM2836's; it stays as it is if there is none. */
void ash_boot_board_bcm_timer_(const struct ash_boot_board_pass_ *pass, unsigned index,
                               struct ash_boot_interrupt *interrupt);

/** Decode interrupt @index of @interrupts for the board's GIC; false: there is none, or not for a GIC. */
bool ash_boot_board_interrupt_(const struct ash_boot_board_pass_ *pass, struct ash_boot_span interrupts,
                               unsigned index, struct ash_boot_interrupt *interrupt);

#endif
