# SPDX-License-Identifier: BSD-2-Clause
"""Compresses, with the tools that people use, and by hand what no tool makes.

    pack("xz", data), pack("zstd", data, "--long=27"), gzip_member(data, name=b"x"), lz4_with_content_size(data)
"""

import functools
import struct
import subprocess
import zlib

# What makes each format, from standard input to standard output. gzip writes no time, so that it is the same every time.
TOOLS = {
    "gzip": ("gzip", "-nc"),
    "xz": ("xz", "-zc"),
    "lzma": ("xz", "-zc", "--format=lzma"),
    "zstd": ("zstd", "-qc"),
    "lz4": ("lz4", "-qzc"),
    "lz4 legacy": ("lz4", "-qzcl"),
}
FORMATS = list(TOOLS)

# The name that errors have for it, and that of FIT's property.
NAMES = {name: name.split()[0] for name in FORMATS}


@functools.lru_cache(maxsize=200)
def pack(format, data, *options):
    return subprocess.run([*TOOLS[format], *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def as_linux_has_it(format, data):
    """What Linux's build puts into a bzImage: all but gzip, which has it anyway, get the length appended."""
    return pack(format, data) + (b"" if format == "gzip" else struct.pack("<I", len(data)))


def gzip_member(data, *, name=None, comment=None, extra=None, header_checksum=False, level=9):
    """RFC 1952, with the optional fields of a header."""
    flags = (2 if header_checksum else 0) | (4 if extra else 0) | (8 if name else 0) | (16 if comment else 0)
    header = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, flags, 1234567890, 2, 3)
    if extra:
        header += struct.pack("<H", len(extra)) + extra
    header += b"".join(text + b"\0" for text in (name, comment) if text)
    if header_checksum:
        header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    return header + deflate(data, level) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def deflate(data, level=9):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def skippable(data, number=0):
    """The frame that decoders of zstd and lz4 pass over."""
    return struct.pack("<II", 0x184D2A50 + number, len(data)) + data


def lz4_with_content_size(data, size=None):
    """The tool writes it only of a file that it knows the size of."""
    return _lz4_with(data, 8, struct.pack("<Q", len(data) if size is None else size))


def lz4_with_dictionary(data, number):
    """Says that it needs a dictionary."""
    return _lz4_with(data, 1, struct.pack("<I", number))


def _lz4_with(data, flag, field):
    packed = pack("lz4", data)
    descriptor = bytes([packed[4] | flag, packed[5]]) + field
    return packed[:4] + descriptor + bytes([_xxh32(descriptor) >> 8 & 0xFF]) + packed[7:]


def _xxh32(data):
    """xxHash's 32 bits of less than 16 bytes, seed 0."""
    assert len(data) < 16
    prime1, prime2, prime3, prime4, prime5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF

    def rotate(value, by):
        return (value << by | value >> 32 - by) & mask

    value = prime5 + len(data) & mask
    words = len(data) // 4
    for word in struct.unpack_from(f"<{words}I", data):
        value = rotate(value + word * prime3 & mask, 17) * prime4 & mask
    for byte in data[words * 4:]:
        value = rotate(value + byte * prime5 & mask, 11) * prime1 & mask
    for shift, prime in ((15, prime2), (13, prime3)):
        value = (value ^ value >> shift) * prime & mask
    return value ^ value >> 16
