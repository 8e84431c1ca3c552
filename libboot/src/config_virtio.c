/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's virtio devices: the nodes virtio_* below its own. */
#include <libbase/bits.h>
#include <libbase/checked.h>
#include <libbase/compiler.h>
#include <libbase/endian.h>
#include <libbase/mem.h>

#include "internal.h"

#define RANGE_GRANULE  UINT64_C(0x1000)
#define FILE_NAME_SIZE 256U /* bytes, NUL included */
#define CIDS           "one cell, 3..4294967294, each VM its own"

static const char not_a_number[] = "is not a number of the right width";
static const char out_of_range[] = "is out of range";
static const char has_a_value[] = "has a value";

static const char *const kind_names[] = {
    [ASH_BOOT_VIRTIO_BLK] = "virtio_blk",     [ASH_BOOT_VIRTIO_NET] = "virtio_net",
    [ASH_BOOT_VIRTIO_RNG] = "virtio_rng",     [ASH_BOOT_VIRTIO_CONSOLE] = "virtio_console",
    [ASH_BOOT_VIRTIO_VSOCK] = "virtio_vsock",
};

const char *ash_boot_virtio_kind_name(enum ash_boot_virtio_kind kind)
{
    return (unsigned)kind < ASH_ARRAY_SIZE(kind_names) ? kind_names[kind] : "?";
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/** NULL, or what is wrong. One cell, @least..@most. */
static const char *number(struct ash_boot_span value, uint32_t least, uint32_t most, uint32_t *to)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    *to = ash_load_be32(value.data);
    return *to >= least && *to <= most ? NULL : out_of_range;
}

static const char *flag(struct ash_boot_span value, bool *to)
{
    *to = true;
    return value.size == 0U ? NULL : has_a_value;
}

static const char *parse_image(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return value.size == 1U ? "is empty" : ash_boot_parse_text_(value, FILE_NAME_SIZE, &device->image);
}

static const char *parse_range(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    const uint8_t *cells = (const uint8_t *)value.data;

    if (value.size != 16U) {
        return "has a wrong number of cells";
    }
    device->range.base = ash_load_be64(cells);
    device->range.size = ash_load_be64(&cells[8]);
    if (!ash_is_aligned(device->range.base | device->range.size, RANGE_GRANULE)) {
        return "is not aligned";
    }
    return device->range.size != 0U && ash_range_ok(device->range.base, device->range.size) ? NULL
                                                                                            : out_of_range;
}

static const char *parse_read_only(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return flag(value, &device->read_only);
}

static const char *parse_overlay(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return flag(value, &device->overlay);
}

static const char *parse_overlay_size(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    if (value.size != 8U) {
        return not_a_number;
    }
    device->overlay_size = ash_load_be64(value.data);
    if (!ash_is_aligned(device->overlay_size, RANGE_GRANULE)) {
        return "is not aligned";
    }
    return device->overlay_size != 0U && device->overlay_size <= ASH_BOOT_OVERLAY_MAX ? NULL : out_of_range;
}

static const char *parse_serial(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    const char *text;
    const char *problem = ash_boot_parse_text_(value, sizeof(device->serial), &text);

    if (problem == NULL) {
        memcpy(device->serial, text, value.size);
    }
    return problem;
}

static const char *parse_queues(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return number(value, 1, ASH_BOOT_VIRTIO_QUEUES_MAX, &device->queues);
}

static const char *parse_block_size(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    const char *problem = number(value, ASH_BOOT_DISK_SECTOR, ASH_BOOT_BLOCK_MAX, &device->block_size);

    return problem == NULL && !ash_is_power_of_two(device->block_size) ? "is no power of two" : problem;
}

static const char *parse_rings(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    const char *text;
    const char *problem = ash_boot_parse_text_(value, sizeof("packed"), &text);

    if (problem != NULL) {
        return problem;
    }
    device->split_rings = ash_boot_strings_equal_(text, "split");
    return device->split_rings || ash_boot_strings_equal_(text, "packed") ? NULL : "is unknown";
}

static const char *parse_switch(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return value.size == 1U ? "is empty"
                            : ash_boot_parse_text_(value, ASH_BOOT_SWITCH_NAME_SIZE, &device->switch_name);
}

