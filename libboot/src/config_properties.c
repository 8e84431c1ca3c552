/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/bits.h>
#include <libbase/checked.h>
#include <libbase/compiler.h>
#include <libbase/endian.h>
#include <libbase/mem.h>

#include "internal.h"

#define MEMORY_GRANULE     UINT64_C(0x200000)
#define ENTRY_GRANULE      UINT64_C(0x1000)
#define TREE_GRANULE       8U   /* Devicetree Specification v0.4, 5.6: where a tree may lie */
#define FILE_NAME_SIZE     256U /* bytes, NUL included */
#define POLICIES           "\"stop\", \"restart\", \"destroy\""
#define CPU_SETS_ALLOWED   "one cell a vCPU: a bit for each of the board's CPUs that it may run on"
#define MEMORY_MIN_ALLOWED "<size-high size-low>, bytes, a multiple of 2 MiB, no more than memory"
#define BUDGET_ALLOWED     "one cell, microseconds, 10..1000000, at most period-us"
#define PERIOD_ALLOWED     "one cell, microseconds, 100..1000000"
#define NAME_CHARACTERS    "1..31 letters, digits, '-', '_', '.'"

/** A parser puts a value into the VM and returns NULL, or says what is wrong with it. */
typedef const char *parser(struct ash_boot_vm *vm, struct ash_boot_span value);

static const char not_a_string[] = "is not one string";
static const char not_a_number[] = "is not a number of the right width";
static const char out_of_range[] = "is out of range";
static const char not_yet[] = "is not supported yet";

bool ash_boot_is_name_(const char *name)
{
    size_t length = 0;

    for (; name[length] != '\0'; length++) {
        char c = name[length];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return length >= 1U && length < ASH_BOOT_VM_NAME_SIZE;
}

static const char *parse_device_type(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    (void)vm;
    return ash_boot_fdt_is_string_(value) &&
                   ash_boot_strings_equal_((const char *)value.data, "virtual_machine")
               ? NULL
               : "is something else";
}

static const char *parse_vmid(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->vmid = ash_load_be32(value.data);
    return vm->vmid <= ASH_BOOT_VMID_MAX ? NULL : out_of_range;
}

static const char *parse_vm_name(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (!ash_boot_fdt_is_string_(value)) {
        return not_a_string;
    }
    if (!ash_boot_is_name_((const char *)value.data)) {
        return "is empty, too long or has other characters";
    }
    memcpy(vm->name, value.data, value.size);
    return NULL;
}

static const char *parse_type(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (ash_boot_fdt_is_string_(value)) {
        const char *type = (const char *)value.data;

        if (ash_boot_strings_equal_(type, "linux")) {
            vm->type = ASH_BOOT_VM_LINUX;
            return NULL;
        }
        if (ash_boot_strings_equal_(type, "bare") || ash_boot_strings_equal_(type, "rtos") ||
            ash_boot_strings_equal_(type, "other")) {
            vm->type = ASH_BOOT_VM_OTHER;
            return NULL;
        }
    }
    return "is not a type of guest";
}

static const char *parse_vcpus(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->vcpus = ash_load_be32(value.data);
    return vm->vcpus >= 1U && vm->vcpus <= ASH_BOOT_VCPUS_MAX ? NULL : out_of_range;
}

static const char *parse_affinity(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    const uint8_t *cells = (const uint8_t *)value.data;

    if (value.size == 0U || value.size % 4U != 0U || value.size / 4U > ASH_BOOT_VCPUS_MAX) {
        return "is not one number a vCPU";
    }
    vm->affinity_count = (unsigned)(value.size / 4U);
    for (unsigned i = 0; i < vm->affinity_count; i++) {
        vm->affinity[i] = ash_load_be32(&cells[4U * i]);
    }
    return NULL;
}

static const char *parse_cpu_sets(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    const uint8_t *cells = (const uint8_t *)value.data;

    if (value.size == 0U || value.size % 4U != 0U || value.size / 4U > ASH_BOOT_VCPUS_MAX) {
        return "is not one number a vCPU";
    }
    vm->cpu_set_count = (unsigned)(value.size / 4U);
    for (unsigned i = 0; i < vm->cpu_set_count; i++) {
        vm->cpu_set[i] = ash_load_be32(&cells[4U * i]);
        if (vm->cpu_set[i] == 0U) {
            return "has an empty set";
        }
    }
    return NULL;
}

bool ash_boot_vm_memory_meets_(const struct ash_boot_vm *vm, const struct ash_boot_vm_memory *range)
{
    for (unsigned i = 0; i < vm->memory_count; i++) {
        if (ash_ranges_overlap(vm->memory[i].base, vm->memory[i].size, range->base, range->size)) {
            return true;
        }
    }
    return false;
}

static const char *check_range(uint64_t base, uint64_t size)
{
    if (!ash_is_aligned(base | size, MEMORY_GRANULE)) {
        return "is not aligned";
    }
    return ash_range_ok(base, size) ? NULL : out_of_range;
}

static const char *parse_memory(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    const uint8_t *cells = (const uint8_t *)value.data;

    if (value.size != 8U && (value.size == 0U || value.size % 16U != 0U)) {
        return "has a wrong number of cells";
    }
    if (value.size / 16U > ASH_BOOT_MEMORY_MAX) {
        return "has too many ranges";
    }
    vm->memory_count = 0;
    if (value.size == 8U) {
        vm->memory_size = ash_load_be64(cells);
        return check_range(0, vm->memory_size);
    }
    vm->memory_size = 0;
    for (size_t at = 0; at < value.size; at += 16U) {
        struct ash_boot_vm_memory range = {ash_load_be64(&cells[at]), ash_load_be64(&cells[at + 8U])};
        const char *problem = check_range(range.base, range.size);

        if (problem != NULL) {
            return problem;
        }
        if (ash_boot_vm_memory_meets_(vm, &range)) {
            return "has ranges that overlap";
        }
        vm->memory[vm->memory_count++] = range;
        vm->memory_size += range.size; /* cannot wrap: the ranges do not overlap */
    }
    return NULL;
}

static const char *parse_memory_min(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 8U) {
        return not_a_number;
    }
    vm->memory_min = ash_load_be64(value.data);
    return check_range(0, vm->memory_min);
}

