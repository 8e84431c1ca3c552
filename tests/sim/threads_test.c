/* SPDX-License-Identifier: BSD-2-Clause */
/* hv with its CPUs as threads that run at the same time, under ThreadSanitizer: VMs that share CPUs with budgets and
 * without, move between them, come, go, pause, fault, talk and draw interrupts, while two of them and somebody at the
 * shell command the others about. What is asserted is little; the judge is ThreadSanitizer. In the end all can be
 * destroyed, and then it is as it was. */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include <libvcpu/psci.h>

#include "arch/arch.h"
#include "core/command.h"
#include "core/guest_memory.h"
#include "core/place.h"
#include "glue/hypercall.h"
#include "rig.h"
#include "threads_virtio.h"

#define ENTRY        (SIM_RAM_BASE + 0x80000U)
#define CPUS         4U
#define BOSSES       2U
#define VMS          6U
#define MS_DEFAULT   6000U
#define MS_TO_FINISH 60000U
#define STEPS        600U

static void a_port(void *tree)
{
    assert_int_equal(fdt_begin_node(tree, "virtio_net"), 0);
    assert_int_equal(fdt_property(tree, "switch", "lan", 4), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

static void first(void *tree)
{
    a_port(tree);
    threads_virtio_first(tree);
}

static void second(void *tree)
{
    a_port(tree);
    threads_virtio_second(tree);
}

static void third(void *tree)
{
    a_port(tree);
    threads_virtio_third(tree);
}

static void a_switch(void *tree)
{
    assert_int_equal(fdt_begin_node(tree, "switches"), 0);
    assert_int_equal(fdt_begin_node(tree, "lan"), 0);
    assert_int_equal(fdt_end_node(tree), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

static const struct sim_vm vms[VMS] = {
    {.name = "boss",
     .vcpus = 1,
     .memory = 2U * SIM_MIB,
     .has_affinity = true,
     .affinity = {0},
     .manager = true},
    {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
    {.name = "alpha",
     .vcpus = 3,
     .memory = 2U * SIM_MIB,
     .has_affinity = true,
     .affinity = {2, 0, 1},
     .budget_us = 200,
     .period_us = 1000,
     .pause_stops_time = true,
     .on_poweroff = "destroy",
     .on_reset = "restart",
     .shutdown_timeout_ms = 2},
    {.name = "beta",
     .vcpus = 3,
     .memory = 2U * SIM_MIB,
     .cpus = 0xe,
     .slice_us = 500,
     .on_crash = "restart",
     .restart_limit = {16, 1},
     .nodes = first},
    {.name = "gamma",
     .vcpus = 2,
     .memory = 2U * SIM_MIB,
     .cpus = 0xf,
     .priority = 130,
     .background = true,
     .nodes = second},
    {.name = "delta",
     .vcpus = 1,
     .memory = 2U * SIM_MIB,
     .has_affinity = true,
     .affinity = {3},
     .on_poweroff = "restart",
     .console_buffer = 4096,
     .nodes = third},
};

static struct sim sim;
static struct test_rng rngs[HV_MAX_CPUS]; /* a CPU's own each */

static struct {
    uint64_t until;             /* ticks: from then on all is cleared away. Written before the run */
    uint32_t phase;             /* enum phase. Atomic */
    struct sim_account without; /* the boss's */
} run;
enum phase { CLEARING, QUARRELLING, CLEARED, OVER };

/* Atomic. */
static uint64_t accepted[HV_LIFE_COMMANDS];
static uint64_t answered;
static uint64_t exits;
static uint64_t moved;
static uint32_t last_on[VMS][HV_MACHINE_MAX_VCPUS]; /* CPU + 1 */

static void count(uint64_t *what, uint64_t by)
{
    (void)__atomic_fetch_add(what, by, __ATOMIC_RELAXED);
}

static uint64_t below(const struct hv_cpu *cpu, uint64_t bound)
{
    return test_rng_below(&rngs[cpu->index], bound);
}

static enum phase phase(void)
{
    return (enum phase)__atomic_load_n(&run.phase, __ATOMIC_ACQUIRE);
}

static void set_phase(enum phase next)
{
    __atomic_store_n(&run.phase, (uint32_t)next, __ATOMIC_RELEASE);
}

/** A 32-bit access. One that is to run again, because the console is full, or other vCPUs have to sync first, is given
 *  up. */
static uint32_t device(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t ipa, bool is_write, uint32_t word)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    const struct hv_mmio_region *region = hv_machine_region(machine, ipa);
    uint64_t value = word;
    int error = hv_machine_access(cpu, vcpu, machine, region, ipa - region->base, 4, is_write, &value);

    assert_true(error == ASH_OK || error == ASH_EBUSY);
    return (uint32_t)value;
}

static void print(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const char *line)
{
    uint64_t uart = vcpu->vm->machine.layout.uart.base.value;

    (void)device(cpu, vcpu, uart + 0x030U, true, 0x301U); /* UARTCR: enabled (DDI 0183 3.3.8) */
    for (; *line != '\0'; line++) {
        (void)device(cpu, vcpu, uart, true, (uint8_t)*line);
    }
}

static void end_interrupts(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    while (sim_acknowledge(cpu, vcpu) != 1023U) {
        vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = 0;
    }
}

static void set_timer(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t most)
{
    vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].cval = hv_arch_ticks() + below(cpu, most);
    vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = ASH_VTIMER_CTL_ENABLE;
}

/* ---- Who commands ------------------------------------------------------------------------------------------------ */

static void command_at_random(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    /* What makes a VM run is commanded more often than what ends it. */
    static const enum hv_life_command often[] = {HV_LIFE_CREATE, HV_LIFE_START, HV_LIFE_RESUME,
                                                 HV_LIFE_PAUSE};
    uint32_t number = BOSSES + (uint32_t)below(cpu, VMS - BOSSES);
    enum hv_life_command command = below(cpu, 4) != 0U ? often[below(cpu, ASH_ARRAY_SIZE(often))]
                                                       : (enum hv_life_command)below(cpu, HV_LIFE_COMMANDS);
    bool done;

    if (vcpu->vm->config.manager && below(cpu, 2) == 0U) {
        (void)sim_hvc(cpu, vcpu, HV_HYPERCALL(HV_HYPERCALL_VM_COMMAND), number, (uint64_t)command, 0);
        done = sim_x0(vcpu) == HV_HYPERCALL_OK;
    } else {
        done = hv_life_ask(cpu, number, command, NULL) == ASH_OK;
    }
    count(&accepted[command], done ? 1U : 0U);
    if (done && command == HV_LIFE_PAUSE && below(cpu, 2) == 0U) { /* before all of its CPUs have looked */
        count(&accepted[HV_LIFE_RESUME], hv_life_ask(cpu, number, HV_LIFE_RESUME, NULL) == ASH_OK ? 1U : 0U);
    }
}

static const char *const questions[] = {"vm list",
                                        "vm show beta",
                                        "stats --json",
                                        "irq",
                                        "irq alpha --json",
                                        "mem",
                                        "mem pool",
                                        "cpu",
                                        "trace",
                                        "trace off",
                                        "trace on",
                                        "log level",
                                        "version",
                                        "help",
                                        "stats gamma",
                                        "vm attach x",
                                        "switch ports",
                                        "switch counts",
                                        "switch addresses --json",
                                        "switch link-down beta",
                                        "switch link-up beta",
                                        "vm devices"};

/** As a tool of VM0's would: any CPU may run a command. */
static void ask_at_random(struct hv_cpu *cpu)
{
    static struct hv_call calls[HV_MAX_CPUS];
    static struct hv_record records[HV_MAX_CPUS];
    static char texts[HV_MAX_CPUS][HV_RECORD_MOST];
    struct hv_call *call = &calls[cpu->index];

    if (!hv_call_begin(call, cpu, questions[below(cpu, ASH_ARRAY_SIZE(questions))])) {
        return;
    }
    while (hv_call_step(call, &records[cpu->index], texts[cpu->index])) {
        count(&answered, 1);
    }
}

/** On a machine with a lot else to do it takes longer. */
static bool is_enough(void)
{
    bool all = __atomic_load_n(&moved, __ATOMIC_RELAXED) > 100U && threads_virtio_is_enough();

    for (int i = 0; i < HV_LIFE_COMMANDS; i++) {
        all = all && __atomic_load_n(&accepted[i], __ATOMIC_RELAXED) > 3U;
    }
    return all;
}

static enum hv_verdict command_now_and_then(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round % 2U == 0U) {
        set_timer(cpu, vcpu, 4000);
        return hv_sched_wait(cpu);
    }
    end_interrupts(cpu, vcpu);
    if (below(cpu, 3) != 0U) {
        command_at_random(cpu, vcpu);
    } else if (below(cpu, 2) == 0U) {
        ask_at_random(cpu);
    } else {
        print(cpu, vcpu, "a boss speaks\n");
    }
    return HV_RESUME;
}

static enum hv_verdict boss(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    unsigned which = vcpu->vm->slot;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    if (phase() == QUARRELLING) {
        if (which == 0U && hv_arch_ticks() >= run.until && is_enough()) {
            set_phase(CLEARED);
        }
        return command_now_and_then(cpu, vcpu, round);
    }
    if (which == 0U && sim_destroy_all(cpu, BOSSES, VMS)) {
        if (phase() == CLEARED) {
            sim_assert_same_account(cpu->hv, &run.without);
            set_phase(OVER);
        } else if (phase() == CLEARING) {
            sim_account(cpu->hv, &run.without);
            set_phase(QUARRELLING);
        }
    }
    return phase() == OVER ? sim_off(cpu, vcpu) : HV_RESUME;
}

/* ---- Who is commanded about -------------------------------------------------------------------------------------- */

static void use_devices(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const struct ash_boot_guest_machine *layout = &vcpu->vm->machine.layout;
    uint32_t seconds;

    switch (below(cpu, 6)) {
    case 0: /* DDI 0224 3.2: RTCDR, RTCMR, RTCIMSC */
        seconds = device(cpu, vcpu, layout->rtc.base.value, false, 0);
        (void)device(cpu, vcpu, layout->rtc.base.value + 0x4U, true, seconds + 1U);
        (void)device(cpu, vcpu, layout->rtc.base.value + 0x10U, true, 1);
        break;
    case 1: /* DDI 0270 3.2: WDOGLOCK, WDOGLOAD, WDOGCONTROL */
        (void)device(cpu, vcpu, layout->wdog.base.value + 0xc00U, true, 0x1ACCE551U);
        (void)device(cpu, vcpu, layout->wdog.base.value, true, 400);
        (void)device(cpu, vcpu, layout->wdog.base.value + 0x8U, true, (uint32_t)below(cpu, 4));
        break;
    case 2: /* DDI 0190 3.2: GPIOIBE, GPIOIE, GPIOIC */
        (void)device(cpu, vcpu, layout->gpio.base.value + 0x408U, true, 0x8);
        (void)device(cpu, vcpu, layout->gpio.base.value + 0x410U, true, 0x8);
        (void)device(cpu, vcpu, layout->gpio.base.value + 0x41cU, true, 0x8);
        break;
    case 3:
        (void)device(cpu, vcpu, layout->uart.base.value, false, 0); /* UARTDR */
        break;
    case 4: /* GICD_ISENABLER1, GICD_ISPENDR1 */
        (void)device(cpu, vcpu, layout->gicd.value + 0x104U, true, ~0U);
        (void)device(cpu, vcpu, layout->gicd.value + 0x204U, true, 1U << below(cpu, 32));
        break;
    default:
        (void)device(cpu, vcpu, layout->gicd.value + 0x300U + 4U * below(cpu, 3), false,
                     0); /* GICD_ISACTIVER<n> */
        break;
    }
}

/* ---- Frames, VIRTIO 1.2, 2.7 and 4.2 ----------------------------------------------------------------------------- */

#define RING_SIZE   16U
#define RING_AT     0x180000U /* of RAM: each queue's rings, 8 KiB apart; their buffers */
#define BUFFER_AT   0x190000U
#define BUFFER_SIZE 2048U
#define NET_AT      UINT64_C(0x0A000000)

/* Of each VM; its vCPU 0's alone. */
static struct {
    bool is_up;
    uint16_t added[2], seen[2]; /* of queue 0, to receive, and 1, to send */
} nets[VMS];
static uint64_t frames_got, frames_sent; /* atomic */

static unsigned char *ram(struct hv_vcpu *vcpu, uint64_t offset, uint64_t size)
{
    unsigned char *bytes =
        hv_guest_map(vcpu->vm, ash_ipa(vcpu->vm->machine.ram[0].base.value + offset), size);

    assert_non_null(bytes);
    return bytes;
}

static uint16_t *ring_word(struct hv_vcpu *vcpu, unsigned queue, uint64_t offset)
{
    return (uint16_t *)(void *)ram(vcpu, RING_AT + 0x2000U * queue + offset, 2);
}

static void set_up_queue(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned queue)
{
    const uint64_t at = vcpu->vm->machine.ram[0].base.value + RING_AT + 0x2000U * queue;

    (void)device(cpu, vcpu, NET_AT + 0x030U, true, queue);
    (void)device(cpu, vcpu, NET_AT + 0x038U, true, RING_SIZE);
    for (unsigned i = 0; i < 3U; i++) {
        (void)device(cpu, vcpu, NET_AT + 0x080U + 0x10U * i, true, (uint32_t)(at + 0x800U * i));
        (void)device(cpu, vcpu, NET_AT + 0x084U + 0x10U * i, true, (uint32_t)((at + 0x800U * i) >> 32));
    }
    memset(ram(vcpu, RING_AT + 0x2000U * queue, 0x2000), 0, 0x2000);
    (void)device(cpu, vcpu, NET_AT + 0x044U, true, 1);
}

/** One descriptor of @size bytes; the buffer goes by its place in the ring. */
static void offer(struct hv_vcpu *vcpu, unsigned queue, uint32_t size)
{
    const uint16_t slot = nets[vcpu->vm->slot].added[queue] % RING_SIZE;
    const uint64_t ipa =
        vcpu->vm->machine.ram[0].base.value + BUFFER_AT + (RING_SIZE * queue + slot) * BUFFER_SIZE;
    unsigned char *descriptor = ram(vcpu, RING_AT + 0x2000U * queue + 16U * slot, 16);
    const uint16_t flags[2] = {queue == 0U ? 2U : 0U, 0};

    memcpy(descriptor, &ipa, 8);
    memcpy(descriptor + 8, &size, 4);
    memcpy(descriptor + 12, flags, 4);
    __atomic_store_n(ring_word(vcpu, queue, 0x804U + 2U * slot), slot, __ATOMIC_RELAXED);
    nets[vcpu->vm->slot].added[queue]++;
    __atomic_store_n(ring_word(vcpu, queue, 0x802U), nets[vcpu->vm->slot].added[queue], __ATOMIC_RELEASE);
}

static void bring_up(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    (void)device(cpu, vcpu, NET_AT + 0x070U, true, 0);
    (void)device(cpu, vcpu, NET_AT + 0x070U, true, 3);
    (void)device(cpu, vcpu, NET_AT + 0x024U, true, 1);
    (void)device(cpu, vcpu, NET_AT + 0x020U, true, 1); /* VERSION_1 */
    (void)device(cpu, vcpu, NET_AT + 0x070U, true, 11);
    memset(&nets[vcpu->vm->slot], 0, sizeof(nets[0]));
    for (unsigned queue = 0; queue < 2U; queue++) {
        set_up_queue(cpu, vcpu, queue);
    }
    (void)device(cpu, vcpu, NET_AT + 0x070U, true, 15);
    nets[vcpu->vm->slot].is_up = true;
}

static unsigned reap(struct hv_vcpu *vcpu, unsigned queue)
{
    const uint16_t used = __atomic_load_n(ring_word(vcpu, queue, 0x1002U), __ATOMIC_ACQUIRE);
    const unsigned count = (uint16_t)(used - nets[vcpu->vm->slot].seen[queue]);

    nets[vcpu->vm->slot].seen[queue] = used;
    return count;
}

/** To a port, or to all. */
static void send_frame(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const uint16_t slot = nets[vcpu->vm->slot].added[1] % RING_SIZE;
    const uint8_t to = (uint8_t)below(cpu, VMS);
    const uint8_t addresses[12] = {
        0x52, 0x54, 0, 0xa5, to, 0, 0x52, 0x54, 0, 0xa5, (uint8_t)vcpu->vm->config.vmid, 0};
    unsigned char *frame = ram(vcpu, BUFFER_AT + (RING_SIZE + slot) * BUFFER_SIZE, BUFFER_SIZE);

    memset(frame, 0, 12);
    memcpy(frame + 12, addresses, sizeof(addresses));
    if (below(cpu, 4) == 0U) {
        memset(frame + 12, 0xFF, 6);
    }
    memset(frame + 24, (int)below(cpu, 256), 1000);
    offer(vcpu, 1, 12U + 14U + (uint32_t)below(cpu, 1000));
    count(&frames_sent, 1);
}

static void use_network(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    unsigned fresh;

    if (vcpu->index != 0U || vcpu->vm->config.virtio_count == 0U) {
        return;
    }
    if (!nets[vcpu->vm->slot].is_up || below(cpu, 200) == 0U) {
        bring_up(cpu, vcpu);
    }
    count(&frames_got, reap(vcpu, 0));
    (void)reap(vcpu, 1);
    fresh = RING_SIZE - (uint16_t)(nets[vcpu->vm->slot].added[0] - nets[vcpu->vm->slot].seen[0]);
    for (unsigned i = 0; i < fresh && below(cpu, 8) != 0U; i++) {
        offer(vcpu, 0, BUFFER_SIZE);
    }
    (void)device(cpu, vcpu, NET_AT + 0x050U, true, 0);
    while ((uint16_t)(nets[vcpu->vm->slot].added[1] - nets[vcpu->vm->slot].seen[1]) < RING_SIZE &&
           below(cpu, 4) != 0U) {
        send_frame(cpu, vcpu);
    }
    (void)device(cpu, vcpu, NET_AT + 0x050U, true, 1);
    (void)device(cpu, vcpu, NET_AT + 0x064U, true, device(cpu, vcpu, NET_AT + 0x060U, false, 0));
}

static enum hv_verdict talk(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    unsigned word = 64U * vcpu->index;

    if (below(cpu, 2) == 0U) {
        print(cpu, vcpu, "what it has to say\n");
        return HV_RESUME;
    }
    sim_poke(vcpu, word, 0x0a646c6fU);
    return sim_hvc(cpu, vcpu, HV_HYPERCALL(HV_HYPERCALL_CONSOLE_WRITE),
                   vcpu->vm->machine.ram[0].base.value + 4U * word, 4, 0);
}

/** Rarely: it would hardly run otherwise. */
static enum hv_verdict end_somehow(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    switch (below(cpu, 128)) {
    case 0:
        return sim_off(cpu, vcpu);
    case 1:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    case 2:
        hv_vm_report(vcpu->vm, "it is at fault");
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    case 3:
    case 4:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    default:
        return HV_RESUME;
    }
}

static enum hv_verdict restless(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        if (vcpu->index == 0U) {
            nets[vcpu->vm->slot].is_up = false;
            threads_virtio_begin(vcpu);
        }
    }
    end_interrupts(cpu, vcpu);
    switch (below(cpu, 21)) {
    case 0:
    case 1:
        set_timer(cpu, vcpu, 400);
        return hv_sched_wait(cpu);
    case 2:
        sim_send_sgi(cpu, vcpu, (unsigned)below(cpu, 16), (unsigned)below(cpu, 8));
        return HV_RESUME;
    case 3:
        return talk(cpu, vcpu);
    case 4:
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, below(cpu, vcpu->vm->vcpus), ENTRY, 0);
    case 5: /* standby, or a power-down that begins anew */
        set_timer(cpu, vcpu, 400);
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, below(cpu, 2) << 30, ENTRY, 0);
    case 6:
        return sim_hvc(cpu, vcpu, HV_HYPERCALL(HV_HYPERCALL_YIELD), 0, 0, 0);
    case 7:
        use_devices(cpu, vcpu);
        return HV_RESUME;
    case 8:
        return end_somehow(cpu, vcpu);
    case 9:
    case 10:
        use_network(cpu, vcpu);
        return HV_RESUME;
    case 11:
    case 12:
    case 13:
        threads_virtio_use(cpu, vcpu, &rngs[cpu->index]);
        return HV_RESUME;
    default:
        for (unsigned i = 0; i < 100U; i++) { /* it computes */
            sim_poke(vcpu, 64U * vcpu->index + 1U, i);
        }
        return HV_RESUME;
    }
}

