"""The ladder as text: client on the left, gateway on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fzctl.render.lines import paint
from fzctl.render.rows import GAP, LEFT, MESSAGE, MISSING, MORE, RIGHT, SESSION, Row

_TIME: Final = 10
_LEAST_NOTE: Final = 20
_LEAST_LANE: Final = 34
_MOST_LANE: Final = 64
_LEAST_ABOUT: Final = 6
_SECOND: Final = 10**9


def ladder_lines(rows: Sequence[Row], start: int | None, width: int, *, colour: bool) -> Iterator[str]:
    """The ladder, line by line, at most ``width`` columns wide. Times count from ``start``."""
    frames = max((len(row.frame) for row in rows), default=0)
    fine = is_short(rows, start)
    left = _TIME + frames + 3
    lane = max(_LEAST_LANE, min(_MOST_LANE, (width - left) * 4 // 7))
    note = max(_LEAST_NOTE, width - left - lane - 4)
    yield (" " * left + f"client{'gateway':>{lane - 4}}").rstrip()
    for row in rows:
        yield from _lines_of(row, start, left, frames, lane, note, fine=fine, colour=colour)


def format_offset(time: int | None, start: int | None, *, fine: bool) -> str:
    """``12.040``: seconds after ``start``, with six digits where all of it is short."""
    if time is None or start is None:
        return ""
    return f"{(time - start) / _SECOND:.{6 if fine else 3}f}"


def _lines_of(
    row: Row, start: int | None, left: int, frames: int, lane: int, note: int, *, fine: bool, colour: bool
) -> Iterator[str]:
    head = f"{format_offset(row.time, start, fine=fine):>{_TIME}} {row.frame:>{frames}}  "
    empty = " " * left
    if row.kind == MORE:
        yield f"{empty}{paint(f'... {row.label} ...'.center(lane + 2), 'dim', colour)}".rstrip()
        return
    if row.kind == GAP:
        yield f"{empty}{paint(':' + row.label.center(lane) + ':', 'dim', colour)}"
        return
    body = _body(row, lane)
    notes = wrap(row.note, note)
    painted = paint(body, row.mood, colour) if row.mood else body
    yield f"{head}|{painted}|" + (f"  {_painted(notes[0], row, colour)}" if notes else "")
    for more in notes[1:]:
        yield f"{empty}|{' ' * lane}|  {_painted(more, row, colour)}"


def _painted(text: str, row: Row, colour: bool) -> str:
    return paint(text, row.mood, colour) if row.mood else text


def _body(row: Row, lane: int) -> str:
    if row.kind == SESSION:
        return f" {row.label} ".center(lane, "~")
    if row.kind == MISSING:
        label = cut(row.label, lane - 6)
        return f"  x {label} ".ljust(lane)
    dash = "-" if row.kind == MESSAGE else "."
    label = row.label
    if row.kind == MESSAGE and len(label) + len(row.about) + 8 > lane:
        label = label.rpartition(" ")[2]  # the status says what kind it is
    label = cut(label, lane - 8)
    room = lane - 7 - len(label)
    if row.about and room > _LEAST_ABOUT:
        label += f" {cut(row.about, room - 1)}"
    if row.way == RIGHT:
        return f"{dash * 2} {label} ".ljust(lane - 1, dash) + ">"
    if row.way == LEFT:
        return f"<{dash * 2} {label} ".ljust(lane, dash)
    return f"<{dash} {label} ".ljust(lane - 1, dash) + ">"


def cut(text: str, width: int) -> str:
    """Text that fits, its end left out where it is too long."""
    return text if len(text) <= width else f"{text[: max(0, width - 2)]}.."[:width]


def wrap(text: str, width: int) -> list[str]:
    """Lines of words; a word that is too long is broken."""
    lines: list[str] = []
    for word in text.split(" "):
        while len(word) > width:
            lines.append(word[:width])
            word = word[width:]
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        elif word:
            lines.append(word)
    return lines


def is_short(rows: Sequence[Row], start: int | None) -> bool:
    """Does all of it happen within a second, so that milliseconds say too little?"""
    times = [row.time for row in rows if row.time is not None]
    return bool(times) and start is not None and max(times) - start < _SECOND
