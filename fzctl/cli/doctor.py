"""Tell what fzctl can do on this machine, what is missing and how to get it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace

from fzctl.cli.machine import Finding, examine
from fzctl.cli.output import colour_wanted
from fzctl.errors import EXIT_DONE, EXIT_TOOL
from fzctl.render.lines import paint

_MARKS = {"ok": ("ok", "good"), "missing": ("missing", "ignored"), "broken": ("broken", "bad")}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.add_argument(
        "-T", dest="form", choices=("text", "json"), default="text", help="form of the output"
    )


def run(args: Namespace) -> int:
    """Examine the machine; exit code 5 where fzctl itself lacks something."""
    findings = examine()
    if args.form == "json":
        sys.stdout.write(json.dumps([finding._asdict() for finding in findings], indent=2) + "\n")
    else:
        sys.stdout.write(_text(findings, colour=colour_wanted(args.color)))
    return EXIT_TOOL if any(finding.state == "broken" for finding in findings) else EXIT_DONE


def _text(findings: list[Finding], *, colour: bool) -> str:
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        mark, style = _MARKS[finding.state]
        lines.append(f"{paint(f'{mark:<8}', style, colour)}{finding.name:<{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':<{8 + width}}  -> {finding.remedy}")
    return "\n".join(lines) + "\n"
