"""Which messages count, how they are judged and shown: options that mean the same in every verb."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fzctl.cli.keys import add_key_argument
from fzctl.cli.output import FORMS
from fzctl.cli.parser import positive
from fzctl.cli.redaction import make_redactor
from fzctl.errors import UsageError
from fzctl.protocol.kinds import AUTO, DIALECTS
from fzctl.records import Record

if TYPE_CHECKING:
    from fzctl.columns import RecordFilter


def add_capture_arguments(parser: ArgumentParser) -> None:
    """The inputs of a verb that reads captures, and how they are read."""
    parser.add_argument("files", metavar="FILE", nargs="*", help="capture files; - is standard input")
    parser.add_argument(
        "-r",
        metavar="FILE",
        dest="read",
        action="append",
        default=[],
        help="a capture file; - is standard input",
    )
    add_message_arguments(parser)
    parser.add_argument("--hex", action="store_true", help="the input is text, one IP packet in hex a line")
    parser.add_argument(
        "--user0-is-ip", action="store_true", help="link type 147 (USER0) holds bare IP packets"
    )


def add_message_arguments(parser: ArgumentParser) -> None:
    """The options that say which messages count and how they are read."""
    parser.add_argument(
        "-Y", metavar="EXPR", dest="filter", help="only messages that this display filter takes"
    )
    parser.add_argument("-c", metavar="N", dest="count", type=positive, help="stop after N messages")
    parser.add_argument(
        "--dialect",
        choices=(AUTO, *DIALECTS),
        default=AUTO,
        help="whose rules judge a message (default: auto)",
    )
    add_key_argument(parser)


def add_form_arguments(parser: ArgumentParser) -> None:
    """The options that say how messages are shown."""
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


class Selection:
    """The records that the options ask for, redacted where they ask for that."""

    def __init__(self, args: Namespace, *, live: bool = False) -> None:
        """Read the options; ``live`` has no look ahead. Raises FilterError, UsageError, CaptureError."""
        self._keep = make_filter(args.filter)
        self._names = {*getattr(args, "fields", ()), *(self._keep.fields if self._keep is not None else ())}
        if live:
            _refuse_lookahead(self._names)
        self.redactor = make_redactor(args)

    def of(self, records: Iterator[Record]) -> Iterator[Record]:
        """Those among ``records``."""
        records = self.unredacted(records)
        # Last, because a filter means what stands in the input.
        return records if self.redactor is None else map(self.redactor.redact, records)

    def unredacted(self, records: Iterator[Record]) -> Iterator[Record]:
        """Those among ``records`` as they are, for who redacts what follows from them."""
        records = with_exchanges(records, self._names)
        return records if self._keep is None else filter(self._keep, records)


def make_filter(expression: str | None) -> RecordFilter | None:
    """The filter of ``-Y``. Raises FilterError."""
    if expression is None:
        return None
    from fzctl.columns import RecordFilter

    return RecordFilter(expression)


def _refuse_lookahead(names: set[str]) -> None:
    if not names:
        return
    from fzctl.columns import NEEDS_LOOKAHEAD

    late = sorted(names & NEEDS_LOOKAHEAD)
    if late:
        raise UsageError(f"{late[0]} is known only later: save with -w and use fzctl decode")


def with_exchanges(records: Iterator[Record], names: set[str]) -> Iterator[Record]:
    """Records with their exchanges, where some option asks for them."""
    if not names:
        return records
    from fzctl.columns import NEEDS_LOOKAHEAD, OF_EXCHANGES

    if not names & OF_EXCHANGES:
        return records
    from fzctl.analysis.exchanges import follow, follow_whole

    return iter(follow_whole(records)) if names & NEEDS_LOOKAHEAD else follow(records)
