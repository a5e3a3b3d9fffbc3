"""Show the control messages in capture files or a pipe.

Reads pcap and pcapng, plain, gzip or zstd, told apart by content. Every message is judged as
Firezone's own receiver judges it.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from fzctl.cli.output import FORMS, Output, open_output
from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_INTERRUPTED, CaptureError, UsageError
from fzctl.protocol.kinds import AUTO, DIALECTS
from fzctl.records import Record, read_hex, read_records
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.cli.progress import Progress
    from fzctl.columns import RecordFilter
    from fzctl.pcap.capture import Capture

FILES_ANYWHERE = True

_EPILOG = """\
examples:
  fzctl decode capture.pcapng
  fzctl decode -Y 'fzp2p.status == "Inactive"' -T jsonl capture.pcap.gz
  fzctl decode -T fields -e frame.number -e fzp2p.domain -e fzp2p.proxy_ipv4 capture.pcap
  tcpdump -i wg0 -w - ip6 | fzctl decode -
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    parser.add_argument("files", metavar="FILE", nargs="*", help="capture files; - is standard input")
    parser.add_argument(
        "-r",
        metavar="FILE",
        dest="read",
        action="append",
        default=[],
        help="a capture file; - is standard input",
    )
    add_selection_arguments(parser)
    parser.add_argument("-T", dest="form", choices=FORMS, help="form of the output (default: text)")
    parser.add_argument(
        "-e",
        metavar="FIELD",
        dest="fields",
        action="append",
        default=[],
        help="with -T fields: a field to print",
    )
    parser.add_argument("-x", dest="hexdump", action="store_true", help="print a hex dump of each packet too")
    parser.add_argument(
        "-w", metavar="FILE", dest="write",
        help="write the messages to a capture of raw IP packets (pcapng; pcap by name; .gz and .zst too)",
    )  # fmt: skip
    parser.add_argument(
        "--redact", action="store_true", help="replace domains, addresses and ids, lengths kept"
    )


def add_selection_arguments(parser: ArgumentParser) -> None:
    """The options that say how an input is read and which messages count."""
    parser.add_argument(
        "-Y", metavar="EXPR", dest="filter", help="only messages that this display filter takes"
    )
    parser.add_argument("-c", metavar="N", dest="count", type=_positive, help="stop after N messages")
    parser.add_argument("--hex", action="store_true", help="the input is text, one IP packet in hex a line")
    parser.add_argument(
        "--dialect",
        choices=(AUTO, *DIALECTS),
        default=AUTO,
        help="whose rules judge a message (default: auto)",
    )
    parser.add_argument(
        "--user0-is-ip", action="store_true", help="link type 147 (USER0) holds bare IP packets"
    )


def run(args: Namespace) -> int:
    """Decode every input; returns the exit code."""
    sources = [*args.read, *args.files]
    if not sources:
        raise UsageError("decode needs a capture file, or - for standard input (see fzctl decode --help)")
    _spare_inputs(args.write, sources)
    inputs = _Inputs(args, sources)
    interrupted = False
    with open_output(args, live=any(map(_is_live, sources))) as output:
        with closing(inputs.records()) as found:
            try:
                show = partial(inputs.show_aside, output) if _has_terminal() else output.show
                for record in islice(_selected(args, found), args.count):
                    show(record)
            except KeyboardInterrupt:
                interrupted = True
        # Also where Ctrl-C ends it, what was found so far is shown and written.
        output.finish()
    inputs.report(output)
    return EXIT_INTERRUPTED if interrupted else inputs.exit_code


def _selected(args: Namespace, records: Iterator[Record]) -> Iterator[Record]:
    """The records that the options ask for, redacted where they ask for that."""
    keep = _filter(args.filter)
    records = _with_exchanges(records, _names(args, keep))
    if keep is not None:
        records = filter(keep, records)
    # Last, because a filter means what stands in the input.
    return map(_redactor(), records) if args.redact else records


