# SPDX-License-Identifier: BSD-2-Clause
"""What the harnesses of real hypervisors share: these run in a machine that QEMU emulates, with one boot for many guests.

The machine boots from an initramfs (Archive); behind the part of it that is the same for all runs follows what a run is about.
What becomes of each guest comes out of the second serial port, as one archive a guest (results).
"""

import io
import hashlib
import pathlib
import re
import stat
import subprocess
import tarfile
import time
import zlib

# The machine may be busy with other things.
STALLED_AFTER = 120

# The init of each harness puts it behind the files of a guest.
LAST_OF_ARCHIVE = "end"

DYNAMIC_LINKER = "ld-linux-x86-64.so.2"


class Archive:
    """A cpio archive (newc) that Linux unpacks as an initramfs; several may follow each other in one file."""

    ALIGNMENT = 4

    def __init__(self):
        self._entries = {}
        self._stored = 0

    @property
    def stored(self):
        """The bytes of all that was given to store()."""
        return self._stored

    def folder(self, path):
        for part in [*pathlib.PurePosixPath(path).parents][-2::-1]:
            self._entries.setdefault(str(part), (stat.S_IFDIR | 0o755, b""))
        self._entries.setdefault(str(path), (stat.S_IFDIR | 0o755, b""))

    def file(self, path, content, executable=False):
        self._add(path, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def store(self, content, executable=False):
        """Adds bytes, or the file of that path, once for all that want them; returns the path to find them by."""
        if not isinstance(content, bytes):
            content = pathlib.Path(content).read_bytes()
        path = f"files/{hashlib.sha256(content).hexdigest()}"
        if path not in self._entries:
            self._stored += len(content)
            self.file(path, content, executable)
        return f"/{path}"

    def _add(self, path, mode, content):
        if "/" in path:
            self.folder(path.rpartition("/")[0])
        self._entries[path] = (mode, content)

    def write(self, output):
        for number, (path, (mode, content)) in enumerate(self._entries.items(), start=1):
            self._write(output, number, path, mode, content)
        self._write(output, 0, "TRAILER!!!", 0, b"")

    def _write(self, output, number, path, mode, content):
        name = path.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        header = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        for part in (header, content):
            output.write(part)
            output.write(bytes(-len(part) % self.ALIGNMENT))


def needed(paths, library):
    """The names of all shared libraries that programs need, and of those that these need; library(name) is where one is."""
    found, paths = {DYNAMIC_LINKER}, list(paths)
    while paths:
        dynamic = subprocess.run(["readelf", "-d", paths.pop()], check=True, stdout=subprocess.PIPE, text=True).stdout
        new = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)) - found
        found |= new
        paths += [library(name) for name in new]
    return found


def described(paths):
    """Tells one state of files from another: a package that was fetched again, a script that was edited."""
    lines = []
    for path in paths:
        status = path.stat()
        lines.append(f"{path.name} {status.st_size} {status.st_mtime_ns}\n")
    return "".join(lines)


def replace(path, content):
    """Another process may have just been told of the old file."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def run(command, limits):
    """Runs QEMU to its end, or until a file has not grown for its seconds, {path: seconds}; returns whether it was that."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        sizes, changed = {}, dict.fromkeys(limits, time.monotonic())
        while process.poll() is None:
            time.sleep(0.05)
            for path, seconds in limits.items():
                size = path.stat().st_size if path.exists() else 0
                if size != sizes.get(path):
                    sizes[path], changed[path] = size, time.monotonic()
                if time.monotonic() - changed[path] > seconds:
                    return True
        return False
    finally:
        process.kill()
        process.wait()


def results(archives):
    """What came out of the serial port, an archive a guest, as {name: {file: bytes}}; the last one may be cut off."""
    found, files, guest = {}, {}, None
    try:
        with tarfile.open(fileobj=io.BytesIO(archives), mode="r:gz", ignore_zeros=True) as archive:
            for member in archive:
                name, _, file = member.name.partition("/")
                if member.isfile() and file:
                    files[file] = archive.extractfile(member).read()
                elif member.isdir():
                    files, guest = {}, name
                elif name == LAST_OF_ARCHIVE:
                    found[guest] = files
    except (tarfile.TarError, EOFError, zlib.error):
        pass
    return found
