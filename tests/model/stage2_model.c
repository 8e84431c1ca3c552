/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_model.h"

#include <stdlib.h>
#include <string.h>

#include <testkit/cmocka.h>

#define GIB      UINT64_C(0x40000000)
#define TABLE_PA UINT64_C(0x40000000)

static void happened(struct model *model, enum model_event event, uint64_t times)
{
    model->events[event] += times;
}

__attribute__((noreturn, format(printf, 2, 3))) static void wrong(const struct model *model,
                                                                  const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    print_error("%s: operation %llu, %s:\n    %s\n", model->name, (unsigned long long)model->operations,
                model->what, text);
    fail();
    abort();
}

static const char *error_name(int error)
{
    return ash_error_name(error);
}

static void check_result(const struct model *model, int got, int expected)
{
    if (got != expected) {
        wrong(model, "returned %s (%d), the contract says %s", error_name(got), got, error_name(expected));
    }
}

/* ---- Comparing what the tables say with the page map ----------------------------------------------------- */

static bool tlb_agrees(void *ctx, uint64_t ipa, uint64_t size, uint64_t descriptor, unsigned level)
{
    const struct model *model = ctx;
    uint32_t attr;

    return s2_leaf_attr(descriptor, &attr) == NULL &&
           oracle_is(&model->oracle, ipa, size, s2_address(descriptor, level) | ORACLE_VALID | attr);
}

static void check_machine(struct model *model)
{
    tlb_settle(&model->machine.tlb, tlb_agrees, model);
    if (model->machine.tlb.violations != 0U) {
        wrong(model, "%s; %u in all", model->machine.tlb.message, model->machine.tlb.violations);
    }
}

static const char *compare_leaf(void *arg, const struct s2_leaf *leaf)
{
    const struct model *model = arg;
    uint64_t page = leaf->valid ? leaf->pa | ORACLE_VALID | leaf->attr : 0U;

    return oracle_is(&model->oracle, leaf->ipa, leaf->size, page) ? NULL
                                                                  : "the tables say other than the page map";
}

struct scope {
    uint64_t lo, hi;
    struct s2_census census;
    unsigned live_pages;
};

static unsigned table_count(const struct s2_census *census)
{
    return census->tables[0] + census->tables[1] + census->tables[2] + census->tables[3];
}

static void scan_scope(struct model *model, struct scope *scope, bool compare)
{
    const char *fault = s2_scan(&model->regime, &model->machine.walk, scope->lo, scope->hi,
                                compare ? compare_leaf : NULL, model, &scope->census);

    if (fault != NULL) {
        wrong(model, "in [0x%llx, 0x%llx): %s", (unsigned long long)scope->lo, (unsigned long long)scope->hi,
              fault);
    }
    scope->live_pages = model->machine.memory.live_pages;
    if (scope->census.empty != 0U) {
        wrong(model, "%u empty tables are left", scope->census.empty);
    }
    if (!model->config.contiguous &&
        scope->census.contiguous[1] + scope->census.contiguous[2] + scope->census.contiguous[3] != 0U) {
        wrong(model, "the Contiguous hint is set though config.contiguous is false");
    }
}

/* The 1 GiB regions that [ipa, ipa+size) touches, or a stand-in where the range is no good. */
static struct scope scope_of(const struct model *model, uint64_t ipa, uint64_t size)
{
    struct scope scope = {.lo = 0, .hi = GIB};

    if (oracle_range(&model->oracle, ipa, size) == ASH_OK) {
        scope.lo = ipa / GIB * GIB;
        scope.hi = (ipa + size + GIB - 1U) / GIB * GIB;
    }
    return scope;
}

void model_compare_all(struct model *model)
{
    struct scope all = {.lo = 0, .hi = UINT64_C(1) << model->config.ipa_bits};

    scan_scope(model, &all, true);
    if (table_count(&all.census) != all.live_pages) {
        wrong(model, "%u table pages in use, a walk reaches %u", all.live_pages, table_count(&all.census));
    }
    happened(model, MODEL_FULL_COMPARE, 1);
}

/* ---- Life ------------------------------------------------------------------------------------------------ */

static void note_regime(struct model *model)
{
    happened(model, MODEL_START_LEVEL_0, model->regime.start_level == 0U ? 1U : 0U);
    happened(model, MODEL_START_LEVEL_1, model->regime.start_level == 1U ? 1U : 0U);
    happened(model, MODEL_START_LEVEL_2, model->regime.start_level == 2U ? 1U : 0U);
    happened(model, MODEL_CONCATENATED, model->regime.root_pages > 1U ? 1U : 0U);
}

