# SPDX-License-Identifier: BSD-2-Clause
"""Reads an xl.cfg with Xen's own reader, libxlutil out of Debian's packages; nothing is installed, and no Xen is needed.

    xl_file.read(text, ["kernel", "cmdline"], ["memory"]) -> {"kernel": b"...", "memory": 512}; what is not there, is not.
"""

import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

# libxlutil and what it wants, of Debian 12.
PACKAGES = ["libxenmisc4.17", "libxencall1", "libxendevicemodel1", "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1",
            "libxenhypfs1", "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2"]
LIBRARY = "libxlutil.so.4.17"


class NoConfiguration(AssertionError):
    """libxlutil's complaint."""


def read(text, strings, numbers):
    """In a process of its own, because that reader ends the process when it does not like what is in the file."""
    import debian

    folders = [str(debian.package("amd64", name) / "usr/lib/x86_64-linux-gnu") for name in PACKAGES]
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        done = subprocess.run([sys.executable, __file__, file.name, json.dumps([folders, strings, numbers])],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    if done.returncode:
        raise NoConfiguration(done.stderr.decode(errors="replace"))
    return {name: bytes.fromhex(value) if isinstance(value, str) else value for name, value in json.loads(done.stdout).items()}


def _load(folders):
    """Libraries need each other in an order that nobody tells: again, until all are there."""
    waiting = {path.resolve() for folder in folders for path in pathlib.Path(folder).glob("lib*.so.*")}
    while waiting:
        left = {path for path in waiting if not _loads(path)}
        if left == waiting:
            break
        waiting = left
    return ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)


def _loads(path):
    try:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def _main(file, folders, strings, numbers):
    library = _load(folders)
    c = ctypes.CDLL(None)
    c.fdopen.restype = library.xlu_cfg_init.restype = ctypes.c_void_p
    configuration = ctypes.c_void_p(library.xlu_cfg_init(ctypes.c_void_p(c.fdopen(2, b"w")), b"test"))
    text = pathlib.Path(file).read_bytes()
    if library.xlu_cfg_readdata(configuration, text, len(text)):
        c.fflush(None)
        sys.exit(1)
    found = {}
    for name in strings:
        value = ctypes.c_char_p()
        if library.xlu_cfg_get_string(configuration, name.encode(), ctypes.byref(value), 0) == 0:
            found[name] = value.value.hex()
    for name in numbers:
        value = ctypes.c_long()
        if library.xlu_cfg_get_long(configuration, name.encode(), ctypes.byref(value), 0) == 0:
            found[name] = value.value
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], *json.loads(sys.argv[2]))
