/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware tells: Secure Boot, the display, ACPI. */
#include "efi_display.h"
#include "front_end.h"

/* One byte. */
static EFI_STATUS read_variable(CHAR16 *name, UINT8 *value) {
    EFI_GUID global = EFI_GLOBAL_VARIABLE;
    UINTN size = sizeof *value;
    EFI_STATUS status = RT->GetVariable(name, &global, NULL, &size, value);
    return !EFI_ERROR(status) && size != sizeof *value ? EFI_COMPROMISED_DATA : status;
}

enum secure_boot secure_boot_read(void) {
    UINT8 on = 0;
    UINT8 setup = 0;
    EFI_STATUS status = read_variable(L"SecureBoot", &on);
    if (status == EFI_NOT_FOUND)
        return SECURE_BOOT_DISABLED;
    if (EFI_ERROR(status))
        return SECURE_BOOT_UNKNOWN;
    /* Without keys nothing is checked, whatever else is said. */
    if (!on || (!EFI_ERROR(read_variable(L"SetupMode", &setup)) && setup == 1))
        return SECURE_BOOT_DISABLED;
    return SECURE_BOOT_ENABLED;
}

/* EDK2 marks what its console is shown on by this (MdeModulePkg, Include/Guid/ConsoleOutDevice.h).
 */
#define CONSOLE_OUT_DEVICE_GUID                                                                    \
    {                                                                                              \
        0xd3b36f2c, 0xd551, 0x11d4, {                                                              \
            0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d                                         \
        }                                                                                          \
    }

/* Of one device; its address is 0 where that has none that can be drawn to. */
static struct firmware_display display_of(EFI_HANDLE handle) {
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *display;
    if (!handle || EFI_ERROR(BS->HandleProtocol(handle, &guid, (void **)&display)) ||
        !display->Mode || !display->Mode->Info)
        return (struct firmware_display){0};
    return efi_display(display->Mode);
}

/*
 * The console's own; where that stands for several devices, it cannot be drawn to: then the first
 * of those that the console is shown on, else the first at all.
 */
struct firmware_display display_read(void) {
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GUID console = CONSOLE_OUT_DEVICE_GUID;
    struct firmware_display found = display_of(ST->ConsoleOutHandle);
    EFI_HANDLE *handles;
    UINTN count;
    bool shown = found.address;
    if (shown || EFI_ERROR(LibLocateHandle(ByProtocol, &guid, NULL, &count, &handles)))
        return found;
    for (UINTN i = 0; i < count && !shown; i++) {
        const struct firmware_display display = display_of(handles[i]);
        void *mark;
        shown = display.address && !EFI_ERROR(BS->HandleProtocol(handles[i], &console, &mark));
        if (display.address && (shown || !found.address))
            found = display;
    }
    FreePool(handles);
    return found;
}

uint64_t rsdp_read(void) {
    EFI_GUID acpi_2 = ACPI_20_TABLE_GUID;
    EFI_GUID acpi_1 = ACPI_TABLE_GUID;
    void *table;
    if (!EFI_ERROR(LibGetSystemConfigurationTable(&acpi_2, &table)) ||
        !EFI_ERROR(LibGetSystemConfigurationTable(&acpi_1, &table)))
        return (uintptr_t)table;
    return 0;
}
