/* SPDX-License-Identifier: BSD-2-Clause */
/* The long ways of a VM's life as jobs: to make it, to load its images, to give everything back. A job owns its VM's
 * memory and objects alone: in these states nobody else touches them. */
#include <stddef.h>

#include "arch/arch.h"
#include "core/guest_memory.h"
#include "core/hv.h"
#include "core/place.h"
#include "glue/virtio.h"

static struct hv_place *place_of(struct hv_job *job)
{
    return (struct hv_place *)job; /* its first member */
}

/** A CPU that has nothing to do but for @place's VM works for it; else the one that asked. @own: of the VM's vCPUs
 *  those that its first one's CPU has. */
static struct hv_cpu *choose_worker(const struct hv_place *place, uint32_t own, struct hv_cpu *asker)
{
    struct hv_cpu *cpu = place->hv->cpu[place->plan->cpu[0]];

    return __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) != 0U &&
                   __atomic_load_n(&cpu->sched.count, __ATOMIC_RELAXED) == own
               ? cpu
               : asker;
}

static void begin(struct hv_place *place, hv_job_step *step, struct hv_cpu *worker)
{
    place->phase = 0;
    place->cursor = 0;
    place->job.step = step;
    place->worker = worker;
    hv_job_post(worker, &place->job);
}

/** How many of the VM's vCPUs its first one's CPU has. */
static uint32_t count_own(const struct hv_place *place)
{
    uint32_t own = 0;

    for (uint32_t i = 0; i < place->plan->cpus; i++) {
        own += place->plan->cpu[i] == place->plan->cpu[0] ? 1U : 0U;
    }
    return own;
}

/** What others see of @place's VM from now on. The VM list's lock is held. */
static void publish(struct hv_place *place, struct hv_vm *vm)
{
    hv_lock(&place->hv->console_lock);
    place->hv->vm[place->number] = vm;
    hv_unlock(&place->hv->console_lock);
}

/* ---- The vCPUs' CPUs --------------------------------------------------------------------------------------------- */

static void mail_is_there(struct hv_vcpu *vcpu)
{
    struct hv_place *place = vcpu->vm->place;

    /* Acquire and release: whoever counts down last has all the others' changes before it goes on. */
    if (__atomic_sub_fetch(&place->mails_due, 1U, __ATOMIC_ACQ_REL) == 0U) {
        hv_job_post(place->worker, &place->job);
    }
}

static struct hv_vcpu *vcpu_of(struct hv_mail *mail)
{
    return (struct hv_vcpu *)(void *)((char *)mail - offsetof(struct hv_vcpu, mail));
}

static void take_in(struct hv_cpu *cpu, struct hv_mail *mail)
{
    (void)cpu;
    hv_sched_add(vcpu_of(mail));
    mail_is_there(vcpu_of(mail));
}

static void take_out(struct hv_cpu *cpu, struct hv_mail *mail)
{
    (void)cpu;
    hv_sched_remove(vcpu_of(mail));
    mail_is_there(vcpu_of(mail));
}

/** Have every CPU that is to run one of @vm's vCPUs do @what with it. The last one posts the job again. */
static enum hv_job_verdict tell_cpus(struct hv_place *place, hv_mail_deliver *what)
{
    struct hv_vm *vm = place->vm;
    uint32_t vcpus = vm->vcpus; /* with the last mail out, the VM is no longer this CPU's to look at */

    __atomic_store_n(&place->mails_due, vcpus, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < vcpus; i++) {
        struct hv_vcpu *vcpu = vm->vcpu[i];

        vcpu->mail.deliver = what;
        if (__atomic_load_n(&vcpu->cpu->online, __ATOMIC_ACQUIRE) != 0U) {
            hv_mail_send(vcpu->cpu, &vcpu->mail);
        } else { /* it never came: nobody reads its mail, nor its list */
            what(vcpu->cpu, &vcpu->mail);
        }
    }
    return HV_JOB_WAITS;
}

/* ---- Create ------------------------------------------------------------------------------------------------------ */

enum create_phase { PLAN, MAKE, MAP, FILL, JOIN, PUBLISH };

static hv_job_step destroy_step;

/** It is not to be, or cannot: back to ABSENT. Before JOIN. */
static enum hv_job_verdict give_up(struct hv_place *place)
{
    struct hv *hv = place->hv;

    if (place->vm != NULL) {
        hv_machine_destroy(place->vm);
        hv_vm_free(place->vm);
        place->vm = NULL;
    }
    hv_lock(&hv->vms_lock);
    hv_plan_drop(&hv->configured->plan, place->plan);
    hv_unlock(&hv->vms_lock);
    hv_log(hv, "%s was not created", place->plan->config->name);
    hv_lock(&hv->vms_lock);
    place->state = HV_LIFE_ABSENT; /* and the next job may begin */
    hv_unlock(&hv->vms_lock);
    return HV_JOB_DONE;
}

