# SPDX-License-Identifier: BSD-2-Clause
"""Compressed payloads: what was packed boots as if it had not been, and what was damaged is told of and does not boot."""

import functools
import itertools
import lzma
import re
import struct
import zlib

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "multiboot_boots")

import boot_image
import elf_image
import handover
import handover_multiboot
import handover_pvh
import multiboot_boots
import reporter
from boots import BOARDS, MIB, MICROVM, NO_LONG_MODE, OURS, PC, error_of, report_of
from fit import Configuration, Image, bundle
from handover import PAGE
from packing import FORMATS, NAMES, deflate, gzip_member, lz4_with_content_size, lz4_with_dictionary, pack, skippable

FREE = 0x3000000  # where made hosts have nothing

FIRST, SECOND = (boot_image.random_bytes(size, size) for size in (5003, 70_000))
MODULES = [handover_multiboot.Module(FIRST, b"of the first"), handover_multiboot.Module(SECOND)]


@pytest.fixture
def make(tmp_path):
    """make(images, ...) -> the bytes of a bundle: the first is the kernel, the others are loadables, in this order."""
    names = itertools.count()

    def make_bundle(images, *, ramdisk=None, configuration=None, **more):
        loadables = tuple(image.name for image in images[1:] if image.name != ramdisk)
        configuration = configuration or Configuration("conf", images[0].name, ramdisk=ramdisk, loadables=loadables)
        return bundle(tmp_path / f"bundle{next(names)}.itb", images, [configuration], **more).read_bytes()

    return make_bundle


# ---- what is packed, and how its report is judged ----

INITRD = boot_image.cpio(30_001)
KINDS = ["linux", "multiboot1", "multiboot2", "pvh", "vmlinux", "bundle"]
KERNELS = {"linux": "linux64.bzImage", "multiboot1": "multiboot1-sections.elf", "multiboot2": "multiboot2-relocatable.elf",
           "pvh": "pvh-section.elf", "vmlinux": "vmlinux64.elf", "bundle": "multiboot1-64.elf"}


@pytest.fixture
def kernel_of(payloads):
    return lambda kind: (payloads / KERNELS[kind]).read_bytes()


@pytest.fixture
def content_of(kernel_of, make):
    """content_of(kind) -> what there is to pack."""
    def content(kind):
        if kind == "linux":
            return kernel_of(kind) + INITRD
        if kind == "bundle":
            return make([Image("kernel", kernel_of(kind), command_line="of the bundle"),
                         *(Image(f"m{index}", module.data, command_line=module.line.decode() or None)
                           for index, module in enumerate(MODULES))], external=True, alignment=PAGE)
        return kernel_of(kind)

    return content


def judge(kind, kernel, result, host, line=b"", **more):
    """The report must be that of what was packed; `host` tells memory and RSDP, as a report or a made host does."""
    machine = {"memory": host.memory, "rsdp": getattr(host, "rsdp", multiboot_boots.NO_RSDP)} | more
    if kind == "linux":
        handover.check(report_of(result), handover.Given(kernel=kernel, initrd=INITRD, command_line=line, **machine))
    elif kind == "vmlinux":
        handover.check(report_of(result), handover.GivenVmlinux(kernel=kernel, initrd=None, command_line=line, **machine))
    elif kind == "pvh":
        handover_pvh.check(report_of(result, "pvh"), handover_pvh.Given(kernel=kernel, command_line=line, **machine))
    else:
        protocol = 2 if kind == "multiboot2" else 1
        modules = MODULES if kind == "bundle" else []
        if kind == "bundle":
            line = b" ".join(filter(None, [b"of the bundle", line]))
        scan = "host" if hasattr(host, "rsdp") else "none"
        multiboot_boots.check(result, kernel, protocol, host, line, modules=modules, scan=scan, **more)


# ---- what boots ----


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", FORMATS)
def test_every_format_and_kind(format, kind, boot, host_of, kernel_of, content_of):
    machine = BOARDS[(FORMATS.index(format) + KINDS.index(kind)) % len(BOARDS)]
    if KINDS.index(kind) % 2:
        machine = machine.but(memory="5G")
    module = pack(format, content_of(kind))
    line = OURS + b" a  b"
    judge(kind, kernel_of(kind), boot(machine, module, line), host_of(machine, module, line), b"a  b")


