"""Between client and gateway: fates, impairments, and which answer belongs to which question."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fzctl.live.impair import Impairments
from fzctl.live.scenarios import Fate, Scenario
from fzctl.live.wire import ANSWER_LIMIT, Parcel, Wire
from fzctl.protocol.codec import decode, encode
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import ASSIGNED_IPS
from tests.live.bearing import TARGETS, scripted
from tests.records import goodbye, packet, raw

QUESTIONS = [encode(ASSIGNED_IPS, target.values) for target in TARGETS]


def answer(index: int = 0, status: str = "Active", domain: str | None = None) -> bytes:
    target = TARGETS[index]
    name = target.domain if domain is None else domain
    return packet("domain_status", resource=target.resource, domain=name, status=status)


class Line:
    """A wire with a clock, and what came out at either end."""

    def __init__(self, scenario: Scenario) -> None:
        self.now = 0.0
        self.agenda: list[tuple[float, Callable[[float], None]]] = []
        self.put: list[tuple[float, bytes]] = []
        self.delivered: list[tuple[float, Parcel]] = []
        self.exchange = 1
        self.wire = Wire(
            scenario,
            1,
            TARGETS,
            lambda seconds, what: self.agenda.append((self.now + seconds, what)),
            lambda packet: self.put.append((self.now, packet)),
            lambda parcel, now: self.delivered.append((now, parcel)),
            lambda index: self.exchange,
        )

    def ask(self, index: int = 0) -> None:
        self.wire.ask(index, QUESTIONS[index], self.now)

    def arrive(self, packet: bytes) -> None:
        self.wire.arrive(packet, self.now)

    def wait(self, until: float) -> None:
        for each in sorted(self.agenda, key=lambda each: each[0]):
            if each[0] <= until:
                self.agenda.remove(each)
                self.now = each[0]
                each[1](self.now)
        self.now = until


def impaired(**how: float) -> Line:
    return Line(Scenario("x", "", "", impairments=Impairments(**how)))  # type: ignore[arg-type]


@pytest.fixture
def line() -> Line:
    return Line(scripted())


def test_messages_go_through_as_they_are(line: Line) -> None:
    line.ask()
    line.arrive(answer())
    assert line.put == [(0, QUESTIONS[0])]
    [(_, parcel)] = line.delivered
    assert parcel.packet == answer()
    assert (parcel.origin.forged, parcel.origin.exchange, parcel.origin.order) == (False, 1, 1)
    assert not line.wire.wrong
    assert line.wire.given == {0: ["Active"], 1: []}


def test_the_first_messages_of_each_domain_have_their_fates() -> None:
    line = Line(scripted([Fate(lost=True)], [Fate(held=1), Fate(status=Status.INACTIVE), Fate(lost=True)]))
    for index in (0, 1, 0, 0, 0, 0):
        line.ask(index)
    assert [sent for _, sent in line.put] == [QUESTIONS[0]] * 4
    for _ in range(4):
        line.arrive(answer())
    assert line.wire.in_flight == 1
    line.wait(2)
    assert line.wire.in_flight == 0
    told = [(time, decode(parcel.packet).fields["status"]) for time, parcel in line.delivered]
    assert told == [(0, "Inactive"), (0, "Active"), (1, "Active")]
    assert line.wire.given[0] == ["Active", "Inactive", "Active", "Active"]
    assert [parcel.origin.order for _, parcel in line.delivered] == [2, 4, 1]
    assert line.wire.words[0] == ["Active"] * 4


def test_everything_is_lost_twice_late_or_broken_both_ways() -> None:
    for how, count in (({"loss": 1.0}, 0), ({"duplicate": 1.0}, 2), ({"corrupt": 1.0}, 1)):
        line = impaired(**how)
        line.ask()
        assert len(line.put) == count
        for _ in range(count):
            line.arrive(answer())
        assert len(line.delivered) == count**2
        assert all(parcel.origin.forged == ("corrupt" in how) for _, parcel in line.delivered)
    line = impaired(delay=2.0)
    line.ask()
    assert (line.put, line.wire.in_flight) == ([], 1)
    line.wait(3)
    assert line.put == [(2, QUESTIONS[0])]
    line.arrive(answer())
    line.wait(6)
    assert line.delivered[0][0] == 5
    assert line.wire.in_flight == 0


def test_a_question_that_is_damaged_and_still_understood_belongs_to_no_exchange() -> None:
    line = impaired(corrupt=1.0)
    for _ in range(300):
        line.ask()
    understood = line.wire.open_questions(0)
    assert understood
    assert all(question.exchange == 0 for question in understood)


def test_an_answer_belongs_to_the_oldest_question_for_its_domain(line: Line) -> None:
    line.ask()
    line.exchange = 2
    line.ask()
    for _ in range(2):
        line.arrive(answer())
    assert [parcel.origin.exchange for _, parcel in line.delivered] == [1, 2]
    assert line.wire.open_questions(0) == []


@pytest.mark.parametrize(
    ("arriving", "words"),
    [
        ([answer(), answer()], "one.example.com: Active came once more"),
        ([answer(1, "Inactive")], "two.example.com: Inactive came, and nobody had asked"),
        ([answer(domain="else.example")], "else.example: Active came, and nobody had asked"),
    ],
)
def test_answers_without_a_question_are_wrong(arriving: list[bytes], words: str, line: Line) -> None:
    line.ask()
    for each in arriving:
        line.arrive(each)
    [note] = line.wire.wrong
    assert note.startswith(words)
    assert len(line.delivered) == len(arriving)


@pytest.mark.parametrize(("seconds", "wrong"), [(ANSWER_LIMIT, False), (ANSWER_LIMIT + 0.1, True)])
def test_an_answer_after_ten_seconds_and_the_way_is_wrong(seconds: float, wrong: bool, line: Line) -> None:
    line.ask()
    line.wait(seconds)
    line.arrive(answer())
    assert bool(line.wire.wrong) == wrong


def test_a_name_in_other_letters_is_the_same_name(line: Line) -> None:
    line.ask()
    line.arrive(answer(domain="ONE.example.com."))
    assert not line.wire.wrong
    assert line.wire.given[0] == ["Active"]


def test_a_gateway_that_forgot_owes_no_answer_and_may_have_given_one(line: Line) -> None:
    line.ask()
    line.wire.forget()
    assert not line.wire.awaits_answer(-1)
    line.arrive(answer())
    assert not line.wire.wrong
    line.arrive(answer())
    assert len(line.wire.wrong) == 1


def test_open_questions_are_awaited_for_a_while(line: Line) -> None:
    line.wait(5)
    line.ask()
    assert line.wire.awaits_answer(4)
    assert not line.wire.awaits_answer(5)
    assert [question.time for question in line.wire.open_questions(0)] == [5]


def test_what_nobody_asked_for_goes_both_ways_and_is_no_answer(line: Line) -> None:
    line.wire.inject(raw(9), 0)
    line.wire.forge(raw(9), 0)
    line.arrive(goodbye())
    line.arrive(b"\x45" + bytes(30))
    line.arrive(b"")
    assert [sent for _, sent in line.put] == [raw(9)]
    assert [parcel.packet for _, parcel in line.delivered] == [raw(9), goodbye()]
    assert line.wire.answered == 0
    assert not line.wire.awaits_answer(-1)
