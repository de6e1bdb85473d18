/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 2 (Multiboot2 Specification 2.0). */
#include "abi/acpi.h"
#include "multiboot.h"

#include "pvhboot/string.h"

#define CHECKSUMMED_WORDS 4u

/* A header for another architecture is one only where there is none for this. */
bool multiboot2_find(struct span image, size_t *offset) {
    size_t from = 0;
    size_t found;
    bool other = false;
    struct span rest = image;
    while (multiboot_find_header(rest, MULTIBOOT2_SEARCH - from, MULTIBOOT2_ALIGN,
                                 MULTIBOOT2_HEADER_MAGIC, CHECKSUMMED_WORDS, &found)) {
        uint32_t architecture = 0;
        span_read32(rest, found + offsetof(struct multiboot2_header, architecture), &architecture);
        if (!other || architecture == MULTIBOOT2_ARCHITECTURE_I386)
            *offset = from + found;
        if (architecture == MULTIBOOT2_ARCHITECTURE_I386)
            return true;
        other = true;
        from += found + MULTIBOOT2_ALIGN;
        span_slice(image, from, image.size - from, &rest);
    }
    return other;
}

/* --- The header ------------------------------------------------------------------------------- */

/* The header with all its tags, and what they say. */
struct header {
    size_t offset;      /* of the header in the image */
    struct span bytes;  /* the whole header */
    bool has_addresses; /* an address tag */
    struct multiboot_addresses addresses;
    bool has_entry;
    uint32_t entry;
};

static bool slice_header(struct span image, struct header *header, struct error *error) {
    struct multiboot2_header fields;
    if (!span_slice(image, header->offset, sizeof fields, &header->bytes))
        return FAIL(error, MULTIBOOT2_TRUNCATED, header->offset, sizeof fields, image.size);
    memcpy(&fields, header->bytes.bytes, sizeof fields);
    if (fields.architecture != MULTIBOOT2_ARCHITECTURE_I386)
        return FAIL(error, MULTIBOOT2_ARCHITECTURE, fields.architecture);
    if (fields.header_length < sizeof fields || header->offset > MULTIBOOT2_SEARCH ||
        fields.header_length > MULTIBOOT2_SEARCH - header->offset ||
        !span_slice(image, header->offset, fields.header_length, &header->bytes))
        return FAIL(error, MULTIBOOT2_TRUNCATED, header->offset, fields.header_length, image.size);
    return true;
}

static uint32_t word_at(struct span tag, size_t offset) {
    uint32_t value = 0;
    span_read32(tag, offset, &value);
    return value;
}

/* All types that the specification knows are accepted, whether the machine has such data or not. */
static bool read_request(struct span tag, bool optional, struct error *error) {
    for (size_t offset = sizeof(struct multiboot2_header_tag); offset + 4 <= tag.size; offset += 4)
        if (!optional && word_at(tag, offset) > MULTIBOOT2_TAG_LAST)
            return FAIL(error, MULTIBOOT2_REQUEST, word_at(tag, offset));
    return true;
}

static void read_addresses(struct span tag, struct header *header) {
    struct multiboot2_header_tag_address fields;
    memcpy(&fields, tag.bytes, sizeof fields);
    /* From the file's first byte on, as much in front of the header as there is in the file. */
    if (fields.load_addr == MULTIBOOT2_LOAD_FROM_START)
        fields.load_addr = fields.header_addr - (uint32_t)header->offset;
    header->has_addresses = true;
    header->addresses = (struct multiboot_addresses){fields.header_addr, fields.load_addr,
                                                     fields.load_end_addr, fields.bss_end_addr};
}

