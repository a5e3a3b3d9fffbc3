"""One remote: the rules of whitepaper section 6, in a time that the tests make."""

from __future__ import annotations

import itertools

import pytest

from fzctl.wireguard import timers
from fzctl.wireguard.events import COOKIE_GIVEN, COOKIE_TAKEN, DROPPED, ESTABLISHED, GAVE_UP, ROAMED, Event
from fzctl.wireguard.keylog import format_keylog, parse_keylog
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import (
    COOKIE_REPLY,
    INITIATION,
    KEEPALIVE_SIZE,
    NO_MAC,
    RESPONSE,
    TRANSPORT,
    CookieReply,
    Initiation,
    Response,
    Transport,
    message_type,
    parse,
)
from fzctl.wireguard.noise import NO_PSK
from fzctl.wireguard.peer import NO_ENDPOINT, QUEUED, SENT
from fzctl.wireguard.refusals import EXPIRED, NEEDS_COOKIE, OLD_TIMESTAMP, REPLAYED, TOO_SOON
from fzctl.wireguard.results import AUTHENTICATION_FAILED, NO_HANDSHAKE, OK
from tests.wireguard.lab import CONTROL, IPV4_PACKET, PSK, A, B
from tests.wireguard.wire import AT_A, AT_B, Two, Wire, remote

# A handshake every REKEY_TIMEOUT, a third of a second later at most.
RETRY = timers.REKEY_TIMEOUT + timers.REKEY_JITTER


def always(now: float) -> bool:
    return True


# --- handshakes ---


@pytest.mark.parametrize("psk", [NO_PSK, PSK], ids=["no psk", "psk"])
def test_a_packet_waits_for_the_handshake_that_it_begins_and_answers_come_back(psk: Secret) -> None:
    two = Two(psk)
    assert two.a_sends(CONTROL) == QUEUED
    two.wire.run(1)
    assert two.b.packets == [CONTROL]
    assert two.wire.types() == [INITIATION, RESPONSE, TRANSPORT]
    assert two.b_sends(IPV4_PACKET) == SENT
    two.wire.run(1)
    assert two.a.packets == [IPV4_PACKET]
    assert two.a.told(ESTABLISHED) == [Event(ESTABLISHED, B.public, AT_B, "initiator")]
    assert two.b.told(ESTABLISHED) == [Event(ESTABLISHED, A.public, AT_A, "responder")]


def test_without_a_packet_the_initiator_confirms_at_once_with_a_keepalive() -> None:
    two = Two()
    two.connect()
    assert two.wire.types() == [INITIATION, RESPONSE, TRANSPORT]
    assert len(two.wire.sent[2][2]) == KEEPALIVE_SIZE
    assert two.b.packets == []


def test_the_responder_sends_nothing_before_the_initiators_first_message() -> None:
    two = Two()
    two.wire.loses = lambda datagram: message_type(datagram) == TRANSPORT
    two.to_b.initiate(0)
    two.wire.run(0.1)
    assert not two.to_a.is_connected(two.wire.now)
    assert two.b_sends(CONTROL) == QUEUED
    two.wire.run(0.1)
    assert TRANSPORT not in two.wire.types(source=AT_B)
    two.wire.loses = lambda datagram: False
    two.a_sends(IPV4_PACKET)
    two.wire.run(0.1)
    assert two.a.packets == [CONTROL]
    assert two.b.packets == [IPV4_PACKET]


@pytest.mark.parametrize("start", [0, 1000])
def test_an_answer_that_is_under_way_does_not_keep_a_waiting_packet_for_ever(start: float) -> None:
    """The initiator never confirms: after REKEY_TIMEOUT the responder begins a handshake itself."""
    two = Two()
    two.wire.run(start)
    two.wire.loses = lambda datagram: message_type(datagram) == TRANSPORT
    two.to_b.initiate(start)
    two.wire.run(0.1)
    two.b_sends(CONTROL)
    assert INITIATION not in two.wire.types(source=AT_B)
    two.wire.loses = lambda datagram: False
    two.wire.run(RETRY)
    assert two.a.packets == [CONTROL]


