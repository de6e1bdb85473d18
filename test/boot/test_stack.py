# SPDX-License-Identifier: BSD-2-Clause
"""How deep pvhboot's stack gets: behind its end lies .bss, and nothing would tell of an overflow."""

import subprocess

import boot_image
import host_script
import pytest
from fit import Configuration, Image, bundle
from qemu import Machine, run

MICROVM = Machine("microvm", firmware="qboot", memory="256M", options=("rtc=on",))

# host_script fills the memory of the image, its stack included, with this first.
UNTOUCHED = 0xA5

# Bytes that must be left of the stack.
SPARE = 1024


def stack_of(image32):
    """(address, size) of the stack in the image."""
    listing = subprocess.run(["readelf", "-SW", image32], check=True, capture_output=True, text=True).stdout
    line, = [line for line in listing.splitlines() if " .stack " in line]
    _, _, address, _, size = line[line.index("]") + 1:].split()[:5]
    return int(address, 16), int(size, 16)


# 1: hlt; jmp 1b
HALT = bytes.fromhex("f4ebfd")


def kernel_that_halts(payloads):
    """linux64.bzImage with nothing at its entries, so that memory can be looked at afterwards."""
    kernel = bytearray((payloads / "linux64.bzImage").read_bytes())
    code = (kernel[0x1F1] + 1) * 512
    for entry in (code, code + 0x200):
        kernel[entry:entry + len(HALT)] = HALT
    return bytes(kernel)


def tangled(host):
    """Several modules in each other's way, a map that overlaps and is not sorted, all consoles."""
    host.memory = list(reversed(host.memory)) + [(0x2000000 + i * 0x3000, 0x2000, 2 + i % 5) for i in range(300)]
    host.module(0x1000000, boot_image.cpio(300_000)).module(0x1080000, boot_image.cpio(100_003))


def alone(kernel, folder):
    return kernel + boot_image.cpio(5000)


def bundled(kernel, folder):
    """libfdt, and the digest that takes most of the stack."""
    images = [Image("kernel", kernel, hashes=("sha512",)), Image("initrd", boot_image.cpio(5000), hashes=("sha512", "crc32"))]
    return bundle(folder / "stack.itb", images, [Configuration("all", "kernel", ramdisk="initrd")]).read_bytes()


# What the deepest of each decoder's functions are needed for: several methods, checks and filters, one file.
PACKERS = {
    "gzip": ["gzip", "-9"],
    "xz": ["xz", "--check=sha256", "--x86", "--lzma2=preset=6,dict=1MiB"],
    "lzma": ["xz", "--format=lzma"],
    "zstd": ["zstd", "-19", "--check", "--long=27"],
    "lz4": ["lz4", "-9", "--content-size"],
    "lz4-legacy": ["lz4", "-l"],
}


def packed(name):
    """A kernel that does not compress well in every part, so that each kind of block comes about."""
    def make(kernel, folder):
        content = kernel + boot_image.cpio(300_000) + bytes(range(256)) * 2000 + kernel * 20
        return subprocess.run([*PACKERS[name], "-c"], input=content, check=True, capture_output=True).stdout
    return make


@pytest.mark.parametrize("payload, change, words", [
    *((packed(name), None, b"") for name in PACKERS), (packed("zstd"), tangled, b" pvhboot.entry=64"),
    (alone, None, b""), (alone, None, b" pvhboot.entry=64"), (alone, tangled, b""), (alone, tangled, b" pvhboot.entry=64"),
    (alone, None, b" pvhboot.bad"), (bundled, None, b""), (bundled, tangled, b" pvhboot.entry=64"),
], ids=[*PACKERS, "zstd, tangled, 64-bit", "plain", "64-bit", "tangled", "tangled, 64-bit", "error", "bundle", "bundle, tangled, 64-bit"])
def test_stack_is_large_enough(payload, change, words, image, image32, payloads, tmp_path):
    host = host_script.Host(image)
    host.command_line = b"pvhboot.verbose" + words
    host.module(0x3000000, payload(kernel_that_halts(payloads), tmp_path))
    if change:
        change(host)
    script, dump = tmp_path / "script", tmp_path / "stack"
    script.write_bytes(host.script())
    address, size = stack_of(image32)
    result = run(MICROVM, payloads / "test_host.elf", script, timeout=20,
                 until=r"^pvhboot: (enter|E\d{3}) .*\n", monitor=[f'pmemsave {address} {size} "{dump}"'])
    assert result.matched and bool(result.errors) == (b"bad" in words), result
    left = dump.read_bytes()
    untouched = len(left) - len(left.lstrip(bytes([UNTOUCHED])))
    assert SPARE <= untouched < size, f"{untouched} of {size} bytes were not used"
