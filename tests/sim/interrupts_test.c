/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts between vCPUs of different CPUs: what is posted arrives, once, in the list registers of the one it is for,
 * wherever its CPU is in its round. */
#include <stdlib.h>
#include <string.h>

#include <libvcpu/psci.h>

#include "core/command.h"
#include "rig.h"

#define ENTRY    (SIM_RAM_BASE + 0x80000U)
#define MESSAGES 30U
#define SGI      7U

static struct sim sim;

static struct {
    unsigned sent;
    unsigned posted; /* the sender is through with it */
    unsigned received;
    unsigned wrong;
    bool work_seen; /* the receiver's flag was up when the sender had just posted */
    unsigned stale_rounds;
} talk;

/* ---- One to one: each is answered by the next -------------------------------------------------------------------- */

static enum hv_verdict ping(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const struct hv_vcpu *other = vcpu->vm->vcpu[1];

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    if (sim_peek(vcpu, 0) == 0U || talk.received < talk.sent) {
        return HV_RESUME;
    }
    if (talk.sent == MESSAGES) {
        return sim_off(cpu, vcpu);
    }
    talk.sent++;
    sim_send_sgi(cpu, vcpu, SGI, 1U << 1);
    talk.posted++;
    talk.work_seen = talk.work_seen || ash_vgic_needs_flush(&other->vgic);
    return HV_RESUME;
}

static enum hv_verdict pong(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    unsigned intid;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        sim_poke(vcpu, 0, 1);
        return HV_RESUME;
    }
    intid = sim_acknowledge(cpu, vcpu);
    if (intid == SGI) {
        assert_true(talk.received < talk.sent); /* never twice */
        talk.received++;
    } else if (intid != 1023U) {
        talk.wrong++;
    } else if (talk.received < talk.posted) {
        talk.stale_rounds++; /* posted and not there yet: at most until its next exit is done */
    }
    return HV_RESUME;
}

static enum hv_verdict ping_pong(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    return vcpu->index == 0U ? ping(cpu, vcpu, round) : pong(cpu, vcpu, round);
}

static void an_sgi_arrives_once_at_a_vcpu_of_another_cpu(void **state)
{
    static const struct sim_vm vm = {
        .name = "pair", .vcpus = 2, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {2, 0}};
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, "ping pong");
    bool work_seen = false;

    (void)state;
    for (unsigned i = 0; i < 200U; i++) {
        memset(&talk, 0, sizeof(talk));
        sim_board(&sim, 3, &vm, 1);
        sim_run(&sim, ping_pong, first + 2U * i);
        assert_int_equal(talk.received, MESSAGES);
        assert_int_equal(talk.wrong, 0);
        assert_true(talk.stale_rounds <= MESSAGES); /* one exit behind, no more */
        work_seen = work_seen || talk.work_seen;
        sim_assert_exit(&sim, "ok", "pair");
    }
    assert_true(work_seen);
}

/* ---- All to all, with one sleeping CPU --------------------------------------------------------------------------- */

#define VCPUS 4U

static struct {
    unsigned sent[VCPUS][VCPUS]; /* [to][from]; the INTID is the sender's number */
    unsigned got[VCPUS][VCPUS];
    unsigned done;
} mesh;

static bool all_arrived(void)
{
    for (unsigned to = 0; to < VCPUS; to++) {
        for (unsigned from = 0; from < VCPUS; from++) {
            /* SGIs of one INTID that are pending together are one (one pending state each) */
            if ((mesh.sent[to][from] > 0U) != (mesh.got[to][from] > 0U)) {
                return false;
            }
        }
    }
    return true;
}

static enum hv_verdict talk_to_all(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint32_t me = vcpu->index;
    unsigned intid;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        sim_poke(vcpu, me, 1);
        return me + 1U < VCPUS ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, me + 1U, ENTRY, 0) : HV_RESUME;
    }
    for (unsigned i = 0; i < VCPUS; i++) {
        if (sim_peek(vcpu, i) == 0U) {
            return HV_RESUME;
        }
    }
    intid = sim_acknowledge(cpu, vcpu);
    if (intid != 1023U) {
        assert_true(intid < VCPUS);
        assert_true(mesh.got[me][intid] < mesh.sent[me][intid]);
        mesh.got[me][intid]++;
        return HV_RESUME;
    }
    if (mesh.sent[(me + 1U) % VCPUS][me] < 5U) {
        for (unsigned to = 0; to < VCPUS; to++) {
            mesh.sent[to][me]++;
        }
        sim_send_sgi(cpu, vcpu, me, (1U << VCPUS) - 1U); /* itself too */
        mesh.done += mesh.sent[0][me] == 5U ? 1U : 0U;
        return HV_RESUME;
    }
    return mesh.done == VCPUS && all_arrived() ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void sgis_of_all_to_all_arrive_under_every_order(void **state)
{
    static const struct sim_vm vm = {.name = "mesh", .vcpus = VCPUS, .memory = 2U * SIM_MIB};
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, "mesh");

    (void)state;
    for (unsigned i = 0; i < 200U; i++) {
        memset(&mesh, 0, sizeof(mesh));
        sim_board(&sim, VCPUS + 1U, &vm, 1);
        sim_run(&sim, talk_to_all, first + 2U * i);
        assert_true(all_arrived());
        sim_assert_exit(&sim, "ok", "mesh");
    }
}

