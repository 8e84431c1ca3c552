/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's RAM as hv reaches it: bounds and owner are checked here and nowhere else. Mapped always so far; a build
 *  that maps on demand changes only this. */
#ifndef HV_CORE_GUEST_MEMORY_H
#define HV_CORE_GUEST_MEMORY_H

#include <stddef.h>

#include <libbase/compiler.h>
#include <libbase/types.h>

struct hv_vm;

/** Where hv reads and writes [ipa, ipa+size) of @vm's RAM; NULL: not all of it is RAM, or it does not lie in one piece
 *  of the machine's memory (a block of 2 MiB, aligned, always does). */
void *hv_guest_map(struct hv_vm *vm, ash_ipa_t ipa, uint64_t size) ASH_NODISCARD;

/** Where @ipa lies, and *@size: in, how many bytes one would like; out, how many lie together, 1 at least. NULL: it is
 *  not RAM. */
void *hv_guest_run(struct hv_vm *vm, ash_ipa_t ipa, uint64_t *size) ASH_NODISCARD;

/** All of @vm's RAM as one run of bytes, in ascending IPA: where byte @offset lies. *@size: in, how many one would
 *  like; out, how many lie together, 1 at least. NULL: @offset is behind the end. */
void *hv_guest_ram_at(struct hv_vm *vm, uint64_t offset, uint64_t *size) ASH_NODISCARD;

/** Copy into or out of @vm's RAM. ASH_OK, or ASH_ERANGE: not all of it is RAM, nothing was copied. */
int hv_guest_write(struct hv_vm *vm, ash_ipa_t ipa, const void *from, size_t size) ASH_NODISCARD;
int hv_guest_read(struct hv_vm *vm, ash_ipa_t ipa, void *to, size_t size) ASH_NODISCARD;

/** What hv wrote to [ipa, ipa+size) is there for a guest with its caches off, and to execute. ASH_OK or ASH_ERANGE. */
int hv_guest_publish(struct hv_vm *vm, ash_ipa_t ipa, size_t size) ASH_NODISCARD;

#endif
