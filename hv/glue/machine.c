/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/machine.h"

#include <libbase/mem.h>
#include <libbase/version.h>

#include "arch/arch.h"
#include "core/hv.h"
#include "glue/bcm2837.h"
#include "glue/devices.h"
#include "glue/stage2.h"
#include "glue/virtio.h"

/* RAM that is mapped in one step: at most 512 descriptors are written, and where a block may be so large, one. */
#define MAP_STEP (UINT64_C(1) << 30)

/* ---- libvtimer --------------------------------------------------------------------------------------------------- */

/** Only for a vCPU that is not loaded: while it is, the hardware timer interrupts by itself. */
static void set_timer_line(void *ctx, enum ash_vtimer_id timer, bool level)
{
    (void)ctx;
    (void)timer;
    (void)level;
}

static const struct ash_vtimer_hal vtimer_hal = {.size = sizeof(vtimer_hal), .set_line = set_timer_line};

static uint32_t timer_intid(const struct hv_machine *machine, enum ash_vtimer_id timer)
{
    return 16U + (timer == ASH_VTIMER_VIRTUAL ? machine->layout.timer_virtual_ppi
                                              : machine->layout.timer_physical_ppi);
}

uint32_t hv_machine_timer_intid(const struct hv_machine *machine, enum ash_vtimer_id timer)
{
    return timer_intid(machine, timer);
}

uint32_t hv_machine_active_ppis(const struct hv_vcpu *vcpu)
{
    const struct hv_machine *machine = &vcpu->vm->machine;
    uint32_t held = machine->bcm != NULL ? hv_bcm2837_held(vcpu) : 0U;
    uint32_t active = 0;

    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        uint32_t intid = timer_intid(machine, (enum ash_vtimer_id)t);

        active |= ash_vgic_hw_is_active(&vcpu->vgic, intid) || (held >> t & 1U) != 0U ? 1U << intid : 0U;
    }
    return active;
}

uint64_t hv_machine_vcpu_alarm_time(const struct hv_vcpu *vcpu)
{
    return vcpu->vm->machine.bcm != NULL ? hv_bcm2837_look_time(vcpu) : UINT64_MAX;
}

void hv_machine_vcpu_alarm(struct hv_cpu *cpu)
{
    if (hv_machine_vcpu_alarm_time(cpu->vcpu) <= hv_arch_ticks()) {
        hv_bcm2837_look_at_timers(cpu, hv_arch_guest_pstate(cpu->vcpu));
    }
}

uint64_t hv_machine_wake_time(struct hv_vcpu *vcpu, uint64_t now)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    struct ash_vtimer timers = vcpu->arch.vtimer;
    uint64_t deadline;
    uint32_t active;

    hv_machine_lock(vcpu->cpu, machine);
    active = hv_machine_active_ppis(vcpu);
    hv_machine_unlock(machine);
    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        if ((active & (1U << timer_intid(machine, (enum ash_vtimer_id)t))) != 0U) {
            timers.timer[t].ctl = 0;
        }
    }
    return ash_vtimer_next_deadline(&timers, now, &deadline) ? deadline : UINT64_MAX;
}

/* ---- libvgic ----------------------------------------------------------------------------------------------------- */

static void kick_vcpu(struct hv_vcpu *vcpu)
{
    struct hv_vm *vm = vcpu->vm;

    if (__atomic_load_n(&vcpu->on, __ATOMIC_RELAXED) == 0U) {
        return;
    }
    if (!__atomic_load_n(&vcpu->turn.alone, __ATOMIC_RELAXED)) {
        hv_sched_wake(vcpu, vm->machine.locked_by, ash_vgic_is_loaded(&vcpu->vgic));
    } else if (vcpu->cpu != vm->machine.locked_by) {
        hv_arch_kick(vcpu->cpu); /* alone on its CPU it is loaded there, or its CPU looks before it is */
    }
}