static const char *parse_mac(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    static const uint8_t none[ASH_BOOT_MAC_SIZE];

    if (value.size != ASH_BOOT_MAC_SIZE) {
        return "has a wrong length";
    }
    memcpy(device->mac, value.data, ASH_BOOT_MAC_SIZE);
    device->has_mac = true;
    if (memcmp(device->mac, none, sizeof(none)) == 0) {
        return "is no address";
    }
    return (device->mac[0] & 1U) == 0U ? NULL : "is a group's address"; /* IEEE 802: the first bit sent */
}

static const char *parse_vlan(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return number(value, 0, ASH_BOOT_VLAN_MAX, &device->vlan);
}

static const char *parse_isolated(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return flag(value, &device->isolated);
}

static const char *parse_rate(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return number(value, 1, ASH_BOOT_RATE_MAX, &device->rate_kbps);
}

static const char *parse_ports(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return number(value, 1, ASH_BOOT_CONSOLE_PORTS_MAX, &device->ports);
}

static const char *parse_pipes(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return ash_boot_parse_pipes_(value, ASH_BOOT_PIPES_MAX, device);
}

static const char *parse_served(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return ash_boot_parse_pipes_(value, 1, device);
}

static const char *parse_size(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    if (value.size != 8U) {
        return not_a_number;
    }
    device->size = ash_load_be64(value.data);
    if (!ash_is_aligned(device->size, ASH_BOOT_DISK_SECTOR)) {
        return "is not aligned";
    }
    return device->size != 0U && device->size <= ASH_BOOT_SERVED_MAX ? NULL : out_of_range;
}

static const char *parse_timeout(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return number(value, 1, ASH_BOOT_SERVED_TIMEOUT_MAX, &device->timeout_ms);
}

static const char *parse_cid(struct ash_boot_virtio *device, struct ash_boot_span value)
{
    return number(value, ASH_BOOT_CID_MIN, ASH_BOOT_CID_MAX, &device->cid);
}

/* ---- Properties -------------------------------------------------------------------------------------------------- */

enum {
    IMAGE,
    RANGE,
    READ_ONLY,
    OVERLAY,
    OVERLAY_SIZE,
    SERIAL,
    QUEUES,
    SERVED,
    SIZE,
    TIMEOUT,
    BLOCK_SIZE,
    RINGS,
    SWITCH,
    MAC,
    VLAN,
    ISOLATED,
    RATE,
    PAIRS,
    PORTS,
    PIPES,
    CID
};

#define ANY_KIND ASH_BOOT_VIRTIO_KINDS

