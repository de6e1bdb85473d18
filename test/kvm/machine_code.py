# SPDX-License-Identifier: BSD-2-Clause
"""Guests of a few instructions, put together byte by byte, that tell over the serial port what they read.

    guest = Guest()
    guest.read_port(0x64)
    guest.dump(0x6000, 56)
    guest.end(HALT)
    ... boot guest.image ...
    status, start_info = guest.answers(text)
"""

import struct

from elf_image import Segment, make, xen_entry

START = 0x300000
STACK = 0x2FFF00
SERIAL = 0x3F8

HALT = b"\xfa\xf4\xeb\xfd"            # cli; hlt; jmp back
IDLE = b"\xfb\xf4\xeb\xfd"            # sti; hlt; jmp back
LOOP = b"\xeb\xfe"                    # jmp to itself
FAULT = b"\x0f\x0b"                   # ud2, with an IDT that leads nowhere
NOWHERE = b"\xb8\0\0\0\xd0\xff\xe0"   # mov $0xd0000000, %eax; jmp *%eax: nobody has that address

# AL as two letters from A on: push %eax; push %edx; mov %al, %bl; shr $4, %al; add $'A', %al; mov $SERIAL, %dx; out %al, %dx;
# mov %bl, %al; and $15, %al; add $'A', %al; out %al, %dx; pop %edx; pop %eax; ret
_TELL = (b"\x50\x52\x88\xc3\xc0\xe8\x04\x04A\x66\xba" + struct.pack("<H", SERIAL) +
         b"\xee\x88\xd8\x24\x0f\x04A\xee\x5a\x58\xc3")
_JUMP_SIZE = 5
_MOVE_TO_EAX = {"eax": b"\xc0", "ebx": b"\xd8", "ecx": b"\xc8", "edx": b"\xd0"}
_IN = {1: b"\xec", 2: b"\x66\xed", 4: b"\xed"}
_OUT = {1: b"\xee", 2: b"\x66\xef", 4: b"\xef"}


class Guest:
    def __init__(self):
        self._code = bytearray(b"\xe9" + struct.pack("<i", len(_TELL)) + _TELL)
        self._code += b"\xfc\xbc" + struct.pack("<I", STACK)  # cld; mov $STACK, %esp
        self._sizes = []

    def _call_tell(self):
        self._code += b"\xe8" + struct.pack("<i", _JUMP_SIZE - len(self._code) - _JUMP_SIZE)

    def _tell_eax(self, size):
        self._sizes.append(size)
        for _ in range(size):
            self._call_tell()
            self._code += b"\xc1\xe8\x08"  # shr $8, %eax

    def read_port(self, port, size=1):
        self._code += b"\xba" + struct.pack("<I", port) + _IN[size]  # mov $port, %edx
        self._tell_eax(size)

    def write_port(self, port, value, size=1):
        self._code += b"\xba" + struct.pack("<I", port) + b"\xb8" + struct.pack("<I", value) + _OUT[size]

    def read_address(self, address):
        """4 bytes, in one access."""
        self._code += b"\xa1" + struct.pack("<I", address)
        self._tell_eax(4)

    def write_address(self, address, value):
        self._code += b"\xc7\x05" + struct.pack("<II", address, value)

    def dump(self, address, count):
        """Bytes of memory: mov $address, %esi; mov $count, %ecx; then lodsb, tell, dec %ecx, jnz."""
        self._sizes.append(count)
        self._code += b"\xbe" + struct.pack("<I", address) + b"\xb9" + struct.pack("<I", count) + b"\xac"
        self._call_tell()
        self._code += b"\x49\x75\xf7"

    def read_cpuid(self, leaf, register):
        """mov $leaf, %eax; cpuid; mov %register, %eax."""
        self._code += b"\xb8" + struct.pack("<I", leaf) + b"\x0f\xa2\x89" + _MOVE_TO_EAX[register]
        self._tell_eax(4)

    def end(self, code=HALT):
        self._code += code

    @property
    def image(self):
        return make([Segment(START, bytes(self._code), len(self._code))], entry=START, notes=[xen_entry(START)])

    def answers(self, text):
        """What was read, one bytes object for each read_port, read_address and dump."""
        letters = text.encode("latin-1")
        assert len(letters) == 2 * sum(self._sizes) and set(letters) <= set(range(ord("A"), ord("A") + 16)), text
        told = bytes((high - ord("A")) << 4 | low - ord("A") for high, low in zip(letters[::2], letters[1::2]))
        found, at = [], 0
        for size in self._sizes:
            found.append(told[at:at + size])
            at += size
        return found