def test_initiations_are_repeated_every_five_seconds_and_given_up_after_ninety() -> None:
    two = Two()
    two.wire.loses = lambda datagram: True
    two.a_sends(CONTROL)
    two.a_sends(CONTROL)
    two.wire.run(300)
    times = [time for time, _, _ in two.wire.sent]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert set(two.wire.types()) == {INITIATION}
    assert all(timers.REKEY_TIMEOUT <= gap <= RETRY for gap in gaps)
    assert len(set(gaps)) > 5  # jitter
    assert 85 < times[-1] < timers.REKEY_ATTEMPT_TIME
    assert [event.dropped for event in two.a.told(GAVE_UP)] == [2]
    assert two.to_b.waiting == 0


def test_after_giving_up_the_next_packet_tries_anew() -> None:
    two = Two()
    two.wire.loses = lambda datagram: True
    two.a_sends(CONTROL)
    two.wire.run(100)
    two.wire.loses = lambda datagram: False
    two.a_sends(IPV4_PACKET)
    two.wire.run(1)
    assert two.b.packets == [IPV4_PACKET]


def test_ninety_seconds_are_counted_from_the_packet_that_wants_a_session() -> None:
    two = Two()
    two.wire.loses = lambda datagram: True
    two.wire.run(1000)
    two.a_sends(CONTROL)
    two.wire.run(300)
    assert 1085 < two.wire.sent[-1][0] < 1000 + timers.REKEY_ATTEMPT_TIME


@pytest.mark.parametrize(("after", "reason"), [(100, OK), (640, NO_HANDSHAKE)])
def test_an_answer_after_giving_up_counts_until_all_is_forgotten(after: float, reason: str) -> None:
    two = Two()
    two.wire.loses = lambda datagram: True
    two.a_sends(CONTROL)
    two.wire.run(after)
    assert two.b.device.receive(two.wire.sent[-1][2], AT_A, two.wire.now) == OK
    ((response, _),) = two.b.device.datagrams()
    assert two.a.device.receive(response, AT_B, two.wire.now) == reason


def test_each_attempt_has_a_key_an_index_and_a_later_timestamp_of_its_own() -> None:
    two = Two()
    two.wire.loses = lambda datagram: True
    two.a_sends(CONTROL)
    two.wire.run(30)
    messages = [parse(datagram) for _, _, datagram in two.wire.sent]
    assert all(isinstance(message, Initiation) for message in messages)
    assert len({message.sender for message in messages if isinstance(message, Initiation)}) == len(messages)
    assert len({message.ephemeral for message in messages if isinstance(message, Initiation)}) == len(
        messages
    )


def test_initiations_that_are_asked_for_stay_twenty_milliseconds_apart() -> None:
    two = Two()
    for _ in range(3):
        two.to_b.initiate(0)
    two.wire.run(0.01)
    assert two.wire.types(source=AT_A) == [INITIATION]
    two.to_b.initiate(two.wire.now)
    two.wire.run(1)
    times = [time for time, source, datagram in two.wire.sent if message_type(datagram) == INITIATION]
    assert all(b - a >= timers.BETWEEN_INITIATIONS for a, b in itertools.pairwise(times))
    assert two.b.refused == {}


def test_a_handshake_that_came_meanwhile_is_not_begun_again() -> None:
    two = Two()
    for _ in range(2):
        two.to_b.initiate(0)
    two.wire.run(1)
    assert two.wire.types() == [INITIATION, RESPONSE, TRANSPORT]


def test_a_second_handshake_can_be_asked_for_at_once() -> None:
    two = Two()
    two.connect()
    two.connect()
    assert two.wire.types().count(RESPONSE) == 2
    assert len(two.b.told(ESTABLISHED)) == 2


