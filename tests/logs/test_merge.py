"""Several logs as one timeline."""

from __future__ import annotations

from collections.abc import Generator

from hypothesis import given
from hypothesis import strategies as st

from fzctl.logs.event import Event
from fzctl.logs.merge import Lane, merge


def event(time: int | None, message: str) -> Event:
    return Event(time, "INFO", None, message, (), (), "text", None, 1, "")


def lane(*events: Event, again: bool = True) -> Lane:
    def opened() -> Generator[Event]:
        yield from events

    return Lane(opened, again)


def words(*lanes: Lane) -> str:
    return " ".join(each.message or "" for each in merge(lanes))


def test_events_come_by_time_and_equal_times_in_the_order_of_the_logs() -> None:
    a = lane(event(1, "a1"), event(3, "a3"), event(5, "a5"))
    b = lane(event(2, "b2"), event(3, "b3"), event(6, "b6"))
    assert words(a, b) == "a1 b2 a3 b3 a5 b6"
    assert words(b, a) == "a1 b2 b3 a3 a5 b6"


def test_events_without_time_stay_beside_their_predecessor() -> None:
    a = lane(event(None, "a-"), event(2, "a2"), event(None, "a2+"), event(None, "a2++"), event(4, "a4"))
    assert words(a, lane(event(1, "b1"), event(2, "b2"), event(3, "b3"))) == "b1 a- a2 a2+ a2++ b2 b3 a4"


def test_a_log_without_any_time_comes_first_and_whole() -> None:
    many = [event(None, f"x{number}") for number in range(2500)]
    assert words(lane(event(1, "a")), lane(*many)) == " ".join([*(each.message or "" for each in many), "a"])


def test_a_clock_that_was_set_back_never_reorders_a_log() -> None:
    a = lane(event(9, "a9"), event(1, "a1"), event(2, "a2"))
    assert words(a, lane(event(3, "b3"), event(10, "b10"))) == "b3 a9 a1 a2 b10"


@given(st.lists(st.lists(st.none() | st.integers(0, 20), max_size=12), max_size=5))
def test_nothing_is_lost_and_every_log_keeps_its_order(times: list[list[int | None]]) -> None:
    lanes = [
        [event(time, f"{number}.{place}") for place, time in enumerate(each)]
        for number, each in enumerate(times)
    ]
    found = list(merge([lane(*each) for each in lanes]))
    assert sorted(each.message or "" for each in found) == sorted(
        e.message or "" for each in lanes for e in each
    )
    for number, each in enumerate(lanes):
        assert [one for one in found if (one.message or "").startswith(f"{number}.")] == each


@given(st.lists(st.lists(st.integers(0, 20), max_size=12).map(sorted), min_size=2, max_size=5))
def test_logs_in_order_give_a_timeline_in_order(times: list[list[int]]) -> None:
    found = [each.time for each in merge([lane(*(event(time, "") for time in each)) for each in times])]
    assert found == sorted(time for each in times for time in each)


def test_a_log_is_opened_when_it_is_due_and_a_pipe_only_once() -> None:
    opened: list[str] = []

    def tracked(name: str, *events: Event, again: bool = True) -> Lane:
        def start() -> Generator[Event]:
            opened.append(name)
            yield from events

        return Lane(start, again)

    late, early = tracked("late", event(5, "b")), tracked("early", event(1, "a"), event(2, "a"))
    found = merge([late, early, tracked("pipe", event(3, "p"), again=False)])
    next(found)
    # Both files were looked at, and only one of them is being read.
    assert (opened.count("late"), opened.count("early"), opened.count("pipe")) == (1, 2, 1)
    assert [each.message for each in found] == ["a", "p", "b"]
    assert opened.count("pipe") == 1


def test_long_lines_without_time_are_not_collected() -> None:
    taken = 0

    def opened() -> Generator[Event]:
        nonlocal taken
        yield event(1, "first")
        for taken in range(1, 900):  # noqa: B007 - tells how far it came
            yield event(None, "long")._replace(raw="x" * 100_000)

    merged = merge([Lane(opened, again=False), lane(event(2, "b"))])
    assert next(merged).message == "first"
    assert taken < 20
    assert sum(each.message == "long" for each in merged) == 899
