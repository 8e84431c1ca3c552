/* SPDX-License-Identifier: BSD-2-Clause */
/* What is hardware to CPUs that are threads: the counter, interrupts, the console device. Built without
 * ThreadSanitizer, and with nothing that it knows by itself: what CPUs tell one another by an interrupt or a device is
 * not ordered for them, as on a board. */
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/arch.h"
#include "arch/host/host_internal.h"

#define FIFO   64U    /* bytes, either way; a power of two */
#define PERIOD 50000L /* ns between two looks of the device at its FIFOs */
#define HALF   (HV_HOST_LOG_SIZE / 2U)

struct fifo {
    uint8_t bytes[FIFO];
    uint32_t head; /* free running */
    uint32_t tail;
};

static struct {
    uint32_t pending[HV_MAX_CPUS]; /* 1: an interrupt is */
    uint32_t cpus;
    uint32_t cut;
    uint64_t give_up_at; /* ticks */
    struct hv_host_console setup;
    struct hv_host_result *result;
    struct fifo sent; /* by hv */
    struct fifo typed;
    uint32_t wants_room;
    uint32_t listens;
    pthread_t device;
    /* The device's own. */
    size_t step; /* of the script */
    size_t at;   /* bytes of that step's keys that are typed */
    size_t seen; /* of the log: up to where the step before has looked */
    bool is_ready;
} wires;

/* ---- The counter ------------------------------------------------------------------------------------------------- */

uint64_t hv_arch_ticks(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

void hv_host_wire_raise(uint32_t index)
{
    /* What was written before is there when it comes: on a board that is a barrier of the one who sends it. */
    if (__atomic_exchange_n(&wires.pending[index], 1U, __ATOMIC_SEQ_CST) == 0U) {
        (void)syscall(SYS_futex, &wires.pending[index], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

bool hv_host_wire_take(uint32_t index)
{
    return __atomic_exchange_n(&wires.pending[index], 0U, __ATOMIC_SEQ_CST) != 0U;
}

void hv_host_wire_sleep(uint32_t index, uint64_t until)
{
    uint64_t now = hv_arch_ticks();
    uint64_t most = until > now ? until - now : 0U;
    struct timespec timeout;

    most = most < 100000U ? most : 100000U; /* an interrupt for nothing now and then is allowed */
    timeout = (struct timespec){.tv_nsec = (long)most * 1000L};
    if (most > 0U && __atomic_load_n(&wires.pending[index], __ATOMIC_SEQ_CST) == 0U &&
        !hv_host_wires_are_cut()) {
        (void)syscall(SYS_futex, &wires.pending[index], FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0);
    }
}

void hv_host_wires_cut(void)
{
    __atomic_store_n(&wires.cut, 1U, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < wires.cpus; i++) {
        hv_host_wire_raise(i);
    }
}

bool hv_host_wires_are_cut(void)
{
    return __atomic_load_n(&wires.cut, __ATOMIC_SEQ_CST) != 0U;
}

/* ---- The console, hv's side -------------------------------------------------------------------------------------- */

static uint32_t used(const struct fifo *fifo)
{
    return __atomic_load_n(&fifo->head, __ATOMIC_ACQUIRE) - __atomic_load_n(&fifo->tail, __ATOMIC_ACQUIRE);
}

static bool put(struct fifo *fifo, uint8_t byte)
{
    if (used(fifo) == FIFO) {
        return false;
    }
    fifo->bytes[fifo->head % FIFO] = byte;
    __atomic_store_n(&fifo->head, fifo->head + 1U, __ATOMIC_RELEASE);
    return true;
}

static int get(struct fifo *fifo)
{
    int byte;

    if (used(fifo) == 0U) {
        return -1;
    }
    byte = fifo->bytes[fifo->tail % FIFO];
    __atomic_store_n(&fifo->tail, fifo->tail + 1U, __ATOMIC_RELEASE);
    return byte;
}

bool hv_host_wire_console(void)
{
    return (__atomic_load_n(&wires.wants_room, __ATOMIC_SEQ_CST) != 0U && used(&wires.sent) <= FIFO / 8U) ||
           (__atomic_load_n(&wires.listens, __ATOMIC_SEQ_CST) != 0U && used(&wires.typed) > 0U);
}

size_t hv_arch_console_write(const char *bytes, size_t size)
{
    size_t i = 0;

    while (i < size && put(&wires.sent, (uint8_t)bytes[i])) {
        i++;
    }
    return i;
}

int hv_arch_console_read(void)
{
    return get(&wires.typed);
}

void hv_arch_console_listen(bool listen)
{
    __atomic_store_n(&wires.listens, listen ? 1U : 0U, __ATOMIC_SEQ_CST);
}

void hv_arch_console_want_room(bool wanted)
{
    __atomic_store_n(&wires.wants_room, wanted ? 1U : 0U, __ATOMIC_SEQ_CST);
}

/* ---- The console, its other end ---------------------------------------------------------------------------------- */

static void show(char byte)
{
    struct hv_host_result *result = wires.result;

    if (result->log_size == HV_HOST_LOG_SIZE - 1U) { /* what was first is not kept */
        memmove(result->log, &result->log[HALF], HALF);
        result->log_size -= HALF;
        wires.seen = wires.seen > HALF ? wires.seen - HALF : 0U;
    }
    result->log[result->log_size++] = byte;
    result->log[result->log_size] = '\0';
}

static void type(void)
{
    const struct hv_host_step *step = &wires.setup.script[wires.step];

    if (wires.step >= wires.setup.steps) {
        return;
    }
    if (!wires.is_ready) {
        const char *found = strstr(&wires.result->log[wires.seen], step->after);

        if (found == NULL) {
            return;
        }
        wires.seen = (size_t)(found - wires.result->log) + strlen(step->after);
        wires.is_ready = true;
    }
    while (step->keys[wires.at] != '\0' && put(&wires.typed, (uint8_t)step->keys[wires.at])) {
        wires.at++;
    }
    if (step->keys[wires.at] == '\0') {
        wires.step++;
        wires.at = 0;
        wires.is_ready = false;
    }
}

static void *device(void *arg)
{
    const struct timespec period = {.tv_nsec = PERIOD};

    (void)arg;
    while (!hv_host_wires_are_cut() || used(&wires.sent) > 0U) {
        int byte;

        while ((byte = get(&wires.sent)) >= 0) {
            show((char)byte);
        }
        type();
        if (hv_host_wire_console()) {
            hv_host_wire_raise(0);
        }
        if (hv_arch_ticks() > wires.give_up_at) {
            hv_host_wires_cut();
        }
        (void)nanosleep(&period, NULL);
    }
    return NULL;
}

void hv_host_console_plug(const struct hv_host_console *console)
{
    wires.setup = *console;
}

void hv_host_wires_begin(struct hv_host_result *result, uint32_t cpus, uint64_t most_ms)
{
    struct hv_host_console setup = wires.setup;

    memset(&wires, 0, sizeof(wires));
    wires.setup = setup;
    wires.result = result;
    wires.cpus = cpus;
    wires.listens = 1; /* boot has turned that on */
    wires.give_up_at = hv_arch_ticks() + most_ms * 1000U;
    (void)pthread_create(&wires.device, NULL, device, NULL);
}

void hv_host_wires_end(void)
{
    hv_host_wires_cut();
    pthread_join(wires.device, NULL);
    wires.setup = (struct hv_host_console){.script = NULL};
}
