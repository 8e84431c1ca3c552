/* SPDX-License-Identifier: BSD-2-Clause */
/** The end of hv itself. Never reached from a guest's or a file's doing: those end a VM (core/vm.h). */
#ifndef HV_CORE_PANIC_H
#define HV_CORE_PANIC_H

#include <stdint.h>

#include <libbase/compiler.h>

struct hv_cpu;

/** Say why, print the backtrace and the exit line, stop the machine. No lock is taken: other CPUs are asked to stop and
 *  not waited for. */
_Noreturn void hv_panic(struct hv_cpu *cpu, const char *format, ...) ASH_PRINTF(2, 3);

/** The same where no CPU is at hand. */
_Noreturn void hv_panic_bare(const char *reason);

/** After a report was printed: the exit line, then power off. */
_Noreturn void hv_panic_end(struct hv_cpu *cpu);

/** Lines of a report: straight to the console device, past all locks. */
void hv_panic_print(const char *format, ...) ASH_PRINTF(1, 2);

/** Frames from @frame_pointer on: "  #N 0x<address> (hv+0x<offset>)", which hv/tools/symbolize reads. */
void hv_panic_backtrace(uint64_t pc, uint64_t frame_pointer);

/** Stays in release builds. Cannot fail unless hv is wrong. */
#define HV_CHECK(cpu, condition)                                                                             \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            hv_panic((cpu), "%s:%d: %s", __FILE__, __LINE__, #condition);                                    \
        }                                                                                                    \
    } while (0)

#endif
