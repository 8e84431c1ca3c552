/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/plan.h"

#include <libbase/bits.h>
#include <libbase/checked.h>
#include <libbase/mem.h>
#include <libboot/guest_fdt.h>
#include <libvcpu/psci.h>

#include "core/format.h"
#include "vdev/overlay.h"

#define VALUE_SIZE ASH_BOOT_FAULT_VALUE_SIZE
#define GRANULE    UINT64_C(0x200000) /* of a VM's memory */

/* ---- CPUs -------------------------------------------------------------------------------------------------------- */

/** The CPUs that some VM names, one bit each: the others take what is left. */
static uint32_t named_cpus(const struct ash_boot_vm *vms, size_t count)
{
    uint32_t named = 0;

    for (size_t i = 0; i < count; i++) {
        for (unsigned v = 0; v < vms[i].affinity_count; v++) {
            named |= UINT32_C(1) << (vms[i].affinity[v] % 32U);
        }
        for (unsigned v = 0; v < vms[i].cpu_set_count; v++) {
            named |= vms[i].cpu_set[v];
        }
    }
    return named;
}

bool hv_plan_may_move(uint32_t set)
{
    return (set & (set - 1U)) != 0U; /* of one CPU: no choice */
}

static uint32_t visited_cpus(const struct ash_boot_vm *vms, size_t count)
{
    uint32_t visited = 0;

    for (size_t i = 0; i < count; i++) {
        for (unsigned v = 0; v < vms[i].cpu_set_count; v++) {
            visited |= hv_plan_may_move(vms[i].cpu_set[v]) ? vms[i].cpu_set[v] : 0U;
        }
    }
    return visited;
}

static uint64_t share_of(const struct ash_boot_vm *config)
{
    return config->budget_us != 0U ? hv_budget_share(config->budget_us, config->period_us) : 0U;
}

static bool has_room(const struct hv_plan *plan, uint32_t cpu, uint64_t share)
{
    return plan->cpu_share[cpu] + share <= HV_BUDGET_WHOLE;
}

/** Is CPU @a a better one than @b for a vCPU that is promised @share? One with room for that, then one that is not
 *  named by anybody, then the one with fewer vCPUs. */
static bool is_better_cpu(const struct hv_plan *plan, uint32_t a, uint32_t b, uint64_t share)
{
    bool a_is_named = (plan->named_cpus & (UINT32_C(1) << a)) != 0U;
    bool b_is_named = (plan->named_cpus & (UINT32_C(1) << b)) != 0U;

    if (has_room(plan, a, share) != has_room(plan, b, share)) {
        return has_room(plan, a, share);
    }
    return a_is_named != b_is_named ? b_is_named : plan->cpu_vcpus[a] < plan->cpu_vcpus[b];
}

/** The best of @set, which has one at least. */
static uint32_t choose_cpu(const struct hv_plan *plan, uint32_t set, uint64_t share)
{
    uint32_t best = plan->cpus;

    for (uint32_t i = 0; i < plan->cpus; i++) {
        if ((set & (UINT32_C(1) << i)) != 0U && (best == plan->cpus || is_better_cpu(plan, i, best, share))) {
            best = i;
        }
    }
    return best;
}

/** Where vCPU @v is, or is at first. */
static uint32_t cpu_of(const struct hv_plan *plan, const struct ash_boot_vm *config, uint32_t v)
{
    if (config->affinity_count > 0U) {
        return config->affinity[v];
    }
    return choose_cpu(plan, config->cpu_set_count > 0U ? config->cpu_set[v] : UINT32_MAX, share_of(config));
}

static void refuse_budget(const struct hv_plan *plan, struct ash_boot_vm *config, uint32_t cpu)
{
    char value[VALUE_SIZE];

    (void)hv_format(value, sizeof(value), "<%u> of <%u>; %u %% of CPU %u are promised already",
                    config->budget_us, config->period_us,
                    (uint32_t)(plan->cpu_share[cpu] / (HV_BUDGET_WHOLE / 100U)), cpu);
    (void)ash_boot_vm_refuse(config, ASH_ENOSPC, "budget-us", value, "is more than is left of it",
                             "100 % of each CPU in all: a smaller budget, a longer period, another CPU");
}

