/* SPDX-License-Identifier: BSD-2-Clause */
#include "vgic_guest.h"

#include <libbase/compiler.h>

static uint64_t below(struct machine *machine, uint64_t bound)
{
    return machine_below(machine, bound);
}

static uint32_t some_intid(struct machine *machine)
{
    static const uint32_t favourites[] = {0, 1, 2, 26, 27, 31, 33, 34, 38, 40};

    return machine_percent(machine, 85) ? favourites[below(machine, ASH_ARRAY_SIZE(favourites))]
                                        : (uint32_t)below(machine, 1100);
}

static struct oracle_access some_access(struct machine *machine, unsigned vcpu)
{
    static const unsigned sizes[] = {4, 4, 4, 4, 4, 1, 2, 8};
    static const uint32_t routes = 0x6000;
    bool v2 = machine->config->version == 2U;
    struct oracle_access access = {
        .frame = !v2 && machine_percent(machine, 50) ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
        .vcpu = vcpu,
        .which = (unsigned)below(machine, machine->config->vcpus),
        .size = sizes[below(machine, ASH_ARRAY_SIZE(sizes))],
    };

    access.offset = (uint32_t)below(machine, 0x3C0) * 4U; /* up to GICD_SPENDSGIR */
    if (machine_percent(machine, 50)) {
        access.offset = access.offset / 0x80U * 0x80U + (uint32_t)below(machine, 2) * 4U;
    }
    if (access.frame == ORACLE_REDISTRIBUTOR) {
        access.offset += machine_percent(machine, 90) ? 0x10000U : 0U;
    } else if (!v2 && machine_percent(machine, 10)) {
        access.size = 8;
        access.offset = routes + 8U * (32U + (uint32_t)below(machine, 12));
    }
    return access;
}

static void do_access(struct machine *machine, unsigned vcpu)
{
    struct oracle_access access = some_access(machine, vcpu);
    bool is_write = machine_percent(machine, 75);
    uint64_t value = test_rng_next(machine->rng);
    int error;

    value &= machine_percent(machine, 50) ? test_rng_next(machine->rng) : ~UINT64_C(0);
    machine_say(machine, "rampage: vCPU %u %s %u bytes at %u %u + 0x%x: 0x%llx", vcpu,
                is_write ? "writes" : "reads", access.size, access.frame, access.which, access.offset,
                (unsigned long long)value);
    error = machine_access(machine, &access, is_write, &value);
    if (error == ASH_EBUSY && !is_write) {
        machine_wait(machine);
        error = machine_access(machine, &access, is_write, &value);
    }
    if (error != ASH_OK) {
        machine_fail(machine, "the access says %s", ash_error_name(error));
    }
}

static void do_interface(struct machine *machine, unsigned vcpu)
{
    struct fake_gic_cpu *hardware;
    uint32_t intid = some_intid(machine);
    unsigned group = (unsigned)below(machine, 2);

    machine_load(machine, vcpu);
    hardware = machine_hardware(machine, vcpu);
    machine_say(machine, "rampage: vCPU %u at its CPU interface, INTID %u", vcpu, intid);
    switch (below(machine, 9)) {
    case 0:
        fake_gic_cpu_eoir(hardware, group, intid | (uint32_t)(below(machine, 8) << 10));
        break;
    case 1:
        fake_gic_cpu_eoir(hardware, group, intid);
        break;
    case 2:
        if (!fake_gic_cpu_dir(hardware, intid) || machine_percent(machine, 20)) {
            ash_vgic_dir(&machine->gic, vcpu, intid);
        }
        break;
    case 3:
        fake_gic_cpu_set_pmr(hardware, machine_percent(machine, 70) ? 0xFFU : (uint32_t)below(machine, 256));
        break;
    case 4:
        fake_gic_cpu_set_bpr(hardware, group, (uint32_t)below(machine, 8));
        break;
    case 5:
        fake_gic_cpu_set_modes(hardware, machine_percent(machine, 50), machine_percent(machine, 50));
        break;
    case 6:
        fake_gic_cpu_enable(hardware, group, machine_percent(machine, 80));
        break;
    default:
        (void)fake_gic_cpu_iar(hardware, group);
        break;
    }
}

static void do_fire(struct machine *machine)
{
    unsigned link = (unsigned)below(machine, MACHINE_LINKS);
    unsigned vcpu = (unsigned)below(machine, machine->config->vcpus);
    uint32_t intid = machine_link_intid(machine, link);
    struct machine_physical *physical = machine_physical(machine, vcpu, link);

    machine_say(machine, "rampage: INTID %u (vCPU %u) fires", intid, vcpu);
    if (oracle_irq(&machine->oracle, vcpu, intid) == NULL) {
        return;
    }
    if (physical->active) {
        if (machine_percent(machine, 20) && ash_vgic_set_level(&machine->gic, vcpu, intid, false) != ASH_OK) {
            machine_fail(machine, "set_level failed");
        }
        return;
    }
    physical->active = true;
    if (ash_vgic_inject_hw(&machine->gic, vcpu, intid) != ASH_OK) {
        machine_fail(machine, "inject_hw failed");
    }
}

static void do_vcpu(struct machine *machine, unsigned vcpu)
{
    machine_say(machine, "rampage: vCPU %u comes or goes", vcpu);
    switch (below(machine, 8)) {
    case 0:
        machine_cpu_on(machine, vcpu);
        break;
    case 1:
        machine_cpu_off(machine, vcpu);
        break;
    case 2:
    case 3:
        machine_put(machine, vcpu);
        break;
    default:
        machine_load(machine, vcpu);
        machine_exit(machine, vcpu);
        break;
    }
}

static void do_source(struct machine *machine, unsigned vcpu)
{
    uint32_t intid = some_intid(machine);

    machine_say(machine, "rampage: an edge or SGI %u, vCPU %u", intid, vcpu);
    if (machine_percent(machine, 50)) {
        ash_vgic_sgi(&machine->gic, vcpu, test_rng_next(machine->rng), ASH_VGIC_SGI1R);
    } else if (machine_link(machine, intid) < 0) {
        int error = ash_vgic_pulse(&machine->gic, vcpu, intid);
        int expected = intid < 16U                                         ? ASH_EINVAL
                       : oracle_irq(&machine->oracle, vcpu, intid) == NULL ? ASH_ENOENT
                                                                           : ASH_OK;

        if (error != expected) {
            machine_fail(machine, "pulse says %s", ash_error_name(error));
        }
    }
}

void guest_rampage(struct machine *machine, unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        unsigned vcpu = (unsigned)below(machine, machine->config->vcpus);
        uint64_t dice = below(machine, 100);

        if (dice < 35U) {
            do_access(machine, vcpu);
        } else if (dice < 75U) {
            do_interface(machine, vcpu);
        } else if (dice < 85U) {
            do_fire(machine);
        } else if (dice < 93U) {
            do_source(machine, vcpu);
        } else {
            do_vcpu(machine, vcpu);
        }
        machine_count(machine, MACHINE_RAMPAGE);
        if (machine_percent(machine, 40)) {
            machine_exit_all(machine);
        }
    }
    machine_exit_all(machine);
    machine_say(machine, "reset after a rampage");
    machine_reset(machine);
    machine_check(machine, MACHINE_NOBODY);
}
