# SPDX-License-Identifier: BSD-2-Clause
"""Makes what real Xen is run from, once: Xen, a kernel for dom0, and an initramfs with xl and its daemons.

    made = toolstack.make()
    made.xen, made.kernel, made.initramfs     -> paths in build/xen

All comes out of Debian's packages, which cmake/debian-package unpacks under build/debian; nothing is installed.
"""

import dataclasses
import fcntl
import gzip
import io
import os
import pathlib

import debian
import outer

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE / "toolstack"
FOLDER = debian.TOP / "build" / "xen"

HYPERVISOR = "xen-hypervisor-4.17-amd64"
UTILITIES = "xen-utils-4.17"
DOM0_KERNEL = ("amd64", "linux-image-amd64")
PROGRAMS_FOLDER = "usr/lib/xen-4.17/bin"
PROGRAMS = ["xl", "xenstored", "xenconsoled", "xenconsole", "xen-init-dom0"]
LIBRARIES = ["libxencall1", "libxendevicemodel1", "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxenhypfs1",
             "libxenmisc4.17", "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2", "libuuid1", "zlib1g",
             "liblzma5", "libzstd1", "libc6", "libgcc-s1"]
# libc loads it by name when a thread is cancelled; xl cancels one.
LOADED_BY_NAME = ["libgcc_s.so.1"]
MODULES = ["xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs"]
FOLDERS = ["proc", "sys", "dev", "tmp", "console", "domains", "files", "etc/xen", "run/lock", "run/xen", "run/xenstored",
           "var/lib/xen", "var/lib/xenstored", "var/log/xen"]
LINKS = {"var/run": "/run", "var/lock": "/run/lock", "bin/sh": "busybox"}


@dataclasses.dataclass(frozen=True)
class Toolstack:
    xen: pathlib.Path
    kernel: pathlib.Path
    initramfs: pathlib.Path


def make():
    """What build/xen has, made anew when something that it is made of has changed."""
    made = Toolstack(FOLDER / "xen.elf", FOLDER / "vmlinux", FOLDER / "initramfs.cpio")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        # Several test processes may get here at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = _sources()
        recorded, described = FOLDER / "sources", outer.described(sources.all())
        if not recorded.exists() or recorded.read_text() != described:
            recorded.unlink(missing_ok=True)
            _make(made, sources)
            recorded.write_text(described)
    return made


@dataclasses.dataclass(frozen=True)
class _Sources:
    """Paths of all that goes in."""

    xen: pathlib.Path
    kernel: pathlib.Path
    busybox: pathlib.Path
    programs: list
    libraries: dict
    modules: list
    scripts: list

    def all(self):
        return [self.xen, self.kernel, self.busybox, *self.programs, *self.libraries.values(), *self.modules, *self.scripts,
                pathlib.Path(__file__)]


def _sources():
    kernel = debian.kernel(*DOM0_KERNEL)
    release = kernel.name.removeprefix("vmlinuz-")
    drivers = f"lib/modules/{release}/kernel/drivers/xen"
    drivers_folder = debian.package(*DOM0_KERNEL, only=drivers) / drivers
    (xen,) = debian.package("amd64", HYPERVISOR).glob("boot/xen-*.gz")
    programs_folder = debian.package("amd64", UTILITIES) / PROGRAMS_FOLDER
    return _Sources(
        xen=xen, kernel=kernel, busybox=debian.package("amd64", "busybox-static") / "bin/busybox",
        programs=[programs_folder / name for name in PROGRAMS],
        libraries={path.name: path for package in LIBRARIES
                   for path in sorted(debian.package("amd64", package).glob("**/x86_64-linux-gnu/*.so*"))},
        modules=[next(drivers_folder.glob(f"**/{name}.ko*")) for name in MODULES],
        scripts=sorted(SCRIPTS.iterdir()))


def _make(made, sources):
    outer.replace(made.xen, gzip.decompress(sources.xen.read_bytes()))
    # Unpacked here it costs no emulated instructions in every boot.
    outer.replace(made.kernel, debian.vmlinux(sources.kernel))
    content = io.BytesIO()
    _initramfs(sources).write(content)
    outer.replace(made.initramfs, content.getbuffer())


def _initramfs(sources):
    archive = outer.Archive()
    for path in FOLDERS:
        archive.folder(path)
    for path, target in LINKS.items():
        archive.link(path, target)
    archive.file("etc/xen/xl.conf", b"")
    archive.file("bin/busybox", sources.busybox.read_bytes(), executable=True)
    for program in sources.programs:
        archive.file(f"{PROGRAMS_FOLDER}/{program.name}", program.read_bytes(), executable=True)
    loaded = [sources.libraries[name] for name in LOADED_BY_NAME]
    needed = outer.needed([*sources.programs, *loaded], sources.libraries.get)
    for name in sorted({*needed, *LOADED_BY_NAME}):
        folder = "lib64" if name == outer.DYNAMIC_LINKER else "lib"
        archive.file(f"{folder}/{name}", sources.libraries[name].read_bytes(), executable=True)
    # insmod needs those first that others depend on.
    for number, module in enumerate(sources.modules):
        archive.file(f"modules/{number}-{module.name}", module.read_bytes())
    for script in sources.scripts:
        archive.file(script.name, script.read_bytes(), executable=os.access(script, os.X_OK))
    return archive
