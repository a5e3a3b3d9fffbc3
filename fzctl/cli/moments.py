"""Moments and spans of time on the command line."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fzctl.errors import UsageError
from fzctl.records import Record
from fzctl.render.escape import escape

_SECOND: Final = 10**9
_SECONDS: Final = re.compile(r"([+-]?)([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_DATE: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


class Moment(NamedTuple):
    """A moment as the user named it: a time, nanoseconds after the beginning, or a frame."""

    text: str
    time: int | None = None
    after: int | None = None
    frame: int | None = None

    def is_before(self, record: Record, first: int | None) -> bool:
        """Does the record come after the moment? ``first`` is the first time in the input."""
        if self.frame is not None:
            return record.frame > self.frame
        time = self.time
        if self.after is not None and first is not None:
            time = first + self.after
        return time is not None and record.time is not None and record.time > time


def parse_moment(text: str) -> Moment:
    """``2026-11-22T12:43:01Z``, seconds since the epoch, ``+12.5`` or ``#4``. Raises UsageError."""
    if text.startswith("#") and text[1:].isascii() and text[1:].isdigit() and len(text) < 20:
        return Moment(text, frame=int(text[1:]))
    found = _DATE.fullmatch(text)
    if found is not None:
        return Moment(text, time=_time_of(found, text))
    if _SECONDS.fullmatch(text) is None or text.startswith("-"):
        raise UsageError(
            f"--at {escape(text)}: a moment is 2026-11-22T12:43:01Z, seconds since the epoch, "
            "+SECONDS after the beginning, or #FRAME"
        )
    seconds = parse_seconds(text, "--at")
    return Moment(text, after=seconds) if text.startswith("+") else Moment(text, time=seconds)


def parse_seconds(text: str, option: str) -> int:
    """``-1.5`` as nanoseconds. Raises UsageError that names ``option``."""
    found = _SECONDS.fullmatch(text)
    if found is None:
        raise UsageError(f"{option}: {escape(text)} is no number of seconds, such as 1.5 or -0.25")
    sign, whole, fraction = found.groups()
    number = int(whole) * _SECOND + int((fraction or "").ljust(9, "0"))
    return -number if sign == "-" else number


def _time_of(found: re.Match[str], text: str) -> int:
    from calendar import timegm
    from datetime import UTC, datetime

    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"--at {escape(text)}: {error}") from None
    seconds = timegm(at.utctimetuple())
    if zone is not None and zone not in "Zz":
        shift = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        seconds -= -shift if zone[0] == "-" else shift
    return seconds * _SECOND + int((fraction or "").ljust(9, "0"))
