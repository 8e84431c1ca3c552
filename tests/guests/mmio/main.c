/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses to emulated devices by each width, extension, register and addressing mode of A64, the MMU off and on. One
 * instruction each; exactly the registers that it names change. */
#include "mmio/mmio.h"

#include "common/check.h"
#include "common/guest.h"
#include "common/mmu.h"

#define MATCH     (GUEST_RTC + 4U)       /* RTCMR: 32 bits that read as they were written */
#define IDS       (GUEST_RTC + 0xfe0U)   /* 0x31, 0x10, 0x04, 0x00 */
#define MINUS     (GUEST_UART + 0xff4U)  /* UARTPCellID1: 0xf0 */
#define PRIORITY  (GUEST_GICD + 0x440U)  /* of INTIDs 64 to 67: each a byte */
#define ROUTER    (GUEST_GICD + 0x6100U) /* of INTID 32: 64 bits, GICv3 */
#define HOLE      UINT64_C(0x10000000)
#define SCTLR_EE  (UINT64_C(1) << 25)
#define BE        1U
#define V3        2U
#define OLD       UINT64_C(0xaaaaaaaabbbbbbbb) /* what Rt holds before a load */
#define DABORT    0x25U
#define EXTERNAL  0x10U
#define ALIGNMENT 0x21U
#define EXCLUSIVE 0x35U

uint64_t mmio_registers[31];

/** x0: address, x1: Rt, x2: 8. MATCH is @before, and @after it. */
struct mmio_case {
    const char *name;
    uint32_t word;
    uint8_t flags;
    uint64_t address;
    uint64_t x1;
    int64_t write_back;
    uint64_t wanted; /* in x1 */
    uint32_t before;
    uint32_t after;
};

#define LOAD(name, word, flags, address, wanted, value)                                                      \
    {                                                                                                        \
        name, word, flags, address, OLD, 0, wanted, value, value                                             \
    }
#define INDEXED(name, word, address, back, wanted, value)                                                    \
    {                                                                                                        \
        name, word, 0, address, OLD, back, wanted, value, value                                              \
    }
#define STORE(name, word, flags, address, x1, back, stored)                                                  \
    {                                                                                                        \
        name, word, flags, address, x1, back, x1, 0x55U, stored                                              \
    }

