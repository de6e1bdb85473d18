# SPDX-License-Identifier: BSD-2-Clause
"""Judges a bzImage's or a vmlinux reporter's report: every value in it against what the host was given.

What the host itself was given comes from payloads/pvh.elf, booted on the same machine, or from the test that
made the host.  What a kernel must get comes from Documentation/arch/x86/boot.rst.
"""

import dataclasses
import zlib

import handover_firmware
import reporter
from boot_image import CPIO_MAGIC, header_end, protected_mode
from elf_image import ElfImage
from reporter import RAM, normalise, pc_memory

PAGE = 4096
FOUR_GIB = 1 << 32

XLF_KERNEL_64 = 1
XLF_CAN_BE_LOADED_ABOVE_4G = 2

EFLAGS_IF = 1 << 9
EFLAGS_DF = 1 << 10
CR0_PE, CR0_ET, CR0_PG = 1, 1 << 4, 1 << 31
CR4_PAE = 1 << 5
EFER_LME, EFER_LMA = 1 << 8, 1 << 10

# Every field of the setup header: name, offset, size; then those that are the loader's to write.
HEADER_FIELDS = [
    ("setup_sects", 0x1F1, 1), ("root_flags", 0x1F2, 2), ("syssize", 0x1F4, 4), ("ram_size", 0x1F8, 2),
    ("vid_mode", 0x1FA, 2), ("root_dev", 0x1FC, 2), ("boot_flag", 0x1FE, 2), ("jump", 0x200, 2), ("header", 0x202, 4),
    ("version", 0x206, 2), ("realmode_swtch", 0x208, 4), ("start_sys_seg", 0x20C, 2), ("kernel_version", 0x20E, 2),
    ("type_of_loader", 0x210, 1), ("loadflags", 0x211, 1), ("setup_move_size", 0x212, 2), ("code32_start", 0x214, 4),
    ("ramdisk_image", 0x218, 4), ("ramdisk_size", 0x21C, 4), ("bootsect_kludge", 0x220, 4),
    ("heap_end_ptr", 0x224, 2), ("ext_loader_ver", 0x226, 1), ("ext_loader_type", 0x227, 1),
    ("cmd_line_ptr", 0x228, 4), ("initrd_addr_max", 0x22C, 4), ("kernel_alignment", 0x230, 4),
    ("relocatable_kernel", 0x234, 1), ("min_alignment", 0x235, 1), ("xloadflags", 0x236, 2), ("cmdline_size", 0x238, 4),
    ("hardware_subarch", 0x23C, 4), ("hardware_subarch_data", 0x240, 8), ("payload_offset", 0x248, 4),
    ("payload_length", 0x24C, 4), ("setup_data", 0x250, 8), ("pref_address", 0x258, 8), ("init_size", 0x260, 4),
    ("handover_offset", 0x264, 4), ("kernel_info_offset", 0x268, 4),
]
LOADER_WRITES = {"type_of_loader", "code32_start", "ramdisk_image", "ramdisk_size", "cmd_line_ptr", "kernel_alignment",
                 "setup_data"}


@dataclasses.dataclass
class Given:
    """What a boot was made of.

    kernel        the bzImage, without what is behind its end
    initrd        the bytes that the kernel must find as its initrd, or None
    command_line  what of the host's command line is the payload's
    memory        the host's map: (address, size, type)
    rsdp          reporter.Rsdp
    entry         32 or 64
    long_mode     the processor has it
    device_tree   the bytes of the one that the kernel must find, or None
    firmware      handover_firmware.Firmware where it was UEFI, or None
    """

    kernel: bytes
    initrd: bytes | None
    command_line: bytes
    memory: list
    rsdp: reporter.Rsdp
    entry: int = 32
    long_mode: bool = True
    device_tree: bytes | None = None
    firmware: handover_firmware.Firmware | None = None

    def field(self, name):
        offset, size = next((offset, size) for field, offset, size in HEADER_FIELDS if field == name)
        if offset + size > header_end(self.kernel):
            return 0
        return int.from_bytes(self.kernel[offset:offset + size], "little")

    def start(self, report):
        return report["load_address"]

    @property
    def size(self):
        """From its start on, bytes that are the kernel's until it has its own memory map."""
        return self.field("init_size") or len(protected_mode(self.kernel))


# The setup header that an ELF file has from its loader; all else in it is 0. boot.rst: "the 64-bit boot protocol".
VMLINUX_HEADER = {"boot_flag": 0xAA55, "header": int.from_bytes(b"HdrS", "little"), "version": 0x20F, "loadflags": 1,
                  "cmdline_size": 2047}
INITRD_HIGHEST_32BIT, INITRD_HIGHEST_64BIT = 0x37FFFFFF, 0xFFFFFFFF


