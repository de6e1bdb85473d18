# SPDX-License-Identifier: BSD-2-Clause
"""Reads ELF kernels, and makes others of what is in them. The reporters run anywhere, so that what one loads can be put
into a file of any shape.

    elf = ElfImage(data)
    elf.segments, elf.entry, elf.notes, elf.start, elf.end

    make([Segment(0x200000, data, size)], entry=0x200000, notes=[xen_entry(0x200000)], bits=32)
"""

import dataclasses
import struct

ET_EXEC, ET_DYN = 2, 3
EM_386, EM_X86_64 = 3, 62
PT_NULL, PT_LOAD, PT_NOTE = 0, 1, 4
SHT_STRTAB, SHT_NOTE = 3, 7
ANYTHING_GOES = 7  # p_flags

PHYS32_ENTRY, PHYS32_RELOC = 18, 19
LINUX_LTO_INFO = 0x101

# Names and layout of headers, by the bits of the class.
HEADER = {32: "<16sHHIIIIIHHHHHH", 64: "<16sHHIQQQIHHHHHH"}
PROGRAM_HEADER = {
    32: ("<IIIIIIII", ("type", "offset", "vaddr", "paddr", "filesz", "memsz", "flags", "align")),
    64: ("<IIQQQQQQ", ("type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align")),
}
SECTION_HEADER = {
    32: ("<IIIIIIIIII", ("name", "type", "flags", "address", "offset", "size", "link", "info", "alignment", "entry_size")),
    64: ("<IIQQQQIIQQ", ("name", "type", "flags", "address", "offset", "size", "link", "info", "alignment", "entry_size")),
}


@dataclasses.dataclass(frozen=True)
class Segment:
    """`data` goes to the physical `address`, zeros behind it up to `size`; `offset` is how far above it is linked."""

    address: int
    data: bytes
    size: int
    offset: int = 0
    alignment: int = 0x1000

    @property
    def end(self):
        return self.address + self.size


@dataclasses.dataclass(frozen=True)
class Note:
    owner: bytes
    type: int
    data: bytes

    def bytes(self):
        name = self.owner + b"\0"
        header = struct.pack("<III", len(name), len(self.data), self.type)
        return header + name + bytes(-len(name) % 4) + self.data + bytes(-len(self.data) % 4)


def xen_entry(address, size=8):
    return Note(b"Xen", PHYS32_ENTRY, (address & (1 << 8 * size) - 1).to_bytes(size, "little"))


def xen_relocatable(*numbers):
    """Alignment, lowest and highest address, as many of them as are given."""
    return Note(b"Xen", PHYS32_RELOC, struct.pack(f"<{len(numbers)}I", *numbers))


LINUX_NOTE = Note(b"Linux", LINUX_LTO_INFO, bytes(4))
BUILD_ID = Note(b"GNU", 3, bytes(range(20)))


class ElfImage:
    """`entry` is e_entry as it stands there; notes are those of PT_NOTEs, else of sections."""

    def __init__(self, data):
        assert data.startswith(b"\x7fELF")
        self.data = data
        self.bits = 32 * data[4]
        (_, self.type, self.machine, _, self.entry, program_headers, section_headers, _, _, _, program_count, _,
         section_count, _) = struct.unpack_from(HEADER[self.bits], data)
        programs = self._table(PROGRAM_HEADER, program_headers, program_count)
        sections = self._table(SECTION_HEADER, section_headers, section_count)
        self.segments = [Segment(header["paddr"], self._part(header["offset"], header["filesz"]), header["memsz"],
                                 header["vaddr"] - header["paddr"], header["align"])
                         for header in programs if header["type"] == PT_LOAD]
        self.notes = [note for header in programs if header["type"] == PT_NOTE
                      for note in _notes(self._part(header["offset"], header["filesz"]))]
        if not self.notes:
            self.notes = [note for header in sections if header["type"] == SHT_NOTE
                          for note in _notes(self._part(header["offset"], header["size"]))]

    def _table(self, layouts, offset, count):
        layout, names = layouts[self.bits]
        return [dict(zip(names, struct.unpack_from(layout, self.data, offset + index * struct.calcsize(layout))))
                for index in range(count)]

    def _part(self, offset, size):
        return self.data[offset:offset + size]

    @property
    def start(self):
        return min(segment.address for segment in self.segments)

    @property
    def end(self):
        return max(segment.end for segment in self.segments)

    def note(self, owner, type):
        """The data of the first such note, or None."""
        return next((note.data for note in self.notes if (note.owner, note.type) == (owner, type)), None)


