# SPDX-License-Identifier: BSD-2-Clause
"""What all boot tests share: ways to boot what is in the build folder."""

import functools
import itertools
import os
import zlib

import pytest

import host_script
import reporter
from boots import MICROVM, OURS, REPORTED
from qemu import run


@pytest.fixture(scope="session")
def boot(build, tmp_path_factory):
    """boot(machine, boot module, command line, ...) -> qemu.Result of pvhboot."""
    folder = tmp_path_factory.mktemp("boot")
    names = itertools.count()

    def boot_module(machine, module, line=OURS, container="pvhboot.elf", **more):
        path = None
        if module is not None:
            path = folder / f"boot{next(names)}.img"
            path.write_bytes(module)
        result = run(machine, build / container, path, os.fsdecode(line), **{"timeout": 30} | more)
        if path:
            path.unlink()
        return result

    return boot_module


@pytest.fixture(scope="session")
def host_of(payloads, tmp_path_factory):
    """host_of(machine, module, line) -> what that machine hands over, as payloads/pvh.elf reports it."""
    path = tmp_path_factory.mktemp("host") / "boot.img"

    @functools.lru_cache(maxsize=None)
    def ask(machine, module, line):
        path.write_bytes(module)
        kernel = "pvh32.elf" if machine.binary == "qemu-system-i386" else "pvh.elf"
        result = run(machine, payloads / kernel, path, os.fsdecode(line), timeout=30)
        assert result.debug_exit == REPORTED, result
        report = reporter.parse(result.text)
        assert report.command_line.bytes == line
        assert [(blob.size, blob.crc32) for blob in report.modules] == [(len(module), zlib.crc32(module))]
        return report

    return ask


@pytest.fixture(scope="session")
def boot_host(build, payloads, tmp_path_factory):
    """boot_host(host) -> qemu.Result of pvhboot on a host_script.Host."""
    folder = tmp_path_factory.mktemp("hosts")
    names = itertools.count()

    def boot_host_script(host, machine=MICROVM.but(memory="256M"), **more):
        path = folder / f"script{next(names)}"
        path.write_bytes(host.script())
        result = run(machine, payloads / "test_host.elf", path, **{"timeout": 30} | more)
        path.unlink()
        return result

    return boot_host_script


@pytest.fixture
def host(build):
    """A small sane host: 80 MiB, our panic policy."""
    made = host_script.Host(build / "pvhboot.elf")
    made.command_line = OURS
    return made
