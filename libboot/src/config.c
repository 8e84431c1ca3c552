/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/mem.h>

#include <libboot/config.h>

#include "internal.h"

#define DEPTH_VMS 1U /* /vms */
#define DEPTH_VM  2U /* /vms/vm0 */
#define DEPTH_IN  3U /* /vms/vm0/virtio_blk, /vms/switches/lan */

/** Where the pass stands. */
struct pass {
    struct ash_boot_config *config;
    struct ash_boot_vm_reader_ reader; /* vm is NULL outside a VM's node, and in one that is left out */
    bool in_vms;
    bool in_console; /* /vms/console */
    bool in_switches;
    struct ash_boot_switch *at_switch; /* whose node is open; NULL: none, or one that is left out */
    bool switches_seen;
    bool vms_seen;
    bool console_seen;
};

static const char config_file[] = "vms.dtb";
static const char console_path[] = "/vms/console";
static const char switches_path[] = "/vms/switches";

static const char *file_of(const struct ash_boot_config *config)
{
    return config->file != NULL ? config->file : config_file;
}

/** "/vms/" + the node's name. */
static void node_path(const char *node, char *path, size_t size)
{
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, path, size);
    ash_boot_text_literal_(&text, "/vms/");
    ash_boot_text_string_(&text, node);
}

int ash_boot_vm_refuse(struct ash_boot_vm *vm, int code, const char *property, const char *value,
                       const char *problem, const char *allowed)
{
    char path[ASH_BOOT_FAULT_NODE_SIZE];

    node_path(vm->node, path, sizeof(path));
    return ash_boot_fault_set(&vm->fault, code, vm->file != NULL ? vm->file : config_file, vm->name, path,
                              property, value, problem, allowed);
}

/** A mistake that belongs to no VM. The first one is kept. */
static void refuse(struct pass *pass, int code, const char *node, const char *property, const char *problem,
                   const char *allowed)
{
    if (pass->config->fault.code == ASH_OK) {
        (void)ash_boot_fault_set(&pass->config->fault, code, file_of(pass->config), NULL, node, property,
                                 NULL, problem, allowed);
    }
}

static void begin_vm(struct pass *pass, const char *name)
{
    struct ash_boot_config *config = pass->config;
    struct ash_boot_vm *vm;

    if (config->count == config->capacity) {
        char path[ASH_BOOT_FAULT_NODE_SIZE];

        node_path(name, path, sizeof(path));
        refuse(pass, ASH_ENOSPC, path, NULL, "is one VM too many and was left out", "fewer VMs");
        return;
    }
    vm = &config->vms[config->count++];
    memset(vm, 0, sizeof(*vm));
    vm->type = ASH_BOOT_VM_LINUX;
    vm->vcpus = 1;
    vm->priority = ASH_BOOT_PRIORITY;
    vm->on_reset = ASH_BOOT_VM_RESTART;
    vm->restart_limit = ASH_BOOT_RESTARTS;
    vm->restart_seconds = ASH_BOOT_RESTART_SECONDS;
    vm->shutdown_timeout_ms = ASH_BOOT_SHUTDOWN_TIMEOUT;
    vm->time_slice_us = ASH_BOOT_TIME_SLICE;
    vm->console_buffer = ASH_BOOT_CONSOLE_BUFFER;
    vm->file = config->file;
    ash_boot_copy_text_(vm->node, sizeof(vm->node), name);
    pass->reader.vm = vm;
    pass->reader.node_name = name;
    pass->reader.seen = 0;
    memset(pass->reader.value, 0, sizeof(pass->reader.value));
}

/** The first of @vm's ranges that overlaps one of @other's. */
static void check_memory(struct ash_boot_vm *vm, const struct ash_boot_vm *other)
{
    for (unsigned i = 0; i < vm->memory_count && vm->fault.code == ASH_OK; i++) {
        if (ash_boot_vm_memory_meets_(other, &vm->memory[i])) {
            char value[ASH_BOOT_FAULT_VALUE_SIZE];
            struct ash_boot_text_ text;

            ash_boot_text_begin_(&text, value, sizeof(value));
            ash_boot_text_number_(&text, vm->memory[i].size);
            ash_boot_text_literal_(&text, " bytes at ");
            ash_boot_text_number_(&text, vm->memory[i].base);
            ash_boot_text_literal_(&text, "; VM ");
            ash_boot_text_literal_(&text, other->name);
            (void)ash_boot_vm_refuse(vm, ASH_EEXIST, "memory", value, "overlaps another VM's memory",
                                     "memory of its own for each VM");
        }
    }
}

