# SPDX-License-Identifier: BSD-2-Clause
"""Runs domains on real Xen: boots Xen and a dom0 once in QEMU, makes the domains one after the other, tells what became of each.

    from xen import Domain, pvh, run

    ran = run([pvh("reporter", "build/payloads/pvh.elf", cmdline="words"),
               Domain("own", 'type = "pvh"\\nkernel = "/k"\\nmemory = 64\\n', {"/k": "build/payloads/pvh.elf"})])
    result = ran["reporter"]
    assert result.reason == POWEROFF, result
    print(result.console, result.log)

A boot of Xen and dom0 takes some seconds, a domain about one: so one call for all domains of a test file, in a fixture of
scope "module". Everything is emulated (TCG).
"""

import dataclasses
import os
import pathlib
import re
import shlex
import tempfile

import outer
import toolstack

MIB = 1 << 20

# What a domain gave as the reason of its shutdown: Xen's public/sched.h.
POWEROFF, REBOOT, SUSPEND, CRASH = range(4)

# SMAP on breaks a PV dom0 under TCG.
QEMU = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "qemu64,+npt,+rdrand", "-smp", "1", "-nodefaults",
        "-no-user-config", "-no-reboot", "-display", "none"]
# Where the transmit buffer is full Xen drops what it would print; scrubbing memory is time for nothing.
XEN_OPTIONS = "console=com1 com1=115200,8n1 noreboot loglvl=all guest_loglvl=all serial_tx_buffer=4M bootscrub=0"
# A tmpfs would take no more files than half of the memory holds.
DOM0_OPTIONS = "console=hvc0 quiet panic=5 rootfstype=ramfs"
# xl unpacks a kernel that it is given; Debian's is 63 MiB then, and grows on the way.
DOM0_MEMORY = 384 * MIB
XEN_MEMORY = 96 * MIB
# Emulation is some ten times slower than it need be; the guard must not depend on how busy the machine is.
SECONDS = 90

# Emulating the time stamp counter would be one more emulation.
DEFAULTS = 'tsc_mode = "native"\n'

# The longest line that a domain's port 0xe9 gives in one line of Xen's log: a longer one goes on in the next.
LOG_LINE = 199


@dataclasses.dataclass(frozen=True)
class Domain:
    """A domain to make.

    name     of the domain, unique in a run
    config   the text of its xl.cfg; on_poweroff, on_reboot, on_crash and name are set to what the harness needs
    files    what it names: {absolute path: path on this machine, or the bytes}
    memory   MiB that it takes, if config does not have a line "memory = ..."
    seconds  a domain that has not ended then is killed
    script   a shell script (a file, or its text) that does in dom0 what toolstack/run-domain does, in its stead
    """

    name: str
    config: str
    files: dict
    memory: int | None = None
    seconds: int = SECONDS
    script: os.PathLike | bytes | None = None

    @property
    def size(self):
        """Memory in bytes."""
        if self.memory is not None:
            return self.memory * MIB
        sizes = re.findall(r"^\s*(?:max)?mem(?:ory)?\s*=\s*[\"']?(\d+)", self.config, re.M)
        return max(map(int, sizes)) * MIB


def pvh(name, kernel, ramdisk=None, cmdline=None, *, memory=256, vcpus=1, lines=(), files=None, **more):
    """The usual Domain: kernel and ramdisk are paths or bytes, `lines` further ones for the xl.cfg."""
    files = {"/boot/kernel": kernel, **(files or {})}
    config = ['type = "pvh"', 'kernel = "/boot/kernel"', f"memory = {memory}", f"vcpus = {vcpus}"]
    if ramdisk is not None:
        files["/boot/ramdisk"] = ramdisk
        config.append('ramdisk = "/boot/ramdisk"')
    if cmdline is not None:
        config.append(f"cmdline = {quoted(cmdline)}")
    return Domain(name, "\n".join([*config, *lines, ""]), files, **more)


def quoted(text):
    """A string as xl.cfg has it."""
    quote = "'" if '"' in text else '"'
    assert quote not in text, f"xl.cfg cannot have both quotes in one string: {text}"
    return quote + text.replace("\\", "\\\\") + quote


@dataclasses.dataclass
class Result:
    """What became of a domain.

    console   what it wrote to its PV console, as xenconsoled has it (and xl console shows it), "\\r" removed
    log       what it wrote to port 0xe9, from Xen's log
    xen       what Xen itself said of it in its log: a triple fault, say; the registers are in Run.log
    xl        what xl said while it made the domain and waited for its end
    status    the exit status of that xl; what killed it, if it had to be killed
    number    the domain's number; None if xl made no domain
    state     its state at the end, by xl list: "---s--" for shut down, "r-----" for still running; None without domain
    reason    the reason that it gave for its shutdown: POWEROFF, REBOOT, CRASH; None if it has not shut down
    files     what a script of its own left behind: {name: bytes}
    """

    name: str
    console: str
    log: str
    xen: str
    xl: str
    status: int
    number: int | None
    state: str | None
    reason: int | None
    files: dict

    @property
    def killed(self):
        """It had not ended by itself when its time was over."""
        return self.number is not None and self.reason is None

    @property
    def text(self):
        """What a reporter says: it has no other way than port 0xe9."""
        return self.log

    @property
    def errors(self):
        """pvhboot's numbered errors on the console: list of ("E304", "text")."""
        return re.findall(r"^pvhboot: (E\d{3}) (.*)$", self.console, re.M)

    def __str__(self):
        return (f"domain {self.name} ({self.number}): state {self.state}, reason {self.reason}, xl's status {self.status}\n"
                f"--- its console ---\n{self.console}\n--- its lines in Xen's log ---\n{self.log}\n"
                f"--- Xen ---\n{self.xen}\n--- xl ---\n{self.xl}")


