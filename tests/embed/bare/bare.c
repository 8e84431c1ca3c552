/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare.h"

#define PL011_DR UINT64_C(0x09000000)

_Static_assert(offsetof(struct guest, pc) == 248, "start.S");

void print(const char *text)
{
    for (; *text != '\0'; text++) {
        *(volatile uint32_t *)PL011_DR = (unsigned char)*text;
    }
}

void print_hex(uint64_t value)
{
    char text[19] = "0x";

    for (unsigned i = 0; i < 16U; i++) {
        text[2U + i] = "0123456789abcdef"[(value >> (60U - 4U * i)) & 15U];
    }
    print(text);
}

_Noreturn void fail(const char *what, uint64_t value)
{
    print("FAIL: ");
    print(what);
    print(": ");
    print_hex(value);
    print("\n");
    machine_off();
}

void expect(bool claim, const char *what)
{
    if (!claim) {
        fail(what, 0);
    }
}

void expect_equal(uint64_t is, uint64_t should_be, const char *what)
{
    if (is != should_be) {
        fail(what, is);
    }
}

_Noreturn void own_fault(uint64_t esr, uint64_t elr)
{
    print_hex(esr);
    fail(": an exception at EL2, or of a kind that the guest has no reason for, at", elr);
}

/* ESR_EL2: EC [31:26], 0x16 is HVC from AArch64; ISS [15:0] its immediate (DDI 0487 D17.2.37). */
void run_to_hvc(struct guest *guest, unsigned number)
{
    expect_equal((uint64_t)guest_run(guest), 0, "the guest left by an interrupt");
    expect_equal(SYSREG_READ(esr_el2) >> 26, 0x16, "not an HVC");
    expect_equal(SYSREG_READ(esr_el2) & 0xFFFFU, number, "another HVC");
}

void bare_main(void)
{
    program();
    print("PASS\n");
}

/* The four functions that the archives leave to us. -fno-builtin, or they would be made into calls of themselves. */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *t = (unsigned char *)to;
    const unsigned char *f = (const unsigned char *)from;

    for (size_t i = 0; i < size; i++) {
        size_t at = t < f ? i : size - 1U - i;

        t[at] = f[at];
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;

    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}
