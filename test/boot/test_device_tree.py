# SPDX-License-Identifier: BSD-2-Clause
"""A device tree of a bundle's, or a module that is one, reaches Linux as SETUP_DTB; UKIs have tests of their own."""

import itertools
import hashlib
import struct

import debian
import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "multiboot_boots")

import boot_image
import handover
import multiboot_boots
import reporter
from boots import BOARDS, MICROVM, MIB, OURS, PC, error_of, report_of
from fit import Configuration, Image, bundle
from guest import REACHED, Guest
from handover_multiboot import Module
from host_script import RAM
from qemu import run

LINE = "console=ttyS0 tsc_early_khz=1000000 panic=-1 quiet"
DEBIAN_TIME = 120
NO_RSDP = reporter.Rsdp(0, b"")
FREE = 0x3000000  # where made hosts have nothing
INITRD = boot_image.cpio(30_003)


@pytest.fixture(scope="module")
def tree():
    return debian.device_tree()


@pytest.fixture
def make(tmp_path):
    """make(images, configuration, ...) -> the bytes of a bundle."""
    names = itertools.count()
    return lambda images, configuration, **more: bundle(
        tmp_path / f"{next(names)}.itb", images, [configuration], **more).read_bytes()


def with_fdt(kernel, tree, **more):
    """Images and configuration of a kernel with a device tree, which `more` is said of."""
    return [Image("kernel", kernel), Image("fdt", tree, type="flat_dt", **more)], Configuration("conf", "kernel", fdt="fdt")


def longer(tree, more):
    """With so many bytes behind its blocks; dtc takes minutes to make a large one."""
    tree += boot_image.random_bytes(more)
    return tree[:4] + struct.pack(">I", len(tree)) + tree[8:]


# ---- Debian's kernel, which shows what it got ----


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stock")
    return (debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes(),
            debian.initramfs("amd64", folder / "initrd.img").read_bytes())


def check_stock(result, tree):
    assert result.matched, result
    assert Guest(result.text).all("setup_data") == [
        f"type=0x2 length={len(tree)} md5={hashlib.md5(tree).hexdigest()}"], result


def test_stock_kernel_with_a_bundles_tree(build, make, stock, tree, tmp_path):
    images, configuration = with_fdt(stock[0], tree)
    images.append(Image("ramdisk", stock[1], type="ramdisk"))
    configuration = Configuration("conf", "kernel", fdt="fdt", ramdisk="ramdisk")
    (tmp_path / "boot.itb").write_bytes(make(images, configuration, external=True, alignment=0x1000))
    result = run(MICROVM.but(memory="256M"), build / "pvhboot.elf", tmp_path / "boot.itb", LINE, timeout=DEBIAN_TIME,
                 until=REACHED)
    check_stock(result, tree)


def test_stock_kernel_with_a_module_that_is_a_tree(boot_host, host, stock, tree):
    """The second of two modules that the host gives; behind the first one's kernel is the initrd."""
    host.memory = [(0, 0x9FC00, RAM), (0x9FC00, 0x60400, 2), (MIB, 255 * MIB, RAM)]
    host.command_line = LINE.encode()
    host.module(0x8000000, stock[0] + stock[1]).module(0xA000000, tree)
    check_stock(boot_host(host, machine=PC.but(memory="256M"), timeout=DEBIAN_TIME, until=REACHED), tree)


# ---- reporters ----


@pytest.mark.parametrize("board", BOARDS, ids=str)
@pytest.mark.parametrize("name", ["linux32.bzImage", "vmlinux64.elf"])
def test_bundles_tree(name, board, boot, host_of, make, payloads, tree):
    kernel = (payloads / name).read_bytes()
    module = make(*with_fdt(kernel, tree + bytes(13)))
    line = OURS + b" pvhboot.protocol=linux"
    host = host_of(board, module, line)
    given = handover.GivenVmlinux if name.startswith("vmlinux") else handover.Given
    handover.check(report_of(boot(board, module, line)), given(
        kernel=kernel, initrd=None, command_line=b"", memory=host.memory, rsdp=host.rsdp, device_tree=tree))


def test_loadable_that_is_a_tree(boot, host_of, make, payloads, tree):
    """It is no part of the initrd; the others are, in their order."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    images = [Image("kernel", kernel), Image("first", INITRD), Image("tree", tree, type="flat_dt"), Image("second", b"second")]
    module = make(images, Configuration("conf", "kernel", loadables=("first", "tree", "second")))
    handover.check(report_of(boot(PC, module)), handover.given_by_host(
        host_of(PC, module, OURS), kernel, INITRD + bytes(-len(INITRD) % 4) + b"second", b"", device_tree=tree))


@pytest.mark.parametrize("entry", [32, 64])
def test_tree_and_a_long_map(entry, boot_host, host, payloads, tree):
    """Two nodes in one list; a tree of no round size in front of the command line."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    tree = longer(tree, 3)
    host.memory += [(0x100000000 + number * 0x2000, 0x1000, 2) for number in range(300)]
    host.command_line = OURS + b" a line pvhboot.entry=%d" % entry
    host.module(FREE, kernel).module(FREE + 2 * MIB + 1, tree)
    handover.check(report_of(boot_host(host)), handover.Given(
        kernel=kernel, initrd=None, command_line=b"a line", memory=host.memory, rsdp=NO_RSDP, entry=entry, device_tree=tree))


def test_large_tree(boot_host, host, payloads, tree):
    """It does not fit into low memory."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    tree = longer(tree, 900_001)
    host.module(FREE, kernel).module(FREE + 2 * MIB, tree)
    handover.check(report_of(boot_host(host)), handover.Given(
        kernel=kernel, initrd=None, command_line=b"", memory=host.memory, rsdp=NO_RSDP, device_tree=tree))


def test_other_kernels_get_a_module(boot, host_of, make, payloads, tree):
    """For whom SETUP_DTB is nothing, a module that is a tree is a module."""
    kernel = (payloads / "multiboot2.elf").read_bytes()
    module = make([Image("kernel", kernel), Image("tree", tree)], Configuration("conf", "kernel", loadables=("tree",)))
    multiboot_boots.check(boot(PC, module), kernel, 2, host_of(PC, module, OURS), modules=[Module(tree)])


def test_wrong_trees(boot, make, payloads, tree):
    kernel = (payloads / "linux32.bzImage").read_bytes()
    good = make(*with_fdt(kernel, tree))
    overlays = [Image("kernel", kernel), Image("fdt", tree), Image("overlay", tree)]
    cases = [
        (good.replace(tree, tree[:-1] + b"!"), "E528"),
        (make(*with_fdt(kernel, tree[:-1])), "E560"),
        (make(*with_fdt(kernel, b"no tree at all")), "E560"),
        (make(*with_fdt((payloads / "multiboot1.elf").read_bytes(), tree)), "E562"),
        (make(*with_fdt((payloads / "linux-old.bzImage").read_bytes(), tree)), "E318"),
        (make(overlays, Configuration("conf", "kernel", properties={"fdt": ("fdt", "overlay")})), "E561"),
        (make(overlays, Configuration("conf", "kernel", fdt="fdt", loadables=("overlay",))), "E561"),
        (make([Image("kernel", kernel)], Configuration("conf", "kernel", properties={"fdt": "none"})), "E524"),
    ]
    for number, (module, expected) in enumerate(cases):
        assert error_of(boot(MICROVM, module)) == expected, number
