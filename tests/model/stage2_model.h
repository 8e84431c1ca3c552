/* SPDX-License-Identifier: BSD-2-Clause */
/** One stage-2 table of libstage2 beside its oracle, on the machine that watches. Each function does one call on
 *  both, compares result and effect, and fails the running cmocka test where they differ. */
#ifndef MODEL_STAGE2_MODEL_H
#define MODEL_STAGE2_MODEL_H

#include "stage2_machine.h"
#include "stage2_oracle.h"

/** What happened: operation and result, and what the tables went through. Each must happen in a run. */
#define MODEL_EVENTS(X)                                                                                      \
    X(INIT_OK, "init: ASH_OK")                                                                               \
    X(INIT_EINVAL, "init: ASH_EINVAL")                                                                       \
    X(INIT_ENOTSUP, "init: ASH_ENOTSUP")                                                                     \
    X(INIT_ENOMEM, "init: ASH_ENOMEM")                                                                       \
    X(DESTROY, "destroy")                                                                                    \
    X(MAP_OK, "map: ASH_OK")                                                                                 \
    X(MAP_EINVAL, "map: ASH_EINVAL")                                                                         \
    X(MAP_ERANGE, "map: ASH_ERANGE")                                                                         \
    X(MAP_EEXIST, "map: ASH_EEXIST")                                                                         \
    X(MAP_ENOMEM, "map: ASH_ENOMEM")                                                                         \
    X(UNMAP_OK, "unmap: ASH_OK")                                                                             \
    X(UNMAP_EINVAL, "unmap: ASH_EINVAL")                                                                     \
    X(UNMAP_ERANGE, "unmap: ASH_ERANGE")                                                                     \
    X(UNMAP_ENOMEM, "unmap: ASH_ENOMEM")                                                                     \
    X(PROTECT_OK, "protect: ASH_OK")                                                                         \
    X(PROTECT_EINVAL, "protect: ASH_EINVAL")                                                                 \
    X(PROTECT_ERANGE, "protect: ASH_ERANGE")                                                                 \
    X(PROTECT_ENOENT, "protect: ASH_ENOENT")                                                                 \
    X(PROTECT_ENOMEM, "protect: ASH_ENOMEM")                                                                 \
    X(LOOKUP_MAPPED, "lookup: ASH_OK, mapped")                                                               \
    X(LOOKUP_HOLE, "lookup: ASH_OK, a hole")                                                                 \
    X(LOOKUP_ERANGE, "lookup: ASH_ERANGE")                                                                   \
    X(VISIT_OK, "visit: ASH_OK")                                                                             \
    X(VISIT_STOPPED, "visit: stopped by the visitor")                                                        \
    X(VISIT_EINVAL, "visit: ASH_EINVAL")                                                                     \
    X(VISIT_ERANGE, "visit: ASH_ERANGE")                                                                     \
    X(FAULT_OK, "check_fault: ASH_OK")                                                                       \
    X(FAULT_ENOENT, "check_fault: ASH_ENOENT")                                                               \
    X(FAULT_EPERM, "check_fault: ASH_EPERM")                                                                 \
    X(FAULT_ERANGE, "check_fault: ASH_ERANGE")                                                               \
    X(SET_VMID, "set_vmid")                                                                                  \
    X(START_LEVEL_0, "start level 0")                                                                        \
    X(START_LEVEL_1, "start level 1")                                                                        \
    X(START_LEVEL_2, "start level 2")                                                                        \
    X(CONCATENATED, "concatenated root")                                                                     \
    X(ROOT_CROSSED, "range across two root tables")                                                          \
    X(OVERLAP_SAME, "map onto the identical mapping")                                                        \
    X(OVERLAP_PART, "map onto a part of the identical mapping")                                              \
    X(PAGES, "4 KiB pages mapped")                                                                           \
    X(BLOCKS_2M, "2 MiB blocks mapped")                                                                      \
    X(BLOCKS_1G, "1 GiB blocks mapped")                                                                      \
    X(SPLIT_2M, "2 MiB block split")                                                                         \
    X(SPLIT_1G, "1 GiB block split")                                                                         \
    X(COALESCED_2M, "pages coalesced to 2 MiB")                                                              \
    X(COALESCED_1G, "blocks coalesced to 1 GiB")                                                             \
    X(GROUP_64K, "contiguous group of pages made")                                                           \
    X(GROUP_32M, "contiguous group of 2 MiB blocks made")                                                    \
    X(GROUP_BROKEN, "contiguous group broken")                                                               \
    X(TABLES_FREED, "table freed by unmap")                                                                  \
    X(INVALIDATE_LEAF, "invalidation, leaf only")                                                            \
    X(INVALIDATE_TABLE, "invalidation with walk caches")                                                     \
    X(FULL_COMPARE, "whole space compared")

#define MODEL_ENUM(id, text) MODEL_##id,
enum model_event { MODEL_EVENTS(MODEL_ENUM) MODEL_EVENT_COUNT };
#undef MODEL_ENUM

struct model {
    const char *name;
    struct ash_stage2_config config;
    struct ash_stage2 s2;
    struct stage2_machine machine;
    struct oracle oracle;
    struct s2_regime regime;
    uint64_t *events; /* MODEL_EVENT_COUNT */
    uint64_t operations;
    uint16_t vmid;
    bool fail_allocations; /* repeat the next call with each of its allocations failing first */
    char what[160];        /* the running operation, for the report */
};

enum model_verb { MODEL_MAP, MODEL_UNMAP, MODEL_PROTECT };

struct model_change {
    enum model_verb verb;
    uint64_t ipa, pa, size;
    uint32_t attr;
};

/** ASH_OK, or what the contract says for model->config; then nothing is left behind. */
int model_init(struct model *model, uint16_t vmid);
void model_destroy(struct model *model);
/** Give back what model_init() took for itself, with or without its success. */
void model_fini(struct model *model);

int model_change(struct model *model, const struct model_change *change);
void model_lookup(struct model *model, uint64_t ipa);
/** The visitor stops at the mapping number @stop_at (from 1; 0: never). */
void model_visit(struct model *model, uint64_t ipa, uint64_t size, unsigned stop_at);
void model_fault(struct model *model, uint64_t ipa, uint32_t access);
void model_set_vmid(struct model *model, uint16_t vmid);

/** Compare the whole space, and the table pages in use with those that a walk reaches. */
void model_compare_all(struct model *model);

#endif
