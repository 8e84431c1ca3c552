/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's /init for Linux: measures by CNTVCT, which EL0 may read, what a program sees of a hypervisor. A line
 * an event, `bench: <event> <median> <least> <most>`; at the end the device tree in hexadecimal, `fdt: …`. Alone in
 * its initramfs but for a busybox; no C library. */
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

#define SYS_MOUNT             40
#define SYS_OPENAT            56
#define SYS_CLOSE             57
#define SYS_PIPE2             59
#define SYS_READ              63
#define SYS_WRITE             64
#define SYS_EXIT              93
#define SYS_NANOSLEEP         101
#define SYS_CLOCK_GETTIME     113
#define SYS_SCHED_SETAFFINITY 122
#define SYS_REBOOT            142
#define SYS_GETPPID           173
#define SYS_MUNMAP            215
#define SYS_CLONE             220
#define SYS_EXECVE            221
#define SYS_MMAP              222
#define SYS_WAIT4             260

#define AT_FDCWD         (-100)
#define CLOCK_MONOTONIC  1
#define SIGCHLD          17
#define POWER_OFF        0x4321fedc
#define MAP_PRIVATE_ANON 0x22
#define PROT_READ_WRITE  3

#define ROUNDS     301U
#define PAGE_COUNT 1024U
#define PAGE_SIZE  4096U

void _start(void);

static uint64_t samples[ROUNDS];
static const char *const no_environment[1];

static inline uint64_t ticks(void)
{
    uint64_t now;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(now) : : "memory");
    return now;
}

static inline int64_t call(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;
    register uint64_t x4 __asm__("x4") = e;
    register uint64_t x5 __asm__("x5") = 0;
    register int64_t x8 __asm__("x8") = number;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8) : "memory");
    return (int64_t)x0;
}

static uint64_t address(const volatile void *of)
{
    return (uint64_t)(uintptr_t)of;
}

static size_t length(const char *text)
{
    size_t n = 0;

    while (text[n] != '\0') {
        n++;
    }
    return n;
}

static void print(const char *text)
{
    (void)call(SYS_WRITE, 1, address(text), length(text), 0, 0);
}

static char *decimal(char *to, uint64_t value)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + value % 10U);
        value /= 10U;
    } while (value != 0U);
    while (n > 0U) {
        *to++ = digits[--n];
    }
    return to;
}

static void report(const char *event, unsigned rounds)
{
    char line[128];
    char *at = line;
    const uint64_t figures[] = {rounds / 2U, 0, rounds - 1U};

    for (unsigned i = 1; i < rounds; i++) {
        uint64_t moved = samples[i];
        unsigned j = i;

        for (; j > 0U && samples[j - 1U] > moved; j--) {
            samples[j] = samples[j - 1U];
        }
        samples[j] = moved;
    }
    memcpy(at, "bench: ", 7);
    at += 7;
    memcpy(at, event, length(event));
    at += length(event);
    for (unsigned i = 0; i < 3U; i++) {
        *at++ = ' ';
        at = decimal(at, samples[figures[i]]);
    }
    *at++ = '\n';
    *at = '\0';
    print(line);
}

static int64_t fork(void)
{
    return call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0);
}

_Noreturn static void leave(void)
{
    for (;;) {
        (void)call(SYS_EXIT, 0, 0, 0, 0, 0);
    }
}

static void reap(int64_t child)
{
    (void)call(SYS_WAIT4, (uint64_t)child, 0, 0, 0, 0);
}

static void stay_on(unsigned cpu)
{
    uint64_t mask = UINT64_C(1) << cpu;

    (void)call(SYS_SCHED_SETAFFINITY, 0, sizeof(mask), address(&mask), 0, 0);
}

/* ---- What is measured -------------------------------------------------------------------------------------------- */

static void one_syscall(void)
{
    (void)call(SYS_GETPPID, 0, 0, 0, 0, 0);
}

static void one_fork(void)
{
    int64_t child = fork();

    if (child == 0) {
        leave();
    }
    reap(child);
}

static void run_busybox(const char *const *arguments)
{
    int64_t child = fork();

    if (child == 0) {
        (void)call(SYS_EXECVE, address("/bin/busybox"), address(arguments), address(no_environment), 0, 0);
        leave();
    }
    reap(child);
}

static void one_exec(void)
{
    static const char *const arguments[] = {"true", NULL};

    run_busybox(arguments);
}

static void one_shell_script(void)
{
    static const char *const arguments[] = {
        "sh", "-c", "n=0; while [ $n -lt 20 ]; do echo $n | cat >/dev/null; n=$((n+1)); done", NULL};

    run_busybox(arguments);
}

