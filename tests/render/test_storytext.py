"""``analyze -T text``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fzctl.render.storytext import to_text
from tests.analysis.scenario import Scene
from tests.records import harmful
from tests.render.analyses import analysis_of, hostile, inactive, with_traffic, working


@pytest.mark.parametrize("width", [80, 120])
def test_texts_are_as_they_were_looked_at(width: int, golden: Callable[[str, str], None]) -> None:
    scene = Scene(session=1)
    scene.ask(0)
    scene.answer(0.1)
    scene.ask(20, "b.example", 0)
    scene.goodbye(50, "b>a")
    analyses = (
        analysis_of(inactive().records, asked="+5"), with_traffic(), analysis_of(working(30).records),
        analysis_of(scene.records), analysis_of([]),
    )  # fmt: skip
    texts = [to_text(each, width, colour=False, most_rungs=4) for each in analyses]
    golden(f"{'=' * width}\n".join(texts), f"analysis-{width}.txt")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for analysis in (hostile(), with_traffic(), analysis_of(working(30).records)):
        for line in to_text(analysis, width, colour=False, most_rungs=1000).splitlines():
            assert len(line) <= width, line


def test_hostile_texts_are_harmless() -> None:
    assert harmful(to_text(hostile(), 100, colour=False, most_rungs=1000)) == set()


def test_without_a_ladder_there_is_none() -> None:
    assert "Ladder" not in to_text(analysis_of(inactive().records), 80, colour=False, most_rungs=0)
