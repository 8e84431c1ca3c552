/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest may rely on, and what it may not do, in one pass on two vCPUs. A line a check; BASICS PASS at the
 * end. */
#include "common/guest.h"

#define PSCI_VERSION       UINT64_C(0x84000000)
#define PSCI_CPU_OFF       UINT64_C(0x84000002)
#define PSCI_CPU_ON        UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO UINT64_C(0xc4000004)

#define SGI 3U

void guest_secondary_start(void);

static volatile uint32_t faults;
static volatile uint64_t fault_esr;
static volatile uint64_t fault_far;
static volatile uint64_t timer_fired;
static volatile uint64_t sgi_seen[2];
static volatile uint64_t sgi_again; /* from the handler, as often */
static volatile uint64_t secondary_up;
static volatile uint64_t secondary_context;
static unsigned failures;

static void check(const char *what, bool ok)
{
    guest_print(ok ? "ok   " : "FAIL ");
    guest_print(what);
    guest_print("\n");
    failures += ok ? 0U : 1U;
}

bool guest_fault(unsigned vector, uint64_t *elr)
{
    (void)vector;
    faults = faults + 1U;
    fault_esr = guest_sysreg_read(esr_el1);
    fault_far = guest_sysreg_read(far_el1);
    *elr += 4U;
    return true;
}

static bool faulted_with(uint64_t ec)
{
    bool did = faults == 1U && (fault_esr >> 26) == ec;

    faults = 0;
    return did;
}

static bool aborted_with(uint64_t fsc)
{
    return faulted_with(0x25) && (fault_esr & 0x3fU) == fsc;
}

static bool nothing_faulted(void)
{
    bool none = faults == 0U;

    faults = 0;
    return none;
}

static void send_sgi(uint64_t to)
{
    guest_sgi(SGI, UINT32_C(1) << to);
}

void guest_interrupt(uint32_t intid)
{
    uint64_t self = guest_sysreg_read(mpidr_el1) & 0xffU;

    if (intid == GUEST_VTIMER_INTID) {
        guest_sysreg_write(cntv_ctl_el0, 0);
        timer_fired = timer_fired + 1U;
    } else if (intid == SGI) {
        sgi_seen[self] = sgi_seen[self] + 1U;
        if (sgi_again > 0U) {
            sgi_again = sgi_again - 1U;
            send_sgi(self);
        }
    }
}

static bool wait_for(const volatile uint64_t *word, uint64_t value)
{
    uint64_t deadline = guest_sysreg_read(cntvct_el0) + 20U * guest_sysreg_read(cntfrq_el0);

    while (*word != value) {
        if (guest_sysreg_read(cntvct_el0) > deadline) {
            return false;
        }
        __asm__ volatile("yield" : : : "memory");
    }
    return true;
}

void guest_secondary(uint64_t number)
{
    secondary_context = number;
    guest_gic_init();
    guest_gic_enable(SGI);
    guest_irq_unmask();
    secondary_up = 1;
    while (sgi_seen[1] == 0U) {
        __asm__ volatile("wfi" : : : "memory");
    }
    send_sgi(0);
    (void)guest_hvc(PSCI_CPU_OFF, 0, 0, 0);
    check("CPU_OFF does not return", false);
}

static void check_firmware(void)
{
    check("PSCI_VERSION by HVC is 1.1", guest_hvc(PSCI_VERSION, 0, 0, 0) == 0x10001);
    check("an SMC that the VM may make, or not, of no firmware",
          (int32_t)guest_smc(0x82000001U, 0, 0, 0) == -1);
    check("an unknown SMC is NOT_SUPPORTED", (int32_t)guest_smc(0xc5001234U, 0, 0, 0) == -1);
}

static void check_secondary(void)
{
    uint64_t entry = (uint64_t)(uintptr_t)guest_secondary_start;

    for (unsigned life = 0; life < 3U; life++) {
        secondary_up = 0;
        sgi_seen[0] = 0;
        sgi_seen[1] = 0;
        check("CPU_ON", guest_hvc(PSCI_CPU_ON, 1, entry, 1) == 0);
        check("the other vCPU runs", wait_for(&secondary_up, 1));
        check("context_id arrives in x0", secondary_context == 1U);
        send_sgi(1);
        check("an SGI to the other vCPU", wait_for(&sgi_seen[1], 1));
        check("and one back", wait_for(&sgi_seen[0], 1));
        while (guest_hvc(PSCI_AFFINITY_INFO, 1, 0, 0) != 1) {
            __asm__ volatile("yield");
        }
        check("CPU_OFF shows in AFFINITY_INFO", true);
    }
}

/** An SGI to oneself stays one while it is pending, and comes once more if it is sent while it is active. */
static void check_sgis_to_self(void)
{
    sgi_seen[0] = 0;
    __asm__ volatile("msr daifset, #2" : : : "memory");
    send_sgi(0);
    send_sgi(0);
    send_sgi(0);
    check("a masked SGI waits", sgi_seen[0] == 0U);
    guest_irq_unmask();
    check("three pending SGIs are one", wait_for(&sgi_seen[0], 1));
    sgi_seen[0] = 0;
    sgi_again = 2;
    send_sgi(0);
    check("an SGI sent by its own handler comes after it", wait_for(&sgi_seen[0], 3) && sgi_again == 0U);
    sgi_seen[0] = 0;
}

