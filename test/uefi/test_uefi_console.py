# SPDX-License-Identifier: BSD-2-Clause
"""pvhboot's own lines on the firmware's display, behind the firmware: to the pixel as the firmware itself writes them."""

import re
import string

import pytest
import uefi
import unkind
from screen import read_ppm
from uefi import PC, Q35, BootOption

# EDK2's characters (MdeModulePkg, LaffStd.c), which it puts into the middle of the display.
WIDTH, HEIGHT = 8, 19

CHARACTERS = "".join(map(chr, range(0x20, 0x7F)))

# On the first display neither a line nor all of them have room.
SMALL = PC.but(args=("-device", "VGA,xres=640,yres=480"))
LARGE = Q35.but(args=("-device", "bochs-display"))


def cells(picture, left, top, columns, rows):
    """Rows of characters, each as the set of its dots that are not black."""
    _, pixels = read_ppm(picture.read_bytes())
    found = [[set() for _ in range(columns)] for _ in range(rows)]
    for x, y in pixels:
        column, row = (x - left) // WIDTH, (y - top) // HEIGHT
        if 0 <= column < columns and 0 <= row < rows:
            found[row][column].add(((x - left) % WIDTH, (y - top) % HEIGHT))
    return [[frozenset(cell) for cell in row] for row in found]


@pytest.fixture
def screendump(tmp_path):
    """The picture's path, and what QEMU's monitor is told for one."""
    path = tmp_path / "screen.ppm"
    return path, (f'screendump "{path}"',)


def learn(build, folder, machine, screendump):
    """Each character as the firmware draws it: {dots: character}."""
    picture, commands = screendump
    script = unkind.Script()
    # A line of the script is one of the console's, which goes on in the next where it ends.
    script.show(CHARACTERS)
    result = unkind.run(build, folder, script, {}, machine=machine, monitor=commands)
    columns, rows = map(int, re.search(r"^unkind: shown on (\d+) x (\d+) characters$", result.text, re.M).groups())
    (width, height), _ = read_ppm(picture.read_bytes())
    shown = cells(picture, (width - columns * WIDTH) // 2, (height - rows * HEIGHT) // 2, columns, rows)
    places = [shown[number // columns][number % columns] for number in range(len(CHARACTERS))]
    assert len(set(places)) == len(CHARACTERS), "all differ, and a space is nothing"
    return dict(zip(places, CHARACTERS))


def screen_of(text, columns, rows):
    """What a display shows, {row: line}, and how many rows were written.

    A line goes on in the next row where it ends, and behind the last row is the first.
    """
    lines = [line[at:at + columns] for line in text.removesuffix("\n").split("\n") for at in range(0, max(len(line), 1), columns)]
    return {number % rows: line for number, line in enumerate(lines)}, len(lines)


@pytest.mark.parametrize("machine", [SMALL, LARGE], ids=["small", "large"])
def test_what_com1_gets_is_on_the_display(machine, build, program, start, screendump, tmp_path):
    """All that is said of a payload that does not boot, and of the machine."""
    picture, commands = screendump
    characters = learn(build, tmp_path, machine, screendump)
    option = BootOption(uefi.BY_DEFAULT, "pvhboot.verbose pvhboot.panic=halt")
    result = start({uefi.BY_DEFAULT: program, "EFI/BOOT/payload": string.printable.encode() * 9}, option, machine,
                   until_halted=True, monitor=commands)
    assert result.halted and [number for number, _ in result.errors] == ["E501"], result
    (width, height), _ = read_ppm(picture.read_bytes())
    columns, rows = width // WIDTH, height // HEIGHT
    shown = cells(picture, 0, 0, columns, rows)
    expected, lines = screen_of(uefi.said(result), columns, rows)
    assert (lines > rows) == (machine is SMALL) and lines > 10, result
    assert {row: "".join(characters.get(cell, "\0") for cell in shown[row]).rstrip() for row in expected} == expected, result
