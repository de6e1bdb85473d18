# SPDX-License-Identifier: BSD-2-Clause
"""Writes scripts for payloads/test_host.elf: a host made to measure.

    host = Host()
    host.image("build/pvhboot.elf")
    host.module(0x3000000, kernel)
    host.memory = [(0, 0xa0000, RAM), (0x100000, 0x7f00000, RAM)]
    host.command_line = b"quiet"
    script = host.script()      # bytes: QEMU's -initrd, with -kernel build/payloads/test_host.elf

Whatever of it a test wants to be wrong it sets afterwards: host.start_info["magic"] = 0.
The layout of a script stands in payloads/test_host/script.h.
"""

import dataclasses
import struct

START_INFO_MAGIC = 0x336EC578
PHYS32_ENTRY = 18
RAM = 1

REGISTERS = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp")
KEEP_GDT = 1
EFLAGS_DIRECTION = 1 << 10
EFLAGS_FIXED = 1 << 1

# Where a loader puts what it makes: low memory, around itself, and at a kernel's preferred address.
DIRTY = [(0x500, 0x9F000), (0x100000, 0x180000), (0x1000000, 0x1080000)]

# Types of the host's own enumeration, unsorted, overlapping, empty.
TANGLED_MAP = [
    (0x100000, 0x4F00000, 1), (0, 0xA0000, 1), (0x4000000, 0x100000, 3), (0x4080000, 0x100000, 4),
    (0x3000000, 0, 2), (0xF0000, 0x10000, 2), (0x4200000, 0x1000, 77), (0x4200800, 0x100, 5), (0x4300000, 0x2000, 6),
    (0x4400000, 0x2000, 7), (0x4500000, 0x1000, 1), (0x4501000, 0x1000, 0), (1 << 32, 1 << 30, 1),
    (0xFD00000000, 3 << 32, 2), (0x8F000, 0x11000, 2), (0, 0, 0),
]

# movl $0xc0000080, %ecx; rdmsr; orl $0x900, %eax; wrmsr; movl $0x100000, %eax; jmp *%eax
LEAVE_EFER_SET = bytes.fromhex("b9800000c0 0f32 0d00090000 0f30 b800001000 ffe0")


def rsdp_bytes(revision, *, length=36, rsdt=0x4FF0000):
    """An RSDP whose checksums are right."""
    data = bytearray(struct.pack("<8sB6sBIIQB3x", b"RSD PTR ", 0, b"PVHBOO", revision, rsdt, length, 0x4FF1000, 0))
    data += bytes(length - 36)
    data[8] = -sum(data[:20]) & 0xFF
    data[32] = -sum(data) & 0xFF
    return bytes(data) if revision >= 2 else bytes(data[:20])


class Script:
    """Writes to memory, then a jump."""

    def __init__(self):
        self._records = []
        self.entry = 0
        self.flags = 0
        # Nothing but EBX is promised at a PVH entry. EAX is what qboot leaves there.
        self.eflags = EFLAGS_FIXED | EFLAGS_DIRECTION
        self.registers = dict.fromkeys(REGISTERS, 0xDEADBEEF)
        self.registers["eax"] = 0x2BADB002
        self.registers["esp"] = 0

    def copy(self, address, data):
        self._records.append(struct.pack("<IQI", 1, address, len(data)) + bytes(data))

    def fill(self, address, length, byte=0):
        self._records.append(struct.pack("<IQIB", 2, address, length, byte))

    def bytes(self):
        registers = [self.registers[name] for name in REGISTERS]
        header = struct.pack("<8sIIII8I", b"PVHHOST1", len(self._records), self.flags, self.entry, self.eflags,
                             *registers)
        return header + b"".join(self._records)