static bool read_relocatable(struct span tag, struct multiboot_kernel *kernel,
                             struct error *error) {
    struct multiboot2_header_tag_relocatable fields;
    memcpy(&fields, tag.bytes, sizeof fields);
    if (fields.align == 0)
        fields.align = 1;
    if (fields.align & (fields.align - 1) || fields.min_addr > fields.max_addr)
        return FAIL(error, MULTIBOOT2_RELOCATABLE, fields.min_addr, fields.max_addr, fields.align);
    kernel->load.relocatable = true;
    kernel->load.lowest = fields.min_addr;
    kernel->load.highest = fields.max_addr;
    kernel->load.alignment = fields.align;
    if (fields.preference == MULTIBOOT2_LOAD_PREFERENCE_LOW)
        kernel->load.preference = KERNEL_PREFERENCE_LOWEST;
    else if (fields.preference == MULTIBOOT2_LOAD_PREFERENCE_HIGH)
        kernel->load.preference = KERNEL_PREFERENCE_HIGHEST;
    else
        kernel->load.preference = KERNEL_PREFERENCE_LINKED;
    return true;
}

static void read_console_flags(struct span tag, struct multiboot_kernel *kernel) {
    uint32_t flags = word_at(tag, sizeof(struct multiboot2_header_tag));
    kernel->console_required = flags & MULTIBOOT2_CONSOLE_REQUIRED;
    kernel->takes_text = flags & MULTIBOOT2_CONSOLE_EGA_TEXT;
}

static void read_framebuffer(struct span tag, struct multiboot_kernel *kernel) {
    size_t fields = sizeof(struct multiboot2_header_tag);
    kernel->wants_linear = true;
    kernel->display = (struct display_request){word_at(tag, fields), word_at(tag, fields + 4),
                                               word_at(tag, fields + 8)};
}

/* Fewest bytes of each tag, by its type. */
static const uint8_t tag_sizes[] = {
    [MULTIBOOT2_HEADER_TAG_END] = 8,
    [MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST] = 8,
    [MULTIBOOT2_HEADER_TAG_ADDRESS] = sizeof(struct multiboot2_header_tag_address),
    [MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS] = 12,
    [MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS] = 12,
    [MULTIBOOT2_HEADER_TAG_FRAMEBUFFER] = 20,
    [MULTIBOOT2_HEADER_TAG_MODULE_ALIGN] = 8,
    [MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES] = 8,
    [MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI32] = 12,
    [MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64] = 12,
    [MULTIBOOT2_HEADER_TAG_RELOCATABLE] = sizeof(struct multiboot2_header_tag_relocatable),
};
#define TAG_TYPES (sizeof tag_sizes / sizeof *tag_sizes)

/* One tag, whole. Modules always begin on a page; the EFI tags are for a loader under EFI. */
static bool read_tag(struct span tag, const struct multiboot2_header_tag *fields,
                     struct header *header, struct multiboot_kernel *kernel, struct error *error) {
    bool optional = fields->flags & MULTIBOOT2_HEADER_TAG_OPTIONAL;
    switch (fields->type) {
    case MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST:
        return read_request(tag, optional, error);
    case MULTIBOOT2_HEADER_TAG_ADDRESS:
        read_addresses(tag, header);
        return true;
    case MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS:
        header->has_entry = true;
        header->entry = word_at(tag, sizeof *fields);
        return true;
    case MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS:
        read_console_flags(tag, kernel);
        return true;
    case MULTIBOOT2_HEADER_TAG_FRAMEBUFFER:
        read_framebuffer(tag, kernel);
        return true;
    case MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES:
        kernel->wants_boot_services = true;
        return true;
    case MULTIBOOT2_HEADER_TAG_RELOCATABLE:
        return read_relocatable(tag, kernel, error);
    default:
        return optional || fields->type < TAG_TYPES || FAIL(error, MULTIBOOT2_TAG, fields->type);
    }
}

/*
 * Whether what follows a tag without its alignment is an end tag that ends where the header does:
 * so it is in the specification's own example (4.4.2).
 */
static bool is_misaligned_end(struct span header, size_t offset) {
    struct span end;
    uint16_t type = 0;
    return header.size - offset == sizeof(struct multiboot2_header_tag) &&
           span_slice(header, offset, sizeof(struct multiboot2_header_tag), &end) &&
           span_read16(end, 0, &type) && type == MULTIBOOT2_HEADER_TAG_END;
}

/*
 * Tag by tag up to the end tag, whatever size that has, or to the header's end. Every tag has 8
 * bytes or more, so that the walk gets on.
 */
