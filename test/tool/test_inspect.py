# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot inspect`: real files of every kind, packed ones, damaged ones, and those that only look like something."""

import gzip
import json
import struct
import subprocess

import debian
import pytest
from command import DOES_NOT_BOOT, DONE, TROUBLE, USAGE
from fit import Configuration, Image, bundle
from packing import FORMATS, NAMES, pack
from terminal import Terminal
from uki import make_uki, section_header

MULTIBOOT1_MAGIC, MULTIBOOT2_MAGIC = 0x1BADB002, 0xE85250D6
XEN_PHYS32_ENTRY = 18

E_MACHINE, E_TYPE, E_PHOFF, E_PHNUM = 18, 16, 32, 56
ET_REL, EM_AARCH64, PT_INTERP = 1, 183, 3


@pytest.fixture(scope="module")
def inspect(pvhboot):
    """inspect(file) -> (exit status, the object of its JSON)."""

    def inspect_one(file, **more):
        result = pvhboot("inspect", "--json", file, **more)
        assert result.status in (DONE, DOES_NOT_BOOT), result
        (found,) = json.loads(result.out)
        assert found["file"] == str(file) and found["boots"] == bool(found.get("ways") or found["boots"])
        return result.status, found

    return inspect_one


@pytest.fixture(scope="module")
def inspect_bytes(inspect, tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "file"

    def inspect_them(data):
        path.write_bytes(data)
        return inspect(path)

    return inspect_them


def ways(found):
    return [(way["option"], way["protocol"], way["mode"]) for way in found["ways"]]


def part(found, *roles):
    """The part of those roles, one in the other."""
    for role in roles:
        (found,) = [inner for inner in found["contains"] if inner["role"] == role]
    return found


# ---- What boots ----

REPORTERS = {
    "linux32.bzImage": ("bzimage", [("", "linux", 32)]),
    "linux64.bzImage": ("bzimage", [("", "linux", 32), ("pvhboot.entry=64", "linux", 64)]),
    "linux-old.bzImage": ("bzimage", [("", "linux", 32)]),
    "linux32-fixed.bzImage": ("bzimage", [("", "linux", 32)]),
    "multiboot1.elf": ("elf", [("", "multiboot1", 32)]),
    "multiboot1-64.elf": ("elf", [("", "multiboot1", 32)]),
    "multiboot1-video.elf": ("elf", [("", "multiboot1", 32)]),
    "multiboot1-kludge.bin": ("multiboot", [("", "multiboot1", 32)]),
    "multiboot1-kludge-whole.bin": ("multiboot", [("", "multiboot1", 32)]),
    "multiboot2.elf": ("elf", [("", "multiboot2", 32)]),
    "multiboot2-64.elf": ("elf", [("", "multiboot2", 32)]),
    "multiboot2-address.bin": ("multiboot", [("", "multiboot2", 32)]),
    "multiboot2-console.elf": ("elf", [("", "multiboot2", 32)]),
    "multiboot2-framebuffer.elf": ("elf", [("", "multiboot2", 32)]),
    "multiboot2-relocatable.elf": ("elf", [("", "multiboot2", 32)]),
    "multiboot-both.elf": ("elf", [("", "multiboot2", 32), ("pvhboot.protocol=multiboot1", "multiboot1", 32)]),
    "pvh.elf": ("elf", [("", "pvh", 32)]),
    "pvh32.elf": ("elf", [("", "pvh", 32)]),
    "pvh-section.elf": ("elf", [("", "pvh", 32)]),
    "vmlinux32.elf": ("elf", [("", "vmlinux", 32)]),
    "vmlinux64.elf": ("elf", [("", "vmlinux", 64)]),
}


@pytest.mark.parametrize("name", REPORTERS)
def test_a_reporter(inspect, payloads, name):
    kind, expected = REPORTERS[name]
    status, found = inspect(payloads / name)
    assert status == DONE and found["boots"] and not found["module"]
    assert found["kind"] == kind and ways(found) == expected
    assert found["size"] == (payloads / name).stat().st_size
    assert "hints" not in found


def test_the_lines_say_the_same(pvhboot, payloads):
    result = pvhboot("inspect", payloads / "linux64.bzImage", payloads / "multiboot2.elf")
    assert result.status == DONE and result.err == ""
    lines = [line.split(None, 1) for line in result.out.splitlines()]
    assert [f"{payloads}/linux64.bzImage:", "Linux bzImage"] in lines
    assert ["boots", "as linux, entered in 32-bit mode"] in lines
    assert [f"{payloads}/multiboot2.elf:", "Multiboot kernel (ELF)"] in lines
    assert ["boots", "as multiboot2, entered in 32-bit mode"] in lines


def test_a_kernel_of_debian(inspect):
    """With all that its header says, by another reader, and what is packed in it."""
    image = debian.kernel("amd64", "linux-image-cloud-amd64")
    header = debian.setup_header(image)
    status, found = inspect(image)
    assert status == DONE
    assert ways(found) == [("", "linux", 32), ("pvhboot.entry=64", "linux", 64), ("pvhboot.protocol=pvh", "pvh", 32)]
    for name in ("pref_address", "init_size", "kernel_alignment", "cmdline_size"):
        assert found[name] == header[name], name
    assert found["boot_protocol"] == f"{header['version'] >> 8}.{header['version'] & 255:02}"
    release = image.name.removeprefix("vmlinuz-")
    assert found["version"].startswith(release + " ") and found["signature_size"] > 0
    inner = part(found, "kernel inside", "unpacked")
    vmlinux = debian.vmlinux(image)
    assert inner["kind"] == "elf" and inner["linux"] and inner["version"] == release
    assert inner["size"] == len(vmlinux)
    assert inner["e_entry"] == struct.unpack_from("<Q", vmlinux, 24)[0]
    assert "PHYS32_ENTRY" in inner["xen_notes"].split()
    count = struct.unpack_from("<H", vmlinux, E_PHNUM)[0]
    table = [struct.unpack_from("<IIQQQQQQ", vmlinux, 64 + 56 * index) for index in range(count)]
    assert [(segment["address"], segment["size"], segment["offset"]) for segment in inner["segments"]] == [
        (paddr, memory, offset) for kind, _, offset, _, paddr, _, memory, _ in table if kind == 1]


def test_a_32_bit_kernel_of_debian(inspect):
    status, found = inspect(debian.kernel("i386", "linux-image-686"))
    assert status == DONE and ways(found) == [("", "linux", 32)] and found["entry_64bit"] is False


def test_a_kernel_with_its_initrd_behind_it(inspect_bytes, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    initrd = debian.microcode_cpio() + gzip.compress(debian.microcode_cpio())
    status, found = inspect_bytes(kernel + initrd)
    assert status == DONE
    archive = part(found, "behind it")
    assert archive["kind"] == "initrd" and archive["microcode"] and archive["whole"] and archive["files"] == 4
    assert part(archive, "behind it", "unpacked")["files"] == 4


@pytest.mark.parametrize("architecture, package, path, kind, protocol", [
    ("amd64", "xen-hypervisor-4.17-amd64", "boot/xen-4.17-amd64.gz", "compressed", "multiboot2"),
    ("i386", "gnumach-image-1.8-486", "boot/gnumach-1.8-486.gz", "compressed", "multiboot1"),
    ("i386", "memtest86+", "boot/memtest86+ia32.bin", "bzimage", "linux"),
    ("amd64", "grub-invaders", "boot/invaders.exec", "elf", "multiboot1"),
])
def test_other_packages(inspect, architecture, package, path, kind, protocol):
    status, found = inspect(debian.package(architecture, package) / path)
    assert status == DONE and found["kind"] == kind and found["ways"][0]["protocol"] == protocol


@pytest.mark.parametrize("format", FORMATS)
def test_packed(inspect_bytes, payloads, format):
    kernel = (payloads / "multiboot2-64.elf").read_bytes()
    status, found = inspect_bytes(pack(format, kernel))
    assert status == DONE and found["kind"] == "compressed" and found["compression"] == NAMES[format]
    assert found["unpacked"] == "whole" and found["unpacked_size"] == len(kernel)
    inner = part(found, "unpacked")
    assert inner["kind"] == "elf" and inner["multiboot2"]["offset"] % 8 == 0
    assert inner["multiboot2"]["tags"].split()[-1] == "end"


def test_standard_input(pvhboot, payloads):
    result = pvhboot("inspect", "--json", "-", stdin=(payloads / "pvh.elf").read_bytes())
    (found,) = json.loads(result.out)
    assert result.status == DONE and found["file"] == "-" and found["ways"][0]["protocol"] == "pvh"


# ---- Bundles, UKIs, pvhboot ----


@pytest.fixture(scope="module")
def parts(payloads):
    return [Image("kernel", (payloads / "multiboot2.elf").read_bytes(), command_line="a \"line\"", hashes=("sha256", "crc32")),
            Image("packed", pack("xz", (payloads / "linux64.bzImage").read_bytes()), compression="xz"),
            Image("initrd", debian.microcode_cpio(), type="ramdisk", hashes=("sha512",)),
            Image("other", b"anything", type="firmware", hashes=())]


@pytest.fixture(scope="module", params=["inside", "outside"])
def made(request, tmp_path_factory, parts):
    return bundle(tmp_path_factory.mktemp("bundle") / "boot.itb", parts,
                  [Configuration("first", "kernel", loadables=("initrd", "other"), command_line="all"),
                   Configuration("second", "packed", ramdisk="initrd")], default="second",
                  external=request.param == "outside")


def test_a_bundle(inspect, made, parts):
    status, found = inspect(made)
    assert status == DONE and found["kind"] == "bundle"
    assert ways(found) == [("", "linux", 32), ("pvhboot.config=first", "multiboot2", 32)] and found["refused"] == []
    first, second = found["configurations"]
    assert (first["name"], first["default"], first["kernel"], first["loadables"]) == ("first", False, "kernel", "initrd other")
    assert first["pvhboot,command-line"] == "all"
    assert (second["name"], second["default"], second["kernel"], second["ramdisk"]) == ("second", True, "packed", "initrd")
    assert [image["name"] for image in found["images"]] == [image.name for image in parts]
    data = made.read_bytes()
    for image, given in zip(found["images"], parts):
        assert [(hash["algo"], hash["state"]) for hash in image["hashes"]] == [(algo, "right") for algo in given.hashes]
        inner = part(image, "data")
        assert data[image["offset"]:image["offset"] + inner["size"]] == given.data
    assert found["images"][0]["pvhboot,command-line"] == "a \"line\""
    assert part(found["images"][1], "data", "unpacked")["kind"] == "bzimage"
    assert part(found["images"][2], "data")["kind"] == "initrd"
    assert part(found["images"][3], "data")["kind"] == "unknown"


def test_what_lies_behind_a_bundle(inspect_bytes, inspect, made):
    assert "contains" not in inspect(made)[1]
    status, found = inspect_bytes(made.read_bytes() + debian.microcode_cpio())
    assert status == DONE and part(found, "behind it")["kind"] == "initrd"


@pytest.mark.parametrize("index", range(3))
def test_a_wrong_hash(inspect_bytes, inspect, made, index):
    """Of that image, and of no other."""
    _, whole = inspect(made)
    image = whole["images"][index]
    data = bytearray(made.read_bytes())
    data[image["offset"] + part(image, "data")["size"] // 2] ^= 1
    status, found = inspect_bytes(data)
    states = [{hash["state"] for hash in image["hashes"]} for image in found["images"][:3]]
    assert states == [{"wrong"} if number == index else {"right"} for number in range(3)]
    assert (found.get("error") == 528) == (index in (1, 2)), "the default configuration has these"
    assert status == (DOES_NOT_BOOT if index in (1, 2) else DONE)
    if index == 0:
        assert [(way["option"], way["error"]) for way in found["refused"]] == [("pvhboot.config=first", 528)]


def test_a_uki(inspect, tmp_path, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    tree = debian.device_tree()
    uki = make_uki(tmp_path / "linux.efi", [
        (".osrel", b"ID=test\nNAME=\"A test\"\n"), (".cmdline", b"of the section\n"), (".uname", b"6.1.0-test"),
        (".ucode", debian.microcode_cpio()), (".dtb", tree), (".linux", kernel), (".initrd", debian.microcode_cpio()),
        (".profile", b"ID=zero"), (".profile", b"ID=one"), (".cmdline", b"of profile one")])
    status, found = inspect(uki)
    assert status == DONE and found["kind"] == "uki"
    assert ways(found) == [("", "linux", 32), ("@1", "linux", 32)]
    sections = {}
    for section in found["sections"]:
        sections.setdefault(section["name"], []).append(section)
    assert sections[".osrel"][0]["text"] == "ID=test\nNAME=\"A test\""
    assert [section["text"] for section in sections[".cmdline"]] == ["of the section", "of profile one"]
    assert [section["text"] for section in sections[".profile"]] == ["ID=zero", "ID=one"]
    assert part(sections[".linux"][0], "data")["kind"] == "bzimage"
    assert part(sections[".initrd"][0], "data")["microcode"]
    assert part(sections[".dtb"][0], "data")["totalsize"] == len(tree)
    data = uki.read_bytes()
    linux = sections[".linux"][0]
    assert data[linux["offset"]:linux["offset"] + linux["size"]] == kernel


def test_a_uki_whose_kernel_is_cut_off(inspect_bytes, tmp_path, payloads):
    uki = make_uki(tmp_path / "linux.efi", [(".linux", (payloads / "linux64.bzImage").read_bytes())])
    data = bytearray(uki.read_bytes())
    struct.pack_into("<I", data, section_header(data, ".linux") + 20, len(data) - 100)
    status, found = inspect_bytes(data)
    assert status == DOES_NOT_BOOT and found["error"] == 551
    (linux,) = [section for section in found["sections"] if section["name"] == ".linux"]
    assert linux["data"] == "not wholly in the file"


def test_pvhboot_itself(inspect, image, image32, build):
    version = [line for line in (build / "CMakeCache.txt").read_text().splitlines() if "CMAKE_PROJECT_VERSION:" in line]
    for container in (image, image32):
        status, found = inspect(container)
        assert status == DONE and found["boots"] and found["pvhboot_version"] == version[0].split("=")[1]


def test_a_self_contained_image(inspect, pvhboot, tmp_path, payloads):
    """The verdict is that of what is inside."""
    path = tmp_path / "image.elf"
    result = pvhboot("pack", "-o", path, "--self-contained", payloads / "multiboot2.elf", payloads / "pvh.elf")
    assert result.status == DONE, result
    status, found = inspect(path)
    assert status == DONE and ways(found) == [("", "multiboot2", 32)] and found["pvhboot_version"]
    bundle_inside = part(found, "payload")
    assert bundle_inside["kind"] == "bundle" and len(bundle_inside["images"]) == 2
    data = bytearray(path.read_bytes())
    module = (payloads / "pvh.elf").read_bytes()
    data[data.rindex(module) + len(module) - 1] ^= 1
    path.write_bytes(data)
    status, found = inspect(path)
    assert status == DOES_NOT_BOOT and found["error"] == 528


# ---- What goes with a kernel ----


def test_an_initrd(inspect_bytes):
    archive = debian.microcode_cpio()
    for data in (archive, *(pack(format, archive) for format in FORMATS)):
        status, found = inspect_bytes(data)
        assert status == DONE and found["module"] and not found["boots"]
    assert found["kind"] == "compressed" and part(found, "unpacked")["kind"] == "initrd"


def test_an_initrd_that_is_cut_off(inspect_bytes):
    status, found = inspect_bytes(debian.microcode_cpio()[:300])
    assert status == DONE and found["module"] and found["whole"] is False and "contains" not in found


def test_a_device_tree(inspect_bytes):
    tree = debian.device_tree('/dts-v1/; / { model = "A board"; compatible = "one", "two"; images-of { }; };')
    status, found = inspect_bytes(tree)
    assert status == DONE and found["module"] and found["kind"] == "device-tree"
    assert (found["model"], found["compatible"], found["totalsize"]) == ("A board", "one", len(tree))


# ---- What does not boot, and why ----


def elf(*, header=b"", offset=0x1000, notes=b"", machine=62, kind=2, more_headers=()):
    """A 64-bit ELF file that loads a page, with `header` at `offset` of the file."""
    headers = [struct.pack("<IIQQQQQQ", 1, 5, 0x100, 0x100000, 0x100000, 0x100, 0x100, 0x1000), *more_headers]
    if notes:
        headers.append(struct.pack("<IIQQQQQQ", 4, 4, 0x800, 0, 0, len(notes), len(notes), 4))
    start = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", kind, machine, 1, 0x100000, 64, 0, 0, 64, 56,
                        len(headers), 0, 0, 0) + b"".join(headers)
    data = bytearray(max(0x1000, offset + len(header)))
    data[:len(start)] = start
    data[0x800:0x800 + len(notes)] = notes
    data[offset:offset + len(header)] = header
    return bytes(data)


def multiboot1(flags=3):
    return struct.pack("<3I", MULTIBOOT1_MAGIC, flags, -(MULTIBOOT1_MAGIC + flags) & 0xFFFFFFFF)


def multiboot2():
    end = struct.pack("<HHI", 0, 0, 8)
    size = 16 + len(end)
    return struct.pack("<4I", MULTIBOOT2_MAGIC, 0, size, -(MULTIBOOT2_MAGIC + size) & 0xFFFFFFFF) + end


def note(owner, kind, descriptor):
    owner += b"\0"
    return struct.pack("<3I", len(owner), len(descriptor), kind) + owner.ljust(-(-len(owner) // 4) * 4, b"\0") + descriptor


HINTS = {
    "no header": (elf(), "Nothing in it tells how it is to be entered"),
    "multiboot1 too far behind": (
        elf(header=multiboot1(), offset=0x2000),
        "Multiboot 1 header at offset 0x2000 of the file. It has to lie wholly within the first 8192 bytes"),
    "multiboot1 at the end of the range": (elf(header=multiboot1(), offset=0x1FF8), "at offset 0x1ff8"),
    "multiboot2 too far behind": (
        elf(header=multiboot2(), offset=0x9000),
        "Multiboot 2 header at offset 0x9000 of the file. It has to lie wholly within the first 32768 bytes"),
    "multiboot2 on an odd place": (elf(header=multiboot2(), offset=0x404),
                                   "at offset 0x404 of the file, which is no multiple of 8"),
    "multiboot1 on an odd place": (elf(header=multiboot1(), offset=0x402),
                                   "at offset 0x402 of the file, which is no multiple of 4"),
    "multiboot1 with a wrong checksum": (elf(header=struct.pack("<3I", MULTIBOOT1_MAGIC, 3, 0x1234), offset=0x400),
                                         "at 0x408, is 0x1234 where it has to be 0xe4524ffb"),
    "multiboot2 with a wrong checksum": (elf(header=struct.pack("<4I", MULTIBOOT2_MAGIC, 0, 24, 7), offset=0x400),
                                         "at 0x40c, is 0x7 where it has to be 0x17adaf12"),
    "an object file": (elf(kind=ET_REL), "object file"),
    "another machine": (elf(machine=EM_AARCH64), "another machine"),
    "a program": (elf(more_headers=[struct.pack("<IIQQQQQQ", PT_INTERP, 4, 0, 0, 0, 0, 0, 1)]), "user space"),
    "Xen's other notes": (elf(notes=note(b"Xen", 6, b"minix\0\0\0")), "PHYS32_ENTRY"),
    "an ISO image": (bytes(0x8001) + b"CD001" + bytes(100), "Take the kernel out"),
    "a Debian package": (b"!<arch>\ndebian-binary", "dpkg-deb"),
    "a kernel for ARM": (b"\0" * 0x38 + b"ARM\x64" + bytes(100), "for x86"),
    "a text": (b"just a text\n" * 100, "It is a text"),
    "a script": (b"#!/bin/sh\nexit\n", "for a shell"),
    "a PE file": (b"MZ" + bytes(100), ".linux"),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_hint(inspect_bytes, name):
    data, expected = HINTS[name]
    status, found = inspect_bytes(data)
    assert status == DOES_NOT_BOOT and not found["boots"] and found["error"] == 501
    assert any(expected in hint for hint in found["hints"]), found["hints"]
    assert found["kind"] == "elf" or found["looks_like"]
    assert "advice" not in found, "what is said of that very file is enough"


def test_a_header_where_it_has_to_be(inspect_bytes):
    """The same files as for the hints, put right, boot."""
    for header, offset in ((multiboot1(), 0x400), (multiboot1(), 0x1FF4), (multiboot2(), 0x408)):
        status, found = inspect_bytes(elf(header=header, offset=offset))
        assert status == DONE and "hints" not in found, found
    status, found = inspect_bytes(elf(notes=note(b"Xen", XEN_PHYS32_ENTRY, struct.pack("<I", 0x100000))))
    assert status == DONE and found["pvh_entry"] == 0x100000


def test_a_hint_for_what_is_packed(inspect_bytes):
    data, expected = HINTS["multiboot2 too far behind"]
    status, found = inspect_bytes(pack("xz", data))
    assert status == DOES_NOT_BOOT and any(expected in hint for hint in part(found, "unpacked")["hints"])


def test_what_is_unknown(inspect_bytes):
    status, found = inspect_bytes(b"\1\2\3" * 100)
    assert status == DOES_NOT_BOOT and found["kind"] == "unknown" and found["error"] == 501 and "looks_like" not in found
    assert found["advice"].startswith("What boots: "), "to ask inspect is no advice here"


def test_a_flat_file_that_was_cut(inspect_bytes):
    """objcopy -O binary leaves headers at other offsets than they have in the ELF file."""
    status, found = inspect_bytes(b"\1" * 0x404 + multiboot2() + bytes(100))
    (hint,) = found["hints"]
    assert status == DOES_NOT_BOOT and "at offset 0x404" in hint and "objcopy -O binary" in hint and "address tags" in hint


@pytest.mark.parametrize("physical, hinted", [(0x100000, False), (0xC0100000, True)])
def test_a_kernel_of_the_higher_half(physical, hinted, inspect_bytes, payloads):
    """Whose linker script gives no physical addresses: they are the virtual ones."""
    data = bytearray((payloads / "multiboot2.elf").read_bytes())
    headers, = struct.unpack_from("<I", data, 28)
    size, count = struct.unpack_from("<HH", data, 42)
    lowest = min(struct.unpack_from("<I", data, headers + index * size + 12)[0] for index in range(count)
                 if struct.unpack_from("<I", data, headers + index * size)[0] == 1)
    for at in range(headers, headers + count * size, size):
        if struct.unpack_from("<I", data, at)[0] == 1:
            address, = struct.unpack_from("<I", data, at + 12)
            struct.pack_into("<II", data, at + 8, address - lowest + 0xC0100000, address - lowest + physical)
    entry, = struct.unpack_from("<I", data, 24)
    struct.pack_into("<I", data, 24, entry - lowest + physical)
    _, found = inspect_bytes(data)
    hints = [hint for hint in found.get("hints", []) if "AT(ADDR(.text) - 0xc0000000)" in hint]
    assert bool(hints) == hinted and (found["boots"] or (found["error"] == 407 and "advice" not in found)), found


def test_xen_drops_a_word(inspect):
    (xen,) = debian.package("amd64", "xen-hypervisor-4.17-amd64").glob("boot/xen-4.17-amd64.gz")
    _, found = inspect(xen)
    assert any("drops the first word" in hint for hint in part(found, "unpacked")["hints"])


@pytest.mark.parametrize("behind, expected", [(b"", None), (bytes(100), None), (b"\xff" * 5000, False), (b"tiny", False),
                                              (b"what is long enough to be a module", True)],
                         ids=["nothing", "zeros", "flash", "tiny", "module"])
def test_what_a_kernel_takes_for_its_module(behind, expected, inspect_bytes, pvhboot, payloads, tmp_path):
    """What is said is what the image does."""
    for name in ("multiboot1.elf", "multiboot2-64.elf", "pvh.elf"):
        data = (payloads / name).read_bytes() + behind
        assert inspect_bytes(data)[1].get("behind_is_module") is expected
        path = tmp_path / name
        path.write_bytes(data)
        segments = json.loads(pvhboot("plan", "--json", path).out)["segments"]
        assert any(segment["name"] == "module" for segment in segments) == bool(expected), name


def test_nothing(inspect_bytes):
    status, found = inspect_bytes(b"")
    assert status == DOES_NOT_BOOT and found["kind"] == "empty" and found["error"] == 114


@pytest.mark.parametrize("size", [1, 511, 0x202, 0x264, 1024, 5000])
def test_a_truncated_kernel(inspect_bytes, payloads, size):
    data = (payloads / "linux64.bzImage").read_bytes()[:size]
    status, found = inspect_bytes(data)
    assert status == DOES_NOT_BOOT and 300 < found["error"] < 600 and found["text"].startswith(f"E{found['error']} ")


@pytest.mark.parametrize("format", FORMATS)
def test_truncated_packed_data(inspect_bytes, payloads, format):
    data = pack(format, (payloads / "multiboot2.elf").read_bytes())
    status, found = inspect_bytes(data[:len(data) // 2])
    assert status == DOES_NOT_BOOT and 540 <= found["error"] <= 548 and found["unpacked"] != "whole"


def test_what_unpacks_to_very_much(pvhboot, tmp_path):
    """Neither for ever nor to all memory: what there is no room for is not unpacked."""
    path = tmp_path / "zeros.zst"
    path.write_bytes(pack("zstd", bytes(1 << 20)) * 4096)
    result = pvhboot("inspect", "--json", path)
    (found,) = json.loads(result.out)
    assert result.status == DOES_NOT_BOOT and found["error"] == 543 and found["unpacked_size"] < 1 << 30


def test_packed_in_packed(inspect_bytes):
    data = debian.microcode_cpio()
    for _ in range(20):
        data = pack("gzip", data)
    status, found = inspect_bytes(data)
    depth = 0
    while "contains" in found:
        found = found["contains"][0]
        depth += 1
    assert status == DOES_NOT_BOOT and depth <= 8 and "not_looked_at" in found


def test_hostile_texts(inspect_bytes, pvhboot, tmp_path, payloads):
    """What would do things to a terminal comes out as ? there, and whole in JSON."""
    evil = b"\x1b]0;owned\x07 \xff\xfe \x9b31m end"
    uki = make_uki(tmp_path / "linux.efi", [(".cmdline", evil), (".linux", (payloads / "linux64.bzImage").read_bytes())])
    _, found = inspect_bytes(uki.read_bytes())
    (section,) = [section for section in found["sections"] if section["name"] == ".cmdline"]
    assert section["text"].encode("latin-1") == evil
    odd = tmp_path / "\x1b[31m\udcff.efi"
    odd.write_bytes(uki.read_bytes())
    result = pvhboot("inspect", odd)
    assert all(byte == 10 or 32 <= byte < 127 for byte in result.raw), result
    assert "?]0;owned?" in result.out and "?[31m?.efi: UKI" in result.out


def test_many_sections_of_the_same_bytes(inspect_bytes, payloads):
    """All of a file may be in each of its sections: no more is looked at than would be honest."""
    kernel = (payloads / "linux64.bzImage").read_bytes().ljust(8 << 20, b"\0")
    count, data = 2000, 0x20000
    headers = bytearray(struct.pack("<2s58xI4sHHIIIHHH", b"MZ", 0x40, b"PE\0\0", 0x8664, count, 0, 0, 0, 0x10, 0x22, 0x20B))
    headers = headers.ljust(0x68, b"\0") + struct.pack("<8sIIII16x", b".linux", len(kernel), 0x1000, len(kernel), data) * count
    status, found = inspect_bytes(headers.ljust(data, b"\0") + kernel)
    assert found["kind"] == "uki" and 1 < len(found["sections"]) < count
    looked_at = [section for section in found["sections"] if "not_looked_at" not in part(section, "data")]
    assert 1 < len(looked_at) < len(found["sections"])


def test_files_with_odd_names(inspect, payloads, tmp_path):
    odd = tmp_path / "a \"name\",\twith \\ things"
    odd.write_bytes((payloads / "pvh.elf").read_bytes())
    status, _ = inspect(odd)
    assert status == DONE


def test_names_are_utf8(pvhboot, payloads, tmp_path):
    """As on the command line, but for what a terminal would obey."""
    for name, shown in (("k\u00e4rnel", "k\u00e4rnel"), ("k\x1b[31m", "k?[31m"), ("k" * 200, "k" * 200)):
        path = tmp_path / name
        path.write_bytes((payloads / "pvh.elf").read_bytes())
        assert pvhboot("inspect", path).out.startswith(f"{tmp_path}/{shown}: PVH kernel"), name


# ---- The command ----


def test_the_worst_file_decides(pvhboot, payloads, tmp_path):
    good, bad, missing = payloads / "pvh.elf", tmp_path / "text", tmp_path / "missing"
    bad.write_bytes(b"a text")
    assert pvhboot("inspect", good, good).status == DONE
    assert pvhboot("inspect", bad, good).status == DOES_NOT_BOOT
    result = pvhboot("inspect", "--json", missing, bad, tmp_path, good)
    assert result.status == TROUBLE
    assert [found["file"] for found in json.loads(result.out)] == [str(bad), str(good)]
    assert result.err.splitlines() == [f"pvhboot: {missing}: No such file or directory", f"pvhboot: {tmp_path}: Is a directory"]


def test_wrong_usage(pvhboot, payloads):
    for words in ([], ["--jsom", payloads / "pvh.elf"], ["--json"]):
        result = pvhboot("inspect", *words)
        assert result.status == USAGE and result.out == "" and result.complaint


def test_colours_only_on_a_terminal(pvhboot_path, payloads, tmp_path):
    bad = tmp_path / "text"
    bad.write_bytes(b"a text")
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with Terminal([pvhboot_path, "inspect", payloads / "pvh.elf", bad], env=environment) as terminal:
            assert terminal.end() == DOES_NOT_BOOT
            assert ("\x1b[32m  boots" in terminal.text and "\x1b[31m  does not boot" in terminal.text) == coloured
            assert ("\x1b" in terminal.text) == coloured


def test_a_file_of_more_than_4_gib(inspect, tmp_path):
    """It takes no room on the disk, and is not read through."""
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(1 << 36)
    status, found = inspect(path)
    assert status == DOES_NOT_BOOT and found["error"] == 0 and "was not tried" in found["text"] and found["size"] == 1 << 36


def test_a_full_disk(pvhboot_path, payloads):

    with open("/dev/full", "wb") as full:
        done = subprocess.run([pvhboot_path, "inspect", payloads / "pvh.elf"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == TROUBLE and b"No space left" in done.stderr
