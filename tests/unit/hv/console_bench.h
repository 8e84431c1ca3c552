/* SPDX-License-Identifier: BSD-2-Clause */
/* A console between VMs that say what they are told to and a terminal that is looked at. */
#ifndef CONSOLE_BENCH_H
#define CONSOLE_BENCH_H

#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "core/console.h"
#include "terminal.h"
#include "testkit/cmocka.h"

#define VM_INPUT  16384U
#define RING_SIZE 4096U

struct bench {
    struct hv_console console;
    uint8_t behind[sizeof(struct hv_console_vm)]; /* what an index one too far would find: a VM with input */
    struct terminal terminal;
    bool is_unwatched; /* nothing is written down */
    size_t takes;      /* bytes that the device takes before it is full */
    bool wants_room;
    char ring[HV_CONSOLE_SLOTS][RING_SIZE];
    char raw[1U << 16]; /* the bytes as written, since the last take() */
    size_t raw_size;
    uint8_t input[HV_CONSOLE_MAX_VMS][VM_INPUT]; /* what each VM was given */
    size_t input_size[HV_CONSOLE_MAX_VMS];
    size_t room[HV_CONSOLE_MAX_VMS]; /* bytes that it will still take */
};

static inline size_t write_terminal(void *ctx, const char *bytes, size_t size)
{
    struct bench *b = (struct bench *)ctx;

    assert_true(size > 0U);
    size = size < b->takes ? size : b->takes;
    b->takes -= b->takes != SIZE_MAX ? size : 0U;
    if (b->is_unwatched || size == 0U) {
        return size;
    }
    terminal_write(&b->terminal, bytes, size);
    if (b->raw_size + size < sizeof(b->raw)) {
        memcpy(&b->raw[b->raw_size], bytes, size);
        b->raw_size += size;
        b->raw[b->raw_size] = '\0';
    }
    return size;
}

static inline void want_room(void *ctx, bool wanted)
{
    struct bench *b = (struct bench *)ctx;

    assert_true(wanted != b->wants_room);
    b->wants_room = wanted;
}

static inline bool deliver(void *ctx, uint32_t slot, uint8_t byte)
{
    struct bench *b = (struct bench *)ctx;

    assert_true(slot < HV_CONSOLE_MAX_VMS);
    if (b->room[slot] == 0U) {
        return false;
    }
    b->room[slot]--;
    assert_true(b->input_size[slot] < VM_INPUT);
    b->input[slot][b->input_size[slot]++] = byte;
    return true;
}

static const struct hv_console_ops ops = {
    .write = write_terminal, .want_room = want_room, .deliver = deliver};

static inline struct bench *start(void **state, unsigned vms)
{
    static struct bench bench;
    static const char *const names[] = {"linux", "bare", "third"};
    uint8_t *next;

    memset(&bench, 0, sizeof(bench));
    bench.takes = SIZE_MAX;
    terminal_init(&bench.terminal);
    memset(&bench.console, 0xa5, sizeof(bench.console));
    hv_console_init(&bench.console, &ops, &bench);
    next = (uint8_t *)&bench + offsetof(struct bench, console.vm) + sizeof(bench.console.vm);
    next[offsetof(struct hv_console_vm, name)] = 'x';
    next[offsetof(struct hv_console_vm, input_head)] = 1;
    for (unsigned i = 0; i < vms; i++) {
        assert_int_equal(hv_console_add(&bench.console, i, names[i], bench.ring[i], RING_SIZE), ASH_OK);
    }
    for (unsigned i = 0; i < HV_CONSOLE_MAX_VMS; i++) {
        bench.room[i] = SIZE_MAX;
    }
    *state = &bench;
    return &bench;
}

static inline int one_vm(void **state)
{
    (void)start(state, 1);
    return 0;
}

static inline int two_vms(void **state)
{
    (void)start(state, 2);
    return 0;
}

static inline int three_vms(void **state)
{
    (void)start(state, 3);
    return 0;
}

static inline void say(struct bench *b, uint32_t slot, const char *text)
{
    for (; *text != '\0'; text++) {
        assert_true(hv_console_output(&b->console, slot, (uint8_t)*text));
    }
}

static inline void type(struct bench *b, const char *keys)
{
    for (; *keys != '\0'; keys++) {
        assert_int_equal(hv_console_input(&b->console, (uint8_t)*keys), HV_CONSOLE_TAKEN);
    }
}

/** The keyboard to VM @number, in the view of all. */
static inline void front(struct bench *b, const char *number)
{
    type(b, "\x1d");
    type(b, number);
    type(b, "\x1d"
            "a");
}

/** The bytes written since the last time. */
static inline const char *take(struct bench *b)
{
    static char taken[1U << 16];

    memcpy(taken, b->raw, b->raw_size + 1U);
    b->raw_size = 0;
    b->raw[0] = '\0';
    return taken;
}

static inline void expect_rows(struct bench *b, const char *const *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(terminal_row(&b->terminal, i), rows[i]);
    }
    assert_int_equal(b->terminal.rows, count);
}

#define EXPECT_ROWS(b, ...)                                                                                  \
    do {                                                                                                     \
        static const char *const expected_rows_[] = {__VA_ARGS__};                                           \
        expect_rows((b), expected_rows_, ASH_ARRAY_SIZE(expected_rows_));                                    \
    } while (0)

#endif
