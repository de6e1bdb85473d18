# SPDX-License-Identifier: BSD-2-Clause
"""What the unkind host of test/kvm/vmm makes up, written down once more: unkind.c and unkind_map.c have it in C."""

from reporter import ACPI, DISABLED, NVS, PMEM, RAM, RESERVED, UNUSABLE

MIB = 1 << 20
FOUR_GIB = 1 << 32

MODULES = 200
LOW_MEMORY_MOST = 3 << 30
UNKNOWN_TYPE = 42
RSDP, RSDP_SIZE = 0x80003, 36
ARCHIVE_MODE = 0o100444


def memory_map(memory):
    """The map of a guest of so many MiB, without what it says twice."""
    low = min(memory * MIB, LOW_MEMORY_MOST)
    found = [(0, 0x9f7ff, RAM), (MIB, low - MIB, RAM), (RSDP, 0x88001 - RSDP, ACPI), (0x9f7ff, 0x100, UNKNOWN_TYPE),
             (0xf0001, 0xfffe, RESERVED), (0xfec00000, 0x1400000, RESERVED), (0xfffffffffff00000, 0xfffff, RESERVED),
             (0xc00801, 0x1003, UNUSABLE), (0xd00fff, 0x2, PMEM), (0xe00000, 0x801, DISABLED), (0xe00700, 0x801, NVS),
             (0xf00123, 0x4321, UNKNOWN_TYPE), (0xf04000, 0x1, 0xFFFFFFFF)]
    return found + ([(FOUR_GIB, memory * MIB - low, RAM)] if memory * MIB > low else [])


def made_up_data(number):
    """A cpio archive with one file, cut off at any byte; every sixteenth module is empty."""
    if number % 16 == 0:
        return b""
    data = member(ARCHIVE_MODE, b"unkind-%d" % number, b"made up %d\n" % number) + member(0, b"TRAILER!!!", b"")
    return data[:len(data) - number // 2 % 4]


def member(mode, name, content):
    """Of a cpio archive."""
    fields = [1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    return padded(b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0") + padded(content)


def padded(data):
    return data + bytes(-len(data) % 4)


def made_up_line(number):
    if number % 7 == 0:
        return made_up_line(number - 1)
    return b'unkind-%d  "pvhboot.verbose" = %d ' % (number, number) if number % 3 else None


MADE_UP = [(made_up_data(number), made_up_line(number)) for number in range(1, MODULES)]


def joined_initrd(first):
    """Linux has one initrd only: archives are 4-aligned in it."""
    joined = first
    for data, _ in MADE_UP:
        joined = padded(joined) + data if data else joined
    return joined