/** libboot has checked that the CPUs that are named are there. */
static void take_cpus(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    struct ash_boot_vm *config = vm->config;
    uint64_t share = share_of(config);

    for (uint32_t i = 0; i < config->vcpus; i++) {
        uint32_t cpu = cpu_of(plan, config, i);

        if (!has_room(plan, cpu, share)) {
            refuse_budget(plan, config, cpu);
            return;
        }
        vm->cpu[i] = cpu;
        plan->cpu_share[cpu] += share;
        plan->cpu_vcpus[cpu]++;
        vm->cpus++;
    }
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static const char *const taken_by[] = {
    [HV_OWNER_FREE] = "is free after all",
    [HV_OWNER_HV] = "overlaps hv's own memory",
    [HV_OWNER_FIRMWARE] = "overlaps memory that the firmware reserves",
    [HV_OWNER_NO_MAP] = "overlaps memory that the firmware reserves",
    [HV_OWNER_BOARD_DT] = "overlaps the board's device tree",
    [HV_OWNER_BUNDLE] = "overlaps the bundle",
    [HV_OWNER_VM] = "overlaps another VM's memory",
    [HV_OWNER_NOT_RAM] = "is not RAM",
};

static void refuse_range(struct ash_boot_vm *config, int code, const struct ash_boot_vm_memory *range,
                         const char *problem, const char *allowed)
{
    char value[VALUE_SIZE];

    (void)hv_format(value, sizeof(value), "0x%lx bytes at 0x%lx", range->size, range->base);
    (void)ash_boot_vm_refuse(config, code, "memory", value, problem, allowed);
}

/** Where a guest's RAM begins that the configuration gives no base. */
static uint64_t ram_base(const struct ash_boot_vm *config)
{
    struct ash_boot_guest_machine machine;

    if (config->machine == ASH_BOOT_VM_BCM2837) {
        return 0;
    }
    ash_boot_guest_machine_default(&machine);
    return machine.ram[0].base.value;
}

/** Guest RAM [base, base+size) as the guest sees it: is there room for it? */
static bool fits_guest(const struct hv_plan *plan, struct ash_boot_vm *config,
                       const struct ash_boot_vm_memory *range)
{
    if (!ash_range_within(range->base, range->size, 0, UINT64_C(1) << plan->ipa_bits)) {
        char value[VALUE_SIZE];

        (void)hv_format(value, sizeof(value), "0x%lx bytes at 0x%lx; a guest's addresses have %u bits",
                        range->size, range->base, plan->ipa_bits);
        (void)ash_boot_vm_refuse(config, ASH_ERANGE, "memory", value, "reaches past a guest's address space",
                                 "less memory, or lower addresses");
        return false;
    }
    if (config->machine == ASH_BOOT_VM_VIRT &&
        ash_ranges_overlap(range->base, range->size, ASH_BOOT_GUEST_DEVICES_BASE,
                           ASH_BOOT_GUEST_DEVICES_SIZE)) {
        refuse_range(config, ASH_ERANGE, range, "overlaps the guest's devices",
                     "addresses outside 0x8000000..0xfffffff");
        return false;
    }
    return true;
}

/** Memory that the configuration names: the same addresses in the guest. */
static void take_named_memory(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    struct ash_boot_vm *config = vm->config;

    for (unsigned i = 0; i < config->memory_count && config->fault.code == ASH_OK; i++) {
        const struct ash_boot_vm_memory *range = &config->memory[i];
        struct hv_range taken;
        int error;

        if (!fits_guest(plan, config, range)) {
            return;
        }
        if (hv_ranges_first_taken(plan->ranges, range->base, range->size, &taken)) {
            char value[VALUE_SIZE];

            (void)hv_format(value, sizeof(value), "0x%lx bytes at 0x%lx, of which 0x%lx at 0x%lx",
                            range->size, range->base, taken.size, taken.base);
            (void)ash_boot_vm_refuse(config, ASH_EEXIST, "memory", value, taken_by[taken.owner],
                                     "RAM that is free (hv/tools/mkbundle --check shows the map)");
            return;
        }
        error = hv_ranges_claim(plan->ranges, range->base, range->size, HV_OWNER_VM, vm->number);
        if (error != ASH_OK) {
            refuse_range(config, error, range, "cannot be noted: the ownership map is full", "fewer ranges");
        }
    }
}

/** The parts of memory that is named, in ascending order. */
static void note_named_memory(struct hv_plan_vm *vm)
{
    for (unsigned i = 0; i < vm->config->memory_count; i++) {
        const struct ash_boot_vm_memory *range = &vm->config->memory[i];
        uint32_t at = vm->parts++;

        for (; at > 0U && vm->part[at - 1U].ipa > range->base; at--) {
            vm->part[at] = vm->part[at - 1U];
        }
        vm->part[at] = (struct hv_ram_part){range->base, range->base, range->size};
    }
}

/** @size bytes of it. Returns ASH_OK, or why not: nothing has changed then. */
static int take_pieces(struct hv_plan *plan, struct hv_plan_vm *vm, uint64_t size)
{
    struct hv_piece piece[HV_RAM_PARTS];
    uint64_t ipa = ram_base(vm->config);
    int pieces = hv_ranges_alloc_pieces(plan->ranges, size, HV_OWNER_VM, vm->number, piece, HV_RAM_PARTS);

    for (int i = 0; i < pieces; i++) {
        vm->part[vm->parts++] = (struct hv_ram_part){ipa, piece[i].base, piece[i].size};
        ipa += piece[i].size;
    }
    return pieces < 0 ? pieces : ASH_OK;
}

/** All of its RAM; what its disks have stays. */
static void give_pieces(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    hv_ranges_release_vm(plan->ranges, vm->number);
    vm->parts = 0;
    for (unsigned i = 0; i < vm->config->virtio_count; i++) {
        const struct hv_plan_disk *disk = &vm->disk[i];

        if (disk->size != 0U) { /* it had them a moment ago */
            ASH_DISCARD(hv_ranges_claim(plan->ranges, disk->base, disk->size, HV_OWNER_VM, vm->number));
        }
    }
}

/** Memory from wherever there is some, one range to the guest: the least that it can do with. */
static void take_any_memory(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    struct ash_boot_vm *config = vm->config;
    bool may_have_less = config->memory_min != 0U;
    struct ash_boot_vm_memory range = {ram_base(config),
                                       may_have_less ? config->memory_wish : config->memory_size};
    int error;

    if (!fits_guest(plan, config, &range)) {
        return;
    }
    config->memory_size = may_have_less ? config->memory_min : config->memory_size;
    error = take_pieces(plan, vm, config->memory_size);
    if (error != ASH_OK) {
        char value[VALUE_SIZE];

        (void)hv_format(value, sizeof(value), "0x%lx; free are 0x%lx, the largest free range is 0x%lx",
                        config->memory_size, hv_ranges_free(plan->ranges),
                        hv_ranges_largest_free(plan->ranges));
        (void)ash_boot_vm_refuse(config, error, may_have_less ? "memory-min" : "memory", value,
                                 "does not fit", "at most what is free, in up to 8 pieces of whole 2 MiB");
    }
}

/* ---- Disks ------------------------------------------------------------------------------------------------------- */

bool hv_plan_is_range(const struct ash_boot_virtio *device)
{
    return device->range.size != 0U;
}

/** Memory that a disk with @image wants of hv, or with a range of that size. */
static uint64_t disk_memory(const struct ash_boot_virtio *device, uint64_t image)
{
    uint64_t blocks = ash_align_up(image, HV_OVERLAY_BLOCK);
    uint64_t own = device->overlay_size != 0U ? device->overlay_size : ASH_BOOT_OVERLAY;

    if (device->kind != ASH_BOOT_VIRTIO_BLK || device->read_only ||
        (hv_plan_is_range(device) && !device->overlay)) {
        return 0;
    }
    return device->overlay ? hv_overlay_index_bytes(image) + (own < blocks ? own : blocks) : blocks;
}

static void take_disk(struct hv_plan *plan, struct hv_plan_vm *vm, unsigned index)
{
    const struct ash_boot_virtio *device = &vm->config->virtio[index];
    struct hv_plan_disk *disk = &vm->disk[index];
    bool is_range = hv_plan_is_range(device);
    uint64_t size = disk_memory(device, is_range ? device->range.size : vm->images.disk[index].size);
    int error = ASH_OK;

    if (size != 0U) {
        error = hv_ranges_alloc(plan->ranges, size, HV_OWNER_VM, vm->number, &disk->base);
        disk->size = error == ASH_OK ? size : 0U;
    }
    if (error != ASH_OK) {
        char value[VALUE_SIZE];

        (void)hv_format(value, sizeof(value), "%s%s%s0x%lx bytes; the largest free range is 0x%lx",
                        is_range ? "" : "\"", is_range ? "" : device->image, is_range ? "" : "\", ", size,
                        hv_ranges_largest_free(plan->ranges));
        (void)ash_boot_virtio_refuse(
            vm->config, device, error, is_range ? "overlay" : "image", value, "does not fit",
            "at most the largest free range; or read-only, or a smaller overlay-size");
    }
}

bool hv_plan_names_flash(const struct ash_boot_virtio *device, const struct ash_boot_region *bank)
{
    return hv_plan_is_range(device) &&
           ash_ranges_overlap(device->range.base, device->range.size, bank->base.value, bank->size);
}

/** A range in flash: it may be read by whoever names it, and to write it would take the chip's commands. */
static void take_flash(struct hv_plan_vm *vm, unsigned index, const struct ash_boot_region *bank,
                       const char *value)
{
    const struct ash_boot_virtio *device = &vm->config->virtio[index];

    if (!ash_range_within(device->range.base, device->range.size, bank->base.value, bank->size)) {
        char more[VALUE_SIZE];

        (void)hv_format(more, sizeof(more), "%s; its bank has 0x%lx at 0x%lx", value, bank->size,
                        bank->base.value);
        (void)ash_boot_virtio_refuse(vm->config, device, ASH_ERANGE, "memory-range", more,
                                     "reaches out of its bank of flash", "a range within one bank");
    } else if (!device->read_only && !device->overlay) {
        (void)ash_boot_virtio_refuse(vm->config, device, ASH_EPERM, "memory-range", value,
                                     "lies in flash, which hv does not write",
                                     "read-only or overlay beside it; or RAM that is free");
    } else {
        vm->disk[index].in_flash = true;
    }
}

/** And in RAM. */
static void take_ram(struct hv_plan *plan, struct hv_plan_vm *vm, unsigned index, const char *value)
{
    const struct ash_boot_virtio *device = &vm->config->virtio[index];
    const struct ash_boot_vm_memory *range = &device->range;
    struct hv_range taken;
    int error;

    if (hv_ranges_first_taken(plan->ranges, range->base, range->size, &taken)) {
        (void)ash_boot_virtio_refuse(vm->config, device, ASH_EEXIST, "memory-range", value,
                                     taken_by[taken.owner],
                                     "RAM that is free (hv/tools/mkbundle --check shows the map), or flash");
        return;
    }
    if (device->overlay) {
        (void)ash_boot_virtio_refuse(vm->config, device, ASH_EINVAL, "overlay", value,
                                     "is for a range in RAM, which may be written",
                                     "leaving it out, or a range in flash, or an image");
        return;
    }
    error = hv_ranges_claim(plan->ranges, range->base, range->size, HV_OWNER_VM, vm->number);
    if (error != ASH_OK) {
        (void)ash_boot_virtio_refuse(vm->config, device, error, "memory-range", value,
                                     "cannot be noted: the ownership map is full", "fewer ranges");
        return;
    }
    vm->disk[index] = (struct hv_plan_disk){.base = range->base, .size = range->size};
}

/** Memory or flash that the configuration names for a disk. */
static void take_named_disk(struct hv_plan *plan, struct hv_plan_vm *vm, unsigned index)
{
    const struct ash_boot_virtio *device = &vm->config->virtio[index];
    char value[VALUE_SIZE];

    (void)hv_format(value, sizeof(value), "0x%lx bytes at 0x%lx", device->range.size, device->range.base);
    for (uint32_t i = 0; i < plan->flash_count; i++) {
        if (hv_plan_names_flash(device, &plan->flash[i])) {
            take_flash(vm, index, &plan->flash[i], value);
            return;
        }
    }
    take_ram(plan, vm, index, value);
}

static void take_disks(struct hv_plan *plan, struct hv_plan_vm *vm, bool named)
{
    for (unsigned i = 0; i < vm->config->virtio_count && vm->config->fault.code == ASH_OK; i++) {
        const struct ash_boot_virtio *device = &vm->config->virtio[i];

        if (named && hv_plan_is_range(device)) {
            take_named_disk(plan, vm, i);
        } else if (!named) {
            take_disk(plan, vm, i);
        }
    }
}

/* ---- Firmware ---------------------------------------------------------------------------------------------------- */

/** What hv answers itself must not reach the board's firmware. */
static void check_smc_allow(struct ash_boot_vm *config)
{
    for (unsigned i = 0; i < config->smc_allow_count && config->fault.code == ASH_OK; i++) {
        if (!ash_vcpu_smc_may_be_allowed(config->smc_allow[i])) {
            char value[VALUE_SIZE];

            (void)hv_format(value, sizeof(value), "<0x%x>", config->smc_allow[i]);
            (void)ash_boot_vm_refuse(config, ASH_EPERM, "smc-allow", value,
                                     "is a call that hv answers itself",
                                     "identifiers outside those of Arm Architecture calls, PSCI and TRNG");
        }
    }
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

/** Where the guest's images go: its first range, as the configuration has it. */
static void lay_out(const struct hv_plan *plan, struct hv_plan_vm *vm)
{
    struct ash_boot_vm *config = vm->config;
    ash_ipa_t base = ash_ipa(config->memory_count > 0U ? config->memory[0].base : ram_base(config));
    uint64_t size = config->memory_count > 0U ? config->memory[0].size : config->memory_size;

    /* What is wrong is the VM's fault from here on. */
    ASH_DISCARD(ash_boot_vm_lay_out(config, plan->bundle, base, size, ASH_BOOT_GUEST_FDT_SIZE, &vm->images));
}

static bool wanted(const struct hv_plan_vm *vm)
{
    return vm->config->fault.code == ASH_OK;
}

/** A VM that has its least: as much of what it wishes as there is now, and its images in that. */
static void grow_memory(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    uint64_t least = vm->config->memory_min / GRANULE;
    uint64_t most = vm->config->memory_wish / GRANULE;

    while (least < most) {
        uint64_t middle = least + (most - least + 1U) / 2U;

        give_pieces(plan, vm);
        if (take_pieces(plan, vm, middle * GRANULE) == ASH_OK) {
            least = middle;
        } else {
            most = middle - 1U;
        }
    }
    give_pieces(plan, vm);
    vm->config->memory_size = least * GRANULE;
    /* It did a moment ago. */
    ASH_DISCARD(take_pieces(plan, vm, vm->config->memory_size));
    lay_out(plan, vm);
    if (!wanted(vm)) {
        hv_plan_drop(plan, vm);
    }
}

static void grow_if_it_may(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    if (wanted(vm) && vm->config->memory_min != 0U) {
        grow_memory(plan, vm);
    }
}

/** What it names: images, and memory. */
static void plan_named(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    if (wanted(vm)) {
        check_smc_allow(vm->config);
    }
    if (wanted(vm)) {
        lay_out(plan, vm);
    }
    if (wanted(vm)) {
        take_named_memory(plan, vm);
    }
    if (wanted(vm)) {
        take_disks(plan, vm, true);
    }
    if (!wanted(vm)) {
        hv_plan_drop(plan, vm);
    }
}

/** What hv chooses. */
static void plan_rest(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    if (wanted(vm)) {
        take_cpus(plan, vm);
    }
    if (wanted(vm) && vm->config->memory_count > 0U) {
        note_named_memory(vm);
    } else if (wanted(vm)) {
        take_any_memory(plan, vm);
    }
    if (wanted(vm)) {
        take_disks(plan, vm, false);
    }
    if (!wanted(vm)) {
        hv_plan_drop(plan, vm);
    }
}

void hv_plan_make(struct hv_plan *plan, struct ash_boot_vm *vms, size_t count)
{
    plan->named_cpus = named_cpus(vms, count);
    plan->visited_cpus = visited_cpus(vms, count);
    plan->vms = count < HV_MAX_VMS ? (uint32_t)count : HV_MAX_VMS;
    for (uint32_t i = 0; i < HV_MAX_CPUS; i++) {
        plan->cpu_vcpus[i] = 0;
        plan->cpu_share[i] = 0;
    }
    /* Memory that is named before memory that may be anywhere, whatever the order of the VMs. */
    for (uint32_t i = 0; i < plan->vms; i++) {
        struct hv_plan_vm *vm = &plan->vm[i];

        memset(vm, 0, sizeof(*vm));
        vm->config = &vms[i];
        vm->number = i;
        plan_named(plan, vm);
    }
    /* Then one VM whole before the next one: what a VM that cannot be had taken is free for those behind it. */
    for (uint32_t i = 0; i < plan->vms; i++) {
        plan_rest(plan, &plan->vm[i]);
    }
    /* What is left then is for those that wish more than they need, the first ones first. */
    for (uint32_t i = 0; i < plan->vms; i++) {
        grow_if_it_may(plan, &plan->vm[i]);
    }
}

void hv_plan_renew(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    ash_boot_fault_clear(&vm->config->fault);
    plan_named(plan, vm);
    plan_rest(plan, vm);
    grow_if_it_may(plan, vm);
}

void hv_plan_drop(struct hv_plan *plan, struct hv_plan_vm *vm)
{
    memset(vm->disk, 0, sizeof(vm->disk));
    hv_ranges_release_vm(plan->ranges, vm->number);
    for (; vm->cpus > 0U; vm->cpus--) {
        plan->cpu_vcpus[vm->cpu[vm->cpus - 1U]]--;
        plan->cpu_share[vm->cpu[vm->cpus - 1U]] -= share_of(vm->config);
    }
    vm->parts = 0;
}
