# SPDX-License-Identifier: BSD-2-Clause
"""The mover alone: mover_moves.c has it move in every way; and which processors it moves on by SSE2."""

import pathlib
import re
import subprocess

import pytest

pytest.register_assert_rewrite("handover")

import boot_image
import handover
from boots import MIB, OURS, PC, REPORTED, report_of
from qemu import run

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = [TOP / "test/boot/mover_moves.c", TOP / "src/handoff/mover.S"]
FLAGS = ["-m32", "-march=i686", "-mno-sse", "-mno-mmx", "-O2", "-std=gnu17", "-ffreestanding", "-fno-pic", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow",
         f"-I{TOP}/include"]
LINK = ["-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x100000", "-Wl,--build-id=none", "-Wl,-z,noexecstack",
        "-Wl,--no-warn-rwx-segments"]
AT_LEAST = 20_000


@pytest.mark.parametrize("with_sse2, has_sse2", [(1, 1), (1, 0), (0, 0)],
                         ids=["sse2", "processor-without", "built-without"])
def test_every_byte_is_moved_and_no_other(with_sse2, has_sse2, tmp_path):
    kernel = tmp_path / "kernel.elf"
    subprocess.run(["gcc", *FLAGS, f"-DPVHBOOT_SSE2={with_sse2}", "-DPVHBOOT_XEN=1", f"-DHAS_SSE2={has_sse2}", *LINK,
                    "-o", kernel, *SOURCES], check=True)
    result = run(PC, kernel)
    assert result.debug_exit == REPORTED, result
    found = re.fullmatch(r"moves, wrong (\d+) (\d+) \n", result.text)
    assert found, result
    assert int(found[1]) >= AT_LEAST and found[2] == "0", result


# The first three have no SSE2, the next none that a system may use.
@pytest.mark.parametrize("cpu", ["pentium2", "pentium3", "qemu64,-sse2", "qemu64,-fxsr", "qemu64", "max"])
def test_moves_on_any_processor(cpu, boot, host_of, payloads):
    """Larger than a block by far, and from where nothing is aligned."""
    kernel, initrd = (payloads / "linux32.bzImage").read_bytes(), boot_image.cpio(MIB + 77)
    machine = PC.but(cpu=cpu)
    result = boot(machine, kernel + initrd, OURS + b" words")
    given = handover.given_by_host(host_of(machine, kernel + initrd, OURS + b" words"), kernel, initrd, b"words",
                                   long_mode=not cpu.startswith("pentium"))
    handover.check(report_of(result), given)
