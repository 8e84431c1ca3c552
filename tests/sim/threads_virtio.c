/* SPDX-License-Identifier: BSD-2-Clause */
#include "threads_virtio.h"

#include <string.h>

#include <libfdt.h>

#include "core/guest_memory.h"

#define DEVICES 4U
#define QUEUES  8U
#define SIZE    8U /* of each queue */
#define BUFFER  1024U
#define MAGIC   0x314b5344U /* docs/disk-server.md */

/* From the start of RAM: a device's rings, its buffers. */
#define RINGS_AT(device)   (0x1A0000U + 0x20000U * ((device)-1U))
#define BUFFERS_AT(device) (RINGS_AT(device) + 0x10000U)

/** Of one device; its VM's vCPU 0's alone. */
static struct driver {
    bool is_up;
    uint32_t type;
    uint32_t queues;
    uint16_t added[QUEUES], seen[QUEUES];
    uint32_t asked; /* messages that were answered by this server */
} drivers[HV_MAX_VMS][DEVICES];

static uint64_t blocks, served, packets, bytes_piped; /* atomic */

static void count(uint64_t *what, uint64_t by)
{
    (void)__atomic_fetch_add(what, by, __ATOMIC_RELAXED);
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static void node(void *tree, const char *name, const char *property, const char *value, int size)
{
    assert_int_equal(fdt_begin_node(tree, name), 0);
    assert_int_equal(fdt_property(tree, property, value, size), 0);
}

static void end(void *tree)
{
    assert_int_equal(fdt_end_node(tree), 0);
}

void threads_virtio_first(void *tree)
{
    node(tree, "virtio_console", "pipes", "wire\0disk", 10);
    end(tree);
    node(tree, "virtio_vsock", "cid", "\0\0\0\3", 4);
    end(tree);
}

void threads_virtio_second(void *tree)
{
    node(tree, "virtio_console", "pipes", "wire", 5);
    end(tree);
    node(tree, "virtio_vsock", "cid", "\0\0\0\4", 4);
    end(tree);
    node(tree, "virtio_blk", "image", "disk.img", 9);
    assert_int_equal(fdt_property(tree, "overlay", "", 0), 0);
    end(tree);
}

void threads_virtio_third(void *tree)
{
    node(tree, "virtio_blk", "served-by", "disk", 5);
    assert_int_equal(fdt_property(tree, "size", "\0\0\0\0\0\0\x80\0", 8), 0);
    assert_int_equal(fdt_property_u32(tree, "timeout-ms", 20), 0);
    end(tree);
}

/* ---- Registers and rings, VIRTIO 1.2, 2.7 and 4.2 ---------------------------------------------------------------- */

static uint64_t registers(uint32_t number)
{
    return UINT64_C(0x0A000000) + 0x200U * number;
}

/** One that is to run again is given up: the device's job goes on. */
static uint32_t access(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t ipa, bool is_write, uint32_t word)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    const struct hv_mmio_region *region = hv_machine_region(machine, ipa);
    uint64_t value = word;
    int error = hv_machine_access(cpu, vcpu, machine, region, ipa - region->base, 4, is_write, &value);

    assert_true(error == ASH_OK || error == ASH_EBUSY);
    return (uint32_t)value;
}

static unsigned char *ram(struct hv_vcpu *vcpu, uint64_t offset, uint64_t size)
{
    unsigned char *bytes =
        hv_guest_map(vcpu->vm, ash_ipa(vcpu->vm->machine.ram[0].base.value + offset), size);

    assert_non_null(bytes);
    return bytes;
}

static uint64_t ring_at(uint32_t number, uint32_t queue)
{
    return RINGS_AT(number) + 0x2000U * queue;
}

static uint16_t *ring_word(struct hv_vcpu *vcpu, uint32_t number, uint32_t queue, uint64_t offset)
{
    return (uint16_t *)(void *)ram(vcpu, ring_at(number, queue) + offset, 2);
}

static unsigned char *buffer(struct hv_vcpu *vcpu, uint32_t number, uint32_t queue, uint32_t slot)
{
    return ram(vcpu, BUFFERS_AT(number) + (SIZE * queue + slot) * BUFFER, BUFFER);
}

