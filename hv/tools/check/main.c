/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/board_check.h"
#include "core/format.h"
#include "core/ownership.h"

/* As ./run's. */
enum exit_code { EXIT_FINE = 0, EXIT_CANNOT = 1, EXIT_USAGE = 2, EXIT_MISTAKES = 3, EXIT_PANIC = 4 };

static const char usage[] =
    "usage: hv-check --board FILE.dtb [--bundle FILE.cpio] [--image ADDRESS SIZE] [--tree-at ADDRESS]\n"
    "                [--bundle-at ADDRESS] [--linked] [--ipa-bits N] [--json]\n"
    "hv/tools/mkbundle --check calls it and finds the addresses.\n";

struct options {
    const char *board;
    const char *bundle;
    uint64_t image;
    uint64_t image_size;
    uint64_t tree_at;
    uint64_t bundle_at;
    uint64_t ipa_bits;
    bool has_tree_at;
    bool has_bundle_at;
    bool linked;
    bool json;
};

/* ---- Options and files ------------------------------------------------------------------------------------------- */

static bool number(const char *text, uint64_t *value)
{
    char *end = NULL;

    *value = text != NULL ? strtoull(text, &end, 0) : 0U;
    return text != NULL && *text != '\0' && *end == '\0';
}

static bool parse_option(struct options *options, char **argv, int *at)
{
    const char *name = argv[*at];
    const char *value = argv[*at + 1]; /* NULL behind the last */

    *at += 2;
    if (strcmp(name, "--board") == 0) {
        options->board = value;
    } else if (strcmp(name, "--bundle") == 0) {
        options->bundle = value;
    } else if (strcmp(name, "--image") == 0 && value != NULL) {
        return number(value, &options->image) && number(argv[(*at)++], &options->image_size);
    } else if (strcmp(name, "--tree-at") == 0) {
        options->has_tree_at = true;
        return number(value, &options->tree_at);
    } else if (strcmp(name, "--bundle-at") == 0) {
        options->has_bundle_at = true;
        return number(value, &options->bundle_at);
    } else if (strcmp(name, "--ipa-bits") == 0) {
        return number(value, &options->ipa_bits) && options->ipa_bits >= 32U && options->ipa_bits <= 48U;
    } else {
        (*at)--;
        options->linked = options->linked || strcmp(name, "--linked") == 0;
        options->json = options->json || strcmp(name, "--json") == 0;
        return strcmp(name, "--linked") == 0 || strcmp(name, "--json") == 0;
    }
    return value != NULL;
}

static bool parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){.ipa_bits = 40};
    for (int at = 1; at < argc;) {
        if (!parse_option(options, argv, &at) || at > argc) {
            return false;
        }
    }
    return options->board != NULL;
}

/** The whole file, at an address that suits libfdt and a bundle. NULL: a line on stderr says why. */
static void *read_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    size_t room = 1U << 16;
    char *bytes = malloc(room);

    *size = 0;
    while (file != NULL && bytes != NULL && !feof(file) && !ferror(file)) {
        if (*size == room) {
            char *more = realloc(bytes, room * 2U);
            if (more == NULL) {
                break;
            }
            bytes = more;
            room *= 2U;
        }
        *size += fread(bytes + *size, 1, room - *size, file);
    }
    if (file == NULL || bytes == NULL || !feof(file)) {
        perror(name);
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

/* ---- The board --------------------------------------------------------------------------------------------------- */

static const char *owner_of(const struct ash_boot_board *board, const struct ash_boot_device *device)
{
    const struct ash_boot_region *const own[] = {&board->console_region, &board->gicd,       &board->gicc,
                                                 &board->gich,           &board->gicv,       &board->rtc,
                                                 &board->bcm_local,      &board->bcm_arm,    &board->bcm_pm,
                                                 &board->bcm_rng,        &board->bcm_mailbox};

    for (unsigned r = 0; r < device->region_count; r++) {
        for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
            if (own[i]->size != 0U && own[i]->base.value == device->region[r].base.value) {
                return "hv";
            }
        }
    }
    for (unsigned i = 0; i < device->interrupt_count && device->region_count == 0U; i++) {
        const char *owner = check_interrupt_owner(board, device->interrupt[i].intid);
        if (strcmp(owner, "nobody") != 0) {
            return owner; /* a timer */
        }
    }
    return "nobody";
}

static int note_device(void *arg, const struct ash_boot_device *device)
{
    struct check *check = (struct check *)arg;

    if (check->device_count == CHECK_DEVICES_MAX) {
        check->devices_left_out++;
        return ASH_OK;
    }
    check->devices[check->device_count].device = *device;
    check->devices[check->device_count++].owner = owner_of(&check->board, device);
    return ASH_OK;
}

static bool read_board(struct check *check, const struct options *options)
{
    struct ash_boot_fault fault;
    void *tree = read_file(options->board, &check->tree.size);
    int error;

    if (tree == NULL) {
        return false;
    }
    check->tree.data = tree;
    error = ash_boot_board_read(&check->board, tree, check->tree.size, &fault);
    if (error == ASH_OK) {
        error = ash_boot_board_devices(&check->board, tree, check->tree.size, note_device, check, &fault);
    }
    if (error == ASH_OK) {
        ASH_DISCARD(hv_board_check(&check->board, check->board_fault, sizeof(check->board_fault)));
    } else {
        (void)ash_boot_fault_format(check->board_fault, sizeof(check->board_fault), &fault);
    }
    return true; /* why hv would not run is part of the report */
}