def test_timestamps_increase_even_where_the_callers_clock_steps_back() -> None:
    two = Two()
    two.to_b.initiate(100.0)
    two.to_b.handle_timeout(200.0)
    two.to_b.initiate(200.0)
    two.to_b.initiate(-50.0)
    two.to_b.handle_timeout(300.0)
    two.wire.run(0.2)
    stamps = []
    for _, _, datagram in two.wire.sent:
        if message_type(datagram) == INITIATION:
            stamps.append(datagram)
    other = Wire().add(B, AT_B, remote(A))
    now = 0.0
    for datagram in stamps:
        now += 1
        assert other.device.receive(datagram, AT_A, now) == OK
    assert len(stamps) >= 3


def test_a_system_clock_that_steps_back_between_runs_is_refused_as_a_replay() -> None:
    two = Two()
    two.connect()
    again = Wire()
    again.now = two.wire.now
    younger = again.add(A, AT_A, remote(B, AT_B), time_ns=1_600_000_000_000_000_000)
    younger.device.peer(B.public).initiate(again.now)
    ((datagram, _),) = younger.device.datagrams()
    assert two.b.device.receive(datagram, AT_A, two.wire.now + 1) == OLD_TIMESTAMP


def test_a_replayed_initiation_is_refused_and_changes_nothing() -> None:
    two = Two()
    two.connect()
    initiation = two.wire.sent[0][2]
    session = two.to_a.keypairs.current
    assert two.b.device.receive(initiation, ("203.0.113.9", 9), two.wire.now + 10) == OLD_TIMESTAMP
    assert two.to_a.keypairs.current is session
    assert two.to_a.keypairs.next is None
    assert two.to_a.endpoint == AT_A
    assert two.b.device.datagrams() == []


def test_a_flood_of_fresh_initiations_is_refused() -> None:
    two = Two()
    for now in (0.0, 1.0):
        two.to_b.initiate(now)
    first, second = (datagram for datagram, _ in two.a.device.datagrams())
    assert two.b.device.receive(first, AT_A, 1.0) == OK
    assert two.b.device.receive(second, AT_A, 1.019) == TOO_SOON
    assert two.b.device.receive(second, AT_A, 1.021) == OK


def test_a_lost_response_costs_one_timeout() -> None:
    two = Two()
    lost = iter([True])
    two.wire.loses = lambda datagram: message_type(datagram) == RESPONSE and next(lost, False)
    two.a_sends(CONTROL)
    two.wire.run(5 + 1)
    assert two.b.packets == [CONTROL]
    assert two.wire.types() == [INITIATION, RESPONSE, INITIATION, RESPONSE, TRANSPORT]


def test_both_begin_at_the_same_time_and_both_ways_work() -> None:
    wire = Wire()
    a = wire.add(A, AT_A, remote(B, AT_B))
    b = wire.add(B, AT_B, remote(A, AT_A))
    assert a.device.send(CONTROL, 0) == b.device.send(IPV4_PACKET, 0) == QUEUED
    wire.run(1)
    assert (a.packets, b.packets) == ([IPV4_PACKET], [CONTROL])
    assert a.device.send(CONTROL, wire.now) == b.device.send(IPV4_PACKET, wire.now) == SENT
    wire.run(1)
    assert (a.packets, b.packets) == ([IPV4_PACKET] * 2, [CONTROL] * 2)
    assert a.refused == b.refused == {}


def test_another_psk_is_refused_by_the_initiator_and_nothing_is_sent() -> None:
    wire = Wire()
    a = wire.add(A, AT_A, remote(B, AT_B, PSK))
    b = wire.add(B, AT_B, remote(A))
    a.device.send(CONTROL, 0)
    wire.run(1)
    assert a.refused == {AUTHENTICATION_FAILED: 1}
    assert b.packets == []
    assert TRANSPORT not in wire.types()


def test_a_response_counts_once_and_only_for_the_handshake_under_way() -> None:
    two = Two()
    two.connect()
    response = two.wire.sent[1][2]
    assert two.a.device.receive(response, AT_B, two.wire.now) == NO_HANDSHAKE