static enum hv_verdict guests(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint32_t last =
        __atomic_exchange_n(&last_on[vcpu->vm->slot][vcpu->index], cpu->index + 1U, __ATOMIC_RELAXED);

    count(&exits, 1);
    count(&moved, last != 0U && last != cpu->index + 1U ? 1U : 0U);
    if (vcpu->vm->slot < BOSSES) {
        return boss(cpu, vcpu, round);
    }
    return restless(cpu, vcpu, round);
}

/* ---- Who sits at the console ------------------------------------------------------------------------------------- */

static void write_script(struct hv_host_step script[STEPS], struct test_rng *rng)
{
    static const char *const lines[] = {
        "vm list\r",
        "stats\r",
        "stats --json\r",
        "irq\r",
        "irq --json\r",
        "cpu\r",
        "mem\r",
        "trace\r",
        "vm pause beta\r",
        "vm resume b\t\r",
        "vm start 5\r",
        "vm restart 6\r",
        "vm create 3\r",
        "vm start 3\r",
        "vm pause 3\r",
        "vm resume 3\r",
        "vm shutdown 3\r",
        "log level errors\r",
        "log level info\r",
        "help vm\r",
        "trace off\r",
        "trace on\r",
        "vm show 4\r",
        "vm destroy 5\r",
        "switch counts\r",
        "switch link-down 4\r",
        "switch link-up 4\r",
    };

    script[0] = (struct hv_host_step){"VM 1 boss", "\x1d"
                                                   "0"};
    for (unsigned i = 1; i < STEPS; i++) {
        script[i] = (struct hv_host_step){"ashlar> ", lines[test_rng_below(rng, ASH_ARRAY_SIZE(lines))]};
        if (i % 16U == 0U && i + 2U < STEPS) {
            script[i] = (struct hv_host_step){"ashlar> ", "\x1d"
                                                          "a"};
            script[i + 1U] = (struct hv_host_step){"console: all", "typed for a VM\r\x1d"
                                                                   "l\x1d"
                                                                   "0"};
            i++;
        }
    }
}

