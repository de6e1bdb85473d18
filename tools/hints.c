/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a file is no kernel: what people have in their hands when it does not boot. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/elf.h"
#include "abi/multiboot.h"
#include "abi/multiboot2.h"
#include "abi/xen_note.h"
#include "describe.h"
#include "kernel_line.h"
#include "own_image.h"
#include "pe_layout.h"
#include "pvhboot/kernel.h"
#include "pvhboot/loader.h"
#include "uki_line.h"

/* --- Files of other kinds --------------------------------------------------------------------- */

struct magic {
    size_t offset;
    size_t size;
    const char *bytes;
    struct foreign foreign;
};

#define MAGIC(offset, text, title, hint)                                                           \
    {                                                                                              \
        offset, sizeof(text) - 1, text, {                                                          \
            title, hint                                                                            \
        }                                                                                          \
    }

static const char take_it_out[] = "Take the kernel out of it: pvhboot reads no file system.";
static const char for_initrd[] =
    "As an initrd behind a Linux kernel it is fine; pvhboot itself does not unpack it.";

/* The most certain first. */
static const struct magic magics[] = {
    MAGIC(0x8001, "CD001", "ISO 9660 image (CD)", take_it_out),
    MAGIC(0, "QFI\xfb", "disk image (qcow2)", take_it_out),
    MAGIC(0, "KDMV", "disk image (VMDK)", take_it_out),
    MAGIC(0x200, "EFI PART", "disk image (GPT)", take_it_out),
    MAGIC(0x438, "\x53\xef", "ext2/3/4 file system", take_it_out),
    MAGIC(0, "hsqs", "squashfs file system", take_it_out),
    MAGIC(0x101, "ustar", "tar archive", "Unpack it first."),
    MAGIC(0, "!<arch>\n", "Debian package or ar archive", "Unpack it first: dpkg-deb -x, or ar x."),
    MAGIC(0, "\xed\xab\xee\xdb", "RPM package", "Unpack it first: rpm2cpio."),
    MAGIC(0, "PK\3\4", "zip archive", "Unpack it first."),
    MAGIC(0, "070707", "cpio archive of the old kind",
          "Linux takes an initrd only of the kind that cpio -H newc makes."),
    MAGIC(0, "BZh", "compressed, bzip2", for_initrd),
    MAGIC(0, "\x89LZO", "compressed, lzop", for_initrd),
    MAGIC(0, "\x27\x05\x19\x56", "image of U-Boot's old format",
          "pvhboot reads FIT images: mkimage -f auto, or `pvhboot pack`."),
    MAGIC(0x38, "ARM\x64", "Linux for AArch64", "pvhboot boots kernels for x86."),
    MAGIC(0x38, "RSC\x05", "Linux for RISC-V", "pvhboot boots kernels for x86."),
    MAGIC(0, "#!", "script", "It is for a shell: give the kernel that it names."),
    MAGIC(
        0, "MZ", "EFI or Windows program (PE)",
        "Of PE files, a Linux bzImage boots, and a UKI, which has its kernel in a section .linux."),
};

static const struct foreign text = {
    "text", "It is a text: a configuration, a script or a listing. Give the kernel that it names."};

/* Of what is looked at for it. */
#define TEXT_BEGINNING 512u

/* Without a control character but those that texts have. */
static bool is_text(struct span bytes) {
    const size_t size = bytes.size < TEXT_BEGINNING ? bytes.size : TEXT_BEGINNING;
    for (size_t i = 0; i < size; i++)
        if ((bytes.bytes[i] < ' ' && !(bytes.bytes[i] && strchr("\t\n\f\r", bytes.bytes[i]))) ||
            bytes.bytes[i] > '~')
            return false;
    return size != 0;
}

const struct foreign *foreign_find(struct span bytes) {
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        struct span rest = {0};
        if (magics[i].offset < bytes.size &&
            span_slice(bytes, magics[i].offset, bytes.size - magics[i].offset, &rest) &&
            span_begins(rest, magics[i].bytes, magics[i].size))
            return &magics[i].foreign;
    }
    return is_text(bytes) ? &text : NULL;
}

bool foreign_is_initrd(const struct foreign *foreign) {
    return foreign->hint == for_initrd || strstr(foreign->title, "file system");
}

/* --- Sentences -------------------------------------------------------------------------------- */