def test_where_nobody_knows_the_endpoint_nothing_waits() -> None:
    two = Two()
    assert two.b_sends(CONTROL) == NO_ENDPOINT
    assert not two.to_a.initiate(0)
    assert two.to_a.next_timeout() is None
    assert two.wire.sent == []


def test_too_many_waiting_packets_push_the_oldest_out() -> None:
    two = Two()
    two.wire.loses = lambda datagram: True
    for number in range(timers.QUEUE_SIZE + 3):
        two.a_sends(IPV4_PACKET[:20] + number.to_bytes(28, "big"))
    assert two.to_b.waiting == timers.QUEUE_SIZE
    assert len(two.a.told(DROPPED)) == 3
    two.wire.loses = lambda datagram: False
    two.wire.run(6)
    assert [packet[-1] for packet in two.b.packets] == [*range(3, timers.QUEUE_SIZE + 3)]
    assert two.to_b.withdraw() == 0


def test_what_waits_can_be_taken_back() -> None:
    two = Two()
    two.a_sends(CONTROL)
    assert two.to_b.withdraw() == 1
    two.wire.run(1)
    assert two.b.packets == []


# --- sessions in time ---


def chat(two: Two, seconds: int) -> None:
    """A packet each way every second."""
    for _ in range(seconds):
        assert two.a_sends(CONTROL) == SENT
        assert two.b_sends(IPV4_PACKET) == SENT
        two.wire.run(1)


def test_the_initiator_begins_anew_after_120_seconds_and_no_packet_is_lost() -> None:
    two = Two()
    two.connect()
    chat(two, 119)
    assert two.wire.types().count(INITIATION) == 1
    chat(two, 281)
    begun = [source for _, source, datagram in two.wire.sent if message_type(datagram) == INITIATION]
    assert begun == [AT_A] * 4
    assert len(two.b.packets) == len(two.a.packets) == 400
    assert two.a.refused == two.b.refused == {}


def test_the_responder_does_not_begin_anew_while_the_session_lasts() -> None:
    two = Two()
    two.connect()
    two.wire.loses = lambda datagram: message_type(datagram) == TRANSPORT
    two.wire.run(150)
    since = two.wire.now
    two.b_sends(CONTROL)
    two.wire.run(5)
    assert INITIATION not in two.wire.types(since, AT_B)


def test_an_initiator_that_only_receives_begins_anew_before_the_end() -> None:
    two = Two()
    two.connect()
    for _ in range(170):
        two.b_sends(CONTROL)
        two.wire.run(1)
    begun = [time for time, source, datagram in two.wire.sent if message_type(datagram) == INITIATION]
    assert len(begun) == 2
    # Its own keepalives are older than 120 s before, so they begin it.
    assert timers.REKEY_AFTER_TIME <= begun[1] <= timers.LAST_MINUTE + 1
    assert len(two.a.packets) == 170


def test_the_last_minute_of_a_session_begins_one_handshake_without_sending_data() -> None:
    two = Two()
    two.connect()
    two.wire.now = two.to_b.keypairs.current.born + timers.LAST_MINUTE  # type: ignore[union-attr]
    two.to_a.keepalive(two.wire.now)
    ((keepalive, _),) = two.b.device.datagrams()
    assert two.a.device.receive(keepalive, AT_B, two.wire.now) == OK
    assert [message_type(one) for one, _ in two.a.device.datagrams()] == [INITIATION]


def test_after_180_seconds_nothing_is_sent_nor_taken_under_a_session() -> None:
    two = Two()
    two.connect()
    two.wire.loses = lambda datagram: True
    two.wire.run(170)
    two.b_sends(CONTROL)
    late = two.wire.sent[-1][2]
    two.wire.run(11)
    assert two.a.device.receive(late, AT_B, two.wire.now) == EXPIRED
    assert two.b_sends(CONTROL) == QUEUED
    assert two.a_sends(CONTROL) == QUEUED


