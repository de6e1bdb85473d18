# SPDX-License-Identifier: BSD-2-Clause
"""What pvhboot.efi says and gives back to the firmware when it does not boot, and that the firmware can go on then."""

import re
import struct
import zlib

import pytest
import reporter
import uefi
import unkind
from boots import FAILED, REPORTED
from uki import SECTION_VIRTUAL_ADDRESS, SECTION_VIRTUAL_SIZE, make_uki, section_header
from unkind import (BAD_BUFFER_SIZE, DEVICE_ERROR, INVALID_PARAMETER, LOAD_ERROR, MADE_BY_FIRMWARE, NOT_FOUND,
                    OUT_OF_RESOURCES, RESERVED, RUNTIME_DATA, SECURITY_VIOLATION, UNSUPPORTED)

PVHBOOT = "pvhboot.efi"
KERNEL = "pvhboot.payload=kernel"
MODULES_LIMIT = 256
COMMAND_LINE_LIMIT = 1 << 20
LONE_SURROGATE = b"\x41\x00\x00\xd8"
FOUR_GIB = 1 << 32
LOW_RAM_END = 0xA0000
PAGE = 4096


def with_sections_over_each_other(program):
    """The .initrd is loaded onto the last page of what lies in front of it."""
    data = bytearray(program)
    before, initrd = section_header(data, ".payload"), section_header(data, ".initrd")
    start, = struct.unpack_from("<I", data, before + SECTION_VIRTUAL_ADDRESS)
    size, = struct.unpack_from("<I", data, before + SECTION_VIRTUAL_SIZE)
    struct.pack_into("<I", data, initrd + SECTION_VIRTUAL_ADDRESS, (start + size - 1) // PAGE * PAGE)
    return bytes(data)


@pytest.fixture(scope="module")
def files(build, payloads, tmp_path_factory):
    """pvhboot.efi, alone and with sections, and files to be named."""
    folder = tmp_path_factory.mktemp("files")
    program = build / PVHBOOT
    kernel = (payloads / "linux64.bzImage").read_bytes()

    def with_sections(*sections):
        return make_uki(folder / "made.efi", sections, program).read_bytes()

    return {
        PVHBOOT: program.read_bytes(),
        "own.efi": with_sections((".payload", kernel), (".initrd", b"own module"), (".cmdline", b"own words")),
        "both.efi": with_sections((".payload", kernel), (".linux", kernel)),
        "verify.efi": with_sections((".payload", kernel), (".cmdline", b"pvhboot.verify=require pvhboot.panic=exit")),
        "hollow.efi": with_sections((".payload", b"")),
        "overlap.efi": with_sections_over_each_other(with_sections((".payload", kernel), (".initrd", b"own module"))),
        "kernel": kernel,
        "junk": b"no kernel" * 100,
        "empty": b"",
        "folder/file": b"x",
    }


class Failures:
    """A script of starts that fail, and how each has to."""

    def __init__(self):
        self.script = unkind.Script()
        self._expected = []

    def add(self, path, *words, errors, status, **more):
        self.script.start(path, *words, **more)
        self._expected.append((path, words, more.get("options"), errors, status))

    def check(self, result):
        found = unkind.outcomes(result)
        told = [(path, words, options and options[:80]) for path, words, options, _, _ in self._expected]
        expected = [(what, errors, status, 0) for what, (*_, errors, status) in zip(told, self._expected)]
        assert [(what, outcome.errors, outcome.status, outcome.kept) for what, outcome in zip(told, found)] == expected, result
        assert len(found) == len(expected), result


def report_behind(result):
    """The report of the script's last start, which boots."""
    assert result.debug_exit == REPORTED, result
    return reporter.parse(result.text)


def test_each_failure_has_its_number_and_status_and_keeps_nothing(build, files, tmp_path):
    failures = Failures()
    add = failures.add
    add(PVHBOOT, errors=["E801"], status=NOT_FOUND)
    add(PVHBOOT, options=LONE_SURROGATE, errors=["E801"], status=NOT_FOUND)
    add(PVHBOOT, options=f"{KERNEL} {KERNEL}", errors=["E802"], status=INVALID_PARAMETER)
    add("own.efi", options=KERNEL, errors=["E802"], status=INVALID_PARAMETER)
    add("both.efi", errors=["E802"], status=LOAD_ERROR)
    add("hollow.efi", errors=["E803"], status=LOAD_ERROR)
    add("overlap.efi", errors=["E803"], status=LOAD_ERROR)
    add(PVHBOOT, options="pvhboot.payload=none", errors=["E804"], status=NOT_FOUND)
    add(PVHBOOT, options=f"{KERNEL} pvhboot.module=none", errors=["E804"], status=NOT_FOUND)
    add("own.efi", options="pvhboot.module=none", errors=["E804"], status=NOT_FOUND)
    add(PVHBOOT, options="pvhboot.payload=empty", errors=["E805"], status=LOAD_ERROR)
    add(PVHBOOT, options="pvhboot.payload=folder", errors=["E805"], status=LOAD_ERROR)
    add(PVHBOOT, options=KERNEL, without_device=True, errors=["E806"], status=NOT_FOUND)
    add(PVHBOOT, options=f"{KERNEL} " + "x" * COMMAND_LINE_LIMIT, errors=["E814"], status=BAD_BUFFER_SIZE)
    add(PVHBOOT, options=f"{KERNEL} pvhboot.module=", errors=["E602"], status=INVALID_PARAMETER)
    add(PVHBOOT, options=KERNEL + " pvhboot.module=empty" * MODULES_LIMIT, errors=["E109"], status=INVALID_PARAMETER)
    add("own.efi", options="pvhboot.module=kernel " * (MODULES_LIMIT - 1), errors=["E109"], status=INVALID_PARAMETER)
    failures.script.start(PVHBOOT, "exit-stale 1", options=f"{KERNEL} any words")
    result = unkind.run(build, tmp_path, failures.script, files)
    failures.check(result)
    assert report_behind(result).command_line.bytes == b"any words"


def test_failing_firmware(build, files, tmp_path):
    """What no firmware does on its own account; the last start gets through when ExitBootServices is called for the last time."""
    failures = Failures()

    def add(*words, path=PVHBOOT, options=KERNEL, errors, status):
        failures.add(path, *words, options=options, errors=errors, status=status)

    add("hoard 20", errors=["E807"], status=OUT_OF_RESOURCES)
    add(f"taken 0x100000 0x101000 {RUNTIME_DATA}", errors=["E808"], status=OUT_OF_RESOURCES)
    add(f"taken 0x120000 0x121000 {RESERVED}", errors=["E808"], status=OUT_OF_RESOURCES)
    add("map-wraps", errors=["E809"], status=LOAD_ERROR)
    add(f"map-fails 1 {DEVICE_ERROR:#x}", errors=["E810"], status=DEVICE_ERROR)
    add(f"map-fails 2 {DEVICE_ERROR:#x}", errors=["E810"], status=DEVICE_ERROR)
    add(f"loaded-image-fails {UNSUPPORTED:#x}", errors=["E815"], status=UNSUPPORTED)
    # Nobody knows whether Secure Boot is on: as if it were.
    add(f"variable-fails {DEVICE_ERROR:#x}", options=None, errors=["E812"], status=SECURITY_VIOLATION)
    add(f"variable-fails {DEVICE_ERROR:#x}", errors=["E813"], status=SECURITY_VIOLATION)
    # By then the firmware may have no console any more: on COM1.
    add(f"exit-fails {DEVICE_ERROR:#x}", errors=["E811"], status=DEVICE_ERROR)
    add("exit-stale 8", errors=["E811"], status=INVALID_PARAMETER)
    failures.script.start(PVHBOOT, "exit-stale 7", options=KERNEL)
    result = unkind.run(build, tmp_path, failures.script, files)
    failures.check(result)
    report_behind(result)


# In the order in which they are made; of two the front end can do without.
ALLOCATIONS = ["the image's place", "load options", "words", "payload", "command line", "image", "entering", "RSDP's copy",
               "memory map", "table", "start_info"]
NOT_NEEDED = {"the image's place", "RSDP's copy"}


@pytest.mark.parametrize("last", sorted(NOT_NEEDED))
def test_each_allocation_may_fail(last, build, files, tmp_path):
    failures = Failures()
    for number, what in enumerate(ALLOCATIONS, 1):
        if what not in NOT_NEEDED:
            failures.add(PVHBOOT, f"allocation-fails {number}", options=KERNEL, errors=["E807"], status=OUT_OF_RESOURCES)
    failures.script.start(PVHBOOT, f"allocation-fails {ALLOCATIONS.index(last) + 1}", options=f"{KERNEL} any words")
    result = unkind.run(build, tmp_path, failures.script, files)
    failures.check(result)
    assert report_behind(result).command_line.bytes == b"any words"


def test_everything_is_handed_over_below_4_gib(build, files, tmp_path):
    """With memory above that left, and the RSDP there, and none of a PC's low memory free."""
    failures = Failures()
    failures.add(PVHBOOT, "hoard 0", options=KERNEL, errors=["E807"], status=OUT_OF_RESOURCES)
    # Of the options that a firmware adds to its own boot options nothing is a kernel's.
    failures.script.start("own.efi", f"taken 0 {LOW_RAM_END:#x} {RESERVED}", "rsdp-above",
                          f"variable-fails {DEVICE_ERROR:#x}", options=MADE_BY_FIRMWARE)
    result = unkind.run(build, tmp_path, failures.script, files, machine=uefi.Q35.but(memory="5G"))
    failures.check(result)
    assert f"unkind: the RSDP is at {FOUR_GIB:#x}, status 0x0" in result.text, result
    report = report_behind(result)
    assert report["secure_boot"] == 1
    assert report.command_line.bytes == b"own words"
    assert report.initrd.crc32 == zlib.crc32(b"own module")
    assert LOW_RAM_END <= report.rsdp.address < FOUR_GIB
    assert report.rsdp.bytes[:8] == b"RSD PTR " and sum(report.rsdp.bytes) % 256 == 0
    (kind,) = [kind for start, size, kind in report.memory if start <= report.rsdp.address < start + size]
    assert kind == reporter.ACPI


def test_firmware_that_gives_the_lowest_memory_first(build, files, tmp_path):
    """Page 0 is no place for anything; behind it there is a PC's low memory, and the image's place."""
    script = unkind.Script()
    script.start(PVHBOOT, "lowest-first", options=f"{KERNEL} pvhboot.module=own.efi any words")
    report = report_behind(unkind.run(build, tmp_path, script, files))
    assert report.command_line.bytes == b"any words"
    assert (report.initrd.size, report.initrd.crc32) == (len(files["own.efi"]), zlib.crc32(files["own.efi"]))
    assert 0 < report.rsdp.address < LOW_RAM_END


def test_device_that_ends_behind_the_last_byte(build, files, tmp_path):
    """Some firmware has one: what is no memory is cut off there."""
    script = unkind.Script()
    script.start(PVHBOOT, "device-wraps", options=KERNEL)
    report = report_behind(unkind.run(build, tmp_path, script, files))
    assert report.memory[-1] == (unkind.DEVICE, (1 << 64) - PAGE - unkind.DEVICE, reporter.RESERVED)


def test_payload_that_is_refused_behind_the_firmware(build, files, tmp_path):
    """The image's own line on COM1; nothing but the machine's reset leads back from there."""
    script = unkind.Script()
    script.start(PVHBOOT, options="pvhboot.payload=junk pvhboot.panic=exit")
    result = unkind.run(build, tmp_path, script, files)
    assert result.debug_exit == FAILED, result
    assert result.errors == [("E501", f"the payload ({len(files['junk'])} bytes) is of no kind that boots: it begins with "
                                      f"0x{int.from_bytes(files['junk'][:4], 'big'):x}")], result


def test_words_of_the_own_line_count(build, files, tmp_path):
    """What a signature covers says that only what has a hash boots."""
    script = unkind.Script()
    script.start("verify.efi")
    result = unkind.run(build, tmp_path, script, files)
    assert result.debug_exit == FAILED, result
    assert [number for number, _ in result.errors] == ["E511"], result


FEW_PAGES = 8
SHELL_SCRIPT = """\
echo -off
memmap
fs0:
\\pvhboot.efi pvhboot.payload=none
echo status %lasterror%
memmap
\\pvhboot.efi pvhboot.payload=none
memmap
\\pvhboot.efi pvhboot.payload=kernel any words
"""


def check_same_memory(before, after, result):
    """By type, in pages. The shell itself may have one more or less; a start takes a hundred, for the image alone."""
    for (name, pages), (other_name, other_pages) in zip(before, after, strict=True):
        assert name == other_name, result
        assert abs(int(pages.replace(",", "")) - int(other_pages.replace(",", ""))) <= FEW_PAGES, (name, result)


def test_firmware_goes_on(build, files, tmp_path):
    """The next boot option is tried; it is OVMF's shell, which says the status and has the same memory as before."""
    result = uefi.start(tmp_path, files | {uefi.BY_DEFAULT: files[PVHBOOT], "startup.nsh": SHELL_SCRIPT.encode()})
    result.text = uefi.SEQUENCES.sub("", result.text)
    assert re.search(r"^pvhboot: E801 .*\nBdsDxe: failed to start Boot.*: Not Found$", result.text, re.M), result
    assert [number for number, _ in result.errors] == ["E801", "E804", "E804"], result
    # The shell leaves out the bit of an error.
    assert re.search(r"^status 0x8?0*E$", result.text, re.M), result
    memory = re.findall(r"^ {2}(\w+) +: +([\d,]+) Pages", result.text, re.M)
    types = len(memory) // 3
    assert types > 10 and len(memory) == 3 * types, result
    # The first start has the shell's own buffers made.
    check_same_memory(memory[types:2 * types], memory[2 * types:], result)
    taken = {"LoaderCode", "LoaderData", "Reserved", "ACPI_Recl", "RT_Code", "RT_Data"}
    assert [line for line in memory[:types] if line[0] in taken] == [line for line in memory[types:2 * types] if line[0] in taken]
    assert report_behind(result).command_line.bytes == b"any words"
