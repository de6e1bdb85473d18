/* SPDX-License-Identifier: BSD-2-Clause */
/* The command `pvhboot`: what its subcommands share. */
#ifndef PVHBOOT_TOOLS_COMMAND_H
#define PVHBOOT_TOOLS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pvhboot/error.h"
#include "pvhboot/output.h"

/* Exit codes, of all subcommands but `run`, which passes QEMU's on: pvhboot(1). */
enum command_status {
    COMMAND_DONE = 0,
    COMMAND_DOES_NOT_BOOT = 1, /* the file is read, and pvhboot would refuse it: an E number */
    COMMAND_USAGE = 2,         /* the command line is wrong */
    COMMAND_TROUBLE = 3,       /* a file cannot be read or written, a program is missing */
};

struct command {
    const char *name;
    const char *summary; /* one line, for `pvhboot --help` */
    const char *help;    /* all of `pvhboot NAME --help` */
    /* argv[0] is the subcommand's name. getopt_long's state is reset before the call. */
    int (*run)(int argc, char **argv);
};

extern const struct command inspect_command;
extern const struct command plan_command;
extern const struct command pack_command;
extern const struct command run_command;
extern const struct command config_command;

/* One line on standard error, "pvhboot: ..."; a newline is added. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for wrong usage, with a hint at --help; gives COMMAND_USAGE. */
int complain_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what getopt_long gave of a word that it does not know, or that lacks its value. */
int complain_option(const struct command *command, int option, char **argv);

/* An error of the image, the same line as there, on standard error; gives COMMAND_DOES_NOT_BOOT. */
int complain_error(const struct error *error);

/* Output of the pure sources to a FILE *. */
struct output output_to_file(void *stdio_file);

/* A file in memory, read-only. */
struct file {
    const char *name; /* as on the command line */
    const uint8_t *bytes;
    size_t size;
    bool mapped;
    uint64_t device; /* which file it is, whatever it is called */
    uint64_t inode;
};

/* Maps a file ("-" is standard input). Complains and gives false when that cannot be done. */
bool file_open(const char *name, struct file *file);
void file_close(struct file *file);

/* Whether what has that name is one of the files, which are open. Not so of what is not there. */
bool file_is_one_of(const char *name, const struct file *files, size_t count);

/*
 * A file to be written: it gets its name when it is whole, by file_finish; until then, and when
 * that is not come to, a file that had the name before is as it was. Of a link it is what the link
 * leads to. Pipes and devices are written straight,
 * and so is standard output, which "-" names.
 */
struct file_writer {
    const char *name;
    char *target;    /* what `name` leads to */
    char *temporary; /* NULL for pipes and devices */
    int descriptor;
    bool unnamed; /* it has no name yet, and may get `temporary` */
    bool failed;  /* complained of once */
};

bool file_create(struct file_writer *writer, const char *name);
void file_write(struct file_writer *writer, const void *bytes, size_t size);
bool file_finish(struct file_writer *writer, bool keep);

/* KERNEL[,ARGUMENTS] as users write it. A comma in the file's name is written twice, as in QEMU. */
struct named_payload {
    char *path;
    const char *arguments; /* NULL when there is no comma; "" for nothing behind it */
};

/* `text` is changed in place. */
struct named_payload named_payload_parse(char *text);

/* Whether colours and progress are wanted on that stream: a terminal, and not NO_COLOR. */
bool stream_is_terminal(void *stdio_file);

/* The image that is built with this command, as hosts take it (ELF64). */
extern const uint8_t image_file[];
extern const uint8_t image_file_end[];

/* Likewise the front end for UEFI, pvhboot.efi; empty where that was left out of the build. */
extern const uint8_t efi_file[];
extern const uint8_t efi_file_end[];

#endif
