# SPDX-License-Identifier: BSD-2-Clause
"""Files that the command reads and writes: links, standard output, names that would speak to a terminal, files that change."""

import os
import signal
import subprocess
import time

import pytest
from command import DONE, TROUBLE, USAGE

KERNEL = "multiboot2.elf"


@pytest.fixture
def kernel(payloads, tmp_path):
    path = tmp_path / "kernel.elf"
    path.write_bytes((payloads / KERNEL).read_bytes())
    return path


def test_link_leads_to_what_is_written(pvhboot, kernel, tmp_path):
    """Unless that is the very kernel."""
    whole, other, link = (tmp_path / name for name in ("whole.itb", "other.itb", "link.itb"))
    assert pvhboot("pack", "-o", whole, kernel).status == DONE
    other.write_bytes(b"as it was")
    link.symlink_to(other.name)
    assert pvhboot("pack", "-o", link, kernel).status == DONE
    assert link.is_symlink() and other.read_bytes() == whole.read_bytes()
    before = kernel.read_bytes()
    link.unlink()
    link.symlink_to(kernel.name)
    assert pvhboot("pack", "-o", link, kernel).status == USAGE
    assert link.is_symlink() and kernel.read_bytes() == before


def test_link_that_leads_nowhere(pvhboot, kernel, tmp_path):
    link = tmp_path / "link.itb"
    link.symlink_to("nowhere")
    assert pvhboot("pack", "-o", link, kernel).status == TROUBLE
    assert link.is_symlink() and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_appended_to(name, pvhboot_path, kernel, tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"before ")
    with open(log, "ab") as output:
        subprocess.run([pvhboot_path, "pack", "-o", name, kernel], stdout=output, check=True)
    assert log.read_bytes().startswith(b"before \xd0\x0d\xfe\xed")


def test_names_do_not_speak_to_the_terminal(pvhboot, tmp_path):
    assert pvhboot("inspect", tmp_path / "a\033[31m\n").complaint.endswith("a?[31m?: No such file or directory")


def in_use(process, path):
    """Waits until the process has the file mapped."""
    for _ in range(1000):
        if str(path) in open(f"/proc/{process.pid}/maps").read():
            return
        time.sleep(0.01)
    raise AssertionError("it was never mapped")


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    return path


def test_file_that_becomes_shorter(pvhboot_path, kernel, large, tmp_path):
    output = tmp_path / "out.itb"
    with subprocess.Popen([pvhboot_path, "pack", "-o", output, kernel, large], stderr=subprocess.PIPE, text=True) as process:
        in_use(process, large)
        os.truncate(large, 4096)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == TROUBLE and complaint.startswith("pvhboot: ") and complaint.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == sorted([kernel, large])


def test_file_that_becomes_shorter_while_it_is_written(pvhboot_path, kernel, large, tmp_path):
    """Then it is the system that reads it: the complaint is of the file, and not of an address."""
    output = tmp_path / "out.itb"
    os.mkfifo(output)
    words = [pvhboot_path, "pack", "--no-hashes", "--force", "-o", output, kernel, large]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        in_use(process, large)
        os.truncate(large, 4096)
        with open(output, "rb") as reader:
            reader.read()
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == TROUBLE and complaint == f"pvhboot: {output}: a file became shorter while it was read\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind(number, pvhboot_path, kernel, large, tmp_path):
    with subprocess.Popen([pvhboot_path, "pack", "-o", tmp_path / "out.itb", kernel, large]) as process:
        in_use(process, large)
        process.send_signal(number)
    assert process.returncode == -number
    assert sorted(tmp_path.iterdir()) == sorted([kernel, large])
