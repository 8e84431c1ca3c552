/* SPDX-License-Identifier: BSD-2-Clause */
/* A PL011 on a bench: what it sends and the level of its interrupt output are looked at. */
#ifndef VPL011_BENCH_H
#define VPL011_BENCH_H

#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"
#include "vdev/vpl011.h"

/* DDI 0183 3.2, table 3-1. */
enum {
    DR = 0x00,
    ECR = 0x04,
    FR = 0x18,
    ILPR = 0x20,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    DMACR = 0x48
};

enum { RXFE = 0x10, TXFF = 0x20, RXFF = 0x40, TXFE = 0x80, BUSY = 0x08 };
enum { INT_CTS = 0x002, INT_RX = 0x010, INT_TX = 0x020, INT_RT = 0x040, INT_OE = 0x400 };
enum { FEN = 0x10, LBE = 0x80, UARTEN = 0x001, TXE = 0x100, RXE = 0x200, RTS = 0x800 };

struct bench {
    struct hv_vpl011 uart;
    char sent[8192];
    size_t sent_size;
    bool line;
    unsigned changes;
};

static inline void emit(void *ctx, uint8_t byte)
{
    struct bench *b = (struct bench *)ctx;

    assert_true(b->sent_size < sizeof(b->sent));
    b->sent[b->sent_size++] = (char)byte;
}

static inline void set_irq(void *ctx, bool level)
{
    struct bench *b = (struct bench *)ctx;

    assert_int_not_equal(level, b->line); /* told on a change only */
    b->line = level;
    b->changes++;
}

static const struct hv_vpl011_ops ops = {.emit = emit, .set_irq = set_irq};

static inline int set_up(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof(bench));
    hv_vpl011_init(&bench.uart, &ops, &bench);
    *state = &bench;
    return 0;
}

static inline uint32_t rd(struct bench *b, uint64_t offset)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hv_vpl011_access(&b->uart, offset, 4, false, &value), ASH_OK);
    assert_true(value <= UINT32_MAX);
    return (uint32_t)value;
}

static inline void wr(struct bench *b, uint64_t offset, uint32_t value)
{
    uint64_t v = value;

    assert_int_equal(hv_vpl011_access(&b->uart, offset, 4, true, &v), ASH_OK);
}

static inline unsigned feed(struct bench *b, unsigned count)
{
    unsigned taken = 0;

    while (taken < count && hv_vpl011_receive(&b->uart, (uint8_t)('a' + taken % 26U))) {
        taken++;
    }
    return taken;
}

#endif