static bool are_its_cpus_there(const struct hv_place *place)
{
    for (uint32_t i = 0; i < place->plan->cpus; i++) {
        const struct hv_cpu *cpu = place->hv->cpu[place->plan->cpu[i]];

        if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) == 0U) {
            hv_log(place->hv, "%s: CPU %u, which vCPU %u wants, did not start", place->plan->config->name,
                   cpu->index, i);
            return false;
        }
    }
    return true;
}

static int make_plan(struct hv_place *place)
{
    struct hv *hv = place->hv;

    hv_lock(&hv->vms_lock);
    hv_plan_renew(&hv->configured->plan, place->plan);
    hv_unlock(&hv->vms_lock);
    if (place->plan->config->fault.code != ASH_OK) {
        hv_log_fault(hv, &place->plan->config->fault);
    }
    return place->plan->config->fault.code;
}

/** Make the vCPUs', the RAM's part of the table and what is on the disks, a step. @place->phase goes on. */
static int build(struct hv_place *place)
{
    int error;

    if (place->phase == MAKE) {
        error = hv_vm_make(place, &place->vm);
        place->phase = MAP;
        return error;
    }
    if (place->phase == FILL) {
        place->phase = hv_virtio_fill(place->vm) ? FILL : JOIN;
        return ASH_OK;
    }
    error = hv_machine_map_ram(place->vm, &place->cursor);
    if (error == HV_MACHINE_MAPPED) {
        place->phase = FILL;
        return ASH_OK;
    }
    if (error != ASH_OK) {
        hv_log(place->hv, "%s: its memory cannot be mapped: %s", place->plan->config->name,
               ash_error_name(error));
    }
    return error;
}

static bool is_abandoned(struct hv_place *place)
{
    bool abandoned;

    hv_lock(&place->hv->vms_lock);
    abandoned = place->abandoned;
    hv_unlock(&place->hv->vms_lock);
    return abandoned;
}

/** Everything is there: OFF, or all the way back. */
static enum hv_job_verdict become_visible(struct hv_place *place)
{
    struct hv *hv = place->hv;
    bool abandoned;

    hv_lock(&hv->vms_lock);
    abandoned = place->abandoned;
    if (!abandoned) {
        publish(place, place->vm);
    } else {
        place->state = HV_LIFE_DESTROYING;
        place->phase = 0;
        place->job.step = destroy_step;
    }
    hv_unlock(&hv->vms_lock);
    if (!abandoned) {
        hv_log(hv, "%s is created", place->plan->config->name);
    }
    return abandoned ? HV_JOB_AGAIN : HV_JOB_DONE;
}

static enum hv_job_verdict create_step(struct hv_cpu *cpu, struct hv_job *job)
{
    struct hv_place *place = place_of(job);
    int error = ASH_OK;

    (void)cpu;
    if (place->phase == PUBLISH) {
        return become_visible(place);
    }
    if (is_abandoned(place)) {
        return give_up(place);
    }
    switch ((enum create_phase)place->phase) {
    case PLAN:
        error = make_plan(place);
        place->phase = MAKE;
        if (error == ASH_OK && !are_its_cpus_there(place)) {
            error = ASH_ENOTSUP;
        }
        break;
    case MAKE:
    case MAP:
    case FILL:
        error = build(place);
        break;
    case JOIN:
    case PUBLISH:
    default:
        place->phase = PUBLISH;
        return tell_cpus(place, take_in);
    }
    return error == ASH_OK ? HV_JOB_AGAIN : give_up(place);
}

void hv_life_begin_create(struct hv_place *place, struct hv_cpu *asker)
{
    place->vm = NULL;
    place->abandoned = false;
    place->state = HV_LIFE_CREATING;
    place->created++;
    begin(place, create_step, asker);
}

int hv_life_create_now(struct hv_place *place)
{
    int error;

    place->created++;
    place->phase = MAKE;
    place->cursor = 0;
    do {
        error = build(place);
    } while (error == ASH_OK && place->phase != JOIN);
    if (error == ASH_OK) {
        for (uint32_t i = 0; i < place->vm->vcpus; i++) {
            hv_sched_add(place->vm->vcpu[i]);
        }
        place->hv->vm[place->number] = place->vm;
    } else if (place->vm != NULL) {
        hv_machine_destroy(place->vm);
        hv_vm_free(place->vm);
        place->vm = NULL;
    }
    return error;
}

/* ---- Load -------------------------------------------------------------------------------------------------------- */

/** All is loaded, or cannot be: RUNNING, or the way of a VM that has ended. */
static enum hv_job_verdict finish_load(struct hv_cpu *cpu, struct hv_vm *vm, int error)
{
    const struct ash_boot_placement *placement = &vm->images.placement;
    bool begins;

    if (error != ASH_OK) {
        hv_log(vm->hv, "%s: cannot start%s: %s", vm->name, vm->ran ? " again" : "", ash_error_name(error));
        hv_vm_stop(vm, HV_END_FAULT);
    }
    hv_lock(&vm->lock);
    begins = vm->state == HV_LIFE_STARTING;
    if (begins) {
        vm->place->spent = true;
        hv_record_state(cpu, vm, HV_LIFE_RUNNING, 0);
        hv_vm_begin(vm, placement->entry, placement->dtb.value);
    }
    hv_unlock(&vm->lock);
    if (!begins) {
        hv_life_ended(cpu, vm);
    }
    return HV_JOB_DONE;
}

