/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be booted, and with which words. */
#include "front_end.h"

#include "pvhboot/options.h"
#include "pvhboot/string.h"

#define BESIDE "payload"

/* --- The load options ------------------------------------------------------------------------- */

static bool started_by_shell(const struct front_end *front) {
    void *parameters;
    return !EFI_ERROR(BS->HandleProtocol(front->handle, &ShellParametersProtocolGuid, &parameters));
}

/* What the boot option or the shell said, as text; empty without. */
static bool read_load_options(struct front_end *front, struct span *line, struct failure *failure) {
    const UINT32 size = front->loaded->LoadOptions ? front->loaded->LoadOptionsSize : 0;
    uint32_t address;
    if (!low_memory_take(front, UTF8_SIZE(size / 2), &address, failure))
        return false;
    char *text = (char *)(uintptr_t)address;
    *line = load_options_to_text(front->loaded->LoadOptions, size, text) ? output_text(text)
                                                                         : output_text("");
    if (started_by_shell(front))
        *line = load_options_skip_name(*line);
    return true;
}

/* Whether there is nothing in it but blanks. */
static bool is_empty(struct span line) {
    size_t at = 0;
    while (at < line.size && line.bytes[at] <= ' ')
        at++;
    return at == line.size;
}

/* --- What goes to low memory ------------------------------------------------------------------ */

/* Two texts, a space between them unless one is empty, with a NUL. */
static bool join(struct front_end *front, struct span first, struct span second, struct span *text,
                 struct failure *failure) {
    const bool both = first.size && second.size;
    const size_t size = first.size + both + second.size;
    uint32_t address;
    if (size > COMMAND_LINE_LIMIT - 1)
        return REFUSE(failure, EFI_BAD_BUFFER_SIZE, EFI_COMMAND_LINE, size, COMMAND_LINE_LIMIT - 1);
    if (!low_memory_take(front, size + 1, &address, failure))
        return false;
    uint8_t *bytes = (uint8_t *)(uintptr_t)address;
    memcpy(bytes, first.bytes, first.size);
    if (both)
        bytes[first.size] = ' ';
    memcpy(bytes + first.size + both, second.bytes, second.size);
    bytes[size] = 0;
    *text = (struct span){address, bytes, size};
    return true;
}

static struct hvm_modlist_entry *add_module(struct front_end *front, struct span bytes) {
    struct hvm_modlist_entry *module = &front->modules[front->module_count++];
    *module = (struct hvm_modlist_entry){.paddr = (uintptr_t)bytes.bytes, .size = bytes.size};
    return module;
}

/* --- Where the payload is from ---------------------------------------------------------------- */

static bool add_file(struct front_end *front, const struct load_file *file,
                     struct failure *failure) {
    struct span bytes;
    struct span arguments;
    if (!file_load(front, file->name, &bytes, failure))
        return false;
    struct hvm_modlist_entry *module = add_module(front, bytes);
    if (!file->arguments.size)
        return true;
    if (!join(front, file->arguments, output_text(""), &arguments, failure))
        return false;
    module->cmdline_paddr = arguments.address;
    return true;
}

static struct span loaded_image(const struct front_end *front) {
    return (struct span){0, front->loaded->ImageBase, front->loaded->ImageSize};
}

/* Out of the program's own sections, of which the line that they tell is given. */
static bool add_own(struct front_end *front, struct span loaded, bool take_line, struct span *line,
                    struct failure *failure) {
    struct own_image own;
    uint32_t address;
    if (!low_memory_take(front, loaded.size, &address, failure))
        return false;
    uint8_t *copy = (uint8_t *)(uintptr_t)address;
    if (!own_image_to_file(loaded, copy))
        return REFUSE_TEXT(failure, EFI_LOAD_ERROR, EFI_SECTION, output_text("table"));
    failure->status = EFI_LOAD_ERROR;
    if (!own_image_find((struct span){address, copy, loaded.size}, take_line, &own,
                        &failure->error))
        return false;
    *line = own.command_line;
    add_module(front, own.payload);
    if (own.initrd.size)
        add_module(front, own.initrd);
    return true;
}

static bool add_payload_file(struct front_end *front, const struct load_words *words,
                             struct failure *failure) {
    struct load_file file = words->payload;
    if (file.name.size)
        return add_file(front, &file, failure);
    file.name = output_text(BESIDE);
    if (add_file(front, &file, failure))
        return true;
    if (failure->error.number != ERROR_EFI_FILE || failure->status != EFI_NOT_FOUND)
        return false;
    return REFUSE_TEXT(failure, EFI_NOT_FOUND, EFI_NO_PAYLOAD, file.name);
}

/* `line` is what the words leave of the load options. */
static bool add_all(struct front_end *front, const struct load_words *words, struct span line,
                    struct failure *failure) {
    const struct span loaded = loaded_image(front);
    struct span own_line = output_text("");
    if (own_image_has_payload(loaded)) {
        if (words->payload.name.size)
            return REFUSE(failure, EFI_INVALID_PARAMETER, EFI_TWO_PAYLOADS);
        if (!add_own(front, loaded, options_are_all(line), &own_line, failure))
            return false;
    } else if (front->secure_boot != SECURE_BOOT_DISABLED) {
        return REFUSE(failure, EFI_SECURITY_VIOLATION, EFI_PAYLOAD_NOT_SIGNED);
    } else if (!add_payload_file(front, words, failure)) {
        return false;
    }
    for (uint32_t i = 0; i < words->module_count; i++) {
        if (front->module_count == BOOT_MODULES_LIMIT)
            return REFUSE(failure, EFI_INVALID_PARAMETER, TOO_MANY_MODULES, BOOT_MODULES_LIMIT + 1,
                          BOOT_MODULES_LIMIT);
        if (!add_file(front, &words->modules[i], failure))
            return false;
    }
    return join(front, line, own_line, &front->line, failure);
}

bool payload_find(struct front_end *front, struct failure *failure) {
    struct span line;
    if (!read_load_options(front, &line, failure))
        return false;
    if (own_image_says(loaded_image(front), line))
        line = output_text("");
    if (front->secure_boot != SECURE_BOOT_DISABLED && !is_empty(line))
        return REFUSE_TEXT(failure, EFI_SECURITY_VIOLATION, EFI_OPTIONS_NOT_SIGNED, line);
    struct load_words words;
    uint32_t rest;
    if (!low_memory_take(front, line.size + 1, &rest, failure))
        return false;
    words.rest = (uint8_t *)(uintptr_t)rest;
    failure->status = EFI_INVALID_PARAMETER;
    if (!load_options_take_words(line, &words, &failure->error) ||
        !add_all(front, &words, (struct span){0, words.rest, words.rest_size}, failure))
        return false;
    /* The image reads them again; here there is still a way back. */
    struct options options = options_default();
    failure->status = EFI_INVALID_PARAMETER;
    return options_parse(front->line, &options, &failure->error);
}
