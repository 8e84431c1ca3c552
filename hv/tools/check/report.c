/* SPDX-License-Identifier: BSD-2-Clause */
/* Who owns what, as text and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

const char *check_interrupt_owner(const struct ash_boot_board *board, uint32_t intid)
{
    if (intid == board->timer[ASH_BOOT_TIMER_VIRTUAL].intid ||
        intid == board->timer[ASH_BOOT_TIMER_PHYSICAL].intid) {
        return "vms"; /* of each CPU: the VM that runs there */
    }
    return intid == board->maintenance.intid || intid == board->console_interrupt.intid ? "hv" : "nobody";
}

const char *check_interrupt_name(uint32_t intid, char text[16])
{
    static const struct {
        const char *kind;
        uint32_t first;
        uint32_t end;
    } kinds[] = {{"ppi", 16, 32}, {"spi", 32, 1020}, {"eppi", 1056, 1120}, {"espi", 4096, 5120}};

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (intid >= kinds[i].first && intid < kinds[i].end) {
            (void)snprintf(text, 16, "%s:%" PRIu32, kinds[i].kind, intid - kinds[i].first);
            return text;
        }
    }
    (void)snprintf(text, 16, "%" PRIu32, intid);
    return text;
}

const char *check_vm_name(const struct check *check, uint32_t number)
{
    return number < check->config.count ? check->vms[number].name : "?";
}

/* ---- Overlaps ---------------------------------------------------------------------------------------------------- */

static bool meet(const struct ash_boot_region *a, uint64_t base, uint64_t size)
{
    return a->base.value < base + size && base < a->base.value + a->size;
}

/** Devices at one place, or in RAM; an interrupt of two devices. Counts down @left; the one that brings it below 0 is
 *  written. */
struct finder {
    int left;
    char *text;
    size_t size;
};

static bool found(struct finder *finder)
{
    return finder->left-- == 0;
}

static bool pair_overlaps(const struct ash_boot_device *a, const struct ash_boot_device *b,
                          struct finder *finder)
{
    char name[16];

    for (unsigned i = 0; i < a->region_count; i++) {
        for (unsigned j = 0; j < b->region_count; j++) {
            if (meet(&a->region[i], b->region[j].base.value, b->region[j].size) && found(finder)) {
                (void)snprintf(finder->text, finder->size, "%s and %s at 0x%" PRIx64, a->path, b->path,
                               b->region[j].base.value);
                return true;
            }
        }
    }
    for (unsigned i = 0; i < a->interrupt_count; i++) {
        for (unsigned j = 0; j < b->interrupt_count; j++) {
            if (a->interrupt[i].intid == b->interrupt[j].intid && found(finder)) {
                (void)snprintf(finder->text, finder->size, "%s and %s share interrupt %s", a->path, b->path,
                               check_interrupt_name(a->interrupt[i].intid, name));
                return true;
            }
        }
    }
    return false;
}

static bool in_ram(const struct check *check, const struct ash_boot_device *device, struct finder *finder)
{
    for (unsigned i = 0; i < device->region_count; i++) {
        for (uint32_t r = 0; r < check->ranges.count; r++) {
            const struct hv_range *range = &check->ranges.range[r];

            if (meet(&device->region[i], range->base, range->size) && found(finder)) {
                (void)snprintf(finder->text, finder->size, "%s at 0x%" PRIx64 " lies in RAM", device->path,
                               device->region[i].base.value);
                return true;
            }
        }
    }
    return false;
}

static bool reserved_overlaps(const struct check *check, struct finder *finder)
{
    const struct {
        const char *what;
        uint64_t base;
        uint64_t size;
    } own[] = {{"hv's image", check->image, check->image_size},
               {"the board's device tree", check->tree_at, check->board.tree_size},
               {"the bundle", check->board.initrd.base.value, check->board.initrd.size}};

    for (unsigned i = 0; i < check->board.reserved_count; i++) {
        const struct ash_boot_region *region = &check->board.reserved[i].region;

        for (unsigned j = 0; j < sizeof(own) / sizeof(own[0]); j++) {
            if (own[j].size != 0U && meet(region, own[j].base, own[j].size) && found(finder)) {
                (void)snprintf(finder->text, finder->size, "reserved memory at 0x%" PRIx64 " and %s",
                               region->base.value, own[j].what);
                return true;
            }
        }
    }
    return false;
}

bool check_overlap(const struct check *check, unsigned index, char *text, size_t size)
{
    struct finder finder = {(int)index, text, size};

    for (unsigned i = 0; i < check->device_count; i++) {
        const struct ash_boot_device *device = &check->devices[i].device;

        if (in_ram(check, device, &finder)) {
            return true;
        }
        for (unsigned j = i + 1U; j < check->device_count; j++) {
            if (pair_overlaps(device, &check->devices[j].device, &finder)) {
                return true;
            }
        }
    }
    return reserved_overlaps(check, &finder);
}

