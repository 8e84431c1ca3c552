/* SPDX-License-Identifier: BSD-2-Clause */
/** 100,000 random operations on libstage2, beside a page map, an independent walker and a shadow TLB. Prints how
 *  often each kind of event happened and fails where one never did. Seed: ASH_TEST_SEED. */
#include <testkit/cmocka.h>
#include <testkit/seed.h>

#include <string.h>

#include "stage2_model.h"

#define KIB UINT64_C(0x400)
#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)

#define OPERATIONS 8400U /* in each of the machines below */
#define LIFETIME   420U  /* operations between init and destroy */

/* ID_AA64MMFR0_EL1: PARange [3:0], TGran4 [31:28], TGran4_2 [43:40]; ID_AA64MMFR1_EL1: VMIDBits [7:4]. */
#define MMFR0(parange, tgran4, tgran4_2)                                                                     \
    ((uint64_t)(parange) | ((uint64_t)(tgran4) << 28) | ((uint64_t)(tgran4_2) << 40))
#define VMID_16 UINT64_C(0x20)

struct machine_case {
    const char *name;
    uint64_t mmfr0, mmfr1;
    unsigned ipa_bits;
    bool contiguous;
};

static const struct machine_case machines[] = {
    {"ipa_32_on_pa_32", MMFR0(0, 0, 0), 0, 32, false},
    {"ipa_32_on_pa_48_contiguous", MMFR0(5, 0, 0), VMID_16, 32, true},
    {"ipa_34_on_pa_36_contiguous", MMFR0(1, 0, 0), 0, 34, true},
    {"ipa_36_on_pa_36_contiguous", MMFR0(1, 0, 2), VMID_16, 36, true},
    {"ipa_39_on_pa_40", MMFR0(2, 1, 0), 0, 39, false},
    {"ipa_40_on_pa_40_contiguous", MMFR0(2, 0, 0), 0, 40, true},
    {"ipa_42_on_pa_42_contiguous", MMFR0(3, 0xF, 2), VMID_16, 42, true},
    {"ipa_43_on_pa_44", MMFR0(4, 0, 3), 0, 43, false},
    {"ipa_44_on_pa_44_contiguous", MMFR0(4, 0, 0), VMID_16, 44, true},
    {"ipa_48_on_pa_48_contiguous", MMFR0(5, 0, 0), VMID_16, 48, true},
    {"ipa_48_on_pa_52", MMFR0(6, 1, 3), 0, 48, false},
    {"ipa_33_on_pa_40_contiguous", MMFR0(2, 0, 2), 0, 33, true},
};

static const struct machine_case refused[] = {
    {"ipa 31", MMFR0(5, 0, 0), 0, 31, false},
    {"ipa 49", MMFR0(5, 0, 0), 0, 49, false},
    {"ipa 49 on 52-bit PA", MMFR0(6, 1, 3), 0, 49, false},
    {"ipa 0", MMFR0(5, 0, 0), 0, 0, false},
    {"ipa 64", MMFR0(5, 0, 0), 0, 64, false},
    {"ipa 33 on pa 32", MMFR0(0, 0, 0), 0, 33, false},
    {"ipa 41 on pa 40", MMFR0(2, 0, 0), 0, 41, true},
    {"no 4 KiB at all", MMFR0(5, 0xF, 0), 0, 40, false},
    {"no 4 KiB at stage 2", MMFR0(5, 0, 1), 0, 40, false},
};

static struct test_rng rng;
static uint64_t events[MODEL_EVENT_COUNT];
static uint64_t total_operations;

static uint64_t below(uint64_t bound)
{
    return test_rng_below(&rng, bound);
}

static bool percent(unsigned chance)
{
    return below(100) < chance;
}

/* ---- What to do next ------------------------------------------------------------------------------------- */

/* Page-sized work happens in a few 2 MiB regions, so that it meets itself and few tables suffice. */
#define HOT 6U

struct driver {
    struct model model;
    uint64_t hot[ORACLE_WINDOWS][HOT];
    uint64_t target[ORACLE_WINDOWS]; /* output address of the window's base, while it lasts */
    uint32_t attr;
};

static uint32_t random_attr(void)
{
    static const uint32_t rights[] = {
        ASH_STAGE2_READ,
        ASH_STAGE2_READ | ASH_STAGE2_WRITE,
        ASH_STAGE2_READ | ASH_STAGE2_EXEC,
        ASH_STAGE2_READ | ASH_STAGE2_WRITE | ASH_STAGE2_EXEC,
    };
    static const uint32_t types[] = {
        ASH_STAGE2_NORMAL,
        ASH_STAGE2_NORMAL_NC,
        ASH_STAGE2_DEVICE,
        ASH_STAGE2_DEVICE_NGNRNE,
    };

    return rights[below(4)] | types[percent(60) ? 0 : below(4)];
}

