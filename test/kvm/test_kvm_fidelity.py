# SPDX-License-Identifier: BSD-2-Clause
"""A kernel must find the same machine through pvhboot as when the host starts it directly, by the PVH entry of its vmlinux.

Compared is what it found, and every line that it printed.  A difference must stand in the table of docs/protocols.md, section
"Differences from a direct boot on KVM", and every row of that table must be seen to differ wherever it says so.
"""

import comparing
import debian
import pytest
from guest import Guest
from kvm import Boot, powered_off, run

SECTION = "## Differences from a direct boot on KVM"

KERNEL = ("amd64", "linux-image-cloud-amd64")
WAYS = {"microvm": ["linux"], "firecracker": ["linux", "pvh"], "cloud-hypervisor": ["linux"]}
MEMORY = 256
# Without nokaslr the kernel's own place would be another one in every boot.
LINE = "console=ttyS0 quiet panic=-1 nokaslr guest.log guest.packed last"


PAGE = 4096
LEFT = 64


def filled_up(initrd, front):
    """With zeros, so that it takes as many pages when it begins `front` bytes into one.

    Behind a kernel an initrd begins in a page, and Linux gets it from the beginning of that page: its lines of how much memory
    is free would tell of a page more, or not, as the sizes fall. QEMU leaves the last page free for what would fill it wholly.
    """
    return initrd + bytes((-LEFT - front - len(initrd)) % PAGE)


@pytest.fixture(scope="module")
def ran(image, tmp_path_factory):
    kernel = debian.kernel(*KERNEL)
    initrd = filled_up(debian.initramfs("amd64", tmp_path_factory.mktemp("initramfs") / "initrd.img").read_bytes(),
                       kernel.stat().st_size % PAGE)
    vmlinux, boot_module = debian.vmlinux(kernel), kernel.read_bytes() + initrd
    boots = []
    for host, ways in WAYS.items():
        boots.append(Boot(f"{host}-direct", host, vmlinux, initrd, LINE, memory=MEMORY))
        boots += [Boot(f"{host}-{way}", host, image, boot_module, f"{LINE} pvhboot.protocol={way}", memory=MEMORY)
                  for way in ways]
    return run(boots)


def guest_of(result):
    guest = Guest(result.text)
    assert guest.reached_user_space and result.end == powered_off(result.host), result
    return guest


@pytest.mark.parametrize("host, way", [(host, way) for host, ways in WAYS.items() for way in ways])
def test_same_as_direct_boot(host, way, ran):
    direct, ours = guest_of(ran[f"{host}-direct"]), guest_of(ran[f"{host}-{way}"])
    comparing.check(SECTION, ["host", "through pvhboot as"], [host, way], direct, ours)
