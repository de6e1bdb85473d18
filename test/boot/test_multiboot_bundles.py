# SPDX-License-Identifier: BSD-2-Clause
"""Bundles, FIT images that mkimage made, with Multiboot and Linux reporters in them: what is in arrives, whole, or nothing boots."""

import functools
import hashlib
import itertools
import struct

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot")

import boot_image
import debian
import handover
import handover_multiboot
import reporter
from boots import BOARDS, MICROVM, NO_LONG_MODE, OURS, PC, error_of, report_of
from fit import Configuration, Image, bundle
from handover import PAGE
from handover_multiboot import Given, Module

FIRST, SECOND, RAMDISK = (boot_image.random_bytes(size, size) for size in (5003, 70_000, 12_345))

# Ways to put data into a bundle.
LAYOUTS = {
    "embedded": {},
    "external": {"external": True},
    "aligned": {"external": True, "alignment": PAGE},
    "position": {"position": 0x4000},
    "position-aligned": {"position": 0x4000, "alignment": 64},
}


@pytest.fixture
def make(tmp_path):
    """make(images, configurations, ...) -> the bundle's bytes."""
    names = itertools.count()

    def make_bundle(images, configurations, **more):
        return bundle(tmp_path / f"bundle{next(names)}.itb", images, configurations, **more).read_bytes()

    return make_bundle


def images_of(kernel, **more):
    """A kernel, two modules and a ramdisk, each with its line."""
    return [Image("kernel", kernel, command_line="of the kernel", **more),
            Image("first", FIRST, type="firmware", command_line="of  the first"),
            Image("second", SECOND, type="kernel"),
            Image("ramdisk", RAMDISK, type="ramdisk", compression="gzip", command_line="r")]


def configuration(**more):
    return Configuration("conf", "kernel", **{"ramdisk": "ramdisk", "loadables": ("second", "first")} | more)


# What of it is a module, in the order that the kernel gets them.
MODULES = [Module(RAMDISK, b"r"), Module(SECOND, b""), Module(FIRST, b"of  the first")]


def check(result, host, kernel, protocol, command_line, modules, **more):
    report = report_of(result, f"multiboot{protocol}")
    handover_multiboot.check(report, Given(kernel=kernel, protocol=protocol, command_line=command_line, modules=modules,
                                           memory=host.memory, **{"rsdp": host.rsdp} | more))
    return report


