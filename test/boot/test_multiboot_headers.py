# SPDX-License-Identifier: BSD-2-Clause
"""Multiboot headers and ELF files in all their shapes: what a specification or a real kernel has boots, the rest is refused."""

import struct

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot")

import handover_multiboot
import multiboot_image
import reporter
from boots import MICROVM, MIB, OURS, PC, error_of, report_of
from handover_multiboot import Given
from multiboot_image import (ADDRESS, CONSOLE, EFI_BS, END, ENTRY, ENTRY_EFI32, ENTRY_EFI64, FRAMEBUFFER, MODULE_ALIGN,
                             OPTIONAL, RELOCATABLE, REQUEST, Tag, header1, header2, with_bytes, with_header1,
                             with_header2, words)

VIDEO = (0, 800, 600, 32)


def boots(boot, host_of, kernel, protocol, *, load_address=None):
    line = OURS + b" pvhboot.argv0=k"
    report = report_of(boot(MICROVM, kernel, line), f"multiboot{protocol}")
    host = host_of(MICROVM, kernel, line)
    handover_multiboot.check(report, Given(kernel=kernel, protocol=protocol, command_line=b"k", memory=host.memory,
                                           rsdp=host.rsdp, load_address=load_address))
    return report


@pytest.fixture
def video(payloads):
    """A Multiboot 1 ELF file with room for any header."""
    return (payloads / "multiboot1-video.elf").read_bytes()


@pytest.fixture
def kernel2(payloads):
    return (payloads / "multiboot2.elf").read_bytes()


# ---- Multiboot 1 ----


@pytest.mark.parametrize("flags", [0, 1, 2, 3, 7, 0x20000, 0x80000003, 0xFFFE0007])
def test_header1_flags_that_may_be(flags, video, boot, host_of):
    """Those above 15 ask for nothing that has to be understood, but for bit 16."""
    header = header1(flags, 0, 0, 0, 0, 0, *VIDEO)
    boots(boot, host_of, with_header1(video, header), 1)


@pytest.mark.parametrize("bit", range(3, 16))
def test_header1_flags_that_are_required_and_unknown(bit, video, boot):
    result = boot(MICROVM, with_header1(video, header1(3 | 1 << bit)))
    assert error_of(result) == "E401"
    assert f"{3 | 1 << bit:#x}" in result.text


def at_offset(kernel, offset, protocol, header):
    """The flat kernel with its header elsewhere, before what is loaded; its own is spoilt."""
    old = multiboot_image.find_header(kernel, protocol)
    return bytes(offset) + header + bytes(-(offset + len(header)) % 4096) + with_bytes(kernel, {old: bytes(4)})


def kludge(payloads, offset, **more):
    """multiboot1-kludge.bin with its header at an offset in the file, before all that is loaded."""
    kernel = (payloads / "multiboot1-kludge.bin").read_bytes()
    image = multiboot_image.MultibootImage(kernel, 1)
    moved = at_offset(kernel, offset, 1, header1(0x10003, 0, 0, 0, 0, 0))
    loaded = moved.index(image.segments[0].data[48:])
    # Loading from there on would leave out the first bytes: the code's place is what counts.
    start = loaded - 48
    load = image.segments[0].address
    fields = {"header": load - start + offset, "load": load, "end": load + len(image.segments[0].data),
              "bss": load + image.segments[0].size, "entry": image.entry} | more
    return with_bytes(moved, {offset: header1(0x10003, *fields.values())})


@pytest.mark.parametrize("offset", [0, 4, 0x7FC, 8192 - 32])
def test_header1_anywhere_in_the_first_8192_bytes(offset, payloads, boot):
    """Also outside of what is loaded: nothing forbids it, header_addr is only what offsets are counted from."""
    kernel = kludge(payloads, offset)
    result = boot(MICROVM, kernel)
    if result.errors:
        # header_addr below load_addr contradicts section 3.1.3.
        assert error_of(result) == "E404"
    else:
        report_of(result, "multiboot1")


def prefixed(payloads, offset):
    """multiboot1-kludge.bin with more bytes in front, so that its header is at `offset`."""
    kernel = (payloads / "multiboot1-kludge.bin").read_bytes()
    return bytes(offset - multiboot_image.find_header(kernel, 1)) + kernel


@pytest.mark.parametrize("offset", [0x120, 0x124, 0x1000, 8192 - 48, 8192 - 32])
def test_header1_within_8192_bytes(offset, payloads, boot, host_of):
    boots(boot, host_of, prefixed(payloads, offset), 1)


