/* SPDX-License-Identifier: BSD-2-Clause */
/** The firmware that a guest sees: SMCCC 1.2, PSCI 1.1, the TRNG interface 1.0 and stolen time, by HVC and SMC.
 *
 *  A call changes the power states here and says in an *action* what the hypervisor has to do; it starts or stops
 *  nothing itself. Lock domain "the VM's PSCI": one struct ash_vcpu_psci and its array.
 *
 *      CPU_ON on an OFF vCPU  -> ON_PENDING, action CPU_ON; hv starts it and calls ash_vcpu_psci_started() -> ON
 *      CPU_OFF                -> still ON, action CPU_OFF; hv stops it and calls ash_vcpu_psci_stopped() -> OFF
 *      CPU_SUSPEND, SYSTEM_SUSPEND: the vCPU stays ON, it waits
 *
 *  Manuals: PSCI DEN0022 (5, function identifiers and parameters), SMCCC DEN0028 (2 to 7), TRNG DEN0098,
 *  paravirtualized time DEN0057.
 */
#ifndef LIBVCPU_PSCI_H
#define LIBVCPU_PSCI_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Function identifiers. 64: parameters in X registers, else W (bits [63:32] are ignored). */
#define ASH_VCPU_SMCCC_VERSION              UINT32_C(0x80000000)
#define ASH_VCPU_SMCCC_ARCH_FEATURES        UINT32_C(0x80000001)
#define ASH_VCPU_SMCCC_ARCH_SOC_ID          UINT32_C(0x80000002)
#define ASH_VCPU_SMCCC_WORKAROUND_3         UINT32_C(0x80003fff)
#define ASH_VCPU_SMCCC_WORKAROUND_2         UINT32_C(0x80007fff)
#define ASH_VCPU_SMCCC_WORKAROUND_1         UINT32_C(0x80008000)
#define ASH_VCPU_SMCCC_VENDOR_HYP_UID       UINT32_C(0x8600ff01)
#define ASH_VCPU_SMCCC_VENDOR_HYP_REVISION  UINT32_C(0x8600ff03)
#define ASH_VCPU_PSCI_VERSION               UINT32_C(0x84000000)
#define ASH_VCPU_PSCI_CPU_SUSPEND           UINT32_C(0x84000001)
#define ASH_VCPU_PSCI_CPU_SUSPEND64         UINT32_C(0xc4000001)
#define ASH_VCPU_PSCI_CPU_OFF               UINT32_C(0x84000002)
#define ASH_VCPU_PSCI_CPU_ON                UINT32_C(0x84000003)
#define ASH_VCPU_PSCI_CPU_ON64              UINT32_C(0xc4000003)
#define ASH_VCPU_PSCI_AFFINITY_INFO         UINT32_C(0x84000004)
#define ASH_VCPU_PSCI_AFFINITY_INFO64       UINT32_C(0xc4000004)
#define ASH_VCPU_PSCI_MIGRATE_INFO_TYPE     UINT32_C(0x84000006)
#define ASH_VCPU_PSCI_SYSTEM_OFF            UINT32_C(0x84000008)
#define ASH_VCPU_PSCI_SYSTEM_RESET          UINT32_C(0x84000009)
#define ASH_VCPU_PSCI_FEATURES              UINT32_C(0x8400000a)
#define ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND   UINT32_C(0x8400000c)
#define ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64 UINT32_C(0xc400000c)
#define ASH_VCPU_PSCI_SYSTEM_SUSPEND        UINT32_C(0x8400000e)
#define ASH_VCPU_PSCI_SYSTEM_SUSPEND64      UINT32_C(0xc400000e)
#define ASH_VCPU_PSCI_SYSTEM_RESET2         UINT32_C(0x84000012)
#define ASH_VCPU_PSCI_SYSTEM_RESET2_64      UINT32_C(0xc4000012)
#define ASH_VCPU_TRNG_VERSION               UINT32_C(0x84000050)
#define ASH_VCPU_TRNG_FEATURES              UINT32_C(0x84000051)
#define ASH_VCPU_TRNG_GET_UUID              UINT32_C(0x84000052)
#define ASH_VCPU_TRNG_RND                   UINT32_C(0x84000053)
#define ASH_VCPU_TRNG_RND64                 UINT32_C(0xc4000053)
#define ASH_VCPU_PV_TIME_FEATURES           UINT32_C(0xc5000020)
#define ASH_VCPU_PV_TIME_ST                 UINT32_C(0xc5000021)

/** Results (PSCI 5.2.2; SMCCC's and the TRNG's first two are the same numbers). */
#define ASH_VCPU_PSCI_SUCCESS            0
#define ASH_VCPU_PSCI_NOT_SUPPORTED      (-1)
#define ASH_VCPU_PSCI_INVALID_PARAMETERS (-2)
#define ASH_VCPU_PSCI_DENIED             (-3)
#define ASH_VCPU_PSCI_ALREADY_ON         (-4)
#define ASH_VCPU_PSCI_ON_PENDING         (-5)
#define ASH_VCPU_PSCI_INTERNAL_FAILURE   (-6)
#define ASH_VCPU_PSCI_INVALID_ADDRESS    (-9)
#define ASH_VCPU_SMCCC_INVALID_PARAMETER (-3) /* of the Arm Architecture calls (DEN0028 7) */
#define ASH_VCPU_TRNG_NO_ENTROPY         (-3)

