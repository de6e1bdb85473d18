# SPDX-License-Identifier: BSD-2-Clause
"""Real Multiboot kernels out of Debian's packages, through pvhboot: each must come up as it does with any other loader."""

import gzip
import re
import struct

import boot_image
import debian
import packing
import pytest
from fit import Configuration, Image, bundle
from guest import check_user_space
from qemu import Machine, run
from screen import pixel_screen, text_screen

PC = Machine("pc", memory="256M")
Q35 = Machine("q35", memory="256M")

GZIP_MAGIC = b"\x1f\x8b"

FIRST_WORD = "first-word"
LOADER_NAME = r"pvhboot \d+\.\d+\.\d+"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("multiboot")


@pytest.fixture(scope="module")
def initrd(folder):
    return debian.checked_initramfs("amd64", folder)


def gzipped(architecture, package, pattern):
    """A kernel as its package holds it."""
    (packed,) = debian.package(architecture, package).glob(pattern)
    assert packed.read_bytes().startswith(GZIP_MAGIC), packed
    return packed


def unpacked(folder, packed):
    """For other loaders than ours."""
    path = folder / packed.stem
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def words(*parts):
    return " ".join(part for part in parts if part)


def protocol_word(protocol):
    return f"pvhboot.protocol={protocol}" if protocol else ""


NOTHING = r"(?!)"


def check_finds_the_same(machine, image, kernel, line, module, protocols, until, tmp_path, not_alike=NOTHING):
    """What a kernel says up to `until` is the same by QEMU's own Multiboot 1 loader and by each of our protocols.

    kernel     gzipped, which QEMU does not take: it gets what is inside
    module     the path of the kernel's one module, or None
    not_alike  a regular expression for the lines that may differ
    """
    # QEMU puts the file's name in front of either line.
    line_of_module = f"{module} a module's line"
    plain = unpacked(tmp_path, kernel)
    loaded = kernel
    if module:
        loaded = bundle(tmp_path / "bundle.itb",
                        [Image("kernel", kernel), Image("module", module, command_line=line_of_module)],
                        [Configuration("both", "kernel", loadables=("module",))])

    def said(result):
        assert result.matched, result
        lines = result.text[:result.matched.start()].split("\n")
        return [line for line in lines if not re.search(not_alike, line)]

    expected = said(run(machine, plain, line_of_module if module else None, line, until=until, timeout=60))
    for protocol in protocols:
        append = words(line, protocol_word(protocol), f"pvhboot.argv0={plain} pvhboot.panic=exit")
        assert said(run(machine, image, loaded, append, until=until, timeout=60)) == expected, protocol


VGA = ("-device", "VGA")
BOTH_PROTOCOLS = ("multiboot1", "multiboot2")


# Xen: Multiboot 1 and 2, module alignment, relocatable, optional framebuffer and EFI tags.

XEN_MACHINE = {"memory": "640M", "cpu": "qemu64,+npt,+rdrand"}
XEN_CONSOLE = "console=com1 com1=115200,8n1"
XEN_DOM0 = "dom0_mem=256M,max:256M noreboot"
XEN_SAYS = r"^\(XEN\) Command line: (.*)\n"


@pytest.fixture(scope="module")
def xen():
    return gzipped("amd64", "xen-hypervisor-4.17-amd64", "boot/xen-4.17-amd64.gz")


@pytest.fixture(scope="module")
def xen_bundle(folder, xen, initrd):
    bzimage = debian.kernel("amd64", "linux-image-amd64")
    # Xen unpacks what is inside, and takes a long time over the package's xz.
    linux = boot_image.with_inner_kernel(bzimage.read_bytes(), packing.as_linux_has_it("lz4 legacy", debian.vmlinux(bzimage)))
    return bundle(folder / "xen.itb",
                  [Image("xen", xen, compression="gzip", command_line=f"{FIRST_WORD} {XEN_CONSOLE}"),
                   # Xen passes over the first word of this one, too.
                   Image("linux", linux, hashes=("crc32",), command_line=f"{FIRST_WORD} console=hvc0 quiet panic=-1"),
                   Image("initrd", initrd[0], type="ramdisk", hashes=("crc32", "sha512"))],
                  [Configuration("dom0", "xen", loadables=("linux", "initrd"))])


