/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest must not do, from EL0, EL1t and EL1h, with stage 1 off and on: each ends as the exception that DDI 0487
 * prescribes, at the vector of the level and stack pointer that it came from, with ESR, FAR, ELR, SPSR exact and no
 * register changed. Each case is one instruction, and an SVC behind it that says that nothing was taken. */
#include "common/check.h"
#include "common/guest.h"
#include "common/mmu.h"

#define SECONDS 3U /* again and again, beside another VM's heartbeat */

#define HOLE     UINT64_C(0x10000000) /* nothing is there */
#define STOLEN   UINT64_C(0x090a0000) /* DEN0057: hv writes it, a guest reads it */
#define SVC_HERE 0xd40000e1U          /* SVC #7 */
/* SA, SA0; UCI: EL0 may do cache maintenance. */
#define SCTLR_BITS ((UINT64_C(1) << 3) | (UINT64_C(1) << 4) | (UINT64_C(1) << 26))

#define NZCV UINT64_C(0x60000000) /* kept by an exception */
#define DAIF UINT64_C(0x3c0)
#define EL0  1U
#define EL1T 2U
#define EL1H 4U
#define EL1  (EL1T | EL1H)
#define ALL  (EL0 | EL1)
#define V2   8U /* only where the GIC is a GICv2 */

enum {
    EC_UNKNOWN = 0x00,
    EC_ILLEGAL = 0x0e,
    EC_SVC = 0x15,
    EC_SYSREG = 0x18,
    EC_IABORT = 0x20,
    EC_PC = 0x22
};
enum { EC_DABORT = 0x24, EC_SP = 0x26, EC_BRK = 0x3c };
#define EXTERNAL 0x10U /* synchronous external abort, not on a walk */
#define WNR      0x40U

/* MRS X1, MSR X1 by encoding. */
#define MRS(op0, op1, crn, crm, op2)                                                                         \
    (0xd5300001U | (((op0)-2U) << 19) | ((op1) << 16) | ((crn) << 12) | ((crm) << 8) | ((op2) << 5))
#define MSR(op0, op1, crn, crm, op2) (MRS(op0, op1, crn, crm, op2) & ~(1U << 21))

struct faults_start {
    uint64_t pc;
    uint64_t pstate;
    uint64_t sp;
    uint64_t x0;
    uint64_t x1;
};
struct faults_end {
    uint64_t vector;
    uint64_t esr;
    uint64_t far;
    uint64_t elr;
    uint64_t spsr;
    uint64_t x0;
    uint64_t x1;
    uint64_t x2;
};
void faults_run(const struct faults_start *start, struct faults_end *end);

/** What x0 holds. */
enum target { NOTHING, FETCH, DATA, ODD_PC, DEVICE, GICV, WALK, WALK_FETCH, TIME, TIME_FETCH };

struct faults_case {
    const char *name;
    uint32_t word;
    uint8_t from; /* EL0, EL1T, EL1H, V2 */
    uint8_t target;
    uint8_t ec; /* of an abort: that from EL0 */
    uint32_t iss;
    uint8_t odd_sp;
};

#define UNDEF(name, word, from)                                                                              \
    {                                                                                                        \
        name, word, from, NOTHING, EC_UNKNOWN, 0, 0                                                          \
    }

