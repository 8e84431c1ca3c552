/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about the switches between VMs. A VM that exists is looked at under the VM list's lock: it is not destroyed
 * meanwhile. */
#include "core/command.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/life.h"
#include "glue/virtio_net.h"

/** The VM that the answer is at, with the VM list's lock held until hv_unlock(); NULL: it does not exist now. */
static struct hv_vm *lock_vm(struct hv *hv, uint32_t number)
{
    hv_lock(&hv->vms_lock);
    return number < hv->vms ? hv->vm[number] : NULL;
}

/** The next network device from where the call is, of one VM or of all: VM in at[0], device in at[1]. */
static bool next_port(struct hv_call *call, uint32_t *vm_number, struct hv_virtio_net_port *port)
{
    struct hv *hv = call->cpu->hv;
    bool is_one = false;

    if (call->at[0] == 0U && call->vm != UINT32_MAX) {
        call->at[0] = call->vm;
    }
    while (!is_one && call->at[0] < hv_life_count(hv) &&
           (call->vm == UINT32_MAX || call->at[0] == call->vm)) {
        struct hv_vm *vm = lock_vm(hv, call->at[0]);

        is_one = vm != NULL && hv_virtio_net_look(call->cpu, vm, call->at[1], port);
        hv_unlock(&hv->vms_lock);
        *vm_number = call->at[0];
        if (!is_one) {
            call->at[0]++;
            call->at[1] = 0;
        }
    }
    return is_one;
}

static void put_head(struct hv_record *record, struct hv *hv, uint32_t vm,
                     const struct hv_virtio_net_port *port)
{
    hv_record_text(record, "switch", 12, "%s", port->switch_name);
    hv_record_text(record, "vm", 12, "%s", hv_life_vm_name(hv, vm));
    hv_record_number(record, "device", 6, port->device);
}

static void put_mac(struct hv_record *record, const uint8_t *mac)
{
    hv_record_text(record, "mac", 17, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                   mac[5]);
}

/** Frames that were lost, sent by this port or for it. */
static uint64_t lost_of(const struct hv_virtio_net_port *port)
{
    uint64_t lost = port->malformed;

    for (uint32_t i = HV_VSWITCH_MALFORMED; i <= HV_VSWITCH_REFUSED; i++) {
        lost += port->counts[i];
    }
    return lost;
}

enum hv_command_step hv_command_switch_ports(struct hv_call *call, struct hv_record *record)
{
    struct hv_virtio_net_port port;
    uint32_t vm;

    if (!next_port(call, &vm, &port)) {
        return HV_STEP_END;
    }
    call->at[1] = port.device + 1U;
    put_head(record, call->cpu->hv, vm, &port);
    put_mac(record, port.mac);
    hv_record_number(record, "vlan", 4, port.vlan);
    hv_record_text(record, "link", 4, "%s", port.is_up ? "up" : "down");
    hv_record_bool(record, "driver", 6, port.has_driver);
    hv_record_number(record, "sent", 10, port.counts[HV_VSWITCH_IN]);
    hv_record_number(record, "received", 10, port.counts[HV_VSWITCH_OUT]);
    hv_record_number(record, "lost", 8, lost_of(&port));
    return HV_STEP_ROW;
}

/** Count @which of a port, behind the switch's own those of its device. False: there are no more. */
static bool count_of(const struct hv_virtio_net_port *port, uint32_t which, const char **name,
                     uint64_t *count)
{
    const struct {
        const char *name;
        uint64_t count;
    } more[] = {{"garbled", port->malformed},
                {"filtered", port->filtered},
                {"cut", port->cut},
                {"cut-short", port->cut_short}};

    if (which < HV_VSWITCH_COUNTS) {
        *name = hv_vswitch_count_name((enum hv_vswitch_count)which);
        *count = port->counts[which];
        return true;
    }
    if (which - HV_VSWITCH_COUNTS < ASH_ARRAY_SIZE(more)) {
        *name = more[which - HV_VSWITCH_COUNTS].name;
        *count = more[which - HV_VSWITCH_COUNTS].count;
        return true;
    }
    return false;
}