static void read_regime(struct model *model)
{
    const char *fault =
        s2_regime_decode(ash_stage2_vtcr(&model->s2), ash_stage2_vttbr(&model->s2),
                         model->config.id_aa64mmfr0_el1, model->config.id_aa64mmfr1_el1, &model->regime);

    if (fault != NULL) {
        wrong(model, "%s (VTCR 0x%llx, VTTBR 0x%llx)", fault, (unsigned long long)ash_stage2_vtcr(&model->s2),
              (unsigned long long)ash_stage2_vttbr(&model->s2));
    }
    if (model->regime.ia_bits != model->config.ipa_bits) {
        wrong(model, "VTCR_EL2.T0SZ gives %u bits, not %u", model->regime.ia_bits, model->config.ipa_bits);
    }
    if (model->regime.vmid != model->vmid) {
        wrong(model, "VTTBR_EL2.VMID is %u, not %u", model->regime.vmid, model->vmid);
    }
}

static int try_init(struct model *model, const struct ash_stage2_hal *hal)
{
    int result = ash_stage2_init(&model->s2, &model->config, hal, &model->machine);

    if (result != ASH_OK && model->machine.memory.live_pages != 0U) {
        wrong(model, "a failed init keeps %u table pages", model->machine.memory.live_pages);
    }
    return result;
}

/* Each missing operation and each wrong size field is refused. */
static void refuse_broken_hals(struct model *model)
{
    for (unsigned i = 0; i < 7U; i++) {
        struct ash_stage2_hal hal = machine_hal;
        struct ash_stage2_config config = model->config;

        hal.size -= i == 0U ? 1U : 0U;
        hal.table_alloc = i == 1U ? NULL : hal.table_alloc;
        hal.table_free = i == 2U ? NULL : hal.table_free;
        hal.table_at = i == 3U ? NULL : hal.table_at;
        hal.publish = i == 4U ? NULL : hal.publish;
        hal.invalidate = i == 5U ? NULL : hal.invalidate;
        model->config.size -= i == 6U ? 1U : 0U;
        check_result(model, try_init(model, &hal), oracle_init_result(&model->config, &hal));
        model->config = config;
        happened(model, MODEL_INIT_EINVAL, 1);
    }
}

static void fail_init(struct model *model)
{
    model->machine.memory.allocations = 0;
    model->machine.memory.fail_at = 1;
    check_result(model, try_init(model, &machine_hal), ASH_ENOMEM);
    model->machine.memory.fail_at = 0;
    happened(model, MODEL_INIT_ENOMEM, 1);
}

static void add_windows(struct model *model)
{
    unsigned bits = model->config.ipa_bits;
    uint64_t top = UINT64_C(1) << bits;

    oracle_init(&model->oracle, bits, s2_pa_bits(model->config.id_aa64mmfr0_el1));
    oracle_add_window(&model->oracle, 0, 4U * GIB);
    if (bits >= 36U) {
        oracle_add_window(&model->oracle, 32U * GIB, 16U * GIB); /* a group of 1 GiB blocks */
    }
    if (bits >= 40U) {
        oracle_add_window(&model->oracle, 510U * GIB, 4U * GIB); /* around the end of one level 1 table */
    }
    if (bits >= 33U) {
        oracle_add_window(&model->oracle, top - 4U * GIB, 4U * GIB);
    }
}

int model_init(struct model *model, uint16_t vmid)
{
    int expected = oracle_init_result(&model->config, &machine_hal);
    int result;

    model->operations++;
    snprintf(model->what, sizeof(model->what), "init with %u IPA bits, ID_AA64MMFR0_EL1 0x%llx",
             model->config.ipa_bits, (unsigned long long)model->config.id_aa64mmfr0_el1);
    memset(&model->s2, 0x5A, sizeof(model->s2));
    machine_init(&model->machine, TABLE_PA, model->operations * 77U + vmid);
    if (expected == ASH_OK) {
        add_windows(model);
        refuse_broken_hals(model);
        fail_init(model);
    }
    result = try_init(model, &machine_hal);
    check_result(model, result, expected);
    happened(model,
             result == ASH_OK       ? MODEL_INIT_OK
             : result == ASH_EINVAL ? MODEL_INIT_EINVAL
                                    : MODEL_INIT_ENOTSUP,
             1);
    if (result == ASH_OK) {
        ash_stage2_set_vmid(&model->s2, vmid);
        model->vmid = vmid;
        read_regime(model);
        note_regime(model);
        tlb_load(&model->machine.tlb, &model->regime);
        check_machine(model);
        model_compare_all(model);
    }
    return result;
}

