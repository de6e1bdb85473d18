/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files: what is loaded, notes, Multiboot headers; and pvhboot itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abi/xen_note.h"
#include "describe.h"
#include "pvhboot/elf.h"
#include "pvhboot/kernel.h"
#include "pvhboot/loader.h"
#include "pvhboot/multiboot.h"

#define MOST_SEGMENTS 64u /* shown */
#define VERSION_LONGEST 128u

/* --- What is loaded --------------------------------------------------------------------------- */

static void report_segment(struct report *report, const struct elf *elf, uint32_t index,
                           const struct load_segment *segment) {
    const size_t offset = (size_t)(segment->bytes.bytes - elf->image.bytes);
    if (!report->as_json) {
        report_words(report, "segment",
                     "%" PRIu32 ": 0x%" PRIx32 " to 0x%" PRIx64 ", %zu bytes from offset 0x%zx, "
                     "virtual 0x%" PRIx64,
                     index, segment->address, (uint64_t)segment->address + segment->size,
                     segment->bytes.size, segment->bytes.size ? offset : 0,
                     segment->virtual_address);
        return;
    }
    report_open(report, NULL);
    report_number(report, "index", index);
    report_number(report, "address", segment->address);
    report_number(report, "virtual_address", segment->virtual_address);
    report_number(report, "size", segment->size);
    report_number(report, "file_size", segment->bytes.size);
    report_number(report, "offset", segment->bytes.size ? offset : 0);
    report_close(report);
}

static void report_segments(struct report *report, const struct elf *elf) {
    struct load_segment segment = {0};
    uint32_t shown = 0;
    report_open_list(report, "segments");
    for (uint32_t i = 0; i < elf->program_header_count && shown < MOST_SEGMENTS; i++)
        if (elf_load_segment(elf, i, &segment)) {
            report_segment(report, elf, i, &segment);
            shown++;
        }
    report_close_list(report);
}

/* --- Notes ------------------------------------------------------------------------------------ */

/* Xen, xen/include/public/elfnote.h, by their types. */
static const char *const xen_notes[] = {
    "INFO",        "ENTRY",         "HYPERCALL_PAGE",     "VIRT_BASE",    "PADDR_OFFSET",
    "XEN_VERSION", "GUEST_OS",      "GUEST_VERSION",      "LOADER",       "PAE_MODE",
    "FEATURES",    "BSD_SYMTAB",    "HV_START_LOW",       "L1_MFN_VALID", "SUSPEND_CANCEL",
    "INIT_P2M",    "MOD_START_PFN", "SUPPORTED_FEATURES", "PHYS32_ENTRY", "PHYS32_RELOC",
};

static uint64_t number_of(struct span descriptor) {
    uint64_t value = 0;
    for (size_t i = descriptor.size < sizeof value ? descriptor.size : sizeof value; i > 0; i--)
        value = value << 8 | descriptor.bytes[i - 1];
    return value;
}

static void report_xen_notes(struct report *report, const struct elf *elf) {
    struct span descriptor = {0};
    char text[512] = "";
    size_t used = 0;
    if (!elf_find_note(elf, XEN_ELFNOTE_OWNER, ELF_NOTE_ANY, &descriptor))
        return;
    for (uint32_t type = 0; type < sizeof xen_notes / sizeof *xen_notes; type++) {
        if (!elf_find_note(elf, XEN_ELFNOTE_OWNER, type, &descriptor))
            continue;
        if (used < sizeof text - 1)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                     xen_notes[type]);
        if (type == XEN_ELFNOTE_PHYS32_ENTRY)
            report_address(report, "pvh_entry", number_of(descriptor));
        if (type == XEN_ELFNOTE_PHYS32_RELOC)
            report_bool(report, "pvh_relocatable", true);
    }
    report_text(report, "xen_notes", text);
}

bool elf_is_linux(struct span bytes) {
    struct elf elf;
    struct error error;
    return elf_probe(bytes) && elf_open(bytes, &elf, &error) && kernel_is_linux(&elf);
}

