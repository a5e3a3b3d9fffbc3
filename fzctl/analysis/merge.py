"""Two captures of the same tunnels, such as one from each end, as one stream of records."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fzctl.records import Record
from fzctl.tunnel import COPY_WINDOW, MOST_ALIKE, MOST_PENDING, fingerprint


class _Waiting:
    """A message that other captures may hold, too."""

    __slots__ = ("counter", "file", "frame", "seen_in", "time")

    def __init__(self, record: Record, source: int) -> None:
        self.frame = record.frame
        self.file = record.file
        self.time = record.time or 0
        self.counter = None if record.outer is None else record.outer.counter
        self.seen_in = {source}

    def may_be(self, record: Record, source: int) -> bool:
        """Can this be the same message, in a capture that did not hold it yet?"""
        if source in self.seen_in:
            return False
        counters = {None if record.outer is None else record.outer.counter, self.counter}
        return len(counters - {None}) <= 1


def merge(
    sources: Sequence[Iterable[Record]], *, offsets: Sequence[int] = (), window: int = COPY_WINDOW
) -> Iterator[Record]:
    """All records in the order of their times; each capture's own are expected in that order.

    ``offsets`` are added to the times of the captures (nanoseconds), where their clocks differ.
    A record with the packet (and WireGuard counter, where both have one) of an earlier one from
    another capture, less than ``window`` nanoseconds apart, is its copy: ``copy_of`` and ``copy_in``
    name it. A record without a time stands where its capture has it.
    """
    shifts = (*offsets, *(0,) * (len(sources) - len(offsets)))
    streams = [
        _keyed(records, source, shift)
        for source, (records, shift) in enumerate(zip(sources, shifts, strict=True))
    ]
    twins = _Twins(window)
    for _, source, _, record in heapq.merge(*streams):
        yield twins.mark(record, source)


def _keyed(records: Iterable[Record], source: int, shift: int) -> Iterator[tuple[int, int, int, Record]]:
    latest = 0
    for position, record in enumerate(records):
        if record.time is not None:
            if shift:
                record = record._replace(time=record.time + shift)
            latest = max(latest, record.time or 0)
        # Source and position are never both equal, so records are not compared.
        yield latest, source, position, record


class _Twins:
    def __init__(self, window: int) -> None:
        self._window: Final = window
        self._waiting: dict[bytes, list[_Waiting]] = {}

    def mark(self, record: Record, source: int) -> Record:
        """The record with its origin, where another capture had it before."""
        if record.copy_of is not None or record.time is None:
            return record
        packet = fingerprint(record.message.packet)
        waiting = self._waiting.pop(packet, [])
        waiting = [each for each in waiting if record.time - each.time < self._window]
        found = next((each for each in waiting if each.may_be(record, source)), None)
        if found is not None:
            found.seen_in.add(source)
            record = record._replace(copy_of=found.frame, copy_in=found.file)
        else:
            waiting.append(_Waiting(record, source))
        self._waiting[packet] = waiting[-MOST_ALIKE:]
        if len(self._waiting) > MOST_PENDING:
            del self._waiting[next(iter(self._waiting))]
        return record
