/* SPDX-License-Identifier: BSD-2-Clause */
/* The command `pvhboot`: chooses the subcommand. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static const struct command *const commands[] = {
    &run_command, &inspect_command, &plan_command, &pack_command, &config_command,
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *stream) {
    fputs("usage: pvhboot COMMAND [ARGUMENTS]\n"
          "       pvhboot COMMAND --help\n\n"
          "Boots kernels through a virtual machine's PVH entry, and shows beforehand what would "
          "happen.\n\n",
          stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs(
        "\nExit codes: 0 done, 1 it would not boot (and why: an E number of pvhboot(7)), 2 wrong\n"
        "usage, 3 trouble with a file or a program. `pvhboot run` gives QEMU's.\n"
        "Manual pages: pvhboot(1), pvhboot(7).\n",
        stream);
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static bool asks_for_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Among a subcommand's words; behind "--" they are another program's. */
static bool wants_help(int count, char **words) {
    if (count && asks_for_help(*words))
        return true;
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0)
            return true;
    return false;
}

/* Gives the exit code. */
static int choose(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        const struct command *about = argc > 2 ? find_command(argv[2]) : NULL;
        if (about)
            fputs(about->help, stdout);
        else
            print_help(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("pvhboot " PVHBOOT_VERSION);
        return COMMAND_DONE;
    }
    const struct command *command = find_command(argv[1]);
    if (!command) {
        complain("there is no command \"%s\" (pvhboot --help lists them)", argv[1]);
        return COMMAND_USAGE;
    }
    if (wants_help(argc - 2, argv + 2)) {
        fputs(command->help, stdout);
        return COMMAND_DONE;
    }
    optind = 1;
    opterr = 0; /* the subcommands complain: complain_option */
    return command->run(argc - 1, argv + 1);
}

/* A file that is opened later must not get the number of a stream that is closed, and its text. */
static void open_streams(void) {
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
}

int main(int argc, char **argv) {
    open_streams();
    const int status = choose(argc, argv);
    /* What is lost here was written to nowhere: a disk is full, say. */
    if ((fflush(stdout) || ferror(stdout)) && status != COMMAND_TROUBLE) {
        complain("standard output: %s", strerror(errno));
        return COMMAND_TROUBLE;
    }
    return status;
}
