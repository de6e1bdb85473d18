/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of the file system that the program was loaded from. */
#include "front_end.h"

#include "pvhboot/string.h"

/* Some firmware reads no more than this at once from some disks. */
#define READ_AT_ONCE MIB

/* UEFI 2.10, 10.3.4.4: a path may come in several nodes. */
static const FILEPATH_DEVICE_PATH *file_node(const EFI_DEVICE_PATH *node) {
    return DevicePathType(node) == MEDIA_DEVICE_PATH && DevicePathSubType(node) == MEDIA_FILEPATH_DP
               ? (const FILEPATH_DEVICE_PATH *)node
               : NULL;
}

/* Characters of a node, without its NUL. */
static UINTN node_length(const EFI_DEVICE_PATH *node) {
    const UINTN most = (DevicePathNodeLength(node) - SIZE_OF_FILEPATH_DEVICE_PATH) / sizeof(CHAR16);
    const CHAR16 *name = file_node(node)->PathName;
    UINTN length = 0;
    while (length < most && name[length])
        length++;
    return length;
}

/* No two backslashes in a row, as nodes that begin or end with one would make. */
static UINTN append(CHAR16 *path, UINTN at, CHAR16 character) {
    if (character != '\\' || !at || path[at - 1] != '\\')
        path[at++] = character;
    return at;
}

/*
 * The program's own folder with a backslash at its end, and room for `more` characters behind it;
 * to be freed. NULL when there is no memory.
 */
static CHAR16 *own_folder(const struct front_end *front, UINTN more) {
    UINTN length = 1;
    UINTN at = 0;
    EFI_DEVICE_PATH *node;
    for (node = front->loaded->FilePath; node && !IsDevicePathEnd(node);
         node = NextDevicePathNode(node))
        if (file_node(node))
            length += node_length(node) + 1;
    CHAR16 *path = AllocatePool((length + more + 1) * sizeof *path);
    if (!path)
        return NULL;
    at = append(path, at, '\\');
    for (node = front->loaded->FilePath; node && !IsDevicePathEnd(node);
         node = NextDevicePathNode(node)) {
        const UINTN count = file_node(node) ? node_length(node) : 0;
        for (UINTN i = 0; i < count; i++)
            at = append(path, at, file_node(node)->PathName[i]);
        if (count)
            at = append(path, at, '\\');
    }
    /* Back over the last backslash and the file's own name. */
    for (at -= at > 1; at > 1 && path[at - 1] != '\\';)
        at--;
    path[at] = 0;
    return path;
}

/* The whole path of a file; to be freed. NULL when there is no memory, or the name is no text. */
static CHAR16 *whole_path(const struct front_end *front, struct span name) {
    CHAR16 *path = own_folder(front, UTF16_UNITS(name.size));
    UINTN end = 0;
    if (!path)
        return NULL;
    if (name.bytes[0] != '\\' && name.bytes[0] != '/')
        end = StrLen(path);
    if (file_name_to_utf16(name, (uint16_t *)path + end))
        return path;
    FreePool(path);
    return NULL;
}

/* Its size; UINT64_MAX when it is a folder. */
static EFI_STATUS ask_size(EFI_FILE_HANDLE file, uint64_t *size) {
    EFI_FILE_INFO *info = LibFileInfo(file);
    if (!info)
        return EFI_DEVICE_ERROR;
    *size = info->Attribute & EFI_FILE_DIRECTORY ? UINT64_MAX : info->FileSize;
    FreePool(info);
    return EFI_SUCCESS;
}

/* A file that ends before its size does has become shorter. */
static EFI_STATUS read_all(EFI_FILE_HANDLE file, uint8_t *bytes, uint64_t size) {
    while (size) {
        UINTN count = size < READ_AT_ONCE ? size : READ_AT_ONCE;
        EFI_STATUS status = file->Read(file, &count, bytes);
        if (EFI_ERROR(status))
            return status;
        if (!count)
            return EFI_END_OF_FILE;
        bytes += count;
        size -= count;
    }
    return EFI_SUCCESS;
}

static bool load_opened(struct front_end *front, EFI_FILE_HANDLE file, struct span name,
                        struct span *bytes, struct failure *failure) {
    uint64_t size = 0;
    uint32_t address;
    EFI_STATUS status = ask_size(file, &size);
    if (EFI_ERROR(status))
        return REFUSE_TEXT(failure, status, EFI_FILE, name, status);
    if (!size || size > LOW_MEMORY_END)
        return REFUSE_TEXT(failure, EFI_LOAD_ERROR, EFI_FILE_SIZE, name,
                           size == UINT64_MAX ? 0 : size);
    if (!low_memory_take(front, size, &address, failure))
        return false;
    status = read_all(file, (uint8_t *)(uintptr_t)address, size);
    if (EFI_ERROR(status))
        return REFUSE_TEXT(failure, status, EFI_FILE, name, status);
    *bytes = (struct span){address, (const uint8_t *)(uintptr_t)address, size};
    return true;
}

bool file_load(struct front_end *front, struct span name, struct span *bytes,
               struct failure *failure) {
    EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_FILE_HANDLE root;
    EFI_FILE_HANDLE file;
    EFI_STATUS status = BS->HandleProtocol(front->loaded->DeviceHandle, &guid, (void **)&volume);
    if (EFI_ERROR(status))
        return REFUSE_TEXT(failure, EFI_NOT_FOUND, EFI_NO_FILE_SYSTEM, name);
    status = volume->OpenVolume(volume, &root);
    if (EFI_ERROR(status))
        return REFUSE_TEXT(failure, status, EFI_FILE, name, status);
    CHAR16 *path = whole_path(front, name);
    status = path ? root->Open(root, &file, path, EFI_FILE_MODE_READ, 0) : EFI_INVALID_PARAMETER;
    bool good = EFI_ERROR(status) ? REFUSE_TEXT(failure, status, EFI_FILE, name, status)
                                  : load_opened(front, file, name, bytes, failure);
    if (!EFI_ERROR(status))
        file->Close(file);
    if (path)
        FreePool(path);
    root->Close(root);
    return good;
}
