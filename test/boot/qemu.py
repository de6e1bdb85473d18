# SPDX-License-Identifier: BSD-2-Clause
"""Runs one QEMU, bounded in time, and returns what it printed and how it ended.

    from qemu import Machine, run

    result = run(Machine("pc", firmware="qboot", memory="128M"),
                 kernel="build/pvhboot.elf", initrd="boot.img",
                 append="console=ttyS0 pvhboot.panic=exit",
                 until=r"report: end", timeout=20)
    assert result.matched, result

Only the standard library is used.  Everything is emulated (TCG), so that a run means the same on every machine.
"""

import dataclasses
import functools
import os
import re
import selectors
import shlex
import socket
import subprocess
import tempfile
import time

# What QEMU calls its firmware files; it finds them itself in its data folder.
FIRMWARE_FILES = {
    ("pc", "seabios"): None,
    ("q35", "seabios"): None,
    ("pc", "qboot"): "qboot.rom",
    ("q35", "qboot"): "qboot.rom",
    ("microvm", "qboot"): "qboot.rom",
    # By this name Debian's QEMU finds qboot in its own folder.
    ("microvm", "seabios"): "/usr/share/seabios/bios-microvm.bin",
}

# A write of v to this port ends QEMU with status (v << 1) | 1.
DEBUG_EXIT_PORT = 0xF4

EFLAGS_IF = 1 << 9
# How long to wait from one question whether the processor has halted to the next.
HALT_INTERVAL = 0.05


@dataclasses.dataclass(frozen=True)
class Machine:
    """A host to boot on.

    board     pc, q35 or microvm
    firmware  seabios, qboot, or None for the board's own default
    memory    as for qemu -m: "24M", "5G"
    cpus      number of CPUs
    binary    qemu-system-x86_64 or qemu-system-i386
    cpu       as for qemu -cpu, or None for the binary's default
    options   the board's options: ("rtc=on", "acpi=off")
    args      any further words of QEMU's command line
    """

    board: str = "microvm"
    firmware: str | None = None
    memory: str = "256M"
    cpus: int = 1
    binary: str = "qemu-system-x86_64"
    cpu: str | None = None
    options: tuple = ()
    args: tuple = ()

    def __str__(self):
        words = [self.board, self.firmware, self.memory, f"{self.cpus}cpu"]
        if self.binary != "qemu-system-x86_64":
            words.append(self.binary.removeprefix("qemu-system-"))
        words += [self.cpu, *self.options]
        return "-".join(word for word in words if word)

    def but(self, **changes):
        """The same machine with some fields changed."""
        return dataclasses.replace(self, **changes)

    def command(self):
        """The words of QEMU's command line that make this machine."""
        words = [self.binary, "-M", ",".join([self.board, *self.options]), "-accel", "tcg"]
        words += ["-m", self.memory, "-smp", str(self.cpus)]
        if self.cpu:
            words += ["-cpu", self.cpu]
        if self.firmware:
            file = FIRMWARE_FILES[self.board, self.firmware]
            if file:
                words += ["-bios", file]
        return words + list(self.args)


@dataclasses.dataclass
class Result:
    """How a run ended.

    text       everything on the serial port, decoded as latin-1 (one character is one byte), "\\r" removed
    raw        the same as bytes, nothing removed
    status     QEMU's exit status; None when we ended it (timed_out, or `until` appeared)
    timed_out  the time limit was reached
    matched    the match object of `until`, or None
    halted     the processor was seen to have halted with interrupts off: nothing wakes it up
    stderr     what QEMU itself complained about
    monitor    the answers to `monitor` commands, one string a command
    command    the command line, to be copied into a shell
    """

    text: str
    raw: bytes
    status: int | None
    timed_out: bool
    matched: re.Match | None
    stderr: str
    monitor: list
    command: str
    seconds: float
    halted: bool = False

    @property
    def lines(self):
        return self.text.split("\n")

    @property
    def debug_exit(self):
        """The value written to isa-debug-exit, or None when QEMU did not end that way.

        Status 1 is QEMU's own, for a command line that it refuses; no test program writes 0.
        """
        if self.status is None or self.status <= 1 or not self.status & 1:
            return None
        return self.status >> 1

    @property
    def errors(self):
        """pvhboot's numbered errors: list of ("E304", "text")."""
        return re.findall(r"^pvhboot: (E\d{3}) (.*)$", self.text, re.M)

    def __str__(self):
        how = "timed out" if self.timed_out else "halted" if self.halted else f"status {self.status}"
        if self.matched:
            how = f"stopped at {self.matched[0]!r}"
        return f"{self.command}\n--- {how} after {self.seconds:.1f} s ---\n{self.text}\n--- stderr ---\n{self.stderr}"


