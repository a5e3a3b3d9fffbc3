"""A gateway's rules out of a file: what they come to, and what is told about those that are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import UsageError
from fzctl.live.gateway import ADDRESSES, Answer, Rules
from fzctl.live.rules import parse_rules
from tests.records import RESOURCE

ALL = f"""
seed = 7
status = "Inactive"
delay = 1
loss = 0.25
addresses = []
deny = ["{{{RESOURCE.upper()}}}"]

[[allow]]
resource = "{RESOURCE}"
domains = "*.example.com"
[[allow]]
resource = "0d3f6a9b7c554b0e8f4e2a1d9c3b5e77"

[[answer]]
domains = "a.example.com"
status = "Active"
addresses = ["10.0.0.1", "2001:DB8::1"]
lose = 2
wrong = "twice"
[[answer]]
domains = "**.example.com"
delay = 0.5
"""


def test_everything_is_read() -> None:
    rules = parse_rules(ALL.encode(), "r.toml")
    assert rules.seed == 7
    assert rules.denied == {RESOURCE}
    assert [(each.id, each.pattern and each.pattern.text) for each in rules.resources or ()] == [
        (RESOURCE, "*.example.com"),
        ("0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77", "**"),
    ]
    first, second = rules.answers
    assert first[1:] == ("Active", 1.0, 0.25, 2, "twice", ("10.0.0.1", "2001:db8::1"))
    assert second[1:] == ("Inactive", 0.5, 0.25, 0, None, ())
    assert rules.answer_for("a.example.com") is first
    assert rules.answer_for("b.example.com") is second
    assert rules.answer_for("example.org") is rules.otherwise


def test_nothing_is_the_rules_that_there_are_anyway() -> None:
    rules = parse_rules(b"", "r.toml")
    assert rules == Rules(otherwise=Answer(rules.otherwise.pattern))
    assert rules.otherwise.addresses == ADDRESSES
    assert parse_rules(b"allow = []", "r.toml").resources == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("delay = ", "it is no TOML: Invalid value (at line 1"),
        ("\ndelay = 1\ndelay = 2", "at line 3"),
        ("# \xff", "line 1: it is not UTF-8"),
        ("dealy = 1", "'dealy' is no key here; there are seed"),
        ("delay = -1", "delay is to be a number from 0 on, and not -1"),
        ("delay = true", "delay is to be a number"),
        ("delay = inf", "delay is to be a number"),
        ("loss = 20", "loss is to be a chance from 0 to 1, and not 20"),
        ("lose = 1.5", "lose is to be a whole number"),
        ("seed = '1'", "seed is to be a whole number"),
        ("wrong = 'x'", 'wrong is to be one of "resource"'),
        ("wrong = 1", "wrong is to be one of"),
        ("status = ['Active']", "status is to be one of"),
        ("deny = 'x'", "deny is to be a list"),
        ("deny = [1]", "deny[1] is to be a resource's UUID, and not 1"),
        ("allow = [1]", "allow[1] is to be a table: [[allow]]"),
        ("[allow]", "allow is to be a list"),
        ("[[allow]]\nresource = 'x'", "allow[1].resource is to be a resource's UUID, and not 'x'"),
        ("[[allow]]\ndomains = 'x'", "allow[1].resource is to be a resource's UUID, and not nothing"),
        ("[[answer]]\nstatus = 'Active'", "answer[1].domains is to be a domain pattern"),
        ("[[answer]]\ndomains = '***'", "answer[1].domains: '***' is no domain pattern"),
        ("[[answer]]\ndomains = 'a'\n[[answer]]\ndomains = 'b'\nstatus = 'x'", "answer[2].status is to be"),
        (
            "[[answer]]\ndomains = 'a'\naddresses = ['10.0.0']",
            "answer[1].addresses[1] is to be an IP address",
        ),
        ("[[answer]]\ndomains = 'a'\nseed = 1", "answer[1].'seed' is no key here"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rules(text.encode("latin-1"), "r.toml")
    assert str(caught.value).startswith("r.toml: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_makes_it_fail_in_another_way(data: bytes) -> None:
    try:
        assert isinstance(parse_rules(data, "r.toml"), Rules)
    except UsageError:
        pass


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = " + "[" * 100_000, "it is nested too deeply"),
        ("a = " + "{a=" * 50_000, "it is nested too deeply"),
        ("\n" + "a." * 100_000 + "a = 1", "line 2: it has more than 2000 dots"),
        ("[" + "a." * 100_000 + "a]", "line 1: it has more than 2000 dots"),
    ],
)
def test_bombs_are_one_sentence(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"^rules: {problem}"):
        parse_rules(text.encode(), "rules")