/* ---- What both forms go through ---------------------------------------------------------------------------------- */

/** A part of a VM's range: RAM, or what a disk has for itself. */
struct stretch {
    uint64_t base;
    uint64_t size; /* 0: neither */
    const struct hv_ram_part *part;
    const struct ash_boot_virtio *disk;
};

struct form {
    /** @of: NULL where the range is no VM's. */
    void (*memory)(const struct check *check, const struct hv_range *range, const struct stretch *of);
    void (*gap)(uint64_t base, uint64_t size);
};

/** What of @vm's begins at @base. */
static struct stretch stretch_at(const struct hv_plan_vm *vm, uint64_t base)
{
    for (uint32_t i = 0; i < vm->parts; i++) {
        if (vm->part[i].pa == base) {
            return (struct stretch){base, vm->part[i].size, &vm->part[i], NULL};
        }
    }
    for (uint32_t i = 0; i < vm->config->virtio_count; i++) {
        if (vm->disk[i].size != 0U && vm->disk[i].base == base) {
            return (struct stretch){base, vm->disk[i].size, NULL, &vm->config->virtio[i]};
        }
    }
    return (struct stretch){base, 0, NULL, NULL};
}

/** A VM's range in the map may be several of its parts and disks that adjoin. */
static void each_part(const struct check *check, const struct hv_range *range, const struct form *form)
{
    const struct hv_plan_vm *vm = &check->plan.vm[range->vm];
    uint64_t end = range->base + range->size;

    for (uint64_t at = range->base; at < end;) {
        const struct stretch of = stretch_at(vm, at);

        if (of.size == 0U) {
            return;
        }
        form->memory(check, range, &of);
        at += of.size;
    }
}

static void each_range(const struct check *check, const struct form *form)
{
    for (uint32_t i = 0; i < check->ranges.count; i++) {
        const struct hv_range *range = &check->ranges.range[i];

        if (form->memory != NULL && range->owner == HV_OWNER_VM) {
            each_part(check, range, form);
        } else if (form->memory != NULL) {
            form->memory(check, range, NULL);
        }
        if (form->gap != NULL && i + 1U < check->ranges.count &&
            range->base + range->size < check->ranges.range[i + 1U].base) {
            form->gap(range->base + range->size,
                      check->ranges.range[i + 1U].base - range->base - range->size);
        }
    }
}

/** Call @each with every vCPU that @cpu runs (or, where it may move, begins with); how many it was. */
static unsigned visit_vcpus(const struct check *check, uint32_t cpu,
                            void (*each)(const struct ash_boot_vm *vm, uint32_t vcpu, bool first))
{
    unsigned found = 0;

    for (uint32_t i = 0; i < check->plan.vms; i++) {
        const struct hv_plan_vm *vm = &check->plan.vm[i];

        for (uint32_t v = 0; v < vm->cpus; v++) {
            if (vm->cpu[v] == cpu) {
                each(vm->config, v, found++ == 0U);
            }
        }
    }
    return found;
}

