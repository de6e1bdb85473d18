# SPDX-License-Identifier: BSD-2-Clause
"""Judges a Multiboot reporter's report: every value in it against what the host was given.

What a kernel must get comes from the specifications: Multiboot 0.6.96, 3.2 and 3.3; Multiboot 2.0, 3.3 and 3.6.  What they
leave open is as docs/protocols.md has it.
"""

import dataclasses
import itertools
import zlib

import handover_firmware
import reporter
from handover import CR0_ET, CR0_PE, EFLAGS_DF, EFLAGS_IF, PAGE, check_clear, check_segments, contiguous_kib_from_1_mib
from multiboot_image import NOBITS, MultibootImage
from reporter import ACPI, NVS, RAM, RESERVED, UNUSABLE, normalise, pc_memory

MIB = 1 << 20
LOADER_NAME = b"pvhboot 0.1.0"
MAGIC = {1: 0x2BADB002, 2: 0x36D76289}

EFLAGS_VM = 1 << 17

# Fields of Multiboot 1's information, by the flag that says that they hold something.
FIELDS1 = {
    0: ("mem_lower", "mem_upper"),
    1: ("boot_device",),
    2: ("cmdline",),
    3: ("mods_count", "mods_addr"),
    5: ("elf_num", "elf_size", "elf_addr", "elf_shndx"),
    6: ("mmap_length", "mmap_addr"),
    7: ("drives_length", "drives_addr"),
    8: ("config_table",),
    9: ("boot_loader_name",),
    10: ("apm_table",),
    11: ("vbe_control_info", "vbe_mode_info", "vbe_mode", "vbe_interface_seg", "vbe_interface_off", "vbe_interface_len"),
}
# Without a framebuffer, and with one.
INFORMATION1_SIZE, INFORMATION1_SIZE_FRAMEBUFFER = 88, 118

# Tags of Multiboot 2's information.
(TAG_END, TAG_COMMAND_LINE, TAG_LOADER_NAME, TAG_MODULE, TAG_BASIC_MEMORY, TAG_BOOT_DEVICE, TAG_MEMORY_MAP, TAG_VBE,
 TAG_FRAMEBUFFER, TAG_SECTIONS) = range(10)
TAG_ACPI_OLD, TAG_ACPI_NEW, TAG_LOAD_BASE = 14, 15, 21

SHF_ALLOC = 2
SHT_NULL = 0

SELECTORS = ("cs", "ds", "es", "fs", "gs", "ss")
LOWEST_INFORMATION = 0x10000
FRAMEBUFFER_RGB, FRAMEBUFFER_TEXT = 1, 2
EGA_TEXT = reporter.Framebuffer(0xB8000, 160, 80, 25, 16, FRAMEBUFFER_TEXT, None)
RGB_BY_DEPTH = {
    15: ((10, 5), (5, 5), (0, 5)),
    16: ((11, 5), (5, 6), (0, 5)),
    24: ((16, 8), (8, 8), (0, 8)),
    32: ((16, 8), (8, 8), (0, 8)),
}

SCAN_START, SCAN_END = 0xE0000, 0x100000


@dataclasses.dataclass
class Module:
    """`place` is where it must be, None when that is not given."""

    data: bytes
    line: bytes = b""
    place: int | None = None


