/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/instruction.h>

#include <libbase/nospec.h>

#include "internal.h"

#define RN_SP       31U
#define OPTION_UXTW 2U
#define OPTION_SXTW 6U

/* An address without what a tag may change: TBI leaves [63:56] out of the translation (D8.2 "Address tagging"). */
#define UNTAGGED ASH_MASK(55, 0)

static uint64_t index_value(const struct ash_vcpu_instruction *i, const struct ash_vcpu_context *ctx)
{
    uint64_t value = i->has_index ? ash_vcpu_reg_read(ctx, i->rm) : 0U;

    if (i->extend == OPTION_UXTW) {
        value &= UINT32_MAX;
    } else if (i->extend == OPTION_SXTW) {
        value = ash_sign_extend(value, 32);
    }
    return value << i->shift;
}

static uint64_t base_value(const struct ash_vcpu_instruction *i, const struct ash_vcpu_context *ctx,
                           uint64_t sp)
{
    if (i->literal) {
        return ctx->pc;
    }
    return i->rn == RN_SP ? sp : ash_vcpu_reg_read(ctx, i->rn);
}

/* A register is one piece, but for a Q register: two of 8 bytes. */
static unsigned pieces_per_register(const struct ash_vcpu_instruction *i)
{
    return i->size > 8U ? 2U : 1U;
}

static uint64_t *vector_register(struct ash_vcpu_context *ctx, unsigned n)
{
    return ctx->fp.v[ash_index_nospec(n % 32U, 32U)];
}

/* Piece @half of @halves of a register's @value, as the device sees it: in big-endian order the whole register's bytes
 * are reversed (J1.1 BigEndianReverse()), so the upper half comes first. */
static uint64_t piece_of(const uint64_t *value, unsigned half, unsigned halves, unsigned size,
                         bool big_endian)
{
    uint64_t piece = value[big_endian ? halves - 1U - half : half];

    piece = low_bytes(piece, size);
    return big_endian ? swapped(piece, size) : piece;
}

static void gather(const struct ash_vcpu_instruction *i, const struct ash_vcpu_context *ctx, bool big_endian,
                   struct ash_vcpu_transfer *t)
{
    unsigned halves = pieces_per_register(i);

    for (unsigned n = 0; n < t->count; n++) {
        unsigned rt = n < halves ? i->rt : i->rt2;
        uint64_t value[2] = {0U, 0U};

        if (i->vector) {
            const uint64_t *v = ctx->fp.v[ash_index_nospec(rt % 32U, 32U)];

            value[0] = v[0];
            value[1] = v[1];
        } else {
            value[0] = ash_vcpu_reg_read(ctx, rt);
        }
        t->value[n] = piece_of(value, n % halves, halves, t->size, big_endian);
    }
}

void ash_vcpu_transfer_begin(const struct ash_vcpu_instruction *instruction,
                             const struct ash_vcpu_context *ctx, uint64_t sp, bool big_endian,
                             struct ash_vcpu_transfer *transfer)
{
    const struct ash_vcpu_instruction *i = instruction;
    uint64_t base = base_value(i, ctx, sp);
    uint64_t moved = base + (uint64_t)(int64_t)i->offset + index_value(i, ctx);
    struct ash_vcpu_transfer t = {
        .address = i->write_back == ASH_VCPU_WRITE_BACK_POST ? base : moved,
        .base = moved,
        .size = i->size > 8U ? 8U : i->size,
        .register_size = i->size,
        .count = (uint8_t)(i->count * pieces_per_register(i)),
    };

    if (i->write) {
        gather(i, ctx, big_endian, &t);
    }
    *transfer = t;
}

bool ash_vcpu_transfer_covers(const struct ash_vcpu_transfer *transfer, uint64_t far)
{
    return ((far - transfer->address) & UNTAGGED) < (uint64_t)transfer->size * transfer->count;
}

bool ash_vcpu_transfer_is_aligned(const struct ash_vcpu_transfer *transfer)
{
    return ash_is_aligned(transfer->address, transfer->register_size);
}

bool ash_vcpu_transfer_is_in_one_page(const struct ash_vcpu_transfer *transfer)
{
    uint64_t bytes = (uint64_t)transfer->size * transfer->count;

    return (transfer->address & PAGE_OFFSET) + bytes <= PAGE_OFFSET + 1U;
}

static void scatter_vector(const struct ash_vcpu_instruction *i, const uint64_t *piece, unsigned rt,
                           struct ash_vcpu_context *ctx, bool big_endian)
{
    unsigned halves = pieces_per_register(i);
    uint64_t *v = vector_register(ctx, rt);

    v[0] = piece_of(piece, 0, halves, halves == 2U ? 8U : i->size, big_endian);
    v[1] = halves == 2U ? piece_of(piece, 1, halves, 8U, big_endian) : 0U;
}

static void scatter_general(const struct ash_vcpu_instruction *i, uint64_t piece, unsigned rt,
                            struct ash_vcpu_context *ctx, bool big_endian)
{
    uint64_t value = piece_of(&piece, 0, 1, i->size, big_endian);

    if (i->sign_extend) {
        value = ash_sign_extend(value, 8U * i->size);
    }
    ash_vcpu_reg_write(ctx, rt, i->to_x ? value : value & UINT32_MAX);
}

void ash_vcpu_transfer_finish(const struct ash_vcpu_instruction *instruction,
                              const struct ash_vcpu_transfer *transfer, struct ash_vcpu_context *ctx,
                              uint64_t *sp, bool big_endian)
{
    const struct ash_vcpu_instruction *i = instruction;

    if (i->write_back != ASH_VCPU_WRITE_BACK_NONE && i->rn == RN_SP) {
        *sp = transfer->base;
    } else if (i->write_back != ASH_VCPU_WRITE_BACK_NONE) {
        ash_vcpu_reg_write(ctx, i->rn, transfer->base);
    }
    for (unsigned n = 0; n < i->count && !i->write; n++) {
        unsigned rt = n == 0U ? i->rt : i->rt2;
        const uint64_t *piece = &transfer->value[n * pieces_per_register(i)];

        if (i->vector) {
            scatter_vector(i, piece, rt, ctx, big_endian);
        } else {
            scatter_general(i, *piece, rt, ctx, big_endian);
        }
    }
}
