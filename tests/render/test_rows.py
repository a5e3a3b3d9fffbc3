"""Rows of a ladder: whatever their kind and way, text shows what they say."""

from __future__ import annotations

import pytest

from fzctl.render.laddertext import ladder_lines
from fzctl.render.rows import FLOW, GAP, LEFT, MESSAGE, MISSING, MORE, RIGHT, SESSION, UNKNOWN, Row


@pytest.mark.parametrize("kind", [MESSAGE, FLOW, MISSING, SESSION, GAP, MORE])
@pytest.mark.parametrize("way", [RIGHT, LEFT, UNKNOWN])
def test_text_shows_the_label_of_every_kind_of_row_in_every_way(kind: str, way: str) -> None:
    row = Row(kind, 0, "#1", way, "a label", "", "", "")
    assert "a label" in "\n".join(ladder_lines([row], 0, 120, colour=False))


@pytest.mark.parametrize("kind", [MESSAGE, FLOW])
def test_the_arrow_shows_the_way(kind: str) -> None:
    right, left, unknown = (
        "\n".join(ladder_lines([Row(kind, 0, "#1", way, "a label", "", "", "")], 0, 120, colour=False))
        for way in (RIGHT, LEFT, UNKNOWN)
    )
    assert (">" in right, "<" in right) == (True, False)
    assert (">" in left, "<" in left) == (False, True)
    assert right != unknown != left