void model_destroy(struct model *model)
{
    uint64_t invalidations = model->machine.invalidations;

    model->operations++;
    snprintf(model->what, sizeof(model->what), "destroy");
    tlb_unload(&model->machine.tlb);
    oracle_clear(&model->oracle);
    ash_stage2_destroy(&model->s2);
    check_machine(model);
    if (model->machine.memory.live_pages != 0U) {
        wrong(model, "%u table pages leaked", model->machine.memory.live_pages);
    }
    if (model->machine.invalidations != invalidations + 1U) {
        wrong(model, "invalidated %llu times, not once",
              (unsigned long long)(model->machine.invalidations - invalidations));
    }
    happened(model, MODEL_DESTROY, 1);
}

void model_fini(struct model *model)
{
    happened(model, MODEL_INVALIDATE_LEAF, model->machine.invalidations_leaf);
    happened(model, MODEL_INVALIDATE_TABLE, model->machine.invalidations - model->machine.invalidations_leaf);
    oracle_fini(&model->oracle);
    machine_fini(&model->machine);
}

void model_set_vmid(struct model *model, uint16_t vmid)
{
    model->operations++;
    snprintf(model->what, sizeof(model->what), "set_vmid %u", vmid);
    ash_stage2_set_vmid(&model->s2, vmid);
    tlb_set_vmid(&model->machine.tlb, vmid);
    model->vmid = vmid;
    read_regime(model);
    happened(model, MODEL_SET_VMID, 1);
}

/* ---- Changes --------------------------------------------------------------------------------------------- */

static int call_library(struct model *model, const struct model_change *change)
{
    ash_ipa_t ipa = ash_ipa(change->ipa);

    switch (change->verb) {
    case MODEL_MAP:
        return ash_stage2_map(&model->s2, ipa, ash_pa(change->pa), change->size, change->attr);
    case MODEL_UNMAP:
        return ash_stage2_unmap(&model->s2, ipa, change->size);
    case MODEL_PROTECT:
    default:
        return ash_stage2_protect(&model->s2, ipa, change->size, change->attr);
    }
}

static int call_oracle(struct model *model, const struct model_change *change)
{
    switch (change->verb) {
    case MODEL_MAP:
        return oracle_map(&model->oracle, change->ipa, change->pa, change->size, change->attr);
    case MODEL_UNMAP:
        return oracle_unmap(&model->oracle, change->ipa, change->size);
    case MODEL_PROTECT:
    default:
        return oracle_protect(&model->oracle, change->ipa, change->size, change->attr);
    }
}

static void note_result(struct model *model, enum model_verb verb, int result)
{
    static const struct {
        enum model_verb verb;
        int result;
        enum model_event event;
    } table[] = {
        {MODEL_MAP, ASH_OK, MODEL_MAP_OK},
        {MODEL_MAP, ASH_EINVAL, MODEL_MAP_EINVAL},
        {MODEL_MAP, ASH_ERANGE, MODEL_MAP_ERANGE},
        {MODEL_MAP, ASH_EEXIST, MODEL_MAP_EEXIST},
        {MODEL_MAP, ASH_ENOMEM, MODEL_MAP_ENOMEM},
        {MODEL_UNMAP, ASH_OK, MODEL_UNMAP_OK},
        {MODEL_UNMAP, ASH_EINVAL, MODEL_UNMAP_EINVAL},
        {MODEL_UNMAP, ASH_ERANGE, MODEL_UNMAP_ERANGE},
        {MODEL_UNMAP, ASH_ENOMEM, MODEL_UNMAP_ENOMEM},
        {MODEL_PROTECT, ASH_OK, MODEL_PROTECT_OK},
        {MODEL_PROTECT, ASH_EINVAL, MODEL_PROTECT_EINVAL},
        {MODEL_PROTECT, ASH_ERANGE, MODEL_PROTECT_ERANGE},
        {MODEL_PROTECT, ASH_ENOENT, MODEL_PROTECT_ENOENT},
        {MODEL_PROTECT, ASH_ENOMEM, MODEL_PROTECT_ENOMEM},
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(table); i++) {
        if (table[i].verb == verb && table[i].result == result) {
            happened(model, table[i].event, 1);
            return;
        }
    }
    wrong(model, "returned %s (%d), which is not documented", error_name(result), result);
}

