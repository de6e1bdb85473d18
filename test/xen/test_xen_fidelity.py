# SPDX-License-Identifier: BSD-2-Clause
"""A kernel must find the same domain through pvhboot as when xl starts it directly.

Compared is what it found, and every line that it printed.  A difference must stand in the table of docs/protocols.md, section
"Differences from a direct boot on Xen", and every row of that table must be seen to differ wherever it says so.
"""

import comparing
import debian
import pytest
from guest import Guest
from xen import POWEROFF, pvh, run

SECTION = "## Differences from a direct boot on Xen"

# Kernel, vCPUs, and how it is booted through pvhboot.
KERNELS = {"cloud-amd64": (2, ["linux", "pvh"]), "amd64": (1, ["linux"])}
MEMORY = 512
# Without nokaslr the kernel's own place would be another one in every boot.
LINE = "console=hvc0 quiet panic=-1 nokaslr guest.log"


@pytest.fixture(scope="module")
def ran(image, tmp_path_factory):
    initrd = debian.initramfs("amd64", tmp_path_factory.mktemp("initramfs") / "initrd.img").read_bytes()
    domains = []
    for name, (vcpus, ways) in KERNELS.items():
        kernel = debian.kernel("amd64", f"linux-image-{name}").read_bytes()
        domains.append(pvh(f"{name}-direct", kernel, initrd, LINE, memory=MEMORY, vcpus=vcpus))
        domains += [pvh(f"{name}-{way}", image, kernel + initrd, f"{LINE} pvhboot.protocol={way}", memory=MEMORY, vcpus=vcpus)
                    for way in ways]
    return run(domains)


def guest_of(result):
    assert result.reason == POWEROFF, result
    guest = Guest(result.console)
    assert guest.reached_user_space, result
    return guest


@pytest.mark.parametrize("name, way", [(name, way) for name, (_, ways) in KERNELS.items() for way in ways])
def test_same_as_direct_boot(name, way, ran):
    direct, ours = guest_of(ran[f"{name}-direct"]), guest_of(ran[f"{name}-{way}"])
    comparing.check(SECTION, ["kernel", "through pvhboot as"], [name, way], direct, ours)
