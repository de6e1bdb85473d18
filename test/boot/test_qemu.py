# SPDX-License-Identifier: BSD-2-Clause
"""The QEMU driver itself, with a firmware of a few bytes: a driver that misreports would make every other test worthless."""

import pytest
from qemu import Machine, run

# Real mode, at the start of the last 64 KiB below 1 MiB: prints "up" and a line feed on COM1.
PRINT = bytes.fromhex("baf803 b075ee b070ee b00aee")
# Writes 0x10 to isa-debug-exit, "!" to port 0xE9, halts for good, resets by a triple fault.
EXIT = bytes.fromhex("b81000 e7f4")
E9 = bytes.fromhex("b021 e6e9")
HALT = bytes.fromhex("fa f4 ebfd")
LOOP = bytes.fromhex("ebfe")
STI = bytes.fromhex("fb")
HLT_FOREVER = bytes.fromhex("f4 ebfd")
TRIPLE_FAULT = bytes.fromhex("0f011e0000 cc")


@pytest.fixture
def firmware(tmp_path):
    def make(code):
        rom = bytearray(b"\xf4" * 65536)
        rom[: len(code)] = code
        # The reset vector: a far jump to F000:0000.
        rom[0xFFF0:0xFFF5] = bytes.fromhex("ea000000f0")
        path = tmp_path / "firmware.bin"
        path.write_bytes(rom)
        return Machine("pc", memory="16M", args=("-bios", str(path)))

    return make


def test_debug_exit(firmware):
    result = run(firmware(PRINT + EXIT + HALT), None, timeout=20)
    assert (result.text, result.status, result.debug_exit, result.timed_out) == ("up\n", 33, 16, False)


def test_timeout_is_kept_and_told(firmware):
    result = run(firmware(PRINT + HALT), None, timeout=1)
    assert result.timed_out and result.status is None and result.debug_exit is None
    assert result.text == "up\n"


def test_halt_is_seen(firmware):
    result = run(firmware(PRINT + HALT), None, timeout=60, until_halted=True, monitor=["info registers"])
    assert result.halted and not result.timed_out and result.status is None and result.text == "up\n", result
    assert "HLT=1" in result.monitor[0]


@pytest.mark.parametrize("code", [LOOP, STI + HLT_FOREVER], ids=["loop", "interrupts on"])
def test_no_halt_is_seen_where_it_runs_on(firmware, code):
    result = run(firmware(PRINT + code), None, timeout=1, until_halted=True)
    assert result.timed_out and not result.halted and result.text == "up\n", result


def test_end_comes_before_a_halt(firmware):
    result = run(firmware(PRINT + EXIT + HALT), None, timeout=20, until_halted=True)
    assert result.debug_exit == 16 and not result.halted, result


def test_until_ends_the_run(firmware):
    result = run(firmware(PRINT + HALT), None, timeout=60, until="^u.$", monitor=["info registers"])
    assert result.matched[0] == "up" and result.status is None and not result.timed_out
    assert "EIP=" in result.monitor[0]


def test_until_does_not_match_by_chance(firmware):
    result = run(firmware(PRINT + EXIT + HALT), None, timeout=20, until="down")
    assert result.matched is None and result.status == 33


def test_triple_fault_ends_the_run_without_debug_exit(firmware):
    result = run(firmware(PRINT + TRIPLE_FAULT), None, timeout=20)
    assert (result.text, result.status, result.debug_exit, result.timed_out) == ("up\n", 0, None, False)


def test_port_e9_goes_to_a_file(firmware, tmp_path):
    result = run(firmware(E9 + EXIT + HALT), None, timeout=20, e9_file=tmp_path / "with,comma")
    assert result.debug_exit == 16, result
    assert (tmp_path / "with,comma").read_bytes() == b"!"


def test_command_that_qemu_refuses(firmware):
    result = run(firmware(HALT).but(cpu="no-such-cpu"), None, timeout=20)
    assert result.status == 1 and "no-such-cpu" in result.stderr
    assert result.debug_exit is None and not result.timed_out


def test_counted_instructions_are_the_same_every_time(firmware):
    # rdtsc; the low byte goes to COM1 as it is.
    machine = firmware(bytes.fromhex("0f31 baf803 ee") + EXIT + HALT)
    first, second = (run(machine, None, timeout=20, icount=True) for _ in range(2))
    assert first.raw == second.raw and len(first.raw) == 1
