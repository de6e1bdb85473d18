# SPDX-License-Identifier: BSD-2-Clause
"""Reporters of payloads/ started by OVMF through pvhboot.efi: what they are given must be, to the byte, what the firmware has."""

import functools
import re

import pytest

pytest.register_assert_rewrite("handover", "handover_firmware", "handover_multiboot", "handover_pvh", "multiboot_boots")

import boot_image
import handover
import handover_firmware
import handover_multiboot
import handover_pvh
import multiboot_boots
import multiboot_image
from fit import Configuration, Image, bundle
from handover_firmware import Firmware
from qemu import run
from reporter import RAM
from screen import read_ppm
from uefi import BY_DEFAULT, PC, Q35, BootOption, report_of
from uki import make_uki

MIB = 1 << 20
GIB = 1024 * MIB

OURS = "pvhboot.panic=exit"
INITRD = boot_image.cpio(70_003)
MODULE = boot_image.random_bytes(3 * MIB + 1)

VGA = ("-vga", "std")

# Multiboot 2.0, 3.1.
EFI_BOOT_SERVICES, OPTIONAL = 7, 1


# ---- what the machine has ----


# Where memory goes on above 4 GiB: QEMU's hw/i386/pc_q35.c and pc_piix.c.
LOW_MEMORY_ENDS = {"q35": (0xB0000000, 0x80000000), "pc": (0xE0000000, 0xC0000000)}


def ram_of(machine):
    """Where a machine's memory is, but for a PC's VGA memory and ROMs: (start, end)."""
    size = int(machine.memory[:-1]) * {"M": MIB, "G": GIB}[machine.memory[-1]]
    most, split = LOW_MEMORY_ENDS[machine.board]
    low = size if size <= most else split
    found = [(0, 0xA0000), (MIB, low)]
    return found if size == low else [*found, (4 * GIB, 4 * GIB + size - low)]


def check_memory_is_the_machines(efi_memory, machine):
    """Every byte of the machine's memory is in the firmware's map, and no RAM is elsewhere."""
    ranges = ram_of(machine)
    inside = [memory for memory in efi_memory
              if any(start <= memory.start and memory.start + memory.size <= end for start, end in ranges)]
    assert sum(memory.size for memory in inside) == sum(end - start for start, end in ranges)
    outside = [memory for memory in efi_memory if memory not in inside]
    assert not any(handover_firmware.e820_type(memory) == RAM for memory in outside), outside
    kept = sum(memory.size for memory in inside if handover_firmware.e820_type(memory) != RAM)
    assert 0 < kept < 8 * MIB, "what a firmware keeps"


def framebuffer_address(info_pci):
    """The first memory range of the display, by QEMU's monitor."""
    display = re.search(r"(VGA|Display) controller.*?(?=\n  Bus|\Z)", info_pci, re.S)[0]
    return int(re.search(r"BAR\d: \d+ bit prefetchable memory at (0x[0-9a-f]+)", display)[1], 16)


# ---- judges ----


def judge_linux(result, kernel, machine, display=None, vmlinux=False, **more):
    report = report_of(result)
    host = handover_firmware.host_of(report)
    given = handover.GivenVmlinux if vmlinux else handover.Given
    handover.check(report, given(kernel=kernel, memory=host.memory, rsdp=host.rsdp, firmware=Firmware(display), **more))
    check_memory_is_the_machines(report.efi_memory, machine)
    return report


def judge_multiboot2(result, kernel, machine, line=b"", held=False, **more):
    report = report_of(result, "multiboot2", held=held)
    image = multiboot_image.MultibootImage(kernel, 2)
    host = handover_firmware.host_of(report)
    handover_multiboot.check(report, handover_multiboot.Given(
        kernel=kernel, protocol=2, command_line=line, memory=host.memory, rsdp=host.rsdp, firmware=Firmware(),
        load_address=multiboot_boots.where_it_goes(image, host.memory), **more))
    check_memory_is_the_machines(report.efi_memory, machine)
    return report


