/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/check.h"

#include "common/guest.h"

#define WAIT_S 20U

volatile struct check_fault check_last;
volatile uint64_t check_return_to;

static unsigned checks;
static unsigned failures;

static bool count(const char *name, bool ok)
{
    checks++;
    if (!ok) {
        failures++;
        guest_print("FAIL ");
        guest_print(name);
    }
    return ok;
}

void check(const char *name, bool ok)
{
    if (!count(name, ok)) {
        guest_print("\n");
    }
}

static void print_difference(uint64_t got, uint64_t wanted)
{
    guest_print(": got ");
    guest_print_hex(got);
    guest_print(", wanted ");
    guest_print_hex(wanted);
    guest_print("\n");
}

void check_equal(const char *name, uint64_t got, uint64_t wanted)
{
    if (!count(name, got == wanted)) {
        print_difference(got, wanted);
    }
}

void check_equal_at(const char *name, uint64_t at, uint64_t got, uint64_t wanted)
{
    if (!count(name, got == wanted)) {
        guest_print(" at ");
        guest_print_hex(at);
        print_difference(got, wanted);
    }
}

bool check_end(const char *topic)
{
    guest_print(topic);
    if (failures == 0U) {
        guest_print(" PASS, ");
    } else {
        guest_print(" FAIL, ");
        guest_print_number(failures);
        guest_print(" of ");
    }
    guest_print_number(checks);
    guest_print(" checks\n");
    return failures == 0U;
}

bool guest_fault(unsigned vector, uint64_t *elr)
{
    check_last.count = check_last.count + 1U;
    check_last.vector = vector;
    check_last.esr = guest_sysreg_read(esr_el1);
    check_last.far = guest_sysreg_read(far_el1);
    check_last.spsr = guest_sysreg_read(spsr_el1);
    check_last.elr = *elr;
    *elr = check_return_to != 0U ? check_return_to : *elr + 4U;
    check_return_to = 0;
    return true;
}

void check_fault(const char *name, uint64_t ec, uint64_t mask, uint64_t iss)
{
    bool ok = check_last.count == 1U && (check_last.esr >> 26) == ec && (check_last.esr & mask) == iss;

    if (!count(name, ok)) {
        guest_print(": ");
        guest_print_number(check_last.count);
        guest_print(" exceptions, esr");
        print_difference(check_last.esr, (ec << 26) | iss);
    }
    check_last.count = 0;
}

void check_no_fault(const char *name)
{
    bool ok = check_last.count == 0U;

    if (!count(name, ok)) {
        guest_print(": exceptions, esr");
        print_difference(check_last.esr, 0);
    }
    check_last.count = 0;
}

bool check_wait(const volatile uint64_t *word, uint64_t value)
{
    uint64_t start = guest_sysreg_read(cntvct_el0);
    uint64_t limit = WAIT_S * guest_sysreg_read(cntfrq_el0);

    while (*word != value) {
        if (guest_sysreg_read(cntvct_el0) - start > limit) {
            return false;
        }
        __asm__ volatile("yield" : : : "memory");
    }
    return true;
}