/* Output addresses: as aligned as a 1 GiB block wants, or less. */
static uint64_t random_target(const struct driver *driver)
{
    static const uint64_t units[] = {16U * GIB, GIB, GIB, GIB, 32U * MIB, 2U * MIB, 64U * KIB, 4U * KIB};
    uint64_t space = UINT64_C(1) << driver->model.oracle.pa_bits;
    uint64_t unit = units[below(ASH_ARRAY_SIZE(units))];
    uint64_t room = space > 32U * GIB ? space - 20U * GIB : space / 2U;

    return percent(25) ? 0 : below(room / unit + 1U) * unit;
}

static void choose_hot(struct driver *driver)
{
    for (unsigned w = 0; w < driver->model.oracle.windows; w++) {
        const struct oracle_window *window = &driver->model.oracle.window[w];
        uint64_t cluster = below(window->size / (32U * MIB) - 1U) * 32U * MIB;
        uint64_t border = (1U + below(window->size / GIB - 1U)) * GIB;

        driver->hot[w][0] = window->base + cluster;
        driver->hot[w][1] = window->base + cluster + 2U * MIB;
        driver->hot[w][2] = window->base + cluster + 4U * MIB;
        driver->hot[w][3] = window->base + border - 2U * MIB;
        driver->hot[w][4] = window->base + border;
        driver->hot[w][5] = window->base + (percent(50) ? 0 : window->size - 2U * MIB);
        driver->target[w] = random_target(driver);
    }
    driver->attr = random_attr();
}

struct range {
    unsigned window;
    uint64_t ipa, size;
};

static uint64_t hot_point(const struct driver *driver, unsigned w)
{
    static const uint64_t units[] = {4U * KIB, 64U * KIB, 2U * MIB};
    uint64_t unit = units[below(3)];

    return driver->hot[w][below(HOT)] + below(2U * MIB / unit) * unit;
}

/* From one point to another one, if that is near. */
static struct range between_points(const struct driver *driver, unsigned w, uint64_t most)
{
    uint64_t a = hot_point(driver, w);
    uint64_t b = hot_point(driver, w);
    uint64_t lo = a < b ? a : b;
    uint64_t size = a < b ? b - a : a - b;

    if (size == 0U || size > most) {
        size = (1U + below(16)) * 4U * KIB;
        size = size < 2U * MIB - lo % (2U * MIB) ? size : 4U * KIB;
    }
    return (struct range){w, lo, size};
}

static struct range random_range(const struct driver *driver, uint64_t most)
{
    unsigned w = (unsigned)below(driver->model.oracle.windows);
    const struct oracle_window *window = &driver->model.oracle.window[w];
    uint64_t hot = driver->hot[w][below(HOT)];
    uint64_t dice = below(100);
    uint64_t start, size;

    if (dice < 30U) {
        start = below(512);
        return (struct range){w, hot + start * 4U * KIB, (1U + below(512U - start)) * 4U * KIB};
    }
    if (dice < 42U) {
        return (struct range){w, hot, 2U * MIB};
    }
    if (dice < 52U) {
        return (struct range){w, hot + below(32) * 64U * KIB, 64U * KIB};
    }
    if (dice < 62U) {
        return (struct range){w, hot + below(512) * 4U * KIB, 4U * KIB};
    }
    if (dice < 65U) { /* across the middle: with concatenated roots, from one table into the next */
        start = (1U + below(16)) * (percent(50) ? 64U * KIB : 4U * KIB);
        return (struct range){w, window->base + window->size / 2U - start,
                              start + below(16) * 64U * KIB + 4U * KIB};
    }
    if (dice < 82U || most < 64U * MIB) {
        return between_points(driver, w, most < GIB ? most : GIB);
    }
    if (dice < 91U) {
        size = (1U + below(32)) * 2U * MIB;
        start = hot / (64U * MIB) * 64U * MIB + (percent(50) ? 0 : below(16) * 2U * MIB);
        return (struct range){w, start, size};
    }
    if (dice < 97U || w != 1U) {
        return (struct range){w, hot / GIB * GIB, GIB};
    }
    return (struct range){w, window->base, window->size};
}

static struct range clip(const struct driver *driver, struct range range)
{
    const struct oracle_window *window = &driver->model.oracle.window[range.window];

    if (range.ipa < window->base) {
        range.ipa = window->base;
    }
    if (range.ipa + range.size > window->base + window->size) {
        range.size = window->base + window->size - range.ipa;
    }
    return range;
}

/* A range that is mapped from its start, and throughout if that can be had by making it smaller. */
static struct range mapped_range(const struct driver *driver)
{
    const struct oracle *oracle = &driver->model.oracle;
    struct range range = clip(driver, random_range(driver, UINT64_MAX));

