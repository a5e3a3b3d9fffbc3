"""Spans of time and amounts for people."""

from __future__ import annotations

from typing import Final

_MICROSECOND: Final = 1_000
_MILLISECOND: Final = 1_000_000
_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE


def format_span(nanoseconds: int) -> str:
    """``210 us``, ``37 ms``, ``12.040 s``, ``4 min 20 s``, ``3 h 5 min``."""
    sign, span = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if span < _MILLISECOND:
        return f"{sign}{span // _MICROSECOND} us"
    if span < _SECOND:
        return f"{sign}{span / _MILLISECOND:.3g} ms" if span < 999 * _MILLISECOND else f"{sign}0.999 s"
    if span < 2 * _MINUTE:
        return f"{sign}{span // _MILLISECOND / 1000:.3f} s"
    if span < 2 * _HOUR:
        return f"{sign}{span // _MINUTE} min {span % _MINUTE // _SECOND} s"
    return f"{sign}{span // _HOUR} h {span % _HOUR // _MINUTE} min"


def format_size(count: int) -> str:
    """``28 bytes``, ``1.5 kB``, ``3.2 MB``."""
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < size * 1000 or unit == "GB":
            break
    return f"{count / size:.1f} {unit}"