static bool read_tags(struct header *header, struct multiboot_kernel *kernel, struct error *error) {
    size_t offset = sizeof(struct multiboot2_header);
    while (offset < header->bytes.size && !is_misaligned_end(header->bytes, offset)) {
        struct multiboot2_header_tag fields = {0};
        struct span tag = {0};
        if (span_slice(header->bytes, offset, sizeof fields, &tag))
            memcpy(&fields, tag.bytes, sizeof fields);
        if (tag.size && fields.type == MULTIBOOT2_HEADER_TAG_END)
            return true;
        size_t least = fields.type < TAG_TYPES ? tag_sizes[fields.type] : sizeof fields;
        if (fields.size < least || !span_slice(header->bytes, offset, fields.size, &tag))
            return FAIL(error, MULTIBOOT2_TAG_SIZE, fields.type, header->offset + offset,
                        fields.size);
        if (!read_tag(tag, &fields, header, kernel, error))
            return false;
        offset += fields.size;
        if (!is_misaligned_end(header->bytes, offset))
            offset = (offset + MULTIBOOT2_ALIGN - 1) & ~(size_t)(MULTIBOOT2_ALIGN - 1);
    }
    return true;
}

bool multiboot2_parse(struct span image, size_t offset, struct multiboot_kernel *kernel,
                      struct error *error) {
    struct header header = {.offset = offset};
    memset(kernel, 0, sizeof *kernel);
    kernel->takes_text = true;
    if (!slice_header(image, &header, error) || !read_tags(&header, kernel, error))
        return false;
    if (header.has_addresses && !header.has_entry)
        return FAIL(error, MULTIBOOT2_NO_ENTRY);
    if (header.has_addresses
            ? !multiboot_load_flat(&kernel->load, image, header.offset, &header.addresses, error)
            : !multiboot_load_elf(&kernel->load, image, header.offset, error))
        return false;
    kernel->load.entry = header.entry;
    return header.has_entry ? multiboot_check_entry(&kernel->load, error)
                            : elf_physical_entry(&kernel->load.elf, &kernel->load.entry, error);
}

/* --- The boot information --------------------------------------------------------------------- */

/* Memory that is filled with tags from the front. */
struct writer {
    uint8_t *bytes;
    size_t used;
};

/* A tag of `size` bytes, its header included; what aligns the next one is zeros. */
static void *take_tag(struct writer *writer, enum multiboot2_tag_type type, size_t size) {
    struct multiboot2_tag *tag = (struct multiboot2_tag *)(writer->bytes + writer->used);
    size_t aligned = (size + MULTIBOOT2_ALIGN - 1) & ~(size_t)(MULTIBOOT2_ALIGN - 1);
    memset((uint8_t *)tag + size, 0, aligned - size);
    *tag = (struct multiboot2_tag){type, (uint32_t)size};
    writer->used += aligned;
    return tag;
}

static void write_text(struct writer *writer, enum multiboot2_tag_type type, size_t front,
                       struct span text) {
    uint8_t *tag = take_tag(writer, type, front + text.size + 1);
    memcpy(tag + front, text.bytes, text.size);
    tag[front + text.size] = 0;
}

/* Most bytes that tags take beside those counted one by one. */
#define OTHER_TAGS 512u

static size_t firmware_map_size(const struct boot_info *info) {
#if PVHBOOT_EFI
    return info->machine.firmware ? info->machine.firmware->memory_map_size : 0;
#else
    (void)info;
    return 0;
#endif
}

static uint64_t information_size(const struct multiboot_boot *boot) {
    const struct payload *payload = boot->payload;
    uint64_t size = OTHER_TAGS + boot->plan->info->rsdp.size;
    size += firmware_map_size(boot->plan->info);
    size += multiboot_line_room(boot) + boot->kernel.load.elf.section_headers.size;
    size += (uint64_t)multiboot_memory_count(boot) * sizeof(struct multiboot2_mmap_entry);
    for (uint32_t i = 0; i < payload->module_count; i++)
        size += sizeof(struct multiboot2_tag_module) + payload->modules[i].command_line.size +
                MULTIBOOT2_ALIGN;
    return size;
}

