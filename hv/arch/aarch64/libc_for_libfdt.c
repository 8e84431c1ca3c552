/* SPDX-License-Identifier: BSD-2-Clause */
/* What Debian's libfdt.a wants of a C library, and nobody else. */
#include <stddef.h>
#include <stdint.h>

#include <libbase/mem.h>

#include "core/panic.h"

void *memchr(const void *bytes, int byte, size_t size);
char *strchr(const char *text, int ch);
char *strrchr(const char *text, int ch);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t max);
unsigned long strtoul(const char *text, char **end, int base);
void __stack_chk_fail(void);
extern uintptr_t __stack_chk_guard;

void *memchr(const void *bytes, int byte, size_t size)
{
    const unsigned char *p = (const unsigned char *)bytes;

    for (size_t i = 0; i < size; i++) {
        if (p[i] == (unsigned char)byte) {
            return (void *)(uintptr_t)&p[i];
        }
    }
    return NULL;
}

/** Eight bytes at a time: an aligned word lies in one page, so it can be read if one of its bytes can. */
size_t strlen(const char *text)
{
    const uint64_t each = 0x0101010101010101U;
    const uint64_t *at = (const uint64_t *)(const void *)(text - (uintptr_t)text % 8U);
    uint64_t word =
        *at | (((uint64_t)1 << (8U * ((uintptr_t)text % 8U))) - 1U); /* what comes before is not 0 */

    /* Taking 1 from each byte borrows into the highest bit of the first that is 0; of later ones it may. */
    while (((word - each) & ~word & (each << 7)) == 0U) {
        word = *++at;
    }
    word = (word - each) & ~word & (each << 7);
    return (size_t)((const char *)at - text) + (size_t)__builtin_ctzll(word) / 8U;
}

size_t strnlen(const char *text, size_t max)
{
    size_t length = 0;

    while (length < max && text[length] != '\0') {
        length++;
    }
    return length;
}

char *strchr(const char *text, int ch)
{
    return (char *)memchr(text, ch, strlen(text) + 1U);
}

char *strrchr(const char *text, int ch)
{
    for (size_t i = strlen(text) + 1U; i-- > 0U;) {
        if (text[i] == (char)ch) {
            return (char *)(uintptr_t)&text[i];
        }
    }
    return NULL;
}

/* fdt_overlay wants it, which hv does not use: decimal and 0x, no sign, no overflow check beyond wrapping. */
unsigned long strtoul(const char *text, char **end, int base)
{
    unsigned long value = 0;

    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)(*text | 0x20) - (unsigned)(*text >= 'A' ? 'a' - 10 : '0' | 0x20);
        if (*text >= '0' && *text <= '9') {
            digit = (unsigned)(*text - '0');
        }
        if (digit >= (unsigned)base) {
            break;
        }
        value = value * (unsigned long)base + digit;
    }
    if (end != NULL) {
        *end = (char *)(uintptr_t)text;
    }
    return value;
}

/* Fixed: hv's own code has no canary to protect, and libfdt's frames are not reached by a guest's data. */
uintptr_t __stack_chk_guard = (uintptr_t)0x00a5c3960ff01e2dU;

void __stack_chk_fail(void)
{
    hv_panic_bare("libfdt: stack smashed");
}
