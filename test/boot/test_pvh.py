# SPDX-License-Identifier: BSD-2-Clause
"""PVH kernels booted through pvhboot: what a reporter is handed must be, to the byte, what the host was given."""

import bz2
import dataclasses
import functools
import itertools
import re
import struct
import zlib

import pytest

pytest.register_assert_rewrite("handover", "handover_pvh")

import boot_image
import elf_image
import handover_pvh
import packing
import reporter
from boots import BOARDS, MIB, MICROVM, NO_LONG_MODE, OURS, PC, error_of, report_of
from elf_image import (BUILD_ID, EM_X86_64, ET_DYN, LINUX_NOTE, PHYS32_ENTRY, PHYS32_RELOC, ElfImage, Note, Segment,
                       xen_entry, xen_relocatable)
from elf_image import make as make_elf
from fit import COMMAND_LINE, Configuration, Image, bundle
from handover import PAGE
from handover_pvh import INITDOMAIN, PRIVILEGED, Given, Module
from host_script import LEAVE_EFER_SET, TANGLED_MAP, Host, rsdp_bytes
from host_script import Module as Modlist
from qemu import run

REPORTERS = ["pvh.elf", "pvh32.elf", "pvh-x32.elf", "pvh-section.elf", "pvh-relocatable.elf"]
FREE = 0x3000000  # where made hosts have nothing
NO_RSDP = reporter.Rsdp(0, b"")

FIRST, SECOND, RAMDISK = (boot_image.random_bytes(size, size) for size in (5003, 70_000, 4096))


@pytest.fixture
def make(tmp_path):
    """make(kernel, modules, ...) -> the bytes of a bundle; a module's line is its image's."""
    names = itertools.count()

    def make_bundle(kernel, modules=(), *, command_line=None, properties=None, **more):
        images = [Image("kernel", kernel, command_line=command_line, properties=properties or {})]
        images += [Image(f"m{index}", module.data, type="firmware",
                         command_line=None if module.line is None else module.line.decode())
                   for index, module in enumerate(modules)]
        configuration = Configuration("conf", "kernel", loadables=tuple(image.name for image in images[1:]))
        return bundle(tmp_path / f"bundle{next(names)}.itb", images, [configuration], **more).read_bytes()

    return make_bundle


def check(result, host, kernel, line=b"", modules=(), **more):
    """Judges a boot with a report; `host` tells memory and RSDP, as a report or a made host does."""
    report = report_of(result, "pvh")
    handover_pvh.check(report, Given(kernel=kernel, command_line=line, modules=list(modules), memory=host.memory,
                                     **{"rsdp": getattr(host, "rsdp", NO_RSDP)} | more))
    return report


# Modules of a bundle: none, one, several; with lines, empty ones and none.
MODULES = [
    [],
    [Module(FIRST)],
    [Module(RAMDISK, b"of  the \"first\""), Module(b"small", b""), Module(SECOND), Module(FIRST, b"l" * 3000)],
]


def matrix():
    """Every board, memory size and reporter in turn, with all modules and layouts of a bundle."""
    layouts = [{}, {"external": True, "alignment": PAGE}, {"external": True}]
    cases = []
    for number, (memory, board) in enumerate(itertools.product(["32M", "128M", "1G", "5G"], BOARDS)):
        for turn in range(2):
            name = REPORTERS[(2 * number + turn) % len(REPORTERS)]
            machine = board.but(memory=memory, cpus=1 + number % 2)
            cases.append((machine, name, MODULES[(number + turn) % 3], layouts[number % 3]))
    return cases


@pytest.mark.parametrize("case", matrix(), ids=lambda case: f"{case[0]}-{case[1]}-{len(case[2])}")
def test_kernel_gets_what_the_host_gave(case, boot, host_of, payloads, make):
    machine, name, modules, layout = case
    kernel = (payloads / name).read_bytes()
    module = make(kernel, modules, command_line="of the bundle", **layout)
    line = b"a  b " + OURS + b" c"
    host = host_of(machine, module, line)
    report = check(boot(machine, module, line), host, kernel, b"of the bundle a  b c", modules)
    assert report["rsdp_paddr"] == host["rsdp_paddr"]
    if "alignment" in layout:
        start = host.modules[0].address
        assert [blob.address for blob in report.modules] == [start + module.index(given.data) for given in modules]


@pytest.mark.parametrize("name", REPORTERS)
def test_kernel_alone(name, boot, host_of, payloads):
    """The host gives the ELF itself, with no line but ours; then none at all."""
    kernel = (payloads / name).read_bytes()
    for machine in (MICROVM, PC):
        check(boot(machine, kernel), host_of(machine, kernel, OURS), kernel)
    report = report_of(boot(MICROVM, kernel, b""), "pvh")
    assert report["cmdline_paddr"] and report.command_line.bytes == b""


@pytest.mark.parametrize("name", REPORTERS)
def test_processor_without_long_mode(name, boot, host_of, payloads, make):
    """PVH is entered in 32-bit mode, whatever the file's class."""
    kernel = (payloads / name).read_bytes()
    module = make(kernel, MODULES[2])
    machine = PC.but(**NO_LONG_MODE)
    check(boot(machine, module, OURS, "pvhboot32.elf"), host_of(machine, module, OURS), kernel, b"", MODULES[2],
          long_mode=False)