/** A property of devices of one kind, or of any; in the order of the names above. */
static const struct rule {
    const char *name;
    const char *(*parse)(struct ash_boot_virtio *device, struct ash_boot_span value);
    enum ash_boot_virtio_kind kind;
    const char *allowed;
} rules[] = {
    [IMAGE] = {"image", parse_image, ASH_BOOT_VIRTIO_BLK, "the name of a file in the bundle"},
    [RANGE] = {"memory-range", parse_range, ASH_BOOT_VIRTIO_BLK,
               "<base-high base-low size-high size-low>, bytes, multiples of 4 KiB"},
    [READ_ONLY] = {"read-only", parse_read_only, ASH_BOOT_VIRTIO_BLK, "no value: read-only;"},
    [OVERLAY] = {"overlay", parse_overlay, ASH_BOOT_VIRTIO_BLK, "no value: overlay;"},
    [OVERLAY_SIZE] = {"overlay-size", parse_overlay_size, ASH_BOOT_VIRTIO_BLK,
                      "<size-high size-low>, bytes, a multiple of 4 KiB, at most 1 TiB"},
    [SERIAL] = {"serial", parse_serial, ASH_BOOT_VIRTIO_BLK, "one string, 20 characters at most"},
    [QUEUES] = {"queues", parse_queues, ASH_BOOT_VIRTIO_BLK, "one cell, 1..8"},
    [SERVED] = {"served-by", parse_served, ASH_BOOT_VIRTIO_BLK,
                "the name of a pipe: 1..31 letters, digits, '-', '_', '.'"},
    [SIZE] = {"size", parse_size, ASH_BOOT_VIRTIO_BLK,
              "<size-high size-low>, bytes, a multiple of 512, at most 1 PiB"},
    [TIMEOUT] = {"timeout-ms", parse_timeout, ASH_BOOT_VIRTIO_BLK, "one cell, milliseconds, 1..3600000"},
    [BLOCK_SIZE] = {"block-size", parse_block_size, ASH_BOOT_VIRTIO_BLK,
                    "one cell, bytes: 512, 1024, 2048 or 4096"},
    [RINGS] = {"rings", parse_rings, ANY_KIND, "\"packed\" or \"split\""},
    [SWITCH] = {"switch", parse_switch, ASH_BOOT_VIRTIO_NET, "the name of a node in /vms/switches"},
    [MAC] = {"mac", parse_mac, ASH_BOOT_VIRTIO_NET, "6 bytes: [52 54 00 00 00 01]; each of a switch its own"},
    [VLAN] = {"vlan", parse_vlan, ASH_BOOT_VIRTIO_NET, "one cell, 0..4094; 0: untagged, as without it"},
    [ISOLATED] = {"isolated", parse_isolated, ASH_BOOT_VIRTIO_NET, "no value: isolated;"},
    [RATE] = {"rate-limit-kbps", parse_rate, ASH_BOOT_VIRTIO_NET, "one cell, kbit/s, 1..100000000"},
    [PAIRS] = {"queue-pairs", parse_queues, ASH_BOOT_VIRTIO_NET, "one cell, 1..8"},
    [PORTS] = {"ports", parse_ports, ASH_BOOT_VIRTIO_CONSOLE, "one cell, 1..8"},
    [PIPES] = {"pipes", parse_pipes, ASH_BOOT_VIRTIO_CONSOLE,
               "1..7 names, each 1..31 letters, digits, '-', '_', '.'"},
    [CID] = {"cid", parse_cid, ASH_BOOT_VIRTIO_VSOCK, CIDS},
};

static const char *const known[] = {
    [ASH_BOOT_VIRTIO_BLK] = ("image memory-range read-only overlay overlay-size serial queues served-by size "
                             "timeout-ms block-size rings"),
    [ASH_BOOT_VIRTIO_NET] = "switch mac vlan isolated rate-limit-kbps queue-pairs rings",
    [ASH_BOOT_VIRTIO_RNG] = "rings",
    [ASH_BOOT_VIRTIO_CONSOLE] = "ports pipes rings",
    [ASH_BOOT_VIRTIO_VSOCK] = "cid rings",
};

int ash_boot_virtio_refuse(struct ash_boot_vm *vm, const struct ash_boot_virtio *device, int code,
                           const char *property, const char *value, const char *problem, const char *allowed)
{
    char path[ASH_BOOT_FAULT_NODE_SIZE];
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, path, sizeof(path));
    ash_boot_text_literal_(&text, "/vms/");
    ash_boot_text_string_(&text, vm->node);
    ash_boot_text_char_(&text, '/');
    ash_boot_text_string_(&text, device->node);
    return ash_boot_fault_set(&vm->fault, code, vm->file != NULL ? vm->file : "vms.dtb", vm->name, path,
                              property, value, problem, allowed);
}

static void refuse(struct ash_boot_vm *vm, const struct ash_boot_virtio *device, int code,
                   const char *property, struct ash_boot_span value, const char *problem, const char *allowed)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];

    if (vm->fault.code == ASH_OK) { /* the first mistake is the one to mend first */
        ash_boot_value_text_(text, sizeof(text), value);
        (void)ash_boot_virtio_refuse(vm, device, code, property, text, problem, allowed);
    }
}

/** Is @name @kind, or that with a unit address? */
static bool is_kind(const char *name, const char *kind)
{
    while (*kind != '\0' && *name == *kind) {
        name++;
        kind++;
    }
    return *kind == '\0' && (*name == '\0' || *name == '@');
}

