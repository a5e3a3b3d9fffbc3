"""How often a gateway says NoAuthorization: once per address in two seconds (branch of dialect ``next``)."""

from __future__ import annotations

from typing import Final

INTERVAL: Final = 2000
MOST_TRACKED: Final = 1000


class Throttle:
    """One client's addresses; ports share the slot of their address."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def admits(self, address: str, now: int) -> bool:
        """May the client be told about ``address``, at ``now`` milliseconds? Then it counts as told."""
        last = self._told.get(address)
        if last is not None and now - last < INTERVAL:
            return False
        self._told.pop(address, None)
        self._told[address] = now
        if len(self._told) > MOST_TRACKED:
            del self._told[next(iter(self._told))]
        return True

    def clear(self) -> None:
        """A new authorization: everything may be told again."""
        self._told.clear()
