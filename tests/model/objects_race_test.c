/* SPDX-License-Identifier: BSD-2-Clause */
/* libvcpu, libvtimer and libboot, whose lock domains are the object: threads that share nothing but what is const work
 * side by side, under ThreadSanitizer, and each gets what one alone gets. A global, a static buffer or a table that is
 * filled at first use would be a reported race. */
#include <pthread.h>
#include <string.h>

#include <testkit/cmocka.h>

#include <libboot/bundle.h>
#include <libboot/guest_fdt.h>
#include <libvcpu/id.h>
#include <libvcpu/mmio.h>
#include <libvcpu/psci.h>
#include <libvcpu/sysreg.h>
#include <libvtimer/vtimer.h>

#define THREADS 4U
#define ROUNDS  300U

struct shared {
    struct ash_vtimer_vm time; /* of one VM, whose vCPUs the threads are */
    struct ash_boot_guest_machine machine;
    struct ash_boot_bundle bundle;
    uint8_t tree[ASH_BOOT_GUEST_FDT_SIZE] __attribute__((aligned(8)));
    size_t tree_size;
};

struct worker {
    pthread_t thread;
    const struct shared *shared;
    uint8_t tree[ASH_BOOT_GUEST_FDT_SIZE] __attribute__((aligned(8)));
    unsigned lines;
    const char *wrong;
};

#define CLAIM(worker, condition)                                                                             \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            (worker)->wrong = #condition;                                                                    \
        }                                                                                                    \
    } while (0)

static void set_line(void *ctx, enum ash_vtimer_id timer, bool level)
{
    (void)timer;
    (void)level;
    ((struct worker *)ctx)->lines++;
}

static void use_vtimer(struct worker *worker, uint64_t now)
{
    static const struct ash_vtimer_hal hal = {.size = sizeof(hal), .set_line = set_line};
    struct ash_vtimer timer;
    uint64_t deadline;
    unsigned before = worker->lines;

    CLAIM(worker, ash_vtimer_init(&timer, &worker->shared->time, &hal, worker) == ASH_OK);
    ash_vtimer_write(&timer, ASH_VTIMER_VIRTUAL, ASH_VTIMER_TVAL, now, 100);
    ash_vtimer_write(&timer, ASH_VTIMER_VIRTUAL, ASH_VTIMER_CTL, now, ASH_VTIMER_CTL_ENABLE);
    CLAIM(worker, ash_vtimer_next_deadline(&timer, now, &deadline) && deadline == now + 100U);
    ash_vtimer_update(&timer, now + 100U);
    CLAIM(worker, worker->lines == before + 1U);
}

static void use_vcpu(struct worker *worker)
{
    struct ash_vcpu_context vcpu = {.features = 0};
    struct ash_vcpu_psci_cpu cpus[2] = {{.mpidr = 0}, {.mpidr = 1}};
    const struct ash_vcpu_psci_config config = {
        .size = sizeof(config), .cpus = cpus, .cpu_count = 2, .hvc = true};
    struct ash_vcpu_psci psci;
    struct ash_vcpu_action action;
    uint64_t x[4] = {ASH_VCPU_PSCI_CPU_ON64, 1, 0x40000000, 7};
    struct ash_vcpu_mmio mmio;
    size_t count;
    const struct ash_vcpu_sysreg *table = ash_vcpu_sysreg_table(&count);

    ash_vcpu_context_reset(&vcpu, ash_ipa(0x40200000), 0x48000000, 0x410fd034, 0);
    CLAIM(worker, ash_vcpu_mmio_decode(0x93238007, &mmio) == ASH_OK && mmio.size == 1U);
    CLAIM(worker, ash_vcpu_sysreg_find(table[count / 2U].encoding) == &table[count / 2U]);
    CLAIM(worker, ash_vcpu_psci_init(&psci, &config, NULL, NULL) == ASH_OK);
    CLAIM(worker, ash_vcpu_smccc_call(&psci, 0, x, ASH_VCPU_CONDUIT_HVC, 0, &action) == ASH_OK);
    CLAIM(worker, action.kind == ASH_VCPU_ACTION_CPU_ON && action.target == 1U && action.context_id == 7U);
}

static void use_boot(struct worker *worker)
{
    const struct shared *shared = worker->shared;
    struct ash_boot_fault fault;
    struct ash_boot_span span;
    size_t size = 0;

    CLAIM(worker,
          ash_boot_guest_fdt_write(&shared->machine, worker->tree, sizeof(worker->tree), &size) == ASH_OK);
    CLAIM(worker, size == shared->tree_size && memcmp(worker->tree, shared->tree, size) == 0);
    CLAIM(worker, ash_boot_bundle_find(&shared->bundle, "here", &span, &fault) == ASH_OK && span.size == 3U);
    CLAIM(worker, ash_boot_bundle_find(&shared->bundle, "not here", &span, &fault) == ASH_ENOENT);
}

static void *worker_main(void *arg)
{
    struct worker *worker = (struct worker *)arg;

    for (unsigned i = 0; i < ROUNDS && worker->wrong == NULL; i++) {
        use_vtimer(worker, 1000U * (i + 1U));
        use_vcpu(worker);
        use_boot(worker);
    }
    return NULL;
}

/* newc: "070701", 13 fields of 8 hexadecimal digits, the name, the data, each padded to 4 bytes. */
static const char archive[] = "070701"
                              "00000001"
                              "000081a4"
                              "00000000"
                              "00000000"
                              "00000001"
                              "00000000"
                              "00000003"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000005"
                              "00000000"
                              "here\0"
                              "\0"
                              "abc"
                              "\0"
                              "070701"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000001"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000000"
                              "00000000"
                              "0000000b"
                              "00000000"
                              "TRAILER!!!\0"
                              "\0\0\0";

static void prepare(struct shared *shared)
{
    struct ash_boot_fault fault;

    memset(shared, 0, sizeof(*shared));
    ash_vtimer_set_count(&shared->time, 0, 5);
    ash_boot_guest_machine_default(&shared->machine);
    shared->machine.ram[0].size = 0x10000000;
    shared->machine.vcpus = 2;
    assert_int_equal(
        ash_boot_guest_fdt_write(&shared->machine, shared->tree, sizeof(shared->tree), &shared->tree_size),
        ASH_OK);
    assert_int_equal(ash_boot_bundle_open(&shared->bundle, archive, sizeof(archive) - 1U, &fault), ASH_OK);
}

static void objects_need_no_lock_of_each_other(void **state)
{
    static struct shared shared __attribute__((aligned(8)));
    static struct worker worker[THREADS];

    (void)state;
    prepare(&shared);
    for (unsigned i = 0; i < THREADS; i++) {
        worker[i].shared = &shared;
        assert_int_equal(pthread_create(&worker[i].thread, NULL, worker_main, &worker[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(worker[i].thread, NULL), 0);
        if (worker[i].wrong != NULL) {
            fail_msg("%s", worker[i].wrong);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_need_no_lock_of_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
