# SPDX-License-Identifier: BSD-2-Clause
"""What all tests of the command `pvhboot` share. The build folder is PVHBOOT_BUILD or build/: test/conftest.py."""

import command
import pytest


@pytest.fixture(scope="session")
def pvhboot_path(build):
    """The command that was built."""
    path = build / "pvhboot"
    assert path.exists(), f"{path} is not there: cmake --build --preset default"
    return path


@pytest.fixture(scope="session")
def pvhboot(pvhboot_path):
    """pvhboot("inspect", file, ...) -> command.Result; keywords as for command.run."""

    def run_command(*words, **more):
        return command.run(pvhboot_path, *words, **more)

    return run_command
