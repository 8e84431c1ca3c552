/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/report.h"

#define LAST_EVENTS 8U

void hv_panic_print(const char *format, ...)
{
    char line[240];
    va_list args;

    va_start(args, format);
    (void)hv_vformat(line, sizeof(line), format, args);
    va_end(args);
    hv_report_write("ashlar: ");
    hv_report_write(line);
    hv_report_write("\r\n");
}

void hv_panic_backtrace(uint64_t pc, uint64_t frame_pointer)
{
    uint64_t base = hv_report_image_base();

    hv_panic_print("backtrace (hv/tools/symbolize gives file and line):");
    hv_panic_print("  #0 0x%lx (hv+0x%lx)", pc, pc - base);
    for (unsigned n = 1; n < 24U; n++) {
        uint64_t return_address;

        /* Frame record: the caller's x29, then x30 (AAPCS64 6.2.3). */
        if (!hv_report_frame(&frame_pointer, &return_address)) {
            break;
        }
        hv_panic_print("  #%u 0x%lx (hv+0x%lx)", n, return_address, return_address - base);
    }
}

/** What this CPU did last; and what a reset is to find. No callback: nothing that a guest does may lead here, and who
 *  calls through a pointer might. */
static void report_events(struct hv_cpu *cpu)
{
    const struct hv_recorder *recorder;
    struct hv_event event;
    uint32_t cursor;
    char line[HV_RECORDER_LINE];

    if (cpu->recorder == NULL) {
        return;
    }
    recorder = &hv_arch_recorders()[cpu->index];
    cursor = hv_recorder_last(recorder, LAST_EVENTS);
    hv_panic_print("the last events of this CPU:");
    while (hv_recorder_next(recorder, &cursor, &event)) {
        hv_recorder_line(line, sizeof(line), cpu->index, recorder->hz, &event);
        hv_panic_print("  %s", line);
    }
    hv_record(cpu, HV_EVENT_PANIC, 0, 0);
    hv_recorder_save(cpu->hv);
}

void hv_panic_end(struct hv_cpu *cpu)
{
    if (cpu != NULL && cpu->hv != NULL) {
        struct hv *hv = cpu->hv;
        const char *vm = cpu->vcpu != NULL ? cpu->vcpu->vm->name : "-";

        report_events(cpu);
        hv_panic_print("exit status=panic vm=%s nonce=%s", vm, hv->nonce);
        hv_arch_power_off();
    }
    hv_arch_halt();
}

/** What was said before it, past all locks: another CPU may be amid a change of it, so nothing of it is believed. */
static void print_what_waits(const struct hv_ring *out)
{
    char byte[2] = {0, 0};

    if (out->size != HV_CONSOLE_OUT || hv_ring_used(out) > HV_CONSOLE_OUT) {
        return;
    }
    for (uint32_t i = out->tail; i != out->head; i++) {
        byte[0] = out->bytes[i % HV_CONSOLE_OUT];
        hv_report_write(byte);
    }
}

/** The first CPU to panic reports; the others stop. */
static void claim_the_console(struct hv_cpu *cpu)
{
    if (cpu == NULL || cpu->hv == NULL) {
        return;
    }
    if (__atomic_exchange_n(&cpu->hv->panicking, 1U, __ATOMIC_RELAXED) != 0U) {
        hv_arch_halt();
    }
    hv_arch_stop_others(cpu);
    print_what_waits(&cpu->hv->console.out);
}

void hv_panic(struct hv_cpu *cpu, const char *format, ...)
{
    char reason[200];
    va_list args;

    claim_the_console(cpu);
    va_start(args, format);
    (void)hv_vformat(reason, sizeof(reason), format, args);
    va_end(args);
    hv_report_write("\r\n");
    hv_panic_print("PANIC on CPU %u: %s", cpu != NULL ? cpu->index : 0U, reason);
    if (cpu != NULL && cpu->vcpu != NULL) {
        hv_panic_print("while running VM %s, vCPU %u", cpu->vcpu->vm->name, cpu->vcpu->index);
    }
    /* #0 is a PC, not a return address: the call itself. Its function's frame is the one above ours. */
    hv_panic_backtrace((uint64_t)(uintptr_t)__builtin_return_address(0) - 4U,
                       *(const uint64_t *)__builtin_frame_address(0));
    hv_panic_end(cpu);
}

void hv_panic_bare(const char *reason)
{
    hv_panic(NULL, "%s", reason);
}
