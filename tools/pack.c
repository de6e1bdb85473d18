/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot pack`: a kernel and its modules in one file, for hosts that give one, or none. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "command.h"
#include "describe.h"
#include "efi_file.h"
#include "guest.h"
#include "hosts.h"
#include "kernel_file.h"
#include "kernel_line.h"
#include "progress.h"
#include "pvhboot/boot_info.h"
#include "pvhboot/options.h"
#include "self_contained.h"
#include "verdict.h"

/* What is asked for. */
struct request {
    const char *output;
    bool unpack;
    bool self_contained;
    bool efi;
    const char *append; /* the host's line, of which --efi's firmware has none */
    bool force;
    bool without_hashes;
    char *device_tree; /* a file's name; NULL: none */
    const char *argv0;
    char **words; /* KERNEL[,ARGUMENTS] and MODULE[,ARGUMENTS]... */
    size_t word_count;
};

/* All that is read, until all is written. */
struct packing {
    struct file *files; /* the kernel, its modules, its device tree */
    size_t file_count;
    struct bundle_part *modules;
    struct unpacked_kernel unpacked;
    char *kernel_line; /* of malloc; NULL: as it was given */
    struct bundle_contents contents;
    struct bundle bundle;
};

static int out_of_memory(void) {
    complain("there is not enough memory");
    return COMMAND_TROUBLE;
}

/* --- The command line ------------------------------------------------------------------------- */

enum {
    OPTION_UNPACK = 256,
    OPTION_SELF_CONTAINED,
    OPTION_EFI,
    OPTION_FDT,
    OPTION_ARGV0,
    OPTION_FORCE,
    OPTION_NO_HASHES
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"unpack", no_argument, NULL, OPTION_UNPACK},
    {"self-contained", no_argument, NULL, OPTION_SELF_CONTAINED},
    {"efi", no_argument, NULL, OPTION_EFI},
    {"append", required_argument, NULL, 'a'},
    {"fdt", required_argument, NULL, OPTION_FDT},
    {"argv0", required_argument, NULL, OPTION_ARGV0},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"no-hashes", no_argument, NULL, OPTION_NO_HASHES},
    {NULL, 0, NULL, 0},
};

static int bad_option(char **argv, bool lacks_value) {
    return complain_usage(&pack_command, lacks_value ? "%s wants a value" : "there is no option %s",
                          argv[optind - 1]);
}

static int read_option(int option, char **argv, struct request *request) {
    switch (option) {
    case 'o':
        request->output = optarg;
        break;
    case OPTION_UNPACK:
        request->unpack = true;
        break;
    case OPTION_SELF_CONTAINED:
        request->self_contained = true;
        break;
    case OPTION_EFI:
        request->efi = true;
        break;
    case 'a':
        request->append = optarg;
        break;
    case OPTION_FDT:
        request->device_tree = optarg;
        break;
    case OPTION_ARGV0:
        request->argv0 = optarg;
        break;
    case OPTION_FORCE:
        request->force = true;
        break;
    case OPTION_NO_HASHES:
        request->without_hashes = true;
        break;
    default:
        return bad_option(argv, option == ':');
    }
    return COMMAND_DONE;
}

static int read_options(int argc, char **argv, struct request *request) {
    int option;
    *request = (struct request){0};
    /* A colon in front: it says nothing itself, and tells a missing value from no such option. */
    while ((option = getopt_long(argc, argv, ":o:a:", long_options, NULL)) != -1) {
        const int status = read_option(option, argv, request);
        if (status != COMMAND_DONE)
            return status;
    }
    request->words = argv + optind;
    request->word_count = (size_t)(argc - optind);
    if (request->efi && request->self_contained)
        return complain_usage(&pack_command, "--efi or --self-contained: one file is made");
    if (request->append && !request->efi)
        return complain_usage(&pack_command, "--append is the host's line, which only --efi keeps; "
                                             "the kernel's own stands behind a comma");
    if (!request->output)
        return complain_usage(&pack_command, "-o FILE says where to");
    if (!request->word_count)
        return complain_usage(&pack_command, "which kernel?");
    return COMMAND_DONE;
}

/* --- What goes in ----------------------------------------------------------------------------- */

static struct bundle_part part_of(const struct file *file, const char *arguments) {
    return (struct bundle_part){file->name, file->bytes, file->size, arguments};
}

static bool open_next(struct packing *packing, const char *name) {
    if (!file_open(name, &packing->files[packing->file_count]))
        return false;
    packing->file_count++;
    return true;
}

/* The kernel, the modules, the device tree: as they are, of the names and arguments given. */
static int open_files(const struct request *request, struct packing *packing) {
    /* One more file is the device tree; the first module is what --unpack finds behind a kernel. */
    packing->files = calloc(request->word_count + 1, sizeof *packing->files);
    packing->modules = calloc(request->word_count, sizeof *packing->modules);
    if (!packing->files || !packing->modules)
        return out_of_memory();
    struct bundle_contents *contents = &packing->contents;
    contents->modules = packing->modules + 1;
    contents->argv0 = request->argv0;
    contents->without_hashes = request->without_hashes;
    for (size_t i = 0; i < request->word_count; i++) {
        const struct named_payload payload = named_payload_parse(request->words[i]);
        if (!open_next(packing, payload.path))
            return COMMAND_TROUBLE;
        struct bundle_part *part = i ? &packing->modules[i] : &contents->kernel;
        *part = part_of(&packing->files[i], payload.arguments);
    }
    contents->module_count = request->word_count - 1;
    if (request->device_tree) {
        if (!open_next(packing, request->device_tree))
            return COMMAND_TROUBLE;
        contents->device_tree = part_of(&packing->files[packing->file_count - 1], NULL);
    }
    return COMMAND_DONE;
}

/* They count on the host's line only, and a kernel would be given them. */
static void warn_of_our_words(const struct request *request, const struct bundle_part *kernel) {
    const char *line = kernel->arguments ? kernel->arguments : "";
    const struct span span = {.bytes = (const uint8_t *)line, .size = strlen(line)};
    if (options_has_word(span, "pvhboot."))
        complain("the words \"pvhboot.\" of the bundle's line are the kernel's: pvhboot reads the "
                 "host's only%s",
                 request->efi ? ", which here is --append" : "");
}

static void warn_of_stub_word(const struct request *request, const struct bundle_part *kernel) {
    const struct span bytes = {.bytes = kernel->bytes, .size = kernel->size};
    if (kernel_line_asks_linux_stub(kernel->arguments, bytes) ||
        kernel_line_asks_linux_stub(request->append, bytes))
        complain("%s", kernel_line_stub_advice);
}

static bool has_word(const char *line, const char *word) {
    static const char blanks[] = " \t\n";
    const size_t size = strlen(word);
    for (const char *next = line + strspn(line, blanks); *next; next += strspn(next, blanks)) {
        const size_t length = strcspn(next, blanks);
        if (length == size && strncmp(next, word, size) == 0)
            return true;
        next += length;
    }
    return false;
}

/*
 * A bzImage's header says how the root is mounted where the line does not; a vmlinux can say it on
 * the line alone. In front, so that the host's word wins.
 */
static int say_read_only(struct packing *packing) {
    struct bundle_part *kernel = &packing->contents.kernel;
    const char *line = kernel->arguments ? kernel->arguments : "";
    if (!packing->unpacked.root_read_only || has_word(line, "ro") || has_word(line, "rw"))
        return COMMAND_DONE;
    if (asprintf(&packing->kernel_line, *line ? "ro %s" : "ro", line) < 0) {
        packing->kernel_line = NULL;
        return out_of_memory();
    }
    kernel->arguments = packing->kernel_line;
    return COMMAND_DONE;
}

/* The kernel unpacked, and what lay behind it in front of the modules. */
static int unpack_kernel(struct packing *packing) {
    struct bundle_contents *contents = &packing->contents;
    struct unpacked_kernel *unpacked = &packing->unpacked;
    const int status = kernel_file_unpack(&packing->files[0], unpacked);
    if (status != COMMAND_DONE)
        return status;
    contents->kernel.bytes = unpacked->kernel.bytes;
    contents->kernel.size = unpacked->kernel.size;
    if (unpacked->initrd.size) {
        packing->modules[0] =
            (struct bundle_part){"initrd", unpacked->initrd.bytes, unpacked->initrd.size, NULL};
        contents->modules = packing->modules;
        contents->module_count++;
    }
    return say_read_only(packing);
}

/* What went in is not to be lost. */
static int check_output(const struct request *request, const struct packing *packing) {
    if (!file_is_one_of(request->output, packing->files, packing->file_count))
        return COMMAND_DONE;
    return complain_usage(&pack_command, "%s is one of the files that go in: -o another one",
                          request->output);
}

/* Nothing that its loaders could say a word about. */
static int check_kernel(const struct request *request, const struct packing *packing) {
    const struct bundle_part *kernel = &packing->contents.kernel;
    const struct span bytes = {.bytes = kernel->bytes, .size = kernel->size};
    struct span payload;
    struct error error;
    if (!kernel->size && !request->force) {
        (void)FAIL(&error, MODULE_EMPTY);
        return complain_error(&error);
    }
    if (find_pvhboot(bytes, &payload) && payload.size)
        complain("%s has a kernel inside already, and hosts start it as it is: what is made boots "
                 "pvhboot, which boots that",
                 kernel->name);
    return COMMAND_DONE;
}

/* --- What comes out --------------------------------------------------------------------------- */

/* A bundle that is to be inside the image or the front end stays the one it is. */
static int take_bundle(const struct request *request, struct packing *packing) {
    const struct file *file = &packing->files[0];
    const bool alone = packing->file_count == 1 && !packing->contents.kernel.arguments &&
                       !request->argv0 && !request->unpack;
    if (!(request->self_contained || request->efi) || !alone) {
        complain("%s is a bundle already: it goes as it is, alone and without arguments, into "
                 "--self-contained or --efi only",
                 file->name);
        return COMMAND_DOES_NOT_BOOT;
    }
    packing->bundle.pieces = calloc(1, sizeof *packing->bundle.pieces);
    if (!packing->bundle.pieces)
        return out_of_memory();
    packing->bundle.pieces[0] = (struct bundle_piece){0, file->bytes, file->size};
    packing->bundle.piece_count = 1;
    packing->bundle.size = file->size;
    return COMMAND_DONE;
}

static int make_bundle(const struct request *request, struct packing *packing) {
    const struct bundle_part *kernel = &packing->contents.kernel;
    if (bundle_probe(kernel->bytes, kernel->size))
        return take_bundle(request, packing);
    warn_of_our_words(request, kernel);
    warn_of_stub_word(request, kernel);
    const int status = request->unpack ? unpack_kernel(packing) : COMMAND_DONE;
    return status == COMMAND_DONE ? bundle_make(&packing->contents, &packing->bundle) : status;
}

static bool is_of_load_options(const struct error *error) {
    static const char *const words[] = {"pvhboot.payload=", "pvhboot.module="};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (error->number == ERROR_UNKNOWN_OPTION &&
            span_begins(error->text, words[i], strlen(words[i])))
            return true;
    return false;
}

/* Of one that is inside the image, or of one that is a host's only module. */
static int refuse(const struct bundle_part *kernel, const struct error *error) {
    const int status = complain_error(error);
    if (is_of_load_options(error))
        verdict_print_advice("That word is read on pvhboot.efi's load options only: give the file "
                             "itself to pack.",
                             error->number);
    else
        verdict_advise((struct span){.bytes = kernel->bytes, .size = kernel->size}, error->number);
    return status;
}

static int plan_in_guest(const struct request *request, const struct bundle_part *kernel,
                         struct span bundle, struct guest *guest) {
    const struct host_module module = {bundle.bytes, bundle.size, "the bundle", NULL};
    const struct host_request asked = {.memory = HOST_ROOMY_MEMORY,
                                       .command_line = request->append,
                                       .modules = &module,
                                       .module_count = request->self_contained ? 0 : 1};
    if (request->self_contained && !guest_put_bundle(guest, self_contained_address(), bundle))
        return COMMAND_DOES_NOT_BOOT;
    const int status = host_place(&host_roomy, &asked, guest);
    if (status != COMMAND_DONE)
        return status;
    return guest_plan(guest) ? COMMAND_DONE : refuse(kernel, &guest->error);
}

/* By the plan that pvhboot would make of it on a machine with nothing in the way. */
static int check_that_it_boots(const struct request *request, const struct packing *packing) {
    const struct bundle *bundle = &packing->bundle;
    struct progress progress;
    struct guest guest;
    uint8_t *bytes = bundle->size ? malloc(bundle->size) : NULL;
    if (!bytes)
        return out_of_memory();
    int status = COMMAND_TROUBLE;
    bundle_copy(bundle, bytes);
    if (guest_open(&guest)) {
        const struct span span = {.bytes = bytes, .size = bundle->size};
        progress_begin(&progress, "checking", bundle->size);
        status = plan_in_guest(request, &packing->contents.kernel, span, &guest);
        progress_end(&progress);
        guest_close(&guest);
    }
    free(bytes);
    return status;
}

static int write_efi(const struct request *request, const struct bundle *bundle) {
    struct efi_program program;
    struct file_writer writer;
    const int status = efi_program_make(bundle, request->append, &program);
    if (status != COMMAND_DONE)
        return status;
    bool written = file_create(&writer, request->output);
    if (written) {
        efi_program_write(&program, bundle, &writer);
        written = file_finish(&writer, true);
    }
    efi_program_free(&program);
    return written ? COMMAND_DONE : COMMAND_TROUBLE;
}

static int write_output(const struct request *request, const struct bundle *bundle) {
    struct self_contained image = {0};
    struct file_writer writer;
    if (request->efi)
        return write_efi(request, bundle);
    if (request->self_contained) {
        const int status = self_contained_make(bundle->size, &image);
        if (status != COMMAND_DONE)
            return status;
    }
    bool written = file_create(&writer, request->output);
    if (written) {
        file_write(&writer, image.bytes, image.size);
        bundle_write(bundle, &writer);
        written = file_finish(&writer, true);
    }
    self_contained_free(&image);
    return written ? COMMAND_DONE : COMMAND_TROUBLE;
}

static int make_and_write(const struct request *request, struct packing *packing) {
    int status = open_files(request, packing);
    if (status == COMMAND_DONE)
        status = check_output(request, packing);
    if (status == COMMAND_DONE)
        status = check_kernel(request, packing);
    if (status == COMMAND_DONE)
        status = make_bundle(request, packing);
    if (status == COMMAND_DONE && !request->force)
        status = check_that_it_boots(request, packing);
    if (status == COMMAND_DONE)
        status = write_output(request, &packing->bundle);
    return status;
}

static void end(struct packing *packing) {
    bundle_free(&packing->bundle);
    kernel_file_free(&packing->unpacked);
    for (size_t i = 0; i < packing->file_count; i++)
        file_close(&packing->files[i]);
    free(packing->kernel_line);
    free(packing->modules);
    free(packing->files);
}

static int pack(int argc, char **argv) {
    struct request request;
    struct packing packing = {0};
    int status = read_options(argc, argv, &request);
    if (status != COMMAND_DONE)
        return status;
    if (request.efi && !efi_program_can_be_made())
        return COMMAND_TROUBLE;
    status = make_and_write(&request, &packing);
    end(&packing);
    return status;
}

const struct command pack_command = {
    "pack", "puts a kernel and its modules into one file",
    "usage: pvhboot pack -o OUT [OPTIONS] KERNEL[,ARGUMENTS] [MODULE[,ARGUMENTS]...]\n\n"
    "Makes a bundle (FIT) of a kernel and its modules, with SHA-256 hashes: what a host is given\n"
    "as initrd beside pvhboot. For Linux the modules are its initrds. A comma in a file's name\n"
    "is written twice; \"-\" is standard input.\n\n"
    "  -o, --output OUT   the file to be written; it appears when it is whole;\n"
    "                     none of those that go in\n"
    "  --self-contained   write an ELF file that is pvhboot with the bundle inside, to be\n"
    "                     started as a kernel, without any initrd\n"
    "  --efi              write a program for UEFI that is pvhboot with the bundle inside, as\n"
    "                     EFI/BOOT/BOOTX64.EFI, say; Secure Boot needs it to be signed\n"
    "  -a, --append LINE  with --efi: what is the host's line elsewhere, with words for\n"
    "                     pvhboot itself; it goes into the file, behind the kernel's ARGUMENTS\n"
    "  --unpack           store the kernel decompressed: of a bzImage the vmlinux inside\n"
    "  --fdt FILE         a device tree for Linux\n"
    "  --argv0 WORD       first word of a Multiboot kernel's line; none: there is none\n"
    "  --no-hashes        leave the hashes out: nothing vouches for the files, and booting need\n"
    "                     not compute them\n"
    "  --force            write also what would not boot\n\n"
    "Exit codes: 0 done, 1 it would not boot, 2 wrong usage, 3 trouble with a file.\n",
    pack};