void ash_boot_virtio_begin_(struct ash_boot_vm_reader_ *reader, const char *name)
{
    struct ash_boot_vm *vm = reader->vm;
    struct ash_boot_virtio *device = &vm->virtio[vm->virtio_count];
    unsigned kind = 0;

    reader->device = NULL;
    reader->device_seen = 0;
    if (vm->fault.code != ASH_OK) {
        return;
    }
    while (kind < ASH_ARRAY_SIZE(kind_names) && !is_kind(name, kind_names[kind])) {
        kind++;
    }
    if (kind == ASH_ARRAY_SIZE(kind_names)) {
        (void)ash_boot_vm_refuse(
            vm, ASH_EFORMAT, name, NULL, "is an unknown sub-node",
            "properties, and virtio_blk virtio_net virtio_rng virtio_console virtio_vsock");
        return;
    }
    if (vm->virtio_count == ASH_BOOT_VIRTIO_MAX) {
        (void)ash_boot_vm_refuse(vm, ASH_ENOSPC, name, NULL, "is one device too many", "8 virtio devices");
        return;
    }
    memset(device, 0, sizeof(*device));
    device->kind = (enum ash_boot_virtio_kind)kind;
    device->node = name;
    device->queues = 1;
    device->block_size = ASH_BOOT_DISK_SECTOR;
    device->ports = 1;
    vm->virtio_count++;
    reader->device = device;
}

void ash_boot_virtio_property_(struct ash_boot_vm_reader_ *reader, const char *name,
                               struct ash_boot_span value)
{
    struct ash_boot_virtio *device = reader->device;
    struct ash_boot_vm *vm = reader->vm;
    const char *problem;
    unsigned i = 0;

    if (device == NULL || ash_boot_strings_equal_(name, "phandle")) {
        return;
    }
    while (i < ASH_ARRAY_SIZE(rules) && ((rules[i].kind != device->kind && rules[i].kind != ANY_KIND) ||
                                         !ash_boot_strings_equal_(rules[i].name, name))) {
        i++;
    }
    if (i == ASH_ARRAY_SIZE(rules)) {
        refuse(vm, device, ASH_EFORMAT, name, value, "is an unknown property", known[device->kind]);
        return;
    }
    if ((reader->device_seen & (1U << i)) != 0U) {
        refuse(vm, device, ASH_EEXIST, name, value, "is given twice", "once");
        return;
    }
    reader->device_seen |= 1U << i;
    problem = rules[i].parse(device, value);
    if (problem != NULL) {
        refuse(vm, device, ASH_EFORMAT, name, value, problem, rules[i].allowed);
    }
}

/* ---- The end of a node ------------------------------------------------------------------------------------------- */

/** What a node's properties must not be together. */
static const struct contradiction {
    enum ash_boot_virtio_kind kind;
    unsigned has;   /* bits: all of these are there, ... */
    unsigned lacks; /* ... and none of these */
    unsigned property;
    const char *problem;
    const char *allowed; /* NULL: the property's */
} contradictions[] = {
    {ASH_BOOT_VIRTIO_BLK, 0, 1U << IMAGE | 1U << RANGE | 1U << SERVED, IMAGE, "is missing",
     "the name of a file in the bundle; or memory-range, or served-by"},
    {ASH_BOOT_VIRTIO_BLK, 1U << SERVED | 1U << IMAGE, 0, SERVED, "is given beside image", "one of the two"},
    {ASH_BOOT_VIRTIO_BLK, 1U << SERVED | 1U << RANGE, 0, SERVED, "is given beside memory-range",
     "one of the two"},
    {ASH_BOOT_VIRTIO_BLK, 1U << SERVED, 1U << SIZE, SIZE, "is missing", NULL},
    {ASH_BOOT_VIRTIO_BLK, 1U << SERVED | 1U << OVERLAY, 0, OVERLAY, "has no effect with served-by",
     "leaving it out, or an image"},
    {ASH_BOOT_VIRTIO_BLK, 1U << SERVED | 1U << QUEUES, 0, QUEUES, "has no effect with served-by",
     "leaving it out"},
    {ASH_BOOT_VIRTIO_BLK, 1U << SERVED | 1U << BLOCK_SIZE, 0, BLOCK_SIZE, "has no effect with served-by",
     "leaving it out"},
    {ASH_BOOT_VIRTIO_BLK, 1U << SIZE, 1U << SERVED, SIZE, "has no effect without served-by",
     "leaving it out, or served-by"},
    {ASH_BOOT_VIRTIO_BLK, 1U << TIMEOUT, 1U << SERVED, TIMEOUT, "has no effect without served-by",
     "leaving it out, or served-by"},
    {ASH_BOOT_VIRTIO_BLK, 1U << IMAGE | 1U << RANGE, 0, RANGE, "is given beside image", "one of the two"},
    {ASH_BOOT_VIRTIO_BLK, 1U << OVERLAY | 1U << READ_ONLY, 0, OVERLAY, "is given beside read-only",
     "one of the two"},
    {ASH_BOOT_VIRTIO_BLK, 1U << OVERLAY_SIZE, 1U << OVERLAY, OVERLAY_SIZE, "has no effect without overlay",
     "leaving it out, or overlay"},
    {ASH_BOOT_VIRTIO_NET, 0, 1U << SWITCH, SWITCH, "is missing", NULL},
    {ASH_BOOT_VIRTIO_VSOCK, 0, 1U << CID, CID, "is missing", NULL},
};

