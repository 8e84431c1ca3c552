/* SPDX-License-Identifier: BSD-2-Clause */
/* Which registers a guest can read without an exception: those that are switched with it, answered for it, or show
 * nothing of anybody. Each that a newer CPU has besides would be a way from one VM to another. */
#include "common/check.h"
#include "common/guest.h"
#include "cpu/cpu.h"

#define SPACE 0x8000U /* op0 2 and 3: [14] op0, [13:11] op1, [10:7] CRn, [6:3] CRm, [2:0] op2 */
#define REGISTER(op0, op1, crn, crm, op2)                                                                    \
    ((((op0)-2U) << 14) | ((op1) << 11) | ((crn) << 7) | ((crm) << 3) | (op2))

/** Encodings @from to @to. Ascending. */
struct reach {
    uint16_t from;
    uint16_t to;
};
#define ONE(op0, op1, crn, crm, op2)                                                                         \
    {                                                                                                        \
        REGISTER(op0, op1, crn, crm, op2), REGISTER(op0, op1, crn, crm, op2)                                 \
    }
#define ROW(op0, op1, crn, crm, first, last)                                                                 \
    {                                                                                                        \
        REGISTER(op0, op1, crn, crm, first), REGISTER(op0, op1, crn, crm, last)                              \
    }

/* DDI 0487 D17.1.2, C5.1; what a guest's debugger finds: docs/guest-machine.md. */
static const struct reach reachable[] = {
    ONE(2U, 0U, 0U, 0U, 2U),                                      /* OSDTRRX */
    ROW(2U, 0U, 0U, 0U, 4U, 7U),                                  /* DBGBVR0, BCR0, WVR0, WCR0 */
    ROW(2U, 0U, 0U, 1U, 4U, 7U),                                  /* DBGBVR1, BCR1, WVR1, WCR1 */
    ONE(2U, 0U, 0U, 2U, 0U),                                      /* MDCCINT */
    ONE(2U, 0U, 0U, 2U, 2U),                                      /* MDSCR */
    ONE(2U, 0U, 0U, 3U, 2U),                                      /* OSDTRTX */
    ONE(2U, 0U, 0U, 6U, 2U),                                      /* OSECCR */
    ONE(2U, 0U, 1U, 0U, 0U),                                      /* MDRAR */
    ONE(2U, 0U, 1U, 1U, 4U),                                      /* OSLSR */
    ONE(2U, 0U, 1U, 3U, 4U),                                      /* OSDLR */
    ONE(2U, 0U, 1U, 4U, 4U),                                      /* DBGPRCR */
    ONE(2U, 0U, 7U, 8U, 6U),                                      /* DBGCLAIMSET */
    ONE(2U, 0U, 7U, 9U, 6U),                                      /* DBGCLAIMCLR */
    ONE(2U, 0U, 7U, 14U, 6U),                                     /* DBGAUTHSTATUS */
    ONE(2U, 3U, 0U, 1U, 0U),                                      /* MDCCSR */
    ROW(2U, 3U, 0U, 4U, 0U, 7U),                                  /* DBGDTR */
    ROW(2U, 3U, 0U, 5U, 0U, 0U),                                  /* DBGDTRRX */
    {REGISTER(3U, 0U, 0U, 0U, 0U), REGISTER(3U, 0U, 0U, 7U, 7U)}, /* MIDR, MPIDR, REVIDR, the ID registers */
    ROW(3U, 0U, 1U, 0U, 0U, 2U),                                  /* SCTLR, ACTLR, CPACR */
    ROW(3U, 0U, 2U, 0U, 0U, 2U),                                  /* TTBR0, TTBR1, TCR */
    {REGISTER(3U, 0U, 2U, 1U, 0U), REGISTER(3U, 0U, 2U, 3U, 1U)}, /* the PAuth keys */
    ROW(3U, 0U, 4U, 0U, 0U, 1U),                                  /* SPSR, ELR */
    ONE(3U, 0U, 4U, 1U, 0U),                                      /* SP_EL0 */
    ONE(3U, 0U, 4U, 2U, 0U),                                      /* SPSel */
    ROW(3U, 0U, 4U, 2U, 2U, 4U),                                  /* CurrentEL, PAN, UAO */
    ONE(3U, 0U, 4U, 6U, 0U),                                      /* ICV_PMR */
    ROW(3U, 0U, 5U, 1U, 0U, 1U),                                  /* AFSR0, AFSR1 */
    ONE(3U, 0U, 5U, 2U, 0U),                                      /* ESR */
    ONE(3U, 0U, 6U, 0U, 0U),                                      /* FAR */
    ONE(3U, 0U, 7U, 4U, 0U),                                      /* PAR */
    ONE(3U, 0U, 10U, 2U, 0U),                                     /* MAIR */
    ONE(3U, 0U, 10U, 3U, 0U),                                     /* AMAIR */
    ONE(3U, 0U, 12U, 0U, 0U),                                     /* VBAR */
    ROW(3U, 0U, 12U, 1U, 0U, 1U),                                 /* ISR, DISR */
    {REGISTER(3U, 0U, 12U, 8U, 0U), REGISTER(3U, 0U, 12U, 12U, 7U)}, /* the virtual CPU interface */
    ONE(3U, 0U, 13U, 0U, 1U),                                        /* CONTEXTIDR */
    ONE(3U, 0U, 13U, 0U, 4U),                                        /* TPIDR_EL1 */
    ONE(3U, 0U, 14U, 1U, 0U),                                        /* CNTKCTL */
    ROW(3U, 1U, 0U, 0U, 0U, 2U),                                     /* CCSIDR, CLIDR, CCSIDR2 */
    ONE(3U, 1U, 0U, 0U, 7U),                                         /* AIDR */
    ONE(3U, 2U, 0U, 0U, 0U),                                         /* CSSELR */
    ONE(3U, 3U, 0U, 0U, 1U),                                         /* CTR */
    ONE(3U, 3U, 0U, 0U, 7U),                                         /* DCZID */
    ROW(3U, 3U, 2U, 4U, 0U, 1U),                                     /* RNDR, RNDRRS */
    ROW(3U, 3U, 4U, 2U, 0U, 1U),                                     /* NZCV, DAIF */
    ROW(3U, 3U, 4U, 2U, 5U, 6U),                                     /* DIT, SSBS */
    ROW(3U, 3U, 4U, 4U, 0U, 1U),                                     /* FPCR, FPSR */
    ROW(3U, 3U, 13U, 0U, 2U, 3U),                                    /* TPIDR_EL0, TPIDRRO_EL0 */
    ROW(3U, 3U, 14U, 0U, 0U, 2U),                                    /* CNTFRQ, CNTPCT, CNTVCT */
    ROW(3U, 3U, 14U, 0U, 5U, 6U),                                    /* CNTPCTSS, CNTVCTSS */
    ROW(3U, 3U, 14U, 2U, 0U, 2U),                                    /* CNTP_* */
    ROW(3U, 3U, 14U, 3U, 0U, 2U),                                    /* CNTV_* */
};

