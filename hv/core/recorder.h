/* SPDX-License-Identifier: BSD-2-Clause */
/** The flight recorder: the last events of each CPU, always on, in memory that a warm reset leaves alone.
 *
 *  Events are written by their CPU alone, without a lock, and read by anybody: one that is overwritten while it is read
 *  is seen to be (its number). docs/tracing.md has the list, and the format in which it is printed.
 *  Built with -DHV_RECORDER=OFF none of this costs an instruction or a byte: there are no events then.
 */
#ifndef HV_CORE_RECORDER_H
#define HV_CORE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libbase/compiler.h>

struct hv;
struct hv_cpu;
struct hv_vm;

#ifndef HV_RECORDER
#define HV_RECORDER 1
#endif

#define HV_RECORDER_EVENTS 128U /* a CPU's; a power of two */
#define HV_RECORDER_LINE   120U /* bytes for an event as a line */

/** Which vCPU was loaded stands in each. */
enum hv_event_kind {
    HV_EVENT_NONE,
    HV_EVENT_BOOT,      /* hv began */
    HV_EVENT_LOAD,      /* a vCPU came to the CPU */
    HV_EVENT_PUT,       /* it left. a: 1: it stays on */
    HV_EVENT_EXIT,      /* out of the guest, but for the short ways. a: ESR, b: PC */
    HV_EVENT_INTERRUPT, /* a physical interrupt that is no guest's timer. a: INTID */
    HV_EVENT_WAIT,      /* the loaded vCPU waits for an interrupt */
    HV_EVENT_WAKE,      /* and has one, or others may run */
    HV_EVENT_CPU_ON,    /* a: VM's slot << 8 | vCPU, b: entry */
    HV_EVENT_CPU_OFF,   /* a: likewise */
    HV_EVENT_STATE,     /* a: VM's slot << 8 | enum hv_life_state, b: of OFF: enum hv_vm_end */
    HV_EVENT_JOB,       /* a: 0: work arrived, 1: it is done, or waits */
    HV_EVENT_FAULT,     /* a report about a VM. a: VM's slot << 8 */
    HV_EVENT_PANIC,     /* hv's own */
    HV_EVENT_KINDS
};

struct hv_event {
    uint64_t ticks;
    uint64_t b;
    uint32_t number; /* [31:8]: the event's, counting from 0, modulo 2^24; [7:0]: enum hv_event_kind */
    uint32_t a;
    uint32_t who; /* the vCPU that was loaded: (VM's slot + 1) << 8 | vCPU; 0: none */
    uint32_t spare;
};

/** Of one CPU. All of it survives. */
struct hv_recorder {
    uint32_t head;  /* the next event's number */
    uint32_t who;   /* the loaded vCPU, as in an event */
    uint64_t magic; /* HV_RECORDER_MAGIC */
    uint64_t hz;    /* of ticks */
    uint32_t cpu;
    uint32_t size;     /* HV_RECORDER_EVENTS */
    uint64_t checksum; /* of magic to size: what found memory is judged by */
    uint64_t reserved[3];
    struct hv_event event[HV_RECORDER_EVENTS];
};

/* The CPU does not wait for who reads, nor the reader for it: ThreadSanitizer is not to look. */
#if defined(__has_feature)
#define HV_RECORDER_HAS(feature) __has_feature(feature)
#else
#define HV_RECORDER_HAS(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || HV_RECORDER_HAS(thread_sanitizer)
#define HV_RACES __attribute__((no_sanitize("thread")))
#else
#define HV_RACES
#endif

#if HV_RECORDER
/** Record what happened on @recorder's CPU at @ticks. On that CPU. */
HV_RACES static inline void hv_record_at(struct hv_recorder *recorder, uint64_t ticks,
                                         enum hv_event_kind kind, uint32_t a, uint64_t b)
{
    uint32_t head = recorder->head;
    uint32_t who = recorder->who;
    struct hv_event *event = &recorder->event[head % HV_RECORDER_EVENTS];

    event->ticks = ticks;
    event->b = b;
    event->number = head << 8 | (uint32_t)kind;
    event->a = a;
    event->who = who;
    recorder->head = head + 1U;
}

/** The same, now, on @cpu: where this runs. */
void hv_record(struct hv_cpu *cpu, enum hv_event_kind kind, uint32_t a, uint64_t b);
#else
static inline void hv_record_at(struct hv_recorder *recorder, uint64_t ticks, enum hv_event_kind kind,
                                uint32_t a, uint64_t b)
{
    (void)recorder;
    (void)ticks;
    (void)kind;
    (void)a;
    (void)b;
}

static inline void hv_record(struct hv_cpu *cpu, enum hv_event_kind kind, uint32_t a, uint64_t b)
{
    (void)cpu;
    (void)kind;
    (void)a;
    (void)b;
}
#endif

/** Say what the memory holds if it is whole: the last events of each CPU before a warm reset. Then begin anew, for
 *  every CPU of @hv. Boot. */
void hv_recorder_begin(struct hv *hv);

/** Off: the events stay as they are until it is on again. Any CPU. */
void hv_recorder_switch(struct hv *hv, bool on);

/** What CPU @index has recorded, on or off; NULL: this hv was built without. Any CPU. */
const struct hv_recorder *hv_recorder_of(uint32_t index);

/** The events that @recorder holds, oldest first: start with *@cursor 0. False: no more. Any CPU. */
bool hv_recorder_next(const struct hv_recorder *recorder, uint32_t *cursor,
                      struct hv_event *event) ASH_NODISCARD;

/** The cursor from which on there are @count more, or as many as there are. */
uint32_t hv_recorder_last(const struct hv_recorder *recorder, uint32_t count);

/** @event of CPU @cpu as a line of text, without its end. @hz: of its ticks. */
void hv_recorder_line(char *line, size_t size, unsigned cpu, uint64_t hz, const struct hv_event *event);

/** All of it, a line a call of @print, as hv/tools/trace2perfetto takes it. */
void hv_recorder_dump(const struct hv *hv, void (*print)(void *ctx, const char *line), void *ctx);

/** The last @count events of @cpu. */
void hv_recorder_tail(const struct hv_cpu *cpu, uint32_t count, void (*print)(void *ctx, const char *line),
                      void *ctx);

/** @cpu->vcpu comes to @cpu, where this runs; or (@loads false) leaves it, and is still on or not. */
void hv_record_load(struct hv_cpu *cpu, bool loads, bool stays);

/** @vm is in @state (enum hv_life_state) from now on. */
void hv_record_state(struct hv_cpu *cpu, const struct hv_vm *vm, unsigned state, uint64_t why);

/** What a reset is to find: out of the caches. The machine is about to end. */
void hv_recorder_save(const struct hv *hv);

/** Is what a reset left in @recorder whole, and CPU @cpu's? */
bool hv_recorder_is_whole(const struct hv_recorder *recorder, uint32_t cpu);

#endif
