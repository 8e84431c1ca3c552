/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/check.h"
#include "common/guest.h"
#include "cpu/cpu.h"

/* ---- ID registers: docs/guest-machine.md, "CPUs"; fields by DDI 0487 D17.2 ----------------------------------- */

/** Bits [hi:lo] of a register are between @least and @most. */
struct id_field {
    const char *name;
    uint8_t reg;
    uint8_t lo;
    uint8_t bits;
    uint8_t least;
    uint8_t most;
};

enum { PFR0, PFR1, ZFR0, SMFR0, DFR0, DFR1, MMFR0, MMFR1, MMFR2, PFR0_32, DFR0_32, REGISTERS };

#define ANY 0xfU

static const struct id_field fields[] = {
    {"EL0: AArch64, and AArch32 where there is", PFR0, 0, 4, 1, 2},
    {"EL1: AArch64 alone", PFR0, 4, 4, 1, 1},
    {"no EL2", PFR0, 8, 4, 0, 0},
    {"no EL3", PFR0, 12, 4, 0, 0},
    {"FP", PFR0, 16, 4, 0, 1},
    {"Advanced SIMD", PFR0, 20, 4, 0, 1},
    {"no RAS", PFR0, 28, 4, 0, 0},
    {"no SVE", PFR0, 32, 4, 0, 0},
    {"no Secure EL2", PFR0, 36, 4, 0, 0},
    {"no MPAM", PFR0, 40, 4, 0, 0},
    {"no AMU", PFR0, 44, 4, 0, 0},
    {"no RME", PFR0, 52, 4, 0, 0},
    {"CSV2: no SCXTNUM", PFR0, 56, 4, 0, 1},
    {"no MTE", PFR1, 8, 4, 0, 0},
    {"no RAS, its fraction", PFR1, 12, 4, 0, 0},
    {"no MPAM, its fraction", PFR1, 16, 4, 0, 0},
    {"no SME", PFR1, 24, 4, 0, 0},
    {"no NMI", PFR1, 36, 4, 0, 0},
    {"SVE says nothing", ZFR0, 0, 32, 0, 0},
    {"SME says nothing", SMFR0, 0, 32, 0, 0},
    {"debug: Armv8", DFR0, 0, 4, 6, 6},
    {"no trace", DFR0, 4, 4, 0, 0},
    {"no PMU", DFR0, 8, 4, 0, 0},
    {"two breakpoints", DFR0, 12, 4, 1, 1},
    {"two watchpoints", DFR0, 20, 4, 1, 1},
    {"context breakpoints are breakpoints", DFR0, 28, 4, 0, 1},
    {"no SPE", DFR0, 32, 4, 0, 0},
    {"no trace filter", DFR0, 40, 4, 0, 0},
    {"no TRBE", DFR0, 44, 4, 0, 0},
    {"no BRBE", DFR0, 52, 4, 0, 0},
    {"DFR1 says nothing", DFR1, 0, 32, 0, 0},
    {"physical addresses", MMFR0, 0, 4, 0, 6},
    {"4 KiB granule", MMFR0, 28, 4, 0, 0},
    {"no fine-grained traps", MMFR0, 56, 4, 0, 0},
    {"no VHE", MMFR1, 8, 4, 0, 0},
    {"no LORegions", MMFR1, 16, 4, 0, 0},
    {"no XNX", MMFR1, 28, 4, 0, 0},
    {"no TWED", MMFR1, 32, 4, 0, 0},
    {"no HCX", MMFR1, 40, 4, 0, 0},
    {"no nested virtualization", MMFR2, 24, 4, 0, 0},
    {"no S2FWB", MMFR2, 40, 4, 0, 0},
    {"AArch32: no AMU", PFR0_32, 20, 4, 0, 0},
    {"AArch32: no RAS", PFR0_32, 28, 4, 0, 0},
    {"AArch32: no PMU", DFR0_32, 24, 4, 0, 0},
};