def test_task_register_is_loaded(build, payloads):
    """Not only its descriptor is there: the processor has it. (QEMU shows it as it was before it became busy.)"""
    for machine in (MICROVM, PC):
        result = run(machine, build / "pvhboot.elf", payloads / "pvh.elf", "hold " + OURS.decode(), until="report: end",
                     monitor=["info registers"], timeout=30)
        assert re.search(r"^TR =0020 00000000 00000067 0000(89|8b)00", result.monitor[0], re.M), result.monitor[0]


def test_no_acpi(boot, host_of, payloads):
    kernel = (payloads / "pvh.elf").read_bytes()
    machine = MICROVM.but(options=("rtc=on", "acpi=off"))
    check(boot(machine, kernel), host_of(machine, kernel, OURS), kernel)


# ---- hosts made to measure ----


def give(host, kernel, *modules, at=FREE):
    """The kernel as module 0, and modules as (address, data, line or None); returns these as the judge wants them."""
    host.module(at, kernel)
    lines_at = 0x30000
    for address, data, line in modules:
        host.module(address, data, cmdline_paddr=0 if line is None else lines_at)
        if line is not None:
            host.copy(lines_at, line + b"\0")
            lines_at += len(line) + 1
    return [Module(data, line) for _, data, line in modules]


HOST_MODULES = [
    [(0x2000000, FIRST, b"a")],
    # Aligned ones stay, the others move; one is empty, one lies below 1 MiB, one at the very end of RAM.
    [(0x2000000, FIRST, None), (0x2100004, SECOND, b"  \xffx "), (0x40000, b"low" * 99, b""), (0x2200000, b"", b"empty"),
     (0x4F00000, SECOND, None), (0x2300FFF, b"z", b"odd"), (0x5000000 - PAGE, RAMDISK, b"last")],
    # In the kernel's way: behind the image, on its place, behind it.
    [(0x160000, SECOND, b"1"), (0x1FE000, FIRST, b"2"), (0x200000, FIRST[:4000], b"3"), (0x400000, SECOND, b"4")],
]


@pytest.mark.parametrize("name", REPORTERS)
@pytest.mark.parametrize("modules", HOST_MODULES, ids=range(len(HOST_MODULES)))
def test_modules_of_the_host(modules, name, host, boot_host, payloads):
    kernel = (payloads / name).read_bytes()
    image = ElfImage(kernel)
    given = give(host, kernel, *modules)
    load_address = None
    if image.note(b"Xen", PHYS32_RELOC):
        # A kernel that can gives way to the module that lies where it is linked: to the lowest 64 KiB that are free.
        load_address = 0x210000 if any(address == 0x400000 for address, _, _ in modules) else None
    for module, (address, data, _) in zip(given, modules):
        in_the_way = address < image.end and image.start < address + len(data) and load_address is None
        if data and address % PAGE == 0 and address >= MIB and not in_the_way:
            module.place = address
    check(boot_host(host), host, kernel, b"", given, load_address=load_address)


def tangled_places(image_end):
    """Where the kernel's file may lie: on its place, on the image's, behind it."""
    return [0x40000, image_end, image_end + 4, 0x1FF000, 0x1FFFFF, 0x200004, 0x201000, 0x3FF004, 0x400000]