static enum hv_job_verdict load_step(struct hv_cpu *cpu, struct hv_job *job)
{
    struct hv_place *place = place_of(job);
    struct hv_vm *vm = place->vm;
    int error;

    if (hv_vm_is_stopping(vm)) { /* given up; finish_load() looks with the lock */
        return finish_load(cpu, vm, ASH_OK);
    }
    error = hv_loader_step(cpu, vm, &place->loading);
    return error == HV_LOADER_AGAIN ? HV_JOB_AGAIN : finish_load(cpu, vm, error);
}

void hv_life_begin_load(struct hv_vm *vm, struct hv_cpu *asker)
{
    struct hv_place *place = vm->place;

    __atomic_store_n(&vm->state, HV_LIFE_STARTING, __ATOMIC_RELAXED);
    vm->then = HV_THEN_POLICY;
    place->vm = vm;
    place->loading = (struct hv_loading){0, 0};
    begin(place, load_step, choose_worker(place, count_own(place), asker));
}

/* ---- Destroy ----------------------------------------------------------------------------------------------------- */

enum destroy_phase { HIDE, LEAVE, QUIESCE, REVOKE, CLEAR, CLEAR_DISKS, FREE };

static void hide(struct hv_place *place)
{
    hv_lock(&place->hv->vms_lock);
    place->state = HV_LIFE_DESTROYING;
    publish(place, NULL);
    hv_unlock(&place->hv->vms_lock);
}

/** What was a guest's is nobody's to read. False: nothing is left to clear. */
static bool clear(struct hv_place *place)
{
    uint64_t size = HV_JOB_BYTES;
    void *ram = place->vm->ran ? hv_guest_ram_at(place->vm, place->cursor, &size) : NULL;

    if (ram != NULL) {
        hv_arch_zero_and_publish(ram, size);
        place->cursor += size;
    }
    return ram != NULL;
}

/** The same of its disks, but for memory that the configuration names: that outlives a VM. */
static bool clear_disks(struct hv_place *place)
{
    const struct hv_plan_vm *plan = place->plan;
    uint64_t offset = place->cursor;

    for (uint32_t i = 0; place->vm->ran && i < plan->config->virtio_count; i++) {
        const struct hv_plan_disk *disk = &plan->disk[i];
        const struct ash_boot_virtio *device = &plan->config->virtio[i];
        uint64_t size = hv_plan_is_range(device) && !disk->in_flash ? 0U : disk->size;

        if (offset < size) {
            size = size - offset < HV_JOB_BYTES ? size - offset : HV_JOB_BYTES;
            hv_arch_zero_and_publish((void *)(uintptr_t)(disk->base + offset), size);
            place->cursor += size;
            return true;
        }
        offset -= size;
    }
    return false;
}

static enum hv_job_verdict give_back(struct hv_place *place)
{
    struct hv *hv = place->hv;

    hv_vm_free(place->vm);
    place->vm = NULL;
    hv_lock(&hv->vms_lock);
    hv_plan_drop(&hv->configured->plan, place->plan);
    hv_unlock(&hv->vms_lock);
    hv_log(hv, "%s is destroyed", place->plan->config->name);
    hv_lock(&hv->vms_lock);
    place->state = HV_LIFE_ABSENT; /* and the next job may begin */
    hv_unlock(&hv->vms_lock);
    return HV_JOB_DONE;
}

static enum hv_job_verdict destroy_step(struct hv_cpu *cpu, struct hv_job *job)
{
    struct hv_place *place = place_of(job);

    switch ((enum destroy_phase)place->phase) {
    case HIDE:
        hide(place);
        place->phase = LEAVE;
        return HV_JOB_AGAIN;
    case LEAVE:
        place->phase = QUIESCE;
        place->cursor = 0;
        return tell_cpus(place, take_out);
    case QUIESCE:
        place->phase = hv_virtio_quiesce(cpu, place->vm) ? REVOKE : QUIESCE;
        return HV_JOB_AGAIN;
    case REVOKE: /* before the first byte is another's: no CPU finds its way to the memory any more */
        hv_machine_destroy(place->vm);
        place->phase = CLEAR;
        return HV_JOB_AGAIN;
    case CLEAR:
        if (!clear(place)) {
            place->phase = CLEAR_DISKS;
            place->cursor = 0;
        }
        return HV_JOB_AGAIN;
    case CLEAR_DISKS:
        if (!clear_disks(place)) {
            place->phase = FREE;
        }
        return HV_JOB_AGAIN;
    case FREE:
    default:
        return give_back(place);
    }
}

void hv_life_begin_destroy(struct hv_vm *vm, struct hv_cpu *asker)
{
    struct hv_place *place = vm->place;

    __atomic_store_n(&vm->state, HV_LIFE_DESTROYING, __ATOMIC_RELAXED);
    place->vm = vm;
    place->spent = true;
    begin(place, destroy_step, choose_worker(place, count_own(place), asker));
}