@dataclasses.dataclass
class GivenVmlinux(Given):
    """The same of a kernel that is an ELF file."""

    def __post_init__(self):
        self.image = ElfImage(self.kernel)
        self.entry = self.image.bits

    def field(self, name):
        return VMLINUX_HEADER.get(name, 0)

    def start(self, report):
        return self.image.start

    @property
    def size(self):
        return self.image.end - self.image.start


def check(report, given):
    """Asserts that a kernel was handed exactly what was given."""
    assert report.kind == "linux"
    assert report["mode"] == given.entry
    check_registers(report, given)
    check_segments(report, given.entry)
    check_kernel(report, given)
    check_boot_params(report, given)
    assert report.memory == normalise(pc_memory(given.memory))
    assert report.command_line.bytes == given.command_line
    assert report.rsdp == given.rsdp
    check_initrd(report, given)
    check_places(report, given)
    if given.entry == 64:
        check_page_tables(report, given)


def check_registers(report, given):
    if given.entry == 32:
        assert report["esi"] == report["boot_params"]
        assert (report["ebp"], report["edi"], report["ebx"]) == (0, 0, 0)
        assert report["cr0"] == CR0_PE | CR0_ET
        assert report["cr4"] == 0
        assert report.efer == (0 if given.long_mode else None)
    else:
        assert report["rsi"] == report["boot_params"]
        assert report["cr0"] == CR0_PG | CR0_PE | CR0_ET
        assert report["cr4"] == CR4_PAE
        assert report.efer == EFER_LME | EFER_LMA
    assert report["flags"] & (EFLAGS_IF | EFLAGS_DF) == 0


def check_segments(report, entry):
    expected = {"cs": 0x10, "ds": 0x18, "es": 0x18, "ss": 0x18, "fs": 0x18, "gs": 0x18}
    for name, selector in expected.items():
        segment = report.segment(name)
        assert (name, segment.selector, segment.state) == (name, selector, None)
        flat = {"base": 0, "limit": 0xFFFFFFFF, "code_or_data": 1, "dpl": 0, "present": 1, "granular": 1}
        assert {key: segment.descriptor[key] for key in flat} == flat, name
        # Bit 0, "accessed", is the processor's own.
        assert segment.descriptor["type"] & ~1 == (0xA if name == "cs" else 0x2), name
        long = 1 if name == "cs" and entry == 64 else 0
        assert (segment.descriptor["long"], segment.descriptor["big"]) == (long, 1 - long), name


def check_kernel(report, given):
    if isinstance(given, GivenVmlinux):
        check_vmlinux(report, given)
    else:
        check_bzimage(report, given)


def check_vmlinux(report, given):
    """Loaded as its program headers say it, and entered where e_entry says."""
    code = max(given.image.segments, key=lambda segment: len(segment.data))
    assert report["load_address"] == report.kernel.address == code.address
    assert report.kernel.size > PAGE, "most of the kernel is constant"
    assert report.kernel.crc32 == zlib.crc32(code.data[:report.kernel.size])
    assert report["bss_dirty"] == 0
    entry = given.image.entry
    for segment in given.image.segments:
        if segment.offset and segment.address <= entry - segment.offset < segment.end:
            entry -= segment.offset
    assert report["code32_start"] == entry
    assert report["kernel_alignment"] == 0


def check_bzimage(report, given):
    address = report["load_address"]
    loaded = protected_mode(given.kernel)
    assert report.kernel.address == address
    assert report.kernel.size > 4096, "most of the kernel is constant"
    assert report.kernel.crc32 == zlib.crc32(loaded[:report.kernel.size])
    assert report["code32_start"] == address
    if given.field("relocatable_kernel"):
        alignment = report["kernel_alignment"]
        assert given.field("kernel_alignment") >= alignment >= 1 << given.field("min_alignment")
        assert address % alignment == 0
        assert address >= given.field("pref_address")
    else:
        assert address == 0x100000
        assert report["kernel_alignment"] == given.field("kernel_alignment")


def contiguous_kib_from_1_mib(memory):
    """RAM from 1 MiB up to its first hole, as the fields from before E820 tell it."""
    mib = 1 << 20
    for start, size, type in normalise(memory):
        if type == RAM and start <= mib < start + size:
            return (start + size - mib) // 1024
    return 0


def check_boot_params(report, given):
    for name, _, _ in HEADER_FIELDS:
        if name not in LOADER_WRITES:
            assert (name, report[name]) == (name, given.field(name))
    assert report["type_of_loader"] == 0xFF
    assert report["sentinel"] == 0
    kib = contiguous_kib_from_1_mib(given.memory)
    assert (report["alt_mem_k"], report["ext_mem_k"]) == (min(kib, 0xFFFFFFFF), min(kib, 0xFFFF))
    assert report["ext_cmd_line_ptr"] == 0
    assert report["acpi_rsdp_addr"] == given.rsdp.address
    check_setup_data(report, given)
    handover_firmware.check_boot_params(report, given.firmware)
    assert report.other == {}, "bytes of boot_params that nobody asked for"