/* ---- To one that does not exit by itself ------------------------------------------------------------------------- */

static enum hv_verdict wake_the_waiting(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        if (vcpu->index == 0U) {
            return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
        }
        sim_poke(vcpu, 0, 1);
        return HV_RESUME;
    }
    if (vcpu->index == 0U) {
        if (sim_peek(vcpu, 0) == 0U || talk.received < talk.sent) {
            return HV_RESUME;
        }
        if (talk.sent == MESSAGES) {
            return sim_off(cpu, vcpu);
        }
        talk.sent++;
        sim_send_sgi(cpu, vcpu, SGI, 1U << 1);
        return HV_RESUME;
    }
    if (sim_acknowledge(cpu, vcpu) == SGI) {
        talk.received++;
    } else {
        hv_host_run_until_kicked(cpu);
    }
    return HV_RESUME;
}

static void an_sgi_interrupts_a_vcpu_that_makes_no_exit(void **state)
{
    static const struct sim_vm vm = {.name = "waiting", .vcpus = 2, .memory = 2U * SIM_MIB};
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, "waiting");

    (void)state;
    for (unsigned i = 0; i < 100U; i++) {
        memset(&talk, 0, sizeof(talk));
        sim_board(&sim, 2, &vm, 1);
        sim_run(&sim, wake_the_waiting, first + 2U * i);
        assert_int_equal(talk.received, MESSAGES);
        sim_assert_exit(&sim, "ok", "waiting");
    }
}

/* ---- To one that is off ------------------------------------------------------------------------------------------ */

static enum hv_verdict call_the_absent(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 1U) {
        if (round == 0U) {
            assert_int_equal(sim_acknowledge(cpu, vcpu), 1023); /* CPU_ON resets what was private */
            sim_gic_enable(cpu, vcpu);
            return HV_RESUME;
        }
        if (round < 4U) {
            assert_int_equal(sim_acknowledge(cpu, vcpu), 1023);
            return HV_RESUME;
        }
        return sim_off(cpu, vcpu);
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    if (round < 3U) {
        sim_send_sgi(cpu, vcpu, SGI, 1U << 1 | 1U << 9);
    } else if (round == 3U) {
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    return HV_RESUME;
}

static void an_sgi_to_a_vcpu_that_is_off_or_not_there_wakes_nobody(void **state)
{
    static const struct sim_vm vm = {.name = "absent", .vcpus = 2, .memory = 2U * SIM_MIB};
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, "absent");

    (void)state;
    for (unsigned i = 0; i < 50U; i++) {
        sim_board(&sim, 2, &vm, 1);
        sim_run(&sim, call_the_absent, first + 2U * i);
        sim_assert_exit(&sim, "ok", "absent");
    }
}

/* ---- What the shell tells of them -------------------------------------------------------------------------------- */

static char told[2U * HV_RECORD_MOST];

/** The answer to @command, as the shell would give it. */
static void ask(struct hv_cpu *cpu, const char *command)
{
    static char text[HV_RECORD_MOST];
    static struct hv_record row;
    static struct hv_call call;
    bool more;

    told[0] = '\0';
    assert_true(hv_call_begin(&call, cpu, command));
    do {
        more = hv_call_step(&call, &row, text);
        assert_true(strlen(told) + strlen(text) < sizeof(told));
        strcat(told, text);
    } while (more);
}

static enum hv_verdict has_some(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t gicd = vcpu->vm->machine.layout.gicd.value;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        sim_send_sgi(cpu, vcpu, SGI, 1U << 0);
        (void)sim_device(cpu, vcpu, gicd + 0x420U, true, 0x60504030U); /* GICD_IPRIORITYR<8>: SPIs 0 to 3 */
        (void)sim_device(cpu, vcpu, gicd + 0x204U, true, 1U << 2);     /* GICD_ISPENDR1: SPI 2 */
        return HV_RESUME;
    }
    ask(cpu, "irq --json");
    return sim_off(cpu, vcpu);
}

static void the_shell_shows_how_each_stands(void **state)
{
    static const struct sim_vm vm = {.name = "has", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, has_some, 1);
    assert_non_null(strstr(told, "{\"vm\": \"has\", \"vcpu\": \"0\", \"interrupt\": \"sgi:7\", \"intid\": 7, "
                                 "\"enabled\": true, \"pending\": true, \"active\": false, "));
    assert_non_null(
        strstr(told, "\"interrupt\": \"ppi:11\", \"intid\": 27, \"enabled\": true, \"pending\": false, "
                     "\"active\": false, \"priority\": 0, \"linked\": true, \"device\": \"virtual timer\"}"));
    assert_non_null(strstr(told,
                           "\"interrupt\": \"spi:2\", \"intid\": 34, \"enabled\": false, \"pending\": true, "
                           "\"active\": false, \"priority\": 80, \"linked\": false, \"device\": \"PL031\"}"));
    assert_non_null(strstr(told, "\"device\": \"SP805\"}"));
    assert_null(strstr(told, "spi:40"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sgi_arrives_once_at_a_vcpu_of_another_cpu),
        cmocka_unit_test(sgis_of_all_to_all_arrive_under_every_order),
        cmocka_unit_test(an_sgi_interrupts_a_vcpu_that_makes_no_exit),
        cmocka_unit_test(an_sgi_to_a_vcpu_that_is_off_or_not_there_wakes_nobody),
        cmocka_unit_test(the_shell_shows_how_each_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