@pytest.mark.parametrize("machine, protocol", [(PC.but(**XEN_MACHINE), None), (Q35.but(**XEN_MACHINE), "multiboot1")], ids=str)
def test_xen_brings_up_its_dom0(machine, protocol, image, xen_bundle, initrd):
    result = run(machine, image, xen_bundle, words(XEN_DOM0, "pvhboot.panic=exit", protocol_word(protocol)), timeout=120)
    # Multiboot 2 has no name in front, so Xen takes the line's first word for one.
    seen = words(FIRST_WORD if protocol else "", XEN_CONSOLE, XEN_DOM0)
    assert re.findall(XEN_SAYS, result.text, re.M) == [seen], result
    assert re.search(rf"^\(XEN\) Bootloader: {LOADER_NAME}$", result.text, re.M), result
    check_user_space(result, initrd[1], "console=hvc0 quiet panic=-1")


# Who started Xen; with Multiboot 2 it is where it moves itself to otherwise; what it measures is never twice the same.
XEN_NOT_ALIKE = r"^\(XEN\) (Bootloader|Xen image load base address|New Xen image base address|Detected .* MHz)\b"


@pytest.mark.parametrize("machine", [PC.but(**XEN_MACHINE, args=VGA), Q35.but(**XEN_MACHINE, args=VGA)], ids=str)
def test_xen_finds_the_machine_as_without_pvhboot(machine, image, xen, tmp_path):
    # A dom0 kernel that is none: Xen has looked at the whole machine by the time it sees that.
    no_kernel = tmp_path / "no-kernel"
    no_kernel.write_bytes(bytes(8192))
    check_finds_the_same(machine, image, xen, f"{XEN_CONSOLE} loglvl=all noreboot", no_kernel, BOTH_PROTOCOLS,
                         "Could not construct domain 0", tmp_path, XEN_NOT_ALIKE)


@pytest.mark.parametrize("protocol, word, of_bundle, name", [
    (None, None, None, None),
    (None, "none", None, None),
    (None, "xen", None, "xen"),
    (None, None, "xen", "xen"),
    (None, "none", "xen", None),
    ("multiboot1", None, None, "pvhboot"),
    ("multiboot1", "none", None, None),
    ("multiboot1", "xen", None, "xen"),
    ("multiboot1", None, "xen", "xen"),
    ("multiboot1", None, "none", None),
])
def test_xen_passes_over_the_name_in_front(protocol, word, of_bundle, name, image, xen, tmp_path):
    """Xen takes the first word away whatever it is: what it says is its line shows whether a name was there."""
    module = xen
    if of_bundle:
        module = bundle(tmp_path / "xen.itb", [Image("xen", xen)], [Configuration("xen", "xen", argv0=of_bundle)])
    append = words(FIRST_WORD, XEN_CONSOLE, "noreboot pvhboot.panic=exit", protocol_word(protocol),
                   f"pvhboot.argv0={word}" if word else "")
    result = run(PC.but(**XEN_MACHINE), image, module, append, until=XEN_SAYS, timeout=30)
    assert result.matched, result
    assert result.matched[1] == words(FIRST_WORD if name else "", XEN_CONSOLE, "noreboot"), result


@pytest.mark.parametrize("protocol", BOTH_PROTOCOLS)
def test_xen_shim_starts(protocol, image):
    shim = debian.package("amd64", "xen-utils-4.17") / "usr/lib/xen-4.17/boot/xen-shim"
    append = words(FIRST_WORD, XEN_CONSOLE, "noreboot pvhboot.argv0=shim pvhboot.panic=exit", protocol_word(protocol))
    result = run(PC.but(**XEN_MACHINE), image, shim, append, until="dom0 kernel not specified", timeout=60)
    assert result.matched, result
    assert re.findall(XEN_SAYS, result.text, re.M) == [f"{FIRST_WORD} {XEN_CONSOLE} noreboot"], result


# tboot: 30 MB, linked at 8 MiB.

@pytest.fixture(scope="module")
def tboot():
    return gzipped("amd64", "tboot", "boot/tboot.gz")


