"""Points in time as logs and people write them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

SECOND: Final = 10**9

_STAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_SHORT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?")
_SPAN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_time(text: str) -> int | None:
    """RFC 3339 as nanoseconds since the Unix epoch; ``None`` where it is not.

    More than nine digits of a fraction are cut off.
    """
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    second = _second(found[1])
    if second is None:
        return None
    fraction = int(found[2][:9].ljust(9, "0")) if found[2] else 0
    zone = found[3]
    if zone not in ("Z", "z"):
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 23 or minutes > 59:
            return None
        second -= (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
    return second * SECOND + fraction


def parse_moment(text: str) -> int | None:
    """What people type: RFC 3339, without a zone UTC, and the seconds or the time of day may be missing."""
    if _SHORT.fullmatch(text):
        text = text.replace(" ", "T") + ("T00:00:00" if len(text) == 10 else ":00" if len(text) == 16 else "")
        text += "Z"
    return parse_time(text)


def parse_span(text: str) -> int | None:
    """``10m``, ``1.5s``, ``250ms``, ``2h`` or ``1d`` in nanoseconds; ``None`` where it is not."""
    found = _SPAN.fullmatch(text)
    return None if found is None else round(float(found[1]) * _UNITS[found[2]])


@lru_cache(maxsize=4096)
def _second(text: str) -> int | None:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (0 < month < 13 and year > 0 and hour < 24 and minute < 60 and second <= 60):
        return None
    if not 0 < day <= _DAYS[month - 1] + (leap and month == 2):
        return None
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    days += sum(_DAYS[: month - 1]) + (leap and month > 2) + day - 1
    return days * 86400 + hour * 3600 + minute * 60 + second
