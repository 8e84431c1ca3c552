/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs with virtio devices: what a driver finds, when its work is done, and that a VM's life, however it ends, leaves
 * nothing behind. */
#include <string.h>

#include <libfdt.h>

#include <libvcpu/psci.h>

#include "core/guest_memory.h"
#include "core/place.h"
#include "driver.h"
#include "glue/virtio.h"
#include "lives.h"

#define SEEDS      40U
#define RINGS      UINT64_C(0x100000) /* of RAM: a disk's rings, ... */
#define HEADER     UINT64_C(0x110000) /* ... the headers of requests, 16 bytes each, their status bytes, ... */
#define STATUS     UINT64_C(0x111000)
#define DATA       UINT64_C(0x120000) /* ... and what they move */
#define RANGE_BASE (SIM_RAM_BASE + 8U * SIM_MIB)
#define RANGE_SIZE (2U * 0x10000U)
#define SECTOR     512U
#define TIMEOUT    20000U

enum { T_IN = 0, T_OUT = 1, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 }; /* 5.2.6 */
enum { OK = 0, IOERR = 1, UNSUPP = 2, NOTHING = 0xff };
enum { PRIVATE, OVERLAY, SHARED, SMALL, ENTROPY, RANGE, DEVICES }; /* in the order of their nodes */

static struct sim sim;

/* ---- The board --------------------------------------------------------------------------------------------------- */

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

static void text(void *tree, const char *name, const char *value)
{
    fdt_ok(fdt_property(tree, name, value, (int)strlen(value) + 1));
}

static void disk(void *tree, const char *node, const char *flag, const char *serial)
{
    fdt_ok(fdt_begin_node(tree, node));
    text(tree, "image", "disk.img");
    if (flag != NULL) {
        fdt_ok(fdt_property(tree, flag, "", 0));
    }
    text(tree, "serial", serial);
    if (node[strlen(node) - 1U] == '3') {
        fdt_ok(fdt_property_u64(tree, "overlay-size", 4096));
        text(tree, "rings", "split");
    }
    fdt_ok(fdt_end_node(tree));
}

static void range_disk(void *tree, const char *node, uint64_t base, uint64_t size, const char *flag)
{
    const fdt64_t range[] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

    fdt_ok(fdt_begin_node(tree, node));
    fdt_ok(fdt_property(tree, "memory-range", range, sizeof(range)));
    fdt_ok(fdt_property_u32(tree, "block-size", 4096));
    if (flag != NULL) {
        fdt_ok(fdt_property(tree, flag, "", 0));
    }
    fdt_ok(fdt_end_node(tree));
}

static void devices(void *tree)
{
    disk(tree, "virtio_blk@0", NULL, "private");
    disk(tree, "virtio_blk@1", "overlay", "overlay");
    disk(tree, "virtio_blk@2", "read-only", "shared");
    disk(tree, "virtio_blk@3", "overlay", "small");
    fdt_ok(fdt_begin_node(tree, "virtio_rng"));
    fdt_ok(fdt_end_node(tree));
    range_disk(tree, "virtio_blk@4", RANGE_BASE, RANGE_SIZE, NULL);
}

static const struct sim_vm vms[] = {
    {.name = "user",
     .vcpus = 2,
     .memory = 4U * SIM_MIB,
     .has_affinity = true,
     .affinity = {0, 1},
     .on_reset = "restart",
     .restart_limit = {16, 86400},
     .nodes = devices},
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {2}},
};

static void board(unsigned count)
{
    sim_board(&sim, 3, vms, count);
    sim.hv.has_entropy = true;
    sim_fails_in = 0;
}

/* ---- A disk's driver --------------------------------------------------------------------------------------------- */

static void open_disk(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue, unsigned index)
{
    sim_driver_begin(cpu, vcpu, sim_virtio(index), 0x3ffffff);
    sim_driver_queue(cpu, vcpu, queue, sim_virtio(index), 0, RINGS + index * SIM_QUEUE_BYTES);
    sim_driver_ok(cpu, vcpu, sim_virtio(index));
}

