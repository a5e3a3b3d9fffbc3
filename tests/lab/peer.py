"""The lab's client: our own carrier on any wire, with all the keys of what it did."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.sockets import Arrival
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.cookies import sign
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keylog import Entry, format_keylog
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import Initiation, message_type
from fzctl.wireguard.noise import NO_PSK
from tests.wireguard.wire import EVERYTHING, networks

PATIENCE: Final = 8.0  # wireguard-go tries again after 5 s
# A wire leads to one place, whatever its address.
FAR: Final[Endpoint] = ("192.0.2.255", 1)


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


def junk_initiation(remote: bytes) -> bytes:
    """An initiation with a right MAC1 and nothing else."""
    return sign(remote, Initiation(0, os.urandom(32), bytes(48), bytes(28)).pack())


class KeyLines:
    """A key log in memory."""

    def __init__(self) -> None:
        self.entries: Final[list[Entry]] = []

    def write(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)

    def close(self) -> None:
        pass


class Peer:
    """Ours. ``wire`` may change at any time; nothing happens between calls."""

    def __init__(self, wire: Wire, static: PrivateKey, remote: bytes, psk: Secret = NO_PSK) -> None:
        self.wire = wire
        self.demands_cookie = False
        self.log: Final = KeyLines()
        self.came: Final[list[int]] = []  # the types of the messages that came
        self._remote: Final = remote
        self._transport_keys: Final[dict[Entry, None]] = {}
        target = PeerConfig(remote, psk, networks(*EVERYTHING), FAR)
        self._carrier: Final = PeerCarrier(
            Config("lab", static, 0, (), (target,)),
            target,
            _Plug(self),
            keylog=self.log,
            under_load=lambda now: self.demands_cookie,
        )

    def connect(self, timeout: float = PATIENCE) -> None:
        """Begin a handshake and see it through."""
        self._carrier.connect(timeout)
        self._keep_keys()

    def wait_for_handshake(self, timeout: float = PATIENCE) -> None:
        """Answer the other end's handshake and wait until it uses the session."""
        self._carrier.wait(timeout)
        self._keep_keys()

    def burst(self, count: int) -> None:
        """Initiations that say nothing cost the other end its calm."""
        for _ in range(count):
            self.wire.send(junk_initiation(self._remote))

    def send(self, packet: bytes, *, padded: bool = True) -> None:
        """Send an inner packet; nothing is a keepalive."""
        if packet:
            self._carrier.send(packet, padded=padded)
        else:
            self._carrier.keepalive()
        self._keep_keys()

    def receive(self, test: Callable[[bytes], bool], timeout: float = PATIENCE) -> bytes:
        """The next inner packet that passes the test; those before it are dropped."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            received = self._carrier.receive(left)
            if received is not None and test(received.packet):
                self._keep_keys()
                return received.packet
        raise Silence(f"waited {timeout:g} s in vain for an inner packet")

    def key_log(self) -> str:
        """All lines with which Wireshark can read along."""
        return format_keylog(self.log.entries)

    def transport_keys(self) -> Sequence[Entry]:
        """The lines for a capture without the handshakes."""
        return list(self._transport_keys)

    def _keep_keys(self) -> None:
        self._transport_keys.update(dict.fromkeys(self._carrier.transport_entries()))


class _Plug:
    """The wire as the carrier's network."""

    def __init__(self, peer: Peer) -> None:
        self._peer: Final = peer

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        self._peer.wire.send(datagram)

    def receive(self, timeout: float) -> Arrival | None:
        datagram = self._peer.wire.receive(timeout)
        if datagram is None:
            return None
        self._peer.came.append(message_type(datagram))
        return Arrival(datagram, FAR)

    def local(self, endpoint: Endpoint) -> Endpoint:
        return FAR

    def close(self) -> None:
        pass
