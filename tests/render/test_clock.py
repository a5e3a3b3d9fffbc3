"""Points in time as text."""

from __future__ import annotations

import pytest

from fzctl.render.clock import (
    Days,
    day_of,
    format_clock,
    format_moment,
    format_span,
    format_time,
    is_of_one_day,
)

NOON = 1_795_351_381_123_456_789
DAY = 86_400 * 10**9


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_795_351_381_123_456_789, "2026-11-22T12:43:01.123456789Z"),
        (951_782_400 * 10**9, "2000-02-29T00:00:00.000000000Z"),
        (253_402_300_799 * 10**9 + 999_999_999, "9999-12-31T23:59:59.999999999Z"),
        (253_402_300_800 * 10**9, None),
        (2**64 * 10**9, None),
        (-(2**80), None),
    ],
)
def test_a_time_is_utc_with_nine_digits_or_nothing(nanoseconds: int | None, text: str | None) -> None:
    assert format_time(nanoseconds) == text


def test_the_clock_is_the_time_of_day_to_the_microsecond() -> None:
    assert format_clock(1_795_351_381_123_456_789) == "12:43:01.123456"


@pytest.mark.parametrize("nanoseconds", [None, 2**64 * 10**9])
def test_no_time_is_a_dash_on_the_clock(nanoseconds: int | None) -> None:
    assert format_clock(nanoseconds) == "-"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 us"),
        (999, "1 us"),
        (543_210, "543 us"),
        (1_000_000, "1.00 ms"),
        (3_123_456, "3.12 ms"),
        (31_234_567, "31.2 ms"),
        (312_345_678, "312 ms"),
        (2_040_000_000, "2.04 s"),
        (12_345_000_000, "12.3 s"),
        (1_234_500_000_000, "1234 s"),
        (-3_123_456, "-3.12 ms"),
    ],
)
def test_a_span_has_three_digits(nanoseconds: int, text: str) -> None:
    assert format_span(nanoseconds) == text


def test_a_moment_has_its_date_where_the_clock_does_not_tell_it_apart() -> None:
    assert format_moment(NOON, dated=False) == "12:43:01.123"
    assert format_moment(NOON, dated=True, length=8) == "2026-11-22 12:43:01"
    assert format_moment(None, dated=True) == "-"


def test_times_are_of_one_day_until_midnight_in_utc() -> None:
    midnight = NOON - NOON % DAY + DAY
    assert is_of_one_day([NOON, None, midnight - 1])
    assert not is_of_one_day([NOON, midnight])
    assert is_of_one_day([])
    assert (day_of(midnight), day_of(None)) == ("2026-11-23", "")


def test_a_day_is_named_where_it_begins_and_not_again() -> None:
    days = Days()
    times = NOON, NOON + 1, None, NOON + DAY, 2**80, NOON
    assert [days.heading(time) for time in times] == [
        "-- 2026-11-22 UTC --\n", "", "", "-- 2026-11-23 UTC --\n", "", "-- 2026-11-22 UTC --\n",
    ]  # fmt: skip
