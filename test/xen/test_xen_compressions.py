# SPDX-License-Identifier: BSD-2-Clause
"""Kernels in every compression as domains: which a toolstack reads itself (kernel=), and that pvhboot boots them all (ramdisk=).

What xl can and cannot do is asserted, so that docs/hosts.md says it of the version that is tested.
"""

import dataclasses

import boot_image
import debian
import pytest
import reporter
from fit import Configuration, Image, bundle
from guest import Guest
from packing import FORMATS, as_linux_has_it, pack
from xen import POWEROFF, pvh, run

# libxenguest 4.17: an ELF file may be packed with gzip; in a bzImage it takes all that Linux's build makes. lz4's newer
# framing is none of that.
DIRECT_ELF = ["gzip"]
DIRECT_BZIMAGE = ["gzip", "xz", "lzma", "zstd", "lz4 legacy"]
NO_LOADER = "xc_dom_find_loader: no loader found: Invalid kernel"
UNKNOWN_COMPRESSION = "xc_dom_probe_bzimage_kernel: unknown compression format: Invalid kernel"

SMALL, LINUX_MEMORY, UNPACKING_MEMORY = 64, 256, 384
LINE = 'console=hvc0 quiet note="two  words"'
INITRD = boot_image.cpio(30_001)

LOADER_IS_OURS = "255"
LOADER_IS_XEN = "144"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A Debian kernel, how it is packed, and what its domain needs."""

    name: str
    magic: bytes
    backports: bool = False
    lines: tuple = ()

    @property
    def bzimage(self):
        return debian.kernel("amd64", "linux-image-cloud-amd64", self.backports)


# Linux 6.12 crashes in one of five boots on QEMU 7.2 if it uses cmpxchg16b.
KERNELS = [Kernel("lz4", b"\x02\x21\x4c\x18"), Kernel("zstd", b"\x28\xb5\x2f\xfd", True, ('cpuid = "host,cmpxchg16=0"',))]
LZ4, ZSTD = KERNELS
# The way it is booted, and what it knows of who loaded it.
WAYS = [("direct", LZ4, LOADER_IS_XEN), ("direct", ZSTD, LOADER_IS_XEN), ("ours", LZ4, LOADER_IS_OURS),
        ("ours", ZSTD, LOADER_IS_OURS), ("inner", ZSTD, LOADER_IS_XEN)]
# Formats of a packed vmlinux.
VMLINUX = ["zstd", "lz4"]


def in_a_bzimage(kernels, format):
    return boot_image.with_inner_kernel(kernels["linux64.bzImage"], as_linux_has_it(format, kernels["pvh.elf"]))


def name_of(*words):
    return "-".join(words).replace(" ", "-")


def reporters(image, kernels):
    """Each format twice, packed by itself and in a bzImage; by xl and by pvhboot."""
    for format in FORMATS:
        packed, inside = pack(format, kernels["pvh.elf"]), in_a_bzimage(kernels, format)
        yield pvh(name_of("direct", "elf", format), packed, memory=SMALL)
        yield pvh(name_of("direct", "bzimage", format), inside, memory=SMALL)
        yield pvh(name_of("ours", "elf", format), image, packed, memory=SMALL)
        yield pvh(name_of("ours", "bzimage", format), image, inside + INITRD, "pvhboot.protocol=pvh", memory=SMALL)


def linux(way, kernel, image, initrd):
    more = {"memory": LINUX_MEMORY, "lines": kernel.lines}
    if way == "direct":
        return pvh(name_of(way, kernel.name), kernel.bzimage, initrd, LINE, **more)
    words = "pvhboot.protocol=pvh " if way == "inner" else ""
    return pvh(name_of(way, kernel.name), image, kernel.bzimage.read_bytes() + initrd.read_bytes(), words + LINE, **more)


def vmlinuxes(image, initrd, folder):
    vmlinux = debian.vmlinux(LZ4.bzimage)
    for format in VMLINUX:
        packed = pack(format, vmlinux, "-1")
        made = bundle(folder / "vmlinux.itb",
                      [Image("kernel", packed, compression=format), Image("initrd", initrd, type="ramdisk")],
                      [Configuration("conf", "kernel", ramdisk="initrd")])
        yield pvh(name_of("direct", "vmlinux", format), packed, initrd, LINE, memory=UNPACKING_MEMORY)
        yield pvh(name_of("ours", "vmlinux", format), image, made.read_bytes(), LINE, memory=UNPACKING_MEMORY)


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    return debian.checked_initramfs("amd64", tmp_path_factory.mktemp("initrd"))


@pytest.fixture(scope="module")
def ran(image, payloads, initrd, tmp_path_factory):
    kernels = {path.name: path.read_bytes() for path in payloads.glob("*.*")}
    return run([*reporters(image, kernels), *(linux(way, kernel, image, initrd[0]) for way, kernel, _ in WAYS),
                *vmlinuxes(image, initrd[0], tmp_path_factory.mktemp("bundles"))])


def check_report(result):
    assert result.reason == POWEROFF and result.console == "" and reporter.parse(result.text).kind == "pvh", result


def check_refused(result, words):
    """xl makes no domain of it, and says why in these words."""
    assert result.number is None and result.status != 0 and words in result.xl, result


@pytest.mark.parametrize("format", FORMATS)
def test_elf(format, ran):
    direct = ran[name_of("direct", "elf", format)]
    if format in DIRECT_ELF:
        check_report(direct)
    else:
        check_refused(direct, NO_LOADER)
    check_report(ran[name_of("ours", "elf", format)])


@pytest.mark.parametrize("format", FORMATS)
def test_inside_a_bzimage(format, ran):
    direct = ran[name_of("direct", "bzimage", format)]
    if format in DIRECT_BZIMAGE:
        check_report(direct)
    else:
        check_refused(direct, UNKNOWN_COMPRESSION)
    check_report(ran[name_of("ours", "bzimage", format)])


def check_user_space(result, initrd, loader):
    guest = Guest(result.console)
    assert guest.reached_user_space and result.reason == POWEROFF and not result.killed and result.errors == [], result
    assert guest.one("cmdline") == LINE and guest.checksums == initrd[1] and guest.one("loader") == loader, result


@pytest.mark.parametrize("way, kernel, loader", WAYS, ids=lambda value: getattr(value, "name", value))
def test_debian_kernel(way, kernel, loader, ran, initrd):
    """A toolstack of 4.17 reads these two as well; through pvhboot they unpack themselves, or pvhboot does it."""
    header = debian.setup_header(kernel.bzimage)
    start = (header["setup_sects"] + 1) * 512 + header["payload_offset"]
    assert kernel.bzimage.read_bytes()[start:].startswith(kernel.magic), "packed in another way now"
    check_user_space(ran[name_of(way, kernel.name)], initrd, loader)


@pytest.mark.parametrize("format", VMLINUX)
def test_packed_vmlinux(format, ran, initrd):
    """What xl does not read."""
    check_refused(ran[name_of("direct", "vmlinux", format)], NO_LOADER)
    check_user_space(ran[name_of("ours", "vmlinux", format)], initrd, LOADER_IS_XEN)
