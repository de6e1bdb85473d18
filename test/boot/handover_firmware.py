# SPDX-License-Identifier: BSD-2-Clause
"""Judges what a reporter was handed of a UEFI firmware: the system table, the firmware's memory map, its display.

What a kernel must get comes from UEFI 2.10, 4.3, 7.2 and 7.4.6, from Linux's zero-page.rst, screen_info.h and bootparam.h,
and from Multiboot 2.0, 3.6.
"""

import dataclasses
import struct
import zlib

import reporter
from reporter import ACPI, NVS, PMEM, RAM, RESERVED, UNUSABLE

PAGE = 4096
FOUR_GIB = 1 << 32
RSDP_ALIGNMENT = 16
LOW_RAM_END = 0xA0000

# enum EFI_MEMORY_TYPE, and what ACPI 6.4 (15.4, table 15.6) makes of each once boot services are gone. What is not here is
# reserved.
LOADER_CODE, LOADER_DATA, BOOT_CODE, BOOT_DATA, RUNTIME_CODE, RUNTIME_DATA, CONVENTIONAL = range(1, 8)
EFI_UNUSABLE, ACPI_RECLAIM, ACPI_NVS, EFI_PERSISTENT = 8, 9, 10, 14
E820_TYPES = {LOADER_CODE: RAM, LOADER_DATA: RAM, BOOT_CODE: RAM, BOOT_DATA: RAM, CONVENTIONAL: RAM, ACPI_RECLAIM: ACPI,
              ACPI_NVS: NVS, EFI_UNUSABLE: UNUSABLE, EFI_PERSISTENT: PMEM}
# EFI_MEMORY_WB, EFI_MEMORY_SP and EFI_MEMORY_RUNTIME.
CACHED, SPECIAL_PURPOSE, KEPT_MAPPED = 1 << 3, 1 << 18, 1 << 63

SYSTEM_TABLE_SIGNATURE = b"IBI SYST"
SYSTEM_TABLE_SIZE = 120
SYSTEM_TABLE_CRC = 16
# Consoles and boot services: zeros since ExitBootServices.
BOOT_TIME_POINTERS = [*range(40, 88, 8), 96]
DESCRIPTOR_VERSION = 1

LINUX_SIGNATURE = int.from_bytes(b"EL64", "little")
VIDEO_TYPE_EFI = 0x70
SECURE_BOOT_DISABLED, SECURE_BOOT_ENABLED = 2, 3

# All of boot_params that only a firmware fills in.
SCREEN_FIELDS = ["orig_video_isVGA", "lfb_width", "lfb_height", "lfb_depth", "lfb_base", "lfb_size", "lfb_linelength",
                 "red_size", "red_pos", "green_size", "green_pos", "blue_size", "blue_pos", "rsvd_size", "rsvd_pos", "pages",
                 "capabilities", "ext_lfb_base"]
EFI_FIELDS = ["efi_loader_signature", "efi_systab", "efi_memdesc_size", "efi_memdesc_version", "efi_memmap",
              "efi_memmap_size", "efi_systab_hi", "efi_memmap_hi", "secure_boot"]


@dataclasses.dataclass(frozen=True)
class Firmware:
    """What the firmware is known to have: its display as a reporter.Framebuffer, or None."""

    display: reporter.Framebuffer | None = None
    secure_boot: int = SECURE_BOOT_DISABLED


def e820_type(memory):
    """Of a reporter.EfiMemory."""
    found = E820_TYPES.get(memory.type, RESERVED)
    if found == RAM and (memory.attribute & (SPECIAL_PURPOSE | KEPT_MAPPED) or not memory.attribute & CACHED):
        return RESERVED
    return found


def host_memory(efi_memory):
    """The map of a host, (address, size, type), that a firmware's is."""
    return [(memory.start, memory.size, e820_type(memory)) for memory in efi_memory]


@dataclasses.dataclass(frozen=True)
class Host:
    """What a firmware gave, as a report with its memory map tells it."""

    memory: list
    rsdp: reporter.Rsdp


def host_of(report):
    return Host(host_memory(report.efi_memory), report.rsdp if report.kind == "linux" else report.scanned_rsdp)