struct hints {
    char (*sentences)[HINT_SIZE];
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void add(struct hints *hints, const char *format,
                                                      ...) {
    va_list values;
    if (hints->count == HINTS)
        return;
    va_start(values, format);
    vsnprintf(hints->sentences[hints->count++], HINT_SIZE, format, values);
    va_end(values);
}

/* --- Multiboot headers that are none ---------------------------------------------------------- */

struct header_kind {
    const char *name;
    uint32_t magic;
    size_t words; /* that add up to 0 */
    size_t search;
    size_t alignment;
    const char *addresses; /* what tells a flat file's */
};

static const struct header_kind header_kinds[] = {
    {"Multiboot 2", MULTIBOOT2_HEADER_MAGIC, 4, MULTIBOOT2_SEARCH, MULTIBOOT2_ALIGN,
     "the address and entry address tags"},
    {"Multiboot 1", MULTIBOOT_HEADER_MAGIC, 3, MULTIBOOT_SEARCH, MULTIBOOT_HEADER_ALIGN,
     "flags bit 16"},
};

/* What the words from `offset` on add up to; false where they are not all there. */
static bool add_up(struct span bytes, size_t offset, size_t words, uint32_t *sum) {
    *sum = 0;
    for (size_t i = 0; i < words; i++) {
        uint32_t word = 0;
        if (!span_read32(bytes, offset + i * sizeof word, &word))
            return false;
        *sum += word;
    }
    return true;
}

static void explain_place(struct hints *hints, const struct header_kind *kind, size_t offset,
                          bool is_flat) {
    if (offset % kind->alignment && is_flat)
        add(hints,
            "There is a %s header at offset 0x%zx of the file, which is no multiple of %zu. What "
            "objcopy -O binary makes begins with what is loaded lowest: give the ELF file that it "
            "was made of. A flat file needs its addresses in the header, too (%s).",
            kind->name, offset, kind->alignment, kind->addresses);
    else if (offset % kind->alignment)
        add(hints,
            "There is a %s header at offset 0x%zx of the file, which is no multiple of %zu: align "
            "its section (.balign %zu).",
            kind->name, offset, kind->alignment, kind->alignment);
    else
        add(hints,
            "There is a %s header at offset 0x%zx of the file. It has to lie wholly within the "
            "first %zu bytes: put its section first in the linker script, in front of .text, and "
            "link with -z max-page-size=0x1000, which keeps the linker from padding the file.",
            kind->name, offset, kind->search);
}

/* The checksum is the word behind the others in both kinds but for what it is the sum of. */
static void explain_checksum(struct hints *hints, const struct header_kind *kind, struct span bytes,
                             size_t offset, uint32_t sum) {
    const size_t at = offset + (kind->words - 1) * sizeof(uint32_t);
    uint32_t checksum = 0;
    span_read32(bytes, at, &checksum);
    add(hints,
        "There is the magic number of a %s header at offset 0x%zx of the file, but its checksum, "
        "at "
        "0x%zx, is 0x%" PRIx32 " where it has to be 0x%" PRIx32 ".",
        kind->name, offset, at, checksum, checksum - sum);
}

/*
 * Numbers in code may look like a magic number, so that one with a wrong checksum counts only where
 * a header may be.
 */
static void find_headers(struct hints *hints, struct span bytes, const struct header_kind *kind) {
    const uint32_t magic = kind->magic;
    size_t at = span_find(bytes, 0, &magic, sizeof magic);
    while (at != SIZE_MAX && hints->count < HINTS) {
        uint32_t sum = 0;
        if (add_up(bytes, at, kind->words, &sum)) {
            if (sum == 0)
                explain_place(hints, kind, at, !elf_probe(bytes));
            else if (at < kind->search && at % kind->alignment == 0)
                explain_checksum(hints, kind, bytes, at, sum);
        }
        at = span_find(bytes, at + 1, &magic, sizeof magic);
    }
}

static void explain_multiboot(struct hints *hints, struct span bytes) {
    for (size_t i = 0; i < sizeof header_kinds / sizeof *header_kinds; i++)
        find_headers(hints, bytes, &header_kinds[i]);
}

static bool has_multiboot(struct span bytes) {
    size_t header = 0;
    return multiboot2_loader.probe(bytes, &header) || multiboot1_loader.probe(bytes, &header);
}

/* --- ELF files -------------------------------------------------------------------------------- */

static bool has_other_entry(struct span bytes) {
    size_t header = 0;
    return pvh_loader.probe(bytes, &header) || vmlinux_loader.probe(bytes, &header);
}

#define ET_REL 1u
#define PT_INTERP 3u

/* A program of some operating system's user space names who loads it. */
static bool has_interpreter(const struct elf *elf) {
    const size_t size =
        elf->is_64bit ? sizeof(struct elf64_program_header) : sizeof(struct elf32_program_header);
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        uint32_t type = 0;
        if (span_read32(elf->program_headers, i * size, &type) && type == PT_INTERP)
            return true;
    }
    return false;
}

static void explain_notes(struct hints *hints, const struct elf *elf) {
    struct span descriptor = {0};
    if (elf_find_note(elf, XEN_ELFNOTE_OWNER, ELF_NOTE_ANY, &descriptor))
        add(hints, "It has notes of Xen's, but not PHYS32_ENTRY (type 18), which is the entry of "
                   "PVH. A Linux has it when it is built with CONFIG_PVH.");
}

