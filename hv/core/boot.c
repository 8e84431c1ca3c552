/* SPDX-License-Identifier: BSD-2-Clause */
/* From "the board is known" to "the VMs run". */
#include <stdarg.h>

#include <libbase/checked.h>
#include <libbase/mem.h>

#include "arch/arch.h"
#include "core/configuration.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/panic.h"
#include "core/place.h"
#include "core/provoke.h"
#include "glue/console_glue.h"
#include "glue/stage2.h"

void hv_log(struct hv *hv, const char *format, ...)
{
    char line[240];
    va_list args;

    va_start(args, format);
    (void)hv_vformat(line, sizeof(line), format, args);
    va_end(args);
    if (!__atomic_load_n(&hv->log_errors_only, __ATOMIC_RELAXED)) {
        hv_console_say(hv, line);
    }
}

void hv_log_fault(struct hv *hv, const struct ash_boot_fault *fault)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)ash_boot_fault_format(line, sizeof(line), fault);
    hv_console_say(hv, line);
}

uint64_t hv_seconds_since_epoch(const struct hv *hv)
{
    return hv->epoch_seconds + (hv_arch_ticks() - hv->epoch_ticks) / hv_arch_ticks_per_second();
}

uint64_t hv_ticks_at_second(const struct hv *hv, uint64_t second)
{
    uint64_t ticks;

    if (second < hv->epoch_seconds) {
        return hv->epoch_ticks;
    }
    if (!ash_mul_ok(second - hv->epoch_seconds, hv_arch_ticks_per_second(), &ticks) ||
        !ash_add_ok(ticks, hv->epoch_ticks, &ticks)) {
        return UINT64_MAX;
    }
    return ticks;
}

static void print_trace(void *ctx, const char *line)
{
    hv_log((struct hv *)ctx, "%s", line);
}

void hv_finish(struct hv *hv)
{
    const char *status = hv->faulted != NULL ? "vm-fault" : "ok";
    const char *vm = hv->faulted != NULL ? hv->faulted : hv->ended;
    char line[160];

    if (hv->dumps_recorder) {
        hv_recorder_dump(hv, print_trace, hv);
    }
    (void)hv_format(line, sizeof(line), "exit status=%s vm=%s nonce=%s", status, vm != NULL ? vm : "-",
                    hv->nonce);
    hv_console_finish(hv, line);
    hv_arch_power_off();
    hv_arch_halt();
}

void hv_read_options(struct hv *hv)
{
    struct ash_boot_span value;

    if (ash_boot_option_find(hv->board.bootargs, "ashlar.nonce", &value)) {
        size_t size = value.size < sizeof(hv->nonce) ? value.size : sizeof(hv->nonce) - 1U;
        memcpy(hv->nonce, value.data, size);
    }
    hv->vgic_in_software = ash_boot_option_find(hv->board.bootargs, "ashlar.vgic", &value) &&
                           value.size == 8U && memcmp(value.data, "software", 8) == 0;
    hv->dumps_recorder = ash_boot_option_find(hv->board.bootargs, "ashlar.trace", &value);
    if (ash_boot_option_find(hv->board.bootargs, "ashlar.guest-args", &value)) {
        hv->guest_args = (const char *)value.data;
        hv->guest_args_size = value.size;
    }
}

static const void *align_tree(void *ctx, const struct ash_boot_span *tree)
{
    return hv_align_tree((struct hv *)ctx, tree);
}

/** The bundle that there is. What the boot loader gives counts more: no rebuild for another one. */
static struct ash_boot_span find_archive(const struct hv *hv, const char **from)
{
    const struct ash_boot_region *initrd = &hv->board.initrd;

    *from = initrd->size > 0U ? "from the boot loader" : "linked into hv";
    return initrd->size > 0U
               ? (struct ash_boot_span){(const void *)(uintptr_t)initrd->base.value, initrd->size}
               : hv->linked_bundle;
}

