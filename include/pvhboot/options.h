/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: the words that are ours, and what is left for the payload.
 *
 * Words are separated by spaces, tabs and ends of lines; double quotes keep them in a word, an
 * unclosed one runs to the end. Words that begin with "pvhboot." are ours. docs/pvhboot.7 describes
 * each.
 */
#ifndef PVHBOOT_OPTIONS_H
#define PVHBOOT_OPTIONS_H

#include "pvhboot/digest.h"
#include "pvhboot/error.h"
#include "pvhboot/memory.h"

enum panic_policy {
    PANIC_HALT,
    PANIC_RESET,
    PANIC_POWEROFF,
    PANIC_EXIT, /* isa-debug-exit */
};

/* Bits of options.consoles. */
#define CONSOLE_COM1 (1u << 0)
#define CONSOLE_E9 (1u << 1)
#define CONSOLE_VGA (1u << 2)
#define CONSOLE_XEN (1u << 3)
#define CONSOLE_ALL (CONSOLE_COM1 | CONSOLE_E9 | CONSOLE_VGA | CONSOLE_XEN)

/* QEMU's isa-debug-exit has no address of its own; this is the one test runners use. */
#define OPTIONS_EXIT_PORT 0xf4u

enum memmap_source {
    MEMMAP_AUTO,
    MEMMAP_START_INFO,
    MEMMAP_HYPERCALL,
};

enum protocol {
    PROTOCOL_AUTO, /* what the payload is, the first of those it is */
    PROTOCOL_LINUX,
    PROTOCOL_MULTIBOOT1,
    PROTOCOL_MULTIBOOT2,
    PROTOCOL_PVH,
};

enum argv0 {
    ARGV0_AUTO, /* as the bundle says, else as is usual for the protocol */
    ARGV0_NONE,
    ARGV0_WORD,
};

struct options {
    enum panic_policy panic;
    uint16_t exit_port;
    unsigned consoles;
    enum memmap_source memmap;
    bool verbose;
    bool entry_64;
    enum protocol protocol;
    struct span config; /* a bundle's configuration, .size 0: its default; in the line */
    enum argv0 argv0;
    struct span argv0_word; /* ARGV0_WORD; in the line */
    bool verify_all;        /* nothing boots that has no digest */
    bool allow_sha1;
    bool has_sha256; /* of module 0 */
    uint8_t sha256[DIGEST_SHA256_SIZE];
    size_t first; /* offset in the line of the first word that is ours, SIZE_MAX without any */
};

/* What holds when no word says otherwise. */
struct options options_default(void);

/*
 * Reads our words of `line`, which has to stay, into `options`. On an error (UNKNOWN_OPTION,
 * OPTION_VALUE: the first one met) the other words have still been read, so that the panic policy
 * holds for that error too.
 */
bool options_parse(struct span line, struct options *options, struct error *error);

/*
 * Copies `line` without our words, each taken out with one adjacent space; the rest byte for byte.
 * The first of them is at `first`, an options.first. `payload` has room for line.size bytes. Gives
 * the number of bytes written.
 */
size_t options_strip(struct span line, size_t first, uint8_t *payload);

/* The line from behind the words of ours that it begins with. */
struct span options_skip_ours(struct span line);

/* Whether there is nothing on the line but words of ours. */
bool options_are_all(struct span line);

/*
 * The next word from *at on that begins so; *at is then behind it. False, *at at the line's end,
 * when there is none.
 */
bool options_find(struct span line, size_t *at, const char *beginning, struct span *word);

/* Whether one of the line's words begins so. */
bool options_has_word(struct span line, const char *beginning);

#endif
