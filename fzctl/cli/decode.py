"""Show the control messages in capture files or a pipe.

Reads pcap and pcapng, plain, gzip or zstd, told apart by content. Every message is judged as
Firezone's own receiver judges it.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

from fzctl.cli.output import FORMS, Output, open_output
from fzctl.errors import EXIT_DONE, CaptureError, UsageError
from fzctl.protocol.kinds import AUTO, DIALECTS
from fzctl.records import Record, read_hex, read_records
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.columns import RecordFilter
    from fzctl.pcap.capture import Capture

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
    parser.add_argument("-r", metavar="FILE", dest="read", action="append", default=[], help="the same, as an option")
    add_selection_arguments(parser)
    parser.add_argument(
        "-T", dest="form", choices=FORMS, help="form of the output (default: text)"
    )
    parser.add_argument(
        "-e", metavar="FIELD", dest="fields", action="append", default=[], help="with -T fields: a field to print"
    )
    parser.add_argument("-x", dest="hexdump", action="store_true", help="print a hex dump of each packet too")
    parser.add_argument(
        "-w", metavar="FILE", dest="write",
        help="write the messages to a capture of raw IP packets (pcapng; pcap by name; .gz and .zst too)",
    )  # fmt: skip
    parser.add_argument("--redact", action="store_true", help="replace domains, addresses and ids, lengths kept")


def add_selection_arguments(parser: ArgumentParser) -> None:
    """The options that say how an input is read and which messages count."""
    parser.add_argument("-Y", metavar="EXPR", dest="filter", help="only messages that this display filter takes")
    parser.add_argument("-c", metavar="N", dest="count", type=_positive, help="stop after N messages")
    parser.add_argument("--hex", action="store_true", help="the input is text, one IPv6 packet in hex a line")
    parser.add_argument(
        "--dialect", choices=(AUTO, *DIALECTS), default=AUTO, help="whose rules judge a message (default: auto)"
    )
    parser.add_argument(
        "--user0-is-ip", action="store_true", help="link type 147 (USER0) holds IP packets without a link header"
    )


def run(args: Namespace) -> int:
    """Decode every input; returns the exit code."""
    sources = [*args.read, *args.files]
    if not sources:
        raise UsageError("decode needs a capture file, or - for standard input")
    keep = _filter(args.filter)
    with ExitStack() as stack:
        output = stack.enter_context(open_output(args, live=any(map(_is_live, sources))))
        inputs = _Inputs(args, sources)
        records = _with_exchanges(inputs.records(), _names(args, keep))
        if keep is not None:
            records = filter(keep, records)
        for record in islice(records, args.count):
            output.show(record)
        output.finish()
    inputs.report(output)
    return inputs.exit_code


class _Inputs:
    """The inputs one after another; what fails is reported, and the others are still read."""

    def __init__(self, args: Namespace, sources: list[str]) -> None:
        self.args = args
        self.sources = sources
        self.exit_code = EXIT_DONE
        self.frames = 0
        self.problems: list[str] = []

    def records(self) -> Iterator[Record]:
        redact = _redactor() if self.args.redact else None
        for source in self.sources:
            name = source if len(self.sources) > 1 else None
            records = self._hex_records(source, name) if self.args.hex else self._capture_records(source, name)
            try:
                yield from records if redact is None else map(redact, records)
            except CaptureError as error:
                self._complain(str(error))

    def report(self, output: Output) -> None:
        """Complaints last, where they are seen; counts where nothing went wrong."""
        for problem in self.problems:
            print(f"fzctl: {escape(problem)}", file=sys.stderr)
        if not self.problems and not self.args.quiet and output.wants_counts:
            print(f"fzctl: {output.counts(self.frames)}", file=sys.stderr)

    def _capture_records(self, source: str, name: str | None) -> Iterator[Record]:
        from fzctl.pcap.capture import open_capture

        with open_capture(source, user0_is_ip=self.args.user0_is_ip) as capture, _progress(self.args, capture):
            try:
                yield from read_records(capture.candidates(), self.args.dialect, name)
            finally:
                self.frames += capture.frame_count
            self._check_link_types(source, capture)

    def _hex_records(self, source: str, name: str | None) -> Iterator[Record]:
        from fzctl.cli.hexinput import open_lines

        with open_lines(source) as lines:
            for record in read_hex(lines, self.args.dialect, name):
                self.frames += 1
                if record.line_error is not None:
                    self._complain(f"{source}: {record.line_error}")
                yield record

    def _check_link_types(self, source: str, capture: Capture) -> None:
        skipped = capture.skipped_link_types
        if not skipped:
            return
        kinds = ", ".join(f"{number} ({count} frames)" for number, count in sorted(skipped.items()))
        sentence = f"{source}: no way to read link type {kinds}"
        if sum(skipped.values()) == capture.frame_count:
            self._complain(f"{sentence}; 147 is read with --user0-is-ip" if 147 in skipped else sentence)
        elif not self.args.quiet:
            print(f"fzctl: {escape(sentence)}", file=sys.stderr)

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


def _progress(args: Namespace, capture: Capture):  # type: ignore[no-untyped-def]
    from contextlib import nullcontext

    if args.quiet or not sys.stderr.isatty():
        return nullcontext()
    from fzctl.cli.progress import Progress

    return Progress(capture)


def _is_live(source: str) -> bool:
    from pathlib import Path

    return source == "-" or Path(source).is_fifo()


def _positive(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{text!a} is no whole number above 0")
