/* SPDX-License-Identifier: BSD-2-Clause */
/** What is wrong with an input: one struct, one readable line.
 *
 *  Every function of libboot that reads a file fills one of these when it returns an error. Texts taken from the
 *  input are copied, shortened and made printable: the line may go to a terminal as it is.
 *
 *  Lock domain: the struct. Context: any. No HAL.
 */
#ifndef LIBBOOT_FAULT_H
#define LIBBOOT_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_BOOT_FAULT_VM_SIZE       32 /* bytes, the terminating NUL included */
#define ASH_BOOT_FAULT_NODE_SIZE     64
#define ASH_BOOT_FAULT_PROPERTY_SIZE 32
#define ASH_BOOT_FAULT_VALUE_SIZE    96
/** ash_boot_fault_format() never needs more than this, NUL included, when file, problem and allowed are libboot's. */
#define ASH_BOOT_FAULT_LINE_SIZE 768

/** One mistake in one input. Empty texts and NULL pointers: does not apply. */
struct ash_boot_fault {
    int code;            /* ASH_OK: no fault; else what the function returned */
    const char *file;    /* "bundle", "vms.dtb", "device tree", …; the caller may put the real name there */
    const char *problem; /* a string literal: "is too large" */
    const char *allowed; /* a string literal: what would have been right */
    char vm[ASH_BOOT_FAULT_VM_SIZE];     /* the VM's name */
    char node[ASH_BOOT_FAULT_NODE_SIZE]; /* of a tree: the node's path; of a bundle: the entry's name */
    char property[ASH_BOOT_FAULT_PROPERTY_SIZE]; /* or the header field */
    char value[ASH_BOOT_FAULT_VALUE_SIZE];       /* as one would write it: "<9>", "\"linx\"", "0x1234" */
};

/** No fault: everything empty, code ASH_OK. */
void ash_boot_fault_clear(struct ash_boot_fault *fault);

/** Make a fault of the caller's own, in the same words: the rest of @fault is cleared first. @file, @problem and
 *  @allowed are kept as pointers, the others are copied; each but @fault may be NULL. Returns @code. */
int ash_boot_fault_set(struct ash_boot_fault *fault, int code, const char *file, const char *vm,
                       const char *node, const char *property, const char *value, const char *problem,
                       const char *allowed);

/** Write @fault as one line without line end:
 *      vms.dtb: VM linux: /vms/vm0: vcpus = <9>: is out of range; allowed: 1..8
 *  What does not apply is left out. Always terminated, cut at @size. No fault gives "no fault".
 *  Returns the length of the whole line, NUL not counted: >= @size says that it was cut. @size 0 writes nothing. */
size_t ash_boot_fault_format(char *buffer, size_t size, const struct ash_boot_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
