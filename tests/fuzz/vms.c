/* SPDX-License-Identifier: BSD-2-Clause */
/* vms.dtb, and the board's tree. Input: byte 0 even: the rest is the tree; odd: the rest is a program that writes
 * one with libfdt, so that the fuzzer reaches the properties without having to find the format first. */
#include "boot_checks.h"

#include <libfdt.h>
#include <sys/mman.h>

#include <libboot/board.h>
#include <libboot/config.h>
#include <libboot/vm_images.h>

#define ROOM     32768U
#define CAPACITY 6U
#define CPUS     4U
#define MIB2     UINT64_C(0x200000)

/* The tree ends where a page begins that cannot be read: libfdt is not instrumented. */
static uint8_t *guarded(void)
{
    static uint8_t *room;

    if (room == NULL) {
        room = mmap(NULL, ROOM + 4096U, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        FUZZ_CHECK(room != MAP_FAILED && mprotect(room + ROOM, 4096U, PROT_NONE) == 0);
    }
    return room;
}

static const char *const names[] = {"device_type",
                                    "vmid",
                                    "vm_name",
                                    "type",
                                    "vcpus",
                                    "vcpu_affinity",
                                    "memory",
                                    "kernel",
                                    "ramdisk",
                                    "entry",
                                    "cmdline",
                                    "bootargs",
                                    "rng-seed",
                                    "vm_32bit",
                                    "setup_data",
                                    "background",
                                    "phandle",
                                    "reg",
                                    "#address-cells",
                                    "#size-cells",
                                    "ranges",
                                    "compatible",
                                    "status",
                                    "dtb",
                                    "disk",
                                    "switch",
                                    "priority",
                                    "pass-through",
                                    "interrupt-cells",
                                    "stdout-path",
                                    "linux,initrd-start",
                                    "linux,initrd-end",
                                    "no-map",
                                    "enable-method"};

static const char *const strings[] = {"virtual_machine", "linux", "bare",   "rtos",      "other", "Image",
                                      "initrd",          "cpu",   "memory", "psci",      "okay",  "disabled",
                                      "arm,pl011",       "vm0",   "",       "arm,gic-v3"};

static const char *const nodes[] = {"vms",
                                    "vm0",
                                    "vm1",
                                    "vm2",
                                    "cpus",
                                    "cpu@0",
                                    "soc",
                                    "uart@9000000",
                                    "memory@40000000",
                                    "chosen",
                                    "reserved-memory",
                                    "psci",
                                    "aliases",
                                    "timer",
                                    "console",
                                    "intc@8000000"};

static int put_string(void *tree, const char *name, const char *value)
{
    return fdt_property(tree, name, value, (int)strlen(value) + 1);
}

static void write_property(void *tree, struct fuzz_input *in)
{
    const char *name = names[fuzz_below(in, sizeof(names) / sizeof(names[0]))];
    const uint8_t kind = fuzz_u8(in);
    uint8_t value[64];

    if (kind < 64U) {
        (void)put_string(tree, name, strings[kind % (sizeof(strings) / sizeof(strings[0]))]);
    } else if (kind < 160U) { /* 0..3 cells, small ones mostly */
        const unsigned count = kind % 4U;

        for (unsigned i = 0; i < count; i++) {
            const uint8_t shape = fuzz_u8(in);
            const uint32_t cell =
                shape < 128U ? shape % 8U : (uint32_t)(shape & 0x7fU) << (fuzz_u8(in) % 32U);
            const fdt32_t big_endian = cpu_to_fdt32(cell);

            memcpy(&value[4U * i], &big_endian, 4);
        }
        (void)fdt_property(tree, name, value, 4 * (int)count);
    } else if (kind < 192U) { /* two addresses of 64 bits: multiples of 1 MiB */
        for (unsigned i = 0; i < 2U; i++) {
            const fdt64_t big_endian = cpu_to_fdt64((uint64_t)fuzz_u16(in) << 20);

            memcpy(&value[8U * i], &big_endian, 8);
        }
        (void)fdt_property(tree, name, value, kind % 2U == 0U ? 16 : 8);
    } else {
        const unsigned size = fuzz_u8(in) % sizeof(value);

        for (unsigned i = 0; i < size; i++) {
            value[i] = fuzz_u8(in);
        }
        (void)fdt_property(tree, name, value, (int)size);
    }
}

/* A VM with everything it needs: what follows may spoil it. */
static void write_good_vm(void *tree, struct fuzz_input *in)
{
    (void)put_string(tree, "device_type", "virtual_machine");
    (void)fdt_property_u32(tree, "vmid", fuzz_below(in, 4));
    if (fuzz_below(in, 2) == 0U) {
        (void)fdt_property_u64(tree, "memory", MIB2 << fuzz_below(in, 12));
    } else { /* base and size: they may well overlap */
        const uint8_t where = fuzz_u8(in);
        const fdt64_t range[] = {cpu_to_fdt64(MIB2 * (where % 16U)), cpu_to_fdt64(MIB2 << (where >> 4) % 4U)};

        (void)fdt_property(tree, "memory", range, sizeof(range));
    }
    (void)put_string(tree, "kernel", "Image");
}

static size_t write_tree(void *tree, struct fuzz_input *in)
{
    unsigned depth = 1;

    if (fdt_create(tree, (int)ROOM) != 0 || fdt_finish_reservemap(tree) != 0 ||
        fdt_begin_node(tree, "") != 0 || fdt_begin_node(tree, "vms") != 0) {
        return 0;
    }
    while (fuzz_more(in)) {
        const uint8_t op = fuzz_u8(in);

        if (op < 32U && depth < 20U && fdt_begin_node(tree, nodes[op % 16U]) == 0) {
            depth++;
        } else if (op < 64U && depth < 20U && fdt_begin_node(tree, nodes[1U + op % 3U]) == 0) {
            depth++;
            write_good_vm(tree, in);
        } else if (op < 96U && depth > 0U && fdt_end_node(tree) == 0) {
            depth--;
        } else {
            write_property(tree, in);
        }
    }
    for (; depth > 0U; depth--) {
        (void)fdt_end_node(tree);
    }
    if (fdt_end_node(tree) != 0 || fdt_finish(tree) != 0) {
        return 0;
    }
    return fdt_totalsize(tree);
}

static void check_name(const char *name, size_t size)
{
    FUZZ_CHECK(memchr(name, 0, size) != NULL);
    FUZZ_CHECK(name[0] != '\0');
    FUZZ_CHECK(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
               strlen(name));
}

static void check_affinity(const struct ash_boot_vm *vm)
{
    FUZZ_CHECK(vm->affinity_count == 0U || vm->affinity_count == vm->vcpus);
    for (unsigned i = 0; i < vm->affinity_count; i++) {
        FUZZ_CHECK(vm->affinity[i] < CPUS);
        for (unsigned j = 0; j < i; j++) {
            FUZZ_CHECK(vm->affinity[i] != vm->affinity[j]);
        }
    }
}

static void check_bootargs(const char *bootargs)
{
    struct ash_boot_span value = {NULL, 77};

    if (bootargs != NULL) {
        FUZZ_CHECK(strlen(bootargs) < ASH_BOOT_BOOTARGS_SIZE);
    }
    if (ash_boot_option_find(bootargs, "console", &value)) {
        check_span(value, bootargs, strlen(bootargs) + 1U);
    } else {
        FUZZ_CHECK(value.size == 77U);
    }
}

static bool is_in_memory(const struct ash_boot_vm *vm, uint64_t address)
{
    for (unsigned i = 0; i < vm->memory_count; i++) {
        if (address >= vm->memory[i].base && address - vm->memory[i].base < vm->memory[i].size) {
            return true;
        }
    }
    return false;
}

static bool do_overlap(const struct ash_boot_vm_memory *a, const struct ash_boot_vm_memory *b)
{
    return a->base < b->base + b->size && b->base < a->base + a->size;
}

static void check_memory(const struct ash_boot_vm *vm)
{
    uint64_t sum = 0;

    FUZZ_CHECK(vm->memory_count <= ASH_BOOT_MEMORY_MAX);
    for (unsigned i = 0; i < vm->memory_count; i++) {
        const struct ash_boot_vm_memory *range = &vm->memory[i];

        FUZZ_CHECK(range->size > 0U && range->size % MIB2 == 0U && range->base % MIB2 == 0U);
        FUZZ_CHECK(range->base + range->size > range->base);
        for (unsigned j = 0; j < i; j++) {
            FUZZ_CHECK(!do_overlap(range, &vm->memory[j]));
        }
        sum += range->size;
    }
    FUZZ_CHECK(vm->memory_count == 0U || sum == vm->memory_size);
    FUZZ_CHECK(vm->kernel != NULL || (vm->has_entry && is_in_memory(vm, vm->entry)));
    FUZZ_CHECK(!vm->has_setup_data || vm->setup_data % 8U == 0U);
}

/* No two usable VMs share a number, a name or a byte. */
static void check_apart(const struct ash_boot_vm *a, const struct ash_boot_vm *b)
{
    FUZZ_CHECK(a->vmid != b->vmid && strcmp(a->name, b->name) != 0);
    for (unsigned i = 0; i < a->memory_count; i++) {
        for (unsigned j = 0; j < b->memory_count; j++) {
            FUZZ_CHECK(!do_overlap(&a->memory[i], &b->memory[j]));
        }
    }
}

/* Without a bundle: only a VM whose images are in memory can be laid out. */
static void lay_out(const struct ash_boot_vm *vm)
{
    struct ash_boot_vm copy = *vm;
    struct ash_boot_vm_images images = {.kernel = {NULL, 77}};
    const int result = ash_boot_vm_lay_out(&copy, NULL, ash_ipa(0x40000000), vm->memory_size, 8192, &images);

    if (result == ASH_OK) {
        FUZZ_CHECK(vm->kernel == NULL && images.kernel.size == 0U);
        FUZZ_CHECK(images.placement.entry.value == vm->entry);
    } else {
        FUZZ_CHECK(images.kernel.size == 77U);
        check_fault(&copy.fault, result);
    }
}

static void check_usable(const struct ash_boot_vm *vm, const uint8_t *tree, size_t size)
{
    check_name(vm->name, sizeof(vm->name));
    FUZZ_CHECK(vm->vmid <= ASH_BOOT_VMID_MAX);
    FUZZ_CHECK(vm->type == ASH_BOOT_VM_LINUX || vm->type == ASH_BOOT_VM_OTHER);
    FUZZ_CHECK(vm->vcpus >= 1U && vm->vcpus <= ASH_BOOT_VCPUS_MAX);
    check_affinity(vm);
    FUZZ_CHECK(vm->memory_size > 0U && vm->memory_size % MIB2 == 0U);
    check_memory(vm);
    FUZZ_CHECK(!vm->has_entry || vm->entry % 4096U == 0U);
    check_string(vm->kernel, tree, size);
    check_string(vm->ramdisk, tree, size);
    check_string(vm->bootargs, tree, size);
    check_bootargs(vm->bootargs);
    check_span(vm->rng_seed, tree, size);
    FUZZ_CHECK(vm->rng_seed.size == 0U ||
               (vm->rng_seed.size >= ASH_BOOT_RNG_SEED_MIN && vm->rng_seed.size <= ASH_BOOT_RNG_SEED_MAX));
}

static void check_virtio(const struct ash_boot_config *config, const struct ash_boot_vm *vm,
                         const uint8_t *tree, size_t size)
{
    FUZZ_CHECK(vm->virtio_count <= ASH_BOOT_VIRTIO_MAX && config->switch_count <= ASH_BOOT_SWITCHES_MAX);
    for (unsigned i = 0; i < vm->virtio_count; i++) {
        const struct ash_boot_virtio *device = &vm->virtio[i];

        FUZZ_CHECK((unsigned)device->kind < ASH_BOOT_VIRTIO_KINDS);
        check_string(device->node, tree, size);
        check_string(device->image, tree, size);
        FUZZ_CHECK(memchr(device->serial, 0, sizeof(device->serial)) != NULL);
        FUZZ_CHECK(device->queues >= 1U && device->queues <= ASH_BOOT_VIRTIO_QUEUES_MAX);
        if (device->kind == ASH_BOOT_VIRTIO_BLK) {
            FUZZ_CHECK((device->image != NULL) == (device->range.size == 0U));
            FUZZ_CHECK(device->range.base + device->range.size >= device->range.base);
        } else if (device->kind == ASH_BOOT_VIRTIO_NET) {
            FUZZ_CHECK(device->switch_number < config->switch_count && (device->mac[0] & 1U) == 0U);
            FUZZ_CHECK(strcmp(config->switches[device->switch_number].name, device->switch_name) == 0);
        } else if (device->kind == ASH_BOOT_VIRTIO_VSOCK) {
            FUZZ_CHECK(device->cid >= ASH_BOOT_CID_MIN && device->cid <= ASH_BOOT_CID_MAX);
        }
    }
}

static void read_config(const uint8_t *tree, size_t size)
{
    static struct ash_boot_vm vms[CAPACITY];
    struct ash_boot_config config = {.vms = vms, .capacity = CAPACITY, .cpus = CPUS};
    int result;

    memset(vms, 0xA5, sizeof(vms));
    result = ash_boot_config_parse(&config, tree, size);
    FUZZ_CHECK(config.count <= CAPACITY);
    if (result != ASH_OK) {
        FUZZ_CHECK(result == ASH_EFORMAT || result == ASH_ETRUNC || result == ASH_ENOENT);
        FUZZ_CHECK(config.count == 0U);
        check_fault(&config.fault, result);
        return;
    }
    if (config.fault.code != ASH_OK) {
        check_fault(&config.fault, config.fault.code);
    }
    for (size_t i = 0; i < config.count; i++) {
        if (vms[i].fault.code != ASH_OK) {
            check_fault(&vms[i].fault, vms[i].fault.code);
            continue;
        }
        check_usable(&vms[i], tree, size);
        check_virtio(&config, &vms[i], tree, size);
        lay_out(&vms[i]);
        for (size_t j = 0; j < i; j++) {
            if (vms[j].fault.code == ASH_OK) {
                check_apart(&vms[i], &vms[j]);
            }
        }
    }
}

static void check_region(struct ash_boot_region region)
{
    FUZZ_CHECK(region.size == 0U || region.base.value + region.size - 1U >= region.base.value);
}

static void check_board(const struct ash_boot_board *board, const uint8_t *tree, size_t size)
{
    FUZZ_CHECK(board->tree_size <= size);
    FUZZ_CHECK(board->memory_count <= ASH_BOOT_BOARD_MEMORY_MAX);
    FUZZ_CHECK(board->reserved_count <= ASH_BOOT_BOARD_RESERVED_MAX);
    FUZZ_CHECK(board->cpu_count <= ASH_BOOT_BOARD_CPUS_MAX && board->gicr_count <= ASH_BOOT_BOARD_GICR_MAX);
    for (unsigned i = 0; i < board->memory_count; i++) {
        FUZZ_CHECK(board->memory[i].size > 0U);
        check_region(board->memory[i]);
    }
    for (unsigned i = 0; i < board->reserved_count; i++) {
        check_region(board->reserved[i].region);
    }
    check_region(board->initrd);
    check_region(board->gicd);
    check_region(board->console_region);
    check_string(board->model, tree, size);
    check_string(board->compatible, tree, size);
    check_string(board->bootargs, tree, size);
    check_span(board->rng_seed, tree, size);
    check_span(board->kaslr_seed, tree, size);
    FUZZ_CHECK(board->rng_seed.size == 0U ||
               (const uint8_t *)board->rng_seed.data == tree + board->rng_seed_offset);
    FUZZ_CHECK(memchr(board->console_path, 0, sizeof(board->console_path)) != NULL);
}

static void read_board(const uint8_t *tree, size_t size)
{
    static struct ash_boot_board board;
    struct ash_boot_fault fault;
    int result;

    memset(&board, 0xA5, sizeof(board));
    result = ash_boot_board_read(&board, tree, size, &fault);
    if (result == ASH_OK) {
        check_board(&board, tree, size);
    } else {
        FUZZ_CHECK(result == ASH_EFORMAT || result == ASH_ETRUNC || result == ASH_ENOSPC);
        check_fault(&fault, result);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t *room = guarded();
    static uint64_t written[ROOM / 8U];
    const uint8_t *bytes;
    size_t length;
    uint8_t *tree;

    if ((fuzz_u8(&in) & 1U) != 0U) {
        length = write_tree(written, &in);
        bytes = (const uint8_t *)written;
    } else {
        length = in.left;
        bytes = in.at;
    }
    if (length > ROOM) {
        return 0;
    }
    tree = room + ROOM - ((length + 7U) & ~(size_t)7U);
    if (length > 0U) {
        memcpy(tree, bytes, length);
    }
    read_config(tree, length);
    read_board(tree, length);
    FUZZ_CHECK(length == 0U || memcmp(tree, bytes, length) == 0); /* readers do not write */
    return 0;
}