def test_rekey_after_so_many_messages() -> None:
    two = Two()
    two.connect()
    session = two.to_b.keypairs.current
    assert session is not None
    two.wire.run(10)
    session.counter = timers.REKEY_AFTER_MESSAGES - 1
    since = two.wire.now
    assert two.a_sends(CONTROL) == SENT
    two.wire.run(1)
    assert INITIATION in two.wire.types(since)
    assert two.to_b.keypairs.current is not session
    assert two.b.packets == [CONTROL]


def test_the_responder_begins_anew_by_count_too() -> None:
    two = Two()
    two.connect()
    session = two.to_a.keypairs.current
    assert session is not None
    two.wire.run(10)
    session.counter = timers.REKEY_AFTER_MESSAGES
    since = two.wire.now
    two.b_sends(CONTROL)
    assert two.wire.types(since, AT_B) == [TRANSPORT, INITIATION]


def test_a_session_ends_before_its_counter_does() -> None:
    two = Two()
    two.connect()
    session = two.to_b.keypairs.current
    assert session is not None
    two.wire.run(10)
    session.counter = timers.REJECT_AFTER_MESSAGES
    assert two.a_sends(CONTROL) == QUEUED
    sealed = session.seal(CONTROL, padded=True)
    assert two.b.device.receive(sealed, AT_A, two.wire.now) == EXPIRED
    two.wire.run(1)
    assert two.b.packets == [CONTROL]


def test_late_packets_of_the_session_before_are_taken() -> None:
    two = Two()
    two.connect()
    two.wire.loses = lambda datagram: True
    two.a_sends(CONTROL)
    late = two.wire.sent[-1][2]
    two.wire.loses = lambda datagram: False
    two.connect()
    assert two.b.device.receive(late, AT_A, two.wire.now) == OK
    two.connect()
    two.connect()
    assert two.b.device.receive(late, AT_A, two.wire.now) == NO_HANDSHAKE


def test_all_keys_are_forgotten_after_nine_minutes() -> None:
    two = Two()
    two.connect()
    two.wire.loses = lambda datagram: True
    two.wire.run(timers.FORGET_TIME + 1)
    assert list(two.to_b.keypairs) == list(two.to_a.keypairs) == []
    assert two.to_b.next_timeout() is None
    assert two.to_b.indices() == set()


# --- keepalives ---


def test_who_only_receives_says_so_after_ten_seconds() -> None:
    two = Two()
    two.connect()
    since = two.wire.now
    two.a_sends(CONTROL)
    two.wire.run(9.9)
    assert two.wire.types(since, AT_B) == []
    two.wire.run(0.3)
    assert two.wire.types(since, AT_B) == [TRANSPORT]
    assert len(two.wire.sent[-1][2]) == KEEPALIVE_SIZE
    two.wire.run(60)
    assert len(two.wire.types(since)) == 2


def test_data_that_came_meanwhile_bring_one_more_keepalive() -> None:
    two = Two()
    two.connect()
    since = two.wire.now
    two.a_sends(CONTROL)
    two.a_sends(CONTROL)
    two.wire.run(19.9)
    assert two.wire.types(since, AT_B) == [TRANSPORT]
    two.wire.run(10)
    assert two.wire.types(since, AT_B) == [TRANSPORT, TRANSPORT]
    two.wire.run(60)
    assert two.wire.types(since, AT_B) == [TRANSPORT, TRANSPORT]


def test_an_answer_takes_the_keepalives_place() -> None:
    two = Two()
    two.connect()
    two.a_sends(CONTROL)
    two.wire.run(5)
    since = two.wire.now
    two.b_sends(IPV4_PACKET)
    two.wire.run(9)
    assert two.wire.types(since) == [TRANSPORT]


def test_silence_for_fifteen_seconds_after_data_begins_a_new_handshake() -> None:
    two = Two()
    two.connect()
    two.wire.loses = lambda datagram: message_type(datagram) == TRANSPORT
    since = two.wire.now
    two.a_sends(CONTROL)
    two.wire.run(14.9)
    assert INITIATION not in two.wire.types(since)
    two.wire.run(1)
    assert two.wire.types(since, AT_A).count(INITIATION) == 1


