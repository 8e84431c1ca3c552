/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_oracle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stage2_walker.h"

#define PAGE  UINT64_C(4096)
#define PAGES 512U

void oracle_init(struct oracle *oracle, unsigned ipa_bits, unsigned pa_bits)
{
    memset(oracle, 0, sizeof(*oracle));
    oracle->ipa_bits = ipa_bits;
    oracle->pa_bits = pa_bits;
}

void oracle_add_window(struct oracle *oracle, uint64_t base, uint64_t size)
{
    struct oracle_window *window = &oracle->window[oracle->windows++];

    assert(oracle->windows <= ORACLE_WINDOWS && base % ORACLE_CHUNK == 0U && size % ORACLE_CHUNK == 0U);
    window->base = base;
    window->size = size;
    window->chunks = calloc(size / ORACLE_CHUNK, sizeof(*window->chunks));
    assert(window->chunks != NULL);
}

void oracle_clear(struct oracle *oracle)
{
    for (unsigned i = 0; i < oracle->windows; i++) {
        struct oracle_window *window = &oracle->window[i];

        for (size_t c = 0; c < window->size / ORACLE_CHUNK; c++) {
            free(window->chunks[c].pages);
            window->chunks[c].pages = NULL;
            window->chunks[c].first = 0;
        }
    }
}

void oracle_fini(struct oracle *oracle)
{
    oracle_clear(oracle);
    for (unsigned i = 0; i < oracle->windows; i++) {
        free(oracle->window[i].chunks);
    }
    memset(oracle, 0, sizeof(*oracle));
}

static uint64_t follow(uint64_t page, uint64_t offset)
{
    return page == 0U ? 0U : page + offset;
}

static uint64_t chunk_page(const struct oracle_chunk *chunk, unsigned index)
{
    return chunk->pages != NULL ? chunk->pages[index] : follow(chunk->first, index * PAGE);
}

uint64_t oracle_page(const struct oracle *oracle, uint64_t ipa)
{
    for (unsigned i = 0; i < oracle->windows; i++) {
        const struct oracle_window *window = &oracle->window[i];

        if (ipa >= window->base && ipa - window->base < window->size) {
            uint64_t offset = ipa - window->base;

            return chunk_page(&window->chunks[offset / ORACLE_CHUNK], (unsigned)(offset / PAGE % PAGES));
        }
    }
    return 0;
}

/* A walk over the parts of chunks that a range touches; stops when @part returns false. */
typedef bool part_fn(struct oracle_chunk *chunk, unsigned from, unsigned to, uint64_t ipa, void *arg);

static bool for_each_part(const struct oracle *oracle, uint64_t ipa, uint64_t size, part_fn *part, void *arg,
                          uint64_t *covered)
{
    *covered = 0;
    for (unsigned i = 0; i < oracle->windows; i++) {
        const struct oracle_window *window = &oracle->window[i];
        uint64_t at = ipa > window->base ? ipa : window->base;
        uint64_t end = ipa + size < window->base + window->size ? ipa + size : window->base + window->size;

        while (at < end) {
            struct oracle_chunk *chunk = &window->chunks[(at - window->base) / ORACLE_CHUNK];
            unsigned from = (unsigned)(at / PAGE % PAGES);
            uint64_t left = (end - at) / PAGE;
            unsigned to = left < PAGES - from ? from + (unsigned)left : PAGES;

            if (!part(chunk, from, to, at, arg)) {
                return false;
            }
            at += (to - from) * PAGE;
            *covered += (to - from) * PAGE;
        }
    }
    return true;
}

struct expected {
    uint64_t ipa, page;
};

static bool part_is(struct oracle_chunk *chunk, unsigned from, unsigned to, uint64_t ipa, void *arg)
{
    const struct expected *expected = arg;
    uint64_t page = follow(expected->page, ipa - expected->ipa);

    if (chunk->pages == NULL) {
        return follow(chunk->first, from * PAGE) == page;
    }
    for (unsigned i = from; i < to; i++) {
        if (chunk->pages[i] != follow(page, (i - from) * PAGE)) {
            return false;
        }
    }
    return true;
}