/* A call that failed changed nothing: neither what the tables mean nor how they are built. */
static void check_unchanged(struct model *model, const struct scope *before)
{
    struct scope after = *before;

    check_machine(model);
    scan_scope(model, &after, true);
    if (memcmp(&after.census, &before->census, sizeof(after.census)) != 0) {
        wrong(model, "it failed, and yet the tables are built otherwise now");
    }
    if (after.live_pages != before->live_pages) {
        wrong(model, "it failed, and %u table pages became %u", before->live_pages, after.live_pages);
    }
}

/* The call with its first allocation failing, its second, … until it does without the one that fails. */
static int call_with_failures(struct model *model, const struct model_change *change,
                              const struct scope *before)
{
    struct stage2_memory *memory = &model->machine.memory;

    for (unsigned nth = 1;; nth++) {
        unsigned failures = memory->failures;
        int result;

        memory->allocations = 0;
        memory->fail_at = nth;
        result = call_library(model, change);
        memory->fail_at = 0;
        if (result != ASH_ENOMEM || memory->failures == failures) {
            if (memory->failures != failures && result == ASH_OK) {
                wrong(model, "allocation %u failed, the call says ASH_OK", nth);
            }
            return result;
        }
        note_result(model, change->verb, result);
        check_unchanged(model, before);
    }
}

static unsigned grown(const unsigned *after, const unsigned *before, unsigned level)
{
    return after[level] > before[level] ? after[level] - before[level] : 0U;
}

static void note_structure(struct model *model, enum model_verb verb, const struct s2_census *before,
                           const struct s2_census *after)
{
    if (verb == MODEL_MAP) {
        happened(model, MODEL_PAGES, grown(after->leaves, before->leaves, 3));
        happened(model, MODEL_BLOCKS_2M, grown(after->leaves, before->leaves, 2));
        happened(model, MODEL_BLOCKS_1G, grown(after->leaves, before->leaves, 1));
        happened(model, MODEL_COALESCED_2M, grown(before->tables, after->tables, 3));
        happened(model, MODEL_COALESCED_1G, grown(before->tables, after->tables, 2));
        happened(model, MODEL_GROUP_64K, grown(after->contiguous, before->contiguous, 3) / 16U);
        happened(model, MODEL_GROUP_32M, grown(after->contiguous, before->contiguous, 2) / 16U);
        return;
    }
    happened(model, MODEL_SPLIT_2M, grown(after->tables, before->tables, 3));
    happened(model, MODEL_SPLIT_1G, grown(after->tables, before->tables, 2));
    happened(
        model, MODEL_GROUP_BROKEN,
        (grown(before->contiguous, after->contiguous, 2) + grown(before->contiguous, after->contiguous, 3)) /
            16U);
    if (verb == MODEL_UNMAP && table_count(before) > table_count(after)) {
        happened(model, MODEL_TABLES_FREED, table_count(before) - table_count(after));
    }
}

/* Does @address fall inside a leaf, or a contiguous group, that begins before it? Then it must be split there. */
static bool is_cut(struct model *model, uint64_t address)
{
    struct s2_leaf leaf;

    if ((address >> model->config.ipa_bits) != 0U ||
        s2_walk(&model->regime, &model->machine.walk, address, &leaf) != NULL || !leaf.valid) {
        return false;
    }
    return address % (leaf.contiguous ? 16U * leaf.size : leaf.size) != 0U;
}

/* A group of 16 that this call alone has mapped carries the hint. */
static void check_contiguous(struct model *model, const struct model_change *change)
{
    for (uint64_t span = 4096; span <= UINT64_C(0x200000); span *= 512U) {
        uint64_t group = (change->ipa + 16U * span - 1U) / (16U * span) * (16U * span);
        struct s2_leaf leaf;

        if (group + 16U * span > change->ipa + change->size ||
            (change->pa - change->ipa) % (16U * span) != 0U) {
            continue;
        }
        if (s2_walk(&model->regime, &model->machine.walk, group, &leaf) == NULL && leaf.size == span &&
            !leaf.contiguous) {
            wrong(model, "the group at 0x%llx qualifies for the Contiguous hint and has none",
                  (unsigned long long)group);
        }
    }
}