static void kick(void *ctx, uint32_t index)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    if (++vm->machine.storm.count >= HV_MACHINE_STORM) {
        hv_devices_note_storm(vm, index);
    }
    kick_vcpu(vm->vcpu[index]);
}

static __attribute__((noinline)) void change_lines(struct hv_vcpu *vcpu, uint32_t lines)
{
    struct hv_cpu *self = vcpu->vm->machine.locked_by;

    __atomic_store_n(&vcpu->arch.lines, lines, __ATOMIC_RELAXED);
    if (self != NULL && self->vcpu == vcpu) {
        hv_arch_apply_lines(vcpu);
    } else {
        ash_vgic_request_flush(&vcpu->vgic); /* what its CPU looks at on every way out */
        kick_vcpu(vcpu);
    }
}

void hv_machine_set_lines(struct hv_vcpu *vcpu, uint32_t lines)
{
    if (vcpu->arch.lines != lines) {
        change_lines(vcpu, lines);
    }
}

static void hw_deactivate(void *ctx, uint32_t index, uint32_t pintid)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    hv_arch_deactivate(vm->vcpu[index], pintid);
}

static const struct ash_vgic_hal vgic_hal = {
    .size = sizeof(vgic_hal),
    .kick = kick,
    .hw_deactivate = hw_deactivate,
};

/* What a GIC-400 has: 32 levels, each of which preempts those below. */
#define SOFTWARE_PRIORITY_BITS 5U

static int create_vgic(struct hv_vm *vm)
{
    const struct hv_arch_features *features = hv_arch_features();
    struct hv_machine *machine = &vm->machine;
    bool software = machine->delivery == HV_DELIVERY_SOFTWARE;
    struct ash_vgic_config config = {
        .size = sizeof(config),
        .version = machine->layout.gic_version,
        .vcpu_count = vm->vcpus,
        .spi_count = HV_MACHINE_SPIS,
        .lr_count = software ? 0U : features->lr_count,
        .priority_bits = software ? SOFTWARE_PRIORITY_BITS : features->priority_bits,
        .preemption_bits = software ? SOFTWARE_PRIORITY_BITS : features->preemption_bits,
        .has_tdir = features->has_tdir,
        .deactivate_by_hal = features->deactivate_by_hal,
        .vcpus = machine->vgic_vcpus,
        .spis = machine->spis,
    };
    int error;

    for (uint32_t i = 0; i < vm->vcpus; i++) {
        machine->vgic_vcpus[i] = &vm->vcpu[i]->vgic;
    }
    error = ash_vgic_init(&machine->vgic, &config, &vgic_hal, vm);
    for (uint32_t i = 0; error == ASH_OK && i < vm->vcpus; i++) {
        for (unsigned t = 0; t < ASH_VTIMER_COUNT && error == ASH_OK; t++) {
            /* The board's and the guest's timers have the same INTIDs; glue/machine.h says so. */
            uint32_t intid = timer_intid(machine, (enum ash_vtimer_id)t);
            error = ash_vgic_connect_hw(&machine->vgic, i, intid, intid);
        }
    }
    return error;
}

/* ---- libvcpu ----------------------------------------------------------------------------------------------------- */

/** The VM's lock is held. */
static int entropy(void *ctx, uint64_t *words, unsigned count)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    hv_rng_bytes(&vm->machine.rng, words, count * sizeof(*words));
    return ASH_OK;
}

static void mitigate(void *ctx, uint32_t function, uint64_t argument)
{
    uint64_t x[18] = {function, argument};

    (void)ctx;
    hv_arch_smc(x);
}

static const struct ash_vcpu_psci_hal psci_hal = {
    .size = sizeof(psci_hal), .entropy = entropy, .mitigate = mitigate};
/* Without a seed what the generator makes could be guessed, and must not be called entropy. */
static const struct ash_vcpu_psci_hal psci_hal_without_entropy = {.size = sizeof(psci_hal),
                                                                  .mitigate = mitigate};

