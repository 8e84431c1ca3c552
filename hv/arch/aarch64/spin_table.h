/* SPDX-License-Identifier: BSD-2-Clause */
/** CPUs that wait, MMU off, in WFE for an address to appear in memory: enable-method "spin-table" (Devicetree
 *  Specification v0.4, 3.8.1; Linux, Documentation/arm64/booting.rst). */
#ifndef HV_ARCH_AARCH64_SPIN_TABLE_H
#define HV_ARCH_AARCH64_SPIN_TABLE_H

struct hv_cpu;

/** Have @cpu, whose release_address is not 0, start at hv_secondary_entry. Boot CPU. Returns ASH_OK, or the error of
 *  hv_el2_map(). */
int hv_spin_table_start(struct hv_cpu *cpu);

#endif
