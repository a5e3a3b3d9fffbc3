"""``-T text``: one line a message, plain or coloured."""

from __future__ import annotations

from typing import Final

from fzctl.records import Record
from fzctl.render.clock import format_clock, format_span, format_time
from fzctl.render.escape import escape
from fzctl.render.words import describe

ID_LENGTH: Final = 8
"""Characters of a resource's id that a terminal shows, as of a commit's: enough to tell them apart."""

_SGR: Final = {"good": "32", "ignored": "33", "bad": "31", "dim": "2", "bold": "1"}


def to_line(record: Record, *, colour: bool = False, brief: bool = False, timed: bool = True) -> str:
    """The record as one line without its end: time, place, kind and verdict in columns, then what it says.

    ``brief`` is for a terminal: no date, and of the resource what tells it apart. Not ``timed``: no
    time at all.
    """
    words = describe(record)
    when = format_clock(record.time) if brief else format_time(record.time) or "-"
    resource = words.resource[:ID_LENGTH] if brief else words.resource
    parts = [
        paint(when, "dim", colour) if timed else "",
        f"{place_of(record):>5}",
        _padded(words.title, 15, "bold", colour),
        _padded(words.verdict, 7, words.mood, colour),
        f"{escape(record.direction):3}" if record.direction else "",
        words.domain,
        words.content,
        paint(resource, "dim", colour) if resource else "",
        paint(words.remark, words.mood, colour) if words.remark else "",
        after(record),
    ]
    return "  ".join(part for part in parts if part).rstrip()


def place_of(record: Record) -> str:
    """``#4``, the frame, with the file before it where there are several."""
    return f"#{record.frame}" if record.file is None else f"{escape(record.file)}#{record.frame}"


def after(record: Record) -> str:
    """``after 3.12 ms``: how long the answer took; empty where nobody has looked for the question."""
    passed = None if record.exchange is None else record.exchange.response_time
    return "" if passed is None else f"after {format_span(passed)}"


def paint(text: str, style: str, colour: bool) -> str:
    """``text`` in one of the styles ``good``, ``ignored``, ``bad``, ``dim`` and ``bold``."""
    return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if colour else text


def _padded(text: str, width: int, style: str, colour: bool) -> str:
    return paint(text, style, colour) + " " * (width - len(text))
