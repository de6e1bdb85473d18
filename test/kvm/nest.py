# SPDX-License-Identifier: BSD-2-Clause
"""Makes the machine in which the KVM tests run their guests where the machine itself has no KVM, once.

    made = nest.make()
    made.kernel, made.initramfs     -> paths in build/kvm

Its kernel comes out of Debian's package, QEMU and its libraries are those that this machine has installed.
"""

import dataclasses
import fcntl
import io
import os
import pathlib
import re
import shutil
import subprocess

import debian
import outer

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE / "outer"
FOLDER = debian.TOP / "build" / "kvm"

KERNEL = ("amd64", "linux-image-cloud-amd64")
# insmod needs those first that others depend on.
MODULES = ["virt/lib/irqbypass", "arch/x86/kvm/kvm", "arch/x86/kvm/kvm-amd"]
QEMU = "qemu-system-x86_64"
# microvm's firmware, the ROM that starts a PVH kernel, what else QEMU wants to have; the firmware of pc and q35.
DATA = [*(f"/usr/share/qemu/{name}" for name in ("bios-microvm.bin", "pvh.bin", "kvmvapic.bin", "linuxboot_dma.bin")),
        "/usr/share/seabios/bios-256k.bin"]
FOLDERS = ["proc", "sys", "dev", "tmp", "bin", "lib", "lib64", "usr/bin", "guests"]


@dataclasses.dataclass(frozen=True)
class Made:
    kernel: pathlib.Path
    initramfs: pathlib.Path


def make():
    """What build/kvm has, made anew when something that it is made of has changed."""
    made = Made(FOLDER / "vmlinux", FOLDER / "initramfs.cpio")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        # Several test processes may get here at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = _sources()
        recorded, described = FOLDER / "sources", outer.described(sources.all())
        if not recorded.exists() or recorded.read_text() != described:
            recorded.unlink(missing_ok=True)
            # Unpacked here it costs no emulated instructions in every boot.
            outer.replace(made.kernel, debian.vmlinux(sources.kernel))
            content = io.BytesIO()
            _initramfs(sources).write(content)
            outer.replace(made.initramfs, content.getbuffer())
            recorded.write_text(described)
    return made


@dataclasses.dataclass(frozen=True)
class _Sources:
    """Paths of all that goes in."""

    kernel: pathlib.Path
    busybox: pathlib.Path
    modules: list
    qemu: pathlib.Path
    libraries: list
    data: list
    scripts: list

    def all(self):
        return [self.kernel, self.busybox, *self.modules, self.qemu, *self.libraries, *self.data, *self.scripts,
                pathlib.Path(__file__)]


def _sources():
    kernel = debian.kernel(*KERNEL)
    # Each path that is asked for is one more download of the package.
    modules = debian.package(*KERNEL, only="lib/modules") / "lib/modules" / kernel.name.removeprefix("vmlinuz-") / "kernel"
    qemu = pathlib.Path(shutil.which(QEMU))
    return _Sources(kernel=kernel, busybox=debian.package("amd64", "busybox-static") / "bin/busybox",
                    modules=[modules / f"{module}.ko" for module in MODULES], qemu=qemu, libraries=_libraries(qemu),
                    data=[pathlib.Path(path) for path in DATA], scripts=sorted(SCRIPTS.iterdir()))


def _libraries(program):
    """The shared libraries that a program of this machine is run with."""
    listed = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [pathlib.Path(path) for path in sorted(set(re.findall(r"(/\S+) \(0x", listed)))]


def _initramfs(sources):
    archive = outer.Archive()
    for path in FOLDERS:
        archive.folder(path)
    archive.link("bin/sh", "busybox")
    archive.file("bin/busybox", sources.busybox.read_bytes(), executable=True)
    archive.file(f"usr/bin/{QEMU}", sources.qemu.read_bytes(), executable=True)
    for library in sources.libraries:
        folder = "lib64" if library.name == outer.DYNAMIC_LINKER else "lib"
        archive.file(f"{folder}/{library.name}", library.read_bytes(), executable=True)
    for path in sources.data:
        archive.file(str(path).lstrip("/"), path.read_bytes())
    for number, module in enumerate(sources.modules):
        archive.file(f"modules/{number}-{module.name}", module.read_bytes())
    for script in sources.scripts:
        archive.file(script.name, script.read_bytes(), executable=os.access(script, os.X_OK))
    return archive
