"""The TURN client against a server without network, in virtual time."""

from __future__ import annotations

import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard import relay as relays
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.relay import Relay
from fzctl.wireguard.relaypeers import MOST_WAITING
from fzctl.wireguard.stun import (
    ALLOCATE,
    CHANNEL_BIND,
    CREATE_PERMISSION,
    DATA,
    HEADER_SIZE,
    LIFETIME,
    MESSAGE_INTEGRITY,
    REFRESH,
    REQUESTED_ADDRESS_FAMILY,
    REQUESTED_TRANSPORT,
    XOR_MAPPED_ADDRESS,
    XOR_PEER_ADDRESS,
    XOR_RELAYED_ADDRESS,
    decode_message,
    encode_address,
    encode_message,
)
from fzctl.wireguard.stunproof import add_fingerprint
from fzctl.wireguard.turn import DATA_INDICATION, wrap_channel_data
from tests.wireguard.turnserver import MAPPED, PASSWORD, RELAYED, USER, FakeServer, data_indication

PEER = ("192.0.2.9", 51820)
OTHER = ("2001:db8::9", 51820)


class Talk:
    """A client and its server in virtual time; the network loses what ``loses`` says."""

    def __init__(
        self, server: FakeServer | None = None, *, password: str = PASSWORD, **options: object
    ) -> None:
        numbers = count(1)
        self.server = server or FakeServer()
        self.relay = Relay(
            "192.0.2.2:3478",
            USER,
            password,
            lambda size: next(numbers).to_bytes(size, "big"),
            **options,  # type: ignore[arg-type]
        )
        self.now = 0.0
        self.deaf = False
        self.got: list[tuple[bytes, Endpoint]] = []

    def settle(self) -> None:
        while out := self.relay.datagrams():
            for datagram in out:
                if not self.deaf:
                    for answer in self.server.take(datagram):
                        self.got += self.relay.receive(answer, self.now)

    def run(self, until: float) -> None:
        """Let time pass; whatever is due happens at its time."""
        self.settle()
        while (due := self.relay.next_timeout()) is not None and due <= until:
            assert due >= self.now
            self.now = due
            self.relay.handle_timeout(due)
            self.settle()
        self.now = until

    def ready(self) -> Talk:
        self.relay.start(self.now)
        self.settle()
        assert self.relay.is_ready
        self.relay.events()
        return self

    def send(self, payload: bytes, peer: Endpoint = PEER) -> None:
        self.relay.send(payload, peer, self.now)
        self.settle()

    def events(self) -> list[tuple[str, str]]:
        return [(each.name, str(each.error or "")) for each in self.relay.events()]


# --- the allocation -------------------------------------------------------------------------------


def test_an_address_is_asked_for_and_named() -> None:
    talk = Talk()
    assert (talk.relay.state, talk.relay.relayed, talk.relay.mapped) == (relays.NEW, None, None)
    talk.relay.start(0.0)
    assert talk.relay.state == relays.ALLOCATING
    talk.settle()
    assert talk.events() == [("ready", "")]
    assert (talk.relay.relayed, talk.relay.mapped) == (RELAYED, MAPPED)
    method, attributes = talk.server.asked[0]
    assert (method, attributes[REQUESTED_TRANSPORT]) == (ALLOCATE, bytes((17, 0, 0, 0)))
    assert REQUESTED_ADDRESS_FAMILY not in attributes


def test_an_ipv6_address_is_asked_for_by_its_family() -> None:
    talk = Talk(family=6).ready()
    assert talk.server.asked[0][1][REQUESTED_ADDRESS_FAMILY] == bytes((2, 0, 0, 0))


@pytest.mark.parametrize(
    ("lifetime", "due"), [(600, 540.0), (120, 60.0), (60, 30.0), (3600, 3540.0), (1, 1.0), (None, 540.0)]
)
def test_the_allocation_is_refreshed_before_it_expires(lifetime: int | None, due: float) -> None:
    talk = Talk(FakeServer(lifetime)).ready()
    talk.run(due - 0.01)
    assert talk.server.asked_for(REFRESH) == 0
    talk.run(due)
    assert talk.server.asked_for(REFRESH) == 1
    talk.run(2 * due)
    assert talk.server.asked_for(REFRESH) == 2
    assert talk.relay.is_ready


