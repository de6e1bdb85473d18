/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const char usage[] =
    "usage: vmm [--as firecracker|cloud-hypervisor|version0|unkind] [--memory MIB] [--seconds N]\n"
    "           [--initrd FILE] [--module FILE[,LINE]]... [--cmdline LINE] [--verbose]\n"
    "           [--load-only] KERNEL\n"
    "\n"
    "Starts KERNEL as the named host starts a PVH kernel, with one processor. The guest's serial\n"
    "port is stdout; stderr's last line and the status say how it ended: 0 power-off, 10 reset,\n"
    "11 halted, 12 shutdown (a triple fault), 13 error (KVM's own), 14 time, 2 refused.\n"
    "--load-only ends with 0 when everything is in memory, and needs no KVM.\n";

enum {
    MEBIBYTE_SHIFT = 20,
    LEAST_MEBIBYTES = 2,
    MOST_MEBIBYTES = 64 << 10, /* each 4 MiB are a mapping, and there may be 65,530 */
    MOST_SECONDS = 24 * 60 * 60,
};

enum option_code { AS = 1, MEMORY, SECONDS, INITRD, MODULE, CMDLINE, VERBOSE, LOAD_ONLY, HELP };

static const struct option known[] = {
    {"as", required_argument, NULL, AS},
    {"memory", required_argument, NULL, MEMORY},
    {"seconds", required_argument, NULL, SECONDS},
    {"initrd", required_argument, NULL, INITRD},
    {"module", required_argument, NULL, MODULE},
    {"cmdline", required_argument, NULL, CMDLINE},
    {"verbose", no_argument, NULL, VERBOSE},
    {"load-only", no_argument, NULL, LOAD_ONLY},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static unsigned long number(const char *name, const char *text, unsigned long least,
                            unsigned long most) {
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end || value < least || value > most)
        refuse("--%s takes a number from %lu to %lu, not \"%s\"", name, least, most, text);
    return value;
}

static void add_module(struct options *options, const char *path, const char *line) {
    size_t count = options->module_count + 1;
    struct module_option *modules = realloc(options->modules, count * sizeof *modules);
    if (!modules)
        refuse_errno("memory for modules");
    modules[options->module_count] = (struct module_option){path, line};
    options->modules = modules;
    options->module_count = count;
}

/* The order of the list is not that of the command line: module 0 is what boots. */
static void put_initrd_first(struct options *options, const char *initrd) {
    add_module(options, initrd, NULL);
    struct module_option *modules = options->modules;
    memmove(&modules[1], &modules[0], (options->module_count - 1) * sizeof *modules);
    modules[0] = (struct module_option){initrd, NULL};
}

static void add_module_option(struct options *options, char *text) {
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '\0';
    add_module(options, text, comma ? comma + 1 : NULL);
    options->has_lists = true;
}

static _Noreturn void help(void) {
    (void)fputs(usage, stdout);
    exit(EXIT_SUCCESS);
}

static void take(struct options *options, int code, const char **initrd) {
    switch ((enum option_code)code) {
    case AS:
        options->personality = optarg;
        break;
    case MEMORY:
        options->memory_size = number("memory", optarg, LEAST_MEBIBYTES, MOST_MEBIBYTES)
                               << MEBIBYTE_SHIFT;
        break;
    case SECONDS:
        options->seconds = (unsigned)number("seconds", optarg, 1, MOST_SECONDS);
        break;
    case INITRD:
        *initrd = optarg;
        break;
    case MODULE:
        add_module_option(options, optarg);
        break;
    case CMDLINE:
        options->command_line = optarg;
        break;
    case VERBOSE:
        options->verbose = true;
        break;
    case LOAD_ONLY:
        options->load_only = true;
        break;
    case HELP:
        help();
    default: /* getopt has said what is wrong */
        exit(STATUS_REFUSED);
    }
}

struct options options_read(int count, char **words) {
    struct options options = {
        .personality = "firecracker",
        .memory_size = UINT64_C(256) << MEBIBYTE_SHIFT,
        .seconds = 60,
    };
    const char *initrd = NULL;
    int code;
    while ((code = getopt_long(count, words, "", known, NULL)) != -1)
        take(&options, code, &initrd);
    if (count - optind != 1) {
        (void)fputs(usage, stderr);
        exit(STATUS_REFUSED);
    }
    options.kernel = words[optind];
    if (initrd)
        put_initrd_first(&options, initrd);
    return options;
}
