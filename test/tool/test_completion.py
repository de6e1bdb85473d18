# SPDX-License-Identifier: BSD-2-Clause
"""The completion for bash offers what the command takes: it is asked as bash asks it."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = TOP / "tools/completion/pvhboot"
COMMANDS = ["run", "inspect", "plan", "pack", "config"]

# As readline calls the function: the words, and which of them the cursor is behind.
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_pvhboot pvhboot "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(*words):
    done = subprocess.run(["bash", "--norc", "-u", "-c", ASK, "bash", SCRIPT, "pvhboot", *words], check=True, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def options_of(pvhboot, command):
    """The long options that a subcommand's --help has."""
    lines = re.findall(r"^ {2,6}(-.*?)(?:  |$)", pvhboot(command, "--help").out, re.M)
    return set(re.findall(r"--[a-z0-9-]+", " ".join(lines)))


def test_subcommands():
    assert offered("") == [*COMMANDS, "help", "--help", "--version"]
    assert offered("p") == ["plan", "pack"]
    assert offered("help", "") == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_those_of_the_help(pvhboot, command):
    assert set(offered(command, "--")) == options_of(pvhboot, command) | {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_offered_option_is_known(pvhboot, command):
    for option in offered(command, "--"):
        assert "there is no option" not in pvhboot(command, option).err


@pytest.mark.parametrize("words, expected", [
    (["run", "--machine", ""], ["pc", "q35", "microvm"]),
    (["run", "-M", "q"], ["q35"]),
    (["run", "--machine", "=", "m"], ["microvm"]),
    (["run", "--machine", "="], ["pc", "q35", "microvm"]),
    (["run", "kernel.elf", "--ac"], ["--accel"]),
    (["run", "--append", ""], []),
    (["run", "kernel.elf", "--", "-"], []),
    (["run", "ker"], []),
    (["config", "--for", "f"], ["firecracker"]),
    (["config", "-f", "cloud"], ["cloud-hypervisor"]),
    (["plan", "--memory", "5"], ["512M"]),
    (["plan", "--host", "xen"], ["xen-domu", "xen-dom0"]),
    (["nonsense", "--"], []),
])
def test_offers(words, expected):
    assert offered(*words) == expected


@pytest.mark.parametrize("command, option, wrong", [("run", "--machine", "x"), ("config", "--for", "x"),
                                                    ("plan", "--host", "x/y")])
def test_values_are_those_that_are_taken(pvhboot, payloads, command, option, wrong):
    more = {"run": ["--dry-run"], "config": [], "plan": []}[command]
    values = offered(command, option, "")
    assert values
    for value in values:
        result = pvhboot(command, *more, option, value, payloads / "pvh.elf")
        assert result.status == 0, result
    assert pvhboot(command, *more, option, wrong, payloads / "pvh.elf").status in (2, 3)


def test_names_of_files_are_readlines_own():
    """Where nothing is offered, bash completes names of files by itself."""
    done = subprocess.run(["bash", "--norc", "-c", f"source '{SCRIPT}'; complete -p pvhboot"], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=30)
    assert done.stdout.strip() == "complete -o default -F _pvhboot pvhboot"


def test_shellcheck_has_nothing_to_say():
    """test/lint looks at what begins with #!, and this is sourced."""
    done = subprocess.run(["shellcheck", SCRIPT], stdout=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 0, done.stdout