/* RFC 4122, version 4: made up once. Hypervisor: 9b1c2ff0-5d1e-4c0c-8a57-3f6b3c1f9e21, TRNG:
 * 40a6f1d2-77c8-4f6a-b1d3-52c09a8e6b14; w0 holds the first four bytes, the first one lowest (DEN0028 6.2). */
#define HYPERVISOR_UID                                                                                       \
    {                                                                                                        \
        0xf02f1c9bU, 0x0c4c1e5dU, 0x6b3f578aU, 0x219e1f3cU                                                   \
    }
#define TRNG_UUID                                                                                            \
    {                                                                                                        \
        0xd2f1a640U, 0x6a4fc877U, 0xc052d3b1U, 0x146b8e9aU                                                   \
    }

static int reset_psci(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    const struct hv_arch_features *features = hv_arch_features();
    const struct ash_vcpu_psci_config config = {
        .size = sizeof(config),
        .cpus = machine->psci_cpu,
        .cpu_count = vm->vcpus,
        .boot_cpu = 0,
        .entry_ranges = machine->ram,
        .entry_range_count = machine->ram_count,
        .hvc = true,
        .smc = true,
        .system_suspend = true,
        .workaround = {features->workaround[0], features->workaround[1], features->workaround[2]},
        .hypervisor_uid = HYPERVISOR_UID,
        .has_stolen_time = vm->config.machine == ASH_BOOT_VM_VIRT,
        .starts_all = vm->config.machine == ASH_BOOT_VM_BCM2837,
        .stolen_time = {HV_MACHINE_STOLEN_TIME},
        .hypervisor_revision = {ASH_VERSION_MAJOR, ASH_VERSION_MINOR},
        .trng_uuid = TRNG_UUID,
        .smc_allow = vm->config.smc_allow,
        .smc_allow_count = vm->config.smc_allow_count,
    };

    for (uint32_t i = 0; i < vm->vcpus; i++) {
        machine->psci_cpu[i].mpidr = machine->layout.mpidr[i];
    }
    return ash_vcpu_psci_init(&machine->psci, &config,
                              vm->hv->has_entropy ? &psci_hal : &psci_hal_without_entropy, vm);
}

static int create_id(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    const struct hv_arch_features *features = hv_arch_features();
    const struct ash_vcpu_id_policy policy = {
        .size = sizeof(policy),
        .ipa_bits = features->ipa_bits,
        .gicv3 = machine->layout.gic_version == 3U && vm->config.machine == ASH_BOOT_VM_VIRT,
        .aarch32_el0 = true,
        .pauth = true,
        .ras = false,
    };

    return ash_vcpu_id_sanitise(&features->id, &policy, &machine->id);
}

/* ---- Devices ----------------------------------------------------------------------------------------------------- */

static int access_distributor(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                              uint64_t *value)
{
    return ash_vgic_dist_access((struct ash_vgic *)ctx, vcpu->index, offset, size, is_write, value);
}

/* IHI 0048B 4.4. */
#define GICC_IAR  0x0cU
#define GICC_EOIR 0x10U

/* Without list registers. What the access changed is told to the vCPU here, and most of it concerns the vCPU that made
 * it: an SGI to self costs no second look. */

static int tell(struct hv_vcpu *vcpu, int error)
{
    uint32_t lines = ash_vgic_lines(&vcpu->vgic);

    if (vcpu->arch.lines == lines || error != ASH_OK) { /* an access that failed has changed nothing */
        return error;
    }
    __atomic_store_n(&vcpu->arch.lines, lines, __ATOMIC_RELAXED);
    return HV_MMIO_LINES;
}

static int access_distributor_software(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size,
                                       bool is_write, uint64_t *value)
{
    int error = ash_vgic_dist_access((struct ash_vgic *)ctx, vcpu->index, offset, size, is_write, value);

    if (error == ASH_OK && ash_vgic_needs_flush(&vcpu->vgic)) {
        ash_vgic_flush(&vcpu->vgic);
    }
    return tell(vcpu, error);
}

