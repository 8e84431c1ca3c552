/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/spin_table.h"

#include <stddef.h>

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "arch/aarch64/asm.h"
#include "arch/aarch64/cache.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/sysreg.h"
#include "core/cpu.h"

extern const char hv_spin_entry[];
extern uint64_t hv_parking[]; /* boot.S: by Aff0, where CPUs wait that came to hv itself, at EL3 */

/* Read by hv_spin_entry with the MMU off: a waiting CPU is told nothing but where to go. */
struct hv_cpu *hv_spin_cpus[HV_MAX_CPUS];

ASH_STATIC_ASSERT(offsetof(struct hv_cpu, mpidr) == HV_CPU_MPIDR, "hv_spin_entry");
ASH_STATIC_ASSERT(HV_MAX_CPUS == HV_SPIN_CPUS, "hv_spin_entry");

static void release(uint64_t *word)
{
    *(volatile uint64_t *)word = (uint64_t)(uintptr_t)hv_spin_entry;
    hv_cache_clean_invalidate(word, sizeof(*word)); /* they read past the caches; its DSB precedes the SEV */
}

/** Where the firmware's words are, hv's map has nothing: the first page, which a null pointer would find. They get a
 *  window of its own. */
static int open_window(uint64_t address, uint64_t **word)
{
    static uint64_t page = UINT64_MAX;
    uint64_t wanted = ash_align_down(address, 4096);
    int error = ASH_OK;

    if (wanted != page) {
        error =
            page == UINT64_MAX ? hv_el2_map(HV_EL2_SPIN_VA, ash_pa(wanted), 4096, HV_EL2_DATA) : ASH_ENOSPC;
        page = error == ASH_OK ? wanted : page;
    }
    *word = (uint64_t *)(uintptr_t)(HV_EL2_SPIN_VA + (address - wanted));
    return error;
}

int hv_spin_table_start(struct hv_cpu *cpu)
{
    uint64_t *word;
    int error;

    if (!ash_is_aligned(cpu->release_address, 8)) {
        return ASH_EINVAL;
    }
    error = open_window(cpu->release_address, &word);
    if (error != ASH_OK) {
        return error;
    }
    hv_spin_cpus[cpu->index] = cpu;
    hv_cache_clean_invalidate(hv_spin_cpus, sizeof(hv_spin_cpus));
    release(word);
    release(&hv_parking[cpu->mpidr & (HV_SPIN_CPUS - 1U)]);
    __asm__ volatile("sev" : : : "memory");
    return ASH_OK;
}