def test_further_data_do_not_put_the_end_of_patience_off() -> None:
    two = Two()
    two.connect()
    two.wire.loses = lambda datagram: True
    since = two.wire.now
    for _ in range(4):
        two.a_sends(CONTROL)
        two.wire.run(4)
    assert INITIATION in two.wire.types(since, AT_A)


def test_a_keepalive_has_no_place_behind_packets_that_wait() -> None:
    two = Two()
    two.a_sends(CONTROL)
    assert two.to_b.keepalive(two.wire.now) == QUEUED
    two.wire.run(1)
    assert two.wire.types() == [INITIATION, RESPONSE, TRANSPORT]
    assert two.b.packets == [CONTROL]


def test_who_is_called_keeps_the_tunnel_open_too_where_its_config_says_so() -> None:
    wire = Wire()
    a = wire.add(A, AT_A, remote(B, AT_B))
    wire.add(B, AT_B, remote(A, keepalive=25))
    a.device.send(CONTROL, wire.now)
    wire.run(100)
    assert wire.types(20, AT_B) == [TRANSPORT] * 3


def test_a_persistent_keepalive_opens_the_tunnel_and_keeps_it_open_by_itself() -> None:
    two = Two(keepalive=25)
    two.wire.run(101)
    assert two.to_a.is_connected(two.wire.now)
    times = [
        time for time, source, datagram in two.wire.sent if len(datagram) == KEEPALIVE_SIZE and source == AT_A
    ]
    assert [round(time) for time in times] == [0, 25, 50, 75, 100]
    two.wire.run(400)
    assert two.to_a.is_connected(two.wire.now)


def test_a_persistent_keepalive_opens_the_tunnel_whenever_the_other_end_comes() -> None:
    two = Two(keepalive=25)
    two.wire.loses = lambda datagram: True
    two.wire.run(1000)
    two.wire.loses = lambda datagram: False
    two.wire.run(60)
    assert two.to_a.is_connected(two.wire.now)


def test_other_traffic_puts_a_persistent_keepalive_off() -> None:
    two = Two(keepalive=25)
    two.wire.run(20)
    two.a_sends(CONTROL)
    two.wire.run(20)
    two.b_sends(CONTROL)
    since = two.wire.now
    two.wire.run(24.9)
    # Only the answer to what came, ten seconds later, and from then on it counts anew.
    assert two.wire.types(since, AT_A) == [TRANSPORT]
    two.wire.run(11)
    assert two.wire.types(since, AT_A) == [TRANSPORT, TRANSPORT]


def test_without_it_nothing_happens_by_itself() -> None:
    two = Two()
    two.wire.run(1000)
    assert two.wire.sent == []
    assert two.a.device.next_timeout() is None


# --- the wire ---


def test_packets_are_padded_with_zeros_to_sixteen_and_trimmed_on_the_other_side() -> None:
    two = Two()
    two.connect()
    packet = IPV4_PACKET[:2] + b"\x00\x15" + IPV4_PACKET[4:21]
    two.a_sends(packet)
    assert len(two.wire.sent[-1][2]) == KEEPALIVE_SIZE + 32
    two.to_b.send(packet, two.wire.now)
    two.to_b.send(packet, two.wire.now, padded=False)
    two.wire.run(1)
    assert [len(datagram) - KEEPALIVE_SIZE for _, _, datagram in two.wire.sent[-2:]] == [32, 21]
    assert two.b.packets == [packet] * 3


def test_a_packet_that_waits_for_a_session_keeps_its_size() -> None:
    two = Two()
    packet = IPV4_PACKET[:2] + b"\x00\x15" + IPV4_PACKET[4:21]
    for padded in (False, True):
        assert two.to_b.send(packet, two.wire.now, padded=padded) == QUEUED
    two.wire.run(1)
    assert [len(datagram) for _, _, datagram in two.wire.sent[-2:]] == [
        KEEPALIVE_SIZE + 21,
        KEEPALIVE_SIZE + 32,
    ]


