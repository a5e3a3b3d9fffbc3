"""Handshakes: what belongs together, and the words for what is missing."""

from __future__ import annotations

import pytest

from fzctl.wireguard import handshakes as handshakes_module
from fzctl.wireguard.cookies import sign
from fzctl.wireguard.handshakes import (
    MAX_WITHOUT_KEYS,
    NO_INITIATION,
    NO_RESPONDER,
    NO_RESPONSE,
    TRIES_SPENT,
    TWO_NEEDED,
    Handshakes,
)
from fzctl.wireguard.keylog import LOCAL_EPHEMERAL, LOCAL_STATIC, PRESHARED, REMOTE_STATIC, Entry, KeyLog
from fzctl.wireguard.keyring import PSK_TRIES, TRIES_OF_MESSAGE, Keyring
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.messages import Initiation, Response, parse
from fzctl.wireguard.sessions import Seen, Session
from tests.wireguard.lab import PSK, A, B, C, Lab, log, shake_hands


def handshakes(*logs: KeyLog) -> Handshakes:
    ring = Keyring()
    for one in logs:
        ring.add(one)
    return Handshakes(ring)


def begin(target: Handshakes, datagram: bytes, frame: int = 1) -> Session:
    message = parse(datagram)
    assert isinstance(message, Initiation)
    return target.initiation(Seen(message, datagram, frame, "1", "2"))


def answer(target: Handshakes, datagram: bytes, frame: int = 2) -> Session:
    message = parse(datagram)
    assert isinstance(message, Response)
    return target.response(Seen(message, datagram, frame, "2", "1"))


def keys_of(target: Handshakes, lab: Lab) -> list[Secret]:
    found = [*target.keyed.find(lab.responder_index), *target.keyed.find(lab.initiator_index)]
    return [key.secret for key in found]


# --- pairing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [Lab.initiator_log, Lab.responder_log])
def test_the_keys_of_either_side_make_the_session(side: object) -> None:
    lab = shake_hands(A, B, PSK)
    assert callable(side)
    target = handshakes(side(lab))
    session = begin(target, lab.initiation)
    assert (session.number, session.missing) == (None, NO_RESPONSE)
    assert answer(target, lab.response) is session
    assert (session.number, session.missing, session.keyed) == (1, None, True)
    assert (session.initiator, session.responder) == (A.public, B.public)
    assert sorted(entry.line for entry in session.fits) == [1, 2, 3, 4]
    assert keys_of(target, lab) == [lab.keys.to_responder, lab.keys.to_initiator]
    assert session.response is not None
    assert session.response.datagram == lab.response
    assert target.listed == [session]
    assert target.unanswered() == []
    assert target.without_keys(lab.initiator_index) is target.without_keys(lab.responder_index) is None


def test_the_same_datagrams_again_are_the_same_handshake() -> None:
    lab = shake_hands()
    for target in (handshakes(), handshakes(lab.initiator_log())):
        session = begin(target, lab.initiation)
        assert begin(target, lab.initiation) is session
        assert (
            answer(target, lab.response)
            is answer(target, lab.response)
            is begin(target, lab.initiation)
            is session
        )
        assert target.count == 1
        assert len(target.keyed) in (0, 2)


def test_the_same_response_again_is_the_same_half_of_a_handshake() -> None:
    lab = shake_hands()
    target = handshakes()
    assert answer(target, lab.response) is answer(target, lab.response)
    assert len(target.unanswered()) == 1


def test_a_response_that_was_captured_before_its_initiation_belongs_to_it() -> None:
    lab = shake_hands()
    target = handshakes(lab.initiator_log())
    early = answer(target, lab.response)
    assert (early.number, early.missing) == (None, NO_INITIATION)
    session = begin(target, lab.initiation)
    assert session.keyed
    assert keys_of(target, lab) == [lab.keys.to_responder, lab.keys.to_initiator]
    assert target.unanswered() == []


def test_among_equal_indices_the_response_finds_its_own_initiation() -> None:
    first, second = (shake_hands(indices=(7, 8)) for _ in range(2))
    target = handshakes(first.initiator_log(), second.initiator_log())
    begun = [begin(target, lab.initiation) for lab in (first, second)]
    assert answer(target, first.response) is begun[0]
    assert answer(target, second.response) is begun[1]


