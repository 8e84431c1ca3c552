/* SPDX-License-Identifier: BSD-2-Clause */
/* VMIDs on a few CPUs, in every order of their accesses with so many preemptions, and with every value that a CPU may
 * still see: vmid.c is compiled here with atomics that are a model. A location is the history of what was written to
 * it. A load may give any value that is not older than what its CPU knows of (C11 5.1.2.4, coherence); an acquire of
 * what was released brings along what the releasing CPU knew; a read-modify-write reads the last value (7.17.3p12). A
 * store is not seen before an earlier one of its CPU's is made: what that would break this does not find.
 *
 * The machine has so few VMIDs that most switches end a generation. Its TLBs are one table for all CPUs: whose entries
 * they hold under a VMID. */
#include <testkit/cmocka.h>

#include <sanitizer/asan_interface.h>
#include <string.h>
#include <ucontext.h>

#include <libbase/bits.h>

static uint64_t model_load(const uint64_t *address, int order);
static void model_store(uint64_t *address, uint64_t value, int order);
static uint64_t model_exchange(uint64_t *address, uint64_t value, int order);
static bool model_compare_exchange(uint64_t *address, uint64_t *expected, uint64_t value, int order);

#define __atomic_load_n(address, order)            model_load(address, order)
#define __atomic_store_n(address, value, order)    model_store(address, value, order)
#define __atomic_exchange_n(address, value, order) model_exchange(address, value, order)
#define __atomic_compare_exchange_n(address, expected, value, weak, success, failure)                        \
    model_compare_exchange(address, expected, value, success)
#include "vmid.c"

#define CPUS         3U
#define VMS          6U
#define LOCATIONS    (1U + CPUS + VMS)
#define MESSAGES     32U
#define CHOICES      512U
#define STACK        (64U * 1024U)
#define NOBODY       UINT32_MAX
#define RUNS_NOTHING 0

/** For each location the oldest of its messages that may still be read. */
struct view {
    uint8_t from[LOCATIONS];
};

struct message {
    uint64_t value;
    struct view view; /* what a reader that acquires learns of */
};

struct location {
    const uint64_t *address;
    unsigned count;
    struct message message[MESSAGES];
};

struct cpu {
    ucontext_t context;
    const char *script;
    struct view view;
    bool waits; /* for the lock */
    bool done;
    unsigned vm; /* that runs here, under */
    int number;  /* this VMID, or RUNS_NOTHING */
};

static struct {
    struct ash_vmid_pool pool;
    uint64_t bitmap[ASH_VMID_BITMAP_WORDS(8)];
    struct ash_vmid_cpu of_cpu[CPUS];
    struct ash_vmid vm[VMS];
    struct location location[LOCATIONS];
    uint32_t owner[64]; /* of each VMID: whose entries the TLBs hold */
    struct view lock_view;
    bool locked;
    struct cpu cpu[CPUS];
    unsigned cpus;
    unsigned self;
    unsigned preemptions;
    unsigned numbers; /* VMIDs 1 to this */
    const char *wrong;
    ucontext_t main;
} machine;

static unsigned char stack[CPUS][STACK];

/* The search: what was chosen, of how many. The next run repeats all but the last choice that has another. */
static struct {
    uint8_t made[CHOICES];
    uint8_t of[CHOICES];
    unsigned count;
    unsigned at;
    unsigned most_preemptions;
    uint64_t runs, rollovers, unlocked, stale;
} search;

static unsigned choose(unsigned of)
{
    if (of < 2U) {
        return 0;
    }
    if (search.at == search.count) {
        assert_true(search.count < CHOICES);
        search.made[search.count] = 0;
        search.of[search.count++] = (uint8_t)of;
    }
    return search.made[search.at++];
}

static bool next_path(void)
{
    while (search.count > 0U && search.made[search.count - 1U] + 1U == search.of[search.count - 1U]) {
        search.count--;
    }
    if (search.count == 0U) {
        return false;
    }
    search.made[search.count - 1U]++;
    return true;
}

/* ---- CPUs that take turns ---------------------------------------------------------------------------------------- */

static bool can_run(unsigned cpu)
{
    return !machine.cpu[cpu].done && !(machine.cpu[cpu].waits && machine.locked);
}

static void run_another(unsigned cpu)
{
    unsigned self = machine.self;

    machine.self = cpu;
    swapcontext(&machine.cpu[self].context, &machine.cpu[cpu].context);
}

