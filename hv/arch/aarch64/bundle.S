/* SPDX-License-Identifier: BSD-2-Clause */
/* A bundle that is part of the image: cmake -DHV_BUNDLE=FILE. Aligned so that vms.dtb, its first file, lies at a
 * multiple of 8. */
    .section .rodata.bundle, "a"
    .balign 4096
    .global hv_bundle_start
    .global hv_bundle_end
hv_bundle_start:
#ifdef HV_BUNDLE
    .incbin HV_BUNDLE
#endif
hv_bundle_end:
