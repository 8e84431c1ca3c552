/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/virtio.h"

#include <stddef.h>

#include <libbase/nospec.h>

#include "arch/arch.h"
#include "core/guest_memory.h"
#include "core/hv.h"
#include "core/place.h"

#define VENDOR       0x4c485341U        /* "ASHL" */
#define PIECE        UINT64_C(0x200000) /* what RAM is made of (core/plan.c) */
#define QUEUE_NOTIFY 0x050U             /* VIRTIO 1.2, 4.2.2 */

static const struct hv_virtio_ops *const kinds[ASH_BOOT_VIRTIO_KINDS] = {
    [ASH_BOOT_VIRTIO_BLK] = &hv_virtio_blk_ops,     [ASH_BOOT_VIRTIO_NET] = &hv_virtio_net_ops,
    [ASH_BOOT_VIRTIO_RNG] = &hv_virtio_rng_ops,     [ASH_BOOT_VIRTIO_CONSOLE] = &hv_virtio_console_ops,
    [ASH_BOOT_VIRTIO_VSOCK] = &hv_virtio_vsock_ops,
};

/* ---- libvirtio's HAL --------------------------------------------------------------------------------------------- */

static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    const struct hv_virtio_device *device = (const struct hv_virtio_device *)ctx;
    uint64_t run = size;
    void *bytes = hv_guest_run(device->vm, ipa, &run);

    (void)write;
    return run == size ? bytes : NULL;
}

/** The domain's lock is held, and the distributor's comes behind it: the level that was set last is the true one. */
static void interrupt(void *ctx, bool level)
{
    const struct hv_virtio_device *device = (const struct hv_virtio_device *)ctx;
    struct hv_machine *machine = &device->vm->machine;
    uint32_t count;

    hv_machine_lock(device->domain->holder, machine);
    /* What the guest asked for is answered, however fast it asks: that is no storm, and not counted. */
    count = machine->storm.count;
    machine->storm.count = 0;
    /* An SPI that this machine has: cannot fail. */
    ASH_DISCARD(
        ash_vgic_set_level(&machine->vgic, 0, 32U + machine->layout.virtio[device->index].spi, level));
    machine->storm.count = count;
    hv_machine_unlock(machine);
}

void hv_virtio_site(struct hv_virtio_device *device, void *at, uint32_t count, uint32_t size,
                    struct ash_virtio_site *site)
{
    /* All of a guest's memory stays mapped. */
    static const struct ash_virtq_hal memory = {.size = sizeof(memory), .map = map, .piece = PIECE};
    static const struct ash_virtio_hal hal = {.size = sizeof(hal), .memory = &memory, .interrupt = interrupt};
    struct ash_virtio_queue *queues = (struct ash_virtio_queue *)at;
    struct ash_virtq_slot *slots = (struct ash_virtq_slot *)(void *)&queues[count];

    for (uint32_t i = 0; i < count; i++) {
        queues[i].max_size = size;
        queues[i].slots = &slots[(size_t)i * size];
    }
    *site = (struct ash_virtio_site){
        .hal = &hal,
        .ctx = device,
        .regions = device->vm->machine.virtio->region,
        .region_count = device->vm->machine.ram_count,
        .vendor = VENDOR,
        .queues = queues,
        .queue_count = count,
        .ring_features =
            ASH_VIRTIO_RING_FEATURES & ~(device->config->split_rings ? ASH_VIRTQ_F_PACKED : UINT64_C(0)),
    };
}

/* ---- Work -------------------------------------------------------------------------------------------------------- */

static struct hv_virtio_device *device_of(struct hv_job *job)
{
    return (struct hv_virtio_device *)(void *)((char *)job - offsetof(struct hv_virtio_device, job));
}

