/* SPDX-License-Identifier: BSD-2-Clause */
/* The front end's boot sequence. */
#include "front_end.h"

#include "pvhboot/console.h"
#include "pvhboot/options.h"

/* shim starts only what says which security generation it is of (shim, SBAT.md). */
static const char sbat[] __attribute__((used, section(".sbat"))) =
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    "pvhboot,1,pvhboot,pvhboot," PVHBOOT_VERSION ",pvhboot\n";

/* Both the console and its log, if it has one, want whole lines as UTF-16. */
static void write_console(void *context, const char *text, size_t size) {
    (void)context;
    for (size_t i = 0; i < size; i++) {
        CHAR16 characters[] = {(CHAR16)text[i], 0, 0};
        if (text[i] == '\n') {
            characters[0] = '\r';
            characters[1] = '\n';
        }
        ST->ConOut->OutputString(ST->ConOut, characters);
    }
}

static void report(const struct failure *failure) {
    if (ST->ConOut)
        error_print((struct output){write_console, NULL}, &failure->error);
}

/* On the image's own consoles: those of the firmware may be gone. */
static void report_here(const struct front_end *front, const struct failure *failure) {
    struct console console = console_make(CONSOLE_ALL, front->place);
    console_allow_display(&console, &front->firmware);
    error_print(console_output(&console), &failure->error);
    console_finish(&console);
}

/* From the firmware's word to all that is handed over. */
static bool prepare(struct front_end *front, struct failure *failure) {
    EFI_STATUS status =
        BS->HandleProtocol(front->handle, &LoadedImageProtocol, (void **)&front->loaded);
    if (EFI_ERROR(status))
        return REFUSE(failure, status, EFI_NOT_LOADED, status);
    /* A slow disk may take longer than the minutes that a boot option is given. */
    BS->SetWatchdogTimer(0, 0, 0, NULL);
    low_memory_claim(front, image_place());
    front->secure_boot = secure_boot_read();
    if (!payload_find(front, failure))
        return false;
    front->rsdp = rsdp_read();
    front->firmware = (struct firmware){.system_table = (uintptr_t)ST,
                                        .display = display_read(),
                                        .secure_boot = front->secure_boot};
    return true;
}

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *system_table) {
    struct front_end front = {.handle = handle};
    struct failure failure;
    bool gone = false;
    InitializeLib(handle, system_table);
    /* leave comes back only when it fails. */
    if (prepare(&front, &failure))
        leave(&front, &gone, &failure);
    if (gone)
        report_here(&front, &failure);
    else
        report(&failure);
    low_memory_release(&front);
    return failure.status;
}
