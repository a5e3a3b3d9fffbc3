"""Who is behind a relay: permissions, channels, and what waits for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.stun import decode_address, encode_address

MOST_WAITING: Final = 64
"""Datagrams to one peer that wait for its permission; the oldest is dropped first."""

_CHANNELS: Final = range(0x4000, 0x5000)


class RelayPeer:
    """One peer. ``endpoint`` is as its first user spelt it, ``address`` as all others do.

    ``channel`` is the number that it has or would get, None where none is to be had. ``permitted`` and
    ``bound`` are what the relay has granted, the times are when that is to be renewed.
    """

    __slots__ = (
        "address", "bound", "channel", "channel_due", "endpoint",
        "not_before", "permission_due", "permitted", "waiting",
    )  # fmt: skip

    def __init__(self, endpoint: Endpoint, address: str, channel: int | None) -> None:
        self.endpoint: Final = endpoint
        self.address: Final = address
        self.channel = channel
        self.waiting: Final[deque[bytes]] = deque()
        self.permitted = self.bound = False
        self.permission_due: float | None = None
        self.channel_due: float | None = None
        self.not_before = float("-inf")


class RelayPeers:
    """All peers of one allocation. ``dropped`` counts what waited in vain."""

    def __init__(self) -> None:
        self.dropped = 0
        self._all: Final[list[RelayPeer]] = []
        self._by_endpoint: Final[dict[Endpoint, RelayPeer]] = {}
        self._by_channel: Final[dict[int, RelayPeer]] = {}

    def __iter__(self) -> Iterator[RelayPeer]:
        return iter(self._all)

    def meet(self, endpoint: Endpoint) -> RelayPeer:
        """A peer, also where it is new or its address is spelt otherwise.

        Raises EncodeError where this is no address and port.
        """
        known = self._by_endpoint.get(endpoint)
        if known is not None:
            return known
        same = decode_address(encode_address(endpoint, None), None) or endpoint
        known = self._by_endpoint.get(same)
        if known is None:
            count = len(self._all)
            known = RelayPeer(endpoint, same[0], _CHANNELS[count] if count < len(_CHANNELS) else None)
            self._all.append(known)
            self._by_endpoint[same] = known
            if known.channel is not None:
                self._by_channel[known.channel] = known
        self._by_endpoint[endpoint] = known
        return known

    def find(self, endpoint: Endpoint) -> RelayPeer | None:
        """A peer that was met."""
        return self._by_endpoint.get(endpoint)

    def on_channel(self, number: int) -> RelayPeer | None:
        """The peer that has a channel, or will have it."""
        return self._by_channel.get(number)

    def permits(self, address: str) -> bool:
        """Is an address permitted? A permission counts for all its ports (RFC 8656 section 9)."""
        return any(known.permitted and known.address == address for known in self._all)

    def hold(self, payload: bytes, known: RelayPeer) -> None:
        """Keep a datagram until the relay lets it through."""
        known.waiting.append(payload)
        if len(known.waiting) > MOST_WAITING:
            known.waiting.popleft()
            self.dropped += 1

    def drop_waiting(self, known: RelayPeer) -> None:
        """Nothing will let it through."""
        self.dropped += len(known.waiting)
        known.waiting.clear()

    def clear(self) -> None:
        """The allocation is gone, and all that hung on it."""
        for known in self._all:
            self.drop_waiting(known)
        for forgotten in (self._all, self._by_endpoint, self._by_channel):
            forgotten.clear()