/* The two that every interrupt needs, first. */
static int access_interface(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                            uint64_t *value)
{
    int error = ASH_OK;

    if (offset == GICC_IAR && size == 4U && !is_write) {
        *value = ash_vgic_acknowledge(&vcpu->vgic);
    } else if (offset == GICC_EOIR && size == 4U && is_write) {
        ash_vgic_end(&vcpu->vgic, (uint32_t)*value);
    } else {
        error = ash_vgic_cpu_access((struct ash_vgic *)ctx, vcpu->index, offset, size, is_write, value);
    }
    return tell(vcpu, error);
}

/** The lines of @vcpu, which this CPU runs. */
static void take_lines(struct hv_vcpu *vcpu)
{
    if (vcpu->vm->machine.delivery == HV_DELIVERY_SOFTWARE) {
        __atomic_store_n(&vcpu->arch.lines, ash_vgic_lines(&vcpu->vgic), __ATOMIC_RELAXED);
    }
}

void hv_machine_load_vgic(struct hv_vcpu *vcpu)
{
    ash_vgic_load(&vcpu->vgic);
    take_lines(vcpu);
}

void hv_machine_flush_vgic(struct hv_vcpu *vcpu)
{
    ash_vgic_sync(&vcpu->vgic);
    ash_vgic_flush(&vcpu->vgic);
    take_lines(vcpu);
}

void hv_machine_show_lines(const struct hv_vcpu *vcpu)
{
    hv_arch_apply_lines(vcpu);
}

static int access_redistributor(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size,
                                bool is_write, uint64_t *value)
{
    return ash_vgic_redist_access((struct ash_vgic *)ctx, vcpu->index, offset, size, is_write, value);
}

static void add_region(struct hv_machine *machine, uint64_t base, uint64_t size, hv_mmio_handler *handler,
                       void *ctx, const char *name)
{
    const struct hv_mmio_region region = {
        .base = base, .size = (uint32_t)size, .handler = handler, .ctx = ctx, .name = name};
    uint32_t at = machine->regions++;

    for (; at > 0U && machine->region[at - 1U].base > base; at--) {
        machine->region[at] = machine->region[at - 1U];
    }
    machine->region[at] = region;
}

static void index_regions(struct hv_machine *machine)
{
    uint64_t page = 0;

    memset(machine->region_at, (int)machine->regions, sizeof(machine->region_at));
    for (uint32_t i = 0; i < machine->regions; i++) {
        uint64_t last = machine->region[i].base + machine->region[i].size - 1U - HV_MACHINE_WINDOW;

        for (; page <= last >> HV_MACHINE_PAGE_SHIFT && page < HV_MACHINE_WINDOW_PAGES; page++) {
            machine->region_at[page] = (uint8_t)i;
        }
    }
}

const struct hv_mmio_region *hv_machine_region(const struct hv_machine *machine, uint64_t ipa)
{
    uint64_t page = (ipa - HV_MACHINE_WINDOW) >> HV_MACHINE_PAGE_SHIFT;
    bool inside = page < HV_MACHINE_WINDOW_PAGES;

    for (uint32_t i = inside ? machine->region_at[ash_index_nospec(page, HV_MACHINE_WINDOW_PAGES)] : 0U;
         i < machine->regions; i++) {
        if (ipa - machine->region[i].base < machine->region[i].size) {
            return &machine->region[i];
        }
    }
    return NULL;
}

