/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libfdt.h>

#include <libbase/bits.h>

#include "core/guest_memory.h"
#include "core/place.h"
#include "glue/console_glue.h"
#include "glue/firmware.h"

#define POOL_PAGES  512U
#define BUNDLE_ROOM 65536U

uint64_t sim_disk[SIM_DISK_SECTORS * 64U];
const uint8_t sim_kernel[3000] = "not a program: what a guest does is a function of the test";

/** Pages of the pool in use when the first guest ran. */
static uint32_t pool_used_at_start;
static hv_host_guest *the_guest;

/* ---- The bundle -------------------------------------------------------------------------------------------------- */

struct archive {
    uint8_t bytes[BUNDLE_ROOM];
    size_t size;
};

static void append(struct archive *archive, const void *data, size_t size)
{
    assert_true(archive->size + size + 4U <= sizeof(archive->bytes));
    memcpy(archive->bytes + archive->size, data, size);
    archive->size += size;
    while (archive->size % 4U != 0U) {
        archive->bytes[archive->size++] = 0;
    }
}

/** cpio(5), "New ASCII Format". */
static void add_file(struct archive *archive, const char *name, const void *data, size_t size)
{
    char head[512];
    int length =
        snprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s", 0U,
                 0100644U, 0U, 0U, 1U, 0U, size, 0U, 0U, 0U, 0U, strlen(name) + 1U, 0U, name);

    assert_true(length > 0 && (size_t)length < sizeof(head));
    append(archive, head, (size_t)length + 1U);
    append(archive, data, size);
}

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

static void text(void *tree, const char *name, const char *value)
{
    fdt_ok(fdt_property(tree, name, value, (int)strlen(value) + 1));
}

static void write_life(void *tree, const struct sim_vm *vm)
{
    const struct {
        const char *name;
        const char *value;
    } words[] = {{"on-poweroff", vm->on_poweroff},
                 {"on-reset", vm->on_reset},
                 {"on-crash", vm->on_crash},
                 {"autostart", vm->no_autostart ? "no" : NULL},
                 {"machine", vm->machine}};
    const fdt32_t limit[] = {cpu_to_fdt32(vm->restart_limit[0]), cpu_to_fdt32(vm->restart_limit[1])};

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(words); i++) {
        if (words[i].value != NULL) {
            text(tree, words[i].name, words[i].value);
        }
    }
    if (vm->restart_limit[1] != 0U) {
        fdt_ok(fdt_property(tree, "restart-limit", limit, sizeof(limit)));
    }
    if (vm->shutdown_timeout_ms != 0U) {
        fdt_ok(fdt_property_u32(tree, "shutdown-timeout-ms", vm->shutdown_timeout_ms));
    }
    if (vm->pause_stops_time) {
        fdt_ok(fdt_property(tree, "pause-stops-time", "", 0));
    }
}

