# SPDX-License-Identifier: BSD-2-Clause
"""Damaged inputs on KVM hosts, each on one in turn: there is one numbered error on the serial port, and the guest halts.

They are those of the tests on Xen, with the numbers that they have there.
"""

import itertools

import pytest
import test_damaged
from kvm import HALTED, Boot, run
from kvm_reports import error_of
from test_xen_damaged import CASES as XEN_CASES

HOSTS = ["firecracker", "cloud-hypervisor", "unkind", "microvm"]
# Firecracker and Cloud Hypervisor refuse such a line themselves.
TOO_LONG_FOR_THE_HOST = 2000


def host_for(case, host):
    """The one whose turn it is, unless what is damaged cannot get there: a bundle that is not aligned is another error."""
    if len(case.line) > TOO_LONG_FOR_THE_HOST or host == "unkind" and case.name.startswith("bundle"):
        return "microvm"
    return host


CASES = [(host_for(case, host), case) for host, case in zip(itertools.cycle(HOSTS), XEN_CASES)]


@pytest.fixture(scope="module")
def ran(image, payloads):
    kernels = {path.name: path.read_bytes() for path in payloads.glob("*.*")}
    return run([Boot(case.name, host, image, case.make(kernels), case.line, memory=case.memory) for host, case in CASES])


@pytest.mark.parametrize("host, case", CASES, ids=lambda value: getattr(value, "name", value))
def test_says_why_it_does_not_boot(host, case, ran):
    number = error_of(ran[case.name], HALTED)
    assert number in case.numbers.split() and number not in test_damaged.DEFECTS, ran[case.name]