static const struct faults_case cases[] = {
    {"SVC", SVC_HERE, ALL, NOTHING, EC_SVC, 7, 0},
    {"BRK", 0xd42000a0U, ALL, NOTHING, EC_BRK, 5, 0},
    UNDEF("UDF", 0x00000000U, ALL),
    UNDEF("an unallocated instruction", 0xffffffffU, ALL),
    UNDEF("HLT", 0xd4400000U, ALL),
    UNDEF("HVC from EL0", 0xd4000002U, EL0),
    UNDEF("SMC from EL0", 0xd4000003U, EL0),
    UNDEF("ERET from EL0", 0xd69f03e0U, EL0),
    UNDEF("SCTLR_EL1 from EL0", MRS(3U, 0U, 1U, 0U, 0U), EL0),
    UNDEF("TTBR0_EL1 written from EL0", MSR(3U, 0U, 2U, 0U, 0U), EL0),
    UNDEF("ICC_SGI1R_EL1 from EL0", MSR(3U, 0U, 12U, 11U, 5U), EL0),
    {"CNTVCT_EL0 from EL0: EL1 has not allowed it", MRS(3U, 3U, 14U, 0U, 2U), EL0, NOTHING, EC_SYSREG,
     (3U << 20) | (2U << 17) | (3U << 14) | (14U << 10) | (1U << 5) | 1U, 0},
    UNDEF("HCR_EL2", MRS(3U, 4U, 1U, 1U, 0U), ALL),
    UNDEF("VTTBR_EL2 written", MSR(3U, 4U, 2U, 1U, 0U), ALL),
    UNDEF("VBAR_EL2 written", MSR(3U, 4U, 12U, 0U, 0U), ALL),
    UNDEF("SCTLR_EL12", MRS(3U, 5U, 1U, 0U, 0U), ALL),
    UNDEF("SCR_EL3", MRS(3U, 6U, 1U, 1U, 0U), ALL),
    UNDEF("TLBI ALLE2", 0xd50c871fU, ALL),
    UNDEF("TLBI VMALLS12E1", 0xd50c87dfU, ALL),
    UNDEF("AT S12E1R", 0xd50c7880U, ALL),
    UNDEF("MIDR_EL1 written", MSR(3U, 0U, 0U, 0U, 0U), ALL),
    UNDEF("ID_AA64PFR0_EL1 written", MSR(3U, 0U, 0U, 4U, 0U), ALL),
    UNDEF("ICC_SGI1R_EL1 read", MRS(3U, 0U, 12U, 11U, 5U), ALL),
    UNDEF("PMCR_EL0: there is no PMU", MRS(3U, 3U, 9U, 12U, 0U), EL1),
    UNDEF("PMCCNTR_EL0", MRS(3U, 3U, 9U, 13U, 0U), EL1),
    UNDEF("PMINTENSET_EL1 written", MSR(3U, 0U, 9U, 14U, 1U), EL1),
    UNDEF("PMEVCNTR0_EL0", MRS(3U, 3U, 14U, 8U, 0U), EL1),
    UNDEF("PMSCR_EL1: no statistical profiling", MRS(3U, 0U, 9U, 9U, 0U), EL1),
    UNDEF("TRBBASER_EL1: no trace buffer", MRS(3U, 0U, 9U, 11U, 2U), EL1),
    UNDEF("TRFCR_EL1: no trace", MRS(3U, 0U, 1U, 2U, 1U), EL1),
    UNDEF("TRCPRGCTLR", MRS(2U, 1U, 0U, 1U, 0U), EL1),
    UNDEF("ZCR_EL1: no SVE", MRS(3U, 0U, 1U, 2U, 0U), EL1),
    UNDEF("SMCR_EL1: no SME", MRS(3U, 0U, 1U, 2U, 6U), EL1),
    UNDEF("GCR_EL1: no MTE", MRS(3U, 0U, 1U, 0U, 6U), EL1),
    UNDEF("ERRIDR_EL1: no RAS", MRS(3U, 0U, 5U, 3U, 0U), EL1),
    UNDEF("DISR_EL1", MRS(3U, 0U, 12U, 1U, 1U), EL1),
    UNDEF("AMCR_EL0: no activity monitors", MRS(3U, 3U, 13U, 2U, 0U), EL1),
    UNDEF("MPAM1_EL1", MRS(3U, 0U, 10U, 5U, 0U), EL1),
    UNDEF("SCXTNUM_EL1", MRS(3U, 0U, 13U, 0U, 7U), EL1),
    UNDEF("DBGBVR2_EL1: there are two breakpoints", MRS(2U, 0U, 0U, 2U, 4U), EL1),
    UNDEF("DBGWCR15_EL1", MSR(2U, 0U, 0U, 15U, 7U), EL1),
    UNDEF("ICC_PMR_EL1: there is no such CPU interface", MRS(3U, 0U, 4U, 6U, 0U), EL1 | V2),
    UNDEF("ICC_IAR1_EL1: likewise", MRS(3U, 0U, 12U, 12U, 0U), EL1 | V2),
    UNDEF("ICC_SRE_EL1: likewise", MRS(3U, 0U, 12U, 12U, 5U), EL1 | V2),
    UNDEF("ICC_SGI1R_EL1 written: likewise", MSR(3U, 0U, 12U, 11U, 5U), EL1 | V2),
    {"a fetch where nothing is", 0xd61f0000U, ALL, FETCH, EC_IABORT, EXTERNAL, 0},
    {"a fetch from a device", 0xd61f0000U, ALL, DEVICE, EC_IABORT, EXTERNAL, 0},
    {"a fetch from the CPU interface: stage 2 forbids it", 0xd61f0000U, ALL | V2, GICV, EC_IABORT, EXTERNAL,
     0},
    {"a word read where nothing is", 0xb9400001U, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"a word written", 0xb9000001U, ALL, DATA, EC_DABORT, EXTERNAL | WNR, 0},
    {"a signed byte read", 0x39800001U, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"a doubleword into nowhere", 0xf940001fU, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"a read with write-back", 0xf8408401U, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"a write with write-back", 0xf8008401U, ALL, DATA, EC_DABORT, EXTERNAL | WNR, 0},
    {"a pair read", 0xa9400801U, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"a pair written", 0xa9000801U, ALL, DATA, EC_DABORT, EXTERNAL | WNR, 0},
    {"an exclusive read", 0xc85f7c01U, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"an acquiring read", 0xc8dffc01U, ALL, DATA, EC_DABORT, EXTERNAL, 0},
    {"cache maintenance where nothing is", 0xd50b7e20U, ALL, DATA, EC_SVC, 7, 0},
    {"a prefetch where nothing is", 0xf9800000U, ALL, DATA, EC_SVC, 7, 0},
    {"a branch to no instruction's address", 0xd61f0000U, ALL, ODD_PC, EC_PC, 0, 0},
    {"a misaligned stack pointer", 0xf94003e1U, ALL, NOTHING, EC_SP, 0, 1},
    {"a word read by a walk through the CPU interface", 0xb9400001U, ALL, WALK, EC_DABORT, EXTERNAL, 0},
    {"a word written by a walk through the CPU interface", 0xb9000001U, ALL, WALK, EC_DABORT, EXTERNAL | WNR,
     0},
    {"stolen time read", 0xf940001fU, ALL, TIME, EC_SVC, 7, 0},
    {"stolen time written", 0xb9000001U, ALL, TIME, EC_DABORT, EXTERNAL | WNR, 0},
    {"a byte of stolen time written", 0x39000001U, ALL, TIME, EC_DABORT, EXTERNAL | WNR, 0},
    {"stolen time written with write-back", 0xf8008401U, ALL, TIME, EC_DABORT, EXTERNAL | WNR, 0},
    {"a pair into stolen time", 0xa9000801U, ALL, TIME, EC_DABORT, EXTERNAL | WNR, 0},
    {"a release into stolen time", 0xc89ffc01U, ALL, TIME, EC_DABORT, EXTERNAL | WNR, 0},
    {"a fetch from stolen time", 0xd61f0000U, ALL, TIME_FETCH, EC_IABORT, EXTERNAL, 0},
    {"a fetch by a walk through the CPU interface", 0xd61f0000U, ALL, WALK_FETCH, EC_IABORT, EXTERNAL, 0},
};

