"""The bands of the report's timeline."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from fzctl.render.timeline import MOST_DOMAINS, timeline_svg
from tests.render.analyses import analysis_of, hostile, inactive, working


def bands(svg: str) -> list[tuple[str, float, float]]:
    found = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="\d+" width="([\d.]+)" height="20"/>', svg)
    return [(name, float(x), float(width)) for name, x, width in found]


def test_a_band_lasts_as_long_as_its_state() -> None:
    scene = inactive()
    scene.ask(24.08, "b.example", 1)
    svg = timeline_svg(analysis_of(scene.records))
    (first, x, width), (second, y, rest), *_ = bands(svg)
    assert (first, second) == ("pending", "failed")
    assert abs(width - rest) < 0.2
    assert abs(x + width - y) < 0.2


def test_questions_and_answers_are_ticks() -> None:
    svg = timeline_svg(analysis_of(inactive().records))
    assert svg.count('<line class=""') == 2
    assert svg.count('<line class="answer"') == 1


def test_many_domains_are_cut_and_counted() -> None:
    svg = timeline_svg(analysis_of(working(MOST_DOMAINS + 3).records))
    assert "... 3 more" in svg
    ElementTree.fromstring(svg)


def test_without_times_or_domains_there_is_no_picture() -> None:
    assert timeline_svg(analysis_of([])) == ""
    timeless = [record._replace(time=None) for record in working().records]
    assert timeline_svg(analysis_of(timeless)) == ""


def test_hostile_names_stay_text() -> None:
    svg = timeline_svg(hostile())
    if svg:
        ElementTree.fromstring(svg)