def command_line(machine, kernel, initrd=None, append=None, *, icount=False, e9_file=None, args=()):
    """The whole QEMU command as a list of words."""
    words = machine.command()
    words += ["-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio"]
    words += ["-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4"]
    if icount:
        # The TSC then counts executed instructions: the same number in every run.
        words += ["-icount", "shift=0,sleep=off"]
    if e9_file:
        words += ["-chardev", f"file,id=e9,path={_escape(e9_file)}"]
        words += ["-device", "isa-debugcon,iobase=0xe9,chardev=e9"]
    if kernel is not None:
        words += ["-kernel", os.fspath(kernel)]
    if initrd is not None:
        words += ["-initrd", os.fspath(initrd)]
    if append is not None:
        words += ["-append", append]
    return words + [os.fspath(arg) for arg in args]


def run(machine, kernel, initrd=None, append=None, *, timeout=60, until=None, until_halted=False, icount=False,
        e9_file=None, monitor=(), args=()):
    """Boots `kernel` (None: none) on `machine` and returns a Result.

    timeout       seconds; QEMU is killed then and the result says timed_out
    until         a regular expression (str, re.M): QEMU is ended as soon as the console's text has it
    until_halted  QEMU is ended as soon as the processor has halted for good (machine must have one CPU)
    icount        count instructions instead of time (machine must have one CPU)
    e9_file       file that gets what is written to port 0xE9
    monitor       commands for QEMU's human monitor, carried out when `until` appears, the processor has halted or the time
                  is over ("pmemsave 0xb8000 4000 \\"file\\"", "info registers"); not when QEMU ended by itself
    args          further words for QEMU's command line

    Nothing is asserted here.
    """
    command = command_line(machine, kernel, initrd, append, icount=icount, e9_file=e9_file, args=args)
    pattern = re.compile(until, re.M) if isinstance(until, str) else until
    with tempfile.TemporaryDirectory(prefix="pvhboot-qemu-") as folder, tempfile.TemporaryFile() as stderr:
        shown = shlex.join(command)
        socket_path = os.path.join(folder, "monitor")
        if monitor or until_halted:
            command += ["-monitor", f"unix:{_escape(socket_path)},server=on,wait=off"]
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
        answers = []
        try:
            has_halted = functools.partial(_has_halted, socket_path) if until_halted else None
            raw, matched, halted, timed_out = _read_console(process.stdout, pattern, has_halted, started + timeout)
            ended_by_itself = not matched and not halted and not timed_out
            if monitor and not ended_by_itself:
                answers = ask_monitor(socket_path, monitor)
            if ended_by_itself:
                # The console is closed: QEMU is on its way out, but is given no more than the time it had.
                try:
                    process.wait(max(1.0, started + timeout - time.monotonic()))
                except subprocess.TimeoutExpired:
                    timed_out = True
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        stderr.seek(0)
        return Result(text=_text(raw), raw=raw, timed_out=timed_out, matched=matched, halted=halted,
                      status=process.returncode if ended_by_itself and not timed_out else None,
                      stderr=stderr.read().decode(errors="replace"), monitor=answers, command=shown,
                      seconds=time.monotonic() - started)


def _text(raw):
    return raw.decode("latin-1").replace("\r", "")


def _escape(path):
    """QEMU splits option strings at commas; a doubled one is a plain one."""
    return os.fspath(path).replace(",", ",,")


def _read_console(stream, pattern, has_halted, deadline):
    """Reads until the end, the pattern, the deadline, or a halt where has_halted() tells of one: (bytes, match or None,
    halted, timed_out)."""
    raw = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        halted = False
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return bytes(raw), None, False, True
            # What was said before a halt is read before the halt is told.
            interval = 0 if halted else HALT_INTERVAL if has_halted else left
            if not selector.select(min(left, interval)):
                if halted:
                    return bytes(raw), None, True, False
                halted = bool(has_halted and has_halted())
                continue
            chunk = os.read(stream.fileno(), 65536)
            if not chunk:
                return bytes(raw), None, False, False
            raw += chunk
            matched = pattern.search(_text(bytes(raw))) if pattern else None
            if matched:
                return bytes(raw), matched, False, False


def _has_halted(socket_path):
    try:
        (registers,) = ask_monitor(socket_path, ["info registers"])
    except (FileNotFoundError, ConnectionError):
        # The monitor is not there yet, or no longer.
        return False
    flags = int(re.search(r"\b[ER]FL=([0-9a-f]+)", registers)[1], 16)
    return "HLT=1" in registers and not flags & EFLAGS_IF


MONITOR_PROMPT = b"(qemu) "


def ask_monitor(path, commands):
    """Carries out commands of the human monitor; returns their answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        _until_prompt(connection)
        answers = []
        for command in commands:
            connection.sendall(command.encode() + b"\n")
            # The monitor echoes the command with editing sequences, on a line of its own.
            answers.append(_until_prompt(connection).partition("\n")[2])
        return answers


def _until_prompt(connection):
    received = b""
    while not received.endswith(MONITOR_PROMPT):
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("QEMU closed its monitor")
        received += chunk
    return received.removesuffix(MONITOR_PROMPT).decode("latin-1").replace("\r", "")