def test_the_next_time_is_that_of_whatever_comes_first() -> None:
    talk = Talk(FakeServer(120)).ready()
    talk.send(b"x")
    assert talk.relay.next_timeout() == 60.0
    talk = Talk().ready()
    talk.send(b"x")
    talk.send(b"x", OTHER)
    assert talk.relay.next_timeout() == 240.0


def test_a_server_that_ends_the_allocation_is_believed() -> None:
    talk = Talk().ready()
    talk.server.lifetime = 0
    talk.run(540.0)
    assert talk.relay.state == relays.FAILED
    assert "has ended the allocation" in talk.events()[0][1]


def test_an_allocation_of_no_time_is_none() -> None:
    talk = Talk(FakeServer(0))
    talk.relay.start(0.0)
    talk.settle()
    assert [name for name, _ in talk.events()] == ["failed"]
    assert talk.relay.next_timeout() is None


def test_an_answer_that_names_no_relayed_address_is_a_failure() -> None:
    talk = Talk()
    talk.server.withholds = {XOR_RELAYED_ADDRESS}
    talk.relay.start(0.0)
    talk.settle()
    problem = "its answer names none; try another relay"
    assert talk.events() == [("failed", f"cannot get an address from the relay 192.0.2.2:3478: {problem}")]


def test_who_does_not_say_how_it_sees_us_relays_all_the_same() -> None:
    talk = Talk()
    talk.server.withholds = {XOR_MAPPED_ADDRESS}
    talk.ready()
    assert (talk.relay.relayed, talk.relay.mapped) == (RELAYED, None)


def test_a_refresh_that_is_lost_is_sent_again() -> None:
    talk = Talk().ready()
    talk.run(539.0)
    talk.deaf = True
    talk.run(541.0)
    talk.deaf = False
    talk.run(550.0)
    assert talk.server.asked_for(REFRESH) == 1
    assert talk.relay.is_ready


@pytest.mark.parametrize("code", [400, 403, 420, 437, 441, 442, 486, 500, 508, 699])
def test_what_the_server_refuses_is_one_sentence_with_what_and_where(code: int) -> None:
    talk = Talk()
    talk.server.refuse[ALLOCATE] = code
    talk.relay.start(0.0)
    talk.settle()
    [(name, sentence)] = talk.events()
    assert name == "failed"
    assert sentence.startswith("cannot get an address from the relay 192.0.2.2:3478: ")
    assert str(code) in sentence
    assert talk.relay.next_timeout() is None


def test_a_wrong_password_is_told_and_not_shown() -> None:
    talk = Talk(password="looking glass")
    talk.relay.start(0.0)
    talk.settle()
    [(name, sentence)] = talk.events()
    assert name == "failed"
    assert "user name or password (401)" in sentence
    shown = repr(vars(talk.relay)) + repr(vars(talk.relay._transactions))
    assert "looking glass" not in sentence + shown


def test_a_silent_server_fails_after_39_and_a_half_seconds() -> None:
    talk = Talk()
    talk.deaf = True
    talk.relay.start(0.0)
    talk.run(39.4)
    assert talk.relay.state == relays.ALLOCATING
    talk.run(39.5)
    assert talk.relay.state == relays.FAILED
    assert "does not answer" in talk.events()[0][1]


def test_after_a_failure_it_begins_anew() -> None:
    talk = Talk()
    talk.server.refuse[ALLOCATE] = 486
    talk.relay.start(0.0)
    talk.settle()
    talk.send(b"lost")
    assert talk.relay.dropped == 1
    talk.server.refuse.clear()
    talk.ready()
    talk.send(b"arrives")
    assert [payload for payload, _, _ in talk.server.sent] == [b"arrives"]


def test_a_stale_nonce_does_not_disturb() -> None:
    talk = Talk().ready()
    for expired in range(1, 5):
        talk.server.new_nonce()
        talk.run(600.0 * expired)
    assert talk.relay.is_ready
    assert talk.server.asked_for(REFRESH) == 4
    assert talk.events() == []