static void one_sleep(void)
{
    const uint64_t millisecond[2] = {0, 1000000};

    (void)call(SYS_NANOSLEEP, address(millisecond), 0, 0, 0, 0);
}

static void fresh_pages(void)
{
    int64_t pages =
        call(SYS_MMAP, 0, (uint64_t)PAGE_COUNT * PAGE_SIZE, PROT_READ_WRITE, MAP_PRIVATE_ANON, UINT64_MAX);

    for (unsigned i = 0; i < PAGE_COUNT; i++) {
        *(volatile char *)(uintptr_t)(pages + (int64_t)i * PAGE_SIZE) = 1;
    }
    (void)call(SYS_MUNMAP, (uint64_t)pages, (uint64_t)PAGE_COUNT * PAGE_SIZE, 0, 0, 0);
}

static void measure(const char *event, void (*what)(void), unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t from = ticks();
        what();
        samples[i] = ticks() - from - 1U;
    }
    report(event, rounds);
}

/** The mean: where a single turn takes one of a few ways through the kernel, a median jumps between them. A turn is
 *  long enough to take all of them: how many of 64 pages the kernel's per-CPU lists held would be chance. */
static void measure_mean(const char *event, void (*what)(void), unsigned rounds)
{
    uint64_t from = ticks();

    for (unsigned i = 0; i < rounds; i++) {
        what();
    }
    samples[0] = (ticks() - from - 1U) / rounds;
    report(event, 1);
}

/** A byte there and back through two pipes, the other end on CPU @cpu. */
static void measure_pipes(const char *event, unsigned cpu)
{
    int there[2];
    int back[2];
    char byte = 0;
    int64_t child;

    (void)call(SYS_PIPE2, address(there), 0, 0, 0, 0);
    (void)call(SYS_PIPE2, address(back), 0, 0, 0, 0);
    child = fork();
    if (child == 0) {
        stay_on(cpu);
        for (unsigned i = 0; i < ROUNDS; i++) {
            (void)call(SYS_READ, (uint64_t)there[0], address(&byte), 1, 0, 0);
            (void)call(SYS_WRITE, (uint64_t)back[1], address(&byte), 1, 0, 0);
        }
        leave();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t from = ticks();
        (void)call(SYS_WRITE, (uint64_t)there[1], address(&byte), 1, 0, 0);
        (void)call(SYS_READ, (uint64_t)back[0], address(&byte), 1, 0, 0);
        samples[i] = ticks() - from - 1U;
    }
    reap(child);
    report(event, ROUNDS);
}

/* ---- The device tree --------------------------------------------------------------------------------------------- */

static void print_tree(void)
{
    static const char hex[] = "0123456789abcdef";
    static char line[5 + 2 * 32 + 2];
    uint8_t bytes[32];
    int64_t file = call(SYS_OPENAT, (uint64_t)AT_FDCWD, address("/sys/firmware/fdt"), 0, 0, 0);

    for (;;) {
        int64_t got = call(SYS_READ, (uint64_t)file, address(bytes), sizeof(bytes), 0, 0);

        if (got <= 0) {
            return;
        }
        memcpy(line, "fdt: ", 5);
        for (int64_t i = 0; i < got; i++) {
            line[5 + 2 * i] = hex[bytes[i] >> 4];
            line[6 + 2 * i] = hex[bytes[i] & 0xfU];
        }
        line[5 + 2 * got] = '\n';
        line[6 + 2 * got] = '\0';
        print(line);
    }
}

void _start(void)
{
    uint64_t clock[2] = {0, 0};

    samples[0] = ticks();
    (void)call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, address(clock), 0, 0, 0);
    print("\n");
    report("linux_machine_to_init", 1);
    samples[0] = clock[0] * 1000000000U + clock[1];
    report("linux_kernel_to_init", 1);
    stay_on(0);
    measure("linux_syscall", one_syscall, ROUNDS);
    measure("linux_fork", one_fork, 101);
    measure("linux_exec", one_exec, 51);
    measure("linux_shell", one_shell_script, 5);
    measure_mean("linux_pages", fresh_pages, 51);
    measure("linux_sleep_1ms", one_sleep, 51);
    measure_pipes("linux_pipe_one_cpu", 0);
    measure_pipes("linux_pipe_two_cpus", 1);
    (void)call(SYS_MOUNT, address("sysfs"), address("/sys"), address("sysfs"), 0, 0);
    print_tree();
    print("bench: done\n");
    (void)call(SYS_REBOOT, 0xfee1dead, 672274793, POWER_OFF, 0, 0);
    leave();
}