static void cpus_that_run_at_the_same_time_do_not_race(void **state)
{
    static struct hv_host_step script[STEPS];
    const char *ms = getenv("ASH_TEST_MS");
    struct test_rng rng;
    uint64_t seed = test_rng_init(&rng, "threads");

    (void)state;
    for (unsigned i = 0; i < HV_MAX_CPUS; i++) {
        rngs[i].state = test_rng_next(&rng) | 1U;
    }
    write_script(script, &rng);
    sim_beside_vms(a_switch);
    sim_board(&sim, CPUS, vms, VMS);
    run.until = hv_arch_ticks() + 1000U * (ms != NULL ? strtoull(ms, NULL, 0) : MS_DEFAULT);
    hv_host_console_plug(&(struct hv_host_console){.script = script, .steps = STEPS});
    hv_host_run(&sim.hv, guests, seed, (run.until - hv_arch_ticks()) / 1000U + MS_TO_FINISH, &sim.result);
    if (!sim.result.powered_off) {
        fail_msg("phase %u: the machine did not end; its console:\n%s", run.phase, sim.result.log);
    }
    print_message("%lu exits, %lu moves, %lu rows answered beside the shell\n", (unsigned long)exits,
                  (unsigned long)moved, (unsigned long)answered);
    print_message("%lu frames sent, %lu received\n", (unsigned long)frames_sent, (unsigned long)frames_got);
    assert_true(frames_got > 0U);
    threads_virtio_print();
    assert_true(threads_virtio_is_enough());
    for (int i = 0; i < HV_LIFE_COMMANDS; i++) {
        print_message("%s: %lu times\n", hv_life_command_name((enum hv_life_command)i),
                      (unsigned long)accepted[i]);
        assert_true(accepted[i] > 0U);
    }
    assert_true(exits > 1000U && moved > 100U && answered > 100U);
    sim_assert_says_not(&sim, "PANIC");
    sim_assert_consistent(&sim);
    sim_assert_says(&sim, "ashlar: exit status=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cpus_that_run_at_the_same_time_do_not_race)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
