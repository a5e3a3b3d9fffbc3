"""Which domains a resource's address covers: upstream's own 180 verdicts, and what they leave open."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import UsageError
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_domain

CASES = json.loads((Path(__file__).parent / "vectors" / "domain_patterns.json").read_bytes())["cases"]
LABELS = st.text("abcXYZ019-_", min_size=1, max_size=8)


def test_all_cases_are_here() -> None:
    assert len(CASES) == 180


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['pattern']}|{case['domain']}")
def test_the_verdict_is_upstreams(case: dict[str, Any]) -> None:
    if case["allowed"] == "bad_pattern":
        with pytest.raises(UsageError, match="is no domain pattern"):
            DomainPattern(case["pattern"])
    else:
        assert DomainPattern(case["pattern"]).covers(case["domain"]) is case["allowed"]


@pytest.mark.parametrize(
    ("pattern", "domain", "covered"),
    [
        ("[ab].example.com", "A.example.com", True),
        ("[!ab].example.com", "c.example.com", True),
        ("[!ab].example.com", "a.example.com", False),
        ("[a-c]x.example.com", "Bx.example.com", True),
        ("[A-_]x.example.com", "^x.example.com", True),
        ("[A-_]x.example.com", "bx.example.com", False),
        ("[]].example.com", "].example.com", True),
        ("[.]", ".", False),
        ("a[b-]c", "a-c", True),
        ("[z-a].com", "m.com", False),
        ("a.**.**.b", "a.b", True),
        ("a.**.**.b", "a.x.y.b", True),
        ("*.**", "a", False),
        ("*.**", "a.b.c", True),
        ("example.com", "example..com", False),
        ("K.com", "\u212a.com", False),
        ("\u212a.com", "k.com", False),
        ("[\u212a].com", "k.com", False),
    ],
)
def test_the_rest_of_the_language(pattern: str, domain: str, covered: bool) -> None:
    assert DomainPattern(pattern).covers(domain) is covered


@pytest.mark.parametrize("pattern", ["a**", "**a", "a.**b", "[!]", "[]", "a.[b", "****", "x.***.y"])
def test_what_is_no_pattern_is_refused_with_its_text(pattern: str) -> None:
    with pytest.raises(UsageError) as refused:
        DomainPattern(pattern)
    assert repr(pattern) in str(refused.value)


@given(st.lists(LABELS, min_size=1, max_size=5))
def test_a_domain_covers_itself_in_any_case(labels: list[str]) -> None:
    domain = ".".join(labels)
    assert DomainPattern(domain).covers(domain.swapcase() + ".")
    assert DomainPattern("**").covers(domain)
    assert DomainPattern("*").covers(domain) is (len(labels) == 1)
    assert DomainPattern(f"**.{labels[-1]}").covers(domain)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(pattern: str, domain: str) -> None:
    with contextlib.suppress(UsageError):
        DomainPattern(pattern).covers(domain)


@given(
    st.text("ab.*?", max_size=14).filter(lambda text: "**" not in text)
    | st.lists(st.sampled_from(["**", "*", "a", "b", "*a", "a*", "*a*b", "?*"]), max_size=7).map(".".join),
    st.text("ab.", min_size=1, max_size=14),
)
def test_stars_take_what_any_choice_of_lengths_would(pattern: str, domain: str) -> None:
    try:
        path = parse_domain(domain).replace(".", "/")
    except Refusal:
        return
    sought = pattern.replace(".", "/")
    itself = sought.startswith("*/") and sought[2:] == path
    assert DomainPattern(pattern).covers(domain) is (itself or _covers(sought, path))


def _covers(pattern: str, path: str) -> bool:
    if not pattern or not path:
        return (pattern in ("", "*", "**") and not path) or (
            pattern.startswith("**/") and _covers(pattern[3:], path)
        )
    if pattern == "**":
        return True
    if pattern.startswith("**/"):
        places = [0, *(number + 1 for number, each in enumerate(path) if each == "/")]
        return any(_covers(pattern[3:], path[place:]) for place in places)
    if pattern[0] == "*":
        end = f"{path}/".index("/")
        return any(_covers(pattern[1:], path[taken:]) for taken in range(end + 1))
    fits = path[0] != "/" if pattern[0] == "?" else path[0] == pattern[0]
    return fits and _covers(pattern[1:], path[1:])


@pytest.mark.parametrize(
    ("pattern", "domain"),
    [
        ("*a" * 30 + "b.c", f"{'a' * 63}.c"),
        ("**." * 60 + "b", "a." * 120 + "a"),
        ("**.*a*a*a.b", "aaaa." * 40 + "a"),
    ],
)
def test_many_stars_take_no_time(pattern: str, domain: str) -> None:
    assert not DomainPattern(pattern).covers(domain)
