/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end for UEFI with a payload in its sections, as a linker would have made it: signing
 * tools take every byte of the file to be in the headers or in a section.
 */
#include "efi_file.h"

#include <stdlib.h>
#include <string.h>

#include "abi/pe.h"
#include "pvhboot/pe.h"

#define LINE_SECTION ".cmdline"
#define PAYLOAD_SECTION ".payload"

/* The file while it is made: bytes[0, size) are there. */
struct building {
    uint8_t *bytes;
    size_t size;
    uint8_t *pe; /* its PE header, in `bytes` */
    uint32_t section_alignment;
    uint32_t file_alignment;
};

static uint64_t align(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

static uint32_t get(const struct building *building, unsigned field) {
    uint32_t value;
    memcpy(&value, building->pe + field, sizeof value);
    return value;
}

static void put(struct building *building, unsigned field, uint32_t value) {
    memcpy(building->pe + field, &value, sizeof value);
}

static bool open_front_end(struct building *building) {
    const struct span file = {.bytes = building->bytes, .size = building->size};
    struct pe_sections sections;
    struct span pe;
    uint16_t magic;
    if (!pe_find_sections(file, &sections) || !pe_open(file, &pe, &magic))
        return false;
    building->pe = building->bytes + (pe.bytes - file.bytes);
    building->section_alignment = get(building, PE_SECTION_ALIGNMENT);
    building->file_alignment = get(building, PE_FILE_ALIGNMENT);
    /* A bundle's modules stay where they are when they begin pages. */
    return building->section_alignment % PAGE_SIZE == 0 && building->section_alignment &&
           building->file_alignment && building->size % building->file_alignment == 0;
}

/* Where the next section's header goes; NULL when the first section begins there. */
static uint8_t *next_header(const struct building *building) {
    const struct span file = {.bytes = building->bytes, .size = building->size};
    struct pe_sections sections;
    if (!pe_find_sections(file, &sections))
        return NULL;
    const size_t at = (size_t)(sections.headers.bytes - file.bytes) + sections.headers.size;
    return at + sizeof(struct pe_section_header) <= get(building, PE_HEADERS_SIZE)
               ? building->bytes + at
               : NULL;
}

/* The header of one more section behind all others; its bytes go to the end of the file. */
static bool add_section(struct building *building, const char *name, size_t file_offset,
                        size_t size) {
    const uint32_t address = get(building, PE_IMAGE_SIZE);
    const uint64_t raw_size = align(size, building->file_alignment);
    uint8_t *at = next_header(building);
    uint16_t count;
    if (!at)
        return false;
    struct pe_section_header header = {
        .virtual_size = (uint32_t)size,
        .virtual_address = address,
        .size_of_raw_data = (uint32_t)raw_size,
        .pointer_to_raw_data = (uint32_t)file_offset,
        .characteristics = PE_SECTION_INITIALIZED_DATA | PE_SECTION_READ,
    };
    memcpy(header.name, name, strnlen(name, sizeof header.name));
    memcpy(at, &header, sizeof header);
    memcpy(&count, building->pe + PE_NUMBER_OF_SECTIONS, sizeof count);
    count++;
    memcpy(building->pe + PE_NUMBER_OF_SECTIONS, &count, sizeof count);
    put(building, PE_IMAGE_SIZE, (uint32_t)align(address + size, building->section_alignment));
    put(building, PE_INITIALIZED_DATA, get(building, PE_INITIALIZED_DATA) + (uint32_t)raw_size);
    return true;
}

/* --- The checksum (ImageHlp's CheckSumMappedFile) --------------------------------------------- */

/* 16-bit words with the carry added again; `bytes` begin at an even offset. */
static uint32_t sum_words(uint32_t sum, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 ? (uint32_t)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* All pieces begin at even offsets, and zeros count nothing. */
static void put_checksum(struct building *building, const struct bundle *payload, uint64_t size) {
    put(building, PE_CHECKSUM, 0);
    uint32_t sum = sum_words(0, building->bytes, building->size);
    for (size_t i = 0; i < payload->piece_count; i++)
        sum = sum_words(sum, payload->pieces[i].bytes, payload->pieces[i].size);
    put(building, PE_CHECKSUM, sum + (uint32_t)size);
}

/* --- The whole -------------------------------------------------------------------------------- */

static size_t front_end_size(void) {
    return (uintptr_t)efi_file_end - (uintptr_t)efi_file;
}

bool efi_program_can_be_made(void) {
    if (front_end_size())
        return true;
    complain("this pvhboot was built without its front end for UEFI (-DPVHBOOT_EFI=OFF)");
    return false;
}

static bool build(struct building *building, const struct bundle *payload, const char *line,
                  struct efi_program *program) {
    const size_t line_size = strlen(line);
    memcpy(building->bytes, efi_file, front_end_size());
    building->size = front_end_size();
    if (!open_front_end(building))
        return false;
    if (line_size) {
        if (!add_section(building, LINE_SECTION, building->size, line_size))
            return false;
        memcpy(building->bytes + building->size, line, line_size);
        building->size += align(line_size, building->file_alignment);
    }
    if (!add_section(building, PAYLOAD_SECTION, building->size, payload->size))
        return false;
    program->size = building->size;
    program->padding = align(payload->size, building->file_alignment) - payload->size;
    put_checksum(building, payload, program->size + payload->size + program->padding);
    return true;
}

/* Firmware has to load it, and the front end takes memory for it below 4 GiB. */
static bool is_too_large(const struct bundle *payload, size_t front) {
    if (payload->size <= LOW_MEMORY_END - align(front, 2 * (uint64_t)MIB))
        return false;
    complain("%zu bytes behind the %zu of the front end: they have to end below 4 GiB",
             payload->size, front);
    return true;
}

int efi_program_make(const struct bundle *payload, const char *line, struct efi_program *program) {
    /* No file alignment is larger than 64 KiB. */
    const size_t line_room = line ? align(strlen(line), 64 * (uint64_t)KIB) : 0;
    struct building building = {0};
    *program = (struct efi_program){0};
    if (!efi_program_can_be_made())
        return COMMAND_TROUBLE;
    if (is_too_large(payload, front_end_size() + line_room))
        return COMMAND_DOES_NOT_BOOT;
    building.bytes = calloc(1, front_end_size() + line_room);
    if (!building.bytes) {
        complain("there is not enough memory for the front end");
        return COMMAND_TROUBLE;
    }
    program->bytes = building.bytes;
    if (build(&building, payload, line ? line : "", program))
        return COMMAND_DONE;
    complain("the front end for UEFI in this command has no place for a section more");
    efi_program_free(program);
    return COMMAND_TROUBLE;
}

void efi_program_write(const struct efi_program *program, const struct bundle *payload,
                       struct file_writer *writer) {
    static const uint8_t zeros[PAGE_SIZE];
    file_write(writer, program->bytes, program->size);
    bundle_write(payload, writer);
    for (size_t left = program->padding; left;) {
        const size_t size = left < sizeof zeros ? left : sizeof zeros;
        file_write(writer, zeros, size);
        left -= size;
    }
}

void efi_program_free(struct efi_program *program) {
    free(program->bytes);
    *program = (struct efi_program){0};
}
