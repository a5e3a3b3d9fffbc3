"""Which events are wanted."""

from __future__ import annotations

import pytest

from fzctl.errors import UsageError
from fzctl.logs import selection
from fzctl.logs.selection import Moment, Selection, read_moment
from fzctl.logs.times import SECOND
from tests.logs.read import TEXT_LINE, events_of, one, sample

STAMP = "2026-08-22T00:53:24.158Z"
NOW = 1_787_360_000 * SECOND


def test_level_is_a_least_and_takes_any_spelling() -> None:
    events = sample("client.log")
    for level in ("warning", "WARN"):
        assert not [
            event
            for event in events
            if selection.at_least(level)(event) and event.severity not in ("WARN", "ERROR")
        ]
    assert len(list(filter(selection.at_least("trace"), events))) == len(events)


def test_target_is_a_module_and_all_inside_it() -> None:
    wanted = selection.of_target(["a::b", "c"])
    targets = {"a::b": True, "a::b::c": True, "a::bc": False, "a": False, "c::d": True, "cc": False}
    assert {target: wanted(one(f"{STAMP} DEBUG {target}: x")) for target in targets} == targets


@pytest.mark.parametrize(
    ("domain", "text", "wanted"),
    [
        ("gitlab.corp", "domain=gitlab.corp", True),
        ("gitlab.corp.", "domain=GitLab.Corp", True),
        ("gitlab.corp", "query 'A gitlab.corp.' failed", True),
        ("gitlab.corp", "domain=my.gitlab.corp", False),
        ("gitlab.corp", "domain=my-gitlab.corp", False),
        ("gitlab.corp", "domain=gitlab.corp.example", False),
        ("gitlab.corp", "domain=*.gitlab.corp", False),
        ("*.corp", "domain=gitlab.corp", True),
        ("*.corp", "domain=corp", False),
        (r"a\.b.c", r"domain=a\.b.c", True),
        ("b.c", r"domain=a\.b.c", False),
    ],
)
def test_a_domain_counts_as_a_whole(domain: str, text: str, wanted: bool) -> None:
    assert selection.of_domain(domain)(one(f"{STAMP} DEBUG a::b: x {text}")) is wanted


def test_a_domain_is_found_in_broken_lines_too() -> None:
    assert selection.of_domain("gitlab.corp")(one('{"time":"2026","domain":"gitlab.corp","mes'))


def test_a_resource_is_known_by_its_beginning() -> None:
    event = sample("client.log")[9]
    assert selection.of_resource("9AD2e144")(event)
    assert not selection.of_resource("d2e1")(event)
    for text in ("9ad", "xyzw", ""):
        with pytest.raises(UsageError, match="no resource id"):
            selection.of_resource(text)


def test_text_is_searched_in_everything_that_is_said() -> None:
    event = sample("gateway.jsonl")[3]
    for expression in ("^Created", "snownet", "cid=fc56", "upsert"):
        assert selection.of_text(expression)(event)
    assert not selection.of_text("timestamp")(event)


@pytest.mark.parametrize(
    "make",
    [lambda: selection.of_text("("), lambda: selection.at_least("loud"), lambda: read_moment("soon", NOW)],
)
def test_what_cannot_be_meant_is_a_usage_error(make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError):
        make()


def test_moments_are_absolute_before_now_or_after_the_first_event() -> None:
    assert read_moment("10s", NOW) == Moment(NOW - 10 * SECOND)
    assert read_moment("+10s", NOW) == Moment(10 * SECOND, True)
    assert read_moment("2024-12-20T10:15:12Z", NOW) == Moment(1_734_689_712 * SECOND)


def test_time_bounds_keep_lines_without_time_with_the_one_above() -> None:
    lines = [
        *("2026-08-22T00:00:01Z  INFO a::b: one p=P {", "  more }"),
        *("2026-08-22T00:00:02Z  INFO a::b: two p=P {", "  more 2 }"),
        *("2026-08-22T00:00:03Z  INFO a::b: three", '{"x":1}', ""),
    ]
    events = events_of("\n".join(lines).encode())
    chosen = Selection(since=Moment(SECOND, True), until=Moment(SECOND, True)).select(events)
    assert [event.line for event in chosen] == [3, 4]
    assert [event.line for event in Selection(since=Moment(2 * SECOND, True)).select(events)] == [5, 6]
    assert [event.line for event in Selection().select(events)] == [1, 2, 3, 4, 5, 6]


def test_a_continuation_shares_the_fate_of_its_event() -> None:
    events = events_of(
        b"2026-08-22T00:00:01Z DEBUG a::b: one p=P {\n  more }\n"
        b"2026-08-22T00:00:01Z  WARN a::b: two p=P {\n  }"
    )
    assert [event.line for event in Selection([selection.at_least("warn")]).select(events)] == [3, 4]


def test_the_protocols_events_alone() -> None:
    chosen = Selection([selection.of_protocol]).select(sample("relay.jsonl"))
    assert {event.message for event in chosen} == {None, "Setting up DNS resource NAT"}


def test_times_may_count_from_what_another_selection_saw_first() -> None:
    later = Selection(since=Moment(2 * 10**9, after_first=True))
    event = one(TEXT_LINE)
    assert event.time is not None
    later.begin(event.time - 2 * 10**9)
    later.begin(0)
    assert later(event)
    assert not Selection(since=Moment(2 * 10**9, after_first=True))(event)


@pytest.mark.parametrize("expression", ["(" * 5000 + ")" * 5000, "a{" + "1" * 5000 + "}", "a{99999999999}"])
def test_a_regular_expression_that_python_cannot_take_is_one_sentence(expression: str) -> None:
    with pytest.raises(UsageError, match="is too large for a regular expression"):
        selection.of_text(expression)


def test_a_set_that_python_wonders_about_is_taken_as_it_is() -> None:
    assert selection.of_text("[[a]")(one(TEXT_LINE))
