/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel and its modules, as the user names them. */
#include "payloads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "describe.h"
#include "efi_file.h"
#include "kernel_file.h"
#include "pvhboot/loader.h"
#include "quoting.h"

static struct span span_of(const struct file *file) {
    return (struct span){.bytes = file->bytes, .size = file->size};
}

void payloads_close(struct payloads *payloads) {
    for (size_t i = 0; i < payloads->count; i++) {
        file_close(&payloads->files[i]);
        free(payloads->copies[i]);
    }
    free(payloads->files);
    free(payloads->names);
    free((void *)payloads->copies);
    *payloads = (struct payloads){0};
}

/* Arguments in the usual other ways: behind a blank, or behind a comma and a blank. */
static void explain_missing(const struct payloads *payloads, size_t index, const char *word) {
    const size_t before = index ? strlen(payloads->words[index - 1]) : 0;
    const bool follows_comma = before && payloads->words[index - 1][before - 1] == ',';
    if (access(payloads->names[index].path, F_OK) == 0)
        return;
    if (strchr(word, ',') && access(word, F_OK) == 0)
        complain("a comma in a file's name is written twice: behind one are arguments");
    else if (index && (follows_comma || strpbrk(word, "= ")))
        complain("a kernel's arguments stand behind a comma, without a space, or in --append");
}

static bool open_one(struct payloads *payloads, char *word) {
    const size_t index = payloads->count;
    char *copy = strdup(word);
    if (!copy) {
        complain("there is not enough memory");
        return false;
    }
    payloads->names[index] = named_payload_parse(copy);
    if (!file_open(payloads->names[index].path, &payloads->files[index])) {
        explain_missing(payloads, index, word);
        free(copy);
        return false;
    }
    payloads->copies[index] = copy;
    payloads->count++;
    return true;
}

static bool open_all(struct payloads *payloads, size_t count) {
    if (!payloads->copies || !payloads->names || !payloads->files) {
        complain("there is not enough memory");
        return false;
    }
    while (payloads->count < count)
        if (!open_one(payloads, payloads->words[payloads->count]))
            return false;
    return true;
}

/* --- What a Linux does with its modules ------------------------------------------------------- */

static bool is_of_linux(const struct file *module) {
    const struct span bytes = span_of(module);
    const enum content content = content_of(bytes);
    const struct foreign *foreign = foreign_find(bytes);
    if (content == CONTENT_UNKNOWN)
        return !foreign || foreign_is_initrd(foreign);
    return content == CONTENT_INITRD || content == CONTENT_COMPRESSED ||
           content == CONTENT_DEVICE_TREE || content == CONTENT_EMPTY;
}

static bool has_words(const char *arguments) {
    return arguments && *arguments;
}

/* Both are looked at before the kernel is, which may have to be unpacked for it. */
static void warn_of_module(const struct file *kernel, const struct named_payload *name,
                           const struct file *module) {
    const bool has_arguments = has_words(name->arguments);
    const bool is_initrd = is_of_linux(module);
    if ((!has_arguments && is_initrd) || !kernel_file_is_linux(kernel->bytes, kernel->size))
        return;
    if (has_arguments)
        complain("%s: a Linux does not read the arguments of an initrd: \"%s\"", name->path,
                 name->arguments);
    if (!is_initrd)
        complain("%s: no initrd, as a Linux takes its modules to be: pvhboot inspect tells what "
                 "it is",
                 name->path);
}

static void warn_linux(const struct payloads *payloads) {
    for (size_t i = 1; i < payloads->count; i++)
        warn_of_module(&payloads->files[0], &payloads->names[i], &payloads->files[i]);
}

int payloads_open(struct payloads *payloads, char *const *words, size_t count) {
    *payloads = (struct payloads){.words = words,
                                  .copies = calloc(count, sizeof *payloads->copies),
                                  .names = calloc(count, sizeof *payloads->names),
                                  .files = calloc(count, sizeof *payloads->files)};
    if (!open_all(payloads, count)) {
        payloads_close(payloads);
        return COMMAND_TROUBLE;
    }
    if (payloads->files[0].size == 0) {
        complain("%s: the file is empty", payloads->names[0].path);
        payloads_close(payloads);
        return COMMAND_DOES_NOT_BOOT;
    }
    warn_linux(payloads);
    return COMMAND_DONE;
}

