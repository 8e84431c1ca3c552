/* SPDX-License-Identifier: BSD-2-Clause */
/* A program whose own names are those that a virtualization library might have taken. All of every archive is
 * linked (--whole-archive), so a name that two have is an error. */
#include <stdio.h>

// clang-format off
#define MINE(X)                                                                                          \
    X(virtio_init) X(virtq_init) X(virtq_pop) X(boot_init) X(vgic_init) X(vgic_flush) X(stage2_init)     \
    X(stage2_map) X(vcpu_init) X(vcpu_reset) X(vtimer_init) X(vtimer_update) X(vmid_alloc) X(psci_call)  \
    X(map) X(unmap) X(hal) X(init) X(reset) X(kick) X(inject) X(bundle_open) X(config_parse) X(fault)    \
    X(print) X(assert_fail) X(fdt_reader) X(tables) X(descriptor) X(geometry) X(lookup) X(protect)       \
    X(gic) X(cpu) X(lock)
// clang-format on

static int calls;

#define DEFINE(name)                                                                                         \
    void name(void);                                                                                         \
    void name(void)                                                                                          \
    {                                                                                                        \
        calls++;                                                                                             \
    }
MINE(DEFINE)

#define CALL(name)  name();
#define COUNT(name) +1

int main(void)
{
    MINE(CALL)
    if (calls != 0 MINE(COUNT)) {
        return 1;
    }
    printf("PASS: %d names of my own\n", calls);
    return 0;
}
