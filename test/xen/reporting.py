# SPDX-License-Identifier: BSD-2-Clause
"""Judges reporters of payloads/ that were booted on real Xen, with the judges of the boot tests."""

import judging
import reporter
from judging import Payload
from xen import POWEROFF

__all__ = ["Payload", "check", "report_of"]


def report_of(result, payload):
    """The report of a boot that went well: nothing but it, and the domain ended as reporters do."""
    assert result.reason == POWEROFF and not result.killed, result
    assert result.console == "", result
    assert result.text.startswith(f"report: begin {payload.report_kind}\n"), result
    assert result.text.endswith("report: end\n"), result
    return reporter.parse(result.text)


def check(report, payload, kernel, host, line=b"", **more):
    """Judges a report; `host` is the report of payloads/pvh.elf in a domain that is made alike."""
    judging.check(report, payload, kernel, host, line, scan="copy", **more)
