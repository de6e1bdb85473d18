/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 1 (Multiboot Specification 0.6.96). */
#include "abi/acpi.h"
#include "multiboot.h"

#include "pvhboot/string.h"

#define CHECKSUMMED_WORDS 3u
#define KNOWN_FLAGS (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO | MULTIBOOT_VIDEO_MODE)

bool multiboot1_find(struct span image, size_t *offset) {
    return multiboot_find_header(image, MULTIBOOT_SEARCH, MULTIBOOT_HEADER_ALIGN,
                                 MULTIBOOT_HEADER_MAGIC, CHECKSUMMED_WORDS, offset);
}

/* Reads the header with as many fields as its flags say it has; the others stay as they are. */
static bool read_header(struct span image, size_t offset, struct multiboot_header *header,
                        struct error *error) {
    uint32_t flags = 0;
    span_read32(image, offset + offsetof(struct multiboot_header, flags), &flags);
    if (flags & MULTIBOOT_REQUIRED_FLAGS & ~KNOWN_FLAGS)
        return FAIL(error, MULTIBOOT1_FLAGS, flags & MULTIBOOT_REQUIRED_FLAGS);
    size_t size = offsetof(struct multiboot_header, header_addr);
    if (flags & MULTIBOOT_AOUT_KLUDGE)
        size = offsetof(struct multiboot_header, mode_type);
    if (flags & MULTIBOOT_VIDEO_MODE)
        size = sizeof *header;
    struct span fields;
    if (offset + size > MULTIBOOT_SEARCH || !span_slice(image, offset, size, &fields))
        return FAIL(error, MULTIBOOT1_TRUNCATED, offset, flags, image.size);
    memcpy(header, fields.bytes, size);
    return true;
}

bool multiboot1_parse(struct span image, size_t offset, struct multiboot_kernel *kernel,
                      struct error *error) {
    struct multiboot_header header = {0};
    memset(kernel, 0, sizeof *kernel);
    if (!read_header(image, offset, &header, error))
        return false;
    kernel->takes_text = true;
    kernel->wants_linear =
        (header.flags & MULTIBOOT_VIDEO_MODE) && header.mode_type == MULTIBOOT_MODE_LINEAR;
    kernel->display = (struct display_request){header.width, header.height, header.depth};
    if (!(header.flags & MULTIBOOT_AOUT_KLUDGE))
        return multiboot_load_elf(&kernel->load, image, offset, error) &&
               elf_physical_entry(&kernel->load.elf, &kernel->load.entry, error);
    struct multiboot_addresses addresses = {header.header_addr, header.load_addr,
                                            header.load_end_addr, header.bss_end_addr};
    kernel->load.entry = header.entry_addr;
    return multiboot_load_flat(&kernel->load, image, offset, &addresses, error) &&
           multiboot_check_entry(&kernel->load, error);
}

/* --- The boot information --------------------------------------------------------------------- */

/* Memory that is given out from the front. */
struct writer {
    uint32_t address; /* physical, of `next` */
    uint8_t *next;
};

/* The next `size` bytes, 4-aligned; `*address` is where they are. */
static void *take(struct writer *writer, size_t size, uint32_t *address) {
    void *bytes = writer->next;
    *address = writer->address;
    size = (size + 3) & ~(size_t)3;
    writer->next += size;
    writer->address += (uint32_t)size;
    return bytes;
}

/* The text with a NUL. */
static uint32_t write_text(struct writer *writer, struct span text) {
    uint32_t address;
    uint8_t *bytes = take(writer, text.size + 1, &address);
    memcpy(bytes, text.bytes, text.size);
    bytes[text.size] = 0;
    return address;
}

/* For what lies between the parts. */
#define ALIGNMENT_SLACK 32u

/* No less than what is written. */
static uint64_t information_size(const struct multiboot_boot *boot) {
    const struct payload *payload = boot->payload;
    uint64_t size = sizeof(struct multiboot_info) + sizeof MULTIBOOT_LOADER_NAME;
    size += multiboot_line_room(boot) + boot->kernel.load.elf.section_headers.size;
    size += (uint64_t)multiboot_memory_count(boot) * sizeof(struct multiboot_mmap_entry);
    for (uint32_t i = 0; i < payload->module_count; i++)
        size += sizeof(struct multiboot_module) + payload->modules[i].command_line.size + 4;
    return size + ALIGNMENT_SLACK;
}

