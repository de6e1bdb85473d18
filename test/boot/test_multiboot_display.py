# SPDX-License-Identifier: BSD-2-Clause
"""The framebuffer and text screen that Multiboot reporters are told of: there must be one, and it must be as it was told."""

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "multiboot_boots")

import handover_multiboot
import multiboot_image
from boots import BOARDS, MIB, OURS, PC, PC_QBOOT, Q35, Q35_QBOOT, error_of, report_of
from multiboot_boots import check
from qemu import run
from screen import read_ppm

VGA = ("-vga", "std")
# It requires a console, which a machine without a display does not have.
NEEDS_CONSOLE = ("multiboot2-console.elf", 2)
DISPLAY_BOARDS = [PC, PC_QBOOT, Q35, Q35_QBOOT]


@pytest.mark.parametrize("machine", [board.but(args=VGA) for board in DISPLAY_BOARDS], ids=str)
@pytest.mark.parametrize("variant", [("multiboot1-video.elf", 1), ("multiboot2-framebuffer.elf", 2)], ids=str)
def test_linear_framebuffer_where_it_is_asked_for(variant, machine, boot, host_of, payloads):
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    check(boot(machine, kernel), kernel, protocol, host_of(machine, kernel, OURS), framebuffer=(800, 600, 32))


@pytest.mark.parametrize("machine", [board.but(args=VGA) for board in DISPLAY_BOARDS], ids=str)
@pytest.mark.parametrize("variant", [("multiboot1-sections.elf", 1), ("multiboot2.elf", 2), NEEDS_CONSOLE], ids=str)
def test_text_screen_where_none_is_asked_for(variant, machine, boot, host_of, payloads):
    """A PC's BIOS leaves a VGA in text mode; qboot leaves it as it was at power-on."""
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    result = boot(machine, kernel)
    if machine.firmware == "qboot" and variant == NEEDS_CONSOLE:
        assert error_of(result) == "E411"
    else:
        check(result, kernel, protocol, host_of(machine, kernel, OURS),
              framebuffer=None if machine.firmware == "qboot" else "text")


@pytest.mark.parametrize("machine", BOARDS, ids=str)
def test_required_console_without_a_display(machine, boot, payloads):
    assert error_of(boot(machine, (payloads / "multiboot2-console.elf").read_bytes())) == "E411"


@pytest.mark.parametrize("machine", [PC.but(args=("-vga", kind)) for kind in ("cirrus", "vmware")], ids=lambda m: m.args[1])
@pytest.mark.parametrize("variant", [("multiboot1-video.elf", 1), ("multiboot2-framebuffer.elf", 2)], ids=str)
def test_another_display_stays_in_text_mode(variant, machine, boot, host_of, payloads):
    """A request for a mode is a recommendation."""
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    check(boot(machine, kernel), kernel, protocol, host_of(machine, kernel, OURS), framebuffer="text")


TWO = [("VGA,addr=2", "VGA,addr=3"), ("VGA,addr=5", "virtio-vga,addr=4")]


@pytest.mark.parametrize("machine", [PC, PC_QBOOT], ids=str)
@pytest.mark.parametrize("devices", TWO, ids=" ".join)
def test_of_two_displays_no_mode_is_set(devices, machine, boot, payloads):
    """The ports that set a mode are one's, the memory that is found may be the other's."""
    args = ["-vga", "none", *(word for device in devices for word in ("-device", device))]
    report = report_of(boot(machine, (payloads / "multiboot2-framebuffer.elf").read_bytes(), args=args), "multiboot2")
    assert not report.framebuffer or report.framebuffer.type == handover_multiboot.FRAMEBUFFER_TEXT


CIRRUS = ("-vga", "cirrus")
REQUEST = multiboot_image.Tag(multiboot_image.FRAMEBUFFER, multiboot_image.words(800, 600, 32))


def console(flags):
    return multiboot_image.Tag(multiboot_image.CONSOLE, multiboot_image.words(flags))


# QEMU's display, header tags, and what the kernel is told of; or the error's number.
CONSOLES = [
    (VGA, [console(1), REQUEST], (800, 600, 32)), (VGA, [REQUEST, console(3)], (800, 600, 32)), (VGA, [console(3)], "text"),
    (VGA, [console(1)], "E411"), (VGA, [console(0)], None), (VGA, [console(2)], "text"), (VGA, [console(0), REQUEST], (800, 600, 32)),
    (CIRRUS, [console(1), REQUEST], "E411"), (CIRRUS, [console(3), REQUEST], "text"), (CIRRUS, [console(0), REQUEST], None),
    (CIRRUS, [REQUEST], "text"), ((), [console(2), REQUEST], None), ((), [console(3), REQUEST], "E411"),
]


@pytest.mark.parametrize("case", CONSOLES, ids=range(len(CONSOLES)))
def test_console_flags(case, boot, host_of, payloads):
    """Bit 0: a console is required; bit 1: the kernel can do with text."""
    args, tags, expected = case
    kernel = multiboot_image.with_header2((payloads / "multiboot2.elf").read_bytes(), multiboot_image.header2(tags))
    machine = PC.but(args=args)
    result = boot(machine, kernel)
    if expected == "E411":
        assert error_of(result) == expected
    else:
        check(result, kernel, 2, host_of(machine, kernel, OURS), framebuffer=expected)


# Asked for, and what is the nearest: 0 is no preference.
MODES = [
    ((1024, 768, 32), (1024, 768, 32)), ((0, 0, 0), (1024, 768, 32)), ((640, 480, 16), (640, 480, 16)),
    ((1280, 1024, 24), (1280, 1024, 24)), ((800, 600, 15), (800, 600, 15)), ((1024, 768, 0), (1024, 768, 32)),
    ((0, 0, 16), (1024, 768, 16)),
]


