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
#include "free_name.h"
#include "image_path.h"
#include "kernel_line.h"
#include "memory_size.h"
#include "payloads.h"
#include "pvhboot/memory.h"
#include "quoting.h"
#include "uki_line.h"
#include "verdict.h"
#include "words.h"

struct config_options {
    const struct config_host *host;
    const char *host_machine; /* that the host's name says; NULL: none */
    const char *machine;      /* NULL: that, or the host's first */
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
    const char *machine;
    uint64_t memory_mib;
    const char *cpus;
    const char *image;
    const char *module;  /* what the host gives the image as its first one; NULL: none */
    const char *ramdisk; /* module 1; NULL: none */
    const char *policy;  /* words for pvhboot itself */
    const char *line;    /* the kernel's */
    const char *making;  /* the command that makes `module`; NULL: it is there */
    bool starts_itself;  /* the image has its kernel inside */
};

#define MACHINES_MOST 3
#define MICROVM "microvm"

/* Of a line in a complaint, bytes. */
#define SHOWN_MOST 200

struct config_host {
    const char *name;
    const char *console; /* what a Linux is heard by */
    const char *policy;  /* what ends the machine when it does not boot: docs/hosts.md */
    const char *reboot;  /* how a Linux has to restart for the machine to end; NULL: as it likes */
    size_t modules;      /* that the host gives, the kernel included */
    size_t line_limit;   /* characters */
    bool adds_words;     /* to each line, so that a UKI's own would never count */
    bool (*takes)(const char *text);
    const char *machines[MACHINES_MOST]; /* QEMU's; the first one is the default */
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

/* A domain whose kernel is the image itself. */
static void print_xl_kernel(const struct configuration *configuration) {
    char *line = whole_line(configuration);
    print_line("kernel = ", quote_xl, configuration->image, "\n");
    if (configuration->module)
        print_line("ramdisk = ", quote_xl, configuration->module, "\n");
    print_line("cmdline = ", quote_xl, line ? line : "", "\n");
    free(line);
}

static void print_xl_shim(const struct configuration *configuration) {
    fputs("# What Xen starts is pvshim_path: it boots the kernel.\npvshim = 1\n", stdout);
    print_line("pvshim_path = ", quote_xl, configuration->image, "\n");
    print_line("pvshim_cmdline = ", quote_xl, configuration->policy, "\n");
    print_line("kernel = ", quote_xl, configuration->module, "\n");
    if (configuration->ramdisk)
        print_line("ramdisk = ", quote_xl, configuration->ramdisk, "\n");
    print_line("cmdline = ", quote_xl, configuration->line, "\n");
}

static void print_xl(const struct configuration *configuration) {
    if (configuration->making)
        printf("# First: %s\n", configuration->making);
    fputs("# As a file for: xl create -c FILE\ntype = \"pvh\"\n", stdout);
    print_line("name = ", quote_xl, configuration->name, "\n");
    printf("memory = %llu\nvcpus = %s\n", (unsigned long long)configuration->memory_mib,
           configuration->cpus);
    if (configuration->starts_itself)
        print_xl_kernel(configuration);
    else
        print_xl_shim(configuration);
}

static void print_words(const struct configuration *configuration, struct words *words) {
    if (configuration->making)
        printf("%s &&\n", configuration->making);
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
    words_add_option(&words, "-M", configuration->machine);
    words_add(&words, "-m");
    words_add(&words, "%lluM", (unsigned long long)configuration->memory_mib);
    words_add_option(&words, "-smp", configuration->cpus);
    words_add(&words, "-nographic");
    words_add(&words, "-no-reboot");
    words_add_option(&words, "-kernel", configuration->image);
    if (configuration->module)
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
    if (configuration->module)
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
    printf("  <os>\n    <type arch='x86_64' machine='%s'>hvm</type>\n", configuration->machine);
    print_line("    <kernel>", quote_xml, configuration->image, "</kernel>\n");
    if (configuration->module)
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
    if (configuration->module)
        print_line("    \"initrd_path\": ", quote_json, configuration->module, ",\n");
    print_line("    \"boot_args\": ", quote_json, line ? line : "", "\n");
    printf("  },\n  \"machine-config\": {\n    \"vcpu_count\": %s,\n    \"mem_size_mib\": %llu\n",
           configuration->cpus, (unsigned long long)configuration->memory_mib);
    fputs("  },\n  \"drives\": []\n}\n", stdout);
    free(line);
}

/* xl: libxenguest's MAX_GUEST_CMDLINE, of a module's line. The others: docs/hosts.md. */
static const struct config_host hosts[] = {
    {"xl", "console=hvc0", "pvhboot.panic=halt", NULL, 2, 1023, false, text_is_xl, {0}, print_xl},
    {"qemu",
     "console=ttyS0",
     "pvhboot.panic=poweroff",
     NULL,
     1,
     4095,
     false,
     takes_all,
     {"pc", "q35", MICROVM},
     print_qemu},
    {"libvirt",
     "console=ttyS0",
     "pvhboot.panic=poweroff",
     NULL,
     1,
     4095,
     false,
     text_is_xml,
     {"q35", "pc"},
     print_libvirt},
    {"firecracker",
     "console=ttyS0",
     "pvhboot.panic=reset",
     "reboot=k",
     1,
     2047,
     true,
     text_is_utf8,
     {0},
     print_firecracker},
    {"cloud-hypervisor",
     "console=ttyS0",
     "pvhboot.panic=poweroff",
     NULL,
     1,
     65535,
     false,
     takes_all,
     {0},
     print_cloud_hypervisor},
};

#define HOSTS (sizeof hosts / sizeof *hosts)

/* Names that `pvhboot plan` has for the same. */
static const struct {
    const char *name;
    const char *host;
    const char *machine; /* NULL: none is chosen */
} other_names[] = {
    {"qemu-pc", "qemu", "pc"},
    {"qemu-q35", "qemu", "q35"},
    {MICROVM, "qemu", MICROVM},
    {"xen-domu", "xl", NULL},
};

#define OTHER_NAMES (sizeof other_names / sizeof *other_names)

static const struct config_host *find_host(const char *name, const char **machine) {
    for (size_t i = 0; i < OTHER_NAMES; i++) {
        if (strcmp(other_names[i].name, name) != 0)
            continue;
        *machine = other_names[i].machine;
        name = other_names[i].host;
        break;
    }
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

static const char *machine_of(const struct config_options *options) {
    const char *const machines[] = {options->machine, options->host_machine,
                                    options->host->machines[0]};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i])
            return machines[i];
    return "";
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

/* Whether words for the kernel do no more than choose a UKI's profile. */
static bool is_only_profile(const char *words, uint32_t *profile) {
    char *end = NULL;
    *profile = 0;
    if (!*words)
        return true;
    if (words[0] != '@' || words[1] < '0' || words[1] > '9')
        return false;
    const unsigned long long number = strtoull(words + 1, &end, 10);
    *profile = (uint32_t)number;
    return number <= UINT32_MAX && !*end;
}

static bool adds_words(const struct config_options *options) {
    return options->host->adds_words || strcmp(machine_of(options), MICROVM) == 0;
}

/*
 * With a UKI's own line behind the words that are given, where the host's would keep it from being
 * seen. Frees `given`; NULL without memory.
 */
static char *add_own_line(const struct config_options *options, const struct file *kernel,
                          char *given) {
    uint32_t profile;
    char *ours;
    char *kernels;
    if (!kernel_line_split(given, &ours, &kernels)) {
        free(given);
        return NULL;
    }
    const bool counts = is_only_profile(kernels, &profile);
    char *own = uki_line(kernel->bytes, kernel->size, counts ? profile : 0);
    if (own && !counts) {
        complain("the UKI's own line is replaced: %.*s%s", SHOWN_MOST, own,
                 strlen(own) > SHOWN_MOST ? "..." : "");
    } else if (own && adds_words(options)) {
        complain("the UKI's own line is added: %s adds words, which would replace it",
                 options->host->adds_words ? options->host->name : MICROVM);
        char *line = kernel_line_join((const char *const[]){given, own}, 2);
        free(given);
        given = line;
    }
    free(own);
    free(ours);
    free(kernels);
    return given;
}

/* The lines, with what a Linux needs to be heard and to end its machine on that host. */
static char *make_line(const struct config_options *options, const struct payloads *payloads) {
    const struct config_host *host = options->host;
    const struct file *kernel = &payloads->files[0];
    char *given =
        kernel_line_join((const char *const[]){payloads->names[0].arguments, options->append}, 2);
    if (given)
        given = add_own_line(options, kernel, given);
    if (!given || !kernel_line_wants_console(given, kernel))
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
    const bool is_apart = host->modules > 1 && !configuration->starts_itself;
    const size_t policy = is_apart ? 0 : strlen(configuration->policy) + 1;
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

/* An image with a kernel inside is the host's kernel, and a module the host's to give. */
static bool find_paths_of_itself(const struct payloads *payloads, struct config_texts *texts) {
    texts->image = realpath(payloads->names[0].path, NULL);
    if (payloads->count > 1)
        texts->kernel = realpath(payloads->names[1].path, NULL);
    if (texts->image && (payloads->count == 1 || texts->kernel))
        return true;
    complain("%s: %s", payloads->names[texts->image ? 1 : 0].path, strerror(errno));
    return false;
}

/* What the command makes lies in the folder that the user is in. */
static bool find_paths(const struct config_options *options, const struct payloads *payloads,
                       struct config_texts *texts) {
    if (payloads_start_themselves(payloads))
        return find_paths_of_itself(payloads, texts);
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
    texts->made = free_name(texts->folder);
    if (texts->made)
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

/* Whether the host can be given them in some form; complains. */
static bool can_be_given(const struct config_options *options, const struct payloads *payloads) {
    const bool takes_one = payloads->count == 1 || !payloads->names[1].arguments;
    if (payloads_start_themselves(payloads)) {
        if (payloads->count <= 2 && takes_one)
            return true;
        complain("%s has a kernel inside: %s gives it one module more, without arguments",
                 payloads->names[0].path, options->host->name);
        return false;
    }
    return takes_modules(options->host, payloads) ||
           payloads_fit(payloads, payloads_form(payloads));
}

/* A file may be made later, so it is printed all the same. */
static void warn(const struct payloads *payloads, const struct configuration *configuration) {
    struct verdict verdict;
    const struct span kernel = {.bytes = payloads->files[0].bytes, .size = payloads->files[0].size};
    char *line = whole_line(configuration);
    const struct verdict_question question = {.file = kernel, .command_line = line};
    if (line && verdict_ask(&question, &verdict) && verdict.error != ERROR_NONE)
        complain("%s: this does not boot: %s", payloads->names[0].path, verdict.line);
    free(line);
}

static int configure(const struct config_options *options, uint64_t memory,
                     const struct payloads *payloads) {
    struct config_texts texts = {0};
    int status = COMMAND_TROUBLE;
    if (!is_lasting(payloads))
        return COMMAND_TROUBLE;
    if (!can_be_given(options, payloads))
        return COMMAND_DOES_NOT_BOOT;
    if (find_paths(options, payloads, &texts) && find_lines(options, payloads, &texts)) {
        const struct configuration configuration = {
            .name = options->name,
            .machine = machine_of(options),
            .memory_mib = memory / MIB,
            .cpus = options->cpus,
            .image = texts.image ? texts.image : IMAGE_PATH_USUAL,
            .module = texts.made ? texts.made : texts.kernel,
            .ramdisk = texts.ramdisk,
            .policy = texts.policy,
            .line = texts.kernels,
            .making = texts.making,
            .starts_itself = payloads_start_themselves(payloads),
        };
        if (all_taken(options->host, &configuration)) {
            if (!configuration.starts_itself)
                warn(payloads, &configuration);
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
    "  -f, --for HOST      xl, qemu, libvirt, firecracker or cloud-hypervisor; --host is the "
    "same,\n"
    "                      and so are pvhboot plan's names: qemu-pc, qemu-q35, microvm, xen-domu\n"
    "  -M, --machine NAME  QEMU's: pc, q35 or microvm; libvirt's: pc or q35. If not given, pc for\n"
    "                      qemu, as pvhboot run has it, and q35 for libvirt\n"
    "  -m, --memory SIZE   512M, 4G, or a number of MiB; 512M if not given\n"
    "  -c, --cpus NUMBER   processors; 1 if not given\n"
    "  -a, --append LINE   more of the kernel's command line, behind its ARGUMENTS\n"
    "      --name NAME     what the guest is called; guest if not given\n"
    "  -h, --help          this text\n"
    "\n"
    "A Xen's dom0 is configured in GRUB: hosts.md has the entry. For UEFI, pack --efi makes a\n"
    "program. What would not boot has a warning.\n"
    "Exit codes: 0 done, 1 files that cannot be given together, or an empty kernel, 2 wrong\n"
    "usage, 3 trouble with a file.\n";

enum { OPTION_NAME = 0x100 };

static const struct option config_long_options[] = {{"for", required_argument, NULL, 'f'},
                                                    {"host", required_argument, NULL, 'f'},
                                                    {"machine", required_argument, NULL, 'M'},
                                                    {"memory", required_argument, NULL, 'm'},
                                                    {"cpus", required_argument, NULL, 'c'},
                                                    {"append", required_argument, NULL, 'a'},
                                                    {"name", required_argument, NULL, OPTION_NAME},
                                                    {"help", no_argument, NULL, 'h'},
                                                    {0}};

static int take_host(struct config_options *options, const char *name) {
    options->host = find_host(name, &options->host_machine);
    if (options->host)
        return COMMAND_DONE;
    if (strcmp(name, "xen-dom0") == 0)
        return complain_usage(&config_command,
                              "--for %s: that is an entry of GRUB's, which hosts.md shows", name);
    if (strcmp(name, "uefi") == 0 || strcmp(name, "efi") == 0)
        return complain_usage(&config_command,
                              "--for %s: that wants a program, which pvhboot pack --efi makes",
                              name);
    return complain_usage(&config_command,
                          "--for %s: it is xl, qemu, libvirt, firecracker or cloud-hypervisor, or "
                          "as for plan qemu-pc, qemu-q35, microvm or xen-domu",
                          name);
}

/* What getopt_long gave, -1 excluded. */
static int take_option(struct config_options *options, int option, char **argv) {
    switch (option) {
    case 'f':
        return take_host(options, optarg);
    case 'M':
        options->machine = optarg;
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

static int check_machine(const struct config_options *options) {
    const char *const *machines = options->host->machines;
    const char *machine = options->machine;
    if (!machine)
        return COMMAND_DONE;
    for (size_t i = 0; i < MACHINES_MOST && machines[i]; i++)
        if (strcmp(machines[i], machine) == 0)
            return COMMAND_DONE;
    if (!machines[0])
        return complain_usage(&config_command, "--machine %s: %s has no machines to choose from",
                              machine, options->host->name);
    return complain_usage(&config_command, "--machine %s: for %s it is %s, %s%s%s", machine,
                          options->host->name, machines[0], machines[1], machines[2] ? ", " : "",
                          machines[2] ? machines[2] : "");
}

static int check_options(const struct config_options *options, uint64_t *memory) {
    const char *cpus = options->cpus;
    if (!memory_size_parse(options->memory, memory) || *memory < MIB)
        return complain_usage(&config_command, "--memory %s: it is 512M or 4G, say",
                              options->memory);
    if (*cpus < '1' || *cpus > '9' || cpus[strspn(cpus, "0123456789")])
        return complain_usage(&config_command, "--cpus %s: it is a number, 1 at least", cpus);
    if (!*options->name || strchr(options->name, '/') || strchr(options->name, '\n'))
        return complain_usage(&config_command, "--name %s: no host takes that", options->name);
    if (options->payload_count == 0)
        return complain_usage(&config_command, "no kernel is given");
    return check_machine(options);
}

static int config(int argc, char **argv) {
    struct config_options options = {.memory = "512M", .cpus = "1", .name = "guest"};
    struct payloads payloads;
    uint64_t memory;
    int option;
    int status = COMMAND_DONE;
    while ((option = getopt_long(argc, argv, ":f:M:m:c:a:h", config_long_options, NULL)) != -1) {
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
