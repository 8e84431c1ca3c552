/* SPDX-License-Identifier: BSD-2-Clause */
/** Trees made in code, and the two sweeps that every reader of a file has to survive. */
#ifndef BOOT_FIXTURE_H
#define BOOT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libfdt.h>

#include <libboot/fault.h>

#include <testkit/cmocka.h>
#include <testkit/seed.h>

#define TREE_SIZE 16384U

/** A tree being written with libfdt; the bytes are 8-byte aligned. */
struct tree {
    uint64_t bytes[TREE_SIZE / 8U];
};

static inline void tree_ok(int result)
{
    assert_int_equal(result, 0);
}

static inline void tree_begin(struct tree *tree)
{
    memset(tree, 0, sizeof(*tree));
    tree_ok(fdt_create(tree->bytes, (int)sizeof(tree->bytes)));
}

static inline void tree_root(struct tree *tree)
{
    tree_ok(fdt_finish_reservemap(tree->bytes));
    tree_ok(fdt_begin_node(tree->bytes, ""));
}

static inline void node(struct tree *tree, const char *name)
{
    tree_ok(fdt_begin_node(tree->bytes, name));
}

static inline void end(struct tree *tree)
{
    tree_ok(fdt_end_node(tree->bytes));
}

static inline void bytes(struct tree *tree, const char *name, const void *data, size_t size)
{
    tree_ok(fdt_property(tree->bytes, name, data, (int)size));
}

static inline void string(struct tree *tree, const char *name, const char *value)
{
    bytes(tree, name, value, strlen(value) + 1U);
}

static inline void flag(struct tree *tree, const char *name)
{
    bytes(tree, name, "", 0);
}

static inline void cells_of(struct tree *tree, const char *name, const uint32_t *values, size_t count)
{
    fdt32_t big_endian[64];

    assert_true(count <= 64U);
    for (size_t i = 0; i < count; i++) {
        big_endian[i] = cpu_to_fdt32(values[i]);
    }
    bytes(tree, name, big_endian, count * 4U);
}

/** cells(&tree, "reg", 1, 2, 3): any number of cells, at least one. */
#define cells(tree, name, ...)                                                                               \
    cells_of(tree, name, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4U)

static inline size_t tree_finish(struct tree *tree)
{
    tree_ok(fdt_end_node(tree->bytes));
    tree_ok(fdt_finish(tree->bytes));
    return fdt_totalsize(tree->bytes);
}

/** One line, printable, that mentions @what. */
static inline void assert_fault_says(const struct ash_boot_fault *fault, const char *what)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];
    size_t length = ash_boot_fault_format(line, sizeof(line), fault);

    assert_true(length < sizeof(line));
    assert_int_equal(strlen(line), length);
    for (size_t i = 0; i < length; i++) {
        assert_in_range(line[i], ' ', '~');
    }
    if (strstr(line, what) == NULL) {
        print_error("\"%s\" is not in: %s\n", what, line);
    }
    assert_non_null(strstr(line, what));
}

/** The reader under test: returns ASH_OK or an error, and fills *@fault. */
typedef int attempt(const void *data, size_t size, struct ash_boot_fault *fault);

/** Try on a copy that ends where the heap block ends (AddressSanitizer watches our code), and on one that ends at a
 *  page that cannot be read (libfdt is not instrumented). Both see the same. */
static inline int try_exact(attempt *reader, const uint8_t *data, size_t size)
{
    static uint8_t *guarded;
    const size_t room = 16U * 4096U;
    struct ash_boot_fault fault;
    struct ash_boot_fault again;
    /* The start stays aligned: up to 7 readable bytes are left behind the end. */
    size_t padded = (size + 7U) & ~(size_t)7U;
    uint8_t *heap = malloc(size != 0U ? size : 1U);
    int result;

    if (guarded == NULL) {
        guarded = mmap(NULL, room + 4096U, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(guarded, MAP_FAILED);
        assert_int_equal(mprotect(guarded + room, 4096U, PROT_NONE), 0);
    }
    assert_non_null(heap);
    assert_true(padded <= room);
    memcpy(heap, data, size);
    memcpy(guarded + room - padded, data, size);
    result = reader(heap, size, &fault);
    assert_int_equal(reader(guarded + room - padded, size, &again), result);
    assert_int_equal(fault.code, result);
    if (result != ASH_OK) {
        assert_non_null(fault.file);
        assert_non_null(fault.problem);
        assert_fault_says(&fault, fault.problem);
    }
    free(heap);
    return result;
}

/** No truncation of a valid input may be taken for valid. */
static inline void sweep_truncations(attempt *reader, const void *data, size_t size)
{
    assert_int_equal(try_exact(reader, data, size), ASH_OK);
    for (size_t length = 0; length < size; length++) {
        assert_int_not_equal(try_exact(reader, data, length), ASH_OK);
    }
}

/** Every byte in turn, in several ways; then many random changes at once. Nothing may crash; both outcomes happen. */
static inline void sweep_mutations(attempt *reader, const void *data, size_t size, const char *name)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x08, 0x20, 0x80, 0xFF};
    unsigned outcomes[2] = {0, 0};
    struct test_rng rng;
    uint8_t *copy = malloc(size);

    assert_non_null(copy);
    memcpy(copy, data, size);
    for (size_t i = 0; i < size; i++) {
        uint8_t original = copy[i];

        for (unsigned flip = 0; flip < sizeof(flips); flip++) {
            copy[i] = original ^ flips[flip];
            outcomes[try_exact(reader, copy, size) == ASH_OK]++;
        }
        copy[i] = 0;
        outcomes[try_exact(reader, copy, size) == ASH_OK]++;
        copy[i] = original;
    }
    test_rng_init(&rng, name);
    for (unsigned round = 0; round < 10000U; round++) {
        unsigned changes = 1U + (unsigned)test_rng_below(&rng, 4);

        memcpy(copy, data, size);
        while (changes-- > 0U) {
            copy[test_rng_below(&rng, size)] = (uint8_t)test_rng_next(&rng);
        }
        outcomes[try_exact(reader, copy, size) == ASH_OK]++;
    }
    print_message("%s: %u mutants refused, %u read\n", name, outcomes[0], outcomes[1]);
    assert_int_not_equal(outcomes[0], 0);
    assert_int_not_equal(outcomes[1], 0);
    free(copy);
}

#endif
