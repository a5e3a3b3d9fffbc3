"""``-T fields``: tabs between fields, commas between values."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ([["=1+1"], ["-1+1"], [Decimal(-1)]], "\\x3d1+1\t\\x2d1+1\t-1.000000000"),
        ([["a,@b; +c"], ['"a'], ["\uff1d1"]], "a,\\x40b; \\x2bc\t\\x22a\t\\uff1d1"),
        ([["a\\.b"], ["\\x41"], ["a\\032"]], "a\\.b\t\\x5cx41\ta\\032"),
    ],
)
def test_a_line_holds_each_value_harmlessly(values: list[list[Any]], line: str) -> None:
    assert to_fields(values) == line


def restored(text: str) -> str:
    """What README says of a text's way back."""
    code = r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})"
    return re.sub(code, lambda found: chr(int(found[1] or found[2] or found[3], 16)), text)


TEXTS = st.lists(
    st.sampled_from([*"=+-@\"',;\\xuU041 \t\n\r\x1b\u202e\uff1d\udc80\u0301", "\\x3d", "ab"])
).map("".join)


@given(st.lists(TEXTS | st.text(st.characters()), min_size=1, max_size=4))
def test_any_texts_are_cells_of_one_row_that_no_spreadsheet_runs_and_come_back(texts: list[str]) -> None:
    line = to_fields([[4], *([text] for text in texts)])
    assert len(line.splitlines()) == 1
    assert [restored(cell) for cell in line.split("\t")] == ["4", *texts]
    for delimiter in "\t,;":
        for row in csv.reader([line], delimiter=delimiter):
            assert len(row) == len(texts) + 1 or delimiter != "\t"
            assert not [
                cell for cell in row if cell.lstrip(" ")[:1] in tuple('=+-@"\uff1d\uff0b\uff0d\uff20')
            ]