static void set_up_queue(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t number, uint32_t queue)
{
    const uint64_t at = vcpu->vm->machine.ram[0].base.value + ring_at(number, queue);
    const uint64_t device = registers(number);

    (void)access(cpu, vcpu, device + 0x030U, true, queue);
    (void)access(cpu, vcpu, device + 0x038U, true, SIZE);
    for (unsigned i = 0; i < 3U; i++) {
        (void)access(cpu, vcpu, device + 0x080U + 0x10U * i, true, (uint32_t)(at + 0x800U * i));
        (void)access(cpu, vcpu, device + 0x084U + 0x10U * i, true, (uint32_t)((at + 0x800U * i) >> 32));
    }
    memset(ram(vcpu, ring_at(number, queue), 0x2000), 0, 0x2000);
    (void)access(cpu, vcpu, device + 0x044U, true, 1);
}

static void put_descriptor(struct hv_vcpu *vcpu, uint32_t number, uint32_t queue, uint32_t index,
                           uint32_t offset, uint32_t size, bool is_writable, bool has_next)
{
    const uint64_t ipa = vcpu->vm->machine.ram[0].base.value + BUFFERS_AT(number) + offset;
    const uint16_t flags[2] = {(uint16_t)((is_writable ? 2U : 0U) | (has_next ? 1U : 0U)),
                               (uint16_t)(index + 1U)};
    unsigned char *descriptor = ram(vcpu, ring_at(number, queue) + 16U * index, 16);

    memcpy(descriptor, &ipa, 8);
    memcpy(descriptor + 8, &size, 4);
    memcpy(descriptor + 12, flags, 4);
}

static void make_available(struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, uint32_t queue,
                           uint16_t head)
{
    const uint16_t slot = drv->added[queue] % SIZE;

    __atomic_store_n(ring_word(vcpu, number, queue, 0x804U + 2U * slot), head, __ATOMIC_RELAXED);
    drv->added[queue]++;
    __atomic_store_n(ring_word(vcpu, number, queue, 0x802U), drv->added[queue], __ATOMIC_RELEASE);
}

/** The slot's buffer, which is the queue's next. */
static void offer(struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, uint32_t queue, uint32_t size,
                  bool is_writable)
{
    const uint16_t slot = drv->added[queue] % SIZE;

    put_descriptor(vcpu, number, queue, slot, (SIZE * queue + slot) * BUFFER, size, is_writable, false);
    make_available(vcpu, drv, number, queue, slot);
}

static void kick(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t number, uint32_t queue)
{
    (void)access(cpu, vcpu, registers(number) + 0x050U, true, queue);
}

/** Has the device used one more of @queue's? Then its slot in the used ring. */
static bool used(struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, uint32_t queue,
                 uint32_t element[2])
{
    const uint16_t at = __atomic_load_n(ring_word(vcpu, number, queue, 0x1002U), __ATOMIC_ACQUIRE);

    if (at == drv->seen[queue]) {
        return false;
    }
    memcpy(element, ram(vcpu, ring_at(number, queue) + 0x1004U + 8U * (drv->seen[queue] % SIZE), 8), 8);
    drv->seen[queue]++;
    return true;
}

static uint32_t reap(struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, uint32_t queue)
{
    uint32_t element[2], number_of = 0;

    while (used(vcpu, drv, number, queue, element)) {
        number_of++;
    }
    return number_of;
}

static bool is_idle(const struct driver *drv, uint32_t queue)
{
    return drv->added[queue] == drv->seen[queue];
}

static void fill_with_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number,
                              uint32_t queue)
{
    while ((uint16_t)(drv->added[queue] - drv->seen[queue]) < SIZE) {
        offer(vcpu, drv, number, queue, BUFFER, true);
    }
    kick(cpu, vcpu, number, queue);
}

/* ---- Disks ------------------------------------------------------------------------------------------------------- */

/** One request at a time: three descriptors, and the buffers of three slots. */
static void use_disk(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number,
                     struct test_rng *rng)
{
    const bool is_write = test_rng_below(rng, 2) != 0U;
    const uint32_t header[4] = {is_write ? 1U : 0U, 0, (uint32_t)test_rng_below(rng, 40), 0};
    const uint32_t done = reap(vcpu, drv, number, 0);