def test_initrd_packed_behind_a_kernel(boot, host_of, payloads):
    """Of a bzImage and of a vmlinux, which know where they end; joined as files, each packed by itself."""
    for name, given in (("linux32.bzImage", handover.Given), ("vmlinux64.elf", handover.GivenVmlinux)):
        kernel = (payloads / name).read_bytes()
        module = pack("zstd", kernel) + pack("zstd", INITRD)
        host = host_of(MICROVM, module, OURS)
        handover.check(report_of(boot(MICROVM, module)), given(kernel=kernel, initrd=INITRD, command_line=b"",
                                                              memory=host.memory, rsdp=host.rsdp))


def test_verbose_shows_no_plan_where_there_is_none(boot, payloads):
    packed = pack("gzip", (payloads / "multiboot1.elf").read_bytes())
    result = boot(MICROVM, packed[:-9], OURS + b" pvhboot.verbose")
    assert "pvhboot: module 0" in result.text and "E540" in result.text
    assert "enter" not in result.text and "moved" not in result.text, result


@pytest.mark.parametrize("format", FORMATS)
def test_elf_file_is_unpacked_to_where_it_goes(format, boot):
    """The file has one place only, so that of two segments the larger one is in its own."""
    data = boot_image.random_bytes(200_000)
    segments = [elf_image.Segment(0x2000000, data[:60_000], 60_000), elf_image.Segment(0x3000000, data[60_000:], 140_000)]
    kernel = elf_image.make(segments, entry=0, notes=[elf_image.xen_entry(0x2000000)])
    result = boot(MICROVM, pack(format, kernel), OURS + b" pvhboot.verbose")
    moved, = re.findall(r"moved (\d+) bytes", result.text)
    assert int(moved) == 60_000 and re.search(r"plan 0x3000000 to \S+ kernel, stays", result.text), result


def test_lzma_is_not_joined(boot, payloads):
    """xz(1) does not take it, either: there is no magic number to tell a file from what is none."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    assert error_of(boot(MICROVM, pack("lzma", kernel) + pack("lzma", kernel))) == "E545"


def test_bundle_that_would_unpack_the_same_again_and_again(boot, payloads, make):
    """Its images are all the same bytes of the file: five of them are more than four times what there is."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    packed = pack("gzip", boot_image.random_bytes(300_000))
    images = [Image("kernel", kernel)] + [Image(f"m{index}", packed, compression="gzip") for index in range(5)]
    module = make(images, external=True, alignment=PAGE)
    places = [match.start() for match in re.finditer(re.escape(packed), module)]
    assert len(places) == 5
    tree = module[:places[0]]
    # Every offset is that of the first one, and the rest of the file is cut off.
    base = int.from_bytes(module[4:8], "big") + 3 & ~3
    for place in places[1:]:
        tree = tree.replace((place - base).to_bytes(4, "big"), (places[0] - base).to_bytes(4, "big"))
    assert error_of(boot(MICROVM, tree + packed)) == "E535"


@pytest.mark.parametrize("format", FORMATS)
def test_processor_without_long_mode(format, boot, host_of, payloads):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    machine = PC.but(**NO_LONG_MODE)
    module = pack(format, kernel)
    multiboot_boots.check(boot(machine, module, OURS, "pvhboot32.elf"), kernel, 1, host_of(machine, module, OURS),
                          long_mode=False)


def options(format, **words):
    """{name: what packs data so}."""
    return {name.replace("_", " "): functools.partial(packed_with, format, text.split()) for name, text in words.items()}


def packed_with(format, words, data):
    return pack(format, data, *words)


def followed_by(format, tail):
    return lambda data: pack(format, data) + tail


def lzma_with_its_size(data, size=None):
    """With an end marker behind the data, which the format allows, and the size in front."""
    packed = pack("lzma", data)
    return packed[:5] + struct.pack("<Q", len(data) if size is None else size) + packed[13:]