static void write_vm(void *tree, const struct sim_vm *vm, uint32_t vmid)
{
    const char *kernel = vm->kernel != NULL ? vm->kernel : "guest.bin";
    fdt32_t affinity[HV_MACHINE_MAX_VCPUS];

    fdt_ok(fdt_begin_node(tree, vm->name));
    text(tree, "device_type", "virtual_machine");
    fdt_ok(fdt_property_u32(tree, "vmid", vmid));
    text(tree, "type", "other");
    fdt_ok(fdt_property_u32(tree, "vcpus", vm->vcpus));
    if (vm->has_affinity) {
        for (unsigned i = 0; i < vm->vcpus; i++) {
            affinity[i] = cpu_to_fdt32(vm->affinity[i]);
        }
        fdt_ok(fdt_property(tree, "vcpu_affinity", affinity, (int)(4U * vm->vcpus)));
    }
    if (vm->cpus != 0U) {
        for (unsigned i = 0; i < vm->vcpus; i++) {
            affinity[i] = cpu_to_fdt32(vm->cpus);
        }
        fdt_ok(fdt_property(tree, "vcpu-cpus", affinity, (int)(4U * vm->vcpus)));
    }
    if (vm->base != 0U) {
        const fdt64_t memory[] = {cpu_to_fdt64(vm->base), cpu_to_fdt64(vm->memory)};

        fdt_ok(fdt_property(tree, "memory", memory, sizeof(memory)));
    } else {
        fdt_ok(fdt_property_u64(tree, "memory", vm->memory));
    }
    if (!vm->in_memory) {
        text(tree, "kernel", kernel);
    } else {
        fdt_ok(fdt_property_u64(tree, "entry", vm->entry));
        if (vm->setup_data != 0U) {
            fdt_ok(fdt_property_u64(tree, "setup_data", vm->setup_data));
        }
    }
    if (vm->priority != 0U) {
        fdt_ok(fdt_property_u32(tree, "priority", vm->priority));
    }
    if (vm->slice_us != 0U) {
        fdt_ok(fdt_property_u32(tree, "time-slice-us", vm->slice_us));
    }
    if (vm->console_buffer != 0U) {
        fdt_ok(fdt_property_u32(tree, "console-buffer-size", vm->console_buffer));
    }
    if (vm->budget_us != 0U) {
        fdt_ok(fdt_property_u32(tree, "budget-us", vm->budget_us));
        fdt_ok(fdt_property_u32(tree, "period-us", vm->period_us));
    }
    if (vm->manager) {
        fdt_ok(fdt_property(tree, "manager", "", 0));
    }
    if (vm->background) {
        fdt_ok(fdt_property(tree, "background", "", 0));
    }
    write_life(tree, vm);
    if (vm->nodes != NULL) {
        vm->nodes(tree);
    }
    fdt_ok(fdt_end_node(tree));
}

static void (*write_beside)(void *tree);

void sim_beside_vms(void (*write)(void *tree))
{
    write_beside = write;
}

static size_t write_tree(void *tree, size_t room, const struct sim_vm *vms, unsigned count)
{
    fdt_ok(fdt_create(tree, (int)room));
    fdt_ok(fdt_finish_reservemap(tree));
    fdt_ok(fdt_begin_node(tree, ""));
    fdt_ok(fdt_begin_node(tree, "vms"));
    for (unsigned i = 0; i < count; i++) {
        write_vm(tree, &vms[i], i);
    }
    if (write_beside != NULL) {
        write_beside(tree);
    }
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_finish(tree));
    return (size_t)fdt_totalsize(tree);
}

/* ---- The board --------------------------------------------------------------------------------------------------- */

/** RAM at the address that a board has it at: stage 2 takes physical addresses of 40 bits only. What lies beside it
 *  is not mapped. */
static void make_ram(void)
{
    static bool made;
    void *want = (void *)(uintptr_t)SIM_RAM_BASE;
    void *got;

    if (made) {
        return;
    }
    got = mmap(want, SIM_RAM_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != want) {
        fail_msg("no memory at 0x%llx for the simulated board", (unsigned long long)SIM_RAM_BASE);
    }
    made = true;
}

static void make_memory(struct hv *hv, const void *bundle, size_t size)
{
    uint64_t pool;
    uint64_t base = SIM_RAM_BASE + 0x10000U;

    assert_int_equal(hv_ranges_add_ram(&hv->ranges, SIM_RAM_BASE, SIM_RAM_SIZE), ASH_OK);
    if (size > 0U) {
        memcpy((void *)(uintptr_t)base, bundle, size);
        assert_int_equal(hv_ranges_claim(&hv->ranges, base, size, HV_OWNER_BUNDLE, 0), ASH_OK);
        hv->board.initrd = (struct ash_boot_region){ash_pa(base), size};
    }
    assert_int_equal(hv_ranges_alloc(&hv->ranges, POOL_PAGES * HV_PAGE_SIZE, HV_OWNER_HV, 0, &pool), ASH_OK);
    /* Nothing may count on fresh memory being zero. */
    memset((void *)(uintptr_t)pool, 0xA5, (size_t)POOL_PAGES * HV_PAGE_SIZE);
    assert_int_equal(hv_pages_init(&hv->pages, pool, POOL_PAGES), ASH_OK);
}