void check_id_registers(void)
{
    const uint64_t regs[REGISTERS] = {
        guest_sysreg_read(id_aa64pfr0_el1),  guest_sysreg_read(id_aa64pfr1_el1),
        guest_sysreg_read(S3_0_C0_C4_4),     guest_sysreg_read(S3_0_C0_C4_5),
        guest_sysreg_read(id_aa64dfr0_el1),  guest_sysreg_read(id_aa64dfr1_el1),
        guest_sysreg_read(id_aa64mmfr0_el1), guest_sysreg_read(id_aa64mmfr1_el1),
        guest_sysreg_read(S3_0_C0_C7_2),     guest_sysreg_read(id_pfr0_el1),
        guest_sysreg_read(id_dfr0_el1),
    };

    for (unsigned n = 0; n < sizeof(fields) / sizeof(fields[0]); n++) {
        const struct id_field *f = &fields[n];
        uint64_t value = (regs[f->reg] >> f->lo) & ((UINT64_C(1) << f->bits) - 1U);

        if (value == ANY && (f->lo == 16U || f->lo == 20U) && f->reg == PFR0) {
            continue; /* signed: no FP at all */
        }
        check_equal(f->name, value < f->least ? value : (value > f->most ? value : f->most), f->most);
    }
    check_equal("GIC system registers on a GICv3 alone", (regs[PFR0] >> 24) & 0xfU,
                ((guest_read32(GUEST_GICD + 0xfe8U) >> 4) & 0xfU) == 2U ? 0U : 1U);
    check_equal("a reserved ID register", guest_sysreg_read(S3_0_C0_C3_7), 0);
    check_equal("the last one", guest_sysreg_read(S3_0_C0_C7_7), 0);
    check_equal("MPIDR_EL1", guest_sysreg_read(mpidr_el1), 0x80000000U);
    check_equal("CurrentEL", guest_sysreg_read(currentel), 4);
    check_no_fault("no ID register faults");
}

/* ---- DISR_EL1 ------------------------------------------------------------------------------------------------ */

/* A deferred SError's syndrome: A, IDS, ISS (DDI 0487 D17.2). No trap hides it where the CPU has FEAT_RAS. */
#define DISR_BITS UINT64_C(0x81ffffff)

static volatile bool has_disr;
static volatile uint64_t wrong;
static uint64_t deferred[2];

