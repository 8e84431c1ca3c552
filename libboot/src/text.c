/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/endian.h>
#include <libbase/mem.h>

#include "internal.h"

void ash_boot_text_begin_(struct ash_boot_text_ *text, char *buffer, size_t size)
{
    text->buffer = buffer;
    text->size = size;
    text->length = 0;
    if (size != 0U) {
        buffer[0] = '\0';
    }
}

void ash_boot_text_char_(struct ash_boot_text_ *text, char c)
{
    if (text->length + 1U < text->size) {
        text->buffer[text->length] = c;
        text->buffer[text->length + 1U] = '\0';
    }
    text->length++;
}

static void append(struct ash_boot_text_ *text, const char *bytes, size_t size)
{
    size_t room = text->length + 1U < text->size ? text->size - 1U - text->length : 0U;
    size_t kept = size < room ? size : room;

    if (kept > 0U) {
        memcpy(&text->buffer[text->length], bytes, kept);
        text->buffer[text->length + kept] = '\0';
    }
    text->length += size;
}

void ash_boot_text_literal_(struct ash_boot_text_ *text, const char *string)
{
    if (string != NULL) {
        append(text, string, ash_boot_string_length_(string));
    }
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

void ash_boot_text_string_(struct ash_boot_text_ *text, const char *string)
{
    for (; string != NULL && *string != '\0'; string++) {
        ash_boot_text_char_(text, is_printable(*string) ? *string : '?');
    }
}

static void text_digits(struct ash_boot_text_ *text, uint64_t number, unsigned base, unsigned least)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0U || sizeof(digits) - at < least);
    append(text, &digits[at], sizeof(digits) - at);
}

void ash_boot_text_hex_(struct ash_boot_text_ *text, uint64_t number)
{
    text_digits(text, number, 16, 1);
}

void ash_boot_text_number_(struct ash_boot_text_ *text, uint64_t number)
{
    if (number <= 9999U) {
        text_digits(text, number, 10, 1);
    } else {
        ash_boot_text_literal_(text, "0x");
        text_digits(text, number, 16, 1);
    }
}

/** Printable strings, each with its NUL? */
static bool looks_like_text(const char *bytes, size_t size)
{
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\0' ? !in_string : !is_printable(bytes[i])) {
            return false;
        }
        in_string = bytes[i] != '\0';
    }
    return !in_string && size != 0U;
}

static void text_strings(struct ash_boot_text_ *text, const char *bytes, size_t size)
{
    ash_boot_text_char_(text, '"');
    for (size_t i = 0; i + 1U < size && text->length < text->size; i++) {
        if (bytes[i] == '\0') {
            ash_boot_text_literal_(text, "\", \"");
        } else {
            ash_boot_text_char_(text, bytes[i]);
        }
    }
    ash_boot_text_char_(text, '"');
}

void ash_boot_text_property_(struct ash_boot_text_ *text, struct ash_boot_span value)
{
    const uint8_t *bytes = (const uint8_t *)value.data;

    if (looks_like_text((const char *)value.data, value.size)) {
        text_strings(text, (const char *)value.data, value.size);
    } else if (value.size % 4U == 0U && value.size != 0U) {
        for (size_t i = 0; i < value.size && text->length < text->size; i += 4U) {
            ash_boot_text_char_(text, i == 0U ? '<' : ' ');
            ash_boot_text_number_(text, ash_load_be32(&bytes[i]));
        }
        ash_boot_text_char_(text, '>');
    } else if (value.size != 0U) {
        for (size_t i = 0; i < value.size && text->length < text->size; i++) {
            ash_boot_text_char_(text, i == 0U ? '[' : ' ');
            text_digits(text, bytes[i], 16, 2);
        }
        ash_boot_text_char_(text, ']');
    }
}

void ash_boot_copy_text_(char *to, size_t size, const char *from)
{
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, to, size);
    ash_boot_text_string_(&text, from);
    if (text.length >= size) {
        for (size_t i = size - 4U; i < size - 1U; i++) {
            to[i] = '.';
        }
    }
}

size_t ash_boot_string_length_(const char *string)
{
    size_t length = 0;

    while (string[length] != '\0') {
        length++;
    }
    return length;
}

bool ash_boot_same_rest_(const char *a, const char *b)
{
    size_t i = 0;

    while (a[i] == b[i]) {
        if (a[i++] == '\0') {
            return true;
        }
    }
    return false;
}