/** The CPUs of @set, with @separator between them. */
static void print_set(uint32_t set, const char *separator)
{
    for (uint32_t cpu = 0; set >> cpu != 0U; cpu++) {
        if ((set >> cpu & 1U) != 0U) {
            printf("%" PRIu32 "%s", cpu, set >> cpu != 1U ? separator : "");
        }
    }
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static void print_size(uint64_t size)
{
    static const char *const units[] = {"B  ", "KiB", "MiB", "GiB"};
    unsigned unit = 0;

    while (unit < 3U && size >= 1024U && size % 1024U == 0U) {
        size /= 1024U;
        unit++;
    }
    printf("%6" PRIu64 " %s", size, units[unit]);
}

static void text_memory(const struct check *check, const struct hv_range *range, const struct stretch *of)
{
    uint64_t base = of != NULL ? of->base : range->base;
    uint64_t size = of != NULL ? of->size : range->size;

    printf("  0x%010" PRIx64 "..0x%010" PRIx64 "  ", base, base + size - 1U);
    print_size(size);
    if (of != NULL && of->disk != NULL) {
        printf("  VM %s, its %s\n", check_vm_name(check, range->vm), of->disk->node);
    } else if (of != NULL) {
        printf("  VM %s, its 0x%" PRIx64 "\n", check_vm_name(check, range->vm), of->part->ipa);
    } else {
        printf("  %s\n", hv_owner_name(range->owner));
    }
}

static void text_gap(uint64_t base, uint64_t size)
{
    printf("  0x%010" PRIx64 "..0x%010" PRIx64 "  ", base, base + size - 1U);
    print_size(size);
    printf("  not RAM\n");
}

static void text_vcpu(const struct ash_boot_vm *vm, uint32_t vcpu, bool first)
{
    printf("%sVM %s, vCPU %" PRIu32, first ? "" : "; ", vm->name, vcpu);
    if (vm->cpu_set_count > 0U) {
        printf(" (may run on CPUs ");
        print_set(vm->cpu_set[vcpu], " ");
        printf(")");
    }
    if (vm->budget_us > 0U) {
        printf(" (%" PRIu32 " of each %" PRIu32 " us)", vm->budget_us, vm->period_us);
    }
}

static void text_cpus(const struct check *check)
{
    printf("CPUs\n");
    for (uint32_t i = 0; i < check->config.cpus; i++) {
        printf("  %2" PRIu32 "  affinity 0x%" PRIx64 "  ", i, check->board.cpus[i].mpidr);
        printf("%s", visit_vcpus(check, i, text_vcpu) == 0U ? "nobody" : "");
        if (check->plan.cpu_share[i] != 0U) {
            printf("; budgets have %" PRIu64 ".%" PRIu64 " %%", check->plan.cpu_share[i] / 10000000U,
                   check->plan.cpu_share[i] / 1000000U % 10U);
        }
        printf("\n");
    }
    if (check->board.cpu_count > check->config.cpus) {
        printf("  %u more than hv uses\n", check->board.cpu_count - check->config.cpus);
    }
}

static void text_devices(const struct check *check)
{
    char name[16];

    printf("devices\n");
    for (unsigned i = 0; i < check->device_count; i++) {
        const struct check_device *one = &check->devices[i];

        printf("  %-28s %-7s", one->device.path, one->owner);
        for (unsigned r = 0; r < one->device.region_count; r++) {
            printf(" 0x%" PRIx64 "+0x%" PRIx64, one->device.region[r].base.value, one->device.region[r].size);
        }
        for (unsigned n = 0; n < one->device.interrupt_count; n++) {
            printf(" %s", check_interrupt_name(one->device.interrupt[n].intid, name));
        }
        printf("\n");
    }
    printf("interrupts\n");
    for (unsigned i = 0; i < check->device_count; i++) {
        const struct check_device *one = &check->devices[i];

        for (unsigned n = 0; n < one->device.interrupt_count; n++) {
            uint32_t intid = one->device.interrupt[n].intid;
            printf("  %-8s %-7s %s\n", check_interrupt_name(intid, name),
                   check_interrupt_owner(&check->board, intid), one->device.path);
        }
    }
}

static void text_problems(const struct check *check)
{
    const struct form gaps = {.gap = text_gap};
    char text[256];

    printf("overlaps\n");
    for (unsigned i = 0; check_overlap(check, i, text, sizeof(text)); i++) {
        printf("  %s\n", text);
    }
    printf("gaps between RAM\n");
    each_range(check, &gaps);
    if (check->image_size == 0U) {
        printf("not known: where hv's image lies (--image)\n");
    }
    if (!check->tree_at_known) {
        printf("not known: where the board's tree lies (--tree-at)\n");
    }
    if (check->files.archive.size != 0U && !check->bundle_at_known) {
        printf(
            "the bundle takes no RAM of its own: part of hv, or where it lies is not known (--bundle-at)\n");
    }
    if (check->devices_left_out != 0U) {
        printf("%u devices are left out\n", check->devices_left_out);
    }
}

static void print_fault(const struct ash_boot_fault *fault)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    if (fault->code != ASH_OK) {
        (void)ash_boot_fault_format(line, sizeof(line), fault);
        printf("%s\n", line);
    }
}

void check_print_text(const struct check *check)
{
    const struct form memory = {.memory = text_memory};

    if (check->board_fault[0] != '\0') {
        printf("hv would stop: %s\n", check->board_fault);
        return;
    }
    print_fault(&check->files.fault);
    for (size_t i = 0; i < check->config.count; i++) {
        print_fault(&check->vms[i].fault);
    }
    printf("memory\n");
    each_range(check, &memory);
    text_cpus(check);
    text_devices(check);
    text_problems(check);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/** Commas between members and elements. */
static bool first_element;

static void element(void)
{
    printf("%s\n    ", first_element ? "" : ",");
    first_element = false;
}

static void begin_list(const char *name, bool first)
{
    printf("%s\n  \"%s\": [", first ? "" : ",", name);
    first_element = true;
}

static void end_list(void)
{
    printf("%s]", first_element ? "" : "\n  ");
}

static void json_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20U || c >= 0x7FU) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void json_range(uint64_t base, uint64_t size)
{
    printf("\"base\": \"0x%" PRIx64 "\", \"size\": %" PRIu64, base, size);
}