/** Make a request available; its status byte is at STATUS + @slot. */
static void add_request(struct hv_vcpu *vcpu, struct sim_queue *queue, unsigned slot, uint32_t type,
                        uint64_t sector, uint64_t data, uint32_t size)
{
    const uint64_t header[2] = {type, sector};
    const uint8_t nothing = NOTHING;
    struct sim_segment segments[3] = {{sim_ram(vcpu, HEADER) + 16U * slot, 16, false}};
    unsigned count = 1;

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(segments[0].ipa), header, sizeof(header)), ASH_OK);
    if (size > 0U) {
        segments[count++] = (struct sim_segment){sim_ram(vcpu, data), size, type == T_IN || type == T_GET_ID};
    }
    segments[count] = (struct sim_segment){sim_ram(vcpu, STATUS) + slot, 1, true};
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(segments[count].ipa), &nothing, 1), ASH_OK);
    (void)sim_queue_add(vcpu, queue, segments, count + 1U);
}

static uint8_t status_of(struct hv_vcpu *vcpu, unsigned slot)
{
    uint8_t status;

    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, STATUS) + slot), &status, 1), ASH_OK);
    return status;
}

static uint8_t request(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue, uint32_t type,
                       uint64_t sector, void *bytes, uint32_t size)
{
    uint32_t head, length;

    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(sim_ram(vcpu, DATA)), bytes, size), ASH_OK);
    add_request(vcpu, queue, 0, type, sector, DATA, size);
    sim_queue_kick(cpu, vcpu, queue);
    assert_true(sim_queue_used(vcpu, queue, &head, &length));
    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, DATA)), bytes, size), ASH_OK);
    return status_of(vcpu, 0);
}

/** The first word of sector @sector. */
static uint64_t word_of(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue, uint64_t sector)
{
    uint64_t words[SECTOR / 8U];

    assert_int_equal(request(cpu, vcpu, queue, T_IN, sector, words, SECTOR), OK);
    for (unsigned i = 1; i < SECTOR / 8U; i++) {
        assert_int_equal(words[i], words[0]);
    }
    return words[0];
}

static uint8_t fill_sector(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue, uint64_t sector,
                           uint64_t with)
{
    uint64_t words[SECTOR / 8U];

    for (unsigned i = 0; i < SECTOR / 8U; i++) {
        words[i] = with;
    }
    return request(cpu, vcpu, queue, T_OUT, sector, words, SECTOR);
}

/* ---- What a driver finds ----------------------------------------------------------------------------------------- */

enum { BLK_SIZE = 20, DISCARD_ALIGNMENT = 44 }; /* 5.2.4 */

static uint32_t disk_word(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned index, unsigned offset)
{
    return sim_device(cpu, vcpu, sim_virtio(index) + SIM_CONFIG + offset, false, 0);
}

static unsigned restarts;

