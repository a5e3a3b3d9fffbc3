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
_OUT_OF_ORDER: Final = _NANOSECONDS
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
    steady = list(_steady(records))
    times = [record.time for record in steady if record.time is not None]
    span = times[-1] - times[0] if times else 0
    pause = span // (len(times) - 1) if len(times) > 1 else _NANOSECONDS
    for number in range(rounds):
        shift = number * (span + pause)
        for record in steady:
            yield record if record.time is None else record._replace(time=record.time + shift)


def at_own_times(records: Iterable[Record], speed: float = 1.0) -> Iterator[Timed]:
    """As captured, ``speed`` times as fast. Raises UsageError where that is no positive number.

    A record without time leaves with the one before it, and so does one whose clock stepped back;
    those behind it keep their distance to it.
    """
    _check("speed", speed)
    first: int | None = None
    latest = 0.0
    for number, record in enumerate(_steady(records), start=1):
        if record.time is not None:
            if first is None:
                first = record.time
            latest = (record.time - first) / _NANOSECONDS / speed
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


def longest_pause(planned: Iterable[Timed]) -> Timed | None:
    """The packet that lets the others wait longest, with that pause as its ``time``; None where none does."""
    longest, before = None, 0.0
    for timed in planned:
        if timed.time - before > (0.0 if longest is None else longest.time):
            longest = timed._replace(time=timed.time - before)
        before = max(before, timed.time)
    return longest


def _steady(records: Iterable[Record]) -> Iterator[Record]:
    """The records by a clock without steps back: such a time counts as the latest one before it.

    Packets of several devices may be written a little out of order, which is no step. A clock that
    was set back and then forth again is as it was.
    """
    shift, latest = 0, None
    for record in records:
        time = record.time
        if time is None:
            yield record
            continue
        if latest is None or time >= latest:
            shift = 0
        elif latest - time - shift > _OUT_OF_ORDER:
            shift = latest - time
        latest = time + shift if latest is None else max(latest, time + shift)
        yield record if latest == time else record._replace(time=latest)


def _check(what: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise UsageError(f"the {what} of a replay is a number above 0, not {value:g}")
