"""``field[0:4]``: some bytes of a value.

After Wireshark 4.0, epan/dfilter/drange.c: ``[start:length]``, ``[first-last]``, ``[one]``, ``[:length]``,
``[start:]``, several joined by commas; negative offsets count from the end. Text is sliced as UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_PART: Final = re.compile(
    r"\s*(?:(?P<start>-?\d{1,9})?\s*:\s*(?P<length>\d{1,9})?"
    r"|(?P<first>-?\d{1,9})\s*-\s*(?P<last>-?\d{1,9})"
    r"|(?P<one>-?\d{1,9}))\s*",
    re.ASCII,
)


class Slice(NamedTuple):
    """``length`` bytes from ``start``, to the end where it is None."""

    start: int
    length: int | None


def read_slice(text: str) -> tuple[Slice, ...]:
    """The parts of ``[...]`` (brackets included); raises ValueError with the reason."""
    return tuple(_read_part(part) for part in text[1:-1].split(","))


def cut(value: bytes, slices: Sequence[Slice]) -> bytes:
    """The parts of ``value``, joined.

    What reaches beyond the value ends the result there, empty where it is the first: so
    ``payload[100-199]`` of a short payload is there for no comparison but one with nothing.
    """
    parts: list[bytes] = []
    size = len(value)
    for start, length in slices:
        if start < 0:
            start += size
        end = size if length is None else start + length
        if start < 0 or start > size or end > size:
            break
        parts.append(value[start:end])
    return b"".join(parts)


def _read_part(part: str) -> Slice:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError("a slice is [start:length], [first-last], [position], [:length] or [start:]")
    if match["one"] is not None:
        return Slice(int(match["one"]), 1)
    if match["first"] is not None:
        first, last = int(match["first"]), int(match["last"])
        if (first < 0) != (last < 0):
            raise ValueError("both ends of [first-last] count from the same end of the field")
        if first > last:
            raise ValueError("the slice ends before it begins")
        return Slice(first, last - first + 1)
    start = int(match["start"] or 0)
    if match["length"] is None:
        return Slice(start, None)
    length = int(match["length"])
    if length == 0:
        raise ValueError("the length of a slice is 1 or more")
    return Slice(start, length)
