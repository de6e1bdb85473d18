# SPDX-License-Identifier: BSD-2-Clause
"""CPU exceptions in pvhboot itself: code of the image is overwritten with what faults, and the report must be right."""

import re
import subprocess

import boot_image
import host_script
import pytest
from qemu import Machine, run

MICROVM = Machine("microvm", firmware="qboot", memory="256M", options=("rtc=on",))
OURS = b"pvhboot.panic=exit"

INVALID_OPCODE = bytes.fromhex("0f0b")

# Code, the vector that it raises, the error code, and how many bytes in the fault is.
FAULTS = {
    "divide error": ("31c0 f7f0", 0, 0, 2),
    "breakpoint": ("cc", 3, 0, 1),
    "invalid opcode": ("0f0b", 6, 0, 0),
    "protection": ("66b8ff0f 8ed8", 13, 0xFFC, 4),
    "interrupt that has no gate": ("cdff", 13, 0xFF * 8 + 2, 0),
}


@pytest.fixture(scope="module")
def symbols(image32):
    listing = subprocess.run(["nm", image32], check=True, capture_output=True, text=True).stdout
    return {name: int(address, 16) for address, _, name in
            (line.split() for line in listing.splitlines() if len(line.split()) == 3)}


@pytest.fixture
def boot_damaged(image, payloads, tmp_path):
    """boot_damaged(address, code) -> qemu.Result of an image that has this code there."""
    def boot(address, code, line=OURS, **more):
        host = host_script.Host(image)
        host.command_line = line
        host.module(0x3000000, (payloads / "linux32.bzImage").read_bytes() + boot_image.cpio(5000))
        host.copy(address, code)
        script = tmp_path / "script"
        script.write_bytes(host.script())
        return run(MICROVM, payloads / "test_host.elf", script, **{"timeout": 20} | more)
    return boot


def numbers_of(line):
    """The values of an exception's line by name, from "eip"-like words: `name 0x...`."""
    return {name: int(value, 16) for name, value in re.findall(r"(\w+) (0x[0-9a-f]+)", line)}


@pytest.mark.parametrize("fault", FAULTS)
def test_exception_is_reported(fault, symbols, boot_damaged):
    code, vector, error_code, offset = FAULTS[fault]
    address = symbols["handoff"]
    # Registers that the report must show: mov $0x11111111, %esi and so on.
    known = {"esi": 0x11111111, "edi": 0x22222222, "ebp": 0x33333333, "ecx": 0x44444444}
    load = b"".join(bytes([opcode]) + known[name].to_bytes(4, "little")
                    for opcode, name in ((0xBE, "esi"), (0xBF, "edi"), (0xBD, "ebp"), (0xB9, "ecx")))
    result = boot_damaged(address, load + bytes.fromhex(code.replace(" ", "")))
    assert result.debug_exit == 1, result
    line, = [line for line in result.lines if line]
    assert line.startswith("pvhboot: E900 "), result
    assert re.search(rf"\b{vector}\b", line), result
    values = numbers_of(line)
    assert values["at"] == address + len(load) + offset, result
    assert values["code"] == error_code, result
    assert {name: values[name] for name in known} == known, result


def test_exception_in_the_first_c_line(symbols, boot_damaged):
    """No option has been read yet: the report goes to every console, and the machine halts."""
    result = boot_damaged(symbols["pvh_main"], INVALID_OPCODE, until_halted=True)
    assert result.halted and re.match(r"pvhboot: E900 ", result.text), result
    assert numbers_of(result.text)["at"] == symbols["pvh_main"]


@pytest.fixture
def first_move(symbols, image32):
    """The address of the mover's first `rep movsl` in the image."""
    segments, _ = host_script.load_segments(image32)
    start, end = symbols["mover_start"], symbols["mover_data_end"]
    code = b"".join(content[start - address:end - address] for address, content, _ in segments
                    if address <= start < address + len(content))
    return start + code.index(bytes.fromhex("f3a5"))


def test_exception_while_moving(first_move, boot_damaged):
    """In the mover, when the image may be gone already."""
    result = boot_damaged(first_move, INVALID_OPCODE)
    assert result.debug_exit == 1, result
    line, = [line for line in result.lines if line]
    assert re.match(r"pvhboot: E901 CPU exception 0x0?6 ", line), result


@pytest.mark.parametrize("policy, ends", [(b"reset", True), (b"halt", False), (b"poweroff", False)])
def test_policy_while_moving(policy, ends, first_move, boot_damaged):
    """A reset is still possible there; what powers off is out of reach."""
    result = boot_damaged(first_move, INVALID_OPCODE, line=b"pvhboot.panic=" + policy, until_halted=True)
    assert "pvhboot: E901 " in result.text, result
    assert not result.timed_out and result.halted != ends, result
