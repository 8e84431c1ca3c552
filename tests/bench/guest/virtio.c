/* SPDX-License-Identifier: BSD-2-Clause */
/* Measures what a request to a virtio device costs, as guest/main.c does: one line an event, of all requests of a round
 * together, with how many there were: `bench: <event> <median> <least> <most>`, `bench: requests <event> <n>`. The
 * driver is that of Linux in what it asks for: indirect descriptors, event index, an interrupt that is acknowledged in
 * the device's registers. Frames go to a second VM, `bench=echo` in its bootargs, which sends each back from the buffer
 * that it came in: a round has twice as many packets as it sends. `bench=flood`: requests to a disk and notifications
 * as fast as they go, for ever. */
#include "common/virtio.h"

#include "common/guest.h"
#include "figures.h"

#define ROUNDS 5U
#define DEPTH  32U
#define BLOCK  4096U

/* A network device's queues, and the header before each frame (VIRTIO 1.2, 5.1.2, 5.1.6). */
#define RECEIVE  0U
#define TRANSMIT 1U
#define HEADER   12U
#define NET_MAC  (UINT64_C(1) << 5)
#define NET_MRG  (UINT64_C(1) << 15)
#define BUFFER   2048U
#define BUFFERS  64U
#define MEETING  1000000U /* ticks */

#define BLK_IN  0U
#define BLK_OUT 1U

struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

static struct virtio_queue queue; /* a disk's, or to transmit */
static struct virtio_queue receive;
static struct header headers[DEPTH];
static uint8_t blocks[DEPTH][BLOCK] __attribute__((aligned(4096)));
static volatile uint8_t status[DEPTH];
static uint64_t device;
static volatile uint64_t interrupts;
static uint64_t samples[ROUNDS];
static bool gicv3;

void guest_interrupt(uint32_t intid)
{
    if (intid == virtio_intid(device)) {
        virtio_write(device, VIRTIO_ACK, virtio_read(device, VIRTIO_ISR));
        interrupts = interrupts + 1U;
    }
}

/* Without a look at what GIC this is: ID registers trap. */
void guest_irq(void)
{
    uint32_t intid = gicv3 ? (uint32_t)guest_sysreg_read(S3_0_C12_C12_0) : guest_read32(GUEST_GICC + 0x0cU);

    if (intid < 1020U) {
        guest_interrupt(intid);
        if (gicv3) {
            guest_sysreg_write(S3_0_C12_C12_1, intid);
        } else {
            guest_write32(GUEST_GICC + 0x10U, intid);
        }
    }
}

static void report(const char *event, unsigned requests)
{
    bench_report(event, samples, ROUNDS);
    guest_print("bench: requests ");
    guest_print(event);
    guest_print(" ");
    guest_print_number(requests);
    guest_print("\n");
}

/* ---- A disk ------------------------------------------------------------------------------------------------------ */

static bool open_disk(void)
{
    uint64_t features;

    device = virtio_find(VIRTIO_BLK, 0);
    if (device == 0U || !virtio_open(device, VIRTIO_F_INDIRECT | VIRTIO_F_EVENT, &features) ||
        !virtio_queue_open(&queue, device, 0, 0, features)) {
        return false;
    }
    virtio_start(device);
    return true;
}

static void add(unsigned n, uint32_t type)
{
    const struct virtio_piece pieces[] = {
        {&headers[n], sizeof(headers[n]), false}, {blocks[n], BLOCK, type == BLK_IN}, {&status[n], 1, true}};
    uint16_t id;

    headers[n] = (struct header){type, 0, 8U * n};
    (void)virtio_add(&queue, pieces, 3, &id);
}

static unsigned take_all(unsigned most)
{
    unsigned count = 0;
    uint32_t written;
    uint16_t id;

    while (count < most && virtio_take(&queue, &id, &written)) {
        count++;
    }
    return count;
}

/* From the first descriptor to the last answer, asleep in between. */
static inline __attribute__((always_inline)) void transfer(uint32_t type, unsigned depth)
{
    unsigned done = 0;

    for (unsigned n = 0; n < depth; n++) {
        add(n, type);
    }
    (void)virtio_kick(&queue);
    for (;;) {
        __asm__ volatile("msr daifclr, #2\n\tisb\n\tmsr daifset, #2" : : : "memory");
        done += take_all(depth - done);
        if (done == depth) {
            break;
        }
        __asm__ volatile("wfi" : : : "memory");
    }
}

/* ---- A network --------------------------------------------------------------------------------------------------- */

