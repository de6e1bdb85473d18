# SPDX-License-Identifier: BSD-2-Clause
"""Boot modules for the tests: kernels of payloads/ with an initrd behind them, and the other things that are tried."""

import random
import struct

# Offsets in a bzImage: Documentation/arch/x86/boot.rst.
SETUP_SECTS = 0x1F1
SYSSIZE = 0x1F4
HEADER_END = 0x201
VERSION = 0x206
PAYLOAD = 0x248  # payload_offset, payload_length
INIT_SIZE = 0x260

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


def with_inner_kernel(kernel, payload, *, length=None):
    """The bzImage with what a Linux unpacks behind its code, junk between and behind them; `length` is what its header says."""
    code = protected_mode(kernel)
    junk = b"\xa5" * 100
    inside = code + junk + payload + junk
    inside += bytes(-len(inside) % 16)
    data = bytearray(kernel[:setup_size(kernel)] + inside)
    struct.pack_into("<I", data, SYSSIZE, len(inside) // 16)
    struct.pack_into("<II", data, PAYLOAD, len(code) + len(junk), len(payload) if length is None else length)
    init_size, = struct.unpack_from("<I", data, INIT_SIZE)
    return with_init_size(bytes(data), init_size + len(inside))


def with_init_size(kernel, size):
    """The bzImage, wanting that much room."""
    return kernel[:INIT_SIZE] + struct.pack("<I", size) + kernel[INIT_SIZE + 4:]


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