static const struct mmio_case cases[] = {
    LOAD("LDRB W", 0x39400001, 0, MATCH, 0x84, 0x84),
    LOAD("LDRH W", 0x79400001, 0, MATCH, 0x8384, 0x8384),
    LOAD("LDR W", 0xb9400001, 0, MATCH, 0x81828384, 0x81828384),
    LOAD("LDR X", 0xf9400001, V3, ROUTER, 0, 0),
    LOAD("LDRSB W", 0x39c00001, 0, MINUS, 0xfffffff0, 0),
    LOAD("LDRSB X", 0x39800001, 0, MINUS, UINT64_MAX - 15U, 0),
    LOAD("LDRSB X of a positive byte", 0x39800001, 0, IDS, 0x31, 0),
    LOAD("LDRSH W", 0x79c00001, 0, MATCH, 0xffff8001, 0x8001),
    LOAD("LDRSH X", 0x79800001, 0, MATCH, UINT64_MAX - 0x7ffeU, 0x8001),
    LOAD("LDRSW X", 0xb9800001, 0, MATCH, UINT64_C(0xffffffff80000001), 0x80000001),
    LOAD("LDRSW X of a positive word", 0xb9800001, 0, MATCH, 0x70000001, 0x70000001),
    LOAD("LDUR W", 0xb8400001, 0, MATCH, 0x1234, 0x1234),
    LOAD("LDUR W, negative offset", 0xb85fc001, 0, MATCH + 4U, 0x4321, 0x4321),
    LOAD("LDR W, scaled offset", 0xb9400401, 0, MATCH - 4U, 0x999, 0x999),
    LOAD("LDR W, register offset", 0xb8626801, 0, MATCH - 8U, 0x777, 0x777),
    LOAD("LDR W, register extended and shifted", 0xb8627801, 0, MATCH - 32U, 0x778, 0x778),
    LOAD("LDTR W", 0xb8400801, 0, MATCH, 0x5678, 0x5678),
    LOAD("LDTRSB X", 0x38800801, 0, MINUS, UINT64_MAX - 15U, 0),
    LOAD("LDAR W", 0x88dffc01, 0, MATCH, 0x33, 0x33),
    LOAD("LDARB W", 0x08dffc01, 0, MATCH, 0x34, 0x1234),
    LOAD("LDARH W", 0x48dffc01, 0, MATCH, 0x5634, 0x5634),
    LOAD("LDR WZR", 0xb940001f, 0, MATCH, OLD, 0x1111),
    LOAD("LDRSB XZR", 0x3980001f, 0, MINUS, OLD, 0),
    INDEXED("LDR W, post-index", 0xb8404401, MATCH, 4, 0x88, 0x88),
    INDEXED("LDRB W, post-index, backwards", 0x385ff401, MATCH, -1, 0x89, 0x89),
    INDEXED("LDR W, pre-index, backwards", 0xb85fcc01, MATCH + 4U, -4, 0x8a, 0x8a),
    INDEXED("LDRSW X, pre-index", 0xb8804c01, MATCH - 4U, 4, UINT64_C(0xffffffff8000008b), 0x8000008b),
    STORE("STR W", 0xb9000001, 0, MATCH, UINT64_C(0xffffffff12345678), 0, 0x12345678),
    STORE("STUR W, negative offset", 0xb81fc001, 0, MATCH + 4U, 0x23456789, 0, 0x23456789),
    STORE("STTR W", 0xb8000801, 0, MATCH, 0x3456789a, 0, 0x3456789a),
    STORE("STLR W", 0x889ffc01, 0, MATCH, 0x456789ab, 0, 0x456789ab),
    STORE("STR W, register offset", 0xb8226801, 0, MATCH - 8U, 0x56789abc, 0, 0x56789abc),
    STORE("STR W, post-index", 0xb8004401, 0, MATCH, 0x6789abcd, 4, 0x6789abcd),
    STORE("STR W, pre-index", 0xb8004c01, 0, MATCH - 4U, 0x789abcde, 4, 0x789abcde),
    STORE("STR WZR", 0xb900001f, 0, MATCH, 0x99, 0, 0),
    STORE("STR W from the base register", 0xb9000000, 0, MATCH, 0x99, 0, (uint32_t)MATCH),
    LOAD("big-endian LDRB W", 0x39400001, BE, MATCH, 0x84, 0x81828384),
    LOAD("big-endian LDRH W", 0x79400001, BE, MATCH, 0x8483, 0x81828384),
    LOAD("big-endian LDR W", 0xb9400001, BE, MATCH, 0x84838281, 0x81828384),
    LOAD("big-endian LDRSH X", 0x79800001, BE, MATCH, UINT64_MAX - 0x7bfdU, 0x0284),
    LOAD("big-endian LDRSW X", 0xb9800001, BE, MATCH, UINT64_C(0xffffffff84838281), 0x81828384),
    LOAD("big-endian LDAR W", 0x88dffc01, BE, MATCH, 0x04030201, 0x01020304),
    INDEXED("LDR W, post-index, in its own order again", 0xb8404401, MATCH, 4, 0x01020304, 0x01020304),
    STORE("big-endian STR W", 0xb9000001, BE, MATCH, 0x12345678, 0, 0x78563412),
    STORE("big-endian STLR W", 0x889ffc01, BE, MATCH, 0x12345678, 0, 0x78563412),
};

static uint64_t pattern(unsigned n)
{
    return UINT64_C(0x0101010101010101) * (n + 1U);
}

static void prepare(uint64_t x0, uint64_t x1, bool big_endian)
{
    for (unsigned n = 2; n < 30U; n++) {
        mmio_registers[n] = pattern(n);
    }
    mmio_registers[0] = x0;
    mmio_registers[1] = x1;
    mmio_registers[2] = 8;
    mmio_registers[30] = guest_sysreg_read(sctlr_el1) | (big_endian ? SCTLR_EE : 0U);
}

static bool others_are_as_they_were(void)
{
    bool same = mmio_registers[2] == 8U;

    for (unsigned n = 3; n < 30U; n++) {
        same = same && mmio_registers[n] == pattern(n);
    }
    return same;
}

static void check_case(const struct mmio_case *c)
{
    guest_write32(MATCH, c->before);
    prepare(c->address, c->x1, (c->flags & BE) != 0U);
    mmio_run(c->word);
    check_no_fault(c->name);
    check_equal(c->name, mmio_registers[1], c->wanted);
    check_equal(c->name, mmio_registers[0], c->address + (uint64_t)c->write_back);
    check_equal(c->name, guest_read32(MATCH), c->after);
    check(c->name, others_are_as_they_were());
}

