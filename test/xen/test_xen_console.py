# SPDX-License-Identifier: BSD-2-Clause
"""Where messages go on Xen: the PV console, which xl console shows, and port 0xe9, Xen's log; and what if nobody reads."""

import pathlib

import pytest
import reporter
from xen import CRASH, POWEROFF, pvh, run, state_of

SCRIPTS = pathlib.Path(__file__).resolve().parent / "scripts"
MEMORY = 32
RUBBISH = b"rubbish"
RUBBISH_ERROR = "pvhboot: E501 the payload (7 bytes) is of no kind that boots: it begins with 0x72756262\n"

# The word, and whether the PV console and Xen's log have the messages.
CHOICES = [
    ("", True, True),
    ("xen", True, False),
    ("e9", False, True),
    ("e9,xen", True, True),
    ("com1,xen", True, False),
    ("com1", False, False),
    ("vga", False, False),
    ("none", False, False),
]
# More than the ring of 2 KiB holds, several times over.
LONG = "w" * 6000


def word(choice):
    return f"pvhboot.console={choice}" if choice else ""


def name_of(kind, choice):
    return f"{kind}-{choice.replace(',', '-') or 'default'}"


@pytest.fixture(scope="module")
def ran(image, payloads):
    kernel = payloads / "multiboot2.elf"
    domains = [pvh(name_of("verbose", choice), image, kernel, f"pvhboot.verbose {word(choice)}".strip() + " end", memory=MEMORY)
               for choice, _, _ in CHOICES]
    domains += [pvh(name_of("error", choice), image, RUBBISH, word(choice), memory=MEMORY) for choice, _, _ in CHOICES]
    unread = SCRIPTS / "unread-console"
    domains += [
        pvh("long", image, kernel, f"pvhboot.verbose {LONG}", memory=MEMORY),
        pvh("xl-console", image, RUBBISH, "", memory=MEMORY, script=SCRIPTS / "xl-console"),
        pvh("destroyed", image, RUBBISH, memory=MEMORY, lines=['on_crash = "destroy"'], script=SCRIPTS / "own-fate"),
        pvh("unread-short", image, kernel, "pvhboot.verbose pvhboot.console=xen words", memory=MEMORY, script=unread),
        pvh("unread-long", image, kernel, f"pvhboot.verbose pvhboot.console=xen {LONG}", memory=MEMORY, script=unread),
        pvh("unread-error", image, RUBBISH, f"pvhboot.verbose {LONG}", memory=MEMORY, script=unread),
    ]
    return run(domains)


@pytest.mark.parametrize("choice, console, log", CHOICES, ids=lambda value: str(value) or "default")
def test_verbose_goes_where_it_is_wanted(choice, console, log, ran):
    result = ran[name_of("verbose", choice)]
    assert result.reason == POWEROFF, result
    report = reporter.parse(result.text)
    assert report.command_line.bytes == b"end"
    before_report = result.log.partition("report: begin")[0]
    for text, wanted in ((result.console, console), (before_report, log)):
        assert text.startswith("pvhboot: start_info version 1") == wanted, result
        assert ("pvhboot: enter " in text) == wanted, result
        assert wanted or text == "", result
    if console and log:
        assert result.console == before_report, "the same on both"


@pytest.mark.parametrize("choice, console, log", CHOICES, ids=lambda value: str(value) or "default")
def test_error_goes_where_it_is_wanted(choice, console, log, ran):
    """And wherever it goes, the domain's state says that it failed."""
    result = ran[name_of("error", choice)]
    assert result.reason == CRASH, result
    assert result.console == (RUBBISH_ERROR if console else ""), result
    assert result.log == (RUBBISH_ERROR if log else ""), result


def test_more_than_the_ring_holds(ran):
    result = ran["long"]
    assert result.reason == POWEROFF, result
    assert f'"pvhboot.verbose {LONG}"\n' in result.console, result
    assert result.console == result.log.partition("report: begin")[0]


def test_xl_console_shows_it(ran):
    result = ran["xl-console"]
    assert result.reason == CRASH, result
    assert result.files["xl-console"].decode() == RUBBISH_ERROR.replace("\n", "\r\n"), result


def test_message_of_a_domain_that_is_destroyed_at_once(ran):
    """Nothing is left of it but what it said, all of it."""
    result = ran["destroyed"]
    assert result.number is None and "Action for shutdown reason code 3 is destroy" in result.xl, result
    assert result.console == RUBBISH_ERROR, result


def reason_while_unread(result):
    return state_of(result.name, result.files["unread"].decode())[2]


@pytest.mark.parametrize("name", ["unread-short", "unread-long"])
def test_nobody_reads(name, ran):
    """It boots all the same. While nothing is read, the ring takes what it has room for."""
    result = ran[name]
    assert result.reason == POWEROFF, result
    assert reason_while_unread(result) == POWEROFF, "it ended only when it was read again"
    report = reporter.parse(result.text)
    assert report.command_line.bytes == (LONG.encode() if name == "unread-long" else b"words")
    assert result.console.startswith("pvhboot: start_info"), result
    assert ("pvhboot: enter " in result.console) == (name == "unread-short"), result


def test_nobody_reads_an_error(ran):
    result = ran["unread-error"]
    assert result.reason == CRASH, result
    assert reason_while_unread(result) == CRASH, "it ended only when it was read again"
    assert result.log.endswith(RUBBISH_ERROR), result
