"""The ladder as text, at every width."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fzctl.render.ladder import ladder_rows
from fzctl.render.laddertext import cut, format_offset, ladder_lines, wrap
from tests.render.analyses import analysis_of, hostile, inactive, with_traffic, working


@pytest.mark.parametrize("width", [80, 120])
def test_a_ladder_is_as_it_was_looked_at(width: int, golden: Callable[[str, str], None]) -> None:
    texts = []
    for analysis in (analysis_of(inactive().records), with_traffic(), analysis_of(working(30).records)):
        rows = ladder_rows(analysis, 4)
        texts.append("\n".join(ladder_lines(rows, analysis.story.first, width, colour=False)))
    golden("\n\n".join(texts) + "\n", f"ladder-{width}.txt")


@pytest.mark.parametrize("width", [60, 80, 81, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for analysis in (hostile(), with_traffic(), analysis_of(working(30).records)):
        for line in ladder_lines(ladder_rows(analysis, 1000), analysis.story.first, width, colour=False):
            assert len(line) <= max(width, 80), line


def test_colour_adds_nothing_but_colour() -> None:
    import re

    analysis = analysis_of(inactive().records)
    rows = ladder_rows(analysis, 9)
    plain, painted = (
        list(ladder_lines(rows, analysis.story.first, 80, colour=each)) for each in (False, True)
    )
    assert "\x1b[" in "".join(painted)
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in painted] == plain


def test_words_are_wrapped_and_what_is_too_long_is_broken() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefgh ij", 3) == ["abc", "def", "gh", "ij"]
    assert wrap("", 5) == []
    assert cut("abcdefgh", 5) == "abc.."
    assert cut("abc", 5) == "abc"


def test_offsets_are_seconds() -> None:
    assert format_offset(1_500_000_000, 0, fine=False) == "1.500"
    assert format_offset(1_500, 0, fine=True) == "0.000002"
    assert format_offset(None, 0, fine=True) == ""
