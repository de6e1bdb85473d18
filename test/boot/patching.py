# SPDX-License-Identifier: BSD-2-Clause
"""pvhboot with some of its code overwritten, so that it faults where a test wants it."""

import dataclasses
import re
import subprocess

from elf_image import ElfImage, make

INVALID_OPCODE = bytes.fromhex("0f0b")
MOVE = bytes.fromhex("f3a5")


def symbols_of(image32):
    """The addresses of the image's symbols, which only its ELF32 container has."""
    listing = subprocess.run(["nm", image32], check=True, capture_output=True, text=True).stdout
    return {name: int(address, 16) for address, _, name in
            (line.split() for line in listing.splitlines() if len(line.split()) == 3)}


def patched(image, address, code):
    """The image with other code at an address."""
    elf = ElfImage(image)
    segments = []
    for segment in elf.segments:
        start = address - segment.address
        if 0 <= start < len(segment.data):
            segment = dataclasses.replace(segment, data=segment.data[:start] + code + segment.data[start + len(code):])
        segments.append(segment)
    return make(segments, entry=elf.entry, notes=elf.notes, bits=elf.bits)


def first_move(image, symbols):
    """The address of the mover's first `rep movsl`."""
    (code,) = [segment.data[symbols["mover_start"] - segment.address:] for segment in ElfImage(image).segments
               if segment.address <= symbols["mover_start"] < segment.address + len(segment.data)]
    return symbols["mover_start"] + code.index(MOVE)


def numbers_of(line):
    """The values of an exception's line by name, from "eip"-like words: `name 0x...`."""
    return {name: int(value, 16) for name, value in re.findall(r"(\w+) (0x[0-9a-f]+)", line)}
