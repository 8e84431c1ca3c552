/* SPDX-License-Identifier: BSD-2-Clause */
/** The firmware that a guest sees: SMCCC 1.2 and PSCI 1.1, by HVC and SMC.
 *
 *  A call changes the power states here and says in an *action* what the hypervisor has to do; it starts or stops
 *  nothing itself. Lock domain "the VM's PSCI": one struct ash_vcpu_psci and its array.
 *
 *      CPU_ON on an OFF vCPU  -> ON_PENDING, action CPU_ON; hv starts it and calls ash_vcpu_psci_started() -> ON
 *      CPU_OFF                -> still ON, action CPU_OFF; hv stops it and calls ash_vcpu_psci_stopped() -> OFF
 *
 *  Manuals: PSCI DEN0022 (5, function identifiers and parameters), SMCCC DEN0028 (2 to 7).
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
#define ASH_VCPU_SMCCC_VERSION          UINT32_C(0x80000000)
#define ASH_VCPU_SMCCC_ARCH_FEATURES    UINT32_C(0x80000001)
#define ASH_VCPU_PSCI_VERSION           UINT32_C(0x84000000)
#define ASH_VCPU_PSCI_CPU_SUSPEND       UINT32_C(0x84000001)
#define ASH_VCPU_PSCI_CPU_SUSPEND64     UINT32_C(0xc4000001)
#define ASH_VCPU_PSCI_CPU_OFF           UINT32_C(0x84000002)
#define ASH_VCPU_PSCI_CPU_ON            UINT32_C(0x84000003)
#define ASH_VCPU_PSCI_CPU_ON64          UINT32_C(0xc4000003)
#define ASH_VCPU_PSCI_AFFINITY_INFO     UINT32_C(0x84000004)
#define ASH_VCPU_PSCI_AFFINITY_INFO64   UINT32_C(0xc4000004)
#define ASH_VCPU_PSCI_MIGRATE_INFO_TYPE UINT32_C(0x84000006)
#define ASH_VCPU_PSCI_SYSTEM_OFF        UINT32_C(0x84000008)
#define ASH_VCPU_PSCI_SYSTEM_RESET      UINT32_C(0x84000009)
#define ASH_VCPU_PSCI_FEATURES          UINT32_C(0x8400000a)

/** Results (PSCI 5.2.2; SMCCC NOT_SUPPORTED is the same number). */
#define ASH_VCPU_PSCI_SUCCESS            0
#define ASH_VCPU_PSCI_NOT_SUPPORTED      (-1)
#define ASH_VCPU_PSCI_INVALID_PARAMETERS (-2)
#define ASH_VCPU_PSCI_DENIED             (-3)
#define ASH_VCPU_PSCI_ALREADY_ON         (-4)
#define ASH_VCPU_PSCI_ON_PENDING         (-5)
#define ASH_VCPU_PSCI_INTERNAL_FAILURE   (-6)
#define ASH_VCPU_PSCI_INVALID_ADDRESS    (-9)

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
    ASH_VCPU_ACTION_SYSTEM_OFF,
    ASH_VCPU_ACTION_SYSTEM_RESET
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
    struct ash_vcpu_action *action; /* kind NONE on entry */
};

/** One function: id and what it does; the result goes to x0. Handlers run with the VM's PSCI lock held. */
struct ash_vcpu_smccc_function {
    uint32_t id;
    int64_t (*handler)(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call);
};

struct ash_vcpu_psci_config {
    size_t size; /* sizeof(struct ash_vcpu_psci_config) */
    struct ash_vcpu_psci_cpu *cpus;
    unsigned cpu_count;                            /* >= 1 */
    unsigned boot_cpu;                             /* this one is ON, the others OFF */
    const struct ash_vcpu_ipa_range *entry_ranges; /* NULL and 0: any address */
    unsigned entry_range_count;
    bool hvc; /* which conduits are answered; the other is UNDEFINED to the guest */
    bool smc;
    const struct ash_vcpu_smccc_function
        *vendor; /* more functions, for ranges we do not define; NULL and 0: none */
    unsigned vendor_count;
};

/** A VM's firmware state. Allocated by the caller; its fields are private. */
struct ash_vcpu_psci {
    struct ash_vcpu_psci_config config;
};

/** Also what a system reset does: every vCPU but boot_cpu is OFF.
 *  Returns ASH_OK, or ASH_EINVAL (size, counts, boot_cpu, an mpidr with stray bits or given twice). */
int ash_vcpu_psci_init(struct ash_vcpu_psci *psci, const struct ash_vcpu_psci_config *config) ASH_NODISCARD;

/** Answer the HVC or SMC of vCPU @vcpu.
 *  x: x0..x3 of the caller; only x[0] is written, and only on ASH_OK (x1..x17 are preserved, SMCCC 1.2).
 *  immediate: of the instruction; not 0 is NOT_SUPPORTED. Unknown functions are NOT_SUPPORTED (-1).
 *  A 32-bit function's result is in W0 (x0 bits [63:32] zero), a 64-bit function's sign-extended to X0.
 *  The caller then goes on behind the instruction (ash_vcpu_skip()) and does *@action.
 *  Returns ASH_OK; ASH_EGUEST: this conduit is UNDEFINED for the VM; ASH_EINVAL: @vcpu. */
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