/** Anybody who can may go on. This CPU is at an access, or waits, or is done. */
static void step(void)
{
    unsigned ready[CPUS];
    unsigned count = 0;
    bool goes_on = can_run(machine.self);
    unsigned chosen;

    if (goes_on) {
        ready[count++] = machine.self;
    }
    for (unsigned i = 0; i < machine.cpus; i++) {
        if (i != machine.self && can_run(i) && (!goes_on || machine.preemptions < search.most_preemptions)) {
            ready[count++] = i;
        }
    }
    if (count == 0U) {
        swapcontext(&machine.cpu[machine.self].context, &machine.main);
        return;
    }
    chosen = ready[choose(count)];
    if (chosen != machine.self) {
        machine.preemptions += goes_on ? 1U : 0U;
        run_another(chosen);
    }
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static void learn(struct view *view, const struct view *more)
{
    for (unsigned i = 0; i < LOCATIONS; i++) {
        view->from[i] = more->from[i] > view->from[i] ? more->from[i] : view->from[i];
    }
}

static unsigned index_of(const uint64_t *address)
{
    for (unsigned i = 0; i < LOCATIONS; i++) {
        if (machine.location[i].address == address) {
            return i;
        }
    }
    machine.wrong = "an atomic access to something else";
    return 0;
}

static bool acquires(int order)
{
    return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
    return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/** Read message @which of location @index. */
static uint64_t read_message(unsigned index, unsigned which, int order)
{
    struct cpu *self = &machine.cpu[machine.self];
    const struct message *message = &machine.location[index].message[which];

    self->view.from[index] = (uint8_t)which;
    if (acquires(order)) {
        learn(&self->view, &message->view);
    }
    return message->value;
}

/** @carried: of the message that a read-modify-write has read; a release sequence goes on through it (5.1.2.4p10). */
static void write_message(unsigned index, uint64_t value, int order, const struct view *carried)
{
    struct cpu *self = &machine.cpu[machine.self];
    struct location *location = &machine.location[index];
    struct message *message = &location->message[location->count];

    assert_true(location->count < MESSAGES);
    self->view.from[index] = (uint8_t)location->count++;
    message->value = value;
    memset(&message->view, 0, sizeof(message->view));
    if (carried != NULL) {
        message->view = *carried;
    }
    if (releases(order)) {
        learn(&message->view, &self->view);
    }
    message->view.from[index] = self->view.from[index];
}

static uint64_t model_load(const uint64_t *address, int order)
{
    unsigned index = index_of(address);
    unsigned last;
    unsigned back;

    step();
    last = machine.location[index].count - 1U;
    back = choose(last - machine.cpu[machine.self].view.from[index] + 1U);
    search.stale += back != 0U ? 1U : 0U;
    return read_message(index, last - back, order);
}

static void model_store(uint64_t *address, uint64_t value, int order)
{
    step();
    write_message(index_of(address), value, order, NULL);
    *address = value; /* what the lock's holder reads plainly */
}

static uint64_t model_exchange(uint64_t *address, uint64_t value, int order)
{
    unsigned index = index_of(address);
    unsigned last;
    uint64_t old;

    step();
    last = machine.location[index].count - 1U;
    old = read_message(index, last, order);
    write_message(index, value, order, &machine.location[index].message[last].view);
    *address = value;
    machine.bitmap[0] |= ~ASH_MASK(machine.numbers, 0); /* there are no more VMIDs than these */
    return old;
}

static bool model_compare_exchange(uint64_t *address, uint64_t *expected, uint64_t value, int order)
{
    unsigned index = index_of(address);
    unsigned last;
    uint64_t old;

    step();
    last = machine.location[index].count - 1U;
    old = machine.location[index].message[last].value;
    if (old != *expected) {
        *expected = read_message(index, last, __ATOMIC_RELAXED);
        return false;
    }
    (void)read_message(index, last, order);
    write_message(index, value, order, &machine.location[index].message[last].view);
    *address = value;
    return true;
}

static void lock(void)
{
    struct cpu *self = &machine.cpu[machine.self];

    self->waits = true;
    step();
    self->waits = false;
    machine.locked = true;
    learn(&self->view, &machine.lock_view);
}

static void unlock(void)
{
    step();
    learn(&machine.lock_view, &machine.cpu[machine.self].view);
    machine.locked = false;
}

/* ---- What CPUs do ------------------------------------------------------------------------------------------------ */

static void fill(unsigned vm, int number)
{
    if (machine.owner[number] != NOBODY && machine.owner[number] != vm) {
        machine.wrong = "a VM finds another's TLB entries";
    }
    machine.owner[number] = vm;
}

/** All TLBs; those who run fill them again at once. */
static void invalidate(void)
{
    step();
    memset(machine.owner, 0xFF, sizeof(machine.owner));
    for (unsigned i = 0; i < machine.cpus; i++) {
        if (machine.cpu[i].number != RUNS_NOTHING) {
            fill(machine.cpu[i].vm, machine.cpu[i].number);
        }
    }
    search.rollovers++;
}

static void enter(struct cpu *self, unsigned vm)
{
    int number = ash_vmid_try_load(&machine.pool, &machine.vm[vm], machine.self);
    bool rollover;

    if (number != 0) {
        search.unlocked++;
    } else {
        lock();
        number = ash_vmid_load(&machine.pool, &machine.vm[vm], machine.self, &rollover);
        if (rollover) {
            invalidate();
        }
        unlock();
    }
    if (number < 1 || number > (int)machine.numbers) {
        machine.wrong = "no VMID";
        return;
    }
    self->vm = vm;
    self->number = number;
    step();
    fill(vm, number);
}

/** "A": run VM A. "-": run none. */
static void run_script(void)
{
    struct cpu *self = &machine.cpu[machine.self];

    for (const char *at = self->script; *at != '\0' && machine.wrong == NULL; at++) {
        self->number = RUNS_NOTHING;
        if (*at == '-') {
            ash_vmid_put(&machine.pool, machine.self);
        } else {
            enter(self, (unsigned)(*at - 'A'));
        }
    }
    self->number = RUNS_NOTHING;
    self->done = true;
    step(); /* never comes back */
}

static void add_location(unsigned index, const uint64_t *address)
{
    machine.location[index].address = address;
    machine.location[index].count = 1;
    machine.location[index].message[0].value = *address;
}

/** VMs A and B have run on CPU 0: they have VMIDs. */
static void set_up(unsigned cpus, unsigned numbers)
{
    const struct ash_vmid_pool_config config = {
        .size = sizeof(config), .bits = 8, .cpus = cpus, .bitmap = machine.bitmap, .cpu = machine.of_cpu};
    unsigned index = 0;

    memset(&machine, 0, sizeof(machine));
    memset(machine.owner, 0xFF, sizeof(machine.owner));
    machine.cpus = cpus;
    machine.numbers = numbers;
    ASH_DISCARD(ash_vmid_pool_init(&machine.pool, &config));
    machine.pool.limit = 64; /* a word of the bitmap */
    machine.bitmap[0] |= ~ASH_MASK(numbers, 0);
    for (unsigned vm = 0; vm < 2U; vm++) {
        machine.vm[vm].word = machine.pool.generation | (vm + 1U);
        machine.owner[vm + 1U] = vm;
        take(&machine.pool, vm + 1U);
    }
    add_location(index++, &machine.pool.generation);
    for (unsigned i = 0; i < VMS; i++) {
        add_location(index++, &machine.vm[i].word);
    }
    for (unsigned i = 0; i < cpus; i++) {
        add_location(index++, &machine.of_cpu[i].active);
    }
}

static void run_once(unsigned cpus, unsigned numbers, const char *const *script)
{
    set_up(cpus, numbers);
    search.at = 0;
    for (unsigned i = 0; i < cpus; i++) {
        struct cpu *cpu = &machine.cpu[i];

        cpu->script = script[i];
        getcontext(&cpu->context);
        ASAN_UNPOISON_MEMORY_REGION(stack[i], sizeof(stack[i])); /* the last run was left in the middle */
        cpu->context.uc_stack.ss_sp = stack[i];
        cpu->context.uc_stack.ss_size = sizeof(stack[i]);
        makecontext(&cpu->context, run_script, 0);
    }
    machine.self = choose(cpus);
    swapcontext(&machine.main, &machine.cpu[machine.self].context);
    for (unsigned i = 0; i < cpus && machine.wrong == NULL; i++) {
        machine.wrong = machine.cpu[i].done ? NULL : "a CPU waits for ever";
    }
}

static void try_all(unsigned cpus, unsigned numbers, unsigned preemptions, const char *const *script)
{
    memset(&search, 0, sizeof(search));
    search.most_preemptions = preemptions;
    do {
        run_once(cpus, numbers, script);
        search.runs++;
    } while (machine.wrong == NULL && next_path());
    print_message("%u CPUs, %u preemptions: %llu runs, %llu rollovers, %llu switches without the lock, %llu "
                  "old values\n",
                  cpus, preemptions, (unsigned long long)search.runs, (unsigned long long)search.rollovers,
                  (unsigned long long)search.unlocked, (unsigned long long)search.stale);
    if (machine.wrong != NULL) {
        fail_msg("%s", machine.wrong);
    }
    assert_true(search.rollovers != 0U && search.unlocked != 0U && search.stale != 0U);
}

static void two_cpus_that_switch_while_generations_end(void **state)
{
    static const char *const script[] = {"A-B-A-B", "C-D-E-"};

    (void)state;
    try_all(2, 3, 3, script);
}

static void two_cpus_that_go_from_vm_to_vm(void **state)
{
    static const char *const script[] = {"ABAB", "CDBE"};

    (void)state;
    try_all(2, 3, 3, script);
}

static void three_cpus_that_share_vms(void **state)
{
    static const char *const script[] = {"A-B-", "B-A", "C-D-E"};

    (void)state;
    try_all(3, 4, 2, script);
}

static void a_cpu_that_leaves_while_a_generation_ends_finds_out(void **state)
{
    static const char *const script[] = {"A-B-", "CDE", "BA"};

    (void)state;
    try_all(3, 4, 2, script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_cpus_that_switch_while_generations_end),
        cmocka_unit_test(two_cpus_that_go_from_vm_to_vm),
        cmocka_unit_test(three_cpus_that_share_vms),
        cmocka_unit_test(a_cpu_that_leaves_while_a_generation_ends_finds_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
