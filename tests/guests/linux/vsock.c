/* SPDX-License-Identifier: BSD-2-Clause */
/* vsock CID PORT: standard input to a stream and the stream to standard output, both at once, until both have ended.
 * vsock listen PORT: gives back what comes in, a process a connection. Linux, vsock(7). */
#include "linux.h"

#define AF_VSOCK     40
#define SOCK_STREAM  1
#define CID_ANY      0xffffffffU
#define SHUT_WR      1
#define SIGCHLD      17
#define BUFFER_BYTES 65536U

struct vsock_address {
    uint16_t family;
    uint16_t reserved;
    uint32_t port;
    uint32_t cid;
    uint32_t zero;
};

void _start(void);

static uint8_t sent[BUFFER_BYTES];
static uint8_t received[BUFFER_BYTES];

static void write_all(uint64_t file, const uint8_t *data, uint64_t size)
{
    for (uint64_t at = 0; at < size;) {
        at += linux_need("vsock: cannot write: ",
                         linux_call(SYS_WRITE, file, linux_address(&data[at]), size - at, 0, 0));
    }
}

/* False at the end. */
static bool copy(uint64_t from, uint64_t to, uint8_t *buffer)
{
    uint64_t size = linux_need("vsock: cannot read: ",
                               linux_call(SYS_READ, from, linux_address(buffer), BUFFER_BYTES, 0, 0));

    write_all(to, buffer, size);
    return size != 0U;
}

/* Two processes: each direction at its own pace, so neither waits for the other's end to read. */
static int talk(uint64_t stream)
{
    uint64_t child = linux_need("vsock: no process: ", linux_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0));
    int status = 0;

    if (child == 0U) {
        while (copy(0, stream, sent)) {
        }
        (void)linux_need("vsock: cannot end the stream: ",
                         linux_call(SYS_SHUTDOWN, stream, SHUT_WR, 0, 0, 0));
        linux_exit(0);
    }
    while (copy(stream, 1, received)) {
    }
    (void)linux_call(SYS_WAIT4, child, linux_address(&status), 0, 0, 0);
    return status == 0 ? 0 : 1;
}

static uint64_t open_socket(void)
{
    return linux_need("vsock: no socket: ", linux_call(SYS_SOCKET, AF_VSOCK, SOCK_STREAM, 0, 0, 0));
}

_Noreturn static void serve(uint32_t port)
{
    const struct vsock_address here = {.family = AF_VSOCK, .port = port, .cid = CID_ANY};
    uint64_t listener = open_socket();

    (void)linux_need("vsock: cannot bind: ",
                     linux_call(SYS_BIND, listener, linux_address(&here), sizeof(here), 0, 0));
    (void)linux_need("vsock: cannot listen: ", linux_call(SYS_LISTEN, listener, 8, 0, 0, 0));
    linux_say("vsock: listening at port ", port);
    for (;;) {
        uint64_t stream = linux_need("vsock: cannot accept: ", linux_call(SYS_ACCEPT, listener, 0, 0, 0, 0));

        if (linux_need("vsock: no process: ", linux_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0)) == 0U) {
            while (copy(stream, stream, sent)) {
            }
            linux_exit(0);
        }
        (void)linux_call(SYS_CLOSE, stream, 0, 0, 0, 0);
    }
}

void _start(void)
{
    static struct linux_words words;
    struct vsock_address there = {.family = AF_VSOCK};
    uint64_t stream;

    linux_words(&words);
    if (words.count != 3U) {
        linux_exit(2);
    }
    there.port = (uint32_t)linux_number(words.word[2]);
    if (linux_equal(words.word[1], "listen")) {
        serve(there.port);
    }
    there.cid = (uint32_t)linux_number(words.word[1]);
    stream = open_socket();
    (void)linux_need("vsock: no connection: ",
                     linux_call(SYS_CONNECT, stream, linux_address(&there), sizeof(there), 0, 0));
    linux_exit(talk(stream));
}
