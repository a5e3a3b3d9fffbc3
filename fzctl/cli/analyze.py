"""What happened in a capture: exchanges, the client's NAT state, what is wrong and where to look.

Reads pcap and pcapng, plain, gzip or zstd, with keys also what is encrypted. A capture of each end
of a tunnel, or several parts of a long one, are put together with --merge.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from typing import TYPE_CHECKING, Final

from fzctl.cli.analysing import Analysing
from fzctl.cli.analysisoptions import add_analysis_arguments
from fzctl.cli.output import colour_wanted
from fzctl.cli.redaction import add_redact_arguments, make_redactor
from fzctl.cli.saving import keep_apart, spare_inputs
from fzctl.cli.streams import say
from fzctl.cli.timeline import Timeline, add_offset_argument, parse_log_offsets, show_timeline
from fzctl.errors import EXIT_DONE, EXIT_INTERRUPTED, UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.analysis.ladder import Analysis
    from fzctl.timeline import Entry

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
  fzctl analyze --logs client.log --logs gateway.log capture.pcap
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
    parser.add_argument(
        "--logs", metavar="PATH", action="append", default=[],
        help="show what these logs say of the protocol among the packets; repeatable",
    )  # fmt: skip
    add_offset_argument(parser, "--log-offset")
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Analyse every input; returns the exit code."""
    from fzctl.analysis.redaction import redact_analysis

    inputs = Analysing(args, at=args.at, most_rungs=_MOST_RUNGS)
    _check_targets(args, [*inputs.sources, *args.keys, *args.logs])
    log_offsets = parse_log_offsets(args.log_offsets, "--log-offset")
    if args.logs and "-" in inputs.sources:
        raise UsageError("--logs reads a capture once more, which a pipe does not allow; give it a file")
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
    timeline = None
    if args.logs and not interrupted:
        timeline = Timeline(args, inputs.sources, args.logs, offsets=log_offsets, redactor=redactor)
    code = EXIT_DONE
    if args.form is not None or (args.svg is None and args.html is None):
        code = _print(args, found, timeline)
    inputs.report_problems()
    return EXIT_INTERRUPTED if interrupted else inputs.exit_code or code


def _check_targets(args: Namespace, sources: list[str]) -> None:
    """Refuse to overwrite what is read, or to write two things into one file. Raises UsageError."""
    written = {"--svg": args.svg, "--html": args.html}
    for option, target in written.items():
        if target == "-":
            raise UsageError(f"{option} writes a file; give it a name")
        spare_inputs(target, sources, option)
    keep_apart({"--redact-key": args.redact_key, **written})


def _print(args: Namespace, analyses: list[Analysis], timeline: Timeline | None) -> int:
    """All that was asked for; returns the exit code that reading the logs ends with."""
    if args.form == "json":
        from fzctl.render.storyjson import to_json

        objects = None if timeline is None else timeline.objects(_is_of_the_protocol)
        sys.stdout.writelines(to_json(analyses, objects))
        if timeline is None:
            return EXIT_DONE
        timeline.report()
        return timeline.exit_code
    from fzctl.render.storytext import to_text

    most = {None: _FEW_RUNGS, True: _MOST_RUNGS, False: 0}[args.ladder]
    width, colour = _width(), colour_wanted(args.color)
    texts = [to_text(each, width, colour=colour, most_rungs=most) for each in analyses]
    sys.stdout.write(f"\n{'=' * width}\n".join(texts))
    if timeline is None:
        return EXIT_DONE
    sys.stdout.write("\nPackets and log lines\n\n")
    return show_timeline(timeline, _is_of_the_protocol)


def _is_of_the_protocol(entry: Entry) -> bool:
    """Packets, what a log says of them, and its warnings; all else is in ``logs --with``."""
    from fzctl.logs.events import kind_of

    event = entry.event
    return event is None or event.severity in ("WARN", "ERROR") or kind_of(event) is not None


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
    from fzctl.pcap.sinks import write_whole

    write_whole(path, text.encode())
    if not args.quiet:
        say(f"fzctl: {escape(path)}: written")