struct prelude {
    bool cut, hole, all_same;
    uint64_t invalidations;
};

static struct prelude look_before(struct model *model, const struct model_change *change)
{
    struct prelude prelude = {.invalidations = model->machine.invalidations};

    if (oracle_range(&model->oracle, change->ipa, change->size) == ASH_OK) {
        prelude.cut = is_cut(model, change->ipa) || is_cut(model, change->ipa + change->size);
        prelude.hole = oracle_is_hole(&model->oracle, change->ipa, change->size);
        prelude.all_same = oracle_is(&model->oracle, change->ipa, change->size,
                                     change->pa | ORACLE_VALID | (change->attr & ORACLE_ATTR));
    }
    return prelude;
}

static void check_map(struct model *model, const struct model_change *change, const struct prelude *prelude,
                      const struct scope *before, const struct scope *after)
{
    if (after->census.mergeable > before->census.mergeable) {
        wrong(model, "a whole table of neighbours is left where one block would do");
    }
    if (prelude->all_same) {
        happened(model, MODEL_OVERLAP_SAME, 1);
    } else if (!prelude->hole) {
        happened(model, MODEL_OVERLAP_PART, 1);
    } else if (model->config.contiguous) {
        check_contiguous(model, change);
    }
}

static void check_success(struct model *model, const struct model_change *change,
                          const struct prelude *prelude, const struct scope *before)
{
    struct scope after = *before;
    uint64_t root_span = 512U * s2_span(model->regime.start_level);

    scan_scope(model, &after, true);
    if (after.live_pages + table_count(&before->census) != before->live_pages + table_count(&after.census)) {
        wrong(model, "%u table pages became %u, but those that a walk reaches %u from %u", before->live_pages,
              after.live_pages, table_count(&after.census), table_count(&before->census));
    }
    note_structure(model, change->verb, &before->census, &after.census);
    if (change->ipa / root_span != (change->ipa + change->size - 1U) / root_span &&
        model->regime.root_pages > 1U) {
        happened(model, MODEL_ROOT_CROSSED, 1);
    }
    if (change->verb == MODEL_MAP) {
        check_map(model, change, prelude, before, &after);
    }
    if (change->verb == MODEL_UNMAP && !prelude->cut &&
        model->machine.invalidations > prelude->invalidations + 1U) {
        wrong(model, "unmap invalidated more than once though nothing was cut");
    }
}

int model_change(struct model *model, const struct model_change *change)
{
    static const char *const verbs[] = {"map", "unmap", "protect"};
    struct scope before = scope_of(model, change->ipa, change->size);
    struct prelude prelude = look_before(model, change);
    int result;

    model->operations++;
    snprintf(model->what, sizeof(model->what), "%s ipa 0x%llx pa 0x%llx size 0x%llx attr 0x%x",
             verbs[change->verb], (unsigned long long)change->ipa, (unsigned long long)change->pa,
             (unsigned long long)change->size, change->attr);
    scan_scope(model, &before, false); /* the call before this one was compared */
    result =
        model->fail_allocations ? call_with_failures(model, change, &before) : call_library(model, change);
    model->fail_allocations = false;
    check_result(model, result, call_oracle(model, change));
    note_result(model, change->verb, result);
    check_machine(model);
    if (result == ASH_OK) {
        check_success(model, change, &prelude, &before);
    } else {
        check_unchanged(model, &before);
    }
    return result;
}

/* ---- Questions ------------------------------------------------------------------------------------------- */

static void check_mapping(const struct model *model, const struct ash_stage2_mapping *got,
                          const struct s2_leaf *leaf)
{
    bool same = got->ipa.value == leaf->ipa && got->size == leaf->size && got->valid == leaf->valid &&
                got->level == leaf->level;

    if (same && leaf->valid) {
        same = got->pa.value == leaf->pa && got->attr == leaf->attr && got->contiguous == leaf->contiguous;
    }
    if (!same) {
        wrong(model,
              "reported ipa 0x%llx size 0x%llx valid %d pa 0x%llx attr 0x%x level %u contiguous %d, the "
              "tables say "
              "ipa 0x%llx size 0x%llx descriptor 0x%llx level %u",
              (unsigned long long)got->ipa.value, (unsigned long long)got->size, got->valid,
              (unsigned long long)got->pa.value, got->attr, got->level, got->contiguous,
              (unsigned long long)leaf->ipa, (unsigned long long)leaf->size,
              (unsigned long long)leaf->descriptor, leaf->level);
    }
}

