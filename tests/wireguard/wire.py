"""Endpoints of ours that are joined in memory, with a time that only passes when a test lets it."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from itertools import count

from fzctl.wireguard.allowed import Network, parse_network
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.device import Device
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.events import Event
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.load import UnderLoad
from fzctl.wireguard.messages import message_type
from fzctl.wireguard.noise import NO_PSK
from fzctl.wireguard.peer import Peer
from tests.wireguard.lab import A, B

AT_A: Endpoint = ("192.0.2.1", 51820)
AT_B: Endpoint = ("192.0.2.2", 51821)
EVERYTHING = ("0.0.0.0/0", "::/0")
EPOCH = 1_700_000_000_000_000_000


def nobody(datagram: bytes) -> bool:
    return False


def never(now: float) -> bool:
    return False


class Randomness:
    """Bytes that look random and are the same in each run."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._number = count()

    def __call__(self, size: int) -> bytes:
        return hashlib.shake_128(self._seed + next(self._number).to_bytes(8, "big")).digest(size)


def networks(*texts: str) -> tuple[Network, ...]:
    found = [parse_network(text) for text in texts]
    assert None not in found
    return tuple(one for one in found if one is not None)


def remote(
    key: PrivateKey,
    endpoint: Endpoint | None = None,
    psk: Secret = NO_PSK,
    keepalive: int = 0,
    allowed: tuple[str, ...] = EVERYTHING,
) -> PeerConfig:
    return PeerConfig(key.public, psk, networks(*allowed), endpoint, keepalive)


class End:
    """A device with what came out of it, all kept."""

    def __init__(self, device: Device, endpoint: Endpoint) -> None:
        self.device = device
        self.endpoint = endpoint
        self.packets: list[bytes] = []
        self.events: list[Event] = []
        self.keys: list[Entry] = []

    def told(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    @property
    def refused(self) -> dict[str, int]:
        return {reason: many for reason, many in self.device.counts.items() if many and reason != "ok"}


class Wire:
    """Carries datagrams in 10 ms. ``loses`` says which are lost; ``sent`` holds all, with time and source."""

    def __init__(self, delay: float = 0.01) -> None:
        self.now = 0.0
        self.delay: Callable[[], float] = lambda: delay
        self.loses: Callable[[bytes], bool] = nobody
        self.copies = 1
        self.sent: list[tuple[float, Endpoint, bytes]] = []
        self.ends: dict[Endpoint, End] = {}
        self._order = count()
        self._flying: list[tuple[float, int, bytes, Endpoint, Endpoint]] = []

    def add(
        self,
        static: PrivateKey,
        endpoint: Endpoint,
        *peers: PeerConfig,
        under_load: UnderLoad | None = None,
        target: PrivateKey | None = None,
        time_ns: int = EPOCH,
    ) -> End:
        config = Config("wg.conf", static, endpoint[1], (), peers)
        random = Randomness(static.public + endpoint[0].encode())
        device = Device(
            config, self.now, time_ns, random, None if target is None else target.public, under_load or never
        )
        self.ends[endpoint] = End(device, endpoint)
        return self.ends[endpoint]

    def move(self, end: End, endpoint: Endpoint) -> None:
        """What it sends comes from there from now on, and what it is sent has to go there."""
        del self.ends[end.endpoint]
        end.endpoint = endpoint
        self.ends[endpoint] = end

    def put(self, datagram: bytes, source: Endpoint, destination: Endpoint) -> None:
        for _ in range(self.copies):
            due = self.now + self.delay()
            heapq.heappush(self._flying, (due, next(self._order), datagram, source, destination))

    def pump(self) -> None:
        """Fetch what came out of all ends."""
        for end in self.ends.values():
            end.keys += end.device.key_entries()
            for datagram, destination in end.device.datagrams():
                self.sent.append((self.now, end.endpoint, datagram))
                if not self.loses(datagram):
                    self.put(datagram, end.endpoint, destination)
            end.packets += [inner.packet for inner in end.device.packets()]
            end.events += end.device.events()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.pump()
        while True:
            timeouts = [one.device.next_timeout() for one in self.ends.values()]
            due = [time for time in (*timeouts, *(one[0] for one in self._flying[:1])) if time is not None]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            while self._flying and self._flying[0][0] <= self.now:
                _, _, datagram, source, destination = heapq.heappop(self._flying)
                if destination in self.ends:
                    self.ends[destination].device.receive(datagram, source, self.now)
            for one in self.ends.values():
                one.device.handle_timeout(self.now)
            self.pump()
        self.now = end

    def types(self, since: float = 0.0, source: Endpoint | None = None) -> list[int]:
        """The types of the messages that were sent."""
        return [
            message_type(datagram)
            for time, sender, datagram in self.sent
            if time >= since and source in (None, sender)
        ]


class Two:
    """A begins, B answers; each is the other's only peer."""

    def __init__(
        self,
        psk: Secret = NO_PSK,
        keepalive: int = 0,
        load_a: UnderLoad | None = None,
        load_b: UnderLoad | None = None,
    ) -> None:
        self.wire = Wire()
        self.a = self.wire.add(A, AT_A, remote(B, AT_B, psk, keepalive), under_load=load_a)
        self.b = self.wire.add(B, AT_B, remote(A, None, psk), under_load=load_b)

    @property
    def to_b(self) -> Peer:
        return self.a.device.peer(B.public)

    @property
    def to_a(self) -> Peer:
        return self.b.device.peer(A.public)

    def a_sends(self, packet: bytes) -> str:
        outcome = self.a.device.send(packet, self.wire.now)
        self.wire.pump()
        return outcome

    def b_sends(self, packet: bytes) -> str:
        outcome = self.b.device.send(packet, self.wire.now)
        self.wire.pump()
        return outcome

    def connect(self) -> None:
        assert self.to_b.initiate(self.wire.now)
        self.wire.run(0.1)
        assert self.to_b.is_connected(self.wire.now)
        assert self.to_a.is_connected(self.wire.now)
