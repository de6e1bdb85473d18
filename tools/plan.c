/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot plan`: what the image would do with a payload on a host, by the image's own code. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "describe.h"
#include "kernel_line.h"
#include "memory_size.h"
#include "planning.h"
#include "verdict.h"

#define DEFAULT_HOST "qemu-pc"
#define DEFAULT_MEMORY "512M"

/* --- Arguments -------------------------------------------------------------------------------- */

enum {
    OPTION_HOST = 256,
    OPTION_SVG,
    OPTION_JSON,
    OPTION_DRAWING,
    OPTION_NO_DRAWING,
    OPTION_NO_DISPLAY,
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, OPTION_HOST},
    {"for", required_argument, NULL, OPTION_HOST},
    {"memory", required_argument, NULL, 'm'},
    {"append", required_argument, NULL, 'a'},
    {"cmdline", required_argument, NULL, 'a'},
    {"svg", required_argument, NULL, OPTION_SVG},
    {"json", no_argument, NULL, OPTION_JSON},
    {"drawing", no_argument, NULL, OPTION_DRAWING},
    {"no-drawing", no_argument, NULL, OPTION_NO_DRAWING},
    {"no-display", no_argument, NULL, OPTION_NO_DISPLAY},
    {"verbose", no_argument, NULL, 'v'},
    {0},
};

/* What `pvhboot config` calls a host. */
static const char *host_name(const char *name) {
    static const char *const names[][2] = {
        {"xl", "xen-domu"}, {"qemu", "qemu-pc"}, {"libvirt", "qemu-q35"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    return name;
}

static void take_option(int option, struct plan_options *options) {
    switch (option) {
    case OPTION_HOST:
        options->host = host_name(optarg);
        break;
    case 'm':
        options->memory = optarg;
        break;
    case 'a':
        options->command_line = optarg;
        break;
    case OPTION_SVG:
        options->svg = optarg;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_DRAWING:
        options->drawing = SHOW_YES;
        break;
    case OPTION_NO_DRAWING:
        options->drawing = SHOW_NO;
        break;
    case OPTION_NO_DISPLAY:
        options->without_display = true;
        break;
    default:
        options->verbose = true;
    }
}

static int parse_options(int argc, char **argv, struct plan_options *options) {
    int option;
    *options = (struct plan_options){.host = DEFAULT_HOST};
    while ((option = getopt_long(argc, argv, ":a:m:v", long_options, NULL)) != -1) {
        if (option == ':' || option == '?')
            return complain_option(&plan_command, option, argv);
        take_option(option, options);
    }
    options->payloads = argv + optind;
    options->payload_count = (size_t)(argc - optind);
    if (!options->payload_count)
        return complain_usage(&plan_command, "a KERNEL is wanted");
    if (options->payload_count > BOOT_MODULES_LIMIT)
        return complain_usage(&plan_command, "at most %u files", BOOT_MODULES_LIMIT);
    if (options->json + options->verbose + (options->drawing == SHOW_YES) > 1)
        return complain_usage(&plan_command, "one of --json, --verbose and --drawing at a time");
    return COMMAND_DONE;
}

/* --- What would be lost ----------------------------------------------------------------------- */

/* Enough of a file to know a picture by. */
#define BEGINNING 512

/* Whether an SVG of that name would replace something else. */
static bool is_no_picture(const char *name) {
    static const char *const marks[] = {"<?xml", "<svg", "<!--"};
    char text[BEGINNING];
    struct stat about;
    if (stat(name, &about) || !S_ISREG(about.st_mode) || about.st_size == 0)
        return false;
    const int descriptor = open(name, O_RDONLY | O_CLOEXEC);
    const ssize_t size = descriptor < 0 ? 0 : read(descriptor, text, sizeof text);
    if (descriptor >= 0)
        close(descriptor);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (size >= (ssize_t)strlen(marks[i]) && memcmp(text, marks[i], strlen(marks[i])) == 0)
            return false;
    return true;
}

static int check_svg(const struct planning *planning) {
    const char *svg = planning->options.svg;
    if (!svg || strcmp(svg, "-") == 0)
        return COMMAND_DONE;
    if (file_is_one_of(svg, planning->payloads.files, planning->payloads.count))
        return complain_usage(&plan_command, "--svg %s is one of the files that are planned", svg);
    if (is_no_picture(svg))
        return complain_usage(&plan_command, "--svg %s: there is such a file, and it is no picture",
                              svg);
    return COMMAND_DONE;
}

/* --- What the host is given ------------------------------------------------------------------- */

static int read_host_file(struct planning *planning) {
    struct file file;
    if (!file_open(planning->options.host, &file))
        return COMMAND_TROUBLE;
    const bool good = host_file_read(file.name, file.bytes, file.size, &planning->host_file);
    file_close(&file);
    planning->modules_most = planning->host_file.module_count;
    return good ? COMMAND_DONE : COMMAND_TROUBLE;
}

static int choose_host(struct planning *planning) {
    const struct plan_options *options = &planning->options;
    const char *memory = options->memory ? options->memory : DEFAULT_MEMORY;
    planning->host = host_find(options->host);
    if (planning->host) {
        planning->modules_most = planning->host->modules_most;
        if (memory_size_parse(memory, &planning->memory))
            return COMMAND_DONE;
        return complain_usage(&plan_command, "\"%s\" is no amount of memory (512M, 4G)", memory);
    }
    if (strcmp(options->host, "-") != 0 && access(options->host, F_OK) != 0)
        return complain_usage(&plan_command,
                              "there is no host \"%s\", and no file of that name: it is qemu-pc, "
                              "qemu-q35, microvm, firecracker, cloud-hypervisor, xen-domu or "
                              "xen-dom0, or as for config qemu, libvirt or xl",
                              options->host);
    if (options->memory)
        return complain_usage(&plan_command, "the memory of a host that a file describes is fixed");
    return read_host_file(planning);
}

static bool has_own_line(const struct planning *planning) {
    if (planning->own.size)
        return false;
    if (planning->host)
        return planning->host->kernel_line;
    return host_file_kernel_has_line(&planning->host_file);
}

/* What becomes the kernel's own line: NULL where it is part of the host's. */
static const char *kernel_arguments(const struct planning *planning) {
    return has_own_line(planning) ? planning->payloads.names[0].arguments : NULL;
}

/* As `pvhboot run` has it: on the host's line the kernel's arguments come first. */
static bool make_line(struct planning *planning) {
    const char *arguments = has_own_line(planning) ? NULL : planning->payloads.names[0].arguments;
    const char *given = planning->options.command_line;
    if (!given && !planning->host)
        given = planning->host_file.command_line;
    if (!arguments && !given)
        return true;
    planning->line = kernel_line_join((const char *const[]){arguments, given}, 2);
    return planning->line != NULL;
}

/* `pvhboot run` leaves hashes out unless they are asked for, `pvhboot config` never does. */
static bool wants_hashes(const struct planning *planning) {
    return !planning->host || !planning->host->is_run_by_us ||
           kernel_line_has(planning->line, "pvhboot.verify=");
}

static bool map_whole(struct planning *planning, int descriptor) {
    struct stat about;
    struct file *whole = &planning->whole;
    void *bytes = MAP_FAILED;
    if (fstat(descriptor, &about) == 0)
        bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) {
        complain("%s: %s", whole->name, strerror(errno));
        return false;
    }
    whole->bytes = bytes;
    whole->size = (size_t)about.st_size;
    whole->mapped = true;
    return true;
}

/* As `pvhboot run` makes it; of memory. */
static int make_whole(struct planning *planning) {
    planning->form = payloads_form(&planning->payloads);
    planning->whole.name = planning->form == PAYLOADS_JOINED ? "kernel and initrd" : "bundle";
    struct file_writer writer = {.name = planning->whole.name,
                                 .descriptor = memfd_create(planning->whole.name, MFD_CLOEXEC)};
    if (writer.descriptor < 0) {
        complain("%s: %s", writer.name, strerror(errno));
        return COMMAND_TROUBLE;
    }
    int status =
        payloads_write(&planning->payloads, planning->form, wants_hashes(planning), &writer);
    if (status == COMMAND_DONE && (writer.failed || !map_whole(planning, writer.descriptor)))
        status = COMMAND_TROUBLE;
    close(writer.descriptor);
    planning->modules[0] = (struct host_module){planning->whole.bytes, planning->whole.size,
                                                planning->whole.name, kernel_arguments(planning)};
    planning->module_count = 1;
    return status;
}

/* Where in memory a part of the file is loaded to; 0 where it is not. */
static uint32_t loaded_address(struct span file, struct span part) {
    struct elf elf;
    struct error error;
    struct load_segment segment;
    if (!elf_parse(file, &elf, &error))
        return 0;
    for (uint32_t i = 0; i < elf.program_header_count; i++)
        if (elf_load_segment(&elf, i, &segment) && part.bytes >= segment.bytes.bytes &&
            part.bytes < segment.bytes.bytes + segment.bytes.size)
            return segment.address + (uint32_t)(part.bytes - segment.bytes.bytes);
    return 0;
}

/* Bytes in front of the image's first segment, which has headers that pack changes; its record. */
#define IMAGE_HEADERS PAGE_SIZE
#define IMAGE_RECORD 8u

/* Whether the file begins as this command's image does, but for what pack fills in. */
static bool is_our_image(const struct file *file) {
    const size_t size = (uintptr_t)image_file_end - (uintptr_t)image_file;
    size_t differences = 0;
    if (file->size < size)
        return false;
    for (size_t i = IMAGE_HEADERS; i < size && differences <= IMAGE_RECORD; i++)
        differences += file->bytes[i] != image_file[i];
    return differences <= IMAGE_RECORD;
}

/* An image that was made by `pvhboot pack --self-contained` is started itself. */
static void find_own(struct planning *planning) {
    const struct file *kernel = &planning->payloads.files[0];
    const struct span file = {0, kernel->bytes, kernel->size};
    if (!find_pvhboot(file, &planning->own) || !planning->own.size)
        return;
    planning->own_address = loaded_address(file, planning->own);
    if (!is_our_image(kernel))
        complain("%s: made by another pvhboot, which may do otherwise than this one", kernel->name);
}

/* The files behind such a kernel are the host's modules. */
static int make_modules_behind_own(struct planning *planning) {
    const struct payloads *payloads = &planning->payloads;
    planning->module_count = payloads->count - 1;
    if (planning->module_count > planning->modules_most) {
        complain("%s: it gives %zu modules at most to an image that has a payload inside",
                 planning->options.host, planning->modules_most);
        return COMMAND_USAGE;
    }
    for (size_t i = 0; i < planning->module_count; i++) {
        const struct file *file = &payloads->files[i + 1];
        planning->modules[i] = (struct host_module){file->bytes, file->size, file->name, NULL};
    }
    return COMMAND_DONE;
}

static int make_modules(struct planning *planning) {
    const struct payloads *payloads = &planning->payloads;
    if (planning->own.size)
        return make_modules_behind_own(planning);
    if (payloads->count > planning->modules_most)
        return make_whole(planning);
    for (size_t i = 0; i < payloads->count; i++)
        planning->modules[i] = (struct host_module){
            payloads->files[i].bytes, payloads->files[i].size, payloads->names[i].path,
            i ? payloads->names[i].arguments : kernel_arguments(planning)};
    planning->module_count = payloads->count;
    return COMMAND_DONE;
}

static int place(struct planning *planning) {
    const struct host_request request = {
        .memory = planning->memory,
        .command_line = planning->line,
        .modules = planning->modules,
        .module_count = planning->module_count,
        .without_display = planning->options.without_display,
    };
    if (planning->host)
        return host_place(planning->host, &request, &planning->guest);
    return host_file_place(&planning->host_file, &request, &planning->guest);
}

/* --- The whole -------------------------------------------------------------------------------- */

static int refuse(const struct planning *planning) {
    const struct file *kernel = &planning->payloads.files[0];
    const struct error *error = &planning->guest.error;
    const int status = complain_error(error);
    if (!planning->options.verbose)
        verdict_advise((struct span){.bytes = kernel->bytes, .size = kernel->size}, error->number);
    return status;
}

static int plan_and_show(struct planning *planning) {
    if (planning->own.size &&
        !guest_put_bundle(&planning->guest, planning->own_address, planning->own))
        return COMMAND_DOES_NOT_BOOT;
    const int status = place(planning);
    if (status != COMMAND_DONE)
        return status;
    planning->planned = guest_plan(&planning->guest);
    planning_show(planning);
    if (!planning->planned)
        return refuse(planning);
    if (planning->options.svg && !planning_write_svg(planning))
        return COMMAND_TROUBLE;
    return COMMAND_DONE;
}

static int open_and_plan(struct planning *planning) {
    int status = choose_host(planning);
    if (status != COMMAND_DONE)
        return status;
    status = payloads_open(&planning->payloads, planning->options.payloads,
                           planning->options.payload_count);
    if (status != COMMAND_DONE)
        return status;
    status = check_svg(planning);
    if (status != COMMAND_DONE)
        return status;
    find_own(planning);
    if (!make_line(planning))
        return COMMAND_TROUBLE;
    status = make_modules(planning);
    if (status != COMMAND_DONE)
        return status;
    if (!guest_open(&planning->guest))
        return COMMAND_TROUBLE;
    status = plan_and_show(planning);
    guest_close(&planning->guest);
    return status;
}

static int plan(int argc, char **argv) {
    struct planning *planning = calloc(1, sizeof *planning);
    if (!planning) {
        complain("there is not enough memory");
        return COMMAND_TROUBLE;
    }
    int status = parse_options(argc, argv, &planning->options);
    if (status == COMMAND_DONE)
        status = open_and_plan(planning);
    payloads_close(&planning->payloads);
    file_close(&planning->whole);
    host_file_free(&planning->host_file);
    free(planning->line);
    free(planning);
    return status;
}

static const char help_text[] =
    "usage: pvhboot plan [OPTION]... KERNEL[,ARGS] [MODULE[,ARGS]]...\n\n"
    "Shows what pvhboot would do with these files on a host, byte for byte, without booting "
    "them.\n\n"
    "  --host HOST        one of those below, or a file with what pvhboot.verbose printed on a\n"
    "                     real machine; without it qemu-pc; --for is the same\n"
    "  -m, --memory SIZE  of the guest (512M, 4G; a number alone is MiB); without it 512M\n"
    "  -a, --append LINE  the host's command line, behind the kernel's ARGS; --cmdline is the "
    "same\n"
    "  --no-display       QEMU's machine has no VGA (-nodefaults, -vga none)\n"
    "  -v, --verbose      the lines that pvhboot.verbose prints there, and nothing else\n"
    "  --json             all of it as JSON\n"
    "  --svg FILE         a picture of memory before and after, besides; it replaces no\n"
    "                     other file\n"
    "  --drawing, --no-drawing\n"
    "                     memory drawn below the table, or not; on a terminal it is, else not\n\n"
    "Hosts, and of which version what they do is known:\n"
    "  qemu-pc            QEMU 7.2, -M pc with SeaBIOS 1.16.2; what pvhboot run starts\n"
    "  qemu-q35           QEMU 7.2, -M q35 with SeaBIOS 1.16.2\n"
    "  microvm            QEMU 7.2, -M microvm with qboot\n"
    "  firecracker        Firecracker 1.17, without devices\n"
    "  cloud-hypervisor   Cloud Hypervisor 54\n"
    "  xen-domu           Xen 4.17, xl with kernel and ramdisk, or with pvshim\n"
    "  xen-dom0           Xen 4.17 with dom0=pvh, on QEMU's q35 with 256M more than dom0 has\n\n"
    "As pvhboot config has it, qemu is qemu-pc, libvirt is qemu-q35, and xl is xen-domu.\n"
    "A host that gives fewer modules gets several files as one, as pvhboot run makes it.\n";

const struct command plan_command = {"plan", "shows what pvhboot would do with files on a host",
                                     help_text, plan};