def test_a_datagram_that_comes_twice_is_taken_once() -> None:
    two = Two()
    two.wire.copies = 2
    two.connect()
    for _ in range(5):
        two.a_sends(CONTROL)
    two.wire.run(1)
    assert two.b.packets == [CONTROL] * 5
    assert two.b.refused[REPLAYED] == 6  # the keepalive, too


def test_packets_out_of_order_are_all_taken() -> None:
    two = Two()
    two.connect()
    delays = iter([0.5, 0.1, 0.4, 0.2, 0.3] + [0.01] * 50)
    two.wire.delay = lambda: next(delays)
    sent = [IPV4_PACKET[:20] + number.to_bytes(28, "big") for number in range(5)]
    for packet in sent:
        two.a_sends(packet)
    two.wire.run(1)
    assert [packet[-1] for packet in two.b.packets] == [1, 3, 4, 2, 0]
    assert two.b.refused == {}


def test_the_endpoint_follows_authentic_datagrams_only() -> None:
    two = Two()
    two.connect()
    elsewhere = ("2001:db8::7", 4000)
    two.a_sends(CONTROL)
    datagram = two.wire.sent[-1][2]
    forged = datagram[:-1] + bytes((datagram[-1] ^ 1,))
    assert two.b.device.receive(forged, elsewhere, two.wire.now) == AUTHENTICATION_FAILED
    assert two.to_a.endpoint == AT_A
    assert two.b.device.receive(datagram, elsewhere, two.wire.now) == OK
    assert two.to_a.endpoint == elsewhere
    assert two.b.device.receive(datagram, AT_A, two.wire.now) == REPLAYED
    assert two.to_a.endpoint == elsewhere
    two.wire.pump()
    assert [(event.endpoint, event.detail) for event in two.b.told(ROAMED)] == [
        (elsewhere, "192.0.2.1:51820")
    ]


def test_a_peer_that_moves_gets_its_answers_there() -> None:
    two = Two()
    two.connect()
    two.wire.move(two.a, ("203.0.113.5", 1))
    two.a_sends(CONTROL)
    two.wire.run(0.1)
    two.b_sends(IPV4_PACKET)
    two.wire.run(0.1)
    assert two.a.packets == [IPV4_PACKET]


# --- cookies ---


@pytest.mark.parametrize("start", [0, 1000])
def test_under_load_an_initiator_has_to_bring_the_cookie_that_it_was_given(start: float) -> None:
    two = Two(load_b=always)
    two.wire.run(start)
    two.a_sends(CONTROL)
    two.wire.run(0.1)
    assert two.wire.types() == [INITIATION, COOKIE_REPLY]
    assert two.b.refused == {NEEDS_COOKIE: 1}
    assert [len(two.a.told(COOKIE_TAKEN)), len(two.b.told(COOKIE_GIVEN))] == [1, 1]
    two.wire.run(RETRY)
    assert two.wire.types() == [INITIATION, COOKIE_REPLY, INITIATION, RESPONSE, TRANSPORT]
    assert two.b.packets == [CONTROL]
    assert two.b.told(ESTABLISHED)


def test_under_load_a_responder_has_to_bring_a_cookie_too() -> None:
    two = Two(load_a=always)
    two.a_sends(CONTROL)
    two.wire.run(RETRY + 0.1)
    assert two.wire.types() == [INITIATION, RESPONSE, COOKIE_REPLY, INITIATION, RESPONSE, TRANSPORT]
    assert two.b.packets == [CONTROL]


def test_a_cookie_is_used_for_two_minutes_and_no_longer() -> None:
    two = Two(load_b=always)
    two.a_sends(CONTROL)
    two.wire.run(100)
    two.to_b.initiate(two.wire.now)
    two.wire.run(0.1)
    assert two.wire.types(100, AT_A)[0] == INITIATION
    assert two.wire.types(100, AT_B) == [RESPONSE]
    two.wire.run(timers.COOKIE_TIME)
    since = two.wire.now
    two.to_b.initiate(since)
    two.wire.run(0.1)
    assert two.wire.types(since, AT_B) == [COOKIE_REPLY]
    datagram = next(one for time, _, one in two.wire.sent if time == since)
    assert datagram[-16:] == NO_MAC