@pytest.mark.parametrize("asked, expected", MODES, ids=str)
@pytest.mark.parametrize("machine", [PC.but(args=VGA), PC_QBOOT.but(args=VGA)], ids=str)
def test_modes(machine, asked, expected, boot, host_of, payloads):
    kernel = (payloads / "multiboot1-video.elf").read_bytes()
    header = multiboot_image.header1(7, 0, 0, 0, 0, 0, 0, *asked)
    kernel = multiboot_image.with_header1(kernel, header)
    check(boot(machine, kernel), kernel, 1, host_of(machine, kernel, OURS), framebuffer=expected)


@pytest.mark.parametrize("asked", [(7680, 4320, 32), (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), (1, 1, 1), (801, 601, 31)])
def test_modes_that_there_are_not(asked, boot, payloads):
    """Some mode near to it, that works."""
    header = multiboot_image.header1(7, 0, 0, 0, 0, 0, 0, *asked)
    kernel = multiboot_image.with_header1((payloads / "multiboot1-video.elf").read_bytes(), header)
    report = report_of(boot(PC.but(args=VGA), kernel), "multiboot1")
    assert report.framebuffer.type == handover_multiboot.FRAMEBUFFER_RGB
    assert report.framebuffer.pitch * report.framebuffer.height <= 16 * MIB


def test_text_mode_that_is_asked_for(boot, host_of, payloads):
    """mode_type 1 of Multiboot 1."""
    header = multiboot_image.header1(7, 0, 0, 0, 0, 0, 1, 80, 25, 0)
    kernel = multiboot_image.with_header1((payloads / "multiboot1-video.elf").read_bytes(), header)
    machine = PC.but(args=VGA)
    check(boot(machine, kernel), kernel, 1, host_of(machine, kernel, OURS), framebuffer="text")


@pytest.mark.parametrize("board", DISPLAY_BOARDS, ids=str)
@pytest.mark.parametrize("megabytes", [1, 4, 64])
def test_video_memory_of_any_size(megabytes, board, boot, host_of, payloads):
    """The mode has to fit into it; where nobody has assigned its place, all of it has to be found one."""
    kernel = (payloads / "multiboot1-video.elf").read_bytes()
    machine = board.but(args=("-device", f"VGA,vgamem_mb={megabytes}"))
    result = boot(machine, kernel)
    found = report_of(result, "multiboot1").framebuffer
    size = found.pitch * found.height
    assert size <= megabytes * MIB
    check(result, kernel, 1, host_of(machine, kernel, OURS), framebuffer=(found.width, found.height, found.depth))
    if megabytes > 1:
        assert (found.width, found.height) == (800, 600)


@pytest.mark.parametrize("device", ["bochs-display", "secondary-vga"])
def test_display_that_is_no_vga(device, boot, host_of, payloads):
    """QEMU's other devices with the same interface are not at the VGA's ports."""
    kernel = (payloads / "multiboot2-framebuffer.elf").read_bytes()
    machine = PC.but(args=("-device", device))
    check(boot(machine, kernel), kernel, 2, host_of(machine, kernel, OURS))


SQUARE = 16


def corners(size):
    width, height = size
    return {(0, 0): (255, 0, 0), (width - SQUARE, 0): (0, 255, 0), (0, height - SQUARE): (0, 0, 255),
            (width - SQUARE, height - SQUARE): (255, 255, 255)}


@pytest.mark.parametrize("machine", [board.but(args=VGA) for board in DISPLAY_BOARDS], ids=str)
@pytest.mark.parametrize("asked", [(1024, 768, 32), (640, 480, 16), (800, 600, 24), (1280, 720, 15)], ids=str)
def test_what_is_drawn_is_on_the_screen(asked, machine, build, payloads, tmp_path):
    """The reporter draws by the fields that it was given; the screen shows whether they are true."""
    header = multiboot_image.header1(7, 0, 0, 0, 0, 0, 0, *asked)
    kernel = tmp_path / "kernel.elf"
    kernel.write_bytes(multiboot_image.with_header1((payloads / "multiboot1-video.elf").read_bytes(), header))
    picture = tmp_path / "screen.ppm"
    result = run(machine, build / "pvhboot.elf", kernel, "hold", until="report: end", timeout=30,
                 monitor=(f'screendump "{picture}"',))
    size, pixels = read_ppm(picture.read_bytes())
    assert size == asked[:2], result
    for (left, top), colour in corners(size).items():
        inside = {pixels.get((x, y)) for x in (left, left + SQUARE - 1) for y in (top, top + SQUARE - 1)}
        assert {tuple(round(part / 255) * 255 for part in pixel or (0, 0, 0)) for pixel in inside} == {colour}, (left, top)
    assert len(pixels) == 4 * SQUARE * SQUARE, "the rest of the screen is black"


def test_letters_are_on_the_text_screen(build, payloads, tmp_path):
    screen = tmp_path / "screen"
    result = run(PC.but(args=VGA), build / "pvhboot.elf", payloads / "multiboot2.elf", "hold", until="report: end",
                 timeout=30, monitor=(f'pmemsave 0xb8000 4000 "{screen}"',))
    assert result.matched, result
    rows = [screen.read_bytes()[row * 160:row * 160 + 14:2] for row in (0, 24)]
    assert rows == [b"pvhboot", b"pvhboot"]
