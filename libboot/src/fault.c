/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/mem.h>

#include "internal.h"

void ash_boot_fault_clear(struct ash_boot_fault *fault)
{
    memset(fault, 0, sizeof(*fault));
}

int ash_boot_fault_set(struct ash_boot_fault *fault, int code, const char *file, const char *vm,
                       const char *node, const char *property, const char *value, const char *problem,
                       const char *allowed)
{
    /* Built aside: the texts may stand in *fault itself. */
    struct ash_boot_fault fresh;

    fresh.code = code;
    fresh.file = file;
    fresh.problem = problem;
    fresh.allowed = allowed;
    ash_boot_copy_text_(fresh.vm, sizeof(fresh.vm), vm);
    ash_boot_copy_text_(fresh.node, sizeof(fresh.node), node);
    ash_boot_copy_text_(fresh.property, sizeof(fresh.property), property);
    ash_boot_copy_text_(fresh.value, sizeof(fresh.value), value);
    *fault = fresh;
    return code;
}

/** One part of the line and what stands between it and the next. */
static void part(struct ash_boot_text_ *text, const char *lead, const char *string)
{
    if (string == NULL || string[0] == '\0') {
        return;
    }
    if (text->length != 0U) {
        ash_boot_text_literal_(text, ": ");
    }
    ash_boot_text_literal_(text, lead);
    ash_boot_text_string_(text, string);
}

size_t ash_boot_fault_format(char *buffer, size_t size, const struct ash_boot_fault *fault)
{
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, buffer, size);
    if (fault->code == ASH_OK) {
        ash_boot_text_literal_(&text, "no fault");
        return text.length;
    }
    part(&text, "", fault->file);
    part(&text, "VM ", fault->vm);
    part(&text, "", fault->node);
    part(&text, "", fault->property);
    if (fault->property[0] != '\0' && fault->value[0] != '\0') {
        ash_boot_text_literal_(&text, " = ");
        ash_boot_text_string_(&text, fault->value);
    } else {
        part(&text, "", fault->value);
    }
    part(&text, "", fault->problem != NULL ? fault->problem : ash_error_name(fault->code));
    if (fault->allowed != NULL && fault->allowed[0] != '\0') {
        ash_boot_text_literal_(&text, "; allowed: ");
        ash_boot_text_string_(&text, fault->allowed);
    }
    return text.length;
}
