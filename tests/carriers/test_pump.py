"""The pump: the clock, errors that concern who waits or somebody else, and relays."""

from __future__ import annotations

import errno
import sys
import time
from itertools import chain, repeat
from typing import NamedTuple

import pytest

from fzctl.carriers.pump import Clock
from fzctl.carriers.sockets import Arrival
from fzctl.errors import CarrierError
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import PrivateKey
from fzctl.wireguard.noise import write_initiation
from fzctl.wireguard.relay import Relay
from fzctl.wireguard.stun import REFRESH
from tests.carriers.wire import REFUSED, Mailbox, carrier_on, failure
from tests.wireguard.lab import CONTROL, IPV4_PACKET, A, B, C
from tests.wireguard.turnserver import PASSWORD, USER, FakeServer
from tests.wireguard.wire import AT_A, AT_B, Randomness, Wire, remote

UNLISTED = ("10.0.0.0/8",)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell no such clock")
def test_keys_grow_old_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = 1000.0
    asked = time.clock_gettime

    def after_a_sleep(clock: int) -> float:
        return asked(clock) + (slept if clock == time.CLOCK_BOOTTIME else 0.0)

    before = Clock().monotonic()
    monkeypatch.setattr(time, "clock_gettime", after_a_sleep)
    assert slept <= Clock().monotonic() - before < slept + 100


def test_an_icmp_error_about_another_peer_is_no_refusal() -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A))
    carrier, sockets = carrier_on(
        wire, A, AT_A, remote(B, AT_B), remote(C, ("192.0.2.3", 3), allowed=UNLISTED)
    )
    sockets.mailbox.came.append(Arrival(b"", ("192.0.2.3", 3), REFUSED))
    carrier.connect(1)
    sockets.mailbox.came.append(Arrival(b"", ("0.0.0.0", 0), REFUSED))
    wire.loses = lambda datagram: True
    assert "nothing listens" in failure(lambda: carrier.connect(1))


def test_an_answer_to_a_stranger_that_cannot_leave_does_not_end_what_waits_for_the_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A))
    load = chain((True,), repeat(False))
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B), under_load=lambda now: next(load))
    forged, _ = write_initiation(1, C, PrivateKey(bytes(range(32))), A.public, bytes(12))
    sockets.mailbox.came.append(Arrival(forged, ("192.0.2.66", 0)))
    leaves = sockets.send

    def send(datagram: bytes, endpoint: Endpoint) -> None:
        if endpoint[1] == 0:
            raise OSError(errno.EINVAL, "no")
        leaves(datagram, endpoint)

    monkeypatch.setattr(sockets, "send", send)
    carrier.connect(1)
    assert carrier.is_connected
    assert carrier.counts["needs_cookie"] == 1


def test_a_refusal_of_before_does_not_spoil_the_next_attempt() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B))
    sockets.refuses = REFUSED
    failure(lambda: carrier.connect(10))
    sockets.refuses = 0
    carrier.connect(10)
    carrier.send(CONTROL)
    wire.run(0.1)
    assert b.packets == [CONTROL]


# --- through a relay ---


class RelayEvent(NamedTuple):
    name: str
    error: CarrierError | None