void sim_board_with(struct sim *sim, unsigned cpus, const void *bundle, size_t size)
{
    struct hv *hv = &sim->hv;

    make_ram();
    memset(sim, 0, sizeof(*sim));
    assert_true(cpus <= HV_MAX_CPUS);
    hv->cpus = cpus;
    for (uint32_t i = 0; i < cpus; i++) {
        sim->cpu[i] = (struct hv_cpu){.hv = hv, .index = i, .mpidr = i};
        hv->cpu[i] = &sim->cpu[i];
    }
    hv->board.bootargs = "quiet ashlar.nonce=" SIM_NONCE;
    make_memory(hv, bundle, size);
    hv_rng_seed(&hv->rng, "a simulated board's", 19);
    hv_console_create(hv);
}

void sim_board(struct sim *sim, unsigned cpus, const struct sim_vm *vms, unsigned count)
{
    static uint64_t tree[2048];
    struct archive *archive = calloc(1, sizeof(*archive));

    assert_non_null(archive);
    add_file(archive, "vms.dtb", tree, write_tree(tree, sizeof(tree), vms, count));
    add_file(archive, "guest.bin", sim_kernel, sizeof(sim_kernel));
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(sim_disk); i++) {
        sim_disk[i] = i / 64U;
    }
    add_file(archive, "disk.img", sim_disk, sizeof(sim_disk));
    add_file(archive, "TRAILER!!!", "", 0);
    sim_board_with(sim, cpus, archive->bytes, archive->size);
    free(archive);
}

void sim_board_with_tree(struct sim *sim, unsigned cpus, const struct sim_vm *vms, unsigned count,
                         bool images)
{
    static uint64_t tree[2048];
    static uint8_t bytes[8192];
    struct archive *archive = calloc(1, sizeof(*archive));
    size_t size = write_tree(tree, sizeof(tree), vms, count);

    assert_non_null(archive);
    add_file(archive, "guest.bin", sim_kernel, sizeof(sim_kernel));
    add_file(archive, "TRAILER!!!", "", 0);
    memcpy(bytes, archive->bytes, archive->size);
    sim_board_with(sim, cpus, bytes, images ? archive->size : 0U);
    sim->hv.board_tree = (struct ash_boot_span){tree, size};
    free(archive);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

static enum hv_verdict first_guest(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (pool_used_at_start == 0U) {
        pool_used_at_start = cpu->hv->pages.used;
    }
    assert_ptr_equal(cpu->vcpu, vcpu);
    assert_ptr_equal(vcpu->cpu, cpu);
    assert_int_equal(vcpu->on, 1);
    return the_guest(cpu, vcpu, round);
}

void sim_run(struct sim *sim, hv_host_guest *guest, uint64_t seed)
{
    pool_used_at_start = 0;
    the_guest = guest;
    hv_host_run(&sim->hv, first_guest, seed, SIM_MAX_TURNS, &sim->result);
    if (!sim->result.powered_off || sim->result.stuck) {
        fail_msg("seed 0x%llx: the machine did not end after %llu turns; its console:\n%s",
                 (unsigned long long)seed, (unsigned long long)sim->result.turns, sim->result.log);
    }
    sim_assert_says_not(sim, "PANIC");
    sim_assert_consistent(sim);
}

/* ---- What must hold after it ------------------------------------------------------------------------------------- */

/** The power may go while another CPU looks at the VMs once more: a lock may be held, but by those that are there. */
static void assert_sane_lock(const struct hv *hv, const struct hv_lock *lock)
{
    assert_true(lock->next - lock->serving <= hv->cpus);
}

static void assert_vm_over(const struct hv_vm *vm)
{
    assert_int_equal(vm->state, HV_LIFE_OFF);
    assert_int_equal(vm->vcpus_on, 0);
    assert_sane_lock(vm->hv, &vm->lock);
    assert_sane_lock(vm->hv, &vm->machine.distributor_lock);
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        assert_int_equal(vm->vcpu[i]->on, 0);
        assert_false(vm->vcpu[i]->vgic.resident);
        assert_false(vm->vcpu[i]->turn.stays);
    }
}

