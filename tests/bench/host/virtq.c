/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_virtq [CHAINS [RING]]: what a descriptor chain costs libvirtio, beside a plain memcpy of the same
 * bytes. Not a test, a program whose output docs/benchmarks.md shows. Each chain is 64 bytes to read and
 * 1,500 to write, as a packet; the driver is the tests' mock, and its time is in the figures. Under
 * callgrind, --toggle-collect=serve counts the device alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../fakes/mock_virtio_driver.h"

#define SIZE     256U
#define BATCH    64U
#define READABLE 64U
#define WRITABLE 1500U

struct bench {
    struct mock_memory mem;
    struct mock_driver drv;
    struct ash_virtq q;
    struct ash_virtq_slot slots[SIZE];
    struct ash_virtq_region region;
    struct ash_virtq_segment segments[2];
    uint64_t table;
    unsigned char source[WRITABLE];
    unsigned char *at; /* where the writable bytes are */
};

/* How the bytes get where they belong. */
enum work { WORK_RINGS, WORK_RINGS_AND_BYTES };

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "bench_virtq: %s\n", what);
        exit(1);
    }
}

/* The device: what is measured. */
__attribute__((noinline)) static unsigned serve(struct bench *bench, enum work work)
{
    struct ash_virtq_segment segments[4];
    struct ash_virtq_chain chain;
    unsigned served = 0;

    while (ash_virtq_pop(&bench->q, segments, 4, &chain) == ASH_OK) {
        if (work == WORK_RINGS_AND_BYTES) {
            memcpy(bench->at, bench->source, WRITABLE);
        }
        need(ash_virtq_stage(&bench->q, chain.token, WRITABLE) == ASH_OK, "stage");
        served++;
    }
    ash_virtq_publish(&bench->q);
    (void)ash_virtq_should_notify(&bench->q);
    return served;
}

static void open_bench(struct bench *bench, uint64_t features)
{
    struct ash_virtq_config config;

    memset(bench, 0, sizeof(*bench));
    mock_memory_init(&bench->mem);
    mock_driver_init(&bench->drv, &bench->mem, SIZE, features);
    bench->region = (struct ash_virtq_region){ash_ipa(MOCK_RAM_BASE), MOCK_RAM_SIZE, NULL};
    config = (struct ash_virtq_config){
        .regions = &bench->region, .region_count = 1, .max_size = SIZE, .slots = bench->slots};
    bench->segments[0] =
        (struct ash_virtq_segment){ash_ipa(mock_memory_alloc(&bench->mem, READABLE, 0)), READABLE, false};
    bench->segments[1] =
        (struct ash_virtq_segment){ash_ipa(mock_memory_alloc(&bench->mem, WRITABLE, 0)), WRITABLE, true};
    bench->at = mock_memory_at(&bench->mem, bench->segments[1].ipa.value, WRITABLE);
    bench->table = mock_memory_alloc(&bench->mem, 32, 0);
    need(ash_virtq_init(&bench->q, &config, &mock_memory_hal, &bench->mem) == ASH_OK, "init");
    need(ash_virtq_setup(&bench->q, &bench->drv.layout) == ASH_OK, "set-up");
}

static void close_bench(struct bench *bench)
{
    ash_virtq_reset(&bench->q);
    mock_driver_fini(&bench->drv);
    mock_memory_fini(&bench->mem);
}

/* Seconds for @chains of them, the driver's part included. */
static double run(uint64_t features, enum work work, unsigned long chains)
{
    const bool indirect = (features & ASH_VIRTQ_F_INDIRECT_DESC) != 0;
    static struct bench bench;
    struct mock_used used;
    double begin;

    open_bench(&bench, features);
    begin = now();
    for (unsigned long done = 0; done < chains; done += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            need((indirect ? mock_driver_add_indirect(&bench.drv, bench.table, bench.segments, 2)
                           : mock_driver_add(&bench.drv, bench.segments, 2)) >= 0,
                 "add");
        }
        mock_driver_publish(&bench.drv);
        need(serve(&bench, work) == BATCH, "serve");
        for (unsigned i = 0; i < BATCH; i++) {
            need(mock_driver_take_used(&bench.drv, &used), "used");
        }
    }
    begin = now() - begin;
    close_bench(&bench);
    return begin;
}

/* The bytes alone. */
static double copy(unsigned long chains)
{
    static unsigned char from[WRITABLE], to[WRITABLE];
    const double begin = now();

    for (unsigned long i = 0; i < chains; i++) {
        from[i % WRITABLE]++;
        memcpy(to, from, WRITABLE);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    return now() - begin;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t features;
    } rings[] = {{"split", 0},
                 {"split, event index", ASH_VIRTQ_F_EVENT_IDX},
                 {"split, indirect", ASH_VIRTQ_F_INDIRECT_DESC},
                 {"packed", ASH_VIRTQ_F_PACKED},
                 {"packed, event index", ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX},
                 {"packed, indirect", ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_INDIRECT_DESC},
                 {"packed, in order", ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_IN_ORDER}};
    const unsigned long chains = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000000;
    const char *only = argc > 2 ? argv[2] : NULL;

    for (unsigned i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        if (only != NULL && strcmp(only, rings[i].name) == 0) {
            (void)run(rings[i].features, WORK_RINGS, chains);
            return 0;
        }
        if (only == NULL) {
            const double alone = run(rings[i].features, WORK_RINGS, chains);
            const double both = run(rings[i].features, WORK_RINGS_AND_BYTES, chains);

            printf("%-20s %6.2f million chains/s, with the bytes %6.2f\n", rings[i].name,
                   (double)chains / alone / 1e6, (double)chains / both / 1e6);
        }
    }
    printf("%-20s %6.2f million copies/s of %u bytes\n", "memcpy", (double)chains / copy(chains) / 1e6,
           WRITABLE);
    return 0;
}