static int create_devices(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;
    const struct ash_boot_guest_machine *layout = &machine->layout;

    hv_devices_create(vm);
    if (vm->config.machine == ASH_BOOT_VM_BCM2837) {
        return hv_bcm2837_create(vm);
    }
    hv_devices_create_uart(vm);
    add_region(machine, layout->gicd.value, layout->gicd_size,
               machine->delivery == HV_DELIVERY_SOFTWARE ? access_distributor_software : access_distributor,
               &machine->vgic, "GICD");
    if (machine->delivery == HV_DELIVERY_SOFTWARE) {
        add_region(machine, layout->gicc.value, ASH_VGIC_V2_CPU_SIZE, access_interface, &machine->vgic,
                   "GICC");
    }
    if (layout->gic_version == 3U) {
        add_region(machine, layout->gicr.value, layout->gicr_size_per_vcpu * vm->vcpus, access_redistributor,
                   &machine->vgic, "GICR");
    }
    add_region(machine, layout->uart.base.value, layout->uart.size, hv_devices_access_uart, vm, "PL011");
    add_region(machine, layout->rtc.base.value, layout->rtc.size, hv_devices_access_rtc, vm, "PL031");
    add_region(machine, layout->gpio.base.value, layout->gpio.size, hv_devices_access_gpio, vm, "PL061");
    add_region(machine, layout->wdog.base.value, layout->wdog.size, hv_devices_access_wdog, vm, "SP805");
    if (layout->virtio_count > 0U) {
        add_region(machine, HV_VIRTIO_WINDOW, HV_VIRTIO_WINDOW_SIZE, hv_virtio_note_access, vm,
                   "virtio-mmio");
    }
    index_regions(machine);
    return ASH_OK;
}

/* ---- The machine ------------------------------------------------------------------------------------------------- */

/** What of the parts adjoins is one RAM to the guest, unless the configuration has it as several. */
static void describe_ram(struct hv_vm *vm, const struct hv_plan_vm *plan)
{
    struct hv_machine *machine = &vm->machine;
    struct ash_boot_guest_machine *layout = &machine->layout;

    machine->parts = plan->parts;
    memcpy(machine->part, plan->part, sizeof(machine->part));
    layout->ram[0].base = ash_ipa(plan->part[0].ipa);
    layout->ram[0].size = vm->config.memory_size;
    for (uint32_t i = 0; i < vm->config.memory_count; i++) {
        layout->ram[i].base = ash_ipa(plan->part[i].ipa);
        layout->ram[i].size = plan->part[i].size;
        layout->ram_count = i + 1U;
    }
    machine->ram_count = layout->ram_count;
    for (uint32_t i = 0; i < layout->ram_count; i++) {
        machine->ram[i] = (struct ash_vcpu_ipa_range){layout->ram[i].base, layout->ram[i].size};
    }
}

int hv_machine_map_ram(struct hv_vm *vm, uint64_t *mapped)
{
    struct hv_machine *machine = &vm->machine;
    uint64_t offset = *mapped;

    for (uint32_t i = 0; i < machine->parts; i++) {
        const struct hv_ram_part *part = &machine->part[i];
        uint64_t size = MAP_STEP - (part->ipa + offset) % MAP_STEP;

        if (offset >= part->size) {
            offset -= part->size;
            continue;
        }
        size = size < part->size - offset ? size : part->size - offset;
        *mapped += size;
        return ash_stage2_map(&machine->stage2, ash_ipa(part->ipa + offset), ash_pa(part->pa + offset), size,
                              ASH_STAGE2_READ | ASH_STAGE2_WRITE | ASH_STAGE2_EXEC | ASH_STAGE2_NORMAL);
    }
    return HV_MACHINE_MAPPED;
}

/* ---- Stolen time ------------------------------------------------------------------------------------------------- */

/** A page of Normal memory that the guest may only read (DEN0057). */
static int create_stolen_time(struct hv_vm *vm)
{
    const struct hv_page_request request = {.pages = 1};
    struct hv_machine *machine = &vm->machine;
    int error;

    machine->stolen_time = (struct ash_vcpu_stolen_time *)hv_pages_alloc(&vm->hv->pages, &request);
    if (machine->stolen_time == NULL) {
        return ASH_ENOMEM;
    }
    hv_arch_zero_and_publish(machine->stolen_time, HV_PAGE_SIZE);
    if (machine->bcm != NULL) {
        return ASH_OK; /* a Raspberry Pi has RAM there, and shows it to nobody */
    }
    error = ash_stage2_map(&machine->stage2, ash_ipa(HV_MACHINE_STOLEN_TIME),
                           ash_pa((uint64_t)(uintptr_t)machine->stolen_time), HV_PAGE_SIZE,
                           ASH_STAGE2_READ | ASH_STAGE2_NORMAL); /* hv's map is the identity */
    if (error != ASH_OK) {
        hv_pages_free(&vm->hv->pages, machine->stolen_time, 1);
    }
    return error;
}