void sim_account(const struct hv *hv, struct sim_account *account)
{
    const struct hv_plan *plan = &hv->configured->plan;

    memset(account, 0, sizeof(*account));
    for (uint32_t i = 0; i < hv->ranges.count; i++) {
        account->ranges.range[i] = hv->ranges.range[i];
    }
    account->ranges.count = hv->ranges.count;
    memcpy(account->pages, hv->pages.taken, sizeof(account->pages));
    account->pages_used = hv->pages.used;
    for (uint32_t i = 0; i < hv->cpus; i++) {
        account->cpu_vcpus[i] = plan->cpu_vcpus[i];
        account->cpu_share[i] = plan->cpu_share[i];
        account->sched_count[i] = hv->cpu[i]->sched.count;
    }
    for (uint32_t i = 0; i < hv->vms; i++) {
        account->vms |= hv->vm[i] != NULL ? 1U << i : 0U;
    }
}

void sim_assert_same_account(const struct hv *hv, const struct sim_account *before)
{
    static struct sim_account now;

    sim_account(hv, &now);
    assert_int_equal(now.pages_used, before->pages_used);
    assert_int_equal(now.ranges.count, before->ranges.count);
    assert_memory_equal(&now, before, sizeof(now));
}

/** The VM with this place in the configuration, NULL: it is not there; write_tree() makes it the vmid too. */
static const struct hv_vm *vm_of_number(const struct hv *hv, uint32_t number)
{
    for (uint32_t i = 0; i < hv->vms; i++) {
        if (hv->vm[i] != NULL && hv->vm[i]->slot == number) {
            return hv->vm[i];
        }
    }
    return NULL;
}

/** What @vm's disks have of memory, of those that lie in @range; NULL: of all. */
static uint64_t disk_bytes(const struct hv_vm *vm, const struct hv_range *range)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < vm->config.virtio_count; i++) {
        const struct hv_plan_disk *disk = &vm->place->plan->disk[i];
        bool lies = range == NULL ||
                    (disk->base >= range->base && disk->base + disk->size <= range->base + range->size);

        bytes += lies ? disk->size : 0U;
    }
    return bytes;
}

/** Does some part of @vm's RAM begin where @range does, or does one end where it ends? Then the sizes say the rest. */
static bool is_of(const struct hv_range *range, const struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->machine.parts; i++) {
        const struct hv_ram_part *part = &vm->machine.part[i];

        if (part->pa >= range->base && part->pa + part->size <= range->base + range->size) {
            return true;
        }
    }
    return disk_bytes(vm, range) > 0U; /* a disk may lie by itself */
}

/** Each VM owns as much as it has, where its RAM is; hv, the bundle and nobody own the rest. */
static void assert_ownership(const struct hv *hv)
{
    uint64_t next = SIM_RAM_BASE;
    uint64_t of_vms = 0;

    for (uint32_t i = 0; i < hv->ranges.count; i++) {
        const struct hv_range *range = &hv->ranges.range[i];

        assert_int_equal(range->base, next);
        next += range->size;
        if (range->owner == HV_OWNER_VM) {
            const struct hv_vm *vm = vm_of_number(hv, range->vm);

            assert_true(vm != NULL && is_of(range, vm));
            of_vms += range->size;
        } else if (range->owner == HV_OWNER_HV) {
            assert_int_equal(range->base, hv->pages.base);
            assert_int_equal(range->size, (uint64_t)hv->pages.total * HV_PAGE_SIZE);
        } else {
            assert_true(range->owner == HV_OWNER_FREE || range->owner == HV_OWNER_BUNDLE ||
                        range->owner == HV_OWNER_FIRMWARE);
        }
    }
    assert_int_equal(next, SIM_RAM_BASE + SIM_RAM_SIZE);
    for (uint32_t i = 0; i < hv->vms; i++) {
        of_vms -= hv->vm[i] != NULL ? hv->vm[i]->config.memory_size + disk_bytes(hv->vm[i], NULL) : 0U;
    }
    assert_int_equal(of_vms, 0);
}