/* boot.rst: before it, syssize has half of its bits. */
#define SIZE_TOLD_VERSION 0x204u

/* --- What they come in ------------------------------------------------------------------------ */

/* Behind a kernel, zeros are nothing, and a device tree, which begins as a bundle does, is none. */
static bool is_initrd(const struct file *file) {
    return !span_is_zero(span_of(file)) && !bundle_probe(file->bytes, file->size);
}

/*
 * A bzImage that ends where its header says: of one that was cut off, or not padded, what is put
 * behind it would be taken for the rest, and of one with an initrd it might not begin where it
 * must.
 */
static bool is_whole_bzimage(const struct file *file) {
    struct linux_kernel kernel;
    struct error error;
    size_t header;
    return !bundle_probe(file->bytes, file->size) && linux_loader.probe(span_of(file), &header) &&
           linux_parse(span_of(file), &kernel, &error) && kernel.version >= SIZE_TOLD_VERSION &&
           kernel.code.size == (uint64_t)kernel.header.syssize * LINUX_PARAGRAPH &&
           kernel.tail.size == 0;
}

enum payloads_form payloads_form(const struct payloads *payloads) {
    if (payloads->count == 1)
        return PAYLOADS_ALONE;
    const bool joined = payloads->count == 2 && is_whole_bzimage(&payloads->files[0]) &&
                        !payloads->names[1].arguments && is_initrd(&payloads->files[1]);
    return joined ? PAYLOADS_JOINED : PAYLOADS_BUNDLE;
}

bool payloads_start_themselves(const struct payloads *payloads) {
    struct span inside = {0};
    return find_pvhboot(span_of(&payloads->files[0]), &inside) && inside.size;
}

bool payloads_fit(const struct payloads *payloads, enum payloads_form form) {
    const struct file *kernel = &payloads->files[0];
    const bool bundles = form == PAYLOADS_BUNDLE || (form == PAYLOADS_EFI && payloads->count > 1);
    if (!bundles || !bundle_probe(kernel->bytes, kernel->size))
        return true;
    complain("%s is a bundle already: pack its parts and the others together", kernel->name);
    return false;
}

static int make_bundle(const struct payloads *payloads, bool with_hashes, struct bundle *bundle) {
    struct bundle_part *parts = calloc(payloads->count, sizeof *parts);
    if (!parts) {
        complain("there is not enough memory");
        return COMMAND_TROUBLE;
    }
    for (size_t i = 0; i < payloads->count; i++) {
        const struct file *file = &payloads->files[i];
        const char *arguments = i ? payloads->names[i].arguments : NULL;
        parts[i] = (struct bundle_part){file->name, file->bytes, file->size, arguments};
    }
    const struct bundle_contents contents = {.kernel = parts[0],
                                             .modules = parts + 1,
                                             .module_count = payloads->count - 1,
                                             .without_hashes = !with_hashes};
    const int status = bundle_make(&contents, bundle);
    free(parts);
    return status;
}

static int write_bundle(const struct payloads *payloads, bool with_hashes,
                        struct file_writer *writer) {
    struct bundle bundle;
    const int status = make_bundle(payloads, with_hashes, &bundle);
    if (status == COMMAND_DONE) {
        bundle_write(&bundle, writer);
        bundle_free(&bundle);
    }
    return status;
}

static int write_efi_around(const struct bundle *payload, struct file_writer *writer) {
    struct efi_program program;
    const int status = efi_program_make(payload, NULL, &program);
    if (status == COMMAND_DONE) {
        efi_program_write(&program, payload, writer);
        efi_program_free(&program);
    }
    return status;
}

