/* SPDX-License-Identifier: BSD-2-Clause */
/* Two VMs, each with two vCPUs and two devices on threads of their own, under ThreadSanitizer. Each VM has its
 * distributor's lock; ash_vgic_needs_flush() and ash_vgic_request_flush() are called without it, and an image is moved
 * from and to hardware without it, as vgic.h says. A CPU that finds nothing to do sleeps until it is kicked: a kick
 * that does not come is an interrupt that is never taken. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <testkit/cmocka.h>

#include <libvgic/vgic.h>

#include "../../fakes/fake_ich.h"

#define VMS     2U
#define VCPUS   2U
#define DEVICES 2U
#define ROUNDS  4000U
#define SPI(n)  (32U + (n))
#define LIMIT_S 100

struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    unsigned rings, heard;
};

struct actor {
    pthread_t thread;
    struct vm *vm;
    uint32_t index;
    bool timed_out;
};

struct vm {
    pthread_mutex_t lock; /* the distributor's */
    struct ash_vgic vgic;
    struct ash_vgic_vcpu vcpu[VCPUS];
    struct ash_vgic_vcpu *vcpus[VCPUS];
    struct ash_vgic_irq spis[32];
    struct fake_ich ich[VCPUS]; /* its CPU's alone */
    struct bell kick[VCPUS], handled[DEVICES];
    struct actor cpu[VCPUS], device[DEVICES];
    uint64_t taken[VCPUS], sgis_taken[VCPUS], sgis_sent[VCPUS]; /* each by its own CPU */
    bool stop;
};

static void bell_ring(struct bell *bell)
{
    pthread_mutex_lock(&bell->mutex);
    bell->rings++;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->mutex);
}

/* False: nobody rang for LIMIT_S seconds. */
static bool bell_wait(struct bell *bell)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LIMIT_S;
    pthread_mutex_lock(&bell->mutex);
    while (bell->heard == bell->rings && error == 0) {
        error = pthread_cond_timedwait(&bell->rung, &bell->mutex, &until);
    }
    bell->heard = bell->rings;
    pthread_mutex_unlock(&bell->mutex);
    return error == 0;
}

static void kick(void *ctx, uint32_t vcpu)
{
    bell_ring(&((struct vm *)ctx)->kick[vcpu]);
}

static void hw_deactivate(void *ctx, uint32_t vcpu, uint32_t pintid)
{
    (void)ctx;
    (void)vcpu;
    (void)pintid;
}

static const struct ash_vgic_hal hal = {.size = sizeof(hal), .kick = kick, .hw_deactivate = hw_deactivate};

static void write_register(struct vm *vm, uint32_t vcpu, uint64_t offset, unsigned size, uint64_t value)
{
    pthread_mutex_lock(&vm->lock);
    assert_int_equal(ash_vgic_dist_access(&vm->vgic, vcpu, offset, size, true, &value), ASH_OK);
    pthread_mutex_unlock(&vm->lock);
}

/* Device 0 is level-sensitive, device 1 an edge. */
static void signal_device(struct vm *vm, uint32_t device, bool level)
{
    pthread_mutex_lock(&vm->lock);
    if (device == 0U) {
        assert_int_equal(ash_vgic_set_level(&vm->vgic, 0, SPI(device), level), ASH_OK);
    } else if (level) {
        assert_int_equal(ash_vgic_pulse(&vm->vgic, 0, SPI(device)), ASH_OK);
    }
    pthread_mutex_unlock(&vm->lock);
}

/* ---- A vCPU on its CPU ---------------------------------------------------------------------------------- */

static void enter(struct vm *vm, uint32_t n)
{
    struct ash_vgic_vcpu *vcpu = &vm->vcpu[n];

    if (fake_ich_misr(&vm->ich[n]) != 0U) {
        ash_vgic_request_flush(vcpu);
    }
    if (ash_vgic_needs_flush(vcpu)) {
        fake_ich_fetch(&vm->ich[n], &vcpu->lrs);
        pthread_mutex_lock(&vm->lock);
        ash_vgic_sync(vcpu);
        ash_vgic_flush(vcpu);
        pthread_mutex_unlock(&vm->lock);
        fake_ich_apply(&vm->ich[n], &vcpu->lrs);
    }
}

/* The guest's handler: quiets the device, sends the other vCPU an SGI, gives the interrupt a new target. */
static void handle(struct vm *vm, uint32_t n, uint32_t intid)
{
    if (intid < 16U) {
        vm->sgis_taken[n]++;
        return;
    }
    vm->taken[n]++;
    signal_device(vm, intid - 32U, false);
    write_register(vm, n, 0x6000U + 8U * intid, 8, vm->taken[n] % 2U); /* GICD_IROUTER */
    pthread_mutex_lock(&vm->lock);
    ash_vgic_sgi(&vm->vgic, n, UINT64_C(5) << 24 | UINT64_C(1) << (1U - n), ASH_VGIC_SGI1R);
    pthread_mutex_unlock(&vm->lock);
    vm->sgis_sent[n]++;
}

