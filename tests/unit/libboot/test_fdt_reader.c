/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees that are none, read by way of the configuration. */
#include "config_fixture.h"

static int read_config(const void *data, size_t size, struct ash_boot_fault *fault)
{
    int result = parse(data, size);

    *fault = config.fault;
    if (result != ASH_OK) {
        assert_int_equal(config.count, 0);
        return result;
    }
    for (size_t i = 0; i < config.count; i++) {
        const struct ash_boot_vm *vm = &vms[i];

        if (vm->fault.code != ASH_OK) {
            assert_fault_says(&vm->fault, vm->fault.problem);
            continue;
        }
        assert_in_range(vm->vcpus, 1, ASH_BOOT_VCPUS_MAX);
        assert_true(vm->affinity_count == 0U || vm->affinity_count == vm->vcpus);
        assert_true(vm->memory_size != 0U && vm->vmid <= ASH_BOOT_VMID_MAX);
        assert_true(vm->kernel == NULL ? vm->has_entry && vm->memory_count != 0U : strlen(vm->kernel) > 0U);
        assert_true(strlen(vm->name) > 0U);
        assert_true(vm->bootargs == NULL || strlen(vm->bootargs) < ASH_BOOT_BOOTARGS_SIZE);
    }
    ash_boot_fault_clear(fault);
    return ASH_OK;
}

static void a_tree_that_is_not_aligned_is_refused(void **state)
{
    struct tree tree;
    struct ash_boot_fault fault;

    (void)state;
    make_example(&tree);
    (void)tree_finish(&tree);
    assert_int_equal(read_config((const uint8_t *)tree.bytes + 4, 1000, &fault), ASH_EINVAL);
    assert_fault_says(&fault, "a multiple of 8");
}

static void headers_that_lie_are_refused(void **state)
{
    struct tree tree;
    size_t size;

    (void)state;
    make_example(&tree);
    size = tree_finish(&tree);
    assert_int_equal(parse(tree.bytes, 39), ASH_ETRUNC);
    assert_int_equal(parse(tree.bytes, size - 1U), ASH_ETRUNC);
    assert_fault_says(&config.fault, "totalsize");
    assert_int_equal(parse(tree.bytes, size + 100U), ASH_OK);
    fdt_set_version(tree.bytes, 16);
    assert_int_equal(parse(tree.bytes, size), ASH_EFORMAT);
    assert_fault_says(&config.fault, "version = 16");
    fdt_set_version(tree.bytes, 17);
    fdt_set_off_dt_struct(tree.bytes, fdt_off_dt_struct(tree.bytes) + 2U);
    fdt_set_size_dt_struct(tree.bytes, fdt_size_dt_struct(tree.bytes) - 4U);
    assert_int_equal(parse(tree.bytes, size), ASH_EFORMAT);
    assert_fault_says(&config.fault, "is not aligned");
    fdt_set_off_dt_strings(tree.bytes, (uint32_t)size + 1U);
    assert_int_equal(parse(tree.bytes, size), ASH_EFORMAT);
    assert_fault_says(&config.fault, "header contradicts");
    fdt_set_magic(tree.bytes, 0x070701);
    assert_int_equal(parse(tree.bytes, size), ASH_EFORMAT);
    assert_fault_says(&config.fault, "0xd00dfeed");
}

/** The structure block of a finished tree. */
static uint32_t *structure(struct tree *tree)
{
    return (uint32_t *)(void *)((uint8_t *)tree->bytes + fdt_off_dt_struct(tree->bytes));
}

static void broken_structure(const uint32_t *tags, size_t count, const char *what)
{
    struct tree tree;
    size_t size;

    make_example(&tree);
    size = tree_finish(&tree);
    for (size_t i = 0; i < count; i++) {
        structure(&tree)[i] = cpu_to_fdt32(tags[i]);
    }
    assert_int_equal(parse(tree.bytes, size), ASH_EFORMAT);
    assert_int_equal(config.count, 0);
    assert_fault_says(&config.fault, "structure block, byte");
    assert_fault_says(&config.fault, what);
}

#define BROKEN(what, ...)                                                                                    \
    broken_structure((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4U, what)

static void malformed_structures_are_refused(void **state)
{
    (void)state;
    BROKEN("never began", FDT_END_NODE);
    BROKEN("outside a node", FDT_PROP, 0, 0);
    BROKEN("inside a node", FDT_BEGIN_NODE, 0, FDT_END);
    BROKEN("inside a node", FDT_END); /* no root at all */
    BROKEN("second root", FDT_BEGIN_NODE, 0, FDT_END_NODE, FDT_BEGIN_NODE, 0);
    BROKEN("after a sub-node", FDT_BEGIN_NODE, 0, FDT_BEGIN_NODE, 0x61000000, FDT_END_NODE, FDT_PROP, 0, 0);
    BROKEN("strings block", FDT_BEGIN_NODE, 0, FDT_PROP, 0, 0x7FFFFFFF);
    BROKEN("strings block", FDT_BEGIN_NODE, 0, FDT_PROP, 0, 0xFFFFFFFF);
    BROKEN("not a tag", 0x77);
    BROKEN("past the end", FDT_BEGIN_NODE, 0, FDT_PROP, 0x7FFFFFFF, 0);
    /* Before libfdt 1.7.0 these lengths wrap the offset and walk in circles. */
    BROKEN("past the end", FDT_BEGIN_NODE, 0, FDT_PROP, 0xFFFFFFF4, 0);
    BROKEN("past the end", FDT_BEGIN_NODE, 0, FDT_PROP, 0xFFFFFFEC, 0);
    BROKEN("past the end", FDT_BEGIN_NODE, 0, FDT_PROP, 0x80000000, 0);
}

static void every_truncation_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    make_example(&tree);
    sweep_truncations(read_config, tree.bytes, tree_finish(&tree));
}

/** The same with the header made to agree: only the structure is cut. */
static void a_cut_structure_is_refused_whatever_the_header_says(void **state)
{
    struct tree tree;
    struct ash_boot_fault fault;
    uint32_t whole;

    (void)state;
    make_example(&tree);
    (void)tree_finish(&tree);
    whole = fdt_size_dt_struct(tree.bytes);
    for (uint32_t length = 0; length < whole; length++) {
        fdt_set_size_dt_struct(tree.bytes, length);
        assert_int_equal(read_config(tree.bytes, fdt_totalsize(tree.bytes), &fault), ASH_EFORMAT);
    }
}

static void no_mutation_crashes(void **state)
{
    struct tree tree;

    (void)state;
    make_example(&tree);
    sweep_mutations(read_config, tree.bytes, tree_finish(&tree), "config");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_that_is_not_aligned_is_refused),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(malformed_structures_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_cut_structure_is_refused_whatever_the_header_says),
        cmocka_unit_test(no_mutation_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