void sim_assert_consistent(const struct sim *sim)
{
    const struct hv *hv = &sim->hv;
    uint32_t taken = 0;

    assert_int_equal(hv->live, 0);
    assert_int_equal(hv->foreground, 0);
    for (uint32_t i = 0; i < hv->vms; i++) {
        if (hv->vm[i] != NULL) {
            assert_vm_over(hv->vm[i]);
        }
    }
    for (uint32_t i = 0; i < hv->cpus; i++) {
        assert_null(sim->cpu[i].vcpu);
    }
    assert_sane_lock(hv, &hv->vms_lock);
    assert_sane_lock(hv, &hv->console_lock);
    assert_sane_lock(hv, &hv->pages.lock);
    assert_ownership(hv);
    for (unsigned i = 0; i < HV_PAGES_WORDS; i++) {
        taken += (uint32_t)__builtin_popcountll(hv->pages.taken[i]);
    }
    assert_int_equal(taken, hv->pages.used);
    if (pool_used_at_start != 0U) {
        assert_int_equal(hv->pages.used, pool_used_at_start);
    }
}

unsigned sim_count(const struct sim *sim, const char *text)
{
    unsigned count = 0;

    for (const char *at = strstr(sim->result.log, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }
    return count;
}

void sim_assert_says(const struct sim *sim, const char *text)
{
    if (sim_count(sim, text) == 0U) {
        fail_msg("\"%s\" is not in:\n%s", text, sim->result.log);
    }
}

void sim_assert_says_not(const struct sim *sim, const char *text)
{
    if (sim_count(sim, text) != 0U) {
        fail_msg("\"%s\" is in:\n%s", text, sim->result.log);
    }
}

void sim_assert_exit(const struct sim *sim, const char *status, const char *vm)
{
    const char *line = strstr(sim->result.log, "ashlar: exit status=");
    char begin[128];

    if (line == NULL || sim_count(sim, "ashlar: exit status=") != 1U) {
        fail_msg("not one exit line in:\n%s", sim->result.log);
    }
    (void)snprintf(begin, sizeof(begin), "ashlar: exit status=%s vm=%s%s", status, vm != NULL ? vm : "",
                   vm != NULL ? " nonce=" SIM_NONCE "\r\n" : "");
    if (strncmp(line, begin, strlen(begin)) != 0) {
        fail_msg("not \"%s\" but:\n%s", begin, sim->result.log);
    }
    assert_non_null(strstr(line, " nonce=" SIM_NONCE "\r\n"));
    assert_string_equal(strchr(line, '\n'), "\n"); /* the last */
}

/* ---- What guests do ---------------------------------------------------------------------------------------------- */

enum hv_verdict sim_hvc(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t function, uint64_t arg1,
                        uint64_t arg2, uint64_t arg3)
{
    vcpu->context.x[0] = function;
    vcpu->context.x[1] = arg1;
    vcpu->context.x[2] = arg2;
    vcpu->context.x[3] = arg3;
    return hv_firmware_call(cpu, vcpu, ASH_VCPU_CONDUIT_HVC, 0);
}

enum hv_verdict sim_off(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0, 0);
}

void sim_set_timer(struct hv_vcpu *vcpu, uint64_t at)
{
    vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].cval = at;
    vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = ASH_VTIMER_CTL_ENABLE;
}

void sim_under_seeds(const char *name, unsigned seeds, void (*test)(uint64_t seed))
{
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, name);

    for (unsigned i = 0; i < seeds; i++) {
        test(first + 2U * i);
    }
}

