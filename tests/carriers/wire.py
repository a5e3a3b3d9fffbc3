"""A carrier on the wire in memory: its sockets and its clock are the wire's."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.pump import Clock
from fzctl.carriers.sockets import Arrival
from fzctl.errors import EXIT_CARRIER, CarrierError
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import PrivateKey
from tests.wireguard.wire import EPOCH, End, Randomness, Wire

STEP = 0.01


class Mailbox:
    """Stands on the wire where a device would: what comes waits for who owns the sockets."""

    def __init__(self) -> None:
        self.came: deque[Arrival] = deque()

    def receive(self, datagram: bytes, source: Endpoint, now: float) -> None:
        self.came.append(Arrival(datagram, source))

    def next_timeout(self) -> None:
        return None

    def handle_timeout(self, now: float) -> None:
        pass

    def nothing(self) -> list[Any]:
        return []

    datagrams = packets = events = key_entries = nothing


class WireSockets:
    """Datagrams over the wire; ``error`` is what sending fails with, ``refuses`` what ICMP says."""

    def __init__(self, wire: Wire, endpoint: Endpoint) -> None:
        self.wire = wire
        self.endpoint = endpoint
        self.mailbox = Mailbox()
        self.error = 0
        self.refuses = 0
        self.closed = False
        wire.ends[endpoint] = End(self.mailbox, endpoint)  # type: ignore[arg-type]

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        if self.error:
            raise OSError(self.error, "no")
        self.wire.sent.append((self.wire.now, self.endpoint, datagram))
        if self.refuses:
            self.mailbox.came.append(Arrival(b"", endpoint, self.refuses))
        elif not self.wire.loses(datagram):
            self.wire.put(datagram, self.endpoint, endpoint)

    def receive(self, timeout: float) -> Arrival | None:
        end = self.wire.now + timeout
        while not self.mailbox.came and self.wire.now < end:
            self.wire.run(min(STEP, end - self.wire.now) or STEP)
        return self.mailbox.came.popleft() if self.mailbox.came else None

    def local(self, endpoint: Endpoint) -> Endpoint:
        return self.endpoint

    def close(self) -> None:
        self.closed = True


def clock_of(wire: Wire) -> Clock:
    return Clock(lambda: wire.now, lambda: EPOCH + round(wire.now * 1e9))


def carrier_on(
    wire: Wire, static: PrivateKey, at: Endpoint, *peers: PeerConfig, **options: Any
) -> tuple[PeerCarrier, WireSockets]:
    """A carrier to the first of the peers."""
    sockets = WireSockets(wire, at)
    config = Config("wg.conf", static, at[1], (), peers)
    options.setdefault("random", Randomness(b"carrier"))
    return PeerCarrier(config, peers[0], sockets, clock=clock_of(wire), **options), sockets


REFUSED = errno.ECONNREFUSED


def failure(what: Callable[[], object]) -> str:
    with pytest.raises(CarrierError) as caught:
        what()
    assert caught.value.exit_code == EXIT_CARRIER
    said = str(caught.value)
    assert "\n" not in said
    return said
