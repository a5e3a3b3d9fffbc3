"""Packets and log lines as one timeline, in the time of the capture.

Each log has a clock of its own. A line that tells of a control message belongs to the packet of the
same kind, domain and resource that is not far away in time.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from fzctl.logs.align import (
    WINDOW,
    Key,
    Offset,
    Sighting,
    estimate_offset,
    is_same_resource,
    sighting_of_event,
    sighting_of_record,
)
from fzctl.logs.event import TEXT, Event
from fzctl.logs.events import kind_of
from fzctl.logs.redaction import LogRedactor
from fzctl.logs.selection import Selection
from fzctl.protocol.kinds import DOMAIN, RESOURCE
from fzctl.records import Record
from fzctl.redact.redactor import Redactor

MOST_WAITING: Final = 4096
"""Entries that wait for what may belong to them."""

MOST_TEXT: Final = 1 << 22
"""Characters of the lines among them."""

MOST_ALIKE: Final = 64
"""Entries of one kind and domain among them that find what belongs to them, the last: one is usual."""

_BEFORE_ALL: Final = -(1 << 80)


class Clock(NamedTuple):
    """A log's clock: ``nanoseconds`` are added to its times. ``file`` is ``None`` for all logs.

    ``offset`` is the estimate behind that, ``None`` where the user gave it or none could be made.
    ``is_own``: the estimate comes from this log alone.
    """

    file: str | None
    nanoseconds: int
    offset: Offset | None = None
    given: bool = False
    is_own: bool = True


class Place(NamedTuple):
    """Where something stands: a frame of a capture, or a line of a log."""

    file: str | None
    number: int


class Entry(NamedTuple):
    """A packet or a log line; ``time`` is the capture's, ``None`` for a line that has none.

    ``event`` has that time, too; its log said it ``nanoseconds`` earlier. ``partners`` are the lines
    that tell of the packet, or the packet of which the line tells.
    """

    time: int | None
    record: Record | None
    event: Event | None
    nanoseconds: int = 0
    partners: tuple[Place, ...] = ()


def clocks_of(
    logs: Mapping[str, Sequence[Sighting]], capture: Sequence[Sighting], given: Mapping[str, int]
) -> dict[str, Clock]:
    """The clock of each log: as ``given``, else estimated.

    Where a log alone gives no sure offset, that of all logs together is taken.
    """
    found: dict[str, Clock] = {}
    together = None
    if set(logs) - set(given):
        together = estimate_offset([each for sightings in logs.values() for each in sightings], capture)
    for file, sightings in logs.items():
        nanoseconds = given.get(file)
        if nanoseconds is not None:
            found[file] = Clock(file, nanoseconds, given=True)
            continue
        own = estimate_offset(sightings, capture)
        if own is not None and (own.is_sure or together is None or not together.is_sure):
            found[file] = Clock(file, own.nanoseconds, own)
        else:
            shift = 0 if together is None else together.nanoseconds
            found[file] = Clock(file, shift, together, is_own=False)
    return found


def shifted(events: Iterable[Event], nanoseconds: int) -> Iterator[Event]:
    """The events of one log in the capture's time."""
    for event in events:
        yield event if event.time is None else event._replace(time=event.time + nanoseconds)


def join(records: Iterable[Record], events: Iterable[Event], clocks: Mapping[str, Clock]) -> Iterator[Entry]:
    """Both in the order of their times, with what belongs together marked.

    ``events`` are shifted; lines without time stay behind the one above them. Memory holds what
    happened within :data:`WINDOW`.
    """
    pairing = _Pairing(clocks)
    streams = _keyed(records, 0), _keyed(events, 1)
    for time, _, _, thing in heapq.merge(*streams):
        yield from pairing.take(time, thing)
    yield from pairing.rest()


class Choice:
    """Takes the entries that are wanted: lines by one selection, packets by another, times by both."""

    def __init__(self, lines: Selection, packets: Selection) -> None:
        self._lines = lines
        self._packets = packets

    def __call__(self, entry: Entry) -> bool:
        if entry.time is not None:
            self._lines.begin(entry.time)
            self._packets.begin(entry.time)
        if entry.event is not None:
            return self._lines(entry.event)
        return entry.record is not None and self._packets(_as_event(entry.record))


def redact_entry(entry: Entry, redactor: Redactor, logs: LogRedactor) -> Entry:
    """The entry without anything that names anybody."""
    record, event = entry.record, entry.event
    return entry._replace(
        record=record and redactor.redact(record),
        event=event and logs.redact(event),
        partners=tuple(
            place._replace(file=place.file and redactor.redact_path(place.file)) for place in entry.partners
        ),
    )


