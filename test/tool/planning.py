# SPDX-License-Identifier: BSD-2-Clause
"""Compares `pvhboot plan --verbose` with what pvhboot.verbose printed in a real boot.

    case = Case("linux", [kernel, initrd], memory=64, line="pvhboot.verbose words")
    given = case.module(pvhboot, folder, "microvm")
    case.check(pvhboot, "microvm", result.text)

Files are paths, and words of the command's line (KERNEL[,ARGS]).
"""

import dataclasses
import pathlib

from command import DOES_NOT_BOOT, DONE

PREFIX = "pvhboot: "
# Hosts that `pvhboot run` starts, which leaves hashes out.
RUN_BY_US = ("qemu-pc", "qemu-q35", "microvm")


def lines_of(text):
    """What pvhboot says in a console's text."""
    return [line for line in text.replace("\r", "").split("\n") if line.startswith(PREFIX)]


@dataclasses.dataclass(frozen=True)
class Case:
    """A boot to compare.

    name    unique among a host's
    files   the kernel's path and the modules'; on a host with one module several are a bundle
    memory  MiB
    line    the host's command line
    words   further words for `pvhboot plan`
    """

    name: str
    files: tuple
    memory: int = 64
    line: str = "pvhboot.verbose pvhboot.panic=exit"
    words: tuple = ()

    def __str__(self):
        return f"{self.name}-{self.memory}M"

    def module(self, pvhboot, folder, host):
        """The path of what a host with one module is given: tools/payloads.c has the same rule."""
        paths = list(map(pathlib.Path, self.files))
        if len(paths) == 1:
            return paths[0]
        whole = folder / f"{host}-{self.name}.img"
        if len(paths) == 2 and (paths[0].suffix == ".bzImage" or paths[0].name.startswith("vmlinuz")):
            whole.write_bytes(paths[0].read_bytes() + paths[1].read_bytes())
            return whole
        hashes = ["--no-hashes"] if host in RUN_BY_US else []
        result = pvhboot("pack", "-o", whole, *hashes, *paths)
        assert result.status == DONE, result
        return whole

    def plan(self, pvhboot, host):
        """What the command says that pvhboot would say there: its lines, an error's included."""
        return said(pvhboot("plan", "--host", host, "--memory", f"{self.memory}M", "--append", self.line, "--verbose",
                            *self.words, *self.files))

    def check(self, pvhboot, host, text):
        real = lines_of(text)
        assert real and real[0].startswith(f"{PREFIX}start_info "), text
        assert self.plan(pvhboot, host) == real


def said(result):
    """The lines of `pvhboot plan --verbose`."""
    assert result.status in (DONE, DOES_NOT_BOOT), result
    assert result.status == DONE or result.err.startswith(f"{PREFIX}E"), result
    return lines_of(result.out + result.err)


def check_replay(pvhboot, text, folder, *words):
    """A console's text as a host's description: with the files that were there, all is as it was there."""
    log = folder / "console.log"
    log.write_bytes("".join(f"[    0.1234] {line}\r\n" for line in text.split("\n")).encode())
    assert said(pvhboot("plan", "--host", log, "--verbose", *words)) == lines_of(text)
