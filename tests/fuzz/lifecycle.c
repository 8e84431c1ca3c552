/* SPDX-License-Identifier: BSD-2-Clause */
/* Lives of VMs: commands of two people at two shells, guests that end as they like, an order of the CPUs' turns, and a
 * page pool that has nothing left at any moment. Input: the order's seed, how seldom an allocation succeeds, and then
 * what each of them does next. However it goes, in the end all can be destroyed, and then it is as it was. */
#include "fuzz.h"

#include <libvcpu/psci.h>

#include "core/place.h"
#include "rig.h"

#define ENTRY  (SIM_RAM_BASE + 0x80000U)
#define BOSSES 2U
#define VMS    4U
#define TURNS  1000000U

static struct sim sim;
static struct fuzz_input input;
static struct sim_account without;
static enum { BEGINNING, CLEARING, COMMANDING, CLEARED, OVER } phase;
static unsigned commanding;   /* bosses in the middle of it */
static unsigned fails_one_of; /* 0: no allocation fails */

static const struct sim_vm vms[VMS] = {
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {0}},
    {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
    {.name = "alpha",
     .vcpus = 2,
     .memory = 2U * SIM_MIB,
     .has_affinity = true,
     .affinity = {1, 0},
     .pause_stops_time = true,
     .on_poweroff = "destroy",
     .shutdown_timeout_ms = 2},
    {.name = "beta",
     .vcpus = 1,
     .memory = 2U * SIM_MIB,
     .on_poweroff = "restart",
     .on_crash = "restart",
     .restart_limit = {2, 1},
     .background = true,
     .no_autostart = true},
};

/* ---- Allocations that fail --------------------------------------------------------------------------------------- */

void *__real_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__real_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);
void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);

static bool is_short(void)
{
    return phase == COMMANDING && fails_one_of != 0U && fuzz_more(&input) &&
           fuzz_u8(&input) % fails_one_of == 0U;
}

void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request)
{
    return is_short() ? NULL : __real_hv_pages_alloc(pool, request);
}

void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages)
{
    return is_short() ? NULL : __real_hv_pages_alloc_zeroed(pool, pages);
}

/* ---- Guests ------------------------------------------------------------------------------------------------------ */

static void command(struct hv_cpu *cpu)
{
    uint8_t byte = fuzz_u8(&input);
    const char *why = NULL;
    int error;

    if (byte >= 0x40U) { /* mostly the others get on */
        return;
    }
    error = hv_life_ask(cpu, BOSSES + byte % (VMS - BOSSES),
                        (enum hv_life_command)((byte >> 3) % (unsigned)HV_LIFE_COMMANDS), &why);
    FUZZ_CHECK(error == ASH_OK || error == ASH_EBUSY);
    FUZZ_CHECK((error == ASH_OK) == (why[0] == '\0'));
}

static enum hv_verdict boss(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    if (phase == COMMANDING) {
        commanding++;
        command(cpu);
        commanding--;
        phase = fuzz_more(&input) ? COMMANDING : CLEARED;
        return HV_RESUME;
    }
    if (vcpu->vm->slot !=
        0U) { /* here from before the first look at the account until after the second one */
        phase = phase == BEGINNING ? CLEARING : phase;
        return phase == OVER ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0, 0) : HV_RESUME;
    }
    if (phase == BEGINNING || commanding > 0U || !sim_destroy_all(cpu, BOSSES, VMS)) {
        return HV_RESUME;
    }
    if (phase == CLEARING) {
        sim_account(cpu->hv, &without);
        phase = COMMANDING;
        return HV_RESUME;
    }
    sim_assert_same_account(cpu->hv, &without);
    phase = OVER;
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0, 0);
}

static enum hv_verdict restless(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint8_t byte = phase == COMMANDING ? fuzz_u8(&input) : 0U;

    switch (byte >> 4) {
    case 1:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0, 0);
    case 2:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    case 3:
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    case 4:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    case 5:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, byte & 3U, ENTRY, 0);
    case 6:
        sim_print(cpu, vcpu, "x");
        return HV_RESUME;
    case 7:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, UINT64_C(1) << 30, ENTRY, 0);
    default:
        return HV_RESUME;
    }
}

static enum hv_verdict guests(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    return vcpu->vm->slot < BOSSES ? boss(cpu, vcpu) : restless(cpu, vcpu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t order;

    input = (struct fuzz_input){data, size < 400U ? size : 400U};
    order = fuzz_u64(&input);
    fails_one_of = fuzz_u8(&input);
    phase = BEGINNING;
    commanding = 0;
    sim_board(&sim, 2, vms, VMS);
    hv_host_run(&sim.hv, guests, order, TURNS, &sim.result);
    if (!sim.result.powered_off || sim.result.stuck || strstr(sim.result.log, "PANIC") != NULL) {
        fprintf(stderr, "phase %d, %llu turns; the console:\n%s\n", (int)phase,
                (unsigned long long)sim.result.turns, sim.result.log);
        abort();
    }
    return 0;
}