/* "Linux version 6.1.0-31-amd64 (...": of a vmlinux, the word that tells which. */
static void report_banner(struct report *report, const struct elf *elf) {
    static const char beginning[] = "Linux version ";
    const size_t skipped = sizeof beginning - 1;
    struct span text = {0};
    if (!kernel_is_linux(elf))
        return;
    report_bool(report, "linux", true);
    size_t at = span_find(elf->image, 0, beginning, skipped);
    /* The format that it is printed by comes first in some kernels. */
    while (at != SIZE_MAX && at + skipped < elf->image.size &&
           elf->image.bytes[at + skipped] == '%')
        at = span_find(elf->image, at + 1, beginning, skipped);
    if (at == SIZE_MAX)
        return;
    const size_t left = elf->image.size - at - skipped;
    span_slice(elf->image, at + skipped, left < VERSION_LONGEST ? left : VERSION_LONGEST, &text);
    size_t length = 0;
    while (length < text.size && text.bytes[length] > ' ')
        length++;
    text.size = length;
    report_span(report, "version", text);
}

/* --- Multiboot -------------------------------------------------------------------------------- */

static void report_load(struct report *report, const struct multiboot_kernel *kernel) {
    report_text(report, "loaded_by", kernel->load.flat ? "the header's addresses" : "ELF");
    report_address(report, "lowest_address", kernel->load.link.start);
    report_address(report, "highest_address", kernel->load.link.end);
    report_address(report, "entry", kernel->load.entry);
    report_bool(report, "relocatable", kernel->load.relocatable);
    report_bool(report, "wants_framebuffer", kernel->wants_linear);
}

static void report_multiboot1(struct report *report, struct span bytes) {
    size_t offset = 0;
    uint32_t flags = 0;
    struct multiboot_kernel kernel;
    struct error error;
    if (!multiboot1_find(bytes, &offset))
        return;
    span_read32(bytes, offset + offsetof(struct multiboot_header, flags), &flags);
    report_open(report, "multiboot1");
    report_head(report, "Multiboot 1 header");
    report_address(report, "offset", offset);
    report_address(report, "flags", flags);
    if (multiboot1_parse(bytes, offset, &kernel, &error))
        report_load(report, &kernel);
    report_close(report);
}

static const char *const tag_names[] = {
    [MULTIBOOT2_HEADER_TAG_END] = "end",
    [MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST] = "information-request",
    [MULTIBOOT2_HEADER_TAG_ADDRESS] = "address",
    [MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS] = "entry-address",
    [MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS] = "console-flags",
    [MULTIBOOT2_HEADER_TAG_FRAMEBUFFER] = "framebuffer",
    [MULTIBOOT2_HEADER_TAG_MODULE_ALIGN] = "module-alignment",
    [MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES] = "efi-boot-services",
    [MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI32] = "efi-i386-entry",
    [MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64] = "efi-amd64-entry",
    [MULTIBOOT2_HEADER_TAG_RELOCATABLE] = "relocatable",
};

/* The header is in the file's first 32 KiB, and every tag has 8 bytes or more. */
static void report_tags(struct report *report, struct span bytes, size_t offset) {
    struct multiboot2_header header;
    struct multiboot2_header_tag tag = {.type = 1};
    struct span part = {0};
    char text[256] = "";
    size_t used = 0;
    span_slice(bytes, offset, sizeof header, &part);
    memcpy(&header, part.bytes, sizeof header);
    for (size_t at = sizeof header;
         at < header.header_length && tag.type && span_slice(bytes, offset + at, sizeof tag, &part);
         at += (tag.size + MULTIBOOT2_ALIGN - 1) & ~(size_t)(MULTIBOOT2_ALIGN - 1)) {
        memcpy(&tag, part.bytes, sizeof tag);
        const bool known = tag.type < sizeof tag_names / sizeof *tag_names;
        if (tag.size < sizeof tag || used >= sizeof text - 1)
            break;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                 known ? tag_names[tag.type] : "unknown");
    }
    report_address(report, "length", header.header_length);
    report_text(report, "tags", text);
}