/** A batch. True: there is more, and the job stays out. */
static bool work(struct hv_virtio_device *device)
{
    bool more = false;

    if (!hv_virtio_may_work(device)) {
        return false;
    }
    if (device->ops->work != NULL) {
        more = device->ops->work(device);
    }
    return ash_virtio_run(device->virtio, device->ops->batch) || more;
}

static enum hv_job_verdict step(struct hv_cpu *cpu, struct hv_job *job)
{
    struct hv_virtio_device *device = device_of(job);
    uint64_t since;
    bool more;

    hv_virtio_lock(cpu, device);
    since = hv_arch_ticks();
    device->job_again = false;
    more = work(device);
    if (device->ops->outside != NULL) {
        hv_virtio_unlock(device);
        more = device->ops->outside(cpu, device) || more;
        hv_virtio_lock(cpu, device);
    }
    more = more || device->job_again;
    hv_sched_owe(device->vm->vcpu[0], hv_arch_ticks() - since);
    device->job_is_out = more; /* seen by whoever has the lock next: then the job is not touched any more */
    hv_virtio_unlock(device);
    return more ? HV_JOB_AGAIN : HV_JOB_DONE;
}

void hv_virtio_post(struct hv_virtio_device *device)
{
    device->job_again = true;
    if (device->job_is_out || !hv_virtio_may_work(device)) {
        return;
    }
    device->job_is_out = true;
    device->jobs++;
    device->job.step = step;
    /* Where vCPU 0 is at first; it may have moved, and that would have to be asked with its lock held. */
    hv_job_post(device->vm->hv->cpu[device->vm->place->plan->cpu[0]], &device->job);
}

void hv_virtio_wake_at(struct hv_virtio_device *device, uint64_t ticks)
{
    struct hv_vm *vm = device->vm;
    struct hv_cpu *self = device->domain->holder;

    device->wake_at = ticks;
    hv_machine_lock(self, &vm->machine);
    if (ticks < vm->machine.virtio_due) {
        vm->machine.virtio_due = ticks;
        hv_machine_note_alarm(vm);
        hv_sched_new_alarm(vm->vcpu[0]->cpu, self);
    }
    hv_machine_unlock(&vm->machine);
}

void hv_virtio_ring(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;
    uint64_t now = hv_arch_ticks();

    for (uint32_t i = 0; virtio != NULL && i < virtio->count; i++) {
        struct hv_virtio_device *device = &virtio->device[i];

        hv_virtio_lock(cpu, device);
        if (device->wake_at != 0U && device->wake_at <= now) {
            device->wake_at = 0;
            hv_virtio_post(device);
        } else if (device->wake_at != 0U) {
            hv_virtio_wake_at(device, device->wake_at);
        }
        hv_virtio_unlock(device);
    }
}

/** The guest kicked: a batch for its account. ASH_EBUSY: it comes again for the next one. */
static int kicked(struct hv_virtio_device *device)
{
    device->kicks += device->streak == 0U ? 1U : 0U;
    if (!ash_virtio_run(device->virtio, device->ops->batch)) {
        device->streak = 0;
        return ASH_OK;
    }
    if (++device->streak < HV_VIRTIO_KICK_MAX) {
        return ASH_EBUSY;
    }
    device->streak = 0;
    hv_virtio_post(device);
    return ASH_OK;
}

