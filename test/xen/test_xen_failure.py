# SPDX-License-Identifier: BSD-2-Clause
"""What Xen sees of a domain in which pvhboot fails: the domain's own state and reason, not what pvhboot says of itself."""

import re

import boot_image
import pytest
from patching import INVALID_OPCODE, first_move, numbers_of, patched, symbols_of
from xen import CRASH, POWEROFF, REBOOT, pvh, run

MEMORY = 64
RUBBISH = b"rubbish"
RUBBISH_ERROR = "E501"
# By xl list.
STATES = {POWEROFF: "---s--", REBOOT: "---sr-", CRASH: "---sc-"}

# What pvhboot is told, and what Xen is told then: "halt" is the default, and nobody listens on those ports.
POLICIES = {"": CRASH, "halt": CRASH, "exit": CRASH, "exit:0x80": CRASH, "reset": REBOOT, "poweroff": POWEROFF}

# Consoles, and whether the error is on xl console and in Xen's log.
CONSOLES = {"xen": (True, False), "e9": (False, True), "com1": (False, False), "none": (False, False),
            "com1,e9,xen,vga": (True, True)}

# Code, the vector that it raises, its error code, and how many bytes in the fault is; as in test/boot/test_exceptions.py.
FAULTS = {
    "divide-error": ("31c0 f7f0", 0, 0, 2),
    "breakpoint": ("cc", 3, 0, 1),
    "invalid-opcode": ("0f0b", 6, 0, 0),
    "protection": ("66b8ff0f 8ed8", 13, 0xFFC, 4),
}


@pytest.fixture(scope="module")
def symbols(image32):
    return symbols_of(image32)


@pytest.fixture(scope="module")
def ran(image, image32, payloads, symbols):
    good = (payloads / "linux32.bzImage").read_bytes() + boot_image.cpio(5000)
    plain = image32.read_bytes()
    domains = [pvh(f"policy-{policy or 'default'}".replace(":", "-"), image, RUBBISH,
                   f"pvhboot.panic={policy}" if policy else None, memory=MEMORY) for policy in POLICIES]
    domains += [pvh(f"console-{number}", image, RUBBISH, f"pvhboot.console={console}", memory=MEMORY)
                for number, console in enumerate(CONSOLES)]
    domains += [pvh("two-cpus", image, RUBBISH, memory=MEMORY, vcpus=2), pvh("no-module", image, memory=MEMORY),
                pvh("word", image, good, "pvhboot.no-such-word", memory=MEMORY)]

    def broken(name, address, code, line=None):
        return pvh(name, patched(plain, address, code), good, line, memory=MEMORY)

    domains += [broken(name, symbols["handoff"], bytes.fromhex(code)) for name, (code, *_) in FAULTS.items()]
    domains += [broken(f"exception-{policy}", symbols["handoff"], INVALID_OPCODE, f"pvhboot.panic={policy}")
                for policy in ("reset", "poweroff", "exit")]
    domains += [broken("first-c-line", symbols["pvh_main"], INVALID_OPCODE),
                broken("mover", first_move(plain, symbols), INVALID_OPCODE),
                broken("mover-reset", first_move(plain, symbols), INVALID_OPCODE, "pvhboot.panic=reset"),
                broken("unharmed", symbols["handoff"], b""),
                broken("report", symbols["hypercall"], INVALID_OPCODE, "pvhboot.verbose"),
                broken("report-reset", symbols["hypercall"], INVALID_OPCODE, "pvhboot.verbose pvhboot.panic=reset")]
    return run(domains)


def check(result, reason, number):
    """One error on xl console, and the domain ended in its own words."""
    assert result.reason == reason and not result.killed, result
    assert result.state == STATES[reason], result
    assert re.fullmatch(rf"pvhboot: {number} [^\n]*\n", result.console), result


@pytest.mark.parametrize("policy", POLICIES)
def test_policy(policy, ran):
    check(ran[f"policy-{policy or 'default'}".replace(":", "-")], POLICIES[policy], RUBBISH_ERROR)


@pytest.mark.parametrize("console", CONSOLES)
def test_console(console, ran):
    """Whoever hears of it, the domain has crashed."""
    result = ran[f"console-{list(CONSOLES).index(console)}"]
    assert (result.reason, result.state) == (CRASH, STATES[CRASH]), result
    line = re.compile(rf"pvhboot: {RUBBISH_ERROR} [^\n]*\n")
    for said, text in zip(CONSOLES[console], (result.console, result.log)):
        assert line.fullmatch(text) if said else text == "", result


@pytest.mark.parametrize("name, number", [("two-cpus", RUBBISH_ERROR), ("no-module", "E110"), ("word", "E601")])
def test_error(name, number, ran):
    check(ran[name], CRASH, number)


@pytest.mark.parametrize("fault", FAULTS)
def test_exception(fault, ran, symbols):
    _, vector, error_code, offset = FAULTS[fault]
    check(ran[fault], CRASH, "E900")
    values = numbers_of(ran[fault].console)
    assert (values["at"], values["code"]) == (symbols["handoff"] + offset, error_code), ran[fault]
    assert re.search(rf"\b{vector}\b", ran[fault].console), ran[fault]


@pytest.mark.parametrize("policy", ["reset", "poweroff", "exit"])
def test_policy_of_an_exception(policy, ran):
    check(ran[f"exception-{policy}"], POLICIES[policy], "E900")


def test_exception_in_the_first_c_line(ran, symbols):
    """Nothing has been read yet; all consoles that there are have it."""
    check(ran["first-c-line"], CRASH, "E900")
    assert numbers_of(ran["first-c-line"].console)["at"] == symbols["pvh_main"]
    assert "pvhboot: E900 " in ran["first-c-line"].log


@pytest.mark.parametrize("name, reason", [("mover", CRASH), ("mover-reset", REBOOT)])
def test_exception_while_moving(name, reason, ran):
    """The page of hypercalls may be overwritten by then. The ring may be, too: the line is in Xen's log only."""
    result = ran[name]
    assert (result.reason, result.state) == (reason, STATES[reason]), result
    assert "Triple fault" not in result.xen, "which is a reboot to Xen as well"
    assert re.fullmatch(r"pvhboot: E901 CPU exception 0x0?6 [^\n]*\n", result.log), result


@pytest.mark.parametrize("name, reason", [("report", POWEROFF), ("report-reset", REBOOT)])
def test_exception_in_the_report(name, reason, ran, symbols):
    """Of an exception, or of anything else: the next one is reported without Xen, and ends as on a machine without it. A domain
    that halts counts as powered off."""
    result = ran[name]
    assert (result.reason, result.state) == (reason, STATES[reason]), result
    assert re.fullmatch(r"pvhboot: E900 [^\n]*\n", result.log), result
    assert numbers_of(result.log)["at"] == symbols["hypercall"], result
    assert result.console == "", result


def test_the_rest_of_the_patched_image_is_good(ran):
    """With nothing changed it boots."""
    result = ran["unharmed"]
    assert result.reason == POWEROFF and result.text.endswith("report: end\n"), result
