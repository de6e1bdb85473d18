# SPDX-License-Identifier: BSD-2-Clause
"""Runs guests on real KVM, tells what became of each.

    from kvm import Boot, run

    ran = run([Boot("words", "microvm", image, payloads / "pvh.elf", "words"),
               Boot("other", "firecracker", image, b"no payload", "pvhboot.panic=reset")])
    result = ran["words"]
    assert result.end == EXIT, result

Where this machine has no hardware virtualisation, a machine that QEMU emulates (TCG) has it, and runs all guests of a call, one
after the other. A boot of that takes some seconds, so one call for all guests of a test file, in a fixture of scope
"module". PVHBOOT_KVM=nested or =direct decides otherwise than this machine does.
"""

import dataclasses
import fcntl
import functools
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import warnings

import debian
import nest
import outer
from qemu import DEBUG_EXIT_PORT

MIB = 1 << 20

# How a guest ended. EXIT is by isa-debug-exit; HALTED waits for an interrupt while interrupts are off, for ever.
POWER_OFF, RESET, HALTED, TRIPLE_FAULT, ERROR, TIME, REFUSED, EXIT = (
    "power-off", "reset", "halted", "triple fault", "error", "time", "refused", "exit")

MACHINES = {
    "microvm": ["-M", "microvm,rtc=on"],
    "pc": ["-M", "pc"],
    "q35": ["-M", "q35"],
}
PERSONALITIES = ["firecracker", "cloud-hypervisor", "version0", "unkind"]
# Version 0 comes without tables, the unkind host with Firecracker's.
NO_POWER_OFF = ["firecracker", "version0", "unkind"]
# The statuses of test/kvm/vmm.
VMM_ENDS = {0: POWER_OFF, 2: REFUSED, 10: RESET, 11: HALTED, 12: TRIPLE_FAULT, 13: ERROR, 14: TIME}
# What a shell makes of a signal, and of SIGKILL.
SIGNALLED, KILLED = 128, 137

NESTED, DIRECT = "nested", "direct"
# linux/kvm.h
KVM_GET_API_VERSION, API_VERSION = 0xAE00, 12
DEVICE = pathlib.Path("/dev/kvm")
HARDWARE_MODULES = [pathlib.Path("/sys/module/kvm_intel"), pathlib.Path("/sys/module/kvm_amd")]

OUTER = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "qemu64,+npt,+rdrand,+erms", "-smp", "1", "-nodefaults",
         "-no-user-config", "-no-reboot", "-display", "none"]
# A regular tick, lest one interrupt that is lost be the last one.
OUTER_LINE = "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check nohz=off highres=off rootfstype=ramfs"
OUTER_MEMORY = 320 * MIB
# A guest with more memory than that does not use all of it.
GUEST_MEMORY = 512 * MIB
SECONDS = 90
GRACE = 10
ATTEMPTS = 4
# Seconds without a word from the emulated machine, which says one every few.
SILENT_AFTER = 60
VMM = pathlib.Path(os.environ.get("PVHBOOT_BUILD", debian.TOP / "build")) / "test/kvm/vmm/vmm"


@dataclasses.dataclass(frozen=True)
class Boot:
    """A guest to run.

    name     unique in a run
    host     of MACHINES or PERSONALITIES
    kernel   what the host starts: a path, or bytes
    initrd   the boot module, likewise, or None
    line     the host's command line
    memory   MiB
    cpus     number of processors, of QEMU's
    modules  further ones for a personality: (content, line or None)
    args     further words for QEMU or the VMM
    seconds  a guest that has not ended then is killed
    """

    name: str
    host: str
    kernel: object
    initrd: object = None
    line: str | None = None
    memory: int = 128
    cpus: int = 1
    modules: tuple = ()
    args: tuple = ()
    seconds: int = SECONDS

    @property
    def killed_after(self):
        """The VMM ends by itself in time, and says how it stands then."""
        return self.seconds + (0 if self.host in MACHINES else GRACE)

    def command(self, place):
        """The words that run it; place(content) gives the path of what is in a file."""
        return self._qemu(place) if self.host in MACHINES else self._vmm(place)

    def _qemu(self, place):
        words = [nest.QEMU, *MACHINES[self.host], "-accel", "kvm", "-cpu", "host", "-smp", str(self.cpus),
                 "-m", str(self.memory), "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot",
                 "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                 "-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4",
                 "-chardev", "pipe,id=monitor,path=monitor", "-mon", "chardev=monitor,mode=control",
                 *map(os.fspath, self.args), "-kernel", place(self.kernel)]
        words += ["-initrd", place(self.initrd)] if self.initrd is not None else []
        return words + (["-append", self.line] if self.line is not None else [])

    def _vmm(self, place):
        words = [place(VMM, executable=True), "--as", self.host, "--memory", str(self.memory), "--seconds", str(self.seconds)]
        words += ["--initrd", place(self.initrd)] if self.initrd is not None else []
        for content, line in self.modules:
            words += ["--module", place(content) + ("" if line is None else f",{line}")]
        words += ["--cmdline", self.line] if self.line is not None else []
        return [*words, *map(os.fspath, self.args), place(self.kernel)]


