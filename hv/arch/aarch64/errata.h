/* SPDX-License-Identifier: BSD-2-Clause */
/** CPU errata that matter to a hypervisor: who needs what, printed at boot. */
#ifndef HV_ARCH_AARCH64_ERRATA_H
#define HV_ARCH_AARCH64_ERRATA_H

#include <stdbool.h>
#include <stdint.h>

struct hv_erratum {
    uint32_t part; /* MIDR_EL1 implementer and part number: implementer << 16 | part */
    uint8_t first; /* variant << 4 | revision, inclusive */
    uint8_t last;
    uint32_t number;
    const char *by; /* whom it is answered by: the build, or hv */
};

/** Does the CPU with @midr have erratum @number? */
bool hv_errata_has(uint64_t midr, uint32_t number);

/** Call @visit for each erratum of the CPU with @midr. */
void hv_errata_visit(uint64_t midr, void (*visit)(void *arg, const struct hv_erratum *erratum), void *arg);

#endif