static void write_memory(void *context, const struct multiboot_memory *memory) {
    struct writer *writer = context;
    uint32_t address;
    struct multiboot_mmap_entry *entry = take(writer, sizeof *entry, &address);
    *entry = (struct multiboot_mmap_entry){sizeof *entry - sizeof entry->size, memory->start,
                                           memory->size, memory->type};
}

static void write_modules(const struct multiboot_boot *boot, struct writer *writer,
                          struct multiboot_info *info) {
    const struct payload *payload = boot->payload;
    uint32_t address;
    struct multiboot_module *list = take(writer, payload->module_count * sizeof *list, &address);
    info->mods_addr = address;
    info->mods_count = payload->module_count;
    for (uint32_t i = 0; i < payload->module_count; i++) {
        uint32_t start = boot->modules[i];
        list[i] =
            (struct multiboot_module){start, start + (uint32_t)payload->modules[i].bytes.size,
                                      write_text(writer, payload->modules[i].command_line), 0};
    }
}

static void write_sections(const struct multiboot_boot *boot, struct writer *writer,
                           struct multiboot_info *info) {
    const struct elf *elf = &boot->kernel.load.elf;
    if (!elf->section_count)
        return;
    uint32_t address;
    uint8_t *headers = take(writer, elf->section_headers.size, &address);
    info->flags |= MULTIBOOT_INFO_ELF_SHDR;
    info->elf_addr = address;
    info->elf_num = elf->section_count;
    info->elf_size = (uint32_t)elf_section_header_size(elf);
    info->elf_shndx = elf->section_names;
    multiboot_write_sections(boot, headers);
}

static void write_display(const struct display_mode *mode, struct multiboot_info *info) {
    if (mode->kind == DISPLAY_NONE)
        return;
    info->flags |= MULTIBOOT_INFO_FRAMEBUFFER_INFO;
    info->framebuffer_addr = mode->address;
    info->framebuffer_pitch = mode->pitch;
    info->framebuffer_width = mode->width;
    info->framebuffer_height = mode->height;
    info->framebuffer_bpp = (uint8_t)mode->bits;
    info->framebuffer_type = MULTIBOOT_FRAMEBUFFER_TYPE_EGA_TEXT;
    if (mode->kind == DISPLAY_LINEAR) {
        info->framebuffer_type = MULTIBOOT_FRAMEBUFFER_TYPE_RGB;
        memcpy(info->color_info, mode->colours, sizeof info->color_info);
    }
}

static void write_information(const struct multiboot_boot *boot, struct writer *writer) {
    uint32_t address;
    struct multiboot_info *info = take(writer, sizeof *info, &address);
    memset(info, 0, sizeof *info);
    info->flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_MODS |
                  MULTIBOOT_INFO_MEM_MAP | MULTIBOOT_INFO_BOOT_LOADER_NAME;
    uint32_t lower;
    uint32_t upper;
    multiboot_basic_memory(&boot->plan->info->pc_map, &lower, &upper);
    info->mem_lower = lower;
    info->mem_upper = upper;
    info->cmdline = writer->address;
    take(writer, multiboot_line_write(boot, writer->next), &address);
    write_modules(boot, writer, info);
    write_sections(boot, writer, info);
    info->mmap_addr = writer->address;
    multiboot_memory_map(boot, write_memory, writer);
    info->mmap_length = writer->address - info->mmap_addr;
    info->boot_loader_name = write_text(writer, output_text(MULTIBOOT_LOADER_NAME));
    write_display(&boot->display, info);
}

static bool multiboot1_plan(const struct payload *payload, const struct options *options,
                            struct plan *plan, struct error *error) {
    struct payload with_tail;
    struct multiboot_boot boot = {
        .payload = payload, .options = options, .plan = plan, .argv0 = "pvhboot"};
    struct writer writer;
    uint32_t address;
    if (!multiboot1_parse(payload->image, payload->header, &boot.kernel, error) ||
        !kernel_take_tail(&boot.kernel.load, &boot.payload, &with_tail, plan, error) ||
        !multiboot_place(&boot, error))
        return false;
    legacy_area_provide(plan);
    if (!multiboot_take_information(&boot, information_size(&boot), &address, &writer.next, error))
        return false;
    writer.address = address;
    write_information(&boot, &writer);
    multiboot_write_handoff(&boot, MULTIBOOT_BOOTLOADER_MAGIC, address);
    return true;
}

const struct loader multiboot1_loader = {"multiboot1", PROTOCOL_MULTIBOOT1, false, multiboot1_find,
                                         multiboot1_plan};