@dataclasses.dataclass
class Result:
    """What became of a guest.

    host        as its Boot has it
    end         how it ended: one of the words above
    debug_exit  what it wrote to isa-debug-exit, or None
    text        everything on its serial port, "\\r" removed
    stderr      what the host said
    monitor     what QEMU's monitor told: a list of events and answers
    status      the exit status of the host's process
    """

    name: str
    host: str
    end: str
    debug_exit: int | None
    text: str
    stderr: str
    monitor: list
    status: int
    command: str

    @property
    def errors(self):
        """pvhboot's numbered errors: list of ("E304", "text")."""
        return re.findall(r"^pvhboot: (E\d{3}) (.*)$", self.text, re.M)

    def __str__(self):
        return (f"{self.name}: {self.end}, status {self.status}: {self.command}\n--- its serial port ---\n{self.text}\n"
                f"--- the host ---\n{self.stderr}\n--- the monitor ---\n" + "\n".join(map(json.dumps, self.monitor)))


def powered_off(host):
    """How a guest ends that does what its ACPI tables say: Firecracker's know of no way to power off, and Linux halts."""
    return HALTED if host in NO_POWER_OFF else POWER_OFF


class Lost(AssertionError):
    """Nothing came out of the outer machine for a guest."""


class Run:
    """The results by name. One that did not come through is a Lost, which says how far the outer machine came."""

    def __init__(self, found, log, stalled, command):
        self.results = found
        self.log = log
        self.stalled = stalled
        self.command = command

    def __getitem__(self, name):
        if name not in self.results:
            how = "stood still and was killed" if self.stalled else "ended"
            raise Lost(f"no result of guest {name!r}: {self.command}\n{how}; results of {list(self.results)}; the log:\n"
                       f"{self.log[-8000:]}")
        return self.results[name]


def run(boots, directly=None):
    """Runs guests, in their order, on this machine's own KVM or not (None: as is_direct() says); returns a Run."""
    names = [boot.name for boot in boots]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w.-]+", name) for name in names), names
    with tempfile.TemporaryDirectory(prefix="pvhboot-kvm-") as folder:
        directly = is_direct() if directly is None else directly
        return (_run_directly if directly else _run_nested)(boots, pathlib.Path(folder))


@functools.lru_cache(maxsize=None)
def is_direct():
    """Whether guests run on this machine's own KVM."""
    wanted = os.environ.get("PVHBOOT_KVM")
    assert wanted in (None, NESTED, DIRECT), f"PVHBOOT_KVM is {wanted!r}, neither {NESTED} nor {DIRECT}"
    return has_hardware() if wanted is None else wanted == DIRECT


def has_hardware():
    """Whether this machine's KVM can be used and stands on the processor: one of the software kind has another module."""
    return why_unusable() is None and any(path.exists() for path in HARDWARE_MODULES)


def why_unusable():
    """Why nothing runs on this machine's own KVM; None if it does."""
    try:
        with open(DEVICE, "r+b", buffering=0) as device:
            version = fcntl.ioctl(device, KVM_GET_API_VERSION)
    except OSError as error:
        return f"{DEVICE}: {error.strerror}"
    return None if version == API_VERSION else f"{DEVICE} is of version {version}"


def _description(boot, archive):
    """The files that run-guest wants, by name."""
    words = boot.command(archive.store)
    return {"command": f"exec {shlex.join(words)}\n".encode(), "seconds": str(boot.killed_after).encode()}


