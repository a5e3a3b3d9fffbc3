"""Points in time as text, always UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from fzctl.analysis.story import Story

_NANOSECONDS = 10**9
_LAST_YEAR = 9999


class Timed(Protocol):
    """A record, an event, an entry."""

    @property
    def time(self) -> int | None: ...


Thing = TypeVar("Thing", bound=Timed)


def format_time(nanoseconds: int | None) -> str | None:
    """``2026-11-22T12:43:01.123456789Z``; ``None`` where there is no time or none of four-digit years."""
    if nanoseconds is None:
        return None
    second, fraction = divmod(nanoseconds, _NANOSECONDS)
    day = _format_second(second)
    return None if day is None else f"{day}.{fraction:09d}Z"


def format_clock(nanoseconds: int | None) -> str:
    """``12:43:01.123456``, the time of day alone; ``-`` where there is none."""
    full = format_time(nanoseconds)
    return "-" if full is None else full[11:26]


def day_of(nanoseconds: int | None) -> str:
    """``2026-11-22``; empty where there is no time."""
    full = format_time(nanoseconds)
    return "" if full is None else full[:10]


def is_of_one_day(times: Iterable[int | None]) -> bool:
    """Do times of day tell them apart, so that none needs its date?"""
    return len({day_of(time) for time in times if time is not None}) < 2


def format_moment(nanoseconds: int | None, *, dated: bool, length: int = 12) -> str:
    """``12:43:01.123`` as far as ``length``; ``dated`` as ``2026-11-22 12:43:01.123``."""
    clock = format_clock(nanoseconds)[:length]
    return f"{day_of(nanoseconds)} {clock}".lstrip() if dated else clock


def format_story_moment(story: Story, nanoseconds: int | None, length: int = 12) -> str:
    """As format_moment, dated where not all of the story is of one day."""
    dated = not is_of_one_day((story.first, story.last))
    return format_moment(nanoseconds, dated=dated, length=length)


class Days:
    """Names the day where lines have the time of day alone: at the first one, and where it changes."""

    def __init__(self) -> None:
        self._day = ""

    def heading(self, nanoseconds: int | None) -> str:
        """A line with its end before the one of that time; empty within a day."""
        day = day_of(nanoseconds)
        if not day or day == self._day:
            return ""
        self._day = day
        return f"-- {day} UTC --\n"


def dated(line: Callable[[Thing], str]) -> Callable[[Thing], str]:
    """Lines for a terminal, which have the time of day alone, with a line before them for each day."""
    days = Days()
    return lambda thing: days.heading(thing.time) + line(thing)


def format_span(nanoseconds: int) -> str:
    """How long something took, in three digits: ``3.12 ms``, ``2.04 s``."""
    if nanoseconds < 0:  # of a clock that stepped back
        return "-" + format_span(-nanoseconds)
    for unit, size in (("s", _NANOSECONDS), ("ms", 10**6)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.{max(0, 3 - len(str(nanoseconds // size)))}f} {unit}"
    return f"{nanoseconds / 1000:.0f} us"


@lru_cache(maxsize=256)
def _format_second(second: int) -> str | None:
    try:
        at = gmtime(second)
    except (OverflowError, OSError, ValueError):
        return None
    if not 0 < at.tm_year <= _LAST_YEAR:
        return None
    date = f"{at.tm_year:04d}-{at.tm_mon:02d}-{at.tm_mday:02d}"
    return f"{date}T{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
