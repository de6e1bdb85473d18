# SPDX-License-Identifier: BSD-2-Clause
"""GRUB's rescue CD for a PC with a BIOS, which boots at once what its configuration says.

    make("grub.iso", {"kernel.elf": data, "module": data}, ["multiboot2 /kernel.elf words", "module2 /module words"])

Boot it with Machine("pc", "seabios") and ARGS; GRUB wants a screen, or it goes another way than it would for anybody.
"""

import pathlib
import subprocess
import tempfile

MODULES = "/usr/lib/grub/i386-pc"


class MakeFailed(Exception):
    """grub-mkrescue refused; its own words are in the message."""


def args(iso, screen="std"):
    """QEMU's words for a boot from the CD."""
    return ("-vga", screen, "-cdrom", str(iso))


def make(iso, files, commands):
    """Writes `iso`: `files` by name, and a menu entry of GRUB's `commands` that is taken without a wait."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-grub-") as folder:
        root = pathlib.Path(folder)
        (root / "boot/grub").mkdir(parents=True)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        lines = ["set timeout=0", "menuentry kernel {", *(f"    {command}" for command in commands), "}", ""]
        (root / "boot/grub/grub.cfg").write_text("\n".join(lines))
        made = subprocess.run(["grub-mkrescue", "-d", MODULES, "-o", iso, root], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if made.returncode != 0:
            raise MakeFailed(made.stdout)
    return iso
