"""``-T fields``: tabs between fields, commas between values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fzctl.render.fieldform import to_fields


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([[]], ""),
        ([[], []], "\t"),
        ([[4], ["example.com"], []], "4\texample.com\t"),
        ([["100.96.0.1", "100.96.0.2"], [True], [False]], "100.96.0.1,100.96.0.2\t1\t0"),
        ([[bytes(7)], [b"{}"]], "00000000000000\t7b7d"),
        ([[Decimal("1.5")], [Decimal("1795351381.123456789")]], "1.500000000\t1795351381.123456789"),
        ([["a\tb\nc\x1b"]], "a\\x09b\\x0ac\\x1b"),
    ],
)
def test_a_line_holds_each_value_harmlessly(values: list[list[Any]], line: str) -> None:
    assert to_fields(values) == line