/** A vCPU's power state, with the numbers that AFFINITY_INFO returns. */
enum ash_vcpu_power { ASH_VCPU_POWER_ON = 0, ASH_VCPU_POWER_OFF = 1, ASH_VCPU_POWER_ON_PENDING = 2 };

/** One per vCPU, the caller's array. */
struct ash_vcpu_psci_cpu {
    uint64_t mpidr; /* affinity fields only (ASH_VCPU_MPIDR_AFFINITY); the caller writes it before init */
    uint8_t power;  /* enum ash_vcpu_power; private */
};

/** Where a guest may enter: RAM, usually one range. */
struct ash_vcpu_ipa_range {
    ash_ipa_t base;
    uint64_t size;
};

enum ash_vcpu_conduit { ASH_VCPU_CONDUIT_HVC = 0, ASH_VCPU_CONDUIT_SMC = 1 };

enum ash_vcpu_action_kind {
    ASH_VCPU_ACTION_NONE = 0, /* go on behind the call */
    ASH_VCPU_ACTION_CPU_ON,   /* reset vCPU `target` to `entry` with x0 = `context_id` and start it */
    ASH_VCPU_ACTION_CPU_OFF,  /* stop the calling vCPU; the call does not return */
    ASH_VCPU_ACTION_STANDBY,  /* as WFI; the call returns SUCCESS (it is in x0 already) on a wake-up event */
    ASH_VCPU_ACTION_POWER_DOWN, /* as WFI; then the calling vCPU is reset to `entry` with x0 = `context_id` */
    ASH_VCPU_ACTION_SYSTEM_SUSPEND, /* the same, until an interrupt is pending that the guest left enabled */
    ASH_VCPU_ACTION_SYSTEM_OFF,
    ASH_VCPU_ACTION_SYSTEM_RESET,
    ASH_VCPU_ACTION_FORWARD /* smc_allow names it: make the SMC with the caller's x0..x17, give x0..x17 back */
};

struct ash_vcpu_action {
    enum ash_vcpu_action_kind kind;
    unsigned target; /* CPU_ON: index of the vCPU */
    ash_ipa_t entry;
    uint64_t context_id;
};

struct ash_vcpu_psci;

/** One call. Parameters of a 32-bit function are zero-extended W registers. */
struct ash_vcpu_smccc_call {
    uint32_t function;
    unsigned vcpu; /* the caller's index */
    uint64_t arg[3];
    uint64_t
        *result; /* x1..x3, for a function that returns more than x0; of a 32-bit one bits [63:32] are zero */
    struct ash_vcpu_action *action; /* kind NONE on entry */
};

/** One function: id and what it does; the result goes to x0. Handlers run with the VM's PSCI lock held. */
struct ash_vcpu_smccc_function {
    uint32_t id;
    int64_t (*handler)(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call);
};

/** What ARCH_FEATURES says of a workaround, and what calling it does (DEN0028 7.3 to 7.5). */
enum ash_vcpu_workaround {
    ASH_VCPU_WORKAROUND_NOT_SUPPORTED = 0, /* not known, or needed and not there */
    ASH_VCPU_WORKAROUND_NOT_NEEDED,        /* no CPU that runs the VM needs it; the call does nothing */
    ASH_VCPU_WORKAROUND_NEEDED             /* the HAL does it */
};

/** Ops that may be NULL; so may the whole table. Called with the VM's PSCI lock held; they must not call back. */
struct ash_vcpu_psci_hal {
    size_t size; /* sizeof(struct ash_vcpu_psci_hal) */
    /** @count words of entropy, for this VM alone. Not 0: none can be had now, the guest gets NO_ENTROPY.
     *  NULL: no TRNG. */
    int (*entropy)(void *ctx, uint64_t *words, unsigned count);
    /** Do workaround @function (ASH_VCPU_SMCCC_WORKAROUND_*) on this CPU. Cannot fail. */
    void (*mitigate)(void *ctx, uint32_t function, uint64_t argument);
};

#define ASH_VCPU_SMC_ALLOW_MAX 16U

