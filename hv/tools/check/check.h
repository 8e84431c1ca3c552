/* SPDX-License-Identifier: BSD-2-Clause */
/** hv-check: what hv would say to a bundle on a board, and who would own what, without a machine. Runs the code that hv
 *  boots by: libboot, hv/core/configuration.c, ownership.c, plan.c. */
#ifndef HV_TOOLS_CHECK_H
#define HV_TOOLS_CHECK_H

#include <stdbool.h>

#include <libboot/board.h>

#include "core/configuration.h"
#include "core/plan.h"

#define CHECK_DEVICES_MAX 512U

struct check_device {
    struct ash_boot_device device;
    const char *owner; /* "hv", "vms", "nobody" */
};

struct check {
    struct ash_boot_board board;
    struct ash_boot_span tree;
    struct hv_ranges ranges;
    struct ash_boot_config config;
    struct ash_boot_vm vms[HV_MAX_VMS];
    struct hv_configuration files;
    struct hv_plan plan;
    char board_fault[256]; /* why hv would panic; empty: it would not */

    struct check_device devices[CHECK_DEVICES_MAX];
    unsigned device_count;
    unsigned devices_left_out;

    uint64_t image; /* hv's; size 0: not known */
    uint64_t image_size;
    uint64_t tree_at;
    bool tree_at_known;
    bool bundle_at_known;
};

/** Who owns interrupt @intid: "hv", "vms" or "nobody". */
const char *check_interrupt_owner(const struct ash_boot_board *board, uint32_t intid);

/** "spi:1", "ppi:11". */
const char *check_interrupt_name(uint32_t intid, char text[16]);

/** A problem in what the board's tree says: two things at one place. False: no more than @index. */
bool check_overlap(const struct check *check, unsigned index, char *text, size_t size);

/** Who is the VM of this number. */
const char *check_vm_name(const struct check *check, uint32_t number);

void check_print_text(const struct check *check);
void check_print_json(const struct check *check);

#endif
