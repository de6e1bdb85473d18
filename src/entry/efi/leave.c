/* SPDX-License-Identifier: BSD-2-Clause */
/* Out of boot services and into the image. */
#include "front_end.h"

#include "enter.h"
#include "pvhboot/string.h"

/* What allocations and events between two looks may add. */
#define SPARE_DESCRIPTORS 64u

/* UEFI 2.10, 7.4.6: whoever signals an event may change the map in between. */
#define EXIT_CALLS 8u

#define LOW_RAM_END 0xa0000u /* a PC's */

/* --- The code that leaves 64-bit mode --------------------------------------------------------- */

/* UEFI 2.10, 37.7, which GNU-EFI's headers do not have yet. */
#define MEMORY_ATTRIBUTE_PROTOCOL_GUID                                                             \
    {                                                                                              \
        0xf4560cf6, 0x40ec, 0x4b4a, {                                                              \
            0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89                                         \
        }                                                                                          \
    }

struct memory_attribute_protocol {
    void *get;
    void *set;
    EFI_STATUS(EFIAPI *clear)
    (struct memory_attribute_protocol *this, EFI_PHYSICAL_ADDRESS base, UINT64 length,
     UINT64 attributes);
};

/* Where the firmware maps what it gives out as not executable. It may refuse; then it did not. */
static void make_executable(EFI_PHYSICAL_ADDRESS address) {
    EFI_GUID guid = MEMORY_ATTRIBUTE_PROTOCOL_GUID;
    struct memory_attribute_protocol *protocol;
    if (!EFI_ERROR(LibLocateProtocol(&guid, (void **)&protocol)))
        protocol->clear(protocol, address, EFI_PAGE_SIZE, EFI_MEMORY_XP);
}

static bool make_entering(struct front_end *front, struct failure *failure) {
    front->entering = low_memory_find(front, EFI_PAGE_SIZE, EfiLoaderCode, LOW_MEMORY_END);
    if (!front->entering)
        return REFUSE(failure, EFI_OUT_OF_RESOURCES, EFI_NO_MEMORY, EFI_PAGE_SIZE,
                      EFI_OUT_OF_RESOURCES);
    make_executable(front->entering);
    return true;
}

_Noreturn static void enter(const struct front_end *front) {
    uint8_t *code = (uint8_t *)(uintptr_t)front->entering;
    memcpy(code, enter_start, (size_t)(enter_end - enter_start));
    *(struct enter_parameters *)(code + (enter_parameters - enter_start)) =
        (struct enter_parameters){front->image, image_size(), front->start_info,
                                  front->tell_ebda ? front->ebda_segment : 0};
    __asm__ volatile("jmp *%0" ::"r"(code), "D"(code) : "memory");
    __builtin_unreachable();
}

/* --- The RSDP --------------------------------------------------------------------------------- */

/* As many bytes as its revision has; what is wrong with it the image says. ACPI 6.4, 5.2.5.3. */
static size_t rsdp_size(const struct acpi_rsdp *rsdp) {
    if (rsdp->revision < 2)
        return ACPI_RSDP_SIZE_REVISION_0;
    return rsdp->length <= ENTER_NO_BIOS - ACPI_RSDP_ALIGNMENT ? rsdp->length
                                                               : ACPI_RSDP_SIZE_REVISION_2;
}

/*
 * A copy where kernels of PCs look for it, in a page that stays reserved: no BIOS put one there.
 * Else, if it lies above 4 GiB, a copy below.
 */
static bool place_rsdp(struct front_end *front, struct failure *failure) {
    const struct acpi_rsdp *rsdp = (const struct acpi_rsdp *)(uintptr_t)front->rsdp;
    if (!rsdp)
        return true;
    uint32_t copy = low_memory_find(front, EFI_PAGE_SIZE, EfiReservedMemoryType, LOW_RAM_END);
    const bool low = copy;
    if (low)
        front->ebda_segment = (uint16_t)(copy >> 4);
    else if (front->rsdp < LOW_MEMORY_END)
        return true;
    else
        copy = low_memory_find(front, EFI_PAGE_SIZE, EfiACPIReclaimMemory, LOW_MEMORY_END);
    if (!copy)
        return REFUSE(failure, EFI_OUT_OF_RESOURCES, EFI_NO_MEMORY, EFI_PAGE_SIZE,
                      EFI_OUT_OF_RESOURCES);
    uint8_t *bytes = (uint8_t *)(uintptr_t)copy;
    memset(bytes, 0, EFI_PAGE_SIZE);
    bytes[0] = EFI_PAGE_SIZE / KIB; /* an EBDA's size */
    memcpy(bytes + ACPI_RSDP_ALIGNMENT, rsdp, rsdp_size(rsdp));
    if (low)
        memcpy(bytes + ENTER_NO_BIOS, enter_no_bios, (size_t)(enter_no_bios_end - enter_no_bios));
    front->rsdp = copy + ACPI_RSDP_ALIGNMENT;
    return true;
}

/* --- The memory map --------------------------------------------------------------------------- */

