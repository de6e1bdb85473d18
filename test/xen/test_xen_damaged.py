# SPDX-License-Identifier: BSD-2-Clause
"""Damaged inputs of a domain: each ends with one numbered error on xl console and a crashed domain; none hangs, boots or is silent.

What can be damaged is what xl gives: the files, the command lines, too little memory. The numbers are those that the same inputs
have in the boot tests.
"""

import dataclasses
import hashlib
import pathlib
import re
import tempfile
import types
import typing

import boot_image
import debian
import elf_image
import multiboot_image
import pytest
import test_damaged
from fit import Configuration, Image, bundle
from packing import FORMATS, as_linux_has_it, pack
from xen import CRASH, MIB, pvh, run

MEMORY = 64
TOO_LITTLE_FOR_LINUX = 48

# Of the tables of test_damaged.py; what each damage is called is the same on every host, and told there.
BZIMAGES = ["one-byte", "cut-half-of-the-kernel", "header-end-beyond", "cmdline_size-1", "init_size-256m", "signature-wraps"]


@dataclasses.dataclass(frozen=True)
class Case:
    """make(kernels) gives the boot module; numbers are the errors that are right."""

    name: str
    numbers: str
    make: typing.Callable
    line: str = ""
    memory: int = MEMORY


CASES = []


def case(name, numbers, make, line="", **more):
    CASES.append(Case(name, numbers, make, line, **more))


def from_boot_tests(name):
    """A case of test_damaged.py, whose host has one module and nothing wrong but that."""
    (damaged,) = [damaged for damaged in test_damaged.CASES if damaged.name == f"bzimage-{name}"]
    given = types.SimpleNamespace(command_line=b"")

    def make(kernels):
        given.module = lambda _, data: setattr(given, "data", bytes(data))
        damaged.damage(given, kernels)
        return given.data

    line = "ab" if name == "cmdline_size-1" else ""
    case(f"bzimage-{name}", " ".join(damaged.numbers), make, line)


for name in BZIMAGES:
    from_boot_tests(name)


# ---- Multiboot, PVH ----


def kernel(name):
    return lambda kernels: kernels[name]


def cut(name, size):
    return lambda kernels: kernels[name][:size]


def with_tag(kernels):
    """A Multiboot 2 header that requires what nobody knows."""
    tag = multiboot_image.Tag(0x7777, bytes(8))
    return multiboot_image.with_header2(kernels["multiboot2.elf"], multiboot_image.header2([tag]))


def linked_at(address):
    """A PVH kernel that has one place only."""
    code = bytes.fromhex("0f0b")
    segment = elf_image.Segment(address, code, len(code))
    return lambda _: elf_image.make([segment], entry=address, notes=[elf_image.xen_entry(address)])


def segment_of_a_gigabyte(_):
    code = bytes.fromhex("0f0b")
    return elf_image.make([elf_image.Segment(2 * MIB, code, 1 << 30)], entry=2 * MIB, notes=[elf_image.xen_entry(2 * MIB)])


case("multiboot1-flags", "E401", lambda kernels: multiboot_image.with_header1(
    kernels["multiboot1-video.elf"], multiboot_image.header1(0xFFFF & ~multiboot_image.KLUDGE)))
case("multiboot1-kludge-cut", "E405", cut("multiboot1-kludge.bin", 5000))
case("multiboot2-tag", "E424", with_tag)
case("multiboot2-cut", "E450 E453", cut("multiboot2-64.elf", 5000))
case("multiboot2-needs-a-console", "E411", kernel("multiboot2-console.elf"))
case("pvh-where-no-memory-is", "E407", linked_at(0x10000000))
case("pvh-too-large", "E407", segment_of_a_gigabyte)
case("protocol-not-there", "E502", kernel("multiboot1.elf"), "pvhboot.protocol=multiboot2")
case("protocol-pvh-without-a-note", "E460", lambda kernels: boot_image.with_inner_kernel(
    kernels["linux64.bzImage"], as_linux_has_it("xz", kernels["vmlinux64.elf"])), "pvhboot.protocol=pvh")
case("protocol-pvh-of-a-bzimage", "E316", kernel("linux64.bzImage"), "pvhboot.protocol=pvh")