VARIANTS = {
    "gzip": options("gzip", level_1="-1", level_6="-6", level_9="-9") | {
        "stored": functools.partial(gzip_member, level=0),
        "name": functools.partial(gzip_member, name=b"vmlinux"),
        "all fields": functools.partial(gzip_member, name=b"n" * 300, comment=b"a \xff comment", extra=b"AB\4\0extr",
                                        header_checksum=True),
        "joined": lambda data: b"".join([gzip_member(data[:1000]), gzip_member(b""), gzip_member(data[1000:3000], name=b"x"),
                                         gzip_member(data[3000:])]),
        "zeros behind it": followed_by("gzip", bytes(1537)),
    },
    "xz": options("xz", level_0="-0", level_6="-6", level_9="-9e --lzma2=preset=9e,dict=4MiB", no_check="--check=none",
                  crc32="--check=crc32", crc64="--check=crc64", sha256="--check=sha256",
                  as_Linux="--check=crc32 --x86 --lzma2=preset=6,lc=1,lp=2,pb=3", x86="--x86 --lzma2",
                  delta="--delta=dist=4 --lzma2", small_dictionary="--lzma2=dict=4096,mode=fast",
                  of_blocks="--block-size=4096", threads="-T2 --block-size=8192") | {
        "joined": lambda data: b"".join([pack("xz", data[:1000]), bytes(8), pack("xz", b""),
                                         pack("xz", data[1000:], "--check=sha256")]),
        "zeros behind it": followed_by("xz", bytes(1536)),
        "zeros, no multiple of four": followed_by("xz", bytes(1537)),
    },
    "lzma": options("lzma", level_0="-0", level_6="-6", small_dictionary="--lzma1=dict=64KiB") | {
        "with its size": lzma_with_its_size,
        "zeros behind it": followed_by("lzma", bytes(777)),
    },
    "zstd": options("zstd", level_1="-1", level_3="-3", level_19="-19", fast="--fast=5", ultra="--ultra -22", long="--long=27",
                    longer="--long=30", no_checksum="--no-check", no_size="--no-content-size",
                    literals="--no-compress-literals") | {
        "size": lambda data: pack("zstd", data, f"--stream-size={len(data)}"),
        "frames": lambda data: pack("zstd", data[:1000]) + pack("zstd", b"") + pack("zstd", data[1000:], "--no-check"),
        "skippable frames": lambda data: b"".join([skippable(b"x" * 300), pack("zstd", data[:1000]), skippable(b"", 15),
                                                   pack("zstd", data[1000:])]),
        "skippable frames at its end": lambda data: pack("zstd", data) + skippable(b"index" * 10, 14) + skippable(b""),
        "zeros behind it": followed_by("zstd", bytes(1537)),
    },
    "lz4": options("lz4", level_1="-1", level_9="-9", level_12="-12", kind_4="-B4", kind_5="-B5", kind_6="-B6", kind_7="-B7",
                   small_blocks="-B300 -BI", dependent="-B1024 -BD", block_checksums="-B4 -BX -BD",
                   no_checksum="--no-frame-crc", fast="--fast=9") |
    options("lz4 legacy", legacy_level_1="-1", legacy_level_9="-9", legacy_level_12="-12") | {
        "frames": lambda data: pack("lz4", data[:1000]) + pack("lz4", b"") + pack("lz4", data[1000:], "-BX"),
        "skippable frames": lambda data: b"".join([skippable(b"x" * 300), pack("lz4", data[:1000]), skippable(b"", 15),
                                                   pack("lz4", data[1000:])]),
        "skippable frames at its end": lambda data: pack("lz4", data) + skippable(b"index" * 10, 14) + skippable(b""),
        "content size": lz4_with_content_size,
        "zeros behind it": followed_by("lz4", bytes(1537)),
        "legacy, joined": lambda data: pack("lz4 legacy", data[:1000]) + pack("lz4 legacy", data[1000:]),
        "a frame, joined to legacy": lambda data: pack("lz4", data[:1000]) + pack("lz4 legacy", data[1000:]),
        "legacy, joined to a frame": lambda data: pack("lz4 legacy", data[:1000]) + pack("lz4", data[1000:]),
        "legacy, zeros behind it": followed_by("lz4 legacy", bytes(1537)),
    },
}


@pytest.mark.parametrize("format", VARIANTS)
def test_every_option(format, boot, host_of, kernel_of, content_of):
    """The kinds take turns."""
    for number, packed in enumerate(VARIANTS[format].values()):
        kind = KINDS[number % len(KINDS)]
        module = packed(content_of(kind))
        judge(kind, kernel_of(kind), boot(MICROVM, module), host_of(MICROVM, module, OURS))


def contents():
    """Of sizes and kinds that packers treat differently."""
    text = b"".join(b"line %d of a text\n" % number for number in range(6000))
    noise = boot_image.random_bytes(40_000)
    return {"one byte": b"x", "noise": boot_image.random_bytes(100_001), "zeros": bytes(300_003), "text": text,
            "both": text[:40_000] + noise + bytes(40_000) + text[:60_000] + noise[::-1], "64 KiB": text[:65536]}


