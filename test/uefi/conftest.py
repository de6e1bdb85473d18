# SPDX-License-Identifier: BSD-2-Clause
"""What the tests under UEFI share. The build folder is PVHBOOT_BUILD or build/: test/conftest.py."""

import functools

import pytest

import uefi


@pytest.fixture(scope="session")
def program(build):
    """pvhboot.efi."""
    path = build / "pvhboot.efi"
    assert path.exists(), f"{path} is not there: cmake --build --preset default"
    return path


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """uefi.start with a folder for its disks."""
    return functools.partial(uefi.start, tmp_path_factory.mktemp("uefi"))
