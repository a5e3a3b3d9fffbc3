"""Quantiles in fixed memory: a histogram whose classes grow with the values.

Each power of two is parted into 32 classes, so that a quantile is at most 1/64 (1.6 %) off the
value that stands there; least, greatest and mean are exact. Values are whole numbers, such as
nanoseconds or bytes; a histogram of any of them has at most 2,000 classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

_BITS: Final = 5
_PARTS: Final = 1 << _BITS

QUANTILES: Final = (0.5, 0.9, 0.95, 0.99)


class Summary(NamedTuple):
    """What a histogram tells; all but ``values``, their number, are ``None`` where it is empty."""

    values: int
    least: int | None
    mean: float | None
    median: int | None
    p90: int | None
    p95: int | None
    p99: int | None
    greatest: int | None


class Histogram:
    """Counts whole numbers; negative ones (a clock that stepped back) count as 0."""

    __slots__ = ("_classes", "_count", "_greatest", "_least", "_total")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._classes: dict[int, int] = {}
        self._count = 0
        self._total = 0
        self._least: int | None = None
        self._greatest: int | None = None
        for value in values:
            self.add(value)

    def add(self, value: int) -> None:
        """Count one value."""
        if value < 0:
            value = 0
        index = _class_of(value)
        self._classes[index] = self._classes.get(index, 0) + 1
        self._count += 1
        self._total += value
        if self._least is None or value < self._least:
            self._least = value
        if self._greatest is None or value > self._greatest:
            self._greatest = value

    def quantile(self, share: float) -> int | None:
        """The value below or at which ``share`` (0 to 1) of all values lie; ``None`` where there is none."""
        if self._least is None or self._greatest is None:
            return None
        wanted = max(1, -(-self._count * share // 1))
        passed = 0
        for index in sorted(self._classes):
            passed += self._classes[index]
            if passed >= wanted:
                return min(max(_middle_of(index), self._least), self._greatest)
        return self._greatest

    def summary(self) -> Summary:
        """All of it at once."""
        mean = self._total / self._count if self._count else None
        median, p90, p95, p99 = map(self.quantile, QUANTILES)
        return Summary(self._count, self._least, mean, median, p90, p95, p99, self._greatest)

    def classes(self) -> list[tuple[int, int, int]]:
        """Least value, the value behind the last, and count of each class that holds something, ascending."""
        return [(*_bounds_of(index), self._classes[index]) for index in sorted(self._classes)]

    def __len__(self) -> int:
        return self._count


def _class_of(value: int) -> int:
    shift = value.bit_length() - _BITS - 1
    return value if shift <= 0 else (shift << _BITS) + (value >> shift)


def _bounds_of(index: int) -> tuple[int, int]:
    # From two parts on, the upper bit of the shifted value has been added into the shift's place.
    shift = max((index >> _BITS) - 1, 0)
    part = index - (shift << _BITS)
    return part << shift, (part + 1) << shift


def _middle_of(index: int) -> int:
    start, end = _bounds_of(index)
    return (start + end - 1) // 2