class Lost(AssertionError):
    """Nothing came out of dom0 for a domain."""


class Run:
    """The results by name. One that did not come through is a Lost, which says how far Xen and dom0 came."""

    def __init__(self, results, log, stalled, command):
        self.results = results
        self.log = log
        self.stalled = stalled
        self.command = command

    def __getitem__(self, name):
        if name not in self.results:
            how = "stood still and was killed" if self.stalled else "ended"
            raise Lost(f"no result of domain {name!r}: {self.command}\n{how}; results of {list(self.results)}; the log:\n"
                       f"{self.log[-8000:]}")
        return self.results[name]


def run(domains, *, xen_options="", qemu_options=()):
    """Runs domains, in their order; returns a Run.

    xen_options, qemu_options   further words for Xen's command line, as one text, and for QEMU's
    """
    names = [domain.name for domain in domains]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w.-]+", name) for name in names), names
    made = toolstack.make()
    with tempfile.TemporaryDirectory(prefix="pvhboot-xen-") as folder:
        folder = pathlib.Path(folder)
        initramfs = folder / "initramfs"
        stored = _write_initramfs(initramfs, made.initramfs, domains)
        dom0_memory = (DOM0_MEMORY + 2 * stored) // MIB
        # The memory of the last domain may not be free again when the next one is made.
        domain_memory = sum(sorted((domain.size for domain in domains), reverse=True)[:2]) // MIB
        command = [*QEMU, "-m", str(dom0_memory + XEN_MEMORY // MIB + domain_memory),
                   "-serial", f"file:{folder}/log", "-serial", f"file:{folder}/results", *qemu_options,
                   "-kernel", str(made.xen),
                   "-append", f"{XEN_OPTIONS} dom0_mem={dom0_memory}M,max:{dom0_memory}M {xen_options}",
                   "-initrd", f"{made.kernel} {DOM0_OPTIONS},{initramfs}"]
        stalled = outer.run(command, {folder / "results": max(domain.seconds for domain in domains) + outer.STALLED_AFTER})
        log = (folder / "log").read_bytes().decode("latin-1").replace("\r", "")
        found = outer.results((folder / "results").read_bytes())
        results = {name: _result(name, files, log) for name, files in found.items()}
    return Run(results, log, stalled, shlex.join(command))


def _write_initramfs(output, base, domains):
    """The toolstack's, and behind it the domains and their files, the same file once; returns how many bytes these are."""
    archive = outer.Archive()
    for number, domain in enumerate(domains):
        folder = f"domains/{number:03}-{domain.name}"
        archive.file(f"{folder}/seconds", str(domain.seconds).encode())
        archive.link(f"{folder}/script", archive.store(domain.script) if domain.script else "/run-domain")
        archive.file(f"{folder}/config", (DEFAULTS + domain.config).encode())
        places = "".join(f"{archive.store(content)} {path}\n" for path, content in domain.files.items())
        archive.file(f"{folder}/files", places.encode())
    with open(output, "wb") as file:
        file.write(base.read_bytes())
        archive.write(file)
    return archive.stored


def state_of(name, listed):
    """(number, state, reason) of a domain by what `xl list -v` printed, as a Result has them."""
    # Name, ID, Mem, VCPUs, State, Time(s), UUID, Reason-Code, Security Label
    found = re.search(rf"^{re.escape(name)} +(\d+) +\d+ +\d+ +(\S+) +\S+ +\S+ +(\S+)", listed, re.M)
    if not found:
        return None, None, None
    return int(found[1]), found[2], None if found[3] == "-" else int(found[3])


def _result(name, files, log):
    def text(file):
        return files.pop(file, b"").decode("latin-1").replace("\r", "")

    number, state, reason = state_of(name, text("list"))
    return Result(name=name, console=text("console"), log=_lines_of(number, log), xen=_said_of(number, log), xl=text("xl"),
                  status=int(text("status") or -1), number=number, state=state, reason=reason, files=files)


def _lines_of(number, log):
    """What a domain wrote to Xen's log, its own lines put together again."""
    lines = re.findall(rf"^\(d{number}\) (.*)$", log, re.M)
    return "".join(line if len(line) == LOG_LINE else f"{line}\n" for line in lines)


def _said_of(number, log):
    """Xen's own lines that name the domain, but for what it says while the toolstack makes any domain."""
    lines = re.findall(rf"^\(XEN\) .*\b(?:d{number}(?:v\d+)?|[dD]om(?:ain )?{number})\b.*$", log, re.M)
    return "\n".join(line for line in lines if " save: " not in line)
