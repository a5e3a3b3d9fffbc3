"""Comparisons over fields with none, one and many values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from fzctl.filter import FieldType, FilterError, compile_filter

Holds = Callable[..., bool]
ONE, TWO = "100.96.0.1", "100.96.0.2"
GUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"


@pytest.mark.parametrize(
    ("operator", "none", "one", "both", "other"),
    [
        ("==", False, True, True, False),
        ("!=", False, False, False, True),
        ("===", False, True, False, False),
        ("!==", False, False, True, True),
        ("~=", False, False, True, True),
        ("<", False, False, False, False),
        ("<=", False, True, True, False),
        (">", False, False, True, True),
        (">=", False, True, True, True),
    ],
)
def test_many_values_and_none(
    holds: Holds, operator: str, none: bool, one: bool, both: bool, other: bool
) -> None:
    for expression in (f"p.ip4 {operator} {ONE}", f"p.ip4 {operator} {ONE}/32"):
        answers = [holds(expression, ip4=values) for values in ([], [ONE], [ONE, TWO], [TWO])]
        assert answers == [none, one, both, other], expression


@pytest.mark.parametrize(
    ("expression", "one", "both", "none"),
    [
        (f"all p.ip4 == {ONE}", True, False, False),
        (f"any p.ip4 != {ONE}", False, True, False),
        (f"all p.ip4 in {{{ONE}}}", True, False, False),
        (f"p.ip4 in {{{ONE}}}", True, True, False),
        (f"p.ip4 not in {{{ONE}}}", False, False, True),
        (f"all p.ip4 not in {{{ONE}}}", False, False, True),
        (f"not p.ip4 in {{{TWO}..100.96.0.9}}", True, False, True),
        ("p.ip4 in {100.96.0.0/24}", True, True, False),
        ("p.ip4 in {10.0.0.0/8, 100.96.0.2}", False, True, False),
        ("p.ip4 == p.ip4", True, True, False),
        ("p.ip4 === p.ip4", True, False, False),
        ("p.ip4 < p.ip4", False, True, False),
        ("p.ip4 != p.ip4", False, False, False),
    ],
)
def test_any_and_all(holds: Holds, expression: str, one: bool, both: bool, none: bool) -> None:
    assert [holds(expression, ip4=values) for values in ([ONE], [ONE, TWO], [])] == [one, both, none]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("p.uint in {1, 5..7, 'a'}", {"uint": 6}),
        ("p.uint in {1, 5..7, 'a'}", {"uint": 97}),
        ("p.uint == p.frame", {"uint": 1, "frame": 1}),
        ("p.uint < p.other <= p.frame", {"uint": 1, "other": 2, "frame": 2}),
        ("p.flag == true and p.flag != 0 and p.flag in {1}", {"flag": True}),
        ("p.flag", {"flag": False}),
        ("p.flag < 1", {"flag": False}),
        (f"p.guid == {GUID.upper()}", {"guid": GUID}),
        (f'p.guid == "{GUID}"', {"guid": GUID}),
        ("p.guid > 6b7188f4-ffff-ffff-ffff-ffffffffffff", {"guid": GUID}),
        ("p.text == Active", {"text": "Active"}),
        ("p.text in {Active, Inactive}", {"text": "Inactive"}),
        ('p.text in {"a".."b"}', {"text": "ab"}),
        ('p.text contains "Lab"', {"text": "GitLab"}),
        ('p.text matches "^gitlab$"', {"text": "GitLab"}),
        (r'p.text ~ r"\.(com|org)$"', {"text": "example.org"}),
        (r'p.text contains "\xc3"', {"text": "é"}),
        (r'p.text in {"\xff", "a"}', {"text": "a"}),
        ("p.text contains p.more", {"text": "example", "more": "amp"}),
        ("p.bytes contains 22:72", {"bytes": b'{"r'}),
        ('p.bytes contains "\\"r"', {"bytes": b'{"r'}),
        ('p.bytes matches "\\xff$"', {"bytes": b"\xff"}),
        ("p.bytes > 7b", {"bytes": b"{0"}),
        ("p.ip6 == fd00:2021:1111::/48", {"ip6": "fd00:2021:1111::5"}),
        ("p.ip6 == ::ffff:1.2.3.4", {"ip6": "::ffff:102:304"}),
        ("p.ip6 > fd00::/16", {"ip6": "fe00::"}),
        ("p.time in {0.5..1.5}", {"time": 1.5}),
    ],
)
def test_every_type_compares(holds: Holds, expression: str, values: dict[str, object]) -> None:
    assert holds(expression, **values)


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("p.ip6 > fd00::/16", {"ip6": "fd00::1"}),
        ("p.uint in {7..5}", {"uint": 6}),
        ('p.text contains "lab"', {"text": "GitLab"}),
        ('p.text == "gitlab"', {"text": "GitLab"}),
        ('all p.text matches "a"', {"text": ["a", "b"]}),
        ("all p.text contains p.more", {"text": ["ab", "b"], "more": "a"}),
        ("p.uint == p.other", {"uint": 1}),
        ("p.uint != p.other", {"uint": 1}),
    ],
)
def test_what_does_not_hold(holds: Holds, expression: str, values: dict[str, object]) -> None:
    assert not holds(expression, **values)


@pytest.mark.parametrize(
    ("expression", "place", "problem"),
    [
        ('p.uint == "abc"', 10, 'p.uint holds a whole number; "abc" is none'),
        ("p.uint in {1, abc}", 14, "abc is none"),
        ("p.uint in {1..abc}", 14, "abc is none"),
        ("p.uint == 1 or p.ip4 == 1.2.3.4/33", 24, "0 to 32"),
        ("p.uint == p.ip4", 10, "do not compare"),
        ("p.text contains p.bytes", 16, "do not compare"),
        ("p.uint contains 1", 0, "write string(p.uint) contains"),
        ('p.flag matches "1"', 0, "matches searches text and bytes"),
        ("p.bytes contains xyz", 17, "7b:22"),
        ('p.text matches "("', 15, "no regular expression"),
        ('p.text matches "(a+)+$"', 15, "take forever"),
        ("count(p.ip4) == x", 16, "count(p.ip4) holds a whole number"),
    ],
)
def test_what_does_not_fit_is_pointed_at(
    fields: Mapping[str, FieldType], expression: str, place: int, problem: str
) -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter(expression, fields)
    assert caught.value.span.start == place
    assert problem in caught.value.problem
