/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that starts others under UEFI, and makes the firmware unkind to them first. What it
 * does stands in the file "script" beside it, in lines of a word and its values, numbers in C's
 * notation:
 *
 *   start PATH               loads and starts that file of the same file system
 *   start-without-device PATH  the same, as a program that came from no file system
 *
 * What stands in front of a start is for that one:
 *
 *   options TEXT             its load options, as text
 *   options-bytes HEX        the same, byte for byte
 *   taken START END TYPE     AllocatePages of that type has all pages from START to END
 *   hoard PAGES              no memory below 4 GiB is free but one run of so many pages
 *   rsdp-above               the RSDP lies above 4 GiB
 *   allocation-fails N       the program's Nth AllocatePages has no memory
 *   map-fails N STATUS       the program's Nth GetMemoryMap gives that status
 *   map-wraps                GetMemoryMap has free memory that goes on behind the end of all memory
 *   device-wraps             GetMemoryMap has one more descriptor, of a device, which does so
 *   lowest-first             AllocatePages gives the lowest pages that are free, page 0 first
 *   variable-fails STATUS    GetVariable gives that status
 *   loaded-image-fails STATUS  HandleProtocol does, asked by the program for the loaded image
 *   exit-stale N             memory is taken right before each of the first N ExitBootServices
 *   exit-fails STATUS        ExitBootServices gives that status and does nothing
 *
 * Of other lines
 *
 *   show TEXT                clears the console and writes that at its upper left corner
 *
 * It prints for each start that came back
 *
 *   unkind: PATH: status STATUS, PAGES pages kept
 *
 * for one that the firmware did not load, "unkind: PATH: not loaded, status STATUS", and for what
 * it shows, "unkind: shown on COLUMNS x ROWS characters".
 */
#ifndef UNKIND_H
#define UNKIND_H

#include <efi.h>
#include <efilib.h>

/* What is done to one start; 0 or NULL: nothing of the kind. */
struct unkindness {
    void *options;
    UINT32 options_size;
    EFI_PHYSICAL_ADDRESS taken;
    EFI_PHYSICAL_ADDRESS taken_end;
    EFI_MEMORY_TYPE taken_type;
    BOOLEAN hoards;
    UINTN hoard_leaves;
    BOOLEAN rsdp_above;
    UINTN allocation_fails;
    UINTN map_fails;
    EFI_STATUS map_status;
    BOOLEAN map_wraps;
    BOOLEAN device_wraps;
    BOOLEAN lowest_first;
    EFI_STATUS variable_status;
    EFI_STATUS loaded_image_status;
    UINTN exit_stale;
    EFI_STATUS exit_status;
};

/* --- services.c ------------------------------------------------------------------------------- */

/* Puts functions of its own in place of the firmware's, until the next call with NULL. */
void services_replace(const struct unkindness *unkindness, const EFI_LOADED_IMAGE *program);

/* --- memory.c --------------------------------------------------------------------------------- */

/* Takes memory and moves the RSDP as it is told; prints what cannot be had. */
void memory_take(const struct unkindness *unkindness);

/* Gives back what memory_take took. The RSDP stays. */
void memory_give_back(void);

/* Where the lowest run of so many free pages begins, below `end`; `end` when there is none. */
EFI_PHYSICAL_ADDRESS memory_lowest(UINTN pages, EFI_PHYSICAL_ADDRESS end);

/* Pages of the types that programs take. */
UINTN memory_pages_in_use(void);

#endif