const char *hv_virtio_driver_state(const struct hv_virtio_device *device)
{
    uint32_t status = device->virtio->status;

    if ((status & ASH_VIRTIO_FAILED) != 0U) {
        return "failed";
    }
    if ((status & ASH_VIRTIO_NEEDS_RESET) != 0U) {
        return "broken";
    }
    return (status & ASH_VIRTIO_DRIVER_OK) != 0U ? "up" : status != 0U ? "begun" : "none";
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

/** Where no device is there is one without a type (VIRTIO 1.2, 4.2.2.2, DeviceID). */
static uint64_t read_absent(uint64_t offset, unsigned size)
{
    static const uint32_t words[] = {0x74726976U, 2U}; /* MagicValue, Version */

    return size == 4U && offset < sizeof(words) && offset % 4U == 0U
               ? words[ash_index_nospec(offset / 4U, ASH_ARRAY_SIZE(words))]
               : 0U;
}

static int access(struct hv_cpu *cpu, struct hv_virtio_device *device, uint64_t offset, unsigned size,
                  bool is_write, uint64_t *value)
{
    int error = ASH_OK;

    hv_virtio_lock(cpu, device);
    if (!is_write) {
        *value = ash_virtio_mmio_read(&device->mmio, offset, size);
    } else {
        ash_virtio_mmio_write(&device->mmio, offset, size, *value);
        if (!ash_virtio_has_work(device->virtio)) {
            device->streak = 0;
        } else if (offset == QUEUE_NOTIFY) {
            error = kicked(device);
        } else {
            hv_virtio_post(device); /* an instruction that must not be run twice */
        }
    }
    hv_virtio_unlock(device);
    return error;
}

int hv_virtio_note_access(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                          uint64_t *value)
{
    (void)ctx;
    vcpu->arch.outside_value = value; /* here, and no argument: callers need not keep it over this call */
    vcpu->arch.outside_offset = (uint32_t)offset;
    vcpu->arch.outside_size = (uint8_t)size;
    vcpu->arch.outside_is_write = is_write;
    return HV_MMIO_OUTSIDE;
}

int hv_machine_access_outside(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint64_t *value = vcpu->arch.outside_value;
    struct hv_virtio *virtio = vcpu->vm->machine.virtio;
    uint32_t offset = vcpu->arch.outside_offset % ASH_VIRTIO_MMIO_SIZE;
    uint32_t index = vcpu->arch.outside_offset / ASH_VIRTIO_MMIO_SIZE;

    if (index < virtio->count) {
        return access(cpu, &virtio->device[ash_index_nospec(index, virtio->count)], offset,
                      vcpu->arch.outside_size, vcpu->arch.outside_is_write, value);
    }
    if (!vcpu->arch.outside_is_write) {
        *value = read_absent(offset, vcpu->arch.outside_size);
    }
    return ASH_OK;
}

/* ---- The VM's life ----------------------------------------------------------------------------------------------- */

int hv_virtio_refuse(const struct hv_virtio_device *device, int code, const char *property,
                     const char *problem, const char *allowed)
{
    return ash_boot_virtio_refuse(device->vm->place->plan->config, device->config, code, property, NULL,
                                  problem, allowed);
}

static int create_device(struct hv_vm *vm, struct hv_virtio_device *device, uint32_t index,
                         const struct hv_plan_vm *plan)
{
    int error;

    device->vm = vm;
    device->index = index;
    device->config = &vm->config.virtio[index];
    device->domain = &device->own;
    device->ops = kinds[device->config->kind];
    if (device->config->kind == ASH_BOOT_VIRTIO_BLK && device->config->pipe_count > 0U) {
        device->ops = &hv_virtio_served_ops;
    }
    device->pages = hv_pages_for(device->ops->size(device->config));
    device->state = hv_pages_alloc_zeroed(&vm->hv->pages, device->pages);
    if (device->state == NULL) {
        return ASH_ENOMEM;
    }
    error = device->ops->create(device, plan);
    if (error != ASH_OK) {
        hv_pages_free(&vm->hv->pages, device->state, device->pages);
        return error;
    }
    ash_virtio_mmio_init(&device->mmio, device->virtio);
    return ASH_OK;
}

/** A stretch of the guest's RAM, and where it is, if it lies in one piece of the machine's. */
static struct ash_virtq_region region_of(struct hv_vm *vm, ash_ipa_t base, uint64_t size)
{
    uint64_t run = size;
    void *bytes = hv_guest_run(vm, base, &run);

    return (struct ash_virtq_region){base, size, run == size ? bytes : NULL};
}

int hv_virtio_create(struct hv_vm *vm, const struct hv_plan_vm *plan)
{
    struct hv_machine *machine = &vm->machine;
    struct hv_virtio *virtio;
    int error = ASH_OK;

    if (vm->config.virtio_count == 0U) {
        return ASH_OK;
    }
    virtio = (struct hv_virtio *)hv_pages_alloc_zeroed(&vm->hv->pages, hv_pages_for(sizeof(*virtio)));
    if (virtio == NULL) {
        return ASH_ENOMEM;
    }
    machine->virtio = virtio;
    for (uint32_t i = 0; i < machine->ram_count; i++) {
        virtio->region[i] = region_of(vm, machine->ram[i].base, machine->ram[i].size);
    }
    while (error == ASH_OK && virtio->count < vm->config.virtio_count) {
        error = create_device(vm, &virtio->device[virtio->count], virtio->count, plan);
        virtio->count += error == ASH_OK ? 1U : 0U;
    }
    if (error != ASH_OK) {
        hv_virtio_destroy(vm);
    }
    return error;
}

bool hv_virtio_fill(struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;
    struct hv_virtio_device *device;

    if (virtio == NULL || virtio->filling == virtio->count) {
        return false;
    }
    device = &virtio->device[virtio->filling];
    if (device->ops->fill == NULL || !device->ops->fill(device)) {
        virtio->filling++;
    }
    return true;
}

static void detach(struct hv_virtio_device *device)
{
    if (!device->gone && device->ops->detach != NULL) {
        device->ops->detach(device);
    }
    device->gone = true;
}

bool hv_virtio_quiesce(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;
    bool quiet = true;

    for (uint32_t i = 0; virtio != NULL && i < virtio->count; i++) {
        struct hv_virtio_device *device = &virtio->device[i];

        hv_virtio_lock(cpu, device);
        detach(device);
        quiet = quiet && !device->job_is_out;
        hv_virtio_unlock(device);
    }
    return quiet;
}

void hv_virtio_destroy(struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;

    if (virtio == NULL) {
        return;
    }
    (void)hv_virtio_quiesce(NULL, vm); /* it never ran, or is quiet already */
    for (uint32_t i = 0; i < virtio->count; i++) {
        struct hv_virtio_device *device = &virtio->device[i];

        if (device->ops->destroy != NULL) {
            device->ops->destroy(device);
        }
        hv_pages_free(&vm->hv->pages, device->state, device->pages);
    }
    vm->machine.virtio = NULL;
    hv_pages_free(&vm->hv->pages, virtio, hv_pages_for(sizeof(*virtio)));
}

void hv_virtio_reset(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;

    for (uint32_t i = 0; virtio != NULL && i < virtio->count; i++) {
        struct hv_virtio_device *device = &virtio->device[i];

        hv_virtio_lock(cpu, device);
        ash_virtio_device_reset(device->virtio);
        ash_virtio_mmio_init(&device->mmio, device->virtio);
        if (device->ops->reset != NULL) {
            device->ops->reset(device);
        }
        device->streak = 0;
        device->wake_at = 0;
        device->frozen = false;
        hv_virtio_unlock(device);
    }
}

void hv_virtio_freeze(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;

    for (uint32_t i = 0; virtio != NULL && i < virtio->count; i++) {
        hv_virtio_lock(cpu, &virtio->device[i]);
        virtio->device[i].frozen = true;
        hv_virtio_unlock(&virtio->device[i]);
    }
}

void hv_virtio_thaw(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_virtio *virtio = vm->machine.virtio;

    for (uint32_t i = 0; virtio != NULL && i < virtio->count; i++) {
        hv_virtio_lock(cpu, &virtio->device[i]);
        virtio->device[i].frozen = false;
        hv_virtio_post(&virtio->device[i]); /* what was left, and what came meanwhile */
        hv_virtio_unlock(&virtio->device[i]);
    }
}
