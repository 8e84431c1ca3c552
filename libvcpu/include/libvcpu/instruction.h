/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's A64 load or store, from the instruction itself: for a data abort whose syndrome is not valid (ISV=0) —
 *  pairs, write-back, SIMD and FP registers, and CPUs that give no syndrome for more than they have to.
 *
 *      word = the four bytes at PC, read through the guest's own translation (instructions are little-endian always)
 *      ash_vcpu_instruction_decode(word, &what)             what it is; pure
 *      ash_vcpu_transfer_begin(&what, ctx, sp, big, &t)     address and pieces, with the values of a store
 *      ... each piece by the device; a load fills t.value[] ...
 *      ash_vcpu_transfer_finish(&what, &t, ctx, &sp, big)   registers and write-back; then ash_vcpu_skip()
 *
 *  The guest may have changed the instruction since it faulted: compare t.address with FAR_EL2
 *  (ash_vcpu_transfer_covers()) and let it run again where they differ. A32 and T32 are not decoded.
 *  Manual: Arm ARM DDI 0487, C4.1 "Loads and Stores", C6.2, C7.2 (each instruction's encoding). */
#ifndef LIBVCPU_INSTRUCTION_H
#define LIBVCPU_INSTRUCTION_H

#include <libvcpu/context.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ash_vcpu_instruction_kind {
    ASH_VCPU_INSTRUCTION_OTHER = 0, /* moves no data, or is unallocated: nothing that can be emulated */
    ASH_VCPU_INSTRUCTION_ACCESS,    /* one or two registers: the only kind with the fields below */
    ASH_VCPU_INSTRUCTION_PREFETCH,  /* PRFM, PRFUM: does nothing. Skip it */
    ASH_VCPU_INSTRUCTION_CACHE,     /* DC and IC by address: a device has no cache lines. Skip it */
    ASH_VCPU_INSTRUCTION_ZERO,   /* DC ZVA, GVA, GZVA: an alignment fault on Device memory (C6.2 "DC ZVA") */
    ASH_VCPU_INSTRUCTION_ATOMIC, /* exclusives, CAS, LSE, LD64B, ST64B: a device cannot. Abort */
    ASH_VCPU_INSTRUCTION_NOT_EMULATED /* LD1..LD4, ST1..ST4, LDRAA, LDRAB, tags, memory copy and set. Abort */
};

enum ash_vcpu_write_back {
    ASH_VCPU_WRITE_BACK_NONE = 0,
    ASH_VCPU_WRITE_BACK_PRE, /* the base becomes the address */
    ASH_VCPU_WRITE_BACK_POST /* the address is the base, which then moves */
};

struct ash_vcpu_instruction {
    enum ash_vcpu_instruction_kind kind;
    bool write;
    bool vector;      /* V registers: a scalar of `size` bytes; a load zeroes the rest of the register */
    bool sign_extend; /* a load that sign-extends */
    bool to_x;        /* the general register is 64 bits wide, else a load zeroes [63:32] */
    bool acquire_release;
    bool literal;      /* the base is PC */
    bool unprivileged; /* LDTR, STTR: as from EL0 */
    uint8_t size;      /* bytes a register: 1, 2, 4, 8; 16 for vectors */
    uint8_t count;     /* registers: 1, or 2: a pair */
    uint8_t rt;
    uint8_t rt2;
    uint8_t rn;         /* 31: SP */
    uint8_t write_back; /* enum ash_vcpu_write_back */
    bool has_index;     /* + extend(Rm) << shift */
    uint8_t rm;
    uint8_t extend; /* option: 2 UXTW, 3 LSL, 6 SXTW, 7 SXTX */
    uint8_t shift;  /* 0..4 */
    int32_t offset; /* bytes */
};

/** What @word is. Total: every value has a result. Fields that a kind does not use are 0. */
void ash_vcpu_instruction_decode(uint32_t word, struct ash_vcpu_instruction *instruction);

#define ASH_VCPU_TRANSFER_PIECES 4U

/** What an ACCESS does to memory: `count` pieces of `size` bytes, one behind the other, in this order. */
struct ash_vcpu_transfer {
    uint64_t address;      /* VA of the first byte, with its tag if it has one */
    uint64_t base;         /* what a write-back leaves in Rn */
    uint8_t size;          /* 1, 2, 4 or 8 */
    uint8_t register_size; /* 1 to 16: what the access of one register is aligned to */
    uint8_t count;         /* 1, 2 or 4 */
    uint64_t
        value[ASH_VCPU_TRANSFER_PIECES]; /* as the little-endian device sees them; upper bytes are ignored */
};

/** Address and pieces of @instruction (of kind ACCESS), for a store with the registers' values.
 *  ctx: x0..x30 and pc as at the fault; `fp` too where `vector`. sp: the stack pointer in use (SP_EL0 in EL0 and EL1t).
 *  big_endian: ash_vcpu_is_big_endian(). Lock domain: the vCPU. */
void ash_vcpu_transfer_begin(const struct ash_vcpu_instruction *instruction,
                             const struct ash_vcpu_context *ctx, uint64_t sp, bool big_endian,
                             struct ash_vcpu_transfer *transfer);

/** May the access of @transfer have faulted at @far? Compares what a tag does not change. */
bool ash_vcpu_transfer_covers(const struct ash_vcpu_transfer *transfer, uint64_t far);

/** Is each register's access aligned to its size? One that is not is an alignment fault on Device memory (B2.5.2). */
bool ash_vcpu_transfer_is_aligned(const struct ash_vcpu_transfer *transfer);

/** Do all bytes of @transfer lie in one 4 KiB page, so that one translation serves them all? */
bool ash_vcpu_transfer_is_in_one_page(const struct ash_vcpu_transfer *transfer);

/** All pieces are done: a load's registers from transfer->value, then the write-back to Rn or *@sp. ctx->fp changes
 *  where `vector`. Where Rt and a written-back Rn are one register (CONSTRAINED UNPREDICTABLE, K1.2) the load wins. */
void ash_vcpu_transfer_finish(const struct ash_vcpu_instruction *instruction,
                              const struct ash_vcpu_transfer *transfer, struct ash_vcpu_context *ctx,
                              uint64_t *sp, bool big_endian);

#ifdef __cplusplus
}
#endif

#endif