/** Of two VMs with one vmid, one name or common memory the later one is wrong. */
static void check_duplicates(struct pass *pass)
{
    struct ash_boot_vm *vm = pass->reader.vm;

    for (struct ash_boot_vm *other = pass->config->vms; other != vm && vm->fault.code == ASH_OK; other++) {
        if (ash_boot_strings_equal_(other->name, vm->name)) {
            (void)ash_boot_vm_refuse(vm, ASH_EEXIST, "vm_name", vm->name, "is another VM's already",
                                     "each VM its own");
        } else if (other->vmid == vm->vmid && other->fault.code == ASH_OK) {
            char value[ASH_BOOT_FAULT_VALUE_SIZE];
            struct ash_boot_text_ text;

            ash_boot_text_begin_(&text, value, sizeof(value));
            ash_boot_text_char_(&text, '<');
            ash_boot_text_number_(&text, vm->vmid);
            ash_boot_text_char_(&text, '>');
            (void)ash_boot_vm_refuse(vm, ASH_EEXIST, "vmid", value, "is another VM's already",
                                     "0..63, each VM its own");
        } else if (other->manager && vm->manager && other->fault.code == ASH_OK) {
            (void)ash_boot_vm_refuse(vm, ASH_EEXIST, "manager", NULL, "another VM is the manager already",
                                     "one VM");
        } else if (other->fault.code == ASH_OK) {
            check_memory(vm, other);
            ash_boot_virtio_compare_(vm, other);
        }
    }
}

static void end_vm(struct pass *pass)
{
    struct ash_boot_vm *vm = pass->reader.vm;

    if (vm == NULL) {
        return;
    }
    ash_boot_vm_finish_(&pass->reader, pass->config->cpus);
    ash_boot_virtio_finish_(vm);
    check_duplicates(pass);
    /* vm_name may have come after the mistake. */
    ash_boot_copy_text_(vm->fault.vm, sizeof(vm->fault.vm), vm->fault.code == ASH_OK ? NULL : vm->name);
    pass->reader.vm = NULL;
}

static void begin_switch(struct pass *pass, const char *name)
{
    struct ash_boot_config *config = pass->config;
    struct ash_boot_switch *fresh = &config->switches[config->switch_count];

    pass->at_switch = NULL;
    if (config->switch_count == ASH_BOOT_SWITCHES_MAX) {
        refuse(pass, ASH_ENOSPC, switches_path, name, "is one switch too many", "8 switches");
        return;
    }
    if (ash_boot_string_length_(name) >= ASH_BOOT_SWITCH_NAME_SIZE) {
        refuse(pass, ASH_EFORMAT, switches_path, name, "has too long a name", "31 characters");
        return;
    }
    for (unsigned i = 0; i < config->switch_count; i++) {
        if (ash_boot_strings_equal_(config->switches[i].name, name)) {
            refuse(pass, ASH_EEXIST, switches_path, name, "is there twice", "each switch its own name");
            return;
        }
    }
    *fresh = (struct ash_boot_switch){.ageing_seconds = ASH_BOOT_AGEING, .floods = ASH_BOOT_FLOODS};
    ash_boot_copy_text_(fresh->name, sizeof(fresh->name), name);
    config->switch_count++;
    pass->at_switch = fresh;
}

/** A node inside one that is a child of /vms. */
static void begin_inside(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    struct ash_boot_vm *vm = pass->reader.vm;

    if (pass->in_console) {
        refuse(pass, ASH_EFORMAT, console_path, fdt->name, "is an unknown sub-node", "properties only");
    } else if (pass->in_switches && fdt->depth == DEPTH_IN) {
        begin_switch(pass, fdt->name);
    } else if (pass->in_switches) {
        refuse(pass, ASH_EFORMAT, switches_path, fdt->name, "is an unknown sub-node", "properties only");
    } else if (vm != NULL && fdt->depth == DEPTH_IN) {
        ash_boot_virtio_begin_(&pass->reader, fdt->name);
    } else if (vm != NULL && vm->fault.code == ASH_OK) {
        (void)ash_boot_vm_refuse(vm, ASH_EFORMAT, fdt->name, NULL, "is an unknown sub-node",
                                 "properties only");
    }
}

static void begin_switches(struct pass *pass)
{
    pass->in_switches = true;
    if (pass->switches_seen) {
        refuse(pass, ASH_EEXIST, switches_path, NULL, "is there twice", "one node");
    }
    pass->switches_seen = true;
}

static void begin(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    if (fdt->depth == DEPTH_VMS && ash_boot_strings_equal_(fdt->name, "vms")) {
        pass->in_vms = !pass->vms_seen;
        if (pass->vms_seen) {
            refuse(pass, ASH_EEXIST, "/vms", NULL, "is there twice; the second was left out", "one node");
        }
        pass->vms_seen = true;
    } else if (pass->in_vms && fdt->depth == DEPTH_VM && ash_boot_strings_equal_(fdt->name, "console")) {
        pass->in_console = true;
        if (pass->console_seen) {
            refuse(pass, ASH_EEXIST, console_path, NULL, "is there twice", "one node");
        }
        pass->console_seen = true;
    } else if (pass->in_vms && fdt->depth == DEPTH_VM && ash_boot_strings_equal_(fdt->name, "switches")) {
        begin_switches(pass);
    } else if (pass->in_vms && fdt->depth == DEPTH_VM) {
        begin_vm(pass, fdt->name);
    } else if (pass->in_vms && fdt->depth > DEPTH_VM) {
        begin_inside(pass, fdt);
    }
}

