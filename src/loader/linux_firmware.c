/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a firmware told, as boot_params have it (zero-page.rst; bootparam.h, screen_info.h): the
 * kernel keeps its runtime services and its display.
 */
#include "linux.h"

static void write_display(const struct firmware_display *display, struct boot_params *params) {
    params->orig_video_isVGA = VIDEO_TYPE_EFI;
    params->lfb_width = (uint16_t)display->width;
    params->lfb_height = (uint16_t)display->height;
    params->lfb_depth = (uint16_t)display->bits;
    params->lfb_base = (uint32_t)display->address;
    params->ext_lfb_base = (uint32_t)(display->address >> 32);
    params->capabilities = VIDEO_CAPABILITY_SKIP_QUIRKS;
    if (params->ext_lfb_base)
        params->capabilities |= VIDEO_CAPABILITY_64BIT_BASE;
    params->lfb_size = (uint32_t)display->size;
    params->lfb_linelength = (uint16_t)display->pitch;
    params->pages = 1;
    /* The size comes first here. */
    for (size_t i = 0; i < sizeof params->colours; i++)
        params->colours[i] = display->colours[i ^ 1];
}

void linux_write_firmware(const struct firmware *firmware, struct boot_params *params) {
    params->efi_info = (struct linux_efi_info){
        .efi_loader_signature = LINUX_EFI64_LOADER_SIGNATURE,
        .efi_systab = (uint32_t)firmware->system_table,
        .efi_systab_hi = (uint32_t)(firmware->system_table >> 32),
        .efi_memdesc_size = firmware->descriptor_size,
        .efi_memdesc_version = firmware->descriptor_version,
        .efi_memmap = firmware->memory_map,
        .efi_memmap_size = firmware->memory_map_size,
    };
    params->secure_boot = (uint8_t)firmware->secure_boot;
    if (firmware->display.address)
        write_display(&firmware->display, params);
}
