#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which functions of pvhboot the instructions of bench.py go to: one boot, every instruction that QEMU executes logged.

    test/bench/profile.py --build build [--host "microvm, qboot"] [--payload linux32]

Needs symbols in pvhboot.elf. An iteration of a `rep` counts as one instruction.
"""

import argparse
import bisect
import collections
import itertools
import pathlib
import re
import subprocess
import tempfile

import measure
from qemu import run


def symbols(image):
    """(addresses, names) of the labels in the image's code, sorted by address; the last one is the code's end."""
    listing = subprocess.run(["nm", "-n", image], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    code = [row[1] in "tT" for row in rows]
    # Link-time optimisation leaves absolute symbols of its own, which are no places.
    rows = [row for index, row in enumerate(rows) if code[index] or any(code[:index])]
    # Nor are the labels inside the libraries' functions names of anything.
    rows = [row for row in rows if not row[2].startswith(".L")]
    return [int(row[0], 16) for row in rows], [row[2] for row in rows]


def executed(machine, kernel, boot_module, append, folder):
    """The address of every instruction that ran, in order."""
    log = folder / "executed"
    run(machine, kernel, boot_module, append, icount=True, timeout=120,
        args=["-singlestep", "-d", "exec,nochain", "-D", log])
    # "Trace 0: HOST [CS_BASE/PC/FLAGS/...]"
    traced = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
    with log.open() as lines:
        return [int(found[1], 16) for found in map(traced.match, lines) if found]


def host_modules(build, protocol, folder):
    script = folder / "script"
    host = measure.host_with_modules(build, protocol)
    host.command_line = measure.APPEND.encode()
    script.write_bytes(host.script())
    return build / "payloads/test_host.elf", script, None


def payloads(build, folder):
    """{name: function that makes (kernel for QEMU, boot module, command line)}"""
    image = build / "pvhboot.elf"
    found = {}
    for entry in measure.LINUX:
        found[f"linux{entry}"] = lambda entry=entry: (image, measure.linux_and_initrd(build, entry, folder),
                                                      measure.linux_append(entry))
    for protocol, name in measure.MULTIBOOT.items():
        found[f"multiboot{protocol}"] = lambda name=name: (image, build / "payloads" / name, measure.APPEND)
        found[f"bundle{protocol}"] = lambda protocol=protocol: (
            image, measure.multiboot_bundle(build, protocol, folder), measure.APPEND)
        # On the host made to measure, which takes its time under the log.
        found[f"modules{protocol}"] = lambda protocol=protocol: host_modules(build, protocol, folder)
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, required=True)
    options.add_argument("--host", choices=measure.HOSTS, default="microvm, qboot")
    options.add_argument("--payload", choices=payloads(pathlib.Path(), None), default="linux32")
    options = options.parse_args()

    image = options.build / "pvhboot.elf"
    addresses, names = symbols(image)
    with tempfile.TemporaryDirectory(prefix="pvhboot-profile-") as folder:
        folder = pathlib.Path(folder)
        trace = executed(measure.HOSTS[options.host], *payloads(options.build, folder)[options.payload](), folder)
    # Before it comes the firmware, behind it the mover's copy; the payload may then lie where the image did.
    before = itertools.dropwhile(lambda address: not addresses[0] <= address < addresses[-1], trace)
    in_image = itertools.takewhile(lambda address: addresses[0] <= address < addresses[-1], before)
    counts = collections.Counter(names[bisect.bisect_right(addresses, address) - 1] for address in in_image)
    print(f"{sum(counts.values()):8,}  in the image")
    for name, count in counts.most_common():
        print(f"{count:8,}  {name}")


if __name__ == "__main__":
    main()