@dataclasses.dataclass
class Given:
    """What a boot was made of.

    kernel        the file, whole
    protocol      1 or 2
    command_line  all of what the kernel must get, the name in front included
    memory        the host's map: (address, size, type)
    rsdp          reporter.Rsdp
    scan          whether a scan finds the RSDP: "host" as the host has it; "none"; "copy": Multiboot 1 gets a copy; or the
                  address of another one that it finds, the machine's own
    framebuffer   None, "text", or (width, height, depth)
    load_address  where the kernel's code must be; None: where it is linked
    long_mode     the processor has it
    firmware      handover_firmware.Firmware where it was UEFI, or None
    """

    kernel: bytes
    protocol: int
    command_line: bytes
    memory: list
    rsdp: reporter.Rsdp
    modules: list = dataclasses.field(default_factory=list)
    scan: str = "host"
    framebuffer: object = None
    load_address: int | None = None
    long_mode: bool = True
    firmware: handover_firmware.Firmware | None = None

    def __post_init__(self):
        self.image = MultibootImage(self.kernel, self.protocol)
        if self.load_address is None:
            self.load_address = self.image.code.address

    @property
    def slide(self):
        return self.load_address - self.image.code.address

    @property
    def has_sections(self):
        return bool(self.image.sections)


def check(report, given):
    """Asserts that a kernel was handed exactly what was given."""
    assert report.kind == f"multiboot{given.protocol}"
    check_processor(report, given)
    check_kernel(report, given)
    assert report.command_line.bytes == given.command_line
    assert report.loader_name.bytes == LOADER_NAME
    check_memory(report, given)
    check_modules(report, given)
    check_sections(report, given)
    check_framebuffer(report, given)
    if given.protocol == 1:
        check_information1(report, given)
    else:
        check_information2(report, given)
    check_rsdp(report, given)
    check_places(report, given)


def check_processor(report, given):
    assert report["mode"] == 32, "also from an ELF64"
    assert report["eax"] == MAGIC[given.protocol]
    assert report["ebx"] == report["information"]
    assert report["cr0"] == CR0_PE | CR0_ET
    assert report["cr4"] == 0
    assert report.efer == (0 if given.long_mode else None)
    assert report["flags"] & (EFLAGS_IF | EFLAGS_DF | EFLAGS_VM) == 0
    check_segments(report, 32)
    assert report["a20"] == 1


def check_kernel(report, given):
    assert report["load_address"] == given.load_address
    assert report.kernel.address == given.load_address
    assert report.kernel.size > PAGE, "most of the kernel is constant"
    assert report.kernel.crc32 == zlib.crc32(given.image.code.data[:report.kernel.size])
    assert report["bss_dirty"] == 0


def translated(memory):
    """A host's map with Multiboot's types: what has none is reserved."""
    return [(start, size, type if type in (RAM, ACPI, NVS, UNUSABLE) else RESERVED)
            for start, size, type in normalise(pc_memory(memory))]


def check_memory(report, given):
    assert normalise(report.memory) == normalise(translated(given.memory))
    ends = [start + size for start, size, _ in report.memory]
    assert all(end <= start for end, (start, _, _) in zip(ends, report.memory[1:])), "sorted and disjoint"
    assert all(size for _, size, _ in report.memory)
    assert report["memory_map_left"] == 0
    assert report["mem_lower"] == lower_kib(given.memory)
    assert report["mem_upper"] == min(contiguous_kib_from_1_mib(given.memory), 0xFFFFFFFF)


