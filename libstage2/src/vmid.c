/* SPDX-License-Identifier: BSD-2-Clause */
#include <libstage2/vmid.h>

#include <libbase/bits.h>

#define VMID_MASK        UINT64_C(0xffff)
#define FIRST_GENERATION UINT64_C(0x10000)

static uint64_t generation_of(uint64_t word)
{
    return word & ~VMID_MASK;
}

static bool is_taken(const struct ash_vmid_pool *pool, uint32_t vmid)
{
    return (pool->bitmap[vmid / 64U] & ASH_BIT(vmid % 64U)) != 0U;
}

static void take(struct ash_vmid_pool *pool, uint32_t vmid)
{
    pool->bitmap[vmid / 64U] |= ASH_BIT(vmid % 64U);
}

static void clear_bitmap(struct ash_vmid_pool *pool)
{
    for (uint32_t i = 0; i < pool->limit / 64U; i++) {
        pool->bitmap[i] = 0;
    }
    take(pool, 0);
    pool->next = 1;
}

int ash_vmid_pool_init(struct ash_vmid_pool *pool, const struct ash_vmid_pool_config *config)
{
    if (pool == NULL || config == NULL || config->size != sizeof(*config) ||
        (config->bits != 8U && config->bits != 16U) || config->cpus == 0U ||
        config->cpus >= (1U << config->bits) - 1U || config->bitmap == NULL || config->active == NULL ||
        config->reserved == NULL) {
        return ASH_EINVAL;
    }
    *pool = (struct ash_vmid_pool){
        .generation = FIRST_GENERATION,
        .bitmap = config->bitmap,
        .active = config->active,
        .reserved = config->reserved,
        .limit = 1U << config->bits,
        .cpus = config->cpus,
    };
    for (unsigned cpu = 0; cpu < pool->cpus; cpu++) {
        pool->active[cpu] = 0;
        pool->reserved[cpu] = 0;
    }
    clear_bitmap(pool);
    return ASH_OK;
}

bool ash_vmid_is_current(const struct ash_vmid_pool *pool, const struct ash_vmid *vmid)
{
    uint64_t word = __atomic_load_n(&vmid->word, __ATOMIC_RELAXED);

    return word != 0U && generation_of(word) == __atomic_load_n(&pool->generation, __ATOMIC_RELAXED);
}

/** A new generation. What a CPU runs under now, or was left with by an earlier rollover, stays that VM's number: its
 *  vCPU does not stop for this. */
static void roll_over(struct ash_vmid_pool *pool)
{
    __atomic_store_n(&pool->generation, pool->generation + FIRST_GENERATION, __ATOMIC_RELAXED);
    clear_bitmap(pool);
    for (unsigned cpu = 0; cpu < pool->cpus; cpu++) {
        pool->reserved[cpu] = pool->active[cpu];
        if (pool->reserved[cpu] != 0U) {
            take(pool, (uint32_t)(pool->reserved[cpu] & VMID_MASK));
        }
    }
}

/** Was @word kept over the last rollover? Then it lives on in this generation, for every CPU that runs it. */
static bool renew_reserved(struct ash_vmid_pool *pool, uint64_t word, uint64_t renewed)
{
    bool found = false;

    for (unsigned cpu = 0; cpu < pool->cpus; cpu++) {
        if (word != 0U && pool->reserved[cpu] == word) {
            pool->reserved[cpu] = renewed;
            found = true;
        }
        if (word != 0U && pool->active[cpu] == word) {
            pool->active[cpu] = renewed;
        }
    }
    return found;
}

/** A free number from `next` on, 0: none. */
static uint32_t find_free(struct ash_vmid_pool *pool)
{
    for (uint32_t vmid = pool->next; vmid < pool->limit; vmid++) {
        if (!is_taken(pool, vmid)) {
            pool->next = vmid + 1U;
            return vmid;
        }
    }
    pool->next = pool->limit;
    return 0;
}

/** A number of this generation or, if there is none left, of the next one, for @cpu. */
static uint32_t take_free(struct ash_vmid_pool *pool, unsigned cpu, bool *rollover)
{
    uint32_t number = find_free(pool);

    if (number == 0U) {
        pool->active[cpu] = 0; /* this CPU runs nothing now: it gives up its number */
        roll_over(pool);
        *rollover = true;
        number = find_free(pool); /* fewer CPUs than numbers: there is one */
    }
    take(pool, number);
    return number;
}

int ash_vmid_load(struct ash_vmid_pool *pool, struct ash_vmid *vmid, unsigned cpu, bool *rollover)
{
    *rollover = false;
    if (cpu >= pool->cpus) {
        return ASH_EINVAL;
    }
    if (!ash_vmid_is_current(pool, vmid)) {
        uint64_t renewed = pool->generation | (vmid->word & VMID_MASK);

        /* A word of old that some CPU still runs under was reserved when its generation ended. */
        if (!renew_reserved(pool, vmid->word, renewed)) {
            uint32_t number = take_free(pool, cpu, rollover);

            renewed = pool->generation | number;
        }
        __atomic_store_n(&vmid->word, renewed, __ATOMIC_RELAXED);
    }
    pool->active[cpu] = vmid->word;
    return (int)(vmid->word & VMID_MASK);
}

void ash_vmid_put(struct ash_vmid_pool *pool, unsigned cpu)
{
    if (cpu < pool->cpus) {
        pool->active[cpu] = 0;
    }
}

void ash_vmid_release(struct ash_vmid_pool *pool, struct ash_vmid *vmid)
{
    (void)pool; /* its number stays taken until the next rollover, when the TLBs forget it */
    vmid->word = 0;
}