@pytest.fixture(scope="session")
def host_of(start, program, payloads):
    """host_of(machine) -> its memory and RSDP by a Multiboot 2 kernel; for kernels that are not told all."""

    @functools.lru_cache(maxsize=None)
    def ask(machine):
        kernel = (payloads / "multiboot2.elf").read_bytes()
        files = {BY_DEFAULT: program, "EFI/BOOT/payload": kernel}
        return handover_firmware.host_of(judge_multiboot2(start(files, machine=machine), kernel, machine))

    return ask


@pytest.fixture(scope="session")
def display_of(start, program, payloads, tmp_path_factory):
    """display_of(machine) -> its framebuffer as a Multiboot 2 kernel is told, held against what QEMU has on its screen."""
    picture = tmp_path_factory.mktemp("screen") / "screen.ppm"

    @functools.lru_cache(maxsize=None)
    def ask(machine):
        kernel = (payloads / "multiboot2-framebuffer.elf").read_bytes()
        result = start({BY_DEFAULT: program, "payload.elf": kernel}, machine=machine, until="report: end\n",
                       option=BootOption(BY_DEFAULT, "pvhboot.payload=\\payload.elf hold"),
                       monitor=(f'screendump "{picture}"', "info pci"))
        size, pixels = read_ppm(picture.read_bytes())
        report = judge_multiboot2(result, kernel, machine, b"hold", held=True, framebuffer=(*size, 32))
        check_squares(size, pixels)
        assert report.framebuffer.address == framebuffer_address(result.monitor[1]), result.monitor[1]
        return report.framebuffer

    return ask


SQUARE = 16


def check_squares(size, pixels):
    """The reporter draws them by the fields that it was given: they are seen where those are true."""
    width, height = size
    for left, top, colour in ((0, 0, (255, 0, 0)), (width - SQUARE, 0, (0, 255, 0)), (0, height - SQUARE, (0, 0, 255)),
                              (width - SQUARE, height - SQUARE, (255, 255, 255))):
        assert {pixels.get((x, y)) for x in (left, left + SQUARE - 1) for y in (top, top + SQUARE - 1)} == {colour}


# ---- Linux ----


def test_linux_by_files_of_the_load_options(start, program, payloads, display_of):
    """64-bit entry, several modules, a display; names from the root, beside the program, with either slash, in quotes."""
    machine = Q35.but(args=VGA)
    kernel = (payloads / "linux64.bzImage").read_bytes()
    later = boot_image.cpio(5001, seed=2)
    option = BootOption("EFI/test/pvhboot.efi", 'a  b pvhboot.entry=64 pvhboot.payload=linux64.bzImage '
                        rf'pvhboot.module=/first.img "c pvhboot.module=x" {OURS} pvhboot.module="\second initrd.img"  d')
    result = start({"EFI/test/pvhboot.efi": program, "EFI/test/linux64.bzImage": kernel, "first.img": INITRD,
                    "second": later}, option, machine)
    joined = INITRD + bytes(-len(INITRD) % 4) + later
    judge_linux(result, kernel, machine, display_of(machine), entry=64, initrd=joined,
                command_line=b'a  b "c pvhboot.module=x"  d')


def test_linux_in_a_section(start, program, payloads, tmp_path, display_of):
    """.payload, .initrd and .cmdline, whose line comes behind our words of the load options."""
    machine = PC.but(memory="512M", args=VGA)
    kernel = (payloads / "linux32.bzImage").read_bytes()
    made = make_uki(tmp_path / "boot.efi", [(".payload", kernel), (".initrd", INITRD),
                                            (".cmdline", b"\n of the section \xc3\xa4 \n")], program)
    result = start({"boot.efi": made}, BootOption("boot.efi", OURS), machine)
    judge_linux(result, kernel, machine, display_of(machine), initrd=INITRD, command_line=b"of the section \xc3\xa4")


