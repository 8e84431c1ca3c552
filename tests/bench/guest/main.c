/* SPDX-License-Identifier: BSD-2-Clause */
/* Measures what a hypervisor costs a guest, by CNTVCT: one line an event, `bench: <event> <median> <least> <most>`.
 * Meant for an emulator that counts one tick an instruction. Runs on the bare machine as well, at EL1. What is not
 * there (SMC where there is no EL3, another CPU) faults or is refused, and gets no line. */
#include "common/guest.h"
#include "figures.h"

#define PSCI_VERSION       UINT64_C(0x84000000)
#define PSCI_CPU_OFF       UINT64_C(0x84000002)
#define PSCI_CPU_ON        UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO UINT64_C(0xc4000004)
#define UNKNOWN_FUNCTION   UINT64_C(0x84001234)

#define GICC          UINT64_C(0x08010000)
#define SGI           3U
#define SPI_BIT       UINT32_C(0x100) /* INTID 40 */
#define ROUNDS        101U
#define ROUNDS_CPU_ON 15U
#define TIMER_TICKS   5000U
/* Together longer than a neighbour of 1 GiB is made and destroyed. */
#define ROUNDS_LATENCY 10000U
#define TICKS_LATENCY  67232U /* and up to 65,535 more, so that no neighbour keeps in step */

/* start.S knows the offsets. */
struct bench_cpu {
    volatile uint64_t time;  /* at the handler's first instruction */
    volatile uint64_t count; /* interrupts taken */
    volatile uint64_t intid;
    volatile uint64_t gicc; /* 0: GICv3 */
    volatile uint64_t faults;
    volatile uint64_t first; /* at this vCPU's first instruction */
    volatile uint64_t up;
    volatile uint64_t mode; /* how vCPU 1 is to wait */
};

enum { WAIT_SPINNING = 1, WAIT_ASLEEP, WAIT_OFF };

typedef uint64_t measured(uint64_t a, uint64_t b, volatile void *c, volatile void *d);

extern struct bench_cpu bench_cpus[2];
struct bench_cpu bench_cpus[2];

void bench_main(uint64_t first, uint64_t device_tree);
void bench_secondary_main(uint64_t first);
void guest_main(uint64_t device_tree);
void bench_secondary(void);
void bench_wait_spinning(uint64_t count);
void bench_wait_asleep(uint64_t count);

measured bench_nothing, bench_hvc_version, bench_smc_version, bench_hvc_affinity, bench_hvc_unknown,
    bench_id_register, bench_gicd_typer, bench_gicd_isenabler_read, bench_gicd_isenabler_write,
    bench_gicd_ipriorityr_write, bench_gicr_typer, bench_pl011_fr, bench_pl011_dr, bench_sgi_self,
    bench_sgi_running, bench_sgi_wfi, bench_vtimer_spinning, bench_vtimer_wfi, bench_ack_eoi, bench_cpu_on;

static uint64_t samples[ROUNDS];
static bool gicv3;

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
}

static struct bench_cpu *self(void)
{
    return (struct bench_cpu *)(uintptr_t)guest_sysreg_read(tpidr_el1);
}

static void report(const char *event, unsigned rounds)
{
    if (self()->faults != 0U) {
        self()->faults = 0;
        return;
    }
    bench_report(event, samples, rounds);
}

static void run(const char *event, measured *sequence, uint64_t a, uint64_t b)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        samples[i] = sequence(a, b, NULL, NULL);
    }
    report(event, ROUNDS);
}

/* ---- Interrupt controller ---------------------------------------------------------------------------------------- */

static void gic_init(void)
{
    gicv3 = ((guest_sysreg_read(id_aa64pfr0_el1) >> 24) & 0xfU) != 0U;
    if (gicv3) {
        guest_gic_init();
        guest_gic_enable(SGI);
        guest_gic_enable(GUEST_VTIMER_INTID);
        return;
    }
    self()->gicc = GICC;
    guest_write32(GUEST_GICD, 1);
    guest_write32(GUEST_GICD + 0x100U, (1U << SGI) | (1U << GUEST_VTIMER_INTID));
    guest_write32(GICC + 4U, 0xff);
    guest_write32(GICC, 1);
}

static uint64_t sgi_to(unsigned vcpu)
{
    return gicv3 ? (UINT64_C(1) << vcpu) | ((uint64_t)SGI << 24) : (UINT64_C(0x10000) << vcpu) | SGI;
}

static uint64_t sgi_register(void)
{
    return gicv3 ? 0U : GUEST_GICD + 0xf00U;
}

/* ---- One vCPU ---------------------------------------------------------------------------------------------------- */

static void measure_calls(void)
{
    run("hvc_version", bench_hvc_version, PSCI_VERSION, 0);
    run("smc_version", bench_smc_version, PSCI_VERSION, 0);
    run("hvc_affinity", bench_hvc_affinity, PSCI_AFFINITY_INFO, 0);
    run("hvc_unknown", bench_hvc_unknown, UNKNOWN_FUNCTION, 0);
    run("id_register", bench_id_register, 0, 0);
}

