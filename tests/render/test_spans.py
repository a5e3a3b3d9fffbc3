"""Spans and sizes for people."""

from __future__ import annotations

import pytest

from fzctl.render.spans import format_size, format_span


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0, "0 us"),
        (999_999, "999 us"),
        (37_000_000, "37 ms"),
        (8_780_000, "8.78 ms"),
        (999_900_000, "0.999 s"),
        (12_040_000_000, "12.040 s"),
        (260_000_000_000, "4 min 20 s"),
        (11_100_000_000_000, "3 h 5 min"),
        (-2_000_000_000, "-2.000 s"),
    ],
)
def test_a_span_is_short_whatever_its_size(span: int, text: str) -> None:
    assert format_span(span) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 byte"), (28, "28 bytes"), (1500, "1.5 kB"), (3_200_000, "3.2 MB"), (7 * 10**12, "7000.0 GB")],
)
def test_a_size_has_a_fitting_unit(count: int, text: str) -> None:
    assert format_size(count) == text
