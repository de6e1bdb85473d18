# SPDX-License-Identifier: BSD-2-Clause
"""Images with something left out: built on demand in build/variants, and only again when something has changed."""

import contextlib
import fcntl
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
# CMake's options that are about something else.
NOT_PARTS = {"PVHBOOT_TESTS", "PVHBOOT_COMMAND", "PVHBOOT_FUZZ", "PVHBOOT_SMALL"}


def options():
    """CMake's options that leave something out of the image."""
    found = re.findall(r"^option\((PVHBOOT_\w+)", (TOP / "CMakeLists.txt").read_text(), re.M)
    return [option for option in found if option not in NOT_PARTS]


@contextlib.contextmanager
def only_one(folder):
    """Tests run in several processes, which may want the same build."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(*words):
    made = subprocess.run(words, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert made.returncode == 0, made.stdout


def _built(folder, *words):
    with only_one(folder):
        # What the linker and the link-time optimiser merely warn of otherwise.
        _run("cmake", *words, "-B", folder, "-DPVHBOOT_TESTS=OFF", "-DCMAKE_EXE_LINKER_FLAGS=-Werror -Wl,--fatal-warnings")
        _run("cmake", "--build", folder, "--target", "image64")
    return folder


def without(build, option):
    """The build folder of an image with this one option switched off."""
    return _built(build.resolve() / "variants" / option, "-S", TOP, "-G", "Ninja", f"-D{option}=OFF")


def minimal(build):
    """That of the preset `minimal`."""
    return _built(build.resolve() / "variants/minimal", "--preset", "minimal")
