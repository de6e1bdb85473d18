/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot run`: boots a kernel in QEMU. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/elf.h"
#include "accel.h"
#include "child.h"
#include "command.h"
#include "describe.h"
#include "free_name.h"
#include "hosts.h"
#include "image_path.h"
#include "kernel_line.h"
#include "memory_size.h"
#include "payloads.h"
#include "pe_layout.h"
#include "pvhboot/elf.h"
#include "pvhboot/memory.h"
#include "quoting.h"
#include "verdict.h"
#include "words.h"

#define QEMU "qemu-system-x86_64"
#define QEMU_32 "qemu-system-i386"
#define QEMU_PACKAGE "qemu-system-x86"

/* Where Debian's package puts it. */
#define FIRMWARE "/usr/share/ovmf/OVMF.fd"
#define FIRMWARE_PACKAGE "ovmf"

/* The usual port, and what pvhboot.panic=exit writes to: QEMU ends with (value << 1) | 1. */
#define EXIT_DEVICE "isa-debug-exit,iobase=0xf4,iosize=4"
#define FAILED_STATUS 3

/* QEMU's option ROM damages a longer line: docs/hosts.md. qboot on microvm does without. */
#define OPTION_ROM_LINE_LIMIT 4095u

/* The image lies at 1 MiB. */
#define MEMORY_LEAST ((uint64_t)2 * MIB)

struct run_options {
    const char *machine;
    const char *memory;
    uint64_t memory_mib; /* the same */
    const char *cpus;
    const char *accel; /* NULL: what works */
    const char *append;
    const char *display;
    const char *qemu;
    bool uefi;
    bool gdb;
    bool verbose;
    bool dry_run;
    bool help;
    char **payloads; /* KERNEL[,ARGS] and modules */
    size_t payload_count;
    char **qemu_words; /* what stands behind "--" */
    int qemu_word_count;
};

/* What QEMU is told of them: what this process has open, or what a user would have made. */
struct run_names {
    const char *image;
    const char *module;
    const char *line;
    int log; /* -1: none */
};

/* --- QEMU's command line ---------------------------------------------------------------------- */

static bool has_qemu_word(const struct run_options *options, const char *word) {
    for (int i = 0; i < options->qemu_word_count; i++) {
        const char *given = options->qemu_words[i];
        if (strcmp(given, word) == 0 || (*given == '-' && strcmp(given + 1, word) == 0))
            return true;
    }
    return false;
}

static bool is_microvm(const struct run_options *options) {
    return strncmp(options->machine, "microvm", strlen("microvm")) == 0;
}

static bool is_emulated(const struct run_options *options) {
    return options->accel && strncmp(options->accel, "tcg", strlen("tcg")) == 0;
}

static void add_machine(const struct run_options *options, struct words *words) {
    words_add_option(words, "-M", options->machine);
    if (options->accel)
        words_add_option(words, "-accel", options->accel);
    if (options->accel && strncmp(options->accel, "kvm", strlen("kvm")) == 0)
        words_add_option(words, "-cpu", "host");
    words_add(words, "-m");
    words_add(words, "%lluM", (unsigned long long)options->memory_mib);
    if (options->cpus)
        words_add_option(words, "-smp", options->cpus);
}

static bool is_curses(const struct run_options *options) {
    return options->display && strcmp(options->display, "curses") == 0;
}

/*
 * The terminal is the serial port; a device behind "--" may share it: chardev=console. What is no
 * terminal is input for the guest, and not for the monitor.
 */
static void add_console(const struct run_options *options, struct words *words) {
    words_add(words, "-nodefaults");
    words_add(words, "-no-user-config");
    words_add_option(words, "-display", options->display ? options->display : "none");
    if (!is_microvm(options))
        words_add_option(words, "-vga", "std");
    if (is_curses(options)) {
        words_add_option(words, "-serial", "vc");
        words_add_option(words, "-monitor", "vc");
        return;
    }
    words_add_option(words, "-chardev", "stdio,id=console,mux=on,signal=off");
    words_add_option(words, "-serial", "chardev:console");
    if (isatty(STDIN_FILENO))
        words_add_option(words, "-mon", "chardev=console");
}

static void add_ends(const struct run_options *options, const struct run_names *names,
                     struct words *words) {
    words_add(words, "-no-reboot");
    words_add_option(words, "-device", EXIT_DEVICE);
    if (options->gdb) {
        words_add(words, "-s");
        words_add(words, "-S");
    }
    if (names->log >= 0) {
        words_add_option(words, "-d", "cpu_reset");
        words_add(words, "-D");
        words_add(words, "/proc/self/fd/%d", names->log);
    }
}

static bool has_own_firmware(const struct run_options *options) {
    for (int i = 0; i < options->qemu_word_count; i++)
        if (strstr(options->qemu_words[i], "if=pflash"))
            return true;
    return has_qemu_word(options, "-bios") || has_qemu_word(options, "-pflash");
}

static struct words make_command(const struct run_options *options, const struct run_names *names) {
    struct words words = {0};
    words_add(&words, "%s", options->qemu);
    add_machine(options, &words);
    add_console(options, &words);
    add_ends(options, names, &words);
    if (options->uefi && !has_own_firmware(options))
        words_add_option(&words, "-bios", FIRMWARE);
    words_add_option(&words, "-kernel", names->image);
    if (names->module)
        words_add_option(&words, "-initrd", names->module);
    words_add_option(&words, "-append", names->line);
    for (int i = 0; i < options->qemu_word_count; i++)
        words_add(&words, "%s", options->qemu_words[i]);
    return words;
}

/* --- The kernel's line ------------------------------------------------------------------------ */

static const char *choose_console(const char *given, const struct payloads *payloads) {
    static const char console[] = "console=ttyS0";
    if (!kernel_line_wants_console(given, &payloads->files[0]))
        return "";
    complain("a Linux without console= in its line: %s added", console);
    return console;
}

/* A Linux that measures its clock where no timer is but an emulated one may hang: docs/hosts.md. */
static const char *choose_clock(const struct run_options *options, const char *given,
                                const struct payloads *payloads) {
    static const char clock[] = "tsc_early_khz=1000000";
    if (!is_microvm(options) || !is_emulated(options) ||
        !kernel_line_wants(given, &payloads->files[0], "tsc_early_khz="))
        return "";
    complain("a Linux may hang on an emulated microvm, whose clock it measures: %s added", clock);
    return clock;
}

/*
 * What is for pvhboot stands in front, where no open quote can swallow it, and a UKI's profile is
 * still the first of the other words.
 */
static char *make_line(const struct run_options *options, const struct payloads *payloads) {
    char *given =
        kernel_line_join((const char *const[]){payloads->names[0].arguments, options->append}, 2);
    if (!given)
        return NULL;
    const char *policy = kernel_line_has(given, "pvhboot.panic=") ? "" : "pvhboot.panic=exit";
    const char *console = choose_console(given, payloads);
    if (kernel_line_is_of_unheard_xen(given, &payloads->files[0]))
        complain("Xen drops its line's first word, and is heard by console=com1 behind it: "
                 "\"pvhboot.argv0=xen console=com1\"");
    const char *clock = choose_clock(options, given, payloads);
    char *line = kernel_line_join((const char *const[]){policy, console, clock, given}, 4);
    free(given);
    if (line && !is_microvm(options) && !options->uefi && strlen(line) > OPTION_ROM_LINE_LIMIT) {
        complain("the command line has %zu characters, %s takes %u: --machine microvm takes more",
                 strlen(line), options->machine, OPTION_ROM_LINE_LIMIT);
        free(line);
        return NULL;
    }
    return line;
}

/* --- The files -------------------------------------------------------------------------------- */

/*
 * A file without a name, which is gone with the last process that has it open, however that ends.
 * Complains.
 */
static bool open_unnamed(const char *purpose, struct file_writer *writer) {
    *writer = (struct file_writer){.name = purpose, .descriptor = memfd_create(purpose, 0)};
    if (writer->descriptor < 0)
        complain("%s: %s", purpose, strerror(errno));
    return writer->descriptor >= 0;
}

/*
 * What firmware is to start takes the place of the image, and of what the host gives as its initrd.
 */
static enum payloads_form form_of(const struct run_options *options,
                                  const struct payloads *payloads) {
    return options->uefi ? PAYLOADS_EFI : payloads_form(payloads);
}

/* What the host gives as its initrd: *descriptor, or -1 when that is the kernel's own file. */
static int make_module(const struct payloads *payloads, enum payloads_form form, bool with_hashes,
                       int *descriptor) {
    struct file_writer writer;
    *descriptor = -1;
    /* A pipe has been read, and cannot be a second time. */
    if (form == PAYLOADS_ALONE && payloads->files[0].mapped &&
        strcmp(payloads->names[0].path, "-") != 0)
        return COMMAND_DONE;
    if (!open_unnamed("module", &writer))
        return COMMAND_TROUBLE;
    const int status = payloads_write(payloads, form, with_hashes, &writer);
    *descriptor = writer.descriptor;
    return writer.failed ? COMMAND_TROUBLE : status;
}

static bool make_image(int *descriptor) {
    struct file_writer writer;
    if (!open_unnamed("pvhboot.elf", &writer))
        return false;
    file_write(&writer, image_file, (uintptr_t)image_file_end - (uintptr_t)image_file);
    *descriptor = writer.descriptor;
    return !writer.failed;
}

/* --- To show the command ---------------------------------------------------------------------- */

/* Hashes are for what is kept; here they are of use only to who demands them. */
static bool wants_hashes(const char *line) {
    return kernel_line_has(line, "pvhboot.verify=");
}

/* What pack --self-contained or --efi made, or a UKI with pvhboot as its stub. */
static bool starts_itself(const struct run_options *options, const struct payloads *payloads) {
    const struct file *kernel = &payloads->files[0];
    return options->uefi ? pe_is_pvhboot((struct span){0, kernel->bytes, kernel->size})
                         : payloads_start_themselves(payloads);
}

/* An image with a kernel inside is the kernel for QEMU, and a module is its initrd. */
static void start_itself(const struct payloads *payloads, struct run_names *names) {
    names->image = payloads->names[0].path;
    names->module = payloads->count > 1 ? payloads->names[1].path : NULL;
}

static bool can_start_itself(const struct run_options *options, const struct payloads *payloads) {
    const struct file *program = &payloads->files[0];
    struct pe_fault fault;
    if (options->uefi &&
        pe_layout_find_fault((struct span){0, program->bytes, program->size}, &fault) &&
        fault.is_refused) {
        complain_error(&fault.error);
        verdict_print_advice(fault.text, fault.error.number);
        return false;
    }
    if (payloads->count == 1 ||
        (!options->uefi && payloads->count == 2 && !payloads->names[1].arguments))
        return true;
    if (options->uefi) {
        complain("%s is a program for UEFI: what goes with its kernel is to be packed into it",
                 payloads->names[0].path);
        return false;
    }
    complain("%s has a kernel inside: QEMU gives it one module more, without arguments",
             payloads->names[0].path);
    return false;
}

static bool print_command(FILE *stream, const struct run_options *options,
                          const struct payloads *payloads, const char *image_path,
                          const char *line) {
    const enum payloads_form form = form_of(options, payloads);
    struct run_names names = {image_path ? image_path : IMAGE_PATH_USUAL, NULL, line, -1};
    char *made = NULL;
    if (starts_itself(options, payloads)) {
        start_itself(payloads, &names);
    } else if (form == PAYLOADS_ALONE) {
        names.module = payloads->names[0].path;
    } else {
        made = free_name(NULL);
        if (!made)
            return false;
        *(options->uefi ? &names.image : &names.module) = made;
        payloads_print_making(payloads, form, wants_hashes(line), false, made, stream);
        fputs(" &&\n", stream);
    }
    struct words words = make_command(options, &names);
    words_print(&words, stream);
    words_free(&words);
    free(made);
    return true;
}

/* A command that is pasted later has another standard input. */
static bool can_be_pasted(const struct payloads *payloads) {
    for (size_t i = 0; i < payloads->count; i++) {
        if (strcmp(payloads->names[i].path, "-") == 0) {
            complain("-: a command to be pasted needs a file that stays");
            return false;
        }
    }
    return true;
}

/* --- To run it -------------------------------------------------------------------------------- */

/* gdb takes a file of 32 bits for the whole machine, whose registers QEMU tells in 64. */
static bool needs_architecture(const struct file *kernel) {
    return kernel->size > EI_CLASS &&
           elf_probe((struct span){.bytes = kernel->bytes, .size = kernel->size}) &&
           kernel->bytes[EI_CLASS] == ELFCLASS32;
}

static void print_debugger(const struct payloads *payloads) {
    fputs("pvhboot: QEMU waits for a debugger: gdb ", stderr);
    quote_shell(stderr, payloads->names[0].path);
    if (needs_architecture(&payloads->files[0]))
        fputs(" -ex 'set architecture i386:x86-64'", stderr);
    fputs(" -ex 'target remote :1234'\n", stderr);
}

static void print_hints(const struct run_options *options, const struct payloads *payloads) {
    const char *program = strrchr(options->qemu, '/');
    if (options->gdb)
        print_debugger(payloads);
    if (strcmp(program ? program + 1 : options->qemu, QEMU_32) == 0)
        complain(QEMU_32 " takes no ELF64 file, which the image is: without --qemu, -- -cpu qemu32 "
                         "has a processor of 32 bits");
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !is_curses(options))
        complain("Ctrl-A x ends QEMU, Ctrl-A c is its monitor%s",
                 options->display || is_microvm(options) ? "" : "; --display shows the screen");
}

/* What became of QEMU, as this command's own exit status. */
static int judge(const struct run_options *options, const struct child *child) {
    if (child->error == ENOENT && strcmp(options->qemu, QEMU) == 0) {
        complain(QEMU " is not installed: Debian has it in the package " QEMU_PACKAGE);
        return COMMAND_TROUBLE;
    }
    if (child->error) {
        complain("%s: %s", options->qemu, strerror(child->error));
        return COMMAND_TROUBLE;
    }
    if (child->ended_by_us) {
        /* The shell is to see what it was. */
        signal(child->ended_by_us, SIG_DFL);
        raise(child->ended_by_us);
    } else if (child->status > 128) {
        complain("%s was ended by signal %d", options->qemu, child->status - 128);
    } else if (child->log_size && strstr(child->log, "Triple fault")) {
        complain("the guest ended with a triple fault, an exception that it could not handle: "
                 "behind -- the words -d int show each");
        return child->status ? child->status : FAILED_STATUS;
    }
    return child->status;
}

/* The model of the machine that it was: hosts.h. */
static const struct host *host_of(const struct run_options *options) {
    if (is_microvm(options))
        return host_find("microvm");
    return host_find(strstr(options->machine, "q35") ? "qemu-q35" : "qemu-pc");
}

/*
 * What to do about the error that the image ended with. The guest may have had the same status for
 * reasons of its own: planned anew, it then has no error.
 */
static void advise(const struct run_options *options, const struct payloads *payloads,
                   const struct run_names *names) {
    const struct file *kernel = &payloads->files[0];
    struct file file;
    struct guest guest;
    if (!file_open(names->module, &file))
        return;
    if (guest_open(&guest)) {
        const struct host_module module = {file.bytes, file.size, "module 0", NULL};
        const struct host_request request = {.memory = options->memory_mib * MIB,
                                             .command_line = names->line,
                                             .modules = &module,
                                             .module_count = 1};
        if (host_place(host_of(options), &request, &guest) == COMMAND_DONE && !guest_plan(&guest))
            verdict_advise((struct span){.bytes = kernel->bytes, .size = kernel->size},
                           guest.error.number);
        guest_close(&guest);
    }
    file_close(&file);
}

static int run_qemu(const struct run_options *options, const struct payloads *payloads,
                    struct run_names *names) {
    struct child child = {.log_reader = -1, .log_writer = -1};
    if (is_emulated(options) && !has_qemu_word(options, "-d") && !has_qemu_word(options, "-D") &&
        !child_open_log(&child)) {
        complain("pipe: %s", strerror(errno));
        return COMMAND_TROUBLE;
    }
    names->log = child.log_writer;
    struct words words = make_command(options, names);
    int status = COMMAND_TROUBLE;
    if (words.failed) {
        complain("there is not enough memory");
    } else {
        print_hints(options, payloads);
        child_run(&child, words.word);
        status = judge(options, &child);
        if (child.status == FAILED_STATUS && !options->uefi && !starts_itself(options, payloads))
            advise(options, payloads, names);
    }
    words_free(&words);
    return status;
}

#define DESCRIPTOR_PATH_SIZE 32u

static int boot(const struct run_options *options, const struct payloads *payloads,
                const char *image_path, const char *line) {
    char image[DESCRIPTOR_PATH_SIZE];
    char module[DESCRIPTOR_PATH_SIZE];
    int image_descriptor = -1;
    int module_descriptor = -1;
    struct run_names names = {image_path, payloads->names[0].path, line, -1};
    int status =
        make_module(payloads, form_of(options, payloads), wants_hashes(line), &module_descriptor);
    if (status == COMMAND_DONE && !image_path && !options->uefi && !make_image(&image_descriptor))
        status = COMMAND_TROUBLE;
    if (module_descriptor >= 0) {
        snprintf(module, sizeof module, "/proc/self/fd/%d", module_descriptor);
        names.module = module;
    }
    if (image_descriptor >= 0) {
        snprintf(image, sizeof image, "/proc/self/fd/%d", image_descriptor);
        names.image = image;
    }
    if (options->uefi) {
        names.image = names.module;
        names.module = NULL;
    }
    if (status == COMMAND_DONE)
        status = run_qemu(options, payloads, &names);
    if (module_descriptor >= 0)
        close(module_descriptor);
    if (image_descriptor >= 0)
        close(image_descriptor);
    return status;
}

/*
 * QEMU would say so, too, but only of files that were copied before. "-m" among QEMU's own words
 * counts for it, and not here.
 */
static bool have_room(const struct run_options *options, const struct payloads *payloads) {
    uint64_t size = 0;
    for (size_t i = 0; i < payloads->count; i++)
        size += payloads->files[i].size;
    if (size / MIB < options->memory_mib || has_qemu_word(options, "-m"))
        return true;
    complain("the files have %llu MiB, the guest %llu: --memory gives it more",
             (unsigned long long)(size / MIB), (unsigned long long)options->memory_mib);
    return false;
}

static int boot_itself(const struct run_options *options, const struct payloads *payloads,
                       const char *line) {
    struct run_names names = {NULL, NULL, line, -1};
    start_itself(payloads, &names);
    for (size_t i = 0; i < payloads->count; i++) {
        /* QEMU opens it anew, and asks for its size. */
        if (payloads->files[i].mapped && strcmp(payloads->names[i].path, "-") != 0)
            continue;
        complain("%s: a pipe: of an image with a kernel inside, QEMU needs the file",
                 payloads->names[i].path);
        return COMMAND_TROUBLE;
    }
    return run_qemu(options, payloads, &names);
}

/* QEMU's own complaint does not say where it is from. */
static bool have_firmware(const struct run_options *options) {
    if (!options->uefi || options->dry_run || has_own_firmware(options) ||
        access(FIRMWARE, R_OK) == 0)
        return true;
    complain(FIRMWARE ": %s: Debian has it in the package " FIRMWARE_PACKAGE, strerror(errno));
    return false;
}

static int run_payload(const struct run_options *options, const struct payloads *payloads) {
    const bool itself = starts_itself(options, payloads);
    if (!have_room(options, payloads) || (itself && !can_start_itself(options, payloads)))
        return COMMAND_DOES_NOT_BOOT;
    if (!have_firmware(options))
        return COMMAND_TROUBLE;
    if (options->dry_run && !can_be_pasted(payloads))
        return COMMAND_TROUBLE;
    char *line = make_line(options, payloads);
    if (!line)
        return COMMAND_TROUBLE;
    char *image_path = image_path_find(true);
    int status = COMMAND_DONE;
    if ((options->verbose || options->dry_run) &&
        !print_command(options->dry_run ? stdout : stderr, options, payloads, image_path, line))
        status = COMMAND_TROUBLE;
    else if (!options->dry_run)
        status = itself ? boot_itself(options, payloads, line)
                        : boot(options, payloads, image_path, line);
    free(image_path);
    free(line);
    return status;
}

/* --- Options ---------------------------------------------------------------------------------- */

static bool is_number(const char *text) {
    return *text && text[strspn(text, "0123456789")] == 0;
}

static bool has_digit_but_0(const char *number) {
    return number[strspn(number, "0")] != 0;
}

/* One of ours, perhaps with options of its own or of a version: "microvm,rtc=on", "pc-q35-7.1". */
static bool is_machine(const char *text) {
    static const char *const machines[] = {"pc", "q35", "microvm"};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        const size_t length = strlen(machines[i]);
        if (strncmp(text, machines[i], length) == 0 &&
            (!text[length] || text[length] == ',' || text[length] == '-'))
            return true;
    }
    return false;
}

static const char run_help[] =
    "usage: pvhboot run [OPTIONS] KERNEL[,ARGUMENTS] [MODULE[,ARGUMENTS]]... [-- QEMU OPTIONS]\n"
    "\n"
    "Boots a kernel in QEMU, with its serial port on the terminal. KERNEL is anything that\n"
    "pvhboot boots: a Linux bzImage or vmlinux, a UKI, a Multiboot or PVH kernel, a bundle,\n"
    "packed or not. MODULEs are a Linux's initrds or another kernel's modules. A comma in a\n"
    "file's name is written twice. Ctrl-A x ends QEMU, Ctrl-A c is its monitor.\n"
    "\n"
    "  -M, --machine NAME  pc (the default), q35 or microvm\n"
    "  -m, --memory SIZE   512M, 4G, or a number of MiB; 512M if not given\n"
    "  -c, --cpus NUMBER   processors; 1 if not given\n"
    "  -a, --append LINE   more of the kernel's command line, behind its ARGUMENTS\n"
    "      --accel NAME    kvm or tcg; if not given, kvm where it works\n"
    "      --display NAME  show the screen: gtk, sdl, or curses, which is on the terminal\n"
    "      --uefi          by UEFI: OVMF starts pvhboot.efi with the files inside\n"
    "      --gdb           wait for a debugger on port 1234\n"
    "      --qemu PROGRAM  instead of qemu-system-x86_64\n"
    "  -v, --verbose       print the commands that do the same\n"
    "  -n, --dry-run       only print them\n"
    "  -h, --help          this text\n"
    "\n"
    "The exit code is QEMU's: 0 when the guest switches off or restarts, (v << 1) | 1 when it\n"
    "writes v to port 0xf4; 3 when pvhboot does not boot the kernel, after a line with the\n"
    "reason, and after a triple fault. 1: QEMU's own, for its options, and files that are empty\n"
    "or larger than the guest's memory, or a bundle with modules; 2: wrong usage; 3: trouble\n"
    "with a file. A Linux without console= in its line gets console=ttyS0, and on an emulated\n"
    "microvm tsc_early_khz=1000000, without which it may hang there.\n"
    "Words for pvhboot itself stand in the kernel's line: --append pvhboot.verbose shows what\n"
    "goes where. See pvhboot(1), pvhboot(7).\n";

enum long_option { OPTION_ACCEL = 0x100, OPTION_DISPLAY, OPTION_UEFI, OPTION_GDB, OPTION_QEMU };

static const struct option run_long_options[] = {
    {"machine", required_argument, NULL, 'M'},
    {"memory", required_argument, NULL, 'm'},
    {"cpus", required_argument, NULL, 'c'},
    {"append", required_argument, NULL, 'a'},
    {"accel", required_argument, NULL, OPTION_ACCEL},
    {"display", required_argument, NULL, OPTION_DISPLAY},
    {"uefi", no_argument, NULL, OPTION_UEFI},
    {"gdb", no_argument, NULL, OPTION_GDB},
    {"qemu", required_argument, NULL, OPTION_QEMU},
    {"verbose", no_argument, NULL, 'v'},
    {"dry-run", no_argument, NULL, 'n'},
    {"help", no_argument, NULL, 'h'},
    {0}};

/* What users of QEMU write, and would be a letter of ours with the rest as its value. */
static bool is_qemus(const char *word) {
    static const char *const words[] = {"-accel", "-append",  "-cdrom", "-chardev",
                                        "-cpu",   "-machine", "-mon",   "-monitor"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static bool is_long_option(const char *name) {
    for (const struct option *option = run_long_options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return true;
    return false;
}

/* What getopt_long gave, -1 excluded. */
static int take_option(struct run_options *options, int option, char **argv) {
    const char *word = argv[optind - 1];
    if (optarg == word + 2 && is_qemus(word))
        return complain_usage(&run_command, "%s is QEMU's, whose options stand behind --%s%s", word,
                              is_long_option(word + 1) ? "; here it is -" : "",
                              is_long_option(word + 1) ? word : "");
    switch (option) {
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
    case OPTION_ACCEL:
        options->accel = optarg;
        return COMMAND_DONE;
    case OPTION_DISPLAY:
        options->display = optarg;
        return COMMAND_DONE;
    case OPTION_UEFI:
        options->uefi = true;
        return COMMAND_DONE;
    case OPTION_GDB:
        options->gdb = true;
        return COMMAND_DONE;
    case OPTION_QEMU:
        options->qemu = optarg;
        return COMMAND_DONE;
    case 'v':
        options->verbose = true;
        return COMMAND_DONE;
    case 'n':
        options->dry_run = true;
        return COMMAND_DONE;
    case 'h':
        options->help = true;
        return COMMAND_DONE;
    default:
        return complain_option(&run_command, option, argv);
    }
}

/* The values, which QEMU would complain about less clearly. */
static int check_options(struct run_options *options) {
    if (!is_machine(options->machine))
        return complain_usage(&run_command, "--machine %s: it is pc, q35 or microvm",
                              options->machine);
    uint64_t memory;
    if (!memory_size_parse(options->memory, &memory))
        return complain_usage(&run_command, "--memory %s: it is 512M or 4G, say", options->memory);
    if (memory < MEMORY_LEAST)
        return complain_usage(&run_command, "--memory %s: it is 2M at least; a number alone is MiB",
                              options->memory);
    options->memory_mib = memory / MIB;
    if (options->cpus && !is_number(options->cpus))
        return complain_usage(&run_command, "--cpus %s: it is a number", options->cpus);
    if (options->cpus && !has_digit_but_0(options->cpus))
        return complain_usage(&run_command, "--cpus %s: it is 1 at least", options->cpus);
    if (options->uefi && is_microvm(options))
        return complain_usage(&run_command, "--uefi: it is for --machine pc or q35");
    if (options->display && is_microvm(options))
        return complain_usage(&run_command, "--display %s: a microvm has no screen",
                              options->display);
    if (options->payload_count == 0)
        return complain_usage(&run_command, "no kernel is given");
    return COMMAND_DONE;
}

/* What stands behind "--" is not for getopt, which would mix it with what stands before. */
static int separator(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i;
    return argc;
}

static int parse(struct run_options *options, int argc, char **argv) {
    const int end = separator(argc, argv);
    int option;
    options->qemu_words = argv + end + 1;
    options->qemu_word_count = end < argc ? argc - end - 1 : 0;
    while ((option = getopt_long(end, argv, ":M:m:c:a:vnh", run_long_options, NULL)) != -1) {
        const int status = take_option(options, option, argv);
        if (status != COMMAND_DONE)
            return status;
    }
    options->payloads = argv + optind;
    options->payload_count = (size_t)(end - optind);
    return options->help ? COMMAND_DONE : check_options(options);
}

static int run(int argc, char **argv) {
    struct run_options options = {.machine = "pc", .memory = "512M", .qemu = QEMU};
    struct payloads payloads;
    int status = parse(&options, argc, argv);
    if (status != COMMAND_DONE)
        return status;
    if (options.help) {
        fputs(run_help, stdout);
        return COMMAND_DONE;
    }
    const bool chooses_accel = has_qemu_word(&options, "-accel") ||
                               has_qemu_word(&options, "-enable-kvm") ||
                               has_qemu_word(&options, "-no-kvm");
    if (!options.accel && !chooses_accel)
        options.accel = accel_find();
    status = payloads_open(&payloads, options.payloads, options.payload_count);
    if (status != COMMAND_DONE)
        return status;
    status = run_payload(&options, &payloads);
    payloads_close(&payloads);
    return status;
}

const struct command run_command = {"run", "boots a kernel in QEMU, on this terminal", run_help,
                                    run};
