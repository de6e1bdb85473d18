# SPDX-License-Identifier: BSD-2-Clause
"""Linux kernels that are ELF files: loaded as their program headers say, and handed boot_params as a bzImage is."""

import dataclasses
import itertools

import pytest

pytest.register_assert_rewrite("handover")

import boot_image
import elf_image
import handover
import reporter
from boots import BOARDS, MICROVM, NO_LONG_MODE, OURS, PC, error_of, report_of
from elf_image import BUILD_ID, LINUX_NOTE, ElfImage, Segment
from elf_image import make as make_elf
from fit import Configuration, Image, bundle
from handover import PAGE, GivenVmlinux
from host_script import TANGLED_MAP

REPORTERS = ["vmlinux32.elf", "vmlinux64.elf"]
FREE = 0x3000000  # where made hosts have nothing
NO_RSDP = reporter.Rsdp(0, b"")
BY_BOOT_PARAMS = OURS + b" pvhboot.protocol=linux"


@pytest.fixture
def make(tmp_path):
    """make(kernel, initrd, ...) -> the bytes of a bundle."""
    names = itertools.count()

    def make_bundle(kernel, initrd=None, *, command_line=None, **more):
        images = [Image("kernel", kernel, command_line=command_line)]
        if initrd is not None:
            images.append(Image("ramdisk", initrd, type="ramdisk"))
        configuration = Configuration("conf", "kernel", ramdisk=None if initrd is None else "ramdisk")
        return bundle(tmp_path / f"bundle{next(names)}.itb", images, [configuration], **more).read_bytes()

    return make_bundle


def check(result, host, kernel, line=b"", initrd=None, **more):
    """Judges a boot with a report; `host` tells memory and RSDP, as a report or a made host does."""
    report = report_of(result, "linux")
    handover.check(report, GivenVmlinux(kernel=kernel, initrd=initrd, command_line=line, memory=host.memory,
                                        **{"rsdp": getattr(host, "rsdp", NO_RSDP)} | more))
    return report


@pytest.mark.parametrize("name", REPORTERS)
@pytest.mark.parametrize("board", BOARDS, ids=str)
@pytest.mark.parametrize("memory", ["32M", "1G", "5G"])
def test_kernel_gets_what_the_host_gave(memory, board, name, boot, host_of, payloads, make):
    kernel = (payloads / name).read_bytes()
    machine = board.but(memory=memory, cpus=2)
    initrd = boot_image.cpio(70_003)
    layout = {"external": True, "alignment": PAGE} if memory == "1G" else {}
    module = make(kernel, initrd, command_line="of the bundle", **layout)
    line = b"a  b " + OURS + b" c"
    host = host_of(machine, module, line)
    report = check(boot(machine, module, line), host, kernel, b"of the bundle a  b c", initrd)
    if layout and (memory == "1G" or name == "vmlinux64.elf"):
        place = host.modules[0].address + module.index(initrd)
        if place + len(initrd) <= handover.INITRD_HIGHEST_32BIT or name == "vmlinux64.elf":
            assert report.initrd.address == place


@pytest.mark.parametrize("name", REPORTERS)
def test_kernel_alone(name, boot, host_of, payloads):
    """The host gives the ELF itself; then not even a line."""
    kernel = (payloads / name).read_bytes()
    for machine in (MICROVM, PC):
        check(boot(machine, kernel), host_of(machine, kernel, OURS), kernel)
    report = report_of(boot(MICROVM, kernel, b""))
    assert report["cmd_line_ptr"] and report.command_line.bytes == b""


def test_processor_without_long_mode(boot, host_of, payloads):
    machine = PC.but(**NO_LONG_MODE)
    kernel = (payloads / "vmlinux32.elf").read_bytes()
    check(boot(machine, kernel, OURS, "pvhboot32.elf"), host_of(machine, kernel, OURS), kernel, long_mode=False)
    kernel = (payloads / "vmlinux64.elf").read_bytes()
    assert error_of(boot(machine, kernel, OURS, "pvhboot32.elf")) == "E470"


@pytest.mark.parametrize("words", [b" pvhboot.entry=64", b" pvhboot.entry=32"])
@pytest.mark.parametrize("name", REPORTERS)
def test_entry_is_the_files(name, words, boot, host_of, payloads):
    """It has one only: the word is about a bzImage, which has two."""
    kernel = (payloads / name).read_bytes()
    check(boot(MICROVM, kernel, OURS + words), host_of(MICROVM, kernel, OURS + words), kernel)


@pytest.mark.parametrize("name", REPORTERS)
def test_no_acpi(name, boot, host_of, payloads):
    kernel = (payloads / name).read_bytes()
    machine = MICROVM.but(options=("rtc=on", "acpi=off"))
    check(boot(machine, kernel), host_of(machine, kernel, OURS), kernel)


# ---- hosts made to measure ----