def check_boot_params(report, firmware):
    if firmware is None:
        assert {name: report[name] for name in SCREEN_FIELDS + EFI_FIELDS if report[name]} == {}, "there is no firmware"
        return
    assert {name: report[name] for name in SCREEN_FIELDS} == screen_info(firmware.display)
    assert report["secure_boot"] == firmware.secure_boot
    assert report["efi_loader_signature"] == LINUX_SIGNATURE
    assert report["efi_systab"] | report["efi_systab_hi"] << 32 == report["efi_system_table"]
    assert report["efi_memdesc_version"] == DESCRIPTOR_VERSION
    assert report["efi_memmap_size"] == len(report.efi_memory) * report["efi_memdesc_size"]
    assert report["efi_memmap_hi"] == 0
    check_left_behind(report)
    assert report.rsdp.bytes == report.efi_rsdp.bytes


def screen_info(display):
    if display is None:
        return dict.fromkeys(SCREEN_FIELDS, 0)
    (red_pos, red_size), (green_pos, green_size), (blue_pos, blue_size) = display.colours
    return {"orig_video_isVGA": VIDEO_TYPE_EFI, "lfb_width": display.width, "lfb_height": display.height,
            "lfb_depth": display.depth, "lfb_base": display.address & 0xFFFFFFFF, "lfb_size": display.pitch * display.height,
            "lfb_linelength": display.pitch, "red_size": red_size, "red_pos": red_pos, "green_size": green_size,
            "green_pos": green_pos, "blue_size": blue_size, "blue_pos": blue_pos, "rsvd_size": 8, "rsvd_pos": 24, "pages": 1,
            "capabilities": 3 if display.address >= FOUR_GIB else 1, "ext_lfb_base": display.address >> 32}


def multiboot2_tag_sizes(report):
    """Of the tags 12 and 17: the 64-bit system table, and the memory map."""
    return [(12, 16), (17, 16 + report.numbers("efi_memory_map")[1])]


def check_multiboot2(report):
    assert report["efi_descriptor_version"] == DESCRIPTOR_VERSION
    check_left_behind(report)


def check_left_behind(report):
    """The system table as ExitBootServices leaves it, and a map that it and all that it points to lie in."""
    _, size, descriptor_size = report.numbers("efi_memory_map")
    assert report.efi_memory and len(report.efi_memory) * descriptor_size == size
    assert all(memory.virtual_start == 0 for memory in report.efi_memory), "nobody has called SetVirtualAddressMap"
    check_map_is_whole(report.efi_memory)
    table = report.hex_bytes("efi_system_table_bytes")
    assert table.startswith(SYSTEM_TABLE_SIGNATURE) and len(table) == SYSTEM_TABLE_SIZE
    crc, = struct.unpack_from("<I", table, SYSTEM_TABLE_CRC)
    assert crc == zlib.crc32(table[:SYSTEM_TABLE_CRC] + bytes(4) + table[SYSTEM_TABLE_CRC + 4:])
    assert [struct.unpack_from("<Q", table, offset)[0] for offset in BOOT_TIME_POINTERS] == [0] * len(BOOT_TIME_POINTERS)
    for name in ("efi_system_table", "efi_runtime_services", "efi_configuration_table"):
        assert type_at(report.efi_memory, report[name]) == RUNTIME_DATA, name
        assert e820_at(report.memory, report[name]) == RESERVED, name
    assert type_at(report.efi_memory, report.efi_rsdp.address) == ACPI_RECLAIM
    assert e820_at(report.memory, report.efi_rsdp.address) == ACPI
    assert {RUNTIME_CODE, RUNTIME_DATA, ACPI_RECLAIM, ACPI_NVS, CONVENTIONAL} <= {memory.type for memory in report.efi_memory}
    check_rsdp_copy(report)


def check_rsdp_copy(report):
    """What a kernel of PCs finds by scanning is a copy that nobody may overwrite."""
    found = report.scanned_rsdp
    assert found.bytes == report.efi_rsdp.bytes
    assert 0 < found.address < LOW_RAM_END
    assert found.address % PAGE == RSDP_ALIGNMENT, "the EBDA begins with its size"
    assert e820_at(report.memory, found.address) == e820_at(report.memory, found.address - found.address % PAGE + PAGE - 1) == RESERVED


def check_map_is_whole(efi_memory):
    ordered = sorted(efi_memory, key=lambda memory: memory.start)
    assert all(memory.size and memory.start % PAGE == 0 for memory in ordered)
    for memory, following in zip(ordered, ordered[1:]):
        assert memory.start + memory.size <= following.start, "UEFI's descriptors do not overlap"


def type_at(efi_memory, address):
    found, = (memory.type for memory in efi_memory if memory.start <= address < memory.start + memory.size)
    return found


def e820_at(memory, address):
    found, = (type for start, size, type in memory if start <= address < start + size)
    return found