def test_a_forged_or_repeated_cookie_reply_is_refused() -> None:
    two = Two(load_b=always)
    two.to_b.initiate(0)
    two.wire.run(0.015)
    reply = two.wire.sent[-1][2]
    assert message_type(reply) == COOKIE_REPLY
    forged = reply[:-1] + bytes((reply[-1] ^ 1,))
    assert two.a.device.receive(forged, AT_B, 0.02) == AUTHENTICATION_FAILED
    assert two.a.device.receive(reply, AT_B, 0.02) == OK
    assert two.a.device.receive(reply, AT_B, 0.02) == NO_HANDSHAKE


def test_a_cookie_that_nothing_was_asked_for_is_refused() -> None:
    assert Two().to_b.take_cookie(CookieReply(7, bytes(24), bytes(32)), 0.0) == NO_HANDSHAKE


# --- keys ---


def test_the_key_log_tells_of_each_handshake_before_it_is_on_the_wire() -> None:
    two = Two(PSK)
    two.to_b.initiate(0)
    assert [entry.kind for entry in two.a.device.key_entries()] == [
        "LOCAL_STATIC_PRIVATE_KEY",
        "REMOTE_STATIC_PUBLIC_KEY",
        "LOCAL_EPHEMERAL_PRIVATE_KEY",
        "PRESHARED_KEY",
    ]
    two.wire.run(1)
    log = parse_keylog(format_keylog(two.b.keys), "keys")
    assert log.warnings == ()
    assert len(log.psk_of()) == 1
    answered = next(parse(datagram) for _, source, datagram in two.wire.sent if source == AT_B)
    assert isinstance(answered, Response)
    assert PrivateKey(two.b.keys[2].key.raw).public == answered.ephemeral


def test_the_ephemeral_key_in_the_log_is_that_of_the_initiation() -> None:
    two = Two()
    two.to_b.initiate(0)
    message = parse(two.a.device.datagrams()[0][0])
    assert isinstance(message, Initiation)
    assert PrivateKey(two.a.device.key_entries()[2].key.raw).public == message.ephemeral


def test_no_key_shows_in_any_text_form() -> None:
    two = Two(PSK)
    two.connect()
    shown = [
        repr(two.to_b.config),
        repr(two.a.keys),
        repr(two.a.events),
        repr(two.to_b),
        repr(two.to_b.keypairs.current),
    ]
    for text in shown:
        assert PSK.raw.hex() not in text
        assert repr(PSK.raw) not in text
        assert repr(A.raw) not in text
    assert "hidden" in shown[0]


def test_the_index_of_a_session_in_use_is_not_given_again() -> None:
    two = Two()
    two.connect()
    (used,) = two.to_b.indices()
    since = two.wire.now
    two.wire.loses = lambda datagram: True
    for _ in range(300):
        two.to_b.initiate(two.wire.now)
        two.wire.run(0.05)
    messages = [parse(datagram) for time, _, datagram in two.wire.sent if time > since]
    given = {message.sender for message in messages if isinstance(message, Initiation)}
    assert len(given) == 255
    assert used not in given


def test_the_index_of_a_handshake_under_way_is_in_use() -> None:
    two = Two()
    two.to_b.initiate(0)
    message = parse(two.a.device.datagrams()[0][0])
    assert isinstance(message, Initiation)
    assert two.to_b.indices() == {message.sender}


def test_sessions_have_indices_of_their_own() -> None:
    two = Two()
    for _ in range(300):
        two.connect()
    assert len(two.to_b.indices()) == 2
    messages = [parse(datagram) for _, _, datagram in two.wire.sent]
    responses = [message for message in messages if isinstance(message, Response)]
    assert len({response.receiver for response in responses}) == 256
    assert len({response.receiver >> 8 for response in responses}) == 1
    transports = [message for message in messages if isinstance(message, Transport)]
    assert {message.receiver for message in transports} == {response.sender for response in responses}