def test_vmlinux_by_its_linux_entry_and_a_line_instead_of_the_sections(start, program, payloads, tmp_path):
    machine = Q35.but(memory="5G")
    kernel = (payloads / "vmlinux64.elf").read_bytes()
    made = make_uki(tmp_path / "boot.efi", [(".payload", kernel), (".cmdline", b"of the section")], program)
    result = start({}, kernel=made, append=f"of the options {OURS} pvhboot.protocol=linux", machine=machine)
    judge_linux(result, kernel, machine, vmlinux=True, initrd=None, command_line=b"of the options")


def test_old_linux_beside_the_program(start, program, payloads):
    """At 1 MiB, where the image is as well, with a header that has no init_size; the file `payload`, and its tail."""
    kernel = (payloads / "linux-old.bzImage").read_bytes()
    result = start({BY_DEFAULT: program, "EFI/BOOT/payload": kernel + INITRD}, machine=PC)
    judge_linux(result, kernel, PC, initrd=INITRD, command_line=b"")


# The first profile has a line of its own, and what all have otherwise.
PROFILES = [(None, b"of=main", INITRD), (1, b"of=second", boot_image.cpio(5001, seed=2))]


@pytest.mark.parametrize("number, line, initrd", PROFILES, ids=["profile0", "profile1"])
def test_uki_with_profiles(number, line, initrd, start, program, payloads, tmp_path, build):
    """The same file is started by the firmware, and given as a module to pvhboot.elf."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    made = make_uki(tmp_path / "linux.efi", [
        (".osrel", b"ID=test\n"), (".linux", kernel), (".cmdline", b"of=all"), (".initrd", INITRD),
        (".profile", b"ID=main\n"), (".cmdline", PROFILES[0][1]), (".profile", b"ID=second\n"),
        (".cmdline", PROFILES[1][1]), (".initrd", PROFILES[1][2])], program)
    options = OURS if number is None else f"@{number} {OURS}"
    result = start({BY_DEFAULT: made}, BootOption(BY_DEFAULT, options))
    judge_linux(result, kernel, Q35, initrd=initrd, command_line=line)
    by_module = report_of(run(Q35, build / "pvhboot.elf", made, options, timeout=30))
    given = handover.Given(kernel=kernel, initrd=initrd, command_line=line, memory=by_module.memory, rsdp=by_module.rsdp)
    handover.check(by_module, given)


# ---- Multiboot ----


def test_multiboot2_with_modules(start, program, payloads):
    machine = PC.but(memory="5G")
    kernel = (payloads / "multiboot2-64-sections.elf").read_bytes()
    option = BootOption(BY_DEFAULT, rf'pvhboot.payload=k.elf pvhboot.module="\driver --fast  x" {OURS} '
                        r'pvhboot.module=/EFI/BOOT/empty-line line')
    result = start({BY_DEFAULT: program, "EFI/BOOT/k.elf": kernel, "driver": MODULE, "EFI/BOOT/empty-line": INITRD}, option,
                   machine)
    judge_multiboot2(result, kernel, machine, b"line", modules=[handover_multiboot.Module(MODULE, b"--fast  x"),
                                                               handover_multiboot.Module(INITRD, b"")])


def test_multiboot2_in_a_bundle(start, program, payloads, tmp_path):
    """Relocatable to the highest address, with the firmware's map in the way; no framebuffer where none is asked for."""
    machine = Q35.but(memory="512M", args=VGA)
    kernel = (payloads / "multiboot2-relocatable-highest.elf").read_bytes()
    itb = bundle(tmp_path / "boot.itb", [Image("kernel", kernel, command_line="of the bundle"),
                                         Image("module", MODULE, type="ramdisk", command_line="a module's")],
                 [Configuration("conf", "kernel", loadables=("module",))])
    result = start({BY_DEFAULT: program, "EFI/BOOT/payload": itb}, machine=machine)
    judge_multiboot2(result, kernel, machine, b"of the bundle", modules=[handover_multiboot.Module(MODULE, b"a module's")])


