/* SPDX-License-Identifier: BSD-2-Clause */
/* What a file is, and what is in what is no kernel itself: compressed data, archives. */
#include "describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/cpio.h"
#include "pvhboot/decompress.h"
#include "pvhboot/elf.h"
#include "pvhboot/loader.h"

/* What decoders want for themselves: a window of 64 MiB is what xz -9 makes. */
#define DECODER_MEMORY ((size_t)160 * MIB)

/* Of any file; and what is unpacked or hashed for each of its own bytes. */
#define MOST_UNPACKED ((uint64_t)512 * MIB)
#define MOST_HASHED_PER_BYTE 4u
#define MOST_DESCRIBED_PER_BYTE 4u
#define MOST_PARTS 512u
#define DEEPEST 6u

struct inspection inspection_begin(struct report *report, size_t file_size) {
    return (struct inspection){.report = report,
                               .unpack_left = MOST_UNPACKED,
                               .hash_left = (uint64_t)file_size * MOST_HASHED_PER_BYTE + MIB,
                               .bytes_left = (uint64_t)file_size * MOST_DESCRIBED_PER_BYTE +
                                             MOST_UNPACKED + DECODER_MEMORY,
                               .parts_left = MOST_PARTS};
}

size_t span_find(struct span bytes, size_t from, const void *wanted, size_t size) {
    if (from >= bytes.size)
        return SIZE_MAX;
    const uint8_t *found = memmem(bytes.bytes + from, bytes.size - from, wanted, size);
    return found ? (size_t)(found - bytes.bytes) : SIZE_MAX;
}

/* --- What it is ------------------------------------------------------------------------------- */

static bool is_cpio(struct span bytes) {
    static const char *const magics[] = {CPIO_MAGIC_NEWC, CPIO_MAGIC_CRC};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (span_begins(bytes, magics[i], strlen(magics[i])))
            return true;
    return false;
}

static bool is_multiboot(struct span bytes) {
    size_t header = 0;
    return multiboot2_loader.probe(bytes, &header) || multiboot1_loader.probe(bytes, &header);
}

static bool is_tree(struct span bytes) {
    static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed};
    return span_begins(bytes, magic, sizeof magic);
}

/* In the order in which the image asks (loader.c). */
enum content content_of(struct span bytes) {
    size_t header = 0;
    if (!bytes.size)
        return CONTENT_EMPTY;
    if (is_tree(bytes))
        return tree_is_bundle(bytes) ? CONTENT_BUNDLE : CONTENT_DEVICE_TREE;
    if (uki_loader.probe(bytes, &header))
        return CONTENT_UKI;
    if (pe_is_pvhboot(bytes))
        return CONTENT_EFI;
    if (decompressor_find(bytes))
        return CONTENT_COMPRESSED;
    if (linux_loader.probe(bytes, &header))
        return CONTENT_BZIMAGE;
    if (elf_probe(bytes))
        return CONTENT_ELF;
    if (is_multiboot(bytes))
        return CONTENT_FLAT_MULTIBOOT;
    if (is_cpio(bytes))
        return CONTENT_INITRD;
    if (!foreign_find(bytes) && boot_sector_loader.probe(bytes, &header))
        return CONTENT_BOOT_SECTOR;
    return CONTENT_UNKNOWN;
}

enum content content_inside(struct span bytes) {
    enum content content = content_of(bytes);
    struct inspection inspection = inspection_begin(NULL, bytes.size);
    struct unpacked unpacked;
    if (content != CONTENT_COMPRESSED || !unpack_bounded(&inspection, bytes, PAGE_SIZE, &unpacked))
        return content;
    if (unpacked.bytes.size)
        content = content_of(unpacked.bytes);
    unpacked_free(&unpacked);
    return content;
}

static const char *const kinds[] = {
    [CONTENT_EMPTY] = "empty",
    [CONTENT_BUNDLE] = "bundle",
    [CONTENT_DEVICE_TREE] = "device-tree",
    [CONTENT_UKI] = "uki",
    [CONTENT_EFI] = "efi",
    [CONTENT_COMPRESSED] = "compressed",
    [CONTENT_BZIMAGE] = "bzimage",
    [CONTENT_ELF] = "elf",
    [CONTENT_FLAT_MULTIBOOT] = "multiboot",
    [CONTENT_BOOT_SECTOR] = "boot-sector",
    [CONTENT_INITRD] = "initrd",
    [CONTENT_UNKNOWN] = "unknown",
};

const char *content_kind(enum content content) {
    return kinds[content];
}

static const char *const titles[] = {
    [CONTENT_EMPTY] = "nothing, it is empty",
    [CONTENT_BUNDLE] = "bundle (FIT)",
    [CONTENT_DEVICE_TREE] = "device tree",
    [CONTENT_UKI] = "UKI (unified kernel image)",
    [CONTENT_EFI] = "pvhboot for UEFI",
    [CONTENT_COMPRESSED] = "compressed",
    [CONTENT_BZIMAGE] = "Linux bzImage",
    [CONTENT_ELF] = "ELF file",
    [CONTENT_FLAT_MULTIBOOT] = "Multiboot kernel, no ELF file",
    [CONTENT_BOOT_SECTOR] = "boot sector",
    [CONTENT_INITRD] = "initrd (cpio archive)",
    [CONTENT_UNKNOWN] = "of no known kind",
};

