/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file is and what is in it: told by its content, by the probes of the image's own loaders,
 * and reported field by field. All input is hostile: the work is bounded by struct inspection.
 */
#ifndef PVHBOOT_TOOLS_DESCRIBE_H
#define PVHBOOT_TOOLS_DESCRIBE_H

#include <stdbool.h>

#include "pvhboot/memory.h"
#include "report.h"

enum content {
    CONTENT_EMPTY,
    CONTENT_BUNDLE,
    CONTENT_DEVICE_TREE,
    CONTENT_UKI,
    CONTENT_EFI, /* pvhboot for UEFI, but not as a UKI's stub */
    CONTENT_COMPRESSED,
    CONTENT_BZIMAGE,
    CONTENT_ELF,
    CONTENT_FLAT_MULTIBOOT, /* a Multiboot kernel that is no ELF file */
    CONTENT_BOOT_SECTOR,
    CONTENT_INITRD, /* a cpio archive */
    CONTENT_UNKNOWN,
};

/* A look at the first bytes, and at headers: cheap. */
enum content content_of(struct span bytes);

/* The same of what is compressed: of its first bytes, unpacked. */
enum content content_inside(struct span bytes);

/* Stable, for JSON: "bzimage". */
const char *content_kind(enum content content);

/* For people: "Linux bzImage", "ELF64 file", "ISO 9660 image". Gives `title`, of TITLE_SIZE. */
#define TITLE_SIZE 96u
char *content_title(struct span bytes, char *title);

/* What is left of what may be done, so that no file takes long. */
struct inspection {
    struct report *report;
    uint64_t unpack_left; /* bytes that may be unpacked */
    uint64_t hash_left;   /* bytes that may be hashed */
    uint64_t bytes_left;  /* of things in things that may be described: they may be the same */
    unsigned parts_left;  /* how many of them */
    unsigned depth;       /* how deep in things it is */
};

/* For a file of that size. */
struct inspection inspection_begin(struct report *report, size_t file_size);

/* The facts, and the parts, of what is open in the report. */
void describe(struct inspection *inspection, struct span bytes);

/* The same of a part, as an object of its own in the list that is open; `role`: "kernel". */
void describe_part(struct inspection *inspection, const char *role, struct span bytes);

/* Each of one kind; `bytes` is what content_of says it is. */
void describe_bzimage(struct inspection *inspection, struct span bytes);
void describe_elf(struct inspection *inspection, struct span bytes);
void describe_multiboot(struct inspection *inspection, struct span bytes);
void describe_bundle(struct inspection *inspection, struct span bytes);
void describe_device_tree(struct inspection *inspection, struct span bytes);
void describe_pe_sections(struct inspection *inspection, struct span bytes); /* UKI, EFI */
void describe_initrd(struct inspection *inspection, struct span bytes);
void describe_compressed(struct inspection *inspection, struct span bytes);

/*
 * Unpacks to memory that is to be given back with unpacked_free; a limit of 0 is what the
 * inspection has left. `result` tells how it ended: what was written up to there counts all the
 * same. False when there is no memory, or nothing left to spend.
 */
struct unpacked {
    struct span bytes;
    size_t consumed;
    int result; /* enum decompress_result */
    size_t room;
};
bool unpack_bounded(struct inspection *inspection, struct span packed, size_t limit,
                    struct unpacked *unpacked);
void unpacked_free(struct unpacked *unpacked);

/* A flattened device tree with a header that is right and /images in it, which makes it a bundle.
 */
bool tree_is_bundle(struct span bytes);

/* The names of a bundle's configurations without the default one, at most `most`. */
size_t bundle_other_configurations(struct span bytes, struct span *names, size_t most);

/*
 * What a bundle's default configuration boots, and the line that it gives it, each empty without.
 * False where there is no such configuration, or the bundle is damaged. `kernel` may be `bytes`.
 */
bool bundle_kernel(struct span bytes, struct span *kernel, struct span *line);

/* Whether a PE file is pvhboot's front end for UEFI, whatever is in its sections. */
bool pe_is_pvhboot(struct span bytes);

/* How many profiles a UKI has; 0 where it has no section that begins one. */
uint32_t uki_profiles(struct span bytes);

/* Whether an ELF file says that it is a Linux. */
bool elf_is_linux(struct span bytes);

/* Whether the file of a kernel is Xen. */
bool elf_is_xen(struct span bytes);

/* Whether an ELF file is pvhboot; then `payload` is what is inside of it, of size 0 without. */
bool find_pvhboot(struct span bytes, struct span *payload);

/*
 * Why what is no kernel is none, and what to do: up to HINTS sentences, of which the number is
 * given.
 */
#define HINTS 4u
#define HINT_SIZE 400u
size_t hints_find(struct span bytes, char sentences[HINTS][HINT_SIZE]);

/* What the first bytes say it is, that is nothing of ours; NULL when they say nothing. */
struct foreign {
    const char *title; /* "an ISO 9660 image" */
    const char *hint;  /* a sentence, or NULL */
};
const struct foreign *foreign_find(struct span bytes);

/* Whether a Linux takes that as its initrd all the same: a file system, or what it unpacks. */
bool foreign_is_initrd(const struct foreign *foreign);

/* Where the bytes are, from `from` on; SIZE_MAX when they are not. */
size_t span_find(struct span bytes, size_t from, const void *wanted, size_t size);

#endif
