# SPDX-License-Identifier: BSD-2-Clause
"""Looks at a machine's screen while it runs, for kernels that say nothing on a serial port.

    from screen import text_screen

    screen = text_screen(machine, kernel, initrd, append, until=r"Halted\\.")
    assert screen.matched, screen
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time

from qemu import ask_monitor, command_line

TEXT_MEMORY = 0xB8000
COLUMNS = 80
ROWS = 25

# How long to wait from one look at the screen to the next.
INTERVAL = 0.2


@dataclasses.dataclass
class Screen:
    """What the last look showed.

    text     text_screen: the 25 lines of VGA text memory, white space at their ends removed
    pixels   pixel_screen: a dictionary from (x, y) to (red, green, blue) with what is not black
    size     pixel_screen: (width, height)
    memory   the physical memory that was asked for, when `until` had come true
    serial   everything on the serial port
    matched  what `until` gave
    """

    command: str
    text: str = ""
    pixels: dict = dataclasses.field(default_factory=dict)
    size: tuple = (0, 0)
    memory: bytes = b""
    serial: str = ""
    matched: object = None

    @property
    def lines(self):
        return self.text.split("\n")

    def __str__(self):
        shown = self.text or f"{self.size} with {len(self.pixels)} pixels that are not black"
        return f"{self.command}\n--- screen ---\n{shown}\n--- serial ---\n{self.serial}"


def text_screen(machine, kernel, initrd=None, append=None, *, until, timeout=20, args=(), memory=None):
    """Boots and reads VGA text memory until the regular expression `until` (re.M) is on it, or QEMU or the time ends.

    memory   address and size of physical memory to be read then
    """
    def read_memory(monitor, path, address, size):
        monitor(f'pmemsave {address:#x} {size} "{path}"')
        return path.read_bytes()

    def look(monitor, path, screen):
        # Every second byte is a colour; the characters 0 and 255 look like a space.
        characters = read_memory(monitor, path, TEXT_MEMORY, 2 * COLUMNS * ROWS)[::2]
        characters = characters.replace(b"\0", b" ").replace(b"\xff", b" ").decode("cp437")
        rows = [characters[start : start + COLUMNS].rstrip() for start in range(0, COLUMNS * ROWS, COLUMNS)]
        screen.text = "\n".join(rows)
        screen.matched = re.search(until, screen.text, re.M)
        if screen.matched and memory:
            screen.memory = read_memory(monitor, path, *memory)

    return _watch(machine, kernel, initrd, append, look, timeout, args)


def pixel_screen(machine, kernel, initrd=None, append=None, *, until, timeout=20, args=()):
    """Boots and takes pictures of the screen until `until(screen)` is true, or QEMU or the time ends."""
    def look(monitor, path, screen):
        monitor(f'screendump "{path}"')
        screen.size, screen.pixels = read_ppm(path.read_bytes())
        screen.matched = until(screen)

    return _watch(machine, kernel, initrd, append, look, timeout, args)


def read_ppm(data):
    """A picture as QEMU's screendump writes it: (width, height) and the pixels that are not black."""
    head = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
    width, height = int(head[1]), int(head[2])
    data = data[head.end():]
    assert len(data) == 3 * width * height, "a picture that is cut off"
    pixels = {}
    for y in range(height):
        row = data[3 * width * y : 3 * width * (y + 1)]
        if any(row):
            pixels.update(((x, y), tuple(row[3 * x : 3 * x + 3])) for x in range(width) if any(row[3 * x : 3 * x + 3]))
    return (width, height), pixels


def _watch(machine, kernel, initrd, append, look, timeout, args):
    """Calls look(monitor, path of a file, screen) again and again until it sets screen.matched."""
    command = command_line(machine, kernel, initrd, append, args=args)
    screen = Screen(shlex.join(command))
    deadline = time.monotonic() + timeout
    with tempfile.TemporaryDirectory(prefix="pvhboot-screen-") as folder:
        socket_path = os.path.join(folder, "monitor")
        serial = pathlib.Path(folder, "serial")
        picture = pathlib.Path(folder, "picture")
        with serial.open("wb") as output:
            process = subprocess.Popen([*command, "-monitor", f"unix:{socket_path},server=on,wait=off"],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            while not screen.matched and time.monotonic() < deadline and process.poll() is None:
                time.sleep(INTERVAL)
                # At first the monitor is not there yet, in the end it is no longer.
                with contextlib.suppress(FileNotFoundError, ConnectionError):
                    look(lambda words: ask_monitor(socket_path, [words]), picture, screen)
        finally:
            process.kill()
            process.wait()
        screen.serial = serial.read_bytes().decode("latin-1").replace("\r", "")
    return screen
