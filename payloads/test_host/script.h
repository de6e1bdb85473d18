/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The script that test_host.elf carries out; test/boot/host_script.py writes it.
 *
 * A script_header, then `records` times a script_record, each of which is followed by its bytes:
 * `length` of them to copy, or one to fill with. Nothing is aligned.
 */
#pragma once

#define SCRIPT_MAGIC "PVHHOST1"

/* Offsets for leave.S. */
#define SCRIPT_FLAGS 12
#define SCRIPT_ENTRY 16
#define SCRIPT_EFLAGS 20
#define SCRIPT_GENERAL 24
#define SCRIPT_SIZE 56

/*
 * Leave test_host's GDT in force, with CS 0x10 and all others 0x18: what the Linux boot protocol
 * promises. Without it there is no GDT and FS and GS are null: PVH promises no more.
 */
#define SCRIPT_FLAG_KEEP_GDT 1

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct script_header {
    char magic[8];
    uint32_t records;
    uint32_t flags;
    uint32_t entry;
    uint32_t eflags;     /* interrupts must stay off: there is no IDT */
    uint32_t general[8]; /* EAX EBX ECX EDX ESI EDI EBP ESP */
} __attribute__((packed));
_Static_assert(offsetof(struct script_header, flags) == SCRIPT_FLAGS, "flags");
_Static_assert(offsetof(struct script_header, entry) == SCRIPT_ENTRY, "entry");
_Static_assert(offsetof(struct script_header, eflags) == SCRIPT_EFLAGS, "eflags");
_Static_assert(offsetof(struct script_header, general) == SCRIPT_GENERAL, "general");
_Static_assert(sizeof(struct script_header) == SCRIPT_SIZE, "script_header");

enum script_kind { SCRIPT_COPY = 1, SCRIPT_FILL = 2 };

struct script_record {
    uint32_t kind;
    uint64_t destination;
    uint32_t length;
} __attribute__((packed));

#endif