uint32_t sim_device(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t ipa, bool is_write, uint32_t word)
{
    const struct hv_mmio_region *region = hv_machine_region(&vcpu->vm->machine, ipa);
    uint64_t value = word;

    assert_non_null(region);
    assert_int_equal(
        hv_machine_access(cpu, vcpu, &vcpu->vm->machine, region, ipa - region->base, 4, is_write, &value),
        ASH_OK);
    return (uint32_t)value;
}

void sim_print(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const char *line)
{
    uint64_t uart = vcpu->vm->machine.layout.uart.base.value;

    (void)sim_device(cpu, vcpu, uart + 0x030U, true, 0x301U); /* UARTCR: enabled (DDI 0183 3.3.8) */
    for (; *line != '\0'; line++) {
        (void)sim_device(cpu, vcpu, uart, true, (uint8_t)*line);
    }
    (void)sim_device(cpu, vcpu, uart, true, '\n');
}

uint32_t sim_peek(struct hv_vcpu *vcpu, unsigned index)
{
    uint32_t value;

    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(vcpu->vm->machine.ram[0].base.value + 4U * index),
                                   &value, sizeof(value)),
                     ASH_OK);
    return value;
}

void sim_poke(struct hv_vcpu *vcpu, unsigned index, uint32_t value)
{
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(vcpu->vm->machine.ram[0].base.value + 4U * index),
                                    &value, sizeof(value)),
                     ASH_OK);
}

void sim_gic_enable(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const struct ash_boot_guest_machine *layout = &vcpu->vm->machine.layout;
    uint64_t sgi_frame = layout->gicr.value + vcpu->index * layout->gicr_size_per_vcpu + 0x10000U;

    (void)sim_device(cpu, vcpu, layout->gicd.value, true,
                     0x12); /* GICD_CTLR: ARE, EnableGrp1 (IHI 0069 12.9.4) */
    (void)sim_device(cpu, vcpu, sgi_frame + 0x080U, true, ~0U); /* GICR_IGROUPR0 */
    /* GICR_ISENABLER0: SGIs, the virtual timer */
    (void)sim_device(cpu, vcpu, sgi_frame + 0x100U, true, 0xFFFFU | 1U << SIM_TIMER);
    vcpu->vgic.lrs.vmcr = 0xFFU << 24 | 1U << 1; /* ICH_VMCR_EL2: VPMR all, VENG1 */
}

void sim_send_sgi(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned intid, unsigned target_list)
{
    hv_machine_lock(cpu, &vcpu->vm->machine);
    ash_vgic_sgi(&vcpu->vm->machine.vgic, vcpu->index, (uint64_t)intid << 24 | target_list, ASH_VGIC_SGI1R);
    hv_machine_unlock(&vcpu->vm->machine);
}

unsigned sim_acknowledge(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct ash_vgic_lrs *lrs = &vcpu->vgic.lrs;
    unsigned intid = 1023;

    /* The image is the hardware here: pending goes to inactive (IHI 0069 12.4.8, ICH_LR<n>_EL2.State). */
    hv_machine_lock(cpu, &vcpu->vm->machine);
    for (unsigned i = 0; i < hv_arch_features()->lr_count && intid == 1023U; i++) {
        if ((lrs->used & (1U << i)) != 0U && (lrs->lr[i] >> 62) == 1U) {
            intid = (unsigned)(lrs->lr[i] & 0xFFFFFFFFU);
            lrs->lr[i] &= ~(UINT64_C(3) << 62);
        }
    }
    hv_machine_unlock(&vcpu->vm->machine);
    if (intid != 1023U) {
        ash_vgic_request_flush(&vcpu->vgic); /* what the maintenance interrupt would do, were there more */
    }
    return intid;
}

bool sim_destroy_all(struct hv_cpu *cpu, uint32_t first, uint32_t end)
{
    bool all = true;

    for (uint32_t i = first; i < end; i++) {
        if (hv_life_state(cpu->hv, i) != HV_LIFE_ABSENT) {
            ASH_DISCARD(hv_life_ask(cpu, i, HV_LIFE_DESTROY, NULL)); /* or it is on its way */
            all = false;
        }
    }
    return all;
}