def test_multiboot2_that_asks_for_boot_services(start, program, payloads, host_of):
    """They are gone: to a kernel that would do without UEFI rather than without them (Xen) nothing is told of it."""
    kernel = multiboot_image.with_header2((payloads / "multiboot2.elf").read_bytes(), multiboot_image.header2(
        [multiboot_image.Tag(EFI_BOOT_SERVICES, flags=OPTIONAL)]))
    result = start({BY_DEFAULT: program, "EFI/BOOT/payload": kernel})
    host = host_of(Q35)
    handover_multiboot.check(report_of(result, "multiboot2"), handover_multiboot.Given(
        kernel=kernel, protocol=2, command_line=b"", memory=host.memory, rsdp=host.rsdp))


def test_multiboot1(start, program, payloads, host_of, display_of):
    """It is told of no RSDP, and finds it; its display is the firmware's, whatever mode it asks for."""
    machine = Q35.but(args=VGA)
    kernel = (payloads / "multiboot1-video.elf").read_bytes()
    option = BootOption(BY_DEFAULT, f"pvhboot.payload=kernel.elf pvhboot.module=payload pvhboot.argv0=name {OURS} words")
    result = start({BY_DEFAULT: program, "EFI/BOOT/kernel.elf": kernel, "EFI/BOOT/payload": INITRD}, option, machine)
    host = host_of(machine)
    display = display_of(machine)
    handover_multiboot.check(report_of(result, "multiboot1"), handover_multiboot.Given(
        kernel=kernel, protocol=1, command_line=b"name words", memory=host.memory, rsdp=host.rsdp,
        framebuffer=(display.width, display.height, display.depth), modules=[handover_multiboot.Module(INITRD)]))


# ---- PVH ----


def test_pvh_in_a_section(start, program, payloads, tmp_path, host_of):
    machine = PC.but(memory="5G")
    kernel = (payloads / "pvh.elf").read_bytes()
    made = make_uki(tmp_path / "boot.efi", [(".payload", kernel), (".initrd", MODULE)], program)
    result = start({BY_DEFAULT: made}, BootOption(BY_DEFAULT, f"{OURS} words"), machine)
    host = host_of(machine)
    handover_pvh.check(report_of(result, "pvh"), handover_pvh.Given(
        kernel=kernel, command_line=b"words", memory=host.memory, rsdp=host.rsdp,
        modules=[handover_pvh.Module(MODULE)]))


# ---- displays ----


# Of several the firmware's console stands for all, and cannot be drawn to.
DISPLAYS = {"virtio-vga": PC.but(args=("-device", "virtio-vga")), "bochs": Q35.but(args=("-device", "bochs-display")),
            "two": Q35.but(args=("-device", "VGA", "-device", "bochs-display")),
            "two, one of them no memory": Q35.but(args=("-device", "VGA", "-device", "virtio-gpu-pci"))}


@pytest.mark.parametrize("machine", DISPLAYS.values(), ids=DISPLAYS.keys())
def test_display(machine, display_of, start, program, payloads):
    """A Multiboot kernel could have a mode of pvhboot's own making instead; Linux has the firmware's or none."""
    display = display_of(machine)
    assert display.address
    kernel = (payloads / "linux64.bzImage").read_bytes()
    judge_linux(start({BY_DEFAULT: program, "EFI/BOOT/payload": kernel}, machine=machine), kernel, machine, display, initrd=None,
                command_line=b"")


def test_display_that_is_no_memory(start, program, payloads):
    """GOP can only copy to it: nothing is told, and a kernel boots all the same."""
    machine = Q35.but(args=("-device", "virtio-gpu-pci"))
    kernel = (payloads / "linux64.bzImage").read_bytes()
    judge_linux(start({BY_DEFAULT: program, "EFI/BOOT/payload": kernel}, machine=machine), kernel, machine, initrd=None,
                command_line=b"")