static enum hv_verdict use_disks(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const char *const serials[] = {"private", "overlay", "shared", "small"};
    struct sim_queue queue, range;
    char serial[20];

    if (round > 0U) {
        return HV_RESUME;
    }
    for (unsigned i = PRIVATE; i <= SMALL; i++) {
        bool writes = i != SHARED;

        assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_STATUS, false, 0), 0); /* as at power-on */
        open_disk(cpu, vcpu, &queue, i);
        assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_DEVICE_ID, false, 0), 2);
        assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_CONFIG, false, 0), SIM_DISK_SECTORS);
        assert_int_equal(sim_offers(cpu, vcpu, sim_virtio(i), 34), i != SMALL); /* VIRTIO_F_RING_PACKED (6) */
        assert_int_equal(disk_word(cpu, vcpu, i, BLK_SIZE), 512);
        /* Sectors: an overlay gives whole blocks back. */
        assert_int_equal(disk_word(cpu, vcpu, i, DISCARD_ALIGNMENT), i == SHARED ? 0 : i == PRIVATE ? 1 : 8);
        assert_true(sim_offers(cpu, vcpu, sim_virtio(i), 29)); /* the rest of the rings is as it was */
        assert_int_equal(request(cpu, vcpu, &queue, T_GET_ID, 0, serial, sizeof(serial)), OK);
        assert_string_equal(serial, serials[i]);
        assert_int_equal(word_of(cpu, vcpu, &queue, 7), 7);
        assert_int_equal(word_of(cpu, vcpu, &queue, SIM_DISK_SECTORS - 1U), SIM_DISK_SECTORS - 1U);
        /* What was written in the life before is there: a disk is no RAM. */
        assert_int_equal(word_of(cpu, vcpu, &queue, 3), restarts > 0U && writes ? 0xbeefU + restarts : 3U);
        assert_int_equal(fill_sector(cpu, vcpu, &queue, 3, 0xbeefU + restarts + 1U), writes ? OK : IOERR);
        assert_int_equal(word_of(cpu, vcpu, &queue, 3), writes ? 0xbeefU + restarts + 1U : 3U);
        assert_int_equal(word_of(cpu, vcpu, &queue, 2), 2);
        assert_int_equal(fill_sector(cpu, vcpu, &queue, SIM_DISK_SECTORS, 1), IOERR);
    }
    open_disk(cpu, vcpu, &range, RANGE);
    assert_int_equal(disk_word(cpu, vcpu, RANGE, BLK_SIZE), 4096);
    assert_int_equal(disk_word(cpu, vcpu, RANGE, DISCARD_ALIGNMENT), 8);
    assert_int_equal(sim_device(cpu, vcpu, sim_virtio(RANGE) + SIM_CONFIG, false, 0), RANGE_SIZE / SECTOR);
    assert_int_equal(word_of(cpu, vcpu, &range, 3),
                     restarts > 0U ? 0xfeedU + restarts : 0U); /* fresh RAM, here */
    assert_int_equal(fill_sector(cpu, vcpu, &range, 3, 0xfeedU + restarts + 1U), OK);
    /* The overlay of one block is full now. */
    assert_int_equal(fill_sector(cpu, vcpu, &queue, 9, 1), IOERR);
    assert_int_equal(word_of(cpu, vcpu, &queue, 9), 9);
    assert_int_equal(fill_sector(cpu, vcpu, &queue, 4, 4), OK); /* beside the one that it has */
    restarts++;
    return restarts < 3U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0) : sim_off(cpu, vcpu);
}

static void disks_are_what_their_nodes_say_and_outlive_a_restart(void **state)
{
    (void)state;
    board(1);
    restarts = 0;
    sim_run(&sim, use_disks, 1);
    assert_int_equal(restarts, 3);
    sim_assert_exit(&sim, "ok", "user");
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(sim_disk); i++) { /* shared: nobody has written into it */
        const uint8_t *image = (const uint8_t *)sim.hv.configured->plan.vm[0].images.disk[SHARED].data;
        uint64_t word;

        memcpy(&word, image + i * sizeof(word), sizeof(word)); /* cpio aligns to 4 bytes */
        assert_int_equal(word, i / 64U);
    }
}

/* ---- Flash ------------------------------------------------------------------------------------------------------- */

static uint64_t flash[0x10000U / 8U] __attribute__((aligned(4096))); /* each sector says its number */

static void flash_disks(void *tree)
{
    range_disk(tree, "virtio_blk@0", (uintptr_t)flash + 4096U, sizeof(flash) - 4096U, "read-only");
    range_disk(tree, "virtio_blk@1", (uintptr_t)flash + 4096U, sizeof(flash) - 4096U, "overlay");
}

static const struct sim_vm flash_vms[] = {
    {.name = "user", .vcpus = 1, .memory = 2U * SIM_MIB, .on_reset = "restart", .nodes = flash_disks},
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = flash_disks},
};

