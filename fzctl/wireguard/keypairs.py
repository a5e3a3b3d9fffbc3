"""Sessions as their owner holds them: the keys of both ways, and the three of which a peer has use.

Whitepaper section 6.2; wireguard-go, ``device/noise-protocol.go`` ``BeginSymmetricSession``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fzctl.wireguard.keylog import TRANSPORT_KEY, Entry
from fzctl.wireguard.messages import Transport
from fzctl.wireguard.noise import SessionKeys
from fzctl.wireguard.replay import ReplayWindow
from fzctl.wireguard.suite import TransportCipher
from fzctl.wireguard.timers import REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME

_PADDING: Final = 16


class Keypair:
    """A session: ``index`` is ours, ``remote`` the other end's, ``counter`` that of our next message."""

    __slots__ = (
        "_receives",
        "_sends",
        "born",
        "counter",
        "entries",
        "index",
        "initiator",
        "remote",
        "window",
    )

    def __init__(self, index: int, remote: int, keys: SessionKeys, now: float, *, initiator: bool) -> None:
        sends, receives = keys.to_responder, keys.to_initiator
        if not initiator:
            sends, receives = receives, sends
        self.index: Final = index
        self.remote: Final = remote
        self.initiator: Final = initiator
        self.born: Final = now
        self.counter = 0
        self.window: Final = ReplayWindow()
        self.entries: Final = (Entry(TRANSPORT_KEY, sends, remote), Entry(TRANSPORT_KEY, receives, index))
        self._sends: Final = TransportCipher(sends)
        self._receives: Final = TransportCipher(receives)

    def is_usable(self, now: float) -> bool:
        """May anything still be sent under it?"""
        return now - self.born < REJECT_AFTER_TIME and self.counter < REJECT_AFTER_MESSAGES

    def seal(self, packet: bytes, *, padded: bool) -> bytes:
        """The next datagram, with a packet in it or as a keepalive."""
        plain = packet + bytes(-len(packet) % _PADDING) if padded else packet
        sealed = self._sends.seal(self.counter, plain)
        datagram = Transport(self.remote, self.counter, sealed).pack()
        self.counter += 1
        return datagram

    def open(self, counter: int, sealed: bytes) -> bytes | None:
        """What is inside, padding included; None where it is not authentic."""
        return self._receives.open(counter.to_bytes(8, "little"), sealed)


class Keypairs:
    """The session in use, the one before it, and one that the other end has not used yet."""

    __slots__ = ("current", "next", "previous")

    def __init__(self) -> None:
        self.previous: Keypair | None = None
        self.current: Keypair | None = None
        self.next: Keypair | None = None

    def __iter__(self) -> Iterator[Keypair]:
        return (one for one in (self.current, self.previous, self.next) if one is not None)

    def find(self, index: int) -> Keypair | None:
        for keypair in self:
            if keypair.index == index:
                return keypair
        return None

    def begun(self, keypair: Keypair) -> None:
        """We began it and it was answered: it is in use from now on."""
        self.previous = self.current if self.next is None else self.next
        self.current, self.next = keypair, None

    def answered(self, keypair: Keypair) -> None:
        """We answered it: it is in use from the other end's first message on."""
        self.next, self.previous = keypair, None

    def confirm(self, keypair: Keypair) -> bool:
        """A message came under it; True where that puts it into use."""
        if keypair is not self.next:
            return False
        self.previous, self.current, self.next = self.current, keypair, None
        return True

    def forget(self) -> None:
        self.previous = self.current = self.next = None