static uint8_t buffers[BUFFERS][BUFFER] __attribute__((aligned(64)));
static uint8_t frame[HEADER + 1514U] __attribute__((aligned(64)));
static uint16_t buffer_of[VIRTIO_RING]; /* by what names its chain in the queue to receive */
static uint16_t sent[VIRTIO_RING];      /* the same of the queue to transmit */

static void offer(uint16_t buffer)
{
    const struct virtio_piece piece = {buffers[buffer], BUFFER, true};
    uint16_t id;

    if (virtio_add(&receive, &piece, 1, &id)) {
        buffer_of[id] = buffer;
    }
}

static void send(const volatile void *bytes, uint32_t size, uint16_t buffer)
{
    const struct virtio_piece piece = {bytes, size, false};
    uint16_t id;

    if (virtio_add(&queue, &piece, 1, &id)) {
        sent[id] = buffer;
    }
}

/* Whose address is 52:54:00:00:00:01 talks to 02, and the other way round. */
static void address_frame(void)
{
    for (unsigned n = 0; n < 6U; n++) {
        uint8_t byte = *(volatile uint8_t *)(uintptr_t)(device + VIRTIO_CONFIG + n);

        frame[HEADER + n] = n == 5U ? byte ^ 3U : byte;
        frame[HEADER + 6U + n] = byte;
    }
    frame[HEADER + 12U] = 0x88; /* an Ethertype for experiments */
    frame[HEADER + 13U] = 0xb5;
}

static bool open_net(void)
{
    uint64_t features;

    device = virtio_find(VIRTIO_NET, 0);
    if (device == 0U ||
        !virtio_open(device, VIRTIO_F_INDIRECT | VIRTIO_F_EVENT | NET_MAC | NET_MRG, &features) ||
        !virtio_queue_open(&receive, device, RECEIVE, 0, features) ||
        !virtio_queue_open(&queue, device, TRANSMIT, 0, features)) {
        return false;
    }
    virtio_interrupts(&queue, false);
    for (uint16_t n = 0; n < receive.size && n < BUFFERS; n++) {
        offer(n);
    }
    virtio_start(device);
    (void)virtio_kick(&receive);
    address_frame();
    return true;
}

static void listen(void)
{
    if (gicv3) { /* QEMU's interrupts begin in Group 0 */
        guest_write32(GUEST_GICD + 0x80U + 4U * (virtio_intid(device) / 32U), UINT32_MAX);
    }
    guest_gic_enable(virtio_intid(device));
}

static void take_interrupts(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb\n\tmsr daifset, #2" : : : "memory");
}

/* Frames out, and as many back; buffers are offered again, what was sent is taken back. */
static inline __attribute__((always_inline)) void exchange(uint32_t size, unsigned depth)
{
    unsigned back = 0;
    uint32_t written;
    uint16_t id;

    for (unsigned n = 0; n < depth; n++) {
        send(frame, HEADER + size, 0);
    }
    (void)virtio_kick(&queue);
    for (;;) {
        take_interrupts();
        while (virtio_take(&receive, &id, &written)) {
            offer(buffer_of[id]);
            back++;
        }
        (void)virtio_kick(&receive);
        if (back >= depth) {
            break;
        }
        __asm__ volatile("wfi" : : : "memory");
    }
    (void)take_all(depth);
}

static unsigned receive_for(uint64_t ticks)
{
    uint64_t start = guest_sysreg_read(cntvct_el0);
    unsigned count = 0;
    uint32_t written;
    uint16_t id;

    while (guest_sysreg_read(cntvct_el0) - start < ticks) {
        take_interrupts();
        while (virtio_take(&receive, &id, &written)) {
            offer(buffer_of[id]);
            count++;
        }
        __asm__ volatile("yield" : : : "memory");
    }
    (void)virtio_kick(&receive);
    (void)take_all(VIRTIO_RING);
    return count;
}

/* Until the other one is there. Where the two are is learnt by that. False: nobody is there. */
static bool meet(void)
{
    for (unsigned n = 0; n < 100U; n++) {
        send(frame, HEADER + 64U, 0);
        (void)virtio_kick(&queue);
        if (receive_for(MEETING) > 0U) {
            (void)receive_for(MEETING);
            return true;
        }
    }
    return false;
}

