# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the kernels of payloads/ print into Python objects.

    report = reporter.parse(result.text)
    report["esi"]            -> int, for a line with one number
    report.words("cs")       -> list of words, for any line
    report.segment("cs")     -> Segment
    report.memory            -> list of (address, size, type), as it was handed over
    report.command_line      -> Text, report.initrd -> Blob, report.rsdp -> Rsdp
    report.tags, report.sections, report.framebuffer -> of a Multiboot report
"""

import dataclasses
import re


EFI_PAGE = 4096


class NoReport(AssertionError):
    """There is no whole report in a text."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """A selector with the descriptor that it stands for; `state` says why there is none."""

    selector: int
    state: str | None
    descriptor: dict


@dataclasses.dataclass(frozen=True)
class Text:
    """A string handed over by address; bytes is None when it could not be read."""

    address: int
    bytes: bytes | None


@dataclasses.dataclass(frozen=True)
class Blob:
    """Bytes handed over by address and size; crc32 is None when they could not be read."""

    address: int
    size: int
    crc32: int | None
    head: bytes


@dataclasses.dataclass(frozen=True)
class Rsdp:
    address: int
    bytes: bytes


@dataclasses.dataclass(frozen=True)
class EfiMemory:
    """A descriptor of a UEFI memory map; size in bytes."""

    type: int
    start: int
    size: int
    attribute: int
    virtual_start: int


@dataclasses.dataclass(frozen=True)
class Mapping:
    """A range that the page tables of the 64-bit entry map."""

    start: int
    size: int
    physical: int
    writable: bool


@dataclasses.dataclass(frozen=True)
class Section:
    """An ELF section header as a Multiboot kernel was given it; blob is what is there, None when nothing is."""

    name: bytes | None
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int
    blob: Blob | None


@dataclasses.dataclass(frozen=True)
class Framebuffer:
    """Pitch in bytes, depth in bits; colours is ((position, size) of red, green, blue), or None."""

    address: int
    pitch: int
    width: int
    height: int
    depth: int
    type: int
    colours: tuple | None


class Report:
    def __init__(self, kind, lines):
        self.kind = kind
        self._lines = lines

    def __contains__(self, key):
        return key in self._lines

    def __getitem__(self, key):
        return int(self._lines[key], 16)

    @property
    def keys(self):
        return list(self._lines)

    def words(self, key):
        return self._lines[key].split()

    def numbers(self, key):
        return [int(word, 16) for word in self.words(key)]

    def indexed(self, name):
        """The keys name.0, name.1, ... that there are, in their order."""
        found = [key for key in self._lines if re.fullmatch(re.escape(name) + r"\.0x[0-9a-f]+", key)]
        return sorted(found, key=lambda key: int(key.rpartition(".")[2], 16))

    def segment(self, name):
        selector, *rest = self.words(name)
        if rest and "=" not in rest[0]:
            return Segment(int(selector, 16), rest[0], {})
        pairs = (word.split("=") for word in rest)
        return Segment(int(selector, 16), None, {key: int(value, 16) for key, value in pairs})

    @property
    def efer(self):
        """EFER, or None on a processor that has no such register."""
        word = self.words("efer")[0]
        return None if word == "none" else int(word, 16)

    @property
    def memory(self):
        """The map as (address, size, type): E820 of a linux report, start_info's or Multiboot's of others."""
        name = "e820" if self.kind == "linux" else "memory_map"
        return [tuple(self.numbers(key)[:3]) for key in self.indexed(name)]

    @property
    def command_line(self):
        return self._text("command_line")

    @property
    def loader_name(self):
        return self._text("loader_name")

    def module_line(self, index):
        return self._text(f"module_line.{index:#x}")

    @property
    def initrd(self):
        return self._blob("initrd")

    @property
    def kernel(self):
        """The part of the kernel in memory that must be as in its file."""
        return self._blob("kernel")

    @property
    def modules(self):
        return [self._blob(key) for key in self.indexed("module_bytes")]

    @property
    def setup_data(self):
        """Linux's nodes as (type, Blob of what is behind the node's header), in the order of the list."""
        return [(self.numbers(key)[1], self._blob(key.replace("setup_data.", "setup_data_bytes.")))
                for key in self.indexed("setup_data")]

    @property
    def rsdp(self):
        return self._rsdp("rsdp")

    @property
    def scanned_rsdp(self):
        """What a kernel finds that looks for itself; address 0 when that is nothing."""
        return self._rsdp("scanned_rsdp")

    def hex_bytes(self, key):
        """The bytes of a line that is nothing but bytes."""
        return bytes.fromhex(self._lines[key])

    @property
    def tags(self):
        """Multiboot 2's as (type, size, offset in the information block)."""
        return [tuple(self.numbers(key)) for key in self.indexed("tag")]

    @property
    def sections(self):
        return [self._section(key) for key in self.indexed("section")]

    @property
    def framebuffer(self):
        """None when there is none."""
        if "framebuffer" not in self:
            return None
        colours = None
        if "framebuffer_colours" in self:
            numbers = self.numbers("framebuffer_colours")
            colours = tuple(zip(numbers[::2], numbers[1::2]))
        return Framebuffer(*self.numbers("framebuffer"), colours)

    @property
    def mappings(self):
        found = []
        for key in self.indexed("mapping"):
            start, size, physical, access = self.words(key)
            found.append(Mapping(int(start, 16), int(size, 16), int(physical, 16), access == "writable"))
        return found

    @property
    def efi_memory(self):
        """The firmware's own map, where one was handed over."""
        found = [self.numbers(key) for key in self.indexed("efi_memory")]
        return [EfiMemory(type, start, pages * EFI_PAGE, attribute, virtual_start)
                for type, start, pages, attribute, virtual_start in found]

    @property
    def efi_rsdp(self):
        """The one that the UEFI system table's configuration tables point to."""
        return self._rsdp("efi_rsdp")

    @property
    def other(self):
        """Bytes of boot_params that have no name and are not zero: {offset: value}."""
        return {int(key.rpartition(".")[2], 16): self[key] for key in self.indexed("other")}

    def _text(self, key):
        address, rest = self._lines[key].split(" ", 1)
        if rest.strip() in ("unreachable", ""):
            return Text(int(address, 16), None)
        length, quoted = rest.split(" ", 1)
        text = _unquoted(quoted.strip("\n"))
        if text is None:
            return Text(int(address, 16), None)
        if len(text) != int(length, 16):
            raise NoReport(f"{key}: {len(text)} bytes, but its length is {length}")
        return Text(int(address, 16), text)

    def _blob(self, key):
        address, size, crc, *head = self.words(key)
        crc = None if crc == "unreachable" else int(crc, 16)
        return Blob(int(address, 16), int(size, 16), crc, bytes.fromhex(head[0]) if head else b"")

    def _rsdp(self, key):
        address, *rest = self.words(key)
        return Rsdp(int(address, 16), bytes.fromhex(rest[0]) if rest else b"")

    def _section(self, key):
        *numbers, name = self._lines[key].strip().split(" ", 9)
        contents = key.replace("section.", "section_bytes.")
        return Section(_unquoted(name), *(int(number, 16) for number in numbers),
                       self._blob(contents) if contents in self else None)