static const char *parse_setup_data(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U && value.size != 8U) {
        return not_a_number;
    }
    vm->has_setup_data = true;
    vm->setup_data = ash_boot_fdt_cells_((const uint8_t *)value.data, (unsigned)(value.size / 4U));
    return ash_is_aligned(vm->setup_data, TREE_GRANULE) ? NULL : "is not aligned";
}

static const char *parse_entry(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U && value.size != 8U) {
        return not_a_number;
    }
    vm->has_entry = true;
    vm->entry = ash_boot_fdt_cells_((const uint8_t *)value.data, (unsigned)(value.size / 4U));
    return ash_is_aligned(vm->entry, ENTRY_GRANULE) ? NULL : "is not aligned";
}

static bool has_control_character(const char *string)
{
    for (; *string != '\0'; string++) {
        if ((unsigned char)*string < 0x20U || (unsigned char)*string == 0x7FU) {
            return true;
        }
    }
    return false;
}

const char *ash_boot_parse_text_(struct ash_boot_span value, size_t most, const char **text)
{
    if (!ash_boot_fdt_is_string_(value)) {
        return not_a_string;
    }
    if (value.size > most) {
        return "is too long";
    }
    if (has_control_character((const char *)value.data)) {
        return "has a control character";
    }
    *text = (const char *)value.data;
    return NULL;
}

static const char *parse_kernel(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    return value.size == 1U ? "is empty" : ash_boot_parse_text_(value, FILE_NAME_SIZE, &vm->kernel);
}

static const char *parse_ramdisk(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    return value.size == 1U ? "is empty" : ash_boot_parse_text_(value, FILE_NAME_SIZE, &vm->ramdisk);
}

static const char *parse_bootargs(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    return ash_boot_parse_text_(value, ASH_BOOT_BOOTARGS_SIZE, &vm->bootargs);
}

