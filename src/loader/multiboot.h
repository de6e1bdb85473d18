/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two Multiboot protocols share, and what each has of its own. */
#ifndef PVHBOOT_LOADER_MULTIBOOT_H
#define PVHBOOT_LOADER_MULTIBOOT_H

#include "pvhboot/loader.h"
#include "pvhboot/multiboot.h"

#define MULTIBOOT_LOADER_NAME "pvhboot " PVHBOOT_VERSION

/* The addresses of a header that tells itself what is loaded. */
struct multiboot_addresses {
    uint32_t header;
    uint32_t load;
    uint32_t load_end; /* 0: the end of the file */
    uint32_t bss_end;  /* 0: no bss */
};

/*
 * Looks for a magic number within `search` bytes of the file, where the `words` words from there on
 * add up to 0 and it lies at a multiple of `alignment`.
 */
bool multiboot_find_header(struct span image, size_t search, size_t alignment, uint32_t magic,
                           size_t words, size_t *offset);

/* What is loaded by the addresses of the header at `offset`: MULTIBOOT_ADDRESSES, _OUTSIDE_FILE. */
bool multiboot_load_flat(struct kernel *kernel, struct span image, size_t offset,
                         const struct multiboot_addresses *addresses, struct error *error);

/* What is loaded by the ELF header: MULTIBOOT_NO_ELF and elf_parse's. */
bool multiboot_load_elf(struct kernel *kernel, struct span image, size_t offset,
                        struct error *error);

/* Whether an entry that the header tells is in what is loaded from the file: MULTIBOOT_ENTRY. */
bool multiboot_check_entry(const struct kernel *kernel, struct error *error);

/* Everything of one attempt to boot a kernel. */
struct multiboot_boot {
    const struct payload *payload;
    const struct options *options;
    struct plan *plan;
    struct multiboot_kernel kernel;
    const char *argv0; /* what the protocol usually has there, "" for none */
    uint32_t slide;    /* from where the kernel is linked to where it is, modulo 4 GiB */
    uint32_t *modules; /* where each of payload->modules begins */
    struct span kept;  /* the part of the file with the sections that are not loaded... */
    uint32_t kept_at;  /* ...and where that is */
    struct display_mode display;
};

/* Places kernel, modules and sections, and finds a display: errors 407 to 411. */
bool multiboot_place(struct multiboot_boot *boot, struct error *error);

/* Memory for the boot information, which is written at once: MULTIBOOT_TOO_MUCH_INFORMATION. */
bool multiboot_take_information(struct multiboot_boot *boot, uint64_t size, uint32_t *address,
                                uint8_t **bytes, struct error *error);

/* The handoff, with the information at `information` (3.2 and 3.3, "machine state"). */
void multiboot_write_handoff(struct multiboot_boot *boot, uint32_t magic, uint32_t information);

/* The command line with what goes in front of it; the room includes a NUL, as does the size. */
uint64_t multiboot_line_room(const struct multiboot_boot *boot);
size_t multiboot_line_write(const struct multiboot_boot *boot, uint8_t *text);

/* KiB of RAM from 0, at most 640, and from 1 MiB to the first hole. */
void multiboot_basic_memory(const struct memory_map *map, uint32_t *lower, uint32_t *upper);

/* A piece of the memory map as a payload gets it. */
struct multiboot_memory {
    uint64_t start;
    uint64_t size;
    uint32_t type; /* MULTIBOOT_MEMORY_* */
};

/* Most entries that multiboot_memory_map gives. */
size_t multiboot_memory_count(const struct multiboot_boot *boot);

/* Calls `write` for each piece of the map, in order. */
void multiboot_memory_map(const struct multiboot_boot *boot,
                          void (*write)(void *context, const struct multiboot_memory *memory),
                          void *context);

/* Copies the section headers with the addresses that they have now. */
void multiboot_write_sections(const struct multiboot_boot *boot, uint8_t *headers);

#endif
