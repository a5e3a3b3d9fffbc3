"""A small WireGuard peer for tests: one remote, both roles, and a key log of all it does."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from fzctl.wireguard.cookies import (
    cookie_for,
    is_for,
    is_signed_with,
    read_cookie_reply,
    sign,
    write_cookie_reply,
)
from fzctl.wireguard.inner import trim
from fzctl.wireguard.keylog import (
    LOCAL_EPHEMERAL,
    LOCAL_STATIC,
    PRESHARED,
    REMOTE_STATIC,
    TRANSPORT_KEY,
    Entry,
    format_keylog,
)
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import CookieReply, Initiation, Response, Transport, parse
from fzctl.wireguard.noise import (
    NO_PSK,
    Opened,
    SessionKeys,
    read_initiation,
    read_response,
    tai64n,
    write_initiation,
    write_response,
)
from fzctl.wireguard.suite import TransportCipher

PATIENCE: Final = 8.0  # wireguard-go tries again after 5 s
BETWEEN_TRIES: Final = 1.0
BETWEEN_INITIATIONS: Final = (
    0.03  # less than 20 ms apart counts as a flood (wireguard-go HandshakeInitationRate)
)


class Wire(Protocol):
    """What carries datagrams to the other end."""

    def send(self, datagram: bytes) -> None: ...
    def receive(self, timeout: float) -> bytes | None: ...


class UdpWire:
    """A connected UDP socket."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket: Final = opened

    def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    def receive(self, timeout: float) -> bytes | None:
        ready, _, _ = select.select([self.socket], [], [], max(timeout, 0))
        # An ICMP error for what we sent before the other end listened.
        with contextlib.suppress(ConnectionRefusedError):
            return self.socket.recv(65535) if ready else None
        return None


class Silence(Exception):
    """Nothing that was waited for came in time."""


class Tunnel:
    """One session, as its owner sees it."""

    def __init__(self, index: int, remote: int, keys: SessionKeys, *, began: bool) -> None:
        sends, receives = keys.to_responder, keys.to_initiator
        if not began:
            sends, receives = receives, sends
        self.index: Final = index
        self.remote: Final = remote
        self.keys: Final = (Entry(TRANSPORT_KEY, sends, remote), Entry(TRANSPORT_KEY, receives, index))
        self.seal: Final = TransportCipher(sends).seal
        self.open: Final = TransportCipher(receives).open
        self.counter = 0


