"""Our TURN client in front of a server that forgets what is not renewed, over a rough path, for hours.

The server keeps to RFC 8656: an allocation lasts 600 seconds, a permission 300, a channel 600, a
nonce as long as it likes. Peers behind it send back what they get.
"""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import count
from typing import Final

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.relay import Event, Relay
from fzctl.wireguard.stun import (
    ALLOCATE,
    CHANNEL_BIND,
    CHANNEL_NUMBER,
    CREATE_PERMISSION,
    DATA,
    INDICATION,
    LIFETIME,
    REFRESH,
    SEND,
    Message,
    decode_message,
)
from fzctl.wireguard.turn import channel_data, wrap_channel_data
from tests.lab.rough import Rough, Roughness
from tests.lab.weighing import weigh
from tests.wireguard.turnserver import PASSWORD, USER, FakeServer, data_indication, peer_of
from tests.wireguard.wire import Randomness

PEERS: Final[tuple[Endpoint, ...]] = (("198.51.100.2", 51820), ("198.51.100.2", 51821), ("203.0.113.9", 7))
ALLOCATION: Final = 600
PERMISSION: Final = 300.0
CHANNEL: Final = 600.0
MISMATCH: Final = 437  # RFC 8656 section 19

_NOTHING: Final = float("-inf")


class StrictServer(FakeServer):
    """Forgets in time. ``refused`` counts the data that it had no permission for, by their way."""

    def __init__(self, nonce_lasts: float) -> None:
        super().__init__(ALLOCATION)
        self.now = 0.0
        self.refused: Final[Counter[str]] = Counter()
        self.passed: Final[list[tuple[bytes, Endpoint]]] = []
        self._allocated = _NOTHING
        self._permitted: Final[dict[str, float]] = {}
        self._bound: Final[dict[int, float]] = {}
        self._nonce_lasts: Final = nonce_lasts
        self._nonce_since = 0.0

    def take(self, datagram: bytes) -> list[bytes]:
        if self.now - self._nonce_since >= self._nonce_lasts:
            self._nonce_since = self.now
            self.new_nonce()
        span = channel_data(datagram, 0, len(datagram))
        message = None if span is not None else decode_message(datagram)
        if span is not None:
            number = int.from_bytes(datagram[:2], "big")
            endpoint = self.channels.get(number)
            if endpoint is None or self._bound[number] <= self.now:
                self.refused["channel"] += 1
            else:
                self._pass(datagram[span[0] : span[1]], endpoint)
            return []
        assert message is not None
        if message.kind == SEND | INDICATION:
            self._pass(message.attributes[DATA], peer_of(message))
            return []
        return super().take(datagram)

    def returns(self, payload: bytes, peer: Endpoint) -> bytes | None:
        """What the server makes of a datagram that a peer sent to us."""
        if not self._permits(peer):
            self.refused["back"] += 1
            return None
        for number, endpoint in self.channels.items():
            if endpoint == peer and self._bound[number] > self.now:
                return wrap_channel_data(number, payload)
        return data_indication(payload, peer)

    def success(self, message: Message, *, signed: bool = True) -> bytes:
        if message.kind == ALLOCATE:
            self._allocated = self.now + ALLOCATION
        elif self._allocated <= self.now:
            return self.error(message, MISMATCH)
        elif message.kind == REFRESH:
            self._allocated = self.now + (0 if LIFETIME in message.attributes else ALLOCATION)
        elif message.kind in (CREATE_PERMISSION, CHANNEL_BIND):
            self._permitted[peer_of(message)[0]] = self.now + PERMISSION
        if message.kind == CHANNEL_BIND:
            self._bound[int.from_bytes(message.attributes[CHANNEL_NUMBER][:2], "big")] = self.now + CHANNEL
        return super().success(message, signed=signed)

    def _pass(self, payload: bytes, peer: Endpoint) -> None:
        if self._permits(peer):
            self.passed.append((payload, peer))
        else:
            self.refused["forth"] += 1

    def _permits(self, peer: Endpoint) -> bool:
        return self._allocated > self.now and self._permitted.get(peer[0], _NOTHING) > self.now


class VirtualRelay:
    """Client, server and peers; every peer is sent a numbered datagram every ``beat`` seconds."""

    def __init__(self, seed: int, nonce_lasts: float = 700.0, beat: float = 2.0) -> None:
        self.now = 0.0
        self.server: Final = StrictServer(nonce_lasts)
        self.relay: Final = Relay("198.51.100.1:3478", USER, PASSWORD, Randomness(b"relay"))
        self.events: Final[list[Event]] = []
        self.sent: Final[list[tuple[bytes, Endpoint]]] = []
        self.forth: Final[Counter[tuple[bytes, Endpoint]]] = Counter()
        self.back: Final[Counter[tuple[bytes, Endpoint]]] = Counter()
        self.weights: Final[list[tuple[float, int]]] = []
        self.lost: Final[set[tuple[str, bytes]]] = set()
        self._paths: Final = {way: Rough(Roughness(), f"{seed} {way}") for way in ("forth", "back")}
        self._flying: Final[list[tuple[float, int, str, bytes]]] = []
        self._order: Final = count()
        self._beat: Final = beat

    def run(self, until: float) -> None:
        self.relay.start(self.now)
        self._pump()
        due, look = 1.0, 300.0
        while self.now < until:
            times = [due, self.relay.next_timeout(), self._flying[0][0] if self._flying else None]
            self.now = max(self.now, min(time for time in times if time is not None))
            self.server.now = self.now
            while self._flying and self._flying[0][0] <= self.now:
                self._deliver(*heapq.heappop(self._flying)[2:])
            self.relay.handle_timeout(self.now)
            if self.now >= due:
                due += self._beat
                self._send()
            if self.now >= look:
                look += 300.0
                self.weights.append((self.now, weigh([self.relay]).objects))
            self._pump()

    def _send(self) -> None:
        for peer in PEERS:
            payload = b"%d" % len(self.sent)
            self.sent.append((payload, peer))
            self.relay.send(payload, peer, self.now)

    def _pump(self) -> None:
        for datagram in self.relay.datagrams():
            self._fly("forth", datagram)
        self.events.extend(self.relay.events())

    def _fly(self, way: str, datagram: bytes) -> None:
        fate = self._paths[way].fate()
        if not fate:
            self.lost.add((way, datagram))
        for delay in fate:
            heapq.heappush(self._flying, (self.now + delay, next(self._order), way, datagram))

    def _deliver(self, way: str, datagram: bytes) -> None:
        if way == "back":
            self.back.update(self.relay.receive(datagram, self.now))
            return
        for answer in self.server.take(datagram):
            self._fly("back", answer)
        for payload, peer in self.server.passed:
            self.forth[payload, peer] += 1
            returned = self.server.returns(payload, peer)
            if returned is not None:
                self._fly("back", returned)
        self.server.passed.clear()
