/* SPDX-License-Identifier: BSD-2-Clause */
/** What a command answers: records of named values, and the two forms that they are shown in, text and JSON (RFC 8259).
 *  Lock domain: the objects. No HAL. */
#ifndef HV_CORE_RECORD_H
#define HV_CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libbase/compiler.h>

#define HV_RECORD_FIELDS 20U
#define HV_RECORD_TEXT   80U   /* bytes of a text value, NUL included; a longer one is cut */
#define HV_RECORD_MOST   4096U /* bytes that a record takes in either form at most, NUL included */

enum hv_field_type { HV_FIELD_TEXT, HV_FIELD_NUMBER, HV_FIELD_ADDRESS, HV_FIELD_BOOL };

struct hv_field {
    const char *name; /* letters, digits, '_': valid while the record is */
    enum hv_field_type type;
    unsigned width; /* of its column */
    uint64_t number;
    char text[HV_RECORD_TEXT];
};

struct hv_record {
    struct hv_field field[HV_RECORD_FIELDS + 1U]; /* the last one: where what is too much goes */
    unsigned count;
};

/** One more field; beyond HV_RECORD_FIELDS: none. Texts: control characters become '?'. */
void hv_record_text(struct hv_record *record, const char *name, unsigned width, const char *format, ...)
    ASH_PRINTF(4, 5);
void hv_record_number(struct hv_record *record, const char *name, unsigned width, uint64_t value);
/** Shown in hexadecimal; in JSON a string "0x…", because a JSON number may be read as a double. */
void hv_record_address(struct hv_record *record, const char *name, uint64_t value);
void hv_record_bool(struct hv_record *record, const char *name, unsigned width, bool value);

/** How records are shown, one after the other. */
struct hv_form {
    bool json;
    bool is_table; /* rows of like records; else one, a field a line */
    uint32_t rows; /* so far */
};

/** @record as the next row: text of whole lines, each ended by "\r\n" but for JSON's last.
 *  buffer: HV_RECORD_MOST bytes, terminated. Returns the text's length. */
size_t hv_form_row(struct hv_form *form, const struct hv_record *record, char *buffer);

/** What comes behind the last row, likewise. */
size_t hv_form_end(struct hv_form *form, char *buffer);

/** A mistake, whole: what is wrong, and what is allowed (NULL: nothing to say). */
size_t hv_form_error(const struct hv_form *form, const char *problem, const char *allowed, char *buffer);

#endif