/** Both disks begin 8 sectors into it. */
static void use_flash(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct sim_queue queue;

    for (unsigned i = 0; i < 2U; i++) {
        bool writes = i == 1U;

        open_disk(cpu, vcpu, &queue, i);
        assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_CONFIG, false, 0), 120);
        assert_int_equal(word_of(cpu, vcpu, &queue, 0), 8);
        assert_int_equal(word_of(cpu, vcpu, &queue, 119), 127);
        assert_int_equal(word_of(cpu, vcpu, &queue, 3), restarts % 2U != 0U && writes ? 0xf1a5U : 11U);
        assert_int_equal(fill_sector(cpu, vcpu, &queue, 3, 0xf1a5U), writes ? OK : IOERR);
        assert_int_equal(word_of(cpu, vcpu, &queue, 3), writes ? 0xf1a5U : 11U);
        assert_int_equal(word_of(cpu, vcpu, &queue, 2), 10);
        assert_int_equal(fill_sector(cpu, vcpu, &queue, 120, 1), IOERR);
    }
}

/** The user has two lives, is destroyed, and has two more, with disks that are new. */
static enum hv_verdict read_flash(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const enum hv_life_command steps[] = {HV_LIFE_DESTROY, HV_LIFE_CREATE, HV_LIFE_START};
    static unsigned step;
    const char *why = NULL;

    if (sim_is(vcpu, "user")) {
        use_flash(cpu, vcpu);
        restarts++;
        return restarts % 2U != 0U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0)
                                   : sim_off(cpu, vcpu);
    }
    step = round == 0U ? 0U : step;
    if (step < ASH_ARRAY_SIZE(steps)) {
        bool is_ready = hv_life_state(cpu->hv, 0) == (step == 1U ? HV_LIFE_ABSENT : HV_LIFE_OFF);

        if (is_ready && restarts == 2U) {
            assert_int_equal(hv_life_ask(cpu, 0, steps[step], &why), ASH_OK);
            step++;
        }
    } else if (restarts == 4U && hv_life_state(cpu->hv, 0) == HV_LIFE_OFF) {
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static void read_flash_under_seed(uint64_t seed)
{
    sim_board(&sim, 2, flash_vms, 2);
    sim.hv.board.flash[0] = (struct ash_boot_region){ash_pa((uintptr_t)flash), sizeof(flash)};
    sim.hv.board.flash_count = 1;
    sim_fails_in = 0;
    restarts = 0;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(flash); i++) {
        flash[i] = i / 64U;
    }
    sim_run(&sim, read_flash, seed);
    assert_int_equal(restarts, 4);
    sim_assert_exit(&sim, "ok", NULL);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(flash); i++) { /* nobody has written into it, nor cleared it */
        assert_int_equal(flash[i], i / 64U);
    }
}

static void flash_is_read_by_many_and_written_by_none(void **state)
{
    (void)state;
    sim_under_seeds("virtio-flash", SEEDS, read_flash_under_seed);
}

static enum hv_verdict clear_ranges(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct sim_queue queue;

    (void)round;
    for (unsigned i = PRIVATE; i <= SHARED; i++) {
        uint64_t range[2] = {8, 8}; /* sector; how many, flags 0 */
        uint64_t too_many[2] = {0, 1U << 20};
        bool writes = i != SHARED;

        open_disk(cpu, vcpu, &queue, i);
        assert_int_equal(request(cpu, vcpu, &queue, T_WRITE_ZEROES, 0, range, sizeof(range)),
                         writes ? OK : UNSUPP);
        assert_int_equal(word_of(cpu, vcpu, &queue, 8), writes ? 0 : 8);
        assert_int_equal(word_of(cpu, vcpu, &queue, 15), writes ? 0 : 15);
        assert_int_equal(word_of(cpu, vcpu, &queue, 7), 7);
        assert_int_equal(word_of(cpu, vcpu, &queue, 16), 16);
        range[0] = 16;
        assert_int_equal(request(cpu, vcpu, &queue, T_DISCARD, 0, range, sizeof(range)),
                         writes ? OK : UNSUPP);
        assert_int_equal(word_of(cpu, vcpu, &queue, 24), 24);
        assert_int_equal(request(cpu, vcpu, &queue, T_DISCARD, 0, too_many, sizeof(too_many)),
                         writes ? IOERR : UNSUPP);
    }
    return sim_off(cpu, vcpu);
}

static void what_is_discarded_or_zeroed_reads_as_zero(void **state)
{
    (void)state;
    board(1);
    sim_run(&sim, clear_ranges, 1);
    sim_assert_exit(&sim, "ok", "user");
}

