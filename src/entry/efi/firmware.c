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

/* The one that the console is shown on, where there are several. */
static EFI_GRAPHICS_OUTPUT_PROTOCOL *find_display(void) {
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *display;
    if (ST->ConsoleOutHandle &&
        !EFI_ERROR(BS->HandleProtocol(ST->ConsoleOutHandle, &guid, (void **)&display)))
        return display;
    return EFI_ERROR(LibLocateProtocol(&guid, (void **)&display)) ? NULL : display;
}

struct firmware_display display_read(void) {
    const EFI_GRAPHICS_OUTPUT_PROTOCOL *display = find_display();
    if (!display || !display->Mode || !display->Mode->Info)
        return (struct firmware_display){0};
    return efi_display(display->Mode);
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
