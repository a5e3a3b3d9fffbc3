"""The picture under an error points at the right place, whatever the expression holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EXIT_USAGE, UsageError
from fzctl.filter.errors import FilterError, Span, point_at, quoted


def test_the_message_is_a_sentence_the_expression_and_carets() -> None:
    error = FilterError("kind == abc", Span(8, 11), "abc is no number")
    assert str(error) == "filter: abc is no number\n  kind == abc\n          ^^^"
    assert isinstance(error, UsageError)
    assert error.exit_code == EXIT_USAGE


def test_the_end_of_the_expression_has_a_place_too() -> None:
    assert point_at("a ==", Span(4, 4)) == "  a ==\n      ^"


def test_a_long_expression_is_cut_around_the_place() -> None:
    shown, carets = point_at("a" * 500 + "HERE" + "b" * 500, Span(500, 504)).splitlines()
    assert len(shown) < 90
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "HERE"


def test_control_characters_reach_no_terminal() -> None:
    shown = point_at("a\x1b[31m\n\u202eb", Span(0, 1)).splitlines()[0]
    assert shown == "  a\ufffd[31m \ufffdb"
    assert quoted("\x1b") == "\ufffd"
    assert quoted("x" * 100) == "x" * 48 + "..."


@given(st.text(), st.integers(0, 300), st.integers(0, 300))
def test_any_place_of_any_text_can_be_shown(text: str, first: int, second: int) -> None:
    start, end = sorted((first, second))
    shown, carets = point_at(text, Span(start, end)).split("\n")
    assert "^" in carets
    assert carets.index("^") <= max(len(shown), 2)