static void json_memory(const struct check *check, const struct hv_range *range, const struct stretch *of)
{
    element();
    printf("{");
    json_range(of != NULL ? of->base : range->base, of != NULL ? of->size : range->size);
    printf(", \"owner\": \"%s\"", hv_owner_name(range->owner));
    if (of != NULL) {
        printf(", \"vm\": ");
        json_string(check_vm_name(check, range->vm));
    }
    if (of != NULL && of->disk != NULL) {
        printf(", \"device\": ");
        json_string(of->disk->node);
    } else if (of != NULL) {
        printf(", \"guest\": \"0x%" PRIx64 "\"", of->part->ipa);
    }
    printf("}");
}

static void json_gap(uint64_t base, uint64_t size)
{
    element();
    printf("{");
    json_range(base, size);
    printf("}");
}

static void json_vcpu(const struct ash_boot_vm *vm, uint32_t vcpu, bool first)
{
    printf("%s{\"vm\": ", first ? "" : ", ");
    json_string(vm->name);
    printf(", \"vcpu\": %" PRIu32, vcpu);
    if (vm->cpu_set_count > 0U) {
        printf(", \"cpus\": [");
        print_set(vm->cpu_set[vcpu], ", ");
        printf("]");
    }
    if (vm->budget_us > 0U) {
        printf(", \"budget_us\": %" PRIu32 ", \"period_us\": %" PRIu32, vm->budget_us, vm->period_us);
    }
    printf("}");
}

static void json_cpus(const struct check *check)
{
    begin_list("cpus", false);
    for (uint32_t i = 0; i < check->config.cpus; i++) {
        element();
        printf("{\"cpu\": %" PRIu32 ", \"affinity\": \"0x%" PRIx64 "\", \"vcpus\": [", i,
               check->board.cpus[i].mpidr);
        (void)visit_vcpus(check, i, json_vcpu);
        printf("], \"promised_ppm\": %" PRIu64 "}", check->plan.cpu_share[i] / 1000U);
    }
    end_list();
}

static void json_device(const struct check_device *one)
{
    element();
    printf("{\"path\": ");
    json_string(one->device.path);
    printf(", \"compatible\": ");
    json_string(one->device.compatible != NULL ? one->device.compatible : "");
    printf(", \"owner\": \"%s\", \"regions\": [", one->owner);
    for (unsigned r = 0; r < one->device.region_count; r++) {
        printf("%s{", r != 0U ? ", " : "");
        json_range(one->device.region[r].base.value, one->device.region[r].size);
        printf("}");
    }
    printf("]}");
}

static void json_devices(const struct check *check)
{
    char name[16];

    begin_list("devices", false);
    for (unsigned i = 0; i < check->device_count; i++) {
        json_device(&check->devices[i]);
    }
    end_list();
    begin_list("interrupts", false);
    for (unsigned i = 0; i < check->device_count; i++) {
        const struct check_device *one = &check->devices[i];

        for (unsigned n = 0; n < one->device.interrupt_count; n++) {
            uint32_t intid = one->device.interrupt[n].intid;

            element();
            printf("{\"interrupt\": \"%s\", \"intid\": %" PRIu32 ", \"owner\": \"%s\", \"device\": ",
                   check_interrupt_name(intid, name), intid, check_interrupt_owner(&check->board, intid));
            json_string(one->device.path);
            printf("}");
        }
    }
    end_list();
}

static void json_fault(const struct ash_boot_fault *fault)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)ash_boot_fault_format(line, sizeof(line), fault);
    element();
    json_string(line);
}

static void json_mistakes(const struct check *check)
{
    begin_list("mistakes", true);
    if (check->board_fault[0] != '\0') {
        element();
        json_string(check->board_fault);
    }
    if (check->files.fault.code != ASH_OK) {
        json_fault(&check->files.fault);
    }
    for (size_t i = 0; i < check->config.count; i++) {
        if (check->vms[i].fault.code != ASH_OK) {
            json_fault(&check->vms[i].fault);
        }
    }
    end_list();
    begin_list("vms", false);
    for (size_t i = 0; i < check->config.count; i++) {
        element();
        printf("{\"name\": ");
        json_string(check->vms[i].name[0] != '\0' ? check->vms[i].name : check->vms[i].node);
        printf(", \"starts\": %s}", check->vms[i].fault.code == ASH_OK ? "true" : "false");
    }
    end_list();
}

void check_print_json(const struct check *check)
{
    const struct form memory = {.memory = json_memory};
    const struct form gaps = {.gap = json_gap};
    char text[256];

    printf("{");
    json_mistakes(check);
    begin_list("memory", false);
    each_range(check, &memory);
    end_list();
    json_cpus(check);
    json_devices(check);
    begin_list("overlaps", false);
    for (unsigned i = 0; check_overlap(check, i, text, sizeof(text)); i++) {
        element();
        json_string(text);
    }
    end_list();
    begin_list("gaps", false);
    each_range(check, &gaps);
    end_list();
    printf("\n}\n");
}
