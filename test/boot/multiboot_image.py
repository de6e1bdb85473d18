# SPDX-License-Identifier: BSD-2-Clause
"""Reads and rewrites Multiboot kernels, by the two specifications alone.

    image = MultibootImage(data, protocol)
    image.segments        -> [Segment], what a loader puts where as linked
    image.entry           -> physical address, as linked
    image.tags            -> Multiboot 2: [Tag]

    with_header1(data, header1(flags))           the same kernel with another header
    with_header2(data, header2([Tag(...), ...]))

The headers' search, checks and defaults: Multiboot 0.6.96 section 3.1, Multiboot 2.0 section 3.1.
"""

import dataclasses
import struct

MAGIC1 = 0x1BADB002
MAGIC2 = 0xE85250D6
SEARCH = {1: 8192, 2: 32768}
ALIGNMENT = {1: 4, 2: 8}

PAGE_ALIGN, MEMORY_INFO, VIDEO, KLUDGE = 1, 2, 4, 0x10000

# Header tags of Multiboot 2.
END, REQUEST, ADDRESS, ENTRY, CONSOLE, FRAMEBUFFER, MODULE_ALIGN, EFI_BS, ENTRY_EFI32, ENTRY_EFI64, RELOCATABLE = range(11)
OPTIONAL = 1

PT_LOAD = 1
NOBITS = 8


@dataclasses.dataclass(frozen=True)
class Tag:
    """A header tag; size is what its header says, where that is not what it has."""

    type: int
    data: bytes = b""
    flags: int = 0
    size: int | None = None

    def bytes(self):
        size = 8 + len(self.data) if self.size is None else self.size
        content = struct.pack("<HHI", self.type, self.flags, size) + self.data
        return content + bytes(-len(content) % 8)


def words(*values):
    """Data of a tag: 32-bit words."""
    return struct.pack(f"<{len(values)}I", *values)


@dataclasses.dataclass(frozen=True)
class Segment:
    """`data` goes to `address`, zeros behind it up to `size`."""

    address: int
    data: bytes
    size: int

    @property
    def end(self):
        return self.address + self.size


@dataclasses.dataclass(frozen=True)
class SectionHeader:
    name: bytes
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def find_header(data, protocol):
    """The header's offset, or None."""
    magic = MAGIC1 if protocol == 1 else MAGIC2
    count = 3 if protocol == 1 else 4
    for offset in range(0, min(SEARCH[protocol], len(data)) - 4 * count + 1, ALIGNMENT[protocol]):
        numbers = struct.unpack_from(f"<{count}I", data, offset)
        if numbers[0] == magic and sum(numbers) & 0xFFFFFFFF == 0:
            return offset
    return None