def load_segments(path):
    """The PT_LOADs of a 32- or 64-bit ELF as (p_paddr, bytes, p_memsz), and its PVH entry."""
    data = path.read_bytes()
    if data[4] == 2:
        offset, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
        layout, names = "<IIQQQQQQ", ("type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align")
    else:
        offset, size, count = (*struct.unpack_from("<I", data, 28), *struct.unpack_from("<HH", data, 42))
        layout, names = "<IIIIIIII", ("type", "offset", "vaddr", "paddr", "filesz", "memsz", "flags", "align")
    headers = [dict(zip(names, struct.unpack_from(layout, data, offset + i * size))) for i in range(count)]
    segments = []
    entry = None
    for header in headers:
        content = data[header["offset"]:header["offset"] + header["filesz"]]
        if header["type"] == 1:
            segments.append((header["paddr"], content, header["memsz"]))
        elif header["type"] == 4:
            namesz, _, kind = struct.unpack_from("<III", content)
            assert content[12:12 + namesz] == b"Xen\0" and kind == PHYS32_ENTRY
            entry, = struct.unpack_from("<I", content, 16)
    return segments, entry


@dataclasses.dataclass
class Module:
    paddr: int
    data: bytes
    size: int
    cmdline_paddr: int = 0
    reserved: int = 0


class Host:
    """A start_info and what belongs to it, at addresses of our choice."""

    def __init__(self, image=None):
        # Where the host's own things are written: as on QEMU, in low memory.
        self.start_info_at = 0x6000
        self.modules_at = 0x6100
        self.command_line_at = 0x7000
        self.memory_at = 0x10000
        # EBX, when it shall not be the start_info's address.
        self.ebx = None
        self.command_line = None
        self.modules = []
        self.memory = [(0, 0x9FC00, RAM), (0x9FC00, 0x60400, 2), (0x100000, 0x4F00000, RAM)]
        # Fields of start_info that shall not be what the rest makes them.
        self.start_info = {}
        self.extra = []
        # Where the host jumps to, when that shall not be the image's entry.
        self.entry = None
        self._image = image

    def module(self, paddr, data, *, size=None, cmdline_paddr=0):
        """Puts a module at paddr; a size of its own makes the list lie."""
        self.modules.append(Module(paddr, data, len(data) if size is None else size, cmdline_paddr))
        return self

    def copy(self, address, data):
        """Further bytes in memory, written last."""
        self.extra.append((address, data))
        return self

    def start_low_memory_free(self):
        """Puts the host's own things to the end of low memory."""
        for index, name in enumerate(("start_info_at", "modules_at", "command_line_at", "memory_at")):
            setattr(self, name, 0x90000 + 0x1000 * index)
        return self

    def _start_info_fields(self):
        fields = {
            "magic": START_INFO_MAGIC, "version": 1, "flags": 0, "nr_modules": len(self.modules),
            "modlist_paddr": self.modules_at if self.modules else 0,
            "cmdline_paddr": 0 if self.command_line is None else self.command_line_at,
            "rsdp_paddr": 0, "memmap_paddr": self.memory_at, "memmap_entries": len(self.memory), "reserved": 0,
        }
        unknown = self.start_info.keys() - fields.keys()
        assert not unknown, f"start_info has no {unknown}"
        return fields | self.start_info

    def script(self):
        """The script's bytes."""
        script = Script()
        # Memory is not clean when a loader gets it. (Not all of it: that would take time.)
        for start, end in DIRTY:
            script.fill(start, end - start, 0x5A)
        # A search for an RSDP must not find that of QEMU's firmware.
        script.fill(0xE0000, 0x20000)
        if self._image:
            segments, script.entry = load_segments(self._image)
            for paddr, content, memsz in segments:
                # Hosts need not clear .bss; what is left there must not matter.
                script.fill(paddr, memsz, 0xA5)
                script.copy(paddr, content)
        fields = self._start_info_fields()
        start_info = struct.pack("<IIIIQQQQII", *fields.values())
        module_list = b"".join(struct.pack("<QQQQ", m.paddr, m.size, m.cmdline_paddr, m.reserved)
                               for m in self.modules)
        memory_map = b"".join(struct.pack("<QQII", address, size, type, 0) for address, size, type in self.memory)
        for module in self.modules:
            script.copy(module.paddr, module.data)
        if self.command_line is not None:
            script.copy(self.command_line_at, self.command_line + b"\0")
        script.copy(self.modules_at, module_list)
        script.copy(self.memory_at, memory_map)
        for address, data in self.extra:
            script.copy(address, data)
        script.copy(self.start_info_at, start_info)
        if self.entry is not None:
            script.entry = self.entry
        script.registers["ebx"] = self.start_info_at if self.ebx is None else self.ebx
        return script.bytes()
