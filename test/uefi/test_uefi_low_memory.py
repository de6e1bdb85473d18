# SPDX-License-Identifier: BSD-2-Clause
"""What kernels for PCs find in low memory: an EBDA, and a BIOS that says no."""

import pathlib
import subprocess

import pytest
import uefi
from boots import REPORTED
from uefi import PC, Q35

SOURCE = pathlib.Path(__file__).with_name("real_mode.S")
VECTORS = 256
BIOS_CALLS = range(0x10, 0x20)
EBDA_KIB = 4


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    path = tmp_path_factory.mktemp("real-mode") / "kernel.elf"
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0x200000", "-Wl,-e,entry",
                    f"-DSTATUS={REPORTED}", "-o", path, SOURCE], check=True)
    return path


@pytest.mark.parametrize("machine", [PC, Q35], ids=["pc", "q35"])
def test_calls_of_a_bios_come_back(machine, start, program, kernel):
    """With carry set, which says that it failed. What may be an interrupt comes back as if it had not been."""
    result = start({uefi.BY_DEFAULT: program, "EFI/BOOT/payload": kernel}, machine=machine)
    answers = "".join("11" if vector in BIOS_CALLS else "01" for vector in range(VECTORS))
    assert uefi.said(result) == f"{EBDA_KIB}{answers}\n", result
    assert result.debug_exit == REPORTED, result
