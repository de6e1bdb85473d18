/* SPDX-License-Identifier: BSD-2-Clause */
/* The script: read, and carried out line by line. */
#include "unkind.h"

#define SCRIPT L"\\script"
#define MOST_SCRIPT (UINTN)0x400000
#define MOST_PATH 256

/* --- Numbers and words ------------------------------------------------------------------------ */

static UINTN digit(char character) {
    return character >= '0' && character <= '9'   ? (UINTN)(character - '0')
           : character >= 'a' && character <= 'f' ? (UINTN)(character - 'a' + 10)
                                                  : 16;
}

/* The number at *at, which is behind it and a space then. */
static UINT64 take_number(const char **at) {
    const UINTN base = (*at)[0] == '0' && (*at)[1] == 'x' ? 16 : 10;
    UINT64 value = 0;
    for (*at += base == 16 ? 2 : 0; digit(**at) < base; (*at)++)
        value = value * base + digit(**at);
    *at += **at == ' ';
    return value;
}

/* Whether the line begins with that word; *rest is then behind it and a space. */
static BOOLEAN is_word(const char *line, const char *word, const char **rest) {
    while (*word && *line == *word) {
        line++;
        word++;
    }
    *rest = line + (*line == ' ');
    return !*word && (!*line || *line == ' ');
}

static UINTN length_of(const char *text) {
    UINTN length = 0;
    while (text[length])
        length++;
    return length;
}

/* --- What is told --------------------------------------------------------------------------- */

static void set_text(struct unkindness *told, const char *text) {
    const UINTN length = length_of(text) + 1;
    CHAR16 *options = AllocatePool(length * sizeof *options);
    for (UINTN i = 0; i < length; i++)
        options[i] = (CHAR16)text[i];
    told->options = options;
    told->options_size = (UINT32)(length * sizeof *options);
}

static void set_bytes(struct unkindness *told, const char *text) {
    const UINTN length = length_of(text) / 2;
    UINT8 *options = AllocatePool(length + 1);
    for (UINTN i = 0; i < length; i++)
        options[i] = (UINT8)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    told->options = options;
    told->options_size = (UINT32)length;
}

static BOOLEAN set_memory(struct unkindness *told, const char *line) {
    const char *rest;
    if (is_word(line, "taken", &rest)) {
        told->taken = take_number(&rest);
        told->taken_end = take_number(&rest);
        told->taken_type = (EFI_MEMORY_TYPE)take_number(&rest);
    } else if (is_word(line, "hoard", &rest)) {
        told->hoards = TRUE;
        told->hoard_leaves = take_number(&rest);
    } else if (is_word(line, "rsdp-above", &rest)) {
        told->rsdp_above = TRUE;
    } else if (is_word(line, "allocation-fails", &rest)) {
        told->allocation_fails = take_number(&rest);
    } else if (is_word(line, "map-fails", &rest)) {
        told->map_fails = take_number(&rest);
        told->map_status = take_number(&rest);
    } else if (is_word(line, "map-wraps", &rest)) {
        told->map_wraps = TRUE;
    } else if (is_word(line, "device-wraps", &rest)) {
        told->device_wraps = TRUE;
    } else if (is_word(line, "lowest-first", &rest)) {
        told->lowest_first = TRUE;
    } else {
        return FALSE;
    }
    return TRUE;
}

static BOOLEAN set_other(struct unkindness *told, const char *line) {
    const char *rest;
    if (is_word(line, "options", &rest))
        set_text(told, rest);
    else if (is_word(line, "options-bytes", &rest))
        set_bytes(told, rest);
    else if (is_word(line, "variable-fails", &rest))
        told->variable_status = take_number(&rest);
    else if (is_word(line, "loaded-image-fails", &rest))
        told->loaded_image_status = take_number(&rest);
    else if (is_word(line, "exit-stale", &rest))
        told->exit_stale = take_number(&rest);
    else if (is_word(line, "exit-fails", &rest))
        told->exit_status = take_number(&rest);
    else
        return FALSE;
    return TRUE;
}

/* --- A start ---------------------------------------------------------------------------------- */

/* A file of the program's own file system; to be freed. NULL when it cannot be read. */
static void *read_file(EFI_HANDLE device, CHAR16 *path, UINTN *size) {
    EFI_FILE_HANDLE root = LibOpenRoot(device);
    EFI_FILE_HANDLE file;
    void *bytes = NULL;
    if (!root || EFI_ERROR(root->Open(root, &file, path, EFI_FILE_MODE_READ, 0)))
        return NULL;
    EFI_FILE_INFO *info = LibFileInfo(file);
    *size = info ? info->FileSize : 0;
    if (info && *size < MOST_SCRIPT)
        bytes = AllocatePool(*size + 1);
    if (bytes && EFI_ERROR(file->Read(file, size, bytes))) {
        FreePool(bytes);
        bytes = NULL;
    }
    FreePool(info);
    file->Close(file);
    root->Close(root);
    return bytes;
}

