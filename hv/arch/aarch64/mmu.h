/* SPDX-License-Identifier: BSD-2-Clause */
/** EL2's own address space: stage 1, identity-mapped but for the stacks, W^X.
 *  Lock domain: boot. Only the boot CPU changes it, before the others run. DDI 0487 D8. */
#ifndef HV_ARCH_AARCH64_MMU_H
#define HV_ARCH_AARCH64_MMU_H

#include <stdint.h>

#include <libbase/types.h>

enum hv_el2_attr {
    HV_EL2_TEXT,   /* Normal WB IS, read-only, executable */
    HV_EL2_RODATA, /* Normal WB IS, read-only, XN */
    HV_EL2_DATA,   /* Normal WB IS, read-write, XN */
    HV_EL2_DEVICE, /* Device-nGnRE, read-write, XN */
    HV_EL2_FLASH   /* Normal Non-cacheable, read-only, XN */
};

/** What each CPU loads to run with the MMU on; read by assembly with the MMU off (offsets asserted). */
struct hv_boot_registers {
    uint64_t ttbr0;
    uint64_t tcr;
    uint64_t mair;
    uint64_t sctlr;
    uint64_t vbar;
    uint64_t tables; /* what early code has written of them: [tables, tables_end) */
    uint64_t tables_end;
};

/** Stacks live here, apart from the identity map, each with an unmapped page below: bit 47 of the VA. */
#define HV_EL2_STACKS_VA UINT64_C(0x800000000000)

/** And here is one page of the firmware's: see spin_table.c. */
#define HV_EL2_SPIN_VA UINT64_C(0xc00000000000)

/** And from here on flash, whose address may be 0, where a null pointer points: below 1 << HV_EL2_FLASH_BITS. */
#define HV_EL2_FLASH_VA   UINT64_C(0xa00000000000)
#define HV_EL2_FLASH_BITS 45U

/** Map [va, va+size) to [pa, pa+size). Multiples of 4 KiB; larger blocks where both addresses allow.
 *  Tables come from a static pool in the image. Returns ASH_OK, ASH_EINVAL, ASH_EEXIST (something is mapped there;
 *  what came before it in the range stays mapped) or ASH_ENOMEM (the pool is empty). */
int hv_el2_map(uint64_t va, ash_pa_t pa, uint64_t size, enum hv_el2_attr attr);

/** What early code maps for the device tree at [@tree, @tree+@size), as HV_EL2_DATA: [*@base, *@end). */
void hv_el2_tree_extent(uint64_t tree, uint64_t size, uint64_t *base, uint64_t *end);

/** The identity form: below HV_MEMORY_END, else ASH_EINVAL. */
int hv_el2_map_identity(uint64_t base, uint64_t size, enum hv_el2_attr attr);

#endif
