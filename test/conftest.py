# SPDX-License-Identifier: BSD-2-Clause
"""What all tests that boot something share: the build folder and the things in it."""

import os
import pathlib

import pytest

TOP = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def build():
    """The build folder: PVHBOOT_BUILD, or build/ at the top of the tree."""
    folder = pathlib.Path(os.environ.get("PVHBOOT_BUILD", TOP / "build"))
    if not (folder / "pvhboot.elf").exists():
        pytest.fail(f"{folder}/pvhboot.elf is not there: cmake --preset default && cmake --build --preset default")
    return folder


@pytest.fixture(scope="session")
def image(build):
    """pvhboot.elf, the ELF64 container."""
    return build / "pvhboot.elf"


@pytest.fixture(scope="session")
def image32(build):
    """pvhboot32.elf, the ELF32 container."""
    return build / "pvhboot32.elf"


@pytest.fixture(scope="session")
def payloads(build):
    """The folder of the reporting kernels."""
    return build / "payloads"
