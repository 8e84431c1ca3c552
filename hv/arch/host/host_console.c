/* SPDX-License-Identifier: BSD-2-Clause */
/* The console device of a simulated machine: a transmit FIFO that empties a byte at a time, and somebody who types. */
#include <string.h>

#include "arch/arch.h"
#include "arch/host/host_internal.h"
#include "core/report.h"

static struct {
    struct hv_host_console setup;
    struct hv_host_result *result;
    uint64_t turns;
    unsigned in_fifo;
    bool fell; /* the FIFO fell through its trigger level: a PL011's UARTTXINTR (DDI 0183 2.8.3) */
    bool wants_room;
    bool listens;
    size_t step;   /* of the script */
    size_t typed;  /* bytes of that step's keys */
    bool is_ready; /* what that step waits for has been seen */
    size_t seen;   /* of the log: up to where the step before has looked */
} device;

void hv_host_console_plug(const struct hv_host_console *console)
{
    device.setup = *console;
}

void hv_host_console_begin(struct hv_host_result *result)
{
    struct hv_host_console setup = device.setup;

    memset(&device, 0, sizeof(device));
    device.setup = setup;
    device.result = result;
    device.listens = true; /* boot has turned that on */
}

void hv_host_console_end(void)
{
    memset(&device.setup, 0, sizeof(device.setup));
}

/** The next key that the script has ready, or -1. */
static int next_key(void)
{
    const struct hv_host_step *step;
    const char *found;

    if (device.step >= device.setup.steps) {
        return -1; /* and there may be no script at all */
    }
    step = &device.setup.script[device.step];
    if (!device.is_ready) {
        found = strstr(&device.result->log[device.seen], step->after);
        if (found == NULL) {
            return -1;
        }
        device.seen = (size_t)(found - device.result->log) + strlen(step->after);
        device.is_ready = true;
    }
    return (uint8_t)step->keys[device.typed];
}

int hv_arch_console_read(void)
{
    int key = next_key();

    if (key >= 0 && device.setup.script[device.step].keys[++device.typed] == '\0') {
        device.step++;
        device.typed = 0;
        device.is_ready = false;
    }
    return key;
}

bool hv_host_console_interrupts(void)
{
    return (device.fell && device.wants_room) || (device.listens && next_key() >= 0);
}

bool hv_host_console_is_busy(void)
{
    return device.in_fifo > 0U && device.wants_room;
}

void hv_host_console_turn(void)
{
    if (device.in_fifo > 0U && ++device.turns % device.setup.turns_per_byte == 0U) {
        device.in_fifo--;
        device.fell = device.fell || device.in_fifo == device.setup.fifo / 8U;
    }
}

size_t hv_arch_console_write(const char *bytes, size_t size)
{
    struct hv_host_result *result = device.result;
    size_t i = 0;

    device.fell = device.fell && !device.wants_room;
    for (; i < size && (device.setup.fifo == 0U || device.in_fifo < device.setup.fifo); i++) {
        device.in_fifo += device.setup.fifo > 0U ? 1U : 0U;
        if (result->log_size < sizeof(result->log) - 1U) {
            result->log[result->log_size++] = bytes[i];
        }
    }
    result->log[result->log_size] = '\0';
    return i;
}

void hv_arch_console_listen(bool listen)
{
    device.listens = listen;
}

void hv_arch_console_want_room(bool wanted)
{
    device.wants_room = wanted;
}

void hv_report_write(const char *text)
{
    device.in_fifo = 0;
    (void)hv_arch_console_write(text, strlen(text));
}
