/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM with several network devices, and the shell's commands that pull the cable of one of them. */
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "core/command.h"
#include "driver.h"

static struct sim sim;

static void fdt_ok(int result)
{
    assert_int_equal(result, 0);
}

static void text(void *tree, const char *name, const char *value)
{
    fdt_ok(fdt_property(tree, name, value, (int)strlen(value) + 1));
}

static void node(void *tree, const char *name, const char *property, const char *value)
{
    fdt_ok(fdt_begin_node(tree, name));
    text(tree, property, value);
    fdt_ok(fdt_end_node(tree));
}

/** Its devices 0 and 2 have a cable each. */
static void devices(void *tree)
{
    node(tree, "virtio_net@0", "switch", "lan");
    node(tree, "virtio_blk", "image", "disk.img");
    node(tree, "virtio_net@1", "switch", "dmz");
}

static void disk_alone(void *tree)
{
    node(tree, "virtio_blk", "image", "disk.img");
}

static void switches(void *tree)
{
    fdt_ok(fdt_begin_node(tree, "switches"));
    fdt_ok(fdt_begin_node(tree, "lan"));
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_begin_node(tree, "dmz"));
    fdt_ok(fdt_end_node(tree));
    fdt_ok(fdt_end_node(tree));
}

static const struct sim_vm vms[] = {
    {.name = "two", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = devices},
    {.name = "none", .vcpus = 1, .memory = 2U * SIM_MIB, .background = true, .nodes = disk_alone},
};

/** What the shell answers: in text, or why not. */
static const char *answer(struct hv_cpu *cpu, const char *line)
{
    static struct hv_call call;
    static struct hv_record record;
    static char said[64U * 1024U];
    size_t size = 0;

    said[0] = '\0';
    if (!hv_call_begin(&call, cpu, line)) {
        (void)snprintf(said, sizeof(said), "%s; allowed: %s", call.problem, call.allowed);
        return said;
    }
    do {
        size += strlen(said + size);
        assert_true(size + HV_RECORD_MOST <= sizeof(said));
    } while (hv_call_step(&call, &record, said + size));
    return said;
}

static void expect(struct hv_cpu *cpu, const char *line, const char *part)
{
    const char *said = answer(cpu, line);

    if (strstr(said, part) == NULL) {
        fail_msg("\"%s\" answers \"%s\", in which there is no \"%s\"", line, said, part);
    }
}

/** Bit 0 of the status: the link is up (5.1.4.2). A change is one of the configuration (4.2.2.1). */
static void assert_links(struct hv_cpu *cpu, struct hv_vcpu *vcpu, bool first, bool second)
{
    assert_int_equal(sim_device(cpu, vcpu, sim_virtio(0) + 0x104U, false, 0) >> 16U & 1U, first);
    assert_int_equal(sim_device(cpu, vcpu, sim_virtio(2) + 0x104U, false, 0) >> 16U & 1U, second);
}

static enum hv_verdict pull(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    if (!sim_is(vcpu, "two")) {
        return HV_RESUME;
    }
    sim_driver_begin(cpu, vcpu, sim_virtio(0), UINT64_C(1) << 16U); /* VIRTIO_NET_F_STATUS */
    sim_driver_begin(cpu, vcpu, sim_virtio(2), UINT64_C(1) << 16U);
    assert_links(cpu, vcpu, true, true);
    expect(cpu, "switch link-down two 2", "devices               1\r\nlink                  down");
    assert_links(cpu, vcpu, true, false);
    expect(cpu, "switch ports two", "lan           two                0  52:54:00:a5:00:00     0  up");
    expect(cpu, "switch ports two", "dmz           two                2  52:54:00:a5:00:02     0  down");
    expect(cpu, "switch link-down two 0", "devices               1");
    expect(cpu, "switch link-up 1 2", "link                  up");
    assert_links(cpu, vcpu, false, true);
    expect(cpu, "switch link-up two", "devices               2");
    assert_links(cpu, vcpu, true, true);
    expect(cpu, "switch link-down two --json", "\"devices\": 2, \"link\": \"down\"");
    assert_links(cpu, vcpu, false, false);
    /* What is wrong changes nothing. */
    expect(cpu, "switch link-up two 1", "device 1 of two is no network device; allowed: 0 2");
    expect(cpu, "switch link-up two 8", "device 8 of two is no network device; allowed: 0 2");
    expect(cpu, "switch link-up two 65536", "65536 is no device; allowed: its number, as \"switch ports\"");
    expect(cpu, "switch link-up two eth0", "eth0 is no device; allowed: its number");
    expect(cpu, "switch link-up two 2 2", "2 is too much; allowed: --json");
    expect(cpu, "switch link-up none 0",
           "none has no network device; allowed: a VM that exists and has a node");
    expect(cpu, "switch link-up", "which VM?; allowed: two none");
    expect(cpu, "help switch link-up", "switch link-up VM [DEVICE]");
    assert_links(cpu, vcpu, false, false);
    return sim_off(cpu, vcpu);
}

static void the_cable_of_one_device_of_several_is_pulled_and_plugged_in(void **state)
{
    (void)state;
    sim_beside_vms(switches);
    sim_board(&sim, 1, vms, 2);
    sim_run(&sim, pull, 1);
    sim_assert_exit(&sim, "ok", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cable_of_one_device_of_several_is_pulled_and_plugged_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
