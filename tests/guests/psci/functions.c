/* SPDX-License-Identifier: BSD-2-Clause */
/* Which calls there are. DEN0022 (PSCI 1.1) 5.1.1, DEN0028 (SMCCC 1.2); docs/guest-machine.md for the optional ones. */
#include "common/check.h"
#include "common/guest.h"
#include "psci/psci.h"

#define NUMBERS 0x20U

#define W32 1U
#define W64 2U

struct function {
    uint8_t widths;  /* for which ids the manual has it */
    uint8_t offered; /* for which the guest's machine does */
};

/* By number. Without an entry: reserved. */
static const struct function functions[NUMBERS] = {
    [0x00] = {W32, W32},             /* PSCI_VERSION, mandatory */
    [0x01] = {W32 | W64, W32 | W64}, /* CPU_SUSPEND, mandatory */
    [0x02] = {W32, W32},             /* CPU_OFF, mandatory */
    [0x03] = {W32 | W64, W32 | W64}, /* CPU_ON, mandatory */
    [0x04] = {W32 | W64, W32 | W64}, /* AFFINITY_INFO, mandatory */
    [0x05] = {W32 | W64, 0},         /* MIGRATE: not where MIGRATE_INFO_TYPE says 2 */
    [0x06] = {W32, W32},             /* MIGRATE_INFO_TYPE */
    [0x07] = {W32 | W64, 0},         /* MIGRATE_INFO_UP_CPU: the same */
    [0x08] = {W32, W32},             /* SYSTEM_OFF, mandatory */
    [0x09] = {W32, W32},             /* SYSTEM_RESET, mandatory */
    [0x0a] = {W32, W32},             /* PSCI_FEATURES, mandatory */
    [0x0b] = {W32, 0},               /* CPU_FREEZE */
    [0x0c] = {W32 | W64, W32 | W64}, /* CPU_DEFAULT_SUSPEND */
    [0x0d] = {W32 | W64, 0},         /* NODE_HW_STATE */
    [0x0e] = {W32 | W64, W32 | W64}, /* SYSTEM_SUSPEND */
    [0x0f] = {W32, 0},               /* PSCI_SET_SUSPEND_MODE */
    [0x10] = {W32 | W64, 0},         /* PSCI_STAT_RESIDENCY */
    [0x11] = {W32 | W64, 0},         /* PSCI_STAT_COUNT */
    [0x12] = {W32 | W64, W32 | W64}, /* SYSTEM_RESET2 */
    [0x13] = {W32, 0},               /* MEM_PROTECT */
    [0x14] = {W32 | W64, 0},         /* MEM_PROTECT_CHECK_RANGE */
};

static void check_function(uint64_t id, bool offered)
{
    int32_t wanted = offered ? SUCCESS : NOT_SUPPORTED;
    int64_t result;

    check_equal_at("PSCI_FEATURES of", id, (uint64_t)psci_result32(PSCI_FEATURES, id, 0, 0),
                   (uint64_t)wanted);
    check_equal_at("PSCI_FEATURES by SMC of", id, (uint64_t)(int32_t)guest_smc(PSCI_FEATURES, id, 0, 0),
                   (uint64_t)wanted);
    if (offered) {
        return;
    }
    result = guest_hvc(id, 0, 0, 0);
    check_equal_at("NOT_SUPPORTED in w0", id, (uint64_t)(int32_t)result, UINT64_MAX);
    if ((id & (1U << 30)) != 0U) {
        check_equal_at("NOT_SUPPORTED in x0", id, (uint64_t)result, UINT64_MAX);
    }
}

/* Fast calls of no owner we know, yielding calls, functions with reserved bits (DEN0028 2.5, 5.2). */
static const uint64_t unknown[] = {
    0x00000000, 0x04000003, 0x44000003, 0x80000005, 0x8000ffff, 0x81000000, 0x82000000,
    0x83000000, 0x84000040, 0x84001234, 0x8400ffff, 0x85000000, 0x8600ff00, 0x86001000,
    0xb0000000, 0xb1000000, 0xb2000000, 0xbf00ff01, 0xc0000000, 0xc5001234, 0xc4000040,
    0xc400ffff, 0xc600fe00, 0xf2000000, 0xffffffff, 0x32000000, 0x84800003,
};

static void check_unknown(void)
{
    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        check_equal_at("unknown by HVC", unknown[i], (uint64_t)(int32_t)guest_hvc(unknown[i], 0, 0, 0),
                       UINT64_MAX);
        check_equal_at("unknown by SMC", unknown[i], (uint64_t)(int32_t)guest_smc(unknown[i], 0, 0, 0),
                       UINT64_MAX);
        check_equal_at("unknown to PSCI_FEATURES", unknown[i],
                       (uint64_t)psci_result32(PSCI_FEATURES, unknown[i], 0, 0), UINT64_MAX);
        check_equal_at("unknown to SMCCC_ARCH_FEATURES", unknown[i],
                       (uint64_t)psci_result32(SMCCC_FEATURES, unknown[i], 0, 0), UINT64_MAX);
    }
}

