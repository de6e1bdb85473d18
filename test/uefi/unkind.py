# SPDX-License-Identifier: BSD-2-Clause
"""Boots with test/uefi/unkind: one start of the firmware, many starts of pvhboot.efi, each with a trouble of its own.

    script = Script()
    script.start("pvhboot.efi", "hoard 10", options="pvhboot.payload=kernel")
    result = run(build, folder, script, {"kernel": ...})
    assert [(outcome.errors, outcome.status) for outcome in outcomes(result)] == [(["E807"], OUT_OF_RESOURCES)]

What the words of a script are stands in unkind/unkind.h.
"""

import dataclasses
import re

import uefi

PROGRAM = "test/uefi/unkind/unkind.efi"  # in the build folder

# UEFI 2.10, appendix D.
ERROR = 1 << 63
LOAD_ERROR, INVALID_PARAMETER, UNSUPPORTED, BAD_BUFFER_SIZE = (ERROR | code for code in (1, 2, 3, 4))
DEVICE_ERROR, OUT_OF_RESOURCES, NOT_FOUND, ACCESS_DENIED = (ERROR | code for code in (7, 9, 14, 15))
SECURITY_VIOLATION = ERROR | 26

# Types of memory: UEFI 2.10, 7.2.
RESERVED, RUNTIME_DATA = 0, 6

# What EDK2 adds to the boot options that it makes itself (mBmAutoCreateBootOptionGuid); others add other things.
MADE_BY_FIRMWARE = bytes.fromhex("4eac0881119f594d850ee21a522c59b2")

# Where device-wraps has its device.
DEVICE = 0xFFFFFFFF00000000

END = r"^unkind: end$"
CAME_BACK = re.compile(r"^unkind: (\S+): (?:status (0x[0-9A-F]+), (-?\d+) pages kept|not loaded, status (0x[0-9A-F]+))$", re.M)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a start that came back went, or one that the firmware refused: then `status` and `kept` are None.

    status   what the program gave back
    kept     pages of memory that are taken since then
    refused  what the firmware said when it did not load the program
    text     what was printed from the start before on
    """

    path: str
    status: int | None
    kept: int | None
    refused: int | None
    text: str

    @property
    def errors(self):
        """The numbers of pvhboot's lines."""
        return re.findall(r"^pvhboot: (E\d{3}) ", self.text, re.M)


class Script:
    """Starts in their order."""

    def __init__(self):
        self._lines = []

    def start(self, path, *words, options=None, without_device=False):
        """Words are those of unkind.h; options are text or bytes."""
        self._lines += words
        if isinstance(options, bytes):
            self._lines.append(f"options-bytes {options.hex()}")
        elif options is not None:
            self._lines.append(f"options {options}")
        path = path.replace("/", "\\")
        self._lines.append(f"start{'-without-device' if without_device else ''} {path}")

    def show(self, text):
        """On a cleared console."""
        self._lines.append(f"show {text}")

    def bytes(self):
        return "".join(f"{line}\n" for line in self._lines).encode()


def run(build, folder, script, files, *, program=None, **more):
    """The qemu.Result of a script, without a terminal's sequences; `program` is unkind.efi, signed maybe; more: uefi.start."""
    files = {uefi.BY_DEFAULT: program or build / PROGRAM, "script": script.bytes()} | files
    result = uefi.start(folder, files, until=END, **{"timeout": 90} | more)
    result.text = uefi.SEQUENCES.sub("", result.text)
    return result


def outcomes(result):
    """Of all starts that came back."""
    assert "unkind: not understood" not in result.text, result
    found = []
    at = 0
    for match in CAME_BACK.finditer(result.text):
        path, status, kept, refused = match.groups()
        found.append(Outcome(path.replace("\\", "/"), status and int(status, 16), kept and int(kept),
                             refused and int(refused, 16), result.text[at:match.start()]))
        at = match.end()
    return found