static EFI_STATUS read_map(struct front_end *front, UINTN *size, UINTN *key) {
    UINTN descriptor_size = 0;
    UINT32 descriptor_version = 0;
    *size = front->map.capacity;
    EFI_STATUS status =
        BS->GetMemoryMap(size, (EFI_MEMORY_DESCRIPTOR *)(uintptr_t)front->map.address, key,
                         &descriptor_size, &descriptor_version);
    front->firmware.descriptor_size = (uint32_t)descriptor_size;
    front->firmware.descriptor_version = descriptor_version;
    return status;
}

/* The glyphs, what boot services used, and the map: they outlive this program. */
static bool take_kept(struct front_end *front, UINTN map_size, struct failure *failure) {
    struct firmware *firmware = &front->firmware;
    const uint32_t used_size = (uint32_t)(front->table.capacity * sizeof(struct range));
    firmware->kept_size = GLYPHS_SIZE + used_size + (uint32_t)map_size;
    if (!low_memory_take(front, firmware->kept_size, &firmware->kept, failure))
        return false;
    if (firmware->display.address && glyphs_read(firmware, (uint16_t *)(uintptr_t)firmware->kept))
        firmware->glyphs = firmware->kept;
    firmware->used = firmware->kept + GLYPHS_SIZE;
    front->map.address = firmware->used + used_size;
    front->map.capacity = map_size;
    return true;
}

/* Memory for the map, and for as many entries of a start_info. */
static bool take_map_memory(struct front_end *front, struct failure *failure) {
    UINTN size;
    UINTN key;
    uint32_t table;
    front->map.capacity = 0;
    EFI_STATUS status = read_map(front, &size, &key);
    if (status != EFI_BUFFER_TOO_SMALL || !front->firmware.descriptor_size)
        return REFUSE(failure, EFI_ERROR(status) ? status : EFI_LOAD_ERROR, EFI_NO_MEMORY_MAP,
                      status);
    const UINTN capacity = size + (UINTN)SPARE_DESCRIPTORS * front->firmware.descriptor_size;
    front->table.capacity = capacity / front->firmware.descriptor_size;
    if (!take_kept(front, capacity, failure) ||
        !low_memory_take(front, front->table.capacity * sizeof *front->table.entries, &table,
                         failure))
        return false;
    front->table.entries = (struct hvm_memmap_table_entry *)(uintptr_t)table;
    return true;
}

/* The map as it is now, and all that depends on it. */
static bool tell_map(struct front_end *front, UINTN *key, struct failure *failure) {
    UINTN size;
    EFI_STATUS status = read_map(front, &size, key);
    if (EFI_ERROR(status))
        return REFUSE(failure, status, EFI_NO_MEMORY_MAP, status);
    const struct efi_memory_map map = {(const uint8_t *)(uintptr_t)front->map.address, size,
                                       front->firmware.descriptor_size};
    const struct range place = front->place;
    failure->status = EFI_LOAD_ERROR;
    if (!efi_memory_convert(&map, &front->table, &failure->error))
        return false;
    if (!efi_memory_is_ram(&front->table, place))
        return REFUSE(failure, EFI_OUT_OF_RESOURCES, EFI_PLACE_TAKEN, place.start, place.end);
    front->firmware.used_count =
        (uint32_t)efi_memory_used(&map, (struct range *)(uintptr_t)front->firmware.used);
    front->tell_ebda = efi_memory_is_ram(&front->table, (struct range){0, PAGE_SIZE});
    front->firmware.memory_map = front->map.address;
    front->firmware.memory_map_size = (uint32_t)size;
    front->firmware.image_end = place.end;
    *image_firmware(front) = front->firmware;
    ((struct hvm_start_info *)(uintptr_t)front->start_info)->memmap_entries =
        (uint32_t)front->table.count;
    return true;
}

/* --- The start_info --------------------------------------------------------------------------- */

static bool write_start_info(struct front_end *front, struct failure *failure) {
    const size_t list_size = front->module_count * sizeof front->modules[0];
    if (!low_memory_take(front, sizeof(struct hvm_start_info) + list_size, &front->start_info,
                         failure))
        return false;
    struct hvm_start_info *start_info = (struct hvm_start_info *)(uintptr_t)front->start_info;
    memcpy(start_info + 1, front->modules, list_size);
    *start_info = (struct hvm_start_info){.magic = XEN_HVM_START_MAGIC_VALUE,
                                          .version = 1,
                                          .nr_modules = front->module_count,
                                          .modlist_paddr = (uintptr_t)(start_info + 1),
                                          .cmdline_paddr = front->line.address,
                                          .rsdp_paddr = front->rsdp,
                                          .memmap_paddr = (uintptr_t)front->table.entries};
    return true;
}

bool leave(struct front_end *front, bool *gone, struct failure *failure) {
    EFI_STATUS status;
    unsigned calls = 0;
    *gone = false;
    if (!image_copy(front, failure) || !make_entering(front, failure) ||
        !place_rsdp(front, failure) || !take_map_memory(front, failure) ||
        !write_start_info(front, failure))
        return false;
    do {
        UINTN key;
        if (!tell_map(front, &key, failure))
            return false;
        *gone = true;
        status = BS->ExitBootServices(front->handle, key);
        if (!EFI_ERROR(status))
            enter(front);
    } while (++calls < EXIT_CALLS && status == EFI_INVALID_PARAMETER);
    return REFUSE(failure, status, EFI_EXIT, calls, status);
}
