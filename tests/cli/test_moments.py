"""Moments on the command line."""

from __future__ import annotations

import pytest

from fzctl.cli.moments import Moment, parse_moment, parse_seconds
from fzctl.errors import UsageError
from tests.records import goodbye, record

SECOND = 10**9
NOON = 1_795_348_800 * SECOND  # 2026-11-22T12:00:00Z


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T12:00:00Z", {"time": NOON}),
        ("2026-11-22 12:00", {"time": NOON}),
        ("2026-11-22T14:00:00.5+02:00", {"time": NOON + SECOND // 2}),
        ("2026-11-22T10:30:00-01:30", {"time": NOON}),
        ("1795348800.000000001", {"time": NOON + 1}),
        ("+12.5", {"after": 12_500_000_000}),
        ("#4", {"frame": 4}),
    ],
)
def test_a_moment_is_read_in_each_of_its_forms(text: str, moment: dict[str, int]) -> None:
    assert parse_moment(text) == Moment(text, **moment)


@pytest.mark.parametrize(
    "text", ["", "#", "#-1", "noon", "-5", "2026-13-01T00:00:00Z", "1e9", "#" + "9" * 40]
)
def test_what_is_no_moment_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="--at"):
        parse_moment(text)


def test_seconds_may_be_negative_and_keep_nanoseconds() -> None:
    assert parse_seconds("-0.000000001", "--offset") == -1
    with pytest.raises(UsageError, match="--offset"):
        parse_seconds("soon", "--offset")


def test_the_moment_is_before_what_comes_after_it_only() -> None:
    later = record(goodbye(), frame=5, time=NOON + 3)
    assert Moment("", time=NOON + 2).is_before(later, None)
    assert not Moment("", time=NOON + 3).is_before(later, None)
    assert Moment("", after=2).is_before(later, NOON)
    assert Moment("", frame=4).is_before(later, None)
    assert not Moment("", frame=5).is_before(later, None)
    assert not Moment("", after=2).is_before(later._replace(time=None), None)
