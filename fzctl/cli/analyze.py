"""What happened in a capture: exchanges, the client's NAT state, what is wrong and where to look.

Reads pcap and pcapng, plain, gzip or zstd, with keys also what is encrypted. A capture of each end
of a tunnel, or several parts of a long one, are put together with --merge.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from typing import TYPE_CHECKING, Final

from fzctl.cli.analysing import Analysing, add_analysis_arguments
from fzctl.cli.output import colour_wanted
from fzctl.cli.redaction import add_redact_arguments, make_redactor
from fzctl.cli.saving import spare_inputs
from fzctl.cli.streams import say
from fzctl.errors import EXIT_INTERRUPTED, CaptureError, UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.analysis.ladder import Analysis

FILES_ANYWHERE = True
FORMS: Final = ("text", "json")
WIDTH: Final = 80
"""Columns where stdout is no terminal."""
_MOST_RUNGS: Final = 1000
_FEW_RUNGS: Final = 20

_EPILOG = """\
examples:
  fzctl analyze capture.pcapng
  fzctl analyze --html report.html -k wg.keys capture.pcap
  fzctl analyze --at 2026-11-22T12:43:10Z capture.pcapng
  fzctl analyze --merge client.pcap gateway.pcap --offset gateway.pcap=-0.120
  fzctl analyze --redact --html report.html capture.pcap
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    add_analysis_arguments(parser)
    parser.add_argument("-T", dest="form", choices=FORMS, help="form of the output (default: text)")
    parser.add_argument(
        "--at", metavar="TIME",
        help="the state at that moment, too: 2026-11-22T12:43:01Z, seconds since the epoch, "
        "+SECONDS after the beginning, or #FRAME",
    )  # fmt: skip
    parser.add_argument(
        "--ladder", action=BooleanOptionalAction,
        help="with -T text: all of the ladder, or none (default: its beginning and end)",
    )  # fmt: skip
    parser.add_argument("--svg", metavar="FILE", help="write the ladder as a picture")
    parser.add_argument(
        "--html", metavar="FILE", help="write a report that opens in a browser, without a network"
    )
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Analyse every input; returns the exit code."""
    from fzctl.analysis.redaction import redact_analysis

    inputs = Analysing(args, at=args.at, most_rungs=_MOST_RUNGS)
    _check_targets({"--svg": args.svg, "--html": args.html}, [*inputs.sources, *args.keys])
    redactor = make_redactor(args)
    found = []
    interrupted = False
    try:
        for analysis in inputs.analyses():
            if redactor is not None:
                analysis = redact_analysis(analysis, redactor)
            found.append(analysis)
    except KeyboardInterrupt:
        interrupted = True
    _write_files(args, found)
    if args.form is not None or (args.svg is None and args.html is None):
        _print(args, found)
    inputs.report_problems()
    return EXIT_INTERRUPTED if interrupted else inputs.exit_code


def _check_targets(targets: dict[str, str | None], sources: list[str]) -> None:
    """Refuse to overwrite what is read, or to write two things into one file. Raises UsageError."""
    taken: dict[str, str] = {}
    for option, target in targets.items():
        if target is None:
            continue
        if target == "-":
            raise UsageError(f"{option} writes a file; give it a name")
        spare_inputs(target, sources, option)
        other = taken.setdefault(os.path.abspath(target), option)
        if other != option:
            raise UsageError(f"{other} and {option} name the same file")


def _print(args: Namespace, analyses: list[Analysis]) -> None:
    if args.form == "json":
        from fzctl.render.storyjson import to_json

        sys.stdout.writelines(to_json(analyses))
        return
    from fzctl.render.storytext import to_text

    most = {None: _FEW_RUNGS, True: _MOST_RUNGS, False: 0}[args.ladder]
    width, colour = _width(), colour_wanted(args.color)
    texts = [to_text(each, width, colour=colour, most_rungs=most) for each in analyses]
    sys.stdout.write(f"\n{'=' * width}\n".join(texts))


def _width() -> int:
    if not sys.stdout.isatty():
        return WIDTH
    # A terminal that does not know its size says 0.
    return max(60, os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH)


def _write_files(args: Namespace, analyses: list[Analysis]) -> None:
    if args.svg is not None:
        from fzctl.render.laddersvg import to_svg

        _write(args, args.svg, to_svg(analyses))
    if args.html is not None:
        from fzctl.render.storyhtml import to_html

        _write(args, args.html, to_html(analyses))


def _write(args: Namespace, path: str, text: str) -> None:
    from fzctl.wireshark.install import write_file

    try:
        write_file(path, text.encode())
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise CaptureError(path, f"cannot be written: {problem}") from None
    if not args.quiet:
        say(f"fzctl: {escape(path)}: written")
