"""The endpoint: whom a datagram or a packet belongs to, load, and what hostile bytes do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fzctl.wireguard.config import Config
from fzctl.wireguard.cookies import sign
from fzctl.wireguard.device import Device
from fzctl.wireguard.events import COOKIE_GIVEN, ESTABLISHED, REFUSED, UNLISTED, Inner
from fzctl.wireguard.messages import (
    COOKIE_REPLY,
    INITIATION,
    RESPONSE,
    CookieReply,
    Initiation,
    Response,
    Transport,
    message_type,
)
from fzctl.wireguard.noise import tai64n, write_initiation
from fzctl.wireguard.peer import NO_PEER, QUEUED, SENT
from fzctl.wireguard.refusals import (
    NEEDS_COOKIE,
    NOT_ALLOWED,
    NOT_FOR_US,
    NOT_IP,
    RATE_LIMITED,
    REFUSALS,
    UNKNOWN_PEER,
)
from fzctl.wireguard.results import AUTHENTICATION_FAILED, NO_HANDSHAKE, NOT_WIREGUARD, OK
from tests.wireguard.lab import CONTROL, IPV4_PACKET, IPV6_PACKET, A, B, C
from tests.wireguard.wire import AT_A, AT_B, EPOCH, Randomness, Two, Wire, remote

AT_C = ("2001:db8::3", 51822)
FROM_10_1 = IPV4_PACKET[:12] + bytes((10, 1, 0, 1, 10, 0, 0, 2)) + IPV4_PACKET[20:]
TO_10_1 = IPV4_PACKET[:12] + bytes((10, 0, 0, 2, 10, 1, 0, 1)) + IPV4_PACKET[20:]
TO_10_2 = IPV4_PACKET[:12] + bytes((10, 0, 0, 2, 10, 2, 0, 1)) + IPV4_PACKET[20:]


def test_packets_go_to_the_peer_whose_allowed_ips_hold_the_destination() -> None:
    wire = Wire()
    a = wire.add(
        A,
        AT_A,
        remote(B, AT_B, allowed=("10.1.0.0/16", "::/128")),
        remote(C, AT_C, allowed=("10.2.0.0/16", "10.1.128.0/17")),
    )
    b, c = wire.add(B, AT_B, remote(A)), wire.add(C, AT_C, remote(A))
    assert [a.device.send(packet, 0) for packet in (TO_10_1, TO_10_2, CONTROL)] == [QUEUED] * 3
    assert a.device.send(IPV6_PACKET, 0) == NO_PEER
    assert a.device.send(b"", 0) == a.device.send(b"\x45", 0) == NO_PEER
    wire.run(1)
    assert b.packets == [TO_10_1, CONTROL]
    assert c.packets == [TO_10_2]
    assert a.device.peer(B.public).endpoint == AT_B
    with pytest.raises(KeyError):
        a.device.peer(A.public)


def test_what_comes_from_a_foreign_inner_address_is_refused() -> None:
    wire = Wire()
    a = wire.add(
        A, AT_A, remote(B, AT_B, allowed=("10.1.0.0/16",)), remote(C, AT_C, allowed=("10.2.0.0/16",))
    )
    b, c = wire.add(B, AT_B, remote(A, AT_A)), wire.add(C, AT_C, remote(A, AT_A))
    b.device.send(FROM_10_1, 0)
    c.device.send(FROM_10_1, 0)
    c.device.send(IPV6_PACKET, 0)
    wire.run(1)
    assert a.packets == [FROM_10_1]
    assert a.refused == {NOT_ALLOWED: 2}
    assert [(event.endpoint, event.detail) for event in a.told(REFUSED)] == [(AT_C, NOT_ALLOWED)] * 2


def test_control_messages_pass_without_an_entry_for_them_and_that_is_told_once() -> None:
    wire = Wire()
    a = wire.add(A, AT_A, remote(B, AT_B, allowed=("10.1.0.0/16",)), target=B)
    b = wire.add(B, AT_B, remote(A, AT_A, allowed=("10.2.0.0/16",)))
    for _ in range(3):
        a.device.send(CONTROL, wire.now)
        wire.run(1)
    assert b.packets == [CONTROL] * 3
    assert [(event.peer, event.endpoint) for event in b.told(UNLISTED)] == [(A.public, AT_A)]
    assert b.refused == {}
    assert b.device.send(CONTROL, wire.now) == NO_PEER, "b was told of no target"


def test_a_packet_comes_with_the_peer_and_the_place_that_it_came_from() -> None:
    two = Two()
    two.connect()
    two.to_b.send(CONTROL, two.wire.now)
    ((datagram, _),) = two.a.device.datagrams()
    assert two.b.device.receive(datagram, AT_C, two.wire.now) == OK
    assert two.b.device.packets() == [Inner(CONTROL, A.public, AT_C)]


def test_what_is_authentic_but_no_ip_packet_is_refused_by_that_name() -> None:
    two = Two()
    two.connect()
    two.to_b.send(b"\x12" * 40, two.wire.now)
    two.wire.run(1)
    assert two.b.packets == []
    assert two.b.refused == {NOT_IP: 1}


def test_peers_that_are_not_in_the_config_get_no_answer() -> None:
    two = Two()
    datagram, _ = write_initiation(1, C, A, B.public, tai64n(1))
    assert two.b.device.receive(datagram, AT_C, 0) == UNKNOWN_PEER
    assert two.b.device.datagrams() == []


def test_handshake_messages_for_another_key_are_not_even_read() -> None:
    two = Two()
    datagram, _ = write_initiation(1, A, A, C.public, tai64n(1))
    assert two.b.device.receive(datagram, AT_C, 0) == NOT_FOR_US
    assert two.b.device.receive(
        sign(B.public, Initiation(1, bytes(32), bytes(48), bytes(28)).pack()), AT_C, 0
    ) == (AUTHENTICATION_FAILED)
    assert two.b.device.datagrams() == []


def test_answers_under_an_index_that_no_peer_has_are_refused_by_that_name() -> None:
    two = Two()
    strange = two.b.device.counts.copy()
    for prefix in (0, 0x123456, 0xFFFFFF):
        index = prefix << 8
        for datagram in (
            CookieReply(index, bytes(24), bytes(32)).pack(),
            sign(B.public, Response(1, index, bytes(32), bytes(16)).pack()),
            Transport(index, 0, bytes(16)).pack(),
        ):
            assert two.b.device.receive(datagram, AT_C, 0) == NO_HANDSHAKE
    assert two.b.device.counts == {**strange, NO_HANDSHAKE: 9}


def test_a_burst_of_handshakes_brings_load_and_cookies_without_being_asked() -> None:
    config = Config("wg.conf", B, 0, (), (remote(A),))
    device = Device(config, 0.0, EPOCH, Randomness(b"b"))
    junk = sign(B.public, Initiation(1, bytes(32), bytes(48), bytes(28)).pack())
    reasons = [device.receive(junk, AT_C, number / 1000) for number in range(100)]
    assert reasons[:40] == [AUTHENTICATION_FAILED] * 40
    assert reasons[40:] == [NEEDS_COOKIE] * 60
    assert device.receive(junk, AT_C, 2.0) == AUTHENTICATION_FAILED
    assert len(device.datagrams()) == 60


def test_under_load_one_address_does_not_take_it_all() -> None:
    """MAC2 is right each time; 5 at once are read, the others are not."""
    two = Two(load_b=lambda now: True)
    two.to_b.initiate(0)
    two.wire.run(0.02)
    for number in range(8):
        two.to_b.initiate(1 + number / 10)
    datagrams = [datagram for datagram, _ in two.a.device.datagrams()]
    reasons = [
        two.b.device.receive(datagram, AT_A, 2.0 + number * 0.001)
        for number, datagram in enumerate(datagrams)
    ]
    assert reasons.count(RATE_LIMITED) == 3
    assert reasons[0] == OK


def test_what_one_address_may_send_under_load_is_not_taken_from_another() -> None:
    """The same port at both, for it is the address that counts."""
    wire = Wire()
    at_c = "192.0.2.3", AT_A[1]
    b = wire.add(B, AT_B, remote(A), remote(C), under_load=lambda now: True)
    ends = [wire.add(A, AT_A, remote(B, AT_B)), wire.add(C, at_c, remote(B, AT_B))]
    for end in ends:
        end.device.peer(B.public).initiate(0)
    wire.run(0.02)
    reasons: list[str] = []
    for end, many in zip(ends, (8, 1), strict=True):
        for number in range(many):
            end.device.peer(B.public).initiate(1 + number / 10)
        for datagram, _ in end.device.datagrams():
            reasons.append(b.device.receive(datagram, end.endpoint, 2.0 + len(reasons) / 1000))
    assert reasons[-2:] == [RATE_LIMITED, OK]


def test_a_cookie_is_good_for_its_address_only() -> None:
    two = Two(load_b=lambda now: True)
    two.to_b.initiate(0)
    two.wire.run(0.02)
    two.to_b.initiate(1)
    ((datagram, _),) = two.a.device.datagrams()
    assert two.b.device.receive(datagram, ("203.0.113.1", AT_A[1]), 1) == NEEDS_COOKIE
    assert two.b.device.receive(datagram, AT_A, 1) == OK


def test_counts_tell_every_reason_and_start_at_zero() -> None:
    two = Two()
    assert two.a.device.counts == dict.fromkeys(REFUSALS, 0)
    two.connect()
    assert two.a.device.counts[OK] == 1
    assert two.a.device.receive(b"\x04\0\0\0" + bytes(28), AT_B, 1) == NO_HANDSHAKE
    assert two.a.device.receive(b"hello", AT_B, 1) == NOT_WIREGUARD
    assert two.a.refused == {NO_HANDSHAKE: 1, NOT_WIREGUARD: 1}


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(0, 4))
def test_no_bytes_make_it_raise_or_answer(data: bytes, kind: int) -> None:
    two = Two()
    for datagram in (data, bytes((kind, 0, 0, 0)) + data):
        assert two.b.device.receive(datagram, AT_C, 0) != OK
    assert two.b.device.datagrams() == []
    assert two.b.device.packets() == []


@settings(max_examples=150)
@given(st.data())
def test_a_changed_datagram_is_refused_and_the_true_one_still_counts(data: st.DataObject) -> None:
    """Whatever was changed, wherever it comes from: no key, endpoint or session follows it."""
    two = Two()
    two.a_sends(CONTROL)
    now = 0.0
    elsewhere = ("203.0.113.66", 666)
    while two.b.packets == []:
        now += 0.1
        assert now < 2
        before = len(two.wire.sent)
        for _, source, datagram in two.wire.sent[max(0, before - 2) :]:
            target = two.a if source == AT_B else two.b
            place = data.draw(st.integers(0, len(datagram) - 1))
            # The last 16 bytes of a handshake message are a MAC2 that nobody asks for without load.
            if message_type(datagram) in (INITIATION, RESPONSE):
                place = min(place, len(datagram) - 17)
            cut = data.draw(st.booleans())
            changed = (
                datagram[:place]
                if cut
                else datagram[:place]
                + bytes((datagram[place] ^ data.draw(st.integers(1, 255)),))
                + datagram[place + 1 :]
            )
            assert target.device.receive(changed, elsewhere, two.wire.now) != OK
        two.wire.run(0.01)
    assert two.b.packets == [CONTROL]
    assert two.to_a.endpoint == AT_A
    assert two.to_b.endpoint == AT_B


@settings(max_examples=40)
@given(st.data())
def test_loss_copies_and_reordering_cost_packets_but_never_order_the_wrong_ones(data: st.DataObject) -> None:
    """What arrives was sent, each at most once, and with patience a session comes about."""
    two = Two()
    lossy = st.integers(0, 99)
    two.wire.loses = lambda datagram: data.draw(lossy) < 20
    two.wire.delay = lambda: data.draw(st.integers(1, 300)) / 1000
    two.wire.copies = data.draw(st.integers(1, 2))
    sent = [IPV4_PACKET[:20] + number.to_bytes(28, "big") for number in range(12)]
    for packet in sent:
        two.a_sends(packet)
        two.wire.run(1.5)
    assert len(set(two.b.packets)) == len(two.b.packets)
    assert set(two.b.packets) <= set(sent)
    two.wire.loses = lambda datagram: False
    two.wire.run(30)
    assert two.b.told(ESTABLISHED)
    two.a_sends(CONTROL)
    two.wire.run(1)
    assert two.b.packets[-1] == CONTROL


def test_events_of_load_name_the_address() -> None:
    two = Two(load_b=lambda now: True)
    two.a_sends(CONTROL)
    two.wire.run(0.1)
    assert [event.endpoint for event in two.b.told(COOKIE_GIVEN)] == [AT_A]
    assert two.wire.types() == [INITIATION, COOKIE_REPLY]
    assert two.a_sends(CONTROL) == QUEUED
    two.wire.run(6)
    assert two.a_sends(CONTROL) == SENT