/* As pack --efi makes it: a bundle goes in as it is. */
static int write_efi(const struct payloads *payloads, bool with_hashes,
                     struct file_writer *writer) {
    const struct file *kernel = &payloads->files[0];
    if (bundle_probe(kernel->bytes, kernel->size)) {
        struct bundle_piece piece = {0, kernel->bytes, kernel->size};
        const struct bundle whole = {.pieces = &piece, .piece_count = 1, .size = kernel->size};
        return write_efi_around(&whole, writer);
    }
    struct bundle bundle;
    int status = make_bundle(payloads, with_hashes, &bundle);
    if (status == COMMAND_DONE) {
        status = write_efi_around(&bundle, writer);
        bundle_free(&bundle);
    }
    return status;
}

/* A bundle's parts are looked at in bundle_make. */
static bool have_room(const struct payloads *payloads) {
    uint64_t size = 0;
    for (size_t i = 0; i < payloads->count; i++)
        size += payloads->files[i].size;
    if (size <= LOW_MEMORY_END)
        return true;
    complain("%llu bytes: what a host loads for pvhboot has to lie below 4 GiB",
             (unsigned long long)size);
    return false;
}

int payloads_write(const struct payloads *payloads, enum payloads_form form, bool with_hashes,
                   struct file_writer *writer) {
    if (!payloads_fit(payloads, form))
        return COMMAND_DOES_NOT_BOOT;
    if (form == PAYLOADS_BUNDLE)
        return write_bundle(payloads, with_hashes, writer);
    if (form == PAYLOADS_EFI)
        return write_efi(payloads, with_hashes, writer);
    if (!have_room(payloads))
        return COMMAND_DOES_NOT_BOOT;
    for (size_t i = 0; i < payloads->count; i++)
        file_write(writer, payloads->files[i].bytes, payloads->files[i].size);
    return COMMAND_DONE;
}

/* --- The command that makes it ---------------------------------------------------------------- */

/* With commas twice, as pack reads it; of malloc. */
static char *double_commas(const char *path) {
    char *name = malloc(2 * strlen(path) + 1);
    char *end = name;
    if (!name)
        return NULL;
    for (; *path; path++) {
        if (*path == ',')
            *end++ = ',';
        *end++ = *path;
    }
    *end = 0;
    return name;
}

static void print_word(FILE *stream, const char *word) {
    putc(' ', stream);
    quote_shell(stream, word);
}

static void print_payload(const struct named_payload *payload, bool is_kernel, bool absolute,
                          FILE *stream) {
    char *path = absolute ? realpath(payload->path, NULL) : NULL;
    char *name = double_commas(path ? path : payload->path);
    char *word = NULL;
    if (name && (is_kernel || !payload->arguments))
        print_word(stream, name);
    else if (name && asprintf(&word, "%s,%s", name, payload->arguments) >= 0)
        print_word(stream, word);
    free(word);
    free(name);
    free(path);
}

static void print_path(const struct named_payload *payload, bool absolute, FILE *stream) {
    char *path = absolute ? realpath(payload->path, NULL) : NULL;
    print_word(stream, path ? path : payload->path);
    free(path);
}

/* This command, so that it is found wherever the line is pasted. */
static void print_ourselves(bool absolute, FILE *stream) {
    char *path = absolute ? realpath("/proc/self/exe", NULL) : NULL;
    quote_shell(stream, path ? path : "pvhboot");
    free(path);
}

void payloads_print_making(const struct payloads *payloads, enum payloads_form form,
                           bool with_hashes, bool absolute, const char *output, void *stdio_file) {
    FILE *stream = stdio_file;
    if (form == PAYLOADS_JOINED) {
        fputs("cat", stream);
        for (size_t i = 0; i < payloads->count; i++)
            print_path(&payloads->names[i], absolute, stream);
        fputs(" >", stream);
        print_word(stream, output);
        return;
    }
    print_ourselves(absolute, stream);
    fprintf(stream, " pack%s%s -o", form == PAYLOADS_EFI ? " --efi" : "",
            with_hashes ? "" : " --no-hashes");
    print_word(stream, output);
    for (size_t i = 0; i < payloads->count; i++)
        print_payload(&payloads->names[i], i == 0, absolute, stream);
}
