"""The decryptor: captured sessions read again, and a reason for whatever cannot be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fzctl.wireguard import decryptor as decryptor_module
from fzctl.wireguard import handshakes
from fzctl.wireguard.cookies import write_cookie_reply
from fzctl.wireguard.decryptor import FREE_KEYS, MAX_CIPHERS, MAX_UNKNOWN, Decryptor
from fzctl.wireguard.inner import may_be_control
from fzctl.wireguard.keylog import (
    LOCAL_EPHEMERAL,
    LOCAL_STATIC,
    REMOTE_STATIC,
    TRANSPORT_KEY,
    Entry,
    KeyLog,
)
from fzctl.wireguard.keyring import MOST_TRIES
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.messages import Transport
from fzctl.wireguard.noise import NO_PSK
from fzctl.wireguard.results import (
    AUTHENTICATION_FAILED,
    CUT,
    NO_HANDSHAKE,
    NO_KEY,
    NOT_WIREGUARD,
    OK,
    Result,
)
from tests.wireguard.lab import (
    A_ADDRESS,
    B_ADDRESS,
    CONTROL,
    IPV4_PACKET,
    IPV6_PACKET,
    PSK,
    A,
    B,
    C,
    Lab,
    log,
    shake_hands,
)

STRANGE = "203.0.113.9:4"


def following(lab: Lab, *logs: KeyLog) -> Decryptor:
    """A decryptor that has seen the handshake."""
    decryptor = Decryptor()
    for one in logs or (lab.initiator_log(),):
        decryptor.add(one)
    assert decryptor.feed(lab.initiation, A_ADDRESS, B_ADDRESS, 1).reason == OK
    assert decryptor.feed(lab.response, B_ADDRESS, A_ADDRESS, 2).reason == OK
    return decryptor


def transport_log(lab: Lab, *ways: str) -> KeyLog:
    entries = {
        "up": Entry(TRANSPORT_KEY, lab.keys.to_responder, lab.responder_index),
        "down": Entry(TRANSPORT_KEY, lab.keys.to_initiator, lab.initiator_index),
    }
    return log(*(entries[way] for way in ways or ("up", "down")))


# --- sessions from handshakes ---------------------------------------------------------------------


@pytest.mark.parametrize("psk", [NO_PSK, PSK], ids=["no psk", "psk"])
@pytest.mark.parametrize("side", [Lab.initiator_log, Lab.responder_log])
def test_either_sides_keys_read_both_ways(side: Callable[[Lab], KeyLog], psk: Secret) -> None:
    lab = shake_hands(A, B, psk)
    decryptor = following(lab, side(lab))
    up = decryptor.feed(lab.to_responder(5, CONTROL), A_ADDRESS, B_ADDRESS, 3)
    down = decryptor.feed(lab.to_initiator(0, IPV4_PACKET), B_ADDRESS, A_ADDRESS, 4)
    assert up == Result(OK, 4, CONTROL, 1, 5, "a>b", A_ADDRESS, B_ADDRESS)
    assert down == Result(OK, 4, IPV4_PACKET, 1, 0, "b>a", B_ADDRESS, A_ADDRESS)


def test_the_order_of_the_lines_in_a_key_log_does_not_matter_to_us() -> None:
    lab = shake_hands(A, B, PSK)
    decryptor = following(lab, log(*reversed(lab.initiator_log().entries)))
    assert decryptor.feed(lab.to_responder(0, CONTROL)).packet == CONTROL


def test_sessions_are_found_by_index_wherever_they_roam() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    result = decryptor.feed(lab.to_responder(0, CONTROL), STRANGE, "198.51.100.1:53", 3)
    assert (result.packet, result.session, result.direction) == (CONTROL, 1, "a>b")
    assert (result.src, result.dst) == (STRANGE, "198.51.100.1:53")


def test_a_and_b_stay_over_rekeys_by_either_side() -> None:
    labs = [shake_hands(A, B), shake_hands(B, A), shake_hands(A, B), shake_hands(C, B)]
    decryptor = Decryptor(log(*(entry for lab in labs for entry in lab.initiator_log().entries)))
    directions = []
    for lab in labs:
        decryptor.feed(lab.initiation, "1", "2")
        decryptor.feed(lab.response, "2", "1")
        up, down = (decryptor.feed(d) for d in (lab.to_responder(0, CONTROL), lab.to_initiator(0, CONTROL)))
        directions.append((up.session, up.direction, down.direction))
    assert directions == [(1, "a>b", "b>a"), (2, "b>a", "a>b"), (3, "a>b", "b>a"), (4, "a>b", "b>a")]


def test_packets_of_the_old_session_still_read_after_a_rekey() -> None:
    first, second = shake_hands(), shake_hands()
    decryptor = following(first, first.initiator_log(), second.initiator_log())
    decryptor.feed(second.initiation)
    decryptor.feed(second.response)
    fed = [decryptor.feed(lab.to_responder(n, CONTROL)).session for n in (0, 1) for lab in (second, first)]
    assert fed == [2, 1, 2, 1]


def test_of_sessions_under_the_same_indices_each_packet_finds_its_own() -> None:
    labs = [shake_hands(indices=(7, 8)) for _ in range(3)]
    decryptor = following(labs[0], *(lab.initiator_log() for lab in labs))
    decryptor.feed(labs[0].to_responder(0, CONTROL))
    for lab in labs[1:]:
        decryptor.feed(lab.initiation)
        decryptor.feed(lab.response)
    last = labs[0]
    for counter, lab in enumerate([*labs, *reversed(labs)]):
        datagram = lab.to_responder(counter, IPV6_PACKET)
        assert decryptor.skip(datagram, 0, len(datagram)) == (lab is last)
        assert decryptor.feed(datagram).session == labs.index(lab) + 1
        last = lab


def test_keys_that_come_late_read_what_follows() -> None:
    lab = shake_hands()
    decryptor = Decryptor()
    decryptor.feed(lab.initiation)
    decryptor.feed(lab.response)
    assert decryptor.feed(lab.to_responder(0, CONTROL)).reason == NO_KEY
    decryptor.add(lab.responder_log())
    assert decryptor.feed(lab.to_responder(1, CONTROL)).packet == CONTROL


# --- transport keys -------------------------------------------------------------------------------


def test_transport_keys_read_a_capture_that_begins_after_the_handshake() -> None:
    lab = shake_hands()
    decryptor = Decryptor(transport_log(lab))
    results = [
        decryptor.feed(lab.to_initiator(7, CONTROL), B_ADDRESS, A_ADDRESS, 1),
        decryptor.feed(lab.to_responder(9, CONTROL), A_ADDRESS, B_ADDRESS, 2),
        decryptor.feed(lab.to_initiator(8, CONTROL), B_ADDRESS, STRANGE, 3),
    ]
    assert [(r.packet, r.session, r.direction) for r in results] == [
        (CONTROL, 1, "a>b"),
        (CONTROL, 1, "b>a"),
        (CONTROL, 1, "a>b"),
    ]
    assert decryptor.unused() == []
    (session,) = decryptor.handshakes.listed
    assert [entry.line for entry in session.fits] == [2, 1]
    assert (session.frame, session.ends) == (1, (B_ADDRESS, A_ADDRESS))
    assert str(session.missing).endswith("the packets are decrypted with a transport key")


def test_packets_under_a_transport_key_are_passed_over_and_forged_ones_counted() -> None:
    lab = shake_hands()
    decryptor = Decryptor(transport_log(lab))
    decryptor.feed(lab.to_responder(0, IPV4_PACKET))
    datagram = lab.to_responder(1, IPV4_PACKET)
    assert decryptor.skip(datagram, 0, len(datagram))
    assert decryptor.feed(datagram[:-1] + b"!").reason == AUTHENTICATION_FAILED
    (session,) = decryptor.handshakes.listed
    assert (session.packets, session.failed) == ([2, 0], [1, 0])


def test_a_transport_key_completes_a_handshake_without_keys() -> None:
    lab = shake_hands()
    decryptor = following(lab, transport_log(lab, "down"))
    down = decryptor.feed(lab.to_initiator(0, CONTROL), B_ADDRESS, A_ADDRESS, 3)
    assert (down.session, down.direction) == (1, "b>a")
    assert decryptor.feed(lab.to_responder(0, CONTROL)).reason == NO_KEY


def test_a_rekey_with_keys_continues_the_directions_of_a_late_start() -> None:
    late, rekey = shake_hands(A, B), shake_hands(B, A)
    decryptor = Decryptor(transport_log(late))
    decryptor.add(rekey.initiator_log())
    assert decryptor.feed(late.to_responder(4, CONTROL), A_ADDRESS, B_ADDRESS).direction == "a>b"
    decryptor.feed(rekey.initiation, B_ADDRESS, A_ADDRESS)
    decryptor.feed(rekey.response, A_ADDRESS, B_ADDRESS)
    assert decryptor.feed(rekey.to_responder(0, CONTROL), B_ADDRESS, A_ADDRESS).direction == "b>a"


def test_a_wrong_transport_key_reads_nothing_and_is_told() -> None:
    lab = shake_hands()
    decryptor = Decryptor(log(Entry(TRANSPORT_KEY, PSK, lab.responder_index)))
    assert decryptor.feed(lab.to_responder(0, CONTROL)).reason == AUTHENTICATION_FAILED
    assert [entry.line for entry in decryptor.unused()] == [1]
    assert decryptor.handshakes.listed == []


# --- what can stand in a datagram -----------------------------------------------------------------


@pytest.mark.parametrize("packet", [CONTROL, IPV4_PACKET, IPV6_PACKET], ids=["control", "v4", "v6"])
@pytest.mark.parametrize("padding", [0, 3, 8, 16, 200])
def test_any_padding_is_cut_off(packet: bytes, padding: int) -> None:
    lab = shake_hands()
    assert following(lab).feed(lab.to_responder(0, packet + bytes(padding))).packet == packet


def test_keepalives_are_recognised_and_counted() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    result = decryptor.feed(lab.to_responder(0, b""))
    assert (result.reason, result.packet, result.counter) == (OK, b"", 0)
    (session,) = decryptor.handshakes.listed
    assert (session.keepalives, session.packets) == ([1, 0], [0, 0])


def test_cookie_replies_are_recognised() -> None:
    reply = write_cookie_reply(B.public, 7, bytes(16), bytes(16), bytes(24))
    assert Decryptor().feed(reply, "2", "1") == Result(OK, 3, src="2", dst="1")


def test_handshake_messages_name_their_session_once_it_is_one() -> None:
    lab = shake_hands()
    decryptor = Decryptor()
    assert decryptor.feed(lab.initiation, "1", "2") == Result(OK, 1, src="1", dst="2")
    assert decryptor.feed(lab.response, "2", "1") == Result(OK, 2, None, 1, None, "b>a", "2", "1")


def test_a_second_leg_and_a_replay_name_the_first_frame() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    datagram = lab.to_responder(0, CONTROL)
    first, leg, other, replay = (
        decryptor.feed(d, src, "r", frame)
        for d, src, frame in (
            (datagram, "1", 3),
            (datagram, "relay", 4),
            (lab.to_responder(1, CONTROL), "1", 5),
            (datagram, "1", 900),
        )
    )
    assert [r.copy_of for r in (first, leg, other, replay)] == [None, 3, None, 3]
    assert leg.packet == replay.packet == CONTROL
    assert decryptor.handshakes.listed[0].copies == [2, 0]


# --- why not --------------------------------------------------------------------------------------


def test_without_handshake_and_key() -> None:
    lab = shake_hands()
    decryptor = Decryptor(shake_hands().initiator_log())
    for counter in (0, 1):
        result = decryptor.feed(lab.to_responder(counter, CONTROL), "1", "2")
        assert result == Result(NO_HANDSHAKE, 4, counter=counter, src="1", dst="2")
    assert decryptor.unknown == {lab.responder_index: 2}
    assert decryptor.counts[NO_HANDSHAKE] == 2


def test_half_a_handshake_has_its_frame_and_the_initiators_end_first() -> None:
    lab = shake_hands()
    begun, answered = Decryptor(), Decryptor()
    begun.feed(lab.initiation, "1", "2", 7)
    answered.feed(lab.response, "2", "1", 8)
    for decryptor, frame in ((begun, 7), (answered, 8)):
        (session,) = decryptor.handshakes.unanswered()
        assert (session.frame, session.ends) == (frame, ("1", "2"))


@pytest.mark.parametrize("half", ["initiation", "response"])
def test_half_a_handshake_is_no_session_but_no_stranger_either(half: str) -> None:
    lab = shake_hands()
    decryptor = Decryptor(lab.initiator_log())
    decryptor.feed(getattr(lab, half))
    result = decryptor.feed(lab.to_initiator(0, CONTROL))
    assert (result.reason, result.session, result.packet) == (NO_KEY, None, None)
    (session,) = decryptor.handshakes.unanswered()
    assert "is not in the capture" in str(session.missing)
    assert session.failed == [0, 1]


def test_with_the_keys_of_another_session() -> None:
    lab, other = shake_hands(), shake_hands()
    decryptor = following(lab, other.initiator_log())
    for counter in (5, 6):
        result = decryptor.feed(lab.to_responder(counter, CONTROL), "1", "2")
        assert result == Result(NO_KEY, 4, None, 1, counter, "a>b", "1", "2")
    assert decryptor.feed(lab.to_initiator(0, CONTROL)).direction == "b>a"
    assert decryptor.handshakes.listed[0].failed == [2, 1]
    assert [entry.kind for entry in decryptor.unused()] == [LOCAL_STATIC, LOCAL_EPHEMERAL]


def test_forged_datagrams_of_a_session_with_keys_are_counted_there() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    for counter in (5, 6):
        result = decryptor.feed(lab.to_initiator(counter, CONTROL)[:-1] + b"!", "1", "2")
        assert result == Result(AUTHENTICATION_FAILED, 4, counter=counter, src="1", dst="2")
    assert decryptor.handshakes.listed[0].failed == [0, 2]


def test_half_a_handshake_under_the_index_of_a_session_with_keys_proves_nothing() -> None:
    lab = shake_hands()
    stranger = shake_hands(indices=(lab.initiator_index, 7))
    decryptor = following(lab)
    decryptor.feed(stranger.initiation)
    assert decryptor.feed(stranger.to_initiator(0, CONTROL)).reason == AUTHENTICATION_FAILED
    assert decryptor.feed(lab.to_initiator(0, CONTROL)).packet == CONTROL


def test_keys_that_fit_nothing_are_told_by_line() -> None:
    lab = shake_hands(A, B, PSK)
    foreign = log(Entry(LOCAL_STATIC, C), Entry(REMOTE_STATIC, Secret(b"x" * 32)))._replace(name="foreign")
    decryptor = following(lab, lab.initiator_log(), foreign)
    assert [(entry.kind, entry.line) for entry in decryptor.unused()] == [
        (LOCAL_STATIC, 1),
        (REMOTE_STATIC, 2),
    ]


@pytest.mark.parametrize("packet", [CONTROL, IPV4_PACKET], ids=["control", "v4"])
def test_no_flipped_bit_ever_gives_a_packet(packet: bytes) -> None:
    lab = shake_hands()
    decryptor = following(lab)
    datagram = lab.to_responder(0, packet)
    assert decryptor.feed(datagram).packet == packet
    for position in range(len(datagram)):
        for bit in range(8):
            damaged = bytearray(datagram)
            damaged[position] ^= 1 << bit
            result = decryptor.feed(bytes(damaged))
            assert result.packet is None
            if position >= 8:
                assert result.reason == AUTHENTICATION_FAILED
            else:
                assert result.reason in (NOT_WIREGUARD, NO_HANDSHAKE)


def test_every_shortened_datagram_is_refused() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    for size in range(len(lab.to_responder(0, CONTROL))):
        result = decryptor.feed(lab.to_responder(0, CONTROL)[:size])
        assert (result.reason, result.packet) == (NOT_WIREGUARD if size < 32 else AUTHENTICATION_FAILED, None)


def test_garbage_on_the_port_is_not_wireguard() -> None:
    assert Decryptor().feed(b"GET / HTTP/1.1\r\n\r\n" * 5, "1", "2") == Result(
        NOT_WIREGUARD, src="1", dst="2"
    )


# --- cut by the snap length -----------------------------------------------------------------------


def test_a_cut_control_message_of_a_proven_session_shows_its_beginning() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    datagram = lab.to_responder(1, CONTROL)
    assert decryptor.feed(datagram[:60], length=len(datagram)).packet is None
    decryptor.feed(lab.to_responder(0, IPV4_PACKET))
    for size in range(len(datagram)):
        result = decryptor.feed(datagram[:size], "1", "2", 3, len(datagram))
        assert result.reason == (CUT if size >= 4 else NOT_WIREGUARD)
        shown = min(size - 16, len(CONTROL))
        assert result.packet == (CONTROL[:shown] if shown >= 40 else None)
        if result.packet is not None:
            assert result == Result(CUT, 4, result.packet, 1, 1, "a>b", "1", "2")
        elif size >= 4:
            assert result == Result(CUT, 4, src="1", dst="2")


def test_a_cut_control_message_to_the_initiator_goes_its_way() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    decryptor.feed(lab.to_initiator(0, IPV4_PACKET))
    datagram = lab.to_initiator(1, CONTROL)
    assert decryptor.feed(datagram[:-1], length=len(datagram)).direction == "b>a"


def test_other_cut_datagrams_show_nothing() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    decryptor.feed(lab.to_responder(0, IPV4_PACKET))
    too_long = CONTROL[:4] + b"\xff" + CONTROL[5:], CONTROL[:5] + b"\x09" + CONTROL[6:]
    for packet in (IPV4_PACKET, IPV6_PACKET, *too_long):
        datagram = lab.to_responder(1, packet)
        assert decryptor.feed(datagram[:-1], "1", "2", 3, len(datagram)) == Result(CUT, 4, src="1", dst="2")
    assert decryptor.feed(lab.initiation[:100], length=148) == Result(CUT, 1)
    assert decryptor.feed(b"x" * 50, length=148).reason == NOT_WIREGUARD


# --- passing over ---------------------------------------------------------------------------------


def test_only_what_is_proven_and_no_control_message_is_passed_over() -> None:
    lab = shake_hands()
    decryptor = following(lab)

    def skip(datagram: bytes) -> bool:
        return decryptor.skip(datagram, 0, len(datagram))

    assert not skip(lab.to_responder(0, IPV4_PACKET))
    decryptor.feed(lab.to_responder(0, IPV4_PACKET))
    for packet in (IPV4_PACKET, IPV4_PACKET + bytes(15), IPV6_PACKET, IPV6_PACKET + bytes(8)):
        assert skip(lab.to_responder(1, packet))
    for packet in (CONTROL, CONTROL + bytes(8), b"", b"\x70" * 64, IPV6_PACKET + bytes(16), IPV4_PACKET[:-1]):
        assert not skip(lab.to_responder(1, packet))
    assert not skip(lab.to_initiator(1, IPV4_PACKET))
    assert not skip(lab.initiation)
    assert not skip(b"")
    assert decryptor.handshakes.listed[0].packets == [5, 0]


@pytest.mark.parametrize("size", [40, 255, 256, 1400])
def test_a_long_packet_is_passed_over_by_both_bytes_of_its_length(size: int) -> None:
    lab = shake_hands()
    decryptor = following(lab)
    decryptor.feed(lab.to_responder(0, IPV4_PACKET))
    ipv4 = IPV4_PACKET[:2] + size.to_bytes(2, "big") + bytes(size - 4)
    ipv6 = IPV6_PACKET[:4] + size.to_bytes(2, "big") + IPV6_PACKET[6:40] + bytes(size)
    for packet in (ipv4, ipv6, ipv4 + bytes(15), ipv6 + bytes(15)):
        datagram = lab.to_responder(1, packet)
        assert decryptor.skip(datagram, 0, len(datagram))
    for packet in (ipv4[:-1], ipv6[:-1], ipv4 + bytes(16), ipv6 + bytes(16)):
        datagram = lab.to_responder(1, packet)
        assert not decryptor.skip(datagram, 0, len(datagram))


def test_a_datagram_within_a_frame_is_passed_over() -> None:
    lab = shake_hands()
    decryptor = following(lab)
    datagram = lab.to_responder(0, IPV4_PACKET)
    decryptor.feed(datagram)
    frame = bytes(42) + datagram + b"back"
    for data in (frame, bytearray(frame), memoryview(bytearray(frame))):
        assert decryptor.skip(data, 42, 42 + len(datagram))
        assert not decryptor.skip(data, 41, 42 + len(datagram))


def test_a_forged_control_message_is_not_passed_over_but_refused() -> None:
    """ChaCha20 is a stream: who knows the text can turn it into any other, without the tag."""
    lab = shake_hands()
    decryptor = following(lab)
    datagram = lab.to_responder(0, IPV6_PACKET)
    decryptor.feed(datagram)
    forged = bytearray(datagram)
    for position in range(40):
        forged[16 + position] ^= IPV6_PACKET[position] ^ CONTROL[position]
    assert not decryptor.skip(bytes(forged), 0, len(forged))
    assert decryptor.feed(bytes(forged)).reason == AUTHENTICATION_FAILED


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1]),
            st.sampled_from([CONTROL, IPV4_PACKET, IPV6_PACKET, b"", b"\x60" * 50]),
            st.integers(0, 40),
            st.sampled_from([None, None, 3, 8, 20, 60, -1]),
        ),
        max_size=20,
    )
)
def test_passing_over_changes_no_message(
    steps: list[tuple[int, bytes, int, int | None]],
) -> None:
    labs = [shake_hands(indices=(7, 8)), shake_hands(indices=(9, 8))]
    plain, quick = (following(labs[0], *(lab.initiator_log() for lab in labs)) for _ in range(2))
    for decryptor in (plain, quick):
        decryptor.feed(labs[1].initiation)
        decryptor.feed(labs[1].response)
    for frame, (which, packet, padding, damage) in enumerate(steps):
        datagram = bytearray(labs[which].to_responder(frame, packet + bytes(padding)))
        if damage is not None:
            datagram[min(damage, len(datagram) - 1)] ^= 4
        expected = plain.feed(bytes(datagram), "1", "2", frame)
        if quick.skip(datagram, 0, len(datagram)):
            assert not (expected.packet and may_be_control(expected.packet))
        else:
            assert quick.feed(bytes(datagram), "1", "2", frame) == expected


# --- bounds ---------------------------------------------------------------------------------------

headed = st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.binary(max_size=60)).map(
    lambda t: bytes((t[0], 0, 0, 0)) + t[1].to_bytes(4, "little") + t[2].to_bytes(4, "little") + t[3]
)
sized = st.tuples(headed, st.sampled_from([32, 64, 92, 148])).map(lambda t: (t[0] + bytes(148))[: t[1]])


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.binary(max_size=200) | headed | sized, st.none() | st.integers(0, 300)), max_size=30
    )
)
def test_any_datagrams_have_a_reason_and_give_no_packet(datagrams: list[tuple[bytes, int | None]]) -> None:
    decryptor = Decryptor(shake_hands(indices=(1, 2)).initiator_log())
    decryptor.add(log(Entry(TRANSPORT_KEY, PSK, 3)))
    for datagram, length in datagrams:
        assert not decryptor.skip(datagram, 0, len(datagram))
        assert decryptor.feed(datagram, "1", "2", 1, length).packet is None
    assert sum(decryptor.counts.values()) == len(datagrams)


def test_strangers_take_bounded_memory() -> None:
    decryptor = Decryptor()
    for index in range(2 * MAX_UNKNOWN):
        decryptor.feed(Transport(index, 0, bytes(16)).pack())
    assert len(decryptor.unknown) == MAX_UNKNOWN
    assert decryptor.counts[NO_HANDSHAKE] == 2 * MAX_UNKNOWN


def test_more_sessions_than_there_is_room_for_ciphers_all_read() -> None:
    entries = [Entry(TRANSPORT_KEY, Secret(n.to_bytes(32, "big")), n) for n in range(1, MAX_CIPHERS + 100)]
    decryptor = Decryptor(log(*entries))
    lab = shake_hands()
    datagrams = [
        lab._replace(
            keys=lab.keys._replace(to_responder=e.key), responder_index=e.receiver or 0
        ).to_responder(0, CONTROL)
        for e in entries
    ]
    for _ in range(2):
        assert all(
            decryptor.feed(datagram, str(n), "x").session == n for n, datagram in enumerate(datagrams, 1)
        )
    assert len(decryptor._proven) <= MAX_CIPHERS


def test_a_session_in_use_is_not_forgotten_whatever_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "MAX_SESSIONS", 2)
    monkeypatch.setattr(decryptor_module, "MAX_CIPHERS", 1)
    labs = [shake_hands() for _ in range(12)]
    decryptor = following(labs[0], *(lab.initiator_log() for lab in labs))
    for counter, lab in enumerate(labs[1:]):
        decryptor.feed(lab.initiation)
        decryptor.feed(lab.response)
        assert decryptor.feed(lab.to_responder(0, CONTROL)).packet == CONTROL
        assert decryptor.feed(labs[0].to_responder(counter, CONTROL)).session == 1
    assert decryptor.feed(labs[1].to_responder(1, CONTROL)).reason != OK


def test_a_transport_key_stays_with_its_session_even_where_that_was_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handshakes, "MAX_SESSIONS", 1)
    monkeypatch.setattr(decryptor_module, "MAX_CIPHERS", 1)
    labs = [shake_hands() for _ in range(20)]
    decryptor = Decryptor(log(*(entry for lab in labs for entry in transport_log(lab, "up").entries)))
    for counter in range(2):
        for number, lab in enumerate(labs, start=1):
            assert decryptor.feed(lab.to_responder(counter, CONTROL), f"{number}", "x").session == number


def test_of_many_keys_of_one_index_only_the_last_are_tried_without_end() -> None:
    lab = shake_hands()
    right = Entry(TRANSPORT_KEY, lab.keys.to_responder, lab.responder_index)
    others = [right._replace(key=Secret(number.to_bytes(32, "big"))) for number in range(1, FREE_KEYS + 1)]
    datagram = lab.to_responder(0, CONTROL)
    for entries, spent, reason in (
        ((right, *others), 0, OK),
        ((right, *others), MOST_TRIES, AUTHENTICATION_FAILED),
        ((right, *others[1:]), MOST_TRIES, OK),
    ):
        decryptor = Decryptor(log(*entries))
        decryptor.ring.spend(spent)
        assert decryptor.feed(datagram).reason == reason
