"""Questions to a STUN server: when they are sent again, and which answers are believed."""

from __future__ import annotations

from itertools import count

import pytest

from fzctl.wireguard.stun import (
    ALLOCATE,
    CREATE_PERMISSION,
    ERROR,
    ERROR_CODE,
    NONCE,
    REALM,
    REFRESH,
    USERNAME,
    Message,
    decode_message,
    encode_error,
    encode_message,
)
from fzctl.wireguard.transactions import Answer, Question, Transactions
from tests.wireguard.turnserver import PASSWORD, USER, FakeServer, peer_of

ASK = Question(ALLOCATE)


class Asked:
    """Transactions with what they sent."""

    def __init__(self, password: str = PASSWORD) -> None:
        numbers = count(1)
        self.out: list[bytes] = []
        self.transactions = Transactions(
            USER, password, lambda size: next(numbers).to_bytes(size, "big"), self.out.append
        )

    def sent(self) -> list[Message]:
        found = [decode_message(each) for each in self.out]
        self.out.clear()
        return [each for each in found if each is not None]

    def take(self, datagram: bytes, now: float = 0.0) -> Answer | None:
        message = decode_message(datagram)
        assert message is not None
        return self.transactions.receive(message, datagram, now)

    def talk(self, server: FakeServer) -> list[Answer]:
        """Until nobody has anything to say."""
        answers: list[Answer | None] = []
        while self.out:
            answers += map(self.take, server.take(self.out.pop(0)))
        return [each for each in answers if each is not None]


def known() -> tuple[Asked, FakeServer]:
    """A server that has named its realm."""
    asked, server = Asked(), FakeServer()
    asked.transactions.ask(ASK, 0.0)
    assert [(answer.code, answer.reason) for answer in asked.talk(server)] == [(0, "")]
    return asked, server


def test_a_question_is_sent_seven_times_and_given_up_after_39_and_a_half_seconds() -> None:
    asked = Asked()
    asked.transactions.ask(ASK, 100.0)
    times, answers = [100.0], []
    first = asked.out[0]
    while (due := asked.transactions.next_timeout()) is not None:
        asked.out.clear()
        answers += asked.transactions.handle_timeout(due)
        assert asked.out in ([first], [])
        times.append(due)
    assert times == [100.0, 100.5, 101.5, 103.5, 107.5, 115.5, 131.5, 139.5]
    assert answers == [Answer(ASK, None, None)]


def test_nothing_is_sent_again_before_its_time_nor_twice_after_a_long_pause() -> None:
    asked = Asked()
    asked.transactions.ask(ASK, 0.0)
    asked.out.clear()
    assert asked.transactions.handle_timeout(0.49) == []
    assert asked.out == []
    asked.transactions.handle_timeout(1000.0)
    assert len(asked.out) == 1
    assert asked.transactions.next_timeout() == 1001.0


def test_each_question_has_its_own_time() -> None:
    asked = Asked()
    asked.transactions.ask(ASK, 0.0)
    asked.transactions.handle_timeout(0.5)
    asked.transactions.ask(Question(REFRESH), 0.6)
    asked.sent()
    assert asked.transactions.next_timeout() == pytest.approx(1.1)
    asked.transactions.handle_timeout(1.2)
    assert [message.kind for message in asked.sent()] == [REFRESH]


def test_a_fresh_nonce_may_come_without_the_realm_that_is_known() -> None:
    asked, _ = known()
    asked.transactions.ask(Question(REFRESH), 1.0)
    stale = [(ERROR_CODE, encode_error(438, "")), (NONCE, b"fresh")]
    asked.take(encode_message(REFRESH | ERROR, asked.sent()[0].transaction, stale))
    again = asked.sent()[0]
    assert (again.attributes[REALM], again.attributes[NONCE]) == (b"example.com", b"fresh")


def test_the_first_refusal_teaches_the_credential() -> None:
    asked, server = known()
    assert server.challenges == 1
    asked.transactions.ask(Question(REFRESH), 1.0)
    again = asked.sent()[0]
    assert again.attributes[USERNAME] == USER.encode()
    assert (again.attributes[REALM], again.attributes[NONCE]) == (b"example.com", b"nonce 0")
    assert asked.transactions.is_known


def test_a_stale_nonce_is_renewed_without_a_word() -> None:
    asked, server = known()
    server.new_nonce()
    asked.transactions.ask(Question(REFRESH), 1.0)
    assert [(answer.code, answer.question.method) for answer in asked.talk(server)] == [(0, REFRESH)]
    assert server.asked[-1][1][NONCE] == b"nonce 1"


def test_a_server_that_calls_every_nonce_stale_is_given_up() -> None:
    asked, server = known()
    asked.transactions.ask(Question(REFRESH), 1.0)
    answers, tries = [], 0
    while asked.out and tries < 100:
        server.new_nonce()
        answers += [asked.take(each) for each in server.take(asked.out.pop(0))]
        tries += 1
    assert tries == 6
    assert [answer and answer.code for answer in answers] == [None] * 5 + [438]