static __attribute__((aligned(4096))) uint32_t code[1024];
static __attribute__((aligned(4096))) uint64_t stack[512];
static __attribute__((aligned(4096))) uint8_t fetch_page[4096]; /* with stage 1 on: their IPAs are HOLE, … */
static __attribute__((aligned(4096))) uint8_t data_page[4096];
static __attribute__((aligned(4096))) uint8_t device_page[4096];
static __attribute__((aligned(4096))) uint8_t gicv_page[4096];
static __attribute__((aligned(4096))) uint8_t time_page[4096];
static __attribute__((aligned(4096))) uint8_t time_code_page[4096]; /* the same, as code */
static __attribute__((aligned(4096))) uint8_t code_alias[4096];

static bool translated;

static uint64_t address(const void *page)
{
    return (uint64_t)(uintptr_t)page;
}

static uint64_t target(enum target of)
{
    switch (of) {
    case FETCH:
        return translated ? address(fetch_page) + 0x40U : HOLE + 0x40U;
    case DATA:
        return translated ? address(data_page) + 0x88U : HOLE + 0x88U;
    case DEVICE:
        return translated ? address(device_page) : GUEST_RTC;
    case GICV:
        return translated ? address(gicv_page) : GUEST_GICC;
    case TIME:
        return translated ? address(time_page) : STOLEN;
    case TIME_FETCH:
        return translated ? address(time_code_page) : STOLEN;
    case WALK:
    case WALK_FETCH:
        return MMU_ODD; /* with stage 1 off nothing is there */
    case ODD_PC:
        return address(code) + 0x102U;
    case NOTHING:
    default:
        return 0x1111;
    }
}

