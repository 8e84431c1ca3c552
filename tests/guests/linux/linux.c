/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux.h"

int64_t linux_call(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
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

uint64_t linux_address(const volatile void *of)
{
    return (uint64_t)(uintptr_t)of;
}

void linux_words(struct linux_words *words)
{
    uint64_t file =
        linux_need("no /proc/self/cmdline",
                   linux_call(SYS_OPENAT, (uint64_t)AT_FDCWD, linux_address("/proc/self/cmdline"), 0, 0, 0));
    uint64_t size =
        linux_need("cannot read the command line",
                   linux_call(SYS_READ, file, linux_address(words->text), sizeof(words->text) - 1U, 0, 0));

    words->text[size] = '\0';
    words->count = 0;
    for (uint64_t at = 0; at < size && words->count < WORDS_MAX; at++) {
        words->word[words->count++] = &words->text[at];
        while (words->text[at] != '\0') {
            at++;
        }
    }
}

uint64_t linux_number(const char *word)
{
    uint64_t value = 0;

    for (const char *at = word; at == word || *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            linux_say("not a number: ", 0);
            linux_exit(2);
        }
        value = value * 10U + (uint64_t)(*at - '0');
    }
    return value;
}

bool linux_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

void linux_say(const char *text, uint64_t number)
{
    char line[160];
    char digits[20];
    size_t size = 0;
    unsigned n = 0;

    while (text[size] != '\0' && size < sizeof(line) - sizeof(digits) - 1U) {
        line[size] = text[size];
        size++;
    }
    do {
        digits[n++] = (char)('0' + number % 10U);
        number /= 10U;
    } while (number != 0U);
    while (n > 0U) {
        line[size++] = digits[--n];
    }
    line[size++] = '\n';
    (void)linux_call(SYS_WRITE, 1, linux_address(line), size, 0, 0);
}

void linux_exit(int code)
{
    for (;;) {
        (void)linux_call(SYS_EXIT_GROUP, (uint64_t)code, 0, 0, 0, 0);
    }
}

uint64_t linux_need(const char *what, int64_t result)
{
    if (result < 0) {
        linux_say(what, (uint64_t)-result);
        linux_exit(1);
    }
    return (uint64_t)result;
}
