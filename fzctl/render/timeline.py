"""What became of each domain over time, as a picture of bands inside the HTML report."""

from __future__ import annotations

from html import escape as quote
from typing import Final

from fzctl.analysis.ladder import Analysis
from fzctl.analysis.story import Domain
from fzctl.nat.client import State
from fzctl.render.escape import escape
from fzctl.render.laddertext import cut
from fzctl.render.spans import format_span

STYLE: Final = """\
.timeline { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.timeline text { fill: #1f2328; } .timeline .dim { fill: #59636e; }
.timeline .nothing { fill: #eff2f5; } .timeline .pending { fill: #d4a72c; }
.timeline .again { fill: #eac54f; }
.timeline .works { fill: #2da44e; } .timeline .failed { fill: #cf222e; }
.timeline line { stroke: #1f2328; stroke-width: 1.5; }
.timeline line.answer { stroke-dasharray: 3 2; }
@media (prefers-color-scheme: dark) {
.timeline text { fill: #e6edf3; } .timeline .dim { fill: #9198a1; } .timeline .nothing { fill: #21262d; }
.timeline .pending { fill: #9e6a03; } .timeline .again { fill: #845306; } .timeline .works { fill: #238636; }
.timeline .failed { fill: #da3633; } .timeline line { stroke: #e6edf3; }
}
"""
MOST_DOMAINS: Final = 40

_WIDTH: Final = 1000
_LEFT: Final = 250
_RIGHT: Final = 990
_ROW: Final = 28
_CLASSES: Final = {
    State.PENDING: "pending",
    State.CONFIRMED: "works",
    State.FAILED: "failed",
    None: "nothing",
}
_KEY: Final = (
    ("pending", "asked, packets wait"), ("again", "asked anew"), ("works", "works"), ("failed", "FAILED"),
    ("nothing", "unknown or ended"),
)  # fmt: skip


def timeline_svg(analysis: Analysis) -> str:
    """The picture; empty where the input has no times."""
    story = analysis.story
    if story.first is None or story.last is None or story.last <= story.first:
        return ""
    domains = [domain for connection in story.connections for domain in connection.domains]
    if not domains:
        return ""
    scale = (_RIGHT - _LEFT) / (story.last - story.first)
    parts = [_key()]
    y = 34
    for domain in domains[:MOST_DOMAINS]:
        name = cut(escape(domain.domain), 30)
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 14}" text-anchor="end">{quote(name)}</text>')
        parts += _bands(domain, y, story.first, story.last, scale)
        y += _ROW
    if len(domains) > MOST_DOMAINS:
        rest = len(domains) - MOST_DOMAINS
        parts.append(
            f'<text class="dim" x="{_LEFT - 10}" y="{y + 14}" text-anchor="end">... {rest:,} more</text>'
        )
        y += _ROW
    parts.append(f'<text class="dim" x="{_LEFT}" y="{y + 12}">0</text>')
    end = format_span(story.last - story.first)
    parts.append(f'<text class="dim" x="{_RIGHT}" y="{y + 12}" text-anchor="end">{end}</text>')
    return (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {y + 20}" role="img" '
        f'aria-label="each domain over time">{"".join(parts)}</svg>'
    )


def _key() -> str:
    found, x = "", _LEFT
    for name, words in _KEY:
        found += f'<rect class="{name}" x="{x}" y="4" width="14" height="14"/>'
        found += f'<text class="dim" x="{x + 20}" y="16">{words}</text>'
        x += 34 + round(len(words) * 8)
    return found


def _bands(domain: Domain, y: int, first: int, last: int, scale: float) -> list[str]:
    """Bands for the states, and a tick for each question and answer."""
    points = [(first, "nothing")]
    for change in domain.changes.things:
        if change.spot.time is None:
            continue
        name = _CLASSES.get(change.state, "again")
        points.append((change.spot.time, "again" if name == "pending" and not change.buffering else name))
    found = []
    for (since, name), (until, _) in zip(points, [*points[1:], (last, "")], strict=True):
        x, width = _LEFT + (since - first) * scale, (until - since) * scale
        if width > 0:
            found.append(
                f'<rect class="{name}" x="{x:.1f}" y="{y}" width="{max(1.0, width):.1f}" height="20"/>'
            )
    for asked in domain.exchanges.things:
        ticks = [(spot.time, "") for spot in asked.questions]
        ticks.append((None if asked.answer is None else asked.answer.time, "answer"))
        for time, name in ticks:
            if time is not None:
                x = _LEFT + (time - first) * scale
                found.append(f'<line class="{name}" x1="{x:.1f}" y1="{y - 2}" x2="{x:.1f}" y2="{y + 22}"/>')
    return found