@pytest.fixture(scope="module")
def tboot_bundle(folder, tboot, initrd):
    linux = debian.kernel("amd64", "linux-image-cloud-amd64")
    return bundle(folder / "tboot.itb",
                  [Image("tboot", tboot, hashes=("crc32",)),
                   Image("linux", linux, hashes=("crc32",), command_line="console=ttyS0 tsc_early_khz=1000000 quiet"),
                   Image("initrd", initrd[0], type="ramdisk", hashes=("sha256",), command_line="the second module")],
                  [Configuration("linux", "tboot", loadables=("linux", "initrd"), command_line="loglvl=all")],
                  external=True, alignment=0x1000)


@pytest.mark.parametrize("machine, protocol", [(PC.but(memory="512M"), None), (Q35.but(memory="512M"), "multiboot1")], ids=str)
def test_tboot_boots_linux(machine, protocol, image, tboot_bundle, initrd):
    result = run(machine, image, tboot_bundle,
                 words("logging=serial,memory pvhboot.panic=exit", protocol_word(protocol)), timeout=120)
    # Without a processor of Intel's with TXT it launches nothing, says so, and boots on.
    line = words("pvhboot" if protocol else "", "loglvl=all logging=serial,memory")
    assert f"TBOOT: command line: {line}\n" in result.text, result
    assert "TBOOT: checking if module the second module is an SINIT" in result.text, result
    check_user_space(result, initrd[1], "console=ttyS0 tsc_early_khz=1000000 quiet")


@pytest.mark.parametrize("machine", [PC, Q35], ids=str)
def test_tboot_finds_the_machine_as_without_pvhboot(machine, image, tboot, tmp_path):
    linux = tmp_path / "linux"
    linux.write_bytes(debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes())
    check_finds_the_same(machine, image, tboot, "loglvl=all logging=serial,memory", linux, BOTH_PROTOCOLS,
                         "transfering control to kernel", tmp_path)


# GNU Mach: its entry is at a virtual address.

@pytest.fixture(scope="module")
def gnumach():
    return gzipped("i386", "gnumach-image-1.8-486", "boot/gnumach-*.gz")


@pytest.mark.parametrize("machine", [PC, PC.but(binary="qemu-system-i386", cpu="qemu32")], ids=str)
def test_gnumach_starts(machine, gnumach, image, image32):
    # qemu-system-i386 takes no ELF64.
    container = image32 if machine.binary == "qemu-system-i386" else image
    result = run(machine, container, gnumach, "console=com0 pvhboot.panic=exit", until="No bootstrap code loaded", timeout=60)
    assert result.matched, result
    assert re.search(r"^.*GNU Mach 1\.8", result.text, re.M), result
    assert result.errors == [], result


# It keeps the pages of its symbols, which QEMU's loader does not give it; and there is the time.
GNUMACH_NOT_ALIKE = r"^(vm_page: DIRECTMAP: pages:|RTC time is) "


@pytest.mark.parametrize("machine", [PC, Q35], ids=str)
def test_gnumach_finds_the_machine_as_without_pvhboot(machine, image, gnumach, tmp_path):
    check_finds_the_same(machine, image, gnumach, "console=com0", None, ["multiboot1"],
                         "No bootstrap code loaded", tmp_path, GNUMACH_NOT_ALIKE)


# GRUB Invaders: loaded by the address fields of its header.

INVADER = "-*-"
INVADERS = 40
INVADERS_ADDRESS = 0x100000


def code_of_invaders(game):
    """What the game does not write to: it is an ELF file, too, and its first segment is that."""
    data = game.read_bytes()
    (segments,) = struct.unpack_from("<I", data, 28)
    offset, _, physical, size = struct.unpack_from("<4I", data, segments + 4)
    assert physical == INVADERS_ADDRESS
    return data[offset : offset + size]


@pytest.mark.parametrize("machine", [PC.but(args=VGA), Q35.but(args=VGA)], ids=str)
def test_invaders_show_up(machine, image):
    game = debian.package("amd64", "grub-invaders") / "boot/invaders.exec"
    code = code_of_invaders(game)
    # The ship at the bottom is drawn last.
    screen = text_screen(machine, image, game, "pvhboot.panic=exit", until=r"^ +_$\n^ +/ \\$",
                         memory=(INVADERS_ADDRESS, len(code)))
    assert screen.matched, screen
    assert screen.text.count(INVADER) == INVADERS, screen
    assert screen.serial == "", screen
    # A few bytes too high or too low, and the game would still draw something.
    assert screen.memory == code