    count(vcpu->vm->config.virtio[number].pipe_count > 0U ? &served : &blocks, done);
    if (!is_idle(drv, 0)) {
        return;
    }
    memcpy(buffer(vcpu, number, 0, 0), header, sizeof(header));
    put_descriptor(vcpu, number, 0, 0, 0, 16, false, true);
    put_descriptor(vcpu, number, 0, 1, BUFFER, 512, !is_write, true);
    put_descriptor(vcpu, number, 0, 2, 2U * BUFFER, 1, true, false);
    make_available(vcpu, drv, number, 0, 0);
    kick(cpu, vcpu, number, 0);
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

/** A packet (VIRTIO 1.2, 5.10.6) of any kind to the other one or to hv. */
static void use_sockets(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number,
                        struct test_rng *rng)
{
    unsigned char *packet = buffer(vcpu, number, 1, drv->added[1] % SIZE);
    const uint64_t cids[2] = {vcpu->vm->config.virtio[number].cid, 2U + test_rng_below(rng, 4)};
    const uint32_t ports[2] = {1024U, 1U + (uint32_t)test_rng_below(rng, 2)};
    const uint32_t length = (uint32_t)test_rng_below(rng, 64);
    const uint16_t type_op[2] = {1, (uint16_t)(1U + test_rng_below(rng, 7))};

    count(&packets, reap(vcpu, drv, number, 0));
    fill_with_buffers(cpu, vcpu, drv, number, 0);
    (void)reap(vcpu, drv, number, 1);
    if (!is_idle(drv, 1)) {
        return;
    }
    memset(packet, 0, 44U + 64U);
    memcpy(packet, cids, 16);
    memcpy(packet + 16, ports, 8);
    memcpy(packet + 24, &length, 4);
    memcpy(packet + 28, type_op, 4);
    packet[37] = 16; /* buf_alloc */
    offer(vcpu, drv, number, 1, 44U + length, false);
    kick(cpu, vcpu, number, 1);
}

/* ---- Consoles ---------------------------------------------------------------------------------------------------- */

static void tell(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, uint32_t port,
                 uint16_t event, uint16_t value)
{
    const uint16_t message[4] = {(uint16_t)port, 0, event, value};

    (void)reap(vcpu, drv, number, 3);
    if ((uint16_t)(drv->added[3] - drv->seen[3]) < SIZE) {
        memcpy(buffer(vcpu, number, 3, drv->added[3] % SIZE), message, sizeof(message));
        offer(vcpu, drv, number, 3, sizeof(message), false);
        kick(cpu, vcpu, number, 3);
    }
}

/** A disk's request came in a buffer of its own: answer it. */
static void serve(struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, const unsigned char *request)
{
    const uint32_t out = drv->added[7] % SIZE;
    unsigned char *answer = buffer(vcpu, number, 7, out);
    const uint32_t magic = MAGIC;
    uint32_t type, size;

    memcpy(&type, request + 4, 4);
    memcpy(&size, request + 24, 4);
    size = type == 0U && size <= BUFFER - 32U ? size : 0U;
    (void)reap(vcpu, drv, number, 7);
    if ((uint16_t)(drv->added[7] - drv->seen[7]) == SIZE) {
        return;
    }
    memset(answer, 0, BUFFER);
    memcpy(answer, &magic, 4);
    memcpy(answer + 8, request + 8, 8);
    memcpy(answer + 24, &size, 4);
    offer(vcpu, drv, number, 7, 32U + size, false);
}

static void hear(struct hv_vcpu *vcpu, struct driver *drv, uint32_t number, uint32_t queue)
{
    const uint32_t magic = MAGIC;
    uint32_t element[2];

    while (used(vcpu, drv, number, queue, element)) {
        const unsigned char *bytes = buffer(vcpu, number, queue, element[0] % SIZE);

        count(&bytes_piped, element[1]);
        if (queue == 6U && element[1] >= 32U && memcmp(bytes, &magic, 4) == 0) {
            serve(vcpu, drv, number, bytes);
        }
    }
}

static void use_console(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number,
                        struct test_rng *rng)
{
    const uint32_t ports = drv->queues / 2U - 2U; /* behind the first */

