/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed before a VM is stopped for a fault. */
#include <libvcpu/exit.h>

#include "arch/aarch64/exit.h"
#include "arch/aarch64/exit_access.h"
#include "arch/aarch64/sysreg.h"
#include "core/hv.h"

#define LAST_EVENTS 8U

static const char *fault_name(enum ash_vcpu_fault_kind kind)
{
    static const char *const names[] = {
        [ASH_VCPU_FAULT_TRANSLATION] = "translation fault",
        [ASH_VCPU_FAULT_ACCESS_FLAG] = "access flag fault",
        [ASH_VCPU_FAULT_PERMISSION] = "permission fault",
        [ASH_VCPU_FAULT_ADDRESS_SIZE] = "address size fault",
        [ASH_VCPU_FAULT_EXTERNAL] = "external abort",
        [ASH_VCPU_FAULT_ALIGNMENT] = "alignment fault",
        [ASH_VCPU_FAULT_TLB_CONFLICT] = "TLB conflict",
        [ASH_VCPU_FAULT_HW_UPDATE] = "unsupported hardware update",
        [ASH_VCPU_FAULT_EXCLUSIVE] = "unsupported exclusive",
        [ASH_VCPU_FAULT_OTHER] = "other fault",
    };

    return names[kind];
}

static void report_registers(struct hv_vcpu *vcpu)
{
    const struct ash_vcpu_context *ctx = &vcpu->context;
    struct hv *hv = vcpu->vm->hv;

    for (unsigned i = 0; i < 30U; i += 3U) {
        hv_log(hv, "  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx", i, ctx->x[i], i + 1U, ctx->x[i + 1U], i + 2U,
               ctx->x[i + 2U]);
    }
    hv_log(hv, "  x30 %016lx  pc  %016lx  pstate %08lx", ctx->x[30], ctx->pc, ctx->pstate);
    hv_log(hv, "  sp_el1 %016lx  elr_el1 %016lx  esr_el1 %08lx  vbar_el1 %016lx", hv_sysreg_read(sp_el1),
           hv_sysreg_read(elr_el1), hv_sysreg_read(esr_el1), hv_sysreg_read(vbar_el1));
}

/** The instruction at pc; and at ELR_EL1: where the handler itself is what fails, that is the one that it was for. */
static void report_instructions(struct hv_vcpu *vcpu)
{
    uint64_t elr = hv_sysreg_read(elr_el1);
    uint32_t word;

    if (hv_access_read_instruction(vcpu, vcpu->context.pc, &word)) {
        hv_log(vcpu->vm->hv, "  instruction at pc: %08x", word);
    }
    if (hv_access_read_instruction(vcpu, elr, &word)) {
        hv_log(vcpu->vm->hv, "  instruction at elr_el1: %08x", word);
    }
}

/** What stage 2 has at @ipa. */
static void report_mapping(struct hv_vcpu *vcpu, uint64_t ipa)
{
    static const char *const types[] = {"Normal", "Normal non-cacheable", "Device-nGnRE", "Device-nGnRnE"};
    struct hv_vm *vm = vcpu->vm;
    const struct hv_mmio_region *region = hv_machine_region(&vm->machine, ipa);
    struct ash_stage2_mapping mapping;
    int error;

    hv_lock(&vm->lock);
    error = ash_stage2_lookup(&vm->machine.stage2, ash_ipa(ipa), &mapping);
    hv_unlock(&vm->lock);
    if (region != NULL) {
        hv_log(vm->hv, "  ipa %lx is the emulated %s", ipa, region->name);
    } else if (error != ASH_OK || !mapping.valid) {
        hv_log(vm->hv, "  ipa %lx is not mapped: neither RAM nor a device", ipa);
    } else {
        hv_log(vm->hv, "  ipa %lx is pa %lx, in %lu KiB of %s memory that may be%s%s%s", ipa,
               mapping.pa.value, mapping.size / 1024U,
               types[(mapping.attr & ASH_STAGE2_TYPE) / ASH_STAGE2_NORMAL_NC],
               (mapping.attr & ASH_STAGE2_READ) != 0U ? " read" : "",
               (mapping.attr & ASH_STAGE2_WRITE) != 0U ? " written" : "",
               (mapping.attr & ASH_STAGE2_EXEC) != 0U ? " executed" : "");
    }
}

static void log_event(void *ctx, const char *line)
{
    hv_log((struct hv *)ctx, "  %s", line);
}

/** What its CPU did last. */
static void report_events(struct hv_vcpu *vcpu)
{
    hv_recorder_tail(vcpu->cpu, LAST_EVENTS, log_event, vcpu->vm->hv);
    hv_record(vcpu->cpu, HV_EVENT_FAULT, vcpu->vm->slot << 8, 0);
}

void hv_exit_report(struct hv_vcpu *vcpu, const char *what)
{
    hv_log(vcpu->vm->hv, "%s: vCPU %u: %s", vcpu->vm->name, vcpu->index, what);
    report_registers(vcpu);
    report_instructions(vcpu);
    report_events(vcpu);
}

void hv_exit_report_abort(struct hv_vcpu *vcpu, const char *what, uint64_t esr, uint64_t far, uint64_t ipa)
{
    struct hv *hv = vcpu->vm->hv;
    struct ash_vcpu_fault fault;

    hv_log(hv, "%s: vCPU %u: %s", vcpu->vm->name, vcpu->index, what);
    hv_log(hv, "  esr %08lx: %s", esr, ash_vcpu_ec_info(esr)->name);
    ash_vcpu_fault_decode(esr, &fault);
    if (ash_vcpu_esr_ec(esr) == (unsigned)ASH_VCPU_EC_DATA_ABORT ||
        ash_vcpu_esr_ec(esr) == (unsigned)ASH_VCPU_EC_INSTRUCTION_ABORT) {
        hv_log(hv, "  %s of a %s%s, level %u; far %016lx, ipa %016lx", fault_name(fault.kind),
               fault.instruction ? "fetch" : (fault.write ? "write" : "read"),
               fault.s1ptw ? " by a stage-1 walk" : "", fault.level, far, ipa);
        hv_log(hv, "  hpfar %016lx", hv_sysreg_read(hpfar_el2));
        report_mapping(vcpu, ipa);
    }
    report_registers(vcpu);
    report_instructions(vcpu);
    report_events(vcpu);
}