@pytest.mark.parametrize("name", REPORTERS)
def test_modules_become_one_initrd(name, host, boot_host, payloads):
    kernel = (payloads / name).read_bytes()
    parts = [boot_image.cpio(5001), boot_image.random_bytes(3), boot_image.gzip(70_002), b"", boot_image.cpio(4096)]
    for index, part in enumerate([kernel, *parts]):
        host.module(FREE + index * 0x100000, part)
    joined = b""
    for part in filter(None, parts):
        joined += bytes(-len(joined) % 4) + part
    check(boot_host(host), host, kernel, initrd=joined)


# On the kernel's place, before and behind it, on the image, below 1 MiB.
PLACES = [0x1000000, 0x1000010, 0x1008000, 0x1003000, 0xFFF000, 0x1007000, 0x160000, 0x40000]


@pytest.mark.parametrize("name", REPORTERS)
@pytest.mark.parametrize("address", PLACES, ids=hex)
def test_anything_in_the_kernels_way(address, name, host, boot_host, payloads):
    """Its file, or its initrd: every byte of both arrives."""
    kernel = (payloads / name).read_bytes()
    initrd = boot_image.cpio(50_001)
    host.module(address, kernel).module(0x4000000, initrd)
    check(boot_host(host), host, kernel, initrd=initrd)
    host.modules.clear()
    host.module(0x4000000, kernel).module(address, initrd)
    report = check(boot_host(host), host, kernel, initrd=initrd)
    if address == 0x1008000:
        assert report.initrd.address == address


@pytest.mark.parametrize("name", REPORTERS)
def test_initrd_above_what_a_kernel_reaches(name, boot, host_of, payloads, make):
    """At the end of 2 GiB: a 64-bit kernel finds it there, for a 32-bit one it is moved."""
    kernel = (payloads / name).read_bytes()
    initrd = boot_image.random_bytes(30_001)
    machine = MICROVM.but(memory="2G")
    module = make(kernel, initrd, external=True, alignment=PAGE)
    host = host_of(machine, module, OURS)
    report = check(boot(machine, module), host, kernel, initrd=initrd)
    stays = report.initrd.address == host.modules[0].address + module.index(initrd)
    assert stays == (name == "vmlinux64.elf")


@pytest.mark.parametrize("name", REPORTERS)
@pytest.mark.parametrize("entries", [None, 128, 129, 600])
def test_memory_maps(entries, name, host, boot_host, payloads):
    """A tangled one, and such as go on in a setup_data node."""
    kernel = (payloads / name).read_bytes()
    host.memory = TANGLED_MAP
    if entries:
        host.memory = [(0, 0x9F000, 1), (0x100000, 0x3F00000, 1)]
        host.memory += [(0x4001000 + index * 0x1000, 0x800, 1 + index % 7) for index in range(entries - 2)]
        host.memory_at = 0x3800000
        assert len(reporter.normalise(host.memory)) == entries
    initrd = boot_image.cpio(999)
    host.module(FREE - 0x1000000, kernel).module(FREE, initrd)
    check(boot_host(host), host, kernel, initrd=initrd)


@pytest.mark.parametrize("between", [b"", bytes(4), b"relocations"], ids=["nothing", "zeros", "relocations"])
@pytest.mark.parametrize("name", REPORTERS)
def test_initrd_behind_the_kernel(name, between, host, boot_host, payloads):
    """As `cat vmlinux initrd.img` puts it. What does not begin as an initrd is none: Linux's build has relocations there."""
    kernel = (payloads / name).read_bytes()
    initrd = boot_image.cpio(30_001)
    more = boot_image.gzip(5001)
    host.module(FREE - 0x1000000, kernel + between + initrd).module(FREE, more)
    joined = more if between else initrd + bytes(-len(initrd) % 4) + more
    check(boot_host(host), host, kernel, initrd=joined)


def test_initrd_behind_a_kernel_with_an_empty_segment(host, boot_host, payloads):
    """Of nothing, an offset means nothing; also not where the file ends."""
    code, entry = code_of(payloads, "vmlinux32.elf")
    initrd = boot_image.cpio(30_001)
    kernel = make_elf([code, Segment(0x2800000, b"", 0x1000)], entry=code.address + entry, notes=[LINUX_NOTE], bits=32)
    at = kernel.index((0x2800000).to_bytes(4, "little")) - 4  # p_offset, before p_vaddr
    kernel = kernel[:at] + (len(kernel) + 999).to_bytes(4, "little") + kernel[at + 4:]
    host.module(FREE - 0x1000000, kernel + initrd)
    check(boot_host(host), host, kernel, initrd=initrd)


@pytest.mark.parametrize("name", REPORTERS)
def test_command_line_as_long_as_a_linux_takes(name, boot, host_of, payloads):
    kernel = (payloads / name).read_bytes()
    longest = b"".join(b"w%05d " % number for number in range(400))[:2046] + b"."
    line = OURS + b" " + longest
    check(boot(MICROVM, kernel, line), host_of(MICROVM, kernel, line), kernel, longest)
    assert error_of(boot(MICROVM, kernel, line + b"x")) == "E309"


# ---- files of other shapes ----

HIGH_HALF = 0xFFFFFFFF80000000


def code_of(payloads, name):
    """What a reporter loads, which runs anywhere, and how far into it its entry is."""
    image = ElfImage((payloads / name).read_bytes())
    code, = image.segments
    return code, image.entry - code.address


