/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/recorder.h"

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/life.h"

#define MAGIC UINT64_C(0x415348525645434f)
#define TAIL  8U /* so many of each CPU's events before a reset are printed */

static const char *const names[HV_EVENT_KINDS] = {
    [HV_EVENT_NONE] = "none",       [HV_EVENT_BOOT] = "boot",   [HV_EVENT_LOAD] = "load",
    [HV_EVENT_PUT] = "put",         [HV_EVENT_EXIT] = "exit",   [HV_EVENT_INTERRUPT] = "interrupt",
    [HV_EVENT_WAIT] = "wait",       [HV_EVENT_WAKE] = "wake",   [HV_EVENT_CPU_ON] = "cpu-on",
    [HV_EVENT_CPU_OFF] = "cpu-off", [HV_EVENT_STATE] = "state", [HV_EVENT_JOB] = "job",
    [HV_EVENT_FAULT] = "fault",     [HV_EVENT_PANIC] = "panic",
};

static enum hv_event_kind kind_of(const struct hv_event *event)
{
    return (enum hv_event_kind)(event->number & 0xffU);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

HV_RACES bool hv_recorder_next(const struct hv_recorder *recorder, uint32_t *cursor, struct hv_event *event)
{
    for (;;) {
        uint32_t head = __atomic_load_n(&recorder->head, __ATOMIC_ACQUIRE);
        uint32_t oldest = head < HV_RECORDER_EVENTS ? 0U : head - HV_RECORDER_EVENTS;

        if (*cursor < oldest) {
            *cursor = oldest;
        }
        if (*cursor >= head) {
            return false;
        }
        *event = recorder->event[*cursor % HV_RECORDER_EVENTS];
        (*cursor)++;
        /* Its CPU may have written over it meanwhile, and of memory that was found anything may be wrong. */
        if (event->number >> 8 == ((*cursor - 1U) & 0xffffffU) && (event->number & 0xffU) < HV_EVENT_KINDS) {
            return true;
        }
    }
}

uint32_t hv_recorder_last(const struct hv_recorder *recorder, uint32_t count)
{
    uint32_t head = __atomic_load_n(&recorder->head, __ATOMIC_RELAXED);

    return head < count ? 0U : head - count;
}

void hv_recorder_line(char *line, size_t size, unsigned cpu, uint64_t hz, const struct hv_event *event)
{
    uint64_t ns = event->ticks / hz * UINT64_C(1000000000) + event->ticks % hz * UINT64_C(1000000000) / hz;

    (void)hv_format(line, size, "trace %u %lu %s %x %x %lx", cpu, ns, names[kind_of(event)], event->who,
                    event->a, event->b);
}

/* ---- What a reset left ------------------------------------------------------------------------------------------- */

static uint64_t checksum(const struct hv_recorder *recorder)
{
    uint64_t sum = recorder->magic;

    sum = (sum ^ recorder->hz) * UINT64_C(0x100000001b3);
    sum = (sum ^ recorder->cpu) * UINT64_C(0x100000001b3);
    return (sum ^ recorder->size) * UINT64_C(0x100000001b3);
}

bool hv_recorder_is_whole(const struct hv_recorder *recorder, uint32_t cpu)
{
    return recorder->magic == MAGIC && recorder->cpu == cpu && recorder->size == HV_RECORDER_EVENTS &&
           recorder->hz != 0U && recorder->checksum == checksum(recorder);
}

#if HV_RECORDER

static void print_from(const struct hv_recorder *recorder, uint32_t cursor,
                       void (*print)(void *ctx, const char *line), void *ctx)
{
    struct hv_event event;
    char line[HV_RECORDER_LINE];

    while (hv_recorder_next(recorder, &cursor, &event)) {
        hv_recorder_line(line, sizeof(line), recorder->cpu, recorder->hz, &event);
        print(ctx, line);
    }
}

static void say(void *ctx, const char *line)
{
    hv_log((struct hv *)ctx, "%s", line);
}

static void begin(struct hv_recorder *recorder, uint32_t cpu)
{
    recorder->head = 0;
    recorder->who = 0;
    recorder->magic = MAGIC;
    recorder->hz = hv_arch_ticks_per_second();
    recorder->cpu = cpu;
    recorder->size = HV_RECORDER_EVENTS;
    recorder->checksum = checksum(recorder);
    hv_record_at(recorder, hv_arch_ticks(), HV_EVENT_BOOT, 0, 0);
}

void hv_recorder_begin(struct hv *hv)
{
    struct hv_recorder *recorder = hv_arch_recorders();
    bool told = false;

    for (uint32_t i = 0; i < hv->cpus; i++) {
        if (hv_recorder_is_whole(&recorder[i], i) && recorder[i].head != 0U) {
            if (!told) {
                hv_log(hv, "the last events before the reset:");
                told = true;
            }
            print_from(&recorder[i], hv_recorder_last(&recorder[i], TAIL), say, hv);
        }
        begin(&recorder[i], i);
        hv->cpu[i]->recorder = &recorder[i];
    }
    hv->is_after_reset = told;
}

void hv_recorder_switch(struct hv *hv, bool on)
{
    struct hv_recorder *recorder = hv_arch_recorders();

    for (uint32_t i = 0; i < hv->cpus; i++) {
        /* The one behind the CPUs' own takes what nobody is to see. */
        __atomic_store_n(&hv->cpu[i]->recorder, &recorder[on ? i : HV_MAX_CPUS], __ATOMIC_RELAXED);
    }
}

const struct hv_recorder *hv_recorder_of(uint32_t index)
{
    return &hv_arch_recorders()[index];
}

void hv_recorder_dump(const struct hv *hv, void (*print)(void *ctx, const char *line), void *ctx)
{
    char line[HV_RECORDER_LINE];

    for (uint32_t i = 0; i < hv_life_count(hv); i++) {
        const char *name = hv_life_vm_name(hv, i);

        if (name != NULL) {
            (void)hv_format(line, sizeof(line), "trace vm %u %s", i, name);
            print(ctx, line);
        }
    }
    for (uint32_t i = 0; i < hv->cpus; i++) {
        print_from(hv_recorder_of(i), 0, print, ctx);
    }
}

void hv_recorder_tail(const struct hv_cpu *cpu, uint32_t count, void (*print)(void *ctx, const char *line),
                      void *ctx)
{
    const struct hv_recorder *recorder = &hv_arch_recorders()[cpu->index];

    if (hv_recorder_is_whole(recorder, cpu->index)) {
        print_from(recorder, hv_recorder_last(recorder, count), print, ctx);
    }
}

void hv_recorder_save(const struct hv *hv)
{
    hv_arch_publish_to_guest(hv_arch_recorders(), hv->cpus * sizeof(struct hv_recorder));
}

void hv_record(struct hv_cpu *cpu, enum hv_event_kind kind, uint32_t a, uint64_t b)
{
    hv_record_at(__atomic_load_n(&cpu->recorder, __ATOMIC_RELAXED), hv_arch_ticks(), kind, a, b);
}

void hv_record_state(struct hv_cpu *cpu, const struct hv_vm *vm, unsigned state, uint64_t why)
{
    hv_record(cpu, HV_EVENT_STATE, vm->slot << 8 | state, why);
}

void hv_record_load(struct hv_cpu *cpu, bool loads, bool stays)
{
    /* Of its own one, which may be off: when it is on again it tells of who runs then. */
    uint32_t *who = &hv_arch_recorders()[cpu->index].who;

    if (loads) {
        *who = (cpu->vcpu->vm->slot + 1U) << 8 | cpu->vcpu->index;
        hv_record(cpu, HV_EVENT_LOAD, 0, 0);
    } else {
        hv_record(cpu, HV_EVENT_PUT, stays ? 1U : 0U, 0);
        *who = 0;
    }
}

#else

void hv_recorder_begin(struct hv *hv)
{
    (void)hv;
}

const struct hv_recorder *hv_recorder_of(uint32_t index)
{
    (void)index;
    return NULL;
}

void hv_recorder_switch(struct hv *hv, bool on)
{
    (void)hv;
    (void)on;
}

void hv_recorder_dump(const struct hv *hv, void (*print)(void *ctx, const char *line), void *ctx)
{
    (void)hv;
    print(ctx, "trace: this hv was built without its recorder");
}

void hv_recorder_tail(const struct hv_cpu *cpu, uint32_t count, void (*print)(void *ctx, const char *line),
                      void *ctx)
{
    (void)cpu;
    (void)count;
    (void)print;
    (void)ctx;
}

void hv_recorder_save(const struct hv *hv)
{
    (void)hv;
}

void hv_record_state(struct hv_cpu *cpu, const struct hv_vm *vm, unsigned state, uint64_t why)
{
    (void)cpu;
    (void)vm;
    (void)state;
    (void)why;
}

void hv_record_load(struct hv_cpu *cpu, bool loads, bool stays)
{
    (void)cpu;
    (void)loads;
    (void)stays;
}

#endif
