/* SPDX-License-Identifier: BSD-2-Clause */
/** Text with numbers in it: the part of printf that hv's reports need. No floating point, no locale, no state. */
#ifndef HV_CORE_FORMAT_H
#define HV_CORE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#include <libbase/compiler.h>

/** Write @format with its arguments into @buffer, as snprintf would.
 *  Conversions: %c %s %d %i %u %x %X %p %%; lengths hh h l ll z (j and t are not taken); flags '-' and '0'; a width; a
 *  precision for %s ("%.*s" prints what has no NUL; nothing beyond the precision is read). Width and precision may be
 *  '*'. %p is 0x and lower-case digits, NULL too. A NULL string prints as "(null)".
 *  buffer: may be NULL if size is 0. size: bytes, NUL included; at most size bytes are written, the last of them a NUL.
 *  Anything else behind a '%' ends the formatting there: its argument's type is unknown, so the rest of @format is
 *  copied as it stands.
 *  Returns the length that the whole text has, without the NUL: the text was cut if it is >= size. Any context. */
size_t hv_vformat(char *buffer, size_t size, const char *format, va_list args) ASH_PRINTF(3, 0);
size_t hv_format(char *buffer, size_t size, const char *format, ...) ASH_PRINTF(3, 4);

/** Characters of @text before its NUL. */
static inline size_t hv_text_length(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

#endif
