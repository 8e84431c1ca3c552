/* SPDX-License-Identifier: BSD-2-Clause */
/** Random life of VMs on CPUs beside the one rule that VMIDs are for: a TLB entry made for one VM is never used by
 *  another (Arm ARM DDI 0487 D8 "VMIDs"). The model is the TLBs of all CPUs, as the set of VMs that have run
 *  under each VMID since all TLBs were last invalidated. */
#include <testkit/cmocka.h>
#include <testkit/seed.h>

#include <stdlib.h>
#include <string.h>

#include <libstage2/vmid.h>

#define NOBODY   0U
#define MAX_CPUS 254U
#define MAX_VMS  512U

struct vm {
    struct ash_vmid vmid;
    uint64_t id;         /* never used twice; NOBODY: no VM */
    uint64_t generation; /* when it was last loaded */
    unsigned number;     /* its VMID then */
    unsigned cpus;       /* how many run it now */
};

struct model {
    struct ash_vmid_pool pool;
    uint64_t *bitmap;
    struct ash_vmid_cpu *cpu;
    unsigned bits, cpus, vms;
    struct vm vm[MAX_VMS];
    uint64_t owner[65536]; /* whose entries the TLBs hold under a VMID */
    struct vm *loaded[MAX_CPUS];
    uint64_t next_id, generation;
    uint64_t loads, unlocked, rollovers, kept, releases, puts;
    bool to_lock[MAX_CPUS]; /* the last rollover came to it, and it has not had the lock since */
};

static struct test_rng rng;

static uint64_t below(uint64_t bound)
{
    return test_rng_below(&rng, bound);
}

static void model_init(struct model *model, unsigned bits, unsigned cpus, unsigned vms)
{
    struct ash_vmid_pool_config config = {.size = sizeof(config), .bits = bits, .cpus = cpus};

    memset(model, 0, sizeof(*model));
    model->bits = bits;
    model->cpus = cpus;
    model->vms = vms;
    model->bitmap = malloc(ASH_VMID_BITMAP_WORDS(bits) * sizeof(uint64_t));
    model->cpu = aligned_alloc(sizeof(*model->cpu), cpus * sizeof(*model->cpu));
    assert_true(model->bitmap != NULL && model->cpu != NULL);
    memset(model->bitmap, 0x5A, ASH_VMID_BITMAP_WORDS(bits) * sizeof(uint64_t));
    memset(model->cpu, 0x5A, cpus * sizeof(*model->cpu));
    config.bitmap = model->bitmap;
    config.cpu = model->cpu;
    assert_int_equal(ash_vmid_pool_init(&model->pool, &config), ASH_OK);
}

static void model_fini(struct model *model)
{
    free(model->bitmap);
    free(model->cpu);
}

/* All TLBs are invalidated; the VMs that run at this moment fill them again at once, under the VMIDs they have. */
static void roll_over(struct model *model)
{
    memset(model->owner, 0, sizeof(model->owner));
    for (unsigned cpu = 0; cpu < model->cpus; cpu++) {
        model->to_lock[cpu] = true;
        if (model->loaded[cpu] != NULL) {
            assert_int_equal(model->owner[model->loaded[cpu]->number] == NOBODY ||
                                 model->owner[model->loaded[cpu]->number] == model->loaded[cpu]->id,
                             1);
            model->owner[model->loaded[cpu]->number] = model->loaded[cpu]->id;
        }
    }
    model->generation++;
    model->rollovers++;
}

static void put(struct model *model, unsigned cpu)
{
    if (model->loaded[cpu] != NULL) {
        model->loaded[cpu]->cpus--;
        model->loaded[cpu] = NULL;
    }
    ash_vmid_put(&model->pool, cpu);
    model->puts++;
}

/* Without the lock where that goes, and it goes where the VM's is current and the CPU has had the lock. */
static int load_number(struct model *model, struct vm *vm, unsigned cpu, bool *rollover)
{
    int number = below(8) != 0U ? ash_vmid_try_load(&model->pool, &vm->vmid, cpu) : 0;

    if (number != 0) {
        assert_true(ash_vmid_is_current(&model->pool, &vm->vmid));
        assert_false(model->to_lock[cpu]);
        model->unlocked++;
        return number;
    }
    return ash_vmid_load(&model->pool, &vm->vmid, cpu, rollover);
}

