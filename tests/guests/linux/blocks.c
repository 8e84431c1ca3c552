/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks zero FILE MIB 512 1 0: the first MIB of a disk are to be zero, which the disk may do by itself (fallocate).
 * blocks write|read FILE MIB BYTES DEPTH SEED: the first MIB of a disk in an order of its own, BYTES a request, past
 * the page cache (O_DIRECT) and with DEPTH requests under way at once (io_submit). What is written tells each 8 bytes
 * their place; read compares. At the end of write the disk has it (fdatasync). */
#include "linux.h"

#define BYTES_MAX  65536U
#define DEPTH_MAX  64U
#define ZERO_RANGE 0x11U /* FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE: Linux, include/uapi/linux/falloc.h */
#define ORDER_STEP 7919U /* a prime: no power of two has it as a factor, so every request has its turn */

/* Linux, include/uapi/linux/aio_abi.h, little-endian */
struct control {
    uint64_t data;
    uint32_t key;
    uint32_t flags;
    uint16_t opcode; /* 0: read, 1: write */
    int16_t priority;
    uint32_t file;
    uint64_t buffer;
    uint64_t size;
    int64_t offset;
    uint64_t reserved[2];
};

struct event {
    uint64_t data;
    uint64_t object;
    int64_t result;
    int64_t result2;
};

struct job {
    bool writes;
    uint64_t file;
    uint64_t requests;
    uint64_t size;
    uint64_t depth;
    uint64_t seed;
    uint64_t context;
};

void _start(void);

static uint8_t buffers[DEPTH_MAX][BYTES_MAX] __attribute__((aligned(4096)));
static struct control controls[DEPTH_MAX];
static struct event events[DEPTH_MAX];
static uint64_t offsets[DEPTH_MAX];

static uint64_t value_at(const struct job *job, uint64_t offset)
{
    return (offset + job->seed) * 0x9e3779b97f4a7c15U;
}

static void submit(const struct job *job, uint64_t turn, uint64_t slot)
{
    uint64_t offset = turn * ORDER_STEP % job->requests * job->size;
    uint64_t *words = (uint64_t *)(void *)buffers[slot];
    const struct control *list[1] = {&controls[slot]};

    for (uint64_t i = 0; i < job->size / 8U; i++) {
        words[i] = job->writes ? value_at(job, offset + i * 8U) : 0U;
    }
    offsets[slot] = offset;
    controls[slot] = (struct control){.data = slot,
                                      .opcode = job->writes ? 1U : 0U,
                                      .file = (uint32_t)job->file,
                                      .buffer = linux_address(buffers[slot]),
                                      .size = job->size,
                                      .offset = (int64_t)offset};
    (void)linux_need("blocks: io_submit fails: ",
                     linux_call(SYS_IO_SUBMIT, job->context, 1, linux_address(list), 0, 0));
}

static void finish(const struct job *job, const struct event *event)
{
    const uint64_t *words = (const uint64_t *)(const void *)buffers[event->data];
    uint64_t offset = offsets[event->data];

    if (event->result != (int64_t)job->size) {
        linux_say("blocks: an error at byte ", offset);
        linux_exit(1);
    }
    for (uint64_t i = 0; !job->writes && i < job->size / 8U; i++) {
        if (words[i] != value_at(job, offset + i * 8U)) {
            linux_say("blocks: wrong at byte ", offset + i * 8U);
            linux_exit(1);
        }
    }
}

static void run(const struct job *job)
{
    uint64_t begun = 0;
    uint64_t done = 0;

    for (; begun < job->depth && begun < job->requests; begun++) {
        submit(job, begun, begun);
    }
    while (done < job->requests) {
        uint64_t count =
            linux_need("blocks: io_getevents fails: ",
                       linux_call(SYS_IO_GETEVENTS, job->context, 1, DEPTH_MAX, linux_address(events), 0));

        for (uint64_t i = 0; i < count; i++, done++) {
            finish(job, &events[i]);
            if (begun < job->requests) {
                submit(job, begun++, events[i].data);
            }
        }
    }
}

void _start(void)
{
    static struct linux_words words;
    struct job job = {.context = 0};

    linux_words(&words);
    if (words.count != 7U) {
        linux_exit(2);
    }
    job.writes = linux_equal(words.word[1], "write");
    job.file = linux_need(
        "blocks: no such file: ",
        linux_call(SYS_OPENAT, (uint64_t)AT_FDCWD, linux_address(words.word[2]), O_RDWR | O_DIRECT, 0, 0));
    job.size = linux_number(words.word[4]);
    job.depth = linux_number(words.word[5]);
    job.seed = linux_number(words.word[6]);
    if (job.size < 512U || job.size > BYTES_MAX || job.depth == 0U || job.depth > DEPTH_MAX) {
        linux_exit(2);
    }
    if (linux_equal(words.word[1], "zero")) {
        (void)linux_need("blocks: fallocate fails: ", linux_call(SYS_FALLOCATE, job.file, ZERO_RANGE, 0,
                                                                 linux_number(words.word[3]) << 20, 0));
        linux_say("blocks: zero, MiB: ", linux_number(words.word[3]));
        linux_exit(0);
    }
    job.requests = (linux_number(words.word[3]) << 20) / job.size;
    (void)linux_need("blocks: io_setup fails: ",
                     linux_call(SYS_IO_SETUP, DEPTH_MAX, linux_address(&job.context), 0, 0, 0));
    run(&job);
    if (job.writes) {
        (void)linux_need("blocks: fdatasync fails: ", linux_call(SYS_FDATASYNC, job.file, 0, 0, 0, 0));
    }
    linux_say("blocks: right, requests: ", job.requests);
    linux_exit(0);
}
