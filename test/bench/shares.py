# SPDX-License-Identifier: BSD-2-Clause
"""How much of a boot is pvhboot's: from its PVH entry to the kernel's entry, and from reset to user space.

The same kernel and the same initrd, large ones, through pvhboot and as QEMU boots them itself. The entries keep their TSC in
memory (entry_stamp.S), and the first process tells all of them (stamps.c).
"""

import concurrent.futures
import dataclasses
import datetime
import json
import os
import re
import sys

import real_kernels
from elf_image import ElfImage, Segment, make, xen_entry
from measure import BENCH, FIXED_CLOCK, PAGE_SIZE, debian, noise
from qemu import run

KERNEL = real_kernels.LZ4_KERNEL
INITRD_SIZE = 50 << 20
MACHINE = real_kernels.MACHINE
# The first process restarts the machine, which ends QEMU.
APPEND = "nokaslr quiet reboot=t"
COUNTED_APPEND = f"{real_kernels.APPEND} reboot=t"

# Where stamps.c looks: in page 0, which neither pvhboot nor Linux writes to.
PVH_STAMP, KERNEL_STAMP = 0xF00, 0xF08
STAMP = "entry_stamp.S"
PROGRAM = "stamps.c"
TOLD = re.compile(r"^(tsc|pvh|kernel)=0x([0-9a-f]{16})$", re.M)

THROUGH_PVHBOOT = "bzImage, its initrd behind it", "vmlinux, and its initrd, in a bundle"
BY_QEMU = "bzImage, by QEMU itself", "vmlinux, by QEMU itself"

# On real KVM, where times are not the same twice.
ROUNDS = 5
ON_KVM = BENCH / "on-kvm.json"
NESTED = "a processor that QEMU emulates (TCG)"
DIRECTLY = "this machine's processor"


@dataclasses.dataclass(frozen=True)
class Share:
    """One boot, by the TSC, which begins at reset.

    pvhboot     from its PVH entry to the kernel's entry; None: booted without it
    user_space  from reset to the first process
    """

    pvhboot: int | None
    user_space: int


def stamped_image(image, folder):
    """pvhboot, with a PVH entry behind it that keeps the TSC."""
    elf = ElfImage(image.read_bytes())
    here = -(-elf.end // PAGE_SIZE) * PAGE_SIZE
    code = real_kernels.assembled(STAMP, {"STAMP": PVH_STAMP, "HERE": here, "ENTRY": elf.entry}, folder)
    path = folder / "stamped.elf"
    path.write_bytes(make([*elf.segments, Segment(here, code, len(code))], entry=here, notes=[xen_entry(here)]))
    return path


def boots(build, folder):
    """What is booted: {name: (kernel, initrd)}."""
    image = stamped_image(build / "pvhboot.elf", folder)
    bzimage = debian.kernel("amd64", KERNEL)
    content = debian.vmlinux(bzimage)
    vmlinux = folder / "vmlinux"
    vmlinux.write_bytes(content)
    kernel = real_kernels.watched_bzimage(bzimage.read_bytes(), debian.setup_header(bzimage), folder, STAMP, STAMP=KERNEL_STAMP)
    unpacked = real_kernels.watched_vmlinux(content, [real_kernels.pvh_entry(content)], folder, STAMP, STAMP=KERNEL_STAMP)
    initrd = real_kernels.initrd(folder, PROGRAM, noise=noise(INITRD_SIZE))
    modules = (real_kernels.joined(kernel, initrd, folder, "joined"),
               real_kernels.bundled(unpacked, "none", initrd, folder, "unpacked"))
    return ({name: (image, module) for name, module in zip(THROUGH_PVHBOOT, modules)} |
            {name: (kernel, initrd) for name, kernel in zip(BY_QEMU, (bzimage, vmlinux))})


def read(name, result):
    told = {word: int(count, 16) for word, count in TOLD.findall(result.text)}
    if not {"tsc", "pvh", "kernel"} <= told.keys():
        real_kernels.fail(f"the first process did not tell what was measured\n{result}")
    return Share(told["kernel"] - told["pvh"] if name in THROUGH_PVHBOOT else None, told["tsc"])


def counted(build, folder):
    """{name: Share}, in instructions."""
    def boot(name, kernel, initrd):
        return read(name, run(MACHINE, kernel, initrd, COUNTED_APPEND, icount=True, timeout=real_kernels.TIMEOUT,
                              args=FIXED_CLOCK))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        started = {name: pool.submit(boot, name, *files) for name, files in boots(build, folder).items()}
        return {name: share.result() for name, share in started.items()}


def least(shares):
    """Each figure by itself: what disturbs one part of a boot says nothing of the other."""
    return Share(*(None if None in figures else min(figures)
                   for figures in zip(*(dataclasses.astuple(share) for share in shares))))


def measure_on_kvm(build, folder):
    """Writes what on_kvm gives."""
    sys.path.append(str(BENCH.parent / "kvm"))
    import kvm

    files = boots(build, folder)
    names = {f"{index}-{number}": name for number in range(ROUNDS) for index, name in enumerate(files)}
    ran = kvm.run([kvm.Boot(unique, MACHINE.board, *files[name], APPEND, memory=512) for unique, name in names.items()])
    found = {name: least([read(name, ran[unique]) for unique, other in names.items() if other == name]) for name in files}
    ON_KVM.write_text(json.dumps({
        "date": str(datetime.date.today()), "host": DIRECTLY if kvm.is_direct() else NESTED, "rounds": ROUNDS,
        "shares": {name: dataclasses.asdict(share) for name, share in found.items()}}, indent=1) + "\n")


def on_kvm():
    """What was measured there: date, host, rounds, and shares as counted gives them."""
    measured = json.loads(ON_KVM.read_text())
    return measured | {"shares": {name: Share(**share) for name, share in measured["shares"].items()}}