@pytest.mark.parametrize("format", VARIANTS)
@pytest.mark.parametrize("layout", [{}, {"external": True, "alignment": PAGE}], ids=["embedded", "external"])
def test_modules_of_a_bundle(layout, format, boot, host_of, payloads, make):
    """Every option and content at once: whose property says so are unpacked, and are modules as any."""
    kernel = (payloads / "multiboot2.elf").read_bytes()
    images, modules = [Image("kernel", kernel)], []
    everything = contents()
    packed = [(name, packer(everything["both"]), everything["both"]) for name, packer in VARIANTS[format].items()]
    packed += [(name, pack(format, data), data) for name, data in everything.items()]
    for name, compressed, data in packed:
        # Of names, FIT allows not every character.
        images.append(Image(f"i{len(images)}", compressed, type="firmware", compression=format, command_line=name))
        modules.append(handover_multiboot.Module(data, name.encode()))
    module = make(images, **layout)
    machine = MICROVM.but(memory="512M")
    multiboot_boots.check(boot(machine, module), kernel, 2, host_of(machine, module, OURS), modules=modules)


# A kernel that takes room: what is packed is more than what the decoders have for themselves.
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("memory", ["32M", "128M"])
def test_large_kernel(memory, format, boot, host_of, payloads):
    code, = elf_image.ElfImage((payloads / "pvh.elf").read_bytes()).segments
    noise = boot_image.random_bytes(1 << 20)
    start = code.address + 0x100000
    segments = [code, elf_image.Segment(start, noise + bytes(6 * MIB) + noise[::-1] + bytes(range(256)) * 4096, 10 * MIB)]
    kernel = elf_image.make(segments, entry=0, notes=[elf_image.xen_entry(code.address)])
    words = {"xz": ["--lzma2=dict=1MiB"], "lzma": ["--lzma1=dict=1MiB"]}.get(format, [])
    module = pack(format, kernel, *words)
    machine = MICROVM.but(memory=memory)
    report = report_of(boot(machine, module), "pvh")
    host = host_of(machine, module, OURS)
    given = handover_pvh.Given(kernel=kernel, command_line=b"", memory=host.memory, rsdp=host.rsdp)
    given.code, given.load_address = code, code.address
    handover_pvh.check(report, given)


def test_verbose_tells_where_it_is_unpacked(boot, payloads):
    """And that the kernel is moved from there; what is handed over does not change."""
    module = pack("lz4", (payloads / "pvh.elf").read_bytes())
    result = boot(MICROVM, module, OURS + b" pvhboot.verbose")
    start, end = (int(number, 16) for number in re.search(r"^pvhboot: unpacked (\S+) to (\S+)$", result.text, re.M).groups())
    source, = re.findall(r"^pvhboot: plan 0x100000 to \S+ kernel, from (\S+)$", result.text, re.M)
    assert "pvhboot: payload is pvh\n" in result.text and "pvhboot: enter 0x100000 in 32-bit mode\n" in result.text
    assert end - start == (payloads / "pvh.elf").stat().st_size and start < int(source, 16) < end
    assert reporter.parse(result.text)["load_address"] == 0x100000


# ---- what stays as it is ----