/* Through another address where code[] itself is read-only. */
static void write_code(uint32_t word)
{
    volatile uint32_t *at = translated ? (volatile uint32_t *)(uintptr_t)code_alias : code;

    at[0] = word;
    at[1] = SVC_HERE;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %1\n\tdsb ish\n\tisb"
                     :
                     : "r"(at), "r"(code)
                     : "memory");
}

static bool is_fetch(const struct faults_case *c)
{
    return c->target == FETCH || c->target == DEVICE || c->target == GICV || c->target == ODD_PC ||
           c->target == WALK_FETCH || c->target == TIME_FETCH;
}

static void judge(const struct faults_case *c, unsigned level, const struct faults_start *start,
                  const struct faults_end *end)
{
    bool abort = c->ec == EC_IABORT || c->ec == EC_DABORT;
    uint64_t ec = c->ec + (abort && level != EL0 ? 1U : 0U);
    uint64_t elr = is_fetch(c) ? start->x0 : start->pc;
    bool behind = c->ec == EC_SVC;
    /* Of a walk's abort to EL2 an emulator says "write" of a read too, and hv does not know better. */
    uint64_t ignored = c->target == WALK ? WNR : 0U;

    if (behind) {
        elr += c->word == SVC_HERE ? 4U : 8U; /* SVC returns behind itself */
    }
    check_equal_at(c->name, level, end->vector, level == EL0 ? 8U : (level == EL1T ? 0U : 4U));
    check_equal_at(c->name, level, end->esr | ignored, (ec << 26) | (1U << 25) | c->iss | ignored);
    check_equal_at(c->name, level, end->elr, elr);
    /* A branch by register leaves its BTYPE, where there is FEAT_BTI. */
    check_equal_at(c->name, level, end->spsr & ~(is_fetch(c) ? UINT64_C(0xc00) : 0U), start->pstate);
    if (abort || c->ec == EC_PC) {
        check_equal_at(c->name, level, end->far, start->x0);
    }
    check("no register has changed", end->x0 == start->x0 && end->x1 == start->x1 && end->x2 == 0x2222U);
}

static void try(const struct faults_case *c, unsigned level)
{
    struct faults_start start = {.pc = address(code),
                                 .pstate = NZCV | DAIF | (level == EL0 ? 0U : (level == EL1T ? 4U : 5U)),
                                 .sp = address(&stack[256]) + c->odd_sp * 8U,
                                 .x0 = target((enum target)c->target),
                                 .x1 = 0x123456789abcdef0U};
    struct faults_end end;

    write_code(c->word);
    faults_run(&start, &end);
    if (c->odd_sp != 0U && (end.esr >> 26) == EC_SVC) {
        return; /* QEMU does not check the stack pointer's alignment, with or without hv */
    }
    judge(c, level, &start, &end);
}