# --- the end --------------------------------------------------------------------------------------


def test_stop_gives_the_address_back() -> None:
    talk = Talk().ready()
    talk.send(b"x")
    talk.relay.stop(talk.now)
    assert talk.relay.state == relays.CLOSING
    talk.settle()
    assert talk.events() == [("closed", "")]
    assert talk.server.asked[-1][1][LIFETIME] == bytes(4)
    assert (talk.relay.relayed, talk.relay.next_timeout()) == (None, None)
    talk.send(b"too late")
    assert talk.relay.dropped == 1


@pytest.mark.parametrize("code", [437, 401, 438])
def test_stop_ends_also_where_the_server_refuses(code: int) -> None:
    talk = Talk().ready()
    talk.server.refuse[REFRESH] = code
    talk.relay.stop(talk.now)
    talk.settle()
    assert talk.events() == [("closed", "")]


def test_stop_ends_also_where_nobody_hears_it() -> None:
    talk = Talk().ready()
    talk.deaf = True
    talk.relay.stop(talk.now)
    talk.run(100.0)
    assert talk.relay.state == relays.CLOSED


def test_stop_before_the_server_has_said_anything_is_the_end() -> None:
    talk = Talk()
    talk.relay.stop(0.0)
    assert talk.relay.state == relays.NEW
    talk.relay.start(0.0)
    talk.relay.stop(0.0)
    assert talk.relay.state == relays.CLOSED
    assert talk.relay.next_timeout() is None


def test_an_allocation_that_may_have_been_granted_is_given_back_too() -> None:
    talk = Talk()
    talk.relay.start(0.0)
    for datagram in talk.relay.datagrams():
        for answer in talk.server.take(datagram):
            talk.relay.receive(answer, 0.0)
    granted = talk.relay.datagrams()
    talk.relay.stop(0.0)
    for datagram in granted:
        for answer in talk.server.take(datagram):
            talk.relay.receive(answer, 0.0)
    talk.settle()
    assert [name for name, _ in talk.events()] == ["closed"]
    assert talk.server.asked[-1][1][LIFETIME] == bytes(4)


# --- peers ----------------------------------------------------------------------------------------


def test_the_first_datagrams_wait_for_the_permission_then_a_channel_carries_them() -> None:
    talk = Talk()
    talk.relay.send(b"before the start", PEER, 0.0)
    talk.relay.start(0.0)
    talk.relay.send(b"before the address", PEER, 0.0)
    talk.settle()
    talk.send(b"on the channel")
    assert talk.server.sent == [
        (b"before the start", PEER, "indication"),
        (b"before the address", PEER, "indication"),
        (b"on the channel", PEER, "channel"),
    ]
    assert [talk.server.asked_for(method) for method in (CREATE_PERMISSION, CHANNEL_BIND)] == [1, 1]
    assert talk.relay.dropped == 0


def test_only_the_latest_wait_where_the_relay_takes_its_time() -> None:
    talk = Talk()
    for number in range(MOST_WAITING + 3):
        talk.relay.send(b"%d" % number, PEER, 0.0)
    talk.ready()
    assert [payload for payload, _, _ in talk.server.sent] == [
        b"%d" % each for each in range(3, MOST_WAITING + 3)
    ]
    assert talk.relay.dropped == 3


def test_without_channels_indications_carry_it_all_until_one_is_bound() -> None:
    talk = Talk(channels=False).ready()
    talk.send(b"1")
    talk.send(b"2")
    talk.relay.bind(PEER, talk.now)
    talk.relay.bind(PEER, talk.now)
    talk.settle()
    talk.send(b"3")
    assert [how for _, _, how in talk.server.sent] == ["indication", "indication", "channel"]
    assert talk.server.asked_for(CHANNEL_BIND) == 1


def test_each_peer_has_its_channel_however_its_address_is_spelt() -> None:
    talk = Talk().ready()
    for peer in (PEER, OTHER, ("2001:DB8:0::9", 51820)):
        talk.send(b"first", peer)
    talk.relay.bind((PEER[0], 7), talk.now)
    talk.settle()
    assert talk.server.channels == {0x4000: PEER, 0x4001: OTHER, 0x4002: (PEER[0], 7)}