static void check_interrupts(void)
{
    uint64_t before = guest_sysreg_read(cntvct_el0);
    uint64_t ticks = guest_sysreg_read(cntfrq_el0) / 100U;

    send_sgi(0);
    check("an SGI to oneself", wait_for(&sgi_seen[0], 1));
    guest_sysreg_write(cntv_cval_el0, before + ticks);
    guest_sysreg_write(cntv_ctl_el0, 1);
    while (timer_fired == 0U) {
        __asm__ volatile("wfi" : : : "memory");
    }
    check("the virtual timer ends a WFI, not early", guest_sysreg_read(cntvct_el0) - before >= ticks);
    for (uint64_t n = 2; n < 200U; n++) {
        guest_sysreg_write(cntv_cval_el0, guest_sysreg_read(cntvct_el0) + 1000U);
        guest_sysreg_write(cntv_ctl_el0, 1);
        if (!wait_for(&timer_fired, n)) {
            check("the timer again", false);
            return;
        }
    }
    check("the timer fires again and again", true);
    before = guest_sysreg_read(cntvct_el0);
    check("CNTPCT and CNTVCT agree", guest_sysreg_read(cntpct_el0) - before < ticks);
}

static void check_devices(void)
{
    bool v3 = guest_gic_version() == 3U;

    check("PL011 by its ID", guest_read32(GUEST_UART + 0xfe0U) == 0x11U);
    check("PL031 by its ID", guest_read32(GUEST_RTC + 0xfe0U) == 0x31U);
    check("the RTC is past 2020", guest_read32(GUEST_RTC) > 1577836800U);
    check("GICD says its version",
          (guest_read32(GUEST_GICD + (v3 ? 0xffe8U : 0xfe8U)) >> 4) == (v3 ? 3U : 2U));
    check("all of them without a fault", nothing_faulted());
    (void)guest_read32(v3 ? GUEST_GICR + 0x40000U : GUEST_GICR);
    check("behind the GIC's frames is an external abort", aborted_with(0x10));
}

static void check_faults(void)
{
    *(volatile uint32_t *)(uintptr_t)0x10000004U = 1;
    check("a write where nothing is: data abort", (fault_esr & 0x7fU) == 0x50U && fault_far == 0x10000004U);
    check("... taken once, to EL1", faulted_with(0x25));
    __asm__ volatile("mrs x0, pmcr_el0" : : : "x0");
    check("the hidden PMU is UNDEFINED", faulted_with(0x00));
    __asm__ volatile("mrs x0, s3_1_c15_c2_0" : : : "x0");
    check("a CPU's own register: no harm", true);
    faults = 0;
    __asm__ volatile(".inst 0x00000000");
    check("UDF is the guest's own", faulted_with(0x00));
    __asm__ volatile("dc cisw, xzr" : : : "memory");
    check("set/way maintenance comes back", faults == 0U);
    guest_sysreg_write(ttbr0_el1, 0);
    guest_sysreg_write(contextidr_el1, 0x55);
    check("registers trapped after it are written", guest_sysreg_read(contextidr_el1) == 0x55U);
}

static void check_registers(void)
{
    uint64_t a = 0x1111111111111111U;
    uint64_t b = 0x2222222222222222U;
    uint64_t wide;

    check("MPIDR of vCPU 0", guest_sysreg_read(mpidr_el1) == 0x80000000U);
    check("no EL2 for a guest", ((guest_sysreg_read(id_aa64pfr0_el1) >> 8) & 0xfU) == 0U);
    check("no PMU in ID_AA64DFR0", ((guest_sysreg_read(id_aa64dfr0_el1) >> 8) & 0xfU) == 0U);
    __asm__ volatile("mov x19, %0\n\tmov x28, %1\n\tmov x0, #0\n\thvc #0\n\tmov %0, x19\n\tmov %1, x28"
                     : "+r"(a), "+r"(b)
                     :
                     : "x0", "x1", "x2", "x3", "x19", "x28", "memory");
    check("x19..x28 survive an HVC", a == 0x1111111111111111U && b == 0x2222222222222222U);
    if (guest_gic_version() == 3U) { /* a GICv2 has no register of 64 bits */
        __asm__ volatile("ldr x20, [%1]\n\tmov %0, x20" : "=r"(wide) : "r"(GUEST_GICR + 8U) : "x20");
        check("a 64-bit read into a callee-saved register", (wide & 0xffffff00U) == 0U);
    }
    __asm__ volatile("mov x21, #-1\n\tldrsb w21, [%1]\n\tmov %0, x21"
                     : "=r"(wide)
                     : "r"(GUEST_UART + 0xff4U)
                     : "x21");
    check("a sign-extending byte read into W", wide == 0xfffffff0U);
    __asm__ volatile("ldrsb %0, [%1]" : "=r"(wide) : "r"(GUEST_UART + 0xff4U));
    check("and into X", wide == 0xfffffffffffffff0U);
}

void guest_main(uint64_t device_tree)
{
    check("x0 is the device tree", guest_read32(device_tree) == 0xedfe0dd0U);
    check("entered at EL1", guest_sysreg_read(currentel) == 4U);
    guest_gic_init();
    guest_gic_enable(SGI);
    guest_gic_enable(GUEST_VTIMER_INTID);
    guest_irq_unmask();
    check_firmware();
    check_registers();
    check_sgis_to_self();
    check_interrupts();
    check_devices();
    check_faults();
    check_secondary();
    if (failures == 0U) {
        guest_print("BASICS PASS\n");
    }
}