    for (unsigned i = 0; i < 8U && oracle_page(oracle, range.ipa) == 0U; i++) {
        range = clip(driver, random_range(driver, UINT64_MAX));
    }
    while (range.size > 4096U && !oracle_is_full(oracle, range.ipa, range.size)) {
        range.size = range.size / 2U / 4096U * 4096U;
    }
    return range;
}

/* ---- Doing it -------------------------------------------------------------------------------------------- */

/* One thing wrong with a good request. */
static void spoil(const struct driver *driver, struct model_change *change)
{
    uint64_t ipa_end = UINT64_C(1) << driver->model.oracle.ipa_bits;
    uint64_t pa_end = UINT64_C(1) << driver->model.oracle.pa_bits;

    switch (below(11)) {
    case 0:
        change->ipa += 1U + below(4095);
        break;
    case 1:
        change->pa += 1U + below(4095);
        break;
    case 2:
        change->size += 1U + below(4095);
        break;
    case 3:
        change->size = 0;
        break;
    case 4:
        change->ipa = ~UINT64_C(0xFFF);
        change->size = 2U * 4096U;
        break;
    case 5:
        change->pa = ~UINT64_C(0xFFF) - 4096U;
        change->size = 4U * 4096U;
        break;
    case 6:
        change->ipa = ipa_end - 4096U * below(2);
        change->size = 2U * 4096U;
        break;
    case 7:
        change->pa = pa_end - 4096U * below(2);
        change->size = 2U * 4096U;
        break;
    case 8:
        change->size = ipa_end + 4096U;
        break;
    case 9:
        change->attr &= percent(50) ? ~ASH_STAGE2_READ : ~ASH_STAGE2_RIGHTS;
        break;
    default:
        change->attr |= UINT32_C(0x40) << below(26);
        break;
    }
}

static void do_map(struct driver *driver)
{
    struct model_change change = {.verb = MODEL_MAP, .attr = percent(85) ? driver->attr : random_attr()};
    struct range range;
    uint64_t target, most;

    range = random_range(driver, UINT64_MAX);
    target = percent(85) ? driver->target[range.window] : random_target(driver);
    most = target % (2U * MIB) != 0U ? 8U * MIB : UINT64_MAX; /* else it is pages upon pages */
    if (range.size > most) {
        range.size = most;
    }
    range = clip(driver, range);
    change.ipa = range.ipa;
    change.size = range.size;
    change.pa = range.ipa - driver->model.oracle.window[range.window].base + target;
    if (percent(6)) {
        spoil(driver, &change);
    }
    (void)model_change(&driver->model, &change);
}

static void do_unmap(struct driver *driver)
{
    struct range range = percent(40)
                             ? mapped_range(driver)
                             : clip(driver, random_range(driver, percent(80) ? 2U * MIB : UINT64_MAX));
    struct model_change change = {.verb = MODEL_UNMAP, .ipa = range.ipa, .size = range.size};

    if (percent(1)) {
        change.ipa = 0;
        change.size = UINT64_C(1) << driver->model.oracle.ipa_bits;
    }
    if (percent(5)) {
        spoil(driver, &change);
    }
    (void)model_change(&driver->model, &change);
}

static void do_protect(struct driver *driver)
{
    struct range range = percent(80) ? mapped_range(driver) : clip(driver, random_range(driver, UINT64_MAX));
    struct model_change change = {.verb = MODEL_PROTECT,
                                  .ipa = range.ipa,
                                  .size = range.size,
                                  .attr = percent(50) ? driver->attr : random_attr()};

    if (percent(5)) {
        spoil(driver, &change);
    }
    (void)model_change(&driver->model, &change);
}

/* Take a part out of what is mapped and put it back: splits, and then coalesces. */
static void do_repair(struct driver *driver)
{
    struct range range = clip(driver, random_range(driver, 64U * MIB));
    uint64_t page = oracle_page(&driver->model.oracle, range.ipa);
    struct model_change change = {.verb = MODEL_UNMAP, .ipa = range.ipa, .size = range.size};

    if (page == 0U || !oracle_is(&driver->model.oracle, range.ipa, range.size, page)) {
        range.size = 4096;
        change.size = 4096;
    }
    if (page == 0U) {
        do_map(driver);
        return;
    }
    (void)model_change(&driver->model, &change);
    change.verb = MODEL_MAP;
    change.pa = page & ~UINT64_C(0xFFF);
    change.attr = (uint32_t)(page & ORACLE_ATTR);
    driver->model.fail_allocations = percent(8);
    (void)model_change(&driver->model, &change);
}

