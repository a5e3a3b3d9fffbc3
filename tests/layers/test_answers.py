"""Requests and their answers: hashret(), answers(), and scapy's sr1 over a wire in memory."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop
from scapy.packet import Packet, Padding, Raw
from scapy.supersocket import SuperSocket

from fzctl.layers import (
    AssignedIps,
    DomainStatus,
    FzP2p,
    FzP2pRefused,
    Goodbye,
    Request,
    Response,
    control_packet,
    layer_for,
)
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.packet import build_packet

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
ADDRESSES = [f"100.96.0.{n}" for n in range(1, 5)]


def pairs(answer: Packet, request: Packet) -> bool:
    """What scapy's sr functions look at, in their order."""
    found: Any = answer
    return found.hashret() == request.hashret() and bool(found.answers(request))


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        ("example.com", "example.com", True),
        ("Example.COM", "eXample.com", True),
        ("example.com.", "example.com", True),
        ("ex\\097mple.com", "example.com", True),
        ("not..valid", "NOT..valid", True),
        ("example.com", "example.org", False),
        ("a\\.b", "a.b", False),
    ],
)
def test_an_answer_names_the_same_domain_without_case_and_final_dot(
    asked: str, answered: str, expected: bool
) -> None:
    request = control_packet(AssignedIps(resource=RESOURCE, domain=asked))
    built = control_packet(DomainStatus(resource=RESOURCE.upper(), domain=answered))
    assert pairs(built, request) is expected
    read = IPv6(bytes(built))
    assert FzP2pRefused in read or pairs(read, IPv6(bytes(request))) is expected


def test_only_the_answer_answers() -> None:
    request = control_packet(AssignedIps(resource=RESOURCE))
    for other in (
        request,
        control_packet(DomainStatus()),
        control_packet(Response(resource=RESOURCE)),
        control_packet(Goodbye()),
        IPv6(build_packet(1, b'{"resource":')),
        control_packet(FzP2p(kind=1)),
        IPv6(src="::", dst="::", nh=255) / Raw(b"x"),
    ):
        assert not pairs(other, request), other.summary()
    assert not pairs(request, control_packet(DomainStatus(resource=RESOURCE)))


def test_padding_behind_an_answer_does_not_matter() -> None:
    raw = bytes(control_packet(DomainStatus(resource=RESOURCE)))
    padded = IPv6(raw + bytes(16))
    assert bytes(padded[Padding]) == bytes(16)
    assert pairs(padded, control_packet(AssignedIps(resource=RESOURCE)))


def test_a_request_behind_an_extension_header_is_answered_too() -> None:
    request = IPv6(src="::", dst="::") / IPv6ExtHdrHopByHop() / FzP2p() / AssignedIps(resource=RESOURCE)
    assert pairs(control_packet(DomainStatus(resource=RESOURCE)), request)


class Wire(SuperSocket):
    """One end of a wire in memory that carries IPv6 packets."""

    def __init__(self, end: socket.socket) -> None:
        self.ins = self.outs = end

    def recv_raw(self, x: int = 65535) -> tuple[type[Packet], bytes, float]:
        return IPv6, self.ins.recv(x), time.time()


@pytest.fixture
def wires() -> Iterator[tuple[Wire, Wire]]:
    near, far = map(Wire, socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
    yield near, far
    near.close()
    far.close()


def respond(wire: Wire, *batches: list[Packet]) -> list[bytes]:
    """Send one batch of packets after each packet that comes; the list fills with what came."""
    asked: list[bytes] = []

    def run() -> None:
        for batch in batches:
            asked.append(wire.ins.recv(65535))
            for each in batch:
                wire.send(each)

    threading.Thread(target=run, daemon=True).start()
    return asked


@pytest.mark.parametrize(
    ("request_class", "answer_class", "content"),
    [(AssignedIps, DomainStatus, {"status": "Inactive"}), (Request, Response, {"code": 204})],
    ids=["current", "seed"],
)
def test_sr1_pairs_a_request_with_its_own_answer(
    wires: tuple[Wire, Wire], request_class: Any, answer_class: Any, content: dict[str, Any]
) -> None:
    near, far = wires
    request = control_packet(request_class(resource=RESOURCE, domain="Example.com.", proxy_ips=ADDRESSES))
    noise = [
        request,
        control_packet(answer_class(resource=RESOURCE, domain="example.org", **content)),
        control_packet(answer_class(domain="example.com", **content)),
        control_packet(Goodbye()),
        IPv6(src="::1", dst="::", nh=255) / Raw(b"x"),
    ]
    mine = control_packet(answer_class(resource=RESOURCE, domain="example.COM", **content))
    asked = respond(far, [*noise, mine])
    answer = near.sr1(request, timeout=10, verbose=0)
    assert asked == [bytes(request)]
    assert answer is not None
    assert bytes(answer) == bytes(mine)


def test_each_retransmission_gets_an_answer_of_its_own(wires: tuple[Wire, Wire]) -> None:
    near, far = wires
    request = control_packet(AssignedIps(resource=RESOURCE, proxy_ips=ADDRESSES))
    status = control_packet(DomainStatus(resource=RESOURCE))
    respond(far, [status], [status])
    answered, unanswered = near.sr([request, request.copy()], timeout=10, verbose=0)
    assert (len(answered), len(unanswered)) == (2, 0)


def test_sr1_gives_up_without_its_answer(wires: tuple[Wire, Wire]) -> None:
    near, far = wires
    respond(far, [control_packet(DomainStatus(domain="example.org"))])
    assert near.sr1(control_packet(AssignedIps(domain="example.com")), timeout=0.3, verbose=0) is None


def test_every_kind_goes_through_a_wire(wires: tuple[Wire, Wire]) -> None:
    near, far = wires
    for kind in KINDS:
        packet = control_packet(layer_for(kind)())
        near.send(packet)
        received: Any = far.recv()
        assert bytes(received) == bytes(packet)
        assert received[FzP2p].payload.declaration in (kind, *KINDS)
