#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which functions of pvhboot the instructions of bench.py go to: one boot, every instruction that QEMU executes logged.

    test/bench/profile.py --build build [--host "microvm, qboot"] [--entry 32]

Needs symbols in pvhboot.elf. An iteration of a `rep` counts as one instruction.
"""

import argparse
import bisect
import collections
import pathlib
import re
import subprocess
import tempfile

import bench
from qemu import run


def symbols(image):
    """(addresses, names) of the labels in the image's code, sorted by address; the last one is the code's end."""
    listing = subprocess.run(["nm", "-n", image], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    code = [row[1] in "tT" for row in rows]
    # Link-time optimisation leaves absolute symbols of its own, which are no places.
    rows = [row for index, row in enumerate(rows) if code[index] or any(code[:index])]
    return [int(row[0], 16) for row in rows], [row[2] for row in rows]


def executed(machine, image, boot_img, append, folder):
    """The address of every instruction that ran in the image, in order."""
    log = folder / "executed"
    run(machine, image, boot_img, append, icount=True, timeout=120,
        args=["-singlestep", "-d", "exec,nochain", "-D", log])
    # "Trace 0: HOST [CS_BASE/PC/FLAGS/...]"
    traced = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
    with log.open() as lines:
        return [int(found[1], 16) for found in map(traced.match, lines) if found]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, required=True)
    options.add_argument("--host", choices=bench.HOSTS, default="microvm, qboot")
    options.add_argument("--entry", type=int, choices=bench.PAYLOADS, default=32)
    options = options.parse_args()

    image = options.build / "pvhboot.elf"
    addresses, names = symbols(image)
    with tempfile.TemporaryDirectory(prefix="pvhboot-profile-") as folder:
        folder = pathlib.Path(folder)
        boot_img = bench.write_boot_img(options.build, options.entry, folder)
        trace = executed(bench.HOSTS[options.host], image, boot_img, bench.append_for(options.entry), folder)
    counts = collections.Counter()
    # What is outside the image is the firmware before, the mover's copy and the payload after.
    for address in trace:
        if addresses[0] <= address < addresses[-1]:
            counts[names[bisect.bisect_right(addresses, address) - 1]] += 1
    print(f"{sum(counts.values()):8,}  in the image")
    for name, count in counts.most_common():
        print(f"{count:8,}  {name}")


if __name__ == "__main__":
    main()