@pytest.mark.parametrize("format", FORMATS)
def test_initrd_stays_packed(format, boot, host_of, payloads, make):
    """Behind a kernel, and in a bundle as ramdisk, or as a loadable that says it is one."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    initrd = pack(format, boot_image.cpio(60_000))
    marked = {"compression": NAMES[format]}
    for module in (kernel + initrd,
                   make([Image("kernel", kernel), Image("initrd", initrd, type="ramdisk", **marked)], ramdisk="initrd"),
                   make([Image("kernel", kernel), Image("initrd", initrd, type="firmware", **marked)], ramdisk="initrd"),
                   make([Image("kernel", kernel), Image("initrd", initrd, type="ramdisk", **marked)]),
                   make([Image("kernel", kernel), Image("initrd", initrd, type="firmware")]),
                   pack(format, kernel + initrd)):
        report = report_of(boot(MICROVM, module))
        zeros = report.initrd.size - len(initrd)
        assert 0 <= zeros < PAGE and report.initrd.crc32 == zlib.crc32(bytes(zeros) + initrd)


@pytest.mark.parametrize("format", FORMATS)
def test_modules_of_the_host_stay_packed(format, host, boot_host, payloads):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    packed = pack(format, kernel)
    modules = multiboot_boots.give(host, (FREE, packed, None), (FREE + 0x100000, packed, b"as it is"))[1:]
    multiboot_boots.check_on_host(boot_host(host), host, kernel, 1, modules=modules)


# ---- bundles ----


@pytest.mark.parametrize("format", ["gzip", "xz", "lz4 legacy"])
@pytest.mark.parametrize("compression", ["gzip", "lzma", "lz4", "zstd", "xz", "none", "bzip2", "lzo", "GZIP"])
def test_property_of_the_kernel(compression, format, boot, payloads, make):
    """It has to be what the property says; none says nothing, and it is told by its content."""
    packed = pack(format, (payloads / "multiboot1.elf").read_bytes())
    result = boot(MICROVM, make([Image("kernel", packed, compression=compression)]))
    if compression in (NAMES[format], "none"):
        report_of(result, "multiboot1")
    else:
        assert error_of(result) == ("E534" if compression in NAMES.values() else "E526")
        assert '"kernel"' in result.errors[0][1]


@pytest.mark.parametrize("compression, number", [("gzip", "E534"), ("lz4", "E534"), ("bzip2", "E526"), ("lzo", "E526"),
                                                 ("", None), ("none", None)])
@pytest.mark.parametrize("which", ["kernel", "module"])
def test_property_of_what_is_not_packed(which, compression, number, boot, payloads, make):
    images = [Image(name, data, compression=compression if name == which else "none", type="firmware")
              for name, data in (("kernel", payloads / "multiboot1.elf"), ("module", FIRST))]
    result = boot(MICROVM, make(images))
    if number:
        assert error_of(result) == number
        assert f'"{which}"' in result.errors[0][1]
    else:
        report_of(result, "multiboot1")


def test_image_in_two_roles(boot, payloads, make):
    """As a ramdisk it stays as it is, as a loadable it is unpacked; and so often as it is listed."""
    packed = pack("gzip", SECOND)
    images = [Image("kernel", payloads / "multiboot1.elf"), Image("m", packed, type="firmware", compression="gzip"),
              Image("n", packed, type="firmware", compression="gzip"), Image("m2", FIRST)]
    twice = Configuration("conf", "kernel", ramdisk="m", loadables=("m", "n", "m2", "m"))
    report = report_of(boot(MICROVM, make(images, configuration=twice)), "multiboot1")
    assert [blob.crc32 for blob in report.modules] == [zlib.crc32(data) for data in (packed, SECOND, SECOND, FIRST, SECOND)]


@pytest.mark.parametrize("format", FORMATS)
def test_hashes_are_of_what_is_stored(format, boot, host_of, payloads, make):
    """So are those of the command line."""
    import hashlib
    kernel = (payloads / "multiboot1.elf").read_bytes()
    packed, module = pack(format, kernel), pack(format, FIRST)
    images = [Image("kernel", packed, hashes=("sha256", "crc32")),
              Image("module", module, compression=NAMES[format], hashes=("sha512",))]
    whole = make(images)
    line = OURS + b" pvhboot.verify=require"
    modules = [handover_multiboot.Module(FIRST)]
    multiboot_boots.check(boot(MICROVM, whole, line), kernel, 1, host_of(MICROVM, whole, line), modules=modules)
    for data, name in ((packed, "kernel"), (module, "module")):
        at = whole.index(data) + len(data) - 1
        result = boot(MICROVM, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:], line)
        assert error_of(result) == "E528" and f'"{name}"' in result.errors[0][1]
    word = b" pvhboot.verify=require pvhboot.sha256="
    line = OURS + word + hashlib.sha256(packed).hexdigest().encode()
    multiboot_boots.check(boot(MICROVM, packed, line), kernel, 1, host_of(MICROVM, packed, line))
    assert error_of(boot(MICROVM, packed, OURS + word + hashlib.sha256(kernel).hexdigest().encode())) == "E510"


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_module_of_a_bundle(format, boot, payloads, make):
    for data, number in ((pack(format, SECOND)[:-30], "E540"), (pack(format, SECOND) + b"x", "E545"),
                         (pack(format, pack("gzip", SECOND)), None)):
        images = [Image("kernel", payloads / "multiboot1.elf"), Image("m", data, type="firmware", compression=NAMES[format])]
        result = boot(MICROVM, make(images))
        if number:
            assert error_of(result) == number
        else:
            # What comes out of it is the module, whatever it is.
            assert report_of(result, "multiboot1").modules[0].crc32 == zlib.crc32(pack("gzip", SECOND))


# ---- hosts made to measure ----

# Odd places, on the image and the kernel's place, below 1 MiB, at the end of RAM.
PLACES = [0x2000001, 0x1FFF, 0x40003, 0x160000, 0x1FFFFE, 0x200000, 0xFFF801, 0x1000000, "end"]


@pytest.mark.parametrize("kind, format", list(zip(KINDS, FORMATS)))
def test_packed_data_anywhere(kind, format, host, boot_host, kernel_of, content_of):
    packed = pack(format, content_of(kind))
    host.start_low_memory_free()
    for place in PLACES:
        host.modules.clear()
        host.module(0x5000000 - len(packed) if place == "end" else place, packed)
        judge(kind, kernel_of(kind), boot_host(host), host)


@pytest.mark.parametrize("format", FORMATS)
def test_packed_data_at_address_0(format, host, boot_host, payloads):
    """Where a library that is given a pointer takes it for none."""
    kernel = (payloads / "multiboot2.elf").read_bytes()
    host.start_low_memory_free()
    host.memory = [(0, 0x9F000, reporter.RAM), (0x100000, 0x4F00000, reporter.RAM)]
    host.module(0, pack(format, kernel))
    multiboot_boots.check_on_host(boot_host(host), host, kernel, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_later_modules(kind, host, boot_host, kernel_of, content_of):
    """The host's, behind what was packed with it."""
    more = boot_image.random_bytes(9999)
    host.module(FREE, pack("xz", content_of(kind))).module(0x2000000, more)
    result = boot_host(host)
    if kind in ("linux", "vmlinux"):
        expected = INITRD + bytes(-len(INITRD) % 4) + more if kind == "linux" else more
        report = report_of(result)
        zeros = report.initrd.size - len(expected)
        assert 0 <= zeros < PAGE and report.initrd.crc32 == zlib.crc32(bytes(zeros) + expected)
    else:
        report = report_of(result, {"bundle": "multiboot1"}.get(kind, kind))
        assert (report.modules[-1].address, report.modules[-1].crc32) == (0x2000000, zlib.crc32(more))
        assert len(report.modules) == (3 if kind == "bundle" else 1)