@pytest.mark.parametrize("which", range(9))
def test_kernel_comes_from_where_it_goes(which, host, boot_host, payloads, build):
    image_end = -(-max(segment.end for segment in ElfImage((build / "pvhboot.elf").read_bytes()).segments) // PAGE) * PAGE
    at = tangled_places(image_end)[which]
    name = ["pvh.elf", "pvh-section.elf", "pvh-relocatable.elf"][which // 3]
    kernel = (payloads / name).read_bytes()
    modules = give(host, kernel, (at + 0x8000 & ~0xFFF, SECOND, b"behind it"), at=at)
    report = report_of(boot_host(host), "pvh")
    load_address = report["load_address"]
    if name != "pvh-relocatable.elf":
        load_address = None
    else:
        assert load_address % 0x10000 == 0 and load_address >= 0x200000
    handover_pvh.check(report, Given(kernel=kernel, command_line=b"", modules=modules, memory=host.memory, rsdp=NO_RSDP,
                                     load_address=load_address))


def test_many_modules(host, boot_host, payloads):
    kernel = (payloads / "pvh32.elf").read_bytes()
    modules = give(host, kernel, *((0x2000000 + index * 0x1800, boot_image.random_bytes(1 + index * 7, index), b"m%d" % index)
                                   for index in range(255)))
    check(boot_host(host), host, kernel, b"", modules)


@pytest.mark.parametrize("flags", [PRIVILEGED, INITDOMAIN, PRIVILEGED | INITDOMAIN, 0xFFFFFFFC])
def test_flags_are_the_hosts(flags, host, boot_host, payloads):
    kernel = (payloads / "pvh.elf").read_bytes()
    host.start_info["flags"] = flags
    host.command_line = b"of dom0 " + OURS
    modules = give(host, kernel, (0x2000000, FIRST, b"a"))
    check(boot_host(host), host, kernel, b"of dom0", modules, flags=flags)


@pytest.mark.parametrize("flags", [0, INITDOMAIN])
def test_line_of_the_payloads_module(flags, host, boot_host, payloads):
    """It is the payload's, but on a dom0, where it is a file's name."""
    kernel = (payloads / "pvh.elf").read_bytes()
    host.start_info["flags"] = flags
    host.command_line = b"of the host " + OURS
    host.module(FREE, kernel, cmdline_paddr=0x30000).copy(0x30000, b"of the module pvhboot.x\0")
    line = b"of the host" if flags else b"of the module pvhboot.x"
    check(boot_host(host), host, kernel, line, flags=flags)


@pytest.mark.parametrize("name", ["pvh.elf", "pvh-relocatable.elf"])
def test_tangled_memory_map(name, host, boot_host, payloads):
    kernel = (payloads / name).read_bytes()
    host.memory = TANGLED_MAP
    modules = give(host, kernel, (0x2000000, FIRST, None))
    check(boot_host(host), host, kernel, b"", modules)


@pytest.mark.parametrize("entries", [3, 129, 1500])
def test_memory_map_of_any_length(entries, host, boot_host, payloads):
    """The ABI knows no limit, so nothing of what the host gave is left out."""
    kernel = (payloads / "pvh.elf").read_bytes()
    host.memory = [(0, 0x9F000, 1), (0x100000, 0x3F00000, 1)]
    host.memory += [(0x4001000 + index * 0x1000, 0x800, 1 + index % 7) for index in range(entries - 2)]
    host.memory_at = 0x1000000
    assert len(reporter.normalise(host.memory)) == entries
    modules = give(host, kernel, (0x2000000, FIRST, None))
    check(boot_host(host, timeout=60), host, kernel, b"", modules)


def test_long_command_line(host, boot_host, payloads):
    kernel = (payloads / "pvh.elf").read_bytes()
    line = b"".join(b"w%06d " % index for index in range(4000)) + b"\xff\"end"
    host.command_line = OURS + b" " + line
    host.command_line_at = 0x1000000
    modules = give(host, kernel)
    check(boot_host(host), host, kernel, line, modules)


@pytest.mark.parametrize("address, told", [(0xE8010, True), (0xE8010, False), (0x4F80008, True), (0x100010, True)])
@pytest.mark.parametrize("revision", [0, 2])
def test_rsdp(revision, address, told, host, boot_host, payloads):
    """The host's, else what a search finds. Where the kernel or its module would go over it, it stays."""
    kernel = (payloads / "pvh-section.elf").read_bytes()
    host.memory = [(0, 0x5000000, 1)]
    if address == 0x100010:
        # In the image's place the host can have none.
        address = 0x1F0010
    host.copy(address, rsdp_bytes(revision))
    host.start_info["rsdp_paddr"] = address if told else 0
    modules = give(host, kernel, (0x2000000, SECOND, None))
    check(boot_host(host), host, kernel, b"", modules, rsdp=reporter.Rsdp(address, rsdp_bytes(revision)))


def test_what_a_host_left_in_the_processor_is_cleared(host, boot_host, payloads):
    kernel = (payloads / "pvh.elf").read_bytes()
    host.copy(0x9000, LEAVE_EFER_SET)
    host.entry = 0x9000
    modules = give(host, kernel)
    check(boot_host(host), host, kernel, b"", modules)


# ---- files of other shapes ----


def code_of(payloads, name="pvh.elf"):
    """What a reporter loads: it runs anywhere."""
    return ElfImage((payloads / name).read_bytes()).segments


def at(segments, start, **changes):
    return [dataclasses.replace(segment, **changes) for segment in elf_image.move(segments, start)]


START = 0x600000

# Notes, how the file has them, and the entry.
SHAPES = {
    "one byte": ([xen_entry(0x60, 1)], {}, 0x60),
    "two bytes": ([xen_entry(0x8000, 2)], {}, 0x8000),
    "among others": ([BUILD_ID, LINUX_NOTE, Note(b"Xen", 5, b"xen-3.0\0"), xen_entry(START)], {}, START),
    "apart": ([BUILD_ID, LINUX_NOTE, xen_entry(START)], {"apart": True}, START),
    "in a section, others in a segment": ([BUILD_ID, xen_entry(START, 4)], {"notes_in": "both"}, START),
    "in sections": ([BUILD_ID, xen_entry(START)], {"notes_in": "section", "apart": True, "bits": 32}, START),
    "x32, in a section": ([xen_entry(START)], {"notes_in": "section", "bits": 32, "machine": EM_X86_64}, START),
    "of other owners": ([Note(b"Xem", PHYS32_ENTRY, bytes(4)), Note(b"Xen 2", PHYS32_ENTRY, bytes(4)),
                         Note(b"GNU", PHYS32_ENTRY, bytes(8)), xen_entry(START)], {}, START),
    "of two, the first": ([xen_entry(START), xen_entry(0x12345678)], {}, START),
    "of type ET_DYN": ([xen_entry(START)], {"type": ET_DYN}, START),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_files(shape, host, boot_host, payloads):
    """Neither e_entry nor where a segment is linked means anything to PVH."""
    notes, options, entry = SHAPES[shape]
    segments = [dataclasses.replace(segment, offset=0xC0000000) for segment in at(code_of(payloads), START)]
    if entry != START:
        segments.append(Segment(entry, b"\xe9" + struct.pack("<i", START - entry - 5), 0x40, alignment=1))
        host.start_low_memory_free()
    kernel = make_elf(segments, entry=0x12345678, notes=notes, **options)
    modules = give(host, kernel, (0x2000000, FIRST, b"m"))
    check(boot_host(host), host, kernel, b"", modules)


def test_many_segments(host, boot_host, payloads):
    """Its code in pieces, in any order, and between them and the code's zeros things that are only zeros."""
    code, = at(code_of(payloads), START)
    cuts = list(range(0, len(code.data), 700))
    pieces = [Segment(START + cut, code.data[cut:cut + 700], min(700, len(code.data) - cut), alignment=1) for cut in cuts]
    zeros = [Segment(START + len(code.data), b"", code.size - len(code.data), alignment=1),
             Segment(START + 0x100000, b"", 0x3000), Segment(0x40000, b"", 0x10)]
    kernel = make_elf(pieces[::-1] + zeros, entry=0, notes=[xen_entry(START)])
    modules = give(host, kernel, (0x2000000, FIRST, b"m"))
    report = report_of(boot_host(host), "pvh")
    given = Given(kernel=make_elf([code, *zeros[1:]], entry=0, notes=[xen_entry(START)]), command_line=b"", modules=modules,
                  memory=host.memory, rsdp=NO_RSDP)
    handover_pvh.check(report, given)


# What a kernel takes beside its code: all of low memory; all but some pages, where everything else has to go.
GREEDY = {
    "low memory": [(0x1000, 0x9E000)],
    "all but low memory": [(0x100000, START - 0x100000), (START + 0x100000, 0x4000000)],
    "all but its end": [(0x1000, 0x9E000), (0x100000, START - 0x100000), (START + 0x100000, 0x48E0000)],
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("case", GREEDY)
def test_kernel_that_takes_nearly_all(case, packed, host, boot_host, payloads):
    """Its file and a module lie where it goes, and all that is handed over goes to what it leaves."""
    code = at(code_of(payloads), START)
    kernel = make_elf(code + [Segment(start, b"x" * 100, size, alignment=1) for start, size in GREEDY[case]], entry=0,
                      notes=[xen_entry(START)])
    modules = give(host, packing.pack("zstd", kernel) if packed else kernel, (0x2000000, FIRST, b"m"))
    check(boot_host(host), host, kernel, b"", modules)


@pytest.mark.parametrize("owner", [b"Linux", b"other"])
@pytest.mark.parametrize("address", [START + 0x200000, START + 0x3FF000, START + 0x401000])
def test_module_between_segments(address, owner, host, boot_host, payloads):
    """It stays there, unless the kernel is a Linux."""
    code, = at(code_of(payloads), START)
    segments = [code, Segment(START + 0x400000, b"data" * 99, 0x800), Segment(START + 0x800000, b"", 0x1000)]
    kernel = make_elf(segments, entry=0, notes=[Note(owner, 1, b""), xen_entry(START)])
    modules = give(host, kernel, (address, FIRST, None))
    if owner != b"Linux" and address != START + 0x3FF000:
        modules[0].place = address
    check(boot_host(host), host, kernel, b"", modules)


# ---- kernels that may be moved ----

# What the note says, the segment's alignment, what is not free, and where the kernel goes: a number, or an error.
NOWHERE = [(0x600000, 0x1000)]
ALL_BUT_LOW = [(0x100000, 0x2F00000)]
RELOCATIONS = {
    "stays": ((0x1000,), 0x1000, [], START),
    "stays though it is not aligned so": ((0x1000000,), 0x1000, [], START),
    "stays though it is not in its range": ((0x1000, 0x800000, 0x8FFFFF), 0x1000, [], START),
    "lowest free place": ((0x1000,), 0x1000, NOWHERE, 0x100000),
    "lowest address": ((0x1000, 0x345678), 0x1000, NOWHERE, 0x346000),
    "lowest and highest": ((0x1000, 0x345678, 0x34C000), 0x1000, NOWHERE, 0x346000),
    "its last byte at the highest": ((0x1000, 0x200000, "end"), 0x1000, NOWHERE, 0x200000),
    "its last byte above the highest": ((0x1000, 0x200000, "end - 1"), 0x1000, NOWHERE, "E408"),
    "alignment": ((0x400000, 0x100000), 0x1000, NOWHERE, 0x400000),
    "alignment of its segment": ((), 0x8000, [*NOWHERE, (0x100000, 0x8001)], 0x110000),
    "no alignment": ((), 4, NOWHERE, 0x200000),
    "alignment 1": ((1, 0x123457), 4, NOWHERE, 0x123457),
    "below 1 MiB where nothing else is free": ((0x1000, 0, 0x2FFFFFF), 0x1000, ALL_BUT_LOW, 0x10000),
    "no place": ((0x1000, 0x100000, 0x2FFFFFF), 0x1000, ALL_BUT_LOW, "E408"),
    "no alignment that there is": ((0x1001,), 0x1000, [], "E463"),
    "alignment 0": ((0,), 0x1000, [], "E463"),
    "the highest below the lowest": ((0x1000, 0x200000, 0x1FFFFF), 0x1000, [], "E463"),
    "four numbers": ((1, 2, 3, 4), 0x1000, [], "E461"),
}


@pytest.mark.parametrize("case", RELOCATIONS)
def test_relocation(case, host, boot_host, payloads):
    numbers, alignment, occupied, expected = RELOCATIONS[case]
    code = at(code_of(payloads, "pvh-relocatable.elf"), START, alignment=alignment)
    size = code[0].size
    numbers = [{"end": 0x200000 + size - 1, "end - 1": 0x200000 + size - 2}.get(number, number) for number in numbers]
    kernel = make_elf(code, entry=0, notes=[xen_entry(START), xen_relocatable(*numbers)])
    host.memory += [(start, length, reporter.RESERVED) for start, length in occupied]
    modules = give(host, kernel, (0x4000000, FIRST, b"m"), at=0x3F00000)
    result = boot_host(host)
    if isinstance(expected, str):
        assert error_of(result) == expected
    else:
        check(result, host, kernel, b"", modules, load_address=expected)


def test_kernel_that_may_not_be_moved(host, boot_host, payloads):
    kernel = (payloads / "pvh.elf").read_bytes()
    give(host, kernel)
    host.memory.append((0x101000, 0x10, reporter.RESERVED))
    assert error_of(boot_host(host)) == "E407"


# ---- what does not boot ----


NOT_BOOTING = {
    "an empty entry": ([Note(b"Xen", PHYS32_ENTRY, b"")], b"", "E461"),
    "an entry of 16 bytes": ([Note(b"Xen", PHYS32_ENTRY, bytes(16))], b"", "E461"),
    "an entry above 4 GiB": ([xen_entry(START + (1 << 32))], b"", "E461"),
    "a range of 5 bytes": ([xen_entry(START), Note(b"Xen", PHYS32_RELOC, bytes(5))], b"", "E461"),
    "an entry in nothing": ([xen_entry(START - 1)], b"", "E462"),
    "an entry behind it": ([xen_entry(START + 0x200000)], b"", "E462"),
    "an entry in its .bss": ([xen_entry(START + 0x5000)], b"", "E462"),
    "no note": ([BUILD_ID], b"", "E501"),
    "no note, asked for": ([BUILD_ID, LINUX_NOTE], b" pvhboot.protocol=pvh", "E502"),
    "another protocol": ([xen_entry(START)], b" pvhboot.protocol=multiboot1", "E502"),
}


@pytest.mark.parametrize("case", NOT_BOOTING)
def test_what_does_not_boot(case, boot, payloads):
    notes, words, number = NOT_BOOTING[case]
    kernel = make_elf(at(code_of(payloads), START), entry=START, notes=notes)
    assert error_of(boot(MICROVM, kernel, OURS + words)) == number


@pytest.mark.parametrize("name", ["multiboot1.elf", "multiboot1-kludge.bin", "multiboot2.elf", "vmlinux64.elf"])
def test_kernels_of_other_protocols(name, boot, payloads):
    assert error_of(boot(MICROVM, (payloads / name).read_bytes(), OURS + b" pvhboot.protocol=pvh")) == "E502"


def test_note_that_does_not_end(boot, payloads):
    """A size that goes past the segment, or round to its beginning, is no note; and the search ends."""
    kernel = make_elf(at(code_of(payloads), START), entry=START, notes=[xen_entry(START)])
    note = kernel.index(b"Xen\0") - 12
    for offset, value in itertools.product((0, 4), (0x100, 0x7FFFFFFC, 0xFFFFFFF0, 0xFFFFFFFF)):
        damaged = kernel[:note + offset] + struct.pack("<I", value) + kernel[note + offset + 4:]
        assert error_of(boot(MICROVM, damaged)) in ("E461", "E501"), (offset, value)


# ---- one file, several protocols ----


def two_kernels(payloads, other, **more):
    """One ELF with a PVH reporter at 6 MiB and the other reporter where that belongs: by each protocol its own starts."""
    kernel = ElfImage((payloads / other).read_bytes())
    return make_elf([*kernel.segments, *at(code_of(payloads), START)], entry=kernel.entry, **more)


@pytest.mark.parametrize("other, kind, by_default", [
    ("multiboot1.elf", "multiboot1", True), ("multiboot2.elf", "multiboot2", True), ("vmlinux64.elf", "linux", False),
    ("vmlinux32.elf", "linux", False)])
def test_protocol(other, kind, by_default, boot, payloads):
    """Multiboot comes before PVH, PVH before a vmlinux; a word decides otherwise."""
    bits = 32 if kind == "multiboot1" or other == "vmlinux32.elf" else 64
    kernel = two_kernels(payloads, other, notes=[LINUX_NOTE, xen_entry(START)], bits=bits)
    report_of(boot(MICROVM, kernel, OURS + b" pvhboot.protocol=pvh"), "pvh")
    report_of(boot(MICROVM, kernel, OURS + b" pvhboot.protocol=" + kind.encode()), kind)
    report_of(boot(MICROVM, kernel), kind if by_default else "pvh")


# ---- the kernel inside a bzImage ----

BY_PVH = OURS + b" pvhboot.protocol=pvh"


@pytest.fixture
def linux(payloads):
    """linux(payload, ...) -> a bzImage with that inside."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    return functools.partial(boot_image.with_inner_kernel, kernel)


@pytest.mark.parametrize("format", packing.FORMATS)
def test_kernel_inside(format, boot, host_of, payloads, linux):
    """Of each of Linux's ways to pack it; what lies behind the bzImage is its one module."""
    inner = (payloads / "pvh.elf").read_bytes()
    kernel = linux(packing.as_linux_has_it(format, inner))
    initrd = boot_image.random_bytes(50_001)
    for machine, module, modules in ((MICROVM, kernel, []), (PC, kernel + initrd, [Module(initrd)])):
        line = b"a " + BY_PVH
        check(boot(machine, module, line), host_of(machine, module, line), inner, b"a", modules)
    # By default it is the bzImage that boots.
    report_of(boot(MICROVM, kernel), "linux")


@pytest.mark.parametrize("name", REPORTERS)
def test_kernel_inside_of_every_kind(name, boot, host_of, payloads, linux):
    inner = (payloads / name).read_bytes()
    kernel = linux(packing.as_linux_has_it("xz", inner))
    check(boot(PC, kernel, BY_PVH), host_of(PC, kernel, BY_PVH), inner)


@pytest.mark.parametrize("tail", [b"", boot_image.cpio(7777)], ids=["modules", "tail"])
@pytest.mark.parametrize("signature", [b"", b"signed" * 100], ids=["unsigned", "signed"])
def test_modules_of_a_kernel_inside_are_one_initrd(signature, tail, host, boot_host, payloads, linux):
    """Joined as the boot protocol's loader does it; with the first one's line, if they are all modules."""
    inner = (payloads / "pvh-relocatable.elf").read_bytes()
    kernel = linux(packing.as_linux_has_it("zstd", inner))
    if signature:
        kernel = boot_image.signed(kernel, signature)
    parts = [boot_image.cpio(5001), boot_image.random_bytes(3), boot_image.random_bytes(70_002)]
    give(host, kernel + tail, *((0x2000000 + index * 0x100000, part, b"line %d" % index) for index, part in enumerate(parts)))
    joined = b""
    for part in filter(None, [tail, *parts]):
        joined += bytes(-len(joined) % 4) + part
    host.command_line = BY_PVH
    check(boot_host(host), host, inner, b"", [Module(joined, None if tail else b"line 0", initrd=True)])


@pytest.mark.parametrize("layout", [{}, {"external": True, "alignment": PAGE}])
def test_kernel_inside_in_a_bundle(layout, boot, host_of, payloads, linux, make):
    inner = (payloads / "pvh.elf").read_bytes()
    kernel = linux(packing.as_linux_has_it("lz4 legacy", inner))
    module = make(kernel, [Module(SECOND, b"of the initrd")], command_line="of the bundle", **layout)
    line = BY_PVH + b" of the host"
    check(boot(MICROVM, module, line), host_of(MICROVM, module, line), inner, b"of the bundle of the host",
          [Module(SECOND, b"of the initrd")])


@pytest.mark.parametrize("words, by_pvh", [(b"", True), (b" pvhboot.protocol=linux", False), (b" pvhboot.protocol=pvh", True)])
def test_dom0_is_entered_by_pvh(words, by_pvh, host, boot_host, payloads, linux):
    """A Linux learns only so that it is one."""
    inner = (payloads / "pvh.elf").read_bytes()
    host.start_info["flags"] = PRIVILEGED | INITDOMAIN
    host.command_line = b"a " + OURS + words
    modules = give(host, linux(packing.as_linux_has_it("gzip", inner)), (0x2000000, FIRST, b"line"))
    result = boot_host(host)
    if by_pvh:
        check(result, host, inner, b"a", modules, flags=PRIVILEGED | INITDOMAIN)
    else:
        report_of(result, "linux")


@pytest.mark.parametrize("flags", [INITDOMAIN, PRIVILEGED])
def test_dom0_of_a_kernel_with_nothing_inside(flags, host, boot_host, payloads):
    """It could not know what it is. Of the flags, one says that it is dom0."""
    host.start_info["flags"] = flags
    give(host, (payloads / "linux64.bzImage").read_bytes())
    result = boot_host(host)
    if flags & INITDOMAIN:
        assert error_of(result) == "E316"
    else:
        report_of(result, "linux")


def test_kernel_inside_where_it_cannot_go(host, boot_host, payloads, linux):
    """It is unpacked clear of everything, and moved from there; or there is no room."""
    inner = (payloads / "pvh.elf").read_bytes()
    host.command_line = BY_PVH
    give(host, linux(packing.as_linux_has_it("xz", inner)))
    host.memory.append((0x101000, 0x10, reporter.RESERVED))
    assert error_of(boot_host(host)) == "E407"


NOT_INSIDE = {
    "nothing": (b"", {}, "E316"),
    "less than its length": (b"xyz", {}, "E316"),
    "what goes past the kernel's end": (packing.pack("gzip", b"x" * 100), {"length": 0x100000}, "E316"),
    "what has no length": (packing.pack("gzip", b"x" * 100), {"length": 0xFFFFFFFF}, "E316"),
    "bzip2": (bz2.compress(b"x" * 100), {}, "E317"),
    "no kernel": (packing.pack("gzip", b"x" * 1000), {}, "E451"),
    "a cut off file": (packing.pack("gzip", b"x" * 1000)[:-9], {}, "E540"),
    "another length than was appended": (packing.pack("lz4", b"x" * 1000) + struct.pack("<I", 999), {}, "E542"),
    "a damaged file": (packing.pack("gzip", b"x" * 1000)[:-8] + bytes(8), {}, "E542"),
}


@pytest.mark.parametrize("case", NOT_INSIDE)
def test_what_is_no_kernel_inside(case, boot, linux):
    inside, more, number = NOT_INSIDE[case]
    assert error_of(boot(MICROVM, linux(inside, **more), BY_PVH)) == number


def test_kernel_inside_that_is_no_elf_file(boot, payloads, linux):
    """All of one but the magic number."""
    inner = b"\x92" + (payloads / "pvh.elf").read_bytes()[1:]
    assert error_of(boot(MICROVM, linux(packing.as_linux_has_it("gzip", inner)), BY_PVH)) == "E451"


def test_kernel_inside_without_a_note(boot, payloads, linux):
    inner = (payloads / "vmlinux64.elf").read_bytes()
    kernel = linux(packing.as_linux_has_it("xz", inner))
    assert error_of(boot(MICROVM, kernel, BY_PVH)) == "E460"
    report_of(boot(MICROVM, kernel), "linux")


def test_line_that_linux_would_cut_off(boot, host_of, payloads, linux):
    """A bzImage says how much it takes; of an ELF file that is a Linux it is known; other kernels take any."""
    code = at(code_of(payloads), START)
    longest = b"".join(b"w%05d " % number for number in range(400))[:2046] + b"."
    for owner, limited in ((b"Linux", True), (b"other", False)):
        kernel = make_elf(code, entry=0, notes=[Note(owner, 1, b""), xen_entry(START)])
        for size, number in ((2047, None), (2048, "E309" if limited else None)):
            line = longest + b"x" * (size - 2047)
            result = boot(MICROVM, kernel, OURS + b" " + line)
            assert (error_of(result) if number else report_of(result, "pvh").command_line.bytes) == (number or line)
    inside = linux(packing.as_linux_has_it("gzip", (payloads / "pvh.elf").read_bytes()))
    limit, = struct.unpack_from("<I", inside, 0x238)
    assert report_of(boot(MICROVM, inside, BY_PVH + b" " + b"x" * limit), "pvh").command_line.bytes == b"x" * limit
    assert error_of(boot(MICROVM, inside, BY_PVH + b" " + b"x" * (limit + 1))) == "E309"


@pytest.mark.parametrize("owner", [b"Linux", b"other"])
def test_memory_map_longer_than_linux_looks(owner, host, boot_host, payloads):
    """Its PVH entry copies as many entries as it is told to a table of 128 (arch/x86/platform/pvh/enlighten.c)."""
    host.start_low_memory_free()
    host.memory = [*host.memory, *((0x100000000 + index * 0x200000, 0x100000, 2) for index in range(128 - len(host.memory)))]
    kernel = make_elf(at(code_of(payloads), START), entry=0, notes=[Note(owner, 1, b""), xen_entry(START)])
    give(host, kernel)
    assert len(check(boot_host(host), host, kernel).memory) == 128
    host.memory.append((0x200000000, 0x100000, 2))
    result = boot_host(host)
    if owner == b"Linux":
        assert error_of(result) == "E465"
    else:
        check(result, host, kernel)


def test_lines_that_are_too_long_together(boot, payloads, tmp_path):
    """A bundle may list a module with a long line many times: 4 GiB of texts, and a sum that is 0 in 32 bits."""
    line = tmp_path / "line"
    line.write_bytes(b"A" * 0xFFFFFF + b"\0")
    images = [Image("kernel", (payloads / "pvh.elf").read_bytes()),
              Image("module", b"x", type="firmware", properties={COMMAND_LINE: line})]
    listed = Configuration("conf", "kernel", loadables=("module",) * 256)
    module = bundle(tmp_path / "lines.itb", images, [listed]).read_bytes()
    assert error_of(boot(MICROVM.but(memory="1G"), module)) == "E464"


def test_modules_of_a_linux_are_one_initrd(host, boot_host, payloads):
    """It takes but one: microcode and initrd would else be the microcode alone."""
    kernel = make_elf(at(code_of(payloads), START), entry=0, notes=[Note(b"Linux", 1, b""), xen_entry(START)])
    first, second = boot_image.cpio(5003), boot_image.gzip(3001)
    give(host, kernel, (0x2000000, first, b"line"), (0x2100000, second, b"other"))
    joined = first + bytes(-len(first) % 4) + second
    check(boot_host(host), host, kernel, b"", [Module(joined, b"line", initrd=True)])


def test_linux_on_a_processor_without_long_mode(boot, payloads):
    """A PVH kernel in an ELF64 file may be one of 32 bits, a Linux is not."""
    machine = PC.but(**NO_LONG_MODE)
    for owner, number in ((b"Linux", "E470"), (b"other", None)):
        kernel = make_elf(at(code_of(payloads), START), entry=0, notes=[Note(owner, 1, b""), xen_entry(START)])
        result = boot(machine, kernel, OURS, "pvhboot32.elf")
        assert error_of(result) == number if number else report_of(result, "pvh")


@pytest.mark.parametrize("between", [b"", b"relocations"], ids=["nothing", "relocations"])
@pytest.mark.parametrize("owner", [b"Linux", b"other"])
def test_initrd_behind_the_kernel(owner, between, host, boot_host, payloads):
    """A Linux takes but one module, so the others are joined to it, and the first one's line is not theirs. To others it is a module."""
    initrd, more = boot_image.cpio(5004), boot_image.gzip(3001)
    kernel = make_elf(at(code_of(payloads), START), entry=0, notes=[Note(owner, 1, b""), xen_entry(START)])
    modules = give(host, kernel + between + initrd, (0x2000000, more, b"line"))
    if owner != b"Linux":
        modules.insert(0, Module(between + initrd))
    elif not between:
        modules = [Module(initrd + bytes(-len(initrd) % 4) + more, None, initrd=True)]
    check(boot_host(host), host, kernel, b"", modules)


@pytest.mark.parametrize("name", ["linux-old.bzImage", "linux32.bzImage"])
def test_bzimage_with_nothing_inside(name, boot, payloads):
    assert error_of(boot(MICROVM, (payloads / name).read_bytes(), BY_PVH)) == "E316"


# ---- chains ----


def of_pvhboot(build, container="pvhboot.elf"):
    return (build / container).read_bytes()


@pytest.mark.parametrize("container", ["pvhboot.elf", "pvhboot32.elf"])
@pytest.mark.parametrize("machine", [MICROVM, PC, PC.but(memory="5G")], ids=str)
def test_chain(machine, container, build, boot, host_of, payloads, make):
    """pvhboot boots pvhboot boots a reporter, with its own line and modules."""
    kernel = (payloads / "pvh-section.elf").read_bytes()
    modules = [Module(FIRST, b"of the first"), Module(SECOND)]
    module = make(of_pvhboot(build, container), [Module(kernel, b"of  the kernel"), *modules],
                  command_line=OURS.decode() + " of the inner one")
    line = OURS + b" of the host"
    check(boot(machine, module, line), host_of(machine, module, line), kernel, b"of  the kernel", modules)


def test_chain_on_a_processor_without_long_mode(build, boot, host_of, payloads, make):
    """Of any kind of file: what is in it is 32-bit code."""
    kernel = (payloads / "pvh.elf").read_bytes()
    machine = PC.but(**NO_LONG_MODE)
    for container in ("pvhboot.elf", "pvhboot32.elf"):
        module = make(of_pvhboot(build, container), [Module(kernel, b"line"), Module(FIRST)])
        check(boot(machine, module, OURS, "pvhboot32.elf"), host_of(machine, module, OURS), kernel, b"line", [Module(FIRST)],
              long_mode=False)


def test_chain_of_three(build, boot, host_of, payloads, make):
    """Without lines of their own, each one's words are in the line that goes round."""
    kernel = (payloads / "pvh-relocatable.elf").read_bytes()
    pvhboot = of_pvhboot(build)
    modules = [Module(FIRST, b"x"), Module(SECOND, b"")]
    module = make(pvhboot, [Module(pvhboot), Module(pvhboot), Module(kernel), *modules], external=True, alignment=PAGE)
    line = OURS + b" round"
    check(boot(PC, module, line), host_of(PC, module, line), kernel, b"round", modules)


def test_chain_through_bundles(build, boot, host_of, payloads, make):
    """Each stage a bundle in the bundle before it, packed."""
    kernel = (payloads / "pvh.elf").read_bytes()
    modules = [Module(FIRST, b"x"), Module(SECOND, None)]
    inner = make(packing.pack("xz", kernel), modules, command_line="of the inner")
    middle = make(packing.pack("zstd", of_pvhboot(build)), [Module(inner)], command_line="of the middle")
    module = make(packing.pack("gzip", of_pvhboot(build)), [Module(middle)], command_line="of the outer")
    line = OURS + b" of the host"
    check(boot(MICROVM, module, line), host_of(MICROVM, module, line), kernel,
          b"of the inner of the middle of the outer of the host", modules)


def test_chain_to_every_protocol(build, boot, payloads, make):
    for name, kind in (("linux64.bzImage", "linux"), ("multiboot1.elf", "multiboot1"), ("multiboot2.elf", "multiboot2"),
                       ("vmlinux32.elf", "linux")):
        module = make(of_pvhboot(build), [Module((payloads / name).read_bytes())])
        report_of(boot(MICROVM, module), kind)


def test_words_of_a_chain(build, boot, payloads, make):
    """The outer one's are in the host's line, the inner one's in the bundle's: which of them fails is told by who does."""
    module = make(of_pvhboot(build), [Module(b"no kernel at all")], command_line=OURS.decode())
    assert error_of(boot(MICROVM, module, b"pvhboot.panic=halt pvhboot.console=none")) == "E501"
    module = make(of_pvhboot(build), [Module((payloads / "multiboot1.elf").read_bytes())],
                  command_line=OURS.decode() + " pvhboot.protocol=pvh")
    assert error_of(boot(MICROVM, module)) == "E502"


def test_flags_go_through_a_chain(build, host, boot_host, payloads):
    kernel = (payloads / "pvh.elf").read_bytes()
    host.start_info["flags"] = PRIVILEGED
    modules = give(host, of_pvhboot(build), (0x2000000, kernel, b"line"), (0x2100004, FIRST, b"of the module"))
    check(boot_host(host), host, kernel, b"line", modules[1:], flags=PRIVILEGED)


# ---- the reporter itself: what judges must itself be right ----


def test_reporter_tells_what_it_is_given(boot_host, payloads):
    """A host that gives it everything that pvhboot must not."""
    odd = Host(payloads / "pvh.elf")
    odd.start_info = {"version": 7, "flags": 0x12345678, "rsdp_paddr": 0x31000, "reserved": 0x55AA55AA}
    odd.memory = [(0x1000, 0x2000, 99), (0, 0x5000000, 1)]
    odd.command_line = b"\x01 \xff\"\\"
    odd.copy(0x30000, b"line\0").copy(0x31000, b"x" * 15 + b"\0" + b"x" * 48)
    odd.modules = [Modlist(0x2000001, FIRST, 5002, 0x30000, 0x77), Modlist(0x2100000, b"", 0, 0, 0)]
    report = report_of(boot_host(odd), "pvh")
    assert report["bss_dirty"] == 1
    assert report["flags"] & 1 << 10
    assert [report[name] for name in ("eax", "ecx", "edx", "esi", "edi", "ebp", "esp")] == [0x2BADB002, *[0xDEADBEEF] * 5, 0]
    assert (report["ebx"], report["start_info"]) == (odd.start_info_at,) * 2
    assert report.segment("tr").state == "null" and report.segment("fs").state == "null"
    assert {name: report[name] for name in ("version", "start_info_flags", "nr_modules", "modlist_paddr", "cmdline_paddr")} == {
        "version": 7, "start_info_flags": 0x12345678, "nr_modules": 2, "modlist_paddr": odd.modules_at,
        "cmdline_paddr": odd.command_line_at}
    assert (report["reserved"], report["memmap_paddr"], report.memory) == (0x55AA55AA, odd.memory_at, odd.memory)
    assert report.numbers("module.0x0") == [0x2000001, 5002, 0x30000, 0x77]
    assert report.modules[0].crc32 == zlib.crc32(FIRST[:5002])
    assert (report.module_line(0).bytes, report.module_line(1).bytes) == (b"line", None)
    assert report.command_line == reporter.Text(odd.command_line_at, odd.command_line)
    assert report.rsdp == reporter.Rsdp(0x31000, b"x" * 15 + b"\0" + b"x" * 4)
