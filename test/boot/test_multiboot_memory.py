# SPDX-License-Identifier: BSD-2-Clause
"""Memory, RSDP and processor as Multiboot reporters find them through pvhboot, and whether the reporters tell the truth."""

import struct

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "multiboot_boots")

import boot_image
import handover_multiboot
import host_script
import multiboot_image
import reporter
from boots import MICROVM, OURS, report_of
from host_script import LEAVE_EFER_SET, TANGLED_MAP, rsdp_bytes
from multiboot_boots import FIXED, check, check_on_host, give


# ---- memory ----


@pytest.mark.parametrize("variant", FIXED, ids=str)
def test_tangled_memory_map(variant, host, boot_host, payloads):
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    host.memory = TANGLED_MAP
    host.module(0x2000000, kernel)
    modules = give(host, (0x2800000, boot_image.random_bytes(5000), b"m"))
    check_on_host(boot_host(host), host, kernel, protocol, modules=modules)


@pytest.mark.parametrize("protocol", [1, 2])
@pytest.mark.parametrize("memory, lower, upper", [
    ([(0, 0x9F400, 1), (0x100000, 0x4F00000, 1)], 0x9F400 // 1024, 0x4F00000 // 1024),
    ([(0, 0x5000000, 1)], 640, 0x4F00000 // 1024),
    ([(0, 0x9F7FF, 1), (0x100000, 0x4EFF801, 1)], 0x9F400 // 1024, 0x4EFF800 // 1024),
    ([(0x1000, 0x9E000, 1), (0x100000, 0xF00000, 1), (0x1001000, 0x3FFF000, 1)], 0, 0xF00000 // 1024),
    ([(0, 0x9F400, 1), (0x100000, 0x4F00000, 1), (1 << 32, 1 << 42, 1)], 0x9F400 // 1024, 0x4F00000 // 1024),
])
def test_basic_memory_information(memory, lower, upper, protocol, host, boot_host, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    host.memory = memory
    host.module(0x3000000, kernel)
    report = check_on_host(boot_host(host), host, kernel, protocol)
    assert (report["mem_lower"], report["mem_upper"]) == (lower, upper)


@pytest.mark.parametrize("protocol", [1, 2])
@pytest.mark.parametrize("entries", [200, 2000])
def test_long_memory_map(entries, protocol, host, boot_host, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    islands = [(0x1000000 + number * 0x4000, 0x3000, 1) for number in range(entries - 3)]
    host.memory = [(0x3800000, 0x1800000, 1), *islands, (0, 0x9F000, 1), (0x100000, 0xE00000, 1)]
    host.memory_at = 0x4000000
    host.module(0x3C00000, kernel)
    report = check_on_host(boot_host(host), host, kernel, protocol)
    assert len(report.memory) == len(host.memory)


@pytest.mark.parametrize("protocol", [1, 2])
def test_memory_without_any_below_1_mib(protocol, host, boot_host, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    host.memory = [(0x100000, 0x4F00000, 1)]
    host.module(0x3000000, kernel)
    report = check_on_host(boot_host(host), host, kernel, protocol)
    assert report["mem_lower"] == 0


# ---- the RSDP ----


NO_HOLE = [(0, 0x5000000, 1)]
PC_HOLE = [(0, 0x9FC00, 1), (0x9FC00, 0x60400, 2), (0x100000, 0x4F00000, 1)]
UNLISTED_HOLE = [(0, 0x9FC00, 1), (0x100000, 0x4F00000, 1)]
PART_OF_HOLE = [(0, 0x9FC00, 1), (0xE0000, 0x8000, 2), (0xE8000, 0x4F18000, 1)]

# The host's map, where its RSDP is, and what a scan finds.
SCANS = [
    (NO_HOLE, 0x4F80008, "copy"),
    (NO_HOLE, 0xE8010, "host"),
    (PC_HOLE, 0x4F80008, "none"),
    (PC_HOLE, 0xE8010, "host"),
    (UNLISTED_HOLE, 0x4F80008, "none"),
    (PART_OF_HOLE, 0x4F80008, "copy"),
    (PART_OF_HOLE, 0xE0010, "host"),
]


@pytest.mark.parametrize("revision", [0, 2])
@pytest.mark.parametrize("case", SCANS, ids=range(len(SCANS)))
@pytest.mark.parametrize("protocol", [1, 2])
def test_rsdp(protocol, case, revision, host, boot_host, payloads):
    memory, address, scan = case
    kernel = (payloads / f"multiboot{protocol}-sections.elf").read_bytes()
    host.memory = memory
    host.module(0x3000000, kernel).copy(address, rsdp_bytes(revision))
    host.start_info["rsdp_paddr"] = address
    check_on_host(boot_host(host), host, kernel, protocol, scan=scan,
                  rsdp=reporter.Rsdp(address, rsdp_bytes(revision)))


def test_rsdp_without_an_rsdt(host, boot_host, payloads):
    """Only the new tag: there is no table that the old one could tell of."""
    kernel = (payloads / "multiboot2.elf").read_bytes()
    host.module(0x3000000, kernel).copy(0x4F80008, rsdp_bytes(2, rsdt=0))
    host.start_info["rsdp_paddr"] = 0x4F80008
    report = check_on_host(boot_host(host), host, kernel, 2, rsdp=reporter.Rsdp(0x4F80008, rsdp_bytes(2, rsdt=0)))
    assert "rsdp_old" not in report and "rsdp_new" in report


@pytest.mark.parametrize("protocol", [1, 2])
def test_no_acpi(protocol, boot, host_of, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    machine = MICROVM.but(options=("rtc=on", "acpi=off"))
    check(boot(machine, kernel), kernel, protocol, host_of(machine, kernel, OURS))


# ---- the processor ----


@pytest.mark.parametrize("protocol", [1, 2])
def test_what_a_host_left_in_the_processor_is_cleared(protocol, host, boot_host, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    host.module(0x3000000, kernel).copy(0x9000, LEAVE_EFER_SET)
    host.entry = 0x9000
    check_on_host(boot_host(host), host, kernel, protocol)


# ---- the reporters themselves: what judges must itself be right ----


def entered(kernel, protocol, information):
    """A script that enters a reporter as it is linked, with .bss not clean, and 0x55 in EDX's bytes."""
    image = multiboot_image.MultibootImage(kernel, protocol)
    script = host_script.Script()
    script.flags = host_script.KEEP_GDT
    script.eflags = host_script.EFLAGS_FIXED | 1
    script.entry = image.entry
    for segment in image.segments:
        script.fill(segment.address, segment.size, 0x5A)
        script.copy(segment.address, segment.data)
    for address, data in information.items():
        script.copy(address, data)
    script.registers |= dict(eax=handover_multiboot.MAGIC[protocol], ebx=min(information), ecx=3, edx=0x55555555, esi=5,
                             edi=6, ebp=7, esp=8)
    return script


class Fixed:
    """A script as boot_host takes it."""

    def __init__(self, script):
        self.script = script.bytes


def check_entered(report):
    assert [report[name] for name in ("ecx", "edx", "esi", "edi", "ebp", "esp")] == [3, 0x55555555, 5, 6, 7, 8]
    assert report["flags"] == 3 and report["cr0"] == 0x11
    assert report["bss_dirty"] == 1 and report["a20"] == 1


def test_reporter_tells_what_multiboot_1_gives(boot_host, payloads):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    fields = dict(flags=0x124D, mem_lower=1, mem_upper=2, boot_device=3, cmdline=0x21000, mods_count=2, mods_addr=0x22000,
                  elf_num=4, elf_size=5, elf_addr=6, elf_shndx=7, mmap_length=50, mmap_addr=0x23000, drives_length=8,
                  drives_addr=9, config_table=10, boot_loader_name=0x21100, apm_table=11, vbe_control_info=12,
                  vbe_mode_info=13)
    information = struct.pack("<20I", *fields.values()) + struct.pack("<4H", 14, 15, 16, 17)
    information += struct.pack("<QIIIBB8B", 1 << 40, 18, 19, 20, 21, 7, *range(22, 30))
    modules = struct.pack("<8I", 0x3000000, 0x3000003, 0x21200, 30, 0x4000000, 0x4000000, 0x21300, 0)
    memory = struct.pack("<IQQI", 20, 1, 2, 3) + struct.pack("<IQQI", 22, 1 << 40, 5, 6) + b"\xff\xff"
    script = entered(kernel, 1, {0x20000: information, 0x21000: b"a \"line\" \xff\0", 0x21100: b"name\0",
                                 0x21200: b"one\0", 0x21300: b"\0", 0x22000: modules, 0x23000: memory,
                                 0x3000000: b"xyz"})
    report = report_of(boot_host(Fixed(script)), "multiboot1")
    check_entered(report)
    assert report["ebx"] == 0x20000 and report["information_flags"] == 0x124D
    assert {name: report[name] for name in fields if name != "flags"} == {
        name: value for name, value in fields.items() if name != "flags"}
    assert [report[f"vbe_{name}"] for name in ("mode", "interface_seg", "interface_off", "interface_len")] == [14, 15, 16, 17]
    assert report.framebuffer == reporter.Framebuffer(1 << 40, 18, 19, 20, 21, 7, None)
    assert report.hex_bytes("framebuffer_colour_bytes") == bytes(range(22, 30))
    assert (report.command_line, report.loader_name) == (reporter.Text(0x21000, b"a \"line\" \xff"),
                                                         reporter.Text(0x21100, b"name"))
    assert [(blob.address, blob.size, blob.head) for blob in report.modules] == [(0x3000000, 3, b"xyz"), (0x4000000, 0, b"")]
    assert [report.module_line(index).bytes for index in (0, 1)] == [b"one", b""]
    assert [report[key] for key in report.indexed("module_reserved")] == [30, 0]
    assert [report.numbers(key) for key in report.indexed("memory_map")] == [[1, 2, 3, 20], [1 << 40, 5, 6, 22]]
    assert report["memory_map_left"] == 0


def test_reporter_tells_what_multiboot_2_gives(boot_host, payloads):
    kernel = (payloads / "multiboot2.elf").read_bytes()

    def tag(type, content, padding=0):
        data = struct.pack("<II", type, 8 + len(content)) + content
        return data + bytes([padding]) * (-len(data) % 8)

    tags = [tag(1, b"line\0", 1), tag(99, b"unknown"), tag(3, struct.pack("<II", 0x3000000, 0x3000003) + b"m\0"),
            tag(4, struct.pack("<II", 1, 2)), tag(6, struct.pack("<IIQQII", 24, 9, 3, 1 << 40, 5, 6) + bytes(4)),
            tag(8, struct.pack("<QIIIBBH", 1 << 40, 1, 2, 3, 4, 5, 6)), tag(14, b"old"), tag(15, b"new"),
            tag(21, struct.pack("<I", 0x1234)), tag(0, b"")]
    content = b"".join(tags)
    information = struct.pack("<II", 8 + len(content) + 5, 77) + content
    script = entered(kernel, 2, {0x20000: information, 0x3000000: b"xyz"})
    report = report_of(boot_host(Fixed(script)), "multiboot2")
    check_entered(report)
    assert (report["total_size"], report["reserved"], report["left"]) == (len(information) + 5, 77, 5)
    assert [type for type, _, _ in report.tags] == [1, 99, 3, 4, 6, 8, 14, 15, 21, 0]
    assert report.indexed("padding") == ["padding.0x0"]
    assert report.words("tag_bytes.0x1")[-1] == b"unknown".hex()
    assert report.command_line.bytes == b"line" and report.module_line(0).bytes == b"m"
    assert [(blob.address, blob.head) for blob in report.modules] == [(0x3000000, b"xyz")]
    assert (report["mem_lower"], report["mem_upper"]) == (1, 2)
    assert (report["memory_map_version"], report["memory_map_left"]) == (9, 4)
    assert [report.numbers(key) for key in report.indexed("memory_map")] == [[3, 1 << 40, 5, 6]]
    assert report.framebuffer == reporter.Framebuffer(1 << 40, 1, 2, 3, 4, 5, None) and report["framebuffer_reserved"] == 6
    assert (report.hex_bytes("rsdp_old"), report.hex_bytes("rsdp_new"), report["load_base"]) == (b"old", b"new", 0x1234)