void model_lookup(struct model *model, uint64_t ipa)
{
    struct ash_stage2_mapping mapping;
    struct s2_leaf leaf;
    const char *fault;
    int result;

    model->operations++;
    snprintf(model->what, sizeof(model->what), "lookup 0x%llx", (unsigned long long)ipa);
    memset(&mapping, 0x5A, sizeof(mapping));
    result = ash_stage2_lookup(&model->s2, ash_ipa(ipa), &mapping);
    if ((ipa >> model->config.ipa_bits) != 0U) {
        check_result(model, result, ASH_ERANGE);
        happened(model, MODEL_LOOKUP_ERANGE, 1);
        return;
    }
    check_result(model, result, ASH_OK);
    fault = s2_walk(&model->regime, &model->machine.walk, ipa, &leaf);
    if (fault != NULL) {
        wrong(model, "%s", fault);
    }
    check_mapping(model, &mapping, &leaf);
    happened(model, mapping.valid ? MODEL_LOOKUP_MAPPED : MODEL_LOOKUP_HOLE, 1);
}

struct visit {
    struct model *model;
    struct s2_leaf *leaf; /* what a walk finds, in order */
    size_t count, room;
    size_t seen;
    unsigned stop_at;
};

#define STOPPED 4711

static const char *collect_leaf(void *arg, const struct s2_leaf *leaf)
{
    struct visit *visit = arg;

    if (leaf->valid) {
        if (visit->count == visit->room) {
            visit->room = visit->room * 2U + 256U;
            visit->leaf = realloc(visit->leaf, visit->room * sizeof(*visit->leaf));
            assert_non_null(visit->leaf);
        }
        visit->leaf[visit->count++] = *leaf;
    }
    return NULL;
}

static int visitor(void *arg, const struct ash_stage2_mapping *mapping)
{
    struct visit *visit = arg;

    if (visit->seen == visit->count) {
        wrong(visit->model, "visited more than the %zu mappings that are there", visit->count);
    }
    check_mapping(visit->model, mapping, &visit->leaf[visit->seen]);
    visit->seen++;
    return visit->seen == visit->stop_at ? STOPPED : 0;
}

void model_visit(struct model *model, uint64_t ipa, uint64_t size, unsigned stop_at)
{
    struct visit visit = {.model = model, .stop_at = stop_at};
    int expected = oracle_range(&model->oracle, ipa, size);
    struct s2_census census;

    model->operations++;
    snprintf(model->what, sizeof(model->what), "visit 0x%llx size 0x%llx", (unsigned long long)ipa,
             (unsigned long long)size);
    if (expected == ASH_OK) {
        assert_null(
            s2_scan(&model->regime, &model->machine.walk, ipa, ipa + size, collect_leaf, &visit, &census));
        if (stop_at != 0U && visit.count >= stop_at) {
            expected = STOPPED;
        }
    }
    check_result(model, ash_stage2_visit(&model->s2, ash_ipa(ipa), size, visitor, &visit), expected);
    if (visit.seen != (expected == STOPPED ? stop_at : visit.count)) {
        wrong(model, "visited %zu of %zu mappings", visit.seen, visit.count);
    }
    free(visit.leaf);
    happened(model,
             expected == ASH_OK       ? MODEL_VISIT_OK
             : expected == STOPPED    ? MODEL_VISIT_STOPPED
             : expected == ASH_EINVAL ? MODEL_VISIT_EINVAL
                                      : MODEL_VISIT_ERANGE,
             1);
}

void model_fault(struct model *model, uint64_t ipa, uint32_t access)
{
    int expected = oracle_fault(&model->oracle, ipa, access);

    model->operations++;
    snprintf(model->what, sizeof(model->what), "check_fault 0x%llx access 0x%x", (unsigned long long)ipa,
             access);
    check_result(model, ash_stage2_check_fault(&model->s2, ash_ipa(ipa), access), expected);
    happened(model,
             expected == ASH_OK       ? MODEL_FAULT_OK
             : expected == ASH_ENOENT ? MODEL_FAULT_ENOENT
             : expected == ASH_EPERM  ? MODEL_FAULT_EPERM
                                      : MODEL_FAULT_ERANGE,
             1);
}
