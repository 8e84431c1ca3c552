/* SPDX-License-Identifier: BSD-2-Clause */
/* A fault in hv itself: the report, from the emergency stack. */
#include <stdbool.h>
#include <stddef.h>

#include <libbase/bits.h>
#include <libbase/compiler.h>

#include "arch/aarch64/asm.h"
#include "arch/aarch64/image.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/platform.h"
#include "arch/aarch64/sysreg.h"
#include "arch/arch.h"
#include "core/hv.h"
#include "core/panic.h"
#include "core/report.h"

/** What el2_fault_common pushes. */
struct hv_el2_fault {
    uint64_t x[31];
    uint64_t sp;
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
    uint64_t far;
    uint64_t kind; /* vector / 0x80 */
    uint64_t unused;
};
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, x) == HV_FAULT_X0, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, sp) == HV_FAULT_SP, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, elr) == HV_FAULT_ELR, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, spsr) == HV_FAULT_SPSR, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, esr) == HV_FAULT_ESR, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, far) == HV_FAULT_FAR, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_el2_fault, kind) == HV_FAULT_KIND, "asm.h");
ASH_STATIC_ASSERT(sizeof(struct hv_el2_fault) == HV_FAULT_SIZE, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_cpu, vcpu) == HV_CPU_VCPU, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_cpu, stack_top) == HV_CPU_STACK_TOP, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_cpu, emergency_top) == HV_CPU_EMERGENCY_TOP, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_cpu, faults) == HV_CPU_FAULTS, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_cpu, serror_awaited) == HV_CPU_SERROR_AWAITED, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_cpu, serror_seen) == HV_CPU_SERROR_SEEN, "asm.h");
ASH_STATIC_ASSERT(offsetof(struct hv_vcpu, context) == 0, "SP_EL2 points at the context");
ASH_STATIC_ASSERT(offsetof(struct hv_vcpu, account.exits) == HV_VCPU_EXITS, "asm.h");
ASH_STATIC_ASSERT((int)HV_EXIT_INTERRUPT == HV_EXIT_COUNT_IRQ && (int)HV_EXIT_HVC == HV_EXIT_COUNT_HVC,
                  "asm.h");
ASH_STATIC_ASSERT((int)HV_EXIT_SMC == HV_EXIT_COUNT_SMC && (int)HV_EXIT_SYSREG == HV_EXIT_COUNT_SYSREG,
                  "asm.h");
ASH_STATIC_ASSERT((int)HV_EXIT_ABORT == HV_EXIT_COUNT_ABORT, "asm.h");

_Noreturn void hv_el2_fault(struct hv_cpu *cpu, const struct hv_el2_fault *fault);
_Noreturn void hv_el2_nested_fault(struct hv_cpu *cpu);

static const char *kind_name(uint64_t kind)
{
    static const char *const names[] = {"synchronous exception", "IRQ", "FIQ", "SError"};

    return names[kind % 4U];
}

static const char *class_name(uint64_t esr)
{
    switch (ash_field(esr, 31, 26)) {
    case 0x00:
        return "unknown reason (undefined instruction)";
    case 0x0e:
        return "illegal execution state";
    case 0x21:
        return "instruction abort";
    case 0x22:
        return "PC alignment fault";
    case 0x25:
        return "data abort";
    case 0x26:
        return "SP alignment fault";
    case 0x2f:
        return "SError";
    case 0x3c:
        return "BRK instruction";
    default:
        return "see ESR";
    }
}

static void print_registers(const struct hv_el2_fault *fault)
{
    for (unsigned i = 0; i < 30U; i += 3U) {
        hv_panic_print("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx", i, fault->x[i], i + 1U, fault->x[i + 1U],
                       i + 2U, fault->x[i + 2U]);
    }
    hv_panic_print("  x30 %016lx  sp  %016lx", fault->x[30], fault->sp);
    hv_panic_print("  elr %016lx  spsr %08lx  esr %08lx  far %016lx", fault->elr, fault->spsr, fault->esr,
                   fault->far);
}

void hv_el2_fault(struct hv_cpu *cpu, const struct hv_el2_fault *fault)
{
    bool overflow = fault->far >= HV_EL2_STACKS_VA && ash_field(fault->esr, 31, 26) == 0x25U;

    if (cpu != NULL && cpu->hv != NULL &&
        __atomic_exchange_n(&cpu->hv->panicking, 1U, __ATOMIC_RELAXED) != 0U) {
        hv_arch_halt();
    }
    hv_report_write("\r\n");
    hv_panic_print("PANIC on CPU %u: %s at EL2: %s%s", cpu != NULL ? cpu->index : 0U, kind_name(fault->kind),
                   class_name(fault->esr), overflow ? " in a guard page: stack overflow" : "");
    if (cpu != NULL && cpu->vcpu != NULL) {
        hv_panic_print("while running VM %s, vCPU %u", cpu->vcpu->vm->name, cpu->vcpu->index);
    }
    print_registers(fault);
    hv_panic_backtrace(fault->elr, fault->x[29]);
    if (cpu != NULL && cpu->hv != NULL) {
        hv_arch_stop_others(cpu);
    }
    hv_panic_end(cpu);
}

void hv_el2_nested_fault(struct hv_cpu *cpu)
{
    (void)cpu;
    hv_report_write("ashlar: another fault while one was reported: this CPU stops\r\n");
    hv_arch_halt();
}

#define VECTOR_CURRENT_SPX_SERROR 0x380U /* DDI 0487 D1.3, "Exception vectors" */
#define ESR_SERROR                UINT64_C(0xbe000000)

void hv_arch_provoke_serror(void)
{
    hv_sysreg_write(esr_el2, ESR_SERROR);
    __asm__ volatile("adr x0, 0f\n\t"
                     "msr elr_el2, x0\n\t"
                     "0: br %0"
                     :
                     : "r"(hv_vectors + VECTOR_CURRENT_SPX_SERROR)
                     : "x0", "memory");
}

void hv_report_write(const char *text)
{
    size_t size = 0;

    while (text[size] != '\0') {
        size++;
    }
    hv_uart_write(&hv_platform.uart, text, size);
}

uint64_t hv_report_image_base(void)
{
    return (uint64_t)(uintptr_t)_start;
}

bool hv_report_frame(uint64_t *frame_pointer, uint64_t *return_address)
{
    const uint64_t *record = (const uint64_t *)(uintptr_t)*frame_pointer;
    uint64_t at = *frame_pointer;
    bool in_image = at >= (uint64_t)(uintptr_t)__data_start && at <= (uint64_t)(uintptr_t)__bss_end - 16U;
    bool in_stacks = at >= HV_EL2_STACKS_VA && hv_stack_mapped(at) && hv_stack_mapped(at + 15U);

    if (at == 0U || !ash_is_aligned(at, 16) || !(in_image || in_stacks)) {
        return false;
    }
    *frame_pointer = record[0];
    *return_address = record[1];
    return record[1] != 0U && (record[0] == 0U || record[0] > at);
}
