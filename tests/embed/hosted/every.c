/* SPDX-License-Identifier: BSD-2-Clause */
/* One call into each library, with an answer that only the library can have made. C11 and, included by every.cpp,
 * C++17. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libbase/version.h>
#include <libboot/bundle.h>
#include <libstage2/stage2.h>
#include <libstage2/vmid.h>
#include <libvcpu/exit.h>
#include <libvcpu/mmio.h>
#include <libvgic/vgic.h>
#include <libvirtio/virtq.h>
#include <libvtimer/vtimer.h>

static void expect(bool claim, const char *what)
{
    if (!claim) {
        printf("FAIL: %s\n", what);
        exit(1);
    }
}

/* ---- libstage2: tables in this program's own memory --------------------------------------------------- */

static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    void *memory = aligned_alloc(pages * 4096U, pages * 4096U);

    (void)ctx;
    *pa = ash_pa((uint64_t)(uintptr_t)memory);
    return memory != NULL ? ASH_OK : ASH_ENOMEM;
}

static void table_free(void *ctx, ash_pa_t pa, unsigned pages)
{
    (void)ctx;
    (void)pages;
    free((void *)(uintptr_t)pa.value);
}

static uint64_t *table_at(void *ctx, ash_pa_t pa)
{
    (void)ctx;
    return (uint64_t *)(uintptr_t)pa.value;
}

static void publish(void *ctx, const uint64_t *first, size_t count)
{
    (void)ctx;
    (void)first;
    (void)count;
}

static void invalidate(void *ctx, const struct ash_stage2_invalidation *what)
{
    (void)what;
    ++*(unsigned *)ctx;
}

static void use_stage2(void)
{
    const struct ash_stage2_hal hal = {sizeof(hal), table_alloc, table_free, table_at, publish, invalidate};
    struct ash_stage2_config config;
    struct ash_stage2_mapping found;
    struct ash_stage2 s2;
    unsigned invalidations = 0;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.id_aa64mmfr0_el1 = 0x1125; /* PARange 48 bits, 4 KiB granule */
    config.ipa_bits = 40;
    expect(ash_stage2_init(&s2, &config, &hal, &invalidations) == ASH_OK, "stage2: init");
    ash_stage2_set_vmid(&s2, 7);
    expect(ash_stage2_map(&s2, ash_ipa(0x40000000), ash_pa(0x80000000), 0x400000,
                          ASH_STAGE2_READ | ASH_STAGE2_WRITE) == ASH_OK,
           "stage2: map");
    expect(ash_stage2_unmap(&s2, ash_ipa(0x40001000), 0x1000) == ASH_OK, "stage2: unmap");
    expect(ash_stage2_lookup(&s2, ash_ipa(0x40200000), &found) == ASH_OK && found.valid &&
               found.pa.value == 0x80200000 && found.size == ASH_STAGE2_BLOCK2_SIZE,
           "stage2: a block");
    expect(ash_stage2_check_fault(&s2, ash_ipa(0x40001000), ASH_STAGE2_READ) == ASH_ENOENT, "stage2: a hole");
    expect(invalidations > 0 && ash_stage2_vttbr(&s2) >> 48 == 7, "stage2: invalidations, VMID");
    ash_stage2_destroy(&s2);
}

/* ---- The others ----------------------------------------------------------------------------------------- */

static void use_vcpu(void)
{
    struct ash_vcpu_mmio mmio;

    expect(ash_vcpu_ec_info(0x93238007)->exit == ASH_VCPU_EXIT_DATA_ABORT, "vcpu: exception class");
    expect(ash_vcpu_mmio_decode(0x93238007, &mmio) == ASH_OK && mmio.size == 1 && !mmio.write,
           "vcpu: access");
}

static void kick(void *ctx, uint32_t vcpu)
{
    (void)vcpu;
    ++*(unsigned *)ctx;
}

static void hw_deactivate(void *ctx, uint32_t vcpu, uint32_t pintid)
{
    (void)ctx;
    (void)vcpu;
    (void)pintid;
}