def test_an_answer_that_is_anothers_leaves_an_initiation_unanswered() -> None:
    """Under equal indices, and with the keys at hand to tell."""
    first, second = (shake_hands(A, B, PSK, indices=(7, 8)) for _ in range(2))
    target = handshakes(first.initiator_log(), second.initiator_log())
    begun = [begin(target, lab.initiation) for lab in (first, second)]
    answer(target, first.response)
    assert (begun[1].response, begun[1].missing) == (None, NO_RESPONSE)


def test_a_forged_response_does_not_hide_the_true_one() -> None:
    lab = shake_hands()
    forged = lab.response[:4] + bytes(4) + lab.response[8:44] + bytes(16) + lab.response[60:]
    target = handshakes(lab.initiator_log())
    session = begin(target, lab.initiation)
    assert answer(target, forged) is session
    assert not session.keyed
    assert answer(target, lab.response) is session
    assert session.keyed


def test_sessions_are_numbered_when_they_are_answered() -> None:
    unanswered, first, second = (shake_hands() for _ in range(3))
    target = handshakes(second.initiator_log())
    for lab in (unanswered, first, second):
        begin(target, lab.initiation)
    assert answer(target, first.response).number == 1
    assert answer(target, second.response).number == 2
    assert [session.number for session in target.unanswered()] == [None]


def test_a_rekey_by_the_other_side_keeps_a_and_b() -> None:
    first, second = shake_hands(A, B), shake_hands(B, A)
    target = handshakes(first.initiator_log(), second.responder_log())
    for lab in (first, second):
        begin(target, lab.initiation)
        answer(target, lab.response)
    assert [session.swapped for session in target.listed] == [False, True]


# --- what is missing ------------------------------------------------------------------------------


def missing(lab: Lab, *entries: Entry) -> str | None:
    target = handshakes(log(*entries))
    begin(target, lab.initiation)
    return answer(target, lab.response).missing


def test_what_is_missing_is_told() -> None:
    lab = shake_hands(A, B, PSK)
    static_a, static_b = Entry(LOCAL_STATIC, A), Entry(LOCAL_STATIC, B)
    public_b = Entry(REMOTE_STATIC, Secret(B.public))
    ephemeral_a, ephemeral_b = (
        Entry(LOCAL_EPHEMERAL, key) for key in (lab.initiator_ephemeral, lab.responder_ephemeral)
    )
    psk = Entry(PRESHARED, PSK)
    needed = TWO_NEEDED + "of the initiator there is {}, of the responder {}"
    assert missing(lab) == NO_RESPONDER
    assert missing(lab, static_a, ephemeral_a, psk) == NO_RESPONDER
    assert missing(lab, public_b) == needed.format("neither", "neither")
    assert missing(lab, public_b, ephemeral_a) == needed.format("the ephemeral one", "neither")
    assert missing(lab, public_b, ephemeral_b) == needed.format("neither", "the ephemeral one")
    assert missing(lab, static_b) == needed.format("neither", "the static one")
    assert missing(lab, static_b, ephemeral_a) == needed.format("the ephemeral one", "the static one")
    assert missing(lab, static_b, static_a) == needed.format("the static one", "the static one")
    assert "neither without a preshared key nor with any of the 0" in str(missing(lab, static_b, ephemeral_b))
    assert missing(lab, static_b, ephemeral_b, psk) is None


def test_a_damaged_initiation_is_told() -> None:
    """MAC1 is no secret: it may fit a message that is not authentic."""
    lab = shake_hands(A, B)
    damaged = sign(B.public, lab.initiation[:60] + bytes(4) + lab.initiation[64:])
    session = begin(handshakes(lab.responder_log()), damaged)
    assert "damaged" in str(session.missing)


def test_keys_that_come_late_open_what_went_by() -> None:
    lab = shake_hands(A, B, PSK)
    ring = Keyring()
    target = Handshakes(ring)
    session = begin(target, lab.initiation)
    answer(target, lab.response)
    half = shake_hands(A, C)
    begin(target, half.initiation)
    answer(target, shake_hands(A, C).response)
    target.retry()
    assert len(target.keyed) == 0
    ring.add(lab.responder_log())
    target.retry()
    assert keys_of(target, lab) == [lab.keys.to_responder, lab.keys.to_initiator]
    assert session.number == 1


