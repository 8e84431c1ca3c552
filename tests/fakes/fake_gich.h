/* SPDX-License-Identifier: BSD-2-Clause */
/* A GICH frame, as memory, in front of the model of the virtual CPU interface: filled from it before the hypervisor's
 * accesses, folded into it after them. Written from IHI 0048B 5.3; formats of its own. What the manual leaves UNKNOWN
 * in a list register that is invalid, is poison. */
#ifndef FAKE_GICH_H
#define FAKE_GICH_H

#include "fake_ich.h"

struct fake_gich {
    uint32_t reg[0x400]; /* 4 KiB */
    uint32_t before[64]; /* the list registers, as shown */
};

void fake_gich_open(struct fake_gich *gich, struct fake_ich *ich);
void fake_gich_close(struct fake_gich *gich, struct fake_ich *ich);

#endif
