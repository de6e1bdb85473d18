# SPDX-License-Identifier: BSD-2-Clause
"""Boot modules for the tests: kernels of payloads/ with an initrd behind them, and the other things that are tried."""

import random
import struct

# Offsets in a bzImage: Documentation/arch/x86/boot.rst.
SETUP_SECTS = 0x1F1
SYSSIZE = 0x1F4
HEADER_END = 0x201
VERSION = 0x206

CPIO_MAGIC = b"070701"


def random_bytes(size, seed=1):
    return random.Random(seed).randbytes(size)


def cpio(size, seed=1):
    """`size` bytes that begin as an uncompressed cpio archive does."""
    return (CPIO_MAGIC + random_bytes(size, seed))[:size]


def gzip(size, seed=1):
    """`size` bytes that begin as a gzip file does."""
    return (b"\x1f\x8b\x08\0" + random_bytes(size, seed))[:size]


def setup_size(kernel):
    return ((kernel[SETUP_SECTS] or 4) + 1) * 512


def protected_mode(kernel):
    """What has to lie at the kernel's load address."""
    syssize, = struct.unpack_from("<I", kernel, SYSSIZE)
    return kernel[setup_size(kernel):setup_size(kernel) + syssize * 16]


def header_end(kernel):
    """The offset at which the setup header ends."""
    return 0x202 + kernel[HEADER_END]


def signed(kernel, signature):
    """The kernel with a PE header in its boot sector and a signature behind it, as distributions sign theirs."""
    data = bytearray(kernel)
    pe = 0x40
    data[0:2] = b"MZ"
    struct.pack_into("<I", data, 0x3C, pe)
    # COFF header: machine i386, no sections, optional header of PE32+ with 16 data directories.
    optional_size = 112 + 16 * 8
    struct.pack_into("<4sHHIIIHH", data, pe, b"PE\0\0", 0x8664, 0, 0, 0, 0, optional_size, 0x206)
    optional = pe + 24
    data[optional:optional + optional_size] = bytes(optional_size)
    struct.pack_into("<H", data, optional, 0x20B)
    struct.pack_into("<I", data, optional + 108, 16)
    security = optional + 112 + 4 * 8
    struct.pack_into("<II", data, security, len(kernel), len(signature))
    return bytes(data) + signature