static void load(struct model *model, struct vm *vm, unsigned cpu)
{
    bool was_running = vm->cpus != 0U;
    bool was_current = vm->number != 0U && vm->generation == model->generation;
    bool rollover = false;
    int number;

    if (model->loaded[cpu] != NULL && below(2) == 0U) {
        put(model, cpu);
        was_running = vm->cpus != 0U;
    }
    number = load_number(model, vm, cpu, &rollover);
    if (number < 1 || number >= 1 << model->bits) {
        fail_msg("VMID %d", number);
    }
    if (model->loaded[cpu] != NULL) {
        model->loaded[cpu]->cpus--; /* whoever was there has left with this load */
        model->loaded[cpu] = NULL;
    }
    if (rollover) {
        roll_over(model);
    }
    model->to_lock[cpu] = false; /* if it had not got it before, it has now */
    if (was_running || (was_current && !rollover)) {
        assert_int_equal(number, vm->number); /* what runs is not moved, and what is current stays */
        model->kept++;
    }
    if (model->owner[number] != NOBODY && model->owner[number] != vm->id) {
        fail_msg("VMID %d is given to VM %llu while TLBs hold entries of VM %llu under it", number,
                 (unsigned long long)vm->id, (unsigned long long)model->owner[number]);
    }
    assert_true(ash_vmid_is_current(&model->pool, &vm->vmid));
    model->owner[number] = vm->id;
    model->loaded[cpu] = vm;
    vm->cpus++;
    vm->number = (unsigned)number;
    vm->generation = model->generation;
    model->loads++;
}

static void release(struct model *model, struct vm *vm)
{
    for (unsigned cpu = 0; cpu < model->cpus; cpu++) {
        if (model->loaded[cpu] == vm) {
            put(model, cpu);
        }
    }
    if (vm->id != NOBODY) {
        ash_vmid_release(&model->pool, &vm->vmid);
        model->releases++;
    }
    memset(vm, 0, sizeof(*vm));
}

/* Live VMs of one generation have different VMIDs, and so have all that run, whatever their generation. */
static void check_all(const struct model *model)
{
    static uint64_t seen[65536];

    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < model->vms; i++) {
        const struct vm *vm = &model->vm[i];
        bool current = ash_vmid_is_current(&model->pool, &vm->vmid);

        if (vm->id == NOBODY || vm->number == 0U) {
            assert_false(current);
            continue;
        }
        if (current) {
            assert_int_equal(vm->generation, model->generation);
            assert_int_equal(vm->vmid.word & 0xFFFFU, vm->number);
        }
        if (current || vm->cpus != 0U) {
            assert_int_equal(seen[vm->number], NOBODY);
            seen[vm->number] = vm->id;
        }
    }
}

static struct vm *some_vm(struct model *model)
{
    struct vm *vm = &model->vm[below(model->vms)];

    if (vm->id == NOBODY) {
        vm->id = ++model->next_id;
    }
    return vm;
}

static void live(struct model *model, unsigned operations, unsigned release_percent)
{
    for (unsigned i = 0; i < operations; i++) {
        unsigned cpu = (unsigned)below(model->cpus);
        uint64_t dice = below(100);

        if (dice < release_percent) {
            release(model, &model->vm[below(model->vms)]);
        } else if (dice < release_percent + 15U) {
            put(model, cpu);
        } else {
            load(model, some_vm(model), cpu);
        }
        if (i % 512U == 0U) {
            check_all(model);
        }
    }
    check_all(model);
    printf("%u bits, %u CPUs, %u VMs: %llu loads (%llu without the lock, %llu kept theirs), %llu rollovers, "
           "%llu "
           "puts, %llu releases\n",
           model->bits, model->cpus, model->vms, (unsigned long long)model->loads,
           (unsigned long long)model->unlocked, (unsigned long long)model->kept,
           (unsigned long long)model->rollovers, (unsigned long long)model->puts,
           (unsigned long long)model->releases);
    assert_true(model->loads != 0U && model->unlocked != 0U && model->kept != 0U && model->puts != 0U &&
                model->releases != 0U);
}

static struct model *new_model(unsigned bits, unsigned cpus, unsigned vms)
{
    static struct model model;

    model_init(&model, bits, cpus, vms);
    return &model;
}

static void few_vms_on_few_cpus_roll_over_by_coming_and_going(void **state)
{
    struct model *model = new_model(8, 4, 12);

    (void)state;
    live(model, 200000, 20);
    assert_true(model->rollovers >= 10U);
    model_fini(model);
}

static void more_vms_than_vmids_share_them(void **state)
{
    struct model *model = new_model(8, 8, 400);

    (void)state;
    live(model, 200000, 1);
    assert_true(model->rollovers >= 10U);
    model_fini(model);
}