/* Of all that it is, what it is booted as comes first (loader.c). */
static const char *elf_title(struct span bytes) {
    struct span payload = {0};
    size_t header = 0;
    if (find_pvhboot(bytes, &payload))
        return payload.size ? "pvhboot with a payload inside" : "pvhboot itself";
    if (is_multiboot(bytes))
        return "Multiboot kernel (ELF)";
    if (elf_is_linux(bytes))
        return "Linux vmlinux (ELF)";
    if (pvh_loader.probe(bytes, &header))
        return "PVH kernel (ELF)";
    return titles[CONTENT_ELF];
}

char *content_title(struct span bytes, char *title) {
    const enum content content = content_of(bytes);
    const struct foreign *foreign = content == CONTENT_UNKNOWN ? foreign_find(bytes) : NULL;
    const char *text = foreign ? foreign->title : titles[content];
    if (content == CONTENT_COMPRESSED) {
        snprintf(title, TITLE_SIZE, "%s, %s", text, decompressor_find(bytes)->name);
        return title;
    }
    snprintf(title, TITLE_SIZE, "%s", content == CONTENT_ELF ? elf_title(bytes) : text);
    return title;
}

/* --- Its facts -------------------------------------------------------------------------------- */

static void report_hints(struct report *report, struct span bytes) {
    char hints[HINTS][HINT_SIZE];
    const size_t count = hints_find(bytes, hints);
    if (count == 0)
        return;
    report_open_list(report, "hints");
    for (size_t i = 0; i < count; i++)
        report_item(report, "hint", hints[i]);
    report_close_list(report);
}

static void (*const describers[])(struct inspection *, struct span) = {
    [CONTENT_BUNDLE] = describe_bundle,
    [CONTENT_DEVICE_TREE] = describe_device_tree,
    [CONTENT_UKI] = describe_pe_sections,
    [CONTENT_EFI] = describe_pe_sections,
    [CONTENT_COMPRESSED] = describe_compressed,
    [CONTENT_BZIMAGE] = describe_bzimage,
    [CONTENT_ELF] = describe_elf,
    [CONTENT_FLAT_MULTIBOOT] = describe_multiboot,
    [CONTENT_INITRD] = describe_initrd,
    [CONTENT_UNKNOWN] = NULL,
};

void describe(struct inspection *inspection, struct span bytes) {
    const enum content content = content_of(bytes);
    report_hints(inspection->report, bytes);
    const struct foreign *foreign = content == CONTENT_UNKNOWN ? foreign_find(bytes) : NULL;
    if (inspection->report->as_json)
        report_text(inspection->report, "kind", kinds[content]);
    if (inspection->report->as_json && foreign)
        report_text(inspection->report, "looks_like", foreign->title);
    report_size(inspection->report, "size", bytes.size);
    if (describers[content])
        describers[content](inspection, bytes);
}

/* Takes it from what may be done. */
static bool may_describe(struct inspection *inspection, struct span bytes) {
    if (inspection->depth == DEEPEST || inspection->parts_left == 0 ||
        bytes.size > inspection->bytes_left)
        return false;
    inspection->parts_left--;
    inspection->bytes_left -= bytes.size;
    return true;
}

void describe_part(struct inspection *inspection, const char *role, struct span bytes) {
    char title[TITLE_SIZE];
    struct report *report = inspection->report;
    const bool may = may_describe(inspection, bytes);
    report_open(report, NULL);
    report_head(report, "%s: %s", role, may ? content_title(bytes, title) : "something");
    if (report->as_json)
        report_text(report, "role", role);
    if (may) {
        inspection->depth++;
        describe(inspection, bytes);
        inspection->depth--;
    } else {
        report_text(report, "not_looked_at", "there is too much in this file");
    }
    report_close(report);
}

/* --- Compressed data -------------------------------------------------------------------------- */

