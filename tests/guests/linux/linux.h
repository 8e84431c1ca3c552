/* SPDX-License-Identifier: BSD-2-Clause */
/* Small static programs for Linux on AArch64 without a C library: system calls, words of the command line, a line of
 * output. Numbers: Linux, include/uapi/asm-generic/unistd.h. */
#ifndef ASHLAR_TESTS_GUESTS_LINUX_H
#define ASHLAR_TESTS_GUESTS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYS_IO_SETUP     0
#define SYS_IO_SUBMIT    2
#define SYS_IO_GETEVENTS 4
#define SYS_FALLOCATE    47
#define SYS_OPENAT       56
#define SYS_CLOSE        57
#define SYS_READ         63
#define SYS_WRITE        64
#define SYS_FDATASYNC    83
#define SYS_EXIT_GROUP   94
#define SYS_SOCKET       198
#define SYS_BIND         200
#define SYS_LISTEN       201
#define SYS_ACCEPT       202
#define SYS_CONNECT      203
#define SYS_SHUTDOWN     210
#define SYS_CLONE        220
#define SYS_MMAP         222
#define SYS_WAIT4        260

#define AT_FDCWD  (-100)
#define O_RDWR    02
#define O_DSYNC   010000
#define O_DIRECT  0200000 /* arm64's own value */
#define WORDS_MAX 8U

struct linux_words {
    unsigned count;
    const char *word[WORDS_MAX]; /* [0]: the program */
    char text[512];
};

int64_t linux_call(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
uint64_t linux_address(const volatile void *of);
/** The command line's words, from /proc. */
void linux_words(struct linux_words *words);
/** A decimal number; anything else ends the program. */
uint64_t linux_number(const char *word);
bool linux_equal(const char *a, const char *b);
/** `text` on standard output, a number behind it, an end of line. */
void linux_say(const char *text, uint64_t number);
_Noreturn void linux_exit(int code);
/** End the program with words, and what a system call returned, unless that is 0 or more. */
uint64_t linux_need(const char *what, int64_t result);

#endif