static void *cpu_main(void *arg)
{
    struct actor *cpu = (struct actor *)arg;
    struct vm *vm = cpu->vm;
    uint32_t n = cpu->index;

    while (!cpu->timed_out) {
        enter(vm, n);
        uint32_t intid = fake_ich_iar(&vm->ich[n], 1);

        if (intid != FAKE_ICH_SPURIOUS) {
            handle(vm, n, intid);
            fake_ich_eoir(&vm->ich[n], 1, intid);
            if (intid >= 32U) {
                bell_ring(&vm->handled[intid - 32U]);
            }
        } else if (__atomic_load_n(&vm->stop, __ATOMIC_ACQUIRE)) {
            break;
        } else if (fake_ich_misr(&vm->ich[n]) == 0U && !ash_vgic_needs_flush(&vm->vcpu[n])) {
            cpu->timed_out = !bell_wait(&vm->kick[n]);
        }
    }
    return NULL;
}

static void *device_main(void *arg)
{
    struct actor *device = (struct actor *)arg;

    for (unsigned i = 0; i < ROUNDS && !device->timed_out; i++) {
        signal_device(device->vm, device->index, true);
        device->timed_out = !bell_wait(&device->vm->handled[device->index]);
    }
    return NULL;
}

/* ---- The machine ---------------------------------------------------------------------------------------- */

static void bell_init(struct bell *bell)
{
    memset(bell, 0, sizeof(*bell));
    pthread_mutex_init(&bell->mutex, NULL);
    pthread_cond_init(&bell->rung, NULL);
}

static void vm_init(struct vm *vm)
{
    const struct ash_vgic_config config = {.size = sizeof(config),
                                           .version = 3,
                                           .vcpu_count = VCPUS,
                                           .spi_count = 32,
                                           .vcpus = vm->vcpus,
                                           .spis = vm->spis,
                                           .lr_count = 1 /* overflow is the rule */,
                                           .priority_bits = 5,
                                           .preemption_bits = 5};
    uint64_t sgis = 0xffff;

    pthread_mutex_init(&vm->lock, NULL);
    for (uint32_t n = 0; n < VCPUS; n++) {
        vm->vcpus[n] = &vm->vcpu[n];
        bell_init(&vm->kick[n]);
        fake_ich_init(&vm->ich[n], 1, 5, 5);
    }
    for (uint32_t n = 0; n < DEVICES; n++) {
        bell_init(&vm->handled[n]);
    }
    assert_int_equal(ash_vgic_init(&vm->vgic, &config, &hal, vm), ASH_OK);
    for (uint32_t n = 0; n < VCPUS; n++) {
        ash_vgic_vcpu_reset(&vm->vgic, n);
        ash_vgic_load(&vm->vcpu[n]);
        fake_ich_load(&vm->ich[n], &vm->vcpu[n].lrs);
        fake_ich_set_pmr(&vm->ich[n], 0xF0);
        fake_ich_set_igrpen(&vm->ich[n], 1, true);
        assert_int_equal(
            ash_vgic_redist_access(&vm->vgic, n, n * ASH_VGIC_REDIST_SIZE + 0x10100, 4, true, &sgis),
            ASH_OK); /* GICR_ISENABLER0 */
    }
    write_register(vm, 0, 0x0000, 4, 2);                    /* GICD_CTLR.EnableGrp1 */
    write_register(vm, 0, 0x0c08, 4, 2U << 2);              /* GICD_ICFGR2: device 1 is an edge */
    write_register(vm, 0, 0x0104, 4, (1U << DEVICES) - 1U); /* GICD_ISENABLER1 */
}

static void vm_start(struct vm *vm)
{
    for (uint32_t n = 0; n < VCPUS; n++) {
        vm->cpu[n] = (struct actor){.vm = vm, .index = n};
        assert_int_equal(pthread_create(&vm->cpu[n].thread, NULL, cpu_main, &vm->cpu[n]), 0);
    }
    for (uint32_t n = 0; n < DEVICES; n++) {
        vm->device[n] = (struct actor){.vm = vm, .index = n};
        assert_int_equal(pthread_create(&vm->device[n].thread, NULL, device_main, &vm->device[n]), 0);
    }
}

static void vm_stop(struct vm *vm)
{
    for (uint32_t n = 0; n < DEVICES; n++) {
        assert_int_equal(pthread_join(vm->device[n].thread, NULL), 0);
        assert_false(vm->device[n].timed_out);
    }
    __atomic_store_n(&vm->stop, true, __ATOMIC_RELEASE);
    for (uint32_t n = 0; n < VCPUS; n++) {
        bell_ring(&vm->kick[n]);
    }
    for (uint32_t n = 0; n < VCPUS; n++) {
        assert_int_equal(pthread_join(vm->cpu[n].thread, NULL), 0);
        assert_false(vm->cpu[n].timed_out);
        assert_null(vm->ich[n].violation);
        assert_true(vm->taken[n] > 0);
        assert_true(vm->sgis_taken[n] > 0 && vm->sgis_taken[n] <= vm->sgis_sent[1U - n]);
    }
    assert_true(vm->taken[0] + vm->taken[1] >= DEVICES * ROUNDS);
}

static void no_interrupt_is_lost_between_cpus_and_devices(void **state)
{
    static struct vm vm[VMS];

    (void)state;
    for (unsigned i = 0; i < VMS; i++) {
        vm_init(&vm[i]);
    }
    for (unsigned i = 0; i < VMS; i++) {
        vm_start(&vm[i]);
    }
    for (unsigned i = 0; i < VMS; i++) {
        vm_stop(&vm[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_interrupt_is_lost_between_cpus_and_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