def _run_nested(boots, folder):
    """On a busy machine the emulated one has stood still as a whole, once in some hundred guests: the rest gets another."""
    found = {}
    for _ in range(ATTEMPTS):
        ran = _run_once([boot for boot in boots if boot.name not in found], folder)
        ran.results = found = found | ran.results
        if not ran.stalled:
            break
        warnings.warn(f"the machine with KVM stood still after {len(found)} of {len(boots)} guests:\n{ran.log[-1000:]}")
    return ran


def _run_once(boots, folder):
    made = nest.make()
    archive = outer.Archive()
    for number, boot in enumerate(boots):
        for name, content in _description(boot, archive).items():
            archive.file(f"guests/{number:03}-{boot.name}/{name}", content)
    initramfs = folder / "initramfs"
    with open(initramfs, "wb") as file:
        file.write(made.initramfs.read_bytes())
        archive.write(file)
    # All of it is there twice until it is unpacked.
    memory = OUTER_MEMORY + 2 * initramfs.stat().st_size + min(max(boot.memory for boot in boots) * MIB, GUEST_MEMORY)
    log, results = folder / "log", folder / "results"
    command = [*OUTER, "-m", str(memory // MIB), "-serial", f"file:{log}", "-serial", f"file:{results}",
               "-kernel", str(made.kernel), "-initrd", str(initramfs), "-append", OUTER_LINE]
    # The log tells that the machine is alive.
    stalled = outer.run(command, {log: SILENT_AFTER,
                                  results: max(boot.killed_after for boot in boots) + outer.STALLED_AFTER})
    text = re.sub(r"^\.\n", "", log.read_bytes().decode("latin-1").replace("\r", ""), flags=re.M)
    by_name = {boot.name: boot for boot in boots}
    found = {name: _result(by_name[name], files) for name, files in outer.results(results.read_bytes()).items()}
    return Run(found, text, stalled, shlex.join(command))


def _run_directly(boots, folder):
    found, files = {}, _Files(folder)
    for boot in boots:
        guest, result = folder / f"{boot.name}.guest", folder / boot.name
        guest.mkdir()
        result.mkdir()
        for name, content in _description(boot, files).items():
            (guest / name).write_bytes(content)
        subprocess.run(["sh", nest.SCRIPTS / "run-guest", guest, result], check=True, stdin=subprocess.DEVNULL)
        found[boot.name] = _result(boot, {path.name: path.read_bytes() for path in result.iterdir()})
    return Run(found, "", False, "on this machine")


class _Files:
    """What an outer.Archive is to the nested machine."""

    def __init__(self, folder):
        self._folder = folder
        self._number = itertools.count()

    def store(self, content, executable=False):
        if not isinstance(content, bytes):
            return os.fspath(pathlib.Path(content).absolute())
        path = self._folder / f"file{next(self._number)}"
        path.write_bytes(content)
        path.chmod(0o755 if executable else 0o644)
        return os.fspath(path)


def _result(boot, files):
    def text(file):
        return files.get(file, b"").decode("latin-1").replace("\r", "")

    status = int(text("status"))
    monitor = list(_messages(text("said").splitlines()))
    debug_exit = None
    if boot.host in MACHINES:
        end, debug_exit = _qemu_end(status, monitor)
    else:
        end = VMM_ENDS.get(status, f"status {status}")
    return Result(name=boot.name, host=boot.host, end=end, debug_exit=debug_exit, text=text("console"),
                  stderr=text("errors"), monitor=monitor, status=status,
                  command=shlex.join(boot.command(lambda *_, **__: "FILE")))


def _messages(lines):
    """What QEMU's monitor said; where it was killed the last line may be half a one."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            pass


def _qemu_end(status, monitor):
    """How a guest of QEMU's ended, and with what value."""
    reasons = [event["data"]["reason"] for event in monitor if event.get("event") == "SHUTDOWN"]
    if status == KILLED:
        return TIME, None
    if status & 1 and 1 < status < SIGNALLED:
        return EXIT, status >> 1
    if status == 1 and not reasons:
        return REFUSED, None
    if reasons == ["guest-shutdown"]:
        return POWER_OFF, None
    if reasons == ["guest-reset"]:
        return RESET, None
    if reasons == ["host-qmp-quit"]:
        return HALTED, None
    return f"status {status}", None