void deferred_begin(uint64_t number)
{
    if (number == 0U) {
        uint64_t first = guest_sysreg_read(S3_0_C12_C1_1);

        has_disr = check_last.count == 0U;
        check_last.count = 0;
        check_equal("nothing is deferred to a new vCPU", has_disr ? first : 0U, 0);
    }
    if (has_disr) {
        deferred[number] = (guest_sysreg_read(cntvct_el0) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & DISR_BITS;
        guest_sysreg_write(S3_0_C12_C1_1, deferred[number]);
    }
}

void deferred_look(uint64_t number)
{
    if (has_disr && guest_sysreg_read(S3_0_C12_C1_1) != deferred[number]) {
        wrong = wrong + 1U;
    }
}

void check_deferred(void)
{
    deferred_look(0);
    check_equal("each vCPU has its own DISR_EL1", wrong, 0);
    if (has_disr) {
        guest_print("with DISR_EL1\n");
    }
}

/* ---- FP and SIMD --------------------------------------------------------------------------------------------- */

#define FPCR_RMODE  (UINT64_C(2) << 22) /* round towards minus infinity */
#define FPCR_DN_FZ  (UINT64_C(3) << 24)
#define FPSR_QC_IXC ((UINT64_C(1) << 27) | (UINT64_C(1) << 4))

void check_fp(void)
{
    static uint64_t in[66] __attribute__((aligned(16)));
    static uint64_t out[66] __attribute__((aligned(16)));

    for (uint64_t kind = 0; kind < EXITS; kind++) {
        for (unsigned n = 0; n < 64U; n++) {
            in[n] = UINT64_C(0x9e3779b97f4a7c15) * (n + 1U + 64U * kind);
            out[n] = 0;
        }
        in[64] = FPCR_RMODE | FPCR_DN_FZ;
        in[65] = FPSR_QC_IXC | (kind & 0xfU);
        cpu_fp_over(kind, in, out);
        for (unsigned n = 0; n < 66U; n++) {
            check_equal_at("V0..V31, FPCR, FPSR over an exit", kind, out[n], in[n]);
        }
        if (kind == EXIT_ABORT || kind == EXIT_UNDEF) {
            check_fault("... which is the guest's exception", kind == EXIT_ABORT ? 0x25U : 0U, 0, 0);
        } else {
            check_no_fault("... which is none of the guest's");
        }
    }
    guest_sysreg_write(S3_3_C4_C4_0, 0); /* FPCR */
}

/* ---- Pointer authentication ---------------------------------------------------------------------------------- */

#define KEYS(X)                                                                                              \
    X(S3_0_C2_C1_0, 0)                                                                                       \
    X(S3_0_C2_C1_1, 1)                                                                                       \
    X(S3_0_C2_C1_2, 2)                                                                                       \
    X(S3_0_C2_C1_3, 3)                                                                                       \
    X(S3_0_C2_C2_0, 4)                                                                                       \
    X(S3_0_C2_C2_1, 5)                                                                                       \
    X(S3_0_C2_C2_2, 6)                                                                                       \
    X(S3_0_C2_C2_3, 7)                                                                                       \
    X(S3_0_C2_C3_0, 8)                                                                                       \
    X(S3_0_C2_C3_1, 9)
#define KEY_WRITE(reg, n) guest_sysreg_write(reg, UINT64_C(0x5851f42d4c957f2d) * ((n) + 1U));
#define KEY_CHECK(reg, n)                                                                                    \
    check_equal_at("a PAuth key over exits", n, guest_sysreg_read(reg),                                      \
                   UINT64_C(0x5851f42d4c957f2d) * ((n) + 1U));

/* PACIA X0, X1; AUTIA X0, X1; PACGA X0, X0, X1. */
#define PAUTH_INSTRUCTION(word, x0, x1)                                                                      \
    __extension__({                                                                                          \
        register uint64_t a_ __asm__("x0") = (x0);                                                           \
        register uint64_t b_ __asm__("x1") = (x1);                                                           \
        __asm__ volatile(".inst " #word : "+r"(a_) : "r"(b_));                                               \
        a_;                                                                                                  \
    })

static void check_undefined_keys(void)
{
    (void)guest_sysreg_read(S3_0_C2_C1_0);
    check_fault("without PAuth its keys are UNDEFINED", 0, 0x1ffffffU, 0);
}

void check_pauth(void)
{
    static uint64_t scratch[66] __attribute__((aligned(16)));
    bool has = (guest_sysreg_read(id_aa64isar1_el1) & UINT64_C(0xff000ff0)) != 0U ||
               (guest_sysreg_read(S3_0_C0_C6_2) & 0xff00U) != 0U;
    bool generic = (guest_sysreg_read(id_aa64isar1_el1) & UINT64_C(0xff000000)) != 0U;
    uint64_t pointer = (uint64_t)(uintptr_t)scratch;
    uint64_t mac = 0;
    uint64_t signed_pointer;

    guest_print(has ? "with PAuth\n" : "without PAuth\n");
    if (!has) {
        check_undefined_keys();
        return;
    }
    KEYS(KEY_WRITE)
    guest_sysreg_write(sctlr_el1, guest_sysreg_read(sctlr_el1) | (UINT64_C(1) << 31)); /* EnIA */
    signed_pointer = PAUTH_INSTRUCTION(0xdac10020, pointer, 0x1234U);
    if (generic) {
        mac = PAUTH_INSTRUCTION(0x9ac13000, pointer, 0x1234U);
    }
    check("a pointer is signed", signed_pointer != pointer);
    for (uint64_t kind = 0; kind < EXITS; kind++) {
        cpu_fp_over(kind, scratch, scratch);
        check_last.count = 0;
        check_equal_at("signed again after an exit: the same", kind,
                       PAUTH_INSTRUCTION(0xdac10020, pointer, 0x1234U), signed_pointer);
        check_equal_at("authenticated after an exit", kind,
                       PAUTH_INSTRUCTION(0xdac11020, signed_pointer, 0x1234U), pointer);
    }
    check("generic authentication likewise",
          !generic || PAUTH_INSTRUCTION(0x9ac13000, pointer, 0x1234U) == mac);
    KEYS(KEY_CHECK)
    check_no_fault("no PAuth instruction faults");
}