def test_keys_that_come_late_and_do_not_fit_the_answer_are_told() -> None:
    lab = shake_hands(A, B, PSK)
    ring = Keyring()
    target = Handshakes(ring)
    answer(target, shake_hands().response)  # half of another one, remembered before it
    session = begin(target, lab.initiation)
    answer(target, lab.response)
    ring.add(log(Entry(LOCAL_STATIC, B), Entry(LOCAL_EPHEMERAL, lab.responder_ephemeral)))
    target.retry()
    assert not session.keyed
    assert "neither without a preshared key nor with any of the 0" in str(session.missing)


# --- bounds ---------------------------------------------------------------------------------------


def test_garbage_handshakes_leave_memory_bounded_and_sessions_with_keys_alone() -> None:
    lab = shake_hands()
    target = handshakes(lab.initiator_log())
    begin(target, lab.initiation)
    answer(target, lab.response)
    for number in range(3 * MAX_WITHOUT_KEYS):
        begin(target, Initiation(number, number.to_bytes(32, "big"), bytes(48), bytes(28)).pack())
        answer(target, Response(number, number + 5, number.to_bytes(32, "big"), bytes(16)).pack())
    assert len(target.unanswered()) <= 2 * MAX_WITHOUT_KEYS
    assert keys_of(target, lab) == [lab.keys.to_responder, lab.keys.to_initiator]


def test_garbage_under_one_index_stays_small() -> None:
    target = handshakes()
    for number in range(1000):
        begin(target, Initiation(7, number.to_bytes(32, "big"), bytes(48), bytes(28)).pack())
        answer(target, Response(7, 7, number.to_bytes(32, "big"), bytes(16)).pack())
    assert len(target.unanswered()) <= 64


def test_of_many_sessions_the_first_are_listed_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes_module, "MAX_LISTED", 3)
    target = handshakes()
    for _ in range(5):
        lab = shake_hands()
        begin(target, lab.initiation)
        answer(target, lab.response)
    assert [session.number for session in target.listed] == [1, 2, 3]
    assert target.count == 5


def test_a_handshake_before_which_too_many_keys_were_tried_says_so() -> None:
    lab = shake_hands(A, B)
    ring = Keyring(tries=0)
    others = (Entry(REMOTE_STATIC, Secret(number.to_bytes(32, "big"))) for number in range(TRIES_OF_MESSAGE))
    ring.add(log(*others, *lab.responder_log().entries))
    target = Handshakes(ring)
    assert begin(target, lab.initiation).missing == TRIES_SPENT
    assert answer(target, lab.response).missing == TRIES_SPENT


def test_preshared_keys_are_not_tried_without_end() -> None:
    lab = shake_hands(A, B, PSK)
    ring = Keyring(tries=0)
    others = (Entry(PRESHARED, Secret(number.to_bytes(32, "big"))) for number in range(1, 200))
    ring.add(log(Entry(LOCAL_STATIC, B), Entry(LOCAL_EPHEMERAL, lab.responder_ephemeral)))
    ring.add(log(*others))
    target = Handshakes(ring)
    begin(target, lab.initiation)
    assert answer(target, lab.response).missing == TRIES_SPENT
    own = shake_hands(A, B, PSK)
    ring.add(own.responder_log())
    begin(target, own.initiation)
    assert answer(target, own.response).keyed


def test_keys_that_come_over_and_over_are_tried_on_what_went_by_until_that_costs_too_much() -> None:
    lab = shake_hands(A, B)
    ring = Keyring(tries=0)
    target = Handshakes(ring)
    session = begin(target, lab.initiation)
    for _ in range(TRIES_OF_MESSAGE // PSK_TRIES):
        target.retry()
    assert session.missing == NO_RESPONDER
    target.retry()
    assert session.missing == TRIES_SPENT
    ring.grant()
    ring.add(lab.responder_log())
    target.retry()
    assert session.missing == TRIES_SPENT
