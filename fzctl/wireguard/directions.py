"""Who is a and who is b: stable over all sessions of a pair of peers, whoever began them."""

from __future__ import annotations

from typing import Final, TypeVar

from fzctl.wireguard.sessions import Session

Pair = tuple[bytes | str, bytes | str]
V = TypeVar("V")


class Directions:
    """Remembers of each pair of peers which one began their first session: that one is a.

    Peers are told apart by their static public keys where both are known, else by the outer
    addresses. Of more than ``limit`` pairs the oldest are forgotten.
    """

    def __init__(self, limit: int = 8192) -> None:
        self._limit: Final = limit
        # True where the pair stands for (b, a). Pairs of addresses tell whether keys stood behind them.
        self._by_keys: Final[dict[Pair, bool]] = {}
        self._by_ends: Final[dict[Pair, tuple[bool, bool]]] = {}

    def settle(self, session: Session) -> None:
        """Set ``swapped`` on a session that gets its number."""
        keys: Pair | None = None
        if session.initiator is not None and session.responder is not None:
            keys = (session.initiator, session.responder)
        swapped = self._look_up(keys, session.ends)
        session.swapped = bool(swapped)
        if keys is not None:
            _remember(self._by_keys, keys, session.swapped, self._limit)
        if session.ends not in self._by_ends and session.ends[::-1] not in self._by_ends:
            _remember(self._by_ends, session.ends, (session.swapped, keys is not None), self._limit)

    def _look_up(self, keys: Pair | None, ends: Pair) -> bool | None:
        if keys is not None:
            if keys in self._by_keys:
                return self._by_keys[keys]
            if keys[::-1] in self._by_keys:
                return not self._by_keys[keys[::-1]]
        for pair, turned in ((ends, False), (ends[::-1], True)):
            if pair in self._by_ends:
                swapped, had_keys = self._by_ends[pair]
                # Behind one address there may be many peers: between known keys only keys count.
                if keys is None or not had_keys:
                    return swapped != turned
        return None


def _remember(table: dict[Pair, V], pair: Pair, value: V, limit: int) -> None:
    table.setdefault(pair, value)
    if len(table) > limit:
        del table[next(iter(table))]
