# SPDX-License-Identifier: BSD-2-Clause
"""Judges a PVH reporter's report: every value in it against what the host was given.

What a kernel must get comes from Xen's docs/misc/pvh.pandoc and the comments of public/arch-x86/hvm/start_info.h.  What they
leave open is as docs/protocols.md has it.
"""

import dataclasses
import zlib

import reporter
from elf_image import ElfImage
from handover import CR0_ET, CR0_PE, EFLAGS_DF, EFLAGS_IF, PAGE, check_clear, check_segments, may_begin_at_page_start
from reporter import normalise

MIB = 1 << 20
MAGIC = 0x336EC578
VERSION = 1
PRIVILEGED, INITDOMAIN = 1, 2

EFLAGS_TF, EFLAGS_VM = 1 << 8, 1 << 17

TASK_SELECTOR = 0x20
BUSY_32BIT_TSS = 0xB
TASK_LIMIT = 0x67

START_INFO_SIZE, MODULE_SIZE, MAP_ENTRY_SIZE = 56, 32, 24
LOWEST_INFORMATION = 0x10000


@dataclasses.dataclass
class Module:
    """`line` is None where there is none; `place` is where it must be, None when that is not given; `initrd`: it is one, and
    may begin with zeros from its page's start on."""

    data: bytes
    line: bytes | None = None
    place: int | None = None
    initrd: bool = False


@dataclasses.dataclass
class Given:
    """What a boot was made of.

    kernel        the ELF file
    command_line  what of the host's command line is the payload's
    memory        the host's map: (address, size, type)
    rsdp          reporter.Rsdp
    flags         the host's start_info flags
    load_address  where the kernel's code must be; None: where it is linked
    long_mode     the processor has it
    """

    kernel: bytes
    command_line: bytes
    memory: list
    rsdp: reporter.Rsdp
    modules: list = dataclasses.field(default_factory=list)
    flags: int = 0
    load_address: int | None = None
    long_mode: bool = True

    def __post_init__(self):
        self.image = ElfImage(self.kernel)
        # The reporter's own; some files have others.
        self.code = max(self.image.segments, key=lambda segment: len(segment.data))
        if self.load_address is None:
            self.load_address = self.code.address

    @property
    def slide(self):
        return self.load_address - self.code.address


def check(report, given):
    """Asserts that a kernel was handed exactly what was given."""
    assert report.kind == "pvh"
    check_processor(report, given)
    check_kernel(report, given)
    check_start_info(report, given)
    check_modules(report, given)
    assert report.command_line.bytes == given.command_line
    assert report.memory == normalise(given.memory)
    assert report.rsdp == given.rsdp
    check_places(report, given)


def check_processor(report, given):
    assert report["mode"] == 32, "also from an ELF64"
    assert report["ebx"] == report["start_info"]
    assert [report[name] for name in ("eax", "ecx", "edx", "esi", "edi", "ebp")] == [0] * 6
    assert report["cr0"] == CR0_PE | CR0_ET
    assert report["cr4"] == 0
    assert report.efer == (0 if given.long_mode else None)
    assert report["flags"] & (EFLAGS_IF | EFLAGS_DF | EFLAGS_TF | EFLAGS_VM) == 0
    check_segments(report, 32)
    task = report.segment("tr")
    assert (task.selector, task.state) == (TASK_SELECTOR, None)
    assert task.descriptor == {"base": 0, "limit": TASK_LIMIT, "type": BUSY_32BIT_TSS, "code_or_data": 0, "dpl": 0,
                               "present": 1, "long": 0, "big": 0, "granular": 0}


def check_kernel(report, given):
    assert report["load_address"] == given.load_address
    assert report.kernel.address == given.load_address
    assert report.kernel.size > PAGE, "most of the kernel is constant"
    assert report.kernel.crc32 == zlib.crc32(given.code.data[:report.kernel.size])
    assert report["bss_dirty"] == 0


def check_start_info(report, given):
    expected = {"magic": MAGIC, "version": VERSION, "start_info_flags": given.flags, "nr_modules": len(given.modules),
                "rsdp_paddr": given.rsdp.address, "memmap_entries": len(normalise(given.memory)), "reserved": 0}
    assert {name: report[name] for name in expected} == expected
    assert bool(report["modlist_paddr"]) == bool(given.modules)
    assert report["cmdline_paddr"] == report.command_line.address != 0
    for name in ("start_info", "modlist_paddr", "memmap_paddr"):
        assert report[name] % 8 == 0, name
    assert all(report.numbers(key)[3] == 0 for key in report.indexed("memory_map")), "reserved"


def check_modules(report, given):
    assert len(report.modules) == len(given.modules)
    for index, module in enumerate(given.modules):
        address, size, line_address, reserved = report.numbers(f"module.{index:#x}")
        blob = report.modules[index]
        zeros = size - len(module.data)
        assert zeros == 0 or module.initrd and zeros > 0 and may_begin_at_page_start(module.data, zeros)
        assert (blob.address, blob.size, blob.crc32) == (address, size, zlib.crc32(bytes(zeros) + module.data))
        assert reserved == 0
        if size:
            assert address % PAGE == 0 and address >= MIB
        if module.place is not None:
            assert address == module.place
        line = report.module_line(index)
        assert line.address == line_address
        if module.line is None:
            assert line_address == 0
        else:
            assert line.bytes == module.line or (line_address, module.line) == (0, b"")


def information(report):
    """What the start_info and all that it points to take: (name, address, size)."""
    found = [
        ("start_info", report["start_info"], START_INFO_SIZE),
        ("memory map", report["memmap_paddr"], report["memmap_entries"] * MAP_ENTRY_SIZE),
        ("command line", report.command_line.address, len(report.command_line.bytes) + 1),
    ]
    if report["nr_modules"]:
        found.append(("module list", report["modlist_paddr"], report["nr_modules"] * MODULE_SIZE))
    for index in range(report["nr_modules"]):
        line = report.module_line(index)
        if line.address:
            found.append((f"line of module {index}", line.address, len(line.bytes) + 1))
    return found


def places(report, given):
    """Everything that lies somewhere: (name, address, size)."""
    if any(note.owner == b"Linux" for note in given.image.notes):
        # A Linux gives what is between its segments to its page allocator, whatever lies there.
        found = [("kernel", given.image.start + given.slide, given.image.end - given.image.start)]
    else:
        found = [(f"segment {index}", segment.address + given.slide, segment.size)
                 for index, segment in enumerate(given.image.segments)]
    found += [(f"module {index}", blob.address, blob.size) for index, blob in enumerate(report.modules) if blob.size]
    found.append(("gdt", report.numbers("gdt")[0], report.numbers("gdt")[1] + 1))
    return found + information(report)


def check_places(report, given):
    """Everything that was handed over has a place of its own."""
    check_clear(sorted(places(report, given), key=lambda place: place[1]), normalise(given.memory))
    for name, address, _ in information(report):
        assert address >= LOWEST_INFORMATION, name