# ---- bundles ----


def bundled(name, numbers, change=bytes, line="", images=None):
    """A bundle of a kernel and a module, changed."""
    def make(kernels):
        with tempfile.TemporaryDirectory() as folder:
            made = bundle(pathlib.Path(folder) / "bundle.itb",
                          images or [Image("kernel", kernels["multiboot1.elf"]), Image("module", MODULE)],
                          [Configuration("conf", "kernel", loadables=("module",))])
            return change(made.read_bytes())
    case(f"bundle-{name}", numbers, make, line)


MODULE = boot_image.random_bytes(5003)


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1:]


bundled("cut-in-the-tree", "E520", lambda data: data[:len(data) // 2])
bundled("one-byte-of-a-module", "E528", lambda data: flipped(data, data.index(MODULE) + 4000))
bundled("tree-of-4-gib", "E520", lambda data: data[:4] + b"\xff" * 4 + data[8:])
bundled("no-such-configuration", "E522", line="pvhboot.config=other")
bundled("kernel-is-none", "E501", images=[Image("kernel", bytes(5000)), Image("module", MODULE)])
bundled("digest", "E510", line=f"pvhboot.sha256={hashlib.sha256(b'another file').hexdigest()}")
bundled("no-digest", "E512", line="pvhboot.verify=require",
        images=[Image("kernel", MODULE), Image("module", MODULE, hashes=("crc32",))])
case("verify-of-a-kernel", "E511", kernel("multiboot1.elf"), "pvhboot.verify=require")


# ---- compressed; a toolstack unpacks gzip itself, and leaves what it cannot ----


def bomb(_):
    return pack("zstd", bytes(256 * MIB))


def flipped_in_the_middle(format):
    def make(kernels):
        data = pack(format, kernels["linux64.bzImage"])
        return flipped(data, len(data) // 2)
    return make


# libxenguest's XC_DOM_DECOMPRESS_MAX.
MOST_UNPACKED = 1 << 30


def cut_packed(format, content):
    """Cut by a hundred bytes or a few more: libxenguest takes the last four of what begins as gzip does for a length, and only
    what is too long for it reaches the domain."""
    data = pack(format, content)[:-100]
    while int.from_bytes(data[-4:], "little") <= MOST_UNPACKED:
        data = data[:-1]
    return data


for format in FORMATS:
    name = format.replace(" ", "-")
    case(f"{name}-cut", "E540", lambda kernels, format=format: cut_packed(format, kernels["linux64.bzImage"]))
case("zstd-flipped", "E541 E542", flipped_in_the_middle("zstd"))
case("tail", "E545", lambda kernels: pack("gzip", kernels["linux64.bzImage"]) + b"rubbish")
case("bomb", "E543", bomb)
case("compressed-twice", "E547", lambda kernels: pack("zstd", pack("xz", kernels["linux64.bzImage"])))


# ---- words, memory ----

for word, number in (("console=xen,", "E602"), ("Verbose", "E601")):
    case(f"word-{re.sub('[=,]', '-', word)}", number, kernel("linux64.bzImage"), f"pvhboot.{word}")
case("line-too-long-for-the-kernel", "E309", kernel("linux64.bzImage"), "x" * 20_000)
case("too-little-memory", "E304 E312",
     lambda _: debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes() + boot_image.cpio(MIB), memory=TOO_LITTLE_FOR_LINUX)


@pytest.fixture(scope="module")
def ran(image, payloads):
    kernels = {path.name: path.read_bytes() for path in payloads.glob("*.*")}
    return run([pvh(damaged.name, image, damaged.make(kernels), damaged.line or None, memory=damaged.memory)
                for damaged in CASES])


@pytest.mark.parametrize("damaged", CASES, ids=lambda damaged: damaged.name)
def test_says_why_it_does_not_boot(damaged, ran):
    result = ran[damaged.name]
    assert result.reason == CRASH and not result.killed, result
    assert re.fullmatch(r"pvhboot: E\d{3} [^\n]*\n", result.console), result
    ((number, _),) = result.errors
    assert number in damaged.numbers.split() and number not in test_damaged.DEFECTS, result