class _Inputs:
    """The inputs one after another; what fails is reported, and the others are still read."""

    def __init__(self, args: Namespace, sources: list[str]) -> None:
        self.args = args
        self.sources = sources
        self.progress: Progress | None = None
        self.exit_code = EXIT_DONE
        self.frames = 0
        self.problems: list[str] = []

    def records(self) -> Generator[Record]:
        """The records of all inputs."""
        for source in self.sources:
            name = source if len(self.sources) > 1 else None
            records = (
                self._hex_records(source, name) if self.args.hex else self._capture_records(source, name)
            )
            try:
                yield from records
            except CaptureError as error:
                self._complain(str(error))

    def show_aside(self, output: Output, record: Record) -> None:
        """Show the record, beside the progress line where both are on one terminal."""
        if self.progress is None:
            output.show(record)
        else:
            self.progress.aside(output.show, record)

    def report(self, output: Output) -> None:
        """Complaints last, where they are seen; counts where nothing went wrong."""
        for problem in self.problems:
            say(f"fzctl: {escape(problem)}")
        if output.wants_counts and not self.args.quiet and not self.problems:
            say(f"fzctl: {output.counts(self.frames)}")

    def _capture_records(self, source: str, name: str | None) -> Iterator[Record]:
        from fzctl.pcap.capture import open_capture

        with (
            open_capture(source, user0_is_ip=self.args.user0_is_ip) as capture,
            _progress(self.args, capture) as progress,
        ):
            self.progress = progress
            try:
                yield from read_records(capture.candidates(), self.args.dialect, name)
            finally:
                self.frames += capture.frame_count
            self._check_link_types(source, capture)

    def _hex_records(self, source: str, name: str | None) -> Iterator[Record]:
        from fzctl.cli.hexinput import open_lines

        wrong: list[str] = []
        with open_lines(source) as lines:
            for record in read_hex(lines, self.args.dialect, name):
                self.frames += 1
                if record.line_error is not None and len(wrong) < 2:
                    wrong.append(record.line_error)
                yield record
        if wrong:
            more = ", and it is not the only one" if len(wrong) > 1 else ""
            self._complain(f"{_title(source)}: {wrong[0]}{more}")

    def _check_link_types(self, source: str, capture: Capture) -> None:
        skipped = capture.skipped_link_types
        if not skipped:
            return
        kinds = ", ".join(f"{number} ({count} frames)" for number, count in sorted(skipped.items()))
        sentence = f"{_title(source)}: no way to read link type {kinds}"
        if sum(skipped.values()) == capture.frame_count:
            self._complain(f"{sentence}; 147 is read with --user0-is-ip" if 147 in skipped else sentence)
        elif not self.args.quiet:
            say(f"fzctl: {escape(sentence)}")

    def _complain(self, problem: str) -> None:
        self.problems.append(problem)
        self.exit_code = CaptureError.exit_code


def _filter(expression: str | None) -> RecordFilter | None:
    if expression is None:
        return None
    from fzctl.columns import RecordFilter

    return RecordFilter(expression)


def _names(args: Namespace, keep: RecordFilter | None) -> set[str]:
    """The fields that the options name."""
    return {*args.fields, *(keep.fields if keep is not None else ())}


def _with_exchanges(records: Iterator[Record], names: set[str]) -> Iterator[Record]:
    """Records with their exchanges, where some option asks for them."""
    if not names:
        return records
    from fzctl.columns import NEEDS_LOOKAHEAD, OF_EXCHANGES

    if not names & OF_EXCHANGES:
        return records
    from fzctl.analysis.exchanges import follow, follow_whole

    return iter(follow_whole(records)) if names & NEEDS_LOOKAHEAD else follow(records)


def _redactor() -> Callable[[Record], Record]:
    from secrets import token_bytes

    from fzctl.redact import Redactor

    return Redactor(token_bytes(32)).redact


def _progress(args: Namespace, capture: Capture) -> AbstractContextManager[Progress | None]:
    if args.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return nullcontext()
    from fzctl.cli.progress import Progress

    return Progress(capture)


def _spare_inputs(target: str | None, sources: list[str]) -> None:
    """Refuse to overwrite what is yet to be read."""
    for source in sources:
        if target is not None and target != "-" and source != "-" and _is_same_file(source, target):
            raise UsageError(f"-w {escape(target)} would overwrite an input; give it another name")


def _is_same_file(source: str, target: str) -> bool:
    try:
        return os.path.samefile(source, target)
    except (OSError, ValueError):  # one does not exist, or cannot be looked at: reading will tell
        return False


def _title(source: str) -> str:
    return "standard input" if source == "-" else source


def _has_terminal() -> bool:
    """Do the records share a terminal with the progress line?"""
    return sys.stdout.isatty() and sys.stderr.isatty()


def _is_live(source: str) -> bool:
    """Does the input come bit by bit, so that each message is to be seen at once?"""
    try:
        mode = os.fstat(0).st_mode if source == "-" else os.stat(source).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _positive(text: str) -> int:
    if text.isascii() and text.isdigit() and text.strip("0"):
        # Of texts with thousands of digits int() makes nothing, and islice() counts to maxsize.
        digits = text.lstrip("0")
        return int(digits) if len(digits) < 19 else sys.maxsize
    raise ArgumentTypeError(f"{text!a} is no whole number above 0")
