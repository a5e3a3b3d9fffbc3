"""The event model: severities of every shape, and values by name."""

from __future__ import annotations

import pytest

from fzctl.logs.event import SEVERITIES, Event, Span, severity_of, values_of


@pytest.mark.parametrize("word", SEVERITIES)
def test_a_canonical_severity_is_itself_in_any_case(word: str) -> None:
    assert severity_of(word) == severity_of(word.lower()) == word


@pytest.mark.parametrize(
    ("word", "severity"),
    [("WARNING", "WARN"), ("NOTICE", "INFO"), ("CRITICAL", "ERROR"), ("", None), ("LOUD", None)],
)
def test_other_words_become_canonical_or_nothing(word: str, severity: str | None) -> None:
    assert severity_of(word) == severity


def test_an_events_own_values_come_before_those_of_its_spans_innermost_first() -> None:
    spans = (Span("outer", (("cid", "1"),)), Span("inner", (("cid", 2), ("rid", "r"))))
    event = Event(
        None, None, None, None, (("cid", "0"), ("x", "y"), ("cid", "00")), spans, "flat", None, 1, ""
    )
    assert values_of(event, "cid") == ["0", "00", "2", "1"]
    assert values_of(event, "rid", "x") == ["y", "r"]
    assert values_of(event, "nothing") == []
