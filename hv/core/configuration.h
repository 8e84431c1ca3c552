/* SPDX-License-Identifier: BSD-2-Clause */
/** Where the VMs' configuration comes from: vms.dtb of the bundle, or else /vms of the board's own tree. hv boots by it
 *  and the off-line checker reads by it.
 *  Lock domain: boot. */
#ifndef HV_CORE_CONFIGURATION_H
#define HV_CORE_CONFIGURATION_H

#include <libboot/bundle.h>
#include <libboot/config.h>

struct hv_configuration {
    struct ash_boot_span archive;    /* in: the bundle; size 0: none */
    struct ash_boot_span board_tree; /* in: size 0: none */
    /** in: @tree at an address that libfdt takes, for as long as the configuration is used; NULL: no memory. */
    const void *(*align)(void *ctx, const struct ash_boot_span *tree);
    void *ctx;
    struct ash_boot_bundle bundle; /* out: archive.size 0: none, or it cannot be read */
    struct ash_boot_fault fault;   /* out: a mistake that is no single VM's; code ASH_OK: none */
};

/** Read it into @config, whose array and CPUs are set. Returns ASH_OK: config->count VMs, and from->fault may say what
 *  was left out; else there are none, and from->fault says why. Calls libfdt. */
int hv_configuration_read(struct hv_configuration *from, struct ash_boot_config *config) ASH_NODISCARD;

#endif
