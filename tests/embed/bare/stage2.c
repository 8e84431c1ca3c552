/* SPDX-License-Identifier: BSD-2-Clause */
/* libstage2 in bare firmware: tables under which an EL1 program runs, faults, and runs on. */
#include <libstage2/el2.h>

#include "bare.h"

#define PAGES     16U
#define CODE_IPA  UINT64_C(0x10000000)
#define DATA_IPA  UINT64_C(0x20000000)
#define LATER_IPA UINT64_C(0x7fff000)
#define HCR_VM    UINT64_C(0x80000001) /* RW: EL1 is AArch64; VM: stage 2 on (DDI 0487 D17.2.48) */

extern char guest_start[], guest_end[];

static unsigned char pool[PAGES][4096] __attribute__((aligned(PAGES * 4096)));
static unsigned taken;
static uint64_t data[512] __attribute__((aligned(4096)));
static uint64_t later[512] __attribute__((aligned(4096)));

/* From the bottom up, never given back; each aligned to its size, as a power of two is asked for. */
static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    unsigned first = (taken + pages - 1U) / pages * pages;

    (void)ctx;
    if (first + pages > PAGES) {
        return ASH_ENOMEM;
    }
    taken = first + pages;
    *pa = ash_pa((uint64_t)(uintptr_t)pool[first]);
    return ASH_OK;
}

static void table_free(void *ctx, ash_pa_t pa, unsigned pages)
{
    (void)ctx;
    (void)pa;
    (void)pages;
}

static uint64_t *table_at(void *ctx, ash_pa_t pa)
{
    (void)ctx;
    return (uint64_t *)(uintptr_t)pa.value;
}

static void invalidate(void *ctx, const struct ash_stage2_invalidation *what)
{
    ash_stage2_el2_invalidate((const struct ash_stage2 *)ctx, what);
}

static const struct ash_stage2_hal hal = {
    .size = sizeof(hal),
    .table_alloc = table_alloc,
    .table_free = table_free,
    .table_at = table_at,
    .publish = ash_stage2_el2_publish,
    .invalidate = invalidate,
};

static void map(struct ash_stage2 *s2, uint64_t ipa, const void *at, uint64_t size, uint32_t attr)
{
    expect_equal((uint64_t)ash_stage2_map(s2, ash_ipa(ipa), ash_pa((uint64_t)(uintptr_t)at), size, attr),
                 ASH_OK, "map");
}

/* The guest's next exit is a data abort of stage 2 (EC 0x24) at @ipa, and the table says @verdict to it. HPFAR_EL2
 * holds IPA[47:12] in [39:4]; it is not filled for permission faults on every CPU. */
static void run_to_fault(struct ash_stage2 *s2, struct guest *guest, uint64_t ipa, uint32_t access,
                         int verdict)
{
    expect_equal((uint64_t)guest_run(guest), 0, "left by an interrupt");
    expect_equal(SYSREG_READ(esr_el2) >> 26, 0x24, "not a data abort");
    if (verdict == ASH_ENOENT) {
        expect_equal((SYSREG_READ(hpfar_el2) & UINT64_C(0xFFFFFFFFF0)) << 8, ipa, "another address");
    }
    expect(ash_stage2_check_fault(s2, ash_ipa(ipa), access) == verdict, "the verdict");
}

static void serve(struct ash_stage2 *s2, struct guest *guest)
{
    run_to_hvc(guest, 1);
    expect_equal(data[0], 0x55, "the store arrives");

    run_to_fault(s2, guest, LATER_IPA, ASH_STAGE2_READ, ASH_ENOENT);
    map(s2, LATER_IPA, later, 4096, ASH_STAGE2_READ);
    expect(ash_stage2_check_fault(s2, ash_ipa(LATER_IPA), ASH_STAGE2_READ) == ASH_OK, "it is there");
    run_to_hvc(guest, 2);
    expect_equal(guest->x[3], 0x1234, "the load, once more, finds it");

    expect(ash_stage2_protect(s2, ash_ipa(DATA_IPA), 4096, ASH_STAGE2_READ) == ASH_OK, "protect");
    run_to_fault(s2, guest, DATA_IPA, ASH_STAGE2_WRITE, ASH_EPERM);
    expect_equal(data[1], 0, "nothing was written");
    expect(ash_stage2_protect(s2, ash_ipa(DATA_IPA), 4096, ASH_STAGE2_READ | ASH_STAGE2_WRITE) == ASH_OK,
           "protect");
    run_to_hvc(guest, 3);
    expect_equal(data[1], 0x55, "the store, once more, arrives");

    expect(ash_stage2_unmap(s2, ash_ipa(LATER_IPA), 4096) == ASH_OK, "unmap");
    run_to_fault(s2, guest, LATER_IPA, ASH_STAGE2_READ, ASH_ENOENT);
    guest->pc += 4;
    run_to_hvc(guest, 4);
}

void program(void)
{
    static struct ash_stage2 s2;
    static struct guest guest;
    const struct ash_stage2_config config = {
        .size = sizeof(config),
        .id_aa64mmfr0_el1 = SYSREG_READ(id_aa64mmfr0_el1),
        .id_aa64mmfr1_el1 = SYSREG_READ(id_aa64mmfr1_el1),
        .ipa_bits = 36,
    };

    later[0] = 0x1234;
    expect(ash_stage2_init(&s2, &config, &hal, &s2) == ASH_OK, "init");
    ash_stage2_set_vmid(&s2, 1);
    map(&s2, CODE_IPA, guest_start, (uint64_t)(guest_end - guest_start), ASH_STAGE2_READ | ASH_STAGE2_EXEC);
    map(&s2, DATA_IPA, data, 4096, ASH_STAGE2_READ | ASH_STAGE2_WRITE);

    SYSREG_WRITE(vtcr_el2, ash_stage2_vtcr(&s2));
    SYSREG_WRITE(vttbr_el2, ash_stage2_vttbr(&s2));
    SYSREG_WRITE(hcr_el2, HCR_VM);
    SYSREG_WRITE(sctlr_el1, 0x30d00800); /* its RES1 bits: MMU and caches off */
    ash_stage2_el2_invalidate_everything();
    guest = (struct guest){.x = {DATA_IPA, LATER_IPA}, .pc = CODE_IPA, .pstate = PSTATE_EL1H};
    serve(&s2, &guest);
}
