/* SPDX-License-Identifier: BSD-2-Clause */
/* channels INTERFACE [N]: let its driver use N queue pairs (`ethtool -L INTERFACE combined N`); how many it uses. */
#include "linux.h"

#define SYS_IOCTL   29
#define AF_INET     2
#define SOCK_DGRAM  2
#define SIOCETHTOOL 0x8946

/* Linux, include/uapi/linux/ethtool.h */
#define GET_CHANNELS 0x3cU
#define SET_CHANNELS 0x3dU

struct channels {
    uint32_t command;
    uint32_t max_rx, max_tx, max_other, max_combined;
    uint32_t rx, tx, other, combined;
};

struct interface {
    char name[16];
    void *data;
    uint64_t rest;
};

void _start(void);

static uint64_t the_socket;
static struct interface interface;
static struct channels channels = {.command = GET_CHANNELS};

static void ask(void *what)
{
    interface.data = what;
    (void)linux_need("channels: the driver says ",
                     linux_call(SYS_IOCTL, the_socket, SIOCETHTOOL, linux_address(&interface), 0, 0));
}

void _start(void)
{
    static struct linux_words words;

    linux_words(&words);
    if (words.count != 2U && words.count != 3U) {
        linux_exit(2);
    }
    for (unsigned i = 0; i < sizeof(interface.name) - 1U && words.word[1][i] != '\0'; i++) {
        interface.name[i] = words.word[1][i];
    }
    the_socket = linux_need("channels: no socket: ", linux_call(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0));
    ask(&channels);
    if (words.count == 3U) {
        channels.command = SET_CHANNELS;
        channels.combined = (uint32_t)linux_number(words.word[2]);
        ask(&channels);
    }
    linux_say("channels: ", channels.combined);
    linux_exit(0);
}
