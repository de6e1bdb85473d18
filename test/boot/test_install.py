# SPDX-License-Identifier: BSD-2-Clause
"""`cmake --install` puts everything where Debian would have it, and what is installed boots."""

import json
import os
import pathlib
import re
import subprocess

import pytest
from qemu import Machine, run

TOP = pathlib.Path(__file__).resolve().parents[2]

DOCUMENTS = {"README.md", "benchmarks.md", "copyright", "design.md", "errors.md", "example-kernel.c", "hosts.md",
             "json.md", "limits.md", "protocols.md", "trust.md"}


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    destination = tmp_path_factory.mktemp("destination")
    subprocess.run(["cmake", "--install", build], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, DESTDIR=str(destination)))
    prefix = re.search(r"^CMAKE_INSTALL_PREFIX:\w+=/(.*)$", (build / "CMakeCache.txt").read_text(), re.M)[1]
    return destination / prefix


def files_below(folder):
    return {os.fspath(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def described_payloads():
    rows = re.findall(r"^\| (`[^|]*`) \|", (TOP / "payloads/README.md").read_text(), re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_everything_is_in_its_place(installed, build):
    expected = {"bin/pvhboot", "lib/pvhboot/pvhboot.elf", "lib/pvhboot/pvhboot32.elf", "lib/pvhboot/pvhboot.efi",
                "share/man/man1/pvhboot.1", "share/man/man7/pvhboot.7", "share/bash-completion/completions/pvhboot"}
    expected |= {f"lib/pvhboot/payloads/{name}" for name in described_payloads()}
    expected |= {f"share/doc/pvhboot/{name}" for name in DOCUMENTS}
    assert files_below(installed) == expected
    assert not [path for path in installed.rglob("*") if path.is_dir() and not any(path.iterdir())]
    for program in ("pvhboot.elf", "pvhboot.efi"):
        assert (installed / "lib/pvhboot" / program).read_bytes() == (build / program).read_bytes()
    assert (installed / "share/doc/pvhboot/copyright").read_bytes() == (TOP / "LICENSE").read_bytes()


def test_preset_installs_where_debian_does():
    presets = json.loads((TOP / "CMakePresets.json").read_text())["configurePresets"]
    assert [preset["installDir"] for preset in presets if preset["name"] == "default"] == ["/usr"]


def test_prefix_is_obeyed(build, tmp_path):
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "opt"], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "opt/lib/pvhboot/pvhboot.elf").exists()


@pytest.mark.parametrize("container", ["pvhboot.elf", "pvhboot32.elf"])
def test_what_is_installed_boots(installed, container):
    folder = installed / "lib/pvhboot"
    result = run(Machine("microvm"), folder / container, folder / "payloads/linux32.bzImage", "pvhboot.panic=exit",
                 timeout=30)
    assert result.debug_exit == 0x10 and "report: end" in result.text, result


def test_installed_command_knows_the_installed_image(installed):
    words = [installed / "bin/pvhboot", "config", "--for", "qemu", installed / "lib/pvhboot/payloads/pvh.elf"]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert f"-kernel {(installed / 'lib/pvhboot/pvhboot.elf').resolve()} " in done.stdout and not done.stderr
