/* SPDX-License-Identifier: BSD-2-Clause */
/** A simulated board: RAM, CPUs, a bundle in it, and hv ready to boot. */
#ifndef TESTS_SIM_MACHINE_H
#define TESTS_SIM_MACHINE_H

#include "arch/host/host.h"
#include "fixture.h"

#define MACHINE_CPUS 4U
#define NONCE        "5eed"

/** One VM of the configuration. */
struct machine_vm {
    const char *name;
    uint32_t vcpus;
    uint32_t cpu[4]; /* vcpu_affinity */
    bool background;
    uint32_t memory; /* bytes; 0: 2 MiB */
};

struct machine {
    struct hv hv;
    struct hv_cpu cpu[MACHINE_CPUS];
    struct hv_host_result result;
};

/** What the kernel file of every VM holds from its first byte on. */
extern const char machine_kernel[64];

/** Boot these VMs with @guest on every vCPU and run to the end. @machine: uninitialised memory will do. */
void machine_run(struct machine *machine, const struct machine_vm *vms, size_t count, hv_host_guest *guest,
                 uint64_t seed);

/** The VM called @name. */
struct hv_vm *machine_vm(struct machine *machine, const char *name);

/** A guest's HVC: PSCI function @id with two parameters. The verdict; the result is in x0. */
enum hv_verdict machine_hvc(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t id, uint64_t a, uint64_t b,
                            uint64_t c);

/** Fails the test with the console's text if @text does not stand in it. */
void machine_assert_said(const struct machine *machine, const char *text);

#endif