@pytest.mark.parametrize("offset, number", [(8192 - 28, "E402"), (8192 - 12, "E402"), (8192 - 8, "E501"), (8192, "E501"),
                                            (0x122, "E501")])
def test_header1_too_late_or_not_aligned(offset, number, payloads, boot):
    assert error_of(boot(MICROVM, prefixed(payloads, offset))) == number


def test_search_goes_on_behind_a_magic_number_that_is_no_header(payloads, boot, host_of):
    """By chance, or in a kernel that is a boot loader: the checksum tells."""
    kernel = prefixed(payloads, 0x1000)
    boots(boot, host_of, with_bytes(kernel, {0x100: words(multiboot_image.MAGIC1, 3, 3)}), 1)
    kernel = (payloads / "multiboot2-address.bin").read_bytes()
    kernel = bytes(0x1000) + kernel
    boots(boot, host_of, with_bytes(kernel, {0x100: words(multiboot_image.MAGIC2, 0, 24, 3)}), 2)


def addresses1(payloads, **changes):
    """multiboot1-kludge.bin with some of its addresses changed: header, load, load_end, bss_end, entry."""
    kernel = (payloads / "multiboot1-kludge.bin").read_bytes()
    offset = multiboot_image.find_header(kernel, 1)
    names = ("header", "load", "load_end", "bss_end", "entry")
    fields = dict(zip(names, struct.unpack_from("<5I", kernel, offset + 12)))
    return with_bytes(kernel, {offset + 12: struct.pack("<5I", *(fields | changes).values())})


@pytest.mark.parametrize("changes, number", [
    ({"load": 0x200004}, "E404"), ({"load_end": 0x1FFFFF}, "E404"), ({"load_end": 0x200004}, "E406"),
    ({"bss_end": 0x200010}, "E404"), ({"load_end": 0x300000}, "E405"), ({"load": 0x1FF000}, "E404"),
    ({"entry": 0x1FFFFF}, "E406"), ({"entry": 0x210000}, "E406"), ({"entry": 0}, "E406"),
    ({"bss_end": 0x8000001}, "E407"), ({"bss_end": 0xFFFFFFFF}, "E404"),
])
def test_addresses1_that_contradict_each_other(changes, number, payloads, boot):
    assert error_of(boot(MICROVM, addresses1(payloads, **changes))) == number


def test_bss_end_0_is_no_bss(payloads, boot, host_of):
    """Then what lies behind it in memory is nobody's business; the reporter says that its .bss is not clean."""
    kernel = addresses1(payloads, bss_end=0)
    report = report_of(boot(MICROVM, kernel), "multiboot1")
    assert report["load_address"] == 0x200000


def test_addresses_win_over_an_elf_header(video, boot, host_of):
    """Bit 16 says so in as many words: an ELF file whose header sends it elsewhere."""
    image = multiboot_image.MultibootImage(video, 1)
    offset = image.offset
    shift = 0x300000
    start = image.start + shift
    header = header1(0x10003, start, start, start + len(image.segments[0].data), start + image.segments[0].size,
                     image.entry + shift)
    kernel = with_bytes(video, {offset: header})
    report = boots(boot, host_of, kernel, 1)
    assert report["load_address"] == start
    assert report.sections == []


def test_neither_elf_nor_addresses(video, kernel2, boot):
    assert error_of(boot(MICROVM, with_bytes(video, {0: b"\x7fELV"}))) == "E403"
    assert error_of(boot(MICROVM, with_bytes(kernel2, {0: b"\x7fELV"}))) == "E403"


# ---- Multiboot 2 ----


EFI = [Tag(EFI_BS), Tag(ENTRY_EFI32, words(0x100000)), Tag(ENTRY_EFI64, words(0x100000))]

# Header tags of kernels that boot on a machine without a display.
GOOD_TAGS = {
    "none": [],
    "module alignment": [Tag(MODULE_ALIGN)],
    "requests": [Tag(REQUEST, words(*range(1, 22)))],
    "no requests": [Tag(REQUEST)],
    "unknown optional request": [Tag(REQUEST, words(1, 99, 6), OPTIONAL)],
    "efi": EFI,
    "unknown optional": [Tag(11, b"12345", OPTIONAL), Tag(0x7FFF, b"", OPTIONAL)],
    "framebuffer": [Tag(FRAMEBUFFER, words(800, 600, 32))],
    "framebuffer optional": [Tag(FRAMEBUFFER, words(0, 0, 0), OPTIONAL)],
    "console not required": [Tag(CONSOLE, words(2))],
    "as xen": [Tag(REQUEST, words(4, 6)), Tag(MODULE_ALIGN), Tag(CONSOLE, words(2), OPTIONAL),
               Tag(FRAMEBUFFER, words(0, 0, 0), OPTIONAL), EFI[0], EFI[2]],
    "entry": [Tag(ENTRY, words(0))],
}


