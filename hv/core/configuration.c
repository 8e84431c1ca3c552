/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/configuration.h"

/** vms.dtb of the bundle. ASH_ENOENT: no bundle, or it holds none. */
static int read_bundle(struct hv_configuration *from, struct ash_boot_config *config)
{
    struct ash_boot_span tree = {NULL, 0};
    int error;

    if (from->archive.size == 0U) {
        return ash_boot_fault_set(&from->fault, ASH_ENOENT, "bundle", NULL, NULL, NULL, NULL,
                                  "was not given by the boot loader",
                                  "an initrd (QEMU: -initrd bundle.cpio; docs/bundle.md)");
    }
    error = ash_boot_bundle_open(&from->bundle, from->archive.data, from->archive.size, &from->fault);
    if (error == ASH_OK) {
        error = ash_boot_bundle_find(&from->bundle, "vms.dtb", &tree, &from->fault);
    }
    if (error != ASH_OK) {
        return error;
    }
    tree.data = from->align(from->ctx, &tree);
    if (tree.data == NULL) {
        return ash_boot_fault_set(&from->fault, ASH_ENOMEM, "bundle", NULL, "vms.dtb", NULL, NULL,
                                  "is not at a multiple of 8, and too large to be moved",
                                  "vms.dtb as the first file of the bundle, or one of 256 KiB at most");
    }
    error = ash_boot_config_parse(config, tree.data, tree.size);
    from->fault = config->fault;
    /* A tree without /vms is a mistake here, not a reason to look elsewhere. */
    return error == ASH_ENOENT ? ASH_EFORMAT : error;
}

int hv_configuration_read(struct hv_configuration *from, struct ash_boot_config *config)
{
    int error;

    from->bundle.archive.size = 0;
    ash_boot_fault_clear(&from->fault);
    error = read_bundle(from, config);
    if (error == ASH_ENOENT && from->board_tree.size > 0U) {
        config->file = "device tree";
        if (ash_boot_config_parse(config, from->board_tree.data, from->board_tree.size) == ASH_OK) {
            error = ASH_OK;
            from->fault = config->fault;
        }
    }
    return error;
}