static void measure_devices(void)
{
    run("gicd_typer", bench_gicd_typer, GUEST_GICD + 4U, 0);
    run("gicd_isenabler_read", bench_gicd_isenabler_read, GUEST_GICD + 0x104U, 0);
    run("gicd_isenabler_write", bench_gicd_isenabler_write, GUEST_GICD + 0x104U, SPI_BIT);
    run("gicd_ipriorityr_write", bench_gicd_ipriorityr_write, GUEST_GICD + 0x400U + 40U, 0xa0);
    if (gicv3) {
        run("gicr_typer", bench_gicr_typer, GUEST_GICR + 8U, 0);
    }
    run("pl011_fr", bench_pl011_fr, GUEST_UART + 0x18U, 0);
    run("pl011_dr", bench_pl011_dr, GUEST_UART, '.');
}

static void measure_ack_eoi(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (gicv3) {
            guest_sysreg_write(S3_0_C12_C11_5, sgi_to(0));
        } else {
            guest_write32(sgi_register(), (uint32_t)sgi_to(0));
        }
        while (guest_sysreg_read(isr_el1) == 0U) {
            __asm__ volatile("yield");
        }
        samples[i] = bench_ack_eoi(self()->gicc, 0, NULL, NULL);
    }
    report("ack_eoi", ROUNDS);
}

static void measure_interrupts(void)
{
    run("sgi_self", bench_sgi_self, sgi_to(0), sgi_register());
    run("vtimer_spinning", bench_vtimer_spinning, TIMER_TICKS, 0);
    run("vtimer_wfi", bench_vtimer_wfi, TIMER_TICKS, 0);
    measure_ack_eoi();
}

/* ---- Two --------------------------------------------------------------------------------------------------------- */

/** vCPU 1: waits for as many SGIs as there are rounds, in the way that it is told, or goes. */
void bench_secondary_main(uint64_t first)
{
    struct bench_cpu *cpu = self();

    cpu->first = first;
    gic_init();
    cpu->up = 1;
    for (;;) {
        uint64_t mode = cpu->mode;

        if (mode == WAIT_OFF) {
            cpu->mode = 0;
            cpu->up = 0;
            (void)guest_hvc(PSCI_CPU_OFF, 0, 0, 0);
        } else if (mode == WAIT_SPINNING) {
            cpu->mode = 0;
            bench_wait_spinning(ROUNDS);
        } else if (mode == WAIT_ASLEEP) {
            cpu->mode = 0;
            bench_wait_asleep(ROUNDS);
        } else {
            __asm__ volatile("yield" : : : "memory");
        }
    }
}

/** Turns of the other vCPU, so that it stands where the measurement wants it. */
static void let_other_run(unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        __asm__ volatile("yield" : : : "memory");
    }
}

static void turn_other_off(void)
{
    bench_cpus[1].mode = WAIT_OFF;
    while (guest_hvc(PSCI_AFFINITY_INFO, 1, 0, 0) != 1) {
        __asm__ volatile("yield" : : : "memory");
    }
}

static bool measure_cpu_on(void)
{
    for (unsigned i = 0; i < ROUNDS_CPU_ON; i++) {
        int64_t state = guest_hvc(PSCI_AFFINITY_INFO, 1, 0, 0);

        if (state == 0) {
            turn_other_off();
        } else if (state != 1) {
            return false; /* there is no other */
        }
        let_other_run(50);
        bench_cpus[1].first = 0;
        samples[i] = bench_cpu_on(PSCI_CPU_ON, 1, (void *)(uintptr_t)bench_secondary, &bench_cpus[1].first);
        while (bench_cpus[1].up == 0U) {
            __asm__ volatile("yield" : : : "memory");
        }
    }
    report("cpu_on", ROUNDS_CPU_ON);
    return true;
}

static void measure_sgi(const char *event, measured *sequence, uint64_t mode)
{
    bench_cpus[1].mode = mode;
    while (bench_cpus[1].mode != 0U) {
        __asm__ volatile("yield" : : : "memory");
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        let_other_run(50);
        samples[i] = sequence(sgi_to(1), sgi_register(), &bench_cpus[1], NULL);
    }
    report(event, ROUNDS);
}

/* ---- In company -------------------------------------------------------------------------------------------------- */

/** The latest of many ticks. */
static void measure_latency(void)
{
    uint64_t worst = 0;

    for (unsigned i = 0; i < ROUNDS_LATENCY; i++) {
        uint64_t late = bench_vtimer_wfi(TICKS_LATENCY + i * 7919U % 65536U, 0, NULL, NULL);

        worst = late > worst ? late : worst;
    }
    samples[0] = worst;
    report("vtimer_latest", 1);
}

void bench_main(uint64_t first, uint64_t device_tree)
{
    samples[0] = first;
    report("boot", 1);
    gic_init();
    if (device_tree != 0U && bench_is_told(device_tree, "bench=latency")) {
        measure_latency();
        guest_print("bench: done\n");
        return;
    }
    guest_print(gicv3 ? "bench: gic 3\n" : "bench: gic 2\n");
    run("nothing", bench_nothing, 0, 0);
    measure_calls();
    measure_devices();
    guest_print("\n");
    measure_interrupts();
    if (measure_cpu_on()) {
        measure_sgi("sgi_running", bench_sgi_running, WAIT_SPINNING);
        measure_sgi("sgi_wfi", bench_sgi_wfi, WAIT_ASLEEP);
    }
    guest_print("bench: done\n");
}
