"""``analyze -T text``: the verdict, the ladder, tables and findings for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fzctl.analysis.findings import Finding
from fzctl.analysis.ladder import Analysis
from fzctl.render.clock import format_time
from fzctl.render.escape import escape
from fzctl.render.ladder import ladder_rows
from fzctl.render.laddertext import cut, ladder_lines, wrap
from fzctl.render.lines import paint
from fzctl.render.marks import file_marks
from fzctl.render.storytables import Cell, Table, tables_of, without_empty_columns
from fzctl.render.verdict import verdict_on

MOST_ROWS: Final = 20
MOST_FINDINGS: Final = 20
_LEAST_COLUMN: Final = 12
_SEVERITY_MOODS: Final = {"error": "bad", "warning": "ignored", "note": "dim"}
_MOST_FRAMES: Final = 6


def to_text(analysis: Analysis, width: int, *, colour: bool, most_rungs: int) -> str:
    """All of it, with the ladder's first and last ``most_rungs`` (0: without the ladder)."""
    return "".join(f"{line}\n" for line in _lines(analysis, width, colour, most_rungs))


def _lines(analysis: Analysis, width: int, colour: bool, most_rungs: int) -> Iterator[str]:
    story = analysis.story
    marks = file_marks(analysis)
    names = [f"{marks[each]} = {each}" if marks else each for each in analysis.files]
    yield from wrap(escape(", ".join(names)), width)
    yield ""
    verdict = verdict_on(analysis)
    for line in wrap(verdict.headline, width):
        yield paint(line, verdict.mood, colour)
    yield from wrap(" ".join(verdict.sentences), width)
    for advice in verdict.look:
        first, *more = wrap(f"Look at: {advice}", width - 2)
        yield f"> {first}"
        yield from (f"  {line}" for line in more)
    if not story.messages:
        return
    if most_rungs:
        yield ""
        began = format_time(story.first)
        yield paint("Ladder", "bold", colour) + (
            f"  (seconds after {began[:10]} {began[11:26]} UTC)" if began else ""
        )
        yield from ladder_lines(ladder_rows(analysis, most_rungs), story.first, width, colour=colour)
    for table in tables_of(analysis, MOST_ROWS):
        yield ""
        yield from _table_lines(without_empty_columns(table), width, colour)
    yield ""
    yield from _finding_lines(analysis, width, colour)


def _table_lines(table: Table, width: int, colour: bool) -> Iterator[str]:
    yield paint(table.title, "bold", colour)
    for line in wrap(table.about, width - 2) if table.about else ():
        yield paint(f"  {line}", "dim", colour)
    widths = [
        max(len(heading), *(len(row[place].text) for row in table.rows))
        for place, heading in enumerate(table.headings)
    ]
    for name in table.spare:
        if sum(widths) + 2 * len(widths) <= width or name not in table.headings:
            continue
        table, widths = _without(table, widths, table.headings.index(name))
    room = width - 2 - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _LEAST_COLUMN:
        widest = widths.index(max(widths))
        widths[widest] = max(_LEAST_COLUMN, widths[widest] - (sum(widths) - room))
    numbers = [heading in table.right for heading in table.headings]
    yield paint("  " + _row(tuple(map(Cell, table.headings)), widths, numbers, False), "dim", colour)
    for row in table.rows:
        yield "  " + _row(row, widths, numbers, colour)
    if table.left_out:
        yield paint(f"  ... {table.left_out:,} more (-T json and --html show them)", "dim", colour)


def _without(table: Table, widths: list[int], place: int) -> tuple[Table, list[int]]:
    """The table without one column."""
    return (
        table._replace(
            headings=table.headings[:place] + table.headings[place + 1 :],
            rows=tuple(row[:place] + row[place + 1 :] for row in table.rows),
        ),
        widths[:place] + widths[place + 1 :],
    )


def _row(row: tuple[Cell, ...], widths: list[int], numbers: list[bool], colour: bool) -> str:
    cells = []
    for cell, width, is_number in zip(row, widths, numbers, strict=True):
        text = cut(cell.text, width)
        blanks = " " * (width - len(text))
        shown = paint(text, cell.mood, colour) if cell.mood else text
        cells.append(blanks + shown if is_number else shown + blanks)
    return "  ".join(cells).rstrip()


def _finding_lines(analysis: Analysis, width: int, colour: bool) -> Iterator[str]:
    findings = analysis.story.findings
    if not findings:
        yield paint("Findings: none", "good", colour)
        return
    yield paint(f"Findings ({len(findings)})", "bold", colour)
    explained: set[str] = set()
    marks = file_marks(analysis)
    for finding in findings[:MOST_FINDINGS]:
        rule = finding.rule
        head = f"{rule.severity:<8}{rule.id}  "
        first, *more = wrap(f"{rule.title}: {finding_words(finding, marks)}", width - 2 - len(head))
        mood = _SEVERITY_MOODS[rule.severity]
        yield f"  {paint(head, mood, colour)}{first}"
        yield from (f"  {' ' * len(head)}{line}" for line in more)
        if rule.id in explained:
            continue
        explained.add(rule.id)
        for title, text in (("why", rule.why), ("look", rule.look)):
            first, *more = wrap(text, width - 10 - len(head))
            yield f"  {' ' * len(head)}{paint(f'{title:>4}: ', 'dim', colour)}{first}"
            yield from (f"  {' ' * len(head)}      {line}" for line in more)
    if len(findings) > MOST_FINDINGS:
        rest = len(findings) - MOST_FINDINGS
        yield paint(f"  ... {rest:,} more (fzctl check, -T json and --html show them)", "dim", colour)


def finding_words(finding: Finding, marks: dict[str, str]) -> str:
    """What a finding is about, in what frames, how often."""
    domain = f"{escape(finding.subject.domain)}: " if finding.subject.domain else ""
    frames = [f"{marks.get(spot.file or '', '')}#{spot.frame}" for spot in finding.spots[:_MOST_FRAMES]]
    if len(finding.spots) > _MOST_FRAMES:
        frames.append("..")
    where = f" ({', '.join(dict.fromkeys(frames))})" if frames else ""
    times = f", {finding.times:,} times" if finding.times > 1 else ""
    return f"{domain}{escape(finding.detail)}{where}{times}"
