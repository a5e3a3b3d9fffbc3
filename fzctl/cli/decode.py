"""Show the control messages in capture files or a pipe.

Reads pcap and pcapng, plain, gzip or zstd, told apart by content. Every message is judged as
Firezone's own receiver judges it.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from fzctl.cli.inputs import Inputs
from fzctl.cli.keys import add_key_argument
from fzctl.cli.output import FORMS, make_output
from fzctl.cli.parser import positive
from fzctl.cli.redaction import add_redact_arguments, make_redactor
from fzctl.cli.saving import add_saving_arguments, open_saver
from fzctl.errors import EXIT_INTERRUPTED, UsageError
from fzctl.protocol.kinds import AUTO, DIALECTS
from fzctl.records import Record
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.columns import RecordFilter

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
    add_saving_arguments(parser)
    add_redact_arguments(parser)


def add_selection_arguments(parser: ArgumentParser) -> None:
    """The options that say how an input is read and which messages count."""
    parser.add_argument(
        "-Y", metavar="EXPR", dest="filter", help="only messages that this display filter takes"
    )
    parser.add_argument("-c", metavar="N", dest="count", type=positive, help="stop after N messages")
    parser.add_argument("--hex", action="store_true", help="the input is text, one IP packet in hex a line")
    parser.add_argument(
        "--dialect",
        choices=(AUTO, *DIALECTS),
        default=AUTO,
        help="whose rules judge a message (default: auto)",
    )
    add_key_argument(parser)
    parser.add_argument(
        "--user0-is-ip", action="store_true", help="link type 147 (USER0) holds bare IP packets"
    )


def run(args: Namespace) -> int:
    """Decode every input; returns the exit code."""
    sources = [*args.read, *args.files]
    if not sources:
        raise UsageError("decode needs a capture file, or - for standard input (see fzctl decode --help)")
    _spare_inputs(args.write, sources)
    inputs = Inputs(args, sources)
    interrupted = False
    with open_saver(args) as saver:
        output = make_output(args, saver, live=any(map(_is_live, sources)))
        inputs.wants_hints = output.wants_counts
        inputs.saver = saver
        if saver is not None and args.embed_keys:
            saver.embed(inputs.keylogs())
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
    redactor = make_redactor(args)
    return records if redactor is None else map(redactor.redact, records)


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