def test_who_sends_from_ever_new_ports_makes_us_ask_the_server_for_nothing() -> None:
    talk = Talk().ready()
    talk.send(b"let in")
    asked = len(talk.server.asked)
    for port in range(1, 200):
        talk.send(b"%d" % port, (PEER[0], port))
    assert len(talk.server.asked) == asked
    assert talk.server.sent[1:] == [(b"%d" % port, (PEER[0], port), "indication") for port in range(1, 200)]
    assert talk.relay.dropped == 0


def test_permissions_are_renewed_every_four_minutes_and_channels_every_nine() -> None:
    talk = Talk().ready()
    talk.send(b"x")
    times = []
    for second in range(1, 1200):
        before = len(talk.server.asked)
        talk.run(float(second))
        times += [(second, method) for method, _ in talk.server.asked[before:] if method != REFRESH]
    assert times == [
        (240, CREATE_PERMISSION),
        (480, CREATE_PERMISSION),
        (540, CHANNEL_BIND),
        (780, CREATE_PERMISSION),
        (1020, CREATE_PERMISSION),
        (1080, CHANNEL_BIND),
    ]


def test_a_peer_that_is_refused_is_told_once_and_asked_for_again_later() -> None:
    talk = Talk().ready()
    talk.server.refuse[CREATE_PERMISSION] = 403
    for _ in range(3):
        talk.send(b"x")
    [(name, sentence)] = talk.events()
    assert name == "warning"
    assert sentence.startswith("cannot reach 192.0.2.9:51820 through the relay 192.0.2.2:3478: it forbids")
    assert talk.relay.is_ready
    talk.server.refuse.clear()
    talk.run(4.9)
    talk.send(b"too early")
    assert talk.server.asked_for(CREATE_PERMISSION) == 1
    talk.run(5.0)
    talk.send(b"last")
    assert talk.server.sent[-1][0] == b"last"


def test_of_a_peer_that_is_refused_later_nothing_is_renewed() -> None:
    talk = Talk().ready()
    talk.send(b"x")
    talk.server.refuse[CREATE_PERMISSION] = 403
    talk.run(1200.0)
    assert [talk.server.asked_for(method) for method in (CREATE_PERMISSION, CHANNEL_BIND)] == [2, 1]
    talk.send(b"lost")
    assert talk.relay.dropped == 1


def test_a_peer_of_the_other_ip_version_is_told() -> None:
    talk = Talk().ready()
    talk.server.refuse[CREATE_PERMISSION] = 443
    talk.send(b"x", OTHER)
    assert "[2001:db8::9]:51820" in talk.events()[0][1]


def test_without_a_channel_indications_go_on() -> None:
    talk = Talk().ready()
    talk.server.refuse[CHANNEL_BIND] = 508
    talk.send(b"1")
    talk.send(b"2")
    assert [how for _, _, how in talk.server.sent] == ["indication", "indication"]
    [(name, sentence)] = talk.events()
    assert name == "warning"
    assert sentence.startswith("cannot bind a channel to 192.0.2.9:51820 on the relay 192.0.2.2:3478: ")
    assert sentence.endswith("; indications carry it all")


def test_who_gets_no_channel_is_let_in_all_the_same() -> None:
    talk = Talk().ready()
    talk.server.refuse[CHANNEL_BIND] = 403
    talk.relay.bind(PEER, talk.now)
    talk.settle()
    assert talk.server.asked_for(CREATE_PERMISSION) == 1
    assert talk.relay.receive(data_indication(b"in", PEER), talk.now) == [(b"in", PEER)]


def test_who_gets_neither_channel_nor_permission_is_told_so() -> None:
    talk = Talk().ready()
    talk.server.refuse |= {CHANNEL_BIND: 403, CREATE_PERMISSION: 403}
    talk.relay.bind(PEER, talk.now)
    talk.settle()
    assert "cannot reach 192.0.2.9:51820 through the relay" in talk.events()[-1][1]
    assert talk.server.asked_for(CREATE_PERMISSION) == 1