static void check_together(struct ash_boot_vm *vm, const struct ash_boot_virtio *device, uint32_t seen)
{
    static const struct ash_boot_span none = {NULL, 0};

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(contradictions); i++) {
        const struct contradiction *c = &contradictions[i];
        const struct rule *rule = &rules[c->property];

        if (c->kind == device->kind && (seen & c->has) == c->has && (seen & c->lacks) == 0U) {
            refuse(vm, device, c->has == 0U ? ASH_ENOENT : ASH_EFORMAT, rule->name, none, c->problem,
                   c->allowed != NULL ? c->allowed : rule->allowed);
        }
    }
}

void ash_boot_virtio_end_(struct ash_boot_vm_reader_ *reader)
{
    static const struct ash_boot_span none = {NULL, 0};
    struct ash_boot_vm *vm = reader->vm;
    struct ash_boot_virtio *device = reader->device;

    reader->device = NULL;
    if (device == NULL) {
        return;
    }
    check_together(vm, device, reader->device_seen);
    if ((reader->device_seen & 1U << PORTS) == 0U) {
        device->ports = 1U + (device->kind == ASH_BOOT_VIRTIO_CONSOLE ? device->pipe_count : 0U);
    } else if (device->ports <= device->pipe_count) {
        refuse(vm, device, ASH_EFORMAT, rules[PORTS].name, none, "are too few for the pipes",
               "one more than there are pipes, or leaving it out");
    }
    for (const struct ash_boot_virtio *other = vm->virtio; other != device; other++) {
        if (device->kind == ASH_BOOT_VIRTIO_VSOCK && other->kind == ASH_BOOT_VIRTIO_VSOCK) {
            refuse(vm, device, ASH_EEXIST, NULL, none, "is a second one", "one virtio_vsock a VM");
        }
    }
}

/* ---- Between devices --------------------------------------------------------------------------------------------- */

/** Locally administered, of QEMU's and KVM's customary range; the rest is the VM's and the device's number. */
static void derive_mac(const struct ash_boot_vm *vm, struct ash_boot_virtio *device)
{
    const uint8_t mac[ASH_BOOT_MAC_SIZE] = {
        0x52, 0x54, 0x00, 0xa5, (uint8_t)vm->vmid, (uint8_t)(device - vm->virtio)};

    memcpy(device->mac, mac, sizeof(mac));
}