static _Noreturn void echo(void)
{
    const bool up = open_net();

    listen();
    guest_print(up ? "bench: echo\n" : "bench: no network\n");
    while (up) {
        uint32_t written;
        uint16_t id;

        __asm__ volatile("wfi" : : : "memory");
        take_interrupts();
        while (virtio_take(&receive, &id, &written)) {
            uint8_t *bytes = buffers[buffer_of[id]];

            for (unsigned n = 0; n < 6U; n++) {
                uint8_t byte = bytes[HEADER + n];

                bytes[HEADER + n] = bytes[HEADER + 6U + n];
                bytes[HEADER + 6U + n] = byte;
            }
            bytes[10] = bytes[11] = 0; /* num_buffers */
            send(bytes, written, buffer_of[id]);
        }
        (void)virtio_kick(&queue);
        while (virtio_take(&queue, &id, &written)) {
            offer(sent[id]);
        }
        (void)virtio_kick(&receive);
    }
    guest_off();
}

/* ---- What is measured -------------------------------------------------------------------------------------------- */

/* With one copy there is one of each label. Clang makes no more of them. */
#ifdef __clang__
#define ONCE __attribute__((noinline))
#else
#define ONCE __attribute__((noinline, noclone))
#endif

/* The labels by which tests/bench/trace.py finds the two ends. */
#define MEASURED(event, what)                                                                                \
    static ONCE uint64_t event(void)                                                                         \
    {                                                                                                        \
        uint64_t from;                                                                                       \
        uint64_t to;                                                                                         \
                                                                                                             \
        __asm__ volatile(".globl bench_" #event "_from\nbench_" #event "_from:\n\tmrs %0, cntvct_el0"        \
                         : "=r"(from)                                                                        \
                         :                                                                                   \
                         : "memory");                                                                        \
        what;                                                                                                \
        __asm__ volatile(".globl bench_" #event "_to\nbench_" #event "_to:\n\tmrs %0, cntvct_el0"            \
                         : "=r"(to)                                                                          \
                         :                                                                                   \
                         : "memory");                                                                        \
        return to - from - 1U;                                                                               \
    }

MEASURED(blk_read_1, transfer(BLK_IN, 1U))
MEASURED(blk_write_1, transfer(BLK_OUT, 1U))
MEASURED(blk_read_32, transfer(BLK_IN, DEPTH))
MEASURED(blk_write_32, transfer(BLK_OUT, DEPTH))
MEASURED(net_64_1, exchange(64, 1U))
MEASURED(net_1500_1, exchange(1514, 1U))
MEASURED(net_64_32, exchange(64, DEPTH))
MEASURED(net_1500_32, exchange(1514, DEPTH))

static void run(const char *event, uint64_t (*measured)(void), unsigned requests)
{
    uint8_t wrong = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned n = 0; n < DEPTH; n++) {
            status[n] = 0;
        }
        samples[i] = measured();
        for (unsigned n = 0; n < DEPTH; n++) {
            wrong |= status[n];
        }
    }
    if (wrong == 0U) {
        report(event, requests);
    }
}

static void measure_disk(void)
{
    if (!open_disk()) {
        return;
    }
    listen();
    run("blk_read_1", blk_read_1, 1);
    run("blk_write_1", blk_write_1, 1);
    run("blk_read_32", blk_read_32, DEPTH);
    run("blk_write_32", blk_write_32, DEPTH);
    virtio_reset(device);
}

static void measure_net(void)
{
    if (!open_net()) {
        return;
    }
    listen();
    if (!meet()) {
        return;
    }
    run("net_64_1", net_64_1, 2);
    run("net_1500_1", net_1500_1, 2);
    run("net_64_32", net_64_32, 2U * DEPTH);
    run("net_1500_32", net_1500_32, 2U * DEPTH);
}

/* ---- A flood ----------------------------------------------------------------------------------------------------- */

static _Noreturn void flood(void)
{
    if (!open_disk()) {
        guest_print("bench: no disk\n");
        guest_off();
    }
    guest_print("bench: flood\n");
    for (unsigned n = 0;; n++) {
        while (queue.free_count > 0U) {
            add(n % DEPTH, n % 2U == 0U ? BLK_IN : BLK_OUT);
        }
        for (unsigned more = 0; more < 8U; more++) {
            virtio_notify(&queue);
        }
        (void)take_all(VIRTIO_RING);
    }
}

void guest_main(uint64_t device_tree)
{
    guest_gic_init();
    gicv3 = guest_gic_version() == 3U;
    if (bench_is_told(device_tree, "bench=flood")) {
        flood();
    }
    if (bench_is_told(device_tree, "bench=echo")) {
        echo();
    }
    measure_disk();
    measure_net();
    guest_print("bench: done\n");
}