static uint32_t code[2] __attribute__((aligned(64)));

/** MRS X1, @which; 0 if it faults. */
static void read_register(uint32_t which)
{
    register uint64_t x1 __asm__("x1") = 0;

    *(volatile uint32_t *)&code[0] = 0xd5300001U | which << 5;
    *(volatile uint32_t *)&code[1] = 0xd65f0040U; /* RET X2 */
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic iallu\n\tdsb ish\n\tisb" : : "r"(code) : "memory");
    __asm__ volatile("adr x2, 1f\n\tbr %1\n1:" : "+r"(x1) : "r"(code) : "x2", "memory");
}

static bool is_expected(uint32_t which)
{
    for (unsigned n = 0; n < sizeof(reachable) / sizeof(reachable[0]); n++) {
        if (which >= reachable[n].from && which <= reachable[n].to) {
            return true;
        }
    }
    return false;
}

/* QEMU 7.2 lets EL1 have what hardware traps: IMPLEMENTATION DEFINED registers (HCR_EL2.TIDCP), and SME's two, as its
 * CPU with SME is without the fine-grained traps that SME requires (DDI 0487 A2.3). */
static bool is_the_emulators(uint32_t which)
{
    uint32_t crn = (which >> 7) & 15U;
    bool is_implementation_defined = which >= REGISTER(3U, 0U, 0U, 0U, 0U) && (crn == 11U || crn == 15U);

    return is_implementation_defined || which == REGISTER(3U, 0U, 1U, 2U, 4U) ||
           which == REGISTER(3U, 3U, 13U, 0U, 5U);
}

void check_reach(void)
{
    unsigned read = 0;

    for (uint32_t which = 0; which < SPACE; which++) {
        check_last.count = 0;
        read_register(which);
        if (check_last.count == 0U) {
            read++;
            check_equal_at("a register that nobody has thought of", which,
                           is_expected(which) || is_the_emulators(which), true);
        }
    }
    check_last.count = 0;
    check("what was read was read", read > 100U);
}