START = 0x2000000

# What is different about the file, and words.
SHAPES = {
    "at another place": ({}, {}, b""),
    "in the upper half, as a 64-bit Linux": ({"offset": HIGH_HALF}, {}, b""),
    "virtual entry": ({"offset": 0x40000000}, {"virtual_entry": True}, b""),
    "note in a section": ({}, {"notes_in": "section"}, b""),
    "notes here and there": ({}, {"notes": [BUILD_ID, LINUX_NOTE], "notes_in": "both"}, b""),
    "notes apart": ({}, {"notes": [LINUX_NOTE, BUILD_ID], "apart": True}, b""),
    "no note": ({}, {"notes": []}, b" pvhboot.protocol=linux"),
    "of type ET_DYN": ({}, {"type": elf_image.ET_DYN}, b""),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", REPORTERS)
def test_shapes_of_files(name, shape, host, boot_host, payloads):
    changes, options, words = SHAPES[shape]
    bits = 64 if name == "vmlinux64.elf" else 32
    if bits == 32 and "offset" in changes:
        changes = {"offset": 0xC0000000 if changes["offset"] == HIGH_HALF else 0x40000000}
    code, into = code_of(payloads, name)
    code = dataclasses.replace(code, address=START, **changes)
    options = {"notes": [BUILD_ID, LINUX_NOTE]} | options
    entry = START + into + (code.offset if options.pop("virtual_entry", False) else 0)
    kernel = make_elf([code], entry=entry, bits=bits, **options)
    initrd = boot_image.cpio(999)
    host.command_line = OURS + words
    host.module(FREE, kernel).module(FREE + 0x100000, initrd)
    check(boot_host(host), host, kernel, initrd=initrd)


@pytest.mark.parametrize("name", REPORTERS)
def test_many_segments(name, host, boot_host, payloads):
    """As a Linux has them: text, data, per-CPU data that are linked at 0, init, .bss; here with room between."""
    code, into = code_of(payloads, name)
    bits = 64 if name == "vmlinux64.elf" else 32
    others = [Segment(START + 0x400000, b"data" * 500, 0x10000, 0x1000),
              Segment(START + 0x600000, b"per CPU" * 99, 0x3000, -(START + 0x600000)), Segment(START + 0x700000, b"", 0x80000)]
    kernel = make_elf([dataclasses.replace(code, address=START), *others], entry=START + into, notes=[LINUX_NOTE], bits=bits)
    initrd = boot_image.cpio(999)
    # In a hole between its parts, and where it gets in the way.
    for address in (START + 0x200000, START + 0x405000):
        host.modules.clear()
        host.module(0x4000000, kernel).module(address, initrd)
        check(boot_host(host), host, kernel, initrd=initrd)


# ---- what does not boot ----


NOT_BOOTING = {
    "no note": ({"notes": []}, b"", "E501"),
    "another owner": ({"notes": [BUILD_ID, elf_image.Note(b"Linux2", 1, b""), elf_image.Note(b"linux", 1, b"")]}, b"", "E501"),
    "another protocol": ({}, b" pvhboot.protocol=multiboot2", "E502"),
    "an entry in nothing": ({"entry": 0x12345678}, b"", "E458"),
    "a machine that is none": ({"machine": 40}, b"", "E501"),
    "that, asked for": ({"machine": 40}, b" pvhboot.protocol=linux", "E451"),
}


@pytest.mark.parametrize("case", NOT_BOOTING)
def test_what_does_not_boot(case, boot, payloads):
    changes, words, number = NOT_BOOTING[case]
    code, into = code_of(payloads, "vmlinux64.elf")
    kernel = make_elf([code], **{"entry": code.address + into, "notes": [LINUX_NOTE]} | changes)
    assert error_of(boot(MICROVM, kernel, OURS + words)) == number


@pytest.mark.parametrize("name", REPORTERS)
def test_place_that_is_not_free(name, host, boot_host, payloads):
    """It can be loaded at one place only."""
    host.module(FREE, (payloads / name).read_bytes())
    host.memory.append((0x1004000, 0x10, reporter.RESERVED))
    assert error_of(boot_host(host)) == "E407"


@pytest.mark.parametrize("size, number", [(0xFFFF0, None), (0x100010, "E312")])
@pytest.mark.parametrize("name", REPORTERS)
def test_no_room_for_the_initrd(name, size, number, host, boot_host, payloads):
    """The host has it where the kernel goes, and elsewhere there is one MiB."""
    kernel, initrd = (payloads / name).read_bytes(), boot_image.random_bytes(size)
    # The kernel's file lies behind the initrd, in RAM that is too small for it.
    host.memory = [(0, 0x9FC00, 1), (0x100000, 0x100000, 1), (0x1000000, 0x108000, 1), (0x2000000, 0x100000, 1)]
    host.module(0x1100010, kernel[:0x7000].ljust(0x7000, b"\0")).module(0x1000000, initrd)
    result = boot_host(host)
    if number:
        assert error_of(result) == number
    else:
        check(result, host, kernel, initrd=initrd)