/** Does @device say of itself what @other says? */
static void check_pair(struct ash_boot_vm *vm, const struct ash_boot_virtio *device,
                       const struct ash_boot_virtio *other)
{
    struct ash_boot_span mac = {device->mac, ASH_BOOT_MAC_SIZE};
    char value[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ text;

    if (device->kind != other->kind || vm->fault.code != ASH_OK) {
        return;
    }
    if (device->kind == ASH_BOOT_VIRTIO_NET &&
        ash_boot_strings_equal_(device->switch_name, other->switch_name) &&
        memcmp(device->mac, other->mac, ASH_BOOT_MAC_SIZE) == 0) {
        refuse(vm, device, ASH_EEXIST, rules[MAC].name, mac, "is another device's already",
               rules[MAC].allowed);
    } else if (device->kind == ASH_BOOT_VIRTIO_VSOCK && device->cid == other->cid) {
        ash_boot_text_begin_(&text, value, sizeof(value));
        ash_boot_text_char_(&text, '<');
        ash_boot_text_number_(&text, device->cid);
        ash_boot_text_char_(&text, '>');
        (void)ash_boot_virtio_refuse(vm, device, ASH_EEXIST, rules[CID].name, value,
                                     "is another VM's already", CIDS);
    }
}

void ash_boot_virtio_finish_(struct ash_boot_vm *vm)
{
    for (unsigned i = 0; i < vm->virtio_count && vm->fault.code == ASH_OK; i++) {
        struct ash_boot_virtio *device = &vm->virtio[i];

        if (device->kind == ASH_BOOT_VIRTIO_NET && !device->has_mac) {
            derive_mac(vm, device);
        }
        for (unsigned j = 0; j < i; j++) {
            check_pair(vm, device, &vm->virtio[j]);
        }
    }
}

void ash_boot_virtio_compare_(struct ash_boot_vm *vm, const struct ash_boot_vm *other)
{
    for (unsigned i = 0; i < vm->virtio_count; i++) {
        for (unsigned j = 0; j < other->virtio_count; j++) {
            check_pair(vm, &vm->virtio[i], &other->virtio[j]);
        }
    }
}

/* ---- Switches ---------------------------------------------------------------------------------------------------- */

static const char *parse_ageing(struct ash_boot_switch *to, struct ash_boot_span value)
{
    return number(value, 1, ASH_BOOT_AGEING_MAX, &to->ageing_seconds);
}

static const char *parse_switch_rate(struct ash_boot_switch *to, struct ash_boot_span value)
{
    return number(value, 1, ASH_BOOT_RATE_MAX, &to->rate_kbps);
}

static const char *parse_switch_isolated(struct ash_boot_switch *to, struct ash_boot_span value)
{
    return flag(value, &to->isolated);
}

static const char *parse_floods(struct ash_boot_switch *to, struct ash_boot_span value)
{
    return number(value, 0, ASH_BOOT_FLOODS_MAX, &to->floods);
}

const char *ash_boot_switch_property_(struct ash_boot_switch *to, const char *name,
                                      struct ash_boot_span value, const char **allowed)
{
    static const struct {
        const char *name;
        const char *(*parse)(struct ash_boot_switch *to, struct ash_boot_span value);
        const char *allowed;
    } of_switch[] = {
        {"ageing-seconds", parse_ageing, "one cell, seconds, 1..86400"},
        {"rate-limit-kbps", parse_switch_rate, "one cell, kbit/s, 1..100000000"},
        {"isolated", parse_switch_isolated, "no value: isolated;"},
        {"floods-per-second", parse_floods, "one cell, frames, 0..1000000; 0: no limit"},
    };

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(of_switch); i++) {
        if (ash_boot_strings_equal_(of_switch[i].name, name)) {
            *allowed = of_switch[i].allowed;
            return of_switch[i].parse(to, value);
        }
    }
    *allowed = "ageing-seconds rate-limit-kbps isolated floods-per-second";
    return ash_boot_strings_equal_(name, "phandle") ? NULL : "is an unknown property";
}

/** Which switch @device's port is one of. */
static void find_switch(const struct ash_boot_config *config, struct ash_boot_vm *vm,
                        struct ash_boot_virtio *device)
{
    struct ash_boot_span name = {device->switch_name, 0};

    for (unsigned i = 0; i < config->switch_count; i++) {
        if (ash_boot_strings_equal_(config->switches[i].name, device->switch_name)) {
            device->switch_number = i;
            return;
        }
    }
    name.size = (uint32_t)ash_boot_string_length_(device->switch_name) + 1U;
    refuse(vm, device, ASH_ENOENT, rules[SWITCH].name, name, "is not there", rules[SWITCH].allowed);
}

void ash_boot_virtio_connect_(struct ash_boot_config *config)
{
    for (size_t v = 0; v < config->count; v++) {
        struct ash_boot_vm *vm = &config->vms[v];

        for (unsigned i = 0; i < vm->virtio_count && vm->fault.code == ASH_OK; i++) {
            if (vm->virtio[i].kind == ASH_BOOT_VIRTIO_NET) {
                find_switch(config, vm, &vm->virtio[i]);
            }
        }
    }
}