/* ---- Registers, interrupts --------------------------------------------------------------------------------------- */

static enum hv_verdict look_around(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static struct sim_queue queue;
    uint64_t gicd = vcpu->vm->machine.layout.gicd.value;
    uint64_t words[SECTOR / 8U] = {0};

    if (round == 0U) {
        for (unsigned i = DEVICES; i < 8U; i++) { /* none is there */
            assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_MAGIC, false, 0), 0x74726976);
            assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + 4U, false, 0), 2);
            assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_DEVICE_ID, false, 0), 0);
            (void)sim_device(cpu, vcpu, sim_virtio(i) + SIM_STATUS, true, 1);
            assert_int_equal(sim_device(cpu, vcpu, sim_virtio(i) + SIM_STATUS, false, 0), 0);
        }
        sim_gic_enable(cpu, vcpu);
        (void)sim_device(cpu, vcpu, gicd + 0x084U, true, ~0U);      /* GICD_IGROUPR1 */
        (void)sim_device(cpu, vcpu, gicd + 0x104U, true, 1U << 16); /* GICD_ISENABLER1: SPI 16 */
        open_disk(cpu, vcpu, &queue, PRIVATE);
        assert_int_equal(request(cpu, vcpu, &queue, T_IN, 0, words, SECTOR), OK);
        assert_int_equal(sim_device(cpu, vcpu, sim_virtio(PRIVATE) + SIM_INTERRUPT_STATUS, false, 0), 1);
        return HV_RESUME;
    }
    if (sim_acknowledge(cpu, vcpu) != 48U) {
        assert_true(round < TIMEOUT);
        return HV_RESUME;
    }
    (void)sim_device(cpu, vcpu, sim_virtio(PRIVATE) + SIM_INTERRUPT_ACK, true, 1);
    assert_int_equal(sim_device(cpu, vcpu, sim_virtio(PRIVATE) + SIM_INTERRUPT_STATUS, false, 0), 0);
    return sim_off(cpu, vcpu);
}

static void look_around_under_seed(uint64_t seed)
{
    board(1);
    sim_run(&sim, look_around, seed);
    sim_assert_exit(&sim, "ok", "user");
}

static void a_device_interrupts_by_its_line_and_empty_places_are_empty(void **state)
{
    (void)state;
    sim_under_seeds("virtio-interrupt", SEEDS, look_around_under_seed);
}

static enum hv_verdict ask_for_entropy(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t words[2][8];
    struct sim_queue queue;
    uint32_t head, length;

    (void)round;
    sim_driver_begin(cpu, vcpu, sim_virtio(ENTROPY), 0);
    assert_int_equal(sim_device(cpu, vcpu, sim_virtio(ENTROPY) + SIM_DEVICE_ID, false, 0), 4);
    sim_driver_queue(cpu, vcpu, &queue, sim_virtio(ENTROPY), 0, RINGS);
    sim_driver_ok(cpu, vcpu, sim_virtio(ENTROPY));
    for (unsigned i = 0; i < 2U; i++) {
        const struct sim_segment segment = {sim_ram(vcpu, DATA), sizeof(words[0]), true};

        (void)sim_queue_add(vcpu, &queue, &segment, 1);
        sim_queue_kick(cpu, vcpu, &queue);
        assert_true(sim_queue_used(vcpu, &queue, &head, &length));
        assert_int_equal(length, sizeof(words[0]));
        assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(segment.ipa), words[i], sizeof(words[i])), ASH_OK);
        assert_true((words[i][0] | words[i][7]) != 0U);
    }
    assert_memory_not_equal(words[0], words[1], sizeof(words[0]));
    return sim_off(cpu, vcpu);
}

static void entropy_is_never_the_same(void **state)
{
    (void)state;
    board(1);
    sim_run(&sim, ask_for_entropy, 1);
    sim_assert_exit(&sim, "ok", "user");
}

