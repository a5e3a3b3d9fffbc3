"""A question in virtual time: when it is sent, and what of all that comes is its answer."""

from __future__ import annotations

import pytest

from fzctl.errors import UsageError
from fzctl.live.question import ANSWER, FOREIGN, OTHER, PATIENCE, REFUSED, RESEND, Question
from fzctl.protocol.codec import decode
from tests.records import RESOURCE, assigned, goodbye, packet, raw, status

ANOTHER = "00000000-00ac-41dc-9ddd-57e2384f31ef"


def sendings(question: Question) -> list[float]:
    """When it is sent, where nothing comes."""
    now, found = 100.0, []
    while not question.is_over(now):
        if question.is_due(now):
            found.append(now - 100)
            question.sent(now)
        due = question.next_timeout()
        assert due is not None
        assert due > now or question.is_over(due)
        now = due
    return found


def test_it_is_sent_every_two_seconds_until_time_is_up() -> None:
    assert (RESEND, PATIENCE) == (2, 10)
    assert sendings(Question(assigned())) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("retries", "patience", "times"),
    [(0, 10, [0]), (1, 10, [0, 2]), (9, 5, [0, 2, 4]), (None, 2, [0]), (None, 2.5, [0, 2]), (3, 0, [0])],
)
def test_retries_and_patience_are_limits(retries: int | None, patience: float, times: list[float]) -> None:
    assert sendings(Question(assigned(), retries=retries, patience=patience)) == times


def test_it_waits_from_the_first_sending_on() -> None:
    question = Question(assigned(), patience=3)
    assert question.is_due(5)
    assert question.next_timeout() is None
    question.sent(7)
    assert not question.is_over(9.9)
    assert question.is_over(10)


@pytest.mark.parametrize("text", ["Active", "Inactive", "whatever"])
@pytest.mark.parametrize("domain", ["example.com", "EXAMPLE.com", "example.com."])
def test_a_status_of_its_resource_and_domain_is_the_answer(domain: str, text: str) -> None:
    question = Question(assigned("Example.Com"))
    question.sent(1)
    question.sent(3)
    came = raw(1, {"resource": RESOURCE.upper(), "domain": domain, "status": text})
    assert question.receive(decode(came), 4) == ANSWER
    assert question.answer is not None
    assert question.seconds == 3
    assert question.is_over(4)
    assert not question.is_due(9)


@pytest.mark.parametrize(
    ("came", "verdict"),
    [
        (status("other.example"), OTHER),
        (packet("domain_status", resource=ANOTHER, domain="example.com", status="Active"), OTHER),
        (assigned(), OTHER),
        (goodbye(), OTHER),
        (raw(9), OTHER),
        (goodbye()[:45], FOREIGN),
        (packet("response", resource=RESOURCE, domain="example.com", code=200), OTHER),
        (raw(1, {"resource": RESOURCE, "domain": "example.com"}), REFUSED),
        (raw(1, "{"), REFUSED),
        (bytes.fromhex("45000014") + bytes(16), FOREIGN),
        (b"", FOREIGN),
    ],
)
def test_everything_else_is_told_apart_and_ends_nothing(came: bytes, verdict: str) -> None:
    question = Question(assigned())
    question.sent(1)
    assert question.receive(decode(came), 2) == verdict
    assert question.answer is None
    assert question.receive(decode(status()), 2) == ANSWER


def test_an_answer_counts_once_and_not_before_the_question() -> None:
    question = Question(assigned())
    assert question.receive(decode(status()), 1) == OTHER
    question.sent(1)
    assert question.receive(decode(status()), 2) == ANSWER
    assert question.receive(decode(status(text="Inactive")), 3) == OTHER
    assert question.seconds == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (goodbye(), "nobody answers Goodbye"),
        (status(), "nobody answers DomainStatus"),
        (raw(9), "nobody answers such a message"),
        (raw(0, "{"), "--expect needs resource and domain in AssignedIps"),
    ],
)
def test_what_nobody_answers_is_refused(asked: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Question(asked)


def test_a_question_that_no_gateway_takes_can_still_be_asked() -> None:
    question = Question(raw(0, {"resource": RESOURCE, "domain": "example.com"}))
    question.sent(0)
    assert question.receive(decode(status()), 1) == ANSWER