static void report_multiboot2(struct report *report, struct span bytes) {
    size_t offset = 0;
    uint32_t architecture = 0;
    struct multiboot_kernel kernel;
    struct error error;
    if (!multiboot2_find(bytes, &offset))
        return;
    span_read32(bytes, offset + offsetof(struct multiboot2_header, architecture), &architecture);
    report_open(report, "multiboot2");
    report_head(report, "Multiboot 2 header");
    report_address(report, "offset", offset);
    report_number(report, "architecture", architecture);
    report_tags(report, bytes, offset);
    if (multiboot2_parse(bytes, offset, &kernel, &error))
        report_load(report, &kernel);
    report_close(report);
}

void describe_multiboot(struct inspection *inspection, struct span bytes) {
    report_multiboot2(inspection->report, bytes);
    report_multiboot1(inspection->report, bytes);
}

/* --- pvhboot itself --------------------------------------------------------------------------- */

/* src/entry/pvh.S: what follows it are two words, the payload's physical address and its size. */
static const char record[] = "pvhboot's bundle";
#define RECORD_ALIGNMENT 16u

/* What is loaded to [address, address + size), in the file; empty where nothing is. */
static struct span loaded_bytes(const struct elf *elf, uint32_t address, uint32_t size) {
    struct load_segment segment = {0};
    struct span bytes = {0};
    for (uint32_t i = 0; i < elf->program_header_count; i++)
        if (elf_load_segment(elf, i, &segment) && address >= segment.address &&
            span_slice(segment.bytes, address - segment.address, size, &bytes))
            return bytes;
    return bytes;
}

bool find_pvhboot(struct span bytes, struct span *payload) {
    static const char marker[] = "pvhboot: start_info version";
    struct elf elf;
    struct error error;
    struct span entry = {0};
    uint32_t address = 0;
    uint32_t size = 0;
    *payload = (struct span){0};
    /* The command has that text as well, but no such note. */
    if (!elf_probe(bytes) || !elf_parse(bytes, &elf, &error) ||
        !elf_find_note(&elf, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, &entry) ||
        span_find(bytes, 0, marker, sizeof marker - 1) == SIZE_MAX)
        return false;
    size_t at = span_find(bytes, 0, record, sizeof record - 1);
    while (at != SIZE_MAX && at % RECORD_ALIGNMENT)
        at = span_find(bytes, at + 1, record, sizeof record - 1);
    if (at != SIZE_MAX && span_read32(bytes, at + sizeof record - 1, &address) &&
        span_read32(bytes, at + sizeof record - 1 + sizeof address, &size) && size)
        *payload = loaded_bytes(&elf, address, size);
    return true;
}

/* What it says to Multiboot kernels: "pvhboot 0.1.0". */
static void report_own_version(struct report *report, struct span bytes) {
    static const char name[] = "pvhboot ";
    for (size_t at = span_find(bytes, 0, name, sizeof name - 1); at != SIZE_MAX;
         at = span_find(bytes, at + 1, name, sizeof name - 1)) {
        struct span text = {0};
        size_t length = sizeof name - 1;
        while (at + length < bytes.size && strchr("0123456789.", bytes.bytes[at + length]) &&
               bytes.bytes[at + length])
            length++;
        if (length == sizeof name - 1)
            continue;
        span_slice(bytes, at + sizeof name - 1, length - (sizeof name - 1), &text);
        report_span(report, "pvhboot_version", text);
        return;
    }
}

/* --- All of it -------------------------------------------------------------------------------- */

