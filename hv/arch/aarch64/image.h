/* SPDX-License-Identifier: BSD-2-Clause */
/** Symbols of the linker script and of assembly. */
#ifndef HV_ARCH_AARCH64_IMAGE_H
#define HV_ARCH_AARCH64_IMAGE_H

extern const char _start[];
extern const char __text_start[], __text_end[];
extern const char __rodata_start[], __rodata_end[];
extern const char __data_start[], __bss_end[];
extern const char __image_end[];
extern const char hv_bundle_start[], hv_bundle_end[]; /* -DHV_BUNDLE; else equal */
extern const char hv_vectors[];
extern const char hv_secondary_entry[];

#endif
