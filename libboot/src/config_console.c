/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configuration says of the console: of a VM's end, and of the keys. */
#include <libbase/compiler.h>
#include <libbase/endian.h>

#include "internal.h"

const char *ash_boot_parse_console_buffer_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return "is not a number of the right width";
    }
    vm->console_buffer = ash_load_be32(value.data);
    if (vm->console_buffer < ASH_BOOT_CONSOLE_BUFFER_MIN ||
        vm->console_buffer > ASH_BOOT_CONSOLE_BUFFER_MAX) {
        return "is out of range";
    }
    return (vm->console_buffer & (vm->console_buffer - 1U)) == 0U ? NULL : "is no power of two";
}

/** Keys without which nobody could type: letters and digits (they are what follows a lead-in), NUL, backspace, tab,
 *  enter, escape. */
static bool is_lead_in(uint8_t key)
{
    static const uint8_t needed[] = {0x00, 0x08, 0x09, 0x0a, 0x0d, 0x1b, ' ', 0x7f};

    for (size_t i = 0; i < ASH_ARRAY_SIZE(needed); i++) {
        if (key == needed[i]) {
            return false;
        }
    }
    return key < 0x80U && !(key >= '0' && key <= '9') && !((key | 0x20U) >= 'a' && (key | 0x20U) <= 'z');
}

static const char *parse_lead_in(uint8_t *key, struct ash_boot_span value)
{
    const char *text = (const char *)value.data;

    if (!ash_boot_fdt_is_string_(value)) {
        return "is not one string";
    }
    if (value.size == 3U && text[0] == '^' && text[1] >= '@' && text[1] <= '_') {
        *key = (uint8_t)(text[1] - '@');
    } else if (value.size == 2U) {
        *key = (uint8_t)text[0];
    } else {
        return "is not one key";
    }
    return is_lead_in(*key) ? NULL : "is a key that is needed for other things";
}

const char *ash_boot_console_property_(struct ash_boot_config *config, const char *name,
                                       struct ash_boot_span value, const char **allowed)
{
    *allowed = "lead-in";
    if (ash_boot_strings_equal_(name, "phandle")) {
        return NULL;
    }
    if (!ash_boot_strings_equal_(name, "lead-in")) {
        return "is an unknown property";
    }
    *allowed = "one character but letters, digits and space, or ^ and one for a control key: \"?\", \"^]\"";
    return parse_lead_in(&config->lead_in, value);
}