static void explain_elf(struct hints *hints, struct span bytes) {
    uint16_t type = 0;
    struct elf elf;
    struct error error;
    span_read16(bytes, offsetof(struct elf32_header, e_type), &type);
    if (type == ET_REL) {
        add(hints, "It is an object file, which is not linked yet (or a kernel's module).");
        return;
    }
    if (!elf_open(bytes, &elf, &error)) {
        if (error.number == ERROR_ELF_KIND)
            add(hints, "It is an ELF file for another machine than a PC, or none that is run.");
        return;
    }
    if (has_interpreter(&elf)) {
        add(hints, "It is a program for the user space of an operating system.");
        return;
    }
    explain_multiboot(hints, bytes);
    explain_notes(hints, &elf);
    if (hints->count == 0)
        add(hints,
            "Nothing in it tells how it is to be entered: it needs a Multiboot 1 or 2 header near "
            "its beginning, or a note of Xen's of type PHYS32_ENTRY. A vmlinux of a Linux before "
            "4.19, which has no note of its own, boots with pvhboot.protocol=linux.");
}

/* --- Kernels that boot, but... ---------------------------------------------------------------- */

/* What 32-bit addresses of a higher half begin with, at the least. */
#define HIGHER_HALF 0x80000000u

/* The linker gives every section its virtual address for the physical one unless it is told. */
static void explain_addresses(struct hints *hints, const struct elf *elf) {
    struct load_segment segment = {0};
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        if (!elf_load_segment(elf, i, &segment) || segment.address < HIGHER_HALF ||
            segment.virtual_address != segment.address)
            continue;
        add(hints,
            "Its physical address is the virtual one, 0x%" PRIx32 ", where a PC has RAM seldom or "
            "never: give the sections of the linker script one of their own, AT(ADDR(.text) - "
            "0x%" PRIx32 ") and so on.",
            segment.address, segment.address & 0xf0000000u);
        return;
    }
}

/* Its banner's format, and how it begins what it prints. */
bool elf_is_xen(struct span bytes) {
    static const char version[] = "Xen version %d.%d";
    static const char prefix[] = "(XEN) ";
    return span_find(bytes, 0, version, sizeof version - 1) != SIZE_MAX &&
           span_find(bytes, 0, prefix, sizeof prefix - 1) != SIZE_MAX;
}

static void explain_kernel(struct hints *hints, struct span bytes) {
    struct elf elf;
    struct error error;
    if (!elf_parse(bytes, &elf, &error))
        return;
    explain_addresses(hints, &elf);
    if (elf_is_xen(bytes))
        add(hints, "It is Xen, which drops the first word of its line, and of its dom0's: put "
                   "a word in front of each, as pvhboot.argv0=xen does of its own.");
}

/* --- Programs for UEFI ------------------------------------------------------------------------ */

static void explain_efi(struct hints *hints, struct span bytes, enum content content) {
    struct pe_fault fault;
    const bool has_fault = pe_layout_find_fault(bytes, &fault);
    if (has_fault)
        add(hints, "%s", fault.text);
    if (has_fault && fault.is_refused)
        return;
    if (content == CONTENT_EFI)
        add(hints, "UEFI starts it. Hosts that start pvhboot.elf are given what is in its section "
                   ".payload, or the kernel that is beside it.");
    else if (pe_is_pvhboot(bytes))
        add(hints, "UEFI starts it, by the pvhboot in it; hosts that start pvhboot.elf are given "
                   "the same file.");
}

/* Of pvhboot for UEFI the line in it is for the payload in it. */
static bool asks_linux_stub(struct span bytes) {
    struct own_image own;
    struct error error;
    if (content_of(bytes) != CONTENT_EFI || !own_image_has_payload(bytes))
        return kernel_line_asks_linux_stub(NULL, bytes);
    if (!own_image_find(bytes, false, &own, &error))
        return false;
    char *line = efi_line(bytes.bytes, bytes.size);
    const bool asks = line && kernel_line_has(line, LINUX_STUB_INITRD) &&
                      kernel_line_asks_linux_stub(line, own.payload);
    free(line);
    return asks;
}

size_t hints_find(struct span bytes, char sentences[HINTS][HINT_SIZE]) {
    struct hints hints = {.sentences = sentences};
    const enum content content = content_of(bytes);
    const struct foreign *foreign = foreign_find(bytes);
    if (content == CONTENT_ELF && !has_multiboot(bytes) && !has_other_entry(bytes))
        explain_elf(&hints, bytes);
    else if (content == CONTENT_ELF)
        explain_kernel(&hints, bytes);
    else if (content == CONTENT_UNKNOWN && foreign && foreign->hint)
        add(&hints, "%s", foreign->hint);
    else if (content == CONTENT_EFI || content == CONTENT_UKI)
        explain_efi(&hints, bytes, content);
    else if (content == CONTENT_UNKNOWN && !foreign)
        explain_multiboot(&hints, bytes);
    if (asks_linux_stub(bytes))
        add(&hints, "%s", kernel_line_stub_advice);
    return hints.count;
}