static const char *parse_rng_seed(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size < ASH_BOOT_RNG_SEED_MIN || value.size > ASH_BOOT_RNG_SEED_MAX) {
        return "has a wrong length";
    }
    vm->rng_seed = value;
    return NULL;
}

static const char *parse_ignored(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    (void)vm;
    (void)value;
    return NULL;
}

static const char *parse_32bit(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    (void)vm;
    return value.size == 4U && ash_load_be32(value.data) == 0U ? NULL : not_yet;
}

static const char *parse_smc_allow(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    const uint8_t *cells = (const uint8_t *)value.data;

    if (value.size == 0U || value.size % 4U != 0U || value.size / 4U > ASH_BOOT_SMC_ALLOW_MAX) {
        return "has a wrong number of cells";
    }
    vm->smc_allow_count = (unsigned)(value.size / 4U);
    for (unsigned i = 0; i < vm->smc_allow_count; i++) {
        vm->smc_allow[i] = ash_load_be32(&cells[4U * i]);
    }
    return NULL;
}

static const char *parse_priority(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->priority = ash_load_be32(value.data);
    return vm->priority <= ASH_BOOT_PRIORITY_MAX ? NULL : out_of_range;
}

static const char *parse_time_slice(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->time_slice_us = ash_load_be32(value.data);
    return vm->time_slice_us >= ASH_BOOT_TIME_SLICE_MIN && vm->time_slice_us <= ASH_BOOT_TIME_SLICE_MAX
               ? NULL
               : out_of_range;
}

static const char *parse_budget(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->budget_us = ash_load_be32(value.data);
    return vm->budget_us >= ASH_BOOT_BUDGET_MIN && vm->budget_us <= ASH_BOOT_PERIOD_MAX ? NULL : out_of_range;
}

static const char *parse_period(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->period_us = ash_load_be32(value.data);
    return vm->period_us >= ASH_BOOT_PERIOD_MIN && vm->period_us <= ASH_BOOT_PERIOD_MAX ? NULL : out_of_range;
}

static const char *parse_background(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    vm->background = true;
    return value.size == 0U ? NULL : "has a value";
}

static const char *parse_manager(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    vm->manager = true;
    return value.size == 0U ? NULL : "has a value";
}

static const char known[] =
    "device_type vmid vm_name type vcpus vcpu_affinity vcpu-cpus memory kernel ramdisk entry setup_data "
    "bootargs "
    "(or cmdline) rng-seed smc-allow background manager priority time-slice-us budget-us period-us vm_32bit "
    "on-poweroff on-reset on-crash restart-limit pause-stops-time shutdown-timeout-ms autostart "
    "console-buffer-size machine dtb memory-min";

#define REQUIRED true

/* Those that the checks at a node's end look at. */
enum {
    AFFINITY = 5,
    KERNEL = 7,
    RAMDISK,
    ENTRY,
    BOOTARGS,
    RNG_SEED,
    SETUP_DATA = 13,
    BUDGET = 19,
    PERIOD,
    CPU_SETS,
    MEMORY_MIN = 33
};

