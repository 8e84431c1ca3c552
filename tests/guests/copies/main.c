/* SPDX-License-Identifier: BSD-2-Clause */
/* hv's memcpy, memmove, memset and memcmp (hv/arch/aarch64/mem.S), which are for Normal memory with the MMU on: every
 * length and alignment where they go another way, against bytes. Nothing around is touched. */
#include "common/check.h"
#include "common/guest.h"
#include "common/mmu.h"

#define AREA 1536U
#define EDGE 80U /* before and behind, at most */

void *hv_memset(void *to, int byte, uint64_t size);
void *hv_memcpy(void *to, const void *from, uint64_t size);
void *hv_memmove(void *to, const void *from, uint64_t size);
int hv_memcmp(const void *a, const void *b, uint64_t size);

static __attribute__((aligned(64))) uint8_t area[AREA];
static __attribute__((aligned(64))) uint8_t source[AREA];
static uint8_t model[AREA];

/* Volatile: else the compiler would call what is tested, or its like. */
static void fill(volatile uint8_t *bytes, uint32_t first)
{
    for (uint32_t i = 0; i < AREA; i++) {
        bytes[i] = (uint8_t)(first + 7U * i + (i >> 8));
    }
}

static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) {
        to[i] = from[i];
    }
}

static uint64_t first_difference(void)
{
    const volatile uint8_t *got = area;
    uint64_t at = 0;

    while (at < AREA && got[at] == model[at]) {
        at++;
    }
    return at;
}

static uint64_t next_size(uint64_t size)
{
    return size < 140U ? size + 1U : size + 61U;
}

static void check_copies(uint64_t to, uint64_t from)
{
    for (uint64_t size = 0; size <= 400U; size = next_size(size)) {
        fill(area, 1);
        copy(model, area, AREA);
        copy(&model[to], &source[from], size);
        check("memcpy returns where it copied to", hv_memcpy(&area[to], &source[from], size) == &area[to]);
        check_equal_at("memcpy", size << 16 | to << 8 | from, first_difference(), AREA);
    }
}

/* In one area, either way round. */
static void check_moves(uint64_t to, uint64_t from)
{
    for (uint64_t size = 0; size <= 400U; size = next_size(size)) {
        fill(area, 2);
        copy(model, area, AREA);
        copy(source, area, AREA);
        copy(&model[to], &source[from], size);
        check("memmove returns where it copied to", hv_memmove(&area[to], &area[from], size) == &area[to]);
        check_equal_at("memmove", size << 16 | to << 8 | from, first_difference(), AREA);
    }
}

static void check_sets(uint64_t to, uint8_t byte)
{
    for (uint64_t size = 0; size <= AREA - 2U * EDGE; size = next_size(size)) {
        volatile uint8_t *expected = model;

        fill(area, 3);
        copy(model, area, AREA);
        for (uint64_t i = 0; i < size; i++) {
            expected[to + i] = byte;
        }
        check("memset returns where it wrote", hv_memset(&area[to], byte | 0x100, size) == &area[to]);
        check_equal_at("memset", size << 16 | to << 8 | byte, first_difference(), AREA);
    }
}

static void check_compares(void)
{
    fill(area, 4);
    fill(source, 4);
    check("memcmp: the same", hv_memcmp(area, source, AREA) == 0);
    check("memcmp: nothing", hv_memcmp(area, &source[1], 0) == 0);
    for (uint64_t at = 0; at < 40U; at++) {
        volatile uint8_t *byte = &area[at];
        uint8_t was = *byte;

        *byte = (uint8_t)(was ^ 0x80U);
        check("memcmp: which is larger, unsigned", (hv_memcmp(area, source, 40) > 0) == (*byte > was));
        check("memcmp: not behind the end", hv_memcmp(area, source, at) == 0);
        *byte = was;
    }
}

void guest_main(uint64_t device_tree)
{
    static const uint8_t offsets[] = {0, 1, 2, 3, 4, 7, 8, 15, 63, 64};

    (void)device_tree;
    mmu_build();
    mmu_on();
    fill(source, 0);
    for (unsigned i = 0; i < sizeof(offsets); i++) {
        for (unsigned j = 0; j < sizeof(offsets); j++) {
            check_copies(offsets[i], offsets[j]);
        }
        check_sets(offsets[i], 0);
        check_sets(offsets[i], 0xa5);
    }
    for (unsigned i = 0; i < sizeof(offsets); i++) {
        for (unsigned j = 0; j < sizeof(offsets); j++) {
            check_moves(offsets[i], offsets[j]);
        }
    }
    check_compares();
    check_no_fault("no exception");
    (void)check_end("COPIES");
}
