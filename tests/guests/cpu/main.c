/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest may rely on of its CPU: ID registers, FP and SIMD, pointer authentication, cache and TLB maintenance,
 * and waiting; on two vCPUs. */
#include "cpu/cpu.h"

#include "common/check.h"
#include "common/guest.h"
#include "common/mmu.h"

#define PSCI_CPU_ON UINT64_C(0xc4000003)

static volatile uint64_t request;
static volatile uint64_t answered;
static volatile uint64_t up;
static uint64_t asked;

void cpu_post(uint64_t what)
{
    request = what | (++asked << 8);
    __asm__ volatile("dsb ish\n\tsev" : : : "memory");
}

bool cpu_ask(uint64_t what)
{
    cpu_post(what);
    return check_wait(&answered, asked);
}

void guest_secondary(uint64_t number)
{
    uint64_t done = 0;

    mmu_on();
    deferred_begin(number);
    up = 1;
    for (;;) {
        uint64_t next = request;

        if (next >> 8 == done) {
            __asm__ volatile("yield" : : : "memory");
            continue;
        }
        done = next >> 8;
        maintenance_secondary(next & 0xffU);
        waiting_secondary(next & 0xffU);
        deferred_look(number);
        answered = done;
    }
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_sysreg_write(cpacr_el1, UINT64_C(3) << 20); /* FPEN */
    deferred_begin(0);
    check_reach();
    check_id_registers();
    check_fp();
    check_pauth();
    mmu_build();
    mmu_on();
    check_fp();
    check("CPU_ON", guest_hvc(PSCI_CPU_ON, 1, (uint64_t)(uintptr_t)guest_secondary_start, 1) == 0 &&
                        check_wait(&up, 1));
    check_maintenance();
    check_waiting();
    check_deferred();
    check_no_fault("no fault on the way");
    (void)check_end("CPU");
}