/** `same`: properties with one number are one thing under several names. */
static const struct rule {
    const char *name;
    parser *parse;
    unsigned same;
    bool required;
    const char *allowed;
} rules[] = {
    {"device_type", parse_device_type, 0, REQUIRED, "\"virtual_machine\""},
    {"vmid", parse_vmid, 1, REQUIRED, "one cell, 0..63, each VM its own"},
    {"vm_name", parse_vm_name, 2, false, NAME_CHARACTERS ", each VM its own"},
    {"type", parse_type, 3, false, "\"linux\", \"bare\", \"rtos\", \"other\""},
    {"vcpus", parse_vcpus, 4, false, "one cell, 1..8"},
    {"vcpu_affinity", parse_affinity, AFFINITY, false, "one cell a vCPU: numbers of the board's CPUs"},
    {"memory", parse_memory, 6, REQUIRED,
     "<size-high size-low> or up to 4 times <base-high base-low size-high size-low>, bytes, multiples of 2 "
     "MiB"},
    {"kernel", parse_kernel, KERNEL, false, "the name of a file in the bundle"},
    {"ramdisk", parse_ramdisk, RAMDISK, false, "the name of a file in the bundle"},
    {"entry", parse_entry, ENTRY, false, "one or two cells, a multiple of 4 KiB"},
    {"bootargs", parse_bootargs, BOOTARGS, false, "one string, 2047 characters at most"},
    {"cmdline", parse_bootargs, BOOTARGS, false, "one string, 2047 characters at most; bootargs is the same"},
    {"rng-seed", parse_rng_seed, RNG_SEED, false, "8..64 bytes"},
    {"vm_32bit", parse_32bit, 12, false, "leaving it out, or <0>"},
    {"setup_data", parse_setup_data, SETUP_DATA, false, "one or two cells, a multiple of 8"},
    {"smc-allow", parse_smc_allow, 16, false, "1 to 16 cells: SMCCC function identifiers"},
    {"background", parse_background, 15, false, "no value: background;"},
    {"manager", parse_manager, 23, false, "no value: manager; in one VM"},
    {"priority", parse_priority, 17, false, "one cell, 0..255; higher goes first"},
    {"time-slice-us", parse_time_slice, 18, false, "one cell, microseconds, 100..1000000"},
    {"on-poweroff", ash_boot_parse_on_poweroff_, 24, false, POLICIES},
    {"on-reset", ash_boot_parse_on_reset_, 25, false, POLICIES},
    {"on-crash", ash_boot_parse_on_crash_, 26, false, POLICIES},
    {"restart-limit", ash_boot_parse_restart_limit_, 27, false, "<count seconds>, 0..16 and 1..86400"},
    {"pause-stops-time", ash_boot_parse_pause_stops_time_, 28, false, "no value: pause-stops-time;"},
    {"shutdown-timeout-ms", ash_boot_parse_shutdown_timeout_, 29, false,
     "one cell, milliseconds, 1..3600000"},
    {"autostart", ash_boot_parse_autostart_, 30, false, "\"yes\", \"no\""},
    {"console-buffer-size", ash_boot_parse_console_buffer_, 31, false,
     "one cell, bytes, a power of two, 4096..262144"},
    {"machine", ash_boot_parse_machine_, 22, false, "\"virt\", \"bcm2837\""},
    {"dtb", ash_boot_parse_dtb_, 32, false, "the name of a file in the bundle"},
    {"memory-min", parse_memory_min, MEMORY_MIN, false, MEMORY_MIN_ALLOWED},
    {"budget-us", parse_budget, BUDGET, false, BUDGET_ALLOWED},
    {"period-us", parse_period, PERIOD, false, PERIOD_ALLOWED},
    {"vcpu-cpus", parse_cpu_sets, CPU_SETS, false, CPU_SETS_ALLOWED},
    {"phandle", parse_ignored, 14, false, NULL},
};

void ash_boot_value_text_(char *to, size_t size, struct ash_boot_span value)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ writer;

    ash_boot_text_begin_(&writer, text, sizeof(text));
    ash_boot_text_property_(&writer, value);
    ash_boot_copy_text_(to, size, text);
    if (writer.length >= sizeof(text) && size >= sizeof(text)) {
        memcpy(&to[sizeof(text) - 4U], "...", 4);
    }
}

static void refuse_property(struct ash_boot_vm *vm, int code, const char *property,
                            struct ash_boot_span value, const char *problem, const char *allowed)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];

    if (vm->fault.code != ASH_OK) {
        return; /* the first mistake is the one to mend first */
    }
    ash_boot_value_text_(text, sizeof(text), value);
    (void)ash_boot_vm_refuse(vm, code, property, text, problem, allowed);
}

static const struct rule *find_rule(const char *name)
{
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(rules); i++) {
        if (ash_boot_strings_equal_(rules[i].name, name)) {
            return &rules[i];
        }
    }
    return NULL;
}

