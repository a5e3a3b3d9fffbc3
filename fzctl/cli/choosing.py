"""Which messages of the inputs a replay sends again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Final

from fzctl.cli.inputs import Inputs
from fzctl.cli.selection import Selection
from fzctl.cli.streams import say
from fzctl.errors import UsageError
from fzctl.records import Record
from fzctl.render.words import count_of

MOST_MESSAGES: Final = 100_000
"""Messages that are sent again at a time: they are kept until the end."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of them."""


def choose(args: Namespace, inputs: Inputs) -> list[Record]:
    """The messages that are to be sent, and a word on stderr about those that are not.

    Raises UsageError where they are too many.
    """
    from fzctl.live.schedule import sendable, way_of_kind

    counts = dict.fromkeys(("seen", "sound", "by_kind", "either_way"), 0)

    def seen(records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            counts["seen"] += 1
            yield record

    def directed(records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            counts["sound"] += 1
            if args.direction is not None and record.direction is None:
                record = record._replace(direction=way_of_kind(record))
                counts["by_kind" if record.direction is not None else "either_way"] += 1
            if args.direction in (None, record.direction):
                yield record

    with closing(inputs.records()) as found:
        chosen = directed(sendable(seen(Selection(args).of(found))))
        records = _kept(islice(chosen, args.count))
    if not args.quiet:
        _tell_choice(args, counts, len(records))
    return records


def _kept(records: Iterable[Record]) -> list[Record]:
    """All of them: they are counted before the first is sent, and may be sent again."""
    kept: list[Record] = []
    size = 0
    for record in records:
        kept.append(record)
        size += len(record.message.packet)
        if len(kept) > MOST_MESSAGES or size > MOST_BYTES:
            raise UsageError(
                f"more than the {MOST_MESSAGES} messages or {MOST_BYTES} bytes that are sent at a time: "
                "-c sends the first, -Y chooses some, --loop repeats them"
            )
    return kept


def _tell_choice(args: Namespace, counts: dict[str, int], chosen: int) -> None:
    if counts["by_kind"]:
        some = count_of(counts["by_kind"], "message")
        say(f"fzctl: the input does not tell the way of {some}: their kinds do, a is the client")
    if counts["either_way"]:
        say(f"fzctl: {count_of(counts['either_way'], 'message')} left out: nothing tells the way")
    if counts["seen"] > counts["sound"]:
        some = count_of(counts["seen"] - counts["sound"], "message")
        say(f"fzctl: {some} left out: copies of another one, or cut by the capture")
    if args.direction is not None and args.count is None:
        say(f"fzctl: {chosen} of {count_of(counts['sound'], 'message')} to send, {args.direction} only")
