# SPDX-License-Identifier: BSD-2-Clause
"""What every subcommand does alike: --help, wrong options, files that are not there or are no kernel, a closed pipe. And that
--help, the manual page and the completion have the same options."""

import os
import pathlib
import random
import re
import signal
import subprocess

import pytest
from command import DOES_NOT_BOOT, DONE, TROUBLE, USAGE
from test_completion import COMMANDS, options_of

TOP = pathlib.Path(__file__).resolve().parents[2]
MANUAL = TOP / "docs/pvhboot.1"


@pytest.fixture
def words(tmp_path):
    """words(subcommand, file, ...) -> a command line that is right if the files are, and starts nothing."""

    def make(command, *files):
        options = {"run": ["--dry-run"], "inspect": [], "plan": ["--host", "microvm"],
                   "pack": ["-o", tmp_path / "out"], "config": ["--for", "qemu"]}[command]
        return [command, *options, *files]

    return make


# --- Help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_lists_the_subcommands(pvhboot, word):
    result = pvhboot(word)
    assert result.status == DONE and not result.err, result
    assert re.findall(r"^  (\w+) ", result.out, re.M) == COMMANDS, result


def test_no_word_at_all(pvhboot):
    result = pvhboot()
    assert result.status == USAGE and not result.out and result.err == pvhboot("--help").out, result


def test_version(pvhboot):
    project = re.search(r"^project\(pvhboot VERSION (\S+)", (TOP / "CMakeLists.txt").read_text(), re.M)[1]
    assert (pvhboot("--version").status, pvhboot("--version").out) == (DONE, f"pvhboot {project}\n")


def test_unknown_subcommand(pvhboot):
    result = pvhboot("rnu")
    assert result.status == USAGE and "\"rnu\"" in result.complaint, result


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_subcommand(pvhboot, words, command):
    lines = [command, "--help"], [command, "-h"], ["help", command], [*words(command, "k"), "--help"]
    texts = {pvhboot(*line).out for line in lines}
    text, = texts
    assert text.startswith(f"usage: pvhboot {command} ") and text.endswith("\n")
    assert max(map(len, text.splitlines())) <= 100
    assert not pvhboot(command, "--help").err and pvhboot(command, "--help").status == DONE