/* LDR and STR of each of the 31 registers, W and X forms of the load; x0 or x1 is the base. */
static void check_each_register(void)
{
    for (uint32_t rt = 0; rt < 31U; rt++) {
        uint32_t base = rt == 0U ? 1U : 0U;

        guest_write32(MATCH, 0x80000000U + rt);
        prepare(MATCH, MATCH, false);
        mmio_run(0xb9800000U | (base << 5) | rt);
        check_equal_at("LDRSW into each register", rt, mmio_registers[rt], UINT64_C(0xffffffff80000000) + rt);
        if (rt != 30U) { /* SCTLR_EL1, here */
            prepare(MATCH, MATCH, false);
            mmio_registers[rt] = rt == base ? MATCH : 0x1000U + rt;
            mmio_run(0xb9000000U | (base << 5) | rt);
            check_equal_at("STR of each register", rt, guest_read32(MATCH), 0x1000U + rt);
        }
    }
    check_no_fault("no register faults");
}

/* A byte is one, of a register that takes bytes. 0xa0 and the like have the bits that every GIC implements. */
static void check_byte_lanes(void)
{
    guest_write32(PRIORITY, 0);
    for (uint64_t lane = 0; lane < 4U; lane++) {
        prepare(PRIORITY + lane, 0x80U + 0x10U * lane, false);
        mmio_run(0x39000001U); /* STRB */
        prepare(PRIORITY + lane, OLD, false);
        mmio_run(0x39800001U); /* LDRSB */
        check_equal_at("a byte's own lane, and its sign", lane, mmio_registers[1],
                       UINT64_C(0xffffffffffffff80) + 0x10U * lane);
    }
    check_equal("four bytes are a word", guest_read32(PRIORITY), 0xb0a09080U);
    guest_write32(PRIORITY, 0);
    check_no_fault("no byte faults");
}

static void check_doubleword(void)
{
    prepare(ROUTER, 1, false);
    mmio_run(0xf9000001U); /* STR X */
    prepare(ROUTER, OLD, false);
    mmio_run(0xf9400001U);
    check_equal("64 bits at once", mmio_registers[1], 1);
    prepare(ROUTER, OLD, true);
    if ((mmio_registers[30] & 1U) == 0U) {
        mmio_run(0xf9400001U);
        check_equal("... big-endian", mmio_registers[1], UINT64_C(1) << 56);
    }
    prepare(ROUTER, 0, false);
    mmio_run(0xf9000001U);
    check_no_fault("no doubleword faults");
}

/** The abort is exact: at the instruction, with the address, and nothing has changed. */
static void check_abort(const char *name, uint32_t word, uint64_t address, uint32_t iss)
{
    uint64_t before = guest_read32(MATCH);

    prepare(address, OLD, false);
    mmio_run(word);
    check_equal(name, check_last.elr, (uint64_t)(uintptr_t)mmio_slot);
    check_equal(name, check_last.far, address);
    check_equal(name, check_last.vector, 4);
    check_equal(name, check_last.spsr & 0x3cfU, 0x3c5);
    check_fault(name, DABORT, 0x3ffffffU, (1U << 25) | iss);
    check(name, mmio_registers[0] == address && mmio_registers[1] == OLD && others_are_as_they_were());
    check_equal(name, guest_read32(MATCH), before);
}

static void check_aborts(void)
{
    check_abort("LDXR of a device", 0x885f7c01U, MATCH, EXCLUSIVE);
    check_abort("LDAXP of a device", 0x887f8801U, IDS, EXCLUSIVE);
    check_abort("LDAXP, not aligned", 0x887f8801U, MATCH, ALIGNMENT);
    check_abort("LDR where nothing is", 0xb9400001U, HOLE, EXTERNAL);
    check_abort("LDR, post-index, likewise", 0xb8404401U, HOLE, EXTERNAL);
    check_abort("LD1 of a device", 0x4c407000U, MATCH, EXTERNAL);
}

static void check_all(bool mmu)
{
    for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        if (((cases[n].flags & BE) == 0U || !mmu) &&
            ((cases[n].flags & V3) == 0U || guest_gic_version() == 3U)) {
            check_case(&cases[n]);
        }
    }
    check_each_register();
    check_byte_lanes();
    if (guest_gic_version() == 3U) {
        check_doubleword();
    }
    check_aborts();
    check_accesses_without_syndrome();
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_sysreg_write(cpacr_el1, UINT64_C(3) << 20); /* FPEN */
    check_big_endian_pairs();
    check_all(false);
    mmu_build();
    mmu_on();
    check_all(true);
    (void)check_end("MMIO");
}