class FakeRelay:
    """Puts a byte before each datagram and hands it to the server; ready after the first answer."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.told: list[RelayEvent] = []
        self.is_ready = False
        self.relayed: Endpoint | None = None
        self.doubt: str | None = None
        self.stopped = False
        self.due: float | None = None

    def start(self, now: float) -> None:
        self.out.append(b"allocate")
        self.due = now + 1

    def stop(self, now: float) -> None:
        self.out.append(b"release")

    def send(self, payload: bytes, peer: Endpoint, now: float) -> None:
        assert peer == AT_B
        self.out.append(b"@" + payload)

    def bind(self, peer: Endpoint, now: float) -> None:
        self.out.append(b"bind %s" % peer[0].encode())

    def receive(self, datagram: bytes, now: float) -> list[tuple[bytes, Endpoint]]:
        if datagram == b"allocated":
            self.is_ready, self.due = True, None
        return [(datagram[1:], AT_B)] if datagram[:1] == b"@" else []

    def datagrams(self) -> list[bytes]:
        out, self.out = self.out, []
        return out

    def events(self) -> list[RelayEvent]:
        told, self.told = self.told, []
        return told

    def next_timeout(self) -> float | None:
        return self.due

    def handle_timeout(self, now: float) -> None:
        if self.due is not None and self.due <= now:
            self.out.append(b"allocate")
            self.due = now + 1


SERVER: Endpoint = ("198.51.100.1", 3478)


def test_through_a_relay_all_datagrams_go_to_its_server() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    relay = FakeRelay()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B), relay=relay, server=SERVER)

    class Server(Mailbox):
        """Unwraps to B and wraps back; forgets the first question."""

        asked = 0

        def receive(self, datagram: bytes, source: Endpoint, now: float) -> None:
            if datagram == b"allocate":
                self.asked += 1
                if self.asked > 1:
                    wire.put(b"allocated", SERVER, AT_A)
            elif datagram[:1] == b"@":
                wire.put(datagram[1:], SERVER, AT_B)
            elif source == AT_B:
                wire.put(b"@" + datagram, SERVER, AT_A)

    server = Server()
    wire.ends[SERVER] = type(b)(server, SERVER)  # type: ignore[arg-type]
    assert carrier.reach_relay(5) is None  # this one has no address to tell
    carrier.connect(5)
    carrier.send(CONTROL)
    wire.run(0.1)
    assert b.packets == [CONTROL]
    b.device.send(IPV4_PACKET, wire.now)
    received = carrier.receive(1)
    assert received is not None
    assert (received.packet, received.source) == (IPV4_PACKET, "192.0.2.2:51821")
    assert server.asked == 2
    carrier.close()
    assert wire.sent[-1][2] == b"release"


def test_a_relay_that_fails_or_warns_is_told() -> None:
    wire = Wire()
    relay = FakeRelay()
    warnings: list[str] = []
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B), relay=relay, server=SERVER, warn=warnings.append)
    relay.told.append(RelayEvent("warning", CarrierError("bind", "a channel", "no")))
    assert failure(lambda: carrier.connect(1.5)).startswith(
        "cannot reach the relay 198.51.100.1:3478: it did not answer in time; check its address and port"
    )
    assert warnings == ["cannot bind a channel: no"]
    relay.told.append(RelayEvent("failed", CarrierError("allocate on", "the relay x", "wrong password")))
    assert failure(lambda: carrier.connect(5)) == "cannot allocate on the relay x: wrong password"
    assert failure(lambda: carrier.wait(5)) == "cannot allocate on the relay x: wrong password"
    assert failure(lambda: carrier.send(CONTROL)) == "cannot allocate on the relay x: wrong password"


def test_of_a_relay_whose_answers_prove_nothing_that_is_told() -> None:
    relay = FakeRelay()
    relay.doubt = "it answers without a proof"
    carrier, _ = carrier_on(Wire(), A, AT_A, remote(B, AT_B), relay=relay, server=SERVER)
    said = failure(lambda: carrier.reach_relay(5))
    assert said == "cannot reach the relay 198.51.100.1:3478: it answers without a proof"


def test_who_only_listens_is_told_that_the_relay_forgot_us_after_what_came_before() -> None:
    wire = Wire()
    relay = Relay("198.51.100.1:3478", USER, PASSWORD, Randomness(b"relay"))
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B), relay=relay, server=SERVER)
    server = FakeServer()
    wire.ends[SERVER] = type(wire.ends[AT_A])(Answering(server, wire), SERVER)  # type: ignore[arg-type]
    assert carrier.reach_relay(5) is not None
    assert carrier.receive(300) is None
    assert server.asked_for(REFRESH) == 0
    del wire.ends[SERVER]  # it is switched off
    began = wire.now
    said = failure(lambda: carrier.receive(3600))
    assert said.startswith("cannot keep the address on the relay 198.51.100.1:3478: it does not answer")
    assert wire.now - began < 300 + 40
    assert failure(lambda: carrier.receive(1)) == said
    carrier.close()
    assert sockets.closed


class Answering(Mailbox):
    """A TURN server on the wire."""

    def __init__(self, server: FakeServer, wire: Wire) -> None:
        super().__init__()
        self._server = server
        self._wire = wire

    def receive(self, datagram: bytes, source: Endpoint, now: float) -> None:
        for answer in self._server.take(datagram):
            self._wire.put(answer, SERVER, source)


def test_a_relay_where_nothing_listens_is_not_waited_for() -> None:
    wire = Wire()
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B), relay=FakeRelay(), server=SERVER)
    sockets.refuses = REFUSED
    said = failure(lambda: carrier.reach_relay(15))
    assert said.startswith("cannot reach the relay 198.51.100.1:3478: it did not answer (Connection refused)")
    assert wire.now < 3
    sockets.refuses = 0


def test_without_a_relay_there_is_none_to_reach() -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    assert carrier.reach_relay() is None
    assert wire.now == 0
