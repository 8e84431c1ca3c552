/* SPDX-License-Identifier: BSD-2-Clause */
#include <libstage2/vmid.h>

#include <libbase/bits.h>

#define VMID_MASK        UINT64_C(0xffff)
#define FIRST_GENERATION UINT64_C(0x10000)

/* ash_vmid_cpu.active is the word that the CPU runs under, or one of two that are no VM's word.
 *
 * Only a rollover makes it NOTHING_LEFT, on every CPU, and only the CPU itself, by the lock, makes it anything else
 * again. So a CPU that swaps one VM's word for another's without the lock, and finds something there, does so before
 * the rollover has come to it, and the rollover keeps what it put there; and one that comes after the rollover waits
 * for the lock, until the TLBs have been invalidated. An atomic read-modify-write reads the last value that was
 * written (C11 7.17.3p12), so neither can miss the other, however late other stores are seen.
 *
 * Orders: a CPU's work under a VMID is before its active word says that it is over (release), and that before the VMID
 * is anybody else's (the rollover's acquire). Whoever sees the new generation (acquire) finds that its active word was
 * taken (the rollover's release of the generation, which it writes last). */
#define NOTHING_LEFT UINT64_C(0) /* a rollover took what was there, into `reserved` */
#define IDLE         UINT64_C(1) /* it runs under none; generations begin above it */

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
        config->cpus >= (1U << config->bits) - 1U || config->bitmap == NULL || config->cpu == NULL) {
        return ASH_EINVAL;
    }
    *pool = (struct ash_vmid_pool){
        .generation = FIRST_GENERATION,
        .bitmap = config->bitmap,
        .cpu = config->cpu,
        .limit = 1U << config->bits,
        .cpus = config->cpus,
    };
    for (unsigned cpu = 0; cpu < pool->cpus; cpu++) {
        pool->cpu[cpu] = (struct ash_vmid_cpu){.active = IDLE};
    }
    clear_bitmap(pool);
    return ASH_OK;
}

/** Is @word of the pool's generation? Acquire: see above. */
static bool is_current(const struct ash_vmid_pool *pool, uint64_t word)
{
    return word != 0U && generation_of(word) == __atomic_load_n(&pool->generation, __ATOMIC_ACQUIRE);
}

bool ash_vmid_is_current(const struct ash_vmid_pool *pool, const struct ash_vmid *vmid)
{
    return is_current(pool, __atomic_load_n(&vmid->word, __ATOMIC_RELAXED));
}

/** A new generation. What a CPU runs under now, or was left with by an earlier rollover, stays that VM's number: its
 *  vCPU does not stop for this. */
static void roll_over(struct ash_vmid_pool *pool)
{
    clear_bitmap(pool);
    for (unsigned cpu = 0; cpu < pool->cpus; cpu++) {
        uint64_t word = __atomic_exchange_n(&pool->cpu[cpu].active, NOTHING_LEFT, __ATOMIC_ACQ_REL);

        if (word == IDLE) {
            pool->cpu[cpu].reserved = 0;
        } else if (word != NOTHING_LEFT) {
            pool->cpu[cpu].reserved = word;
        }
        take(pool, (uint32_t)(pool->cpu[cpu].reserved & VMID_MASK)); /* 0 is taken anyway */
    }
    __atomic_store_n(&pool->generation, pool->generation + FIRST_GENERATION, __ATOMIC_RELEASE);
}

/** Was @word kept over the last rollover? Then it lives on in this generation, for every CPU that runs it. */
static bool renew_reserved(struct ash_vmid_pool *pool, uint64_t word, uint64_t renewed)
{
    bool found = false;

    for (unsigned cpu = 0; cpu < pool->cpus; cpu++) {
        if (word != 0U && pool->cpu[cpu].reserved == word) {
            pool->cpu[cpu].reserved = renewed;
            found = true;
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
        /* This CPU runs nothing now: it gives up its number. */
        __atomic_store_n(&pool->cpu[cpu].active, IDLE, __ATOMIC_RELAXED);
        roll_over(pool);
        *rollover = true;
        number = find_free(pool); /* fewer CPUs than numbers: there is one */
    }
    take(pool, number);
    return number;
}

/** @word for what is in @cpu's active word. False: a rollover has taken that. */
static bool swap_active(struct ash_vmid_cpu *cpu, uint64_t word)
{
    uint64_t old = __atomic_load_n(&cpu->active, __ATOMIC_RELAXED);

    return old != NOTHING_LEFT &&
           __atomic_compare_exchange_n(&cpu->active, &old, word, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

int ash_vmid_try_load(struct ash_vmid_pool *pool, const struct ash_vmid *vmid, unsigned cpu)
{
    uint64_t word = __atomic_load_n(&vmid->word, __ATOMIC_RELAXED);

    return cpu < pool->cpus && is_current(pool, word) && swap_active(&pool->cpu[cpu], word)
               ? (int)(word & VMID_MASK)
               : 0;
}

int ash_vmid_load(struct ash_vmid_pool *pool, struct ash_vmid *vmid, unsigned cpu, bool *rollover)
{
    uint64_t word = vmid->word;

    *rollover = false;
    if (cpu >= pool->cpus) {
        return ASH_EINVAL;
    }
    if (!is_current(pool, word)) {
        uint64_t renewed = pool->generation | (word & VMID_MASK);

        /* A word of old that some CPU still runs under was reserved when its generation ended. */
        if (!renew_reserved(pool, word, renewed)) {
            uint32_t number = take_free(pool, cpu, rollover);

            renewed = pool->generation | number;
        }
        word = renewed;
        __atomic_store_n(&vmid->word, word, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&pool->cpu[cpu].active, word, __ATOMIC_RELAXED);
    return (int)(word & VMID_MASK);
}

void ash_vmid_put(struct ash_vmid_pool *pool, unsigned cpu)
{
    if (cpu < pool->cpus) {
        (void)swap_active(&pool->cpu[cpu], IDLE);
    }
}

void ash_vmid_release(struct ash_vmid_pool *pool, struct ash_vmid *vmid)
{
    (void)pool; /* its number stays taken until the next rollover, when the TLBs forget it */
    __atomic_store_n(&vmid->word, UINT64_C(0), __ATOMIC_RELAXED);
}
