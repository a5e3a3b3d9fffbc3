"""The first and the last of many things, and an end to those of which all are kept."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, NamedTuple, TypeVar

from fzctl.errors import EXIT_INPUT, FzctlError

T = TypeVar("T")

MOST_OF_AN_END: Final = 32

MOST_KEPT: Final = 50_000
"""Domains and connections of one analysis: a gateway has hundreds."""


class Kept(NamedTuple, Generic[T]):
    """Things in their order; ``left_out`` of them are missing behind the first ``before_gap``."""

    things: tuple[T, ...]
    left_out: int
    before_gap: int


class Bounded(Generic[T]):
    """Keeps the first and the last ``most`` things that it is given."""

    __slots__ = ("_first", "_last", "_most", "_number")

    def __init__(self, most: int = MOST_OF_AN_END) -> None:
        self._most = most
        self._first: list[T] = []
        self._last: deque[T] | None = None  # most owners never need it
        self._number = 0

    def add(self, thing: T) -> None:
        """Take in the next thing."""
        self._number += 1
        last = self._last
        if last is not None:
            last.append(thing)
        elif len(self._first) < self._most:
            self._first.append(thing)
        else:
            self._last = deque((thing,), maxlen=self._most)

    def kept(self) -> Kept[T]:
        """What is kept so far."""
        things = (*self._first, *(self._last or ()))
        return Kept(things, self._number - len(things), len(self._first))

    def __len__(self) -> int:
        return self._number


class TooManyError(FzctlError):
    """An input holds more domains and connections than are kept."""

    exit_code = EXIT_INPUT


class Room:
    """What may still be kept of things that cannot be left out."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most: Final = most
        self._left = most

    def take(self, frame: int) -> None:
        """Keep one more, which came in ``frame``. Raises TooManyError."""
        if not self._left:
            raise TooManyError(
                f"more than {self._most} domains and connections: what comes from frame {frame} on is not "
                "looked at; -Y chooses some of it"
            )
        self._left -= 1