static void reset_stolen_time(struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        vm->vcpu[i]->arch.stolen = 0;
    }
    hv_arch_zero_and_publish(vm->machine.stolen_time, HV_PAGE_SIZE);
}

void hv_machine_stole(struct hv_vcpu *vcpu, uint64_t ticks)
{
    struct ash_vcpu_stolen_time *told = &vcpu->vm->machine.stolen_time[vcpu->index];

    vcpu->arch.stolen += ticks;
    hv_account_add(&vcpu->account.stolen, ticks);
    /* In one piece: others of its VM may read it meanwhile. */
    __atomic_store_n(&told->stolen_ns, ash_vcpu_stolen_ns(vcpu->arch.stolen, hv_arch_ticks_per_second()),
                     __ATOMIC_RELAXED);
}

/* ---- The machine's memory ---------------------------------------------------------------------------------------- */

/** A GICv2 guest's CPU interface is hardware's virtual one. */
static int map_gicv(struct hv_machine *machine)
{
    if (machine->layout.gic_version != 2U || machine->delivery != HV_DELIVERY_LIST_REGISTERS) {
        return ASH_OK;
    }
    return ash_stage2_map(&machine->stage2, machine->layout.gicc, hv_arch_features()->gicv,
                          machine->layout.gicc_size, ASH_STAGE2_READ | ASH_STAGE2_WRITE | ASH_STAGE2_DEVICE);
}

static void describe(struct hv_vm *vm, const struct hv_plan_vm *plan)
{
    struct hv_machine *machine = &vm->machine;
    struct ash_boot_guest_machine *layout = &machine->layout;

    ash_boot_guest_machine_default(layout);
    if (hv_arch_features()->lr_count == 0U || vm->hv->vgic_in_software) {
        machine->delivery = HV_DELIVERY_SOFTWARE;
    }
    if (hv_arch_features()->gic_version == 2U || machine->delivery == HV_DELIVERY_SOFTWARE) {
        ash_boot_guest_machine_gicv2(layout);
    }
    ash_boot_guest_machine_virtio(layout, vm->config.virtio_count);
    layout->vcpus = vm->vcpus;
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        layout->mpidr[i] = i; /* Aff0, up to 8: also what libvgic takes by default */
    }
    describe_ram(vm, plan);
}

static int create_vcpus(struct hv_vm *vm)
{
    int error = ASH_OK;

    for (uint32_t i = 0; i < vm->vcpus && error == ASH_OK; i++) {
        error = ash_vtimer_init(&vm->vcpu[i]->arch.vtimer, &vm->machine.time, &vtimer_hal, vm->vcpu[i]);
    }
    return error;
}

int hv_machine_create(struct hv_vm *vm, const struct hv_plan_vm *plan)
{
    struct hv_machine *machine = &vm->machine;
    int error;

    describe(vm, plan);
    /* Its own generator: none learns what another VM gets, and a call needs no lock above the VM's. */
    hv_lock(&vm->hv->vms_lock);
    hv_rng_bytes(&vm->hv->rng, &machine->rng.key, sizeof(machine->rng.key));
    hv_unlock(&vm->hv->vms_lock);
    error = create_id(vm);
    if (error == ASH_OK) {
        error = create_vcpus(vm);
    }
    if (error == ASH_OK) {
        error = reset_psci(vm);
    }
    if (error == ASH_OK) {
        error = create_vgic(vm);
    }
    if (error == ASH_OK) {
        error = create_devices(vm);
    }
    if (error == ASH_OK) {
        error = hv_virtio_create(vm, plan);
    }
    if (error != ASH_OK) {
        return error; /* a VM has virtio devices or is a bcm2837 */
    }
    error = hv_stage2_create(vm);
    if (error == ASH_OK) {
        error = map_gicv(machine);
        if (error == ASH_OK) {
            error = create_stolen_time(vm);
        }
        if (error != ASH_OK) {
            ash_stage2_destroy(&machine->stage2);
        }
    }
    if (error != ASH_OK) {
        hv_bcm2837_destroy(vm);
        hv_virtio_destroy(vm);
    }
    return error;
}