static void check_smccc(void)
{
    uint64_t version = (uint64_t)guest_hvc(SMCCC_VERSION, 0, 0, 0);

    check_equal("PSCI_VERSION by HVC", (uint64_t)guest_hvc(PSCI_VERSION, 0, 0, 0), 0x10001);
    check_equal("PSCI_VERSION by SMC", (uint64_t)guest_smc(PSCI_VERSION, 0, 0, 0), 0x10001);
    check_equal("SMCCC_VERSION by HVC", version, 0x10002);
    check_equal("SMCCC_VERSION by SMC", (uint64_t)guest_smc(SMCCC_VERSION, 0, 0, 0), 0x10002);
    check_equal("only w0 is the function", (uint64_t)guest_hvc(UINT64_C(0xa5a5000084000000), 0, 0, 0),
                0x10001);
    check_equal("PSCI_FEATURES of SMCCC_VERSION", (uint64_t)psci_result32(PSCI_FEATURES, SMCCC_VERSION, 0, 0),
                0);
    check_equal("SMCCC_ARCH_FEATURES of SMCCC_VERSION",
                (uint64_t)psci_result32(SMCCC_FEATURES, SMCCC_VERSION, 0, 0), 0);
    check_equal("SMCCC_ARCH_FEATURES of itself",
                (uint64_t)psci_result32(SMCCC_FEATURES, SMCCC_FEATURES, 0, 0), 0);
    check("an answer about ARCH_WORKAROUND_1", psci_result32(SMCCC_FEATURES, SMCCC_WORKAROUND_1, 0, 0) >= -1);
    check_equal("MIGRATE_INFO_TYPE: no migration", (uint64_t)psci_result32(PSCI_MIGRATE_TYPE, 0, 0, 0), 2);
}

/* DEN0022 5.12: a type the platform does not know. Bit 31: vendor-specific, none is defined. */
static void check_reset2(void)
{
    static const uint64_t types[] = {1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};

    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        check_equal_at("SYSTEM_RESET2, 64 bits, of type", types[i],
                       (uint64_t)guest_hvc(PSCI_RESET2, types[i], 7, 0), (uint64_t)INVALID_PARAMETERS);
        check_equal_at("SYSTEM_RESET2, 32 bits, of type", types[i],
                       (uint64_t)psci_result32(PSCI(0x12), types[i], 7, 0), (uint64_t)INVALID_PARAMETERS);
    }
}

void psci_check_functions(void)
{
    for (unsigned n = 0; n < NUMBERS; n++) {
        check_function(PSCI(n), (functions[n].offered & W32) != 0U);
        check_function(PSCI64(n), (functions[n].offered & W64) != 0U);
        check("offered is what the manual has", (functions[n].offered & ~functions[n].widths) == 0);
    }
    check_smccc();
    check_reset2();
    check_unknown();
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

struct call {
    uint64_t function;
    uint64_t argument;
    unsigned results; /* x0 .. x(results - 1) */
};

static const struct call calls[] = {
    {PSCI_VERSION, 1, 1},
    {PSCI_FEATURES, PSCI_VERSION, 1},
    {PSCI_FEATURES, 0x84001234, 1},
    {PSCI_AFFINITY_INFO, 0, 1}, /* x2, the level, is no level */
    {PSCI(4), 0, 1},
    {PSCI_CPU_ON, 0x5555, 1}, /* no such vCPU */
    {PSCI_CPU_ON, 0, 1},      /* ALREADY_ON, or a bad entry */
    {PSCI_CPU_SUSPEND, 1U << 20, 1},
    {PSCI_RESET2, 5, 1},
    {PSCI_MIGRATE_TYPE, 0, 1},
    {PSCI(5), 0, 1},
    {PSCI64(0x1f), 0, 1},
    {SMCCC_VERSION, 0, 1},
    {SMCCC_FEATURES, 0x80001234, 1},
    {SMCCC_WORKAROUND_1, 0, 1},
    {SMCCC_HYP_UID, 0, 4},
    {TRNG_VERSION, 0, 1},
    {TRNG_RND64, 192, 4},
    {0xc5001234, 0, 1},
    {0x04000000, 0, 1},
};

static void check_call(const struct call *call, bool smc)
{
    uint64_t x[31];

    for (unsigned n = 0; n < 31U; n++) {
        x[n] = UINT64_C(0x0101010101010101) * (n + 1U) ^ ((uint64_t)n << 60);
    }
    x[0] = call->function;
    x[1] = call->argument;
    if (smc) {
        psci_registers_smc(x);
    } else {
        psci_registers_hvc(x);
    }
    for (unsigned n = call->results; n < 31U; n++) {
        uint64_t was =
            n == 1U ? call->argument : UINT64_C(0x0101010101010101) * (n + 1U) ^ ((uint64_t)n << 60);
        check_equal_at(smc ? "SMC keeps a register" : "HVC keeps a register", (call->function << 8) | n, x[n],
                       was);
    }
}

void psci_check_registers(void)
{
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        check_call(&calls[i], false);
        check_call(&calls[i], true);
    }
}