static EFI_STATUS load(EFI_HANDLE own, EFI_HANDLE device, CHAR16 *path, BOOLEAN without_device,
                       EFI_HANDLE *handle) {
    UINTN size = 0;
    void *bytes = without_device ? read_file(device, path, &size) : NULL;
    EFI_DEVICE_PATH *device_path = without_device ? NULL : FileDevicePath(device, path);
    EFI_STATUS status = BS->LoadImage(FALSE, own, device_path, bytes, size, handle);
    if (bytes)
        FreePool(bytes);
    if (device_path)
        FreePool(device_path);
    return status;
}

static EFI_STATUS start_loaded(EFI_HANDLE handle, const struct unkindness *told) {
    EFI_LOADED_IMAGE *image;
    EFI_STATUS status = BS->HandleProtocol(handle, &LoadedImageProtocol, (void **)&image);
    if (EFI_ERROR(status))
        return status;
    image->LoadOptions = told->options;
    image->LoadOptionsSize = told->options_size;
    memory_take(told);
    services_replace(told, image);
    status = BS->StartImage(handle, NULL, NULL);
    services_replace(NULL, NULL);
    memory_give_back();
    return status;
}

/* LoadImage leaves an image behind that it would load but for who signed it. */
static void start(EFI_HANDLE own, EFI_HANDLE device, const struct unkindness *told,
                  const char *name, BOOLEAN without_device) {
    CHAR16 path[MOST_PATH] = {0};
    EFI_HANDLE handle = NULL;
    for (UINTN i = 0; i < MOST_PATH - 1 && name[i]; i++)
        path[i] = (CHAR16)name[i];
    const UINTN pages = memory_pages_in_use();
    EFI_STATUS status = load(own, device, path, without_device, &handle);
    if (EFI_ERROR(status)) {
        Print(L"unkind: %s: not loaded, status 0x%lx\n", path, status);
        if (handle)
            BS->UnloadImage(handle);
        return;
    }
    status = start_loaded(handle, told);
    Print(L"unkind: %s: status 0x%lx, %ld pages kept\n", path, status,
          memory_pages_in_use() - pages);
}

/* --- What is shown ---------------------------------------------------------------------------- */

static void show(const char *text) {
    SIMPLE_TEXT_OUTPUT_INTERFACE *console = ST->ConOut;
    UINTN columns;
    UINTN rows;
    console->QueryMode(console, (UINTN)console->Mode->Mode, &columns, &rows);
    console->ClearScreen(console);
    Print(L"%a\nunkind: shown on %ld x %ld characters\n", text, columns, rows);
}

/* --- The script ------------------------------------------------------------------------------- */

static void carry_out(EFI_HANDLE own, EFI_HANDLE device, struct unkindness *told,
                      const char *line) {
    const char *rest;
    if (is_word(line, "show", &rest)) {
        show(rest);
        return;
    }
    const BOOLEAN without_device = is_word(line, "start-without-device", &rest);
    if (!*line || set_memory(told, line) || set_other(told, line))
        return;
    if (!without_device && !is_word(line, "start", &rest)) {
        Print(L"unkind: not understood: %a\n", line);
        return;
    }
    start(own, device, told, rest, without_device);
    if (told->options)
        FreePool(told->options);
    ZeroMem(told, sizeof *told);
}

EFI_STATUS efi_main(EFI_HANDLE own, EFI_SYSTEM_TABLE *system_table) {
    EFI_LOADED_IMAGE *image;
    struct unkindness told;
    UINTN size = 0;
    InitializeLib(own, system_table);
    ZeroMem(&told, sizeof told);
    EFI_STATUS status = BS->HandleProtocol(own, &LoadedImageProtocol, (void **)&image);
    char *script = EFI_ERROR(status) ? NULL : read_file(image->DeviceHandle, SCRIPT, &size);
    if (!script) {
        Print(L"unkind: there is no script\n");
        return EFI_NOT_FOUND;
    }
    script[size] = 0;
    for (UINTN at = 0, end; at < size; at = end + 1) {
        for (end = at; script[end] && script[end] != '\n';)
            end++;
        script[end] = 0;
        carry_out(own, image->DeviceHandle, &told, script + at);
    }
    Print(L"unkind: end\n");
    return EFI_SUCCESS;
}
