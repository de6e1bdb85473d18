# SPDX-License-Identifier: BSD-2-Clause
"""The command of `pvhboot run --accel kvm`, as --dry-run prints it, on real KVM."""

import dataclasses
import shlex
import subprocess

import debian
import nest
import pytest
import reporter
from boots import REPORTED
from kvm import Boot, run

# The machine that has KVM lacks a VGA's ROM.
QEMU_ADDED = ("-vga", "none", "-chardev", "pipe,id=qmp,path=monitor", "-mon", "chardev=qmp,mode=control")
BOARDS = ["microvm", "pc"]


@dataclasses.dataclass(frozen=True)
class Printed(Boot):
    """A command that was printed."""

    words: tuple = ()

    def command(self, place):
        words = [nest.QEMU, *self.words[1:]]
        for option, content in (("-kernel", self.kernel), ("-initrd", self.initrd)):
            words[words.index(option) + 1] = place(content)
        return [*words, *QEMU_ADDED]


def printed(build, board, kernel, line):
    command = [build / "pvhboot", "run", "--dry-run", "--accel", "kvm", "-M", board, "-m", "256M", f"{kernel},{line}"]
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return tuple(shlex.split(done.stdout.replace("\\\n", "")))


@pytest.fixture(scope="module")
def ran(build, image, payloads, tmp_path_factory):
    initrd = debian.initramfs("amd64", tmp_path_factory.mktemp("run") / "initrd.img")
    boot_image = initrd.with_name("boot.img")
    boot_image.write_bytes(debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes() + initrd.read_bytes())
    kernels = {"reporter": (payloads / "multiboot2.elf", "any words"), "linux": (boot_image, "quiet")}
    return run([Printed(f"{name}-{board}", board, image, kernel, memory=256, words=printed(build, board, kernel, line))
                for name, (kernel, line) in kernels.items() for board in BOARDS])


@pytest.mark.parametrize("board", BOARDS)
def test_reporter(ran, board):
    result = ran[f"reporter-{board}"]
    assert result.debug_exit == REPORTED, result
    assert reporter.parse(result.text).command_line.bytes == b"any words", result


@pytest.mark.parametrize("board", BOARDS)
def test_linux(ran, board):
    result = ran[f"linux-{board}"]
    assert result.end == "power-off" and "guest: reached user space" in result.text, result
