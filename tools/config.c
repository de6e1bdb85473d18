/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot config`: what to paste into a host's configuration, as docs/hosts.md shows it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel.h"
#include "command.h"
#include "image_path.h"
#include "kernel_line.h"
#include "memory_size.h"
#include "payloads.h"
#include "pvhboot/memory.h"
#include "quoting.h"
#include "words.h"

struct config_options {
    const struct config_host *host;
    const char *memory;
    const char *cpus;
    const char *append;
    const char *name;
    bool help;
    char **payloads;
    size_t payload_count;
};

/* What a configuration says. All paths are absolute. */
struct configuration {
    const char *name;
    uint64_t memory_mib;
    const char *cpus;
    const char *image;
    const char *module;  /* what the host gives pvhboot as module 0 */
    const char *ramdisk; /* module 1; NULL: none */
    const char *policy;  /* words for pvhboot itself */
    const char *line;    /* the kernel's */
    const char *making;  /* the command that makes `module`; NULL: it is there */
};

struct config_host {
    const char *name;
    const char *console; /* what a Linux is heard by */
    const char *policy;  /* what ends the machine when it does not boot: docs/hosts.md */
    const char *reboot;  /* how a Linux has to restart for the machine to end; NULL: as it likes */
    size_t modules;      /* that the host gives, the kernel included */
    size_t line_limit;   /* characters */
    bool (*takes)(const char *text);
    void (*print)(const struct configuration *configuration);
};

/* --- Each host's ------------------------------------------------------------------------------ */

static bool takes_all(const char *text) {
    (void)text;
    return true;
}

static void print_line(const char *before, void (*quote)(void *stream, const char *text),
                       const char *text, const char *behind) {
    fputs(before, stdout);
    quote(stdout, text);
    fputs(behind, stdout);
}

/* Host's line: what is for pvhboot stands in front. */
static char *whole_line(const struct configuration *configuration) {
    return kernel_line_join((const char *const[]){configuration->policy, configuration->line}, 2);
}

static void print_xl(const struct configuration *configuration) {
    if (configuration->making)
        printf("# First: %s\n", configuration->making);
    fputs(
        "# As a file for: xl create -c FILE. What Xen starts is pvshim_path: it boots the kernel.\n"
        "type = \"pvh\"\n",
        stdout);
    print_line("name = ", quote_xl, configuration->name, "\n");
    printf("memory = %llu\nvcpus = %s\npvshim = 1\n", (unsigned long long)configuration->memory_mib,
           configuration->cpus);
    print_line("pvshim_path = ", quote_xl, configuration->image, "\n");
    print_line("pvshim_cmdline = ", quote_xl, configuration->policy, "\n");
    print_line("kernel = ", quote_xl, configuration->module, "\n");
    if (configuration->ramdisk)
        print_line("ramdisk = ", quote_xl, configuration->ramdisk, "\n");
    print_line("cmdline = ", quote_xl, configuration->line, "\n");
}

static void print_words(const struct configuration *configuration, struct words *words) {
    if (configuration->making)
        printf("%s\n", configuration->making);
    words_print(words, stdout);
    words_free(words);
}

static void print_qemu(const struct configuration *configuration) {
    struct words words = {0};
    char *line = whole_line(configuration);
    const char *accel = accel_find();
    words_add(&words, "qemu-system-x86_64");
    words_add_option(&words, "-accel", accel);
    if (strcmp(accel, "kvm") == 0)
        words_add_option(&words, "-cpu", "host");
    words_add_option(&words, "-M", "q35");
    words_add(&words, "-m");
    words_add(&words, "%lluM", (unsigned long long)configuration->memory_mib);
    words_add_option(&words, "-smp", configuration->cpus);
    words_add(&words, "-nographic");
    words_add(&words, "-no-reboot");
    words_add_option(&words, "-kernel", configuration->image);
    words_add_option(&words, "-initrd", configuration->module);
    words_add_option(&words, "-append", line ? line : "");
    free(line);
    print_words(configuration, &words);
}

static void print_cloud_hypervisor(const struct configuration *configuration) {
    struct words words = {0};
    char *line = whole_line(configuration);
    words_add(&words, "cloud-hypervisor");
    words_add_option(&words, "--kernel", configuration->image);
    words_add_option(&words, "--initramfs", configuration->module);
    words_add_option(&words, "--cmdline", line ? line : "");
    words_add(&words, "--cpus");
    words_add(&words, "boot=%s", configuration->cpus);
    words_add(&words, "--memory");
    words_add(&words, "size=%lluM", (unsigned long long)configuration->memory_mib);
    words_add_option(&words, "--serial", "tty");
    words_add_option(&words, "--console", "off");
    free(line);
    print_words(configuration, &words);
}

/* Neither JSON nor every command in a comment of XML is to be had: it goes beside the file. */
static void tell_making(const struct configuration *configuration) {
    if (configuration->making)
        complain("first: %s", configuration->making);
}

static void print_libvirt(const struct configuration *configuration) {
    char *line = whole_line(configuration);
    tell_making(configuration);
    fputs("<!-- As a file for: virsh create FILE. Its console: virsh console NAME. -->\n"
          "<domain type='kvm'>\n",
          stdout);
    print_line("  <name>", quote_xml, configuration->name, "</name>\n");
    printf("  <memory unit='MiB'>%llu</memory>\n  <vcpu>%s</vcpu>\n",
           (unsigned long long)configuration->memory_mib, configuration->cpus);
    fputs("  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n", stdout);
    print_line("    <kernel>", quote_xml, configuration->image, "</kernel>\n");
    print_line("    <initrd>", quote_xml, configuration->module, "</initrd>\n");
    print_line("    <cmdline>", quote_xml, line ? line : "", "</cmdline>\n");
    fputs("  </os>\n  <features>\n    <acpi/>\n  </features>\n"
          "  <on_reboot>destroy</on_reboot>\n"
          "  <devices>\n    <serial type='pty'/>\n  </devices>\n</domain>\n",
          stdout);
    free(line);
}

static void print_firecracker(const struct configuration *configuration) {
    char *line = whole_line(configuration);
    tell_making(configuration);
    fputs("{\n  \"boot-source\": {\n", stdout);
    print_line("    \"kernel_image_path\": ", quote_json, configuration->image, ",\n");
    print_line("    \"initrd_path\": ", quote_json, configuration->module, ",\n");
    print_line("    \"boot_args\": ", quote_json, line ? line : "", "\n");
    printf("  },\n  \"machine-config\": {\n    \"vcpu_count\": %s,\n    \"mem_size_mib\": %llu\n",
           configuration->cpus, (unsigned long long)configuration->memory_mib);
    fputs("  },\n  \"drives\": []\n}\n", stdout);
    free(line);
}

/* xl: libxenguest's MAX_GUEST_CMDLINE, of a module's line. The others: docs/hosts.md. */
static const struct config_host hosts[] = {
    {"xl", "console=hvc0", "pvhboot.panic=halt", NULL, 2, 1023, text_is_xl, print_xl},
    {"qemu", "console=ttyS0", "pvhboot.panic=poweroff", NULL, 1, 4095, takes_all, print_qemu},
    {"libvirt", "console=ttyS0", "pvhboot.panic=poweroff", NULL, 1, 4095, text_is_xml,
     print_libvirt},
    {"firecracker", "console=ttyS0", "pvhboot.panic=reset", "reboot=k", 1, 2047, text_is_utf8,
     print_firecracker},
    {"cloud-hypervisor", "console=ttyS0", "pvhboot.panic=poweroff", NULL, 1, 65535, takes_all,
     print_cloud_hypervisor},
};

#define HOSTS (sizeof hosts / sizeof *hosts)

static const struct config_host *find_host(const char *name) {
    for (size_t i = 0; i < HOSTS; i++)
        if (strcmp(hosts[i].name, name) == 0)
            return &hosts[i];
    return NULL;
}

/* --- What is in it ---------------------------------------------------------------------------- */

/* A host reads the file later, and more than once. */
static bool is_lasting(const struct payloads *payloads) {
    for (size_t i = 0; i < payloads->count; i++) {
        const char *path = payloads->names[i].path;
        if (strcmp(path, "-") == 0 || (payloads->files[i].size && !payloads->files[i].mapped)) {
            complain("%s: a configuration needs a file that stays", path);
            return false;
        }
    }
    return true;
}

/* Whether the host gives all of them, each as it is. */
static bool takes_modules(const struct config_host *host, const struct payloads *payloads) {
    bool takes = payloads->count <= host->modules;
    for (size_t i = 1; i < payloads->count; i++)
        takes = takes && !payloads->names[i].arguments;
    return takes;
}

/* The command as text, of malloc. */
static char *making_of(const struct payloads *payloads, const char *output) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    payloads_print_making(payloads, payloads_form(payloads), true, true, output, stream);
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

/* The lines, with what a Linux needs to be heard and to end its machine on that host. */
static char *make_line(const struct config_options *options, const struct payloads *payloads) {
    const struct config_host *host = options->host;
    char *given =
        kernel_line_join((const char *const[]){payloads->names[0].arguments, options->append}, 2);
    if (!given || !kernel_line_wants_console(given, &payloads->files[0]))
        return given;
    const char *reboot = host->reboot && !kernel_line_has(given, "reboot=") ? host->reboot : "";
    complain("a Linux without console= in its line: %s%s%s added", host->console,
             *reboot ? " " : "", reboot);
    char *line = kernel_line_join((const char *const[]){host->console, reboot, given}, 3);
    free(given);
    return line;
}

static bool all_taken(const struct config_host *host, const struct configuration *configuration) {
    const char *const texts[] = {configuration->name,    configuration->image,
                                 configuration->module,  configuration->policy,
                                 configuration->ramdisk, configuration->line};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] && !host->takes(texts[i])) {
            complain("a file of %s cannot have all characters of the names and the line",
                     host->name);
            return false;
        }
    }
    /* Only where they are modules of their own, the kernel has a line of its own. */
    const size_t policy = host->modules > 1 ? 0 : strlen(configuration->policy) + 1;
    const size_t length = policy + strlen(configuration->line);
    if (length > host->line_limit) {
        complain("the command line has %zu characters, %s takes %zu", length, host->name,
                 host->line_limit);
        return false;
    }
    return true;
}

/* What was found out, to be freed. */
struct config_texts {
    char *image;
    char *kernel;
    char *ramdisk;
    char *folder;
    char *made;
    char *making;
    char *line;
    char *ours;
    char *kernels;
    char *policy;
};

static void free_texts(struct config_texts *texts) {
    char *const all[] = {texts->image,   texts->kernel, texts->ramdisk, texts->folder,
                         texts->made,    texts->making, texts->line,    texts->ours,
                         texts->kernels, texts->policy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* What the command makes lies in the folder that the user is in. */
static bool find_paths(const struct config_options *options, const struct payloads *payloads,
                       struct config_texts *texts) {
    texts->image = image_path_find(false);
    if (!texts->image)
        complain("pvhboot.elf is not beside this command: make it " IMAGE_PATH_USUAL);
    texts->kernel = realpath(payloads->names[0].path, NULL);
    texts->folder = realpath(".", NULL);
    if (!texts->kernel || !texts->folder) {
        complain("%s: %s", payloads->names[0].path, strerror(errno));
        return false;
    }
    if (takes_modules(options->host, payloads)) {
        if (payloads->count > 1)
            texts->ramdisk = realpath(payloads->names[1].path, NULL);
        return payloads->count == 1 || texts->ramdisk;
    }
    if (!payloads_fit(payloads, payloads_form(payloads)))
        return false;
    if (asprintf(&texts->made, "%s/boot.img", texts->folder) < 0)
        texts->made = NULL;
    else
        texts->making = making_of(payloads, texts->made);
    return texts->made && texts->making;
}

static bool find_lines(const struct config_options *options, const struct payloads *payloads,
                       struct config_texts *texts) {
    texts->line = make_line(options, payloads);
    if (!texts->line || !kernel_line_split(texts->line, &texts->ours, &texts->kernels))
        return false;
    const bool has_policy = kernel_line_has(texts->ours, "pvhboot.panic=");
    texts->policy = kernel_line_join(
        (const char *const[]){has_policy ? "" : options->host->policy, texts->ours}, 2);
    return texts->policy;
}

static int configure(const struct config_options *options, uint64_t memory,
                     const struct payloads *payloads) {
    struct config_texts texts = {0};
    int status = COMMAND_TROUBLE;
    if (payloads_start_themselves(payloads)) {
        complain("%s has pvhboot inside: it is a host's kernel by itself, in pvhboot.elf's place",
                 payloads->names[0].path);
        return COMMAND_DOES_NOT_BOOT;
    }
    if (is_lasting(payloads) && find_paths(options, payloads, &texts) &&
        find_lines(options, payloads, &texts)) {
        const struct configuration configuration = {
            .name = options->name,
            .memory_mib = memory / MIB,
            .cpus = options->cpus,
            .image = texts.image ? texts.image : IMAGE_PATH_USUAL,
            .module = texts.made ? texts.made : texts.kernel,
            .ramdisk = texts.ramdisk,
            .policy = texts.policy,
            .line = texts.kernels,
            .making = texts.making,
        };
        if (all_taken(options->host, &configuration)) {
            options->host->print(&configuration);
            status = COMMAND_DONE;
        }
    }
    free_texts(&texts);
    return status;
}

/* --- Options ---------------------------------------------------------------------------------- */

static const char config_help[] =
    "usage: pvhboot config --for HOST [OPTIONS] KERNEL[,ARGUMENTS] [MODULE[,ARGUMENTS]]...\n"
    "\n"
    "Prints what to paste to boot a kernel on a host: a file for xl, libvirt (XML) or firecracker\n"
    "(JSON), a command for qemu or cloud-hypervisor. A comma in a file's name is written twice.\n"
    "Where the host cannot take the files as they are, there is a command to run first.\n"
    "\n"
    "  -f, --for HOST      xl, qemu, libvirt, firecracker or cloud-hypervisor\n"
    "  -m, --memory SIZE   512M, 4G, or a number of MiB; 512M if not given\n"
    "  -c, --cpus NUMBER   processors; 1 if not given\n"
    "  -a, --append LINE   more of the kernel's command line, behind its ARGUMENTS\n"
    "      --name NAME     what the guest is called; guest if not given\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit codes: 0 done, 1 the kernel's file is empty, 2 wrong usage, 3 trouble with a file.\n";

enum { OPTION_NAME = 0x100 };

static const struct option config_long_options[] = {{"for", required_argument, NULL, 'f'},
                                                    {"memory", required_argument, NULL, 'm'},
                                                    {"cpus", required_argument, NULL, 'c'},
                                                    {"append", required_argument, NULL, 'a'},
                                                    {"name", required_argument, NULL, OPTION_NAME},
                                                    {"help", no_argument, NULL, 'h'},
                                                    {0}};

/* What getopt_long gave, -1 excluded. */
static int take_option(struct config_options *options, int option, char **argv) {
    switch (option) {
    case 'f':
        options->host = find_host(optarg);
        if (!options->host)
            return complain_usage(&config_command,
                                  "--for %s: it is xl, qemu, libvirt, firecracker or "
                                  "cloud-hypervisor",
                                  optarg);
        return COMMAND_DONE;
    case 'm':
        options->memory = optarg;
        return COMMAND_DONE;
    case 'c':
        options->cpus = optarg;
        return COMMAND_DONE;
    case 'a':
        options->append = optarg;
        return COMMAND_DONE;
    case OPTION_NAME:
        options->name = optarg;
        return COMMAND_DONE;
    case 'h':
        options->help = true;
        return COMMAND_DONE;
    default:
        return complain_option(&config_command, option, argv);
    }
}

static int check_options(const struct config_options *options, uint64_t *memory) {
    const char *cpus = options->cpus;
    if (!memory_size_parse(options->memory, memory) || *memory < MIB)
        return complain_usage(&config_command, "--memory %s: it is 512M or 4G, say",
                              options->memory);
    if (*cpus < '1' || *cpus > '9' || cpus[strspn(cpus, "0123456789")])
        return complain_usage(&config_command, "--cpus %s: it is a number", cpus);
    if (!*options->name || strchr(options->name, '/') || strchr(options->name, '\n'))
        return complain_usage(&config_command, "--name %s: no host takes that", options->name);
    if (options->payload_count == 0)
        return complain_usage(&config_command, "no kernel is given");
    return COMMAND_DONE;
}

static int config(int argc, char **argv) {
    struct config_options options = {.memory = "512M", .cpus = "1", .name = "guest"};
    struct payloads payloads;
    uint64_t memory;
    int option;
    int status = COMMAND_DONE;
    while ((option = getopt_long(argc, argv, ":f:m:c:a:h", config_long_options, NULL)) != -1) {
        status = take_option(&options, option, argv);
        if (status != COMMAND_DONE)
            return status;
    }
    if (options.help) {
        fputs(config_help, stdout);
        return COMMAND_DONE;
    }
    if (!options.host)
        return complain_usage(&config_command, "--for is missing: for which host?");
    options.payloads = argv + optind;
    options.payload_count = (size_t)(argc - optind);
    status = check_options(&options, &memory);
    if (status == COMMAND_DONE)
        status = payloads_open(&payloads, options.payloads, options.payload_count);
    if (status != COMMAND_DONE)
        return status;
    status = configure(&options, memory, &payloads);
    payloads_close(&payloads);
    return status;
}

const struct command config_command = {"config", "prints what to paste into a host's configuration",
                                       config_help, config};