static uint64_t random_ipa(const struct driver *driver)
{
    uint64_t space = UINT64_C(1) << driver->model.oracle.ipa_bits;
    unsigned w = (unsigned)below(driver->model.oracle.windows);

    switch (below(10)) {
    case 0:
        return space + below(space);
    case 1:
        return test_rng_next(&rng);
    case 2:
        return below(space);
    case 3:
        return driver->model.oracle.window[w].base + below(driver->model.oracle.window[w].size);
    case 4:
        return hot_point(driver, w) + below(4096);
    default:
        return mapped_range(driver).ipa + below(4096);
    }
}

static void do_visit(struct driver *driver)
{
    struct range range = clip(driver, random_range(driver, UINT64_MAX));
    struct model_change change = {.ipa = range.ipa, .size = range.size};

    if (percent(10)) {
        spoil(driver, &change);
    }
    model_visit(&driver->model, change.ipa, change.size, percent(50) ? 0 : 1U + (unsigned)below(5));
}

static uint16_t random_vmid(const struct driver *driver)
{
    return (uint16_t)(1U + below(driver->model.config.id_aa64mmfr1_el1 == VMID_16 ? 65535 : 255));
}

static void do_something(struct driver *driver)
{
    uint64_t dice = below(100);

    driver->model.fail_allocations = percent(8);
    if (dice < 38U) {
        do_map(driver);
    } else if (dice < 53U) {
        do_unmap(driver);
    } else if (dice < 66U) {
        do_protect(driver);
    } else if (dice < 77U) {
        do_repair(driver);
    } else if (dice < 84U) {
        model_lookup(&driver->model, random_ipa(driver));
    } else if (dice < 90U) {
        do_visit(driver);
    } else if (dice < 98U) {
        model_fault(&driver->model, random_ipa(driver), (uint32_t)below(16));
    } else {
        model_set_vmid(&driver->model, random_vmid(driver));
    }
    if (below(150) == 0U) {
        choose_hot(driver);
    }
    if (below(64) == 0U) {
        model_compare_all(&driver->model);
    }
}

static struct ash_stage2_config config_of(const struct machine_case *machine)
{
    return (struct ash_stage2_config){
        .size = sizeof(struct ash_stage2_config),
        .id_aa64mmfr0_el1 = machine->mmfr0,
        .id_aa64mmfr1_el1 = machine->mmfr1,
        .ipa_bits = machine->ipa_bits,
        .contiguous = machine->contiguous,
    };
}

static void library_and_page_map_agree(void **state)
{
    const struct machine_case *machine = *state;
    static struct driver driver;

    memset(&driver, 0, sizeof(driver));
    driver.model.name = machine->name;
    driver.model.events = events;
    driver.model.config = config_of(machine);
    while (driver.model.operations < OPERATIONS) {
        uint64_t end = driver.model.operations + LIFETIME;

        assert_int_equal(model_init(&driver.model, random_vmid(&driver)), ASH_OK);
        choose_hot(&driver);
        while (driver.model.operations < end) {
            do_something(&driver);
        }
        model_compare_all(&driver.model);
        model_destroy(&driver.model);
        model_fini(&driver.model);
    }
    total_operations += driver.model.operations;
}

static void machines_that_cannot_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(refused); i++) {
        static struct model model;

        memset(&model, 0, sizeof(model));
        model.name = refused[i].name;
        model.events = events;
        model.config = config_of(&refused[i]);
        assert_int_not_equal(model_init(&model, 1), ASH_OK);
        model_fini(&model);
        total_operations++;
    }
}

#define MODEL_TEXT(id, text) [MODEL_##id] = (text),

static void every_kind_of_event_happened(void **state)
{
    static const char *const text[] = {MODEL_EVENTS(MODEL_TEXT)};
    bool missing = false;

    (void)state;
    printf("%llu operations\n", (unsigned long long)total_operations);
    for (size_t i = 0; i < MODEL_EVENT_COUNT; i++) {
        printf("%12llu  %s%s\n", (unsigned long long)events[i], text[i],
               events[i] == 0U ? "   <-- never" : "");
        missing |= events[i] == 0U;
    }
    assert_false(missing);
    assert_true(total_operations >= 100000U);
}

int main(void)
{
    struct CMUnitTest tests[ASH_ARRAY_SIZE(machines) + 2U];
    size_t count = 0;

    (void)test_rng_init(&rng, "stage2_model_test");
    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < ASH_ARRAY_SIZE(machines); i++) {
        tests[count].name = machines[i].name;
        tests[count].test_func = library_and_page_map_agree;
        tests[count++].initial_state = (void *)(uintptr_t)&machines[i];
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(machines_that_cannot_are_refused);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_kind_of_event_happened);
    return _cmocka_run_group_tests("stage2_model", tests, count, NULL, NULL);
}
