"""Slices and functions: what they take, what they give, what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from fzctl.filter import FieldType, FilterError, compile_filter

Holds = Callable[..., bool]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ('p.text[0:3] == "exa"', {"text": "example"}),
        ("p.text[0] == 0x65", {"text": "example"}),
        ("p.text[0:2] == 65:78", {"text": "example"}),
        ('p.text[1:2] == "é"', {"text": "aé"}),
        ("p.bytes[-2:] == 72:ff", {"bytes": b"{r\x72\xff"}),
        ('p.bytes[0:2] matches "^.r$"', {"bytes": b"{r\x72\xff"}),
        ("p.ip6[0:4] == 20:01:0d:b8", {"ip6": "2001:db8::1"}),
        ("p.ip4[0] == 64", {"ip4": "100.96.0.1"}),
        ("p.bytes[0]", {"bytes": b"\0"}),
        ('p.bytes[4] == ""', {"bytes": b"\0"}),
        ("len(p.text) == 2", {"text": "é"}),
        ("len(p.bytes) == 3", {"bytes": b"abc"}),
        ("len(p.bytes[1:]) == 2", {"bytes": b"abc"}),
        ('lower(p.text) == "gitlabÉ"', {"text": "GitLabÉ"}),
        ('upper(p.text) == "GITLABé"', {"text": "GitLabé"}),
        ('upper(lower(p.text)) == "A"', {"text": "a"}),
        ("count(p.ip4) == 2", {"ip4": ["1.1.1.1", "2.2.2.2"]}),
        ('string(p.uint) matches "[13]$"', {"uint": 11}),
        ('string(p.ip6) contains "db8"', {"ip6": "2001:db8::1"}),
        ('string(p.guid) contains "6b71"', {"guid": "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"}),
        ("p.time == 1.5", {"time": 1.5}),
        ("p.time == 0.3", {"time": 0.1 + 0.2}),
        ("p.time == 0.1", {"time": Decimal("0.1")}),
        ("p.time < 1", {"time": 0}),
    ],
)
def test_slices_and_functions_hold(holds: Holds, expression: str, values: dict[str, object]) -> None:
    assert holds(expression, **values)


@pytest.mark.parametrize(
    "expression",
    [
        *("p.bytes[4]", "p.bytes[1:]", 'p.bytes[4] == "x"', "count(p.ip4) == 0"),
        *("len(p.text) == 0", "len(p.text) != 1", 'lower(p.text) == ""'),
    ],
)
def test_what_is_not_there_has_neither_bytes_nor_count(holds: Holds, expression: str) -> None:
    assert not holds(expression, bytes=b"a")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("p.uint[0] == 1", "have slices"),
        ("p.guid[0] == 1", "have slices"),
        ('len("abc") == 3', "a field is needed"),
        ("len(p.uint) == 1", "len() takes text or bytes"),
        ('lower(p.guid) == "a"', "lower() takes text"),
        ("count(p.bytes[0]) == 1", "a field alone"),
        ("string(p.bytes[0]) == 1", "a field alone"),
        ('string(p.text) == "a"', "numbers, addresses and UUIDs"),
        ("foo(p.text) == 1", "there are count, len, lower, string, upper"),
    ],
)
def test_what_does_not_fit_is_refused(fields: Mapping[str, FieldType], expression: str, problem: str) -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter(expression, fields)
    assert problem in caught.value.problem