/** Faults are lines on the console. */
static int read_configuration(struct hv *hv, struct ash_boot_config *config)
{
    const char *from;
    struct hv_configuration files = {
        .archive = find_archive(hv, &from), .board_tree = hv->board_tree, .align = align_tree, .ctx = hv};
    int error = hv_configuration_read(&files, config);

    hv->bundle = files.bundle;
    hv_console_set_lead_in(&hv->console, config->lead_in);
    if (hv->bundle.archive.size > 0U) {
        hv_log(hv, "bundle: %lu KiB, %lu files, %s", (hv->bundle.archive.size + 1023U) / 1024U,
               hv->bundle.entries, from);
    }
    if (files.fault.code != ASH_OK) {
        hv_log_fault(hv, &files.fault);
    }
    if (hv->board.rtc.size == 0U) { /* nobody can tell: about when this was put together, then */
        hv->epoch_seconds = config->boot_time != 0U ? config->boot_time : hv->bundle.newest;
    }
    if (error != ASH_OK || files.fault.code != ASH_OK) {
        hv->faulted = "-"; /* whatever runs all the same, this is not what was asked for */
    }
    return error;
}

const void *hv_align_tree(struct hv *hv, const struct ash_boot_span *tree)
{
    unsigned pages = hv_pages_for(tree->size);
    void *copy;

    /* cpio aligns to 4 bytes, libfdt wants 8. It stays: names and bootargs of the VMs point into it. */
    if (((uintptr_t)tree->data & 7U) == 0U) {
        return tree->data;
    }
    copy = pages <= 64U ? hv_pages_alloc_zeroed(&hv->pages, pages) : NULL;
    if (copy != NULL) {
        memcpy(copy, tree->data, tree->size);
    }
    return copy;
}

static void refused(struct hv *hv, const struct ash_boot_vm *config)
{
    hv->front_refused = hv->front_refused || !config->background;
    if (hv->faulted == NULL) {
        (void)hv_format(hv->refused_name, sizeof(hv->refused_name), "%s",
                        config->name[0] != '\0' ? config->name : config->node);
        hv->faulted = hv->refused_name;
    }
}

static void create_vm(struct hv *hv, struct hv_place *place)
{
    struct hv_plan *plan = &hv->configured->plan;

    if (place->plan->config->fault.code != ASH_OK) {
        hv_log_fault(hv, &place->plan->config->fault);
        refused(hv, place->plan->config);
    } else if (hv_life_create_now(place) != ASH_OK) {
        hv_plan_drop(plan, place->plan);
        refused(hv, place->plan->config);
    }
}

static bool is_named(const struct ash_boot_config *config, const struct ash_boot_region *bank)
{
    for (size_t v = 0; v < config->count; v++) {
        for (unsigned d = 0; d < config->vms[v].virtio_count; d++) {
            if (hv_plan_names_flash(&config->vms[v].virtio[d], bank)) {
                return true;
            }
        }
    }
    return false;
}

/** The banks of flash that disks name, whether their VMs can be had now or later: hv's map is made here, and no more
 *  when other CPUs run. */
static void map_flash(struct hv *hv, struct hv_cpu *cpu, const struct ash_boot_config *config)
{
    for (unsigned i = 0; i < hv->board.flash_count; i++) {
        if (is_named(config, &hv->board.flash[i])) {
            hv_arch_map_flash(cpu, hv->board.flash[i].base.value, hv->board.flash[i].size);
        }
    }
}

