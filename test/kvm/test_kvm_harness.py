# SPDX-License-Identifier: BSD-2-Clause
"""The harness itself: what it says of a guest must come from the guest, and one that hangs must not take others with it."""

import elf_image
import kvm
import pytest
from kvm import HALTED, REFUSED, RESET, SECONDS, TIME, TRIPLE_FAULT, Boot, Lost, run
from kvm_reports import report_of

MIB = 1 << 20
LONG_LINE = "x" * 1000
# sti, hlt, jump back: it waits for an interrupt that nobody sends; the same in a loop; and cli, hlt.
WAIT_FOR_AN_INTERRUPT, LOOP, HALT = b"\xfb\xf4\xeb\xfc", b"\xeb\xfe", b"\xfa\xf4"
# Without an IDT any exception is a triple fault.
UNDEFINED_INSTRUCTION = b"\x0f\x0b"
SHORT = 3


def kernel(code):
    """A PVH kernel of a few instructions."""
    return elf_image.make([elf_image.Segment(MIB, code, len(code))], entry=MIB, notes=[elf_image.xen_entry(MIB)])


HOSTS = ["microvm", "firecracker"]
ENDS = {
    "waits": (WAIT_FOR_AN_INTERRUPT, SHORT, TIME, TIME),
    "loops": (LOOP, SHORT, TIME, TIME),
    "halts": (HALT, SECONDS, HALTED, HALTED),
    # QEMU makes a reset of it.
    "faults": (UNDEFINED_INSTRUCTION, SECONDS, RESET, TRIPLE_FAULT),
}


@pytest.fixture(scope="module")
def ran(payloads):
    boots = []
    for host in HOSTS:
        boots += [Boot(f"{host}-{name}", host, kernel(code), seconds=seconds) for name, (code, seconds, *_) in ENDS.items()]
        boots += [Boot(f"{host}-refused", host, b"no kernel"),
                  Boot(f"{host}-reports", host, payloads / "pvh.elf", b"an initrd", LONG_LINE)]
    return run(boots)


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("host", HOSTS)
def test_end(host, name, ran):
    """And what comes behind a guest that hangs is not hurt."""
    result = ran[f"{host}-{name}"]
    assert result.end == ENDS[name][2 + HOSTS.index(host)], result
    assert result.text == "", result


@pytest.mark.parametrize("host", HOSTS)
def test_refused(host, ran):
    result = ran[f"{host}-refused"]
    assert result.end == REFUSED and result.stderr, result


@pytest.mark.parametrize("host", HOSTS)
def test_reports_come_through(host, ran):
    report = report_of(ran[f"{host}-reports"], "pvh")
    assert report.command_line.bytes.startswith(LONG_LINE.encode())
    (module,) = report.modules
    assert module.size == len(b"an initrd")


def test_lost(payloads, monkeypatch):
    """When the outer machine dies, what is asked of its guests fails with its log."""
    monkeypatch.setattr(kvm, "is_direct", lambda: False)
    monkeypatch.setattr(kvm, "OUTER_LINE", f"{kvm.OUTER_LINE} rdinit=/no-such-file")
    ran = run([Boot("behind", "microvm", payloads / "pvh.elf")])
    with pytest.raises(Lost, match=r"results of \[\](.|\n)*not syncing"):
        ran["behind"]


def test_machine_that_stands_still(monkeypatch, tmp_path):
    """What it has not come to is run in another one, as often as ATTEMPTS says."""
    monkeypatch.setattr(kvm, "ATTEMPTS", 2)
    boots = [Boot(name, "microvm", b"") for name in ("first", "second", "third")]
    asked = []

    def run_once(left, _):
        asked.append([boot.name for boot in left])
        return kvm.Run({left[0].name: "its result"}, "the log", True, "a command")

    monkeypatch.setattr(kvm, "_run_once", run_once)
    with pytest.warns(UserWarning, match="stood still after [12] of 3 guests"):
        ran = kvm._run_nested(boots, tmp_path)
    assert asked == [["first", "second", "third"], ["second", "third"]]
    assert ran["first"] == ran["second"] == "its result"
    with pytest.raises(Lost, match="stood still"):
        ran["third"]


@pytest.mark.parametrize("unusable, module, hardware", [
    (None, "kvm_amd", True), (None, "kvm_intel", True), (None, "kvm_pvm", False), ("it is not there", "kvm_amd", False)])
def test_software_kind_is_told_from_hardware(unusable, module, hardware, tmp_path, monkeypatch):
    """By its module: the device is the same."""
    (tmp_path / module).mkdir()
    monkeypatch.setattr(kvm, "why_unusable", lambda: unusable)
    monkeypatch.setattr(kvm, "HARDWARE_MODULES", [tmp_path / path.name for path in kvm.HARDWARE_MODULES])
    assert kvm.has_hardware() == hardware


@pytest.mark.parametrize("device", ["no-such-file", "no-such-folder/kvm", "file"])
def test_what_is_no_device_is_unusable(device, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(kvm, "DEVICE", tmp_path / device)
    assert str(tmp_path / device) in kvm.why_unusable()


@pytest.mark.parametrize("word, direct", [("nested", False), ("direct", True)])
def test_environment_decides(word, direct, monkeypatch):
    monkeypatch.setenv("PVHBOOT_KVM", word)
    assert kvm.is_direct.__wrapped__() == direct


def test_environment_is_read_with_care(monkeypatch):
    monkeypatch.setenv("PVHBOOT_KVM", "yes")
    with pytest.raises(AssertionError, match="PVHBOOT_KVM is 'yes'"):
        kvm.is_direct.__wrapped__()