/** A wrong one leaves what was: the console must be there to say so. */
static void console_property(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    uint8_t before = pass->config->lead_in;
    const char *allowed;
    const char *problem = ash_boot_console_property_(pass->config, fdt->name, fdt->value, &allowed);

    if (problem != NULL) {
        pass->config->lead_in = before;
        refuse(pass, ASH_EFORMAT, console_path, fdt->name, problem, allowed);
    }
}

/** Of /vms itself. */
static void vms_property(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    if (!ash_boot_strings_equal_(fdt->name, "boot-time")) {
        refuse(pass, ASH_EFORMAT, "/vms", fdt->name, "is an unknown property",
               "boot-time; one sub-node a VM");
    } else if (fdt->value.size != 4U && fdt->value.size != 8U) {
        refuse(pass, ASH_EFORMAT, "/vms", fdt->name, "is not a number of the right width",
               "seconds since 1970, UTC, in one or two cells");
    } else {
        pass->config->boot_time =
            ash_boot_fdt_cells_((const uint8_t *)fdt->value.data, (unsigned)(fdt->value.size / 4U));
    }
}

/** A wrong one changes nothing about the switch: it is there, for its VMs to be judged by. */
static void switch_property(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    struct ash_boot_switch before;
    const char *allowed;
    const char *problem;

    if (fdt->depth == DEPTH_VM) {
        problem = "is an unknown property";
        allowed = "one sub-node a switch";
    } else if (pass->at_switch == NULL || fdt->depth != DEPTH_IN) {
        return;
    } else {
        before = *pass->at_switch;
        problem = ash_boot_switch_property_(pass->at_switch, fdt->name, fdt->value, &allowed);
        *pass->at_switch = problem != NULL ? before : *pass->at_switch;
    }
    if (problem != NULL) {
        refuse(pass, ASH_EFORMAT, switches_path, fdt->name, problem, allowed);
    }
}

static void property(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    if (!pass->in_vms) {
        return;
    }
    if (pass->in_switches) {
        switch_property(pass, fdt);
    } else if (fdt->depth == DEPTH_IN && pass->reader.vm != NULL) {
        ash_boot_virtio_property_(&pass->reader, fdt->name, fdt->value);
    } else if (fdt->depth == DEPTH_VM && pass->in_console) {
        console_property(pass, fdt);
    } else if (fdt->depth == DEPTH_VM && pass->reader.vm != NULL) {
        ash_boot_vm_property_(&pass->reader, fdt->name, fdt->value);
    } else if (fdt->depth == DEPTH_VMS && !ash_boot_strings_equal_(fdt->name, "#address-cells") &&
               !ash_boot_strings_equal_(fdt->name, "#size-cells") &&
               !ash_boot_strings_equal_(fdt->name, "phandle")) {
        vms_property(pass, fdt);
    }
}

static void end(struct pass *pass, const struct ash_boot_fdt_ *fdt)
{
    if (pass->in_vms && fdt->depth == DEPTH_VM) {
        pass->in_console = false;
        pass->in_switches = false;
        end_vm(pass);
    } else if (pass->in_vms && fdt->depth == DEPTH_IN) {
        pass->at_switch = NULL;
        if (pass->reader.vm != NULL) {
            ash_boot_virtio_end_(&pass->reader);
        }
    } else if (fdt->depth == DEPTH_VMS) {
        pass->in_vms = false;
    }
}

/** Returns ASH_OK, or the error that the reader stopped with. */
static int walk(struct pass *pass, struct ash_boot_fdt_ *fdt)
{
    for (;;) {
        int event = ash_boot_fdt_next_(fdt, &pass->config->fault);

        if (event == ASH_BOOT_FDT_BEGIN_) {
            begin(pass, fdt);
        } else if (event == ASH_BOOT_FDT_PROPERTY_) {
            property(pass, fdt);
        } else if (event == ASH_BOOT_FDT_END_) {
            end(pass, fdt);
        } else {
            return event == ASH_BOOT_FDT_DONE_ ? ASH_OK : event;
        }
    }
}

int ash_boot_config_parse(struct ash_boot_config *config, const void *data, size_t size)
{
    struct pass pass = {.config = config};
    struct ash_boot_fdt_ fdt;
    int result;

    config->count = 0;
    config->switch_count = 0;
    config->boot_time = 0;
    config->lead_in = ASH_BOOT_LEAD_IN;
    ash_boot_fault_clear(&config->fault);
    result = ash_boot_fdt_open_(&fdt, data, size, &config->fault);
    if (result == ASH_OK) {
        result = walk(&pass, &fdt);
    }
    if (result == ASH_OK && pass.vms_seen && config->count == 0U) {
        refuse(&pass, ASH_ENOENT, "/vms", NULL, "holds no VM", "one sub-node a VM");
    }
    if (result == ASH_OK && !pass.vms_seen) {
        refuse(&pass, ASH_ENOENT, "/vms", NULL, "is missing", "a node /vms with one sub-node a VM");
        result = ASH_ENOENT;
    }
    if (result == ASH_OK) {
        ash_boot_virtio_connect_(config);
        ash_boot_pipes_connect_(config);
    } else {
        config->count = 0;
        config->fault.file = file_of(config);
    }
    return result;
}