@pytest.mark.parametrize("name", GOOD_TAGS)
def test_header2_tags_that_may_be(name, kernel2, boot, host_of):
    tags = GOOD_TAGS[name]
    if name == "entry":
        tags = [Tag(ENTRY, words(multiboot_image.MultibootImage(kernel2, 2).entry))]
    boots(boot, host_of, with_header2(kernel2, header2(tags)), 2)


def test_entry_tag_wins_over_the_elf_entry(kernel2, boot, host_of):
    """Section 3.1.6: it overrides the entry of the executable."""
    entry = multiboot_image.MultibootImage(kernel2, 2).entry
    wrong = with_bytes(kernel2, {24: words(0x100004)})
    boots(boot, host_of, with_header2(wrong, header2([Tag(ENTRY, words(entry))])), 2)


BAD_TAGS = [
    ([Tag(11, b"1234")], "E424", "11"),
    ([Tag(0x7FFF)], "E424", "32767"),
    ([Tag(REQUEST, words(6, 22))], "E425", "22"),
    ([Tag(REQUEST, words(0x1234))], "E425", "4660"),
    ([Tag(MODULE_ALIGN, size=0)], "E423", ""),
    ([Tag(MODULE_ALIGN, size=7)], "E423", ""),
    ([Tag(FRAMEBUFFER, words(1, 2))], "E423", ""),
    ([Tag(FRAMEBUFFER, words(0, 0, 0), size=0x100)], "E423", ""),
    ([Tag(REQUEST, words(1), size=0xFFFFFFFF)], "E423", ""),
    ([Tag(ADDRESS, words(0x100000, 0x100000, 0, 0))], "E426", ""),
    ([Tag(RELOCATABLE, words(0x100000, 0xFFFFFFF, 3, 0))], "E427", ""),
    ([Tag(RELOCATABLE, words(0x200000, 0x100000, 0x1000, 0))], "E427", ""),
    ([Tag(CONSOLE, words(1))], "E411", ""),
    ([Tag(CONSOLE, words(3))], "E411", ""),
    ([Tag(CONSOLE, words(1)), Tag(FRAMEBUFFER, words(800, 600, 32))], "E411", ""),
]


@pytest.mark.parametrize("case", BAD_TAGS, ids=range(len(BAD_TAGS)))
def test_header2_tags_that_are_refused(case, kernel2, boot):
    tags, number, word = case
    result = boot(MICROVM, with_header2(kernel2, header2(tags)))
    assert error_of(result) == number
    assert word in result.errors[0][1]


def test_relocatable_with_the_size_of_nothing(kernel2, boot):
    """Room between the two that is smaller than the kernel."""
    header = header2([Tag(RELOCATABLE, words(0x100000, 0x100FFF, 0x1000, 0))])
    assert error_of(boot(MICROVM, with_header2(kernel2, header))) == "E408"


@pytest.mark.parametrize("lowest, highest, alignment, preference, expected", [
    (0, 0xFFFFFFFF, 0, 0, 0x100000), (0, 0xFFFFFFFF, 1, 0, 0x100000), (0x345678, 0xFFFFFFFF, 0, 1, 0x345678),
    (0x345678, 0xFFFFFFFF, 0x10, 1, 0x345680), (0x200000, 0x300000, 0x1000, 0, 0x200000),
    (0x200000, 0x400000, 0x1000, 2, 0x3FC000), (0x100000, 0x1FFFFF, 0x80000, 2, 0x180000),
    (0x100000, 0xFFFFFFF, 0x1000000, 0, 0x1000000), (0x100000, 0xFFFFFFF, 0x1000, 7, 0x100000),
])
def test_relocatable(lowest, highest, alignment, preference, expected, kernel2, boot, host_of):
    header = header2([Tag(RELOCATABLE, words(lowest, highest, alignment, preference))])
    boots(boot, host_of, with_header2(kernel2, header), 2, load_address=expected)


def with_end(kernel, tags, end, **more):
    return with_header2(kernel, header2(tags, end=end, **more))