bool oracle_is(const struct oracle *oracle, uint64_t ipa, uint64_t size, uint64_t page)
{
    struct expected expected = {ipa, page};
    uint64_t covered;

    return for_each_part(oracle, ipa, size, part_is, &expected, &covered) && (page == 0U || covered == size);
}

bool oracle_is_hole(const struct oracle *oracle, uint64_t ipa, uint64_t size)
{
    return oracle_is(oracle, ipa, size, 0);
}

static bool part_is_full(struct oracle_chunk *chunk, unsigned from, unsigned to, uint64_t ipa, void *arg)
{
    (void)ipa;
    (void)arg;
    for (unsigned i = from; i < to; i++) {
        if (chunk_page(chunk, i) == 0U) {
            return false;
        }
    }
    return true;
}

bool oracle_is_full(const struct oracle *oracle, uint64_t ipa, uint64_t size)
{
    uint64_t covered;

    return for_each_part(oracle, ipa, size, part_is_full, NULL, &covered) && covered == size;
}

/* Each page is a hole already, or exactly what is to be mapped there. */
static bool part_accepts(struct oracle_chunk *chunk, unsigned from, unsigned to, uint64_t ipa, void *arg)
{
    const struct expected *expected = arg;
    uint64_t page = follow(expected->page, ipa - expected->ipa);

    for (unsigned i = from; i < to; i++) {
        uint64_t have = chunk_page(chunk, i);

        if (have != 0U && have != follow(page, (i - from) * PAGE)) {
            return false;
        }
    }
    return true;
}

static void chunk_spread(struct oracle_chunk *chunk)
{
    uint64_t *pages = malloc(PAGES * sizeof(*pages));

    assert(pages != NULL);
    for (unsigned i = 0; i < PAGES; i++) {
        pages[i] = chunk_page(chunk, i);
    }
    free(chunk->pages);
    chunk->pages = pages;
}

static void chunk_gather(struct oracle_chunk *chunk)
{
    for (unsigned i = 1; i < PAGES; i++) {
        if (chunk->pages[i] != follow(chunk->pages[0], i * PAGE)) {
            return;
        }
    }
    chunk->first = chunk->pages[0];
    free(chunk->pages);
    chunk->pages = NULL;
}

static bool part_set(struct oracle_chunk *chunk, unsigned from, unsigned to, uint64_t ipa, void *arg)
{
    const struct expected *expected = arg;
    uint64_t page = follow(expected->page, ipa - expected->ipa);

    if (from == 0U && to == PAGES) {
        free(chunk->pages);
        chunk->pages = NULL;
        chunk->first = page;
        return true;
    }
    chunk_spread(chunk);
    for (unsigned i = from; i < to; i++) {
        chunk->pages[i] = follow(page, (i - from) * PAGE);
    }
    chunk_gather(chunk);
    return true;
}

static bool part_protect(struct oracle_chunk *chunk, unsigned from, unsigned to, uint64_t ipa, void *arg)
{
    const uint32_t *attr = arg;

    (void)ipa;
    if (from == 0U && to == PAGES && chunk->pages == NULL) {
        chunk->first = (chunk->first & ~ORACLE_ATTR) | *attr;
        return true;
    }
    chunk_spread(chunk);
    for (unsigned i = from; i < to; i++) {
        chunk->pages[i] = (chunk->pages[i] & ~ORACLE_ATTR) | *attr;
    }
    chunk_gather(chunk);
    return true;
}

/* "Rights: READ alone, READ|WRITE, and either with EXEC", one type; nothing else is an attribute. */
static bool attr_is_valid(uint32_t attr)
{
    return (attr & ~(ASH_STAGE2_RIGHTS | ASH_STAGE2_TYPE)) == 0U && (attr & ASH_STAGE2_READ) != 0U;
}