def _notes(data):
    found = []
    at = 0
    while at + 12 <= len(data):
        name_size, size, type = struct.unpack_from("<III", data, at)
        name = at + 12
        content = name + -(-name_size // 4) * 4
        found.append(Note(data[name:name + name_size].rstrip(b"\0"), type, data[content:content + size]))
        at = content + -(-size // 4) * 4
    return found


def make(segments, *, entry, notes=(), bits=64, machine=None, type=ET_EXEC, notes_in="segment", apart=False):
    """An ELF file.

    notes_in  "segment" or "section", which of the two headers tells of them; "both": of each the other half
    apart     each note in a PT_NOTE or section of its own
    """
    machine = machine or (EM_X86_64 if bits == 64 else EM_386)
    groups = [[note] for note in notes] if apart or notes_in == "both" else [list(notes)] if notes else []
    blobs = [b"".join(note.bytes() for note in group) for group in groups]
    in_segment = [notes_in == "segment" or notes_in == "both" and index % 2 == 0 for index in range(len(blobs))]
    names = b"\0.notes\0.shstrtab\0"

    layout, fields = PROGRAM_HEADER[bits]
    header_size, program_size = struct.calcsize(HEADER[bits]), struct.calcsize(layout)
    program_count = len(segments) + sum(in_segment)
    content = bytearray(header_size + program_count * program_size)

    def append(data, alignment, remainder=0):
        content.extend(bytes((remainder - len(content)) % alignment))
        content.extend(data)
        return len(content) - len(data)

    programs, sections = [], [dict.fromkeys(SECTION_HEADER[bits][1], 0)]
    for blob, segment in zip(blobs, in_segment):
        offset = append(blob, 4)
        if segment:
            programs.append({"type": PT_NOTE, "flags": 4, "offset": offset, "vaddr": 0, "paddr": 0, "filesz": len(blob),
                             "memsz": len(blob), "align": 4})
        else:
            sections.append(dict.fromkeys(SECTION_HEADER[bits][1], 0) | {
                "name": 1, "type": SHT_NOTE, "offset": offset, "size": len(blob), "alignment": 4})
    for segment in segments:
        alignment = max(segment.alignment, 1)
        offset = append(segment.data, alignment, segment.address % alignment)
        linked = segment.address + segment.offset & (1 << bits) - 1
        programs.append({"type": PT_LOAD, "flags": ANYTHING_GOES, "offset": offset, "vaddr": linked,
                         "paddr": segment.address, "filesz": len(segment.data), "memsz": segment.size,
                         "align": segment.alignment})
    sections.append(dict.fromkeys(SECTION_HEADER[bits][1], 0) | {
        "name": 8, "type": SHT_STRTAB, "offset": append(names, 1), "size": len(names), "alignment": 1})
    section_layout, section_fields = SECTION_HEADER[bits]
    section_headers = append(b"".join(struct.pack(section_layout, *(header[name] for name in section_fields))
                                      for header in sections), 8)
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    struct.pack_into(HEADER[bits], content, 0, ident, type, machine, 1, entry, header_size, section_headers, 0, header_size,
                     program_size, program_count, struct.calcsize(section_layout), len(sections), len(sections) - 1)
    content[header_size:header_size + program_count * program_size] = b"".join(
        struct.pack(layout, *(header[name] for name in fields)) for header in programs)
    return bytes(content)


def move(segments, start):
    """The same segments, their first byte at another physical address."""
    by = start - min(segment.address for segment in segments)
    return [dataclasses.replace(segment, address=segment.address + by) for segment in segments]
