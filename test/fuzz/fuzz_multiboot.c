/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Multiboot headers and the ELF file behind them on any bytes: nothing outside of them is read,
 * and what is accepted is consistent.
 */
#include "fuzz.h"
#include "judge.h"
#include "pvhboot/multiboot.h"

#define ADDRESS 0x2000000u

static bool is_part(struct span part, struct span whole) {
    return part.size <= whole.size && part.address >= whole.address &&
           part.address - whole.address <= whole.size - part.size &&
           (part.size == 0 || part.bytes == whole.bytes + (part.address - whole.address));
}

static bool is_power_of_two(uint32_t value) {
    return value && !(value & (value - 1));
}

/* In 64 bits, so that nothing wraps. */
static uint64_t end_of(const struct load_segment *segment) {
    return (uint64_t)segment->address + segment->size;
}

static const char *judge_segment(const struct kernel *kernel, uint32_t index, struct span image,
                                 bool *has_entry) {
    struct load_segment segment;
    struct load_segment other;
    if (!kernel_segment(kernel, index, &segment))
        return NULL;
    if (!is_part(segment.bytes, image))
        return "what is loaded is not in the file";
    if (segment.size == 0 || segment.bytes.size > segment.size)
        return "what is loaded is larger in the file than in memory";
    if (end_of(&segment) > LOW_MEMORY_END || segment.address < kernel->link.start ||
        end_of(&segment) > kernel->link.end)
        return "what is loaded is not in low memory, or not where the kernel is";
    for (uint32_t i = 0; i < index; i++)
        if (kernel_segment(kernel, i, &other) && segment.address < end_of(&other) &&
            other.address < end_of(&segment))
            return "two segments overlap";
    *has_entry |=
        kernel->entry >= segment.address && kernel->entry - segment.address < segment.bytes.size;
    return NULL;
}

static const char *judge_sections(const struct elf *elf, struct span image) {
    struct elf_section section;
    if (elf->section_count && !is_part(elf->section_headers, image))
        return "the section headers are not in the file";
    for (uint32_t i = 0; i < elf->section_count; i++)
        if (elf_section_kept(elf, i, &section) &&
            (section.offset > image.size || section.size > image.size - section.offset ||
             !section.size))
            return "a section that is kept is not in the file";
    return NULL;
}

static const char *judge_kernel(const struct kernel *kernel, struct span image) {
    bool has_entry = false;
    if (kernel->link.start >= kernel->link.end || kernel->link.end > LOW_MEMORY_END)
        return "a kernel that is nowhere";
    for (uint32_t i = 0; i < kernel_segment_count(kernel); i++) {
        const char *wrong = judge_segment(kernel, i, image, &has_entry);
        if (wrong)
            return wrong;
    }
    if (!has_entry)
        return "the entry is in nothing that is loaded";
    if (kernel->relocatable && (!is_power_of_two(kernel->alignment) ||
                                kernel->lowest > kernel->highest || kernel->preference > 2))
        return "the relocatable tag makes no sense";
    return kernel->flat ? NULL : judge_sections(&kernel->elf, image);
}

static bool is_multiboot_error(enum error_number number) {
    return number >= ERROR_MULTIBOOT1_FLAGS && number <= ERROR_ELF_ENTRY;
}

/* What either version is read with. */
struct version {
    bool (*find)(struct span image, size_t *offset);
    bool (*parse)(struct span image, size_t offset, struct multiboot_kernel *kernel,
                  struct error *error);
    size_t alignment;
    size_t search;
    size_t least; /* bytes of a header */
};

static void try_version(const struct version *version, struct span image) {
    struct multiboot_kernel kernel;
    struct error error = {0};
    size_t offset;
    if (!version->find(image, &offset))
        return;
    if (offset % version->alignment || offset + version->least > image.size ||
        offset + version->least > version->search)
        must_be_right("a header where none may be");
    if (version->parse(image, offset, &kernel, &error))
        must_be_right(judge_kernel(&kernel.load, image));
    else if (!is_multiboot_error(error.number))
        must_be_right("refused without a reason of its own");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct version versions[] = {
        {multiboot1_find, multiboot1_parse, MULTIBOOT_HEADER_ALIGN, MULTIBOOT_SEARCH, 12},
        {multiboot2_find, multiboot2_parse, MULTIBOOT2_ALIGN, MULTIBOOT2_SEARCH, 16}};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        try_version(&versions[i], (struct span){ADDRESS, data, size});
    return 0;
}
