"""Points in time, held against the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.logs.times import SECOND, parse_moment, parse_span, parse_time

zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=st.just(UTC) | zones))
def test_it_reads_what_the_standard_library_writes(when: datetime) -> None:
    expected = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert parse_time(when.isoformat()) == expected


@pytest.mark.parametrize(
    ("fraction", "nanoseconds"),
    [
        ("", 0),
        (".1", 100_000_000),
        (".000000001", 1),
        (".12774779", 127_747_790),
        (".1234567899", 123_456_789),
    ],
)
def test_a_fraction_has_up_to_nine_digits(fraction: str, nanoseconds: int) -> None:
    assert parse_time(f"2024-12-20T10:15:12{fraction}Z") == 1_734_689_712 * SECOND + nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "yesterday",
            "2024-12-20",
            "2024-12-20T10:15:12",
            "2024-13-20T10:15:12Z",
            "2023-02-29T10:15:12Z",
        ),
        *("2024-12-20T24:15:12Z", "2024-12-20T10:60:12Z", "0000-12-20T10:15:12Z", "2024-12-00T10:15:12Z"),
        *(
            "2024-12-20T10:15:12.Z",
            "2024-12-20T10:15:12+24:00",
            "2024-12-20T10:15:12Z ",
            "２０２４-12-20T10:15:12Z",
        ),
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


@given(st.text())
def test_any_text_is_read_or_not_without_an_error(text: str) -> None:
    parse_time(text)
    parse_moment(text)
    parse_span(text)


@pytest.mark.parametrize(
    "text",
    [
        "2024-12-20",
        "2024-12-20 00:00",
        "2024-12-20T00:00:00",
        "2024-12-20T00:00:00.0",
        "2024-12-20T01:00:00+01:00",
    ],
)
def test_people_may_leave_out_what_goes_without_saying(text: str) -> None:
    assert parse_moment(text) == 1_734_652_800 * SECOND


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600), ("1.5s", 1.5), ("250ms", 0.25), ("2h", 7200), ("1d", 86400)]
)
def test_spans_have_a_unit(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds * SECOND


@pytest.mark.parametrize("text", ["10", "m", "-1m", "1 m", "1w", "1.m"])
def test_what_is_no_span_is_none(text: str) -> None:
    assert parse_span(text) is None
