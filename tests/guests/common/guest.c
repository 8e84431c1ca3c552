/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/guest.h"

#define PSCI_SYSTEM_OFF UINT64_C(0x84000008)

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((volatile char *)to)[i] = ((const char *)from)[i];
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((volatile char *)to)[i] = (char)byte;
    }
    return to;
}

void guest_print(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            guest_write32(GUEST_UART, '\r');
        }
        guest_write32(GUEST_UART, (uint8_t)*text);
    }
}

void guest_print_number(uint64_t value)
{
    char digits[21];
    unsigned at = sizeof(digits) - 1U;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10U);
        value /= 10U;
    } while (value != 0U);
    guest_print(&digits[at]);
}

void guest_print_hex(uint64_t value)
{
    static const char hex[] = "0123456789abcdef";
    char digits[19];

    digits[0] = '0';
    digits[1] = 'x';
    for (unsigned i = 0; i < 16U; i++) {
        digits[2U + i] = hex[(value >> (60U - 4U * i)) & 0xfU];
    }
    digits[18] = '\0';
    guest_print(digits);
}

#define GUEST_CALL(instruction)                                                                              \
    register uint64_t x0 __asm__("x0") = function;                                                           \
    register uint64_t x1 __asm__("x1") = a;                                                                  \
    register uint64_t x2 __asm__("x2") = b;                                                                  \
    register uint64_t x3 __asm__("x3") = c;                                                                  \
    __asm__ volatile(instruction : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");                     \
    return (int64_t)x0

int64_t guest_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    GUEST_CALL("hvc #0");
}

int64_t guest_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    GUEST_CALL("smc #0");
}

__attribute__((weak)) void guest_off(void)
{
    (void)guest_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static uint64_t redistributor(void)
{
    return GUEST_GICR + (guest_sysreg_read(mpidr_el1) & 0xffU) * 0x20000U;
}

unsigned guest_gic_version(void)
{
    return ((guest_sysreg_read(id_aa64pfr0_el1) >> 24) & 0xfU) != 0U ? 3U : 2U;
}

static void gicv2_init(void)
{
    guest_write32(GUEST_GICC + 0x04U, 0xff); /* GICC_PMR */
    guest_write32(GUEST_GICC + 0x00U, 1);    /* GICC_CTLR: EnableGrp0 */
    guest_write32(GUEST_GICD, 1);            /* EnableGrp0 */
}

void guest_gic_init(void)
{
    uint64_t sgi_base = redistributor() + 0x10000U;

    if (guest_gic_version() == 2U) {
        gicv2_init();
        return;
    }
    guest_write32(GUEST_GICD, 0x12); /* ARE, EnableGrp1 */
    guest_write32(redistributor() + 0x14U, 0);
    while ((guest_read32(redistributor() + 0x14U) & 4U) != 0U) {
        __asm__ volatile("yield");
    }
    guest_write32(sgi_base + 0x80U, UINT32_MAX); /* Group 1 */
    guest_sysreg_write(S3_0_C12_C12_5, 7);       /* ICC_SRE_EL1 */
    guest_sysreg_write(S3_0_C4_C6_0, 0xff);      /* ICC_PMR_EL1 */
    guest_sysreg_write(S3_0_C12_C12_7, 1);       /* ICC_IGRPEN1_EL1 */
}

void guest_gic_enable(uint32_t intid)
{
    bool v2 = guest_gic_version() == 2U;
    uint64_t base = intid < 32U && !v2 ? redistributor() + 0x10000U : GUEST_GICD;

    if (v2 && intid >= 32U) { /* GICD_ITARGETSR: to this CPU */
        uint64_t at = GUEST_GICD + 0x800U + (intid & ~3U);
        uint32_t shift = 8U * (intid & 3U);
        uint32_t self = guest_read32(GUEST_GICD + 0x800U) & 0xffU;
        guest_write32(at, (guest_read32(at) & ~(0xffU << shift)) | (self << shift));
    }
    guest_write32(base + 0x100U + 4U * (intid / 32U), 1U << (intid % 32U));
}

void guest_sgi(uint32_t intid, uint32_t to)
{
    if (guest_gic_version() == 2U) {
        guest_write32(GUEST_GICD + 0xf00U, (to << 16) | intid); /* GICD_SGIR */
    } else {
        guest_sysreg_write(S3_0_C12_C11_5, ((uint64_t)intid << 24) | to); /* ICC_SGI1R_EL1 */
    }
}

void guest_irq_unmask(void)
{
    __asm__ volatile("msr daifclr, #2" : : : "memory");
}

__attribute__((weak)) void guest_secondary(uint64_t number)
{
    (void)number;
}

__attribute__((weak)) void guest_interrupt(uint32_t intid)
{
    (void)intid;
}

__attribute__((weak)) bool guest_fault(unsigned vector, uint64_t *elr)
{
    (void)vector;
    (void)elr;
    return false;
}

static void take_gicv2_interrupt(void)
{
    uint32_t iar = guest_read32(GUEST_GICC + 0x0cU);

    if ((iar & 0x3ffU) < 1020U) {
        guest_interrupt(iar & 0x3ffU);
        guest_write32(GUEST_GICC + 0x10U, iar);
    }
}

static void take_gicv3_interrupt(void)
{
    uint64_t intid = guest_sysreg_read(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

    if (intid < 1020U) {
        guest_interrupt((uint32_t)intid);
        guest_sysreg_write(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
    }
}

__attribute__((weak)) void guest_irq(void)
{
    if (guest_gic_version() == 2U) {
        take_gicv2_interrupt();
    } else {
        take_gicv3_interrupt();
    }
}

void guest_exception(unsigned vector, uint64_t *elr)
{
    if (vector == 5U) {
        guest_irq();
        return;
    }
    if (guest_fault(vector, elr)) {
        return;
    }
    guest_print("guest: exception, vector ");
    guest_print_number(vector);
    guest_print(", esr ");
    guest_print_hex(guest_sysreg_read(esr_el1));
    guest_print(", elr ");
    guest_print_hex(*elr);
    guest_print("\n");
    guest_off();
}
