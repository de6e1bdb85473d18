# SPDX-License-Identifier: BSD-2-Clause
"""Secure Boot as Debian's OVMF has it for tests: its snakeoil key is in the firmware, and its private half is in the package.

    from secure_boot import SECURE, Signer

    signer = Signer(folder)
    result = uefi.start(folder, {uefi.BY_DEFAULT: signer.sign(program)}, **SECURE)
"""

import pathlib
import struct
import subprocess

import debian
import uefi
from uki import PE_HEADER_POINTER, PE_OPTIONAL_HEADER, PE_SECTION_COUNT, SECTION_HEADER_SIZE, section_headers

# Only code in system management mode can write to the flash chip with the keys.
MACHINE = uefi.Q35.but(options=("smm=on",), args=("-global", "driver=cfi.pflash01,property=secure,value=on"))
SECURE = {"machine": MACHINE, "code": uefi.firmware("OVMF_CODE_4M.secboot.fd"),
          "store": uefi.firmware("OVMF_VARS_4M.snakeoil.fd")}

SNAKEOIL = debian.package("amd64", "ovmf") / "usr/share/ovmf"

# Microsoft PE/COFF, "Optional Header Data Directories" and "The Attribute Certificate Table", for PE32+.
CERTIFICATE_DIRECTORY = PE_OPTIONAL_HEADER + 112 + 4 * 8
CERTIFICATE_ALIGNMENT = 8
CERTIFICATE_REVISION, CERTIFICATE_TYPE_RESERVED = 0x200, 3
IMAGE_SIZE = PE_OPTIONAL_HEADER + 56
PAGE = 4096


class Signer:
    """Signs with the key that the firmware knows, or with one of its own."""

    def __init__(self, folder, own=False):
        self._folder = pathlib.Path(folder)
        self._key = self._folder / ("own.key" if own else "snakeoil.key")
        self._certificate = self._folder / "own.pem" if own else SNAKEOIL / "PkKek-1-snakeoil.pem"
        if own:
            _run("openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "7",
                 "-subj", "/CN=nobody", "-keyout", self._key, "-out", self._certificate)
        else:
            _run("openssl", "rsa", "-in", SNAKEOIL / "PkKek-1-snakeoil.key", "-passin", "pass:snakeoil", "-out", self._key)

    def sign(self, program):
        """The bytes of the program with a signature."""
        source, signed = self._folder / "unsigned.efi", self._folder / "signed.efi"
        source.write_bytes(program)
        _run("sbsign", "--key", self._key, "--cert", self._certificate, "--output", signed, source)
        return signed.read_bytes()

    def with_signature_of(self, program, other):
        """The bytes of the program with the signature that was made for another."""
        signed, signature, target = (self._folder / name for name in ("other.efi", "other.sig", "target.efi"))
        signed.write_bytes(self.sign(other))
        target.write_bytes(program)
        _run("sbattach", "--detach", signature, signed)
        _run("sbattach", "--attach", signature, target)
        return target.read_bytes()


def _run(*command):
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _certificates(data):
    """Where the certificate directory's entry is, and what it says: offset and size of the table, in the file."""
    entry = struct.unpack_from("<I", data, PE_HEADER_POINTER)[0] + CERTIFICATE_DIRECTORY
    return entry, *struct.unpack_from("<II", data, entry)


def with_certificate_of_bytes(signed, content):
    """A signed program with one more certificate behind the real one, which is no certificate but `content`."""
    entry, offset, size = _certificates(signed)
    assert offset + size == len(signed) and size % CERTIFICATE_ALIGNMENT == 0
    length = 8 + len(content)
    padded = -(-length // CERTIFICATE_ALIGNMENT) * CERTIFICATE_ALIGNMENT
    data = bytearray(signed)
    data += struct.pack("<IHH", length, CERTIFICATE_REVISION, CERTIFICATE_TYPE_RESERVED) + content + bytes(padded - length)
    struct.pack_into("<I", data, entry + 4, size + padded)
    return bytes(data)


def with_section(signed, name, content):
    """A signed program with one more section, whose content lies behind everything else."""
    data = bytearray(signed)
    headers = section_headers(data)
    last = data[headers[-1]:headers[-1] + SECTION_HEADER_SIZE]
    address = _up_to_page(sum(struct.unpack_from("<II", last, 8)))
    place = headers[-1] + SECTION_HEADER_SIZE
    assert not any(data[place:place + SECTION_HEADER_SIZE]), "no room for a section's header"
    data[place:place + SECTION_HEADER_SIZE] = struct.pack("<8sIIII12s4s", name.encode(), len(content), address, len(content),
                                                          len(data), bytes(12), last[36:])
    pe, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    struct.pack_into("<H", data, pe + PE_SECTION_COUNT, len(headers) + 1)
    struct.pack_into("<I", data, pe + IMAGE_SIZE, _up_to_page(address + len(content)))
    return bytes(data) + content


def _up_to_page(address):
    return -(-address // PAGE) * PAGE