void ash_boot_vm_property_(struct ash_boot_vm_reader_ *reader, const char *name, struct ash_boot_span value)
{
    const struct rule *rule = find_rule(name);
    const char *problem;

    if (rule == NULL) {
        refuse_property(reader->vm, ASH_EFORMAT, name, value, "is an unknown property", known);
        return;
    }
    if ((reader->seen & (UINT64_C(1) << rule->same)) != 0U) {
        refuse_property(reader->vm, ASH_EEXIST, name, value, "is given twice", "once");
        return;
    }
    reader->seen |= UINT64_C(1) << rule->same;
    reader->value[rule->same] = value;
    problem = rule->parse(reader->vm, value);
    if (problem != NULL) {
        refuse_property(reader->vm, problem == not_yet ? ASH_ENOTSUP : ASH_EFORMAT, name, value, problem,
                        rule->allowed);
    }
}

static void refuse_absent(struct ash_boot_vm *vm, const char *property, struct ash_boot_span value,
                          unsigned cpus)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ writer;

    if (vm->fault.code != ASH_OK) {
        return;
    }
    ash_boot_text_begin_(&writer, text, sizeof(text));
    ash_boot_text_property_(&writer, value);
    ash_boot_text_literal_(&writer, "; CPUs of the board: ");
    ash_boot_text_number_(&writer, cpus);
    (void)ash_boot_vm_refuse(vm, ASH_ERANGE, property, text, "names a CPU that is not there",
                             "0 up to their number less one");
}

static void check_affinity(const struct ash_boot_vm_reader_ *reader, unsigned cpus)
{
    struct ash_boot_vm *vm = reader->vm;
    struct ash_boot_span value = reader->value[AFFINITY];
    bool absent = false;

    for (unsigned i = 0; i < vm->affinity_count; i++) {
        absent = absent || (cpus != 0U && vm->affinity[i] >= cpus);
    }
    if (absent) {
        refuse_absent(vm, "vcpu_affinity", value, cpus);
    } else if (vm->affinity_count != 0U && vm->affinity_count != vm->vcpus) {
        refuse_property(vm, ASH_EFORMAT, "vcpu_affinity", value, "does not agree with vcpus",
                        "one cell a vCPU");
    }
}

static void check_cpu_sets(const struct ash_boot_vm_reader_ *reader, unsigned cpus)
{
    struct ash_boot_vm *vm = reader->vm;
    struct ash_boot_span value = reader->value[CPU_SETS];
    uint32_t absent = cpus != 0U && cpus < 32U ? ~((UINT32_C(1) << cpus) - 1U) : 0U;
    uint32_t all = 0;

    for (unsigned i = 0; i < vm->cpu_set_count; i++) {
        all |= vm->cpu_set[i];
    }
    if ((all & absent) != 0U) {
        refuse_absent(vm, "vcpu-cpus", value, cpus);
    } else if (vm->cpu_set_count != 0U && vm->cpu_set_count != vm->vcpus) {
        refuse_property(vm, ASH_EFORMAT, "vcpu-cpus", value, "does not agree with vcpus", CPU_SETS_ALLOWED);
    } else if (vm->cpu_set_count != 0U && vm->affinity_count != 0U) {
        refuse_property(vm, ASH_EFORMAT, "vcpu-cpus", value, "is given beside vcpu_affinity",
                        "one of the two");
    } else if (vm->cpu_set_count != 0U && vm->budget_us != 0U) {
        refuse_property(vm, ASH_EFORMAT, "vcpu-cpus", value, "is given beside budget-us",
                        "vcpu_affinity: who has a budget stays on its CPU");
    }
}

static void check_budget(const struct ash_boot_vm_reader_ *reader)
{
    static const struct ash_boot_span none = {NULL, 0};
    struct ash_boot_vm *vm = reader->vm;

    if ((vm->budget_us == 0U) != (vm->period_us == 0U)) {
        refuse_property(vm, ASH_ENOENT, vm->budget_us == 0U ? "budget-us" : "period-us", none,
                        vm->budget_us == 0U ? "is missing beside period-us" : "is missing beside budget-us",
                        vm->budget_us == 0U ? BUDGET_ALLOWED : PERIOD_ALLOWED);
    } else if (vm->budget_us > vm->period_us) {
        refuse_property(vm, ASH_ERANGE, "budget-us", reader->value[BUDGET], "is more than period-us",
                        BUDGET_ALLOWED);
    }
}

