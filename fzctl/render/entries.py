"""Packets and log lines of one timeline, as text and as JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from fzctl.render.clock import format_clock, format_time
from fzctl.render.escape import escape
from fzctl.render.jsonform import to_object
from fzctl.render.lines import paint, to_line
from fzctl.render.logjson import to_log_object
from fzctl.render.logline import to_log_line
from fzctl.render.words import count_of
from fzctl.timeline import Clock, Entry, Place

PACKET: Final = "packet"
LOG: Final = "log"

_MOST_PARTNERS: Final = 4
_CLOCK: Final = len("12:43:01.123456")
_TIME: Final = len("2026-11-22T12:43:01.123456789Z")
_SECOND: Final = 10**9
_SHORTEST_SPREAD: Final = 10**6


def to_entry_line(
    entry: Entry, *, colour: bool = False, brief: bool = False, whole: bool = False, place: bool = False
) -> str:
    """The entry as one line without its end: time, ``packet`` or ``log``, the frame, what it says.

    A log line has the frame of the packet of which it tells, behind ``=``; the packet ends with those lines.

    ``brief`` is for a terminal: no date. ``whole`` shows every field of a log line, ``place`` its file.
    """
    when = format_clock(entry.time) if brief else format_time(entry.time) or "-"
    record, event = entry.record, entry.event
    told = ""
    if record is not None:
        tag = paint(f"{PACKET:<6}", "bold", colour)
        said = to_line(record, colour=colour, brief=brief, timed=False)
        told = f"= {_lines(entry.partners)}" if entry.partners else ""
    else:
        assert event is not None
        # Where a packet has its frame, a line has that of the packet of which it tells.
        mark = "".join(f"={_frame(each)}" for each in entry.partners[:1])
        tag = f"{LOG:<6}  {paint(f'{mark:>5}', 'good', colour)}"
        said = to_log_line(event, colour=colour, whole=whole, place=place, timed=False)
    when = f"{when:<{_CLOCK if brief else _TIME}}"
    parts = paint(when, "dim", colour), tag, said, paint(told, "good", colour and bool(told))
    return "  ".join(parts).rstrip()


def to_entry_object(entry: Entry) -> dict[str, Any]:
    """The entry as a JSON object: a message or a log event, with ``type`` and what belongs to it."""
    if entry.record is not None:
        return {
            "type": PACKET,
            **to_object(entry.record),
            "told_by": [_line_object(each) for each in entry.partners],
        }
    assert entry.event is not None
    event = entry.event
    log_time = None if event.time is None else event.time - entry.nanoseconds
    tells_of = next(iter(entry.partners), None)
    return {
        "type": LOG,
        **to_log_object(event),
        "log_time": format_time(log_time),
        "tells_of": None if tells_of is None else _frame_object(tells_of),
    }


def to_clock_object(clock: Clock) -> dict[str, Any]:
    """A log's clock as a JSON object; ``offset`` is what was added to its times, in seconds."""
    offset = clock.offset
    return {
        "type": "clock",
        "schema": 1,
        "file": clock.file,
        "offset": clock.nanoseconds / _SECOND,
        "given": clock.given,
        "sure": clock.given or (offset is not None and offset.is_sure),
        "messages": None if offset is None else offset.pairs,
        "spread": None if offset is None else offset.spread / _SECOND,
    }


def clock_sentence(clock: Clock) -> str:
    """What was made of a log's clock, and how sure that is."""
    file = escape(clock.file or "the logs")
    offset = clock.offset
    if clock.given:
        return f"{file}: {_shift(clock.nanoseconds)}, as given"
    if offset is None:
        return (
            f"{file}: its clock could not be compared with the capture's (too few messages stand in both), "
            "so it is taken as it is; --offset SECONDS shifts it"
        )
    agree = f"{count_of(offset.pairs, 'message')} agree within {_span(offset.spread)}"
    if not clock.is_own:
        file += ": too few messages stand in it and in the capture; going by all logs together"
    if not offset.is_sure:
        agree += ", but another offset fits nearly as well: --offset SECONDS decides"
    return f"{file}: {_shift(clock.nanoseconds)} ({agree})"


def _shift(nanoseconds: int) -> str:
    if not nanoseconds:
        return "its clock is the capture's"
    way = "behind" if nanoseconds > 0 else "ahead of"
    return f"its clock is {_span(abs(nanoseconds))} {way} the capture's, which is shown"


def _span(nanoseconds: int) -> str:
    if nanoseconds >= _SECOND:
        return f"{nanoseconds / _SECOND:.3f} s"
    return f"{max(nanoseconds, _SHORTEST_SPREAD) / 10**6:.0f} ms"


def _lines(places: Sequence[Place]) -> str:
    """``client.log:12, gateway.log:7``."""
    shown = [
        f"{escape(os.path.basename(each.file or 'line'))}:{each.number}" for each in places[:_MOST_PARTNERS]
    ]
    more = len(places) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _frame(place: Place) -> str:
    return f"#{place.number}" if place.file is None else f"{escape(place.file)}#{place.number}"


def _frame_object(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {"frame": place.number}
    return found if place.file is None else {**found, "file": place.file}


def _line_object(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.number}
