"""Findings as people read them and as programs do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fzctl.analysis.findings import Finding, Spot, Subject
from fzctl.analysis.rules import INACTIVE, ODD_HEADER, RULES, UNANSWERED
from fzctl.render.findings import (
    MOST_LISTED,
    count_sentence,
    in_time,
    to_finding_json,
    to_finding_object,
    to_findings_text,
    to_rule_object,
    to_rules_text,
)
from tests.records import HOSTILE, RESOURCE, TIME, harmful

SECOND = 10**9


def finding(
    rule: Any = INACTIVE, *frames: int, domain: str = "a.example", at: float = 0, **more: Any
) -> Finding:
    spots = tuple(
        Spot(frame, TIME + round(at * SECOND) + frame, more.get("file")) for frame in frames or (1,)
    )
    subject = Subject(1, more.get("connection", 1), RESOURCE, domain)
    return Finding(rule, subject, more.get("detail", "Inactive after 1 s"), spots, more.get("times", 1))


FINDINGS = [
    finding(INACTIVE, 9, at=8),
    finding(UNANSWERED, 2, 5, at=1, times=2, domain="b.example", connection=2),
    finding(INACTIVE, 3, at=2, domain="c.example", detail="Inactive after " + "a very long time, " * 8),
    finding(ODD_HEADER, *range(20, 40), at=9, times=70, domain="", detail="hop limit 64"),
]


@pytest.mark.parametrize("width", [80, 120])
def test_rules_stand_in_the_order_of_time_with_their_findings(
    width: int, golden: Callable[[str, str], None]
) -> None:
    golden(to_findings_text(FINDINGS, width, brief=width == 80), f"findings-{width}.txt")


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 60, 80):
        text = to_findings_text(FINDINGS, width, brief=True)
        assert max(map(len, text.splitlines())) <= width


def test_order_is_time_then_frame() -> None:
    timeless = finding()._replace(spots=(Spot(7, None, None),))
    assert in_time([*FINDINGS, timeless]) == [timeless, FINDINGS[1], FINDINGS[2], FINDINGS[0], FINDINGS[3]]


def test_many_findings_of_a_rule_are_counted() -> None:
    many = [finding(INACTIVE, number, domain=f"d{number}.example") for number in range(1, MOST_LISTED + 9)]
    text = to_findings_text(many, 100)
    assert "and 8 more (-T jsonl has all)" in text
    assert f"d{MOST_LISTED + 1}.example" not in text


def test_json_says_all_of_it() -> None:
    found = json.loads(to_finding_json(finding(UNANSWERED, 4, 6, file="x.pcap", times=5)))
    assert list(found) == [
        *("schema", "rule", "severity", "frame", "time", "file", "title", "detail", "why", "next"),
        *("tunnel", "connection", "resource", "domain", "times", "spots"),
    ]
    assert (found["rule"], found["severity"], found["frame"], found["file"]) == (
        "FZ301",
        "error",
        4,
        "x.pcap",
    )
    assert [spot["frame"] for spot in found["spots"]] == [4, 6]
    assert found["time"] == found["spots"][0]["time"]


def test_a_finding_without_a_frame_has_none() -> None:
    found = to_finding_object(finding()._replace(spots=()))
    assert (found["frame"], found["time"], found["spots"]) == (None, None, [])
    assert "FZ307" in to_findings_text([finding()._replace(spots=())], 80)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    hostile = finding(domain=text, detail=text, file=text)
    assert not harmful(to_findings_text([hostile], 80))
    assert not harmful(to_finding_json(hostile))


def test_counts_begin_with_the_worst() -> None:
    assert count_sentence(Counter()) == "no findings"
    assert count_sentence(Counter(note=1, error=2)) == "3 findings (2 errors, 1 note)"
    assert count_sentence(Counter(warning=1)) == "1 finding (1 warning)"


def test_rules_are_listed_one_a_line() -> None:
    lines = to_rules_text(RULES).splitlines()
    assert len(lines) == len(RULES)
    assert lines[0] == "FZ101  error    a receiver refuses the message"
    assert to_rule_object(INACTIVE)["next"] == INACTIVE.look


def test_colour_paints_and_says_the_same() -> None:
    plain, coloured = (to_findings_text(FINDINGS, 100, colour=each) for each in (False, True))
    assert "\x1b[31m" in coloured
    for style in ("0", "1", "2", "31", "33"):
        coloured = coloured.replace(f"\x1b[{style}m", "")
    assert coloured == plain
