# SPDX-License-Identifier: BSD-2-Clause
"""What becomes of a guest in which pvhboot fails, on each host: by the host's account, not by what pvhboot says of itself."""

import dataclasses

import boot_image
import pytest
from boots import FAILED
from kvm import EXIT, HALTED, MACHINES, PERSONALITIES, POWER_OFF, RESET, Boot, powered_off, run
from kvm_reports import error_of, report_of
from patching import INVALID_OPCODE, first_move, numbers_of, patched, symbols_of

HOSTS = [*MACHINES, *PERSONALITIES]
MEMORY = 64
RUBBISH = b"rubbish"

# What pvhboot is told, and how a guest ends then where that is possible; "" is its default.
POLICIES = {"": HALTED, "halt": HALTED, "reset": RESET, "poweroff": POWER_OFF, "exit": EXIT}
# Which part of pvhboot faults, and the error that says so.
FAULTS = {"first-c-line": "E900", "late": "E900", "mover": "E901"}
# After an exception nothing is looked up any more.
FAULT_POLICIES = {"": HALTED, "reset": RESET, "poweroff": HALTED, "exit": EXIT}


@dataclasses.dataclass(frozen=True)
class Case:
    """fault: a name of FAULTS, or None for an ordinary error."""

    host: str
    policy: str
    fault: str | None = None

    @property
    def name(self):
        return "-".join([self.host, self.fault or "error", self.policy or "default"])

    @property
    def line(self):
        return f"pvhboot.panic={self.policy}" if self.policy else ""

    @property
    def number(self):
        if self.host == "version0" and self.fault != "first-c-line":
            return "E201"
        return FAULTS.get(self.fault, "E501")

    @property
    def end(self):
        end = (FAULT_POLICIES if self.fault else POLICIES)[self.policy]
        if end == POWER_OFF:
            return powered_off(self.host)
        if end == EXIT and self.host not in MACHINES:
            return HALTED
        return end


WITHOUT_MODULE = ["cloud-hypervisor", "microvm"]

CASES = [Case(host, policy) for host in HOSTS for policy in POLICIES]
# Before the command line is read every policy is the default.
CASES += [Case(host, "", "first-c-line") for host in HOSTS]
CASES += [Case(host, policy, fault) for host in HOSTS if host != "version0"
          for fault in ("late", "mover") for policy in FAULT_POLICIES]


@pytest.fixture(scope="module")
def symbols(image32):
    return symbols_of(image32)


@pytest.fixture(scope="module")
def ran(image, payloads, symbols):
    good = (payloads / "linux32.bzImage").read_bytes() + boot_image.cpio(5000)
    plain = image.read_bytes()
    places = {"first-c-line": symbols["pvh_main"], "late": symbols["handoff"], "mover": first_move(plain, symbols)}
    images = {fault: patched(plain, place, INVALID_OPCODE) for fault, place in places.items()}
    boots = [Boot(case.name, case.host, images.get(case.fault, image), good if case.fault else RUBBISH, case.line,
                  memory=MEMORY) for case in CASES]
    boots += [Boot(f"no-module-{host}", host, image, line="pvhboot.panic=poweroff", memory=MEMORY) for host in WITHOUT_MODULE]
    boots += [Boot(f"unharmed-{host}", host, patched(plain, symbols["handoff"], b""), good, memory=MEMORY)
              for host in ("microvm", "firecracker")]
    return run(boots)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_failure(case, ran):
    """One line on the serial port, and the end that was asked for, or the next best."""
    result = ran[case.name]
    assert error_of(result, case.end) == case.number, result
    assert result.debug_exit == (FAILED if case.end == EXIT else None), result


@pytest.mark.parametrize("host", WITHOUT_MODULE)
def test_power_off_without_a_module(host, ran):
    """The RSDP is looked for first: an error in what comes behind it may need it."""
    assert error_of(ran[f"no-module-{host}"], POWER_OFF) == "E110"


@pytest.mark.parametrize("host", HOSTS)
def test_exception_tells_where(host, ran, symbols):
    assert numbers_of(ran[f"{host}-first-c-line-default"].text)["at"] == symbols["pvh_main"]
    if host != "version0":
        assert numbers_of(ran[f"{host}-late-default"].text)["at"] == symbols["handoff"]


@pytest.mark.parametrize("host", ["microvm", "firecracker"])
def test_the_rest_of_the_patched_image_is_good(host, ran):
    """With nothing changed it boots."""
    report_of(ran[f"unharmed-{host}"], "linux")
