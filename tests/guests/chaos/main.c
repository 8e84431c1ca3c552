/* SPDX-License-Identifier: BSD-2-Clause */
/* What the acts are. `chaos=0x…` in bootargs is the seed of a first life, and is mixed with the clock, so that each
 * life is another; `chaos-life=0x…` is taken as it is: a life that found something is repeated by it. Each life prints
 * its seed at its beginning. `chaos-crash=0x1`: now and then something for which hv has to stop the VM, the watchdog
 * included; for a VM with on-crash = "restart". */
#include "chaos/chaos.h"
#include "common/guest.h"

#define LIFE_MS     500U
#define SCRATCH     4096U
#define RAM_SIZE    UINT64_C(0x400000)
#define PSCI_CPU_ON UINT64_C(0xc4000003)
#define RESET       UINT64_C(0x84000009)

struct chaos_self chaos_self[CHAOS_VCPUS];
uint64_t chaos_faults[CHAOS_VCPUS];
uint64_t chaos_deadline;
static __attribute__((aligned(4096))) uint8_t scratch[SCRATCH];
static volatile uint64_t interrupts;
static uint64_t may_crash;

/* ---- Randomness ---- */

uint64_t chaos_vcpu(void)
{
    return guest_sysreg_read(mpidr_el1) & 1U;
}

