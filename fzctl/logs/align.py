"""The offset between a log's clock and a capture's, out of what stands in both.

A log line that says that a control message was sent or received belongs to a packet, but which
of several for the same domain nobody says, and either side may have begun earlier. So every
possible pair gives a difference, and the offset is where most of them agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import isqrt
from operator import itemgetter
from statistics import median, quantiles
from typing import Final, NamedTuple

from fzctl.logs.event import Event
from fzctl.logs.events import recognise
from fzctl.protocol.kinds import DOMAIN, RESOURCE
from fzctl.protocol.values import domain_key
from fzctl.records import Record

WINDOW: Final = 500_000_000
"""Nanoseconds within which differences agree: writing a line, and the way to who captures."""

FEWEST: Final = 3
_MOST_OF_A_KEY: Final = 64
# Whoever writes logs and captures chooses how many lines and packets may belong together.
_MOST_DIFFERENCES: Final = 200_000
_MOST_PAIRED: Final = 1_000_000

Key = tuple[str, str]
"""A kind's name and the domain's key, empty for kinds without domain."""


class Sighting(NamedTuple):
    """A control message at a moment (nanoseconds), in a log or in a capture."""

    key: Key
    time: int
    resource: str | None = None


class Offset(NamedTuple):
    """Add ``nanoseconds`` to a log's times to have the capture's.

    ``pairs`` is how many messages agree on it, ``spread`` the middle half of their differences in
    nanoseconds. ``is_sure`` is false where another offset fits nearly as many.
    """

    nanoseconds: int
    pairs: int
    spread: int
    is_sure: bool


def sightings_in_log(events: Iterable[Event]) -> list[Sighting]:
    """The control messages that a log tells of, the first ones of each domain."""
    return _first_of_each(map(sighting_of_event, events))


def sightings_in_capture(records: Iterable[Record]) -> list[Sighting]:
    """The control messages of a capture, the first ones of each domain, copies left out."""
    return _first_of_each(map(sighting_of_record, records))


def sighting_of_event(event: Event) -> Sighting | None:
    """The control message that a log line tells of, if it tells of one."""
    named = recognise(event)
    if named is None or named.kind.message is None or event.time is None:
        return None
    domain = domain_key(named.domain) if named.domain is not None else ""
    return Sighting((named.kind.message, domain), event.time, named.resource)


def sighting_of_record(record: Record) -> Sighting | None:
    """The control message of a record that a log may tell of, too: accepted, and no copy."""
    message = record.message
    if not message.accepted or record.time is None or record.copy_of is not None:
        return None
    domain = message.fields.get(DOMAIN.name)
    key = (message.name, domain_key(domain) if isinstance(domain, str) else "")
    return Sighting(key, record.time, message.fields.get(RESOURCE.name))


def estimate_offset(log: Iterable[Sighting], capture: Iterable[Sighting]) -> Offset | None:
    """The offset that most sightings agree on; ``None`` where fewer than :data:`FEWEST` do."""
    packets = _by_key(capture)
    lines = _by_key(log)
    shared = len(lines.keys() & packets.keys())
    most = max(1, isqrt(_MOST_DIFFERENCES // max(1, shared)))
    differences = [
        (packet.time - line.time, line, packet)
        for key, told in lines.items()
        for line in told[:most]
        for packet in packets.get(key, ())[:most]
        if is_same_resource(line, packet)
    ]
    differences.sort(key=itemgetter(0))
    if len(differences) < FEWEST:
        return None
    times = [difference for difference, _, _ in differences]
    best = rival = 0
    place = -1
    counts = [bisect_right(times, time + WINDOW) - start for start, time in enumerate(times)]
    # Windows with more differences first; one message pairs once, so the count is an upper bound.
    order = sorted(range(len(times)), key=lambda start: (-counts[start], abs(times[start])))
    # What the windows about the best one may cost, and what all others.
    left = {True: _MOST_PAIRED, False: _MOST_PAIRED}
    for start in order:
        if counts[start] <= (best if place < 0 else rival):
            break
        overlaps = place >= 0 and abs(times[start] - times[place]) <= WINDOW
        left[overlaps] -= counts[start]
        if left[overlaps] < 0 and place >= 0:
            continue
        count = len(_paired(differences[start : start + counts[start]]))
        if count > best:
            if not overlaps:
                rival = best
            best, place = count, start
        elif not overlaps:
            rival = max(rival, count)
    paired = _paired(differences[place : place + counts[place]])
    if len(paired) < FEWEST:
        return None
    quarters = quantiles(paired, n=4)
    return Offset(round(median(paired)), len(paired), round(quarters[2] - quarters[0]), rival * 5 < best * 4)


def _first_of_each(sightings: Iterable[Sighting | None]) -> list[Sighting]:
    """Some of each key: a domain asked for without end gives no better offset."""
    counts: dict[Key, int] = {}
    found = []
    for sighting in sightings:
        if sighting is not None and counts.get(sighting.key, 0) < _MOST_OF_A_KEY:
            counts[sighting.key] = counts.get(sighting.key, 0) + 1
            found.append(sighting)
    return found


def _by_key(sightings: Iterable[Sighting]) -> dict[Key, list[Sighting]]:
    found: dict[Key, list[Sighting]] = {}
    for sighting in _first_of_each(sightings):
        found.setdefault(sighting.key, []).append(sighting)
    return found


def is_same_resource(line: Sighting, packet: Sighting) -> bool:
    """1.4.0 did not log the resource; then the domain has to do."""
    return line.resource is None or packet.resource is None or line.resource == packet.resource


def _paired(differences: list[tuple[int, Sighting, Sighting]]) -> list[int]:
    """The differences of a window, each line and each packet used once, in the order of time."""
    lines: set[int] = set()
    packets: set[int] = set()
    found = []
    for difference, line, packet in sorted(differences, key=lambda each: (each[1].time, each[2].time)):
        if id(line) not in lines and id(packet) not in packets:
            lines.add(id(line))
            packets.add(id(packet))
            found.append(difference)
    return found
