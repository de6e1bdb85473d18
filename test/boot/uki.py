# SPDX-License-Identifier: BSD-2-Clause
"""Makes UKIs of systemd's own stub with objcopy, as systemd-stub(7) does: they are what boots under UEFI.

    from uki import make_uki

    make_uki("linux.efi", [(".osrel", b"ID=test"), (".cmdline", b"quiet"), (".linux", kernel), (".initrd", initrd),
                           (".profile", b"ID=other"), (".cmdline", b"debug")])
"""

import pathlib
import re
import struct
import subprocess
import tempfile

import debian

STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
SECTION_ALIGNMENT = 0x1000

# Microsoft PE/COFF, "COFF File Header" and "Section Table".
PE_HEADER_POINTER = 0x3C
PE_SECTION_COUNT, PE_OPTIONAL_HEADER_SIZE, PE_OPTIONAL_HEADER = 6, 20, 24
SECTION_HEADER_SIZE = 40
SECTION_NAME_SIZE = 8
SECTION_VIRTUAL_SIZE, SECTION_VIRTUAL_ADDRESS, SECTION_RAW_SIZE, SECTION_RAW_POINTER = 8, 12, 16, 20


def stub():
    return debian.package("amd64", "systemd-boot-efi") / STUB


def make_uki(output, sections, program=None):
    """Makes the UKI `output` of (name, content) in this order; gives its path. No two sections overlap when loaded.

    program: the PE file that gets them, systemd's stub without.
    """
    program = program or stub()
    address = _end_of_sections(program)
    options = []
    headers = {}  # what objcopy calls it: what it is called, how many bytes it has
    with tempfile.TemporaryDirectory(prefix="pvhboot-uki-") as folder:
        for number, (name, content) in enumerate(sections):
            path = pathlib.Path(folder, str(number))
            # objcopy adds no two sections of one name, which profiles have, and no empty ones.
            path.write_bytes(content or b"empty")
            added = name if name not in headers else f".{number}"
            headers[added] = name, len(content)
            options += ["--add-section", f"{added}={path}", "--change-section-vma", f"{added}={address:#x}"]
            address = _up_to_page(address + len(content) + 1)
        subprocess.run(["objcopy", *options, program, output], check=True)
    output = pathlib.Path(output)
    _finish_headers(output, headers)
    return output


def section_headers(data):
    """The offset of each section's header in a PE file."""
    header, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    count, = struct.unpack_from("<H", data, header + PE_SECTION_COUNT)
    optional, = struct.unpack_from("<H", data, header + PE_OPTIONAL_HEADER_SIZE)
    table = header + PE_OPTIONAL_HEADER + optional
    return [table + index * SECTION_HEADER_SIZE for index in range(count)]


def section_header(data, name):
    """The offset of the first header of that name."""
    return next(header for header in section_headers(data) if data[header:header + SECTION_NAME_SIZE] == _name_bytes(name))


def _name_bytes(name):
    return name.encode().ljust(SECTION_NAME_SIZE, b"\0")


def _finish_headers(path, headers):
    data = bytearray(path.read_bytes())
    for added, (name, size) in headers.items():
        header = section_header(data, added)
        data[header:header + SECTION_NAME_SIZE] = _name_bytes(name)
        if size == 0:
            struct.pack_into("<I", data, header + SECTION_VIRTUAL_SIZE, 0)
    path.write_bytes(data)


def _end_of_sections(path):
    listing = subprocess.run(["objdump", "-h", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = re.findall(r"^ +\d+ \S+ +([0-9a-f]+) +([0-9a-f]+) ", listing, re.M)
    return _up_to_page(max(int(address, 16) + int(size, 16) for size, address in found))


def _up_to_page(address):
    return -(-address // SECTION_ALIGNMENT) * SECTION_ALIGNMENT