uint64_t chaos_random(void)
{
    struct chaos_self *self = &chaos_self[chaos_vcpu()];
    uint64_t x = self->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    self->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t chaos_below(uint64_t bound)
{
    return (chaos_random() >> 11) % bound;
}

bool chaos_one_in(uint64_t n)
{
    return chaos_below(n) == 0U;
}

/* Base and size: [guest-machine.md], and what is between. */
static const struct {
    uint64_t base;
    uint64_t size;
} places[] = {
    {GUEST_GICD, 0x10000},
    {GUEST_GICD, 0x1000},
    {GUEST_GICR, 0x40000},
    {GUEST_GICC, 0x2000},
    {GUEST_UART + 4U, 0xffc},
    {GUEST_RTC, 0x1000},
    {GUEST_GPIO, 0x1000},
    {0x090a0000, 0x1000},
    {GUEST_WDOG, 0x1000},
    {0x0a000000, 0x4000},
    {0x08000000, 0x2000000},
    {0x10000000, 0x30000000},
    {0, 0x8000000},
    {CHAOS_RAM - 8U, 16},
    {CHAOS_RAM + RAM_SIZE - 8U, 16},
    {CHAOS_RAM + RAM_SIZE, 0x40000000},
    {0, UINT64_C(1) << 40},
    {UINT64_C(0xffff) << 32, UINT64_C(1) << 34},
};

uint64_t chaos_address(void)
{
    uint64_t which = chaos_below(sizeof(places) / sizeof(places[0]) + 4U);
    uint64_t address;

    if (which >= sizeof(places) / sizeof(places[0])) {
        return (uint64_t)(uintptr_t)scratch + chaos_below(SCRATCH - 256U);
    }
    address = places[which].base + chaos_below(places[which].size);
    if (address >> 12 == GUEST_WDOG >> 12 && may_crash == 0U) {
        return GUEST_RTC;
    }
    return chaos_one_in(8) ? address : address & ~(chaos_one_in(4) ? UINT64_C(1) : UINT64_C(7));
}

uint64_t chaos_value(void)
{
    switch (chaos_below(6)) {
    case 0:
        return UINT64_C(1) << chaos_below(64);
    case 1:
        return (UINT64_C(1) << chaos_below(64)) - 1U;
    case 2:
        return chaos_address();
    case 3:
        return chaos_below(64);
    case 4:
        return chaos_random() & 0xffffffffU;
    default:
        return chaos_random();
    }
}

/* ---- Words ---- */

void chaos_run(uint32_t word, const uint64_t *registers)
{
    uint64_t vcpu = chaos_vcpu();
    volatile uint32_t *code = &chaos_code[vcpu * (CHAOS_CODE_STEP / 4U)];

    *code = word;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" : : "r"(code) : "memory");
    chaos_execute(registers, vcpu);
}

/* QEMU 7.2 ends with "Assertion `bpr > 0' failed" where a guest has written a value with reserved bits to ICC_BPR1_EL1
 * (or BPR0), and takes an interrupt: it looks whether the whole of it is large enough, and keeps three bits. */
static bool breaks_the_emulator(uint32_t word)
{
    return (word & ~0x1fU) == 0xd518cc60U || (word & ~0x1fU) == 0xd518c860U;
}

/* A word with registers of interest: most are addresses. */
static _Noreturn void run_anything(uint32_t word)
{
    static uint64_t registers[CHAOS_VCPUS][31];
    uint64_t *mine = registers[chaos_vcpu()];

    for (unsigned n = 0; n < 31U; n++) {
        mine[n] = n < 2U || chaos_one_in(2) ? chaos_address() : chaos_value();
        mine[n] &= breaks_the_emulator(word) ? 7U : UINT64_MAX;
    }
    chaos_run(word, mine);
}

/* Would writing it end this vCPU's life in a loop of faults, or the reporting of anything? */
static bool is_deadly(uint32_t word)
{
    uint32_t name = (word >> 5) & 0x7fffU;

    return name == 0x4080U || name == 0x4600U ||                                     /* SCTLR_EL1, VBAR_EL1 */
           name == 0x4100U || name == 0x4101U || name == 0x4102U || name == 0x4510U; /* TTBRx, TCR, MAIR */
}

/* MRS, MSR, SYS, SYSL: any register or operation there is, or is not; X1. */
static void system_register(void)
{
    static const uint32_t forms[] = {0xd5100001U, 0xd5300001U, 0xd5080001U, 0xd5280001U};
    uint32_t word = forms[chaos_below(4)] | ((uint32_t)(chaos_random() & 0xfffffU) & ~0x1fU) | 1U;

    if (chaos_one_in(2)) { /* where most of those are that exist: op1 0 or 3 */
        word = (word & ~0x70000U) | (chaos_one_in(2) ? 0x30000U : 0U);
        word |= (word & 0x100000U) >> 1; /* op0 3 rather than 2 */
    }
    if (is_deadly(word) && !(may_crash != 0U && chaos_vcpu() == 1U && chaos_one_in(100))) {
        return;
    }
    run_anything(word);
}

/* Loads and stores of every width and form, base X1. */
static void device_access(void)
{
    static const uint32_t words[] = {
        0x39400022U, 0x79400022U, 0xb9400022U, 0xf9400022U, 0x39000022U,
        0x79000022U, 0xb9000022U, /* LDRx, STRx */
        0xf9000022U, 0x39800022U, 0x39c00022U, 0x79800022U, 0xb9800022U,
        0xb940003fU, 0xb900003fU, /* LDRSx, XZR */
        0xf9400022U, 0xb9400022U, 0xb9000022U, 0xb9000022U, 0xb9400022U,
        0xb9000022U, 0x39000022U, 0xa9400c22U, 0xa9000c22U, 0x29400c22U,
        0x29000c22U, 0xa8c10c22U, 0xa9bf0c22U, 0x69400c22U, /* pairs */
        0xf8408422U, 0xf8008422U, 0xb8408c22U, 0xb8008c22U, 0xb8404822U,
        0xb8004822U, 0xb8400822U, /* write-back */
        0x3d400022U, 0x7d400022U, 0xbd400022U, 0xfd400022U, 0x3dc00022U,
        0x3d800022U, 0xad400c22U, /* SIMD */
        0xad000c22U, 0x4c407022U, 0x4c007022U, 0x0d408022U, 0x88dffc22U,
        0x889ffc22U, 0xc8dffc22U, /* ordered */
        0x885f7c22U, 0x88037c22U, 0x887f0c22U, 0xb8230022U, 0x88a37c22U,
        0xd50b7421U, 0xd50b7e21U, /* atomic, DC */
        0xd5087621U, 0xd50b7521U, 0xf9800020U, 0x08dffc22U, 0x48dffc22U,
        0x489ffc22U, 0x089ffc22U,
    };
    run_anything(words[chaos_below(sizeof(words) / sizeof(words[0]))]);
}

/* Any word at all; one in a few goes astray for good, so only vCPU 1 does it. */
static void any_word(void)
{
    if (chaos_vcpu() == 1U) {
        run_anything((uint32_t)chaos_random());
    }
}

/* ---- Calls ---- */

static uint64_t function(void)
{
    static const uint32_t ranges[] = {0x84000000U, 0xc4000000U, 0x80000000U, 0xc0000000U, 0x86000000U,
                                      0xc6000000U, 0x84000050U, 0xc4000050U, 0xc5000000U, 0x85000020U,
                                      0x8600ff00U, 0x80003f00U, 0x80007f00U, 0x80008000U, 0x82000000U};

    if (chaos_one_in(3)) {
        return chaos_random();
    }
    return ranges[chaos_below(sizeof(ranges) / sizeof(ranges[0]))] + chaos_below(0x28);
}

/* Is there an interrupt that will end a wait? The last ones may have been left active, or running. */
static bool will_wake(void)
{
    bool v2 = guest_gic_version() == 2U;
    uint64_t base = v2 ? GUEST_GICD : GUEST_GICR + chaos_vcpu() * 0x20000U + 0x10000U;

    guest_gic_init();
    guest_write32(base + 0x80U, v2 ? 0U : UINT32_MAX); /* IGROUPR0 */
    guest_write32(base + 0x380U, UINT32_MAX);          /* ICACTIVER0 */
    guest_write32(base + 0x418U, 0);                   /* IPRIORITYR6: 24..27 */
    guest_gic_enable(GUEST_VTIMER_INTID);
    /* GICC_RPR, ICC_RPR_EL1 */
    if (((v2 ? guest_read32(GUEST_GICC + 0x14U) : guest_sysreg_read(S3_0_C12_C11_3)) & 0xffU) != 0xffU) {
        return false;
    }
    guest_sysreg_write(cntv_cval_el0, guest_sysreg_read(cntvct_el0) + chaos_below(200000));
    guest_sysreg_write(cntv_ctl_el0, 1);
    return true;
}

/* What would end this life before its time: SYSTEM_OFF; CPU_OFF of vCPU 0; a wait that nothing ends. */
static bool ends_too_much(uint64_t id)
{
    uint64_t low = id & 0xbfffffffU;

    if (low == 0x84000001U || low == 0x8400000cU) { /* CPU_SUSPEND, CPU_DEFAULT_SUSPEND */
        return !will_wake();
    }
    return low == 0x84000008U || (chaos_vcpu() == 0U && (low == 0x84000002U || low == 0x8400000eU)) ||
           low == 0x84000009U || low == 0x84000012U;
}

/* Who begins anywhere has no vectors, and is stopped at its first exception. */
static uint64_t entry(uint64_t id, uint64_t wanted)
{
    uint64_t low = id & 0xbfffffffU;
    bool begins = low == 0x84000001U || low == 0x84000003U || low == 0x8400000cU || low == 0x8400000eU;

    return begins && may_crash == 0U ? (uint64_t)(uintptr_t)chaos_secondary : wanted;
}

static void firmware_call(void)
{
    uint64_t id = function();
    uint64_t a = chaos_one_in(2) ? chaos_below(4) : chaos_value();
    uint64_t b = chaos_one_in(2) ? (uint64_t)(uintptr_t)chaos_secondary : chaos_value();

    if (ends_too_much(id)) {
        return;
    }
    b = entry(id, b);
    if (chaos_one_in(2)) {
        (void)guest_hvc(id, a, b, chaos_value());
    } else {
        (void)guest_smc(id, a, b, chaos_value());
    }
}

/* HVC and SMC with any immediate. */
static void odd_call(void)
{
    uint32_t word = (chaos_one_in(2) ? 0xd4000002U : 0xd4000003U) | ((uint32_t)chaos_below(0x10000) << 5);
    uint64_t registers[31];

    for (unsigned n = 0; n < 31U; n++) {
        registers[n] = chaos_value();
    }
    registers[0] = function();
    registers[2] = entry(registers[0], registers[2]);
    if (!ends_too_much(registers[0])) {
        chaos_run(word, registers);
    }
}

static void other_vcpu_on(void)
{
    uint64_t start = chaos_one_in(200) ? chaos_address() : (uint64_t)(uintptr_t)chaos_secondary;

    (void)guest_hvc(PSCI_CPU_ON, chaos_vcpu() ^ 1U, entry(PSCI_CPU_ON, start), chaos_value());
}

/* ---- Interrupts ---- */

void chaos_interrupt(void)
{
    uint64_t iar;

    interrupts = interrupts + 1U;
    guest_sysreg_write(cntv_ctl_el0, chaos_below(4)); /* a level that stays, now and then */
    guest_sysreg_write(cntv_cval_el0, guest_sysreg_read(cntvct_el0) + chaos_below(1000000));
    if (guest_gic_version() == 2U) {
        iar = guest_read32(GUEST_GICC + 0x0cU);
        if (!chaos_one_in(50)) {
            guest_write32(GUEST_GICC + 0x10U, (uint32_t)iar);
        }
    } else {
        iar = guest_sysreg_read(S3_0_C12_C12_0);
        if (!chaos_one_in(50)) {
            guest_sysreg_write(S3_0_C12_C12_1, iar);
        }
    }
}

/* As many as there can be, to everybody, with everything pending besides. */
static void interrupt_storm(void)
{
    guest_gic_init();
    for (uint32_t intid = 0; intid < 96U; intid += 1U + (uint32_t)chaos_below(4)) {
        guest_gic_enable(intid);
        guest_write32(GUEST_GICD + 0x200U + 4U * (intid / 32U), (uint32_t)chaos_random());
    }
    for (uint64_t n = chaos_below(300); n > 0U; n--) {
        guest_sgi((uint32_t)chaos_below(16), 1U + (uint32_t)chaos_below(3));
        if (chaos_one_in(16)) {
            guest_irq_unmask();
        }
    }
    guest_irq_unmask();
    for (uint64_t n = chaos_below(1000); n > 0U; n--) {
        __asm__ volatile("isb" : : : "memory");
    }
}

static void wait_for_anything(void)
{
    if (!will_wake()) {
        return;
    }
    if (chaos_one_in(2)) {
        __asm__ volatile("wfi" : : : "memory");
    } else {
        __asm__ volatile("sev\n\twfe" : : : "memory");
    }
    guest_irq_unmask();
}

/* ---- The rest ---- */

static void maintenance(void)
{
    uint64_t operand = (chaos_below(4) << 30) | (chaos_below(256) << 6) | (chaos_below(3) << 1);

    __asm__ volatile("dc csw, %0" : : "r"(operand) : "memory"); /* all of RAM, as hv does it */
    for (uint64_t at = 0; at < SCRATCH; at += 64U) {
        __asm__ volatile("dc civac, %0" : : "r"(&scratch[at]) : "memory");
    }
    __asm__ volatile("ic iallu\n\tic ialluis\n\ttlbi vmalle1is\n\ttlbi alle1is\n\tdsb sy\n\tisb"
                     :
                     :
                     : "memory");
}

/* With all interrupts masked, and not for long: the others have their turn all the same. */
static void endless_loop(void)
{
    uint64_t ms = guest_sysreg_read(cntfrq_el0) / 1000U;
    uint64_t until = guest_sysreg_read(cntvct_el0) + chaos_below(20U * ms);

    while (guest_sysreg_read(cntvct_el0) < until) {
    }
}

static void say(const char *text, uint64_t value, uint64_t more)
{
    guest_write32(GUEST_UART + 0x30U, 0x301); /* UARTCR: whoever wrote it last */
    guest_print(text);
    guest_print_hex(value);
    guest_print(" ");
    guest_print_number(more);
    guest_print("\n");
}

/* By SYSTEM_RESET; now and then by a vector where nothing is, for which hv has to stop us. */
static void end(void)
{
    bool crash = may_crash != 0U && chaos_one_in(16);

    say(crash ? "crash " : "done ", chaos_self[0].acts + chaos_self[1].acts,
        chaos_faults[0] + chaos_faults[1]);
    if (crash) {
        guest_sysreg_write(vbar_el1, CHAOS_HOLE);
        __asm__ volatile("brk #1" : : : "memory");
    }
    (void)guest_hvc(RESET, 0, 0, 0);
}

/* Who went astray into the common code. */
void guest_off(void)
{
    chaos_again();
}

bool guest_fault(unsigned vector, uint64_t *elr)
{
    (void)vector;
    (void)elr;
    chaos_again();
}

static const struct {
    void (*act)(void);
    uint32_t weight;
} acts[] = {
    {system_register, 300}, {device_access, 300}, {firmware_call, 100},  {odd_call, 40},
    {any_word, 60},         {chaos_tables, 100},  {interrupt_storm, 20}, {wait_for_anything, 10},
    {maintenance, 10},      {endless_loop, 5},    {other_vcpu_on, 40},   {chaos_virtio, 100},
};

static void act(void)
{
    uint32_t all = 0;
    uint64_t dice;

    for (unsigned n = 0; n < sizeof(acts) / sizeof(acts[0]); n++) {
        all += acts[n].weight;
    }
    dice = chaos_below(all);
    for (unsigned n = 0; n < sizeof(acts) / sizeof(acts[0]); n++) {
        if (dice < acts[n].weight) {
            chaos_self[chaos_vcpu()].kind = n;
            acts[n].act();
            return;
        }
        dice -= acts[n].weight;
    }
}

void chaos_loop(void)
{
    struct chaos_self *self = &chaos_self[chaos_vcpu()];
    uint64_t grace = guest_sysreg_read(cntfrq_el0);

    for (;;) {
        self->acts++;
        guest_sysreg_write(cpacr_el1, UINT64_C(3) << 20);
        if (guest_sysreg_read(cntvct_el0) >=
            chaos_deadline + chaos_vcpu() * grace) { /* vCPU 1 if 0 is lost */
            end();
        }
        act();
        __asm__ volatile("msr daifset, #0xf" : : : "memory");
    }
}

/* ---- The beginning ---- */

/* "chaos=0x…" somewhere in the device tree: its words are big-endian, its strings are strings. 0: not there. */
static uint64_t option(uint64_t tree, const char *name)
{
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)tree;
    uint32_t size = __builtin_bswap32(*(const uint32_t *)(uintptr_t)(tree + 4U));
    uint64_t value = 0;

    for (uint32_t at = 0; at + 32U < size; at++) {
        uint32_t n = 0;

        while (name[n] != '\0' && bytes[at + n] == (uint8_t)name[n]) {
            n++;
        }
        if (name[n] != '\0') {
            continue;
        }
        for (at += n;; at++) {
            uint8_t digit = bytes[at];

            if (digit >= '0' && digit <= '9') {
                value = value * 16U + digit - '0';
            } else if (digit >= 'a' && digit <= 'f') {
                value = value * 16U + digit - 'a' + 10U;
            } else {
                return value;
            }
        }
    }
    return 0;
}

void guest_main(uint64_t device_tree)
{
    uint64_t seed = option(device_tree, "chaos-life=0x");

    if (seed == 0U) {
        seed =
            option(device_tree, "chaos=0x") ^ (guest_sysreg_read(cntvct_el0) * UINT64_C(0x9e3779b97f4a7c15));
    }
    may_crash = option(device_tree, "chaos-crash=0x");
    say("life ", seed, 0);
    chaos_self[0].random = seed | 1U;
    chaos_self[1].random = (seed * UINT64_C(0x2545f4914f6cdd1d)) | 1U;
    chaos_deadline = guest_sysreg_read(cntvct_el0) + guest_sysreg_read(cntfrq_el0) / 1000U * LIFE_MS;
    if (may_crash !=
        0U) { /* should both vCPUs be lost: hv stops us after two lots of a second, and begins anew */
        guest_write32(GUEST_WDOG, 24000000U);
        guest_write32(GUEST_WDOG + 0x008U, 3);
        guest_write32(GUEST_WDOG + 0xc00U, 0);
    }
    chaos_tables_build();
    if (chaos_one_in(2)) {
        chaos_mmu_on();
    }
    other_vcpu_on();
    chaos_again();
}