def _unquoted(quoted):
    match = re.fullmatch(r'"(.*)"', quoted)
    if not match:
        return None
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), match[1].encode("latin-1"))


def parse(text):
    """The one report in a console's text. What is printed before it is not looked at."""
    found = re.findall(r"^report: begin (\w+)\n(.*?)^report: end\n", text, re.M | re.S)
    if len(found) != 1:
        raise NoReport(f"{len(found)} reports in:\n{text}")
    kind, body = found[0]
    lines = {}
    for line in body.splitlines():
        key, equals, value = line.partition("=")
        if not equals or key in lines:
            raise NoReport(f"line {line!r} in:\n{text}")
        lines[key] = value
    return Report(kind, lines)


RAM, RESERVED, ACPI, NVS, UNUSABLE, DISABLED, PMEM = 1, 2, 3, 4, 5, 6, 7


def normalise(memory):
    """A map as it reads when it is sorted, disjoint, merged and without empty entries.

    Where entries overlap, the more restrictive type wins: RAM gives way to everything, and of others the
    one that a payload may least touch stays.
    """
    order = [RAM, ACPI, PMEM, NVS, RESERVED, DISABLED, UNUSABLE]
    known = [(start, start + size, type if type in order else RESERVED) for start, size, type in memory if size]
    edges = sorted({edge for start, end, _ in known for edge in (start, end)})
    result = []
    for start, end in zip(edges, edges[1:]):
        types = [type for low, high, type in known if low <= start and end <= high]
        if not types:
            continue
        type = max(types, key=order.index)
        if result and result[-1][2] == type and result[-1][0] + result[-1][1] == start:
            start, size, _ = result.pop()
            end = max(end, start + size)
        result.append((start, end - start, type))
    return result


LEGACY_START, LEGACY_END = 0xA0000, 0x100000


def pc_memory(memory):
    """What Linux by its boot protocol and Multiboot kernels are told of a host's map: VGA memory and ROMs are no RAM."""
    if any(type == RAM and start < LEGACY_END and LEGACY_START < start + size for start, size, type in normalise(memory)):
        return [*memory, (LEGACY_START, LEGACY_END - LEGACY_START, RESERVED)]
    return memory