static const char *machine_name(uint16_t machine) {
    static const struct {
        uint16_t machine;
        const char *name;
    } machines[] = {{EM_386, "i386"},   {EM_X86_64, "x86-64"}, {8, "MIPS"},       {20, "PowerPC"},
                    {21, "PowerPC 64"}, {22, "S/390"},         {40, "ARM"},       {50, "IA-64"},
                    {183, "AArch64"},   {243, "RISC-V"},       {258, "LoongArch"}};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i].machine == machine)
            return machines[i].name;
    return "another";
}

static void report_ident(struct report *report, struct span bytes) {
    uint16_t type = 0;
    uint16_t machine = 0;
    struct span ident = {0};
    static const char *const types[] = {"none", "relocatable", "executable", "shared", "core"};
    if (!span_slice(bytes, 0, sizeof(struct elf32_header), &ident))
        return;
    span_read16(bytes, offsetof(struct elf32_header, e_type), &type);
    span_read16(bytes, offsetof(struct elf32_header, e_machine), &machine);
    report_number(report, "class", ident.bytes[EI_CLASS] == ELFCLASS64 ? 64 : 32);
    report_text(report, "machine", machine_name(machine));
    report_text(report, "type", type < sizeof types / sizeof *types ? types[type] : "another");
}

static void describe_whole_elf(struct report *report, const struct elf *elf) {
    report_banner(report, elf);
    report_address(report, "e_entry", elf->entry);
    report_address(report, "lowest_address", elf->place.start);
    report_address(report, "highest_address", elf->place.end);
    report_segments(report, elf);
    report_xen_notes(report, elf);
}

/* Whether it is a kernel that takes what lies behind its `end` for its first module. */
static bool takes_tail(struct span bytes, const struct elf *elf, size_t end) {
    struct multiboot_kernel kernel;
    struct error error;
    size_t offset = 0;
    if (multiboot2_find(bytes, &offset))
        return multiboot2_parse(bytes, offset, &kernel, &error) && !kernel.load.flat &&
               offset < end;
    if (multiboot1_find(bytes, &offset))
        return multiboot1_parse(bytes, offset, &kernel, &error) && !kernel.load.flat &&
               offset < end;
    return pvh_loader.probe(bytes, &offset) && !kernel_is_linux(elf);
}

/* Zeros alone nobody put there to be anything. */
static void report_taken_tail(struct report *report, const struct elf *elf) {
    const size_t end = elf_end(elf);
    struct span behind = {0};
    span_slice(elf->image, end, elf->image.size - end, &behind);
    if (!span_is_zero(behind) && takes_tail(elf->image, elf, end))
        report_bool(report, "behind_is_module", !loader_is_padding(elf_tail(elf)));
}

/* What lies behind it may be anything: Linux's build puts relocations there, and cat an initrd. */
static void describe_tail(struct inspection *inspection, struct span payload, struct span tail) {
    struct report *report = inspection->report;
    const bool is_empty = span_is_zero(tail);
    const bool is_known = !is_empty && content_of(tail) != CONTENT_UNKNOWN;
    if (!is_empty && !is_known)
        report_size(report, "size_behind_it", tail.size);
    if (!payload.size && !is_known)
        return;
    report_open_list(report, "contains");
    if (payload.size)
        describe_part(inspection, "payload", payload);
    if (is_known)
        describe_part(inspection, "behind it", tail);
    report_close_list(report);
}

void describe_elf(struct inspection *inspection, struct span bytes) {
    struct report *report = inspection->report;
    struct elf elf;
    struct error error;
    struct span payload = {0};
    struct span tail = {0};
    report_ident(report, bytes);
    const bool whole = elf_parse(bytes, &elf, &error);
    const bool ours = whole && find_pvhboot(bytes, &payload);
    if (ours)
        report_own_version(report, bytes);
    if (whole)
        describe_whole_elf(report, &elf);
    describe_multiboot(inspection, bytes);
    if (whole && !ours)
        report_taken_tail(report, &elf);
    const size_t end = whole ? elf_end(&elf) : bytes.size;
    span_slice(bytes, end, bytes.size - end, &tail);
    describe_tail(inspection, payload, tail);
}