class Peer:
    """Ours. ``receive`` drives everything: nothing happens between calls."""

    def __init__(self, wire: Wire, static: PrivateKey, remote: bytes, psk: Secret = NO_PSK) -> None:
        self.wire = wire
        self.static: Final = static
        self.remote: Final = remote
        self.psk: Final = psk
        self.tunnels: Final[dict[int, Tunnel]] = {}
        self.current: Tunnel | None = None
        self.ephemerals: Final[list[PrivateKey]] = []
        self.demands_cookie = False
        self._begun: dict[int, tuple[Opened, bytes]] = {}
        self._cookie: bytes | None = None
        self._cookie_secret: Final = os.urandom(32)
        self._last_initiation = 0.0
        self._inbox: Final[deque[bytes]] = deque()

    # --- what it is told to do ---

    def connect(self, timeout: float = PATIENCE) -> None:
        """Begin a handshake, see it through, and say so with a keepalive, as WireGuard does."""
        before, end = self.current, time.monotonic() + timeout
        while True:
            self._initiate()
            try:
                self._drive(lambda: self.current is not before, BETWEEN_TRIES, "an answer to our initiation")
            except Silence:
                if time.monotonic() > end:
                    raise
            else:
                return

    def wait_for_handshake(self, timeout: float = PATIENCE) -> None:
        """Answer the other end's handshake and wait until it uses the session."""
        before = self.current
        self._drive(lambda: self.current is not before, timeout, "a handshake of the other end")

    def burst(self, count: int) -> None:
        """Initiations with a right MAC1 and nothing else: they cost the other end its calm."""
        for _ in range(count):
            junk = Initiation(0, os.urandom(32), bytes(48), bytes(28)).pack()
            self.wire.send(sign(self.remote, junk))

    def send(self, packet: bytes, *, padded: bool = True) -> None:
        """Send an inner packet; nothing is a keepalive."""
        tunnel = self.current
        if tunnel is None:
            raise Silence("there is no session yet")
        plain = packet + bytes(-len(packet) % 16 if padded else 0)
        sealed = tunnel.seal(tunnel.counter, plain)
        self.wire.send(Transport(tunnel.remote, tunnel.counter, sealed).pack())
        tunnel.counter += 1

    def receive(self, test: Callable[[bytes], bool], timeout: float = PATIENCE) -> bytes:
        """The next inner packet that passes the test; those before it are dropped."""
        found: list[bytes] = []

        def look() -> bool:
            while self._inbox and not found:
                packet = self._inbox.popleft()
                if test(packet):
                    found.append(packet)
            return bool(found)

        self._drive(look, timeout, "an inner packet")
        return found[0]

    # --- the keys of what it did ---

    def handshake_keys(self) -> Sequence[Entry]:
        """All lines with which Wireshark can read along."""
        lines = [Entry(LOCAL_STATIC, self.static), Entry(REMOTE_STATIC, Secret(self.remote))]
        for ephemeral in self.ephemerals:
            lines.append(Entry(LOCAL_EPHEMERAL, ephemeral))
            if self.psk != NO_PSK:
                lines.append(Entry(PRESHARED, self.psk))
        return lines

    def transport_keys(self) -> Sequence[Entry]:
        """The lines for a capture without the handshakes."""
        return [line for tunnel in self.tunnels.values() for line in tunnel.keys]

    def key_log(self) -> str:
        return format_keylog(self.handshake_keys())

    # --- how it does it ---

    def _drive(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        end = time.monotonic() + timeout
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                raise Silence(f"waited {timeout:g} s in vain for {what}")
            datagram = self.wire.receive(left)
            if datagram is not None:
                self._take(datagram)

    def _take(self, datagram: bytes) -> None:
        message = parse(datagram)
        if isinstance(message, Transport):
            self._take_transport(message)
        elif isinstance(message, Initiation) and is_for(self.static.public, datagram):
            self._take_initiation(message, datagram)
        elif isinstance(message, Response):
            self._take_response(message)
        elif isinstance(message, CookieReply) and message.receiver in self._begun:
            _, initiation = self._begun[message.receiver]
            self._cookie = read_cookie_reply(self.remote, message, initiation[-32:-16])
            if self._cookie is not None:
                self._initiate()

    def _take_transport(self, message: Transport) -> None:
        tunnel = self.tunnels.get(message.receiver)
        if tunnel is None:
            return
        plain = tunnel.open(message.counter.to_bytes(8, "little"), message.sealed)
        if plain is None:
            return
        if self.current is None or self._order(tunnel) > self._order(self.current):
            self.current = tunnel  # a responder sends under a new session only now
        if plain:
            self._inbox.append(trim(plain))

    def _take_initiation(self, message: Initiation, datagram: bytes) -> None:
        if self.demands_cookie:
            cookie = cookie_for(self._cookie_secret, b"the one remote")
            if not is_signed_with(cookie, datagram):
                reply = write_cookie_reply(
                    self.static.public, message.sender, message.mac1, cookie, os.urandom(24)
                )
                self.wire.send(reply)
                return
        opened = read_initiation(message, self.static.public, self._private)
        if opened.initiator != self.remote:
            return
        index = self._new_index()
        response, keys = write_response(opened, index, self._new_ephemeral(), self.psk)
        self.tunnels[index] = Tunnel(index, message.sender, keys, began=False)
        self.wire.send(response)

    def _take_response(self, message: Response) -> None:
        begun = self._begun.pop(message.receiver, None)
        if begun is None:
            return
        keys = read_response(begun[0], message, self._private, [self.psk])
        tunnel = Tunnel(message.receiver, message.sender, keys, began=True)
        self.tunnels[message.receiver] = self.current = tunnel
        self.send(b"")

    def _initiate(self) -> None:
        time.sleep(max(0.0, self._last_initiation + BETWEEN_INITIATIONS - time.monotonic()))
        index = self._new_index()
        datagram, opened = write_initiation(
            index, self.static, self._new_ephemeral(), self.remote, tai64n(time.time_ns()), self._cookie
        )
        self._begun[index] = opened, datagram
        self._last_initiation = time.monotonic()
        self.wire.send(datagram)

    def _private(self, public: bytes) -> PrivateKey | None:
        for key in (self.static, *reversed(self.ephemerals)):
            if key.public == public:
                return key
        return None

    def _order(self, tunnel: Tunnel) -> int:
        return list(self.tunnels).index(tunnel.index)

    def _new_ephemeral(self) -> PrivateKey:
        self.ephemerals.append(PrivateKey(os.urandom(32)))
        return self.ephemerals[-1]

    def _new_index(self) -> int:
        # 24 bits of the peer and 8 of the session, as boringtun makes them.
        first = int.from_bytes(self.static.public[:3], "big") << 8
        return first | (len(self.ephemerals) + 1 & 0xFF)