static bool span_is_valid(uint64_t address, uint64_t size)
{
    return address % PAGE == 0U && size % PAGE == 0U && size != 0U && address + size - 1U >= address;
}

static bool fits(uint64_t address, uint64_t size, unsigned bits)
{
    return size <= UINT64_C(1) << bits && address <= (UINT64_C(1) << bits) - size;
}

int oracle_range(const struct oracle *oracle, uint64_t ipa, uint64_t size)
{
    if (!span_is_valid(ipa, size)) {
        return ASH_EINVAL;
    }
    return fits(ipa, size, oracle->ipa_bits) ? ASH_OK : ASH_ERANGE;
}

int oracle_map(struct oracle *oracle, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t attr)
{
    struct expected expected = {ipa, pa | ORACLE_VALID | attr};
    uint64_t covered;

    if (!attr_is_valid(attr) || !span_is_valid(pa, size) || oracle_range(oracle, ipa, size) == ASH_EINVAL) {
        return ASH_EINVAL;
    }
    if (oracle_range(oracle, ipa, size) != ASH_OK || !fits(pa, size, oracle->pa_bits)) {
        return ASH_ERANGE;
    }
    if (!for_each_part(oracle, ipa, size, part_accepts, &expected, &covered)) {
        return ASH_EEXIST;
    }
    (void)for_each_part(oracle, ipa, size, part_set, &expected, &covered);
    assert(covered == size); /* the test maps inside its windows only */
    return ASH_OK;
}

int oracle_unmap(struct oracle *oracle, uint64_t ipa, uint64_t size)
{
    struct expected nothing = {ipa, 0};
    int result = oracle_range(oracle, ipa, size);
    uint64_t covered;

    if (result == ASH_OK) {
        (void)for_each_part(oracle, ipa, size, part_set, &nothing, &covered);
    }
    return result;
}

int oracle_protect(struct oracle *oracle, uint64_t ipa, uint64_t size, uint32_t attr)
{
    int result = oracle_range(oracle, ipa, size);
    uint64_t covered;

    if (result == ASH_EINVAL || !attr_is_valid(attr)) {
        return ASH_EINVAL;
    }
    if (result != ASH_OK) {
        return result;
    }
    if (!oracle_is_full(oracle, ipa, size)) {
        return ASH_ENOENT;
    }
    (void)for_each_part(oracle, ipa, size, part_protect, &attr, &covered);
    return ASH_OK;
}

int oracle_fault(const struct oracle *oracle, uint64_t ipa, uint32_t access)
{
    uint64_t page = oracle_page(oracle, ipa);

    if ((ipa >> oracle->ipa_bits) != 0U) {
        return ASH_ERANGE;
    }
    if (page == 0U) {
        return ASH_ENOENT;
    }
    if ((access & ASH_STAGE2_WALK) != 0U && (page & ASH_STAGE2_DEVICE) != 0U) {
        return ASH_EPERM; /* HCR_EL2.PTW: of either Device type */
    }
    access &= ~ASH_STAGE2_WALK;
    return (page & access) == access ? ASH_OK : ASH_EPERM;
}

int oracle_init_result(const struct ash_stage2_config *config, const struct ash_stage2_hal *hal)
{
    if (config->size != sizeof(*config) || hal->size != sizeof(*hal)) {
        return ASH_EINVAL;
    }
    if (hal->table_alloc == NULL || hal->table_free == NULL || hal->table_at == NULL ||
        hal->publish == NULL || hal->invalidate == NULL) {
        return ASH_EINVAL;
    }
    if (config->ipa_bits < 32U || config->ipa_bits > 48U ||
        config->ipa_bits > s2_pa_bits(config->id_aa64mmfr0_el1)) {
        return ASH_EINVAL;
    }
    return s2_has_4k(config->id_aa64mmfr0_el1) ? ASH_OK : ASH_ENOTSUP;
}
