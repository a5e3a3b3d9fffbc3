"""The replay window: each counter is taken once, and only while it is recent (RFC 6479 tells why)."""

from __future__ import annotations

from typing import Final

WINDOW: Final = 8192 - 64
"""How far a counter may lag behind the highest; that of wireguard-go (``replay.windowSize``)."""

_MASK: Final = (1 << WINDOW) - 1


class ReplayWindow:
    """The counters of one direction of a session that were taken."""

    __slots__ = ("_highest", "_seen")

    def __init__(self) -> None:
        self._highest = -1
        # Bit n: the counter n below the highest was taken.
        self._seen = 0

    def accept(self, counter: int) -> bool:
        """Take a counter of an authentic message; False where it came before or is too old."""
        ahead = counter - self._highest
        if ahead > 0:
            self._seen = (self._seen << ahead & _MASK | 1) if ahead < WINDOW else 1
            self._highest = counter
            return True
        bit = 1 << -ahead if -ahead < WINDOW else 0
        if not bit or self._seen & bit:
            return False
        self._seen |= bit
        return True