/* The line is written before its length is known. */
static void write_command_line(const struct multiboot_boot *boot, struct writer *writer) {
    size_t front = sizeof(struct multiboot2_tag);
    size_t size = multiboot_line_write(boot, writer->bytes + writer->used + front);
    take_tag(writer, MULTIBOOT2_TAG_CMDLINE, front + size);
}

static void write_modules(const struct multiboot_boot *boot, struct writer *writer) {
    for (uint32_t i = 0; i < boot->payload->module_count; i++) {
        const struct boot_module *module = &boot->payload->modules[i];
        struct multiboot2_tag_module *tag =
            (struct multiboot2_tag_module *)(writer->bytes + writer->used);
        write_text(writer, MULTIBOOT2_TAG_MODULE, sizeof *tag, module->command_line);
        tag->mod_start = boot->modules[i];
        tag->mod_end = boot->modules[i] + (uint32_t)module->bytes.size;
    }
}

static void write_memory_entry(void *context, const struct multiboot_memory *memory) {
    struct writer *writer = context;
    struct multiboot2_mmap_entry *entry =
        (struct multiboot2_mmap_entry *)(writer->bytes + writer->used);
    *entry = (struct multiboot2_mmap_entry){memory->start, memory->size, memory->type, 0};
    writer->used += sizeof *entry;
}

static void write_memory(const struct multiboot_boot *boot, struct writer *writer) {
    struct multiboot2_tag_basic_meminfo *basic =
        take_tag(writer, MULTIBOOT2_TAG_BASIC_MEMINFO, sizeof *basic);
    multiboot_basic_memory(&boot->plan->info->pc_map, &basic->mem_lower, &basic->mem_upper);
    struct multiboot2_tag_mmap *map = take_tag(writer, MULTIBOOT2_TAG_MMAP, sizeof *map);
    size_t start = writer->used;
    map->entry_size = sizeof(struct multiboot2_mmap_entry);
    map->entry_version = 0;
    multiboot_memory_map(boot, write_memory_entry, writer);
    map->tag.size += (uint32_t)(writer->used - start);
}

static void write_sections(const struct multiboot_boot *boot, struct writer *writer) {
    const struct elf *elf = &boot->kernel.load.elf;
    if (!elf->section_count)
        return;
    struct multiboot2_tag_elf_sections *tag =
        take_tag(writer, MULTIBOOT2_TAG_ELF_SECTIONS, sizeof *tag + elf->section_headers.size);
    tag->num = elf->section_count;
    tag->entsize = (uint32_t)elf_section_header_size(elf);
    tag->shndx = elf->section_names;
    multiboot_write_sections(boot, (uint8_t *)(tag + 1));
}

static void write_display(const struct display_mode *mode, struct writer *writer) {
    if (mode->kind == DISPLAY_NONE)
        return;
    bool linear = mode->kind == DISPLAY_LINEAR;
    struct multiboot2_tag_framebuffer *tag =
        take_tag(writer, MULTIBOOT2_TAG_FRAMEBUFFER,
                 linear ? MULTIBOOT2_FRAMEBUFFER_SIZE_RGB : MULTIBOOT2_FRAMEBUFFER_SIZE_TEXT);
    tag->framebuffer_addr = mode->address;
    tag->framebuffer_pitch = mode->pitch;
    tag->framebuffer_width = mode->width;
    tag->framebuffer_height = mode->height;
    tag->framebuffer_bpp = (uint8_t)mode->bits;
    tag->framebuffer_type =
        linear ? MULTIBOOT_FRAMEBUFFER_TYPE_RGB : MULTIBOOT_FRAMEBUFFER_TYPE_EGA_TEXT;
    tag->reserved = 0;
    if (linear)
        memcpy(tag->color_info, mode->colours, sizeof tag->color_info);
}