static void as_many_cpus_as_vmids_allow_still_find_one(void **state)
{
    struct model *model = new_model(8, 254, 400);

    (void)state;
    live(model, 60000, 1);
    assert_true(model->rollovers >= 10U);
    model_fini(model);
}

static void one_cpu_is_enough(void **state)
{
    struct model *model = new_model(8, 1, 300);

    (void)state;
    live(model, 60000, 2);
    assert_true(model->rollovers >= 10U);
    model_fini(model);
}

static void sixteen_bits_roll_over_too(void **state)
{
    struct model *model = new_model(16, 6, 64);

    (void)state;
    live(model, 900000, 50);
    assert_true(model->rollovers >= 2U);
    model_fini(model);
}

/* A VM that never leaves its CPU keeps its VMID over any number of rollovers, however often it is asked. */
static void a_vm_that_stays_keeps_its_vmid(void **state)
{
    struct model *model = new_model(8, 3, 40);
    struct vm *resident = &model->vm[MAX_VMS - 1U];

    (void)state;
    resident->id = ++model->next_id;
    load(model, resident, 2);
    for (unsigned i = 0; i < 20000U; i++) {
        struct vm *vm = some_vm(model);

        load(model, vm, (unsigned)below(2));
        if (below(4) == 0U) {
            release(model, vm);
        }
        if (below(1000) == 0U) {
            load(model, resident, 2);
        }
        assert_ptr_equal(model->loaded[2], resident);
        assert_int_equal(model->owner[resident->number], resident->id);
    }
    assert_true(model->rollovers >= 10U);
    model_fini(model);
}

static void a_released_vmid_waits_for_the_rollover(void **state)
{
    struct model *model = new_model(8, 2, 2);
    bool given[256] = {false};

    (void)state;
    for (unsigned i = 0; i < 255U;
         i++) { /* exactly as many as there are: each one once, none before the rollover */
        struct vm *vm = &model->vm[0];

        vm->id = ++model->next_id;
        load(model, vm, 0);
        assert_int_equal(model->rollovers, 0);
        assert_false(given[vm->number]);
        given[vm->number] = true;
        release(model, vm);
    }
    model->vm[0].id = ++model->next_id;
    load(model, &model->vm[0], 0);
    assert_int_equal(model->rollovers, 1);
    assert_false(given[0]);
    model_fini(model);
}

static void wrong_arguments_are_refused(void **state)
{
    static uint64_t bitmap[ASH_VMID_BITMAP_WORDS(8)];
    static struct ash_vmid_cpu cpu[255];
    const struct ash_vmid_pool_config good = {sizeof(good), 8, 4, bitmap, cpu};
    struct ash_vmid_pool_config config = good;
    struct ash_vmid_pool pool;
    struct ash_vmid vmid = {0};
    bool rollover;

    (void)state;
    config.size--;
    assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_EINVAL);
    for (unsigned bits = 0; bits < 70U; bits++) {
        config = good;
        config.bits = bits;
        if (bits != 8U && bits != 16U) {
            assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_EINVAL);
        }
    }
    config = good;
    config.cpus = 255; /* fewer than 2^8 - 1 */
    assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_EINVAL);
    config.cpus = 254;
    assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_OK);
    assert_int_equal(ash_vmid_pool_init(&pool, &good), ASH_OK);
    assert_int_equal(ash_vmid_load(&pool, &vmid, 4, &rollover), ASH_EINVAL);
    assert_int_equal(ash_vmid_load(&pool, &vmid, ~0U, &rollover), ASH_EINVAL);
    assert_int_equal(vmid.word, 0);
    ash_vmid_put(&pool, 4); /* no such CPU: nothing happens */
    assert_false(ash_vmid_is_current(&pool, &vmid));
    assert_true(ash_vmid_load(&pool, &vmid, 3, &rollover) >= 1);
    assert_false(rollover);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_vms_on_few_cpus_roll_over_by_coming_and_going),
        cmocka_unit_test(more_vms_than_vmids_share_them),
        cmocka_unit_test(as_many_cpus_as_vmids_allow_still_find_one),
        cmocka_unit_test(one_cpu_is_enough),
        cmocka_unit_test(sixteen_bits_roll_over_too),
        cmocka_unit_test(a_vm_that_stays_keeps_its_vmid),
        cmocka_unit_test(a_released_vmid_waits_for_the_rollover),
        cmocka_unit_test(wrong_arguments_are_refused),
    };

    (void)test_rng_init(&rng, "vmid_model_test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