static bool is_in_memory(const struct ash_boot_vm *vm, uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < vm->memory_count; i++) {
        if (ash_range_within(address, size, vm->memory[i].base, vm->memory[i].size)) {
            return true;
        }
    }
    return false;
}

/** No kernel in the bundle: what a boot loader left in memory is entered as it is. */
static void check_in_memory(const struct ash_boot_vm_reader_ *reader)
{
    static const struct {
        const char *name;
        unsigned same;
    } idle[] = {{"ramdisk", RAMDISK}, {"bootargs", BOOTARGS}, {"rng-seed", RNG_SEED}};
    static const struct ash_boot_span none = {NULL, 0};
    struct ash_boot_vm *vm = reader->vm;

    if ((reader->seen & (UINT64_C(1) << KERNEL)) != 0U) {
        return; /* there, but wrong: said already */
    }
    if (!vm->has_entry || vm->memory_count == 0U) {
        refuse_property(
            vm, ASH_ENOENT, "kernel", none, "is missing",
            "the name of a file in the bundle; or none, with entry and memory = <base size>, for an "
            "image that the boot loader left in memory");
    }
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(idle); i++) {
        if ((reader->seen & (UINT64_C(1) << idle[i].same)) != 0U) {
            refuse_property(vm, ASH_EFORMAT, idle[i].name, reader->value[idle[i].same],
                            "has no effect without kernel",
                            "leaving it out: the guest gets the tree at setup_data as it is");
        }
    }
    if (!is_in_memory(vm, vm->entry, ENTRY_GRANULE)) {
        refuse_property(vm, ASH_ERANGE, "entry", reader->value[ENTRY], "is outside the VM's memory",
                        "a multiple of 4 KiB inside memory");
    }
    if (vm->has_setup_data && !is_in_memory(vm, vm->setup_data, TREE_GRANULE)) {
        refuse_property(vm, ASH_ERANGE, "setup_data", reader->value[SETUP_DATA], "is outside the VM's memory",
                        "a multiple of 8 inside memory");
    }
}

static void check_memory_min(const struct ash_boot_vm_reader_ *reader)
{
    struct ash_boot_vm *vm = reader->vm;

    vm->memory_wish = vm->memory_size;
    if (vm->memory_min == 0U || vm->fault.code != ASH_OK) {
        return;
    }
    if (vm->memory_count != 0U) {
        refuse_property(vm, ASH_EFORMAT, "memory-min", reader->value[MEMORY_MIN],
                        "has no effect where memory has a base",
                        "leaving it out, or memory = <size-high size-low>");
    } else if (vm->memory_min > vm->memory_size) {
        refuse_property(vm, ASH_ERANGE, "memory-min", reader->value[MEMORY_MIN], "is more than memory",
                        MEMORY_MIN_ALLOWED);
    }
}

void ash_boot_vm_finish_(struct ash_boot_vm_reader_ *reader, unsigned cpus)
{
    static const struct ash_boot_span none = {NULL, 0};
    struct ash_boot_vm *vm = reader->vm;

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(rules); i++) {
        if (rules[i].required && (reader->seen & (UINT64_C(1) << rules[i].same)) == 0U) {
            refuse_property(vm, ASH_ENOENT, rules[i].name, none, "is missing", rules[i].allowed);
        }
    }
    if (vm->name[0] == '\0') {
        if (ash_boot_is_name_(reader->node_name)) {
            memcpy(vm->name, vm->node, sizeof(vm->name));
        } else {
            refuse_property(vm, ASH_ENOENT, "vm_name", none, "is missing, and the node's name will not do",
                            NAME_CHARACTERS);
        }
    }
    check_affinity(reader, cpus);
    check_cpu_sets(reader, cpus);
    check_budget(reader);
    check_memory_min(reader);
    ash_boot_vm_check_machine_(vm);
    if (vm->kernel == NULL) {
        check_in_memory(reader);
    } else if (vm->has_setup_data) {
        refuse_property(vm, ASH_EFORMAT, "setup_data", reader->value[SETUP_DATA], "is given beside kernel",
                        "leaving it out: hv writes the tree of a guest whose kernel is in the bundle");
    }
}
