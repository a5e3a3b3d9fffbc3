"""One domain over time, as packets show it."""

from __future__ import annotations

from fzctl.analysis.domains import DomainEntry
from fzctl.analysis.findings import Spot, Subject
from fzctl.nat.client import State
from tests.analysis.scenario import SECOND, START

SUBJECT = Subject(1, 1, "r", "A.example")
IPS = ["100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4"]


def spot(frame: int, at: float = 0) -> Spot:
    return Spot(frame, START + round(at * SECOND), None)


def entry() -> DomainEntry:
    return DomainEntry(SUBJECT, "a.example")


def changes(found: DomainEntry) -> list[tuple[int, State | None, bool, str]]:
    kept = found.story(is_mapped=False).changes.things
    return [(each.spot.frame, each.state, each.buffering, each.cause) for each in kept]


def test_the_states_are_those_of_a_client() -> None:
    found = entry()
    found.ask(1, spot(1), b"q", IPS)
    found.answer(spot(2), "Active", 5)
    found.ask(2, spot(3), b"q", IPS)
    found.answer(spot(4), "Inactive", 5)
    found.ask(3, spot(5), b"q", IPS)
    found.end(spot(6))
    assert changes(found) == [
        (1, State.PENDING, True, "first"),
        (2, State.CONFIRMED, False, "status"),
        (3, State.PENDING, False, "recreated"),
        (4, State.FAILED, False, "status"),
        (5, State.PENDING, True, "recreated"),
        (6, None, False, "goodbye"),
    ]


def test_an_equal_status_changes_nothing_and_a_late_one_does() -> None:
    found = entry()
    found.ask(1, spot(1), b"q", IPS)
    for frame, status in enumerate(("Active", "Active", "Inactive", "Active"), start=2):
        found.answer(spot(frame), status, 5)
    assert [state for _, state, *_ in changes(found)] == [
        State.PENDING, State.CONFIRMED, State.FAILED, State.CONFIRMED,
    ]  # fmt: skip
    story = found.story(is_mapped=True)
    assert (story.active, story.inactive, story.flips, story.answers, story.is_mapped) == (3, 1, 2, 4, True)


def test_an_exchange_tells_its_transmissions_and_its_first_answer() -> None:
    found = entry()
    found.ask(7, spot(1), b"q", IPS)
    found.ask_again(spot(2, 2), b"q")
    found.ask_again(spot(3, 4), b"other")
    found.answer(spot(4, 5), "Active", 5 * SECOND)
    found.answer(spot(5, 6), "Active", 6 * SECOND)
    found.close_exchange()
    [asked] = found.story(is_mapped=False).exchanges.things
    assert [each.frame for each in asked.questions] == [1, 2, 3]
    assert (asked.number, asked.question_count, asked.same_bytes) == (7, 3, False)
    assert (asked.answer, asked.status, asked.response_time, asked.answer_count) == (
        spot(4, 5), "Active", 5 * SECOND, 2,
    )  # fmt: skip
    assert found.story(is_mapped=False).response_times.values == 1


def test_a_status_that_is_none_of_this_dialect_leaves_the_state() -> None:
    found = entry()
    found.ask(1, spot(1), b"q", IPS)
    found.answer(spot(2), None, 5)
    assert found.state is State.PENDING


def test_a_packet_two_seconds_after_the_question_is_overdue() -> None:
    found = entry()
    found.ask(1, spot(1), b"q", IPS)
    seen = []
    for packet in (spot(2, 1.9), spot(3, 2), spot(4, 2.1)):
        found.packet_to(60, packet)
        seen.append(found.overdue)
    found.ask_again(spot(5, 2.2), b"q")
    assert [*seen, found.overdue] == [None, spot(3, 2), spot(3, 2), None]


def test_traffic_falls_into_the_phase_of_its_moment() -> None:
    found = entry()
    found.ask(1, spot(1), b"q", IPS)
    found.packet_to(10, spot(2))
    found.answer(spot(3), "Active", 1)
    found.ask(2, spot(4), b"q", IPS)
    found.packet_to(20, spot(5))
    found.answer(spot(6), "Inactive", 1)
    found.packet_to(30, spot(7))
    found.end(spot(8))
    found.current.count_from(40)
    traffic = found.story(is_mapped=False).traffic
    assert {phase: (each.bytes_to, each.bytes_from) for phase, each in traffic.items()} == {
        "pending": (10, 0), "refreshing": (20, 0), "failed": (30, 0), "ended": (0, 40),
    }  # fmt: skip


def test_a_long_run_keeps_its_beginning_and_its_end() -> None:
    found = entry()
    for number in range(1000):
        found.ask(number, spot(2 * number), b"q", IPS)
        found.answer(spot(2 * number + 1), "Active", 1)
    found.close_exchange()
    story = found.story(is_mapped=False)
    assert story.exchanges.left_out == 1000 - len(story.exchanges.things) > 900
    assert story.exchanges.things[-1].number == 999
    assert story.questions == story.answers == 1000