# The specification's example of version 2.0 puts its end tag at once behind an entry tag of 12 bytes.
UNALIGNED_END = b"".join([words(multiboot_image.MAGIC2, 0, 40 - 4, -(multiboot_image.MAGIC2 + 36) & 0xFFFFFFFF),
                          struct.pack("<HHII", CONSOLE, OPTIONAL, 12, 2), struct.pack("<HHI", END, 0, 8)])

ENDS = {
    "as it should be": header2([Tag(MODULE_ALIGN)]),
    "of size 0": header2([Tag(MODULE_ALIGN)], end=Tag(END, size=0)),
    "of size 12": header2([Tag(MODULE_ALIGN)], end=Tag(END, size=12)),
    "with flags": header2([Tag(MODULE_ALIGN)], end=Tag(END, flags=OPTIONAL)),
    "missing": header2([Tag(MODULE_ALIGN)], end=None),
    "missing, no tags": header2([], end=None),
    "not aligned": UNALIGNED_END,
    "long before the header's end": header2([Tag(MODULE_ALIGN), Tag(END), Tag(0x7FFF), Tag(0x7FFE)]),
}


@pytest.mark.parametrize("name", ENDS)
def test_header2_ends(name, kernel2, boot, host_of):
    """What kernels get wrong, where it does no harm."""
    boots(boot, host_of, with_header2(kernel2, ENDS[name]), 2)


@pytest.mark.parametrize("change, number", [
    ({"architecture": 4}, "E421"), ({"architecture": 1}, "E421"), ({"length": 0x10000}, "E422"),
    ({"length": 32760}, "E422"), ({"length": 15}, "E422"), ({"length": 0}, "E422"), ({"length": 0xFFFFFFF8}, "E422"),
])
def test_header2_that_is_no_header(change, number, kernel2, boot):
    assert error_of(boot(MICROVM, with_header2(kernel2, header2([], **change)))) == number


def prefixed2(payloads, offset):
    kernel = (payloads / "multiboot2-address.bin").read_bytes()
    return bytes(offset - multiboot_image.find_header(kernel, 2)) + kernel


@pytest.mark.parametrize("offset", [0x120, 0x128, 32768 - 64])
def test_header2_within_32768_bytes(offset, payloads, boot, host_of):
    boots(boot, host_of, prefixed2(payloads, offset), 2)


@pytest.mark.parametrize("offset, number", [(32768 - 56, "E422"), (32768 - 16, "E422"), (32768, "E501"), (0x124, "E501")])
def test_header2_too_late_or_not_aligned(offset, number, payloads, boot):
    assert error_of(boot(MICROVM, prefixed2(payloads, offset))) == number


def addresses2(payloads, **changes):
    """multiboot2-address.bin with some of its addresses changed."""
    kernel = (payloads / "multiboot2-address.bin").read_bytes()
    image = multiboot_image.MultibootImage(kernel, 2)
    names = ("header", "load", "load_end", "bss_end", "entry")
    addresses, entry = (next(tag.data for tag in image.tags if tag.type == type) for type in (ADDRESS, ENTRY))
    fields = dict(zip(names, struct.unpack("<5I", addresses + entry))) | changes
    *addresses, entry = fields.values()
    return with_bytes(kernel, {image.offset: header2([Tag(ADDRESS, words(*addresses)), Tag(ENTRY, words(entry))])})


def test_load_address_of_minus_1(payloads, boot):
    """The file is loaded from its first byte, so that the header lies at header_addr."""
    kernel = addresses2(payloads, load=0xFFFFFFFF)
    report = report_of(boot(MICROVM, kernel), "multiboot2")
    assert report["load_address"] == 0x200000
    # What is before the header in the file now lies before it in memory.
    assert multiboot_image.MultibootImage(kernel, 2).start == 0x200000 - 0x120


@pytest.mark.parametrize("changes, number", [
    ({"load": 0x200004}, "E404"), ({"load_end": 0x1FFFFF}, "E404"), ({"bss_end": 0x200010}, "E404"),
    ({"load_end": 0x300000}, "E405"), ({"load": 0x1FF000}, "E404"), ({"entry": 0x1FFFFF}, "E406"),
    ({"entry": 0x210000}, "E406"), ({"bss_end": 0x8000001}, "E407"),
])
def test_addresses2_that_contradict_each_other(changes, number, payloads, boot):
    assert error_of(boot(MICROVM, addresses2(payloads, **changes))) == number


# ---- ELF ----