    (void)reap(vcpu, drv, number, 2);
    fill_with_buffers(cpu, vcpu, drv, number, 2);
    for (uint32_t port = 1; port <= ports; port++) {
        const uint32_t in = 2U + 2U * port;

        hear(vcpu, drv, number, in);
        fill_with_buffers(cpu, vcpu, drv, number, in);
        (void)reap(vcpu, drv, number, in + 1U);
        if (port == 1U && is_idle(drv, in + 1U)) {
            offer(vcpu, drv, number, in + 1U, 1U + (uint32_t)test_rng_below(rng, BUFFER), false);
        }
        kick(cpu, vcpu, number, in + 1U);
        if (test_rng_below(rng, 16) == 0U) {
            tell(cpu, vcpu, drv, number, port, 6, (uint16_t)(test_rng_below(rng, 4) != 0U)); /* PORT_OPEN */
        }
    }
}

static void open_ports(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number)
{
    tell(cpu, vcpu, drv, number, 0, 0, 1); /* DEVICE_READY */
    for (uint32_t port = 1; port <= drv->queues / 2U - 2U; port++) {
        tell(cpu, vcpu, drv, number, port, 3, 1); /* PORT_READY, PORT_OPEN */
        tell(cpu, vcpu, drv, number, port, 6, 1);
    }
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static void bring_up(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct driver *drv, uint32_t number)
{
    const struct ash_boot_virtio *config = &vcpu->vm->config.virtio[number];
    const uint64_t device = registers(number);
    const bool is_console = config->kind == ASH_BOOT_VIRTIO_CONSOLE;

    *drv = (struct driver){.is_up = true};
    drv->queues = is_console ? 2U + 2U * config->ports : config->kind == ASH_BOOT_VIRTIO_VSOCK ? 3U : 1U;
    (void)access(cpu, vcpu, device + 0x070U, true, 0);
    (void)access(cpu, vcpu, device + 0x070U, true, 3);
    (void)access(cpu, vcpu, device + 0x024U, true, 0);
    (void)access(cpu, vcpu, device + 0x020U, true, is_console ? 2U : 0U); /* MULTIPORT */
    (void)access(cpu, vcpu, device + 0x024U, true, 1);
    (void)access(cpu, vcpu, device + 0x020U, true, 1); /* VERSION_1 */
    (void)access(cpu, vcpu, device + 0x070U, true, 11);
    for (uint32_t queue = 0; queue < drv->queues; queue++) {
        set_up_queue(cpu, vcpu, number, queue);
    }
    (void)access(cpu, vcpu, device + 0x070U, true, 15);
    if (is_console) {
        open_ports(cpu, vcpu, drv, number);
    }
}

void threads_virtio_begin(struct hv_vcpu *vcpu)
{
    memset(drivers[vcpu->vm->slot], 0, sizeof(drivers[0]));
}

void threads_virtio_use(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct test_rng *rng)
{
    const uint32_t others = vcpu->vm->config.virtio_count;
    enum ash_boot_virtio_kind kind;
    struct driver *drv;
    uint32_t number;

    if (vcpu->index != 0U || others < 2U) {
        return;
    }
    number = 1U + (uint32_t)test_rng_below(rng, others - 1U);
    kind = vcpu->vm->config.virtio[number].kind;
    drv = &drivers[vcpu->vm->slot][number];
    if (!drv->is_up || test_rng_below(rng, 300) == 0U) {
        bring_up(cpu, vcpu, drv, number);
    }
    if (kind == ASH_BOOT_VIRTIO_BLK) {
        use_disk(cpu, vcpu, drv, number, rng);
    } else if (kind == ASH_BOOT_VIRTIO_VSOCK) {
        use_sockets(cpu, vcpu, drv, number, rng);
    } else {
        use_console(cpu, vcpu, drv, number, rng);
    }
    (void)access(cpu, vcpu, registers(number) + 0x064U, true,
                 access(cpu, vcpu, registers(number) + 0x060U, false, 0));
}

static uint64_t now(const uint64_t *what)
{
    return __atomic_load_n(what, __ATOMIC_RELAXED);
}

bool threads_virtio_is_enough(void)
{
    return now(&blocks) > 0U && now(&served) > 0U && now(&packets) > 0U && now(&bytes_piped) > 0U;
}

void threads_virtio_print(void)
{
    print_message("%lu requests of a disk, %lu of one that is served, %lu packets, %lu bytes by pipes\n",
                  (unsigned long)blocks, (unsigned long)served, (unsigned long)packets,
                  (unsigned long)bytes_piped);
}
