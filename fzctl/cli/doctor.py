"""Tell what fzctl can do on this machine, what is missing and how to get it.

With -r FILE tell about a capture instead, WireGuard session by session: what it holds, which of
the keys fit, and what is missing.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from fzctl.cli.keys import add_key_argument
from fzctl.cli.output import colour_wanted
from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_INPUT, EXIT_TOOL, CaptureError
from fzctl.render.escape import escape
from fzctl.render.lines import paint
from fzctl.render.words import count_of

if TYPE_CHECKING:
    from fzctl.cli.machine import Finding

_MARKS = {"ok": ("ok", "good"), "missing": ("missing", "ignored"), "broken": ("broken", "bad")}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.add_argument("-r", metavar="FILE", dest="read", help="a capture to examine; - is standard input")
    add_key_argument(parser)
    parser.add_argument(
        "--user0-is-ip", action="store_true", help="link type 147 (USER0) holds bare IP packets"
    )
    parser.add_argument(
        "-T", dest="form", choices=("text", "json"), default="text", help="form of the output"
    )


def run(args: Namespace) -> int:
    """Examine the machine or a capture; exit code 5 where fzctl itself lacks something."""
    if args.read is not None:
        return _examine_capture(args)
    from fzctl.cli.machine import examine

    findings = examine()
    if args.form == "json":
        sys.stdout.write(json.dumps([finding._asdict() for finding in findings], indent=2) + "\n")
    else:
        sys.stdout.write(_text(findings, colour=colour_wanted(args.color)))
    return EXIT_TOOL if any(finding.state == "broken" for finding in findings) else EXIT_DONE


def _examine_capture(args: Namespace) -> int:
    """Print what the capture holds; exit code 3 where it or a key log ends early."""
    from fzctl.cli.encrypted import EncryptedCapture
    from fzctl.cli.keys import load_keylogs
    from fzctl.pcap.capture import open_capture
    from fzctl.render.sessions import report, report_object

    logs, problems = load_keylogs(args.keys, quiet=args.quiet)
    messages = 0
    with open_capture(args.read, user0_is_ip=args.user0_is_ip) as capture:
        encrypted = EncryptedCapture(capture, logs)
        try:
            for _ in encrypted.records():
                messages += 1
        except CaptureError as error:
            problems.append(str(error))
        problems += encrypted.problems
        if args.form == "json":
            about = {
                "frames": capture.frame_count,
                "messages": messages,
                **report_object(encrypted.decryptor),
            }
            sys.stdout.write(json.dumps(about, indent=2) + "\n")
        else:
            found = f"{count_of(capture.frame_count, 'frame')}, {count_of(messages, 'control message')}"
            sys.stdout.write(f"{escape(capture.source)}: {found}\n{report(encrypted.decryptor)}")
    for problem in problems:
        say(f"fzctl: {escape(problem)}")
    return EXIT_INPUT if problems else EXIT_DONE


def _text(findings: list[Finding], *, colour: bool) -> str:
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        mark, style = _MARKS[finding.state]
        lines.append(f"{paint(f'{mark:<8}', style, colour)}{finding.name:<{width}}  {escape(finding.detail)}")
        if finding.remedy:
            lines.append(f"{'':<{8 + width}}  -> {escape(finding.remedy)}")
    return "\n".join(lines) + "\n"
