# SPDX-License-Identifier: BSD-2-Clause
"""Each of CMake's options can be switched off: what is left builds without a warning, and says what it lacks."""

import debian
import packing
import pytest
import variants
from boots import MICROVM, OURS, error_of, report_of
from fit import Configuration, Image, bundle
from guest import REACHED, Guest
from qemu import run
from uki import make_uki

KERNEL = "linux32.bzImage"

# By option: the formats that it leaves out, and one that stays.
FORMATS = {
    "PVHBOOT_GZIP": (["gzip"], "xz"),
    "PVHBOOT_XZ": (["xz", "lzma"], "zstd"),
    "PVHBOOT_ZSTD": (["zstd"], "lz4"),
    "PVHBOOT_LZ4": (["lz4", "lz4 legacy"], "gzip"),
}
# By option: the kernels that are then of an unknown kind, and one that is not, with what it reports.
KINDS = {
    "PVHBOOT_MULTIBOOT": (["multiboot1.elf", "multiboot2.elf"], ("pvh.elf", "pvh")),
    "PVHBOOT_PVH": (["pvh.elf", "pvh32.elf"], ("multiboot2.elf", "multiboot2")),
    "PVHBOOT_BUNDLES": (["bundle"], ("multiboot1.elf", "multiboot1")),
    "PVHBOOT_UKI": (["uki"], ("bundle", "linux")),
}
XEN = "PVHBOOT_XEN"
SSE2 = "PVHBOOT_SSE2"
EFI = "PVHBOOT_EFI"


@pytest.fixture(scope="module")
def boot_with(payloads, tmp_path_factory):
    """boot_with(image, name, format) -> the Result of that reporter, packed in that format."""
    folder = tmp_path_factory.mktemp("packed")

    def boot(image, name=KERNEL, format=None):
        path = payloads / name
        if name == "bundle":
            path = bundle(folder / "kernel.itb", [Image("kernel", payloads / KERNEL)], [Configuration("all", "kernel")])
        if name == "uki":
            path = make_uki(folder / "linux.efi", [(".linux", (payloads / KERNEL).read_bytes())])
        if format:
            packed = folder / format
            packed.write_bytes(packing.pack(format, path.read_bytes()))
            path = packed
        return run(MICROVM, image, path, OURS.decode(), timeout=30)

    return boot


def test_every_option_is_tested():
    assert sorted(variants.options()) == sorted([*FORMATS, *KINDS, XEN, SSE2, EFI])


@pytest.mark.parametrize("option", FORMATS)
def test_format_that_is_left_out(build, boot_with, option):
    image = variants.without(build, option) / "pvhboot.elf"
    left_out, left = FORMATS[option]
    for format in left_out:
        assert error_of(boot_with(image, format=format)) == "E546"
    report_of(boot_with(image, format=left))
    report_of(boot_with(image))


@pytest.mark.parametrize("option", KINDS)
def test_kind_of_payload_that_is_left_out(build, boot_with, option):
    image = variants.without(build, option) / "pvhboot.elf"
    left_out, (left, kind) = KINDS[option]
    for name in left_out:
        assert error_of(boot_with(image, name)) == "E501"
    report_of(boot_with(image, left), kind)
    report_of(boot_with(image))


def test_xen_left_out(build, boot_with, payloads):
    """On Xen itself such an image is not run: there it says nothing."""
    image = variants.without(build, XEN) / "pvhboot.elf"
    report_of(boot_with(image))
    for word, number in (("console=com1,xen", "E602"), ("memmap=hypercall", "E202")):
        assert error_of(run(MICROVM, image, payloads / KERNEL, f"{OURS.decode()} pvhboot.{word}", timeout=30)) == number


def test_sse2_left_out(build, boot_with):
    """It moves all the same; test_image.py looks for what is left of it, in the minimal image."""
    report_of(boot_with(variants.without(build, SSE2) / "pvhboot.elf"))


def test_efi_left_out(build, boot_with):
    """No program is made for UEFI, and in the image there is no place for what that would write."""
    folder = variants.without(build, EFI)
    report_of(boot_with(folder / "pvhboot.elf"))
    report_of(boot_with(folder / "pvhboot.elf", "multiboot2.elf"), "multiboot2")
    mark = b"UEFI for pvhboot"
    assert mark in (build / "pvhboot.elf").read_bytes() and mark not in (folder / "pvhboot.elf").read_bytes()
    assert "pvhboot.efi" in (build / "build.ninja").read_text() and "pvhboot.efi" not in (folder / "build.ninja").read_text()


def test_minimal_image_has_none_of_it(build, boot_with):
    image = variants.minimal(build) / "pvhboot.elf"
    for format in packing.FORMATS:
        assert error_of(boot_with(image, format=format)) == "E546"
    for left_out, _ in KINDS.values():
        assert error_of(boot_with(image, left_out[0])) == "E501"
    report_of(boot_with(image))


@pytest.mark.parametrize("word", ["sha256=" + 64 * "0", "verify=require", "config=all", "argv0=none"])
def test_word_of_what_is_left_out_is_unknown(build, payloads, word):
    """It is never passed over: who asks for a digest is not to get a kernel without one."""
    result = run(MICROVM, variants.minimal(build) / "pvhboot.elf", payloads / KERNEL, f"{OURS.decode()} pvhboot.{word}", timeout=30)
    assert error_of(result) == "E601"


def test_minimal_image_boots_a_stock_kernel(build, tmp_path):
    initrd = debian.initramfs("amd64", tmp_path / "initrd.img")
    boot_img = tmp_path / "boot.img"
    boot_img.write_bytes(debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes() + initrd.read_bytes())
    result = run(MICROVM.but(memory="256M"), variants.minimal(build) / "pvhboot.elf", boot_img,
                 "console=ttyS0 tsc_early_khz=1000000 panic=-1 quiet pvhboot.panic=exit", timeout=60, until=REACHED)
    assert result.matched, result
    assert Guest(result.text).reached_user_space
