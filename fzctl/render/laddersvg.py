"""The ladder as a picture: ``--svg``, and inside the HTML report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as quote
from typing import Final

from fzctl.analysis.ladder import Analysis
from fzctl.render.clock import format_time
from fzctl.render.escape import escape
from fzctl.render.ladder import ladder_rows
from fzctl.render.laddertext import cut, format_offset, is_short, wrap
from fzctl.render.marks import file_marks
from fzctl.render.rows import FLOW, GAP, LEFT, MESSAGE, MISSING, MORE, RIGHT, SESSION, Row

MOST_RUNGS: Final = 250
"""Rungs that are drawn from each end."""

STYLE: Final = """\
.ladder { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.ladder text { fill: #1f2328; }
.ladder .head { font-weight: bold; }
.ladder .dim { fill: #59636e; }
.ladder .good { fill: #116329; } .ladder .bad { fill: #b3161f; } .ladder .ignored { fill: #7d4e00; }
.ladder line { stroke: #59636e; stroke-width: 1.5; }
.ladder line.lane { stroke: #afb8c1; stroke-width: 2; }
.ladder line.good { stroke: #1a7f37; } .ladder line.bad { stroke: #cf222e; }
.ladder line.ignored { stroke: #9a6700; } .ladder line.dim { stroke: #818b98; }
.ladder line.flow { stroke-dasharray: 2 4; } .ladder line.missing { stroke-dasharray: 7 5; }
.ladder polygon { fill: #59636e; }
.ladder polygon.good { fill: #1a7f37; } .ladder polygon.bad { fill: #cf222e; }
.ladder polygon.ignored { fill: #9a6700; }
.ladder rect { fill: #ddf4ff; } .ladder rect.paper { fill: #ffffff; }
.ladder a:hover text { text-decoration: underline; }
@media (prefers-color-scheme: dark) {
.ladder text { fill: #e6edf3; } .ladder .dim { fill: #9198a1; }
.ladder .good { fill: #56d364; } .ladder .bad { fill: #ff7b72; } .ladder .ignored { fill: #e3b341; }
.ladder line { stroke: #9198a1; } .ladder line.lane { stroke: #3d444d; }
.ladder line.good { stroke: #3fb950; } .ladder line.bad { stroke: #f85149; }
.ladder line.ignored { stroke: #d29922; } .ladder line.dim { stroke: #656c76; }
.ladder polygon { fill: #9198a1; } .ladder polygon.good { fill: #3fb950; }
.ladder polygon.bad { fill: #f85149; } .ladder polygon.ignored { fill: #d29922; }
.ladder rect { fill: #1b3a57; } .ladder rect.paper { fill: #0d1117; }
}
"""

_WIDTH: Final = 1000
_TIME: Final = 96
_FRAME: Final = 108
_CLIENT: Final = 190
_GATEWAY: Final = 690
_NOTE: Final = 712
_ROW: Final = 30
_NARROW: Final = 24
_LINE: Final = 16
_CHARACTER: Final = 7.9
_LABEL: Final = int((_GATEWAY - _CLIENT - 40) / _CHARACTER)
_NOTES: Final = int((_WIDTH - _NOTE - 4) / _CHARACTER)
_NARROW_KINDS: Final = (GAP, MORE)


def to_svg(analyses: Sequence[Analysis]) -> str:
    """A file of its own: the ladders of all analyses, one below the other."""
    parts = []
    height = 0
    for analysis in analyses:
        marks = file_marks(analysis)
        names = ", ".join(f"{marks[each]} = {each}" if marks else each for each in analysis.files)
        title = cut(escape(names), int(_WIDTH / _CHARACTER) - 2)
        drawn, size = _draw(analysis, MOST_RUNGS, linked=False)
        parts.append(f'<text class="head" x="8" y="{height + 22}">{quote(title)}</text>')
        parts.append(f'<g transform="translate(0 {height + 30})">{drawn}</g>')
        height += size + 50
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ladder" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="ladder diagram">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def inline_svg(analysis: Analysis, most: int, prefix: str) -> str:
    """The ladder for a page that has :data:`STYLE`; messages are links to ``#prefix`` and their rung."""
    drawn, height = _draw(analysis, most, linked=True, prefix=prefix)
    return (
        f'<svg class="ladder" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="ladder diagram">{drawn}</svg>'
    )


def _draw(analysis: Analysis, most: int, *, linked: bool, prefix: str = "") -> tuple[str, int]:
    rows = ladder_rows(analysis, most)
    start = analysis.story.first
    fine = is_short(rows, start)
    parts = []
    y = 44
    for row in rows:
        drawn = "".join(_row(row, y, start, fine=fine))
        if linked and row.rung is not None and row.kind == MESSAGE:
            drawn = f'<a href="#{prefix}{row.rung}">{drawn}</a>'
        parts.append(drawn)
        lines = max(1, len(wrap(row.note, _NOTES)))
        y += (_NARROW if row.kind in _NARROW_KINDS else _ROW) + (lines - 1) * _LINE
    began = format_time(start)
    head = (
        f'<text class="dim" x="{_TIME}" y="18" text-anchor="end">seconds</text>'
        f'<text class="head" x="{_CLIENT}" y="18" text-anchor="middle">client</text>'
        f'<text class="head" x="{_GATEWAY}" y="18" text-anchor="middle">gateway</text>'
    )
    if began:
        middle = (_CLIENT + _GATEWAY) // 2
        zero = f"0 = {began[:10]} {began[11:26]} UTC"
        head += f'<text class="dim" x="{middle}" y="18" text-anchor="middle">{zero}</text>'
    lanes = "".join(f'<line class="lane" x1="{x}" y1="24" x2="{x}" y2="{y}"/>' for x in (_CLIENT, _GATEWAY))
    return head + lanes + "\n".join(parts), y + 10


def _row(row: Row, y: int, start: int | None, *, fine: bool) -> Iterator[str]:
    middle = (_CLIENT + _GATEWAY) // 2
    mood = f" {row.mood}" if row.mood else ""
    if row.kind in (GAP, MORE):
        text = f"... {row.label} ..." if row.kind == MORE else f"{row.label} later"
        yield f'<text class="dim" x="{middle}" y="{y + 4}" text-anchor="middle">{quote(text)}</text>'
        return
    offset = format_offset(row.time, start, fine=fine)
    yield f'<text class="dim" x="{_TIME}" y="{y + 4}" text-anchor="end">{offset}</text>'
    yield f'<text class="dim" x="{_FRAME}" y="{y + 4}">{quote(row.frame)}</text>'
    for place, words in enumerate(wrap(row.note, _NOTES)):
        yield f'<text class="note{mood}" x="{_NOTE}" y="{y + 4 + place * _LINE}">{quote(words)}</text>'
    if row.kind == SESSION:
        yield f'<rect x="{_CLIENT + 1}" y="{y - 9}" width="{_GATEWAY - _CLIENT - 2}" height="18"/>'
        yield f'<text class="dim" x="{middle}" y="{y + 4}" text-anchor="middle">{quote(row.label)}</text>'
        return
    label = cut(row.label, _LABEL)
    if row.about and len(label) + 4 < _LABEL:
        label += f" {cut(row.about, _LABEL - len(label) - 1)}"
    yield f'<text class="label{mood}" x="{middle}" y="{y - 3}" text-anchor="middle">{quote(label)}</text>'
    line = y + 3
    if row.kind == MISSING:
        line = y + 8
        yield f'<line class="missing bad" x1="{middle}" y1="{line}" x2="{_GATEWAY - 2}" y2="{line}"/>'
        for slope in (5, -5):
            left, right = middle - 5, middle + 5
            yield f'<line class="bad" x1="{left}" y1="{line - slope}" x2="{right}" y2="{line + slope}"/>'
        return
    flow = " flow" if row.kind == FLOW else ""
    yield f'<line class="arrow{flow}{mood}" x1="{_CLIENT + 2}" y1="{line}" x2="{_GATEWAY - 2}" y2="{line}"/>'
    if row.way != LEFT:
        yield _head(_GATEWAY - 2, line, -9, mood)
    if row.way != RIGHT:
        yield _head(_CLIENT + 2, line, 9, mood)


def _head(x: int, y: int, back: int, mood: str) -> str:
    return f'<polygon class="tip{mood}" points="{x},{y} {x + back},{y - 5} {x + back},{y + 5}"/>'