/** What is not zero. at[1]: the device, and behind it which count is next. */
enum hv_command_step hv_command_switch_counts(struct hv_call *call, struct hv_record *record)
{
    struct hv_virtio_net_port port;
    uint32_t vm;
    uint32_t next = call->at[1] % 256U;

    for (call->at[1] /= 256U; next_port(call, &vm, &port); call->at[1] = port.device + 1U, next = 0) {
        const char *name;
        uint64_t count;

        for (; count_of(&port, next, &name, &count); next++) {
            if (count > 0U) {
                put_head(record, call->cpu->hv, vm, &port);
                hv_record_text(record, "what", 14, "%s", name);
                hv_record_number(record, "count", 14, count);
                call->at[1] = port.device * 256U + next + 1U;
                return HV_STEP_ROW;
            }
        }
    }
    return HV_STEP_END;
}

static bool station_of(struct hv_call *call, uint32_t vm_number, uint32_t device, uint32_t index,
                       struct hv_vswitch_station *station)
{
    struct hv *hv = call->cpu->hv;
    struct hv_vm *vm = lock_vm(hv, vm_number);
    bool is_one = vm != NULL && hv_virtio_net_station(call->cpu, vm, device, index, station);

    hv_unlock(&hv->vms_lock);
    return is_one;
}

/** at[1]: the device, and behind it which address is next. */
enum hv_command_step hv_command_switch_addresses(struct hv_call *call, struct hv_record *record)
{
    struct hv_virtio_net_port port;
    struct hv_vswitch_station station;
    uint32_t vm;
    uint32_t next = call->at[1] % 256U;

    for (call->at[1] /= 256U; next_port(call, &vm, &port); call->at[1] = port.device + 1U, next = 0) {
        for (; next <= HV_VSWITCH_LEARNED; next++) {
            if (station_of(call, vm, port.device, next, &station)) {
                put_head(record, call->cpu->hv, vm, &port);
                put_mac(record, station.mac);
                hv_record_number(record, "vlan", 4, station.vlan);
                hv_record_bool(record, "own", 4, station.is_own);
                hv_record_number(record, "age_s", 6, station.age_ticks / hv_arch_ticks_per_second());
                call->at[1] = port.device * 256U + next + 1U;
                return HV_STEP_ROW;
            }
        }
    }
    return HV_STEP_END;
}

/** What is allowed where a device is none with a cable: those that are. */
static enum hv_command_step refuse_link(struct hv_call *call)
{
    struct hv *hv = call->cpu->hv;
    const char *name = hv_life_vm_name(hv, call->vm);
    struct hv_virtio_net_port port;
    struct hv_vm *vm = lock_vm(hv, call->vm);
    size_t length = 0;

    for (uint32_t next = 0; vm != NULL && hv_virtio_net_look(call->cpu, vm, next, &port);
         next = port.device + 1U) {
        length += hv_format(&call->allowed[length], sizeof(call->allowed) - length, "%s%u",
                            length > 0U ? " " : "", port.device);
    }
    hv_unlock(&hv->vms_lock);
    return length == 0U
               ? hv_call_fail(call, "a VM that exists and has a node virtio_net", "%s has no network device",
                              name)
               : hv_call_fail(call, NULL, "device %u of %s is no network device", call->device, name);
}

enum hv_command_step hv_command_switch_link(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    const bool is_up = call->command->detail != 0U;
    struct hv_vm *vm;
    uint32_t count;

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    vm = lock_vm(hv, call->vm);
    count = vm != NULL ? hv_virtio_net_set_link(call->cpu, vm, call->device, is_up) : 0U;
    hv_unlock(&hv->vms_lock);
    if (count == 0U) {
        return refuse_link(call);
    }
    hv_record_text(record, "name", 0, "%s", hv_life_vm_name(hv, call->vm));
    hv_record_number(record, "devices", 0, count);
    hv_record_text(record, "link", 0, "%s", is_up ? "up" : "down");
    return HV_STEP_ROW;
}
