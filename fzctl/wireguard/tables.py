"""What is remembered by index, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

PER_INDEX: Final = 16


class IndexTable(Generic[T]):
    """Things under an index, several under the same one where indices collide over time.

    At least the last ``limit`` things are remembered, at most twice as many, and of one index
    the last 16 or 32.
    """

    def __init__(self, limit: int) -> None:
        self._limit: Final = limit
        self._count = 0
        self._young: dict[int, list[T]] = {}
        self._old: dict[int, list[T]] = {}

    def add(self, index: int, thing: T) -> None:
        """Remember ``thing`` as the newest under ``index``."""
        if self._count >= self._limit:
            self._old, self._young, self._count = self._young, {}, 0
        things = self._young.setdefault(index, [])
        things.append(thing)
        self._count += 1
        if len(things) > PER_INDEX:
            del things[0]

    def find(self, index: int) -> list[T]:
        """What stands under ``index``, the newest first."""
        return [*reversed(self._young.get(index, ())), *reversed(self._old.get(index, ()))]

    def keep(self, index: int, thing: T) -> None:
        """Note that ``thing`` is in use: it counts as new again where it was about to be forgotten."""
        if thing in self._old.get(index, ()):
            self.remove(index, thing)
            self.add(index, thing)

    def remove(self, index: int, thing: T) -> None:
        """Forget ``thing`` under ``index``, where it stands there."""
        for table in (self._young, self._old):
            things = table.get(index)
            if things is not None and thing in things:
                things.remove(thing)
                if not things:
                    del table[index]

    def values(self) -> Iterator[T]:
        """Everything remembered, the oldest first."""
        for table in (self._old, self._young):
            for things in list(table.values()):
                yield from list(things)

    def __len__(self) -> int:
        return sum(map(len, self._old.values())) + sum(map(len, self._young.values()))