def test_what_is_wrong_with_an_answer_is_known_before_the_last_one_is_waited_for() -> None:
    talk = Talk()
    doubts = [talk.relay.doubt]
    talk.relay.start(0.0)
    [question] = talk.relay.datagrams()
    [challenge] = talk.server.take(question)
    talk.relay.receive(challenge, 0.0)
    [signed] = talk.relay.datagrams()
    message = decode_message(signed)
    assert message is not None
    doubts.append(talk.relay.doubt)
    talk.relay.receive(talk.server.success(message, signed=False), 0.0)
    doubts.append(talk.relay.doubt)
    assert doubts == [
        None,
        None,
        "it answers without a proof that it knows the password; check server and password",
    ]
    assert talk.relay.state == relays.ALLOCATING


def test_a_channel_that_is_not_renewed_gives_way_to_indications() -> None:
    talk = Talk().ready()
    talk.send(b"1")
    talk.server.refuse[CHANNEL_BIND] = 400
    talk.run(541.0)
    talk.send(b"2")
    assert talk.server.sent[-1][2] == "indication"
    assert talk.relay.is_ready


@pytest.mark.parametrize("method", [CREATE_PERMISSION, REFRESH])
@pytest.mark.parametrize("code", [437, 441])
def test_a_lost_allocation_is_a_failure_whichever_request_finds_it(method: int, code: int) -> None:
    talk = Talk().ready()
    talk.send(b"1")
    talk.server.refuse[method] = code
    talk.run(600.0)
    assert talk.relay.state == relays.FAILED
    assert talk.events()[0][1].startswith("cannot keep the address on the relay 192.0.2.2:3478: ")


@pytest.mark.parametrize(
    ("peer", "problem"),
    [
        (("relay.example.com", 1), '"relay.example.com" is no IP address'),
        (("192.0.2.9", 65536), "65536 is no port"),
        (("fe80::1%eth0", 1), '"fe80::1%eth0" is no IP address'),
    ],
)
def test_what_is_no_address_is_told_and_dropped(peer: Endpoint, problem: str) -> None:
    talk = Talk().ready()
    for _ in range(2):
        talk.send(b"x", peer)
    assert (
        talk.events()
        == [
            ("warning", f"cannot send through the relay 192.0.2.2:3478: {problem}"),
        ]
        * 2
    )
    assert talk.relay.dropped == 2


def test_a_channel_is_not_asked_for_before_there_is_an_address() -> None:
    talk = Talk()
    talk.relay.bind(PEER, 0.0)
    assert talk.relay.datagrams() == []
    talk.relay.start(0.0)
    talk.relay.bind(PEER, 0.0)
    assert len(talk.relay.datagrams()) == 1


def test_a_datagram_that_fits_no_message_is_dropped() -> None:
    talk = Talk().ready()
    talk.send(b"x")
    talk.send(bytes(65001))
    assert talk.relay.dropped == 1


# --- what comes in --------------------------------------------------------------------------------


def test_payloads_come_with_their_peer_on_channels_and_in_indications() -> None:
    talk = Talk().ready()
    spelt = ("2001:DB8::9", 51820)
    talk.send(b"x", spelt)
    assert talk.relay.receive(wrap_channel_data(0x4000, b"in") + b"\0\0", talk.now) == [(b"in", spelt)]
    assert talk.relay.receive(data_indication(b"in", OTHER), talk.now) == [(b"in", spelt)]
    # Behind its router a peer may have another port.
    moved = (OTHER[0], 9)
    assert talk.relay.receive(data_indication(b"in", moved), talk.now) == [(b"in", moved)]


def test_an_indication_without_its_peer_or_its_payload_brings_nothing() -> None:
    talk = Talk().ready()
    talk.send(b"x")
    transaction = bytes(range(12))
    peer = XOR_PEER_ADDRESS, encode_address(PEER, transaction)
    for attributes, brought in (
        ([peer, (DATA, b"in")], [(b"in", PEER)]),
        ([peer, (DATA, b"")], [(b"", PEER)]),
        ([peer], []),
        ([(DATA, b"in")], []),
    ):
        datagram = encode_message(DATA_INDICATION, transaction, attributes)
        assert talk.relay.receive(datagram, talk.now) == brought