class MultibootImage:
    def __init__(self, data, protocol):
        self.data = data
        self.protocol = protocol
        self.offset = find_header(data, protocol)
        assert self.offset is not None
        if protocol == 1:
            self._read_header1()
        else:
            self._read_header2()
        self.is_elf = not self._addresses and data.startswith(b"\x7fELF")
        self.sections = []
        if self.is_elf:
            self._read_elf()
        else:
            self._read_flat()

    def _read_header1(self):
        self.flags, = struct.unpack_from("<I", self.data, self.offset + 4)
        self.tags = []
        self._addresses = None
        if self.flags & KLUDGE:
            *addresses, self._entry = struct.unpack_from("<5I", self.data, self.offset + 12)
            self._addresses = addresses
        # (width, height, depth) of a linear mode that it asks for.
        self.video = None
        if self.flags & VIDEO:
            kind, *video = struct.unpack_from("<4I", self.data, self.offset + 32)
            self.video = tuple(video) if kind == 0 else None

    def _read_header2(self):
        length, = struct.unpack_from("<I", self.data, self.offset + 8)
        self.tags = []
        at, end = self.offset + 16, self.offset + length
        while at + 8 <= end:
            type, flags, size = struct.unpack_from("<HHI", self.data, at)
            if type == END:
                break
            self.tags.append(Tag(type, self.data[at + 8:at + size], flags))
            at += -(-size // 8) * 8
        self._addresses = self._tag_words(ADDRESS)
        if self._addresses:
            self._entry, = self._tag_words(ENTRY)
        self.video = self._tag_words(FRAMEBUFFER)

    def _tag_words(self, type):
        for tag in self.tags:
            if tag.type == type:
                return struct.unpack(f"<{len(tag.data) // 4}I", tag.data)
        return None

    @property
    def relocatable(self):
        """(lowest, highest, alignment, preference), or None."""
        return self._tag_words(RELOCATABLE)

    def _read_flat(self):
        header, load, load_end, bss_end = self._addresses
        start = 0 if load == 0xFFFFFFFF else self.offset - (header - load)
        if load == 0xFFFFFFFF:
            load = header - self.offset
        content = self.data[start:start + load_end - load] if load_end else self.data[start:]
        size = max(len(content), bss_end - load)
        self.segments = [Segment(load, content, size)]
        self.entry = self._entry

    def _read_elf(self):
        wide = self.data[4] == 2
        if wide:
            entry, phoff, shoff = struct.unpack_from("<QQQ", self.data, 24)
            phentsize, phnum, shentsize, shnum, self.names_index = struct.unpack_from("<5H", self.data, 54)
        else:
            entry, phoff, shoff = struct.unpack_from("<III", self.data, 24)
            phentsize, phnum, shentsize, shnum, self.names_index = struct.unpack_from("<5H", self.data, 42)
        self.segments = []
        self.entry = entry
        for index in range(phnum):
            at = phoff + index * phentsize
            if wide:
                type, _, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", self.data, at)
            else:
                type, offset, vaddr, paddr, filesz, memsz, _, _ = struct.unpack_from("<8I", self.data, at)
            if type == PT_LOAD and memsz:
                self.segments.append(Segment(paddr, self.data[offset:offset + filesz], memsz))
                if vaddr <= entry < vaddr + memsz:
                    self.entry = entry - vaddr + paddr
        layout = "<IIQQQQIIQQ" if wide else "<10I"
        self.section_size = shentsize
        raw = [struct.unpack_from(layout, self.data, shoff + index * shentsize) for index in range(shnum)]
        if raw:
            names = raw[self.names_index][4]
            self.sections = [SectionHeader(self.data[names + fields[0]:].split(b"\0")[0], *fields[1:]) for fields in raw]

    @property
    def start(self):
        return min(segment.address for segment in self.segments)

    @property
    def end(self):
        return max(segment.end for segment in self.segments)

    @property
    def code(self):
        """The segment that a reporter runs in: it looks at nothing else of itself."""
        return max(self.segments, key=lambda segment: len(segment.data))

    def section_bytes(self, section):
        return b"" if section.type == NOBITS else self.data[section.offset:section.offset + section.size]


def with_bytes(data, changes):
    """`data` with other bytes at some offsets: {offset: bytes}."""
    changed = bytearray(data)
    for offset, content in changes.items():
        changed[offset:offset + len(content)] = content
    return bytes(changed)


def header1(flags, *addresses_and_video):
    """A Multiboot 1 header; behind the checksum comes what the flags call for."""
    return words(MAGIC1, flags, -(MAGIC1 + flags) & 0xFFFFFFFF, *addresses_and_video)


def header2(tags, *, architecture=0, length=None, end=Tag(END)):
    """A Multiboot 2 header with these tags and, unless that is None, an end tag."""
    content = b"".join(tag.bytes() for tag in [*tags, *([end] if end else [])])
    length = 16 + len(content) if length is None else length
    return words(MAGIC2, architecture, length, -(MAGIC2 + architecture + length) & 0xFFFFFFFF) + content


VIDEO_HEADER_SIZE = 48


def with_header1(data, header):
    """multiboot1-video.elf, which has the room, with another header in the place of its own."""
    assert len(header) <= VIDEO_HEADER_SIZE
    return with_bytes(data, {find_header(data, 1): header})


def with_header2(data, header):
    """The kernel with another Multiboot 2 header, behind all else in the file: in nothing that is loaded."""
    spoilt = with_bytes(data, {find_header(data, 2): bytes(4)})
    return spoilt + bytes(-len(spoilt) % ALIGNMENT[2]) + header
