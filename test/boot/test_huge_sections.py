# SPDX-License-Identifier: BSD-2-Clause
"""A UKI whose line and device tree are two names for the same 2 GiB: what they take together has more than 32 bits."""

import struct

from boots import OURS, PC, error_of
from qemu import run
from uki import PE_HEADER_POINTER, SECTION_HEADER_SIZE

# Either alone would go into the machine's memory. A tree of more than half of it would be too large for itself.
SIZE = (1 << 31) + (4 << 20)
TREE_SIZE = 0x7FF00000
MACHINE = PC.but(memory="4G", options=("max-ram-below-4g=3584M",))

PE = 0x80
TREE = 0x1000     # its header, then the kernel: the line begins behind both, since a NUL would end it
KERNEL = 0x2000
NO_ROOM_FOR_PARAMETERS = "E314"


def write_uki(path, kernel):
    """Nearly all of it is text. The device tree is nearly everything from TREE on, the line everything behind the kernel."""
    line = KERNEL + len(kernel)
    sections = [(b".linux", KERNEL, len(kernel)), (b".dtb", TREE, TREE_SIZE), (b".cmdline", line, SIZE - line)]
    block = b"a" * (1 << 24)
    with open(path, "wb") as file:
        for at in range(0, SIZE, len(block)):
            file.write(block[:SIZE - at])
        file.seek(0)
        file.write(b"MZ".ljust(PE_HEADER_POINTER, b"\0") + struct.pack("<I", PE))
        file.seek(PE)
        magic = 0x20B
        file.write(struct.pack("<4sHHIIIHHH", b"PE\0\0", 0x8664, len(sections), 0, 0, 0, 2, 0, magic))
        for name, offset, size in sections:
            file.write(struct.pack("<8sIIII", name, size, 0x10000, size, offset).ljust(SECTION_HEADER_SIZE, b"\0"))
        file.seek(TREE)
        file.write(struct.pack(">II", 0xD00DFEED, TREE_SIZE))
        file.seek(KERNEL)
        file.write(kernel)


def test_a_sum_of_more_than_32_bits(build, payloads, tmp_path):
    module = tmp_path / "huge.efi"
    write_uki(module, (payloads / "linux32.bzImage").read_bytes())
    try:
        result = run(MACHINE, build / "pvhboot.elf", module, OURS.decode(), timeout=300)
    finally:
        module.unlink()
    assert error_of(result) == NO_ROOM_FOR_PARAMETERS