void hv_machine_destroy(struct hv_vm *vm)
{
    hv_machine_lock(NULL, &vm->machine);
    ash_vgic_reset(&vm->machine.vgic); /* by hw_deactivate: what its vCPUs had active when they went off */
    hv_machine_unlock(&vm->machine);
    ash_stage2_destroy(&vm->machine.stage2);
    hv_pages_free(&vm->hv->pages, vm->machine.stolen_time, 1);
    hv_bcm2837_destroy(vm);
    hv_virtio_destroy(vm);
    hv_lock(&vm->hv->vms_lock);
    ash_vmid_release(&vm->hv->vmids, &vm->machine.vmid);
    hv_unlock(&vm->hv->vms_lock);
}

void hv_machine_reset(struct hv_vm *vm)
{
    struct hv_machine *machine = &vm->machine;

    (void)reset_psci(vm); /* as at create, where it succeeded */
    reset_stolen_time(vm);
    hv_machine_lock(NULL, machine);
    ash_vgic_reset(&machine->vgic);
    hv_vpl011_reset(&machine->uart);
    machine->reads_uart = 0;
    if (machine->bcm != NULL) {
        hv_bcm2837_reset(vm);
    }
    hv_devices_reset(vm);
    hv_machine_unlock(machine);
}

void hv_machine_vcpu_reset(struct hv_vcpu *vcpu, ash_ipa_t entry, uint64_t x0)
{
    const struct hv_arch_features *features = hv_arch_features();
    struct hv_machine *machine = &vcpu->vm->machine;

    vcpu->life++;
    vcpu->context.features =
        (features->has_pauth ? ASH_VCPU_FEATURE_PAUTH : 0U) | (features->has_ras ? ASH_VCPU_FEATURE_RAS : 0U);
    ash_vcpu_context_reset(&vcpu->context, entry, x0, features->midr, machine->layout.mpidr[vcpu->index]);
    ash_vtimer_reset(&vcpu->arch.vtimer);
    vcpu->arch.hcr = 0;
    vcpu->arch.setway_cursor = 0;
    hv_machine_lock(NULL, machine);
    vcpu->arch.lines = 0;
    if (machine->bcm != NULL) {
        hv_bcm2837_vcpu_reset(vcpu);
    }
    ash_vgic_vcpu_reset(&machine->vgic, vcpu->index);
    hv_machine_unlock(machine);
}

void hv_machine_vcpu_restart(struct hv_vcpu *vcpu, ash_ipa_t entry, uint64_t x0)
{
    vcpu->life++;
    ash_vcpu_context_reset(&vcpu->context, entry, x0, hv_arch_features()->midr,
                           vcpu->vm->machine.layout.mpidr[vcpu->index]);
    vcpu->arch.hcr = 0;
    vcpu->arch.setway_cursor = 0;
}

void hv_machine_vcpu_started(struct hv_vcpu *vcpu)
{
    /* The boot vCPU is ON from the reset on: nothing to do then. */
    ASH_DISCARD(ash_vcpu_psci_started(&vcpu->vm->machine.psci, vcpu->index));
}

void hv_machine_vcpu_stopped(struct hv_vcpu *vcpu)
{
    struct hv_machine *machine = &vcpu->vm->machine;

    ASH_DISCARD(ash_vcpu_psci_stopped(&machine->psci, vcpu->index)); /* it was on */
    hv_machine_lock(NULL, machine);
    ash_vgic_vcpu_offline(&machine->vgic, vcpu->index);
    hv_machine_unlock(machine);
}