def test_nothing_comes_in_from_whom_we_did_not_permit() -> None:
    talk = Talk().ready()
    for datagram in (wrap_channel_data(0x4000, b"in"), data_indication(b"in", PEER)):
        assert talk.relay.receive(datagram, talk.now) == []
    talk.relay.send(b"asked for, not granted", OTHER, talk.now)
    assert talk.relay.receive(wrap_channel_data(0x4000, b"in"), talk.now) == []
    talk.settle()
    for datagram in (wrap_channel_data(0x4001, b"in"), data_indication(b"in", PEER)):
        assert talk.relay.receive(datagram, talk.now) == []


def test_a_channels_data_may_come_before_the_answer_that_binds_it() -> None:
    talk = Talk().ready()
    talk.relay.send(b"x", PEER, talk.now)
    for datagram in talk.relay.datagrams():
        for answer in talk.server.take(datagram):
            talk.relay.receive(answer, talk.now)
    assert talk.relay.receive(wrap_channel_data(0x4000, b"in"), talk.now) == [(b"in", PEER)]


def test_a_lossy_way_only_takes_longer() -> None:
    talk = Talk()
    chance = random.Random(7)
    talk.relay.start(0.0)
    talk.relay.send(b"x", PEER, 0.0)
    while talk.now < 200.0:
        for datagram in talk.relay.datagrams():
            if chance.random() < 0.5:
                for answer in talk.server.take(datagram):
                    if chance.random() < 0.5:
                        talk.relay.receive(answer, talk.now)
        talk.now += 0.25
        talk.relay.handle_timeout(talk.now)
    assert talk.relay.is_ready
    assert talk.server.channels == {0x4000: PEER}


@given(st.data())
def test_no_changed_answer_of_a_server_that_knows_us_is_believed(data: st.DataObject) -> None:
    """Every signed answer is seen broken first; only the true ones lead to the channel."""
    talk = Talk()
    talk.relay.start(0.0)
    talk.relay.send(b"payload", PEER, 0.0)
    while out := talk.relay.datagrams():
        for answer in [answer for datagram in out for answer in talk.server.take(datagram)]:
            before = (talk.relay.state, talk.relay.relayed, talk.relay.next_timeout())
            for broken in (mutated(answer, data), mutated(answer, data)):
                if has_integrity(answer) and broken != answer:
                    assert talk.relay.receive(broken, talk.now) == []
                    assert talk.relay.datagrams() == []
                    assert (talk.relay.state, talk.relay.relayed, talk.relay.next_timeout()) == before
            talk.relay.receive(answer, talk.now)
    assert talk.relay.is_ready
    assert talk.server.channels == {0x4000: PEER}


@given(st.data())
def test_a_changed_challenge_does_no_worse_than_a_failure(data: st.DataObject) -> None:
    talk = Talk()
    talk.relay.start(0.0)
    for answer in talk.server.take(talk.relay.datagrams()[0]):
        talk.relay.receive(mutated(answer, data), talk.now)
    talk.settle()
    talk.run(60.0)
    assert talk.relay.state in (relays.READY, relays.FAILED)


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_any_datagrams_are_taken(datagrams: list[bytes]) -> None:
    talk = Talk().ready()
    talk.send(b"x")
    for datagram in datagrams:
        for payload, _ in talk.relay.receive(datagram, talk.now):
            assert payload in datagram
        message = decode_message(datagram)
        assert message is None or talk.relay.is_ready


def has_integrity(datagram: bytes) -> bool:
    message = decode_message(datagram)
    return message is not None and MESSAGE_INTEGRITY in message.attributes


def mutated(datagram: bytes, data: st.DataObject) -> bytes:
    """Some bytes changed, the end perhaps lost; FINGERPRINT, which everybody can make, is made right."""
    broken = bytearray(datagram[:-8])
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    whole = len(broken) // 4
    cut = broken[: 4 * data.draw(st.integers(5, whole) | st.just(whole))]
    cut[2:4] = (len(cut) - HEADER_SIZE).to_bytes(2, "big")
    return add_fingerprint(bytes(cut))