/** Made once more, it is refused once more, and nothing is lost. */
static enum hv_verdict ask_for_the_vm(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static struct sim_account before;
    const char *why;

    assert_true(sim_is(vcpu, "boss"));
    if (round == 0U) {
        sim_account(cpu->hv, &before);
        assert_int_equal(hv_life_ask(cpu, 0, HV_LIFE_CREATE, &why), ASH_OK);
    }
    if (round == 0U || hv_life_state(cpu->hv, 0) != HV_LIFE_ABSENT) {
        return HV_RESUME;
    }
    sim_assert_same_account(cpu->hv, &before);
    return sim_off(cpu, vcpu);
}

static void a_board_without_entropy_has_no_entropy_device(void **state)
{
    (void)state;
    board(2);
    sim.hv.has_entropy = false;
    sim_run(&sim, ask_for_the_vm, 1);
    sim_assert_says(&sim, "/vms/user/virtio_rng: has nothing to give: the board gave hv no entropy");
    sim_assert_exit(&sim, "vm-fault", "user");
    assert_int_equal(sim_count(&sim, "has nothing to give"), 2);
    assert_null(sim.hv.vm[0]);
}

/* ---- When the work is done --------------------------------------------------------------------------------------- */

#define BIG   0x4000U /* bytes of a request: two are a batch */
#define CROWD 32U

static enum hv_verdict crowd(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static struct sim_queue queue;
    uint32_t head, length;

    (void)round;
    open_disk(cpu, vcpu, &queue, OVERLAY);
    for (unsigned i = 0; i < CROWD; i++) {
        add_request(vcpu, &queue, i, T_IN, 0, DATA, BIG);
    }
    assert_false(sim_queue_kick_once(cpu, vcpu, &queue)); /* a batch, and no more */
    assert_int_equal(status_of(vcpu, 0), OK);
    assert_int_equal(status_of(vcpu, 1), OK);
    assert_int_equal(status_of(vcpu, 2), NOTHING);
    sim_queue_kick(cpu, vcpu, &queue);
    assert_int_equal(queue.notices, CROWD / 2U + 1U);
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(status_of(vcpu, i), OK);
        assert_true(sim_queue_used(vcpu, &queue, &head, &length));
    }
    open_disk(cpu, vcpu, &queue, RANGE);
    add_request(vcpu, &queue, 0, T_IN, 0, DATA, 0x10000U);
    add_request(vcpu, &queue, 1, T_IN, 0, DATA,
                0x10000U + SECTOR); /* more than it was told that it may ask for */
    sim_queue_kick(cpu, vcpu, &queue);
    assert_int_equal(status_of(vcpu, 0), OK);
    assert_int_equal(status_of(vcpu, 1), IOERR);
    return sim_off(cpu, vcpu);
}

static void a_kick_has_a_batch_served_at_a_time(void **state)
{
    (void)state;
    board(1);
    sim_run(&sim, crowd, 1);
    sim_assert_exit(&sim, "ok", "user");
}

static struct {
    struct sim_queue queue;
    bool is_out;
    bool paused;
    unsigned rounds_paused;
    uint8_t before;
} waiting;

/** What was there before DRIVER_OK no kick asks for: the device's job does it, and not while the VM is paused. */
static enum hv_verdict leave_it_to_the_job(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint32_t head, length;

    if (sim_is(vcpu, "boss")) {
        const char *why;

        if (waiting.is_out && !waiting.paused) {
            waiting.paused = hv_life_ask(cpu, 0, HV_LIFE_PAUSE, &why) == ASH_OK;
        } else if (waiting.paused && hv_life_state(cpu->hv, 0) == HV_LIFE_PAUSED) {
            uint8_t now = status_of(cpu->hv->vm[0]->vcpu[0], 0);

            waiting.before = waiting.rounds_paused == 0U ? now : waiting.before;
            assert_int_equal(now, waiting.before);
            if (++waiting.rounds_paused == 50U) {
                assert_int_equal(hv_life_ask(cpu, 0, HV_LIFE_RESUME, &why), ASH_OK);
            }
        }
        return waiting.rounds_paused >= 50U && hv_life_state(cpu->hv, 0) == HV_LIFE_OFF ? sim_off(cpu, vcpu)
                                                                                        : HV_RESUME;
    }
    if (round == 0U) {
        sim_driver_begin(cpu, vcpu, sim_virtio(PRIVATE), 0);
        sim_driver_queue(cpu, vcpu, &waiting.queue, sim_virtio(PRIVATE), 0, RINGS);
        add_request(vcpu, &waiting.queue, 0, T_IN, 5, DATA, SECTOR);
        waiting.is_out = true;
        sim_driver_ok(cpu, vcpu, sim_virtio(PRIVATE));
    }
    if (waiting.rounds_paused < 50U || !sim_queue_used(vcpu, &waiting.queue, &head, &length)) {
        assert_true(round < TIMEOUT);
        return HV_RESUME;
    }
    assert_int_equal(status_of(vcpu, 0), OK);
    assert_int_equal(sim_peek(vcpu, DATA / 4U), 5);
    return sim_off(cpu, vcpu);
}

