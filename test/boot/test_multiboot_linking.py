# SPDX-License-Identifier: BSD-2-Clause
"""Kernels as compilers and linkers leave them, without a linker script that knows better.

GNU ld puts the ELF headers, and a build-id, which Debian's gcc writes, into a read-only segment in front of the first
section: one page below 1 MiB, where a PC has no RAM; or, told only where .text is, the build-id to where programs are. QEMU's own loader and GRUB boot such kernels.
"""

import pathlib
import struct
import subprocess

import pytest
from boots import MICROVM, PC, error_of

KERNEL = pathlib.Path(__file__).resolve().parents[2] / "docs/example-kernel.c"
HELLO = "Hello from a Multiboot 2 kernel. My command line: any words"

PT_LOAD, READ = 1, 4
P_TYPE, P_FILESZ, P_FLAGS = 0, 16, 24
MIB = 1 << 20

LINKED = {
    "text": ["-Wl,-Ttext=0x100000"],
    "text-build-id": ["-Wl,-Ttext=0x100000", "-Wl,--build-id"],
    "text-no-build-id": ["-Wl,-Ttext=0x100000", "-Wl,--build-id=none"],
    "text-at-2-mib": ["-Wl,-Ttext=0x200000"],
    "segment": ["-Wl,-Ttext-segment=0x100000"],
    "script": ["-Wl,--build-id"],
}
SCRIPT = "ENTRY(_start) SECTIONS { . = 1M; .text : { *(.text*) } .rodata : { *(.rodata*) } .data : { *(.data*) } .bss : { *(.bss*) } }"


@pytest.fixture
def linked(tmp_path):
    def link(name):
        options = LINKED[name]
        if name == "script":
            (tmp_path / "kernel.ld").write_text(SCRIPT)
            options = [*options, f"-Wl,-T,{tmp_path}/kernel.ld"]
        elf = tmp_path / f"{name}.elf"
        subprocess.run(["gcc", "-m32", "-nostdlib", "-static", *options, "-o", elf, KERNEL], check=True)
        return elf.read_bytes()
    return link


def headers(elf):
    """Offset, type, flags, address and file size of every program header."""
    start, = struct.unpack_from("<I", elf, 28)
    count, = struct.unpack_from("<H", elf, 44)
    for offset in range(start, start + 32 * count, 32):
        type, _, _, address, filesz, _, flags, _ = struct.unpack_from("<8I", elf, offset)
        yield offset, type, flags, address, filesz


def below_ram(elf):
    """The program header that is loaded where a PC has its ROM."""
    found = [offset for offset, type, flags, address, _ in headers(elf)
             if type == PT_LOAD and flags == READ and 0xF0000 <= address < MIB]
    return found[0] if found else None


@pytest.mark.parametrize("machine", [MICROVM, PC], ids=str)
@pytest.mark.parametrize("name", LINKED)
def test_boots(name, machine, linked, boot):
    result = boot(machine, linked(name), b"any words pvhboot.panic=exit", until=HELLO)
    assert result.matched, result


def test_linkers_do_so(linked):
    assert below_ram(linked("text"))


@pytest.mark.parametrize("damage", ["writable", "with-bss", "not-only-headers", "no-sections"])
def test_what_a_kernel_would_miss_is_not_left_out(damage, linked, boot):
    elf = bytearray(linked("text-build-id"))
    offset = below_ram(elf)
    if damage == "writable":
        struct.pack_into("<I", elf, offset + P_FLAGS, READ | 2)
    elif damage == "with-bss":
        size, = struct.unpack_from("<I", elf, offset + P_FILESZ)
        struct.pack_into("<I", elf, offset + P_FILESZ, size - 1)
    elif damage == "not-only-headers":
        # Its notes become data.
        table, = struct.unpack_from("<I", elf, 32)
        count, = struct.unpack_from("<H", elf, 48)
        for at in range(table, table + 40 * count, 40):
            type, = struct.unpack_from("<I", elf, at + 4)
            if type == 7:
                struct.pack_into("<I", elf, at + 4, 1)
    else:
        # Then nobody can tell what lies behind the headers.
        struct.pack_into("<I", elf, 32, 0)
    assert error_of(boot(PC, bytes(elf))) == "E407"
