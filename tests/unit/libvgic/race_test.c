/* SPDX-License-Identifier: BSD-2-Clause */
/* What vgic.h marks "no lock", under ThreadSanitizer: a vCPU's own CPU asks ash_vgic_needs_flush() and calls
 * ash_vgic_request_flush() while other CPUs raise interrupts under the lock. And none is lost on the way. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libvgic/ich.h>
#include <libvgic/vgic.h>

#include "testkit/cmocka.h"

#define DEVICES 3U
#define PULSES  20000U
#define SPI     40U

static struct ash_vgic vgic;
static struct ash_vgic_vcpu vcpu;
static struct ash_vgic_irq spis[32];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned taken[DEVICES];  /* by the guest */
static uint32_t posted[DEVICES]; /* by the device; atomic */
static uint32_t kicks;           /* atomic */
static uint32_t errors;          /* atomic */

static void on_kick(void *ctx, uint32_t index)
{
    (void)ctx;
    (void)index;
    (void)__atomic_fetch_add(&kicks, 1U, __ATOMIC_RELAXED);
}

static void on_deactivate(void *ctx, uint32_t index, uint32_t pintid)
{
    (void)ctx;
    (void)index;
    (void)pintid;
}

static const struct ash_vgic_hal hal = {.size = sizeof(hal), .kick = on_kick, .hw_deactivate = on_deactivate};

static void *run_device(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < PULSES; i++) {
        pthread_mutex_lock(&lock);
        int error = ash_vgic_pulse(&vgic, 0, SPI + me);
        pthread_mutex_unlock(&lock);
        (void)__atomic_fetch_add(&errors, error != ASH_OK ? 1U : 0U, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&posted[me], 1U, __ATOMIC_RELEASE);
    }
    return NULL;
}

/* The guest takes and ends whatever its list registers hold. */
static void run_guest(void)
{
    for (unsigned n = 0; n < 2U; n++) {
        uint64_t lr = vcpu.lrs.lr[n];

        if ((vcpu.lrs.used >> n & 1U) != 0U && (lr & ASH_ICH_LR_PENDING) != 0U) {
            taken[ASH_ICH_LR_VINTID(lr) - SPI]++;
            vcpu.lrs.lr[n] = lr & ~ASH_ICH_LR_STATE;
        }
    }
}

static void exit_and_enter(void)
{
    if (ash_vgic_needs_flush(&vcpu)) {
        pthread_mutex_lock(&lock);
        ash_vgic_sync(&vcpu);
        ash_vgic_flush(&vcpu);
        pthread_mutex_unlock(&lock);
    }
    /* The list registers are the CPU's own; what the guest does to the image stands for what it does to them. */
    pthread_mutex_lock(&lock);
    run_guest();
    pthread_mutex_unlock(&lock);
    ash_vgic_request_flush(&vcpu); /* the maintenance interrupt */
}

static bool is_done(void)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        if (__atomic_load_n(&posted[i], __ATOMIC_ACQUIRE) < PULSES) {
            return false;
        }
    }
    return true;
}

static void write_register(uint32_t offset, unsigned size, uint64_t value)
{
    assert_int_equal(ash_vgic_dist_access(&vgic, 0, offset, size, true, &value), ASH_OK);
}

static void start(void)
{
    static struct ash_vgic_vcpu *vcpus[] = {&vcpu};
    const struct ash_vgic_config config = {.size = sizeof(config),
                                           .version = 3,
                                           .vcpu_count = 1,
                                           .spi_count = 32,
                                           .lr_count = 2,
                                           .priority_bits = 5,
                                           .preemption_bits = 5,
                                           .vcpus = vcpus,
                                           .spis = spis};

    assert_int_equal(ash_vgic_init(&vgic, &config, &hal, NULL), ASH_OK);
    ash_vgic_vcpu_reset(&vgic, 0);
    ash_vgic_load(&vcpu);
    vcpu.lrs.vmcr |= ASH_ICH_VMCR_VENG1 | UINT32_C(0xF0) << ASH_ICH_VMCR_VPMR_SHIFT;
    write_register(0, 4, 2);
    write_register(0x0C00U + SPI / 16U * 4U, 4, UINT32_MAX); /* edge-triggered */
    write_register(0x0100U + SPI / 32U * 4U, 4, UINT32_MAX);
}

static void an_interrupt_that_is_raised_elsewhere_is_not_lost(void **state)
{
    pthread_t thread[DEVICES];
    unsigned before[DEVICES];

    (void)state;
    start();
    for (uintptr_t i = 0; i < DEVICES; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, run_device, (void *)i), 0);
    }
    while (!is_done()) {
        exit_and_enter();
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    for (unsigned i = 0; i < 8U; i++) {
        exit_and_enter(); /* what came last, three interrupts through two list registers */
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_true(taken[i] > 0U && taken[i] <= PULSES);
        before[i] = taken[i];
        assert_int_equal(ash_vgic_pulse(&vgic, 0, SPI + i), ASH_OK);
    }
    for (unsigned i = 0; i < 8U; i++) {
        exit_and_enter();
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_int_equal(taken[i], before[i] + 1U); /* it still works, and nothing was left over */
    }
    assert_int_equal(errors, 0);
    assert_true(kicks > 0U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_interrupt_that_is_raised_elsewhere_is_not_lost)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
