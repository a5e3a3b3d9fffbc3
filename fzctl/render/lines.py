"""``-T text``: one line a message, plain or coloured."""

from __future__ import annotations

from typing import Final

from fzctl.records import Record
from fzctl.render.clock import format_clock, format_time
from fzctl.render.words import describe

_SGR: Final = {"good": "32", "ignored": "33", "bad": "31", "dim": "2", "bold": "1"}


def to_line(record: Record, *, colour: bool = False, brief_time: bool = False) -> str:
    """The record as one line without its end.

    ``brief_time`` leaves the date away, for a terminal.
    """
    words = describe(record)
    when = format_clock(record.time) if brief_time else format_time(record.time) or "-"
    parts = [
        paint(when, "dim", colour),
        f"{place_of(record):>6}",
        paint(f"{words.title:<15}", "bold", colour),
    ]
    parts += [text for text in (words.domain, words.content, words.resource) if text]
    parts.append(paint(words.verdict, words.mood, colour))
    return "  ".join(parts)


def place_of(record: Record) -> str:
    """``#4``, the frame, with the file before it where there are several."""
    number = f"#{record.frame}"
    return number if record.file is None else f"{record.file}{number}"


def paint(text: str, style: str, colour: bool) -> str:
    """``text`` in one of the styles ``good``, ``ignored``, ``bad``, ``dim`` and ``bold``."""
    return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if colour else text