# ---- what does not boot ----


def flipped(data, at, bit=0):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


@pytest.mark.parametrize("format", FORMATS)
def test_cut_off_anywhere(format, boot, payloads):
    packed = pack(format, (payloads / "multiboot1.elf").read_bytes())
    whole = len(packed)
    for size in (20, 21, 30, whole // 3, whole // 2, whole - 17, whole - 8, whole - 4, whole - 1):
        assert error_of(boot(MICROVM, packed[:size])) == "E540", size


# The formats with a checksum of what was packed. In the others damage can come out as data.
@pytest.mark.parametrize("format", ["gzip", "xz", "zstd", "lz4"])
def test_any_bit_turned_over(format, boot, host_of, payloads):
    """Either that changes nothing, or it is an error of the unpacking; or it is no longer packed data at all."""
    kernel = (payloads / "pvh.elf").read_bytes()
    packed = pack(format, kernel)
    places = [0, 3, *range(4, 30, 3), *range(100, len(packed), len(packed) // 6), *range(len(packed) - 16, len(packed), 4)]
    numbers = set()
    for number, place in enumerate(places):
        result = boot(MICROVM, flipped(packed, place, number % 8))
        if not result.errors:
            judge("pvh", kernel, result, host_of(MICROVM, packed, OURS))
            continue
        numbers.add(error_of(result))
        allowed = {"E540", "E541", "E542", "E543", "E544", "E545", "E548"} | ({"E501"} if place < 6 else set())
        assert error_of(result) in allowed, (place, result)
        assert f" {NAMES[format]}: " in f" {result.errors[0][1]}" or error_of(result) == "E501"
    assert numbers & {"E541", "E542"}


def wrong_checksums(data):
    """Sound but for a checksum or a length: (name, bytes, errors that tell it)."""
    gzip, zstd, lz4 = pack("gzip", data), pack("zstd", data), pack("lz4", data, "-BX", "-B4")
    yield "gzip's checksum", flipped(gzip, len(gzip) - 8), ["E542"]
    yield "gzip's length", flipped(gzip, len(gzip) - 4), ["E542"]
    yield "gzip's length, highest bit", flipped(gzip, len(gzip) - 1, 7), ["E542"]
    yield "a member's checksum", flipped(gzip, len(gzip) - 8) + gzip, ["E542"]
    yield "the last member's", gzip + flipped(gzip, len(gzip) - 5), ["E542"]
    for check, size in (("crc32", 4), ("crc64", 8), ("sha256", 32)):
        xz = pack("xz", data, f"--check={check}")
        # Index and footer are behind it, 12 bytes the latter.
        footer = len(xz) - 12
        index = footer - (struct.unpack_from("<I", xz, footer + 4)[0] + 1) * 4
        yield f"xz's {check}", flipped(xz, index - size), ["E541", "E542"]
        yield f"xz's index, {check}", flipped(xz, footer - 1), ["E541", "E542"]
    yield "zstd's checksum", flipped(zstd, len(zstd) - 1), ["E542"]
    yield "lz4's checksum", flipped(lz4, len(lz4) - 1), ["E542"]
    yield "a block's", flipped(lz4, 7 + 4 + (struct.unpack_from("<I", lz4, 7)[0] & 0x7FFFFFFF)), ["E541", "E542"]
    yield "lz4's header", flipped(lz4, 6), ["E541", "E542"]
    yield "lz4's content size, too small", lz4_with_content_size(data, len(data) - 1), ["E541", "E542"]
    yield "lz4's content size, too large", lz4_with_content_size(data, len(data) + 1), ["E541", "E542"]
    yield "lzma's length, too small", lzma_with_its_size(data, len(data) - 1), ["E541", "E542", "E545"]
    yield "lzma's length, too large", lzma_with_its_size(data, len(data) + 1), ["E540", "E541", "E542"]


def test_wrong_checksum_or_length(boot, payloads):
    for name, damaged, numbers in wrong_checksums((payloads / "multiboot1.elf").read_bytes()):
        assert error_of(boot(MICROVM, damaged)) in numbers, name


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("tail", [b"x", b"\0" * 64 + b"x", boot_image.cpio(5000), "other"],
                         ids=["byte", "zeros", "cpio", "other"])
def test_something_behind_it(tail, format, boot, payloads):
    """Another file can only be of the same format."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    if tail == "other":
        tail = pack("zstd" if format == "gzip" else "gzip", b"more")
    numbers = ["E545"]
    if format == "lz4 legacy":
        # Whose next four bytes are the size of a block.
        numbers += ["E540", "E541", "E543"]
    assert error_of(boot(MICROVM, pack(format, kernel) + tail)) in numbers


@pytest.mark.parametrize("outer, inner", list(zip(FORMATS, FORMATS[1:] + FORMATS[:1])) + [("gzip", "gzip"), ("xz", "xz")])
def test_packed_twice(outer, inner, boot, payloads, make):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    twice = pack(outer, pack(inner, kernel))
    result = boot(MICROVM, twice)
    assert error_of(result) == "E547"
    assert NAMES[inner] in result.errors[0][1]
    assert error_of(boot(MICROVM, make([Image("kernel", twice, compression=NAMES[outer])]))) == "E547"
    assert error_of(boot(MICROVM, pack(outer, make([Image("kernel", pack(inner, kernel))])))) == "E547"


def test_kernel_inside_of_a_packed_bzimage(boot, host_of, payloads):
    """That one is packed in a packed file, but is not the payload twice."""
    inner = (payloads / "pvh.elf").read_bytes()
    kernel = boot_image.with_inner_kernel((payloads / "linux32.bzImage").read_bytes(), pack("gzip", inner))
    module, line = pack("xz", kernel), OURS + b" pvhboot.protocol=pvh"
    host = host_of(MICROVM, module, line)
    given = handover_pvh.Given(kernel=inner, command_line=b"", memory=host.memory, rsdp=host.rsdp)
    handover_pvh.check(report_of(boot(MICROVM, module, line), "pvh"), given)


# ---- bombs ----


@functools.cache
def bomb(format):
    """Some GiB of zeros, or as many as a file can be made to say in a second."""
    if format == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
        chunk = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
        return gzip_member(b"")[:10] + chunk * 4096 + deflate(b"") + bytes(8)
    if format == "xz":
        return pack("xz", bytes(16 * MIB)) * 256
    if format == "lzma":
        return pack("lzma", bytes(64 * MIB), "-0")
    if format == "zstd":
        # One frame with a window of 8 MiB: blocks that say 128 KiB of a byte.
        block = (1 << 17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
        last = (1 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
        return struct.pack("<IBB", 0xFD2FB528, 0, 13 << 3) + block * (8 * 4096) + last
    if format == "lz4":
        packed = pack("lz4", bytes(16 * MIB), "-B7", "-BI", "--no-frame-crc")
        return packed[:7] + packed[7:-4] * 64 + packed[-4:]
    packed = pack("lz4 legacy", bytes(16 * MIB))
    return packed[:4] + packed[4:] * 64


@pytest.mark.parametrize("format, memory", [*((format, "48M") for format in FORMATS), ("gzip", "160M"), ("zstd", "160M")])
def test_size_bomb(format, memory, boot):
    result = boot(MICROVM.but(memory=memory), bomb(format), timeout=60)
    assert error_of(result) == "E543"


def test_bomb_in_a_bundle(boot, payloads, make):
    images = [Image("kernel", payloads / "multiboot1.elf"), Image("m", bomb("zstd"), type="firmware", compression="zstd")]
    assert error_of(boot(MICROVM.but(memory="64M"), make(images), timeout=60)) == "E543"


def test_file_that_promises_too_much(boot, payloads):
    """A header that tells of more than there is room for: no byte of it has to be unpacked to know."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    packed = bytearray(pack("lzma", kernel))
    packed[5:13] = struct.pack("<Q", 1 << 40)
    # By a size that is none the file is not taken for lzma.
    assert error_of(boot(MICROVM, bytes(packed))) in ("E501", "E540", "E541", "E542", "E543")
    packed = bytearray(pack("zstd", kernel, f"--stream-size={len(kernel)}"))
    assert packed[4] >> 6 == 1, "two bytes of content size"
    frame = struct.pack("<IBQ", 0xFD2FB528, 0xE0 | packed[4] & 4, 1 << 40) + bytes(packed[7:])
    assert error_of(boot(MICROVM, frame)) in ("E541", "E542", "E543", "E544")


@pytest.mark.parametrize("format, words, boots", [
    ("xz", ("--lzma2=dict=256MiB",), False), ("lzma", ("--lzma1=dict=256MiB",), False), ("xz", ("--lzma2=dict=8MiB",), True),
    ("zstd", ("--long=30",), True)])
def test_memory_of_the_decoder(format, words, boots, boot, payloads):
    """A dictionary that does not fit; zstd's window is what was unpacked."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    packed = pack(format, kernel, *words)
    result = boot(MICROVM.but(memory="64M"), packed)
    if boots:
        report_of(result, "multiboot1")
    else:
        assert error_of(result) == "E544"


# ---- what a format has that a decoder has not ----


def test_dictionaries(boot, payloads):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    zstd = bytearray(pack("zstd", kernel, "--no-check", f"--stream-size={len(kernel)}"))
    # Frame_Header_Descriptor: a dictionary of one byte's number, which stands in front of the size.
    zstd[4] |= 1
    with_number = bytes(zstd[:5]) + b"\x2a" + bytes(zstd[5:])
    assert error_of(boot(MICROVM, with_number)) == "E548"
    assert error_of(boot(MICROVM, lz4_with_dictionary(kernel, 42))) == "E548"


def test_window_of_zstd_that_is_too_large(boot, payloads):
    """2 GiB, which its decoder takes on 64-bit machines only."""
    packed = pack("zstd", (payloads / "multiboot1.elf").read_bytes(), "--long=31")
    assert error_of(boot(MICROVM, packed)) == "E548"


def test_lzma_with_properties_of_its_own(boot, payloads, make):
    """It has no magic number: it is told by the default properties."""
    packed = pack("lzma", (payloads / "multiboot1.elf").read_bytes(), "--lzma1=lc=0,lp=3,pb=1")
    assert error_of(boot(MICROVM, packed)) == "E501"
    assert error_of(boot(MICROVM, make([Image("kernel", packed, compression="lzma")]))) == "E534"


@pytest.mark.parametrize("name", ["ARM", "POWERPC", "IA64", "ARMTHUMB", "SPARC"])
def test_filters_of_xz(name, boot, payloads):
    """Those for other processors, too: liblzma has them, and each undoes what it did."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    filters = [{"id": getattr(lzma, f"FILTER_{name}")}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
    assert report_of(boot(MICROVM, lzma.compress(kernel, filters=filters)), "multiboot1").kernel.size


def test_check_that_xz_does_not_know(boot, payloads):
    """Reserved numbers of checks: what is not verified does not boot."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    packed = pack("xz", kernel, "--check=crc32")
    for check in (2, 5, 0xB):
        flags = bytes([0, check])
        sum_of = struct.pack("<I", zlib.crc32(flags))
        footer = packed[-12:]
        size = footer[4:8] + flags
        damaged = (packed[:6] + flags + sum_of + packed[12:-12] + struct.pack("<I", zlib.crc32(size)) + size + b"YZ")
        assert error_of(boot(MICROVM, damaged)) == "E548"


@pytest.mark.parametrize("magic", [b"BZh9", b"\x89LZO", b"\x02\x21\x4c\x18"[::-1], b"\x1f\x9d\x90", b"LZIP\1", b"7z\xbc\xaf"])
def test_formats_that_are_not_known(magic, boot):
    assert error_of(boot(MICROVM, magic + boot_image.random_bytes(5000))) == "E501"


def test_what_only_begins_as_packed_data_does(boot):
    for format in FORMATS:
        head = pack(format, b"x" * 1000)[:4]
        result = boot(MICROVM, head + bytes(3000))
        assert error_of(result) in ("E501", "E540", "E541", "E542", "E548"), (format, result)
        result = boot(MICROVM, head)
        assert error_of(result) in ("E501", "E540"), (format, result)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_in_it(format, boot):
    """Packed, and no kernel: an empty file, some bytes, and a kernel that is cut off."""
    for data in (b"", b"x", b"no kernel" * 100):
        assert error_of(boot(MICROVM, pack(format, data))) == "E501", data