SETUP_E820_EXT, SETUP_DTB = 1, 2
SETUP_DATA_HEADER = 16


def check_setup_data(report, given):
    """A node for what does not go into boot_params, at a multiple of 8 as Linux's structure wants it."""
    entries = len(normalise(pc_memory(given.memory)))
    assert report["e820_entries"] == min(entries, 128)
    nodes = {type: blob for type, blob in report.setup_data}
    assert len(nodes) == len(report.setup_data) and "setup_data_broken" not in report
    assert nodes.keys() == ({SETUP_E820_EXT} if entries > 128 else set()) | ({SETUP_DTB} if given.device_tree else set())
    if entries > 128:
        assert nodes[SETUP_E820_EXT].size == (entries - 128) * 20
    if given.device_tree:
        tree = nodes[SETUP_DTB]
        assert (tree.size, tree.crc32) == (len(given.device_tree), zlib.crc32(given.device_tree))
        assert tree.address % 8 == 0


def may_begin_at_page_start(initrd, zeros):
    """Zeros before an initrd are as good as none to Linux where it begins with a magic number, 4-aligned."""
    return zeros % 4 == 0 and zeros < PAGE and initrd.startswith((CPIO_MAGIC, b"\x1f\x8b"))


def check_initrd(report, given):
    initrd = report.initrd
    if not given.initrd:
        assert (initrd.address, initrd.size) == (0, 0)
        return
    zeros = initrd.size - len(given.initrd)
    assert zeros == 0 or zeros > 0 and may_begin_at_page_start(given.initrd, zeros)
    assert initrd.crc32 == zlib.crc32(bytes(zeros) + given.initrd)
    assert initrd.address % PAGE == 0
    limit = given.field("initrd_addr_max") or INITRD_HIGHEST_32BIT
    if isinstance(given, GivenVmlinux) and given.entry == 64:
        limit = INITRD_HIGHEST_64BIT
    if not given.field("xloadflags") & XLF_CAN_BE_LOADED_ABOVE_4G:
        assert initrd.address + initrd.size - 1 <= limit


def places(report, given):
    """Everything that lies somewhere: (name, address, size)."""
    found = [
        ("kernel", given.start(report), given.size),
        ("boot_params", report["boot_params"], PAGE),
        ("command line", report.command_line.address, len(report.command_line.bytes) + 1),
        ("gdt", report.numbers("gdt")[0], report.numbers("gdt")[1] + 1),
    ]
    if report.initrd.size:
        # Linux frees whole pages of it.
        found.append(("initrd", report.initrd.address, -(-report.initrd.size // PAGE) * PAGE))
    found += [(key, report.numbers(key)[0], SETUP_DATA_HEADER + report.numbers(key)[2]) for key in report.indexed("setup_data")]
    found += [(key, report.numbers(key)[0], PAGE) for key in report.indexed("page_table")]
    if given.firmware:
        found.append(("firmware's memory map", report["efi_memmap"], report["efi_memmap_size"]))
    return found


def check_clear(found, memory):
    """Places (name, address, size), in the order of their addresses, are RAM below 4 GiB and in nobody's way."""
    for name, address, size in found:
        assert address + size <= FOUR_GIB, name
        assert any(type == RAM and start <= address and address + size <= start + length
                   for start, length, type in memory), f"{name} at {address:#x}, {size:#x} bytes, is not all in RAM"
    for (name, address, size), (other, start, _) in zip(found, found[1:]):
        assert address + size <= start, f"{name} at {address:#x}, {size:#x} bytes, overlaps {other} at {start:#x}"


def check_places(report, given):
    """Everything that was handed over has a place of its own."""
    check_clear(sorted(places(report, given), key=lambda place: place[1]), normalise(given.memory))


def check_page_tables(report, given):
    for mapping in report.mappings:
        assert mapping.start == mapping.physical and mapping.writable, mapping
    wanted = [place for place in places(report, given) if place[0] in ("kernel", "boot_params", "command line") or
              place[0].startswith("setup_data")]
    for name, address, size in wanted:
        assert any(mapping.start <= address and address + size <= mapping.start + mapping.size
                   for mapping in report.mappings), f"{name} at {address:#x} is not mapped"


def given_by_host(host, kernel, initrd, command_line, **more):
    """Given, with memory and RSDP as a pvh report of the same machine has them."""
    return Given(kernel=kernel, initrd=initrd, command_line=command_line, memory=host.memory, rsdp=host.rsdp, **more)