def test_a_wrong_password_ends_the_question() -> None:
    asked, server = Asked("looking glass"), FakeServer()
    asked.transactions.ask(ASK, 0.0)
    assert [(answer.code, answer.reason) for answer in asked.talk(server)] == [(401, "said the server")]
    assert asked.transactions.next_timeout() is None


def test_the_peers_address_is_hidden_anew_under_each_transaction() -> None:
    asked, server = known()
    peer = ("2001:db8::1", 51820)
    server.new_nonce()
    asked.transactions.ask(Question(CREATE_PERMISSION, (), peer), 0.0)
    first = decode_message(asked.out[0])
    assert [answer.code for answer in asked.talk(server)] == [0]
    assert first is not None
    assert peer_of(first) == peer
    assert server.asked[-1][1][0x12] != first.attributes[0x12]


@pytest.mark.parametrize("code", [0, 400, 403, 437, 441, 500])
def test_to_a_signed_question_only_a_signed_answer_is_believed(code: int) -> None:
    asked, server = known()
    asked.transactions.ask(Question(REFRESH), 0.0)
    question = asked.sent()[0]
    forged = server.success(question, signed=False)
    signed = server.success(question)
    if code:
        forged = server.error(question, code, signed=False)
        signed = server.error(question, code)
    assert asked.take(forged) is None
    assert asked.transactions.next_timeout() is not None
    answer = asked.take(signed)
    assert answer is not None
    assert answer.code == code
    assert asked.take(signed) is None  # a copy of it


def test_a_server_without_proof_is_told_apart_from_silence() -> None:
    asked, server = known()
    asked.transactions.ask(Question(REFRESH), 0.0)
    question = asked.sent()[0]
    asked.take(server.error(question, 403, signed=False))
    answers: list[Answer] = []
    while (due := asked.transactions.next_timeout()) is not None:
        answers += asked.transactions.handle_timeout(due)
    assert answers == [Answer(Question(REFRESH), None, None, "403 said the server", unproven=True)]


def test_a_success_without_proof_is_no_success_however_often_it_comes() -> None:
    asked, server = known()
    asked.transactions.ask(Question(REFRESH), 0.0)
    asked.take(server.success(asked.sent()[0], signed=False))
    answers: list[Answer] = []
    while (due := asked.transactions.next_timeout()) is not None:
        answers += asked.transactions.handle_timeout(due)
    assert answers == [Answer(Question(REFRESH), None, None, "", unproven=True)]


def test_a_success_without_any_credential_is_not_believed_a_refusal_is() -> None:
    asked, server = Asked(), FakeServer()
    asked.transactions.ask(ASK, 0.0)
    question = asked.sent()[0]
    assert asked.take(server.success(question, signed=False)) is None
    answer = asked.take(server.error(question, 300, signed=False))
    assert answer is not None
    assert answer.code == 300


def test_answers_to_others_and_of_another_method_are_left_alone() -> None:
    asked, server = known()
    asked.transactions.ask(Question(REFRESH), 0.0)
    question = asked.sent()[0]
    assert asked.take(server.success(question._replace(transaction=bytes(12)))) is None
    assert asked.take(server.success(question._replace(kind=ALLOCATE))) is None
    assert asked.transactions.is_waiting(Question(REFRESH))


@pytest.mark.parametrize("drop", [NONCE, REALM, ERROR_CODE])
def test_a_challenge_without_what_it_must_teach_does_not_make_us_ask_forever(drop: int) -> None:
    asked, server = Asked(), FakeServer()
    asked.transactions.ask(ASK, 0.0)
    question = asked.sent()[0]
    challenge = decode_message(server.error(question, 401, signed=False))
    assert challenge is not None
    left = [(name, value) for name, value in challenge.attributes.items() if name not in (drop, 0x8028)]
    answer = asked.take(encode_message(challenge.kind, challenge.transaction, left))
    assert asked.out == []
    assert (answer is None) == (drop == ERROR_CODE)


@pytest.mark.parametrize("name", [REALM, NONCE])
def test_a_challenge_that_would_make_our_questions_huge_is_not_taken_up(name: int) -> None:
    asked, server = Asked(), FakeServer()
    asked.transactions.ask(ASK, 0.0)
    question = asked.sent()[0]
    for size, taken in ((764, False), (763, True)):
        attributes = {ERROR_CODE: encode_error(401, ""), REALM: b"realm", NONCE: b"nonce", name: bytes(size)}
        answer = asked.take(encode_message(ALLOCATE | ERROR, question.transaction, attributes.items()))
        assert (answer is None) == taken
        assert bool(asked.sent()) == taken
        asked.transactions.ask(ASK, 0.0)
        question = asked.sent()[0]
    assert server.asked == []


def test_a_wrong_fingerprint_makes_an_answer_none() -> None:
    asked, server = known()
    asked.transactions.ask(Question(REFRESH), 0.0)
    good = server.success(asked.sent()[0])
    assert asked.take(good[:-1] + bytes((good[-1] ^ 1,))) is None
    assert asked.take(good) is not None


def test_the_password_is_in_no_text_of_the_object() -> None:
    asked, _ = known()
    shown = repr(vars(asked.transactions)) + repr(asked.transactions)
    assert PASSWORD not in shown