@pytest.mark.parametrize("machine", [*BOARDS, PC.but(memory="5G")], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name, protocol", [("multiboot1-sections.elf", 1), ("multiboot2-64.elf", 2)])
def test_what_is_in_a_bundle_arrives(name, protocol, layout, machine, boot, host_of, payloads, make):
    kernel = (payloads / name).read_bytes()
    module = make(images_of(kernel), [configuration()], **LAYOUTS[layout])
    line = OURS + b" of the host"
    expected = whole_line(protocol, b"of the kernel of the host")
    report = check(boot(machine, module, line), host_of(machine, module, line), kernel, protocol, expected, MODULES)
    if layout == "aligned":
        at = host_of(machine, module, line).modules[0].address
        for blob, given in zip(report.modules, MODULES):
            assert blob.address == at + module.index(given.data), "page-aligned data stay where they are"


def whole_line(protocol, line):
    return b"pvhboot " + line if protocol == 1 else line


@pytest.mark.parametrize("layout", LAYOUTS)
def test_processor_without_long_mode(layout, boot, host_of, payloads, make):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    module = make(images_of(kernel), [configuration()], **LAYOUTS[layout])
    machine = PC.but(**NO_LONG_MODE)
    check(boot(machine, module, OURS, "pvhboot32.elf"), host_of(machine, module, OURS), kernel, 1,
          b"pvhboot of the kernel", MODULES, long_mode=False)


@pytest.mark.parametrize("address", range(0x1E8000, 0x204000, 0x2000))
@pytest.mark.parametrize("layout", ["embedded", "aligned"])
def test_bundle_in_the_kernels_way(layout, address, host, boot_host, payloads, make):
    """Kernel and modules come out of the very memory that the kernel goes to."""
    kernel = (payloads / "multiboot1-kludge.bin").read_bytes()
    host.module(address, make(images_of(kernel), [configuration()], **LAYOUTS[layout]))
    report = report_of(boot_host(host), "multiboot1")
    handover_multiboot.check(report, Given(kernel=kernel, protocol=1, command_line=b"pvhboot of the kernel", modules=MODULES,
                                           memory=host.memory, rsdp=reporter.Rsdp(0, b""), scan="none"))


@pytest.mark.parametrize("name, entry", [("linux32.bzImage", 32), ("linux64.bzImage", 64), ("linux-old.bzImage", 32)])
@pytest.mark.parametrize("layout", ["embedded", "aligned"])
def test_linux_in_a_bundle(layout, name, entry, boot, host_of, payloads, make):
    """Its modules become its initrd."""
    kernel, initrd = (payloads / name).read_bytes(), boot_image.cpio(50_001)
    module = make([Image("kernel", kernel, command_line="a"), Image("ramdisk", initrd, type="ramdisk", compression=None)],
                  [Configuration("conf", "kernel", ramdisk="ramdisk")], **LAYOUTS[layout])
    line = OURS + b" pvhboot.entry=%d b" % entry
    given = handover.given_by_host(host_of(PC, module, line), kernel, initrd, b"a b", entry=entry)
    handover.check(report_of(boot(PC, module, line)), given)


@pytest.mark.parametrize("protocol", [1, 2])
def test_protocol_is_chosen_for_what_is_in_it(protocol, boot, payloads, make):
    module = make([Image("kernel", payloads / "multiboot-both.elf")], [Configuration("conf", "kernel")])
    report_of(boot(PC, module, OURS + b" pvhboot.protocol=multiboot%d" % protocol), f"multiboot{protocol}")


def test_modules_of_the_host_come_last(host, boot_host, payloads, make):
    kernel = (payloads / "multiboot2.elf").read_bytes()
    host.module(0x3000000, make(images_of(kernel), [configuration()]))
    host.module(0x2000000, FIRST, cmdline_paddr=0x20000).copy(0x20000, b"of the host\0")
    modules = [*MODULES, Module(FIRST, b"of the host", 0x2000000)]
    report = report_of(boot_host(host), "multiboot2")
    handover_multiboot.check(report, Given(kernel=kernel, protocol=2, command_line=b"of the kernel", modules=modules,
                                           memory=host.memory, rsdp=reporter.Rsdp(0, b""), scan="none"))


def test_many_images(boot, host_of, payloads, make):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    given = [Module(boot_image.random_bytes(1 + number * 7, number), b"m%d" % number) for number in range(200)]
    images = [Image("kernel", kernel)] + [Image(f"i{number}", module.data, command_line=module.line.decode())
                                          for number, module in enumerate(given)]
    configurations = [Configuration("conf", "kernel", loadables=tuple(f"i{number}" for number in range(200)))]
    module = make(images, configurations, external=True)
    check(boot(PC, module), host_of(PC, module, OURS), kernel, 1, b"pvhboot", given)


def test_too_many_images(boot, payloads, make):
    images = [Image("kernel", payloads / "multiboot1.elf"), Image("x", b"x")]
    module = make(images, [Configuration("conf", "kernel", loadables=("x",) * 300)])
    assert error_of(boot(PC, module)) == "E530"


@pytest.mark.parametrize("layout", ["embedded", "aligned"])
def test_image_that_is_listed_again(layout, boot, host_of, payloads, make):
    """As many modules as it is listed times, each in a place of its own: what a kernel writes to one is not in another."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    module = make([Image("kernel", kernel), Image("x", SECOND, command_line="x")],
                  [Configuration("conf", "kernel", ramdisk="x", loadables=("x",) * 50)], **LAYOUTS[layout])
    check(boot(PC, module), host_of(PC, module, OURS), kernel, 1, b"pvhboot", [Module(SECOND, b"x")] * 51)


@pytest.mark.parametrize("hashes, number", [(10, None), (24, "E532")])
def test_too_much_to_hash(hashes, number, boot, payloads, make):
    """A file must not keep the machine busy for much longer than its size calls for."""
    images = [Image("kernel", payloads / "multiboot1.elf"), Image("x", SECOND, hashes=("sha256",) * hashes)]
    result = boot(PC, make(images, [Configuration("conf", "kernel", loadables=("x",))]))
    if number is None:
        report_of(result, "multiboot1")
    else:
        assert error_of(result) == number


# ---- configurations ----


@pytest.fixture
def two_kernels(payloads, make):
    one, two = payloads / "multiboot1.elf", payloads / "multiboot2.elf"
    images = [Image("one", one), Image("two", two)]
    configurations = [Configuration("first", "one"), Configuration("second", "two"), Configuration("none", None)]
    return functools.partial(make, images, configurations)


@pytest.mark.parametrize("default, word, kind", [
    ("first", b"", 1), ("second", b"", 2), ("first", b" pvhboot.config=second", 2), ("second", b" pvhboot.config=first", 1),
    (None, b" pvhboot.config=first", 1),
])
def test_configuration(default, word, kind, two_kernels, boot):
    report_of(boot(PC, two_kernels(default=default), OURS + word), f"multiboot{kind}")


@pytest.mark.parametrize("default, word, number, name", [
    (None, b"", "E522", ""), ("third", b"", "E522", "third"), ("first", b" pvhboot.config=third", "E522", "third"),
    ("first", b" pvhboot.config=firs", "E522", "firs"), ("first", b" pvhboot.config=first@1", "E522", "first@1"),
    ("first", b" pvhboot.config=none", "E523", "none"), ("none", b"", "E523", "none"),
    ("first", b" pvhboot.config=", "E602", ""),
])
def test_configuration_that_there_is_not(default, word, number, name, two_kernels, boot):
    result = boot(MICROVM, two_kernels(default=default), OURS + word)
    assert error_of(result) == number
    assert name in result.errors[0][1]


@pytest.mark.parametrize("changes, name", [
    ({"kernel": "kernal"}, "kernal"), ({"ramdisk": "initrd"}, "initrd"), ({"loadables": ("first", "third")}, "third"),
    ({"loadables": ("kernel@1",)}, "kernel@1"), ({"loadables": ("kern",)}, "kern"),
])
def test_image_that_there_is_not(changes, name, boot, payloads, make):
    fields = {"name": "conf", "kernel": "kernel", "ramdisk": "ramdisk", "loadables": ("first",)} | changes
    result = boot(MICROVM, make(images_of(payloads / "multiboot1.elf"), [Configuration(**fields)]))
    assert error_of(result) == "E524"
    assert f'"{name}"' in result.errors[0][1]


# ---- command lines ----


# Protocol; the lines of the configuration, the kernel's image and the host; argv0 of each; the kernel's whole line.
LINES = [
    (1, None, None, b"", None, None, b"", b"pvhboot"),
    (1, None, "image", b"", None, None, b"", b"pvhboot image"),
    (1, "configuration", "image", b"host  2", None, None, b"", b"pvhboot configuration host  2"),
    (1, "configuration", None, b"host", "kernel", None, b"", b"kernel configuration host"),
    (1, None, "image", b"host", None, "kernel", b"", b"kernel image host"),
    (1, None, "image", b"host", "one", "two", b"", b"one image host"),
    (1, None, "image", b"host", "one", "two", b"three", b"three image host"),
    (1, None, "image", b"host", "one", None, b"none", b"image host"),
    (1, None, "image", b"host", "none", None, b"", b"image host"),
    (2, None, None, b"", None, None, b"", b""),
    (2, "configuration", "image", b"host", None, None, b"", b"configuration host"),
    (2, None, "image  x", b"", "xen", None, b"", b"xen image  x"),
    (2, None, None, b"", "xen", None, b"", b"xen"),
    (2, None, None, b"host", None, None, b"xen", b"xen host"),
    (2, None, None, b"host", "xen", None, b"none", b"host"),
    # Words of ours in a bundle's line are the kernel's: only the host's line is read for them.
    (2, "pvhboot.verbose x", None, b"host", None, None, b"", b"pvhboot.verbose x host"),
]


@pytest.mark.parametrize("case", LINES, ids=range(len(LINES)))
def test_command_line(case, boot, payloads, make):
    protocol, of_configuration, of_image, of_host, argv0, image_argv0, word, expected = case
    kernel = payloads / f"multiboot{protocol}.elf"
    module = make([Image("kernel", kernel, command_line=of_image, argv0=image_argv0)],
                  [Configuration("conf", "kernel", command_line=of_configuration, argv0=argv0)])
    words = [of_host, OURS] + ([b"pvhboot.argv0=" + word] if word else [])
    report = report_of(boot(PC, module, b" ".join(words).strip()), f"multiboot{protocol}")
    assert report.command_line.bytes == expected


@pytest.mark.parametrize("where", [{"pvhboot,command-line": b"abc"}, {"pvhboot,argv0": b"abc"}, {"compression": b"none"}])
def test_property_that_is_no_text(where, boot, payloads, make):
    """mkimage writes what it is told; without its NUL a text has no end."""
    module = make([Image("kernel", payloads / "multiboot1.elf", properties=where)], [Configuration("conf", "kernel")])
    result = boot(MICROVM, module)
    assert error_of(result) == "E531"
    assert next(iter(where)) in result.errors[0][1]


# ---- hashes ----


ALGORITHMS = ["crc32", "sha256", "sha384", "sha512"]


def damaged(module, data, at=1000):
    """The bundle with one bit of an image's data turned over."""
    place = module.index(data) + min(at, len(data) - 1)
    return module[:place] + bytes([module[place] ^ 1]) + module[place + 1:]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hashes_are_verified(algorithm, layout, boot, host_of, payloads, make):
    kernel = (payloads / "multiboot2.elf").read_bytes()
    images = [Image("kernel", kernel, hashes=(algorithm,)), Image("module", FIRST, hashes=("crc32", algorithm)),
              Image("ramdisk", RAMDISK, type="ramdisk", hashes=(algorithm, "sha256")),
              Image("unused", b"never looked at" * 100, hashes=("md5", "sha1"))]
    module = make(images, [Configuration("conf", "kernel", ramdisk="ramdisk", loadables=("module",))], **LAYOUTS[layout])
    check(boot(PC, module), host_of(PC, module, OURS), kernel, 2, b"", [Module(RAMDISK), Module(FIRST)])
    for name, data in (("kernel", kernel), ("module", FIRST), ("ramdisk", RAMDISK)):
        for at in (0, 1000, len(data)):
            result = boot(MICROVM, damaged(module, data, at))
            assert error_of(result) == "E528"
            assert f'"{name}"' in result.errors[0][1]
    report_of(boot(PC, damaged(module, b"never looked at" * 100)), "multiboot2")


@pytest.mark.parametrize("size", [1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1_000_003])
def test_digests_of_all_lengths(size, boot, host_of, payloads, make):
    """Around the block sizes of the algorithms, as mkimage computes them."""
    kernel, data = (payloads / "multiboot1.elf").read_bytes(), boot_image.random_bytes(size)
    module = make([Image("kernel", kernel), Image("module", data, hashes=tuple(ALGORITHMS))],
                  [Configuration("conf", "kernel", loadables=("module",))])
    check(boot(PC, module), host_of(PC, module, OURS), kernel, 1, b"pvhboot", [Module(data)])


@pytest.mark.parametrize("algorithm, word, number", [
    ("sha1", b"", "E527"), ("md5", b"", "E527"), ("md5", b" pvhboot.verify=sha1", "E527"),
    ("sha1", b" pvhboot.verify=sha1", None), ("sha1", b" pvhboot.verify=require", "E527"),
    ("sha1", b" pvhboot.verify=require,sha1", None), ("sha1", b" pvhboot.verify=sha1,require", None),
])
@pytest.mark.parametrize("weak", ["kernel", "module"])
def test_weak_hashes(weak, algorithm, word, number, boot, payloads, make):
    module = make([Image("kernel", payloads / "multiboot1.elf", hashes=(algorithm if weak == "kernel" else "sha256",)),
                   Image("module", FIRST, hashes=(algorithm if weak == "module" else "sha256",))],
                  [Configuration("conf", "kernel", loadables=("module",))])
    result = boot(MICROVM, module, OURS + word)
    if number is None:
        report_of(result, "multiboot1")
        assert error_of(boot(MICROVM, damaged(module, FIRST), OURS + word)) == "E528"
    else:
        assert error_of(result) == number
        assert f'"{weak}"' in result.errors[0][1]


def test_hash_of_the_wrong_size_or_name(boot, payloads, make):
    module = make([Image("kernel", payloads / "multiboot1.elf")], [Configuration("conf", "kernel")])
    assert error_of(boot(MICROVM, module.replace(b"sha256\0", b"sha512\0"))) == "E527"
    assert error_of(boot(MICROVM, module.replace(b"sha256\0", b"sha257\0"))) == "E527"
    # The digest's property under another name: a hash node without a digest.
    assert error_of(boot(MICROVM, module.replace(b"value\0", b"velue\0"))) == "E527"


@pytest.mark.parametrize("hashes, word, number", [
    ((), b"", None), ((), b" pvhboot.verify=require", "E512"), (("crc32",), b" pvhboot.verify=require", "E512"),
    (("sha256",), b" pvhboot.verify=require", None), (("crc32", "sha384"), b" pvhboot.verify=require", None),
    (("sha512",), b" pvhboot.verify=require", None), ((), b" pvhboot.verify=", "E602"),
    ((), b" pvhboot.verify=all", "E602"), ((), b" pvhboot.verify=require,", "E602"),
])
@pytest.mark.parametrize("where", ["kernel", "module", "ramdisk"])
def test_nothing_unhashed_boots(where, hashes, word, number, boot, payloads, make):
    images = [Image("kernel", payloads / "multiboot2.elf"), Image("module", FIRST), Image("ramdisk", RAMDISK)]
    images = [Image(image.name, image.data, hashes=hashes if image.name == where else ("sha256",)) for image in images]
    module = make(images, [Configuration("conf", "kernel", ramdisk="ramdisk", loadables=("module",))])
    result = boot(MICROVM, module, OURS + word)
    if number is None:
        report_of(result, "multiboot2")
    else:
        assert error_of(result) == number
        assert number == "E602" or f'"{where}"' in result.errors[0][1]


def sha256_word(data, written=str.lower):
    return b" pvhboot.sha256=" + written(hashlib.sha256(data).hexdigest()).encode()


@pytest.mark.parametrize("name, kind", [("multiboot1.elf", "multiboot1"), ("linux32.bzImage", "linux")])
def test_digest_of_module_0(name, kind, boot, payloads):
    kernel = (payloads / name).read_bytes()
    for line in (OURS + sha256_word(kernel), OURS + sha256_word(kernel, str.upper),
                 OURS + b" pvhboot.verify=require" + sha256_word(kernel)):
        report_of(boot(MICROVM, kernel, line), kind)
    for at in (0, len(kernel) // 2, len(kernel) - 1):
        bad = kernel[:at] + bytes([kernel[at] ^ 0x80]) + kernel[at + 1:]
        assert error_of(boot(MICROVM, bad, OURS + sha256_word(kernel))) == "E510"
    assert error_of(boot(MICROVM, kernel + b"\0", OURS + sha256_word(kernel))) == "E510"
    assert error_of(boot(MICROVM, kernel, OURS + b" pvhboot.verify=require")) == "E511"


@pytest.mark.parametrize("word", [b"", b"0", b"0" * 63, b"0" * 65, b"g" * 64, b"0x" + b"0" * 62])
def test_digest_that_is_none(word, boot, payloads):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    assert error_of(boot(MICROVM, kernel, OURS + b" pvhboot.sha256=" + word)) == "E602"


def test_digest_vouches_for_all_of_a_bundle(boot, payloads, make):
    module = make([Image("kernel", payloads / "multiboot1.elf", hashes=()), Image("module", FIRST, hashes=("crc32",))],
                  [Configuration("conf", "kernel", loadables=("module",))])
    line = OURS + b" pvhboot.verify=require"
    report_of(boot(MICROVM, module, line + sha256_word(module)), "multiboot1")
    assert error_of(boot(MICROVM, module, line)) == "E512"
    assert error_of(boot(MICROVM, damaged(module, FIRST), line + sha256_word(module))) == "E510"


def test_nothing_vouches_for_further_modules_of_the_host(host, boot_host, payloads, make):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    module = make([Image("kernel", kernel)], [Configuration("conf", "kernel")])
    for data in (module, kernel):
        host.modules.clear()
        host.module(0x3000000, data).module(0x2000000, FIRST)
        host.command_line = OURS + b" pvhboot.verify=require" + sha256_word(data)
        assert error_of(boot_host(host)) == "E511"


@pytest.mark.parametrize("word", [b"", b" pvhboot.verify=require", b" pvhboot.protocol=linux", b" pvhboot.protocol=multiboot1"])
@pytest.mark.parametrize("name", ["linux32.bzImage", "multiboot1-kludge.bin"])
def test_kernel_that_begins_as_a_bundle_does(name, word, boot, payloads):
    """A bundle's hashes must not be got round by a file that is a bundle and something else: it is a bundle."""
    kernel = (payloads / name).read_bytes()
    assert error_of(boot(MICROVM, b"\xd0\x0d\xfe\xed" + kernel[4:], OURS + word)) == "E520"


# ---- what does not boot ----


@pytest.mark.parametrize("type, roles", [
    ("ramdisk", {"loadables": ("initrd",)}), ("ramdisk", {"ramdisk": "initrd"}), ("firmware", {"ramdisk": "initrd"}),
])
def test_compressed_ramdisk(type, roles, boot, host_of, payloads, make):
    """By its own type or by the configuration it is a ramdisk; its mark is the kernel's business. Of others: test_unpack.py."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    module = make([Image("kernel", kernel), Image("initrd", RAMDISK, type=type, compression="gzip")],
                  [Configuration("conf", "kernel", **roles)])
    check(boot(PC, module), host_of(PC, module, OURS), kernel, 1, b"pvhboot", [Module(RAMDISK)])


@pytest.mark.parametrize("properties", [
    {"arch": "arm64", "os": "u-boot", "type": "standalone"}, {"load": None, "entry": None},
    {"load": 0x12345678, "entry": 0xFFFFFFFF}, {"load": b"abc"}, {"description": None, "arch": None, "os": None},
])
def test_properties_that_are_not_looked_at(properties, boot, host_of, payloads, make):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    module = make([Image("kernel", kernel, properties=properties)], [Configuration("conf", "kernel")])
    check(boot(PC, module), host_of(PC, module, OURS), kernel, 1, b"pvhboot", [])


def test_device_tree_for_a_kernel_that_takes_none(boot, payloads, make):
    module = make([Image("kernel", payloads / "multiboot1.elf"), Image("fdt", debian.device_tree(), type="flat_dt")],
                  [Configuration("conf", "kernel", fdt="fdt")])
    assert error_of(boot(PC, module)) == "E562"


def test_bundle_in_a_bundle(boot, payloads, make):
    inner = make([Image("kernel", payloads / "multiboot1.elf")], [Configuration("conf", "kernel")])
    assert error_of(boot(MICROVM, make([Image("kernel", inner)], [Configuration("conf", "kernel")]))) == "E529"


def test_kernel_of_no_kind(boot, make):
    assert error_of(boot(MICROVM, make([Image("kernel", bytes(1000))], [Configuration("conf", "kernel")]))) == "E501"


@pytest.mark.parametrize("offset", [1, 4, 0x800])
def test_bundle_that_is_not_aligned(offset, host, boot_host, payloads, make):
    """libfdt reads words: 8-aligned, the tree must be."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    host.module(0x3000000 + offset, make([Image("kernel", kernel)], [Configuration("conf", "kernel")]))
    if offset % 8:
        assert error_of(boot_host(host)) == "E521"
    else:
        report_of(boot_host(host), "multiboot1")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cut_off_anywhere(layout, boot, payloads, make):
    module = make(images_of(payloads / "multiboot1.elf"), [configuration()], **LAYOUTS[layout])
    end = max(module.index(data) + len(data) for data in (FIRST, SECOND, RAMDISK))
    for size in (4, 39, 40, 100, len(module) // 2, end - 1):
        assert error_of(boot(MICROVM, module[:size])) in ("E520", "E525")


def test_tree_that_lies_about_its_size(boot, payloads, make):
    module = make([Image("kernel", payloads / "multiboot1.elf")], [Configuration("conf", "kernel")])
    for offset in (4, 8, 12, 16, 20, 24, 32, 36):
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
            bad = module[:offset] + struct.pack(">I", value) + module[offset + 4:]
            result = boot(MICROVM, bad)
            if result.errors:
                assert error_of(result) in ("E520", "E522", "E524", "E533"), (offset, value)
            else:
                report_of(result, "multiboot1")


@pytest.mark.parametrize("name, value", [("data-offset", 0x10000000), ("data-offset", 0xFFFFFFFF), ("data-size", 0x10000000),
                                         ("data-size", 0xFFFFFFFF), ("data-position", 0xFFFFFFFF)])
def test_data_outside_of_the_file(name, value, boot, payloads, make):
    layout = {"position": 0x4000} if name == "data-position" else {"external": True}
    module = make([Image("kernel", payloads / "multiboot1.elf", hashes=())], [Configuration("conf", "kernel")], **layout)
    # In the structure block a property is a token 3, its length, the offset of its name, and its value.
    strings, = struct.unpack_from(">I", module, 12)
    name_offset = module.index(name.encode() + b"\0", strings) - strings
    at = module.index(struct.pack(">III", 3, 4, name_offset)) + 12
    result = boot(MICROVM, module[:at] + struct.pack(">I", value) + module[at + 4:])
    assert error_of(result) == "E525"


@pytest.mark.parametrize("right", [True, False])
def test_digest_of_a_module_at_address_0(right, host, boot_host, payloads):
    """Where a library that is given a pointer takes it for none."""
    kernel = (payloads / "multiboot2.elf").read_bytes()
    host.start_low_memory_free()
    host.memory = [(0, 0x9F000, reporter.RAM), (0x100000, 0x4F00000, reporter.RAM)]
    host.module(0, kernel)
    host.command_line = OURS + b" " + sha256_word(kernel if right else kernel + b"more")
    result = boot_host(host)
    if right:
        report_of(result, "multiboot2")
    else:
        assert error_of(result) == "E510"
