"""Copies: the same message seen a second time, on the other leg of a relay or another interface."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final


class Copies:
    """Remembers in which frame something was seen first.

    Memory is bounded: at least the last ``limit`` things are remembered, at most twice as many.
    A copy that comes later than that counts as new.
    """

    def __init__(self, limit: int = 16384) -> None:
        self._limit: Final = limit
        self._young: dict[Hashable, int] = {}
        self._old: dict[Hashable, int] = {}

    def first(self, thing: Hashable, frame: int) -> int | None:
        """The frame that already held ``thing``; None where it is new."""
        known = self._young.get(thing)
        if known is None:
            known = self._old.get(thing)
        if known is not None:
            return known
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[thing] = frame
        return None

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