# The specification's example: wants 1024x768x32, lists what it was given as VGA text, draws a diagonal if it can.

EXAMPLE_PC = Machine("pc", memory="128M")
TEXT_ONLY_VGA = ("-device", "cirrus-vga")
# Memory, command line, modules, sections, map, and the loader's name.
EXAMPLE_FLAGS = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 9
FRAMEBUFFER_FLAG = 1 << 12
EXAMPLE_SIZE = (1024, 768)
EXAMPLE_APPEND = "hello world pvhboot.panic=exit"
EXAMPLE_MODULE_SIZE = 5000
BLUE = (0, 0, 255)
HALTED = r"^Halted\."


@pytest.fixture(scope="module")
def example(folder):
    kernel = debian.package("amd64", "multiboot") / "usr/lib/multiboot/examples/kernel"
    return bundle(folder / "example.itb",
                  [Image("example", kernel), Image("module", b"M" * EXAMPLE_MODULE_SIZE, type="ramdisk", command_line="a module's string")],
                  [Configuration("example", "example", ramdisk="module", command_line="of the bundle")])


def check_listing(screen, flags, drawn_upon):
    """What the example kernel says it was given; the diagonal, where it is text, hides one character of a line."""
    begins = [f"flags = {flags:#x}", "mem_lower = 639KB, mem_upper = 129920KB",
              "cmdline = pvhboot of the bundle hello world", "mods_count = 1, mods_addr = 0x", " mod_start = 0x",
              "multiboot_elf_sec: num = 17, size = 0x28, addr = 0x", "mmap_addr = 0x",
              " size = 0x14, base_addr = 0x000000000, length = 0x00009fc00, type = 0x1"]
    for row, (line, begin) in enumerate(zip(screen.lines, begins)):
        if drawn_upon:
            assert line[row] == "\\", screen
            begin = begin[:row] + "\\" + begin[row + 1:]
        assert line.startswith(begin), screen


def check_module(screen):
    found = re.search(r"^ mod_start = (0x\w+), mod_end = (0x\w+), cmdline = a module's string$", screen.text, re.M)
    assert found, screen
    start, end = (int(address, 16) for address in found.groups())
    assert start % 4096 == 0 and start >= 1 << 20 and end - start == EXAMPLE_MODULE_SIZE, screen


def test_example_lists_without_a_screen(image, example):
    """Without any VGA there is plain RAM where the kernel writes its text, and no framebuffer to speak of."""
    screen = text_screen(EXAMPLE_PC, image, example, EXAMPLE_APPEND, until=HALTED)
    assert screen.matched, screen
    check_listing(screen, EXAMPLE_FLAGS, drawn_upon=False)
    check_module(screen)


def test_example_lists_on_a_text_screen(image, example):
    """A VGA that cannot be set to the mode that the kernel wants: its text screen is the framebuffer."""
    screen = text_screen(EXAMPLE_PC.but(args=TEXT_ONLY_VGA), image, example, EXAMPLE_APPEND, until=HALTED)
    assert screen.matched, screen
    check_listing(screen, EXAMPLE_FLAGS | FRAMEBUFFER_FLAG, drawn_upon=True)


# qboot leaves the VGA as it found it: not set to any mode, and without an address for its framebuffer.
@pytest.mark.parametrize("machine", [
    EXAMPLE_PC.but(args=VGA),
    EXAMPLE_PC.but(args=VGA, firmware="qboot"),
    EXAMPLE_PC.but(args=VGA, board="q35"),
    EXAMPLE_PC.but(args=VGA, board="q35", firmware="qboot"),
], ids=str)
def test_example_draws(machine, image, example):
    diagonal = {(place, place): BLUE for place in range(EXAMPLE_SIZE[1])}
    screen = pixel_screen(machine, image, example, EXAMPLE_APPEND,
                          until=lambda screen: screen.size == EXAMPLE_SIZE and len(screen.pixels) >= len(diagonal))
    assert screen.matched, screen
    assert screen.pixels == diagonal, screen
