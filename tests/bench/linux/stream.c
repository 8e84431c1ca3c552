/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's /init for two Linux guests on one switch: what a TCP stream from one to the other costs. The last
 * byte of its network address says which of them this is: 1 sends and measures by CNTVCT, 2 receives. Alone in its
 * initramfs but for the drivers' modules; no C library. */
#include "linux.h"

#define SYS_IOCTL        29
#define SYS_NANOSLEEP    101
#define SYS_REBOOT       142
#define SYS_FINIT_MODULE 273

#define POWER_OFF      0x4321fedc
#define AF_INET        2
#define SOCK_STREAM    1
#define SIOCGIFFLAGS   0x8913
#define SIOCSIFFLAGS   0x8914
#define SIOCSIFADDR    0x8916
#define SIOCSIFNETMASK 0x891c
#define SIOCGIFHWADDR  0x8927
#define IFF_UP         1U
#define SENDER         1U
#define RECEIVER       2U
#define PORT           2000U
#define PIECE          65536U
#define WARM_UP        (UINT64_C(256) * PIECE) /* until the windows are open and the caches of pages are filled */
/* Which bytes the kernel puts into which frame it decides anew for each stream, and stays by it: the mean of many. */
#define STREAMS 16U
#define PIECES  8U    /* of each */
#define SHIFT   4219U /* bytes, more before each */

/* Linux, include/uapi/linux/in.h, if.h */
struct address {
    uint16_t family;
    uint8_t port[2];
    uint8_t ip[4];
    uint8_t zero[8];
};

struct interface {
    char name[16];
    union {
        struct address address;
        struct {
            uint16_t family;
            uint8_t byte[14];
        } hardware;
        uint16_t flags;
        uint8_t bytes[24];
    } is;
};

void _start(void);

static uint8_t piece[PIECE];

static inline uint64_t ticks(void)
{
    uint64_t now;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(now) : : "memory");
    return now;
}

static void load(const char *path)
{
    uint64_t file =
        linux_need(path, linux_call(SYS_OPENAT, (uint64_t)AT_FDCWD, linux_address(path), 0, 0, 0));

    (void)linux_need(path, linux_call(SYS_FINIT_MODULE, file, linux_address(""), 0, 0, 0));
}

static struct address host(uint8_t number, unsigned port)
{
    return (struct address){
        .family = AF_INET, .port = {(uint8_t)(port >> 8), (uint8_t)port}, .ip = {10, 0, 0, number}};
}

static uint64_t new_socket(void)
{
    return linux_need("socket: ", linux_call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0));
}

static void control(uint64_t socket, uint64_t request, struct interface *interface)
{
    (void)linux_need("ioctl: ", linux_call(SYS_IOCTL, socket, request, linux_address(interface), 0, 0));
}

/** Which of the two this is. */
static uint8_t bring_up(void)
{
    struct interface eth0 = {.name = "eth0"};
    const uint64_t socket = new_socket();
    uint8_t self;

    control(socket, SIOCGIFHWADDR, &eth0);
    self = eth0.is.hardware.byte[5];
    eth0.is.address = host(self, 0);
    control(socket, SIOCSIFADDR, &eth0);
    eth0.is.address = (struct address){.family = AF_INET, .ip = {255, 255, 255, 0}};
    control(socket, SIOCSIFNETMASK, &eth0);
    control(socket, SIOCGIFFLAGS, &eth0);
    eth0.is.flags |= IFF_UP;
    control(socket, SIOCSIFFLAGS, &eth0);
    return self;
}

/* ---- The two ends ------------------------------------------------------------------------------------------------ */

static void take(uint64_t socket, uint64_t left)
{
    while (left > 0U) {
        const uint64_t got = linux_need(
            "read: ", linux_call(SYS_READ, socket, linux_address(piece), left < PIECE ? left : PIECE, 0, 0));

        if (got == 0U) {
            linux_exit(1);
        }
        left -= got;
    }
    (void)linux_need("write: ", linux_call(SYS_WRITE, socket, linux_address(piece), 1, 0, 0));
}

static void receive(void)
{
    const struct address at = host(RECEIVER, PORT);
    const uint64_t door = new_socket();
    uint64_t socket;

    (void)linux_need("bind: ", linux_call(SYS_BIND, door, linux_address(&at), sizeof(at), 0, 0));
    (void)linux_need("listen: ", linux_call(SYS_LISTEN, door, 1, 0, 0, 0));
    socket = linux_need("accept: ", linux_call(SYS_ACCEPT, door, 0, 0, 0, 0));
    take(socket, WARM_UP);
    for (unsigned i = 0; i < STREAMS; i++) {
        take(socket, (uint64_t)i * SHIFT);
        take(socket, (uint64_t)PIECES * PIECE);
    }
}

/** Until the other end has them all. */
static void give(uint64_t socket, uint64_t left)
{
    while (left > 0U) {
        left -= linux_need("write: ", linux_call(SYS_WRITE, socket, linux_address(piece),
                                                 left < PIECE ? left : PIECE, 0, 0));
    }
    (void)linux_need("read: ", linux_call(SYS_READ, socket, linux_address(piece), 1, 0, 0));
}

/** Its two ends are what tests/bench/trace.py looks for. */
__attribute__((noinline)) static uint64_t measure(uint64_t socket)
{
    uint64_t from;

    __asm__ volatile(".globl bench_net_stream_from\nbench_net_stream_from: nop" : : : "memory");
    from = ticks();
    give(socket, (uint64_t)PIECES * PIECE);
    from = ticks() - from - 1U;
    __asm__ volatile(".globl bench_net_stream_to\nbench_net_stream_to: nop" : : : "memory");
    return from;
}

static void transmit(void)
{
    const struct address to = host(RECEIVER, PORT);
    const uint64_t pause[2] = {0, 10000000};
    uint64_t socket = new_socket();
    uint64_t sum = 0;

    while (linux_call(SYS_CONNECT, socket, linux_address(&to), sizeof(to), 0, 0) < 0) {
        (void)linux_call(SYS_CLOSE, socket, 0, 0, 0, 0);
        (void)linux_call(SYS_NANOSLEEP, linux_address(pause), 0, 0, 0, 0);
        socket = new_socket();
    }
    give(socket, WARM_UP);
    for (unsigned i = 0; i < STREAMS; i++) {
        give(socket, (uint64_t)i * SHIFT);
        sum += measure(socket);
    }
    linux_say("bench: instructions of streams: ", sum);
    linux_say("bench: their pieces of 64 KiB: ", (uint64_t)STREAMS * PIECES);
    linux_say("bench: done ", 0);
}

void _start(void)
{
    load("/lib/virtio_mmio.ko");
    load("/lib/failover.ko");
    load("/lib/net_failover.ko");
    load("/lib/virtio_net.ko");
    if (bring_up() == SENDER) {
        transmit();
    } else {
        receive();
    }
    (void)linux_call(SYS_REBOOT, 0xfee1dead, 672274793, POWER_OFF, 0, 0);
    linux_exit(0);
}
