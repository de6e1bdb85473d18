# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the kernels of payloads/ print into Python objects.

    report = reporter.parse(result.text)
    report["esi"]            -> int, for a line with one number
    report.words("cs")       -> list of words, for any line
    report.segment("cs")     -> Segment
    report.memory            -> list of (address, size, type), as it was handed over
    report.command_line      -> Text, report.initrd -> Blob, report.rsdp -> Rsdp
"""

import dataclasses
import re


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
class Mapping:
    """A range that the page tables of the 64-bit entry map."""

    start: int
    size: int
    physical: int
    writable: bool


class Report:
    def __init__(self, kind, lines):
        self.kind = kind
        self._lines = lines

    def __contains__(self, key):
        return key in self._lines

    def __getitem__(self, key):
        return int(self._lines[key], 16)

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
        """The map as (address, size, type): E820 of a linux report, start_info's of a pvh one."""
        name = "e820" if self.kind == "linux" else "memory_map"
        return [tuple(self.numbers(key)[:3]) for key in self.indexed(name)]

    @property
    def command_line(self):
        return self._text("command_line")

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
    def rsdp(self):
        address, *rest = self.words("rsdp")
        return Rsdp(int(address, 16), bytes.fromhex(rest[0]) if rest else b"")

    @property
    def mappings(self):
        found = []
        for key in self.indexed("mapping"):
            start, size, physical, access = self.words(key)
            found.append(Mapping(int(start, 16), int(size, 16), int(physical, 16), access == "writable"))
        return found

    @property
    def other(self):
        """Bytes of boot_params that have no name and are not zero: {offset: value}."""
        return {int(key.rpartition(".")[2], 16): self[key] for key in self.indexed("other")}

    def _text(self, key):
        address, rest = self._lines[key].split(" ", 1)
        if rest.strip() in ("unreachable", ""):
            return Text(int(address, 16), None)
        length, quoted = rest.split(" ", 1)
        match = re.fullmatch(r'"(.*)"', quoted.strip("\n"))
        if not match:
            return Text(int(address, 16), None)
        text = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), match[1].encode("latin-1"))
        if len(text) != int(length, 16):
            raise NoReport(f"{key}: {len(text)} bytes, but its length is {length}")
        return Text(int(address, 16), text)

    def _blob(self, key):
        address, size, crc, *head = self.words(key)
        crc = None if crc == "unreachable" else int(crc, 16)
        return Blob(int(address, 16), int(size, 16), crc, bytes.fromhex(head[0]) if head else b"")


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