/* A return to EL2 is an illegal one: PSTATE.IL, and the next instruction says so (D1.3.4). */
static void check_illegal_return(void)
{
    const struct faults_start start = {.pc = address(code), .pstate = DAIF | 9U, .sp = address(&stack[256])};
    struct faults_end end;

    write_code(SVC_HERE);
    faults_run(&start, &end);
    check_equal("a return to EL2: illegal state", end.esr, ((uint64_t)EC_ILLEGAL << 26) | (1U << 25));
    check("... at EL1, at the address", (end.vector == 0U || end.vector == 4U) && end.elr == start.pc);
    check("... PSTATE.IL is in SPSR", (end.spsr & (1U << 20)) != 0U);
}

/* An immediate other than 0 is reserved by DEN0028: no call that anybody defines, so NOT_SUPPORTED and no more. */
static void check_immediates(void)
{
    static const uint32_t words[] = {0xd4000022U, 0xd41fffe2U, 0xd4000023U, 0xd41fffe3U};

    for (unsigned n = 0; n < 4U; n++) {
        const struct faults_start start = {.pc = address(code),
                                           .pstate = NZCV | DAIF | 5U,
                                           .sp = address(&stack[256]),
                                           .x0 = 0x84000000U,
                                           .x1 = 0x77};
        struct faults_end end;

        write_code(words[n]);
        faults_run(&start, &end);
        check_equal_at("HVC, SMC with an immediate: back behind it", words[n], end.esr, 0x56000007);
        check_equal_at("... NOT_SUPPORTED", words[n], end.x0 & UINT32_MAX, UINT32_MAX);
        check("... x1, x2 as before", end.x1 == 0x77U && end.x2 == 0x2222U);
        check_equal_at("... PSTATE as before", words[n], end.spsr, start.pstate);
    }
}

/** Behind all the attempts: what hv wrote, and no more. DEN0057 3.3: revision and attributes are 0. */
static void check_stolen_time(void)
{
    const volatile uint64_t *words = (const volatile uint64_t *)(uintptr_t)target(TIME);

    if (translated) { /* a whole block at once, which Device memory, as it is without stage 1, has no DC ZVA for */
        static const struct faults_case zeroing = {
            "stolen time zeroed", 0xd50b7420U, EL1, TIME, EC_DABORT, EXTERNAL | WNR, 0};

        try(&zeroing, EL1H);
    }
    check_equal("stolen time: revision, attributes", words[0], 0);
    check("... less than there has been", words[1] / 1000000000U < 3600U);
    for (unsigned n = 2; n < 512U; n++) {
        check_equal_at("... and nothing else in its page", n, words[n], 0);
    }
}

static void round(void)
{
    for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (unsigned level = EL0; level <= EL1H; level <<= 1) {
            if ((cases[n].from & level) != 0U && ((cases[n].from & V2) == 0U || guest_gic_version() == 2U)) {
                try(&cases[n], level);
            }
        }
    }
    check_illegal_return();
    check_immediates();
    check_stolen_time();
}

static void map(void)
{
    mmu_build();
    mmu_map(address(code), address(code), MMU_ALL_RX);
    mmu_map(address(code_alias), address(code), MMU_EL1_RW | MMU_PXN);
    mmu_map(address(stack), address(stack), MMU_ALL_RW);
    mmu_map(address(fetch_page), HOLE, MMU_ALL_RX);
    mmu_map(address(data_page), HOLE, MMU_ALL_RW);
    mmu_map(address(device_page), GUEST_RTC, MMU_ALL_RX);
    mmu_map(address(time_page), STOLEN, MMU_ALL_RW);
    mmu_map(address(time_code_page), STOLEN, MMU_ALL_RX);
    mmu_map(address(gicv_page), GUEST_GICC, MMU_ALL_RX);
}

void guest_main(uint64_t device_tree)
{
    uint64_t begin = guest_sysreg_read(cntvct_el0);

    (void)device_tree;
    guest_sysreg_write(sctlr_el1, guest_sysreg_read(sctlr_el1) | SCTLR_BITS);
    guest_sysreg_write(cntkctl_el1, 0);
    map();
    do {
        translated = false;
        mmu_off();
        round();
        mmu_on();
        translated = true;
        round();
    } while (guest_sysreg_read(cntvct_el0) - begin < SECONDS * guest_sysreg_read(cntfrq_el0));
    (void)check_end("FAULTS");
}