/** Who has what before the first VM. */
static int build_ownership(struct check *check)
{
    const struct hv_ownership of = {.board = &check->board,
                                    .image = check->image,
                                    .image_size = check->image_size,
                                    .tree = check->tree_at};
    uint64_t pool;
    int error = hv_ownership_build(&check->ranges, &of, check->board_fault, sizeof(check->board_fault));

    if (error == ASH_OK) {
        error = hv_ownership_take_pool(&check->ranges, &pool);
        if (error != ASH_OK) {
            (void)hv_format(
                check->board_fault, sizeof(check->board_fault),
                "there are no 0x%lx free bytes in a row for hv's page pool; the largest free range is "
                "0x%lx",
                (unsigned long)HV_POOL_PAGES * 4096UL, hv_ranges_largest_free(&check->ranges));
        }
    }
    return error;
}

/* ---- The VMs ----------------------------------------------------------------------------------------------------- */

static const void *align(void *ctx, const struct ash_boot_span *tree)
{
    void *copy;

    (void)ctx;
    if (((uintptr_t)tree->data & 7U) == 0U) {
        return tree->data;
    }
    copy = malloc(tree->size);
    return copy != NULL ? memcpy(copy, tree->data, tree->size) : NULL;
}

/** Where a boot loader put the bundle; a bundle that is part of hv is not the board's. */
static void place_bundle(struct check *check, const struct options *options, size_t size)
{
    struct ash_boot_region *initrd = &check->board.initrd;

    if (options->linked || options->bundle == NULL) {
        initrd->size = 0;
    } else {
        check->bundle_at_known = options->has_bundle_at || initrd->size != 0U;
        initrd->base = options->has_bundle_at ? ash_pa(options->bundle_at) : initrd->base;
        initrd->size = check->bundle_at_known ? size : 0U;
    }
}

/** The device with a bank of flash that disks of VMs read. */
static void note_flash_read(struct check *check, const struct ash_boot_virtio *disk)
{
    for (unsigned d = 0; d < check->device_count; d++) {
        struct check_device *one = &check->devices[d];

        for (unsigned r = 0; r < one->device.region_count; r++) {
            if (hv_plan_names_flash(disk, &one->device.region[r])) {
                one->owner = "vms";
            }
        }
    }
}

static void note_flash(struct check *check)
{
    for (uint32_t i = 0; i < check->plan.vms; i++) {
        const struct hv_plan_vm *vm = &check->plan.vm[i];

        for (unsigned d = 0; d < ASH_BOOT_VIRTIO_MAX; d++) {
            if (vm->disk[d].in_flash) {
                note_flash_read(check, &vm->config->virtio[d]);
            }
        }
    }
}

static void plan(struct check *check, const struct options *options)
{
    check->config.vms = check->vms;
    check->config.capacity = HV_MAX_VMS;
    check->config.cpus = check->board.cpu_count < HV_MAX_CPUS ? check->board.cpu_count : HV_MAX_CPUS;
    check->files.board_tree = check->tree;
    check->files.align = align;
    if (hv_configuration_read(&check->files, &check->config) != ASH_OK) {
        check->config.count = 0;
    }
    check->plan.ranges = &check->ranges;
    check->plan.bundle = check->files.bundle.archive.size != 0U ? &check->files.bundle : NULL;
    check->plan.flash = check->board.flash;
    check->plan.flash_count = check->board.flash_count;
    check->plan.cpus = check->config.cpus;
    check->plan.ipa_bits = (unsigned)options->ipa_bits;
    hv_plan_make(&check->plan, check->vms, check->config.count);
    note_flash(check);
}

static int verdict(const struct check *check)
{
    bool mistakes = check->files.fault.code != ASH_OK;

    for (size_t i = 0; i < check->config.count; i++) {
        mistakes = mistakes || check->vms[i].fault.code != ASH_OK;
    }
    if (check->board_fault[0] != '\0') {
        return EXIT_PANIC;
    }
    return mistakes ? EXIT_MISTAKES : EXIT_FINE;
}

int main(int argc, char **argv)
{
    static struct check check;
    struct options options;

    if (!parse(&options, argc, argv)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    check.image = options.image;
    check.image_size = options.image_size;
    check.tree_at = options.tree_at;
    check.tree_at_known = options.has_tree_at;
    if (!read_board(&check, &options)) {
        return EXIT_CANNOT;
    }
    if (options.bundle != NULL) {
        check.files.archive.data = read_file(options.bundle, &check.files.archive.size);
        if (check.files.archive.data == NULL) {
            return EXIT_CANNOT;
        }
    }
    place_bundle(&check, &options, check.files.archive.size);
    if (!check.tree_at_known) {
        check.board.tree_size = 0; /* no claim */
    }
    if (check.board_fault[0] == '\0' && build_ownership(&check) == ASH_OK) {
        plan(&check, &options);
    }
    (options.json ? check_print_json : check_print_text)(&check);
    return verdict(&check);
}