static void use_vgic(void)
{
    static struct ash_vgic gic;
    static struct ash_vgic_vcpu cpu;
    static struct ash_vgic_irq spis[32];
    struct ash_vgic_vcpu *cpus[] = {&cpu};
    const struct ash_vgic_hal hal = {sizeof(hal), kick, hw_deactivate};
    struct ash_vgic_config config;
    unsigned kicks = 0;
    uint64_t value = 2;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.version = 3;
    config.vcpu_count = 1;
    config.spi_count = 32;
    config.lr_count = 4;
    config.priority_bits = 5;
    config.preemption_bits = 5;
    config.vcpus = cpus;
    config.spis = spis;
    expect(ash_vgic_init(&gic, &config, &hal, &kicks) == ASH_OK, "vgic: init");
    expect(ash_vgic_dist_access(&gic, 0, 0x0000, 4, true, &value) == ASH_OK &&
               ash_vgic_dist_access(&gic, 0, 0x0104, 4, true, &value) == ASH_OK,
           "vgic: registers");
    expect(ash_vgic_set_level(&gic, 0, 33, true) == ASH_OK && kicks == 1, "vgic: a line");
    ash_vgic_load(&cpu);
    expect((cpu.lrs.lr[0] & 0xFFFFFFFF) == 33, "vgic: the list register");
}

static void set_line(void *ctx, enum ash_vtimer_id timer, bool level)
{
    (void)timer;
    *(bool *)ctx = level;
}

static void use_vtimer(void)
{
    struct ash_vtimer_hal hal;
    struct ash_vtimer_vm vm;
    struct ash_vtimer timer;
    bool line = false;

    memset(&hal, 0, sizeof(hal));
    hal.size = sizeof(hal);
    hal.set_line = set_line;
    memset(&vm, 0, sizeof(vm));
    ash_vtimer_set_count(&vm, 1000, 0);
    expect(ash_vtimer_init(&timer, &vm, &hal, &line) == ASH_OK, "vtimer: init");
    ash_vtimer_write(&timer, ASH_VTIMER_VIRTUAL, ASH_VTIMER_TVAL, 1000, 500);
    ash_vtimer_write(&timer, ASH_VTIMER_VIRTUAL, ASH_VTIMER_CTL, 1000, ASH_VTIMER_CTL_ENABLE);
    ash_vtimer_update(&timer, 1499);
    expect(!line, "vtimer: early");
    ash_vtimer_update(&timer, 1500);
    expect(line, "vtimer: the line");
}

static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    (void)size;
    (void)write;
    return (unsigned char *)ctx + ipa.value;
}

static void use_virtio(void)
{
    static uint64_t memory[512]; /* descriptors at 0, available ring at 64, used ring at 128 */
    struct ash_virtq_hal hal;
    struct ash_virtq_config config;
    struct ash_virtq_slot slots[4];
    const struct ash_virtq_region ram = {ash_ipa(0), sizeof(memory), NULL};
    const struct ash_virtq_layout layout = {ash_ipa(0), ash_ipa(64), ash_ipa(128), 4, 0};
    struct ash_virtq_segment segment;
    struct ash_virtq_chain chain;
    struct ash_virtq q;

    memset(&hal, 0, sizeof(hal));
    hal.size = sizeof(hal);
    hal.map = map;
    memset(&config, 0, sizeof(config));
    config.regions = &ram;
    config.region_count = 1;
    config.max_size = 4;
    config.slots = slots;
    expect(ash_virtq_init(&q, &config, &hal, memory) == ASH_OK, "virtio: init");
    expect(ash_virtq_setup(&q, &layout) == ASH_OK, "virtio: set-up");
    expect(ash_virtq_pop(&q, &segment, 1, &chain) == ASH_ENOENT, "virtio: empty");
    ((uint16_t *)memory)[33] = 5; /* the driver's index: more than the ring has */
    expect(ash_virtq_pop(&q, &segment, 1, &chain) == ASH_EGUEST &&
               ash_virtq_fault(&q)->reason == ASH_VIRTQ_BAD_AVAIL_INDEX,
           "virtio: a broken queue");
}

static void use_boot(void)
{
    struct ash_boot_bundle bundle;
    struct ash_boot_fault fault;
    char line[128];

    expect(ash_boot_bundle_open(&bundle, "no archive", 10, &fault) < 0, "boot: garbage");
    ash_boot_fault_format(line, sizeof(line), &fault);
    expect(strlen(line) > 10, "boot: a line that says why");
}

int main(void)
{
    expect(strcmp(ASH_VERSION_STRING, PACKAGE_VERSION) == 0, "base: the headers' version is the package's");
    use_stage2();
    use_vcpu();
    use_vgic();
    use_vtimer();
    use_virtio();
    use_boot();
    printf("PASS: base stage2 vcpu vgic vtimer virtio boot\n");
    return 0;
}
