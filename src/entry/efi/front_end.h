/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end for UEFI: it makes a start_info of what the firmware gives and enters the same
 * image that other hosts start.
 *
 * Everything it hands over lies below 4 GiB, in memory of type EfiLoaderData unless said otherwise.
 */
#ifndef PVHBOOT_EFI_FRONT_END_H
#define PVHBOOT_EFI_FRONT_END_H

#include <efi.h>
#include <efilib.h>

#include "abi/acpi.h"
#include "efi_memory.h"
#include "load_options.h"
#include "own_image.h"
#include "pvhboot/error.h"
#include "pvhboot/firmware.h"

/* What went wrong, and what the firmware is told of it. */
struct failure {
    EFI_STATUS status;
    struct error error;
};

/* return REFUSE(failure, EFI_NOT_FOUND, EFI_NO_PAYLOAD, ...), as FAIL and FAIL_TEXT. */
#define REFUSE(failure, code, name, ...)                                                           \
    ((failure)->status = (code), FAIL(&(failure)->error, name, ##__VA_ARGS__))
#define REFUSE_TEXT(failure, code, name, text, ...)                                                \
    ((failure)->status = (code), FAIL_TEXT(&(failure)->error, name, text, ##__VA_ARGS__))

/* Pages taken from the firmware, to be given back if the boot fails. */
struct low_pages {
    struct low_pages *next;
    EFI_PHYSICAL_ADDRESS address;
    UINTN pages;
};

/* The memory map's memory, large enough for what later allocations add to it. */
struct map_memory {
    uint32_t address;
    UINTN capacity; /* bytes */
};

struct front_end {
    EFI_HANDLE handle;
    EFI_LOADED_IMAGE *loaded;
    struct low_pages *taken;
    struct range place; /* image_place, in which nothing may lie */
    enum secure_boot secure_boot;
    struct span line;                                     /* start_info's, NUL-terminated */
    struct hvm_modlist_entry modules[BOOT_MODULES_LIMIT]; /* the payload first */
    uint32_t module_count;
    uint64_t rsdp;         /* physical, 0: none */
    uint16_t ebda_segment; /* where it is copied to, for kernels of PCs; 0: nowhere */
    bool tell_ebda;        /* the word that points there is in RAM */
    struct firmware firmware;
    struct map_memory map;
    struct efi_memory_table table; /* in handed over memory */
    uint32_t image;                /* a copy of the image, to be moved to its place */
    uint32_t start_info;
    uint32_t entering; /* the page with the code that leaves 64-bit mode */
};

/* --- low_memory.c: memory below 4 GiB --------------------------------------------------------- */

/*
 * Takes what is free where the image will be moved to (image_place), so that nothing that is handed
 * over comes to lie there. First of all allocations.
 */
void low_memory_claim(struct front_end *front, struct range place);

/*
 * Takes `size` bytes of pages of that type below `end`, which is at most LOW_MEMORY_END, and gives
 * their address; 0 when there are none. Uninitialised.
 */
uint32_t low_memory_find(struct front_end *front, uint64_t size, EFI_MEMORY_TYPE type,
                         uint32_t end);

/* The same of EfiLoaderData anywhere below 4 GiB: EFI_NO_MEMORY. */
bool low_memory_take(struct front_end *front, uint64_t size, uint32_t *address,
                     struct failure *failure);

/* Gives everything back to the firmware. */
void low_memory_release(struct front_end *front);

/* --- files.c ---------------------------------------------------------------------------------- */

/*
 * Loads a file of the file system that the program was loaded from. A name begins at the program's
 * own folder, or with a slash of either kind at the root. EFI_NO_FILE_SYSTEM, EFI_FILE,
 * EFI_FILE_SIZE, EFI_NO_MEMORY.
 */
bool file_load(struct front_end *front, struct span name, struct span *bytes,
               struct failure *failure);

/* --- payload.c -------------------------------------------------------------------------------- */

/*
 * Finds payload, modules and command line: in the program's own sections, else the files that the
 * load options name, else the file "payload" beside the program. With Secure Boot only the
 * first, and no load options.
 */
bool payload_find(struct front_end *front, struct failure *failure);

/* --- firmware.c: what the firmware tells ------------------------------------------------------ */

/* UEFI 2.10, 3.3: SecureBoot and SetupMode. */
enum secure_boot secure_boot_read(void);

/* GOP's display, or one whose address is 0. */
struct firmware_display display_read(void);

/*
 * Fills in glyph_width and glyph_height, and `glyphs`, which has room for GLYPHS_SIZE. False when
 * the firmware has none, or they are of different sizes.
 */
#define GLYPHS_SIZE ((GLYPH_LAST - GLYPH_FIRST + 1u) * 2u * GLYPH_LARGEST * GLYPH_ROW_SIZE)
bool glyphs_read(struct firmware *firmware, uint16_t *glyphs);

/* The RSDP's physical address, of the latest revision there is; 0 without. ACPI 6.4, 5.2.5.2. */
uint64_t rsdp_read(void);

/* --- image.c: the image that is carried ------------------------------------------------------- */

/* Where it is entered and lies while it runs, .bss and stack included. */
struct range image_place(void);

/* Copies it to low memory with the firmware's part filled in later: EFI_NO_MEMORY. */
bool image_copy(struct front_end *front, struct failure *failure);

/* In that copy, where the firmware's part is; and the bytes of it all. */
struct firmware *image_firmware(const struct front_end *front);
uint32_t image_size(void);

/* --- leave.c ---------------------------------------------------------------------------------- */

/*
 * Writes the start_info, leaves boot services and enters the image. Returns only with a failure:
 * EFI_NO_MEMORY, EFI_NO_MEMORY_MAP, EFI_MEMORY_MAP, EFI_PLACE_TAKEN, and EFI_EXIT, after which the
 * firmware's console may be gone: *gone.
 */
bool leave(struct front_end *front, bool *gone, struct failure *failure);

#endif
