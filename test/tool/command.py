# SPDX-License-Identifier: BSD-2-Clause
"""Runs the command `pvhboot` as a user would, and returns what it printed and how it ended.

    result = run(path, "inspect", "vmlinuz")
    assert result.status == DONE, result

Only the standard library is used.
"""

import dataclasses
import os
import shlex
import subprocess

# tools/command.h, enum command_status.
DONE = 0
DOES_NOT_BOOT = 1
USAGE = 2
TROUBLE = 3

# Words of the environment that change what is printed; a test that wants one gives it.
TAKEN_OUT = ("NO_COLOR", "COLUMNS", "LINES", "TERM", "LC_ALL", "LC_CTYPE", "LANG", "SOURCE_DATE_EPOCH")


ADVICE = "pvhboot: what to do about "


@dataclasses.dataclass
class Result:
    """How a run ended.

    status   the exit status; minus the signal's number when one ended it
    out, err what it printed, as text; bytes that are no UTF-8 are kept as surrogates
    raw      what it printed on standard output, as it is
    command  the command line, to be copied into a shell
    """

    status: int
    out: str
    err: str
    raw: bytes
    command: str

    @property
    def complaint(self):
        """The one line of a failure, without "pvhboot: " and the hint at --help; asserts that it is one.

        What to do about an error of the image's, which may follow it, is self.advice.
        """
        lines = [line for line in self.lines if not line.startswith(ADVICE)] or self.lines
        if lines and lines[-1].startswith("Try: pvhboot "):
            lines.pop()
        assert len(lines) == 1 and lines[0].startswith("pvhboot: "), self
        return lines[0].removeprefix("pvhboot: ")

    @property
    def advice(self):
        """The lines on what to do about an error of the image's, without "pvhboot: what to do about "."""
        return [line.removeprefix(ADVICE) for line in self.lines if line.startswith(ADVICE)]

    @property
    def lines(self):
        """What it printed on standard error, with lines that are continued joined."""
        return self.err.replace("\n    ", " ").splitlines()

    def __str__(self):
        return f"{self.command}\n--- status {self.status} ---\n{self.out}\n--- stderr ---\n{self.err}"


def run(path, *words, stdin=None, cwd=None, env=None, timeout=60):
    """Runs the command at `path` with `words` and returns a Result.

    stdin    bytes for its standard input; None: there is nothing
    env      variables to be added to an environment without TAKEN_OUT
    timeout  seconds, after which it counts as hung: subprocess.TimeoutExpired

    It must not be ended by a signal: a test that sends one has its own subprocess.
    """
    words = [os.fspath(path), *map(os.fspath, words)]
    environment = {name: value for name, value in os.environ.items() if name not in TAKEN_OUT}
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, timeout=timeout,
                          env=environment | (env or {}), **given)
    out, err = (text.decode(errors="surrogateescape") for text in (done.stdout, done.stderr))
    result = Result(status=done.returncode, out=out, err=err, raw=done.stdout, command=shlex.join(words))
    assert result.status >= 0, result
    return result
