/* SPDX-License-Identifier: BSD-2-Clause */
/* GOP's mode as payloads are told of it (UEFI 2.10, 12.9). Pure. */
#ifndef PVHBOOT_EFI_DISPLAY_H
#define PVHBOOT_EFI_DISPLAY_H

#include <efi.h>

#include "pvhboot/firmware.h"

/*
 * The mode's display; its address is 0 where it cannot be drawn to as memory, or where what is told
 * of it does not fit together. `mode->Info` is not NULL.
 */
struct firmware_display efi_display(const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode);

#endif
