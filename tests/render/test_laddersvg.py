"""The ladder as a picture: well-formed, harmless, and the same rows as the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fzctl.render.laddersvg import inline_svg, to_svg
from tests.records import harmful
from tests.render.analyses import SCRIPTS, analysis_of, hostile, inactive, with_traffic, working

SVG = "{http://www.w3.org/2000/svg}"


def texts_of(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_every_row_is_drawn() -> None:
    svg = to_svg([analysis_of(inactive().records)])
    texts = texts_of(svg)
    for expected in (
        "a.pcap",
        "client",
        "gateway",
        "AssignedIps wiki.example.com",
        "FAILED after 12.040 s, FZ307",
    ):
        assert expected in texts
    assert svg.count('class="missing bad"') == 1
    assert svg.count("<polygon") == 3


def test_the_ladders_of_several_inputs_stand_below_each_other() -> None:
    svg = to_svg([analysis_of(inactive().records), analysis_of(working().records, files=("b.pcap",))])
    assert [text for text in texts_of(svg) if text.endswith(".pcap")] == ["a.pcap", "b.pcap"]
    shifts = [int(found) for found in re.findall(r"translate\(0 (\d+)\)", svg)]
    assert shifts == sorted(set(shifts))


@pytest.mark.parametrize("make", [hostile, with_traffic])
def test_hostile_texts_are_text_and_nothing_is_fetched(make: Callable[[], object]) -> None:
    svg = to_svg([make()])  # type: ignore[list-item]
    tree = ElementTree.fromstring(svg)
    tags = {each.tag.removeprefix(SVG) for each in tree.iter()}
    assert tags <= {"svg", "style", "rect", "text", "g", "line", "polygon"}
    assert not any(name.startswith("on") or "href" in name for each in tree.iter() for name in each.attrib)
    assert harmful(svg) == set()
    assert "url(" not in svg


def test_hostile_names_are_shown_as_they_are() -> None:
    # The domains that no receiver takes are not shown in the ladder; the file's name is.
    assert "<b>a</b>\\x1b[31m.pcap" in texts_of(to_svg([hostile()]))
    assert not any(script in to_svg([hostile()]) for script in SCRIPTS)


def test_in_a_page_messages_are_links() -> None:
    assert inline_svg(analysis_of(inactive().records), 9, "m").count('<a href="#m') == 3


@pytest.mark.peer("chromium")
def test_a_browser_draws_it(tmp_path: Path, require_peer: Callable[[str], str]) -> None:
    from tests.render.browser import browse

    path = tmp_path / "ladder.svg"
    path.write_text(to_svg([analysis_of(inactive().records)]), encoding="utf-8")
    picture = tmp_path / "ladder.png"
    browse(require_peer("chromium"), path, tmp_path, f"--screenshot={picture}")
    assert picture.stat().st_size > 5000