/** The guest sleeps in hardware, as one that has its CPU alone: nothing but a kick takes it out of that. */
static enum hv_verdict sleep_for_the_job(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t gicd = vcpu->vm->machine.layout.gicd.value;

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        (void)sim_device(cpu, vcpu, gicd + 0x084U, true, ~0U);      /* GICD_IGROUPR1 */
        (void)sim_device(cpu, vcpu, gicd + 0x104U, true, 1U << 16); /* GICD_ISENABLER1: SPI 16 */
        sim_driver_begin(cpu, vcpu, sim_virtio(PRIVATE), 0);
        sim_driver_queue(cpu, vcpu, &waiting.queue, sim_virtio(PRIVATE), 0, RINGS);
        add_request(vcpu, &waiting.queue, 0, T_IN, 5, DATA, SECTOR);
        sim_driver_ok(cpu, vcpu, sim_virtio(PRIVATE));
        return HV_RESUME;
    }
    if (sim_acknowledge(cpu, vcpu) == 48U) {
        assert_int_equal(status_of(vcpu, 0), OK);
        return sim_off(cpu, vcpu);
    }
    hv_host_run_until_kicked(cpu);
    return HV_RESUME;
}

static void sleep_under_seed(uint64_t seed)
{
    memset(&waiting, 0, sizeof(waiting));
    board(1);
    sim_run(&sim, sleep_for_the_job, seed);
    sim_assert_exit(&sim, "ok", "user");
}

static void what_a_job_interrupts_for_wakes_a_guest_that_makes_no_exit(void **state)
{
    (void)state;
    sim_under_seeds("virtio-sleep", SEEDS, sleep_under_seed);
}

static unsigned still_waiting;

static void leave_it_under_seed(uint64_t seed)
{
    memset(&waiting, 0, sizeof(waiting));
    board(2);
    sim_run(&sim, leave_it_to_the_job, seed);
    assert_int_equal(waiting.rounds_paused, 50);
    still_waiting += waiting.before == NOTHING ? 1U : 0U;
}

static void a_job_does_what_no_kick_asks_for_and_not_while_the_vm_is_paused(void **state)
{
    (void)state;
    still_waiting = 0;
    sim_under_seeds("virtio-job", SEEDS, leave_it_under_seed);
    assert_true(still_waiting > 0U);
}

/** vCPU 0 is off while vCPU 1 leaves work to a device's job: what that takes waits for it. */
static enum hv_verdict have_it_charged(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv_turn *owing = &vcpu->vm->vcpu[0]->turn;
    uint32_t head, length;

    if (vcpu->index == 0U) {
        return round == 0U ? sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, SIM_RAM_BASE + 0x80000U, 0)
                           : sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    }
    if (round == 0U) {
        assert_int_equal(__atomic_load_n(&owing->owed, __ATOMIC_RELAXED), 0);
        sim_driver_begin(cpu, vcpu, sim_virtio(PRIVATE), 0);
        sim_driver_queue(cpu, vcpu, &waiting.queue, sim_virtio(PRIVATE), 0, RINGS);
        add_request(vcpu, &waiting.queue, 0, T_IN, 5, DATA, SECTOR);
        sim_driver_ok(cpu, vcpu, sim_virtio(PRIVATE));
    }
    if (!waiting.is_out) {
        waiting.is_out = sim_queue_used(vcpu, &waiting.queue, &head, &length);
        return HV_RESUME;
    }
    return __atomic_load_n(&owing->owed, __ATOMIC_RELAXED) == 0U ? HV_RESUME : sim_off(cpu, vcpu);
}

