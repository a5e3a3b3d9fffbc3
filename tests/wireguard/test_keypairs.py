"""The three sessions, and what each seals and opens."""

from __future__ import annotations

from fzctl.wireguard.keylog import TRANSPORT_KEY
from fzctl.wireguard.keypairs import Keypair, Keypairs
from fzctl.wireguard.messages import TRANSPORT_HEADER, Transport, parse
from fzctl.wireguard.timers import REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME
from tests.wireguard.lab import IPV4_PACKET, shake_hands


def pair(now: float = 0.0) -> tuple[Keypair, Keypair]:
    lab = shake_hands()
    ours, theirs = lab.initiator_index, lab.responder_index
    return Keypair(ours, theirs, lab.keys, now, initiator=True), Keypair(
        theirs, ours, lab.keys, now, initiator=False
    )


def test_what_one_end_seals_the_other_opens_with_counters_from_zero() -> None:
    ends = pair()
    for sender, receiver in (ends, ends[::-1]):
        for number in range(3):
            message = parse(sender.seal(IPV4_PACKET, padded=True))
            assert isinstance(message, Transport)
            assert (message.receiver, message.counter) == (receiver.index, number)
            assert receiver.open(message.counter, message.sealed) == IPV4_PACKET
            assert receiver.open(message.counter + 1, message.sealed) is None
            assert sender.open(message.counter, message.sealed) is None


def test_the_initiator_seals_with_the_key_to_the_responder() -> None:
    """Whitepaper section 5.4.5; two ends of ours that both had it the wrong way would get along."""
    lab = shake_hands()
    ours, theirs = lab.initiator_index, lab.responder_index
    initiator = Keypair(ours, theirs, lab.keys, 0.0, initiator=True)
    responder = Keypair(theirs, ours, lab.keys, 0.0, initiator=False)
    assert initiator.seal(IPV4_PACKET, padded=False) == lab.to_responder(0, IPV4_PACKET)
    assert responder.seal(IPV4_PACKET, padded=False) == lab.to_initiator(0, IPV4_PACKET)


def test_at_first_there_is_no_session() -> None:
    assert list(Keypairs()) == []


def test_packets_are_padded_to_sixteen_unless_told_otherwise() -> None:
    first, second = pair()
    for packet, padded, length in (
        (b"", True, 0),
        (b"x", True, 16),
        (b"x" * 17, True, 32),
        (b"x" * 17, False, 17),
    ):
        datagram = first.seal(packet, padded=padded)
        assert len(datagram) == TRANSPORT_HEADER + length + 16
        message = parse(datagram)
        assert isinstance(message, Transport)
        assert second.open(message.counter, message.sealed) == packet.ljust(length, b"\0")


def test_a_session_is_usable_for_its_time_and_its_messages() -> None:
    first, _ = pair(now=10.0)
    assert first.is_usable(10 + REJECT_AFTER_TIME - 0.1)
    assert not first.is_usable(10 + REJECT_AFTER_TIME)
    first.counter = REJECT_AFTER_MESSAGES - 1
    assert first.is_usable(10)
    first.counter += 1
    assert not first.is_usable(10)


def test_our_handshakes_count_at_once_and_push_the_one_in_use_back() -> None:
    (one, _), (two, _), (three, _) = pair(), pair(), pair()
    sessions = Keypairs()
    for keypair in (one, two, three):
        sessions.begun(keypair)
    assert (sessions.current, sessions.previous, sessions.next) == (three, two, None)
    assert sessions.find(two.index) is two
    assert sessions.find(one.index) is None


def test_an_answered_handshake_counts_from_its_first_message_on() -> None:
    (one, _), (_, two), (_, three) = pair(), pair(), pair()
    sessions = Keypairs()
    sessions.begun(one)
    sessions.answered(two)
    assert (sessions.current, sessions.next) == (one, two)
    assert not sessions.confirm(one)
    assert sessions.confirm(two)
    assert (sessions.current, sessions.previous, sessions.next) == (two, one, None)
    sessions.answered(three)
    assert list(sessions) == [two, three]
    sessions.forget()
    assert list(sessions) == []


def test_keys_do_not_show_and_go_into_a_log_by_index() -> None:
    first, second = pair()
    assert [entry.receiver for entry in first.entries] == [first.remote, first.index]
    assert {entry.kind for entry in first.entries} == {TRANSPORT_KEY}
    assert {entry.key for entry in first.entries} == {entry.key for entry in second.entries}
    assert all(repr(entry.key) == "Secret(hidden)" for entry in first.entries)