def lower_kib(memory):
    """RAM from 0 up to its first hole, in KiB, at most the 640 that a PC has."""
    for start, size, type in normalise(memory):
        if type == RAM and start == 0:
            return min(size // 1024, 640)
    return 0


def check_modules(report, given):
    assert [(blob.size, blob.crc32) for blob in report.modules] == [
        (len(module.data), zlib.crc32(module.data)) for module in given.modules]
    for index, (blob, module) in enumerate(zip(report.modules, given.modules)):
        assert report.module_line(index).bytes == module.line
        # An empty one lies nowhere.
        if blob.size:
            assert blob.address % PAGE == 0
            assert blob.address >= MIB
        if module.place is not None:
            assert blob.address == module.place, f"module {index} is at {blob.address:#x}"


def in_file_only(section):
    """A section that an ELF loader leaves in the file."""
    return section.type not in (SHT_NULL, NOBITS) and not section.flags & SHF_ALLOC and section.size


def check_sections(report, given):
    """As in the file, but for where they are."""
    expected = given.image.sections
    reported = report.sections
    assert len(reported) == len(expected)
    if not expected:
        return
    sizes = (report["elf_num"], report["elf_size"], report["elf_shndx"])
    assert sizes == (len(expected), given.image.section_size, given.image.names_index)
    for section, original in zip(reported, expected):
        for field in ("name", "type", "flags", "offset", "size", "link", "info", "alignment", "entry_size"):
            assert (original.name, field, getattr(section, field)) == (original.name, field, getattr(original, field))
        if in_file_only(original):
            assert section.address % max(original.alignment, 1) == 0
            assert section.blob.crc32 == zlib.crc32(given.image.section_bytes(original)), original
        elif original.flags & SHF_ALLOC:
            assert section.address == original.address + given.slide, original
        else:
            assert section.address == original.address, original


def check_framebuffer(report, given):
    found = report.framebuffer
    if given.framebuffer is None:
        assert found is None
    elif given.framebuffer == "text":
        assert found == EGA_TEXT
    else:
        width, height, depth = given.framebuffer
        assert (found.width, found.height, found.depth, found.type) == (width, height, depth, FRAMEBUFFER_RGB)
        assert found.pitch == width * ((depth + 7) // 8)
        assert found.colours == RGB_BY_DEPTH[depth]
        size = found.pitch * height
        assert not any(start < found.address + size and found.address < start + length
                       for start, length, _ in given.memory), "the framebuffer lies on something of the map's"


def check_information1(report, given):
    flags = {0, 2, 3, 6, 9}
    if given.has_sections:
        flags.add(5)
    if given.framebuffer is not None:
        flags.add(12)
    assert report["information_flags"] == sum(1 << flag for flag in flags)
    for flag, names in FIELDS1.items():
        if flag not in flags:
            assert {name: report[name] for name in names} == dict.fromkeys(names, 0), "fields that hold nothing"
    assert report["cmdline"] == report.command_line.address
    assert report["boot_loader_name"] == report.loader_name.address
    assert report["mods_count"] == len(given.modules)
    assert all(report[key] == 0 for key in report.indexed("module_reserved"))
    assert report["mmap_length"] == 24 * len(report.memory)
    assert [report.numbers(key)[3] for key in report.indexed("memory_map")] == [20] * len(report.memory)
    if given.framebuffer is not None:
        check_colour_bytes(report)


def check_colour_bytes(report):
    """Where multiboot.h and GRUB have them; the drawing in the specification's text has them two bytes earlier."""
    colours = report.framebuffer.colours or ((0, 0),) * 3
    assert report.hex_bytes("framebuffer_colour_bytes") == bytes(2) + bytes(itertools.chain(*colours))


def expected_tags(report, given):
    """Multiboot 2's tags in their order, with their sizes."""
    text = len(given.command_line) + 1
    tags = [(TAG_COMMAND_LINE, 8 + text), (TAG_LOADER_NAME, 8 + len(LOADER_NAME) + 1)]
    if given.image.relocatable:
        tags.append((TAG_LOAD_BASE, 12))
    tags += [(TAG_MODULE, 16 + len(module.line) + 1) for module in given.modules]
    tags += [(TAG_BASIC_MEMORY, 16), (TAG_MEMORY_MAP, 16 + 24 * len(report.memory))]
    if given.has_sections:
        tags.append((TAG_SECTIONS, 20 + len(given.image.sections) * given.image.section_size))
    if given.framebuffer is not None:
        tags.append((TAG_FRAMEBUFFER, 32 if given.framebuffer == "text" else 38))
    old, new = acpi_tags(given.rsdp)
    tags += [(TAG_ACPI_OLD, 8 + len(old))] if old else []
    tags += [(TAG_ACPI_NEW, 8 + len(new))] if new else []
    if given.firmware:
        tags += handover_firmware.multiboot2_tag_sizes(report)
    return [*tags, (TAG_END, 8)]


def acpi_tags(rsdp):
    """What the old and the new RSDP tag hold; empty: there is no such tag."""
    if not rsdp.address:
        return b"", b""
    revision, rsdt = rsdp.bytes[15], rsdp.bytes[16:20]
    old = rsdp.bytes[:20] if any(rsdt) or revision < 2 else b""
    return old, rsdp.bytes if revision >= 2 else b""


def check_information2(report, given):
    assert report["information"] % 8 == 0
    assert [(type, size) for type, size, _ in report.tags] == expected_tags(report, given)
    assert report["reserved"] == 0
    assert report["left"] == 0
    assert "tag_broken" not in report
    assert report.indexed("padding") == [], "bytes between tags"
    if given.image.relocatable:
        assert report["load_base"] == given.image.start + given.slide
    assert (report["memory_map_entry_size"], report["memory_map_version"]) == (24, 0)
    assert all(report.numbers(key)[3] == 0 for key in report.indexed("memory_map"))
    if given.framebuffer is not None:
        assert report["framebuffer_reserved"] == 0
    if given.firmware:
        handover_firmware.check_multiboot2(report)
    for key, data in zip(("rsdp_old", "rsdp_new"), acpi_tags(given.rsdp)):
        assert (report.hex_bytes(key) if key in report else b"") == data


def check_rsdp(report, given):
    """Multiboot 1 has no field for it: a kernel must find it where PCs have it."""
    found = report.scanned_rsdp
    if given.scan == "host":
        assert found == given.rsdp
    elif given.scan == "copy":
        assert found.bytes == given.rsdp.bytes
        assert SCAN_START <= found.address < SCAN_END
    elif given.scan == "none":
        assert found.address == 0
    else:
        assert found.address == given.scan != given.rsdp.address


def places(report, given):
    """Everything that lies somewhere: (name, address, size)."""
    found = [(f"segment {segment.address:#x}", segment.address + given.slide, segment.size)
             for segment in given.image.segments]
    found += [(f"module {index}", blob.address, blob.size) for index, blob in enumerate(report.modules) if blob.size]
    found += [(f"section {section.name}", section.address, section.size)
              for section, original in zip(report.sections, given.image.sections) if in_file_only(original)]
    found.append(("gdt", report.numbers("gdt")[0], report.numbers("gdt")[1] + 1))
    if given.scan == "copy":
        found.append(("RSDP", report.scanned_rsdp.address, len(report.scanned_rsdp.bytes)))
    return found + information_places(report, given)


def information_places(report, given):
    """All that is handed over besides kernel and modules."""
    if given.protocol == 2:
        return [("information", report["information"], report["total_size"])]
    texts = [("command line", report.command_line), ("loader name", report.loader_name)]
    texts += [(f"string {index}", report.module_line(index)) for index in range(len(given.modules))]
    size = INFORMATION1_SIZE if given.framebuffer is None else INFORMATION1_SIZE_FRAMEBUFFER
    found = [("information", report["information"], size),
             ("memory map", report["mmap_addr"], report["mmap_length"])]
    found += [(name, text.address, len(text.bytes) + 1) for name, text in texts]
    if given.modules:
        found.append(("modules", report["mods_addr"], 16 * report["mods_count"]))
    if given.has_sections:
        found.append(("section headers", report["elf_addr"], report["elf_num"] * report["elf_size"]))
    return found


def check_places(report, given):
    """Everything is in RAM, below 4 GiB, and in nobody's way."""
    found = sorted(places(report, given), key=lambda place: place[1])
    check_clear(found, normalise(given.memory))
    for name, address, _ in information_places(report, given):
        assert address >= LOWEST_INFORMATION, name
    if given.rsdp.address:
        end = given.rsdp.address + len(given.rsdp.bytes)
        assert not any(address < end and given.rsdp.address < address + size for _, address, size in found)
