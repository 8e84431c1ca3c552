/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/record.h"

#include <stdarg.h>

#include "core/format.h"

/* ---- Records ----------------------------------------------------------------------------------------------------- */

static struct hv_field *add(struct hv_record *record, const char *name, enum hv_field_type type,
                            unsigned width)
{
    struct hv_field *field = &record->field[record->count];

    record->count += record->count < HV_RECORD_FIELDS ? 1U : 0U;
    field->name = name;
    field->type = type;
    field->width = width;
    field->text[0] = '\0';
    return field;
}

void hv_record_text(struct hv_record *record, const char *name, unsigned width, const char *format, ...)
{
    struct hv_field *field = add(record, name, HV_FIELD_TEXT, width);
    va_list args;

    va_start(args, format);
    (void)hv_vformat(field->text, sizeof(field->text), format, args);
    va_end(args);
    for (char *c = field->text; *c != '\0'; c++) {
        *c = *c >= ' ' && *c < 0x7f ? *c : '?';
    }
}

void hv_record_number(struct hv_record *record, const char *name, unsigned width, uint64_t value)
{
    add(record, name, HV_FIELD_NUMBER, width)->number = value;
}

void hv_record_address(struct hv_record *record, const char *name, uint64_t value)
{
    add(record, name, HV_FIELD_ADDRESS, 12)->number = value;
}

void hv_record_bool(struct hv_record *record, const char *name, unsigned width, bool value)
{
    add(record, name, HV_FIELD_BOOL, width)->number = value ? 1U : 0U;
}

/* ---- Forms ------------------------------------------------------------------------------------------------------- */

struct text {
    char *buffer;
    size_t length;
};

static void put(struct text *text, const char *format, ...) ASH_PRINTF(2, 3);

static void put(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text->length += hv_vformat(&text->buffer[text->length], HV_RECORD_MOST - text->length, format, args);
    va_end(args);
    if (text->length >= HV_RECORD_MOST) {
        text->length = HV_RECORD_MOST - 1U;
    }
}

/** A JSON string; no control characters are in it. */
static void put_quoted(struct text *text, const char *value)
{
    put(text, "\"");
    for (; *value != '\0'; value++) {
        put(text, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    }
    put(text, "\"");
}

static void put_json(struct text *text, const struct hv_field *field)
{
    switch (field->type) {
    case HV_FIELD_NUMBER:
        put(text, "%lu", (unsigned long)field->number);
        break;
    case HV_FIELD_ADDRESS:
        put(text, "\"0x%lx\"", (unsigned long)field->number);
        break;
    case HV_FIELD_BOOL:
        put(text, "%s", field->number != 0U ? "true" : "false");
        break;
    case HV_FIELD_TEXT:
    default:
        put_quoted(text, field->text);
        break;
    }
}

static void put_object(struct text *text, const struct hv_record *record)
{
    put(text, "{");
    for (unsigned i = 0; i < record->count; i++) {
        put(text, "%s\"%s\": ", i > 0U ? ", " : "", record->field[i].name);
        put_json(text, &record->field[i]);
    }
    put(text, "}");
}

/** The value in a column of its width; the last one is not filled up. */
static void put_cell(struct text *text, const struct hv_field *field, bool is_last)
{
    int width = (int)field->width;

    if (field->type == HV_FIELD_NUMBER) {
        put(text, "%*lu", width, (unsigned long)field->number);
    } else if (field->type == HV_FIELD_ADDRESS) {
        put(text, "0x%0*lx", width - 2, (unsigned long)field->number);
    } else {
        const char *word = field->number != 0U ? "yes" : "no";
        const char *value = field->type == HV_FIELD_BOOL ? word : field->text;

        put(text, "%-*s", is_last ? 0 : width, value);
    }
    put(text, is_last ? "\r\n" : "  ");
}

static void put_header(struct text *text, const struct hv_record *record)
{
    for (unsigned i = 0; i < record->count; i++) {
        const struct hv_field *field = &record->field[i];
        bool is_last = i + 1U == record->count;

        put(text, field->type == HV_FIELD_NUMBER ? "%*s" : "%-*s",
            is_last && field->type != HV_FIELD_NUMBER ? 0 : (int)field->width, field->name);
        put(text, is_last ? "\r\n" : "  ");
    }
}

static void put_list(struct text *text, const struct hv_record *record)
{
    for (unsigned i = 0; i < record->count; i++) {
        struct hv_field field = record->field[i];

        field.width = field.type == HV_FIELD_ADDRESS ? 12U : 0U;
        put(text, "%-22s", field.name);
        put_cell(text, &field, true);
    }
}

size_t hv_form_row(struct hv_form *form, const struct hv_record *record, char *buffer)
{
    struct text text = {buffer, 0};

    if (form->json) {
        put(&text, form->is_table ? (form->rows == 0U ? "[" : ",\r\n ") : "");
        put_object(&text, record);
    } else if (form->is_table) {
        if (form->rows == 0U) {
            put_header(&text, record);
        }
        for (unsigned i = 0; i < record->count; i++) {
            put_cell(&text, &record->field[i], i + 1U == record->count);
        }
    } else {
        put_list(&text, record);
    }
    form->rows++;
    return text.length;
}

size_t hv_form_end(struct hv_form *form, char *buffer)
{
    struct text text = {buffer, 0};

    buffer[0] = '\0';
    if (form->json && form->is_table) {
        put(&text, form->rows == 0U ? "[]\r\n" : "]\r\n");
    } else if (form->json) {
        put(&text, form->rows == 0U ? "{}\r\n" : "\r\n");
    }
    return text.length;
}

size_t hv_form_error(const struct hv_form *form, const char *problem, const char *allowed, char *buffer)
{
    struct text text = {buffer, 0};

    if (form->json) {
        put(&text, "{\"error\": ");
        put_quoted(&text, problem);
        if (allowed != NULL) {
            put(&text, ", \"allowed\": ");
            put_quoted(&text, allowed);
        }
        put(&text, "}\r\n");
    } else {
        put(&text, "%s%s%s\r\n", problem, allowed != NULL ? "; allowed: " : "",
            allowed != NULL ? allowed : "");
    }
    return text.length;
}
