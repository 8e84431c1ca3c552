/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/hypercalls.md, as the manager and as any other guest: which of them it is, it asks. A manager expects one other
 * VM, number 1, that runs for ever, and takes it through its life. */
#include "common/check.h"
#include "common/guest.h"

#define CALL(number) (UINT64_C(0xc6000000) + (number))
enum { VERSION, FEATURES, SELF, WRITE, YIELD, COUNT = 0x10, STATE, NAME, COMMAND };
enum { CREATE, START, PAUSE, RESUME, RESTART, SHUTDOWN, POWER_OFF, DESTROY, COMMANDS };
enum { ABSENT, CREATING, OFF, STARTING, RUNNING, PAUSING, PAUSED };

#define NOT_SUPPORTED UINT64_MAX
#define INVALID       (UINT64_MAX - 2U)
#define DENIED        (UINT64_MAX - 3U)
#define BUSY          (UINT64_MAX - 4U)
#define NO_VM         (UINT64_MAX - 5U)

#define OTHER 1U

struct answer {
    uint64_t x[6];
};

static struct answer call(uint64_t function, uint64_t a, uint64_t b)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = 0x3333;
    register uint64_t x4 __asm__("x4") = 0x4444;
    register uint64_t x17 __asm__("x17") = 0x1717;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x17) : : "memory");
    return (struct answer){{x0, x1, x2, x3, x4, x17}};
}

static uint64_t status(unsigned number, uint64_t a, uint64_t b)
{
    return call(CALL(number), a, b).x[0];
}

static void check_common(bool manager)
{
    struct answer answer = call(CALL(VERSION), 5, 6);

    check_equal("VERSION: 1.0", answer.x[0], 0x10000);
    check("... changes x0 alone", answer.x[1] == 5U && answer.x[2] == 6U && answer.x[3] == 0x3333U &&
                                      answer.x[4] == 0x4444U && answer.x[5] == 0x1717U);
    for (unsigned n = 0; n < 0x20U; n++) {
        bool is_call = n <= YIELD || (n >= COUNT && n <= COMMAND);

        check_equal_at("FEATURES", n, status(FEATURES, CALL(n), 0),
                       !is_call ? NOT_SUPPORTED : (n >= COUNT && !manager ? DENIED : 0U));
        if (!is_call) {
            check_equal_at("no such call", n, status(n, 0, 0), NOT_SUPPORTED);
        }
    }
    check_equal("the 32-bit convention has none of them", call(0x86000000U, 0, 0).x[0] & UINT32_MAX,
                UINT32_MAX);
    check_equal("YIELD", status(YIELD, 0, 0), 0);
}

static void check_write(void)
{
    static const char line[] = "written by a hypercall\r\n";

    check_equal("CONSOLE_WRITE takes a line", status(WRITE, (uint64_t)(uintptr_t)line, sizeof(line) - 1U),
                sizeof(line) - 1U);
    check_equal("... of a device", status(WRITE, GUEST_UART, 4), INVALID);
    check_equal("... of nothing", status(WRITE, 0, 1), INVALID);
    check_equal("... over the end of addresses", status(WRITE, UINT64_MAX, 2), INVALID);
}

static void check_denied(void)
{
    check_equal("VM_COUNT", status(COUNT, 0, 0), DENIED);
    for (uint64_t id = 0; id < 5U; id++) {
        check_equal_at("VM_STATE", id, status(STATE, id, 0), DENIED);
        check_equal_at("VM_NAME", id, status(NAME, id, 0), DENIED);
        for (uint64_t command = 0; command <= COMMANDS; command++) {
            check_equal_at("VM_COMMAND", id << 4 | command, status(COMMAND, id, command), DENIED);
        }
    }
}

static void check_bad(void)
{
    static const uint64_t bad[] = {2, 63, UINT32_MAX, UINT64_C(0x100000001), UINT64_MAX};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check_equal_at("VM_STATE of none", bad[i], status(STATE, bad[i], 0), NO_VM);
        check_equal_at("VM_NAME of none", bad[i], status(NAME, bad[i], 0), NO_VM);
        for (uint64_t command = 0; command <= COMMANDS; command++) {
            check_equal_at("VM_COMMAND of none", command, status(COMMAND, bad[i], command), NO_VM);
        }
    }
    check_equal("a command that is none", status(COMMAND, OTHER, COMMANDS), INVALID);
    check_equal("about itself: start", status(COMMAND, 0, START), BUSY);
    check_equal("about itself: its state", call(CALL(STATE), 0, 0).x[1], RUNNING);
}

static bool becomes(uint64_t state)
{
    uint64_t begin = guest_sysreg_read(cntvct_el0);

    while (call(CALL(STATE), OTHER, 0).x[1] != state) {
        if (guest_sysreg_read(cntvct_el0) - begin > 20U * guest_sysreg_read(cntfrq_el0)) {
            return false;
        }
        (void)status(YIELD, 0, 0);
    }
    return true;
}

static void check_commands(void)
{
    static const struct {
        const char *what;
        uint8_t command;
        uint8_t state; /* that it becomes */
    } steps[] = {{"pause", PAUSE, PAUSED},      {"resume", RESUME, RUNNING}, {"restart", RESTART, RUNNING},
                 {"power off", POWER_OFF, OFF}, {"start", START, RUNNING},   {"destroy", DESTROY, ABSENT},
                 {"create", CREATE, OFF},       {"start", START, RUNNING}};

    check("the other one runs", becomes(RUNNING));
    check_equal("it has a name", call(CALL(NAME), OTHER, 0).x[1], 0x726568746fU); /* "other" */
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        check_equal(steps[i].what, status(COMMAND, OTHER, steps[i].command), 0);
        check(steps[i].what, becomes(steps[i].state));
    }
}

void guest_main(uint64_t device_tree)
{
    struct answer self = call(CALL(SELF), 0, 0);
    bool manager = self.x[3] == 1U;

    (void)device_tree;
    check("SELF", self.x[0] == 0U && self.x[2] == 1U && self.x[3] <= 1U);
    check_common(manager);
    check_write();
    if (manager) {
        check_equal("VM_COUNT", status(COUNT, 0, 0), 2);
        check_bad();
        check_commands();
    } else {
        check_denied();
    }
    (void)check_end(manager ? "MANAGER" : "GUEST");
}