def remember_domains(records: Iterable[Record], redactor: Redactor) -> Iterator[Record]:
    """Hand the records on, and let ``redactor`` know domains that running text does not give away."""
    for record in records:
        domain = record.message.fields.get(DOMAIN.name)
        if isinstance(domain, str) and "." not in domain:
            redactor.remember(domain)
        yield record


def _as_event(record: Record) -> Event:
    """The message as a log would tell it, for those who ask about a domain or a resource."""
    fields = record.message.fields
    told = tuple((field.name, fields[field.name]) for field in (DOMAIN, RESOURCE) if field.name in fields)
    return Event(record.time, None, None, "", told, (), TEXT, record.file, record.frame, "")


def _keyed(things: Iterable[Record | Event], source: int) -> Iterator[tuple[int, int, int, Record | Event]]:
    latest = _BEFORE_ALL
    for position, thing in enumerate(things):
        if thing.time is not None:
            latest = max(latest, thing.time)
        # Source and position are never both equal, so the things are not compared.
        yield latest, source, position, thing


class _Open:
    """An entry that may still find what belongs to it."""

    __slots__ = ("partners", "place", "sighting", "size", "taken", "teller", "thing", "time")

    def __init__(self, time: int, thing: Record | Event) -> None:
        self.time = time
        self.thing = thing
        self.partners: list[Place] = []
        self.taken: set[tuple[str | None, str]] = set()
        if isinstance(thing, Record):
            self.sighting = sighting_of_record(thing)
            self.place = Place(thing.file, thing.frame)
            self.teller = thing.file, ""
            self.size = 0
        else:
            self.sighting = sighting_of_event(thing)
            self.place = Place(thing.file, thing.line)
            kind = None if self.sighting is None else kind_of(thing)
            self.teller = thing.file, "" if kind is None else kind.name
            self.size = len(thing.raw)


class _Pairing:
    def __init__(self, clocks: Mapping[str, Clock]) -> None:
        self._clocks = clocks
        self._waiting: deque[_Open] = deque()
        self._text = 0
        self._packets: dict[Key, list[_Open]] = {}
        self._lines: dict[Key, list[_Open]] = {}

    def take(self, time: int, thing: Record | Event) -> Iterator[Entry]:
        """Take in the next thing; returns the entries that are complete."""
        while self._waiting and (
            self._waiting[0].sighting is None
            or self._waiting[0].time < time - WINDOW
            or len(self._waiting) >= MOST_WAITING
            or self._text > MOST_TEXT
        ):
            yield self._release()
        opened = _Open(time, thing)
        self._waiting.append(opened)
        self._text += opened.size
        if opened.sighting is not None:
            self._pair(opened, opened.sighting)

    def rest(self) -> Iterator[Entry]:
        """What still waits at the end."""
        while self._waiting:
            yield self._release()

    def _pair(self, opened: _Open, sighting: Sighting) -> None:
        if isinstance(opened.thing, Event):
            for packet in self._packets.get(sighting.key, ()):
                if _marry(packet, opened):
                    break
            else:
                _wait(self._lines, sighting.key, opened)
            return
        lines = self._lines.get(sighting.key, [])
        for line in [each for each in lines if _marry(opened, each)]:
            lines.remove(line)
        _wait(self._packets, sighting.key, opened)

    def _release(self) -> Entry:
        opened = self._waiting.popleft()
        self._text -= opened.size
        if opened.sighting is not None:
            for table in (self._packets, self._lines):
                open_ones = table.get(opened.sighting.key)
                if open_ones and opened in open_ones:
                    open_ones.remove(opened)
                    if not open_ones:
                        del table[opened.sighting.key]
        partners, thing = tuple(opened.partners), opened.thing
        if isinstance(thing, Record):
            return Entry(thing.time, thing, None, 0, partners)
        clock = self._clocks.get(thing.file or "")
        return Entry(thing.time, None, thing, 0 if clock is None else clock.nanoseconds, partners)


def _wait(table: dict[Key, list[_Open]], key: Key, opened: _Open) -> None:
    waiting = table.setdefault(key, [])
    waiting.append(opened)
    del waiting[:-MOST_ALIKE]


def _marry(packet: _Open, line: _Open) -> bool:
    """Note that the line tells of the packet, unless another line of its log does so already."""
    assert packet.sighting is not None
    assert line.sighting is not None
    teller = line.teller
    if teller in packet.taken or not is_same_resource(line.sighting, packet.sighting):
        return False
    packet.taken.add(teller)
    packet.partners.append(line.place)
    line.partners.append(packet.place)
    return True
