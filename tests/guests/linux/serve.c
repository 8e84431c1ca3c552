/* SPDX-License-Identifier: BSD-2-Clause */
/* serve PORT FILE: answers what a disk with served-by asks at PORT, a port of a virtio console, out of FILE
 * (docs/disk-server.md). Ends when the other end does. What it has answered outlives it, and its kernel: O_DSYNC. */
#include "linux.h"

#define SYS_PREAD64  67
#define SYS_PWRITE64 68

#define MAGIC  0x314b5344U /* "DSK1" */
#define SECTOR 512U
#define MOST   65536U

enum { READ = 0, WRITE = 1, FLUSH = 2 };

struct head {
    uint32_t magic;
    uint32_t type; /* of an answer: 0, or it failed */
    uint64_t token;
    uint64_t sector;
    uint32_t size;
    uint32_t zero;
};

void _start(void);

static struct message {
    struct head head;
    uint8_t data[MOST];
} message;

/* False: the other end has closed. */
static bool read_all(uint64_t port, void *to, uint64_t size)
{
    for (uint64_t at = 0; at < size;) {
        uint64_t got = linux_need("serve: cannot read: ",
                                  linux_call(SYS_READ, port, linux_address(to) + at, size - at, 0, 0));

        if (got == 0U) {
            return false;
        }
        at += got;
    }
    return true;
}

static void write_all(uint64_t port, const void *from, uint64_t size)
{
    for (uint64_t at = 0; at < size;) {
        at += linux_need("serve: cannot write: ",
                         linux_call(SYS_WRITE, port, linux_address(from) + at, size - at, 0, 0));
    }
}

/* All of the range, or not at all. */
static bool do_it(uint64_t file, const struct head *head)
{
    if (head->type == FLUSH) {
        return linux_call(SYS_FDATASYNC, file, 0, 0, 0, 0) == 0;
    }
    return linux_call(head->type == WRITE ? SYS_PWRITE64 : SYS_PREAD64, file, linux_address(message.data),
                      head->size, head->sector * SECTOR, 0) == (int64_t)head->size;
}

static bool serve_one(uint64_t port, uint64_t file)
{
    struct head *head = &message.head;
    bool has_data;

    if (!read_all(port, head, sizeof(*head))) {
        return false;
    }
    if (head->magic != MAGIC || head->type > FLUSH || head->size > MOST) {
        linux_say("serve: not what a disk asks: ", head->type);
        linux_exit(1);
    }
    if (head->type == WRITE && !read_all(port, message.data, head->size)) {
        return false;
    }
    has_data = head->type == READ;
    head->type = do_it(file, head) ? 0U : 1U;
    head->size = has_data && head->type == 0U ? head->size : 0U;
    head->sector = 0;
    write_all(port, &message, sizeof(*head) + head->size);
    return true;
}

void _start(void)
{
    static struct linux_words words;
    uint64_t port, file, count = 0;

    linux_words(&words);
    if (words.count != 3U) {
        linux_exit(2);
    }
    port = linux_need("serve: no such port: ",
                      linux_call(SYS_OPENAT, (uint64_t)AT_FDCWD, linux_address(words.word[1]), O_RDWR, 0, 0));
    file =
        linux_need("serve: no such file: ", linux_call(SYS_OPENAT, (uint64_t)AT_FDCWD,
                                                       linux_address(words.word[2]), O_RDWR | O_DSYNC, 0, 0));
    while (serve_one(port, file)) {
        count++;
    }
    linux_say("serve: the other end has closed; answers: ", count);
    linux_exit(0);
}