/* The first 20 bytes of a later RSDP are one of ACPI 1.0, if the table they lead to is there. */
static void write_rsdp(struct span rsdp, struct writer *writer) {
    uint32_t rsdt = 0;
    if (!rsdp.size)
        return;
    bool new = rsdp.size > ACPI_RSDP_SIZE_REVISION_0;
    span_read32(rsdp, offsetof(struct acpi_rsdp, rsdt_address), &rsdt);
    if (!new || rsdt) {
        struct multiboot2_tag *old =
            take_tag(writer, MULTIBOOT2_TAG_ACPI_OLD, sizeof *old + ACPI_RSDP_SIZE_REVISION_0);
        memcpy(old + 1, rsdp.bytes, ACPI_RSDP_SIZE_REVISION_0);
    }
    if (new) {
        struct multiboot2_tag *tag =
            take_tag(writer, MULTIBOOT2_TAG_ACPI_NEW, sizeof *tag + rsdp.size);
        memcpy(tag + 1, rsdp.bytes, rsdp.size);
    }
}

#if PVHBOOT_EFI
/*
 * Boot services are gone, so that there is no tag for them, nor one for an image handle. A kernel
 * that would have them takes a system table without them for an error (Xen, arch/x86/boot/head.S)
 * and knows how to do without any UEFI.
 */
static void write_firmware(const struct multiboot_boot *boot, struct writer *writer) {
    const struct boot_info *info = boot->plan->info;
    const struct firmware *firmware = info->machine.firmware;
    struct span map;
    if (!firmware || boot->kernel.wants_boot_services ||
        !memory_span(info->machine.memory, firmware->memory_map, firmware->memory_map_size, &map))
        return;
    struct multiboot2_tag_efi64 *table = take_tag(writer, MULTIBOOT2_TAG_EFI64, sizeof *table);
    table->pointer = firmware->system_table;
    struct multiboot2_tag_efi_mmap *tag =
        take_tag(writer, MULTIBOOT2_TAG_EFI_MMAP, sizeof *tag + map.size);
    tag->descriptor_size = firmware->descriptor_size;
    tag->descriptor_version = firmware->descriptor_version;
    memcpy(tag + 1, map.bytes, map.size);
}
#else
static void write_firmware(const struct multiboot_boot *boot, struct writer *writer) {
    (void)boot;
    (void)writer;
}
#endif

static void write_information(const struct multiboot_boot *boot, uint8_t *bytes) {
    struct writer writer = {bytes, sizeof(struct multiboot2_info)};
    write_command_line(boot, &writer);
    write_text(&writer, MULTIBOOT2_TAG_BOOT_LOADER_NAME, sizeof(struct multiboot2_tag),
               output_text(MULTIBOOT_LOADER_NAME));
    if (boot->kernel.load.relocatable) {
        struct multiboot2_tag_load_base_addr *base =
            take_tag(&writer, MULTIBOOT2_TAG_LOAD_BASE_ADDR, sizeof *base);
        base->load_base_addr = boot->kernel.load.link.start + boot->slide;
    }
    write_modules(boot, &writer);
    write_memory(boot, &writer);
    write_sections(boot, &writer);
    write_display(&boot->display, &writer);
    write_rsdp(boot->plan->info->rsdp, &writer);
    write_firmware(boot, &writer);
    take_tag(&writer, MULTIBOOT2_TAG_END, sizeof(struct multiboot2_tag));
    *(struct multiboot2_info *)bytes = (struct multiboot2_info){(uint32_t)writer.used, 0};
}

static bool multiboot2_plan(const struct payload *payload, const struct options *options,
                            struct plan *plan, struct error *error) {
    struct payload with_tail;
    struct multiboot_boot boot = {
        .payload = payload, .options = options, .plan = plan, .argv0 = ""};
    uint8_t *bytes;
    uint32_t address;
    if (!multiboot2_parse(payload->image, payload->header, &boot.kernel, error) ||
        !kernel_take_tail(&boot.kernel.load, &boot.payload, &with_tail, plan, error) ||
        !multiboot_place(&boot, error))
        return false;
    /* Xen goes by the tags only under EFI, and searches else. */
    legacy_area_provide(plan);
    if (!multiboot_take_information(&boot, information_size(&boot), &address, &bytes, error))
        return false;
    write_information(&boot, bytes);
    multiboot_write_handoff(&boot, MULTIBOOT2_BOOTLOADER_MAGIC, address);
    return true;
}

const struct loader multiboot2_loader = {"multiboot2", PROTOCOL_MULTIBOOT2, false, multiboot2_find,
                                         multiboot2_plan};