static void a_job_is_for_the_account_of_its_vm(void **state)
{
    struct sim_vm limited = vms[0];

    (void)state;
    limited.budget_us = 10000;
    limited.period_us = 50000;
    memset(&waiting, 0, sizeof(waiting));
    sim_board(&sim, 3, &limited, 1);
    sim.hv.has_entropy = true;
    sim_run(&sim, have_it_charged, 1);
    sim_assert_exit(&sim, "ok", "user");
}

/* ---- A VM's life ------------------------------------------------------------------------------------------------- */

static struct sim_lives lives;

static enum hv_verdict be_taken_away(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static struct sim_queue queue;

    if (sim_is(vcpu, "boss")) {
        return sim_lives_cycle(cpu, vcpu, &lives);
    }
    if (vcpu->index == 0U && round == 0U) {
        open_disk(cpu, vcpu, &queue, OVERLAY);
        add_request(vcpu, &queue, 0, T_OUT, 3, DATA, 0x2000);
        (void)sim_queue_kick_once(cpu, vcpu, &queue);
        open_disk(cpu, vcpu, &queue, PRIVATE);
        for (unsigned i = 0; i < CROWD; i++) {
            add_request(vcpu, &queue, i, T_IN, 0, DATA, BIG);
        }
        lives.used = true;
    }
    if (vcpu->index == 0U) {
        (void)sim_queue_kick_once(cpu, vcpu, &queue);
    }
    return HV_RESUME;
}

static void cycle_under_seed(uint64_t seed)
{
    lives.is_known = false;
    lives.cycles = 0;
    lives.used = false;
    board(2);
    hv_host_run(&sim.hv, be_taken_away, seed, 4000000, &sim.result);
    assert_true(sim.result.powered_off && !sim.result.stuck);
    sim_assert_says_not(&sim, "PANIC");
    assert_int_equal(lives.cycles, lives.most + 1U);
}

static void ten_thousand_lives_leave_nothing_behind(void **state)
{
    (void)state;
    lives = (struct sim_lives){.who = 0, .most = 250, .haste = 7};
    sim_under_seeds("virtio-life", 40, cycle_under_seed);
    assert_true(lives.in_use > 5000U);
}

static enum hv_verdict be_short_of_memory(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    return sim_is(vcpu, "boss") ? sim_lives_fail(cpu, vcpu, &lives) : HV_RESUME;
}

static void each_allocation_that_fails_gives_everything_back(void **state)
{
    (void)state;
    lives = (struct sim_lives){.who = 0, .most = 10};
    board(2);
    sim_run(&sim, be_short_of_memory, 1);
    sim_assert_says(&sim, "finds hv's page pool empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disks_are_what_their_nodes_say_and_outlive_a_restart),
        cmocka_unit_test(flash_is_read_by_many_and_written_by_none),
        cmocka_unit_test(what_is_discarded_or_zeroed_reads_as_zero),
        cmocka_unit_test(a_device_interrupts_by_its_line_and_empty_places_are_empty),
        cmocka_unit_test(entropy_is_never_the_same),
        cmocka_unit_test(a_board_without_entropy_has_no_entropy_device),
        cmocka_unit_test(a_kick_has_a_batch_served_at_a_time),
        cmocka_unit_test(a_job_does_what_no_kick_asks_for_and_not_while_the_vm_is_paused),
        cmocka_unit_test(a_job_is_for_the_account_of_its_vm),
        cmocka_unit_test(what_a_job_interrupts_for_wakes_a_guest_that_makes_no_exit),
        cmocka_unit_test(each_allocation_that_fails_gives_everything_back),
        cmocka_unit_test(ten_thousand_lives_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