E_TYPE, E_MACHINE, E_ENTRY32, E_PHOFF32, E_PHENTSIZE32, E_PHNUM32, E_SHNUM32 = 16, 18, 24, 28, 42, 44, 48
E_SHOFF32, SH_OFFSET32 = 32, 16
P_OFFSET32, P_VADDR32, P_PADDR32, P_FILESZ32, P_MEMSZ32 = 4, 8, 12, 16, 20
EM_X86_64 = 62
PHDR32 = 52


def test_machine_of_a_32_bit_elf_is_x86_64(video, boot, host_of):
    """As kernels have it that are linked as ELFCLASS32 for a 64-bit processor."""
    boots(boot, host_of, with_bytes(video, {E_MACHINE: struct.pack("<H", EM_X86_64)}), 1)


def test_virtual_address_0(kernel2, boot, host_of):
    """A PT_LOAD with p_vaddr 0: the entry is physical, or counted from there."""
    entry = multiboot_image.MultibootImage(kernel2, 2).entry
    moved = with_bytes(kernel2, {PHDR32 + P_VADDR32: words(0)})
    boots(boot, host_of, moved, 2)
    boots(boot, host_of, with_bytes(moved, {E_ENTRY32: words(entry - 0x100000)}), 2)


def with_program_headers(kernel, *more):
    """The ELF32 with further program headers; the table moves to the end of the file."""
    old = kernel[PHDR32:PHDR32 + 32]
    start = len(kernel) + -len(kernel) % 4
    table = old + b"".join(more)
    changed = with_bytes(kernel, {E_PHOFF32: words(start), E_PHNUM32: struct.pack("<H", len(table) // 32)})
    return changed + bytes(start - len(kernel)) + table


def load_header(offset, address, filesz, memsz, vaddr=None):
    return words(1, offset, address if vaddr is None else vaddr, address, filesz, memsz, 7, 0x1000)


def test_program_headers_that_load_nothing(kernel2, boot, host_of):
    """Of size 0, even with an address where nothing is; and other types."""
    nothing = load_header(0, 0xFFFFF000, 0, 0)
    note = words(4, 0, 0, 0, 8, 8, 4, 4)
    stack = words(0x6474E551, 0, 0, 0, 0, 0, 7, 16)
    boots(boot, host_of, with_program_headers(kernel2, nothing, note, stack, load_header(0, 0, 0, 0)), 2)


@pytest.mark.parametrize("address", [0x8000, 0x9000, 0x500, 0x1000, 0x90000])
def test_low_memory_that_a_kernel_asks_for(address, kernel2, boot, host_of):
    """On top of what the host and firmware put there: real kernels load a piece at 0x8000 for their other processors."""
    boots(boot, host_of, with_program_headers(kernel2, load_header(0, address, 0x1000, 0x1800)), 2)


def test_kernel_at_0(payloads, boot, host_of):
    """Of type ET_DYN, and not relocatable: where it is linked is RAM as any other."""
    kernel = (payloads / "multiboot2-relocatable-pie.elf").read_bytes()
    report = boots(boot, host_of, with_header2(kernel, header2([])), 2)
    assert report["load_address"] == 0


def test_many_segments(kernel2, boot, host_of):
    headers = [load_header(number * 16, 0x800000 + number * 0x2000, 16 + number, 0x1000 + number) for number in range(200)]
    boots(boot, host_of, with_program_headers(kernel2, *headers), 2)


@pytest.mark.parametrize("count, number", [(255, None), (256, "E456")])
def test_segments_up_to_the_limit(count, number, kernel2, boot):
    """256 with the one that it has: docs/limits.md."""
    headers = [load_header(0, 0x800000 + index * 0x1000, 16, 16) for index in range(count)]
    result = boot(MICROVM, with_program_headers(kernel2, *headers))
    if number is None:
        report_of(result, "multiboot2")
    else:
        assert error_of(result) == number


@pytest.mark.parametrize("changes, number", [
    ({5: b"\2"}, "E451"), ({4: b"\3"}, "E451"), ({E_MACHINE: struct.pack("<H", 40)}, "E451"),
    ({E_TYPE: struct.pack("<H", 1)}, "E451"), ({E_PHNUM32: bytes(2)}, ("E452", "E457")),
    ({E_PHENTSIZE32: bytes(2)}, "E452"), ({E_PHOFF32: words(0x10000000)}, "E450"), ({E_PHOFF32: words(0xFFFFFFF0)}, "E450"),
    ({PHDR32 + P_OFFSET32: words(0x10000)}, "E453"), ({PHDR32 + P_FILESZ32: words(0x10000)}, "E453"),
    ({PHDR32 + P_MEMSZ32: words(0x100)}, "E453"), ({PHDR32 + P_PADDR32: words(0xFFFFF000)}, "E454"),
    ({PHDR32: words(4)}, "E457"), ({E_ENTRY32: words(0x10)}, "E458"), ({E_ENTRY32: words(0xFFFFFFFF)}, "E458"),
    ({PHDR32 + P_PADDR32: words(0xA0000)}, "E407"), ({PHDR32 + P_PADDR32: words(0x8000000)}, "E407"),
])
def test_elf_that_is_refused(changes, number, kernel2, boot):
    shown = error_of(boot(MICROVM, with_bytes(kernel2, changes)))
    assert shown in ([number] if isinstance(number, str) else number)


def test_segments_that_overlap(kernel2, boot):
    kernel = with_program_headers(kernel2, load_header(0, 0x101000, 0x10, 0x10))
    assert error_of(boot(MICROVM, kernel)) == "E455"


def test_segment_above_4_gib(payloads, boot):
    kernel = (payloads / "multiboot2-64.elf").read_bytes()
    paddr = 64 + 24
    assert error_of(boot(MICROVM, with_bytes(kernel, {paddr: struct.pack("<Q", 1 << 32)}))) == "E454"


@pytest.mark.parametrize("name, protocol", [("multiboot1.elf", 1), ("multiboot2-64.elf", 2)])
def test_cut_off_anywhere(name, protocol, payloads, boot):
    """A number, never a hang; what only lacks its section headers boots without them."""
    kernel = (payloads / name).read_bytes()
    image = multiboot_image.MultibootImage(kernel, protocol)
    loaded = kernel.index(image.segments[0].data) + len(image.segments[0].data)
    for size in (0x30, image.offset + 8, image.offset + 24, 0x400, loaded - 1, loaded, len(kernel) - 1):
        result = boot(MICROVM, kernel[:size])
        if size >= loaded:
            report = report_of(result, f"multiboot{protocol}")
            assert report.sections == []
        else:
            assert error_of(result) in ("E450", "E453", "E422", "E501")


def test_section_headers_that_are_damaged(payloads, boot, host_of):
    """They are for debuggers: without them the kernel boots all the same."""
    kernel = (payloads / "multiboot1-sections.elf").read_bytes()
    for changes in ({32: words(0xFFFFFFF0)}, {46: struct.pack("<H", 8)}, {E_SHNUM32: struct.pack("<H", 0xFFFF)}):
        report = report_of(boot(PC, with_bytes(kernel, changes)), "multiboot1")
        assert report.sections == []


@pytest.mark.parametrize("address", [0x3000000, 0x3000001, 0x3000004])
def test_sections_keep_their_alignment(address, host, boot_host, payloads):
    """The first of those that are kept begins at an odd offset in the file, and another wants more."""
    kernel = (payloads / "multiboot1-sections.elf").read_bytes()
    image = multiboot_image.MultibootImage(kernel, 1)
    index, comment = next((index, section) for index, section in enumerate(image.sections) if section.name == b".comment")
    table, = struct.unpack_from("<I", kernel, E_SHOFF32)
    at = table + index * image.section_size + SH_OFFSET32
    kernel = with_bytes(kernel, {at: words(comment.offset + 1, comment.size - 1)})
    host.module(address, kernel)
    report = report_of(boot_host(host), "multiboot1")
    handover_multiboot.check(report, Given(kernel=kernel, protocol=1, command_line=b"pvhboot", memory=host.memory,
                                           rsdp=reporter.Rsdp(0, b""), scan="none"))


def test_no_room_for_sections(host, boot_host, payloads):
    """Memory that ends with the kernel, which leaves the file nowhere to stay."""
    kernel = (payloads / "multiboot1-sections.elf").read_bytes()
    host.memory = [(0, 0x9F000, 1), (0x100000, 0x4000, 1)]
    host.module(0x80000, kernel)
    report = report_of(boot_host(host), "multiboot1")
    kept = [section for section in report.sections if section.name == b".symtab"]
    assert 0x80000 <= kept[0].address < 0x80000 + len(kernel), "the sections stay in the file, page-aligned as it is"
    host.modules[0].paddr = 0x80001
    assert error_of(boot_host(host)) == "E410"


def test_kernel_larger_than_memory(kernel2, boot):
    kernel = with_bytes(kernel2, {PHDR32 + P_MEMSZ32: words(512 * MIB)})
    assert error_of(boot(MICROVM, kernel)) == "E407"