def section_of(command):
    """A subcommand's part of the manual page."""
    return re.search(rf"^\.Ss {command}\n(.*?)^\.S[sh] ", MANUAL.read_text(), re.M | re.S)[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_manual_page_has_the_options_of_the_help(pvhboot, command):
    lines = re.findall(r"^\.It (Fl .*)$", section_of(command), re.M)
    found = {f"--{name}" for line in lines for name in re.findall(r"Fl -([a-z0-9-]+)", line)}
    assert found == options_of(pvhboot, command) - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_manual_page_has_the_short_options_of_the_help(pvhboot, command):
    lines = re.findall(r"^\.It (Fl .*)$", section_of(command), re.M)
    found = {f"-{letter}" for line in lines for letter in re.findall(r"Fl (\w)\b", line)}
    help_lines = re.findall(r"^ {2,6}(-.*?)(?:  |$)", pvhboot(command, "--help").out, re.M)
    assert found == set(re.findall(r"(?<![\w-])-\w\b", " ".join(help_lines))) - {"-h"}


# --- Wrong words and files ------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--no-such-option", "-Z"])
def test_unknown_option(pvhboot, words, command, option):
    result = pvhboot(*words(command, "k"), option)
    assert result.status == USAGE and result.complaint.startswith(f"there is no option {option}"), result
    assert result.err.endswith(f"Try: pvhboot {command} --help\n") and not result.out, result


@pytest.mark.parametrize("command, option", [("run", "--append"), ("plan", "--host"), ("pack", "-o"), ("config", "--for")])
def test_option_without_its_value(pvhboot, command, option):
    result = pvhboot(command, "kernel", option)
    assert (result.status, result.complaint) == (USAGE, f"{option} wants a value"), result


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file_at_all(pvhboot, words, command):
    result = pvhboot(*words(command))
    assert result.status == USAGE and result.complaint and not result.out, result


def check_left_nothing(tmp_path, *known):
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(known)


@pytest.mark.parametrize("command", COMMANDS)
def test_file_that_is_not_there(pvhboot, words, tmp_path, command):
    result = pvhboot(*words(command, tmp_path / "none"))
    assert result.status == TROUBLE and result.complaint == f"{tmp_path}/none: No such file or directory", result
    check_left_nothing(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_names_are_not_for_the_terminal(pvhboot, words, tmp_path, command):
    result = pvhboot(*words(command, tmp_path / "no\x1b[31mne\a\u009b\u00e9\udcff"))
    assert result.status == TROUBLE and result.complaint == f"{tmp_path}/no?[31mne??\u00e9?: No such file or directory", result


@pytest.mark.parametrize("command", ["inspect", "plan", "config", "run"])
def test_names_that_are_printed_are_not_either(pvhboot, words, payloads, tmp_path, command):
    path = tmp_path / "ker\x1b[31mnel\a"
    path.write_bytes((payloads / "multiboot2.elf").read_bytes())
    result = pvhboot(*words(command, path))
    assert result.status == DONE and not {"\x1b", "\a"} & set(result.out + result.err), result
    assert "ker" in result.out and "[31mnel" in result.out, result


@pytest.mark.parametrize("command", COMMANDS)
def test_folder(pvhboot, words, tmp_path, command):
    result = pvhboot(*words(command, tmp_path))
    assert result.status == TROUBLE and result.complaint == f"{tmp_path}: Is a directory", result


@pytest.mark.parametrize("command", COMMANDS)
def test_file_that_may_not_be_read(pvhboot_path, words, tmp_path, command):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    # Root may read anything, unless that is taken away.
    less = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    done = run_on(subprocess.DEVNULL, [*less, pvhboot_path, *words(command, path)])
    assert done.returncode == TROUBLE and done.stderr.decode() == f"pvhboot: {path}: Permission denied\n", done


@pytest.mark.parametrize("command", ["inspect", "plan", "pack"])
@pytest.mark.parametrize("content", [b"only a text\n", b"\x7fELF", b"MZ", bytes(4096), random.Random(5).randbytes(100_000)],
                         ids=["text", "elf", "mz", "zeros", "random"])
def test_nonsense(pvhboot, words, tmp_path, command, content):
    (tmp_path / "nonsense").write_bytes(content)
    result = pvhboot(*words(command, tmp_path / "nonsense"))
    assert result.status == DOES_NOT_BOOT, result
    assert re.search(r"\bE[1-9]\d\d\b", result.out + result.err), result
    check_left_nothing(tmp_path, "nonsense")


@pytest.mark.parametrize("command", COMMANDS)
def test_empty_file(pvhboot, words, tmp_path, command):
    (tmp_path / "empty").write_bytes(b"")
    result = pvhboot(*words(command, tmp_path / "empty"))
    assert result.status == DOES_NOT_BOOT, result
    check_left_nothing(tmp_path, "empty")


# --- Output ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["inspect", "plan", "config"])
def test_colour_is_for_terminals_only(pvhboot, words, payloads, command):
    assert "\x1b" not in pvhboot(*words(command, payloads / "linux64.bzImage"), env={"TERM": "xterm"}).out


def run_on(output, words, before=None):
    return subprocess.run([os.fspath(word) for word in words], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE,
                          timeout=30, preexec_fn=before)


@pytest.mark.parametrize("command", ["run", "inspect", "plan", "config"])
def test_closed_pipe(pvhboot_path, words, payloads, command):
    """Ended by SIGPIPE, as usual; where that is ignored, with an exit code, and in no other way."""
    line = [pvhboot_path, *words(command, payloads / "linux64.bzImage")]
    def ignore():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    for before, ends in ((None, (-signal.SIGPIPE, TROUBLE)), (ignore, (TROUBLE,))):
        reader, writer = os.pipe()
        os.close(reader)
        done = run_on(writer, line, before)
        os.close(writer)
        assert done.returncode in ends, done


@pytest.mark.parametrize("command", ["run", "inspect", "plan", "config"])
def test_full_disk(pvhboot_path, words, payloads, command):
    with open("/dev/full", "wb") as full:
        done = run_on(full, [pvhboot_path, *words(command, payloads / "linux64.bzImage")])
    assert done.returncode == TROUBLE and b"No space left on device" in done.stderr, done
