# SPDX-License-Identifier: BSD-2-Clause
"""The commands of docs/trust.md do, one behind the other and as they stand there, what the page says."""

import debian
from test_readme import examples, run_shell

PAGE = "docs/trust.md"


def test_commands_do_what_the_page_says(build, tmp_path):
    """They make a key, sign with it, and bring it into a firmware, which then starts only what it has signed."""
    (tmp_path / "build/demo").mkdir(parents=True)
    (tmp_path / "build/pvhboot").symlink_to(build.resolve() / "pvhboot")
    # What ./demo leaves.
    initrd = debian.initramfs("amd64", tmp_path / "initrd.img")
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64")
    (tmp_path / "build/demo/boot.img").write_bytes(kernel.read_bytes() + initrd.read_bytes())
    commands = examples([PAGE])
    assert len(commands) == 4
    for _, status, texts, command in commands:
        result = run_shell(command, tmp_path)
        said = result.stdout.decode("latin-1").replace("\r", "")
        assert result.returncode == status, said
        assert [text for text in texts if text not in said] == [], said