/* Decoders take what they need from the room as well: it bounds both. */
bool unpack_bounded(struct inspection *inspection, struct span packed, size_t limit,
                    struct unpacked *unpacked) {
    const struct decompressor *decompressor = decompressor_find(packed);
    const uint64_t left = inspection->unpack_left;
    *unpacked = (struct unpacked){.room = (limit ? limit : (size_t)left) + DECODER_MEMORY};
    if (!decompressor || !decompressor->run || left == 0)
        return false;
    void *room = mmap(NULL, unpacked->room, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return false;
    struct decompression decompression = {
        .packed = packed, .room = room, .room_size = unpacked->room, .limit = limit};
    unpacked->result = (int)decompress(decompressor, &decompression);
    unpacked->bytes = (struct span){0, room, decompression.written};
    unpacked->consumed = decompression.consumed;
    inspection->unpack_left -= decompression.written < left ? decompression.written : left;
    return true;
}

void unpacked_free(struct unpacked *unpacked) {
    munmap((void *)(uintptr_t)unpacked->bytes.bytes, unpacked->room);
}

static const char *const results[] = {
    [DECOMPRESS_DONE] = "whole",
    [DECOMPRESS_TRUNCATED] = "the data end too early",
    [DECOMPRESS_DAMAGED] = "the data are damaged",
    [DECOMPRESS_CHECKSUM] = "the checksum or the length is not that of what was packed",
    [DECOMPRESS_FEATURE] = "they use what this format's decoder does not have",
    [DECOMPRESS_FULL] = "there is more than is unpacked here",
    [DECOMPRESS_NO_MEMORY] = "the decoder wants more memory than it is given here",
};

void describe_compressed(struct inspection *inspection, struct span bytes) {
    struct report *report = inspection->report;
    struct unpacked unpacked;
    report_text(report, "compression", decompressor_find(bytes)->name);
    if (!unpack_bounded(inspection, bytes, 0, &unpacked)) {
        report_text(report, "unpacked", "no: left out, or too much is in this file");
        return;
    }
    report_text(report, "unpacked", results[unpacked.result]);
    report_size(report, "unpacked_size", unpacked.bytes.size);
    report_open_list(report, "contains");
    if (unpacked.bytes.size)
        describe_part(inspection, "unpacked", unpacked.bytes);
    if (unpacked.result == DECOMPRESS_DONE && unpacked.consumed < bytes.size) {
        struct span rest = {0};
        span_slice(bytes, unpacked.consumed, bytes.size - unpacked.consumed, &rest);
        describe_part(inspection, "behind it", rest);
    }
    report_close_list(report);
    unpacked_free(&unpacked);
}

/* --- An initrd -------------------------------------------------------------------------------- */

/* Linux, Documentation/driver-api/early-userspace/buffer-format.rst: 8 hexadecimal digits each. */
#define CPIO_HEADER_SIZE 110u
#define CPIO_FILE_SIZE 54u
#define CPIO_NAME_SIZE 94u
#define CPIO_DIGITS 8u
#define CPIO_TRAILER "TRAILER!!!"
#define MICROCODE_FOLDER "kernel/x86/microcode"

static bool read_digits(struct span bytes, size_t offset, uint32_t *value) {
    struct span field = {0};
    char text[CPIO_DIGITS + 1] = {0};
    char *end = NULL;
    if (!span_slice(bytes, offset, CPIO_DIGITS, &field))
        return false;
    memcpy(text, field.bytes, CPIO_DIGITS);
    if (strspn(text, "0123456789abcdefABCDEF") != CPIO_DIGITS)
        return false;
    *value = (uint32_t)strtoul(text, &end, 16);
    return true;
}

struct archive {
    uint64_t files;
    bool microcode;
    bool whole;       /* its end was found */
    struct span rest; /* behind its end */
};

static size_t padded(size_t size) {
    return (size + CPIO_ALIGNMENT - 1) & ~(size_t)(CPIO_ALIGNMENT - 1);
}

/* One file of an archive; false at its end, and where it is damaged. */
static bool next_file(struct archive *archive, struct span bytes, size_t *offset) {
    struct span file = {0};
    struct span name = {0};
    uint32_t size = 0;
    uint32_t name_size = 0;
    span_slice(bytes, *offset, bytes.size - *offset, &file);
    if (!is_cpio(file) || !read_digits(file, CPIO_FILE_SIZE, &size) ||
        !read_digits(file, CPIO_NAME_SIZE, &name_size) ||
        !span_slice(file, CPIO_HEADER_SIZE, name_size, &name))
        return false;
    const size_t data = padded(CPIO_HEADER_SIZE + (size_t)name_size);
    const size_t end = data + padded(size);
    *offset += end < file.size ? end : file.size;
    archive->whole = span_begins(name, CPIO_TRAILER, sizeof CPIO_TRAILER);
    archive->microcode |= span_begins(name, MICROCODE_FOLDER, sizeof MICROCODE_FOLDER - 1);
    archive->files += !archive->whole;
    return !archive->whole && data + size <= file.size;
}

static struct archive read_archive(struct span bytes) {
    struct archive archive = {0};
    size_t offset = 0;
    while (next_file(&archive, bytes, &offset))
        ;
    while (offset < bytes.size && bytes.bytes[offset] == 0)
        offset++;
    span_slice(bytes, offset, bytes.size - offset, &archive.rest);
    return archive;
}

void describe_initrd(struct inspection *inspection, struct span bytes) {
    const struct archive archive = read_archive(bytes);
    report_number(inspection->report, "files", archive.files);
    report_bool(inspection->report, "microcode", archive.microcode);
    report_bool(inspection->report, "whole", archive.whole);
    if (!archive.whole || !archive.rest.size)
        return;
    report_open_list(inspection->report, "contains");
    describe_part(inspection, "behind it", archive.rest);
    report_close_list(inspection->report);
}
