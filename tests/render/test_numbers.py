"""Numbers as tables with bars, in any width, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis.stats import Report, stats_of
from fzctl.render.numbers import (
    ASCII,
    BLOCKS,
    MOST_LISTED,
    bar,
    span,
    to_numbers_object,
    to_numbers_text,
)
from tests.analysis.scenario import NET, Scene
from tests.records import HOSTILE, harmful, hostile_packets, raw, record


def report() -> Report:
    scene = Scene(session=1)
    for number in range(6):
        scene.ask(number * 10, f"d{number % 3}.example")
        scene.answer(number * 10 + 0.02 * (number + 1), f"d{number % 3}.example")
    scene.ask(70, "d0.example", resource=NET, session=2)
    scene.add(71, raw(0, "{"), "a>b", session=2)
    copy = scene.goodbye(72, session=2)
    scene.records.append(copy._replace(copy_of=copy.frame, frame=99))
    return stats_of(scene.records)


@pytest.mark.parametrize(("width", "blocks"), [(80, ASCII), (120, BLOCKS)])
def test_the_text_is_as_it_was(width: int, blocks: str, golden: Callable[[str, str], None]) -> None:
    golden(to_numbers_text(report(), width, blocks=blocks), f"stats-{width}.txt")


@pytest.mark.parametrize("width", [70, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, to_numbers_text(report(), width).splitlines())) <= width


def test_nothing_is_no_error() -> None:
    empty = stats_of([])
    assert to_numbers_text(empty, 80) == "no messages\n"
    assert to_numbers_object(empty)["total"]["response_seconds"]["median"] is None


def test_json_has_seconds_and_bytes() -> None:
    found = json.loads(json.dumps(to_numbers_object(report())))
    assert found["total"]["messages"] == 15
    assert (found["total"]["copies"], found["total"]["refused"]) == (1, 1)
    assert found["total"]["response_seconds"]["max"] == pytest.approx(0.12)
    assert found["reasons"] == {"bad_json": 1}
    assert {(each["domain"], each["messages"]) for each in found["domains"]} == {
        *(("d0.example", 4), ("d1.example", 4), ("d2.example", 4), ("d0.example", 1)),
    }
    assert [each["session"] for each in found["sessions"]] == [1, 2]
    assert {each["name"] for each in found["kinds"]} == {"assigned_ips", "domain_status", "goodbye"}


def test_one_domain_of_two_resources_is_told_apart() -> None:
    text = to_numbers_text(report(), 120)
    assert f"d0.example  {NET[:8]}" in text
    assert "d1.example  6b" not in text


def test_many_domains_are_counted_the_busiest_shown() -> None:
    scene = Scene()
    for number in range(MOST_LISTED + 5):
        for at in range(2 if number == MOST_LISTED + 4 else 1):
            scene.ask(number + at * 100, f"d{number}.example")
    text = to_numbers_text(stats_of(scene.records), 100)
    rows = text[text.index("domains") :].splitlines()
    assert rows[1].startswith(f"d{MOST_LISTED + 4}.example")
    assert "and 5 more (-T json has all of them)" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    scene = Scene(file=text, session=1)
    scene.ask(0)
    hostile = stats_of([*scene.records, *(record(each, 9, file=text) for each in hostile_packets())])
    assert not harmful(to_numbers_text(hostile, 100, colour=False))


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 60), st.sampled_from([ASCII, BLOCKS]))
def test_a_bar_is_as_wide_as_it_must_be(weight: int, most: int, width: int, blocks: str) -> None:
    weight = min(weight, most)
    found = bar(weight, most, width, blocks)
    assert len(found) == width
    assert bool(found.strip()) is (weight > 0)
    assert set(found) <= set(blocks)
    assert bar(most, most, width, blocks) == blocks[-1] * width


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (None, "-"), (0, "0 ns"), (999, "999 ns"), (1000, "1.00 us"), (37_000_000, "37.0 ms"),
        (12_040_000_000, "12.0 s"), (123_456_000_000, "123 s"),
    ],
)  # fmt: skip
def test_spans_have_three_digits(nanoseconds: int | None, text: str) -> None:
    assert span(nanoseconds) == text
