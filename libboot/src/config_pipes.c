/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes: a name that two devices of two VMs say, a console of its ports, a disk of who serves it. */
#include <libbase/compiler.h>

#include "internal.h"

const char *ash_boot_pipe_name(const struct ash_boot_virtio *device, unsigned number)
{
    const char *name = device->pipes;

    while (number-- > 0U) {
        name += ash_boot_string_length_(name) + 1U;
    }
    return name;
}

const char *ash_boot_parse_pipes_(struct ash_boot_span value, unsigned most, struct ash_boot_virtio *device)
{
    const char *bytes = (const char *)value.data;

    if (value.size == 0U || bytes[value.size - 1U] != '\0') {
        return "is no string";
    }
    device->pipes = bytes;
    device->pipe_count = 0;
    for (size_t at = 0; at < value.size; at += ash_boot_string_length_(&bytes[at]) + 1U) {
        if (!ash_boot_is_name_(&bytes[at])) {
            return "has a name that is empty, too long or has other characters";
        }
        if (device->pipe_count == most) {
            return "has too many names";
        }
        device->pipe_count++;
    }
    return NULL;
}

static unsigned ends_called(const struct ash_boot_virtio *device, const char *name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < device->pipe_count; i++) {
        count += ash_boot_strings_equal_(ash_boot_pipe_name(device, i), name) ? 1U : 0U;
    }
    return count;
}

/** The ends of one pipe. */
struct ends {
    unsigned here;      /* of the VM in question */
    unsigned elsewhere; /* of others, and of those .. */
    unsigned earlier;   /* .. that stand before it and are not refused */
    unsigned disks;     /* of those and of this one */
};

static void count_ends(const struct ash_boot_config *config, size_t here, const char *name, struct ends *ends)
{
    for (size_t v = 0; v < config->count; v++) {
        const struct ash_boot_vm *vm = &config->vms[v];

        for (unsigned i = 0; i < vm->virtio_count; i++) {
            const unsigned count = ends_called(&vm->virtio[i], name);
            const bool is_earlier = v < here && vm->fault.code == ASH_OK;

            ends->here += v == here ? count : 0U;
            ends->elsewhere += v != here ? count : 0U;
            ends->earlier += is_earlier ? count : 0U;
            ends->disks +=
                (is_earlier || v == here) && vm->virtio[i].kind == ASH_BOOT_VIRTIO_BLK ? count : 0U;
        }
    }
}

/** NULL, or what is wrong with VM @here's end of the pipe. @is_whole: all VMs were read to their ends. */
static const char *judge(const struct ash_boot_config *config, size_t here, const char *name, bool is_whole)
{
    struct ends ends = {0, 0, 0, 0};

    count_ends(config, here, name, &ends);
    if (ends.here > 1U) {
        return "has two ends in one VM";
    }
    if (ends.elsewhere == 0U) {
        return is_whole ? "has no other end" : NULL;
    }
    if (ends.earlier > 1U) {
        return "has two ends already";
    }
    return ends.disks > 1U ? "is a disk's at both ends" : NULL;
}

static void check(struct ash_boot_config *config, size_t v, const struct ash_boot_virtio *device,
                  const char *name, bool is_whole)
{
    struct ash_boot_vm *vm = &config->vms[v];
    const char *problem = vm->fault.code == ASH_OK ? judge(config, v, name, is_whole) : NULL;
    char value[ASH_BOOT_VM_NAME_SIZE + 2U];
    struct ash_boot_text_ text;

    if (problem == NULL) {
        return;
    }
    ash_boot_text_begin_(&text, value, sizeof(value));
    ash_boot_text_char_(&text, '"');
    ash_boot_text_string_(&text, name);
    ash_boot_text_char_(&text, '"');
    (void)ash_boot_virtio_refuse(
        vm, device, ASH_ENOENT, device->kind == ASH_BOOT_VIRTIO_BLK ? "served-by" : "pipes", value, problem,
        "a name that two VMs have: one in its virtio_console's pipes, the other likewise or as served-by");
}

void ash_boot_pipes_connect_(struct ash_boot_config *config)
{
    bool is_whole = true;

    /* Behind the first mistake of a VM nothing of it is read: the other end may be there. */
    for (size_t v = 0; v < config->count; v++) {
        is_whole = is_whole && config->vms[v].fault.code == ASH_OK;
    }
    for (size_t v = 0; v < config->count; v++) {
        const struct ash_boot_vm *vm = &config->vms[v];

        for (unsigned i = 0; i < vm->virtio_count; i++) {
            for (unsigned n = 0; n < vm->virtio[i].pipe_count; n++) {
                check(config, v, &vm->virtio[i], ash_boot_pipe_name(&vm->virtio[i], n), is_whole);
            }
        }
    }
}
