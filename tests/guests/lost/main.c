/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest with its MMU on that runs at an address which is not its IPA, and has its exception vectors where nothing is:
 * hv stops it, and says which instruction it was. */
#include "common/guest.h"
#include "common/mmu.h"

#define UNDEFINED_WORD 0x0000beefU /* UDF #0xbeef */
#define HOLE           UINT64_C(0x10000000)

static __attribute__((aligned(4096))) volatile uint32_t code[1024];
static __attribute__((aligned(4096))) uint8_t elsewhere[4096];
static __attribute__((aligned(4096))) uint8_t vectors[4096];

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    code[16] = UNDEFINED_WORD;
    mmu_build();
    mmu_map((uint64_t)(uintptr_t)elsewhere, (uint64_t)(uintptr_t)code, MMU_ALL_RX);
    mmu_map((uint64_t)(uintptr_t)vectors, HOLE, MMU_ALL_RX);
    mmu_on();
    guest_print("lost\n");
    guest_sysreg_write(vbar_el1, (uint64_t)(uintptr_t)vectors);
    __asm__ volatile("ic iallu\n\tdsb sy\n\tisb\n\tbr %0" : : "r"(elsewhere + 64) : "memory");
}
