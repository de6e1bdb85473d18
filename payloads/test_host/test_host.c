/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PVH host inside a PVH kernel: its one module is a script that says what to write where, and
 * how to enter what was written. With it a test starts pvhboot as any host would, sane or not.
 *
 * It lets no script harm itself: a write that touches the test host or the script is refused
 * with a message and QEMU exit status 35. What is written where no memory is, is lost.
 */
#include "console.h"
#include "cpu_state.h"
#include "machine.h"
#include "script.h"
#include "start_info.h"

enum { EXIT_REFUSED = 0x11 };

extern char image_start[];
extern char image_end[];

_Noreturn void pvh_main(const struct cpu_state *state, uint32_t bss_dirty);
_Noreturn void leave(const struct script_header *header);

struct reader {
    const uint8_t *at;
    uint32_t left;
};

static _Noreturn void refuse(const char *reason, uint64_t value) {
    console_init();
    console_text("test_host: refused: ");
    console_text(reason);
    console_text(" ");
    console_hex(value);
    console_text("\n");
    machine_exit(EXIT_REFUSED);
}

static const void *take(struct reader *reader, uint32_t length) {
    const void *taken = reader->at;

    if (length > reader->left) {
        refuse("the script ends early: bytes wanted", length);
    }
    reader->at += length;
    reader->left -= length;
    return taken;
}

static bool overlaps(uint64_t address, uint64_t length, const void *start, uint64_t size) {
    uint64_t other = (uintptr_t)start;
    return address < other + size && other < address + length;
}

static void check_destination(const struct script_record *record, const struct reader *script) {
    uint64_t address = record->destination;
    uint64_t length = record->length;

    if (address > UINT32_MAX || length > UINT64_C(0x100000000) - address) {
        refuse("a write ends above 4 GiB:", address);
    }
    if (overlaps(address, length, image_start, (uint64_t)(image_end - image_start))) {
        refuse("a write onto the test host:", address);
    }
    if (overlaps(address, length, script->at, script->left)) {
        refuse("a write onto the script:", address);
    }
}

static void carry_out(struct reader *reader, const struct reader *script) {
    const struct script_record *record = take(reader, sizeof *record);
    void *destination = (void *)(uintptr_t)record->destination;

    check_destination(record, script);
    if (record->kind == SCRIPT_COPY) {
        const void *bytes = take(reader, record->length);
        __builtin_memcpy(destination, bytes, record->length);
    } else if (record->kind == SCRIPT_FILL) {
        const uint8_t *byte = take(reader, 1);
        __builtin_memset(destination, *byte, record->length);
    } else {
        refuse("an unknown kind of record:", record->kind);
    }
}

_Noreturn void pvh_main(const struct cpu_state *state, uint32_t bss_dirty) {
    (void)bss_dirty;
    const struct start_info *info = physical((uint32_t)state->general[1]);

    if (info->magic != START_INFO_MAGIC || info->nr_modules != 1) {
        refuse("one module is wanted, the script; modules there are:", info->nr_modules);
    }
    const struct start_info_module *module = physical((uint32_t)info->modlist_paddr);
    const struct reader script = {physical((uint32_t)module->paddr), (uint32_t)module->size};
    struct reader reader = script;
    const struct script_header *header = take(&reader, sizeof *header);

    if (__builtin_memcmp(header->magic, SCRIPT_MAGIC, sizeof header->magic) != 0) {
        refuse("the module is no script; it begins with", (uint8_t)header->magic[0]);
    }
    for (uint32_t i = 0; i < header->records; i++) {
        carry_out(&reader, &script);
    }
    leave(header);
}
