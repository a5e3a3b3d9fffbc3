"""When each message of a replay leaves: at its own time, scaled, at a rate, or at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from fzctl.errors import UsageError
from fzctl.protocol.kinds import CLIENT, GATEWAY
from fzctl.protocol.packet import is_ours
from fzctl.records import Record

TO_GATEWAY: Final = "a>b"
TO_CLIENT: Final = "b>a"
"""The ways of records, where the client is a: it begins the first session."""

_NANOSECONDS: Final = 1_000_000_000
_TO: Final[dict[tuple[str, ...], str]] = {(GATEWAY,): TO_GATEWAY, (CLIENT,): TO_CLIENT}


class Timed(NamedTuple):
    """A packet and when it leaves, in seconds since the start.

    ``number`` is its place in what was given, from 1. ``done`` says what an impairment did to it
    (see :mod:`fzctl.live.impair`).
    """

    time: float
    packet: bytes
    number: int
    done: tuple[str, ...] = ()


def sendable(records: Iterable[Record], direction: str | None = None) -> Iterator[Record]:
    """The control messages that can be sent again, on one way only where ``direction`` is given.

    Left out are copies of a message and packets cut by the capture. What a receiver would refuse
    is sent as it is.
    """
    for record in records:
        message = record.message
        if record.copy_of is not None or not (message.control or is_ours(message.packet)):
            continue
        if message.reason != "truncated" and direction in (None, record.direction):
            yield record


def way_of_kind(record: Record) -> str | None:
    """The way that messages of this kind go, by who handles them; ``None`` where both sides do."""
    kind = record.message.declaration
    return None if kind is None else _TO.get(kind.handled_by)


def looped(records: Sequence[Record], rounds: int) -> Iterator[Record]:
    """The records so many times over; each round follows the one before as they follow each other.

    That is after the mean pause between them, or a second where there is but one.
    """
    times = [record.time for record in records if record.time is not None]
    span = max(times) - times[0] if times else 0
    pause = span // (len(times) - 1) if len(times) > 1 else _NANOSECONDS
    for number in range(rounds):
        shift = number * (span + pause)
        for record in records:
            yield record if record.time is None else record._replace(time=record.time + shift)


def at_own_times(records: Iterable[Record], speed: float = 1.0) -> Iterator[Timed]:
    """As captured, ``speed`` times as fast. Raises UsageError where that is no positive number.

    A record without time leaves with the one before it, and so does one whose clock stepped back.
    """
    _check("speed", speed)
    first: int | None = None
    latest = 0.0
    for number, record in enumerate(records, start=1):
        if record.time is not None:
            if first is None:
                first = record.time
            latest = max(latest, (record.time - first) / _NANOSECONDS / speed)
        yield Timed(latest, record.message.packet, number)


def at_rate(records: Iterable[Record], rate: float) -> Iterator[Timed]:
    """Evenly, ``rate`` packets a second. Raises UsageError where that is no positive number."""
    _check("rate", rate)
    for number, record in enumerate(records, start=1):
        yield Timed((number - 1) / rate, record.message.packet, number)


def at_once(records: Iterable[Record]) -> Iterator[Timed]:
    """One behind the other without a pause."""
    for number, record in enumerate(records, start=1):
        yield Timed(0.0, record.message.packet, number)


def _check(what: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise UsageError(f"the {what} of a replay is a number above 0, not {value:g}")
