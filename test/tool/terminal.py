# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program on a terminal of its own, as a user at a keyboard would.

    with Terminal([path, "run", "kernel.elf"]) as terminal:
        terminal.wait_for("report: end")
        terminal.type(b"\\x01x")
        assert terminal.end() == 0
"""

import fcntl
import os
import pty
import selectors
import subprocess
import termios
import time


class Terminal:
    """text is all that was printed so far."""

    def __init__(self, words, env=None, cwd=None):
        self.master, self.slave = pty.openpty()
        self.settings = self.state()
        self.text = ""
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen([os.fspath(word) for word in words], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, cwd=cwd, start_new_session=True,
                                        env=environment | {"TERM": "vt100"} | (env or {}), preexec_fn=self._own)

    def _own(self):
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def state(self):
        """What a program can leave behind: the terminal's settings, and whether it is non-blocking."""
        return termios.tcgetattr(self.slave), fcntl.fcntl(self.slave, fcntl.F_GETFL)

    def type(self, characters):
        os.write(self.master, characters)

    def _read(self, seconds):
        """Takes what comes within that time; False when nothing came."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.master, selectors.EVENT_READ)
            if not selector.select(seconds):
                return False
        self.text += os.read(self.master, 65536).decode("latin-1").replace("\r", "")
        return True

    def wait_for(self, text, timeout=30):
        deadline = time.monotonic() + timeout
        while text not in self.text:
            assert time.monotonic() < deadline and self.process.poll() is None or self._read(0.1), self.text
            self._read(0.1)

    def end(self, timeout=30):
        """Waits until the program has ended; gives its status, minus a signal's number."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read(0.1)
        while self._read(0):
            pass
        return self.process.returncode
