/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/format.h"

#include <stdbool.h>
#include <stdint.h>

#include <libbase/mem.h>

struct out {
    char *buffer;
    size_t size;
    size_t length;
};

struct spec {
    bool left;
    bool zeros;
    bool has_precision;
    unsigned width;
    unsigned precision;
    unsigned bytes; /* of the argument: 1, 2, 4, 8 */
    char conversion;
};

static void put(struct out *out, char c)
{
    if (out->length + 1U < out->size) {
        out->buffer[out->length] = c;
    }
    out->length++;
}

static void put_text(struct out *out, const char *text, size_t length)
{
    size_t room = out->length + 1U < out->size ? out->size - 1U - out->length : 0U;

    if (room > 0U) {
        memcpy(&out->buffer[out->length], text, length < room ? length : room);
    }
    out->length += length;
}

static void put_many(struct out *out, char c, size_t count)
{
    for (; count > 0U; count--) {
        put(out, c);
    }
}

/** @lead, then @text, padded to the width: blanks before @lead, zeros behind it. */
static void put_padded(struct out *out, const struct spec *spec, const char *lead, const char *text,
                       size_t length)
{
    size_t lead_length = lead[0] == '\0' ? 0U : (lead[1] == '\0' ? 1U : 2U);
    size_t padding = spec->width > length + lead_length ? spec->width - length - lead_length : 0U;

    if (lead_length + padding == 0U) {
        put_text(out, text, length);
        return;
    }
    if (!spec->left && !spec->zeros) {
        put_many(out, ' ', padding);
    }
    for (size_t i = 0; i < lead_length; i++) {
        put(out, lead[i]);
    }
    if (!spec->left && spec->zeros) {
        put_many(out, '0', padding);
    }
    put_text(out, text, length);
    if (spec->left) {
        put_many(out, ' ', padding);
    }
}

static void put_number(struct out *out, const struct spec *spec, const char *lead, uint64_t value,
                       unsigned base)
{
    const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[20];
    size_t at = sizeof(text);

    do {
        text[--at] = digits[value % base];
        value /= base;
    } while (value != 0U);
    put_padded(out, spec, lead, &text[at], sizeof(text) - at);
}

static void put_string(struct out *out, struct spec *spec, const char *text)
{
    size_t most = spec->has_precision ? spec->precision : SIZE_MAX;
    size_t length = 0;

    text = text != NULL ? text : "(null)";
    while (length < most && text[length] != '\0') {
        length++;
    }
    spec->zeros = false;
    put_padded(out, spec, "", text, length);
}

static const char *parse_number(const char *format, va_list *args, unsigned *number, bool *is_negative)
{
    *number = 0;
    *is_negative = false;
    if (*format == '*') {
        int given = va_arg(*args, int);
        *is_negative = given < 0;
        *number = given < 0 ? 0U - (unsigned)given : (unsigned)given;
        return format + 1;
    }
    for (; *format >= '0' && *format <= '9'; format++) {
        *number = *number < 100000U ? *number * 10U + (unsigned)(*format - '0') : *number;
    }
    return format;
}

static const char *parse_length(const char *format, struct spec *spec)
{
    spec->bytes = 4;
    for (; *format == 'h' || *format == 'l' || *format == 'z'; format++) {
        if (*format == 'h') {
            spec->bytes = spec->bytes == 4U ? 2U : 1U;
        } else {
            spec->bytes = 8; /* LP64 */
        }
    }
    return format;
}

/** Flags, width, precision. */
static const char *parse_shape(const char *format, va_list *args, struct spec *spec)
{
    bool is_negative;

    for (; *format == '-' || *format == '0'; format++) {
        spec->left = spec->left || *format == '-';
        spec->zeros = spec->zeros || *format == '0';
    }
    format = parse_number(format, args, &spec->width, &is_negative);
    spec->left = spec->left || is_negative;
    if (*format == '.') {
        format = parse_number(format + 1, args, &spec->precision, &is_negative);
        spec->has_precision = !is_negative;
    }
    return format;
}

static const char *parse(const char *format, va_list *args, struct spec *spec)
{
    *spec = (struct spec){.left = false};
    if (*format < 'A') { /* most have nothing in front of the letters */
        format = parse_shape(format, args, spec);
    }
    format = parse_length(format, spec);
    spec->conversion = *format;
    return *format != '\0' ? format + 1 : format;
}

static uint64_t cut(uint64_t value, unsigned bytes)
{
    return bytes < 8U ? value & ((UINT64_C(1) << (8U * bytes)) - 1U) : value;
}

static int64_t cut_signed(int64_t value, unsigned bytes)
{
    uint64_t sign = UINT64_C(1) << (8U * bytes - 1U);

    return (int64_t)((cut((uint64_t)value, bytes) ^ sign) - sign);
}

/** False: not a conversion of ours. */
static bool convert(struct out *out, struct spec *spec, va_list *args)
{
    char c;

    switch (spec->conversion) {
    case 's':
        put_string(out, spec, va_arg(*args, const char *));
        return true;
    case 'c':
        c = (char)va_arg(*args, int);
        spec->zeros = false;
        put_padded(out, spec, "", &c, 1);
        return true;
    case 'd':
    case 'i': {
        int64_t value = spec->bytes == 8U ? va_arg(*args, int64_t) : va_arg(*args, int);
        value = cut_signed(value, spec->bytes);
        put_number(out, spec, value < 0 ? "-" : "", value < 0 ? 0U - (uint64_t)value : (uint64_t)value, 10);
        return true;
    }
    case 'u':
    case 'x':
    case 'X': {
        uint64_t value = spec->bytes == 8U ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
        put_number(out, spec, "", cut(value, spec->bytes), spec->conversion == 'u' ? 10U : 16U);
        return true;
    }
    case 'p':
        put_number(out, spec, "0x", (uint64_t)(uintptr_t)va_arg(*args, void *), 16);
        return true;
    case '%':
        put(out, '%');
        return true;
    default:
        return false;
    }
}

size_t hv_vformat(char *buffer, size_t size, const char *format, va_list args)
{
    struct out out = {.buffer = buffer, .size = size};
    bool is_known = true;
    va_list mine;

    va_copy(mine, args);
    while (*format != '\0') {
        const char *start = format;
        struct spec spec;

        if (*format != '%' || !is_known) {
            while (*++format != '\0' && *format != '%') {
            }
            put_text(&out, start, (size_t)(format - start));
            continue;
        }
        format = parse(format + 1, &mine, &spec);
        is_known = convert(&out, &spec, &mine);
        format = is_known ? format : start;
    }
    va_end(mine);
    if (size > 0U) {
        buffer[out.length < size ? out.length : size - 1U] = '\0';
    }
    return out.length;
}

size_t hv_format(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = hv_vformat(buffer, size, format, args);
    va_end(args);
    return length;
}
