/* SPDX-License-Identifier: BSD-2-Clause */
/** A bench for an emulated device with one interrupt line. */
#ifndef VDEV_BENCH_H
#define VDEV_BENCH_H

#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"

/** struct bench with the struct hv_@type as @member, its line and how often that changed; set_up(), which makes one. */
#define VDEV_BENCH(type, member)                                                                             \
    struct bench {                                                                                           \
        struct hv_##type member;                                                                             \
        bool line;                                                                                           \
        unsigned changes;                                                                                    \
    };                                                                                                       \
                                                                                                             \
    static void set_irq(void *ctx, bool level)                                                               \
    {                                                                                                        \
        struct bench *b = (struct bench *)ctx;                                                               \
                                                                                                             \
        assert_int_not_equal(level, b->line); /* told on a change only */                                    \
        b->line = level;                                                                                     \
        b->changes++;                                                                                        \
    }                                                                                                        \
                                                                                                             \
    static const struct hv_##type##_ops ops = {.set_irq = set_irq};                                          \
                                                                                                             \
    static int set_up(void **state)                                                                          \
    {                                                                                                        \
        static struct bench bench;                                                                           \
                                                                                                             \
        memset(&bench, 0, sizeof(bench));                                                                    \
        hv_##type##_init(&bench.member, &ops, &bench);                                                       \
        *state = &bench;                                                                                     \
        return 0;                                                                                            \
    }

/** rd(), wr(): a word of one that is told the time. */
#define VDEV_CLOCKED_ACCESS(type, member)                                                                    \
    static uint32_t rd(struct bench *b, uint64_t now, uint64_t offset)                                       \
    {                                                                                                        \
        uint64_t value = UINT64_MAX;                                                                         \
                                                                                                             \
        assert_int_equal(hv_##type##_access(&b->member, now, offset, 4, false, &value), ASH_OK);             \
        assert_true(value <= UINT32_MAX);                                                                    \
        return (uint32_t)value;                                                                              \
    }                                                                                                        \
                                                                                                             \
    static void wr(struct bench *b, uint64_t now, uint64_t offset, uint32_t value)                           \
    {                                                                                                        \
        uint64_t v = value;                                                                                  \
                                                                                                             \
        assert_int_equal(hv_##type##_access(&b->member, now, offset, 4, true, &v), ASH_OK);                  \
    }

#endif