struct ash_vcpu_psci_config {
    size_t size; /* sizeof(struct ash_vcpu_psci_config) */
    struct ash_vcpu_psci_cpu *cpus;
    unsigned cpu_count;                            /* >= 1 */
    unsigned boot_cpu;                             /* this one is ON, the others OFF, ... */
    bool starts_all;                               /* ... or ON_PENDING: the caller starts them too */
    const struct ash_vcpu_ipa_range *entry_ranges; /* NULL and 0: any address */
    unsigned entry_range_count;
    bool hvc; /* which conduits are answered; the other is UNDEFINED to the guest */
    bool smc;
    bool system_suspend; /* offered: hv can wait for an interrupt */
    const struct ash_vcpu_smccc_function
        *vendor; /* more functions, for ranges we do not define; NULL and 0: none */
    unsigned vendor_count;
    enum ash_vcpu_workaround workaround[3]; /* ARCH_WORKAROUND_1, 2, 3; NEEDED wants hal->mitigate */
    bool has_soc_id;                        /* SMCCC_ARCH_SOC_ID is answered with: */
    uint32_t soc_version;                   /* JEP106 code and SoC ID, bit 31 clear */
    uint32_t soc_revision;                  /* bit 31 clear */
    uint32_t
        hypervisor_uid[4]; /* as VENDOR_HYP_UID returns it in w0..w3; all 0: not answered. [0] is not ~0 */
    uint32_t hypervisor_revision[2]; /* major, minor */
    bool has_stolen_time;            /* PV_TIME_ST is answered with: */
    ash_ipa_t
        stolen_time; /* vCPU 0's struct ash_vcpu_stolen_time (pvtime.h), the others' behind it; 64-byte aligned */
    uint32_t trng_uuid[4]; /* w0..w3 of TRNG_GET_UUID; [0] is not ~0 */
    /** Function ids that go to the firmware of the board, by SMC only; the order does not matter. What is answered here
     *  never goes there, nor anything in the ranges of the Arm Architecture calls, PSCI and TRNG (ASH_EINVAL). */
    const uint32_t *smc_allow;
    unsigned smc_allow_count; /* <= ASH_VCPU_SMC_ALLOW_MAX */
};

/** A VM's firmware state. Allocated by the caller; its fields are private. */
struct ash_vcpu_psci {
    struct ash_vcpu_psci_config config;
    const struct ash_vcpu_psci_hal *hal; /* or NULL */
    void *ctx;
};

/** Also what a system reset does: every vCPU but boot_cpu is OFF. hal: NULL, or outlives @psci; ctx: for its ops.
 *  Returns ASH_OK, or ASH_EINVAL (a size, counts, boot_cpu, an mpidr with stray bits or given twice, a workaround that
 *  nobody does, an id in smc_allow that may not be there). */
int ash_vcpu_psci_init(struct ash_vcpu_psci *psci, const struct ash_vcpu_psci_config *config,
                       const struct ash_vcpu_psci_hal *hal, void *ctx) ASH_NODISCARD;

/** May @id stand in smc_allow? */
bool ash_vcpu_smc_may_be_allowed(uint32_t id);

/** Answer the call in @x if its answer never changes (versions, a workaround that no CPU needs): x[0] is then what
 *  ash_vcpu_smccc_call() would make of it, with action NONE. @immediate is 0. False: nothing has changed, make that
 *  call. No lock: reads the configuration only, which stands since ash_vcpu_psci_init(). */
bool ash_vcpu_smccc_quick(const struct ash_vcpu_psci *psci, uint64_t *x,
                          enum ash_vcpu_conduit conduit) ASH_NODISCARD;

/** Answer the HVC or SMC of vCPU @vcpu.
 *  x: x0..x3 of the caller; written on ASH_OK only: x[0], and x[1..3] as far as they are results of that function.
 *  x4..x17 are preserved (SMCCC 1.2); with action FORWARD none is written here.
 *  immediate: of the instruction; not 0 is NOT_SUPPORTED. Unknown functions are NOT_SUPPORTED (-1).
 *  A 32-bit function's results are in W registers (bits [63:32] zero), a 64-bit function's sign-extended to X0.
 *  The caller then goes on behind the instruction (ash_vcpu_skip()) and does *@action.
 *  Returns ASH_OK; ASH_EGUEST: this conduit is UNDEFINED for the VM; ASH_EINVAL: @vcpu. HAL: any. */
int ash_vcpu_smccc_call(struct ash_vcpu_psci *psci, unsigned vcpu, uint64_t *x, enum ash_vcpu_conduit conduit,
                        uint16_t immediate, struct ash_vcpu_action *action) ASH_NODISCARD;

/** ON_PENDING -> ON: the vCPU runs. ASH_OK, ASH_EINVAL (@vcpu) or ASH_EBUSY (not ON_PENDING). */
int ash_vcpu_psci_started(struct ash_vcpu_psci *psci, unsigned vcpu) ASH_NODISCARD;

/** ON -> OFF: the vCPU has stopped; ON_PENDING -> OFF: it could not be started.
 *  ASH_OK, ASH_EINVAL (@vcpu) or ASH_EBUSY (it is OFF). */
int ash_vcpu_psci_stopped(struct ash_vcpu_psci *psci, unsigned vcpu) ASH_NODISCARD;

/** The state of @vcpu; OFF for one that does not exist. */
enum ash_vcpu_power ash_vcpu_psci_power(const struct ash_vcpu_psci *psci, unsigned vcpu);

#ifdef __cplusplus
}
#endif

#endif