static void create_vms(struct hv *hv, struct hv_cpu *cpu, const struct ash_boot_config *config)
{
    struct hv_plan *plan = &hv->configured->plan;
    bool usable[HV_MAX_VMS];

    for (uint32_t i = 0; i < config->count; i++) {
        usable[i] = config->vms[i].fault.code == ASH_OK;
    }
    plan->ranges = &hv->ranges;
    plan->bundle = hv->bundle.archive.size != 0U ? &hv->bundle : NULL;
    plan->flash = hv->board.flash;
    plan->flash_count = hv->board.flash_count;
    plan->cpus = hv->cpus;
    plan->ipa_bits = hv_arch_features()->ipa_bits;
    hv_plan_make(plan, config->vms, config->count);
    map_flash(hv, cpu, config);
    for (uint32_t i = 0; i < hv->cpus; i++) {
        hv->cpu[i]->sched.is_visited = (plan->visited_cpus & (UINT32_C(1) << i)) != 0U;
    }
    for (uint32_t i = 0; i < plan->vms; i++) {
        struct hv_place *place = &hv->configured->place[i];

        place->hv = hv;
        place->number = i;
        place->plan = &plan->vm[i];
        place->usable = usable[i];
        hv->vms = i + 1U;
        create_vm(hv, place);
    }
}

static void log_vm(const struct hv_vm *vm)
{
    char cpus[48];
    size_t length = 0;

    for (uint32_t i = 0; i < vm->vcpus && length < sizeof(cpus); i++) {
        length += hv_format(cpus + length, sizeof(cpus) - length, " %u", vm->vcpu[i]->cpu->index);
    }
    hv_log(vm->hv, "VM %u %s: %lu MiB at 0x%lx%s, vCPUs on CPU%s", vm->slot + 1U, vm->name,
           vm->config.memory_size / (1024U * 1024U), vm->machine.part[0].pa,
           vm->machine.parts > 1U ? " and elsewhere" : "", cpus);
}

/** Bring up every other CPU; one that does not come is left out, with the VMs that want it. */
static void start_cpus(struct hv *hv, const struct hv_cpu *boot)
{
    for (uint32_t i = 0; i < hv->cpus; i++) {
        struct hv_cpu *cpu = hv->cpu[i];
        uint64_t deadline;
        int error;

        if (cpu == boot) {
            continue;
        }
        error = hv_arch_cpu_start(cpu);
        deadline = hv_arch_ticks() + hv_arch_ticks_per_second();
        while (error == ASH_OK && __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) == 0U) {
            hv_arch_relax();
            if (hv_arch_ticks() > deadline) {
                error = ASH_EBUSY;
            }
        }
        if (error != ASH_OK) {
            hv_log(hv, "CPU %u (affinity 0x%lx) did not start: %s", i, cpu->mpidr, ash_error_name(error));
        }
    }
}

static bool is_any_vm_there(const struct hv *hv)
{
    for (uint32_t i = 0; i < hv->vms; i++) {
        if (hv->vm[i] != NULL) {
            return true;
        }
    }
    return false;
}

void hv_boot(struct hv *hv, struct hv_cpu *cpu)
{
    const struct hv_page_request pages = {.pages = hv_pages_for(sizeof(*hv->configured))};
    struct ash_boot_config config = {.capacity = HV_MAX_VMS, .cpus = hv->cpus, .lead_in = ASH_BOOT_LEAD_IN};

    hv_recorder_begin(hv);
    hv_provoke(hv, cpu);
    hv->configured = (struct hv_configured *)hv_pages_alloc(&hv->pages, &pages);
    HV_CHECK(cpu, hv->configured != NULL);
    memset(hv->configured, 0, sizeof(*hv->configured)); /* the pages are more */
    config.vms = hv->configured->config;
    HV_CHECK(cpu, hv_stage2_init_vmids(hv) == ASH_OK);
    if (read_configuration(hv, &config) == ASH_OK) {
        hv->configured->switch_count = config.switch_count;
        memcpy(hv->configured->switches, config.switches, sizeof(config.switches));
        create_vms(hv, cpu, &config);
    }
    if (!is_any_vm_there(hv)) {
        hv_finish(hv);
    }
    hv_console_open_shell(hv, cpu);
    start_cpus(hv, cpu);
    for (uint32_t i = 0; i < hv->vms; i++) {
        if (hv->vm[i] != NULL) {
            log_vm(hv->vm[i]);
        }
    }
    hv_life_start_all(cpu);
    hv_cpu_main(cpu);
}
