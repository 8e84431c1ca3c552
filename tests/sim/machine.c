/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include <sys/mman.h>

#include "glue/console_glue.h"
#include "glue/firmware.h"

/* hv's map is the identity, and guests' PAs have 40 bits: RAM lies low in this process too. */
#define RAM_BASE    UINT64_C(0x20000000)
#define RAM_SIZE    UINT64_C(0x04000000)
#define BUNDLE_BASE (RAM_BASE + 0x100000U)
#define POOL_PAGES  1024U

const char machine_kernel[64] = "what the kernel's file holds, from which every life begins";

struct writer {
    uint8_t *at;
    const uint8_t *start;
};

static void put_entry(struct writer *w, const char *name, const void *data, size_t size)
{
    char header[111];
    size_t name_size = strlen(name) + 1U;

    (void)snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1U,
                   0100644U, 0U, 0U, 1U, 0U, (unsigned)size, 0U, 0U, 0U, 0U, (unsigned)name_size, 0U);
    memcpy(w->at, header, 110);
    memcpy(w->at + 110, name, name_size);
    w->at += (110U + name_size + 3U) & ~(size_t)3U;
    memcpy(w->at, data, size);
    w->at += (size + 3U) & ~(size_t)3U;
}

static void write_vm(struct tree *tree, const struct machine_vm *vm, uint32_t vmid)
{
    node(tree, vm->name);
    string(tree, "device_type", "virtual_machine");
    cells(tree, "vmid", vmid);
    string(tree, "vm_name", vm->name);
    string(tree, "type", "bare");
    cells(tree, "vcpus", vm->vcpus);
    cells_of(tree, "vcpu_affinity", vm->cpu, vm->vcpus);
    cells(tree, "memory", 0, vm->memory != 0U ? vm->memory : 0x200000U);
    string(tree, "kernel", "kernel.bin");
    if (vm->background) {
        flag(tree, "background");
    }
    end(tree);
}

static size_t write_bundle(const struct machine_vm *vms, size_t count)
{
    struct writer w = {.at = (uint8_t *)(uintptr_t)BUNDLE_BASE};
    static struct tree tree;
    size_t size;

    w.start = w.at;
    tree_begin(&tree);
    tree_root(&tree);
    node(&tree, "vms");
    for (size_t i = 0; i < count; i++) {
        write_vm(&tree, &vms[i], (uint32_t)i + 1U);
    }
    end(&tree);
    size = tree_finish(&tree);
    put_entry(&w, "vms.dtb", tree.bytes, size);
    put_entry(&w, "kernel.bin", machine_kernel, sizeof(machine_kernel));
    put_entry(&w, "TRAILER!!!", "", 0);
    return (size_t)(w.at - w.start);
}

static void make_ram(void)
{
    static void *ram;

    if (ram == NULL) {
        ram = mmap((void *)(uintptr_t)RAM_BASE, RAM_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        assert_ptr_equal(ram, (void *)(uintptr_t)RAM_BASE);
    }
    memset(ram, 0xa5, RAM_SIZE); /* nothing is clean by luck */
}

/** What hv/arch/aarch64/boot.c does before it calls hv_boot(). */
static void make_hv(struct machine *machine, size_t bundle_size)
{
    struct hv *hv = &machine->hv;
    uint64_t pool;

    hv->board.bootargs = "ashlar.nonce=" NONCE;
    hv->board.initrd.base = ash_pa(BUNDLE_BASE);
    hv->board.initrd.size = bundle_size;
    assert_int_equal(hv_ranges_add_ram(&hv->ranges, RAM_BASE, RAM_SIZE), ASH_OK);
    assert_int_equal(hv_ranges_claim(&hv->ranges, BUNDLE_BASE, bundle_size, HV_OWNER_BUNDLE, 0), ASH_OK);
    assert_int_equal(hv_ranges_alloc(&hv->ranges, POOL_PAGES * HV_PAGE_SIZE, HV_OWNER_HV, 0, &pool), ASH_OK);
    assert_int_equal(hv_pages_init(&hv->pages, pool, POOL_PAGES), ASH_OK);
    for (uint32_t i = 0; i < MACHINE_CPUS; i++) {
        machine->cpu[i].hv = hv;
        machine->cpu[i].index = i;
        machine->cpu[i].mpidr = i;
        hv->cpu[hv->cpus++] = &machine->cpu[i];
    }
    hv_console_create(hv);
}

void machine_run(struct machine *machine, const struct machine_vm *vms, size_t count, hv_host_guest *guest,
                 uint64_t seed)
{
    memset(machine, 0, sizeof(*machine));
    make_ram();
    make_hv(machine, write_bundle(vms, count));
    hv_host_run(&machine->hv, guest, seed, 200000, &machine->result);
}

struct hv_vm *machine_vm(struct machine *machine, const char *name)
{
    for (uint32_t i = 0; i < machine->hv.vms; i++) {
        if (machine->hv.vm[i] != NULL && strcmp(machine->hv.vm[i]->name, name) == 0) {
            return machine->hv.vm[i];
        }
    }
    return NULL;
}

enum hv_verdict machine_hvc(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t id, uint64_t a, uint64_t b,
                            uint64_t c)
{
    vcpu->context.x[0] = id;
    vcpu->context.x[1] = a;
    vcpu->context.x[2] = b;
    vcpu->context.x[3] = c;
    return hv_firmware_call(cpu, vcpu, ASH_VCPU_CONDUIT_HVC, 0);
}

void machine_assert_said(const struct machine *machine, const char *text)
{
    if (strstr(machine->result.log, text) == NULL) {
        print_error("\"%s\" was not said; the console:\n%s\n", text, machine->result.log);
    }
    assert_non_null(strstr(machine->result.log, text));
}
