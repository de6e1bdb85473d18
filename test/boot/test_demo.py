# SPDX-License-Identifier: BSD-2-Clause
"""./demo as a user runs it the second time: it boots, prints a command that can be copied, and leaves apt-get alone."""

import os
import pathlib
import re
import subprocess

import debian
import pytest
from guest import Guest

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def run_demo(build, tmp_path):
    if build.resolve() != TOP / "build":
        pytest.skip("./demo builds in build/ at the top of the tree, and PVHBOOT_BUILD is another folder")
    # What the demo needs from Debian is there from now on.
    debian.kernel("amd64", "linux-image-cloud-amd64")
    debian.package("amd64", "busybox-static")
    stubs = tmp_path / "bin"
    stubs.mkdir()

    def replace(name, script):
        (stubs / name).write_text(f"#!/bin/sh\n{script}\n")
        (stubs / name).chmod(0o755)

    for name in ("apt-get", "sudo"):
        replace(name, f'echo "{name} $*" >>"{tmp_path}/called"; exit 1')

    def run(**replaced):
        for name, script in replaced.items():
            replace(name, script)
        environment = dict(os.environ, PATH=f"{stubs}:{os.environ['PATH']}")
        result = subprocess.run([TOP / "demo"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=600)
        assert not (tmp_path / "called").exists(), (tmp_path / "called").read_text()
        return result

    return run


def test_second_run_boots_without_apt_and_prints_its_command(run_demo):
    result = run_demo()
    assert result.returncode == 0, result.stdout
    assert "It works" in result.stdout
    guest = Guest(result.stdout)
    assert guest.reached_user_space and guest.all("ram") and guest.all("acpi"), result.stdout

    command = re.search(r"^qemu-system-x86_64 (?:.*\\\n)*.*$", result.stdout, re.M)[0]
    assert "-M microvm" in command and "-kernel build/pvhboot.elf -initrd build/demo/boot.img" in command
    copied = subprocess.run(["sh", "-c", command], cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                            timeout=180)
    assert Guest(copied.stdout).reached_user_space, copied.stdout
    assert Guest(copied.stdout).one("cmdline") == guest.one("cmdline")


def test_failure_is_told(run_demo):
    replaced = {"qemu-system-x86_64": "echo 'guest: uname Linux'; exit 0"}
    result = run_demo(**replaced)
    assert result.returncode == 1, result.stdout
    assert "did NOT work" in result.stdout and "user space was not reached" in result.stdout
