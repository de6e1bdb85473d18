/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's services, as a program gets to see them. */
#include "unkind.h"

#define DEVICE UINT64_C(0xffffffff00000000)

/* They are called with no word of whose they are: what they do has to be found here. */
static struct {
    struct unkindness unkindness;
    const EFI_LOADED_IMAGE *program;
    UINTN allocations;
    UINTN maps;
    UINTN exits;
    EFI_ALLOCATE_PAGES allocate_pages;
    EFI_GET_MEMORY_MAP get_memory_map;
    EFI_HANDLE_PROTOCOL handle_protocol;
    EFI_EXIT_BOOT_SERVICES exit_boot_services;
    EFI_GET_VARIABLE get_variable;
} replaced;

/* The firmware's drivers call the same functions. */
static BOOLEAN is_program(const void *caller) {
    const UINTN base = (UINTN)replaced.program->ImageBase;
    return (UINTN)caller - base < replaced.program->ImageSize;
}

/* UEFI 2.10, 7.2 promises no order. */
static EFI_STATUS allocate_lowest(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                  EFI_PHYSICAL_ADDRESS *address) {
    const EFI_PHYSICAL_ADDRESS end = how == AllocateMaxAddress ? *address + 1 : ~UINT64_C(0);
    EFI_PHYSICAL_ADDRESS lowest = memory_lowest(pages, end);
    if (lowest == end || end - lowest < pages * EFI_PAGE_SIZE)
        return EFI_OUT_OF_RESOURCES;
    EFI_STATUS status = replaced.allocate_pages(AllocateAddress, type, pages, &lowest);
    *address = lowest;
    return status;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *address) {
    const BOOLEAN by_program = is_program(__builtin_return_address(0));
    if (by_program && ++replaced.allocations == replaced.unkindness.allocation_fails)
        return EFI_OUT_OF_RESOURCES;
    if (by_program && replaced.unkindness.lowest_first && how != AllocateAddress)
        return allocate_lowest(how, type, pages, address);
    return replaced.allocate_pages(how, type, pages, address);
}

/* More than 64 bits can address, of free memory. */
static void wrap_free(const UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN descriptor_size) {
    for (UINTN at = 0; at < *size; at += descriptor_size) {
        EFI_MEMORY_DESCRIPTOR *descriptor = (EFI_MEMORY_DESCRIPTOR *)((UINT8 *)map + at);
        if (descriptor->Type != EfiConventionalMemory)
            continue;
        descriptor->NumberOfPages = UINT64_C(1) << 52;
        return;
    }
}

/* As some firmware has it: one that ends behind the last byte that there can be. */
static EFI_STATUS add_device(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN room,
                             UINTN descriptor_size) {
    EFI_MEMORY_DESCRIPTOR *next = (EFI_MEMORY_DESCRIPTOR *)((UINT8 *)map + *size);
    *size += descriptor_size;
    if (*size > room)
        return EFI_BUFFER_TOO_SMALL;
    ZeroMem(next, descriptor_size);
    next->Type = EfiMemoryMappedIO;
    next->PhysicalStart = DEVICE;
    next->NumberOfPages = (~DEVICE >> EFI_PAGE_SHIFT) + 2;
    next->Attribute = EFI_MEMORY_UC;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
                                        UINTN *descriptor_size, UINT32 *version) {
    if (is_program(__builtin_return_address(0)) && ++replaced.maps == replaced.unkindness.map_fails)
        return replaced.unkindness.map_status;
    const UINTN room = *size;
    EFI_STATUS status = replaced.get_memory_map(size, map, key, descriptor_size, version);
    if (!EFI_ERROR(status) && replaced.unkindness.map_wraps)
        wrap_free(size, map, *descriptor_size);
    if (!EFI_ERROR(status) && replaced.unkindness.device_wraps)
        status = add_device(size, map, room, *descriptor_size);
    return status;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, void **interface) {
    if (replaced.unkindness.loaded_image_status && is_program(__builtin_return_address(0)) &&
        CompareGuid(protocol, &LoadedImageProtocol) == 0)
        return replaced.unkindness.loaded_image_status;
    return replaced.handle_protocol(handle, protocol, interface);
}

/* As a driver's event would: the key that the caller has is of another map. */
static void take_a_page(void) {
    EFI_PHYSICAL_ADDRESS address = 0;
    if (EFI_ERROR(replaced.allocate_pages(AllocateAnyPages, EfiBootServicesData, 1, &address)))
        Print(L"unkind: there is no page to be taken\n");
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE handle, UINTN key) {
    if (replaced.unkindness.exit_status)
        return replaced.unkindness.exit_status;
    if (replaced.exits++ < replaced.unkindness.exit_stale)
        take_a_page();
    return replaced.exit_boot_services(handle, key);
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 *attributes,
                                      UINTN *size, void *value) {
    if (replaced.unkindness.variable_status)
        return replaced.unkindness.variable_status;
    return replaced.get_variable(name, vendor, attributes, size, value);
}

static void put_back(void) {
    BS->AllocatePages = replaced.allocate_pages;
    BS->GetMemoryMap = replaced.get_memory_map;
    BS->HandleProtocol = replaced.handle_protocol;
    BS->ExitBootServices = replaced.exit_boot_services;
    RT->GetVariable = replaced.get_variable;
    ZeroMem(&replaced, sizeof replaced);
}

void services_replace(const struct unkindness *unkindness, const EFI_LOADED_IMAGE *program) {
    if (!unkindness) {
        put_back();
        return;
    }
    replaced.unkindness = *unkindness;
    replaced.program = program;
    replaced.allocate_pages = BS->AllocatePages;
    replaced.get_memory_map = BS->GetMemoryMap;
    replaced.handle_protocol = BS->HandleProtocol;
    replaced.exit_boot_services = BS->ExitBootServices;
    replaced.get_variable = RT->GetVariable;
    BS->AllocatePages = allocate_pages;
    BS->GetMemoryMap = get_memory_map;
    BS->HandleProtocol = handle_protocol;
    BS->ExitBootServices = exit_boot_services;
    RT->GetVariable = get_variable;
}
